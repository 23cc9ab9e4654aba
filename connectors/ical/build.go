package ical

import (
	"strconv"
	"time"

	"lintel/app/when"
)

// prodID names us in what we write (RFC 5545 3.7.3).
const prodID = "-//Lintel//Lintel//EN"

// Draft is what New writes. UID, Now and either Start and End or the days must be set.
type Draft struct {
	UID        string
	Start, End time.Time
	// FirstDay and EndDay make an event of whole days, up to and without EndDay; Start and End are then
	// not used.
	FirstDay, EndDay when.Date
	// Zone writes the times in that zone, with its rules as VTIMEZONE; nil writes them in UTC, which
	// every program understands. A draft with a Rule needs it, so that wall-clock times stay.
	Zone *time.Location
	Rule *Rule

	Summary, Organizer, OrganizerAddr string
	Private                           bool
	Created, Now                      time.Time // Created: zero = Now. Now becomes DTSTAMP and LAST-MODIFIED
	Extra                             []Prop    // X- properties, as they are
}

// New returns a calendar of one event.
func New(d Draft) *Calendar {
	e := &Component{Name: "VEVENT"}
	put := func(name, value string, params ...Param) {
		e.Props = append(e.Props, Prop{Name: name, Params: params, Value: value})
	}
	created := d.Created
	if created.IsZero() {
		created = d.Now
	}
	put("UID", escapeText(d.UID))
	put("DTSTAMP", utcValue(d.Now))
	put("CREATED", utcValue(created))
	put("LAST-MODIFIED", utcValue(d.Now))
	put("SEQUENCE", "0")
	if !d.FirstDay.IsZero() {
		day := Param{"VALUE", []string{"DATE"}}
		put("DTSTART", dayValue(d.FirstDay), day)
		put("DTEND", dayValue(d.EndDay), day)
	} else {
		e.Props = append(e.Props, timeProp("DTSTART", d.Start, d.Zone), timeProp("DTEND", d.End, d.Zone))
	}
	if d.Rule != nil {
		put("RRULE", d.Rule.String())
	}
	if d.Summary != "" {
		put("SUMMARY", escapeText(d.Summary))
	}
	if d.OrganizerAddr != "" {
		var cn []Param
		if d.Organizer != "" {
			cn = []Param{{"CN", []string{d.Organizer}}}
		}
		put("ORGANIZER", "mailto:"+d.OrganizerAddr, cn...)
	}
	if d.Private {
		put("CLASS", "PRIVATE")
	}
	put("TRANSP", "OPAQUE")
	put("STATUS", "CONFIRMED")
	e.Props = append(e.Props, d.Extra...)

	root := &Component{Name: "VCALENDAR", Props: []Prop{
		{Name: "VERSION", Value: "2.0"}, {Name: "PRODID", Value: prodID}, {Name: "CALSCALE", Value: "GREGORIAN"},
	}}
	if isNamed(d.Zone) && d.FirstDay.IsZero() {
		until := d.End.AddDate(1, 0, 0)
		if d.Rule != nil {
			until = d.End.AddDate(zoneYears, 0, 0)
		}
		root.Children = append(root.Children, ZoneComponent(d.Zone, d.Start, until))
	}
	root.Children = append(root.Children, e)
	return &Calendar{Components: []*Component{root}}
}

// zoneYears is how far the VTIMEZONE of a series reaches.
const zoneYears = 10

// isNamed reports whether zone has a name that a TZID can give.
func isNamed(zone *time.Location) bool {
	return zone != nil && zone != time.UTC && zone != time.Local && zone.String() != "" && zone.String() != "UTC"
}

// timeProp is a date-time in the zone, or in UTC when the zone has no name.
func timeProp(name string, t time.Time, zone *time.Location) Prop {
	if !isNamed(zone) {
		return Prop{Name: name, Value: utcValue(t)}
	}
	return Prop{
		Name: name, Params: []Param{{"TZID", []string{zone.String()}}},
		Value: t.In(zone).Format("20060102T150405"),
	}
}

func utcValue(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

func dayValue(d when.Date) string {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Format("20060102")
}

// ZoneComponent returns the VTIMEZONE of a zone that is right from a year before from up to to. Each
// change of the clock is listed by its date, which every reader understands.
func ZoneComponent(zone *time.Location, from, to time.Time) *Component {
	z := &Component{Name: "VTIMEZONE", Props: []Prop{{Name: "TZID", Value: escapeText(zone.String())}}}
	t := from.In(zone).AddDate(-1, 0, 0)
	name, off := t.Zone()
	begin := time.Date(1970, time.January, 1, 0, 0, 0, 0, time.UTC)
	z.Children = append(z.Children, observed("STANDARD", name, off, off, begin))
	byChange := map[[2]int]*Component{}
	for range 4 * zoneYears {
		_, change := t.ZoneBounds()
		if change.IsZero() || change.After(to) {
			break
		}
		before := off
		name, off = change.Zone()
		kind := "STANDARD"
		if change.IsDST() {
			kind = "DAYLIGHT"
		}
		local := time.Unix(change.Unix()+int64(before), 0).UTC()
		key := [2]int{before, off}
		if c := byChange[key]; c != nil {
			c.Props = append(c.Props, Prop{Name: "RDATE", Value: local.Format("20060102T150405")})
		} else {
			byChange[key] = observed(kind, name, before, off, local)
			z.Children = append(z.Children, byChange[key])
		}
		t = change
	}
	return z
}

func observed(kind, name string, from, to int, onset time.Time) *Component {
	return &Component{Name: kind, Props: []Prop{
		{Name: "DTSTART", Value: onset.Format("20060102T150405")},
		{Name: "TZOFFSETFROM", Value: formatOffset(from)},
		{Name: "TZOFFSETTO", Value: formatOffset(to)},
		{Name: "TZNAME", Value: escapeText(name)},
	}}
}

// bump marks c as changed at now: SEQUENCE one higher, DTSTAMP and LAST-MODIFIED now.
func bump(c *Component, now time.Time) {
	n, _ := strconv.Atoi(c.Text("SEQUENCE"))
	c.Set(Prop{Name: "SEQUENCE", Value: strconv.Itoa(max(0, n) + 1)})
	c.Set(Prop{Name: "DTSTAMP", Value: utcValue(now)})
	c.Set(Prop{Name: "LAST-MODIFIED", Value: utcValue(now)})
}
