// Package connectors is the contract between Lintel and the booking systems that a company already
// has: what a calendar connector reads, writes, checks and how it fails. Each system is a
// sub-package; connectors/conntest is the one suite that all of them pass.
//
// The shape is the same for every system. A cheap Probe answers only "did this room change?"; when
// it did, one Read brings the whole truth of a short window, and the engine compares that with what
// it stored. No connector delivers deltas.
//
// What the engine keeps for a room, both opaque, both sealed with the room:
//
//   - Cursor, small, for Probe. Store Change.Next only after a Read that followed it came back with
//     Complete set; otherwise the change is seen again at the next Probe, which is what we want.
//   - State, for Read. Store Snapshot.State after every Read, whether Complete or not. It never
//     holds a subject, a name or an address: hrefs, revisions and spans of time only.
//
// Both may be dropped at any time; the next Probe then says "changed" and the next Read is a full one.
package connectors

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lintel/app/when"
)

// Caps says what a kind of system can do at all. What it may do in one room depends on rights:
// see Access.
type Caps uint32

// The capabilities.
const (
	CapRead           Caps = 1 << iota // window read with subjects and organizers
	CapFreeBusyOnly                    // times only; subjects never come
	CapListRooms                       // implements Lister
	CapProbe                           // Probe is much cheaper than Read
	CapBook                            // implements Writer: Book
	CapSetEnd                          // implements Writer: SetEnd
	CapRelease                         // implements Writer: Release
	CapServerConflict                  // the system itself refuses overlaps
	CapWatch                           // implements Watcher
	CapMark                            // implements Marker
	CapImage                           // implements Imager
	CapCopyOnly                        // SetEnd of a meeting that somebody else organizes changes the room's own copy only
	CapInvite                          // Book invites the room from another mailbox, and the system decides
)

// The span around today that the engine reads, in days of the room's zone: a connector whose Probe
// needs a window takes this one.
const (
	DaysBack  = 1
	DaysAhead = 15
)

// Has reports whether all of want are there.
func (c Caps) Has(want Caps) bool { return c&want == want }

// Room is the calendar of one workspace in a booking system.
type Room struct {
	ID   string         // the system's name for it: address, collection URL, feed URL
	Zone *time.Location // the building's zone, for floating times and whole days; never nil
}

// Access is what we may do with one room.
type Access int

// The levels. AccessUnknown means that the system does not tell before one tries.
const (
	AccessUnknown Access = iota
	AccessNone
	AccessRead
	AccessWrite
)

// RoomRef is a room in a list to choose from. Only ID is always set.
type RoomRef struct {
	ID, Name, Address, Building, Floor string
	Capacity                           int // 0 = unknown
	Access                             Access
}

// Cursor is a connector's own mark of "as far as I know"; nil means "I know nothing".
type Cursor []byte

// Change is the answer of Probe.
type Change struct {
	Changed bool   // also when the connector can't tell
	Next    Cursor // the mark to store, by the rule in the package comment
	// Wait is how long the source asks us not to come back, at most an hour; 0 = it has no wish.
	Wait time.Duration
}

// Event is one occurrence that touches the window: series arrive expanded, cancelled and declined
// occurrences do not arrive, times are not clipped to the window.
type Event struct {
	Key        string // the system's handle for Writer, one per occurrence; not stable across moves. See OccurrenceKey
	Series     string // UID; with Occurrence the identity that survives a move. Never empty
	Occurrence string // RECURRENCE-ID in UTC (20261121T080000Z) or as a day (20261121); "" when not of a series
	Rev        string // revision (ETag, ChangeKey) of the object that holds it; "" = unknown

	From, To time.Time // half open, UTC; To may equal From, such an event occupies nothing
	// AllDay events are days, not instants: FirstDay up to and without EndDay, in whatever zone the
	// room is. From and To are then these days' bounds in Room.Zone. Otherwise both days are zero.
	AllDay           bool
	FirstDay, EndDay when.Date

	// Personal parts. A connector leaves all three empty when Private is set: a private subject
	// never leaves the connector.
	Subject, Organizer, OrganizerAddr string

	Private   bool
	Tentative bool      // occupies, drawn as tentative
	Free      bool      // transparent: shown perhaps, never occupies
	Created   time.Time // as the author says; zero = unknown
	// Written is since when, by the server's own clock, the event has its claim on its time; zero = unknown, which makes a
	// tie. It must not move when others write into the event later. Exchange, Graph and Google: creation, or where we
	// extended it that change. CalDAV: the last change, as nothing else there is the server's.
	Written   time.Time
	Mine      bool      // the room owns it: releasing deletes. Otherwise releasing declines
	Token     string    // our idempotency key found on it; "" when it is not ours
	CheckedIn time.Time // what Marker has left on it; zero = nothing
	HasImage  bool      // perhaps there is a picture for the door: see Imager
}

// Identity names the occurrence for good: it stays the same when times or revisions change.
func (e Event) Identity() string { return e.Series + "\x00" + e.Occurrence }

// OccurrenceKey is the Key of an event where one object of the system holds several: the object's own handle, a space and
// Event.Occurrence.
func OccurrenceKey(object, occurrence string) string { return object + " " + occurrence }

// Span returns [From, To).
func (e Event) Span() when.Interval { return when.Interval{From: e.From, To: e.To} }

// Occupies reports whether e takes the room within span.
func (e Event) Occupies(span when.Interval) bool {
	return !e.Free && e.From.Before(e.To) && e.Span().Overlaps(span)
}

// Touches reports whether e belongs to a window: it overlaps it, or is an instant within it.
func (e Event) Touches(w when.Interval) bool {
	if e.From.Equal(e.To) {
		return w.Contains(e.From)
	}
	return e.Span().Overlaps(w)
}

// Hide sets Private and clears the personal parts.
func (e *Event) Hide() { e.Private, e.Subject, e.Organizer, e.OrganizerAddr = true, "", "", "" }

// SortEvents orders events by start, then end, then identity, so that equal agendas are equal slices.
func SortEvents(events []Event) {
	slices.SortFunc(events, func(a, b Event) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), strings.Compare(a.Identity(), b.Identity()))
	})
}

// ReadRequest asks for the truth of one window.
type ReadRequest struct {
	Room   Room
	Window when.Interval // half open
	// State is what the last Read of this room returned, nil for a full read. It does not depend on
	// the window: any window may be read with it.
	State []byte
	// Progress, when not nil, is told of a long first read: objects fetched of objects to fetch.
	Progress func(done, total int)
}

// Snapshot is the answer of Read: every event that touches the window, ordered by SortEvents. Equal
// identities do not come twice. Personal parts are always those of this moment: a connector fetches
// what it needs for them, so the engine never has to mix stored parts with new ones.
type Snapshot struct {
	Events []Event
	AsOf   time.Time // the server's clock when it answered, else ours
	// Complete is false when the connector doubts its own answer (a feed that lost most of its future
	// at once): add and change what is there, remove nothing, keep the old Cursor, read again at the
	// next turn.
	Complete bool
	Skipped  int // objects or components that could not be read; the others are here
	// Unread names what Skipped counts, as far as the system tells which it is, wherever it lies: by an Event.Key, or by an
	// object, which stands for every event that has an OccurrenceKey of it. What the engine has stored under these names
	// and does not find in Events stays as it was, until it can be read again or is no longer in the room. An event in
	// Events whose own Key is named is a guess, made of what is around it: it counts only where nothing is stored.
	Unread   []string
	Warnings []Warning
	State    []byte
}

// Warning is something that an administrator should know about a room's data.
type Warning struct {
	Key   string // text key, below "calendar.warning."
	Count int    // how many events it concerns
	Said  string // the system's own word for it, such as a zone's name; never personal; may be ""
}

// Connector reads the calendars of one configured booking system. Its methods may be called from
// several goroutines. Every error is an *Error, or wraps the context's error.
type Connector interface {
	Caps() Caps
	// Check walks through everything that must hold, step by step, and never fails itself.
	Check(ctx context.Context, req CheckRequest) Report
	// Probe reports whether the room may have changed since c. With a nil cursor it is changed.
	// CursorExpired never comes out of it: an expired cursor is a change.
	Probe(ctx context.Context, room Room, c Cursor) (Change, error)
	// Read returns the window's events. On an error nothing is known: the engine keeps what it has.
	Read(ctx context.Context, req ReadRequest) (Snapshot, error)
	// Close frees connections. No method may be called after it.
	Close() error
}

// Lister is a Connector that can tell which rooms there are.
type Lister interface {
	// Rooms returns one page and the mark of the next; an empty mark asks for the first, and comes
	// back after the last.
	Rooms(ctx context.Context, page string) ([]RoomRef, string, error)
}

// Draft is a booking to write.
type Draft struct {
	// Token is a random text chosen once for a booking: writing the same token twice makes one event.
	// Letters, digits and - only, 8 to 64 of them.
	Token     string
	From, To  time.Time // half open, whole seconds
	Subject   string    // may be empty
	Organizer string    // name to show; may be empty. Nobody is invited
	Private   bool
}

// Writer is a Connector that can change a room's calendar. Its methods are the bare operations: they
// do not look for conflicts. Use BookVerified and SetEndVerified, which keep the whole rule.
type Writer interface {
	// Book writes d, or returns the event that an earlier call with the same token has written. When
	// that one has other times by now, the error is Conflict.
	Book(ctx context.Context, room Room, d Draft) (Event, error)
	// SetEnd moves the end of one occurrence; when it ends at to already, nothing is written. When the
	// occurrence has neither ev's times nor that end any more, the error is Conflict; when it is not
	// there any more, NotFound.
	SetEnd(ctx context.Context, room Room, ev Event, to time.Time) (Event, error)
	// Release frees the room from one occurrence, never from the rest of its series: it deletes what the
	// room owns and declines what it was invited to. An event that is gone already is released.
	// When the occurrence does not have ev's times any more, the error is Conflict.
	Release(ctx context.Context, room Room, ev Event) error
}

// Batcher is a Connector that probes many rooms in one request.
type Batcher interface {
	// BatchSize is how many rooms ProbeMany takes at most.
	BatchSize() int
	// ProbeMany does for each room what Probe does, in the same order, and fails for each alone.
	ProbeMany(ctx context.Context, asked []ProbeRequest) []ProbeResult
}

// ProbeRequest is one room of a batch.
type ProbeRequest struct {
	Room   Room
	Cursor Cursor
}

// ProbeResult is the answer for one room of a batch.
type ProbeResult struct {
	Change Change
	Err    error
}

// Watcher is a Connector that the system tells of changes. What it tells is a hint: the engine probes
// then. While a room is live, the engine probes it much less often.
type Watcher interface {
	// Watch runs until ctx ends or the system no longer wants to; it connects again by itself after what
	// passes. Live is told of each room that is watched from now on, or no longer; after a gap in which
	// changes may have been missed, Changed is called for the rooms concerned. Rooms that the system
	// can't watch just never become live.
	Watch(ctx context.Context, rooms []Room, tell WatchFuncs) error
}

// WatchFuncs are how a Watcher tells. They are quick and may be called from any goroutine.
type WatchFuncs struct {
	Live    func(roomID string, live bool)
	Changed func(roomID string)
}

// Marker is a Connector that can leave a mark of a check-in on an event, for other programs. The truth
// about check-ins is ours.
type Marker interface {
	// Mark writes Event.CheckedIn, in whole seconds. It sends nothing to anybody.
	Mark(ctx context.Context, room Room, ev Event, at time.Time) error
}

// Imager is a Connector that can fetch a picture that somebody attached to an event.
type Imager interface {
	// Image returns the first attached PNG, JPEG or BMP picture of at most max bytes and its media type by
	// its own bytes; NotFound when there is none.
	Image(ctx context.Context, room Room, ev Event, max int64) (data []byte, mediaType string, err error)
}

// Expirer is a Connector that knows when what it signs in with runs out.
type Expirer interface {
	Expiries() []Expiry
}

// Expiry is one secret or certificate that runs out.
type Expiry struct {
	What string // text key, below "calendar.expiry."
	At   time.Time
}

// ReadWriter is a connector that can do both.
type ReadWriter interface {
	Connector
	Writer
}

// Valid reports what is wrong with a draft, nil when nothing is.
func (d Draft) Valid() error {
	if len(d.Token) < 8 || len(d.Token) > 64 {
		return errors.New("the token is too short or too long")
	}
	for _, r := range d.Token {
		if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-') {
			return errors.New("the token has other characters than letters, digits and -")
		}
	}
	if !d.From.Before(d.To) || d.From.Nanosecond() != 0 || d.To.Nanosecond() != 0 {
		return errors.New("the times are not whole seconds in order")
	}
	return nil
}
