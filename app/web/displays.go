package web

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"lintel/app/displays"
	"lintel/app/people"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// A display is late this long after it should have woken, and silent a day after its last contact.
const (
	lateAfter   = 10 * time.Minute
	silentAfter = 24 * time.Hour
)

// displayLine is a display with what the list sorts and searches by.
type displayLine struct {
	displays.View
	place store.WorkspacePlace // zero when it shows no room
	row   templates.DisplayRow
}

// displayLines reads all displays that the visitor may manage, with their rooms.
func (s *Server) displayLines(ctx context.Context, v *visitor) ([]displayLine, error) {
	list, err := s.Displays.List(ctx, v.Actor)
	if err != nil {
		return nil, err
	}
	rooms, err := s.Places.Workspaces(ctx, v.Actor, store.WorkspaceFilter{})
	if err != nil {
		return nil, err
	}
	at := make(map[store.WorkspaceID]store.WorkspacePlace, len(rooms))
	for _, p := range rooms {
		at[p.Workspace.ID] = p
	}
	out := make([]displayLine, len(list))
	for i, d := range list {
		out[i] = displayLine{View: d, place: at[d.Workspace]}
		out[i].row = s.displayRow(v, d, out[i].place)
	}
	return out, nil
}

func (s *Server) displayRow(v *visitor, d displays.View, p store.WorkspacePlace) templates.DisplayRow {
	row := templates.DisplayRow{
		ID: string(d.ID), Name: displayName(v, d), What: displayWhat(v, d), Firmware: d.Firmware, Seen: s.ago(v, d.SeenAt),
		Battery: ui.Battery{Percent: d.BatteryPercent, Mains: d.OnMains || d.Protocol == store.ProtocolPanel},
	}
	switch {
	case row.Battery.Mains:
		row.Battery.Said = v.T("displays.mains_word")
	case d.BatteryPercent >= 0:
		row.Battery.Said = v.Percent(d.BatteryPercent)
	default:
		row.Battery.Said = v.T("ui.unknown")
	}
	if p.Workspace.ID != "" {
		row.Room, row.RoomPath = p.Workspace.Name, "/rooms/"+string(p.Workspace.ID)
	}
	if d.Picture != nil {
		row.Picture = "/displays/" + row.ID + "/" + pictureName(d.Picture)
	}
	if d.RSSI != 0 {
		row.Signal = strings.Replace(strconv.Itoa(d.RSSI), "-", "−", 1) + " dBm"
	}
	if !d.NextWakeAt.IsZero() && d.Protocol != store.ProtocolPanel {
		row.NextWake = s.wake(v, d.NextWakeAt, p)
	}
	row.State, row.StateWord = s.displayState(v, d)
	return row
}

// wake says when a display comes next, by the clock of its building.
func (s *Server) wake(v *visitor, at time.Time, p store.WorkspacePlace) string {
	zone, err := p.Building.Location()
	if err != nil {
		zone = time.UTC
	}
	at = at.In(zone)
	if now := s.Now().In(zone); now.YearDay() == at.YearDay() && now.Year() == at.Year() {
		return v.Clock(at)
	}
	return v.DateShort(at) + ", " + v.Clock(at)
}

// displayState says whether a display keeps its appointments.
func (s *Server) displayState(v *visitor, d displays.View) (ui.State, string) {
	now := s.Now()
	due := d.NextWakeAt
	if due.IsZero() {
		due = d.SeenAt
	}
	switch {
	case d.State == store.DisplayRefused:
		return ui.Unknown, v.T("displays.state_refused")
	case d.SeenAt.IsZero():
		return ui.Unknown, v.T("displays.state_new")
	case now.After(due.Add(silentAfter)):
		return ui.Busy, v.T("displays.state_silent")
	case now.After(due.Add(lateAfter)):
		return ui.Soon, v.T("displays.state_late")
	}
	return ui.Free, v.T("displays.state_good")
}

func displayName(v *visitor, d displays.View) string {
	return cmp.Or(d.Name, d.HardwareID, displayWhat(v, d))
}

// displayWhat says what sort of device it is.
func displayWhat(v *visitor, d displays.View) string {
	if d.Protocol == store.ProtocolPanel {
		return v.T("displays.panel")
	}
	size := strconv.Itoa(d.Width) + " × " + strconv.Itoa(d.Height)
	return strings.TrimSpace(cmp.Or(displays.ModelName(d.Model), strings.ToUpper(string(d.Protocol))) + " " + size)
}

// displaysPage lists what waits for approval, and all displays.
func (s *Server) displaysPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showDisplays(w, r, v, http.StatusOK, templates.ApproveForm{Template: templates.TemplateDay})
}

func (s *Server) showDisplays(w http.ResponseWriter, r *http.Request, v *visitor, status int, form templates.ApproveForm) error {
	if err := s.choose(w, r, v); err != nil {
		return err
	}
	lines, err := s.displayLines(r.Context(), v)
	if err != nil {
		return err
	}
	view := templates.Displays{
		Approve: form, None: true, MayManage: v.CanAnywhere(people.ManageDisplays), DeviceURL: s.DeviceURL.String(), PanelURL: s.DeviceURL.JoinPath("panel").String(),
	}
	if view.Approve.Rooms, err = s.roomOptions(r.Context(), v, people.ManageDisplays); err != nil {
		return err
	}
	if view.Deleted, err = s.deletedDisplays(r, v); err != nil {
		return err
	}
	for _, d := range lines {
		if d.State == store.DisplayPending {
			view.Pending = append(view.Pending, templates.PendingDisplay{ID: string(d.ID), What: d.row.What, Hardware: d.HardwareID, Address: d.Address, Since: s.ago(v, d.CreatedAt)})
		} else {
			view.None = false
		}
	}
	l := readListing(r, templates.DisplayColumns())
	shown := s.filterDisplays(r, v, l, lines)
	view.Table = l.table(r, "displays-table", "/displays", len(shown))
	view.Table.Caption, view.Table.SearchLabel, view.Table.CSV = v.T("displays.list"), v.T("displays.search"), "/displays.csv"
	view.Table.Columns = templates.DisplayTableColumns(v.Printer)
	view.Table.Filters = s.displayFilters(r, v, lines)
	view.Table.Total, view.Table.NoMatch = v.N("displays.total", len(shown)), len(shown) == 0
	for _, d := range rowsOf(l, shown) {
		view.Rows = append(view.Rows, d.row)
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component {
		if fragment(r) {
			return templates.DisplaysBoard(sh, view)
		}
		return templates.DisplaysPage(sh, view)
	})
}

// filterDisplays narrows and orders the list as the address says.
func (s *Server) filterDisplays(r *http.Request, v *visitor, l listing, lines []displayLine) []displayLine {
	floor, state := r.URL.Query().Get("floor"), r.URL.Query().Get("state")
	building := v.building.ID
	if len(v.buildings) < 2 || !r.URL.Query().Has("building") {
		building = ""
	}
	var out []displayLine
	for _, d := range lines {
		ok := d.State != store.DisplayPending && l.matches(d.row.Name, d.row.Room, d.HardwareID, d.Address, d.row.What) &&
			(floor == "" || string(d.place.Floor.ID) == floor) && (state == "" || string(d.row.State) == state) &&
			(building == "" || d.place.Building.ID == building || d.place.Building.ID == "")
		if ok {
			out = append(out, d)
		}
	}
	sorted(l, out, func(a, b displayLine) int {
		switch l.sort {
		case "room":
			return cmp.Compare(strings.ToLower(a.row.Room), strings.ToLower(b.row.Room))
		case "state":
			return cmp.Compare(stateRank(a.row.State), stateRank(b.row.State))
		case "battery":
			return cmp.Compare(a.row.Battery.Percent, b.row.Battery.Percent)
		case "signal":
			return cmp.Compare(a.RSSI, b.RSSI)
		case "seen":
			return b.SeenAt.Compare(a.SeenAt)
		case "wake":
			return a.NextWakeAt.Compare(b.NextWakeAt)
		case "firmware":
			return cmp.Compare(a.Firmware, b.Firmware)
		}
		return cmp.Compare(strings.ToLower(a.row.Name), strings.ToLower(b.row.Name))
	})
	return out
}

// stateRank puts what needs a person first.
func stateRank(s ui.State) int {
	switch s {
	case ui.Busy:
		return 0
	case ui.Soon:
		return 1
	case ui.Unknown:
		return 2
	}
	return 3
}

func (s *Server) displayFilters(r *http.Request, v *visitor, lines []displayLine) []ui.Filter {
	q := r.URL.Query()
	floors := []ui.Option{{Label: v.T("places.all_floors")}}
	seen := map[store.FloorID]bool{}
	for _, d := range lines {
		if f := d.place.Floor; f.ID != "" && !seen[f.ID] {
			seen[f.ID] = true
			label := f.Name
			if len(v.buildings) > 1 {
				label = d.place.Building.Name + " · " + label
			}
			floors = append(floors, ui.Option{Value: string(f.ID), Label: label})
		}
	}
	return []ui.Filter{
		{Name: "floor", Label: v.T("places.floor"), Value: q.Get("floor"), Options: floors},
		{Name: "state", Label: v.T("displays.state"), Value: q.Get("state"), Options: []ui.Option{
			{Label: v.T("displays.all_states")},
			{Value: string(ui.Free), Label: v.T("displays.state_good")},
			{Value: string(ui.Soon), Label: v.T("displays.state_late")},
			{Value: string(ui.Busy), Label: v.T("displays.state_silent")},
			{Value: string(ui.Unknown), Label: v.T("displays.state_new")},
		}},
	}
}

// displaysCSV is the list as a file.
func (s *Server) displaysCSV(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.choose(w, r, v); err != nil {
		return err
	}
	lines, err := s.displayLines(r.Context(), v)
	if err != nil {
		return err
	}
	rows := [][]string{{"name", "model", "building", "floor", "room", "state", "battery_percent", "rssi_dbm", "last_contact", "next_wake", "firmware", "hardware_id", "address"}}
	for _, d := range s.filterDisplays(r, v, readListing(r, templates.DisplayColumns()), lines) {
		battery, rssi := "", ""
		if d.BatteryPercent >= 0 {
			battery = strconv.Itoa(d.BatteryPercent)
		}
		if d.RSSI != 0 {
			rssi = strconv.Itoa(d.RSSI)
		}
		rows = append(rows, []string{
			d.row.Name, d.row.What, d.place.Building.Name, d.place.Floor.Name, d.row.Room, d.row.StateWord, battery, rssi,
			stamp(d.SeenAt), stamp(d.NextWakeAt), d.Firmware, d.HardwareID, d.Address,
		})
	}
	return sendCSV(w, "displays.csv", rows)
}

// stamp writes an instant for a table that a program reads (RFC 3339), "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// roomOptions are the workspaces in whose building the visitor may do p, after "no room yet".
func (s *Server) roomOptions(ctx context.Context, v *visitor, p people.Permission) ([]ui.Option, error) {
	list, err := s.Places.Workspaces(ctx, v.Actor, store.WorkspaceFilter{})
	if err != nil {
		return nil, err
	}
	out := []ui.Option{{Label: v.T("displays.no_room")}}
	for _, w := range list {
		if v.Can(p, w.Building.ID) {
			out = append(out, ui.Option{Value: string(w.Workspace.ID), Label: w.Workspace.Name, Group: w.Building.Name + " · " + w.Floor.Name})
		}
	}
	return out, nil
}

// approve reads the form of an approval and lets in the display in whose glass its code stands.
func (s *Server) approve(r *http.Request, v *visitor) (templates.ApproveForm, store.DisplayID, error) {
	f, err := parse(r)
	if err != nil {
		return templates.ApproveForm{}, "", err
	}
	form := templates.ApproveForm{Code: f.text("code"), Room: f.text("room"), Template: cmp.Or(f.text("template"), templates.TemplateDay)}
	id, err := s.Displays.Approve(r.Context(), v.Actor, displays.Approval{
		Code: form.Code, Workspace: store.WorkspaceID(form.Room), Template: store.DisplayTemplate(form.Template),
	})
	return form, id, err
}

func (s *Server) approveDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	form, id, err := s.approve(r, v)
	if err != nil {
		if form.Errors = displayErrors(v, err); form.Errors == nil {
			return err
		}
		return s.showDisplays(w, r, v, statusFor(err), form)
	}
	return s.done(w, r, v, "/displays/"+string(id), v.T("displays.said_approved"))
}

// displayErrors gives the service's names of fields those of the forms.
func displayErrors(v *visitor, err error) ui.Errors {
	wrong := v.wrong(err)
	if wrong == nil {
		return nil
	}
	return renameFields(wrong, map[string]string{"workspace": "room"})
}

// askRefuseDisplay asks before a pending display is shut out.
func (s *Server) askRefuseDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	d, err := s.Displays.Get(r.Context(), v.Actor, store.DisplayID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if d.State != store.DisplayPending {
		return store.ErrNotFound
	}
	view := templates.PendingDisplay{ID: string(d.ID), What: s.displayRow(v, d, store.WorkspacePlace{}).What, Hardware: d.HardwareID, Address: d.Address}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.RefuseDisplayPage(sh, view) })
}

// refuseDisplay shuts a pending display out.
func (s *Server) refuseDisplay(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.Displays.Refuse(r.Context(), v.Actor, store.DisplayID(r.PathValue("id"))); err != nil {
		return err
	}
	return s.done(w, r, v, "/displays", v.T("displays.said_refused"))
}
