package caldav_test

import (
	"maps"
	"net/url"
	"slices"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/caldav"
	"lintel/connectors/caldav/caldavtest"
	"lintel/connectors/conntest"
	"lintel/connectors/outbound"
)

func newOutbound(t testing.TB) *outbound.Outbound {
	t.Helper()
	o, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func connect(t testing.TB, url, user, password string) *caldav.Connector {
	t.Helper()
	c, err := caldav.New(newOutbound(t), caldav.Config{
		URL: url, Now: time.Now,
		Credentials: outbound.Credentials{Scheme: outbound.Auto, User: user, Password: secret.New(password)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// onFake has a fake of its own for each room, so that it can be broken and its clock be moved.
func onFake(q caldavtest.Quirks) conntest.System {
	tick := max(time.Second, q.Tick)
	if q.NoLastModified {
		tick = 0
	}
	const path = caldavtest.Home + "Zürich 1 @4/"
	return conntest.System{ICal: true, Broken: true, Tick: tick, Secret: caldavtest.Password, NewRoom: func(t testing.TB) *conntest.Room {
		s := caldavtest.Start(q, time.Now)
		t.Cleanup(s.Close)
		s.AddCalendar(path, "Zürich 1")
		r := &conntest.Room{
			ID: (&url.URL{Path: path}).EscapedPath(),
			Connect: func(t testing.TB) connectors.Connector {
				return connect(t, s.URL(), caldavtest.User, caldavtest.Password)
			},
			Put: func(_ testing.TB, seed conntest.Seed) bool {
				s.Put(path, seed.Name+" ä.ics", seed.ICS())
				return true
			},
			Delete: func(_ testing.TB, name string) { s.Delete(path, name+" ä.ics") },
			Bodies: func(testing.TB) []string { return slices.Collect(maps.Values(s.Objects(path))) },
			Remove: func(testing.TB) { s.RemoveCalendar(path) },
			Skew:   s.SetSkew,
			Lag:    func(lists int) { s.Lag(path, lists) },
			BreakAfterBooking: func(f conntest.Fault) func() {
				s.Break(caldavtest.Fault{Method: "PUT", Times: 1, Before: func() {
					s.Break(caldavtest.Fault{Status: f.Status, Header: f.Header})
				}})
				return s.Repair
			},
			Break: func(f conntest.Fault) func() {
				s.Break(caldavtest.Fault{Status: f.Status, Header: f.Header, Body: f.Body, Until: f.Until, Cut: f.Cut})
				return s.Repair
			},
		}
		if q.NoData {
			r.Lag = nil // every object is then asked for by itself, and that is never late
		}
		return r
	}}
}

func TestContractOnFake(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]caldavtest.Quirks{
		"plain":               {},
		"digest":              {Digest: true, NoPutETag: true},
		"absolute hrefs":      {AbsoluteHrefs: true, HrefHost: "http://127.0.0.1:1"},
		"escaped hrefs":       {EscapedHrefs: true, WeakETags: true},
		"no tags, no data":    {NoTags: true, NoData: true, MissingInside: true},
		"no times":            {NoLastModified: true},
		"like SOGo":           {SecondTags: true, ZonedTimes: true, CountedETags: true, Careless: true},
		"coarse clock, ahead": {Tick: 2 * time.Second, Skew: 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conntest.Run(t, onFake(q))
		})
	}
}
