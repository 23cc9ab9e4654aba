package calendars

import (
	"context"
	"strings"
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
)

// What a system asked for is on the disk before anything else happens: a program that is killed and starts again keeps
// to it, to the second.
func TestWaitOutlivesAKilledProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.now = b.now.Add(700 * time.Millisecond)
	b.fail(&connectors.Error{Kind: connectors.Throttled, Op: "probe", After: 10 * time.Minute})
	b.crank()
	asked := b.now.Add(10 * time.Minute)
	again := New(b.o)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := again.systems[b.id].blocked; got.Before(asked) {
		t.Errorf("after a kill nothing is sent before %v, the system asked for %v", got, asked)
	}
	b.now = asked.Add(-time.Millisecond)
	if rooms := again.take(again.systems[b.id], 1); rooms != nil {
		t.Error("asked again before the time")
	}
	if st := again.Statuses()[0].System; st.ErrorKind != string(connectors.Throttled) || st.WaitUntil.Before(asked) {
		t.Errorf("the page is not told why and until when: %q, %v", st.ErrorKind, st.WaitUntil)
	}
}

// A wish for one room holds for that room alone: for reading, for hints, for people who stand at its door or write, for
// checks, and over a restart.
func TestWaitOfOneRoom(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 2)
	for b.turn(m) > 0 {
	}
	rooms := map[string]*room{}
	for _, rm := range b.rooms {
		rooms[rm.r.Address] = rm
	}
	slow := rooms["room-0"]
	m.fails["room-0"] = &connectors.Error{Kind: connectors.Throttled, Op: "probe", After: 10 * time.Minute, Alone: true}
	b.now = b.now.Add(2 * time.Minute)
	for b.turn(m) > 0 {
	}
	delete(m.fails, "room-0")
	asked := b.now.Add(10 * time.Minute)
	m.batches = nil
	quiet := func(s *Service, b *bench) {
		t.Helper()
		s.mu.Lock()
		rm := s.rooms[slow.r.Workspace]
		s.mu.Unlock()
		s.Touch(rm.r.Workspace)
		s.hint(rm)
		if _, err := s.Book(t.Context(), Draft{Workspace: rm.r.Workspace, Token: "token-1234", From: b.now, To: b.now.Add(time.Hour)}); !problem.Has(err, problem.Down) {
			t.Errorf("booking while the room waits: %v", err)
		}
		report, err := s.Check(t.Context(), admin, b.id, Connection{}, CheckOptions{Address: "ROOM-0"})
		if err != nil || len(report.Steps) != 1 || report.Steps[0].Name != "calendar.check.wait" {
			t.Errorf("check: %+v, %v", report, err)
		}
	}
	for b.now.Before(asked) {
		quiet(b.Service, b)
		for b.turn(m) > 0 {
		}
		b.now = b.now.Add(50 * time.Second)
	}
	others := 0
	for _, batch := range m.batches {
		for _, id := range batch {
			if id == "room-0" {
				t.Fatalf("room-0 was asked before its time: %v", m.batches)
			}
			others++
		}
	}
	if others < 4 {
		t.Errorf("the other room was asked %d times in ten minutes", others)
	}

	// A restart in the middle.
	b.now = asked.Add(-time.Minute)
	again := New(b.o)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	quiet(again, b)
	b.now = asked.Add(-time.Second)
	for _, rm := range again.take(again.systems[b.id], 2) {
		if rm.r.Address == "room-0" {
			t.Error("a restart asks before the time")
		}
		again.ended(rm, nil, false, true)
	}
	b.now = asked.Add(3 * time.Minute) // the wait is drawn out by a quarter at most
	found := false
	for _, rm := range again.take(again.systems[b.id], 2) {
		found = found || rm.r.Address == "room-0"
	}
	if !found {
		t.Error("not asked after the wait")
	}
}

// A command that runs while the server is stopped asks a system no earlier either.
func TestCheckWithoutTheServerKeepsToTheWait(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail(&connectors.Error{Kind: connectors.Throttled, Op: "probe", After: 10 * time.Minute})
	b.crank()
	alone := New(b.o)
	waits := func(address string) bool {
		t.Helper()
		report, err := alone.Check(t.Context(), admin, b.id, Connection{}, CheckOptions{Address: address})
		if err != nil {
			t.Fatal(err)
		}
		return len(report.Steps) == 1 && report.Steps[0].Name == "calendar.check.wait"
	}
	if !waits("") || !waits("room-1") {
		t.Error("checked before the time")
	}
	if _, err := alone.Rooms(t.Context(), admin, b.id, Connection{}); !problem.Has(err, problem.Down) {
		t.Errorf("rooms were asked for: %v", err)
	}
	b.now = b.now.Add(time.Hour)
	if waits("") || waits("room-1") {
		t.Error("not checked after the time")
	}

	// The same for one room.
	b.fail(&connectors.Error{Kind: connectors.Throttled, Op: "probe", After: 10 * time.Minute, Alone: true})
	b.crank()
	if waits("") || !waits("room-1") {
		t.Error("the wait is not that of the room")
	}
}

// What a system asks for when an administrator lists its rooms holds for all that is sent to it.
func TestThrottledListIsHeeded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.o.Kinds["lists"] = Kind{Every: time.Minute, Open: func(*outbound.Outbound, store.System, []store.Resource) (connectors.Connector, error) {
		return &lister{&script{complete: true}, &connectors.Error{Kind: connectors.Throttled, Op: "list rooms", After: 10 * time.Minute}}, nil
	}}
	id, err := b.Connect(t.Context(), admin, Connection{Kind: "lists", Name: "Lists"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Rooms(t.Context(), admin, id, Connection{}); !problem.Has(err, problem.Down) {
		t.Fatalf("got %v", err)
	}
	if until := b.systems[id].blocked; until.Before(b.now.Add(10 * time.Minute)) {
		t.Errorf("nothing is sent before %v, it is %v", until, b.now)
	}
}

// lister is a system that does not list its rooms.
type lister struct {
	*script
	err error
}

func (l *lister) Rooms(context.Context, string) ([]connectors.RoomRef, string, error) {
	return nil, "", l.err
}

// A wait is as long as the system asked for, whatever becomes of the clock on the wall.
func TestWaitIsDeafToTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	for range 2 {
		if now := time.Now(); now.Nanosecond() > 0 {
			until := wholeSecond(now)
			if !strings.Contains(until.String(), "m=") || until.Nanosecond() != 0 || until.Sub(now) <= 0 || until.Sub(now) >= time.Second {
				t.Errorf("%v became %v", now, until)
			}
			return
		}
	}
}
