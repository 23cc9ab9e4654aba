package templates

import (
	"strings"

	"lintel/templates/text"
	"lintel/templates/ui"
)

// Audit is the log of who changed what: GET /settings/audit?group=&q=&from=&to=&before=&after= and GET /settings/audit.csv with the same
// query. before and after are ids of lines.
type Audit struct {
	Table ui.Table
	Rows  []AuditRow
}

// AuditRow is a line of the log.
type AuditRow struct {
	At       string // "21 Nov 2026, 14:05:09"
	Actor    string // "Person 3f9a1c2e", "Command line or set-up"
	Action   string // in words
	Kind     string // of the object, in words; "" when Object says it
	Object   string // its name, or the beginning of its id
	Nameless bool   // Object is of the id
	Path     string // of the same list about this object alone
}

// what names the object with its kind.
func (r AuditRow) what() string { return strings.TrimSpace(r.Kind + " " + r.Object) }

// AuditTableColumns are the headings of the log, for its Table.
func AuditTableColumns(p *text.Printer) []ui.Column {
	return []ui.Column{{Label: p.T("audit.at")}, {Label: p.T("audit.actor")}, {Label: p.T("audit.action")}, {Label: p.T("audit.object")}}
}

// AuditGroups are the values of the filter by what an action is about: what stands before the dot of its name.
func AuditGroups() []string {
	return []string{"account", "audit", "booking", "building", "display", "floor", "key", "organisation", "series", "session", "system", "workspace"}
}
