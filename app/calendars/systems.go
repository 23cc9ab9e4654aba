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
	"lintel/store"
)

// Kinds lists the kinds of systems that can be connected, by name.
func (s *Service) Kinds() []string { return slices.Sorted(maps.Keys(s.o.Kinds)) }

// Fields returns what is typed about a kind of system, in the order of a form; nil for unknown kinds.
func (s *Service) Fields(kind string) []Field { return s.o.Kinds[kind].Fields }

// MayTry reports whether a kind of system can be tried before a room is attached: feeds have no address but those of their rooms,
// and what is pushed is never asked.
func (s *Service) MayTry(kind string) bool {
	k := s.o.Kinds[kind]
	return !k.Feeds && !k.Pushed
}

// Connect stores a new booking system and starts reading it once rooms are attached.
func (s *Service) Connect(ctx context.Context, by people.Actor, c Connection) (store.SystemID, error) {
	if err := need(by); err != nil {
		return "", err
	}
	y, err := s.validate(c, nil)
	if err := problem.Join(err, s.prepare(&y), s.nameFree(ctx, y)); err != nil {
		return "", err
	}
	if err := s.complete(&y); err != nil {
		return "", err
	}
	y.ID = store.NewID[store.SystemID]()
	s.arranging.Lock()
	defer s.arranging.Unlock()
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
	s.arranging.Lock()
	defer s.arranging.Unlock()
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
		if err := s.complete(&y); err != nil {
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

// prepare judges what was typed as a whole.
func (s *Service) prepare(y *store.System) error {
	if f := s.o.Kinds[y.Kind].Prepare; f != nil {
		return f(y)
	}
	return nil
}

// nameFree returns a problem where another system has the name of a new one. The store has the last word.
func (s *Service) nameFree(ctx context.Context, y store.System) error {
	var all []store.System
	if err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Systems()
		return err
	}); err != nil {
		return fmt.Errorf("look for a booking system's name: %w", err)
	}
	if slices.ContainsFunc(all, func(o store.System) bool { return o.Name == y.Name }) {
		return problem.Field("name", "systems.name_taken")
	}
	return nil
}

// complete adds what Lintel makes itself to a system that is otherwise right, and returns a problem where no connector can be
// made of it.
func (s *Service) complete(y *store.System) error {
	if f := s.o.Kinds[y.Kind].Make; f != nil {
		if err := f(y, s.o.Now(), s.openable); err != nil {
			return err
		}
	}
	return s.openable(*y)
}

// openable returns a problem that names the field unless a connector can be made of a system. Nothing is sent.
func (s *Service) openable(y store.System) error {
	kind := s.o.Kinds[y.Kind]
	if kind.Pushed {
		return nil
	}
	conn, err := kind.Open(s.o.Out, y, nil)
	if err != nil {
		return cannotOpen(err)
	}
	return conn.Close()
}

// cannotOpen blames the setting of which a connector can't be made.
func cannotOpen(err error) error {
	var e *connectors.Error
	switch {
	case !errors.As(err, &e) || e.Cure == "":
		return problem.New(problem.Invalid, "systems.cannot_open").Because(err)
	case e.Setting == "":
		return problem.New(problem.Invalid, e.Cure).Because(err)
	}
	return problem.Field(e.Setting, e.Cure).Because(err)
}

// Disconnect deletes a booking system: its rooms are hosted from then on, and their future synced
// bookings go.
func (s *Service) Disconnect(ctx context.Context, by people.Actor, id store.SystemID) error {
	if err := need(by); err != nil {
		return err
	}
	s.arranging.Lock()
	defer s.arranging.Unlock()
	var changed []store.WorkspaceID
	s.mu.Lock()
	for w, r := range s.rooms {
		if r.r.System == id {
			changed = append(changed, w)
		}
	}
	s.dropSystem(id)
	s.dropGone()
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

// Reload follows a change of places: a workspace, floor or building that was deleted or came back, a zone
// that was changed.
func (s *Service) Reload(ctx context.Context) error {
	s.arranging.Lock()
	defer s.arranging.Unlock()
	var resources []store.Resource
	if err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		resources, err = tx.Resources()
		return err
	}); err != nil {
		return fmt.Errorf("load resources: %w", err)
	}
	var errs []error
	for id := range s.reconcile(resources) {
		errs = append(errs, s.reload(ctx, id))
	}
	return errors.Join(errs...)
}

// reconcile makes the engine's rooms those that are attached. It returns the systems that have to be opened anew, as their
// connectors have to know each room.
func (s *Service) reconcile(resources []store.Resource) map[store.SystemID]bool {
	reopen := map[store.SystemID]bool{}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return nil
	}
	live := map[store.WorkspaceID]bool{}
	for _, r := range resources {
		live[r.Workspace] = true
		rm := s.rooms[r.Workspace]
		if rm != nil && rm.r.Zone == r.Zone && rm.r.Address == r.Address && rm.r.ID == r.ID {
			continue
		}
		if sys := s.systems[r.System]; sys != nil && sys.kind.Feeds {
			reopen[r.System] = true
			continue
		}
		s.addRoom(r, s.o.Now())
	}
	for w, rm := range s.rooms {
		if !live[w] {
			s.forget(rm)
		}
	}
	return reopen
}

// reload opens one system anew after a change. s.arranging is held.
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
	s.dropGone()
	s.systems[id].kick()
	return nil
}

func nameTaken(err error) error {
	if errors.Is(err, store.ErrDuplicate) {
		return problem.Field("name", "systems.name_taken").Because(err)
	}
	return err
}

// Status is what is known of one connected system. Standing judges it.
type Status struct {
	System    store.System // Secrets are cleared, but for which there are
	Caps      connectors.Caps
	OpenErr   error // the connector could not be made from what is stored
	Checked   Checked
	Rooms     []RoomStatus
	Waiting   time.Time // nothing is sent before; zero when nothing is awaited
	PerMinute float64   // how often it was asked a minute, since Since
	Since     time.Time
}

// Checked is the last check of a connection as it is set up now.
type Checked struct {
	At        time.Time         // zero = never
	Workspace store.WorkspaceID // whose calendar was looked at; "" when none was
	Report    connectors.Report // its steps
}

// RoomStatus is how one attached calendar does.
type RoomStatus struct {
	Resource store.Resource
	NextRead time.Time
	Unread   []string // connectors.Snapshot.Unread of the last read since the engine runs; not to be changed
}

// StatusOf returns what is stored of a system and its calendars, for where no engine runs.
func StatusOf(y store.System, rooms []store.Resource) Status {
	st := Status{System: y, Checked: Checked{At: y.Checked.At, Workspace: y.Checked.Workspace, Report: reportOf(y.Checked)}}
	st.System.Secrets = make(map[string]secret.Text, len(y.Secrets))
	for name := range y.Secrets {
		st.System.Secrets[name] = secret.Text{}
	}
	for _, r := range rooms {
		st.Rooms = append(st.Rooms, RoomStatus{Resource: r})
	}
	return st
}

// Statuses returns all systems by name, each with its rooms by name.
func (s *Service) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	out := make([]Status, 0, len(s.systems))
	for _, y := range s.systems {
		st := StatusOf(y.s, nil)
		st.OpenErr, st.Since = y.openErr, y.meterSince
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
				st.Rooms = append(st.Rooms, RoomStatus{Resource: r.r, NextRead: r.due, Unread: r.unread})
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
