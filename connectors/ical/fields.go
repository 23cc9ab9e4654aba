package ical

import (
	"strconv"
	"strings"
	"time"
)

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
