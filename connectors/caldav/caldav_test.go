package caldav_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/caldav"
	"lintel/connectors/caldav/caldavtest"
	"lintel/connectors/conntest"
	"lintel/connectors/outbound"
)

func zurich(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func start(t testing.TB, q caldavtest.Quirks) *caldavtest.Server {
	s := caldavtest.Start(q, time.Now)
	t.Cleanup(s.Close)
	return s
}

func week(t testing.TB) when.Interval {
	z := zurich(t)
	return when.Interval{From: time.Date(2026, 11, 23, 0, 0, 0, 0, z), To: time.Date(2026, 11, 30, 0, 0, 0, 0, z)}
}

func meeting(name, day, from, to string) conntest.Seed {
	return conntest.Seed{Name: name, Subject: name, Start: day + "T" + from, End: day + "T" + to, Zone: "Europe/Zurich"}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := start(t, caldavtest.Quirks{})
	s.AddCalendar(caldavtest.Home+"room-2/", "")
	both := []connectors.RoomRef{
		{ID: caldavtest.Room, Name: "Room 1", Access: connectors.AccessWrite},
		{ID: caldavtest.Home + "room-2/", Name: "room-2", Access: connectors.AccessWrite},
	}
	for path, want := range map[string][]connectors.RoomRef{
		"": both, "/": both, "/dav/": both, "/dav/principals/lintel/": both, caldavtest.Home: both, "/no/such/place": both,
		caldavtest.Room: both[:1], strings.TrimSuffix(caldavtest.Room, "/"): both[:1],
	} {
		c := connect(t, s.URL()+path, caldavtest.User, caldavtest.Password)
		got, next, err := c.Rooms(t.Context(), "")
		if d := cmp.Diff(want, got); d != "" || err != nil || next != "" {
			t.Errorf("%q: %v, next %q %s", path, err, next, d)
		}
	}
	for name, c := range map[string]*caldav.Connector{
		"wrong password": connect(t, s.URL(), caldavtest.User, "wrong"),
		"nobody":         connect(t, s.URL(), "", ""),
	} {
		if _, _, err := c.Rooms(t.Context(), ""); connectors.KindOf(err) != connectors.Auth {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Servers that are no CalDAV servers, or that point elsewhere.
func TestDiscoveryElsewhere(t *testing.T) {
	t.Parallel()
	real := start(t, caldavtest.Quirks{AbsoluteHrefs: true})
	far := strings.Replace(real.URL(), "127.0.0.1", "localhost", 1) // another host by name
	real.Quirks.HrefHost = far
	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	mux.HandleFunc("/sorry/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>We are back soon."))
	})
	mux.HandleFunc("/html/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<html><form><input name="p" type="password">`))
	})
	mux.HandleFunc("/404/", http.NotFound)
	mux.HandleFunc("/405/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) })
	mux.HandleFunc("/far/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprintf(w, `<multistatus xmlns="DAV:"><response><href>/far/</href><propstat><prop><current-user-principal><href>%s/dav/principals/lintel/</href></current-user-principal></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`, far)
	})
	mux.HandleFunc("/stranger/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = w.Write([]byte(`<multistatus xmlns="DAV:"><response><href>/stranger/</href><propstat><prop><current-user-principal><unauthenticated/></current-user-principal></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`))
	})
	for path, kind := range map[string]connectors.Kind{
		"/html/": connectors.Auth, "/sorry/": connectors.Transient, "/404/": connectors.Unsupported, "/405/": connectors.Unsupported,
		"/far/": connectors.Trust, "/stranger/": connectors.Auth,
	} {
		c := connect(t, site.URL+path, caldavtest.User, caldavtest.Password)
		_, _, err := c.Rooms(t.Context(), "")
		if connectors.KindOf(err) != kind {
			t.Errorf("%s: %v, want %q", path, err, kind)
		}
		if r := c.Check(t.Context(), connectors.CheckRequest{}); r.OK() {
			t.Errorf("%s: the check finds nothing: %+v", path, r)
		}
	}
	for _, call := range real.Calls() {
		t.Errorf("a host that nobody configured was asked: %+v", call)
	}
	// Once it is configured, the way is free; the rooms are then named by their whole URL.
	c, err := caldav.New(newOutbound(t), caldav.Config{
		URL: site.URL + "/far/", Hosts: []string{far}, Now: time.Now,
		Credentials: outbound.Credentials{Scheme: outbound.Basic, User: caldavtest.User, Password: secret.New(caldavtest.Password)},
	})
	if err != nil {
		t.Fatal(err)
	}
	rooms, _, err := c.Rooms(t.Context(), "")
	if err != nil || len(rooms) != 1 || !strings.HasPrefix(rooms[0].ID, "http://localhost:") {
		t.Fatalf("%+v, %v", rooms, err)
	}
	real.Put(caldavtest.Room, "a.ics", meeting("a", "2026-11-23", "09:00", "10:00").ICS())
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: connectors.Room{ID: rooms[0].ID, Zone: zurich(t)}, Window: week(t)})
	if err != nil || len(snap.Events) != 1 {
		t.Errorf("%+v, %v", snap, err)
	}
}

// A probe costs one request; a read fetches what is new, changed or touches the window, and no more.
func TestRequests(t *testing.T) {
	t.Parallel()
	s := start(t, caldavtest.Quirks{})
	for i := range 120 { // one a day, 117 of them outside of the window
		day := time.Date(2026, 7, 29, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i).Format(time.DateOnly)
		s.Put(caldavtest.Room, fmt.Sprintf("m%03d.ics", i), meeting(fmt.Sprintf("m%03d", i), day, "09:00", "10:00").ICS())
	}
	s.Put(caldavtest.Room, "over.ics", conntest.Seed{Name: "over", Start: "2019-01-07T09:00", End: "2019-01-07T10:00", Zone: "Europe/Zurich", Rule: "FREQ=WEEKLY;COUNT=50"}.ICS())
	s.Put(caldavtest.Room, "open.ics", conntest.Seed{Name: "open", Start: "2019-01-07T09:00", End: "2019-01-07T10:00", Zone: "Europe/Zurich", Rule: "FREQ=WEEKLY"}.ICS())
	c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
	room := connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}
	calls := func() (requests, objects int) {
		for _, k := range s.Calls() {
			requests++
			objects += k.Hrefs
		}
		return requests, objects
	}
	var state []byte
	read := func(what string, wantRequests, wantObjects int) {
		t.Helper()
		snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: room, Window: week(t), State: state})
		if err != nil {
			t.Fatal(err)
		}
		state = snap.State
		if r, o := calls(); r != wantRequests || o != wantObjects {
			t.Errorf("%s: %d requests for %d objects, want %d for %d", what, r, o, wantRequests, wantObjects)
		}
	}
	read("first", 1+3, 122)
	read("nothing changed", 1+1, 6) // 21 to 25 November with two days of slack, and the open series
	s.Put(caldavtest.Room, "m000.ics", meeting("m000", "2026-07-29", "11:00", "12:00").ICS())
	s.Delete(caldavtest.Room, "m001.ics")
	read("one of long ago changed", 1+1, 7)
	if _, err := c.Probe(t.Context(), room, nil); err != nil {
		t.Fatal(err)
	}
	if r, _ := calls(); r != 1 {
		t.Errorf("a probe takes %d requests", r)
	}
}

// One object that makes the whole answer unreadable is found by halving; the others are there.
func TestOneObjectSpoilsTheAnswer(t *testing.T) {
	t.Parallel()
	s := start(t, caldavtest.Quirks{Unescaped: true})
	for i := range 60 {
		s.Put(caldavtest.Room, fmt.Sprintf("m%02d.ics", i), meeting(fmt.Sprintf("m%02d", i), "2026-11-23", "09:00", "10:00").ICS())
	}
	s.Put(caldavtest.Room, "m30x.ics", strings.Replace(meeting("spoiler", "2026-11-23", "12:00", "13:00").ICS(), "SUMMARY:spoiler", "SUMMARY:&#1;spoiler</x>", 1))
	s.Put(caldavtest.Room, "lost.ics", "&#1; no calendar at all")
	c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}, Window: week(t)})
	if err != nil || len(snap.Events) != 61 || snap.Skipped != 1 {
		t.Errorf("%d events, %d skipped, %v", len(snap.Events), snap.Skipped, err)
	}
	// An object that the server itself can't give costs that object only.
	s.Break(caldavtest.Fault{Method: http.MethodGet, Suffix: "/m30x.ics", Status: http.StatusInternalServerError})
	snap, err = c.Read(t.Context(), connectors.ReadRequest{Room: connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}, Window: week(t)})
	if err != nil || len(snap.Events) != 60 || snap.Skipped != 2 {
		t.Errorf("%d events, %d skipped, %v", len(snap.Events), snap.Skipped, err)
	}
}

// Without ETags we read and book, and do not change what others wrote.
func TestNoETags(t *testing.T) {
	t.Parallel()
	s := start(t, caldavtest.Quirks{NoETag: true, NoTags: true})
	s.Put(caldavtest.Room, "a.ics", meeting("a", "2026-11-23", "09:00", "10:00").ICS())
	c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
	room := connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: room, Window: week(t)})
	if err != nil || len(snap.Events) != 1 {
		t.Fatalf("%+v, %v", snap, err)
	}
	if _, err := c.SetEnd(t.Context(), room, snap.Events[0], snap.Events[0].To.Add(-time.Minute)); connectors.KindOf(err) != connectors.Unsupported {
		t.Errorf("set end: %v", err)
	}
	if err := c.Release(t.Context(), room, snap.Events[0]); connectors.KindOf(err) != connectors.Unsupported {
		t.Errorf("release: %v", err)
	}
	from := snap.Events[0].To
	out, err := connectors.BookVerified(t.Context(), c, room, connectors.Draft{Token: "token-123", From: from, To: from.Add(time.Hour)}, snap.State)
	if err != nil || out.Verdict != connectors.Done {
		t.Fatalf("%+v, %v", out, err)
	}
	if err := c.Release(t.Context(), room, out.Event); err != nil {
		t.Error(err)
	}
	if n := len(s.Objects(caldavtest.Room)); n != 1 {
		t.Errorf("%d objects are left", n)
	}
}

// Somebody writes between our look and our write: the write is refused, and we look once more.
func TestWriteUnderOurHands(t *testing.T) {
	t.Parallel()
	room := connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}
	for name, tt := range map[string]struct {
		change func(s *caldavtest.Server, data string)
		kind   connectors.Kind
		keep   string
	}{
		"other words": {func(s *caldavtest.Server, data string) {
			s.Put(caldavtest.Room, "a.ics", strings.Replace(data, "SUMMARY:a", "SUMMARY:renamed", 1))
		}, "", "renamed"},
		"other times": {func(s *caldavtest.Server, data string) {
			s.Put(caldavtest.Room, "a.ics", strings.Replace(data, "T090000", "T091500", 1))
		}, connectors.Conflict, "T091500"},
		"deleted": {func(s *caldavtest.Server, _ string) { s.Delete(caldavtest.Room, "a.ics") }, connectors.NotFound, ""},
	} {
		s := start(t, caldavtest.Quirks{})
		data := meeting("a", "2026-11-23", "09:00", "10:00").ICS()
		s.Put(caldavtest.Room, "a.ics", data)
		c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
		snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: room, Window: week(t)})
		if err != nil {
			t.Fatal(err)
		}
		s.Break(caldavtest.Fault{Method: http.MethodPut, Times: 1, Before: func() { tt.change(s, data) }})
		ev, err := c.SetEnd(t.Context(), room, snap.Events[0], snap.Events[0].To.Add(-30*time.Minute))
		if connectors.KindOf(err) != tt.kind {
			t.Errorf("%s: %v", name, err)
		}
		got := s.Objects(caldavtest.Room)["a.ics"]
		if !strings.Contains(got, tt.keep) || (tt.kind == "") != strings.Contains(got, "T093000") {
			t.Errorf("%s: the server has %s", name, got)
		}
		if tt.kind == "" && ev.Subject != "renamed" {
			t.Errorf("%s: %+v", name, ev)
		}
	}
}

func TestReadOnlyRoom(t *testing.T) {
	t.Parallel()
	s := start(t, caldavtest.Quirks{ReadOnly: true})
	c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
	room := connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}
	r := c.Check(t.Context(), connectors.CheckRequest{Room: room})
	if r.Access != connectors.AccessRead || !r.OK() {
		t.Errorf("%+v", r)
	}
	w := week(t)
	_, err := connectors.BookVerified(t.Context(), c, room, connectors.Draft{Token: "token-123", From: w.From, To: w.From.Add(time.Hour)}, nil)
	if connectors.KindOf(err) != connectors.Forbidden || !strings.Contains(err.Error(), "need-privileges") {
		t.Errorf("%v", err)
	}
	if r := c.Check(t.Context(), connectors.CheckRequest{Room: room, Write: true}); r.OK() || r.Steps[len(r.Steps)-1].Cure != "calendar.cure.forbidden" {
		t.Errorf("%+v", r)
	}
}

func TestBadAddresses(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"", "calendar.example", "ftp://calendar.example", "https://user:" + conntest.Planted + "@calendar.example/", "https://", "http://a b/"} {
		if _, err := caldav.New(newOutbound(t), caldav.Config{URL: at, Now: time.Now}); err == nil || strings.Contains(err.Error(), conntest.Planted) {
			t.Errorf("%q: %v", at, err)
		}
	}
	c := connect(t, "http://127.0.0.1:1/", "", "")
	w := week(t)
	for _, id := range []string{"", "http://169.254.169.254/latest/", "//elsewhere.example/x/", "file:///etc/", "\x00"} {
		_, err := c.Read(t.Context(), connectors.ReadRequest{Room: connectors.Room{ID: id, Zone: time.UTC}, Window: w})
		if k := connectors.KindOf(err); k != connectors.Invalid && k != connectors.Trust {
			t.Errorf("room %q: %v", id, err)
		}
	}
}

// Whatever was read before, and whatever changed since: a read with state says what a full read says.
func TestStateChangesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, caldavtest.Quirks{})
	c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
	zones := []*time.Location{zurich(t), time.UTC, time.FixedZone("+14", 14*3600), time.FixedZone("-12", -12*3600)}
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := fmt.Sprintf("%sr%d/", caldavtest.Home, n)
		s.AddCalendar(path, "")
		defer s.RemoveCalendar(path)
		var state []byte
		wide := rapid.SampledFrom([]int{3, 400}).Draw(t, "days around") // near together, edges meet often
		for range rapid.IntRange(1, 5).Draw(t, "reads") {
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				name := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name")
				if rapid.IntRange(0, 4).Draw(t, "delete") == 0 {
					s.Delete(path, name+".ics")
					continue
				}
				s.Put(path, name+".ics", drawSeed(t, name, wide).ICS())
			}
			zone := rapid.SampledFrom(zones).Draw(t, "zone")
			from := time.Date(2026, 11, 1, 0, 0, 0, 0, zone).AddDate(0, 0, rapid.IntRange(-wide, wide).Draw(t, "from"))
			req := connectors.ReadRequest{
				Room:   connectors.Room{ID: (&url.URL{Path: path}).EscapedPath(), Zone: zone},
				Window: when.Interval{From: from, To: from.Add(time.Duration(rapid.IntRange(1, wide*4).Draw(t, "hours")) * time.Hour)},
			}
			full, err := c.Read(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			req.State = state
			part, err := c.Read(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(full.Events, part.Events); d != "" || full.Skipped != part.Skipped || !slices.Equal(full.Unread, part.Unread) {
				t.Fatalf("skipped %d and %d, unread %q and %q, events %s", full.Skipped, part.Skipped, full.Unread, part.Unread, d)
			}
			state = part.State
		}
	})
}

func drawSeed(t *rapid.T, name string, wide int) conntest.Seed {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(-wide, wide).Draw(t, "day"))
	s := conntest.Seed{
		Name: name, Subject: name, Zone: rapid.SampledFrom([]string{"Europe/Zurich", "UTC", "", "Company Zone"}).Draw(t, "zone of event"),
		Start: day.Format(time.DateOnly) + "T22:30", End: day.AddDate(0, 0, 1).Format(time.DateOnly) + "T01:00",
		Rule: rapid.SampledFrom([]string{"", "", "FREQ=DAILY;COUNT=5", "FREQ=WEEKLY", "FREQ=MONTHLY;UNTIL=20270101T000000Z", "FREQ=YEARLY", "FREQ=NEVER"}).Draw(t, "rule"),
	}
	if rapid.Bool().Draw(t, "whole day") {
		s.Start, s.End = day.Format(time.DateOnly), day.AddDate(0, 0, rapid.IntRange(1, 3).Draw(t, "days")).Format(time.DateOnly)
	} else if s.Rule != "" && rapid.Bool().Draw(t, "moved") {
		to := day.AddDate(0, 0, rapid.IntRange(-300, 300).Draw(t, "to")).Format(time.DateOnly)
		s.Overrides = []conntest.Override{{Original: s.Start, Start: to + "T10:00", End: to + "T11:00", Subject: "moved", Broken: rapid.IntRange(0, 2).Draw(t, "broken move") == 0}}
	}
	if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
		s.Raw = "BEGIN:VEVENT\r\nUID:" + name + "\r\nSUMMARY:no start\r\nEND:VEVENT\r\n"
	}
	return s
}
