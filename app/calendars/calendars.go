// Package calendars keeps the agendas of booking systems: it reads them at the right pace, stores
// what changed, writes bookings back, and explains what is wrong with a connection.
package calendars

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
)

// Open makes a connector for a system with its rooms, which uses out for all that it sends. It contacts nobody.
type Open func(out *outbound.Outbound, y store.System, rooms []store.Resource) (connectors.Connector, error)

// Options are what New needs. All fields are required but those marked.
type Options struct {
	Store   *store.Store
	Now     func() time.Time
	Log     *slog.Logger
	Kinds   map[string]Kind
	Out     *outbound.Outbound                                                 // may be nil where no kind uses it
	Changed func(store.WorkspaceID)                                            // after a commit that changed an agenda
	Hours   func(context.Context, store.BuildingID, when.Date) []when.Interval // opening hours of a local day; optional
	Go      func(name string, f func(context.Context) error)                   // starts a goroutine that the program owns and stops
	Rand    func() float64                                                     // [0,1); optional, for tests
}

// Kind is a kind of booking system that this program speaks.
type Kind struct {
	Open     Open
	Every    time.Duration // normal pace of probes
	Hot      time.Duration // pace while something is about to happen
	Calm     time.Duration // pace of probes of rooms that the system tells us of by itself (connectors.Watcher)
	Parallel int           // rooms read at the same time
	Feeds    bool          // a room's address is a URL that may hold a token: it is sealed, and the connector knows it by the resource's id
	Pushed   bool          // the system's own script brings the agenda (Service.Push): there is no connector, Open is nil
	Fields   []Field       // what an administrator types, in the order of the form
	// Prepare judges what was typed as a whole, and drops what it leaves without use; optional.
	Prepare func(*store.System) error
	// Make adds the secrets that Lintel makes itself and that are still missing. That takes a while, so it comes last, and asks
	// openable whether the system can be used once it has them; optional.
	Make func(y *store.System, now time.Time, openable func(store.System) error) error
}

// roomID is the name by which the kind's connector knows a room.
func (k Kind) roomID(r store.Resource) string {
	if k.Feeds {
		return string(r.ID)
	}
	return r.Address
}

// Service is the sync engine and everything that pages and commands ask of booking systems.
type Service struct {
	o Options

	arranging sync.Mutex // held from a change of what is connected or attached until it is followed here

	mu      sync.Mutex
	systems map[store.SystemID]*system
	rooms   map[store.WorkspaceID]*room
	loaded  bool
}

// system is the engine's state of one connected system. Its fields are guarded by Service.mu, but for
// conn, which is safe by itself.
type system struct {
	s          store.System
	kind       Kind
	conn       connectors.Connector
	openErr    error
	queue      dueQueue
	inFlight   int
	wake       chan struct{}
	stop       context.CancelFunc
	rewatch    chan struct{} // the rooms to watch are others now
	blocked    time.Time     // nothing is sent before, but what somebody waits for: see impatience
	pressed    time.Time     // when a write was last sent in spite of blocked
	failures   int           // in a row, of the whole system
	authTries  int           // sign-ins refused in a row
	proven     bool          // signed in since it was opened or last refused; until then one worker tries alone
	dirty      bool
	reads      int // reads and probes since the meter was reset
	meterSince time.Time
}

// room is the engine's state of one attached calendar.
type room struct {
	r        store.Resource
	sys      *system
	zone     *time.Location
	due      time.Time
	index    int  // in the queue; -1 while it is worked on or gone
	taken    bool // by a worker
	gone     bool
	lastRead time.Time     // of the whole window
	dayRead  when.Date     // local day of that read: a new day needs a new window
	touched  time.Time     // a person or device did something with it: read faster for a while
	wait     time.Duration // how long the source asked us not to come back; 0 = it has no wish
	doubted  bool          // the last read came back empty all at once; guarded by lease
	unread   []string      // connectors.Snapshot.Unread of that read; changed under lease and Service.mu
	force    bool          // read even when the probe says that nothing changed
	live     bool          // the system tells us of changes by itself
	hinted   bool          // it did so while the room was being worked on
	covered  bool          // live, probed since without a failure, and no hint came: nothing has changed
	dirty    bool
	lease    lease // one write or read at a time
}

// New returns the service; nothing is read before Start.
func New(o Options) *Service {
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Hours == nil {
		o.Hours = func(context.Context, store.BuildingID, when.Date) []when.Interval { return nil }
	}
	return &Service{o: o, systems: map[store.SystemID]*system{}, rooms: map[store.WorkspaceID]*room{}}
}

// Start loads the connected systems and starts their workers. First reads after a restart are spread
// over a minute; rooms that were never read come at once.
func (s *Service) Start(ctx context.Context) error {
	s.arranging.Lock() // what is attached meanwhile would be neither in what was read nor heard of
	defer s.arranging.Unlock()
	var systems []store.System
	var resources []store.Resource
	err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		if systems, err = tx.Systems(); err != nil {
			return err
		}
		resources, err = tx.Resources()
		return err
	})
	if err != nil {
		return fmt.Errorf("load booking systems: %w", err)
	}
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded = true
	for _, y := range systems {
		s.addSystem(y, of(resources, y.ID))
	}
	for _, r := range resources {
		at := now
		if !r.LastOK.IsZero() {
			at = now.Add(time.Duration(s.o.Rand() * float64(spread)))
		}
		s.addRoom(r, at)
	}
	return nil
}

// spread is over how long the first reads after a restart are drawn out.
const spread = time.Minute

// of returns the resources of one system.
func of(resources []store.Resource, id store.SystemID) []store.Resource {
	var out []store.Resource
	for _, r := range resources {
		if r.System == id {
			out = append(out, r)
		}
	}
	return out
}

// addSystem opens a system and starts its workers. s.mu is held.
func (s *Service) addSystem(y store.System, rooms []store.Resource) {
	kind, ok := s.o.Kinds[y.Kind]
	sys := &system{
		s: y, kind: kind, wake: make(chan struct{}, 1), rewatch: make(chan struct{}, 1), meterSince: s.o.Now(),
	}
	sys.s.WaitUntil = s.credible(y.WaitUntil) // what a system asked for holds over a restart
	sys.blocked = sys.s.WaitUntil
	s.systems[y.ID] = sys
	if !ok {
		sys.openErr = fmt.Errorf("open booking system: unknown kind %q", y.Kind)
		return
	}
	if kind.Pushed {
		return
	}
	if sys.conn, sys.openErr = kind.Open(s.o.Out, y, rooms); sys.openErr != nil {
		sys.conn = nil
		s.o.Log.Error("open booking system", "system", y.ID, "err", sys.openErr)
		return
	}
	stop, cancel := context.WithCancel(context.Background())
	sys.stop = cancel
	for i := range max(1, kind.Parallel) {
		s.o.Go(fmt.Sprintf("calendar %s %d", y.ID, i), func(ctx context.Context) error {
			ctx, done := context.WithCancel(ctx)
			defer done()
			defer context.AfterFunc(stop, done)()
			s.work(ctx, sys)
			return nil
		})
	}
	if w, ok := sys.conn.(connectors.Watcher); ok && sys.conn.Caps().Has(connectors.CapWatch) {
		s.o.Go(fmt.Sprintf("watch calendar %s", y.ID), func(ctx context.Context) error {
			ctx, done := context.WithCancel(ctx)
			defer done()
			defer context.AfterFunc(stop, done)()
			s.watch(ctx, sys, w)
			return nil
		})
	}
}

// longestWait is more than any system may ask for: a day, drawn out by a quarter.
const longestWait = 32 * time.Hour

// credible returns a stored wait, or none where it lies so far ahead that the clock must have been wrong when it was stored.
func (s *Service) credible(until time.Time) time.Time {
	if until.After(s.o.Now().Add(longestWait)) {
		return time.Time{}
	}
	return until
}

// dropSystem stops a system's workers; dropGone has to follow. s.mu is held.
func (s *Service) dropSystem(id store.SystemID) {
	sys := s.systems[id]
	if sys == nil {
		return
	}
	delete(s.systems, id)
	for _, r := range s.rooms {
		if r.sys == sys {
			r.gone = true
		}
	}
	if sys.stop != nil {
		sys.stop()
	}
	if sys.conn != nil {
		if err := sys.conn.Close(); err != nil {
			s.o.Log.Warn("close booking system", "system", id, "err", err)
		}
	}
}

// dropGone forgets the calendars of dropped systems that were not added anew. s.mu is held.
func (s *Service) dropGone() {
	for w, r := range s.rooms {
		if r.gone {
			delete(s.rooms, w)
		}
	}
}

// addRoom puts a calendar into its system's queue. s.mu is held.
func (s *Service) addRoom(r store.Resource, due time.Time) {
	sys := s.systems[r.System]
	if sys == nil {
		return
	}
	zone, err := when.LoadZone(r.Zone)
	if err != nil {
		s.o.Log.Error("load zone", "zone", r.Zone, "err", err)
		zone = time.UTC
	}
	r.WaitUntil = s.credible(r.WaitUntil)
	rm := &room{r: r, sys: sys, zone: zone, index: -1, lease: newLease(), due: due}
	if old := s.rooms[r.Workspace]; old != nil {
		old.gone = true
		s.unqueue(old)
		if old.r.ID == r.ID {
			rm.lease, rm.r.Unsettled = old.lease, old.r.Unsettled || r.Unsettled
		}
	}
	s.rooms[r.Workspace] = rm
	if sys.kind.Pushed {
		return
	}
	s.enqueue(rm)
	sys.roomsChanged()
}

// forget takes a calendar out of the engine. s.mu is held.
func (s *Service) forget(rm *room) {
	rm.gone = true
	s.unqueue(rm)
	delete(s.rooms, rm.r.Workspace)
	rm.sys.roomsChanged()
}

// need returns a Forbidden problem unless the actor may manage booking systems.
func need(by people.Actor) error { return by.Need(people.ManageSystems, "") }

var errUnknownKind = problem.Field("kind", "systems.unknown_kind")
