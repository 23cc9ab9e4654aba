package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

// errLink is said of a link that was used, has expired, or never was.
var errLink = problem.New(problem.NotFound, "people.link_over")

// ResetLifetime is how long a link to set a password works.
const ResetLifetime = 24 * time.Hour

// setupLifetime stands for "until used": the table wants an end.
const setupLifetime = 10 * 365 * 24 * time.Hour

// keptSetupLinks bounds how many set-up links of earlier starts still work.
const keptSetupLinks = 5

// mint stores a new link and returns its token, 256 random bits; the table holds its SHA-256.
func mint(tx *store.Tx, purpose string, account store.AccountID, until time.Time) (secret.Text, error) {
	var b [32]byte
	rand.Read(b[:])
	token := secret.New(base64.RawURLEncoding.EncodeToString(b[:]))
	return token, tx.AddLink(store.Link{Hash: tokenHash(token), Purpose: purpose, Account: account, ExpiresAt: until})
}

func tokenHash(token secret.Text) []byte {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return sum[:]
}

// use uses a link up and returns its account.
func use(tx *store.Tx, purpose string, token secret.Text) (store.Account, error) {
	l, err := tx.UseLink(purpose, tokenHash(token))
	if errors.Is(err, store.ErrNotFound) {
		return store.Account{}, errLink
	}
	if err != nil {
		return store.Account{}, err
	}
	a, err := tx.Account(l.Account)
	if err == nil && !a.DisabledAt.IsZero() {
		err = errLink
	}
	return a, err
}

// ResetLink mints a link with which the owner of an account sets a new password, once, within ResetLifetime.
// Earlier ones of the account stop working; its present password keeps working until then.
func (s *Service) ResetLink(ctx context.Context, by Actor, id store.AccountID) (token secret.Text, expires time.Time, err error) {
	err = s.st.Update(ctx, func(tx *store.Tx) error {
		a, err := s.managed(tx, by, id)
		if err != nil {
			return err
		}
		if err := tx.DeleteLinks(store.LinkReset, a.ID); err != nil {
			return err
		}
		expires = tx.Now().Add(ResetLifetime)
		if token, err = mint(tx, store.LinkReset, a.ID, expires); err != nil {
			return err
		}
		return by.Record(tx, "account.reset_link", "account", string(a.ID))
	})
	return token, expires, err
}

// ResetOwner returns the account whose password a link may set, and leaves the link as it is.
func (s *Service) ResetOwner(ctx context.Context, token secret.Text) (a store.Account, err error) {
	return s.peek(ctx, store.LinkReset, token)
}

// SignInOwner returns the account that a sign-in link is for, and leaves the link as it is.
func (s *Service) SignInOwner(ctx context.Context, token secret.Text) (a store.Account, err error) {
	return s.peek(ctx, store.LinkSignIn, token)
}

func (s *Service) peek(ctx context.Context, purpose string, token secret.Text) (a store.Account, err error) {
	err = s.st.View(ctx, func(tx *store.Tx) error {
		l, err := tx.Link(purpose, tokenHash(token))
		if err != nil {
			return err
		}
		a, err = tx.Account(l.Account)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && !a.DisabledAt.IsZero() {
		return store.Account{}, errLink
	}
	return a, err
}

// Reset sets a new password with a link, uses the link up and signs its owner in: the caller begins a
// session. All earlier ones of the account end.
func (s *Service) Reset(ctx context.Context, token, password secret.Text) (a store.Account, err error) {
	if a, err = s.ResetOwner(ctx, token); err != nil {
		return a, err
	}
	if err := CheckPassword("password", password, a.Login, a.Email, a.Name); err != nil {
		return a, err
	}
	fresh, err := s.hash.make(ctx, password.Reveal())
	if err != nil {
		return a, err
	}
	err = s.st.Update(ctx, func(tx *store.Tx) error {
		if a, err = use(tx, store.LinkReset, token); err != nil {
			return err
		}
		if err := tx.ForgiveSignInFailures(s.limitKey("name", a.Login), -1); err != nil {
			return err
		}
		if err := setPassword(tx, ActorOf(a), a, fresh); err != nil {
			return err
		}
		return s.signedIn(tx, a)
	})
	return a, err
}

// NeedsSetup reports whether nobody could administer the house yet.
func (s *Service) NeedsSetup(ctx context.Context) (yes bool, err error) {
	err = s.st.View(ctx, func(tx *store.Tx) error {
		n, err := tx.CountAdministrators()
		yes = n == 0
		return err
	})
	return yes, err
}

// SetupLink mints a link that works until the first administrator is made. When there is one already, the
// problem is setup.done_already. Links of earlier starts keep working beside it, the newest five.
func (s *Service) SetupLink(ctx context.Context) (token secret.Text, err error) {
	err = s.st.Update(ctx, func(tx *store.Tx) error {
		if err := needNoAdministrator(tx); err != nil {
			return err
		}
		if err := tx.KeepNewestLinks(store.LinkSetup, keptSetupLinks-1); err != nil {
			return err
		}
		token, err = mint(tx, store.LinkSetup, "", tx.Now().Add(setupLifetime))
		return err
	})
	return token, err
}

func needNoAdministrator(tx *store.Tx) error {
	n, err := tx.CountAdministrators()
	if err == nil && n > 0 {
		err = problem.New(problem.Conflict, "setup.done_already")
	}
	return err
}

// CheckSetup says whether a set-up link works: nil, people.link_over or setup.done_already.
func (s *Service) CheckSetup(ctx context.Context, token secret.Text) error {
	return s.st.View(ctx, func(tx *store.Tx) error { return checkSetup(tx, token) })
}

func checkSetup(tx *store.Tx, token secret.Text) error {
	if err := needNoAdministrator(tx); err != nil {
		return err
	}
	_, err := tx.Link(store.LinkSetup, tokenHash(token))
	if errors.Is(err, store.ErrNotFound) {
		return errLink
	}
	return err
}

// CompleteSetup makes the first administrator with a set-up link and uses up all such links. Of two people
// who try at once, one gets setup.done_already.
func (s *Service) CompleteSetup(ctx context.Context, token secret.Text, n NewAccount) (a store.Account, err error) {
	if err := s.CheckSetup(ctx, token); err != nil {
		return a, err
	}
	n.Grants = []Grant{{Role: Administrator}}
	if n.Password.IsZero() {
		return a, problem.Join(n.Check(), problem.Field("password", "form.missing"))
	}
	hash, err := s.prepare(ctx, &n)
	if err != nil {
		return a, err
	}
	err = s.st.Update(ctx, func(tx *store.Tx) error {
		if err := checkSetup(tx, token); err != nil {
			return err
		}
		if a, err = create(tx, Setup("setup link"), n, hash); err != nil {
			return err
		}
		if err := tx.DeleteLinks(store.LinkSetup, ""); err != nil {
			return err
		}
		return s.signedIn(tx, a)
	})
	return a, err
}
