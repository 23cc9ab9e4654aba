package calendars

import (
	"context"
	"errors"
	"strings"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
)

// CheckOptions say how far a check goes.
type CheckOptions struct {
	Address string                  // of a room; "" checks only what concerns the whole system
	Write   bool                    // also write, read back and delete a test event, far in the future
	Trace   func(outbound.Exchange) // is told of what is sent and answered, redacted; may be nil
}

// checkTimeout bounds a check.
const checkTimeout = 90 * time.Second

// Check walks through a connection step by step. With a zero id it checks what was typed, before it is stored; with an
// id and no kind the stored one. While a system has asked to be left alone nothing is sent.
func (s *Service) Check(ctx context.Context, by people.Actor, id store.SystemID, c Connection, o CheckOptions) (connectors.Report, error) {
	return s.check(ctx, by, id, c, o, nil)
}

// Validate returns what is wrong with the fields of a new system, nil when nothing is. Nothing is made or sent.
func (s *Service) Validate(by people.Actor, c Connection) error {
	if err := need(by); err != nil {
		return err
	}
	_, err := s.validate(c, nil)
	return err
}

// check is Check of a system that change, which may be nil, has altered first.
func (s *Service) check(ctx context.Context, by people.Actor, id store.SystemID, c Connection, o CheckOptions, change func(*store.System) error) (connectors.Report, error) {
	if err := need(by); err != nil {
		return connectors.Report{}, err
	}
	s.mu.Lock()
	sys := s.systems[id]
	s.mu.Unlock()
	until, err := s.waitsUntil(ctx, id, o.Address)
	if err != nil {
		return connectors.Report{}, err
	}
	if !until.IsZero() {
		report := connectors.Report{Steps: []connectors.Step{{
			Name: "calendar.check.wait", State: connectors.StepFailed, Said: until.UTC().Format(time.RFC3339), Cure: "calendar.cure.throttled",
		}}}
		if c.Kind == "" && change == nil {
			s.noteCheck(ctx, id, sys, o.Address, report)
		}
		return report, nil
	}
	out := s.o.Out
	if o.Trace != nil {
		out = out.Traced(o.Trace)
	}
	conn, room, done, err := s.open(ctx, by, out, id, c, o.Address, change)
	if err != nil {
		return connectors.Report{}, err
	}
	defer done()
	checking, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	report := conn.Check(checking, connectors.CheckRequest{Room: room, Write: o.Write})
	if id != "" && c.Kind == "" && change == nil {
		s.noteCheck(ctx, id, sys, o.Address, report)
	}
	return report, nil
}

// noteCheck remembers what a check of a stored connection found, for whoever looks at its page next; nothing where the
// connection was opened anew since the check began from sys, which is nil without an engine: it may be set up otherwise by now.
func (s *Service) noteCheck(ctx context.Context, id store.SystemID, sys *system, address string, report connectors.Report) {
	s.arranging.Lock()
	defer s.arranging.Unlock()
	s.mu.Lock()
	same := s.systems[id] == sys
	s.mu.Unlock()
	if !same {
		return
	}
	found := store.SystemCheck{At: s.o.Now()}
	for _, step := range report.Steps {
		found.Steps = append(found.Steps, store.SystemCheckStep{Name: step.Name, State: string(step.State), Said: step.Said, Cure: step.Cure, Took: step.Took})
	}
	err := s.o.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if address != "" {
			rooms, err := tx.Resources()
			if err != nil {
				return err
			}
			for _, r := range rooms {
				if r.System == id && strings.EqualFold(r.Address, strings.TrimSpace(address)) {
					found.Workspace = r.Workspace
					break
				}
			}
		}
		return tx.SaveSystemCheck(id, found)
	})
	if err != nil {
		s.o.Log.Warn("remember what a check found", "system", id, "err", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sys != nil {
		sys.s.Checked = found
	}
}

// reportOf returns what a stored check found.
func reportOf(c store.SystemCheck) connectors.Report {
	var report connectors.Report
	for _, step := range c.Steps {
		report.Steps = append(report.Steps, connectors.Step{Name: step.Name, State: connectors.StepState(step.State), Said: step.Said, Cure: step.Cure, Took: step.Took})
	}
	return report
}

// waitsUntil returns until when a system wants to be left alone, as a whole or about the room of an address, which may
// be ""; zero when it does not. A command that runs without the server asks the store.
func (s *Service) waitsUntil(ctx context.Context, id store.SystemID, address string) (until time.Time, err error) {
	var rooms []store.Resource
	s.mu.Lock()
	loaded := s.loaded
	if y := s.systems[id]; y != nil {
		until = y.s.WaitUntil
	}
	if address != "" {
		for _, rm := range s.rooms {
			rooms = append(rooms, rm.r)
		}
	}
	s.mu.Unlock()
	if !loaded && id != "" {
		if err := s.o.Store.View(ctx, func(tx *store.Tx) error {
			y, err := tx.System(id)
			if err != nil {
				return err
			}
			until = s.credible(y.WaitUntil)
			if address != "" {
				rooms, err = tx.Resources()
			}
			return err
		}); err != nil {
			return until, err
		}
	}
	for _, r := range rooms {
		if at := s.credible(r.WaitUntil); r.System == id && at.After(until) && strings.EqualFold(r.Address, strings.TrimSpace(address)) {
			until = at
		}
	}
	if !s.o.Now().Before(until) {
		return time.Time{}, nil
	}
	return until, nil
}

// Rooms lists the calendars that a system offers, at most 2,000. Systems that can't list return none.
func (s *Service) Rooms(ctx context.Context, by people.Actor, id store.SystemID, c Connection) ([]connectors.RoomRef, error) {
	conn, _, done, err := s.open(ctx, by, s.o.Out, id, c, "", nil)
	if err != nil {
		return nil, err
	}
	defer done()
	lister, ok := conn.(connectors.Lister)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var all []connectors.RoomRef
	for page := ""; ; {
		refs, next, err := lister.Rooms(ctx, page)
		if err != nil {
			s.told(ctx, id, c, err)
			s.noteUnlisted(ctx, id, c, err)
			return all, explain(err)
		}
		all = append(all, refs...)
		if next == "" || len(all) >= 2000 {
			return all, nil
		}
		page = next
	}
}

// noteUnlisted remembers why the rooms of a stored system can't be listed where nothing else is known of it: it was tried then.
func (s *Service) noteUnlisted(ctx context.Context, id store.SystemID, c Connection, err error) {
	if id == "" || c.Kind != "" || ctx.Err() != nil || errors.Is(err, connectors.Throttled) {
		return
	}
	s.mu.Lock()
	sys := s.systems[id]
	known := sys == nil || len(sys.queue) > 0 || sys.inFlight > 0 || !sys.s.Checked.At.IsZero()
	s.mu.Unlock()
	if !known {
		s.noteCheck(ctx, id, sys, "", connectors.Report{Steps: []connectors.Step{{
			Name: "calendar.check.rooms", State: connectors.StepFailed, Said: connectors.SaidOf(err), Cure: connectors.CureOf(err),
		}}})
	}
}

// told heeds what a stored system has answered to a connector of open's.
func (s *Service) told(ctx context.Context, id store.SystemID, c Connection, err error) {
	s.mu.Lock()
	y := s.systems[id]
	s.mu.Unlock()
	if y != nil && c.Kind == "" {
		s.heed(ctx, y, nil, err)
	}
}

// open makes a connector of its own for a check, so that it never disturbs the one in use. The room is that of
// address, which may be "".
func (s *Service) open(ctx context.Context, by people.Actor, out *outbound.Outbound, id store.SystemID, c Connection, address string,
	change func(*store.System) error,
) (connectors.Connector, connectors.Room, func(), error) {
	none := connectors.Room{Zone: time.UTC}
	if err := need(by); err != nil {
		return nil, none, nil, err
	}
	y, err := s.typedOrStored(ctx, id, c)
	if err == nil && change != nil {
		err = change(&y)
	}
	if err != nil {
		return nil, none, nil, err
	}
	kind, ok := s.o.Kinds[y.Kind]
	if !ok {
		return nil, none, nil, errUnknownKind
	}
	if kind.Pushed {
		return pushed{s, id}, none, func() {}, nil
	}
	if until, err := s.waitsUntil(ctx, id, address); err != nil {
		return nil, none, nil, err
	} else if !until.IsZero() {
		return nil, none, nil, problem.New(problem.Down, "systems.asked_to_wait")
	}
	var rooms []store.Resource
	room := none
	if address = strings.TrimSpace(address); address != "" {
		rooms = []store.Resource{{ID: "checked", Address: address}}
		room.ID = kind.roomID(rooms[0])
	}
	conn, err := kind.Open(out, y, rooms)
	if err != nil {
		return nil, none, nil, cannotOpen(err)
	}
	return conn, room, func() {
		if err := conn.Close(); err != nil {
			s.o.Log.Warn("close booking system", "system", y.ID, "err", err)
		}
	}, nil
}

// typedOrStored returns what was typed or, when nothing was, the stored system. What was typed over a stored
// system without a password keeps the stored one, as Edit does, but only for the same server.
func (s *Service) typedOrStored(ctx context.Context, id store.SystemID, c Connection) (store.System, error) {
	var old store.System
	if id != "" {
		if err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
			old, err = tx.System(id)
			return err
		}); err != nil {
			return old, err
		}
		if c.Kind == "" {
			return old, nil
		}
	}
	if id == "" {
		y, err := s.validate(c, nil)
		return y, problem.Join(err, s.prepare(&y)) // all that is wrong at once
	}
	c.Kind = old.Kind
	y, err := s.validate(c, &old)
	y.ID = id
	return y, err
}
