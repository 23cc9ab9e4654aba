package templates

import (
	"slices"
	"time"

	"lintel/templates/ui"
)

// Room is the page of one workspace.
//
// GET /rooms/{id}?view=week&day=2006-01-02. An htmx request is answered with RoomAgenda alone. The page listens to GET /events?room={id};
// an event named "rooms" makes it ask again.
type Room struct {
	ID        string
	Name      string
	Building  string
	Floor     string
	Zone      string
	Seats     int
	Equipment []string
	Now       time.Time
	Tile      RoomTile // the present state; its bar is not used
	Week      bool     // the week is shown, otherwise the day
	Day       time.Time
	Known     time.Time    // the last day that is read in advance, where what is shown goes beyond it; else zero
	Bar       ui.DayBar    // of Day
	Agenda    []AgendaItem // of Day, by start
	Days      []AgendaDay  // of the week around Day, when Week
	Sheet     ui.Sheet     // the same as a drawing
	Displays  []RoomDisplay
	System    RoomSystem
	Ends      []RoomEnd // the latest bookings that are over and how they ended, newest first
	Book      string    // path of the booking form for this room, "" when the viewer can't book it
	Edit      string    // path of its settings, "" when the viewer may not change them
}

// AgendaDay is one day of a week.
type AgendaDay struct {
	Date  time.Time
	Today bool
	Items []AgendaItem
}

// AgendaItem is a booking as the viewer may see it.
type AgendaItem struct {
	From, To  time.Time
	AllDay    bool
	Title     string // the subject, or the word for private or booked
	Who       string // "" when the viewer may not see it
	Series    bool
	Tentative bool
	Path      string // of its page, "" when there is nothing to open
}

// RoomDisplay is a screen at the room's door.
type RoomDisplay struct {
	ID, Name string
	Picture  string // path of the very picture that the device shows; "" before the first one
	Seen     string // "3 min ago"
	Path     string // "" when the viewer may not open it
	Panel    bool   // a browser panel: it draws the room itself and has no picture
}

// RoomSystem is where a room's agenda comes from.
type RoomSystem struct {
	Hosted  bool   // Lintel's own calendar
	Name    string // of the booking system
	Path    string // of its page, "" when the viewer may not open it
	Address string // of the calendar in it; "" when the viewer may not see it
	LastOK  time.Time
	Failing string // what is wrong in a sentence, "" when nothing is
	Cure    string // what helps, and
	Said    string // what the system said, for those who may open its page; both may be ""
}

// RoomEnd is how a booking ended.
type RoomEnd struct {
	From, To time.Time
	Title    string
	Reason   string // ran_out, ended, released or cancelled
}

// agendaLine is an item or the free time between two.
type agendaLine struct {
	AgendaItem
	free      bool
	now, over bool
}

// unread reports whether nothing is known of the room's agenda: then no time of any day is called free.
func (v Room) unread() bool { return v.Tile.State == ui.Unknown }

// blank reports whether there is nothing to draw: an empty drawing would say that the room is free.
func (v Room) blank() bool {
	return v.unread() && len(v.Agenda) == 0 && !slices.ContainsFunc(v.Days, func(d AgendaDay) bool { return len(d.Items) > 0 })
}

// nothing says that a day has no bookings, as far as that is known.
func (v Room) nothing(sh ui.Shell) string {
	if v.unread() {
		return sh.T("room.not_known")
	}
	return sh.T("room.nothing")
}

// lines puts the free times that are left of the opening hours between the bookings of the day, down to a quarter of an hour.
func (v Room) lines() []agendaLine {
	var out []agendaLine
	gap := func(from, to time.Time) {
		if from.Before(v.Now) {
			from = v.Now.Truncate(time.Minute)
		}
		if !v.unread() && to.Sub(from) >= 15*time.Minute {
			out = append(out, agendaLine{AgendaItem: AgendaItem{From: from, To: to}, free: true, now: v.isNow(from, to)})
		}
	}
	at := v.Bar.From
	for _, item := range slices.SortedStableFunc(slices.Values(v.Agenda), func(a, b AgendaItem) int { return a.From.Compare(b.From) }) {
		if !at.IsZero() && item.From.After(at) {
			gap(at, minTime(item.From, v.Bar.To))
		}
		out = append(out, agendaLine{AgendaItem: item, now: v.isNow(item.From, item.To), over: !item.To.After(v.Now)})
		if item.To.After(at) {
			at = item.To
		}
	}
	if !at.IsZero() && v.Bar.To.After(at) {
		gap(at, v.Bar.To)
	}
	return out
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (v Room) isNow(from, to time.Time) bool { return !v.Now.Before(from) && v.Now.Before(to) }

// bookGap leads to the booking form for a free time, from now on when it has begun.
func (v Room) bookGap(l agendaLine) string {
	if v.Book == "" {
		return ""
	}
	from := l.From
	if l.now {
		from = v.Now.Truncate(5 * time.Minute)
	}
	to := minTime(from.Add(time.Hour), l.To)
	return v.Book + "&date=" + from.Format(time.DateOnly) + "&from=" + from.Format("15:04") + "&to=" + to.Format("15:04")
}

func (v Room) path(day time.Time, week bool) string {
	path := "/rooms/" + v.ID + "?day=" + day.Format(time.DateOnly)
	if week {
		path += "&view=week"
	}
	return path
}

func (v Room) step() int {
	if v.Week {
		return 7
	}
	return 1
}

func (v Room) tabs(sh ui.Shell) []ui.Tab {
	return []ui.Tab{
		{Label: sh.T("room.day"), Path: v.path(v.Day, false), Here: !v.Week},
		{Label: sh.T("room.week"), Path: v.path(v.Day, true), Here: v.Week},
	}
}

func (v Room) isToday() bool { return v.Day.Format(time.DateOnly) == v.Now.Format(time.DateOnly) }

// dayWords names the shown day or week.
func (v Room) dayWords(sh ui.Shell) string {
	if v.Week && len(v.Days) > 0 {
		return sh.DateShortSeen(v.Days[0].Date, v.Now) + " – " + sh.DateShortSeen(v.Days[len(v.Days)-1].Date, v.Now)
	}
	return sh.DateLongSeen(v.Day, v.Now)
}

func (i AgendaItem) when(sh ui.Shell) string {
	if i.AllDay {
		return sh.T("state.all_day")
	}
	return sh.Span(i.From, i.To)
}

func (v Room) place() string {
	if v.Floor == "" {
		return v.Building
	}
	return v.Building + " · " + v.Floor
}
