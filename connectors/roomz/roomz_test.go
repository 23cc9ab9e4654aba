package roomz_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/connectors/roomz"
	"lintel/connectors/roomz/roomztest"
)

func nine() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

func weisshorn() connectors.Room { return connectors.Room{ID: room, Zone: time.UTC} }

func draft(token string) connectors.Draft {
	return connectors.Draft{Token: token, From: nine(), To: nine().Add(time.Hour), Subject: "Booked", Organizer: "Grace"}
}

func read(t testing.TB, c *roomz.Connector) connectors.Snapshot {
	t.Helper()
	w := when.Interval{From: nine().Add(-9 * time.Hour), To: nine().Add(15 * time.Hour)}
	s, err := c.Read(t.Context(), connectors.ReadRequest{Room: weisshorn(), Window: w})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMeetingJSON(t *testing.T) {
	t.Parallel()
	start, end := nine(), nine().Add(time.Hour)
	full := roomz.Meeting{
		ID: "m1234", Subject: "Product Review", OrganizerID: "u567", OrganizerName: "John Doe", Start: start, End: end,
		Created: start.AddDate(0, 0, -10), Private: true, Cancelled: true, ImageURL: "https://images.example/a.png",
	}
	for name, tt := range map[string]struct {
		in   string
		want roomz.Meeting
	}{
		"by the book": {`{"meetingId":"m1234","subject":"Product Review","organizerId":"u567","organizerName":"John Doe","startDateUTC":"2026-11-23T09:00:00Z",
			"endDateUTC":"2026-11-23T10:00:00Z","creationDateUTC":"2026-11-13T09:00:00Z","isPrivate":true,"isCancelled":true,"imageUrl":"https://images.example/a.png"}`, full},
		"only times":          {`{"startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23T10:00:00Z"}`, roomz.Meeting{Start: start, End: end}},
		"fractions":           {`{"startDateUTC":"2026-11-23T09:00:00.999Z","endDateUTC":"2026-11-23T10:00:00.1234567Z"}`, roomz.Meeting{Start: start, End: end}},
		"offsets":             {`{"startDateUTC":"2026-11-23T10:00:00+01:00","endDateUTC":"2026-11-23T05:00:00-0500"}`, roomz.Meeting{Start: start, End: end}},
		"without offset":      {`{"startDateUTC":"2026-11-23T09:00:00","endDateUTC":"2026-11-23 10:00:00"}`, roomz.Meeting{Start: start, End: end}},
		"without seconds":     {`{"startDateUTC":"2026-11-23T09:00Z","endDateUTC":"2026-11-23T10:00"}`, roomz.Meeting{Start: start, End: end}},
		"created is start":    {`{"startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23T10:00:00Z","creationDateUTC":"2026-11-23T09:00:00Z"}`, roomz.Meeting{Start: start, End: end}},
		"null":                {`{"meetingId":null,"subject":null,"startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23T10:00:00Z","isPrivate":null}`, roomz.Meeting{Start: start, End: end}},
		"numbers and texts":   {`{"meetingId":12345678901234567890,"isPrivate":"TRUE","isCancelled":1}`, roomz.Meeting{ID: "12345678901234567890", Private: true, Cancelled: true}},
		"other capitals":      {`{"MeetingId":"x","StartDateUtc":"2026-11-23T09:00:00Z"}`, roomz.Meeting{ID: "x", Start: start}},
		"nonsense for a time": {`{"meetingId":"x","startDateUTC":"tomorrow","endDateUTC":{}}`, roomz.Meeting{ID: "x"}},
	} {
		var got roomz.Meeting
		if err := json.Unmarshal([]byte(tt.in), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	// What is written holds every field, and null for no picture only.
	b, err := json.Marshal(roomz.Meeting{ID: "x", Start: start, End: end})
	want := `{"meetingId":"x","subject":"","organizerId":"","organizerName":"","startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23T10:00:00Z",` +
		`"creationDateUTC":"2026-11-23T09:00:00Z","isPrivate":false,"isCancelled":false,"imageUrl":null}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
	var again roomz.Meeting
	if b, err = json.Marshal(full); err != nil || json.Unmarshal(b, &again) != nil || again != full {
		t.Errorf("%s, %v", b, err)
	}
}

// A broken meeting costs itself only, and meetings with one id stay apart.
func TestListsOfAllKinds(t *testing.T) {
	t.Parallel()
	const ok = `"startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23T10:00:00Z"`
	for name, tt := range map[string]struct {
		body            string
		events, skipped int
		bad             bool
		unread          string
	}{
		"empty":               {`[]`, 0, 0, false, ""},
		"null":                {`null`, 0, 0, false, ""},
		"an object":           {`{"meetings":[]}`, 0, 0, true, ""},
		"cut":                 {`[{"meetingId":"a"`, 0, 0, true, ""},
		"one broken":          {`[{"meetingId":"a",` + ok + `},{"meetingId":"b"},7,{"meetingId":"c","startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23T08:00:00Z"}]`, 1, 3, false, "b c"},
		"cancelled, no times": {`[{"meetingId":"a","isCancelled":true}]`, 0, 0, false, ""},
		"one id twice":        {`[{"meetingId":"a",` + ok + `},{"meetingId":"a","startDateUTC":"2026-11-23T11:00:00Z","endDateUTC":"2026-11-23T12:00:00Z"}]`, 2, 0, false, ""},
		"one id, one broken":  {`[{"meetingId":"a",` + ok + `},{"meetingId":"a"}]`, 1, 1, false, ""},
		"no id":               {`[{` + ok + `}]`, 1, 0, false, ""},
		"no id, broken":       {`[{"subject":"x"}]`, 0, 1, false, ""},
		"byte order mark":     {"\xef\xbb\xbf" + `[{` + ok + `}]`, 1, 0, false, ""},
	} {
		s := start(t, roomztest.Quirks{})
		c := connect(t, s, nil)
		s.Break(roomztest.Fault{Status: 200, Body: tt.body})
		w := when.Interval{From: nine().Add(-time.Hour), To: nine().Add(4 * time.Hour)}
		snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: weisshorn(), Window: w})
		if errors.Is(err, connectors.Invalid) != tt.bad || len(snap.Events) != tt.events || snap.Skipped != tt.skipped || strings.Join(snap.Unread, " ") != tt.unread {
			t.Errorf("%s: %+v, %v", name, snap, err)
		}
		ids := map[string]bool{}
		for _, e := range snap.Events {
			ids[e.Identity()] = e.Series != ""
		}
		if len(ids) != len(snap.Events) || ids[""] {
			t.Errorf("%s: identities %v", name, ids)
		}
	}
}

// A meeting that can't be read is not changed, and counts neither as gone nor as released.
func TestUnreadIsNotReleased(t *testing.T) {
	t.Parallel()
	s := start(t, roomztest.Quirks{})
	c := connect(t, s, nil)
	m := roomztest.Meeting{ID: "a", Subject: "a", Start: nine(), End: nine().Add(time.Hour)}
	s.Put(room, m)
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: weisshorn(), Window: when.Interval{From: nine(), To: nine().Add(time.Hour)}})
	if err != nil || len(snap.Events) != 1 {
		t.Fatalf("%+v, %v", snap, err)
	}
	m.Broken = true
	s.Put(room, m)
	if err := c.Release(t.Context(), weisshorn(), snap.Events[0]); !errors.Is(err, connectors.Unsupported) {
		t.Errorf("release: %v", err)
	}
	if _, err := c.SetEnd(t.Context(), weisshorn(), snap.Events[0], nine().Add(2*time.Hour)); !errors.Is(err, connectors.Unsupported) {
		t.Errorf("set end: %v", err)
	}
}

// A change of one of several meetings with the same id could hit all, so it is refused.
func TestOneIDForASeries(t *testing.T) {
	t.Parallel()
	s := start(t, roomztest.Quirks{})
	for i := range 3 {
		at := nine().AddDate(0, 0, 7*i)
		s.Add(room, roomztest.Meeting{ID: "weekly", Subject: "weekly", Start: at, End: at.Add(time.Hour)})
	}
	c := connect(t, s, nil)
	w := when.Interval{From: nine().AddDate(0, 0, -1), To: nine().AddDate(0, 0, 15)}
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: weisshorn(), Window: w})
	if err != nil || len(snap.Events) != 3 {
		t.Fatalf("%+v, %v", snap, err)
	}
	for _, ev := range snap.Events {
		if err := c.Release(t.Context(), weisshorn(), ev); !errors.Is(err, connectors.Unsupported) {
			t.Errorf("release: %v", err)
		}
		if _, err := c.SetEnd(t.Context(), weisshorn(), ev, ev.To.Add(-time.Minute)); !errors.Is(err, connectors.Unsupported) {
			t.Errorf("set end: %v", err)
		}
	}
	for _, call := range s.Calls() {
		if call.Method != http.MethodGet {
			t.Errorf("sent %s", call.Method)
		}
	}
}

// The requests are those of the contract.
func TestRequests(t *testing.T) {
	t.Parallel()
	s := start(t, roomztest.Quirks{})
	c := connect(t, s, nil)
	if _, _, err := c.Rooms(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	ev, err := c.Book(t.Context(), weisshorn(), draft("token-of-x"))
	if err != nil {
		t.Fatal(err)
	}
	if ev, err = c.SetEnd(t.Context(), weisshorn(), ev, ev.To.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := c.Release(t.Context(), weisshorn(), ev); err != nil {
		t.Fatal(err)
	}
	const list = "GET /api/v1/rooms/r%20212%2F%C3%BC/meetings?from=2026-11-22T09%3A00%3A00Z&to=2026-11-24T10%3A00%3A00Z"
	want := []string{
		"GET /api/v1/rooms", list, "POST /api/v1/rooms/r%20212%2F%C3%BC/meetings", list, list,
		"PUT /api/v1/rooms/r%20212%2F%C3%BC/meetings/1001",
	}
	var got []string
	var posted, put map[string]any
	for _, call := range s.Calls() {
		got = append(got, call.Method+" "+call.URL.RequestURI())
		if call.User != roomztest.User {
			t.Errorf("%s by %q", call.Method, call.User)
		}
		into := map[string]*map[string]any{"POST": &posted, "PUT": &put}[call.Method]
		if into != nil {
			if err := json.Unmarshal([]byte(call.Body), into); err != nil {
				t.Error(err)
			}
		}
	}
	if d := cmp.Diff(want, got[:len(want)]); d != "" {
		t.Error(d)
	}
	delete(posted, "creationDateUTC") // now
	if d := cmp.Diff(map[string]any{
		"meetingId": "", "subject": "Booked", "organizerId": "lintel-token-of-x", "organizerName": "Grace", "startDateUTC": "2026-11-23T09:00:00Z",
		"endDateUTC": "2026-11-23T10:00:00Z", "isPrivate": false, "isCancelled": false, "imageUrl": nil,
	}, posted); d != "" {
		t.Error(d)
	}
	if put["isCancelled"] != true || put["organizerId"] != "lintel-token-of-x" || put["endDateUTC"] != "2026-11-23T09:59:00Z" || len(put) != 10 {
		t.Errorf("%v", put)
	}
}

// A system that replaces organizerId, and perhaps answers nothing: what we wrote is found all the same.
func TestOwnOrganizer(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		s := start(t, roomztest.Quirks{OwnOrganizer: true, Silent: silent})
		c := connect(t, s, nil)
		out, err := connectors.BookVerified(t.Context(), c, weisshorn(), draft("token-of-x"), nil)
		if err != nil || out.Verdict != connectors.Done || out.Event.Token != "token-of-x" {
			t.Fatalf("%+v, %v", out, err)
		}
		again, err := c.Book(t.Context(), weisshorn(), draft("token-of-x"))
		if err != nil || again.Key != out.Event.Key || len(s.Meetings(room)) != 1 {
			t.Errorf("a retry: %+v, %v", again, err)
		}
		// After a restart it is somebody's, and stays safe from a second booking.
		fresh, err := connectors.BookVerified(t.Context(), connect(t, s, nil), weisshorn(), draft("token-of-x"), nil)
		if err != nil || fresh.Verdict != connectors.Taken || len(s.Meetings(room)) != 1 {
			t.Errorf("after a restart: %+v, %v", fresh, err)
		}
		if err := c.Release(t.Context(), weisshorn(), out.Event); err != nil || len(s.Meetings(room)) != 0 {
			t.Errorf("release: %v", err)
		}
		report := c.Check(t.Context(), connectors.CheckRequest{Room: weisshorn(), Write: true})
		last := report.Steps[len(report.Steps)-1]
		if !report.OK() || last.State != connectors.StepWarned || last.Cure != "calendar.cure.connector_organizer" {
			t.Errorf("%+v", last)
		}
	}
	// Two that look alike appear at once, and nothing tells them apart: better none than the wrong one.
	s := start(t, roomztest.Quirks{OwnOrganizer: true, Silent: true})
	s.Break(roomztest.Fault{Method: "POST", Times: 1, Before: func() {
		s.Put(room, roomztest.Meeting{ID: "twin", Subject: "Booked", Start: nine(), End: nine().Add(time.Hour)})
	}})
	if _, err := connect(t, s, nil).Book(t.Context(), weisshorn(), draft("token-of-x")); !connectors.Unsure(err) {
		t.Errorf("got %v: nobody would look for ours any more", err)
	}
}

func TestReleaseThatDoesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, roomztest.Quirks{NeverCancels: true})
	c := connect(t, s, nil)
	ev, err := c.Book(t.Context(), weisshorn(), draft("token-of-x"))
	if err != nil {
		t.Fatal(err)
	}
	err = c.Release(t.Context(), weisshorn(), ev)
	if !errors.Is(err, connectors.Unsupported) || connectors.CureOf(err) != "calendar.cure.connector_cancel" {
		t.Errorf("got %v", err)
	}
}

// A meeting that runs is released, and ended, also where the system writes the end by its own clock and in whole
// minutes; one that goes on is not.
func TestRunningMeeting(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		quirks roomztest.Quirks
		runs   time.Duration
		skew   time.Duration
		end    time.Time // afterwards
		ok     bool
	}{
		"ends it":                     {roomztest.Quirks{EndsRunning: true}, 20*time.Minute + 30*time.Second, 0, nine().Add(20 * time.Minute), true},
		"ends it, clock ahead":        {roomztest.Quirks{EndsRunning: true}, 20 * time.Minute, 5 * time.Minute, nine().Add(25 * time.Minute), true},
		"not before its first minute": {roomztest.Quirks{EndsRunning: true}, 5 * time.Second, 0, nine().Add(time.Minute), true},
		"does nothing":                {roomztest.Quirks{NeverCancels: true}, 20 * time.Minute, 0, nine().Add(time.Hour), false},
	} {
		now := nine().Add(tt.runs)
		s := roomztest.Start(tt.quirks, func() time.Time { return now })
		t.Cleanup(s.Close)
		s.AddRoom(room, "Weisshorn")
		s.SetSkew(tt.skew)
		s.Put(room, roomztest.Meeting{ID: "m", Subject: "x", OrganizerID: "7", OrganizerName: "y", Start: nine(), End: nine().Add(time.Hour)})
		c := connect(t, s, func(c *roomz.Config) { c.Now = func() time.Time { return now } })
		ev := read(t, c).Events[0]
		for range 2 { // a second time changes nothing
			err := c.Release(t.Context(), weisshorn(), ev)
			if tt.ok && err != nil || !tt.ok && !errors.Is(err, connectors.Unsupported) {
				t.Errorf("%s: %v", name, err)
			}
			if got := read(t, c).Events[0].To; !got.Equal(tt.end) {
				t.Errorf("%s: ends at %v, want %v", name, got, tt.end)
			}
		}
		if !tt.quirks.EndsRunning {
			continue
		}
		s.Put(room, roomztest.Meeting{ID: "m", Subject: "x", OrganizerID: "7", OrganizerName: "y", Start: nine(), End: nine().Add(time.Hour)})
		for range 2 {
			if got, err := c.SetEnd(t.Context(), weisshorn(), ev, now.Add(-time.Second)); err != nil || !got.To.Equal(tt.end) {
				t.Errorf("%s: end now: %v, %v", name, got.To, err)
			}
		}
	}
}

// A system that is busy and says not for how long is left alone all the same.
func TestBusyWithoutTime(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503} {
		s := start(t, roomztest.Quirks{})
		c := connect(t, s, nil)
		s.Break(roomztest.Fault{Status: status, Times: 1})
		for range 3 {
			_, err := c.Probe(t.Context(), weisshorn(), nil)
			if after := connectors.AfterOf(err); !errors.Is(err, connectors.Throttled) || after <= 0 || after > 30*time.Second {
				t.Errorf("HTTP %d: %v, wait %v", status, err, after)
			}
		}
		if n := len(s.Calls()); n != 1 {
			t.Errorf("HTTP %d: %d requests", status, n)
		}
	}
}

// What the system says of a refusal is told, without secrets; of a conflict it may name others' meetings.
func TestWordsOfARefusal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		want   string
	}{
		{400, `{"type":"about:blank","title":"Bad Request","status":400,"detail":"startDateUTC is in the past"}`, "HTTP 400 Bad Request: startDateUTC is in the past"},
		{403, `{"error":"this key may only read"}`, "HTTP 403 Forbidden: this key may only read"},
		{400, "\xef\xbb\xbf" + `{"Message":"no ` + roomztest.Password + ` of ada@people.example"}`, "HTTP 400 Bad Request: no *** of …@…"},
		{400, `{"error":{"code":7}}`, "HTTP 400 Bad Request"},
		{400, `<html>`, "HTTP 400 Bad Request"},
		{409, `{"error":"taken by Ada Example: planted"}`, "HTTP 409 Conflict"},
	} {
		s := start(t, roomztest.Quirks{})
		c := connect(t, s, nil)
		s.Break(roomztest.Fault{Method: "POST", Status: tt.status, Body: tt.body})
		_, err := c.Book(t.Context(), weisshorn(), draft("token-of-x"))
		if got := connectors.SaidOf(err); got != tt.want {
			t.Errorf("%s: said %q, want %q", tt.body, got, tt.want)
		}
		if strings.Contains(err.Error(), "planted") || strings.Contains(err.Error(), "past") {
			t.Errorf("%s: the log would hold %v", tt.body, err)
		}
	}
}

// Rooms are read as leniently as meetings: other capitals, numbers, a byte order mark.
func TestRoomsOfAllKinds(t *testing.T) {
	t.Parallel()
	s := start(t, roomztest.Quirks{})
	c := connect(t, s, nil)
	s.Break(roomztest.Fault{Status: 200, Body: "\xef\xbb\xbf" + `[{"RoomId":7,"Name":"Seven"},{"roomId":"x"},{"name":"no id"}]`})
	rooms, _, err := c.Rooms(t.Context(), "")
	if d := cmp.Diff([]connectors.RoomRef{{ID: "7", Name: "Seven"}, {ID: "x", Name: "x"}}, rooms); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

// A meeting that began long before the window is asked for, whatever the system makes of from.
func TestLongMeeting(t *testing.T) {
	t.Parallel()
	s := start(t, roomztest.Quirks{StartsInRange: true})
	s.Put(room, roomztest.Meeting{ID: "long", Subject: "long", Start: nine().Add(-20 * time.Hour), End: nine().Add(time.Hour)})
	if n := len(read(t, connect(t, s, nil)).Events); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestImage(t *testing.T) {
	t.Parallel()
	png := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{7}, 100)...)
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Header.Get("Authorization") != "" {
			t.Error("a password was sent to the host of pictures")
		}
		_, _ = w.Write(png)
	}))
	defer other.Close()
	s := start(t, roomztest.Quirks{})
	own, text := s.SetImage("a.png", png), s.SetImage("b.png", []byte("<html>"))
	for name, tt := range map[string]struct {
		url     string
		hosts   []string
		private bool
		max     int64
		has, ok bool
	}{
		"own host":            {own, nil, false, 1000, true, true},
		"too large":           {own, nil, false, 50, true, false},
		"no picture":          {text, nil, false, 1000, true, false},
		"private":             {own, nil, true, 1000, false, false},
		"host nobody allowed": {other.URL + "/x.png", nil, false, 1000, false, false},
		"host allowed":        {other.URL + "/x.png", []string{other.URL}, false, 1000, true, true},
		"a file":              {"file:///etc/passwd", nil, false, 1000, false, false},
		"nothing":             {"", nil, false, 1000, false, false},
	} {
		s.Put(room, roomztest.Meeting{ID: "m", Start: nine(), End: nine().Add(time.Hour), ImageURL: tt.url, Private: tt.private})
		c := connect(t, s, func(c *roomz.Config) { c.ImageHosts = tt.hosts })
		ev := read(t, c).Events[0]
		data, kind, err := c.Image(t.Context(), weisshorn(), ev, tt.max)
		if ev.HasImage != tt.has || tt.ok && (err != nil || kind != "image/png" || !bytes.Equal(data, png)) || !tt.ok && !errors.Is(err, connectors.NotFound) {
			t.Errorf("%s: has %v, %d bytes of %q, %v", name, ev.HasImage, len(data), kind, err)
		}
	}
	if asked != 1 {
		t.Errorf("the other host was asked %d times", asked)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	o, err := outbound.New(outbound.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []roomz.Config{
		{URL: ""},
		{URL: "ftp://booking.example"},
		{URL: "https://user:planted@booking.example"},
		{URL: "https://booking.example", ImageHosts: []string{"images"}},
		{URL: "https://booking.example", CA: []byte("nonsense")},
	} {
		cfg.Password = secret.New("planted")
		if _, err := roomz.New(o, cfg); err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, cfg.Password), "planted") {
			t.Errorf("%s: %v", cfg.URL, err)
		}
	}
}
