package calendars

import (
	"testing"
	"time"

	"lintel/app/problem"
	"lintel/connectors"
	"lintel/store"
)

// meeting puts one booking into the system, reads it, and returns it: it ends half an hour after it begins.
func (b *bench) meeting(from time.Time) store.Booking {
	b.t.Helper()
	e := event("ours", from, 30)
	e.Written = time.Unix(2_000, 0)
	b.put(e)
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	a := b.agenda()
	if len(a) != 1 {
		b.t.Fatalf("agenda: %+v", a)
	}
	return a[0]
}

// beside puts a meeting of somebody else into the half hour after v, written before it.
func (b *bench) beside(v store.Booking) {
	theirs := event("theirs", v.To, 30)
	theirs.Written = time.Unix(1_000, 0)
	b.put(append(b.sys.events, theirs)...)
}

// extendUnsure extends v while the answer gets lost, and wants it said that nobody knows.
func (b *bench) extendUnsure(v store.Booking, to time.Time) {
	b.t.Helper()
	err := b.SetEnd(b.t.Context(), b.ws, v.ID, to)
	if p := problem.Of(err); p == nil || p.Key != "systems.unsure" || p.Kind != problem.Down {
		b.t.Fatalf("an extension without an answer: %v", err)
	}
}

// ends wants the meeting of v to end at to, here and in the system, and nothing in doubt.
func (b *bench) ends(v store.Booking, to time.Time) {
	b.t.Helper()
	for _, e := range b.sys.events {
		if e.Series == v.ExtUID && !e.To.Equal(to) {
			b.t.Errorf("in the system it ends at %v, want %v", e.To, to)
		}
	}
	for _, is := range b.agenda() {
		if is.ID == v.ID && !is.To.Equal(to) {
			b.t.Errorf("here it ends at %v, want %v", is.To, to)
		}
	}
	if n := b.pending(); n != 0 || b.rooms[b.ws].r.Unsettled {
		b.t.Errorf("%d writes are still unsettled (%v)", n, b.rooms[b.ws].r.Unsettled)
	}
}

// later turns the crank after two minutes, twice: an undo is seen by the read after it.
func (b *bench) later() {
	for range 2 {
		b.now = b.now.Add(2 * time.Minute)
		b.crank()
	}
}

// An extension of which no answer came stands when nobody has a better claim on its time.
func TestLostAnswerToAnExtension(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.meeting(b.now.Add(time.Hour))
	to := v.To.Add(30 * time.Minute)
	b.lose(false)
	b.extendUnsure(v, to)
	b.answer()
	b.later()
	b.ends(v, to)
}

// It is undone when somebody was faster, also when the program ended in between.
func TestLostAnswerToAnExtensionBesideAnEarlierBooking(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"the program goes on": false, "the program ends": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			v := b.meeting(b.now.Add(time.Hour))
			b.lose(false)
			b.extendUnsure(v, v.To.Add(30*time.Minute))
			b.answer()
			b.beside(v)
			if restart {
				b.Service = New(b.o)
				if err := b.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			b.later()
			b.ends(v, v.To)
			if len(b.agenda()) != 2 {
				t.Errorf("agenda: %+v", b.agenda())
			}
		})
	}
}

// So is one that lies beyond what is read all the time, and our agenda follows.
func TestLostAnswerToAnExtensionFarAhead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.draft()
	d.From, d.To = d.From.AddDate(0, 0, 20), d.To.AddDate(0, 0, 20)
	b.crank()
	id, err := b.Book(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	v := store.Booking{ID: id, ExtUID: "ours-" + d.Token, To: d.To}
	b.lose(false)
	b.extendUnsure(v, v.To.Add(30*time.Minute))
	b.answer()
	b.beside(v)
	b.later()
	b.ends(v, v.To)
}

// An extension that never arrived is awaited for a while, then forgotten.
func TestExtensionThatNeverArrivedIsForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.meeting(b.now.Add(time.Hour))
	b.lose(true)
	b.extendUnsure(v, v.To.Add(30*time.Minute))
	b.answer()
	b.now = b.now.Add(time.Minute)
	if b.crank(); b.pending() != 1 {
		t.Error("forgotten while it may still arrive")
	}
	b.now = b.now.Add(arrival)
	b.crank()
	b.ends(v, v.To)
}

// Whoever presses again hears the outcome, and for another end the first one is not forgotten.
func TestLostAnswerToAnExtensionAndAnotherPress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.meeting(b.now.Add(time.Hour))
	to := v.To.Add(30 * time.Minute)
	b.lose(false)
	b.extendUnsure(v, to)
	b.extendUnsure(v, to)
	b.answer()
	b.beside(v)
	if err := b.SetEnd(t.Context(), b.ws, v.ID, to.Add(30*time.Minute)); err == nil {
		t.Error("extended over another booking")
	}
	b.later()
	b.ends(v, v.To)
	b.put(b.sys.events[0])
	b.later()
	if err := b.SetEnd(t.Context(), b.ws, v.ID, to); err != nil {
		t.Fatal(err)
	}
	b.ends(v, to)
}

// As long as nobody knows what became of an extension, no later press says that nothing was changed.
func TestLostExtensionIsNeverDenied(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.meeting(b.now.Add(time.Hour))
	to := v.To.Add(30 * time.Minute)
	b.lose(false)
	b.extendUnsure(v, to)
	b.systems[b.id].s.WaitUntil = b.now.Add(time.Hour)
	b.extendUnsure(v, to)
	b.systems[b.id].s.WaitUntil = time.Time{}
	b.fail(connectors.Fail(connectors.Throttled, "read window", "later"))
	b.extendUnsure(v, to)
}

// What was refused is known not to stand, so nothing is noted of it.
func TestRefusedExtensionIsNotAwaited(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.meeting(b.now.Add(time.Hour))
	b.beside(v)
	if err := b.SetEnd(t.Context(), b.ws, v.ID, v.To.Add(30*time.Minute)); !problem.Has(err, problem.Conflict) {
		t.Fatalf("extend over another: %v", err)
	}
	b.ends(v, v.To)
}
