package outbound

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/secret"
	"lintel/connectors"
)

const planted = "planted-secret"

var testNow = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

func newOutbound(t *testing.T, change ...func(*Options)) *Outbound {
	t.Helper()
	opt := Options{Version: "1.2.3", AllowLoopback: true, Now: func() time.Time { return testNow }}
	for _, f := range change {
		f(&opt)
	}
	o, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func newClient(t *testing.T, o *Outbound, opt ClientOptions) *Client {
	t.Helper()
	opt.Purpose = "test"
	c, err := o.Client(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func get(c *Client, at string) (*Response, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	return c.Do(context.Background(), Request{Op: "test", Method: "GET", URL: u})
}

func wantKind(t *testing.T, err error, kind connectors.Kind) *connectors.Error {
	t.Helper()
	var e *connectors.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("got %v, want kind %q", err, kind)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %s", err, *e, e.Said), planted) {
		t.Fatalf("the error shows a secret: %v", err)
	}
	return e
}

func TestRequest(t *testing.T) {
	t.Parallel()
	var contacts []Contact
	o := newOutbound(t, func(o *Options) { o.Record = func(c Contact) { contacts = append(contacts, c) } })
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s:%s %s %s", r.Method, r.URL.Path, r.UserAgent(), user, pass, r.Header.Get("Depth"), body)
	})
	c := newClient(t, o, ClientOptions{Hosts: []string{base}, Credentials: Credentials{Scheme: Basic, User: "u", Password: secret.New("p")}})
	u, _ := url.Parse(base + "/x")
	resp, err := c.Do(context.Background(), Request{Op: "test", Method: "PROPFIND", URL: u, Header: http.Header{"Depth": {"1"}}, Body: []byte("body")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(resp.Body), "PROPFIND /x Lintel/1.2.3 u:p 1 body"; got != want {
		t.Errorf("server saw %q, want %q", got, want)
	}
	want := []Contact{{Host: "127.0.0.1", Port: port(u), Purpose: "test", At: testNow}}
	if d := cmp.Diff(want, contacts); d != "" {
		t.Error(d)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	type seen struct{ host, method, path, auth, body string }
	var mu sync.Mutex
	var calls []seen
	var a, b, c string
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		calls = append(calls, seen{r.Host, r.Method, r.URL.Path, r.Header.Get("Authorization"), string(body)})
		mu.Unlock()
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/end", http.StatusMovedPermanently)
		case "/temporary":
			w.Header().Set("Location", "end#part")
			w.WriteHeader(http.StatusTemporaryRedirect)
		case "/see":
			http.Redirect(w, r, "/end", http.StatusSeeOther)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/configured":
			http.Redirect(w, r, b+"/end", http.StatusFound)
		case "/stranger":
			http.Redirect(w, r, c+"/end", http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		case "/file":
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		case "/bare":
			w.WriteHeader(http.StatusFound)
		}
	}
	a, b, c = serve(t, handler), serve(t, handler), serve(t, handler)
	b = strings.Replace(b, "127.0.0.1", "localhost", 1)
	tests := []struct {
		path   string
		kind   connectors.Kind
		method string // of the last request
		auth   bool
	}{
		{"/moved", "", "PROPFIND", true},
		{"/temporary", "", "PROPFIND", true},
		{"/see", "", "GET", true},
		{"/configured", "", "PROPFIND", false},
		{"/bare", "", "PROPFIND", true},
		{"/loop", connectors.Invalid, "PROPFIND", true},
		{"/stranger", connectors.Trust, "PROPFIND", true},
		{"/metadata", connectors.Trust, "PROPFIND", true},
		{"/file", connectors.Trust, "PROPFIND", true},
	}
	client := newClient(t, newOutbound(t), ClientOptions{
		Hosts: []string{a, b}, Credentials: Credentials{Scheme: Basic, User: "u", Password: secret.New(planted)},
	})
	for _, tt := range tests {
		calls = nil
		u, _ := url.Parse(a + tt.path)
		_, err := client.Do(context.Background(), Request{Op: "test", Method: "PROPFIND", URL: u, Body: []byte("b")})
		if tt.kind == "" && err != nil {
			t.Errorf("%s: %v", tt.path, err)
		}
		if tt.kind != "" {
			wantKind(t, err, tt.kind)
		}
		last := calls[len(calls)-1]
		if last.method != tt.method || (last.auth != "") != tt.auth || (last.body != "") != (tt.method == "PROPFIND") {
			t.Errorf("%s: last request was %+v", tt.path, last)
		}
		if strings.HasSuffix(c, last.host) {
			t.Errorf("%s: a host that nobody configured was asked", tt.path)
		}
		if tt.path == "/loop" && len(calls) != 4 {
			t.Errorf("%d requests in a loop, want 4", len(calls))
		}
	}
}

func TestHostNotConfigured(t *testing.T) {
	t.Parallel()
	base := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") })
	client := newClient(t, newOutbound(t), ClientOptions{Hosts: []string{"https://calendar.example"}})
	for _, at := range []string{base, "https://calendar.example.evil/", "https://calendar.example:8443/", "http://calendar.example/", "ftp://calendar.example/", "https://u:p@calendar.example/"} {
		_, err := get(client, at)
		if e := wantKind(t, err, connectors.Trust); e.Cure != "calendar.cure.host" {
			t.Errorf("%s: cure %q", at, e.Cure)
		}
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	own := func() []netip.AddrPort {
		return []netip.AddrPort{netip.MustParseAddrPort("[::]:8443"), netip.MustParseAddrPort("192.0.2.7:8080")}
	}
	tests := []struct {
		addr            string
		strict, relaxed bool
	}{
		{"93.184.216.34:443", true, true},
		{"10.1.2.3:443", true, true},
		{"192.168.0.10:80", true, true},
		{"[fd12:3456::1]:443", true, true},
		{"[2001:db8::1]:443", true, true},
		{"127.0.0.1:443", false, true},
		{"127.9.9.9:443", false, true},
		{"[::1]:443", false, true},
		{"[::ffff:127.0.0.1]:443", false, true},
		{"[64:ff9b::7f00:1]:443", false, true},
		{"169.254.169.254:80", false, false},
		{"169.254.1.1:443", false, false},
		{"[::ffff:169.254.169.254]:80", false, false},
		{"[64:ff9b::a9fe:a9fe]:80", false, false},
		{"[2002:a9fe:a9fe::1]:80", false, false},
		{"[fe80::1%eth0]:443", false, false},
		{"[febf::1]:443", false, false},
		{"[fd00:ec2::254]:80", false, false},
		{"168.63.129.16:80", false, false},
		{"100.100.100.200:80", false, false},
		{"0.0.0.0:80", false, false},
		{"0.1.2.3:80", false, false},
		{"[::]:80", false, false},
		{"224.0.0.1:80", false, false},
		{"255.255.255.255:80", false, false},
		{"192.0.2.7:8080", false, false},
		{"192.0.2.7:8081", true, true},
		{"127.0.0.1:8443", false, false},
		{"192.0.2.9:8443", true, true},
		{"not an address", false, false},
	}
	for _, tt := range tests {
		if err := (guard{own: own}).control(context.Background(), "tcp", tt.addr, nil); (err == nil) != tt.strict {
			t.Errorf("%s: %v", tt.addr, err)
		}
		if err := (guard{own: own, loopback: true}).control(context.Background(), "tcp", tt.addr, nil); (err == nil) != tt.relaxed {
			t.Errorf("%s, loopback allowed: %v", tt.addr, err)
		}
	}
	// This machine's own address counts as the wildcard listener's.
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		ip, _ := netip.AddrFromSlice(a.(*net.IPNet).IP)
		if (guard{own: own, loopback: true}).check(netip.AddrPortFrom(ip.Unmap(), 8443)) == nil {
			t.Errorf("our own listener on %s may be dialled", ip)
		}
	}
}

func TestRefusedWhenDialling(t *testing.T) {
	t.Parallel()
	base := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") })
	u, _ := url.Parse(base)
	self := netip.MustParseAddrPort(u.Host)
	for name, o := range map[string]*Outbound{
		"loopback":  newOutbound(t, func(o *Options) { o.AllowLoopback = false }),
		"ourselves": newOutbound(t, func(o *Options) { o.Listeners = func() []netip.AddrPort { return []netip.AddrPort{self} } }),
	} {
		for _, at := range []string{base, strings.Replace(base, "127.0.0.1", "localhost", 1)} {
			_, err := get(newClient(t, o, ClientOptions{Hosts: []string{at}}), at)
			if e := wantKind(t, err, connectors.Trust); e.Cure != "calendar.cure.address" {
				t.Errorf("%s: %+v", name, e)
			}
		}
		// The check at the moment of dialling, which is what a name with another meaning meets.
		if _, err := o.dial(context.Background(), "tcp", u.Host); !errors.Is(err, errRefused) {
			t.Errorf("%s: dial: %v", name, err)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 20 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/fits":
			_, _ = w.Write(zeros[:1000])
		case "/over":
			_, _ = w.Write(zeros[:1001])
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 100<<10))
		}
	})
	c := newClient(t, newOutbound(t), ClientOptions{Hosts: []string{base}, MaxBody: 1000})
	if r, err := get(c, base+"/fits"); err != nil || len(r.Body) != 1000 {
		t.Errorf("fits: %v", err)
	}
	for _, p := range []string{"/over", "/bomb"} {
		_, err := get(c, base+p)
		if e := wantKind(t, err, connectors.Invalid); e.Cure != "calendar.cure.too_large" {
			t.Errorf("%s: %+v", p, e)
		}
	}
	if _, err := get(c, base+"/header"); err == nil {
		t.Error("endless headers are accepted")
	}
}

func TestNetworkErrors(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
			panic(http.ErrAbortHandler)
		case "/silent":
			<-r.Context().Done()
		case "/drip":
			for {
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}
	})
	closed := httptest.NewServer(nil)
	closed.Close()
	client := func(timeout time.Duration) *Client {
		return newClient(t, newOutbound(t), ClientOptions{Hosts: []string{base, closed.URL, strings.Replace(base, "http:", "https:", 1)}, Timeout: timeout})
	}
	hasty, c := client(300*time.Millisecond), client(time.Minute)
	for _, tt := range []struct {
		c    *Client
		at   string
		kind connectors.Kind
		code string
	}{
		{c, base + "/cut", connectors.Transient, "connection cut"},
		{hasty, base + "/silent", connectors.Transient, "time-out"},
		{hasty, base + "/drip", connectors.Transient, "time-out"},
		{c, closed.URL, connectors.Transient, "connection refused"},
		{c, strings.Replace(base, "http:", "https:", 1), connectors.Trust, "no tls there"},
	} {
		_, err := get(tt.c, tt.at+"?token="+planted)
		if e := wantKind(t, err, tt.kind); e.Code != tt.code {
			t.Errorf("%s: code %q, want %q (%s)", tt.at, e.Code, tt.code, e.Said)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	u, _ := url.Parse(base)
	if _, err := c.Do(ctx, Request{Op: "test", Method: "GET", URL: u}); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who gave up gets %v", err)
	}
}

// authority is a certificate authority for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	return authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a authority) server(t *testing.T, name string, until time.Duration, maxTLS uint16) string {
	t.Helper()
	return a.serving(t, name, until, maxTLS, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
}

func (a authority) serving(t *testing.T, name string, until time.Duration, maxTLS uint16, h http.HandlerFunc) string {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(until), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		tmpl.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MaxVersion: maxTLS, MinVersion: tls.VersionTLS10}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestTrust(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	good := ours.server(t, "127.0.0.1", time.Hour, 0)
	tests := []struct {
		name   string
		at     string
		roots  []byte
		pinned []byte
		code   string // "" = works
	}{
		{"unknown", good, nil, nil, "unknown authority"},
		{"extra root", good, ours.pem, nil, ""},
		{"pinned", good, nil, ours.pem, ""},
		{"pinned beats extra root", good, ours.pem, other.pem, "unknown authority"},
		{"both", good, other.pem, ours.pem, ""},
		{"other name", ours.server(t, "calendar.example", time.Hour, 0), ours.pem, nil, "certificate for another name"},
		{"expired", ours.server(t, "127.0.0.1", -time.Hour, 0), ours.pem, nil, "certificate expired"},
		{"TLS 1.1", ours.server(t, "127.0.0.1", time.Hour, tls.VersionTLS11), ours.pem, nil, "tls"},
		{"TLS 1.2", ours.server(t, "127.0.0.1", time.Hour, tls.VersionTLS12), ours.pem, nil, ""},
	}
	for _, tt := range tests {
		o := newOutbound(t, func(o *Options) { o.Roots = tt.roots })
		_, err := get(newClient(t, o, ClientOptions{Hosts: []string{tt.at}, CA: tt.pinned}), tt.at)
		if tt.code == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if e := wantKind(t, err, connectors.Trust); e.Code != tt.code {
			t.Errorf("%s: code %q, want %q (%s)", tt.name, e.Code, tt.code, e.Said)
		}
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]Options{
		"roots":    {Roots: []byte("no certificate")},
		"proxy":    {Proxy: secret.New("socks5://" + planted)},
		"no host":  {Proxy: secret.New("http://")},
		"no_proxy": {NoProxy: []string{"a/b"}},
		"port":     {NoProxy: []string{"a:b"}},
	} {
		if _, err := New(opt); err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := newOutbound(t)
	for name, opt := range map[string]ClientOptions{
		"host":   {Hosts: []string{"calendar.example"}},
		"scheme": {Hosts: []string{"file:///etc"}},
		"ca":     {CA: []byte("no certificate")},
	} {
		if _, err := o.Client(opt); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestProxy(t *testing.T) {
	ours := newAuthority(t)
	secure := ours.server(t, "192.0.2.1", time.Hour, 0)
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "plain") })
	var mu sync.Mutex
	var asked []string
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
		mu.Unlock()
		if strings.HasPrefix(r.Host, "192.0.2.2") {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			_, _ = io.WriteString(w, "by proxy")
			return
		}
		tunnel(t, w, strings.TrimPrefix(secure, "https://"))
	})
	t.Setenv("HTTP_PROXY", "http://192.0.2.99:1")
	t.Setenv("HTTPS_PROXY", "http://192.0.2.99:1")
	var contacts []Contact
	with := func(o *Options) {
		o.Proxy = secret.New(strings.Replace(proxy, "http://", "http://user:"+planted+"@", 1))
		o.Roots = ours.pem
		o.AllowLoopback = true
		o.Record = func(c Contact) { contacts = append(contacts, c) }
	}
	hosts := []string{"http://192.0.2.1", "https://192.0.2.1", "http://192.0.2.2", "https://192.0.2.2", plain, "http://169.254.169.254"}
	c := newClient(t, newOutbound(t, with), ClientOptions{Hosts: hosts})
	for at, want := range map[string]string{"http://192.0.2.1/": "by proxy", "https://192.0.2.1/": "ok", plain: "plain"} {
		r, err := get(c, at)
		if err != nil || string(r.Body) != want {
			t.Errorf("%s: %v", at, err)
		}
	}
	mu.Lock()
	for _, a := range asked {
		if !strings.HasSuffix(a, "Basic dXNlcjpwbGFudGVkLXNlY3JldA==") {
			t.Errorf("the proxy was asked without sign-in: %s", a)
		}
	}
	if len(asked) != 2 {
		t.Errorf("the proxy saw %q", asked)
	}
	mu.Unlock()
	for _, k := range contacts {
		if k.Proxied != (k.Host == "192.0.2.1") {
			t.Errorf("recorded %+v", k)
		}
	}
	for _, at := range []string{"http://192.0.2.2/", "https://192.0.2.2/"} {
		r, err := get(c, at)
		if err == nil {
			err = r.Err()
		}
		if e := wantKind(t, err, connectors.Transient); e.Cure != "calendar.cure.proxy" {
			t.Errorf("%s: %+v", at, e)
		}
	}
	_, err := get(c, "http://169.254.169.254/")
	wantKind(t, err, connectors.Trust)
}

// A proxy with TLS has a certificate of the house, whatever a client trusts or pins for its server; and a
// server's certificate is none for the proxy.
func TestProxyWithTLS(t *testing.T) {
	t.Parallel()
	house, theirs := newAuthority(t), newAuthority(t)
	far := strings.TrimPrefix(theirs.server(t, "192.0.2.1", time.Hour, 0), "https://")
	other := strings.TrimPrefix(theirs.server(t, "192.0.2.9", time.Hour, 0), "https://")
	door := func(a authority) string {
		at := a.serving(t, "127.0.0.1", time.Hour, 0, func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := parseProxyAuth(r); r.Method != http.MethodConnect || user != "user" || password != planted {
				w.WriteHeader(http.StatusProxyAuthRequired)
				return
			}
			to := far
			if strings.HasPrefix(r.Host, "192.0.2.2") {
				to = other
			}
			tunnel(t, w, to)
		})
		return strings.Replace(at, "https://", "https://user:"+planted+"@", 1)
	}
	leaf := func(at string) []string {
		conn, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].Raw)
		return []string{hex.EncodeToString(sum[:])}
	}
	good, bad := door(house), door(theirs)
	for name, tt := range map[string]struct {
		proxy string
		at    string
		opt   ClientOptions
		code  string // "" = works
	}{
		"own authority":                          {good, "https://192.0.2.1/", ClientOptions{CA: theirs.pem}, ""},
		"pinned":                                 {good, "https://192.0.2.1/", ClientOptions{Pins: leaf(far)}, ""},
		"another server's pin":                   {good, "https://192.0.2.1/", ClientOptions{Pins: leaf(other)}, "another certificate"},
		"server by another name":                 {good, "https://192.0.2.2/", ClientOptions{CA: theirs.pem}, "certificate for another name"},
		"server of the house's authority":        {good, "https://192.0.2.1/", ClientOptions{}, "unknown authority"},
		"proxy with a certificate of the server": {bad, "https://192.0.2.1/", ClientOptions{CA: theirs.pem}, "unknown authority"},
		"unknown proxy, pinned server":           {bad, "https://192.0.2.1/", ClientOptions{Pins: leaf(far)}, "unknown authority"},
	} {
		o := newOutbound(t, func(o *Options) { o.Proxy, o.Roots = secret.New(tt.proxy), house.pem })
		tt.opt.Hosts = []string{tt.at}
		r, err := get(newClient(t, o, tt.opt), tt.at)
		if tt.code == "" {
			if err != nil || string(r.Body) != "ok" {
				t.Errorf("%s: %+v %v", name, r, err)
			}
			continue
		}
		if e := wantKind(t, err, connectors.Trust); e.Code != tt.code {
			t.Errorf("%s: code %q, want %q (%s)", name, e.Code, tt.code, e.Said)
		}
	}
}

func parseProxyAuth(r *http.Request) (user, password string, ok bool) {
	return (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
}

// tunnel answers a CONNECT and carries bytes to a server.
func tunnel(t *testing.T, w http.ResponseWriter, to string) {
	far, err := net.Dial("tcp", to)
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
}

func TestNoProxy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rules, at string
		direct    bool
	}{
		{"", "http://a.example", false},
		{"", "http://localhost:1", true},
		{"", "http://127.0.0.1", true},
		{"", "http://[::1]", true},
		{"*", "http://a.example", true},
		{"example", "http://a.example", true},
		{".example", "http://A.EXAMPLE", true},
		{"*.example", "http://a.example", true},
		{"a.example", "http://ba.example", false},
		{"a.example:8443", "https://a.example", false},
		{"a.example:8443", "https://a.example:8443", true},
		{"10.0.0.0/8", "https://10.2.3.4", true},
		{"10.0.0.0/8", "https://11.2.3.4", false},
		{"192.0.2.1", "https://192.0.2.1:99", true},
		{"[2001:db8::1]:443", "https://[2001:db8::1]", true},
		{"b.example 10.0.0.0/8", "https://b.example", true},
	}
	for _, tt := range tests {
		o := newOutbound(t, func(o *Options) {
			o.NoProxy = strings.Fields(tt.rules)
			o.Proxy = secret.New("http://proxy.example:3128")
		})
		u, _ := url.Parse(tt.at)
		if got := o.direct(u); got != tt.direct {
			t.Errorf("%q %s: direct %v", tt.rules, tt.at, got)
		}
	}
}
