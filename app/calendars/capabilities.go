package calendars

import (
	"lintel/app/people"
	"lintel/connectors"
	"lintel/store"
)

// Capabilities says what a kind of booking system can do: always, and depending on how it is connected. It is zero for
// kinds that nobody knows. What one connected system can is Status.Caps.
func Capabilities(kind string) (always, perhaps connectors.Caps) {
	const (
		reads  = connectors.CapRead | connectors.CapListRooms | connectors.CapProbe
		writes = connectors.CapBook | connectors.CapSetEnd | connectors.CapRelease
		copies = writes | connectors.CapMark | connectors.CapCopyOnly
	)
	switch kind {
	case "ews":
		return reads, connectors.CapFreeBusyOnly | copies | connectors.CapImage | connectors.CapWatch | connectors.CapInvite
	case "graph":
		return reads | copies | connectors.CapImage, connectors.CapInvite | connectors.CapServerConflict
	case "google":
		return connectors.CapRead | connectors.CapProbe | copies, connectors.CapListRooms | connectors.CapInvite | connectors.CapServerConflict
	case "caldav":
		return reads | writes, 0
	case "ics":
		return reads, 0
	case "connector":
		return connectors.CapRead | connectors.CapListRooms | writes | connectors.CapImage, 0
	case people.PushedKind:
		return connectors.CapRead, 0
	}
	return 0, 0
}

// ChangesCopies reports whether the booking system that a workspace is attached to lets us change the room's own copy of
// somebody's meeting alone.
func (s *Service) ChangesCopies(w store.WorkspaceID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	rm := s.rooms[w]
	return rm != nil && rm.sys.conn != nil && rm.sys.conn.Caps().Has(connectors.CapCopyOnly)
}
