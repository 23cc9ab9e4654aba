package bookings

import (
	"cmp"
	"slices"
	"time"
)

// StateKind says what a workspace is at an instant.
type StateKind string

// The states.
const (
	Free StateKind = "free"
	Busy StateKind = "busy"
	Soon StateKind = "soon" // free, but the next booking is about to begin
)

// State is what an agenda means at an instant.
type State struct {
	Kind         StateKind
	Since, Until time.Time // Busy: of Current; Free and Soon: of the gap; zero when the agenda knows no bound
	Current      *Shown    // the running booking; nil unless Busy
	Next         *Shown    // the booking that comes next; nil when the agenda holds none
	ThenBooked   bool      // Busy: when Current ends, Next begins at once
	FreeAt       time.Time // Busy: end of the unbroken run of bookings; zero otherwise
	NextChange   time.Time // first instant at which the answer differs; zero when the agenda knows none
}

// StateAt tells the state at an instant. The agenda is in any order and holds the bookings around it, at
// least from the last one that ended to the last of the day. soon is how long before a booking the
// state becomes Soon; 0 never. Of bookings that overlap (booking systems allow it), the one that
// began first is the current one until it ends.
func StateAt(agenda []Shown, at time.Time, soon time.Duration) State {
	list := slices.Clone(agenda)
	list = slices.DeleteFunc(list, func(s Shown) bool { return s.Cancelled || !s.Span().Valid() })
	slices.SortStableFunc(list, func(a, b Shown) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	i := slices.IndexFunc(list, func(s Shown) bool { return s.Span().Contains(at) })
	if i < 0 {
		return freeAt(list, at, soon)
	}
	cur := &list[i]
	st := State{Kind: Busy, Since: cur.From, Until: cur.To, Current: cur, FreeAt: cur.To, NextChange: cur.To}
	for j := i + 1; j < len(list); j++ {
		s := &list[j]
		if st.Next == nil && s.To.After(cur.To) {
			st.Next = s
		}
		if !s.From.After(st.FreeAt) && s.To.After(st.FreeAt) {
			st.FreeAt = s.To
		}
	}
	st.ThenBooked = st.Next != nil && !st.Next.From.After(cur.To)
	return st
}

// freeAt is StateAt when nothing runs; list is in order.
func freeAt(list []Shown, at time.Time, soon time.Duration) State {
	st := State{Kind: Free}
	for k := range list {
		s := &list[k]
		if !s.To.After(at) {
			if s.To.After(st.Since) {
				st.Since = s.To
			}
		} else if st.Next == nil {
			st.Next = s
		}
	}
	if st.Next == nil {
		return st
	}
	st.Until, st.NextChange = st.Next.From, st.Next.From
	if soon <= 0 {
		return st
	}
	warn := st.Next.From.Add(-soon)
	if warn.After(at) {
		st.NextChange = warn
		return st
	}
	st.Kind = Soon
	return st
}
