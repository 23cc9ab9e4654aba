package google_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/conntest"
	"lintel/connectors/google"
	"lintel/connectors/google/googletest"
	"lintel/connectors/outbound"
)

const (
	room  = "c_188zurich1@resource.calendar.google.com"
	admin = "admin@example.com"
)

func newOutbound(t testing.TB) *outbound.Outbound {
	t.Helper()
	o, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// connect makes a connector to a fake, with a change of its settings if there is one.
func connect(t testing.TB, s *googletest.Server, change func(*google.Config)) *google.Conn {
	t.Helper()
	cfg := google.Config{
		Key: secret.New(s.Key()), Subject: admin, Now: time.Now, PerSecond: 2000,
		Roots: google.Roots{Calendar: s.CalendarURL(), Directory: s.DirectoryURL(), Token: s.TokenURL()},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := google.New(newOutbound(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// start returns a fake with one empty room, whose directory the admin may list.
func start(t testing.TB, opt googletest.Options) *googletest.Server {
	t.Helper()
	delegated := map[string][]string{admin: {googletest.ScopeRooms}}
	maps.Copy(delegated, opt.Delegated)
	opt.Delegated = delegated
	s := googletest.Start(opt, time.Now)
	t.Cleanup(s.Close)
	s.AddRoom(room, "Zürich 1", "Europe/Zurich")
	return s
}

// put stores a seed as Google would show it.
func put(s *googletest.Server, seed conntest.Seed) {
	zone, err := time.LoadLocation(seed.Zone)
	if err != nil {
		panic(err)
	}
	stamp := func(v string) map[string]any {
		if len(v) == len(time.DateOnly) {
			return map[string]any{"date": v}
		}
		at, err := time.ParseInLocation("2006-01-02T15:04", v, zone)
		if err != nil {
			panic(err)
		}
		return map[string]any{"dateTime": at.Format(time.RFC3339), "timeZone": zone.String()}
	}
	event := map[string]any{
		"id": seed.Name, "summary": seed.Subject, "start": stamp(seed.Start), "end": stamp(seed.End),
		"organizer": map[string]any{"email": room, "displayName": "Zürich 1", "self": true},
		"creator":   map[string]any{"email": room, "self": true},
	}
	author := map[string]any{"email": seed.Address, "displayName": seed.Organizer}
	if seed.Address != "" {
		event["creator"] = author
	}
	if seed.Invited {
		event["organizer"] = author
		event["attendees"] = []any{
			map[string]any{"email": seed.Address, "organizer": true, "responseStatus": "accepted"},
			map[string]any{"email": room, "self": true, "resource": true, "responseStatus": "accepted", "comment": "keep me too"},
		}
	}
	if len(seed.Extra) > 0 {
		event["description"] = strings.Join(seed.Extra, "\n")
		event["extendedProperties"] = map[string]any{"shared": map[string]any{"other": "X-OTHER-PROGRAM"}}
	}
	if seed.Created != "" {
		at, err := time.Parse("20060102T150405Z", seed.Created)
		if err != nil {
			panic(err)
		}
		event["created"] = at.Format("2006-01-02T15:04:05.000Z")
	}
	set := func(on bool, name, value string) {
		if on {
			event[name] = value
		}
	}
	if seed.Broken {
		event["broken"] = true
	}
	set(seed.Class != "", "visibility", strings.ToLower(seed.Class))
	set(seed.Free, "transparency", "transparent")
	set(seed.Tentative, "status", "tentative")
	set(seed.Cancelled, "status", "cancelled")
	store := func(e map[string]any) {
		b, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		s.Put(room, string(b))
	}
	if seed.Rule == "" {
		store(event)
		return
	}
	lines := []string{"RRULE:" + seed.Rule}
	for _, x := range seed.ExDates {
		lines = append(lines, "EXDATE;TZID="+seed.Zone+":"+strings.NewReplacer("-", "", ":", "").Replace(x)+"00")
	}
	master := maps.Clone(event)
	master["recurrence"], master["iCalUID"] = lines, seed.Name+"@google.com"
	store(master)
	for _, o := range seed.Overrides {
		at, err := time.ParseInLocation("2006-01-02T15:04", o.Original, zone)
		if err != nil {
			panic(err)
		}
		e := maps.Clone(event)
		e["id"], e["recurringEventId"], e["iCalUID"] = seed.Name+"_"+at.UTC().Format("20060102T150405Z"), seed.Name, seed.Name+"@google.com"
		e["originalStartTime"], e["start"], e["end"] = stamp(o.Original), stamp(o.Start), stamp(o.End)
		if o.Subject != "" {
			e["summary"] = o.Subject
		}
		if o.Cancelled {
			e["status"] = "cancelled"
		}
		e["broken"] = o.Broken
		store(e)
	}
}

// onFake has a fake of its own for each room, so that it can be broken and its clock be moved.
func onFake(opt googletest.Options, change func(*google.Config)) conntest.System {
	return conntest.System{
		Without: map[string]string{"503": "Google is left alone for a while: TestBusyWithoutTime"},
		Broken:  true, Tick: time.Second, Secret: googletest.TokenPrefix,
		Keeps: []string{"keep me", "X-OTHER-PROGRAM", "CATEGORIES", "VALARM", "ada@people.example", "Europe/Zurich", "keep me too"},
		NewRoom: func(t testing.TB) *conntest.Room {
			s := start(t, opt)
			return &conntest.Room{
				ID:      room,
				Connect: func(t testing.TB) connectors.Connector { return connect(t, s, change) },
				Put:     func(_ testing.TB, seed conntest.Seed) bool { put(s, seed); return true },
				Delete:  func(_ testing.TB, name string) { s.Delete(room, name) },
				Bodies:  func(testing.TB) []string { return s.Events(room) },
				Remove:  func(testing.TB) { s.RemoveCalendar(room) },
				Skew:    s.SetSkew,
				Lag:     func(lists int) { s.Lag(room, lists) },
				BreakAfterBooking: func(f conntest.Fault) func() {
					s.Break(googletest.Fault{Method: "POST", Suffix: "/events", Times: 1, Before: func() {
						s.Break(googletest.Fault{Status: f.Status, Header: f.Header})
					}})
					return s.Repair
				},
				Break: func(f conntest.Fault) func() {
					s.Break(googletest.Fault{Status: f.Status, Header: f.Header, Body: f.Body, Until: f.Until, Cut: f.Cut})
					return s.Repair
				},
			}
		},
	}
}

func TestContractOnFake(t *testing.T) {
	t.Parallel()
	t.Run("shared rooms", func(t *testing.T) {
		t.Parallel()
		conntest.Run(t, onFake(googletest.Options{}, nil))
	})
	t.Run("small pages, strict with guests", func(t *testing.T) {
		t.Parallel()
		sys := onFake(googletest.Options{PageSize: 3, StrictGuests: true}, nil)
		sys.Many = 100
		conntest.Run(t, sys)
	})
	t.Run("delegation for all", func(t *testing.T) {
		t.Parallel()
		conntest.Run(t, onFake(googletest.Options{
			Delegated: map[string][]string{admin: {googletest.ScopeRooms, googletest.ScopeWrite}},
		}, func(c *google.Config) { c.AsSubject = true }))
	})
}
