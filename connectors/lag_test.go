package connectors_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lintel/connectors"
)

// replica is a calendar whose lists come from a copy that lags: the next so many show it as it was when lag was called.
// Single events are always as they are. Calls of a kind can be made to fail.
type replica struct {
	memory
	shown map[string]connectors.Event
	late  int
	fail  map[string][]error // by operation, taken one by one; nil = it goes well
	calls map[string]int
	wrote func() // run after each write
}

func newReplica(events ...connectors.Event) *replica {
	r := &replica{memory: memory{events: map[string]connectors.Event{}, clock: monday}, fail: map[string][]error{}, calls: map[string]int{}}
	for _, e := range events {
		r.events[e.Key] = e
	}
	return r
}

func (r *replica) lag(lists int) { r.shown, r.late = maps.Clone(r.events), lists }

func (r *replica) broken(op string) (err error) {
	r.calls[op]++
	if list := r.fail[op]; len(list) > 0 {
		err, r.fail[op] = list[0], list[1:]
	}
	return err
}

func (r *replica) Caps() connectors.Caps { return connectors.CapBook }
func (r *replica) Close() error          { return nil }
func (r *replica) Check(context.Context, connectors.CheckRequest) connectors.Report {
	return connectors.Report{}
}

func (r *replica) Probe(context.Context, connectors.Room, connectors.Cursor) (connectors.Change, error) {
	return connectors.Change{Changed: true}, nil
}

func (r *replica) Read(_ context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	events := r.events
	if r.late > 0 {
		r.late--
		events = r.shown
	}
	s := connectors.Snapshot{Complete: true, State: []byte("state")}
	for _, e := range events {
		if e.Touches(req.Window) {
			s.Events = append(s.Events, e)
		}
	}
	connectors.SortEvents(s.Events)
	return s, r.broken("read")
}

func (r *replica) put(e connectors.Event) connectors.Event {
	e.Written = r.clock
	r.events[e.Key] = e
	if r.wrote != nil {
		r.wrote()
	}
	return e
}

func (r *replica) Book(_ context.Context, _ connectors.Room, d connectors.Draft) (connectors.Event, error) {
	if err := r.broken("book"); err != nil {
		return connectors.Event{}, err
	}
	return r.put(connectors.Event{Key: d.Token, Series: d.Token, Token: d.Token, From: d.From, To: d.To, Mine: true}), nil
}

func (r *replica) SetEnd(_ context.Context, _ connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	if err := r.broken("set end"); err != nil {
		return connectors.Event{}, err
	}
	old, ok := r.events[ev.Key]
	switch {
	case !ok:
		return old, connectors.Fail(connectors.NotFound, "set end", "gone")
	case old.To.Equal(to):
		return old, nil
	}
	old.To = to
	return r.put(old), nil
}

func (r *replica) Release(_ context.Context, _ connectors.Room, ev connectors.Event) error {
	if err := r.broken("release"); err != nil {
		return err
	}
	delete(r.events, ev.Key)
	return nil
}

func busyUntil(minute int, written time.Time) connectors.Event {
	return connectors.Event{Key: "other", Series: "other", From: monday.Add(time.Hour), To: monday.Add(time.Duration(minute) * time.Minute), Written: written}
}

// A system that has taken a booking and does not show it yet is asked again: the booking stands, and who asked is told.
func TestBookingIsShownLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReplica()
		r.wrote = func() { r.shown, r.late = map[string]connectors.Event{}, 3 }
		out, err := connectors.BookVerified(t.Context(), r, connectors.Room{}, draftOf("token-1", 60, 120), nil)
		if err != nil || out.Verdict != connectors.Done || out.Left != nil || out.Event.Token != "token-1" {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

// One that is never shown is not forgotten: it is left, to be settled when it is.
func TestBookingIsNotShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReplica()
		r.wrote = func() { r.shown, r.late = map[string]connectors.Event{}, 100 }
		d := draftOf("token-1", 60, 120)
		began := time.Now()
		out, err := connectors.BookVerified(t.Context(), r, connectors.Room{}, d, nil)
		if !errors.Is(err, connectors.Transient) || out.Left == nil || out.Left.Token != "token-1" {
			t.Errorf("%+v, %v", out, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("somebody waits at the door for %v", took)
		}
		r.late = 0
		out, err = connectors.Settle(t.Context(), r, connectors.Room{}, d.Token, out.Left.Span(), out.State)
		if err != nil || out.Verdict != connectors.Done {
			t.Errorf("settled: %+v, %v", out, err)
		}
		// Who gives up meanwhile leaves it too.
		r.wrote, r.late = nil, 0
		r.wrote = func() { r.shown, r.late = map[string]connectors.Event{}, 100 }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		out, err = connectors.BookVerified(ctx, r, connectors.Room{}, draftOf("token-2", 120, 180), nil)
		if !errors.Is(err, context.DeadlineExceeded) || out.Left == nil {
			t.Errorf("given up: %+v, %v", out, err)
		}
	})
}

// What a lagging list hides when an extension is read back is not taken for a free room.
func TestExtensionIsShownLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours := connectors.Event{Key: "ours", Series: "ours", From: monday, To: monday.Add(time.Hour), Mine: true, Written: monday.Add(-time.Hour)}
		for _, longer := range []time.Duration{0, 30 * time.Minute} { // a part of ours is in the window, or nothing
			for _, other := range []bool{false, true} {
				r := newReplica(ours)
				r.wrote = func() {
					r.wrote = nil
					r.shown, r.late = map[string]connectors.Event{"ours": ours}, 2
					if other {
						r.events["other"] = busyUntil(120, monday.Add(-time.Minute))
					}
				}
				ev := ours
				ev.To = ev.To.Add(-longer) // as our agenda has it
				r.events["ours"] = ev
				want := connectors.Done
				if other {
					want = connectors.Taken
				}
				out, err := connectors.SetEndVerified(t.Context(), r, connectors.Room{}, ev, monday.Add(90*time.Minute), nil)
				if err != nil || out.Verdict != want || r.overlap() != "" {
					t.Errorf("longer %v, other %v: %+v, %v, %s", longer, other, out, err, r.overlap())
				}
			}
		}
	})
}

// Extending again after a call without an answer judges what that call has written: it stands or is undone.
func TestExtendAgain(t *testing.T) {
	t.Parallel()
	ours := connectors.Event{Key: "ours", Series: "ours", From: monday, To: monday.Add(time.Hour), Mine: true, Written: monday.Add(-time.Hour)}
	for _, tt := range []struct {
		other time.Duration // when the other was written, against our extension
		want  connectors.Verdict
	}{{-time.Minute, connectors.Taken}, {0, connectors.Tie}, {time.Minute, connectors.Done}} {
		extended := ours
		extended.To, extended.Written = monday.Add(90*time.Minute), monday
		r := newReplica(extended, busyUntil(120, monday.Add(tt.other)))
		out, err := connectors.SetEndVerified(t.Context(), r, connectors.Room{}, ours, extended.To, nil)
		if err != nil || out.Verdict != tt.want || (r.overlap() == "") != (tt.want != connectors.Done) {
			t.Errorf("%v: %+v, %v, %q", tt.other, out, err, r.overlap())
		}
	}
}

// An undo that the line loses is tried again: nothing but it ends a double booking of an extension.
func TestUndoIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours := connectors.Event{Key: "ours", Series: "ours", From: monday, To: monday.Add(time.Hour), Mine: true, Written: monday.Add(-time.Hour)}
		r := newReplica(ours)
		r.wrote = func() { r.wrote, r.events["other"] = nil, busyUntil(120, monday.Add(-time.Minute)) }
		r.fail["set end"] = []error{nil, errLine, errLine}
		out, err := connectors.SetEndVerified(t.Context(), r, connectors.Room{}, ours, monday.Add(90*time.Minute), nil)
		if err != nil || out.Verdict != connectors.Taken || r.overlap() != "" {
			t.Errorf("%+v, %v, %s", out, err, r.overlap())
		}
		// One that never goes through leaves ours, and the next call ends it.
		r = newReplica()
		r.wrote = func() { r.wrote, r.events["other"] = nil, busyUntil(120, monday.Add(-time.Minute)) }
		r.fail["release"] = slices.Repeat([]error{errLine}, 6)
		d := draftOf("token-1", 60, 120)
		out, err = connectors.BookVerified(t.Context(), r, connectors.Room{}, d, nil)
		if !errors.Is(err, connectors.Transient) || out.Left == nil {
			t.Errorf("%+v, %v", out, err)
		}
		out, err = connectors.BookVerified(t.Context(), r, connectors.Room{}, d, out.State)
		if err != nil || out.Verdict != connectors.Taken || out.Left != nil || r.overlap() != "" {
			t.Errorf("%+v, %v, %s", out, err, r.overlap())
		}
		// What is refused is not tried again.
		r = newReplica()
		r.wrote = func() { r.events["other"] = busyUntil(120, monday.Add(-time.Minute)) }
		r.fail["release"] = []error{connectors.Fail(connectors.Forbidden, "release", "no")}
		out, err = connectors.BookVerified(t.Context(), r, connectors.Room{}, draftOf("token-1", 60, 120), nil)
		if !errors.Is(err, connectors.Forbidden) || out.Left == nil || r.calls["release"] != 1 {
			t.Errorf("%+v, %v, released %d times", out, err, r.calls["release"])
		}
	})
}

// A failure after the write has gone through leaves it, whatever its kind: the system that is busy when we look what has
// become of a booking has taken it.
func TestFailureAfterTheWrite(t *testing.T) {
	t.Parallel()
	d := draftOf("token-1", 60, 120)
	for _, kind := range []connectors.Kind{connectors.Throttled, connectors.Auth, connectors.Forbidden, connectors.NotFound, connectors.Gone} {
		for after, left := range map[bool]bool{false: false, true: true} {
			r := newReplica()
			err := error(connectors.Fail(kind, "book", "failed"))
			if after {
				err = connectors.AfterWrite(err)
			}
			r.fail["book"] = []error{err}
			out, err := connectors.BookVerified(t.Context(), r, connectors.Room{}, d, nil)
			if !errors.Is(err, kind) || (out.Left != nil) != left || connectors.Unsure(err) != left {
				t.Errorf("%s, after the write %v: %+v, %v", kind, after, out, err)
			}
		}
	}
}

// A system that refuses a write because an earlier one of ours stands: it stands.
func TestRefusedByOurOwn(t *testing.T) {
	t.Parallel()
	d := draftOf("token-1", 60, 120)
	r := newReplica()
	r.fail["book"] = []error{connectors.Fail(connectors.Conflict, "book", "exists")}
	r.lag(1) // the first look does not show it
	r.events["mine"] = connectors.Event{Key: "mine", Series: "mine", Token: d.Token, From: d.From, To: d.To, Mine: true, Written: monday}
	out, err := connectors.BookVerified(t.Context(), r, connectors.Room{}, d, nil)
	if err != nil || out.Verdict != connectors.Done {
		t.Errorf("%+v, %v", out, err)
	}
}

// A list that still shows a booking which was undone does not make it stand: not when it is made anew, nor when it is
// settled.
func TestUndoneIsStillShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := draftOf("token-1", 60, 120)
		undone := connectors.Event{Key: d.Token, Series: "first", Token: d.Token, From: d.From, To: d.To, Mine: true, Written: monday}
		late := func() *replica {
			r := newReplica(undone)
			r.lag(3)
			delete(r.events, undone.Key)
			return r
		}
		r := late()
		out, err := connectors.BookVerified(t.Context(), r, connectors.Room{}, d, nil)
		if err != nil || out.Verdict != connectors.Done || r.events[d.Token].Series != d.Token || out.Event.Series != d.Token {
			t.Errorf("made anew: %+v, %v, there is %v", out, err, r.events)
		}
		r = late()
		out, err = connectors.Settle(t.Context(), r, connectors.Room{}, d.Token, undone.Span(), nil)
		if !errors.Is(err, connectors.NotFound) || out.Left != nil {
			t.Errorf("settled: %+v, %v", out, err)
		}
		// Where nobody can tell, it is left.
		r = newReplica(undone)
		r.fail["set end"] = []error{errLine}
		out, err = connectors.BookVerified(t.Context(), r, connectors.Room{}, d, nil)
		if !errors.Is(err, connectors.Transient) || out.Left == nil {
			t.Errorf("out of reach: %+v, %v", out, err)
		}
	})
}
