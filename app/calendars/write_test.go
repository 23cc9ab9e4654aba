package calendars

import (
	"context"
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/connectors"
	"lintel/store"
)

// Somebody writes within the same moment: ours goes when theirs was there earlier by the server's clock.
func TestRaceIsLostToTheEarlier(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	from := b.now.Add(time.Hour)
	other := event("theirs", from, 60)
	other.Written = time.Unix(1_999, 0)
	b.sys.race = &other
	_, err := b.Book(context.Background(), Draft{Workspace: b.ws, Token: "token-12345", From: from, To: from.Add(time.Hour)})
	if !problem.Has(err, problem.Conflict) {
		t.Fatalf("got %v", err)
	}
	if a := b.agenda(); len(a) != 1 || a[0].ExtUID != "theirs" {
		t.Errorf("what stays: %+v", a)
	}
}

func TestBookEndReleaseThroughTheSystem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	from := b.now.Add(time.Hour)
	d := Draft{Workspace: b.ws, Token: "token-12345", From: from, To: from.Add(time.Hour), Subject: "Ours", OrganizerName: "Anna", Source: "portal"}
	id, err := b.Book(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Book(context.Background(), d)
	if err != nil || again != id || len(b.sys.events) != 1 {
		t.Fatalf("the same token again: %v, %v, %d events", again, err, len(b.sys.events))
	}
	a := b.agenda()
	if len(a) != 1 || a[0].ID != id || a[0].Source != store.FromPortal || a[0].Subject != "Ours" {
		t.Fatalf("agenda: %+v", a)
	}
	if _, err := b.Book(context.Background(), Draft{Workspace: b.ws, Token: "token-other", From: from.Add(30 * time.Minute), To: from.Add(2 * time.Hour)}); !problem.Has(err, problem.Conflict) {
		t.Fatalf("an overlap: %v", err)
	}
	if err := b.SetEnd(context.Background(), b.ws, id, from.Add(30*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if a := b.agenda(); !a[0].To.Equal(from.Add(30 * time.Minute)) {
		t.Fatalf("ended early: %+v", a)
	}
	if err := b.Release(context.Background(), b.ws, id); err != nil {
		t.Fatal(err)
	}
	if a := b.agenda(); len(a) != 0 || len(b.sys.released) != 1 {
		t.Fatalf("released: %+v, %v", a, b.sys.released)
	}
}

// Reading back after a write ends some time, even when the person has gone and the server hangs.
func TestReadBackIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	unbounded := 0
	b.systems[b.id].conn = &gated{script: b.sys, read: func(ctx context.Context) {
		if _, has := ctx.Deadline(); !has {
			unbounded++
		}
	}}
	from := b.now.Add(time.Hour)
	if _, err := b.Book(t.Context(), Draft{Workspace: b.ws, Token: "token-12345", From: from, To: from.Add(time.Hour), Source: "portal"}); err != nil || unbounded > 0 {
		t.Errorf("%d reads have no end, %v", unbounded, err)
	}
}

// A booking weeks ahead lies outside the days that are kept. It is in our store all the same: whoever made it sees it, ends
// it and calls it off.
func TestBookingBeyondTheWindow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(event("near", b.now.Add(time.Hour), 30))
	b.crank()
	from := b.now.AddDate(0, 0, 2*connectors.DaysAhead)
	id, err := b.Book(t.Context(), Draft{Workspace: b.ws, Token: "token-12345", From: from, To: from.Add(time.Hour), Subject: "Far", Source: "portal"})
	if err != nil {
		t.Fatal(err)
	}
	far := func() (found []store.Booking) {
		if err := b.st.View(t.Context(), func(tx *store.Tx) (err error) {
			found, err = tx.Agenda(b.ws, from.AddDate(0, 0, -1), from.AddDate(0, 0, 1))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return found
	}
	b.now = b.now.Add(time.Minute)
	b.crank()
	if a := far(); len(a) != 1 || a[0].ID != id || a[0].Subject != "Far" || a[0].Source != store.FromPortal {
		t.Fatalf("after booking: %+v", a)
	}
	if err := b.SetEnd(t.Context(), b.ws, id, from.Add(30*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if a := far(); len(a) != 1 || !a[0].To.Equal(from.Add(30*time.Minute)) {
		t.Fatalf("after it was shortened: %+v", a)
	}
	if err := b.Release(t.Context(), b.ws, id); err != nil {
		t.Fatal(err)
	}
	if a := far(); len(a) != 0 {
		t.Errorf("after it was called off: %+v", a)
	}
	if a := b.agenda(); len(a) != 1 || a[0].Subject != "Subject near" {
		t.Errorf("what is near became %+v", a)
	}
}

// Whoever presses a button while the room is read from a server that hangs gets an answer in time; and nothing is sent when
// the system asked for time meanwhile, or was connected anew.
func TestWriteWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	rm := b.rooms[b.ws]
	book := func(ctx context.Context) error {
		_, err := b.Book(ctx, Draft{Workspace: b.ws, Token: "token-12345", From: b.now.Add(time.Hour), To: b.now.Add(2 * time.Hour), Source: "portal"})
		return err
	}
	hold := func() {
		t.Helper()
		if !rm.lease.tryLock() {
			t.Fatal("somebody holds the room")
		}
	}
	hold()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := book(ctx); !problem.Has(err, problem.Down) {
		t.Errorf("the person gave up: %v", err)
	}
	answer := make(chan error)
	go func() { answer <- book(t.Context()) }()
	select {
	case err := <-answer:
		t.Errorf("did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	b.mu.Lock()
	rm.sys.blocked = b.now.Add(time.Minute)
	rm.sys.s.WaitUntil = rm.sys.blocked
	b.mu.Unlock()
	rm.lease.unlock()
	if err := <-answer; !problem.Has(err, problem.Down) {
		t.Errorf("the system has asked for time: %v", err)
	}
	b.mu.Lock()
	rm.sys.blocked, rm.sys.s.WaitUntil = time.Time{}, time.Time{}
	b.mu.Unlock()
	reads := b.sys.reads
	hold()
	go func() { answer <- book(t.Context()) }()
	if err := b.reload(t.Context(), b.id); err != nil {
		t.Fatal(err)
	}
	old := &gated{script: &script{}, read: func(context.Context) { t.Error("asked through the connector that was closed") }}
	b.mu.Lock()
	rm.sys.conn = old
	b.mu.Unlock()
	rm.lease.unlock()
	if err := <-answer; err != nil || b.sys.reads == reads {
		t.Errorf("after it was connected anew: %v", err)
	}
}

// Whoever presses a button need not wait until a system that was out of reach is asked again; but it is not asked at each
// press, nor when it has refused us. When it answers, its rooms are read again.
func TestWriteToASystemThatRests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	sys := b.systems[b.id]
	rest := func() { sys.blocked, sys.failures = b.now.Add(10*time.Minute), 3 }
	d := Draft{Workspace: b.ws, Token: "token-12345", From: b.now.Add(time.Hour), To: b.now.Add(2 * time.Hour), Source: "portal"}
	b.sys.err = connectors.Fail(connectors.Transient, "read", "down")
	press := func(wantReads int) error {
		t.Helper()
		before := b.sys.reads
		_, err := b.Book(t.Context(), d)
		if got := b.sys.reads - before; got > 0 != (wantReads > 0) {
			t.Errorf("%d reads", got)
		}
		return err
	}
	rest()
	if err := press(1); !problem.Has(err, problem.Down) || !sys.blocked.After(b.now) {
		t.Errorf("still down: %v", err)
	}
	if err := press(0); !problem.Has(err, problem.Down) {
		t.Errorf("at once again: %v", err)
	}
	b.now = b.now.Add(settled)
	sys.authTries = 1
	if err := press(0); !problem.Has(err, problem.Down) {
		t.Errorf("the sign-in was refused: %v", err)
	}
	sys.authTries = 0
	b.sys.err = nil
	if err := press(1); err != nil || sys.blocked.After(b.now) || sys.failures != 0 {
		t.Errorf("it is back: %v, blocked until %v", err, sys.blocked)
	}
	if len(b.sys.events) != 1 {
		t.Errorf("%d bookings", len(b.sys.events))
	}
}

// A booking that stands in a calendar to which the workspace is no longer attached is not looked for in the new one.
func TestChangeStaysInItsCalendar(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(event("a", b.now.Add(-time.Hour), 50))
	b.crank()
	id := b.agenda()[0].ID
	if err := b.Detach(t.Context(), admin, b.ws); err != nil {
		t.Fatal(err)
	}
	if err := b.Attach(t.Context(), admin, b.ws, b.id, "room-2"); err != nil {
		t.Fatal(err)
	}
	if err := b.Release(t.Context(), b.ws, id); !problem.Has(err, problem.NotFound) || len(b.sys.released) > 0 {
		t.Errorf("released %v: %v", b.sys.released, err)
	}
}

// nth runs f before the n-th read from now on.
func (b *bench) nth(n int, f func()) {
	b.systems[b.id].conn = &gated{script: b.sys, read: func(context.Context) {
		if n--; n == 0 {
			f()
		}
	}}
}

// What a system asks for while a write is read back is binding as everything else that it asks for.
func TestThrottledReadBackIsHeeded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	b.nth(3, func() { b.fail(&connectors.Error{Kind: connectors.Throttled, Op: "read", After: 10 * time.Minute}) })
	b.unsure(d)
	b.fail(nil)
	probes := b.sys.probes
	for asked := b.now; b.now.Before(asked.Add(10 * time.Minute)); b.now = b.now.Add(time.Second) {
		if b.crank() || b.sys.probes > probes {
			t.Fatalf("asked again after %v", b.now.Sub(asked))
		}
	}
	b.now = b.now.Add(5 * time.Minute)
	b.crank()
	b.owned(d)
}

// A booking that stands, and that our agenda does not show yet, is not said to have been refused.
func TestBookingThatIsNotShownYet(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	var all []connectors.Event
	b.nth(3, func() {
		b.sys.mu.Lock()
		all, b.sys.events = b.sys.events, nil
		b.sys.mu.Unlock()
	})
	b.unsure(d)
	b.put(all...)
	b.now = b.now.Add(time.Minute)
	b.crank()
	b.owned(d)
}

// Whoever goes away in the middle of a booking leaves nothing undone.
func TestPersonGoesAwayWhileBooking(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	b.nth(2, leave)
	if _, err := b.Book(ctx, d); err != nil {
		t.Fatal(err)
	}
	b.owned(d)
}

// limited is a context whose deadline passes when the test says so.
type limited struct {
	context.Context
	done chan struct{}
}

func (c limited) Done() <-chan struct{} { return c.done }

func (c limited) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// Whoever has waited for as long as a booking may take is told so, and waits for nothing else: the next cycle reads the room
// and says whose the booking is.
func TestBookingThatTakesTooLong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	ctx := limited{t.Context(), make(chan struct{})}
	asked := 0
	b.systems[b.id].conn = &gated{script: b.sys, read: func(read context.Context) {
		if asked++; asked == 2 {
			close(ctx.done)
			<-read.Done()
		}
	}}
	reads := b.sys.reads
	if _, err := b.Book(ctx, d); !problem.Has(err, problem.Down) || b.sys.reads != reads+2 {
		t.Fatalf("%d reads, %v", b.sys.reads-reads, err)
	}
	b.now = b.now.Add(settled)
	if !b.crank() {
		t.Fatal("not read soon")
	}
	b.owned(d)
}

// A booking that got no answer at all counts like a read that did not: after it and the next one the system rests, and whoever
// presses then waits the short time only, which counts no more. One whose room was read again afterwards does not count.
func TestBookingWithoutAnAnswerCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	sys := b.systems[b.id]
	b.sys.refuse = connectors.Fail(connectors.Transient, "book", "HTTP 503")
	d := b.draft()
	for range 3 {
		if _, err := b.Book(t.Context(), d); err == nil {
			t.Fatal("booked")
		}
	}
	if sys.failures != 0 {
		t.Errorf("%d failures of a system that answers reads", sys.failures)
	}
	b.sys.refuse = nil
	b.fail(connectors.Fail(connectors.Transient, "read window", "no answer"))
	if _, err := b.Book(t.Context(), d); err == nil || sys.failures != 1 {
		t.Fatalf("%d failures, %v", sys.failures, err)
	}
	b.now = b.now.Add(settled)
	if b.crank(); !sys.resting(b.now) || b.Statuses()[0].Standing(b.now).State != StateFailing {
		t.Errorf("%d failures, %+v", sys.failures, b.Statuses()[0].Standing(b.now))
	}
	rests := sys.blocked
	b.now = b.now.Add(time.Second)
	if _, err := b.Book(t.Context(), d); err == nil || !sys.pressed.Equal(b.now) || !sys.blocked.Equal(rests) || sys.failures != 2 {
		t.Errorf("a press while it rests: %d failures, it rests until %v instead of %v, %v", sys.failures, sys.blocked, rests, err)
	}
	b.answer()
	b.now = sys.blocked
	if b.crank(); sys.failures != 0 || b.Statuses()[0].Standing(b.now).State != StateGood {
		t.Errorf("%d failures, %+v", sys.failures, b.Statuses()[0].Standing(b.now))
	}
}
