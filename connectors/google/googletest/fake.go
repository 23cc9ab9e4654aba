// Package googletest is a small Google Workspace in memory for tests: the token endpoint, which verifies
// what it gets, the Calendar API's events with expansion, pages, sync tokens, ETags and invitations, and the
// list of resources. It keeps the promises of the real one and breaks them on request.
package googletest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Account is the service account that every server knows, TokenPrefix how its access tokens begin.
const (
	Account     = "lintel@project.iam.gserviceaccount.com"
	TokenPrefix = "ya29.fake-7d1c-token-"
)

// Options are a server's habits. The zero value is a domain without delegation, whose rooms are shared for
// changes.
type Options struct {
	PageSize    int                 // of every list; 0 = as asked
	Delegated   map[string][]string // user → scopes for which the service account may act as that user
	Role        string              // of the service account in a calendar; "" = writer
	AcceptAfter int                 // how often an invited room's copy is read before it has answered
	NeverAnswer bool                // invited rooms wait for a person
	Lost        bool                // invitations do not reach the rooms
	KeepsNo     bool                // a room keeps what it declined, marked so; else its calendar forgets it, as Google's do
	TokenLife   time.Duration       // 0 = an hour
	// StrictGuests refuses every list of guests from a service account without delegation, also to decline.
	StrictGuests bool
	// OwnNames says that a proxy leads Google's own names here: tokens are asked for by the key's token_uri.
	OwnNames bool
}

// Call is one request that the server saw.
type Call struct {
	Method string
	URL    *url.URL
	Header http.Header // without Authorization
	Body   string
	At     time.Time
	Status int
	As     string // whose token it was, "" = the service account's own or none
}

// doc is a resource as JSON.
type doc map[string]any

type calendar struct {
	id, zone string
	user     bool           // belongs to a person, not to a room
	events   map[string]doc // by id: singles, masters, exceptions and what was deleted
	changed  map[string]int // number of the last change of each
	horizon  int            // sync tokens below it are too old
	reads    map[string]int // of invitations that wait for the room

	late  int            // so many more lists of a window show the calendar …
	shown map[string]doc // … as it was then
}

// Lag makes the next lists of a calendar's window show it as it is now, as a copy does that lags. Single events are always
// as they are.
func (s *Server) Lag(email string, lists int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calendars[email]
	c.late, c.shown = lists, map[string]doc{}
	for id, d := range c.events {
		c.shown[id] = d.clone()
	}
}

// Resource is an entry of the directory.
type Resource struct {
	Email, Name, Building, Floor, Category string
	Capacity                               int
}

type access struct {
	subject, scope string
	until          time.Time
}

// Server is one fake. Its methods may be called at any time.
type Server struct {
	Now func() time.Time

	mu        sync.Mutex
	opt       Options
	calendars map[string]*calendar
	resources []Resource
	key       *rsa.PrivateKey // that the account has now
	tokens    map[string]access
	faults    []*Fault
	calls     []Call
	seq       int
	skew      time.Duration
	http      *httptest.Server
}

// testKey is made once: making RSA keys takes long.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// Start returns a server. Close it.
func Start(opt Options, now func() time.Time) *Server {
	s := &Server{Now: now, opt: opt, calendars: map[string]*calendar{}, tokens: map[string]access{}, key: testKey()}
	s.http = httptest.NewServer(s)
	return s
}

// Close stops the server.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// URL returns the base of all three APIs; see Calendar, Directory and Token.
func (s *Server) URL() string { return s.http.URL }

// CalendarURL, DirectoryURL and TokenURL are the roots of the APIs.
func (s *Server) CalendarURL() string  { return s.http.URL + "/calendar/v3" }
func (s *Server) DirectoryURL() string { return s.http.URL + "/admin/directory/v1" }
func (s *Server) TokenURL() string     { return s.http.URL + "/token" }

// Key returns the service account's key file.
func (s *Server) Key() string {
	b, err := x509.MarshalPKCS8PrivateKey(testKey())
	if err != nil {
		panic(err)
	}
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "project", "private_key_id": "0123456789abcdef",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b})),
		"client_email": Account, "client_id": "1234567890", "token_uri": tokenURI,
		"universe_domain": "googleapis.com",
	})
	if err != nil {
		panic(err)
	}
	return string(file)
}

// SetOptions changes the server's habits.
func (s *Server) SetOptions(opt Options) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt = opt
}

// AddRoom makes an empty resource calendar and lists it in the directory.
func (s *Server) AddRoom(email, name, zone string) {
	s.addCalendar(email, zone, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources = append(s.resources, Resource{Email: email, Name: name, Building: "HQ", Floor: "2", Capacity: 8, Category: "CONFERENCE_ROOM"})
}

// AddUser makes the empty calendar of a person, which only delegation reaches.
func (s *Server) AddUser(email string) { s.addCalendar(email, "Europe/Zurich", true) }

func (s *Server) addCalendar(email, zone string, user bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calendars[email] = &calendar{id: email, zone: zone, user: user, events: map[string]doc{}, changed: map[string]int{}, reads: map[string]int{}}
}

// RemoveCalendar deletes a calendar, or takes back that it is shared: it looks the same.
func (s *Server) RemoveCalendar(email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calendars, email)
}

// Put stores an event as another program would: JSON of an event resource with an id. Read-only fields in
// it stay as they are, and the others get what the server gives them.
func (s *Server) Put(email, event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var d doc
	if err := json.Unmarshal([]byte(event), &d); err != nil {
		panic(err)
	}
	c := s.calendars[email]
	for id, old := range c.events { // a new definition of a series drops its exceptions
		if old.text("recurringEventId") == d.text("id") {
			delete(c.events, id)
			delete(c.changed, id)
		}
	}
	if d.text("created") == "" {
		d["created"] = s.clock().Format(stampLayout)
	}
	s.store(c, d)
}

// Delete removes an event as another program would.
func (s *Server) Delete(email, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calendars[email]
	s.bury(c, id)
	for other, d := range c.events {
		if d.text("recurringEventId") == id {
			s.bury(c, other)
		}
	}
}

// Events returns what a calendar holds, without what was deleted.
func (s *Server) Events(email string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, d := range s.calendars[email].events {
		if d.text("status") != "cancelled" {
			b, err := json.Marshal(d)
			if err != nil {
				panic(err)
			}
			out = append(out, string(b))
		}
	}
	slices.Sort(out)
	return out
}

// Forget makes all sync tokens given so far too old.
func (s *Server) Forget(email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	s.calendars[email].horizon = s.seq
}

// Revoke makes all access tokens invalid.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// ReplaceKey makes the server know another key of the account than Key returned before.
func (s *Server) ReplaceKey() {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = k
}

// SetSkew moves the server's clock against ours.
func (s *Server) SetSkew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// Calls returns what was asked since the last call of Calls.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls
	s.calls = nil
	return c
}

const stampLayout = "2006-01-02T15:04:05.000Z"

// clock is the server's clock in milliseconds. The lock is held.
func (s *Server) clock() time.Time { return s.Now().Add(s.skew).Truncate(time.Millisecond).UTC() }

// answer is what a handler has to say.
type answer struct {
	status int
	body   any
}

// refuse writes Google's error object.
func refuse(status int, reason, message string) answer {
	domain := "global"
	if strings.Contains(reason, "LimitExceeded") || reason == "quotaExceeded" || reason == "accessNotConfigured" {
		domain = "usageLimits"
	}
	return answer{status, doc{"error": doc{
		"code": status, "message": message, "errors": []doc{{"domain": domain, "reason": reason, "message": message}},
	}}}
}

// ServeHTTP answers one request, or breaks it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "application/json; charset=UTF-8")
	f := s.fault(r)
	if f != nil && f.Before != nil {
		f.Before()
		f = nil
	}
	as := ""
	if f == nil || f.Cut {
		var a answer
		a, as = s.locked(r, body)
		rec.WriteHeader(a.status)
		if a.body != nil {
			_ = json.NewEncoder(rec).Encode(a.body)
		}
	} else {
		s.broken(rec, f)
	}
	s.finish(w, rec, f != nil && f.Cut)
	s.note(r, string(body), rec.Code, as)
	if f != nil && f.Cut {
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) locked(r *http.Request, body []byte) (answer, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handle(r, body)
}

func (s *Server) finish(w http.ResponseWriter, rec *httptest.ResponseRecorder, cut bool) {
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.Header().Set("Date", s.date(0))
	out := rec.Body.Bytes()
	if cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(out)+10))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(out[:len(out)/2])
		return
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(out)
}

func (s *Server) note(r *http.Request, body string, status int, as string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := r.Header.Clone()
	h.Del("Authorization")
	if strings.HasSuffix(r.URL.Path, "/token") {
		body = ""
	}
	s.calls = append(s.calls, Call{r.Method, r.URL, h, body, s.Now(), status, as})
}

// date is an HTTP date on the server's clock.
func (s *Server) date(ahead time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Now().Add(s.skew + ahead).UTC().Format(http.TimeFormat)
}
