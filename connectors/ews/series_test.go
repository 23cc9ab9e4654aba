package ews

import (
	"strings"
	"testing"
	"time"

	"lintel/app/when"
)

// The patterns and ranges of a Recurrence, as days on which it takes place in Zurich. Monday, 30 November 2026 is the
// first day of all.
func TestRecurrence(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	const (
		endless = `<NoEndRecurrence><StartDate>2026-11-30</StartDate></NoEndRecurrence>`
		three   = `<NumberedRecurrence><StartDate>2026-11-30+01:00</StartDate><NumberOfOccurrences>3</NumberOfOccurrences></NumberedRecurrence>`
	)
	until := func(day string) string {
		return `<EndDateRecurrence><StartDate>2026-11-30Z</StartDate><EndDate>` + day + `</EndDate></EndDateRecurrence>`
	}
	for name, tc := range map[string]struct{ pattern, span, want string }{
		"daily":                {`<DailyRecurrence><Interval>2</Interval></DailyRecurrence>`, three, "11-30 12-02 12-04"},
		"until a day":          {`<DailyRecurrence><Interval>1</Interval></DailyRecurrence>`, until("2026-12-02"), "11-30 12-01 12-02"},
		"until, with a zone":   {`<DailyRecurrence><Interval>1</Interval></DailyRecurrence>`, until("2026-12-02+01:00"), "11-30 12-01 12-02"},
		"until, with UTC":      {`<DailyRecurrence><Interval>1</Interval></DailyRecurrence>`, until("2026-12-02Z"), "11-30 12-01 12-02"},
		"until, with a time":   {`<DailyRecurrence><Interval>1</Interval></DailyRecurrence>`, until("2026-12-02T00:00:00.000000Z"), "11-30 12-01 12-02"},
		"weekly":               {`<WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>Monday Thursday</DaysOfWeek><FirstDayOfWeek>Monday</FirstDayOfWeek></WeeklyRecurrence>`, three, "11-30 12-03 12-07"},
		"every second week":    {`<WeeklyRecurrence><Interval>2</Interval><DaysOfWeek>Monday</DaysOfWeek></WeeklyRecurrence>`, three, "11-30 12-14 12-28"},
		"on weekdays":          {`<WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>Weekday</DaysOfWeek></WeeklyRecurrence>`, until("2026-12-07"), "11-30 12-01 12-02 12-03 12-04 12-07"},
		"day of the month":     {`<AbsoluteMonthlyRecurrence><Interval>1</Interval><DayOfMonth>30</DayOfMonth></AbsoluteMonthlyRecurrence>`, endless, "11-30 12-30 01-30 02-28 03-30"},
		"31st of the month":    {`<AbsoluteMonthlyRecurrence><Interval>1</Interval><DayOfMonth>31</DayOfMonth></AbsoluteMonthlyRecurrence>`, endless, "11-30 12-31 01-31 02-28 03-31"},
		"last Monday":          {`<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>Monday</DaysOfWeek><DayOfWeekIndex>Last</DayOfWeekIndex></RelativeMonthlyRecurrence>`, three, "11-30 12-28 01-25"},
		"last working day":     {`<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>Weekday</DaysOfWeek><DayOfWeekIndex>Last</DayOfWeekIndex></RelativeMonthlyRecurrence>`, three, "11-30 12-31 01-29"},
		"day of the year":      {`<AbsoluteYearlyRecurrence><DayOfMonth>30</DayOfMonth><Month>November</Month></AbsoluteYearlyRecurrence>`, endless, "11-30"},
		"weekday of the year":  {`<RelativeYearlyRecurrence><DaysOfWeek>Monday</DaysOfWeek><DayOfWeekIndex>Last</DayOfWeekIndex><Month>November</Month></RelativeYearlyRecurrence>`, endless, "11-30"},
		"deleted and modified": {`<DailyRecurrence><Interval>1</Interval></DailyRecurrence>`, three + `</Recurrence><DeletedOccurrences><DeletedOccurrence><Start>2026-12-01T08:00:00Z</Start></DeletedOccurrence></DeletedOccurrences><ModifiedOccurrences><Occurrence><ItemId Id="x"/><Start>2026-12-05T08:00:00Z</Start><End>2026-12-05T09:00:00Z</End><OriginalStart>2026-12-02T08:00:00Z</OriginalStart></Occurrence></ModifiedOccurrences><Recurrence>`, "11-30 12-05"},
		"unknown":              {`<LunarRecurrence><Interval>1</Interval></LunarRecurrence>`, endless, "none"},
	} {
		n, err := decode([]byte(`<CalendarItem><Start>2026-11-30T08:00:00Z</Start><End>2026-11-30T09:00:00Z</End><Recurrence>` + tc.pattern + tc.span + `</Recurrence></CalendarItem>`))
		if err != nil {
			t.Fatal(err)
		}
		got := []string{"none"}
		if s, ok := newSeries(n, zone, false); ok {
			got = nil
			w := when.Interval{From: time.Date(2026, 11, 1, 0, 0, 0, 0, zone), To: time.Date(2027, 4, 1, 0, 0, 0, 0, zone)}
			for _, o := range s.between(w).Occurrences {
				got = append(got, o.From.In(zone).Format("01-02"))
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: got %v, want %s", name, got, tc.want)
		}
	}
}
