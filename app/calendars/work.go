package calendars

import (
	"context"
	"slices"
	"time"

	"lintel/connectors"
	"lintel/store"
)

// Tick hands due rooms to idle workers. It returns at once; a gocron job calls it every second.
func (s *Service) Tick(context.Context) error {
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sys := range s.systems {
		if sys.ready(now) {
			sys.kick()
		}
	}
	s.vouch(now)
	s.noticeSilence(now)
	return nil
}

// ready reports whether a worker may take a room now: something is due, nobody asked us to wait, and only one room
// tries first after a failure of the whole system and before the first sign-in, so that a wrong password is not sent
// by all workers at once. Service.mu is held.
func (y *system) ready(now time.Time) bool {
	if len(y.queue) == 0 || y.queue[0].due.After(now) || now.Before(y.blocked) || !y.s.PausedAt.IsZero() || y.openErr != nil {
		return false
	}
	return y.failures == 0 && y.proven || y.inFlight == 0
}

func (y *system) kick() {
	select {
	case y.wake <- struct{}{}:
	default:
	}
}

// work is one worker of a system: it takes due rooms until its context ends.
func (s *Service) work(ctx context.Context, sys *system) {
	batcher, _ := sys.conn.(connectors.Batcher)
	size := 1
	if batcher != nil {
		size = batcher.BatchSize()
	}
	for {
		rooms := s.take(sys, size)
		if len(rooms) > 0 {
			s.attend(ctx, batcher, rooms)
			if ctx.Err() != nil {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-sys.wake:
		}
	}
}

// attend reads rooms that take has handed out, and puts them back. A room over which a connector panics keeps nobody else from
// being read: whoever owns the worker starts it again.
func (s *Service) attend(ctx context.Context, batcher connectors.Batcher, rooms []*room) {
	defer s.putBack(rooms)
	if len(rooms) == 1 {
		s.syncRoom(ctx, rooms[0])
		return
	}
	s.syncBatch(ctx, batcher, rooms)
}

// putBack puts back what a panic has left in hand. They are read in order, so it was about the first.
func (s *Service) putBack(rooms []*room) {
	s.mu.Lock()
	left := slices.DeleteFunc(slices.Clone(rooms), func(rm *room) bool { return !rm.taken })
	s.mu.Unlock()
	for i, rm := range left {
		if i > 0 {
			s.later(rm)
			continue
		}
		e := connectors.Fail(connectors.Invalid, "read room", "this program failed over it: see its log")
		e.Alone = true
		s.ended(rm, e, false, false)
	}
}

// take removes the rooms that have been due for longest, at most n; when nothing is due it returns none. A batch is
// filled with rooms that would be due soon. When more are due, the next worker is woken.
func (s *Service) take(sys *system, n int) []*room {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if !sys.ready(now) {
		return nil
	}
	if sys.failures > 0 {
		n = 1 // only one tries whether the system is back
	}
	soon := now
	if n > 1 {
		soon = now.Add(sys.kind.Every / 6)
	}
	var rooms []*room
	for len(rooms) < n && len(sys.queue) > 0 && !sys.queue[0].due.After(soon) && !sys.queue[0].r.WaitUntil.After(now) {
		rm := sys.queue[0]
		s.unqueue(rm)
		rm.taken = true
		sys.inFlight++
		rooms = append(rooms, rm)
	}
	if sys.ready(now) {
		sys.kick()
	}
	return rooms
}

// Touch makes a workspace's calendar be read soon and often for a while: somebody looks at it, or stands at its door.
func (s *Service) Touch(w store.WorkspaceID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rm := s.rooms[w]
	if rm == nil {
		return
	}
	now := s.o.Now()
	if now.Sub(rm.touched) < rm.sys.kind.Hot {
		return
	}
	rm.touched = now
	if rm.index >= 0 && rm.due.After(now) {
		s.bring(rm, now)
		rm.sys.kick()
	}
}

// allowed returns at, or when the room's own wait is over if that is later.
func (rm *room) allowed(at time.Time) time.Time {
	if rm.r.WaitUntil.After(at) {
		return rm.r.WaitUntil
	}
	return at
}
