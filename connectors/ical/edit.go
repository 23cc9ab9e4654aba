package ical

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lintel/app/when"
)

// The reasons for which an edit is refused. The calendar is then unchanged.
var (
	ErrNoEvent      = errors.New("no such event in the object")
	ErrManyEvents   = errors.New("the object holds more than one event")
	ErrRecurring    = errors.New("the event recurs, name the occurrence")
	ErrNotRecurring = errors.New("the event does not recur")
	ErrNoOccurrence = errors.New("no such occurrence")
	ErrWholeDays    = errors.New("the event is of whole days")
	ErrEndNotAfter  = errors.New("the end is not after the start")
	ErrRange        = errors.New("the occurrence stands for all later ones too")
)

// Editor changes one calendar object (RFC 4791 4.1: one UID) in place and keeps all that it does not
// know. Each edit raises SEQUENCE and sets DTSTAMP and LAST-MODIFIED of what it changes.
//
// Occurrences are named as in Occurrence.Original; "" names an event that does not recur.
type Editor struct {
	Calendar *Calendar
	Zone     *time.Location // the room's
	Now      time.Time
}

// SetEnd moves the end of one occurrence. In a series it adds or changes the VEVENT of that occurrence.
func (ed Editor) SetEnd(original string, end time.Time) error {
	return ed.edit("set end", original, func(c *Component, occ Occurrence) error {
		if occ.AllDay {
			return ErrWholeDays
		}
		if !end.After(occ.From) {
			return ErrEndNotAfter
		}
		c.Remove("DURATION")
		c.Set(like(*c.Prop("DTSTART"), "DTEND", end, occ.Event.Zone))
		return nil
	})
}

// SetProp sets a property of one occurrence, an X- property say.
func (ed Editor) SetProp(original string, p Prop) error {
	return ed.edit("set property", original, func(c *Component, _ Occurrence) error {
		c.Set(p)
		return nil
	})
}

// Release takes one occurrence out of a series: by EXDATE, and without its override if there is one.
// An event that does not recur is ErrNotRecurring: delete the object instead.
func (ed Editor) Release(original string) error {
	s, err := ed.series()
	if err == nil && original == "" {
		err = ErrNotRecurring
	}
	if err != nil {
		return fmt.Errorf("release occurrence: %w", err)
	}
	occ, override, err := s.find(original, ed.Zone)
	if err != nil {
		return fmt.Errorf("release occurrence: %w", err)
	}
	master := s.home(occ.Event)
	if override == nil && !master.Recurring {
		return fmt.Errorf("release occurrence: %w", ErrNotRecurring)
	}
	if override != nil {
		for _, root := range ed.Calendar.Components {
			root.Children = slices.DeleteFunc(root.Children, func(c *Component) bool { return c == override.Component })
		}
	}
	if master.Override {
		return nil // an occurrence without its series: nothing else to exclude it from
	}
	start, err := master.parseOriginal(original)
	if err != nil {
		return fmt.Errorf("release occurrence: %w", err)
	}
	c := master.Component
	c.Props = append(c.Props, master.likeStart("EXDATE", start))
	bump(c, ed.Now)
	return nil
}

// edit finds the VEVENT of an occurrence, makes one when the series has none, and lets change work on it.
func (ed Editor) edit(what, original string, change func(*Component, Occurrence) error) error {
	fail := func(err error) error { return fmt.Errorf("%s: %w", what, err) }
	s, err := ed.series()
	if err != nil {
		return fail(err)
	}
	occ, override, err := s.find(original, ed.Zone)
	if err != nil {
		return fail(err)
	}
	if override != nil || !occ.Event.Recurring && !occ.Event.Override {
		target := occ.Event.Component
		draft := target.Clone()
		if err := change(draft, occ); err != nil {
			return fail(err)
		}
		bump(draft, ed.Now)
		target.Props = draft.Props
		return nil
	}
	c, err := s.newOverride(occ)
	if err != nil {
		return fail(err)
	}
	if err := change(c, occ); err != nil {
		return fail(err)
	}
	bump(c, ed.Now)
	master := s.home(occ.Event).Component
	for _, root := range ed.Calendar.Components {
		if i := slices.Index(root.Children, master); i >= 0 {
			root.Children = slices.Insert(root.Children, i+1, c)
		}
	}
	return nil
}

func (ed Editor) series() (*series, error) {
	set := Events(ed.Calendar, Options{Zone: ed.Zone})
	all := groupSeries(set.Events, func(WarningKind, string) {})
	switch {
	case len(all) == 0:
		return nil, ErrNoEvent
	case len(all) > 1:
		return nil, ErrManyEvents
	}
	return all[0], nil
}

// find returns an occurrence by its name, and the override that stands for it, nil when none does.
func (s *series) find(original string, zone *time.Location) (Occurrence, *Event, error) {
	if original == "" {
		if len(s.masters) != 1 || len(s.overrides) > 0 || s.masters[0].Recurring {
			return Occurrence{}, nil, ErrRecurring
		}
		occ, ok := s.single(s.masters[0], zone)
		if !ok {
			return Occurrence{}, nil, ErrNoOccurrence
		}
		return occ, nil, nil
	}
	for _, ov := range s.overrides {
		switch {
		case s.key(ov) != original || ov.Cancelled:
		case ov.Future:
			return Occurrence{}, nil, ErrRange
		default:
			return ov.asOverride(original, zone), ov, nil
		}
	}
	var found *Occurrence
	for _, m := range s.masters {
		t, err := m.parseOriginal(original)
		if err != nil {
			continue
		}
		if !m.Recurring {
			if occ, ok := s.single(m, zone); ok && occ.Original == original {
				return occ, nil, nil
			}
			continue
		}
		work := Options{}.withDefaults().MaxSteps
		s.originals(m, span{t.wall.Add(-time.Hour), t.wall.Add(time.Hour)}, Options{}, &work, func(at start) bool {
			if !at.at.Equal(t.at) {
				return true
			}
			if occ, ok := s.occurrence(m, at, zone); ok {
				found = &occ
			}
			return false
		})
	}
	if found == nil {
		return Occurrence{}, nil, ErrNoOccurrence
	}
	return *found, nil, nil
}

// parseOriginal reads Occurrence.Original as a start of this series.
func (e *Event) parseOriginal(original string) (start, error) {
	v, ok := parseStamp(original)
	if !ok || v.date != e.AllDay || !v.date && !v.utc {
		return start{}, ErrNoOccurrence
	}
	return e.startOf(v), nil
}

// newOverride makes the VEVENT that stands for one occurrence of a series: a copy of what governs it,
// without the rules, at the occurrence's times.
func (s *series) newOverride(occ Occurrence) (*Component, error) {
	master := s.home(occ.Event)
	at, err := master.parseOriginal(occ.Original)
	if err != nil {
		return nil, err
	}
	c := occ.Event.Component.Clone()
	c.Remove("RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "DURATION", "DTEND")
	form := occ.Event.startProp()
	if occ.AllDay {
		c.Set(likeDay(form, "DTSTART", occ.FirstDay, occ.Event.Zone))
		c.Set(likeDay(form, "DTEND", occ.EndDay, occ.Event.Zone))
	} else {
		c.Set(like(form, "DTSTART", occ.From, occ.Event.Zone))
		if occ.To.After(occ.From) {
			c.Set(like(form, "DTEND", occ.To, occ.Event.Zone))
		}
	}
	id := master.likeStart("RECURRENCE-ID", at)
	i := slices.IndexFunc(c.Props, func(p Prop) bool { return p.Name == "DTSTART" })
	c.Props = slices.Insert(c.Props, i, id)
	return c, nil
}

// startProp is DTSTART, or for the rare event without one what it would be.
func (e *Event) startProp() Prop {
	if p := e.Component.Prop("DTSTART"); p != nil {
		return *p
	}
	if e.AllDay {
		return Prop{Name: "DTSTART", Params: []Param{{"VALUE", []string{"DATE"}}}, Value: dayValue(e.FirstDay)}
	}
	return Prop{Name: "DTSTART", Value: utcValue(e.Start)}
}

// like writes an instant in the form of another property: in UTC, in its TZID, or floating. zone is what
// that TZID, or floating, means.
func like(form Prop, name string, t time.Time, zone *time.Location) Prop {
	if v, _ := parseStamp(form.Value); v.utc {
		return Prop{Name: name, Value: utcValue(t)}
	}
	return withZoneOf(form, Prop{Name: name, Value: t.In(zone).Format("20060102T150405")})
}

// likeDay writes a day in the form of another property: as a DATE or, for whole days that are written as
// times (X-MICROSOFT-CDO-ALLDAYEVENT), as its midnight.
func likeDay(form Prop, name string, d when.Date, zone *time.Location) Prop {
	v, _ := parseStamp(form.Value)
	switch {
	case v.date || strings.EqualFold(form.Param("VALUE"), "DATE"):
		return Prop{Name: name, Value: dayValue(d), Params: []Param{{"VALUE", []string{"DATE"}}}}
	case v.utc:
		return Prop{Name: name, Value: utcValue(d.Start(zone))}
	}
	return withZoneOf(form, Prop{Name: name, Value: dayValue(d) + "T000000"})
}

func withZoneOf(form, p Prop) Prop {
	if tzid := form.Param("TZID"); tzid != "" {
		p.Params = []Param{{"TZID", []string{tzid}}}
	}
	return p
}

// likeStart writes an original start of the series in the form of its DTSTART.
func (e *Event) likeStart(name string, t start) Prop {
	if e.AllDay {
		return likeDay(e.startProp(), name, when.DayOf(t.wall, time.UTC), e.Zone)
	}
	return like(e.startProp(), name, t.at, e.Zone)
}
