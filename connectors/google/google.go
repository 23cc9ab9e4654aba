// Package google is the connector for Google Workspace: the Calendar API for rooms that are shared with
// a service account, or reached by domain-wide delegation, and the Directory API for the list of rooms.
// It sends a handful of requests over the one transport and needs no SDK.
//
// A room is a resource calendar; Room.ID is its address, such as
// c_1888example@resource.calendar.google.com.
package google

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Config is what an administrator sets for one service account.
type Config struct {
	// Key is the JSON key file of the service account, as the Google Cloud console gives it.
	Key secret.Text
	// Subject is a user on whose behalf the service account acts where domain-wide delegation has been
	// granted. It lists the rooms (the Directory API knows no service accounts); "" = rooms are entered
	// by their addresses.
	Subject string
	// AsSubject makes Subject read and write the rooms' calendars too, for domains that do not let
	// resources be shared with a service account.
	AsSubject bool
	// Invite books by an invitation from the calendar of Inviter, so that Google decides whether the room
	// takes it. Needs delegation for Inviter; "" = Subject.
	Invite  bool
	Inviter string
	// ReadOnly asks for the right to read events only.
	ReadOnly bool
	// Roots are for tests and private gateways; the zero value is Google.
	Roots Roots
	CA    []byte // PEM; when set, the only authorities trusted
	// PerSecond bounds the requests of this service account; 0 = 8. Google allows 600 a minute per user
	// and project, and a service account is one user.
	PerSecond float64
	Now       func() time.Time
}

// Roots are base URLs; empty ones are Google's. Only with Token set does a key's own token_uri not count.
type Roots struct {
	Calendar  string // https://www.googleapis.com/calendar/v3
	Directory string // https://admin.googleapis.com/admin/directory/v1
	Token     string // the key's token_uri
}

// The scopes, each asked for only where it is needed.
const (
	scopeRead  = "https://www.googleapis.com/auth/calendar.events.readonly"
	scopeWrite = "https://www.googleapis.com/auth/calendar.events"
	scopeRooms = "https://www.googleapis.com/auth/admin.directory.resource.calendar.readonly"
)

const (
	perSecond = 8
	burst     = 4
	maxBody   = 32 << 20 // a page of 2,500 events
)

// Conn reads and writes the calendars that one service account may.
type Conn struct {
	client    *outbound.Client
	calendar  *url.URL
	directory *url.URL
	tokens    *tokens
	pace      *rate.Limiter
	quiet     *backoff
	cfg       Config
	account   string // the service account's address
	now       func() time.Time
	pause     time.Duration // between two looks for a room's answer
}

var (
	_ connectors.ReadWriter = (*Conn)(nil)
	_ connectors.Lister     = (*Conn)(nil)
	_ connectors.Marker     = (*Conn)(nil)
)

// New returns a connector. It contacts nobody. An error is a *connectors.Error of kind Invalid that says
// which setting is wrong and holds nothing of the key.
func New(out *outbound.Outbound, cfg Config) (*Conn, error) {
	key, err := parseKey(cfg.Key, cfg.Roots.Token)
	if err != nil {
		return nil, err
	}
	cfg.Subject, cfg.Inviter = strings.TrimSpace(cfg.Subject), strings.TrimSpace(cfg.Inviter)
	if cfg.Inviter == "" {
		cfg.Inviter = cfg.Subject
	}
	for _, address := range []string{cfg.Subject, cfg.Inviter} {
		if address != "" && !isAddress(address) {
			return nil, connectors.BadSetting("subject", "calendar.cure.google_subject", "the user to act as is no e-mail address")
		}
	}
	if cfg.AsSubject && cfg.Subject == "" || cfg.Invite && cfg.Inviter == "" {
		return nil, connectors.BadSetting("subject", "calendar.cure.google_subject", "delegation needs the user to act as")
	}
	if cfg.Roots.Calendar == "" {
		cfg.Roots.Calendar = "https://www.googleapis.com/calendar/v3"
	}
	if cfg.Roots.Directory == "" {
		cfg.Roots.Directory = "https://admin.googleapis.com/admin/directory/v1"
	}
	c := &Conn{cfg: cfg, account: key.email, now: cfg.Now, quiet: &backoff{}, pause: answerPause}
	if c.calendar, err = url.Parse(cfg.Roots.Calendar); err != nil {
		return nil, fmt.Errorf("read address of the calendar API: want https://host/path")
	}
	if c.directory, err = url.Parse(cfg.Roots.Directory); err != nil {
		return nil, fmt.Errorf("read address of the directory API: want https://host/path")
	}
	c.client, err = out.Client(outbound.ClientOptions{
		Purpose: "google", Hosts: []string{cfg.Roots.Calendar, cfg.Roots.Directory, key.tokenURL.String()}, CA: cfg.CA,
		MaxBody: maxBody, Timeout: time.Minute,
	})
	if err != nil {
		return nil, err
	}
	limit := cfg.PerSecond
	if limit <= 0 {
		limit = perSecond
	}
	c.pace = rate.NewLimiter(rate.Limit(limit), burst)
	c.tokens = newTokens(c.client, key, c.quiet, cfg.Now)
	return c, nil
}

// isAddress is true for what can be a user or a calendar: an address without spaces and controls.
func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && len(s) <= 320 &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// Caps returns what this configuration allows. Attached pictures are links to Drive, which nobody shares
// with a door, so there is no CapImage.
func (c *Conn) Caps() connectors.Caps {
	caps := connectors.CapRead | connectors.CapProbe
	if c.cfg.Subject != "" {
		caps |= connectors.CapListRooms
	}
	if c.cfg.ReadOnly {
		return caps
	}
	caps |= connectors.CapBook | connectors.CapSetEnd | connectors.CapRelease | connectors.CapMark | connectors.CapCopyOnly
	if c.cfg.Invite {
		caps |= connectors.CapInvite | connectors.CapServerConflict
	}
	return caps
}

// Close closes idle connections.
func (c *Conn) Close() error {
	c.client.Close()
	return nil
}

// Account returns the service account's address, with which rooms are shared.
func (c *Conn) Account() string { return c.account }

// rooms is who reads and writes the rooms' calendars.
func (c *Conn) rooms() grant {
	g := grant{scope: scopeWrite}
	if c.cfg.ReadOnly {
		g.scope = scopeRead
	}
	if c.cfg.AsSubject {
		g.subject = c.cfg.Subject
	}
	return g
}

// inviter is who writes invitations.
func (c *Conn) inviter() grant { return grant{subject: c.cfg.Inviter, scope: scopeWrite} }

// events returns the URL of a calendar's events, or of one of them.
func (c *Conn) events(op, calendar, id string) (*url.URL, error) {
	if !isAddress(calendar) {
		return nil, connectors.Fail(connectors.Invalid, op, "the room's address is no calendar address")
	}
	u := c.calendar.JoinPath("calendars", url.PathEscape(calendar), "events")
	if id != "" {
		if strings.Trim(id, ".") == "" || len(id) > 2048 {
			return nil, connectors.Fail(connectors.Invalid, op, "the event's key is not usable")
		}
		u = u.JoinPath(url.PathEscape(id))
	}
	return u, nil
}
