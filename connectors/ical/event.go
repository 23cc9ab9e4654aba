package ical

import (
	"fmt"
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
	MaxTotalSteps int            // work on all rules of one call; 0 = 1,000,000
}

func (o Options) withDefaults() Options {
	for _, f := range []struct {
		n *int
		d int
	}{{&o.MaxPerEvent, 5_000}, {&o.MaxSteps, 100_000}, {&o.MaxTotalSteps, 1_000_000}} {
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

// Lost names a VEVENT that gave no Event: one occurrence of UID, in the form of Occurrence.Original, or with
// Original "" all of UID that no other VEVENT tells.
type Lost struct{ UID, Original string }

// Set is what Events found in a file.
type Set struct {
	Events   []Event
	Found    int                // VEVENT components
	Skipped  map[SkipReason]int // those that gave no Event
	Lost     []Lost             // of them those that can be named
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
	n := 0
	cal.Find("VEVENT", func(_, _ *Component) { n++ })
	set.Events = make([]Event, 0, n) // an Event is large: growing would copy each of them more than once
	var last *Component
	var z *zones
	var lost []Event
	cal.Find("VEVENT", func(root, c *Component) {
		if root != last {
			last, z = root, newZones(root, cal.Components, o.Zone, set.warn)
		}
		set.Found++
		r := eventReader{zones: z, set: set, opt: o}
		if e, skip := r.read(c); skip != "" {
			set.Skipped[skip]++
			e.Zone = z.floating
			lost = append(lost, e)
		} else {
			set.Events = append(set.Events, e)
		}
	})
	set.Lost = lostOf(lost, set.Events)
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
