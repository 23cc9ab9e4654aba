package outbound

import (
	"context"
	"net/http"
)

// signedIn sends one request, answering one challenge.
func (c *Client) signedIn(ctx context.Context, k call, trusted bool) (*Response, error) {
	cred := c.opt.Credentials
	if cred.Scheme.ofConnection() {
		return c.onLane(ctx, k, trusted)
	}
	if !trusted {
		cred = Credentials{}
	}
	if cred.Scheme.ofPassword() {
		return c.byPassword(ctx, k, cred)
	}
	authorization, _ := c.auth.header(cred, k.req.Method, k.req.URL)
	resp, _, err := c.once(ctx, k, authorization)
	if err == nil && resp.Status == http.StatusUnauthorized {
		resp.cure = missing(cred.Scheme, resp.Header)
	}
	return resp, err
}

func (s Scheme) ofPassword() bool { return s == Auto || s == Basic || s == Digest }

// byPassword signs one request in. Until the password has worked once, requests go one after the other, and
// those that wait share a refusal: a wrong password is tried by one of them only.
func (c *Client) byPassword(ctx context.Context, k call, cred Credentials) (*Response, error) {
	leave, err := c.sign.enter(ctx, c.sign.refusalsSoFar())
	if err != nil {
		return nil, err
	}
	if leave == nil {
		return c.sign.lastRefusal(k.req), nil
	}
	defer leave()
	k.head = func(status int) {
		if status != http.StatusUnauthorized && !ofGateway(status) {
			c.sign.accepted(false, false)
			leave()
		}
	}
	authorization, nonce := c.auth.header(cred, k.req.Method, k.req.URL)
	resp, _, err := c.once(ctx, k, authorization)
	if err != nil {
		return nil, err
	}
	if resp.Status != http.StatusUnauthorized {
		c.auth.accepted(nonce)
		return resp, nil
	}
	if !c.auth.challenged(cred, resp.Header.Values("WWW-Authenticate"), nonce) {
		resp.cure = missing(cred.Scheme, resp.Header)
		c.sign.refusedPassword(resp)
		return resp, nil
	}
	authorization, nonce = c.auth.header(cred, k.req.Method, k.req.URL)
	if resp, _, err = c.once(ctx, k, authorization); err != nil {
		return nil, err
	}
	if resp.Status == http.StatusUnauthorized {
		c.sign.refusedPassword(resp)
	} else {
		c.auth.accepted(nonce)
	}
	return resp, nil
}

// refusedPassword notes the answer to a password that does not fit. One that has worked before stays proven:
// some servers refuse single calendars so, and the requests to others go on as they are.
func (s *signing) refusedPassword(resp *Response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals++
	s.refusal = &Response{Status: resp.Status, Header: resp.Header, URL: resp.URL, At: resp.At, cure: resp.cure}
}

// lastRefusal is what another request of this client was answered, as the answer to req.
func (s *signing) lastRefusal(req Request) *Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := *s.refusal
	r.op = req.Op
	return &r
}
