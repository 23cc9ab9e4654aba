package web

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// httptestServer listens on loopback under the portal's own name, as live streams need a real connection.
// The portal's clock then goes on.
func httptestServer(t *testing.T, p *portal) *httptest.Server {
	t.Helper()
	p.goOn()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "lintel.test"
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(p.EndStreams)
	return srv
}

// stream is an open stream of events.
type stream struct {
	t     *testing.T
	lines chan string
}

func (b *browser) stream(srv *httptest.Server, path, lastID string) *stream {
	t, _ := b.p.t.(*testing.T)
	c, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(c, http.MethodGet, srv.URL+path, nil)
	must(t, err)
	for _, cookie := range b.cookies {
		r.AddCookie(cookie)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := srv.Client().Do(r)
	must(t, err)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("stream answered %d %v", res.StatusCode, res.Header)
	}
	s := &stream{t: t, lines: make(chan string, 1000)}
	go func() {
		defer close(s.lines)
		defer res.Body.Close()
		for in := bufio.NewScanner(res.Body); in.Scan(); {
			s.lines <- in.Text()
		}
	}()
	return s
}

// until reads on until all of the texts have come, and returns what was read.
func (s *stream) until(texts ...string) string {
	s.t.Helper()
	var got strings.Builder
	late := time.After(time.Minute)
	for {
		missing := ""
		for _, text := range texts {
			if !strings.Contains(got.String(), text) {
				missing = text
			}
		}
		if missing == "" {
			return got.String()
		}
		select {
		case line, more := <-s.lines:
			if !more {
				s.t.Fatalf("the stream ended without %q:\n%s", missing, got.String())
			}
			got.WriteString(line + "\n")
		case <-late:
			s.t.Fatalf("no %q came:\n%s", missing, got.String())
		}
	}
}

// ends waits for the end of the stream.
func (s *stream) ends() {
	s.t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case _, more := <-s.lines:
			if !more {
				return
			}
		case <-late:
			s.t.Fatal("the stream goes on")
		}
	}
}
