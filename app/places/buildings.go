package places

import (
	"context"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

// Building returns one building that stands.
func (s *Service) Building(ctx context.Context, by people.Actor, id store.BuildingID) (store.Building, error) {
	var b store.Building
	err := s.view(ctx, "read building", func(tx *store.Tx) (err error) {
		if b, err = standingBuilding(tx, id); err != nil {
			return err
		}
		return by.Need(people.SeeRooms, id)
	})
	if err != nil {
		return store.Building{}, err
	}
	return b, nil
}

// CreateBuilding makes a building; its ID and times are set here. A building without working days or
// retention gets Monday to Friday and midnight.
func (s *Service) CreateBuilding(ctx context.Context, by people.Actor, b store.Building) (store.BuildingID, error) {
	if err := by.Need(people.ManagePlaces, ""); err != nil {
		return "", err
	}
	if b.WorkingDays == 0 {
		b.WorkingDays = store.MondayToFriday
	}
	if b.HostedRetention == "" {
		b.HostedRetention = store.RetainMidnight
	}
	if err := checkBuilding(&b); err != nil {
		return "", err
	}
	b.ID = store.NewID[store.BuildingID]()
	err := s.update(ctx, "create building", func(tx *store.Tx) error {
		if err := named(tx.InsertBuilding(b)); err != nil {
			return err
		}
		return audit.Record(tx, by, "building.create", "building", string(b.ID))
	})
	if err != nil {
		return "", err
	}
	s.tell(nil)
	return b.ID, nil
}

// ChangeBuilding writes all fields of a building that stands. A new zone moves its hosted bookings that
// are still to come, so that they keep their local times; lost says how many had no room any more and were
// cancelled.
func (s *Service) ChangeBuilding(ctx context.Context, by people.Actor, b store.Building) (lost int, err error) {
	if err := by.Need(people.ManagePlaces, b.ID); err != nil {
		return 0, err
	}
	if err := checkBuilding(&b); err != nil {
		return 0, err
	}
	var touched []store.WorkspacePlace
	err = s.update(ctx, "change building", func(tx *store.Tx) error {
		old, err := standingBuilding(tx, b.ID)
		if err != nil {
			return err
		}
		if err := named(tx.UpdateBuilding(b)); err != nil {
			return err
		}
		if old.Zone != b.Zone && s.Rederive != nil {
			if lost, err = s.Rederive(tx, by, b.ID); err != nil {
				return err
			}
		}
		if touched, err = tx.Workspaces(store.WorkspaceFilter{Building: b.ID}); err != nil {
			return err
		}
		return audit.Record(tx, by, "building.change", "building", string(b.ID), "zone", b.Zone, "retention", string(b.HostedRetention))
	})
	if err != nil {
		return 0, err
	}
	s.tell(touched)
	return lost, nil
}

// checkBuilding trims a building's fields and tells what is wrong with them.
func checkBuilding(b *store.Building) error {
	var f fields
	f.line("name", &b.Name, NameMax, true)
	f.line("street", &b.Street, 200, false)
	f.line("postcode", &b.Postcode, 20, false)
	f.line("city", &b.City, NameMax, false)
	f.line("country", &b.Country, NameMax, false)
	f.language("language", &b.Language)
	if _, err := when.LoadZone(b.Zone); err != nil {
		f.bad("zone", "places.bad_zone")
	}
	if b.WorkingDays < 0 || b.WorkingDays > 127 {
		f.bad("working_days", "places.bad_working_days")
	}
	if b.HostedRetention != store.RetainMidnight && b.HostedRetention != store.RetainMonths3 {
		f.bad("hosted_retention", "places.bad_retention")
	}
	return f.err()
}

func standingBuilding(tx *store.Tx, id store.BuildingID) (store.Building, error) {
	b, err := tx.Building(id)
	if err == nil && !b.DeletedAt.IsZero() {
		err = store.ErrNotFound
	}
	return b, missing(err, "places.no_building")
}

// CreateFloor makes a floor in a building; its ID is set here.
func (s *Service) CreateFloor(ctx context.Context, by people.Actor, f store.Floor) (store.FloorID, error) {
	if err := by.Need(people.ManagePlaces, f.BuildingID); err != nil {
		return "", err
	}
	if err := checkFloor(&f); err != nil {
		return "", err
	}
	f.ID = store.NewID[store.FloorID]()
	err := s.update(ctx, "create floor", func(tx *store.Tx) error {
		if _, err := standingBuilding(tx, f.BuildingID); err != nil {
			return err
		}
		if err := named(tx.InsertFloor(f)); err != nil {
			return err
		}
		return audit.Record(tx, by, "floor.create", "floor", string(f.ID), "building", string(f.BuildingID))
	})
	if err != nil {
		return "", err
	}
	s.tell(nil)
	return f.ID, nil
}

// ChangeFloor writes name and level of a floor that stands; its building stays.
func (s *Service) ChangeFloor(ctx context.Context, by people.Actor, f store.Floor) error {
	if err := checkFloor(&f); err != nil {
		return err
	}
	var touched []store.WorkspacePlace
	err := s.update(ctx, "change floor", func(tx *store.Tx) error {
		old, err := standingFloor(tx, f.ID)
		if err != nil {
			return err
		}
		if err := by.Need(people.ManagePlaces, old.BuildingID); err != nil {
			return err
		}
		if err := named(tx.UpdateFloor(f)); err != nil {
			return err
		}
		if touched, err = tx.Workspaces(store.WorkspaceFilter{Floor: f.ID}); err != nil {
			return err
		}
		return audit.Record(tx, by, "floor.change", "floor", string(f.ID))
	})
	if err == nil {
		s.tell(touched)
	}
	return err
}

// Levels bound how a floor is numbered.
const (
	LowestLevel  = -50
	HighestLevel = 500
)

func checkFloor(fl *store.Floor) error {
	var f fields
	f.line("name", &fl.Name, NameMax, true)
	if fl.Level < LowestLevel || fl.Level > HighestLevel {
		f.bad("level", "places.bad_level")
	}
	return f.err()
}

func standingFloor(tx *store.Tx, id store.FloorID) (store.Floor, error) {
	f, err := tx.Floor(id)
	if err == nil && !f.DeletedAt.IsZero() {
		err = store.ErrNotFound
	}
	return f, missing(err, "places.no_floor")
}

// Zone refuses a name that is no IANA zone; forms ask it while somebody types.
func Zone(name string) error {
	if _, err := when.LoadZone(name); err != nil {
		return problem.Field("zone", "places.bad_zone").Because(err)
	}
	return nil
}
