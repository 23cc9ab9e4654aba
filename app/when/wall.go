package when

import (
	"fmt"
	"strconv"
	"time"
)

// Wall is a wall-clock time on a calendar day, without a zone: what a person means by
// "Monday at nine". Series and future bookings keep it as the truth.
type Wall struct {
	Date
	Minute int // minutes since the start of the day's clock face, 0 to 1439
}

// WallOf returns the wall-clock time, to the minute, that a clock in zone shows at t.
func WallOf(t time.Time, zone *time.Location) Wall {
	l := t.In(zone)
	return Wall{DayOf(t, zone), l.Hour()*60 + l.Minute()}
}

// ParseWall reads 2026-11-21T09:30.
func ParseWall(s string) (Wall, error) {
	t, err := time.Parse("2006-01-02T15:04", s)
	if err != nil {
		return Wall{}, fmt.Errorf("parse local time %q: want YYYY-MM-DDTHH:MM", s)
	}
	return WallOf(t, time.UTC), nil
}

// String returns 2026-11-21T09:30.
func (w Wall) String() string { return w.Date.String() + "T" + Clock(w.Minute) }

// Clock returns minutes since midnight as 09:30; 1440 is 24:00.
func Clock(minute int) string {
	b := append(padded(make([]byte, 0, 5), minute/60, 2), ':')
	return string(padded(b, minute%60, 2))
}

// padded appends n with zeros before it, at least width characters.
func padded(b []byte, n, width int) []byte {
	digits := strconv.Itoa(n)
	for range width - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}

// ParseClock reads 09:30 or 9:30 as minutes since midnight. 24:00 is accepted as the end of a day.
func ParseClock(s string) (int, error) {
	var h, m int
	var tail string
	n, _ := fmt.Sscanf(s, "%d:%d%s", &h, &m, &tail)
	ok := n == 2 && m >= 0 && m < 60 && h >= 0 && (h < 24 || h == 24 && m == 0)
	if !ok {
		return 0, fmt.Errorf("parse time of day %q: want HH:MM", s)
	}
	return h*60 + m, nil
}

// In returns the instant at which a clock in zone shows w. In a gap (the clock jumps over w) it is
// the instant of the jump, so that order is kept and a day's start is never on another day; when w
// comes twice it is the first (RFC 5545 3.3.5 says the same of repeated times).
func (w Wall) In(zone *time.Location) time.Time {
	naive := time.Date(w.Year, w.Month, w.Day, 0, w.Minute, 0, 0, time.UTC)
	// The offset in force a day before and a day after bracket every change near w.
	_, before := naive.Add(-24 * time.Hour).In(zone).Zone()
	_, after := naive.Add(24 * time.Hour).In(zone).Zone()
	first := naive.Add(-time.Duration(before) * time.Second)
	second := naive.Add(-time.Duration(after) * time.Second)
	if shows(first, zone, naive) {
		if shows(second, zone, naive) && second.Before(first) {
			return second.In(zone)
		}
		return first.In(zone)
	}
	if shows(second, zone, naive) {
		return second.In(zone)
	}
	// Neither: w falls in a gap (or two changes lie within two days, which tzdata has only in
	// the past). The jump is the end of the zone period in force just before.
	lo := naive.Add(-time.Duration(max(before, after)) * time.Second).Add(-time.Minute)
	_, jump := lo.In(zone).ZoneBounds()
	if jump.IsZero() {
		return first.In(zone)
	}
	return jump.In(zone)
}

// shows reports whether a clock in zone shows the fields of naive at t.
func shows(t time.Time, zone *time.Location, naive time.Time) bool {
	_, off := t.In(zone).Zone()
	return t.Add(time.Duration(off) * time.Second).Equal(naive)
}

// Exists reports whether a clock in zone ever shows w (false in the gap of a spring night).
func (w Wall) Exists(zone *time.Location) bool {
	return WallOf(w.In(zone), zone) == w
}
