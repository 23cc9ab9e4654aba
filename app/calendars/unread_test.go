package calendars

import (
	"context"
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/store"
)

// garbled is a system that has events which nobody can read.
type garbled struct {
	*script
	names []string
}

func (g *garbled) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	s, err := g.script.Read(ctx, req)
	s.Skipped, s.Unread = len(g.names), g.names
	return s, err
}

// A booking whose event can't be read any more stays at the door as it was, and the page says so, until the event can be
// read again or is deleted.
func TestUnreadBookingStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := &garbled{script: b.sys}
	b.systems[b.id].conn = g
	at := b.now.Add(time.Hour)
	turn := func() {
		t.Helper()
		b.now = b.now.Add(2 * time.Minute)
		if !b.crank() {
			t.Fatal("not asked")
		}
	}
	is := func(from time.Time, skipped int) {
		t.Helper()
		a := b.agenda()
		if len(a) != 1 || !a[0].From.Equal(from) || a[0].Subject != "Subject a" || a[0].OrganizerEmail != "a@example.org" {
			t.Fatalf("the agenda is %+v", a)
		}
		if r := b.Statuses()[0].Rooms[0].Resource; r.Skipped != skipped || r.ErrorKind != "" {
			t.Fatalf("the page says %+v", r)
		}
	}
	b.put(event("a", at, 30))
	turn()
	is(at, 0)

	changed := b.changed
	b.put()
	g.names = []string{"a"}
	turn()
	is(at, 1)
	if b.changed != changed {
		t.Error("the door was told of a change")
	}
	b.now = b.now.Add(2 * safetyRead) // read in full, though nothing changed
	at = at.Add(4 * time.Hour)
	b.crank()
	if a := b.agenda(); len(a) != 1 {
		t.Fatalf("after a full read: %+v", a)
	}

	g.names = nil
	b.put(event("a", at, 30)) // repaired, and moved
	turn()
	is(at, 0)

	b.put()
	g.names = []string{"a"}
	turn()
	is(at, 1)
	g.names = nil
	b.put() // deleted
	turn()
	if a := b.agenda(); len(a) != 0 {
		t.Errorf("deleted, and the agenda is %+v", a)
	}
}

// The same weeks ahead, where a room is read only after a write.
func TestUnreadBookingStaysAhead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	g := &garbled{script: b.sys}
	b.systems[b.id].conn = g
	at := b.now.AddDate(0, 0, 20)
	span := when.Interval{From: at, To: at.Add(time.Hour)}
	read := func(bookings int, names ...string) {
		t.Helper()
		g.names = names
		if err := b.readAhead(t.Context(), b.rooms[b.ws], span); err != nil {
			t.Fatal(err)
		}
		if a := b.agenda(); len(a) != bookings {
			t.Errorf("the agenda is %+v", a)
		}
	}
	b.put(event("a", at, 30))
	read(1)
	b.put()
	read(1, "a")
	read(0)
}

// Nothing is booked over such a booking, and nothing extended into it, although a look into the system does not show it.
func TestNothingIsBookedOverAnUnreadBooking(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := &garbled{script: b.sys}
	b.systems[b.id].conn = g
	d := b.draft()
	before := event("before", d.From.Add(-30*time.Minute), 30)
	b.put(before, event("a", d.From, 30))
	b.crank()
	ids := map[string]store.BookingID{}
	for _, v := range b.agenda() {
		ids[v.ExtUID] = v.ID
	}
	b.put(before)
	g.names = []string{"a"}
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	if _, err := b.Book(t.Context(), d); !problem.Has(err, problem.Conflict) {
		t.Errorf("booked over it: %v", err)
	}
	if err := b.SetEnd(t.Context(), b.ws, ids["before"], before.To.Add(15*time.Minute)); !problem.Has(err, problem.Conflict) {
		t.Errorf("extended into it: %v", err)
	}
	if b.pending() != 0 || len(b.sys.events) != 1 {
		t.Errorf("%d pending, %+v", b.pending(), b.sys.events)
	}
	later := d
	later.From, later.To, later.Token = d.From.Add(30*time.Minute), d.To.Add(time.Hour), "token-5678"
	if _, err := b.Book(t.Context(), later); err != nil {
		t.Errorf("beside it: %v", err)
	}
	g.names = nil // deleted: the press that is refused sees it, and the next one goes through
	d.To = d.From.Add(30 * time.Minute)
	if _, err := b.Book(t.Context(), d); !problem.Has(err, problem.Conflict) {
		t.Errorf("known to be gone before it was read: %v", err)
	}
	if _, err := b.Book(t.Context(), d); err != nil {
		t.Errorf("after it was deleted: %v", err)
	}
}
