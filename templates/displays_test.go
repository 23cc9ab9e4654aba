package templates

import (
	"github.com/a-h/templ"

	"lintel/templates/ui"
)

func roomOptions() []ui.Option {
	return []ui.Option{{Value: "", Label: "No room yet"}, {Value: "matterhorn", Label: "Matterhorn", Group: "Ground floor"}, {Value: "saentis", Label: "Säntis", Group: "Ground floor"}}
}

func displayRows() []DisplayRow {
	return []DisplayRow{
		{ID: "d1", Name: "Door Matterhorn", What: "TRMNL OG, 800 × 480", Room: "Matterhorn", RoomPath: "/rooms/matterhorn", Picture: "/static/door.png", State: ui.Free, StateWord: "On time", Battery: ui.Battery{Percent: 87, Said: "87 %"}, Signal: "−61 dBm", Seen: "3 min ago", NextWake: "15:00", Firmware: "1.8.14"},
		{ID: "d2", Name: "Door Säntis", What: "Seeed reTerminal E1001", Room: "Säntis", RoomPath: "/rooms/saentis", Picture: "/static/door.png", State: ui.Soon, StateWord: "Late", Battery: ui.Battery{Percent: 12, Said: "12 %"}, Signal: "−84 dBm", Seen: "2 h ago", NextWake: "13:15", Firmware: "1.8.12"},
		{ID: "d3", Name: "Tablet Eiger", What: "Browser panel", Room: "Eiger", RoomPath: "/rooms/eiger", State: ui.Free, StateWord: "On time", Battery: ui.Battery{Mains: true, Said: "mains"}, Seen: "just now"},
		{ID: "d4", Name: "Reserve", What: "unknown model", State: ui.Unknown, StateWord: "Not seen yet", Battery: ui.Battery{Percent: -1, Said: "–"}},
	}
}

func displaysSamples() []sample {
	list := func(sh ui.Shell) Displays {
		return Displays{
			MayManage: true, Rows: displayRows(), DeviceURL: "https://rooms.example.com:8443", PanelURL: "https://rooms.example.com:8443/panel",
			Pending: []PendingDisplay{{ID: "p1", What: "TRMNL 800 × 480", Address: "10.0.4.17", Since: "2 min ago", Hardware: "AA:BB:CC:DD:EE:01"}},
			Approve: ApproveForm{Rooms: roomOptions(), Template: TemplateDay},
			Deleted: []Deleted{{Name: "Door Rigi", What: "TRMNL OG 800 × 480 · Rigi", Said: "Deleted by A. Keller, 3 h ago", Until: "21 Dec 2026", Action: "/displays/d9/restore"}},
			Table: ui.Table{
				ID: "display-list", Caption: sh.T("displays.list"), Path: "/displays", Query: "sort=-seen", Sort: "seen", Desc: true, SearchLabel: sh.T("displays.search"),
				Filters: []ui.Filter{{Name: "floor", Label: "Floor", Options: []ui.Option{{Label: "All floors"}, {Value: "g", Label: "Ground floor"}}}},
				Columns: DisplayTableColumns(sh.Printer), Page: 1, Pages: 3, Total: sh.N("displays.total", 42), CSV: "/displays.csv",
			},
		}
	}
	one := Display{
		Row: displayRows()[0], MayManage: true, HasKey: true, Reenrol: "14:30",
		Facts: []ui.Fact{{Key: "Last contact", Value: "3 min ago"}, {Key: "Next wake", Value: "15:00"}, {Key: "Signal", Value: "−61 dBm"}, {Key: "Firmware", Value: "1.8.14"}, {Key: "Size", Value: "800 × 480"}, {Key: "Address", Value: "10.0.4.16"}, {Key: "Protocol", Value: "TRMNL"}, {Key: "Picture made", Value: "14:00"}},
		Form:  DisplayForm{Name: "Door Matterhorn", Room: "matterhorn", Rooms: roomOptions(), Template: TemplateDay, Soon: "0", Rotation: "0", Palette: "bw", Encoding: "png", MayBMP: true, MayImage: true, Image: true, Languages: []ui.Option{{Label: "Building’s language"}, {Value: "de", Label: "Deutsch"}}},
		Log:   []LogLine{{At: clock(13, 58), Level: "info", Message: "woke by timer, battery 3.98 V"}, {At: clock(9, 2), Level: "error", Message: "Wi-Fi: no beacon from access point for 10 s, tried 3 times, sleeping 15 min"}},
	}
	panel := Display{Row: displayRows()[2], MayManage: true, Panel: true, Form: DisplayForm{Name: "", Rooms: roomOptions(), Errors: ui.Errors{"name": "Enter a name.", "": "Something is not right yet."}}}
	fresh := NewDisplay{Rooms: roomOptions(), Width: "800", Height: "480", Palette: "bw", DeviceURL: "https://rooms.example.com:8443", PanelURL: "https://rooms.example.com:8443/panel"}
	return []sample{
		{name: "displays", page: func(sh ui.Shell) templ.Component { return DisplaysPage(sh, list(sh)) }},
		{name: "displays-board", page: func(sh ui.Shell) templ.Component { return DisplaysBoard(sh, list(sh)) }},
		{name: "displays-wrong", page: func(sh ui.Shell) templ.Component {
			v := list(sh)
			v.Approve.Code, v.Approve.Errors = "7F3K-9", ui.Errors{"code": "No display shows this code. Look at its glass again: codes change after an hour."}
			v.Rows, v.Table.NoMatch = nil, true
			return DisplaysPage(sh, v)
		}},
		{name: "displays-empty", page: func(sh ui.Shell) templ.Component {
			v := list(sh)
			v.None, v.Rows, v.Pending = true, nil, nil
			return DisplaysPage(sh, v)
		}},
		{name: "display", page: func(sh ui.Shell) templ.Component { return DisplayPage(sh, one) }},
		{name: "display-now", page: func(sh ui.Shell) templ.Component { return DisplayNow(sh, one) }},
		{name: "display-panel", page: func(sh ui.Shell) templ.Component { return DisplayPage(sh, panel) }},
		{name: "display-remove", page: func(sh ui.Shell) templ.Component { return RemoveDisplayPage(sh, one) }},
		{name: "display-refuse", page: func(sh ui.Shell) templ.Component { return RefuseDisplayPage(sh, list(sh).Pending[0]) }},
		{name: "display-renew", page: func(sh ui.Shell) templ.Component { return RenewKeyPage(sh, one) }},
		{name: "display-new", page: func(sh ui.Shell) templ.Component { return NewDisplayPage(sh, fresh) }},
		{name: "display-key", page: func(sh ui.Shell) templ.Component {
			return DisplayKeyPage(sh, DisplayKey{ID: "d4", Name: "Reserve", Key: "kJ2m9vX4Qw8Zr1Lt6Yb3Ns7Pd5Fh0Gc", URL: "https://rooms.example.com:8443", Header: "Access-Token", PictureURL: "https://rooms.example.com:8443/display/kJ2m9vX4Qw8Zr1Lt6Yb3Ns7Pd5Fh0Gc"})
		}},
	}
}
