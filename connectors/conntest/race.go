package conntest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"lintel/connectors"
)

func raceCases() []testCase {
	return []testCase{
		{"two writers race for one slot", needs{write: true}, race},
		{"A writes and reads back clean, B writes within the same second", needs{write: true}, func(e *env) {
			e.interleave(0, []string{"done"}, []string{"tie", "taken"})
		}},
		{"A writes, B writes a second later, both read back", needs{write: true, tick: true}, interleaveBoth},
	}
}

// hooked lets a test act between the steps of one writer.
type hooked struct {
	connectors.ReadWriter
	beforeBook, afterBook func()
	beforeEnd             func()
}

func (h *hooked) SetEnd(ctx context.Context, room connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	if f := h.beforeEnd; f != nil {
		h.beforeEnd = nil
		f()
	}
	return h.ReadWriter.SetEnd(ctx, room, ev, to)
}

func (h *hooked) Book(ctx context.Context, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	if f := h.beforeBook; f != nil {
		h.beforeBook = nil
		f()
	}
	ev, err := h.ReadWriter.Book(ctx, room, d)
	if f := h.afterBook; f != nil {
		h.afterBook = nil
		f()
	}
	return ev, err
}

// race lets two writers, with a connector each, book overlapping times at once, several rounds; each
// tries again after a tie as the engine does. Exactly one may stand.
func race(e *env) {
	const rounds = 3
	for round := range rounds {
		type result struct {
			done bool
			err  error
		}
		results := make(chan result, 2)
		var ready sync.WaitGroup
		ready.Add(2)
		for i := range 2 {
			conn := e.room.Connect(e).(connectors.ReadWriter)
			d := e.draft(fmt.Sprint("r", round, "-", i), fmt.Sprintf("%02d:%02d", 8+round, 10*i), fmt.Sprintf("%02d:%02d", 8+round, 30+10*i))
			go func() {
				defer conn.Close()
				ready.Done()
				ready.Wait()
				for {
					out, err := connectors.BookVerified(e.Context(), conn, e.Room(), d, nil)
					if err != nil || out.Verdict != connectors.Tie {
						results <- result{out.Verdict == connectors.Done, err}
						return
					}
					time.Sleep(time.Duration(1000+rand.IntN(2000)) * time.Millisecond)
				}
			}()
		}
		a, b := <-results, <-results
		if a.err != nil || b.err != nil {
			e.Fatalf("round %d: %v, %v", round, a.err, b.err)
		}
		if a.done == b.done {
			e.Fatalf("round %d: both writers say done=%v", round, a.done)
		}
		w := e.span(fmt.Sprintf("2026-11-23T%02d:00", 8+round), fmt.Sprintf("2026-11-23T%02d:00", 9+round))
		if s := e.read(w, nil); len(s.Events) != 1 {
			e.Fatalf("round %d: %d bookings stand", round, len(s.Events))
		}
	}
}

func verdict(v connectors.Verdict) string {
	return map[connectors.Verdict]string{connectors.Done: "done", connectors.Taken: "taken", connectors.Tie: "tie"}[v]
}

// interleave: B has looked, then A does everything, then, after the pause, B writes. B tries again after a tie.
func (e *env) interleave(pause time.Duration, wantA, wantB []string) {
	e.Helper()
	a, b := e.draft("a", "09:00", "10:00"), e.draft("b", "09:30", "10:30")
	var gotA []string
	connB := &hooked{ReadWriter: e.writer()}
	connB.beforeBook = func() {
		out, err := connectors.BookVerified(e.Context(), e.writer(), e.Room(), a, nil)
		e.must(err)
		gotA = append(gotA, verdict(out.Verdict))
		time.Sleep(pause)
	}
	var gotB []string
	for range len(wantB) {
		out, err := connectors.BookVerified(e.Context(), connB, e.Room(), b, nil)
		e.must(err)
		gotB = append(gotB, verdict(out.Verdict))
		if out.Verdict != connectors.Tie {
			break
		}
	}
	// Between A's and B's writing the server's clock may have ticked: then B is told at once.
	if fmt.Sprint(gotA) != fmt.Sprint(wantA) || fmt.Sprint(gotB) != fmt.Sprint(wantB) && fmt.Sprint(gotB) != "[taken]" {
		e.Errorf("A got %v, B got %v", gotA, gotB)
	}
	e.want(e.week(), "11-23 09:00–10:00 Booked: a")
}

// interleaveBoth: both have looked; A writes; the clock ticks; B writes; then both read back. A was
// strictly earlier, so A stays and B is told, whoever reads back first.
func interleaveBoth(e *env) {
	a, b := e.draft("a", "09:00", "10:00"), e.draft("b", "09:30", "10:30")
	connA, connB := &hooked{ReadWriter: e.writer()}, &hooked{ReadWriter: e.writer()}
	var outA connectors.Outcome
	connB.beforeBook = func() {
		done := make(chan struct{})
		written := make(chan struct{})
		goOn := make(chan struct{})
		connA.afterBook = func() { close(written); <-goOn }
		go func() {
			defer close(done)
			var err error
			if outA, err = connectors.BookVerified(e.Context(), connA, e.Room(), a, nil); err != nil {
				e.Error(err)
			}
		}()
		<-written
		time.Sleep(e.sys.Tick + 100*time.Millisecond)
		connB.afterBook = func() { close(goOn); <-done }
	}
	outB, err := connectors.BookVerified(e.Context(), connB, e.Room(), b, nil)
	e.must(err)
	if outA.Verdict != connectors.Done || outB.Verdict != connectors.Taken {
		e.Errorf("A got %s, B got %s", verdict(outA.Verdict), verdict(outB.Verdict))
	}
	e.want(e.week(), "11-23 09:00–10:00 Booked: a")
}
