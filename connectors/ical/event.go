package ical

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
)

// maxRules bounds the rules of one event; more than one is rare.
const maxRules = 20

// Options are what reading and expanding need to know of the room. Zone must be set.
type Options struct {
	Zone          *time.Location // for floating times, whole days and zones that nobody knows
	MaxPerEvent   int            // occurrences of one UID in one window; 0 = 5,000
	MaxSteps      int            // work on one rule; 0 = 100,000
	MaxTotalSteps int            // work on all rules of one call; 0 = 2,000,000
}

func (o Options) withDefaults() Options {
	for _, f := range []struct {
		n *int
		d int
	}{{&o.MaxPerEvent, 5_000}, {&o.MaxSteps, 100_000}, {&o.MaxTotalSteps, 2_000_000}} {
		if *f.n <= 0 {
			*f.n = f.d
		}
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return o
}

// WarningKind is a fixed word for something that was coped with.
type WarningKind string

// The warnings. Detail, where there is one, is a zone's name or a rule's part, never a person's words.
const (
	WarnZoneGuessed  WarningKind = "zone guessed"          // only an offset or a city fits
	WarnZoneUnknown  WarningKind = "zone unknown"          // the calendar's or room's zone was taken
	WarnManyZones    WarningKind = "too many zones"        // more than 500 names in one calendar
	WarnRuleInvalid  WarningKind = "rule invalid"          // only the first occurrence is known
	WarnRulePart     WarningKind = "rule part ignored"     // Detail names it
	WarnRuleCut      WarningKind = "rule cut off"          // more occurrences or work than allowed
	WarnDateInvalid  WarningKind = "date ignored"          // a value of RDATE or EXDATE
	WarnEndInvalid   WarningKind = "end ignored"           // an end that is no time or before the start
	WarnStartMissing WarningKind = "start taken from rule" // no DTSTART, but RDATE or RECURRENCE-ID
	WarnNoUID        WarningKind = "no uid"                // a made-up one stands in
	WarnOldVersion   WarningKind = "older version ignored" // same UID, lower SEQUENCE
)

// Warning is one kind with its detail; lists count how often it came.
type Warning struct {
	Kind   WarningKind
	Detail string
}

// SkipReason is a fixed word for why an event is not there.
type SkipReason string

// The reasons for skipping an event.
const (
	SkipNoStart  SkipReason = "no start"
	SkipBadStart SkipReason = "start is no time"
)

// Set is what Events found in a file.
type Set struct {
	Events   []Event
	Found    int                // VEVENT components
	Skipped  map[SkipReason]int // those that gave no Event
	Warnings map[Warning]int
}

// Event is one VEVENT: a single event, the master of a series, or an override of occurrences.
// Start and End are the event's own; Expand gives those of its occurrences.
type Event struct {
	UID    string         // never empty
	Start  time.Time      // in the event's zone; of whole days the start of FirstDay in Options.Zone
	End    time.Time      // not before Start
	Zone   *time.Location // of Start; Options.Zone for whole days and floating times
	AllDay bool
	// FirstDay and EndDay are set for whole days only: the days from FirstDay up to and without EndDay.
	FirstDay, EndDay when.Date

	Summary, Organizer, OrganizerAddr, Location string
	Attachments                                 []string // URLs; inline ones are not listed

	Private, Tentative, Free, Cancelled bool
	Created                             time.Time // CREATED, else DTSTAMP; zero = unknown
	Modified                            time.Time // LAST-MODIFIED; zero = unknown
	Sequence                            int

	Recurring bool // has a rule or further dates
	Override  bool // has a RECURRENCE-ID
	Future    bool // … with RANGE=THISANDFUTURE

	Component *Component // where it stands in the tree; not a copy

	wall     time.Time // start as written, fields in UTC; of whole days midnight
	length   length
	original stamp
	rules    []Rule
	exRules  []Rule
	dates    []dateAdd
	exDates  []stamp
}

// dateAdd is an RDATE; length is nil unless it was a PERIOD.
type dateAdd struct {
	stamp
	length *length
}

// Events returns the events of all VCALENDARs of the file, in its order.
func Events(cal *Calendar, o Options) *Set {
	o = o.withDefaults()
	set := &Set{Skipped: map[SkipReason]int{}, Warnings: map[Warning]int{}}
	var last *Component
	var z *zones
	cal.Find("VEVENT", func(root, c *Component) {
		if root != last {
			last, z = root, newZones(root, cal.Components, o.Zone, set.warn)
		}
		set.Found++
		r := eventReader{zones: z, set: set, opt: o}
		if e, skip := r.read(c); skip != "" {
			set.Skipped[skip]++
		} else {
			set.Events = append(set.Events, e)
		}
	})
	return set
}

// maxWarnings bounds the different warnings of a set; further ones are counted without detail.
const maxWarnings = 100

func (s *Set) warn(kind WarningKind, detail string) { countWarning(s.Warnings, kind, detail) }

func countWarning(m map[Warning]int, kind WarningKind, detail string) {
	w := Warning{kind, detail}
	if _, ok := m[w]; !ok && len(m) >= maxWarnings {
		w.Detail = ""
	}
	m[w]++
}

type eventReader struct {
	zones *zones
	set   *Set
	opt   Options
}

func (r eventReader) read(c *Component) (e Event, skip SkipReason) {
	e = Event{Component: c, UID: strings.TrimSpace(c.Text("UID"))}
	r.recurrence(c, &e)
	start, skip := r.start(c, &e)
	if skip != "" {
		return e, skip
	}
	r.times(c, start, &e)
	r.flags(c, &e)
	r.words(c, &e)
	if e.UID == "" {
		r.set.warn(WarnNoUID, "")
		e.UID = fmt.Sprintf("no-uid-%s-%d", start.format(), r.set.Found)
	}
	return e, ""
}

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

// recurrence reads what makes a series or an override.
func (r eventReader) recurrence(c *Component, e *Event) {
	for _, p := range c.Props {
		switch p.Name {
		case "RRULE", "EXRULE":
			rule, err := ParseRule(p.Value)
			if err != nil {
				r.set.warn(WarnRuleInvalid, p.Name)
				continue
			}
			for _, part := range rule.Ignored() {
				r.set.warn(WarnRulePart, part)
			}
			list := &e.rules
			if p.Name == "EXRULE" {
				list = &e.exRules
			}
			if len(*list) < maxRules {
				*list = append(*list, rule)
			}
		case "RDATE", "EXDATE":
			list, lengths, bad := r.zones.readStamps(p)
			if bad > 0 {
				r.set.warn(WarnDateInvalid, p.Name)
			}
			if p.Name == "EXDATE" {
				e.exDates = append(e.exDates, list...)
				continue
			}
			for i, v := range list {
				e.dates = append(e.dates, dateAdd{v, lengths[i]})
			}
		case "RECURRENCE-ID":
			if list, _, _ := r.zones.readStamps(p); len(list) > 0 {
				e.original, e.Override = list[0], true
				e.Future = strings.EqualFold(p.Param("RANGE"), "THISANDFUTURE")
			} else {
				r.set.warn(WarnDateInvalid, p.Name)
			}
		}
	}
	if e.Override {
		e.rules, e.exRules, e.exDates = nil, nil, nil // an override is one occurrence
	}
	e.Recurring = len(e.rules)+len(e.dates) > 0 && !e.Override
}

func (r eventReader) flags(c *Component, e *Event) {
	word := func(name string) string { return strings.ToUpper(strings.TrimSpace(c.Text(name))) }
	switch word("CLASS") {
	case "PRIVATE", "CONFIDENTIAL":
		e.Private = true
	}
	busy := word("X-MICROSOFT-CDO-BUSYSTATUS")
	e.Free = word("TRANSP") == "TRANSPARENT" || busy == "FREE"
	e.Tentative = word("STATUS") == "TENTATIVE" || busy == "TENTATIVE"
	e.Cancelled = word("STATUS") == "CANCELLED" || word("STATUS") == "CANCELED"
	e.Sequence, _ = strconv.Atoi(word("SEQUENCE"))
	instant := func(name string) time.Time {
		p := c.Prop(name)
		if p == nil {
			return time.Time{}
		}
		list, _, _ := r.zones.readStamps(*p)
		if len(list) == 0 || list[0].date {
			return time.Time{}
		}
		return list[0].at(r.zones.floating).UTC()
	}
	if e.Created = instant("CREATED"); e.Created.IsZero() {
		e.Created = instant("DTSTAMP")
	}
	e.Modified = instant("LAST-MODIFIED")
}

func (r eventReader) words(c *Component, e *Event) {
	e.Summary = strings.TrimSpace(c.Text("SUMMARY"))
	e.Location = strings.TrimSpace(c.Text("LOCATION"))
	if p := c.Prop("ORGANIZER"); p != nil {
		e.Organizer = strings.TrimSpace(p.Param("CN"))
		e.OrganizerAddr = mailAddress(*p)
		if e.Organizer == "" && e.OrganizerAddr == "" { // vCalendar 1.0 and some exports: a name alone
			e.Organizer = strings.TrimSpace(p.Text())
		}
	}
	for _, p := range c.All("ATTACH") {
		v := strings.TrimSpace(p.Value)
		if strings.Contains(v, "://") && len(v) <= 2048 && !strings.EqualFold(p.Param("VALUE"), "BINARY") &&
			len(e.Attachments) < 20 {
			e.Attachments = append(e.Attachments, v)
		}
	}
}

// mailAddress returns the address of a mailto: value, of a bare address, or of the EMAIL parameter
// (RFC 7986), which stands where the value is another kind of link.
func mailAddress(p Prop) string {
	v := strings.TrimSpace(p.Value)
	if len(v) > 7 && strings.EqualFold(v[:7], "mailto:") {
		return strings.TrimSpace(v[7:])
	}
	if a := strings.TrimSpace(p.Param("EMAIL")); a != "" {
		return a
	}
	if strings.Contains(v, "@") && !strings.ContainsAny(v, "/: ") {
		return v
	}
	return ""
}
