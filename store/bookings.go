package store

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
)

// Source says where a booking was made.
type Source string

// The sources.
const (
	FromPortal    Source = "portal"
	FromDoor      Source = "door"
	FromPanel     Source = "panel"
	FromAPI       Source = "api"
	FromConnector Source = "connector"
	FromCalendar  Source = "calendar"
	FromDemo      Source = "demo"
)

// EndReason says how a booking came to its end; "" while it has not.
type EndReason string

// The reasons.
const (
	EndNone      EndReason = ""
	EndRanOut    EndReason = "ran_out"
	EndEnded     EndReason = "ended"    // somebody ended it early
	EndReleased  EndReason = "released" // nobody came
	EndCancelled EndReason = "cancelled"
)

// Booking is [From, To) of one workspace. A hosted one is ours and its walls and zone are the truth,
// from which From and To are derived; the others mirror a booking system (resource).
type Booking struct {
	ID        BookingID
	Workspace WorkspaceID
	Hosted    bool

	From, To         time.Time // UTC, whole seconds; To lies after From
	FromWall, ToWall when.Wall // local truth of hosted and of all-day bookings; ToWall is excluded
	Zone             string    // IANA name that the walls are meant in
	AllDay           bool      // walls at midnight: days, not instants
	Private          bool
	Tentative        bool
	Source           Source

	Series   SeriesID  // "" = not of a hosted series
	Original when.Wall // hosted occurrence: the start that the rule gave it; zero otherwise

	CreatedAt, UpdatedAt time.Time
	Revision             int64
	CancelledAt          time.Time // zero = stands
	EndReason            EndReason

	Resource    ResourceID // "" = hosted
	ExtKey      string     // synced: the system's handle for writes
	ExtUID      string     // synced: UID or series; with ExtOriginal the identity that survives moves
	ExtOriginal string     // synced occurrence: its original start; zero = not of a series
	ExtRev      string     // synced: revision of the object that holds it
	ExtMine     bool       // synced: the room owns it, releasing deletes
	HasImage    bool       // synced: perhaps a picture is attached, for the door; never of a private one
	Token       string     // idempotency key of the request that made it; "" = none

	AnonymisedAt time.Time // zero = who and what may still be there

	// Personal parts, all of booking_person and person. Outside store and this program's engines they
	// go through bookings.Disclose only.
	Subject                       string
	Organizer                     PersonID // "" = nobody known
	OrganizerName, OrganizerEmail string   // filled by reads; writes take Organizer
	Creator                       PersonID // "" = nobody known (a device, a booking system)
	CreatorName                   string   // filled by reads; writes take Creator
}

// Span returns [From, To).
func (b Booking) Span() when.Interval { return when.Interval{From: b.From, To: b.To} }

// Cancelled reports whether it was cancelled.
func (b Booking) Cancelled() bool { return !b.CancelledAt.IsZero() }

// Location returns the zone of the walls.
func (b Booking) Location() (*time.Location, error) { return when.LoadZone(b.Zone) }

// AgendaLimit bounds one answer of AgendaOf; the rest of a longer agenda is not returned.
const AgendaLimit = 100_000

const bookingColumns = bookingFacts + `,
	bp.subject, bp.organizer_id, p.name, p.email, bp.creator_id, c.name`

// bookingFacts are the columns without who and what.
const bookingFacts = `k.id, k.workspace_id, k.hosted, k.from_at, k.to_at, k.from_wall, k.to_wall, k.zone, k.all_day, k.private, k.tentative, k.source,
	k.series_id, k.original_wall, k.created_at, k.updated_at, k.revision, k.cancelled_at, k.end_reason,
	k.resource_id, k.ext_key, k.ext_uid, k.ext_original, k.ext_rev, k.ext_mine, k.has_image, k.token, k.anonymised_at`

const bookingJoins = ` LEFT JOIN booking_person bp ON bp.booking_id = k.id LEFT JOIN person p ON p.id = bp.organizer_id
	LEFT JOIN person c ON c.id = bp.creator_id`

const bookingQuery = `SELECT ` + bookingColumns + ` FROM booking k` + bookingJoins

func scanBooking(r scanner) (Booking, error) {
	var b Booking
	err := r.Scan(&b.ID, &b.Workspace, &b.Hosted, instant{&b.From}, instant{&b.To}, wall{&b.FromWall}, wall{&b.ToWall}, &b.Zone, &b.AllDay, &b.Private, &b.Tentative, &b.Source,
		nullable[SeriesID]{&b.Series}, wall{&b.Original}, instant{&b.CreatedAt}, instant{&b.UpdatedAt}, &b.Revision, instant{&b.CancelledAt}, &b.EndReason,
		nullable[ResourceID]{&b.Resource}, &b.ExtKey, &b.ExtUID, &b.ExtOriginal, &b.ExtRev, &b.ExtMine, &b.HasImage, &b.Token, instant{&b.AnonymisedAt},
		nullable[string]{&b.Subject}, nullable[PersonID]{&b.Organizer}, nullable[string]{&b.OrganizerName}, nullable[string]{&b.OrganizerEmail}, nullable[PersonID]{&b.Creator}, nullable[string]{&b.CreatorName})
	return b, err
}

// wall is a scan target for a local time; "" becomes the zero Wall.
type wall struct{ to *when.Wall }

// Scan implements sql.Scanner.
func (w wall) Scan(v any) (err error) {
	*w.to = when.Wall{}
	if s, _ := v.(string); s != "" {
		*w.to, err = when.ParseWall(s)
	}
	return err
}

// wallText writes a local time; the zero Wall is "".
func wallText(w when.Wall) string {
	if w.IsZero() {
		return ""
	}
	return w.String()
}

// Booking returns one booking, also a cancelled one, or ErrNotFound.
func (tx *Tx) Booking(id BookingID) (Booking, error) {
	return one(tx, scanBooking, bookingQuery+` WHERE k.id = ?`, id)
}

// BookingByToken returns the booking that a request with this idempotency key made in a workspace, or
// ErrNotFound. token is not "".
func (tx *Tx) BookingByToken(ws WorkspaceID, token string) (Booking, error) {
	return one(tx, scanBooking, bookingQuery+` WHERE k.workspace_id = ? AND k.token = ? AND k.token <> ''`, ws, token)
}

// Agenda returns what takes the workspace within [from, to): hosted and synced bookings that stand, in
// order of start, end and id. Times are not clipped.
func (tx *Tx) Agenda(ws WorkspaceID, from, to time.Time) ([]Booking, error) {
	return tx.AgendaOf([]WorkspaceID{ws}, from, to)
}

// AgendaOf is Agenda for many workspaces in one query, grouped by workspace id.
func (tx *Tx) AgendaOf(ids []WorkspaceID, from, to time.Time) ([]Booking, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := list(tx, scanBooking, bookingQuery+` WHERE k.rowid IN (
			SELECT b.rowid FROM json_each(?1) w CROSS JOIN booking b WHERE `+agendaShort+`
			UNION ALL SELECT b.rowid FROM json_each(?1) w CROSS JOIN booking b WHERE `+agendaLong+`)`+limit(AgendaLimit),
		jsonList(ids), unix(from), unix(to))
	slices.SortFunc(all, func(a, b Booking) int { // wide rows sort faster here than in the database
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.ID, b.ID))
	})
	return all, err
}

// Taken is a workspace that is taken within Span, whoever it is.
type Taken struct {
	Workspace WorkspaceID
	Span      when.Interval
}

// agendaShort and agendaLong are together what takes the workspaces w within [?2, ?3): what began not longer than
// a day before it, by the one index, and what lasts longer than a day, by the other. Without the bound
// an agenda would be as slow as the workspace's whole past is long.
const (
	agendaShort = `b.workspace_id = w.value AND b.cancelled_at IS NULL AND b.from_at >= ?2 - 86400 AND b.from_at < ?3 AND b.to_at > ?2`
	agendaLong  = `b.workspace_id = w.value AND b.cancelled_at IS NULL AND b.to_at - b.from_at > 86400 AND b.from_at < ?2 - 86400 AND b.to_at > ?2`
)

// TakenOf returns when workspaces are taken within [from, to), in no order: AgendaOf without the rest, for
// whole buildings at once. Times are not clipped.
func (tx *Tx) TakenOf(ids []WorkspaceID, from, to time.Time) ([]Taken, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	out := make([]Taken, 0, 8*len(ids))
	// One row a workspace: a row a booking costs more than to find it.
	_, err := list(tx, func(r scanner) (struct{}, error) {
		var n int
		var short, long string
		if err := r.Scan(&n, nullable[string]{&short}, nullable[string]{&long}); err != nil {
			return struct{}{}, err
		}
		var err error
		if out, err = appendTaken(out, ids[n], short); err == nil {
			out, err = appendTaken(out, ids[n], long)
		}
		return struct{}{}, err
	}, takenQuery, jsonList(ids), unix(from), unix(to))
	return out, err
}

const (
	takenQuery = `SELECT w.key, ` + takenBy + agendaShort + `), ` + takenBy + agendaLong + `) FROM json_each(?1) w`
	takenBy    = `(SELECT group_concat(b.from_at || ' ' || b.to_at, ' ') FROM booking b WHERE `
)

// appendTaken adds what takenBy tells of a workspace: pairs of Unix seconds.
func appendTaken(out []Taken, id WorkspaceID, pairs string) ([]Taken, error) {
	for pairs != "" {
		var at [2]time.Time
		for i := range at {
			var word string
			word, pairs, _ = strings.Cut(pairs, " ")
			n, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return out, fmt.Errorf("read when a workspace is taken: %w", err)
			}
			at[i] = time.Unix(n, 0).UTC()
		}
		out = append(out, Taken{id, when.Interval{From: at[0], To: at[1]}})
	}
	return out, nil
}

// BookingsOfPerson returns the bookings that a person organises or made and that end after from, in
// order of start; cancelled ones are left out.
func (tx *Tx) BookingsOfPerson(p PersonID, from time.Time, limit int) ([]Booking, error) {
	return list(tx, scanBooking, bookingQuery+` WHERE k.id IN (
			SELECT booking_id FROM booking_person WHERE organizer_id = ? UNION SELECT booking_id FROM booking_person WHERE creator_id = ?)
		AND k.cancelled_at IS NULL AND k.to_at > ? ORDER BY k.from_at, k.to_at, k.id LIMIT ?`, p, p, unix(from), limit)
}

// CountAhead returns how many bookings that stand end after from in these workspaces.
func (tx *Tx) CountAhead(ids []WorkspaceID, from time.Time) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	return one(tx, value[int], `SELECT COUNT(*) FROM booking WHERE workspace_id IN (`+marks(len(ids))+`)
		AND cancelled_at IS NULL AND anonymised_at IS NULL AND to_at > ?`, append(anys(ids), unix(from))...)
}

// InsertBooking stores a new booking with its personal parts. CreatedAt defaults to now, Revision to 1.
// ErrOverlap when it is hosted and another hosted one is in the way, ErrDuplicate for a token or an
// outside identity that is there already.
func (tx *Tx) InsertBooking(b Booking) error {
	if b.CreatedAt.IsZero() {
		b.CreatedAt = tx.now
	}
	b.Revision = max(b.Revision, 1)
	if _, err := tx.exec(`INSERT INTO booking (id, workspace_id, hosted, from_at, to_at, from_wall, to_wall, zone, all_day, private, tentative, source,
			series_id, original_wall, created_at, updated_at, revision, cancelled_at, end_reason,
			resource_id, ext_key, ext_uid, ext_original, ext_rev, ext_mine, has_image, token)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		b.ID, b.Workspace, b.Hosted, unix(b.From), unix(b.To), wallText(b.FromWall), wallText(b.ToWall), b.Zone, b.AllDay, b.Private, b.Tentative, b.Source,
		orNull(b.Series), wallText(b.Original), unix(b.CreatedAt), unix(tx.now), b.Revision, unixOrNull(b.CancelledAt), b.EndReason,
		orNull(b.Resource), b.ExtKey, b.ExtUID, b.ExtOriginal, b.ExtRev, b.ExtMine, b.HasImage, b.Token); err != nil {
		return err
	}
	return tx.SetBookingPeople(b.ID, b.Subject, b.Organizer, b.Creator)
}

// SetBookingPeople replaces who and what of a booking. With nothing to keep, no row is kept.
func (tx *Tx) SetBookingPeople(id BookingID, subject string, organizer, creator PersonID) error {
	if subject == "" && organizer == "" && creator == "" {
		_, err := tx.exec(`DELETE FROM booking_person WHERE booking_id = ?`, id)
		return err
	}
	_, err := tx.exec(`INSERT INTO booking_person (booking_id, subject, organizer_id, creator_id) VALUES (?,?,?,?)
		ON CONFLICT (booking_id) DO UPDATE SET subject=excluded.subject, organizer_id=excluded.organizer_id, creator_id=excluded.creator_id`,
		id, subject, orNull(organizer), orNull(creator))
	return err
}

// UpdateBooking writes workspace, times, walls, zone, flags, cancellation and end reason of a booking
// whose revision is still b.Revision, and raises the revision. ErrStale when it was changed meanwhile,
// ErrOverlap when a hosted one would overlap.
func (tx *Tx) UpdateBooking(b Booking) error {
	n, err := tx.exec(`UPDATE booking SET workspace_id=?, from_at=?, to_at=?, from_wall=?, to_wall=?, zone=?, all_day=?, private=?, tentative=?,
			cancelled_at=?, end_reason=?, updated_at=?, revision=revision+1 WHERE id=? AND revision=?`,
		b.Workspace, unix(b.From), unix(b.To), wallText(b.FromWall), wallText(b.ToWall), b.Zone, b.AllDay, b.Private, b.Tentative,
		unixOrNull(b.CancelledAt), b.EndReason, unix(tx.now), b.ID, b.Revision)
	if err == nil && n == 0 {
		return ErrStale
	}
	return err
}

// SetEndReason notes how a booking ended. ErrNotFound.
func (tx *Tx) SetEndReason(id BookingID, r EndReason) error {
	return tx.must(`UPDATE booking SET end_reason=? WHERE id=?`, r, id)
}

// HostedAhead returns the hosted bookings of a building that stand and end after from, in order of
// workspace and start: what a change of the building's zone concerns. Who and what are left out.
func (tx *Tx) HostedAhead(id BuildingID, from time.Time) ([]Booking, error) {
	all, err := list(tx, scanBooking, `SELECT `+bookingFacts+`, NULL, NULL, NULL, NULL, NULL, NULL FROM booking k
		WHERE k.workspace_id IN (`+workspacesOf+`) AND k.hosted = 1
		AND k.cancelled_at IS NULL AND k.anonymised_at IS NULL AND k.to_at > ?`+limit(AgendaLimit), id, unix(from))
	slices.SortFunc(all, func(a, b Booking) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), a.From.Compare(b.From), cmp.Compare(a.ID, b.ID))
	})
	return all, err
}

// RanOut marks the bookings that ended by themselves up to now, and returns how many.
func (tx *Tx) RanOut() (int64, error) {
	return tx.exec(`UPDATE booking SET end_reason = 'ran_out' WHERE end_reason = '' AND cancelled_at IS NULL AND to_at <= ?`, unix(tx.now))
}
