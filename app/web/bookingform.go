package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// newBooking is the empty form, filled as far as the address says.
func (s *Server) newBooking(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.choose(w, r, v); err != nil {
		return err
	}
	q := r.URL.Query()
	view := templates.BookingForm{
		Room: q.Get("room"), Subject: q.Get("subject"), Date: q.Get("date"), From: q.Get("from"), To: q.Get("to"),
		Every: "1", Ends: templates.EndsOn, Token: store.NewID[string](),
	}
	if err := s.frameForm(r.Context(), v, &view); err != nil {
		return err
	}
	if q.Get("series") == "1" {
		view.Repeat = templates.RepeatWeekly
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.BookingFormPage(sh, view) })
}

// frameForm adds what the form offers, and fills in times that nobody gave: the next quarter of an hour.
func (s *Server) frameForm(ctx context.Context, v *visitor, view *templates.BookingForm) error {
	list, err := s.Places.Workspaces(ctx, v.Actor, store.WorkspaceFilter{Bookable: true})
	if err != nil {
		return err
	}
	building := v.building
	for _, p := range list {
		if string(p.Workspace.ID) == view.Room {
			building = p.Building
			s.Calendars.Touch(p.Workspace.ID)
		}
	}
	for _, p := range list {
		if !meeting(p.Workspace.Kind) || !v.mayBook(p) {
			continue
		}
		o := ui.Option{Value: string(p.Workspace.ID), Label: p.Workspace.Name, Group: p.Floor.Name}
		if len(v.buildings) > 1 {
			o.Group = p.Building.Name + " · " + p.Floor.Name
		}
		view.Rooms = append(view.Rooms, o)
	}
	if building.ID == "" {
		return nil
	}
	view.MayChooseOrganizer = v.Can(people.BookForOthers, building.ID)
	view.Zone = building.Zone
	c, err := s.clock(building)
	if err != nil {
		return err
	}
	view.Now = c.now
	if view.Date == "" {
		view.Date = c.today.String()
	}
	if view.From == "" {
		from := begun(c)
		view.From, view.To = from.Format("15:04"), from.Add(time.Hour).Format("15:04")
	}
	if m, err := when.ParseClock(view.From); err == nil && view.To == "" && view.Errors == nil {
		view.To = when.Clock((m + defaultLength) % (24 * 60))
	}
	if view.Until == "" {
		if d, err := when.ParseDate(view.Date); err == nil {
			view.Until = d.Add(12 * 7).String()
		}
	}
	return nil
}

// begun is when a booking begins unless somebody says otherwise: with the quarter of an hour that goes on. In its last minutes it
// is the next one, as whoever takes a while with the form would be told that its begin is too long ago.
func begun(c clock) time.Time {
	const quarter = 15 * time.Minute
	from := c.now.Truncate(quarter)
	if next := from.Add(quarter); next.Sub(c.now) <= quarter/3 && when.DayOf(next, c.zone) == c.today {
		return next
	}
	return from
}

// draft is a posted booking form, read.
type draft struct {
	view      templates.BookingForm // as it was typed
	room      store.WorkspaceID
	times     bookings.Times
	first     when.Date
	rule      string
	organizer bookings.Organizer
	revision  int64
	leaveOut  bool // of a series: book the dates that are free
}

func (s *Server) readDraft(r *http.Request, v *visitor) (draft, error) {
	f, err := parse(r)
	if err != nil {
		return draft{}, err
	}
	d := draft{room: store.WorkspaceID(f.text("room")), leaveOut: f.on("leave_out")}
	d.view = templates.BookingForm{
		Room: f.text("room"), Subject: f.text("subject"), AllDay: f.on("all_day"), Date: f.text("date"), LastDate: f.text("last_date"),
		From: f.text("from"), To: f.text("to"), Private: f.on("private"), Organizer: f.text("organizer"),
		Scope: f.text("scope"), Revision: f.text("revision"), Token: f.text("token"),
	}
	readRepeat(f, &d.view)
	if d.room == "" {
		f.bad("room", "bookings.choose_room")
	}
	d.first = f.date("date")
	if d.view.AllDay {
		last := d.first
		if d.view.LastDate != "" {
			last = f.date("last_date")
		}
		d.times = bookings.Days(d.first, last)
	} else {
		from, to := f.clock("from"), f.clock("to")
		d.times = bookings.Local(when.Wall{Date: d.first, Minute: from}, endOf(d.first, from, to))
	}
	if !d.first.IsZero() {
		d.rule = rule(f, d.first)
	}
	if mail := d.view.Organizer; mail != "" {
		d.organizer = bookings.Organizer{Email: mail}
	}
	d.revision, _ = strconv.ParseInt(d.view.Revision, 10, 64) // 0 asks for no check; only our own form writes it
	return d, f.err()
}

// longestNight is how far past midnight an end before its start may reach. A longer stretch is rather a slip
// of the keyboard, which is to be told as one.
const longestNight = 12 * 60

// endOf is when a booking of one day ends that runs between two minutes of the clock. Midnight is the end of
// that day, as a time of day can't be written 24:00 in a browser; an end before the start is on the next day.
func endOf(day when.Date, from, to int) when.Wall {
	if to%(24*60) == 0 && from > 0 || to < from && to+24*60-from <= longestNight {
		return when.Wall{Date: day.Add(1), Minute: to % (24 * 60)}
	}
	return when.Wall{Date: day, Minute: to}
}

// again shows the form once more with what was typed and what is wrong; an error that is no answer to a
// form is returned.
func (s *Server) again(w http.ResponseWriter, r *http.Request, v *visitor, view templates.BookingForm, err error) error {
	wrong := v.wrong(err)
	if wrong == nil {
		return err
	}
	if err := s.choose(w, r, v); err != nil {
		return err
	}
	view.Errors = renameFields(wrong, map[string]string{"organizer_name": "organizer", "organizer_email": "organizer", "rule": "repeat"})
	if view.AllDay && view.Errors["to"] != "" {
		view.Errors = renameFields(view.Errors, map[string]string{"to": "last_date", "from": "date"})
	}
	if list := bookings.Conflicts(err); len(list) > 0 { // said once, above the list
		if n, _ := problem.Of(err).Args["Of"].(int); n > 0 {
			view.Taken = view.Errors[""]
			if view.ID == "" {
				view.Free = n - len(list)
			}
		}
		delete(view.Errors, "")
	}
	for _, c := range bookings.Conflicts(err) {
		view.Conflicts = append(view.Conflicts, s.conflicts(r.Context(), v, store.WorkspaceID(view.Room), c)...)
	}
	if err := s.frameForm(r.Context(), v, &view); err != nil {
		return err
	}
	if !view.MayChooseOrganizer { // the form has no such field
		view.Errors = renameFields(view.Errors, map[string]string{"organizer": ""})
	}
	return s.showAs(w, r, v, statusFor(err), func(sh ui.Shell) templ.Component { return templates.BookingFormPage(sh, view) })
}

// renameFields gives the service's names of fields those of the form.
func renameFields(in ui.Errors, names map[string]string) ui.Errors {
	out := ui.Errors{}
	for field, said := range in {
		if name, ok := names[field]; ok {
			field = name
		}
		out[field] = said
	}
	return out
}

// conflicts tells what stands in the way, in the time of the room's building.
func (s *Server) conflicts(ctx context.Context, v *visitor, room store.WorkspaceID, c bookings.Conflict) []templates.Conflict {
	zone := time.UTC
	if p, err := s.Places.Workspace(ctx, v.Actor, room); err == nil {
		if z, err := p.Building.Location(); err == nil {
			zone = z
		}
	}
	if len(c.With) == 0 {
		return []templates.Conflict{{From: c.Wanted.From.In(zone), To: c.Wanted.To.In(zone), Title: v.T("door.booked")}}
	}
	var out []templates.Conflict
	for _, b := range c.With {
		out = append(out, templates.Conflict{From: b.From.In(zone), To: b.To.In(zone), Title: v.title(b)})
	}
	return out
}

// series is the draft as a series.
func (d draft) series() bookings.SeriesRequest {
	return bookings.SeriesRequest{
		Workspace: d.room, First: d.times, Rule: d.rule, Subject: d.view.Subject, Organizer: d.organizer, Private: d.view.Private, Source: store.FromPortal,
	}
}

// leftOutSaid bounds how many dates a notice names.
const leftOutSaid = 6

// createFreeSeries makes a series without the dates that are taken, and says which those are.
func (s *Server) createFreeSeries(w http.ResponseWriter, r *http.Request, v *visitor, d draft) error {
	id, left, err := s.Bookings.CreateFreeSeries(r.Context(), v.Actor, d.series())
	if err != nil {
		return s.again(w, r, v, d.view, err)
	}
	series, err := s.Bookings.Series(r.Context(), bookings.By(v.Actor), id)
	if err != nil {
		return err
	}
	said := v.N("bookings.said_series", len(series.Occurrences)-len(left))
	if len(left) == 0 { // they came free meanwhile
		return s.done(w, r, v, "/bookings/mine", said)
	}
	p, err := s.Places.Workspace(r.Context(), v.Actor, d.room)
	if err != nil {
		return err
	}
	c, err := s.clock(p.Building)
	if err != nil {
		return err
	}
	var dates []string
	for _, l := range left[:min(leftOutSaid, len(left))] {
		dates = append(dates, v.DateShortSeen(c.in(l.Wanted.From), c.now))
	}
	if more := len(left) - len(dates); more > 0 {
		dates = append(dates, v.N("bookings.more_dates", more))
	}
	return s.done(w, r, v, "/bookings/mine", said+" "+v.N("bookings.said_left_out", len(left), "Dates", v.Join(dates)))
}

// createBooking makes a booking or a series.
func (s *Server) createBooking(w http.ResponseWriter, r *http.Request, v *visitor) error {
	d, err := s.readDraft(r, v)
	if err != nil {
		return s.again(w, r, v, d.view, err)
	}
	if d.rule != "" && d.leaveOut {
		return s.createFreeSeries(w, r, v, d)
	}
	if d.rule != "" {
		id, err := s.Bookings.CreateSeries(r.Context(), v.Actor, d.series())
		if err != nil {
			return s.again(w, r, v, d.view, err)
		}
		series, err := s.Bookings.Series(r.Context(), bookings.By(v.Actor), id)
		if err != nil {
			return err
		}
		return s.done(w, r, v, "/bookings/mine", v.N("bookings.said_series", len(series.Occurrences)))
	}
	b, err := s.Bookings.Create(r.Context(), v.Actor, bookings.Request{
		Workspace: d.room, Times: d.times, Subject: d.view.Subject, Organizer: d.organizer, Private: d.view.Private, Source: store.FromPortal, Token: d.view.Token,
	})
	if err != nil {
		return s.again(w, r, v, d.view, err)
	}
	return s.done(w, r, v, bookingPath(b), v.T("bookings.said_booked"))
}

// editBooking is the form of a booking that is there.
func (s *Server) editBooking(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.choose(w, r, v); err != nil {
		return err
	}
	view, err := s.bookingForm(r, v)
	if err != nil {
		return err
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.BookingFormPage(sh, view) })
}

// bookingForm is the form of a booking as it stands.
func (s *Server) bookingForm(r *http.Request, v *visitor) (templates.BookingForm, error) {
	b, p, err := s.Bookings.Booking(r.Context(), bookings.By(v.Actor), store.BookingID(r.PathValue("id")))
	if err != nil {
		return templates.BookingForm{}, err
	}
	if !b.MayMove {
		return templates.BookingForm{}, problem.New(problem.Forbidden, "bookings.not_yours")
	}
	c, err := s.clock(p.Building)
	if err != nil {
		return templates.BookingForm{}, err
	}
	from, to := when.WallOf(b.From, c.zone), when.WallOf(b.To, c.zone)
	view := templates.BookingForm{
		ID: string(b.ID), Title: v.title(b), Room: string(b.Workspace), Subject: b.Subject, AllDay: b.AllDay,
		Date: from.Date.String(), From: when.Clock(from.Minute), To: when.Clock(to.Minute), Private: b.Private,
		Series: b.Series != "", Scope: r.URL.Query().Get("scope"), Every: "1", Ends: templates.EndsOn,
		Revision: strconv.FormatInt(b.Revision, 10),
	}
	if b.AllDay {
		view.Date, view.LastDate = b.FirstDay.String(), b.LastDay.String()
	}
	if b.Series != "" {
		series, err := s.Bookings.Series(r.Context(), bookings.By(v.Actor), b.Series)
		if err != nil {
			return view, err
		}
		showRule(&view, series.Rule)
	}
	return view, s.frameForm(r.Context(), v, &view)
}

// changeBooking changes a booking, the rest of its series, or all of it that is still to come.
func (s *Server) changeBooking(w http.ResponseWriter, r *http.Request, v *visitor) error {
	before, err := s.bookingForm(r, v)
	if err != nil {
		return err
	}
	d, err := s.readDraft(r, v)
	d.view.ID, d.view.Title, d.view.Series = before.ID, before.Title, before.Series
	if err == nil {
		switch {
		case before.Series && (d.view.Scope == templates.ScopeFollowing || d.view.Scope == templates.ScopeAll):
			err = s.changeSeries(r.Context(), v, before, d)
		case !before.Series && d.rule != "":
			err = problem.Field("repeat", "bookings.not_to_series")
		default:
			err = s.changeOne(r.Context(), v, before, d)
		}
	}
	if err != nil {
		return s.again(w, r, v, d.view, err)
	}
	path := "/bookings/" + before.ID
	if d.view.Scope == templates.ScopeFollowing || d.view.Scope == templates.ScopeAll {
		path = "/bookings/mine" // the occurrence may be another one now
	}
	return s.done(w, r, v, path, v.T("ui.saved"))
}

func (s *Server) changeOne(ctx context.Context, v *visitor, before templates.BookingForm, d draft) error {
	c := bookings.Change{Revision: d.revision, Workspace: d.room, Subject: &d.view.Subject, Private: &d.view.Private}
	if !sameTimes(before, d.view) {
		c.Times = &d.times
	}
	if d.organizer != (bookings.Organizer{}) {
		c.Organizer = &d.organizer
	}
	_, err := s.Bookings.Change(ctx, v.Actor, store.BookingID(d.view.ID), c)
	return err
}

// changeSeries changes the occurrences of a series from one on. Times and rule are only given where they
// differ: they end the series there and begin another one.
func (s *Server) changeSeries(ctx context.Context, v *visitor, before templates.BookingForm, d draft) error {
	b, _, err := s.Bookings.Booking(ctx, bookings.By(v.Actor), store.BookingID(before.ID))
	if err != nil {
		return err
	}
	if string(d.room) != before.Room {
		return problem.Field("room", "bookings.series_stays")
	}
	c := bookings.SeriesChange{Subject: &d.view.Subject, Private: &d.view.Private}
	if d.organizer != (bookings.Organizer{}) {
		c.Organizer = &d.organizer
	}
	if d.view.Scope == templates.ScopeFollowing {
		c.From = b.Original
	}
	if !sameTimes(before, d.view) {
		c.Times, c.At = &d.times, b.Original
	}
	if d.rule == "" {
		return problem.Field("repeat", "bookings.series_needs_rule")
	}
	if !sameRepeat(before, d.view) {
		c.Rule = &d.rule
	}
	_, err = s.Bookings.ChangeSeries(ctx, v.Actor, b.Series, c)
	return err
}

// sameTimes reports whether the fields of the times were left as they were. Such times are not read from the
// form: a booking that somebody's calendar made over several days does not stand in it whole.
func sameTimes(a, b templates.BookingForm) bool {
	return a.AllDay == b.AllDay && a.Date == b.Date && a.LastDate == b.LastDate && a.From == b.From && a.To == b.To
}

// sameRepeat reports whether the fields of a repetition were left as they were.
func sameRepeat(a, b templates.BookingForm) bool {
	if a.Repeat != b.Repeat || a.Every != b.Every || a.Ends != b.Ends || a.Ends == templates.EndsOn && a.Until != b.Until || a.Ends == templates.EndsAfter && a.Count != b.Count {
		return false
	}
	switch a.Repeat {
	case templates.RepeatWeekly:
		return len(a.Weekdays) == 0 || slices.Equal(a.Weekdays, b.Weekdays)
	case templates.RepeatMonthly:
		return a.MonthBy == b.MonthBy
	}
	return true
}
