package web

import (
	"net/http"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/templates"
	"lintel/templates/ui"
)

// How a booking system does, in words.

// stateOf says how a system does: in a word, and in a sentence that tells what happens next.
func (s *Server) stateOf(r *http.Request, v *visitor, st calendars.Status, g calendars.Standing, alone bool, card *templates.SystemCard) {
	set := func(state ui.State, word, said string) { card.State, card.StateWord, card.Said = state, word, said }
	since, until := "", ""
	if !g.Since.IsZero() {
		since = s.when(r, v, g.Since)
	}
	if !g.Until.IsZero() {
		until = s.when(r, v, g.Until)
	}
	pushed := st.System.Kind == people.PushedKind
	switch g.State {
	case calendars.StatePaused:
		set(ui.Busy, v.T("systems.state_paused", "Time", since), v.T("systems.said_paused"))
	case calendars.StateBroken:
		set(ui.Busy, v.T("systems.state_broken"), v.T("systems.said_broken"))
	case calendars.StateWaiting:
		set(ui.Soon, v.T("systems.state_waiting", "Time", until), v.T("systems.said_waiting", "Time", until))
	case calendars.StateSilent:
		set(ui.Busy, v.T("systems.state_silent", "Time", since), v.T("systems.said_silent"))
	case calendars.StateFailing:
		set(ui.Busy, v.T("systems.state_failing", "Time", since), v.T("systems.said_failing"))
	case calendars.StateRoomsFail:
		v.roomsFail(st, g, alone, card)
	case calendars.StateCheckFailed:
		set(ui.Soon, v.T("systems.state_check_failed"), v.T("systems.said_check_failed_rooms"))
		if len(st.Rooms) == 0 {
			set(ui.Busy, v.T("systems.state_check_failed"), v.T("systems.said_check_failed"))
		}
	case calendars.StateGaps:
		set(ui.Soon, v.T("systems.state_gaps"), v.N("systems.said_gaps", g.Lost, "Rooms", v.Join(g.Gaps)))
	case calendars.StateNoRooms:
		word, said := "systems.state_tried", "systems.said_no_rooms"
		switch {
		case !s.Calendars.MayTry(st.System.Kind) || g.Check == calendars.CheckOld:
			word = "systems.state_new"
		case g.Check == calendars.CheckNone:
			word, said = "systems.state_untried", "systems.said_untried"
		}
		set(ui.Unknown, v.T(word), v.T(said))
	case calendars.StateUnread:
		set(ui.Soon, v.T("systems.state_reading"), "")
		if pushed {
			set(ui.Soon, v.T("systems.state_unpushed"), v.N("systems.said_unpushed", g.Unread))
		}
	case calendars.StateGood:
		set(ui.Free, v.T("systems.state_good", "Ago", s.ago(v, st.System.LastOK)), v.N("systems.said_good", len(st.Rooms)))
	}
	if g.Unread > 0 && !pushed && (g.State == calendars.StateUnread || g.State == calendars.StateRoomsFail || g.State == calendars.StateCheckFailed || g.State == calendars.StateGaps) {
		done, total := len(st.Rooms)-g.Unread, len(st.Rooms)
		card.Progress = &ui.Progress{
			Label: v.T("systems.progress"), Done: done, Total: total,
			Said: v.T("systems.progress_said", "Done", v.Number(done), "Rooms", v.N("places.rooms_count", total)),
		}
	}
}

// roomsFail says that some rooms of a system can't be read, or none.
func (v *visitor) roomsFail(st calendars.Status, g calendars.Standing, alone bool, card *templates.SystemCard) {
	card.State, card.StateWord = ui.Soon, v.T("systems.state_partly")
	switch {
	case len(g.Failing) == len(st.Rooms):
		card.State, card.StateWord, card.Said = ui.Busy, v.T("systems.state_none_read"), v.T("systems.said_none_read")
	case g.Unread > 0:
		card.Said = v.N("systems.said_partly_reading", len(g.Failing))
	case g.Silent:
		card.Said = v.N("systems.said_partly_silent", len(g.Failing))
	default:
		card.Said = v.N("systems.said_partly", len(g.Failing))
	}
	if !alone {
		card.Said += " " + v.T("systems.said_partly_where")
	}
}
