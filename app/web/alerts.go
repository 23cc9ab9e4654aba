package web

import (
	"net/http"

	"lintel/app/people"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// alertsShown bounds how many lines stand above a page; the pages behind them have the rest.
const alertsShown = 4

// lowBattery is the charge in percent below which a display needs a person.
const lowBattery = 15

// dress adds to the frame what is the same on every page: buildings to choose from, what waits, and what
// needs a person. None of it is worth an error page: what can't be read is left out, and logged.
func (s *Server) dress(w http.ResponseWriter, r *http.Request, v *visitor, sh *ui.Shell) {
	if !v.signedIn() {
		return
	}
	if err := s.choose(w, r, v); err != nil {
		s.Log.ErrorContext(r.Context(), "read the buildings of the frame", "err", err)
	}
	sh.Buildings, sh.Building = v.buildingOptions(), string(v.building.ID)
	if v.Can(people.ManageSystems, "") {
		sh.Alerts = append(sh.Alerts, s.systemAlerts(r, v)...)
		sh.Alerts = append(sh.Alerts, s.expiryAlerts(r, v)...)
	}
	if v.CanAnywhere(people.ManageDisplays) {
		alerts, waiting := s.displayAlerts(r, v)
		sh.Alerts, sh.WaitingDisplays = append(sh.Alerts, alerts...), waiting
	}
	sh.Alerts = append(sh.Alerts, s.houseAlerts(r, v)...)
	if len(sh.Alerts) > alertsShown {
		sh.Alerts = sh.Alerts[:alertsShown]
	}
}

func (s *Server) systemAlerts(r *http.Request, v *visitor) []ui.Alert {
	var out []ui.Alert
	for _, st := range s.Calendars.Statuses() {
		since := st.System.FailingSince
		if !st.System.PausedAt.IsZero() {
			since = st.System.PausedAt
		}
		switch {
		case st.OpenErr != nil:
			out = append(out, ui.Alert{Broken: true, Title: v.T("alert.system_broken", "Name", st.System.Name)})
		case !since.IsZero() && s.Now().Sub(since) >= staleAfter, !st.System.PausedAt.IsZero():
			out = append(out, ui.Alert{Broken: true, Title: v.T("alert.system_failing", "Name", st.System.Name, "Time", s.when(r, v, since)), Text: v.T("alert.system_failing_text")})
		default:
			continue
		}
		out[len(out)-1].Path, out[len(out)-1].Link = systemsPath+"/"+string(st.System.ID), v.T("alert.system_link")
	}
	return out
}

func (s *Server) displayAlerts(r *http.Request, v *visitor) (out []ui.Alert, waiting int) {
	list, err := s.Displays.List(r.Context(), v.Actor)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "read the displays of the frame", "err", err)
		return nil, 0
	}
	dark, low := 0, 0
	for _, d := range list {
		switch state, _ := s.displayState(v, d); {
		case d.State == store.DisplayPending:
			waiting++
		case d.State != store.DisplayApproved:
		case state == ui.Busy:
			dark++
		case d.BatteryPercent >= 0 && d.BatteryPercent < lowBattery && !d.OnMains:
			low++
		}
	}
	if dark > 0 {
		out = append(out, ui.Alert{Broken: true, Title: v.N("alert.displays_silent", dark), Path: "/displays?sort=state", Link: v.T("alert.displays_link")})
	}
	if low > 0 {
		out = append(out, ui.Alert{Title: v.N("alert.displays_low", low), Path: "/displays?sort=battery", Link: v.T("alert.displays_link")})
	}
	return out, waiting
}

// houseAlerts tells of certificates, and of a set-up that was left.
func (s *Server) houseAlerts(r *http.Request, v *visitor) []ui.Alert {
	var out []ui.Alert
	for _, c := range s.Certificates() {
		if needs, fails := c.bad(s.Now()); needs && v.Can(people.SeeSystem, "") {
			out = append(out, ui.Alert{Broken: fails, Title: v.T("alert.certificate", "Date", v.Date(s.localTime(r, v, c.Until))), Path: "/settings/system", Link: v.T("alert.system_page")})
			break // one line leads to the page that lists them all
		}
	}
	if v.Can(people.ManageSystem, "") {
		state, err := s.steps(r.Context())
		if err != nil {
			s.Log.ErrorContext(r.Context(), "read the state of the set-up", "err", err)
		}
		if len(state) > 0 && nextStep(state) != templates.SetupStepDone {
			out = append(out, ui.Alert{Title: v.T("alert.setup"), Path: "/setup", Link: v.T("alert.setup_link")})
		}
	}
	return out
}
