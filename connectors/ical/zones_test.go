package ical

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestResolveZone(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, want string }{
		{"Europe/Zurich", "Europe/Zurich"},
		{"europe/zurich", "Europe/Zurich"},
		{"EUROPE/ISLE_OF_MAN", "Europe/Isle_of_Man"},
		{"america/port-au-prince", "America/Port-au-Prince"},
		{"america/argentina/buenos_aires", "America/Argentina/Buenos_Aires"},
		{"America/Los Angeles", "America/Los_Angeles"},
		{" \"Europe/Berlin\" ", "Europe/Berlin"},
		{"us/eastern", "US/Eastern"},
		{"etc/gmt+5", "Etc/GMT+5"},
		{"utc", "UTC"},
		{"gmt", "GMT"},
		{"/mozilla.org/20070129_1/Europe/Berlin", "Europe/Berlin"},
		{"/mozilla.org/20050126_1/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"},
		{"/freeassociation.sourceforge.net/Tzfile/Europe/Zurich", "Europe/Zurich"},
		{"/freeassociation.sourceforge.net/Europe/Zurich", "Europe/Zurich"},
		{"/softwarestudio.org/Olson_20011030_5/America/Chicago", "America/Chicago"},
		{"/citadel.org/20190914_1/Asia/Kolkata", "Asia/Kolkata"},
		{"posix/Europe/Vaduz", "Europe/Vaduz"},
		{"posix/Japan", "Japan"},
		{"W. Europe Standard Time", "Europe/Berlin"},
		{"w. europe standard time", "Europe/Berlin"},
		{"W. Europe Standard Time 1", "Europe/Berlin"},
		{"Europe/Paris 2", "Europe/Paris"},
		{"GTB Standard Time", "Europe/Bucharest"},
		{"Romance Standard Time", "Europe/Paris"},
		{"UTC-11", "Etc/GMT+11"},
		{"Mexico Standard Time", "America/Mexico_City"},
		{"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Amsterdam"},
		{"(UTC+01:00) Amsterdam\\, Berlin\\, Bern\\, Rom\\, Stockholm\\, Wien", "Europe/Amsterdam"},
		{"(GMT+01.00) Sarajevo/Warsaw/Zagreb", ""},
		{"(UTC+01:00) Brussels, Copenhagen, Madrid, Paris", "Europe/Brussels"},
		{"(UTC+00:00) Dublin, Edinburgh, Lisbon, London", "Europe/Dublin"},
		{"(GMT) Greenwich Mean Time : Dublin, Edinburgh, Lisbon, London", "Europe/Dublin"},
		{"(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"},
		{"(UTC-05:00) Eastern Time (US and Canada)", "America/New_York"},
		{"(UTC-03:00) Brasília", "America/Sao_Paulo"},
		{"(UTC+07:00) Bangkok, Hanoi, Jakarta", "Asia/Bangkok"},
		{"(GMT+10:00) Canberra, Melbourne, Sydney", "Australia/Sydney"},
		{"Canberra, Melbourne, Sydney", "Australia/Sydney"},
		{"Kuala Lumpur\\, Singapore", "Asia/Kuala_Lumpur"},
		{"(UTC) Coordinated Universal Time", "Etc/UTC"},
		{"(UTC)", "Etc/UTC"},
		{"(UTC+10:30) Lord Howe Island", "Australia/Lord_Howe"},
		{"(UTC-04:00) Santiago", "America/Santiago"},
		{"tzone://Microsoft/Utc", "Etc/UTC"},
		// What a name alone does not say.
		{"(UTC+09:00) Berlin", ""},
		{"", ""},
		{"Local", ""},
		{"local", ""},
		{"Eastern", ""},
		{"Customized Time Zone", ""},
		{"tzone://Microsoft/Custom", ""},
		{"custom_America/New_York", ""},
		{"/Europe/CUSTOM", ""},
		{"../../etc/passwd", ""},
		{"UTC+11", ""},
		{strings.Repeat("x", 300), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if z := ResolveZone(tt.name); z != nil {
				got = z.String()
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Every name in the embedded lists leads to a zone that the database has.
func TestEmbeddedNames(t *testing.T) {
	t.Parallel()
	n := zoneNames()
	if len(n.windows) != 139 {
		t.Errorf("%d Windows names, want 139", len(n.windows))
	}
	for _, m := range []map[string]string{n.windows, n.display, n.city, n.zone} {
		for name, z := range m {
			if loadZone(z) == nil {
				t.Errorf("%s: no zone %s", name, z)
			}
		}
	}
}

// zoneFile is a calendar with one event at 2026-07-01 12:00 in the given zone.
func zoneFile(tzid, extra string) string {
	return "BEGIN:VCALENDAR\n" + extra + "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=\"" + tzid + "\":20260701T120000\nEND:VEVENT\nEND:VCALENDAR\n"
}

func TestZoneOrder(t *testing.T) {
	t.Parallel()
	rules := func(tzid, extra string) string {
		return "BEGIN:VTIMEZONE\nTZID:" + tzid + "\n" + extra + "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0530\nTZOFFSETTO:+0530\nEND:STANDARD\nEND:VTIMEZONE\n"
	}
	tests := []struct {
		name, tzid, extra string
		want              string // UTC
		warning           WarningKind
	}{
		{"IANA wins over the file's rules", "Europe/Zurich", rules("Europe/Zurich", ""), "10:00", ""},
		{"Windows name wins over the file's rules", "W. Europe Standard Time", rules("W. Europe Standard Time", ""), "10:00", ""},
		{"the file's rules", "Customized Time Zone", rules("Customized Time Zone", ""), "06:30", ""},
		{"the file's rules in other case", "customized time zone", rules("\"Customized Time Zone\"", ""), "06:30", ""},
		{"X-LIC-LOCATION", "mine", rules("mine", "X-LIC-LOCATION:Asia/Tokyo\n"), "03:00", ""},
		{"offset in the name", "UTC+11", "", "01:00", WarnZoneGuessed},
		{"city whose offset has changed since", "(UTC+02:00) Amman", "", "09:00", WarnZoneGuessed},
		{"X-WR-TIMEZONE", "mine", "X-WR-TIMEZONE:America/New_York\n", "16:00", WarnZoneUnknown},
		{"X-WR-TIMEZONE as a Windows name", "mine", "X-WR-TIMEZONE:Eastern Standard Time\n", "16:00", WarnZoneUnknown},
		{"X-WR-TIMEZONE by the file's rules", "mine", "X-WR-TIMEZONE:theirs\n" + rules("theirs", ""), "06:30", WarnZoneUnknown},
		{"the room's zone", "mine", "", "19:00", WarnZoneUnknown},
		{"rules without sense", "mine", "BEGIN:VTIMEZONE\nTZID:mine\nBEGIN:STANDARD\nDTSTART:x\nEND:STANDARD\nEND:VTIMEZONE\n", "19:00", WarnZoneUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cal, _ := parseOK(t, zoneFile(tt.tzid, tt.extra))
			set := Events(cal, Options{Zone: time.FixedZone("room", -7*3600)})
			if len(set.Events) != 1 {
				t.Fatalf("%d events", len(set.Events))
			}
			if got := set.Events[0].Start.UTC().Format("15:04"); got != tt.want {
				t.Errorf("start %s, want %s", got, tt.want)
			}
			var kinds []WarningKind
			for w := range set.Warnings {
				kinds = append(kinds, w.Kind)
			}
			want := []WarningKind{tt.warning}
			if tt.warning == "" {
				want = nil
			}
			if fmt.Sprint(kinds) != fmt.Sprint(want) {
				t.Errorf("warnings %q, want %q", kinds, want)
			}
		})
	}
}

func TestFloatingZone(t *testing.T) {
	t.Parallel()
	for extra, want := range map[string]string{
		"": "19:00", "X-WR-TIMEZONE:America/New_York\n": "16:00", "VERSION:1.0\nTZ:-05\n": "17:00",
	} {
		cal, _ := parseOK(t, "BEGIN:VCALENDAR\n"+extra+"BEGIN:VEVENT\nUID:1\nDTSTART:20260701T120000\nEND:VEVENT\nEND:VCALENDAR\n")
		set := Events(cal, Options{Zone: time.FixedZone("room", -7*3600)})
		if got := set.Events[0].Start.UTC().Format("15:04"); got != want || len(set.Warnings) > 0 {
			t.Errorf("%q: start %s, want %s; warnings %v", extra, got, want, set.Warnings)
		}
	}
}

// A zone built from VTIMEZONE rules agrees with the database, hour by hour around each change.
func TestZoneFromRules(t *testing.T) {
	t.Parallel()
	obs := func(kind, start, from, to, more string) string {
		return fmt.Sprintf("BEGIN:%s\nDTSTART:%s\nTZOFFSETFROM:%s\nTZOFFSETTO:%s\n%sEND:%s\n", kind, start, from, to, more, kind)
	}
	tests := []struct {
		name, like, body string
		from, to         int // the first and last of the years that are compared
	}{
		{
			"Exchange's form since 1601", "Europe/Zurich",
			obs("STANDARD", "16010101T030000", "+0200", "+0100", "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\n") +
				obs("DAYLIGHT", "16010101T020000", "+0100", "+0200", "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\n"), 1997, 2090,
		},
		{
			"two sets of rules", "America/New_York",
			obs("DAYLIGHT", "19870405T020000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z\n") +
				obs("STANDARD", "19671029T020000", "-0400", "-0500", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z\n") +
				obs("DAYLIGHT", "20070311T020000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\n") +
				obs("STANDARD", "20071104T020000", "-0400", "-0500", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\n"), 1988, 2090,
		},
		{
			"half an hour, south", "Australia/Lord_Howe",
			obs("STANDARD", "20080406T020000", "+1100", "+1030", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU\n") +
				obs("DAYLIGHT", "20081005T020000", "+1030", "+1100", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU\n"), 2009, 2090,
		},
		{
			"a rule without POSIX form", "America/Santiago",
			obs("STANDARD", "20230401T240000", "-0300", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=SU;BYMONTHDAY=2,3,4,5,6,7,8\n") +
				obs("DAYLIGHT", "20230903T000000", "-0400", "-0300", "RRULE:FREQ=YEARLY;BYMONTH=9;BYDAY=SU;BYMONTHDAY=2,3,4,5,6,7,8\n"), 2024, 2090,
		},
		{
			"changes by date", "Europe/Zurich",
			obs("STANDARD", "20251026T030000", "+0200", "+0100", "RDATE:20261025T030000\nRDATE:20271031T030000,20281029T030000\n") +
				obs("DAYLIGHT", "20260329T020000", "+0100", "+0200", "RDATE:20270328T020000,20280326T020000\n"), 2026, 2028,
		},
		{"no change at all", "Asia/Kolkata", obs("STANDARD", "19700101T000000", "+0530", "+0530", ""), 1971, 2090},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cal, _ := parseOK(t, "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:mine\n"+tt.body+"END:VTIMEZONE\nEND:VCALENDAR\n")
			got := zoneFromRules(cal.Components[0].Children[0])
			if got == nil {
				t.Fatal("no zone")
			}
			want := zone(t, tt.like)
			for at := time.Date(tt.from, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() <= tt.to; at = at.Add(30 * time.Minute) {
				if at.Year() == tt.from+12 && tt.to > at.Year() { // the first years and the last say it all
					at = time.Date(tt.to-1, 1, 1, 0, 0, 0, 0, time.UTC)
				}
				_, a := at.In(got).Zone()
				_, b := at.In(want).Zone()
				if a != b {
					t.Fatalf("%s: offset %d, want %d", at, a, b)
				}
			}
		})
	}
}

// Observances that do not fit together keep the instants that they state.
func TestZoneFromOddRules(t *testing.T) {
	t.Parallel()
	cal, _ := parseOK(t, "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:odd\nBEGIN:STANDARD\nDTSTART:20001029T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\n"+
		"TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:20000326T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n"+
		"TZOFFSETFROM:+0000\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\nEND:VCALENDAR\n")
	z := zoneFromRules(cal.Components[0].Children[0])
	change := time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)
	_, before := change.Add(-time.Second).In(z).Zone()
	_, after := change.In(z).Zone()
	if before != 3600 || after != 7200 {
		t.Errorf("offsets %d and %d around %s", before, after, change)
	}
}

// A VTIMEZONE that we write is read back as the same zone.
func TestZoneComponent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Zurich", "Australia/Lord_Howe", "America/Santiago", "Atlantic/Azores", "Asia/Beirut", "Asia/Tokyo", "Africa/Casablanca"} {
		want := zone(t, name)
		from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		to := from.AddDate(4, 0, 0)
		c := ZoneComponent(want, from, to)
		cal, _ := parseOK(t, string((&Calendar{Components: []*Component{{Name: "VCALENDAR", Children: []*Component{c}}}}).Bytes()))
		got := zoneFromRules(cal.Components[0].Children[0])
		for at := from.AddDate(-1, 0, 1); at.Before(to); at = at.Add(30 * time.Minute) {
			_, a := at.In(got).Zone()
			_, b := at.In(want).Zone()
			if a != b {
				t.Fatalf("%s at %s: offset %d, want %d", name, at, a, b)
			}
		}
	}
}

// Wall-clock times in gaps and overlaps (RFC 5545 3.3.5).
func TestResolveWall(t *testing.T) {
	t.Parallel()
	tests := []struct{ zone, wall, want string }{
		{"Europe/Zurich", "2026-10-25T01:59", "2026-10-25T01:59+02:00"},
		{"Europe/Zurich", "2026-10-25T02:30", "2026-10-25T02:30+02:00"}, // twice: the first
		{"Europe/Zurich", "2026-10-25T03:00", "2026-10-25T03:00+01:00"},
		{"Europe/Zurich", "2027-03-28T02:00", "2027-03-28T03:00+02:00"}, // never: an hour forward
		{"Europe/Zurich", "2027-03-28T02:30", "2027-03-28T03:30+02:00"},
		{"Europe/Zurich", "2027-03-28T03:00", "2027-03-28T03:00+02:00"},
		{"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-04T02:45+11:00"}, // half an hour forward
		{"Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-05T01:45+11:00"},
		{"America/Santiago", "2026-09-06T00:30", "2026-09-06T01:30-03:00"}, // midnight is missing
		{"America/Santiago", "2026-04-04T23:30", "2026-04-04T23:30-03:00"},
		{"Atlantic/Azores", "2026-03-29T00:30", "2026-03-29T01:30+00:00"},
		{"Atlantic/Azores", "2026-10-25T00:30", "2026-10-25T00:30+00:00"},
		{"Asia/Beirut", "2026-03-29T00:00", "2026-03-29T01:00+03:00"},
		{"Asia/Beirut", "2026-10-24T23:15", "2026-10-24T23:15+03:00"},
		{"Pacific/Apia", "2011-12-30T12:00", "2011-12-31T12:00+14:00"}, // a day that never was
		{"Asia/Kolkata", "2026-10-25T02:30", "2026-10-25T02:30+05:30"},
	}
	for _, tt := range tests {
		t.Run(tt.zone+" "+tt.wall, func(t *testing.T) {
			t.Parallel()
			w, err := time.Parse("2006-01-02T15:04", tt.wall)
			if err != nil {
				t.Fatal(err)
			}
			if got := resolveWall(w, zone(t, tt.zone)).Format("2006-01-02T15:04-07:00"); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
