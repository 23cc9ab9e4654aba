package displays

import (
	"context"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"lintel/app/people"
	"lintel/app/when"
	"lintel/render"
	"lintel/store"
	"lintel/store/storetest"
)

// clock is a clock that a test sets.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	c.t = t
	c.mu.Unlock()
}

func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

// at reads 2026-11-23T10:00 in a zone.
func at(t testing.TB, zone, wall string) time.Time {
	t.Helper()
	z, err := when.LoadZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	w, err := when.ParseWall(wall)
	if err != nil {
		t.Fatal(err)
	}
	return w.In(z)
}

// monday is a working day in the morning.
func monday(t testing.TB) time.Time { return at(t, "Europe/Zurich", "2026-11-23T08:30") }

// house is a store with a building and rooms, and the service over it.
type house struct {
	testing.TB
	dir      string
	st       *store.Store
	clock    *clock
	svc      *Service
	opts     Options
	building store.BuildingID
	rooms    []store.WorkspaceID
	admin    people.Actor

	mu      sync.Mutex
	changed map[store.DisplayID]int
}

// renderer is shared by all tests: parsing the fonts takes long.
var renderer = sync.OnceValues(func() (*render.Renderer, error) { return render.New(render.Options{}) })

func newHouse(t testing.TB, now time.Time, rooms int) *house {
	t.Helper()
	h := &house{TB: t, dir: storetest.Dir(t), clock: &clock{t: now}, admin: people.Setup("test"), changed: map[store.DisplayID]int{}}
	h.open()
	t.Cleanup(func() {
		if err := h.st.Close(); err != nil {
			t.Error(err)
		}
	})
	h.building = store.NewID[store.BuildingID]()
	floor := store.NewID[store.FloorID]()
	h.update(func(tx *store.Tx) error {
		if err := tx.SetOrganisation(store.Organisation{Name: "House", Language: "en"}); err != nil {
			return err
		}
		if err := tx.InsertBuilding(store.Building{
			ID: h.building, Name: "Main", Zone: "Europe/Zurich", Language: "en", WorkingDays: store.MondayToFriday, HostedRetention: store.RetainMidnight,
		}); err != nil {
			return err
		}
		if err := tx.InsertFloor(store.Floor{ID: floor, BuildingID: h.building, Name: "Ground"}); err != nil {
			return err
		}
		for i := range rooms {
			id := store.NewID[store.WorkspaceID]()
			h.rooms = append(h.rooms, id)
			if err := tx.InsertWorkspace(store.Workspace{
				ID: id, FloorID: floor, Kind: store.Room, Name: "Room " + string(rune('A'+i%26)) + string(rune('a'+i/26)), Seats: 6,
				Equipment: []string{"Screen", "whiteboard"}, ShowSubject: true, ShowOrganizer: true, Bookable: true,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	h.load()
	return h
}

// open opens the store.
func (h *house) open() {
	h.Helper()
	st, err := store.Open(h.Context(), h.dir, store.Options{Box: storetest.Box(h), Now: h.clock.now})
	if err != nil {
		h.Fatal(err)
	}
	h.st = st
}

// load makes a fresh service over the store, as a start of the program does.
func (h *house) load() {
	h.Helper()
	r, err := renderer()
	if err != nil {
		h.Fatal(err)
	}
	o := h.opts
	o.Store, o.Now, o.Renderer, o.PortalURL = h.st, h.clock.now, r, "https://rooms.example.com"
	o.Changed = func(id store.DisplayID) {
		h.mu.Lock()
		h.changed[id]++
		h.mu.Unlock()
	}
	h.svc = New(o)
	if err := h.svc.Load(h.Context()); err != nil {
		h.Fatal(err)
	}
}

// restart closes everything and starts again.
func (h *house) restart() {
	h.Helper()
	h.flush()
	if err := h.st.Close(); err != nil {
		h.Fatal(err)
	}
	h.open()
	h.load()
}

func (h *house) update(f func(*store.Tx) error) {
	h.Helper()
	if err := h.st.Update(context.Background(), f); err != nil {
		h.Fatal(err)
	}
}

func (h *house) flush() {
	h.Helper()
	if err := h.svc.Flush(context.Background()); err != nil {
		h.Fatal(err)
	}
}

func (h *house) tick() {
	h.Helper()
	if err := h.svc.Tick(context.Background()); err != nil {
		h.Fatal(err)
	}
}

// book adds a hosted booking and tells the service.
func (h *house) book(ws store.WorkspaceID, from, to, subject string) store.BookingID {
	h.Helper()
	return h.insert(store.Booking{Workspace: ws, Subject: subject}, from, to)
}

func (h *house) insert(b store.Booking, from, to string) store.BookingID {
	h.Helper()
	b.ID, b.Hosted, b.Zone, b.Source = store.NewID[store.BookingID](), true, "Europe/Zurich", store.FromPortal
	b.From, b.To = at(h, b.Zone, from), at(h, b.Zone, to)
	z, _ := when.LoadZone(b.Zone)
	b.FromWall, b.ToWall = when.WallOf(b.From, z), when.WallOf(b.To, z)
	h.update(func(tx *store.Tx) error { return tx.InsertBooking(b) })
	h.svc.RoomChanged(b.Workspace)
	h.tick()
	return b.ID
}

// display adds an approved TRMNL display for a room and returns its key.
func (h *house) display(ws store.WorkspaceID) (store.DisplayID, string) {
	h.Helper()
	return h.add(store.ProtocolTRMNL, Settings{
		Workspace: ws, Template: store.TemplateDay, Width: 800, Height: 480, Palette: store.PaletteBW, Encoding: store.EncodingPNG,
	})
}

func (h *house) add(p store.Protocol, c Settings) (store.DisplayID, string) {
	h.Helper()
	id, key, err := h.svc.Add(context.Background(), h.admin, p, "", c)
	if err != nil {
		h.Fatal(err)
	}
	return id, key.Reveal()
}

// poll polls as a display on a battery does, and fails the test when it gets no picture.
func (h *house) poll(key string) Answer {
	h.Helper()
	a, err := h.svc.Poll(key, Report{Address: "192.0.2.1"})
	if err != nil {
		h.Fatal(err)
	}
	if a.Picture == nil {
		h.Fatal("no picture")
	}
	return a
}

// row reads a display from the disk.
func (h *house) row(id store.DisplayID) (d store.Display) {
	h.Helper()
	h.update(func(tx *store.Tx) (err error) {
		d, err = tx.Display(id)
		return err
	})
	return d
}
