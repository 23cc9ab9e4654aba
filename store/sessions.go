package store

import (
	"encoding/hex"
	"time"
)

// Session is one signed-in browser. Hash is the SHA-256 of the random id in its cookie.
type Session struct {
	Hash      []byte
	Account   AccountID
	CreatedAt time.Time
	SeenAt    time.Time // to some minutes
	ExpiresAt time.Time // absolute limit
	Address   string
	Agent     string
	Data      []byte // the session's values, sealed on disk; not nil
}

func (tx *Tx) scanSession(r scanner) (Session, error) {
	var s Session
	var sealed []byte
	if err := r.Scan(&s.Hash, &s.Account, instant{&s.CreatedAt}, instant{&s.SeenAt}, instant{&s.ExpiresAt}, &s.Address, &s.Agent, &sealed); err != nil {
		return s, err
	}
	var err error
	s.Data, err = tx.open("session", "data", hex.EncodeToString(s.Hash), sealed)
	return s, err
}

const sessionColumns = `hash, account_id, created_at, seen_at, expires_at, address, agent, data`

// CreateSession stores a new session.
func (tx *Tx) CreateSession(s Session) error {
	_, err := tx.exec(`INSERT INTO session (`+sessionColumns+`) VALUES (?,?,?,?,?,?,?,?)`, s.Hash, s.Account, unix(tx.now), unix(tx.now),
		unix(s.ExpiresAt), s.Address, s.Agent, tx.seal("session", "data", hex.EncodeToString(s.Hash), s.Data))
	return err
}

// Session returns the session with that hash whatever its age, or ErrNotFound.
func (tx *Tx) Session(hash []byte) (Session, error) {
	return one(tx, tx.scanSession, `SELECT `+sessionColumns+` FROM session WHERE hash = ?`, hash)
}

// Sessions returns an account's sessions that have not run out, the last seen first.
func (tx *Tx) Sessions(account AccountID, idle time.Duration) ([]Session, error) {
	return list(tx, tx.scanSession, `SELECT `+sessionColumns+` FROM session
		WHERE account_id = ? AND expires_at > ? AND seen_at > ? ORDER BY seen_at DESC LIMIT 100`,
		account, unix(tx.now), unix(tx.now.Add(-idle)))
}

// SetSessionData replaces a session's values.
func (tx *Tx) SetSessionData(hash, data []byte) error {
	return tx.must(`UPDATE session SET data = ? WHERE hash = ?`, tx.seal("session", "data", hex.EncodeToString(hash), data), hash)
}

// TouchSession notes that a session was just used, and from where.
func (tx *Tx) TouchSession(hash []byte, address, agent string) error {
	return tx.must(`UPDATE session SET seen_at = ?, address = ?, agent = ? WHERE hash = ?`, unix(tx.now), address, agent, hash)
}

// DeleteSession ends a session; one that is gone already is no error.
func (tx *Tx) DeleteSession(hash []byte) error {
	_, err := tx.exec(`DELETE FROM session WHERE hash = ?`, hash)
	return err
}

// DeleteSessions ends all sessions of an account but the one with that hash; nil spares none. It returns
// how many there were.
func (tx *Tx) DeleteSessions(account AccountID, except []byte) (int64, error) {
	if except == nil {
		except = []byte{}
	}
	return tx.exec(`DELETE FROM session WHERE account_id = ? AND hash <> ?`, account, except)
}
