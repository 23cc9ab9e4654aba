package people

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

// What an access key is for.
const (
	UseConnector = "connector" // hosted rooms for other systems, by the ROOMZ Connector contract
	UsePush      = "push"      // brings the agendas of one booking system of the kind that is pushed
)

// PushedKind is the kind of booking system whose agendas are pushed.
const PushedKind = "push"

// keyNameMost bounds the name of a key, in characters.
const keyNameMost = 60

// keyPrefix begins every key, so that scanners for leaked secrets and people recognise one.
const keyPrefix = "lintel_"

// freeByKey is how many wrong keys an address may send before it has to wait.
const freeByKey = 30

var (
	errKey   = problem.New(problem.Forbidden, "keys.refused")
	errNoKey = problem.New(problem.NotFound, "keys.none")
)

// NewKey is a key to make.
type NewKey struct {
	Name     string // also the user name where a program signs in by name and password
	Use      string
	MayBook  bool             // UseConnector
	Building store.BuildingID // UseConnector; "" = all
	System   store.SystemID   // UsePush
	Until    time.Time        // it works before; zero = no end
}

// CreateKey makes a key and returns it, once: only its hash is stored. Problems blame the field: name, use,
// building, system, until.
func (s *Service) CreateKey(ctx context.Context, by Actor, n NewKey) (k store.AccessKey, key secret.Text, err error) {
	if err := by.Need(ManageSystems, ""); err != nil {
		return k, key, err
	}
	if n.Name = strings.TrimSpace(n.Name); n.Name == "" {
		return k, key, problem.Field("name", "form.missing")
	}
	if !keyName(n.Name) {
		return k, key, problem.Field("name", "keys.name_wrong", "Count", keyNameMost)
	}
	switch n.Use {
	case UseConnector:
		n.System = ""
	case UsePush:
		n.MayBook, n.Building = false, ""
	default:
		return k, key, problem.Field("use", "keys.use_wrong")
	}
	key = secret.New(keyPrefix + rand.Text()) // 130 random bits
	k = store.AccessKey{ID: store.NewID[store.KeyID](), Name: n.Name, Use: n.Use, MayBook: n.MayBook, Building: n.Building, System: n.System, EndsAt: n.Until}
	err = s.st.Update(ctx, func(tx *store.Tx) error {
		if !n.Until.IsZero() && !n.Until.After(tx.Now()) {
			return problem.Field("until", "keys.until_past")
		}
		if err := keyScope(tx, n); err != nil {
			return err
		}
		if err := tx.AddAccessKey(k, tokenHash(key)); err != nil {
			return err
		}
		if k, err = tx.AccessKey(k.ID); err != nil {
			return err
		}
		return by.Record(tx, "key.create", "key", string(k.ID), "use", k.Use, "may_book", k.MayBook, "building", string(k.Building), "system", string(k.System))
	})
	if errors.Is(err, store.ErrDuplicate) {
		err = problem.Field("name", "keys.name_taken").Because(err)
	}
	if err != nil {
		return store.AccessKey{}, secret.Text{}, err
	}
	return k, key, nil
}

// keyName reports whether a name can stand in a header of HTTP's basic authentication (RFC 7617: no colon, no
// control character).
func keyName(name string) bool {
	return name != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= keyNameMost &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == ':' || !unicode.IsPrint(r) })
}

// keyScope refuses a building or a booking system that is not there.
func keyScope(tx *store.Tx, n NewKey) error {
	if n.Building != "" {
		b, err := tx.Building(n.Building)
		if errors.Is(err, store.ErrNotFound) || err == nil && !b.DeletedAt.IsZero() {
			return problem.Field("building", "people.building_unknown")
		}
		if err != nil {
			return err
		}
	}
	if n.Use != UsePush {
		return nil
	}
	y, err := tx.System(n.System)
	if errors.Is(err, store.ErrNotFound) || err == nil && y.Kind != PushedKind {
		return problem.Field("system", "keys.system_wrong")
	}
	return err
}

// Keys returns the keys that are not revoked, by name; those that have ended too.
func (s *Service) Keys(ctx context.Context, by Actor) (out []store.AccessKey, err error) {
	if err := by.Need(ManageSystems, ""); err != nil {
		return nil, err
	}
	err = s.st.View(ctx, func(tx *store.Tx) error {
		out, err = tx.AccessKeys()
		return err
	})
	return out, err
}

// Key returns one key that is not revoked.
func (s *Service) Key(ctx context.Context, by Actor, id store.KeyID) (k store.AccessKey, err error) {
	if err := by.Need(ManageSystems, ""); err != nil {
		return k, err
	}
	err = s.st.View(ctx, func(tx *store.Tx) error {
		k, err = tx.AccessKey(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = errNoKey
	}
	return k, err
}

// RevokeKey ends a key for good: the next request with it is refused.
func (s *Service) RevokeKey(ctx context.Context, by Actor, id store.KeyID) error {
	if err := by.Need(ManageSystems, ""); err != nil {
		return err
	}
	err := s.st.Update(ctx, func(tx *store.Tx) error {
		if err := tx.RevokeAccessKey(id); err != nil {
			return err
		}
		return by.Record(tx, "key.revoke", "key", string(id))
	})
	if errors.Is(err, store.ErrNotFound) {
		return errNoKey
	}
	return err
}

// SignInProgram returns the key of a program that asks from an address, and notes that it was used. name is
// the user name that came with it, nil where none did. What is wrong, revoked, over or made for another use is the one
// problem keys.refused; an address that sent too many of those is told to wait (keys.locked, Wait). A right key is
// never made to wait: it can't be guessed, and behind one address there may be many programs.
func (s *Service) SignInProgram(ctx context.Context, use string, name *string, key secret.Text, from netip.Addr) (k store.AccessKey, err error) {
	note := false
	err = s.st.View(ctx, func(tx *store.Tx) error {
		k, err = tx.AccessKeyByHash(tokenHash(key))
		note = err == nil && tx.DueForUse(k)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && (k.Use != use || name != nil && *name != k.Name) {
		return store.AccessKey{}, s.refuseProgram(ctx, from)
	}
	if err == nil && note {
		err = s.st.Update(ctx, func(tx *store.Tx) error { return tx.NoteAccessKeyUse(k.ID) })
	}
	return k, err
}

// refuseProgram counts a wrong key and returns what is said about it. Whoever has to wait costs no write.
func (s *Service) refuseProgram(ctx context.Context, from netip.Addr) error {
	limits := []limit{{s.limitKey("key", network(from)), freeByKey}}
	err := s.st.View(ctx, func(tx *store.Tx) error { return mayTry(tx, limits) })
	if err == nil {
		err = s.st.Update(ctx, func(tx *store.Tx) error { return enter(tx, limits) })
	}
	if p := problem.Of(err); p != nil {
		return problem.New(problem.Locked, "keys.locked", "Wait", p.Args["Wait"])
	}
	if err != nil {
		return err
	}
	return errKey
}
