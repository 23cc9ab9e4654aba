package bookings_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

// house is a store with a building, a floor, two rooms and some people, and the engine on it.
type house struct {
	tb   testing.TB
	st   *store.Store
	s    *bookings.Service
	zone *time.Location

	building    store.BuildingID
	floor       store.FloorID
	room, other store.WorkspaceID
	anna, beat  people.Actor // users
	chief       people.Actor // booking manager

	mu      sync.Mutex
	at      time.Time
	changes []store.WorkspaceID
}

// newHouse opens a house whose clock stands at a local time.
func newHouse(tb testing.TB, zone, at string) *house {
	tb.Helper()
	h := &house{tb: tb, at: time.Unix(0, 0)}
	h.st = storetest.Open(tb, h.now)
	h.s = bookings.New(h.st, h.now, h.changed)
	h.zone = loadZone(tb, zone)
	h.at = wall(tb, at).In(h.zone)
	h.building, h.floor = h.addBuilding("Main house", zone)
	h.room, h.other = h.addRoom(h.floor, "Rigi", 8), h.addRoom(h.floor, "Säntis", 4)
	h.anna = h.account("Anna Keller", "anna@example.org", people.User)
	h.beat = h.account("Beat Meier", "beat@example.org", people.User)
	h.chief = h.account("Carla Rossi", "carla@example.org", people.BookingManager)
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) setNow(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = t
}

func (h *house) changed(id store.WorkspaceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes = append(h.changes, id)
}

// told returns the workspaces that were told of since the last call.
func (h *house) told() []store.WorkspaceID {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.changes
	h.changes = nil
	return c
}

func (h *house) update(f func(*store.Tx) error) {
	h.tb.Helper()
	if err := h.st.Update(context.Background(), f); err != nil {
		h.tb.Fatal(err)
	}
}

func (h *house) addBuilding(name, zone string) (store.BuildingID, store.FloorID) {
	h.tb.Helper()
	b, f := store.NewID[store.BuildingID](), store.NewID[store.FloorID]()
	h.update(func(tx *store.Tx) error {
		return errors.Join(tx.InsertBuilding(store.Building{
			ID: b, Name: name, Zone: zone, Language: "en", WorkingDays: store.MondayToFriday, HostedRetention: store.RetainMidnight,
		}), tx.InsertFloor(store.Floor{ID: f, BuildingID: b, Name: "Ground"}))
	})
	return b, f
}

func (h *house) addRoom(f store.FloorID, name string, seats int, equipment ...string) store.WorkspaceID {
	h.tb.Helper()
	id := store.NewID[store.WorkspaceID]()
	h.update(func(tx *store.Tx) error {
		return tx.InsertWorkspace(store.Workspace{
			ID: id, FloorID: f, Kind: store.Room, Name: name, Seats: seats, Equipment: equipment, ShowSubject: true, ShowOrganizer: true, Bookable: true,
		})
	})
	return id
}

// setRoom changes a room.
func (h *house) setRoom(id store.WorkspaceID, change func(*store.Workspace)) {
	h.tb.Helper()
	h.update(func(tx *store.Tx) error {
		p, err := tx.Workspace(id)
		change(&p.Workspace)
		return errors.Join(err, tx.UpdateWorkspace(p.Workspace))
	})
}

func (h *house) account(name, email string, role people.Role) people.Actor {
	h.tb.Helper()
	a := people.Actor{Kind: people.KindAccount, Account: store.NewID[store.AccountID](), Grants: []people.Grant{{Role: role}}}
	h.update(func(tx *store.Tx) (err error) {
		a.Person, err = tx.FindOrCreatePerson(name, email)
		return err
	})
	return a
}

// book books a room or fails the test.
func (h *house) book(by people.Actor, room store.WorkspaceID, times bookings.Times) bookings.Shown {
	h.tb.Helper()
	b, err := h.s.Create(context.Background(), by, bookings.Request{Workspace: room, Times: times, Subject: "Planning", Source: store.FromPortal})
	if err != nil {
		h.tb.Fatalf("book: %v", err)
	}
	return b
}

// local is from one local time up to another.
func local(tb testing.TB, from, to string) bookings.Times {
	tb.Helper()
	return bookings.Local(wall(tb, from), wall(tb, to))
}

func wall(tb testing.TB, s string) when.Wall {
	tb.Helper()
	w, err := when.ParseWall(s)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func date(tb testing.TB, s string) when.Date {
	tb.Helper()
	d, err := when.ParseDate(s)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func loadZone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	z, err := when.LoadZone(name)
	if err != nil {
		tb.Fatal(err)
	}
	return z
}

// wantProblem fails unless err is a problem with this key.
func wantProblem(tb testing.TB, err error, key string) {
	tb.Helper()
	if p := problem.Of(err); p == nil || p.Key != key {
		tb.Errorf("got %v, want the problem %s", err, key)
	}
}

// overlapping returns two bookings of the store that stand and overlap, nil when there are none.
func overlapping(list []store.Booking) []store.Booking {
	for i, a := range list {
		for _, b := range list[i+1:] {
			if a.Workspace == b.Workspace && !a.Cancelled() && !b.Cancelled() && a.Span().Overlaps(b.Span()) {
				return []store.Booking{a, b}
			}
		}
	}
	return nil
}

// agenda reads what stands in a room, all of it.
func (h *house) agenda(rooms ...store.WorkspaceID) []store.Booking {
	h.tb.Helper()
	var list []store.Booking
	if err := h.st.View(context.Background(), func(tx *store.Tx) (err error) {
		list, err = tx.AgendaOf(rooms, time.Unix(0, 0), time.Unix(1<<33, 0))
		return err
	}); err != nil {
		h.tb.Fatal(err)
	}
	return list
}
