package bookings

import (
	"context"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

// CreateFreeSeries is CreateSeries that leaves out the occurrences that are taken, as exceptions of the series, and
// returns them. When all of them are, the problem is bookings.series_taken and nothing is booked.
func (s *Service) CreateFreeSeries(ctx context.Context, by people.Actor, r SeriesRequest) (id store.SeriesID, left []Conflict, err error) {
	err = s.update(ctx, "create series of what is free", func(tx *store.Tx) error {
		p, zone, se, err := s.newSeries(tx, by, r)
		if err != nil {
			return err
		}
		id, err = s.layOut(tx, by, p, zone, se, r.First, nil)
		if left = Conflicts(err); len(left) > 0 && problem.Of(err).Args["Of"] != len(left) {
			// Nothing was written yet: the occurrences were only compared with the agenda.
			taken := map[when.Date]bool{}
			for _, c := range left {
				taken[when.DayOf(c.Wanted.From, zone)] = true
			}
			id, err = s.layOut(tx, by, p, zone, se, r.First, taken)
		}
		if err != nil {
			return err
		}
		return audit.Record(tx, by, "series.create", "series", string(id), "workspace", string(r.Workspace), "taken", len(left))
	})
	if err != nil {
		return "", nil, err
	}
	s.tell(r.Workspace)
	return id, left, nil
}
