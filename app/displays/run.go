package displays

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"time"

	"lintel/store"
)

const (
	flushEvery = 5 * time.Second  // how long what devices tell may wait for the disk
	lookEvery  = 30 * time.Second // the longest wait between two looks at the clock, which may be set
	sweepEvery = time.Hour
	restAfter  = time.Minute // without a picture, the memory of drawing is given back
	manyDrawn  = 100         // … and at once after so many: a start, or a turn of the hour, is over
)

// Run draws pictures when rooms change and when states begin and end, and stores what devices tell. It returns nil when ctx ends,
// after a last Flush.
func (s *Service) Run(ctx context.Context) error {
	for {
		if err := s.Tick(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.Error("store what displays tell", "err", err)
		}
		timer := time.NewTimer(s.idle())
		select {
		case <-ctx.Done():
			timer.Stop()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushEvery)
			defer cancel()
			return s.Flush(last)
		case <-s.poke:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// Tick does what is due now: draws rooms, stores what was told, removes forgotten pending displays. Run calls it.
func (s *Service) Tick(ctx context.Context) error {
	now := s.o.Now()
	s.mu.Lock()
	house := s.houseChanged
	s.houseChanged = false
	s.mu.Unlock()
	if house {
		if err := s.readLanguage(ctx); err != nil {
			s.PlacesChanged() // it is tried again
			return err
		}
		for _, d := range s.all() {
			if d.room() == "" {
				s.showNotice(d, false)
			}
		}
	}
	s.lookAtRooms(ctx, now)
	s.rest(now)
	s.queue.Lock()
	flush := len(s.pictures) > 0 || now.Sub(s.flushedAt).Abs() >= flushEvery
	sweep := now.Sub(s.swept).Abs() >= sweepEvery
	s.queue.Unlock()
	if flush {
		if err := s.Flush(ctx); err != nil {
			return err
		}
	}
	if sweep {
		return s.sweep(ctx, now)
	}
	return nil
}

// rest gives back the memory that drawing took, when drawing pauses. As that costs a collection of garbage, and the next picture some
// milliseconds, it waits for many pictures or for a minute without any.
func (s *Service) rest(now time.Time) {
	drawn := s.drawn.Swap(0)
	if drawn > 0 {
		s.drawnAt, s.rested = now, false
	}
	if s.rested || drawn < manyDrawn && now.Sub(s.drawnAt).Abs() < restAfter {
		return
	}
	s.rested = true
	s.o.Renderer.Rest()
	debug.FreeOSMemory()
}

// idle returns how long Run may wait.
func (s *Service) idle() time.Duration {
	now := s.o.Now()
	wait := lookEvery
	s.queue.Lock()
	if len(s.contacts)+len(s.logs)+len(s.pictures) > 0 {
		wait = flushEvery - now.Sub(s.flushedAt)
	}
	s.queue.Unlock()
	s.mu.RLock()
	for _, w := range s.rooms {
		wait = min(wait, w.due.Sub(now))
	}
	s.mu.RUnlock()
	return max(wait, 10*time.Millisecond)
}

// enqueue notes a contact for the next Flush.
func (s *Service) enqueue(c store.DisplayContact) {
	s.queue.Lock()
	first := len(s.contacts) == 0
	s.contacts[c.ID] = c
	s.queue.Unlock()
	if first {
		s.nudge()
	}
}

// flushBatch is how many displays one transaction stores.
const flushBatch = 500

// Flush stores what devices have told and which pictures they have. What can't be stored is kept for the next time.
func (s *Service) Flush(ctx context.Context) error {
	s.queue.Lock()
	contacts, pictures, logs := s.contacts, s.pictures, s.logs
	s.contacts, s.pictures = map[store.DisplayID]store.DisplayContact{}, map[store.DisplayID]store.DisplayPicture{}
	s.logs = map[store.DisplayID][]store.DisplayLogLine{}
	s.flushedAt = s.o.Now()
	s.queue.Unlock()
	if err := s.save(ctx, contacts, pictures, logs); err != nil {
		s.queue.Lock()
		maps.Copy(contacts, s.contacts) // what came meanwhile is newer
		maps.Copy(pictures, s.pictures)
		for id, lines := range s.logs {
			logs[id] = append(logs[id], lines...)
			logs[id] = logs[id][max(0, len(logs[id])-maxLogBatch):]
		}
		s.contacts, s.pictures, s.logs = contacts, pictures, logs
		s.queue.Unlock()
		return fmt.Errorf("store contacts of displays: %w", err)
	}
	for id, c := range contacts {
		if c.HardwareID != "" {
			s.learnHardware(ctx, id)
		}
		s.o.Changed(id)
	}
	return nil
}

// learnHardware takes over the hardware id that a contact brought, if no other display had it.
func (s *Service) learnHardware(ctx context.Context, id store.DisplayID) {
	var hardware string
	if err := s.o.Store.View(ctx, func(tx *store.Tx) error {
		row, err := tx.Display(id)
		hardware = row.HardwareID
		return err
	}); err != nil {
		return // the display was removed meanwhile, or the program stops
	}
	if d := s.get(id); d != nil {
		d.mu.Lock()
		d.row.HardwareID = hardware
		d.mu.Unlock()
	}
}

// save stores in transactions of bounded size, so that bookings do not wait for long. What is stored twice is the same.
func (s *Service) save(ctx context.Context, contacts map[store.DisplayID]store.DisplayContact, pictures map[store.DisplayID]store.DisplayPicture,
	logs map[store.DisplayID][]store.DisplayLogLine,
) error {
	var todo []func(*store.Tx) error
	for _, c := range contacts {
		todo = append(todo, func(tx *store.Tx) error { return tx.SaveContact(c) })
	}
	for _, p := range pictures {
		todo = append(todo, func(tx *store.Tx) error { return tx.SavePicture(p) })
	}
	for len(todo) > 0 {
		n := min(len(todo), flushBatch)
		if err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
			for _, f := range todo[:n] {
				if err := f(tx); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		todo = todo[n:]
	}
	for id, lines := range logs {
		if err := s.o.Store.Update(ctx, func(tx *store.Tx) error { return tx.AppendDisplayLog(id, lines) }); err != nil {
			return err
		}
		delete(logs, id)
	}
	return nil
}

// How long a pending display may be silent before it is forgotten. A device that has used its key keeps it long: without it, only
// a reset by hand lets it ask for another.
const (
	forgetPanel  = 24 * time.Hour
	forgetUnused = 24 * time.Hour
	forgetDevice = 90 * 24 * time.Hour
)

// sweep removes pending displays that nobody has heard of for long.
func (s *Service) sweep(ctx context.Context, now time.Time) error {
	s.queue.Lock()
	s.swept = now
	s.queue.Unlock()
	return s.dropPending(ctx, func(tx *store.Tx) (gone []store.DisplayID, err error) {
		for _, rule := range []struct {
			protocol store.Protocol
			silent   time.Duration
			unused   bool
		}{
			{store.ProtocolPanel, forgetPanel, false},
			{store.ProtocolTRMNL, forgetUnused, true},
			{store.ProtocolNative, forgetUnused, true},
			{store.ProtocolTRMNL, forgetDevice, false},
			{store.ProtocolNative, forgetDevice, false},
		} {
			ids, err := tx.DropPending(rule.protocol, now.Add(-rule.silent), rule.unused)
			if err != nil {
				return nil, err
			}
			gone = append(gone, ids...)
		}
		return gone, nil
	})
}

// dropPending removes what f removes on disk, and then in memory.
func (s *Service) dropPending(ctx context.Context, f func(*store.Tx) ([]store.DisplayID, error)) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	var gone []store.DisplayID
	err := s.o.Store.Update(ctx, func(tx *store.Tx) (err error) {
		gone, err = f(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget pending displays: %w", err)
	}
	s.forget(gone)
	return nil
}
