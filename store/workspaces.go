package store

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// WorkspaceKind says what sort of workspace it is.
type WorkspaceKind string

// The kinds.
const (
	Room    WorkspaceKind = "room"
	Desk    WorkspaceKind = "desk"
	Huddle  WorkspaceKind = "huddle"
	Parking WorkspaceKind = "parking"
)

// WorkspaceKinds lists the kinds in the order in which pages show them.
func WorkspaceKinds() []WorkspaceKind { return []WorkspaceKind{Room, Huddle, Desk, Parking} }

// Workspace is what can be booked.
type Workspace struct {
	ID                   WorkspaceID
	FloorID              FloorID
	Kind                 WorkspaceKind
	Name                 string
	Seats                int      // 0 = not told
	Equipment            []string // words in the house's own language, in order, without commas; nil = none
	ShowSubject          bool     // strangers and the door may read the subject
	ShowOrganizer        bool     // strangers and the door may read who it is
	Bookable             bool     // bookings may be made here
	CreatedAt, DeletedAt time.Time
}

// WorkspacePlace is a workspace with where it is and which calendar it follows.
type WorkspacePlace struct {
	Workspace Workspace
	Floor     Floor
	Building  Building
	Resource  ResourceID // its live calendar in a booking system; "" = hosted by ourselves
	Writable  bool       // Lintel may write to that calendar; false when hosted
}

// WorkspaceFilter narrows Workspaces; its zero value takes all that stand.
type WorkspaceFilter struct {
	Building  BuildingID
	Floor     FloorID
	Kind      WorkspaceKind
	MinSeats  int
	Equipment []string // all of these words, without regard to case
	Bookable  bool     // only bookable ones
	IDs       []WorkspaceID
}

const workspaceColumns = `w.id, w.floor_id, w.kind, w.name, w.seats, w.equipment, w.show_subject, w.show_organizer, w.bookable, w.created_at, w.deleted_at`

func (w *Workspace) targets() []any {
	return []any{
		&w.ID, &w.FloorID, &w.Kind, &w.Name, &w.Seats,
		words{&w.Equipment},
		&w.ShowSubject, &w.ShowOrganizer, &w.Bookable,
		instant{&w.CreatedAt},
		instant{&w.DeletedAt},
	}
}

// words is a scan target for words separated by commas.
type words struct{ to *[]string }

// Scan implements sql.Scanner.
func (w words) Scan(v any) error {
	*w.to = nil
	if s, _ := v.(string); s != "" {
		*w.to = strings.Split(s, ",")
	}
	return nil
}

// placeQuery selects workspaces with everything around them.
const placeQuery = `SELECT ` + workspaceColumns + `, ` + floorColumns + `, ` + buildingColumns + `, r.id, COALESCE(r.writable, 0)
	FROM workspace w JOIN floor f ON f.id = w.floor_id JOIN building b ON b.id = f.building_id
	LEFT JOIN resource r ON r.workspace_id = w.id AND r.deleted_at IS NULL`

func scanPlace(r scanner) (WorkspacePlace, error) {
	var p WorkspacePlace
	to := slices.Concat(p.Workspace.targets(), p.Floor.targets(), p.Building.targets())
	err := r.Scan(append(to, nullable[ResourceID]{&p.Resource}, &p.Writable)...)
	return p, err
}

// Workspace returns one workspace with its place, also a deleted one, or ErrNotFound.
func (tx *Tx) Workspace(id WorkspaceID) (WorkspacePlace, error) {
	return one(tx, scanPlace, placeQuery+` WHERE w.id = ?`, id)
}

// Workspaces returns those that stand and pass the filter, by building, floor and name.
func (tx *Tx) Workspaces(f WorkspaceFilter) ([]WorkspacePlace, error) {
	where := ` WHERE w.deleted_at IS NULL AND f.deleted_at IS NULL AND b.deleted_at IS NULL`
	var args []any
	add := func(cond string, a ...any) {
		where += " AND " + cond
		args = append(args, a...)
	}
	if f.Building != "" {
		add("b.id = ?", f.Building)
	}
	if f.Floor != "" {
		add("f.id = ?", f.Floor)
	}
	if f.Kind != "" {
		add("w.kind = ?", f.Kind)
	}
	if f.MinSeats > 0 {
		add("w.seats >= ?", f.MinSeats)
	}
	if f.Bookable {
		add("w.bookable = 1")
	}
	if f.IDs != nil {
		add("w.id IN ("+marks(len(f.IDs))+")", anys(f.IDs)...)
	}
	all, err := list(tx, scanPlace, placeQuery+where+` ORDER BY b.name, b.id, f.level, f.name, f.id, w.name, w.id`+limit(placeLimit), args...)
	if err != nil || len(f.Equipment) == 0 {
		return all, err
	}
	return slices.DeleteFunc(all, func(p WorkspacePlace) bool { return !p.Workspace.HasEquipment(f.Equipment...) }), nil
}

// HasEquipment reports whether the workspace has all of these, without regard to case.
func (w Workspace) HasEquipment(wanted ...string) bool {
	for _, want := range wanted {
		if !slices.ContainsFunc(w.Equipment, func(have string) bool { return strings.EqualFold(have, want) }) {
			return false
		}
	}
	return true
}

// DeletedWorkspaces returns the deleted workspaces of a floor, the newest deletion first.
func (tx *Tx) DeletedWorkspaces(id FloorID) ([]WorkspacePlace, error) {
	return list(tx, scanPlace, placeQuery+` WHERE w.floor_id = ? AND w.deleted_at IS NOT NULL ORDER BY w.deleted_at DESC, w.name`+limit(placeLimit), id)
}

// Equipment returns every word of equipment that a standing workspace has, each once, in order.
func (tx *Tx) Equipment() ([]string, error) {
	lines, err := list(tx, value[string], `SELECT DISTINCT equipment FROM workspace WHERE deleted_at IS NULL AND equipment <> ''`+limit(placeLimit))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, l := range lines {
		all = append(all, strings.Split(l, ",")...)
	}
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
	})
	return slices.CompactFunc(all, strings.EqualFold), nil
}

// InsertWorkspace stores a new workspace. ErrDuplicate for a name in use on the floor, ErrReference for
// an unknown floor.
func (tx *Tx) InsertWorkspace(w Workspace) error {
	_, err := tx.exec(`INSERT INTO workspace (id, floor_id, kind, name, seats, equipment, show_subject, show_organizer, bookable, created_at)
		VALUES (?,?,?,?,?,?,?,?,?,?)`,
		w.ID, w.FloorID, w.Kind, w.Name, w.Seats, strings.Join(w.Equipment, ","), w.ShowSubject, w.ShowOrganizer, w.Bookable, unix(tx.now))
	return err
}

// UpdateWorkspace changes a workspace that stands, its floor included. ErrNotFound, ErrDuplicate, ErrReference.
func (tx *Tx) UpdateWorkspace(w Workspace) error {
	return tx.must(`UPDATE workspace SET floor_id=?, kind=?, name=?, seats=?, equipment=?, show_subject=?, show_organizer=?, bookable=?
		WHERE id=? AND deleted_at IS NULL`,
		w.FloorID, w.Kind, w.Name, w.Seats, strings.Join(w.Equipment, ","), w.ShowSubject, w.ShowOrganizer, w.Bookable, w.ID)
}

// anys turns typed ids into arguments of a query.
func anys[T ~string](ids []T) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}
