package google

import (
	"encoding/base32"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// event is what we read and write of an event resource.
type event struct {
	ID           string     `json:"id,omitempty"`
	ETag         string     `json:"etag,omitempty"`
	Status       string     `json:"status,omitempty"`
	Type         string     `json:"eventType,omitempty"`
	UID          string     `json:"iCalUID,omitempty"`
	Created      string     `json:"created,omitempty"`
	Updated      string     `json:"updated,omitempty"`
	Summary      string     `json:"summary,omitempty"`
	Visibility   string     `json:"visibility,omitempty"`
	Transparency string     `json:"transparency,omitempty"`
	Start        *stamp     `json:"start,omitempty"`
	End          *stamp     `json:"end,omitempty"`
	Master       string     `json:"recurringEventId,omitempty"`
	Original     *stamp     `json:"originalStartTime,omitempty"`
	Organizer    *person    `json:"organizer,omitempty"`
	Creator      *person    `json:"creator,omitempty"`
	Attendees    []attendee `json:"attendees,omitempty"`
	Omitted      bool       `json:"attendeesOmitted,omitempty"`
	Extended     *extended  `json:"extendedProperties,omitempty"`
}

// stamp is a day or an instant.
type stamp struct {
	Date     string `json:"date,omitempty"`
	DateTime string `json:"dateTime,omitempty"`
	TimeZone string `json:"timeZone,omitempty"`
}

type person struct {
	Name  string `json:"displayName,omitempty"`
	Email string `json:"email,omitempty"`
	Self  bool   `json:"self,omitempty"`
}

// attendee is one guest. It is sent back whole, so it has every field that a writer may set.
type attendee struct {
	Email    string `json:"email,omitempty"`
	Name     string `json:"displayName,omitempty"`
	ID       string `json:"id,omitempty"`
	Self     bool   `json:"self,omitempty"`
	Resource bool   `json:"resource,omitempty"`
	Optional bool   `json:"optional,omitempty"`
	Response string `json:"responseStatus,omitempty"`
	Comment  string `json:"comment,omitempty"`
	Guests   int    `json:"additionalGuests,omitempty"`
}

type extended struct {
	Private map[string]string `json:"private,omitempty"`
	Shared  map[string]string `json:"shared,omitempty"`
}

// The properties that we leave on events.
const (
	tokenProp   = "lintelToken"   // Draft.Token, for people who look; we know our events by their ids
	nameProp    = "lintelName"    // Draft.Organizer
	checkInProp = "lintelCheckIn" // Marker, RFC 3339 in UTC
	claimProp   = "lintelClaim"   // since when Event.Written counts, where that is not its creation: see written
)

// claimUpdated in claimProp says that Event.Written is the event's last change: we have extended it.
const claimUpdated = "updated"

// fields are those of event that reading a window needs, so that no description or list of guests ever
// comes here.
const fields = "items(id,etag,status,eventType,iCalUID,created,updated,summary,visibility,transparency,start,end," +
	"recurringEventId,originalStartTime,organizer(displayName,email,self),creator(displayName,email,self)," +
	"attendees(self,responseStatus),extendedProperties),nextPageToken,accessRole"

// idPrefix marks the ids that we choose. Ids are base32hex in lower case, which this is.
const idPrefix = "lintel"

// maxTries is how many ids a token has: one for each time that its event was deleted and booked anew.
const maxTries = 32

const digits = "0123456789abcdefghijklmnopqrstuv"

// eventID names the event of a token. Google never gives an id free again, so an event that we undid and
// book anew gets the next one; whoever tries again walks the same row of ids.
func eventID(token string, try int) string {
	return idPrefix + digits[try:try+1] + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(token)))
}

// tokenOf reads the token back out of an id, "" when it is none of ours. Copies that people make get
// other ids, so they are not taken for ours, though they carry our properties.
func tokenOf(id string) string {
	rest, ok := strings.CutPrefix(id, idPrefix)
	if !ok || len(rest) < 2 {
		return ""
	}
	b, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(rest[1:]))
	if err != nil || len(b) < 8 || len(b) > 64 || eventID(string(b), 0)[len(idPrefix)+1:] != rest[1:] {
		return ""
	}
	return string(b)
}

// token returns the token of our events. A copy in the room's calendar of an invitation of ours has our
// id, or at least our UID.
func (e *event) token() string {
	if t := tokenOf(e.ID); t != "" {
		return t
	}
	if uid, ok := strings.CutSuffix(e.UID, "@google.com"); ok && e.Master == "" {
		return tokenOf(uid)
	}
	return ""
}

// prop returns one of our properties: the room's own, else the one that invitations share.
func (e *event) prop(name string) string {
	if e.Extended == nil {
		return ""
	}
	if v := e.Extended.Private[name]; v != "" {
		return v
	}
	return e.Extended.Shared[name]
}

// self returns the room's own entry among the guests, -1 when it is not invited.
func (e *event) self() int {
	for i, a := range e.Attendees {
		if a.Self {
			return i
		}
	}
	return -1
}

// drop reports what never shows on a door: cancelled and declined events, and notes that take no room.
func (e *event) drop() bool {
	if e.Status == "cancelled" || e.Type == "workingLocation" || e.Type == "birthday" {
		return true
	}
	i := e.self()
	return i >= 0 && e.Attendees[i].Response == "declined"
}

// written returns since when the event has its claim on its time, by Google's clock. That is its creation, not its last
// change: an answer of any guest, a new subject or a mark would make an old booking look younger than one that was made
// over it, and both would stay. Only where we have extended an event is the last change the moment that counts, and what
// we do to it later keeps that moment as it was. Google cuts the creation to seconds; so the last change is cut too, and
// two within a second are a tie.
func (e *event) written() time.Time {
	switch s := e.prop(claimProp); s {
	case "":
		return instant(e.Created).Truncate(time.Second)
	case claimUpdated:
		return instant(e.Updated).Truncate(time.Second)
	default:
		return instant(s)
	}
}

// claim returns the properties that keep written true through a change of the event; longer says that it takes more time.
func (e *event) claim(longer bool) map[string]string {
	switch {
	case longer:
		return map[string]string{claimProp: claimUpdated}
	case e.prop(claimProp) == claimUpdated:
		return map[string]string{claimProp: e.written().Format(time.RFC3339)}
	}
	return map[string]string{}
}

// convert reads an event for a room; false when its times can't be read.
func (c *Conn) convert(e *event, zone *time.Location) (connectors.Event, bool) {
	out := connectors.Event{
		Key: e.ID, Series: e.UID, Rev: e.ETag,
		Subject: e.Summary, Free: e.Transparency == "transparent", Tentative: e.Status == "tentative",
		Created: instant(e.Created), Written: e.written(), Token: e.token(),
		CheckedIn: instant(e.prop(checkInProp)).Truncate(time.Second),
	}
	if out.Series == "" { // free/busy only
		out.Series = e.ID
		if e.Master != "" {
			out.Series = e.Master
		}
	}
	if e.Master != "" && e.Original != nil {
		out.Occurrence = e.Original.occurrence()
	}
	if !times(&out, e.Start, e.End, zone) || out.Key == "" {
		return out, false
	}
	if i := e.self(); i >= 0 && (e.Attendees[i].Response == "tentative" || e.Attendees[i].Response == "needsAction") {
		out.Tentative = true
	}
	out.Mine = e.self() < 0 && (e.Organizer == nil || e.Organizer.Self) || out.Token != "" && c.cfg.Invite
	c.people(&out, e)
	if e.Visibility == "private" || e.Visibility == "confidential" {
		out.Hide()
	}
	return out, true
}

// people sets the organizer: who organizes, or where that is the room itself, who put it there. A service
// account is nobody.
func (c *Conn) people(out *connectors.Event, e *event) {
	if out.Token != "" {
		out.Organizer = e.prop(nameProp)
		return
	}
	who := e.Organizer
	if who == nil || who.Self {
		who = e.Creator
	}
	if who == nil || who.Self || who.Email == c.account || strings.HasSuffix(who.Email, ".gserviceaccount.com") {
		return
	}
	out.Organizer, out.OrganizerAddr = strings.TrimSpace(who.Name), who.Email
	if out.Organizer == "" {
		out.Organizer, _, _ = strings.Cut(who.Email, "@")
	}
}

// times sets the span.
func times(out *connectors.Event, start, end *stamp, zone *time.Location) bool {
	if start == nil || end == nil {
		return false
	}
	if start.Date != "" {
		first, err1 := when.ParseDate(start.Date)
		last, err2 := when.ParseDate(end.Date)
		if err1 != nil || err2 != nil || last.Before(first) {
			return false
		}
		if first == last { // as calendars that were imported have it
			last = first.Add(1)
		}
		out.AllDay, out.FirstDay, out.EndDay = true, first, last
		out.From, out.To = first.Start(zone).UTC(), last.Start(zone).UTC()
		return true
	}
	out.From, out.To = start.instant(), end.instant()
	return !out.From.IsZero() && !out.To.IsZero() && !out.To.Before(out.From)
}

// instant reads an RFC 3339 time in UTC, zero when it is none.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// instant of a stamp, which may leave its offset to its zone.
func (s *stamp) instant() time.Time {
	if t := instant(s.DateTime); !t.IsZero() {
		return t
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil || s.TimeZone == "" {
		return time.Time{}
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05", s.DateTime, zone)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// occurrence names the original start of an occurrence.
func (s *stamp) occurrence() string {
	if s.Date != "" {
		return strings.ReplaceAll(s.Date, "-", "")
	}
	t := s.instant()
	if t.IsZero() {
		return ""
	}
	return t.Format("20060102T150405Z")
}

// at writes an instant.
func at(t time.Time) *stamp { return &stamp{DateTime: t.UTC().Format(time.RFC3339), TimeZone: "UTC"} }
