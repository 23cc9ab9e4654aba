package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/people"
	"lintel/app/secret"
	"lintel/connectors/caldav/caldavtest"
	"lintel/connectors/conntest"
	"lintel/connectors/ews/ewstest"
	"lintel/connectors/google/googletest"
	"lintel/connectors/graph/graphtest"
	"lintel/connectors/roomz/roomztest"
	"lintel/store"
)

// hands move a clock: it goes on by itself, may be set forward, and may be held.
type hands struct {
	mu     sync.Mutex
	offset time.Duration
	held   time.Time
}

func (h *hands) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.held.IsZero() {
		return h.held
	}
	return time.Now().Add(h.offset)
}

func (h *hands) forward(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.offset += d
}

// reach sets the clock forward to an instant, unless it is past it.
func (h *hands) reach(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.offset = max(h.offset, time.Until(at))
}

// hold stops the clock until the returned func is called.
func (h *hands) hold() (release func()) {
	at := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = at
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.held = time.Time{}
	}
}

// outside is a booking system with one room: what an administrator types to connect it, and how it looks from its own
// side.
type outside struct {
	kind   string
	fields map[string]string // of the form
	room   string            // address
	env    []string          // of a program that has to reach it
	config func(*Config)     // the same for one in this process; may be nil

	bodies func(t testing.TB) []string                      // what the room's calendar holds, one text for each object
	keep   func(t testing.TB, subject string, at time.Time) // somebody puts a private event of an hour into it; nil for real servers
	hook   func(f func())                                   // runs f once, just before the next booking is written
	calls  func() []asked                                   // what was asked since the last time; nil where nobody counts
	leak   func()                                           // refuses from now on, and tells what it was sent; nil where that is not known
	slow   func(d time.Duration)                            // asks whoever comes next to wait for d, once
}

// asked is one request that a system saw.
type asked struct {
	at   time.Time
	what string
}

const (
	exchangeRoom = "zuerich-1@rooms.test"
	graphRoom    = "room-1@rooms.example"
	googleRoom   = "c_188zurich1@resource.calendar.google.com"
)

func exchangeOutside(t testing.TB, now func() time.Time) *outside {
	t.Helper()
	s := ewstest.Start(ewstest.Quirks{}, now)
	t.Cleanup(s.Close)
	s.AddRoom(exchangeRoom, "Zürich 1", ewstest.EditorSends)
	return &outside{
		kind: "ews", room: exchangeRoom,
		fields: map[string]string{
			"url": s.URL(), "auth": "basic", "username": ewstest.User, "password": ewstest.Password, "access": "folder", "booking": "direct",
		},
		bodies: func(testing.TB) []string { return s.Bodies(exchangeRoom) },
		keep: func(_ testing.TB, subject string, at time.Time) {
			s.Put(exchangeRoom, ewstest.Event{Name: "private", Subject: subject, Start: at, End: at.Add(time.Hour), Sensitivity: "Private"})
		},
		hook: func(f func()) { s.Break(ewstest.Fault{Op: "CreateItem", Times: 1, Before: f}) },
		slow: func(d time.Duration) { s.Break(ewstest.Fault{Fault: "ErrorServerBusy", BackOff: d, Times: 1}) },
		calls: func() (out []asked) {
			for _, c := range s.Calls() {
				out = append(out, asked{c.At, c.Op})
			}
			return out
		},
	}
}

func graphOutside(t testing.TB, now func() time.Time) *outside {
	t.Helper()
	s := graphtest.Start(graphtest.Quirks{}, now)
	t.Cleanup(s.Close)
	s.AddRoom(graphRoom, "Room 1")
	return &outside{
		kind: "graph", room: graphRoom,
		fields: map[string]string{
			"tenant": graphtest.Tenant, "client_id": graphtest.ClientID, "auth": "secret", "secret": graphtest.Secret, "booking": "direct",
			"cloud": "global", "authority": s.Authority(), "root": s.Root(),
		},
		bodies: func(testing.TB) []string { return s.Bodies(graphRoom) },
		keep: func(_ testing.TB, subject string, at time.Time) {
			const wall = "2006-01-02T15:04"
			s.Put(graphRoom, graphtest.Event{
				Name: "private", Subject: subject, Start: at.UTC().Format(wall), End: at.UTC().Add(time.Hour).Format(wall), Zone: "UTC", Sensitivity: "private",
			})
		},
		hook: func(f func()) {
			s.Break(graphtest.Fault{Method: http.MethodPost, Mailbox: graphRoom, Path: "/events", Times: 1, Before: f})
		},
		slow: func(d time.Duration) {
			s.Break(graphtest.Fault{
				Mailbox: graphRoom, Graph: true, Times: 1, Status: http.StatusTooManyRequests, Code: "ApplicationThrottled",
				Header: map[string]string{"Retry-After": fmt.Sprint(int(d.Seconds()))},
			})
		},
		calls: func() (out []asked) {
			for _, c := range s.Calls() {
				if c.Mailbox == graphRoom { // the limit is the mailbox's
					out = append(out, asked{c.At, c.Method + " " + c.Path})
				}
			}
			return out
		},
	}
}

func googleOutside(t testing.TB, now func() time.Time) *outside {
	t.Helper()
	s := googletest.Start(googletest.Options{OwnNames: true}, now)
	t.Cleanup(s.Close)
	s.AddRoom(googleRoom, "Zürich 1", "Europe/Zurich")
	proxy, ca := ownNames(t, s)
	return &outside{
		kind: "google", room: googleRoom,
		fields: map[string]string{"key": s.Key(), "calendars_as": "service", "booking": "direct"},
		env:    []string{"LINTEL_OUTBOUND_PROXY=" + proxy, "LINTEL_OUTBOUND_CA_FILE=" + ca},
		config: func(c *Config) { c.Outbound.Proxy, c.Outbound.CAFile = proxy, ca },
		bodies: func(testing.TB) []string { return s.Events(googleRoom) },
		keep: func(_ testing.TB, subject string, at time.Time) {
			s.Put(googleRoom, fmt.Sprintf(`{"id": "private1", "summary": %q, "visibility": "private", "start": {"dateTime": %q}, "end": {"dateTime": %q}}`,
				subject, at.UTC().Format(time.RFC3339), at.UTC().Add(time.Hour).Format(time.RFC3339)))
		},
		hook: func(f func()) {
			s.Break(googletest.Fault{Method: http.MethodPost, Suffix: "/events", Times: 1, Before: f})
		},
		leak: func() {
			said := "no right for Bearer " + googletest.TokenPrefix + "1"
			s.Break(googletest.Fault{Status: http.StatusForbidden, Body: fmt.Sprintf(`{"error": {"code": 403, "message": %q, "errors": [{"reason": "forbidden", "message": %q}]}}`, said, said)})
		},
		slow: func(d time.Duration) {
			s.Break(googletest.Fault{
				Times: 1, Status: http.StatusForbidden, Reason: "rateLimitExceeded", Header: map[string]string{"Retry-After": fmt.Sprint(int(d.Seconds()))},
			})
		},
		calls: func() (out []asked) {
			for _, c := range s.Calls() {
				out = append(out, asked{c.At, c.Method + " " + c.URL.Path})
			}
			return out
		},
	}
}

// ownNames leads the names of Google to h: it returns a proxy that does so, and a file with the authority of their
// certificate.
func ownNames(t testing.TB, h http.Handler) (proxy, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"www.googleapis.com", "admin.googleapis.com", "oauth2.googleapis.com"},
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	named := httptest.NewUnstartedServer(h)
	named.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	named.StartTLS()
	t.Cleanup(named.Close)
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
			return
		}
		far, err := net.Dial("tcp", named.Listener.Addr().String())
		if err != nil {
			http.Error(w, "no way", http.StatusBadGateway)
			return
		}
		defer far.Close()
		near, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer near.Close()
		if _, err := io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			return
		}
		go func() { _, _ = io.Copy(far, buffered); _ = far.Close() }() // ends with the connection
		_, _ = io.Copy(near, far)
	}))
	t.Cleanup(p.Close)
	return p.URL, ca
}

func caldavOutside(t testing.TB, now func() time.Time) *outside {
	t.Helper()
	s := caldavtest.Start(caldavtest.Quirks{}, now)
	t.Cleanup(s.Close)
	return caldavFake(s)
}

func caldavFake(s *caldavtest.Server) *outside {
	return &outside{
		kind: "caldav", room: caldavtest.Room,
		fields: map[string]string{"url": s.URL() + "/dav/", "username": caldavtest.User, "password": caldavtest.Password},
		bodies: func(testing.TB) []string { return slices.Collect(maps.Values(s.Objects(caldavtest.Room))) },
		keep: func(_ testing.TB, subject string, at time.Time) {
			const wall = "2006-01-02T15:04"
			s.Put(caldavtest.Room, "private.ics", conntest.Seed{
				Name: "private", Subject: subject, Class: "PRIVATE", Zone: "UTC", Start: at.UTC().Format(wall), End: at.UTC().Add(time.Hour).Format(wall),
			}.ICS())
		},
		hook: func(f func()) { s.Break(caldavtest.Fault{Method: http.MethodPut, Times: 1, Before: f}) },
		slow: func(d time.Duration) {
			s.Break(caldavtest.Fault{Times: 1, Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": fmt.Sprint(int(d.Seconds()))}})
		},
		calls: func() (out []asked) {
			for _, c := range s.Calls() {
				out = append(out, asked{c.At, c.Method + " " + c.Path})
			}
			return out
		},
	}
}

// connectorOutside speaks the ROOMZ Connector contract.
func connectorOutside(t testing.TB, now func() time.Time) *outside {
	t.Helper()
	const room = "r1"
	s := roomztest.Start(roomztest.Quirks{}, now)
	t.Cleanup(s.Close)
	s.AddRoom(room, "Room 1")
	return &outside{
		kind: "connector", room: room,
		fields: map[string]string{"url": s.URL(), "username": roomztest.User, "password": roomztest.Password},
		bodies: func(testing.TB) []string { return s.Meetings(room) },
		keep: func(_ testing.TB, subject string, at time.Time) {
			s.Put(room, roomztest.Meeting{ID: "private", Subject: subject, Start: at, End: at.Add(time.Hour), Private: true})
		},
		hook: func(f func()) { s.Break(roomztest.Fault{Method: http.MethodPost, Times: 1, Before: f}) },
		slow: func(d time.Duration) {
			s.Break(roomztest.Fault{Times: 1, Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": fmt.Sprint(int(d.Seconds()))}})
		},
		calls: func() (out []asked) {
			for _, c := range s.Calls() {
				out = append(out, asked{c.At, c.Method + " " + c.URL.Path})
			}
			return out
		},
	}
}

// caldavDated is a CalDAV server that says when to come back by a date.
func caldavDated(t testing.TB, now func() time.Time) *outside {
	t.Helper()
	s := caldavtest.Start(caldavtest.Quirks{}, now)
	t.Cleanup(s.Close)
	o := caldavFake(s)
	o.slow = func(d time.Duration) {
		s.Break(caldavtest.Fault{Times: 1, Status: http.StatusTooManyRequests, Until: d + time.Second}) // a date has no fractions
	}
	return o
}

// serverOutside is a real CalDAV server behind a proxy that can stop a write on its way.
func serverOutside(t testing.TB, s *conntest.Server) *outside {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	calendar := s.MakeCalendar(t, "Matterhorn")
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	var mu sync.Mutex
	var before func()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			mu.Lock()
			f := before
			before = nil
			mu.Unlock()
			if f != nil {
				f()
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return &outside{
		kind: "caldav", room: calendar,
		fields: map[string]string{"url": front.URL + "/", "username": s.User, "password": s.Password},
		bodies: func(t testing.TB) []string { return s.Bodies(t, calendar) },
		hook: func(f func()) {
			mu.Lock()
			defer mu.Unlock()
			before = f
		},
	}
}

// The administrator of every test house.
const adminLogin, adminPassword = "anna", "planted-admin-password-5c2e"

// furnish gives a data folder a building with rooms, and an administrator.
func furnish(t testing.TB, dir string, zone *time.Location, rooms ...string) []store.WorkspaceID {
	t.Helper()
	folder, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	key, err := folderKey(folder)
	if err != nil {
		t.Fatal(err)
	}
	h, err := openHouse(t.Context(), Start{Folder: folder, Key: key, Log: slog.New(slog.DiscardHandler), Out: io.Discard, Now: time.Now}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, err := h.people.Create(t.Context(), byCommand, people.NewAccount{
		Name: "Anna", Login: adminLogin, Password: secret.New(adminPassword), Language: "en", Grants: []people.Grant{{Role: people.Administrator}},
	}); err != nil {
		t.Fatal(err)
	}
	var out []store.WorkspaceID
	err = h.store.Update(t.Context(), func(tx *store.Tx) error {
		b, f := store.NewID[store.BuildingID](), store.NewID[store.FloorID]()
		if err := tx.InsertBuilding(store.Building{ID: b, Name: "House", Zone: zone.String(), Language: "en", WorkingDays: 127, HostedRetention: store.RetainMidnight}); err != nil {
			return err
		}
		if err := tx.InsertFloor(store.Floor{ID: f, BuildingID: b, Name: "1"}); err != nil {
			return err
		}
		for _, name := range rooms {
			w := store.NewID[store.WorkspaceID]()
			out = append(out, w)
			if err := tx.InsertWorkspace(store.Workspace{ID: w, FloorID: f, Kind: store.Room, Name: name, Seats: 6, ShowSubject: true, ShowOrganizer: true, Bookable: true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// browser is a person at the portal: what it knows came over HTTP.
type browser struct {
	base   string
	client *http.Client
}

// page is what the portal answered, after redirects.
type page struct {
	status int
	path   string
	header http.Header
	body   string
}

func newBrowser(t testing.TB, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{}}
	t.Cleanup(c.CloseIdleConnections)
	return &browser{base: strings.TrimSuffix(base, "/"), client: c}
}

// ask sends a request; with a form it is a POST. It may be called from any goroutine.
func (b *browser) ask(path string, form url.Values) (page, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(context.Background(), method, b.base+path, body)
	if err != nil {
		return page{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Language", "en")
	resp, err := b.client.Do(req)
	if err != nil {
		return page{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return page{resp.StatusCode, resp.Request.URL.RequestURI(), resp.Header, string(text)}, err
}

// get and post want a page.
func (b *browser) get(t testing.TB, path string) page {
	t.Helper()
	return b.want(t, path, nil)
}

func (b *browser) post(t testing.TB, path string, form url.Values) page {
	t.Helper()
	return b.want(t, path, form)
}

func (b *browser) want(t testing.TB, path string, form url.Values) page {
	t.Helper()
	p, err := b.ask(path, form)
	if err != nil || p.status != http.StatusOK {
		t.Fatalf("%s: %d at %s, %v\n%s", path, p.status, p.path, err, words(p.body))
	}
	return p
}

// words is the text of a page without its tags, for a person who reads why a test failed.
func words(html string) string {
	if _, main, ok := strings.Cut(html, "<main"); ok {
		html, _, _ = strings.Cut("<main"+main, "</main")
	}
	var out strings.Builder
	for i, part := range strings.Split(html, "<") {
		if _, text, ok := strings.Cut(part, ">"); ok || i == 0 {
			out.WriteString(strings.Join(strings.Fields(text), " ") + " ")
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// signIn signs the administrator in.
func (b *browser) signIn(t testing.TB) *browser {
	t.Helper()
	if p := b.post(t, "/sign-in", url.Values{"login": {adminLogin}, "password": {adminPassword}}); p.path != "/today" {
		t.Fatalf("signed in, but led to %s", p.path)
	}
	return b
}

// connect connects a booking system by its form and attaches its room; it returns the path of the system's page.
func (b *browser) connect(t testing.TB, name string, o *outside, room store.WorkspaceID) string {
	t.Helper()
	form := url.Values{"kind": {o.kind}, "name": {name}}
	for k, v := range o.fields {
		form.Set(k, v)
	}
	p := b.post(t, "/settings/systems", form)
	path, _, _ := strings.Cut(p.path, "?")
	if path == "/settings/systems" {
		t.Fatalf("connect %s: %s", name, words(p.body))
	}
	if o.room != "" {
		b.post(t, path+"/rooms", url.Values{"room": {string(room)}, "address": {o.room}})
	}
	return path
}
