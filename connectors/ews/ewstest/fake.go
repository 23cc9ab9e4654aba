// Package ewstest is a small Exchange Server in memory for tests: mailboxes with rights, calendars with
// series, change keys, sync states, subscriptions with streaming, room lists, a booking assistant, and
// throttling. It keeps its promises and breaks them on request, in the ways that real servers do.
//
// It shares no code with the connector, and an independent client (exchangelib) works with it too.
package ewstest

import (
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The account that every server has, with its mailbox, and the user who may sign in.
const (
	User     = `EXAMPLE\svc-lintel`
	Password = "fake-password-7d1c"
	Account  = "svc-lintel@rooms.test"
)

// Quirks are a server's habits. The zero value is Exchange Server 2019.
type Quirks struct {
	Masters         bool // a calendar view has whole series instead of occurrences
	IgnoreChangeKey bool // stale change keys are no conflict
	EmptyForbidden  bool // FindItem without the right succeeds with nothing
	AnySyncState    bool // a sync state that means nothing gives the full list
	Faults200       bool // faults come with HTTP 200
	NoRestriction   bool // FindItem refuses restrictions
	NoUID           bool // UIDs that a client chooses are not kept
	NoDelegateSubs  bool // no subscriptions to other people's folders
	Unknown         bool // elements that the schema does not have, around and within those that it has
	KeepCancelled   bool // the assistant keeps cancelled meetings, marked as such

	MaxView    int           // entries of a calendar view; 0 = 1000
	MaxStreams int           // 0 = 10
	Heartbeat  time.Duration // of streams; 0 = 30 s
	Budget     int           // requests that are free within BudgetPer; 0 = no bound
	BudgetPer  time.Duration
	BackOff    time.Duration // what a client that has used up its budget is told

	Skew time.Duration // of its clock
}

// Right is what a folder's owner has granted somebody.
type Right int

// The rights, from nothing to all that a delegate gets.
const (
	None Right = iota
	Reviewer
	Editor
	EditorSends // may also answer meetings on the room's behalf
)

// Server is one fake. Its methods may be called at any time.
type Server struct {
	Now func() time.Time

	mu        sync.Mutex
	quirks    Quirks
	boxes     map[string]*mailbox
	lists     []roomList
	imperson  bool // the account has ApplicationImpersonation over rooms
	users     map[string]string
	faults    []*Fault
	calls     []Call
	keep      bool
	seq       int
	skew      time.Duration
	subs      map[string]*subscription
	streams   map[*stream]bool
	due       []letter // meeting messages on their way
	window    []time.Time
	quietTill time.Time
	early     int
	answers   []Answer
	http      *httptest.Server
	in, out   atomic.Int64
}

type roomList struct {
	address, name string
	rooms         []string
}

// mailbox is a person's, a room's or the account's.
type mailbox struct {
	address, name string
	room          bool
	rights        map[string]Right // by the address of whom it is granted to
	zone          *time.Location
	items         map[int]*item
	removed       []removal
	process       Processing
	subs          map[string]*subscription
}

type removal struct {
	seq int
	id  string
}

// Processing is how a room's assistant treats invitations, as Set-CalendarProcessing has it.
type Processing struct {
	Off             bool // nobody answers
	ReplaceSubject  bool // DeleteSubject and AddOrganizerToSubject, which are the default of Exchange
	RemovePrivate   bool // also the default
	Delay           time.Duration
	DeclineEveryone bool
}

// Start returns a server with the account's mailbox. Close it.
func Start(q Quirks, now func() time.Time) *Server {
	s := &Server{
		Now: now, quirks: q, skew: q.Skew, boxes: map[string]*mailbox{}, users: map[string]string{User: Account}, seq: 100,
		subs: map[string]*subscription{}, streams: map[*stream]bool{},
	}
	s.addBox(Account, "Lintel Service", false)
	s.http = httptest.NewUnstartedServer(s)
	s.http.Listener = counted{s.http.Listener, s}
	s.http.Start()
	return s
}

// URL returns the URL of the web services.
func (s *Server) URL() string { return s.http.URL + "/EWS/Exchange.asmx" }

// Close ends streams and stops the server.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// AddRoom makes a room mailbox with an empty calendar on which the account has a right.
func (s *Server) AddRoom(address, name string, r Right) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addBox(address, name, true).rights[Account] = r
}

// AddUser makes a person's mailbox.
func (s *Server) AddUser(address, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addBox(address, name, false)
}

func (s *Server) addBox(address, name string, room bool) *mailbox {
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		zone = time.UTC
	}
	b := &mailbox{
		address: address, name: name, room: room, rights: map[string]Right{}, zone: zone, items: map[int]*item{}, subs: map[string]*subscription{},
	}
	s.boxes[strings.ToLower(address)] = b
	return b
}

// RemoveRoom deletes a mailbox.
func (s *Server) RemoveRoom(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.boxes, strings.ToLower(address))
}

// AddList makes a room list.
func (s *Server) AddList(address, name string, rooms ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists = append(s.lists, roomList{address, name, rooms})
}

// Grant changes the account's right on a room's calendar.
func (s *Server) Grant(address string, r Right) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boxes[strings.ToLower(address)].rights[Account] = r
}

// GrantImpersonation lets the account impersonate rooms, and nobody else, or takes that back.
func (s *Server) GrantImpersonation(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.imperson = yes
}

// SetProcessing sets how a room answers invitations.
func (s *Server) SetProcessing(address string, p Processing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boxes[strings.ToLower(address)].process = p
}

// SetSkew moves the server's clock against ours.
func (s *Server) SetSkew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// clock is the server's clock in its ticks of a second.
func (s *Server) clock() time.Time { return s.Now().Add(s.skew).Truncate(time.Second).UTC() }

// Call is one request that the server saw.
type Call struct {
	Op        string // of the SOAP body, "" when there was none
	Mailbox   string // that it is about
	As        string // impersonated
	Anchor    string // X-AnchorMailbox
	RequestID string // client-request-id
	At        time.Time
	Status    int
	Signed    bool   // with the right name and password
	Body      string // only after Keep
}

// Keep makes the log keep the bodies of requests.
func (s *Server) Keep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = true
}

// Calls returns what was asked since the last call of Calls.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls
	s.calls = nil
	return c
}

// Traffic returns how many bytes the server has received and sent, heads included.
func (s *Server) Traffic() (in, out int64) { return s.in.Load(), s.out.Load() }

// Early returns how many requests came before the time that a client was asked to wait for.
func (s *Server) Early() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.early
}

// Bodies describes all items of a calendar, one text each.
func (s *Server) Bodies(address string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, it := range s.sortedItems(s.boxes[strings.ToLower(address)]) {
		out = append(out, it.describe())
	}
	return out
}

func (s *Server) sortedItems(b *mailbox) []*item {
	var out []*item
	if b != nil {
		for _, it := range b.items {
			out = append(out, it)
		}
	}
	slices.SortFunc(out, func(x, y *item) int { return x.n - y.n })
	return out
}

// Drop makes the server forget all subscriptions, as a restart does.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subs {
		delete(sub.box.subs, sub.id)
	}
	clear(s.subs)
}

// counted counts the bytes of all connections.
type counted struct {
	net.Listener
	s *Server
}

func (l counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c, l.s}, nil
}

type countedConn struct {
	net.Conn
	s *Server
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.s.in.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.s.out.Add(int64(n))
	return n, err
}
