package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"lintel/connectors/conntest"
)

// missing skips a test for want of a program, or fails it in CI, which installs everything.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// pebbleProgram finds Pebble, the ACME server for tests: on the PATH, or built from modules that
// are already on this machine. Nothing is downloaded.
func pebbleProgram(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("pebble"); err == nil {
		return path
	}
	program := filepath.Join(t.TempDir(), "pebble")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-C", "../packaging/tools", "-o", program, "github.com/letsencrypt/pebble/v2/cmd/pebble")
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("Pebble can't be built from the modules on this machine; run `go mod download -C packaging/tools` first: %s",
			firstLine(string(out))))
	}
	return program
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// reservePort is the port of an address of conntest.Reserve.
func reservePort(t *testing.T) int {
	t.Helper()
	addr, err := netip.ParseAddrPort(conntest.Reserve(t))
	if err != nil {
		t.Fatal(err)
	}
	return int(addr.Port())
}

// loopbackDNS answers, over TCP, that every name is 127.0.0.1.
func loopbackDNS(t *testing.T) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go answerDNS(conn)
		}
	}()
	return ln.Addr().String()
}

// answerDNS serves one connection (RFC 1035 §4.2.2: two bytes of length before each message).
func answerDNS(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(query) != nil || len(m.Questions) != 1 {
			return
		}
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body:   &dnsmessage.AResource{A: netip.MustParseAddr("127.0.0.1").As4()},
			}}
		}
		out, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
			return
		}
	}
}

const (
	testEABKey  = "kid-1"
	testEABHMAC = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
)

// pebble runs an ACME server on loopback that asks tlsPort or httpPort and whose certificates are
// valid for a few seconds.
type pebble struct {
	directory string
	rootsFile string         // what its own HTTPS is signed by
	issued    *x509.CertPool // what its certificates are signed by
}

func startPebble(t *testing.T, tlsPort, httpPort int, validity time.Duration) pebble {
	t.Helper()
	program := pebbleProgram(t)
	dir := t.TempDir()
	p := pebble{rootsFile: filepath.Join(dir, "roots.pem")}
	o := testTLSOptions(t, filepath.Join(dir, "own"))
	o.Config.TLS.Device.Mode = TLSOff
	own := mustTLS(t, o)
	pair := func(pattern string) string {
		matches, err := filepath.Glob(filepath.Join(dir, "own", "certificates", "lintel-portal", "*", pattern))
		if err != nil || len(matches) != 1 {
			t.Fatalf("%s: %v, %v", pattern, matches, err)
		}
		return matches[0]
	}
	if err := os.WriteFile(p.rootsFile, own.State().Root.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	listen, manage := conntest.Reserve(t), conntest.Reserve(t)
	p.directory = "https://" + listen + "/dir"
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": manage,
		"certificate": pair("*.crt"), "privateKey": pair("*.key"),
		"httpPort": httpPort, "tlsPort": tlsPort,
		"externalAccountBindingRequired": true,
		"externalAccountMACKeys":         map[string]string{testEABKey: testEABHMAC},
		"retryAfter":                     map[string]int{"authz": 1, "order": 1},
		"keyAlgorithm":                   "ecdsa",
		"profiles":                       map[string]any{"default": map[string]any{"description": "short", "validityPeriod": int(validity.Seconds())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pebble.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-config", filepath.Join(dir, "pebble.json"), "-dnsserver", loopbackDNS(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	var out syncBuilder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Log(out.String())
		}
	})

	roots, err := readRoots(p.rootsFile)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: time.Minute}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		resp, err := client.Get("https://" + manage + "/roots/0")
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		defer resp.Body.Close()
		content, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		p.issued = x509.NewCertPool()
		if !p.issued.AppendCertsFromPEM(content) {
			t.Fatalf("Pebble's root is %q", content)
		}
		return p
	}
	t.Fatal("Pebble does not answer")
	return p
}

// syncBuilder is a strings.Builder for several goroutines.
type syncBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuilder) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuilder) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A certificate is obtained from a real ACME server with an account binding, over each challenge,
// served, and renewed before it runs out. Until the first is there the local authority's is served.
func TestACMEWithPebble(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	if _, err := base64.RawURLEncoding.DecodeString(testEABHMAC); err != nil {
		t.Fatal(err)
	}
	for _, challenge := range []string{"tls-alpn-01", "http-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			// A name of its own: certmagic's schedule of retries is the process's, by name.
			name := challenge + ".example.com"
			tlsPort, httpPort := reservePort(t), reservePort(t)
			const validity = 10 * time.Second
			server := startPebble(t, tlsPort, httpPort, validity)

			dir := t.TempDir()
			o := testTLSOptions(t, dir)
			flags := map[string]string{
				"base_url": "https://" + name, "listen": fmt.Sprintf("127.0.0.1:%d", tlsPort),
				"tls.portal.mode": "acme", "tls.acme.directory": server.directory, "tls.acme.roots_file": server.rootsFile,
				"tls.acme.email": "it@example.com", "tls.acme.eab_key_id": testEABKey, "tls.acme.eab_hmac": testEABHMAC,
			}
			if challenge == "http-01" {
				flags["tls.acme.http_listen"] = fmt.Sprintf("127.0.0.1:%d", httpPort)
			}
			o.Config = testConfig(t, flags)
			o.renewEvery = time.Second
			var log syncBuilder
			o.Log = newLogger(&log, LogConfig{Format: logText}, nil)
			tt := mustTLS(t, o)

			group := newGroup(quiet(), 5*time.Second)
			ctx, stop := context.WithCancel(context.Background())
			listenAndServe := func(key, addr string, c *tls.Config, h http.Handler) {
				ln, err := listen(ctx, key, addr, 64)
				if err != nil {
					t.Fatal(err)
				}
				srv := newServer(h, c, o.Config.Limits, quiet(), time.Now)
				group.Go(ctx, key, func(ctx context.Context) error { return serveUntil(ctx, srv, ln, time.Second) })
			}
			listenAndServe("listen", o.Config.Listen, tt.Portal(), http.NotFoundHandler())
			if h := tt.ChallengeHandler(publicURL(o.Config.BaseURL, nil, true)); h != nil {
				listenAndServe("tls.acme.http_listen", o.Config.TLS.ACME.HTTPListen, nil, h)
			}
			group.Go(ctx, "certificates", tt.Run)
			defer func() {
				stop()
				if err := group.Wait(ctx); err != nil {
					t.Error(err)
				}
				if t.Failed() {
					t.Log(log.String())
				}
			}()

			local := x509.NewCertPool()
			local.AppendCertsFromPEM(tt.State().Root.PEM)
			serial := func(roots *x509.CertPool) (string, error) {
				conn, err := tls.Dial("tcp", o.Config.Listen, &tls.Config{ServerName: name, RootCAs: roots})
				if err != nil {
					return "", err
				}
				defer conn.Close()
				return conn.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
			}
			if _, err := serial(local); err != nil {
				t.Logf("the local authority's certificate was not seen, the ACME server was quicker: %v", err)
			}
			waitFor := func(what, other string) string {
				t.Helper()
				for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
					if got, err := serial(server.issued); err == nil && got != other {
						return got
					}
				}
				t.Fatalf("%s did not happen; state %+v", what, tt.State().Listeners)
				return ""
			}
			first := waitFor("issuing", "")
			if l := tt.State().Listeners[0]; l.Standby || l.Fault != nil || !strings.Contains(l.Issuer, "Pebble") {
				t.Errorf("state: %+v", l)
			}
			// Without SNI the public name's certificate is served.
			conn, err := tls.Dial("tcp", o.Config.Listen, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			if leaf := conn.ConnectionState().PeerCertificates[0]; leaf.VerifyHostname(name) != nil || !strings.Contains(leaf.Issuer.CommonName, "Pebble") {
				t.Errorf("without SNI: %v of %s", leaf.DNSNames, leaf.Issuer.CommonName)
			}
			conn.Close()
			if second := waitFor("renewal", first); second == first {
				t.Error("not renewed")
			}

			// A restart finds the certificate on disk at once.
			again := mustTLS(t, o)
			if err := again.acme.manager.ManageSync(t.Context(), again.acme.names); err != nil {
				t.Fatal(err)
			}
			if again.State().Listeners[0].Standby {
				t.Error("after a restart the certificate is not there")
			}
		})
	}
}
