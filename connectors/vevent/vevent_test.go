package vevent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ical"
	"lintel/connectors/vevent"
)

func parse(t interface{ Fatal(...any) }, zone *time.Location, lines ...string) *vevent.File {
	f, err := vevent.Parse([]byte("BEGIN:VCALENDAR\r\n"+strings.Join(lines, "\r\n")+"\r\nEND:VCALENDAR\r\n"), zone, ical.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func event(lines ...string) string {
	return "BEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20261120T080000Z\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT"
}

func utc(s string) time.Time {
	t, err := time.Parse("2006-01-02T15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

var november = when.Interval{From: utc("2026-11-01T00:00"), To: utc("2026-12-01T00:00")}

func TestOccurrences(t *testing.T) {
	t.Parallel()
	const times = "DTSTART:20261123T090000Z\r\nDTEND:20261123T100000Z"
	tests := []struct {
		name  string
		lines []string
		want  string // words, flags and creation of the events
	}{
		{"plain", []string{event(times, "SUMMARY:s", "ORGANIZER;CN=n:mailto:a@b.example", "CREATED:20261101T000000Z")}, "s|n|a@b.example|mine|2026-11-01"},
		{"DTSTAMP stands for CREATED", []string{event(times, "SUMMARY:s")}, "s|||mine|2026-11-20"},
		{"invited", []string{event(times, "SUMMARY:s", "ATTENDEE:mailto:room@b.example")}, "s||||2026-11-20"},
		{"private", []string{event(times, "SUMMARY:s", "ORGANIZER;CN=n:mailto:a@b.example", "CLASS:PRIVATE")}, "|||mine private|2026-11-20"},
		{"class of another kind", []string{event(times, "SUMMARY:s", "CLASS:PUBLIC")}, "s|||mine|2026-11-20"},
		{"ours with a name", []string{event(times, "SUMMARY:s", "X-LINTEL-TOKEN:t", "CONTACT:Grace")}, "s|Grace||mine t|2026-11-20"},
		{"somebody else's contact", []string{event(times, "SUMMARY:s", "CONTACT:Grace")}, "s|||mine|2026-11-20"},
		{
			"override without CLASS in a private series",
			[]string{event(times, "SUMMARY:s", "CLASS:PRIVATE", "RRULE:FREQ=DAILY;COUNT=2"), event("RECURRENCE-ID:20261124T090000Z", "DTSTART:20261124T110000Z", "SUMMARY:o")},
			"|||mine private|2026-11-20 |||mine private|2026-11-20",
		},
		{
			"private override in an open series",
			[]string{event(times, "SUMMARY:s", "RRULE:FREQ=DAILY;COUNT=2"), event("RECURRENCE-ID:20261124T090000Z", "DTSTART:20261124T110000Z", "SUMMARY:o", "CLASS:CONFIDENTIAL")},
			"s|||mine|2026-11-20 |||mine private|2026-11-20",
		},
	}
	for _, tt := range tests {
		var got []string
		for _, e := range parse(t, time.UTC, tt.lines...).Occurrences(november, connectors.Warnings{}) {
			var flags []string
			if e.Mine {
				flags = append(flags, "mine")
			}
			if e.Private {
				flags = append(flags, "private")
			}
			if e.Token != "" {
				flags = append(flags, e.Token)
			}
			got = append(got, strings.Join([]string{e.Subject, e.Organizer, e.OrganizerAddr, strings.Join(flags, " "), e.Created.Format(time.DateOnly)}, "|"))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDistrustStamps(t *testing.T) {
	t.Parallel()
	f := parse(t, time.UTC, event("DTSTART:20261123T090000Z"), strings.Replace(event("DTSTART:20261124T090000Z", "CREATED:20261120T090000Z"), "UID:u", "UID:v", 1))
	f.DistrustStamps(utc("2026-11-19T00:00"))
	list := f.Occurrences(november, connectors.Warnings{})
	if !list[0].Created.IsZero() || list[1].Created.IsZero() {
		t.Errorf("created %v and %v", list[0].Created, list[1].Created)
	}
	f.DistrustStamps(utc("2026-11-21T00:00"))
	if list = f.Occurrences(november, connectors.Warnings{}); list[0].Created.IsZero() {
		t.Error("an old stamp is trusted")
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	series := parse(t, time.UTC, event("DTSTART:20200101T090000Z", "DTEND:20200101T100000Z", "RRULE:FREQ=DAILY"),
		event("RECURRENCE-ID:20261124T090000Z", "DTSTART:20290101T090000Z", "DTEND:20290101T100000Z"),
		event("RECURRENCE-ID:20261125T090000Z", "DTSTART:20261125T090000Z", "STATUS:CANCELLED"))
	single := parse(t, time.UTC, event("DTSTART:20261123T090000Z"))
	days := parse(t, time.FixedZone("+14", 14*3600), event("DTSTART;VALUE=DATE:20261101", "RRULE:FREQ=WEEKLY"))
	for _, tt := range []struct {
		file       *vevent.File
		occurrence string
		from       string // "" = not there
	}{
		{series, "20261123T090000Z", "2026-11-23T09:00"},
		{series, "20261124T090000Z", "2029-01-01T09:00"},
		{series, "20261125T090000Z", ""},
		{series, "20261123T100000Z", ""},
		{series, "", ""},
		{series, "nonsense", ""},
		{single, "", "2026-11-23T09:00"},
		{single, "20261123T090000Z", ""},
		{days, "20261115", "2026-11-14T10:00"},
		{days, "20261116", ""},
	} {
		e, ok := tt.file.Find(tt.occurrence)
		if ok != (tt.from != "") || ok && !e.From.Equal(utc(tt.from)) {
			t.Errorf("%q: %v %v", tt.occurrence, ok, e.From)
		}
	}
}

// No occurrence lies outside of the span, and an open span has one ahead.
func TestSpan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		for i := range rapid.IntRange(0, 3).Draw(t, "events") {
			day := november.From.AddDate(0, 0, rapid.IntRange(-500, 500).Draw(t, "day"))
			stamp := day.Add(time.Duration(rapid.IntRange(0, 47).Draw(t, "half hours")) * 30 * time.Minute).Format("20060102T150405Z")
			props := []string{
				fmt.Sprint("DTSTART:", stamp), fmt.Sprintf("DURATION:PT%dM", rapid.IntRange(0, 3000).Draw(t, "minutes")),
				rapid.SampledFrom([]string{"", "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=WEEKLY", "RRULE:FREQ=MONTHLY;UNTIL=20270301T000000Z", "RDATE:20250101T000000Z,20280101T000000Z"}).Draw(t, "rule"),
			}
			if i > 0 && rapid.Bool().Draw(t, "override") {
				props[2] = "RECURRENCE-ID:" + november.From.Format("20060102T150405Z")
			}
			lines = append(lines, event(props...))
		}
		f := parse(t, time.UTC, lines...)
		after := november.From.AddDate(0, 0, rapid.IntRange(-600, 600).Draw(t, "after"))
		from, to, open := f.Span(after)
		all := f.Occurrences(when.Interval{From: utc("2015-01-01T00:00"), To: utc("2040-01-01T00:00")}, connectors.Warnings{})
		ahead := false
		for _, e := range all {
			if e.From.Unix() < from || !open && e.To.Unix() > to {
				t.Fatalf("%v–%v lies outside of %d–%d, open %v", e.From, e.To, from, to, open)
			}
			ahead = ahead || e.To.After(after)
		}
		if open && !ahead {
			t.Fatal("open, but nothing is ahead")
		}
		if len(all) == 0 && len(lines) == 0 && from <= to {
			t.Fatalf("a file without events spans %d–%d", from, to)
		}
	})
}
