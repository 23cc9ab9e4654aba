package templates

import "lintel/templates/ui"

// Systems is the list of booking systems, a card each: GET /settings/systems.
//
// POST /settings/systems/{id}/check runs the check and answers 303 to /settings/systems/{id}, or the card alone to htmx (SystemCardPart).
type Systems struct {
	Cards     []SystemCard
	Rooms     int // attached ones in all
	Hosted    HostedCard
	MayManage bool
}

// SystemCard is a booking system now.
type SystemCard struct {
	ID        string
	Name      string // "Nextcloud"
	Kind      string // caldav, ews, …
	State     ui.State
	StateWord string // "Good, 20 s ago", "Failing since 13:40", "Never read yet"
	Facts     []ui.Fact
	Can       []Capability
	Checked   string         // when Steps ran: "14:02"
	Steps     []ui.CheckStep // of the last check; nil when none was asked for
	Progress  *ui.Progress   // of the first sync; nil when it is through
	MayManage bool
}

// Capability is something that a booking system can do or not.
type Capability struct {
	Label string // "titles", "book"
	On    bool
}

// HostedCard is Lintel's own calendar.
type HostedCard struct{ Rooms int }

// System is the page of one booking system: GET /settings/systems/{id}. While the first sync runs, SystemCardPart asks for itself again.
//
// Rooms are attached with POST /settings/systems/{id}/rooms: for each calendar of Calendars room_0, room_1, … (id of a room, RoomMake to
// make one of the calendar's name, "" for none) with address_0, address_1, … and name_0, name_1, …; and floor, where made rooms go.
// For an ICS feed or a calendar that is not listed: room and address. POST /settings/systems/{id}/rooms/{room}/detach takes one off.
// Deleting asks first: GET and POST /settings/systems/{id}/delete. Edit: GET and POST /settings/systems/{id}/edit.
type System struct {
	Card      SystemCard
	Attached  []AttachedRoom
	MayList   bool       // the system can tell which calendars it has
	Found     bool       // it was asked for them
	Calendars []Calendar // those that no room uses yet
	Rooms     []ui.Option
	Floors    []ui.Option
	Floor     string
	Attach    AttachForm
}

// RoomMake is the value of room_N that makes a new room.
const RoomMake = "+"

// AttachedRoom is a room whose agenda comes from the system.
type AttachedRoom struct {
	ID, Name string
	Address  string // of the calendar; secret parts of a feed's address are left out
	State    ui.State
	Word     string   // "Good", "Failing since 13:40", "Reading"
	Said     string   // what is wrong in a sentence, "" when nothing is
	Notes    []string // warnings: "3 events could not be read"
	LastOK   string
	Writable bool
}

// Calendar is one that the system offers.
type Calendar struct {
	Name, Address string
	Writable      bool
	Room          string // chosen so far
}

// AttachForm is one address typed by hand.
type AttachForm struct {
	Room, Address string
	Errors        ui.Errors
}

// SystemKinds chooses what to connect: GET /settings/systems/new leads on with ?kind=….
type SystemKinds struct{ Kinds []string }

// SystemForm connects or changes a booking system: GET /settings/systems/new?kind=… and GET /settings/systems/{id}/edit.
//
// POST /settings/systems or POST /settings/systems/{id}/edit: kind, name, the fields of the kind (a secret left empty keeps the
// present one), step (SystemCheck to try it without saving, SystemSave).
type SystemForm struct {
	ID     string // "" for a new one
	Kind   string
	Name   string
	Fields []SystemField
	Guide  []GuidePart    // what the administrators of the booking system have to do first
	Steps  []ui.CheckStep // of a check that was just run
	Errors ui.Errors
}

// SystemField is one thing to type about a kind of system.
type SystemField struct {
	ui.Field
	Control string      // ControlInput, …
	Options []ui.Option // of ControlSelect
	When    string      // "auth=ntlm kerberos": counts only with one of these; "" = always
	More    bool        // among the less common ones, which are folded away
}

// The controls of a SystemField.
const (
	ControlInput  = "input"
	ControlSelect = "select"
	ControlArea   = "area"
)

// GuidePart is one step of a guide, with commands to copy.
type GuidePart struct {
	Title, Text string
	Commands    string // several lines; "" when there is nothing to run
	Where       string // where to run them: "Exchange Management Shell"
}

// common returns the fields that everybody fills in, or the others.
func (v SystemForm) common(more bool) []SystemField {
	var out []SystemField
	for _, f := range v.Fields {
		if f.More == more {
			out = append(out, f)
		}
	}
	return out
}

// moreOpen reports whether the folded fields must be seen: one of them is set or wrong.
func (v SystemForm) moreOpen() bool {
	for _, f := range v.common(true) {
		if f.Error != "" || f.Control != ControlSelect && f.Value != "" {
			return true
		}
	}
	return false
}

// The values of the field "step" of a system's form.
const (
	SystemCheck = "check"
	SystemSave  = "save"
)

func (v SystemForm) action() string {
	if v.ID == "" {
		return "/settings/systems"
	}
	return "/settings/systems/" + v.ID + "/edit"
}

func (v SystemForm) back() string {
	if v.ID == "" {
		return "/settings/systems"
	}
	return "/settings/systems/" + v.ID
}

// calendarField names a field of the i-th calendar that can be attached.
func calendarField(prefix string, i int) string { return prefix + "_" + number(i) }

// withMake puts "make a new room" before the rooms that exist.
func withMake(sh ui.Shell, rooms []ui.Option) []ui.Option {
	options := []ui.Option{{Value: "", Label: sh.T("systems.room_none")}, {Value: RoomMake, Label: sh.T("systems.room_make")}}
	return append(options, rooms...)
}
