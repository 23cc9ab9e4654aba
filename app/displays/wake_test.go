package displays

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"lintel/app/when"
	"lintel/store"
)

func TestWake(t *testing.T) {
	t.Parallel()
	const zone = "Europe/Zurich"
	mon := func(clock string) time.Time { return at(t, zone, "2026-11-23T"+clock) }
	tue := func(clock string) time.Time { return at(t, zone, "2026-11-24T"+clock) }
	days := []when.Interval{{From: mon("08:00"), To: mon("18:00")}, {From: tue("07:20"), To: tue("18:00")}}
	const jitter = 7 * time.Second
	for _, c := range []struct {
		name string
		p    plan
		now  time.Time
		want time.Duration
	}{
		{"a change within the hour", plan{change: mon("10:00"), awake: days}, mon("09:30"), 30*time.Minute + jitter},
		{"no change within the hour", plan{change: mon("12:00"), awake: days}, mon("09:30"), time.Hour},
		{"no change at all", plan{awake: days}, mon("09:30"), time.Hour},
		{"low battery waits longer", plan{awake: days, low: true}, mon("09:30"), 2 * time.Hour},
		{"low battery still turns over", plan{change: mon("10:00"), awake: days, low: true}, mon("09:30"), 30*time.Minute + jitter},
		{"a change in a moment", plan{change: mon("09:30"), awake: days}, mon("09:29").Add(50 * time.Second), time.Minute},
		{"a change that should have been", plan{change: mon("09:00"), awake: days}, mon("09:30"), time.Minute},
		{"just before closing", plan{change: mon("18:00"), awake: days}, mon("17:59"), time.Minute + jitter},
		{"evening: in legs", plan{awake: days}, mon("18:00"), 4 * time.Hour},
		{"early morning: until the first booking's lead", plan{awake: days}, tue("05:20"), 2*time.Hour + jitter},
		{"changes do not matter while closed", plan{change: tue("00:00"), awake: days}, mon("23:30"), 4 * time.Hour},
		{"closed for good", plan{}, mon("09:00"), 4 * time.Hour},
		{"mains", plan{mains: true, awake: days}, mon("09:30"), time.Minute},
		{"mains at night", plan{mains: true}, mon("09:30"), time.Minute},
		{"mains, a change soon", plan{mains: true, change: mon("09:30").Add(20 * time.Second)}, mon("09:30"), 27 * time.Second},
		{"mains, a change now", plan{mains: true, change: mon("09:30")}, mon("09:30"), 10 * time.Second},
		{"no room", plan{idle: true}, mon("09:30"), 15 * time.Minute},
		{"no room, mains", plan{idle: true, mains: true}, mon("09:30"), time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.p.jitter = jitter
			if got := c.p.wake(c.now); got != c.want {
				t.Errorf("wake in %v, want %v", got, c.want)
			}
		})
	}
}

// Whatever the plan, a sleep is never so short that it empties a battery, nor so long that a door is forgotten.
func TestWakeStaysWithinItsLimits(t *testing.T) {
	t.Parallel()
	base := time.Unix(1_795_000_000, 0)
	rapid.Check(t, func(rt *rapid.T) {
		minutes := rapid.IntRange(-3000, 3000)
		p := plan{
			mains: rapid.Bool().Draw(rt, "mains"), low: rapid.Bool().Draw(rt, "low"), idle: rapid.Bool().Draw(rt, "idle"),
			jitter: jitterOf(store.DisplayID(rapid.String().Draw(rt, "id"))),
		}
		if rapid.Bool().Draw(rt, "changes") {
			p.change = base.Add(time.Duration(minutes.Draw(rt, "change")) * time.Minute)
		}
		var spans []when.Interval
		for range rapid.IntRange(0, 4).Draw(rt, "spans") {
			from := base.Add(time.Duration(minutes.Draw(rt, "from")) * time.Minute)
			spans = append(spans, when.Interval{From: from, To: from.Add(time.Duration(rapid.IntRange(1, 900).Draw(rt, "length")) * time.Minute)})
		}
		p.awake = when.Merge(spans)
		got := p.wake(base)
		low, high := wakeMin, wakeLeg
		if p.mains {
			low, high = wakeMinMains, wakeMaxMains
		}
		if got < low || got > high {
			rt.Fatalf("%+v sleeps %v", p, got)
		}
		if p.jitter < jitterMin || p.jitter > jitterMax {
			rt.Fatalf("jitter %v", p.jitter)
		}
	})
}

func TestJitterIsTheDisplaysOwn(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for range 200 {
		id := store.NewID[store.DisplayID]()
		first, second := jitterOf(id), jitterOf(id)
		if first != second {
			t.Fatal("one display, two jitters")
		}
		seen[first] = true
	}
	if len(seen) < 10 {
		t.Errorf("200 displays share %d jitters", len(seen))
	}
}

func TestClaimWake(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_795_000_000, 0)
	for _, c := range []struct{ waited, want time.Duration }{
		{0, time.Minute},
		{59 * time.Minute, time.Minute},
		{60 * time.Minute, 15 * time.Minute},
		{209 * time.Minute, 15 * time.Minute},
		{210 * time.Minute, time.Hour},
		{100 * time.Hour, time.Hour},
	} {
		if got := claimWake(start, start.Add(c.waited)); got != c.want {
			t.Errorf("after %v: %v, want %v", c.waited, got, c.want)
		}
	}
}
