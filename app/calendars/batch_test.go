package calendars

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
)

// many is a booking system with several rooms that probes them in batches and watches them.
type many struct {
	script
	size     int
	versions map[string]byte
	fails    map[string]error // of a room's probe
	batches  [][]string
	tell     chan connectors.WatchFuncs
	watched  [][]string
}

func (m *many) Caps() connectors.Caps { return m.script.Caps() | connectors.CapWatch }

func (m *many) BatchSize() int { return m.size }

func (m *many) ProbeMany(_ context.Context, asked []connectors.ProbeRequest) []connectors.ProbeResult {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	var out []connectors.ProbeResult
	for _, q := range asked {
		ids = append(ids, q.Room.ID)
		next := connectors.Cursor{m.versions[q.Room.ID] + 1}
		out = append(out, connectors.ProbeResult{
			Change: connectors.Change{Changed: !bytes.Equal(q.Cursor, next), Next: next}, Err: m.fails[q.Room.ID],
		})
	}
	slices.Sort(ids)
	m.batches = append(m.batches, ids)
	return out
}

func (m *many) Probe(ctx context.Context, room connectors.Room, c connectors.Cursor) (connectors.Change, error) {
	r := m.ProbeMany(ctx, []connectors.ProbeRequest{{Room: room, Cursor: c}})[0]
	return r.Change, r.Err
}

func (m *many) Watch(ctx context.Context, rooms []connectors.Room, tell connectors.WatchFuncs) error {
	var ids []string
	for _, r := range rooms {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	m.mu.Lock()
	m.watched = append(m.watched, ids)
	m.mu.Unlock()
	m.tell <- tell
	<-ctx.Done()
	return ctx.Err()
}

// newMany is a bench with rooms room-0 … on one such system.
func newMany(t testing.TB, rooms int) (*bench, *many) {
	t.Helper()
	b := newBench(t)
	m := &many{
		script: script{complete: true}, size: 3, versions: map[string]byte{}, fails: map[string]error{}, tell: make(chan connectors.WatchFuncs, 1),
	}
	b.o.Kinds["many"] = Kind{
		Open:  func(*outbound.Outbound, store.System, []store.Resource) (connectors.Connector, error) { return m, nil },
		Every: time.Minute, Hot: 15 * time.Second, Calm: 2 * time.Hour,
	}
	if err := b.Detach(t.Context(), admin, b.ws); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.id, err = b.Connect(t.Context(), admin, Connection{Kind: "many", Name: "Many"}); err != nil {
		t.Fatal(err)
	}
	var floor store.FloorID
	if err := b.st.View(t.Context(), func(tx *store.Tx) error {
		w, err := tx.Workspace(b.ws)
		floor = w.Workspace.FloorID
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i := range rooms {
		w := store.NewID[store.WorkspaceID]()
		if err := b.st.Update(t.Context(), func(tx *store.Tx) error {
			return tx.InsertWorkspace(store.Workspace{ID: w, FloorID: floor, Kind: store.Room, Name: fmt.Sprintf("Room %d", i), Bookable: true})
		}); err != nil {
			t.Fatal(err)
		}
		if err := b.Attach(t.Context(), admin, w, b.id, fmt.Sprintf("room-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	return b, m
}

// turn runs one batch, as a worker does, and returns how many rooms it took.
func (b *bench) turn(m *many) int {
	rooms := b.take(b.systems[b.id], m.size)
	switch len(rooms) {
	case 0:
	case 1:
		b.syncRoom(context.Background(), rooms[0])
	default:
		b.syncBatch(context.Background(), m, rooms)
	}
	return len(rooms)
}

func TestBatchReadsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 7)
	for b.turn(m) > 0 {
	}
	if len(m.batches) != 3 || m.reads != 7 {
		t.Fatalf("first reading: batches %v, %d reads", m.batches, m.reads)
	}
	m.versions["room-4"]++
	b.now = b.now.Add(80 * time.Second)
	m.batches, m.reads = nil, 0
	for b.turn(m) > 0 {
	}
	if m.reads != 1 {
		t.Errorf("%d rooms were read, want the one that changed (batches %v)", m.reads, m.batches)
	}
}

func TestFailuresInABatchConcernTheirRoom(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 3)
	m.fails["room-1"] = connectors.Fail(connectors.Forbidden, "probe", "no right")
	m.fails["room-2"] = &connectors.Error{Kind: connectors.Throttled, Op: "probe", After: 10 * time.Minute, Alone: true}
	b.turn(m)
	kinds := map[string]string{}
	for _, st := range b.Statuses() {
		for _, r := range st.Rooms {
			kinds[r.Resource.Address] = r.Resource.ErrorKind
		}
		if st.System.ID == b.id && !st.Waiting.IsZero() {
			t.Errorf("one room's wish holds for all: %v", st.Waiting)
		}
	}
	if kinds["room-0"] != "" || kinds["room-1"] != string(connectors.Forbidden) || kinds["room-2"] != string(connectors.Throttled) {
		t.Errorf("kinds: %v", kinds)
	}
	m.batches = nil
	for range 8 {
		b.now = b.now.Add(70 * time.Second)
		for b.turn(m) > 0 {
		}
	}
	for _, batch := range m.batches {
		if slices.Contains(batch, "room-2") {
			t.Errorf("room-2 was asked before its time: %v", m.batches)
		}
	}
}

// A whole system's wish ends a batch: the rooms that were not read yet come later, and a restart remembers it.
func TestThrottledBatchStopsAndIsRemembered(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 3)
	m.err = &connectors.Error{Kind: connectors.Throttled, Op: "read", After: 5 * time.Minute} // Read fails
	b.turn(m)
	if m.reads != 1 {
		t.Fatalf("%d reads after the first was throttled", m.reads)
	}
	until := b.systems[b.id].blocked
	if until.Before(b.now.Add(5 * time.Minute)) {
		t.Fatalf("blocked until %v", until)
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := New(b.o)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := again.systems[b.id].blocked; !got.Equal(until.Truncate(time.Second)) && got.Before(until.Truncate(time.Second)) {
		t.Errorf("after a restart blocked until %v, want %v", got, until)
	}
	if rooms := again.take(again.systems[b.id], 3); rooms != nil {
		t.Error("a restart asks before the time")
	}
}

func TestWatchedRoomsAreProbedRarelyAndOnHints(t *testing.T) {
	t.Parallel()
	b, m := newMany(t, 2)
	for b.turn(m) > 0 {
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.watch(ctx, b.systems[b.id], m) }()
	tell := <-m.tell
	tell.Live("room-0", true)
	b.now = b.now.Add(2 * time.Minute) // both are due: one because it is polled, one for what happened before it was live
	for b.turn(m) > 0 {
	}
	asked := func() (n0, n1 int) {
		for _, batch := range m.batches {
			if slices.Contains(batch, "room-0") {
				n0++
			}
			if slices.Contains(batch, "room-1") {
				n1++
			}
		}
		return n0, n1
	}
	m.size, m.batches = 2, nil
	for range 60 {
		b.now = b.now.Add(time.Minute)
		for {
			rooms := b.take(b.systems[b.id], 1)
			if len(rooms) == 0 {
				break
			}
			b.syncBatch(ctx, m, rooms)
		}
	}
	if n0, n1 := asked(); n0 > 1 || n1 < 30 {
		t.Errorf("in an hour the watched room was asked %d times, the other %d", n0, n1)
	}
	m.batches = nil
	tell.Changed("room-0")
	b.now = b.now.Add(coalesce)
	b.turn(m)
	if n0, _ := asked(); n0 != 1 {
		t.Errorf("after a hint the room was asked %d times", n0)
	}
	cancel()
	<-done
	b.now = b.now.Add(2 * time.Minute)
	m.batches = nil
	b.turn(m)
	if n0, _ := asked(); n0 != 1 {
		t.Error("after the watch has ended the room is not probed at the normal pace")
	}
}

// One request that fails is one failure of the system, however many rooms it asked for: it is tried again soon.
func TestFailedBatchCountsOnce(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{
		connectors.Fail(connectors.Transient, "probe", "connection refused"),
		&connectors.Error{Kind: connectors.Throttled, Op: "probe", After: 10 * time.Second},
		context.DeadlineExceeded,
	} {
		b, m := newMany(t, 12)
		m.size = 12
		b.systems[b.id].proven = true
		for _, rm := range b.rooms {
			m.fails[rm.r.Address] = fail
		}
		if n := b.turn(m); n != 12 {
			t.Fatalf("%d rooms were asked", n)
		}
		if sys := b.systems[b.id]; sys.failures != 1 || sys.blocked.Sub(b.now) > 15*time.Second || sys.inFlight != 0 {
			t.Errorf("%v: %d failures, nothing is sent for %v", fail, sys.failures, sys.blocked.Sub(b.now))
		}
	}
}

// newFeeds is a bench with three feeds.
func newFeeds(t testing.TB, user string) (*bench, *many, []*room) {
	t.Helper()
	b, m := newMany(t, 3)
	sys := b.systems[b.id]
	sys.kind.Feeds, sys.s.Username, m.size = true, user, 1
	var rooms []*room
	for _, rm := range b.rooms {
		rooms = append(rooms, rm)
	}
	return b, m, rooms
}

// Feeds lie on servers of their own: one that is down, asks for time or wants a password keeps no other from being read.
func TestFeedsFailAlone(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{
		connectors.Fail(connectors.Auth, "fetch", "401"),
		connectors.Fail(connectors.Transient, "fetch", "connection refused"),
		connectors.Fail(connectors.Trust, "fetch", "expired"),
		&connectors.Error{Kind: connectors.Throttled, Op: "fetch", After: 4 * time.Hour},
	} {
		b, m, rooms := newFeeds(t, "")
		m.fails[string(rooms[0].r.ID)], m.fails[string(rooms[1].r.ID)] = fail, fail
		b.pass(m, 3*time.Hour)
		if st := b.Statuses()[0]; !st.System.PausedAt.IsZero() || !st.System.FailingSince.IsZero() || b.age(rooms[2]) > 10*time.Minute {
			t.Errorf("%v: the third feed was read %v ago; %+v", fail, b.age(rooms[2]), st.System)
		}
		asked := 0
		for _, batch := range m.batches {
			if batch[0] == string(rooms[0].r.ID) {
				asked++
			}
		}
		if connectors.AfterOf(fail) > 0 && asked != 1 {
			t.Errorf("asked %d times while it wants to be left alone", asked)
		}
	}
}

// But a password that they have in common is sent twice at most.
func TestFeedsShareAPassword(t *testing.T) {
	t.Parallel()
	b, m, rooms := newFeeds(t, "svc")
	for _, rm := range rooms {
		m.fails[string(rm.r.ID)] = connectors.Fail(connectors.Auth, "fetch", "401")
	}
	b.pass(m, 3*time.Hour)
	if len(m.batches) != authLimit {
		t.Errorf("%d sign-ins", len(m.batches))
	}
}

// A system that lets us in, and has no such calendar or gives no right, is not out of reach any more.
func TestRefusedRoomEndsTheSystemsFailure(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail(connectors.Fail(connectors.Transient, "probe", "connection refused"))
	for range 40 {
		b.now = b.now.Add(time.Minute)
		b.crank()
	}
	if b.Statuses()[0].System.FailingSince.IsZero() {
		t.Fatal("not failing")
	}
	b.fail(connectors.Fail(connectors.Forbidden, "probe", "no right"))
	b.now = b.now.Add(backoffMax)
	b.crank()
	st := b.Statuses()[0]
	if !st.System.FailingSince.IsZero() || st.System.ErrorKind != "" || st.Rooms[0].Resource.ErrorKind != string(connectors.Forbidden) {
		t.Errorf("the page says %+v", st.System)
	}
}
