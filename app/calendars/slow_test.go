package calendars

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
	"lintel/store/storetest"
)

// hanging is a system of which some rooms never answer.
type hanging struct {
	*script
	hangs map[string]bool
	mu    sync.Mutex
	asked map[string]int
}

func (h *hanging) Probe(ctx context.Context, room connectors.Room, c connectors.Cursor) (connectors.Change, error) {
	h.mu.Lock()
	h.asked[room.ID]++
	h.mu.Unlock()
	if h.hangs[room.ID] {
		<-ctx.Done()
		return connectors.Change{}, fmt.Errorf("probe: %w", ctx.Err())
	}
	return h.script.Probe(ctx, room, c)
}

// The engine as it runs, with its workers: a room that never answers delays no other of its system for long, a system that
// never answers delays no other system, and whoever disconnects it leaves no worker behind.
func TestSlowRoomsAndSystemsDelayNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := storetest.Open(t, time.Now)
		ctx := t.Context()
		var owned sync.WaitGroup
		systems := map[string]*hanging{}
		kinds := map[string]Kind{}
		for name, hangs := range map[string]map[string]bool{
			"dead": {"dead-0": true, "dead-1": true, "dead-2": true}, "partly": {"partly-0": true}, "good": {},
		} {
			systems[name] = &hanging{script: &script{complete: true}, hangs: hangs, asked: map[string]int{}}
			kinds[name] = Kind{Every: time.Minute, Hot: 15 * time.Second, Parallel: 2, Open: func(*outbound.Outbound, store.System, []store.Resource) (connectors.Connector, error) {
				return systems[name], nil
			}}
		}
		s := New(Options{
			Store: st, Now: time.Now, Log: slog.New(slog.DiscardHandler), Kinds: kinds, Changed: func(store.WorkspaceID) {},
			Go: func(_ string, f func(context.Context) error) { owned.Go(func() { _ = f(ctx) }) },
		})
		rooms := map[string]store.WorkspaceID{}
		ids := map[string]store.SystemID{}
		err := st.Update(ctx, func(tx *store.Tx) error {
			bd, fl := store.NewID[store.BuildingID](), store.NewID[store.FloorID]()
			errs := []error{
				tx.InsertBuilding(store.Building{ID: bd, Name: "B", Zone: "Europe/Zurich", Language: "en", HostedRetention: store.RetainMidnight}),
				tx.InsertFloor(store.Floor{ID: fl, BuildingID: bd, Name: "F"}),
			}
			for name := range systems {
				ids[name] = store.NewID[store.SystemID]()
				errs = append(errs, tx.SaveSystem(store.System{ID: ids[name], Kind: name, Name: name}))
				for i := range 3 {
					address, w := fmt.Sprintf("%s-%d", name, i), store.NewID[store.WorkspaceID]()
					rooms[address] = w
					errs = append(errs, tx.InsertWorkspace(store.Workspace{ID: w, FloorID: fl, Kind: store.Room, Name: address, Bookable: true}),
						tx.AttachResource(store.Resource{ID: store.NewID[store.ResourceID](), Workspace: w, System: ids[name], Address: address}, false))
				}
			}
			return errors.Join(errs...)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
		worst := map[string]time.Duration{}
		for start := time.Now(); time.Since(start) < time.Hour; time.Sleep(time.Second) {
			if err := s.Tick(ctx); err != nil {
				t.Fatal(err)
			}
			for address, w := range rooms {
				at, _ := s.Confirmed(w)
				if at.Before(start) {
					at = start
				}
				worst[address] = max(worst[address], time.Since(at))
			}
		}
		for address, most := range map[string]time.Duration{
			"good-0": 2 * time.Minute, "good-1": 2 * time.Minute, "good-2": 2 * time.Minute,
			"partly-1": 3*time.Minute + roomTimeout, "partly-2": 3*time.Minute + roomTimeout,
		} {
			if worst[address] > most {
				t.Errorf("%s was not confirmed for %v", address, worst[address])
			}
		}
		for _, id := range ids {
			if err := s.Disconnect(ctx, admin, id); err != nil {
				t.Fatal(err)
			}
		}
		owned.Wait() // a worker that is left behind is a deadlock here
		for address, n := range systems["dead"].asked {
			if n < 2 || n > 60 {
				t.Errorf("%s was asked %d times in an hour", address, n)
			}
		}
	})
}
