package calendars

import (
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/connectors"
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
