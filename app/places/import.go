package places

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
)

// Limits of one import.
const (
	ImportBytes = 1 << 20
	ImportLines = 5000
)

// importColumns are the columns of an import, in the order of the sample. building, floor and name are required.
func importColumns() []string {
	return []string{"building", "floor", "level", "name", "kind", "seats", "equipment", "show_subject", "show_organizer", "bookable"}
}

// ImportSample returns a file to start from: the columns and one room.
func ImportSample() []byte {
	return []byte(strings.Join(importColumns(), ";") + "\r\n" + `Bahnhofstrasse;1st floor;1;Matterhorn;room;8;"Screen, Whiteboard";yes;yes;yes` + "\r\n")
}

// ImportAction says what an import does with one line.
type ImportAction string

// The actions.
const (
	ImportNew    ImportAction = "new"    // the workspace is made
	ImportChange ImportAction = "change" // one of that name on that floor gets these values
	ImportSame   ImportAction = "same"   // nothing differs
	ImportBad    ImportAction = "bad"    // the line has errors
)

// ImportLine is one line of an import and what comes of it.
type ImportLine struct {
	Line            int // as an editor counts, the header is 1
	Building, Floor string
	NewFloor        bool // the floor is made too
	Level           int  // of a new floor
	Workspace       store.Workspace
	Action          ImportAction
	Errors          []*problem.Problem // each blames one column
}

// Import is a read file and what would come, or came, of it.
type Import struct {
	Lines                   []ImportLine
	New, Changed, Same, Bad int
}

// PreviewImport reads a CSV file of workspaces and tells what Import would do with it. The separator may be
// a comma, a semicolon or a tab, the text UTF-8 or Windows-1252. Columns that a file leaves out stay
// as they are. A file that is no such table is a problem; bad lines are in the answer.
// at is the floor of lines that name none; without it every line names its building and floor.
func (s *Service) PreviewImport(ctx context.Context, by people.Actor, file []byte, at store.FloorID) (Import, error) {
	rows, err := readTable(file, at != "")
	if err != nil {
		return Import{}, err
	}
	var out Import
	err = s.view(ctx, "preview import", func(tx *store.Tx) error {
		p, err := newImporter(tx, by)
		if err != nil {
			return err
		}
		if err := p.complete(rows, at); err != nil {
			return err
		}
		out = p.plan(rows)
		return nil
	})
	return out, err
}

// Import makes and changes the workspaces of a CSV file, all of them or, when a line is bad, none: then the
// problem is places.import_bad and the answer holds the errors.
func (s *Service) Import(ctx context.Context, by people.Actor, file []byte, at store.FloorID) (Import, error) {
	rows, err := readTable(file, at != "")
	if err != nil {
		return Import{}, err
	}
	var out Import
	var touched []store.WorkspaceID
	err = s.update(ctx, "import workspaces", func(tx *store.Tx) error {
		p, err := newImporter(tx, by)
		if err != nil {
			return err
		}
		if err := p.complete(rows, at); err != nil {
			return err
		}
		out = p.plan(rows)
		if out.Bad > 0 {
			return problem.New(problem.Invalid, "places.import_bad", "Count", out.Bad)
		}
		if touched, err = p.carryOut(out.Lines); err != nil {
			return err
		}
		return audit.Record(tx, by, "workspace.import", "organisation", "1", "new", out.New, "changed", out.Changed)
	})
	if err != nil {
		return out, err
	}
	s.changed(touched)
	return out, nil
}

// importer knows what stands, by name.
type importer struct {
	tx         *store.Tx
	by         people.Actor
	buildings  map[string]store.Building
	floors     map[string]store.Floor     // by building id and name
	workspaces map[string]store.Workspace // by floor key and name
	seen       map[string]int             // workspace key -> line
}

// floorKey and workspaceKey compare names without regard to case.
func floorKey(b store.BuildingID, floor string) string {
	return string(b) + "\x00" + strings.ToLower(floor)
}

func workspaceKey(b store.BuildingID, floor, name string) string {
	return floorKey(b, floor) + "\x00" + strings.ToLower(name)
}

func newImporter(tx *store.Tx, by people.Actor) (*importer, error) {
	if !by.CanAnywhere(people.ManagePlaces) {
		return nil, by.Need(people.ManagePlaces, "")
	}
	p := &importer{tx, by, map[string]store.Building{}, map[string]store.Floor{}, map[string]store.Workspace{}, map[string]int{}}
	buildings, err := tx.Buildings()
	if err != nil {
		return nil, err
	}
	for _, b := range buildings {
		p.buildings[strings.ToLower(b.Name)] = b
		floors, err := tx.Floors(b.ID)
		if err != nil {
			return nil, err
		}
		for _, f := range floors {
			p.floors[floorKey(b.ID, f.Name)] = f
		}
	}
	all, err := tx.Workspaces(store.WorkspaceFilter{})
	for _, w := range all {
		p.workspaces[workspaceKey(w.Building.ID, w.Floor.Name, w.Workspace.Name)] = w.Workspace
	}
	return p, err
}

// complete puts the rows that name no floor on a floor that stands.
func (p *importer) complete(rows []row, at store.FloorID) error {
	if at == "" {
		return nil
	}
	floor, err := standingFloor(p.tx, at)
	if err != nil {
		return err
	}
	b, err := standingBuilding(p.tx, floor.BuildingID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.cells["building"] == "" {
			r.cells["building"] = b.Name
		}
		if r.cells["floor"] == "" && strings.EqualFold(r.cells["building"], b.Name) {
			r.cells["floor"] = floor.Name
		}
	}
	return nil
}

// plan decides for each row.
func (p *importer) plan(rows []row) Import {
	var out Import
	for _, r := range rows {
		l := p.line(r)
		switch l.Action {
		case ImportNew:
			out.New++
		case ImportChange:
			out.Changed++
		case ImportSame:
			out.Same++
		case ImportBad:
			out.Bad++
		}
		out.Lines = append(out.Lines, l)
	}
	return out
}

// line decides for one row.
func (p *importer) line(r row) ImportLine {
	l := ImportLine{Line: r.line, Building: r.cells["building"], Floor: r.cells["floor"]}
	bad := func(column, key string, args ...any) {
		l.Errors = append(l.Errors, problem.Field(column, key, args...))
	}
	if r.odd {
		bad("file", "places.import_cells")
	}
	b, ok := p.buildings[strings.ToLower(l.Building)]
	switch {
	case !ok:
		bad("building", "places.import_no_building", "Name", l.Building)
	case !p.by.Can(people.ManagePlaces, b.ID):
		bad("building", "people.forbidden")
	}
	floor, known := p.floors[floorKey(b.ID, l.Floor)]
	l.NewFloor = !known
	if err := checkFloor(&store.Floor{Name: l.Floor, Level: floor.Level}); err != nil {
		bad("floor", problem.Of(err).Key, "Count", NameMax)
	}
	key := workspaceKey(b.ID, l.Floor, r.cells["name"])
	old, exists := p.workspaces[key]
	if first, twice := p.seen[key]; twice {
		bad("name", "places.import_twice", "Line", first)
	} else {
		p.seen[key] = r.line
	}
	l.Workspace = old
	if !exists {
		l.Workspace = store.Workspace{Kind: store.Room, ShowSubject: true, ShowOrganizer: true, Bookable: true}
	}
	if n, err := strconv.Atoi(r.cells["level"]); err == nil {
		l.Level = n
	}
	l.Errors = append(l.Errors, fill(&l.Workspace, r)...)
	l.Workspace.FloorID = floor.ID
	switch {
	case len(l.Errors) > 0:
		l.Action = ImportBad
	case !exists:
		l.Action = ImportNew
	case same(old, l.Workspace):
		l.Action = ImportSame
	default:
		l.Action = ImportChange
	}
	return l
}

// fill puts a row's cells into a workspace; columns that are not there leave it as it is.
func fill(w *store.Workspace, r row) []*problem.Problem {
	var f fields
	w.Name = r.cells["name"]
	if v, ok := r.cells["kind"]; ok && v != "" {
		w.Kind = store.WorkspaceKind(strings.ToLower(v))
	}
	if v, ok := r.cells["seats"]; ok {
		n, err := strconv.Atoi(v)
		if v != "" && err != nil {
			f.bad("seats", "places.bad_seats", "Most", SeatsMax)
		}
		w.Seats = n
	}
	if v, ok := r.cells["equipment"]; ok {
		w.Equipment = []string{v}
	}
	if v := r.cells["level"]; v != "" {
		if n, err := strconv.Atoi(v); err != nil || n < LowestLevel || n > HighestLevel {
			f.bad("level", "places.bad_level")
		}
	}
	for _, c := range []struct {
		name string
		to   *bool
	}{{"show_subject", &w.ShowSubject}, {"show_organizer", &w.ShowOrganizer}, {"bookable", &w.Bookable}} {
		switch strings.ToLower(r.cells[c.name]) {
		case "":
		case "yes", "true", "1", "ja", "oui", "si", "sì", "x":
			*c.to = true
		case "no", "false", "0", "nein", "non":
			*c.to = false
		default:
			f.bad(c.name, "places.import_yes_no")
		}
	}
	f.workspace(w)
	if f.p == nil {
		return nil
	}
	var out []*problem.Problem
	for _, column := range importColumns() {
		if key, ok := f.p.Fields[column]; ok {
			out = append(out, &problem.Problem{Kind: problem.Invalid, Key: key, Args: f.p.Args, Fields: map[string]string{column: key}})
		}
	}
	return out
}

func same(a, b store.Workspace) bool {
	return a.Name == b.Name && a.Kind == b.Kind && a.Seats == b.Seats && slices.Equal(a.Equipment, b.Equipment) &&
		a.ShowSubject == b.ShowSubject && a.ShowOrganizer == b.ShowOrganizer && a.Bookable == b.Bookable
}

// carryOut makes the floors and workspaces of a plan without bad lines.
func (p *importer) carryOut(lines []ImportLine) ([]store.WorkspaceID, error) {
	var touched []store.WorkspaceID
	for i := range lines {
		l := &lines[i]
		b := p.buildings[strings.ToLower(l.Building)]
		w := &l.Workspace
		if l.Action == ImportSame {
			continue
		}
		f, ok := p.floors[floorKey(b.ID, l.Floor)]
		if !ok {
			f = store.Floor{ID: store.NewID[store.FloorID](), BuildingID: b.ID, Name: l.Floor, Level: l.Level}
			if err := p.tx.InsertFloor(f); err != nil {
				return nil, fmt.Errorf("line %d: %w", l.Line, err)
			}
			p.floors[floorKey(b.ID, l.Floor)] = f
		}
		w.FloorID = f.ID
		var err error
		if l.Action == ImportNew {
			w.ID = store.NewID[store.WorkspaceID]()
			err = p.tx.InsertWorkspace(*w)
		} else {
			err = p.tx.UpdateWorkspace(*w)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", l.Line, err)
		}
		touched = append(touched, w.ID)
	}
	return touched, nil
}
