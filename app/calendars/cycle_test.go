package calendars

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/connectors"
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
	case <-time.After(time.Minute):
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
