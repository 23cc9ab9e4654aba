package ewstest

import (
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// recurrence writes how a series recurs, as grommunio does: dates with a part for the time.
func (it *item) recurrence() string {
	o := it.rule.OrigOptions
	interval := tag("t:Interval", strconv.Itoa(max(o.Interval, 1)))
	start := o.Dtstart
	var pattern string
	switch o.Freq {
	case rrule.DAILY:
		pattern = "<t:DailyRecurrence>" + interval + "</t:DailyRecurrence>"
	case rrule.WEEKLY:
		days := []string{start.Weekday().String()}
		if len(o.Byweekday) > 0 {
			days = nil
			for _, d := range o.Byweekday {
				days = append(days, time.Weekday((d.Day()+1)%7).String())
			}
		}
		pattern = "<t:WeeklyRecurrence>" + interval + tag("t:DaysOfWeek", strings.Join(days, " ")) + "</t:WeeklyRecurrence>"
	case rrule.MONTHLY:
		pattern = "<t:AbsoluteMonthlyRecurrence>" + interval + tag("t:DayOfMonth", strconv.Itoa(start.Day())) + "</t:AbsoluteMonthlyRecurrence>"
	default:
		pattern = "<t:AbsoluteYearlyRecurrence>" + tag("t:DayOfMonth", strconv.Itoa(start.Day())) + tag("t:Month", start.Month().String()) + "</t:AbsoluteYearlyRecurrence>"
	}
	first := tag("t:StartDate", start.Format("2006-01-02")+"T00:00:00.000000Z")
	switch {
	case o.Count > 0:
		return "<t:Recurrence>" + pattern + "<t:NumberedRecurrence>" + first + tag("t:NumberOfOccurrences", strconv.Itoa(o.Count)) + "</t:NumberedRecurrence></t:Recurrence>"
	case !o.Until.IsZero():
		last := o.Until.In(start.Location()).Format("2006-01-02")
		return "<t:Recurrence>" + pattern + "<t:EndDateRecurrence>" + first + tag("t:EndDate", last+"T00:00:00.000000Z") + "</t:EndDateRecurrence></t:Recurrence>"
	}
	return "<t:Recurrence>" + pattern + "<t:NoEndRecurrence>" + first + "</t:NoEndRecurrence></t:Recurrence>"
}

func (it *item) modifiedXML() string {
	var b strings.Builder
	for key, f := range it.exceptions {
		if t, err := time.Parse(stamp, key); err == nil && !f.cancelled {
			b.WriteString(`<t:Occurrence><t:ItemId Id="` + it.occurrenceID(key) + `" ChangeKey="` + changeKey(f.seq) + `"/>` + dateTime("t:Start", f.start) + dateTime("t:End", f.end) + dateTime("t:OriginalStart", t) + `</t:Occurrence>`)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "<t:ModifiedOccurrences>" + b.String() + "</t:ModifiedOccurrences>"
}

func (it *item) deletedXML() string {
	var b strings.Builder
	add := func(key string) {
		if t, err := time.Parse(stamp, key); err == nil {
			b.WriteString(`<t:DeletedOccurrence>` + dateTime("t:Start", t) + `</t:DeletedOccurrence>`)
		}
	}
	for key := range it.deleted {
		add(key)
	}
	for key, f := range it.exceptions {
		if f.cancelled {
			add(key)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "<t:DeletedOccurrences>" + b.String() + "</t:DeletedOccurrences>"
}
