package bookings

import (
	"context"
	"errors"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/connectors/ical"
	"lintel/store"
)

// SeriesRequest is a recurring booking that somebody wants.
type SeriesRequest struct {
	Workspace store.WorkspaceID
	First     Times  // local times or whole days of the first occurrence; it moves to the first day that the rule meets
	Rule      string // RRULE value (RFC 5545 §3.3.10), by the day or slower; it may have no end
	Subject   string
	Organizer Organizer // zero = whoever asks
	Private   bool
	Source    store.Source
}

// SeriesInfo is a series as its viewer may see it.
type SeriesInfo struct {
	ID          store.SeriesID
	Workspace   store.WorkspaceID
	Rule        string
	From, To    when.Wall // local times of the first occurrence; of whole days To is excluded
	AllDay      bool
	Subject     string
	Private     bool
	MayChange   bool
	Occurrences []Shown // laid out so far, in the order of the rule, cancelled and past ones too
}

// CreateSeries books every occurrence of a rule up to the horizon, or nothing: when one of them is taken,
// the problem bookings.series_taken lists all that are (Conflicts). ExtendSeries adds the later ones.
func (s *Service) CreateSeries(ctx context.Context, by people.Actor, r SeriesRequest) (store.SeriesID, error) {
	var id store.SeriesID
	err := s.update(ctx, "create series", func(tx *store.Tx) error {
		p, zone, se, err := s.newSeries(tx, by, r)
		if err != nil {
			return err
		}
		id, err = s.layOut(tx, by, p, zone, se, r.First, nil)
		if err != nil {
			return err
		}
		return audit.Record(tx, by, "series.create", "series", string(id), "workspace", string(r.Workspace))
	})
	if err != nil {
		return "", err
	}
	s.tell(r.Workspace)
	return id, nil
}

// newSeries reads where a series is to be and who it is for, and returns it without its times.
func (s *Service) newSeries(tx *store.Tx, by people.Actor, r SeriesRequest) (store.WorkspacePlace, *time.Location, store.Series, error) {
	p, zone, err := s.bookable(tx, by, r.Workspace)
	if err != nil {
		return p, zone, store.Series{}, err
	}
	if p.Resource != "" {
		return p, zone, store.Series{}, problem.New(problem.Refused, "bookings.no_series_in_system")
	}
	words := Request{Subject: r.Subject, Organizer: r.Organizer}
	if err := words.clean(); err != nil {
		return p, zone, store.Series{}, err
	}
	organizer, err := words.Organizer.resolve(tx, by, p)
	return p, zone, store.Series{
		Workspace: r.Workspace, Rule: r.Rule, Private: r.Private, Source: r.Source,
		Subject: words.Subject, Organizer: organizer, Creator: by.Person,
	}, err
}

// layOut checks a series, stores it under a new id and books its occurrences. On the days in skip the
// occurrence is there but cancelled.
func (s *Service) layOut(tx *store.Tx, by people.Actor, p store.WorkspacePlace, zone *time.Location, se store.Series, first Times, skip map[when.Date]bool) (store.SeriesID, error) {
	if first.at != (when.Interval{}) {
		return "", problem.Field("from", "bookings.series_needs_local")
	}
	rule, err := ical.ParseRule(se.Rule)
	if err != nil {
		return "", problem.Field("rule", "bookings.rule_unclear").Because(err)
	}
	start, ok := rule.First(first.from)
	if !ok {
		return "", problem.Field("rule", "bookings.rule_never")
	}
	if err := rule.CheckHosted(start, true); err != nil {
		return "", ruleProblem(err)
	}
	se.ID, se.Rule, se.First, se.AllDay, se.Zone = store.NewID[store.SeriesID](), rule.String(), start, first.allDay, p.Building.Zone
	se.Minutes = minutesBetween(first.from, first.to)
	sl := slot{derive(start, addMinutes(start, max(se.Minutes, 0)), zone), start, addMinutes(start, max(se.Minutes, 0)), se.AllDay}
	if err := sl.check(); err != nil {
		return "", err
	}
	if err := s.Rules.allow(by, sl, zone, s.now()); err != nil {
		return "", err
	}
	slots, err := s.slots(rule, se, zone)
	if err != nil {
		return "", err
	}
	if err := series(tx, By(by), p, slots, skip); err != nil {
		return "", err
	}
	if err := tx.InsertSeries(se); err != nil {
		return "", err
	}
	for _, sl := range slots {
		if err := asTaken(addOccurrence(tx, se, sl, skip[sl.fromWall.Date]), By(by), p, sl.Interval); err != nil {
			return "", err
		}
	}
	return se.ID, nil
}

// ruleProblem tells why a rule can't be that of a hosted series.
func ruleProblem(err error) error {
	key := "bookings.rule_unclear"
	switch {
	case errors.Is(err, ical.ErrSubDaily):
		key = "bookings.rule_sub_daily"
	case errors.Is(err, ical.ErrNever):
		key = "bookings.rule_never"
	}
	return problem.Field("rule", key).Because(err)
}

// slots returns the occurrences of a series up to the horizon.
func (s *Service) slots(rule ical.Rule, se store.Series, zone *time.Location) ([]slot, error) {
	end := when.DayOf(s.now(), zone).Add(s.Rules.Horizon + 1)
	starts, more := rule.Walls(se.First, zone, when.Date{}, end, s.Rules.MaxSeries)
	if more {
		return nil, problem.Field("rule", "bookings.series_too_many", "Count", s.Rules.MaxSeries)
	}
	out := make([]slot, len(starts))
	for i, st := range starts {
		out[i] = occurrence(se, st.Wall, zone)
		if i > 0 && out[i].From.Before(out[i-1].To) {
			return nil, problem.Field("rule", "bookings.series_meets_itself")
		}
	}
	return out, nil
}

// occurrence returns when the occurrence of a series that starts at a wall is.
func occurrence(se store.Series, at when.Wall, zone *time.Location) slot {
	to := addMinutes(at, se.Minutes)
	return slot{derive(at, to, zone), at, to, se.AllDay}
}

// series returns the problem that lists every slot that is taken, nil when all are free.
func series(tx *store.Tx, v Viewer, p store.WorkspacePlace, slots []slot, skip map[when.Date]bool) error {
	if len(slots) == 0 {
		return nil
	}
	busy, err := tx.Agenda(p.Workspace.ID, slots[0].From, slots[len(slots)-1].To)
	if err != nil {
		return err
	}
	var conflicts []Conflict
	for _, sl := range slots {
		var with []store.Booking
		for _, b := range busy {
			if !skip[sl.fromWall.Date] && b.Span().Overlaps(sl.Interval) {
				with = append(with, b)
			}
		}
		if len(with) > 0 {
			conflicts = append(conflicts, Conflict{sl.Interval, discloseAll(v, with, p)})
		}
	}
	if len(conflicts) == 0 {
		return nil
	}
	return problem.New(problem.Conflict, "bookings.series_taken", "Conflicts", conflicts, "Count", len(conflicts), "Of", len(slots))
}

// addOccurrence books one occurrence of a series; a cancelled one takes no time, but the series knows it.
func addOccurrence(tx *store.Tx, se store.Series, sl slot, cancelled bool) error {
	b := store.Booking{
		ID: store.NewID[store.BookingID](), Workspace: se.Workspace, Hosted: true, Private: se.Private, Source: se.Source,
		Series: se.ID, Original: sl.fromWall, Subject: se.Subject, Organizer: se.Organizer, Creator: se.Creator,
	}
	if cancelled {
		b.CancelledAt, b.EndReason = tx.Now(), store.EndCancelled
	}
	sl.put(&b, se.Zone)
	return tx.InsertBooking(b)
}

// Series returns a series with its occurrences, as the viewer may see it.
func (s *Service) Series(ctx context.Context, v Viewer, id store.SeriesID) (SeriesInfo, error) {
	var out SeriesInfo
	err := s.view(ctx, "read series", func(tx *store.Tx) error {
		se, p, err := findSeries(tx, id)
		if err != nil {
			return err
		}
		if err := v.need(p); err != nil {
			return err
		}
		list, err := tx.Occurrences(id)
		if err != nil {
			return err
		}
		as := Disclose(v, se.asBooking(), p)
		out = SeriesInfo{
			ID: id, Workspace: se.Workspace, Rule: se.Rule, From: se.First, To: addMinutes(se.First, se.Minutes), AllDay: se.AllDay,
			Subject: as.Subject, Private: se.Private, MayChange: as.MayChange, Occurrences: discloseAll(v, list, p),
		}
		return nil
	})
	return out, err
}

// hostedSeries is a stored series.
type hostedSeries struct{ store.Series }

// asBooking gives Disclose and the permission the parts of a series that they look at.
func (se hostedSeries) asBooking() store.Booking {
	return store.Booking{
		Workspace: se.Workspace, Hosted: true, Private: se.Private, Subject: se.Subject, Organizer: se.Organizer, Creator: se.Creator,
		CancelledAt: se.CancelledAt, Series: se.ID,
	}
}

// findSeries reads a series and its place; a missing one is a problem.
func findSeries(tx *store.Tx, id store.SeriesID) (hostedSeries, store.WorkspacePlace, error) {
	se, err := tx.Series(id)
	if errors.Is(err, store.ErrNotFound) {
		return hostedSeries{}, store.WorkspacePlace{}, problem.New(problem.NotFound, "bookings.no_series")
	}
	if err != nil {
		return hostedSeries{}, store.WorkspacePlace{}, err
	}
	p, err := place(tx, se.Workspace)
	return hostedSeries{se}, p, err
}
