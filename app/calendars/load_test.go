package calendars

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
	"lintel/connectors/outbound"
	"lintel/store"
	"lintel/store/storetest"
)

// The load that BenchmarkExchangeLoad puts on one server.
const (
	loadRooms    = 1000
	loadPerDay   = 3               // meetings of a room, each day of the window
	loadChanges  = loadRooms / 100 // rooms that change, a minute
	pollInterval = 2 * time.Minute // of a product that reads every room's window, the yardstick
	beatsPerMin  = 2               // signs of life of a stream; simulated minutes pass faster than these
	beatBytes    = 900
)

// BenchmarkExchangeLoad runs the engine over six simulated hours against one Exchange with 1,000 rooms, one in a hundred
// of which changes each minute, over midnight, when every window moves on. It prints requests and bytes a minute beside
// what reading each room's window every two minutes would cost, and fails when ours is more than a tenth.
func BenchmarkExchangeLoad(b *testing.B) {
	for b.Loop() {
		benchmarkExchangeLoad(b)
	}
}

func benchmarkExchangeLoad(b *testing.B) {
	var clock atomic.Int64
	clock.Store(time.Date(2026, 11, 23, 19, 0, 0, 0, time.UTC).UnixNano())
	now := func() time.Time { return time.Unix(0, clock.Load()).UTC() }
	fake := ewstest.Start(ewstest.Quirks{}, now)
	defer fake.Close()
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		b.Fatal(err)
	}
	address := func(i int) string { return fmt.Sprintf("room-%04d@rooms.test", i) }
	first := when.DayOf(now(), zone)
	for i := range loadRooms {
		fake.AddRoom(address(i), fmt.Sprintf("Room %d", i), ewstest.Editor)
		for d := -1; d < 17; d++ {
			for m := range loadPerDay {
				start := first.Add(d).Start(zone).Add(time.Duration(8+2*m) * time.Hour)
				fake.Put(address(i), ewstest.Event{
					Name: fmt.Sprintf("m-%d-%d", d, m), Subject: "Planning of the week, part one", Organizer: "Ann Lee", Address: "ann@rooms.test",
					Start: start, End: start.Add(time.Hour), Meeting: true, Created: start.Add(-200 * time.Hour),
				})
			}
		}
	}

	out, err := outbound.New(outbound.Options{AllowLoopback: true, Now: now})
	if err != nil {
		b.Fatal(err)
	}
	st := storetest.Open(b, now)
	kind := exchange(now)
	ctx, stop := context.WithCancel(context.Background())
	var owned sync.WaitGroup
	defer owned.Wait()
	defer stop()
	s := New(Options{
		Store: st, Now: now, Log: slog.New(slog.DiscardHandler), Kinds: map[string]Kind{"ews": kind}, Out: out,
		Changed: func(store.WorkspaceID) {},
		Go:      func(_ string, f func(context.Context) error) { owned.Go(func() { _ = f(ctx) }) },
	})
	id := store.NewID[store.SystemID]()
	err = st.Update(ctx, func(tx *store.Tx) error {
		bd, fl := store.NewID[store.BuildingID](), store.NewID[store.FloorID]()
		errs := []error{
			tx.InsertBuilding(store.Building{ID: bd, Name: "B", Zone: zone.String(), Language: "en", HostedRetention: store.RetainMidnight}),
			tx.InsertFloor(store.Floor{ID: fl, BuildingID: bd, Name: "F"}),
			tx.SaveSystem(store.System{
				ID: id, Kind: "ews", Name: "Exchange", URL: fake.URL(), Username: ewstest.User,
				Settings: map[string]string{"auth": "basic", "access": string(ews.Folder)},
				Secrets:  map[string]secret.Text{"password": secret.New(ewstest.Password)},
			}),
		}
		for i := range loadRooms {
			w := store.NewID[store.WorkspaceID]()
			errs = append(errs, tx.InsertWorkspace(store.Workspace{ID: w, FloorID: fl, Kind: store.Room, Name: fmt.Sprintf("Room %d", i), Bookable: true}),
				tx.AttachResource(store.Resource{ID: store.NewID[store.ResourceID](), Workspace: w, System: id, Address: address(i), Writable: true}, false))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Start(ctx); err != nil {
		b.Fatal(err)
	}
	pass := func(d time.Duration) { // and let everything that is due end
		clock.Add(int64(d))
		if err := s.Tick(ctx); err != nil {
			b.Fatal(err)
		}
		for s.busy(id) {
			time.Sleep(100 * time.Microsecond)
		}
	}
	for deadline := time.Now().Add(2 * time.Minute); s.live(id) < loadRooms || s.unread(id) > 0; {
		if pass(time.Second); time.Now().After(deadline) {
			b.Fatalf("after two minutes %d rooms are watched, %d not read", s.live(id), s.unread(id))
		}
	}
	for range 180 { // what the start has made due
		pass(time.Second)
	}

	fake.Calls()
	in0, out0 := fake.Traffic()
	const minutes = 6 * 60
	ops := map[string]int{}
	for minute := range minutes {
		for range loadChanges {
			room, start := rand.IntN(loadRooms), now().Add(26*time.Hour).Truncate(time.Hour)
			fake.Put(address(room), ewstest.Event{
				Name: "changed", Subject: fmt.Sprintf("Moved %d", minute), Organizer: "Ann Lee", Address: "ann@rooms.test",
				Start: start, End: start.Add(30 * time.Minute), Meeting: true, Created: now(),
			})
		}
		time.Sleep(5 * time.Millisecond) // the streams run in real time
		for range 12 {
			pass(5 * time.Second)
		}
		for _, c := range fake.Calls() {
			ops[c.Op]++
		}
	}
	in1, out1 := fake.Traffic()
	requests := 0
	for _, n := range ops {
		requests += n
	}
	perMinute := float64(requests) / minutes
	bytes := float64(in1-in0+out1-out0)/minutes + float64(loadRooms/200*beatsPerMin*beatBytes)

	// The yardstick: one room's window, by the same client.
	conn, err := kind.Open(out, store.System{URL: fake.URL(), Username: ewstest.User, Settings: map[string]string{"auth": "basic"},
		Secrets: map[string]secret.Text{"password": secret.New(ewstest.Password)}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	in0, out0 = fake.Traffic()
	const sample = 100
	for i := range sample {
		if _, err := conn.Read(ctx, connectors.ReadRequest{Room: connectors.Room{ID: address(i), Zone: zone}, Window: window(now(), zone)}); err != nil {
			b.Fatal(err)
		}
	}
	in1, out1 = fake.Traffic()
	polls := float64(loadRooms) / pollInterval.Minutes()
	pollBytes := polls * float64(in1-in0+out1-out0) / sample

	b.ReportMetric(perMinute, "requests/min")
	b.ReportMetric(polls, "polling-requests/min")
	b.ReportMetric(perMinute/polls, "requests-of-polling")
	b.ReportMetric(bytes/1e3, "kB/min")
	b.ReportMetric(pollBytes/1e3, "polling-kB/min")
	b.ReportMetric(bytes/pollBytes, "bytes-of-polling")
	b.Logf("%d minutes: %v, %d rooms watched", minutes, ops, s.live(id))
	if perMinute > polls/10 || bytes > pollBytes/10 {
		b.Errorf("more than a tenth of plain polling: %.1f of %.0f requests, %.0f of %.0f kB a minute", perMinute, polls, bytes/1e3, pollBytes/1e3)
	}
}

// busy reports whether rooms of a system are being worked on, or about to be.
func (s *Service) busy(id store.SystemID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	y := s.systems[id]
	return y.inFlight > 0 || y.ready(s.o.Now())
}

func (s *Service) live(id store.SystemID) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rm := range s.rooms {
		if rm.sys.s.ID == id && rm.live {
			n++
		}
	}
	return n
}

func (s *Service) unread(id store.SystemID) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rm := range s.rooms {
		if rm.sys.s.ID == id && rm.lastRead.IsZero() {
			n++
		}
	}
	return n
}
