package templates

import (
	"github.com/a-h/templ"

	"lintel/templates/ui"
)

func keySamples() []sample {
	page := func(name string, page func(ui.Shell) templ.Component) sample { return sample{name: name, page: page} }
	const base = "https://rooms.example.com/lintel"
	const key = "lintel_KJ2M4VX5QWZR7LT6YBNSPDFHGC"
	bearer := "curl -H 'Authorization: Bearer KEY' \\\n  "
	use := KeyUse{
		Connector: base + "/connector", Rooms: bearer + base + "/connector/rooms", Book: bearer + `-d '{"subject":"Meeting"}' ` + base + "/connector/rooms/ROOM/meetings",
		Pushed: bearer + base + "/api/v1/rooms", Push: bearer + `-X PUT -d '[{"id":"42"}]' ` + base + "/api/v1/rooms/ROOM/events",
	}
	list := func(sh ui.Shell) Keys {
		return Keys{Use: use, Table: ui.Table{ID: "keys-table", Caption: sh.T("nav.keys"), Path: "/settings/keys", Columns: KeyTableColumns(sh.Printer), Sort: "name", Total: sh.N("keys.total", 3)}, Rows: []KeyRow{
			{ID: "1", Name: "Bridge", For: sh.T("keys.use_connector"), May: sh.T("keys.may_book") + " · Bern", Used: "2 min ago", Until: "31 Dec 2027"},
			{ID: "2", Name: "Timetable script", For: "Hyperplanning", May: sh.T("keys.may_push")},
			{ID: "3", Name: "Old bridge", For: sh.T("keys.use_connector"), May: sh.T("keys.may_read") + " · Bern", Used: "40 days ago", Until: "31 Oct 2026", Ended: true},
		}}
	}
	buildings := []ui.Option{{Label: "All buildings"}, {Value: "be", Label: "Bern"}}
	return []sample{
		page("keys", func(sh ui.Shell) templ.Component { return KeysPage(sh, list(sh)) }),
		page("keys-none", func(sh ui.Shell) templ.Component { return KeysPage(sh, Keys{None: true, Use: use}) }),
		page("key-which", func(sh ui.Shell) templ.Component { return KeyChoicePage(sh) }),
		page("key-connector", func(sh ui.Shell) templ.Component {
			return KeyFormPage(sh, KeyForm{Use: KeyForConnector, Name: "Bridge", May: KeyMayBook, Buildings: buildings, Until: "2026-01-31", Errors: ui.Errors{"until": "This day is over.", "name": "Another key has this name."}})
		}),
		page("key-push", func(sh ui.Shell) templ.Component {
			return KeyFormPage(sh, KeyForm{Use: KeyForPush, Systems: []ui.Option{{Value: "h", Label: "Hyperplanning"}}})
		}),
		page("key-push-none", func(sh ui.Shell) templ.Component { return KeyFormPage(sh, KeyForm{Use: KeyForPush}) }),
		page("key-new", func(sh ui.Shell) templ.Component {
			return NewKeyPage(sh, NewKey{Name: "Bridge", Key: key, Try: use.Rooms, Next: use.Rooms + "/ROOM/meetings"})
		}),
		page("key-new-push", func(sh ui.Shell) templ.Component {
			return NewKeyPage(sh, NewKey{Name: "Script", Key: key, Try: use.Pushed, Next: use.Push, Push: true})
		}),
		page("key-revoke", func(sh ui.Shell) templ.Component {
			return RevokeKeyPage(sh, RevokeKey{ID: "1", Name: "Bridge", Used: "2 min ago"})
		}),
	}
}
