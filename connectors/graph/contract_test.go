package graph_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/conntest"
	"lintel/connectors/graph"
	"lintel/connectors/graph/graphtest"
	"lintel/connectors/outbound"
)

const (
	room    = "room-1@rooms.example"
	person  = "ada@people.example"
	account = "booking@people.example"
)

func newOutbound(t testing.TB) *outbound.Outbound {
	t.Helper()
	o, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// keyPair is one key for all tests: making it takes a second.
var keyPair = sync.OnceValue(func() (p struct {
	key         secret.Text
	certificate []byte
}) {
	var err error
	if p.key, p.certificate, err = graph.Generate("Lintel test", time.Now(), 0); err != nil {
		panic(err)
	}
	return p
})

func config(s *graphtest.Server) graph.Config {
	return graph.Config{
		Tenant: graphtest.Tenant, ClientID: graphtest.ClientID, Secret: secret.New(graphtest.Secret),
		Authority: s.Authority(), Root: s.Root(), NormalMailbox: person, Now: time.Now,
	}
}

// withKey makes a configuration sign in by certificate.
func withKey(t testing.TB, s *graphtest.Server, c graph.Config) graph.Config {
	t.Helper()
	p := keyPair()
	if err := s.Register(p.certificate); err != nil {
		t.Fatal(err)
	}
	c.Secret, c.Key, c.Certificate = secret.Text{}, p.key, p.certificate
	return c
}

func connect(t testing.TB, c graph.Config) *graph.Conn {
	t.Helper()
	conn, err := graph.New(newOutbound(t), c)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// tenant starts a fake with one room and one person.
func tenant(t testing.TB, q graphtest.Quirks) *graphtest.Server {
	t.Helper()
	s := graphtest.Start(q, time.Now)
	t.Cleanup(s.Close)
	s.AddRoom(room, "Room 1")
	s.AddUser(person, "Ada Example", false)
	return s
}

func onFake(q graphtest.Quirks, certificate bool) conntest.System {
	tick := max(q.Tick, time.Millisecond)
	return conntest.System{
		Without: map[string]string{"503": "the service is left alone for a while: TestThrottledMailbox"},
		Invites: true, Broken: true, Tick: tick, Secret: graphtest.Secret, Keeps: []string{"one", "two", person, "W. Europe Standard Time"},
		NewRoom: func(t testing.TB) *conntest.Room {
			s := tenant(t, q)
			s.Observe = validate(t)
			cfg := config(s)
			if certificate {
				cfg = withKey(t, s, cfg)
			}
			return &conntest.Room{
				ID:      room,
				Connect: func(t testing.TB) connectors.Connector { return connect(t, cfg) },
				Put: func(t testing.TB, seed conntest.Seed) bool {
					s.Put(room, eventOf(t, seed))
					return true
				},
				Delete: func(_ testing.TB, name string) { s.Delete(room, name) },
				Bodies: func(testing.TB) []string { return s.Bodies(room) },
				Remove: func(testing.TB) { s.RemoveMailbox(room) },
				Skew:   s.SetSkew,
				Lag:    func(lists int) { s.Lag(room, lists) },
				BreakAfterBooking: func(f conntest.Fault) func() {
					s.Break(graphtest.Fault{Method: "POST", Path: "/calendar/events", Times: 1, Before: func() {
						s.Break(graphtest.Fault{Status: f.Status, Header: f.Header})
					}})
					return s.Repair
				},
				Break: func(f conntest.Fault) func() {
					s.Break(graphtest.Fault{Status: f.Status, Header: f.Header, Body: f.Body, Until: f.Until, Cut: f.Cut})
					return s.Repair
				},
			}
		},
	}
}

// eventOf writes a seed as Exchange has it.
func eventOf(t testing.TB, s conntest.Seed) graphtest.Event {
	e := graphtest.Event{
		Name: s.Name, Subject: s.Subject, Organizer: s.Organizer, Address: s.Address, Start: s.Start, End: s.End, Zone: s.Zone,
		Deleted: s.ExDates, Cancelled: s.Cancelled, Broken: s.Broken, Sensitivity: strings.ToLower(s.Class),
	}
	switch {
	case s.Free:
		e.ShowAs = "free"
	case s.Tentative:
		e.ShowAs = "tentative"
	}
	if len(s.Extra) > 0 {
		e.Categories = []string{"one", "two"}
	}
	if s.Created != "" {
		at, err := time.Parse("20060102T150405Z", s.Created)
		if err != nil {
			t.Fatal(err)
		}
		e.Created = at
	}
	for _, o := range s.Overrides {
		e.Exceptions = append(e.Exceptions, graphtest.Exception(o))
	}
	if s.Rule != "" {
		e.Recurrence = recurrence(t, s.Rule)
	}
	return e
}

// recurrence writes the rules of the suite as Graph's patterns.
func recurrence(t testing.TB, rule string) *graphtest.Recurrence {
	r := &graphtest.Recurrence{}
	days := map[string]time.Weekday{"MO": time.Monday, "WE": time.Wednesday, "FR": time.Friday}
	for part := range strings.SplitSeq(rule, ";") {
		name, value, _ := strings.Cut(part, "=")
		var err error
		switch name {
		case "FREQ":
			r.Type = map[string]string{"DAILY": "daily", "WEEKLY": "weekly", "YEARLY": "absoluteYearly"}[value]
		case "COUNT":
			r.Count, err = strconv.Atoi(value)
		case "UNTIL":
			r.Until, err = time.Parse("20060102T150405Z", value)
		case "BYDAY":
			for d := range strings.SplitSeq(value, ",") {
				r.Days = append(r.Days, days[d])
			}
		default:
			t.Fatalf("rule %s", rule)
		}
		if err != nil || r.Type == "" {
			t.Fatalf("rule %s: %v", rule, err)
		}
	}
	return r
}

func TestContractOnFake(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		q           graphtest.Quirks
		certificate bool
	}{
		"secret":                          {},
		"certificate, small pages":        {graphtest.Quirks{PageSize: 3, AllDayLocal: true}, true},
		"coarse clock, no preconditions":  {graphtest.Quirks{Tick: 2 * time.Second, IgnoreIfMatch: true}, false},
		"transactions of deleted refused": {graphtest.Quirks{RememberTransactions: true, TokenLife: 61 * time.Second}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conntest.Run(t, onFake(tt.q, tt.certificate))
		})
	}
}
