package graph

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// batchSize is how many requests Graph takes in one.
const batchSize = 20

// preferDelta keeps a delta's answers small: it brings whole events with their bodies, and knows no $select.
const preferDelta = preferRead + `, odata.maxpagesize=50, outlook.body-content-type="text"`

const opProbe = "ask for changes"

// mark is a cursor: the delta's link, and the instant from which on its window is too old.
type mark struct {
	Version int    `json:"v"`
	Link    string `json:"l"`
	Until   int64  `json:"u"` // Unix seconds
}

const markVersion = 1

// walk is one room's way through a delta, which may have several pages.
type walk struct {
	room    connectors.Room
	at      *url.URL // what to ask next
	fresh   bool     // a new delta: nothing is known yet
	changed bool
	until   int64
	pages   int
	done    bool
	next    connectors.Cursor
	err     error
}

func (w *walk) fail(err error) { w.done, w.err = true, err }

func (w *walk) result() connectors.ProbeResult {
	if w.err != nil {
		return connectors.ProbeResult{Err: w.err}
	}
	return connectors.ProbeResult{Change: connectors.Change{Changed: w.changed, Next: w.next}}
}

// begin takes up a delta where the cursor left it. A cursor that is unknown, leads elsewhere, or whose
// window has grown old, begins a new one.
func (c *Conn) begin(room connectors.Room, cursor connectors.Cursor) *walk {
	w := &walk{room: room}
	var m mark
	if json.Unmarshal(cursor, &m) == nil && m.Version == markVersion && c.now().Unix() < m.Until {
		if u, err := c.inside(opProbe, m.Link); err == nil {
			w.at, w.until = u, m.Until
			return w
		}
	}
	c.anew(w)
	return w
}

// anew begins a new delta over the days that the engine reads and one more, since the window moves on
// only in the next night.
func (c *Conn) anew(w *walk) {
	now := c.now()
	today := when.DayOf(now, w.room.Zone)
	w.fresh, w.changed = true, true
	w.until = rollAfter(now, w.room).Unix()
	span := when.Interval{From: today.Add(-connectors.DaysBack).Start(w.room.Zone), To: today.Add(connectors.DaysAhead + 2).Start(w.room.Zone)}
	u, err := c.mailboxURL(opProbe, w.room.ID, []string{"calendarView", "delta"},
		"startDateTime", utc(span.From.Add(-zones)), "endDateTime", utc(span.To.Add(zones)))
	if err != nil {
		w.fail(err)
		return
	}
	w.at = u
}

// rollAfter returns when a window that is begun now has to be begun anew: after three in the next night
// of the room, each room at a minute of its own.
func rollAfter(now time.Time, room connectors.Room) time.Time {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(room.ID))) // never fails
	own := 3*time.Hour + time.Duration(h.Sum32()%3600)*time.Second
	day := when.DayOf(now, room.Zone)
	if t := day.Start(room.Zone).Add(own); t.After(now) {
		return t
	}
	return day.Add(1).Start(room.Zone).Add(own)
}

// take looks at an answer.
func (c *Conn) take(w *walk, a answer) {
	if a.status >= 400 {
		// 410: Graph has forgotten the delta, which it may at any time. 400: it does not know the token.
		if !w.fresh && (a.status == http.StatusGone || a.status == http.StatusBadRequest) {
			c.anew(w)
			return
		}
		w.fail(c.forgotten(a, gone(c.failure(opProbe, w.room.ID, a))))
		return
	}
	p, err := parsePage(opProbe, a.body)
	if err != nil {
		w.fail(err)
		return
	}
	w.changed = w.changed || len(*p.Value) > 0
	w.pages++
	switch {
	case p.DeltaLink != "":
		if _, err := c.inside(opProbe, p.DeltaLink); err != nil {
			w.fail(err)
			return
		}
		next, err := json.Marshal(mark{markVersion, p.DeltaLink, w.until})
		if err != nil {
			w.fail(connectors.Fail(connectors.Invalid, opProbe, "the mark can't be written"))
			return
		}
		w.done, w.next = true, next
	case p.NextLink == "":
		w.fail(connectors.Fail(connectors.Invalid, opProbe, "the answer names neither a next page nor a mark"))
	case w.pages >= maxPages:
		w.fail(connectors.Fail(connectors.Invalid, opProbe, "the pages do not end"))
	default:
		if w.at, err = c.inside(opProbe, p.NextLink); err != nil {
			w.fail(err)
		}
	}
}

// forgotten returns err, unless Graph has forgotten even a delta that was only just begun, as it does while it
// moves a mailbox: that passes, and the room's calendar is still there.
func (c *Conn) forgotten(a answer, err error) error {
	code, _ := a.fault()
	switch e, ok := err.(*connectors.Error); { //nolint:errorlint // ours, not wrapped
	case !ok:
	case a.status == http.StatusGone && code != "", strings.EqualFold(code, "syncStateNotFound"), strings.EqualFold(code, "resyncRequired"):
		e.Kind, e.Cure = connectors.Transient, ""
	}
	return err
}

// Probe asks the delta of one room.
func (c *Conn) Probe(ctx context.Context, room connectors.Room, cursor connectors.Cursor) (connectors.Change, error) {
	w := c.begin(room, cursor)
	for !w.done {
		q := request{op: opProbe, mailbox: room.ID, url: w.at, prefer: preferDelta}
		resp, err := c.send(ctx, q)
		if err == nil && resp.Status < 400 {
			err = c.judge(q, resp)
		}
		if err != nil {
			w.fail(err)
			break
		}
		c.take(w, answer{resp.Status, resp.Header, resp.Body, clock(resp)})
	}
	r := w.result()
	return r.Change, r.Err
}

// BatchSize is Graph's limit.
func (c *Conn) BatchSize() int { return batchSize }

// ProbeMany asks the deltas of many rooms in one request, and again for those that have more pages.
// Rooms whose gate is closed are left out.
func (c *Conn) ProbeMany(ctx context.Context, asked []connectors.ProbeRequest) []connectors.ProbeResult {
	walks := make([]*walk, len(asked))
	for i, a := range asked {
		walks[i] = c.begin(a.Room, a.Cursor)
	}
	for part := range slices.Chunk(walks, batchSize) {
		for refused := 0; ; {
			open := slices.DeleteFunc(slices.Clone(part), func(w *walk) bool { return w.done })
			if len(open) == 0 {
				break
			}
			if c.round(ctx, open, refused > 0) {
				refused++
			}
		}
	}
	out := make([]connectors.ProbeResult, len(asked))
	for i, w := range walks {
		out[i] = w.result()
	}
	return out
}

// round sends one batch. It reports whether a token was refused inside it; with last set such a room fails.
func (c *Conn) round(ctx context.Context, walks []*walk, last bool) (refused bool) {
	in, leave := c.enterAll(ctx, walks)
	defer leave()
	if len(in) == 0 {
		return false
	}
	body, err := c.batchBody(in)
	if err != nil {
		failAll(in, err)
		return false
	}
	resp, err := c.ask(ctx, request{op: opProbe, method: http.MethodPost, url: c.url([]string{"$batch"}), body: body})
	if err != nil {
		failAll(in, err)
		return false
	}
	parts, err := parseBatch(resp.Body, len(in))
	if err != nil {
		failAll(in, err)
		return false
	}
	now := clock(resp)
	for i, w := range in {
		part := parts[i]
		if part == nil {
			w.fail(&connectors.Error{Kind: connectors.Transient, Op: opProbe, Code: "missing in the batch"})
			continue
		}
		part.now = now
		c.gate.hold(w.room.ID, quiet(part.status, part.header, now))
		if part.status == http.StatusUnauthorized && !last {
			refused = true
			continue
		}
		c.take(w, *part)
	}
	if refused {
		if token, err := c.tokens.get(ctx); err == nil {
			c.tokens.forget(token)
		}
	}
	return refused
}

// enterAll passes the gates of all rooms, in one order for everybody, so that two batches never wait for
// each other. Rooms that may not pass fail.
func (c *Conn) enterAll(ctx context.Context, walks []*walk) (in []*walk, leave func()) {
	order := slices.SortedFunc(slices.Values(walks), func(a, b *walk) int {
		return cmp.Compare(strings.ToLower(a.room.ID), strings.ToLower(b.room.ID))
	})
	var leaves []func()
	var before *walk
	for _, w := range order {
		switch same := before != nil && strings.EqualFold(before.room.ID, w.room.ID); {
		case same && before.err != nil:
			w.fail(before.err)
		case same: // one place serves for both
			in = append(in, w)
		default:
			before = w
			l, err := c.gate.enter(ctx, opProbe, w.room.ID)
			if err != nil {
				w.fail(err)
				continue
			}
			leaves = append(leaves, l)
			in = append(in, w)
		}
	}
	return in, func() {
		for _, l := range leaves {
			l()
		}
	}
}

func failAll(walks []*walk, err error) {
	for _, w := range walks {
		w.fail(err)
	}
}

type batchRequest struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

func (c *Conn) batchBody(walks []*walk) ([]byte, error) {
	var b struct {
		Requests []batchRequest `json:"requests"`
	}
	for i, w := range walks {
		relative := strings.TrimPrefix(w.at.RequestURI(), c.base.Path)
		b.Requests = append(b.Requests, batchRequest{strconv.Itoa(i), http.MethodGet, relative, map[string]string{"Prefer": preferDelta}})
	}
	body, err := json.Marshal(b)
	if err != nil {
		return nil, connectors.Fail(connectors.Invalid, opProbe, "the batch can't be written")
	}
	return body, nil
}

// parseBatch returns the answers by the number of their request, nil where there is none that can be
// read. They come in any order.
func parseBatch(body []byte, n int) ([]*answer, error) {
	var b struct {
		Responses *[]json.RawMessage `json:"responses"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.Responses == nil {
		return nil, connectors.Fail(connectors.Invalid, opProbe, "the answer is no batch")
	}
	out := make([]*answer, n)
	for _, raw := range *b.Responses {
		var r struct {
			ID      string          `json:"id"`
			Status  int             `json:"status"`
			Headers map[string]any  `json:"headers"`
			Body    json.RawMessage `json:"body"`
		}
		if json.Unmarshal(raw, &r) != nil || r.Status < 100 || r.Status > 599 {
			continue
		}
		i, err := strconv.Atoi(r.ID)
		if err != nil || i < 0 || i >= n || out[i] != nil {
			continue
		}
		a := &answer{status: r.Status, header: http.Header{}, body: r.Body}
		for k, v := range r.Headers {
			a.header.Set(k, fmt.Sprint(v))
		}
		out[i] = a
	}
	return out, nil
}
