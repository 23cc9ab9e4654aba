package ical

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lintel/app/when"
)

// one reads a single event in a Zurich room.
func one(t testing.TB, lines ...string) (Event, *Set) {
	t.Helper()
	cal, _ := parseOK(t, event(lines...))
	set := Events(cal, Options{Zone: zone(t, "Europe/Zurich")})
	if len(set.Events) != 1 {
		t.Fatalf("%d events, skipped %v", len(set.Events), set.Skipped)
	}
	return set.Events[0], set
}

func TestEventTimes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, lines string
		want        string // from/to in UTC; of whole days the days
		warning     WarningKind
	}{
		{"UTC", "DTSTART:20261121T090000Z|DTEND:20261121T100000Z", "2026-11-21T09:00 2026-11-21T10:00", ""},
		{"zone", "DTSTART;TZID=America/New_York:20261121T090000|DTEND;TZID=America/New_York:20261121T100000", "2026-11-21T14:00 2026-11-21T15:00", ""},
		{"two zones", "DTSTART;TZID=Europe/London:20261121T090000|DTEND;TZID=Europe/Zurich:20261121T110000", "2026-11-21T09:00 2026-11-21T10:00", ""},
		{"floating", "DTSTART:20261121T090000|DTEND:20261121T100000", "2026-11-21T08:00 2026-11-21T09:00", ""},
		{"duration", "DTSTART:20261121T090000Z|DURATION:PT1H15M", "2026-11-21T09:00 2026-11-21T10:15", ""},
		{"nominal day over the change", "DTSTART;TZID=Europe/Zurich:20261024T120000|DURATION:P1D", "2026-10-24T10:00 2026-10-25T11:00", ""},
		{"exact hours over the change", "DTSTART;TZID=Europe/Zurich:20261024T120000|DURATION:PT24H", "2026-10-24T10:00 2026-10-25T10:00", ""},
		{"end wins over duration", "DTSTART:20261121T090000Z|DURATION:PT5H|DTEND:20261121T100000Z", "2026-11-21T09:00 2026-11-21T10:00", ""},
		{"no end", "DTSTART:20261121T090000Z", "2026-11-21T09:00 2026-11-21T09:00", ""},
		{"end before start", "DTSTART:20261121T090000Z|DTEND:20261121T080000Z", "2026-11-21T09:00 2026-11-21T09:00", WarnEndInvalid},
		{"end is no time", "DTSTART:20261121T090000Z|DTEND:soon", "2026-11-21T09:00 2026-11-21T09:00", WarnEndInvalid},
		{"negative duration", "DTSTART:20261121T090000Z|DURATION:-PT1H", "2026-11-21T09:00 2026-11-21T09:00", WarnEndInvalid},
		{"endless duration", "DTSTART:20261121T090000Z|DURATION:P999999999999999999W", "2026-11-21T09:00 2126-11-22T09:00", ""},
		{"end is a day", "DTSTART:20261121T090000Z|DTEND;VALUE=DATE:20261121", "2026-11-21T09:00 2026-11-22T00:00", ""},
		{"day", "DTSTART;VALUE=DATE:20261121", "2026-11-21..2026-11-22", ""},
		{"day without VALUE", "DTSTART:20261121", "2026-11-21..2026-11-22", ""},
		{"day with Z", "DTSTART:20261121Z", "2026-11-21..2026-11-22", ""},
		{"day written as a time", "DTSTART;VALUE=DATE:20261121T000000", "2026-11-21..2026-11-22", ""},
		{"days", "DTSTART;VALUE=DATE:20261121|DTEND;VALUE=DATE:20261124", "2026-11-21..2026-11-24", ""},
		{"day that ends on itself", "DTSTART;VALUE=DATE:20261121|DTEND;VALUE=DATE:20261121", "2026-11-21..2026-11-22", ""},
		{"days by duration", "DTSTART;VALUE=DATE:20261121|DURATION:P2D", "2026-11-21..2026-11-23", ""},
		{"day of 24 hours", "DTSTART;VALUE=DATE:20261121|DURATION:PT24H", "2026-11-21..2026-11-22", ""},
		{"day with a timed end", "DTSTART;VALUE=DATE:20261121|DTEND:20261122T120000", "2026-11-21..2026-11-23", ""},
		{"day that ends before", "DTSTART;VALUE=DATE:20261121|DTEND;VALUE=DATE:20261101", "2026-11-21..2026-11-22", WarnEndInvalid},
		{"Microsoft's whole day in its zone", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE|DTSTART;TZID=America/New_York:20261121T000000|DTEND;TZID=America/New_York:20261122T000000", "2026-11-21..2026-11-22", ""},
		{"Microsoft's whole day in UTC", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE|DTSTART:20261120T230000Z|DTEND:20261122T230000Z", "2026-11-21..2026-11-23", ""},
		{"Microsoft's flag on a meeting", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE|DTSTART:20261120T230000Z|DTEND:20261121T120000Z", "2026-11-20T23:00 2026-11-21T12:00", ""},
		{"midnight to midnight without the flag", "DTSTART:20261120T230000Z|DTEND:20261121T230000Z", "2026-11-20T23:00 2026-11-21T23:00", ""},
		{"without seconds", "DTSTART:20261121T0900Z|DTEND:20261121T1000Z", "2026-11-21T09:00 2026-11-21T10:00", ""},
		{"with separators", "DTSTART:2026-11-21T09:00:00Z|DTEND:2026-11-21T11:00:00+01:00", "2026-11-21T09:00 2026-11-21T10:00", ""},
		{"hour 24", "DTSTART:20261121T230000Z|DTEND:20261121T240000Z", "2026-11-21T23:00 2026-11-22T00:00", ""},
		{"leap second", "DTSTART:20261121T090060Z|DTEND:20261121T100060Z", "2026-11-21T09:00 2026-11-21T10:00", ""},
		{"a time that is skipped", "DTSTART;TZID=Europe/Zurich:20270328T023000|DURATION:PT30M", "2027-03-28T01:30 2027-03-28T02:00", ""},
		{"start from RDATE", "RDATE;VALUE=PERIOD:20261121T090000Z/PT1H", "2026-11-21T09:00 2026-11-21T10:00", WarnStartMissing},
		{"start from RECURRENCE-ID", "RECURRENCE-ID:20261121T090000Z", "2026-11-21T09:00 2026-11-21T09:00", WarnStartMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, set := one(t, append(strings.Split(tt.lines, "|"), "UID:1")...)
			got := e.Start.UTC().Format("2006-01-02T15:04 ") + e.End.UTC().Format("2006-01-02T15:04")
			if e.AllDay {
				got = e.FirstDay.String() + ".." + e.EndDay.String()
				if z := zone(t, "Europe/Zurich"); !e.Start.Equal(e.FirstDay.Start(z)) || !e.End.Equal(e.EndDay.Start(z)) {
					t.Errorf("bounds %s, %s are not those of the days", e.Start, e.End)
				}
			} else if e.FirstDay != (when.Date{}) {
				t.Error("a timed event has days")
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if tt.warning == "" && len(set.Warnings) > 0 || tt.warning != "" && set.Warnings[Warning{Kind: tt.warning}] == 0 {
				t.Errorf("warnings %v, want %q", set.Warnings, tt.warning)
			}
		})
	}
}

func TestEventFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, lines string
		want        Event
	}{
		{"plain", "SUMMARY: Budget\\, 2027 ", Event{Summary: "Budget, 2027"}},
		{"organizer", "ORGANIZER;CN=\"Ann, Dr.\":MAILTO:ann@x.ch", Event{Organizer: "Ann, Dr.", OrganizerAddr: "ann@x.ch"}},
		{"organizer as a link", "ORGANIZER;CN=Ann;EMAIL=ann@x.ch:/principals/ann/", Event{Organizer: "Ann", OrganizerAddr: "ann@x.ch"}},
		{"organizer as a bare address", "ORGANIZER:ann@x.ch", Event{OrganizerAddr: "ann@x.ch"}},
		{"organizer as a name", "ORGANIZER:Ann Lee", Event{Organizer: "Ann Lee"}},
		{"private", "CLASS:PRIVATE", Event{Private: true}},
		{"confidential", "CLASS:confidential", Event{Private: true}},
		{"public", "CLASS:PUBLIC", Event{}},
		{"transparent", "TRANSP:TRANSPARENT", Event{Free: true}},
		{"free by Microsoft", "TRANSP:OPAQUE|X-MICROSOFT-CDO-BUSYSTATUS:FREE", Event{Free: true}},
		{"tentative", "STATUS:Tentative", Event{Tentative: true}},
		{"tentative by Microsoft", "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", Event{Tentative: true}},
		{"cancelled", "STATUS:CANCELLED", Event{Cancelled: true}},
		{
			"stamps", "CREATED:20260101T000000Z|DTSTAMP:20260102T000000Z|LAST-MODIFIED:20260103T000000Z|SEQUENCE:4",
			Event{Created: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Modified: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC), Sequence: 4},
		},
		{"created from the stamp", "DTSTAMP:20260102T000000Z", Event{Created: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}},
		{"nonsense", "SEQUENCE:x|CREATED:y|CLASS:z|STATUS:|TRANSP:", Event{}},
		{
			"attachments", "ATTACH:https://x/a.png|ATTACH;ENCODING=BASE64;VALUE=BINARY:QUJD|ATTACH:CID:1|ATTACH;FMTTYPE=image/png:http://x/b",
			Event{Attachments: []string{"https://x/a.png", "http://x/b"}},
		},
		{"series", "RRULE:FREQ=DAILY", Event{Recurring: true}},
		{"override", "RECURRENCE-ID:20261121T090000Z", Event{Override: true}},
		{"override of the rest", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261121T090000Z|RRULE:FREQ=DAILY", Event{Override: true, Future: true}},
		{"broken rule", "RRULE:FREQ=NEVER", Event{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _ := one(t, append(strings.Split(tt.lines, "|"), "UID:1", "DTSTART:20261121T090000Z")...)
			ignore := []string{"UID", "Start", "End", "Zone", "Component"}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Event{}, ignore...), cmpopts.IgnoreUnexported(Event{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// One bad event is counted and costs nothing else.
func TestSkip(t *testing.T) {
	t.Parallel()
	cal, _ := parseOK(t, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nBEGIN:VEVENT\nUID:2\nDTSTART:tomorrow\nEND:VEVENT\n"+
		"BEGIN:VEVENT\nUID:3\nDTSTART:20260230T090000Z\nEND:VEVENT\nBEGIN:VEVENT\nUID:4\nDTSTART:20261121T090000Z\nEND:VEVENT\n"+
		"BEGIN:VEVENT\nDTSTART:20261121T090000Z\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20261121T090000Z\nEND:VEVENT\nEND:VCALENDAR\n")
	set := Events(cal, Options{Zone: time.UTC})
	if diff := cmp.Diff(map[SkipReason]int{SkipNoStart: 1, SkipBadStart: 2}, set.Skipped); diff != "" {
		t.Error(diff)
	}
	if set.Found != 6 || len(set.Events) != 3 || set.Warnings[Warning{Kind: WarnNoUID}] != 2 {
		t.Errorf("found %d, events %d, warnings %v", set.Found, len(set.Events), set.Warnings)
	}
	if a, b := set.Events[1].UID, set.Events[2].UID; a == b || a == "" {
		t.Errorf("made-up identities %q and %q", a, b)
	}
}

// What is lost is named where that can't be mistaken for something else.
func TestLost(t *testing.T) {
	t.Parallel()
	const (
		master  = "UID:s|DTSTART;TZID=Europe/Zurich:20261123T090000|RRULE:FREQ=DAILY"
		days    = "UID:s|DTSTART;VALUE=DATE:20261123|RRULE:FREQ=DAILY"
		single  = "UID:s|DTSTART:20261123T080000Z"
		lost    = "UID:s|DTSTART:tomorrow"
		changed = "UID:s|DTSTART:tomorrow|RECURRENCE-ID;TZID=Europe/Zurich:20261124T090000"
		other   = "UID:s|DTSTART:20261125T140000Z|RECURRENCE-ID;TZID=Europe/Zurich:20261125T090000"
	)
	all, one := Lost{UID: "s"}, Lost{"s", "20261124T080000Z"}
	for name, tt := range map[string]struct {
		events string // separated by +
		want   []Lost
	}{
		"nothing":                     {master, nil},
		"an event":                    {lost, []Lost{all}},
		"beside another one":          {lost + "+UID:t|DTSTART:20261123T080000Z", []Lost{all}},
		"a series with its changes":   {lost + "+" + changed, []Lost{all, one}},
		"a series, not its change":    {lost + "+" + other, []Lost{all}},
		"a change":                    {master + "+" + changed + "+" + other, []Lost{one}},
		"a change before its series":  {changed + "+" + master, []Lost{one}},
		"a change without series":     {changed + "+" + other, []Lost{one}},
		"a change that floats":        {"UID:s|DTSTART:x|RECURRENCE-ID:20261124T090000", []Lost{one}},
		"a day of a series":           {days + "+UID:s|DTSTART:x|RECURRENCE-ID:20261124T090000", []Lost{{"s", "20261124"}}},
		"a change that names nothing": {master + "+UID:s|DTSTART:x|RECURRENCE-ID:y", nil},
		"a change of a single event":  {single + "+" + changed, nil},
		"one of many with one UID":    {single + "+" + lost, nil},
		"no UID":                      {"SUMMARY:x", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			for e := range strings.SplitSeq(tt.events, "+") {
				b.WriteString("BEGIN:VEVENT\n" + strings.ReplaceAll(e, "|", "\n") + "\nEND:VEVENT\n")
			}
			cal, _ := parseOK(t, "BEGIN:VCALENDAR\n"+b.String()+"END:VCALENDAR\n")
			set := Events(cal, Options{Zone: zone(t, "Europe/Zurich")})
			if diff := cmp.Diff(tt.want, set.Lost); diff != "" {
				t.Error(diff)
			}
		})
	}
}
