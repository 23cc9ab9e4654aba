package ical

import (
	"slices"
	"strings"
)

// Strip returns a copy that keeps what occurrences are computed from, and nothing that says who or what:
// times, rules, overrides, identity, visibility and state. It is the form in which a calendar may be
// kept between two reads. Properties named in keep, X- properties of our own say, stay too.
//
// UIDs stay as they are: without them nothing could be matched. Some programs put an address into them.
func Strip(cal *Calendar, keep ...string) *Calendar {
	out := &Calendar{}
	names := append(slices.Clone(eventProps[:]), keep...)
	for _, root := range cal.Components {
		c := &Component{Name: root.Name, Props: keepProps(root.Props, []string{"VERSION", "X-WR-TIMEZONE", "TZ"})}
		for _, ch := range root.Children {
			switch ch.Name {
			case "VEVENT":
				c.Children = append(c.Children, &Component{Name: ch.Name, Props: keepProps(ch.Props, names)})
			case "VTIMEZONE":
				z := &Component{Name: ch.Name, Props: keepProps(ch.Props, zoneProps[:])}
				for _, o := range ch.Children {
					if o.Name == "STANDARD" || o.Name == "DAYLIGHT" {
						z.Children = append(z.Children, &Component{Name: o.Name, Props: keepProps(o.Props, observanceProps[:])})
					}
				}
				c.Children = append(c.Children, z)
			}
		}
		out.Components = append(out.Components, c)
	}
	return out
}

var (
	eventProps = [...]string{
		"UID", "DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID",
		"CLASS", "TRANSP", "STATUS", "SEQUENCE", "CREATED", "DTSTAMP", "LAST-MODIFIED",
		"X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-CDO-ALLDAYEVENT",
	}
	zoneProps       = [...]string{"TZID", "X-LIC-LOCATION"}
	observanceProps = [...]string{"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"}
)

// keepProps copies the named properties, with the parameters that say how a time is to be read.
func keepProps(props []Prop, names []string) []Prop {
	var kept []Prop
	for _, p := range props {
		if !slices.Contains(names, p.Name) {
			continue
		}
		var params []Param
		for _, q := range p.Params {
			if q.Name == "TZID" || q.Name == "VALUE" || q.Name == "RANGE" {
				params = append(params, Param{q.Name, []string{strings.Join(q.Values, ",")}})
			}
		}
		kept = append(kept, Prop{p.Name, params, p.Value})
	}
	return kept
}
