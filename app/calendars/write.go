package calendars

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lintel/app/problem"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/store"
)

// Draft is a booking to make in a booking system.
type Draft struct {
	Workspace     store.WorkspaceID
	Token         string // chosen once for a booking: the same token again makes no second one
	From, To      time.Time
	Subject       string
	OrganizerName string
	Private       bool
	Source        store.Source   // where it was made
	Creator       store.PersonID // "" for machines
}

// Limits of a write: how long it may take in all, and how often a tie is drawn again.
const (
	writeTimeout = 45 * time.Second
	shortTimeout = 10 * time.Second // of a system that did not answer lately
	tieRounds    = 4
	settled      = 5 * time.Second // until whoever wrote at the same moment has read back and undone
)

// Book writes a booking into the system that the workspace is attached to, by the one rule for all
// systems (connectors.BookVerified), and then reads the room, so that the answer is what everybody sees.
// A problem says what went wrong in words: taken, read only, out of reach. Where no answer came the booking
// is settled by a later read, or by the same draft again.
func (s *Service) Book(ctx context.Context, d Draft) (store.BookingID, error) {
	var id store.BookingID
	note := store.Unsettled{Token: d.Token, Source: d.Source, Creator: d.Creator, From: d.From, To: d.To}
	err := s.write(ctx, d.Workspace, func(ctx context.Context, rm *room, c connectors.ReadWriter, target connectors.Room, state []byte) ([]byte, error) {
		note.Resource = rm.r.ID
		var known bool // sent before, and that one may stand whatever becomes of this one
		if err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
			err := rm.unhidden(tx, when.Interval{From: d.From, To: d.To}, connectors.Event{})
			if err == nil {
				known, err = tx.AddUnsettled(note)
			}
			return err
		}); err != nil {
			return state, err
		}
		out, err := s.bookVerified(ctx, c, target, d, state)
		if out.Verdict == connectors.Done || out.Left != nil || known || errors.Is(err, connectors.Conflict) {
			s.unsettled(rm, true)
			return out.State, unsure(err, out.Left != nil || known && connectors.Unsure(err))
		}
		if dropped := s.o.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.DropUnsettled(note.Resource, note.Token) }); dropped != nil {
			return out.State, errors.Join(err, dropped)
		}
		return out.State, err
	}, func(ctx context.Context, rm *room) (err error) {
		id, err = s.claim(ctx, rm, note)
		return err
	})
	if problem.Has(err, problem.Down) && s.awaited(ctx, d.Workspace, d.Token) { // by an earlier press
		err = unsure(err, true)
	}
	if err == nil {
		s.Booked(d.Workspace)
	}
	return id, err
}

// unhidden returns the problem of a taken time when something other than ev takes span that the system has and nobody can read:
// no look into the system shows it. rm.lease is held.
func (rm *room) unhidden(tx *store.Tx, span when.Interval, ev connectors.Event) error {
	hidden, err := tx.UnreadBetween(rm.r, span.From, span.To, rm.unread, ev.Series, ev.Occurrence)
	if hidden {
		return problem.New(problem.Conflict, "bookings.taken")
	}
	return err
}

// awaited reports whether a booking was sent of which nobody knows yet what became of it.
func (s *Service) awaited(ctx context.Context, w store.WorkspaceID, token string) bool {
	return s.noted(ctx, w, func(tx *store.Tx, r store.ResourceID) (bool, error) { return tx.IsUnsettled(r, token) })
}

// noted asks the store about the calendar of a workspace; what can't be read is not noted.
func (s *Service) noted(ctx context.Context, w store.WorkspaceID, is func(*store.Tx, store.ResourceID) (bool, error)) bool {
	s.mu.Lock()
	rm := s.rooms[w]
	s.mu.Unlock()
	if rm == nil {
		return false
	}
	var known bool
	if err := s.o.Store.View(context.WithoutCancel(ctx), func(tx *store.Tx) (err error) {
		known, err = is(tx, rm.r.ID)
		return err
	}); err != nil {
		s.o.Log.Warn("look for an unsettled write", "resource", rm.r.ID, "err", err)
	}
	return known
}

// bookVerified draws ties again. Its error is a problem where somebody else has the time.
func (s *Service) bookVerified(ctx context.Context, c connectors.ReadWriter, target connectors.Room, d Draft, state []byte) (connectors.Outcome, error) {
	draft := connectors.Draft{
		Token: d.Token, From: d.From, To: d.To, Subject: d.Subject, Organizer: d.OrganizerName, Private: d.Private,
	}
	return s.drawn(ctx, state, func(state []byte) (connectors.Outcome, error) {
		return connectors.BookVerified(ctx, c, target, draft, state)
	})
}

// drawn does a verified write until it is no tie. Its error is a problem where somebody else has the time.
func (s *Service) drawn(ctx context.Context, state []byte, write func(state []byte) (connectors.Outcome, error)) (out connectors.Outcome, err error) {
	for range tieRounds {
		if out, err = write(state); err != nil || out.Verdict == connectors.Done {
			return out, err
		}
		if out.Verdict == connectors.Taken {
			return out, problem.New(problem.Conflict, "bookings.taken")
		}
		state = out.State
		if err := s.pause(ctx); err != nil {
			return out, err
		}
	}
	return out, problem.New(problem.Conflict, "bookings.tied")
}

// unsure makes a failure a problem that promises nothing where a write was perhaps carried out.
func unsure(err error, perhaps bool) error {
	if p := problem.Of(err); !perhaps || p != nil && p.Kind != problem.Down || errors.Is(err, connectors.Invalid) {
		return err
	}
	return problem.New(problem.Down, "systems.unsure").Because(err)
}

// SetEnd moves the end of a booking that mirrors a booking system: extends it or ends it early. Where no answer to a later end
// came it is settled by a later read, or by the same call again.
func (s *Service) SetEnd(ctx context.Context, w store.WorkspaceID, id store.BookingID, to time.Time) error {
	err := s.change(ctx, w, id, func(ctx context.Context, rm *room, c connectors.ReadWriter, target connectors.Room, ev connectors.Event, state []byte) ([]byte, error) {
		if !to.After(ev.To) {
			out, err := connectors.SetEndVerified(ctx, c, target, ev, to, state)
			return out.State, unsure(err, out.Left != nil)
		}
		note := store.UnsettledEnd{Resource: rm.r.ID, UID: ev.Series, Original: ev.Occurrence, From: ev.From, Was: ev.To, To: to}
		var known bool // sent before, and that one may stand whatever becomes of this one
		if err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
			err := rm.unhidden(tx, when.Interval{From: ev.To, To: to}, ev)
			if err == nil {
				known, err = tx.AddUnsettledEnd(note)
			}
			return err
		}); err != nil {
			return state, err
		}
		out, err := s.drawn(ctx, state, func(state []byte) (connectors.Outcome, error) {
			return connectors.SetEndVerified(ctx, c, target, ev, to, state)
		})
		if err != nil && (out.Left != nil || known) {
			s.unsettled(rm, true)
			return out.State, unsure(err, out.Left != nil || connectors.Unsure(err))
		}
		dropped := s.o.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.DropUnsettledEnd(note) })
		return out.State, errors.Join(err, dropped)
	})
	if problem.Has(err, problem.Down) && s.endAwaited(ctx, w, id) { // by an earlier press
		err = unsure(err, true)
	}
	return err
}

// endAwaited reports whether a later end of a booking was sent of which nobody knows yet what became of it.
func (s *Service) endAwaited(ctx context.Context, w store.WorkspaceID, id store.BookingID) bool {
	return s.noted(ctx, w, func(tx *store.Tx, r store.ResourceID) (bool, error) {
		ref, err := tx.SyncedRef(id)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		return tx.IsEndUnsettled(r, ref.Event.UID, ref.Event.Original)
	})
}

// Release frees the room from one occurrence, never from the rest of its series.
func (s *Service) Release(ctx context.Context, w store.WorkspaceID, id store.BookingID) error {
	return s.change(ctx, w, id, func(ctx context.Context, _ *room, c connectors.ReadWriter, target connectors.Room, ev connectors.Event, state []byte) ([]byte, error) {
		err := c.Release(ctx, target, ev)
		return state, unsure(err, connectors.Unsure(err))
	})
}

// change runs f on the event behind a booking.
func (s *Service) change(ctx context.Context, w store.WorkspaceID, id store.BookingID,
	f func(context.Context, *room, connectors.ReadWriter, connectors.Room, connectors.Event, []byte) ([]byte, error),
) error {
	return s.write(ctx, w, func(ctx context.Context, rm *room, c connectors.ReadWriter, target connectors.Room, state []byte) ([]byte, error) {
		var ref store.SyncedRef
		err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
			ref, err = tx.SyncedRef(id)
			return err
		})
		if errors.Is(err, store.ErrNotFound) || err == nil && ref.Resource != rm.r.ID { // cancelled, or attached to another calendar meanwhile
			return state, problem.New(problem.NotFound, "bookings.gone")
		}
		if err != nil {
			return state, err
		}
		state, err = f(ctx, rm, c, target, eventOf(ref.Event), state)
		if errors.Is(err, connectors.Auth) || errors.Is(err, connectors.Throttled) {
			return state, err
		}
		if again := s.readAhead(ctx, rm, when.Interval{From: ref.Event.From, To: ref.Event.To}); again != nil && err == nil {
			err = problem.New(problem.Down, "systems.unsure").Because(again)
		}
		return state, err
	}, nil)
}

// eventOf returns what a connector needs to find the event behind a booking.
func eventOf(e store.SyncedEvent) connectors.Event {
	return connectors.Event{
		Key: e.Key, Series: e.UID, Occurrence: e.Original, Rev: e.Rev, From: e.From, To: e.To, AllDay: e.AllDay,
		Private: e.Private, Mine: e.Mine, Token: e.Token, HasImage: e.HasImage,
	}
}

// write holds a room's lease, runs f, stores the state that f returns, reads the room again and runs then.
func (s *Service) write(ctx context.Context, w store.WorkspaceID,
	f func(context.Context, *room, connectors.ReadWriter, connectors.Room, []byte) ([]byte, error),
	then func(context.Context, *room) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	rm, c, err := s.leaseForWriting(ctx, w)
	if err != nil {
		return err
	}
	defer rm.lease.unlock()
	impatient := s.impatience(rm.sys)
	if impatient {
		ctx, cancel = context.WithTimeout(ctx, shortTimeout)
		defer cancel()
	}
	stored, err := s.marks(ctx, rm.r.ID)
	if errors.Is(err, store.ErrNotFound) { // detached meanwhile
		return problem.New(problem.NotFound, "systems.not_attached")
	}
	if err != nil {
		return explain(err)
	}
	target := connectors.Room{ID: rm.sys.kind.roomID(s.resource(rm)), Zone: rm.zone}
	state, werr := f(ctx, rm, c, target, stored.state)
	s.heed(ctx, rm.sys, rm, werr)
	if errors.Is(werr, connectors.Auth) || errors.Is(werr, connectors.Throttled) {
		return explain(werr) // nothing more is to be sent
	}
	// What happened out there is read whatever the outcome: a refused write has often a reason that
	// our agenda does not know yet. When the time is up the next cycle does it: somebody waits for an answer.
	changed, rerr := false, ctx.Err()
	if !errors.Is(rerr, context.DeadlineExceeded) {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		changed, rerr = s.readAndApply(back, rm, target, stored, state, nil)
	}
	if werr == nil && rerr == nil && then != nil {
		changed, rerr = true, then(ctx, rm)
	}
	if rerr == nil {
		s.settleWrites(ctx, rm, c, target)
	}
	s.heed(ctx, rm.sys, rm, rerr)
	s.mu.Lock()
	if impatient && rerr == nil && rm.sys.resting(s.o.Now()) {
		rm.sys.blocked, rm.sys.failures = time.Time{}, 0 // it answers again: all its rooms may be read
		rm.sys.kick()
	}
	if kind, whole := rm.sys.blame(rerr); whole && kind == connectors.Transient && !impatient {
		s.systemFailed(s.current(rm).sys, kind, connectors.SaidOf(rerr), 0, s.o.Now()) // who presses next need not wait as long
	}
	// What others wrote at the same moment and undid, as ours was first, is still in our agenda.
	rm.force, rm.touched = true, s.o.Now()
	s.bring(rm, s.o.Now().Add(settled))
	s.mu.Unlock()
	if changed {
		s.o.Changed(w)
	}
	if werr != nil {
		return explain(werr)
	}
	if rerr != nil {
		return problem.New(problem.Down, "systems.unsure").Because(fmt.Errorf("read back the room: %w", rerr))
	}
	return nil
}

// leaseForWriting waits until a room is neither read nor written to, as long as ctx. What held it may have been told that nothing
// may be written now. The caller unlocks the lease.
func (s *Service) leaseForWriting(ctx context.Context, w store.WorkspaceID) (*room, connectors.ReadWriter, error) {
	for {
		rm, c, err := s.writable(w)
		if err != nil {
			return nil, nil, err
		}
		if err := rm.lease.lock(ctx); err != nil {
			return nil, nil, problem.New(problem.Down, "systems.unreachable").Because(err)
		}
		now, _, err := s.writable(w)
		if err == nil && now == rm {
			return rm, c, nil
		}
		rm.lease.unlock() // refused, or opened anew, since we asked
	}
}

// writable returns a room and its connector, or the problem why nothing can be written to it now.
func (s *Service) writable(w store.WorkspaceID) (*room, connectors.ReadWriter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rm := s.rooms[w]
	if rm == nil {
		return nil, nil, problem.New(problem.NotFound, "systems.not_attached")
	}
	c, ok := rm.sys.conn.(connectors.ReadWriter)
	if !ok || !c.Caps().Has(connectors.CapBook) {
		return nil, nil, problem.New(problem.Refused, "bookings.read_only")
	}
	now := s.o.Now()
	switch {
	case now.Before(rm.sys.s.WaitUntil) || now.Before(rm.r.WaitUntil):
		return nil, nil, problem.New(problem.Down, "systems.busy")
	case rm.sys.authTries > 0 || !rm.sys.s.PausedAt.IsZero(),
		now.Before(rm.sys.blocked) && (!rm.sys.resting(now) || now.Before(rm.sys.pressed.Add(settled))):
		return nil, nil, problem.New(problem.Down, "systems.unreachable")
	}
	return rm, c, nil
}

// resting reports whether nothing is sent to a system because it did not answer, rather than because it asked for time or
// refused us. Service.mu is held.
func (y *system) resting(now time.Time) bool {
	return now.Before(y.blocked) && !now.Before(y.s.WaitUntil) && y.authTries == 0 && y.s.PausedAt.IsZero()
}

// impatience reports whether a write is sent to a system that rests: somebody stands at the door, and it may be back. One
// in a while is.
func (s *Service) impatience(y *system) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if !y.resting(now) {
		return false
	}
	y.pressed = now
	return true
}

// pause waits a random one to three seconds: two sides that undid a tie do not meet again at once.
func (s *Service) pause(ctx context.Context) error {
	t := time.NewTimer(time.Second + time.Duration(s.o.Rand()*2*float64(time.Second)))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// explain turns a connector's failure into a problem for the person who pressed the button.
func explain(err error) error {
	if problem.Of(err) != nil {
		return err
	}
	kind := problem.Refused
	key := "systems.refused"
	switch connectors.KindOf(err) {
	case connectors.Conflict:
		kind, key = problem.Conflict, "bookings.changed_meanwhile"
	case connectors.Forbidden, connectors.Unsupported:
		key = "bookings.read_only"
	case connectors.NotFound:
		kind, key = problem.NotFound, "bookings.gone"
	case connectors.Throttled:
		kind, key = problem.Down, "systems.busy"
	case connectors.Transient, connectors.Auth, connectors.Trust, connectors.Gone:
		kind, key = problem.Down, "systems.unreachable"
	default:
		if errors.Is(err, context.DeadlineExceeded) {
			kind, key = problem.Down, "systems.unreachable"
		}
	}
	return problem.New(kind, key).Because(err)
}
