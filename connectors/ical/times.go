package ical

import (
	"strings"
	"time"

	"lintel/app/when"
)

// start finds DTSTART or what can stand for it.
func (r eventReader) start(c *Component, e *Event) (stamp, SkipReason) {
	if p := c.Prop("DTSTART"); p != nil {
		list, _, _ := r.zones.readStamps(*p)
		if len(list) == 0 {
			return stamp{}, SkipBadStart
		}
		return list[0], ""
	}
	switch {
	case len(e.dates) > 0:
		r.set.warn(WarnStartMissing, "")
		if l := e.dates[0].length; l != nil {
			e.length = *l
		}
		return e.dates[0].stamp, ""
	case e.Override:
		r.set.warn(WarnStartMissing, "")
		return e.original, ""
	}
	return stamp{}, SkipNoStart
}

// times sets start, end and zone.
func (r eventReader) times(c *Component, start stamp, e *Event) {
	e.Zone, e.wall = start.in(r.zones.floating), start.wall
	if start.date {
		e.Zone = r.opt.Zone
		e.allDay(when.DayOf(start.wall, time.UTC), 0)
		r.daysEnd(c, e)
	} else {
		e.Start = resolveWall(e.wall, e.Zone)
		r.timedEnd(c, e)
		r.microsoftAllDay(c, start, e)
	}
	if e.AllDay {
		e.Start, e.End = e.FirstDay.Start(r.opt.Zone), e.EndDay.Start(r.opt.Zone)
	} else {
		e.End = e.length.after(e.Start, e.Zone)
	}
}

func (e *Event) allDay(first when.Date, days int) {
	e.AllDay, e.FirstDay, e.EndDay = true, first, first.Add(max(1, days))
	e.wall = time.Date(first.Year, first.Month, first.Day, 0, 0, 0, 0, time.UTC)
	e.length = length{days: max(1, days)}
}

// daysEnd sets the end of whole days: DTEND, else DURATION, else one day.
func (r eventReader) daysEnd(c *Component, e *Event) {
	days := 0
	if end, ok := r.end(c); ok {
		last := end.day(r.opt.Zone)
		if !end.date && end.wall.Hour()+end.wall.Minute() > 0 && !end.utc {
			last = last.Add(1)
		}
		days = last.Sub(e.FirstDay)
		if days < 0 {
			r.set.warn(WarnEndInvalid, "")
		}
	} else if p := c.Prop("DURATION"); p != nil {
		l, negative, ok := parseLength(p.Value)
		if days = l.days + int((l.secs+86399)/86400); !ok || negative {
			days = 0
			r.set.warn(WarnEndInvalid, "")
		}
	}
	e.allDay(e.FirstDay, min(days, maxLengthDays))
}

// timedEnd sets the length: DTEND (an exact length for all occurrences), else DURATION, else none.
func (r eventReader) timedEnd(c *Component, e *Event) {
	if end, ok := r.end(c); ok {
		to := end.at(e.Zone)
		if end.date { // the end of that day is meant when the start lies on it
			to = when.DayOf(end.wall, time.UTC).Start(e.Zone)
			if to.Before(e.Start) {
				to = when.DayOf(end.wall, time.UTC).End(e.Zone)
			}
		}
		secs := to.Unix() - e.Start.Unix()
		if secs < 0 {
			r.set.warn(WarnEndInvalid, "")
		}
		e.length = length{secs: max(0, min(secs, maxLengthDays*86400))}
		return
	}
	if p := c.Prop("DURATION"); p != nil {
		l, negative, ok := parseLength(p.Value)
		if !ok || negative {
			r.set.warn(WarnEndInvalid, "")
			return
		}
		e.length = l
	}
}

func (r eventReader) end(c *Component) (stamp, bool) {
	p := c.Prop("DTEND")
	if p == nil {
		return stamp{}, false
	}
	list, _, _ := r.zones.readStamps(*p)
	if len(list) == 0 {
		r.set.warn(WarnEndInvalid, "")
		return stamp{}, false
	}
	return list[0], true
}

// microsoftAllDay honours X-MICROSOFT-CDO-ALLDAYEVENT on an event from midnight to midnight, be it in
// its own zone or, as UTC, in the room's.
func (r eventReader) microsoftAllDay(c *Component, start stamp, e *Event) {
	if !strings.EqualFold(strings.TrimSpace(c.Text("X-MICROSOFT-CDO-ALLDAYEVENT")), "TRUE") {
		return
	}
	end := e.length.after(e.Start, e.Zone)
	for _, zone := range []*time.Location{start.in(r.opt.Zone), r.opt.Zone} {
		a, b := when.DayOf(e.Start, zone), when.DayOf(end, zone)
		if a.Start(zone).Equal(e.Start) && b.Start(zone).Equal(end) {
			e.Zone = r.opt.Zone
			e.allDay(a, b.Sub(a))
			return
		}
	}
}
