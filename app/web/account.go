package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/templates"
	"lintel/templates/text"
	"lintel/templates/ui"
)

// accountPage is the visitor's own account.
func (s *Server) accountPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showAccount(w, r, v, http.StatusOK, nil)
}

func (s *Server) showAccount(w http.ResponseWriter, r *http.Request, v *visitor, status int, wrong ui.Errors) error {
	names, err := s.buildingNames(r, v)
	if err != nil {
		return err
	}
	sessions, err := s.People.Sessions(r.Context(), v.Actor, secret.New(v.session.ID))
	if err != nil {
		return err
	}
	a := v.account
	view := templates.Account{Name: a.Name, Login: a.Login, Email: a.Email, Language: a.Language, Roles: v.grantWords(v.Grants, names), Errors: wrong}
	for _, d := range sessions {
		view.Sessions = append(view.Sessions, templates.Session{
			ID: d.ID, What: v.browser(d.Client.Agent), Address: d.Client.Address, Seen: s.ago(v, d.SeenAt), Present: d.Present,
		})
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.AccountPage(sh, view) })
}

// browser names a browser and its system as far as a person would recognise them.
func (v *visitor) browser(agent string) string {
	first := func(marks [][2]string) string {
		for _, m := range marks {
			if strings.Contains(agent, m[0]) {
				return m[1]
			}
		}
		return ""
	}
	// Browsers name those that they imitate too, so the more particular stand first.
	name := first([][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS", "Firefox"}, {"Chrome/", "Chrome"}, {"CriOS", "Chrome"}, {"Safari/", "Safari"}})
	system := first([][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}})
	switch {
	case name != "" && system != "":
		return v.T("account.browser_on", "Browser", name, "System", system)
	case name != "":
		return name
	}
	return v.T("account.browser_unknown")
}

// changePassword changes the visitor's own, and goes on under a new session.
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request, v *visitor) error {
	next := secret.New(r.PostFormValue("password"))
	err := sameTwice(r)
	if err == nil {
		err = s.People.ChangePassword(r.Context(), v.Actor, secret.New(r.PostFormValue("present")), next, clientOf(r).addr)
	}
	if err != nil {
		wrong := v.wrong(err)
		if wrong == nil {
			return err
		}
		s.retryAfter(w, err)
		return s.showAccount(w, r, v, statusFor(err), wrong)
	}
	if err := s.renew(w, r, v, v.account); err != nil {
		return err
	}
	return s.done(w, r, v, "/account", v.T("account.said_password"))
}

// sameTwice refuses a new password that was typed in two ways.
func sameTwice(r *http.Request) error {
	if r.PostFormValue("password") != r.PostFormValue("again") {
		return problem.Field("again", "account.again_wrong")
	}
	return nil
}

// saveChoices keeps language and theme.
func (s *Server) saveChoices(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.setChoices(w, r, v, r.PostFormValue("language"), r.PostFormValue("theme")); err != nil {
		return err
	}
	return s.done(w, r, v, "/account", v.T("ui.saved"))
}

// setChoices stores language and theme with the account and in the browser, which is to look the same at the
// sign-in page.
func (s *Server) setChoices(w http.ResponseWriter, r *http.Request, v *visitor, language, theme string) error {
	if language != "" && !text.Lang(language).Known() {
		return problem.Field("language", "places.bad_language")
	}
	if err := s.People.SetChoices(r.Context(), v.Actor, language, theme); err != nil {
		return err
	}
	s.remember(w, r, langCookie, language)
	s.remember(w, r, themeCookie, theme)
	account := v.account
	account.Language, account.Theme = language, theme
	s.become(v, account)
	return nil
}

// chooseLanguage and chooseTheme are the menu's: they lead back to where it was opened.
func (s *Server) chooseLanguage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.setChoices(w, r, v, r.PostFormValue("language"), v.account.Theme); err != nil {
		return err
	}
	return s.redirect(w, r, localPath(r.PostFormValue("back")))
}

func (s *Server) chooseTheme(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.setChoices(w, r, v, v.account.Language, r.PostFormValue("theme")); err != nil {
		return err
	}
	return s.redirect(w, r, localPath(r.PostFormValue("back")))
}

// endSession signs another of the visitor's devices out.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.People.EndOther(r.Context(), v.Actor, secret.New(v.session.ID), r.PathValue("id")); err != nil {
		return err
	}
	return s.done(w, r, v, "/account", v.T("account.said_ended"))
}

// localTime puts an instant into the zone of the building that the visitor looks at, UTC where there is none.
func (s *Server) localTime(r *http.Request, v *visitor, t time.Time) time.Time {
	if v.zone == nil {
		v.zone = time.UTC
		list, err := s.Places.Buildings(r.Context(), v.Actor, people.SeeRooms)
		if err != nil {
			s.Log.ErrorContext(r.Context(), "read the zone of the visitor's building", "err", err)
		}
		wanted := cookieValue(r, buildingCookie)
		for i, b := range list {
			zone, err := b.Location()
			if err == nil && (string(b.ID) == wanted || i == 0) {
				v.zone = zone
			}
		}
	}
	return t.In(v.zone)
}
