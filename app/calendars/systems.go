package calendars

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
)

// Kinds lists the kinds of systems that can be connected, by name.
func (s *Service) Kinds() []string { return slices.Sorted(maps.Keys(s.o.Kinds)) }

// Fields returns what is typed about a kind of system, in the order of a form; nil for unknown kinds.
func (s *Service) Fields(kind string) []Field { return s.o.Kinds[kind].Fields }

// Connect stores a new booking system and starts reading it once rooms are attached.
func (s *Service) Connect(ctx context.Context, by people.Actor, c Connection) (store.SystemID, error) {
	if err := need(by); err != nil {
		return "", err
	}
	y, err := s.validate(c, nil)
	if err != nil {
		return "", err
	}
	if err := s.prepare(&y); err != nil {
		return "", err
	}
	y.ID = store.NewID[store.SystemID]()
	if err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.SaveSystem(y); err != nil {
			return err
		}
		return audit.Record(tx, by, "system.connect", "system", string(y.ID), "kind", y.Kind)
	}); err != nil {
		return "", nameTaken(err)
	}
	return y.ID, s.reload(ctx, y.ID)
}

// Edit changes a booking system. A pause after refused sign-ins ends.
func (s *Service) Edit(ctx context.Context, by people.Actor, id store.SystemID, c Connection) error {
	if err := need(by); err != nil {
		return err
	}
	if err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
		old, err := tx.System(id)
		if err != nil {
			return err
		}
		c.Kind = old.Kind
		y, err := s.validate(c, &old)
		if err != nil {
			return err
		}
		if err := s.prepare(&y); err != nil {
			return err
		}
		y.ID = id
		if err := tx.SaveSystem(y); err != nil {
			return err
		}
		return audit.Record(tx, by, "system.edit", "system", string(id))
	}); err != nil {
		return nameTaken(err)
	}
	return s.reload(ctx, id)
}

// prepare adds what Lintel makes itself.
func (s *Service) prepare(y *store.System) error {
	if f := s.o.Kinds[y.Kind].Prepare; f != nil {
		return f(y, s.o.Now())
	}
	return nil
}

// Disconnect deletes a booking system: its rooms are hosted from then on, and their future synced
// bookings go.
func (s *Service) Disconnect(ctx context.Context, by people.Actor, id store.SystemID) error {
	if err := need(by); err != nil {
		return err
	}
	var changed []store.WorkspaceID
	s.mu.Lock()
	for w, r := range s.rooms {
		if r.r.System == id {
			changed = append(changed, w)
		}
	}
	s.dropSystem(id)
	s.mu.Unlock()
	err := s.o.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteSystem(id); err != nil {
			return err
		}
		return audit.Record(tx, by, "system.disconnect", "system", string(id))
	})
	if err != nil {
		return errors.Join(err, s.reload(ctx, id))
	}
	for _, w := range changed {
		s.o.Changed(w)
	}
	return nil
}

// Attach makes a calendar of a system the agenda of a workspace. Hosted bookings that lie ahead there stay
// visible in the store but the system's agenda counts: so a workspace with future hosted bookings is refused.
func (s *Service) Attach(ctx context.Context, by people.Actor, w store.WorkspaceID, id store.SystemID, address string) error {
	if err := need(by); err != nil {
		return err
	}
	address = strings.TrimSpace(address)
	if address == "" {
		return problem.Field("address", "systems.address_needed")
	}
	r := store.Resource{ID: store.NewID[store.ResourceID](), Workspace: w, System: id, Address: address}
	var err error
	if r.Writable, err = s.mayWrite(ctx, by, id, address); err != nil {
		return err
	}
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

// Reload follows a change of places: a workspace, floor or building that was deleted or came back, a zone
// that was changed.
func (s *Service) Reload(ctx context.Context) error {
	var resources []store.Resource
	if err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		resources, err = tx.Resources()
		return err
	}); err != nil {
		return fmt.Errorf("load resources: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return nil
	}
	live := map[store.WorkspaceID]bool{}
	for _, r := range resources {
		live[r.Workspace] = true
		if rm := s.rooms[r.Workspace]; rm == nil || rm.r.Zone != r.Zone || rm.r.Address != r.Address || rm.r.ID != r.ID {
			s.addRoom(r, s.o.Now())
		}
	}
	for w, rm := range s.rooms {
		if !live[w] {
			s.forget(rm)
		}
	}
	return nil
}

// reload opens one system anew after a change.
func (s *Service) reload(ctx context.Context, id store.SystemID) error {
	var y store.System
	var resources []store.Resource
	if err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		if y, err = tx.System(id); err != nil {
			return err
		}
		resources, err = tx.Resources()
		return err
	}); err != nil {
		return fmt.Errorf("load booking system: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return nil
	}
	s.dropSystem(id)
	rooms := of(resources, id)
	s.addSystem(y, rooms)
	for _, r := range rooms {
		s.addRoom(r, s.o.Now())
	}
	s.systems[id].kick()
	return nil
}

func nameTaken(err error) error {
	if errors.Is(err, store.ErrDuplicate) {
		return problem.Field("name", "systems.name_taken").Because(err)
	}
	return err
}

// Status is how one connected system does, for the page and the alert strip.
type Status struct {
	System    store.System // Secrets are cleared, but for which there are
	Caps      connectors.Caps
	OpenErr   error // the connector could not be made from what is stored
	Rooms     []RoomStatus
	Waiting   time.Time // nothing is sent before; zero when nothing is awaited
	PerMinute float64   // how often it was asked a minute, since Since
	Since     time.Time
}

// RoomStatus is how one attached calendar does.
type RoomStatus struct {
	Resource    store.Resource
	NextRead    time.Time
	Done, Total int // progress of a long first read; 0, 0 when none runs
}

// Statuses returns all systems by name, each with its rooms by name.
func (s *Service) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	out := make([]Status, 0, len(s.systems))
	for _, y := range s.systems {
		st := Status{System: y.s, OpenErr: y.openErr, Since: y.meterSince}
		st.System.Secrets = make(map[string]secret.Text, len(y.s.Secrets))
		for name := range y.s.Secrets {
			st.System.Secrets[name] = secret.Text{}
		}
		if y.conn != nil {
			st.Caps = y.conn.Caps()
		}
		if y.blocked.After(now) {
			st.Waiting = y.blocked
		}
		if m := now.Sub(y.meterSince).Minutes(); m >= 1 {
			st.PerMinute = float64(y.reads) / m
		}
		for _, r := range s.rooms {
			if r.sys == y {
				st.Rooms = append(st.Rooms, RoomStatus{Resource: r.r, NextRead: r.due, Done: r.progress[0], Total: r.progress[1]})
			}
		}
		slices.SortFunc(st.Rooms, func(a, b RoomStatus) int {
			return strings.Compare(a.Resource.WorkspaceName, b.Resource.WorkspaceName)
		})
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.System.Name, b.System.Name) })
	return out
}

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

// check is Check of a system that change, which may be nil, has altered first.
func (s *Service) check(ctx context.Context, by people.Actor, id store.SystemID, c Connection, o CheckOptions, change func(*store.System) error) (connectors.Report, error) {
	if until := s.waitsUntil(id, o.Address); !until.IsZero() {
		return connectors.Report{Steps: []connectors.Step{{
			Name: "calendar.check.wait", State: connectors.StepFailed, Said: until.UTC().Format(time.RFC3339), Cure: "calendar.cure.throttled",
		}}}, nil
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
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return conn.Check(ctx, connectors.CheckRequest{Room: room, Write: o.Write}), nil
}

// waitsUntil returns until when a system wants to be left alone, as a whole or about the room of an address, which may
// be ""; zero when it does not.
func (s *Service) waitsUntil(id store.SystemID, address string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	y := s.systems[id]
	if y == nil {
		return time.Time{}
	}
	until := y.s.WaitUntil
	for _, rm := range s.rooms {
		if rm.sys == y && rm.r.WaitUntil.After(until) && strings.EqualFold(rm.r.Address, strings.TrimSpace(address)) {
			until = rm.r.WaitUntil
		}
	}
	if !s.o.Now().Before(until) {
		return time.Time{}
	}
	return until
}

// Expiry is a secret or certificate of a booking system that runs out.
type Expiry struct {
	System store.SystemID
	Name   string // of the system
	connectors.Expiry
}

// Expiries returns what runs out, the soonest first.
func (s *Service) Expiries() []Expiry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Expiry
	for _, y := range s.systems {
		e, ok := y.conn.(connectors.Expirer)
		if !ok {
			continue
		}
		for _, x := range e.Expiries() {
			out = append(out, Expiry{System: y.s.ID, Name: y.s.Name, Expiry: x})
		}
	}
	slices.SortFunc(out, func(a, b Expiry) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Name, b.Name)) })
	return out
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
			return all, explain(err)
		}
		all = append(all, refs...)
		if next == "" || len(all) >= 2000 {
			return all, nil
		}
		page = next
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
	if until := s.waitsUntil(id, address); !until.IsZero() {
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
		return nil, none, nil, problem.New(problem.Invalid, "systems.cannot_open").Because(err)
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
		if err == nil {
			err = s.prepare(&y)
		}
		return y, err
	}
	c.Kind = old.Kind
	y, err := s.validate(c, &old)
	y.ID = id
	return y, err
}
