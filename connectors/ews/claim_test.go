package ews_test

import (
	"context"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
)

// ticking is a fake with a clock of its own, and a booking of ours from nine to ten.
type ticking struct {
	*testing.T
	s  *ewstest.Server
	ck *clock
	c  *ews.Conn
	ev connectors.Event
}

func newTicking(t *testing.T) *ticking {
	k := &ticking{T: t, ck: &clock{}}
	start := time.Now().Truncate(time.Second)
	k.s = ewstest.Start(ewstest.Quirks{}, func() time.Time { return start.Add(k.ck.add) })
	t.Cleanup(k.s.Close)
	k.s.AddRoom(room1, "Zürich 1", ewstest.Editor)
	k.c = open(t, config(k.s))
	k.ev = k.book("ours", nine(t))
	return k
}

func (k *ticking) book(name string, from time.Time) connectors.Event {
	ev, err := k.c.Book(k.Context(), atRoom(k), connectors.Draft{Token: "token-of-" + name, From: from.UTC(), To: from.UTC().Add(time.Hour), Subject: name})
	must(k, err)
	return ev
}

// written reads the claim of our booking afresh.
func (k *ticking) written() time.Time {
	k.Helper()
	snap, err := k.c.Read(k.Context(), connectors.ReadRequest{Room: atRoom(k), Window: day()})
	must(k, err)
	for _, e := range snap.Events {
		if e.Identity() == k.ev.Identity() {
			k.ev = e
			return e.Written
		}
	}
	k.Fatal("it is not there")
	return time.Time{}
}

func (k *ticking) tick() time.Time {
	k.ck.add += 10 * time.Second
	return k.s.Now().UTC()
}

// Written is when the claim began: it moves when the booking gets longer, and with nothing else.
func TestClaim(t *testing.T) {
	t.Parallel()
	k := newTicking(t)
	first := k.written()
	want := func(what string, at time.Time) {
		t.Helper()
		if got := k.written(); !got.Equal(at) {
			t.Errorf("%s: %v, want %v", what, got.Sub(first), at.Sub(first))
		}
	}
	mark := func() {
		t.Helper()
		k.tick()
		at := k.s.Now().UTC()
		must(t, k.c.Mark(t.Context(), atRoom(t), k.ev, at))
		k.written()
		if !k.ev.CheckedIn.Equal(at) {
			t.Errorf("checked in %v", k.ev.CheckedIn)
		}
	}
	setEnd := func(add time.Duration) {
		t.Helper()
		_, err := k.c.SetEnd(t.Context(), atRoom(t), k.ev, k.ev.To.Add(add))
		must(t, err)
	}
	mark()
	want("a check-in", first)
	k.tick()
	setEnd(-30 * time.Minute)
	want("an earlier end", first)
	longer := k.tick()
	setEnd(20 * time.Minute)
	want("a later end", longer)
	mark()
	want("a check-in after a later end", longer)
	k.tick()
	setEnd(-5 * time.Minute)
	want("an earlier end after a later one", longer)
	longer = k.tick()
	setEnd(10 * time.Minute)
	want("a later end once more", longer)
	k.tick()
	setEnd(-5 * time.Minute)
	want("an earlier end right after a later one", longer)
}

// Who extends over a booking that was made meanwhile is told, though their own booking is the older one; and
// a check-in on the other side changes nothing about that.
func TestExtendOverNewerBooking(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(k *ticking, other connectors.Event){
		"booked between look and write": func(*ticking, connectors.Event) {},
		"and checked in at once": func(k *ticking, other connectors.Event) {
			k.tick()
			must(k, k.c.Mark(k.Context(), atRoom(k), other, k.s.Now()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newTicking(t)
			w := &hookedEnd{ReadWriter: k.c, after: func() {}}
			w.before = func() {
				k.tick()
				other := k.book("other", nine(t).Add(time.Hour))
				k.tick()
				w.after = func() { between(k, other) }
			}
			out, err := connectors.SetEndVerified(t.Context(), w, atRoom(t), k.ev, k.ev.To.Add(time.Hour), nil)
			if err != nil || out.Verdict != connectors.Taken {
				t.Errorf("%+v, %v", out, err)
			}
			if got := texts(t, k.c, day()); len(got) != 2 || got[0] != "08:00-09:00 ours" || got[1] != "09:00-10:00 other" {
				t.Errorf("%v", got)
			}
		})
	}
}

// hookedEnd lets a test act before and after the first SetEnd.
type hookedEnd struct {
	connectors.ReadWriter
	before, after func()
}

func (h *hookedEnd) SetEnd(ctx context.Context, room connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	if h.before == nil {
		return h.ReadWriter.SetEnd(ctx, room, ev, to)
	}
	h.before()
	h.before = nil
	e, err := h.ReadWriter.SetEnd(ctx, room, ev, to)
	h.after()
	return e, err
}
