package roomz

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Room is a room as the contract sends it.
type Room struct {
	ID   string `json:"roomId"`
	Name string `json:"name"`
}

// Meeting is one meeting as the contract sends it. Reading takes more than the contract allows: times with
// fractions, other offsets or none, ids that are numbers, flags that are texts, and fields that are null or
// not there. Writing keeps to it: UTC in whole seconds, every field, no null but for the picture.
type Meeting struct {
	ID            string    // meetingId
	Subject       string    // subject
	OrganizerID   string    // organizerId
	OrganizerName string    // organizerName
	Start         time.Time // startDateUTC; zero = could not be read
	End           time.Time // endDateUTC; zero = could not be read
	Created       time.Time // creationDateUTC; zero = unknown, written as the start
	Private       bool      // isPrivate
	Cancelled     bool      // isCancelled
	ImageURL      string    // imageUrl; "" = none
}

// TimeLayout is how the contract writes an instant, in UTC.
const TimeLayout = "2006-01-02T15:04:05Z"

// wire is Meeting's JSON, with the names of the contract.
type wire struct {
	ID            string  `json:"meetingId"`
	Subject       string  `json:"subject"`
	OrganizerID   string  `json:"organizerId"`
	OrganizerName string  `json:"organizerName"`
	Start         string  `json:"startDateUTC"`
	End           string  `json:"endDateUTC"`
	Created       string  `json:"creationDateUTC"`
	Private       bool    `json:"isPrivate"`
	Cancelled     bool    `json:"isCancelled"`
	ImageURL      *string `json:"imageUrl"`
}

// MarshalJSON writes the contract's form.
func (m Meeting) MarshalJSON() ([]byte, error) {
	w := wire{
		ID: m.ID, Subject: m.Subject, OrganizerID: m.OrganizerID, OrganizerName: m.OrganizerName,
		Start: FormatTime(m.Start), End: FormatTime(m.End), Created: FormatTime(m.Created),
		Private: m.Private, Cancelled: m.Cancelled,
	}
	if m.Created.IsZero() {
		w.Created = w.Start
	}
	if m.ImageURL != "" {
		w.ImageURL = &m.ImageURL
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads a meeting. It fails only for what is no object at all; see Valid.
func (m *Meeting) UnmarshalJSON(b []byte) error {
	var fields map[string]any
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return errors.New("a meeting is no JSON object")
	}
	text := func(name string) string { return text(fields[spelled(fields, name)]) }
	*m = Meeting{
		ID: text("meetingId"), Subject: text("subject"), OrganizerID: text("organizerId"), OrganizerName: text("organizerName"),
		Start: ParseTime(text("startDateUTC")), End: ParseTime(text("endDateUTC")), Created: ParseTime(text("creationDateUTC")),
		Private: flag(text("isPrivate")), Cancelled: flag(text("isCancelled")), ImageURL: strings.TrimSpace(text("imageUrl")),
	}
	if m.Created.Equal(m.Start) {
		m.Created = time.Time{} // the contract's way to say unknown
	}
	return nil
}

// spelled returns the key of a field as the system spells it: exactly, else in other capitals.
func spelled[T any](fields map[string]T, name string) string {
	if _, ok := fields[name]; ok {
		return name
	}
	found, low := name, strings.ToLower(name)
	for k := range fields {
		if strings.ToLower(k) == low && (found == name || k < found) {
			found = k
		}
	}
	return found
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return fmt.Sprint(x)
	}
	return ""
}

func flag(s string) bool { return strings.EqualFold(s, "true") || s == "1" }

// Valid reports why a meeting takes no part in an agenda, nil when it does.
func (m Meeting) Valid() error {
	switch {
	case m.Start.IsZero():
		return errors.New("startDateUTC can't be read")
	case m.End.IsZero():
		return errors.New("endDateUTC can't be read")
	case m.End.Before(m.Start):
		return errors.New("endDateUTC is before startDateUTC")
	}
	return nil
}

// FormatTime writes an instant as the contract does.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeLayout) }

// ParseTime reads an ISO 8601 instant in whatever of its forms systems write, in whole seconds; without an
// offset it is UTC. What can't be read is zero.
func ParseTime(s string) time.Time {
	s = strings.Replace(strings.TrimSpace(s), " ", "T", 1)
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15:04:05Z0700",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Second)
		}
	}
	return time.Time{}
}
