package calendars

import (
	"time"

	"lintel/store"
)

// Confirmed returns when the agenda of a workspace was last confirmed by its booking system. ok is false
// for hosted workspaces: their agenda is always true.
func (s *Service) Confirmed(w store.WorkspaceID) (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rm := s.rooms[w]
	if rm == nil {
		return time.Time{}, false
	}
	return rm.r.LastOK, true
}

// Slack returns how much longer than others the agenda of a workspace may go without a confirmation until it counts as old: as
// long as a script may take between two pushes, or as its source asks us to stay away.
func (s *Service) Slack(w store.WorkspaceID) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch rm := s.rooms[w]; {
	case rm == nil:
		return 0
	case rm.sys.kind.Pushed:
		return rm.sys.kind.Every
	default:
		return rm.wait
	}
}

// How a watch confirms agendas.
const (
	deafFor    = 2 * time.Minute // until a dead connection is noticed: what may have been missed is not claimed
	vouchEvery = 5 * time.Minute // each costs a write of the room's state
)

// vouch confirms the agendas of which the system would have told a change. s.mu is held.
func (s *Service) vouch(now time.Time) {
	at := now.Add(-deafFor)
	for _, rm := range s.rooms {
		if !rm.covered || at.Sub(rm.r.LastOK) < vouchEvery {
			continue
		}
		rm.r.LastOK, rm.dirty = at, true
		if sys := rm.sys; at.After(sys.s.LastOK) {
			sys.s.LastOK, sys.dirty = at, true
		}
	}
}
