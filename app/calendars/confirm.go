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
// long as a script may take between two pushes.
func (s *Service) Slack(w store.WorkspaceID) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rm := s.rooms[w]; rm != nil && rm.sys.kind.Pushed {
		return rm.sys.kind.Every
	}
	return 0
}
