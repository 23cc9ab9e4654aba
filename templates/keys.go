package templates

import (
	"lintel/templates/text"
	"lintel/templates/ui"
)

// Keys is the list of access keys and how programs use them: GET /settings/keys.
type Keys struct {
	Table ui.Table
	Rows  []KeyRow
	None  bool // there is no key yet
	Use   KeyUse
}

// KeyRow is an access key in the list.
type KeyRow struct {
	ID, Name string
	For      string // "Other systems", or the booking system's name
	May      string // "Reads and books, Zürich office"
	Used     string // "3 min ago", "" for never
	Until    string // the last day, "" for no end
	Ended    bool
}

// KeyUse is how programs use keys: requests to copy, with the address of this house.
type KeyUse struct {
	Connector string // base address of the ROOMZ Connector contract
	Rooms     string // lists the rooms
	Book      string // books one
	Change    string // cancels a meeting
	Push      string // replaces the events of a room
	Pushed    string // lists the rooms that may be pushed
}

// KeyChoice asks what a new key is for: GET /settings/keys/new.
//
// KeyForm makes a key: GET /settings/keys/new?use=connector or push, POST /settings/keys: use, name, may (read or book), building ("" is all),
// system, until (a day or "").
type KeyForm struct {
	Use       string
	Name      string
	May       string
	Building  string
	Buildings []ui.Option // the first one with an empty value: all buildings
	System    string
	Systems   []ui.Option // those that are pushed
	Until     string
	Errors    ui.Errors
}

// Values of KeyForm.Use and KeyForm.May.
const (
	KeyForConnector = "connector"
	KeyForPush      = "push"
	KeyMayRead      = "read"
	KeyMayBook      = "book"
)

// NewKey shows a key, once.
type NewKey struct {
	Name, Key string
	Try       string // a request to copy that tries it
	Next      string // a second one: books, or pushes
	Push      bool
}

// RevokeKey asks before a key is revoked: GET /settings/keys/{id}/revoke, POST to the same path.
type RevokeKey struct {
	ID, Name, Used string
}

// KeyTableColumns are the headings of the list of keys, for its Table.
func KeyTableColumns(p *text.Printer) []ui.Column {
	return []ui.Column{
		{Key: "name", Label: p.T("places.name")},
		{Label: p.T("keys.for")},
		{Label: p.T("keys.may")},
		{Key: "used", Label: p.T("keys.used")},
		{Key: "until", Label: p.T("keys.until")},
		{Label: p.T("keys.revoke"), Hidden: true},
	}
}

// KeyColumns are the keys that the list of keys sorts by.
func KeyColumns() []string { return []string{"name", "used", "until"} }

// pushFields names the fields of a pushed event with what they say.
func pushFields(sh ui.Shell) []ui.Fact {
	return []ui.Fact{
		{Key: "id", Value: sh.T("keys.push_id")},
		{Key: "start, end", Value: sh.T("keys.push_times")},
		{Key: "first_day, last_day", Value: sh.T("keys.push_days")},
		{Key: "subject", Value: sh.T("keys.push_subject")},
		{Key: "organizer", Value: sh.T("keys.push_organizer")},
		{Key: "private", Value: sh.T("keys.push_private")},
		{Key: "tentative", Value: sh.T("keys.push_tentative")},
		{Key: "created", Value: sh.T("keys.push_created")},
	}
}
