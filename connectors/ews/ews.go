// Package ews is the connector for Exchange Server on the customer's premises (2013 to Subscription
// Edition) and for what speaks its web services as grommunio does. It sends a dozen SOAP requests of its
// own making, all of them valid against Microsoft's schema, and reads answers by the names of their
// elements, since servers differ in all else.
//
// A room is a mailbox; Room.ID is its primary SMTP address.
//
// # When an event was written
//
// Event.Written is the moment since which the event has had its claim on the room, by the server's clock
// in whole seconds: that is what BookVerified and SetEndVerified compare. For a booking it is
// DateTimeCreated, which no later change moves. An event that we made longer claims the added time only
// since then, so SetEnd leaves a property on it that makes LastModifiedTime count; and what changes
// it afterwards without claiming more (a check-in, an earlier end) writes the time itself into that
// property first. A meeting that somebody else moved keeps its DateTimeCreated and so wins over ours.
package ews

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Access is how the service account reaches a room's calendar.
type Access string

// The ways, from the smallest right to the largest.
const (
	FreeBusy      Access = "free_busy"     // nothing granted: times only
	Folder        Access = "folder"        // a permission on each room's calendar folder
	Impersonation Access = "impersonation" // ApplicationImpersonation, limited to rooms by a scope
)

// Config is what an administrator sets for one Exchange organisation.
type Config struct {
	URL         string // the server's name, or the whole URL of its Exchange.asmx
	Credentials outbound.Credentials
	CA          []byte   // PEM; when set, the only authorities trusted
	Pins        []string // see outbound.ClientOptions
	Access      Access   // "" = Folder
	// Account is the SMTP address of the service account's own mailbox; only Invite needs it.
	Account string
	// Invite makes Book send a meeting from Account's calendar with the room as its resource, for the
	// room's own booking assistant to decide. It takes seconds; other methods find such bookings by UID.
	Invite bool
	// DeclineNote is the text to the organizer of a meeting that is released; "" = none.
	DeclineNote string
	Trace       func(outbound.Exchange) // see outbound.ClientOptions; may be nil
	Now         func() time.Time
}

// Conn reads and writes the rooms of one Exchange organisation.
type Conn struct {
	cfg     Config
	client  *outbound.Client
	url     *url.URL
	now     func() time.Time
	mask    func(string) string // takes our password out of what a server says; a func, since fmt prints fields
	wait    time.Duration       // between two looks for the assistant's answer
	maxWait time.Duration
	pause   func(n int) time.Duration // before the nth new try of a stream

	mu     sync.Mutex
	groups []*group // of subscriptions; they outlive a Watch
}

var (
	_ connectors.ReadWriter = (*Conn)(nil)
	_ connectors.Lister     = (*Conn)(nil)
	_ connectors.Batcher    = (*Conn)(nil)
	_ connectors.Watcher    = (*Conn)(nil)
	_ connectors.Marker     = (*Conn)(nil)
	_ connectors.Imager     = (*Conn)(nil)
)

const (
	// maxBody bounds one answer: a thousand events, or one picture of 10 MiB in base64.
	maxBody = 16 << 20
	timeout = time.Minute
)

// New returns a connector. It contacts nobody. An error says which setting is wrong; when the server is
// Exchange Online its cure says to take Microsoft 365 instead.
func New(out *outbound.Outbound, cfg Config) (*Conn, error) {
	u, err := endpoint(cfg.URL)
	if err != nil {
		return nil, err
	}
	cfg.Access = cmp.Or(cfg.Access, Folder)
	switch {
	case cfg.Access != FreeBusy && cfg.Access != Folder && cfg.Access != Impersonation:
		return nil, fmt.Errorf("read the kind of access: want %s, %s or %s", FreeBusy, Folder, Impersonation)
	case cfg.Invite && cfg.Access == FreeBusy:
		return nil, fmt.Errorf("read the way of booking: with free and busy times only, nothing can be booked")
	case cfg.Invite && !isAddress(cfg.Account):
		return nil, connectors.BadSetting("account", "systems.bad_mailbox", "invitations are sent from the mailbox of the service account")
	}
	client, err := out.Client(outbound.ClientOptions{
		Purpose: "ews", Hosts: []string{u.String()}, CA: cfg.CA, Pins: cfg.Pins, Credentials: cfg.Credentials,
		MaxBody: maxBody, Timeout: timeout, MaxRedirects: 2, HTTP1: true, Idle: streamIdle, Trace: cfg.Trace,
	})
	if err != nil {
		return nil, err
	}
	password := cfg.Credentials.Password // of NTLM and Kerberos it is empty: it is never sent
	mask := func(s string) string {
		if own := password.Reveal(); len(own) > 3 {
			return strings.ReplaceAll(s, own, "***")
		}
		return s
	}
	cfg.Credentials = outbound.Credentials{} // the client has them; a Conn that somebody prints does not
	return &Conn{
		cfg: cfg, client: client, url: u, now: cfg.Now, mask: mask, wait: time.Second, maxWait: 20 * time.Second, pause: streamPause,
	}, nil
}

// endpoint returns the URL of the web services for what an administrator typed.
func endpoint(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	if s != "" && !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, connectors.BadSetting("url", "systems.url_invalid_host", "want mail.example.com or https://mail.example.com/EWS/Exchange.asmx")
	}
	if IsOnline(u.Hostname()) {
		return nil, &connectors.Error{Kind: connectors.Unsupported, Op: "read address of the Exchange server", Code: "Exchange Online", Cure: "calendar.cure.exchange_online", Said: u.Hostname(), Setting: "url"}
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, connectors.BadSetting("url", "systems.url_https", "it has to begin with https, or the password could be read on the way")
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/EWS/Exchange.asmx"
	}
	u.Fragment, u.RawQuery = "", ""
	return u, nil
}

// IsOnline reports whether a host belongs to Exchange Online, whose web services are being switched off.
func IsOnline(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, s := range []string{
		"outlook.com", "office365.com", "office.com", "office365.us", "outlook.cn", "outlook.de", "office.de", "office.net",
		"microsoft.com", "cloud.microsoft", "office365.eaglex.ic.gov", "office365.microsoft.scloud",
	} {
		if host == s || strings.HasSuffix(host, "."+s) {
			return true
		}
	}
	return false
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// isAddress reports whether s looks like one SMTP address and nothing else. An apostrophe may be in one.
func isAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(s) <= 320 && !strings.ContainsAny(s, " \t\r\n<>\",;:") && !strings.Contains(domain, "@")
}

// Caps returns what the configured access allows at most.
func (c *Conn) Caps() connectors.Caps {
	if c.cfg.Access == FreeBusy {
		return connectors.CapRead | connectors.CapFreeBusyOnly | connectors.CapListRooms | connectors.CapProbe
	}
	caps := connectors.CapRead | connectors.CapListRooms | connectors.CapProbe | connectors.CapBook | connectors.CapSetEnd |
		connectors.CapRelease | connectors.CapWatch | connectors.CapMark | connectors.CapImage | connectors.CapCopyOnly
	if c.cfg.Invite {
		caps |= connectors.CapInvite
	}
	return caps
}

// Close closes idle connections.
func (c *Conn) Close() error {
	c.client.Close()
	return nil
}
