package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"lintel/app/bookings"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// booking shows one booking.
func (s *Server) booking(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showBooking(w, r, v, http.StatusOK, nil)
}

// showBooking shows the booking that the address names, with what is wrong with a change of it.
func (s *Server) showBooking(w http.ResponseWriter, r *http.Request, v *visitor, status int, wrong ui.Errors) error {
	b, p, err := s.Bookings.Booking(r.Context(), bookings.By(v.Actor), store.BookingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	c, err := s.clock(p.Building)
	if err != nil {
		return err
	}
	now := s.Now()
	over := b.Cancelled || !b.To.After(now)
	view := templates.Booking{
		ID: string(b.ID), Title: v.title(b), RoomID: string(p.Workspace.ID), Room: p.Workspace.Name, Zone: p.Building.Zone,
		Place: p.Building.Name + " · " + p.Floor.Name, From: c.in(b.From), To: c.in(b.To), AllDay: b.AllDay,
		Organizer: b.Organizer, Creator: b.Creator, Private: b.Private, Tentative: b.Tentative, Source: string(b.Source),
		Now: c.in(now), Created: c.in(b.CreatedAt), Moved: b.Moved, Ended: string(b.EndReason),
		MayEdit:   b.MayMove && !over,
		MayEnd:    b.MayChange && !over && b.Span().Contains(now),
		MayCancel: b.MayChange && !over && b.From.After(now),
		MayExtend: b.MayChange && !over && !b.AllDay,
		Errors:    wrong,
	}
	if b.AllDay {
		view.LastDay = c.noon(b.LastDay)
	}
	if !b.Hosted {
		view.Mirrored = s.roomSystem(v, p).Name
		view.CopyOnly = view.MayExtend && b.Source == store.FromCalendar && s.Calendars.ChangesCopies(p.Workspace.ID)
	}
	if b.Series != "" {
		series, err := s.Bookings.Series(r.Context(), bookings.By(v.Actor), b.Series)
		if err != nil {
			return err
		}
		view.Repeats = v.ruleWords(series.Rule)
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.BookingPage(sh, view) })
}

// bookingWrong shows the booking again with why it could not be changed, where that may be otherwise in a while: it is taken,
// or its booking system is out of reach. From a booking that is gone from there it leads to what stands in its room.
func (s *Server) bookingWrong(w http.ResponseWriter, r *http.Request, v *visitor, room store.WorkspaceID, err error) error {
	if p := problem.Of(err); p != nil {
		switch p.Key {
		case "bookings.gone":
			return s.doneWith(w, r, v, "/rooms/"+string(room), ui.Notice{Wrong: true, Text: v.problem(p, p.Key)})
		case "systems.unsure": // of a booking that was to be made: the same again makes no second one
			err = problem.New(p.Kind, "systems.unsure_change").Because(p.Err)
		}
	}
	if problem.Has(err, problem.Conflict) || problem.Has(err, problem.Down) || problem.Has(err, problem.Refused) {
		return s.showBooking(w, r, v, statusFor(err), v.wrong(err))
	}
	return err
}

// extendBooking moves the end of a booking by some minutes.
func (s *Server) extendBooking(w http.ResponseWriter, r *http.Request, v *visitor) error {
	minutes, err := strconv.Atoi(r.PostFormValue("minutes"))
	if err != nil || minutes < 1 || minutes > 24*60 {
		return problem.New(problem.Invalid, "form.check")
	}
	b, p, err := s.Bookings.Booking(r.Context(), bookings.By(v.Actor), store.BookingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	c, err := s.clock(p.Building)
	if err != nil {
		return err
	}
	b, err = s.Bookings.Extend(r.Context(), v.Actor, b.ID, b.To.Add(time.Duration(minutes)*time.Minute))
	if err != nil {
		return s.bookingWrong(w, r, v, p.Workspace.ID, err)
	}
	return s.done(w, r, v, bookingPath(b), v.T("bookings.said_extended", "Time", v.Clock(c.in(b.To))))
}

// endBooking ends a running booking now.
func (s *Server) endBooking(w http.ResponseWriter, r *http.Request, v *visitor) error {
	_, p, err := s.Bookings.Booking(r.Context(), bookings.By(v.Actor), store.BookingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	b, err := s.Bookings.EndNow(r.Context(), v.Actor, store.BookingID(r.PathValue("id")))
	if err != nil {
		return s.bookingWrong(w, r, v, p.Workspace.ID, err)
	}
	return s.done(w, r, v, bookingPath(b), v.T("bookings.said_ended"))
}

// askCancel asks before a booking, or some of its series, goes.
func (s *Server) askCancel(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, p, err := s.Bookings.Booking(r.Context(), bookings.By(v.Actor), store.BookingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if !b.MayChange {
		return problem.New(problem.Forbidden, "bookings.not_yours")
	}
	c, err := s.clock(p.Building)
	if err != nil {
		return err
	}
	view := templates.CancelBooking{
		ID: string(b.ID), Title: v.title(b), Room: p.Workspace.Name, From: c.in(b.From), To: c.in(b.To), Series: b.Series != "", Now: c.in(s.Now()),
	}
	if view.Series {
		if view.Following, view.All, err = s.ahead(r.Context(), v, b); err != nil {
			return err
		}
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.CancelBookingPage(sh, view) })
}

// ahead counts the occurrences of a booking's series that can still be cancelled: from this one on, and all.
func (s *Server) ahead(ctx context.Context, v *visitor, b bookings.Shown) (following, all int, err error) {
	series, err := s.Bookings.Series(ctx, bookings.By(v.Actor), b.Series)
	if err != nil {
		return 0, 0, err
	}
	now := s.Now()
	for _, o := range series.Occurrences {
		if o.Cancelled || !o.From.After(now) {
			continue
		}
		all++
		if !o.Original.In(time.UTC).Before(b.Original.In(time.UTC)) {
			following++
		}
	}
	return following, all, nil
}

// cancelBooking cancels one booking, the rest of its series, or all of it that is still to come.
func (s *Server) cancelBooking(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	b, p, err := s.Bookings.Booking(ctx, bookings.By(v.Actor), store.BookingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	scope := r.PostFormValue("scope")
	if b.Series != "" && (scope == templates.ScopeFollowing || scope == templates.ScopeAll) {
		from := b.Original
		if scope == templates.ScopeAll {
			from = when.Wall{}
		}
		n, err := s.Bookings.CancelSeries(ctx, v.Actor, b.Series, from)
		if err != nil {
			return err
		}
		return s.done(w, r, v, "/bookings/mine", v.N("bookings.said_series_cancelled", n))
	}
	if err := s.Bookings.Cancel(ctx, v.Actor, b.ID); err != nil {
		return s.bookingWrong(w, r, v, p.Workspace.ID, err)
	}
	n := ui.Notice{Text: v.T("bookings.said_cancelled", "Room", p.Workspace.Name)}
	if b.Hosted && b.From.After(s.Now()) {
		n.UndoPath = bookingPath(b) + "/restore"
	}
	return s.doneWith(w, r, v, "/bookings/mine", n)
}

// restoreBooking undoes a cancellation.
func (s *Server) restoreBooking(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, err := s.Bookings.Restore(r.Context(), v.Actor, store.BookingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return s.done(w, r, v, bookingPath(b), v.T("bookings.said_restored"))
}
