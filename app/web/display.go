package web

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"lintel/app/displays"
	"lintel/app/people"
	"lintel/app/secret"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/text"
	"lintel/templates/ui"
)

// logShown is how many lines of a device's log its page has.
const logShown = 50

// display shows one display with its settings.
func (s *Server) display(w http.ResponseWriter, r *http.Request, v *visitor) error {
	d, err := s.Displays.Get(r.Context(), v.Actor, store.DisplayID(r.PathValue("id")))
	if err != nil {
		return err
	}
	form := displayForm(d)
	return s.showDisplay(w, r, v, http.StatusOK, d, form)
}

func displayForm(d displays.View) templates.DisplayForm {
	return templates.DisplayForm{
		Name: d.Name, Room: string(d.Workspace), Template: string(d.Template), Language: d.Language, Soon: strconv.Itoa(d.SoonMinutes),
		Rotation: strconv.Itoa(d.Rotation), Palette: string(d.Palette), Encoding: string(d.Encoding), Mains: d.Mains, Image: d.ShowImage,
	}
}

func (s *Server) showDisplay(w http.ResponseWriter, r *http.Request, v *visitor, status int, d displays.View, form templates.DisplayForm) error {
	place := s.placeOf(r, v, d)
	view := templates.Display{
		Row: s.displayRow(v, d, place), Form: form, MayManage: true, Panel: d.Protocol == store.ProtocolPanel,
		HasKey: d.Protocol != store.ProtocolPanel && d.State == store.DisplayApproved,
	}
	var err error
	if view.Form.Rooms, err = s.roomOptions(r.Context(), v, people.ManageDisplays); err != nil {
		return err
	}
	view.Form.Languages = []ui.Option{{Label: v.T("displays.language_building")}}
	for _, l := range text.Langs() {
		view.Form.Languages = append(view.Form.Languages, ui.Option{Value: string(l), Label: l.Name()})
	}
	view.Form.MayImage = s.mayImage(d)
	view.Form.MayBMP = displays.TakesBMP(d.Display) || d.Encoding == store.EncodingBMP
	view.Facts = s.displayFacts(v, d, place)
	if d.ReenrolUntil.After(s.Now()) {
		view.Reenrol = s.wake(v, d.ReenrolUntil, place)
	}
	lines, err := s.Displays.DeviceLog(r.Context(), v.Actor, d.ID, logShown)
	if err != nil {
		return err
	}
	zone, err := place.Building.Location()
	for _, l := range lines {
		line := templates.LogLine{At: l.At, Level: l.Level, Message: l.Message}
		if err == nil {
			line.At = l.At.In(zone)
		}
		view.Log = append(view.Log, line)
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component {
		if fragment(r) {
			return templates.DisplayNow(sh, view)
		}
		return templates.DisplayPage(sh, view)
	})
}

func (s *Server) displayFacts(v *visitor, d displays.View, p store.WorkspacePlace) []ui.Fact {
	facts := []ui.Fact{
		{Key: v.T("displays.protocol"), Value: v.T("displays.protocol_" + string(d.Protocol))},
		{Key: v.T("displays.model"), Value: displays.ModelName(d.Model)},
		{Key: v.T("displays.size"), Value: strconv.Itoa(d.Width) + " × " + strconv.Itoa(d.Height)},
		{Key: v.T("displays.hardware_id"), Value: d.HardwareID},
		{Key: v.T("displays.address"), Value: d.Address},
	}
	if !d.ApprovedAt.IsZero() {
		facts = append(facts, ui.Fact{Key: v.T("displays.approved"), Value: s.wake(v, d.ApprovedAt, p)})
	}
	if d.Picture != nil {
		facts = append(facts, ui.Fact{Key: v.T("displays.rendered"), Value: s.ago(v, d.Picture.RenderedAt)})
	}
	return facts
}

// saveDisplay changes a display's settings.
func (s *Server) saveDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	d, err := s.Displays.Get(r.Context(), v.Actor, store.DisplayID(r.PathValue("id")))
	if err != nil {
		return err
	}
	f, err := parse(r)
	if err != nil {
		return err
	}
	form := templates.DisplayForm{
		Name: f.text("name"), Room: f.text("room"), Template: f.text("template"), Language: f.text("language"), Soon: f.text("soon_minutes"),
		Rotation: f.text("rotation"), Palette: f.text("palette"), Encoding: f.text("encoding"), Mains: f.on("mains"), Image: f.on("show_image"),
	}
	c := displays.SettingsOf(d.Display)
	c.Name, c.Workspace, c.Language, c.Template = form.Name, store.WorkspaceID(form.Room), form.Language, store.DisplayTemplate(form.Template)
	c.SoonMinutes, c.Mains = f.number("soon_minutes", 0, 60, 0), form.Mains
	if s.mayImage(d) { // else the form has no such box
		c.ShowImage = form.Image
	}
	if !f.values.Has("palette") { // a panel's form has no picture
		form.Palette, form.Rotation = string(d.Palette), strconv.Itoa(d.Rotation)
	} else {
		c.Palette, c.Rotation = store.DisplayPalette(form.Palette), f.number("rotation", 0, 270, 0)
		if f.values.Has("encoding") { // the form of a display that can only take PNG has no choice
			c.Encoding = store.DisplayEncoding(form.Encoding)
		}
	}
	if err = f.err(); err == nil {
		err = s.Displays.Update(r.Context(), v.Actor, d.ID, c)
	}
	if err != nil {
		if form.Errors = displayErrors(v, err); form.Errors == nil {
			return err
		}
		return s.showDisplay(w, r, v, statusFor(err), d, form)
	}
	return s.done(w, r, v, "/displays/"+string(d.ID), v.T("ui.saved"))
}

// mayImage reports whether a display could show pictures of meetings: its room's booking system can give them.
func (s *Server) mayImage(d displays.View) bool {
	return d.Protocol != store.ProtocolPanel && s.Calendars.CanImage(d.Workspace)
}

// askRemoveDisplay asks before a display goes.
func (s *Server) askRemoveDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	d, err := s.Displays.Get(r.Context(), v.Actor, store.DisplayID(r.PathValue("id")))
	if err != nil {
		return err
	}
	view := templates.Display{Row: s.displayRow(v, d, s.placeOf(r, v, d)), Days: store.UndoDays}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.RemoveDisplayPage(sh, view) })
}

// placeOf returns where a display is; the zero place for one without a room, or whose room was deleted.
func (s *Server) placeOf(r *http.Request, v *visitor, d displays.View) store.WorkspacePlace {
	if d.Workspace != "" {
		if p, err := s.Places.Workspace(r.Context(), v.Actor, d.Workspace); err == nil {
			return p
		}
	}
	return store.WorkspacePlace{}
}

func (s *Server) removeDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id := store.DisplayID(r.PathValue("id"))
	if err := s.Displays.Delete(r.Context(), v.Actor, id); err != nil {
		return err
	}
	return s.doneWith(w, r, v, "/displays", ui.Notice{Text: v.T("displays.said_removed"), UndoPath: "/displays/" + string(id) + "/restore"})
}

func (s *Server) restoreDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id := store.DisplayID(r.PathValue("id"))
	if err := s.Displays.Undelete(r.Context(), v.Actor, id); err != nil {
		return err
	}
	return s.done(w, r, v, "/displays/"+string(id), v.T("ui.restored"))
}

// askRenewKey asks before a display's present key stops working.
func (s *Server) askRenewKey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	d, err := s.Displays.Get(r.Context(), v.Actor, store.DisplayID(r.PathValue("id")))
	if err != nil {
		return err
	}
	view := templates.Display{Row: s.displayRow(v, d, s.placeOf(r, v, d))}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.RenewKeyPage(sh, view) })
}

// renewKey gives a display a new key, shown once.
func (s *Server) renewKey(w http.ResponseWriter, r *http.Request, v *visitor) error {
	d, err := s.Displays.Get(r.Context(), v.Actor, store.DisplayID(r.PathValue("id")))
	if err != nil {
		return err
	}
	key, err := s.Displays.RenewKey(r.Context(), v.Actor, d.ID)
	if err != nil {
		return err
	}
	return s.showKey(w, r, v, d.ID, displayName(v, d), key)
}

// showKey answers with a key, this once: only its hash is kept.
func (s *Server) showKey(w http.ResponseWriter, r *http.Request, v *visitor, id store.DisplayID, name string, key secret.Text) error {
	view := templates.DisplayKey{
		ID: string(id), Name: name, Key: key.Reveal(), URL: s.DeviceURL.String(), Header: "Access-Token",
		PictureURL: s.DeviceURL.JoinPath("display", key.Reveal()).String(),
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.DisplayKeyPage(sh, view) })
}

// reenrolDisplay lets a device that forgot its key fetch a new one.
func (s *Server) reenrolDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	id := store.DisplayID(r.PathValue("id"))
	if err := s.Displays.AllowReenrol(r.Context(), v.Actor, id); err != nil {
		return err
	}
	return s.done(w, r, v, "/displays/"+string(id), v.T("displays.said_reenrol"))
}

// newDisplay is the form for a client that never enrols by itself.
func (s *Server) newDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showNewDisplay(w, r, v, http.StatusOK, templates.NewDisplay{Width: "800", Height: "480", Palette: string(store.PaletteBW), Template: templates.TemplateDay})
}

func (s *Server) showNewDisplay(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.NewDisplay) error {
	var err error
	if view.Rooms, err = s.roomOptions(r.Context(), v, people.ManageDisplays); err != nil {
		return err
	}
	view.DeviceURL, view.PanelURL = s.DeviceURL.String(), s.DeviceURL.JoinPath("panel").String()
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.NewDisplayPage(sh, view) })
}

// addDisplay makes a display with a key that is entered in the device by hand.
func (s *Server) addDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := parse(r)
	if err != nil {
		return err
	}
	view := templates.NewDisplay{
		Name: f.text("name"), HardwareID: f.text("hardware_id"), Room: f.text("room"), Width: f.text("width"), Height: f.text("height"),
		Palette: f.text("palette"), Template: f.text("template"),
	}
	c := displays.Settings{
		Name: view.Name, Workspace: store.WorkspaceID(view.Room), Template: store.DisplayTemplate(cmp.Or(view.Template, templates.TemplateDay)),
		Width: f.number("width", 80, 4096, 800), Height: f.number("height", 80, 4096, 480),
		Palette: store.DisplayPalette(cmp.Or(view.Palette, string(store.PaletteBW))), Encoding: store.EncodingPNG,
	}
	var id store.DisplayID
	var key secret.Text
	if err = f.err(); err == nil {
		id, key, err = s.Displays.Add(r.Context(), v.Actor, store.ProtocolTRMNL, view.HardwareID, c)
	}
	if err != nil {
		if view.Errors = displayErrors(v, err); view.Errors == nil {
			return err
		}
		view.Errors = renameFields(view.Errors, map[string]string{"hardware": "hardware_id"})
		return s.showNewDisplay(w, r, v, statusFor(err), view)
	}
	return s.showKey(w, r, v, id, cmp.Or(c.Name, view.HardwareID, v.T("displays.title")), key)
}
