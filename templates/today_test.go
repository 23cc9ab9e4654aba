package templates

import (
	"testing"
	"time"

	"github.com/a-h/templ"

	"lintel/templates/text"
	"lintel/templates/ui"
)

// zurich stands for a building's zone. The samples need no zone data: a fixed offset draws the same.
var zurich = time.FixedZone("Europe/Zurich", 3600)

// clock is a time of the sample day.
func clock(hour, minute int) time.Time {
	return time.Date(2026, time.November, 21, hour, minute, 0, 0, zurich)
}

func span(fromHour, fromMinute, toHour, toMinute int) ui.Span {
	return ui.Span{From: clock(fromHour, fromMinute), To: clock(toHour, toMinute)}
}

func dayBar(spans ...ui.Span) ui.DayBar {
	return ui.DayBar{From: clock(8, 0), To: clock(18, 0), Now: clock(14, 5), Spans: spans}
}

func signInSamples() []sample {
	at := func(v SignIn) func(ui.Shell) templ.Component {
		return func(sh ui.Shell) templ.Component { return SignInPage(sh, v) }
	}
	return []sample{
		{name: "sign-in", bare: true, page: at(SignIn{Next: "/bookings"})},
		{name: "sign-in-wrong", bare: true, page: func(sh ui.Shell) templ.Component {
			return SignInPage(sh, SignIn{Login: "anna", Errors: ui.Errors{"": sh.T("people.sign_in_failed")}})
		}},
		{name: "sign-in-too-many", bare: true, page: at(SignIn{Login: "anna", RetryIn: 90 * time.Second})},
	}
}

func todayFloors() []TodayFloor {
	book := func(id string) string { return "/bookings/new?room=" + id }
	stale := dayBar(span(17, 0, 18, 0))
	stale.Stale = true
	return []TodayFloor{
		{Name: "Ground floor", Free: 3, Total: 6, Tiles: []RoomTile{
			{ID: "matterhorn", Name: "Matterhorn", Seats: 12, Equipment: []string{"screen"}, State: ui.Busy, Until: clock(15, 0), Title: "Quarterly planning", Who: "Anna Keller", Bar: dayBar(span(9, 0, 10, 30), span(13, 0, 15, 0))},
			{ID: "saentis", Name: "Säntis", Seats: 6, Equipment: []string{"screen"}, State: ui.Free, Until: clock(16, 30), Then: "Design review", Book: book("saentis"), Bar: dayBar(span(8, 0, 9, 15), span(16, 30, 17, 30))},
			{ID: "rigi", Name: "Rigi", Seats: 4, State: ui.Soon, From: clock(14, 15), To: clock(15, 15), Title: "Private", Bar: dayBar(span(14, 15, 15, 15))},
			{ID: "pilatus", Name: "Pilatus", Seats: 8, Equipment: []string{"video"}, State: ui.Free, Book: book("pilatus"), Bar: dayBar()},
			{ID: "eiger", Name: "Eiger", Seats: 20, Equipment: []string{"stage"}, State: ui.Free, Until: clock(17, 0), StaleAt: clock(13, 40), Bar: stale},
			{ID: "moench", Name: "Mönch", Seats: 4, State: ui.Busy, Until: clock(17, 0), StaleAt: clock(13, 40).AddDate(0, 0, -1), StaleDay: true, Bar: stale},
			{ID: "box1", Name: "Phone box 1", Seats: 1, State: ui.Free, Until: clock(18, 0), Book: book("box1"), Bar: dayBar(span(10, 0, 10, 20), span(12, 30, 12, 50))},
		}},
		{Name: "Annexe", Free: 1, Total: 1, Tiles: []RoomTile{
			{ID: "shed", Name: "Shed", State: ui.Free, Closed: true, Bar: dayBar()},
		}},
		{Name: "First floor", Free: 1, Total: 2, Tiles: []RoomTile{
			{ID: "aare", Name: "Aare", Seats: 10, Equipment: []string{"video"}, State: ui.Busy, Until: clock(14, 30), Title: "Booked", Bar: dayBar(span(12, 0, 14, 30))},
			{ID: "limmat", Name: "Limmat", Seats: 6, State: ui.Free, Until: clock(15, 0), Then: "Team weekly", Book: book("limmat"), Bar: dayBar(span(15, 0, 16, 0))},
		}},
	}
}

func todaySamples() []sample {
	at := func(v Today, change func(*ui.Shell)) func(ui.Shell) templ.Component {
		return func(sh ui.Shell) templ.Component {
			if change != nil {
				change(&sh)
			}
			return TodayPage(sh, v)
		}
	}
	normal := Today{Now: clock(14, 5), Zone: "Europe/Zurich", Floors: todayFloors(), Rooms: 8}
	long := Today{Now: clock(14, 5), Zone: "Europe/Zurich", Rooms: 2, Floors: []TodayFloor{{Name: "Erdgeschoss Verwaltungsgebäude Hauptsitz Nordflügel mit Empfang und Besucherzentrum", Free: 1, Total: 2, Tiles: []RoomTile{
		{ID: "a", Name: "Grosses Sitzungszimmer Donaudampfschifffahrtsgesellschaftsrat", Seats: 120, Equipment: []string{"Bildschirm", "Videokonferenz", "Whiteboard", "Rednerpult"}, State: ui.Busy, Until: clock(15, 0), Title: "Vorbereitung der ausserordentlichen Generalversammlung mit allen Mitgliedern der erweiterten Geschäftsleitung", Who: "Dr. Maximilian-Alexander von Hohenstein-Wettelsberg", Bar: dayBar(span(13, 0, 15, 0))},
		{ID: "b", Name: "B", State: ui.Unknown, Bar: dayBar()},
	}}}}
	alert := func(sh *ui.Shell) {
		sh.Alerts = []ui.Alert{{Broken: false, Title: "Exchange has not answered since 13:40.", Text: "Doors keep their last picture, marked “as of 13:40”.", Path: "/settings/systems", Link: "See what it said"}}
	}
	employee := func(sh *ui.Shell) {
		sh.May = ui.Areas{Today: true, Bookings: true, Book: true}
		sh.User = "Béatrice Dürrenmatt"
		sh.Notice = &ui.Notice{Text: "Booked Säntis, 14:30 – 15:00.", UndoPath: "/bookings/1/cancel"}
	}
	dark := func(sh *ui.Shell) { alert(sh); sh.Theme = ui.Dark }
	return []sample{
		{name: "today", page: at(normal, alert)},
		{name: "today-dark", page: at(normal, dark)},
		{name: "today-long", page: at(long, nil)},
		{name: "today-employee", page: at(normal, employee)},
		{name: "today-none", page: at(Today{Now: clock(14, 5), Rooms: 8, Filter: FilterHour, Floors: []TodayFloor{{Name: "Ground floor", Total: 6}}}, nil)},
		{name: "today-empty", page: at(Today{Now: clock(14, 5), MayAdd: true}, nil)},
		{name: "today-board", page: func(sh ui.Shell) templ.Component { return TodayBoard(sh, normal) }},
	}
}

func TestWhatATileSays(t *testing.T) {
	t.Parallel()
	sh := ui.Shell{Printer: text.For(text.English)}
	tests := []struct {
		name                string
		tile                RoomTile
		pill, first, second string
		shape               ui.State
	}{
		{"free, nothing booked", RoomTile{State: ui.Free, Bar: dayBar()}, "Free", "Free for the rest of the day", "", ui.Free},
		{"free, the last meeting is over", RoomTile{State: ui.Free, Bar: dayBar(span(9, 0, 10, 0))}, "Free", "Free for the rest of the day", "", ui.Free},
		{"free until a meeting", RoomTile{State: ui.Free, Until: clock(16, 30), Then: "Review"}, "Free", "Until 16:30", "then Review", ui.Free},
		{"closed", RoomTile{State: ui.Free, Closed: true}, "Closed", "Closed today", "", ui.Unknown},
		{"closed, a meeting comes", RoomTile{State: ui.Free, Closed: true, Until: clock(16, 30), Then: "Review"}, "Closed", "Until 16:30", "then Review", ui.Unknown},
		{"closed and in use", RoomTile{State: ui.Busy, Closed: true, Title: "Stocktaking"}, "Busy", "Stocktaking", "All day", ui.Busy},
		{"closed and not confirmed", RoomTile{State: ui.Free, Closed: true, StaleAt: clock(13, 40)}, "As of 13:40", "Free", "agenda not confirmed since 13:40", ui.Unknown},
		{
			"not confirmed since another day", RoomTile{State: ui.Busy, StaleAt: clock(13, 40).AddDate(0, 0, -1), StaleDay: true},
			"As of Fri 20 Nov", "Busy", "agenda not confirmed since Fri 20 Nov, 13:40", ui.Unknown,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			first, second := test.tile.lines(sh)
			if pill := test.tile.pill(sh); pill != test.pill || first != test.first || second != test.second || test.tile.shape() != test.shape {
				t.Errorf("said %q (%s), %q, %q; want %q (%s), %q, %q", pill, test.tile.shape(), first, second, test.pill, test.shape, test.first, test.second)
			}
		})
	}
}
