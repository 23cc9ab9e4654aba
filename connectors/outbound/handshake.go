package outbound

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"lintel/connectors"
)

// Handshake is one sign-in that belongs to a connection: NTLM or Kerberos. It is used once.
type Handshake interface {
	// Next answers a challenge of the server; nil asks for the first message, and an empty one that is not
	// nil means that the server refused without one. State is the connection that the sign-in is to be
	// bound to (RFC 5929 tls-server-end-point), nil when it has no TLS or is not to be bound. A nil token
	// without an error means that there is nothing more to say: a refusal. An error of the kind
	// connectors.Auth is one too, with a reason.
	Next(challenge []byte, state *tls.ConnectionState) (token []byte, err error)
}

// Binding says whether a sign-in is bound to the server's certificate (RFC 5929), which servers with
// Extended Protection ask for.
type Binding string

// The ways. Auto binds; when the server refuses a client that it has not accepted before, it is asked
// once more without, since devices that open TLS on the way have another certificate.
const (
	BindingAuto   Binding = "" // or "auto"
	BindingAlways Binding = "always"
	BindingNever  Binding = "never"
)

// maxLegs bounds the messages of one sign-in.
const maxLegs = 5

// errMoved is a sign-in whose messages went over several connections.
var errMoved = errors.New("connection closed during sign-in")

func (s Scheme) ofConnection() bool { return s == NTLM || s == Negotiate }

// onLane sends one request on a connection of its own, signing it in when the server asks.
func (c *Client) onLane(ctx context.Context, k call, trusted bool) (*Response, error) {
	began := c.sign.refusalsSoFar()
	if k.lane == nil {
		l, err := c.takeLane(ctx)
		if err != nil {
			return nil, err
		}
		defer c.lanes.put(l)
		k.lane = l
	}
	host := hostPort(k.req.URL)
	known := k.lane.hosts[host]
	wire := known.wire
	if !trusted || wire == "" || !c.sign.eachTime(host) {
		resp, l, err := c.once(ctx, k, "")
		signed := known.signed != nil && known.signed == l.conn
		if err != nil || resp.Status != http.StatusUnauthorized || !trusted {
			if err == nil && signed {
				c.sign.kept(host)
			}
			c.mark(resp)
			return resp, err
		}
		if signed {
			c.sign.forgets(host)
		}
		if wire = pick(c.opt.Credentials.Scheme, resp.Header); wire == "" {
			resp.cure = "calendar.cure.scheme"
			return resp, nil
		}
		known = laneHost{wire: wire, state: l.state}
		k.lane.hosts[host] = known
		leave, err := c.sign.enter(ctx, began)
		if err != nil {
			return nil, err
		}
		if leave == nil {
			return resp, nil // refused to another request while this one waited
		}
		defer leave()
	}
	resp, err := c.signIn(ctx, k, known)
	c.mark(resp)
	return resp, err
}

func (c *Client) mark(resp *Response) {
	if resp != nil {
		resp.Unbound = c.sign.unbound()
	}
}

// signIn signs the lane's connection in with the request itself. A refusal is final, except for the
// one try without channel binding.
func (c *Client) signIn(ctx context.Context, k call, h laneHost) (*Response, error) {
	cred := c.opt.Credentials
	bind, fallback := c.sign.bind(cred.Binding)
	if h.state == nil {
		if cred.Binding == BindingAlways {
			return nil, &connectors.Error{Kind: connectors.Trust, Op: k.req.Op, Code: "no tls to bind to", Cure: "calendar.cure.binding_tls"}
		}
		bind, fallback = false, false
	}
	resp, err := c.legs(ctx, k, h, bind)
	fell := resp != nil && refusal(resp, err) && fallback
	if fell {
		k.lane.renew()
		resp, err = c.legs(ctx, k, h, false)
		bind = false
	}
	switch {
	case err == nil && resp.Status != http.StatusUnauthorized:
		if k.lane.hosts[hostPort(k.req.URL)].signed != nil {
			c.sign.accepted(bind, fell)
		}
	case refusal(resp, err):
		k.lane.renew()
		c.sign.refused(fell)
		if err == nil && cred.Binding == BindingNever {
			resp.cure = "calendar.cure.sign_in_unbound"
		}
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// refusal reports whether a handshake ended with the server not letting us in.
func refusal(resp *Response, err error) bool {
	if err != nil {
		return connectors.KindOf(err) == connectors.Auth
	}
	return resp.Status == http.StatusUnauthorized
}

// legs runs one handshake, beginning again once when the connection is lost on the way. It returns the
// server's last answer, if it got one, beside an error.
func (c *Client) legs(ctx context.Context, k call, h laneHost, bind bool) (*Response, error) {
	resp, err := c.handshake(ctx, k, h, bind)
	if errors.Is(err, errMoved) {
		resp, err = c.handshake(ctx, k, h, bind)
	}
	if errors.Is(err, errMoved) {
		return nil, &connectors.Error{Kind: connectors.Transient, Op: k.req.Op, Code: errMoved.Error(), Cure: "calendar.cure.moved"}
	}
	return resp, err
}

func (c *Client) handshake(ctx context.Context, k call, h laneHost, bind bool) (*Response, error) {
	hs, err := c.opt.Credentials.Begin(ctx, k.req.URL.Hostname())
	if err != nil {
		return nil, err
	}
	var (
		resp      *Response
		conn      net.Conn
		challenge []byte
		state     = h.state
	)
	for leg := range maxLegs {
		if !bind {
			state = nil
		}
		token, err := hs.Next(challenge, state)
		if err == nil && len(token) == 0 && resp == nil {
			err = &connectors.Error{Kind: connectors.Invalid, Op: k.req.Op, Code: "sign-in without a first message"}
		}
		if err != nil || len(token) == 0 {
			return resp, err
		}
		// NTLM's first message gets nothing but a challenge, so the body can stay at home.
		send := k
		if c.opt.Credentials.Scheme == NTLM && leg == 0 {
			send.req.Body = nil
		}
		var l link
		if resp, l, err = c.once(ctx, send, h.wire+" "+base64.StdEncoding.EncodeToString(token)); err != nil {
			return nil, err
		}
		if resp.Status != http.StatusUnauthorized {
			if len(send.req.Body) != len(k.req.Body) && resp.Status < 400 {
				return nil, &connectors.Error{Kind: connectors.Invalid, Op: k.req.Op, Code: "sign-in ended early"}
			}
			known := laneHost{wire: h.wire, state: l.state}
			if (c.opt.Credentials.Scheme != NTLM || leg > 0) && !ofGateway(resp.Status) {
				known.signed = l.conn
			}
			k.lane.hosts[hostPort(k.req.URL)] = known
			return resp, nil
		}
		if leg > 0 && l.conn != conn {
			return nil, errMoved
		}
		challenge = tokenFor(h.wire, resp.Header)
		conn, state = l.conn, l.state
	}
	return resp, nil
}

// ofGateway reports whether a status perhaps comes from what stands in front of a server that never saw the
// sign-in.
func ofGateway(status int) bool {
	switch status {
	case http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pick returns the scheme's name to answer with, "" when the server does not offer it. A server that
// offers Negotiate alone takes NTLM's messages under that name too (MS-SPNG).
func pick(s Scheme, h http.Header) string {
	var ntlm, negotiate bool
	for _, p := range parseChallenges(h.Values("WWW-Authenticate")) {
		ntlm = ntlm || strings.EqualFold(p.scheme, "NTLM")
		negotiate = negotiate || strings.EqualFold(p.scheme, "Negotiate")
	}
	switch {
	case s == NTLM && ntlm:
		return "NTLM"
	case negotiate:
		return "Negotiate"
	}
	return ""
}

// offered names the schemes of an answer, for people.
func offered(h http.Header) string {
	known := []string{"Basic", "Digest", "Bearer", "NTLM", "Negotiate", "Kerberos", "OAuth", "MSOAuth"}
	var names []string
	for _, p := range parseChallenges(h.Values("WWW-Authenticate")) {
		name := "another scheme"
		if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, p.scheme) }); i >= 0 {
			name = known[i]
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// missing returns the cure for a 401 whose server offers other schemes than ours, "" for any other.
func missing(s Scheme, h http.Header) string {
	all := parseChallenges(h.Values("WWW-Authenticate"))
	if s != Basic && s != Auto && s != Digest || len(all) == 0 {
		return ""
	}
	for _, p := range all {
		if strings.EqualFold(p.scheme, "Basic") && s != Digest || strings.EqualFold(p.scheme, "Digest") && s != Basic {
			return ""
		}
	}
	return "calendar.cure.scheme"
}

// tokenFor returns the token that a server sent for a scheme, empty but not nil when it sent none.
func tokenFor(wire string, h http.Header) []byte {
	for _, v := range h.Values("WWW-Authenticate") {
		name, rest, _ := strings.Cut(strings.TrimSpace(v), " ")
		if !strings.EqualFold(name, wire) {
			continue
		}
		rest, _, _ = strings.Cut(strings.TrimSpace(rest), ",")
		if b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest)); err == nil && len(b) > 0 {
			return b
		}
	}
	return []byte{}
}
