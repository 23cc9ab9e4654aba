package ical

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/when"
)

// expandText expands a file whose events are separated by empty strings and returns each occurrence as
// "2026-11-21T09:00+01:00 60m" (or "2026-11-21..2026-11-22"), in its event's zone, with " <original"
// when it was moved and " summary" when it has one.
func expandText(t testing.TB, from, to, room string, lines string) []string {
	t.Helper()
	text := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\n" +
		strings.NewReplacer("||", "\nEND:VEVENT\nBEGIN:VEVENT\nUID:u\n", "|", "\n").Replace(lines) + "\nEND:VEVENT\nEND:VCALENDAR\n"
	cal, _ := parseOK(t, text)
	o := Options{Zone: zone(t, room)}
	set := Events(cal, o)
	if len(set.Skipped) > 0 {
		t.Fatalf("skipped %v", set.Skipped)
	}
	x := Expand(set.Events, window(t, from, to), o)
	out := []string{}
	for _, occ := range x.Occurrences {
		out = append(out, occurrenceText(occ))
	}
	return out
}

func window(t testing.TB, from, to string) when.Interval {
	t.Helper()
	parse := func(s string) time.Time {
		if !strings.Contains(s, "T") {
			s += "T00:00"
		}
		at, err := time.Parse("2006-01-02T15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	return when.Interval{From: parse(from), To: parse(to)}
}

func occurrenceText(o Occurrence) string {
	s, original := "", ""
	if o.AllDay {
		s = o.FirstDay.String() + ".." + o.EndDay.String()
		original = strings.ReplaceAll(o.FirstDay.String(), "-", "")
	} else {
		s = fmt.Sprintf("%s %dm", o.From.In(o.Event.Zone).Format("2006-01-02T15:04-07:00"), int(o.To.Sub(o.From).Minutes()))
		original = o.From.UTC().Format("20060102T150405Z")
	}
	if o.Original != "" && o.Original != original {
		s += " <" + o.Original
	}
	if o.Event.Summary != "" {
		s += " " + o.Event.Summary
	}
	return s
}

func TestExpand(t *testing.T) {
	t.Parallel()
	const zh = "TZID=Europe/Zurich:"
	tests := []struct {
		name, from, to string // UTC
		room           string // Europe/Zurich when empty
		events         string // "|" separates lines, "||" events; all have one UID
		want           []string
	}{
		{"single", "2026-11-21", "2026-11-22", "", "DTSTART;" + zh + "20261121T090000|DURATION:PT1H", []string{"2026-11-21T09:00+01:00 60m"}},
		{"window is half open: ends at its start", "2026-11-21T09:00", "2026-11-22", "", "DTSTART;" + zh + "20261121T090000|DURATION:PT1H", []string{}},
		{"window is half open: starts at its end", "2026-11-20", "2026-11-21T08:00", "", "DTSTART;" + zh + "20261121T090000|DURATION:PT1H", []string{}},
		{"no length, at the window's start", "2026-11-21T08:00", "2026-11-22", "", "DTSTART;" + zh + "20261121T090000", []string{"2026-11-21T09:00+01:00 0m"}},
		{"no length, at the window's end", "2026-11-20", "2026-11-21T08:00", "", "DTSTART;" + zh + "20261121T090000", []string{}},
		{"long event reaches in", "2026-11-21", "2026-11-22", "", "DTSTART;" + zh + "20261101T090000|DURATION:P60D", []string{"2026-11-01T09:00+01:00 86400m"}},

		// Clocks change: the wall-clock time stays.
		{
			"weekly over the autumn change", "2026-10-20", "2026-11-05", "", "DTSTART;" + zh + "20260901T090000|DURATION:PT1H|RRULE:FREQ=WEEKLY",
			[]string{"2026-10-20T09:00+02:00 60m", "2026-10-27T09:00+01:00 60m", "2026-11-03T09:00+01:00 60m"},
		},
		{
			"daily through the night that comes twice", "2026-10-24", "2026-10-27", "", "DTSTART;" + zh + "20260901T023000|DURATION:PT1H|RRULE:FREQ=DAILY",
			[]string{"2026-10-24T02:30+02:00 60m", "2026-10-25T02:30+02:00 60m", "2026-10-26T02:30+01:00 60m"},
		},
		{
			"daily through the night that is missing", "2027-03-27", "2027-03-30", "", "DTSTART;" + zh + "20270101T023000|DURATION:PT1H|RRULE:FREQ=DAILY",
			[]string{"2027-03-27T02:30+01:00 60m", "2027-03-28T03:30+02:00 60m", "2027-03-29T02:30+02:00 60m"},
		},
		{
			"in UTC nothing stays", "2026-10-24", "2026-10-27", "", "DTSTART:20260901T070000Z|DURATION:PT1H|RRULE:FREQ=DAILY",
			[]string{"2026-10-24T07:00+00:00 60m", "2026-10-25T07:00+00:00 60m", "2026-10-26T07:00+00:00 60m"},
		},
		{
			"Lord Howe changes by half an hour", "2026-10-02T20:00", "2026-10-05", "Australia/Lord_Howe", "DTSTART:20260901T090000|DURATION:PT1H|RRULE:FREQ=DAILY",
			[]string{"2026-10-03T09:00+10:30 60m", "2026-10-04T09:00+11:00 60m", "2026-10-05T09:00+11:00 60m"},
		},
		{
			"Santiago has no midnight", "2026-09-05", "2026-09-08", "America/Santiago", "DTSTART;TZID=America/Santiago:20260901T001500|DURATION:PT30M|RRULE:FREQ=DAILY",
			[]string{"2026-09-05T00:15-04:00 30m", "2026-09-06T01:15-03:00 30m", "2026-09-07T00:15-03:00 30m"},
		},
		{
			"Azores, whole days around the change", "2026-03-28T12:00", "2026-03-30T12:00", "Atlantic/Azores", "DTSTART;VALUE=DATE:20260301|RRULE:FREQ=DAILY",
			[]string{"2026-03-28..2026-03-29", "2026-03-29..2026-03-30", "2026-03-30..2026-03-31"},
		},
		{
			"Beirut, midnight that is missing", "2026-03-28T12:00", "2026-03-30T12:00", "Asia/Beirut", "DTSTART:20260301T000000|DURATION:PT2H|RRULE:FREQ=DAILY",
			[]string{"2026-03-29T01:00+03:00 120m", "2026-03-30T00:00+03:00 120m"},
		},
		{
			"exact length over the change", "2026-10-24", "2026-10-27", "", "DTSTART;" + zh + "20261001T230000|DTEND;" + zh + "20261002T050000|RRULE:FREQ=DAILY",
			[]string{"2026-10-23T23:00+02:00 360m", "2026-10-24T23:00+02:00 360m", "2026-10-25T23:00+01:00 360m", "2026-10-26T23:00+01:00 360m"},
		},
		{
			"nominal day over the change", "2026-10-24T12:00", "2026-10-25T12:00", "", "DTSTART;" + zh + "20261001T120000|DURATION:P1D|RRULE:FREQ=DAILY",
			[]string{"2026-10-24T12:00+02:00 1500m", "2026-10-25T12:00+01:00 1440m"},
		},

		// Ends of rules.
		{
			"COUNT", "2026-11-01", "2026-12-01", "", "DTSTART:20261101T090000Z|RRULE:FREQ=WEEKLY;COUNT=3",
			[]string{"2026-11-01T09:00+00:00 0m", "2026-11-08T09:00+00:00 0m", "2026-11-15T09:00+00:00 0m"},
		},
		{"COUNT that ended before the window", "2026-11-16", "2026-12-01", "", "DTSTART:20261101T090000Z|RRULE:FREQ=WEEKLY;COUNT=3", []string{}},
		{
			"UNTIL in UTC, inclusive", "2026-10-20", "2026-12-01", "", "DTSTART;" + zh + "20261020T090000|RRULE:FREQ=WEEKLY;UNTIL=20261103T080000Z",
			[]string{"2026-10-20T09:00+02:00 0m", "2026-10-27T09:00+01:00 0m", "2026-11-03T09:00+01:00 0m"},
		},
		{
			"UNTIL in UTC, a second short", "2026-10-20", "2026-12-01", "", "DTSTART;" + zh + "20261020T090000|RRULE:FREQ=WEEKLY;UNTIL=20261103T075959Z",
			[]string{"2026-10-20T09:00+02:00 0m", "2026-10-27T09:00+01:00 0m"},
		},
		{
			"UNTIL local", "2026-11-01", "2026-12-01", "", "DTSTART;TZID=Asia/Tokyo:20261101T090000|RRULE:FREQ=DAILY;UNTIL=20261102T090000",
			[]string{"2026-11-01T09:00+09:00 0m", "2026-11-02T09:00+09:00 0m"},
		},
		{
			"UNTIL a day, which counts", "2026-11-01", "2026-12-01", "", "DTSTART:20261101T090000|RRULE:FREQ=DAILY;UNTIL=20261102",
			[]string{"2026-11-01T09:00+01:00 0m", "2026-11-02T09:00+01:00 0m"},
		},
		{
			"days UNTIL a day", "2026-11-01T12:00", "2026-12-01", "", "DTSTART;VALUE=DATE:20261102|RRULE:FREQ=DAILY;UNTIL=20261103",
			[]string{"2026-11-02..2026-11-03", "2026-11-03..2026-11-04"},
		},
		{
			"days UNTIL the local midnight in UTC", "2026-11-01T12:00", "2026-12-01", "", "DTSTART;VALUE=DATE:20261102|RRULE:FREQ=DAILY;UNTIL=20261102T230000Z",
			[]string{"2026-11-02..2026-11-03", "2026-11-03..2026-11-04"},
		},
		{
			"days UNTIL the day's midnight as UTC", "2026-11-01T12:00", "2026-12-01", "America/New_York", "DTSTART;VALUE=DATE:20261102|RRULE:FREQ=DAILY;UNTIL=20261103T000000Z",
			[]string{"2026-11-02..2026-11-03", "2026-11-03..2026-11-04"},
		},
		{"UNTIL before the start", "2026-11-01", "2026-12-01", "", "DTSTART:20261110T090000Z|RRULE:FREQ=DAILY;UNTIL=20261101T000000Z", []string{}},
		{
			"trailing semicolon, small letters, spaces", "2026-11-01", "2026-12-01", "", "DTSTART:20261102T090000Z|RRULE:freq=weekly; byday = MO, tu ;COUNT=3;",
			[]string{"2026-11-02T09:00+00:00 0m", "2026-11-03T09:00+00:00 0m", "2026-11-09T09:00+00:00 0m"},
		},

		// What rules mean.
		{
			"every second week with WKST", "2026-11-01", "2026-12-01", "", "DTSTART:20261103T090000Z|RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU;COUNT=4",
			[]string{"2026-11-03T09:00+00:00 0m", "2026-11-15T09:00+00:00 0m", "2026-11-17T09:00+00:00 0m", "2026-11-29T09:00+00:00 0m"},
		},
		{
			"the same with weeks from Monday", "2026-11-01", "2026-12-01", "", "DTSTART:20261103T090000Z|RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=MO;BYDAY=TU,SU;COUNT=4",
			[]string{"2026-11-03T09:00+00:00 0m", "2026-11-08T09:00+00:00 0m", "2026-11-17T09:00+00:00 0m", "2026-11-22T09:00+00:00 0m"},
		},
		{
			"position in the week, of which the first days lie before the start", "2026-11-01", "2026-11-20", "", "DTSTART:20261104T090000Z|RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=3",
			[]string{"2026-11-04T09:00+00:00 0m", "2026-11-06T09:00+00:00 0m", "2026-11-13T09:00+00:00 0m"},
		},
		{
			"working days by daily", "2026-11-06", "2026-11-11", "", "DTSTART:20261102T090000Z|RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
			[]string{"2026-11-06T09:00+00:00 0m", "2026-11-09T09:00+00:00 0m", "2026-11-10T09:00+00:00 0m"},
		},
		{
			"the 31st skips short months", "2026-01-01", "2026-08-01", "", "DTSTART:20260131T090000Z|RRULE:FREQ=MONTHLY",
			[]string{"2026-01-31T09:00+00:00 0m", "2026-03-31T09:00+00:00 0m", "2026-05-31T09:00+00:00 0m", "2026-07-31T09:00+00:00 0m"},
		},
		{
			"last day of the month", "2028-01-01", "2028-04-01", "", "DTSTART:20260131T090000Z|RRULE:FREQ=MONTHLY;BYMONTHDAY=-1",
			[]string{"2028-01-31T09:00+00:00 0m", "2028-02-29T09:00+00:00 0m", "2028-03-31T09:00+00:00 0m"},
		},
		{
			"last Friday", "2026-10-01", "2027-01-01", "", "DTSTART:20260130T090000Z|RRULE:FREQ=MONTHLY;BYDAY=-1FR",
			[]string{"2026-10-30T09:00+00:00 0m", "2026-11-27T09:00+00:00 0m", "2026-12-25T09:00+00:00 0m"},
		},
		{
			"last working day by position", "2026-10-01", "2027-01-01", "", "DTSTART:20260130T090000Z|RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
			[]string{"2026-10-30T09:00+00:00 0m", "2026-11-30T09:00+00:00 0m", "2026-12-31T09:00+00:00 0m"},
		},
		{
			"Friday the 13th", "2026-01-01", "2027-01-01", "", "DTSTART:20260213T090000Z|RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
			[]string{"2026-02-13T09:00+00:00 0m", "2026-03-13T09:00+00:00 0m", "2026-11-13T09:00+00:00 0m"},
		},
		{
			"leap day", "2024-01-01", "2033-01-01", "", "DTSTART:20240229T090000Z|RRULE:FREQ=YEARLY",
			[]string{"2024-02-29T09:00+00:00 0m", "2028-02-29T09:00+00:00 0m", "2032-02-29T09:00+00:00 0m"},
		},
		{
			"week number takes the start's weekday", "2026-01-01", "2028-01-01", "", "DTSTART:20260512T090000Z|RRULE:FREQ=YEARLY;BYWEEKNO=20",
			[]string{"2026-05-12T09:00+00:00 0m", "2027-05-18T09:00+00:00 0m"},
		},
		{
			"day of the year, from its end", "2026-01-01", "2029-01-01", "", "DTSTART:20261231T090000Z|RRULE:FREQ=YEARLY;BYYEARDAY=-1",
			[]string{"2026-12-31T09:00+00:00 0m", "2027-12-31T09:00+00:00 0m", "2028-12-31T09:00+00:00 0m"},
		},
		{
			"twentieth Monday of the year", "2026-01-01", "2028-01-01", "", "DTSTART:20260518T090000Z|RRULE:FREQ=YEARLY;BYDAY=20MO",
			[]string{"2026-05-18T09:00+00:00 0m", "2027-05-17T09:00+00:00 0m"},
		},
		{
			"two times a day", "2026-11-02", "2026-11-04", "", "DTSTART:20261102T090000Z|RRULE:FREQ=DAILY;BYHOUR=9,15;BYMINUTE=0,30;COUNT=5",
			[]string{"2026-11-02T09:00+00:00 0m", "2026-11-02T09:30+00:00 0m", "2026-11-02T15:00+00:00 0m", "2026-11-02T15:30+00:00 0m", "2026-11-03T09:00+00:00 0m"},
		},
		{
			"hourly within hours", "2026-11-02", "2026-11-03", "", "DTSTART:20261102T080000Z|RRULE:FREQ=HOURLY;INTERVAL=2;BYHOUR=8,9,10,12",
			[]string{"2026-11-02T08:00+00:00 0m", "2026-11-02T10:00+00:00 0m", "2026-11-02T12:00+00:00 0m"},
		},
		{"hours that are never met", "2026-11-03", "2026-11-04", "", "DTSTART:20261102T030000Z|RRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5", []string{}},
		{
			"start that the rule does not meet", "2026-11-01", "2026-11-20", "", "DTSTART:20261103T090000Z|RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3",
			[]string{"2026-11-03T09:00+00:00 0m", "2026-11-09T09:00+00:00 0m", "2026-11-16T09:00+00:00 0m"},
		},
		{"never again", "2026-11-01", "2046-11-20", "", "DTSTART:20261103T090000Z|RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", []string{"2026-11-03T09:00+00:00 0m"}},
		{"broken rule leaves the first", "2026-11-01", "2026-12-01", "", "DTSTART:20261103T090000Z|RRULE:FREQ=FORTNIGHTLY", []string{"2026-11-03T09:00+00:00 0m"}},
		{
			"unknown part is left out", "2026-11-01", "2026-11-05", "", "DTSTART:20261103T090000Z|RRULE:FREQ=DAILY;X-FOO=BAR",
			[]string{"2026-11-03T09:00+00:00 0m", "2026-11-04T09:00+00:00 0m"},
		},
		{
			"two rules", "2026-11-01", "2026-11-08", "", "DTSTART:20261102T090000Z|RRULE:FREQ=WEEKLY;BYDAY=MO|RRULE:FREQ=WEEKLY;BYDAY=MO,TH",
			[]string{"2026-11-02T09:00+00:00 0m", "2026-11-05T09:00+00:00 0m"},
		},

		// Dates added and taken away.
		{
			"RDATE", "2026-11-01", "2026-11-20", "", "DTSTART;" + zh + "20261102T090000|DURATION:PT1H|RDATE;" + zh + "20261104T100000,20261105T110000",
			[]string{"2026-11-02T09:00+01:00 60m", "2026-11-04T10:00+01:00 60m", "2026-11-05T11:00+01:00 60m"},
		},
		{
			"RDATE of periods and days", "2026-11-01", "2026-11-20", "", "DTSTART;" + zh + "20261102T090000|DURATION:PT1H|RDATE;VALUE=PERIOD:20261104T090000Z/20261104T110000Z,20261105T090000Z/PT3H|RDATE;VALUE=DATE:20261106",
			[]string{"2026-11-02T09:00+01:00 60m", "2026-11-04T10:00+01:00 120m", "2026-11-05T10:00+01:00 180m", "2026-11-06T09:00+01:00 60m"},
		},
		{
			"RDATE of a day", "2026-11-01T12:00", "2026-11-20", "", "DTSTART;VALUE=DATE:20261102|RDATE;VALUE=DATE:20261109",
			[]string{"2026-11-02..2026-11-03", "2026-11-09..2026-11-10"},
		},
		{
			"EXDATE in UTC, in another zone, floating, as a day", "2026-11-01", "2026-11-07", "",
			"DTSTART;" + zh + "20261101T090000|RRULE:FREQ=DAILY|EXDATE:20261102T080000Z|EXDATE;TZID=America/New_York:20261103T030000|EXDATE:20261104T090000|EXDATE;VALUE=DATE:20261105",
			[]string{"2026-11-01T09:00+01:00 0m", "2026-11-06T09:00+01:00 0m"},
		},
		{
			"EXDATE as a day is the local day", "2026-11-01", "2026-11-04", "", "DTSTART;" + zh + "20261101T003000|RRULE:FREQ=DAILY|EXDATE;VALUE=DATE:20261103",
			[]string{"2026-11-02T00:30+01:00 0m", "2026-11-04T00:30+01:00 0m"},
		},
		{
			"EXDATE that does not fit", "2026-11-01", "2026-11-03", "", "DTSTART;" + zh + "20261101T090000|RRULE:FREQ=DAILY|EXDATE;" + zh + "20261102T091500|EXDATE:",
			[]string{"2026-11-01T09:00+01:00 0m", "2026-11-02T09:00+01:00 0m"},
		},
		{
			"EXDATE of days in three forms", "2026-11-01T12:00", "2026-11-06", "",
			"DTSTART;VALUE=DATE:20261102|RRULE:FREQ=DAILY;COUNT=4|EXDATE;VALUE=DATE:20261103|EXDATE;" + zh + "20261104T000000|EXDATE:20261104T230000Z",
			[]string{"2026-11-02..2026-11-03"},
		},
		{
			"EXDATE of the first", "2026-11-01", "2026-11-03", "", "DTSTART:20261101T090000Z|RRULE:FREQ=DAILY;COUNT=2|EXDATE:20261101T090000Z",
			[]string{"2026-11-02T09:00+00:00 0m"},
		},
		{
			"EXRULE", "2026-11-01", "2026-11-06", "", "DTSTART:20261101T090000Z|RRULE:FREQ=DAILY|EXRULE:FREQ=WEEKLY;BYDAY=TU,TH",
			[]string{"2026-11-01T09:00+00:00 0m", "2026-11-02T09:00+00:00 0m", "2026-11-04T09:00+00:00 0m"},
		},

		// Overrides.
		{
			"moved within the window", "2026-11-02", "2026-11-05", "", "DTSTART;" + zh + "20261102T090000|DURATION:PT1H|RRULE:FREQ=DAILY|SUMMARY:a||RECURRENCE-ID;" + zh + "20261103T090000|DTSTART;" + zh + "20261103T140000|DURATION:PT30M|SUMMARY:b",
			[]string{"2026-11-02T09:00+01:00 60m a", "2026-11-03T14:00+01:00 30m <20261103T080000Z b", "2026-11-04T09:00+01:00 60m a"},
		},
		{
			"moved into the window", "2026-11-10", "2026-11-11", "", "DTSTART;" + zh + "20261102T090000|RRULE:FREQ=WEEKLY||RECURRENCE-ID:20261207T080000Z|DTSTART;" + zh + "20261110T140000",
			[]string{"2026-11-10T14:00+01:00 0m <20261207T080000Z"},
		},
		{"moved out of the window", "2026-11-09", "2026-11-10", "", "DTSTART;" + zh + "20261102T090000|RRULE:FREQ=WEEKLY||RECURRENCE-ID;TZID=Asia/Tokyo:20261109T170000|DTSTART;" + zh + "20261111T140000", []string{}},
		{
			"override before its master", "2026-11-09", "2026-11-10", "", "RECURRENCE-ID;" + zh + "20261109T090000|DTSTART;" + zh + "20261109T100000||DTSTART;" + zh + "20261102T090000|RRULE:FREQ=WEEKLY",
			[]string{"2026-11-09T10:00+01:00 0m <20261109T080000Z"},
		},
		{
			"cancelled occurrence", "2026-11-02", "2026-11-04", "", "DTSTART:20261102T090000Z|RRULE:FREQ=DAILY||RECURRENCE-ID:20261103T090000Z|DTSTART:20261103T090000Z|STATUS:CANCELLED",
			[]string{"2026-11-02T09:00+00:00 0m"},
		},
		{"cancelled series", "2026-11-02", "2026-11-04", "", "DTSTART:20261102T090000Z|RRULE:FREQ=DAILY|STATUS:CANCELLED", []string{}},
		{
			"override named by its day", "2026-11-02", "2026-11-04", "", "DTSTART:20261102T090000Z|RRULE:FREQ=DAILY||RECURRENCE-ID;VALUE=DATE:20261103|DTSTART:20261103T100000Z",
			[]string{"2026-11-02T09:00+00:00 0m", "2026-11-03T10:00+00:00 0m <20261103T090000Z"},
		},
		{
			"day made a meeting", "2026-11-02T12:00", "2026-11-05", "", "DTSTART;VALUE=DATE:20261102|RRULE:FREQ=DAILY;COUNT=3||RECURRENCE-ID;VALUE=DATE:20261103|DTSTART;" + zh + "20261103T100000|DURATION:PT1H",
			[]string{"2026-11-02..2026-11-03", "2026-11-03T10:00+01:00 60m <20261103", "2026-11-04..2026-11-05"},
		},
		{
			"meeting made a day", "2026-11-02", "2026-11-04", "", "DTSTART;" + zh + "20261102T090000|RRULE:FREQ=DAILY;COUNT=2||RECURRENCE-ID;" + zh + "20261103T090000|DTSTART;VALUE=DATE:20261103",
			[]string{"2026-11-02T09:00+01:00 0m", "2026-11-03..2026-11-04 <20261103T080000Z"},
		},
		{
			"day moved, named by its local midnight", "2026-11-02T12:00", "2026-11-08", "", "DTSTART;VALUE=DATE:20261102|RRULE:FREQ=WEEKLY||RECURRENCE-ID;" + zh + "20261102T000000|DTSTART;VALUE=DATE:20261105",
			[]string{"2026-11-05..2026-11-06 <20261102"},
		},
		{
			"override without a series", "2026-11-02", "2026-11-04", "", "RECURRENCE-ID:20261103T090000Z|DTSTART:20261103T100000Z",
			[]string{"2026-11-03T10:00+00:00 0m <20261103T090000Z"},
		},
		{
			"override that the series does not have", "2026-11-02", "2026-11-04", "", "DTSTART:20261102T090000Z|RRULE:FREQ=DAILY;COUNT=1||RECURRENCE-ID:20261103T090000Z|DTSTART:20261103T100000Z",
			[]string{"2026-11-02T09:00+00:00 0m", "2026-11-03T10:00+00:00 0m <20261103T090000Z"},
		},
		{
			"newest of two overrides", "2026-11-03", "2026-11-04", "", "DTSTART:20261102T090000Z|RRULE:FREQ=DAILY||RECURRENCE-ID:20261103T090000Z|DTSTART:20261103T100000Z|SEQUENCE:2||RECURRENCE-ID:20261103T090000Z|DTSTART:20261103T110000Z|SEQUENCE:1",
			[]string{"2026-11-03T10:00+00:00 0m <20261103T090000Z"},
		},
		{
			"this and future", "2026-11-01", "2026-12-01", "", "DTSTART;" + zh + "20261019T090000|DURATION:PT1H|RRULE:FREQ=WEEKLY|SUMMARY:a||RECURRENCE-ID;RANGE=THISANDFUTURE;" + zh + "20261109T090000|DTSTART;" + zh + "20261110T100000|DURATION:PT2H|SUMMARY:b||RECURRENCE-ID;" + zh + "20261123T090000|DTSTART;" + zh + "20261123T090000|SUMMARY:c",
			[]string{
				"2026-11-02T09:00+01:00 60m a", "2026-11-10T10:00+01:00 120m <20261109T080000Z b", "2026-11-17T10:00+01:00 120m <20261116T080000Z b",
				"2026-11-23T09:00+01:00 0m c",
			},
		},
		{
			"this and future over a change of clocks", "2026-10-25", "2026-11-10", "", "DTSTART;" + zh + "20261006T090000|RRULE:FREQ=WEEKLY||RECURRENCE-ID;RANGE=THISANDFUTURE:20261020T070000Z|DTSTART;" + zh + "20261020T130000",
			[]string{"2026-10-27T13:00+01:00 0m <20261027T080000Z", "2026-11-03T13:00+01:00 0m <20261103T080000Z"},
		},
		{
			"this and future, moved from behind the window", "2026-11-10", "2026-11-12", "", "DTSTART:20261104T090000Z|RRULE:FREQ=WEEKLY||RECURRENCE-ID;RANGE=THISANDFUTURE:20261111T090000Z|DTSTART:20261104T100000Z",
			[]string{"2026-11-11T10:00+00:00 0m <20261118T090000Z"},
		},
		{
			"this and future cancelled", "2026-11-02", "2026-12-02", "", "DTSTART:20261102T090000Z|RRULE:FREQ=WEEKLY||RECURRENCE-ID;RANGE=THISANDFUTURE:20261116T090000Z|DTSTART:20261116T090000Z|STATUS:CANCELLED",
			[]string{"2026-11-02T09:00+00:00 0m", "2026-11-09T09:00+00:00 0m"},
		},
		{
			"this and future of days, moved far", "2026-11-01T12:00", "2026-11-30", "", "DTSTART;VALUE=DATE:20260302|RRULE:FREQ=MONTHLY||RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260402|DTSTART;VALUE=DATE:20260512|DTEND;VALUE=DATE:20260514",
			[]string{"2026-11-11..2026-11-13 <20261002"},
		},

		// One UID, several events.
		{
			"an update beside the original", "2026-11-01", "2026-12-01", "", "DTSTART:20261102T090000Z|SEQUENCE:0||DTSTART:20261103T090000Z|SEQUENCE:1",
			[]string{"2026-11-03T09:00+00:00 0m"},
		},
		{
			"one UID for everything", "2026-11-01", "2026-12-01", "", "DTSTART:20261102T090000Z|SUMMARY:a||DTSTART:20261103T090000Z|SUMMARY:b||DTSTART:20261102T090000Z|SUMMARY:c",
			[]string{"2026-11-02T09:00+00:00 0m a", "2026-11-03T09:00+00:00 0m b"},
		},
		{
			"whole day in another room's zone", "2026-11-21T05:00", "2026-11-22T05:00", "America/New_York", "DTSTART;VALUE=DATE:20261121",
			[]string{"2026-11-21..2026-11-22"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			room := tt.room
			if room == "" {
				room = "Europe/Zurich"
			}
			if diff := cmp.Diff(tt.want, expandText(t, tt.from, tt.to, room, tt.events)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
