package store

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lintel/app/when"
)

// Organisation is the one house that this server runs.
type Organisation struct {
	Name      string
	Language  string // two letters, the language of pages and mails where nothing else says one
	CreatedAt time.Time
}

// Retention says how long who and what of a hosted booking is kept after its end.
type Retention string

// The two choices: until the next local midnight, or three months.
const (
	RetainMidnight Retention = "midnight"
	RetainMonths3  Retention = "months3"
)

// Weekdays is a set of days of the week; bit 0 is Monday.
type Weekdays int

// WeekdaysOf returns the set of these days.
func WeekdaysOf(days ...time.Weekday) Weekdays {
	var w Weekdays
	for _, d := range days {
		w |= bit(d)
	}
	return w
}

// MondayToFriday is the usual working week.
const MondayToFriday Weekdays = 31

// Has reports whether d is in the set.
func (w Weekdays) Has(d time.Weekday) bool { return w&bit(d) != 0 }

func bit(d time.Weekday) Weekdays { return 1 << ((int(d) + 6) % 7) }

// Building is a house with an address, a zone and a language.
type Building struct {
	ID                     BuildingID
	Name                   string
	Street, Postcode, City string
	Country                string
	Zone                   string // IANA name, checked when it was entered
	Language               string // two letters, of its door displays
	WorkingDays            Weekdays
	HostedRetention        Retention
	CreatedAt, DeletedAt   time.Time // DeletedAt is zero while it stands
}

// Location returns the building's zone. It fails only when the zone's name is unknown to the program.
func (b Building) Location() (*time.Location, error) { return when.LoadZone(b.Zone) }

// OpeningSpan is one span of a building's opening hours: on this weekday, from Opens to Closes minutes
// after midnight (1440 is the end of the day), on days within its validity. Both 0 says that the building is
// closed on this weekday.
type OpeningSpan struct {
	ValidFrom, ValidTo when.Date // both included; zero is without end
	Weekday            time.Weekday
	Opens, Closes      int
}

// Closed reports whether the span says "closed".
func (s OpeningSpan) Closed() bool { return s.Opens == 0 && s.Closes == 0 }

// ValidOn reports whether the span's validity covers d.
func (s OpeningSpan) ValidOn(d when.Date) bool {
	return (s.ValidFrom.IsZero() || !d.Before(s.ValidFrom)) && (s.ValidTo.IsZero() || !d.After(s.ValidTo))
}

// Floor is one storey of a building.
type Floor struct {
	ID                   FloorID
	BuildingID           BuildingID
	Name                 string
	Level                int // 0 is the ground, for the order
	CreatedAt, DeletedAt time.Time
}

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

// placeLimit bounds lists of places; a house with more is beyond this program.
const placeLimit = 20_000

// Organisation returns the house, or ErrNotFound before the first set-up.
func (tx *Tx) Organisation() (Organisation, error) {
	return one(tx, func(r scanner) (o Organisation, err error) {
		err = r.Scan(&o.Name, &o.Language, instant{&o.CreatedAt})
		return o, err
	}, `SELECT name, language, created_at FROM organisation WHERE id = 1`)
}

// SetOrganisation makes or changes the house; CreatedAt is set by the first call and stays.
func (tx *Tx) SetOrganisation(o Organisation) error {
	_, err := tx.exec(`INSERT INTO organisation (id, name, language, created_at) VALUES (1, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, language = excluded.language`,
		o.Name, o.Language, unix(tx.now))
	return err
}

const buildingColumns = `b.id, b.name, b.street, b.postcode, b.city, b.country, b.zone, b.language, b.working_days, b.hosted_retention, b.created_at, b.deleted_at`

func (b *Building) targets() []any {
	return []any{&b.ID, &b.Name, &b.Street, &b.Postcode, &b.City, &b.Country, &b.Zone, &b.Language, &b.WorkingDays, &b.HostedRetention,
		instant{&b.CreatedAt}, instant{&b.DeletedAt}}
}

func scanBuilding(r scanner) (Building, error) {
	var b Building
	err := r.Scan(b.targets()...)
	return b, err
}

// Building returns one building, also a deleted one, or ErrNotFound.
func (tx *Tx) Building(id BuildingID) (Building, error) {
	return one(tx, scanBuilding, `SELECT `+buildingColumns+` FROM building b WHERE b.id = ?`, id)
}

// Buildings returns those that stand, by name.
func (tx *Tx) Buildings() ([]Building, error) {
	return list(tx, scanBuilding, `SELECT `+buildingColumns+` FROM building b WHERE b.deleted_at IS NULL ORDER BY b.name LIMIT ?`, placeLimit)
}

// DeletedBuildings returns those that were deleted, the newest deletion first.
func (tx *Tx) DeletedBuildings() ([]Building, error) {
	return list(tx, scanBuilding, `SELECT `+buildingColumns+` FROM building b WHERE b.deleted_at IS NOT NULL ORDER BY b.deleted_at DESC, b.name LIMIT ?`, placeLimit)
}

// InsertBuilding stores a new building. A name that is in use is ErrDuplicate.
func (tx *Tx) InsertBuilding(b Building) error {
	_, err := tx.exec(`INSERT INTO building (id, name, street, postcode, city, country, zone, language, working_days, hosted_retention, created_at)
		VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
		b.ID, b.Name, b.Street, b.Postcode, b.City, b.Country, b.Zone, b.Language, b.WorkingDays, b.HostedRetention, unix(tx.now))
	return err
}

// UpdateBuilding changes a building that stands. ErrNotFound, ErrDuplicate.
func (tx *Tx) UpdateBuilding(b Building) error {
	return tx.must(`UPDATE building SET name=?, street=?, postcode=?, city=?, country=?, zone=?, language=?, working_days=?, hosted_retention=?
		WHERE id=? AND deleted_at IS NULL`,
		b.Name, b.Street, b.Postcode, b.City, b.Country, b.Zone, b.Language, b.WorkingDays, b.HostedRetention, b.ID)
}

// OpeningHours returns the spans of a building, in order of validity, weekday and time.
func (tx *Tx) OpeningHours(id BuildingID) ([]OpeningSpan, error) {
	spans, err := list(tx, func(r scanner) (OpeningSpan, error) {
		var s OpeningSpan
		var from, to string
		var iso int
		if err := r.Scan(nullable[string]{&from}, nullable[string]{&to}, &iso, &s.Opens, &s.Closes); err != nil {
			return s, err
		}
		s.Weekday = time.Weekday(iso % 7)
		var err error
		if s.ValidFrom, err = dateOrZero(from); err != nil {
			return s, err
		}
		s.ValidTo, err = dateOrZero(to)
		return s, err
	}, `SELECT valid_from, valid_to, weekday, opens, closes FROM opening_hours WHERE building_id = ?
		ORDER BY valid_from, valid_to, weekday, opens LIMIT ?`, id, placeLimit)
	return spans, err
}

func dateOrZero(s string) (when.Date, error) {
	if s == "" {
		return when.Date{}, nil
	}
	return when.ParseDate(s)
}

// SetOpeningHours replaces all spans of a building.
func (tx *Tx) SetOpeningHours(id BuildingID, spans []OpeningSpan) error {
	if _, err := tx.exec(`DELETE FROM opening_hours WHERE building_id = ?`, id); err != nil {
		return err
	}
	for _, s := range spans {
		iso := (int(s.Weekday)+6)%7 + 1
		if _, err := tx.exec(`INSERT INTO opening_hours (building_id, valid_from, valid_to, weekday, opens, closes) VALUES (?,?,?,?,?,?)`,
			id, orNull(s.ValidFrom.String()), orNull(s.ValidTo.String()), iso, s.Opens, s.Closes); err != nil {
			return err
		}
	}
	return nil
}

const floorColumns = `f.id, f.building_id, f.name, f.level, f.created_at, f.deleted_at`

func (f *Floor) targets() []any {
	return []any{&f.ID, &f.BuildingID, &f.Name, &f.Level, instant{&f.CreatedAt}, instant{&f.DeletedAt}}
}

func scanFloor(r scanner) (Floor, error) {
	var f Floor
	err := r.Scan(f.targets()...)
	return f, err
}

// Floor returns one floor, also a deleted one, or ErrNotFound.
func (tx *Tx) Floor(id FloorID) (Floor, error) {
	return one(tx, scanFloor, `SELECT `+floorColumns+` FROM floor f WHERE f.id = ?`, id)
}

// Floors returns those of a building that stand, from the lowest up.
func (tx *Tx) Floors(id BuildingID) ([]Floor, error) {
	return list(tx, scanFloor, `SELECT `+floorColumns+` FROM floor f WHERE f.building_id = ? AND f.deleted_at IS NULL
		ORDER BY f.level, f.name LIMIT ?`, id, placeLimit)
}

// DeletedFloors returns the deleted floors of a building, the newest deletion first.
func (tx *Tx) DeletedFloors(id BuildingID) ([]Floor, error) {
	return list(tx, scanFloor, `SELECT `+floorColumns+` FROM floor f WHERE f.building_id = ? AND f.deleted_at IS NOT NULL
		ORDER BY f.deleted_at DESC, f.name LIMIT ?`, id, placeLimit)
}

// InsertFloor stores a new floor. ErrDuplicate for a name in use, ErrReference for an unknown building.
func (tx *Tx) InsertFloor(f Floor) error {
	_, err := tx.exec(`INSERT INTO floor (id, building_id, name, level, created_at) VALUES (?,?,?,?,?)`,
		f.ID, f.BuildingID, f.Name, f.Level, unix(tx.now))
	return err
}

// UpdateFloor changes name and level of a floor that stands. ErrNotFound, ErrDuplicate.
func (tx *Tx) UpdateFloor(f Floor) error {
	return tx.must(`UPDATE floor SET name=?, level=? WHERE id=? AND deleted_at IS NULL`, f.Name, f.Level, f.ID)
}

const workspaceColumns = `w.id, w.floor_id, w.kind, w.name, w.seats, w.equipment, w.show_subject, w.show_organizer, w.bookable, w.created_at, w.deleted_at`

func (w *Workspace) targets() []any {
	return []any{&w.ID, &w.FloorID, &w.Kind, &w.Name, &w.Seats, words{&w.Equipment}, &w.ShowSubject, &w.ShowOrganizer, &w.Bookable,
		instant{&w.CreatedAt}, instant{&w.DeletedAt}}
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
	all, err := list(tx, scanPlace, placeQuery+where+` ORDER BY b.name, b.id, f.level, f.name, f.id, w.name, w.id LIMIT ?`, append(args, placeLimit)...)
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
	return list(tx, scanPlace, placeQuery+` WHERE w.floor_id = ? AND w.deleted_at IS NOT NULL ORDER BY w.deleted_at DESC, w.name LIMIT ?`, id, placeLimit)
}

// Equipment returns every word of equipment that a standing workspace has, each once, in order.
func (tx *Tx) Equipment() ([]string, error) {
	lines, err := list(tx, value[string], `SELECT DISTINCT equipment FROM workspace WHERE deleted_at IS NULL AND equipment <> '' LIMIT ?`, placeLimit)
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

// Gone says what one deletion takes with it, or one undoing brings back.
type Gone struct {
	Floors     []Floor
	Workspaces []Workspace
}

// Below returns the standing floors and workspaces of a building, or of one of its floors when floor is not "".
func (tx *Tx) Below(b BuildingID, floor FloorID) (Gone, error) {
	places, err := tx.Workspaces(WorkspaceFilter{Building: b, Floor: floor})
	if err != nil {
		return Gone{}, err
	}
	var g Gone
	for _, p := range places {
		g.Workspaces = append(g.Workspaces, p.Workspace)
	}
	if floor == "" {
		g.Floors, err = tx.Floors(b)
	}
	return g, err
}

// DeleteBuilding deletes a building softly, with all that stands in it. What went together carries
// the same instant, by which UndeleteBuilding knows it again. ErrNotFound.
func (tx *Tx) DeleteBuilding(id BuildingID) error {
	if err := tx.must(`UPDATE building SET deleted_at=? WHERE id=? AND deleted_at IS NULL`, unix(tx.now), id); err != nil {
		return err
	}
	if _, err := tx.exec(`UPDATE workspace SET deleted_at=? WHERE deleted_at IS NULL AND floor_id IN (SELECT id FROM floor WHERE building_id=?)`, unix(tx.now), id); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE floor SET deleted_at=? WHERE deleted_at IS NULL AND building_id=?`, unix(tx.now), id)
	return err
}

// UndeleteBuilding undoes DeleteBuilding. ErrNotFound when it is not deleted, ErrDuplicate when its name
// was taken meanwhile.
func (tx *Tx) UndeleteBuilding(id BuildingID) error {
	b, err := tx.Building(id)
	if err != nil {
		return err
	}
	if err := tx.must(`UPDATE building SET deleted_at=NULL WHERE id=? AND deleted_at IS NOT NULL`, id); err != nil {
		return err
	}
	if _, err := tx.exec(`UPDATE workspace SET deleted_at=NULL WHERE deleted_at=? AND floor_id IN (SELECT id FROM floor WHERE building_id=?)`, unix(b.DeletedAt), id); err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE floor SET deleted_at=NULL WHERE deleted_at=? AND building_id=?`, unix(b.DeletedAt), id)
	return err
}

// DeleteFloor deletes a floor softly, with its workspaces. ErrNotFound.
func (tx *Tx) DeleteFloor(id FloorID) error {
	if err := tx.must(`UPDATE floor SET deleted_at=? WHERE id=? AND deleted_at IS NULL`, unix(tx.now), id); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE workspace SET deleted_at=? WHERE deleted_at IS NULL AND floor_id=?`, unix(tx.now), id)
	return err
}

// UndeleteFloor undoes DeleteFloor. ErrNotFound when it is not deleted, ErrReference when its building
// still is, ErrDuplicate when its name was taken meanwhile.
func (tx *Tx) UndeleteFloor(id FloorID) error {
	f, err := tx.Floor(id)
	if err != nil {
		return err
	}
	if b, err := tx.Building(f.BuildingID); err != nil {
		return err
	} else if !b.DeletedAt.IsZero() {
		return ErrReference
	}
	if err := tx.must(`UPDATE floor SET deleted_at=NULL WHERE id=? AND deleted_at IS NOT NULL`, id); err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE workspace SET deleted_at=NULL WHERE deleted_at=? AND floor_id=?`, unix(f.DeletedAt), id)
	return err
}

// DeleteWorkspace deletes a workspace softly. ErrNotFound.
func (tx *Tx) DeleteWorkspace(id WorkspaceID) error {
	return tx.must(`UPDATE workspace SET deleted_at=? WHERE id=? AND deleted_at IS NULL`, unix(tx.now), id)
}

// UndeleteWorkspace undoes DeleteWorkspace. ErrNotFound when it is not deleted, ErrReference when its
// floor still is, ErrDuplicate when its name was taken meanwhile.
func (tx *Tx) UndeleteWorkspace(id WorkspaceID) error {
	p, err := tx.Workspace(id)
	if err != nil {
		return err
	}
	if !p.Floor.DeletedAt.IsZero() {
		return ErrReference
	}
	return tx.must(`UPDATE workspace SET deleted_at=NULL WHERE id=? AND deleted_at IS NOT NULL`, id)
}

// anys turns typed ids into arguments of a query.
func anys[T ~string](ids []T) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}
