package web

import (
	"net/http"
	"time"

	"lintel/app/calendars"
	"lintel/store"
)

// Agendas that a script pushes, in our own JSON.

const (
	pushRoomsPath  = "/api/v1/rooms"
	pushEventsPath = pushRoomsPath + "/{id}/events"
)

// pushedRoom is a room in the list of a booking system that is pushed.
type pushedRoom struct {
	Address  string `json:"address"`
	Name     string `json:"name"`
	LastPush string `json:"last_push,omitempty"`
}

// pushRooms lists the rooms that a script may push.
func (s *Server) pushRooms(w http.ResponseWriter, _ *http.Request, _ *visitor, k store.AccessKey) error {
	rooms := []pushedRoom{}
	for _, r := range s.Calendars.PushedRooms(k.System) {
		one := pushedRoom{Address: r.Address, Name: r.Name}
		if !r.LastPush.IsZero() {
			one.LastPush = r.LastPush.UTC().Format(time.RFC3339)
		}
		rooms = append(rooms, one)
	}
	sendJSON(w, http.StatusOK, rooms)
	return nil
}

// pushAnswer says what became of a push.
type pushAnswer struct {
	Accepted      int  `json:"accepted"`
	OutsideWindow int  `json:"outside_window"`
	Changed       bool `json:"changed"`
}

// pushRoomEvents makes the agenda of a room equal to the list that is sent.
func (s *Server) pushRoomEvents(w http.ResponseWriter, r *http.Request, _ *visitor, k store.AccessKey) error {
	events, err := calendars.ReadPushed(r.Body)
	if err != nil {
		return err
	}
	did, err := s.Calendars.Push(r.Context(), k.System, r.PathValue("id"), events)
	if err != nil {
		return err
	}
	sendJSON(w, http.StatusOK, pushAnswer{Accepted: did.Accepted, OutsideWindow: did.Outside, Changed: did.Changed})
	return nil
}
