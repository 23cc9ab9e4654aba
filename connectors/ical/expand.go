package ical

import (
	"cmp"
	"slices"
	"time"

	"lintel/app/when"
)

// Occurrence is one occurrence of an event within a window.
type Occurrence struct {
	// Event holds the words and flags: the master, or the override that governs this occurrence.
	Event *Event
	// Original names the occurrence within its UID, however it was moved: the original start in UTC
	// (20261121T080000Z) or as a day (20261121). It is "" for an event that does not recur.
	Original string
	From, To time.Time // half open; To is not before From
	// Of whole days: the days from FirstDay up to and without EndDay. From and To are then their bounds
	// in Options.Zone.
	AllDay           bool
	FirstDay, EndDay when.Date
}

// Expansion is the answer of Expand.
type Expansion struct {
	Occurrences []Occurrence // by From, To, UID, Original; no UID has the same Original twice
	Cut         bool         // some rule has more occurrences, or asks for more work, than allowed
	Warnings    map[Warning]int
}

// Expand returns the occurrences that touch window: overlap it or, when they have no length, lie within
// it. Occurrences keep their wall-clock time in the event's own zone when clocks change. Cancelled
// occurrences are left out. The events must be those of one Set, or of several files together.
func Expand(events []Event, window when.Interval, o Options) Expansion {
	o = o.withDefaults()
	x := expander{opt: o, window: window, left: o.MaxTotalSteps}
	x.out.Warnings = map[Warning]int{}
	for _, s := range groupSeries(events, x.warn) {
		x.series(s)
	}
	slices.SortFunc(x.out.Occurrences, func(a, b Occurrence) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To),
			cmp.Compare(a.Event.UID, b.Event.UID), cmp.Compare(a.Original, b.Original))
	})
	return x.out
}

type expander struct {
	opt    Options
	window when.Interval
	left   int // steps of all rules together
	out    Expansion
}

func (x *expander) warn(kind WarningKind, detail string) { countWarning(x.out.Warnings, kind, detail) }

// series adds the occurrences of all events with one UID.
func (x *expander) series(s *series) {
	var taken map[string]bool // nil for the most common series, a single event
	if len(s.overrides) > 0 || len(s.masters) != 1 || s.masters[0].Recurring {
		taken = map[string]bool{}
	}
	n := 0
	add := func(occ Occurrence) bool {
		if taken[occ.Original] || !x.touches(occ) {
			return true
		}
		if n == x.opt.MaxPerEvent {
			return false
		}
		n++
		if taken != nil {
			taken[occ.Original] = true
		}
		x.out.Occurrences = append(x.out.Occurrences, occ)
		return true
	}
	cut := false
	for _, ov := range s.overrides {
		if !ov.Cancelled {
			cut = !add(ov.asOverride(s.key(ov), x.opt.Zone)) || cut
		}
	}
	for _, m := range s.masters {
		if !m.Recurring {
			if occ, ok := s.single(m, x.opt.Zone); ok {
				cut = !add(occ) || cut
			}
			continue
		}
		work := min(x.opt.MaxSteps, x.left)
		before := work
		complete := s.originals(m, x.wide(s, m), x.opt, &work, func(at start) bool {
			occ, ok := s.occurrence(m, at, x.opt.Zone)
			return !ok || add(occ)
		})
		x.left -= before - work
		cut = cut || !complete
	}
	if cut {
		x.out.Cut = true
		x.warn(WarnRuleCut, "")
	}
}

func (x *expander) touches(o Occurrence) bool {
	if o.From.Equal(o.To) {
		return x.window.Contains(o.From)
	}
	return o.From.Before(x.window.To) && o.To.After(x.window.From)
}

// wide returns the original wall-clock starts that can touch the window: earlier by the longest
// occurrence and by what an override of this and future occurrences moves them, and a day because clocks
// change and nominal days are not always 24 hours.
func (x *expander) wide(s *series, m *Event) span {
	before, after := m.longest(), int64(0)
	for _, f := range s.futures {
		shift := f.Start.Unix() - s.instant(f, f.original)
		before = max(before, f.longest()+max(0, shift))
		after = max(after, -shift)
	}
	const limit = maxLengthDays * 2 * 86400
	from := wallOf(x.window.From, m.Zone).Unix() - min(before, limit) - 86400
	to := wallOf(x.window.To, m.Zone).Unix() + min(after, limit) + 86400
	return span{time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC()}
}

// longest returns how many seconds, days counted as 24 hours, an occurrence of e lasts at most.
func (e *Event) longest() int64 {
	n := e.length.nominal()
	for _, d := range e.dates {
		if d.length != nil {
			n = max(n, d.length.nominal())
		}
	}
	return n
}

// start is one original start of a series.
type start struct {
	wall   time.Time // fields in UTC, as a clock in the event's zone shows it
	at     time.Time // the instant; of whole days midnight UTC of the day
	length *length   // of an RDATE with a period
}

// originals yields the series' original starts within s that EXDATE and EXRULE leave, each once, in no
// order between rules. It reports false when yield stopped it or the work was used up.
func (s *series) originals(m *Event, w span, o Options, work *int, yield func(start) bool) bool {
	skip := newExceptions(m, s)
	for i := range m.exRules {
		if !m.eachOf(&m.exRules[i], w, false, work, func(t start) bool { skip.at[t.at.Unix()] = true; return true }) {
			return false
		}
	}
	seen := map[int64]bool{}
	stopped := false
	give := func(t start) bool {
		if k := t.at.Unix(); !seen[k] && !skip.has(t, m) {
			seen[k] = true
			stopped = !yield(t)
		}
		return !stopped
	}
	if len(m.rules) == 0 && !m.startIsDate() { // DTSTART is always one of the set
		give(m.startAt(m.wall))
	}
	for _, d := range m.dates {
		t := m.startOf(d.stamp)
		t.length = d.length
		if !t.wall.Before(w.from) && !t.wall.After(w.to) && !give(t) {
			return false
		}
	}
	for i := range m.rules {
		if !m.eachOf(&m.rules[i], w, true, work, give) {
			return false
		}
	}
	return !stopped
}

// startIsDate reports whether DTSTART is one of the RDATEs, whose period then counts.
func (e *Event) startIsDate() bool {
	return slices.ContainsFunc(e.dates, func(d dateAdd) bool { return e.startOf(d.stamp).at.Equal(e.startAt(e.wall).at) })
}

// eachOf yields the rule's starts; false when the work was used up or yield stopped it.
func (e *Event) eachOf(r *Rule, w span, first bool, work *int, yield func(start) bool) bool {
	stopped := false
	r.each(e.wall, w, first, e.past(r), work, func(t time.Time) bool {
		stopped = !yield(e.startAt(t))
		return !stopped
	})
	return !stopped && *work > 0
}

// past returns the test for UNTIL, in whatever form it is written (RFC 5545 3.3.10 wants UTC for zoned
// starts and days for days; others are common).
func (e *Event) past(r *Rule) func(time.Time) bool {
	u := r.until
	switch {
	case !r.hasUntil:
		return func(time.Time) bool { return false }
	case e.AllDay:
		d := u.day(e.Zone)
		end := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
		return func(w time.Time) bool { return w.After(end) }
	case u.utc:
		return func(w time.Time) bool { return resolveWall(w, e.Zone).After(u.wall) }
	}
	end := u.lastWall()
	return func(w time.Time) bool { return w.After(end) }
}

func (e *Event) startAt(wall time.Time) start {
	if e.AllDay {
		wall = wall.Truncate(24 * time.Hour)
		return start{wall: wall, at: wall}
	}
	return start{wall: wall, at: resolveWall(wall, e.Zone)}
}

// startOf makes a start of a date given elsewhere (RDATE, RECURRENCE-ID), maybe in another zone or form.
func (e *Event) startOf(v stamp) start {
	switch {
	case e.AllDay:
		d := v.day(e.Zone)
		return e.startAt(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC))
	case v.date: // a day in a series with times: at the series' time of day
		return e.startAt(v.wall.Add(e.wall.Sub(e.wall.Truncate(24 * time.Hour))))
	}
	at := v.at(e.Zone)
	return start{wall: wallOf(at, e.Zone), at: at.In(e.Zone)}
}

// exceptions are the EXDATEs of a series.
type exceptions struct {
	at  map[int64]bool
	day map[when.Date]bool // EXDATE;VALUE=DATE in a series with times
}

func newExceptions(m *Event, s *series) exceptions {
	x := exceptions{map[int64]bool{}, map[when.Date]bool{}}
	for _, v := range m.exDates {
		if v.date && !m.AllDay {
			x.day[when.DayOf(v.wall, time.UTC)] = true
		} else {
			x.at[m.startOf(v).at.Unix()] = true
		}
	}
	return x
}

func (x exceptions) has(t start, m *Event) bool {
	return x.at[t.at.Unix()] || len(x.day) > 0 && !m.AllDay && x.day[when.DayOf(t.wall, time.UTC)]
}
