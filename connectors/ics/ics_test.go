package ics_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/conntest"
	"lintel/connectors/ics"
	"lintel/connectors/outbound"
)

// publisher serves one feed made of seeds, and breaks on request.
type publisher struct {
	mu         sync.Mutex
	seeds      []conntest.Seed
	fault      *conntest.Fault
	skew       time.Duration
	gone       bool
	validators bool // sends and honours ETag and Last-Modified
	downloads  int  // each has other DTSTAMPs
	head       string
	raw        *string
	version    int
	requests   []*http.Request
}

func (p *publisher) feed() string {
	if p.raw != nil {
		return *p.raw
	}
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//publisher//EN\r\n" + p.head)
	for _, s := range p.seeds {
		body, _ := strings.CutPrefix(s.ICS(), "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//conntest//EN\r\n")
		b.WriteString(strings.TrimSuffix(body, "END:VCALENDAR\r\n"))
	}
	p.downloads++
	stamp := time.Now().UTC().Add(time.Duration(p.downloads) * time.Second).Format("DTSTAMP:20060102T150405Z")
	return strings.ReplaceAll(b.String(), "DTSTAMP:20261101T080000Z", stamp) + "END:VCALENDAR\r\n"
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r)
	now := time.Now().Add(p.skew).UTC()
	w.Header().Set("Date", now.Format(http.TimeFormat))
	user, pass, _ := r.BasicAuth()
	etag := fmt.Sprintf(`"v%d"`, p.version)
	switch f := p.fault; {
	case f != nil && f.Cut:
		w.Header().Set("Content-Length", "999999")
		_, _ = io.WriteString(w, p.feed())
		panic(http.ErrAbortHandler)
	case f != nil:
		for k, v := range f.Header {
			w.Header().Set(k, v)
		}
		if f.Until > 0 {
			w.Header().Set("Retry-After", now.Add(f.Until).Format(http.TimeFormat))
		}
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body)
	case user != "lintel" || pass != conntest.Planted:
		w.WriteHeader(http.StatusUnauthorized)
	case p.gone:
		w.WriteHeader(http.StatusNotFound)
	case p.validators && r.Header.Get("If-None-Match") == etag:
		w.WriteHeader(http.StatusNotModified)
	default:
		if p.validators {
			w.Header().Set("ETag", etag)
			w.Header().Set("Last-Modified", "Sat, 21 Nov 2026 07:00:00 GMT")
		}
		w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
		_, _ = io.WriteString(w, p.feed())
	}
}

// lock lets a test change the publisher.
func (p *publisher) lock(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.version++
	f()
}

const feedPath = "/feeds/room.ics?token=" + conntest.Planted

func (p *publisher) start(t testing.TB) string {
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return s.URL
}

func connect(t testing.TB, url string, now func() time.Time) *ics.Connector {
	t.Helper()
	o, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ics.New(o, ics.Config{
		Feeds: map[string]secret.Text{"room": secret.New(url)}, Now: now,
		Credentials: outbound.Credentials{Scheme: outbound.Auto, User: "lintel", Password: secret.New(conntest.Planted)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name, validators := range map[string]bool{"with validators": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conntest.Run(t, conntest.System{ICal: true, Broken: true, ReadOnly: true, NewRoom: func(t testing.TB) *conntest.Room {
				p := &publisher{validators: validators}
				url := p.start(t) + feedPath
				drop := func(name string) {
					p.seeds = slices.DeleteFunc(p.seeds, func(s conntest.Seed) bool { return s.Name == name })
				}
				return &conntest.Room{
					ID:      "room",
					Connect: func(t testing.TB) connectors.Connector { return connect(t, url, time.Now) },
					Put: func(_ testing.TB, s conntest.Seed) bool {
						p.lock(func() { drop(s.Name); p.seeds = append(p.seeds, s) })
						return true
					},
					Delete: func(_ testing.TB, name string) { p.lock(func() { drop(name) }) },
					Remove: func(testing.TB) { p.lock(func() { p.gone = true }) },
					Skew:   func(d time.Duration) { p.lock(func() { p.skew = d }) },
					Break: func(f conntest.Fault) func() {
						p.lock(func() { p.fault = &f })
						return func() { p.lock(func() { p.fault = nil }) }
					},
				}
			}})
		})
	}
}

var zurich = mustZone("Europe/Zurich")

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

var room = connectors.Room{ID: "room", Zone: zurich}

func window(from string, days int) when.Interval {
	d, err := when.ParseDate(from)
	if err != nil {
		panic(err)
	}
	return when.Interval{From: d.Start(zurich), To: d.Add(days).Start(zurich)}
}

func seeds(n int) []conntest.Seed {
	var out []conntest.Seed
	for i := range n {
		out = append(out, conntest.Seed{
			Name: fmt.Sprint("m", i), Subject: fmt.Sprint("subject ", i), Zone: "Europe/Zurich",
			Start: fmt.Sprintf("2026-11-%02dT09:00", 22+i%8), End: fmt.Sprintf("2026-11-%02dT10:00", 22+i%8),
		})
	}
	return out
}

func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	for _, validators := range []bool{true, false} {
		p := &publisher{validators: validators, seeds: seeds(2), head: "X-PUBLISHED-TTL:PT10M\r\nREFRESH-INTERVAL;VALUE=DURATION:PT15M\r\n"}
		c := connect(t, p.start(t)+feedPath, time.Now)
		first, err := c.Probe(t.Context(), room, nil)
		if err != nil || !first.Changed || first.Wait != 15*time.Minute {
			t.Fatalf("%+v, %v", first, err)
		}
		if strings.Contains(string(first.Next), "subject") || strings.Contains(string(first.Next), conntest.Planted) {
			t.Errorf("the cursor says too much: %s", first.Next)
		}
		again, err := c.Probe(t.Context(), room, first.Next)
		if err != nil || again.Changed || again.Wait != 15*time.Minute {
			t.Errorf("validators %v: %+v, %v", validators, again, err)
		}
		last := p.requests[len(p.requests)-1]
		if got := last.Header.Get("If-None-Match") != "" && last.Header.Get("If-Modified-Since") != ""; got != validators {
			t.Errorf("validators %v: the request was %v", validators, last.Header)
		}
		p.lock(func() { p.seeds = seeds(3) })
		if ch, err := c.Probe(t.Context(), room, again.Next); err != nil || !ch.Changed {
			t.Errorf("a change is not seen: %+v, %v", ch, err)
		}
	}
}

// A feed that loses most of its coming events is believed when it says so again, a minute later.
func TestSuddenLoss(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	p := &publisher{seeds: seeds(8)}
	c := connect(t, p.start(t)+feedPath, func() time.Time { return now })
	w := window("2026-11-20", 15)
	var state []byte
	read := func(events int, complete bool) {
		t.Helper()
		s, err := c.Read(context.Background(), connectors.ReadRequest{Room: room, Window: w, State: state})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Events) != events || s.Complete != complete {
			t.Fatalf("%d events, complete %v; want %d, %v", len(s.Events), s.Complete, events, complete)
		}
		if warned := len(s.Warnings) > 0; warned == complete {
			t.Fatalf("warnings %v", s.Warnings)
		}
		state = s.State
	}
	read(8, true)
	p.lock(func() { p.seeds = seeds(4) })
	read(4, true) // half is not more than half
	p.lock(func() { p.seeds = nil })
	read(0, false)
	now = now.Add(30 * time.Second)
	read(0, false) // too soon to count as a second look
	p.lock(func() { p.seeds = seeds(4) })
	read(4, true) // it was a hiccup
	p.lock(func() { p.seeds = seeds(1) })
	read(1, false)
	now = now.Add(5 * time.Minute)
	read(1, true) // seen twice
	p.lock(func() { p.seeds = nil })
	read(0, true) // one of one is too few to wonder

	// Time that passes and a window that moves on are no loss.
	p.lock(func() { p.seeds = seeds(8) })
	read(8, true)
	now = now.AddDate(0, 0, 6)
	w = window("2026-11-26", 15)
	read(4, true)
	w = window("2027-01-01", 15)
	read(0, true)

	// A file that stops in its middle is not believed at once either.
	w = window("2026-11-20", 15)
	now = now.AddDate(0, 0, -6)
	read(8, true)
	whole := p.feed()
	cut := whole[:len(whole)-len("END:VCALENDAR\r\n")-100]
	p.lock(func() { p.raw = &cut })
	s, err := c.Read(context.Background(), connectors.ReadRequest{Room: room, Window: w, State: state})
	if err != nil || s.Complete || s.Skipped == 0 {
		t.Errorf("a cut feed: complete %v, skipped %d, %v", s.Complete, s.Skipped, err)
	}
}

func TestWhatIsNoFeed(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	line := []byte(strings.Repeat("X", 1<<20))
	for range 25 {
		_, _ = z.Write(line)
	}
	_ = z.Close()
	var small bytes.Buffer
	z = gzip.NewWriter(&small)
	_, _ = z.Write([]byte(conntest.Seed{Name: "a", Subject: "a", Start: "2026-11-23", End: "2026-11-24"}.ICS()))
	_ = z.Close()
	mux := http.NewServeMux()
	send := func(contentType, encoding string, body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			if encoding != "" {
				w.Header().Set("Content-Encoding", encoding)
			}
			_, _ = w.Write(body)
		}
	}
	mux.HandleFunc("/gzip", send("text/calendar", "gzip", small.Bytes()))
	mux.HandleFunc("/bomb", send("text/calendar", "gzip", bomb.Bytes()))
	mux.HandleFunc("/html", send("text/html", "", []byte("<html>sign in")))
	mux.HandleFunc("/disguised", send("text/calendar", "", []byte("\n\n<!doctype html><html>")))
	mux.HandleFunc("/empty", send("text/calendar", "", nil))
	mux.HandleFunc("/text", send("text/plain", "", []byte("no such feed")))
	mux.HandleFunc("/json", send("application/json", "", []byte("{}")))
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/gzip", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://localhost:1/?t="+conntest.Planted, http.StatusFound)
	})
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for path, kind := range map[string]connectors.Kind{
		"/gzip": "", "/moved": "", "/bomb": connectors.Invalid, "/html": connectors.Auth, "/disguised": connectors.Transient,
		"/empty": connectors.Invalid, "/text": connectors.Invalid, "/json": connectors.Invalid,
		"/away": connectors.Trust, "/round": connectors.Invalid, "/missing": connectors.Gone,
	} {
		c := connect(t, server.URL+path+"?token="+conntest.Planted, time.Now)
		_, err := c.Read(t.Context(), connectors.ReadRequest{Room: room, Window: window("2026-11-23", 7)})
		if connectors.KindOf(err) != kind {
			t.Errorf("%s: %v, want %q", path, err, kind)
		}
		var e *connectors.Error
		if errors.As(err, &e) && strings.Contains(fmt.Sprintf("%+v", *e), conntest.Planted) {
			t.Errorf("%s: the error shows the token: %+v", path, *e)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	o, err := outbound.New(outbound.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for url, ok := range map[string]bool{
		"webcal://feeds.example/x.ics?t=" + conntest.Planted: true, " https://feeds.example/x.ics ": true, "HTTP://feeds.example/": true,
		"file:///etc/passwd?" + conntest.Planted: false, "ftp://feeds.example/": false, "feeds.example/x": false, "": false,
		"https:///x": false, "https://u:" + conntest.Planted + "@feeds.example/": false, "https://feeds.example:port/" + conntest.Planted: false,
	} {
		c, err := ics.New(o, ics.Config{Feeds: map[string]secret.Text{"room 1": secret.New(url)}, Now: time.Now})
		if (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && (strings.Contains(err.Error(), conntest.Planted) || !strings.Contains(err.Error(), "room 1")) {
			t.Errorf("the error is %v", err)
		}
		if c != nil {
			_ = c.Close()
		}
	}
	// webcal: is https:, so a plain server is not trusted.
	p := &publisher{}
	c := connect(t, "webcal"+strings.TrimPrefix(p.start(t), "http")+feedPath, time.Now)
	if _, err := c.Probe(t.Context(), room, nil); connectors.KindOf(err) != connectors.Trust {
		t.Errorf("webcal: %v", err)
	}
	if _, err := c.Probe(t.Context(), connectors.Room{ID: "other", Zone: zurich}, nil); connectors.KindOf(err) != connectors.Gone {
		t.Errorf("unknown feed: %v", err)
	}
}
