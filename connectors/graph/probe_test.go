package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/graph"
	"lintel/connectors/graph/graphtest"
)

// rooms adds n rooms to a tenant and returns what to ask of them.
func addRooms(t testing.TB, s *graphtest.Server, n int) []connectors.ProbeRequest {
	t.Helper()
	var asked []connectors.ProbeRequest
	for i := range n {
		id := fmt.Sprintf("r%02d@rooms.example", i)
		s.AddRoom(id, fmt.Sprint("Room ", i))
		asked = append(asked, connectors.ProbeRequest{Room: connectors.Room{ID: id, Zone: zurich(t)}})
	}
	return asked
}

func meeting(name, from, to string) graphtest.Event {
	return graphtest.Event{
		Name: name, Subject: "Subject of " + name, Organizer: "Ada Example", Address: person, Zone: "Europe/Zurich",
		Start: "2026-11-23T" + from, End: "2026-11-23T" + to,
	}
}

// follow stores the marks as the engine does.
func follow(t testing.TB, asked []connectors.ProbeRequest, got []connectors.ProbeResult) (changed int) {
	t.Helper()
	for i, r := range got {
		if r.Err != nil {
			t.Fatalf("%s: %v", asked[i].Room.ID, r.Err)
		}
		if r.Change.Changed {
			changed++
		}
		asked[i].Cursor = r.Change.Next
	}
	return changed
}

// Forty-five rooms need three requests, and only who changed is told of.
func TestProbeMany(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s, c := clocked(t, graphtest.Quirks{}, clock, nil)
	asked := addRooms(t, s, 45)
	if n := follow(t, asked, c.ProbeMany(t.Context(), asked)); n != 45 {
		t.Errorf("%d changed at first", n)
	}
	s.Calls()
	s.Put("r07@rooms.example", meeting("a", "10:00", "11:00"))
	s.Put("r44@rooms.example", meeting("a", "10:00", "11:00"))
	if n := follow(t, asked, c.ProbeMany(t.Context(), asked)); n != 2 {
		t.Errorf("%d changed", n)
	}
	outer := 0
	for _, call := range s.Calls() {
		if !call.InBatch {
			outer++
			if call.Method != http.MethodPost || call.Path != "/$batch" {
				t.Errorf("%s %s", call.Method, call.Path)
			}
		}
	}
	if outer != 3 {
		t.Errorf("%d requests", outer)
	}
	if n := follow(t, asked, c.ProbeMany(t.Context(), asked)); n != 0 {
		t.Errorf("%d changed after that", n)
	}
}

// Pages of a delta are followed within the batch, and a batch and single probes share their marks.
func TestProbePages(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s, c := clocked(t, graphtest.Quirks{PageSize: 2}, clock, nil)
	asked := addRooms(t, s, 3)
	for i := range 7 {
		s.Put("r01@rooms.example", meeting(fmt.Sprint("m", i), fmt.Sprintf("1%d:00", i), fmt.Sprintf("1%d:30", i)))
	}
	follow(t, asked, c.ProbeMany(t.Context(), asked))
	rounds := 0
	for _, call := range s.Calls() {
		if call.Path == "/$batch" {
			rounds++
		}
	}
	if rounds != 4 {
		t.Errorf("%d batches for four pages", rounds)
	}
	for _, a := range asked {
		ch, err := c.Probe(t.Context(), a.Room, a.Cursor)
		if err != nil || ch.Changed {
			t.Errorf("%+v, %v", ch, err)
		}
	}
}

// Each part of a batch fails alone.
func TestProbeManyFaults(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s, c := clocked(t, graphtest.Quirks{}, clock, nil)
	asked := addRooms(t, s, 12)
	follow(t, asked, c.ProbeMany(t.Context(), asked))
	at := func(i int) string { return asked[i].Room.ID }
	s.RemoveMailbox(at(0))
	s.Break(graphtest.Fault{Mailbox: at(1), Status: 403, Code: "ErrorAccessDenied"})
	s.Break(graphtest.Fault{Mailbox: at(2), Status: 429, Code: "ApplicationThrottled", Header: map[string]string{"Retry-After": "40"}})
	s.Break(graphtest.Fault{Mailbox: at(3), Status: 503, Header: map[string]string{"Retry-After": "20"}})
	s.Break(graphtest.Fault{Mailbox: at(4), Status: 504})
	s.Break(graphtest.Fault{Mailbox: at(5), Status: 200, Body: "<html>proxy</html>"})
	s.Break(graphtest.Fault{Mailbox: at(6), Drop: true})
	s.Break(graphtest.Fault{Mailbox: at(7), Status: 410, Code: "SyncStateNotFound", Times: 1})
	s.Break(graphtest.Fault{Mailbox: at(8), Status: 401, Code: "InvalidAuthenticationToken", Times: 1})
	s.Break(graphtest.Fault{Mailbox: at(9), Status: 401, Code: "InvalidAuthenticationToken"})
	asked[10].Room.ID = "not/a/mailbox"
	asked[10].Cursor = nil
	want := []struct {
		kind  connectors.Kind
		after time.Duration
		alone bool
	}{
		{connectors.Gone, 0, false}, {connectors.Forbidden, 0, false}, {connectors.Throttled, 40 * time.Second, true},
		{connectors.Throttled, 20 * time.Second, true}, {connectors.Transient, 0, false}, {connectors.Invalid, 0, false},
		{connectors.Transient, 0, false}, {"", 0, false}, {"", 0, false}, {connectors.Auth, 0, false}, {connectors.Invalid, 0, false}, {"", 0, false},
	}
	for i, r := range c.ProbeMany(t.Context(), asked) {
		var e *connectors.Error
		errors.As(r.Err, &e)
		if connectors.KindOf(r.Err) != want[i].kind || connectors.AfterOf(r.Err) != want[i].after || e != nil && e.Alone != want[i].alone {
			t.Errorf("%d: %v, after %v, want %+v", i, r.Err, connectors.AfterOf(r.Err), want[i])
		}
		if r.Err == nil && (r.Change.Changed != (i == 7) || len(r.Change.Next) == 0) {
			t.Errorf("%d: %+v", i, r.Change)
		}
		if e != nil && strings.Contains(fmt.Sprintf("%+v", *e), "people.example") {
			t.Errorf("%d: an address shows: %+v", i, *e)
		}
	}
}

// A delta that is forgotten while it is begun is no mailbox that is gone.
func TestForgottenAtOnce(t *testing.T) {
	t.Parallel()
	for _, f := range []graphtest.Fault{
		{Status: 410, Code: "SyncStateNotFound"}, {Status: 410, Code: "fullSyncRequired"}, {Status: 404, Code: "syncStateNotFound"}, {Status: 400, Code: "resyncRequired"},
	} {
		s := tenant(t, graphtest.Quirks{})
		c := connect(t, config(s))
		f.Mailbox = room
		s.Break(f)
		_, err := c.Probe(t.Context(), theRoom(t), nil)
		if !errors.Is(err, connectors.Transient) || connectors.CureOf(err) != "calendar.cure.transient" {
			t.Errorf("HTTP %d %s: %v, %s", f.Status, f.Code, err, connectors.CureOf(err))
		}
		s.Repair()
		if ch, err := c.Probe(t.Context(), theRoom(t), nil); err != nil || len(ch.Next) == 0 {
			t.Errorf("HTTP %d %s, then: %+v, %v", f.Status, f.Code, ch, err)
		}
	}
}

// Who has signed in and has no right at all is refused by a 401, which is no wrong sign-in: other rooms go on.
func TestNoPermissions(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	c := connect(t, config(s))
	s.Break(graphtest.Fault{Mailbox: room, Status: 401, Code: "NoPermissionsInAccessToken"})
	_, err := c.Probe(t.Context(), theRoom(t), nil)
	if !errors.Is(err, connectors.Forbidden) || connectors.CureOf(err) != "calendar.cure.graph_access" {
		t.Errorf("%v, %s", err, connectors.CureOf(err))
	}
}

// No request of a mailbox is sent before the time that Graph asked for, by whatever way; the others go on.
func TestThrottledMailbox(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]graphtest.Fault{
		"429 with seconds": {Status: 429, Header: map[string]string{"Retry-After": "30"}},
		"429 with a date":  {Status: 429, Until: 30 * time.Second},
		"503 with seconds": {Status: 503, Header: map[string]string{"Retry-After": "30"}},
		"504 with seconds": {Status: 504, Header: map[string]string{"Retry-After": "30"}},
		"429 without time": {Status: 429},
		"503 without time": {Status: 503},
	} {
		for _, inBatch := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", in a batch ", inBatch), func(t *testing.T) {
				t.Parallel()
				clock := newClock()
				s, c := clocked(t, graphtest.Quirks{}, clock, nil)
				asked := addRooms(t, s, 4)
				follow(t, asked, c.ProbeMany(t.Context(), asked))
				slow := asked[2].Room
				s.Calls()
				f.Mailbox, f.Times, f.InBatch = slow.ID, 1, inBatch
				s.Break(f)
				day := when.DayOf(clock.now(), slow.Zone).Interval(slow.Zone)
				for range 60 {
					if inBatch {
						c.ProbeMany(t.Context(), asked)
					}
					for _, a := range asked {
						_, err := c.Read(t.Context(), connectors.ReadRequest{Room: a.Room, Window: day})
						var e *connectors.Error
						if err != nil && (a.Room.ID != slow.ID || !errors.As(err, &e) || e.Kind != connectors.Throttled || !e.Alone || e.After <= 0) {
							t.Fatalf("%s: %v", a.Room.ID, err)
						}
					}
					_, err := c.Book(t.Context(), slow, connectors.Draft{Token: "token-0001", From: clock.now().Truncate(time.Hour), To: clock.now().Truncate(time.Hour).Add(time.Hour)})
					if err != nil && !errors.Is(err, connectors.Throttled) {
						t.Fatal(err)
					}
					clock.forward(time.Second)
				}
				var asks time.Time
				var after, others int
				for _, call := range s.Calls() {
					switch {
					case call.Mailbox == slow.ID && call.Status >= 400:
						if !asks.IsZero() {
							t.Fatal("refused twice")
						}
						asks = call.At
					case call.Mailbox == slow.ID && !asks.IsZero():
						if wait := call.At.Sub(asks); wait < 30*time.Second {
							t.Fatalf("%s %s was sent %v after Graph had asked for 30 s", call.Method, call.Path, wait)
						}
						after++
					case call.Mailbox != "" && !asks.IsZero() && call.At.Sub(asks) < 30*time.Second:
						others++
					}
				}
				if asks.IsZero() || after < 30 || others < 3*29 {
					t.Errorf("asked at %v; %d requests after that, %d of others meanwhile", asks, after, others)
				}
			})
		}
	}
}

// A whole batch that is throttled silences the connector.
func TestThrottledBatch(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s, c := clocked(t, graphtest.Quirks{}, clock, nil)
	asked := addRooms(t, s, 3)
	follow(t, asked, c.ProbeMany(t.Context(), asked))
	s.Calls()
	s.Break(graphtest.Fault{Path: "$batch", Status: 429, Header: map[string]string{"Retry-After": "17"}, Times: 1})
	for range 20 {
		for _, r := range c.ProbeMany(t.Context(), asked) {
			var e *connectors.Error
			if r.Err != nil && (!errors.As(r.Err, &e) || e.Kind != connectors.Throttled || e.Alone) {
				t.Fatalf("%+v", r.Err)
			}
		}
		_ = probe(t, c)
		clock.forward(time.Second)
	}
	calls := s.Calls()
	if calls[0].Status != 429 || len(calls) < 4 || calls[1].At.Sub(calls[0].At) < 17*time.Second {
		t.Errorf("%d calls, the second %v after the first", len(calls), calls[1].At.Sub(calls[0].At))
	}
}

// Never more than four requests of a mailbox are under way.
func TestFourAtOnce(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{Latency: 20 * time.Millisecond})
	c := connect(t, config(s))
	if err := probe(t, c); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 50 { // a machine with much to do may not send four of them within the latency at its first try
		for range 24 {
			wg.Go(func() {
				_, err := c.Read(context.Background(), connectors.ReadRequest{Room: theRoom(t), Window: when.Interval{From: time.Now(), To: time.Now().Add(time.Hour)}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if s.MostAtOnce(room) >= 4 {
			break
		}
	}
	if n := s.MostAtOnce(room); n != 4 {
		t.Errorf("%d at once", n)
	}
}

// The window moves on in the night, each room at a minute of its own; a mark that Graph has forgotten, or
// that leads elsewhere, begins a new delta.
func TestMarks(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s, c := clocked(t, graphtest.Quirks{}, clock, nil)
	look := func(cursor connectors.Cursor, want bool) connectors.Cursor {
		t.Helper()
		ch, err := c.Probe(t.Context(), theRoom(t), cursor)
		if err != nil || ch.Changed != want {
			t.Fatalf("changed %v, want %v, %v", ch.Changed, want, err)
		}
		return ch.Next
	}
	cur := look(nil, true)
	clock.forward(15 * time.Hour) // one in the night
	cur = look(cur, false)
	clock.forward(3 * time.Hour)
	s.Calls()
	cur = look(cur, true)
	var from, to time.Time
	for _, call := range s.Calls() {
		for part := range strings.SplitSeq(strings.ReplaceAll(call.Query, "%3A", ":"), "&") {
			name, v, _ := strings.Cut(part, "=")
			switch name {
			case "startDateTime":
				from, _ = time.Parse(time.RFC3339, v)
			case "endDateTime":
				to, _ = time.Parse(time.RFC3339, v)
			}
		}
	}
	day := when.DayOf(clock.now(), zurich(t))
	// Until the next roll the engine's window may reach one day further.
	if from.After(day.Add(-connectors.DaysBack).Start(zurich(t))) || to.Before(day.Add(connectors.DaysAhead+1).End(zurich(t))) {
		t.Errorf("the window %v – %v is too short", from, to)
	}
	cur = look(cur, false)
	s.ForgetDeltas()
	cur = look(cur, true)
	cur = look(cur, false)

	var m map[string]any
	if err := json.Unmarshal(cur, &m); err != nil {
		t.Fatal(err)
	}
	s.Calls()
	for _, link := range []string{"https://evil.example/v1.0/users/x/calendarView/delta?$deltatoken=1", s.Root() + "/beta/users", s.Root() + "/v1.0/../x", "::", s.Authority() + "/v1.0/x", strings.Replace(s.Root(), "http:", "https:", 1) + "/v1.0/users/x"} {
		m["l"] = link
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		look(b, true)
	}
	m["l"] = s.Root() + "/v1.0/users/" + room + "/calendarView/delta?$deltatoken=nonsense"
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	look(b, true)
	for _, call := range s.Calls() {
		if call.Mailbox != room {
			t.Errorf("%s was asked", call.Path)
		}
	}
}

// A link to another host is not followed, nor kept.
func TestForeignLinks(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	c := connect(t, config(s))
	if err := probe(t, c); err != nil {
		t.Fatal(err)
	}
	s.Calls()
	for _, name := range []string{"@odata.nextLink", "@odata.deltaLink"} {
		s.Break(graphtest.Fault{Graph: true, Status: 200, Times: 1, Header: map[string]string{"Content-Type": "application/json"},
			Body: `{"value":[],"` + name + `":"` + s.Authority() + `/v1.0/users/x/calendarView"}`})
		err := probe(t, c)
		if !errors.Is(err, connectors.Trust) || connectors.CureOf(err) != "calendar.cure.host" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := signIns(s.Calls()); n != 0 {
		t.Errorf("%d requests went there", n)
	}
	// Pages that lead in a circle come to an end.
	again := s.Root() + "/v1.0/users/" + room + "/calendarView?x=1"
	s.Break(graphtest.Fault{Graph: true, Status: 200, Body: `{"value":[],"@odata.nextLink":"` + again + `"}`})
	for name, f := range map[string]func() error{
		"probe": func() error { return probe(t, c) },
		"read": func() error {
			_, err := c.Read(t.Context(), connectors.ReadRequest{Room: theRoom(t), Window: when.Interval{From: time.Now(), To: time.Now().Add(time.Hour)}})
			return err
		},
	} {
		if err := f(); !errors.Is(err, connectors.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(s.Calls()); n > 110 {
		t.Errorf("%d requests in a circle", n)
	}
}

var _ connectors.Batcher = (*graph.Conn)(nil)
