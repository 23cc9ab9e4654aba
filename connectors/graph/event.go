package graph

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ical"
)

// The extended properties that Lintel writes, all in one property set of its own. Everything else that
// belongs to an event is left as it is.
const (
	propSet       = "{5f0c8a5e-3c5b-4a52-9d3e-6c1f7f1b2d94}"
	propToken     = "String " + propSet + " Name LintelToken"     // Draft.Token
	propOrganizer = "String " + propSet + " Name LintelOrganizer" // Draft.Organizer: Graph makes the room the organizer whatever is sent
	propCheckIn   = "String " + propSet + " Name LintelCheckIn"   // Marker, RFC 3339
	propExtended  = "String " + propSet + " Name LintelExtended"  // we moved its end to later: see written
)

// What is asked of an event.
const (
	eventFields = "id,changeKey,subject,start,end,isAllDay,isCancelled,sensitivity,showAs,organizer,isOrganizer,createdDateTime," +
		"lastModifiedDateTime,hasAttachments,type,seriesMasterId,iCalUId,responseStatus,responseRequested,originalStart,originalStartTimeZone"
	expandProps = "singleValueExtendedProperties($filter=id eq '" + propToken + "' or id eq '" + propOrganizer + "' or id eq '" +
		propCheckIn + "' or id eq '" + propExtended + "')"
)

// event is an event as Graph writes it. What is not asked for stays zero; null is zero too.
type event struct {
	ETag              string    `json:"@odata.etag"`
	ID                string    `json:"id"`
	ChangeKey         string    `json:"changeKey"`
	ICalUID           string    `json:"iCalUId"`
	SeriesMasterID    string    `json:"seriesMasterId"`
	Type              string    `json:"type"` // singleInstance, occurrence, exception, seriesMaster
	Subject           string    `json:"subject"`
	Start             dateTime  `json:"start"`
	End               dateTime  `json:"end"`
	IsAllDay          bool      `json:"isAllDay"`
	IsCancelled       bool      `json:"isCancelled"`
	IsOrganizer       bool      `json:"isOrganizer"`
	HasAttachments    bool      `json:"hasAttachments"`
	ResponseRequested *bool     `json:"responseRequested"`
	Sensitivity       string    `json:"sensitivity"` // normal, personal, private, confidential
	ShowAs            string    `json:"showAs"`      // free, tentative, busy, oof, workingElsewhere, unknown
	Created           string    `json:"createdDateTime"`
	Modified          string    `json:"lastModifiedDateTime"`
	OriginalStart     string    `json:"originalStart"`
	OriginalZone      string    `json:"originalStartTimeZone"`
	Organizer         recipient `json:"organizer"`
	Attendees         []struct {
		recipient
		Type   string   `json:"type"` // required, optional, resource
		Status response `json:"status"`
	} `json:"attendees"`
	ResponseStatus response   `json:"responseStatus"`
	Props          []property `json:"singleValueExtendedProperties"`
}

type dateTime struct {
	DateTime string `json:"dateTime"`
	TimeZone string `json:"timeZone"`
}

type recipient struct {
	EmailAddress struct {
		Name    string `json:"name"`
		Address string `json:"address"`
	} `json:"emailAddress"`
}

type response struct {
	Response string `json:"response"` // none, organizer, tentativelyAccepted, accepted, declined, notResponded
}

type property struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

func (e *event) prop(id string) string {
	for _, p := range e.Props {
		if strings.EqualFold(p.ID, id) {
			return p.Value
		}
	}
	return ""
}

// standing reports whether the event is one that takes part in the room's agenda.
func (e *event) standing() bool {
	return !e.IsCancelled && e.Type != "seriesMaster" && !strings.EqualFold(e.ResponseStatus.Response, "declined")
}

var errTimes = errors.New("the event's times can't be read")

// decoder turns events into those of the contract and counts what it had to cope with.
type decoder struct {
	room     connectors.Room
	warnings connectors.Warnings
}

// decode returns the event and whether it stands; with an error its key at the most.
func (d *decoder) decode(raw json.RawMessage) (connectors.Event, bool, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return connectors.Event{Key: e.ID}, false, errTimes
	}
	if !e.standing() {
		return connectors.Event{}, false, nil
	}
	out, err := d.event(&e)
	return out, true, err
}

// event converts an event that stands.
func (d *decoder) event(e *event) (connectors.Event, error) {
	out := connectors.Event{
		Key: e.ID, Series: e.ICalUID, Rev: e.ChangeKey,
		Subject: e.Subject, Organizer: e.Organizer.EmailAddress.Name, OrganizerAddr: e.Organizer.EmailAddress.Address,
		Tentative: strings.EqualFold(e.ShowAs, "tentative") || strings.EqualFold(e.ResponseStatus.Response, "tentativelyAccepted"),
		Free:      strings.EqualFold(e.ShowAs, "free"),
		Created:   instant(e.Created), Written: e.written(),
		Mine: e.IsOrganizer, Token: e.prop(propToken), HasImage: e.HasAttachments,
	}
	if e.ID == "" {
		return out, errTimes
	}
	if out.Series == "" {
		out.Series = e.ID
	}
	if e.IsOrganizer {
		// The room itself: no name that helps anybody at its door.
		out.Organizer, out.OrganizerAddr = e.prop(propOrganizer), ""
	}
	if t, err := time.Parse(time.RFC3339, e.prop(propCheckIn)); err == nil {
		out.CheckedIn = t.UTC().Truncate(time.Second)
	}
	if err := d.times(e, &out); err != nil {
		return out, err
	}
	if e.SeriesMasterID != "" {
		// iCalUId differs between the occurrences of a series, so its master names it.
		if out.Occurrence = d.occurrence(e); out.Occurrence != "" {
			out.Series = e.SeriesMasterID
		}
	}
	if s := e.Sensitivity; s != "" && !strings.EqualFold(s, "normal") {
		out.Hide()
	}
	return out, nil
}

// written returns the instant at which the event took its time, by the server's clock: what claims are
// compared by. That is its creation, not its last change: a check-in mark, or what Exchange itself goes
// on writing into a new item, would make an old booking look younger than one that was made while it
// stood, and both would stay. Only where Lintel itself has extended an event is the last change the
// moment that counts, and what we do to it later keeps that moment: see claim. An event of somebody else that was moved into the room's time counts from its
// creation, so ours gives way: the safe side.
func (e *event) written() time.Time {
	switch s := e.prop(propExtended); s {
	case "":
		return instant(e.Created)
	case extendedNow:
		return instant(e.Modified)
	default:
		return instant(s)
	}
}

// claim returns the properties that keep written true through a change of the event; longer says that it takes more time.
func (e *event) claim(longer bool) []property {
	switch {
	case longer:
		return []property{{ID: propExtended, Value: extendedNow}}
	case e.prop(propExtended) == extendedNow:
		return []property{{ID: propExtended, Value: e.written().Format(time.RFC3339Nano)}}
	}
	return nil
}

// extendedNow in propExtended says that the event's last change is our extension; else that is its instant.
const extendedNow = "1"

// instant reads an Edm.DateTimeOffset, zero when it is none.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1900 {
		return time.Time{}
	}
	return t.UTC()
}

func (d *decoder) times(e *event, out *connectors.Event) error {
	from, to := d.wall(e.Start), d.wall(e.End)
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return errTimes
	}
	if !e.IsAllDay {
		out.From, out.To = from.UTC(), to.UTC()
		return nil
	}
	out.AllDay, out.FirstDay, out.EndDay = true, d.day(from, e.OriginalZone), d.day(to, e.OriginalZone)
	if !out.FirstDay.Before(out.EndDay) {
		out.EndDay = out.FirstDay.Add(1)
	}
	out.From, out.To = out.FirstDay.Start(d.room.Zone).UTC(), out.EndDay.Start(d.room.Zone).UTC()
	return nil
}

// wall reads a wall-clock time in the zone that stands beside it; zero when it is none.
func (d *decoder) wall(t dateTime) time.Time {
	zone := time.UTC
	if t.TimeZone != "" && !strings.EqualFold(t.TimeZone, "UTC") {
		if zone = ical.ResolveZone(t.TimeZone); zone == nil {
			d.warnings.Add("calendar.warning.zone_unknown", short(t.TimeZone), 1)
			zone = d.room.Zone
		}
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", strings.TrimSuffix(t.DateTime, "Z"), zone)
	if err != nil || at.Year() < 1900 || at.Year() > 9000 {
		return time.Time{}
	}
	return at
}

// day returns the day that a bound of whole days means: midnight as Graph wrote it, else midnight in the
// zone in which the event was made, else in the room's, else the nearest midnight.
func (d *decoder) day(t time.Time, madeIn string) when.Date {
	for _, zone := range []*time.Location{t.Location(), ical.ResolveZone(madeIn), d.room.Zone} {
		if zone == nil {
			continue
		}
		if h, m, s := t.In(zone).Clock(); h == 0 && m == 0 && s == 0 {
			return when.DayOf(t, zone)
		}
	}
	return when.DayOf(t.Add(12*time.Hour), t.Location())
}

// occurrence names an occurrence of a series by its original start, "" when Graph does not tell.
func (d *decoder) occurrence(e *event) string {
	at := instant(e.OriginalStart)
	if at.IsZero() && e.Type == "occurrence" {
		at = d.wall(e.Start) // an occurrence that was never changed starts where its series says
	}
	switch {
	case at.IsZero():
		return ""
	case e.IsAllDay:
		return strings.ReplaceAll(d.day(at, e.OriginalZone).String(), "-", "")
	}
	return at.UTC().Format("20060102T150405Z")
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
