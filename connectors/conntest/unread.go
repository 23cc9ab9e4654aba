package conntest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"lintel/connectors"
)

func unreadCases() []testCase {
	return []testCase{
		{"what can't be read any more is named until it is gone", needs{bad: true}, unread},
		{"a series that can't be read any more is named", needs{bad: true, rich: true}, unreadSeries},
		{"an occurrence whose change can't be read is named", needs{bad: true, rich: true}, unreadOccurrence},
		{"what can't be read is not changed", needs{bad: true, write: true}, unreadChange},
	}
}

// stays reports whether what is stored of ev stays as it is, by the rule of Snapshot.Unread.
func stays(s connectors.Snapshot, ev connectors.Event) bool {
	object := strings.TrimSuffix(ev.Key, connectors.OccurrenceKey("", ev.Occurrence))
	return slices.Contains(s.Unread, ev.Key) || slices.Contains(s.Unread, object)
}

// unread takes an event through all that can happen to it. Each step is seen by the probe, and told by a read with state
// as by one without.
func unread(e *env) {
	a, z := meeting("a", "09:00", "10:00"), meeting("z", "15:00", "16:00")
	broken := a
	broken.Broken = true
	e.put(a, z)
	s := e.week()
	was, other := e.one(s, "2026-11-23T09:00"), e.one(s, "2026-11-23T15:00")
	ch, err := e.conn.Probe(e.Context(), e.Room(), nil)
	e.must(err)
	step := func(what string, skipped int, lines ...string) {
		e.Helper()
		if ch, err = e.conn.Probe(e.Context(), e.Room(), ch.Next); err != nil || !ch.Changed {
			e.Fatalf("%s: changed %v, %v", what, ch.Changed, err)
		}
		s = e.read(e.span("2026-11-23", "2026-11-30"), s.State)
		for _, got := range []connectors.Snapshot{s, e.week(), e.read(e.span("2026-11-23", "2026-11-30"), s.State)} {
			e.want(got, lines...)
			if got.Skipped != skipped || stays(got, was) != (skipped > 0) || stays(got, other) || len(got.Unread) > skipped {
				e.Fatalf("%s: %d skipped, unread %q; the events were %q and %q", what, got.Skipped, got.Unread, was.Key, other.Key)
			}
		}
	}
	const rest = "11-23 15:00–16:00 Subject of z"
	e.put(broken)
	step("broken", 1, rest)
	a.Subject = "repaired"
	e.put(a)
	step("repaired", 0, "11-23 09:00–10:00 repaired", rest)
	e.put(broken)
	step("broken again", 1, rest)
	e.room.Delete(e, "a")
	step("deleted", 0, rest)
}

func unreadSeries(e *env) {
	series := daily("FREQ=DAILY;COUNT=3")
	series.Overrides = []Override{{Original: "2026-11-24T09:00", Start: "2026-11-24T14:00", End: "2026-11-24T15:30", Subject: "moved"}}
	e.put(series, meeting("z", "15:00", "16:00"))
	s := e.week()
	other := e.one(s, "2026-11-23T15:00")
	series.Broken, series.Overrides[0].Broken = true, true
	e.put(series)
	now := e.week() // with the state of before a feed doubts the loss
	e.want(now, "11-23 15:00–16:00 Subject of z")
	for _, ev := range s.Events {
		if stays(now, ev) == (ev.Key == other.Key) {
			e.Errorf("%s: named is %v; unread %q", e.line(ev), stays(now, ev), now.Unread)
		}
	}
}

// unreadOccurrence: the occurrence may come as the series has it, which is a guess. All others are known.
func unreadOccurrence(e *env) {
	series := daily("FREQ=DAILY;COUNT=3")
	series.Overrides = []Override{{Original: "2026-11-24T09:00", Start: "2026-11-24T14:00", End: "2026-11-24T15:30", Subject: "moved"}}
	e.put(series)
	s := e.week()
	moved := e.one(s, "2026-11-24T14:00")
	series.Overrides[0].Broken = true
	series.Subject = "renamed"
	e.put(series)
	now := e.read(e.span("2026-11-23", "2026-11-30"), s.State)
	if now.Skipped != 1 || !slices.Contains(now.Unread, moved.Key) || len(now.Unread) != 1 {
		e.Errorf("%d skipped, unread %q; it was %q", now.Skipped, now.Unread, moved.Key)
	}
	now.Events = slices.DeleteFunc(now.Events, func(ev connectors.Event) bool { return ev.Identity() == moved.Identity() })
	e.want(now, "11-23 09:00–10:00 renamed", "11-25 09:00–10:00 renamed")
}

// unreadChange: it is refused, as nobody knows what would be changed; least of all it counts as gone.
func unreadChange(e *env) {
	a, series := meeting("a", "11:00", "12:00"), daily("FREQ=DAILY;COUNT=3")
	series.Overrides = []Override{{Original: "2026-11-24T09:00", Start: "2026-11-24T14:00", End: "2026-11-24T15:30", Subject: "moved"}}
	e.put(a)
	if !e.sys.Plain {
		e.put(series)
	}
	s := e.week()
	a.Broken, series.Overrides[0].Broken = true, true
	e.put(a)
	if !e.sys.Plain {
		e.put(series)
	}
	bodies := func() []string {
		all := e.room.Bodies(e)
		slices.Sort(all)
		return all
	}
	before, tried := bodies(), 0
	for _, ev := range s.Events {
		if ev.Subject == "daily" {
			continue
		}
		tried++
		_, err := e.writer().SetEnd(e.Context(), e.Room(), ev, ev.To.Add(-time.Minute))
		for _, err := range []error{err, e.writer().Release(e.Context(), e.Room(), ev)} {
			if !errors.Is(err, connectors.Unsupported) && !errors.Is(err, connectors.Conflict) {
				e.Errorf("%s: %v", e.line(ev), err)
			}
		}
	}
	if tried == 0 || !slices.Equal(before, bodies()) {
		e.Errorf("%d changes tried; before\n%s\nafter\n%s", tried, before, bodies())
	}
}
