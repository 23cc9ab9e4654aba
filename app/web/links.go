package web

import (
	"net/http"

	"github.com/a-h/templ"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/templates"
	"lintel/templates/ui"
)

// One-time links: nothing happens when they are opened, since mail scanners and previews open them too. A
// button uses them up.

// linkOver says that a link no longer works; any other error stays one.
func (s *Server) linkOver(w http.ResponseWriter, r *http.Request, v *visitor, err error) error {
	if !problem.Has(err, problem.NotFound) {
		return err
	}
	return s.showAs(w, r, v, http.StatusNotFound, func(sh ui.Shell) templ.Component {
		return templates.LinkOverPage(sh, templates.LinkOver{SignIn: true})
	})
}

// passwordForm is where a link to set a password leads.
func (s *Server) passwordForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showPasswordForm(w, r, v, http.StatusOK, nil)
}

func (s *Server) showPasswordForm(w http.ResponseWriter, r *http.Request, v *visitor, status int, wrong ui.Errors) error {
	token := r.PathValue("token")
	a, err := s.People.ResetOwner(r.Context(), secret.New(token))
	if err != nil {
		return s.linkOver(w, r, v, err)
	}
	view := templates.SetPassword{Token: token, Name: a.Name, Login: a.Login, Errors: wrong}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.SetPasswordPage(sh, view) })
}

func (s *Server) setPassword(w http.ResponseWriter, r *http.Request, v *visitor) error {
	err := sameTwice(r)
	if err == nil {
		a, resetErr := s.People.Reset(r.Context(), secret.New(r.PathValue("token")), secret.New(r.PostFormValue("password")))
		if resetErr == nil {
			if err := s.renew(w, r, v, a); err != nil {
				return err
			}
			return s.done(w, r, v, "/", v.T("account.said_password"))
		}
		err = resetErr
	}
	if wrong := v.wrong(err); wrong != nil {
		return s.showPasswordForm(w, r, v, statusFor(err), wrong)
	}
	return s.linkOver(w, r, v, err)
}

// signInLink is where a link leads that signs in once.
func (s *Server) signInLink(w http.ResponseWriter, r *http.Request, v *visitor) error {
	token := r.URL.Query().Get("token")
	a, err := s.People.SignInOwner(r.Context(), secret.New(token))
	if err != nil {
		return s.linkOver(w, r, v, err)
	}
	view := templates.UseLink{Name: a.Name, Token: token, Action: "/sign-in/link"}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.UseLinkPage(sh, view) })
}

func (s *Server) useSignInLink(w http.ResponseWriter, r *http.Request, v *visitor) error {
	a, err := s.People.UseSignInLink(r.Context(), secret.New(r.PostFormValue("token")))
	if err != nil {
		return s.linkOver(w, r, v, err)
	}
	if err := s.renew(w, r, v, a); err != nil {
		return err
	}
	return s.redirect(w, r, "/today")
}
