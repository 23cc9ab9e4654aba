package bookings_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lintel/app/bookings"
	"lintel/store"
)

// minute is an instant of a plain day.
func minute(m int) time.Time { return time.Date(2026, 11, 23, 0, m, 0, 0, time.UTC) }

func shown(id string, from, to int) bookings.Shown {
	return bookings.Shown{ID: store.BookingID(id), From: minute(from), To: minute(to)}
}

func TestStateAt(t *testing.T) {
	t.Parallel()
	agenda := []bookings.Shown{
		shown("c", 660, 720), shown("a", 540, 600), shown("b", 600, 630), // 09–10, 10–10:30, 11–12
		{ID: "cancelled", From: minute(640), To: minute(650), Cancelled: true},
	}
	overlapping := []bookings.Shown{shown("long", 540, 660), shown("short", 560, 600), shown("late", 640, 700)}
	for _, c := range []struct {
		name   string
		agenda []bookings.Shown
		at     time.Time
		soon   int
		want   string
	}{
		{"before all", agenda, minute(500), 0, "free -..540 next a change 540"},
		{"an hour before, soon in 15", agenda, minute(480), 15, "free -..540 next a change 525"},
		{"ten minutes before", agenda, minute(530), 15, "soon -..540 next a change 540"},
		{"exactly soon", agenda, minute(525), 15, "soon -..540 next a change 540"},
		{"the first minute", agenda, minute(540), 15, "busy 540..600 now a next b then change 600 free 630"},
		{"the last second", agenda, minute(600).Add(-time.Second), 0, "busy 540..600 now a next b then change 600 free 630"},
		{"the second one", agenda, minute(600), 0, "busy 600..630 now b next c change 630 free 630"},
		{"the gap", agenda, minute(640), 0, "free 630..660 next c change 660"},
		{"the gap, soon", agenda, minute(640), 30, "soon 630..660 next c change 660"},
		{"after all", agenda, minute(720), 15, "free 720..- change -"},
		{"nothing", nil, minute(0), 15, "free -..- change -"},
		{"overlap: the first counts", overlapping, minute(570), 0, "busy 540..660 now long next late then change 660 free 700"},
		{"overlap: then the last", overlapping, minute(665), 0, "busy 640..700 now late change 700 free 700"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := tell(bookings.StateAt(c.agenda, c.at, time.Duration(c.soon)*time.Minute)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func tell(s bookings.State) string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return fmt.Sprint(int(t.Sub(minute(0)) / time.Minute))
	}
	out := fmt.Sprintf("%s %s..%s", s.Kind, at(s.Since), at(s.Until))
	if s.Current != nil {
		out += " now " + string(s.Current.ID)
	}
	if s.Next != nil {
		out += " next " + string(s.Next.ID)
	}
	if s.ThenBooked {
		out += " then"
	}
	out += " change " + at(s.NextChange)
	if !s.FreeAt.IsZero() {
		out += " free " + at(s.FreeAt)
	}
	return out
}

// Between an instant and NextChange nothing of the answer changes, and at NextChange something does: what
// pictures and wake times rest on.
func TestNextChangeIsTheNextChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var agenda []bookings.Shown
		for i := range rapid.IntRange(0, 6).Draw(rt, "bookings") {
			from := rapid.IntRange(0, 60).Draw(rt, "from")
			agenda = append(agenda, shown(fmt.Sprint(i), from, from+rapid.IntRange(1, 20).Draw(rt, "long")))
		}
		soon := time.Duration(rapid.IntRange(0, 10).Draw(rt, "soon")) * time.Minute
		at := rapid.IntRange(0, 80).Draw(rt, "at")
		first := bookings.StateAt(agenda, minute(at), soon)
		kind := func(s bookings.State) string {
			return string(s.Kind) + tell(bookings.State{Current: s.Current, Next: s.Next})
		}
		for m := at; m <= 100; m++ {
			s := bookings.StateAt(agenda, minute(m), soon)
			switch {
			case first.NextChange.IsZero() || minute(m).Before(first.NextChange):
				if tell(s) != tell(first) {
					rt.Fatalf("at %d: %s, but at %d: %s, of %v", at, tell(first), m, tell(s), agenda)
				}
			case minute(m).Equal(first.NextChange) && kind(s) == kind(first):
				rt.Fatalf("at %d: %s, but nothing changed at %d: %s, of %v", at, tell(first), m, tell(s), agenda)
			}
			free := !slices.ContainsFunc(agenda, func(b bookings.Shown) bool { return b.Span().Contains(minute(m)) })
			if free == (s.Kind == bookings.Busy) {
				rt.Fatalf("at %d: %s, of %v", m, s.Kind, agenda)
			}
		}
	})
}
