package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"lintel/connectors"
)

// memory is a calendar in memory whose server clock ticks only when the test says so. Steps of several
// writers are taken one at a time, in the order that the test draws.
type memory struct {
	events map[string]connectors.Event
	clock  time.Time
	blind  bool // events carry no time of writing
}

// writer is one client's view. Each call waits for its turn and may be made to fail.
type writer struct {
	*memory
	turn chan turn
	next chan<- struct{}
	quit <-chan struct{} // closed: nobody gives turns any more
}

// turn lets one call run: before fails it unseen, after fails it when it is done.
type turn struct{ before, after bool }

var errLine = &connectors.Error{Kind: connectors.Transient, Op: "test"}

func (w *writer) step(f func() error) error {
	var t turn
	select {
	case t = <-w.turn:
	case <-w.quit:
		return errLine
	}
	defer func() {
		select {
		case w.next <- struct{}{}:
		case <-w.quit:
		}
	}()
	if t.before {
		return errLine
	}
	err := f()
	if t.after {
		return errLine
	}
	return err
}

func (w *writer) Caps() connectors.Caps { return connectors.CapBook }
func (w *writer) Close() error          { return nil }
func (w *writer) Check(context.Context, connectors.CheckRequest) connectors.Report {
	return connectors.Report{}
}

func (w *writer) Probe(context.Context, connectors.Room, connectors.Cursor) (connectors.Change, error) {
	return connectors.Change{Changed: true}, nil
}

func (w *writer) Read(_ context.Context, req connectors.ReadRequest) (s connectors.Snapshot, err error) {
	err = w.step(func() error {
		for _, e := range w.events {
			if e.Touches(req.Window) {
				s.Events = append(s.Events, e)
			}
		}
		connectors.SortEvents(s.Events)
		s.Complete, s.State = true, []byte("state")
		return nil
	})
	return s, err
}

func (w *writer) write(e connectors.Event) connectors.Event {
	if !w.blind {
		e.Written = w.clock
	}
	w.events[e.Key] = e
	return e
}

func (w *writer) Book(_ context.Context, _ connectors.Room, d connectors.Draft) (e connectors.Event, err error) {
	err = w.step(func() error {
		if old, ok := w.events[d.Token]; ok {
			e = old
			return nil
		}
		e = w.write(connectors.Event{Key: d.Token, Series: d.Token, Token: d.Token, From: d.From, To: d.To, Mine: true})
		return nil
	})
	return e, err
}

func (w *writer) SetEnd(_ context.Context, _ connectors.Room, ev connectors.Event, to time.Time) (e connectors.Event, err error) {
	err = w.step(func() error {
		old, ok := w.events[ev.Key]
		if !ok {
			return &connectors.Error{Kind: connectors.NotFound}
		}
		old.To = to
		e = w.write(old)
		return nil
	})
	return e, err
}

func (w *writer) Release(_ context.Context, _ connectors.Room, ev connectors.Event) error {
	return w.step(func() error { delete(w.events, ev.Key); return nil })
}

var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func draftOf(token string, from, to int) connectors.Draft {
	return connectors.Draft{Token: token, From: monday.Add(time.Duration(from) * time.Minute), To: monday.Add(time.Duration(to) * time.Minute)}
}

// overlap returns two events that occupy one instant, if there are any.
func (m *memory) overlap() string {
	list := slices.Collect(maps.Values(m.events))
	for i, a := range list {
		for _, b := range list[i+1:] {
			if a.Occupies(b.Span()) {
				return fmt.Sprintf("%s and %s overlap", a.Key, b.Key)
			}
		}
	}
	return ""
}

// No interleaving of two to four writers' steps, with a clock that ticks now and then or is not told, leaves
// two bookings of one time; and each writer knows what it has.
func TestRaces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { races(t, false) })
}

// The same with calls that fail, seen or unseen by the server: once everybody has called again with its
// token, nothing overlaps.
func TestRacesWithFailures(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var failed any
		synctest.Test(t, func(*testing.T) { // an undo that fails is tried again after a pause
			defer func() { failed = recover() }()
			races(rt, true)
		})
		// Rapid ends a run by a panic, expects it on its own goroutine, and tells two ends apart by their lines.
		if rt.Failed() {
			panic(failed)
		}
		if failed != nil {
			panic(failed)
		}
	})
}

// client is one writer's whole attempt: it tries again after a tie or a failure, as the engine does.
type client struct {
	w      *writer
	draft  connectors.Draft
	out    connectors.Outcome
	err    error
	ended  chan struct{}
	extend bool // books ten minutes first, alone, and then extends
	own    connectors.Event
}

func (c *client) run(tries int) {
	defer close(c.ended)
	for range tries {
		if c.extend {
			c.out, c.err = connectors.SetEndVerified(context.Background(), c.w, connectors.Room{}, c.own, c.draft.To, nil)
		} else {
			c.out, c.err = connectors.BookVerified(context.Background(), c.w, connectors.Room{}, c.draft, nil)
		}
		if c.out.Left != nil && c.err == nil {
			panic("something was left without an error")
		}
		if c.err == nil && c.out.Verdict != connectors.Tie {
			return
		}
	}
}

func races(t *rapid.T, failures bool) {
	m := &memory{events: map[string]connectors.Event{}, clock: monday, blind: rapid.Bool().Draw(t, "blind")}
	next, quit := make(chan struct{}), make(chan struct{})
	defer close(quit)
	var clients []*client
	for i := range rapid.IntRange(2, 4).Draw(t, "writers") {
		from := rapid.IntRange(0, 6).Draw(t, "from") * 10
		to := from + rapid.IntRange(1, 4).Draw(t, "length")*10
		c := &client{w: &writer{m, make(chan turn), next, quit}, draft: draftOf(fmt.Sprint("token-", i), from, to), ended: make(chan struct{})}
		if d := draftOf(c.draft.Token, from, from+1); rapid.Bool().Draw(t, "extends") {
			c.own = connectors.Event{Key: d.Token, Series: d.Token, Token: d.Token, From: d.From, To: d.To, Mine: true}
			m.events[c.own.Key] = c.own
			if m.overlap() != "" {
				delete(m.events, c.own.Key)
			} else {
				c.extend = true
			}
		}
		clients = append(clients, c)
	}
	for _, c := range clients {
		go c.run(4)
	}
	steps := func(fail bool) {
		for {
			var running []*client
			for _, c := range clients {
				select {
				case <-c.ended:
				default:
					running = append(running, c)
				}
			}
			if len(running) == 0 {
				return
			}
			c := rapid.SampledFrom(running).Draw(t, "next")
			var how turn
			if fail {
				how = rapid.SampledFrom([]turn{{}, {}, {}, {before: true}, {after: true}}).Draw(t, "how")
			}
			select {
			case c.w.turn <- how:
				<-next
			case <-c.ended:
			}
			if rapid.Bool().Draw(t, "tick") {
				m.clock = m.clock.Add(time.Second)
			}
		}
	}
	steps(failures)
	if failures {
		// Whoever does not know how it ended calls again, one after the other, on a good line.
		for _, c := range clients {
			if c.err != nil || c.out.Verdict == connectors.Tie {
				c.ended = make(chan struct{})
				go c.run(4)
				steps(false)
			}
		}
	}
	if s := m.overlap(); s != "" {
		t.Fatal(s)
	}
	for _, c := range clients {
		e, there := m.events[c.draft.Token]
		has := there && e.To.Equal(c.draft.To)
		if done := c.err == nil && c.out.Verdict == connectors.Done; done != has {
			t.Fatalf("%s is told %d, %v; in the calendar: %v", c.draft.Token, c.out.Verdict, c.err, has)
		}
		if c.extend && !there {
			t.Fatalf("%s lost its booking by trying to extend it", c.draft.Token)
		}
	}
}

// free runs a writer without turns.
func free(m *memory, fail func(call int) turn) *writer {
	turns, next := make(chan turn), make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			turns <- fail(i)
			<-next
		}
	}()
	return &writer{m, turns, next, nil}
}

func TestBookVerified(t *testing.T) {
	t.Parallel()
	other := func(written time.Time) connectors.Event {
		return connectors.Event{Key: "other", Series: "other", From: monday, To: monday.Add(time.Hour), Written: written}
	}
	d := draftOf("token-1", 30, 90)
	tests := []struct {
		name    string
		written time.Time // of the other, which appears right after ours; zero = unknown
		want    connectors.Verdict
	}{
		{"earlier by a second", monday.Add(-time.Second), connectors.Taken},
		{"the same second", monday, connectors.Tie},
		{"later by a second", monday.Add(time.Second), connectors.Done},
		{"unknown", time.Time{}, connectors.Tie},
	}
	for _, tt := range tests {
		m := &memory{events: map[string]connectors.Event{}, clock: monday}
		w := free(m, func(call int) turn {
			if call == 2 { // read, book, read back
				m.events["other"] = other(tt.written)
			}
			return turn{}
		})
		out, err := connectors.BookVerified(t.Context(), w, connectors.Room{}, d, nil)
		if err != nil || out.Verdict != tt.want || out.Left != nil || string(out.State) != "state" {
			t.Errorf("%s: %+v, %v", tt.name, out, err)
		}
		if _, there := m.events[d.Token]; there != (tt.want == connectors.Done) {
			t.Errorf("%s: ours is there: %v", tt.name, there)
		}
		if (len(out.Others) == 1) != (tt.want != connectors.Done) {
			t.Errorf("%s: others %v", tt.name, out.Others)
		}
	}
}

func TestWhatIsLeft(t *testing.T) {
	t.Parallel()
	d := draftOf("token-1", 30, 90)
	for name, tt := range map[string]struct {
		fail int // the call that fails: 0 read, 1 book, 2 read back
		left bool
	}{
		"first read fails":      {fail: 0},
		"write is not answered": {fail: 1, left: true}, // nobody knows: it counts as done
		"read back fails":       {fail: 2, left: true},
	} {
		m := &memory{events: map[string]connectors.Event{}, clock: monday}
		w := free(m, func(call int) turn {
			return turn{before: call == tt.fail}
		})
		out, err := connectors.BookVerified(t.Context(), w, connectors.Room{}, d, nil)
		if !errors.Is(err, connectors.Transient) || (out.Left != nil) != tt.left {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
		// Calling again settles it.
		out, err = connectors.BookVerified(t.Context(), w, connectors.Room{}, d, out.State)
		if err != nil || out.Verdict != connectors.Done || out.Left != nil {
			t.Errorf("%s, again: %+v, %v", name, out, err)
		}
	}
	// The undo runs even when the caller has gone.
	ctx, cancel := context.WithCancel(t.Context())
	m := &memory{events: map[string]connectors.Event{}, clock: monday}
	w := free(m, func(call int) turn {
		if call == 2 {
			m.events["other"] = connectors.Event{Key: "other", Series: "other", From: d.From, To: d.To, Written: monday.Add(-time.Second)}
			cancel()
		}
		return turn{}
	})
	if out, err := connectors.BookVerified(ctx, w, connectors.Room{}, d, nil); err != nil || out.Verdict != connectors.Taken || m.overlap() != "" {
		t.Errorf("%+v, %v, %s", out, err, m.overlap())
	}
}

// refusing is a system that refuses every write, because somebody appeared meanwhile or for no visible reason.
type refusing struct {
	*writer
	appears *connectors.Event
}

func (r refusing) refuse() error {
	if r.appears != nil {
		r.events[r.appears.Key] = *r.appears
	}
	return connectors.Fail(connectors.Conflict, "write", "refused")
}

func (r refusing) Book(context.Context, connectors.Room, connectors.Draft) (connectors.Event, error) {
	return connectors.Event{}, r.refuse()
}

func (r refusing) SetEnd(context.Context, connectors.Room, connectors.Event, time.Time) (connectors.Event, error) {
	return connectors.Event{}, r.refuse()
}

// What the system itself refuses is taken by whoever is there, or the refusal as it came.
func TestRefusedBySystem(t *testing.T) {
	t.Parallel()
	d := draftOf("token-1", 30, 90)
	ours := connectors.Event{Key: "ours", Series: "ours", From: d.From, To: d.To}
	for _, other := range []*connectors.Event{nil, {Key: "other", Series: "other", From: d.From, To: d.To.Add(time.Hour)}} {
		w := refusing{free(&memory{events: map[string]connectors.Event{}, clock: monday}, func(int) turn { return turn{} }), other}
		booked, errBook := connectors.BookVerified(t.Context(), w, connectors.Room{}, d, nil)
		w.events = map[string]connectors.Event{"ours": ours}
		longer, errEnd := connectors.SetEndVerified(t.Context(), w, connectors.Room{}, ours, d.To.Add(time.Hour), nil)
		for out, err := range map[*connectors.Outcome]error{&booked: errBook, &longer: errEnd} {
			switch {
			case other == nil && !errors.Is(err, connectors.Conflict):
				t.Errorf("got %v, want the refusal", err)
			case other != nil && (err != nil || out.Verdict != connectors.Taken || len(out.Others) != 1 || out.Left != nil):
				t.Errorf("%+v, %v", out, err)
			}
		}
	}
}
