package calendars

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"lintel/app/people"
	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
	"lintel/store/storetest"
)

// script is a booking system that does what a test says.
type script struct {
	mu       sync.Mutex
	events   []connectors.Event
	version  int // grows with each change of events
	err      error
	complete bool
	probes   int
	reads    int
	released []string
	wait     time.Duration
	race     *connectors.Event // somebody else writes this between our write and our reading back
	lost     error             // what the answer to a booking or a new end became on its way, and all after it
	swallow  bool              // with lost: what was sent is lost as well
	refuse   error             // what it says to a booking, and does not make it
	keep     error             // what it says to a release, and does not do it
}

func (c *script) Caps() connectors.Caps {
	return connectors.CapRead | connectors.CapProbe | connectors.CapBook | connectors.CapSetEnd | connectors.CapRelease
}

func (c *script) Check(context.Context, connectors.CheckRequest) connectors.Report {
	return connectors.Report{Steps: []connectors.Step{{Name: "calendar.check.name", State: connectors.StepOK}}}
}

func (c *script) Probe(_ context.Context, _ connectors.Room, cur connectors.Cursor) (connectors.Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probes++
	next := connectors.Cursor{byte(c.version)}
	return connectors.Change{Changed: !bytes.Equal(cur, next), Next: next, Wait: c.wait}, c.err
}

func (c *script) Read(_ context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	var in []connectors.Event
	for _, e := range c.events {
		if e.Touches(req.Window) {
			in = append(in, e)
		}
	}
	return connectors.Snapshot{Events: in, Complete: c.complete, State: []byte("state")}, c.err
}

func (c *script) Book(_ context.Context, _ connectors.Room, d connectors.Draft) (connectors.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return connectors.Event{}, c.refuse
	}
	e := connectors.Event{
		Key: d.Token, Series: "ours-" + d.Token, From: d.From, To: d.To, Subject: d.Subject, Organizer: d.Organizer,
		Token: d.Token, Mine: true, Written: time.Unix(2_000, 0),
	}
	if c.lost != nil && c.swallow {
		c.err = c.lost
		return connectors.Event{}, c.lost
	}
	c.events = append(c.events, e)
	if c.lost != nil {
		c.version++
		c.err = c.lost
		return connectors.Event{}, c.lost
	}
	if c.race != nil {
		c.events = append(c.events, *c.race)
	}
	c.version++
	return e, nil
}

func (c *script) SetEnd(_ context.Context, _ connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil && c.swallow {
		c.err = c.lost
		return connectors.Event{}, c.lost
	}
	for i := range c.events {
		e := &c.events[i]
		if e.Identity() != ev.Identity() {
			continue
		}
		if !e.To.Equal(ev.To) && !e.To.Equal(to) {
			return connectors.Event{}, connectors.Fail(connectors.Conflict, "set end", "it has other times")
		}
		if !e.To.Equal(to) {
			e.To = to
			c.version++
		}
		if c.lost != nil {
			c.err = c.lost
			return connectors.Event{}, c.lost
		}
		return *e, nil
	}
	return connectors.Event{}, connectors.Fail(connectors.NotFound, "set end", "no such event")
}

func (c *script) Release(_ context.Context, _ connectors.Room, ev connectors.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keep != nil {
		return c.keep
	}
	c.released = append(c.released, ev.Series)
	c.events = slices.DeleteFunc(c.events, func(e connectors.Event) bool { return e.Identity() == ev.Identity() })
	c.version++
	return nil
}

func (c *script) Close() error { return nil }

// bench is an engine with one room on a scripted system; the test turns its crank.
type bench struct {
	*Service
	t       testing.TB
	st      *store.Store
	sys     *script
	now     time.Time
	ws      store.WorkspaceID
	id      store.SystemID
	changed int
	log     *bytes.Buffer
}

var admin = people.Setup("test")

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, sys: &script{complete: true, version: 1}, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), log: &bytes.Buffer{}}
	b.st = storetest.Open(t, func() time.Time { return b.now })
	b.ws = store.NewID[store.WorkspaceID]()
	err := b.st.Update(context.Background(), func(tx *store.Tx) error {
		bd, fl := store.NewID[store.BuildingID](), store.NewID[store.FloorID]()
		return errors.Join(
			tx.InsertBuilding(store.Building{ID: bd, Name: "B", Zone: "Europe/Zurich", Language: "en", HostedRetention: store.RetainMidnight}),
			tx.InsertFloor(store.Floor{ID: fl, BuildingID: bd, Name: "F"}),
			tx.InsertWorkspace(store.Workspace{ID: b.ws, FloorID: fl, Kind: store.Room, Name: "Matterhorn", Bookable: true}))
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Service = New(Options{
		Store: b.st, Now: func() time.Time { return b.now }, Log: slog.New(slog.NewTextHandler(b.log, nil)),
		Kinds: map[string]Kind{"script": {
			Open: func(*outbound.Outbound, store.System, []store.Resource) (connectors.Connector, error) {
				return b.sys, nil
			},
			Every: time.Minute, Hot: 15 * time.Second, Fields: []Field{optional(passwordField())},
		}},
		Changed: func(store.WorkspaceID) { b.changed++ },
		Go:      func(string, func(context.Context) error) {}, // crank turns by hand
		Rand:    func() float64 { return 0.5 },
	})
	if err := b.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if b.id, err = b.Connect(context.Background(), admin, Connection{Kind: "script", Name: "Script", Secrets: map[string]secret.Text{"password": secret.New("planted-password")}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Attach(context.Background(), admin, b.ws, b.id, "room-1"); err != nil {
		t.Fatal(err)
	}
	return b
}

// crank runs the cycle of the room if it is due, and reports whether it was.
func (b *bench) crank() bool {
	rooms := b.take(b.systems[b.id], 1)
	if len(rooms) == 0 {
		return false
	}
	b.syncRoom(context.Background(), rooms[0])
	return true
}

func (b *bench) put(events ...connectors.Event) {
	b.sys.mu.Lock()
	defer b.sys.mu.Unlock()
	b.sys.events = events
	b.sys.version++
}

func (b *bench) fail(err error) {
	b.sys.mu.Lock()
	defer b.sys.mu.Unlock()
	b.sys.err = err
}

func (b *bench) agenda() []store.Booking {
	b.t.Helper()
	var a []store.Booking
	if err := b.st.View(context.Background(), func(tx *store.Tx) (err error) {
		a, err = tx.Agenda(b.ws, b.now.AddDate(0, -1, 0), b.now.AddDate(0, 1, 0))
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return a
}

func event(uid string, from time.Time, minutes int) connectors.Event {
	return connectors.Event{
		Key: uid, Series: uid, From: from, To: from.Add(time.Duration(minutes) * time.Minute),
		Subject: "Subject " + uid, Organizer: "Anna " + uid, OrganizerAddr: uid + "@example.org",
	}
}
