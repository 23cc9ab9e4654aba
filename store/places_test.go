package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

func TestPlacesRoundTrip(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	b := store.Building{
		ID: "b1", Name: "Bahnhofstrasse", Street: "Bahnhofstrasse 1", Postcode: "8001", City: "Zürich", Country: "CH", Zone: "Europe/Zurich",
		Language: "de", WorkingDays: store.WeekdaysOf(time.Monday, time.Sunday), HostedRetention: store.RetainMonths3,
	}
	f := store.Floor{ID: "f1", BuildingID: "b1", Name: "2. Stock", Level: 2}
	w := store.Workspace{
		ID: "w1", FloorID: "f1", Kind: store.Huddle, Name: "Säntis", Seats: 4, Equipment: []string{"Screen", "Whiteboard"},
		ShowSubject: true, Bookable: true,
	}
	spans := []store.OpeningSpan{
		{Weekday: time.Monday, Opens: 480, Closes: 720},
		{Weekday: time.Monday, Opens: 780, Closes: 1440},
		{Weekday: time.Sunday},
		{ValidFrom: when.Date{Year: 2026, Month: 12, Day: 24}, ValidTo: when.Date{Year: 2026, Month: 12, Day: 31}, Weekday: time.Friday, Opens: 540, Closes: 600},
	}
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.SetOrganisation(store.Organisation{Name: "Muster AG", Language: "de"}),
			tx.InsertBuilding(b), tx.SetOpeningHours("b1", spans), tx.InsertFloor(f), tx.InsertWorkspace(w))
	})
	b.CreatedAt, f.CreatedAt, w.CreatedAt = now().UTC(), now().UTC(), now().UTC()
	want := store.WorkspacePlace{Workspace: w, Floor: f, Building: b}
	look(t, s, func(tx *store.Tx) error {
		got, err := tx.Workspace("w1")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("workspace:\n%s", diff)
		}
		list, err2 := tx.Workspaces(store.WorkspaceFilter{})
		if diff := cmp.Diff([]store.WorkspacePlace{want}, list); diff != "" {
			t.Errorf("list:\n%s", diff)
		}
		hours, err3 := tx.OpeningHours("b1")
		if diff := cmp.Diff(spans, hours); diff != "" {
			t.Errorf("hours:\n%s", diff)
		}
		o, err4 := tx.Organisation()
		if o.Name != "Muster AG" || !o.CreatedAt.Equal(now()) {
			t.Errorf("organisation: %+v", o)
		}
		return errors.Join(err, err2, err3, err4)
	})
	b.Name, b.Zone, b.HostedRetention = "Bahnhofplatz", "Europe/Berlin", store.RetainMidnight
	f.Name, f.Level = "3. Stock", 3
	w.Kind, w.Name, w.Equipment, w.ShowOrganizer, w.Bookable = store.Room, "Rigi", nil, true, false
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.UpdateBuilding(b), tx.UpdateFloor(f), tx.UpdateWorkspace(w))
	})
	want = store.WorkspacePlace{Workspace: w, Floor: f, Building: b}
	look(t, s, func(tx *store.Tx) error {
		got, err := tx.Workspace("w1")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after the change:\n%s", diff)
		}
		return err
	})
}

func TestWorkspaceFilter(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	b1, f1 := makeBuilding(t, s, "UTC")
	b2, f2 := makeBuilding(t, s, "UTC")
	add := func(id store.WorkspaceID, f store.FloorID, kind store.WorkspaceKind, seats int, bookable bool, equipment ...string) {
		update(t, s, func(tx *store.Tx) error {
			return tx.InsertWorkspace(store.Workspace{ID: id, FloorID: f, Kind: kind, Name: string(id), Seats: seats, Equipment: equipment, Bookable: bookable})
		})
	}
	add("a", f1, store.Room, 4, true, "Screen", "Phone")
	add("b", f1, store.Room, 12, true, "screen")
	add("c", f1, store.Desk, 1, true)
	add("d", f2, store.Room, 8, false, "Phone")
	add("e", f2, store.Room, 8, true)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteWorkspace("e") })
	for name, c := range map[string]struct {
		f    store.WorkspaceFilter
		want string
	}{
		"all":       {store.WorkspaceFilter{}, "abcd"},
		"building":  {store.WorkspaceFilter{Building: b2}, "d"},
		"floor":     {store.WorkspaceFilter{Building: b1, Floor: f1}, "abc"},
		"kind":      {store.WorkspaceFilter{Kind: store.Desk}, "c"},
		"seats":     {store.WorkspaceFilter{MinSeats: 8}, "bd"},
		"equipment": {store.WorkspaceFilter{Equipment: []string{"SCREEN"}}, "ab"},
		"both":      {store.WorkspaceFilter{Equipment: []string{"phone", "screen"}}, "a"},
		"bookable":  {store.WorkspaceFilter{Bookable: true, MinSeats: 5}, "b"},
		"ids":       {store.WorkspaceFilter{IDs: []store.WorkspaceID{"c", "d", "e", "x"}}, "cd"},
		"no ids":    {store.WorkspaceFilter{IDs: []store.WorkspaceID{}}, ""},
	} {
		look(t, s, func(tx *store.Tx) error {
			list, err := tx.Workspaces(c.f)
			got := map[store.WorkspaceID]bool{}
			for _, p := range list {
				got[p.Workspace.ID] = true
			}
			want := map[store.WorkspaceID]bool{}
			for _, r := range c.want {
				want[store.WorkspaceID(r)] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
			return err
		})
	}
	look(t, s, func(tx *store.Tx) error {
		got, err := tx.Equipment()
		if diff := cmp.Diff([]string{"Phone", "Screen"}, got); diff != "" {
			t.Errorf("equipment:\n%s", diff)
		}
		return err
	})
}

// What goes with a building comes back with it; what was deleted before stays deleted.
func TestDeletionsComeBackTogether(t *testing.T) {
	t.Parallel()
	at := now()
	s := storetest.Open(t, func() time.Time { return at })
	b, f1 := makeBuilding(t, s, "UTC")
	f2 := store.FloorID("second")
	update(t, s, func(tx *store.Tx) error {
		return tx.InsertFloor(store.Floor{ID: f2, BuildingID: b, Name: "Second", Level: 1})
	})
	a, c, d := makeRoom(t, s, f1, "A"), makeRoom(t, s, f1, "C"), makeRoom(t, s, f2, "D")
	standing := func(want ...store.WorkspaceID) {
		t.Helper()
		look(t, s, func(tx *store.Tx) error {
			list, err := tx.Workspaces(store.WorkspaceFilter{})
			got := map[store.WorkspaceID]bool{}
			for _, p := range list {
				got[p.Workspace.ID] = true
			}
			for _, id := range want {
				if !got[id] {
					t.Errorf("%s does not stand", id)
				}
				delete(got, id)
			}
			if len(got) > 0 {
				t.Errorf("%v stands too", got)
			}
			return err
		})
	}
	steps := []struct {
		name string
		do   func(*store.Tx) error
		want []store.WorkspaceID
		err  error
	}{
		{"delete C", func(tx *store.Tx) error { return tx.DeleteWorkspace(c) }, []store.WorkspaceID{a, d}, nil},
		{"delete C again", func(tx *store.Tx) error { return tx.DeleteWorkspace(c) }, []store.WorkspaceID{a, d}, store.ErrNotFound},
		{"delete the second floor", func(tx *store.Tx) error { return tx.DeleteFloor(f2) }, []store.WorkspaceID{a}, nil},
		{"D without its floor", func(tx *store.Tx) error { return tx.UndeleteWorkspace(d) }, []store.WorkspaceID{a}, store.ErrReference},
		{"delete the building", func(tx *store.Tx) error { return tx.DeleteBuilding(b) }, nil, nil},
		{"the second floor without its building", func(tx *store.Tx) error { return tx.UndeleteFloor(f2) }, nil, store.ErrReference},
		{"bring back the building", func(tx *store.Tx) error { return tx.UndeleteBuilding(b) }, []store.WorkspaceID{a}, nil},
		{"bring back the second floor", func(tx *store.Tx) error { return tx.UndeleteFloor(f2) }, []store.WorkspaceID{a, d}, nil},
		{"bring back C", func(tx *store.Tx) error { return tx.UndeleteWorkspace(c) }, []store.WorkspaceID{a, c, d}, nil},
		{"bring back C again", func(tx *store.Tx) error { return tx.UndeleteWorkspace(c) }, []store.WorkspaceID{a, c, d}, store.ErrNotFound},
	}
	for _, st := range steps {
		at = at.Add(time.Second)
		if err := s.Update(context.Background(), st.do); !errors.Is(err, st.err) {
			t.Errorf("%s: %v, want %v", st.name, err, st.err)
		}
		standing(st.want...)
	}
}

// A name is free again once its place was deleted; then the deletion can't be undone as long as it is taken.
func TestNamesAmongStandingPlaces(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	_, f := makeBuilding(t, s, "UTC")
	first := makeRoom(t, s, f, "A")
	add := func(tx *store.Tx) error {
		return tx.InsertWorkspace(store.Workspace{ID: store.NewID[store.WorkspaceID](), FloorID: f, Kind: store.Room, Name: "A"})
	}
	ctx := context.Background()
	if err := s.Update(ctx, add); !errors.Is(err, store.ErrDuplicate) {
		t.Errorf("the same name twice: %v", err)
	}
	update(t, s, func(tx *store.Tx) error { return tx.DeleteWorkspace(first) })
	update(t, s, add)
	if err := s.Update(ctx, func(tx *store.Tx) error { return tx.UndeleteWorkspace(first) }); !errors.Is(err, store.ErrDuplicate) {
		t.Errorf("undoing into a taken name: %v", err)
	}
}
