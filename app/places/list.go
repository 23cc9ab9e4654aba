package places

import (
	"context"

	"lintel/app/people"
	"lintel/store"
)

// Buildings returns the buildings that stand and in which the actor may do p, by name.
func (s *Service) Buildings(ctx context.Context, by people.Actor, p people.Permission) ([]store.Building, error) {
	var out []store.Building
	err := s.view(ctx, "read buildings", func(tx *store.Tx) error {
		list, err := tx.Buildings()
		for _, b := range list {
			if by.Can(p, b.ID) {
				out = append(out, b)
			}
		}
		return err
	})
	return out, err
}

// Floors returns the floors of a building that stand, from the lowest.
func (s *Service) Floors(ctx context.Context, by people.Actor, id store.BuildingID) ([]store.Floor, error) {
	var out []store.Floor
	err := s.view(ctx, "read floors", func(tx *store.Tx) (err error) {
		if err := by.Need(people.SeeRooms, id); err != nil {
			return err
		}
		out, err = tx.Floors(id)
		return err
	})
	return out, err
}
