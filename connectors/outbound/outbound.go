// Package outbound is the one way out of the house: the HTTP transport that every connector uses. It
// trusts one set of authorities, uses one proxy, tells one recorder of every destination, refuses
// addresses and hosts that nobody configured, bounds time and size, and turns every failure into a
// connectors.Error.
package outbound

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
)

// Options holds for all clients of the program.
type Options struct {
	Version string      // goes into the User-Agent
	Roots   []byte      // PEM: authorities trusted beside the system's
	Proxy   secret.Text // URL of an HTTP proxy, perhaps with user and password; empty = none. The environment is not asked
	// NoProxy lists what is reached directly: names ("intra.example" with all below it), addresses,
	// prefixes ("10.0.0.0/8"), each perhaps with :port, or "*".
	NoProxy       []string
	AllowLoopback bool
	// Listeners returns where this program itself listens; nothing connects there. May be nil.
	Listeners func() []netip.AddrPort
	// Record is told of every request before it is sent. It must be quick. May be nil.
	Record func(Contact)
	Now    func() time.Time
}

// Contact is one request to one destination.
type Contact struct {
	Host    string
	Port    int
	Purpose string // ClientOptions.Purpose
	At      time.Time
	Proxied bool
}

// Outbound makes clients. It is safe for concurrent use.
type Outbound struct {
	opt     Options
	roots   *x509.CertPool
	proxy   *url.URL    // with its port, and http whatever was configured: dial opens TLS to it
	secure  *tls.Config // of the way to the proxy, nil without TLS
	noProxy []noProxyRule
	guard   guard
	trace   func(Exchange) // of clients that have none of their own; may be nil
}

// New checks the options. An error says which setting is wrong and holds no secret.
func New(opt Options) (*Outbound, error) {
	o := &Outbound{opt: opt, guard: guard{loopback: opt.AllowLoopback, own: opt.Listeners}}
	var err error
	if o.roots, err = x509.SystemCertPool(); err != nil {
		o.roots = x509.NewCertPool() // an image without certificates: only the configured roots count
	}
	if len(opt.Roots) > 0 && !o.roots.AppendCertsFromPEM(opt.Roots) {
		return nil, fmt.Errorf("read extra authorities: no certificate in PEM form found")
	}
	if !opt.Proxy.IsZero() {
		u, err := url.Parse(opt.Proxy.Reveal())
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("read proxy setting: want http://host:port")
		}
		o.proxy = &url.URL{Scheme: "http", Host: hostPort(u), User: u.User}
		if u.Scheme == "https" {
			o.secure = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.roots, ServerName: u.Hostname()}
		}
	}
	for _, s := range opt.NoProxy {
		r, err := parseNoProxy(s)
		if err != nil {
			return nil, err
		}
		o.noProxy = append(o.noProxy, r)
	}
	return o, nil
}

// ClientOptions are one connector's own.
type ClientOptions struct {
	Purpose string // a short constant for the list of destinations, such as "caldav"
	// Hosts are the URLs that an administrator typed. No request, redirect or link goes elsewhere.
	Hosts        []string
	CA           []byte // PEM; when set, only these authorities are trusted for this connector
	Credentials  Credentials
	MaxBody      int64         // bytes of an answer, decompressed; 0 = 8 MiB
	Timeout      time.Duration // one request with its redirects and its body; 0 = 30 s
	MaxRedirects int           // 0 = 3
	MaxConns     int           // to one host; 0 = 4
	HTTP1        bool          // never HTTP/2; NTLM and Negotiate imply it
	Idle         time.Duration // Stream: the longest silence between two bytes; 0 = 2 min
	// Pins are SHA-256 sums, in hex with or without colons, of the server's certificate (DER) or of its
	// public key (SPKI). When there are any, the certificate has to match one, and its chain, name and
	// dates do not count.
	Pins       []string
	ClientCert *tls.Certificate // for servers that ask for one; may be nil
	// NoGate leaves it to the connector to keep quiet after a 429 or a 503 with Retry-After, for
	// systems that throttle each calendar by itself. Hold works with it too.
	NoGate bool
	// Trace is told of every exchange, already redacted. It must be quick. May be nil.
	Trace func(Exchange)
}

// Client talks to the hosts of one connector. It is safe for concurrent use. Close it.
type Client struct {
	out   *Outbound
	opt   ClientOptions
	hosts map[string]bool // host:port in lower case
	agent string
	tls   *tls.Config
	rt    *http.Transport
	auth  authState
	sign  signing
	lanes lanes
	gate  gate
}

// Client returns a client. An error says which setting is wrong and holds no secret.
func (o *Outbound) Client(opt ClientOptions) (*Client, error) {
	if opt.Trace == nil {
		opt.Trace = o.trace
	}
	c := &Client{out: o, opt: opt, hosts: map[string]bool{}, agent: "Lintel/" + cmp.Or(o.opt.Version, "dev")}
	c.opt.MaxBody = cmp.Or(opt.MaxBody, 8<<20)
	c.opt.Timeout = cmp.Or(opt.Timeout, 30*time.Second)
	c.opt.MaxRedirects = cmp.Or(opt.MaxRedirects, 3)
	c.opt.MaxConns = cmp.Or(opt.MaxConns, 4)
	for _, h := range opt.Hosts {
		u, err := url.Parse(h)
		if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("read address of the booking system: want https://host/path")
		}
		c.hosts[hostPort(u)] = true
	}
	c.opt.Idle = cmp.Or(opt.Idle, 2*time.Minute)
	if opt.Credentials.Scheme.ofConnection() && opt.Credentials.Begin == nil {
		return nil, fmt.Errorf("sign in by %s: nothing begins a handshake", opt.Credentials.Scheme)
	}
	var err error
	if c.tls, err = o.trust(opt); err != nil {
		return nil, err
	}
	c.rt = c.transport(c.opt.MaxConns)
	c.sign.turn = make(chan struct{}, 1)
	c.lanes.free = make(chan struct{}, c.opt.MaxConns)
	return c, nil
}

// transport returns a transport with up to conns connections to each host.
func (c *Client) transport(conns int) *http.Transport {
	rt := &http.Transport{
		Proxy:                  c.proxyFor,
		DialContext:            c.out.dial,
		TLSClientConfig:        c.tls.Clone(),
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  c.opt.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		MaxConnsPerHost:        conns,
		MaxIdleConnsPerHost:    conns,
		IdleConnTimeout:        2 * time.Minute,
		ForceAttemptHTTP2:      true,
	}
	if c.opt.HTTP1 || c.opt.Credentials.Scheme.ofConnection() {
		rt.ForceAttemptHTTP2 = false
		rt.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return rt
}

// Close closes idle connections. Streams are closed by whoever opened them.
func (c *Client) Close() {
	c.rt.CloseIdleConnections()
	c.lanes.close()
}

// dial connects under the guard. The proxy may stand on this machine: an administrator typed it. TLS to it is
// opened here, since the authorities and pins of a client are those of its server.
func (o *Outbound) dial(ctx context.Context, network, address string) (net.Conn, error) {
	const patience = 10 * time.Second
	g := o.guard
	toProxy := o.proxy != nil && address == o.proxy.Host
	if toProxy {
		g.loopback = true
	}
	d := net.Dialer{Timeout: patience, KeepAlive: 30 * time.Second, ControlContext: g.control}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil || !toProxy || o.secure == nil {
		return conn, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	secure := tls.Client(conn, o.secure)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

func (c *Client) proxyFor(r *http.Request) (*url.URL, error) {
	if c.out.proxy == nil || c.out.direct(r.URL) {
		return nil, nil
	}
	return c.out.proxy, nil
}

// Request is one request with a body that can be sent again.
type Request struct {
	Op     string // what is being done, for errors: "read window"
	Method string
	URL    *url.URL
	Header http.Header // may be nil; Authorization and User-Agent are the client's
	Body   []byte
}

// Response is a whole answer: its body is read, its connection is free.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	URL    *url.URL // where it came from, after redirects
	At     time.Time
	// Unbound is set when the server refused the sign-in with channel binding and took it without.
	Unbound bool

	op     string
	cure   string        // of a 401
	stream io.ReadCloser // of Stream
}

// Do sends a request and reads the whole answer. It signs in, follows redirects within the
// configured hosts (keeping the method, as WebDAV needs), and fails with a *connectors.Error when
// there is no answer. An answer with an error status is not an error: see Response.Err.
func (c *Client) Do(ctx context.Context, req Request) (*Response, error) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	resp, err := c.follow(ctx, call{req: req})
	if err != nil {
		return nil, netError(parent, ctx, req.Op, err)
	}
	return resp, nil
}

// call is one request on its way.
type call struct {
	req    Request
	lane   *lane            // the connection of its own, nil for the shared transport
	stream bool             // leave the body of a success open
	head   func(status int) // told of the status before the body is read; may be nil
}

// follow sends a request and those to which its answers redirect.
func (c *Client) follow(ctx context.Context, k call) (*Response, error) {
	first := k.req.URL
	for hop := 0; ; hop++ {
		if err := c.allow(k.req.Op, k.req.URL); err != nil {
			return nil, err
		}
		if err := c.gate.check(k.req, c.out.opt.Now()); err != nil {
			return nil, err
		}
		resp, err := c.signedIn(ctx, k, sameHost(first, k.req.URL))
		if err != nil {
			return nil, err
		}
		if !c.opt.NoGate {
			c.gate.after(resp, c.out.opt.Now())
		}
		next, err := c.redirect(k.req, resp)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return resp, nil
		}
		if hop >= c.opt.MaxRedirects {
			return nil, &connectors.Error{Kind: connectors.Invalid, Op: k.req.Op, Code: "too many redirects", Cure: "calendar.cure.redirect"}
		}
		k.req = *next
	}
}

// link is what carried an exchange.
type link struct {
	conn  net.Conn // only to tell connections apart
	state *tls.ConnectionState
}

// once sends a request as it is and reads the answer.
func (c *Client) once(ctx context.Context, k call, authorization string) (resp *Response, l link, err error) {
	req := k.req
	start := c.out.opt.Now()
	if c.opt.Trace != nil {
		defer func() { c.opt.Trace(newExchange(req, authorization, resp, err, start, c.out.opt.Now())) }()
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { l.conn = i.Conn }})
	r, err := http.NewRequestWithContext(ctx, req.Method, req.URL.String(), bytes.NewReader(req.Body))
	if err != nil {
		return nil, l, err
	}
	maps.Copy(r.Header, req.Header)
	r.Header.Set("User-Agent", c.agent)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if k.stream {
		r.Header.Set("Accept-Encoding", "identity") // bytes have to come through as they are sent
	}
	proxy, _ := c.proxyFor(r)
	if rec := c.out.opt.Record; rec != nil {
		rec(Contact{Host: strings.ToLower(req.URL.Hostname()), Port: port(req.URL), Purpose: c.opt.Purpose, At: start, Proxied: proxy != nil})
	}
	rt := c.rt
	if k.lane != nil {
		rt = k.lane.rt
	}
	raw, err := rt.RoundTrip(r)
	if err != nil {
		return nil, l, err
	}
	if k.head != nil {
		k.head(raw.StatusCode)
	}
	l.state = raw.TLS
	resp = &Response{Status: raw.StatusCode, Header: raw.Header, URL: req.URL, op: req.Op}
	if k.stream && raw.StatusCode/100 == 2 {
		resp.At, resp.stream = c.out.opt.Now(), raw.Body
		return resp, l, nil
	}
	defer raw.Body.Close()
	if resp.Body, err = io.ReadAll(io.LimitReader(raw.Body, c.opt.MaxBody+1)); err != nil {
		return nil, l, err
	}
	if int64(len(resp.Body)) > c.opt.MaxBody {
		return nil, l, errTooLarge
	}
	resp.At = c.out.opt.Now()
	return resp, l, nil
}
