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

// lastCheck is what the last check of a system found, if it was checked as it is now.
func lastCheck(st calendars.Status) (check, bool) {
	k := check{at: st.Checked.At, report: st.Checked.Report}
	for _, room := range st.Rooms {
		if r := room.Resource; r.Workspace == st.Checked.Workspace {
			k.room, k.address = r.WorkspaceName, openAddress(st.System.Kind, r.Address)
		}
	}
	return k, !k.at.IsZero()
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
	card := templates.SystemCard{ID: string(y.ID), Name: y.Name, Kind: y.Kind, MayManage: v.Can(people.ManageSystems, "")}
	card.MayCheck = card.MayManage && (s.Calendars.MayTry(y.Kind) || len(st.Rooms) > 0)
	n := counts(st.Rooms)
	s.stateOf(r, v, st, n, alone, &card)
	rooms := v.Number(n.total)
	if n.failing > 0 {
		rooms = v.N("systems.rooms_failing", n.failing, "Rooms", rooms)
	}
	last := v.T("ui.never")
	if !y.LastOK.IsZero() {
		last = s.when(r, v, y.LastOK) + ", " + s.ago(v, y.LastOK)
	}
	card.Facts = []ui.Fact{{Key: v.T("systems.last_ok"), Value: last}, {Key: v.T("systems.rooms"), Value: rooms}}
	if asked := v.Decimal(st.PerMinute, 1); asked != v.Decimal(0, 1) && y.Kind != people.PushedKind && n.total > 0 {
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
	switch k, ok := lastCheck(st); {
	case ok && !(y.ErrorKind != "" && y.FailingSince.After(k.at)):
		s.showCheck(r, v, st, k, alone, &card)
	case y.ErrorKind != "":
		card.Steps = []ui.CheckStep{v.failure(y.ErrorKind, y.ErrorSaid, hintOf(y, ""))}
	}
	return card
}

// showCheck puts the last check on a card. It is folded away once the system has disproved it, and among others also when it went well.
func (s *Server) showCheck(r *http.Request, v *visitor, st calendars.Status, k check, alone bool, card *templates.SystemCard) {
	card.Steps = s.checkSteps(r, v, k.report, hintOf(st.System, k.address))
	checked := v.T("systems.checked", "Time", s.when(r, v, k.at))
	if k.room != "" {
		checked = v.T("systems.checked_with", "Time", s.when(r, v, k.at), "Room", k.room)
	}
	ended := "systems.checked_good"
	failed, outlived := !k.report.OK(), outlived(st, k)
	switch {
	case outlived:
		ended = "systems.checked_outlived"
	case failed:
		ended = "systems.checked_failed"
	case slices.ContainsFunc(card.Steps, func(step ui.CheckStep) bool { return step.State == ui.Warn }):
		ended = "systems.checked_warned"
	}
	card.Checked = v.T(ended, "Checked", checked)
	if failed && !alone { // what was not reached stands on the system's own page
		card.Steps = slices.DeleteFunc(card.Steps, func(step ui.CheckStep) bool { return step.State == ui.Waiting })
	}
	card.Open = !outlived && (alone || failed)
}

// outlived reports whether a check failed at something that has worked since: what was read since then, in the room that it
// was made with if there is one, proves all but the rights that reading does not need.
func outlived(st calendars.Status, k check) bool {
	for _, step := range k.report.Steps {
		if step.State != connectors.StepFailed {
			continue
		}
		switch step.Name {
		case "calendar.check.write", "calendar.check.account", "calendar.check.inviter":
			return false
		}
		for _, room := range st.Rooms {
			if res := room.Resource; res.Workspace == st.Checked.Workspace {
				return res.ErrorKind == "" && res.LastOK.After(k.at)
			}
		}
		return st.System.ErrorKind == "" && st.System.LastOK.After(k.at)
	}
	return false
}

// roomCounts is how many rooms of a system there are, how many of them fail, and how many were never read.
type roomCounts struct{ total, failing, unread int }

func counts(rooms []calendars.RoomStatus) roomCounts {
	n := roomCounts{total: len(rooms)}
	for _, room := range rooms {
		switch {
		case room.Resource.ErrorKind != "":
			n.failing++
		case room.Resource.LastOK.IsZero():
			n.unread++
		}
	}
	return n
}

// stateOf says how a system does: in a word, and in a sentence that tells what happens next.
func (s *Server) stateOf(r *http.Request, v *visitor, st calendars.Status, n roomCounts, alone bool, card *templates.SystemCard) {
	y := st.System
	set := func(state ui.State, word, said string) { card.State, card.StateWord, card.Said = state, word, said }
	waiting := st.Waiting
	if y.WaitUntil.After(waiting) {
		waiting = y.WaitUntil
	}
	clock := func(t time.Time) string { return s.when(r, v, t) }
	pushed := y.Kind == people.PushedKind
	switch {
	case !y.PausedAt.IsZero():
		set(ui.Busy, v.T("systems.state_paused", "Time", clock(y.PausedAt)), v.T("systems.said_paused"))
	case st.OpenErr != nil:
		set(ui.Busy, v.T("systems.state_broken"), v.T("systems.said_broken"))
	case waiting.After(s.Now()) && (!y.WaitUntil.IsZero() || y.FailingSince.IsZero()):
		set(ui.Soon, v.T("systems.state_waiting", "Time", clock(waiting)), v.T("systems.said_waiting", "Time", clock(waiting)))
	case !y.FailingSince.IsZero() && pushed:
		set(ui.Busy, v.T("systems.state_silent", "Time", clock(y.FailingSince)), v.T("systems.said_silent"))
	case !y.FailingSince.IsZero():
		set(ui.Busy, v.T("systems.state_failing", "Time", clock(y.FailingSince)), v.T("systems.said_failing"))
	case n.total == 0:
		set(ui.Unknown, v.T("systems.state_untried"), v.T("systems.said_untried"))
		switch k, ok := lastCheck(st); {
		case !s.Calendars.MayTry(y.Kind):
			set(ui.Unknown, v.T("systems.state_new"), v.T("systems.said_no_rooms"))
		case ok && k.report.OK():
			set(ui.Unknown, v.T("systems.state_tried"), v.T("systems.said_no_rooms"))
		case ok:
			set(ui.Busy, v.T("systems.state_check_failed"), v.T("systems.said_check_failed"))
		}
	case n.unread > 0 && pushed:
		set(ui.Soon, v.T("systems.state_unpushed"), v.N("systems.said_unpushed", n.unread))
	case n.unread > 0:
		set(ui.Soon, v.T("systems.state_reading"), "")
		done := n.total - n.unread
		card.Progress = &ui.Progress{
			Label: v.T("systems.progress"), Done: done, Total: n.total,
			Said: v.T("systems.progress_said", "Done", v.Number(done), "Rooms", v.N("places.rooms_count", n.total)),
		}
	case n.failing > 0:
		set(ui.Soon, v.T("systems.state_partly"), v.N("systems.said_partly", n.failing))
		if !alone {
			card.Said += " " + v.T("systems.said_partly_where")
		}
	case y.LastOK.IsZero():
		set(ui.Unknown, v.T("systems.state_new"), "")
	default:
		set(ui.Free, v.T("systems.state_good", "Ago", s.ago(v, y.LastOK)), v.N("systems.said_good", n.total))
	}
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
