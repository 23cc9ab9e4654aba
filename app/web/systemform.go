package web

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"lintel/app/calendars"
	"lintel/app/problem"
	"lintel/connectors"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// The form of a booking system.

func (s *Server) newSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	kind := r.URL.Query().Get("kind")
	if !s.knownKind(kind) {
		return s.show(w, r, v, func(sh ui.Shell) templ.Component {
			return templates.SystemKindsPage(sh, s.kindsView(v, false))
		})
	}
	return s.showSystemForm(w, r, v, http.StatusOK, s.systemForm(v, kind, "", calendars.Connection{}, nil))
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
	c := calendars.Connection{
		Kind: y.Kind, Name: y.Name, URL: y.URL, Username: y.Username, CAPEM: y.CAPEM, Settings: y.Settings, Secrets: y.Secrets,
	}
	return s.showSystemForm(w, r, v, http.StatusOK, s.systemForm(v, y.Kind, string(y.ID), c, nil))
}

// systemForm is the form of a kind with what was typed or is stored; a secret that is there, even when empty, is
// stored.
func (s *Server) systemForm(v *visitor, kind, id string, c calendars.Connection, wrong ui.Errors) templates.SystemForm {
	view := templates.SystemForm{ID: id, Kind: kind, Name: c.Name, Errors: wrong, Guide: v.guide(kind, c), MayTry: s.Calendars.MayTry(kind)}
	words := func(key string) string { // "" when there are none
		if said := v.T(key); said != key {
			return said
		}
		return ""
	}
	for _, f := range s.Calendars.Fields(kind) {
		field := templates.SystemField{
			Field: ui.Field{
				Name: f.Name, Label: v.T("systems.field_" + f.Name), Help: words("systems.help_" + kind + "_" + f.Name), Optional: f.Optional,
				Value: typed(c, f), Error: wrong[f.Name], Autocomplete: "off", Placeholder: words("systems.example_" + kind + "_" + f.Name),
			},
			Control: templates.ControlInput, More: f.More, Group: groupOf(f), Wide: f.Name == "url" || f.Name == "auth",
		}
		if f.Only != "" {
			field.When = f.Only + "=" + strings.Join(f.Values, " ")
		}
		if kind == "ews" && f.Name == "password" {
			field.Optional = false // but for those who have a keytab
		}
		_, stored := c.Secrets[f.Name]
		if f.Hidden() && id != "" && stored && field.Error == "" {
			field.Help, field.Optional = v.T("systems.password_kept"), true
		}
		switch f.Type {
		case calendars.Address:
			if !f.HostAlone {
				field.Type = "url"
			}
		case calendars.Secret:
			field.Type, field.Autocomplete = "password", "new-password"
		case calendars.Day:
			field.Type = "date"
		case calendars.Lines, calendars.SecretFile:
			field.Control, field.Class = templates.ControlArea, "textarea-code"
		case calendars.Choice:
			field.Control, field.Autocomplete = templates.ControlSelect, ""
			for _, option := range f.Options {
				field.Options = append(field.Options, ui.Option{Value: option, Label: v.T("systems.option_" + f.Name + "_" + option)})
			}
		}
		view.Fields = append(view.Fields, field)
	}
	return view
}

// groupOf is the text key of the heading under which a field stands.
func groupOf(f calendars.Field) string {
	switch f.Name {
	case "url", "tenant", "client_id":
		return "systems.group_where"
	case "access", "booking", "account", "inviter", "normal_mailbox":
		return "systems.group_rooms"
	}
	return "systems.group_sign_in"
}

// typed is the value of a field to show again.
func typed(c calendars.Connection, f calendars.Field) string {
	if f.Hidden() {
		return ""
	}
	return c.Value(f.Name)
}

// readSystem reads the form of a booking system.
func (s *Server) readSystem(r *http.Request, kind string) calendars.Connection {
	c := calendars.Connection{Kind: kind, Name: strings.TrimSpace(r.PostFormValue("name"))}
	for _, f := range s.Calendars.Fields(kind) {
		value := r.PostFormValue(f.Name)
		if !f.Hidden() {
			value = strings.TrimSpace(value)
		}
		c.Set(f, value)
	}
	return c
}

// connectSystem stores a new booking system, or only tries it.
func (s *Server) connectSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	kind := r.PostFormValue("kind")
	if !s.knownKind(kind) {
		return problem.New(problem.NotFound, "systems.none")
	}
	c := s.readSystem(r, kind)
	switch r.PostFormValue("step") {
	case templates.SystemCheck:
		return s.trySystem(w, r, v, "", c)
	case templates.SystemFind:
		return s.findServer(w, r, v, "", c)
	}
	id, err := s.Calendars.Connect(r.Context(), v.Actor, c)
	if err != nil {
		return s.systemWrong(w, r, v, "", c, err)
	}
	return s.done(w, r, v, systemsPath+"/"+string(id), v.T("ui.saved"))
}

// systemWrong shows the form again with what is wrong.
func (s *Server) systemWrong(w http.ResponseWriter, r *http.Request, v *visitor, id store.SystemID, c calendars.Connection, err error) error {
	wrong := v.wrong(err)
	if wrong == nil {
		return err
	}
	s.typeAgain(v, c, wrong)
	return s.showSystemForm(w, r, v, statusFor(err), s.systemForm(v, c.Kind, string(id), c, wrong))
}

// typeAgain says beside each secret that was typed that a page does not bring it back.
func (s *Server) typeAgain(v *visitor, c calendars.Connection, wrong ui.Errors) {
	for _, f := range s.Calendars.Fields(c.Kind) {
		if f.Hidden() && !c.Secrets[f.Name].IsZero() && wrong[f.Name] == "" {
			wrong[f.Name] = v.T("systems.type_again")
		}
	}
}

// trySystem walks through a connection before it is stored. Without script the whole page comes back, with script the
// outcome alone.
func (s *Server) trySystem(w http.ResponseWriter, r *http.Request, v *visitor, id store.SystemID, c calendars.Connection) error {
	report, err := s.try(r, v, id, c)
	if fragment(r) {
		return s.showTried(w, r, v, id, c, report, err)
	}
	if err != nil {
		return s.systemWrong(w, r, v, id, c, err)
	}
	view := s.systemForm(v, c.Kind, string(id), c, nil)
	view.Steps = s.checkSteps(r, v, report, hint{kind: c.Kind, user: c.Username, client: c.Settings["client_id"]})
	return s.showSystemForm(w, r, v, http.StatusOK, view)
}

// try checks what was typed. A certificate that is still to be made can't be tried.
func (s *Server) try(r *http.Request, v *visitor, id store.SystemID, c calendars.Connection) (connectors.Report, error) {
	if auth := c.Settings["auth"]; c.Kind == "graph" && (auth == "" || auth == "certificate") {
		made, err := s.hasCertificate(r, v, id)
		if err == nil && !made {
			err = s.Calendars.Validate(v.Actor, c)
			if err == nil {
				err = problem.Field("auth", "systems.try_certificate")
			}
		}
		if err != nil {
			return connectors.Report{}, err
		}
	}
	return s.Calendars.Check(r.Context(), v.Actor, id, c, calendars.CheckOptions{})
}

// hasCertificate reports whether a system, "" for a new one, has a certificate of ours.
func (s *Server) hasCertificate(r *http.Request, v *visitor, id store.SystemID) (bool, error) {
	if id == "" {
		return false, nil
	}
	current, _, err := s.Calendars.Certificates(r.Context(), v.Actor, id)
	return current != nil, err
}

// showTried is the outcome of a try as a part of the page.
func (s *Server) showTried(w http.ResponseWriter, r *http.Request, v *visitor, id store.SystemID, c calendars.Connection, report connectors.Report, err error) error {
	view := templates.Tried{Steps: s.checkSteps(r, v, report, hint{kind: c.Kind, user: c.Username, client: c.Settings["client_id"]})}
	if err != nil {
		wrong := v.wrong(err)
		if wrong == nil {
			return err
		}
		blame := func(field, label string, kept bool) {
			if said := wrong[field]; said != "" {
				view.Wrong = append(view.Wrong, templates.TriedWrong{Field: field, Label: label, Said: said, Kept: kept})
			}
		}
		blame("", "", false)
		blame("name", v.T("places.name"), false)
		for _, f := range s.Calendars.Fields(c.Kind) {
			blame(f.Name, v.T("systems.field_"+f.Name), f.Hidden() && id != "")
		}
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.TriedPart(sh, view) })
}

// findServer looks for an Exchange server by the mail address that was typed in place of its name, and puts its address
// into the form.
func (s *Server) findServer(w http.ResponseWriter, r *http.Request, v *visitor, id store.SystemID, c calendars.Connection) error {
	address, foreign, err := s.Calendars.FindServer(r.Context(), v.Actor, c)
	if err != nil {
		return s.systemWrong(w, r, v, id, c, err)
	}
	c.URL = address
	view := s.systemForm(v, c.Kind, string(id), c, nil)
	view.Notice = v.T("systems.found_server")
	if foreign {
		view.Notice = v.T("systems.found_foreign")
	}
	return s.showSystemForm(w, r, v, http.StatusOK, view)
}

func (s *Server) saveSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	c := s.readSystem(r, st.System.Kind)
	switch r.PostFormValue("step") {
	case templates.SystemCheck:
		return s.trySystem(w, r, v, st.System.ID, c)
	case templates.SystemFind:
		return s.findServer(w, r, v, st.System.ID, c)
	}
	if err := s.Calendars.Edit(r.Context(), v.Actor, st.System.ID, c); err != nil {
		return s.systemWrong(w, r, v, st.System.ID, c, err)
	}
	s.tries.drop(st.System.ID)
	return s.done(w, r, v, systemsPath+"/"+string(st.System.ID), v.T("ui.saved"))
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
	return s.done(w, r, v, systemsPath, v.T("systems.said_deleted", "Name", st.System.Name))
}
