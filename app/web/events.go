package web

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"lintel/app/live"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
)

const eventsPath = "/events"

const (
	heartbeat  = 20 * time.Second // shorter than proxies wait for a silent answer
	eventWrite = 10 * time.Second // how long one event may take to go out
)

// maxStreams bounds the open streams of the whole portal.
const maxStreams = 2000

// events streams what changed, as server-sent events: the kind as the event's name, the id as its data,
// never content. It ends with the session, with the server, and when the browser is gone.
func (s *Server) events(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if s.Live.Subscribers() >= maxStreams {
		return problem.New(problem.Down, "error.503_text")
	}
	sub := s.Live.Subscribe()
	defer sub.Close()
	out := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	write := func(text string) bool {
		_ = out.SetWriteDeadline(s.Now().Add(eventWrite)) // a recorder in a test has none
		if _, err := w.Write([]byte(text)); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	// A browser that lost the stream comes back after 3 s with the id of what it heard last. What was
	// published meanwhile is not known here, so everything counts as changed.
	if !write("retry: 3000\nid: 1\ndata:\n\n") {
		return nil
	}
	if r.Header.Get("Last-Event-ID") != "" {
		for _, kind := range []string{live.Rooms, live.Displays, live.Systems, live.Places} {
			if !write("event: " + kind + "\ndata:\n\n") {
				return nil
			}
		}
	}
	beat := time.NewTicker(s.heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-s.ending:
			return nil
		case <-sub.Wake():
			for _, t := range sub.Take() {
				if room := r.URL.Query().Get("room"); room != "" && t.Kind == live.Rooms && t.ID != "" && t.ID != room {
					continue // a room's page hears of that room alone
				}
				if !write(fmt.Sprintf("event: %s\ndata: %s\n\n", t.Kind, t.ID)) {
					return nil
				}
			}
		case <-beat.C:
			if _, _, err := s.People.Resume(r.Context(), secret.New(v.session.ID), clientFrom(r)); errors.Is(err, people.ErrNoSession) {
				return nil
			}
			if !write(": alive\n\n") {
				return nil
			}
		}
	}
}
