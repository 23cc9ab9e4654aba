package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"lintel/app/calendars"
	"lintel/app/problem"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// handler answers one route. What it returns becomes an answer in fail.
type handler func(w http.ResponseWriter, r *http.Request, v *visitor) error

// errPanic stands for a panic that was logged already.
var errPanic = errors.New("the handler panicked")

// endpoint finds out who asks, checks the route's permission and runs its handler.
func (s *Server) endpoint(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noteRoute(r)
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, route.limit())
		}
		if route.need == open {
			if err := route.do(w, r, s.stranger(r)); err != nil {
				s.fail(w, r, s.stranger(r), err)
			}
			return
		}
		v, err := s.visit(w, r)
		switch {
		case err != nil:
			s.fail(w, r, v, err)
			return
		case route.need == public:
		case !v.signedIn():
			s.askToSignIn(w, r)
			return
		case route.need != signedIn && !v.CanAnywhere(route.need):
			s.fail(w, r, v, problem.New(problem.Forbidden, "people.forbidden"))
			return
		}
		if r.Method == http.MethodPost {
			err = readForm(r)
		}
		if err == nil {
			err = route.do(w, r, v)
		}
		if err != nil {
			s.fail(w, r, v, err)
		}
	})
}

// Bounds of what a form may send in bytes: maxBody where a list of rooms or a certificate may be in it.
const (
	maxForm = 64 << 10
	maxBody = 4 << 20
)

// limit is how many bytes a route takes.
func (r route) limit() int64 {
	switch r.pattern {
	case roomsPath + "/import", "/setup/rooms", systemsPath, systemsPath + "/{id}/edit", "/setup/system":
		return maxBody
	case pushEventsPath:
		return calendars.PushBytes
	}
	return maxForm
}

// askToSignIn leads to the sign-in page and from there back to a page, not to a form's target.
func (s *Server) askToSignIn(w http.ResponseWriter, r *http.Request) {
	to := "/sign-in"
	if r.Method == http.MethodGet && r.URL.Path != "/" && !fragment(r) {
		to += "?" + query("next", r.URL.RequestURI())
	}
	if fragment(r) {
		w.Header().Set("HX-Redirect", s.base+to)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, s.base+to, http.StatusSeeOther)
}

// fragment reports whether htmx asks for a part of a page.
func fragment(r *http.Request) bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-Boosted") == "" && r.Header.Get("HX-History-Restore-Request") == ""
}

// draw makes a page, or the part of it that htmx asked for, with the frame's values.
type draw func(sh ui.Shell) templ.Component

// show answers with a page. A notice that waits is said on it.
func (s *Server) show(w http.ResponseWriter, r *http.Request, v *visitor, page draw) error {
	return s.showAs(w, r, v, http.StatusOK, page)
}

func (s *Server) showAs(w http.ResponseWriter, r *http.Request, v *visitor, status int, page draw) error {
	sh := s.shell(r, v)
	if !fragment(r) {
		s.dress(w, r, v, &sh)
		notice, err := s.takeNotice(w, r, v)
		if err != nil {
			return err
		}
		sh.Notice = notice
	}
	return s.send(w, r, status, page(sh))
}

// send draws a page before its first byte goes out, so that an error on the way becomes an error's answer.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	var out bytes.Buffer
	if err := page.Render(r.Context(), &out); err != nil {
		return fmt.Errorf("draw the page: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "HX-Request")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // whoever asked may be gone
	return nil
}

// redirect leads to another page of the portal after a form was taken.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, s.base+path, http.StatusSeeOther)
	return nil
}

// fail is the only place that turns an error into an answer.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, v *visitor, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // whoever asked is gone
	}
	status, text := s.judge(r, v, err)
	s.retryAfter(w, err)
	page := templates.ErrorPage(s.shell(r, v), templates.Error{
		Status: status, Text: text, Request: requestID(w),
	})
	if err := s.send(w, r, status, page); err != nil {
		s.Log.ErrorContext(r.Context(), "error page failed", "err", err)
		http.Error(w, http.StatusText(status), status)
	}
}

// judge returns the answer to an error, and logs what nobody but us can mend. Without a text, the status says
// enough.
func (s *Server) judge(r *http.Request, v *visitor, err error) (status int, text string) {
	if p := problem.Of(err); p != nil {
		if p.Err != nil {
			s.Log.WarnContext(r.Context(), "request refused", "problem", p.Key, "err", p.Err)
		}
		return statusOf(p.Kind), v.problem(p, p.Key)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, v.T("error.too_large")
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound, ""
	case errors.Is(err, store.ErrStale):
		return http.StatusConflict, v.T("error.stale")
	}
	if !errors.Is(err, errPanic) {
		s.Log.ErrorContext(r.Context(), "request failed", "route", r.Pattern, "err", err)
	}
	switch {
	case errors.Is(err, store.ErrBusy), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, ""
	case errors.Is(err, store.ErrFull):
		return http.StatusInsufficientStorage, v.T("error.disk_full")
	}
	return http.StatusInternalServerError, ""
}

// statusOf maps the kinds of problems to HTTP.
func statusOf(k problem.Kind) int {
	switch k {
	case problem.Invalid:
		return http.StatusUnprocessableEntity
	case problem.Conflict:
		return http.StatusConflict
	case problem.Forbidden:
		return http.StatusForbidden
	case problem.NotFound:
		return http.StatusNotFound
	case problem.Locked:
		return http.StatusTooManyRequests
	case problem.Refused:
		return http.StatusBadGateway
	case problem.Down:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// retryAfter tells a program what the page tells a person: how long to wait.
func (s *Server) retryAfter(w http.ResponseWriter, err error) {
	p := problem.Of(err)
	if p == nil || p.Kind != problem.Locked {
		return
	}
	if wait, _ := p.Args["Wait"].(time.Duration); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds()+0.999)))
	}
}

// problem says one of a problem's texts, with its values as the visitor's language writes them.
func (v *visitor) problem(p *problem.Problem, key string) string {
	var args []any
	count, counted := 0, false
	for name, value := range p.Args {
		switch x := value.(type) {
		case time.Duration:
			value = v.Duration(x)
		case int:
			if name == "Count" {
				count, counted = x, true
			}
			value = v.Number(x)
		}
		args = append(args, name, value)
	}
	if counted {
		return v.N(key, count, args...)
	}
	return v.T(key, args...)
}

// wrong turns a problem that a form can show into the sentences beside its fields; what blames no field
// stands above the form, under "". It returns nil for everything that is no answer to a form: the caller
// returns such an error.
func (v *visitor) wrong(err error) ui.Errors {
	p := problem.Of(err)
	if p == nil || p.Kind == problem.NotFound || p.Kind == problem.Forbidden {
		return nil
	}
	out := ui.Errors{}
	for field, key := range p.Fields {
		out[field] = v.problem(p, key)
	}
	if len(out) == 0 {
		out[""] = v.problem(p, p.Key)
	}
	return out
}

// statusFor is the status of a form that is shown again because of err.
func statusFor(err error) int {
	if p := problem.Of(err); p != nil {
		return statusOf(p.Kind)
	}
	return http.StatusUnprocessableEntity
}

// nothing answers every address that no route has.
func (s *Server) nothing(http.ResponseWriter, *http.Request, *visitor) error {
	return store.ErrNotFound
}
