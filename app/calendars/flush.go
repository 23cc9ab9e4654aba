package calendars

import (
	"context"
	"errors"
	"fmt"

	"lintel/store"
)

// Flush stores what the engine knows of its connections. A job calls it each half minute, and the
// program once when it stops: the state of a probe that found nothing new costs no write of its own.
func (s *Service) Flush(ctx context.Context) error {
	s.mu.Lock()
	var systems []store.System
	var rooms []store.Resource
	for _, y := range s.systems {
		if y.dirty {
			y.dirty = false
			systems = append(systems, y.s)
		}
	}
	for _, r := range s.rooms {
		if r.dirty {
			r.dirty = false
			rooms = append(rooms, r.r)
		}
	}
	s.mu.Unlock()
	if len(systems)+len(rooms) == 0 {
		return nil
	}
	err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
		for _, y := range systems {
			if err := tx.SaveSystemState(y); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		for _, r := range rooms {
			if err := tx.SaveResourceState(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, y := range systems {
			if live := s.systems[y.ID]; live != nil {
				live.dirty = true
			}
		}
		for _, r := range rooms {
			if live := s.rooms[r.Workspace]; live != nil {
				live.dirty = true
			}
		}
		return fmt.Errorf("store the state of booking systems: %w", err)
	}
	return nil
}
