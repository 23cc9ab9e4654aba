package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"lintel/app/bookings"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/connectors/roomz"
	"lintel/store"
)

// The server's side of the ROOMZ Connector contract: other systems read and book the rooms that Lintel hosts. What
// they see is what the door shows.

const (
	connectorPath     = "/connector/rooms"
	connectorMeetings = connectorPath + "/{id}/meetings"
)

// The span of meetings that is told: by default around today, in days of the room's zone.
const (
	connectorBack  = 1
	connectorAhead = 15
	connectorMost  = 92
)

// connectorToken begins an organizer's id that is an idempotency key, not a person: our own client, and whoever does as it
// does, sends one and looks for it before it sends again.
const connectorToken = "lintel-"

// connectorView is a booking as the contract writes it. An organizer is named by what may be shown of him: no id of a
// person leaves the house.
func connectorView(b bookings.Shown) roomz.Meeting {
	organizer := b.Organizer
	if strings.HasPrefix(b.Token, connectorToken) {
		organizer = b.Token
	}
	return roomz.Meeting{
		ID: string(b.ID), Subject: b.Subject, OrganizerID: organizer, OrganizerName: b.Organizer,
		Start: b.From, End: b.To, Created: b.CreatedAt, Private: b.Private, Cancelled: b.Cancelled,
	}
}

// wantedMeeting is what a system sends; nil is what it does not say.
type wantedMeeting struct {
	Subject       *string `json:"subject"`
	OrganizerID   *string `json:"organizerId"`
	OrganizerName *string `json:"organizerName"`
	StartDateUTC  *string `json:"startDateUTC"`
	EndDateUTC    *string `json:"endDateUTC"`
	IsPrivate     *bool   `json:"isPrivate"`
	IsCancelled   *bool   `json:"isCancelled"`

	from, to time.Time // whole minutes; zero where nothing is said
}

func said[T any](v *T) (value T) {
	if v != nil {
		value = *v
	}
	return value
}

// connectorField is the contract's name of what the booking engine blames.
func connectorField(field string) string {
	switch field {
	case "from":
		return "startDateUTC"
	case "to":
		return "endDateUTC"
	case "organizer_name":
		return "organizerName"
	case "organizer_email":
		return "organizerId"
	}
	return field
}

// readMeeting reads a meeting. Fields that the contract does not have are left alone; seconds are cut off.
func readMeeting(body io.Reader) (m wantedMeeting, err error) {
	d := json.NewDecoder(body)
	if err := d.Decode(&m); err != nil {
		return m, unreadableMeeting(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return m, unreadableMeeting(err)
	}
	for _, t := range []struct {
		field string
		text  *string
		to    *time.Time
	}{{"startDateUTC", m.StartDateUTC, &m.from}, {"endDateUTC", m.EndDateUTC, &m.to}} {
		if t.text == nil {
			continue
		}
		at, ok := readInstant(*t.text)
		if !ok {
			return m, problem.New(problem.Invalid, "connector.bad_time", "Field", t.field)
		}
		*t.to = at.Truncate(time.Minute)
	}
	return m, nil
}

func unreadableMeeting(err error) error {
	var wrong *json.UnmarshalTypeError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return err
	case errors.As(err, &wrong) && wrong.Field != "":
		return problem.New(problem.Invalid, "connector.wrong_type", "Field", wrong.Field, "Found", wrong.Value)
	}
	return problem.New(problem.Invalid, "connector.no_meeting").Because(err)
}

// readInstant reads a time in ISO 8601. Without an offset it is UTC; seconds, their fractions and the time of day may be
// missing, and a blank may stand for the T, or for the plus that an address has lost.
func readInstant(text string) (time.Time, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if i := strings.LastIndexByte(text, ' '); i > len("2006-01-02") {
		text = text[:i] + "+" + text[i+1:]
	}
	text = strings.Replace(text, " ", "T", 1)
	for _, layout := range []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15:04:05Z0700", "2006-01-02",
	} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1 && t.Year() < 9_000 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// connectorRooms lists the rooms that Lintel hosts, as far as the key reaches.
func (s *Server) connectorRooms(w http.ResponseWriter, r *http.Request, v *visitor, _ store.AccessKey) error {
	all, err := s.Places.Workspaces(r.Context(), v.Actor, store.WorkspaceFilter{})
	if err != nil {
		return err
	}
	rooms := []roomz.Room{}
	for _, p := range all {
		if hostedRoom(p) {
			rooms = append(rooms, roomz.Room{ID: string(p.Workspace.ID), Name: p.Workspace.Name})
		}
	}
	slices.SortStableFunc(rooms, func(a, b roomz.Room) int { return cmp.Compare(a.Name, b.Name) })
	sendJSON(w, http.StatusOK, rooms)
	return nil
}

// hostedRoom reports whether a workspace is one that other systems may use through us.
func hostedRoom(p store.WorkspacePlace) bool {
	return p.Resource == "" && (p.Workspace.Kind == store.Room || p.Workspace.Kind == store.Huddle)
}

var errNoConnectorRoom = problem.New(problem.NotFound, "connector.no_room")

// connectorPlace returns the room of a request.
func (s *Server) connectorPlace(r *http.Request, v *visitor) (store.WorkspacePlace, error) {
	p, err := s.Places.Workspace(r.Context(), v.Actor, store.WorkspaceID(r.PathValue("id")))
	if problem.Of(err) != nil || err == nil && !hostedRoom(p) {
		return p, errNoConnectorRoom // one that the key does not reach is none
	}
	return p, err
}

// connectorAgenda lists the meetings of a room.
func (s *Server) connectorAgenda(w http.ResponseWriter, r *http.Request, v *visitor, _ store.AccessKey) error {
	p, err := s.connectorPlace(r, v)
	if err != nil {
		return err
	}
	span, err := s.connectorSpan(r, p)
	if err != nil {
		return err
	}
	agenda, err := s.Bookings.Agenda(r.Context(), bookings.By(v.Actor), p.Workspace.ID, span.From, span.To)
	if err != nil {
		return err
	}
	out := []roomz.Meeting{}
	for _, b := range agenda {
		if b.Hosted {
			out = append(out, connectorView(b))
		}
	}
	sendJSON(w, http.StatusOK, out)
	return nil
}

// connectorSpan is the span that is asked for. With one bound alone, the other lies as far from it as by default.
func (s *Server) connectorSpan(r *http.Request, p store.WorkspacePlace) (span when.Interval, err error) {
	zone, err := p.Building.Location()
	if err != nil {
		return span, err
	}
	q := r.URL.Query()
	for _, bound := range []struct {
		name string
		to   *time.Time
	}{{"from", &span.From}, {"to", &span.To}} {
		if text := q.Get(bound.name); text != "" {
			var ok bool
			if *bound.to, ok = readInstant(text); !ok {
				return span, problem.New(problem.Invalid, "connector.bad_time", "Field", bound.name)
			}
		}
	}
	today := when.DayOf(s.Now(), zone)
	const length = connectorBack + connectorAhead
	switch {
	case span.From.IsZero() && span.To.IsZero():
		span = when.Interval{From: today.Add(-connectorBack).Start(zone), To: today.Add(connectorAhead).End(zone)}
	case span.From.IsZero():
		span.From = span.To.AddDate(0, 0, -length)
	case span.To.IsZero():
		span.To = span.From.AddDate(0, 0, length)
	}
	switch {
	case !span.Valid():
		return span, problem.New(problem.Invalid, "connector.span_backwards")
	case span.To.After(span.From.AddDate(0, 0, connectorMost)):
		return span, problem.New(problem.Invalid, "connector.span_long", "Count", connectorMost)
	}
	return span, nil
}

// errMayNotBook is said to a key that may only read.
var errMayNotBook = problem.New(problem.Forbidden, "keys.read_only")

// connectorBook makes a booking. An idempotency key in the place of the organizer's id makes the request safe to send twice.
func (s *Server) connectorBook(w http.ResponseWriter, r *http.Request, v *visitor, k store.AccessKey) error {
	p, err := s.connectorPlace(r, v)
	switch {
	case err != nil:
		return err
	case !k.MayBook:
		return errMayNotBook
	}
	m, err := readMeeting(r.Body)
	switch {
	case err != nil:
		return err
	case m.from.IsZero() || m.to.IsZero():
		return problem.New(problem.Invalid, "connector.times_needed")
	case said(m.IsCancelled):
		return problem.New(problem.Invalid, "connector.new_cancelled")
	}
	b, err := s.Bookings.Create(r.Context(), v.Actor, bookings.Request{
		Workspace: p.Workspace.ID, Times: bookings.Instants(m.from, m.to), Subject: said(m.Subject), Organizer: m.organizer(),
		Private: said(m.IsPrivate), Source: store.FromConnector, Token: m.token(),
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", fmt.Sprintf("%s%s/%s/meetings/%s", s.base, connectorPath, p.Workspace.ID, b.ID))
	sendJSON(w, http.StatusCreated, connectorView(b))
	return nil
}

// organizer is who is named. An id is kept when it is an e-mail address: other ids mean nothing here.
func (m wantedMeeting) organizer() bookings.Organizer {
	o := bookings.Organizer{Name: strings.TrimSpace(said(m.OrganizerName))}
	if id := strings.TrimSpace(said(m.OrganizerID)); strings.Count(id, "@") == 1 && !strings.ContainsAny(id, " ,;<>") {
		o.Email = id
	}
	return o
}

// token is by what a request that is sent twice is known, "" where the organizer's id is none.
func (m wantedMeeting) token() string {
	if id := said(m.OrganizerID); strings.HasPrefix(id, connectorToken) && len(id) <= 100 {
		return id
	}
	return ""
}

// connectorChange gives a meeting other times or words, or cancels it. What is sent as we have told it stays as it is, so that
// what we withhold is not lost; and what is private stays private.
func (s *Server) connectorChange(w http.ResponseWriter, r *http.Request, v *visitor, k store.AccessKey) error {
	p, err := s.connectorPlace(r, v)
	switch {
	case err != nil:
		return err
	case !k.MayBook:
		return errMayNotBook
	}
	id, by := store.BookingID(r.PathValue("meeting")), bookings.By(v.Actor)
	old, _, err := s.Bookings.Booking(r.Context(), by, id)
	switch {
	case problem.Of(err) != nil || err == nil && (old.Workspace != p.Workspace.ID || !old.Hosted):
		return problem.New(problem.NotFound, "connector.no_meeting_there")
	case err != nil:
		return err
	}
	m, err := readMeeting(r.Body)
	switch {
	case err != nil:
		return err
	case said(m.IsCancelled) && (old.Cancelled || old.EndReason == store.EndEnded && !old.To.After(s.Now())): // it is sent twice
	case said(m.IsCancelled):
		err = s.Bookings.Cancel(r.Context(), v.Actor, id)
	case old.Cancelled:
		err = problem.New(problem.Conflict, "bookings.cancelled_already")
	default:
		err = s.connectorApply(r, v, old, m)
	}
	if err != nil {
		return err
	}
	now, _, err := s.Bookings.Booking(r.Context(), by, id)
	if err != nil {
		return err
	}
	sendJSON(w, http.StatusOK, connectorView(now))
	return nil
}

// connectorApply changes what differs from what was told.
func (s *Server) connectorApply(r *http.Request, v *visitor, old bookings.Shown, m wantedMeeting) error {
	c := bookings.Change{Revision: old.Revision}
	differs := false
	if m.Subject != nil && *m.Subject != old.Subject {
		c.Subject, differs = m.Subject, true
	}
	if o := m.organizer(); o.Name != "" && o.Name != old.Organizer {
		c.Organizer, differs = &o, true
	}
	if said(m.IsPrivate) && !old.Private {
		c.Private, differs = m.IsPrivate, true
	}
	from, to := cmp.Or(m.from, old.From), cmp.Or(m.to, old.To)
	now := s.Now()
	over := !to.After(now)
	switch {
	case from.Equal(old.From) && (to.Equal(old.To) || over && !old.To.After(now)):
	case from.Equal(old.From) && over && !old.From.After(now):
		if differs {
			if _, err := s.Bookings.Change(r.Context(), v.Actor, old.ID, c); err != nil {
				return err
			}
		}
		_, err := s.Bookings.EndNow(r.Context(), v.Actor, old.ID)
		return err
	default:
		times := bookings.Instants(from, to)
		c.Times, differs = &times, true
	}
	if !differs {
		return nil
	}
	_, err := s.Bookings.Change(r.Context(), v.Actor, old.ID, c)
	return err
}
