package web

import (
	"net/http"
	"slices"
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

// checks remembers what each booking system was tried with last, until the program stops.
type checks struct {
	mu   sync.Mutex
	last map[store.SystemID]check
}

type check struct {
	at            time.Time
	report        connectors.Report
	room, address string // that it was made with; both may be ""
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

// lastCheck is what the last check of a system found.
func lastCheck(st calendars.Status) check {
	k := check{at: st.Checked.At, report: st.Checked.Report}
	for _, room := range st.Rooms {
		if r := room.Resource; r.Workspace == st.Checked.Workspace {
			k.room, k.address = r.WorkspaceName, openAddress(st.System.Kind, r.Address)
		}
	}
	return k
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
		view.Cards = append(view.Cards, s.systemCard(r, v, st, false))
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
	view.Hosted.Can = v.tags(hostedCaps)
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.SystemsPage(sh, view) })
}

// systemCard is the card of a system: alone on its own page, or one of many, where less is unfolded.
func (s *Server) systemCard(r *http.Request, v *visitor, st calendars.Status, alone bool) templates.SystemCard {
	y := st.System
	card := templates.SystemCard{ID: string(y.ID), Name: y.Name, Kind: y.Kind, Room: string(st.Checked.Workspace), MayManage: v.Can(people.ManageSystems, "")}
	card.MayCheck = card.MayManage && (s.Calendars.MayTry(y.Kind) || len(st.Rooms) > 0)
	g := st.Standing(s.Now())
	s.stateOf(r, v, st, g, alone, &card)
	rooms := v.Number(len(st.Rooms))
	if !alone && len(st.Rooms) > 0 { // of feeds nothing else may be told
		rooms += " (" + v.roomNames(st.Rooms) + ")"
	}
	if len(g.Failing) > 0 {
		rooms = v.N("systems.rooms_failing", len(g.Failing), "Rooms", rooms)
	}
	last := v.T("ui.never")
	if !y.LastOK.IsZero() {
		last = s.when(r, v, y.LastOK) + ", " + s.ago(v, y.LastOK)
	}
	card.Facts = []ui.Fact{{Key: v.T("systems.last_ok"), Value: last}, {Key: v.T("systems.rooms"), Value: rooms}}
	if asked := v.Decimal(st.PerMinute, 1); asked != v.Decimal(0, 1) && y.Kind != people.PushedKind && len(st.Rooms) > 0 {
		card.Facts = append(card.Facts, ui.Fact{Key: v.T("systems.asked"), Value: v.T("systems.asked_per_minute", "Number", asked)})
	}
	if y.Username != "" {
		card.Facts = append(card.Facts, ui.Fact{Key: v.T("systems.signed_in_as"), Value: y.Username})
	}
	for _, x := range s.Calendars.Expiries() {
		if x.System == y.ID {
			card.Facts = append(card.Facts, ui.Fact{Key: v.T(x.What), Value: s.untilWords(r, v, x.At)})
		}
	}
	card.Can = v.tags(capsOf(st))
	switch {
	case g.Check != calendars.CheckNone && g.Check != calendars.CheckOld:
		s.showCheck(r, v, st, g.Check, alone, &card)
	case y.ErrorKind != "":
		card.Steps = []ui.CheckStep{v.failure(y.ErrorKind, y.ErrorSaid, hintOf(y, ""))}
	}
	return card
}

// roomNames is the first few rooms of a system.
func (v *visitor) roomNames(rooms []calendars.RoomStatus) string {
	const few = 3
	var names []string
	for _, room := range rooms[:min(few, len(rooms))] {
		names = append(names, room.Resource.WorkspaceName)
	}
	if len(rooms) > few {
		names = append(names, "…")
	}
	return v.Join(names)
}

// showCheck puts the last check on a card. It is folded away once the system has disproved it, and among others also when it went well.
func (s *Server) showCheck(r *http.Request, v *visitor, st calendars.Status, worth calendars.CheckWorth, alone bool, card *templates.SystemCard) {
	k := lastCheck(st)
	card.Steps = s.checkSteps(r, v, k.report, hintOf(st.System, k.address))
	checked := v.T("systems.checked", "Time", s.when(r, v, k.at))
	if k.room != "" {
		checked = v.T("systems.checked_with", "Time", s.when(r, v, k.at), "Room", k.room)
	}
	ended := "systems.checked_good"
	switch {
	case worth == calendars.CheckOutlived:
		ended = "systems.checked_outlived"
	case worth == calendars.CheckFailed:
		ended = "systems.checked_failed"
	case slices.ContainsFunc(card.Steps, func(step ui.CheckStep) bool { return step.State == ui.Warn }):
		ended = "systems.checked_warned"
	}
	card.Checked = v.T(ended, "Checked", checked)
	if !alone && worth != calendars.CheckPassed { // what was not reached stands on the system's own page
		card.Steps = slices.DeleteFunc(card.Steps, func(step ui.CheckStep) bool { return step.State == ui.Waiting })
	}
	card.Open = worth == calendars.CheckFailed || worth == calendars.CheckPassed && alone
}

// when prints an instant in the zone of the visitor's building: the time alone if it is today.
func (s *Server) when(r *http.Request, v *visitor, t time.Time) string {
	t = s.localTime(r, v, t)
	if now := s.Now().In(t.Location()); now.Format(time.DateOnly) == t.Format(time.DateOnly) {
		return v.Clock(t)
	}
	return v.DateShort(t) + ", " + v.Clock(t)
}

// systemCardPart is one card for a page that asks for it anew.
func (s *Server) systemCardPart(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	link := r.URL.Query().Get("link") == "1"
	card := s.systemCard(r, v, st, !link)
	card.Open = card.Open || r.Method == http.MethodPost // a check that was just asked for
	return s.show(w, r, v, func(sh ui.Shell) templ.Component {
		return templates.SystemCardPart(sh, card, link)
	})
}
