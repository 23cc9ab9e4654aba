package bookings

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/connectors/ical"
	"lintel/store"
)

// SeriesChange is what is to be different of a series from an occurrence on. Fields that are nil stay as
// they are.
type SeriesChange struct {
	From      when.Wall // Original of the first occurrence concerned; zero = all that have not begun
	Times     *Times    // new local times of the occurrence At; the others move by as many days
	At        when.Wall // Original of the occurrence that Times are for; zero = the first concerned
	Rule      *string
	Subject   *string
	Private   *bool
	Organizer *Organizer
}

// CancelSeries cancels the occurrences from one on (its Original; zero = all) that have not begun, and
// ends the series there. It returns how many it cancelled.
func (s *Service) CancelSeries(ctx context.Context, by people.Actor, id store.SeriesID, from when.Wall) (int, error) {
	var n int
	var ws store.WorkspaceID
	err := s.update(ctx, "cancel series", func(tx *store.Tx) error {
		t, err := s.openSeries(tx, by, id, from)
		if err != nil {
			return err
		}
		ws = t.se.Workspace
		if n, err = s.endSeries(tx, t); err != nil {
			return err
		}
		return audit.Record(tx, by, "series.cancel", "series", string(id), "workspace", string(ws), "occurrences", n)
	})
	if err != nil {
		return 0, err
	}
	s.tell(ws)
	return n, nil
}

// ChangeSeries changes a series from an occurrence on. New words change the occurrences that stand. New
// times or a new rule end the series there and begin another one, refused whole like a new series; days on
// which an occurrence had been cancelled stay cancelled. It returns the id of the series that
// now holds these occurrences.
func (s *Service) ChangeSeries(ctx context.Context, by people.Actor, id store.SeriesID, c SeriesChange) (store.SeriesID, error) {
	var ws store.WorkspaceID
	now := id
	err := s.update(ctx, "change series", func(tx *store.Tx) error {
		t, err := s.openSeries(tx, by, id, c.From)
		if err != nil {
			return err
		}
		ws = t.se.Workspace
		if err := c.words(tx, by, &t); err != nil {
			return err
		}
		if c.Times == nil && c.Rule == nil {
			err = t.rewrite(tx)
		} else {
			now, err = s.rebuild(tx, by, t, c)
		}
		if err != nil {
			return err
		}
		return audit.Record(tx, by, "series.change", "series", string(now), "workspace", string(ws))
	})
	if err != nil {
		return "", err
	}
	s.tell(ws)
	return now, nil
}

// seriesTarget is a series that is about to be changed from an occurrence on.
type seriesTarget struct {
	se   store.Series
	p    store.WorkspacePlace
	all  []store.Booking // every occurrence, in the order of the rule
	rest []store.Booking // those concerned that have not begun, cancelled ones too
}

// openSeries reads a series that the actor may change.
func (s *Service) openSeries(tx *store.Tx, by people.Actor, id store.SeriesID, from when.Wall) (seriesTarget, error) {
	se, p, err := findSeries(tx, id)
	if err != nil {
		return seriesTarget{}, err
	}
	if err := mayTouch(by, se.asBooking(), p); err != nil {
		return seriesTarget{}, err
	}
	if !se.CancelledAt.IsZero() {
		return seriesTarget{}, problem.New(problem.Conflict, "bookings.cancelled_already")
	}
	t := seriesTarget{se: se.Series, p: p}
	if t.all, err = tx.Occurrences(id); err != nil {
		return t, err
	}
	standing := 0
	for _, b := range t.all {
		if !b.From.After(s.now()) || !from.IsZero() && minutesBetween(from, b.Original) < 0 {
			continue
		}
		t.rest = append(t.rest, b)
		if !b.Cancelled() {
			standing++
		}
	}
	if standing == 0 {
		return t, problem.New(problem.Conflict, "bookings.series_over")
	}
	return t, nil
}

// endSeries cancels the rest of a series and ends its rule before it.
func (s *Service) endSeries(tx *store.Tx, t seriesTarget) (int, error) {
	n := 0
	for _, b := range t.rest {
		if b.Cancelled() {
			continue
		}
		b.CancelledAt, b.EndReason = tx.Now(), store.EndCancelled
		if err := tx.UpdateBooking(b); err != nil {
			return n, err
		}
		n++
	}
	if len(t.rest) == len(t.all) {
		t.se.CancelledAt = tx.Now()
	} else {
		t.se.Rule = ruleUntil(t.se.Rule, addMinutes(t.rest[0].Original, -1))
	}
	return n, tx.UpdateSeries(t.se)
}

// words puts the new subject, flag and organizer into the series.
func (c SeriesChange) words(tx *store.Tx, by people.Actor, t *seriesTarget) (err error) {
	if c.Private != nil {
		t.se.Private = *c.Private
	}
	if c.Subject != nil {
		if t.se.Subject, err = line(*c.Subject, SubjectMax, "subject"); err != nil {
			return err
		}
	}
	if c.Organizer != nil {
		if err := c.Organizer.clean(); err != nil {
			return err
		}
		t.se.Organizer, err = c.Organizer.resolve(tx, by, t.p)
	}
	return err
}

// rewrite gives the words of the series to its rest. Later occurrences will have them too.
func (t seriesTarget) rewrite(tx *store.Tx) error {
	for _, b := range t.rest {
		b.Private = t.se.Private
		if err := tx.UpdateBooking(b); err != nil {
			return err
		}
		if err := tx.SetBookingPeople(b.ID, t.se.Subject, t.se.Organizer, b.Creator); err != nil {
			return err
		}
	}
	return tx.UpdateSeries(t.se)
}

// rebuild ends the series before its rest and lays out another one from there. An occurrence that was due by
// now and was moved to later stays what it is.
func (s *Service) rebuild(tx *store.Tx, by people.Actor, t seriesTarget, c SeriesChange) (store.SeriesID, error) {
	zone, err := t.p.Building.Location()
	if err != nil {
		return "", err
	}
	if t.p.Resource != "" {
		return "", problem.New(problem.Refused, "bookings.no_series_in_system")
	}
	t.rest = slices.DeleteFunc(t.rest, func(b store.Booking) bool { return !b.Original.In(zone).After(s.now()) })
	if len(t.rest) == 0 {
		return "", problem.New(problem.Conflict, "bookings.series_over")
	}
	next := t.se
	begin := t.rest[0].Original
	if c.Rule != nil {
		next.Rule = *c.Rule
	} else {
		if next.Rule, err = restOfRule(t.se, begin, zone); err != nil {
			return "", err
		}
	}
	first, days := c.first(begin, t.se)
	skip := map[when.Date]bool{}
	for _, b := range t.rest {
		if b.Cancelled() {
			skip[b.Original.Add(days)] = true
		}
	}
	if _, err := s.endSeries(tx, t); err != nil {
		return "", err
	}
	next.CancelledAt = time.Time{}
	return s.layOut(tx, by, t.p, zone, next, first, skip)
}

// first returns the new times of the occurrence that the rule started at begin, and by how many days they
// are later.
func (c SeriesChange) first(begin when.Wall, se store.Series) (first Times, days int) {
	if c.Times == nil {
		return Times{from: begin, to: addMinutes(begin, se.Minutes), allDay: se.AllDay}, 0
	}
	first = *c.Times
	at := c.At
	if at.IsZero() {
		at = begin
	}
	days = first.from.Sub(at.Date)
	long := minutesBetween(first.from, first.to)
	first.from = when.Wall{Date: begin.Add(days), Minute: first.from.Minute}
	first.to = addMinutes(first.from, long)
	return first, days
}

// restOfRule returns the rule of a series as it is from an occurrence on: a number of dates is counted
// down by those before.
func restOfRule(se store.Series, begin when.Wall, zone *time.Location) (string, error) {
	count := rulePart(se.Rule, "COUNT")
	if count == "" {
		return se.Rule, nil
	}
	rule, err := ical.ParseRule(se.Rule)
	if err != nil {
		return "", err
	}
	all, err := strconv.Atoi(count)
	if err != nil {
		return "", err
	}
	before, _ := rule.Walls(se.First, zone, when.Date{}, begin.Date, all)
	return setRulePart(se.Rule, "COUNT", strconv.Itoa(max(1, all-len(before)))), nil
}

// ruleUntil returns a rule that ends at a local time; a number of dates is dropped.
func ruleUntil(rule string, last when.Wall) string {
	stamp := strings.NewReplacer("-", "", ":", "").Replace(last.String()) + "00"
	return setRulePart(setRulePart(rule, "COUNT", ""), "UNTIL", stamp)
}

// rulePart returns the value of a part of a rule as ical.Rule writes it, "" when it is not there.
func rulePart(rule, name string) string {
	for part := range strings.SplitSeq(rule, ";") {
		if key, value, _ := strings.Cut(part, "="); key == name {
			return value
		}
	}
	return ""
}

// setRulePart returns the rule with another value of a part; "" removes it.
func setRulePart(rule, name, value string) string {
	var parts []string
	for part := range strings.SplitSeq(rule, ";") {
		if key, _, _ := strings.Cut(part, "="); key != name {
			parts = append(parts, part)
		}
	}
	if value != "" {
		parts = append(parts, name+"="+value)
	}
	return strings.Join(parts, ";")
}

// SeriesExtended is what ExtendSeries did.
type SeriesExtended struct {
	Added     int              // occurrences booked
	Conflicts []SeriesConflict // occurrences that were taken: kept as cancelled, so that each is told once
}

// SeriesConflict is an occurrence that a series could not have.
type SeriesConflict struct {
	Series    store.SeriesID
	Workspace store.WorkspaceID
	Wanted    when.Interval
}

// ExtendSeries lays out every series up to today's horizon: those without an end, and those whose end lay
// beyond it. A job calls it daily.
func (s *Service) ExtendSeries(ctx context.Context, by people.Actor) (SeriesExtended, error) {
	var out SeriesExtended
	var list []store.Series
	err := s.view(ctx, "read series", func(tx *store.Tx) (err error) {
		list, err = tx.LiveSeries()
		return err
	})
	if err != nil {
		return out, err
	}
	for _, se := range list {
		added := out.Added
		if err := s.update(ctx, "extend series", func(tx *store.Tx) error { return s.extend(tx, by, se.ID, &out) }); err != nil {
			return out, err
		}
		if out.Added > added {
			s.tell(se.Workspace)
		}
	}
	return out, nil
}

// extend adds the occurrences of one series that the horizon has reached.
func (s *Service) extend(tx *store.Tx, by people.Actor, id store.SeriesID, out *SeriesExtended) error {
	se, err := tx.Series(id)
	if err != nil || !se.CancelledAt.IsZero() {
		return err
	}
	p, err := tx.Workspace(se.Workspace)
	if err != nil || !p.Workspace.DeletedAt.IsZero() || p.Resource != "" {
		return err
	}
	zone, err := when.LoadZone(se.Zone)
	if err != nil {
		return err
	}
	rule, err := ical.ParseRule(se.Rule)
	if err != nil {
		return err
	}
	last, err := tx.LastOriginal(id)
	if err != nil {
		return err
	}
	now := s.now()
	today := when.DayOf(now, zone)
	begin := last.Date
	if past := today.Add(-1); begin.Before(past) { // after a long silence it goes on from now
		begin = past
	}
	starts, _ := rule.Walls(se.First, zone, begin, today.Add(s.Rules.Horizon+1), s.Rules.MaxSeries)
	added, missed := 0, 0
	for _, st := range starts {
		sl := occurrence(se, st.Wall, zone)
		if minutesBetween(last, st.Wall) <= 0 || !sl.To.After(now) {
			continue
		}
		busy, err := tx.Agenda(se.Workspace, sl.From, sl.To)
		if err != nil {
			return err
		}
		if err := addOccurrence(tx, se, sl, len(busy) > 0); err != nil {
			return err
		}
		if len(busy) > 0 {
			missed++
			out.Conflicts = append(out.Conflicts, SeriesConflict{id, se.Workspace, sl.Interval})
		} else {
			added++
		}
	}
	out.Added += added
	if added+missed == 0 {
		return nil
	}
	return audit.Record(tx, by, "series.extend", "series", string(id), "added", added, "taken", missed)
}
