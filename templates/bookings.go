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
	Perhaps   []FoundRoom // those of which nobody knows for sure: nothing is known to be in the way
	Nearest   []FoundRoom // when Found is empty: the next possible times, each with its own From
	Grid      ui.Grid
	Known     time.Time   // the last day that is read in advance, where Day is beyond it and that matters; else zero
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
	Unknown   string    // why nothing is known of its agenda then: NeverRead or NotReadAhead, else ""
	StaleAt   time.Time // when its agenda was last confirmed, if that is too long ago; zero when it is fresh
	StaleDay  bool      // StaleAt was not today: its day is said too
	Book      string
}

// Why nothing is known of a room's agenda.
const (
	NeverRead    = "unread"
	NotReadAhead = "ahead"
)

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

// free says until when a room is free, or why nobody knows whether it is.
func (r FoundRoom) free(sh ui.Shell) string {
	switch {
	case r.Unknown == NeverRead:
		return sh.T("state.no_agenda")
	case r.Unknown == NotReadAhead:
		return sh.T("bookings.not_ahead")
	case !r.StaleAt.IsZero():
		return notConfirmed(sh, r.StaleAt, r.StaleDay)
	case r.FreeUntil.IsZero():
		return sh.T("bookings.free_rest")
	}
	return sh.T("state.free_until", "Time", sh.Clock(r.FreeUntil))
}

func (r FoundRoom) sub(sh ui.Shell) string {
	parts := []string{r.Floor, roomSub(sh, r.Seats, r.Equipment)}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " · ")
}
