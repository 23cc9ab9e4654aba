package templates

import "lintel/templates/ui"

// Systems is the list of booking systems, a card each: GET /settings/systems.
//
// POST /settings/systems/{id}/check runs the check and answers 303 to /settings/systems/{id}, or the card alone to htmx (SystemCardPart);
// room is the id of the room to check it with, "" for one that fails or the first.
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
	Said      string // the state in a sentence: what it means, and what happens next
	Facts     []ui.Fact
	Can       []Capability
	Checked   string         // when Steps ran, with which room and how it ended: "Checked at 14:02, with Matterhorn: all good"; "" for a failure of reading
	Steps     []ui.CheckStep // of the last check, or of what fails now; nil for neither
	Open      bool           // Steps are unfolded
	Room      string         // id of the room that was checked last; "" for none
	Progress  *ui.Progress   // of the first sync; nil when it is through
	MayCheck  bool           // and there is something to check
	MayManage bool
}

// Capability is something that a booking system can do or not.
type Capability struct {
	Label string // "titles", "book"
	On    bool
}

// Ability is something that a booking system can do or not, with what that means for the people at the door.
type Ability struct {
	Label string
	Can   Answer
	Note  string // "" where the label says it all
}

// Answer is whether a booking system can do something.
type Answer string

// The answers. Perhaps is for kinds of systems: it depends on rights and settings.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Perhaps Answer = "perhaps"
)

// HostedCard is Lintel's own calendar.
type HostedCard struct {
	Rooms int
	Can   []Capability
}

// System is the page of one booking system: GET /settings/systems/{id}. While the first sync runs, SystemCardPart asks for itself again.
//
// Rooms are attached with POST /settings/systems/{id}/rooms: for each calendar of Calendars room_0, room_1, … (id of a room, RoomMake to
// make one of the calendar's name, "" for none) with address_0, address_1, … and name_0, name_1, …; and floor, where made rooms go.
// For an ICS feed or a calendar that is not listed: room and address. POST /settings/systems/{id}/rooms/{room}/detach takes one off.
// Deleting asks first: GET and POST /settings/systems/{id}/delete. Edit: GET and POST /settings/systems/{id}/edit.
//
// A check that also writes asks first: GET and POST /settings/systems/{id}/write with room.
type System struct {
	Card        SystemCard
	Attached    []AttachedRoom
	Abilities   []Ability
	Certificate *SystemCertificate // nil where the sign-in is none of Lintel's certificates
	Check       []ui.Option        // rooms that it can be checked with
	MayWrite    bool               // a test booking can be made

	MayList   bool       // the system can tell which calendars it has
	MayFind   bool       // it finds calendars by how their names begin
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
	Word     string     // "Good", "Failing since 13:40", "Reading"
	Said     string     // what is wrong in a sentence, "" when nothing is
	Notes    []RoomNote // warnings: "3 events could not be read"
	LastOK   string
	Writable bool
}

// RoomNote is something odd in a room's data.
type RoomNote struct {
	Text string
	Cure string // "" where there is none
	Run  string // a command to copy beside the cure; "" for none
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

// calendarField names a field of the i-th calendar that can be attached.
func calendarField(prefix string, i int) string { return prefix + "_" + number(i) }

// withMake puts "make a new room" before the rooms that exist.
func withMake(sh ui.Shell, rooms []ui.Option) []ui.Option {
	options := []ui.Option{{Value: "", Label: sh.T("systems.room_none")}, {Value: RoomMake, Label: sh.T("systems.room_make")}}
	return append(options, rooms...)
}
