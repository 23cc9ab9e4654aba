package bookings_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/store"
)

func TestFindFree(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	big := h.addRoom(h.floor, "Matterhorn", 20, "Screen", "Phone")
	locked := h.addRoom(h.floor, "Store", 30)
	h.setRoom(locked, func(w *store.Workspace) { w.Bookable = false })
	london, floor := h.addBuilding("London", "Europe/London")
	thames := h.addRoom(floor, "Thames", 8, "screen")
	h.book(h.anna, h.room, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	h.book(h.anna, big, local(t, "2026-11-23T11:00", "2026-11-23T12:00"))
	h.book(h.anna, thames, local(t, "2026-11-23T09:30", "2026-11-23T10:00"))
	slot := local(t, "2026-11-23T10:00", "2026-11-23T11:00")
	for _, c := range []struct {
		name string
		by   people.Actor
		q    bookings.Search
		want []store.WorkspaceID
	}{
		{"all, the smallest first", h.anna, bookings.Search{Times: slot}, []store.WorkspaceID{h.other, thames, big}},
		{"seats", h.anna, bookings.Search{Times: slot, Seats: 5}, []store.WorkspaceID{thames, big}},
		{"equipment", h.anna, bookings.Search{Times: slot, Equipment: []string{"screen"}}, []store.WorkspaceID{thames, big}},
		{"building", h.anna, bookings.Search{Times: slot, Building: london}, []store.WorkspaceID{thames}},
		{"kind", h.anna, bookings.Search{Times: slot, Kind: store.Desk}, nil},
		{"ten in London is eleven in Zurich", h.anna, bookings.Search{Times: local(t, "2026-11-23T09:00", "2026-11-23T10:00")}, []store.WorkspaceID{h.other, h.room, big}},
		{
			"only where one may book",
			people.Actor{Kind: people.KindAccount, Person: "x", Grants: []people.Grant{{Role: people.User, Building: london}}},
			bookings.Search{Times: slot},
			[]store.WorkspaceID{thames},
		},
		{"an auditor books nowhere", people.Actor{Kind: people.KindAccount, Grants: []people.Grant{{Role: people.Auditor}}}, bookings.Search{Times: slot}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := h.s.FindFree(ctx, c.by, c.q)
			var got []store.WorkspaceID
			for _, f := range found {
				got = append(got, f.Place.Workspace.ID)
			}
			if !slices.Equal(c.want, got) || err != nil {
				t.Errorf("%v, %v", cmp.Diff(c.want, got), err)
			}
		})
	}
	found, err := h.s.FindFree(ctx, h.anna, bookings.Search{Times: slot, Seats: 20})
	if err != nil || len(found) != 1 || !found[0].Until.Equal(wall(t, "2026-11-23T11:00").In(h.zone)) {
		t.Errorf("%+v, %v", found, err)
	}
	_, err = h.s.FindFree(ctx, h.anna, bookings.Search{Times: local(t, "2026-11-20T10:00", "2026-11-20T11:00")})
	wantProblem(t, err, "bookings.in_past")
}
