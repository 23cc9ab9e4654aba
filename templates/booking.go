package templates

import (
	"strconv"
	"time"

	"lintel/templates/ui"
)

// Booking is the page of one booking as the viewer may see it: GET /bookings/{id}.
//
// POST /bookings/{id}/end ends it now. Cancelling asks first: GET /bookings/{id}/cancel.
type Booking struct {
	ID        string
	Title     string
	RoomID    string
	Room      string
	Place     string // building and floor
	Zone      string
	From, To  time.Time
	AllDay    bool
	LastDay   time.Time // AllDay: the last day
	Organizer string    // "" when the viewer may not see it
	Creator   string    // "" when the same or hidden
	Private   bool
	Tentative bool
	Source    string // portal, door, panel, api, calendar or demo
	Created   time.Time
	Repeats   string // the rule in words, "" when it is no series
	Moved     bool   // an occurrence that was moved away from its rule
	Ended     string // "", ran_out, ended, released or cancelled
	Mirrored  string // name of the booking system that it belongs to, "" for a hosted one
	MayEdit   bool
	MayEnd    bool // it runs now and may be ended
	MayCancel bool
	MayExtend bool // it is not over, and its end may be moved
	CopyOnly  bool // extending changes the room's own copy of somebody's meeting alone
	Errors    ui.Errors
	Now       time.Time // dates of another year are shown with it
}

// extensions are the minutes by which a booking can be extended with one press.
func extensions() []int { return []int{15, 30, 60} }

// mirrored tells where a booking of a booking system can be changed.
func (v Booking) mirrored(sh ui.Shell) string {
	if v.MayExtend || v.MayEnd || v.MayCancel {
		return sh.T("bookings.mirrored_here", "System", v.Mirrored)
	}
	return sh.T("bookings.mirrored", "System", v.Mirrored)
}

func (v Booking) when(sh ui.Shell) string {
	switch {
	case v.AllDay && v.LastDay.Format(time.DateOnly) != v.From.Format(time.DateOnly):
		return sh.DateLongSeen(v.From, v.Now) + " – " + sh.DateLongSeen(v.LastDay, v.Now) + ", " + sh.T("state.all_day")
	case v.AllDay:
		return sh.DateLongSeen(v.From, v.Now) + ", " + sh.T("state.all_day")
	}
	return sh.DateLongSeen(v.From, v.Now) + ", " + sh.Span(v.From, v.To)
}

func (v Booking) facts(sh ui.Shell) []ui.Fact {
	facts := []ui.Fact{
		{Key: sh.T("bookings.where"), Value: v.Place},
		{Key: sh.T("bookings.organizer"), Value: v.Organizer},
		{Key: sh.T("bookings.creator"), Value: v.Creator},
		{Key: sh.T("bookings.repeats"), Value: v.Repeats},
		{Key: sh.T("bookings.source"), Value: sh.T("source." + v.Source)},
		{Key: sh.T("bookings.made"), Value: sh.DateTime(v.Created)},
	}
	if v.Mirrored != "" {
		facts = append(facts, ui.Fact{Key: sh.T("room.system"), Value: v.Mirrored})
	}
	return facts
}

// CancelBooking asks before a booking goes: GET /bookings/{id}/cancel.
//
// POST /bookings/{id}/cancel: scope (ScopeOne, ScopeFollowing or ScopeAll; only for a series).
type CancelBooking struct {
	ID, Title, Room string
	From, To        time.Time
	Series          bool
	Following, All  int    // how many occurrences go with each choice
	Scope           string // as chosen
	Now             time.Time
}

// The values of the field "scope" of an occurrence's forms.
const (
	ScopeOne       = "one"
	ScopeFollowing = "following"
	ScopeAll       = "all"
)

// BookingForm makes or changes a booking: GET /bookings/new?room=&date=&from=&to=&series=1 and GET /bookings/{id}/edit?scope=.
//
// POST /bookings (new) or POST /bookings/{id} (changed): room, subject, all_day ("on"), date, from, to, last_date (with all_day), private
// ("on"), organizer (an e-mail address; only where MayChooseOrganizer), repeat (RepeatNone …), every, weekday (several, 1 is Monday), month_by
// (MonthByDay or MonthByWeekday), ends (EndsOn or EndsAfter), until, count, scope, revision, token; leave_out ("on") books those dates of a new series that are free.
type BookingForm struct {
	ID       string // "" for a new one
	Title    string // of the page: name of the booking that is changed
	Room     string
	Rooms    []ui.Option // Group is the floor
	Subject  string
	AllDay   bool
	Date     string // 2006-01-02
	LastDate string
	From, To string // 15:04
	Zone     string
	Private  bool

	MayChooseOrganizer bool
	Organizer          string

	Series   bool // an occurrence of a series is changed: Scope asks which
	Scope    string
	Repeat   string // RepeatNone …
	Every    string // 1 and up
	Weekdays []int  // 1 is Monday
	MonthBy  string
	Ends     string
	Until    string // 2006-01-02
	Count    string

	Revision string // of the booking that was read, so that nobody's change is lost
	Token    string // makes a second press harmless

	Errors    ui.Errors
	Conflicts []Conflict // why the booking was refused
	Taken     string     // how many dates of a series are taken, "" for a single booking
	Free      int        // how many dates of a new series are free; they can be booked without the others
	Now       time.Time  // conflicts in another year are shown with it
}

// The values of the fields of a repetition.
const (
	RepeatNone    = ""
	RepeatDaily   = "daily"
	RepeatWeekly  = "weekly"
	RepeatMonthly = "monthly"

	MonthByDay     = "day"     // on the 21st
	MonthByWeekday = "weekday" // on the third Saturday

	EndsOn    = "until"
	EndsAfter = "count"
)

// Conflict is a booking that stands in the way, as far as the viewer may see it.
type Conflict struct {
	From, To time.Time
	Title    string
}

func (v BookingForm) action() string {
	if v.ID == "" {
		return "/bookings"
	}
	return "/bookings/" + v.ID
}

func (v BookingForm) back() string {
	if v.ID == "" {
		return "/bookings"
	}
	return "/bookings/" + v.ID
}

func repeatOptions(sh ui.Shell) []ui.Option {
	return []ui.Option{
		{Value: RepeatNone, Label: sh.T("repeat.none")},
		{Value: RepeatDaily, Label: sh.T("repeat.daily")},
		{Value: RepeatWeekly, Label: sh.T("repeat.weekly")},
		{Value: RepeatMonthly, Label: sh.T("repeat.monthly")},
	}
}

// weekdayOptions are the days of the week from Monday, valued 1 to 7 (ISO 8601).
func weekdayOptions(sh ui.Shell, chosen []int) []ui.Option {
	var out []ui.Option
	for i := 1; i <= 7; i++ {
		d := time.Weekday(i % 7)
		o := ui.Option{Value: strconv.Itoa(i), Label: sh.WeekdayShort(d), Help: sh.Weekday(d)}
		for _, c := range chosen {
			o.Checked = o.Checked || c == i
		}
		out = append(out, o)
	}
	return out
}

func on(is bool) string {
	if is {
		return "on"
	}
	return ""
}

func scopeOptions(sh ui.Shell, following, all int) []ui.Option {
	options := []ui.Option{{Value: ScopeOne, Label: sh.T("scope.one")}}
	add := func(value, key string, n int) {
		o := ui.Option{Value: value, Label: sh.T(key)}
		if n > 0 {
			o.Help = sh.N("scope.count", n)
		}
		options = append(options, o)
	}
	if all == 0 || following != all { // from the first occurrence on, both say the same
		add(ScopeFollowing, "scope.following", following)
	}
	add(ScopeAll, "scope.all", all)
	return options
}
