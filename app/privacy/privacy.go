// Package privacy forgets people on time: it carries out the register's rules of retention for every
// building and every local day that has ended.
package privacy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lintel/app/when"
	"lintel/store"
)

// Service runs retention. Make it with New.
type Service struct {
	store   *store.Store
	now     func() time.Time
	log     *slog.Logger
	changed func() // agendas may have lost subjects; may be nil

	mu   sync.Mutex // one run at a time
	trim bool       // the write-ahead log still holds what was deleted
}

// New returns the service. changed is called after a run that anonymised something; nil is allowed.
func New(st *store.Store, now func() time.Time, log *slog.Logger, changed func()) *Service {
	return &Service{store: st, now: now, log: log, changed: changed, trim: true}
}

// Run handles every (building, local day) that has ended and was not handled yet, oldest first. A job
// calls it every few minutes and the program once before it serves; a missed midnight, a restart or
// a night in which the clock jumps over midnight makes no difference. One building's failure does
// not keep the others waiting.
func (s *Service) Run(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var targets []store.RetentionTarget
	if err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		targets, err = tx.RetentionTargets()
		return err
	}); err != nil {
		return fmt.Errorf("list buildings for retention: %w", err)
	}
	var errs []error
	touched := false
	for _, t := range targets {
		did, err := s.building(ctx, t)
		touched = touched || did
		if err != nil {
			errs = append(errs, fmt.Errorf("retention of building %s: %w", t.Building, err))
		}
	}
	var swept int
	if err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		swept, err = tx.Sweep()
		return err
	}); err != nil {
		errs = append(errs, fmt.Errorf("sweep: %w", err))
	}
	if err := s.store.UpdateReadings(ctx, func(tx *store.Tx) error { return tx.SweepReadings() }); err != nil {
		errs = append(errs, fmt.Errorf("sweep readings: %w", err))
	}
	s.trim = s.trim || touched || swept > 0
	if s.trim {
		// Without this the old pages would lie in the log until it is next written over.
		switch err := s.store.Trim(ctx); {
		case err == nil:
			s.trim = false
		case errors.Is(err, store.ErrBusy): // a reader holds the log: the next run tries again
		default:
			errs = append(errs, err)
		}
	}
	if touched && s.changed != nil {
		s.changed()
	}
	return errors.Join(errs...)
}

// building handles the ended days of one building and reports whether anything was anonymised.
func (s *Service) building(ctx context.Context, t store.RetentionTarget) (bool, error) {
	zone, err := when.LoadZone(t.Zone)
	if err != nil {
		return false, err
	}
	touched := false
	for _, day := range when.EndedDays(zone, t.Mark, s.now()) {
		var r store.Retained
		err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
			r, err = tx.Retain(t, day, zone)
			return err
		})
		if store.AlreadyRetained(err) {
			continue // handled before the building's mark was set back by a change of zone
		}
		if err != nil {
			return touched, err
		}
		touched = touched || r.Bookings+r.Series+r.Persons+r.Facts > 0
		s.log.Info("retention done", "building", t.Building, "day", day.String(),
			"bookings", r.Bookings, "series", r.Series, "persons", r.Persons, "facts", r.Facts)
	}
	return touched, nil
}
