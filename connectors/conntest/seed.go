package conntest

import (
	"fmt"
	"strings"
)

// Seed is an event that a peer puts into a room's calendar, without our own code: as text for systems
// that take iCalendar, in whatever form for others.
type Seed struct {
	Name      string // of the object, and the UID unless UID is set: letters, digits and -
	UID       string
	Subject   string
	Organizer string // name; with Address
	Address   string
	// Start and End are wall-clock times in Zone (2026-11-23T09:00) or days (2026-11-23), End excluded.
	Start, End string
	Zone       string // "UTC", "" = floating, a key of zones, or any other name, which is written as it is
	Rule       string // RRULE
	ExDates    []string
	Overrides  []Override

	Class                               string // PRIVATE, CONFIDENTIAL
	Tentative, Free, Cancelled, Invited bool
	Created                             string // UTC, as 20261101T080000Z
	Broken                              bool   // its start is none that anybody can read
	Extra                               []string
	Raw                                 string // the object's bytes as they are; the rest is then not used
}

// Override is one changed occurrence of a Seed's series.
type Override struct {
	Original, Start, End, Subject string
	Cancelled, Broken             bool
}

func (s Seed) uid() string {
	if s.UID != "" {
		return s.UID
	}
	return s.Name
}

// ICS returns the seed as a calendar object.
func (s Seed) ICS() string { return wrap(s.components()) }

// Calendar returns several seeds in one file, as feeds have them.
func Calendar(seeds ...Seed) string {
	var all []string
	for _, s := range seeds {
		all = append(all, s.components())
	}
	return wrap(all...)
}

func wrap(components ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//conntest//EN\r\n" + strings.Join(components, "") + "END:VCALENDAR\r\n"
}

// components returns the seed's VTIMEZONE and VEVENTs.
func (s Seed) components() string {
	if s.Raw != "" {
		return s.Raw
	}
	var b strings.Builder
	b.WriteString(timezone(s.Zone))
	s.event(&b, "", s.Start, s.End, s.Subject, s.Cancelled, s.Broken)
	for _, o := range s.Overrides {
		subject := o.Subject
		if subject == "" {
			subject = s.Subject
		}
		s.event(&b, o.Original, o.Start, o.End, subject, o.Cancelled, o.Broken)
	}
	return b.String()
}

func (s Seed) event(b *strings.Builder, original, start, end, subject string, cancelled, broken bool) {
	line := func(format string, args ...any) { b.WriteString(fold(fmt.Sprintf(format, args...))) }
	line("BEGIN:VEVENT")
	line("UID:%s", s.uid())
	line("DTSTAMP:20261101T080000Z")
	if s.Created != "" {
		line("CREATED:%s", s.Created)
	}
	if original != "" {
		line("RECURRENCE-ID%s", s.time(original))
	}
	if broken {
		line("DTSTART:tomorrow")
	} else {
		line("DTSTART%s", s.time(start))
	}
	if end != "" {
		line("DTEND%s", s.time(end))
	}
	if original == "" && s.Rule != "" {
		line("RRULE:%s", s.Rule)
	}
	if original == "" {
		for _, x := range s.ExDates {
			line("EXDATE%s", s.time(x))
		}
	}
	if subject != "" {
		line("SUMMARY:%s", strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\n", `\n`).Replace(subject))
	}
	if s.Address != "" {
		line(`ORGANIZER;CN="%s":mailto:%s`, s.Organizer, s.Address)
	}
	if s.Invited {
		line("ATTENDEE;CUTYPE=ROOM;PARTSTAT=ACCEPTED:mailto:room@rooms.example")
	}
	if s.Class != "" {
		line("CLASS:%s", s.Class)
	}
	if s.Free {
		line("TRANSP:TRANSPARENT")
	}
	switch {
	case cancelled:
		line("STATUS:CANCELLED")
	case s.Tentative:
		line("STATUS:TENTATIVE")
	}
	for _, x := range s.Extra {
		line("%s", x)
	}
	line("END:VEVENT")
}

// time writes a time as the rest of a property: parameters, colon, value.
func (s Seed) time(v string) string {
	compact := strings.NewReplacer("-", "", ":", "").Replace(v)
	if len(v) == len("2026-11-23") {
		return ";VALUE=DATE:" + compact
	}
	switch s.Zone {
	case "":
		return ":" + compact + "00"
	case "UTC":
		return ":" + compact + "00Z"
	}
	return ";TZID=" + s.Zone + ":" + compact + "00"
}

// fold writes a content line, folded within characters on purpose: octets count (RFC 5545 3.1).
func fold(s string) string {
	var b strings.Builder
	for len(s) > 74 {
		b.WriteString(s[:74] + "\r\n ")
		s = s[74:]
	}
	return b.String() + s + "\r\n"
}

// timezone returns the VTIMEZONE that a writer would send along, "" for zones that go without.
func timezone(name string) string {
	switch name {
	case "Europe/Zurich", "W. Europe Standard Time", "Company Zone":
	default:
		return ""
	}
	return strings.ReplaceAll("BEGIN:VTIMEZONE\nTZID:"+name+"\n"+
		"BEGIN:STANDARD\nDTSTART:19961027T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\n"+
		"BEGIN:DAYLIGHT\nDTSTART:19960331T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n"+
		"END:VTIMEZONE\n", "\n", "\r\n")
}
