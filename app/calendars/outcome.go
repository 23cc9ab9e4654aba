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
	s.keepWait(ctx, err)
}

// ended puts a room back into the queue after a cycle.
func (s *Service) ended(rm *room, err error, hot, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	sys := rm.sys
	sys.inFlight--
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
		// What a source asks for is a lower bound.
		rm.due = now.Add(max(jitter(every, s.o.Rand()), rm.wait))
	} else {
		s.failed(rm, err, now)
	}
	if rm.hinted && err == nil {
		rm.due = now.Add(max(coalesce, rm.wait))
	}
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
	sys.failures, sys.authTries, sys.dirty = 0, 0, true
	if rm.unwatched() || !sys.proven {
		sys.proven = true
		sys.roomsChanged() // they may be watched now
	}
	if !now.Before(sys.blocked) {
		sys.blocked, sys.s.WaitUntil = time.Time{}, time.Time{}
	}
	sys.s.LastOK, sys.s.FailingSince, sys.s.ErrorKind, sys.s.ErrorSaid = now, time.Time{}, "", ""
	if !now.Before(rm.r.WaitUntil) {
		rm.r.WaitUntil = time.Time{}
	}
	rm.r.LastOK, rm.r.Failures, rm.r.FailingSince, rm.r.ErrorKind, rm.r.ErrorSaid, rm.dirty = now, 0, time.Time{}, "", "", true
}

// failed notes a failure and decides how long to wait: what the system asked for is binding. Service.mu is held.
func (s *Service) failed(rm *room, err error, now time.Time) {
	sys := rm.sys
	kind, said := connectors.KindOf(err), connectors.SaidOf(err)
	if kind == "" {
		kind = connectors.Transient
	}
	var after time.Duration
	var alone bool
	var ce *connectors.Error
	switch {
	case errors.As(err, &ce):
		after, alone = time.Duration(float64(ce.After)*(1+0.25*s.o.Rand())), ce.Alone
	case !errors.Is(err, context.DeadlineExceeded):
		alone = true // our own store failed, which says nothing about the system
	}
	rm.r.Failures++
	if rm.r.FailingSince.IsZero() {
		rm.r.FailingSince = now
	}
	if rm.r.ErrorKind != string(kind) {
		s.o.Log.Warn("reading a room failed", "system", sys.s.ID, "resource", rm.r.ID, "kind", kind, "err", err)
	}
	rm.r.ErrorKind, rm.r.ErrorSaid, rm.dirty = string(kind), said, true
	wait := max(after, backoff(rm.r.Failures, s.o.Rand()))
	rm.due = rm.allowed(now.Add(wait))
	if alone {
		if kind == connectors.Throttled && after > 0 {
			s.quieten(rm, wholeSecond(now.Add(after)))
		}
		return
	}
	switch kind {
	case connectors.Auth, connectors.Trust, connectors.Throttled, connectors.Transient:
		sys.failures++
		sys.dirty = true
		if sys.s.FailingSince.IsZero() && sys.failures > 1 || kind == connectors.Auth || kind == connectors.Trust {
			if sys.s.FailingSince.IsZero() {
				sys.s.FailingSince = now
			}
			sys.s.ErrorKind, sys.s.ErrorSaid = string(kind), said
		}
		if kind == connectors.Throttled || sys.failures > 1 {
			until := wholeSecond(now.Add(max(after, backoff(sys.failures, s.o.Rand()))))
			if until.After(sys.blocked) {
				sys.blocked = until
			}
			if kind == connectors.Throttled {
				sys.s.WaitUntil, sys.s.ErrorKind, sys.s.ErrorSaid = sys.blocked, string(kind), said
			}
		}
	}
	if kind == connectors.Auth {
		s.refused(sys, now)
	}
}

// refused counts a refused sign-in, whatever it was for, and stops a system before its account is locked. Service.mu is held.
func (s *Service) refused(sys *system, now time.Time) {
	sys.proven = false
	if sys.authTries++; sys.authTries == authLimit {
		sys.s.PausedAt, sys.dirty = now, true
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
