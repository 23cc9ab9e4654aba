package caldav

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ical"
	"lintel/connectors/vevent"
)

// batch is how many objects one multiget asks for.
const batch = 50

// pastSeries is how long after its last occurrence a series still counts as going on: longer than slack,
// so that one that is over does not touch the window for ever.
const pastSeries = 7 * 24 * time.Hour

// object is one calendar object as fetched.
type object struct {
	member
	data []byte
}

// Read lists the collection, fetches what is new, changed, or touches the window, and expands it. The
// rest is known from the state to lie elsewhere.
func (c *Connector) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	at, err := c.collection(req.Room, "read window")
	if err != nil {
		return connectors.Snapshot{}, err
	}
	list, asOf, err := c.list(ctx, at)
	if err != nil {
		return connectors.Snapshot{}, err
	}
	known, next := loadState(req.State), newState()
	var wanted []member
	for _, m := range list {
		o, ok := known.Objects[m.href]
		if ok && o.is(m) && !o.touches(req.Window) {
			next.Objects[m.href] = o
			continue
		}
		wanted = append(wanted, m)
	}
	r := reader{room: req.Room, window: req.Window, state: next, events: map[string]connectors.Event{}, warnings: connectors.Warnings{}}
	for done := 0; done < len(wanted); {
		n := min(batch, len(wanted)-done)
		objects, err := c.fetch(ctx, at, wanted[done:done+n])
		if err != nil {
			return connectors.Snapshot{}, err
		}
		for _, o := range objects {
			r.add(o)
		}
		done += n
		if req.Progress != nil {
			req.Progress(done, len(wanted))
		}
	}
	return r.snapshot(asOf), nil
}

// fetch gets objects with their data. One that vanished meanwhile is left out; one whose data can't be
// had comes back without data.
func (c *Connector) fetch(ctx context.Context, at *url.URL, wanted []member) ([]object, error) {
	hrefs := make([]string, len(wanted))
	for i, m := range wanted {
		hrefs[i] = m.href
	}
	ms, err := c.multiget(ctx, at, hrefs)
	if splittable(err) {
		if len(wanted) == 1 {
			return c.alone(ctx, at, wanted[0])
		}
		// One object spoils the answer for all: halve until it is alone.
		half := len(wanted) / 2
		first, err := c.fetch(ctx, at, wanted[:half])
		if err != nil {
			return nil, err
		}
		second, err := c.fetch(ctx, at, wanted[half:])
		return append(first, second...), err
	}
	if err != nil {
		return nil, gone(err)
	}
	found := map[string]response{}
	for _, r := range ms.responses {
		if u, err := at.Parse(r.href); err == nil {
			found[u.Path] = r
		}
	}
	var out []object
	for _, m := range wanted {
		u, err := at.Parse(m.href)
		if err != nil {
			continue
		}
		r, ok := found[u.Path]
		switch {
		case ok && (r.status == http.StatusNotFound || r.status == http.StatusGone):
			continue
		case !ok || r.props.Data == nil:
			one, err := c.alone(ctx, at, m)
			if err != nil {
				return nil, err
			}
			out = append(out, one...)
		default:
			o := object{m, []byte(*r.props.Data)}
			if e := cleanETag(r.props.ETag); e != "" {
				o.etag = e
			}
			if t := r.written(); !t.IsZero() {
				o.written = t
			}
			out = append(out, o)
		}
	}
	return out, nil
}

// splittable reports an answer that was lost as a whole, perhaps because of one object in it.
func splittable(err error) bool {
	return errors.Is(err, connectors.Invalid) || errors.Is(err, connectors.Unsupported)
}

// alone gets an object that a multiget did not bring. When only this object can't be had, it comes back
// without data, to be counted as broken.
func (c *Connector) alone(ctx context.Context, at *url.URL, m member) ([]object, error) {
	o, err := c.get(ctx, "read object", at, m)
	var e *connectors.Error
	switch {
	case errors.As(err, &e) && (e.Kind == connectors.Transient && strings.HasPrefix(e.Code, "HTTP") ||
		e.Kind == connectors.Invalid || e.Kind == connectors.Unsupported || e.Kind == connectors.Forbidden):
		return []object{{member: m}}, nil
	case errors.Is(err, connectors.NotFound), errors.Is(err, connectors.Gone):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []object{o}, nil
}

// get fetches one object by itself.
func (c *Connector) get(ctx context.Context, op string, at *url.URL, m member) (object, error) {
	u, err := at.Parse(m.href)
	if err != nil {
		return object{}, connectors.Fail(connectors.Invalid, op, "the object's address is no URL")
	}
	resp, err := c.do(ctx, op, http.MethodGet, u, nil, nil)
	if err != nil {
		return object{}, err
	}
	if err := davErr(op, resp); err != nil {
		return object{}, err
	}
	if resp.IsHTML() {
		return object{}, resp.HTMLErr()
	}
	o := object{m, resp.Body}
	o.etag = cmp.Or(cleanETag(resp.Header.Get("ETag")), o.etag)
	if t := httpTime(resp.Header.Get("Last-Modified")); !t.IsZero() {
		o.written = t
	}
	return o, nil
}

// reader turns objects into a snapshot.
type reader struct {
	room     connectors.Room
	window   when.Interval
	state    state
	events   map[string]connectors.Event
	warnings connectors.Warnings
}

func (r *reader) add(o object) {
	f, err := vevent.Parse(o.data, r.room.Zone, ical.Limits{})
	if err != nil {
		r.state.Objects[o.href] = obj{ETag: o.etag, Mod: mod(o.written), From: 1, Bad: 1}
		return
	}
	from, to, open := f.Span(r.window.From.Add(-pastSeries))
	if open {
		to = forever
	}
	r.state.Objects[o.href] = obj{ETag: o.etag, Mod: mod(o.written), From: from, To: to, Bad: f.Bad}
	for _, e := range f.Occurrences(r.window, r.warnings) {
		e.Key, e.Rev, e.Written = key(o.href, e.Occurrence), o.etag, o.written
		r.keep(e)
	}
}

// keep adds an event. Of two with one identity, copies in two objects, the later written one counts.
func (r *reader) keep(e connectors.Event) {
	old, ok := r.events[e.Identity()]
	if ok && (old.Written.After(e.Written) || old.Written.Equal(e.Written) && old.Key < e.Key) {
		return
	}
	r.events[e.Identity()] = e
}

func (r *reader) snapshot(asOf time.Time) connectors.Snapshot {
	s := connectors.Snapshot{AsOf: asOf, Complete: true, State: r.state.save(), Warnings: r.warnings.List()}
	for _, o := range r.state.Objects {
		s.Skipped += o.Bad
	}
	for _, e := range r.events {
		s.Events = append(s.Events, e)
	}
	connectors.SortEvents(s.Events)
	return s
}

// key is href and occurrence; a space is in neither.
func key(href, occurrence string) string { return href + " " + occurrence }

func splitKey(k string) (href, occurrence string) {
	i := strings.LastIndexByte(k, ' ')
	if i < 0 {
		return k, ""
	}
	return k[:i], k[i+1:]
}
