package templates

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/templates/text"
	"lintel/templates/ui"
)

// Displays is the list of all displays, those that wait for approval on top: GET /displays?q=&floor=&state=&sort=&page=, and
// GET /displays.csv with the same query. The page listens to GET /events; an event named "displays" makes the list ask again, and an
// htmx request is answered with DisplaysBoard alone.
//
// POST /displays/approve: code, room, template (TemplateDay or TemplateWeek). POST /displays/{id}/refuse for one that waits.
type Displays struct {
	Pending   []PendingDisplay
	Approve   ApproveForm
	Table     ui.Table
	Rows      []DisplayRow
	None      bool   // there is no display at all yet
	MayManage bool   // approve, issue keys
	DeviceURL string // where displays are pointed to
	PanelURL  string // what a tablet's browser opens
	Deleted   []Deleted
}

// PendingDisplay waits for approval. Its code stands on its own glass only.
type PendingDisplay struct {
	ID      string
	What    string // "TRMNL 800 × 480" or "Browser panel"
	Address string // IP address
	Since   string // "2 min ago"

	Hardware string // the MAC address or what else the device calls itself, which tells two alike apart; "" when it said none
}

// line is the quiet line of one that waits: what tells it apart, and since when.
func (p PendingDisplay) line() string {
	parts := []string{p.Hardware, p.Address, p.Since}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// ApproveForm is what was typed to approve a display.
type ApproveForm struct {
	Code     string
	Room     string
	Rooms    []ui.Option // the first one with an empty value: no room yet
	Template string
	Errors   ui.Errors
}

// The values of the field "template".
const (
	TemplateDay  = "day"
	TemplateWeek = "week"
)

// DisplayRow is one display.
type DisplayRow struct {
	ID, Name  string
	What      string // model
	Room      string // "" when it shows none
	RoomPath  string
	Picture   string // path of the picture that it shows, "" before the first one
	State     ui.State
	StateWord string // "On time", "Late", "Silent", "Refused"
	Battery   ui.Battery
	Signal    string // "−61 dBm", "" for unknown
	Seen      string // "3 min ago", "" for never
	NextWake  string // "15:00", "" for unknown
	Firmware  string
}

// DisplayTableColumns are the headings of the list of displays, for its Table.
func DisplayTableColumns(p *text.Printer) []ui.Column {
	return []ui.Column{
		{Label: p.T("displays.picture"), Hidden: true},
		{Key: "name", Label: p.T("displays.name")},
		{Key: "room", Label: p.T("displays.room")},
		{Key: "state", Label: p.T("displays.state")},
		{Key: "battery", Label: p.T("displays.battery")},
		{Key: "signal", Label: p.T("displays.signal")},
		{Key: "seen", Label: p.T("displays.seen")},
		{Key: "wake", Label: p.T("displays.wake")},
		{Key: "firmware", Label: p.T("displays.firmware")},
	}
}

// DisplayColumns are the keys that the list sorts by.
func DisplayColumns() []string {
	return []string{"name", "room", "state", "battery", "signal", "seen", "wake", "firmware"}
}

// Display is the page of one display: GET /displays/{id}. The picture refreshes with events named "displays".
//
// POST /displays/{id}: name, room, template, language ("" is the building's), soon_minutes, rotation (0, 90, 180, 270), palette (bw, gray4,
// gray16), encoding (png, bmp; only where there is a choice), mains ("on"), show_image ("on"; only
// where the room's booking system has pictures). GET /displays/{id}/remove asks, POST /displays/{id}/remove removes. GET /displays/{id}/key asks, POST
// /displays/{id}/key gives it a new key, answered with DisplayKeyPage. POST /displays/{id}/reenrol opens a window in which the device may enrol anew.
type Display struct {
	Row       DisplayRow
	Facts     []ui.Fact
	Form      DisplayForm
	Log       []LogLine
	MayManage bool
	HasKey    bool // its kind uses a key that can be issued anew
	Panel     bool // a browser panel: can be paired anew, has no battery
	Reenrol   string
	Days      int // for how long a removal can be taken back
}

// DisplayForm is the settings of a display, as typed.
type DisplayForm struct {
	Name      string
	Room      string
	Rooms     []ui.Option
	Template  string
	Language  string
	Soon      string
	Rotation  string
	Palette   string
	Encoding  string
	MayBMP    bool // Encoding is a choice
	Mains     bool
	Image     bool   // pictures of meetings are shown
	MayImage  bool   // Image is a choice
	SoonHelp  string // "" or why it is off
	Errors    ui.Errors
	Languages []ui.Option // the first one with an empty value: the building's
}

// LogLine is a line of a device's own log.
type LogLine struct {
	At      time.Time
	Level   string
	Message string
}

// NewDisplay issues a key for a client that never enrols by itself: GET /displays/new.
//
// POST /displays: name, hardware_id, room, width, height, palette, template; answered with DisplayKeyPage.
type NewDisplay struct {
	Name, HardwareID    string
	Room                string
	Rooms               []ui.Option
	Width, Height       string
	Palette, Template   string
	Errors              ui.Errors
	DeviceURL, PanelURL string
}

// DisplayKey shows a key, once.
type DisplayKey struct {
	ID, Name string
	Key      string
	URL      string // device_url, what the device is pointed to
	Header   string // the request header that carries the key: "Access-Token"

	PictureURL string // the whole address under which the picture itself is fetched, key included; "" where there is none
}

func templateOptions(sh ui.Shell) []ui.Option {
	return []ui.Option{
		{Value: TemplateDay, Label: sh.T("displays.template_day")},
		{Value: TemplateWeek, Label: sh.T("displays.template_week")},
	}
}

func paletteOptions(sh ui.Shell) []ui.Option {
	return []ui.Option{
		{Value: "bw", Label: sh.T("displays.palette_bw")},
		{Value: "gray4", Label: sh.T("displays.palette_gray4")},
		{Value: "gray16", Label: sh.T("displays.palette_gray16")},
	}
}

func encodingOptions(sh ui.Shell) []ui.Option {
	return []ui.Option{
		{Value: "png", Label: "PNG"},
		{Value: "bmp", Label: sh.T("displays.encoding_bmp")},
	}
}

func rotationOptions() []ui.Option {
	var out []ui.Option
	for _, degrees := range []int{0, 90, 180, 270} {
		out = append(out, ui.Option{Value: strconv.Itoa(degrees), Label: strconv.Itoa(degrees) + "°"})
	}
	return out
}
