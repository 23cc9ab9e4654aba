package store

import (
	"fmt"
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

// stored is what is compared: an event that is equal costs no write.
type stored struct {
	id        BookingID
	cancelled bool
	organizer PersonID
	e         SyncedEvent
}

// ApplyAgenda makes the stored bookings of a calendar between from and to equal to events. With complete
// unset nothing is removed. What left the window (it ended before from) keeps its times, while who and
// what are forgotten. Bookings that had begun and are gone are kept as cancelled facts. ErrNotFound when the
// calendar was detached.
func (tx *Tx) ApplyAgenda(c Resource, from, to time.Time, events []SyncedEvent, complete bool) (AgendaChange, error) {
	var ch AgendaChange
	if _, err := one(tx, value[int], `SELECT 1 FROM resource WHERE id = ? AND deleted_at IS NULL`, c.ID); err != nil {
		return ch, err
	}
	old, err := tx.storedAgenda(c, from, to)
	if err != nil {
		return ch, err
	}
	for _, e := range events {
		id := e.UID + "\x00" + e.Original
		o, known := old[id]
		if !known { // it may lie outside the window by its old times
			if o, known, err = tx.storedEvent(c.ID, e); err != nil {
				return ch, err
			}
		}
		delete(old, id)
		switch {
		case !known:
			ch.Added++
			err = tx.insertSynced(c, e)
		case same(o, e):
			ch.Same++
		default:
			ch.Changed++
			err = tx.updateSynced(o, e)
		}
		if err != nil {
			return ch, err
		}
	}
	if complete {
		for _, o := range old {
			if o.cancelled {
				continue
			}
			ch.Removed++
			if err := tx.removeSynced(o); err != nil {
				return ch, err
			}
		}
	}
	_, err = tx.exec(`DELETE FROM booking_person WHERE booking_id IN
		(SELECT id FROM booking WHERE workspace_id = ? AND resource_id = ? AND anonymised_at IS NULL AND to_at <= ?)`, c.Workspace, c.ID, unix(from))
	return ch, err
}

const storedColumns = `b.id, b.cancelled_at IS NOT NULL, b.ext_uid, b.ext_original, b.ext_key, b.ext_rev, b.from_at, b.to_at, b.from_wall, b.to_wall,
	b.zone, b.all_day, b.private, b.tentative, b.ext_mine, b.has_image, b.token, coalesce(p.subject, ''), p.organizer_id, coalesce(o.name, ''), coalesce(o.email, '')
	FROM booking b LEFT JOIN booking_person p ON p.booking_id = b.id LEFT JOIN person o ON o.id = p.organizer_id`

func scanStored(r scanner) (stored, error) {
	var s stored
	e := &s.e
	return s, r.Scan(&s.id, &s.cancelled, &e.UID, &e.Original, &e.Key, &e.Rev, instant{&e.From}, instant{&e.To}, &e.FromWall, &e.ToWall,
		&e.Zone, &e.AllDay, &e.Private, &e.Tentative, &e.Mine, &e.HasImage, &e.Token, &e.Subject, nullable[PersonID]{&s.organizer}, &e.Organizer, &e.Address)
}

func (tx *Tx) storedAgenda(c Resource, from, to time.Time) (map[string]stored, error) {
	rows, err := list(tx, scanStored, `SELECT `+storedColumns+` WHERE b.workspace_id = ? AND b.resource_id = ? AND b.anonymised_at IS NULL
		AND b.from_at < ? AND b.to_at > ? LIMIT 100000`, c.Workspace, c.ID, unix(to), unix(from))
	if err != nil {
		return nil, err
	}
	m := make(map[string]stored, len(rows))
	for _, s := range rows {
		m[s.e.UID+"\x00"+s.e.Original] = s
	}
	return m, nil
}

func (tx *Tx) storedEvent(r ResourceID, e SyncedEvent) (stored, bool, error) {
	rows, err := list(tx, scanStored, `SELECT `+storedColumns+` WHERE b.hosted = 0 AND b.resource_id = ? AND b.ext_uid = ? AND b.ext_uid <> '' AND b.ext_original = ?`,
		r, e.UID, e.Original)
	if err != nil || len(rows) == 0 {
		return stored{}, false, err
	}
	return rows[0], true, nil
}

// same reports whether a stored booking says all that e says. A stored token is never lost: it stays when the
// system does not tell it.
func same(o stored, e SyncedEvent) bool {
	if o.cancelled {
		return false
	}
	if e.Token == "" {
		e.Token = o.e.Token
	}
	if !o.e.From.Equal(e.From) || !o.e.To.Equal(e.To) {
		return false
	}
	if e.Address != "" && strings.EqualFold(strings.TrimSpace(e.Address), o.e.Address) {
		e.Organizer, e.Address = o.e.Organizer, o.e.Address // the same person, whatever name this system gives
	}
	e.From, e.To, e.Created = o.e.From, o.e.To, o.e.Created
	return o.e == e
}

func (tx *Tx) insertSynced(c Resource, e SyncedEvent) error {
	id := NewID[BookingID]()
	created := e.Created
	if created.IsZero() || created.After(tx.now) {
		created = tx.now
	}
	_, err := tx.exec(`INSERT INTO booking (id, workspace_id, hosted, from_at, to_at, from_wall, to_wall, zone, all_day, private, tentative,
		source, created_at, updated_at, resource_id, ext_key, ext_uid, ext_original, ext_rev, ext_mine, has_image, token)
		VALUES (?,?,0,?,?,?,?,?,?,?,?,'calendar',?,?,?,?,?,?,?,?,?,?)`,
		id, c.Workspace, unix(e.From), unix(e.To), e.FromWall, e.ToWall, e.Zone, e.AllDay, e.Private, e.Tentative,
		unix(created), unix(tx.now), c.ID, e.Key, e.UID, e.Original, e.Rev, e.Mine, e.HasImage, e.Token)
	if err != nil {
		return fmt.Errorf("add synced booking: %w", err)
	}
	return tx.saveSyncedPerson(id, e)
}

func (tx *Tx) updateSynced(o stored, e SyncedEvent) error {
	token := e.Token
	if token == "" {
		token = o.e.Token
	}
	if err := tx.must(`UPDATE booking SET from_at = ?, to_at = ?, from_wall = ?, to_wall = ?, zone = ?, all_day = ?, private = ?, tentative = ?,
		ext_key = ?, ext_rev = ?, ext_mine = ?, has_image = ?, token = ?, updated_at = ?, revision = revision + 1, cancelled_at = NULL, end_reason = '' WHERE id = ?`,
		unix(e.From), unix(e.To), e.FromWall, e.ToWall, e.Zone, e.AllDay, e.Private, e.Tentative,
		e.Key, e.Rev, e.Mine, e.HasImage, token, unix(tx.now), o.id); err != nil {
		return fmt.Errorf("change synced booking: %w", err)
	}
	return tx.saveSyncedPerson(o.id, e)
}

// saveSyncedPerson keeps who created the booking here (a booking of ours that came back from its system) and
// replaces what the system tells.
func (tx *Tx) saveSyncedPerson(id BookingID, e SyncedEvent) error {
	if e.Private {
		_, err := tx.exec(`UPDATE booking_person SET subject = '', organizer_id = NULL WHERE booking_id = ?`, id)
		return err
	}
	var organizer PersonID
	if e.Organizer != "" || e.Address != "" {
		var err error
		if organizer, err = tx.FindOrCreatePerson(e.Organizer, e.Address); err != nil {
			return err
		}
	}
	_, err := tx.exec(`INSERT INTO booking_person (booking_id, subject, organizer_id) VALUES (?,?,?)
		ON CONFLICT (booking_id) DO UPDATE SET subject = excluded.subject, organizer_id = excluded.organizer_id`,
		id, e.Subject, orNull(organizer))
	return err
}

func (tx *Tx) removeSynced(o stored) error {
	if o.e.From.After(tx.now) {
		return tx.must(`DELETE FROM booking WHERE id = ?`, o.id)
	}
	if _, err := tx.exec(`DELETE FROM booking_person WHERE booking_id = ?`, o.id); err != nil {
		return err
	}
	return tx.must(`UPDATE booking SET cancelled_at = ?, end_reason = 'cancelled', updated_at = ? WHERE id = ?`, unix(tx.now), unix(tx.now), o.id)
}

// ClaimSynced marks the booking with that token in a calendar as made here: where, and by whom.
func (tx *Tx) ClaimSynced(r ResourceID, token, source string, creator PersonID) (BookingID, error) {
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

// SyncedRef returns a booking that mirrors a booking system, or ErrNotFound.
func (tx *Tx) SyncedRef(id BookingID) (SyncedRef, error) {
	r, err := one(tx, value[string], `SELECT resource_id FROM booking WHERE id = ? AND hosted = 0 AND cancelled_at IS NULL`, id)
	if err != nil {
		return SyncedRef{}, err
	}
	s, err := one(tx, scanStored, `SELECT `+storedColumns+` WHERE b.id = ?`, id)
	return SyncedRef{ID: id, Resource: ResourceID(r), Event: s.e}, err
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
