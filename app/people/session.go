package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

// Limits of a session.
const (
	SessionIdle     = 12 * time.Hour     // without a request
	SessionLifetime = 7 * 24 * time.Hour // since sign-in
	touchEvery      = 5 * time.Minute    // how exactly the last request is known
)

// ErrNoSession says that an id names no session: it ended, ran out, or never was.
var ErrNoSession = errors.New("no such session")

// Client is where a session's requests come from.
type Client struct {
	Address string
	Agent   string // the browser's User-Agent, cut to a sane length
}

// Begin starts a session and returns its id, 256 random bits for the cookie; the table holds its SHA-256.
func (s *Service) Begin(ctx context.Context, account store.AccountID, c Client, data []byte) (secret.Text, error) {
	var b [32]byte
	rand.Read(b[:])
	id := secret.New(base64.RawURLEncoding.EncodeToString(b[:]))
	err := s.st.Update(ctx, func(tx *store.Tx) error {
		return tx.CreateSession(store.Session{
			Hash: sessionHash(id), Account: account, ExpiresAt: tx.Now().Add(SessionLifetime),
			Address: c.Address, Agent: c.Agent, Data: data,
		})
	})
	return id, err
}

func sessionHash(id secret.Text) []byte {
	sum := sha256.Sum256([]byte(id.Reveal()))
	return sum[:]
}

// Resume returns the session of an id and its account, or ErrNoSession: also when the account is disabled.
// That it was used is written down at most every few minutes.
func (s *Service) Resume(ctx context.Context, id secret.Text, c Client) (session store.Session, a store.Account, err error) {
	var stale bool
	err = s.st.View(ctx, func(tx *store.Tx) error {
		if session, err = tx.Session(sessionHash(id)); err != nil {
			return err
		}
		if a, err = tx.Account(session.Account); err != nil {
			return err
		}
		over := !tx.Now().Before(session.ExpiresAt) || !tx.Now().Before(session.SeenAt.Add(SessionIdle)) || !a.DisabledAt.IsZero()
		if over {
			return ErrNoSession
		}
		stale = tx.Now().Sub(session.SeenAt) >= touchEvery
		return nil
	})
	if err == nil && stale {
		err = s.st.Update(ctx, func(tx *store.Tx) error { return tx.TouchSession(session.Hash, c.Address, c.Agent) })
	}
	if errors.Is(err, store.ErrNotFound) {
		err = ErrNoSession
	}
	return session, a, err
}

// SaveSession replaces the values of a session, or returns ErrNoSession.
func (s *Service) SaveSession(ctx context.Context, id secret.Text, data []byte) error {
	err := s.st.Update(ctx, func(tx *store.Tx) error { return tx.SetSessionData(sessionHash(id), data) })
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoSession
	}
	return err
}

// End ends one session; one that has ended already is no error.
func (s *Service) End(ctx context.Context, id secret.Text) error {
	return s.st.Update(ctx, func(tx *store.Tx) error { return tx.DeleteSession(sessionHash(id)) })
}

// SignedIn is one of an account's sessions, as its owner sees it. ID names it on pages and opens nothing.
type SignedIn struct {
	ID        string
	Client    Client
	CreatedAt time.Time
	SeenAt    time.Time // to some minutes
	Present   bool      // the one that asks
}

// Sessions lists where the actor is signed in, the last seen first. present is the id of the session that asks.
func (s *Service) Sessions(ctx context.Context, by Actor, present secret.Text) (out []SignedIn, err error) {
	if by.Kind != KindAccount {
		return nil, errForbidden
	}
	err = s.st.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Sessions(by.Account, SessionIdle)
		for _, r := range rows {
			out = append(out, SignedIn{
				ID: hex.EncodeToString(r.Hash[:12]), Client: Client{r.Address, r.Agent},
				CreatedAt: r.CreatedAt, SeenAt: r.SeenAt, Present: string(r.Hash) == string(sessionHash(present)),
			})
		}
		return err
	})
	return out, err
}

// EndOther ends another of the actor's sessions, named as Sessions does; "" ends all others.
func (s *Service) EndOther(ctx context.Context, by Actor, present secret.Text, id string) error {
	if by.Kind != KindAccount {
		return errForbidden
	}
	return s.st.Update(ctx, func(tx *store.Tx) error {
		if id == "" {
			n, err := tx.DeleteSessions(by.Account, sessionHash(present))
			if err != nil {
				return err
			}
			return by.Record(tx, "session.end_others", "account", string(by.Account), "count", n)
		}
		rows, err := tx.Sessions(by.Account, SessionIdle)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if hex.EncodeToString(r.Hash[:12]) == id {
				if err := tx.DeleteSession(r.Hash); err != nil {
					return err
				}
				return by.Record(tx, "session.end", "account", string(by.Account))
			}
		}
		return problem.New(problem.NotFound, "people.no_session")
	})
}
