package web

import (
	"net/http"
	"strings"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/places"
	"lintel/templates"
)

// deletedPlaces lists the places that the visitor may bring back; roomsOnly leaves out buildings and floors.
func (s *Server) deletedPlaces(r *http.Request, v *visitor, roomsOnly bool) ([]templates.Deleted, error) {
	list, err := s.Places.Deleted(r.Context(), v.Actor)
	if err != nil {
		return nil, err
	}
	var out []templates.Deleted
	for _, d := range list {
		if roomsOnly && d.Ref.Workspace == "" {
			continue
		}
		line := templates.Deleted{
			Name: d.Name, Said: s.saidDeleted(v, d.By, d.At), Until: s.lastDay(r, v, d.Until), Action: placesPath + "/restore",
		}
		line.What, line.Field, line.ID = v.placeWords(d)
		out = append(out, line)
	}
	return out, nil
}

// placeWords says what a deleted place was and where, and names it for the form that restores it.
func (v *visitor) placeWords(d places.Deleted) (what, field, id string) {
	switch {
	case d.Ref.Building != "":
		return v.T("nav.building"), "building", string(d.Ref.Building)
	case d.Ref.Floor != "":
		return v.T("places.floor") + " · " + d.Place.Building.Name, "floor", string(d.Ref.Floor)
	}
	kind := v.T("kind." + string(d.Place.Workspace.Kind))
	return strings.Join([]string{kind, d.Place.Building.Name, d.Place.Floor.Name}, " · "), "room", string(d.Ref.Workspace)
}

// deletedDisplays lists the displays that the visitor may bring back.
func (s *Server) deletedDisplays(r *http.Request, v *visitor) ([]templates.Deleted, error) {
	list, err := s.Displays.Deleted(r.Context(), v.Actor)
	if err != nil {
		return nil, err
	}
	var out []templates.Deleted
	for _, d := range list {
		what := displayWhat(v, d.View)
		if p := s.placeOf(r, v, d.View); p.Workspace.ID != "" {
			what += " · " + p.Workspace.Name
		}
		out = append(out, templates.Deleted{
			Name: displayName(v, d.View), What: what, Said: s.saidDeleted(v, d.By, d.DeletedAt), Until: s.lastDay(r, v, d.Until),
			Action: "/displays/" + string(d.ID) + "/restore",
		})
	}
	return out, nil
}

// saidDeleted says who deleted something, and how long ago.
func (s *Server) saidDeleted(v *visitor, by audit.Who, at time.Time) string {
	ago := s.ago(v, at)
	switch {
	case by.Name != "":
		return v.T("deleted.by", "Name", by.Name, "Ago", ago)
	case by.Kind == people.KindSetup:
		return v.T("deleted.by_setup", "Ago", ago)
	}
	return v.T("deleted.ago", "Ago", ago)
}

// lastDay is the last whole day before an instant.
func (s *Server) lastDay(r *http.Request, v *visitor, until time.Time) string {
	return v.Date(s.localTime(r, v, until).AddDate(0, 0, -1))
}
