package displays

import (
	"slices"
	"time"

	"lintel/app/bookings"
	"lintel/app/places"
	"lintel/app/when"
	"lintel/store"
)

// How old a synced agenda may be.
const (
	staleAfter = 15 * time.Minute // from then on its age is said
	lostAfter  = 24 * time.Hour   // from then on nothing is claimed
)

// age says how far an agenda can be trusted.
type age int

const (
	fresh age = iota
	stale
	lost
)

// room is what the pictures of a workspace are made of, read at one moment.
type room struct {
	place     store.WorkspacePlace
	zone      *time.Location
	agenda    []bookings.Shown // as the door may see it, within window, in order of start
	window    when.Interval    // whole local days, from the Monday of this week to a week after today
	hours     places.Opening   // of the building
	openings  []when.Interval  // the same within window: disjoint, in order
	synced    bool             // the agenda mirrors a booking system
	confirmed time.Time        // of a synced agenda: when the system last confirmed it; zero = never
	slack     time.Duration    // of a synced agenda: how much longer than others it stays fresh
}

// windowOf returns the span of agenda that pictures need at an instant: the week template shows this week, at a weekend
// the next one.
func windowOf(at time.Time, zone *time.Location) when.Interval {
	today := when.DayOf(at, zone)
	return when.Interval{From: today.Monday().Start(zone), To: today.Add(8).End(zone)}
}

// openingsOf lays a building's opening hours out over a window.
func openingsOf(o places.Opening, window when.Interval) []when.Interval {
	var open []when.Interval
	for d := when.DayOf(window.From, o.Zone); d.Start(o.Zone).Before(window.To); d = d.Add(1) {
		open = append(open, o.On(d)...)
	}
	return when.Merge(open)
}

// clockOn returns the instant at which a clock shows minute on a local day; 1440 is the end of the day.
func clockOn(d when.Date, minute int, zone *time.Location) time.Time {
	if minute >= 24*60 {
		return d.End(zone)
	}
	return when.Wall{Date: d, Minute: minute}.In(zone)
}

// age returns how far the agenda can be trusted at an instant.
func (r *room) age(at time.Time) age {
	switch {
	case !r.synced:
		return fresh
	case r.confirmed.IsZero() || at.Sub(r.confirmed) >= lostAfter:
		return lost
	case at.Sub(r.confirmed) >= staleAfter+r.slack:
		return stale
	}
	return fresh
}

// ages returns the instant at which age changes if nobody confirms the agenda; zero when it does not.
func (r *room) ages(at time.Time) time.Time {
	switch r.age(at) {
	case fresh:
		if r.synced {
			return r.confirmed.Add(staleAfter + r.slack)
		}
	case stale:
		return r.confirmed.Add(lostAfter)
	}
	return time.Time{}
}

// kind is the state of a room as its door says it.
type kind string

const (
	free   kind = "free"
	busy   kind = "busy"
	soon   kind = "soon"
	closed kind = "closed" // outside opening hours, and nothing is booked
)

// present is the state of a room at an instant, and how long it lasts.
type present struct {
	kind     kind
	from, to time.Time       // the span of the state (a free room may say "soon" near its end); zero where it has no bound
	meeting  *bookings.Shown // the one that runs (busy) or comes (soon)
	then     bool            // busy: the next booking begins at once
	opens    time.Time       // closed: when the house opens; zero = not within a year
}

// at returns the state at an instant. soonBefore is how long before a meeting a free room says "soon"; 0 is never.
func (r *room) at(t time.Time, soonBefore time.Duration) present {
	st := bookings.StateAt(r.agenda, t, soonBefore)
	switch st.Kind {
	case bookings.Busy:
		return present{kind: busy, from: st.Since, to: st.Until, meeting: st.Current, then: st.ThenBooked}
	case bookings.Soon:
		return present{kind: soon, from: later(st.Since, st.Next.From.Add(-soonBefore)), to: st.Until, meeting: st.Next}
	}
	i := slices.IndexFunc(r.openings, func(o when.Interval) bool { return o.Contains(t) })
	if i < 0 {
		return present{kind: closed, opens: r.hours.Next(t)}
	}
	p := present{kind: free, from: later(st.Since, r.openings[i].From), to: r.openings[i].To}
	if !st.Until.IsZero() && st.Until.Before(p.to) {
		p.to = st.Until
	}
	return p
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// edges returns, in order, every instant after t at which a picture of the room may change: between two of them the state stays.
func (r *room) edges(t time.Time, soonBefore time.Duration) []time.Time {
	var at []time.Time
	add := func(e time.Time) {
		if e.After(t) && !e.After(r.window.To) {
			at = append(at, e)
		}
	}
	for _, b := range r.agenda {
		add(b.From)
		add(b.To)
		if soonBefore > 0 {
			add(b.From.Add(-soonBefore))
		}
	}
	for _, o := range r.openings {
		add(o.From)
		add(o.To)
	}
	for d := when.DayOf(t, r.zone).Add(1); !d.Start(r.zone).After(r.window.To); d = d.Add(1) {
		add(d.Start(r.zone))
	}
	slices.SortFunc(at, time.Time.Compare)
	return slices.CompactFunc(at, time.Time.Equal)
}

// turns is edges with those of pictures of meetings, where a display shows them.
func (r *room) turns(t time.Time, l look) []time.Time {
	at := r.edges(t, l.soonBefore)
	if l.photo == nil {
		return at
	}
	for _, b := range r.agenda {
		if e := b.From.Add(-imageLead); b.HasImage && e.After(t) && !e.After(r.window.To) {
			at = append(at, e)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	return slices.CompactFunc(at, time.Time.Equal)
}

// awake returns when somebody may stand at the door: opening hours, and bookings with their lead.
func (r *room) awake() []when.Interval {
	spans := slices.Clone(r.openings)
	for _, b := range r.agenda {
		lead := wakeLead
		if b.HasImage {
			lead = imageLead
		}
		spans = append(spans, when.Interval{From: b.From.Add(-lead), To: b.To})
	}
	return when.Merge(spans)
}
