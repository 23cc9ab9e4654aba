package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// lane is one connection to each host, which one request has for itself at a time: what is signed in
// is a connection, and http.Transport with several of them does not say which one it takes.
type lane struct {
	make  func() *http.Transport
	rt    *http.Transport
	hosts map[string]laneHost // by host:port
}

// renew leaves the connections behind: some servers mix up the sign-in that follows a refused one.
func (l *lane) renew() {
	l.rt.CloseIdleConnections()
	l.rt = l.make()
}

// laneHost is what a lane knows of one host.
type laneHost struct {
	wire   string               // the scheme's name as the server offers it
	state  *tls.ConnectionState // of the last connection, nil without TLS
	signed net.Conn             // the connection that is signed in; only to tell it from others
}

// lanes lends lanes, the one used last first, so that few connections stay in use.
type lanes struct {
	free   chan struct{} // one entry for each lane that is lent
	mu     sync.Mutex
	idle   []*lane
	closed bool
}

// takeLane waits for a lane.
func (c *Client) takeLane(ctx context.Context) (*lane, error) {
	select {
	case c.lanes.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.lanes.mu.Lock()
	defer c.lanes.mu.Unlock()
	if n := len(c.lanes.idle); n > 0 {
		l := c.lanes.idle[n-1]
		c.lanes.idle = c.lanes.idle[:n-1]
		return l, nil
	}
	return c.newLane(), nil
}

func (c *Client) newLane() *lane {
	one := func() *http.Transport { return c.transport(1) }
	return &lane{make: one, rt: one(), hosts: map[string]laneHost{}}
}

// put gives a lane back.
func (s *lanes) put(l *lane) {
	s.mu.Lock()
	if s.closed {
		l.rt.CloseIdleConnections()
	} else {
		s.idle = append(s.idle, l)
	}
	s.mu.Unlock()
	<-s.free
}

func (s *lanes) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, l := range s.idle {
		l.rt.CloseIdleConnections()
	}
}
