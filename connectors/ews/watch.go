package ews

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"lintel/connectors"
)

const (
	// maxGroup is how many subscriptions one connection carries; Exchange takes 200.
	maxGroup = 200
	// streamIdle is the longest silence of a stream: the server sends a sign of life each 45 seconds or so.
	streamIdle = 2 * time.Minute
	// shortStream is a connection that ended too soon to open the next one at once.
	shortStream = time.Minute
	// maxTroubles is how many subscriptions are tried in vain before a server counts as out of reach.
	maxTroubles = 3
	// hopeless is the pause when no room of a group can be watched: somebody has to grant a right first.
	hopeless = time.Hour

	overrideCookie = "X-BackEndOverrideCookie"
)

// group is up to 200 rooms on one connection, and on one server of the organisation: its anchor's. The
// subscriptions stay valid for half an hour without a connection, so they outlive a Watch.
type group struct {
	anchor string // the account, or with byRoom the first room that could be subscribed to
	byRoom bool
	cookie string            // what binds all requests to the anchor's server
	subs   map[string]string // subscription by room
	rooms  []string
	gap    bool // changes may have been missed since the last connection
}

// Watch subscribes to the rooms' calendars and keeps one connection open for each 200 of them. A room that
// can't be subscribed to never becomes live. Only one Watch may run at a time. It returns when ctx ends, or
// with an error when the sign-in or the server's certificate is refused.
func (c *Conn) Watch(ctx context.Context, rooms []connectors.Room, tell connectors.WatchFuncs) error {
	if err := c.refuseFreeBusy("watch"); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, g := range c.arrange(rooms) {
		wg.Go(func() {
			if err := c.watchGroup(ctx, g, tell); err != nil {
				stop(err)
			}
		})
	}
	if len(rooms) == 0 {
		<-ctx.Done()
	}
	wg.Wait()
	if err := context.Cause(ctx); connectors.KindOf(err) != "" {
		return err
	}
	return &connectors.Error{Kind: connectors.Transient, Op: "watch", Code: "stopped", Err: ctx.Err()}
}

// arrange puts rooms into groups: those that have a subscription stay where they are.
func (c *Conn) arrange(rooms []connectors.Room) []*group {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := map[string]bool{}
	for _, r := range rooms {
		wanted[r.ID] = isAddress(r.ID)
	}
	var kept []*group
	for _, g := range c.groups {
		g.rooms = nil
		for id := range g.subs {
			if wanted[id] {
				g.rooms = append(g.rooms, id)
				wanted[id] = false
			} else {
				delete(g.subs, id) // the server forgets it by itself
			}
		}
		if len(g.rooms) > 0 {
			kept = append(kept, g)
		}
	}
	i := 0
	for _, r := range rooms {
		if !wanted[r.ID] {
			continue
		}
		wanted[r.ID] = false
		for i < len(kept) && len(kept[i].rooms) >= maxGroup {
			i++
		}
		if i == len(kept) {
			byRoom := c.cfg.Access == Impersonation || c.cfg.Account == ""
			kept = append(kept, &group{subs: map[string]string{}, anchor: c.cfg.Account, byRoom: byRoom})
		}
		kept[i].rooms = append(kept[i].rooms, r.ID)
	}
	c.groups = kept
	return kept
}

// streamPause is the wait before the nth new try: a random part of seconds that double, at most ten minutes.
func streamPause(n int) time.Duration {
	most := min(10*time.Minute, 2*time.Second<<min(n, 9))
	return most/2 + rand.N(most/2)
}

// watchGroup keeps one group connected until ctx ends or nothing can help.
func (c *Conn) watchGroup(ctx context.Context, g *group, tell connectors.WatchFuncs) error {
	live := map[string]bool{}
	dark := func() {
		for id := range live {
			delete(live, id)
			tell.Live(id, false)
		}
	}
	defer dark()
	for failures := 0; ctx.Err() == nil; {
		start := c.now()
		err := c.connect(ctx, g, tell, live)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil && c.now().Sub(start) >= shortStream {
			failures = 0
			continue // closed as announced: the server keeps what happens meanwhile
		}
		failures++
		wait := c.pause(failures)
		switch connectors.KindOf(err) {
		case connectors.Auth, connectors.Trust:
			return err
		case connectors.Forbidden, connectors.Gone, connectors.Unsupported, connectors.Invalid:
			wait = max(wait, hopeless)
		}
		wait = max(wait, connectors.AfterOf(err))
		if err != nil || wait > shortStream { // nobody listens for so long
			g.gap = true
			dark()
		}
		if sleep(ctx, wait) != nil {
			return nil
		}
	}
	return nil
}

// connect subscribes to what is not subscribed to yet and reads one connection to its end; nil means that
// the server closed it as announced, or has lost subscriptions.
func (c *Conn) connect(ctx context.Context, g *group, tell connectors.WatchFuncs, live map[string]bool) error {
	fresh, err := c.subscribeAll(ctx, g)
	if err != nil {
		return err
	}
	var ids []string
	byID := map[string]string{}
	for room, id := range g.subs {
		ids = append(ids, id)
		byID[id] = room
	}
	const op = "watch"
	r := request{op: op, anchor: g.anchor, cookie: g.cookie, group: true, body: getStreamingEvents(ids)}
	if c.cfg.Access == Impersonation {
		r.as = g.lead()
	}
	req, id := r.outbound(c)
	body, resp, err := c.client.Stream(ctx, req)
	if err != nil {
		return err
	}
	defer body.Close()
	if resp.Status/100 != 2 {
		_, err := judge(op, id, resp)
		if r.as != "" && codeIs(err, "ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed", "ErrorNonExistentMailbox", "ErrorNonPrimarySmtpAddress") {
			g.lose([]string{r.as}, tell, live) // the others go on with another lead
			return nil
		}
		return c.hold(err)
	}
	s := &splitter{in: body}
	for first := true; ; first = false {
		doc, err := s.next()
		if err != nil {
			return streamErr(op, err)
		}
		n, err := c.notice(op, id, doc, byID)
		if err != nil {
			return err
		}
		if len(n.lost) > 0 {
			g.lose(n.lost, tell, live)
			return nil
		}
		if first {
			g.begin(fresh, tell, live)
		}
		for _, room := range n.changed {
			tell.Changed(room)
		}
		if n.closed {
			return nil
		}
	}
}

// lead is a room that we may act for: the anchor, or else any that is subscribed to.
func (g *group) lead() string {
	if g.subs[g.anchor] != "" {
		return g.anchor
	}
	for room := range g.subs {
		return room
	}
	return ""
}

// lose forgets subscriptions that the server does not know any more.
func (g *group) lose(rooms []string, tell connectors.WatchFuncs, live map[string]bool) {
	for _, room := range rooms {
		delete(g.subs, room)
		if live[room] {
			delete(live, room)
			tell.Live(room, false)
		}
	}
	if len(g.subs) == 0 {
		g.cookie = "" // perhaps that server is gone
	}
}

// begin tells that a connection stands, and of the rooms in which changes may have been missed until now.
func (g *group) begin(fresh map[string]bool, tell connectors.WatchFuncs, live map[string]bool) {
	for room := range g.subs {
		if !live[room] {
			live[room] = true
			tell.Live(room, true)
		}
		if g.gap || fresh[room] {
			tell.Changed(room)
		}
	}
	g.gap = false
}

// streamErr is the error of a stream that ended without saying so.
func streamErr(op string, err error) error {
	if connectors.KindOf(err) != "" {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &connectors.Error{Kind: connectors.Transient, Op: op, Code: "connection cut"}
	}
	return connectors.Fail(connectors.Invalid, op, "%w", err)
}

// subscribeAll subscribes to the rooms that have no subscription yet and returns them. It fails when no room
// of the group has one in the end, or when the server asks for quiet.
func (c *Conn) subscribeAll(ctx context.Context, g *group) (fresh map[string]bool, err error) {
	fresh = map[string]bool{}
	var last error
	troubles := 0
	for _, room := range g.rooms {
		if g.subs[room] != "" {
			continue
		}
		if g.byRoom && len(g.subs) == 0 {
			g.anchor, g.cookie = room, ""
		}
		id, err := c.subscribe(ctx, g, room)
		if err == nil {
			g.subs[room], fresh[room] = id, true
			continue
		}
		last = err
		switch connectors.KindOf(err) {
		case connectors.Auth, connectors.Trust:
			return nil, err
		case connectors.Throttled, connectors.Transient:
			// One mailbox may be out of reach; when nothing at all works, the server is.
			troubles++
			if connectors.AfterOf(err) > 0 || ctx.Err() != nil || len(g.subs) == 0 && troubles >= maxTroubles {
				return nil, err
			}
		}
		if codeIs(err, "ErrorExceededSubscriptionCount", "ErrorSubscriptionDelegateAccessNotSupported") {
			break // for the others too
		}
	}
	if len(g.subs) == 0 {
		return nil, last
	}
	return fresh, nil
}

func (c *Conn) subscribe(ctx context.Context, g *group, room string) (string, error) {
	const op = "subscribe"
	r := c.about(op, connectors.Room{ID: room}, subscribe(c.calendarFolder(room)))
	r.anchor, r.cookie, r.group = g.anchor, g.cookie, true
	m, p, err := c.call(ctx, r)
	if err != nil {
		return "", err
	}
	for _, k := range (&http.Response{Header: p.http.Header}).Cookies() {
		if k.Name == overrideCookie && g.cookie == "" {
			g.cookie = k.Value
		}
	}
	id := m.child("SubscriptionId").word()
	if id == "" {
		return "", connectors.Fail(connectors.Invalid, op, "the answer has no subscription")
	}
	return id, nil
}

// notice is what one envelope of a stream says.
type notice struct {
	changed []string // rooms
	lost    []string // rooms whose subscription the server does not know any more
	closed  bool
}

func (c *Conn) notice(op, id string, doc []byte, byID map[string]string) (notice, error) {
	var n notice
	root, err := decode(doc)
	if err != nil {
		return n, connectors.Fail(connectors.Invalid, op, "%w", err)
	}
	if f := root.at("Body", "Fault"); f != nil {
		return n, c.hold(fault(f).err(op, id))
	}
	for _, m := range responses(root, nil) {
		for _, s := range m.child("ErrorSubscriptionIds").all("SubscriptionId") {
			if room, ok := byID[s.word()]; ok {
				n.lost = append(n.lost, room)
			}
		}
		if err := c.failed(op, m, id); err != nil && len(n.lost) == 0 {
			if !errors.Is(err, connectors.CursorExpired) {
				return n, err
			}
			for _, room := range byID { // it does not say which
				n.lost = append(n.lost, room)
			}
		}
		for _, note := range m.child("Notifications").all("Notification") {
			if room, ok := byID[note.child("SubscriptionId").word()]; ok && tellsChange(note) {
				n.changed = append(n.changed, room)
			}
		}
		n.closed = n.closed || m.child("ConnectionStatus").word() == "Closed"
	}
	return n, nil
}

// tellsChange reports whether a notification is more than a sign of life.
func tellsChange(note *node) bool {
	for _, k := range note.kids {
		switch k.name {
		case "CreatedEvent", "DeletedEvent", "ModifiedEvent", "MovedEvent", "CopiedEvent":
			return true
		}
	}
	return false
}
