package graph

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// perMailbox is how many requests Graph takes at once for one application and mailbox.
const perMailbox = 4

// gate keeps the limits of each mailbox, and those of the whole service under the name "".
type gate struct {
	now   func() time.Time
	mu    sync.Mutex
	boxes map[string]*box
}

type box struct {
	until time.Time // nothing is sent before
	slots chan struct{}
}

func (g *gate) box(mailbox string) *box {
	g.mu.Lock()
	defer g.mu.Unlock()
	mailbox = strings.ToLower(mailbox)
	b := g.boxes[mailbox]
	if b == nil {
		if g.boxes == nil {
			g.boxes = map[string]*box{}
		}
		b = &box{slots: make(chan struct{}, perMailbox)}
		g.boxes[mailbox] = b
	}
	return b
}

// enter waits for one of the mailbox's places, or fails at once while its gate is closed. Whoever got in
// calls leave.
func (g *gate) enter(ctx context.Context, op, mailbox string) (leave func(), err error) {
	if err := g.check(op, mailbox); err != nil {
		return nil, err
	}
	b := g.box(mailbox)
	if mailbox != "" {
		select {
		case b.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, &connectors.Error{Kind: connectors.Transient, Op: op, Code: "stopped", Err: ctx.Err()}
		}
	}
	leave = func() {
		if mailbox != "" {
			<-b.slots
		}
	}
	if err := g.check(op, mailbox); err != nil { // closed while we were waiting
		leave()
		return nil, err
	}
	return leave, nil
}

// check fails while the gate of the mailbox or of the whole service is closed.
func (g *gate) check(op, mailbox string) error {
	for _, name := range []string{"", mailbox} {
		b := g.box(name)
		g.mu.Lock()
		wait := b.until.Sub(g.now())
		g.mu.Unlock()
		if wait > 0 {
			return &connectors.Error{
				Kind: connectors.Throttled, Op: op, Code: "waiting as asked", After: wholeSeconds(wait), Alone: name != "",
			}
		}
	}
	return nil
}

// hold closes a mailbox's gate for d from now on; an earlier end than the present one changes nothing.
func (g *gate) hold(mailbox string, d time.Duration) {
	if d <= 0 {
		return
	}
	b := g.box(mailbox)
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := g.now().Add(d); until.After(b.until) {
		b.until = until
	}
}

// wholeSeconds rounds up, so that nobody comes a moment too early.
func wholeSeconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

// busyWait is for an answer that says that the service is busy and not for how long, as those of the front ends
// before Exchange do.
const busyWait = 30 * time.Second

// quiet returns for how long an answer asks for silence. A 504 without a time says nothing of the next request.
func quiet(status int, h http.Header, serverNow time.Time) time.Duration {
	wait := outbound.ParseRetryAfter(h.Get("Retry-After"), serverNow)
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return cmp.Or(wait, busyWait)
	case http.StatusGatewayTimeout:
		return wait
	}
	return 0
}
