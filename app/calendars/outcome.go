package calendars

import (
	"context"
	"errors"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/store"
)

// settle notes how a cycle ended, and when the room is due again.
func (s *Service) settle(ctx context.Context, rm *room, err error) {
	if errors.Is(err, errDetached) || err != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		s.later(rm) // the room is gone, or we are stopping: this says nothing about the system
		return
	}
	ctx = context.WithoutCancel(ctx)
	hot := s.hot(ctx, rm)
	open := s.isOpen(ctx, rm)
	s.ended(rm, err, hot, open)
	s.remember(ctx, err)
}

// ended puts a room back into the queue after a cycle.
func (s *Service) ended(rm *room, err error, hot, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	sys := rm.sys
	sys.inFlight--
	rm.taken = false
	if err == nil {
		s.succeeded(rm, now)
		every := sys.kind.Every
		switch {
		case rm.live:
			every = sys.kind.Calm
		case hot:
			every = sys.kind.Hot
		case !open:
			every = max(every, nightEvery)
		}
		if rm.hinted {
			every = coalesce
		} else {
			every = jitter(every, s.o.Rand())
		}
		rm.due = now.Add(max(every, rm.wait)) // what a source asks for is a lower bound
	} else {
		s.failed(rm, err, now)
	}
	rm.covered = err == nil && rm.live && !rm.hinted
	rm.hinted = false
	s.enqueue(rm)
	if sys.ready(now) {
		sys.kick()
	}
}

// succeeded clears what was wrong. Service.mu is held.
func (s *Service) succeeded(rm *room, now time.Time) {
	sys := rm.sys
	if !sys.s.FailingSince.IsZero() || rm.r.ErrorKind != "" {
		s.o.Log.Info("booking system answers again", "system", sys.s.ID, "resource", rm.r.ID)
	}
	sys.failures, sys.dirty = 0, true
	if rm.unwatched() || !sys.proven {
		sys.proven = true
		sys.roomsChanged() // they may be watched now
	}
	if !now.Before(sys.blocked) {
		sys.blocked, sys.s.WaitUntil, sys.authTries = time.Time{}, time.Time{}, 0
	}
	sys.s.LastOK, sys.s.FailingSince, sys.s.ErrorKind, sys.s.ErrorSaid = now, time.Time{}, "", ""
	if !now.Before(rm.r.WaitUntil) {
		rm.r.WaitUntil = time.Time{}
	}
	rm.r.LastOK, rm.r.Failures, rm.r.FailingSince, rm.r.ErrorKind, rm.r.ErrorSaid, rm.dirty = now, 0, time.Time{}, "", "", true
}

// blame returns the kind of a failure, and whether it is that of the whole system: then it counts for all its rooms. Feeds
// have nothing in common but a password, if there is one.
func (y *system) blame(err error) (kind connectors.Kind, whole bool) {
	var e *connectors.Error
	if !errors.As(err, &e) { // otherwise our own store has failed, which says nothing about the system
		return connectors.Transient, errors.Is(err, context.DeadlineExceeded) && !y.kind.Feeds
	}
	switch e.Kind {
	case connectors.Auth:
		whole = !y.kind.Feeds || y.s.Username != ""
	case connectors.Trust, connectors.Throttled, connectors.Transient:
		whole = !y.kind.Feeds
	}
	return e.Kind, whole && !e.Alone
}

// failed notes a failure and decides how long to wait: what the system asked for is binding. Service.mu is held.
func (s *Service) failed(rm *room, err error, now time.Time) {
	sys := rm.sys
	kind, whole := sys.blame(err)
	said := connectors.SaidOf(err)
	after := time.Duration(float64(connectors.AfterOf(err)) * (1 + 0.25*s.o.Rand()))
	rm.r.Failures++
	if rm.r.FailingSince.IsZero() {
		rm.r.FailingSince = now
	}
	if rm.r.ErrorKind != string(kind) {
		s.o.Log.Warn("reading a room failed", "system", sys.s.ID, "resource", rm.r.ID, "kind", kind, "err", err)
	}
	rm.r.ErrorKind, rm.r.ErrorSaid, rm.dirty = string(kind), said, true
	rm.due = now.Add(max(after, backoff(rm.r.Failures, s.o.Rand())))
	switch {
	case whole:
		s.systemFailed(sys, kind, said, after, now)
	case kind == connectors.Throttled && after > 0:
		s.quieten(rm, wholeSecond(now.Add(after)))
	case kind == connectors.Forbidden || kind == connectors.Gone: // it is there, then, and has let us in
		sys.failures, sys.dirty = 0, true
		sys.s.FailingSince, sys.s.ErrorKind, sys.s.ErrorSaid = time.Time{}, "", ""
	}
}

// systemFailed notes a failure of a whole system. Service.mu is held.
func (s *Service) systemFailed(sys *system, kind connectors.Kind, said string, after time.Duration, now time.Time) {
	sys.failures++
	sys.dirty = true
	if sys.failures > 1 || kind == connectors.Trust {
		sys.fails(kind, said, now)
	}
	if kind == connectors.Throttled || sys.failures > 1 {
		sys.rest(wholeSecond(now.Add(max(after, backoff(sys.failures, s.o.Rand())))))
	}
	switch kind {
	case connectors.Throttled:
		sys.s.WaitUntil, sys.s.ErrorKind, sys.s.ErrorSaid = sys.blocked, string(kind), said
	case connectors.Auth:
		s.refused(sys, said, now)
	}
}

// fails notes what is wrong with a system, and since when. Service.mu is held.
func (y *system) fails(kind connectors.Kind, said string, now time.Time) {
	if y.s.FailingSince.IsZero() {
		y.s.FailingSince = now
	}
	y.s.ErrorKind, y.s.ErrorSaid = string(kind), said
}

// rest sends nothing before until. Service.mu is held.
func (y *system) rest(until time.Time) {
	if until.After(y.blocked) {
		y.blocked = until
	}
}

// refused counts a refused sign-in, whatever it was for, and stops a system before its account is locked. The one other
// try comes later: servers that are starting refuse everybody for a while. Service.mu is held.
func (s *Service) refused(sys *system, said string, now time.Time) {
	sys.proven, sys.dirty = false, true
	sys.fails(connectors.Auth, said, now)
	sys.rest(wholeSecond(now.Add(authPause)))
	sys.roomsChanged() // the watch may not sign in either
	if sys.authTries++; sys.authTries == authLimit {
		sys.s.PausedAt = now
		s.o.Log.Error("sign-in refused, stopped until an administrator edits the connection", "system", sys.s.ID)
	}
}

// hot reports whether something begins or ends soon in a room, or somebody just touched it.
func (s *Service) hot(ctx context.Context, rm *room) bool {
	now := s.o.Now()
	s.mu.Lock()
	touched := rm.touched
	s.mu.Unlock()
	if now.Sub(touched) < hotSpan {
		return true
	}
	var edge bool
	err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		edge, err = tx.AgendaEdge(rm.r.Workspace, now.Add(-hotSpan/3), now.Add(hotSpan))
		return err
	})
	if err != nil {
		s.o.Log.Warn("look for the next meeting", "resource", rm.r.ID, "err", err)
	}
	return edge
}

// isOpen reports whether the building's day has opening hours around now; without any it counts as open.
func (s *Service) isOpen(ctx context.Context, rm *room) bool {
	now := s.o.Now()
	hours := s.o.Hours(ctx, rm.r.Building, when.DayOf(now, rm.zone))
	if hours == nil {
		return true
	}
	for _, h := range hours {
		if now.After(h.From.Add(-time.Hour)) && now.Before(h.To.Add(time.Hour)) {
			return true
		}
	}
	return false
}
