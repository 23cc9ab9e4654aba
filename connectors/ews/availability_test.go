package ews_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
)

func timesOnly(t testing.TB, s *ewstest.Server) *ews.Conn {
	t.Helper()
	cfg := config(s)
	cfg.Access = ews.FreeBusy
	return open(t, cfg)
}

// Without any right there are times, and not a word.
func TestFreeBusyRead(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	s.Grant(room1, ewstest.None)
	s.GrantImpersonation(false)
	c := timesOnly(t, s)
	if !c.Caps().Has(connectors.CapFreeBusyOnly|connectors.CapProbe) || c.Caps()&(connectors.CapBook|connectors.CapWatch) != 0 {
		t.Errorf("%b", c.Caps())
	}
	at := func(h int) time.Time { return nine(t).Add(time.Duration(h) * time.Hour) }
	s.Put(room1, ewstest.Event{Name: "a", Subject: "hidden", Organizer: "hidden", Start: at(0), End: at(1), Rule: "FREQ=DAILY;COUNT=40"})
	s.Put(room1, ewstest.Event{Name: "b", Subject: "hidden", Busy: "Tentative", Start: at(1), End: at(2)})
	s.Put(room1, ewstest.Event{Name: "c", Subject: "hidden", Busy: "Free", Start: at(2), End: at(3)})
	s.Put(room1, ewstest.Event{Name: "d", Subject: "hidden", Start: at(0), End: at(1)})
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: atRoom(t), Window: day()})
	must(t, err)
	if text := fmt.Sprintf("%+v", snap); strings.Contains(text, "hidden") {
		t.Error(text)
	}
	want := []string{"08:00-09:00", "08:00-09:00", "09:00-10:00 tentative", "10:00-11:00"}
	if got := texts(t, c, day()); !slices.Equal(got, want) || !snap.Events[3].Free {
		t.Errorf("got %v", got)
	}
	// Seven weeks are two requests; what touches both parts comes once.
	s.Calls()
	long := when.Interval{From: day().From, To: day().From.AddDate(0, 0, 49)}
	if got := texts(t, c, long); len(got) != 43 || ops(s) != "GetUserAvailability GetUserAvailability" {
		t.Errorf("%d times", len(got))
	}
	if r := c.Check(t.Context(), connectors.CheckRequest{Room: atRoom(t), Write: true}); !r.OK() || r.Access != connectors.AccessRead {
		t.Errorf("%+v", r)
	}
	_, err = c.Book(t.Context(), atRoom(t), draft(t))
	for _, err := range []error{err, c.Release(t.Context(), atRoom(t), snap.Events[0]), c.Mark(t.Context(), atRoom(t), snap.Events[0], time.Now()), watchOnce(t, c)} {
		if !errors.Is(err, connectors.Unsupported) {
			t.Errorf("got %v", err)
		}
	}
}

// Fifty rooms are one request, and each is changed or fails for itself.
func TestFreeBusyProbe(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	c := timesOnly(t, s)
	var asked []connectors.ProbeRequest
	for i := range c.BatchSize() {
		id := fmt.Sprintf("room%02d@rooms.test", i)
		if i != 7 {
			s.AddRoom(id, id, ewstest.None)
		}
		asked = append(asked, connectors.ProbeRequest{Room: connectors.Room{ID: id, Zone: zurich(t)}})
	}
	probe := func(want ...int) {
		t.Helper()
		var got []int
		for i, r := range c.ProbeMany(t.Context(), asked) {
			if i == 7 {
				if !errors.Is(r.Err, connectors.Gone) {
					t.Errorf("the missing room: %v", r.Err)
				}
				continue
			}
			must(t, r.Err)
			if r.Change.Changed {
				got = append(got, i)
			}
			asked[i].Cursor = r.Change.Next
		}
		if !slices.Equal(got, want) || ops(s) != "GetUserAvailability" {
			t.Errorf("changed: %v, want %v", got, want)
		}
	}
	var all []int
	for i := range asked {
		if i != 7 {
			all = append(all, i)
		}
	}
	probe(all...)
	probe()
	// What is no address is never sent, and fails alone.
	mixed := c.ProbeMany(t.Context(), []connectors.ProbeRequest{{Room: connectors.Room{ID: "Room 3", Zone: time.UTC}}, asked[3]})
	if !errors.Is(mixed[0].Err, connectors.Invalid) || mixed[1].Err != nil || mixed[1].Change.Changed || ops(s) != "GetUserAvailability" {
		t.Errorf("with a room that is no address: %+v", mixed)
	}
	if none := c.ProbeMany(t.Context(), []connectors.ProbeRequest{{Room: connectors.Room{ID: "Room 3", Zone: time.UTC}}}); !errors.Is(none[0].Err, connectors.Invalid) || ops(s) != "" {
		t.Errorf("only a room that is no address: %+v", none)
	}
	now := time.Now().Truncate(time.Minute)
	e := ewstest.Event{Name: "a", Start: now, End: now.Add(time.Hour)}
	s.Put(asked[3].Room.ID, e)
	s.Put(asked[49].Room.ID, e)
	probe(3, 49)
	e.End = now.Add(2 * time.Hour)
	s.Put(asked[3].Room.ID, e)
	probe(3)
	e.Busy = "Tentative"
	s.Put(asked[3].Room.ID, e)
	probe(3)
	e.Start, e.End = now.AddDate(0, 2, 0), now.AddDate(0, 2, 1) // far beyond the window
	s.Put(asked[5].Room.ID, e)
	probe()
	s.Delete(asked[49].Room.ID, "a")
	probe(49)
	// The whole answer can fail too; then each room has that error.
	s.Break(ewstest.Fault{Fault: "ErrorServerBusy", BackOff: time.Hour})
	for i, r := range c.ProbeMany(t.Context(), asked) {
		if !errors.Is(r.Err, connectors.Throttled) {
			t.Errorf("room %d: %v", i, r.Err)
		}
	}
}
