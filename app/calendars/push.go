package calendars

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lintel/app/problem"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/store"
)

// Bounds of one push.
const (
	PushBytes  = 2 << 20 // of a request
	pushEvents = 5_000
	pushID     = 200   // characters of an event's id
	pushText   = 255   // characters of a subject or a name: what is longer is cut
	pushMail   = 254   // characters of an address (RFC 5321)
	pushSpan   = 400   // days that an event lasts at most
	pushYears  = 9_000 // last year that an event may be in
)

// pushSilent is how long nothing has to be pushed until the system counts as failing.
const pushSilent = time.Hour

// PushedEvent is one event as a script tells it. It has either Start and End or FirstDay and LastDay.
type PushedEvent struct {
	ID       string `json:"id"`        // the same at every push, another one for each event and each occurrence of a series
	Start    string `json:"start"`     // RFC 3339
	End      string `json:"end"`       // RFC 3339, excluded
	FirstDay string `json:"first_day"` // 2026-11-23
	LastDay  string `json:"last_day"`  // included

	Subject   string          `json:"subject"`
	Organizer PushedOrganizer `json:"organizer"`
	Private   bool            `json:"private"` // subject and organizer are not kept
	Tentative bool            `json:"tentative"`
	Created   string          `json:"created"` // RFC 3339; "" = unknown
}

// PushedOrganizer is whose event it is; both may be "".
type PushedOrganizer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// PushResult says what became of a push.
type PushResult struct {
	Accepted int  // events within the days that are kept
	Outside  int  // events before or after them
	Changed  bool // something is other than before
}

// PushedRoom is a room whose agenda a script brings.
type PushedRoom struct {
	Address  string
	Name     string    // of the workspace
	LastPush time.Time // zero = never
}

// bad is the problem of one event of a list; n counts from 0.
func bad(n int, field, key string, args ...any) error {
	return problem.New(problem.Invalid, key, append([]any{"Event", strconv.Itoa(n), "Field", field}, args...)...)
}

// ReadPushed reads a list of events in JSON. Fields that it does not know are a problem: a misspelt "private" would
// show a subject.
func ReadPushed(r io.Reader) ([]PushedEvent, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, unreadable(err)
	}
	events := []PushedEvent{}
	for n := 0; d.More(); n++ {
		if n == pushEvents {
			return nil, problem.New(problem.Invalid, "push.too_many", "Count", pushEvents)
		}
		var e *PushedEvent
		switch err := d.Decode(&e); {
		case err != nil:
			return nil, wrongEvent(n, err)
		case e == nil:
			return nil, bad(n, "", "push.no_event")
		}
		events = append(events, *e)
	}
	if _, err := d.Token(); err != nil {
		return nil, unreadable(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, unreadable(err)
	}
	return events, nil
}

// unreadable is the problem of a body that is no list. A body that is too large, or broke off, stays what it is.
func unreadable(err error) error {
	var syntax *json.SyntaxError
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &syntax) {
		return problem.New(problem.Invalid, "push.no_list")
	}
	return fmt.Errorf("read pushed events: %w", err)
}

// wrongEvent says what is wrong with the n-th event of a list.
func wrongEvent(n int, err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return bad(n, wrong.Field, "push.wrong_type", "Found", wrong.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if field, err := strconv.Unquote(name); err == nil {
			return bad(n, cut(field, pushText), "push.unknown_field")
		}
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return bad(n, "", "push.no_json")
	}
	return fmt.Errorf("read pushed events: %w", err)
}

// Push makes the agenda of the room that is attached to a pushed system with that address equal to events. Nothing is
// written when one of them is wrong. It confirms the agenda, also where nothing changed.
func (s *Service) Push(ctx context.Context, id store.SystemID, address string, pushed []PushedEvent) (PushResult, error) {
	events, err := validPush(pushed)
	if err != nil {
		return PushResult{}, err
	}
	var rooms []*room // one calendar may be that of several rooms
	s.mu.Lock()
	for _, rm := range s.rooms {
		if rm.r.System == id && rm.sys.kind.Pushed && rm.r.Address == address {
			rooms = append(rooms, rm)
		}
	}
	s.mu.Unlock()
	if len(rooms) == 0 {
		return PushResult{}, errNotPushed
	}
	var out PushResult
	for _, rm := range rooms {
		one, err := s.pushRoom(ctx, rm, events)
		if err != nil {
			return PushResult{}, err
		}
		out = PushResult{Accepted: one.Accepted, Outside: one.Outside, Changed: out.Changed || one.Changed}
	}
	return out, nil
}

var errNotPushed = problem.New(problem.NotFound, "push.no_room")

// pushRoom makes one room's agenda equal to events.
func (s *Service) pushRoom(ctx context.Context, rm *room, events []connectors.Event) (PushResult, error) {
	if err := rm.lease.lock(ctx); err != nil {
		return PushResult{}, fmt.Errorf("store pushed events: %w", err)
	}
	defer rm.lease.unlock()
	now := s.o.Now()
	w := window(now, rm.zone)
	here := slices.Clone(events)
	for i := range here {
		if e := &here[i]; e.AllDay {
			e.From, e.To = e.FirstDay.Start(rm.zone), e.EndDay.Start(rm.zone)
		}
	}
	agenda, r := normalise(here, w, rm.zone), s.resource(rm)
	var change store.AgendaChange
	err := s.o.Store.Update(ctx, func(tx *store.Tx) (err error) {
		change, err = tx.ApplyAgenda(r, w.From, w.To, agenda, true)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return PushResult{}, errNotPushed // detached meanwhile
	}
	if err != nil {
		return PushResult{}, fmt.Errorf("store pushed events: %w", err)
	}
	s.mu.Lock()
	s.succeeded(rm, now)
	rm.lastRead = now
	if change.Any() {
		rm.r.LastChanged = now
	}
	s.mu.Unlock()
	if change.Any() {
		s.o.Changed(rm.r.Workspace)
	}
	return PushResult{Accepted: len(agenda), Outside: len(events) - len(agenda), Changed: change.Any()}, nil
}

// validPush checks every event of a list. The bounds of whole days are left to each room's zone.
func validPush(pushed []PushedEvent) ([]connectors.Event, error) {
	if len(pushed) > pushEvents {
		return nil, problem.New(problem.Invalid, "push.too_many", "Count", pushEvents)
	}
	at := make(map[string]int, len(pushed))
	out := make([]connectors.Event, 0, len(pushed))
	for n, p := range pushed {
		e, err := p.event(n)
		if err != nil {
			return nil, err
		}
		if other, twice := at[p.ID]; twice {
			return nil, bad(n, "id", "push.id_twice", "Other", strconv.Itoa(other))
		}
		at[p.ID] = n
		out = append(out, e)
	}
	return out, nil
}

// event checks the n-th event of a list.
func (p PushedEvent) event(n int) (connectors.Event, error) {
	e := connectors.Event{
		Series: p.ID, Key: p.ID, Private: p.Private, Tentative: p.Tentative,
		Subject: cut(p.Subject, pushText), Organizer: cut(p.Organizer.Name, pushText), OrganizerAddr: strings.TrimSpace(p.Organizer.Email),
	}
	if p.ID == "" || utf8.RuneCountInString(p.ID) > pushID || strings.ContainsFunc(p.ID, unicode.IsControl) {
		return e, bad(n, "id", "push.bad_id", "Count", pushID)
	}
	if a := e.OrganizerAddr; a != "" && (len(a) > pushMail || strings.Count(a, "@") != 1 || strings.ContainsFunc(a, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })) {
		return e, bad(n, "organizer.email", "push.bad_email")
	}
	var err error
	if p.Created != "" {
		if e.Created, err = pushedTime(n, "created", p.Created); err != nil {
			return e, err
		}
	}
	timed, days := p.Start != "" || p.End != "", p.FirstDay != "" || p.LastDay != ""
	switch {
	case timed == days:
		return e, bad(n, "start", "push.which_times")
	case days:
		return e, p.setDays(n, &e)
	}
	return e, p.setTimes(n, &e)
}

func (p PushedEvent) setTimes(n int, e *connectors.Event) (err error) {
	if e.From, err = pushedTime(n, "start", p.Start); err != nil {
		return err
	}
	if e.To, err = pushedTime(n, "end", p.End); err != nil {
		return err
	}
	switch {
	case !e.To.After(e.From):
		return bad(n, "end", "push.end_before_start")
	case e.To.Sub(e.From) > pushSpan*24*time.Hour:
		return bad(n, "end", "push.too_long", "Count", pushSpan)
	}
	return nil
}

func (p PushedEvent) setDays(n int, e *connectors.Event) (err error) {
	e.AllDay = true
	if e.FirstDay, err = pushedDay(n, "first_day", p.FirstDay); err != nil {
		return err
	}
	last, err := pushedDay(n, "last_day", p.LastDay)
	switch {
	case err != nil:
		return err
	case last.Before(e.FirstDay):
		return bad(n, "last_day", "push.end_before_start")
	case last.Sub(e.FirstDay) >= pushSpan:
		return bad(n, "last_day", "push.too_long", "Count", pushSpan)
	}
	e.EndDay = last.Add(1)
	return nil
}

// pushedTime reads a time in whole seconds. RFC 3339 has no times without an offset: they would be ambiguous.
func pushedTime(n int, field, v string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, v)
	if err != nil || t.Year() < 1 || t.Year() > pushYears {
		return time.Time{}, bad(n, field, "push.bad_time")
	}
	return t.UTC().Truncate(time.Second), nil
}

func pushedDay(n int, field, v string) (when.Date, error) {
	d, err := when.ParseDate(v)
	if err != nil || d.Year < 1 || d.Year > pushYears {
		return d, bad(n, field, "push.bad_day")
	}
	return d, nil
}

// cut returns text as one line without control characters, of so many characters at most.
func cut(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, ""), unicode.IsControl), " ")
	if r := []rune(strings.TrimSpace(text)); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return strings.TrimSpace(text)
}

// PushedRooms returns the rooms that are attached to a pushed system, by address.
func (s *Service) PushedRooms(id store.SystemID) []PushedRoom {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []PushedRoom{}
	for _, rm := range s.rooms {
		if rm.r.System == id && rm.sys.kind.Pushed {
			out = append(out, PushedRoom{Address: rm.r.Address, Name: rm.r.WorkspaceName, LastPush: rm.r.LastOK})
		}
	}
	slices.SortFunc(out, func(a, b PushedRoom) int {
		if c := strings.Compare(a.Address, b.Address); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// noticeSilence notes since when pushed systems bring nothing any more. s.mu is held.
func (s *Service) noticeSilence(now time.Time) {
	for _, sys := range s.systems {
		if sys.kind.Pushed && sys.s.FailingSince.IsZero() && !sys.s.LastOK.IsZero() && now.Sub(sys.s.LastOK) >= pushSilent {
			sys.s.FailingSince, sys.dirty = sys.s.LastOK, true
			s.o.Log.Warn("nothing is pushed any more", "system", sys.s.ID)
		}
	}
}

// pushed stands for the connector that a pushed system does not have: it can be checked and nothing else.
type pushed struct {
	s  *Service
	id store.SystemID // "" = not stored yet
}

func errPushed() error {
	return connectors.Fail(connectors.Unsupported, "ask a booking system", "its script brings the agendas")
}

// Caps implements connectors.Connector.
func (p pushed) Caps() connectors.Caps { return connectors.CapRead }

// Check implements connectors.Connector: it tells what was pushed, and when.
func (p pushed) Check(_ context.Context, req connectors.CheckRequest) connectors.Report {
	report := connectors.Report{Access: connectors.AccessRead}
	rooms := p.s.PushedRooms(p.id)
	now := p.s.o.Now()
	var latest time.Time
	var silent []string
	for _, r := range rooms {
		if r.LastPush.After(latest) {
			latest = r.LastPush
		}
		if now.Sub(r.LastPush) >= pushSilent {
			silent = append(silent, r.Address)
		}
	}
	some := connectors.Step{Name: "calendar.check.pushed", State: connectors.StepOK}
	all := connectors.Step{Name: "calendar.check.pushed_rooms", State: connectors.StepOK, Said: fmt.Sprintf("%d/%d", len(rooms)-len(silent), len(rooms))}
	switch {
	case p.id == "" || len(rooms) == 0:
		some.State, all.State, all.Said = connectors.StepSkipped, connectors.StepSkipped, ""
	case len(silent) == len(rooms):
		some.State, some.Cure, all.State, all.Said = connectors.StepFailed, "calendar.cure.pushed", connectors.StepSkipped, ""
	case len(silent) > 0:
		all.State, all.Cure, all.Said = connectors.StepWarned, "calendar.cure.pushed_rooms", all.Said+": "+strings.Join(silent[:min(5, len(silent))], ", ")
	}
	if !latest.IsZero() {
		some.Said = latest.UTC().Format(time.RFC3339)
	}
	report.Steps = []connectors.Step{some, all}
	return report
}

// Probe implements connectors.Connector.
func (p pushed) Probe(context.Context, connectors.Room, connectors.Cursor) (connectors.Change, error) {
	return connectors.Change{}, errPushed()
}

// Read implements connectors.Connector.
func (p pushed) Read(context.Context, connectors.ReadRequest) (connectors.Snapshot, error) {
	return connectors.Snapshot{}, errPushed()
}

// Close implements connectors.Connector.
func (p pushed) Close() error { return nil }
