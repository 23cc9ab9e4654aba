package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/templates"
)

// Bounds of the fields of a repetition.
const (
	everyMax = 99
	countMax = 999
)

// dayNames are the days of the week as a rule writes them (RFC 5545, 3.3.10), from Monday.
func dayNames() []string { return []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"} }

// readRepeat reads the fields of a repetition into the view, as they were typed.
func readRepeat(f *form, v *templates.BookingForm) {
	v.Repeat, v.Every, v.MonthBy = f.text("repeat"), f.text("every"), f.text("month_by")
	v.Ends, v.Until, v.Count = f.text("ends"), f.text("until"), f.text("count")
	v.Weekdays = nil
	for _, d := range f.all("weekday") {
		if n, err := strconv.Atoi(d); err == nil && n >= 1 && n <= 7 {
			v.Weekdays = append(v.Weekdays, n)
		}
	}
}

// rule writes the repetition that a form asks for as an RRULE value; "" for none. What it can't read is
// blamed in f.
func rule(f *form, first when.Date) string {
	var parts []string
	add := func(name, value string) { parts = append(parts, name+"="+value) }
	switch f.text("repeat") {
	case templates.RepeatNone:
		return ""
	case templates.RepeatDaily:
		add("FREQ", "DAILY")
	case templates.RepeatWeekly:
		add("FREQ", "WEEKLY")
		add("BYDAY", byDay(f, first))
	case templates.RepeatMonthly:
		add("FREQ", "MONTHLY")
		if f.text("month_by") == templates.MonthByWeekday {
			add("BYDAY", nthWeekday(first))
		} else {
			add("BYMONTHDAY", strconv.Itoa(first.Day))
		}
	default:
		f.bad("repeat", "bookings.rule_unclear")
		return ""
	}
	if every := f.number("every", 1, everyMax, 1); every > 1 {
		add("INTERVAL", strconv.Itoa(every))
	}
	if f.text("ends") == templates.EndsAfter {
		n := f.number("count", 1, countMax, 0)
		if n == 0 {
			f.bad("count", "form.bad_number")
		}
		add("COUNT", strconv.Itoa(n))
		return strings.Join(parts, ";")
	}
	until := f.date("until")
	if !until.IsZero() && until.Before(first) {
		f.bad("until", "form.until_before")
	}
	add("UNTIL", strings.ReplaceAll(until.String(), "-", ""))
	return strings.Join(parts, ";")
}

// byDay returns the chosen days of the week; without one it is that of the first date.
func byDay(f *form, first when.Date) string {
	var days []string
	for i, name := range dayNames() {
		if slices.Contains(f.all("weekday"), strconv.Itoa(i+1)) {
			days = append(days, name)
		}
	}
	if len(days) == 0 {
		days = []string{dayNames()[first.ISOWeekday()-1]}
	}
	return strings.Join(days, ",")
}

// nthWeekday names a date by its place among the same weekdays of its month: 3TH. The fifth is the last, so
// that no month is left out.
func nthWeekday(d when.Date) string {
	n := (d.Day-1)/7 + 1
	if n == 5 {
		n = -1
	}
	return strconv.Itoa(n) + dayNames()[d.ISOWeekday()-1]
}

// showRule fills the fields of a repetition from a rule that a form could have written. Of other rules it
// shows as much as there are fields for.
func showRule(v *templates.BookingForm, rule string) {
	v.Every, v.MonthBy, v.Ends = "1", templates.MonthByDay, templates.EndsOn
	for part := range strings.SplitSeq(rule, ";") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "FREQ":
			v.Repeat = map[string]string{"DAILY": templates.RepeatDaily, "WEEKLY": templates.RepeatWeekly, "MONTHLY": templates.RepeatMonthly}[value]
		case "INTERVAL":
			v.Every = value
		case "COUNT":
			v.Ends, v.Count = templates.EndsAfter, value
		case "UNTIL":
			if len(value) >= 8 {
				v.Until = value[:4] + "-" + value[4:6] + "-" + value[6:8]
			}
		case "BYDAY":
			for day := range strings.SplitSeq(value, ",") {
				if i := slices.Index(dayNames(), day); i >= 0 {
					v.Weekdays = append(v.Weekdays, i+1)
				} else {
					v.MonthBy = templates.MonthByWeekday
				}
			}
		}
	}
}

// ruleWords says a rule in the visitor's language.
func (v *visitor) ruleWords(rule string) string {
	var view templates.BookingForm
	showRule(&view, rule)
	every, err := strconv.Atoi(view.Every)
	if err != nil || view.Repeat == "" {
		return v.T("repeat.said_other")
	}
	said := v.N("repeat.said_"+view.Repeat, every)
	if view.Repeat == templates.RepeatWeekly && len(view.Weekdays) > 0 {
		var days []string
		for _, d := range view.Weekdays {
			days = append(days, v.Weekday(time.Weekday(d%7)))
		}
		said += " (" + v.Join(days) + ")"
	}
	if until, err := when.ParseDate(view.Until); err == nil {
		said += ", " + v.T("repeat.said_until", "Date", v.Date(until.Start(time.UTC)))
	}
	if n, err := strconv.Atoi(view.Count); err == nil {
		said += ", " + v.N("repeat.said_count", n)
	}
	return said
}
