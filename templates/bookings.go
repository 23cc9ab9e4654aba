package templates

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/templates/ui"
)

// Bookings is the page that finds a room and shows a day of many rooms.
//
// GET /bookings?date=2006-01-02&from=15:04&length=60&seats=6&equipment=screen&floor=ID. The form searches as soon as date or length are
// given; day and floor narrow the grid too.
type Bookings struct {
	Now       time.Time
	Zone      string
	Day       time.Time
	Find      FindForm
	Searched  bool
	Found     []FoundRoom // rooms that are free then, the best fitting first
	Nearest   []FoundRoom // when Found is empty: the next possible times, each with its own From
	Grid      ui.Grid
	Floors    []ui.Option // the first one with an empty value
	Equipment []ui.Option // words that some room has; the first one with an empty value
	MayBook   bool
}

// FindForm holds what was typed into the search, as it was typed.
type FindForm struct {
	Date, From string // 2006-01-02 and 15:04
	Length     string // minutes
	Seats      string
	Equipment  string
	Floor      string
	Errors     ui.Errors
}

// FoundRoom is a room that is free from From to To.
type FoundRoom struct {
	ID, Name  string
	Floor     string
	Seats     int
	Equipment []string
	From, To  time.Time
	FreeUntil time.Time // zero when it is free for the rest of the day
	Book      string
}

// MyBookings is the viewer's own bookings: GET /bookings/mine?past=1.
type MyBookings struct {
	Now     time.Time // dates of another year are shown with it
	Past    bool
	Rows    []BookingRow
	MayBook bool
}

// BookingRow is one of the viewer's bookings.
type BookingRow struct {
	ID       string
	Title    string
	Room     string
	Floor    string
	From, To time.Time
	AllDay   bool
	Series   bool
	Now      bool
	Ended    string // "", ran_out, ended, released or cancelled
}

func bookingTabs(sh ui.Shell, mine bool) []ui.Tab {
	return []ui.Tab{
		{Label: sh.T("bookings.tab_find"), Path: "/bookings", Here: !mine},
		{Label: sh.T("bookings.tab_mine"), Path: "/bookings/mine", Here: mine},
	}
}

func (v Bookings) dayPath(sh ui.Shell, days int) string {
	return sh.With("date", v.Day.AddDate(0, 0, days).Format(time.DateOnly))
}

func (v Bookings) isToday() bool { return v.Day.Format(time.DateOnly) == v.Now.Format(time.DateOnly) }

// lengths are the offered durations, from a quarter of an hour to a day of work.
func lengths(sh ui.Shell) []ui.Option {
	var out []ui.Option
	for _, minutes := range []int{15, 30, 45, 60, 90, 120, 180, 240, 480} {
		out = append(out, ui.Option{Value: strconv.Itoa(minutes), Label: sh.Duration(time.Duration(minutes) * time.Minute)})
	}
	return out
}

func (r BookingRow) when(sh ui.Shell, now time.Time) string {
	if r.AllDay {
		return sh.DateLongSeen(r.From, now) + ", " + sh.T("state.all_day")
	}
	return sh.DateLongSeen(r.From, now) + ", " + sh.Span(r.From, r.To)
}

func (r FoundRoom) sub(sh ui.Shell) string {
	parts := []string{r.Floor, roomSub(sh, r.Seats, r.Equipment)}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " · ")
}
