package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

// Programs come with an access key in each request. They have no session and no cookie, and are answered in JSON; the
// sentences of their errors are in the language that they ask for.

// How many requests a second a key may send on average, and at once: 1,000 rooms a minute, and all of them together
// after a restart.
const (
	programRate  = 50
	programBurst = 1_000
)

// programLimits holds each key to its pace.
type programLimits struct {
	mu   sync.Mutex
	keys map[store.KeyID]*rate.Limiter
}

// take returns how long a key has to wait before its next request; 0 = not at all.
func (p *programLimits) take(id store.KeyID, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys == nil {
		p.keys = map[store.KeyID]*rate.Limiter{}
	}
	l := p.keys[id]
	if l == nil {
		l = rate.NewLimiter(programRate, programBurst)
		p.keys[id] = l
	}
	turn := l.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait > 0 {
		turn.CancelAt(now)
	}
	return wait
}

// programHandler answers a program that has shown its key. v speaks for it.
type programHandler func(w http.ResponseWriter, r *http.Request, v *visitor, k store.AccessKey) error

// program lets programs in that have a key for a use.
func (s *Server) program(use string, do programHandler) handler {
	return func(w http.ResponseWriter, r *http.Request, v *visitor) error {
		k, err := s.programKey(r, use)
		if err == nil {
			v.Actor = people.Program(k)
			err = do(w, r, v, k)
		}
		if err != nil {
			s.failProgram(w, r, v, err)
		}
		return nil
	}
}

// errNoProgramKey is said to whoever shows no key. It is no try to guess one.
var errNoProgramKey = problem.New(problem.Forbidden, "keys.refused")

// programKey returns the key that a request shows: as the password of its name (RFC 7617) or as a bearer token
// (RFC 6750).
func (s *Server) programKey(r *http.Request, use string) (store.AccessKey, error) {
	var name *string
	user, key, ok := r.BasicAuth()
	if ok {
		name = &user
	} else {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if key = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || key == "" {
			return store.AccessKey{}, errNoProgramKey
		}
	}
	k, err := s.People.SignInProgram(r.Context(), use, name, secret.New(key), clientOf(r).addr)
	if err != nil {
		return k, err
	}
	if wait := s.programs.take(k.ID, s.Now()); wait > 0 {
		return k, problem.New(problem.Locked, "keys.too_fast", "Wait", max(wait, time.Second))
	}
	return k, nil
}

// programError is what a program is told when its request could not be answered.
type programError struct {
	Error string `json:"error"` // a sentence
}

// failProgram turns an error into an answer to a program.
func (s *Server) failProgram(w http.ResponseWriter, r *http.Request, v *visitor, err error) {
	if r.Context().Err() != nil && errors.Is(err, r.Context().Err()) {
		return // whoever asked is gone
	}
	status, text := s.judge(r, v, err)
	switch {
	case errors.Is(err, errNoProgramKey):
		status = http.StatusUnauthorized
		w.Header().Add("WWW-Authenticate", `Basic realm="Lintel", charset="UTF-8"`)
		w.Header().Add("WWW-Authenticate", `Bearer realm="Lintel"`)
	case status == http.StatusUnprocessableEntity:
		status = http.StatusBadRequest
	case problem.Has(err, problem.Refused):
		status = http.StatusConflict
	}
	if p := problem.Of(err); p != nil {
		for field, key := range p.Fields { // the sentence about a field says more
			text = connectorField(field) + ": " + v.problem(p, key)
		}
	}
	s.retryAfter(w, err)
	if text == "" {
		text = http.StatusText(status)
	}
	sendJSON(w, status, programError{Error: text})
}

// sendJSON answers a program.
func sendJSON(w http.ResponseWriter, status int, what any) {
	b, err := json.Marshal(what)
	if err != nil { // of our own plain structs: it can't be
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // whoever asked may be gone
}

// programMethods returns what may be done at an address of programs, as the Allow header writes it, "" where nothing is.
func programMethods(path string) string {
	for _, a := range []struct{ pattern, methods string }{
		{connectorPath, "GET, HEAD"},
		{connectorMeetings, "GET, HEAD, POST"},
		{connectorMeetings + "/{meeting}", "PUT"},
		{pushRoomsPath, "GET, HEAD"},
		{pushEventsPath, "PUT"},
	} {
		same := func(want, got string) bool { return want == got || strings.HasPrefix(want, "{") && got != "" }
		if slices.EqualFunc(strings.Split(a.pattern, "/"), strings.Split(path, "/"), same) {
			return a.methods
		}
	}
	return ""
}

// programNothing answers every address of programs that no route has, or not by this method.
func (s *Server) programNothing(w http.ResponseWriter, r *http.Request, v *visitor) error {
	nothing := problem.New(problem.NotFound, "keys.no_address")
	methods := programMethods(r.URL.EscapedPath())
	if methods == "" {
		s.failProgram(w, r, v, nothing)
		return nil
	}
	w.Header().Set("Allow", methods)
	other := problem.New(problem.NotFound, "keys.other_method", "Methods", methods)
	sendJSON(w, http.StatusMethodNotAllowed, programError{Error: v.problem(other, other.Key)})
	return nil
}
