package templates

import "lintel/templates/text"

// Panel is the page on a wall: GET /panel on the device listener. Its script draws what the server says, from News first and then from
// GET /panel/events (events "panel" and "beat") and GET /panel/state, and heals itself.
type Panel struct {
	Lang text.Lang // of the building
	News string    // the first news, JSON
}

// lost is said when the server has not been heard for a while. The script puts the time of its last word in.
func (v Panel) lost() string { return text.For(v.Lang).T("panel.lost", "Time", "{time}") }
