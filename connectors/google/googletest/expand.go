package googletest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// instant reads start or end; days begin at midnight in the calendar's zone.
func (c *calendar) instant(d doc) (t time.Time, day, ok bool) {
	if s := d.text("date"); s != "" {
		t, err := time.ParseInLocation(time.DateOnly, s, c.location(""))
		return t, true, err == nil
	}
	t, err := time.Parse(time.RFC3339, d.text("dateTime"))
	if err != nil {
		t, err = time.ParseInLocation("2006-01-02T15:04:05", d.text("dateTime"), c.location(d.text("timeZone")))
	}
	return t, false, err == nil
}

func (c *calendar) location(name string) *time.Location {
	for _, n := range []string{name, c.zone} {
		if loc, err := time.LoadLocation(n); err == nil && n != "" {
			return loc
		}
	}
	return time.UTC
}

func (c *calendar) span(d doc) (from, to time.Time, ok bool) {
	from, _, ok1 := c.instant(d.sub("start"))
	to, _, ok2 := c.instant(d.sub("end"))
	return from, to, ok1 && ok2
}

// expand returns the occurrences of a series that touch a span, without those that have exceptions of
// their own.
func (c *calendar) expand(master doc, from, to time.Time) []doc {
	start, day, ok1 := c.instant(master.sub("start"))
	end, _, ok2 := c.instant(master.sub("end"))
	if !ok1 || !ok2 {
		return nil
	}
	zone := c.location(master.sub("start").text("timeZone"))
	if day {
		zone = time.UTC
		start = time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, time.UTC)
		y, m, d := end.Date()
		end = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	start, end = start.In(zone), end.In(zone)
	length := end.Sub(start)
	var out []doc
	for _, at := range c.starts(master, start, from.Add(-length-26*time.Hour), to.Add(26*time.Hour)) {
		layout := "20060102T150405Z"
		if day {
			layout = "20060102"
		}
		id := master.text("id") + "_" + at.UTC().Format(layout)
		if _, changed := c.events[id]; changed {
			continue
		}
		d := master.clone()
		delete(d, "recurrence")
		d["id"], d["recurringEventId"] = id, master.text("id")
		d["start"], d["end"] = stampOf(at, day, zone), stampOf(at.Add(length), day, zone)
		d["originalStartTime"] = d["start"]
		if a, b, ok := c.span(d); ok && a.Before(to) && b.After(from) {
			out = append(out, d)
		}
	}
	return out
}

func stampOf(t time.Time, day bool, zone *time.Location) map[string]any {
	if day {
		return map[string]any{"date": t.Format(time.DateOnly)}
	}
	return map[string]any{"dateTime": t.In(zone).Format(time.RFC3339), "timeZone": zone.String()}
}

// starts evaluates the recurrence lines between two instants.
func (c *calendar) starts(master doc, start, from, to time.Time) []time.Time {
	lines, _ := master["recurrence"].([]any)
	var rule string
	var out []time.Time
	for _, l := range lines {
		if r, ok := strings.CutPrefix(l.(string), "RRULE:"); ok {
			rule = r
		}
	}
	if rule != "" {
		opt, err := rrule.StrToROption(rule)
		if err != nil {
			panic(errors.New("googletest: bad rule " + rule))
		}
		opt.Dtstart = start
		r, err := rrule.NewRRule(*opt)
		if err != nil {
			panic(err)
		}
		out = r.Between(from, to, true)
	}
	var without []time.Time
	for _, l := range lines {
		s, ok := strings.CutPrefix(l.(string), "EXDATE")
		if !ok {
			continue
		}
		_, value, _ := strings.Cut(s, ":")
		if t, err := time.ParseInLocation("20060102T150405", value, start.Location()); err == nil {
			without = append(without, t)
		}
	}
	return slices.DeleteFunc(out, func(t time.Time) bool { return slices.ContainsFunc(without, t.Equal) })
}
