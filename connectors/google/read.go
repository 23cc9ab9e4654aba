package google

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// maxPages bounds the pages of one answer.
const maxPages = 200

// zoneSlack is how much further than the window we ask: whole days lie elsewhere in the calendar's own
// zone than in the room's, at most 26 hours.
const zoneSlack = 26 * time.Hour

// cursorPrefix tells our cursors from anything else.
const cursorPrefix = "sync "

// page is one page of events.
type page struct {
	Items []event `json:"items"`
	Next  string  `json:"nextPageToken"`
	Sync  string  `json:"nextSyncToken"`
	Role  string  `json:"accessRole"`
}

// pages walks through all pages of a list and calls each for every one.
func (c *Conn) pages(ctx context.Context, op, calendar string, query url.Values, each func(page)) (asOf time.Time, err error) {
	u, err := c.events(op, calendar, "")
	if err != nil {
		return time.Time{}, err
	}
	for range maxPages {
		u.RawQuery = query.Encode()
		var p page
		resp, err := c.call(ctx, request{op: op, method: http.MethodGet, as: c.rooms(), url: u}, &p)
		if err != nil {
			return time.Time{}, err
		}
		if asOf.IsZero() {
			asOf = resp.AsOf()
		}
		each(p)
		if p.Next == "" {
			return asOf, nil
		}
		if p.Next == query.Get("pageToken") {
			break
		}
		query.Set("pageToken", p.Next)
	}
	return time.Time{}, connectors.Fail(connectors.Invalid, op, "the pages never end")
}

// Probe asks for what changed since a sync token. The first one has to walk through the calendar, ids only,
// from just before the days that the engine reads: what lies behind them concerns no door, and an old room
// holds years of it. All other parameters stay the same from call to call, as Google wants, while timeMin may
// stand in the first walk alone. A token that is too old or means nothing is a change.
func (c *Conn) Probe(ctx context.Context, room connectors.Room, cursor connectors.Cursor) (connectors.Change, error) {
	const op = "ask for changes"
	old, known := strings.CutPrefix(string(cursor), cursorPrefix)
	if known && old != "" {
		ch, err := c.sync(ctx, op, room, old)
		if err == nil || !isStatus(err, http.StatusGone) && !isStatus(err, http.StatusBadRequest) {
			return ch, gone(err)
		}
	}
	ch, err := c.sync(ctx, op, room, "")
	ch.Changed = true
	return ch, gone(err)
}

func (c *Conn) sync(ctx context.Context, op string, room connectors.Room, token string) (connectors.Change, error) {
	query := url.Values{"showDeleted": {"true"}, "maxResults": {"2500"}, "fields": {"items(id),nextPageToken,nextSyncToken"}}
	if token != "" {
		query.Set("syncToken", token)
	} else {
		from := when.DayOf(c.now(), room.Zone).Add(-connectors.DaysBack).Start(room.Zone)
		query.Set("timeMin", from.Add(-zoneSlack).UTC().Format(time.RFC3339))
	}
	var ch connectors.Change
	next := ""
	_, err := c.pages(ctx, op, room.ID, query, func(p page) {
		ch.Changed = ch.Changed || len(p.Items) > 0
		next = p.Sync // only the last page has it
	})
	if err != nil {
		return connectors.Change{}, err
	}
	if next == "" {
		return connectors.Change{}, connectors.Fail(connectors.Invalid, op, "the answer holds no sync token")
	}
	ch.Next = connectors.Cursor(cursorPrefix + next)
	return ch, nil
}

// Read asks for the window's events, series expanded by Google, of the guests the room itself only. There
// is no state: the window is short, and one request brings it.
func (c *Conn) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	const op = "read window"
	query := url.Values{
		"singleEvents": {"true"}, "orderBy": {"startTime"}, "maxResults": {"2500"}, "maxAttendees": {"1"}, "fields": {fields},
		"timeMin": {req.Window.From.Add(-zoneSlack).UTC().Format(time.RFC3339)},
		"timeMax": {req.Window.To.Add(zoneSlack).UTC().Format(time.RFC3339)},
	}
	var asOf time.Time
	items, err := connectors.Settled(ctx, op, func(ctx context.Context, first bool) (all []event, pages int, err error) {
		query.Del("pageToken")
		asOf, err = c.pages(ctx, op, req.Room.ID, query, func(p page) {
			all, pages = append(all, p.Items...), pages+1
			if first && req.Progress != nil && p.Next != "" {
				req.Progress(len(all), 0)
			}
		})
		return all, pages, err
	}, func(e *event) string { return e.ID })
	if err != nil {
		return connectors.Snapshot{}, gone(err)
	}
	r := reader{conn: c, room: req.Room, window: req.Window, events: map[string]connectors.Event{}}
	for i := range items {
		r.add(&items[i])
	}
	if req.Progress != nil {
		req.Progress(len(items), len(items))
	}
	return r.snapshot(asOf), nil
}

// reader turns pages into a snapshot.
type reader struct {
	conn    *Conn
	room    connectors.Room
	window  when.Interval
	events  map[string]connectors.Event // by identity
	skipped int
	unread  []string // keys of what was skipped
}

func (r *reader) add(e *event) {
	if e.drop() {
		return
	}
	ev, ok := r.conn.convert(e, r.room.Zone)
	if !ok {
		r.skipped++
		if e.ID != "" {
			r.unread = append(r.unread, e.ID)
		}
		return
	}
	if !ev.Touches(r.window) {
		return
	}
	// Of two with one identity, a copy that was imported twice, the later written one counts.
	old, double := r.events[ev.Identity()]
	if double && (old.Written.After(ev.Written) || old.Written.Equal(ev.Written) && old.Key < ev.Key) {
		return
	}
	r.events[ev.Identity()] = ev
}

func (r *reader) snapshot(asOf time.Time) connectors.Snapshot {
	s := connectors.Snapshot{AsOf: asOf, Complete: true, Skipped: r.skipped, Unread: r.unread}
	for _, e := range r.events {
		s.Events = append(s.Events, e)
	}
	connectors.SortEvents(s.Events)
	warnings := connectors.Warnings{}
	if n := connectors.Replaced(s.Events); n > 0 {
		warnings.Add(connectors.SubjectsReplaced, "", n)
	}
	s.Warnings = warnings.List()
	return s
}

// Rooms lists the conference rooms of the customer's directory. Without a user to act as there is no list:
// rooms are entered by their addresses.
func (c *Conn) Rooms(ctx context.Context, mark string) ([]connectors.RoomRef, string, error) {
	const op = "list rooms"
	if c.cfg.Subject == "" {
		return nil, "", &connectors.Error{Kind: connectors.Unsupported, Op: op, Code: "no delegation", Cure: "calendar.cure.google_paste", Said: "no user to act as"}
	}
	u := c.directory.JoinPath("customer", "my_customer", "resources", "calendars")
	query := url.Values{
		"query": {"resourceCategory=CONFERENCE_ROOM"}, "maxResults": {"500"},
		"fields": {"items(resourceEmail,resourceName,generatedResourceName,buildingId,floorName,capacity),nextPageToken"},
	}
	if mark != "" {
		query.Set("pageToken", mark)
	}
	u.RawQuery = query.Encode()
	var list struct {
		Items []struct {
			Email     string `json:"resourceEmail"`
			Name      string `json:"resourceName"`
			Generated string `json:"generatedResourceName"`
			Building  string `json:"buildingId"`
			Floor     string `json:"floorName"`
			Capacity  int    `json:"capacity"`
		} `json:"items"`
		Next string `json:"nextPageToken"`
	}
	as := grant{subject: c.cfg.Subject, scope: scopeRooms}
	if _, err := c.call(ctx, request{op: op, method: http.MethodGet, as: as, url: u}, &list); err != nil {
		var e *connectors.Error
		if errors.As(err, &e) && (e.Kind == connectors.Forbidden || e.Kind == connectors.NotFound) && e.Cure != "calendar.cure.google_api_off" {
			e.Kind, e.Cure = connectors.Forbidden, "calendar.cure.google_directory"
		}
		return nil, "", err
	}
	var rooms []connectors.RoomRef
	for _, i := range list.Items {
		if !isAddress(i.Email) {
			continue
		}
		name := i.Name
		if name == "" {
			name = i.Generated
		}
		rooms = append(rooms, connectors.RoomRef{
			ID: i.Email, Address: i.Email, Name: name, Building: i.Building, Floor: i.Floor, Capacity: max(i.Capacity, 0),
		})
	}
	if list.Next == mark {
		list.Next = ""
	}
	return rooms, list.Next, nil
}
