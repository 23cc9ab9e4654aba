package ical

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lintel/app/when"
)

// The reasons for which CheckHosted refuses a rule. They are wrapped with what was found.
var (
	ErrSubDaily = errors.New("the series repeats more than once a day")
	ErrEndless  = errors.New("the series has no end")
	ErrUnclear  = errors.New("the rule has parts that are not understood")
	ErrNever    = errors.New("the rule has no date after the first")
)

// CheckHosted reports why the rule can not be that of a series of our own, which starts at start: it
// repeats within a day, has parts that ParseRule ignored, or never meets a day. With endless unset,
// neither COUNT nor UNTIL is a reason too. The error is one of the four above, wrapped, and reads as
// an English sentence.
func (r Rule) CheckHosted(start when.Wall, endless bool) error {
	switch {
	case r.freq >= freqHourly, len(r.byHour)+len(r.byMinute)+len(r.bySecond) > 0:
		return fmt.Errorf("%w: the smallest step is a day", ErrSubDaily)
	case len(r.ignored) > 0:
		return fmt.Errorf("%w: %s", ErrUnclear, strings.Join(r.ignored, ", "))
	case !endless && r.Endless():
		return fmt.Errorf("%w: give a last day or a number of dates", ErrEndless)
	case r.count == 1:
		return nil
	}
	found := 0
	r.walls(start, time.UTC, when.Date{Year: 9999, Month: 12, Day: 31}, func(time.Time) bool {
		found++
		return found < 2
	})
	if found < 2 {
		return fmt.Errorf("%w: check the days and the end", ErrNever)
	}
	return nil
}

// LocalStart is one start of a hosted series. Wall is the truth; At follows from it and the zone's
// present rules.
type LocalStart struct {
	Wall when.Wall
	At   time.Time // UTC; when.Wall.In of the zone
}

// maxHostedSteps bounds the work on one hosted rule.
const maxHostedSteps = 250_000

// Walls returns the starts of a hosted series whose first is start, on the days from `from` up to and
// without `to`, in order, at most limit of them; more reports that there are others. Zero days mean no
// bound; limit ≤ 0 means 5,000. Start itself always belongs to the series, even when the rule does not
// meet its day: use First to begin where the rule does.
//
// UNTIL is read as a day or local time; in UTC it is converted by the zone. A time that the clock jumps
// over keeps its Wall; At is then as when.Wall.In says.
func (r Rule) Walls(start when.Wall, zone *time.Location, from, to when.Date, limit int) (starts []LocalStart, more bool) {
	if limit <= 0 {
		limit = 5_000
	}
	last := when.Date{Year: 9999, Month: 12, Day: 31}
	if !to.IsZero() {
		last = to.Add(-1)
	}
	complete := r.walls(start, zone, last, func(t time.Time) bool {
		w := wallFrom(t)
		if w.Before(from) {
			return true
		}
		if len(starts) == limit {
			more = true
			return false
		}
		starts = append(starts, LocalStart{Wall: w, At: w.In(zone).UTC()})
		return true
	})
	return starts, more || !complete
}

// First returns the first wall-clock time not before start, at the same time of day, on a day that the
// rule meets; ok is false when there is none within the rule's bounds. COUNT does not matter here.
func (r Rule) First(start when.Wall) (w when.Wall, ok bool) {
	r.count = 0
	at, work := wallTime(start), maxHostedSteps
	s := span{at, time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)}
	r.each(at, s, false, r.pastLocal(time.UTC), &work, func(t time.Time) bool {
		w, ok = wallFrom(t), true
		return false
	})
	return w, ok
}

// walls yields the starts up to the day last; false when the work was used up.
func (r *Rule) walls(start when.Wall, zone *time.Location, last when.Date, yield func(time.Time) bool) bool {
	at, work := wallTime(start), maxHostedSteps
	end := time.Date(last.Year, last.Month, last.Day, 23, 59, 59, 0, time.UTC)
	r.each(at, span{at, end}, true, r.pastLocal(zone), &work, yield)
	return work > 0
}

func (r *Rule) pastLocal(zone *time.Location) func(time.Time) bool {
	end := r.until.lastWall()
	if r.until.utc {
		end = wallOf(r.until.wall, zone)
	}
	return func(t time.Time) bool { return r.hasUntil && t.After(end) }
}

// Days returns the weekdays of a weekly rule, Monday first; nil when it does not name any.
func (r Rule) Days() []time.Weekday {
	var days []time.Weekday
	for _, d := range r.byDay {
		days = append(days, d.day)
	}
	slices.SortFunc(days, func(a, b time.Weekday) int { return int(a+6)%7 - int(b+6)%7 })
	return slices.Compact(days)
}

func wallTime(w when.Wall) time.Time {
	return time.Date(w.Year, w.Month, w.Day, 0, w.Minute, 0, 0, time.UTC)
}

func wallFrom(t time.Time) when.Wall {
	return when.Wall{Date: when.DayOf(t, time.UTC), Minute: t.Hour()*60 + t.Minute()}
}
