package templates

import (
	"lintel/templates/text"
	"lintel/templates/ui"
)

// People is the list of accounts: GET /settings/people?q=&sort=&page= and GET /settings/people.csv.
type People struct {
	Table ui.Table
	Rows  []PersonRow
}

// PersonRow is an account in the list.
type PersonRow struct {
	ID, Name string
	Login    string
	Email    string
	Roles    []string // in words: "Administrator", "Booking manager · Bern"
	Seen     string   // last sign-in: "3 h ago", "" for never
	Disabled bool
	You      bool
}

// Person makes or changes an account: GET /settings/people/new and GET /settings/people/{id}.
//
// POST /settings/people or POST /settings/people/{id}: name, email, login, language ("" is the browser's). Roles of an existing one:
// POST /settings/people/{id}/roles: grant (several, Grant.Value of those that stay), role and building ("" for all) of one to add, "" for
// none. A new one takes role and building with the rest. POST /settings/people/{id}/reset answers with ResetLinkPage;
// GET /settings/people/{id}/disable asks, POST /settings/people/{id}/disable: disabled ("on" or "").
type Person struct {
	ID        string // "" for a new one
	Name      string
	Email     string
	Login     string
	Language  string
	Role      string
	Building  string
	Roles     []ui.Option
	Buildings []ui.Option // the first one with an empty value: all buildings
	Grants    []Grant
	Disabled  bool
	You       bool // the viewer's own account: can't be disabled here
	HasLogin  bool // a password is set
	Seen      string
	Errors    ui.Errors
}

// Grant is a role that a person holds.
type Grant struct {
	Value string // role, a colon, and the building's id or nothing
	Label string // "Booking manager"
	Where string // "Bern", or the word for all buildings
}

// ResetLink shows a link with which a person sets a password, once.
type ResetLink struct {
	ID, Name string
	Link     string
	Until    string // when it stops working
}

// Account is the viewer's own: GET /account.
//
// POST /account/password: present, password, again. POST /account/choices: language ("" is the browser's), theme. POST
// /account/sessions/{id}/end signs a device out. The menu's POST /account/language (language, back) and POST /account/theme (theme, back) go
// back to the page they came from.
type Account struct {
	Name     string
	Login    string
	Email    string
	Roles    []string
	Language string
	Sessions []Session
	Errors   ui.Errors // of the password
}

// Session is a device that is signed in.
type Session struct {
	ID      string
	What    string // "Firefox on Windows"
	Address string
	Seen    string // "3 h ago"
	Present bool   // the one that looks
}

// PeopleTableColumns are the headings of the list of accounts, for its Table.
func PeopleTableColumns(p *text.Printer) []ui.Column {
	return []ui.Column{
		{Key: "name", Label: p.T("places.name")},
		{Key: "login", Label: p.T("people.login")},
		{Label: p.T("people.roles")},
		{Key: "seen", Label: p.T("people.seen")},
	}
}

// PeopleColumns are the keys that the list of accounts sorts by.
func PeopleColumns() []string { return []string{"name", "login", "seen"} }

func (v Person) action() string {
	if v.ID == "" {
		return "/settings/people"
	}
	return "/settings/people/" + v.ID
}

// chosenLanguages are the languages behind "the browser's".
func chosenLanguages(sh ui.Shell) []ui.Option {
	return append([]ui.Option{{Value: "", Label: sh.T("people.language_browser")}}, languageOptions()...)
}

func themeOptions(sh ui.Shell) []ui.Option {
	return []ui.Option{
		{Value: string(ui.System), Label: sh.T("theme.system_long")},
		{Value: string(ui.Light), Label: sh.T("theme.light")},
		{Value: string(ui.Dark), Label: sh.T("theme.dark")},
	}
}

// withNoRole offers to add nothing.
func withNoRole(sh ui.Shell, roles []ui.Option) []ui.Option {
	return append([]ui.Option{{Value: "", Label: sh.T("people.no_role")}}, roles...)
}
