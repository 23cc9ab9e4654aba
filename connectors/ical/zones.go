package ical

import (
	"strings"
	"time"
)

// maxZoneNames bounds how many different zone names of one VCALENDAR are looked up; further ones are
// taken as the room's zone.
const maxZoneNames = 500

// zones resolves the TZIDs of one VCALENDAR, each once.
type zones struct {
	room     *time.Location
	floating *time.Location        // X-WR-TIMEZONE when it is known, else room
	own      map[string]*Component // VTIMEZONEs by zoneKey; of this VCALENDAR before those of others
	known    map[string]*time.Location
	warn     func(kind WarningKind, detail string)
}

// newZones prepares the zones of root; others are all VCALENDARs of the file.
func newZones(root *Component, others []*Component, room *time.Location, warn func(WarningKind, string)) *zones {
	z := &zones{room: room, floating: room, known: map[string]*time.Location{}, warn: warn}
	z.own = map[string]*Component{}
	for _, r := range append([]*Component{root}, others...) {
		for _, c := range r.Children {
			key := zoneKey(c.Text("TZID"))
			if c.Name == "VTIMEZONE" && key != "" && z.own[key] == nil {
				z.own[key] = c
			}
		}
	}
	if name := root.Text("X-WR-TIMEZONE"); name != "" {
		if l := z.named(name); l != nil {
			z.floating = l
		}
	} else if p := root.Prop("TZ"); p != nil && p.Value != "" { // vCalendar 1.0
		if secs, ok := parseOffset(p.Value); ok {
			z.floating = time.FixedZone(fixedName(secs), secs)
		}
	}
	return z
}

// zoneKey makes names comparable: programs differ in quotes, backslashes and case between TZID
// property and parameter.
func zoneKey(s string) string {
	return strings.ToLower(strings.TrimSpace(strings.Trim(strings.ReplaceAll(s, `\`, ""), `" `)))
}

// location returns the zone for a TZID. The order: the name itself (IANA, behind a prefix, Windows,
// Outlook's display name), the file's VTIMEZONE, an offset in the name, X-WR-TIMEZONE, the room's zone;
// the last three with a warning.
func (z *zones) location(tzid string) *time.Location {
	key := zoneKey(tzid)
	if key == "" {
		return z.floating
	}
	if l, ok := z.known[key]; ok {
		return l
	}
	if len(z.known) >= maxZoneNames {
		z.warn(WarnManyZones, "")
		return z.floating
	}
	l := z.named(tzid)
	if l == nil {
		l = z.guess(tzid)
	}
	z.known[key] = l
	return l
}

func (z *zones) named(tzid string) *time.Location {
	if l := ResolveZone(tzid); l != nil {
		return l
	}
	c := z.own[zoneKey(tzid)]
	if c == nil {
		return nil
	}
	if l := ResolveZone(c.Text("X-LIC-LOCATION")); l != nil {
		return l
	}
	return zoneFromRules(c)
}

func (z *zones) guess(tzid string) *time.Location {
	detail := clipDetail(tzid)
	if l := displayZone(tzid, false); l != nil {
		z.warn(WarnZoneGuessed, detail)
		return l
	}
	if secs, rest, ok := cutOffset(tzid); ok && (rest == "" || strings.ContainsAny(rest, "/(")) {
		z.warn(WarnZoneGuessed, detail)
		return time.FixedZone(fixedName(secs), secs)
	}
	z.warn(WarnZoneUnknown, detail)
	return z.floating
}

// clipDetail bounds what of a file's words gets into a warning.
func clipDetail(s string) string {
	r := []rune(dropControls(s))
	if len(r) > 60 {
		r = append(r[:60], '…')
	}
	return string(r)
}

func fixedName(secs int) string { return "UTC" + formatOffset(secs) }

// resolveWall returns the instant of a wall-clock time, whose fields stand in a UTC time. A time that
// comes twice is the first of both; one that the clock jumps over counts with the offset before the
// jump, so it is shifted forward by the jump's length (RFC 5545 3.3.5).
func resolveWall(wall time.Time, zone *time.Location) time.Time {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	want := wall.Unix()
	_, off := t.Zone()
	start, end := t.ZoneBounds()
	shows := t.Unix()+int64(off) == want
	if !start.IsZero() {
		_, before := start.Add(-time.Second).Zone()
		first := want - int64(before)
		if first < start.Unix() {
			return time.Unix(first, 0).In(zone) // shown before the clock was set back
		}
		if !shows && t.Unix()+int64(off) > want {
			return time.Unix(first, 0).In(zone) // in the gap just before t
		}
	}
	if !shows && !end.IsZero() && t.Unix()+int64(off) < want {
		return time.Unix(want-int64(off), 0).In(zone) // in the gap just after t
	}
	return t
}

// wallOf returns the fields that a clock in zone shows at t, as a UTC time.
func wallOf(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	_, off := t.Zone()
	return time.Unix(t.Unix()+int64(off), 0).UTC()
}
