package web

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"lintel/app/problem"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

// The first rooms.

func (s *Server) setupRooms(w http.ResponseWriter, r *http.Request, v *visitor) error {
	return s.showSetupRooms(w, r, v, http.StatusOK, templates.SetupRooms{Way: r.URL.Query().Get("way")})
}

func (s *Server) showSetupRooms(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.SetupRooms) (err error) {
	if view.Progress, err = s.progress(r.Context(), templates.SetupStepRooms); err != nil {
		return err
	}
	if view.Import.Floors, err = s.floorOptions(r, v); err != nil {
		return err
	}
	if len(view.Import.Floors) == 0 && view.FloorName == "" {
		view.FloorName = v.T("setup.ground_floor")
	}
	all, err := s.Places.Workspaces(r.Context(), v.Actor, store.WorkspaceFilter{})
	if err != nil {
		return err
	}
	view.Made = len(all)
	system := s.listing()
	view.HasSystem = system != ""
	switch {
	case view.HasSystem && view.Way == "":
		view.Way = templates.WaySystem
	case view.Way != templates.WayCSV && (view.Way != templates.WaySystem || !view.HasSystem):
		view.Way = templates.WayType
	}
	if view.Way == templates.WaySystem {
		s.setupCalendars(r, v, system, &view)
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.SetupRoomsPage(sh, view) })
}

// listing is the first booking system that can be asked for its calendars, "" when there is none.
func (s *Server) listing() store.SystemID {
	for _, st := range s.Calendars.Statuses() {
		if st.System.Kind != "ics" {
			return st.System.ID
		}
	}
	return ""
}

// setupCalendars fills in the calendars that a system offers, each with "make a room" chosen; why it offers
// none is said on the page.
func (s *Server) setupCalendars(r *http.Request, v *visitor, id store.SystemID, view *templates.SetupRooms) {
	for _, st := range s.Calendars.Statuses() {
		if st.System.ID != id {
			continue
		}
		var system templates.System
		if err := s.offered(r.Context(), v, st, &system); err != nil {
			if _, view.Said = s.judge(r, v, err); view.Said == "" {
				view.Said = v.T("error.500_text")
			}
			return
		}
		for _, c := range system.Calendars {
			c.Room = templates.RoomMake
			view.Calendars = append(view.Calendars, c)
		}
	}
	if len(view.Calendars) == 0 {
		view.Said = v.T("systems.offered_none")
	}
}

func (s *Server) saveSetupRooms(w http.ResponseWriter, r *http.Request, v *visitor) error {
	table, f, err := readUpload(r)
	if err != nil {
		return err
	}
	if f.values.Has("skip") {
		return s.onward(w, r, templates.SetupStepRooms, ui.Skipped)
	}
	view := templates.SetupRooms{Way: f.text("way"), Typed: f.values.Get("rooms"), FloorName: f.text("floor_name")}
	view.Import = templates.RoomImport{Floor: f.text("floor"), CSV: string(table)}
	err = s.ensureFloor(r, v, f, &view)
	made := 0
	if err == nil {
		switch view.Way {
		case templates.WaySystem:
			f.values.Set("floor", view.Import.Floor)
			made, err = s.attachChosen(r.Context(), v, s.listing(), f)
		case templates.WayCSV:
			made, err = s.importTable(r.Context(), v, table, f.text("step"), &view.Import)
		default:
			if table, err = typedRooms(view.Typed); err == nil {
				made, err = s.importTable(r.Context(), v, table, templates.ImportDo, &view.Import)
			}
		}
	}
	if err != nil {
		wrong := v.wrong(err)
		if wrong == nil {
			return err
		}
		if view.Way == templates.WayType {
			wrong = renameFields(wrong, map[string]string{"file": "rooms"})
			for _, l := range view.Import.Lines {
				if l.Error != "" {
					wrong["rooms"] = l.Name + ": " + l.Error
					break
				}
			}
			view.Import.Lines, view.Import.CSV = nil, ""
		}
		view.Errors, view.Import.Errors = wrong, wrong
		return s.showSetupRooms(w, r, v, statusFor(err), view)
	}
	if made < 0 {
		return s.showSetupRooms(w, r, v, http.StatusOK, view)
	}
	return s.onward(w, r, templates.SetupStepRooms, ui.Done)
}

// ensureFloor finds the floor where rooms go, and makes the first one under the name that was typed.
func (s *Server) ensureFloor(r *http.Request, v *visitor, f *form, view *templates.SetupRooms) error {
	floors, err := s.floorOptions(r, v)
	if err != nil {
		return err
	}
	if len(floors) > 0 {
		if view.Import.Floor == "" {
			view.Import.Floor = floors[0].Value
		}
		return nil
	}
	building, err := s.firstBuilding(r.Context(), v)
	if err != nil {
		return err
	}
	if building.ID == "" {
		return problem.New(problem.Conflict, "setup.building_first")
	}
	id, err := s.Places.CreateFloor(r.Context(), v.Actor, store.Floor{BuildingID: building.ID, Name: view.FloorName})
	if p := problem.Of(err); p != nil {
		said := *p
		said.Fields = map[string]string{"floor_name": p.Key}
		return &said
	}
	view.Import.Floor = string(id)
	return err
}

// typedRooms makes a table of lines that each hold a name and perhaps, after a comma, the seats.
func typedRooms(typed string) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{{"name", "seats"}}
	for line := range strings.Lines(typed) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, seats := line, ""
		if i := strings.LastIndexAny(line, ",;\t"); i >= 0 {
			name, seats = strings.TrimSpace(line[:i]), strings.TrimSpace(line[i+1:])
		}
		rows = append(rows, []string{name, seats})
	}
	if len(rows) == 1 {
		return nil, problem.Field("rooms", "setup.rooms_none")
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write the table of rooms: %w", err)
	}
	return out.Bytes(), nil
}
