package roomz

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// imageURL returns the address of a picture when it may be fetched: on the system's host or one that an
// administrator allowed, by HTTPS where that host was given with it; else nil.
func (c *Connector) imageURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return nil
	}
	for _, h := range c.hosts {
		if strings.EqualFold(u.Host, h.Host) && (u.Scheme == "https" || u.Scheme == h.Scheme && u.Scheme == "http") {
			u.Fragment = ""
			return u
		}
	}
	return nil
}

// Image fetches the picture that a meeting names, without signing in, as the contract wants.
func (c *Connector) Image(ctx context.Context, room connectors.Room, ev connectors.Event, maxBytes int64) ([]byte, string, error) {
	const op = "fetch picture"
	e, _, err := c.find(ctx, op, room, ev)
	if err != nil {
		return nil, "", err
	}
	u := c.imageURL(e.ImageURL)
	if u == nil || e.Private {
		return nil, "", connectors.Fail(connectors.NotFound, op, "the meeting has no picture that may be fetched")
	}
	resp, err := c.images.Do(ctx, outbound.Request{Op: op, Method: http.MethodGet, URL: u, Header: http.Header{"Accept": {"image/png, image/jpeg, image/bmp"}}})
	if err != nil {
		return nil, "", err
	}
	if err := resp.Err(); err != nil {
		return nil, "", err
	}
	kind := mediaType(resp.Body)
	if kind == "" || int64(len(resp.Body)) > maxBytes {
		return nil, "", connectors.Fail(connectors.NotFound, op, "what is there is no picture, or too large")
	}
	return resp.Body, kind, nil
}

// mediaType tells a picture by its first bytes, "" for anything else.
func mediaType(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("BM")) && len(b) > 26:
		return "image/bmp"
	}
	return ""
}
