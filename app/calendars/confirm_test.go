package calendars

import (
	"testing"
	"time"

	"lintel/connectors"
)

// byAddress returns the engine's rooms by the system's name for them.
func (b *bench) byAddress() map[string]*room {
	rooms := map[string]*room{}
	for _, rm := range b.rooms {
		rooms[rm.r.Address] = rm
	}
	return rooms
}

// age is how long ago the agenda of a room was confirmed.
func (b *bench) age(rm *room) time.Duration {
	b.t.Helper()
	at, ok := b.Confirmed(rm.r.Workspace)
	if !ok {
		b.t.Fatal("not synced")
	}
	return b.now.Sub(at)
}

// pass lets d go by, minute after minute.
func (b *bench) pass(m *many, d time.Duration) {
	b.t.Helper()
	for end := b.now.Add(d); b.now.Before(end); {
		b.now = b.now.Add(time.Minute)
		if err := b.Tick(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
		for b.turn(m) > 0 {
		}
	}
}

// The door of a room that its system watches does not say that its agenda is old: no news is good news there, although
// nobody asks for hours.
func TestWatchConfirmsTheAgenda(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 2)
	b.pass(m, time.Minute)
	rm := b.byAddress()["room-0"]
	b.setLive(rm, true)
	b.pass(m, 2*time.Minute)
	m.batches = nil
	for range 60 {
		if b.pass(m, time.Minute); b.age(rm) > deafFor+vouchEvery+time.Minute {
			t.Fatalf("the agenda is %v old", b.age(rm))
		}
	}
	for _, batch := range m.batches {
		for _, id := range batch {
			if id == "room-0" {
				t.Error("asked while it is watched")
			}
		}
	}
	if last := b.Statuses()[0].System.LastOK; b.now.Sub(last) > deafFor+vouchEvery+time.Minute {
		t.Errorf("the page says that the system was last heard %v ago", b.now.Sub(last))
	}

	// A change of which we know and that we can't read is no good news.
	b.hint(rm)
	rm.sys.blocked = b.now.Add(time.Hour)
	if b.pass(m, 30*time.Minute); b.age(rm) < 30*time.Minute {
		t.Errorf("the agenda counts as %v old, though what changed is not read", b.age(rm))
	}
}

// What happened before a watch began, or while it had ended, is not vouched for.
func TestWatchVouchesForNothingBefore(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 1)
	b.pass(m, time.Minute)
	rm := b.byAddress()["room-0"]
	rm.sys.blocked = b.now.Add(time.Hour) // nothing can be asked
	b.now = b.now.Add(20 * time.Minute)
	b.setLive(rm, true)
	if err := b.Tick(t.Context()); err != nil || b.age(rm) < 20*time.Minute {
		t.Errorf("the agenda counts as %v old: %v", b.age(rm), err)
	}
	rm.sys.blocked = time.Time{}
	b.pass(m, time.Minute)
	b.setLive(rm, false)
	rm.sys.blocked = b.now.Add(time.Hour)
	if b.pass(m, 20*time.Minute); b.age(rm) < 20*time.Minute {
		t.Errorf("after the watch has ended it counts as %v old", b.age(rm))
	}
}

// A room that begins to be watched while it is probed is probed once more: its probe may have come too early.
func TestWatchThatBeginsDuringAProbe(t *testing.T) {
	t.Parallel()
	b, _ := newMany(t, 1)
	rm := b.take(b.systems[b.id], 1)[0]
	b.setLive(rm, true)
	b.ended(rm, nil, false, true)
	if wait := rm.due.Sub(b.now); wait > coalesce {
		t.Errorf("probed again after %v", wait)
	}
}

// A source that wants to be asked once in so long has an agenda that stays fresh for so long.
func TestSlackOfASourceThatWantsToBeLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sys.wait = 40 * time.Minute
	b.crank()
	if got := b.Slack(b.ws); got != 40*time.Minute {
		t.Errorf("slack %v", got)
	}
}

// A room whose own wait is not over is not in the way of the others, however it came to it.
func TestRoomThatWaitsIsNotInTheWay(t *testing.T) {
	t.Parallel()
	b, _ := newMany(t, 2)
	sys := b.systems[b.id]
	sys.proven = true
	busy := &connectors.Error{Kind: connectors.Throttled, Op: "fetch picture", After: 10 * time.Minute, Alone: true}

	b.now = b.now.Add(300 * time.Millisecond)
	slow := b.take(sys, 1)[0]
	b.heed(t.Context(), sys, slow, busy) // through a picture of the room, while it is probed
	b.ended(slow, nil, true, true)
	if slow.due.Before(slow.r.WaitUntil) {
		t.Errorf("due at %v, may be asked at %v", slow.due, slow.r.WaitUntil)
	}
	b.now = b.now.Add(time.Minute)
	if rooms := b.take(sys, 1); len(rooms) != 1 || rooms[0] == slow {
		t.Error("the other room is not read")
	} else {
		b.ended(rooms[0], nil, true, true)
	}

	b.now = b.now.Add(time.Hour)
	slow = b.take(sys, 1)[0]
	b.ended(slow, busy, true, true)
	if slow.due.Before(slow.r.WaitUntil) {
		t.Errorf("after a failure due at %v, may be asked at %v", slow.due, slow.r.WaitUntil)
	}
}
