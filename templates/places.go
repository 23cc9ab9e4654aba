package templates

import (
	"strconv"
	"strings"
	"time"

	"lintel/templates/text"
	"lintel/templates/ui"
)

// Places is the organisation with its buildings and floors: GET /settings/places.
//
// POST /settings/places/organisation: name, language. POST /settings/places/restore: what ("building", "floor" or "room"), id; takes a
// deletion back.
type Places struct {
	Organisation OrganisationForm
	Buildings    []PlaceBuilding
	MayOrganise  bool // change the organisation, add buildings
	Deleted      []Deleted
}

// OrganisationForm is the organisation as typed.
type OrganisationForm struct {
	Name     string
	Language string
	Errors   ui.Errors
}

// PlaceBuilding is a building in the list.
type PlaceBuilding struct {
	ID, Name string
	Address  string // in one line
	Zone     string
	Hours    string // "Mon – Fri, 08:00 – 18:00"
	Floors   []PlaceFloor
	Rooms    int
	MayEdit  bool
}

// PlaceFloor is a floor in the list.
type PlaceFloor struct {
	ID, Name string
	Rooms    int
}

// BuildingForm makes or changes a building: GET /settings/places/buildings/new and /settings/places/buildings/{id}.
//
// POST /settings/places/buildings or POST /settings/places/buildings/{id}: name, street, postcode, city, country, zone, language, weekday
// (several, 1 is Monday), hosted_retention (RetainMidnight or RetainMonths3); a new one also opens and closes (15:04). Deleting asks first:
// GET and POST /settings/places/buildings/{id}/delete.
type BuildingForm struct {
	ID                              string // "" for a new one
	Name                            string
	Street, Postcode, City, Country string
	Zone                            string
	Zones                           []ui.Option
	GuessZone                       bool // nobody has chosen yet: the browser's zone goes before Zone
	Language                        string
	Weekdays                        []int
	Opens, Closes                   string // a new one only
	Retention                       string
	Periods                         []HoursPeriod // of an existing one
	Errors                          ui.Errors
}

// The values of the field "hosted_retention".
const (
	RetainMidnight = "midnight"
	RetainMonths3  = "months3"
)

// HoursPeriod is the opening hours of a building during a time: GET /settings/places/buildings/{id}/hours/new and …/hours/{n}.
//
// POST /settings/places/buildings/{id}/hours or …/hours/{n}: valid_from and valid_to (2006-01-02, both may be empty), and for each weekday
// 1 (Monday) to 7 opens_1, closes_1, …; both empty is closed. Deleting asks first: GET and POST …/hours/{n}/delete.
type HoursPeriod struct {
	N                  string // names the period within the building, "" for a new one
	ValidFrom, ValidTo string // 2006-01-02; "" without end
	Days               [7]HoursDay
	Summary            []string // the hours in words, for the list: "Mon – Fri 08:00 – 18:00"
	Current            bool
}

// HoursDay is the hours of a weekday as typed, from Monday.
type HoursDay struct{ Opens, Closes, Error string }

// HoursForm is the page of one period.
type HoursForm struct {
	BuildingID, Building string
	Period               HoursPeriod
	Errors               ui.Errors
}

// FloorForm makes or changes a floor: GET /settings/places/buildings/{id}/floors/new and /settings/places/floors/{id}.
//
// POST /settings/places/buildings/{id}/floors or POST /settings/places/floors/{id}: name, level. Deleting asks first: GET and POST
// /settings/places/floors/{id}/delete.
type FloorForm struct {
	ID         string // "" for a new one
	BuildingID string
	Building   string
	Name       string
	Level      string // 0 is the ground floor
	Errors     ui.Errors
}

// Rooms is the list of workspaces: GET /settings/places/rooms?q=&building=&floor=&kind=&sort=&page= and GET /settings/places/rooms.csv.
type Rooms struct {
	Table   ui.Table
	Rows    []RoomRow
	None    bool
	Deleted []Deleted // rooms alone
}

// RoomRow is a workspace in the list.
type RoomRow struct {
	ID, Name string
	Kind     string // room, huddle, desk or parking
	Place    string // building and floor
	Seats    int
	Equip    string
	Source   string // name of the booking system, "" for Lintel's own calendar
	Displays int
	Bookable bool
	Subject  bool
}

// RoomForm makes or changes a workspace: GET /settings/places/rooms/new?floor= and /settings/places/rooms/{id}.
//
// POST /settings/places/rooms or POST /settings/places/rooms/{id}: name, kind, floor, seats, equipment (words with commas), show_subject,
// show_organizer, bookable (each "on"). Deleting asks first: GET and POST /settings/places/rooms/{id}/delete.
type RoomForm struct {
	ID            string // "" for a new one
	Name          string
	Kind          string
	Floor         string
	Floors        []ui.Option // Group is the building
	Seats         string
	Equipment     string
	ShowSubject   bool
	ShowOrganizer bool
	Bookable      bool
	Errors        ui.Errors
}

// RoomImport reads rooms from CSV: GET /settings/places/rooms/import.
//
// POST /settings/places/rooms/import (multipart): floor (where a line names none), csv (text), file (a file instead of it), step (ImportLook or
// ImportDo). ImportLook answers with Lines, ImportDo makes what is good.
type RoomImport struct {
	Floor  string
	Floors []ui.Option
	CSV    string
	Lines  []ImportLine // what was read; nil before
	Good   int          // lines that can be made
	Errors ui.Errors
}

// importExample shows the form of an import. It is the same in each language, as the headings are.
const importExample = `name,floor,seats,equipment
Matterhorn,Ground floor,12,"screen, whiteboard"
Säntis,Ground floor,6,screen`

// The values of the field "step" of the import.
const (
	ImportLook = "look"
	ImportDo   = "do"
)

// ImportLine is a line of the CSV text.
type ImportLine struct {
	N     int
	Name  string
	Floor string
	Seats string
	Equip string
	Error string // why it can't be made, "" when it can
}

// Delete asks before a place goes. It is drawn by DeletePlacePage.
type Delete struct {
	What   string // building, floor or room
	Name   string
	Action string    // POST target
	Back   string    // where "Keep it" leads
	Goes   []ui.Fact // what goes with it: "Rooms" → "12"
	Days   int       // for how many days it can be undone
}

func kindOptions(sh ui.Shell) []ui.Option {
	var out []ui.Option
	for _, kind := range []string{"room", "huddle", "desk", "parking"} {
		out = append(out, ui.Option{Value: kind, Label: sh.T("kind." + kind)})
	}
	return out
}

func languageOptions() []ui.Option {
	var out []ui.Option
	for _, lang := range text.Langs() {
		out = append(out, ui.Option{Value: string(lang), Label: lang.Name()})
	}
	return out
}

// RoomTableColumns are the headings of the list of workspaces, for its Table.
func RoomTableColumns(p *text.Printer) []ui.Column {
	return []ui.Column{
		{Key: "name", Label: p.T("places.room")},
		{Key: "place", Label: p.T("places.where")},
		{Key: "seats", Label: p.T("places.seats"), Number: true},
		{Label: p.T("places.equipment")},
		{Key: "source", Label: p.T("places.source")},
		{Key: "displays", Label: p.T("places.displays"), Number: true},
	}
}

// RoomColumns are the keys that the list of workspaces sorts by.
func RoomColumns() []string { return []string{"name", "place", "seats", "source", "displays"} }

func placeTabs(sh ui.Shell, rooms bool) []ui.Tab {
	return []ui.Tab{
		{Label: sh.T("places.tab_buildings"), Path: "/settings/places", Here: !rooms},
		{Label: sh.T("places.tab_rooms"), Path: "/settings/places/rooms", Here: rooms},
	}
}

func (v BuildingForm) action() string {
	if v.ID == "" {
		return "/settings/places/buildings"
	}
	return "/settings/places/buildings/" + v.ID
}

func (v HoursForm) action() string {
	path := "/settings/places/buildings/" + v.BuildingID + "/hours"
	if v.Period.N != "" {
		path += "/" + v.Period.N
	}
	return path
}

func (v FloorForm) action() string {
	if v.ID == "" {
		return "/settings/places/buildings/" + v.BuildingID + "/floors"
	}
	return "/settings/places/floors/" + v.ID
}

func (v RoomForm) action() string {
	if v.ID == "" {
		return "/settings/places/rooms"
	}
	return "/settings/places/rooms/" + v.ID
}

func retentionOptions(sh ui.Shell) []ui.Option {
	return []ui.Option{
		{Value: RetainMidnight, Label: sh.T("places.retain_midnight"), Help: sh.T("places.retain_midnight_help")},
		{Value: RetainMonths3, Label: sh.T("places.retain_months3"), Help: sh.T("places.retain_months3_help")},
	}
}

// isoWeekday is the day of the week of a row of hours, 0 being Monday.
func isoWeekday(i int) time.Weekday { return time.Weekday((i + 1) % 7) }

func number(n int) string { return strconv.Itoa(n) }

// period says when a period of hours holds.
func (p HoursPeriod) words(sh ui.Shell) string {
	switch {
	case p.ValidFrom == "" && p.ValidTo == "":
		return sh.T("places.always")
	case p.ValidFrom == "":
		return sh.T("places.until", "Date", dateWords(sh, p.ValidTo))
	case p.ValidTo == "":
		return sh.T("places.since", "Date", dateWords(sh, p.ValidFrom))
	}
	return dateWords(sh, p.ValidFrom) + " – " + dateWords(sh, p.ValidTo)
}

// facts is a period in a line of its dates and hours.
func (p HoursPeriod) facts(sh ui.Shell) []ui.Fact {
	return []ui.Fact{{Key: p.words(sh), Value: strings.Join(p.Summary, ", ")}}
}

// dateWords prints a date that a form holds, or what was typed when it is none.
func dateWords(sh ui.Shell, typed string) string {
	t, err := time.Parse(time.DateOnly, typed)
	if err != nil {
		return typed
	}
	return sh.Date(t)
}
