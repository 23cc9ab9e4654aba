package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
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

// Bounds of a search.
const (
	defaultLength = 60 // minutes
	nearestStep   = 15 * time.Minute
	nearestLimit  = 4 * time.Hour // how far after the wished time a free room is looked for
	nearestShown  = 3
)

// bookingsPage finds a free room, and shows a day of all rooms.
func (s *Server) bookingsPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.choose(w, r, v); err != nil {
		return err
	}
	view := templates.Bookings{Now: s.Now(), Day: s.Now()}
	if v.building.ID != "" {
		if err := s.fillBookings(r, v, &view); err != nil {
			return err
		}
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.BookingsPage(sh, view) })
}

func (s *Server) fillBookings(r *http.Request, v *visitor, view *templates.Bookings) error {
	b := v.building
	c, err := s.clock(b)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	f := &form{values: q, fields: map[string]string{}}
	date := c.today
	if f.text("date") != "" {
		if date = f.date("date"); date.IsZero() {
			date = c.today
		}
	}
	d, err := s.readDate(r.Context(), v, b, nil, c, date)
	if err != nil {
		return err
	}
	view.Now, view.Zone, view.Day, view.MayBook = c.now, b.Zone, c.noon(date), v.Can(people.Book, b.ID)
	view.Floors = []ui.Option{{Label: v.T("bookings.all_floors")}}
	view.Equipment = []ui.Option{{Label: v.T("bookings.any_equipment")}}
	seen := map[string]bool{}
	for _, p := range d.rooms {
		if id := string(p.Floor.ID); !seen[id] {
			seen[id] = true
			view.Floors = append(view.Floors, ui.Option{Value: id, Label: p.Floor.Name})
		}
		for _, word := range p.Workspace.Equipment {
			if !seen["word "+word] {
				seen["word "+word] = true
				view.Equipment = append(view.Equipment, ui.Option{Value: word, Label: word})
			}
		}
	}
	floor := store.FloorID(f.text("floor"))
	view.Grid = d.grid(v, floor)
	if known := c.known(); date.After(known) && slices.ContainsFunc(d.rooms, func(p store.WorkspacePlace) bool { return p.Resource != "" && (floor == "" || p.Floor.ID == floor) }) {
		view.Known = c.noon(known)
	}
	view.Find = templates.FindForm{
		Date: date.String(), From: f.text("from"), Length: f.text("length"), Seats: f.text("seats"), Equipment: f.text("equipment"), Floor: string(floor),
	}
	view.Searched = q.Has("length")
	if !view.Searched {
		from := d.begin()
		view.Find.Date, view.Find.From, view.Find.Length = from.Date.String(), when.Clock(from.Minute), strconv.Itoa(defaultLength)
		return nil
	}
	return s.find(r, v, d, f, view)
}

// begin is from when a room is looked for unless somebody says otherwise: the next quarter of an hour, which may
// be tomorrow's first, and on another day when the building opens.
func (d day) begin() when.Wall {
	switch {
	case d.date == d.today:
		return when.WallOf(d.now.Truncate(nearestStep).Add(nearestStep), d.zone)
	case len(d.hours) > 0:
		return when.WallOf(d.hours[0].From, d.zone)
	}
	return when.Wall{Date: d.date, Minute: places.DefaultOpens}
}

// grid draws the day of all rooms, of one floor if it is named.
func (d day) grid(v *visitor, floor store.FloorID) ui.Grid {
	hours := d.barHours()
	g := ui.Grid{Caption: v.T("bookings.day"), From: hours.From, To: hours.To}
	if d.date == d.today {
		g.Now = d.now
	}
	for _, p := range d.rooms {
		if floor != "" && p.Floor.ID != floor {
			continue
		}
		row := ui.GridRow{Group: p.Floor.Name, Name: p.Workspace.Name, Path: "/rooms/" + string(p.Workspace.ID)}
		if p.Workspace.Seats > 0 {
			row.Sub = v.N("room.seats", p.Workspace.Seats)
		}
		note := ""
		switch at := d.stale[p.Workspace.ID]; {
		case d.unread[p.Workspace.ID]:
			note = v.T("state.no_agenda")
		case d.staleDay(p.Workspace.ID):
			note = v.T("state.as_of_day", "Day", v.DateShort(at))
		case !at.IsZero():
			note = v.T("state.as_of", "Time", v.Clock(at))
		}
		if note != "" {
			row.Sub = strings.TrimPrefix(row.Sub+" · "+note, " · ")
		}
		row.Unsure = note != "" || p.Resource != "" && d.date.After(d.known())
		for _, b := range d.agenda[p.Workspace.ID] {
			row.Blocks = append(row.Blocks, d.block(v, b, d.date))
		}
		if v.mayBook(p) && !d.date.Before(d.today) {
			row.Book = "/bookings/new?" + query("room", string(p.Workspace.ID))
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// block is a booking in the drawing of a date. Of one that reaches beyond the date it says what holds on it.
func (d day) block(v *visitor, b bookings.Shown, date when.Date) ui.Block {
	block := ui.Block{From: d.in(b.From), To: d.in(b.To), Title: v.title(b), Quiet: b.Private, Path: bookingPath(b)}
	whole := date.Interval(d.zone)
	switch {
	case b.AllDay, !b.From.After(whole.From) && !b.To.Before(whole.To):
		block.When = v.T("state.all_day")
	case b.From.Before(whole.From):
		block.When = v.T("state.until", "Time", v.Clock(block.To))
	case b.To.After(whole.To):
		block.When = v.Clock(block.From) + " – " + v.DateShort(block.To) + ", " + v.Clock(block.To)
	}
	return block
}

// find looks for rooms that are free at the wished time, and where there is none for the next times at
// which there is one.
func (s *Server) find(r *http.Request, v *visitor, d day, f *form, view *templates.Bookings) error {
	from := when.Wall{Date: d.date, Minute: f.clock("from")}
	length := f.number("length", 5, 24*60, defaultLength)
	q := bookings.Search{Building: v.building.ID, Floor: store.FloorID(f.text("floor")), Seats: f.number("seats", 0, 10_000, 0)}
	if word := f.text("equipment"); word != "" {
		q.Equipment = []string{word}
	}
	if err := f.err(); err != nil {
		view.Find.Errors = v.wrong(err)
		return nil
	}
	start := from.In(d.zone)
	try := func(at time.Time) (free, perhaps []templates.FoundRoom, err error) {
		q.Times = bookings.Instants(at, at.Add(time.Duration(length)*time.Minute))
		found, err := s.Bookings.FindFree(r.Context(), v.Actor, q)
		free, perhaps = d.found(found)
		return free, perhaps, err
	}
	free, perhaps, err := try(start)
	if wrong := v.wrong(err); wrong != nil {
		view.Find.Errors = wrong
		return nil
	}
	if err != nil {
		return err
	}
	view.Found, view.Perhaps = free, perhaps
	for at := start.Add(nearestStep); len(view.Found) == 0 && len(view.Nearest) < nearestShown && at.Before(start.Add(nearestLimit)); at = at.Add(nearestStep) {
		later, _, err := try(at)
		if err != nil {
			return err
		}
		for _, room := range later {
			known := slices.ContainsFunc(view.Nearest, func(o templates.FoundRoom) bool { return o.ID == room.ID })
			if !known && len(view.Nearest) < nearestShown {
				view.Nearest = append(view.Nearest, room)
			}
		}
	}
	return nil
}

// found tells the rooms that are free from those of which nobody knows for sure.
func (d day) found(list []bookings.FreeWorkspace) (free, perhaps []templates.FoundRoom) {
	end, known := d.date.End(d.zone), d.known().End(d.zone)
	for _, f := range list {
		if !meeting(f.Place.Workspace.Kind) {
			continue
		}
		ws := f.Place.Workspace
		room := templates.FoundRoom{
			ID: string(ws.ID), Name: ws.Name, Floor: f.Place.Floor.Name, Seats: ws.Seats, Equipment: ws.Equipment,
			From: d.in(f.Span.From), To: d.in(f.Span.To), StaleAt: d.stale[ws.ID], StaleDay: d.staleDay(ws.ID),
		}
		if !f.Until.IsZero() && f.Until.Before(end) {
			room.FreeUntil = d.in(f.Until)
		}
		room.Book = "/bookings/new?" + strings.Join([]string{
			query("room", room.ID), query("date", room.From.Format(time.DateOnly)), query("from", room.From.Format("15:04")), query("to", room.To.Format("15:04")),
		}, "&")
		switch {
		case d.unread[ws.ID]:
			room.Unknown = templates.NeverRead
		case f.Place.Resource != "" && f.Span.To.After(known):
			room.Unknown = templates.NotReadAhead
		}
		if room.Unknown != "" || !room.StaleAt.IsZero() {
			perhaps = append(perhaps, room)
		} else {
			free = append(free, room)
		}
	}
	return free, perhaps
}

// ownBack is how far back one's own past bookings go.
const ownBack = 92 * 24 * time.Hour

// ownBookings lists the visitor's own, coming or past ones.
func (s *Server) ownBookings(w http.ResponseWriter, r *http.Request, v *visitor) error {
	view := templates.MyBookings{Past: r.URL.Query().Get("past") == "1", MayBook: v.CanAnywhere(people.Book)}
	now := s.Now()
	view.Now = now
	from := now
	if view.Past {
		from = now.Add(-ownBack)
	}
	own, err := s.Bookings.Own(r.Context(), v.Actor, from)
	if err != nil {
		return err
	}
	if view.Past {
		slices.Reverse(own)
	}
	for _, o := range own {
		b := o.Booking
		over := b.Cancelled || !b.To.After(now)
		if over != view.Past {
			continue
		}
		zone, err := o.Place.Building.Location()
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, templates.BookingRow{
			ID: string(b.ID), Title: v.title(b), Room: o.Place.Workspace.Name, Floor: o.Place.Floor.Name,
			From: b.From.In(zone), To: b.To.In(zone), AllDay: b.AllDay, Series: b.Series != "",
			Now: !over && b.Span().Contains(now), Ended: string(b.EndReason),
		})
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.MyBookingsPage(sh, view) })
}
