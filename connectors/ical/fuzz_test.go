package ical

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lintel/app/when"
)

// seedFiles adds the small sample files of testdata.
func seedFiles(f *testing.F, add func(data []byte)) {
	paths, err := filepath.Glob("testdata/*.ics")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		add(data)
	}
}

// FuzzParse: no panic, and what is written is read back as the same bytes.
func FuzzParse(f *testing.F) {
	seedFiles(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		cal, _, err := Parse(data, Limits{})
		if err != nil {
			return
		}
		first := cal.Bytes()
		again, rep, err := Parse(first, Limits{})
		if err != nil {
			t.Fatalf("reading what was written: %v", err)
		}
		if !rep.Whole() || rep.Unclosed > 0 {
			t.Fatalf("what was written is not whole: %+v", rep)
		}
		if second := again.Bytes(); !bytes.Equal(first, second) {
			t.Fatalf("written again it differs:\n%q\n%q", first, second)
		}
	})
}

// FuzzExpand: whatever a file says, expanding ends, every occurrence touches the window, has a name of
// its own within its UID, and the stripped file says the same.
func FuzzExpand(f *testing.F) {
	seedFiles(f, func(data []byte) { f.Add(data, int64(1793491200), uint16(90)) })
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, from int64, days uint16) {
		cal, _, err := Parse(data, Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		o := Options{Zone: zurich, MaxSteps: 3_000, MaxTotalSteps: 20_000}
		w := when.Interval{From: time.Unix(from%(1<<37), 0).UTC()}
		w.To = w.From.AddDate(0, 0, int(days%400))
		x := Expand(Events(cal, o).Events, w, o)
		named := map[string]bool{}
		for _, occ := range x.Occurrences {
			point := occ.From.Equal(occ.To) && w.Contains(occ.From)
			if occ.To.Before(occ.From) || !point && !(occ.From.Before(w.To) && occ.To.After(w.From)) {
				t.Fatalf("%s to %s does not touch %s", occ.From, occ.To, w)
			}
			name := occ.Event.UID + "\x00" + occ.Original
			if named[name] {
				t.Fatalf("twice: %q", name)
			}
			named[name] = true
		}
		y := Expand(Events(Strip(cal), o).Events, w, o)
		if len(x.Occurrences) != len(y.Occurrences) || x.Cut != y.Cut {
			t.Fatalf("%d occurrences, stripped %d", len(x.Occurrences), len(y.Occurrences))
		}
		for i := range x.Occurrences {
			if a, b := x.Occurrences[i], y.Occurrences[i]; !a.From.Equal(b.From) || !a.To.Equal(b.To) || a.Original != b.Original {
				t.Fatalf("occurrence %d: %v, stripped %v", i, a, b)
			}
		}
	})
}

// FuzzRule: no panic, no endless work, and a rule's text means the same rule.
func FuzzRule(f *testing.F) {
	for _, s := range []string{
		"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU;WKST=SU;INTERVAL=2;", "FREQ=MONTHLY;BYDAY=-1FR,2MO;BYSETPOS=-1", "FREQ=YEARLY;BYWEEKNO=53,-1",
		"FREQ=YEARLY;BYYEARDAY=-366,366;BYMONTHDAY=-31,31", "FREQ=HOURLY;INTERVAL=24;BYHOUR=5", "FREQ=SECONDLY;BYSECOND=59;COUNT=9",
		"FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=31", "FREQ=YEARLY;BYMONTH=1;BYDAY=-5MO;BYHOUR=0,23;UNTIL=20301231", "FREQ=WEEKLY;INTERVAL=9223372036854775807",
	} {
		f.Add(s, int64(1793491200), uint16(800))
	}
	f.Fuzz(func(t *testing.T, s string, from int64, days uint16) {
		r, err := ParseRule(s)
		if err != nil {
			return
		}
		again, err := ParseRule(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q: %q, %v", r.String(), again.String(), err)
		}
		at := time.Unix(from%(1<<37), 0).UTC()
		if at.Year() < 1 || at.Year() > 9999 {
			return
		}
		to := at.AddDate(0, 0, int(days))
		for _, rule := range []*Rule{&r, &again} {
			work, last := 5_000, time.Time{}
			rule.each(at, span{at, to}, true, func(time.Time) bool { return false }, &work, func(w time.Time) bool {
				if w.Before(at) || w.After(to) || !last.IsZero() && !w.After(last) {
					t.Fatalf("%s after %s is out of order or bounds", w, last)
				}
				last = w
				return true
			})
			if work < -10 {
				t.Fatalf("work overdrawn: %d", work)
			}
		}
	})
}
