package displays

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/when"
	"lintel/render"
	"lintel/store"
)

// changesOfClocks are nights in which clocks change, with the zones' odd ways: at midnight, by half an hour, on different days.
var changesOfClocks = []struct{ zone, day string }{
	{"Europe/Zurich", "2026-10-25"},
	{"Europe/Zurich", "2027-03-28"},
	{"Atlantic/Azores", "2026-10-25"},
	{"Atlantic/Azores", "2027-03-28"},
	{"America/Santiago", "2026-09-06"},
	{"America/Santiago", "2027-04-04"},
	{"Australia/Lord_Howe", "2026-10-04"},
	{"Australia/Lord_Howe", "2027-04-04"},
	{"Asia/Beirut", "2026-10-25"},
	{"Asia/Beirut", "2027-03-28"},
}

// busyMonth is a room with meetings at all hours, around a day: also over midnight, all day, overlapping, at night.
func busyMonth(t testing.TB, zone string, middle when.Date) *testRoom {
	t.Helper()
	tr := newTestRoom(zone)
	z, err := when.LoadZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	add := func(from, to when.Wall, b bookings.Shown) {
		b.ID = store.BookingID(fmt.Sprint(len(tr.agenda)))
		if b.From, b.To = from.In(z), to.In(z); b.Span().Valid() {
			tr.agenda = append(tr.agenda, b)
		}
	}
	for n := -18; n <= 26; n++ {
		d := middle.Add(n)
		wall := func(clock int) when.Wall { return when.Wall{Date: d, Minute: clock/100*60 + clock%100} }
		next := func(clock int) when.Wall {
			return when.Wall{Date: d.Add(1), Minute: clock/100*60 + clock%100}
		}
		switch n % 7 {
		case 0:
			add(wall(0o000), wall(100), bookings.Shown{Subject: "First hour"})
			add(wall(130), wall(315), bookings.Shown{Subject: "In the night"})
			add(wall(2330), next(30), bookings.Shown{Subject: "Over midnight"})
		case 1, -6:
			add(wall(900), wall(1000), bookings.Shown{Subject: "One"})
			add(wall(915), wall(945), bookings.Shown{Subject: "Inside"})
			add(wall(1000), wall(1030), bookings.Shown{Subject: "At once"})
			add(wall(1015), wall(1100), bookings.Shown{Subject: "Overlaps"})
		case 2, -5:
			add(wall(0), next(0), bookings.Shown{Subject: "All day", AllDay: true, FirstDay: d, LastDay: d})
		case 3, -4:
			add(wall(700), wall(730), bookings.Shown{Private: true})
			add(wall(1700), wall(2200), bookings.Shown{Subject: "Long evening"})
		case 4, -3:
			add(wall(800), wall(805), bookings.Shown{Subject: "Short"})
			add(wall(1755), wall(1800), bookings.Shown{Subject: "Last"})
		}
	}
	slices.SortFunc(tr.agenda, func(a, b bookings.Shown) int { return a.From.Compare(b.From) })
	return tr
}

// eachChange runs f for a month of days around each change of clocks.
func eachChange(t *testing.T, f func(t *testing.T, tr *testRoom, z *time.Location, from, to when.Date)) {
	for _, c := range changesOfClocks {
		t.Run(c.zone+" "+c.day, func(t *testing.T) {
			t.Parallel()
			middle, err := when.ParseDate(c.day)
			if err != nil {
				t.Fatal(err)
			}
			z, err := when.LoadZone(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			_, before := middle.Add(-2).Start(z).Zone()
			_, after := middle.Add(2).Start(z).Zone()
			if before == after {
				t.Fatalf("clocks do not change in %s around %s", c.zone, c.day)
			}
			f(t, busyMonth(t, c.zone, middle), z, middle.Add(-15), middle.Add(15))
		})
	}
}

// Between two edges the picture stays equal, byte for byte; it says "busy" exactly while something takes place; its day is the
// local day.
func TestSceneIsAFunctionOfTheState(t *testing.T) {
	t.Parallel()
	eachChange(t, func(t *testing.T, tr *testRoom, z *time.Location, from, to when.Date) {
		for _, l := range []look{english(), {say: english().say, week: true}, {say: english().say, soonBefore: 10 * time.Minute}} {
			for d := from; d.Before(to); d = d.Add(1) {
				now := d.Start(z)
				r := tr.at(t, now)
				days := 0
				for _, e := range append([]time.Time{now}, r.edges(now, l.soonBefore)...) {
					if !e.Before(d.End(z)) {
						break
					}
					later := r.edges(e, l.soonBefore)
					if len(later) == 0 {
						t.Fatalf("%v: nothing comes after %v", d, e)
					}
					first := r.scene(l, e, fresh)
					key := first.Key(render.Format{})
					for _, in := range []time.Time{e.Add(time.Second), e.Add(later[0].Sub(e) / 2), later[0].Add(-time.Second)} {
						// The room is read anew, as it would be at that moment.
						if s := tr.at(t, in).scene(l, in, fresh); s.Key(render.Format{}) != key {
							t.Fatalf("the scene of %v changed by %v, before %v:\n%+v\n%+v", e, in, later[0], first, s)
						}
					}
					check(t, tr, z, l, e, first)
					days++
				}
				if days == 0 {
					t.Fatalf("%v has no state at all", d)
				}
			}
		}
	})
}

// check compares a scene with what the agenda says by simple means.
func check(t *testing.T, tr *testRoom, z *time.Location, l look, e time.Time, s render.Scene) {
	t.Helper()
	busyNow := false
	for _, b := range tr.agenda {
		busyNow = busyNow || b.Span().Contains(e)
	}
	if busyNow != (s.State == render.Busy) {
		t.Fatalf("at %v the agenda says busy=%v, the scene %v", e, busyNow, s.State)
	}
	if want := l.say.DateShort(e.In(z)); s.DateLabel != want {
		t.Fatalf("at %v the day is %q, want %q", e, s.DateLabel, want)
	}
	if s.State == render.Busy && s.Subject == "" || s.State == render.Free && s.Until == "" {
		t.Fatalf("at %v the scene is %+v", e, s)
	}
	for _, b := range append(s.Bar.Busy, s.Bar.Present) {
		if b.From > b.To || b != (render.Span{}) && (b.From < s.Bar.From || b.To > s.Bar.To) {
			t.Fatalf("at %v the bar is %+v", e, s.Bar)
		}
	}
	for _, day := range s.Week.Days {
		for _, ev := range day.Events {
			if ev.From >= ev.To || ev.From < 0 || ev.To > 1440 {
				t.Fatalf("at %v the week has %+v", e, ev)
			}
		}
		if day.Today != (day.Label == fmt.Sprintf("%s %d", l.say.WeekdayShort(e.In(z).Weekday()), e.In(z).Day())) {
			t.Fatalf("at %v today is marked at %q: %v", e, day.Label, day.Today)
		}
	}
}

// A display on a battery that sleeps as it is told shows the right picture whenever somebody may stand at the door, and seldom
// wakes when nothing changes.
func TestSleepingDisplayIsRightAtEachChange(t *testing.T) {
	t.Parallel()
	eachChange(t, func(t *testing.T, tr *testRoom, z *time.Location, from, to when.Date) {
		l := english()
		const jitter = 12 * time.Second
		var r *room
		read := func(now time.Time) {
			if r == nil || r.window != windowOf(now, z) {
				r = tr.at(t, now)
			}
		}
		wakes, end := 0, to.Start(z)
		for now := from.Start(z).Add(7 * time.Minute); now.Before(end); {
			read(now)
			shown := r.scene(l, now, fresh)
			key := shown.Key(render.Format{})
			p := plan{awake: r.awake(), jitter: jitter, change: r.changes(l, r.edges(now, 0), fresh, shown)}
			sleep := p.wake(now)
			if sleep < wakeMin || sleep > wakeLeg {
				t.Fatalf("at %v it sleeps %v", now, sleep)
			}
			// While it sleeps, each change that happens while somebody may be there is on the glass within a minute and a bit.
			for _, e := range r.edges(now, 0) {
				wake := now.Add(sleep)
				if !e.Before(wake) {
					break
				}
				open := slices.ContainsFunc(p.awake, func(i when.Interval) bool { return i.Contains(now) && i.Contains(e) })
				s := r.scene(l, e, fresh)
				if open && s.Key(render.Format{}) != key && wake.Sub(e) > max(wakeMin, jitter) {
					t.Fatalf("at %v it slept until %v through the change of %v", now, wake, e)
				}
			}
			wakes++
			now = now.Add(sleep)
		}
		if perDay := wakes / to.Sub(from); perDay > 24 {
			t.Errorf("%d wakes a day", perDay)
		}
	})
}

// Each booking that begins while the house is closed finds the display awake before.
func TestDisplayIsAwakeBeforeABookingAtNight(t *testing.T) {
	t.Parallel()
	eachChange(t, func(t *testing.T, tr *testRoom, z *time.Location, from, to when.Date) {
		for _, b := range tr.agenda {
			if d := when.DayOf(b.From, z); d.Before(from) || !d.Before(to) {
				continue
			}
			if slices.ContainsFunc(tr.agenda, func(o bookings.Shown) bool { return o.Span().Contains(b.From.Add(-time.Second)) }) {
				continue // the room is busy before, and stays so
			}
			now := b.From.Add(-3 * time.Hour)
			for hops := 0; now.Before(b.From) && hops < 200; hops++ {
				r := tr.at(t, now)
				s := r.scene(english(), now, fresh)
				p := plan{awake: r.awake(), jitter: jitterMax, change: r.changes(english(), r.edges(now, 0), fresh, s)}
				now = now.Add(p.wake(now))
			}
			if late := now.Sub(b.From); late < 0 || late > wakeMin+jitterMax {
				t.Fatalf("%q at %v: the display woke %v after it began", b.Subject, b.From, late)
			}
		}
	})
}
