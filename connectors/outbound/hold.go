package outbound

import (
	"net/http"
	"sync"
	"time"

	"lintel/connectors"
)

// gate keeps a client quiet for as long as a server asked for it.
type gate struct {
	mu    sync.Mutex
	all   time.Time            // until when nothing is sent
	hosts map[string]time.Time // the same for one host:port, by what its answers said
}

// Hold makes every further Do and Stream fail with connectors.Throttled, without sending anything,
// until then: for connectors whose systems say in a body how long to wait. An earlier instant than
// one already given changes nothing.
func (c *Client) Hold(until time.Time) {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	if until.After(c.gate.all) {
		c.gate.all = until
	}
}

// check returns an error while the gate is closed for this request.
func (g *gate) check(req Request, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := g.all
	if h := g.hosts[hostPort(req.URL)]; h.After(until) {
		until = h
	}
	if wait := (until.Sub(now) + time.Second - 1).Truncate(time.Second); wait > 0 {
		return &connectors.Error{Kind: connectors.Throttled, Op: req.Op, After: wait, Code: "waiting as asked"}
	}
	return nil
}

// after closes the gate when an answer asks for it: a 429 or a 503 with Retry-After.
func (g *gate) after(resp *Response, now time.Time) {
	if resp.Status != http.StatusTooManyRequests && resp.Status != http.StatusServiceUnavailable {
		return
	}
	wait := resp.after()
	if wait <= 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hosts == nil {
		g.hosts = map[string]time.Time{}
	}
	if host, until := hostPort(resp.URL), now.Add(wait); until.After(g.hosts[host]) {
		g.hosts[host] = until
	}
}
