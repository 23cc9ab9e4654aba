package calendars

import (
	"context"
	"errors"
	"strings"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/connectors"
	"lintel/store"
)

// Attach makes a calendar of a system the agenda of a workspace. Hosted bookings that lie ahead there stay
// visible in the store but the system's agenda counts: so a workspace with future hosted bookings is refused.
func (s *Service) Attach(ctx context.Context, by people.Actor, w store.WorkspaceID, id store.SystemID, address string) error {
	if err := need(by); err != nil {
		return err
	}
	address = strings.TrimSpace(address)
	if address == "" {
		return problem.Field("address", "form.missing")
	}
	r := store.Resource{ID: store.NewID[store.ResourceID](), Workspace: w, System: id, Address: address}
	var err error
	if r.Writable, err = s.mayWrite(ctx, by, id, address); err != nil {
		return err
	}
	s.arranging.Lock()
	defer s.arranging.Unlock()
	err = s.o.Store.Update(ctx, func(tx *store.Tx) error {
		y, err := tx.System(id)
		if err != nil {
			return err
		}
		n, err := tx.FutureHosted(w)
		if err != nil {
			return err
		}
		if n > 0 {
			return problem.New(problem.Conflict, "systems.hosted_ahead", "Count", n)
		}
		if err := tx.AttachResource(r, s.o.Kinds[y.Kind].Feeds); err != nil {
			return err
		}
		r, err = tx.Resource(r.ID)
		if err != nil {
			return err
		}
		return audit.Record(tx, by, "system.attach", "workspace", string(w), "system", string(id))
	})
	if errors.Is(err, store.ErrDuplicate) {
		return problem.Field("workspace", "systems.attached_already").Because(err)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	if sys := s.systems[id]; sys != nil && !sys.kind.Feeds {
		s.addRoom(r, s.o.Now())
		sys.kick()
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	return s.reload(ctx, id) // the connector has to know the new feed
}

// mayWrite asks the system whether we may write to a calendar. Where it does not tell, or can't be reached
// now, yes: a write that is refused says so.
func (s *Service) mayWrite(ctx context.Context, by people.Actor, id store.SystemID, address string) (bool, error) {
	conn, room, done, err := s.open(ctx, by, s.o.Out, id, Connection{}, address, nil)
	if err != nil {
		return false, err
	}
	defer done()
	if !conn.Caps().Has(connectors.CapBook) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, attachTimeout)
	defer cancel()
	access := conn.Check(ctx, connectors.CheckRequest{Room: room}).Access
	return access == connectors.AccessWrite || access == connectors.AccessUnknown, nil
}

// attachTimeout bounds the question for rights when a room is attached.
const attachTimeout = 20 * time.Second

// Detach makes a workspace hosted again.
func (s *Service) Detach(ctx context.Context, by people.Actor, w store.WorkspaceID) error {
	if err := need(by); err != nil {
		return err
	}
	s.arranging.Lock()
	defer s.arranging.Unlock()
	err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
		r, err := tx.ResourceOf(w)
		if err != nil {
			return err
		}
		if err := tx.DeleteResource(r.ID); err != nil {
			return err
		}
		return audit.Record(tx, by, "system.detach", "workspace", string(w), "system", string(r.System))
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	if rm := s.rooms[w]; rm != nil {
		s.forget(rm)
	}
	s.mu.Unlock()
	s.o.Changed(w)
	return nil
}
