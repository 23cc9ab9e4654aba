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
