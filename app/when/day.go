// Package when is about instants, local days, intervals and zones. It is pure: it never asks
// the clock, and every rule holds on the days when clocks change.
package when

import (
	"fmt"
	"time"
)

// Date is a calendar day without a zone. The zero value is no day; see IsZero.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateLayout is how a Date is written: 2026-11-21.
const DateLayout = "2006-01-02"

// DayOf returns the local day in zone that contains t.
func DayOf(t time.Time, zone *time.Location) Date {
	y, m, d := t.In(zone).Date()
	return Date{y, m, d}
}

// ParseDate reads 2026-11-21. Days that do not exist (30 February) are errors.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(DateLayout, s)
	if err != nil {
		return Date{}, fmt.Errorf("parse date %q: want YYYY-MM-DD", s)
	}
	return DayOf(t, time.UTC), nil
}

// String returns 2026-11-21, or "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	b := append(padded(make([]byte, 0, 10), d.Year, 4), '-')
	b = append(padded(b, int(d.Month), 2), '-')
	return string(padded(b, d.Day, 2))
}

// IsZero reports whether d is no day.
func (d Date) IsZero() bool { return d == Date{} }

// Add returns the day n days later (earlier when n is negative).
func (d Date) Add(n int) Date {
	t := d.utc().AddDate(0, 0, n)
	return DayOf(t, time.UTC)
}

// Sub returns the number of days from e to d.
func (d Date) Sub(e Date) int { return int(d.utc().Sub(e.utc()) / (24 * time.Hour)) }

// Before reports whether d comes before e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After reports whether d comes after e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// Compare returns -1, 0 or +1 as d comes before, is, or comes after e.
func (d Date) Compare(e Date) int { return d.utc().Compare(e.utc()) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// ISOWeekday returns 1 for Monday up to 7 for Sunday (ISO 8601).
func (d Date) ISOWeekday() int { return (int(d.Weekday())+6)%7 + 1 }

// Monday returns the Monday of the ISO week that holds d.
func (d Date) Monday() Date { return d.Add(1 - d.ISOWeekday()) }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// Start returns the first instant of d in zone. Where midnight does not exist because the clock
// jumps over it (Santiago, Azores, Beirut), that is the instant of the jump, not 01:00 of
// another reckoning; where midnight comes twice, it is the first.
func (d Date) Start(zone *time.Location) time.Time { return Wall{Date: d}.In(zone) }

// End returns the first instant of the next day, so that [Start, End) is the whole day:
// 23, 24, 25 hours, or another length where clocks change by half an hour.
func (d Date) End(zone *time.Location) time.Time { return d.Add(1).Start(zone) }

// Interval returns [Start, End) of the day in zone.
func (d Date) Interval(zone *time.Location) Interval {
	return Interval{d.Start(zone), d.End(zone)}
}

// EndedDays returns the local days after mark that have ended by now, oldest first: the days that
// a midnight job still has to handle. A zero mark yields only yesterday's day, so that a new
// building does not replay history. A missed midnight, a restart or a night without midnight
// changes nothing. At most MaxEndedDays days are returned; call again for the rest.
func EndedDays(zone *time.Location, mark Date, now time.Time) []Date {
	today := DayOf(now, zone)
	if mark.IsZero() {
		mark = today.Add(-2)
	}
	var days []Date
	for d := mark.Add(1); d.Before(today) && len(days) < MaxEndedDays; d = d.Add(1) {
		days = append(days, d)
	}
	return days
}

// MaxEndedDays bounds one answer of EndedDays, about three years.
const MaxEndedDays = 1100
