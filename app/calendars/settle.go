package calendars

import (
	"context"
	"errors"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/store"
)

// arrival is how long after it was sent a write may still turn up in its system.
const arrival = 5 * time.Minute

// patience is how long a write is tried to be settled that its system does not let us settle: then it stays as it is.
const patience = 24 * time.Hour

// unsettled notes whether a room has writes that are not known to stand.
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

// doubt is one write of which nobody knows whether it stands.
type doubt struct {
	since  time.Time
	span   when.Interval
	settle func(context.Context) (connectors.Outcome, error)
	stands func(context.Context) error // notes that it does
	drop   func(*store.Tx) error
}

// doubts lists what is not settled in a room.
func (s *Service) doubts(ctx context.Context, rm *room, c connectors.ReadWriter, target connectors.Room) ([]doubt, error) {
	var bookings []store.Unsettled
	var ends []store.UnsettledEnd
	err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		if bookings, err = tx.UnsettledOf(rm.r.ID); err != nil {
			return err
		}
		ends, err = tx.UnsettledEndsOf(rm.r.ID)
		return err
	})
	var list []doubt
	for _, u := range bookings {
		span := when.Interval{From: u.From, To: u.To}
		list = append(list, doubt{
			since: u.CreatedAt, span: span,
			settle: func(ctx context.Context) (connectors.Outcome, error) {
				return connectors.Settle(ctx, c, target, u.Token, span, nil)
			},
			stands: func(ctx context.Context) error {
				_, err := s.claim(ctx, rm, u)
				return err
			},
			drop: func(tx *store.Tx) error { return tx.DropUnsettled(u.Resource, u.Token) },
		})
	}
	for _, u := range ends {
		span, was := when.Interval{From: u.From, To: u.To}, connectors.Event{Series: u.UID, Occurrence: u.Original, From: u.From, To: u.Was}
		drop := func(tx *store.Tx) error { return tx.DropUnsettledEnd(u) }
		list = append(list, doubt{
			since: u.CreatedAt, span: span,
			settle: func(ctx context.Context) (connectors.Outcome, error) {
				return connectors.SettleEnd(ctx, c, target, was, u.To, nil)
			},
			stands: func(ctx context.Context) error {
				if err := s.readAhead(ctx, rm, span); err != nil {
					return err
				}
				return s.o.Store.Update(context.WithoutCancel(ctx), drop)
			},
			drop: drop,
		})
	}
	return list, err
}

// settleWrites ends the writes to a room of which no answer came, or after which the program ended: a booking that stands
// becomes that of whoever made it, what stands beside an earlier booking is undone, what never arrived is forgotten. It runs
// after the room was read, with rm.lease held; what fails is left to the next read.
func (s *Service) settleWrites(ctx context.Context, rm *room, c connectors.ReadWriter, target connectors.Room) {
	s.mu.Lock()
	some := rm.r.Unsettled
	s.mu.Unlock()
	if !some {
		return
	}
	list, err := s.doubts(ctx, rm, c, target)
	left := len(list)
	for _, d := range list {
		var done bool
		if done, err = s.settleWrite(ctx, rm, d); done {
			left--
		}
		if err != nil && !hopeless(err) {
			break
		}
	}
	if err != nil && !hopeless(err) {
		s.o.Log.Warn("settle a write", "resource", rm.r.ID, "err", err)
		s.heed(ctx, rm.sys, rm, err)
		return
	}
	s.unsettled(rm, left > 0)
}

// hopeless reports whether a write can't be settled for a reason that is its own: the room's others can.
func hopeless(err error) bool {
	switch connectors.KindOf(err) {
	case connectors.Forbidden, connectors.Conflict, connectors.Unsupported, connectors.Invalid:
		return true
	}
	return false
}

// settleWrite ends one write if that can be told now.
func (s *Service) settleWrite(ctx context.Context, rm *room, d doubt) (bool, error) {
	age := s.o.Now().Sub(d.since).Abs() // the clock may have been set back
	out, err := d.settle(ctx)
	switch {
	case errors.Is(err, connectors.NotFound):
		if age < arrival {
			return false, nil
		}
	case err != nil && (age < patience || !hopeless(err)):
		return false, err
	case err != nil:
		s.o.Log.Warn("left a write as it is that could be neither confirmed nor undone", "resource", rm.r.ID, "err", err)
	case out.Verdict == connectors.Done:
		err := d.stands(ctx)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil // it came after our agenda was read: the next read brings it
		}
		if err == nil {
			s.o.Log.Info("settled a write that was not confirmed", "resource", rm.r.ID)
			s.o.Changed(rm.r.Workspace)
		}
		return err == nil, err
	default:
		s.o.Log.Info("undid a write that was not confirmed and came second", "resource", rm.r.ID)
		s.mu.Lock()
		rm.force = true
		s.mu.Unlock()
		if err := s.readAhead(ctx, rm, d.span); err != nil {
			return false, err
		}
	}
	err = s.o.Store.Update(ctx, d.drop)
	return err == nil, err
}
