package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

// What SignIn answers when name or password is wrong, or the account is disabled: never which.
var errSignIn = problem.New(problem.Invalid, "people.sign_in_failed")

// SignIn checks a sign-in name, or the e-mail address of its owner, and a password that came from an address. The problem is people.sign_in_failed, or
// people.sign_in_locked with a Wait (time.Duration) after too many tries. It takes as long for a name
// that does not exist as for one that does.
func (s *Service) SignIn(ctx context.Context, login string, password secret.Text, from netip.Addr) (store.Account, error) {
	a, stored, err := s.stored(ctx, login)
	if err != nil {
		return store.Account{}, err
	}
	limits := s.limits(cmp.Or(a.Login, login), from)
	if err := s.st.Update(ctx, func(tx *store.Tx) error { return enter(tx, limits) }); err != nil {
		return store.Account{}, err
	}
	ok, fresh, err := s.check(ctx, password, stored)
	if err != nil {
		return store.Account{}, err
	}
	if !ok || !a.DisabledAt.IsZero() {
		return store.Account{}, errSignIn
	}
	err = s.st.Update(ctx, func(tx *store.Tx) error {
		if fresh != "" {
			if err := tx.SetPassword(a.ID, fresh); err != nil {
				return err
			}
		}
		return errors.Join(forgive(tx, limits), s.signedIn(tx, a))
	})
	return a, err
}

// stored returns the account of a name with its hash; of an unknown name, or one without a password, the
// zero account with a hash that no password has.
func (s *Service) stored(ctx context.Context, login string) (a store.Account, hash string, err error) {
	err = s.st.View(ctx, func(tx *store.Tx) error {
		if a, err = tx.AccountByLogin(login); errors.Is(err, store.ErrNotFound) {
			a, err = tx.AccountByEmail(login)
		}
		if err != nil {
			return err
		}
		hash, err = tx.Password(a.ID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && hash == "" {
		return store.Account{}, s.dummy, nil
	}
	return a, hash, err
}

// check compares a password; fresh is its new hash where the old one's costs are out of date.
func (s *Service) check(ctx context.Context, password secret.Text, hash string) (ok bool, fresh string, err error) {
	if len(password.Reveal()) > maxPassword {
		return false, "", nil
	}
	ok, stale, err := s.hash.check(ctx, password.Reveal(), hash)
	if err == nil && stale {
		fresh, err = s.hash.make(ctx, password.Reveal())
	}
	return ok, fresh, err
}

func (s *Service) signedIn(tx *store.Tx, a store.Account) error {
	if err := tx.SetSignedIn(a.ID); err != nil {
		return err
	}
	return ActorOf(a).Record(tx, "account.sign_in", "account", string(a.ID))
}

// SignInLinkLifetime is how long a sign-in link of the demonstration works.
const SignInLinkLifetime = 12 * time.Hour

// SignInLink mints a link that signs an account in once. Only the machine's administrator gets one.
func (s *Service) SignInLink(ctx context.Context, by Actor, id store.AccountID) (token secret.Text, err error) {
	if by.Kind != KindSetup {
		return token, errForbidden
	}
	err = s.st.Update(ctx, func(tx *store.Tx) error {
		token, err = mint(tx, store.LinkSignIn, id, tx.Now().Add(SignInLinkLifetime))
		return err
	})
	return token, err
}

// UseSignInLink signs in with a link and uses it up.
func (s *Service) UseSignInLink(ctx context.Context, token secret.Text) (a store.Account, err error) {
	err = s.st.Update(ctx, func(tx *store.Tx) error {
		if a, err = use(tx, store.LinkSignIn, token); err != nil {
			return err
		}
		return s.signedIn(tx, a)
	})
	return a, err
}

// ChangePassword sets the actor's own password; the present one has to be typed too. All of the account's
// sessions end: the caller begins a new one.
func (s *Service) ChangePassword(ctx context.Context, by Actor, present, next secret.Text, from netip.Addr) error {
	if by.Kind != KindAccount {
		return errForbidden
	}
	a, err := s.Account(ctx, by, by.Account)
	if err != nil {
		return err
	}
	if err := CheckPassword("password", next, a.Login, a.Email, a.Name); err != nil {
		return err
	}
	limits := s.limits(a.Login, from)
	if err := s.st.Update(ctx, func(tx *store.Tx) error { return enter(tx, limits) }); err != nil {
		return err
	}
	_, hash, err := s.stored(ctx, a.Login)
	if err != nil {
		return err
	}
	ok, _, err := s.check(ctx, present, hash)
	if err != nil {
		return err
	}
	if !ok {
		return problem.Field("present", "people.password_wrong")
	}
	fresh, err := s.hash.make(ctx, next.Reveal())
	if err != nil {
		return err
	}
	return s.st.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(forgive(tx, limits), setPassword(tx, by, a, fresh))
	})
}

// setPassword stores a hash, and ends the account's sessions and reset links.
func setPassword(tx *store.Tx, by Actor, a store.Account, hash string) error {
	if err := tx.SetPassword(a.ID, hash); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	if _, err := tx.DeleteSessions(a.ID, nil); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	if err := tx.DeleteLinks(store.LinkReset, a.ID); err != nil {
		return fmt.Errorf("remove links: %w", err)
	}
	return by.Record(tx, "account.password", "account", string(a.ID))
}
