package calendars

import (
	"context"
	"errors"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/store"
)

// arrival is how long after it was sent a booking may still turn up in its system.
const arrival = 5 * time.Minute

// patience is how long a booking is tried to be settled that its system does not let us settle: then it stays as it is.
const patience = 24 * time.Hour

// unsettled notes whether a room has bookings that are not known to stand.
func (s *Service) unsettled(rm *room, some bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rm.r.Unsettled = some
	s.current(rm).r.Unsettled = some
}

// claim notes whose a booking is that stands, which settles it. The room was read before.
func (s *Service) claim(ctx context.Context, rm *room, u store.Unsettled) (id store.BookingID, err error) {
	if err := s.readAhead(ctx, rm, when.Interval{From: u.From, To: u.To}); err != nil {
		return "", err
	}
	err = s.o.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) (err error) {
		if id, err = tx.ClaimSynced(u.Resource, u.Token, u.Source, u.Creator); err != nil {
			return err
		}
		return tx.DropUnsettled(u.Resource, u.Token)
	})
	return id, err
}

// settleBookings ends the bookings of a room of which no answer came, or after which the program ended: what stands
// becomes that of whoever made it, what stands beside an earlier one is undone, what never arrived is forgotten. It runs
// after the room was read, with rm.lease held; what fails is left to the next read.
func (s *Service) settleBookings(ctx context.Context, rm *room, c connectors.ReadWriter, target connectors.Room) {
	s.mu.Lock()
	some := rm.r.Unsettled
	s.mu.Unlock()
	if !some {
		return
	}
	var list []store.Unsettled
	err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.UnsettledOf(rm.r.ID)
		return err
	})
	left := len(list)
	for _, u := range list {
		var done bool
		if done, err = s.settleBooking(ctx, rm, c, target, u); done {
			left--
		}
		if err != nil && !hopeless(err) {
			break
		}
	}
	if err != nil && !hopeless(err) {
		s.o.Log.Warn("settle a booking", "resource", rm.r.ID, "err", err)
		s.heed(ctx, rm.sys, rm, err)
		return
	}
	s.unsettled(rm, left > 0)
}

// hopeless reports whether a booking can't be settled for a reason that is its own: the room's others can.
func hopeless(err error) bool {
	switch connectors.KindOf(err) {
	case connectors.Forbidden, connectors.Conflict, connectors.Unsupported, connectors.Invalid:
		return true
	}
	return false
}

// settleBooking ends one booking if that can be told now.
func (s *Service) settleBooking(ctx context.Context, rm *room, c connectors.ReadWriter, target connectors.Room, u store.Unsettled) (bool, error) {
	age := s.o.Now().Sub(u.CreatedAt).Abs() // the clock may have been set back
	out, err := connectors.Settle(ctx, c, target, u.Token, when.Interval{From: u.From, To: u.To}, nil)
	switch {
	case errors.Is(err, connectors.NotFound):
		if age < arrival {
			return false, nil
		}
	case err != nil && (age < patience || !hopeless(err)):
		return false, err
	case err != nil:
		s.o.Log.Warn("left a booking as it is that could be neither confirmed nor undone", "resource", rm.r.ID, "err", err)
	case out.Verdict == connectors.Done:
		_, err := s.claim(ctx, rm, u)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil // it came after our agenda was read: the next read brings it
		}
		if err == nil {
			s.o.Log.Info("settled a booking that was not confirmed", "resource", rm.r.ID)
			s.o.Changed(rm.r.Workspace)
		}
		return err == nil, err
	default:
		s.o.Log.Info("undid a booking that was not confirmed and came second", "resource", rm.r.ID)
		s.mu.Lock()
		rm.force = true
		s.mu.Unlock()
	}
	err = s.o.Store.Update(ctx, func(tx *store.Tx) error { return tx.DropUnsettled(u.Resource, u.Token) })
	return err == nil, err
}
