// Package caldavtest is a small CalDAV server in memory for tests: it keeps its promises (ETags,
// preconditions, multistatus) and breaks them on request, in the ways that real servers do.
package caldavtest

import (
	"crypto/md5" //nolint:gosec // ETags, not secrets
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The account and the calendars that every server has.
const (
	User     = "lintel"
	Password = "fake-password-7d1c"
	Home     = "/dav/calendars/lintel/"
	Room     = Home + "room-1/"
)

// Quirks are a server's habits. The zero value is a server without any.
type Quirks struct {
	NoETag         bool // no ETag anywhere
	NoPutETag      bool // no ETag in the answer to PUT
	WeakETags      bool // a proxy that compresses: W/ before every ETag in a header
	NoTags         bool // neither getctag nor sync-token
	NoLastModified bool
	AbsoluteHrefs  bool
	EscapedHrefs   bool          // every byte that may be is percent-encoded, in lower case
	HrefHost       string        // with AbsoluteHrefs: the host that the server thinks it has
	MissingInside  bool          // PROPFIND of what is not there answers 207 with a 404 inside
	NoData         bool          // multiget answers without calendar-data
	Unescaped      bool          // calendar-data is not escaped, so that an object can break the XML
	Digest         bool          // asks for Digest instead of Basic
	ReadOnly       bool          // privileges: read
	Skew           time.Duration // of its clock
	Tick           time.Duration // of its clock; 0 = a second

	// SOGo's.
	SecondTags   bool // getctag and sync-token are the Unix second of the last change
	ZonedTimes   bool // getlastmodified in a zone of its own
	CountedETags bool // the ETags of every object begin at zero, also when the name was there before
	Careless     bool // PUT does not look at If-None-Match, DELETE not at If-Match
}

// Fault breaks some requests. The first that matches is used.
type Fault struct {
	Method string // "" = every
	Suffix string // of the path; "" = every
	Times  int    // how often; 0 = until removed

	Status int // answer with this status …
	Header map[string]string
	Body   string
	Until  time.Duration // Retry-After as a date, that far ahead on the server's clock
	Cut    bool          // … or cut the connection in the middle of the answer
	Before func()        // run before the request is handled, instead of breaking anything
}

// Call is one request that the server saw.
type Call struct {
	Method, Path, Depth string
	At                  time.Time
	Status              int
	Hrefs               int // that a report asked for
}

type object struct {
	name     string
	data     string
	etag     string
	version  int
	modified time.Time
}

type collection struct {
	path    string
	name    string
	objects map[string]*object // by name
	changes int
	changed time.Time

	late  int                // so many more lists, and the reports that follow them, show the calendar …
	shown map[string]*object // … as it was then
	stale bool               // the last list was one of these
}

// Lag makes the next lists of a calendar, and the reports that follow them, show it as it is now, as an index does that
// lags. Single objects are always as they are.
func (s *Server) Lag(path string, lists int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cols[path]
	c.late, c.shown = lists, maps.Clone(c.objects)
}

// listed are the objects as a list shows them, or a report that follows one.
func (c *collection) listed(report bool) map[string]*object {
	if !report {
		if c.stale = c.late > 0; c.stale {
			c.late--
		}
	}
	if c.stale {
		return c.shown
	}
	return c.objects
}

// Server is one fake. Its fields may be set before the first request; its methods may be called at any
// time.
type Server struct {
	Quirks Quirks
	Now    func() time.Time

	mu     sync.Mutex
	cols   map[string]*collection
	faults []*Fault
	calls  []Call
	seq    int
	nonce  string
	skew   time.Duration
	asked  int // hrefs of the request being answered
	http   *httptest.Server
}

// Start returns a server with an empty calendar at Room. Close it.
func Start(q Quirks, now func() time.Time) *Server {
	s := &Server{Quirks: q, Now: now, cols: map[string]*collection{}, nonce: "nonce-1", skew: q.Skew}
	s.AddCalendar(Room, "Room 1")
	s.http = httptest.NewServer(s)
	return s
}

// URL returns the server's base URL.
func (s *Server) URL() string { return s.http.URL }

// Close stops the server.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// AddCalendar makes an empty calendar.
func (s *Server) AddCalendar(path, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cols[path] = &collection{path: path, name: name, objects: map[string]*object{}}
}

// RemoveCalendar deletes a calendar.
func (s *Server) RemoveCalendar(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cols, path)
}

// Put stores an object as another client would.
func (s *Server) Put(calendar, name, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(s.cols[calendar], name, data)
}

// Delete removes an object as another client would.
func (s *Server) Delete(calendar, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(s.cols[calendar], name)
}

// Objects returns the data of a calendar's objects by name.
func (s *Server) Objects(calendar string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for n, o := range s.cols[calendar].objects {
		out[n] = o.data
	}
	return out
}

// Break adds a fault.
func (s *Server) Break(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Repair removes all faults.
func (s *Server) Repair() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
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

// clock is the server's clock, ticking as coarsely as it does.
func (s *Server) clock() time.Time {
	tick := s.Quirks.Tick
	if tick == 0 {
		tick = time.Second
	}
	return s.Now().Add(s.skew).Truncate(tick).UTC()
}

func (s *Server) put(c *collection, name, data string) *object {
	s.seq++
	sum := md5.Sum(fmt.Append(nil, s.seq, data)) //nolint:gosec // an ETag
	o := &object{name: name, data: data, etag: `"` + hex.EncodeToString(sum[:8]) + `"`, modified: s.clock()}
	if old := c.objects[name]; old != nil {
		o.version = old.version + 1
	}
	if s.Quirks.CountedETags {
		o.etag = fmt.Sprintf(`"%08d"`, o.version)
	}
	c.objects[name] = o
	c.changes++
	c.changed = s.clock()
	return o
}

func (s *Server) remove(c *collection, name string) {
	delete(c.objects, name)
	c.changes++
	c.changed = s.clock()
}

// ServeHTTP answers one request, or breaks it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	f := s.fault(r)
	if f != nil && f.Before != nil {
		f.Before()
		f = nil
	}
	switch {
	case f == nil, f.Cut:
		s.handle(rec, r)
	default:
		for k, v := range f.Header {
			rec.Header().Set(k, v)
		}
		if f.Until > 0 {
			rec.Header().Set("Retry-After", s.date(f.Until))
		}
		rec.WriteHeader(f.Status)
		_, _ = rec.WriteString(f.Body)
	}
	s.note(r, rec.Code)
	w.Header().Set("Date", s.date(0))
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	body := rec.Body.Bytes()
	if f != nil && f.Cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+10))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

func (s *Server) note(r *http.Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{r.Method, r.URL.Path, r.Header.Get("Depth"), s.Now(), status, s.asked})
	s.asked = 0
}

// date is an HTTP date on the server's clock.
func (s *Server) date(ahead time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Now().Add(s.skew + ahead).UTC().Format(http.TimeFormat)
}

func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || !strings.HasSuffix(r.URL.Path, f.Suffix) {
			continue
		}
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			f.Times--
		}
		return f
	}
	return nil
}

// href writes a path as this server does.
func (s *Server) href(path string) string {
	h := (&url.URL{Path: path}).EscapedPath()
	if s.Quirks.EscapedHrefs {
		var b strings.Builder
		for _, c := range []byte(path) {
			if c == '/' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02x", c)
			}
		}
		h = b.String()
	}
	if s.Quirks.AbsoluteHrefs {
		host := s.Quirks.HrefHost
		if host == "" {
			host = s.http.URL
		}
		h = host + h
	}
	return h
}
