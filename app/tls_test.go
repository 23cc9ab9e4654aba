package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// addrs is a fake net.InterfaceAddrs.
func addrs(list ...string) func() ([]net.Addr, error) {
	return func() ([]net.Addr, error) {
		var out []net.Addr
		for _, s := range list {
			ip, network, err := net.ParseCIDR(s)
			if err != nil {
				return nil, err
			}
			network.IP = ip
			out = append(out, network)
		}
		return out, nil
	}
}

func testTLSOptions(t *testing.T, dir string) tlsOptions {
	t.Helper()
	return tlsOptions{
		Config:   testConfig(t, map[string]string{"tls.portal.mode": "local-ca", "tls.device.mode": "local-ca", "base_url": "https://rooms.example.com/lintel"}),
		Dir:      dir,
		Log:      quiet(),
		Now:      time.Now,
		Hostname: func() (string, error) { return "Server7", nil },
		Addrs:    addrs("127.0.0.1/8", "192.0.2.17/24", "2001:db8::17/64", "fe80::1/64"),
	}
}

// testConfig is the default configuration with some values set.
func testConfig(t *testing.T, flags map[string]string) Config {
	t.Helper()
	if flags["data_dir"] == "" {
		flags["data_dir"] = t.TempDir()
	}
	eff, err := LoadConfig(ConfigSource{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	return eff.Config
}

func mustTLS(t *testing.T, o tlsOptions) *TLS {
	t.Helper()
	tt, err := newTLS(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tt.Close)
	return tt
}

// handshake makes a TLS connection over memory and returns what the client saw.
func handshake(t *testing.T, server *tls.Config, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = tls.Server(conn, server).Handshake() // the client reports what goes wrong
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := tls.Client(conn, client)
	err = c.Handshake()
	return c.ConnectionState(), err
}

func TestLocalCA(t *testing.T) {
	t.Parallel()
	tt := mustTLS(t, testTLSOptions(t, t.TempDir()))
	root := tt.State().Root
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root.PEM) {
		t.Fatal("the root is no PEM")
	}
	parsed, err := x509.ParseCertificate(root.DER)
	if err != nil || fingerprint(parsed.Raw) != root.Fingerprint || len(root.Fingerprint) != 32*3-1 {
		t.Fatalf("root: %v, fingerprint %s", err, root.Fingerprint)
	}
	wrongClock := func() time.Time { return time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC) }
	for _, test := range []struct {
		name   string
		server *tls.Config
		client *tls.Config
		fails  bool
	}{
		{"portal by name", tt.Portal(), &tls.Config{ServerName: "rooms.example.com"}, false},
		{"portal by host name", tt.Portal(), &tls.Config{ServerName: "server7"}, false},
		{"portal by address", tt.Portal(), &tls.Config{ServerName: "192.0.2.17"}, false}, // Go sends no SNI for an address
		{"portal by IPv6 address", tt.Portal(), &tls.Config{ServerName: "2001:db8::17"}, false},
		{"portal with a clock of 2021", tt.Portal(), &tls.Config{ServerName: "rooms.example.com", Time: wrongClock}, true},
		{"device by name", tt.Device(), &tls.Config{ServerName: "rooms.example.com"}, false},
		{"device with a clock of 2021", tt.Device(), &tls.Config{ServerName: "rooms.example.com", Time: wrongClock}, false},
		{"device by address with a clock of 2021", tt.Device(), &tls.Config{ServerName: "192.0.2.17", Time: wrongClock}, false},
		{"device in nine years", tt.Device(), &tls.Config{ServerName: "127.0.0.1", Time: func() time.Time { return time.Now().AddDate(9, 0, 0) }}, false},
		{"device without TLS 1.3", tt.Device(), &tls.Config{ServerName: "127.0.0.1", MaxVersion: tls.VersionTLS12}, false},
		{"device with TLS 1.1", tt.Device(), &tls.Config{ServerName: "127.0.0.1", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, true},
		{"a name that is not ours", tt.Portal(), &tls.Config{ServerName: "other.example.com"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.client.RootCAs = pool
			_, err := handshake(t, test.server, test.client)
			if test.fails != (err != nil) {
				t.Errorf("handshake: %v", err)
			}
		})
	}
	t.Run("no SNI at all", func(t *testing.T) {
		state, err := handshake(t, tt.Device(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, DNSName: "192.0.2.17", CurrentTime: wrongClock()})
		if err != nil {
			t.Errorf("verify: %v", err)
		}
	})
	t.Run("browser at a door", func(t *testing.T) {
		for _, protos := range [][]string{nil, {"http/1.1"}, {"h2", "http/1.1"}} {
			state, err := handshake(t, tt.Device(), &tls.Config{ServerName: "192.0.2.17", RootCAs: pool, NextProtos: protos})
			if err != nil {
				t.Fatal(err)
			}
			leaf := state.PeerCertificates[0]
			if short := leaf.NotAfter.Sub(leaf.NotBefore) < 397*24*time.Hour; short != slices.Contains(protos, "h2") {
				t.Errorf("a client that offers %v gets a leaf from %s to %s", protos, leaf.NotBefore, leaf.NotAfter)
			}
		}
	})
	t.Run("tickets", func(t *testing.T) {
		cache := tls.NewLRUClientSessionCache(4)
		// One configuration for both, as in a server: its ticket keys live in it.
		server := tt.Device()
		client := &tls.Config{ServerName: "127.0.0.1", RootCAs: pool, ClientSessionCache: cache, MaxVersion: tls.VersionTLS12}
		for i, resumed := range []bool{false, true} {
			state, err := handshake(t, server, client)
			if err != nil || state.DidResume != resumed {
				t.Errorf("connection %d: resumed %v, %v", i, state.DidResume, err)
			}
		}
	})
}

func TestLocalCALeaves(t *testing.T) {
	t.Parallel()
	tt := mustTLS(t, testTLSOptions(t, t.TempDir()))
	state := tt.State()
	if end := state.Root.NotAfter; end.Before(time.Now().AddDate(10, 0, 0)) {
		t.Errorf("the root ends on %s", end)
	}
	begin := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	portal, device := state.Listeners[0], state.Listeners[1]
	if d := portal.NotAfter.Sub(portal.NotBefore); d > 397*24*time.Hour || d < 80*24*time.Hour {
		t.Errorf("the portal's leaf is valid for %s", d)
	}
	if !device.NotBefore.Equal(begin) || device.NotAfter.Before(time.Now().AddDate(9, 11, 0)) {
		t.Errorf("the device leaf is valid from %s until %s", device.NotBefore, device.NotAfter)
	}
	want := []string{"rooms.example.com", "server7", "server7.local", "localhost", "127.0.0.1", "::1", "192.0.2.17", "2001:db8::17"}
	if diff := cmp.Diff(want, device.Names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if got := state.Findings(time.Now()); len(got) != 2 || got[0].Level != LevelOK || got[1].Level != LevelOK {
		t.Errorf("findings: %+v", got)
	}
	if got := state.Findings(time.Now().AddDate(1, 0, 0)); got[0].Level != LevelFail {
		t.Errorf("findings after a year: %+v", got)
	}
}

func TestLocalCASurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tls")
	o := testTLSOptions(t, dir)
	first := mustTLS(t, o).State()
	if diff := cmp.Diff(first, mustTLS(t, o).State()); diff != "" {
		t.Errorf("after a restart (-first +second):\n%s", diff)
	}

	// A new address makes a new leaf under the same root; the device's key stays.
	key := func() string {
		matches, err := filepath.Glob(filepath.Join(dir, "certificates", "lintel-device", "*", "*.key"))
		if err != nil || len(matches) != 1 {
			t.Fatalf("keys: %v, %v", matches, err)
		}
		content, err := os.ReadFile(matches[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	before := key()
	o.Addrs = addrs("127.0.0.1/8", "198.51.100.4/24")
	third := mustTLS(t, o).State()
	if third.Root.Fingerprint != first.Root.Fingerprint {
		t.Error("the root changed")
	}
	for i, l := range third.Listeners {
		if !slices.Contains(l.Names, "198.51.100.4") || l.Fingerprint == first.Listeners[i].Fingerprint {
			t.Errorf("%s: names %v", l.Listener, l.Names)
		}
	}
	if key() != before {
		t.Error("the device's key changed")
	}

	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the rights %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLocalCAFollowsAddresses(t *testing.T) {
	t.Parallel()
	o := testTLSOptions(t, t.TempDir())
	current := []string{"127.0.0.1/8"}
	o.Addrs = func() ([]net.Addr, error) { return addrs(current...)() }
	tt := mustTLS(t, o)
	before := tt.State().Listeners[1].Fingerprint
	tt.refreshNames(t.Context())
	if tt.State().Listeners[1].Fingerprint != before {
		t.Error("a new leaf without a reason")
	}
	current = append(current, "192.0.2.99/24")
	tt.refreshNames(t.Context())
	after := tt.State().Listeners[1]
	if after.Fingerprint == before || !slices.Contains(after.Names, "192.0.2.99") {
		t.Errorf("names %v", after.Names)
	}
	current = current[:1]
	tt.refreshNames(t.Context())
	if tt.State().Listeners[1].Fingerprint != after.Fingerprint {
		t.Error("a new leaf because an address went away")
	}
}

func TestLocalCARefusesHalfAnAuthority(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustTLS(t, testTLSOptions(t, dir))
	if err := os.Remove(filepath.Join(dir, "local-ca", "root.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := newTLS(t.Context(), testTLSOptions(t, dir)); err == nil || !strings.Contains(err.Error(), "authority's key") {
		t.Errorf("err = %v", err)
	}
}

func TestLocalCAWithRSA(t *testing.T) {
	t.Parallel()
	o := testTLSOptions(t, t.TempDir())
	o.Config.TLS.KeyType = "rsa"
	o.Config.TLS.Portal.Mode = TLSOff
	tt := mustTLS(t, o)
	if tt.Portal() != nil {
		t.Error("the portal speaks TLS, but its mode is off")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(tt.State().Root.PEM)
	_, err := handshake(t, tt.Device(), &tls.Config{
		ServerName: "127.0.0.1", RootCAs: pool, MaxVersion: tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	})
	if err != nil {
		t.Error(err)
	}
}

// writePair writes a certificate of the local authority's into files and returns its fingerprint.
func writePair(t *testing.T, certFile, keyFile string) string {
	t.Helper()
	dir := t.TempDir()
	o := testTLSOptions(t, dir)
	o.Config.TLS.Device.Mode = TLSOff
	tt := mustTLS(t, o)
	for pattern, target := range map[string]string{"*.crt": certFile, "*.key": keyFile} {
		matches, err := filepath.Glob(filepath.Join(dir, "certificates", "lintel-portal", "*", pattern))
		if err != nil || len(matches) != 1 {
			t.Fatalf("%s: %v, %v", pattern, matches, err)
		}
		content, err := os.ReadFile(matches[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tt.State().Listeners[0].Fingerprint
}

func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := writePair(t, certFile, keyFile)
	o := testTLSOptions(t, filepath.Join(dir, "tls"))
	o.Config.TLS.Portal = ListenerTLS{Mode: TLSFiles, CertFile: certFile, KeyFile: keyFile}
	o.Config.TLS.Device.Mode = TLSOff
	tt := mustTLS(t, o)
	served := func() string {
		state, err := handshake(t, tt.Portal(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		return fingerprint(state.PeerCertificates[0].Raw)
	}
	if got := served(); got != first {
		t.Errorf("serves %s, not %s", got, first)
	}
	if _, err := os.Stat(filepath.Join(dir, "tls")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a local authority was made though nobody asked for one")
	}

	second := writePair(t, certFile, keyFile)
	later := time.Now().Add(time.Minute)
	for _, file := range []string{certFile, keyFile} {
		if err := os.Chtimes(file, later, later); err != nil {
			t.Fatal(err)
		}
	}
	tt.reloadFiles(false)
	if got := served(); got != second {
		t.Errorf("after a change it serves %s, not %s", got, second)
	}

	// A key that does not fit leaves the good pair in use, and the page says so.
	if err := os.WriteFile(keyFile, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	tt.Reload()
	if got := served(); got != second {
		t.Errorf("after a broken change it serves %s, not %s", got, second)
	}
	if fault := tt.State().Listeners[0].Fault; fault == nil {
		t.Error("no fault is shown")
	}
	third := writePair(t, certFile, keyFile)
	tt.Reload()
	if got := served(); got != third || tt.State().Listeners[0].Fault != nil {
		t.Errorf("after the repair it serves %s, not %s; fault %v", got, third, tt.State().Listeners[0].Fault)
	}
}

// An ACME server that can't be reached does not keep the program from starting: the local
// authority's certificate is served, the failure is shown, and nobody else is contacted.
func TestACMEStandby(t *testing.T) {
	t.Parallel()
	down := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "closed for today", http.StatusServiceUnavailable)
	}))
	defer down.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pemCert(down.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	o := testTLSOptions(t, t.TempDir())
	var mu sync.Mutex
	contacted := map[string]bool{}
	first := make(chan struct{})
	o.Contacted = func(host string) {
		mu.Lock()
		defer mu.Unlock()
		if len(contacted) == 0 {
			close(first)
		}
		contacted[host] = true
	}
	o.Config.TLS.Portal.Mode, o.Config.TLS.Device.Mode = TLSACME, TLSACME
	o.Config.TLS.ACME.Directory, o.Config.TLS.ACME.RootsFile = down.URL+"/dir", roots
	tt := mustTLS(t, o)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tt.Run(ctx) }()
	<-first
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(tt.State().Root.PEM)
	for _, name := range []string{"rooms.example.com", "192.0.2.17"} {
		if _, err := handshake(t, tt.Portal(), &tls.Config{ServerName: name, RootCAs: pool}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	l := tt.State().Listeners[0]
	if !l.Standby || l.Mode != TLSACME {
		t.Errorf("state: %+v", l)
	}
	if got := tt.State().Findings(time.Now()); got[0].Level != LevelWarn {
		t.Errorf("findings: %+v", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := map[string]bool{strings.TrimPrefix(down.URL, "https://"): true}; !cmp.Equal(contacted, want) {
		t.Errorf("contacted %v, not only %v", contacted, want)
	}
}

func TestChallengeHandlerSendsBrowsersToThePortal(t *testing.T) {
	t.Parallel()
	o := testTLSOptions(t, t.TempDir())
	o.Config.TLS.Portal.Mode, o.Config.TLS.Device.Mode = TLSACME, TLSOff
	o.Config.TLS.ACME.HTTPListen = "127.0.0.1:8088"
	tt := mustTLS(t, o)
	h := tt.ChallengeHandler(publicURL(o.Config.BaseURL, nil, true))
	for _, test := range []struct {
		method, path, location string
		status                 int
	}{
		{"GET", "/anything", "https://rooms.example.com/lintel/", 302},
		{"POST", "/", "", 400},
		{"GET", "/.well-known/acme-challenge/unknown", "https://rooms.example.com/lintel/", 302},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(test.method, "http://rooms.example.com"+test.path, nil))
		if w.Code != test.status || w.Header().Get("Location") != test.location {
			t.Errorf("%s %s: %d %q", test.method, test.path, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestZapToSlog(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	log := newZap(newLogger(&b, LogConfig{Level: slog.LevelDebug, Format: logText}, nil))
	log.Sugar().With("host", "a").Infow("hello", "remote_addr", "192.0.2.1", "n", 7)
	log.Sugar().Errorw("oh")
	out := b.String()
	for _, want := range []string{"level=DEBUG", "event=hello", "host=a", "n=7", "level=ERROR", "event=oh"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	if strings.Contains(out, "192.0.2.1") {
		t.Errorf("an address in the log: %s", out)
	}
}
