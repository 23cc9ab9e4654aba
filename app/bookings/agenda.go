package bookings

import (
	"context"
	"errors"
	"slices"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
)

// Agenda returns what takes a workspace within [from, to), as the viewer may see it, in order of start.
// Times are not clipped.
func (s *Service) Agenda(ctx context.Context, v Viewer, ws store.WorkspaceID, from, to time.Time) ([]Shown, error) {
	all, err := s.Agendas(ctx, v, []store.WorkspaceID{ws}, from, to)
	return all[ws], err
}

// Agendas is Agenda for many workspaces at once. Workspaces without a booking have no entry; those that
// do not stand or that the viewer may not see are problems.
func (s *Service) Agendas(ctx context.Context, v Viewer, ids []store.WorkspaceID, from, to time.Time) (map[store.WorkspaceID][]Shown, error) {
	out := map[store.WorkspaceID][]Shown{}
	if len(ids) == 0 {
		return out, nil
	}
	err := s.view(ctx, "read agendas", func(tx *store.Tx) error {
		places, err := placesOf(tx, v, ids)
		if err != nil {
			return err
		}
		list, err := tx.AgendaOf(ids, from, to)
		for _, b := range list {
			out[b.Workspace] = append(out[b.Workspace], Disclose(v, b, places[b.Workspace]))
		}
		return err
	})
	return out, err
}

// placesOf reads the workspaces that the viewer asks for.
func placesOf(tx *store.Tx, v Viewer, ids []store.WorkspaceID) (map[store.WorkspaceID]store.WorkspacePlace, error) {
	list, err := tx.Workspaces(store.WorkspaceFilter{IDs: ids})
	if err != nil {
		return nil, err
	}
	out := make(map[store.WorkspaceID]store.WorkspacePlace, len(list))
	for _, p := range list {
		if err := v.need(p); err != nil {
			return nil, err
		}
		out[p.Workspace.ID] = p
	}
	for _, id := range ids {
		if _, ok := out[id]; !ok {
			return nil, problem.New(problem.NotFound, "bookings.no_workspace")
		}
	}
	return out, nil
}

// need returns a Forbidden problem when the viewer may not see this place's agenda at all. A program sees what the door
// shows, but only where its key reaches.
func (v Viewer) need(p store.WorkspacePlace) error {
	if v.door && v.actor.Kind != people.KindToken {
		return nil
	}
	return v.actor.Need(people.SeeRooms, p.Building.ID)
}

// Booking returns one booking with its place, as the viewer may see it; cancelled ones too.
func (s *Service) Booking(ctx context.Context, v Viewer, id store.BookingID) (Shown, store.WorkspacePlace, error) {
	var shown Shown
	var p store.WorkspacePlace
	err := s.view(ctx, "read booking", func(tx *store.Tx) error {
		b, err := find(tx, id)
		if err != nil {
			return err
		}
		if p, err = tx.Workspace(b.Workspace); err != nil {
			return err
		}
		shown = Disclose(v, b, p)
		return v.need(p)
	})
	if err != nil {
		return Shown{}, store.WorkspacePlace{}, err
	}
	return shown, p, nil
}

// find reads one booking; a missing one is a problem.
func find(tx *store.Tx, id store.BookingID) (store.Booking, error) {
	b, err := tx.Booking(id)
	if errors.Is(err, store.ErrNotFound) {
		return b, problem.New(problem.NotFound, "bookings.no_booking")
	}
	return b, err
}

// OwnLimit bounds the list of somebody's own bookings.
const OwnLimit = 500

// Own is a booking of the viewer's own with where it is.
type Own struct {
	Booking Shown
	Place   store.WorkspacePlace
}

// Own returns what the actor organises or made and that ends after from, in order of start: at most
// OwnLimit. An actor that is no person has none.
func (s *Service) Own(ctx context.Context, by people.Actor, from time.Time) ([]Own, error) {
	var out []Own
	if by.Kind != people.KindAccount || by.Person == "" {
		return nil, nil
	}
	err := s.view(ctx, "read own bookings", func(tx *store.Tx) error {
		list, err := tx.BookingsOfPerson(by.Person, from, OwnLimit)
		if err != nil || len(list) == 0 {
			return err
		}
		var ids []store.WorkspaceID
		for _, b := range list {
			ids = append(ids, b.Workspace)
		}
		slices.Sort(ids)
		places, err := tx.Workspaces(store.WorkspaceFilter{IDs: slices.Compact(ids)})
		if err != nil {
			return err
		}
		at := map[store.WorkspaceID]store.WorkspacePlace{}
		for _, p := range places {
			at[p.Workspace.ID] = p
		}
		for _, b := range list {
			if p, ok := at[b.Workspace]; ok { // not in a workspace that was deleted
				out = append(out, Own{Disclose(By(by), b, p), p})
			}
		}
		return nil
	})
	return out, err
}
