package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"lintel/app/bookings"
	"lintel/app/displays"
	"lintel/app/people"
	"lintel/app/when"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// endsShown is how many past bookings a room's page tells the end of, endsBack how far it looks for them.
const (
	endsShown = 6
	endsBack  = 7 * 24 * time.Hour
)

// room shows one workspace: its agenda, what its displays show, where its agenda comes from.
func (s *Server) room(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	p, err := s.Places.Workspace(ctx, v.Actor, store.WorkspaceID(r.PathValue("id")))
	if err != nil {
		return err
	}
	c, err := s.clock(p.Building)
	if err != nil {
		return err
	}
	date := c.dayParam(r, "day")
	only := []store.WorkspaceID{p.Workspace.ID}
	now, err := s.readDate(ctx, v, p.Building, only, c, c.today)
	if err != nil {
		return err
	}
	shown := now
	if date != c.today {
		if shown, err = s.readDate(ctx, v, p.Building, only, c, date); err != nil {
			return err
		}
	}
	view := templates.Room{
		ID: string(p.Workspace.ID), Name: p.Workspace.Name, Building: p.Building.Name, Floor: p.Floor.Name, Zone: p.Building.Zone,
		Seats: p.Workspace.Seats, Equipment: p.Workspace.Equipment, Now: c.now, Day: c.noon(date),
		Week: r.URL.Query().Get("view") == "week", Tile: now.tile(v, p), Bar: shown.bar(p.Workspace.ID),
	}
	for _, b := range shown.agenda[p.Workspace.ID] {
		view.Agenda = append(view.Agenda, shown.item(v, b))
	}
	last := date
	if view.Week {
		last = date.Monday().Add(6)
	}
	if known := c.known(); p.Resource != "" && last.After(known) {
		view.Known = c.noon(known)
	}
	if v.mayBook(p) {
		view.Book = "/bookings/new?" + query("room", view.ID)
	}
	if v.Can(people.ManagePlaces, p.Building.ID) {
		view.Edit = "/settings/places/rooms/" + view.ID
	}
	if view.Week {
		if err := s.week(r, v, p, shown, &view); err != nil {
			return err
		}
	}
	if fragment(r) {
		return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.RoomAgenda(sh, view) })
	}
	s.Calendars.Touch(p.Workspace.ID)
	for _, d := range s.Displays.OfRoom(p.Workspace.ID) {
		view.Displays = append(view.Displays, s.roomDisplay(v, view.ID, p.Building.ID, d))
	}
	view.System = s.roomSystem(v, p)
	if view.Ends, err = s.roomEnds(r, v, p, c); err != nil {
		return err
	}
	return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.RoomPage(sh, view) })
}

// item is a booking in a room's agenda.
func (d day) item(v *visitor, b bookings.Shown) templates.AgendaItem {
	return templates.AgendaItem{
		From: d.in(b.From), To: d.in(b.To), AllDay: b.AllDay, Title: v.title(b), Who: b.Organizer,
		Series: b.Series != "", Tentative: b.Tentative, Path: bookingPath(b),
	}
}

func bookingPath(b bookings.Shown) string { return "/bookings/" + string(b.ID) }

// week fills the week around the shown day, as a list and as a drawing.
func (s *Server) week(r *http.Request, v *visitor, p store.WorkspacePlace, d day, view *templates.Room) error {
	monday := d.date.Monday()
	from, to := monday.Start(d.zone), monday.Add(7).Start(d.zone)
	list, err := s.Bookings.Agenda(r.Context(), bookings.By(v.Actor), p.Workspace.ID, from, to)
	if err != nil {
		return err
	}
	opening, err := s.Places.Opening(r.Context(), p.Building.ID)
	if err != nil {
		return err
	}
	sheet := ui.Sheet{FromHour: 24, Now: d.now, Label: v.T("room.week")}
	for i := range 7 {
		date := monday.Add(i)
		span := date.Interval(d.zone)
		hours := opening.On(date)
		day := templates.AgendaDay{Date: d.noon(date), Today: date == d.today}
		column := ui.SheetDay{Date: d.noon(date), Label: v.DateShort(d.noon(date)), Today: day.Today, Closed: len(hours) == 0}
		for _, b := range list {
			if !b.Span().Overlaps(span) {
				continue
			}
			day.Items = append(day.Items, d.item(v, b))
			column.Blocks = append(column.Blocks, d.block(v, b, date))
			if !b.AllDay {
				hours = append(hours, b.Span().Clip(span))
			}
		}
		sheet.FromHour, sheet.ToHour = widen(sheet.FromHour, sheet.ToHour, hours, date, d.zone)
		if len(day.Items) == 0 && column.Closed && !day.Today {
			day.Items = nil
		}
		view.Days, sheet.Days = append(view.Days, day), append(sheet.Days, column)
	}
	if sheet.FromHour >= sheet.ToHour {
		sheet.FromHour, sheet.ToHour = 8, 18
	}
	view.Sheet = sheet
	return nil
}

// widen makes the hours of a drawing hold all spans of a day, by the building's clock.
func widen(from, to int, spans []when.Interval, date when.Date, zone *time.Location) (int, int) {
	for _, i := range spans {
		a, b := when.WallOf(i.From, zone), when.WallOf(i.To, zone)
		from = min(from, a.Minute/60)
		if b.Date != date {
			to = 24
			continue
		}
		to = max(to, (b.Minute+59)/60)
	}
	return from, to
}

func (s *Server) roomDisplay(v *visitor, room string, building store.BuildingID, d displays.View) templates.RoomDisplay {
	out := templates.RoomDisplay{ID: string(d.ID), Name: displayName(v, d), Seen: s.ago(v, d.SeenAt), Panel: d.Protocol == store.ProtocolPanel}
	if d.Picture != nil {
		out.Picture = "/rooms/" + room + "/displays/" + out.ID + "/" + pictureName(d.Picture)
	}
	if v.Can(people.ManageDisplays, building) {
		out.Path = "/displays/" + out.ID
	}
	return out
}

// ago says how long ago something was, "" for never.
func (s *Server) ago(v *visitor, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return v.Ago(max(0, s.Now().Sub(t)))
}

// roomPicture answers with what a display at the room's door shows: everybody who may see the room may see
// its door.
func (s *Server) roomPicture(w http.ResponseWriter, r *http.Request, v *visitor) error {
	p, err := s.Places.Workspace(r.Context(), v.Actor, store.WorkspaceID(r.PathValue("id")))
	if err != nil {
		return err
	}
	for _, d := range s.Displays.OfRoom(p.Workspace.ID) {
		if string(d.ID) == r.PathValue("display") && d.Picture != nil {
			return servePicture(w, r, d.Picture)
		}
	}
	return store.ErrNotFound
}

// roomSystem tells where a room's agenda comes from.
func (s *Server) roomSystem(v *visitor, p store.WorkspacePlace) templates.RoomSystem {
	if p.Resource == "" {
		return templates.RoomSystem{Hosted: true}
	}
	manage := v.Can(people.ManageSystems, "")
	for _, st := range s.Calendars.Statuses() {
		for _, room := range st.Rooms {
			if room.Resource.Workspace != p.Workspace.ID {
				continue
			}
			out := templates.RoomSystem{Name: st.System.Name, LastOK: room.Resource.LastOK}
			if zone, err := p.Building.Location(); err == nil && !out.LastOK.IsZero() {
				out.LastOK = out.LastOK.In(zone)
			}
			if room.Resource.ErrorKind != "" {
				out.Failing = v.T("room.failing")
			}
			if manage {
				out.Path, out.Address = systemsPath+"/"+string(st.System.ID), openAddress(st.System.Kind, room.Resource.Address)
				if room.Resource.ErrorKind != "" {
					step := v.failure(room.Resource.ErrorKind, room.Resource.ErrorSaid, hintOf(st.System, room.Resource.Address))
					out.Cure, out.Said = step.Cure, step.Raw
				}
			}
			return out
		}
	}
	return templates.RoomSystem{Name: v.T("ui.unknown")}
}

// roomEnds tells how the latest bookings ended.
func (s *Server) roomEnds(r *http.Request, v *visitor, p store.WorkspacePlace, c clock) ([]templates.RoomEnd, error) {
	list, err := s.Bookings.Agenda(r.Context(), bookings.By(v.Actor), p.Workspace.ID, c.now.Add(-endsBack), c.now)
	if err != nil {
		return nil, err
	}
	var out []templates.RoomEnd
	for _, b := range slices.Backward(list) {
		if b.EndReason == store.EndNone || b.To.After(c.now) || len(out) == endsShown {
			continue
		}
		out = append(out, templates.RoomEnd{From: c.in(b.From), To: c.in(b.To), Title: v.title(b), Reason: string(b.EndReason)})
	}
	return out, nil
}
