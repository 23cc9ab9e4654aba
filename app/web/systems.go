package web

import (
	"net/http"
	"sync"
	"time"

	"github.com/a-h/templ"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/app/problem"
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
		if step.Name == "calendar.check.trust" && line.State == ui.Warn {
			line.Said, line.Raw = v.T("systems.without_tls"), ""
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
	address := "" // of the first room that fails, else of any
	for i, room := range st.Rooms {
		if i == 0 || room.Resource.ErrorKind != "" {
			address = room.Resource.Address
		}
		if room.Resource.ErrorKind != "" {
			break
		}
	}
	report, err := s.Calendars.Check(r.Context(), v.Actor, st.System.ID, calendars.Connection{}, calendars.CheckOptions{Address: address})
	if err != nil {
		return err
	}
	s.checks.put(st.System.ID, check{at: s.Now(), report: report})
	if fragment(r) {
		return s.systemCardPart(w, r, v)
	}
	return s.redirect(w, r, systemsPath+"/"+string(st.System.ID))
}
