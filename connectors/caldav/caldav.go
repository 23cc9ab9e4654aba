// Package caldav is the connector for CalDAV servers (RFC 4791): Radicale, Xandikos, Nextcloud, SOGo,
// DAViCal, Cyrus and their like. It reads by the map of hrefs and ETags and a multiget of what it
// needs, takes each object by itself so that a broken one never blinds a room, and expands series
// here: what servers make of time ranges and "expand" differs too much to rely on.
//
// A room is a calendar collection; Room.ID is its path on the configured server, or its whole URL when
// it is on another host that was configured too.
package caldav

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Config is what an administrator sets for one server.
type Config struct {
	URL         string   // the server, a principal, a home, or one calendar collection
	Hosts       []string // further base URLs that the server may point to
	CA          []byte   // PEM; when set, the only authorities trusted
	Credentials outbound.Credentials
	Now         func() time.Time
}

// Connector reads and writes the calendars of one server.
type Connector struct {
	client *outbound.Client
	base   *url.URL
	now    func() time.Time
}

var (
	_ connectors.ReadWriter = (*Connector)(nil)
	_ connectors.Lister     = (*Connector)(nil)
)

// maxBody bounds one answer: the listing of a calendar with 100,000 objects, or 50 objects.
const maxBody = 32 << 20

// New returns a connector. It contacts nobody. An error says which setting is wrong.
func New(out *outbound.Outbound, cfg Config) (*Connector, error) {
	base, err := url.Parse(strings.TrimSpace(cfg.URL))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil {
		return nil, connectors.BadSetting("url", "systems.url_invalid", "want https://host/path without user and password")
	}
	base.Fragment, base.RawQuery = "", ""
	if base.Path == "" {
		base.Path = "/"
	}
	client, err := out.Client(outbound.ClientOptions{
		Purpose: "caldav", Hosts: append([]string{base.String()}, cfg.Hosts...), CA: cfg.CA,
		Credentials: cfg.Credentials, MaxBody: maxBody, Timeout: time.Minute, MaxRedirects: 5,
		NoGate: true, // the engine waits, for all rooms at once
	})
	if err != nil {
		return nil, err
	}
	return &Connector{client: client, base: base, now: cfg.Now}, nil
}

// Caps returns what CalDAV servers can do.
func (c *Connector) Caps() connectors.Caps {
	return connectors.CapRead | connectors.CapListRooms | connectors.CapProbe | connectors.CapBook | connectors.CapSetEnd | connectors.CapRelease
}

// Close closes idle connections.
func (c *Connector) Close() error {
	c.client.Close()
	return nil
}

// collection returns the URL of a room's collection, with a slash at its end.
func (c *Connector) collection(room connectors.Room, op string) (*url.URL, error) {
	u, err := c.base.Parse(room.ID)
	if err != nil || room.ID == "" {
		return nil, connectors.Fail(connectors.Invalid, op, "the room's address is no URL")
	}
	return slash(u), nil
}

// slash returns u with a path that ends in a slash: relative hrefs hang on it.
func slash(u *url.URL) *url.URL {
	if strings.HasSuffix(u.Path, "/") {
		return u
	}
	return u.JoinPath("/")
}

// roomID names a collection: its path on the configured server, else its URL.
func (c *Connector) roomID(u *url.URL) string {
	if u.Scheme == c.base.Scheme && strings.EqualFold(u.Host, c.base.Host) {
		return (&url.URL{Path: u.Path}).EscapedPath()
	}
	return u.String()
}

// Probe compares the collection's tag and sync token with the last ones: any difference is a change, and
// tokens are never sent back to the server, since many servers do not honour them. A server that has
// neither is asked for all ETags, and so is one whose tag is not settled yet.
func (c *Connector) Probe(ctx context.Context, room connectors.Room, cursor connectors.Cursor) (connectors.Change, error) {
	const op = "ask for changes"
	at, err := c.collection(room, op)
	if err != nil {
		return connectors.Change{}, err
	}
	ms, err := c.propfind(ctx, op, at, "0", `<CS:getctag/><D:sync-token/>`)
	if err != nil {
		return connectors.Change{}, gone(err)
	}
	tag, fresh := "", false
	for _, r := range ms.responses {
		if r.props.CTag != "" || r.props.SyncToken != "" {
			tag = "tag " + r.props.CTag + " " + r.props.SyncToken
			fresh = thisSecond(r.props.CTag, ms.asOf) || thisSecond(r.props.SyncToken, ms.asOf)
		}
	}
	last := string(cursor)
	if tag != "" && (last == tag || !fresh && !strings.HasPrefix(last, tag+" etags ")) {
		return connectors.Change{Changed: last != tag, Next: connectors.Cursor(tag)}, nil
	}
	list, _, err := c.list(ctx, at)
	if err != nil {
		return connectors.Change{}, err
	}
	full := strings.TrimSpace(tag + " etags " + list.hash())
	next := full
	if tag != "" && !fresh {
		next = tag
	}
	return connectors.Change{Changed: last != full, Next: connectors.Cursor(next)}, nil
}

// thisSecond reports whether a tag is the Unix time of a change (SOGo) that is so recent on the server's
// clock that another change may come and leave the tag as it is.
func thisSecond(tag string, now time.Time) bool {
	n, err := strconv.ParseInt(strings.TrimSpace(tag), 10, 64)
	return err == nil && now.Sub(time.Unix(n, 0)).Abs() <= 5*time.Second
}

// gone turns "not there" of a collection into Gone.
func gone(err error) error {
	var e *connectors.Error
	if errors.As(err, &e) && e.Kind == connectors.NotFound {
		e.Kind = connectors.Gone
	}
	return err
}

// member is one object of a collection as the listing shows it.
type member struct {
	href    string // escaped path, as the server wrote it
	etag    string // without W/; "" = the server does not tell
	written time.Time
}

type listing []member

// hash names a state of the listing.
func (l listing) hash() string {
	h := sha256.New()
	for _, m := range l {
		fmt.Fprintf(h, "%s\x00%s\x00%d\n", m.href, m.etag, m.written.Unix())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// list returns the objects of a collection, by path, and the server's clock.
func (c *Connector) list(ctx context.Context, at *url.URL) (listing, time.Time, error) {
	ms, err := c.propfind(ctx, "list objects", at, "1", `<D:getetag/><D:getlastmodified/><D:resourcetype/><D:getcontenttype/>`)
	if err != nil {
		return nil, time.Time{}, gone(err)
	}
	self := strings.TrimSuffix(at.Path, "/")
	var out listing
	for _, r := range ms.responses {
		u, err := at.Parse(r.href)
		if err != nil || r.status >= 400 || r.props.ResourceType.has("collection") || strings.TrimSuffix(u.Path, "/") == self {
			continue
		}
		if t := r.props.ContentType; t != "" && !strings.HasPrefix(t, "text/calendar") && !strings.HasSuffix(u.Path, ".ics") {
			continue
		}
		// Only the path counts: behind a proxy servers write hosts that nobody can reach.
		out = append(out, member{u.EscapedPath(), cleanETag(r.props.ETag), r.written()})
	}
	slices.SortFunc(out, func(a, b member) int { return strings.Compare(a.href, b.href) })
	return slices.CompactFunc(out, func(a, b member) bool { return a.href == b.href }), ms.asOf, nil
}

// cleanETag drops the mark of a weak ETag: a proxy that compresses sets it, and the server behind
// knows only the strong one.
func cleanETag(s string) string {
	s = strings.TrimSpace(s)
	if t, ok := strings.CutPrefix(s, "W/"); ok && strings.HasPrefix(t, `"`) {
		return t
	}
	return s
}

// do sends one request.
func (c *Connector) do(ctx context.Context, op, method string, u *url.URL, header http.Header, body []byte) (*outbound.Response, error) {
	return c.client.Do(ctx, outbound.Request{Op: op, Method: method, URL: u, Header: header, Body: body})
}
