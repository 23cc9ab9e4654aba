package store

import (
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
	return []any{
		&b.ID, &b.Name, &b.Street, &b.Postcode, &b.City, &b.Country, &b.Zone, &b.Language, &b.WorkingDays, &b.HostedRetention,
		instant{&b.CreatedAt},
		instant{&b.DeletedAt},
	}
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
	return list(tx, scanBuilding, `SELECT `+buildingColumns+` FROM building b WHERE b.deleted_at IS NULL ORDER BY b.name`+limit(placeLimit))
}

// DeletedBuildings returns those that were deleted, the newest deletion first.
func (tx *Tx) DeletedBuildings() ([]Building, error) {
	return list(tx, scanBuilding, `SELECT `+buildingColumns+` FROM building b WHERE b.deleted_at IS NOT NULL ORDER BY b.deleted_at DESC, b.name`+limit(placeLimit))
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
		ORDER BY valid_from, valid_to, weekday, opens`+limit(placeLimit), id)
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
		ORDER BY f.level, f.name`+limit(placeLimit), id)
}

// DeletedFloors returns the deleted floors of a building, the newest deletion first.
func (tx *Tx) DeletedFloors(id BuildingID) ([]Floor, error) {
	return list(tx, scanFloor, `SELECT `+floorColumns+` FROM floor f WHERE f.building_id = ? AND f.deleted_at IS NOT NULL
		ORDER BY f.deleted_at DESC, f.name`+limit(placeLimit), id)
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
