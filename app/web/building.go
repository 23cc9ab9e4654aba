package web

import (
	"net/http"
	"time"

	"lintel/app/people"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/store"
	"lintel/templates/ui"
)

// choose finds out at which building the visitor looks: the one in the address, which the browser then
// remembers, else the one it remembered, else the first. v.building is zero when there is none to see.
func (s *Server) choose(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if v.buildings != nil {
		return nil
	}
	list, err := s.Places.Buildings(r.Context(), v.Actor, people.SeeRooms)
	if err != nil {
		return err
	}
	v.buildings = append([]store.Building{}, list...)
	wanted := r.URL.Query().Get("building")
	if wanted == "" {
		wanted = cookieValue(r, buildingCookie)
	}
	for _, b := range list {
		if string(b.ID) == wanted {
			v.building = b
		}
	}
	if v.building.ID == "" && len(list) > 0 {
		v.building = list[0]
	}
	if r.URL.Query().Has("building") && v.building.ID != "" && !fragment(r) {
		s.remember(w, r, buildingCookie, string(v.building.ID))
	}
	return nil
}

func (v *visitor) buildingOptions() []ui.Option {
	out := make([]ui.Option, len(v.buildings))
	for i, b := range v.buildings {
		out[i] = ui.Option{Value: string(b.ID), Label: b.Name}
	}
	return out
}

// clock is the present in a building.
type clock struct {
	zone  *time.Location
	now   time.Time // in the zone
	today when.Date
}

func (s *Server) clock(b store.Building) (clock, error) {
	zone, err := b.Location()
	if err != nil {
		return clock{}, err
	}
	now := s.Now().In(zone)
	return clock{zone: zone, now: now, today: when.DayOf(now, zone)}, nil
}

// dayParam returns the day that the address names, else today.
func (c clock) dayParam(r *http.Request, name string) when.Date {
	if d, err := when.ParseDate(r.URL.Query().Get(name)); err == nil {
		return d
	}
	return c.today
}

// noon returns an instant of a day that shows as that day in the zone.
func (c clock) noon(d when.Date) time.Time { return when.Wall{Date: d, Minute: 12 * 60}.In(c.zone) }

// known is the last day of which the agendas of booking systems are read in advance.
func (c clock) known() when.Date { return c.today.Add(connectors.DaysAhead - 1) }

// in returns t in the zone, the zero time as it is.
func (c clock) in(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(c.zone)
}
