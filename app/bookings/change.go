package bookings

import (
	"context"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

// Change is what is to be different of a booking, or of one occurrence of a series. Fields that are nil
// or zero stay as they are.
type Change struct {
	Revision  int64 // the one that the actor saw; another one by now is a conflict. 0 = whatever it is
	Times     *Times
	Workspace store.WorkspaceID // another workspace; times then are local there
	Subject   *string
	Private   *bool
	Organizer *Organizer
}

// target is a booking that is about to be changed.
type target struct {
	b store.Booking
	p store.WorkspacePlace
}

// open reads a booking that the actor may change and that is not over.
func (s *Service) open(tx *store.Tx, by people.Actor, id store.BookingID) (target, error) {
	b, err := find(tx, id)
	if err != nil {
		return target{}, err
	}
	p, err := place(tx, b.Workspace)
	if err != nil {
		return target{}, err
	}
	switch t := (target{b, p}); {
	case mayTouch(by, b, p) != nil:
		return t, mayTouch(by, b, p)
	case b.Cancelled():
		return t, problem.New(problem.Conflict, "bookings.cancelled_already")
	case !b.To.After(s.now()):
		return t, problem.New(problem.Conflict, "bookings.over")
	case !b.Hosted && (!reachable(b, p) || s.Remote.Book == nil):
		return t, problem.New(problem.Refused, "bookings.read_only")
	default:
		return t, nil
	}
}

// Change moves a hosted booking and changes its parts. One that mirrors a booking system is changed
// there (problem bookings.change_in_system). Of one that has begun only the end can move.
func (s *Service) Change(ctx context.Context, by people.Actor, id store.BookingID, c Change) (Shown, error) {
	var out Shown
	var from store.WorkspaceID
	err := s.update(ctx, "change booking", func(tx *store.Tx) error {
		t, err := s.open(tx, by, id)
		if err != nil {
			return err
		}
		if !t.b.Hosted {
			return problem.New(problem.Refused, "bookings.change_in_system")
		}
		if c.Revision != 0 && c.Revision != t.b.Revision {
			return problem.New(problem.Conflict, "bookings.changed_meanwhile")
		}
		from = t.b.Workspace
		if err := s.replace(tx, by, &t, c); err != nil {
			return err
		}
		b, err := tx.Booking(id)
		if err != nil {
			return err
		}
		out = Disclose(By(by), b, t.p)
		return audit.Record(tx, by, "booking.change", "booking", string(id), "workspace", string(b.Workspace))
	})
	if err != nil {
		return Shown{}, err
	}
	s.tell(from, out.Workspace)
	return out, nil
}

// replace writes a change of a hosted booking.
func (s *Service) replace(tx *store.Tx, by people.Actor, t *target, c Change) error {
	if err := s.setTimes(tx, by, t, c); err != nil {
		return err
	}
	if c.Private != nil {
		t.b.Private = *c.Private
	}
	if c.Subject != nil {
		subject, err := line(*c.Subject, SubjectMax, "subject")
		if err != nil {
			return err
		}
		t.b.Subject = subject
	}
	if c.Organizer != nil {
		if err := c.Organizer.clean(); err != nil {
			return err
		}
		organizer, err := c.Organizer.resolve(tx, by, t.p)
		if err != nil {
			return err
		}
		t.b.Organizer = organizer
	}
	if err := s.save(tx, by, *t); err != nil {
		return err
	}
	return tx.SetBookingPeople(t.b.ID, t.b.Subject, t.b.Organizer, t.b.Creator)
}

// setTimes gives a booking its new place and times.
func (s *Service) setTimes(tx *store.Tx, by people.Actor, t *target, c Change) error {
	if c.Times == nil && (c.Workspace == "" || c.Workspace == t.b.Workspace) {
		return nil
	}
	old, begun := t.b, !t.b.From.After(s.now())
	if c.Workspace != "" && c.Workspace != old.Workspace {
		p, _, err := s.bookable(tx, by, c.Workspace)
		if err != nil {
			return err
		}
		if p.Resource != "" {
			return problem.Field("workspace", "bookings.not_between_systems")
		}
		t.p, t.b.Workspace = p, c.Workspace
	}
	times := c.Times
	if times == nil {
		times = &Times{from: old.FromWall, to: old.ToWall, allDay: old.AllDay}
	}
	zone, err := t.p.Building.Location()
	if err != nil {
		return err
	}
	sl, err := times.in(zone)
	if err != nil {
		return err
	}
	if begun {
		if t.b.Workspace != old.Workspace || !sl.From.Equal(old.From) || sl.allDay != old.AllDay {
			return problem.Field("from", "bookings.has_begun")
		}
		if !sl.To.After(s.now()) {
			return problem.Field("to", "bookings.in_past")
		}
		err = s.Rules.allowLength(by, sl)
	} else {
		err = s.Rules.allow(by, sl, zone, s.now())
	}
	if err != nil {
		return err
	}
	sl.put(&t.b, t.p.Building.Zone)
	return free(tx, By(by), t.p, sl.Interval, t.b.ID)
}

// save writes a hosted booking; the database refuses an overlap.
func (s *Service) save(tx *store.Tx, by people.Actor, t target) error {
	return asTaken(tx.UpdateBooking(t.b), By(by), t.p, t.b.Span())
}

// EndNow ends a running booking: it keeps its start and is over with the minute that runs, in its first
// minute with the next one. Nothing is deleted.
func (s *Service) EndNow(ctx context.Context, by people.Actor, id store.BookingID) (Shown, error) {
	return s.setEnd(ctx, by, id, "booking.end", func(t target) (time.Time, error) {
		now := s.now()
		if t.b.From.After(now) {
			return time.Time{}, problem.New(problem.Conflict, "bookings.not_running")
		}
		to := now.UTC().Truncate(time.Minute)
		if first := t.b.From.Add(time.Minute); to.Before(first) {
			to = first
		}
		return to, nil
	})
}

// Extend moves the end of a booking that is not over to a later instant, a whole minute.
func (s *Service) Extend(ctx context.Context, by people.Actor, id store.BookingID, to time.Time) (Shown, error) {
	return s.setEnd(ctx, by, id, "booking.extend", func(t target) (time.Time, error) {
		switch {
		case t.b.AllDay:
			return to, problem.New(problem.Invalid, "bookings.all_day_end")
		case !to.Truncate(time.Minute).Equal(to):
			return to, problem.Field("to", "bookings.whole_minutes")
		case !to.After(t.b.To):
			return to, problem.Field("to", "bookings.not_later")
		}
		return to.UTC(), s.Rules.allowLength(by, slot{Interval: when.Interval{From: t.b.From, To: to}})
	})
}

// setEnd moves the end of a booking to where pick says.
func (s *Service) setEnd(ctx context.Context, by people.Actor, id store.BookingID, action string, pick func(target) (time.Time, error)) (Shown, error) {
	var out Shown
	var t target
	var to time.Time
	err := s.update(ctx, "move end", func(tx *store.Tx) (err error) {
		if t, err = s.open(tx, by, id); err != nil {
			return err
		}
		if to, err = pick(t); err != nil || !t.b.Hosted {
			return err
		}
		zone, err := t.p.Building.Location()
		if err != nil {
			return err
		}
		if to.After(t.b.To) {
			if err := free(tx, By(by), t.p, when.Interval{From: t.b.To, To: to}, id); err != nil {
				return err
			}
		} else {
			t.b.EndReason, t.b.AllDay = store.EndEnded, false // it ends within a day now
		}
		t.b.To, t.b.ToWall = to, when.WallOf(to, zone)
		if err := s.save(tx, by, t); err != nil {
			return err
		}
		if t.b, err = tx.Booking(id); err != nil {
			return err
		}
		out = Disclose(By(by), t.b, t.p)
		return audit.Record(tx, by, action, "booking", string(id), "workspace", string(t.b.Workspace))
	})
	if err != nil {
		return Shown{}, err
	}
	if t.b.Hosted {
		s.tell(t.b.Workspace)
		return out, nil
	}
	if err := s.Remote.SetEnd(ctx, t.b.Workspace, id, to); err != nil {
		return Shown{}, s.completed(ctx, By(by), t.p, when.Interval{From: t.b.To, To: to}, id, err)
	}
	end := store.EndNone
	if !to.After(t.b.To) {
		end = store.EndEnded
	}
	return s.noted(ctx, by, id, action, end)
}

// Cancel calls off a booking, or one occurrence of a series, that has not begun. One that runs is ended
// instead: what has been stays a fact.
func (s *Service) Cancel(ctx context.Context, by people.Actor, id store.BookingID) error {
	var t target
	runs := false
	err := s.update(ctx, "cancel booking", func(tx *store.Tx) (err error) {
		if t, err = s.open(tx, by, id); err != nil {
			return err
		}
		if runs = !t.b.From.After(s.now()); runs || !t.b.Hosted {
			return nil
		}
		return s.callOff(tx, by, t)
	})
	switch {
	case err != nil:
		return err
	case runs:
		_, err := s.EndNow(ctx, by, id)
		return err
	case t.b.Hosted:
		s.tell(t.b.Workspace)
		return nil
	}
	if err := s.Remote.Release(ctx, t.b.Workspace, id); err != nil {
		return named("release booking", err)
	}
	return s.update(ctx, "record cancellation", func(tx *store.Tx) error {
		return audit.Record(tx, by, "booking.cancel", "booking", string(id), "workspace", string(t.b.Workspace))
	})
}

// callOff cancels a hosted booking.
func (s *Service) callOff(tx *store.Tx, by people.Actor, t target) error {
	t.b.CancelledAt, t.b.EndReason = tx.Now(), store.EndCancelled
	if err := s.save(tx, by, t); err != nil {
		return err
	}
	return audit.Record(tx, by, "booking.cancel", "booking", string(t.b.ID), "workspace", string(t.b.Workspace))
}

// Restore undoes the cancellation of a hosted booking that is still to come, if its time is still free.
func (s *Service) Restore(ctx context.Context, by people.Actor, id store.BookingID) (Shown, error) {
	var out Shown
	err := s.update(ctx, "restore booking", func(tx *store.Tx) error {
		b, err := find(tx, id)
		if err != nil {
			return err
		}
		p, zone, err := s.bookable(tx, by, b.Workspace)
		if err != nil {
			return err
		}
		if err := mayTouch(by, b, p); err != nil {
			return err
		}
		switch {
		case !b.Hosted || p.Resource != "" || !b.AnonymisedAt.IsZero():
			return problem.New(problem.Refused, "bookings.not_restorable")
		case !b.Cancelled():
			return problem.New(problem.Conflict, "bookings.not_cancelled")
		case !b.From.After(s.now()):
			return problem.New(problem.Conflict, "bookings.over")
		}
		if b.Zone != p.Building.Zone { // the building's zone was changed meanwhile
			span := derive(b.FromWall, b.ToWall, zone)
			b.From, b.To, b.Zone = span.From, span.To, p.Building.Zone
		}
		if err := free(tx, By(by), p, b.Span(), id); err != nil {
			return err
		}
		b.CancelledAt, b.EndReason = time.Time{}, store.EndNone
		if err := s.save(tx, by, target{b, p}); err != nil {
			return err
		}
		if b, err = tx.Booking(id); err != nil {
			return err
		}
		out = Disclose(By(by), b, p)
		return audit.Record(tx, by, "booking.restore", "booking", string(id), "workspace", string(b.Workspace))
	})
	if err != nil {
		return Shown{}, err
	}
	s.tell(out.Workspace)
	return out, nil
}

// RanOut notes the end of the bookings that ended by themselves, and returns how many. A job calls it.
func (s *Service) RanOut(ctx context.Context) (n int64, err error) {
	err = s.update(ctx, "note ended bookings", func(tx *store.Tx) error {
		n, err = tx.RanOut()
		return err
	})
	return n, err
}
