// Package ics is the connector for calendar feeds: iCalendar files behind a URL that somebody
// publishes. It only reads. Feeds lag, stop and come back empty: a failure keeps the last good state
// with the engine, and a feed that loses most of its future at once must say so twice.
package ics

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ical"
	"lintel/connectors/outbound"
	"lintel/connectors/vevent"
)

// Config is what an administrator sets for a group of feeds.
type Config struct {
	// Feeds are the feeds' URLs by a name that is no secret: Room.ID. The URL often is one, since it
	// carries a token. webcal: means https:.
	Feeds       map[string]secret.Text
	CA          []byte // PEM; when set, the only authorities trusted
	Credentials outbound.Credentials
	Now         func() time.Time
}

// maxBody bounds a feed, decompressed.
const maxBody = 20 << 20

// Connector reads feeds.
type Connector struct {
	client *outbound.Client
	feeds  map[string]*url.URL
	now    func() time.Time
}

var (
	_ connectors.Connector = (*Connector)(nil)
	_ connectors.Lister    = (*Connector)(nil)
)

// New returns a connector. It contacts nobody. An error says which feed is wrong, not its URL.
func New(out *outbound.Outbound, cfg Config) (*Connector, error) {
	c := &Connector{feeds: map[string]*url.URL{}, now: cfg.Now}
	var hosts []string
	for id, text := range cfg.Feeds {
		u, err := feedURL(text)
		if err != nil {
			return nil, connectors.BadSetting("address", "systems.url_invalid", fmt.Sprintf("the address of feed %q: %v", id, err))
		}
		c.feeds[id] = u
		hosts = append(hosts, u.Scheme+"://"+u.Host)
	}
	slices.Sort(hosts)
	var err error
	c.client, err = out.Client(outbound.ClientOptions{
		Purpose: "ics", Hosts: slices.Compact(hosts), CA: cfg.CA, Credentials: cfg.Credentials,
		MaxBody: maxBody, Timeout: time.Minute, MaxConns: 2,
		NoGate: true, // one busy publisher does not stop the feeds of the others: the engine waits
	})
	return c, err
}

func feedURL(text secret.Text) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text.Reveal()))
	if err != nil {
		return nil, errors.New("it is no URL")
	}
	switch strings.ToLower(u.Scheme) {
	case "webcal", "webcals":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, errors.New("want https://, http:// or webcal://")
	}
	if u.Host == "" {
		return nil, errors.New("the host is missing")
	}
	if u.User != nil {
		return nil, errors.New("user and password have fields of their own")
	}
	u.Fragment = ""
	return u, nil
}

// Caps returns what feeds can do.
func (c *Connector) Caps() connectors.Caps {
	return connectors.CapRead | connectors.CapListRooms | connectors.CapProbe
}

// Close closes idle connections.
func (c *Connector) Close() error {
	c.client.Close()
	return nil
}

// Rooms lists the feeds' names.
func (c *Connector) Rooms(context.Context, string) ([]connectors.RoomRef, string, error) {
	var rooms []connectors.RoomRef
	for _, id := range slices.Sorted(maps.Keys(c.feeds)) {
		rooms = append(rooms, connectors.RoomRef{ID: id, Name: id, Access: connectors.AccessRead})
	}
	return rooms, "", nil
}

// mark is the cursor: what makes the next request conditional, and what tells whether an answer without
// a validator is new.
type mark struct {
	ETag     string        `json:"e,omitempty"`
	Modified string        `json:"m,omitempty"`
	Hash     string        `json:"h"`
	Wait     time.Duration `json:"w,omitempty"`
}

// Probe asks for the feed on condition that it changed (RFC 9110 13.1). Many servers send it anyhow, so
// that the content decides.
func (c *Connector) Probe(ctx context.Context, room connectors.Room, cursor connectors.Cursor) (connectors.Change, error) {
	var last mark
	_ = json.Unmarshal(cursor, &last) // a cursor that can't be read is none
	header := http.Header{}
	if last.Hash != "" && last.ETag != "" {
		header.Set("If-None-Match", last.ETag)
	}
	if last.Hash != "" && last.Modified != "" {
		header.Set("If-Modified-Since", last.Modified)
	}
	resp, err := c.fetch(ctx, "ask for changes", room, header)
	if err != nil {
		return connectors.Change{}, err
	}
	if resp.Status == http.StatusNotModified {
		if last.Hash == "" {
			return connectors.Change{}, connectors.Fail(connectors.Invalid, "ask for changes", "the server answers a condition that was not set")
		}
		return connectors.Change{Next: cursor, Wait: last.Wait}, nil
	}
	next := mark{ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified"), Hash: hash(resp.Body), Wait: refresh(resp.Body)}
	b, err := json.Marshal(next)
	if err != nil {
		return connectors.Change{}, connectors.Fail(connectors.Invalid, "ask for changes", "keep the mark: %w", err)
	}
	return connectors.Change{Changed: next.Hash != last.Hash, Next: b, Wait: next.Wait}, nil
}

// fetch gets a feed and judges the answer.
func (c *Connector) fetch(ctx context.Context, op string, room connectors.Room, header http.Header) (*outbound.Response, error) {
	u := c.feeds[room.ID]
	if u == nil {
		return nil, connectors.Fail(connectors.Gone, op, "no such feed is configured")
	}
	header.Set("Accept", "text/calendar, */*;q=0.5")
	resp, err := c.client.Do(ctx, outbound.Request{Op: op, Method: http.MethodGet, URL: u, Header: header})
	if err != nil {
		return nil, err
	}
	if err := resp.Err(); err != nil {
		var e *connectors.Error
		if errors.As(err, &e) && e.Kind == connectors.NotFound {
			e.Kind = connectors.Gone
		}
		return nil, err
	}
	switch {
	case resp.Status == http.StatusNotModified:
	case resp.IsHTML():
		return nil, resp.HTMLErr()
	case resp.Status != http.StatusOK || !isCalendar(resp.Body):
		return nil, &connectors.Error{Kind: connectors.Invalid, Op: op, Code: "no calendar", Cure: "calendar.cure.no_feed", Said: "HTTP " + strconv.Itoa(resp.Status)}
	}
	return resp, nil
}

func isCalendar(b []byte) bool {
	head := strings.ToUpper(string(b[:min(len(b), 64<<10)]))
	return strings.Contains(head, "BEGIN:VCALENDAR")
}

// Read gets the whole feed and expands it.
func (c *Connector) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	resp, err := c.fetch(ctx, "read window", req.Room, http.Header{})
	if err != nil {
		return connectors.Snapshot{}, err
	}
	snap, err := read(resp.Body, resp.AsOf(), c.now(), req)
	if err == nil && req.Progress != nil {
		req.Progress(1, 1)
	}
	return snap, err
}

// read is Read without the network. AsOf is the server's clock, now ours.
func read(body []byte, asOf, now time.Time, req connectors.ReadRequest) (connectors.Snapshot, error) {
	f, err := vevent.Parse(body, req.Room.Zone, ical.Limits{Bytes: maxBody})
	if err != nil {
		return connectors.Snapshot{}, &connectors.Error{Kind: connectors.Invalid, Op: "read window", Code: "no calendar", Cure: "calendar.cure.no_feed", Err: err}
	}
	f.DistrustStamps(asOf.AddDate(0, 0, -1))
	warnings := connectors.Warnings{}
	snap := connectors.Snapshot{Events: f.Occurrences(req.Window, warnings), AsOf: asOf, Complete: true, Skipped: f.Bad}
	for i := range snap.Events {
		snap.Events[i].Key = connectors.OccurrenceKey(snap.Events[i].Series, snap.Events[i].Occurrence)
	}
	for _, l := range f.Lost {
		name := l.UID
		if l.Original != "" {
			name = connectors.OccurrenceKey(l.UID, l.Original)
		}
		snap.Unread = append(snap.Unread, name)
	}
	connectors.SortEvents(snap.Events)
	known, next := loadState(req.State), newState(req.Window, snap.Events, now)
	if f.Truncated() || known.lost(next, now) {
		if doubt := now.Unix() - known.Doubt; known.Doubt == 0 || doubt < int64(secondLook/time.Second) {
			snap.Complete = false
			known.Doubt = cmp.Or(known.Doubt, now.Unix())
			next = known
			warnings.Add("calendar.warning.feed_shrunk", "", 1)
		}
	}
	snap.State, snap.Warnings = next.save(), warnings.List()
	return snap, nil
}

// Check fetches the feed and reads two weeks of it.
func (c *Connector) Check(ctx context.Context, req connectors.CheckRequest) connectors.Report {
	ck := &connectors.Checker{Now: c.now}
	u := c.feeds[req.Room.ID]
	if u == nil {
		if req.Room.ID == "" {
			ck.Skip("calendar.check.room") // each room has a server of its own
			return ck.Report
		}
		ck.Step("calendar.check.room", func() (string, error) {
			return "", connectors.Fail(connectors.Gone, "check", "no such feed is configured")
		})
		return ck.Report
	}
	outbound.Reach(ck, u, func() (*outbound.Response, error) {
		return c.fetch(ctx, "fetch feed", req.Room, http.Header{})
	})
	skipped := 0
	ok := ck.Step("calendar.check.read", func() (string, error) {
		from := when.DayOf(c.now(), req.Room.Zone).Start(req.Room.Zone)
		snap, err := c.Read(ctx, connectors.ReadRequest{Room: req.Room, Window: when.Interval{From: from, To: from.AddDate(0, 0, 14)}})
		skipped = snap.Skipped
		return strconv.Itoa(len(snap.Events)), err
	})
	if skipped > 0 {
		ck.Warn("calendar.cure.skipped")
	}
	if ok {
		ck.Report.Access = connectors.AccessRead
	}
	return ck.Report
}

// hash names a feed's content without what changes with each download: servers stamp it.
func hash(body []byte) string {
	h := sha256.New()
	for len(body) > 0 {
		line := body
		if i := slices.Index(body, '\n'); i >= 0 {
			line = body[:i+1]
		}
		body = body[len(line):]
		if !isStamp(line) {
			h.Write(line)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// isStamp reports a DTSTAMP line, with or without parameters.
func isStamp(line []byte) bool {
	const name = "DTSTAMP"
	return len(line) > len(name) && strings.EqualFold(string(line[:len(name)]), name) && (line[len(name)] == ':' || line[len(name)] == ';')
}
