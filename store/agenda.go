package store

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SyncedEvent is one occurrence as a booking system tells it, normalised: it occupies the room.
type SyncedEvent struct {
	UID, Original      string // identity, survives moves
	Key, Rev           string
	From, To           time.Time
	FromWall, ToWall   string // local times in Zone; of all-day events the first day and the day after the last
	Zone               string
	AllDay             bool
	Private, Tentative bool
	Mine               bool
	HasImage           bool // false when Private
	Token              string
	Created            time.Time // zero = unknown: the time of the first sight is taken
	Subject            string    // empty when Private
	Organizer, Address string    // empty when Private
}

// AgendaChange counts what ApplyAgenda did.
type AgendaChange struct{ Added, Changed, Removed, Same int }

// Any reports whether anything changed.
func (c AgendaChange) Any() bool { return c.Added+c.Changed+c.Removed > 0 }

// stored is what is known of a booking of a calendar. What is compared comes as one text: so an agenda is read with few columns.
type stored struct {
	id        BookingID
	key       string
	uid       string
	original  string
	cancelled bool
	over      bool // it has ended
	known     bool // who and what are known
	from      time.Time
	token     string
	says      string
}

// ApplyAgenda makes the stored bookings of a calendar between from and to equal to events. With complete
// unset nothing is removed. What left the window (it ended before from) keeps its times, while who and
// what are forgotten; a window that lies ahead forgets nothing. Bookings that had begun and are gone are kept as cancelled
// facts, ended ones as what they were: they took place, and who and what are forgotten. ErrNotFound when the calendar was detached.
//
// Unread names what the system has and nobody could read this time: by a SyncedEvent.Key, or by an object, which stands for all
// keys that are the object, a space and Original. A stored booking of that name stays as it was where no event tells it. An
// event whose own key is unread is a guess: it adds a booking and changes none.
func (tx *Tx) ApplyAgenda(c Resource, from, to time.Time, events []SyncedEvent, complete bool, unread ...string) (AgendaChange, error) {
	var ch AgendaChange
	lost := namesOf(unread)
	if _, err := one(tx, value[int], `SELECT 1 FROM resource WHERE id = ? AND deleted_at IS NULL`, c.ID); err != nil {
		return ch, err
	}
	old, err := tx.storedAgenda(c, from, to)
	if err != nil {
		return ch, err
	}
	events = tidy(events, old)
	people := map[[2]string]PersonID{}
	for _, e := range events {
		o, known := old[e.identity()]
		delete(old, e.identity())
		if known && (o.same(e) || lost[e.Key] && !o.cancelled) {
			ch.Same++
			continue
		}
		added, err := tx.saveSynced(c, o, e, people)
		if err != nil {
			return ch, err
		}
		if added {
			ch.Added++
		} else {
			ch.Changed++
		}
	}
	if complete {
		for _, o := range old {
			switch {
			case o.cancelled || o.over && !o.known || lost.has(o.key, o.original):
				continue
			case o.over:
				ch.Changed++
			default:
				ch.Removed++
			}
			if err := tx.removeSynced(o); err != nil {
				return ch, err
			}
		}
	}
	if from.After(tx.now) {
		return ch, nil
	}
	_, err = tx.exec(`DELETE FROM booking_person WHERE booking_id IN
		(SELECT id FROM booking WHERE workspace_id = ? AND resource_id = ? AND anonymised_at IS NULL AND to_at <= ?)`, c.Workspace, c.ID, unix(from))
	return ch, err
}

// unreadNames are names as ApplyAgenda takes them.
type unreadNames map[string]bool

func namesOf(unread []string) unreadNames {
	n := make(unreadNames, len(unread))
	for _, name := range unread {
		n[name] = true
	}
	return n
}

// has reports whether a stored booking is among them.
func (n unreadNames) has(key, original string) bool {
	return n[key] || n[strings.TrimSuffix(key, " "+original)]
}

// UnreadBetween reports whether a stored booking of a calendar that is named in unread, other than the one with that UID and
// Original, takes some of [from, to).
func (tx *Tx) UnreadBetween(c Resource, from, to time.Time, unread []string, uid, original string) (bool, error) {
	if len(unread) == 0 {
		return false, nil
	}
	old, err := tx.storedAgenda(c, from, to)
	delete(old, SyncedEvent{UID: uid, Original: original}.identity())
	names := namesOf(unread)
	for _, o := range old {
		if !o.cancelled && names.has(o.key, o.original) {
			return true, nil
		}
	}
	return false, err
}

// identity names the occurrence within its calendar.
func (e SyncedEvent) identity() string { return e.UID + "\x00" + e.Original }

// tidy returns the events as they are stored: names and addresses in the form that persons have, and each token with one
// event only. A copy of a booking of ours carries its token too, and so does each occurrence when somebody makes a
// series of it: the one that has it by now keeps it.
func tidy(events []SyncedEvent, old map[string]stored) []SyncedEvent {
	events = slices.Clone(events)
	owner := map[string]string{}
	for i := range events {
		e := &events[i]
		e.Organizer, e.Address = strings.TrimSpace(e.Organizer), foldEmail(e.Address)
		if _, taken := owner[e.Token]; !taken || old[e.identity()].token == e.Token {
			owner[e.Token] = e.identity()
		}
	}
	for i := range events {
		if e := &events[i]; owner[e.Token] != e.identity() {
			e.Token = ""
		}
	}
	return events
}

// between stands between the parts of stored.says.
const between = "\x1f"

// says tells in one text all that is compared but the token, as storedAgenda does. An address tells who it is, whatever
// name this system gives.
func (e SyncedEvent) says() string {
	flag := func(b bool) string {
		if b {
			return "1"
		}
		return "0"
	}
	return strings.Join([]string{
		strconv.FormatInt(unix(e.From), 10), strconv.FormatInt(unix(e.To), 10), e.FromWall, e.ToWall, e.Zone,
		flag(e.AllDay), flag(e.Private), flag(e.Tentative), flag(e.Mine), flag(e.HasImage), e.Key, e.Rev, cmp.Or(e.Address, e.Organizer), e.Subject,
	}, between)
}

func (tx *Tx) storedAgenda(c Resource, from, to time.Time) (map[string]stored, error) {
	rows, err := list(tx, func(r scanner) (stored, error) {
		var o stored
		return o, r.Scan(&o.id, &o.key, &o.uid, &o.original, &o.cancelled, &o.over, &o.known, instant{&o.from}, &o.token, &o.says)
	}, `SELECT b.id, b.ext_key, b.ext_uid, b.ext_original, b.cancelled_at IS NOT NULL, b.to_at <= ?, p.booking_id IS NOT NULL, b.from_at, b.token,
		concat_ws('`+between+`', b.from_at, b.to_at, b.from_wall, b.to_wall, b.zone, b.all_day, b.private, b.tentative, b.ext_mine, b.has_image, b.ext_key, b.ext_rev,
			coalesce(nullif(o.email, ''), o.name, ''), coalesce(p.subject, ''))
		FROM booking b LEFT JOIN booking_person p ON p.booking_id = b.id LEFT JOIN person o ON o.id = p.organizer_id
		WHERE b.workspace_id = ? AND b.resource_id = ? AND b.anonymised_at IS NULL AND b.from_at < ? AND b.to_at > ? LIMIT 100000`,
		unix(tx.now), c.Workspace, c.ID, unix(to), unix(from))
	if err != nil {
		return nil, err
	}
	m := make(map[string]stored, len(rows))
	for _, o := range rows {
		m[SyncedEvent{UID: o.uid, Original: o.original}.identity()] = o
	}
	return m, nil
}

// same reports whether a stored booking says all that e says. A stored token is never lost: it stays when the
// system does not tell it.
func (o stored) same(e SyncedEvent) bool {
	return !o.cancelled && (e.Token == "" || e.Token == o.token) && o.says == e.says()
}

// saveSynced adds an event, or changes the booking that mirrors it; it may lie outside the window by its old times. How a
// booking ended stays noted while its times stay.
func (tx *Tx) saveSynced(c Resource, o stored, e SyncedEvent, people map[[2]string]PersonID) (added bool, err error) {
	if e.Token != "" && e.Token != o.token { // another booking that had it is gone, or was copied
		if _, err := tx.exec(`UPDATE booking SET token = '' WHERE workspace_id = ? AND token = ? AND token <> ''`, c.Workspace, e.Token); err != nil {
			return false, err
		}
	}
	created := e.Created
	if created.IsZero() || created.After(tx.now) {
		created = tx.now
	}
	id := NewID[BookingID]()
	now, err := one(tx, value[BookingID], `INSERT INTO booking (id, workspace_id, hosted, from_at, to_at, from_wall, to_wall, zone, all_day, private, tentative,
		source, created_at, updated_at, resource_id, ext_key, ext_uid, ext_original, ext_rev, ext_mine, has_image, token)
		VALUES (?,?,0,?,?,?,?,?,?,?,?,'calendar',?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (resource_id, ext_uid, ext_original) WHERE hosted = 0 AND ext_uid <> '' DO UPDATE SET
			end_reason = CASE WHEN cancelled_at IS NULL AND from_at = excluded.from_at AND to_at = excluded.to_at THEN end_reason ELSE '' END,
			from_at = excluded.from_at, to_at = excluded.to_at, from_wall = excluded.from_wall, to_wall = excluded.to_wall, zone = excluded.zone,
			all_day = excluded.all_day, private = excluded.private, tentative = excluded.tentative, ext_key = excluded.ext_key, ext_rev = excluded.ext_rev,
			ext_mine = excluded.ext_mine, has_image = excluded.has_image, token = coalesce(nullif(excluded.token, ''), token),
			updated_at = excluded.updated_at, revision = revision + 1, cancelled_at = NULL
		RETURNING id`,
		id, c.Workspace, unix(e.From), unix(e.To), e.FromWall, e.ToWall, e.Zone, e.AllDay, e.Private, e.Tentative,
		unix(created), unix(tx.now), c.ID, e.Key, e.UID, e.Original, e.Rev, e.Mine, e.HasImage, e.Token)
	if err != nil {
		return false, fmt.Errorf("save synced booking: %w", err)
	}
	return now == id, tx.saveSyncedPerson(now, e, people)
}

// saveSyncedPerson keeps who created the booking here (a booking of ours that came back from its system) and
// replaces what the system tells. People are those that this transaction has met.
func (tx *Tx) saveSyncedPerson(id BookingID, e SyncedEvent, people map[[2]string]PersonID) error {
	if e.Private {
		_, err := tx.exec(`UPDATE booking_person SET subject = '', organizer_id = NULL WHERE booking_id = ?`, id)
		return err
	}
	who := [2]string{e.Organizer, e.Address}
	organizer, met := people[who]
	if !met {
		var err error
		if organizer, err = tx.FindOrCreatePerson(e.Organizer, e.Address); err != nil {
			return err
		}
		people[who] = organizer
	}
	_, err := tx.exec(`INSERT INTO booking_person (booking_id, subject, organizer_id) VALUES (?,?,?)
		ON CONFLICT (booking_id) DO UPDATE SET subject = excluded.subject, organizer_id = excluded.organizer_id`,
		id, e.Subject, orNull(organizer))
	return err
}

func (tx *Tx) removeSynced(o stored) error {
	if o.from.After(tx.now) {
		return tx.must(`DELETE FROM booking WHERE id = ?`, o.id)
	}
	if _, err := tx.exec(`DELETE FROM booking_person WHERE booking_id = ?`, o.id); err != nil || o.over {
		return err
	}
	return tx.must(`UPDATE booking SET cancelled_at = ?, end_reason = 'cancelled', updated_at = ? WHERE id = ?`, unix(tx.now), unix(tx.now), o.id)
}

// ClaimSynced marks the booking with that token in a calendar as made here: where, and by whom.
func (tx *Tx) ClaimSynced(r ResourceID, token string, source Source, creator PersonID) (BookingID, error) {
	id, err := one(tx, value[BookingID], `SELECT id FROM booking WHERE workspace_id = (SELECT workspace_id FROM resource WHERE id = ?1) AND resource_id = ?1
		AND token = ?2 AND token <> '' AND cancelled_at IS NULL`, r, token)
	if err != nil {
		return "", err
	}
	if err := tx.must(`UPDATE booking SET source = ? WHERE id = ?`, source, id); err != nil {
		return "", err
	}
	if creator == "" {
		return id, nil
	}
	_, err = tx.exec(`INSERT INTO booking_person (booking_id, creator_id) VALUES (?,?)
		ON CONFLICT (booking_id) DO UPDATE SET creator_id = excluded.creator_id`, id, creator)
	return id, err
}

// SyncedRef is what a write to a booking system needs to know of a booking.
type SyncedRef struct {
	ID       BookingID
	Resource ResourceID
	Event    SyncedEvent
}

// SyncedRef returns a booking that mirrors a booking system, or ErrNotFound. Of the event it tells what the system needs
// to find it, and its times.
func (tx *Tx) SyncedRef(id BookingID) (SyncedRef, error) {
	return one(tx, func(r scanner) (SyncedRef, error) {
		ref := SyncedRef{ID: id}
		e := &ref.Event
		return ref, r.Scan(&ref.Resource, &e.UID, &e.Original, &e.Key, &e.Rev, instant{&e.From}, instant{&e.To}, &e.AllDay,
			&e.Private, &e.Tentative, &e.Mine, &e.HasImage, &e.Token)
	}, `SELECT resource_id, ext_uid, ext_original, ext_key, ext_rev, from_at, to_at, all_day, private, tentative, ext_mine, has_image, token
		FROM booking WHERE id = ? AND hosted = 0 AND cancelled_at IS NULL`, id)
}

// AgendaEdge reports whether a booking of the workspace begins or ends in [from, to). An end counts only while
// the booking is not anonymised.
func (tx *Tx) AgendaEdge(w WorkspaceID, from, to time.Time) (bool, error) {
	return one(tx, value[bool], `SELECT
		EXISTS (SELECT 1 FROM booking WHERE workspace_id = ?1 AND cancelled_at IS NULL AND from_at >= ?2 AND from_at < ?3) OR
		EXISTS (SELECT 1 FROM booking WHERE workspace_id = ?1 AND cancelled_at IS NULL AND anonymised_at IS NULL AND to_at >= ?2 AND to_at < ?3)`,
		w, unix(from), unix(to))
}

// FutureHosted counts the hosted bookings of a workspace that have not ended.
func (tx *Tx) FutureHosted(w WorkspaceID) (int, error) {
	return one(tx, value[int], `SELECT count(*) FROM booking WHERE workspace_id = ? AND hosted = 1 AND cancelled_at IS NULL AND anonymised_at IS NULL AND to_at > ?`,
		w, unix(tx.now))
}
