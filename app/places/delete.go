package places

import (
	"context"
	"errors"
	"slices"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
)

// Ref names one place: exactly one of its fields is set.
type Ref struct {
	Building  store.BuildingID
	Floor     store.FloorID
	Workspace store.WorkspaceID
}

// Going says what a deletion takes with it.
type Going struct {
	Name       string   // of the place itself
	Floors     []string // names, without the place itself
	Workspaces []string
	Bookings   int // that stand and have not ended
}

// Deleted is a place that was deleted and can be brought back.
type Deleted struct {
	Ref   Ref
	Name  string
	Place store.WorkspacePlace // of a workspace: where it was; of a floor: its building
	At    time.Time
	Until time.Time // Restore brings it back before this
	By    audit.Who
}

// found is a place that stands, with what is below it.
type found struct {
	going      Going
	building   store.BuildingID
	kind, id   string // for the audit
	workspaces []store.WorkspaceID
}

// look reads what a Ref names and everything below it.
func (s *Service) look(tx *store.Tx, by people.Actor, r Ref) (found, error) {
	var f found
	var below store.Gone
	switch {
	case r.Building != "":
		b, err := standingBuilding(tx, r.Building)
		if err != nil {
			return f, err
		}
		f.going.Name, f.building, f.kind, f.id = b.Name, b.ID, "building", string(b.ID)
		if below, err = tx.Below(b.ID, ""); err != nil {
			return f, err
		}
	case r.Floor != "":
		fl, err := standingFloor(tx, r.Floor)
		if err != nil {
			return f, err
		}
		f.going.Name, f.building, f.kind, f.id = fl.Name, fl.BuildingID, "floor", string(fl.ID)
		if below, err = tx.Below(fl.BuildingID, fl.ID); err != nil {
			return f, err
		}
	default:
		p, err := standingWorkspace(tx, r.Workspace)
		if err != nil {
			return f, err
		}
		f.going.Name, f.building, f.kind, f.id = p.Workspace.Name, p.Building.ID, "workspace", string(p.Workspace.ID)
		f.workspaces = append(f.workspaces, p.Workspace.ID)
	}
	for _, fl := range below.Floors {
		f.going.Floors = append(f.going.Floors, fl.Name)
	}
	for _, w := range below.Workspaces {
		f.going.Workspaces = append(f.going.Workspaces, w.Name)
		f.workspaces = append(f.workspaces, w.ID)
	}
	var err error
	if f.going.Bookings, err = tx.CountAhead(f.workspaces, tx.Now()); err != nil {
		return f, err
	}
	if r.Building != "" { // whoever may make buildings may delete them
		return f, by.Need(people.ManagePlaces, "")
	}
	return f, by.Need(people.ManagePlaces, f.building)
}

// Going tells what Delete would take with it.
func (s *Service) Going(ctx context.Context, by people.Actor, r Ref) (Going, error) {
	var f found
	err := s.view(ctx, "look at place", func(tx *store.Tx) (err error) {
		f, err = s.look(tx, by, r)
		return err
	})
	if err != nil {
		return Going{}, err
	}
	return f.going, nil
}

// Delete deletes a place with all that stands in it. Nothing is lost: Restore brings it back, with its
// bookings.
func (s *Service) Delete(ctx context.Context, by people.Actor, r Ref) (Going, error) {
	var f found
	err := s.update(ctx, "delete place", func(tx *store.Tx) (err error) {
		if f, err = s.look(tx, by, r); err != nil {
			return err
		}
		switch {
		case r.Building != "":
			err = tx.DeleteBuilding(r.Building)
		case r.Floor != "":
			err = tx.DeleteFloor(r.Floor)
		default:
			err = tx.DeleteWorkspace(r.Workspace)
		}
		if err != nil {
			return err
		}
		return audit.Record(tx, by, f.kind+".delete", f.kind, f.id, "workspaces", len(f.workspaces), "bookings", f.going.Bookings)
	})
	if err != nil {
		return Going{}, err
	}
	s.changed(f.workspaces)
	return f.going, nil
}

// Restore undoes Delete during UndoDays: the place comes back with what went with it. Problems: places.nothing_to_restore, places.name_taken when
// another one has its name by now, places.restore_above_first when what it stood in is still deleted.
func (s *Service) Restore(ctx context.Context, by people.Actor, r Ref) error {
	var f found
	err := s.update(ctx, "restore place", func(tx *store.Tx) (err error) {
		if gone, err := deletedAt(tx, r); err != nil {
			return err
		} else if !tx.Now().Before(until(gone)) {
			return problem.New(problem.NotFound, "places.nothing_to_restore")
		}
		switch {
		case r.Building != "":
			err = tx.UndeleteBuilding(r.Building)
		case r.Floor != "":
			err = tx.UndeleteFloor(r.Floor)
		default:
			err = tx.UndeleteWorkspace(r.Workspace)
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
			return problem.New(problem.NotFound, "places.nothing_to_restore")
		case errors.Is(err, store.ErrReference):
			return problem.New(problem.Conflict, "places.restore_above_first")
		case err != nil:
			return named(err)
		}
		if f, err = s.look(tx, by, r); err != nil { // the permission too: without it all of this is undone
			return err
		}
		return audit.Record(tx, by, f.kind+".restore", f.kind, f.id, "workspaces", len(f.workspaces))
	})
	if err != nil {
		return err
	}
	s.changed(f.workspaces)
	return nil
}

// until is when something that was deleted can't be brought back any more.
func until(gone time.Time) time.Time { return gone.AddDate(0, 0, store.UndoDays) }

// deletedAt returns when a place was deleted. A place that never was counts as one that was deleted long ago.
func deletedAt(tx *store.Tx, r Ref) (at time.Time, err error) {
	switch {
	case r.Building != "":
		var b store.Building
		b, err = tx.Building(r.Building)
		at = b.DeletedAt
	case r.Floor != "":
		var f store.Floor
		f, err = tx.Floor(r.Floor)
		at = f.DeletedAt
	default:
		var p store.WorkspacePlace
		p, err = tx.Workspace(r.Workspace)
		at = p.Workspace.DeletedAt
	}
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	return at, err
}

// Deleted lists what was deleted and what the actor may still restore, the newest deletion first in each group:
// buildings, then floors and workspaces of buildings that stand. What went with something above it is
// not listed by itself.
func (s *Service) Deleted(ctx context.Context, by people.Actor) ([]Deleted, error) {
	var all []Deleted
	err := s.view(ctx, "read deleted places", func(tx *store.Tx) error {
		if by.Can(people.ManagePlaces, "") {
			gone, err := tx.DeletedBuildings()
			if err != nil {
				return err
			}
			for _, b := range gone {
				all = append(all, Deleted{Ref: Ref{Building: b.ID}, Name: b.Name, At: b.DeletedAt})
			}
		}
		buildings, err := tx.Buildings()
		if err != nil {
			return err
		}
		for _, b := range buildings {
			if !by.Can(people.ManagePlaces, b.ID) {
				continue
			}
			more, err := deletedIn(tx, b)
			if err != nil {
				return err
			}
			all = append(all, more...)
		}
		all = slices.DeleteFunc(all, func(d Deleted) bool { return !tx.Now().Before(until(d.At)) })
		for i, d := range all {
			object := d.Ref.object()
			if all[i].By, err = audit.LastBy(tx, object, object.Kind+".delete"); err != nil {
				return err
			}
			all[i].Until = until(d.At)
		}
		return nil
	})
	return all, err
}

// object names a place as the audit log does.
func (r Ref) object() store.AuditObject {
	switch {
	case r.Building != "":
		return store.AuditObject{Kind: "building", ID: string(r.Building)}
	case r.Floor != "":
		return store.AuditObject{Kind: "floor", ID: string(r.Floor)}
	}
	return store.AuditObject{Kind: "workspace", ID: string(r.Workspace)}
}

func deletedIn(tx *store.Tx, b store.Building) ([]Deleted, error) {
	gone, err := tx.DeletedFloors(b.ID)
	if err != nil {
		return nil, err
	}
	var out []Deleted
	for _, f := range gone {
		out = append(out, Deleted{Ref: Ref{Floor: f.ID}, Name: f.Name, Place: store.WorkspacePlace{Floor: f, Building: b}, At: f.DeletedAt})
	}
	floors, err := tx.Floors(b.ID)
	if err != nil {
		return nil, err
	}
	for _, f := range floors {
		list, err := tx.DeletedWorkspaces(f.ID)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			out = append(out, Deleted{Ref: Ref{Workspace: p.Workspace.ID}, Name: p.Workspace.Name, Place: p, At: p.Workspace.DeletedAt})
		}
	}
	return out, nil
}
