package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lintel/connectors/conntest"
)

func TestListenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	ln, err := listen(t.Context(), "listen", "127.0.0.1:0", 10)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for addr, want := range map[string]string{
		ln.Addr().String(): "another program has this port; stop it, or set listen to another one",
		"192.0.2.1:0":      "this machine does not have that address; correct listen",
	} {
		if _, err := listen(t.Context(), "listen", addr, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	ln, err := listen(t.Context(), "listen", "127.0.0.1:0", 2)
	if err != nil {
		t.Fatal(err)
	}
	const requests = 5
	begun, release := make(chan int32, requests), make(chan struct{})
	var open atomic.Int32
	srv := newServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		begun <- open.Add(1)
		<-release
		open.Add(-1)
	}), nil, testConfig(t, map[string]string{}).Limits, quiet(), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serveUntil(ctx, srv, ln, time.Minute) }()
	answers := make(chan error, requests)
	for range requests {
		go func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Get("http://" + ln.Addr().String())
			if err == nil {
				err = resp.Body.Close()
			}
			answers <- err
		}()
	}
	most := max(<-begun, <-begun)
	time.Sleep(100 * time.Millisecond) // for a third that should not come
	close(release)
	for range requests {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	for range requests - 2 {
		most = max(most, <-begun)
	}
	if most != 2 {
		t.Errorf("%d requests at once, want 2", most)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestServerDrains(t *testing.T) {
	t.Parallel()
	for _, slow := range []bool{false, true} {
		t.Run(fmt.Sprintf("slow=%v", slow), func(t *testing.T) {
			t.Parallel()
			ln, err := listen(t.Context(), "listen", conntest.Reserve(t), 10)
			if err != nil {
				t.Fatal(err)
			}
			started := make(chan struct{})
			wait, drain := 100*time.Millisecond, time.Minute
			if slow {
				wait, drain = time.Hour, 300*time.Millisecond
			}
			srv := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(started)
				select {
				case <-time.After(wait):
				case <-r.Context().Done():
				}
				fmt.Fprint(w, "whole")
			}), nil, testConfig(t, map[string]string{}).Limits, quiet(), time.Now)
			ctx, cancel := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- serveUntil(ctx, srv, ln, drain) }()
			answer := make(chan string, 1)
			go func() {
				resp, err := http.Get("http://" + ln.Addr().String())
				if err != nil {
					answer <- "cut off"
					return
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				answer <- string(body)
			}()
			<-started
			cancel()
			err = <-served
			if got, want := <-answer, map[bool]string{false: "whole", true: "cut off"}[slow]; got != want || slow != (err != nil) {
				t.Errorf("answer %q, err %v", got, err)
			}
			if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
				t.Error("the listener is still open")
			}
		})
	}
}

func TestServerWithTLS(t *testing.T) {
	t.Parallel()
	tt := mustTLS(t, testTLSOptions(t, t.TempDir()))
	ln, err := listen(t.Context(), "listen", "127.0.0.1:0", 10)
	if err != nil {
		t.Fatal(err)
	}
	srv := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }), tt.Portal(),
		testConfig(t, map[string]string{}).Limits, quiet(), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serveUntil(ctx, srv, ln, time.Minute) }()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(tt.State().Root.PEM)
	for _, http2 := range []bool{true, false} {
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: http2, TLSClientConfig: &tls.Config{RootCAs: pool}}}
		resp, err := client.Get("https://" + ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		client.CloseIdleConnections()
		if want := map[bool]string{true: "HTTP/2.0", false: "HTTP/1.1"}[http2]; err != nil || string(body) != want {
			t.Errorf("got %s, want %s, %v", body, want, err)
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestRequestLimitsAndID(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(&out, LogConfig{Format: logText}, nil)
	srv := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		var tooLarge *http.MaxBytesError
		log.InfoContext(r.Context(), "seen", "large", errors.As(err, &tooLarge))
	}), nil, LimitsConfig{RequestBytes: 10}, log, time.Now)
	for _, body := range []string{"short", "longer than that"} {
		out.Reset()
		w := httptest.NewRecorder()
		srv.Handler.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(body)))
		id := w.Header().Get("X-Request-Id")
		if want := fmt.Sprintf("msg=seen large=%v request=%s\n", len(body) > 10, id); len(id) != 12 || !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s: %s", body, out.String())
		}
	}
}

func TestServerLogsNoAddresses(t *testing.T) {
	t.Parallel()
	var out syncBuilder
	srv := newServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }), nil,
		testConfig(t, map[string]string{}).Limits, newLogger(&out, LogConfig{Level: slog.LevelDebug, Format: logText}, nil), time.Now)
	ts := httptest.NewUnstartedServer(srv.Handler)
	ts.Config = srv
	ts.Start()
	if resp, err := http.Get(ts.URL); err == nil {
		resp.Body.Close()
		t.Error("a panic was answered")
	}
	ts.Close()
	srv.ErrorLog.Print("http: TLS handshake error from 192.0.2.1:4711: EOF")
	got := out.String()
	if !strings.Contains(got, `level=ERROR msg="request panicked" err="boom`) || strings.Contains(got, "127.0.0.1:") || strings.Contains(got, "192.0.2.1") {
		t.Errorf("log: %s", got)
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		configured, addr string
		secure           bool
		want             string
	}{
		{"https://rooms.example.com/lintel", "127.0.0.1:1", false, "https://rooms.example.com/lintel"},
		{"", "127.0.0.1:8080", false, "http://127.0.0.1:8080"},
		{"", "127.0.0.1:443", true, "https://127.0.0.1"},
		{"", "[::1]:80", false, "http://[::1]"},
		{"", "[::1]:8443", true, "https://[::1]:8443"},
		{"", "0.0.0.0:8443", true, "https://" + strings.ToLower(host) + ":8443"},
		{"", "[::]:80", false, "http://" + strings.ToLower(host)},
	} {
		addr, err := net.ResolveTCPAddr("tcp", test.addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := publicURL(test.configured, addr, test.secure).String(); got != test.want {
			t.Errorf("publicURL(%q, %s, %v) = %s, want %s", test.configured, test.addr, test.secure, got, test.want)
		}
	}
}
