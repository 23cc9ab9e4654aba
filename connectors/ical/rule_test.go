package ical

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"lintel/app/when"
)

func TestParseRule(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in, want string // want is String(); "error" for an error
		ignored  string
	}{
		{"FREQ=DAILY", "FREQ=DAILY", ""},
		{"RRULE:FREQ=WEEKLY;BYDAY=MO;", "FREQ=WEEKLY;BYDAY=MO", ""},
		{"freq = weekly ; byday = mo , we ;; interval=2", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", ""},
		{"FREQ=MONTHLY;BYDAY=+3WE,-1FR;BYMONTH=1,2,", "FREQ=MONTHLY;BYDAY=3WE,-1FR;BYMONTH=1,2", ""},
		{"FREQ=DAILY;COUNT=5;UNTIL=20261121T000000Z;WKST=SU", "FREQ=DAILY;COUNT=5;UNTIL=20261121T000000Z;WKST=SU", ""},
		{"FREQ=DAILY;UNTIL=20261121", "FREQ=DAILY;UNTIL=20261121", ""},
		{"FREQ=DAILY;INTERVAL=0", "FREQ=DAILY", ""},
		{"FREQ=DAILY;BYHOUR=9,9,8,99", "FREQ=DAILY;BYHOUR=8,9", ""},
		{"FREQ=DAILY;BYEASTER=1;X-A=B;junk", "FREQ=DAILY", "BYEASTER X-A JUNK"},
		{"FREQ=DAILY;WKST=XX", "FREQ=DAILY", "WKST"},
		{"FREQ=WEEKLY;BYDAY=2MO", "FREQ=WEEKLY;BYDAY=MO", ""},
		{"FREQ=MONTHLY;BYWEEKNO=3", "FREQ=MONTHLY", "BYWEEKNO"},
		{"FREQ=MONTHLY;BYDAY=-53MO,1TU", "FREQ=MONTHLY;BYDAY=1TU", ""},
		{"FREQ=YEARLY;BYDAY=-53MO", "FREQ=YEARLY;BYDAY=-53MO", ""},
		{"FREQ=YEARLY;RSCALE=GREGORIAN", "FREQ=YEARLY", ""},
		{"FREQ=YEARLY;RSCALE=CHINESE", "error", ""},
		{"FREQ=MONTHLY;BYDAY=-53MO", "error", ""},
		{"FREQ=DAILY;BYMONTH=13", "error", ""},
		{"FREQ=DAILY;BYDAY=XX", "error", ""},
		{"FREQ=DAILY;COUNT=0", "error", ""},
		{"FREQ=DAILY;COUNT=99999999999999999999", "error", ""},
		{"FREQ=DAILY;UNTIL=soon", "error", ""},
		{"FREQ=FORTNIGHTLY", "error", ""},
		{"INTERVAL=2", "error", ""},
		{"", "error", ""},
		{"FREQ=DAILY;BYSECOND=" + numbers(60) + ";BYMINUTE=" + numbers(60), "error", ""},
		{"FREQ=DAILY;X=" + strings.Repeat("y", 5000), "error", ""},
	}
	for _, tt := range tests {
		name := tt.in
		if len(name) > 60 {
			name = name[:60]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := ParseRule(tt.in)
			if err != nil {
				if tt.want != "error" || !errors.Is(err, ErrRule) {
					t.Fatal(err)
				}
				return
			}
			if got := r.String(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if got := strings.Join(r.Ignored(), " "); got != tt.ignored {
				t.Errorf("ignored %q, want %q", got, tt.ignored)
			}
		})
	}
}

func numbers(n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprint(i))
	}
	return strings.Join(s, ",")
}

// No rule costs more than its budget, whatever it says, and what was cut off is told.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule string
		cut  bool
	}{
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", false},
		{"FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2", false},
		{"FREQ=DAILY;BYMONTHDAY=31;BYMONTH=2", false},
		{"FREQ=WEEKLY;BYMONTHDAY=31;BYMONTH=2", false},
		{"FREQ=DAILY;BYSETPOS=2", false},
		{"FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;BYDAY=5MO", false},
		{"FREQ=HOURLY;INTERVAL=24;BYHOUR=5", false},
		{"FREQ=MINUTELY;INTERVAL=60;BYMINUTE=17", false},
		{"FREQ=SECONDLY;INTERVAL=86400;BYHOUR=5", false},
		{"FREQ=SECONDLY;INTERVAL=2147483647", false},
		{"FREQ=WEEKLY;INTERVAL=9223372036854775807", false},
		{"FREQ=DAILY;INTERVAL=9223372036854775807", false},
		{"FREQ=MONTHLY;INTERVAL=9223372036854775807", false},
		{"FREQ=YEARLY;INTERVAL=9223372036854775807", false},
		{"FREQ=SECONDLY", true},
		{"FREQ=SECONDLY;BYMONTH=2", true},
		{"FREQ=SECONDLY;COUNT=2000000000", true},
		{"FREQ=MINUTELY;BYDAY=MO;BYHOUR=3", true},
		{"FREQ=DAILY;BYHOUR=" + numbers(24) + ";BYMINUTE=0,5,10,15,20,25,30,35,40,45,50,55", true},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			cal, _ := parseOK(t, event("UID:1", "DTSTART:20000101T033000Z", "DURATION:PT1M", "RRULE:"+tt.rule))
			o := Options{Zone: time.UTC}
			x := Expand(Events(cal, o).Events, window(t, "2026-01-01", "2027-01-01"), o)
			if x.Cut != tt.cut || (x.Warnings[Warning{Kind: WarnRuleCut}] > 0) != tt.cut {
				t.Errorf("cut %v, want %v; %d occurrences, warnings %v", x.Cut, tt.cut, len(x.Occurrences), x.Warnings)
			}
			if len(x.Occurrences) > 5000 {
				t.Errorf("%d occurrences", len(x.Occurrences))
			}
		})
	}
}

// Positions that no period can have are seen before the library looks for them.
func TestPossible(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"FREQ=DAILY;BYSETPOS=2": false, "FREQ=DAILY;BYSETPOS=-2,1": true, "FREQ=DAILY;BYHOUR=9,15;BYSETPOS=2": true,
		"FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=-3": false, "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=-2": true,
		"FREQ=HOURLY;BYHOUR=9,15;BYSETPOS=2": false, "FREQ=HOURLY;BYMINUTE=0,30;BYSETPOS=2": true, "FREQ=SECONDLY;BYSECOND=1,2;BYSETPOS=2": false,
	} {
		r := rule(t, s)
		if q := r.pattern(time.Unix(0, 0).UTC()); q.possible() != want {
			t.Errorf("%s: possible %v", s, !want)
		}
	}
}

// What is cut off is the end of the window, not its beginning, even for a rule that began long ago.
func TestCapKeepsTheBeginning(t *testing.T) {
	t.Parallel()
	cal, _ := parseOK(t, event("UID:1", "DTSTART:20000101T033000Z", "RRULE:FREQ=SECONDLY"))
	o := Options{Zone: time.UTC}
	w := window(t, "2026-01-01", "2027-01-01")
	x := Expand(Events(cal, o).Events, w, o)
	if n := len(x.Occurrences); n != 5000 || !x.Cut {
		t.Fatalf("%d occurrences, cut %v", n, x.Cut)
	}
	if first, last := x.Occurrences[0].From, x.Occurrences[4999].From; !first.Equal(w.From) || last.Sub(first) != 4999*time.Second {
		t.Errorf("from %s to %s", first, last)
	}
}

// The budget of one call is shared: after it is used up, events without rules still come.
func TestTotalWorkIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\n")
	for i := range 50 {
		fmt.Fprintf(&b, "BEGIN:VEVENT\nUID:%d\nDTSTART:20200101T000000Z\nRRULE:FREQ=MINUTELY;BYMONTH=2\nEND:VEVENT\n", i)
	}
	b.WriteString("BEGIN:VEVENT\nUID:last\nDTSTART:20261121T090000Z\nEND:VEVENT\nEND:VCALENDAR\n")
	cal, _ := parseOK(t, b.String())
	o := Options{Zone: time.UTC, MaxTotalSteps: 10_000}
	x := Expand(Events(cal, o).Events, window(t, "2026-11-01", "2026-12-01"), o)
	if len(x.Occurrences) != 1 || x.Occurrences[0].Event.UID != "last" || !x.Cut {
		t.Errorf("%d occurrences, cut %v", len(x.Occurrences), x.Cut)
	}
}

var testZones = []string{
	"Europe/Zurich", "Australia/Lord_Howe", "America/Santiago", "Atlantic/Azores", "Asia/Beirut", "UTC", "Asia/Kolkata", "Africa/Casablanca",
}

// bruteInstant finds the instant of a wall-clock time by trying every offset the zone has had around it.
func bruteInstant(w time.Time, z *time.Location) time.Time {
	var best time.Time
	for h := -26; h <= 26; h++ {
		_, off := w.Add(time.Duration(h) * time.Hour).In(z).Zone()
		at := w.Add(-time.Duration(off) * time.Second)
		if _, o := at.In(z).Zone(); o == off && (best.IsZero() || at.Before(best)) {
			best = at
		}
	}
	if best.IsZero() { // in a gap: the offset of half a day before
		_, off := w.Add(-12 * time.Hour).In(z).Zone()
		best = w.Add(-time.Duration(off) * time.Second)
	}
	return best
}

// Property: daily and weekly series are what counting days by hand gives, in every zone, over every
// change of clocks.
func TestExpandMatchesCounting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(testZones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(2025, 1, rapid.IntRange(1, 700).Draw(t, "day"), 0, 15*rapid.IntRange(0, 95).Draw(t, "quarter"), 0, 0, time.UTC)
		weekly := rapid.Bool().Draw(t, "weekly")
		interval := rapid.IntRange(1, 4).Draw(t, "interval")
		days := rapid.SliceOfDistinct(rapid.IntRange(0, 6), func(d int) int { return d }).Draw(t, "days")
		wkst := rapid.IntRange(0, 1).Draw(t, "weekFrom")
		count := rapid.SampledFrom([]int{0, 0, 3, 40}).Draw(t, "count")
		minutes := rapid.IntRange(0, 3000).Draw(t, "minutes")
		fromDay := rapid.IntRange(-30, 700).Draw(t, "from")
		from := start.AddDate(0, 0, fromDay)
		to := from.AddDate(0, 0, rapid.IntRange(1, 120).Draw(t, "length"))

		rule := fmt.Sprintf("FREQ=%s;INTERVAL=%d;WKST=%s", map[bool]string{true: "WEEKLY", false: "DAILY"}[weekly], interval, dayNames[wkst])
		if count > 0 {
			rule += fmt.Sprintf(";COUNT=%d", count)
		}
		if len(days) > 0 {
			var names []string
			for _, d := range days {
				names = append(names, dayNames[d])
			}
			rule += ";BYDAY=" + strings.Join(names, ",")
		}

		var want []string
		week := func(d time.Time) int {
			shifted := int(d.Unix()/86400) + 4 - wkst // 1970-01-01 was a Thursday
			return shifted / 7
		}
		n := 0
		for d := start; d.Before(to.AddDate(0, 0, 3)); d = d.AddDate(0, 0, 1) {
			hit := slices.Contains(days, int(d.Weekday())) || len(days) == 0 && (!weekly || d.Weekday() == start.Weekday())
			if weekly {
				hit = hit && (week(d)-week(start))%interval == 0
			} else {
				hit = hit && int(d.Sub(start).Hours()/24)%interval == 0
			}
			if !hit && !d.Equal(start) {
				continue
			}
			if n++; count > 0 && n > count {
				break
			}
			at := bruteInstant(d, z)
			end := at.Add(time.Duration(minutes) * time.Minute)
			if at.Before(to) && (end.After(from) || minutes == 0 && !at.Before(from)) {
				want = append(want, at.UTC().Format(time.RFC3339))
			}
		}

		text := event("UID:1", "DTSTART;TZID="+z.String()+":"+start.Format("20060102T150405"), fmt.Sprintf("DURATION:PT%dM", minutes), "RRULE:"+rule)
		cal, _, err := Parse([]byte(text), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Zone: z}
		var got []string
		for _, occ := range Expand(Events(cal, o).Events, when.Interval{From: from, To: to}, o).Occurrences {
			got = append(got, occ.From.UTC().Format(time.RFC3339))
		}
		slices.Sort(want)
		want = slices.Compact(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s from %s: %s", rule, start, diff)
		}
	})
}

// Property: asking the library for one period at a time gives what it gives at one go, where it does so
// right and in finite time.
func TestStepsMatchLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, lo, hi, most int) string {
			number := rapid.IntRange(lo, hi).Filter(func(n int) bool { return n != 0 || lo == 0 })
			list := rapid.SliceOfNDistinct(number, 0, most, rapid.ID[int]).Draw(t, name) // the library counts repeated times twice
			if len(list) == 0 {
				return ""
			}
			var s []string
			for _, n := range list {
				s = append(s, fmt.Sprint(n))
			}
			return ";" + name + "=" + strings.Join(s, ",")
		}
		f := rapid.SampledFrom([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY"}).Draw(t, "freq")
		rule := "FREQ=" + f + fmt.Sprintf(";INTERVAL=%d", rapid.IntRange(1, 5).Draw(t, "interval"))
		rule += pick("BYMONTH", 1, 12, 3) + pick("BYHOUR", 0, 23, 2) + pick("BYMINUTE", 0, 59, 2)
		day := rapid.SampledFrom([]string{"", ";BYDAY=MO,TH", ";BYDAY=SU", ";BYDAY=1MO,-1FR,3WE"}).Draw(t, "BYDAY")
		if f == "WEEKLY" || f == "DAILY" {
			day = strings.ReplaceAll(day, ";BYDAY=1MO,-1FR,3WE", ";BYDAY=FR")
		} else {
			rule += pick("BYMONTHDAY", -31, 31, 3)
		}
		rule += day
		if f == "YEARLY" && day == ";BYDAY=MO,TH" {
			rule += pick("BYWEEKNO", -53, 53, 2)
		}
		if (f == "YEARLY" || f == "MONTHLY") && rapid.Bool().Draw(t, "position") {
			rule += pick("BYSETPOS", -4, 4, 2)
		}
		start := time.Date(2023, 1, rapid.IntRange(1, 1200).Draw(t, "day"), 9, 30, 0, 0, time.UTC)
		to := start.AddDate(rapid.IntRange(1, 12).Draw(t, "years"), 0, 0)

		opt, err := rrule.StrToROption(rule)
		if err != nil {
			t.Fatal(err)
		}
		opt.Dtstart, opt.Until = start, to
		lib, err := rrule.NewRRule(*opt)
		if err != nil {
			t.Skip(err)
		}
		want := lib.All()
		r, err := ParseRule(rule)
		if err != nil {
			t.Fatal(err)
		}
		var got []time.Time
		from := start.AddDate(0, 0, rapid.IntRange(0, 900).Draw(t, "skip"))
		work := 1_000_000
		r.each(start, span{from, to}, false, func(time.Time) bool { return false }, &work, func(w time.Time) bool {
			got = append(got, w)
			return true
		})
		want = slices.DeleteFunc(want, func(w time.Time) bool { return w.Before(from) })
		want = slices.Compact(want)
		if len(want) == 0 && len(got) == 0 {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s from %s: %s", rule, start, diff)
		}
	})
}
