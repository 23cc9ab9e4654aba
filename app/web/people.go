package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

const peoplePath = "/settings/people"

// peoplePage lists the accounts.
func (s *Server) peoplePage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	l := readListing(r, templates.PeopleColumns())
	q := people.Query{Search: l.search, Sort: l.sort, Desc: l.desc, Limit: pageRows, Offset: (l.page - 1) * pageRows}
	accounts, total, err := s.People.List(r.Context(), v.Actor, q)
	if err != nil {
		return err
	}
	names, err := s.buildingNames(r, v)
	if err != nil {
		return err
	}
	t := l.table(r, "people-table", peoplePath, total)
	t.Caption, t.SearchLabel, t.CSV = v.T("people.list"), v.T("people.search"), peoplePath+".csv"
	t.Columns, t.Total, t.NoMatch = templates.PeopleTableColumns(v.Printer), v.N("people.total", total), total == 0
	view := templates.People{Table: t}
	for _, a := range accounts {
		view.Rows = append(view.Rows, templates.PersonRow{
			ID: string(a.ID), Name: a.Name, Login: a.Login, Email: a.Email, Roles: v.grantWords(people.GrantsOf(a), names),
			Seen: s.ago(v, a.LastSignIn), Disabled: !a.DisabledAt.IsZero(), You: a.ID == v.account.ID,
		})
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.PeoplePage(sh, view) })
}

// buildingNames names all buildings that the visitor may see.
func (s *Server) buildingNames(r *http.Request, v *visitor) (map[store.BuildingID]string, error) {
	list, err := s.Places.Buildings(r.Context(), v.Actor, people.SeeRooms)
	names := map[store.BuildingID]string{}
	for _, b := range list {
		names[b.ID] = b.Name
	}
	return names, err
}

func (v *visitor) grantWords(grants []people.Grant, names map[store.BuildingID]string) []string {
	out := make([]string, len(grants))
	for i, g := range grants {
		out[i] = v.T("role." + string(g.Role))
		if g.Building != "" {
			out[i] += " · " + v.buildingWord(names, g.Building)
		}
	}
	return out
}

func (v *visitor) buildingWord(names map[store.BuildingID]string, id store.BuildingID) string {
	switch name, known := names[id]; {
	case id == "":
		return v.T("people.all_buildings")
	case known:
		return name
	}
	return v.T("people.other_building")
}

// peopleCSV is the list as a file.
func (s *Server) peopleCSV(w http.ResponseWriter, r *http.Request, v *visitor) error {
	l := readListing(r, templates.PeopleColumns())
	accounts, _, err := s.People.List(r.Context(), v.Actor, people.Query{Search: l.search, Sort: l.sort, Desc: l.desc})
	if err != nil {
		return err
	}
	names, err := s.buildingNames(r, v)
	if err != nil {
		return err
	}
	rows := [][]string{{"name", "sign_in_name", "email", "roles", "last_sign_in", "disabled"}}
	for _, a := range accounts {
		disabled := "no"
		if !a.DisabledAt.IsZero() {
			disabled = "yes"
		}
		rows = append(rows, []string{a.Name, a.Login, a.Email, strings.Join(v.grantWords(people.GrantsOf(a), names), "; "), stamp(a.LastSignIn), disabled})
	}
	return sendCSV(w, "people.csv", rows)
}

// The page of one account.

func (s *Server) newPerson(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showPerson(w, r, v, http.StatusOK, templates.Person{Role: string(people.User)})
}

// showPerson adds what the form offers: only roles and buildings that the visitor may give.
func (s *Server) showPerson(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.Person) error {
	for _, role := range people.Roles() {
		view.Roles = append(view.Roles, ui.Option{Value: string(role), Label: v.T("role." + string(role)), Help: v.T("role." + string(role) + "_help")})
	}
	if v.Can(people.ManagePeople, "") {
		view.Buildings = append(view.Buildings, ui.Option{Label: v.T("people.all_buildings")})
	}
	list, err := s.Places.Buildings(r.Context(), v.Actor, people.ManagePeople)
	if err != nil {
		return err
	}
	for _, b := range list {
		view.Buildings = append(view.Buildings, ui.Option{Value: string(b.ID), Label: b.Name})
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.PersonPage(sh, view) })
}

// personView is the page of an account as it stands.
func (s *Server) personView(r *http.Request, v *visitor) (templates.Person, error) {
	a, err := s.People.Account(r.Context(), v.Actor, store.AccountID(r.PathValue("id")))
	if err != nil {
		return templates.Person{}, err
	}
	names, err := s.buildingNames(r, v)
	if err != nil {
		return templates.Person{}, err
	}
	view := templates.Person{
		ID: string(a.ID), Name: a.Name, Email: a.Email, Login: a.Login, Language: a.Language, Disabled: !a.DisabledAt.IsZero(),
		You: a.ID == v.account.ID, HasLogin: a.HasSecret, Seen: s.ago(v, a.LastSignIn),
	}
	for _, g := range people.GrantsOf(a) {
		view.Grants = append(view.Grants, templates.Grant{Value: grantValue(g), Label: v.T("role." + string(g.Role)), Where: v.buildingWord(names, g.Building)})
	}
	return view, nil
}

// grantValue names a grant in a form.
func grantValue(g people.Grant) string { return string(g.Role) + ":" + string(g.Building) }

func parseGrant(s string) people.Grant {
	role, building, _ := strings.Cut(s, ":")
	return people.Grant{Role: people.Role(role), Building: store.BuildingID(building)}
}

func (s *Server) person(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view, err := s.personView(r, v)
	if err != nil {
		return err
	}
	return s.showPerson(w, r, v, http.StatusOK, view)
}

// createPerson makes an account and shows the link with which its owner sets a password.
func (s *Server) createPerson(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := parse(r)
	if err != nil {
		return err
	}
	view := templates.Person{Name: f.text("name"), Email: f.text("email"), Login: f.text("login"), Language: f.text("language"), Role: f.text("role"), Building: f.text("building")}
	n := people.NewAccount{Name: view.Name, Email: view.Email, Login: view.Login, Language: view.Language}
	if view.Role != "" {
		n.Grants = []people.Grant{{Role: people.Role(view.Role), Building: store.BuildingID(view.Building)}}
	}
	a, err := s.People.Create(r.Context(), v.Actor, n)
	if err != nil {
		if view.Errors = v.wrong(err); view.Errors == nil {
			return err
		}
		view.Errors = renameFields(view.Errors, map[string]string{"roles": "role"})
		return s.showPerson(w, r, v, statusFor(err), view)
	}
	return s.showResetLink(w, r, v, a)
}

func (s *Server) savePerson(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view, err := s.personView(r, v)
	if err != nil {
		return err
	}
	f, err := parse(r)
	if err != nil {
		return err
	}
	view.Name, view.Email, view.Login, view.Language = f.text("name"), f.text("email"), f.text("login"), f.text("language")
	err = s.People.Edit(r.Context(), v.Actor, store.AccountID(view.ID), people.Details{Name: view.Name, Email: view.Email, Login: view.Login, Language: view.Language})
	if err != nil {
		if view.Errors = v.wrong(err); view.Errors == nil {
			return err
		}
		return s.showPerson(w, r, v, statusFor(err), view)
	}
	return s.done(w, r, v, peoplePath+"/"+view.ID, v.T("ui.saved"))
}

// saveRoles replaces somebody's roles. Whoever changes his own goes on under a new session.
func (s *Server) saveRoles(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view, err := s.personView(r, v)
	if err != nil {
		return err
	}
	f, err := parse(r)
	if err != nil {
		return err
	}
	var grants []people.Grant
	for _, value := range f.all("grant") {
		grants = append(grants, parseGrant(value))
	}
	view.Role, view.Building = f.text("role"), f.text("building")
	if add := (people.Grant{Role: people.Role(view.Role), Building: store.BuildingID(view.Building)}); view.Role != "" && !slices.Contains(grants, add) {
		grants = append(grants, add)
	}
	id := store.AccountID(view.ID)
	if err := s.People.SetRoles(r.Context(), v.Actor, id, grants); err != nil {
		if view.Errors = v.wrong(err); view.Errors == nil {
			return err
		}
		if said, ok := view.Errors[""]; ok { // the page has two forms: this one has its own place for what is wrong
			view.Errors = ui.Errors{"roles": said}
		}
		return s.showPerson(w, r, v, statusFor(err), view)
	}
	if id != v.account.ID {
		return s.done(w, r, v, peoplePath+"/"+view.ID, v.T("ui.saved"))
	}
	account, err := s.People.Account(r.Context(), v.Actor, id)
	if err != nil {
		return err
	}
	if err := s.renew(w, r, v, account); err != nil {
		return err
	}
	to := "/"
	if v.CanAnywhere(people.ManagePeople) {
		to = peoplePath + "/" + view.ID
	}
	return s.done(w, r, v, to, v.T("ui.saved"))
}

func (s *Server) resetPerson(w http.ResponseWriter, r *http.Request, v *visitor) error {
	a, err := s.People.Account(r.Context(), v.Actor, store.AccountID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return s.showResetLink(w, r, v, a)
}

// showResetLink answers with a new link, this once: only its hash is kept.
func (s *Server) showResetLink(w http.ResponseWriter, r *http.Request, v *visitor, a store.Account) error {
	token, until, err := s.People.ResetLink(r.Context(), v.Actor, a.ID)
	if err != nil {
		return err
	}
	view := templates.ResetLink{ID: string(a.ID), Name: a.Name, Link: s.absolute("/password/" + token.Reveal()), Until: v.DateTime(s.localTime(r, v, until))}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.ResetLinkPage(sh, view) })
}

// askDisable asks before an account is disabled.
func (s *Server) askDisable(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view, err := s.personView(r, v)
	if err != nil {
		return err
	}
	if view.You {
		return problem.New(problem.Conflict, "people.not_yourself")
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.DisablePersonPage(sh, view) })
}

func (s *Server) disablePerson(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id := store.AccountID(r.PathValue("id"))
	if id == v.account.ID {
		return problem.New(problem.Conflict, "people.not_yourself")
	}
	disable := r.PostFormValue("disabled") == "on"
	if err := s.People.SetDisabled(r.Context(), v.Actor, id, disable); err != nil {
		view, viewErr := s.personView(r, v)
		if view.Errors = v.wrong(err); viewErr != nil || view.Errors == nil {
			return err
		}
		return s.showPerson(w, r, v, statusFor(err), view)
	}
	text := v.T("people.said_enabled")
	if disable {
		text = v.T("people.said_disabled")
	}
	return s.done(w, r, v, peoplePath+"/"+string(id), text)
}
