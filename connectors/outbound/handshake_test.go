package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
)

// connServer signs connections in with two messages of the client, like NTLM: "hello", then the password
// and what the client bound itself to.
type connServer struct {
	*httptest.Server
	arrived  atomic.Int32 // requests, answered or not
	mu       sync.Mutex
	password string
	scheme   string
	forgets  bool   // signs in one request only
	binding  string // what has to be in the second message; "any" = does not matter
	closes   bool   // closes the connection after the first message
	away     int    // how many messages of a sign-in get a 503 from a gateway in front
	oneLeg   bool   // the first message is the password already, like Kerberos
	signed   map[net.Conn]bool
	greeted  map[net.Conn]bool
	shakes   int // sign-ins that worked
	refused  int // wrong passwords and bindings
	plain    int // requests without Authorization
	bodies   []int
	conns    map[net.Conn]bool
	parallel int
	most     int
	atOnce   int // how many requests to /slow are waited for
}

type connKey struct{}

func newConnServer(t *testing.T, tlsOn bool) *connServer {
	t.Helper()
	s := &connServer{password: "p", scheme: "NTLM", binding: "any", signed: map[net.Conn]bool{}, greeted: map[net.Conn]bool{}, conns: map[net.Conn]bool{}}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if tlsOn {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *connServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.arrived.Add(1)
	conn := r.Context().Value(connKey{}).(net.Conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[conn] = true
	ask := func(token string) {
		if token != "" {
			token = " " + base64.StdEncoding.EncodeToString([]byte(token))
		}
		w.Header().Set("WWW-Authenticate", s.scheme+token)
		w.WriteHeader(http.StatusUnauthorized)
	}
	value := r.Header.Get("Authorization")
	if value == "" {
		s.plain++
		if !s.signed[conn] {
			ask("")
			return
		}
	} else if s.away > 0 {
		s.away--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	} else {
		token, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, s.scheme+" "))
		if !s.oneLeg && string(token) == "hello" {
			s.greeted[conn] = true
			if s.closes {
				w.Header().Set("Connection", "close")
			}
			ask("challenge")
			return
		}
		password, bound, _ := strings.Cut(string(token), "|")
		if password != s.password || !s.oneLeg && !s.greeted[conn] || s.binding != "any" && bound != s.binding {
			s.refused++
			ask("")
			return
		}
		s.greeted[conn] = false
		s.shakes++
		s.signed[conn] = !s.forgets
	}
	s.bodies = append(s.bodies, len(body))
	if strings.HasPrefix(r.URL.Path, "/slow") {
		s.parallel++
		s.most = max(s.most, s.parallel)
		for end := time.Now().Add(time.Minute); s.most < s.atOnce && time.Now().Before(end); { // for the others to come
			s.mu.Unlock()
			time.Sleep(time.Millisecond)
			s.mu.Lock()
		}
		s.mu.Unlock()
		time.Sleep(20 * time.Millisecond) // for one more, which should not come
		s.mu.Lock()
		s.parallel--
	}
	_, _ = io.WriteString(w, "ok")
}

// shake is the client's side. Its last word says whether it was bound.
type shake struct {
	password string
	oneLeg   bool
	leg      int
}

func (s *shake) Next(challenge []byte, state *tls.ConnectionState) ([]byte, error) {
	s.leg++
	bound := ""
	if state != nil {
		bound = "bound"
	}
	switch {
	case s.leg == 1 && !s.oneLeg:
		return []byte("hello"), nil
	case s.leg == 1:
		return []byte(s.password + "|" + bound), nil
	case s.leg == 2 && !s.oneLeg:
		if string(challenge) != "challenge" {
			return nil, fmt.Errorf("unexpected challenge %q", challenge)
		}
		return []byte(s.password + "|" + bound), nil
	}
	return nil, nil
}

func (s *connServer) client(t *testing.T, password string, change ...func(*ClientOptions)) *Client {
	t.Helper()
	opt := ClientOptions{Hosts: []string{s.URL}, Credentials: Credentials{Scheme: NTLM}}
	if s.oneLeg {
		opt.Credentials.Scheme = Negotiate
	}
	opt.Credentials.Begin = func(_ context.Context, host string) (Handshake, error) {
		if host != "127.0.0.1" {
			t.Errorf("handshake for %q", host)
		}
		return &shake{password: password, oneLeg: s.oneLeg}, nil
	}
	if c := s.Certificate(); c != nil {
		opt.Pins = []string{pinError(sumOf(c.Raw)).Error()[len("SHA-256 "):]}
	}
	for _, f := range change {
		f(&opt)
	}
	return newClient(t, newOutbound(t), opt)
}

func (s *connServer) post(c *Client, path string, body []byte) (*Response, error) {
	u, _ := url.Parse(s.URL + path)
	return c.Do(context.Background(), Request{Op: "test", Method: "POST", URL: u, Body: body})
}

func wantStatus(t *testing.T, r *Response, err error, status int) {
	t.Helper()
	if err != nil || r.Status != status {
		t.Fatalf("%+v %v, want HTTP %d", r, err, status)
	}
}

// Requests one after the other sign in once, and each body arrives whole.
func TestConnectionStaysSignedIn(t *testing.T) {
	t.Parallel()
	for _, oneLeg := range []bool{false, true} {
		s := newConnServer(t, false)
		if s.oneLeg = oneLeg; oneLeg {
			s.scheme = "Negotiate"
		}
		c := s.client(t, "p")
		for range 20 {
			r, err := s.post(c, "/", make([]byte, 200_000))
			wantStatus(t, r, err, 200)
		}
		if s.shakes != 1 || len(s.conns) != 1 || s.plain != 20 {
			t.Errorf("%d sign-ins on %d connections, %d requests without", s.shakes, len(s.conns), s.plain)
		}
		for _, n := range s.bodies {
			if n != 200_000 {
				t.Errorf("a body of %d bytes arrived", n)
			}
		}
		// The server closed it: a new connection signs in again.
		s.CloseClientConnections()
		r, err := s.post(c, "/", nil)
		for range 20 { // until the client has noticed
			if err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
			r, err = s.post(c, "/", nil)
		}
		wantStatus(t, r, err, 200)
		if s.shakes != 2 {
			t.Errorf("%d sign-ins after the connection was lost, want 2", s.shakes)
		}
	}
}

func TestLanes(t *testing.T) {
	t.Parallel()
	s := newConnServer(t, false)
	s.atOnce = 4
	c := s.client(t, "p", func(o *ClientOptions) { o.MaxConns = 4 })
	r, err := s.post(c, "/", []byte("x")) // only after it may others go side by side
	wantStatus(t, r, err, 200)
	var wg sync.WaitGroup
	for range 40 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r, err := s.post(c, "/slow", []byte("x"))
			if err != nil || r.Status != 200 {
				t.Errorf("%+v %v", r, err)
			}
		}()
	}
	wg.Wait()
	if len(s.conns) != 4 || s.shakes != 4 || s.most != 4 {
		t.Errorf("%d connections, %d sign-ins, %d requests at once, want 4 of each", len(s.conns), s.shakes, s.most)
	}
	// A caller who gives up while all lanes are taken does not get one.
	ctx, cancel := context.WithCancel(context.Background())
	for range 4 {
		if _, err := c.takeLane(ctx); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if _, err := c.takeLane(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestServerForgets(t *testing.T) {
	t.Parallel()
	s := newConnServer(t, false)
	s.forgets = true
	c := s.client(t, "p")
	for range 5 {
		r, err := s.post(c, "/", []byte("body"))
		wantStatus(t, r, err, 200)
	}
	if s.shakes != 5 || s.plain != 3 {
		t.Errorf("%d sign-ins, %d useless questions, want 5 and 3", s.shakes, s.plain)
	}
}

// A server that forgot once, as after a restart behind a gateway, is not asked to check a password with every
// request from then on.
func TestServerForgetsOnce(t *testing.T) {
	t.Parallel()
	s := newConnServer(t, false)
	c := s.client(t, "p")
	for i := range 12 {
		if i%3 == 1 {
			s.mu.Lock()
			clear(s.signed)
			s.mu.Unlock()
		}
		r, err := s.post(c, "/", []byte("body"))
		wantStatus(t, r, err, 200)
	}
	if s.shakes != 5 {
		t.Errorf("%d sign-ins, want 5: the first and one for each of 4 times", s.shakes)
	}
}

// A wrong password is tried once by a request, and once by all requests that began before the refusal.
func TestWrongPasswordOnConnection(t *testing.T) {
	t.Parallel()
	s := newConnServer(t, false)
	c := s.client(t, planted)
	r, err := s.post(c, "/", []byte("x"))
	wantStatus(t, r, err, 401)
	wantKind(t, r.Err(), connectors.Auth)
	if s.refused != 1 {
		t.Errorf("tried %d times", s.refused)
	}
	var wg sync.WaitGroup
	s.mu.Lock() // nobody gets an answer before all have asked
	before := s.arrived.Load()
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r, err := s.post(c, "/", []byte("x"))
			if err != nil || r.Status != 401 {
				t.Errorf("%+v %v", r, err)
			}
		}()
	}
	for s.arrived.Load() < before+4 {
		time.Sleep(time.Millisecond)
	}
	s.mu.Unlock()
	wg.Wait()
	if s.refused != 2 {
		t.Errorf("four requests at once tried %d times, want once", s.refused-1)
	}
	// The right password works at once.
	s.password = planted
	r, err = s.post(c, "/", []byte("x"))
	wantStatus(t, r, err, 200)
}

func TestBinding(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name             string
		tls              bool
		mode             Binding
		server           string // what it wants
		password         string
		status           int
		shakes, refusals []int // after the first and the second request
		unbound          bool
	}{
		{"auto, server wants it", true, BindingAuto, "bound", "p", 200, []int{1, 1}, []int{0, 0}, false},
		{"auto, server does not care", true, "auto", "any", "p", 200, []int{1, 1}, []int{0, 0}, false},
		{"auto, another certificate on the way", true, BindingAuto, "", "p", 200, []int{1, 1}, []int{1, 1}, true},
		{"auto, wrong password", true, BindingAuto, "any", "wrong", 401, []int{0, 0}, []int{2, 3}, false},
		{"auto without TLS, wrong password", false, BindingAuto, "any", "wrong", 401, []int{0, 0}, []int{1, 2}, false},
		{"auto without TLS", false, BindingAuto, "", "p", 200, []int{1, 1}, []int{0, 0}, false},
		{"always, another certificate on the way", true, BindingAlways, "", "p", 401, []int{0, 0}, []int{1, 2}, false},
		{"always", true, BindingAlways, "bound", "p", 200, []int{1, 1}, []int{0, 0}, false},
		{"never, server wants it", true, BindingNever, "bound", "p", 401, []int{0, 0}, []int{1, 2}, false},
		{"never", true, BindingNever, "", "p", 200, []int{1, 1}, []int{0, 0}, false},
	} {
		s := newConnServer(t, tt.tls)
		s.binding = tt.server
		c := s.client(t, tt.password, func(o *ClientOptions) { o.Credentials.Binding = tt.mode })
		for i := range 2 {
			r, err := s.post(c, "/", []byte("x"))
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if r.Status != tt.status || s.shakes != tt.shakes[i] || s.refused != tt.refusals[i] || r.Unbound != tt.unbound {
				t.Errorf("%s: request %d: HTTP %d, %d sign-ins, %d refusals, unbound %v", tt.name, i, r.Status, s.shakes, s.refused, r.Unbound)
			}
			if tt.mode == BindingNever && tt.status == 401 && connectors.CureOf(r.Err()) != "calendar.cure.sign_in_unbound" {
				t.Errorf("%s: cure %q", tt.name, connectors.CureOf(r.Err()))
			}
		}
	}
	s := newConnServer(t, false)
	c := s.client(t, "p", func(o *ClientOptions) { o.Credentials.Binding = BindingAlways })
	_, err := s.post(c, "/", nil)
	if e := wantKind(t, err, connectors.Trust); e.Cure != "calendar.cure.binding_tls" || s.refused+s.shakes != 0 {
		t.Errorf("always without TLS: %+v", e)
	}
}

// After it has worked bound, a refusal is one of the password, and not tried without.
func TestBindingOnceProven(t *testing.T) {
	t.Parallel()
	s := newConnServer(t, true)
	s.forgets = true
	c := s.client(t, "p")
	r, err := s.post(c, "/", nil)
	wantStatus(t, r, err, 200)
	s.mu.Lock()
	s.password = "changed"
	s.mu.Unlock()
	r, err = s.post(c, "/", nil)
	wantStatus(t, r, err, 401)
	if s.refused != 1 {
		t.Errorf("a password that has changed was tried %d times", s.refused)
	}
}

func TestSchemeNotOffered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		scheme, offers, cure, said string
	}{
		{"ntlm", "Basic realm=x", "calendar.cure.scheme", "HTTP 401 Unauthorized: Basic"},
		{"ntlm", "", "calendar.cure.scheme", "HTTP 401 Unauthorized: "},
		{"negotiate", "NTLM", "calendar.cure.scheme", "HTTP 401 Unauthorized: NTLM"},
		{"basic", "Negotiate, NTLM", "calendar.cure.scheme", "HTTP 401 Unauthorized: Negotiate, NTLM"},
		{"basic", "Basic realm=x", "calendar.cure.auth", "HTTP 401 Unauthorized"},
		{"digest", "Planted-secret", "calendar.cure.scheme", "HTTP 401 Unauthorized: another scheme"},
	} {
		asked := 0
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("WWW-Authenticate", tt.offers)
			w.WriteHeader(http.StatusUnauthorized)
		})
		c := newClient(t, newOutbound(t), ClientOptions{Hosts: []string{base}, Credentials: Credentials{
			Scheme: Scheme(tt.scheme), User: "u", Password: secret.New(planted),
			Begin: func(context.Context, string) (Handshake, error) { t.Error("a sign-in begins"); return nil, io.EOF },
		}})
		r, err := get(c, base)
		wantStatus(t, r, err, 401)
		if e := wantKind(t, r.Err(), connectors.Auth); connectors.CureOf(e) != tt.cure || e.Said != tt.said || asked != 1 {
			t.Errorf("%s against %q: cure %q, said %q, asked %d times", tt.scheme, tt.offers, connectors.CureOf(e), e.Said, asked)
		}
	}
	// Negotiate alone takes NTLM's messages.
	s := newConnServer(t, false)
	s.scheme = "Negotiate"
	r, err := s.post(s.client(t, "p"), "/", nil)
	wantStatus(t, r, err, 200)
}

func TestConnectionLostDuringSignIn(t *testing.T) {
	t.Parallel()
	s := newConnServer(t, false)
	s.closes = true
	_, err := s.post(s.client(t, "p"), "/", []byte("x"))
	if e := wantKind(t, err, connectors.Transient); e.Cure != "calendar.cure.moved" || s.shakes != 0 {
		t.Errorf("%+v", e)
	}
}

// failing is a handshake whose other side is out of reach.
type failing struct{ err error }

func (f failing) Next([]byte, *tls.ConnectionState) ([]byte, error) { return nil, f.err }

func TestHandshakeErrors(t *testing.T) {
	t.Parallel()
	s := newConnServer(t, false)
	cause := &connectors.Error{Kind: connectors.Auth, Code: "kerberos 18", Cure: "calendar.cure.kerberos_locked"}
	for name, begin := range map[string]func(context.Context, string) (Handshake, error){
		"begin": func(context.Context, string) (Handshake, error) { return nil, cause },
		"next":  func(context.Context, string) (Handshake, error) { return failing{cause}, nil },
	} {
		c := s.client(t, "", func(o *ClientOptions) { o.Credentials.Begin = begin })
		_, err := s.post(c, "/", nil)
		if e := wantKind(t, err, connectors.Auth); e.Cure != cause.Cure || e.Op != "test" || cause.Op != "" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if _, err := newOutbound(t).Client(ClientOptions{Credentials: Credentials{Scheme: NTLM}}); err == nil {
		t.Error("a client that can't sign in is made")
	}
}

// No sign-in at another host than the first.
func TestConnectionSignInStaysAtHost(t *testing.T) {
	t.Parallel()
	other := newConnServer(t, false)
	away := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	base := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, away, http.StatusTemporaryRedirect) })
	c := other.client(t, "p", func(o *ClientOptions) { o.Hosts = []string{base, away} })
	r, err := get(c, base)
	wantStatus(t, r, err, 401)
	if other.shakes+other.refused != 0 || len(other.greeted) != 0 {
		t.Error("a sign-in went to another host")
	}
}

// Through a proxy's CONNECT, bound to the server's certificate.
func TestConnectionSignInByProxy(t *testing.T) {
	t.Parallel()
	s := newConnServer(t, true)
	s.binding = "bound"
	asked := 0
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Method != http.MethodConnect || r.Host != "192.0.2.7:443" {
			t.Errorf("the proxy is asked for %s %s", r.Method, r.Host)
		}
		far, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "https://"))
		if err != nil {
			t.Error(err)
			return
		}
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(far, near); far.Close() }()
		_, _ = io.Copy(near, far)
		near.Close()
	})
	o := newOutbound(t, func(o *Options) { o.Proxy = secret.New(proxy) })
	c := newClient(t, o, ClientOptions{
		Hosts: []string{"https://192.0.2.7"}, Pins: []string{pinError(sumOf(s.Certificate().Raw)).Error()[len("SHA-256 "):]},
		Credentials: Credentials{Scheme: NTLM, Begin: func(context.Context, string) (Handshake, error) { return &shake{password: "p"}, nil }},
	})
	for range 3 {
		u, _ := url.Parse("https://192.0.2.7/EWS")
		r, err := c.Do(context.Background(), Request{Op: "test", Method: "POST", URL: u, Body: bytes.Repeat([]byte("x"), 1000)})
		wantStatus(t, r, err, 200)
	}
	if s.shakes != 1 || asked != 1 {
		t.Errorf("%d sign-ins over %d tunnels, want 1 and 1", s.shakes, asked)
	}
}

// A gateway that answers in place of the server proves nothing about binding: afterwards the one try without
// is still there.
func TestGatewayProvesNothing(t *testing.T) {
	t.Parallel()
	for _, oneLeg := range []bool{false, true} {
		s := newConnServer(t, true)
		if s.oneLeg = oneLeg; oneLeg {
			s.scheme = "Negotiate"
		}
		s.away, s.binding = 1, ""
		c := s.client(t, "p")
		r, err := s.post(c, "/", []byte("x"))
		wantStatus(t, r, err, http.StatusServiceUnavailable)
		r, err = s.post(c, "/", []byte("x"))
		wantStatus(t, r, err, http.StatusOK)
		if !r.Unbound || s.refused != 1 || s.shakes != 1 {
			t.Errorf("unbound %v, %d refused, %d accepted", r.Unbound, s.refused, s.shakes)
		}
	}
}
