package store

import (
	"errors"
	"fmt"
	"time"
)

// Setting returns the value of a setting, "" when it was never set.
func (tx *Tx) Setting(key string) (string, error) {
	v, err := one(tx, value[string], `SELECT value FROM setting WHERE key = ?`, key)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return v, err
}

// SetSetting stores a setting.
func (tx *Tx) SetSetting(key, v string) error {
	_, err := tx.exec(`INSERT INTO setting (key, value) VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, v)
	return err
}

// KeyMaterial returns the key of that name, or ErrNotFound.
func (tx *Tx) KeyMaterial(name string) ([]byte, error) {
	sealed, err := one(tx, value[[]byte], `SELECT sealed FROM key_material WHERE name = ?`, name)
	if err != nil {
		return nil, err
	}
	return tx.open("key_material", "sealed", name, sealed)
}

// EnsureKeyMaterial returns the key of that name and stores fresh as the key when there is none.
func (tx *Tx) EnsureKeyMaterial(name string, fresh []byte) ([]byte, error) {
	key, err := tx.KeyMaterial(name)
	if !errors.Is(err, ErrNotFound) {
		return key, err
	}
	_, err = tx.exec(`INSERT INTO key_material (name, sealed, created_at) VALUES (?,?,?)`, name, tx.seal("key_material", "sealed", name, fresh), unix(tx.now))
	return fresh, err
}

// The purposes of one-time links.
const (
	LinkSetup  = "setup"   // makes the first administrator
	LinkReset  = "reset"   // sets a new password
	LinkSignIn = "sign_in" // signs in once
)

// Link is a one-time link. Hash is the SHA-256 of its token.
type Link struct {
	Hash      []byte
	Purpose   string
	Account   AccountID // "" for set-up
	CreatedAt time.Time
	ExpiresAt time.Time
}

// AddLink stores a link.
func (tx *Tx) AddLink(l Link) error {
	_, err := tx.exec(`INSERT INTO one_time_link (hash, purpose, account_id, created_at, expires_at) VALUES (?,?,?,?,?)`,
		l.Hash, l.Purpose, orNull(l.Account), unix(tx.now), unix(l.ExpiresAt))
	return err
}

// Link returns a link that can still be used, or ErrNotFound.
func (tx *Tx) Link(purpose string, hash []byte) (Link, error) {
	return one(tx, func(r scanner) (Link, error) {
		var l Link
		return l, r.Scan(&l.Hash, &l.Purpose, nullable[AccountID]{&l.Account}, instant{&l.CreatedAt}, instant{&l.ExpiresAt})
	}, `SELECT hash, purpose, account_id, created_at, expires_at FROM one_time_link
		WHERE purpose = ? AND hash = ? AND used_at IS NULL AND expires_at > ?`, purpose, hash, unix(tx.now))
}

// UseLink uses a link up. ErrNotFound says that it was used, has expired or never was.
func (tx *Tx) UseLink(purpose string, hash []byte) (Link, error) {
	l, err := tx.Link(purpose, hash)
	if err != nil {
		return l, err
	}
	return l, tx.must(`UPDATE one_time_link SET used_at = ? WHERE hash = ? AND used_at IS NULL`, unix(tx.now), hash)
}

// DeleteLinks removes the links of a purpose that belong to an account; "" stands for those of none.
func (tx *Tx) DeleteLinks(purpose string, account AccountID) error {
	_, err := tx.exec(`DELETE FROM one_time_link WHERE purpose = ? AND COALESCE(account_id, '') = ?`, purpose, account)
	return err
}

// KeepNewestLinks removes all but the newest n links of a purpose.
func (tx *Tx) KeepNewestLinks(purpose string, n int) error {
	_, err := tx.exec(`DELETE FROM one_time_link WHERE purpose = ?1 AND hash NOT IN
		(SELECT hash FROM one_time_link WHERE purpose = ?1 ORDER BY created_at DESC, hash LIMIT ?2)`, purpose, n)
	return err
}

// AddSignInFailure counts one failed sign-in, now, against a key.
func (tx *Tx) AddSignInFailure(key []byte) error {
	_, err := tx.exec(`INSERT INTO sign_in_failure (key, at) VALUES (?,?)`, key, unix(tx.now))
	return err
}

// SignInFailures returns how many failures a key has since an instant, and when the last one was.
func (tx *Tx) SignInFailures(key []byte, since time.Time) (n int, last time.Time, err error) {
	type row struct {
		n    int
		last time.Time
	}
	got, err := one(tx, func(r scanner) (row, error) {
		var v row
		return v, r.Scan(&v.n, instant{&v.last})
	}, `SELECT COUNT(*), MAX(at) FROM sign_in_failure WHERE key = ? AND at > ?`, key, unix(since))
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count failed sign-ins: %w", err)
	}
	return got.n, got.last, nil
}

// ForgiveSignInFailures removes up to n of a key's failures, the newest first; n < 0 removes all.
func (tx *Tx) ForgiveSignInFailures(key []byte, n int) error {
	_, err := tx.exec(`DELETE FROM sign_in_failure WHERE rowid IN
		(SELECT rowid FROM sign_in_failure WHERE key = ? ORDER BY at DESC, rowid DESC LIMIT ?)`, key, n)
	return err
}
