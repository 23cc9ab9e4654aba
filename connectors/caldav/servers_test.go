package caldav_test

import (
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/conntest"
)

// onServer is the suite's view of a real server; each room is a calendar of its own, behind
// a proxy that can be broken.
func onServer(s *conntest.Server, sys conntest.System) conntest.System {
	sys.ICal = true
	sys.NewRoom = func(t testing.TB) *conntest.Room {
		path := s.MakeCalendar(t, "Room")
		front := conntest.NewFront(t, s.URL)
		return &conntest.Room{
			ID:      path,
			Connect: func(t testing.TB) connectors.Connector { return connect(t, front.URL, s.User, s.Password) },
			Break:   front.Break,
			Skew:    front.Skew,
			Put: func(t testing.TB, seed conntest.Seed) bool {
				return s.Put(t, path+seed.Name+".ics", seed.ICS())
			},
			Delete: func(t testing.TB, name string) { s.Delete(t, path+name+".ics") },
			Bodies: func(t testing.TB) []string { return s.Bodies(t, path) },
			Remove: func(t testing.TB) { s.Delete(t, path) },
		}
	}
	return sys
}

// Radicale takes a quarter of a second for an object, so it gets a thousand in one request.
func TestContractOnRadicale(t *testing.T) {
	t.Parallel()
	s := conntest.Radicale(t)
	sys := onServer(s, conntest.System{Tick: time.Second})
	room := sys.NewRoom
	sys.NewRoom = func(t testing.TB) *conntest.Room {
		r := room(t)
		r.PutAll = func(t testing.TB, seeds []conntest.Seed) { s.Fill(t, r.ID, conntest.Calendar(seeds...)) }
		return r
	}
	conntest.Run(t, sys)
}

// Xandikos tells no time of writing, so that every race is a tie there, and takes longer for each object
// that a calendar already has.
func TestContractOnXandikos(t *testing.T) {
	t.Parallel()
	conntest.Run(t, onServer(conntest.Xandikos(t), conntest.System{Many: 100}))
}
