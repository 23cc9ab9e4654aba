package web

import (
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/places"
	"lintel/app/when"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

const (
	soonBefore = 10 * time.Minute // before a meeting a free room is "soon"
	staleAfter = 15 * time.Minute // an agenda that was not confirmed for so long says so
	manySeats  = 8                // of the filter
)

// today shows every room of a building at a glance.
func (s *Server) today(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.choose(w, r, v); err != nil {
		return err
	}
	view, err := s.board(r.Context(), v, r.URL.Query().Get("filter"))
	if err != nil {
		return err
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component {
		if fragment(r) {
			return templates.TodayBoard(sh, view)
		}
		return templates.TodayPage(sh, view)
	})
}

func (s *Server) board(ctx context.Context, v *visitor, filter string) (templates.Today, error) {
	view := templates.Today{Filter: filter, Now: s.Now(), MayAdd: v.CanAnywhere(people.ManagePlaces)}
	if v.building.ID == "" {
		return view, nil
	}
	d, err := s.readDay(ctx, v, v.building, nil)
	if err != nil {
		return view, err
	}
	view.Now, view.Zone, view.Rooms = d.now, v.building.Zone, len(d.rooms)
	for _, p := range d.rooms {
		tile := d.tile(v, p)
		n := len(view.Floors)
		if n == 0 || view.Floors[n-1].Name != p.Floor.Name {
			view.Floors = append(view.Floors, templates.TodayFloor{Name: p.Floor.Name})
			n++
		}
		floor := &view.Floors[n-1]
		floor.Total++
		if tile.State == ui.Free {
			floor.Free++
		}
		if passes(filter, tile, d.now) {
			floor.Tiles = append(floor.Tiles, tile)
		}
	}
	return view, nil
}

// passes reports whether a room is shown under a filter. What is not confirmed is never promised as free.
func passes(filter string, t templates.RoomTile, now time.Time) bool {
	free := t.State == ui.Free && t.StaleAt.IsZero()
	switch filter {
	case templates.FilterFree:
		return free
	case templates.FilterHour:
		return free && (t.Until.IsZero() || !t.Until.Before(now.Add(time.Hour)))
	case templates.FilterSeats:
		return t.Seats >= manySeats
	}
	return true
}

// day is what pages need to tell how rooms of one building stand on one day.
type day struct {
	clock
	date   when.Date
	hours  []when.Interval // opening hours of date
	rooms  []store.WorkspacePlace
	agenda map[store.WorkspaceID][]bookings.Shown
	stale  map[store.WorkspaceID]time.Time // last confirmed, where that is too long ago
	unread map[store.WorkspaceID]bool      // never confirmed: nothing is known of its agenda
}

// readDay reads today of a building's meeting rooms, or of the given ones.
func (s *Server) readDay(ctx context.Context, v *visitor, b store.Building, only []store.WorkspaceID) (day, error) {
	c, err := s.clock(b)
	if err != nil {
		return day{}, err
	}
	return s.readDate(ctx, v, b, only, c, c.today)
}

func (s *Server) readDate(ctx context.Context, v *visitor, b store.Building, only []store.WorkspaceID, c clock, date when.Date) (day, error) {
	d := day{clock: c, date: date, stale: map[store.WorkspaceID]time.Time{}, unread: map[store.WorkspaceID]bool{}}
	list, err := s.Places.Workspaces(ctx, v.Actor, store.WorkspaceFilter{Building: b.ID, IDs: only})
	if err != nil {
		return d, err
	}
	var ids []store.WorkspaceID
	for _, p := range list {
		if !meeting(p.Workspace.Kind) {
			continue
		}
		d.rooms, ids = append(d.rooms, p), append(ids, p.Workspace.ID)
		switch at, ok := s.Calendars.Confirmed(p.Workspace.ID); {
		case ok && at.IsZero():
			d.unread[p.Workspace.ID] = true
		case ok && c.now.Sub(at) > staleAfter+s.Calendars.Slack(p.Workspace.ID):
			d.stale[p.Workspace.ID] = c.in(at)
		}
	}
	if d.hours, err = s.Places.OpeningHours(ctx, b.ID, date); err != nil {
		return d, err
	}
	span := date.Interval(c.zone)
	d.agenda, err = s.Bookings.Agendas(ctx, bookings.By(v.Actor), ids, span.From, span.To)
	return d, err
}

// meeting reports whether people meet in such a workspace: what Today and the day grid show.
func meeting(k store.WorkspaceKind) bool { return k == store.Room || k == store.Huddle }

// staleDay reports whether a room's agenda was last confirmed before today.
func (d day) staleDay(id store.WorkspaceID) bool {
	at := d.stale[id]
	return !at.IsZero() && when.DayOf(at, d.zone) != d.today
}

// barHours is what a day bar covers: the opening hours, on a closed day the usual ones, and the hours of
// bookings outside of them. Whole days are no reason to draw the night.
func (d day) barHours() when.Interval {
	i := when.Interval{
		From: when.Wall{Date: d.date, Minute: places.DefaultOpens}.In(d.zone),
		To:   when.Wall{Date: d.date, Minute: places.DefaultCloses}.In(d.zone),
	}
	if len(d.hours) > 0 {
		i = when.Interval{From: d.in(d.hours[0].From), To: d.in(d.hours[len(d.hours)-1].To)}
	}
	whole := d.date.Interval(d.zone)
	for _, list := range d.agenda {
		for _, b := range list {
			span := b.Span().Clip(whole)
			if b.AllDay || span == whole || !span.Valid() {
				continue
			}
			if span.From.Before(i.From) {
				i.From = d.in(span.From.Truncate(time.Hour))
			}
			if span.To.After(i.To) {
				i.To = d.in(span.To.Add(time.Hour - time.Second).Truncate(time.Hour))
			}
		}
	}
	return i
}

// bar draws what is booked in a room on the day.
func (d day) bar(id store.WorkspaceID) ui.DayBar {
	hours := d.barHours()
	b := ui.DayBar{From: hours.From, To: hours.To, Stale: !d.stale[id].IsZero()}
	if d.date == d.today {
		b.Now = d.now
	}
	for _, a := range d.agenda[id] {
		b.Spans = append(b.Spans, ui.Span{From: d.in(a.From), To: d.in(a.To)})
	}
	return b
}

// tile tells how a room stands now.
func (d day) tile(v *visitor, p store.WorkspacePlace) templates.RoomTile {
	id := p.Workspace.ID
	t := templates.RoomTile{
		ID: string(id), Name: p.Workspace.Name, Seats: p.Workspace.Seats, Equipment: p.Workspace.Equipment,
		StaleAt: d.stale[id], StaleDay: d.staleDay(id), Closed: len(d.hours) == 0, Bar: d.bar(id),
	}
	st := bookings.StateAt(d.agenda[id], d.now, soonBefore)
	end := d.date.End(d.zone)
	if !st.Until.IsZero() && st.Until.Before(end) {
		t.Until = d.in(st.Until)
	}
	switch st.Kind {
	case bookings.Busy:
		t.State, t.Title, t.Who = ui.Busy, v.title(*st.Current), st.Current.Organizer
	case bookings.Soon:
		t.State, t.Title = ui.Soon, v.title(*st.Next)
		t.From, t.To = d.in(st.Next.From), d.in(st.Next.To)
	default:
		t.State = ui.Free
		if !t.Until.IsZero() && st.Next != nil {
			t.Then = v.title(*st.Next)
		}
	}
	if d.unread[id] {
		t.State = ui.Unknown
	}
	if t.State != ui.Busy && v.mayBook(p) {
		t.Book = "/bookings/new?" + query("room", string(id))
	}
	return t
}

// title names a booking as the visitor may see it.
func (v *visitor) title(s bookings.Shown) string {
	switch {
	case s.Subject != "":
		return s.Subject
	case s.Private:
		return v.T("door.private")
	}
	return v.T("door.booked")
}

// mayBook reports whether the visitor may make bookings in a workspace from here.
func (v *visitor) mayBook(p store.WorkspacePlace) bool {
	return v.Can(people.Book, p.Building.ID) && p.Workspace.Bookable && (p.Resource == "" || p.Writable)
}
