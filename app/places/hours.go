package places

import (
	"context"
	"slices"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/when"
	"lintel/store"
)

// Opening hours of a building for which none are in force: on its working days.
const (
	DefaultOpens  = 8 * 60
	DefaultCloses = 18 * 60
)

// nextOpeningDays is how far NextOpening looks ahead.
const nextOpeningDays = 400

// SpansMax bounds the opening hours of one building.
const SpansMax = 1000

// Hours returns when a building is open on a local day, as disjoint intervals in order; none = closed.
//
// Spans with the same validity are a period. In force on a day is the period, among those valid then,
// that began last; of several the one that ends first. So "24 to 31 December" stands above
// "always". A weekday without a span in it is closed, also when another period is open then. With no
// period in force it is 08–18 on the building's working days.
func Hours(b store.Building, zone *time.Location, spans []store.OpeningSpan, day when.Date) []when.Interval {
	period := inForce(spans, day)
	if period == nil {
		if !b.WorkingDays.Has(day.Weekday()) {
			return nil
		}
		return []when.Interval{hours(day, DefaultOpens, DefaultCloses, zone)}
	}
	var out []when.Interval
	for _, s := range period {
		if s.Weekday == day.Weekday() && !s.Closed() {
			out = append(out, hours(day, s.Opens, s.Closes, zone))
		}
	}
	return when.Merge(out)
}

// hours turns minutes of a day into instants.
func hours(day when.Date, opens, closes int, zone *time.Location) when.Interval {
	i := when.Interval{From: when.Wall{Date: day, Minute: opens}.In(zone).UTC(), To: day.End(zone).UTC()}
	if closes < 1440 {
		i.To = when.Wall{Date: day, Minute: closes}.In(zone).UTC()
	}
	return i
}

// inForce returns the spans of the period that counts on a day, nil when there is none.
func inForce(spans []store.OpeningSpan, day when.Date) []store.OpeningSpan {
	var best []store.OpeningSpan
	for _, s := range spans {
		if !s.ValidOn(day) {
			continue
		}
		switch {
		case len(best) == 0 || above(s, best[0]):
			best = []store.OpeningSpan{s}
		case s.ValidFrom == best[0].ValidFrom && s.ValidTo == best[0].ValidTo:
			best = append(best, s)
		}
	}
	return best
}

// above reports whether the period of s counts more than that of t.
func above(s, t store.OpeningSpan) bool {
	if s.ValidFrom != t.ValidFrom {
		return t.ValidFrom.IsZero() || !s.ValidFrom.IsZero() && s.ValidFrom.After(t.ValidFrom)
	}
	return !s.ValidTo.IsZero() && (t.ValidTo.IsZero() || s.ValidTo.Before(t.ValidTo))
}

// NextOpening returns the first instant at or after from at which the building is open; the zero time when
// it stays closed for over a year.
func NextOpening(b store.Building, zone *time.Location, spans []store.OpeningSpan, from time.Time) time.Time {
	day := when.DayOf(from, zone)
	for n := range nextOpeningDays {
		for _, i := range Hours(b, zone, spans, day.Add(n)) {
			switch {
			case i.Contains(from):
				return from
			case i.From.After(from):
				return i.From
			}
		}
	}
	return time.Time{}
}

// Opening is all that the opening hours of a building follow from, read once.
type Opening struct {
	Building store.Building
	Zone     *time.Location
	Spans    []store.OpeningSpan
}

// On returns when the building is open on a local day.
func (o Opening) On(day when.Date) []when.Interval { return Hours(o.Building, o.Zone, o.Spans, day) }

// Next returns the first instant at or after from at which it is open, zero for "not within a year".
func (o Opening) Next(from time.Time) time.Time {
	return NextOpening(o.Building, o.Zone, o.Spans, from)
}

// Opening reads the opening hours of a building, also of a deleted one: displays and jobs ask too.
func (s *Service) Opening(ctx context.Context, id store.BuildingID) (Opening, error) {
	var o Opening
	err := s.view(ctx, "read opening hours", func(tx *store.Tx) (err error) {
		if o.Building, err = tx.Building(id); err != nil {
			return missing(err, "places.no_building")
		}
		if o.Zone, err = o.Building.Location(); err != nil {
			return err
		}
		o.Spans, err = tx.OpeningHours(id)
		return err
	})
	return o, err
}

// OpeningHours returns when a building is open on a local day.
func (s *Service) OpeningHours(ctx context.Context, id store.BuildingID, day when.Date) ([]when.Interval, error) {
	o, err := s.Opening(ctx, id)
	if err != nil {
		return nil, err
	}
	return o.On(day), nil
}

// SetOpeningHours replaces all spans of a building.
func (s *Service) SetOpeningHours(ctx context.Context, by people.Actor, id store.BuildingID, spans []store.OpeningSpan) error {
	if err := by.Need(people.ManagePlaces, id); err != nil {
		return err
	}
	if err := checkSpans(spans); err != nil {
		return err
	}
	var touched []store.WorkspacePlace
	err := s.update(ctx, "set opening hours", func(tx *store.Tx) error {
		if _, err := standingBuilding(tx, id); err != nil {
			return err
		}
		if err := tx.SetOpeningHours(id, spans); err != nil {
			return err
		}
		var err error
		if touched, err = tx.Workspaces(store.WorkspaceFilter{Building: id}); err != nil {
			return err
		}
		return audit.Record(tx, by, "building.hours", "building", string(id), "spans", len(spans))
	})
	if err == nil {
		s.tell(touched)
	}
	return err
}

// checkSpans tells what is wrong with opening hours.
func checkSpans(spans []store.OpeningSpan) error {
	var f fields
	if len(spans) > SpansMax {
		f.bad("opens", "places.too_many_spans", "Count", SpansMax)
	}
	for i, s := range spans {
		if !s.Closed() && (s.Opens < 0 || s.Closes > 1440 || s.Closes <= s.Opens) {
			f.bad("closes", "places.bad_hours")
		}
		if s.Weekday < time.Sunday || s.Weekday > time.Saturday {
			f.bad("weekday", "places.bad_hours")
		}
		if !s.ValidFrom.IsZero() && !s.ValidTo.IsZero() && s.ValidTo.Before(s.ValidFrom) {
			f.bad("valid_to", "places.bad_validity")
		}
		same := func(o store.OpeningSpan) bool {
			return o.Weekday == s.Weekday && o.ValidFrom == s.ValidFrom && o.ValidTo == s.ValidTo &&
				(o.Closed() || s.Closed() || o.Opens < s.Closes && s.Opens < o.Closes)
		}
		if slices.ContainsFunc(spans[:i], same) {
			f.bad("opens", "places.hours_overlap")
		}
	}
	return f.err()
}
