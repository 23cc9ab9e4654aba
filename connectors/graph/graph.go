// Package graph is the connector for Microsoft 365: room mailboxes of Exchange Online through the Graph
// API, as an application of its own, without a user and without anything that Microsoft has to reach.
//
// A room is a mailbox; Room.ID is its address. The truth is a calendarView of a short window. A change
// is noticed by calendarView/delta, for up to twenty rooms in one $batch, and what the delta brings is
// not looked at: its occurrences are stubs, and it ignores $select.
//
// Graph throttles each mailbox by itself, so each has a gate of its own: never more than four requests
// at once, and none before the time that Graph has asked for.
package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Cloud is one of Microsoft's clouds. Tokens of one mean nothing in another.
type Cloud string

// The clouds. "" is Global.
const (
	Global Cloud = "global"
	USGov  Cloud = "us-gov" // GCC High
	DoD    Cloud = "dod"
	China  Cloud = "china" // operated by 21Vianet
)

// hosts returns where a cloud signs in and where its Graph is.
func (c Cloud) hosts() (authority, root string, ok bool) {
	switch c {
	case Global, "":
		return "https://login.microsoftonline.com", "https://graph.microsoft.com", true
	case USGov:
		return "https://login.microsoftonline.us", "https://graph.microsoft.us", true
	case DoD:
		return "https://login.microsoftonline.us", "https://dod-graph.microsoft.us", true
	case China:
		return "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn", true
	}
	return "", "", false
}

// Config is what an administrator sets for one tenant.
type Config struct {
	Tenant   string // the directory's id or one of its domains
	ClientID string // the application's id

	// Either a secret, or a private key with its certificate: see Generate.
	Secret        secret.Text
	SecretExpires time.Time   // as the administrator read it in Entra; zero = unknown
	Key           secret.Text // PEM
	Certificate   []byte      // PEM
	RS256         bool        // sign in by RS256 where the authority does not know PS256 (AD FS)

	Cloud Cloud
	// Authority and Root replace the cloud's addresses, without path: https://login.example and
	// https://graph.example. Both or neither.
	Authority, Root string
	CA              []byte // PEM; when set, the only authorities trusted

	// Invite makes Book write a meeting into Account's calendar that invites the room, so that the
	// room's own rules decide. Otherwise bookings are written into the room's calendar.
	Invite  bool
	Account string

	// DeclineNote is the text to the organizer of a meeting that is released; "" = none.
	DeclineNote string

	// NormalMailbox is the address of somebody who is no room: Check proves that it can't be read.
	NormalMailbox string

	Trace func(outbound.Exchange) // told of every exchange, redacted; may be nil
	Now   func() time.Time
}

// Conn reads and writes the rooms of one tenant. It is safe for concurrent use.
type Conn struct {
	cfg    Config
	client *outbound.Client
	base   *url.URL // root with version, without a slash at its end
	tokens *tokens
	gate   gate
	now    func() time.Time

	mu        sync.Mutex
	organizer string // see organizes; "" = not asked yet
}

var (
	_ connectors.ReadWriter = (*Conn)(nil)
	_ connectors.Lister     = (*Conn)(nil)
	_ connectors.Batcher    = (*Conn)(nil)
	_ connectors.Marker     = (*Conn)(nil)
	_ connectors.Imager     = (*Conn)(nil)
	_ connectors.Expirer    = (*Conn)(nil)
)

// maxBody bounds one answer: twenty pages of a delta, whose events come with their bodies.
const maxBody = 32 << 20

// New returns a connector. It contacts nobody. An error says which setting is wrong and holds no secret.
func New(out *outbound.Outbound, cfg Config) (*Conn, error) {
	cfg.Tenant, cfg.ClientID = strings.TrimSpace(cfg.Tenant), strings.TrimSpace(cfg.ClientID)
	if !isName(cfg.Tenant) {
		return nil, connectors.BadSetting("tenant", "systems.bad_tenant", "want the directory's id or one of its domains")
	}
	if !isName(cfg.ClientID) {
		return nil, connectors.BadSetting("client_id", "systems.bad_client_id", "want the application id that Entra shows")
	}
	if cfg.Invite && !isMailbox(cfg.Account) {
		return nil, connectors.BadSetting("account", "systems.bad_mailbox", "inviting rooms needs the address of the mailbox that invites")
	}
	authority, root, ok := cfg.Cloud.hosts()
	if !ok {
		return nil, fmt.Errorf("read cloud %q: want global, us-gov, dod or china", cfg.Cloud)
	}
	if cfg.Authority != "" || cfg.Root != "" {
		authority, root = cfg.Authority, cfg.Root
	}
	signIn, err := host(authority, "authority")
	if err != nil {
		return nil, err
	}
	base, err := host(root, "root")
	if err != nil {
		return nil, err
	}
	version := *base
	version.Path = "/v1.0"
	c := &Conn{cfg: cfg, base: &version, now: cfg.Now}
	c.gate.now = cfg.Now
	c.tokens = &tokens{
		url: signIn.JoinPath(cfg.Tenant, "oauth2", "v2.0", "token"), scope: base.String() + "/.default",
		clientID: cfg.ClientID, secret: cfg.Secret, now: cfg.Now, turn: make(chan struct{}, 1),
	}
	switch withKey := !cfg.Key.IsZero() || len(cfg.Certificate) > 0; {
	case withKey && !cfg.Secret.IsZero(), !withKey && cfg.Secret.IsZero():
		return nil, errors.New("read credentials: want either a secret or a certificate with its key")
	case withKey:
		if c.tokens.signer, err = newSigner(cfg.Key, cfg.Certificate, cfg.RS256); err != nil {
			return nil, err
		}
	}
	// Two clients: what is meant for one server never follows a redirect to the other.
	c.tokens.client, err = out.Client(outbound.ClientOptions{
		Purpose: "graph-sign-in", Hosts: []string{signIn.String()}, CA: cfg.CA, MaxBody: 1 << 20, NoGate: true, Trace: cfg.Trace,
	})
	if err != nil {
		return nil, err
	}
	c.client, err = out.Client(outbound.ClientOptions{
		Purpose: "graph", Hosts: []string{base.String()}, CA: cfg.CA, MaxBody: maxBody, Timeout: time.Minute, MaxConns: 16,
		NoGate: true, Trace: cfg.Trace,
	})
	return c, err
}

// host reads the address of a server.
func host(s, setting string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(s), "/"))
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Scheme != "https" && !isLoopback(u) {
		return nil, connectors.BadSetting(setting, "systems.url_host", "want https://host")
	}
	return u, nil
}

// isLoopback reports whether u leads to this machine, the only place that tokens may go unencrypted to.
func isLoopback(u *url.URL) bool {
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a.IsLoopback() && u.Scheme == "http"
}

// isName reports whether s is an id or a domain.
func isName(s string) bool {
	return s != "" && len(s) <= 200 && s != "." && s != ".." && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// isMailbox reports whether s may stand as one segment of a path: an address, a user principal name or
// an object id.
func isMailbox(s string) bool {
	return s != "" && len(s) <= 320 && s != "." && s != ".." && !strings.ContainsAny(s, "/\\?\x00") && strings.TrimSpace(s) == s
}

// Caps returns what Graph can do with room mailboxes. It refuses no overlap itself, except that an
// invited room does.
func (c *Conn) Caps() connectors.Caps {
	caps := connectors.CapRead | connectors.CapListRooms | connectors.CapProbe | connectors.CapBook | connectors.CapSetEnd |
		connectors.CapRelease | connectors.CapMark | connectors.CapImage | connectors.CapCopyOnly
	if c.cfg.Invite {
		caps |= connectors.CapInvite | connectors.CapServerConflict
	}
	return caps
}

// Close closes idle connections.
func (c *Conn) Close() error {
	c.tokens.client.Close()
	c.client.Close()
	return nil
}

// Expiries returns when the certificate or the secret runs out, nothing when that is not known.
func (c *Conn) Expiries() []connectors.Expiry {
	switch {
	case c.tokens.signer != nil:
		return []connectors.Expiry{{What: "calendar.expiry.certificate", At: c.tokens.signer.expires}}
	case !c.cfg.SecretExpires.IsZero():
		return []connectors.Expiry{{What: "calendar.expiry.secret", At: c.cfg.SecretExpires}}
	}
	return nil
}

// request is one request to Graph.
type request struct {
	op      string
	method  string // "" = GET
	mailbox string // whose limits count; "" = none's
	url     *url.URL
	prefer  string      // "" = preferRead
	header  http.Header // more headers; may be nil
	body    []byte      // JSON, nil = none
}

// What is asked of every answer: ids that survive a move, and times in UTC.
const preferRead = `IdType="ImmutableId", outlook.timezone="UTC"`

// send sends a request when the mailbox's gate lets it, and once more with a new token when the old one
// was refused. It closes the gate when Graph asks for that. An answer with an error status is no error.
func (c *Conn) send(ctx context.Context, q request) (*outbound.Response, error) {
	leave, err := c.gate.enter(ctx, q.op, q.mailbox)
	if err != nil {
		return nil, err
	}
	defer leave()
	for try := 0; ; try++ {
		token, err := c.tokens.get(ctx)
		if err != nil {
			return nil, err
		}
		h := http.Header{"Prefer": {cmp.Or(q.prefer, preferRead)}, "Accept": {"application/json"}}
		for k, v := range q.header {
			h[k] = v
		}
		if q.body != nil {
			h.Set("Content-Type", "application/json")
		}
		h.Set("Authorization", "Bearer "+token.Reveal())
		resp, err := c.client.Do(ctx, outbound.Request{
			Op: q.op, Method: cmp.Or(q.method, http.MethodGet), URL: q.url, Header: h, Body: q.body,
		})
		if err != nil {
			return nil, err
		}
		if resp.Status == http.StatusUnauthorized && try == 0 {
			c.tokens.forget(token)
			continue
		}
		c.gate.hold(q.mailbox, quiet(resp.Status, resp.Header, clock(resp)))
		return resp, nil
	}
}

// ask is send for which an error status, or a web page, is an error.
func (c *Conn) ask(ctx context.Context, q request) (*outbound.Response, error) {
	resp, err := c.send(ctx, q)
	if err != nil {
		return nil, err
	}
	return resp, c.judge(q, resp)
}

// judge returns the error that an answer means, nil when it is a success.
func (c *Conn) judge(q request, resp *outbound.Response) error {
	switch {
	case resp.Status >= 400:
		return c.failure(q.op, q.mailbox, answer{resp.Status, resp.Header, resp.Body, clock(resp)})
	case resp.Status >= 300:
		return &connectors.Error{Kind: connectors.Invalid, Op: q.op, Code: fmt.Sprint("HTTP ", resp.Status)}
	case resp.IsHTML():
		return resp.HTMLErr()
	}
	return nil
}

// clock is the server's clock at an answer.
func clock(resp *outbound.Response) time.Time { return resp.AsOf() }

// inside parses a link that Graph sent and refuses one that leads anywhere else.
func (c *Conn) inside(op, link string) (*url.URL, error) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != c.base.Scheme || !strings.EqualFold(u.Host, c.base.Host) || u.User != nil ||
		!strings.HasPrefix(u.Path, c.base.Path+"/") || strings.Contains(u.Path, "/../") {
		e := &connectors.Error{Kind: connectors.Trust, Op: op, Code: "link to another host", Cure: "calendar.cure.host"}
		if err == nil {
			e.Said = u.Host
		}
		return nil, e
	}
	return u, nil
}

// mailboxURL returns the URL of something of a mailbox: path below /users/{mailbox}, each element
// one segment, and a query of names and values in turn.
func (c *Conn) mailboxURL(op, mailbox string, path []string, query ...string) (*url.URL, error) {
	if !isMailbox(mailbox) {
		return nil, connectors.Fail(connectors.Invalid, op, "the room's name is no address of a mailbox")
	}
	return c.url(append([]string{"users", mailbox}, path...), query...), nil
}

func (c *Conn) url(path []string, query ...string) *url.URL {
	u := *c.base
	raw := u.Path
	for _, p := range path {
		u.Path += "/" + p
		raw += "/" + url.PathEscape(p)
	}
	u.RawPath = raw
	var q []string
	for i := 0; i+1 < len(query); i += 2 {
		// A space as %20: + is a form's habit that OData does not promise.
		q = append(q, query[i]+"="+strings.ReplaceAll(url.QueryEscape(query[i+1]), "+", "%20"))
	}
	u.RawQuery = strings.Join(q, "&")
	return &u
}
