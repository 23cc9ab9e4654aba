package ews_test

import (
	"context"
	"fmt"
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
		case <-time.After(time.Minute):
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
	if got := next(ch, time.Minute); got != s {
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

// hurried makes a Conn wait milliseconds where it waits minutes.
func hurried(t testing.TB, s *ewstest.Server, change func(*ews.Config)) *ews.Conn {
	t.Helper()
	cfg := config(s)
	if change != nil {
		change(&cfg)
	}
	c := open(t, cfg)
	ews.Hurry(c)
	return c
}

func TestWatch(t *testing.T) {
	t.Parallel()
	for _, access := range []ews.Access{ews.Folder, ews.Impersonation} {
		t.Run(string(access), func(t *testing.T) {
			t.Parallel()
			s := fake(t, ewstest.Quirks{Heartbeat: 20 * time.Millisecond})
			room := connectors.Room{ID: room1, Zone: zurich(t)}
			c := hurried(t, s, func(cfg *ews.Config) { cfg.Access = access })
			// A room that is not there never becomes live and disturbs nobody.
			w := watch(t, c, room, connectors.Room{ID: "gone@rooms.test", Zone: time.UTC}, connectors.Room{ID: "no address", Zone: time.UTC})
			want(t, w.live, "+"+room1)
			want(t, w.changed, room1) // between the last probe and the subscription anything may have happened
			if got := next(w.changed, 100*time.Millisecond); got != "" {
				t.Errorf("signs of life count as a change of %s", got)
			}
			s.Put(room1, ewstest.Event{Name: "a", Subject: "a", Start: time.Now(), End: time.Now().Add(time.Hour)})
			want(t, w.changed, room1)
			s.Delete(room1, "a")
			want(t, w.changed, room1)
			drain(w.changed)
			// The server ends the connection as announced: the room stays live, and nothing is lost.
			s.CloseStreams()
			s.Put(room1, ewstest.Event{Name: "b", Subject: "b", Start: time.Now(), End: time.Now().Add(time.Hour)})
			want(t, w.changed, room1)
			if got := next(w.live, 50*time.Millisecond); got != "" {
				t.Errorf("live: %q", got)
			}
			drain(w.changed)
			hanging(t, s)
			// It breaks: not live until it is back, and then perhaps something was missed.
			s.CutStreams()
			want(t, w.live, "-"+room1)
			want(t, w.live, "+"+room1)
			want(t, w.changed, room1)
			drain(w.changed)
			// The server forgets the subscriptions.
			hanging(t, s)
			s.Drop()
			s.CloseStreams()
			want(t, w.live, "-"+room1)
			want(t, w.live, "+"+room1)
			want(t, w.changed, room1)
			for _, k := range s.Calls() {
				if k.Op != "Subscribe" && k.Op != "GetStreamingEvents" || k.Anchor == "" || k.RequestID == "" || (k.As != "") != (access == ews.Impersonation) {
					t.Errorf("%+v", k)
				}
			}
			// Another Watch takes over the subscriptions that are still good.
			w.stop()
			want(t, w.live, "-"+room1)
			again := watch(t, c, room)
			want(t, again.live, "+"+room1)
			for _, k := range s.Calls() {
				if k.Op == "Subscribe" && k.Mailbox == room1 {
					t.Error("subscribed once more")
				}
			}
		})
	}
}

// What keeps rooms from being live, and that it is tried again.
func TestWatchRefused(t *testing.T) {
	t.Parallel()
	room := connectors.Room{ID: room1, Zone: zurich(t)}
	t.Run("too many connections", func(t *testing.T) {
		t.Parallel()
		s := fake(t, ewstest.Quirks{})
		s.Break(ewstest.Fault{Op: "GetStreamingEvents", Times: 3, Code: "ErrorExceededConnectionCount"})
		w := watch(t, hurried(t, s, nil), room)
		want(t, w.live, "+"+room1)
		n := 0
		for _, k := range s.Calls() {
			if k.Op == "GetStreamingEvents" {
				n++
			}
		}
		if n != 4 {
			t.Errorf("%d tries", n)
		}
	})
	t.Run("no subscriptions for delegates", func(t *testing.T) {
		t.Parallel()
		s := fake(t, ewstest.Quirks{NoDelegateSubs: true})
		s.AddRoom("second@rooms.test", "Second", ewstest.Editor)
		w := watch(t, hurried(t, s, nil), room, connectors.Room{ID: "second@rooms.test", Zone: time.UTC})
		if got := next(w.live, 200*time.Millisecond); got != "" {
			t.Errorf("live: %q", got)
		}
		if n := len(s.Calls()); n != 1 {
			t.Errorf("%d requests for what can't be", n)
		}
	})
	t.Run("the first room is outside of the scope", func(t *testing.T) {
		t.Parallel()
		s := fake(t, ewstest.Quirks{})
		cfg := config(s)
		cfg.Access = ews.Impersonation
		c := open(t, cfg)
		ews.Hurry(c)
		// Nobody may act for a person's mailbox, and the other one is not there at all.
		w := watch(t, c, connectors.Room{ID: ewstest.Account, Zone: time.UTC}, connectors.Room{ID: "gone@rooms.test", Zone: time.UTC}, room)
		want(t, w.live, "+"+room1)
		for _, k := range s.Calls() {
			if k.Op == "GetStreamingEvents" && (k.As != room1 || k.Anchor != room1) {
				t.Errorf("the stream is opened as %s with anchor %s", k.As, k.Anchor)
			}
		}
		want(t, w.changed, room1)
		s.Put(room1, ewstest.Event{Name: "a", Start: time.Now(), End: time.Now().Add(time.Hour)})
		want(t, w.changed, room1)
	})
	t.Run("the first room's database is not mounted", func(t *testing.T) {
		t.Parallel()
		s := fake(t, ewstest.Quirks{})
		s.AddRoom("annex@rooms.test", "Annex", ewstest.Editor)
		s.Break(ewstest.Fault{Op: "Subscribe", Room: "annex@rooms.test", Code: "ErrorMailboxStoreUnavailable"})
		w := watch(t, hurried(t, s, nil), connectors.Room{ID: "annex@rooms.test", Zone: time.UTC}, room)
		want(t, w.live, "+"+room1)
	})
	t.Run("the room that the connection is opened for is taken away", func(t *testing.T) {
		t.Parallel()
		s := fake(t, ewstest.Quirks{})
		const first = "annex@rooms.test"
		s.AddRoom(first, "Annex", ewstest.None)
		cfg := config(s)
		cfg.Access = ews.Impersonation
		c := open(t, cfg)
		ews.Hurry(c)
		w := watch(t, c, connectors.Room{ID: first, Zone: time.UTC}, room)
		for range 2 {
			if next(w.live, time.Minute) == "" {
				t.Fatal("not both are live")
			}
		}
		s.RemoveRoom(first)
		s.CutStreams()
		for live := ""; live != "+"+room1; {
			if live = next(w.live, time.Minute); live == "" {
				t.Fatal("the other room is never live again")
			}
		}
	})
	t.Run("the server is busy", func(t *testing.T) {
		t.Parallel()
		s := fake(t, ewstest.Quirks{})
		s.Break(ewstest.Fault{Op: "Subscribe", Times: 1, Fault: "ErrorServerBusy", BackOff: 400 * time.Millisecond})
		start := time.Now()
		w := watch(t, hurried(t, s, nil), room)
		want(t, w.live, "+"+room1)
		if took := time.Since(start); took < 400*time.Millisecond || s.Early() > 0 {
			t.Errorf("live after %v, %d requests too early", took, s.Early())
		}
	})
	t.Run("sign-in refused later", func(t *testing.T) {
		t.Parallel()
		s := fake(t, ewstest.Quirks{})
		w := watch(t, hurried(t, s, nil), room)
		want(t, w.live, "+"+room1)
		s.Break(ewstest.Fault{Status: 401})
		hanging(t, s)
		s.CutStreams()
		want(t, w.live, "-"+room1)
		if err := <-w.ended; connectors.KindOf(err) != connectors.Auth {
			t.Errorf("ended with %v", err)
		}
		w.ended <- nil
	})
}

// Four hundred and one rooms need three connections, and each room hears of its own changes only.
func TestWatchManyRooms(t *testing.T) {
	t.Parallel()
	s := ewstest.Start(ewstest.Quirks{}, time.Now)
	t.Cleanup(s.Close)
	var rooms []connectors.Room
	for i := range 401 {
		id := fmt.Sprintf("room%03d@rooms.test", i)
		s.AddRoom(id, id, ewstest.Editor)
		rooms = append(rooms, connectors.Room{ID: id, Zone: time.UTC})
	}
	w := watch(t, hurried(t, s, nil), rooms...)
	for range rooms {
		if next(w.live, time.Minute) == "" {
			t.Fatal("not all rooms are live")
		}
	}
	if n := s.Streams(); n != 3 {
		t.Errorf("%d connections", n)
	}
	for range rooms { // between the last probe and the subscription anything may have happened
		if next(w.changed, time.Minute) == "" {
			t.Fatal("not all rooms are said to be changed")
		}
	}
	for _, i := range []int{0, 200, 400} {
		s.Put(rooms[i].ID, ewstest.Event{Name: "a", Start: time.Now(), End: time.Now().Add(time.Hour)})
		want(t, w.changed, rooms[i].ID)
	}
	if got := next(w.changed, 50*time.Millisecond); got != "" {
		t.Errorf("%s did not change", got)
	}
}

// hanging waits until a connection hangs.
func hanging(t testing.TB, s *ewstest.Server) {
	t.Helper()
	for range 6000 {
		if s.Streams() > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no connection hangs")
}
