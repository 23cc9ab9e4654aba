//go:build unix

package calendars

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ical"
	"lintel/connectors/vevent"
	"lintel/store"
)

// feed is a booking system that holds one room as iCalendar and decodes it at each read, as a connector does;
// no network is between.
type feed struct {
	*script
	data    []byte
	decoded int // occurrences that the last read brought
}

func (f *feed) Read(_ context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	events, err := decode(f.data, req.Window, req.Room.Zone)
	f.decoded = len(events)
	return connectors.Snapshot{Events: events, Complete: true, State: []byte("state")}, err
}

// decode is the yardstick: iCalendar to what takes place within a window.
func decode(data []byte, w when.Interval, zone *time.Location) ([]connectors.Event, error) {
	f, err := vevent.Parse(data, zone, ical.Limits{Bytes: 20 << 20})
	if err != nil {
		return nil, err
	}
	return f.Occurrences(w, connectors.Warnings{}), nil
}

// today is the day on which the rooms of benchmarks are read.
var today = when.Date{Year: 2026, Month: time.November, Day: 23}

// calendar is a room that is taken at 08, 09 … 15, from first to last; change is in the subject of one event of
// today.
func calendar(first, last when.Date, change string) []byte {
	var b bytes.Buffer
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n")
	for d := first; d.Before(last); d = d.Add(1) {
		for hour := 8; hour < 16; hour++ {
			subject := "Planning of the week\\, part one"
			if d == today && hour == 15 {
				subject += change
			}
			at := fmt.Sprintf("%04d%02d%02dT%02d", d.Year, d.Month, d.Day, hour)
			fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%s@example.com\r\nDTSTAMP:20260101T000000Z\r\nCREATED:20260101T000000Z\r\nSEQUENCE:1\r\n"+
				"DTSTART;TZID=Europe/Zurich:%s0000\r\nDTEND;TZID=Europe/Zurich:%s4500\r\nSUMMARY:%s\r\nLOCATION:Matterhorn\r\n"+
				"ORGANIZER;CN=\"Lee, Ann\":mailto:ann%d@example.com\r\nATTENDEE;CN=Bo;PARTSTAT=ACCEPTED:mailto:bo@example.com\r\n"+
				"DESCRIPTION:%s\r\nCLASS:PUBLIC\r\nTRANSP:OPAQUE\r\nEND:VEVENT\r\n", at, at, at, subject, d.Day+hour, strings.Repeat("text ", 10))
		}
	}
	b.WriteString("END:VCALENDAR\r\n")
	return b.Bytes()
}

// BenchmarkSync runs whole cycles of a room, from the probe to the commit, and by turns decodes the same calendar
// alone. The budget: "decoding/cycle", of processor time, is at least 0.5, and an unchanged event costs no write. In "window" every
// event is kept; in "year", as feeds are, most lie outside what is kept.
func BenchmarkSync(b *testing.B) {
	for _, size := range []struct {
		name        string
		first, last when.Date
	}{{"window", today.Add(-1), today.Add(connectors.DaysAhead)}, {"year", today.Add(-180), today.Add(185)}} {
		plain := calendar(size.first, size.last, "")
		for _, c := range []struct {
			name string
			next func(n int) []byte
		}{
			{"unchanged", func(int) []byte { return plain }},
			{"one changed", func(n int) []byte { return calendar(size.first, size.last, fmt.Sprint(n)) }},
		} {
			b.Run(size.name+"/"+c.name, func(b *testing.B) { benchSync(b, nil, c.next) })
		}
		b.Run(size.name+"/all new", func(b *testing.B) {
			benchSync(b, calendar(today, today, ""), func(int) []byte { return plain })
		})
	}
}

// cpu is the time that the process has worked: on a machine that does other things too it tells more than a clock.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchSync syncs what next returns, again and again; unless before is nil, it is synced in between, uncounted.
func benchSync(b *testing.B, before []byte, next func(n int) []byte) {
	e := newBench(b)
	f := &feed{script: e.sys}
	e.systems[e.id].conn = f
	zone := e.rooms[e.ws].zone
	sync := func(data []byte) {
		rm := e.rooms[e.ws]
		if bytes.Equal(f.data, data) {
			rm.force = true // as each hour, although the probe sees no change
		} else {
			f.data = data
			e.sys.version++
		}
		e.unqueue(rm)
		rm.due = e.now
		e.enqueue(rm)
		if !e.crank() {
			b.Fatal("not due")
		}
	}
	clear := func() {
		if before != nil { // an empty calendar is believed the second time
			sync(before)
			sync(before)
		}
	}
	sync(next(-1))
	var decoding, cycles, took time.Duration
	n := 0
	for b.Loop() {
		clear()
		data := next(n)
		n++
		begin := cpu(b)
		if _, err := decode(data, window(e.now, zone), zone); err != nil {
			b.Fatal(err)
		}
		decoding += cpu(b) - begin
		start := time.Now()
		begin = cpu(b)
		sync(data)
		cycles += cpu(b) - begin
		took += time.Since(start)
	}
	// One more cycle counts the bytes. It is not timed: SQLite has forgotten its cache when the log was emptied.
	clear()
	if err := e.st.Trim(context.Background()); err != nil {
		b.Fatal(err)
	}
	sync(next(n))
	written, err := os.Stat(filepath.Join(e.st.Dir(), store.MainFile+"-wal"))
	if err != nil {
		b.Fatal(err)
	}
	if got := len(e.agenda()); got != f.decoded || got < 8*connectors.DaysAhead {
		b.Fatalf("%d bookings of %d events", got, f.decoded)
	}
	b.ReportMetric(decoding.Seconds()/cycles.Seconds(), "decoding/cycle")
	b.ReportMetric(float64(took.Microseconds())/1000/float64(n), "ms/cycle")
	b.ReportMetric(float64(f.decoded*n)/cycles.Seconds(), "events/cpu-s")
	b.ReportMetric(float64(written.Size()), "written-B/cycle")
	b.ReportMetric(0, "ns/op") // of both sides together: it says nothing
}
