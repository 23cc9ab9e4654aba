package ews_test

import (
	"strings"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/conntest"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
	"lintel/connectors/outbound"
)

const room1 = "zuerich-1@rooms.test"

func newOutbound(t testing.TB) *outbound.Outbound {
	t.Helper()
	o, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// config is a Config for a fake; a test changes what it is about.
func config(s *ewstest.Server) ews.Config {
	return ews.Config{
		URL: s.URL(), Account: ewstest.Account, Now: time.Now,
		Credentials: outbound.Credentials{Scheme: outbound.Basic, User: ewstest.User, Password: secret.New(ewstest.Password)},
	}
}

func open(t testing.TB, cfg ews.Config) *ews.Conn {
	t.Helper()
	c, err := ews.New(newOutbound(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// fake starts a server with one room in a room list, reachable in both ways.
func fake(t testing.TB, q ewstest.Quirks) *ewstest.Server {
	t.Helper()
	s := ewstest.Start(q, time.Now)
	t.Cleanup(s.Close)
	s.AddRoom(room1, "Zürich 1", ewstest.EditorSends)
	s.AddList("hq@rooms.test", "Head office", room1)
	s.GrantImpersonation(true)
	return s
}

func zurich(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// seed turns a seed of the suite into what another program stores on the fake.
func seed(t testing.TB, sd conntest.Seed) ewstest.Event {
	t.Helper()
	zone := zurich(t)
	if sd.Zone == "UTC" {
		zone = time.UTC
	}
	at := func(s string) time.Time {
		if len(s) == len("2026-11-23") {
			s += "T00:00"
		}
		v, err := time.ParseInLocation("2006-01-02T15:04", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	e := ewstest.Event{
		Name: sd.Name, UID: sd.UID, Subject: sd.Subject, Organizer: sd.Organizer, Address: sd.Address, Start: at(sd.Start), End: at(sd.End),
		AllDay: len(sd.Start) == len("2026-11-23"), Rule: sd.Rule, Cancelled: sd.Cancelled, Broken: sd.Broken, Meeting: sd.Invited, Body: strings.Join(sd.Extra, "\n"),
	}
	switch sd.Class {
	case "PRIVATE":
		e.Sensitivity = "Private"
	case "CONFIDENTIAL":
		e.Sensitivity = "Confidential"
	}
	if sd.Tentative {
		e.Busy = "Tentative"
	}
	if sd.Free {
		e.Busy = "Free"
	}
	if sd.Created != "" {
		created, err := time.Parse("20060102T150405Z", sd.Created)
		if err != nil {
			t.Fatal(err)
		}
		e.Created = created
	}
	for _, x := range sd.ExDates {
		e.Deleted = append(e.Deleted, at(x))
	}
	for _, o := range sd.Overrides {
		e.Exceptions = append(e.Exceptions, ewstest.Exception{Original: at(o.Original), Start: at(o.Start), End: at(o.End), Subject: o.Subject, Cancelled: o.Cancelled, Broken: o.Broken})
	}
	return e
}

// onFake is the suite's view of the fake; each room has a server of its own, so that it can be broken.
func onFake(q ewstest.Quirks, access ews.Access) conntest.System {
	return conntest.System{
		Broken: true, Tick: time.Second, Secret: ewstest.Password, Keeps: []string{"keep me", "CATEGORIES", "ada@people.example"},
		Without: map[string]string{"503": "Exchange that answers so is to be left alone: TestBusyWithoutTime"},
		NewRoom: func(t testing.TB) *conntest.Room {
			s := fake(t, q)
			return &conntest.Room{
				ID: room1,
				Connect: func(t testing.TB) connectors.Connector {
					cfg := config(s)
					cfg.Access = access
					return open(t, cfg)
				},
				Put:    func(t testing.TB, sd conntest.Seed) bool { s.Put(room1, seed(t, sd)); return true },
				Delete: func(_ testing.TB, name string) { s.Delete(room1, name) },
				Bodies: func(testing.TB) []string { return s.Bodies(room1) },
				Remove: func(testing.TB) { s.RemoveRoom(room1) },
				Skew:   s.SetSkew,
				BreakAfterBooking: func(f conntest.Fault) func() {
					s.Break(ewstest.Fault{Op: "CreateItem", Times: 1, Before: func() {
						s.Break(ewstest.Fault{Status: f.Status, Header: f.Header})
					}})
					return s.Repair
				},
				Break: func(f conntest.Fault) func() {
					s.Break(ewstest.Fault{Status: f.Status, Header: f.Header, Body: f.Body, Until: f.Until, Cut: f.Cut})
					return s.Repair
				},
			}
		},
	}
}

// streaming is onFake with a stream open beside everything else that a connector does.
func streaming(sys conntest.System) conntest.System {
	plain := sys.NewRoom
	sys.NewRoom = func(t testing.TB) *conntest.Room {
		r := plain(t)
		connect := r.Connect
		r.Connect = func(t testing.TB) connectors.Connector {
			c := connect(t).(*ews.Conn)
			ews.Hurry(c)
			watch(t, c, connectors.Room{ID: room1, Zone: zurich(t)})
			return c
		}
		return r
	}
	return sys
}

func TestContractOnFake(t *testing.T) {
	t.Parallel()
	for name, sys := range map[string]conntest.System{
		"with streaming":    streaming(onFake(ewstest.Quirks{Heartbeat: 50 * time.Millisecond}, ews.Impersonation)),
		"folder permission": onFake(ewstest.Quirks{}, ews.Folder),
		"impersonation":     onFake(ewstest.Quirks{Unknown: true, MaxView: 40}, ews.Impersonation),
		"like grommunio": onFake(ewstest.Quirks{
			Masters: true, IgnoreChangeKey: true, AnySyncState: true, Faults200: true, NoRestriction: true, Skew: 5 * time.Minute,
		}, ews.Folder),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conntest.Run(t, sys)
		})
	}
}
