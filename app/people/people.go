package people

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"

	"lintel/store"
)

// Service keeps accounts and lets people in. It is safe for concurrent use.
type Service struct {
	st         *store.Store
	hash       hasher
	dummy      string // the hash that an unknown name is checked against
	limiterKey []byte
}

// New returns the service over an open store. At the very first start it makes its key.
func New(ctx context.Context, st *store.Store) (*Service, error) {
	s := &Service{st: st, hash: newHasher(runtime.NumCPU())}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	err := st.Update(ctx, func(tx *store.Tx) (err error) {
		s.limiterKey, err = tx.EnsureKeyMaterial("sign-in limiter", fresh)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prepare sign-in: %w", err)
	}
	s.dummy = phc{params: present(), salt: fresh[:saltSize], hash: fresh}.String()
	return s, nil
}

// ActorOf returns the actor that a signed-in account is. A disabled one may do nothing.
func ActorOf(a store.Account) Actor {
	actor := Actor{Kind: KindAccount, Account: a.ID, Person: a.Person, ID: string(a.ID)}
	if a.DisabledAt.IsZero() {
		actor.Grants = GrantsOf(a)
	}
	return actor
}

// GrantsOf returns an account's roles.
func GrantsOf(a store.Account) []Grant {
	out := make([]Grant, len(a.Grants))
	for i, g := range a.Grants {
		out[i] = Grant{Role: Role(g.Role), Building: g.Building}
	}
	return out
}

// Account returns an account to somebody who may manage it, or to its owner.
func (s *Service) Account(ctx context.Context, by Actor, id store.AccountID) (a store.Account, err error) {
	err = s.st.View(ctx, func(tx *store.Tx) error {
		a, err = s.account(tx, by, id)
		return err
	})
	return a, err
}

func (s *Service) account(tx *store.Tx, by Actor, id store.AccountID) (store.Account, error) {
	a, err := tx.Account(id)
	if errors.Is(err, store.ErrNotFound) {
		return a, errNoAccount
	}
	if err != nil || by.Account == id {
		return a, err
	}
	return a, mayManage(by, GrantsOf(a))
}

// mayManage holds whoever manages people of one building to those whose every role is there: a password
// set for somebody with more rights would be a way to those rights.
func mayManage(by Actor, grants []Grant) error {
	if !by.CanAnywhere(ManagePeople) {
		return by.Need(ManagePeople, "")
	}
	for _, g := range grants {
		if err := by.Need(ManagePeople, g.Building); err != nil {
			return err
		}
	}
	return nil
}

// Query chooses accounts for a list.
type Query struct {
	Search string // part of name, e-mail or sign-in name
	Sort   string // store.AccountsByName and so on; "" = by name
	Desc   bool
	Limit  int // 0 = all
	Offset int
}

// listMost bounds a list that names no limit.
const listMost = 100_000

// List returns accounts and how many match. Whoever manages one building sees all, since names
// are to be found before a role is given, but may change only those of the building.
func (s *Service) List(ctx context.Context, by Actor, q Query) (out []store.Account, total int, err error) {
	if !by.CanAnywhere(ManagePeople) {
		return nil, 0, by.Need(ManagePeople, "")
	}
	if q.Limit <= 0 {
		q.Limit = listMost
	}
	err = s.st.View(ctx, func(tx *store.Tx) error {
		out, total, err = tx.Accounts(store.AccountQuery{Search: q.Search, Sort: q.Sort, Desc: q.Desc, Limit: q.Limit, Offset: max(0, q.Offset)})
		return err
	})
	return out, total, err
}
