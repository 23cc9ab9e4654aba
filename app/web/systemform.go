package web

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"lintel/app/calendars"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// The form of a booking system.

func (s *Server) newSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	kind := r.URL.Query().Get("kind")
	if !s.knownKind(kind) {
		return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.SystemKindsPage(sh, templates.SystemKinds{}) })
	}
	return s.showSystemForm(w, r, v, http.StatusOK, templates.SystemForm{Kind: kind})
}

func (s *Server) knownKind(kind string) bool {
	for _, k := range s.Calendars.Kinds() {
		if k == kind {
			return true
		}
	}
	return false
}

func (s *Server) showSystemForm(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.SystemForm) error {
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.SystemFormPage(sh, view) })
}

func (s *Server) editSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	y := st.System
	return s.showSystemForm(w, r, v, http.StatusOK, templates.SystemForm{
		ID: string(y.ID), Kind: y.Kind, Name: y.Name, URL: y.URL, Username: y.Username, HasPassword: y.Username != "", CAPEM: y.CAPEM,
	})
}

// readSystem reads the form of a booking system.
func readSystem(r *http.Request) (templates.SystemForm, calendars.Connection) {
	view := templates.SystemForm{
		Kind: r.PostFormValue("kind"), Name: strings.TrimSpace(r.PostFormValue("name")), URL: strings.TrimSpace(r.PostFormValue("url")),
		Username: strings.TrimSpace(r.PostFormValue("username")), CAPEM: strings.TrimSpace(r.PostFormValue("ca_pem")),
	}
	c := calendars.Connection{
		Kind: view.Kind, Name: view.Name, URL: view.URL, Username: view.Username, Password: secret.New(r.PostFormValue("password")), CAPEM: view.CAPEM,
	}
	return view, c
}

func systemErrors(v *visitor, err error) ui.Errors {
	wrong := v.wrong(err)
	if wrong == nil {
		return nil
	}
	return renameFields(wrong, map[string]string{"ca": "ca_pem"})
}

// connectSystem stores a new booking system, or only tries it.
func (s *Server) connectSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view, c := readSystem(r)
	if !s.knownKind(view.Kind) {
		return problem.New(problem.NotFound, "systems.none")
	}
	if r.PostFormValue("step") == templates.SystemCheck {
		return s.trySystem(w, r, v, view, "", c)
	}
	id, err := s.Calendars.Connect(r.Context(), v.Actor, c)
	if err != nil {
		if view.Errors = systemErrors(v, err); view.Errors == nil {
			return err
		}
		return s.showSystemForm(w, r, v, statusFor(err), view)
	}
	return s.done(w, r, v, systemsPath+"/"+string(id), v.T("ui.saved"))
}

// trySystem walks through a connection before it is stored.
func (s *Server) trySystem(w http.ResponseWriter, r *http.Request, v *visitor, view templates.SystemForm, id store.SystemID, c calendars.Connection) error {
	report, err := s.Calendars.Check(r.Context(), v.Actor, id, c, "", false)
	if err != nil {
		if view.Errors = systemErrors(v, err); view.Errors == nil {
			return err
		}
		return s.showSystemForm(w, r, v, statusFor(err), view)
	}
	view.Steps = v.steps(report)
	return s.showSystemForm(w, r, v, http.StatusOK, view)
}

func (s *Server) saveSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	view, c := readSystem(r)
	view.ID, view.Kind, view.HasPassword = string(st.System.ID), st.System.Kind, st.System.Username != ""
	c.Kind = st.System.Kind
	if r.PostFormValue("step") == templates.SystemCheck {
		return s.trySystem(w, r, v, view, st.System.ID, c)
	}
	if err := s.Calendars.Edit(r.Context(), v.Actor, st.System.ID, c); err != nil {
		if view.Errors = systemErrors(v, err); view.Errors == nil {
			return err
		}
		return s.showSystemForm(w, r, v, statusFor(err), view)
	}
	s.checks.drop(st.System.ID)
	return s.done(w, r, v, systemsPath+"/"+view.ID, v.T("ui.saved"))
}

func (s *Server) askDeleteSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	view, err := s.systemView(r, v, st)
	if err != nil {
		return err
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.DeleteSystemPage(sh, view) })
}

func (s *Server) deleteSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	if err := s.Calendars.Disconnect(r.Context(), v.Actor, st.System.ID); err != nil {
		return err
	}
	s.checks.drop(st.System.ID)
	return s.done(w, r, v, systemsPath, v.T("systems.said_deleted", "Name", st.System.Name))
}
