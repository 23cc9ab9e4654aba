package ews_test

import (
	"context"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
)

// watching is a running Watch and what it tells.
type watching struct {
	live    chan string // "+room" or "-room"
	changed chan string
	ended   chan error
	stop    context.CancelFunc
}

func watch(t testing.TB, c *ews.Conn, rooms ...connectors.Room) *watching {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w := &watching{live: make(chan string, 10_000), changed: make(chan string, 10_000), ended: make(chan error, 1), stop: stop}
	go func() {
		w.ended <- c.Watch(ctx, rooms, connectors.WatchFuncs{
			Live: func(id string, live bool) {
				if live {
					w.live <- "+" + id
				} else {
					w.live <- "-" + id
				}
			},
			Changed: func(id string) { w.changed <- id },
		})
	}()
	t.Cleanup(func() {
		stop()
		select {
		case <-w.ended:
		case <-time.After(5 * time.Second):
			t.Error("Watch does not end")
		}
	})
	return w
}

// next returns what comes out of a channel, "" after a while without anything.
func next(ch chan string, wait time.Duration) string {
	select {
	case s := <-ch:
		return s
	case <-time.After(wait):
		return ""
	}
}

// want fails unless a channel says something.
func want(t testing.TB, ch chan string, s string) {
	t.Helper()
	if got := next(ch, 5*time.Second); got != s {
		t.Fatalf("got %q, want %q", got, s)
	}
}

// drain forgets what was told until now.
func drain(ch chan string) {
	for next(ch, 50*time.Millisecond) != "" {
	}
}

// watched runs a watch until the room is live.
func watched(t testing.TB, s *ewstest.Server, c *ews.Conn, room connectors.Room) {
	t.Helper()
	w := watch(t, c, room)
	want(t, w.live, "+"+room.ID)
	w.stop()
}
