package bookings_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lintel/app/bookings"
	"lintel/app/when"
	"lintel/store"
)

// TestNoInterleavingOverlaps walks at random through all that can happen to bookings, beside a model that knows
// only spans: creating, moving, cancelling and un-cancelling single ones and occurrences, series made, moved and
// cancelled, another zone, and writes that go past the engine to the store. After each step the store holds what
// the model holds, and nothing overlaps. The days are those around a change of the clocks.
func TestNoInterleavingOverlaps(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-08-01T08:00")
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(clockChanges()).Draw(rt, "change of clocks")
		h.zone = loadZone(t, c.zone)
		h.update(func(tx *store.Tx) error {
			b, err := tx.Building(h.building)
			b.Zone = c.zone
			return errors.Join(err, tx.UpdateBuilding(b))
		})
		m := &model{
			h: h, first: date(t, c.day).Add(-1), live: map[store.BookingID]span{}, gone: map[store.BookingID]span{},
			rooms: []store.WorkspaceID{h.addRoom(h.floor, store.NewID[string](), 1), h.addRoom(h.floor, store.NewID[string](), 1)},
		}
		rt.Repeat(map[string]func(*rapid.T){
			"create": m.create, "create past the engine": m.insert, "move": m.move, "move past the engine": m.shift,
			"cancel": m.cancel, "restore": m.restore, "restore past the engine": m.revive,
			"series": m.series, "cancel series": m.cancelSeries, "move series": m.moveSeries, "": m.check,
		})
	})
}

// span is a booking of the model.
type span struct {
	room   store.WorkspaceID
	i      when.Interval
	series store.SeriesID
}

type model struct {
	h          *house
	first      when.Date
	rooms      []store.WorkspaceID
	live, gone map[store.BookingID]span
}

// meets reports whether a span would overlap a live one other than those in except.
func (m *model) meets(s span, except ...store.BookingID) bool {
	for id, o := range m.live {
		if o.room == s.room && o.i.Overlaps(s.i) && !slices.Contains(except, id) {
			return true
		}
	}
	return false
}

// drawWalls draws two local times within three days, a quarter to six hours apart.
func (m *model) drawWalls(rt *rapid.T) (from, to when.Wall) {
	q := rapid.IntRange(0, 3*96-25).Draw(rt, "quarter")
	n := rapid.IntRange(1, 24).Draw(rt, "quarters")
	at := func(q int) when.Wall { return when.Wall{Date: m.first.Add(q / 96), Minute: q % 96 * 15} }
	return at(q), at(q + n)
}

func (m *model) span(rt *rapid.T, from, to when.Wall) span {
	return span{room: rapid.SampledFrom(m.rooms).Draw(rt, "room"), i: when.Interval{From: from.In(m.h.zone), To: to.In(m.h.zone)}}
}

// pick draws one of a set of bookings, or ends the step.
func pick(rt *rapid.T, set map[store.BookingID]span) store.BookingID {
	if len(set) == 0 {
		rt.Skip("there is none")
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(set))).Draw(rt, "which")
}

// agree fails unless err is nil when the model allows the step and a problem (or, past the engine, an overlap) when not.
func agree(rt *rapid.T, err error, allowed bool) bool {
	if allowed != (err == nil) {
		rt.Fatalf("the model says %v, the engine %v %+v", allowed, err, bookings.Conflicts(err))
	}
	return err == nil
}

func (m *model) create(rt *rapid.T) {
	from, to := m.drawWalls(rt)
	s := m.span(rt, from, to)
	b, err := m.h.s.Create(context.Background(), m.h.chief, bookings.Request{Workspace: s.room, Times: bookings.Local(from, to), Source: store.FromPortal})
	if agree(rt, err, s.i.Valid() && !m.meets(s)) {
		m.live[b.ID] = s
	}
}

func (m *model) insert(rt *rapid.T) {
	from, to := m.drawWalls(rt)
	s := m.span(rt, from, to)
	if !s.i.Valid() {
		rt.Skip("no such time")
	}
	b := store.Booking{
		ID: store.NewID[store.BookingID](), Workspace: s.room, Hosted: true, From: s.i.From, To: s.i.To, FromWall: from, ToWall: to,
		Zone: m.h.zone.String(), Source: store.FromAPI, Creator: m.h.chief.Person,
	}
	err := m.h.st.Update(context.Background(), func(tx *store.Tx) error { return tx.InsertBooking(b) })
	if agree(rt, err, !m.meets(s)) {
		m.live[b.ID] = s
	}
}

func (m *model) move(rt *rapid.T) {
	id := pick(rt, m.live)
	from, to := m.drawWalls(rt)
	s := m.span(rt, from, to)
	s.series = m.live[id].series
	times := bookings.Local(from, to)
	_, err := m.h.s.Change(context.Background(), m.h.chief, id, bookings.Change{Times: &times, Workspace: s.room})
	if agree(rt, err, s.i.Valid() && !m.meets(s, id)) {
		m.live[id] = s
	}
}

// past changes a stored booking without the engine.
func (m *model) past(id store.BookingID, change func(*store.Booking)) error {
	return m.h.st.Update(context.Background(), func(tx *store.Tx) error {
		b, err := tx.Booking(id)
		change(&b)
		return errors.Join(err, tx.UpdateBooking(b))
	})
}

func (m *model) shift(rt *rapid.T) {
	id := pick(rt, m.live)
	from, to := m.drawWalls(rt)
	s := m.span(rt, from, to)
	s.series = m.live[id].series
	if !s.i.Valid() {
		rt.Skip("no such time")
	}
	err := m.past(id, func(b *store.Booking) {
		b.Workspace, b.From, b.To, b.FromWall, b.ToWall = s.room, s.i.From, s.i.To, from, to
	})
	if agree(rt, err, !m.meets(s, id)) {
		m.live[id] = s
	}
}

func (m *model) cancel(rt *rapid.T) {
	id := pick(rt, m.live)
	agree(rt, m.h.s.Cancel(context.Background(), m.h.chief, id), true)
	m.gone[id] = m.live[id]
	delete(m.live, id)
}

func (m *model) restore(rt *rapid.T) {
	id := pick(rt, m.gone)
	_, err := m.h.s.Restore(context.Background(), m.h.chief, id)
	m.back(rt, id, err)
}

func (m *model) revive(rt *rapid.T) {
	id := pick(rt, m.gone)
	m.back(rt, id, m.past(id, func(b *store.Booking) { b.CancelledAt, b.EndReason = time.Time{}, store.EndNone }))
}

func (m *model) back(rt *rapid.T, id store.BookingID, err error) {
	if agree(rt, err, !m.meets(m.gone[id])) {
		m.live[id] = m.gone[id]
		delete(m.gone, id)
	}
}

// series is a daily one of two or three occurrences, long enough to have a length in every night.
func (m *model) series(rt *rapid.T) {
	from, to, n := m.drawDaily(rt)
	room := rapid.SampledFrom(m.rooms).Draw(rt, "room")
	id, err := m.h.s.CreateSeries(context.Background(), m.h.chief, bookings.SeriesRequest{
		Workspace: room, First: bookings.Local(from, to), Rule: fmt.Sprintf("FREQ=DAILY;COUNT=%d", n), Source: store.FromPortal,
	})
	if agree(rt, err, m.allFree(room, from, to, n)) {
		m.adopt(rt, id, room, from, to, n)
	}
}

func (m *model) drawDaily(rt *rapid.T) (from, to when.Wall, n int) {
	q := rapid.IntRange(0, 95-12).Draw(rt, "quarter")
	long := rapid.IntRange(6, 12).Draw(rt, "quarters")
	from = when.Wall{Date: m.first, Minute: q * 15}
	return from, when.Wall{Date: m.first, Minute: (q + long) * 15}, rapid.IntRange(2, 3).Draw(rt, "times")
}

// daily returns the spans of a daily series.
func (m *model) daily(room store.WorkspaceID, from, to when.Wall, n int) []span {
	var out []span
	for i := range n {
		out = append(out, span{room: room, i: when.Interval{
			From: when.Wall{Date: from.Add(i), Minute: from.Minute}.In(m.h.zone), To: when.Wall{Date: to.Add(i), Minute: to.Minute}.In(m.h.zone),
		}})
	}
	return out
}

func (m *model) allFree(room store.WorkspaceID, from, to when.Wall, n int, except ...store.BookingID) bool {
	return !slices.ContainsFunc(m.daily(room, from, to, n), func(s span) bool { return m.meets(s, except...) })
}

// adopt takes the occurrences of a new series into the model.
func (m *model) adopt(rt *rapid.T, id store.SeriesID, room store.WorkspaceID, from, to when.Wall, n int) {
	info, err := m.h.s.Series(context.Background(), bookings.By(m.h.chief), id)
	if err != nil {
		rt.Fatal(err)
	}
	want := m.daily(room, from, to, n)
	if len(info.Occurrences) != len(want) {
		rt.Fatalf("%d occurrences, want %d", len(info.Occurrences), len(want))
	}
	for i, o := range info.Occurrences {
		want[i].series = id
		if o.Cancelled {
			m.gone[o.ID] = want[i]
		} else {
			m.live[o.ID] = want[i]
		}
	}
}

// ofSeries draws a series that has live occurrences, and returns them.
func (m *model) ofSeries(rt *rapid.T) (store.SeriesID, []store.BookingID) {
	all := map[store.SeriesID][]store.BookingID{}
	for _, id := range slices.Sorted(maps.Keys(m.live)) {
		if s := m.live[id].series; s != "" {
			all[s] = append(all[s], id)
		}
	}
	if len(all) == 0 {
		rt.Skip("there is none")
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(all))).Draw(rt, "series")
	return id, all[id]
}

// over reports whether a series was cancelled or changed before: what was revived of it is single then.
func (m *model) over(id store.SeriesID) bool {
	var se store.Series
	m.h.update(func(tx *store.Tx) (err error) {
		se, err = tx.Series(id)
		return err
	})
	return !se.CancelledAt.IsZero()
}

func (m *model) cancelSeries(rt *rapid.T) {
	id, parts := m.ofSeries(rt)
	over := m.over(id)
	n, err := m.h.s.CancelSeries(context.Background(), m.h.chief, id, when.Wall{})
	if !agree(rt, err, !over) {
		return
	}
	if n != len(parts) {
		rt.Fatalf("cancelled %d of %d", n, len(parts))
	}
	for _, b := range parts {
		m.gone[b] = m.live[b]
		delete(m.live, b)
	}
}

func (m *model) moveSeries(rt *rapid.T) {
	id, parts := m.ofSeries(rt)
	if m.over(id) {
		rt.Skip("it is over")
	}
	from, to, n := m.drawDaily(rt)
	var se store.Series
	m.h.update(func(tx *store.Tx) (err error) {
		se, err = tx.Series(id)
		return err
	})
	rule := fmt.Sprintf("FREQ=DAILY;COUNT=%d", n)
	times := bookings.Local(from, to)
	skip := map[when.Date]bool{} // days that were cancelled stay so, and need no room
	for b, s := range m.gone {
		if s.series == id {
			skip[m.original(b)] = true // the new first day is the old one
		}
	}
	free := true
	for i, s := range m.daily(se.Workspace, from, to, n) {
		free = free && (skip[from.Add(i)] || !m.meets(s, parts...))
	}
	next, err := m.h.s.ChangeSeries(context.Background(), m.h.chief, id, bookings.SeriesChange{Times: &times, Rule: &rule})
	if !agree(rt, err, free) {
		return
	}
	for _, b := range parts {
		m.gone[b] = m.live[b]
		delete(m.live, b)
	}
	m.adopt(rt, next, se.Workspace, from, to, n)
}

// original returns the day that the rule gave an occurrence.
func (m *model) original(id store.BookingID) when.Date {
	var b store.Booking
	m.h.update(func(tx *store.Tx) (err error) {
		b, err = tx.Booking(id)
		return err
	})
	return b.Original.Date
}

// check compares the store with the model.
func (m *model) check(rt *rapid.T) {
	list := m.h.agenda(m.rooms...)
	if bad := overlapping(list); bad != nil {
		rt.Fatalf("%v and %v overlap", bad[0].Span(), bad[1].Span())
	}
	if len(list) != len(m.live) {
		rt.Fatalf("%d bookings stand, the model has %d", len(list), len(m.live))
	}
	for _, b := range list {
		s, ok := m.live[b.ID]
		if !ok || s.room != b.Workspace || !s.i.From.Equal(b.From) || !s.i.To.Equal(b.To) {
			rt.Fatalf("stored %s %v, the model has %+v", b.Workspace, b.Span(), s)
		}
	}
}
