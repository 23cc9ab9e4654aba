package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/graph"
	"lintel/connectors/graph/graphtest"
)

// monday is the day that meetings lie on.
func monday(t testing.TB) when.Interval {
	t.Helper()
	return when.Date{Year: 2026, Month: 11, Day: 23}.Interval(zurich(t))
}

func read(t testing.TB, c *graph.Conn) connectors.Snapshot {
	t.Helper()
	s, err := c.Read(t.Context(), connectors.ReadRequest{Room: theRoom(t), Window: monday(t)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// only returns the one event of the day.
func only(t testing.TB, c *graph.Conn) connectors.Event {
	t.Helper()
	s := read(t, c)
	if len(s.Events) != 1 {
		t.Fatalf("%d events", len(s.Events))
	}
	return s.Events[0]
}

func hour(h, m int) time.Time { return time.Date(2026, 11, 23, h-1, m, 0, 0, time.UTC) } // in Zurich

func draft(token string) connectors.Draft {
	return connectors.Draft{Token: token, From: hour(10, 0), To: hour(11, 0), Subject: "Booked", Organizer: "Grace Example"}
}

func of(calls []graphtest.Call, method, contains string) (out []graphtest.Call) {
	for _, c := range calls {
		if c.Method == method && strings.Contains(c.Path, contains) {
			out = append(out, c)
		}
	}
	return out
}

// What is written is what Graph needs and nothing that would invite somebody; the id of the transaction
// is the same for the same token.
func TestBookWrites(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	s.Observe = validate(t)
	c := connect(t, config(s))
	s.Break(graphtest.Fault{Method: "POST", Path: "/calendar/events", Cut: true, Times: 1})
	if _, err := c.Book(t.Context(), theRoom(t), draft("token-0001")); !errors.Is(err, connectors.Transient) {
		t.Fatalf("the cut: %v", err)
	}
	ev, err := c.Book(t.Context(), theRoom(t), draft("token-0001"))
	if err != nil || ev.Token != "token-0001" || !ev.Mine || ev.Organizer != "Grace Example" {
		t.Fatalf("%+v, %v", ev, err)
	}
	posts := of(s.Calls(), "POST", "/calendar/events")
	if len(posts) != 1 {
		t.Fatalf("written %d times: a retry looks for its token first", len(posts))
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(posts[0].Body), &body); err != nil {
		t.Fatal(err)
	}
	id, _ := body["transactionId"].(string)
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(id) || body["attendees"] != nil || body["showAs"] != "busy" || body["isReminderOn"] != false {
		t.Errorf("%s", posts[0].Body)
	}
	// Undone and written again, as after a tie, with the id of a transaction that was used.
	if err := c.Release(t.Context(), theRoom(t), ev); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Book(t.Context(), theRoom(t), draft("token-0001")); err != nil {
		t.Fatal(err)
	}
	again := of(s.Calls(), "POST", "/calendar/events")
	if len(again) != 1 || !strings.Contains(again[0].Body, id) {
		t.Errorf("%d times, %+v", len(again), again)
	}
}

// Two tries at the same moment make one event, by the id of the transaction alone.
func TestBookTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	a, b := connect(t, config(s)), connect(t, config(s))
	var wg sync.WaitGroup
	s.Break(graphtest.Fault{Method: "POST", Path: "/calendar/events", Times: 1, Before: func() {
		wg.Go(func() {
			if _, err := b.Book(context.Background(), theRoom(t), draft("token-0001")); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(50 * time.Millisecond)
	}})
	if _, err := a.Book(t.Context(), theRoom(t), draft("token-0001")); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	only(t, a)
}

// Somebody moves the event between our look and our write. Where Graph does not mind If-Match, what is
// read back tells.
func TestSetEndMeetsAnother(t *testing.T) {
	t.Parallel()
	for _, ignore := range []bool{false, true} {
		s := tenant(t, graphtest.Quirks{IgnoreIfMatch: ignore})
		c := connect(t, config(s))
		s.Put(room, meeting("a", "10:00", "11:00"))
		ev := only(t, c)
		s.Break(graphtest.Fault{Method: "PATCH", Times: 1, Before: func() { s.Put(room, meeting("a", "10:15", "11:15")) }})
		_, err := c.SetEnd(t.Context(), theRoom(t), ev, hour(10, 30))
		if !errors.Is(err, connectors.Conflict) {
			t.Errorf("If-Match ignored %v: %v", ignore, err)
		}
		if now := only(t, c); !now.From.Equal(hour(10, 15)) || !ignore && !now.To.Equal(hour(11, 15)) {
			t.Errorf("If-Match ignored %v: %v – %v", ignore, now.From, now.To)
		}
		// A change of words in that moment is survived, and not lost.
		s.Put(room, meeting("a", "10:00", "11:00"))
		ev = only(t, c)
		renamed := meeting("a", "10:00", "11:00")
		renamed.Subject = "renamed"
		s.Break(graphtest.Fault{Method: "PATCH", Times: 1, Before: func() { s.Put(room, renamed) }})
		got, err := c.SetEnd(t.Context(), theRoom(t), ev, hour(10, 30))
		if err != nil || got.Subject != "renamed" || !got.To.Equal(hour(10, 30)) {
			t.Errorf("If-Match ignored %v: %+v, %v", ignore, got, err)
		}
	}
}

// The time by which claims are compared is when an event took its time, not when it was last touched.
func TestWritten(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s, c := clocked(t, graphtest.Quirks{}, clock, nil)
	ev, err := c.Book(t.Context(), theRoom(t), draft("token-0001"))
	if err != nil || !ev.Written.Equal(clock.now()) {
		t.Fatalf("%v, %v", ev.Written, err)
	}
	clock.forward(time.Minute)
	if err := c.Mark(t.Context(), theRoom(t), ev, hour(10, 2).Add(123*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	marked := only(t, c)
	if !marked.Written.Equal(ev.Written) || !marked.CheckedIn.Equal(hour(10, 2)) || marked.Rev == ev.Rev || marked.Token != ev.Token {
		t.Errorf("after a check-in: %+v", marked)
	}
	if marked, err = c.SetEnd(t.Context(), theRoom(t), marked, hour(10, 45)); err != nil || !marked.Written.Equal(ev.Written) {
		t.Errorf("after an early end: %v, %v", marked.Written, err)
	}
	clock.forward(time.Minute)
	later, err := c.SetEnd(t.Context(), theRoom(t), marked, hour(11, 30))
	if err != nil || later.Written.Before(clock.now()) || !later.CheckedIn.Equal(hour(10, 2)) {
		t.Errorf("after an extension at %v: %+v, %v", clock.now(), later, err)
	}
	for _, call := range of(s.Calls(), "PATCH", "") {
		if strings.Contains(call.Body, "subject") {
			t.Errorf("more than needed: %s", call.Body)
		}
	}
}

// B looked while the slot was free. A takes it and checks in, B extends into it: B is told, whatever was
// written onto A's booking since.
func TestExtensionGivesWay(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s, c := clocked(t, graphtest.Quirks{}, clock, nil)
	b, err := c.Book(t.Context(), theRoom(t), draft("token-of-b"))
	if err != nil {
		t.Fatal(err)
	}
	clock.forward(time.Hour)
	d := draft("token-of-a")
	d.From, d.To = hour(11, 0), hour(12, 0)
	s.Break(graphtest.Fault{Method: "PATCH", Times: 1, Before: func() {
		out, err := connectors.BookVerified(context.Background(), c, theRoom(t), d, nil)
		if err != nil || out.Verdict != connectors.Done {
			t.Errorf("%+v, %v", out, err)
		}
		clock.forward(time.Second)
	}})
	out, err := connectors.SetEndVerified(t.Context(), c, theRoom(t), b, hour(11, 30), nil)
	if err != nil || out.Verdict != connectors.Taken {
		t.Fatalf("%+v, %v", out, err)
	}
	events := read(t, c).Events
	if len(events) != 2 || !events[0].To.Equal(hour(11, 0)) || events[1].Token != "token-of-a" {
		t.Errorf("%+v", events)
	}
}

func TestWholeDayEndsEarly(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	s.Observe = validate(t)
	c := connect(t, config(s))
	s.Put(room, graphtest.Event{Name: "day", Subject: "day", Start: "2026-11-23", End: "2026-11-24"})
	ev := only(t, c)
	got, err := c.SetEnd(t.Context(), theRoom(t), ev, hour(15, 0))
	if err != nil || got.AllDay || !got.From.Equal(ev.From) || !got.To.Equal(hour(15, 0)) {
		t.Errorf("%+v, %v", got, err)
	}
}

// Graph keeps whole days as those of one zone. In a room far from there an hour of the day is taken all the
// same, and one of the next day is not.
func TestWholeDayFarAway(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	c := connect(t, config(s))
	s.Put(room, graphtest.Event{Name: "day", Subject: "day", Start: "2026-11-23", End: "2026-11-24"})
	for _, name := range []string{"Pacific/Kiritimati", "Etc/GMT+12", "Pacific/Auckland", "America/Los_Angeles"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for h, taken := range map[int]bool{-1: false, 0: true, 12: true, 23: true, 24: false} {
			from := time.Date(2026, 11, 23, h, 0, 0, 0, zone)
			snap, err := c.Read(t.Context(), connectors.ReadRequest{
				Room: connectors.Room{ID: room, Zone: zone}, Window: when.Interval{From: from, To: from.Add(time.Hour)},
			})
			if err != nil || (len(snap.Events) == 1) != taken {
				t.Errorf("%s, hour %d: %d events, %v", name, h, len(snap.Events), err)
			}
		}
	}
}

// What the room organizes is deleted, anything else declined; the organizer is told if he wants to know.
func TestRelease(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*graphtest.Event)
		method string
		path   string
		body   string
	}{
		"the room's own":    {func(e *graphtest.Event) { e.Organizer, e.Address = "", "" }, "DELETE", "/events/", ""},
		"an invitation":     {func(*graphtest.Event) {}, "POST", "/decline", `{"sendResponse":true}`},
		"no answers wanted": {func(e *graphtest.Event) { e.NoResponse = true }, "POST", "/decline", `{"sendResponse":false}`},
		"one of a series": {func(e *graphtest.Event) {
			e.Start, e.End = "2026-11-16T10:00", "2026-11-16T11:00"
			e.Recurrence = &graphtest.Recurrence{Type: "weekly"}
		}, "POST", "OID20261123T090000/decline", `{"sendResponse":true}`},
	} {
		s := tenant(t, graphtest.Quirks{})
		s.Observe = validate(t)
		c := connect(t, config(s))
		e := meeting("a", "10:00", "11:00")
		tt.change(&e)
		s.Put(room, e)
		ev := only(t, c)
		s.Calls()
		if err := c.Release(t.Context(), theRoom(t), ev); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		calls := s.Calls()
		done := of(calls, tt.method, tt.path)
		if len(done) != 1 || done[0].Body != tt.body || len(calls) != 2 {
			t.Errorf("%s: %+v", name, calls)
		}
		if n := len(read(t, c).Events); n != 0 {
			t.Errorf("%s: %d events are left", name, n)
		}
	}
}

// Graph remembers the id of a deleted event's transaction: it is booked again all the same.
func TestRememberedTransaction(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{RememberTransactions: true})
	c := connect(t, config(s))
	for range 3 {
		ev, err := c.Book(t.Context(), theRoom(t), draft("token-0001"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Release(t.Context(), theRoom(t), ev); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{ReadOnly: true})
	c := connect(t, config(s))
	_, err := c.Book(t.Context(), theRoom(t), draft("token-0001"))
	if !errors.Is(err, connectors.Forbidden) {
		t.Error(err)
	}
	for _, bad := range []string{"", "a/b", "..", "x?y", " room@rooms.example"} {
		if _, err := c.Probe(t.Context(), connectors.Room{ID: bad, Zone: zurich(t)}, nil); !errors.Is(err, connectors.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestImage(t *testing.T) {
	t.Parallel()
	png := []byte("\x89PNG\r\n\x1a\n and more")
	for name, tt := range map[string]struct {
		files []graphtest.Attachment
		want  string // media type; "" = NotFound
	}{
		"png":                  {[]graphtest.Attachment{{Name: "agenda.docx", ContentType: "application/msword", Data: png}, {Name: "door.png", ContentType: "image/png", Data: png}}, "image/png"},
		"by name alone":        {[]graphtest.Attachment{{Name: "door.JPG", ContentType: "application/octet-stream", Data: []byte("\xff\xd8\xff\xe0 x")}}, "image/jpeg"},
		"bmp":                  {[]graphtest.Attachment{{Name: "x", ContentType: "image/bmp", Data: []byte("BM" + strings.Repeat("x", 60))}}, "image/bmp"},
		"in a signature":       {[]graphtest.Attachment{{Name: "logo.png", ContentType: "image/png", Data: png, Inline: true}}, ""},
		"no picture inside":    {[]graphtest.Attachment{{Name: "door.png", ContentType: "image/png", Data: []byte("<script>")}}, ""},
		"too large":            {[]graphtest.Attachment{{Name: "door.png", ContentType: "image/png", Data: append(png, make([]byte, 5000)...)}}, ""},
		"second is the better": {[]graphtest.Attachment{{Name: "a.png", ContentType: "image/png", Data: []byte("GIF89a")}, {Name: "b.png", ContentType: "image/png", Data: png}}, "image/png"},
		"none":                 {nil, ""},
	} {
		s := tenant(t, graphtest.Quirks{})
		s.Observe = validate(t)
		c := connect(t, config(s))
		e := meeting("a", "10:00", "11:00")
		e.Attachments = tt.files
		s.Put(room, e)
		data, media, err := c.Image(t.Context(), theRoom(t), only(t, c), 4000)
		if tt.want == "" && !errors.Is(err, connectors.NotFound) || tt.want != "" && (err != nil || media != tt.want || len(data) == 0) {
			t.Errorf("%s: %q, %v", name, media, err)
		}
	}
}

func TestRooms(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{PageSize: 2})
	s.Observe = validate(t)
	c := connect(t, config(s))
	addRooms(t, s, 4)
	var all []connectors.RoomRef
	for mark := ""; ; {
		rooms, next, err := c.Rooms(t.Context(), mark)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rooms...)
		if mark = next; mark == "" {
			break
		}
	}
	if len(all) != 5 || all[0].ID != "r00@rooms.example" || all[0].Capacity != 8 || all[0].Floor != "2" || all[0].Building != "Main" {
		t.Errorf("%+v", all)
	}
	if _, _, err := c.Rooms(t.Context(), "https://evil.example/v1.0/places/x"); !errors.Is(err, connectors.Trust) {
		t.Error(err)
	}
	s.Break(graphtest.Fault{Path: "/places/", Status: http.StatusForbidden, Code: "Authorization_RequestDenied"})
	if _, _, err := c.Rooms(t.Context(), ""); !errors.Is(err, connectors.Forbidden) || connectors.CureOf(err) != "calendar.cure.graph_places" {
		t.Errorf("%v, %s", err, connectors.CureOf(err))
	}
}
