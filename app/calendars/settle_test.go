package calendars

import (
	"context"
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/connectors"
	"lintel/store"
)

// lose makes the answer to the next write get lost, with all that follows; swallow loses the write too.
func (b *bench) lose(swallow bool) {
	b.sys.mu.Lock()
	defer b.sys.mu.Unlock()
	b.sys.lost, b.sys.swallow = connectors.Fail(connectors.Transient, "book", "no answer"), swallow
}

// answer makes the system answer again.
func (b *bench) answer() {
	b.sys.mu.Lock()
	defer b.sys.mu.Unlock()
	b.sys.lost, b.sys.err = nil, nil
}

// draft is a booking of somebody in an hour.
func (b *bench) draft() Draft {
	b.t.Helper()
	var anna store.PersonID
	if err := b.st.Update(context.Background(), func(tx *store.Tx) (err error) {
		anna, err = tx.FindOrCreatePerson("Anna", "anna@example.org")
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	from := b.now.Add(time.Hour).Truncate(time.Minute)
	return Draft{Workspace: b.ws, Token: "token-1234", From: from, To: from.Add(time.Hour), Subject: "Review", Source: store.FromPortal, Creator: anna}
}

// unsure books while the answer gets lost, and wants it said that nobody knows.
func (b *bench) unsure(d Draft) {
	b.t.Helper()
	_, err := b.Book(b.t.Context(), d)
	if p := problem.Of(err); p == nil || p.Key != "systems.unsure" || p.Kind != problem.Down {
		b.t.Fatalf("a booking without an answer: %v", err)
	}
}

func (b *bench) pending() int {
	b.t.Helper()
	var n int
	if err := b.st.View(context.Background(), func(tx *store.Tx) error {
		bookings, err := tx.UnsettledOf(b.rooms[b.ws].r.ID)
		if err != nil {
			return err
		}
		ends, err := tx.UnsettledEndsOf(b.rooms[b.ws].r.ID)
		n = len(bookings) + len(ends)
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// owned wants d in the agenda once, as its maker's.
func (b *bench) owned(d Draft) {
	b.t.Helper()
	a := b.agenda()
	if len(a) != 1 || a[0].Token != d.Token || a[0].Creator != d.Creator || a[0].Source != d.Source {
		b.t.Fatalf("agenda: %+v", a)
	}
	if n := b.pending(); n != 0 {
		b.t.Errorf("%d writes are still unsettled", n)
	}
}

// A booking that stands although its answer was lost becomes that of whoever made it, at the next read.
func TestLostAnswerIsSettled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.lose(false)
	b.unsure(d)
	b.answer()
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	b.owned(d)
	reads := b.sys.reads
	b.now = b.now.Add(2 * time.Minute)
	if b.crank(); b.sys.reads != reads {
		t.Error("read again although all is settled")
	}
}

// So it does when the program ended in between.
func TestLostAnswerIsSettledAfterARestart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.lose(false)
	b.unsure(d)
	b.answer()
	b.Service = New(b.o)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	b.owned(d)
}

// Whoever presses again with the same form gets the booking that was made.
func TestLostAnswerAndAnotherPress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.lose(false)
	b.unsure(d)
	b.answer()
	id, err := b.Book(t.Context(), d)
	if err != nil || id == "" {
		t.Fatalf("again: %q, %v", id, err)
	}
	b.owned(d)
	if len(b.sys.events) != 1 {
		t.Errorf("booked %d times", len(b.sys.events))
	}
}

// As long as nobody knows what became of a booking, no later press says that nothing was changed: neither when the
// system is not even asked.
func TestLostAnswerIsNeverDenied(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.lose(false)
	b.unsure(d)
	b.unsure(d)
	sys := b.systems[b.id]
	for name, set := range map[string]func(){
		"out of reach":       func() { sys.blocked, sys.pressed = b.now.Add(time.Hour), b.now },
		"asked to wait":      func() { sys.s.WaitUntil = b.now.Add(time.Hour) },
		"sign-in refused":    func() { sys.authTries = 1 },
		"stopped":            func() { sys.s.PausedAt = b.now },
		"the room must wait": func() { b.rooms[b.ws].r.WaitUntil = b.now.Add(time.Hour) },
	} {
		was, room := sys.s, b.rooms[b.ws].r
		set()
		if _, err := b.Book(t.Context(), d); problem.Of(err) == nil || problem.Of(err).Key != "systems.unsure" {
			t.Errorf("%s: %v", name, err)
		}
		sys.s, sys.blocked, sys.authTries, b.rooms[b.ws].r = was, time.Time{}, 0, room
	}
	other := d
	other.Token = "another-token"
	sys.blocked, sys.pressed = b.now.Add(time.Hour), b.now
	if _, err := b.Book(t.Context(), other); problem.Of(err) == nil || problem.Of(err).Key != "systems.unreachable" {
		t.Errorf("of another booking: %v", err)
	}
}

// A booking of which no answer came stands back behind one that was written before it.
func TestLostAnswerBesideAnEarlierBooking(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.lose(false)
	b.unsure(d)
	b.answer()
	theirs := event("theirs", d.From, 30)
	theirs.Written = time.Unix(1_000, 0)
	b.put(append(b.sys.events, theirs)...)
	for range 2 {
		b.now = b.now.Add(2 * time.Minute)
		b.crank()
	}
	if a := b.agenda(); len(a) != 1 || a[0].ExtUID != "theirs" || b.pending() != 0 {
		t.Errorf("agenda: %+v, %d pending", a, b.pending())
	}
}

// A booking that never arrived is awaited for a while, then forgotten; it is never made by itself.
func TestBookingThatNeverArrivedIsForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.lose(true)
	b.unsure(d)
	b.answer()
	b.now = b.now.Add(time.Minute)
	if b.crank(); b.pending() != 1 {
		t.Error("forgotten while it may still arrive")
	}
	b.now = b.now.Add(arrival)
	if b.crank(); b.pending() != 0 || len(b.agenda()) != 0 || len(b.sys.events) != 0 {
		t.Errorf("%d pending, agenda %+v", b.pending(), b.agenda())
	}
}

// What a system refuses is known not to stand, so nothing is noted of it.
func TestRefusedBookingIsNotAwaited(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.put(event("theirs", d.From, 30))
	if _, err := b.Book(t.Context(), d); !problem.Has(err, problem.Conflict) {
		t.Fatalf("book over another: %v", err)
	}
	if b.pending() != 0 || b.rooms[b.ws].r.Unsettled {
		t.Errorf("%d pending", b.pending())
	}
}

// Whoever presses again while the system is still out of reach does not make forgotten that the first press may have booked.
func TestSecondPressInVainKeepsTheFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.lose(false)
	b.unsure(d)
	b.unsure(d)
	b.answer()
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	b.owned(d)
}

// Nor does whoever changes the times in the form, which the system refuses as it knows the token.
func TestSecondPressWithOtherTimesKeepsTheFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.lose(false)
	b.unsure(d)
	b.answer()
	b.sys.refuse = connectors.Fail(connectors.Conflict, "book", "made with other times")
	later := d
	later.From, later.To = d.From.Add(3*time.Hour), d.To.Add(3*time.Hour)
	if _, err := b.Book(t.Context(), later); err == nil {
		t.Fatal("booked twice")
	}
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	b.owned(d)
}

// A booking that can't be undone does not keep another from its maker, and is not tried for ever.
func TestBookingThatCannotBeUndoneIsLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	first := b.draft()
	b.lose(false)
	b.unsure(first)
	b.answer()
	second := first
	second.Token, second.From, second.To = "token-5678", first.From.Add(3*time.Hour), first.To.Add(3*time.Hour)
	b.lose(false)
	b.unsure(second)
	b.answer()
	theirs := event("theirs", first.From, 30)
	theirs.Written = time.Unix(1_000, 0)
	b.put(append(b.sys.events, theirs)...)
	b.sys.keep = connectors.Fail(connectors.Forbidden, "release", "may not delete")
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	var mine []store.Booking
	for _, v := range b.agenda() {
		if v.Token == second.Token && v.Creator == second.Creator {
			mine = append(mine, v)
		}
	}
	if len(mine) != 1 || b.pending() != 1 {
		t.Fatalf("%d of the second booking are its maker's, %d are unsettled", len(mine), b.pending())
	}
	b.now = b.now.Add(patience)
	b.crank()
	if b.pending() != 0 || b.rooms[b.ws].r.Unsettled {
		t.Errorf("%d are still tried to be settled", b.pending())
	}
}

// A clock that was a year ahead when a booking was sent does not make it awaited for a year.
func TestClockSetBackDoesNotAwaitForEver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	b.lose(true)
	b.unsure(b.draft())
	b.answer()
	b.now = b.now.AddDate(-1, 0, 0)
	b.Service = New(b.o)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Minute)
	if b.crank(); b.pending() != 0 {
		t.Error("still awaited")
	}
}

// Somebody edits the connection while a booking is under way: its room stays that booking's, and what it left is settled.
func TestBookingOutlivesAnEdit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.lose(false)
	old := b.rooms[b.ws]
	edited := false
	b.systems[b.id].conn = &gated{script: b.sys, read: func(context.Context) {
		if edited {
			return
		}
		edited = true
		if err := b.Edit(context.Background(), admin, b.id, Connection{Kind: "script", Name: "Edited"}); err != nil {
			t.Error(err)
		}
		if b.rooms[b.ws] == old {
			t.Error("the connection was not opened anew")
		}
		if b.crank(); b.sys.probes > 1 {
			t.Error("read while somebody writes to it")
		}
	}}
	b.unsure(d)
	b.answer()
	b.now = b.now.Add(time.Minute)
	b.crank()
	b.owned(d)
}
