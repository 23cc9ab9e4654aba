package calendars

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/store"
)

// A full calendar that comes back empty is believed when it says so twice: a server that is being restored, or a right that
// was lost, must not clear a door.
func TestEmptyCalendarIsDoubtedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var all []connectors.Event
	for i := range doubtful {
		all = append(all, event(fmt.Sprint("e", i), b.now.Add(time.Duration(i+1)*time.Hour), 30))
	}
	b.put(all...)
	b.crank()
	next := func() {
		t.Helper()
		b.now = b.now.Add(2 * time.Minute)
		if !b.crank() {
			t.Fatal("not asked again")
		}
	}

	b.put()
	next()
	if n := len(b.agenda()); n != doubtful {
		t.Fatalf("%d bookings are left after the first empty answer", n)
	}
	if st := b.Statuses()[0]; !st.System.FailingSince.IsZero() || st.Rooms[0].Resource.ErrorKind != string(connectors.Transient) {
		t.Errorf("the page says %+v", st)
	}
	b.put(all...) // it was a mistake
	next()
	if n := len(b.agenda()); n != doubtful {
		t.Fatalf("%d bookings are there", n)
	}

	b.put()
	next()
	next()
	if n := len(b.agenda()); n != 0 {
		t.Errorf("%d bookings are left after the second empty answer", n)
	}
	b.put(all[:doubtful-1]...)
	next()
	b.put()
	next()
	if n := len(b.agenda()); n != 0 {
		t.Errorf("%d bookings are left where few were deleted", n)
	}
}

// A wait that was stored while the clock was years ahead does not keep a system shut.
func TestIncredibleWaitIsForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail(&connectors.Error{Kind: connectors.Throttled, Op: "probe", After: 24 * time.Hour})
	b.crank()
	again := New(b.o)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again.systems[b.id].blocked.Before(b.now.Add(24 * time.Hour)) {
		t.Error("a day is not kept to")
	}
	b.now = b.now.AddDate(-1, 0, 0)
	if again = New(b.o); again.Start(t.Context()) != nil || !again.systems[b.id].blocked.IsZero() {
		t.Errorf("shut until %v, now is %v", again.systems[b.id].blocked, b.now)
	}
}

// What could not be stored is stored by the next flush.
func TestFailedFlushIsRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Flush(gone); err == nil {
		t.Fatal("stored with nobody waiting")
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var r store.Resource
	if err := b.st.View(t.Context(), func(tx *store.Tx) (err error) {
		r, err = tx.ResourceOf(b.ws)
		return err
	}); err != nil || !r.LastOK.Equal(b.now) {
		t.Errorf("last confirmed %v, %v", r.LastOK, err)
	}
}

// A room that we may look at again is watched again.
func TestRecoveredRoomIsWatched(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 2)
	m.fails["room-0"] = connectors.Fail(connectors.Forbidden, "probe", "no right")
	for b.turn(m) > 0 {
	}
	sys := b.systems[b.id]
	drain := func() bool {
		select {
		case <-sys.rewatch:
			return true
		default:
			return false
		}
	}
	drain()
	if rooms, _ := b.watchable(sys); len(rooms) != 1 {
		t.Fatalf("%d rooms are watched", len(rooms))
	}
	delete(m.fails, "room-0")
	b.now = b.now.Add(time.Hour)
	for b.turn(m) > 0 {
	}
	if rooms, _ := b.watchable(sys); len(rooms) != 2 || !drain() {
		t.Errorf("%d rooms are watched, and the watch begins anew: %v", len(rooms), len(rooms) == 2)
	}
}
