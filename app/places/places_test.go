package places_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/people"
	"lintel/app/places"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

var admin = people.Setup("test")

// manager manages the places of one building.
func manager(b store.BuildingID) people.Actor {
	return people.Actor{Kind: people.KindAccount, Person: "", Grants: []people.Grant{{Role: people.WorkspaceManager, Building: b}}}
}

// user may look only.
func user() people.Actor {
	return people.Actor{Kind: people.KindAccount, Grants: []people.Grant{{Role: people.User}}}
}

type house struct {
	t       *testing.T
	at      time.Time
	st      *store.Store
	s       *places.Service
	changed []store.WorkspaceID
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, at: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	h.st = storetest.Open(t, func() time.Time { return h.at })
	h.s = places.New(h.st, func() time.Time { return h.at }, func(ids []store.WorkspaceID) { h.changed = append(h.changed, ids...) })
	return h
}

func (h *house) building(name string) store.BuildingID {
	h.t.Helper()
	id, err := h.s.CreateBuilding(context.Background(), admin, store.Building{Name: name, Zone: "Europe/Zurich", Language: "de"})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) floor(b store.BuildingID, name string, level int) store.FloorID {
	h.t.Helper()
	id, err := h.s.CreateFloor(context.Background(), admin, store.Floor{BuildingID: b, Name: name, Level: level})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) room(f store.FloorID, name string) store.WorkspaceID {
	h.t.Helper()
	id, err := h.s.CreateWorkspace(context.Background(), admin, store.Workspace{FloorID: f, Kind: store.Room, Name: name, Seats: 6, Bookable: true})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// blames fails unless err is a problem that blames exactly these fields.
func blames(t *testing.T, err error, fields ...string) {
	t.Helper()
	p := problem.Of(err)
	if p == nil {
		t.Errorf("got %v, want a problem of %v", err, fields)
		return
	}
	got, want := map[string]bool{}, map[string]bool{}
	for f := range p.Fields {
		got[f] = true
	}
	for _, f := range fields {
		want[f] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%v blames other fields:\n%s", err, diff)
	}
}

func wantProblem(t *testing.T, err error, key string) {
	t.Helper()
	if p := problem.Of(err); p == nil || p.Key != key {
		t.Errorf("got %v, want the problem %s", err, key)
	}
}

func TestValidation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	_, err := h.s.CreateBuilding(ctx, admin, store.Building{Name: " \t", Zone: "Local", Language: "deutsch", WorkingDays: 128, HostedRetention: "for ever", Postcode: strings.Repeat("1", 21)})
	blames(t, err, "name", "zone", "language", "working_days", "hosted_retention", "postcode")
	for _, zone := range []string{"", "Local", "Europe/Zürich", "../etc/passwd"} {
		_, err := h.s.CreateBuilding(ctx, admin, store.Building{Name: "A", Zone: zone, Language: "de"})
		blames(t, err, "zone")
	}
	b := h.building("  Main\x00 house \n")
	if got, err := h.s.Building(ctx, user(), b); err != nil || got.Name != "Main  house" || got.WorkingDays != store.MondayToFriday || got.HostedRetention != store.RetainMidnight {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = h.s.CreateBuilding(ctx, admin, store.Building{Name: "Main  house", Zone: "UTC", Language: "de"})
	blames(t, err, "name")
	_, err = h.s.CreateFloor(ctx, admin, store.Floor{BuildingID: b, Level: 501})
	blames(t, err, "name", "level")
	_, err = h.s.CreateFloor(ctx, admin, store.Floor{BuildingID: "nothing", Name: "x"})
	wantProblem(t, err, "places.no_building")
	f := h.floor(b, "Ground", 0)
	_, err = h.s.CreateWorkspace(ctx, admin, store.Workspace{FloorID: f, Kind: "hall", Seats: -1, Equipment: []string{strings.Repeat("x", 41)}})
	blames(t, err, "name", "kind", "seats", "equipment")
	_, err = h.s.CreateWorkspace(ctx, admin, store.Workspace{FloorID: f, Kind: store.Room, Name: "A", Equipment: strings.Split(strings.Repeat("a,", 21)+"b", ",")})
	if err != nil {
		t.Errorf("repeated words count once: %v", err)
	}
	h.room(f, "Rigi")
	_, err = h.s.CreateWorkspace(ctx, admin, store.Workspace{FloorID: f, Kind: store.Desk, Name: "Rigi"})
	blames(t, err, "name")
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	b, c := h.building("B"), h.building("C")
	f := h.floor(b, "Ground", 0)
	w := h.room(f, "Rigi")
	hers, other := manager(b), manager(c)
	for name, do := range map[string]func(people.Actor) error{
		"change building": func(a people.Actor) error {
			_, err := h.s.ChangeBuilding(ctx, a, store.Building{ID: b, Name: "B", Zone: "UTC", Language: "de", HostedRetention: store.RetainMidnight})
			return err
		},
		"hours":        func(a people.Actor) error { return h.s.SetOpeningHours(ctx, a, b, nil) },
		"change floor": func(a people.Actor) error { return h.s.ChangeFloor(ctx, a, store.Floor{ID: f, Name: "Ground"}) },
		"create floor": func(a people.Actor) error {
			_, err := h.s.CreateFloor(ctx, a, store.Floor{BuildingID: b, Name: "New " + store.NewID[string]()})
			return err
		},
		"create workspace": func(a people.Actor) error {
			_, err := h.s.CreateWorkspace(ctx, a, store.Workspace{FloorID: f, Kind: store.Room, Name: "New " + store.NewID[string]()})
			return err
		},
		"change workspace": func(a people.Actor) error {
			return h.s.ChangeWorkspace(ctx, a, store.Workspace{ID: w, FloorID: f, Kind: store.Room, Name: "Rigi"})
		},
		"look at a deletion": func(a people.Actor) error {
			_, err := h.s.Going(ctx, a, places.Ref{Workspace: w})
			return err
		},
		"delete and restore": func(a people.Actor) error {
			_, err := h.s.Delete(ctx, a, places.Ref{Workspace: w})
			if err != nil {
				return err
			}
			return h.s.Restore(ctx, a, places.Ref{Workspace: w})
		},
	} {
		for _, a := range []people.Actor{user(), other, {}} {
			wantProblem(t, do(a), "people.forbidden")
		}
		if err := do(hers); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, do := range map[string]func(people.Actor) error{
		"create building": func(a people.Actor) error {
			_, err := h.s.CreateBuilding(ctx, a, store.Building{Name: "D", Zone: "UTC", Language: "de"})
			return err
		},
		"delete building": func(a people.Actor) error { _, err := h.s.Delete(ctx, a, places.Ref{Building: b}); return err },
		"organisation": func(a people.Actor) error {
			return h.s.SetOrganisation(ctx, a, store.Organisation{Name: "X", Language: "de"})
		},
	} {
		if wantProblem(t, do(hers), "people.forbidden"); t.Failed() {
			t.Errorf("%s with a role for one building", name)
		}
	}
	if err := h.s.SetOrganisation(ctx, admin, store.Organisation{Name: "Muster AG", Language: "DE"}); err != nil {
		t.Error(err)
	}
	if o, err := h.s.Organisation(ctx); err != nil || o.Name != "Muster AG" || o.Language != "de" {
		t.Errorf("%+v, %v", o, err)
	}
	// Nobody without the right to restore brings anything back, and a try changes nothing.
	if _, err := h.s.Delete(ctx, hers, places.Ref{Workspace: w}); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, h.s.Restore(ctx, other, places.Ref{Workspace: w}), "people.forbidden")
	_, err := h.s.Workspace(ctx, user(), w)
	wantProblem(t, err, "places.no_workspace")
}

func TestDeleteNamesWhatGoes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	b := h.building("Main house")
	f, g := h.floor(b, "Ground", 0), h.floor(b, "First", 1)
	rigi, saentis := h.room(f, "Rigi"), h.room(g, "Säntis")
	if err := h.st.Update(ctx, func(tx *store.Tx) error {
		for _, hours := range []int{-3, 1, 2} {
			from := h.at.Add(time.Duration(hours) * time.Hour)
			if err := tx.InsertBooking(store.Booking{
				ID: store.NewID[store.BookingID](), Workspace: rigi, Hosted: true, From: from, To: from.Add(time.Hour),
				FromWall: when.WallOf(from, time.UTC), ToWall: when.WallOf(from.Add(time.Hour), time.UTC), Zone: "UTC", Source: store.FromPortal,
			}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h.changed = nil
	for _, c := range []struct {
		ref  places.Ref
		want places.Going
	}{
		{places.Ref{Workspace: rigi}, places.Going{Name: "Rigi", Bookings: 2}},
		{places.Ref{Floor: g}, places.Going{Name: "First", Workspaces: []string{"Säntis"}}},
		{places.Ref{Building: b}, places.Going{Name: "Main house", Floors: []string{"Ground", "First"}, Workspaces: []string{"Rigi", "Säntis"}, Bookings: 2}},
	} {
		before, err := h.s.Going(ctx, admin, c.ref)
		if diff := cmp.Diff(c.want, before); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		did, err := h.s.Delete(ctx, admin, c.ref)
		if diff := cmp.Diff(c.want, did); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		_, err = h.s.Delete(ctx, admin, c.ref)
		if !problem.Has(err, problem.NotFound) {
			t.Errorf("once more: %v", err)
		}
		gone, err := h.s.Deleted(ctx, admin)
		if err != nil || len(gone) != 1 || gone[0].Ref != c.ref || gone[0].Name != c.want.Name {
			t.Errorf("%+v, %v", gone, err)
		}
		if err := h.s.Restore(ctx, admin, c.ref); err != nil {
			t.Error(err)
		}
		wantProblem(t, h.s.Restore(ctx, admin, c.ref), "places.nothing_to_restore")
		h.at = h.at.Add(time.Second)
	}
	if want := []store.WorkspaceID{rigi, rigi, saentis, saentis, rigi, saentis, rigi, saentis}; !cmp.Equal(want, h.changed) {
		t.Errorf("told of %v", h.changed)
	}
	trees, err := h.s.Trees(ctx, user())
	if err != nil || len(trees) != 1 || len(trees[0].Floors) != 2 || len(trees[0].Workspaces) != 2 {
		t.Errorf("%+v, %v", trees, err)
	}
	if _, err := h.s.Delete(ctx, admin, places.Ref{Building: b}); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, h.s.Restore(ctx, admin, places.Ref{Workspace: rigi}), "places.restore_above_first")
	h.building("Main house")
	wantProblem(t, h.s.Restore(ctx, admin, places.Ref{Building: b}), "places.name_taken")
}

// A new zone derives the bookings anew in the same transaction: when that fails, the zone stays.
func TestZoneChange(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	b := h.building("B")
	w := h.room(h.floor(b, "Ground", 0), "Rigi")
	h.changed = nil
	asked := 0
	boom := errors.New("boom")
	h.s.Rederive = func(tx *store.Tx, _ people.Actor, id store.BuildingID) (int, error) {
		asked++
		got, err := tx.Building(id)
		if got.Zone != "Europe/London" {
			t.Errorf("asked while the zone is %s", got.Zone)
		}
		if asked == 1 {
			err = boom
		}
		return 3, err
	}
	change := store.Building{ID: b, Name: "B", Zone: "Europe/London", Language: "en", HostedRetention: store.RetainMonths3}
	if _, err := h.s.ChangeBuilding(ctx, admin, change); !errors.Is(err, boom) || len(h.changed) > 0 {
		t.Errorf("%v, told %v", err, h.changed)
	}
	if got, _ := h.s.Building(ctx, admin, b); got.Zone != "Europe/Zurich" {
		t.Errorf("the zone is %s", got.Zone)
	}
	if lost, err := h.s.ChangeBuilding(ctx, admin, change); lost != 3 || err != nil || len(h.changed) != 1 || h.changed[0] != w {
		t.Errorf("%d, %v, told %v", lost, err, h.changed)
	}
	change.Name = "B2"
	if lost, err := h.s.ChangeBuilding(ctx, admin, change); lost != 0 || err != nil || asked != 2 {
		t.Errorf("the same zone: %d, %v, asked %d times", lost, err, asked)
	}
}

func TestMoveToAnotherFloor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	b, c := h.building("B"), h.building("C")
	f, g, far := h.floor(b, "Ground", 0), h.floor(b, "First", 1), h.floor(c, "Ground", 0)
	w := h.room(f, "Rigi")
	change := store.Workspace{ID: w, FloorID: far, Kind: store.Room, Name: "Rigi"}
	blames(t, h.s.ChangeWorkspace(ctx, admin, change), "floor")
	change.FloorID = g
	if err := h.s.ChangeWorkspace(ctx, admin, change); err != nil {
		t.Error(err)
	}
	if p, err := h.s.Workspace(ctx, user(), w); err != nil || p.Floor.ID != g {
		t.Errorf("%+v, %v", p, err)
	}
	list, err := h.s.Workspaces(ctx, manager(c), store.WorkspaceFilter{})
	if err != nil || len(list) != 0 {
		t.Errorf("somebody of another building sees %v, %v", list, err)
	}
}
