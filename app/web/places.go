package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"lintel/app/people"
	"lintel/app/places"
	"lintel/app/problem"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/ui"
)

const placesPath = "/settings/places"

// placesPage shows the organisation with its buildings and floors.
func (s *Server) placesPage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	o, err := s.Places.Organisation(r.Context())
	if err != nil {
		return err
	}
	return s.showPlaces(w, r, v, http.StatusOK, templates.OrganisationForm{Name: o.Name, Language: o.Language})
}

func (s *Server) showPlaces(w http.ResponseWriter, r *http.Request, v *visitor, status int, form templates.OrganisationForm) error {
	trees, err := s.Places.Trees(r.Context(), v.Actor)
	if err != nil {
		return err
	}
	view := templates.Places{Organisation: form, MayOrganise: v.Can(people.ManageSystem, "")}
	for _, t := range trees {
		if !v.Can(people.ManagePlaces, t.Building.ID) {
			continue
		}
		opening, err := s.Places.Opening(r.Context(), t.Building.ID)
		if err != nil {
			return err
		}
		b := templates.PlaceBuilding{
			ID: string(t.Building.ID), Name: t.Building.Name, Zone: t.Building.Zone, Rooms: len(t.Workspaces), MayEdit: true,
			Address: address(t.Building), Hours: v.hoursNow(opening, s.Now()),
		}
		for _, f := range t.Floors {
			n := 0
			for _, p := range t.Workspaces {
				if p.Floor.ID == f.ID {
					n++
				}
			}
			b.Floors = append(b.Floors, templates.PlaceFloor{ID: string(f.ID), Name: f.Name, Rooms: n})
		}
		view.Buildings = append(view.Buildings, b)
	}
	if view.Deleted, err = s.deletedPlaces(r, v, false); err != nil {
		return err
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.PlacesPage(sh, view) })
}

// address is a building's address in one line.
func address(b store.Building) string {
	parts := []string{b.Street, strings.TrimSpace(b.Postcode + " " + b.City), b.Country}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

func (s *Server) saveOrganisation(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := parse(r)
	if err != nil {
		return err
	}
	form := templates.OrganisationForm{Name: f.text("name"), Language: f.text("language")}
	if err := s.Places.SetOrganisation(r.Context(), v.Actor, store.Organisation{Name: form.Name, Language: form.Language}); err != nil {
		if form.Errors = v.wrong(err); form.Errors == nil {
			return err
		}
		return s.showPlaces(w, r, v, statusFor(err), form)
	}
	return s.done(w, r, v, placesPath, v.T("ui.saved"))
}

// The form of a floor.

func (s *Server) newFloor(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, err := s.Places.Building(r.Context(), v.Actor, store.BuildingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return s.showFloor(w, r, v, http.StatusOK, templates.FloorForm{BuildingID: string(b.ID), Building: b.Name, Level: "0"})
}

func (s *Server) showFloor(w http.ResponseWriter, r *http.Request, v *visitor, status int, view templates.FloorForm) error {
	if err := v.Need(people.ManagePlaces, store.BuildingID(view.BuildingID)); err != nil {
		return err
	}
	return s.showAs(w, r, v, status, func(sh ui.Shell) templ.Component { return templates.FloorPage(sh, view) })
}

// floor finds a floor with its building.
func (s *Server) findFloor(r *http.Request, v *visitor, id store.FloorID) (store.Floor, store.Building, error) {
	buildings, err := s.Places.Buildings(r.Context(), v.Actor, people.ManagePlaces)
	if err != nil {
		return store.Floor{}, store.Building{}, err
	}
	for _, b := range buildings {
		floors, err := s.Places.Floors(r.Context(), v.Actor, b.ID)
		if err != nil {
			return store.Floor{}, store.Building{}, err
		}
		for _, f := range floors {
			if f.ID == id {
				return f, b, nil
			}
		}
	}
	return store.Floor{}, store.Building{}, problem.New(problem.NotFound, "places.no_floor")
}

func (s *Server) editFloor(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, b, err := s.findFloor(r, v, store.FloorID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return s.showFloor(w, r, v, http.StatusOK, templates.FloorForm{ID: string(f.ID), BuildingID: string(b.ID), Building: b.Name, Name: f.Name, Level: strconv.Itoa(f.Level)})
}

func (s *Server) createFloor(w http.ResponseWriter, r *http.Request, v *visitor) error {
	b, err := s.Places.Building(r.Context(), v.Actor, store.BuildingID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return s.saveFloor(w, r, v, templates.FloorForm{BuildingID: string(b.ID), Building: b.Name})
}

func (s *Server) changeFloor(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, b, err := s.findFloor(r, v, store.FloorID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return s.saveFloor(w, r, v, templates.FloorForm{ID: string(f.ID), BuildingID: string(b.ID), Building: b.Name})
}

func (s *Server) saveFloor(w http.ResponseWriter, r *http.Request, v *visitor, view templates.FloorForm) error {
	f, err := parse(r)
	if err != nil {
		return err
	}
	view.Name, view.Level = f.text("name"), f.text("level")
	floor := store.Floor{
		ID: store.FloorID(view.ID), BuildingID: store.BuildingID(view.BuildingID), Name: view.Name,
		Level: f.number("level", places.LowestLevel, places.HighestLevel, 0),
	}
	if err = f.err(); err == nil {
		if view.ID == "" {
			_, err = s.Places.CreateFloor(r.Context(), v.Actor, floor)
		} else {
			err = s.Places.ChangeFloor(r.Context(), v.Actor, floor)
		}
	}
	if err != nil {
		if view.Errors = v.wrong(err); view.Errors == nil {
			return err
		}
		return s.showFloor(w, r, v, statusFor(err), view)
	}
	return s.done(w, r, v, placesPath, v.T("ui.saved"))
}

// Deleting asks first, and can be undone.

// placeRef says which place a route is about.
type placeRef func(id string) (what string, ref places.Ref, back string)

func buildingRef(id string) (string, places.Ref, string) {
	return "building", places.Ref{Building: store.BuildingID(id)}, placesPath + "/buildings/" + id
}

func floorRef(id string) (string, places.Ref, string) {
	return "floor", places.Ref{Floor: store.FloorID(id)}, placesPath + "/floors/" + id
}

func workspaceRef(id string) (string, places.Ref, string) {
	return "room", places.Ref{Workspace: store.WorkspaceID(id)}, placesPath + "/rooms/" + id
}

// askDelete tells what would go.
func (s *Server) askDelete(ref placeRef) handler {
	return func(w http.ResponseWriter, r *http.Request, v *visitor) error {
		what, place, back := ref(r.PathValue("id"))
		going, err := s.Places.Going(r.Context(), v.Actor, place)
		if err != nil {
			return err
		}
		view := templates.Delete{What: what, Name: going.Name, Action: back + "/delete", Back: back, Days: store.UndoDays}
		count := func(key string, n int) {
			if n > 0 {
				view.Goes = append(view.Goes, ui.Fact{Key: v.T(key), Value: v.Number(n)})
			}
		}
		count("places.goes_floors", len(going.Floors))
		count("places.goes_rooms", len(going.Workspaces))
		count("places.goes_bookings", going.Bookings)
		return s.show(w, r, v, func(sh ui.Shell) templ.Component { return templates.DeletePlacePage(sh, view) })
	}
}

func (s *Server) deletePlace(ref placeRef) handler {
	return func(w http.ResponseWriter, r *http.Request, v *visitor) error {
		what, place, _ := ref(r.PathValue("id"))
		going, err := s.Places.Delete(r.Context(), v.Actor, place)
		if err != nil {
			return err
		}
		to := placesPath
		if what == "room" {
			to += "/rooms"
		}
		return s.doneWith(w, r, v, to, ui.Notice{
			Text: v.T("places.said_deleted", "Name", going.Name), UndoPath: placesPath + "/restore", UndoName: what, UndoID: r.PathValue("id"),
		})
	}
}

// restorePlace takes a deletion back. The field that names the place says what it is.
func (s *Server) restorePlace(w http.ResponseWriter, r *http.Request, v *visitor) error {
	f, err := parse(r)
	if err != nil {
		return err
	}
	var ref places.Ref
	switch {
	case f.values.Has("building"):
		ref.Building = store.BuildingID(f.text("building"))
	case f.values.Has("floor"):
		ref.Floor = store.FloorID(f.text("floor"))
	default:
		ref.Workspace = store.WorkspaceID(f.text("room"))
	}
	if err := s.Places.Restore(r.Context(), v.Actor, ref); err != nil {
		return err
	}
	to := placesPath
	if ref.Workspace != "" {
		to += "/rooms"
	}
	return s.done(w, r, v, to, v.T("ui.restored"))
}
