package displays

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
	"lintel/store/storetest"
)

// Run turns pictures over at the minute, draws what has changed at once, and stores what was told: a simulated morning.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t) // made outside of the bubble
	r, err := renderer()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at(t, "Europe/Zurich", "2026-11-23T08:30")))
		st, err := store.Open(t.Context(), dir, store.Options{Box: storetest.Box(t), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		h := &house{TB: t, st: st, admin: people.Setup("test"), changed: map[store.DisplayID]int{}}
		h.building = store.NewID[store.BuildingID]()
		floor, ws := store.NewID[store.FloorID](), store.NewID[store.WorkspaceID]()
		h.update(func(tx *store.Tx) error {
			return errors.Join(
				tx.SetOrganisation(store.Organisation{Name: "House", Language: "en"}),
				tx.InsertBuilding(store.Building{ID: h.building, Name: "Main", Zone: "Europe/Zurich", Language: "en", WorkingDays: 127, HostedRetention: store.RetainMidnight}),
				tx.InsertFloor(store.Floor{ID: floor, BuildingID: h.building, Name: "Ground"}),
				tx.InsertWorkspace(store.Workspace{ID: ws, FloorID: floor, Kind: store.Room, Name: "A", ShowSubject: true, Bookable: true}))
		})
		svc := New(Options{Store: st, Now: time.Now, Renderer: r})
		if err := svc.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- svc.Run(ctx) }()
		id, key, err := svc.Add(ctx, h.admin, store.ProtocolTRMNL, "", Settings{
			Workspace: ws, Template: store.TemplateDay, Width: 800, Height: 480, Palette: store.PaletteBW, Encoding: store.EncodingPNG,
		})
		if err != nil {
			t.Fatal(err)
		}
		poll := func() *Picture {
			t.Helper()
			a, err := svc.Poll(key.Reveal(), Report{Address: "192.0.2.1"})
			if err != nil {
				t.Fatal(err)
			}
			return a.Picture
		}
		free := poll()

		b := store.Booking{
			ID: store.NewID[store.BookingID](), Workspace: ws, Hosted: true, Zone: "Europe/Zurich", Source: store.FromPortal,
			From: at(t, "Europe/Zurich", "2026-11-23T09:00"), To: at(t, "Europe/Zurich", "2026-11-23T09:45"),
		}
		h.update(func(tx *store.Tx) error { return tx.InsertBooking(b) })
		svc.RoomChanged(ws)
		time.Sleep(100 * time.Millisecond)
		planned := poll()
		if planned.Hash == free.Hash {
			t.Error("100 ms after the change the picture is the old one")
		}
		time.Sleep(time.Until(b.From) + 2*time.Second)
		busy := poll()
		if busy.Hash == planned.Hash || busy.RenderedAt.Sub(b.From).Abs() > time.Second {
			t.Errorf("the meeting began at %v, the picture is of %v", b.From, busy.RenderedAt)
		}
		time.Sleep(time.Until(b.To) + 2*time.Second)
		if p := poll(); p.Hash == busy.Hash {
			t.Error("the meeting has ended, the picture not")
		}
		time.Sleep(6 * time.Second)
		if row := h.row(id); row.SeenAt.IsZero() {
			t.Error("the contact was not stored in time")
		}
		last := time.Now()
		poll()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if row := h.row(id); row.SeenAt.Unix() != last.Unix() {
			t.Errorf("the last contact was lost: %v, want %v", row.SeenAt, last)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}

// One change among many rooms costs one picture.
func TestOneChangeDrawsOneRoom(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 40)
	var keys []string
	for _, ws := range h.rooms {
		_, key := h.display(ws)
		keys = append(keys, key)
	}
	var before []*Picture
	for _, k := range keys {
		before = append(before, h.poll(k).Picture)
	}
	h.mu.Lock()
	clear(h.changed)
	h.mu.Unlock()
	h.book(h.rooms[7], "2026-11-23T09:00", "2026-11-23T10:00", "x")
	for i, k := range keys {
		if drawn := h.poll(k).Picture != before[i]; drawn != (i == 7) {
			t.Errorf("room %d drawn: %v", i, drawn)
		}
	}
}

func panelOf(t *testing.T, h *house, key string) (p Panel, raw string) {
	t.Helper()
	st, err := h.svc.Panel(key, Report{Address: "192.0.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(st.JSON, &p); err != nil {
		t.Fatal(err)
	}
	return p, string(st.JSON)
}

func TestPanel(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	e, err := h.svc.PairPanel(t.Context(), Report{Address: "192.0.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	key := e.Key.Reveal()
	if p, _ := panelOf(t, h, key); p.Screen != "claim" || p.Code != e.Code || len(p.Lines) != 2 {
		t.Errorf("%+v", p)
	}
	news, stop, err := h.svc.WatchPanel(key)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	heard := func(what string) {
		t.Helper()
		select {
		case <-news:
		default:
			t.Errorf("nothing was said of %s", what)
		}
		for len(news) > 0 {
			<-news
		}
	}
	id, err := h.svc.Approve(t.Context(), h.admin, Approval{Code: e.Code, Workspace: h.rooms[0], Name: "Tablet", Language: "fr", Template: store.TemplateWeek})
	if err != nil {
		t.Fatal(err)
	}
	heard("the approval")
	if p, _ := panelOf(t, h, key); p.Screen != "room" || p.State != "free" || p.Word != "Libre" || p.Lang != "fr" || p.Zone != "Europe/Zurich" {
		t.Errorf("%+v", p)
	}
	h.insert(store.Booking{Workspace: h.rooms[0], Subject: "Secret merger", Private: true}, "2026-11-23T09:00", "2026-11-23T10:00")
	heard("a booking")
	h.clock.set(at(t, "Europe/Zurich", "2026-11-23T09:30"))
	h.tick()
	heard("its beginning")
	p, raw := panelOf(t, h, key)
	nine, ten := at(t, "Europe/Zurich", "2026-11-23T09:00").Unix(), at(t, "Europe/Zurich", "2026-11-23T10:00").Unix()
	if p.State != "busy" || p.Subject != "Privé" || p.Bar.Present != [2]int64{nine, ten} || len(p.Bar.Busy) != 1 || p.Bar.Busy[0] != [2]int64{nine, ten} || p.ChangesAt != ten {
		t.Errorf("%+v %+v", p, p.Bar)
	}
	if strings.Contains(raw, "Secret") {
		t.Errorf("the panel tells %s", raw)
	}
	h.tick()
	select {
	case <-news:
		t.Error("news of nothing")
	default:
	}
	if _, err := h.svc.RenewKey(t.Context(), h.admin, id); !problem.Has(err, problem.Conflict) {
		t.Errorf("a panel's key is renewed: %v", err)
	}
	if err := h.svc.Delete(t.Context(), h.admin, id); err != nil {
		t.Fatal(err)
	}
	heard("the end")
	if _, err := h.svc.Panel(key, Report{}); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a deleted panel: %v", err)
	}
}

func TestRefusedPanelSaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 0)
	e, err := h.svc.PairPanel(t.Context(), Report{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.svc.Refuse(t.Context(), h.admin, e.Display); err != nil {
		t.Fatal(err)
	}
	if p, _ := panelOf(t, h, e.Key.Reveal()); p.Screen != "refused" || p.Title == "" || p.Code != "" {
		t.Errorf("%+v", p)
	}
	h.restart()
	if p, _ := panelOf(t, h, e.Key.Reveal()); p.Screen != "refused" {
		t.Errorf("after a restart: %+v", p)
	}
}

// What is private, and what a room's settings hide, is in nothing that a display gets.
func TestDoorsTellNoSecrets(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	person := store.NewID[store.PersonID]()
	h.update(func(tx *store.Tx) error {
		p, err := tx.FindOrCreatePerson("Zebulon Secretary", "zebulon@example.com")
		person = p
		if err != nil {
			return err
		}
		w, err := tx.Workspace(h.rooms[0])
		w.Workspace.ShowSubject, w.Workspace.ShowOrganizer = false, false
		return errors.Join(err, tx.UpdateWorkspace(w.Workspace))
	})
	h.insert(store.Booking{Workspace: h.rooms[0], Subject: "Hidden merger", Organizer: person}, "2026-11-23T09:00", "2026-11-23T10:00")
	h.insert(store.Booking{Workspace: h.rooms[0], Subject: "Private merger", Organizer: person, Private: true}, "2026-11-23T11:00", "2026-11-23T12:00")
	h.svc.PlacesChanged()
	for _, clock := range []string{"08:30", "09:30", "10:30", "11:30"} {
		now := at(t, "Europe/Zurich", "2026-11-23T"+clock)
		r, err := h.svc.readRoom(t.Context(), h.rooms[0], now)
		if err != nil {
			t.Fatal(err)
		}
		for _, week := range []bool{false, true} {
			l := english()
			l.week = week
			s := r.scene(l, now, fresh)
			b, err := json.Marshal(r.panel(english(), now, r.scene(english(), now, fresh)))
			if err != nil {
				t.Fatal(err)
			}
			all := fmt.Sprintf("%+v %s", s, b)
			for _, secret := range []string{"merger", "Zebulon", "zebulon"} {
				if strings.Contains(all, secret) {
					t.Errorf("at %s a display gets %q: %s", clock, secret, all)
				}
			}
		}
	}
}

// The memory of drawing is kept while pictures change, and given back after a quiet minute or after many pictures.
func TestRestsWhenDrawingPauses(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	h.display(h.rooms[0])
	steps := []struct {
		name string
		do   func()
		want bool
	}{
		{"drawn just now", func() { h.svc.PlacesChanged() }, false},
		{"a minute later", func() { h.clock.add(restAfter) }, true},
		{"nothing drawn since", func() { h.clock.add(time.Second) }, true},
		{"another name", func() {
			h.update(func(tx *store.Tx) error {
				p, err := tx.Workspace(h.rooms[0])
				p.Workspace.Name = "Eiger"
				return errors.Join(err, tx.UpdateWorkspace(p.Workspace))
			})
			h.svc.RoomChanged(h.rooms[0])
		}, false},
		{"half a minute later", func() { h.clock.add(restAfter / 2) }, false},
		{"many", func() { h.svc.drawn.Add(manyDrawn) }, true},
	}
	for _, s := range steps {
		s.do()
		h.tick()
		if h.svc.rested != s.want {
			t.Errorf("%s: at rest is %v, want %v", s.name, h.svc.rested, s.want)
		}
	}
}

// The budget: one change among a thousand rooms is on its pictures within 100 ms, and draws no others.
func BenchmarkOneChangeAmongAThousandRooms(b *testing.B) {
	h := newHouse(b, monday(b), 1000)
	h.update(func(tx *store.Tx) error {
		for i, ws := range h.rooms {
			if err := tx.InsertDisplay(store.Display{
				ID: store.NewID[store.DisplayID](), Protocol: store.ProtocolTRMNL, State: store.DisplayApproved, Workspace: ws, Width: 800, Height: 480,
				Palette: store.PaletteBW, Encoding: store.EncodingPNG, Template: store.TemplateDay, KeyHash: fmt.Appendf(nil, "%032d", i), BatteryPercent: -1,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	start := time.Now()
	h.load()
	started := time.Since(start)
	start = time.Now()
	h.tick()
	drawn := time.Since(start)
	first := h.rooms[0]
	n := 0
	for b.Loop() {
		b.StopTimer()
		n++
		h.update(func(tx *store.Tx) error {
			p, err := tx.Workspace(first)
			p.Workspace.Seats = 1 + n%200
			return errors.Join(err, tx.UpdateWorkspace(p.Workspace))
		})
		h.mu.Lock()
		clear(h.changed)
		h.mu.Unlock()
		b.StartTimer()
		h.svc.RoomChanged(first)
		h.tick()
	}
	if len(h.changed) != 1 {
		b.Errorf("%d pictures were drawn", len(h.changed))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100_000, "of_budget")
	b.ReportMetric(float64(started.Milliseconds()), "ms/start")
	b.ReportMetric(float64(drawn.Milliseconds()), "ms/all-rooms")
}
