package ical

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	cal, _ := parseOK(t, strings.ReplaceAll("BEGIN:VCALENDAR|VERSION:2.0|PRODID:secret|X-WR-CALNAME:secret|X-WR-TIMEZONE:Europe/Zurich|METHOD:REQUEST|"+
		"BEGIN:VTIMEZONE|TZID:mine|X-LIC-LOCATION:Asia/Tokyo|COMMENT:secret|BEGIN:STANDARD|DTSTART:16010101T000000|TZOFFSETFROM:+0530|TZOFFSETTO:+0530|TZNAME:secret|END:STANDARD|END:VTIMEZONE|"+
		"BEGIN:VEVENT|UID:u|DTSTART;TZID=mine;X-P=secret:20261102T090000|DURATION:PT1H|RRULE:FREQ=DAILY|EXDATE;VALUE=DATE:20261103|CLASS:PRIVATE|TRANSP:OPAQUE|STATUS:TENTATIVE|SEQUENCE:1|"+
		"X-MICROSOFT-CDO-BUSYSTATUS:FREE|SUMMARY:secret|ORGANIZER;CN=secret:mailto:secret@x|ATTENDEE:mailto:secret@x|DESCRIPTION:secret|LOCATION:secret|X-ALT-DESC:secret|"+
		"CATEGORIES:secret|CONTACT:secret|ATTACH:http://secret|X-LINTEL-TOKEN:t1|BEGIN:VALARM|DESCRIPTION:secret|END:VALARM|END:VEVENT|"+
		"BEGIN:VEVENT|UID:u|RECURRENCE-ID;RANGE=THISANDFUTURE:20261105T090000|DTSTART;TZID=mine:20261105T100000|SUMMARY:secret|END:VEVENT|"+
		"BEGIN:VTODO|SUMMARY:secret|END:VTODO|END:VCALENDAR|", "|", "\n"))
	before := string(cal.Bytes())
	want := "BEGIN:VCALENDAR|VERSION:2.0|X-WR-TIMEZONE:Europe/Zurich|" +
		"BEGIN:VTIMEZONE|TZID:mine|X-LIC-LOCATION:Asia/Tokyo|BEGIN:STANDARD|DTSTART:16010101T000000|TZOFFSETFROM:+0530|TZOFFSETTO:+0530|END:STANDARD|END:VTIMEZONE|" +
		"BEGIN:VEVENT|UID:u|DTSTART;TZID=mine:20261102T090000|DURATION:PT1H|RRULE:FREQ=DAILY|EXDATE;VALUE=DATE:20261103|CLASS:PRIVATE|TRANSP:OPAQUE|STATUS:TENTATIVE|SEQUENCE:1|" +
		"X-MICROSOFT-CDO-BUSYSTATUS:FREE|X-LINTEL-TOKEN:t1|END:VEVENT|" +
		"BEGIN:VEVENT|UID:u|RECURRENCE-ID;RANGE=THISANDFUTURE:20261105T090000|DTSTART;TZID=mine:20261105T100000|END:VEVENT|END:VCALENDAR|"
	if diff := cmp.Diff(want, strings.ReplaceAll(string(Strip(cal, "X-LINTEL-TOKEN").Bytes()), "\r\n", "|")); diff != "" {
		t.Error(diff)
	}
	if string(cal.Bytes()) != before {
		t.Error("stripping changed the original")
	}
}

// What is stripped gives the same occurrences as the whole.
func TestStripKeepsOccurrences(t *testing.T) {
	t.Parallel()
	o := Options{Zone: zone(t, "Europe/Zurich")}
	for _, path := range corpusFiles(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cal, _, err := Parse(data, Limits{})
		if err != nil {
			continue
		}
		stripped, _, err := Parse(Strip(cal).Bytes(), Limits{})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		list := func(c *Calendar) (out []string) {
			set := Events(c, o)
			for _, occ := range Expand(set.Events, corpusWindow(Events(cal, o)), o).Occurrences {
				out = append(out, occ.Event.UID+" "+occ.Original+" "+occ.From.String()+" "+occ.To.String())
			}
			return out
		}
		if diff := cmp.Diff(list(cal), list(stripped)); diff != "" {
			t.Errorf("%s: %s", filepath.Base(path), diff)
		}
	}
}
