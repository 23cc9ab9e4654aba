package graph_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/graph"
	"lintel/connectors/graph/graphtest"
	"lintel/connectors/outbound"
)

// stopped is a clock that moves only when it is told to.
type stopped struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *stopped { return &stopped{at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func (c *stopped) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *stopped) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// clocked starts a tenant and connects to it, all by one clock.
func clocked(t testing.TB, q graphtest.Quirks, c *stopped, change func(*graph.Config)) (*graphtest.Server, *graph.Conn) {
	t.Helper()
	s := graphtest.Start(q, c.now)
	t.Cleanup(s.Close)
	s.AddRoom(room, "Room 1")
	s.AddUser(person, "Ada Example", false)
	s.Observe = validate(t)
	out, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(s)
	cfg.Now = c.now
	if change != nil {
		change(&cfg)
	}
	conn, err := graph.New(out, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return s, conn
}

func zurich(t testing.TB) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func theRoom(t testing.TB) connectors.Room { return connectors.Room{ID: room, Zone: zurich(t)} }

// probe asks for changes without a mark and returns the error.
func probe(t testing.TB, c *graph.Conn) error {
	t.Helper()
	_, err := c.Probe(t.Context(), theRoom(t), nil)
	return err
}

func signIns(calls []graphtest.Call) (n int) {
	for _, c := range calls {
		if strings.Contains(c.Path, "/oauth2/") {
			n++
		}
	}
	return n
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	key, crt, err := graph.Generate("Lintel at Example", now, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := graph.Describe(append([]byte(key.Reveal()), crt...))
	if err != nil {
		t.Fatal(err)
	}
	if !p.To.Equal(now.Add(graph.DefaultValidity)) || !p.From.Before(now) || len(p.SHA1) != 40 || len(p.SHA256) != 64 || p.SHA1 != strings.ToUpper(p.SHA1) {
		t.Errorf("%+v", p)
	}
	if !bytes.Equal(p.PEM, crt) || bytes.Contains(p.PEM, []byte("PRIVATE")) {
		t.Error("the public part is not the certificate alone")
	}
	parsed, err := x509.ParseCertificate(p.CER)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Subject.CommonName != "Lintel at Example" || parsed.CheckSignature(parsed.SignatureAlgorithm, parsed.RawTBSCertificate, parsed.Signature) != nil {
		t.Errorf("%v does not sign itself", parsed.Subject)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", key, key, key), "PRIVATE") {
		t.Error("the key prints itself")
	}
	for _, d := range []time.Duration{-time.Hour, time.Hour, 20 * 365 * 24 * time.Hour} {
		if _, _, err := graph.Generate("x", now, d); err == nil {
			t.Errorf("a validity of %v", d)
		}
	}
	for _, bad := range []string{"", "x", key.Reveal(), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))} {
		if _, err := graph.Describe([]byte(bad)); err == nil || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("described: %v", err)
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	var contacts int
	out, err := outbound.New(outbound.Options{AllowLoopback: true, Now: time.Now, Record: func(outbound.Contact) { contacts++ }})
	if err != nil {
		t.Fatal(err)
	}
	pair := keyPair()
	otherKey, _, err := graph.Generate("other", time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	good := graph.Config{Tenant: "t.example", ClientID: "id", Secret: secret.New(graphtest.Secret), Now: time.Now}
	for name, tt := range map[string]struct {
		change func(*graph.Config)
		want   string // in the error; "" = none
	}{
		"secret":                   {func(*graph.Config) {}, ""},
		"china":                    {func(c *graph.Config) { c.Cloud = graph.China }, ""},
		"certificate":              {func(c *graph.Config) { c.Secret, c.Key, c.Certificate = secret.Text{}, pair.key, pair.certificate }, ""},
		"own servers on loopback":  {func(c *graph.Config) { c.Authority, c.Root = "http://127.0.0.1:1", "http://127.0.0.1:2" }, ""},
		"unencrypted servers":      {func(c *graph.Config) { c.Authority, c.Root = "http://login.example", "http://graph.example" }, "setting authority"},
		"one server only":          {func(c *graph.Config) { c.Root = "https://graph.example" }, "setting authority"},
		"server with a path":       {func(c *graph.Config) { c.Authority, c.Root = "https://a.example", "https://b.example/v1.0" }, "setting root"},
		"unknown cloud":            {func(c *graph.Config) { c.Cloud = "germany" }, "cloud"},
		"no tenant":                {func(c *graph.Config) { c.Tenant = "" }, "setting tenant"},
		"tenant with a path":       {func(c *graph.Config) { c.Tenant = "a/../b" }, "setting tenant"},
		"no application":           {func(c *graph.Config) { c.ClientID = " " }, "setting client_id"},
		"nothing to sign in with":  {func(c *graph.Config) { c.Secret = secret.Text{} }, "credentials"},
		"two things to sign in":    {func(c *graph.Config) { c.Key, c.Certificate = pair.key, pair.certificate }, "credentials"},
		"key of another":           {func(c *graph.Config) { c.Secret, c.Key, c.Certificate = secret.Text{}, otherKey, pair.certificate }, "does not belong"},
		"key without certificate":  {func(c *graph.Config) { c.Secret, c.Key = secret.Text{}, pair.key }, "certificate"},
		"inviting without account": {func(c *graph.Config) { c.Invite = true }, "setting account"},
	} {
		cfg := good
		tt.change(&cfg)
		c, err := graph.New(out, cfg)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), graphtest.Secret) || strings.Contains(err.Error(), "PRIVATE")) {
			t.Errorf("%s: the error shows a secret", name)
		}
		if err == nil {
			_ = c.Close()
		}
	}
	if contacts != 0 {
		t.Errorf("%d requests were sent", contacts)
	}
}

func TestExpiries(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	c := connect(t, withKey(t, s, config(s)))
	x := c.Expiries()
	if len(x) != 1 || x[0].What != "calendar.expiry.certificate" || time.Until(x[0].At) < 700*24*time.Hour {
		t.Errorf("%+v", x)
	}
	cfg := config(s)
	if x := connect(t, cfg).Expiries(); len(x) != 0 {
		t.Errorf("%+v", x)
	}
	cfg.SecretExpires = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	if x := connect(t, cfg).Expiries(); len(x) != 1 || x[0] != (connectors.Expiry{What: "calendar.expiry.secret", At: cfg.SecretExpires}) {
		t.Errorf("%+v", x)
	}
}

func TestSignInByCertificate(t *testing.T) {
	t.Parallel()
	for _, rs256 := range []bool{false, true} {
		s := tenant(t, graphtest.Quirks{})
		s.DropSecret()
		cfg := config(s)
		cfg.RS256 = rs256
		cfg = withKey(t, s, cfg)
		c := connect(t, cfg)
		if err := probe(t, c); err != nil {
			t.Errorf("RS256 %v: %v", rs256, err)
		}
		for _, call := range s.Calls() {
			if strings.Contains(call.Body, "client_secret") || strings.Contains(call.Path, "oauth2") && !strings.Contains(call.Body, "client_assertion=") {
				t.Error("signed in by something else")
			}
		}
	}
}

// A token is kept, renewed some minutes before its end, and kept on while a new one can't be had.
func TestTokenIsRenewedEarly(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s, c := clocked(t, graphtest.Quirks{}, clock, nil)
	step := func(d time.Duration, want int) {
		t.Helper()
		clock.forward(d)
		if err := probe(t, c); err != nil {
			t.Fatal(err)
		}
		if n := signIns(s.Calls()); n != want {
			t.Errorf("after %v more: %d sign-ins, want %d", d, n, want)
		}
	}
	step(0, 1)
	step(50*time.Minute, 0)
	s.Break(graphtest.Fault{Path: "/oauth2/", Status: 503})
	step(6*time.Minute, 1) // fails, and the old one serves
	step(10*time.Second, 0)
	step(time.Minute, 1)
	s.Repair()
	step(time.Minute, 1)
	step(time.Minute, 0)
}

// A token that is refused in the middle is replaced once, and once only.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	c := connect(t, config(s))
	if err := probe(t, c); err != nil {
		t.Fatal(err)
	}
	s.ExpireTokens()
	s.Calls()
	if err := probe(t, c); err != nil {
		t.Fatal(err)
	}
	if n := signIns(s.Calls()); n != 1 {
		t.Errorf("%d sign-ins", n)
	}
	s.Break(graphtest.Fault{Graph: true, Status: 401, Code: "InvalidAuthenticationToken"})
	err := probe(t, c)
	if !errors.Is(err, connectors.Auth) || connectors.CureOf(err) != "calendar.cure.graph_token" {
		t.Errorf("%v, %s", err, connectors.CureOf(err))
	}
	if calls := s.Calls(); len(calls) != 3 { // refused, sign-in, refused
		t.Errorf("%d requests", len(calls))
	}
}

func TestSignInErrors(t *testing.T) {
	t.Parallel()
	const planted = graphtest.Secret
	aadsts := func(code int, name string) string {
		return fmt.Sprintf(`{"error":%q,"error_codes":[%d],"error_description":"AADSTS%d: What is wrong with %s for ada@people.example, it is. Trace ID: 1 Correlation ID: 2"}`,
			name, code, code, planted)
	}
	for name, tt := range map[string]struct {
		fault graphtest.Fault
		kind  connectors.Kind
		cure  string
	}{
		"wrong secret":            {graphtest.Fault{Status: 401, Body: aadsts(7000215, "invalid_client")}, connectors.Auth, "graph_secret"},
		"expired secret":          {graphtest.Fault{Status: 401, Body: aadsts(7000222, "invalid_client")}, connectors.Auth, "graph_secret_expired"},
		"unknown certificate":     {graphtest.Fault{Status: 401, Body: aadsts(700027, "invalid_client")}, connectors.Auth, "graph_certificate"},
		"clock":                   {graphtest.Fault{Status: 401, Body: aadsts(700024, "invalid_client")}, connectors.Auth, "graph_clock"},
		"tenant":                  {graphtest.Fault{Status: 400, Body: aadsts(90002, "invalid_request")}, connectors.Auth, "graph_tenant"},
		"another cloud":           {graphtest.Fault{Status: 400, Body: aadsts(900382, "invalid_request")}, connectors.Auth, "graph_tenant"},
		"Graph is switched off":   {graphtest.Fault{Status: 400, Body: aadsts(500014, "invalid_resource")}, connectors.Auth, "graph_app"},
		"application":             {graphtest.Fault{Status: 400, Body: aadsts(700016, "unauthorized_client")}, connectors.Auth, "graph_app"},
		"account":                 {graphtest.Fault{Status: 400, Body: aadsts(50034, "invalid_grant")}, connectors.Auth, "graph_tenant"},
		"policy":                  {graphtest.Fault{Status: 400, Body: aadsts(53003, "access_denied")}, connectors.Auth, "graph_policy"},
		"anything else":           {graphtest.Fault{Status: 400, Body: aadsts(12345, "invalid_grant")}, connectors.Auth, "graph_sign_in"},
		"number in the text only": {graphtest.Fault{Status: 400, Body: `{"error":"x","error_description":"AADSTS90002: Tenant"}`}, connectors.Auth, "graph_tenant"},
		"overloaded":              {graphtest.Fault{Status: 400, Body: aadsts(90033, "temporarily_unavailable")}, connectors.Transient, "transient"},
		"throttled":               {graphtest.Fault{Status: 429, Header: map[string]string{"Retry-After": "30"}, Body: aadsts(90055, "x")}, connectors.Throttled, "throttled"},
		"no such path":            {graphtest.Fault{Status: 404}, connectors.NotFound, "graph_tenant"},
		"web page":                {graphtest.Fault{Status: 200, Body: "<!doctype html><title>Hotel Wi-Fi</title>"}, connectors.Transient, "web_page"},
		"no token":                {graphtest.Fault{Status: 200, Body: `{"token_type":"Bearer"}`}, connectors.Invalid, "graph_sign_in_server"},
		"token with a line break": {graphtest.Fault{Status: 200, Body: `{"token_type":"Bearer","access_token":"a\r\nX-Evil: 1"}`}, connectors.Invalid, "graph_sign_in_server"},
		"no JSON":                 {graphtest.Fault{Status: 200, Body: `ok`}, connectors.Invalid, "graph_sign_in_server"},
		"busy":                    {graphtest.Fault{Status: 503}, connectors.Throttled, "throttled"},
		"server error":            {graphtest.Fault{Status: 500}, connectors.Transient, "transient"},
		"cut":                     {graphtest.Fault{Cut: true}, connectors.Transient, "transient"},
	} {
		s := tenant(t, graphtest.Quirks{})
		c := connect(t, config(s))
		tt.fault.Path = "/oauth2/"
		s.Break(tt.fault)
		err := probe(t, c)
		if !errors.Is(err, tt.kind) || connectors.CureOf(err) != "calendar.cure."+tt.cure {
			t.Errorf("%s: %v, %s", name, err, connectors.CureOf(err))
		}
		var ce *connectors.Error
		if !errors.As(err, &ce) || ce.Alone {
			t.Errorf("%s: %+v", name, ce)
		}
		text := fmt.Sprintf("%v %+v", err, *ce)
		for _, no := range []string{planted, "ada@people", "Trace ID"} {
			if strings.Contains(text, no) {
				t.Errorf("%s: %q shows in %s", name, no, text)
			}
		}
		for _, call := range s.Calls() {
			if !strings.Contains(call.Path, "/oauth2/") {
				t.Errorf("%s: %s was asked without a token", name, call.Path)
			}
		}
	}
}

// The sign-in server's wish for silence is the whole system's.
func TestSignInThrottled(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s, c := clocked(t, graphtest.Quirks{}, clock, nil)
	s.Break(graphtest.Fault{Path: "/oauth2/", Status: 429, Header: map[string]string{"Retry-After": "30"}})
	for range 40 {
		if err := probe(t, c); !errors.Is(err, connectors.Throttled) {
			t.Fatal(err)
		}
		clock.forward(time.Second)
	}
	if calls := s.Calls(); len(calls) != 2 || calls[1].At.Sub(calls[0].At) < 30*time.Second {
		t.Errorf("%d requests: %+v", len(calls), calls)
	}
}

// An expired certificate is not even sent.
func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	clock := newClock()
	key, crt, err := graph.Generate("short", clock.now(), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s, c := clocked(t, graphtest.Quirks{}, clock, func(cfg *graph.Config) {
		cfg.Secret, cfg.Key, cfg.Certificate = secret.Text{}, key, crt
	})
	clock.forward(25 * time.Hour)
	err = probe(t, c)
	if !errors.Is(err, connectors.Auth) || connectors.CureOf(err) != "calendar.cure.graph_certificate_expired" {
		t.Errorf("%v", err)
	}
	if n := len(s.Calls()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A redirect does not carry the token to another server.
func TestTokenStays(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	c := connect(t, config(s))
	s.Break(graphtest.Fault{Graph: true, Status: http.StatusFound, Header: map[string]string{"Location": s.Authority() + "/steal"}})
	if err := probe(t, c); !errors.Is(err, connectors.Trust) {
		t.Errorf("%v", err)
	}
	for _, call := range s.Calls() {
		if call.Path == "/steal" {
			t.Errorf("followed, with %v", call.Header)
		}
	}
}
