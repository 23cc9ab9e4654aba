package templates

import (
	"github.com/a-h/templ"

	"lintel/templates/ui"
)

func auditSamples() []sample {
	view := func(sh ui.Shell) Audit {
		return Audit{
			Table: ui.Table{
				ID: "audit-table", Caption: sh.T("nav.audit"), Path: "/settings/audit", SearchLabel: sh.T("audit.search"), CSV: "/settings/audit.csv", Columns: AuditTableColumns(sh.Printer),
				Filters: []ui.Filter{{Name: "group", Label: "About", Options: []ui.Option{{Label: "Everything"}, {Value: "booking", Label: "Bookings"}}}, {Name: "from", Label: "From", Date: true}, {Name: "to", Label: "To", Date: true, Value: "2026-11-21"}},
				Newer:   "/settings/audit?after=80", Older: "/settings/audit?before=31",
			},
			Rows: []AuditRow{
				{At: "21 Nov 2026, 14:05:09", Actor: "Person 3f9a1c2e", Action: "deleted", Kind: "Room", Object: "Matterhorn", Path: "/settings/audit?q=matterhorn"},
				{At: "21 Nov 2026, 14:02:00", Actor: "Command line or set-up", Action: "added", Kind: "Account", Object: "k2m9vx4qw8zr1lt6yb3ns7pd5f", Path: "/settings/audit?q=k2"},
			},
		}
	}
	return []sample{
		{name: "audit", page: func(sh ui.Shell) templ.Component { return AuditPage(sh, view(sh)) }},
		{name: "audit-none", page: func(sh ui.Shell) templ.Component {
			v := view(sh)
			v.Rows, v.Table.NoMatch = nil, true
			return AuditPage(sh, v)
		}},
	}
}
