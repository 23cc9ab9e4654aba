package store

import (
	"encoding/json"
	"fmt"
	"time"

	"lintel/app/secret"
)

// System is a booking system that somebody connected.
type System struct {
	ID           SystemID
	Kind         string // ews, graph, google, connector, caldav, ics, push
	Name         string
	URL          string
	Username     string
	Secrets      map[string]secret.Text // by field, such as "password"; sealed
	CAPEM        string                 // roots trusted for this system only, PEM; "" = the system's and the configured ones
	Settings     map[string]string
	PausedAt     time.Time // zero while it is tried; set when the sign-in was refused twice
	WaitUntil    time.Time // the system asked for it: nothing is sent before; zero when nothing is awaited
	LastOK       time.Time // zero = never
	FailingSince time.Time // zero while it works
	ErrorKind    string
	ErrorSaid    string
	Checked      SystemCheck
	CreatedAt    time.Time
}

// SystemCheck is what somebody found who walked through the connection as it is set up now.
type SystemCheck struct {
	At        time.Time   // zero = never
	Workspace WorkspaceID // whose calendar was looked at; "" when none was
	Steps     []SystemCheckStep
}

// SystemCheckStep is one step of a check. It holds no secret.
type SystemCheckStep struct {
	Name  string        `json:"name"` // text key
	State string        `json:"state"`
	Said  string        `json:"said,omitempty"` // what the system answered
	Cure  string        `json:"cure,omitempty"` // text key
	Took  time.Duration `json:"took,omitempty"` // nanoseconds
}

const systemColumns = `id, kind, name, url, username, secrets, ca_pem, settings, paused_at, wait_until, last_ok, failing_since, error_kind, error_said,
	checked_at, checked_room, check_steps, created_at`

func (tx *Tx) scanSystem(r scanner) (System, error) {
	var y System
	var sealed []byte
	var settings, steps string
	err := r.Scan(&y.ID, &y.Kind, &y.Name, &y.URL, &y.Username, &sealed, &y.CAPEM, &settings, instant{&y.PausedAt}, instant{&y.WaitUntil},
		instant{&y.LastOK}, instant{&y.FailingSince}, &y.ErrorKind, &y.ErrorSaid, instant{&y.Checked.At}, nullable[WorkspaceID]{&y.Checked.Workspace}, &steps, instant{&y.CreatedAt})
	if err != nil {
		return y, err
	}
	if steps != "" {
		if err := json.Unmarshal([]byte(steps), &y.Checked.Steps); err != nil {
			return y, fmt.Errorf("read the check of a booking system: %w", err)
		}
	}
	if err := json.Unmarshal([]byte(settings), &y.Settings); err != nil {
		return y, fmt.Errorf("read settings of a booking system: %w", err)
	}
	if len(sealed) == 0 {
		return y, nil
	}
	plain, err := tx.open("booking_system", "secrets", string(y.ID), sealed)
	if err != nil {
		return y, err
	}
	var secrets map[string]string
	if err := json.Unmarshal(plain, &secrets); err != nil {
		return y, fmt.Errorf("read secrets of a booking system: not as they were written")
	}
	y.Secrets = make(map[string]secret.Text, len(secrets))
	for k, v := range secrets {
		y.Secrets[k] = secret.New(v)
	}
	return y, nil
}

// Systems returns the connected booking systems by name.
func (tx *Tx) Systems() ([]System, error) {
	return list(tx, tx.scanSystem, `SELECT `+systemColumns+` FROM booking_system WHERE deleted_at IS NULL ORDER BY name LIMIT 1000`)
}

// System returns one connected booking system, or ErrNotFound.
func (tx *Tx) System(id SystemID) (System, error) {
	return one(tx, tx.scanSystem, `SELECT `+systemColumns+` FROM booking_system WHERE id = ? AND deleted_at IS NULL`, id)
}

// SaveSystem inserts or updates what an administrator types; the state of the connection is not touched
// but for the pause, which ends, and its last check and answer, which were those of another one. A pushed system has no other
// end that could be another one.
func (tx *Tx) SaveSystem(y System) error {
	settings, err := json.Marshal(y.Settings)
	if err != nil {
		return fmt.Errorf("save booking system: %w", err)
	}
	if y.Settings == nil {
		settings = []byte("{}")
	}
	sealed, err := tx.sealSecrets(y.ID, y.Secrets)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO booking_system (id, kind, name, url, username, secrets, ca_pem, settings, created_at)
		VALUES (?,?,?,?,?,?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url, username = excluded.username,
			secrets = excluded.secrets, ca_pem = excluded.ca_pem, settings = excluded.settings, paused_at = NULL,
			last_ok = CASE kind WHEN 'push' THEN last_ok END, checked_at = NULL, checked_room = NULL, check_steps = ''`,
		y.ID, y.Kind, y.Name, y.URL, y.Username, sealed, y.CAPEM, string(settings), unix(tx.now))
	return err
}

// SaveSystemSecrets replaces a system's secrets and nothing else.
func (tx *Tx) SaveSystemSecrets(id SystemID, secrets map[string]secret.Text) error {
	sealed, err := tx.sealSecrets(id, secrets)
	if err != nil {
		return err
	}
	return tx.must(`UPDATE booking_system SET secrets = ? WHERE id = ? AND deleted_at IS NULL`, sealed, id)
}

// SaveSystemCheck stores what the last check of a connection found; a zero one forgets it.
func (tx *Tx) SaveSystemCheck(id SystemID, c SystemCheck) error {
	steps := ""
	if len(c.Steps) > 0 {
		b, err := json.Marshal(c.Steps)
		if err != nil {
			return fmt.Errorf("save the check of a booking system: %w", err)
		}
		steps = string(b)
	}
	return tx.must(`UPDATE booking_system SET checked_at = ?, checked_room = ?, check_steps = ? WHERE id = ? AND deleted_at IS NULL`,
		unixOrNull(c.At), orNull(c.Workspace), steps, id)
}

// sealSecrets returns nil when there are none.
func (tx *Tx) sealSecrets(id SystemID, secrets map[string]secret.Text) ([]byte, error) {
	revealed := map[string]string{}
	for k, v := range secrets {
		if !v.IsZero() {
			revealed[k] = v.Reveal()
		}
	}
	if len(revealed) == 0 {
		return nil, nil
	}
	plain, err := json.Marshal(revealed)
	if err != nil {
		return nil, fmt.Errorf("save secrets of a booking system: %w", err)
	}
	return tx.seal("booking_system", "secrets", string(id), plain), nil
}

// DeleteSystem marks a system and its resources deleted, forgets its password, revokes its keys, and drops their agendas.
func (tx *Tx) DeleteSystem(id SystemID) error {
	rs, err := list(tx, value[ResourceID], `SELECT id FROM resource WHERE system_id = ? AND deleted_at IS NULL`, id)
	if err != nil {
		return err
	}
	for _, r := range rs {
		if err := tx.DeleteResource(r); err != nil {
			return err
		}
	}
	if _, err := tx.exec(`UPDATE access_key SET revoked_at = ? WHERE system_id = ? AND revoked_at IS NULL`, unix(tx.now), id); err != nil {
		return err
	}
	return tx.must(`UPDATE booking_system SET deleted_at = ?, secrets = NULL, username = '' WHERE id = ? AND deleted_at IS NULL`, unix(tx.now), id)
}

// SaveSystemState stores how the connection does.
func (tx *Tx) SaveSystemState(y System) error {
	return tx.must(`UPDATE booking_system SET paused_at = ?, wait_until = ?, last_ok = ?, failing_since = ?, error_kind = ?, error_said = ? WHERE id = ?`,
		unixOrNull(y.PausedAt), unixOrNull(y.WaitUntil), unixOrNull(y.LastOK), unixOrNull(y.FailingSince), y.ErrorKind, y.ErrorSaid, y.ID)
}

// Resource is the calendar of one workspace in a booking system.
type Resource struct {
	ID           ResourceID
	Workspace    WorkspaceID
	System       SystemID
	Address      string // the system's name for it; an ICS feed's URL, which may hold a token, lies sealed
	Writable     bool
	LastOK       time.Time // when the agenda was last confirmed; zero = never
	LastChanged  time.Time
	LastBooked   time.Time // when a booking of ours last went through; zero = never
	Failures     int
	FailingSince time.Time
	WaitUntil    time.Time // the system asked for it for this calendar alone: nothing is sent before; zero when nothing is awaited
	ErrorKind    string
	ErrorSaid    string
	Skipped      int
	Warnings     []ResourceWarning
	CreatedAt    time.Time
	Unsettled    bool // a booking, or a later end, was sent that is not known yet to stand

	Building      BuildingID // of the workspace
	Zone          string     // of the building
	WorkspaceName string
}

// ResourceWarning is something odd in a room's data. It is nothing personal.
type ResourceWarning struct {
	Key   string `json:"key"` // text key
	Count int    `json:"count"`
	Said  string `json:"said,omitempty"`
}

const resourceColumns = `r.id, r.workspace_id, r.system_id, r.address, r.secret, r.writable, r.last_ok, r.last_changed, r.last_booked, r.failures,
	r.failing_since, r.wait_until, r.error_kind, r.error_said, r.skipped, r.warnings, r.created_at,
	EXISTS (SELECT 1 FROM unsettled_booking u WHERE u.resource_id = r.id) OR EXISTS (SELECT 1 FROM unsettled_end u WHERE u.resource_id = r.id), b.id, b.zone, w.name`

const resourceFrom = ` FROM resource r JOIN workspace w ON w.id = r.workspace_id JOIN floor f ON f.id = w.floor_id
	JOIN building b ON b.id = f.building_id
	WHERE r.deleted_at IS NULL AND w.deleted_at IS NULL AND f.deleted_at IS NULL AND b.deleted_at IS NULL`

func (tx *Tx) scanResource(r scanner) (Resource, error) {
	var c Resource
	var sealed []byte
	var warnings string
	err := r.Scan(&c.ID, &c.Workspace, &c.System, &c.Address, &sealed, &c.Writable, instant{&c.LastOK}, instant{&c.LastChanged}, instant{&c.LastBooked}, &c.Failures,
		instant{&c.FailingSince}, instant{&c.WaitUntil}, &c.ErrorKind, &c.ErrorSaid, &c.Skipped, &warnings, instant{&c.CreatedAt},
		&c.Unsettled, &c.Building, &c.Zone, &c.WorkspaceName)
	if err != nil {
		return c, err
	}
	if warnings != "" {
		if err := json.Unmarshal([]byte(warnings), &c.Warnings); err != nil {
			return c, fmt.Errorf("read warnings of a resource: %w", err)
		}
	}
	if sealed != nil {
		plain, err := tx.open("resource", "secret", string(c.ID), sealed)
		if err != nil {
			return c, err
		}
		c.Address = string(plain)
	}
	return c, nil
}

// Resources returns every attached calendar whose workspace exists.
func (tx *Tx) Resources() ([]Resource, error) {
	return list(tx, tx.scanResource, `SELECT `+resourceColumns+resourceFrom+` ORDER BY w.name LIMIT 100000`)
}

// Resource returns one attached calendar, or ErrNotFound.
func (tx *Tx) Resource(id ResourceID) (Resource, error) {
	return one(tx, tx.scanResource, `SELECT `+resourceColumns+resourceFrom+` AND r.id = ?`, id)
}

// ResourceOf returns the calendar that a workspace is attached to, or ErrNotFound when its bookings are
// hosted.
func (tx *Tx) ResourceOf(w WorkspaceID) (Resource, error) {
	return one(tx, tx.scanResource, `SELECT `+resourceColumns+resourceFrom+` AND r.workspace_id = ?`, w)
}

// AttachResource attaches a workspace to a calendar. An address that may hold a token is sealed.
// A workspace that is attached already is ErrDuplicate.
func (tx *Tx) AttachResource(c Resource, sealAddress bool) error {
	address, sealed := c.Address, []byte(nil)
	if sealAddress {
		address, sealed = "", tx.seal("resource", "secret", string(c.ID), []byte(c.Address))
	}
	_, err := tx.exec(`INSERT INTO resource (id, workspace_id, system_id, address, secret, writable, created_at) VALUES (?,?,?,?,?,?,?)`,
		c.ID, c.Workspace, c.System, address, sealed, c.Writable, unix(tx.now))
	return err
}

// DeleteResource detaches a workspace: bookings that have not begun go with all they say, begun ones
// stay as facts without a person.
func (tx *Tx) DeleteResource(id ResourceID) error {
	const its = `workspace_id = (SELECT workspace_id FROM resource WHERE id = ?1) AND resource_id = ?1 AND anonymised_at IS NULL`
	if _, err := tx.exec(`DELETE FROM booking WHERE `+its+` AND from_at > ?2`, id, unix(tx.now)); err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM booking_person WHERE booking_id IN (SELECT id FROM booking WHERE `+its+`)`, id); err != nil {
		return err
	}
	if _, err := tx.exec(`UPDATE booking SET to_at = ?2, end_reason = 'ended' WHERE `+its+` AND to_at > ?2 AND from_at < ?2`, id, unix(tx.now)); err != nil {
		return err
	}
	for _, noted := range []string{`DELETE FROM unsettled_booking WHERE resource_id = ?`, `DELETE FROM unsettled_end WHERE resource_id = ?`} {
		if _, err := tx.exec(noted, id); err != nil {
			return err
		}
	}
	return tx.must(`UPDATE resource SET deleted_at = ?, secret = NULL, cursor = NULL, state = NULL WHERE id = ? AND deleted_at IS NULL`, unix(tx.now), id)
}

// SaveResourceState stores how the reading of one calendar does.
func (tx *Tx) SaveResourceState(c Resource) error {
	warnings := ""
	if len(c.Warnings) > 0 {
		b, err := json.Marshal(c.Warnings)
		if err != nil {
			return fmt.Errorf("save warnings: %w", err)
		}
		warnings = string(b)
	}
	_, err := tx.exec(`UPDATE resource SET writable = ?, last_ok = ?, last_changed = ?, last_booked = ?, failures = ?, failing_since = ?, wait_until = ?, error_kind = ?, error_said = ?,
		skipped = ?, warnings = ? WHERE id = ?`, c.Writable, unixOrNull(c.LastOK), unixOrNull(c.LastChanged), unixOrNull(c.LastBooked), c.Failures, unixOrNull(c.FailingSince), unixOrNull(c.WaitUntil),
		c.ErrorKind, c.ErrorSaid, c.Skipped, warnings, c.ID)
	return err
}

// SyncMarks returns what a connector keeps for a calendar between its reads; nil = nothing yet.
func (tx *Tx) SyncMarks(id ResourceID) (cursor, state []byte, err error) {
	var c, s []byte
	type pair struct{ c, s []byte }
	p, err := one(tx, func(r scanner) (pair, error) {
		var p pair
		return p, r.Scan(&p.c, &p.s)
	}, `SELECT cursor, state FROM resource WHERE id = ? AND deleted_at IS NULL`, id)
	if err != nil {
		return nil, nil, err
	}
	if c, err = tx.open("resource", "cursor", string(id), p.c); err != nil {
		return nil, nil, err
	}
	if s, err = tx.open("resource", "state", string(id), p.s); err != nil {
		return nil, nil, err
	}
	return c, s, nil
}

// SaveSyncState stores the state that a connector wants back at its next read.
func (tx *Tx) SaveSyncState(id ResourceID, state []byte) error {
	return tx.must(`UPDATE resource SET state = ? WHERE id = ?`, tx.seal("resource", "state", string(id), state), id)
}

// SaveSyncCursor stores the mark for the next probe.
func (tx *Tx) SaveSyncCursor(id ResourceID, cursor []byte) error {
	return tx.must(`UPDATE resource SET cursor = ? WHERE id = ?`, tx.seal("resource", "cursor", string(id), cursor), id)
}

// RecordDestination counts a contact with a host outside.
func (tx *Tx) RecordDestination(host string, port int, purpose string, last time.Time, count int) error {
	_, err := tx.exec(`INSERT INTO destination (host, port, purpose, first_at, last_at, count) VALUES (?,?,?,?,?,?)
		ON CONFLICT (host, port, purpose) DO UPDATE SET last_at = max(last_at, excluded.last_at), count = count + excluded.count`,
		host, port, purpose, unix(last), unix(last), count)
	return err
}

// Destination is a host outside that the program has contacted.
type Destination struct {
	Host        string
	Port        int
	Purpose     string
	First, Last time.Time
	Count       int
}

// Destinations returns every destination ever contacted, the latest first.
func (tx *Tx) Destinations() ([]Destination, error) {
	return list(tx, func(r scanner) (Destination, error) {
		var d Destination
		return d, r.Scan(&d.Host, &d.Port, &d.Purpose, instant{&d.First}, instant{&d.Last}, &d.Count)
	}, `SELECT host, port, purpose, first_at, last_at, count FROM destination ORDER BY last_at DESC, host LIMIT 1000`)
}
