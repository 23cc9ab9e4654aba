package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/connectors"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

const systemsPath = "/settings/systems"

// checks remembers what the last check of each booking system found, until the program stops.
type checks struct {
	mu   sync.Mutex
	last map[store.SystemID]check
}

type check struct {
	at     time.Time
	report connectors.Report
}

func (c *checks) put(id store.SystemID, k check) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[store.SystemID]check{}
	}
	c.last[id] = k
}

func (c *checks) get(id store.SystemID) (check, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.last[id]
	return k, ok
}

func (c *checks) drop(id store.SystemID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.last, id)
}

// status finds one connected system.
func (s *Server) status(r *http.Request) (calendars.Status, error) {
	for _, st := range s.Calendars.Statuses() {
		if string(st.System.ID) == r.PathValue("id") {
			return st, nil
		}
	}
	return calendars.Status{}, problem.New(problem.NotFound, "systems.none")
}

// systemsPage has a card for each booking system.
func (s *Server) systemsPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view := templates.Systems{MayManage: v.Can(people.ManageSystems, "")}
	for _, st := range s.Calendars.Statuses() {
		view.Cards = append(view.Cards, s.systemCard(r, v, st))
		view.Rooms += len(st.Rooms)
	}
	all, err := s.Places.Workspaces(r.Context(), v.Actor, store.WorkspaceFilter{})
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Resource == "" {
			view.Hosted.Rooms++
		}
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.SystemsPage(sh, view) })
}

func (s *Server) systemCard(r *http.Request, v *visitor, st calendars.Status) templates.SystemCard {
	y := st.System
	card := templates.SystemCard{ID: string(y.ID), Name: y.Name, Kind: y.Kind, MayManage: v.Can(people.ManageSystems, "")}
	clock := func(t time.Time) string { return s.when(r, v, t) }
	done, total, reading := 0, 0, false
	for _, room := range st.Rooms {
		if room.Resource.LastOK.IsZero() && room.Resource.ErrorKind == "" {
			reading = true
		} else {
			done++
		}
		total++
	}
	switch {
	case !y.PausedAt.IsZero():
		card.State, card.StateWord = ui.Busy, v.T("systems.state_paused", "Time", clock(y.PausedAt))
	case st.OpenErr != nil:
		card.State, card.StateWord = ui.Busy, v.T("systems.state_broken")
	case !y.FailingSince.IsZero():
		card.State, card.StateWord = ui.Busy, v.T("systems.state_failing", "Time", clock(y.FailingSince))
	case reading:
		card.State, card.StateWord = ui.Soon, v.T("systems.state_reading")
		card.Progress = &ui.Progress{
			Label: v.T("systems.progress"), Done: done, Total: total,
			Said: v.T("systems.progress_said", "Done", v.Number(done), "Rooms", v.N("places.rooms_count", total)),
		}
	case y.LastOK.IsZero():
		card.State, card.StateWord = ui.Unknown, v.T("systems.state_new")
	default:
		card.State, card.StateWord = ui.Free, v.T("systems.state_good", "Ago", s.ago(v, y.LastOK))
	}
	last := v.T("ui.never")
	if !y.LastOK.IsZero() {
		last = clock(y.LastOK) + ", " + s.ago(v, y.LastOK)
	}
	card.Facts = []ui.Fact{
		{Key: v.T("systems.last_ok"), Value: last},
		{Key: v.T("systems.rooms"), Value: v.Number(total)},
		{Key: v.T("systems.asked"), Value: v.T("systems.asked_per_minute", "Number", v.Decimal(st.PerMinute, 1))},
	}
	if y.Username != "" {
		card.Facts = append(card.Facts, ui.Fact{Key: v.T("systems.signed_in_as"), Value: y.Username})
	}
	card.Can = []templates.Capability{
		{Label: v.T("systems.can_titles"), On: !st.Caps.Has(connectors.CapFreeBusyOnly)},
		{Label: v.T("systems.can_book"), On: st.Caps.Has(connectors.CapBook)},
		{Label: v.T("systems.can_release"), On: st.Caps.Has(connectors.CapRelease)},
	}
	if k, ok := s.checks.get(y.ID); ok {
		card.Checked, card.Steps = clock(k.at), v.steps(k.report)
	} else if y.ErrorKind != "" {
		card.Steps = []ui.CheckStep{v.failure(y.ErrorKind, y.ErrorSaid)}
	}
	return card
}

// when prints an instant in the zone of the visitor's building: the time alone if it is today.
func (s *Server) when(r *http.Request, v *visitor, t time.Time) string {
	t = s.localTime(r, v, t)
	if now := s.Now().In(t.Location()); now.Format(time.DateOnly) == t.Format(time.DateOnly) {
		return v.Clock(t)
	}
	return v.DateShort(t) + ", " + v.Clock(t)
}

// steps writes a report as a page shows it.
func (v *visitor) steps(report connectors.Report) []ui.CheckStep {
	var out []ui.CheckStep
	for _, step := range report.Steps {
		line := ui.CheckStep{Name: v.T(step.Name), Raw: step.Said}
		switch step.State {
		case connectors.StepOK:
			line.State, line.Said, line.Raw = ui.Good, step.Said, ""
		case connectors.StepWarned:
			line.State = ui.Warn
		case connectors.StepFailed:
			line.State, line.Said = ui.Bad, v.T("systems.step_failed")
		default:
			line.State, line.Said = ui.Waiting, v.T("systems.step_skipped")
		}
		if step.Cure != "" {
			line.Cure = v.T(step.Cure)
		}
		if step.State != connectors.StepSkipped {
			line.Took = v.Duration(step.Took)
		}
		out = append(out, line)
	}
	return out
}

// failure is what the engine met, as a step that failed.
func (v *visitor) failure(kind, said string) ui.CheckStep {
	return ui.CheckStep{
		State: ui.Bad, Name: v.T("systems.last_try"), Said: v.T("systems.step_failed"), Raw: said,
		Cure: v.T(connectors.CureOf(&connectors.Error{Kind: connectors.Kind(kind)})),
	}
}

// systemCardPart is one card for a page that asks for it anew.
func (s *Server) systemCardPart(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	card := s.systemCard(r, v, st)
	return s.show(w, r, v, func(sh ui.Shell) templ.Component {
		return templates.SystemCardPart(sh, card, r.URL.Query().Get("link") == "1")
	})
}

// checkSystem walks through a connection step by step.
func (s *Server) checkSystem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	address := ""
	if len(st.Rooms) > 0 {
		address = st.Rooms[0].Resource.Address
	}
	report, err := s.Calendars.Check(r.Context(), v.Actor, st.System.ID, calendars.Connection{}, address, false)
	if err != nil {
		return err
	}
	s.checks.put(st.System.ID, check{at: s.Now(), report: report})
	if fragment(r) {
		return s.systemCardPart(w, r, v)
	}
	return s.redirect(w, r, systemsPath+"/"+string(st.System.ID))
}

// system shows one booking system with its rooms.
func (s *Server) system(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showSystem(w, r, v, http.StatusOK, templates.AttachForm{})
}

func (s *Server) showSystem(w http.ResponseWriter, r *http.Request, v *visitor, status int, form templates.AttachForm) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	view, err := s.systemView(r, v, st)
	if err != nil {
		return err
	}
	view.Attach = form
	if r.URL.Query().Get("calendars") == "1" {
		if err := s.offered(r.Context(), v, st, &view); err != nil {
			wrong := v.wrong(err)
			if wrong == nil {
				return err
			}
			view.Attach.Errors = wrong
		}
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.SystemPage(sh, view) })
}

func (s *Server) systemView(r *http.Request, v *visitor, st calendars.Status) (templates.System, error) {
	view := templates.System{Card: s.systemCard(r, v, st)}
	for _, room := range st.Rooms {
		res := room.Resource
		line := templates.AttachedRoom{
			ID: string(res.Workspace), Name: res.WorkspaceName, Address: openAddress(st.System.Kind, res.Address), Writable: res.Writable,
		}
		switch {
		case res.ErrorKind != "":
			line.State, line.Word = ui.Busy, v.T("systems.state_failing", "Time", s.when(r, v, res.FailingSince))
			line.Said = v.T(connectors.CureOf(&connectors.Error{Kind: connectors.Kind(res.ErrorKind)}))
		case res.LastOK.IsZero():
			line.State, line.Word = ui.Soon, v.T("systems.state_reading")
		default:
			line.State, line.Word = ui.Free, v.T("check.good")
		}
		if !res.LastOK.IsZero() {
			line.LastOK = s.ago(v, res.LastOK)
		}
		for _, warning := range res.Warnings {
			line.Notes = append(line.Notes, v.warning(warning))
		}
		if res.Skipped > 0 {
			line.Notes = append(line.Notes, v.N("systems.skipped", res.Skipped))
		}
		view.Attached = append(view.Attached, line)
	}
	free, err := s.Places.Workspaces(r.Context(), v.Actor, store.WorkspaceFilter{})
	if err != nil {
		return view, err
	}
	for _, p := range free {
		if p.Resource == "" {
			view.Rooms = append(view.Rooms, ui.Option{Value: string(p.Workspace.ID), Label: p.Workspace.Name, Group: p.Building.Name + " · " + p.Floor.Name})
		}
	}
	view.Floors, err = s.floorOptions(r, v)
	return view, err
}

// warning says what is odd in a room's data.
func (v *visitor) warning(w store.ResourceWarning) string {
	said := v.N(w.Key, w.Count)
	if w.Said != "" {
		said += " (" + w.Said + ")"
	}
	return said
}

// openAddress is what may be shown of a calendar's address: of a feed only the host, as the rest may hold a
// token.
func openAddress(kind, address string) string {
	if kind != "ics" {
		return address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "…"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// offered asks the system for its calendars and leaves out those that a room uses.
func (s *Server) offered(ctx context.Context, v *visitor, st calendars.Status, view *templates.System) error {
	refs, err := s.Calendars.Rooms(ctx, v.Actor, st.System.ID, calendars.Connection{})
	if err != nil {
		return err
	}
	view.Found = true
	used := map[string]bool{}
	for _, room := range st.Rooms {
		used[room.Resource.Address] = true
	}
	for _, ref := range refs {
		if used[ref.ID] {
			continue
		}
		c := templates.Calendar{Name: ref.Name, Address: ref.ID, Writable: ref.Access == connectors.AccessWrite}
		for _, o := range view.Rooms {
			if strings.EqualFold(o.Label, ref.Name) {
				c.Room = o.Value
			}
		}
		view.Calendars = append(view.Calendars, c)
	}
	return nil
}

// attachRooms makes calendars the agendas of rooms: one that was typed, or those that were chosen.
func (s *Server) attachRooms(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	f, err := parse(r)
	if err != nil {
		return err
	}
	to := systemsPath + "/" + string(st.System.ID)
	if f.values.Has("address") {
		form := templates.AttachForm{Room: f.text("room"), Address: f.text("address")}
		if form.Room == "" {
			f.bad("room", "bookings.choose_room")
		}
		if err = f.err(); err == nil {
			err = s.Calendars.Attach(r.Context(), v.Actor, store.WorkspaceID(form.Room), st.System.ID, form.Address)
		}
		if err != nil {
			if form.Errors = v.wrong(err); form.Errors == nil {
				return err
			}
			form.Errors = renameFields(form.Errors, map[string]string{"workspace": "room"})
			return s.showSystem(w, r, v, statusFor(err), form)
		}
		return s.done(w, r, v, to, v.N("systems.said_attached", 1))
	}
	n, err := s.attachChosen(r.Context(), v, st.System.ID, f)
	if err != nil {
		wrong := v.wrong(err)
		if wrong == nil {
			return err
		}
		return s.doneWith(w, r, v, to, ui.Notice{Wrong: true, Text: v.N("systems.said_attached", n) + " " + firstOf(wrong)})
	}
	return s.done(w, r, v, to, v.N("systems.said_attached", n))
}

// attachChosen attaches each calendar to the room that was chosen for it, and makes the rooms that are wanted
// new. It stops at the first that can't be, and returns how many were attached.
func (s *Server) attachChosen(ctx context.Context, v *visitor, id store.SystemID, f *form) (int, error) {
	n := 0
	for i := 0; f.values.Has("address_" + strconv.Itoa(i)); i++ {
		room, address, name := f.text("room_"+strconv.Itoa(i)), f.text("address_"+strconv.Itoa(i)), f.text("name_"+strconv.Itoa(i))
		if room == "" {
			continue
		}
		ws := store.WorkspaceID(room)
		if room == templates.RoomMake {
			var err error
			if ws, err = s.Places.CreateWorkspace(ctx, v.Actor, store.Workspace{
				FloorID: store.FloorID(f.text("floor")), Kind: store.Room, Name: name, ShowSubject: true, ShowOrganizer: true, Bookable: true,
			}); err != nil {
				return n, fmt.Errorf("make room: %w", err)
			}
		}
		if err := s.Calendars.Attach(ctx, v.Actor, ws, id, address); err != nil {
			return n, fmt.Errorf("attach calendar: %w", err)
		}
		n++
	}
	return n, nil
}

// firstOf is what is wrong, for a place that has room for one sentence.
func firstOf(wrong ui.Errors) string {
	if said, ok := wrong[""]; ok {
		return said
	}
	for _, said := range wrong {
		return said
	}
	return ""
}

func (s *Server) detachRoom(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.Calendars.Detach(r.Context(), v.Actor, store.WorkspaceID(r.PathValue("room"))); err != nil {
		return err
	}
	return s.done(w, r, v, systemsPath+"/"+r.PathValue("id"), v.T("systems.said_detached"))
}

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
