package calendars

import (
	"bytes"
	"context"
	"errors"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/store"
)

// window returns the span of agenda that is kept for a room at now; the day back keeps meetings over midnight.
func window(now time.Time, zone *time.Location) when.Interval {
	today := when.DayOf(now, zone)
	return when.Interval{From: today.Add(-connectors.DaysBack).Start(zone), To: today.Add(connectors.DaysAhead).Start(zone)}
}

// syncRoom probes and reads one room that take has handed out, and puts it back into the queue.
func (s *Service) syncRoom(ctx context.Context, rm *room) {
	if !rm.lease.tryLock() {
		s.later(rm) // somebody writes to it at this moment: the worker has others to read
		return
	}
	defer rm.lease.unlock()
	if s.silent(rm) {
		s.later(rm)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	look, err := s.look(ctx, rm)
	if err == nil {
		var change connectors.Change
		if change, err = rm.sys.conn.Probe(ctx, look.target, look.stored.cursor); err == nil {
			err = s.follow(ctx, rm, look, change)
		}
	}
	s.settle(ctx, rm, err)
}

// syncBatch probes several rooms in one request and reads those that changed, one after the other. Each room's lease is held
// only while it is read: nobody at a door waits for the other rooms.
func (s *Service) syncBatch(ctx context.Context, b connectors.Batcher, rooms []*room) {
	var asked []connectors.ProbeRequest
	var taken []*room
	var looks []look
	for _, rm := range rooms {
		l, err := s.look(ctx, rm)
		if err != nil {
			s.settle(ctx, rm, err)
			continue
		}
		asked = append(asked, connectors.ProbeRequest{Room: l.target, Cursor: l.stored.cursor})
		taken, looks = append(taken, rm), append(looks, l)
	}
	if len(asked) == 0 {
		return
	}
	probing, cancel := context.WithTimeout(ctx, roomTimeout)
	results := b.ProbeMany(probing, asked)
	cancel()
	met := map[connectors.Kind]bool{} // failures of the whole system: one request meets each once
	for i, rm := range taken {
		if kind, whole := rm.sys.blame(results[i].Err); whole {
			if met[kind] {
				s.later(rm)
				continue
			}
			met[kind] = true
		}
		s.endBatched(ctx, rm, looks[i], results[i])
	}
}

// endBatched reads one room of a batch when it changed, and puts it back into the queue. A room that somebody writes to at
// this moment is left for later: its probe sees the change again.
func (s *Service) endBatched(ctx context.Context, rm *room, l look, result connectors.ProbeResult) {
	ctx, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	err := result.Err
	if err == nil {
		if !rm.lease.tryLock() {
			s.later(rm)
			return
		}
		defer rm.lease.unlock()
		if s.silent(rm) {
			s.later(rm)
			return
		}
		err = s.follow(ctx, rm, l, result.Change)
	}
	s.settle(ctx, rm, err)
}

// silent reports whether a room is not to be asked about although it was handed out: since then, through another room or
// somebody's booking, the system asked for time or refused the sign-in for good.
func (s *Service) silent(rm *room) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	return now.Before(rm.sys.blocked) || now.Before(rm.r.WaitUntil) || !rm.sys.s.PausedAt.IsZero()
}

// later puts a room back that was handed out but not asked.
func (s *Service) later(rm *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rm.sys.inFlight--
	rm.taken = false
	rm.due = rm.allowed(s.o.Now().Add(postponed))
	s.enqueue(rm)
}

// look is what is known of a room before it is probed.
type look struct {
	target   connectors.Room
	stored   marks
	mustRead bool // forced, hourly or a new day: read whatever the probe says
}

// look prepares a cycle: probe -> unchanged: done; changed or due for a whole read: read and apply.
func (s *Service) look(ctx context.Context, rm *room) (l look, err error) {
	s.mu.Lock()
	now := s.o.Now()
	c, safety := rm.r, safetyRead
	if rm.live {
		safety = calmRead
	}
	l.mustRead = rm.force || rm.r.Unsettled || rm.lastRead.IsZero() || now.Sub(rm.lastRead) >= safety || rm.dayRead != when.DayOf(now, rm.zone)
	rm.sys.reads++
	l.target = connectors.Room{ID: rm.sys.kind.roomID(c), Zone: rm.zone}
	s.mu.Unlock()
	l.stored, err = s.marks(ctx, c.ID)
	if errors.Is(err, store.ErrNotFound) {
		return l, errDetached
	}
	return l, err
}

// errDetached ends a cycle whose room was detached meanwhile: that is no failure.
var errDetached = errors.New("detached")

// follow ends a cycle after its probe. rm.lease is held.
func (s *Service) follow(ctx context.Context, rm *room, l look, probe connectors.Change) error {
	s.mu.Lock()
	rm.wait = probe.Wait
	s.mu.Unlock()
	if !probe.Changed && !l.mustRead {
		return nil
	}
	changed, err := s.readAndApply(ctx, rm, l.target, l.stored, l.stored.state, probe.Next)
	if errors.Is(err, connectors.CursorExpired) {
		changed, err = s.readAndApply(ctx, rm, l.target, l.stored, nil, probe.Next)
	}
	if changed {
		s.o.Changed(rm.r.Workspace)
	}
	if c, ok := rm.sys.conn.(connectors.ReadWriter); ok && err == nil {
		s.settleWrites(ctx, rm, c, l.target)
	}
	return err
}

// resource returns what is known of a room's calendar at this moment.
func (s *Service) resource(rm *room) store.Resource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return rm.r
}

// marks are what a connector keeps of a room between its reads.
type marks struct {
	cursor connectors.Cursor
	state  []byte
	lost   bool // something is stored that can't be read
}

// marks reads the marks of a calendar; ErrNotFound when it was detached. Marks that can't be read are lost.
func (s *Service) marks(ctx context.Context, id store.ResourceID) (m marks, err error) {
	err = s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		m.cursor, m.state, err = tx.SyncMarks(id)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
		// Sealed with a lost key, or damaged: read in full.
		s.o.Log.Warn("read sync marks", "resource", id, "err", err)
		return marks{lost: true}, nil
	}
	return m, err
}

// readAndApply reads the window by a connector's state and makes the stored agenda equal to it in one transaction.
// Nothing is written where all is as it was. next is the mark for the next probe, kept when the read was complete;
// nil keeps the stored one.
func (s *Service) readAndApply(ctx context.Context, rm *room, target connectors.Room, stored marks, state []byte, next connectors.Cursor) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, roomTimeout) // a write reads back even when nobody waits for it any more
	defer cancel()
	now := s.o.Now()
	w := window(now, rm.zone)
	snap, err := rm.sys.conn.Read(ctx, connectors.ReadRequest{Room: target, Window: w, State: state})
	if err != nil {
		return false, err
	}
	events, r := normalise(snap.Events, w, rm.zone), s.resource(rm)
	var change store.AgendaChange
	err = s.o.Store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if change, err = tx.ApplyAgenda(r, w.From, w.To, events, snap.Complete, snap.Unread...); err != nil {
			return err
		}
		if len(events) == 0 && change.Removed >= doubtful && !rm.doubted {
			return errDoubted
		}
		if stored.lost || !bytes.Equal(snap.State, stored.state) {
			if err := tx.SaveSyncState(rm.r.ID, snap.State); err != nil {
				return err
			}
		}
		if next == nil || !snap.Complete || !stored.lost && bytes.Equal(next, stored.cursor) {
			return nil
		}
		return tx.SaveSyncCursor(rm.r.ID, next)
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil // detached while we were reading
	}
	if errors.Is(err, errDoubted) {
		rm.doubted = true
		e := connectors.Fail(connectors.Transient, "read window", "a full calendar came back empty: asked again before it is believed")
		e.Alone = true
		return false, e
	}
	if err != nil {
		return false, err
	}
	rm.doubted = false
	s.mu.Lock()
	defer s.mu.Unlock()
	rm.unread = snap.Unread
	rm.lastRead, rm.dayRead, rm.force = now, when.DayOf(now, rm.zone), false
	rm.r.Skipped, rm.r.Warnings = snap.Skipped, nil
	for _, warn := range snap.Warnings {
		rm.r.Warnings = append(rm.r.Warnings, store.ResourceWarning{Key: warn.Key, Count: warn.Count, Said: warn.Said})
	}
	if change.Any() {
		rm.r.LastChanged = now
	}
	return change.Any(), nil
}

// doubtful is how many bookings have to vanish at once, with nothing left, to be believed only when it is said twice: servers
// that are being restored, and lost permissions, look like that.
const doubtful = 5

var errDoubted = errors.New("empty all at once")

// readAhead makes the stored agenda of a span that lies beyond the window equal to what the system tells: somebody makes or
// changes a booking weeks ahead. Nobody looks there again before the window comes to it. rm.lease is held.
func (s *Service) readAhead(ctx context.Context, rm *room, span when.Interval) error {
	if span.From.Before(window(s.o.Now(), rm.zone).To) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), roomTimeout)
	defer cancel()
	stored, err := s.marks(ctx, rm.r.ID)
	if err != nil {
		return err
	}
	r := s.resource(rm)
	target := connectors.Room{ID: rm.sys.kind.roomID(r), Zone: rm.zone}
	snap, err := rm.sys.conn.Read(ctx, connectors.ReadRequest{Room: target, Window: span, State: stored.state})
	if err != nil {
		return err
	}
	var change store.AgendaChange
	err = s.o.Store.Update(ctx, func(tx *store.Tx) (err error) {
		change, err = tx.ApplyAgenda(r, span.From, span.To, normalise(snap.Events, span, rm.zone), snap.Complete, snap.Unread...)
		return err
	})
	if change.Any() && err == nil {
		s.o.Changed(rm.r.Workspace)
	}
	return err
}

// normalise keeps what occupies the room within w, one of each identity, and takes away what is private:
// from here on nothing knows a private subject.
func normalise(events []connectors.Event, w when.Interval, zone *time.Location) []store.SyncedEvent {
	seen := make(map[string]bool, len(events))
	out := make([]store.SyncedEvent, 0, len(events))
	for _, e := range events {
		if !e.Occupies(w) || seen[e.Identity()] {
			continue
		}
		seen[e.Identity()] = true
		if e.Private {
			e.Hide()
		}
		v := store.SyncedEvent{
			UID: e.Series, Original: e.Occurrence, Key: e.Key, Rev: e.Rev,
			From: e.From.Truncate(time.Second), To: e.To.Truncate(time.Second), Zone: zone.String(),
			AllDay: e.AllDay, Private: e.Private, Tentative: e.Tentative, Mine: e.Mine, HasImage: e.HasImage && !e.Private, Token: e.Token, Created: e.Created,
			Subject: e.Subject, Organizer: e.Organizer, Address: e.OrganizerAddr,
		}
		if e.AllDay {
			v.From, v.To = e.FirstDay.Start(zone), e.EndDay.Start(zone)
			v.FromWall, v.ToWall = when.Wall{Date: e.FirstDay}.String(), when.Wall{Date: e.EndDay}.String()
		} else {
			v.FromWall, v.ToWall = when.WallOf(e.From, zone).String(), when.WallOf(e.To, zone).String()
		}
		if v.To.After(v.From) {
			out = append(out, v)
		}
	}
	return out
}
