package when

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

var zones = []string{
	"Europe/Zurich", "Atlantic/Azores", "America/Santiago", "Australia/Lord_Howe", "Asia/Beirut",
	"America/Havana", "UTC", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns",
}

func TestStartOfDayWhereMidnightIsSkipped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, day, want string }{
		{"Europe/Zurich", "2026-03-29", "2026-03-28T23:00:00Z"},
		{"Atlantic/Azores", "2026-03-29", "2026-03-29T01:00:00Z"},  // 00:00 -> 01:00
		{"America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z"}, // 00:00 -> 01:00
		{"America/Santiago", "2026-04-05", "2026-04-05T04:00:00Z"}, // 24:00 comes back to 23:00 on the 4th
		{"Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z"},
	} {
		d, err := ParseDate(c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Start(zone(t, c.zone)).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s %s starts %s, want %s", c.zone, c.day, got, c.want)
		}
	}
}

func TestLengthOfDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, day string
		want      time.Duration
	}{
		{"Europe/Zurich", "2026-10-25", 25 * time.Hour},
		{"Europe/Zurich", "2027-03-28", 23 * time.Hour},
		{"Australia/Lord_Howe", "2026-10-04", 23*time.Hour + 30*time.Minute},
		{"Australia/Lord_Howe", "2027-04-04", 24*time.Hour + 30*time.Minute},
		{"America/Santiago", "2026-09-06", 23 * time.Hour},
		{"America/Santiago", "2026-04-04", 25 * time.Hour},
	} {
		d, _ := ParseDate(c.day)
		if got := d.Interval(zone(t, c.zone)).Duration(); got != c.want {
			t.Errorf("%s %s lasts %v, want %v", c.zone, c.day, got, c.want)
		}
	}
}

func TestWallInGapAndFold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, wall, want string
		exists           bool
	}{
		{"Europe/Zurich", "2027-03-28T02:30", "2027-03-28T01:00:00Z", false},
		{"Europe/Zurich", "2026-10-25T02:30", "2026-10-25T00:30:00Z", true},
		{"Europe/Zurich", "2026-10-25T03:00", "2026-10-25T02:00:00Z", true},
		{"America/Santiago", "2026-09-06T00:30", "2026-09-06T04:00:00Z", false},
		{"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z", false},
	} {
		w, err := ParseWall(c.wall)
		if err != nil {
			t.Fatal(err)
		}
		z := zone(t, c.zone)
		if got := w.In(z).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.zone, c.wall, got, c.want)
		}
		if got := w.Exists(z); got != c.exists {
			t.Errorf("%s %s exists = %v", c.zone, c.wall, got)
		}
	}
}

func TestDaysTileTheYear(t *testing.T) {
	t.Parallel()
	for _, name := range zones {
		z := zone(t, name)
		d := Date{2026, 1, 1}
		for range 800 {
			i := d.Interval(z)
			if !i.Valid() || DayOf(i.From, z) != d || DayOf(i.To.Add(-time.Second), z) != d {
				t.Fatalf("%s %v: [%v, %v) is not that day", name, d, i.From, i.To)
			}
			if DayOf(i.From.Add(-time.Second), z) == d {
				t.Fatalf("%s %v begins before %v", name, d, i.From)
			}
			d = d.Add(1)
		}
	}
}

func TestWallRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		z := zone(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		at := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(rt, "at")/60*60, 0)
		w := WallOf(at, z)
		back := w.In(z)
		if WallOf(back, z) != w || back.After(at) {
			rt.Fatalf("%v in %v: wall %v, back %v", at, z, w, back)
		}
	})
}

func TestEndedDays(t *testing.T) {
	t.Parallel()
	for _, name := range zones {
		z := zone(t, name)
		mark := Date{2026, 1, 1}
		now := Date{2026, 1, 2}.Start(z)
		seen := mark
		// A job that ticks every 7 hours with outages of five days handles each day once.
		for step := 0; now.Before(Date{2027, 12, 31}.Start(z)); step++ {
			for _, d := range EndedDays(z, mark, now) {
				if d != seen.Add(1) {
					t.Fatalf("%s: %v after %v", name, d, seen)
				}
				if d.End(z).After(now) {
					t.Fatalf("%s: %v has not ended at %v", name, d, now)
				}
				seen, mark = d, d
			}
			if step%50 == 49 {
				now = now.Add(5 * 24 * time.Hour)
			}
			now = now.Add(7 * time.Hour)
		}
		if got := (Date{2027, 12, 31}).Sub(seen); got > 7 {
			t.Fatalf("%s: stopped at %v", name, seen)
		}
	}
	z := zone(t, "Europe/Zurich")
	now := Date{2026, 11, 21}.Start(z).Add(time.Hour)
	if got := EndedDays(z, Date{}, now); len(got) != 1 || got[0] != (Date{2026, 11, 20}) {
		t.Errorf("a new building handles %v, want yesterday", got)
	}
}

func TestMergeAndGaps(t *testing.T) {
	t.Parallel()
	base := time.Unix(1_800_000_000, 0)
	rapid.Check(t, func(rt *rapid.T) {
		var spans []Interval
		for range rapid.IntRange(0, 12).Draw(rt, "n") {
			f := rapid.IntRange(0, 100).Draw(rt, "f")
			spans = append(spans, Interval{
				base.Add(time.Duration(f) * time.Minute),
				base.Add(time.Duration(f+rapid.IntRange(0, 30).Draw(rt, "d")) * time.Minute),
			})
		}
		merged := Merge(spans)
		within := Interval{base, base.Add(130 * time.Minute)}
		gaps := Gaps(within, spans)
		for m := range 130 {
			at := base.Add(time.Duration(m) * time.Minute)
			if in(spans, at) != in(merged, at) || in(spans, at) == in(gaps, at) {
				rt.Fatalf("minute %d: %v merged %v gaps %v", m, spans, merged, gaps)
			}
		}
	})
}

func in(spans []Interval, t time.Time) bool {
	for _, s := range spans {
		if s.Contains(t) {
			return true
		}
	}
	return false
}

func TestParseClock(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{"09:30": 570, "9:30": 570, "00:00": 0, "24:00": 1440} {
		if got, err := ParseClock(s); err != nil || got != want {
			t.Errorf("ParseClock(%q) = %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "9", "25:00", "24:01", "10:60", "10:00x", "-1:00"} {
		if got, err := ParseClock(s); err == nil {
			t.Errorf("ParseClock(%q) = %d, want an error", s, got)
		}
	}
}

func TestChangesTellZonesApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range zones {
		d := Changes(zone(t, name), 2026, 4)
		if d != Changes(zone(t, name), 2026, 4) {
			t.Errorf("%s: two digests", name)
		}
		if other := seen[d]; other != "" {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[d] = name
	}
	if Changes(zone(t, "Europe/Zurich"), 2026, 4) != Changes(zone(t, "Europe/Berlin"), 2026, 4) {
		t.Error("Zurich and Berlin change their clocks alike")
	}
}
