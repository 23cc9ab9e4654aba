package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/connectors"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// system shows one booking system with its rooms.
func (s *Server) system(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showSystem(w, r, v, http.StatusOK, templates.AttachForm{})
}

func (s *Server) showSystem(w http.ResponseWriter, r *http.Request, v *visitor, status int, form templates.AttachForm) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	view, err := s.systemView(r, v, st)
	if err != nil {
		return err
	}
	view.Attach = form
	switch find := strings.TrimSpace(r.URL.Query().Get("find")); {
	case find != "":
		err = s.searched(r.Context(), v, st, find, &view)
	case r.URL.Query().Get("calendars") == "1":
		err = s.offered(r.Context(), v, st, &view)
	}
	if err != nil {
		wrong := v.wrong(err)
		if wrong == nil {
			return err
		}
		view.Attach.Errors = wrong
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.SystemPage(sh, view) })
}

func (s *Server) systemView(r *http.Request, v *visitor, st calendars.Status) (templates.System, error) {
	view := templates.System{
		Card: s.systemCard(r, v, st, true), MayFind: calendars.MayFind(st.System.Kind), Abilities: v.abilitiesOf(st), MayWrite: st.Caps.Has(connectors.CapBook),
		MayList: st.Caps.Has(connectors.CapListRooms) && s.Calendars.MayTry(st.System.Kind), // feeds only know those that are attached
	}
	var err error
	if view.Certificate, err = s.certificateOf(r, v, st); err != nil {
		return view, err
	}
	for _, room := range st.Rooms {
		res := room.Resource
		line := templates.AttachedRoom{
			ID: string(res.Workspace), Name: res.WorkspaceName, Address: openAddress(st.System.Kind, res.Address), Writable: res.Writable,
		}
		if others := sharing(st, res); st.System.Kind == "ics" && len(others) > 0 {
			line.Address += " · " + v.T("systems.same_feed", "Rooms", v.Join(others))
		}
		switch {
		case res.WaitUntil.After(s.Now()):
			line.State, line.Word = ui.Soon, v.T("systems.state_waiting", "Time", s.when(r, v, res.WaitUntil))
			line.Said = v.T(connectors.CureOf(&connectors.Error{Kind: connectors.Throttled}))
		case res.ErrorKind != "":
			line.State, line.Word = ui.Busy, v.T("systems.state_failing", "Time", s.when(r, v, res.FailingSince))
			line.Said = v.T(connectors.CureOf(&connectors.Error{Kind: connectors.Kind(res.ErrorKind)}))
		case res.LastOK.IsZero():
			line.State, line.Word = ui.Soon, v.T("systems.state_reading")
			if st.System.Kind == people.PushedKind {
				line.Word = v.T("systems.state_unpushed")
			}
		default:
			line.State, line.Word = ui.Free, v.T("check.good")
		}
		if !res.LastOK.IsZero() {
			line.LastOK = s.ago(v, res.LastOK)
		}
		for _, warning := range res.Warnings {
			line.Notes = append(line.Notes, v.warning(st.System, res.Address, warning))
		}
		if res.Skipped > 0 {
			line.Notes = append(line.Notes, templates.RoomNote{Text: v.unreadable(res.Skipped, room.Unread), Cure: v.T("calendar.cure.skipped")})
		}
		view.Attached = append(view.Attached, line)
		if st.System.Kind != people.PushedKind {
			view.Check = append(view.Check, ui.Option{Value: line.ID, Label: line.Name})
		}
	}
	free, err := s.Places.Workspaces(r.Context(), v.Actor, store.WorkspaceFilter{})
	if err != nil {
		return view, err
	}
	for _, p := range free {
		if p.Resource == "" {
			view.Rooms = append(view.Rooms, ui.Option{Value: string(p.Workspace.ID), Label: p.Workspace.Name, Group: p.Building.Name + " · " + p.Floor.Name})
		}
	}
	view.Floors, err = s.floorOptions(r, v)
	return view, err
}

// unreadable says how many events of a room can't be read, and names some of them.
func (v *visitor) unreadable(count int, unread []string) string {
	said := v.N("systems.skipped", count)
	if names := lookedFor(unread); len(names) > 0 {
		said += " " + v.T("systems.skipped_which", "Names", v.Join(names))
	}
	return said
}

// lookedFor returns the first three of the objects in connectors.Snapshot.Unread that somebody could look for: files and UIDs,
// not the long identifiers that some systems have.
func lookedFor(unread []string) []string {
	const longest, most = 80, 3
	var names []string
	for _, name := range unread {
		object, _, _ := strings.Cut(name, " ")
		name, err := url.PathUnescape(path.Base(object))
		if err != nil || len(name) > longest || slices.Contains(names, name) {
			continue
		}
		if names = append(names, name); len(names) == most {
			break
		}
	}
	return names
}

// warning says what is odd in a room's data, and what cures it.
func (v *visitor) warning(y store.System, address string, w store.ResourceWarning) templates.RoomNote {
	note := templates.RoomNote{Text: v.N(w.Key, w.Count)}
	if w.Said != "" {
		note.Text += " (" + w.Said + ")"
	}
	if w.Key == connectors.SubjectsReplaced {
		note.Cure, note.Run = v.subjectsCure(hintOf(y, address))
	}
	return note
}

// openAddress is what may be shown of a calendar's address: of a feed only the host, as the rest may hold a
// token.
func openAddress(kind, address string) string {
	if kind != "ics" {
		return address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "…"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// sharing names the other rooms with the same calendar.
func sharing(st calendars.Status, r store.Resource) []string {
	var names []string
	for _, room := range st.Rooms {
		if o := room.Resource; o.Workspace != r.Workspace && o.Address == r.Address {
			names = append(names, o.WorkspaceName)
		}
	}
	return names
}

// offered asks the system for its calendars and leaves out those that a room uses.
func (s *Server) offered(ctx context.Context, v *visitor, st calendars.Status, view *templates.System) error {
	refs, err := s.Calendars.Rooms(ctx, v.Actor, st.System.ID, calendars.Connection{})
	if err != nil {
		return err
	}
	offer(st, refs, view)
	return nil
}

// searched looks for calendars by how their names begin.
func (s *Server) searched(ctx context.Context, v *visitor, st calendars.Status, prefix string, view *templates.System) error {
	refs, err := s.Calendars.FindRooms(ctx, v.Actor, st.System.ID, prefix)
	if err != nil {
		return err
	}
	offer(st, refs, view)
	return nil
}

// offer shows calendars that no room uses yet.
func offer(st calendars.Status, refs []connectors.RoomRef, view *templates.System) {
	view.Found = true
	used := map[string]bool{}
	for _, room := range st.Rooms {
		used[room.Resource.Address] = true
	}
	for _, ref := range refs {
		if used[ref.ID] {
			continue
		}
		c := templates.Calendar{Name: ref.Name, Address: ref.ID, Writable: ref.Access == connectors.AccessWrite}
		for _, o := range view.Rooms {
			if strings.EqualFold(o.Label, ref.Name) {
				c.Room = o.Value
			}
		}
		view.Calendars = append(view.Calendars, c)
	}
}

// attachRooms makes calendars the agendas of rooms: one that was typed, or those that were chosen.
func (s *Server) attachRooms(w http.ResponseWriter, r *http.Request, v *visitor) error {
	st, err := s.status(r)
	if err != nil {
		return err
	}
	f, err := parse(r)
	if err != nil {
		return err
	}
	to := systemsPath + "/" + string(st.System.ID)
	if f.values.Has("address") {
		form := templates.AttachForm{Room: f.text("room"), Address: f.text("address")}
		if form.Room == "" {
			f.bad("room", "bookings.choose_room")
		}
		if err = f.err(); err == nil {
			err = s.Calendars.Attach(r.Context(), v.Actor, store.WorkspaceID(form.Room), st.System.ID, form.Address)
		}
		if err != nil {
			if form.Errors = v.wrong(err); form.Errors == nil {
				return err
			}
			form.Errors = renameFields(form.Errors, map[string]string{"workspace": "room"})
			return s.showSystem(w, r, v, statusFor(err), form)
		}
		return s.done(w, r, v, to, v.N("systems.said_attached", 1))
	}
	n, err := s.attachChosen(r.Context(), v, st.System.ID, f)
	if err != nil {
		wrong := v.wrong(err)
		if wrong == nil {
			return err
		}
		return s.doneWith(w, r, v, to, ui.Notice{Wrong: true, Text: v.N("systems.said_attached", n) + " " + firstOf(wrong)})
	}
	return s.done(w, r, v, to, v.N("systems.said_attached", n))
}

// attachChosen attaches each calendar to the room that was chosen for it, and makes the rooms that are wanted
// new. It stops at the first that can't be, and returns how many were attached.
func (s *Server) attachChosen(ctx context.Context, v *visitor, id store.SystemID, f *form) (int, error) {
	n := 0
	for i := 0; f.values.Has("address_" + strconv.Itoa(i)); i++ {
		room, address, name := f.text("room_"+strconv.Itoa(i)), f.text("address_"+strconv.Itoa(i)), f.text("name_"+strconv.Itoa(i))
		if room == "" {
			continue
		}
		ws := store.WorkspaceID(room)
		if room == templates.RoomMake {
			var err error
			if ws, err = s.Places.CreateWorkspace(ctx, v.Actor, store.Workspace{
				FloorID: store.FloorID(f.text("floor")), Kind: store.Room, Name: name, ShowSubject: true, ShowOrganizer: true, Bookable: true,
			}); err != nil {
				return n, fmt.Errorf("make room: %w", err)
			}
		}
		if err := s.Calendars.Attach(ctx, v.Actor, ws, id, address); err != nil {
			return n, fmt.Errorf("attach calendar: %w", err)
		}
		n++
	}
	return n, nil
}

// firstOf is what is wrong, for a place that has room for one sentence.
func firstOf(wrong ui.Errors) string {
	if said, ok := wrong[""]; ok {
		return said
	}
	for _, said := range wrong {
		return said
	}
	return ""
}

func (s *Server) detachRoom(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := s.Calendars.Detach(r.Context(), v.Actor, store.WorkspaceID(r.PathValue("room"))); err != nil {
		return err
	}
	return s.done(w, r, v, systemsPath+"/"+r.PathValue("id"), v.T("systems.said_detached"))
}
