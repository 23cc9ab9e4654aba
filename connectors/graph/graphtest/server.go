// Package graphtest is a Microsoft 365 in memory for tests: a sign-in server that verifies secrets and
// assertions, and a Graph with room calendars, deltas, batches, limits and scopes, which refuses what
// Graph would refuse and fails on request in the ways that Graph does.
package graphtest

import (
	"crypto/x509"
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

// What every tenant has.
const (
	Tenant   = "tenant.example"
	ClientID = "8d6f0c1e-0000-4000-8000-1234567890ab"
	Secret   = "fake-graph-secret-7d1c"
)

// Quirks are habits of a tenant. The zero value has none.
type Quirks struct {
	IgnoreIfMatch        bool          // PATCH and DELETE do not mind If-Match
	RememberTransactions bool          // a transaction id that was used is refused, also that of a deleted event
	AllDayLocal          bool          // whole days are kept as midnights of Zurich, not of UTC
	OpenScope            bool          // the application may read every mailbox
	NoPlaces             bool          // no right to list rooms
	ReadOnly             bool          // no right to write
	PageSize             int           // the most entries of a page; 0 = what was asked for
	Tick                 time.Duration // of the clock on events; 0 = 100 ns
	TokenLife            time.Duration // 0 = an hour
	Latency              time.Duration // of every request to Graph
	AnswerAfter          time.Duration // how long a room takes to answer an invitation
	NeverAnswer          bool          // it does not answer at all
	Processing           Processing    // what a room makes of an invitation
}

// Processing is the part of Set-CalendarProcessing that changes what a door can show.
type Processing struct {
	OrganizerAsSubject, RemovePrivate, KeepCancelled bool
}

// Fault breaks some requests. The first that matches is used.
type Fault struct {
	Method  string // "" = every
	Path    string // what the path contains; "" = every
	Mailbox string // "" = every
	Graph   bool   // not the sign-in server
	InBatch bool   // only inside batches
	Times   int    // how often; 0 = until Repair

	Status int // answer with this status …
	Code   string
	Header map[string]string
	Body   string        // with Code "": the body as it is
	Until  time.Duration // Retry-After as a date, that far ahead on the server's clock
	Cut    bool          // … or cut the connection in the middle of the answer
	Drop   bool          // … or leave the answer out of its batch
	Before func()        // run before the request is handled, instead of breaking anything
}

// Call is one request that the tenant saw.
type Call struct {
	Method  string
	Path    string // escaped, without /v1.0; of the sign-in server as it is
	Query   string
	Mailbox string // in lower case; "" = none
	Header  http.Header
	Body    string
	InBatch bool
	At      time.Time
	Status  int
}

// Server is one tenant. Its methods may be called at any time.
type Server struct {
	Quirks Quirks
	Now    func() time.Time
	// Observe is told of every call when it has been answered. May be nil; set it before the first request.
	Observe func(Call)

	mu        sync.Mutex
	boxes     map[string]*mailbox // by address in lower case
	faults    []*Fault
	calls     []Call
	seq       int
	skew      time.Duration
	tokens    map[string]time.Time // to their ends
	secrets   map[string]bool
	certs     []*x509.Certificate
	jtis      map[string]bool
	pending   []invitation
	inFlight  map[string]int
	mostAtOne map[string]int
	signIn    *httptest.Server
	graph     *httptest.Server
}

// Start returns a tenant without mailboxes, with one application that has Secret. Close it.
func Start(q Quirks, now func() time.Time) *Server {
	s := &Server{
		Quirks: q, Now: now, boxes: map[string]*mailbox{}, tokens: map[string]time.Time{}, secrets: map[string]bool{Secret: true},
		jtis: map[string]bool{}, inFlight: map[string]int{}, mostAtOne: map[string]int{},
	}
	s.signIn = httptest.NewServer(http.HandlerFunc(s.serveSignIn))
	s.graph = httptest.NewServer(http.HandlerFunc(s.serveGraph))
	return s
}

// Authority returns the address of the sign-in server.
func (s *Server) Authority() string { return s.signIn.URL }

// Root returns the address of Graph.
func (s *Server) Root() string { return s.graph.URL }

// Close stops both servers.
func (s *Server) Close() {
	for _, h := range []*httptest.Server{s.signIn, s.graph} {
		h.CloseClientConnections()
		h.Close()
	}
}

// AddRoom makes a room mailbox, within the application's scope.
func (s *Server) AddRoom(address, name string) { s.add(address, name, true, true) }

// AddUser makes an ordinary mailbox; scoped says whether the application may use it.
func (s *Server) AddUser(address, name string, scoped bool) { s.add(address, name, false, scoped) }

func (s *Server) add(address, name string, room, scoped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boxes[strings.ToLower(address)] = &mailbox{
		address: address, name: name, room: room, scoped: scoped, items: map[string]*item{}, transactions: map[string]transaction{},
	}
}

// AddAlias gives a mailbox another address, which opens it as the first does but organizes nothing.
func (s *Server) AddAlias(address, alias string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boxes[strings.ToLower(alias)] = s.boxes[strings.ToLower(address)]
}

// RemoveMailbox deletes a mailbox.
func (s *Server) RemoveMailbox(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.boxes, strings.ToLower(address))
}

// Throttle makes a mailbox answer 429 until d from now.
func (s *Server) Throttle(address string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boxes[strings.ToLower(address)].throttled = s.Now().Add(d)
}

// ForgetDeltas makes every delta link that is out answer 410.
func (s *Server) ForgetDeltas() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.boxes {
		b.forgotten = s.seq + 1
	}
	s.seq++
}

// ExpireTokens makes every token that is out invalid.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = map[string]time.Time{}
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

// SetSkew moves the tenant's clock against ours.
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

// MostAtOnce returns how many requests a mailbox has had at one time.
func (s *Server) MostAtOnce(address string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mostAtOne[strings.ToLower(address)]
}

// clock is the tenant's clock.
func (s *Server) clock() time.Time { return s.Now().Add(s.skew).UTC() }

// stamp is the clock on events.
func (s *Server) stamp() time.Time {
	tick := s.Quirks.Tick
	if tick == 0 {
		tick = 100 * time.Nanosecond
	}
	return s.clock().Truncate(tick)
}

// query is a request as the handlers see it, by itself or out of a batch.
type query struct {
	method  string
	path    []string // unescaped segments after /v1.0
	values  url.Values
	header  http.Header
	body    []byte
	mailbox string
	call    Call
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   []byte
	cut    bool
	drop   bool
}

func (s *Server) serveGraph(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	q, ok := parseQuery(r.Method, r.URL, r.Header, body)
	if !ok {
		http.NotFound(w, r)
		return
	}
	leave := s.enter(q.mailbox)
	if s.Quirks.Latency > 0 {
		time.Sleep(s.Quirks.Latency)
	}
	s.write(w, s.answer(q, leave()))
}

// parseQuery splits a path below /v1.0.
func parseQuery(method string, u *url.URL, h http.Header, body []byte) (*query, bool) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), "/v1.0/")
	if !ok {
		return nil, false
	}
	q := &query{method: method, values: u.Query(), header: h, body: body}
	for _, p := range strings.Split(rest, "/") {
		p, err := url.PathUnescape(p)
		if err != nil {
			return nil, false
		}
		q.path = append(q.path, p)
	}
	if len(q.path) > 1 && q.path[0] == "users" {
		q.mailbox = strings.ToLower(q.path[1])
	}
	q.call = Call{Method: method, Path: "/" + rest, Query: u.RawQuery, Mailbox: q.mailbox, Header: h.Clone(), Body: string(body)}
	return q, true
}

// enter counts a request of a mailbox. Leave tells how many there were with it.
func (s *Server) enter(mailbox string) (leave func() int) {
	if mailbox == "" {
		return func() int { return 1 }
	}
	s.mu.Lock()
	s.inFlight[mailbox]++
	n := s.inFlight[mailbox]
	s.mostAtOne[mailbox] = max(s.mostAtOne[mailbox], n)
	s.mu.Unlock()
	return func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight[mailbox]--
		return n
	}
}

// answer handles one request and writes it into the log.
func (s *Server) answer(q *query, atOnce int) reply {
	f := s.fault(q)
	if f != nil && f.Before != nil {
		f.Before()
		f = nil
	}
	s.mu.Lock()
	q.call.At = s.Now()
	var out reply
	if f == nil || f.Cut || f.Drop {
		if atOnce > 4 {
			out = fail(http.StatusTooManyRequests, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
		} else {
			out = s.handle(q)
		}
	} else {
		out = s.broken(f)
	}
	if f != nil {
		out.cut, out.drop = f.Cut, f.Drop
	}
	q.call.Status = out.status
	s.calls = append(s.calls, q.call)
	observe := s.Observe
	s.mu.Unlock()
	if observe != nil {
		observe(q.call)
	}
	return out
}

// broken is what a fault answers. The caller holds the lock.
func (s *Server) broken(f *Fault) reply {
	out := reply{status: f.Status, header: http.Header{}, body: []byte(f.Body)}
	if f.Code != "" {
		out = fail(f.Status, f.Code, "The request was broken on purpose for someone@people.example.")
	}
	for k, v := range f.Header {
		out.header.Set(k, v)
	}
	if f.Until > 0 {
		out.header.Set("Retry-After", s.clock().Add(f.Until).Format(http.TimeFormat))
	}
	return out
}

// write sends an answer.
func (s *Server) write(w http.ResponseWriter, out reply) {
	s.mu.Lock()
	w.Header().Set("Date", s.clock().Format(http.TimeFormat))
	s.mu.Unlock()
	for k, v := range out.header {
		w.Header()[k] = v
	}
	if out.cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(out.body)+10))
		w.WriteHeader(out.status)
		_, _ = w.Write(out.body[:len(out.body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body)
}

func (s *Server) fault(q *query) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != "" && f.Method != q.method || !strings.Contains(q.call.Path, f.Path) ||
			f.Mailbox != "" && !strings.EqualFold(f.Mailbox, q.mailbox) || f.InBatch && !q.call.InBatch || f.Graph && q.path == nil {
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
