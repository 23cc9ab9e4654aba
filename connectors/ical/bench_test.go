package ical

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// benchFile is a year of a busy room: n events, every tenth a weekly series with a moved occurrence.
func benchFile(n int) []byte {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
	start := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	for i := range n {
		at := start.Add(time.Duration(i) * 7 * time.Hour)
		stamp := at.Format("20060102T150405")
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%d@example.com\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=W. Europe Standard Time:%s\r\n"+
			"DURATION:PT45M\r\nSUMMARY:Planning of the week\\, part %d\r\nORGANIZER;CN=\"Lee, Ann\":mailto:ann@example.com\r\n"+
			"DESCRIPTION:%s\r\nCLASS:PUBLIC\r\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\r\n", i, stamp, i, strings.Repeat("text ", 10))
		if i%10 == 0 {
			fmt.Fprintf(&b, "RRULE:FREQ=WEEKLY;COUNT=20\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:%d@example.com\r\n"+
				"RECURRENCE-ID;TZID=W. Europe Standard Time:%s\r\nDTSTART;TZID=W. Europe Standard Time:%s\r\n", i, stamp, at.Add(time.Hour).Format("20060102T150405"))
		}
		b.WriteString("END:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return []byte(b.String())
}

// BenchmarkReadAndExpand measures a whole read of a room, bytes to occurrences of 15 days, against
// decoding the bytes alone.
func BenchmarkReadAndExpand(b *testing.B) {
	data := benchFile(1000)
	z, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		b.Fatal(err)
	}
	o := Options{Zone: z}
	w := window(b, "2026-06-01", "2026-06-16")
	b.SetBytes(int64(len(data)))
	events := 0
	var decoding, all time.Duration
	for b.Loop() {
		begin := time.Now()
		cal, _, err := Parse(data, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		decoding += time.Since(begin)
		set := Events(cal, o)
		x := Expand(set.Events, w, o)
		if events = set.Found; len(x.Occurrences) < 50 {
			b.Fatalf("%d occurrences", len(x.Occurrences))
		}
		all += time.Since(begin)
	}
	b.ReportMetric(float64(events)*float64(b.N)/all.Seconds(), "events/s")
	b.ReportMetric(decoding.Seconds()/all.Seconds(), "decoding/all")
}

func BenchmarkExpandYears(b *testing.B) {
	cal, _, err := Parse([]byte(event("UID:1", "DTSTART;TZID=Europe/Zurich:20060102T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR")), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	o := Options{Zone: time.UTC}
	set := Events(cal, o)
	w := window(b, "2026-11-01", "2026-11-16")
	for b.Loop() {
		if n := len(Expand(set.Events, w, o).Occurrences); n != 6 {
			b.Fatal(n)
		}
	}
}
