package ical

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// The library answers what a pattern means; this file keeps it on a short leash. It looks for the next
// match without a bound of its own, so a rule that never matches (the 31st of February) would keep it
// busy for thousands of years, and some rules for ever. Hence:
//
//   - Years and months are asked for one at a time, with an interval that ends the search after one.
//   - Weeks, days, hours, minutes and seconds are asked for without the parts that only filter, so that
//     each step yields something; filtering is done here.
//   - All of it runs on wall-clock times whose fields stand in UTC: zones come later.
//
// COUNT, UNTIL and DTSTART are ours too. Work is counted in steps, not in time.

// span is a closed interval of wall-clock times.
type span struct{ from, to time.Time }

const (
	stepsOfYear  = 12 // what asking for one year costs in steps
	stepsOfMonth = 3
	noSecond     = 200_000 // years; an interval that the library never reaches
)

// each calls yield for the wall-clock times of the rule within s, in order, until yield returns false or
// the work is used up (*work is then 0 or less). Start is DTSTART; with first set it is the first
// time even when it does not match the pattern (RFC 5545 3.8.5.3), and it counts for COUNT. past tells
// which times lie beyond UNTIL.
func (r *Rule) each(start time.Time, s span, first bool, past func(time.Time) bool, work *int, yield func(time.Time) bool) {
	last, n := time.Time{}, 0
	take := func(w time.Time) bool {
		if w.Before(start) || !last.IsZero() && !w.After(last) {
			return true
		}
		if w.After(s.to) || past(w) {
			return false
		}
		last = w
		if n++; r.count > 0 && n > r.count {
			return false
		}
		return w.Before(s.from) || yield(w)
	}
	if first && !take(start) {
		return
	}
	from := s.from
	if r.count > 0 || from.Before(start) {
		from = start // counting starts at the beginning
	}
	q := r.pattern(start)
	if !q.possible() {
		return
	}
	switch r.freq {
	case freqYearly:
		q.years(start, from, s.to, work, take)
	case freqMonthly:
		q.months(start, from, s.to, work, take)
	default:
		q.units(start, from, s.to, work, take)
	}
}

// pattern is a rule with everything filled in that RFC 5545 takes from DTSTART.
type pattern struct {
	Rule
	opt rrule.ROption
}

func (r *Rule) pattern(start time.Time) pattern {
	q := pattern{Rule: *r}
	if q.freq < freqHourly && len(q.byHour) == 0 {
		q.byHour = []int{start.Hour()}
	}
	if q.freq < freqMinutely && len(q.byMinute) == 0 {
		q.byMinute = []int{start.Minute()}
	}
	if q.freq < freqSecondly && len(q.bySecond) == 0 {
		q.bySecond = []int{start.Second()}
	}
	noDay := len(q.byMonthDay)+len(q.byYearDay)+len(q.byDay) == 0
	switch {
	case q.freq == freqYearly && noDay && len(q.byWeekNo) > 0, q.freq == freqWeekly && len(q.byDay) == 0:
		q.byDay = []nthDay{{day: start.Weekday()}}
	case q.freq == freqYearly && noDay:
		if len(q.byMonth) == 0 {
			q.byMonth = []int{int(start.Month())}
		}
		q.byMonthDay = []int{start.Day()}
	case q.freq == freqMonthly && noDay:
		q.byMonthDay = []int{start.Day()}
	}
	q.opt = rrule.ROption{Freq: rrule.Frequency(q.freq), Wkst: libraryDay(nthDay{day: q.weekFrom}), Bysetpos: q.bySetPos}
	return q
}

// libraryDay translates a weekday; the library counts from Monday.
func libraryDay(d nthDay) rrule.Weekday {
	days := [...]rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}
	return days[d.day].Nth(d.n)
}

// possible reports whether BYSETPOS can pick anything in a period of weeks or shorter, whose number of
// times is known.
func (q *pattern) possible() bool {
	if len(q.bySetPos) == 0 || q.freq <= freqMonthly {
		return true
	}
	size := 1
	for i, list := range [][]int{q.byHour, q.byMinute, q.bySecond} {
		if int(q.freq) < int(freqHourly)+i {
			size *= len(list)
		}
	}
	if q.freq == freqWeekly {
		size *= len(q.byDay)
	}
	return slices.ContainsFunc(q.bySetPos, func(p int) bool { return p <= size && -p <= size })
}

// ask returns the times of the one period, year or month, that begins at start.
func (q *pattern) ask(start time.Time) rrule.Next {
	o := q.opt
	o.Dtstart, o.Interval = notZero(start), noSecond
	o.Bymonth, o.Bymonthday, o.Byyearday, o.Byweekno = q.byMonth, q.byMonthDay, q.byYearDay, q.byWeekNo
	for _, d := range q.byDay {
		o.Byweekday = append(o.Byweekday, libraryDay(d))
	}
	o.Byhour, o.Byminute, o.Bysecond = q.byHour, q.byMinute, q.bySecond
	rule, err := rrule.NewRRule(o)
	if err != nil { // ParseRule lets no value through that the library refuses
		return func() (time.Time, bool) { return time.Time{}, false }
	}
	return rule.Iterator()
}

// notZero avoids the zero time, the first second of the year 1, which the library takes as "now".
func notZero(t time.Time) time.Time {
	if t.IsZero() {
		return t.Add(time.Second)
	}
	return t
}

// period yields one period's times; false means stop.
func (q *pattern) period(start time.Time, cost int, work *int, take func(time.Time) bool) bool {
	if *work -= cost; *work <= 0 {
		return false
	}
	for next := q.ask(start); ; {
		w, ok := next()
		if !ok {
			return true
		}
		if *work--; *work <= 0 || !take(w) {
			return false
		}
	}
}

func (q *pattern) years(start, from, to time.Time, work *int, take func(time.Time) bool) {
	y := start.Year()
	if behind := from.Year() - 1 - y; behind > 0 && q.interval < 10_000 {
		y += behind / q.interval * q.interval
	}
	for y <= to.Year() {
		if !q.period(time.Date(y, time.January, 1, 0, 0, 0, 0, time.UTC), stepsOfYear, work, take) {
			return
		}
		y += min(q.interval, 10_000)
	}
}

func (q *pattern) months(start, from, to time.Time, work *int, take func(time.Time) bool) {
	month := func(t time.Time) int { return t.Year()*12 + int(t.Month()) - 1 }
	m, interval := month(start), min(q.interval, 120_000)
	if behind := month(from) - 1 - m; behind > 0 {
		m += behind / interval * interval
	}
	for ; m <= month(to); m += interval {
		name := time.Month(m%12 + 1)
		if len(q.byMonth) > 0 && !slices.Contains(q.byMonth, int(name)) {
			if *work--; *work <= 0 {
				return
			}
			continue
		}
		if !q.period(time.Date(m/12, name, 1, 0, 0, 0, 0, time.UTC), stepsOfMonth, work, take) {
			return
		}
	}
}

// units walks weeks, days, hours, minutes or seconds.
func (q *pattern) units(start, from, to time.Time, work *int, take func(time.Time) bool) {
	unit := [...]int64{freqWeekly: 7 * 86400, freqDaily: 86400, freqHourly: 3600, freqMinutely: 60, freqSecondly: 1}[q.freq]
	const century = 100 * 366 * 86400
	if int64(q.interval) > century/unit {
		return // beyond any window; DTSTART was yielded already
	}
	step := unit * int64(q.interval)
	begin := start.Unix() - mod(start.Unix(), unit)
	if q.freq == freqWeekly {
		begin = start.Unix() - mod(start.Unix(), 86400) - 86400*mod(int64(start.Weekday()-q.weekFrom), 7)
	}
	if behind := from.Unix() - begin - unit; behind > 0 {
		begin += behind / step * step
	}
	o := q.opt
	o.Dtstart, o.Interval = notZero(time.Unix(begin, 0).UTC()), q.interval
	if q.freq == freqWeekly {
		for _, d := range q.byDay {
			o.Byweekday = append(o.Byweekday, libraryDay(d))
		}
	}
	if q.freq < freqHourly {
		o.Byhour = q.byHour
	}
	if q.freq < freqMinutely {
		o.Byminute = q.byMinute
	}
	if q.freq < freqSecondly {
		o.Bysecond = q.bySecond
	}
	rule, err := rrule.NewRRule(o)
	if err != nil { // see ask
		return
	}
	for next := rule.Iterator(); ; {
		w, ok := next()
		if !ok || w.After(to) {
			return
		}
		if *work--; *work <= 0 || q.lets(w) && !take(w) {
			return
		}
	}
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }

// lets reports whether w passes the parts that only filter at this frequency.
func (q *pattern) lets(w time.Time) bool {
	in := func(list []int, n int) bool { return len(list) == 0 || slices.Contains(list, n) }
	if !in(q.byMonth, int(w.Month())) {
		return false
	}
	if len(q.byMonthDay) > 0 {
		length := time.Date(w.Year(), w.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if !in(q.byMonthDay, w.Day()) && !in(q.byMonthDay, w.Day()-length-1) {
			return false
		}
	}
	if len(q.byYearDay) > 0 {
		length := time.Date(w.Year(), time.December, 31, 0, 0, 0, 0, time.UTC).YearDay()
		if !in(q.byYearDay, w.YearDay()) && !in(q.byYearDay, w.YearDay()-length-1) {
			return false
		}
	}
	if q.freq > freqWeekly && len(q.byDay) > 0 &&
		!slices.ContainsFunc(q.byDay, func(d nthDay) bool { return d.day == w.Weekday() }) {
		return false
	}
	return (q.freq < freqHourly || in(q.byHour, w.Hour())) &&
		(q.freq < freqMinutely || in(q.byMinute, w.Minute())) &&
		(q.freq < freqSecondly || in(q.bySecond, w.Second()))
}
