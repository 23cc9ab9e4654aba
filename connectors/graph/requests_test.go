package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/graph/graphtest"
	"lintel/connectors/outbound"
)

func needMetadata(t *testing.T) *metadata {
	t.Helper()
	m, err := loadMetadata()
	if err != nil {
		t.Fatal(err)
	}
	if m == nil {
		t.Skip("LINTEL_CORPUS does not name the folder with Graph's metadata")
	}
	return m
}

// The check of requests finds what is wrong with them.
func TestMetadataRefuses(t *testing.T) {
	t.Parallel()
	m := needMetadata(t)
	const events = "/users/a@b.example/calendar/events"
	for name, tt := range map[string]struct {
		call graphtest.Call
		want string
	}{
		"good":                 {graphtest.Call{Method: "PATCH", Path: "/users/a/events/1", Body: `{"end":{"dateTime":"x","timeZone":"UTC"}}`}, ""},
		"unknown set":          {graphtest.Call{Method: "GET", Path: "/rooms"}, "no entity set"},
		"unknown navigation":   {graphtest.Call{Method: "GET", Path: "/users/a/agenda"}, `has no "agenda"`},
		"unknown action":       {graphtest.Call{Method: "POST", Path: "/users/a/events/1/refuse", Body: `{}`}, `has no "refuse"`},
		"unknown parameter":    {graphtest.Call{Method: "POST", Path: "/users/a/events/1/decline", Body: `{"reason":"x"}`}, `no parameter "reason"`},
		"parameter's type":     {graphtest.Call{Method: "POST", Path: "/users/a/events/1/decline", Body: `{"sendResponse":"yes"}`}, "is no Edm.Boolean"},
		"unknown select":       {graphtest.Call{Method: "GET", Path: events, Query: "%24select=id,occurrenceId"}, `has no "occurrenceId"`},
		"unknown expansion":    {graphtest.Call{Method: "GET", Path: events, Query: "%24expand=props(%24filter=id eq 'x')"}, "no collection"},
		"unknown option":       {graphtest.Call{Method: "GET", Path: events, Query: "top=3"}, "no place for the option"},
		"delta with nothing":   {graphtest.Call{Method: "GET", Path: events, Query: "%24deltatoken=3"}, "no place for the option"},
		"unknown property":     {graphtest.Call{Method: "POST", Path: events, Body: `{"title":"x"}`}, `has no "title"`},
		"unknown enum member":  {graphtest.Call{Method: "POST", Path: events, Body: `{"showAs":"occupied"}`}, "is no graph.freeBusyStatus"},
		"wrong type":           {graphtest.Call{Method: "POST", Path: events, Body: `{"isReminderOn":"no"}`}, "is no Edm.Boolean"},
		"wrong nested type":    {graphtest.Call{Method: "POST", Path: events, Body: `{"start":{"date":"x"}}`}, `has no "date"`},
		"delete a collection":  {graphtest.Call{Method: "DELETE", Path: events}, "no place for DELETE"},
		"stream of an event":   {graphtest.Call{Method: "GET", Path: events + "/1/$value"}, "has no stream"},
		"cast to another type": {graphtest.Call{Method: "GET", Path: "/places/microsoft.graph.event"}, "is no graph.place"},
	} {
		err := m.check(tt.call)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// Everything that Lintel can send is sent once and held against Graph's metadata.
func TestEveryRequest(t *testing.T) {
	t.Parallel()
	needMetadata(t)
	seen := map[string]bool{}
	began := time.Now()
	now := func() time.Time { return hour(7, 0).Add(time.Since(began)) } // the events are of that day
	for _, invites := range []bool{false, true} {
		s, cfg := inviting(t, graphtest.Quirks{PageSize: 1})
		s.Now, cfg.Now, cfg.Invite = now, now, invites
		c := connect(t, cfg)
		r := theRoom(t)
		for _, e := range []graphtest.Event{
			meeting("a", "08:00", "09:00"), meeting("b", "09:00", "10:00"), {Name: "day", Subject: "day", Start: "2026-11-23", End: "2026-11-24", ShowAs: "free"},
		} {
			e.Attachments = []graphtest.Attachment{{Name: "a.png", ContentType: "image/png", Data: []byte("\x89PNG\r\n\x1a\n")}}
			s.Put(room, e)
		}
		ask := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		addRooms(t, s, 2)
		rooms, next, err := c.Rooms(t.Context(), "")
		ask(err)
		_, _, err = c.Rooms(t.Context(), next)
		ask(err)
		asked := []connectors.ProbeRequest{{Room: r}, {Room: connectors.Room{ID: rooms[0].ID, Zone: r.Zone}}}
		follow(t, asked, c.ProbeMany(t.Context(), asked))
		follow(t, asked, c.ProbeMany(t.Context(), asked))
		_, err = c.Probe(t.Context(), r, asked[0].Cursor)
		ask(err)
		ev, err := c.Book(t.Context(), r, draft("token-0001"))
		ask(err)
		for _, to := range []time.Time{hour(10, 30), hour(11, 30)} {
			ev, err = c.SetEnd(t.Context(), r, ev, to)
			ask(err)
		}
		ask(c.Mark(t.Context(), r, ev, hour(10, 1)))
		ask(c.Release(t.Context(), r, ev))
		for _, e := range read(t, c).Events {
			_, _, err = c.Image(t.Context(), r, e, 1000)
			ask(err)
			if e.AllDay {
				_, err = c.SetEnd(t.Context(), r, e, hour(12, 0))
				ask(err)
				continue
			}
			ask(c.Release(t.Context(), r, e))
		}
		c.Check(t.Context(), connectors.CheckRequest{Room: r, Write: true})
		for _, call := range s.Calls() {
			seen[shape(call)] = true
		}
	}
	want := []string{
		"POST oauth2/v2.0/token", "POST $batch", "GET places/microsoft.graph.room $select $top", "GET places/microsoft.graph.room $select $skip $top",
		"GET calendar $select", "GET calendarView $expand $select $top endDateTime startDateTime",
		"GET calendarView $expand $select $skip $top endDateTime startDateTime",
		"GET calendarView/delta endDateTime startDateTime", "GET calendarView/delta $skiptoken", "GET calendarView/delta $deltatoken",
		"GET calendar/events $expand $filter $select $top", "POST calendar/events", "GET events $expand $select", "PATCH events", "DELETE events",
		"POST events/decline", "GET events/attachments $select", "GET events/attachments/$value",
	}
	for _, w := range want {
		if !seen[w] {
			t.Errorf("%s was not sent", w)
		}
		delete(seen, w)
	}
	for s := range seen {
		t.Errorf("%s is not in the list", s)
	}
}

// shape is a request without its names and values.
func shape(c graphtest.Call) string {
	parts := strings.Split(strings.TrimPrefix(c.Path, "/"), "/")
	switch {
	case strings.Contains(c.Path, "/oauth2/"):
		parts = parts[1:]
	case parts[0] == "users":
		parts = parts[2:]
		if parts[0] == "events" {
			parts = append(parts[:1], parts[2:]...)
		}
		if len(parts) > 2 && parts[1] == "attachments" {
			parts = append(parts[:2], parts[3:]...)
		}
	}
	var options []string
	for o := range strings.SplitSeq(c.Query, "&") {
		name, _, _ := strings.Cut(strings.ReplaceAll(o, "%24", "$"), "=")
		options = append(options, name)
	}
	slices.Sort(options)
	return strings.TrimSpace(c.Method + " " + strings.Join(parts, "/") + " " + strings.Join(options, " "))
}

// A trace for support shows what was asked and answered, and nothing of whom it concerns.
func TestTraceIsClean(t *testing.T) {
	t.Parallel()
	s, cfg := inviting(t, graphtest.Quirks{})
	var mu sync.Mutex
	var text strings.Builder
	cfg.Trace = func(x outbound.Exchange) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&text, "%s %+v\n", x, x)
	}
	for _, certificate := range []bool{false, true} {
		if certificate {
			cfg = withKey(t, s, cfg)
		}
		c := connect(t, cfg)
		s.Put(room, meeting("a", "08:00", "09:00"))
		asked := []connectors.ProbeRequest{{Room: theRoom(t)}}
		c.ProbeMany(t.Context(), asked)
		d := draft("token-0001")
		d.Subject = "Planted subject"
		if ev, err := c.Book(t.Context(), theRoom(t), d); err != nil || c.Release(t.Context(), theRoom(t), ev) != nil {
			t.Fatal(err)
		}
		c.Check(t.Context(), connectors.CheckRequest{Room: theRoom(t)})
		s.Break(graphtest.Fault{Graph: true, Status: 403, Code: "ErrorAccessDenied"})
		_ = probe(t, c)
		s.Repair()
	}
	got := text.String()
	for _, no := range []string{graphtest.Secret, ".sig-", "people.example", "rooms.example", "Planted", "Grace", "Ada", "eyJ", "token-0001"} {
		if strings.Contains(got, no) {
			at := strings.Index(got, no)
			t.Errorf("%q shows: …%s…", no, got[max(0, at-200):min(len(got), at+60)])
		}
	}
	for _, want := range []string{"calendarView", "$batch", "HTTP 403"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not show", want)
		}
	}
}
