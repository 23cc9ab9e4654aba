package caldav

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
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
	data   []byte
	listed member // as the list showed it
}

// Read lists the collection, fetches what is new, changed, or touches the window, and expands it. The
// rest is known from the state to lie elsewhere. When something is gone by the time that it is fetched, it was deleted
// or got another name, and the collection is listed again ([connectors.Settled]).
func (c *Connector) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	at, err := c.collection(req.Room, "read window")
	if err != nil {
		return connectors.Snapshot{}, err
	}
	w := walk{c: c, at: at, req: req, known: loadState(req.State), have: map[member]object{}}
	objects, err := connectors.Settled(ctx, "read window", w.pass, func(o *object) string { return o.href })
	if err != nil {
		return connectors.Snapshot{}, err
	}
	r := reader{room: req.Room, window: req.Window, state: w.next, events: map[string]connectors.Event{}, warnings: connectors.Warnings{}}
	for _, o := range objects {
		r.add(o)
	}
	return r.snapshot(w.asOf), nil
}

// walk is the way through a collection.
type walk struct {
	c     *Connector
	at    *url.URL
	req   connectors.ReadRequest
	known state
	have  map[member]object // fetched in an earlier pass
	next  state             // with what need not be fetched
	asOf  time.Time
}

// pass lists the collection and returns what had to be fetched, and one for each object that was not there any more.
func (w *walk) pass(ctx context.Context, first bool) (objects []object, gone int, err error) {
	list, asOf, err := w.c.list(ctx, w.at)
	if err != nil {
		return nil, 0, err
	}
	w.asOf, w.next = asOf, newState()
	var wanted []member
	for _, m := range list {
		o, ok := w.known.Objects[m.href]
		fetched, again := w.have[m]
		switch {
		case ok && o.is(m) && !o.touches(w.req.Window):
			w.next.Objects[m.href] = o
		case again && m.etag != "":
			objects = append(objects, fetched)
		default:
			wanted = append(wanted, m)
		}
	}
	for done := 0; done < len(wanted); {
		part := wanted[done:min(done+batch, len(wanted))]
		fetched, err := w.c.fetch(ctx, w.at, part)
		if err != nil {
			return nil, 0, err
		}
		objects, gone, done = append(objects, fetched...), gone+len(part)-len(fetched), done+len(part)
		for _, o := range fetched {
			w.have[o.listed] = o
		}
		if first && w.req.Progress != nil {
			w.req.Progress(done, len(wanted))
		}
	}
	return objects, 1 + gone, nil
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
			o := object{m, []byte(*r.props.Data), m}
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
	case errors.As(err, &e) && e.Kind == connectors.Transient && strings.HasPrefix(e.Code, "HTTP"):
		later := m
		later.etag = "" // the next read asks for it again, also where it does not change
		return []object{{member: later, listed: m}}, nil
	case errors.As(err, &e) && (e.Kind == connectors.Invalid || e.Kind == connectors.Unsupported || e.Kind == connectors.Forbidden):
		return []object{{member: m, listed: m}}, nil
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
	o := object{m, resp.Body, m}
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
		r.state.Objects[o.href] = obj{ETag: o.etag, Mod: mod(o.written), From: 1, Bad: 1, Lost: []string{""}}
		return
	}
	from, to, open := f.Span(r.window.From.Add(-pastSeries))
	if open {
		to = forever
	}
	r.state.Objects[o.href] = obj{ETag: o.etag, Mod: mod(o.written), From: from, To: to, Bad: f.Bad, Lost: lost(f)}
	for _, e := range f.Occurrences(r.window, r.warnings) {
		e.Key, e.Rev, e.Written = key(o.href, e.Occurrence), o.etag, o.written
		r.keep(e)
	}
}

// lost returns obj.Lost of an object.
func lost(f *vevent.File) (out []string) {
	if f.Bad > 0 && len(f.Events) == 0 {
		return []string{""}
	}
	for _, l := range f.Lost {
		out = append(out, l.Original)
	}
	return out
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
	for href, o := range r.state.Objects {
		s.Skipped += o.Bad
		for _, occurrence := range o.Lost {
			name := href
			if occurrence != "" {
				name = key(href, occurrence)
			}
			s.Unread = append(s.Unread, name)
		}
	}
	slices.Sort(s.Unread)
	for _, e := range r.events {
		s.Events = append(s.Events, e)
	}
	connectors.SortEvents(s.Events)
	return s
}

// key is href and occurrence; a space is in neither.
func key(href, occurrence string) string { return connectors.OccurrenceKey(href, occurrence) }

func splitKey(k string) (href, occurrence string) {
	i := strings.LastIndexByte(k, ' ')
	if i < 0 {
		return k, ""
	}
	return k[:i], k[i+1:]
}
