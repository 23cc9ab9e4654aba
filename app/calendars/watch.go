package calendars

import (
	"context"
	"errors"
	"time"

	"lintel/connectors"
)

// watch keeps a system's own word of changes flowing until ctx ends: it starts again when rooms come or go, and
// after failures with growing pauses. Probes go on all the while, slower for rooms that are live.
func (s *Service) watch(ctx context.Context, sys *system, w connectors.Watcher) {
	for failures := 0; ctx.Err() == nil; {
		select {
		case <-sys.rewatch:
		default:
		}
		rooms, wait := s.watchable(sys)
		if len(rooms) == 0 || wait > 0 {
			if wait == 0 {
				wait = time.Hour // until there are rooms
			}
			s.rest(ctx, sys, wait)
			continue
		}
		started := s.o.Now()
		err := s.watchOnce(ctx, sys, w, rooms)
		if ctx.Err() != nil {
			return
		}
		if err == nil || s.o.Now().Sub(started) > backoffMax {
			failures = 0
		}
		if err != nil {
			failures++
			s.o.Log.Warn("watching a booking system ended", "system", sys.s.ID, "kind", connectors.KindOf(err), "err", err)
			s.rest(ctx, sys, max(connectors.AfterOf(err), backoff(failures, s.o.Rand())))
		}
	}
}

// watchOnce runs one Watch; it ends early, with nil, when the rooms to watch are others.
func (s *Service) watchOnce(ctx context.Context, sys *system, w connectors.Watcher, rooms map[string]*room) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // ends with ctx, which ends with this call
		select {
		case <-ctx.Done():
			return
		case <-sys.rewatch:
		}
		// Rooms are often attached one after the other: one new start serves them all.
		select {
		case <-ctx.Done():
		case <-time.After(rewatchAfter):
			cancel(errRewatch)
		}
	}()
	var targets []connectors.Room
	for id, rm := range rooms {
		targets = append(targets, connectors.Room{ID: id, Zone: rm.zone})
	}
	err := w.Watch(ctx, targets, connectors.WatchFuncs{
		Live:    func(id string, live bool) { s.setLive(rooms[id], live) },
		Changed: func(id string) { s.hint(rooms[id]) },
	})
	for _, rm := range rooms {
		s.setLive(rm, false)
	}
	if errors.Is(context.Cause(ctx), errRewatch) {
		return nil
	}
	s.heed(ctx, sys, nil, err)
	return err
}

// heed makes a system's wish to be left alone hold for everything that is sent to it, or for everything about the one
// room that it is about; a refused sign-in counts wherever it happened. rm is nil where an error is about no room.
func (s *Service) heed(ctx context.Context, sys *system, rm *room, err error) {
	kind, whole := sys.blame(err)
	if kind != connectors.Auth && kind != connectors.Throttled || !whole && rm == nil {
		return
	}
	s.mu.Lock()
	if y := s.systems[sys.s.ID]; y != nil && kind == connectors.Throttled { // edited meanwhile: the server has asked all the same
		sys = y
	}
	if rm != nil {
		rm = s.current(rm)
	}
	now := s.o.Now()
	until := wholeSecond(now.Add(connectors.AfterOf(err)))
	switch {
	case kind == connectors.Auth && whole:
		s.refused(sys, connectors.SaidOf(err), now)
	case kind == connectors.Throttled && !whole:
		s.quieten(rm, until)
	case kind == connectors.Throttled && until.After(sys.blocked):
		sys.rest(until)
		sys.s.WaitUntil, sys.dirty = until, true
		sys.s.ErrorKind, sys.s.ErrorSaid = string(kind), connectors.SaidOf(err)
	}
	s.mu.Unlock()
	s.remember(ctx, err)
}

// current returns what the engine knows by now of a room's calendar: its connection may have been opened anew. s.mu is held.
func (s *Service) current(rm *room) *room {
	if now := s.rooms[rm.r.Workspace]; now != nil && now.r.ID == rm.r.ID {
		return now
	}
	return rm
}

// quieten lets nothing be sent about a room before until. s.mu is held.
func (s *Service) quieten(rm *room, until time.Time) {
	if !until.After(rm.r.WaitUntil) {
		return
	}
	rm.r.WaitUntil, rm.dirty = until, true
	if rm.index >= 0 && rm.due.Before(until) {
		s.unqueue(rm)
		rm.due = until
		s.enqueue(rm)
	}
}

// wholeSecond rounds up to what is stored, so that after a restart nothing is sent a moment too early. What it returns is as
// deaf to jumps of the clock as t.
func wholeSecond(t time.Time) time.Time {
	if n := t.Nanosecond(); n > 0 {
		return t.Add(time.Second - time.Duration(n))
	}
	return t
}

// remember stores at once what a system asked for, or that it refused the sign-in, if it did: a program that is killed asks
// nothing earlier and nothing more either.
func (s *Service) remember(ctx context.Context, err error) {
	if !errors.Is(err, connectors.Throttled) && !errors.Is(err, connectors.Auth) {
		return
	}
	if err := s.Flush(context.WithoutCancel(ctx)); err != nil {
		s.o.Log.Warn("remember how long to wait", "err", err)
	}
}

// rewatchAfter is how long a new room waits until it is watched; it is probed all the while.
const rewatchAfter = 30 * time.Second

var errRewatch = errors.New("other rooms to watch")

// watchable returns a system's rooms by the connector's name for them, and how long to wait before anything is sent.
// There are none before a probe has signed in: two at once with a wrong password could lock an account.
func (s *Service) watchable(sys *system) (map[string]*room, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	rooms := map[string]*room{}
	for _, rm := range s.rooms {
		if rm.sys == sys && !rm.unwatched() {
			rooms[sys.kind.roomID(rm.r)] = rm
		}
	}
	if !sys.s.PausedAt.IsZero() || !sys.proven {
		return nil, 0
	}
	return rooms, max(0, sys.blocked.Sub(now))
}

// unwatched reports whether a room is left out of the watch, as its system does not let us look at it. s.mu is held.
func (rm *room) unwatched() bool {
	return rm.r.ErrorKind == string(connectors.Forbidden) || rm.r.ErrorKind == string(connectors.Gone)
}

// rest waits for d, or until the rooms to watch are others.
func (s *Service) rest(ctx context.Context, sys *system, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-sys.rewatch:
	case <-t.C:
	}
}

// roomsChanged makes the watch begin anew.
func (y *system) roomsChanged() {
	select {
	case y.rewatch <- struct{}{}:
	default:
	}
}

// setLive notes that a room is watched from now on: what changed before is probed once; or that it no longer is.
func (s *Service) setLive(rm *room, live bool) {
	if rm == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if rm.live == live || rm.gone {
		return
	}
	rm.live, rm.covered = live, false
	rm.hinted = rm.hinted || live && rm.index < 0
	s.bring(rm, s.o.Now().Add(jitter(rm.sys.kind.Every, s.o.Rand())/2))
}

// hint makes a room due: its system says that something changed.
func (s *Service) hint(rm *room) {
	if rm == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if rm.gone {
		return
	}
	rm.hinted, rm.covered = rm.index < 0, false
	s.bring(rm, s.o.Now().Add(coalesce))
}

// bring makes a queued room due at the latest by at. s.mu is held.
func (s *Service) bring(rm *room, at time.Time) {
	at = rm.allowed(at)
	if rm.index >= 0 && rm.due.After(at) {
		s.unqueue(rm)
		rm.due = at
		s.enqueue(rm)
	}
}
