package outbound

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"lintel/connectors"
)

// allow refuses hosts that nobody configured, and addresses in the URL itself that are refused
// when dialling: behind a proxy it is the proxy that dials.
func (c *Client) allow(op string, u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.User != nil || !c.allowed(u) {
		return &connectors.Error{Kind: connectors.Trust, Op: op, Code: "host not configured", Cure: "calendar.cure.host", Said: u.Host}
	}
	if err := c.out.guard.host(u); err != nil {
		return &connectors.Error{Kind: connectors.Trust, Op: op, Code: "address refused", Cure: "calendar.cure.address", Said: u.Host}
	}
	return nil
}

func (c *Client) allowed(u *url.URL) bool {
	if c.hosts[hostPort(u)] {
		return true
	}
	// The step up from http to https on the default ports stays on the same server.
	return u.Scheme == "https" && port(u) == 443 && c.hosts[net.JoinHostPort(strings.ToLower(u.Hostname()), "80")]
}

// redirect returns the request to send next, nil when the answer is final.
func (c *Client) redirect(req Request, resp *Response) (*Request, error) {
	location := resp.Header.Get("Location")
	switch resp.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	if location == "" {
		return nil, nil
	}
	u, err := req.URL.Parse(location)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Invalid, Op: req.Op, Code: "bad redirect", Cure: "calendar.cure.redirect"}
	}
	u.Fragment = ""
	if req.URL.Scheme == "https" && u.Scheme != "https" {
		return nil, &connectors.Error{Kind: connectors.Trust, Op: req.Op, Code: "redirect to http", Cure: "calendar.cure.redirect", Said: u.Host}
	}
	next := req
	next.URL = u
	if resp.Status == http.StatusSeeOther || req.Method == http.MethodPost && resp.Status < http.StatusTemporaryRedirect {
		next.Method, next.Body = http.MethodGet, nil
	}
	return &next, nil
}

// sameHost reports whether credentials for a may go to b: the same host, with the same port or on
// the step up to https.
func sameHost(a, b *url.URL) bool {
	if !strings.EqualFold(a.Hostname(), b.Hostname()) || a.Scheme == "https" && b.Scheme != "https" {
		return false
	}
	return port(a) == port(b) || port(a) == 80 && port(b) == 443
}

func hostPort(u *url.URL) string {
	return net.JoinHostPort(strings.ToLower(u.Hostname()), strconv.Itoa(port(u)))
}

// port returns the port of u, by its scheme when it names none; 0 when it is no number.
func port(u *url.URL) int {
	if s := u.Port(); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0
		}
		return n
	}
	if u.Scheme == "http" {
		return 80
	}
	return 443
}
