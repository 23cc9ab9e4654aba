package bookings

import (
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

// Times says when a booking is to be: by local walls, by whole days, or by instants. Local times are
// those of the workspace's building.
type Times struct {
	from, to when.Wall
	allDay   bool
	at       when.Interval // set when instants were given
}

// Local is from one local time up to and without another.
func Local(from, to when.Wall) Times { return Times{from: from, to: to} }

// Days is whole days, both included.
func Days(first, last when.Date) Times {
	return Times{from: when.Wall{Date: first}, to: when.Wall{Date: last.Add(1)}, allDay: true}
}

// Instants is from one instant up to and without another, both whole minutes: for "now, for half an
// hour", which local times can't name in the hour that comes twice.
func Instants(from, to time.Time) Times { return Times{at: when.Interval{From: from, To: to}} }

// slot is Times in a zone: the truth and what follows from it.
type slot struct {
	when.Interval
	fromWall, toWall when.Wall
	allDay           bool
}

// in resolves the times in a zone. A local time that the clock jumps over is the instant of the jump; the
// one that comes twice is its first. What has no length is a problem.
func (t Times) in(zone *time.Location) (slot, error) {
	if t.at != (when.Interval{}) {
		from, to := t.at.From.UTC(), t.at.To.UTC()
		if !from.Truncate(time.Minute).Equal(from) || !to.Truncate(time.Minute).Equal(to) {
			return slot{}, problem.Field("from", "bookings.whole_minutes")
		}
		s := slot{Interval: when.Interval{From: from, To: to}, fromWall: when.WallOf(from, zone), toWall: when.WallOf(to, zone)}
		return s, s.check()
	}
	s := slot{fromWall: t.from, toWall: t.to, allDay: t.allDay}
	s.From, s.To = t.from.In(zone).UTC(), t.to.In(zone).UTC()
	return s, s.check()
}

func (s slot) check() error {
	if s.Valid() {
		return nil
	}
	if minutesBetween(s.fromWall, s.toWall) > 0 {
		return problem.Field("from", "bookings.no_such_time") // all of it is in the hour that the clock jumps over
	}
	return problem.Field("to", "bookings.end_before_start")
}

// derive returns the interval of an occurrence or of a stored booking in a zone. Other than a new
// booking it must have a length: one that lies within a jump of the clock keeps its length on the clock and
// begins at the jump.
func derive(from, to when.Wall, zone *time.Location) when.Interval {
	i := when.Interval{From: from.In(zone).UTC(), To: to.In(zone).UTC()}
	if !i.Valid() {
		i.To = i.From.Add(time.Duration(minutesBetween(from, to)) * time.Minute)
	}
	return i
}

// minutesBetween returns how far apart two walls stand on the clock face, without regard to zones.
func minutesBetween(a, b when.Wall) int { return b.Sub(a.Date)*1440 + b.Minute - a.Minute }

// addMinutes moves a wall on the clock face.
func addMinutes(w when.Wall, n int) when.Wall {
	total := w.Minute + n
	days := total / 1440
	if total%1440 < 0 {
		days--
	}
	return when.Wall{Date: w.Add(days), Minute: total - days*1440}
}

// bound reports whether the rules bind the actor: people, not jobs and the command line.
func bound(by people.Actor) bool { return by.Kind != people.KindJob && by.Kind != people.KindSetup }

// allow returns a problem when the rules forbid a new booking at that time.
func (r Rules) allow(by people.Actor, s slot, zone *time.Location, now time.Time) error {
	if !bound(by) {
		return nil
	}
	if !s.To.After(now) || !s.allDay && s.From.Before(now.Add(-r.Grace)) || s.allDay && s.fromWall.Date.Before(when.DayOf(now, zone)) {
		return problem.Field("from", "bookings.in_past")
	}
	if s.fromWall.Date.Sub(when.DayOf(now, zone)) > r.Horizon {
		return problem.Field("from", "bookings.too_far", "Days", r.Horizon)
	}
	return r.allowLength(by, s)
}

// allowLength returns a problem when the rules forbid that length.
func (r Rules) allowLength(by people.Actor, s slot) error {
	switch {
	case !bound(by):
		return nil
	case s.allDay && s.toWall.Sub(s.fromWall.Date) > r.MaxDays:
		return problem.Field("to", "bookings.too_many_days", "Days", r.MaxDays)
	case s.allDay:
		return nil
	case s.Duration() < r.Min:
		return problem.Field("to", "bookings.too_short", "Minutes", int(r.Min/time.Minute))
	case s.Duration() > r.Max:
		return problem.Field("to", "bookings.too_long", "Hours", int(r.Max/time.Hour))
	}
	return nil
}

// put writes a slot into a booking.
func (s slot) put(b *store.Booking, zone string) {
	b.From, b.To, b.FromWall, b.ToWall, b.AllDay, b.Zone = s.From, s.To, s.fromWall, s.toWall, s.allDay, zone
}
