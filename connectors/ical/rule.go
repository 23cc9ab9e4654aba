package ical

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

type freq int

const (
	freqYearly freq = iota
	freqMonthly
	freqWeekly
	freqDaily
	freqHourly
	freqMinutely
	freqSecondly
)

var freqNames = []string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"}

var dayNames = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"} // by time.Weekday

// nthDay is a BYDAY value: the nth weekday of the month or year, from its end when n is negative; all
// of them when n is 0.
type nthDay struct {
	n   int
	day time.Weekday
}

// Rule is a recurrence rule (RFC 5545 3.3.10). The zero Rule is not valid; ParseRule makes one.
type Rule struct {
	freq     freq
	interval int
	count    int // 0 = no COUNT
	until    stamp
	hasUntil bool
	weekFrom time.Weekday // WKST

	byMonth, byMonthDay, byYearDay, byWeekNo []int
	byHour, byMinute, bySecond, bySetPos     []int
	byDay                                    []nthDay

	ignored []string // names of parts that were left out
}

// ErrRule is wrapped by the errors of ParseRule.
var ErrRule = errors.New("recurrence rule")

// maxTimesADay bounds BYHOUR × BYMINUTE × BYSECOND.
const maxTimesADay = 288

// ParseRule reads the value of an RRULE. It forgives case, spaces, a name in front, empty parts (a
// trailing semicolon) and single bad values in a list, and leaves out parts that it does not know
// (Ignored names them). A part without any good value is an error: without it the rule would mean more.
func ParseRule(s string) (Rule, error) {
	r := Rule{freq: -1, interval: 1, weekFrom: time.Monday}
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) > 4096 {
		return Rule{}, fmt.Errorf("%w: longer than 4096 characters", ErrRule)
	}
	s = strings.TrimPrefix(s, "RRULE:")
	for part := range strings.SplitSeq(s, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || value == "" {
			r.ignored = append(r.ignored, clipDetail(key))
			continue
		}
		if err := r.set(key, value); err != nil {
			return Rule{}, err
		}
	}
	if r.freq < 0 {
		return Rule{}, fmt.Errorf("%w: no FREQ", ErrRule)
	}
	return r, r.tidy()
}

func (r *Rule) set(key, value string) (err error) {
	ints := func(to *[]int, lo, hi int, mirrored bool) {
		*to, err = parseInts(key, value, lo, hi, mirrored)
	}
	switch key {
	case "FREQ":
		r.freq = freq(slices.Index(freqNames, value))
		if r.freq < 0 {
			return fmt.Errorf("%w: unknown frequency", ErrRule)
		}
	case "INTERVAL", "COUNT":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			if key == "INTERVAL" && err == nil {
				n = 1
			} else {
				return fmt.Errorf("%w: %s is no positive number", ErrRule, key)
			}
		}
		if key == "COUNT" {
			r.count = n
		} else {
			r.interval = n
		}
	case "UNTIL":
		r.until, r.hasUntil = parseStamp(value)
		if !r.hasUntil {
			return fmt.Errorf("%w: UNTIL is no date", ErrRule)
		}
	case "WKST":
		if i := slices.Index(dayNames, value); i >= 0 {
			r.weekFrom = time.Weekday(i)
		} else {
			r.ignored = append(r.ignored, key)
		}
	case "BYDAY":
		r.byDay, err = parseDays(value)
	case "BYMONTH":
		ints(&r.byMonth, 1, 12, false)
	case "BYMONTHDAY":
		ints(&r.byMonthDay, 1, 31, true)
	case "BYYEARDAY":
		ints(&r.byYearDay, 1, 366, true)
	case "BYWEEKNO":
		ints(&r.byWeekNo, 1, 53, true)
	case "BYHOUR":
		ints(&r.byHour, 0, 23, false)
	case "BYMINUTE":
		ints(&r.byMinute, 0, 59, false)
	case "BYSECOND":
		ints(&r.bySecond, 0, 59, false)
	case "BYSETPOS":
		ints(&r.bySetPos, 1, 366, true)
	case "RSCALE":
		if value != "GREGORIAN" {
			return fmt.Errorf("%w: a calendar other than the Gregorian", ErrRule)
		}
	default:
		r.ignored = append(r.ignored, clipDetail(key))
	}
	return err
}

// parseInts returns the values within lo..hi (or -hi..-lo), sorted, each once.
func parseInts(key, value string, lo, hi int, mirrored bool) ([]int, error) {
	var list []int
	for s := range strings.SplitSeq(value, ",") {
		n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(s), "+"))
		if err == nil && (n >= lo && n <= hi || mirrored && -n >= lo && -n <= hi) {
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: %s has no possible value", ErrRule, key)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func parseDays(value string) ([]nthDay, error) {
	var list []nthDay
	for s := range strings.SplitSeq(value, ",") {
		s = strings.ReplaceAll(s, " ", "")
		if len(s) < 2 {
			continue
		}
		day := slices.Index(dayNames, s[len(s)-2:])
		n := 0
		if num := strings.TrimPrefix(s[:len(s)-2], "+"); num != "" {
			var err error
			if n, err = strconv.Atoi(num); err != nil || n == 0 || n > 53 || n < -53 {
				continue
			}
		}
		d := nthDay{n, time.Weekday(day)}
		if day >= 0 && !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: BYDAY has no possible value", ErrRule)
	}
	return list, nil
}

// tidy removes what RFC 5545 gives no meaning at this frequency and refuses what can not be meant.
func (r *Rule) tidy() error {
	if max(1, len(r.byHour))*max(1, len(r.byMinute))*max(1, len(r.bySecond)) > maxTimesADay {
		return fmt.Errorf("%w: more than %d times a day", ErrRule, maxTimesADay)
	}
	if r.freq != freqYearly && len(r.byWeekNo) > 0 {
		r.byWeekNo = nil
		r.ignored = append(r.ignored, "BYWEEKNO")
	}
	most := 53 // of the same weekday: in a year, else in a month
	switch {
	case r.freq > freqMonthly || len(r.byWeekNo) > 0:
		most = 0
	case r.freq == freqMonthly || len(r.byMonth) > 0:
		most = 5
	}
	var days []nthDay
	for _, d := range r.byDay {
		switch {
		case most == 0:
			d.n = 0 // a number has no meaning here
		case d.n > most || d.n < -most:
			continue
		}
		if !slices.Contains(days, d) {
			days = append(days, d)
		}
	}
	if len(r.byDay) > 0 && len(days) == 0 {
		return fmt.Errorf("%w: BYDAY has no possible value", ErrRule)
	}
	r.byDay = days
	return nil
}

// Ignored names the parts of the text that ParseRule left out, nil when all was understood.
func (r Rule) Ignored() []string { return r.ignored }

// Endless reports whether the rule has neither COUNT nor UNTIL.
func (r Rule) Endless() bool { return r.count == 0 && !r.hasUntil }

// String returns the rule as the value of an RRULE.
func (r Rule) String() string {
	var b strings.Builder
	b.WriteString("FREQ=" + freqNames[r.freq])
	if r.interval != 1 {
		fmt.Fprintf(&b, ";INTERVAL=%d", r.interval)
	}
	if r.count > 0 {
		fmt.Fprintf(&b, ";COUNT=%d", r.count)
	}
	if r.hasUntil {
		b.WriteString(";UNTIL=" + r.until.format())
	}
	if len(r.byDay) > 0 {
		days := make([]string, len(r.byDay))
		for i, d := range r.byDay {
			if d.n != 0 {
				days[i] = strconv.Itoa(d.n)
			}
			days[i] += dayNames[d.day]
		}
		b.WriteString(";BYDAY=" + strings.Join(days, ","))
	}
	for _, part := range []struct {
		name string
		list []int
	}{
		{"BYMONTH", r.byMonth},
		{"BYMONTHDAY", r.byMonthDay},
		{"BYYEARDAY", r.byYearDay},
		{"BYWEEKNO", r.byWeekNo},
		{"BYHOUR", r.byHour},
		{"BYMINUTE", r.byMinute},
		{"BYSECOND", r.bySecond},
		{"BYSETPOS", r.bySetPos},
	} {
		for i, n := range part.list {
			if i == 0 {
				b.WriteString(";" + part.name + "=")
			} else {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Itoa(n))
		}
	}
	if r.weekFrom != time.Monday {
		b.WriteString(";WKST=" + dayNames[r.weekFrom])
	}
	return b.String()
}

// format writes a stamp as RFC 5545 does.
func (v stamp) format() string {
	switch {
	case v.date:
		return v.wall.Format("20060102")
	case v.utc:
		return v.wall.Format("20060102T150405Z")
	}
	return v.wall.Format("20060102T150405")
}
