package roomz_test

import (
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/conntest"
	"lintel/connectors/outbound"
	"lintel/connectors/roomz"
	"lintel/connectors/roomz/roomztest"
)

const room = "r 212/ü"

// clock runs from noon of 22 November 2026, the day before that of the suite's events, which a Probe's window
// has to hold.
func clock() func() time.Time {
	began := time.Now()
	return func() time.Time { return time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC).Add(time.Since(began)) }
}

func connect(t testing.TB, s *roomztest.Server, change func(*roomz.Config)) *roomz.Connector {
	t.Helper()
	o, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	cfg := roomz.Config{URL: s.URL(), User: roomztest.User, Password: secret.New(roomztest.Password), Now: s.Now}
	if change != nil {
		change(&cfg)
	}
	c, err := roomz.New(o, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func start(t testing.TB, q roomztest.Quirks) *roomztest.Server {
	t.Helper()
	s := roomztest.Start(q, clock())
	t.Cleanup(s.Close)
	s.AddRoom(room, "Weisshorn")
	s.AddRoom("22", "Moléson")
	return s
}

// meeting is a seed as a system with this contract holds it.
func meeting(seed conntest.Seed) roomztest.Meeting {
	zone, err := time.LoadLocation(seed.Zone)
	if err != nil {
		panic(err)
	}
	at := func(s string) time.Time {
		t, err := time.ParseInLocation("2006-01-02T15:04", s, zone)
		if err != nil {
			panic(err)
		}
		return t.UTC()
	}
	m := roomztest.Meeting{
		ID: seed.Name, Subject: seed.Subject, OrganizerID: seed.Address, OrganizerName: seed.Organizer,
		Start: at(seed.Start), End: at(seed.End), Private: seed.Class != "", Cancelled: seed.Cancelled, Broken: seed.Broken,
	}
	if seed.Created != "" {
		if m.Created, err = time.Parse("20060102T150405Z", seed.Created); err != nil {
			panic(err)
		}
	}
	if len(seed.Extra) > 0 {
		m.More = map[string]any{"catering": []string{"keep me"}}
	}
	return m
}

func onFake(q roomztest.Quirks) conntest.System {
	return conntest.System{
		Without: map[string]string{"503": "the system is left alone for a while: TestBusyWithoutTime"},
		Plain:   true, Broken: true, Secret: roomztest.Password, Keeps: []string{"ada@people.example", "Ada Example", "keep me"},
		NewRoom: func(t testing.TB) *conntest.Room {
			s := start(t, q)
			return &conntest.Room{
				ID:      room,
				Connect: func(t testing.TB) connectors.Connector { return connect(t, s, nil) },
				Put:     func(_ testing.TB, seed conntest.Seed) bool { s.Put(room, meeting(seed)); return true },
				Delete:  func(_ testing.TB, name string) { s.Delete(room, name) },
				Bodies:  func(testing.TB) []string { return s.Meetings(room) },
				Remove:  func(testing.TB) { s.RemoveRoom(room) },
				Skew:    s.SetSkew,
				BreakAfterBooking: func(f conntest.Fault) func() {
					s.Break(roomztest.Fault{Method: "POST", Times: 1, Before: func() {
						s.Break(roomztest.Fault{Status: f.Status, Header: f.Header})
					}})
					return s.Repair
				},
				Break: func(f conntest.Fault) func() {
					s.Break(roomztest.Fault{Status: f.Status, Header: f.Header, Body: f.Body, Until: f.Until, Cut: f.Cut})
					return s.Repair
				},
			}
		},
	}
}

func TestContractOnFake(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]roomztest.Quirks{
		"by the book":       {},
		"other times":       {Layout: "2006-01-02T15:04:05.000", IgnoresRange: true, KeepsCancelled: true, Nulls: true},
		"offsets, numbers":  {Layout: time.RFC3339, Numbers: true, Sparse: true},
		"silent, with 409s": {Silent: true, Refuses: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conntest.Run(t, onFake(q))
		})
	}
}
