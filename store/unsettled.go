package store

import "time"

// Unsettled is a booking that was sent to a booking system and is not known yet to stand there.
type Unsettled struct {
	Resource  ResourceID
	Token     string // idempotency key that went along
	Source    Source
	Creator   PersonID // "" for machines
	From, To  time.Time
	CreatedAt time.Time // set by AddUnsettled
}

// AddUnsettled notes a booking before it is sent, and reports whether it was noted before: then it counts from now.
func (tx *Tx) AddUnsettled(u Unsettled) (known bool, err error) {
	if known, err = tx.IsUnsettled(u.Resource, u.Token); err != nil {
		return false, err
	}
	_, err = tx.exec(`INSERT INTO unsettled_booking (resource_id, token, source, creator_id, from_at, to_at, created_at) VALUES (?,?,?,?,?,?,?)
		ON CONFLICT (resource_id, token) DO UPDATE SET created_at = excluded.created_at`,
		u.Resource, u.Token, u.Source, orNull(u.Creator), unix(u.From), unix(u.To), unix(tx.now))
	return known, err
}

// IsUnsettled reports whether a booking of a calendar is noted.
func (tx *Tx) IsUnsettled(id ResourceID, token string) (bool, error) {
	return one(tx, value[bool], `SELECT EXISTS (SELECT 1 FROM unsettled_booking WHERE resource_id = ? AND token = ?)`, id, token)
}

// UnsettledOf lists what is not settled in a calendar, the oldest first.
func (tx *Tx) UnsettledOf(id ResourceID) ([]Unsettled, error) {
	return list(tx, func(r scanner) (Unsettled, error) {
		u := Unsettled{Resource: id}
		return u, r.Scan(&u.Token, &u.Source, nullable[PersonID]{&u.Creator}, instant{&u.From}, instant{&u.To}, instant{&u.CreatedAt})
	}, `SELECT token, source, creator_id, from_at, to_at, created_at FROM unsettled_booking WHERE resource_id = ? ORDER BY created_at, token`, id)
}

// DropUnsettled forgets a booking that is settled, whichever way; one that is not there is none.
func (tx *Tx) DropUnsettled(id ResourceID, token string) error {
	_, err := tx.exec(`DELETE FROM unsettled_booking WHERE resource_id = ? AND token = ?`, id, token)
	return err
}

// UnsettledEnd is a later end of one occurrence that was sent to a booking system and is not known yet to stand there.
type UnsettledEnd struct {
	Resource      ResourceID
	UID, Original string // identity of the occurrence, as in SyncedEvent
	From, Was, To time.Time
	CreatedAt     time.Time // set by AddUnsettledEnd
}

// AddUnsettledEnd notes a later end before it is sent, and reports whether the same was noted before: then it counts from now.
func (tx *Tx) AddUnsettledEnd(u UnsettledEnd) (known bool, err error) {
	if known, err = one(tx, value[bool], `SELECT EXISTS (SELECT 1 FROM unsettled_end WHERE resource_id = ? AND ext_uid = ? AND ext_original = ? AND to_at = ?)`,
		u.Resource, u.UID, u.Original, unix(u.To)); err != nil {
		return false, err
	}
	_, err = tx.exec(`INSERT INTO unsettled_end (resource_id, ext_uid, ext_original, from_at, was_at, to_at, created_at) VALUES (?,?,?,?,?,?,?)
		ON CONFLICT (resource_id, ext_uid, ext_original, to_at) DO UPDATE SET created_at = excluded.created_at`,
		u.Resource, u.UID, u.Original, unix(u.From), unix(u.Was), unix(u.To), unix(tx.now))
	return known, err
}

// IsEndUnsettled reports whether a later end of an occurrence is noted.
func (tx *Tx) IsEndUnsettled(id ResourceID, uid, original string) (bool, error) {
	return one(tx, value[bool], `SELECT EXISTS (SELECT 1 FROM unsettled_end WHERE resource_id = ? AND ext_uid = ? AND ext_original = ?)`, id, uid, original)
}

// UnsettledEndsOf lists the later ends that are not settled in a calendar, the oldest first.
func (tx *Tx) UnsettledEndsOf(id ResourceID) ([]UnsettledEnd, error) {
	return list(tx, func(r scanner) (UnsettledEnd, error) {
		u := UnsettledEnd{Resource: id}
		return u, r.Scan(&u.UID, &u.Original, instant{&u.From}, instant{&u.Was}, instant{&u.To}, instant{&u.CreatedAt})
	}, `SELECT ext_uid, ext_original, from_at, was_at, to_at, created_at FROM unsettled_end WHERE resource_id = ? ORDER BY created_at, to_at`, id)
}

// DropUnsettledEnd forgets a later end that is settled, whichever way; one that is not there is none.
func (tx *Tx) DropUnsettledEnd(u UnsettledEnd) error {
	_, err := tx.exec(`DELETE FROM unsettled_end WHERE resource_id = ? AND ext_uid = ? AND ext_original = ? AND to_at = ?`,
		u.Resource, u.UID, u.Original, unix(u.To))
	return err
}
