package ical

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/when"
)

var editedAt = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// daily is a series with everything that must survive an edit.
const daily = "BEGIN:VCALENDAR|VERSION:2.0|X-WR-CALNAME:Room|BEGIN:VTIMEZONE|TZID:W. Europe Standard Time|X-FOO:1|END:VTIMEZONE|" +
	"BEGIN:VEVENT|UID:u|DTSTAMP:20260101T000000Z|DTSTART;TZID=W. Europe Standard Time:20261102T090000|" +
	"DTEND;TZID=W. Europe Standard Time:20261102T100000|RRULE:FREQ=DAILY|EXDATE;TZID=W. Europe Standard Time:20261104T090000|" +
	"SEQUENCE:3|SUMMARY;LANGUAGE=de:Stand-up|X-KEEP;A=\"b:c\":d|BEGIN:VALARM|TRIGGER:-PT5M|END:VALARM|END:VEVENT|" +
	"BEGIN:VEVENT|UID:u|RECURRENCE-ID;TZID=W. Europe Standard Time:20261106T090000|DTSTART;TZID=W. Europe Standard Time:20261106T140000|" +
	"DURATION:PT45M|SUMMARY:Moved|X-KEEP:e|END:VEVENT|END:VCALENDAR|"

func editor(t testing.TB, text string) Editor {
	t.Helper()
	cal, _ := parseOK(t, strings.ReplaceAll(text, "|", "\r\n"))
	return Editor{Calendar: cal, Zone: zone(t, "Europe/Zurich"), Now: editedAt}
}

// agenda lists what the edited calendar says from 2 to 8 November 2026, after writing and reading it.
func agenda(t testing.TB, ed Editor) []string {
	t.Helper()
	cal, _ := parseOK(t, string(ed.Calendar.Bytes()))
	o := Options{Zone: ed.Zone}
	var out []string
	for _, occ := range Expand(Events(cal, o).Events, window(t, "2026-11-02", "2026-11-08"), o).Occurrences {
		out = append(out, strings.ReplaceAll(occurrenceText(occ), "+01:00", ""))
	}
	return out
}

func dailyAgenda(change map[int]string) []string {
	list := []string{
		"2026-11-02T09:00 60m Stand-up", "2026-11-03T09:00 60m Stand-up", "2026-11-05T09:00 60m Stand-up",
		"2026-11-06T14:00 45m <20261106T080000Z Moved", "2026-11-07T09:00 60m Stand-up",
	}
	var out []string
	for i, s := range list {
		if c, ok := change[i]; ok {
			s = c
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

func TestEditSeries(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time { return window(t, s, s).From }
	tests := []struct {
		name string
		edit func(Editor) error
		want []string
		err  error
	}{
		{"shorten one", func(e Editor) error { return e.SetEnd("20261103T080000Z", at("2026-11-03T08:20")) }, dailyAgenda(map[int]string{1: "2026-11-03T09:00 20m Stand-up"}), nil},
		{"extend the first", func(e Editor) error { return e.SetEnd("20261102T080000Z", at("2026-11-02T10:00")) }, dailyAgenda(map[int]string{0: "2026-11-02T09:00 120m Stand-up"}), nil},
		{"shorten a moved one", func(e Editor) error { return e.SetEnd("20261106T080000Z", at("2026-11-06T13:10")) }, dailyAgenda(map[int]string{3: "2026-11-06T14:00 10m <20261106T080000Z Moved"}), nil},
		{"release one", func(e Editor) error { return e.Release("20261105T080000Z") }, dailyAgenda(map[int]string{2: ""}), nil},
		{"release a moved one", func(e Editor) error { return e.Release("20261106T080000Z") }, dailyAgenda(map[int]string{3: ""}), nil},
		{
			"shorten, then release", func(e Editor) error {
				return errors.Join(e.SetEnd("20261103T080000Z", at("2026-11-03T08:20")), e.Release("20261103T080000Z"))
			}, dailyAgenda(map[int]string{1: ""}), nil,
		},
		{"mark one", func(e Editor) error {
			return e.SetProp("20261103T080000Z", Prop{Name: "X-ROOMS-CHECKIN", Value: "1"})
		}, dailyAgenda(nil), nil},
		{"one that is excluded", func(e Editor) error { return e.SetEnd("20261104T080000Z", at("2026-11-04T09:00")) }, dailyAgenda(nil), ErrNoOccurrence},
		{"one that never was", func(e Editor) error { return e.Release("20261105T081500Z") }, dailyAgenda(nil), ErrNoOccurrence},
		{"a name that is none", func(e Editor) error { return e.Release("tomorrow") }, dailyAgenda(nil), ErrNoOccurrence},
		{"a day in a series with times", func(e Editor) error { return e.Release("20261105") }, dailyAgenda(nil), ErrNoOccurrence},
		{"the whole series", func(e Editor) error { return e.SetEnd("", at("2026-11-03T08:20")) }, dailyAgenda(nil), ErrRecurring},
		{"an end at the start", func(e Editor) error { return e.SetEnd("20261103T080000Z", at("2026-11-03T08:00")) }, dailyAgenda(nil), ErrEndNotAfter},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ed := editor(t, daily)
			before := string(ed.Calendar.Bytes())
			if err := tt.edit(ed); !errors.Is(err, tt.err) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if tt.err != nil && string(ed.Calendar.Bytes()) != before {
				t.Error("a refused edit changed the calendar")
			}
			if diff := cmp.Diff(tt.want, agenda(t, ed)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What an edit writes, to the byte.
func TestEditBytes(t *testing.T) {
	t.Parallel()
	ed := editor(t, daily)
	if err := ed.SetEnd("20261103T080000Z", time.Date(2026, 11, 3, 8, 20, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	added := "BEGIN:VEVENT|UID:u|DTSTAMP:20261121T120000Z|RECURRENCE-ID;TZID=W. Europe Standard Time:20261103T090000|" +
		"DTSTART;TZID=W. Europe Standard Time:20261103T090000|SEQUENCE:4|SUMMARY;LANGUAGE=de:Stand-up|X-KEEP;A=\"b:c\":d|" +
		"DTEND;TZID=W. Europe Standard Time:20261103T092000|LAST-MODIFIED:20261121T120000Z|BEGIN:VALARM|TRIGGER:-PT5M|END:VALARM|END:VEVENT|"
	i := strings.LastIndex(daily, "BEGIN:VEVENT")
	want := strings.ReplaceAll(daily[:i]+added+daily[i:], "|", "\n")
	got := strings.ReplaceAll(strings.ReplaceAll(string(ed.Calendar.Bytes()), "\r\n ", ""), "\r\n", "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEditSingle(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 3, 8, 20, 0, 0, time.UTC)
	tests := []struct{ name, in, want string }{
		{"UTC", "DTSTART:20261103T080000Z|DTEND:20261103T090000Z", "DTSTART:20261103T080000Z|DTEND:20261103T082000Z"},
		{"floating", "DTSTART:20261103T090000|DTEND:20261103T100000", "DTSTART:20261103T090000|DTEND:20261103T092000"},
		{"duration", "DTSTART:20261103T080000Z|DURATION:PT1H", "DTSTART:20261103T080000Z|DTEND:20261103T082000Z"},
		{"end in another zone", "DTSTART;TZID=Asia/Tokyo:20261103T170000|DTEND:20261103T090000Z", "DTSTART;TZID=Asia/Tokyo:20261103T170000|DTEND;TZID=Asia/Tokyo:20261103T172000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ed := editor(t, "BEGIN:VCALENDAR|BEGIN:VEVENT|UID:u|"+tt.in+"|END:VEVENT|END:VCALENDAR|")
			if err := ed.SetEnd("", at); err != nil {
				t.Fatal(err)
			}
			want := "BEGIN:VCALENDAR|BEGIN:VEVENT|UID:u|" + tt.want + "|SEQUENCE:1|DTSTAMP:20261121T120000Z|LAST-MODIFIED:20261121T120000Z|END:VEVENT|END:VCALENDAR|"
			if got := strings.ReplaceAll(string(ed.Calendar.Bytes()), "\r\n", "|"); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		})
	}
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	wrap := func(events string) string { return "BEGIN:VCALENDAR|" + events + "END:VCALENDAR|" }
	tests := []struct {
		name, in, original string
		setEnd, release    error
	}{
		{"nothing", wrap(""), "", ErrNoEvent, ErrNoEvent},
		{"two events", wrap("BEGIN:VEVENT|UID:1|DTSTART:20261103T080000Z|END:VEVENT|BEGIN:VEVENT|UID:2|DTSTART:20261103T080000Z|END:VEVENT|"), "", ErrManyEvents, ErrManyEvents},
		{"a single event has no occurrences", wrap("BEGIN:VEVENT|UID:1|DTSTART:20261103T080000Z|END:VEVENT|"), "20261103T080000Z", ErrNoOccurrence, ErrNoOccurrence},
		{"a single event is not released", wrap("BEGIN:VEVENT|UID:1|DTSTART:20261103T080000Z|END:VEVENT|"), "", nil, ErrNotRecurring},
		{"whole days have no such end", wrap("BEGIN:VEVENT|UID:1|DTSTART;VALUE=DATE:20261103|END:VEVENT|"), "", ErrWholeDays, ErrNotRecurring},
		{
			"the first of a changed rest", wrap("BEGIN:VEVENT|UID:1|DTSTART:20261102T080000Z|RRULE:FREQ=DAILY|END:VEVENT|BEGIN:VEVENT|UID:1|RECURRENCE-ID;RANGE=THISANDFUTURE:20261103T080000Z|DTSTART:20261103T090000Z|END:VEVENT|"),
			"20261103T080000Z", ErrRange, ErrRange,
		},
		{
			"the rest of a moved single event", wrap("BEGIN:VEVENT|UID:1|DTSTART:20261103T080000Z|END:VEVENT|BEGIN:VEVENT|UID:1|RECURRENCE-ID:20261104T080000Z|DTSTART:20261104T090000Z|END:VEVENT|"),
			"20261103T080000Z", nil, ErrNotRecurring,
		},
		{"a cancelled one", wrap("BEGIN:VEVENT|UID:1|DTSTART:20261102T080000Z|RRULE:FREQ=DAILY|END:VEVENT|BEGIN:VEVENT|UID:1|RECURRENCE-ID:20261103T080000Z|DTSTART:20261103T090000Z|STATUS:CANCELLED|END:VEVENT|"), "20261103T080000Z", ErrNoOccurrence, ErrNoOccurrence},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := editor(t, tt.in).SetEnd(tt.original, time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)); !errors.Is(err, tt.setEnd) {
				t.Errorf("SetEnd: %v, want %v", err, tt.setEnd)
			}
			if err := editor(t, tt.in).Release(tt.original); !errors.Is(err, tt.release) {
				t.Errorf("Release: %v, want %v", err, tt.release)
			}
		})
	}
}

// Releasing a day of a series of days, in each way that such a series is written.
func TestReleaseDay(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{
		"DATE":               "DTSTART;VALUE=DATE:20261102",
		"Microsoft in zone":  "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE|DTSTART;TZID=Europe/Zurich:20261102T000000|DTEND;TZID=Europe/Zurich:20261103T000000",
		"Microsoft in UTC":   "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE|DTSTART:20261101T230000Z|DTEND:20261102T230000Z",
		"Microsoft floating": "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE|DTSTART:20261102T000000|DTEND:20261103T000000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ed := editor(t, "BEGIN:VCALENDAR|BEGIN:VEVENT|UID:u|"+start+"|RRULE:FREQ=DAILY;COUNT=4|END:VEVENT|END:VCALENDAR|")
			if err := ed.Release("20261103"); err != nil {
				t.Fatal(err)
			}
			if err := ed.SetProp("20261104", Prop{Name: "SUMMARY", Value: "x"}); err != nil {
				t.Fatal(err)
			}
			want := []string{"2026-11-02..2026-11-03", "2026-11-04..2026-11-05 x", "2026-11-05..2026-11-06"}
			if diff := cmp.Diff(want, agenda(t, ed)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A later occurrence of a changed rest is edited as what governs it says.
func TestEditWithinRange(t *testing.T) {
	t.Parallel()
	ed := editor(t, "BEGIN:VCALENDAR|BEGIN:VEVENT|UID:1|DTSTART:20261102T080000Z|DTEND:20261102T090000Z|RRULE:FREQ=DAILY;COUNT=4|SUMMARY:a|END:VEVENT|"+
		"BEGIN:VEVENT|UID:1|RECURRENCE-ID;RANGE=THISANDFUTURE:20261103T080000Z|DTSTART:20261103T100000Z|DTEND:20261103T110000Z|SUMMARY:b|END:VEVENT|END:VCALENDAR|")
	if err := ed.SetEnd("20261104T080000Z", time.Date(2026, 11, 4, 10, 15, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2026-11-02T08:00+00:00 60m a", "2026-11-03T10:00+00:00 60m <20261103T080000Z b",
		"2026-11-04T10:00+00:00 15m <20261104T080000Z b", "2026-11-05T10:00+00:00 60m <20261105T080000Z b",
	}
	if diff := cmp.Diff(want, agenda(t, ed)); diff != "" {
		t.Error(diff)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	zurich := zone(t, "Europe/Zurich")
	weekly := rule(t, "FREQ=WEEKLY;COUNT=20")
	start := time.Date(2026, 10, 20, 7, 0, 0, 0, time.UTC)
	d := Draft{
		UID: "a@lintel", Start: start, End: start.Add(time.Hour), Summary: "Budget, 2027", Organizer: "Ann \"A\" Lee", OrganizerAddr: "ann@x.ch",
		Private: true, Created: start.Add(-time.Hour), Now: editedAt, Extra: []Prop{{Name: "X-LINTEL-TOKEN", Value: "t1"}},
	}
	t.Run("in UTC", func(t *testing.T) {
		t.Parallel()
		want := "BEGIN:VCALENDAR|VERSION:2.0|PRODID:-//Lintel//Lintel//EN|CALSCALE:GREGORIAN|BEGIN:VEVENT|UID:a@lintel|DTSTAMP:20261121T120000Z|" +
			"CREATED:20261020T060000Z|LAST-MODIFIED:20261121T120000Z|SEQUENCE:0|DTSTART:20261020T070000Z|DTEND:20261020T080000Z|" +
			`SUMMARY:Budget\, 2027|ORGANIZER;CN=Ann ^'A^' Lee:mailto:ann@x.ch|CLASS:PRIVATE|TRANSP:OPAQUE|STATUS:CONFIRMED|X-LINTEL-TOKEN:t1|` +
			"END:VEVENT|END:VCALENDAR|"
		if diff := cmp.Diff(want, strings.ReplaceAll(string(New(d).Bytes()), "\r\n", "|")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a series with its zone", func(t *testing.T) {
		t.Parallel()
		d := d
		d.Zone, d.Rule = zurich, &weekly
		text := string(New(d).Bytes())
		// With a name that nobody knows, the zone's own rules must carry the series over the changes.
		cal, _ := parseOK(t, strings.ReplaceAll(text, "Europe/Zurich", "Nowhere"))
		o := Options{Zone: time.UTC}
		set := Events(cal, o)
		x := Expand(set.Events, window(t, "2026-10-19", "2028-01-01"), o)
		if len(x.Occurrences) != 20 || len(set.Warnings) > 0 {
			t.Fatalf("%d occurrences, warnings %v", len(x.Occurrences), set.Warnings)
		}
		for _, occ := range x.Occurrences {
			if got := when.WallOf(occ.From, zurich); got.Minute != 9*60 {
				t.Errorf("at %s", got)
			}
		}
	})
	t.Run("whole days", func(t *testing.T) {
		t.Parallel()
		cal, _ := parseOK(t, string(New(Draft{UID: "u", FirstDay: day(t, "2026-11-21"), EndDay: day(t, "2026-11-23"), Now: editedAt}).Bytes()))
		e := Events(cal, Options{Zone: zurich}).Events[0]
		if !e.AllDay || e.FirstDay.String() != "2026-11-21" || e.EndDay.String() != "2026-11-23" {
			t.Errorf("%v from %s to %s", e.AllDay, e.FirstDay, e.EndDay)
		}
	})
}
