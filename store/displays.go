package store

import (
	"fmt"
	"time"
)

// Protocol is how a display talks to us.
type Protocol string

// The protocols.
const (
	ProtocolTRMNL  Protocol = "trmnl"  // the TRMNL device protocol and its many clients
	ProtocolNative Protocol = "native" // ours
	ProtocolPanel  Protocol = "panel"  // a browser
	ProtocolURL    Protocol = "url"    // fetches one plain address
)

// DisplayState says whether a display may show a room.
type DisplayState string

// The states.
const (
	DisplayPending  DisplayState = "pending"  // shows its claim code and nothing else
	DisplayApproved DisplayState = "approved" // an administrator typed the code, or issued the key
	DisplayRefused  DisplayState = "refused"  // an administrator wants nothing of it
)

// DisplayTemplate is the layout of a display's picture.
type DisplayTemplate string

// The templates.
const (
	TemplateDay  DisplayTemplate = "day"
	TemplateWeek DisplayTemplate = "week"
)

// DisplayPalette names the tones of a panel.
type DisplayPalette string

// The palettes.
const (
	PaletteBW     DisplayPalette = "bw"
	PaletteGray4  DisplayPalette = "gray4"
	PaletteGray16 DisplayPalette = "gray16"
)

// DisplayEncoding is the file format of a picture.
type DisplayEncoding string

// The encodings.
const (
	EncodingPNG DisplayEncoding = "png"
	EncodingBMP DisplayEncoding = "bmp"
)

// Display is a screen at a door. Times are zero and numbers 0 where nothing is known, unless a field says
// otherwise.
type Display struct {
	ID            DisplayID
	Protocol      Protocol
	State         DisplayState
	Name          string
	Workspace     WorkspaceID // "" = shows no room
	HardwareID    string      // MAC, upper case with colons, or the maker's id; "" when the client sends none
	Model         string
	Firmware      string
	Width, Height int // the panel's own pixels
	Palette       DisplayPalette
	Encoding      DisplayEncoding
	Rotation      int // clockwise: 0, 90, 180, 270
	Template      DisplayTemplate
	Language      string // "" = the building's
	SoonMinutes   int    // 0 = never says soon
	Mains         bool   // has mains power: may poll often
	ShowImage     bool   // a picture that is attached to the meeting, in place of the agenda

	KeyHash      []byte // SHA-256 of its key, of a panel's cookie; nil = has none
	KeySeen      bool   // the device has used this key
	ReenrolUntil time.Time
	ClaimCode    string // as shown on the glass, 7F3K-92
	ClaimStarted time.Time

	CreatedAt, ApprovedAt, DeletedAt time.Time

	// What the device told at its last contact.
	SeenAt, NextWakeAt time.Time
	Address            string // IP address
	BatteryPercent     int    // -1 = unknown
	BatteryMV          int
	RSSI               int // dBm
	WakeReason         string
	ReportedRefresh    int // seconds that the device says it sleeps
}

const displayColumns = `id, protocol, state, name, workspace_id, hardware_id, model, firmware, width, height, palette, encoding, rotation,
	template, language, soon_minutes, mains, show_image, key_hash, key_seen, reenrol_until, claim_code, claim_started, created_at, approved_at,
	deleted_at, seen_at, next_wake_at, address, battery_percent, battery_mv, rssi, wake_reason, reported_refresh`

func scanDisplay(r scanner) (Display, error) {
	var d Display
	return d, r.Scan(&d.ID, &d.Protocol, &d.State, &d.Name, nullable[WorkspaceID]{&d.Workspace}, &d.HardwareID, &d.Model, &d.Firmware,
		&d.Width, &d.Height, &d.Palette, &d.Encoding, &d.Rotation, &d.Template, &d.Language, &d.SoonMinutes, &d.Mains, &d.ShowImage, &d.KeyHash, &d.KeySeen,
		instant{&d.ReenrolUntil}, &d.ClaimCode, instant{&d.ClaimStarted}, instant{&d.CreatedAt}, instant{&d.ApprovedAt}, instant{&d.DeletedAt},
		instant{&d.SeenAt}, instant{&d.NextWakeAt}, &d.Address, number{&d.BatteryPercent, -1}, number{&d.BatteryMV, 0}, number{&d.RSSI, 0},
		&d.WakeReason, number{&d.ReportedRefresh, 0})
}

// number is a scan target for an integer that may be NULL.
type number struct {
	to   *int
	null int // what NULL becomes
}

// Scan implements sql.Scanner.
func (n number) Scan(v any) error {
	switch i := v.(type) {
	case nil:
		*n.to = n.null
	case int64:
		*n.to = int(i)
	default:
		return fmt.Errorf("scan number: got %T", v)
	}
	return nil
}

// numberOrNull converts a number that may be unknown.
func numberOrNull(n, null int) any {
	if n == null {
		return nil
	}
	return n
}

// displayLimit bounds lists of displays.
const displayLimit = 20_000

// Display returns one display, also a deleted one, or ErrNotFound.
func (tx *Tx) Display(id DisplayID) (Display, error) {
	return one(tx, scanDisplay, `SELECT `+displayColumns+` FROM display WHERE id = ?`, id)
}

// DisplayByKey returns the display whose key has this SHA-256, or ErrNotFound. A deleted display is not found.
func (tx *Tx) DisplayByKey(hash []byte) (Display, error) {
	return one(tx, scanDisplay, `SELECT `+displayColumns+` FROM display WHERE key_hash = ? AND deleted_at IS NULL`, hash)
}

// DisplayByHardware returns the display with this hardware id, or ErrNotFound. A deleted display is not found.
func (tx *Tx) DisplayByHardware(id string) (Display, error) {
	return one(tx, scanDisplay, `SELECT `+displayColumns+` FROM display WHERE hardware_id = ? AND hardware_id <> '' AND deleted_at IS NULL`, id)
}

// DisplayByClaim returns the pending display that shows this code, or ErrNotFound.
func (tx *Tx) DisplayByClaim(code string) (Display, error) {
	return one(tx, scanDisplay, `SELECT `+displayColumns+` FROM display
		WHERE claim_code = ? AND claim_code <> '' AND state = 'pending' AND deleted_at IS NULL`, code)
}

// Displays returns all that are not deleted, the oldest first.
func (tx *Tx) Displays() ([]Display, error) {
	return list(tx, scanDisplay, `SELECT `+displayColumns+` FROM display WHERE deleted_at IS NULL ORDER BY created_at, id`+limit(displayLimit))
}

// DeletedDisplays returns those that were deleted, the newest deletion first.
func (tx *Tx) DeletedDisplays() ([]Display, error) {
	return list(tx, scanDisplay, `SELECT `+displayColumns+` FROM display WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC, id`+limit(displayLimit))
}

// PendingDisplays counts those that wait for approval.
func (tx *Tx) PendingDisplays() (int, error) {
	return one(tx, value[int], `SELECT count(*) FROM display WHERE state = 'pending' AND deleted_at IS NULL`)
}

// InsertDisplay stores a new display. ErrDuplicate when its key, hardware id or claim code is in use. What a device tells of itself
// at each contact is stored by SaveContact.
func (tx *Tx) InsertDisplay(d Display) error {
	_, err := tx.exec(`INSERT INTO display (id, protocol, state, name, workspace_id, hardware_id, model, firmware, width, height, palette, encoding,
		rotation, template, language, soon_minutes, mains, show_image, key_hash, key_seen, reenrol_until, claim_code, claim_started, created_at, approved_at, address)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		d.ID, d.Protocol, d.State, d.Name, orNull(d.Workspace), d.HardwareID, d.Model, d.Firmware, d.Width, d.Height, d.Palette, d.Encoding,
		d.Rotation, d.Template, d.Language, d.SoonMinutes, d.Mains, d.ShowImage, d.KeyHash, d.KeySeen, unixOrNull(d.ReenrolUntil), d.ClaimCode,
		unixOrNull(d.ClaimStarted), unix(tx.now), unixOrNull(d.ApprovedAt), d.Address)
	return err
}

// UpdateDisplay stores state, settings and key of a display that is not deleted; not what the device tells of itself. ErrNotFound,
// ErrDuplicate.
func (tx *Tx) UpdateDisplay(d Display) error {
	return tx.must(`UPDATE display SET state=?, name=?, workspace_id=?, width=?, height=?, palette=?, encoding=?, rotation=?, template=?, language=?,
		soon_minutes=?, mains=?, show_image=?, key_hash=?, key_seen=?, reenrol_until=?, claim_code=?, claim_started=?, approved_at=? WHERE id=? AND deleted_at IS NULL`,
		d.State, d.Name, orNull(d.Workspace), d.Width, d.Height, d.Palette, d.Encoding, d.Rotation, d.Template, d.Language,
		d.SoonMinutes, d.Mains, d.ShowImage, d.KeyHash, d.KeySeen, unixOrNull(d.ReenrolUntil), d.ClaimCode, unixOrNull(d.ClaimStarted),
		unixOrNull(d.ApprovedAt), d.ID)
}

// DeleteDisplay deletes softly: the display's key is refused from then on, and UndeleteDisplay brings it back.
func (tx *Tx) DeleteDisplay(id DisplayID) error {
	return tx.must(`UPDATE display SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL`, unix(tx.now), id)
}

// UndeleteDisplay brings a deleted display back. ErrDuplicate when its hardware has been enrolled again meanwhile.
func (tx *Tx) UndeleteDisplay(id DisplayID) error {
	return tx.must(`UPDATE display SET deleted_at = NULL WHERE id = ? AND deleted_at IS NOT NULL`, id)
}

// DropPending removes pending displays of a protocol that were never approved and have not been heard of since an instant; with
// unusedOnly, only those that never used their key.
func (tx *Tx) DropPending(p Protocol, since time.Time, unusedOnly bool) ([]DisplayID, error) {
	return list(tx, value[DisplayID], `DELETE FROM display WHERE state = 'pending' AND protocol = ? AND coalesce(seen_at, created_at) < ?
		AND (key_seen = 0 OR NOT ?) RETURNING id`, p, unix(since), unusedOnly)
}

// DisplayContact is what a device told when it last called.
type DisplayContact struct {
	ID              DisplayID
	SeenAt          time.Time
	NextWakeAt      time.Time
	Address         string
	HardwareID      string // "" = not told; stored only where none is known
	Model, Firmware string // "" = not told
	Width, Height   int    // 0 = not told
	BatteryPercent  int    // -1 = not told
	BatteryMV       int    // 0 = not told
	RSSI            int    // 0 = not told
	WakeReason      string
	ReportedRefresh int // 0 = not told
}

// SaveContact stores a contact. What was not told stays as it was. The first contact with a key closes the window in which it could be
// asked for. A hardware id that another display has is left out; an unknown
// display is no error, as it may have been removed meanwhile.
func (tx *Tx) SaveContact(c DisplayContact) error {
	_, err := tx.exec(`UPDATE display SET reenrol_until = CASE WHEN key_seen = 0 THEN NULL ELSE reenrol_until END, key_seen = 1, seen_at = ?1, next_wake_at = ?2, address = ?3,
		model = CASE WHEN ?4 <> '' THEN ?4 ELSE model END, firmware = CASE WHEN ?5 <> '' THEN ?5 ELSE firmware END,
		width = CASE WHEN ?6 > 0 THEN ?6 ELSE width END, height = CASE WHEN ?7 > 0 THEN ?7 ELSE height END,
		battery_percent = coalesce(?8, battery_percent), battery_mv = coalesce(?9, battery_mv), rssi = coalesce(?10, rssi),
		wake_reason = ?11, reported_refresh = coalesce(?12, reported_refresh)
		WHERE id = ?13`,
		unix(c.SeenAt), unixOrNull(c.NextWakeAt), c.Address, c.Model, c.Firmware, c.Width, c.Height,
		numberOrNull(c.BatteryPercent, -1), numberOrNull(c.BatteryMV, 0), numberOrNull(c.RSSI, 0), c.WakeReason,
		numberOrNull(c.ReportedRefresh, 0), c.ID)
	if err != nil || c.HardwareID == "" {
		return err
	}
	_, err = tx.exec(`UPDATE display SET hardware_id = ?1 WHERE id = ?2 AND hardware_id = '' AND deleted_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM display WHERE hardware_id = ?1 AND hardware_id <> '' AND deleted_at IS NULL)`, c.HardwareID, c.ID)
	return err
}

// DisplayPicture says which picture a display has, and since when. The bytes are not kept: the same state gives the same bytes.
type DisplayPicture struct {
	Display    DisplayID
	Hash       [32]byte // SHA-256 of the bytes
	RenderedAt time.Time
}

// Pictures returns the picture of every display that has one.
func (tx *Tx) Pictures() ([]DisplayPicture, error) {
	return list(tx, func(r scanner) (DisplayPicture, error) {
		var p DisplayPicture
		var hash []byte
		if err := r.Scan(&p.Display, &hash, instant{&p.RenderedAt}); err != nil {
			return p, err
		}
		copy(p.Hash[:], hash)
		return p, nil
	}, `SELECT display_id, hash, rendered_at FROM picture`+limit(displayLimit))
}

// SavePicture overwrites a display's picture. An unknown display is no error, as it may have been removed meanwhile.
func (tx *Tx) SavePicture(p DisplayPicture) error {
	_, err := tx.exec(`INSERT INTO picture (display_id, hash, rendered_at) SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM display WHERE id = ?1)
		ON CONFLICT (display_id) DO UPDATE SET hash = excluded.hash, rendered_at = excluded.rendered_at`, p.Display, p.Hash[:], unix(p.RenderedAt))
	return err
}

// DisplayLogLine is a line of a display's own log.
type DisplayLogLine struct {
	At      time.Time
	Level   string
	Message string
}

// DisplayLogMax is how many lines of each display are kept.
const DisplayLogMax = 500

// AppendDisplayLog adds lines to a display's log and drops the oldest beyond DisplayLogMax. An unknown display is no error.
func (tx *Tx) AppendDisplayLog(id DisplayID, lines []DisplayLogLine) error {
	for _, l := range lines {
		if _, err := tx.exec(`INSERT INTO display_log (display_id, at, level, message) SELECT ?1, ?2, ?3, ?4
			WHERE EXISTS (SELECT 1 FROM display WHERE id = ?1)`, id, unix(l.At), l.Level, l.Message); err != nil {
			return err
		}
	}
	_, err := tx.exec(`DELETE FROM display_log WHERE display_id = ?1 AND id NOT IN
		(SELECT id FROM display_log WHERE display_id = ?1 ORDER BY id DESC LIMIT ?2)`, id, DisplayLogMax)
	return err
}

// DisplayLog returns the newest lines of a display's log, the newest first.
func (tx *Tx) DisplayLog(id DisplayID, limit int) ([]DisplayLogLine, error) {
	return list(tx, func(r scanner) (DisplayLogLine, error) {
		var l DisplayLogLine
		return l, r.Scan(instant{&l.At}, &l.Level, &l.Message)
	}, `SELECT at, level, message FROM display_log WHERE display_id = ? ORDER BY id DESC LIMIT ?`, id, limit)
}
