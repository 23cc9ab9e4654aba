package web

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/a-h/templ"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// The first start is a wizard of five steps. Where it is stands in a setting, so that it can be left and found
// again; what the steps made stands where everything else does.

// stepsSetting holds the state of each step that is behind, as JSON. It is empty where nobody used the wizard.
const stepsSetting = "setup.steps"

func (s *Server) steps(ctx context.Context) (map[string]ui.StepState, error) {
	state := map[string]ui.StepState{}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		raw, err := tx.Setting(stepsSetting)
		if err != nil || raw == "" {
			return err
		}
		return json.Unmarshal([]byte(raw), &state)
	})
	return state, err
}

// passed notes that a step is behind.
func (s *Server) passed(ctx context.Context, step string, as ui.StepState) error {
	state, err := s.steps(ctx)
	if err != nil {
		return err
	}
	if state[step] == ui.Done {
		return nil
	}
	state[step] = as
	raw, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error { return tx.SetSetting(stepsSetting, string(raw)) })
}

// nextStep is the first step that is not behind.
func nextStep(state map[string]ui.StepState) string {
	for _, step := range templates.SetupSteps() {
		if state[step] == ui.Ahead {
			return step
		}
	}
	return templates.SetupStepDone
}

// progress is what the wizard's frame shows.
func (s *Server) progress(ctx context.Context, here string) (templates.SetupProgress, error) {
	state, err := s.steps(ctx)
	return templates.SetupProgress{Here: here, State: state}, err
}

// onward leads to the step that comes after one that is done, or was left out.
func (s *Server) onward(w http.ResponseWriter, r *http.Request, step string, as ui.StepState) error {
	if err := s.passed(r.Context(), step, as); err != nil {
		return err
	}
	all := append(templates.SetupSteps(), templates.SetupStepDone)
	for i, known := range all[:len(all)-1] {
		if known == step {
			return s.redirect(w, r, "/setup/"+all[i+1])
		}
	}
	return s.redirect(w, r, "/setup/"+templates.SetupStepDone)
}

// setup is where the set-up link leads, and where the wizard is found again.
func (s *Server) setup(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if v.Can(people.ManageSystem, "") {
		state, err := s.steps(r.Context())
		if err != nil {
			return err
		}
		state[templates.SetupStepAdministrator] = ui.Done
		return s.redirect(w, r, "/setup/"+nextStep(state))
	}
	token := secret.New(r.URL.Query().Get("token"))
	if err := s.People.CheckSetup(r.Context(), token); err != nil {
		return s.setupOver(w, r, v, err)
	}
	return s.showAdministrator(w, r, v, http.StatusOK, templates.SetupAdministrator{Token: token.Reveal()})
}

// setupOver says why the set-up does not begin: it is done, or the link is none.
func (s *Server) setupOver(w http.ResponseWriter, r *http.Request, v *visitor, err error) error {
	p := problem.Of(err)
	if p == nil {
		return err
	}
	done := p.Kind == problem.Conflict
	return s.showAs(w, r, v, statusOf(p.Kind), func(sh ui.Shell) templ.Component {
		return templates.LinkOverPage(sh, templates.LinkOver{Setup: true, Done: done, SignIn: done})
	})
}

func (s *Server) showAdministrator(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.SetupAdministrator) error {
	view.Progress = templates.SetupProgress{Here: templates.SetupStepAdministrator}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component {
		sh.Path = "/setup?" + query("token", view.Token)
		return templates.SetupAdministratorPage(sh, view)
	})
}

// setupAdministrator makes the first account with the set-up link, and signs it in.
func (s *Server) setupAdministrator(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view := templates.SetupAdministrator{
		Token: r.PostFormValue("token"), Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Login: r.PostFormValue("login"),
	}
	token := secret.New(view.Token)
	if err := s.People.CheckSetup(r.Context(), token); err != nil {
		return s.setupOver(w, r, v, err)
	}
	typed := people.NewAccount{Name: view.Name, Email: view.Email, Login: view.Login, Password: secret.New(r.PostFormValue("password"))}
	f, err := parse(r)
	if err != nil {
		return err
	}
	f.need("password")
	var account store.Account
	if err = problem.Join(f.err(), typed.Check(), sameTwice(r)); err == nil {
		account, err = s.People.CompleteSetup(r.Context(), token, typed)
	}
	switch {
	case err == nil:
	case problem.Of(err) != nil && problem.Of(err).Fields != nil:
		view.Errors = v.wrong(err)
		return s.showAdministrator(w, r, v, statusFor(err), view)
	default:
		return s.setupOver(w, r, v, err)
	}
	if err := s.renew(w, r, v, account); err != nil {
		return err
	}
	return s.onward(w, r, templates.SetupStepAdministrator, ui.Done)
}

// The organisation and its first building.

func (s *Server) setupOrganisation(w http.ResponseWriter, r *http.Request, v *visitor) error {
	o, err := s.Places.Organisation(r.Context())
	if err != nil {
		return err
	}
	view := templates.SetupOrganisation{Organisation: o.Name, Building: s.freshBuilding(v)}
	first, err := s.firstBuilding(r.Context(), v)
	if err != nil {
		return err
	}
	if first.ID != "" {
		view.Building = buildingView(first)
	}
	return s.showOrganisation(w, r, v, http.StatusOK, view)
}

func (s *Server) showOrganisation(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.SetupOrganisation) (err error) {
	if view.Progress, err = s.progress(r.Context(), templates.SetupStepOrganisation); err != nil {
		return err
	}
	view.Building.Zones = zoneOptions(view.Building.Zone)
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.SetupOrganisationPage(sh, view) })
}

// firstBuilding is the one that the wizard made, or the zero Building.
func (s *Server) firstBuilding(ctx context.Context, v *visitor) (store.Building, error) {
	list, err := s.Places.Buildings(ctx, v.Actor, people.ManagePlaces)
	if err != nil || len(list) == 0 {
		return store.Building{}, err
	}
	return list[0], nil
}

func (s *Server) saveSetupOrganisation(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := parse(r)
	if err != nil {
		return err
	}
	if f.values.Has("skip") {
		return s.onward(w, r, templates.SetupStepOrganisation, ui.Skipped)
	}
	first, err := s.firstBuilding(r.Context(), v)
	if err != nil {
		return err
	}
	view := templates.SetupOrganisation{Organisation: f.text("organisation")}
	building, b, spans := readBuilding(f)
	building.ID, b.ID = string(first.ID), first.ID
	view.Building = building
	fail := func(err error, names map[string]string) error {
		wrong := v.wrong(err)
		if wrong == nil {
			return err
		}
		view.Errors = renameFields(wrong, names)
		view.Building.Errors = view.Errors
		return s.showOrganisation(w, r, v, statusFor(err), view)
	}
	f.need("organisation")
	if err := f.err(); err != nil {
		return fail(err, nil)
	}
	if err := s.Places.SetOrganisation(r.Context(), v.Actor, store.Organisation{Name: view.Organisation, Language: b.Language}); err != nil {
		return fail(err, map[string]string{"name": "organisation"})
	}
	if first.ID == "" {
		_, err = s.makeBuilding(r, v, b, spans)
	} else {
		b.HostedRetention = first.HostedRetention
		_, err = s.Places.ChangeBuilding(r.Context(), v.Actor, b)
	}
	if err != nil {
		return fail(err, map[string]string{"working_days": "weekday"})
	}
	return s.onward(w, r, templates.SetupStepOrganisation, ui.Done)
}

// The booking system.

func (s *Server) setupSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if id := r.URL.Query().Get("system"); id != "" {
		return s.showConnected(w, r, v, store.SystemID(id), nil)
	}
	kind := r.URL.Query().Get("kind")
	if kind != templates.KindHosted && !s.knownKind(kind) {
		kind = ""
	}
	return s.showSetupSystem(w, r, v, http.StatusOK, templates.SetupSystem{Kind: kind, System: s.systemForm(v, kind, "", calendars.Connection{}, nil)})
}

func (s *Server) showSetupSystem(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.SetupSystem) (err error) {
	if view.Progress, err = s.progress(r.Context(), templates.SetupStepSystem); err != nil {
		return err
	}
	view.Groups = s.kindsView(v, true).Groups
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.SetupSystemPage(sh, view) })
}

// showConnected shows the certificate that was made for a system; steps are those of a check, if there was one.
func (s *Server) showConnected(w http.ResponseWriter, r *http.Request, v *visitor, id store.SystemID, steps []ui.CheckStep) error {
	r.SetPathValue("id", string(id))
	st, err := s.status(r)
	if err != nil {
		return err
	}
	view := templates.SetupSystem{Kind: st.System.Kind, System: templates.SystemForm{Steps: steps}}
	if view.Connected, err = s.certificateOf(r, v, st); err != nil {
		return err
	}
	if view.Connected == nil {
		return s.redirect(w, r, "/setup/"+templates.SetupStepRooms)
	}
	return s.showSetupSystem(w, r, v, http.StatusOK, view)
}

func (s *Server) saveSetupSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	kind, check := r.PostFormValue("kind"), r.PostFormValue("step") == templates.SystemCheck
	switch id := store.SystemID(r.PostFormValue("system")); {
	case r.PostFormValue("skip") != "":
		return s.onward(w, r, templates.SetupStepSystem, ui.Skipped)
	case id != "":
		report, err := s.Calendars.Check(r.Context(), v.Actor, id, calendars.Connection{}, calendars.CheckOptions{})
		if err != nil {
			return err
		}
		return s.showConnected(w, r, v, id, s.checkSteps(r, v, report, hint{}))
	case kind == templates.KindHosted:
		return s.onward(w, r, templates.SetupStepSystem, ui.Done)
	case !s.knownKind(kind):
		return s.redirect(w, r, "/setup/"+templates.SetupStepSystem)
	}
	c := s.readSystem(r, kind)
	if !check {
		id, err := s.Calendars.Connect(r.Context(), v.Actor, c)
		if err != nil {
			return s.setupWrong(w, r, v, c, err)
		}
		return s.connected(w, r, v, id)
	}
	report, err := s.try(r, v, "", c)
	switch {
	case fragment(r):
		return s.showTried(w, r, v, "", c, report, err)
	case err != nil:
		return s.setupWrong(w, r, v, c, err)
	}
	view := templates.SetupSystem{Kind: kind, System: s.systemForm(v, kind, "", c, nil)}
	view.System.Steps = s.checkSteps(r, v, report, hint{kind: kind, user: c.Username, client: c.Settings["client_id"]})
	return s.showSetupSystem(w, r, v, http.StatusOK, view)
}

// connected leads on once a system is connected: to its certificate, where it has one that must be uploaded first.
func (s *Server) connected(w http.ResponseWriter, r *http.Request, v *visitor, id store.SystemID) error {
	certificate, _, err := s.Calendars.Certificates(r.Context(), v.Actor, id)
	if err != nil {
		return err
	}
	if certificate == nil {
		return s.onward(w, r, templates.SetupStepSystem, ui.Done)
	}
	if err := s.passed(r.Context(), templates.SetupStepSystem, ui.Done); err != nil {
		return err
	}
	return s.redirect(w, r, "/setup/"+templates.SetupStepSystem+"?"+query("system", string(id)))
}

// setupWrong shows the form again with what is wrong.
func (s *Server) setupWrong(w http.ResponseWriter, r *http.Request, v *visitor, c calendars.Connection, err error) error {
	wrong := v.wrong(err)
	if wrong == nil {
		return err
	}
	s.typeAgain(v, c, wrong)
	return s.showSetupSystem(w, r, v, statusFor(err), templates.SetupSystem{Kind: c.Kind, System: s.systemForm(v, c.Kind, "", c, wrong)})
}

// The first display, and the end.

func (s *Server) setupDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showSetupDisplay(w, r, v, http.StatusOK, templates.ApproveForm{Template: templates.TemplateDay})
}

func (s *Server) showSetupDisplay(w http.ResponseWriter, r *http.Request, v *visitor, status int, form templates.ApproveForm) error {
	view := templates.SetupDisplay{DeviceURL: s.DeviceURL.String(), PanelURL: s.DeviceURL.JoinPath("panel").String(), Approve: form}
	var err error
	if view.Progress, err = s.progress(r.Context(), templates.SetupStepDisplay); err != nil {
		return err
	}
	if view.Approve.Rooms, err = s.roomOptions(r.Context(), v, people.ManageDisplays); err != nil {
		return err
	}
	lines, err := s.displayLines(r.Context(), v)
	if err != nil {
		return err
	}
	for _, d := range lines {
		switch {
		case d.State == store.DisplayPending:
			view.Pending = append(view.Pending, templates.PendingDisplay{ID: string(d.ID), What: d.row.What, Hardware: d.HardwareID, Address: d.Address, Since: s.ago(v, d.CreatedAt)})
		case string(d.ID) == r.URL.Query().Get("display"):
			view.Approved = &templates.RoomDisplay{ID: d.row.ID, Name: d.row.Name, Picture: d.row.Picture, Seen: d.row.Seen, Path: "/displays/" + d.row.ID, Panel: d.Protocol == store.ProtocolPanel}
		}
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component {
		if fragment(r) {
			return templates.SetupPending(sh, view)
		}
		return templates.SetupDisplayPage(sh, view)
	})
}

func (s *Server) saveSetupDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if r.PostFormValue("skip") != "" {
		return s.onward(w, r, templates.SetupStepDisplay, ui.Skipped)
	}
	form, id, err := s.approve(r, v)
	if err != nil {
		if form.Errors = displayErrors(v, err); form.Errors == nil {
			return err
		}
		return s.showSetupDisplay(w, r, v, statusFor(err), form)
	}
	if err := s.passed(r.Context(), templates.SetupStepDisplay, ui.Done); err != nil {
		return err
	}
	return s.redirect(w, r, "/setup/"+templates.SetupStepDisplay+"?"+query("display", string(id)))
}

// setupDone shows what is there now, with the picture of a real room.
func (s *Server) setupDone(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	view := templates.SetupDone{}
	var err error
	if view.Progress, err = s.progress(ctx, templates.SetupStepDone); err != nil {
		return err
	}
	trees, err := s.Places.Trees(ctx, v.Actor)
	if err != nil {
		return err
	}
	rooms := 0
	for _, t := range trees {
		rooms += len(t.Workspaces)
		for _, p := range t.Workspaces {
			if view.RoomID == "" {
				view.RoomID, view.Room = string(p.Workspace.ID), p.Workspace.Name
			}
			if shown := s.Displays.OfRoom(p.Workspace.ID); view.Picture == "" && len(shown) > 0 && shown[0].Picture != nil {
				view.RoomID, view.Room = string(p.Workspace.ID), p.Workspace.Name
				view.Picture = "/rooms/" + view.RoomID + "/displays/" + string(shown[0].ID) + "/" + pictureName(shown[0].Picture)
			}
		}
	}
	view.Facts = []ui.Fact{
		{Key: v.T("nav.building"), Value: v.Number(len(trees))}, {Key: v.T("systems.rooms"), Value: v.Number(rooms)},
		{Key: v.T("nav.systems"), Value: v.Number(len(s.Calendars.Statuses()))},
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.SetupDonePage(sh, view) })
}
