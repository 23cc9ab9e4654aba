// Package roomz is the client of the open ROOMZ Connector contract, which booking systems and bridges
// already speak: a list of rooms, the meetings of one, and adding and changing them, as JSON under Basic
// authentication. Room and Meeting are that contract's types, for its other side as well.
//
// The contract knows single meetings only: no series, whole days, tentative or free ones, and no owner, so
// every meeting counts as the room's own, and releasing one means to mark it as cancelled.
//
// It has no key that makes a booking unique and no stamp of the last write. So our token travels as the
// organizer's id, which the contract has the system keep, and is looked for before anything is written. A
// system that replaces it is coped with as far as possible: see Connector.Book. Event.Written stays zero,
// since creationDateUTC may be the start, or what a writer sent; of two bookings that overlap after a write
// both are then undone and tried again, which is safe, though slower.
//
// A room is what the list of rooms names; Room.ID is its roomId.
package roomz

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"sync"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Config is what an administrator sets for one system.
type Config struct {
	URL        string // the base, below which /rooms lies
	User       string
	Password   secret.Text
	ImageHosts []string // base URLs of further hosts from which pictures may come; nobody signs in there
	CA         []byte   // PEM; when set, the only authorities trusted
	Now        func() time.Time
}

// Connector reads and writes the rooms of one system.
type Connector struct {
	client *outbound.Client
	images *outbound.Client
	base   *url.URL
	hosts  []*url.URL  // that pictures may come from
	own    secret.Text // the password, to keep it out of what the system says
	now    func() time.Time

	mu   sync.Mutex
	ours map[string]string // room and meeting → token, where the system does not keep organizerId
}

var (
	_ connectors.ReadWriter = (*Connector)(nil)
	_ connectors.Lister     = (*Connector)(nil)
	_ connectors.Imager     = (*Connector)(nil)
)

const (
	maxBody  = 16 << 20
	maxImage = 8 << 20
	maxOurs  = 10_000
)

// New returns a connector. It contacts nobody. An error says which setting is wrong.
func New(out *outbound.Outbound, cfg Config) (*Connector, error) {
	base, err := url.Parse(strings.TrimSpace(cfg.URL))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil {
		return nil, connectors.BadSetting("url", "systems.url_invalid", "want https://host/path without user and password")
	}
	base.Fragment, base.RawQuery = "", ""
	c := &Connector{base: base, own: cfg.Password, now: cfg.Now, ours: map[string]string{}}
	hosts := append([]string{base.String()}, cfg.ImageHosts...)
	for _, h := range hosts {
		u, err := url.Parse(strings.TrimSpace(h))
		if err != nil || u.Host == "" {
			return nil, connectors.BadSetting("image_hosts", "systems.bad_hosts", "want https://host")
		}
		c.hosts = append(c.hosts, u)
	}
	cred := outbound.Credentials{}
	if cfg.User != "" {
		cred = outbound.Credentials{Scheme: outbound.Basic, User: cfg.User, Password: cfg.Password}
	}
	c.client, err = out.Client(outbound.ClientOptions{
		Purpose: "roomz", Hosts: hosts[:1], CA: cfg.CA, Credentials: cred, MaxBody: maxBody, Timeout: time.Minute,
	})
	if err != nil {
		return nil, err
	}
	c.images, err = out.Client(outbound.ClientOptions{Purpose: "roomz", Hosts: hosts, CA: cfg.CA, MaxBody: maxImage, Timeout: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Caps returns what the contract can do. Some systems refuse overlaps with 409, but none has to.
func (c *Connector) Caps() connectors.Caps {
	return connectors.CapRead | connectors.CapListRooms | connectors.CapBook | connectors.CapSetEnd | connectors.CapRelease | connectors.CapImage
}

// Close closes idle connections.
func (c *Connector) Close() error {
	c.client.Close()
	c.images.Close()
	return nil
}

// meetings returns the URL of a room's meetings, or with an id that of one.
func (c *Connector) meetings(op, room, meeting string) (*url.URL, error) {
	parts := []string{room, "meetings"}
	if meeting != "" {
		parts = append(parts, meeting)
	}
	u := c.base.JoinPath("rooms")
	for _, part := range parts {
		if strings.Trim(part, ".") == "" || len(part) > 2048 {
			return nil, connectors.Fail(connectors.Invalid, op, "the room's or the meeting's id is not usable")
		}
		u = u.JoinPath(url.PathEscape(part))
	}
	return u, nil
}

// tokenPrefix marks an organizer's id that is a token of ours.
const tokenPrefix = "lintel-"

// entry is a meeting as the system sent it, and in that form for sending it back.
type entry struct {
	Meeting
	raw []byte
}

// rev names the meeting's content.
func (e entry) rev() string {
	sum := sha256.Sum256(e.raw)
	return hex.EncodeToString(sum[:8])
}

// event turns a meeting into the contract's event. Unique is false when another one has the same id, as
// some systems give all occurrences of a series: then the start tells them apart.
func (c *Connector) event(room string, e entry, unique bool) connectors.Event {
	out := connectors.Event{
		Key: e.ID, Series: e.ID, Rev: e.rev(), From: e.Start, To: e.End,
		Subject: e.Subject, Organizer: e.OrganizerName, Created: e.Created, Mine: true,
		Token: c.token(room, e), HasImage: e.ImageURL != "" && c.imageURL(e.ImageURL) != nil,
	}
	if out.Series == "" {
		out.Series = "at " + FormatTime(e.Start) + " " + FormatTime(e.End)
	}
	if !unique {
		out.Occurrence = e.Start.Format("20060102T150405Z")
	}
	if out.Token == "" && strings.Contains(e.OrganizerID, "@") && !strings.ContainsAny(e.OrganizerID, " \t\r\n") {
		out.OrganizerAddr = e.OrganizerID
	}
	if e.Private {
		out.Hide()
		out.HasImage = false // a picture tells as much as a subject
	}
	return out
}

// token returns the token of a meeting of ours.
func (c *Connector) token(room string, e entry) string {
	if t, ok := strings.CutPrefix(e.OrganizerID, tokenPrefix); ok && validToken(t) {
		return t
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ours[room+"\x00"+e.ID]
}

func validToken(t string) bool {
	from := time.Unix(0, 0)
	return connectors.Draft{Token: t, From: from, To: from.Add(time.Second)}.Valid() == nil
}

// remember notes whose a meeting is, for systems that replace the organizer's id. It lasts as long as this
// connector.
func (c *Connector) remember(room, meeting, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ours) >= maxOurs {
		clear(c.ours)
	}
	c.ours[room+"\x00"+meeting] = token
}
