package calendars

import (
	"context"
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/connectors"
)

// A wrong password is not sent by all workers at once, nor by the watch beside them: an account would be locked.
func TestFirstSignInIsTriedAlone(t *testing.T) {
	t.Parallel()
	b, _ := newMany(t, 6)
	sys := b.systems[b.id]
	first := b.take(sys, 1)
	b.mu.Lock()
	ready := sys.ready(b.now)
	b.mu.Unlock()
	if len(first) != 1 || ready {
		t.Fatalf("%d rooms were handed out, and others may follow: %v", len(first), ready)
	}
	if rooms, _ := b.watchable(sys); len(rooms) > 0 {
		t.Error("the watch signs in beside the first probe")
	}
	b.syncRoom(t.Context(), first[0])
	b.mu.Lock()
	ready = sys.ready(b.now)
	b.mu.Unlock()
	if rooms, _ := b.watchable(sys); !ready || len(rooms) != 6 {
		t.Errorf("after a sign-in others may follow: %v, and %d rooms are watched", ready, len(rooms))
	}
}

// A batch is one request with one sign-in, so it counts once: the second one stops the system.
func TestRefusedBatchCountsOnce(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 6)
	for _, rm := range b.rooms {
		m.fails[rm.r.Address] = connectors.Fail(connectors.Auth, "probe", "401")
	}
	for range 24 * 60 {
		b.turn(m)
		b.now = b.now.Add(time.Minute)
	}
	if len(m.batches) != authLimit || b.systems[b.id].s.PausedAt.IsZero() {
		t.Errorf("%d sign-ins in a day: %v", len(m.batches), m.batches)
	}
}

// What people do counts as well: a booking with a refused password is not tried again by the next person.
func TestRefusedSignInOfAWriteCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	b.fail(connectors.Fail(connectors.Auth, "read", "401"))
	reads := b.sys.reads
	for range 10 {
		_, err := b.Book(t.Context(), Draft{Workspace: b.ws, Token: "token-1234", From: b.now, To: b.now.Add(time.Hour)})
		if !problem.Has(err, problem.Down) {
			t.Errorf("book: %v", err)
		}
	}
	if got := b.sys.reads - reads; got != 1 {
		t.Errorf("%d sign-ins for ten bookings", got)
	}
	b.now = b.now.Add(authPause)
	b.crank()
	if b.systems[b.id].s.PausedAt.IsZero() {
		t.Error("the probe after it does not stop the system")
	}
}

// After a refused sign-in the watch rests until a probe has signed in again.
func TestRefusedWatchRests(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 2)
	for b.turn(m) > 0 {
	}
	sys := b.systems[b.id]
	b.heed(context.Background(), sys, nil, connectors.Fail(connectors.Auth, "watch", "401"))
	if rooms, _ := b.watchable(sys); len(rooms) > 0 {
		t.Error("watched again at once")
	}
	b.now = b.now.Add(authPause)
	for b.turn(m) > 0 {
	}
	if rooms, _ := b.watchable(sys); len(rooms) != 2 || sys.authTries != 0 {
		t.Errorf("%d rooms are watched after a sign-in", len(rooms))
	}
}

// A server that refuses everybody while it starts does not stop us for good: the other try comes minutes later.
func TestRefusalOfAMoment(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 3)
	b.pass(m, time.Minute)
	for _, rm := range b.rooms {
		m.fails[rm.r.Address] = connectors.Fail(connectors.Auth, "probe", "401")
	}
	m.size = 1
	b.now = b.now.Add(2 * time.Minute)
	b.turn(m)
	clear(m.fails)
	m.batches = nil
	for asked := b.now; b.now.Before(asked.Add(authPause - time.Second)); b.now = b.now.Add(time.Second) {
		if b.turn(m) > 0 {
			t.Fatalf("tried again after %v", b.now.Sub(asked))
		}
	}
	if st := b.Statuses()[0].System; st.ErrorKind != string(connectors.Auth) || st.FailingSince.IsZero() {
		t.Errorf("meanwhile the page says %+v", st)
	}
	b.pass(m, 2*time.Minute)
	if st := b.Statuses()[0].System; !st.PausedAt.IsZero() || !st.FailingSince.IsZero() || b.systems[b.id].authTries != 0 {
		t.Errorf("after it the page says %+v", st)
	}
}

// What was asked before the refusal, over a connection that is signed in still, does not make it forgotten.
func TestLateAnswerDoesNotForgiveARefusal(t *testing.T) {
	t.Parallel()
	b, _ := newMany(t, 2)
	sys := b.systems[b.id]
	sys.proven = true
	refused, other := b.take(sys, 1)[0], b.take(sys, 1)[0]
	b.ended(refused, connectors.Fail(connectors.Auth, "probe", "401"), false, true)
	b.ended(other, nil, false, true)
	b.now = b.now.Add(time.Minute)
	if rooms := b.take(sys, 1); len(rooms) > 0 || sys.authTries != 1 {
		t.Errorf("%d rooms are asked, %d refusals are known", len(rooms), sys.authTries)
	}
}

// A program that is killed after it stopped does not sign in again when it starts.
func TestStopOutlivesAKilledProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail(connectors.Fail(connectors.Auth, "probe", "401"))
	for range 30 {
		b.now = b.now.Add(time.Minute)
		b.crank()
	}
	again := New(b.o)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Hour)
	if rooms := again.take(again.systems[b.id], 1); len(rooms) > 0 {
		t.Error("asked again")
	}
}

// A watch that is open does not connect again by itself with a password that was refused.
func TestRefusalEndsTheWatch(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 1)
	b.pass(m, time.Minute)
	sys := b.systems[b.id]
	for len(sys.rewatch) > 0 {
		<-sys.rewatch
	}
	b.heed(t.Context(), sys, nil, connectors.Fail(connectors.Auth, "book", "401"))
	if len(sys.rewatch) != 1 {
		t.Error("the watch goes on")
	}
}
