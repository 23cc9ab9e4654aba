package templates

import (
	"slices"
	"testing"
	"time"

	"github.com/a-h/templ"

	"lintel/templates/text"
	"lintel/templates/ui"
)

func block(fromHour, fromMinute, toHour, toMinute int, title string, quiet bool) ui.Block {
	b := ui.Block{From: clock(fromHour, fromMinute), To: clock(toHour, toMinute), Title: title, Quiet: quiet}
	if !quiet {
		b.Path = "/bookings/1"
	}
	return b
}

func sampleRoom() Room {
	tiles := todayFloors()[0].Tiles
	v := Room{
		ID: "matterhorn", Name: "Matterhorn", Building: "Zürich office", Floor: "Ground floor", Zone: "Europe/Zurich", Seats: 12, Equipment: []string{"screen", "whiteboard"},
		Now: clock(14, 5), Day: clock(0, 0), Tile: tiles[0], Bar: tiles[0].Bar,
		Agenda: []AgendaItem{
			{From: clock(9, 0), To: clock(10, 30), Title: "Sales stand-up", Who: "Luca Bernasconi", Series: true, Path: "/bookings/1"},
			{From: clock(13, 0), To: clock(15, 0), Title: "Quarterly planning", Who: "Anna Keller", Path: "/bookings/2"},
			{From: clock(15, 0), To: clock(15, 30), Title: "Private"},
			{From: clock(17, 0), To: clock(17, 30), Title: "Supplier visit: Müller & Söhne", Who: "Reto Ammann", Tentative: true, Path: "/bookings/3"},
		},
		Displays: []RoomDisplay{{ID: "d1", Name: "Door left", Picture: "/static/door.png", Seen: "3 min ago", Path: "/displays/d1"}},
		System:   RoomSystem{Name: "Nextcloud", Path: "/settings/systems/1", Address: "/calendars/rooms/matterhorn/", LastOK: clock(14, 4)},
		Ends:     []RoomEnd{{From: clock(9, 0), To: clock(10, 30), Title: "Sales stand-up", Reason: "ran_out"}, {From: clock(8, 0), To: clock(8, 30), Title: "1:1", Reason: "cancelled"}},
		Book:     "/bookings/new?room=matterhorn", Edit: "/settings/places/rooms/matterhorn",
	}
	v.Bar.Hours = true
	return v
}

func sampleWeek() Room {
	v := sampleRoom()
	v.Week = true
	v.Sheet = ui.Sheet{FromHour: 7, ToHour: 19, Now: v.Now, Label: "Agenda of the week"}
	for i := range 6 {
		date := clock(0, 0).AddDate(0, 0, i-5)
		day := AgendaDay{Date: date, Today: i == 5}
		sheet := ui.SheetDay{Date: date, Label: date.Format("Mon 2"), Today: i == 5, Closed: i == 5}
		if i != 2 {
			day.Items = v.Agenda[:1+i%4]
			for _, item := range day.Items {
				at := item.From.AddDate(0, 0, i-5)
				sheet.Blocks = append(sheet.Blocks, ui.Block{From: at, To: at.Add(item.To.Sub(item.From)), Title: item.Title, Quiet: item.Path == "", Path: item.Path})
			}
		}
		if i == 1 {
			at := date.Add(9*time.Hour + 30*time.Minute)
			sheet.Blocks = append(sheet.Blocks, ui.Block{From: at, To: at.Add(time.Hour), Title: "Overlap", Quiet: true}, ui.Block{From: at.Add(3 * time.Hour), To: at.Add(3*time.Hour + 15*time.Minute), Title: "Short", Quiet: true})
		}
		v.Days, v.Sheet.Days = append(v.Days, day), append(v.Sheet.Days, sheet)
	}
	return v
}

func roomSamples() []sample {
	at := func(v Room) func(ui.Shell) templ.Component {
		return func(sh ui.Shell) templ.Component { return RoomPage(sh, v) }
	}
	empty := Room{ID: "b", Name: "Grosses Sitzungszimmer Donaudampfschifffahrtsgesellschaftsrat", Building: "Bern", Now: clock(14, 5), Day: clock(0, 0).AddDate(0, 0, 1), Tile: RoomTile{State: ui.Unknown}, System: RoomSystem{Hosted: true}}
	failing := sampleRoom()
	failing.System.Failing = "The server refused the password."
	failing.Tile.StaleAt = clock(13, 40)
	failing.Displays[0].Picture = ""
	return []sample{
		{name: "room", page: at(sampleRoom())},
		{name: "room-week", page: at(sampleWeek())},
		{name: "room-empty", page: at(empty)},
		{name: "room-failing", page: at(failing)},
		{name: "room-agenda", page: func(sh ui.Shell) templ.Component { return RoomAgenda(sh, sampleRoom()) }},
	}
}

func sampleGrid() ui.Grid {
	book := func(id string) string { return "/bookings/new?room=" + id }
	return ui.Grid{Caption: "Day of the rooms", From: clock(7, 0), To: clock(19, 0), Now: clock(14, 5), Rows: []ui.GridRow{
		{Group: "Ground floor", Name: "Matterhorn", Path: "/rooms/matterhorn", Sub: "12 seats", Book: book("matterhorn"), Blocks: []ui.Block{block(9, 0, 10, 30, "Sales stand-up", false), block(13, 0, 15, 0, "Quarterly planning", false), block(15, 0, 15, 30, "Private", true)}},
		{Group: "Ground floor", Name: "Säntis", Path: "/rooms/saentis", Sub: "6 seats", Book: book("saentis"), Blocks: []ui.Block{block(6, 0, 9, 15, "Early", true), block(16, 30, 17, 30, "Design review", false)}},
		{Group: "Ground floor", Name: "Pilatus", Path: "/rooms/pilatus", Sub: "8 seats", Book: book("pilatus")},
		{Group: "First floor", Name: "Grosses Sitzungszimmer DonaudampfschifffahrtsgesellschaftsratNord", Path: "/rooms/g", Sub: "120 seats", Blocks: []ui.Block{block(8, 10, 9, 50, "Vorbereitung der ausserordentlichen Generalversammlung", false), block(10, 0, 10, 15, "Quarter", false)}},
	}}
}

func bookingsSamples() []sample {
	floors := []ui.Option{{Value: "", Label: "All floors"}, {Value: "g", Label: "Ground floor"}}
	equipment := []ui.Option{{Value: "", Label: "Any"}, {Value: "screen", Label: "screen"}}
	v := Bookings{Now: clock(14, 5), Zone: "Europe/Zurich", Day: clock(0, 0), Find: FindForm{Date: "2026-11-21", From: "15:00", Length: "60", Seats: "6"}, Grid: sampleGrid(), Floors: floors, Equipment: equipment, MayBook: true}
	found := v
	found.Searched = true
	found.Found = []FoundRoom{
		{ID: "saentis", Name: "Säntis", Floor: "Ground floor", Seats: 6, Equipment: []string{"screen"}, From: clock(15, 0), To: clock(16, 0), FreeUntil: clock(16, 30), Book: "/bookings/new"},
		{ID: "pilatus", Name: "Pilatus", Floor: "Ground floor", Seats: 8, From: clock(15, 0), To: clock(16, 0), Book: "/bookings/new"},
	}
	perhaps := found
	perhaps.Perhaps = []FoundRoom{
		{ID: "eiger", Name: "Eiger", Floor: "First floor", Seats: 20, From: clock(15, 0), To: clock(16, 0), StaleAt: clock(13, 40), Book: "/bookings/new"},
		{ID: "rigi", Name: "Rigi", Floor: "First floor", Seats: 8, Equipment: []string{"screen"}, From: clock(15, 0), To: clock(16, 0), Unknown: NeverRead, Book: "/bookings/new"},
	}
	perhaps.Grid.Rows = append(slices.Clip(perhaps.Grid.Rows),
		ui.GridRow{Group: "First floor", Name: "Eiger", Path: "/rooms/eiger", Sub: "20 seats · As of 13:40", Unsure: true, Book: "/bookings/new?room=eiger"},
		ui.GridRow{Group: "First floor", Name: "Rigi", Path: "/rooms/rigi", Sub: "8 seats · No agenda yet", Unsure: true, Book: "/bookings/new?room=rigi"})
	ahead := found
	ahead.Found, ahead.Day, ahead.Known = nil, clock(0, 0).AddDate(0, 0, 20), clock(12, 0).AddDate(0, 0, 14)
	ahead.Perhaps = []FoundRoom{{ID: "eiger", Name: "Eiger", Seats: 20, From: clock(15, 0).AddDate(0, 0, 20), To: clock(16, 0).AddDate(0, 0, 20), Unknown: NotReadAhead, Book: "/bookings/new"}}
	none := found
	none.Found, none.Nearest = nil, found.Found
	nothing := Bookings{Now: clock(14, 5), Day: clock(0, 0).AddDate(0, 0, 3), Find: FindForm{Date: "x", Errors: ui.Errors{"date": "This is not a date. It looks like 2026-11-21."}}}
	page := func(v Bookings) func(ui.Shell) templ.Component {
		return func(sh ui.Shell) templ.Component { return BookingsPage(sh, v) }
	}
	mine := MyBookings{Now: clock(14, 5), MayBook: true, Rows: []BookingRow{
		{ID: "1", Title: "Quarterly planning", Room: "Matterhorn", Floor: "Ground floor", From: clock(13, 0), To: clock(15, 0), Now: true},
		{ID: "2", Title: "Design review", Room: "Säntis", Floor: "Ground floor", From: clock(16, 30), To: clock(17, 30), Series: true},
		{ID: "3", Title: "Inventory", Room: "Eiger", From: clock(0, 0).AddDate(0, 0, 2), To: clock(0, 0).AddDate(0, 0, 3), AllDay: true},
	}}
	past := mine
	past.Past = true
	past.Rows = []BookingRow{{ID: "4", Title: "1:1", Room: "Rigi", From: clock(9, 0), To: clock(9, 30), Ended: "released"}}
	mineOf := func(v MyBookings) func(ui.Shell) templ.Component {
		return func(sh ui.Shell) templ.Component { return MyBookingsPage(sh, v) }
	}
	return []sample{
		{name: "bookings", page: page(v)},
		{name: "bookings-found", page: page(found)},
		{name: "bookings-perhaps", page: page(perhaps)},
		{name: "bookings-ahead", page: page(ahead)},
		{name: "bookings-none", page: page(none)},
		{name: "bookings-empty", page: page(nothing)},
		{name: "bookings-mine", page: mineOf(mine)},
		{name: "bookings-past", page: mineOf(past)},
		{name: "bookings-mine-empty", page: mineOf(MyBookings{MayBook: true})},
		{name: "bookings-past-empty", page: mineOf(MyBookings{Past: true})},
	}
}

func bookingSamples() []sample {
	v := Booking{ID: "1", Title: "Quarterly planning", RoomID: "matterhorn", Room: "Matterhorn", Place: "Zürich office, Ground floor", Zone: "Europe/Zurich", From: clock(13, 0), To: clock(15, 0), Organizer: "Anna Keller", Creator: "Luca Bernasconi", Source: "portal", Created: clock(8, 0).AddDate(0, 0, -9), Repeats: "every 2 weeks on Saturday, until 19 Dec 2026", MayEdit: true, MayEnd: true, MayExtend: true, MayCancel: true, Private: true, Moved: true, Now: clock(14, 5)}
	mirrored := Booking{ID: "2", Title: "Booked", RoomID: "rigi", Room: "Rigi", Place: "Zürich office", From: clock(0, 0), To: clock(0, 0).AddDate(0, 0, 2), AllDay: true, LastDay: clock(0, 0).AddDate(0, 0, 1), Source: "calendar", Created: clock(8, 0), Mirrored: "Nextcloud", Ended: "released", Tentative: true}
	rooms := []ui.Option{{Value: "matterhorn", Label: "Matterhorn", Group: "Ground floor"}, {Value: "saentis", Label: "Säntis", Group: "Ground floor"}, {Value: "aare", Label: "Aare", Group: "First floor"}}
	form := BookingForm{Now: clock(14, 5), Room: "saentis", Rooms: rooms, Date: "2026-11-21", From: "14:30", To: "15:30", Zone: "Europe/Zurich", Ends: EndsOn, Every: "1", Token: "t"}
	refused := form
	refused.ID, refused.Title, refused.Series, refused.MayChooseOrganizer = "1", "Design review", true, true
	refused.Subject, refused.Repeat, refused.Weekdays, refused.Until = "Design review", RepeatWeekly, []int{2, 4}, "2026-10-01"
	refused.Errors = ui.Errors{"": "The series was not booked.", "until": "The last date lies before the first one. Choose a later one."}
	refused.Conflicts = []Conflict{{From: clock(14, 0), To: clock(15, 0), Title: "Private"}, {From: clock(14, 0).AddDate(0, 0, 7), To: clock(15, 0).AddDate(0, 0, 7), Title: "Team weekly"}}
	refused.Taken, refused.Free = "2 of 12 dates are already taken.", 10
	formOf := func(v BookingForm) func(ui.Shell) templ.Component {
		return func(sh ui.Shell) templ.Component { return BookingFormPage(sh, v) }
	}
	return []sample{
		{name: "booking", page: func(sh ui.Shell) templ.Component { return BookingPage(sh, v) }},
		{name: "booking-mirrored-copy", page: func(sh ui.Shell) templ.Component {
			copied := mirrored
			copied.AllDay, copied.MayExtend, copied.CopyOnly, copied.Errors = false, true, true, ui.Errors{"": "This time is already taken."}
			return BookingPage(sh, copied)
		}},
		{name: "booking-mirrored", page: func(sh ui.Shell) templ.Component { return BookingPage(sh, mirrored) }},
		{name: "booking-new", page: formOf(form)},
		{name: "booking-refused", page: formOf(refused)},
		{name: "booking-cancel", page: func(sh ui.Shell) templ.Component {
			return CancelBookingPage(sh, CancelBooking{ID: "1", Title: "Design review", Room: "Säntis", From: clock(16, 30), To: clock(17, 30), Series: true, Following: 4, All: 9, Now: clock(14, 5)})
		}},
	}
}

// TestFreeTimesOfARoom: gaps stand between bookings within the hours, half open, and none shorter than a quarter of an hour. What
// is over is not free, and neither is any time of a room of which nothing is known.
func TestFreeTimesOfARoom(t *testing.T) {
	t.Parallel()
	v := Room{Now: clock(7, 0), Tile: RoomTile{State: ui.Free}, Bar: ui.DayBar{From: clock(8, 0), To: clock(18, 0)}}
	now, over, unread := v, v, v
	now.Now, over.Now, unread.Tile.State = clock(12, 20), clock(0, 0).AddDate(0, 0, 1), ui.Unknown
	booked := func(fromHour, fromMinute, toHour, toMinute int) AgendaItem {
		return AgendaItem{From: clock(fromHour, fromMinute), To: clock(toHour, toMinute)}
	}
	tests := []struct {
		name   string
		room   Room
		agenda []AgendaItem
		free   []ui.Span
	}{
		{"from now on", now, []AgendaItem{booked(9, 0, 10, 0), booked(15, 0, 16, 0)}, []ui.Span{span(12, 20, 15, 0), span(16, 0, 18, 0)}},
		{"too little is left", now, []AgendaItem{booked(12, 30, 18, 0)}, nil},
		{"another day, over", over, []AgendaItem{booked(9, 0, 10, 0)}, nil},
		{"never read", unread, nil, nil},
		{"empty", v, nil, []ui.Span{span(8, 0, 18, 0)}},
		{"back to back", v, []AgendaItem{booked(8, 0, 10, 0), booked(10, 0, 18, 0)}, nil},
		{"short gap", v, []AgendaItem{booked(8, 0, 10, 0), booked(10, 10, 18, 0)}, nil},
		{"around", v, []AgendaItem{booked(9, 0, 10, 0)}, []ui.Span{span(8, 0, 9, 0), span(10, 0, 18, 0)}},
		{"outside the hours", v, []AgendaItem{booked(6, 0, 7, 0), booked(19, 0, 20, 0)}, []ui.Span{span(8, 0, 18, 0)}},
		{"one inside another", v, []AgendaItem{booked(9, 0, 12, 0), booked(10, 0, 11, 0)}, []ui.Span{span(8, 0, 9, 0), span(12, 0, 18, 0)}},
		{"unsorted", v, []AgendaItem{booked(12, 0, 13, 0), booked(8, 0, 12, 0)}, []ui.Span{span(13, 0, 18, 0)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := test.room
			v.Agenda = test.agenda
			var free []ui.Span
			for _, l := range v.lines() {
				if l.free {
					free = append(free, ui.Span{From: l.From, To: l.To})
				}
			}
			if len(free) != len(test.free) {
				t.Fatalf("free %v, want %v", free, test.free)
			}
			for i, f := range free {
				if !f.From.Equal(test.free[i].From) || !f.To.Equal(test.free[i].To) {
					t.Errorf("free %v, want %v", f, test.free[i])
				}
			}
		})
	}
}

func TestScopesOffered(t *testing.T) {
	t.Parallel()
	sh := ui.Shell{Printer: text.For(text.English)}
	tests := []struct {
		name           string
		following, all int
		want           []string
	}{
		{"in the middle", 4, 9, []string{ScopeOne, ScopeFollowing, ScopeAll}},
		{"from the first on", 9, 9, []string{ScopeOne, ScopeAll}},
		{"not counted", 0, 0, []string{ScopeOne, ScopeFollowing, ScopeAll}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, o := range scopeOptions(sh, test.following, test.all) {
				got = append(got, o.Value)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("offered %q, want %q", got, test.want)
			}
		})
	}
}
