// Package vevent turns iCalendar bytes into the events of the contract. ICS feeds and CalDAV objects
// share it, so that one rule decides what is private, free or ours.
package vevent

import (
	"slices"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ical"
)

// The properties that an event of ours carries.
const (
	TokenProp = "X-LINTEL-TOKEN" // Draft.Token
	NameProp  = "CONTACT"        // Draft.Organizer: an ORGANIZER would make servers send invitations
)

// File is a parsed feed or object.
type File struct {
	Events   []ical.Event
	Bad      int         // VEVENTs that could not be read, and one for a file that stops in its middle
	Lost     []ical.Lost // the VEVENTs of them that can be named
	calendar *ical.Calendar
	report   ical.Report
	warnings map[ical.Warning]int
	zone     *time.Location
	private  map[string]bool // UIDs of private series
	fresh    time.Time       // see DistrustStamps
}

// Parse reads data with the room's zone. The error is ical's: no calendar at all, or beyond a limit.
func Parse(data []byte, zone *time.Location, limits ical.Limits) (*File, error) {
	cal, report, err := ical.Parse(data, limits)
	if err != nil {
		return nil, err
	}
	set := ical.Events(cal, ical.Options{Zone: zone})
	f := &File{Events: set.Events, Lost: set.Lost, calendar: cal, report: report, warnings: set.Warnings, zone: zone, private: map[string]bool{}}
	for _, n := range set.Skipped {
		f.Bad += n
	}
	if report.Truncated {
		f.Bad++
	}
	for _, e := range f.Events {
		if e.Private && !e.Override {
			f.private[e.UID] = true
		}
	}
	return f, nil
}

// Calendar returns the tree for editing, and whether writing it back would lose nothing.
func (f *File) Calendar() (*ical.Calendar, bool) { return f.calendar, f.report.Whole() }

// Truncated reports whether the file stops before its end.
func (f *File) Truncated() bool { return f.report.Truncated }

// DistrustStamps makes DTSTAMPs after t no time of creation: many publishers stamp each download, and
// an event must not change with each read.
func (f *File) DistrustStamps(t time.Time) { f.fresh = t }

// Occurrences returns what touches the window as events, each with everything but Key, Rev and Written,
// and adds what had to be coped with to warnings. A window without events adds no warnings but those
// of lost events.
func (f *File) Occurrences(window when.Interval, warnings connectors.Warnings) []connectors.Event {
	x := ical.Expand(f.Events, window, ical.Options{Zone: f.zone})
	out := slices.Grow([]connectors.Event(nil), len(x.Occurrences)) // nil for none
	for _, occ := range x.Occurrences {
		out = append(out, f.event(occ))
	}
	if len(out) > 0 || f.Bad > 0 || x.Cut {
		add(warnings, f.warnings)
		add(warnings, x.Warnings)
	}
	return out
}

func (f *File) event(occ ical.Occurrence) connectors.Event {
	c := occ.Event.Component
	e := connectors.Event{
		Series: occ.Event.UID, Occurrence: occ.Original,
		From: occ.From.UTC(), To: occ.To.UTC(),
		AllDay: occ.AllDay, FirstDay: occ.FirstDay, EndDay: occ.EndDay,
		Subject: occ.Event.Summary, Organizer: occ.Event.Organizer, OrganizerAddr: occ.Event.OrganizerAddr,
		Tentative: occ.Event.Tentative, Free: occ.Event.Free, Created: occ.Event.Created,
		Mine:  c.Prop("ATTENDEE") == nil,
		Token: c.Text(TokenProp),
	}
	if e.Token != "" && e.Organizer == "" {
		e.Organizer = c.Text(NameProp)
	}
	if !f.fresh.IsZero() && c.Prop("CREATED") == nil && e.Created.After(f.fresh) {
		e.Created = time.Time{}
	}
	// An override without CLASS in a private series is private too: better once too often than once too late.
	if occ.Event.Private || f.private[occ.Event.UID] {
		e.Hide()
	}
	return e
}

// add counts ical's warnings under the contract's text keys.
func add(to connectors.Warnings, from map[ical.Warning]int) {
	for w, n := range from {
		to.Add(WarningKey(w.Kind), w.Detail, n)
	}
}

// WarningKey is the text key of a warning of ical's.
func WarningKey(k ical.WarningKind) string {
	return "calendar.warning." + strings.ReplaceAll(string(k), " ", "_")
}

// lookahead is how far a series that has come to its end is looked for: one without an occurrence in
// this time counts as over.
const lookahead = 100 * 366 * 24 * time.Hour

// Span returns bounds of all occurrences, as Unix seconds: no occurrence lies outside, apart from what a
// change of the room's zone moves. Open means that a series has an occurrence after `after`, so that
// there is no upper bound. A file without events gives to before from.
func (f *File) Span(after time.Time) (from, to int64, open bool) {
	from, to = 1, 0
	recurs := false
	for i, e := range f.Events {
		if i == 0 {
			from, to = e.Start.Unix(), e.End.Unix()
		}
		from, to = min(from, e.Start.Unix()), max(to, e.End.Unix())
		recurs = recurs || e.Recurring || e.Future
	}
	if !recurs {
		return from, to, false
	}
	// RDATE and overrides of this and future occurrences may lie before the start: no lower bound.
	from = 0
	ahead := ical.Expand(f.Events, when.Interval{From: after, To: after.Add(lookahead)}, ical.Options{Zone: f.zone, MaxPerEvent: 1})
	return from, max(to, after.Unix()), len(ahead.Occurrences) > 0 || ahead.Cut
}

// Find returns one occurrence as it stands, wherever it was moved to.
func (f *File) Find(occurrence string) (connectors.Event, bool) {
	near := 48 * time.Hour
	var windows []when.Interval
	for _, e := range f.Events {
		if e.Override == (occurrence != "") || e.Future {
			windows = append(windows, when.Interval{From: e.Start, To: e.End.Add(time.Second)})
		}
		if e.Future {
			near = 400 * 24 * time.Hour // it may have moved all later ones
		}
	}
	for _, layout := range []string{"20060102T150405Z", "20060102"} {
		if t, err := time.Parse(layout, occurrence); err == nil {
			windows = append(windows, when.Interval{From: t.Add(-near), To: t.Add(near)})
		}
	}
	for _, w := range windows {
		for _, e := range f.Occurrences(w, connectors.Warnings{}) {
			if e.Occurrence == occurrence {
				return e, true
			}
		}
	}
	return connectors.Event{}, false
}
