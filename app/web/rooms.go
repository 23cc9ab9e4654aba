package web

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"
	"golang.org/x/text/encoding/charmap"

	"lintel/app/people"
	"lintel/app/places"
	"lintel/app/problem"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

const roomsPath = placesPath + "/rooms"

// roomLines reads the workspaces that the visitor may manage, as the address narrows and orders them.
func (s *Server) roomLines(r *http.Request, v *visitor, l listing) (rows []templates.RoomRow, all []store.WorkspacePlace, err error) {
	list, err := s.Places.Workspaces(r.Context(), v.Actor, store.WorkspaceFilter{})
	if err != nil {
		return nil, nil, err
	}
	systems := map[store.WorkspaceID]string{}
	for _, st := range s.Calendars.Statuses() {
		for _, room := range st.Rooms {
			systems[room.Resource.Workspace] = st.System.Name
		}
	}
	q := r.URL.Query()
	for _, p := range list {
		if !v.Can(people.ManagePlaces, p.Building.ID) {
			continue
		}
		all = append(all, p)
		ws := p.Workspace
		ok := l.matches(append([]string{ws.Name}, ws.Equipment...)...) &&
			(q.Get("building") == "" || q.Get("building") == string(p.Building.ID)) &&
			(q.Get("floor") == "" || q.Get("floor") == string(p.Floor.ID)) && (q.Get("kind") == "" || q.Get("kind") == string(ws.Kind))
		if !ok {
			continue
		}
		rows = append(rows, templates.RoomRow{
			ID: string(ws.ID), Name: ws.Name, Kind: string(ws.Kind), Place: p.Building.Name + " · " + p.Floor.Name, Seats: ws.Seats,
			Equip: v.Join(ws.Equipment), Source: systems[ws.ID], Displays: len(s.Displays.OfRoom(ws.ID)), Bookable: ws.Bookable, Subject: ws.ShowSubject,
		})
	}
	sorted(l, rows, func(a, b templates.RoomRow) int {
		switch l.sort {
		case "place":
			return cmp.Compare(strings.ToLower(a.Place), strings.ToLower(b.Place))
		case "seats":
			return cmp.Compare(a.Seats, b.Seats)
		case "source":
			return cmp.Compare(a.Source, b.Source)
		case "displays":
			return cmp.Compare(a.Displays, b.Displays)
		}
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return rows, all, nil
}

// roomsPage lists all workspaces.
func (s *Server) roomsPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	l := readListing(r, templates.RoomColumns())
	rows, all, err := s.roomLines(r, v, l)
	if err != nil {
		return err
	}
	t := l.table(r, "rooms-table", roomsPath, len(rows))
	t.Caption, t.SearchLabel, t.CSV = v.T("places.list"), v.T("places.search_rooms"), roomsPath+".csv"
	t.Total, t.NoMatch, t.Filters = v.N("places.rooms_count", len(rows)), len(rows) == 0, roomFilters(r, v, all)
	view := templates.Rooms{Rows: rowsOf(l, rows), None: len(all) == 0}
	t.Columns = templates.RoomTableColumns(v.Printer)
	view.Table = t
	if view.Deleted, err = s.deletedPlaces(r, v, true); err != nil {
		return err
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.RoomsPage(sh, view) })
}

func roomFilters(r *http.Request, v *visitor, all []store.WorkspacePlace) []ui.Filter {
	q := r.URL.Query()
	buildings := []ui.Option{{Label: v.T("places.all_buildings")}}
	floors := []ui.Option{{Label: v.T("places.all_floors")}}
	seen := map[string]bool{}
	for _, p := range all {
		if b := string(p.Building.ID); !seen[b] {
			seen[b] = true
			buildings = append(buildings, ui.Option{Value: b, Label: p.Building.Name})
		}
		if f := string(p.Floor.ID); !seen[f] && (q.Get("building") == "" || q.Get("building") == string(p.Building.ID)) {
			seen[f] = true
			floors = append(floors, ui.Option{Value: f, Label: p.Building.Name + " · " + p.Floor.Name})
		}
	}
	kinds := []ui.Option{{Label: v.T("places.all_kinds")}}
	for _, k := range store.WorkspaceKinds() {
		kinds = append(kinds, ui.Option{Value: string(k), Label: v.T("kind." + string(k))})
	}
	filters := []ui.Filter{
		{Name: "floor", Label: v.T("places.floor"), Value: q.Get("floor"), Options: floors},
		{Name: "kind", Label: v.T("places.kind"), Value: q.Get("kind"), Options: kinds},
	}
	if len(buildings) > 2 {
		filters = append([]ui.Filter{{Name: "building", Label: v.T("nav.building"), Value: q.Get("building"), Options: buildings}}, filters...)
	}
	return filters
}

// roomsCSV is the list as a file, in the columns that the import reads.
func (s *Server) roomsCSV(w http.ResponseWriter, r *http.Request, v *visitor) error {
	rows, all, err := s.roomLines(r, v, readListing(r, templates.RoomColumns()))
	if err != nil {
		return err
	}
	at := map[string]store.WorkspacePlace{}
	for _, p := range all {
		at[string(p.Workspace.ID)] = p
	}
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	out := [][]string{{"building", "floor", "level", "name", "kind", "seats", "equipment", "show_subject", "show_organizer", "bookable"}}
	for _, row := range rows {
		p := at[row.ID]
		ws := p.Workspace
		out = append(out, []string{
			p.Building.Name, p.Floor.Name, strconv.Itoa(p.Floor.Level), ws.Name, string(ws.Kind), strconv.Itoa(ws.Seats),
			strings.Join(ws.Equipment, ", "), yes(ws.ShowSubject), yes(ws.ShowOrganizer), yes(ws.Bookable),
		})
	}
	return sendCSV(w, "rooms.csv", out)
}

// The form of a workspace.

func (s *Server) newRoom(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view := templates.RoomForm{Kind: string(store.Room), Floor: r.URL.Query().Get("floor"), ShowSubject: true, ShowOrganizer: true, Bookable: true}
	return s.showRoomForm(w, r, v, http.StatusOK, view)
}

func (s *Server) showRoomForm(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.RoomForm) error {
	var err error
	if view.Floors, err = s.floorOptions(r, v); err != nil {
		return err
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.RoomFormPage(sh, view) })
}

// floorOptions are the floors of the buildings whose places the visitor manages.
func (s *Server) floorOptions(r *http.Request, v *visitor) ([]ui.Option, error) {
	buildings, err := s.Places.Buildings(r.Context(), v.Actor, people.ManagePlaces)
	if err != nil {
		return nil, err
	}
	var out []ui.Option
	for _, b := range buildings {
		floors, err := s.Places.Floors(r.Context(), v.Actor, b.ID)
		if err != nil {
			return nil, err
		}
		for _, f := range floors {
			out = append(out, ui.Option{Value: string(f.ID), Label: f.Name, Group: b.Name})
		}
	}
	return out, nil
}

func (s *Server) editRoom(w http.ResponseWriter, r *http.Request, v *visitor) error {
	p, err := s.managedRoom(r, v)
	if err != nil {
		return err
	}
	ws := p.Workspace
	return s.showRoomForm(w, r, v, http.StatusOK, templates.RoomForm{
		ID: string(ws.ID), Name: ws.Name, Kind: string(ws.Kind), Floor: string(ws.FloorID), Seats: seatsText(ws.Seats),
		Equipment: strings.Join(ws.Equipment, ", "), ShowSubject: ws.ShowSubject, ShowOrganizer: ws.ShowOrganizer, Bookable: ws.Bookable,
	})
}

func seatsText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// managedRoom reads the workspace that the route names, for somebody who may manage it.
func (s *Server) managedRoom(r *http.Request, v *visitor) (store.WorkspacePlace, error) {
	p, err := s.Places.Workspace(r.Context(), v.Actor, store.WorkspaceID(r.PathValue("id")))
	if err != nil {
		return p, err
	}
	return p, v.Need(people.ManagePlaces, p.Building.ID)
}

func (s *Server) createRoom(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.saveRoom(w, r, v, "")
}

func (s *Server) changeRoom(w http.ResponseWriter, r *http.Request, v *visitor) error {
	p, err := s.managedRoom(r, v)
	if err != nil {
		return err
	}
	return s.saveRoom(w, r, v, p.Workspace.ID)
}

func (s *Server) saveRoom(w http.ResponseWriter, r *http.Request, v *visitor, id store.WorkspaceID) error {
	f, err := parse(r)
	if err != nil {
		return err
	}
	view := templates.RoomForm{
		ID: string(id), Name: f.text("name"), Kind: f.text("kind"), Floor: f.text("floor"), Seats: f.text("seats"), Equipment: f.text("equipment"),
		ShowSubject: f.on("show_subject"), ShowOrganizer: f.on("show_organizer"), Bookable: f.on("bookable"),
	}
	ws := store.Workspace{
		ID: id, FloorID: store.FloorID(view.Floor), Kind: store.WorkspaceKind(view.Kind), Name: view.Name, Seats: f.number("seats", 0, places.SeatsMax, 0),
		Equipment: []string{view.Equipment}, ShowSubject: view.ShowSubject, ShowOrganizer: view.ShowOrganizer, Bookable: view.Bookable,
	}
	if view.Floor == "" {
		f.bad("floor", "form.missing")
	}
	if err = f.err(); err == nil {
		if id == "" {
			_, err = s.Places.CreateWorkspace(r.Context(), v.Actor, ws)
		} else {
			err = s.Places.ChangeWorkspace(r.Context(), v.Actor, ws)
		}
	}
	if err != nil {
		if view.Errors = v.wrong(err); view.Errors == nil {
			return err
		}
		return s.showRoomForm(w, r, v, statusFor(err), view)
	}
	to := roomsPath
	if f.values.Has("another") {
		to += "/new?" + query("floor", view.Floor)
	}
	return s.done(w, r, v, to, v.T("places.said_room", "Name", view.Name))
}

// The import of a list.

func (s *Server) importForm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showImport(w, r, v, http.StatusOK, templates.RoomImport{})
}

func (s *Server) showImport(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.RoomImport) error {
	var err error
	if view.Floors, err = s.floorOptions(r, v); err != nil {
		return err
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.RoomImportPage(sh, view) })
}

func (s *Server) importRooms(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view, made, err := s.runImport(r, v)
	if err != nil {
		if view.Errors = importErrors(v, view, err); view.Errors == nil {
			return err
		}
		return s.showImport(w, r, v, statusFor(err), view)
	}
	if made < 0 {
		return s.showImport(w, r, v, http.StatusOK, view)
	}
	return s.done(w, r, v, roomsPath, v.N("places.said_imported", made))
}

// importErrors puts what is wrong with the table beside the field that it came from.
func importErrors(v *visitor, view templates.RoomImport, err error) ui.Errors {
	wrong := v.wrong(err)
	if wrong == nil || view.CSV == "" {
		return wrong
	}
	return renameFields(wrong, map[string]string{"file": "csv"})
}

// runImport reads the form of an import, then looks at its table or carries it out.
func (s *Server) runImport(r *http.Request, v *visitor) (view templates.RoomImport, made int, err error) {
	table, f, err := readUpload(r)
	if err != nil {
		return view, 0, err
	}
	view = templates.RoomImport{Floor: f.text("floor"), CSV: string(table)}
	made, err = s.importTable(r.Context(), v, table, f.text("step"), &view)
	return view, made, err
}

// importTable looks at a table of rooms or carries it out: made is how many rooms were made or changed, -1
// after a look.
func (s *Server) importTable(ctx context.Context, v *visitor, table []byte, step string, view *templates.RoomImport) (made int, err error) {
	if step == templates.ImportDo {
		done, err := s.Places.Import(ctx, v.Actor, table, store.FloorID(view.Floor))
		view.Lines = importLines(v, done)
		return done.New + done.Changed, err
	}
	look, err := s.Places.PreviewImport(ctx, v.Actor, table, store.FloorID(view.Floor))
	view.Lines = importLines(v, look)
	if look.Bad == 0 {
		view.Good = look.New + look.Changed
	}
	return -1, err
}

func importLines(v *visitor, in places.Import) []templates.ImportLine {
	var out []templates.ImportLine
	for _, l := range in.Lines {
		line := templates.ImportLine{N: l.Line, Name: l.Workspace.Name, Floor: l.Floor, Seats: seatsText(l.Workspace.Seats), Equip: v.Join(l.Workspace.Equipment)}
		var wrong []string
		for _, p := range l.Errors {
			wrong = append(wrong, v.problem(p, p.Key))
		}
		line.Error = strings.Join(wrong, " ")
		out = append(out, line)
	}
	return out
}

// readUpload reads the form of an import: its table is the text, or the file instead. Text that is not UTF-8
// is taken for Windows-1252, which spreadsheets write.
func readUpload(r *http.Request) ([]byte, *form, error) {
	f, err := parse(r)
	if err != nil {
		return nil, nil, err
	}
	table := []byte(f.values.Get("csv"))
	if file, _, err := r.FormFile("file"); err == nil {
		defer file.Close()
		b, err := io.ReadAll(file)
		if err != nil {
			return nil, nil, fmt.Errorf("read the uploaded file: %w", err)
		}
		if len(b) > 0 {
			table = b
		}
	}
	if !utf8.Valid(table) {
		if table, err = charmap.Windows1252.NewDecoder().Bytes(table); err != nil {
			return nil, nil, problem.Field("file", "places.import_unreadable").Because(err)
		}
	}
	return bytes.TrimPrefix(table, []byte("\ufeff")), f, nil
}
