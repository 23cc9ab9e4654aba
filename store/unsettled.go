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
