package templates

import "lintel/templates/ui"

// The steps of the first start, in their order; each is GET and POST /setup/{step}. A form with skip=1 leaves its step out. The set-up link
// leads to GET /setup?token=…, which shows the first step. All others need the administrator to be signed in.
const (
	SetupStepAdministrator = "administrator"
	SetupStepOrganisation  = "organisation"
	SetupStepSystem        = "system"
	SetupStepRooms         = "rooms"
	SetupStepDisplay       = "display"
	SetupStepDone          = "done" // the last page: GET /setup/done
)

// SetupSteps lists the steps in their order, without the last page.
func SetupSteps() []string {
	return []string{SetupStepAdministrator, SetupStepOrganisation, SetupStepSystem, SetupStepRooms, SetupStepDisplay}
}

// SetupProgress says where the wizard is.
type SetupProgress struct {
	Here  string                  // a step
	State map[string]ui.StepState // ui.Done or ui.Skipped of those that are behind; the others may be missing
}

func (p SetupProgress) steps(sh ui.Shell) []ui.Step {
	var steps []ui.Step
	for _, key := range SetupSteps() {
		s := ui.Step{Label: sh.T("setup." + key), State: p.State[key]}
		if key != SetupStepAdministrator && p.State[SetupStepAdministrator] == ui.Done {
			s.Path = "/setup/" + key
		}
		if key == p.Here {
			s.State = ui.Here
		}
		steps = append(steps, s)
	}
	return steps
}

// SetupAdministrator makes the first account.
//
// POST /setup/administrator: token, name, email, login, password, again. This step can't be skipped: nobody could sign in.
type SetupAdministrator struct {
	Progress SetupProgress
	Token    string // of the set-up link
	Name     string
	Email    string
	Login    string
	Errors   ui.Errors
}

// SetupOrganisation makes the organisation and its first building.
//
// POST /setup/organisation: organisation, and the fields of BuildingForm without hosted_retention; language is that of both.
type SetupOrganisation struct {
	Progress     SetupProgress
	Organisation string
	Building     BuildingForm
	Errors       ui.Errors
}

// SetupSystem connects the booking system: GET /setup/system?kind=…, or KindHosted.
//
// POST /setup/system: the fields of SystemForm, also step; kind=hosted has no others. A system for which Lintel makes a certificate leads
// to GET /setup/system?system=…, where it is shown: there POST with system and step=SystemCheck checks it.
type SetupSystem struct {
	Progress  SetupProgress
	Kind      string // "" before one is chosen
	Groups    []KindGroup
	System    SystemForm
	Connected *SystemCertificate // of the system that was just connected; nil otherwise
}

// KindHosted is the value of "kind" for Lintel's own calendar.
const KindHosted = "hosted"

// SetupRooms makes the first rooms: GET /setup/rooms?way=system|type|csv.
//
// POST /setup/rooms: way; with WaySystem address_0, name_0, room_0 (RoomMake or "") and so on; with WayType rooms (a line each: name, seats);
// with WayCSV csv, file and step of RoomImport. floor is the id of the floor where they go, "" with floor_name for a new one.
type SetupRooms struct {
	Progress  SetupProgress
	Way       string
	HasSystem bool // there is a system that can list calendars
	Calendars []Calendar
	Said      string // why the system listed none, "" when it did
	Typed     string
	Import    RoomImport // its Floor and Floors count for all ways
	FloorName string     // where there is no floor yet
	Made      int        // rooms that exist already
	Errors    ui.Errors
}

// The ways to make rooms.
const (
	WaySystem = "system"
	WayType   = "type"
	WayCSV    = "csv"
)

// SetupDisplay connects the first display.
//
// POST /setup/display: code, room, template. Once it is approved, the page shows its picture and leads on.
type SetupDisplay struct {
	Progress  SetupProgress
	DeviceURL string
	PanelURL  string
	Pending   []PendingDisplay
	Approve   ApproveForm
	Approved  *RoomDisplay // nil before
}

// SetupDone is the end: what is there now, and the picture of a real room.
type SetupDone struct {
	Progress SetupProgress
	Room     string
	RoomID   string
	Picture  string // path; "" when no display was approved and nothing can be shown
	Facts    []ui.Fact
}

func (v SetupRooms) tabs(sh ui.Shell) []ui.Tab {
	tab := func(way string) ui.Tab {
		return ui.Tab{Label: sh.T("setup.way_" + way), Path: "/setup/rooms?way=" + way, Here: v.Way == way}
	}
	tabs := []ui.Tab{tab(WayType), tab(WayCSV)}
	if v.HasSystem {
		tabs = append([]ui.Tab{tab(WaySystem)}, tabs...)
	}
	return tabs
}
