// Package roomztest is a small system that speaks the ROOMZ Connector contract, in memory, for tests. It
// keeps to the contract and breaks it on request, in the ways that systems do.
package roomztest

import (
	"encoding/json"
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

// The account that every server has.
const (
	User     = "lintel"
	Password = "fake-password-7d1c"
)

// Quirks are a system's habits. The zero value keeps to the contract.
type Quirks struct {
	IgnoresRange   bool // answers with all meetings
	StartsInRange  bool // answers with meetings that start within the range only
	Silent         bool // POST and PUT answer nothing
	OwnOrganizer   bool // replaces organizerId by the account
	KeepsCancelled bool // shows cancelled meetings, with the flag
	NeverCancels   bool // takes isCancelled and does nothing
	EndsRunning    bool // ends a meeting that runs, in whole minutes, where it shall be cancelled or has to end in the past
	Refuses        bool // answers 409 when a meeting would overlap
	Layout         string
	Numbers        bool // ids are numbers
	Sparse         bool // leaves out what is empty or false
	Nulls          bool // writes null for what is empty
}

// Fault breaks some requests. The first that matches is used.
type Fault struct {
	Method string // "" = every
	Times  int    // how often; 0 = until removed

	Status int
	Header map[string]string
	Body   string
	Until  time.Duration // Retry-After as a date, that far ahead on the server's clock
	Cut    bool          // cut the connection in the middle of the answer
	Before func()        // run before the request is handled, instead of breaking anything
}

// Call is one request that the server saw.
type Call struct {
	Method string
	URL    *url.URL
	Body   string
	At     time.Time
	Status int
	User   string // who signed in
}

// Meeting is a meeting in the system.
type Meeting struct {
	ID, Subject, OrganizerID, OrganizerName string
	Start, End, Created                     time.Time
	Private, Cancelled                      bool
	Broken                                  bool // its start is none that anybody can read
	ImageURL                                string
	More                                    map[string]any // fields that the contract does not know
}

// Server is one fake. Its methods may be called at any time.
type Server struct {
	Now func() time.Time

	mu     sync.Mutex
	quirks Quirks
	rooms  []string // ids in order
	names  map[string]string
	held   map[string][]*Meeting // by room
	images map[string][]byte     // by path
	faults []*Fault
	calls  []Call
	seq    int
	skew   time.Duration
	http   *httptest.Server
}

// Start returns a server without rooms, below /api/v1. Close it.
func Start(q Quirks, now func() time.Time) *Server {
	s := &Server{Now: now, quirks: q, names: map[string]string{}, held: map[string][]*Meeting{}, images: map[string][]byte{}, seq: 1000}
	s.http = httptest.NewServer(s)
	return s
}

// URL returns the base of the contract's paths.
func (s *Server) URL() string { return s.http.URL + "/api/v1" }

// Close stops the server.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// AddRoom makes an empty room.
func (s *Server) AddRoom(id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rooms = append(s.rooms, id)
	s.names[id], s.held[id] = name, nil
}

// RemoveRoom deletes a room.
func (s *Server) RemoveRoom(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rooms = slices.DeleteFunc(s.rooms, func(r string) bool { return r == id })
	delete(s.names, id)
}

// Put stores a meeting as another program would, replacing the one with its id.
func (s *Server) Put(room string, m Meeting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.held[room] {
		if old.ID == m.ID {
			s.held[room][i] = &m
			return
		}
	}
	s.held[room] = append(s.held[room], &m)
}

// Add stores a meeting beside those with the same id.
func (s *Server) Add(room string, m Meeting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[room] = append(s.held[room], &m)
}

// Delete removes a meeting.
func (s *Server) Delete(room, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[room] = slices.DeleteFunc(s.held[room], func(m *Meeting) bool { return m.ID == id })
}

// SetImage serves a picture below /images/.
func (s *Server) SetImage(name string, data []byte) (address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images["/images/"+name] = data
	return s.http.URL + "/images/" + name
}

// Meetings returns a room's meetings that are not cancelled, as JSON.
func (s *Server) Meetings(room string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, m := range s.held[room] {
		if !m.Cancelled {
			b, err := json.Marshal(s.write(m))
			if err != nil {
				panic(err)
			}
			out = append(out, string(b))
		}
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

// ServeHTTP answers one request, or breaks it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	rec := httptest.NewRecorder()
	f := s.fault(r)
	if f != nil && f.Before != nil {
		f.Before()
		f = nil
	}
	s.mu.Lock()
	now := s.Now().Add(s.skew).UTC()
	s.mu.Unlock()
	if f == nil || f.Cut {
		s.handle(rec, r, body)
	} else {
		for k, v := range f.Header {
			rec.Header().Set(k, v)
		}
		if f.Until > 0 {
			rec.Header().Set("Retry-After", now.Add(f.Until).Format(http.TimeFormat))
		}
		rec.WriteHeader(f.Status)
		_, _ = rec.WriteString(f.Body)
	}
	user, _, _ := r.BasicAuth()
	s.mu.Lock()
	s.calls = append(s.calls, Call{r.Method, r.URL, string(body), s.Now(), rec.Code, user})
	s.mu.Unlock()
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.Header().Set("Date", now.Format(http.TimeFormat))
	out := rec.Body.Bytes()
	if f != nil && f.Cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(out)+10))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(out[:len(out)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(out)
}

func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != "" && f.Method != r.Method {
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

// parts splits a path below the base into its segments, nil for any other path.
func parts(u *url.URL) []string {
	rest, ok := strings.CutPrefix(u.EscapedPath(), "/api/v1/")
	if !ok {
		return nil
	}
	out := strings.Split(rest, "/")
	for i := range out {
		out[i], _ = url.PathUnescape(out[i])
	}
	return out
}
