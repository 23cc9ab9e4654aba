package calendars

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/connectors"
	"lintel/store"
)

// gated is a system whose calls a test holds up and looks at.
type gated struct {
	*script
	probe func(context.Context) // before it answers; may be nil
	read  func(context.Context) // the same
}

func (g *gated) Probe(ctx context.Context, room connectors.Room, c connectors.Cursor) (connectors.Change, error) {
	if g.probe != nil {
		g.probe(ctx)
	}
	if err := ctx.Err(); err != nil {
		return connectors.Change{}, connectors.Fail(connectors.Transient, "probe", "stopped: %w", err)
	}
	return g.script.Probe(ctx, room, c)
}

func (g *gated) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	if g.read != nil {
		g.read(ctx)
	}
	return g.script.Read(ctx, req)
}

// A program that stops in the middle of a cycle has confirmed nothing: after the restart the door tells since when its
// agenda is old, and the page what was wrong.
func TestStoppedCycleConfirmsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	confirmed, _ := b.Confirmed(b.ws)
	b.now = b.now.Add(2 * time.Minute)
	b.fail(connectors.Fail(connectors.Forbidden, "probe", "no right"))
	b.crank()
	b.now = b.now.Add(2 * time.Hour)
	ctx, stop := context.WithCancel(t.Context())
	b.systems[b.id].conn = &gated{script: b.sys, probe: func(context.Context) { stop() }}
	rooms := b.take(b.systems[b.id], 1)
	b.syncRoom(ctx, rooms[0])
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := New(b.o)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at, _ := again.Confirmed(b.ws); !at.Equal(confirmed) {
		t.Errorf("confirmed at %v, want %v", at, confirmed)
	}
	if kind := again.Statuses()[0].Rooms[0].Resource.ErrorKind; kind != string(connectors.Forbidden) {
		t.Errorf("what was wrong became %q", kind)
	}
}

// After a write the room is read again although the probe sees nothing new, and a failure in between does not make that
// forgotten.
func TestForcedReadSurvivesAFailure(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	from := b.now.Add(time.Hour)
	if _, err := b.Book(t.Context(), Draft{Workspace: b.ws, Token: "token-12345", From: from, To: from.Add(time.Hour), Source: "portal"}); err != nil {
		t.Fatal(err)
	}
	b.sys.version-- // the probe sees what it saw before
	b.fail(connectors.Fail(connectors.Transient, "probe", "connection refused"))
	b.now = b.now.Add(settled)
	if !b.crank() {
		t.Fatal("not read soon after the write")
	}
	b.fail(nil)
	reads := b.sys.reads
	b.now = b.now.Add(time.Minute)
	if b.crank(); b.sys.reads != reads+1 {
		t.Errorf("%d reads after the failure, want 1", b.sys.reads-reads)
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

// Whoever stands at the door of one room of a batch does not wait until the others are read.
func TestWriteDoesNotWaitForTheBatch(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 2)
	for b.turn(m) > 0 {
	}
	b.now = b.now.Add(2 * time.Minute)
	m.versions["room-0"]++
	m.versions["room-1"]++
	rooms := b.take(b.systems[b.id], 2)
	if len(rooms) != 2 {
		t.Fatalf("%d rooms are due", len(rooms))
	}
	held := 0
	conn := &gatedMany{many: m, read: func(id string) {
		for _, rm := range rooms {
			if rm.r.Address != id && !rm.lease.tryLock() {
				held++
			} else if rm.r.Address != id {
				rm.lease.unlock()
			}
		}
	}}
	b.systems[b.id].conn = conn
	reads := m.reads
	b.syncBatch(t.Context(), conn, rooms)
	if m.reads != reads+2 || held > 0 {
		t.Errorf("%d reads; %d times the other room could not be written to meanwhile", m.reads-reads, held)
	}
}

// gatedMany is many with a look at each read.
type gatedMany struct {
	*many
	read func(id string)
}

func (g *gatedMany) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	g.read(req.Room.ID)
	return g.many.Read(ctx, req)
}

// A room that was handed out, and waited while somebody wrote to it, is not asked when the system asked for time meanwhile.
func TestCycleHeedsWhatAWriteWasTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	b.now = b.now.Add(2 * time.Minute)
	rooms := b.take(b.systems[b.id], 1)
	b.fail(&connectors.Error{Kind: connectors.Throttled, Op: "read", After: 10 * time.Minute})
	from := b.now.Add(time.Hour)
	if _, err := b.Book(t.Context(), Draft{Workspace: b.ws, Token: "token-12345", From: from, To: from.Add(time.Hour), Source: "portal"}); !problem.Has(err, problem.Down) {
		t.Fatalf("got %v", err)
	}
	probes := b.sys.probes
	b.syncRoom(t.Context(), rooms[0])
	if b.sys.probes != probes {
		t.Error("asked although the system wants to be left alone")
	}
	b.fail(nil)
	b.now = b.now.Add(13 * time.Minute)
	if !b.crank() || b.sys.probes != probes+1 {
		t.Error("not asked when the wait was over")
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
	b.mu.Unlock()
	rm.lease.unlock()
	if err := <-answer; !problem.Has(err, problem.Down) {
		t.Errorf("the system is out of reach: %v", err)
	}
	b.mu.Lock()
	rm.sys.blocked = time.Time{}
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

// When our own store can't write, that is no failure of the booking system: its other rooms go on.
func TestOwnFailureIsNotTheSystems(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	full := errors.New("the disk is full")
	for range 3 {
		b.now = b.now.Add(20 * time.Minute)
		rm := b.take(b.systems[b.id], 1)[0]
		b.settle(t.Context(), rm, full)
	}
	sys := b.systems[b.id]
	if sys.failures > 0 || sys.blocked.After(b.now) || !sys.s.FailingSince.IsZero() || b.rooms[b.ws].r.Failures != 3 {
		t.Errorf("failures %d, blocked until %v, failing since %v; of the room %d", sys.failures, sys.blocked, sys.s.FailingSince, b.rooms[b.ws].r.Failures)
	}
	for range 2 {
		b.now = b.now.Add(20 * time.Minute)
		b.settle(t.Context(), b.take(sys, 1)[0], fmt.Errorf("read: %w", context.DeadlineExceeded))
	}
	if sys.failures != 2 || sys.s.FailingSince.IsZero() {
		t.Errorf("a server that hangs: %d failures", sys.failures)
	}
}

// A worker does not wait for somebody who writes to a room, who may have to wait for a slow server: it goes on with others.
func TestCycleLeavesARoomToItsWriter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rm := b.rooms[b.ws]
	if !rm.lease.tryLock() {
		t.Fatal("somebody holds the room")
	}
	ended := make(chan bool)
	go func() { ended <- b.crank() }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the worker waits")
		rm.lease.unlock()
		<-ended
		return
	}
	rm.lease.unlock()
	if b.sys.probes > 0 || b.crank() {
		t.Error("asked while somebody writes")
	}
	b.now = b.now.Add(postponed)
	if !b.crank() || b.sys.reads != 1 {
		t.Error("not read afterwards")
	}
}

// What is known of a room is read and written at the same time by cycles, writers and those who fetch pictures: the race
// detector has nothing to say.
func TestRoomIsSharedSafely(t *testing.T) {
	t.Parallel()
	b, p := newPictures(t)
	b.put(pictured("a", b.now.Add(time.Hour)))
	b.crank()
	id := b.agenda()[0].ID
	rm := b.rooms[b.ws]
	done := make(chan error)
	go func() {
		var err error
		for range 20 {
			_, _, got := b.Image(t.Context(), b.ws, id)
			err = errors.Join(err, got)
		}
		done <- err
	}()
	for range 20 {
		b.mu.Lock()
		rm.sys.inFlight++
		b.unqueue(rm)
		b.mu.Unlock()
		b.endBatched(t.Context(), rm, look{}, connectors.ProbeResult{Err: connectors.Fail(connectors.Forbidden, "probe", "no right")})
	}
	if err := <-done; err != nil || len(p.asked) != 20 {
		t.Errorf("%d pictures, %v", len(p.asked), err)
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

// Whoever has waited for as long as a booking may take is told so, and waits for nothing else: the next cycle reads the room
// and says whose the booking is.
func TestBookingThatTakesTooLong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	d := b.draft()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	b.nth(2, func() { <-ctx.Done() })
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
