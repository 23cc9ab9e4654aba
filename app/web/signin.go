package web

import (
	"net/http"
	"time"

	"github.com/a-h/templ"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// home leads everybody to a first page.
func (s *Server) home(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if v.signedIn() {
		return s.redirect(w, r, "/today")
	}
	need, err := s.People.NeedsSetup(r.Context())
	if err != nil {
		return err
	}
	if need {
		return s.redirect(w, r, "/setup")
	}
	return s.redirect(w, r, "/sign-in")
}

func (s *Server) signInForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	next := nextPath(r.URL.Query().Get("next"))
	if v.signedIn() {
		return s.redirect(w, r, next)
	}
	need, err := s.People.NeedsSetup(r.Context())
	if err != nil {
		return err
	}
	if need {
		return s.redirect(w, r, "/setup")
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component {
		return templates.SignInPage(sh, templates.SignIn{Next: next})
	})
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request, v *visitor) error {
	form := templates.SignIn{Login: r.PostFormValue("login"), Next: nextPath(r.PostFormValue("next"))}
	account, err := s.People.SignIn(r.Context(), form.Login, secret.New(r.PostFormValue("password")), clientOf(r).addr)
	if err == nil {
		if _, err := s.sessions.begin(w, r, account); err != nil {
			return err
		}
		return s.redirect(w, r, form.Next)
	}
	if form.Errors = v.wrong(err); form.Errors == nil {
		return err
	}
	if p := problem.Of(err); p.Kind == problem.Locked {
		form.RetryIn, _ = p.Args["Wait"].(time.Duration)
		s.retryAfter(w, err)
		s.Log.WarnContext(r.Context(), "sign-in held back", "problem", p.Key)
	} else {
		s.Log.InfoContext(r.Context(), "sign-in refused", "problem", p.Key)
	}
	return s.showAs(w, r, v, statusFor(err), func(sh ui.Shell) templ.Component {
		sh.Path = "/sign-in?" + query("next", form.Next)
		return templates.SignInPage(sh, form)
	})
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request, v *visitor) error {
	v.session.Options.MaxAge = -1
	if err := v.session.Save(r, w); err != nil {
		return err
	}
	return s.redirect(w, r, "/sign-in?"+query(saidParam, "signed-out"))
}

// renew gives the browser a new session id after what protects the account has changed.
func (s *Server) renew(w http.ResponseWriter, r *http.Request, v *visitor, account store.Account) error {
	session, err := s.sessions.begin(w, r, account)
	if err != nil {
		return err
	}
	v.session = session
	s.become(v, account)
	return nil
}

// nextPath is where to go after signing in: the first page when nothing else was wanted.
func nextPath(next string) string {
	if next = localPath(next); next == "/" {
		return "/today"
	}
	return next
}
