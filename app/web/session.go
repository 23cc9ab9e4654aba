package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/sessions"

	"lintel/app/people"
	"lintel/app/secret"
	"lintel/store"
)

// sessionStore is a sessions.Store over the table of sessions. The cookie holds nothing but a random id of
// 256 bits, which needs no signature: one that we did not make finds no row.
type sessionStore struct {
	people *people.Service
	path   string // of the cookie
}

var _ sessions.Store = (*sessionStore)(nil)

// session is one signed-in browser. The library is named in this file alone.
type session = sessions.Session

// accountKey is where a session carries its account within a request. Values under other keys are text
// and are kept from request to request.
type accountKey struct{}

// cookieName uses the prefixes that make browsers refuse a cookie which somebody else on the domain, or on the
// way, has set (RFC 6265bis, 4.1.3). They need TLS; __Host- also the path "/".
func cookieName(secure bool, path string) string {
	switch {
	case !secure:
		return "lintel"
	case path == "/":
		return "__Host-lintel"
	}
	return "__Secure-lintel"
}

// of returns the request's session, a new empty one when nobody is signed in.
func (st *sessionStore) of(r *http.Request) (*sessions.Session, error) {
	return st.Get(r, cookieName(clientOf(r).secure, st.path))
}

// Get returns the session of a request, read once a request.
func (st *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(st, name)
}

// New reads the session that the cookie names. One that is over is a new one; it is never nil.
func (st *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	s := sessions.NewSession(st, name)
	s.IsNew = true
	s.Options = &sessions.Options{
		Path: st.path, MaxAge: int(people.SessionLifetime.Seconds()),
		Secure: clientOf(r).secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	cookie, err := r.Cookie(name)
	if err != nil {
		return s, nil
	}
	row, account, err := st.people.Resume(r.Context(), secret.New(cookie.Value), clientFrom(r))
	if errors.Is(err, people.ErrNoSession) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read session: %w", err)
	}
	values := map[string]string{}
	if err := json.Unmarshal(row.Data, &values); err != nil {
		return s, fmt.Errorf("read session: %w", err)
	}
	for k, v := range values {
		s.Values[k] = v
	}
	s.Values[accountKey{}] = account
	s.ID, s.IsNew = cookie.Value, false
	return s, nil
}

// Save keeps the session's values. One without an id gets a row, an id and the cookie; one whose MaxAge is
// negative ends.
func (st *sessionStore) Save(r *http.Request, w http.ResponseWriter, s *sessions.Session) error {
	if s.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(s.Name(), "", s.Options))
		if s.ID == "" {
			return nil
		}
		return st.people.End(r.Context(), secret.New(s.ID))
	}
	values := map[string]string{}
	for k, v := range s.Values {
		name, ok1 := k.(string)
		text, ok2 := v.(string)
		if ok1 && ok2 {
			values[name] = text
		}
	}
	data, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	if s.ID != "" {
		err := st.people.SaveSession(r.Context(), secret.New(s.ID), data)
		if errors.Is(err, people.ErrNoSession) {
			return nil // it was ended meanwhile, on purpose
		}
		return err
	}
	account, ok := s.Values[accountKey{}].(store.Account)
	if !ok {
		return errors.New("save session: nobody is signed in")
	}
	id, err := st.people.Begin(r.Context(), account.ID, clientFrom(r), data)
	if err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	s.ID, s.IsNew = id.Reveal(), false
	http.SetCookie(w, sessions.NewCookie(s.Name(), s.ID, s.Options))
	return nil
}

// begin signs the browser in as an account, always under a new id: whoever knew the old one is out. Call
// it before the answer's first byte.
func (st *sessionStore) begin(w http.ResponseWriter, r *http.Request, account store.Account) (*sessions.Session, error) {
	s, err := st.of(r)
	if err != nil {
		return nil, err
	}
	if s.ID != "" {
		if err := st.people.End(r.Context(), secret.New(s.ID)); err != nil {
			return nil, fmt.Errorf("end the session from before: %w", err)
		}
		s.ID = ""
	}
	clear(s.Values)
	s.Values[accountKey{}] = account
	return s, s.Save(r, w)
}

// maxAgent bounds what is kept of a User-Agent header.
const maxAgent = 256

func clientFrom(r *http.Request) people.Client {
	agent := r.UserAgent()
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	c := people.Client{Agent: strings.ToValidUTF8(agent, "")}
	if a := clientOf(r).addr; a.IsValid() {
		c.Address = a.String()
	}
	return c
}
