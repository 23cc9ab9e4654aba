package templates

import (
	"strings"
	"time"

	"lintel/templates/ui"
)

// Today is every room of a building at a glance.
//
// GET /today?filter=free|hour|seats&building=ID. An htmx request (header HX-Request) is answered with TodayBoard alone. The page listens
// to GET /events (server-sent events); an event named "rooms" makes it ask again, and so does a minute that passes.
type Today struct {
	Now    time.Time // in the building's zone
	Zone   string    // its IANA name, shown to viewers elsewhere
	Filter string    // one of the Filter constants
	Floors []TodayFloor
	Rooms  int  // how many rooms there are without the filter
	MayAdd bool // the viewer may add rooms: the empty page offers it
}

// The values of the query parameter "filter".
const (
	FilterAll   = ""
	FilterFree  = "free"  // free now
	FilterHour  = "hour"  // free for the next hour
	FilterSeats = "seats" // eight seats or more
)

// TodayFloor is a floor with its rooms that pass the filter. Free and Total count all of them.
type TodayFloor struct {
	Name        string
	Free, Total int
	Tiles       []RoomTile
}

// RoomTile is one room now.
type RoomTile struct {
	ID        string
	Name      string
	Seats     int // 0 for unknown
	Equipment []string
	State     ui.State  // Free, Busy or Soon; Unknown only when nothing at all is known of its agenda
	Until     time.Time // end of the present state; zero when it lasts the day
	From, To  time.Time // Soon: the meeting that comes
	Title     string    // Busy and Soon: the subject, or the word for private or booked, as the viewer may see it
	Who       string    // Busy: the organizer as the viewer may see it, "" otherwise
	Then      string    // Free: what comes at Until
	StaleAt   time.Time // when the agenda was last confirmed, if that is too long ago; zero when it is fresh
	StaleDay  bool      // StaleAt was not today: its day is said too
	Closed    bool      // the building is closed today
	Bar       ui.DayBar // Label may stay empty: it is made from Spans
	Book      string    // path of the booking form for this room, "" when the viewer can't book it now
}

// pill says the state in a word.
func (r RoomTile) pill(sh ui.Shell) string {
	switch {
	case !r.StaleAt.IsZero():
		if r.StaleDay {
			return sh.T("state.as_of_day", "Day", sh.DateShort(r.StaleAt))
		}
		return sh.T("state.as_of", "Time", sh.Clock(r.StaleAt))
	case r.shut():
		return sh.T("door.closed")
	case r.State == ui.Free:
		return sh.T("state.free")
	case r.State == ui.Busy:
		return sh.T("state.busy")
	case r.State == ui.Soon:
		return sh.T("state.starts", "Time", sh.Clock(r.From))
	}
	return sh.T("state.unknown")
}

// shut reports whether nobody is expected in the room: it is not booked and the building is closed.
func (r RoomTile) shut() bool { return r.Closed && r.State == ui.Free }

func (r RoomTile) shape() ui.State {
	if !r.StaleAt.IsZero() || r.shut() {
		return ui.Unknown
	}
	return r.State
}

// lines are the two lines under the name: what is, and what about it.
func (r RoomTile) lines(sh ui.Shell) (first, second string) {
	until := sh.T("state.all_day")
	switch {
	case !r.Until.IsZero():
		until = sh.T("state.until", "Time", sh.Clock(r.Until))
	case r.State == ui.Free:
		until = sh.T("state.rest_of_day")
	}
	switch {
	case !r.StaleAt.IsZero():
		return r.staleLine(sh), notConfirmed(sh, r.StaleAt, r.StaleDay)
	case r.shut() && r.Then == "":
		return sh.T("state.closed"), ""
	case r.State == ui.Free && r.Then != "":
		return until, sh.T("state.then", "Title", r.Then)
	case r.State == ui.Free:
		return until, ""
	case r.State == ui.Busy && r.Who != "" && !r.Until.IsZero():
		return r.Title, sh.T("state.who_until", "Name", r.Who, "Time", sh.Clock(r.Until))
	case r.State == ui.Busy:
		return r.Title, until
	case r.State == ui.Soon:
		return r.Title, sh.Span(r.From, r.To)
	}
	return sh.T("state.no_agenda"), ""
}

// notConfirmed says since when an agenda is not confirmed, with the day if that was not today.
func notConfirmed(sh ui.Shell, since time.Time, day bool) string {
	if day {
		return sh.T("state.not_confirmed_day", "Day", sh.DateShort(since), "Time", sh.Clock(since))
	}
	return sh.T("state.not_confirmed", "Time", sh.Clock(since))
}

func (r RoomTile) staleLine(sh ui.Shell) string {
	switch {
	case r.Until.IsZero() && r.State == ui.Busy:
		return sh.T("state.busy")
	case r.Until.IsZero():
		return sh.T("state.free")
	case r.State == ui.Busy:
		return sh.T("state.busy_until", "Time", sh.Clock(r.Until))
	}
	return sh.T("state.free_until", "Time", sh.Clock(r.Until))
}

// sub is the quiet line: seats and equipment.
func (r RoomTile) sub(sh ui.Shell) string { return roomSub(sh, r.Seats, r.Equipment) }

func roomSub(sh ui.Shell, seats int, equipment []string) string {
	var parts []string
	if seats > 0 {
		parts = append(parts, sh.N("room.seats", seats))
	}
	return strings.Join(append(parts, equipment...), "\u00a0· ") // a line may break after a dot, not before it
}

// bar is the tile's day bar with its words.
func (r RoomTile) bar(sh ui.Shell) ui.DayBar {
	bar := r.Bar
	if r.State == ui.Unknown && len(bar.Spans) == 0 {
		bar.Label = sh.T("state.no_agenda")
	}
	return barWithWords(sh, bar)
}

func barWithWords(sh ui.Shell, bar ui.DayBar) ui.DayBar {
	if bar.Label != "" {
		return bar
	}
	var times []string
	for _, s := range bar.Spans {
		times = append(times, sh.Span(s.From, s.To))
	}
	bar.Label = sh.T("bar.nothing")
	if len(times) > 0 {
		bar.Label = sh.T("bar.booked", "Times", sh.Join(times))
	}
	return bar
}

// barHours are the hours that a bar covers, with midnight at its end as 24:00.
func barHours(sh ui.Shell, bar ui.DayBar) string {
	to := sh.Clock(bar.To)
	if to == "00:00" {
		to = "24:00"
	}
	return sh.Clock(bar.From) + " – " + to
}

func (v Today) chips(sh ui.Shell) []ui.Tab {
	chip := func(filter, key string) ui.Tab {
		return ui.Tab{Label: sh.T(key), Path: sh.With("filter", filter), Here: v.Filter == filter}
	}
	return []ui.Tab{
		chip(FilterAll, "today.filter_all"),
		chip(FilterFree, "today.filter_free"),
		chip(FilterHour, "today.filter_hour"),
		chip(FilterSeats, "today.filter_seats"),
	}
}

func (v Today) shown() int {
	n := 0
	for _, f := range v.Floors {
		n += len(f.Tiles)
	}
	return n
}

// summary is what a screen reader is told when the board has changed.
func (v Today) summary(sh ui.Shell) string {
	free, total := 0, 0
	for _, f := range v.Floors {
		free += f.Free
		total += f.Total
	}
	return sh.N("today.rooms_free", total, "Free", sh.Number(free))
}

func (v Today) empty(sh ui.Shell) ui.Empty {
	e := ui.Empty{Icon: "layout-grid", Title: sh.T("today.empty_title"), Text: sh.T("today.empty_text")}
	if v.MayAdd {
		e.Action = ui.Button{Label: sh.T("today.empty_action"), Path: "/settings/places", Kind: ui.Primary}
	}
	return e
}
