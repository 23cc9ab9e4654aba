package places

import (
	"context"
	"slices"
	"strings"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/store"
)

// Bounds of a workspace's fields.
const (
	SeatsMax         = 10_000
	EquipmentMax     = 20 // words
	EquipmentWordMax = 40 // characters
)

// CreateWorkspace makes a workspace on a floor; its ID is set here.
func (s *Service) CreateWorkspace(ctx context.Context, by people.Actor, w store.Workspace) (store.WorkspaceID, error) {
	if err := checkWorkspace(&w); err != nil {
		return "", err
	}
	w.ID = store.NewID[store.WorkspaceID]()
	err := s.update(ctx, "create workspace", func(tx *store.Tx) error {
		if _, err := managedFloor(tx, by, w.FloorID); err != nil {
			return err
		}
		if err := named(tx.InsertWorkspace(w)); err != nil {
			return err
		}
		return audit.Record(tx, by, "workspace.create", "workspace", string(w.ID), "floor", string(w.FloorID))
	})
	if err != nil {
		return "", err
	}
	s.changed([]store.WorkspaceID{w.ID})
	return w.ID, nil
}

// ChangeWorkspace writes all fields of a workspace that stands. It may go to another floor of the same
// building; its bookings stay with it.
func (s *Service) ChangeWorkspace(ctx context.Context, by people.Actor, w store.Workspace) error {
	if err := checkWorkspace(&w); err != nil {
		return err
	}
	err := s.update(ctx, "change workspace", func(tx *store.Tx) error {
		old, err := standingWorkspace(tx, w.ID)
		if err != nil {
			return err
		}
		if err := by.Need(people.ManagePlaces, old.Building.ID); err != nil {
			return err
		}
		floor, err := managedFloor(tx, by, w.FloorID)
		if err != nil {
			return err
		}
		if floor.BuildingID != old.Building.ID { // another zone would move its bookings
			var f fields
			f.bad("floor", "places.other_building")
			return f.err()
		}
		if err := named(tx.UpdateWorkspace(w)); err != nil {
			return err
		}
		return audit.Record(tx, by, "workspace.change", "workspace", string(w.ID),
			"show_subject", w.ShowSubject, "show_organizer", w.ShowOrganizer, "bookable", w.Bookable)
	})
	if err == nil {
		s.changed([]store.WorkspaceID{w.ID})
	}
	return err
}

// checkWorkspace trims a workspace's fields and tells what is wrong with them.
func checkWorkspace(w *store.Workspace) error {
	var f fields
	f.workspace(w)
	return f.err()
}

func (f *fields) workspace(w *store.Workspace) {
	f.line("name", &w.Name, NameMax, true)
	if !slices.Contains(store.WorkspaceKinds(), w.Kind) {
		f.bad("kind", "places.bad_kind")
	}
	if w.Seats < 0 || w.Seats > SeatsMax {
		f.bad("seats", "places.bad_seats", "Most", SeatsMax)
	}
	w.Equipment = f.equipment(w.Equipment)
}

// equipment trims the words, drops empty and repeated ones, and blames too many or too long ones.
func (f *fields) equipment(words []string) []string {
	var out []string
	for _, word := range words {
		for part := range strings.SplitSeq(oneLine(word), ",") { // a comma separates words on disk
			part = strings.TrimSpace(part)
			known := slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, part) })
			if part == "" || known {
				continue
			}
			if len([]rune(part)) > EquipmentWordMax {
				f.bad("equipment", "places.too_many_characters", "Count", EquipmentWordMax)
			}
			out = append(out, part)
		}
	}
	if len(out) > EquipmentMax {
		f.bad("equipment", "places.too_much_equipment", "Count", EquipmentMax)
	}
	return out
}

// managedFloor reads a floor that stands and in whose building the actor manages places.
func managedFloor(tx *store.Tx, by people.Actor, id store.FloorID) (store.Floor, error) {
	f, err := standingFloor(tx, id)
	if err != nil {
		return f, err
	}
	return f, by.Need(people.ManagePlaces, f.BuildingID)
}

func standingWorkspace(tx *store.Tx, id store.WorkspaceID) (store.WorkspacePlace, error) {
	p, err := tx.Workspace(id)
	if err == nil && !p.Workspace.DeletedAt.IsZero() {
		err = store.ErrNotFound
	}
	return p, missing(err, "places.no_workspace")
}
