package store

import "time"

// AccessKey is the key of a program that uses our interfaces. The key itself is stored as its hash alone.
type AccessKey struct {
	ID        KeyID
	Name      string
	Use       string     // connector or push
	MayBook   bool       // connector: also makes, changes and cancels bookings
	Building  BuildingID // connector: "" = all
	System    SystemID   // push: whose agendas it brings
	CreatedAt time.Time
	EndsAt    time.Time // it works before; zero = no end
	UsedAt    time.Time // to the minute; zero = never
}

// usedEvery is how often the last use of a key is written at most.
const usedEvery = time.Minute

const keySelect = `SELECT id, name, use, may_book, building_id, system_id, created_at, ends_at, used_at FROM access_key WHERE revoked_at IS NULL`

func scanKey(r scanner) (AccessKey, error) {
	var k AccessKey
	return k, r.Scan(&k.ID, &k.Name, &k.Use, &k.MayBook, nullable[BuildingID]{&k.Building}, nullable[SystemID]{&k.System},
		instant{&k.CreatedAt}, instant{&k.EndsAt}, instant{&k.UsedAt})
}

// AccessKeys returns the keys that are not revoked, ended ones too, by name.
func (tx *Tx) AccessKeys() ([]AccessKey, error) {
	return list(tx, scanKey, keySelect+` ORDER BY lower(name), id LIMIT 10000`)
}

// AccessKey returns one key that is not revoked, or ErrNotFound.
func (tx *Tx) AccessKey(id KeyID) (AccessKey, error) {
	return one(tx, scanKey, keySelect+` AND id = ?`, id)
}

// AccessKeyByHash returns the key with that hash that works now, or ErrNotFound.
func (tx *Tx) AccessKeyByHash(hash []byte) (AccessKey, error) {
	return one(tx, scanKey, keySelect+` AND hash = ? AND (ends_at IS NULL OR ends_at > ?)`, hash, unix(tx.now))
}

// AddAccessKey stores a key with the SHA-256 of what is shown once. A name that another key has is ErrDuplicate.
func (tx *Tx) AddAccessKey(k AccessKey, hash []byte) error {
	_, err := tx.exec(`INSERT INTO access_key (id, name, hash, use, may_book, building_id, system_id, created_at, ends_at) VALUES (?,?,?,?,?,?,?,?,?)`,
		k.ID, k.Name, hash, k.Use, k.MayBook, orNull(k.Building), orNull(k.System), unix(tx.now), unixOrNull(k.EndsAt))
	return err
}

// RevokeAccessKey ends a key for good, or returns ErrNotFound.
func (tx *Tx) RevokeAccessKey(id KeyID) error {
	return tx.must(`UPDATE access_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`, unix(tx.now), id)
}

// DueForUse reports whether NoteAccessKeyUse would write now.
func (tx *Tx) DueForUse(k AccessKey) bool { return tx.now.Sub(k.UsedAt) >= usedEvery }

// NoteAccessKeyUse notes that a key was used, at most once a minute.
func (tx *Tx) NoteAccessKeyUse(id KeyID) error {
	_, err := tx.exec(`UPDATE access_key SET used_at = ? WHERE id = ? AND (used_at IS NULL OR used_at <= ?)`, unix(tx.now), id, unix(tx.now.Add(-usedEvery)))
	return err
}
