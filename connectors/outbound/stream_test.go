package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"lintel/connectors"
)

func TestStream(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "closed" {
			defer close(ended)
		}
		_, _ = io.Copy(io.Discard, r.Body) // only then does a server notice that nobody listens any more
		if r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("Accept-Encoding %q", r.Header.Get("Accept-Encoding"))
		}
		say := func(s string) {
			_, _ = io.WriteString(w, s)
			_ = http.NewResponseController(w).Flush()
		}
		switch r.URL.Path {
		case "/beats": // longer than Timeout and than Idle, but never silent for long
			for range 12 {
				say("beat ")
				time.Sleep(400 * time.Millisecond)
			}
			say("end")
		case "/silent":
			say("one ")
			<-r.Context().Done()
		case "/mute":
			<-r.Context().Done()
		case "/cut":
			say("half")
			panic(http.ErrAbortHandler)
		case "/busy":
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusServiceUnavailable)
			say("wait")
		}
	})
	open := func(ctx context.Context, path string) (io.ReadCloser, *Response, error) {
		opt := ClientOptions{Hosts: []string{base}, Timeout: time.Minute, Idle: time.Minute}
		switch path {
		case "/beats":
			opt.Timeout, opt.Idle = 4*time.Second, 4*time.Second
		case "/silent":
			opt.Idle = time.Second
		case "/mute":
			opt.Timeout = 300 * time.Millisecond
		}
		c := newClient(t, newOutbound(t), opt)
		u, _ := url.Parse(base + path)
		return c.Stream(ctx, Request{Op: "listen", Method: "POST", URL: u, Body: []byte("x")})
	}
	all := func(path string) (string, error) {
		body, r, err := open(context.Background(), path)
		if err != nil {
			return "", err
		}
		defer body.Close()
		if r.Status != 200 || r.Body != nil {
			t.Errorf("%s: %+v", path, r)
		}
		b, err := io.ReadAll(body)
		return string(b), err
	}

	if got, err := all("/beats"); err != nil || len(got) != 12*5+3 {
		t.Errorf("beats: %q %v", got, err)
	}
	got, err := all("/silent")
	if e := wantKind(t, err, connectors.Transient); e.Code != "time-out" || e.Op != "listen" || got != "one " {
		t.Errorf("silent: %q %+v", got, e)
	}
	_, err = all("/mute")
	if e := wantKind(t, err, connectors.Transient); e.Code != "time-out" {
		t.Errorf("mute: %+v", e)
	}
	_, err = all("/cut")
	if e := wantKind(t, err, connectors.Transient); e.Code != "connection cut" {
		t.Errorf("cut: %+v", e)
	}

	body, r, err := open(context.Background(), "/busy")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(body)
	if string(b) != "wait" || string(r.Body) != "wait" {
		t.Errorf("an answer of refusal has %q and %q", b, r.Body)
	}
	wantKind(t, r.Err(), connectors.Throttled)

	// The caller's context ends it, and Close frees the server.
	ctx, cancel := context.WithCancel(context.Background())
	if body, _, err = open(ctx, "/silent?for=long"); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := io.ReadAll(body); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who gave up gets %v", err)
	}
	if body, _, err = open(context.Background(), "/silent?closed"); err != nil {
		t.Fatal(err)
	}
	body.Close()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the connection stays open after Close")
	}
}

// A stream has a connection of its own, signed in like the others, while requests go on.
func TestStreamBesideLanes(t *testing.T) {
	t.Parallel()
	s := newConnServer(t, true)
	c := s.client(t, "p", func(o *ClientOptions) { o.MaxConns = 1 })
	u, _ := url.Parse(s.URL + "/listen")
	body, r, err := c.Stream(context.Background(), Request{Op: "listen", Method: "POST", URL: u, Body: []byte("subscribe")})
	if err != nil || r.Status != 200 {
		t.Fatalf("%+v %v", r, err)
	}
	for range 3 {
		r, err := s.post(c, "/", nil)
		wantStatus(t, r, err, 200)
	}
	if b, err := io.ReadAll(body); err != nil || string(b) != "ok" {
		t.Errorf("%q %v", b, err)
	}
	body.Close()
	if s.shakes != 2 || len(s.conns) != 2 {
		t.Errorf("%d sign-ins on %d connections", s.shakes, len(s.conns))
	}
	wrong := s.client(t, "wrong", func(o *ClientOptions) { o.Credentials.Binding = BindingAlways })
	_, r, err = wrong.Stream(context.Background(), Request{Op: "listen", Method: "POST", URL: u})
	wantStatus(t, r, err, 401)
	if s.refused != 1 {
		t.Errorf("%d refusals", s.refused)
	}
}
