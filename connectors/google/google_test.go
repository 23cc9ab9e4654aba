package google_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/conntest"
	"lintel/connectors/google"
	"lintel/connectors/google/googletest"
	"lintel/connectors/outbound"
)

func zurich(t testing.TB) connectors.Room {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	return connectors.Room{ID: room, Zone: zone}
}

// day is 23 November 2026 in Zurich.
func day() when.Interval {
	from := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)
	return when.Interval{From: from, To: from.Add(24 * time.Hour)}
}

func read(t testing.TB, c *google.Conn) connectors.Snapshot {
	t.Helper()
	s, err := c.Read(context.Background(), connectors.ReadRequest{Room: zurich(t), Window: day()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seed(name, from, to string) conntest.Seed {
	return conntest.Seed{
		Name: name, Subject: "Subject of " + name, Organizer: "Ada Example", Address: "ada@people.example",
		Start: "2026-11-23T" + from, End: "2026-11-23T" + to, Zone: "Europe/Zurich",
	}
}

func draft(token string) connectors.Draft {
	from := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	return connectors.Draft{Token: token, From: from, To: from.Add(time.Hour), Subject: "Booked", Organizer: "Grace"}
}

// cured checks kind and cure of an error, and that neither token nor key shows.
func cured(t *testing.T, s *googletest.Server, err error, kind connectors.Kind, cure string) {
	t.Helper()
	if !errors.Is(err, kind) || connectors.CureOf(err) != "calendar.cure."+cure {
		t.Errorf("got %v (%s), want %q and %s", err, connectors.CureOf(err), kind, cure)
	}
	clean(t, s, err)
}

func clean(t *testing.T, s *googletest.Server, err error) {
	t.Helper()
	var e *connectors.Error
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	if errors.As(err, &e) {
		text += fmt.Sprintf("%+v", *e)
	}
	var file map[string]string
	if err := json.Unmarshal([]byte(s.Key()), &file); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{googletest.TokenPrefix, strings.Split(file["private_key"], "\n")[3], "eyJhbGciOi", "Bearer"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows in %s", secret, text)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	probe := func(c *google.Conn) error {
		_, err := c.Probe(context.Background(), connectors.Room{ID: room, Zone: time.UTC}, nil)
		return err
	}
	for name, tt := range map[string]struct {
		prepare func(*googletest.Server)
		config  func(*google.Config)
		kind    connectors.Kind
		cure    string
	}{
		"clock behind":     {func(s *googletest.Server) { s.SetSkew(20 * time.Minute) }, nil, "", ""},
		"clock ahead":      {func(s *googletest.Server) { s.SetSkew(-20 * time.Minute) }, nil, connectors.Auth, "google_clock"},
		"clock far behind": {func(s *googletest.Server) { s.SetSkew(2 * time.Hour) }, nil, connectors.Auth, "google_clock"},
		"deleted key":      {func(s *googletest.Server) { s.ReplaceKey() }, nil, connectors.Auth, "google_key_deleted"},
		"no delegation":    {func(*googletest.Server) {}, func(c *google.Config) { c.AsSubject = true }, connectors.Auth, "google_delegation"},
		"deleted account": {func(s *googletest.Server) {
			s.Break(googletest.Fault{Token: true, Status: 400, Body: `{"error":"invalid_grant","error_description":"Invalid grant: account not found"}`})
		}, nil, connectors.Auth, "google_account"},
		"unknown user": {func(s *googletest.Server) {
			s.Break(googletest.Fault{Token: true, Status: 400, Body: `{"error":"invalid_grant","error_description":"Invalid email or User ID"}`})
		}, nil, connectors.Auth, "google_subject"},
		"something else": {func(s *googletest.Server) {
			s.Break(googletest.Fault{Token: true, Status: 400, Body: `{"error":"invalid_grant"}`})
		}, nil, connectors.Auth, "google_sign_in"},
		"out of order": {func(s *googletest.Server) { s.Break(googletest.Fault{Token: true, Status: 500}) }, nil, connectors.Transient, "transient"},
		"busy":         {func(s *googletest.Server) { s.Break(googletest.Fault{Token: true, Status: 503}) }, nil, connectors.Throttled, "throttled"},
		"throttled": {func(s *googletest.Server) {
			s.Break(googletest.Fault{Token: true, Status: 429, Header: map[string]string{"Retry-After": "60"}})
		}, nil, connectors.Throttled, "throttled"},
		"a web page": {func(s *googletest.Server) {
			s.Break(googletest.Fault{Token: true, Status: 200, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>"})
		}, nil, connectors.Transient, "web_page"},
		"a token with a line": {func(s *googletest.Server) {
			s.Break(googletest.Fault{Token: true, Status: 200, Body: `{"access_token":"a\r\nX: y","token_type":"Bearer"}`})
		}, nil, connectors.Invalid, "invalid"},
		"no token": {func(s *googletest.Server) { s.Break(googletest.Fault{Token: true, Status: 200, Body: `{}`}) }, nil, connectors.Invalid, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, googletest.Options{})
			tt.prepare(s)
			err := probe(connect(t, s, tt.config))
			if tt.kind == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			cured(t, s, err, tt.kind, tt.cure)
		})
	}
}

// One token serves until shortly before it ends; a refused one is replaced at once, a second refusal fails.
func TestTokenIsKept(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{TokenLife: 10 * time.Minute})
	now := time.Now()
	s.Now = func() time.Time { return now }
	c := connect(t, s, func(c *google.Config) { c.Now = s.Now })
	tokens := func() (n int) {
		for _, call := range s.Calls() {
			if call.URL.Path == "/token" {
				n++
			}
		}
		return n
	}
	for range 3 {
		read(t, c)
	}
	if n := tokens(); n != 1 {
		t.Errorf("%d tokens for three reads", n)
	}
	now = now.Add(9 * time.Minute)
	read(t, c)
	if n := tokens(); n != 1 {
		t.Errorf("%d tokens for a read shortly before the end", n)
	}
	s.Revoke()
	read(t, c)
	if n := tokens(); n != 1 {
		t.Errorf("%d tokens after a refusal", n)
	}
	s.Break(googletest.Fault{Status: 401, Reason: "authError"})
	_, err := c.Probe(t.Context(), zurich(t), nil)
	cured(t, s, err, connectors.Auth, "google_sign_in")
	if calls := s.Calls(); len(calls) != 3 { // refused, a token, refused
		t.Errorf("%d requests", len(calls))
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		reason string
		kind   connectors.Kind
		cure   string
		after  time.Duration
	}{
		{403, "rateLimitExceeded", connectors.Throttled, "throttled", 2 * time.Second},
		{403, "userRateLimitExceeded", connectors.Throttled, "throttled", 2 * time.Second},
		{403, "quotaExceeded", connectors.Throttled, "throttled", 2 * time.Second},
		{429, "rateLimitExceeded", connectors.Throttled, "throttled", 2 * time.Second},
		{403, "dailyLimitExceeded", connectors.Throttled, "throttled", time.Hour},
		{403, "accessNotConfigured", connectors.Forbidden, "google_api_off", 0},
		{403, "insufficientPermissions", connectors.Forbidden, "google_delegation", 0},
		{403, "forbiddenForServiceAccounts", connectors.Forbidden, "google_invite", 0},
		{403, "requiredAccessLevel", connectors.Forbidden, "google_share_write", 0},
		{403, "forbiddenForNonOrganizer", connectors.Unsupported, "google_organizer", 0},
		{403, "forbidden", connectors.Forbidden, "google_share", 0},
		{404, "notFound", connectors.Gone, "google_not_shared", 0},
		{403, "notACalendarUser", connectors.Forbidden, "google_subject", 0},
		{503, "backendError", connectors.Throttled, "throttled", 2 * time.Second},
		{500, "backendError", connectors.Transient, "transient", 0},
		{400, "bad name: <ada@people.example>", connectors.Invalid, "invalid", 0},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			s := start(t, googletest.Options{})
			c := connect(t, s, nil)
			s.Break(googletest.Fault{Status: tt.status, Reason: tt.reason})
			_, err := c.Read(t.Context(), connectors.ReadRequest{Room: zurich(t), Window: day()})
			cured(t, s, err, tt.kind, tt.cure)
			if got := connectors.AfterOf(err); got != tt.after {
				t.Errorf("wait %v, want %v", got, tt.after)
			}
			if strings.Contains(err.Error(), "ada@") {
				t.Errorf("an address in %v", err)
			}
		})
	}
}

// Nothing is sent while Google wants quiet, and the quiet grows when it does not say how long.
func TestQuiet(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	now := time.Now()
	s.Now = func() time.Time { return now }
	c := connectAt(t, s, s.Now)
	read(t, c)
	s.Calls()
	s.Break(googletest.Fault{Status: 403, Reason: "rateLimitExceeded"})
	for _, want := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
		_, err := c.Read(t.Context(), connectors.ReadRequest{Room: zurich(t), Window: day()})
		if connectors.AfterOf(err) != want || len(s.Calls()) != 1 {
			t.Errorf("%v, want a wait of %v", err, want)
		}
		now = now.Add(want - time.Second)
		_, err = c.Probe(t.Context(), zurich(t), nil)
		if !errors.Is(err, connectors.Throttled) || len(s.Calls()) != 0 {
			t.Errorf("a second too early: %v", err)
		}
		now = now.Add(time.Second)
	}
	s.Repair()
	read(t, c)
}

// An API or a token endpoint that is busy and says not for how long is left alone all the same.
func TestBusyWithoutTime(t *testing.T) {
	t.Parallel()
	for _, f := range []googletest.Fault{{Status: 429}, {Status: 503}, {Token: true, Status: 429}, {Token: true, Status: 503}} {
		s := start(t, googletest.Options{})
		now := time.Now()
		s.Now = func() time.Time { return now }
		c := connectAt(t, s, s.Now)
		if !f.Token {
			read(t, c)
			s.Calls()
		}
		f.Times = 1
		s.Break(f)
		for range 3 {
			_, err := c.Probe(t.Context(), zurich(t), nil)
			if !errors.Is(err, connectors.Throttled) || connectors.AfterOf(err) != 2*time.Second {
				t.Errorf("%+v: %v, wait %v", f, err, connectors.AfterOf(err))
			}
		}
		if n := len(s.Calls()); n != 1 {
			t.Errorf("%+v: %d requests", f, n)
		}
		now = now.Add(2 * time.Second)
		read(t, c)
	}
}

// Ours goes out at most as often as configured.
func TestPace(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	c := connect(t, s, func(c *google.Config) { c.PerSecond = 20 })
	read(t, c)
	start := time.Now()
	errs := make(chan error)
	for range 24 {
		go func() {
			_, err := c.Probe(context.Background(), connectors.Room{ID: room, Zone: time.UTC}, nil)
			errs <- err
		}()
	}
	for range 24 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	// Four at once, then one each 50 ms.
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Errorf("24 requests took %v", took)
	}
}

func TestProbeStartsAnew(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{PageSize: 2})
	for i := range 5 {
		put(s, seed(fmt.Sprint("s", i), "09:00", "10:00"))
	}
	c := connect(t, s, nil)
	probe := func(cur connectors.Cursor) connectors.Change {
		t.Helper()
		ch, err := c.Probe(t.Context(), zurich(t), cur)
		if err != nil {
			t.Fatal(err)
		}
		return ch
	}
	first := probe(nil)
	if ch := probe(first.Next); ch.Changed {
		t.Error("changed by nothing")
	}
	for i := range 3 {
		s.Delete(room, fmt.Sprint("s", i))
	}
	if ch := probe(first.Next); !ch.Changed || probe(ch.Next).Changed {
		t.Error("deletions over several pages are not seen once")
	}
	s.Forget(room)
	if ch := probe(first.Next); !ch.Changed || probe(ch.Next).Changed {
		t.Error("a token that is too old is no change")
	}
	// The follow-up has the parameters of the first call and only the token in place of the first day.
	for _, call := range s.Calls() {
		q := call.URL.Query()
		from, err := time.Parse(time.RFC3339, q.Get("timeMin"))
		if known := q.Has("syncToken"); call.Method == "GET" && known == (err == nil) {
			t.Errorf("a sync token %v, and begins %v", known, q.Get("timeMin"))
		} else if behind := time.Since(from); call.Method == "GET" && !known && (behind < 48*time.Hour || behind > 80*time.Hour) {
			t.Errorf("begins %v ago", behind)
		}
		for _, name := range []string{"syncToken", "pageToken", "timeMin"} {
			q.Del(name)
		}
		want := url.Values{"showDeleted": {"true"}, "maxResults": {"2500"}, "fields": {"items(id),nextPageToken,nextSyncToken"}}
		if call.Method == "GET" && q.Encode() != want.Encode() {
			t.Errorf("parameters %s", q.Encode())
		}
	}
	s.Break(googletest.Fault{Status: 200, Body: `{"items":[],"nextPageToken":"same"}`})
	if _, err := c.Probe(t.Context(), zurich(t), nil); !errors.Is(err, connectors.Invalid) {
		t.Errorf("pages without end: %v", err)
	}
}

// connectAt is connect with a clock of the test's, in the transport too.
func connectAt(t testing.TB, s *googletest.Server, now func() time.Time) *google.Conn {
	t.Helper()
	c, err := google.New(outboundAt(t, now), google.Config{
		Key: secret.New(s.Key()), Subject: admin, Now: now, PerSecond: 2000,
		Roots: google.Roots{Calendar: s.CalendarURL(), Directory: s.DirectoryURL(), Token: s.TokenURL()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// A trace for support shows what happened, and nothing that anybody wrote or that opens anything.
func TestTraceShowsNothing(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	var trace strings.Builder
	exchanges := 0
	c, err := google.New(newOutbound(t).Traced(func(e outbound.Exchange) { trace.WriteString(e.String()); exchanges++ }), google.Config{
		Key: secret.New(s.Key()), Subject: admin, Now: time.Now, PerSecond: 2000,
		Roots: google.Roots{Calendar: s.CalendarURL(), Directory: s.DirectoryURL(), Token: s.TokenURL()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	put(s, seed("x", "09:00", "10:00"))
	read(t, c)
	if _, err := c.Book(t.Context(), zurich(t), draft("token-of-x")); err != nil {
		t.Fatal(err)
	}
	if report := c.Check(t.Context(), connectors.CheckRequest{Room: zurich(t), Write: true}); !report.OK() {
		t.Errorf("%+v", report)
	}
	for _, word := range []string{googletest.TokenPrefix, "eyJhbGciOi", "Ada", "ada@people.example", "Subject of", "Grace", "Booked", "token-of-x", "c_188zurich1", admin, googletest.Account} {
		if strings.Contains(trace.String(), word) {
			t.Errorf("the trace shows %q", word)
		}
	}
	if exchanges < 8 || !strings.Contains(trace.String(), "HTTP 200") {
		t.Errorf("%d exchanges:\n%s", exchanges, trace.String())
	}
}
