package google

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// request is one call of the API.
type request struct {
	op, method string
	as         grant
	url        *url.URL
	match      string // If-Match
	body       any    // nil for none
}

// call sends a request at our pace and decodes the answer into out, unless that is nil. A token that is
// refused is replaced once.
func (c *Conn) call(ctx context.Context, r request, out any) (*outbound.Response, error) {
	header := http.Header{"Accept": {"application/json"}}
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return nil, connectors.Fail(connectors.Invalid, r.op, "write the request")
		}
		header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if r.match != "" {
		header.Set("If-Match", r.match)
	}
	var resp *outbound.Response
	var old secret.Text
	for try := 0; ; try++ {
		t, err := c.tokens.get(ctx, r.op, r.as, old)
		if err != nil {
			return nil, err
		}
		if c.pace.Wait(ctx) != nil {
			return nil, stopped(r.op, ctx)
		}
		header.Set("Authorization", "Bearer "+t.Reveal())
		resp, err = c.client.Do(ctx, outbound.Request{Op: r.op, Method: r.method, URL: r.url, Header: header, Body: body})
		if err != nil {
			return nil, err
		}
		if resp.Status != http.StatusUnauthorized || try > 0 {
			break
		}
		old = t
	}
	if err := c.apiErr(resp); err != nil {
		return resp, err
	}
	c.quiet.done()
	if out == nil {
		return resp, nil
	}
	if resp.IsHTML() {
		return resp, resp.HTMLErr()
	}
	if json.Unmarshal(resp.Body, out) != nil {
		return resp, connectors.Fail(connectors.Invalid, r.op, "the answer is no JSON of this kind")
	}
	return resp, nil
}

// get fetches one event. One that was deleted is NotFound; a calendar that is not there is Gone.
func (c *Conn) get(ctx context.Context, op string, as grant, calendar, id string) (event, error) {
	var e event
	u, err := c.events(op, calendar, id)
	if err != nil {
		return e, err
	}
	_, err = c.call(ctx, request{op: op, method: http.MethodGet, as: as, url: u}, &e)
	switch {
	case isStatus(err, http.StatusGone):
		return e, connectors.Fail(connectors.NotFound, op, "the event was deleted")
	case isStatus(err, http.StatusNotFound):
		// The event or the whole calendar: both answer 404, and only the second has to alarm somebody.
		if _, _, err := c.role(ctx, op, as, calendar); err != nil {
			return e, err
		}
		return e, connectors.Fail(connectors.NotFound, op, "no such event")
	case err != nil:
		return e, err
	case e.Status == "cancelled":
		return e, connectors.Fail(connectors.NotFound, op, "the event was deleted")
	}
	return e, nil
}

// role asks what the calendar lets us do: Google's word for it.
func (c *Conn) role(ctx context.Context, op string, as grant, calendar string) (string, *outbound.Response, error) {
	u, err := c.events(op, calendar, "")
	if err != nil {
		return "", nil, err
	}
	u.RawQuery = url.Values{"maxResults": {"1"}, "fields": {"accessRole"}}.Encode()
	var a struct {
		Role string `json:"accessRole"`
	}
	resp, err := c.call(ctx, request{op: op, method: http.MethodGet, as: as, url: u}, &a)
	if err != nil {
		return "", nil, gone(err)
	}
	return a.Role, resp, nil
}
