package caldav

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"lintel/connectors"
	"lintel/connectors/ical"
	"lintel/connectors/vevent"
)

// Book writes d as an object of its own, whose name and UID come from the token: a second try meets
// the first one's object and returns it. Servers that do not honour If-None-Match (SOGo) would put the
// second over the first, so it looks before it writes. Nobody is invited: the event has no ORGANIZER and
// no ATTENDEE.
func (c *Connector) Book(ctx context.Context, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	const op = "book"
	if err := d.Valid(); err != nil {
		return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "%w", err)
	}
	at, err := c.collection(room, op)
	if err != nil {
		return connectors.Event{}, err
	}
	uid := "lintel-" + d.Token
	u := at.JoinPath(uid + ".ics")
	there, err := c.object(ctx, op, at, u.EscapedPath(), room.Zone)
	if err == nil {
		return there.booked(op, d)
	}
	if !errors.Is(err, connectors.NotFound) {
		return connectors.Event{}, err
	}
	extra := []ical.Prop{{Name: vevent.TokenProp, Value: d.Token}}
	if d.Organizer != "" {
		var p ical.Component
		p.SetText(vevent.NameProp, d.Organizer)
		extra = append(extra, p.Props...)
	}
	body := ical.New(ical.Draft{UID: uid, Start: d.From, End: d.To, Summary: d.Subject, Private: d.Private, Now: c.now(), Extra: extra}).Bytes()
	header := http.Header{"Content-Type": {"text/calendar; charset=utf-8"}, "If-None-Match": {"*"}}
	resp, err := c.do(ctx, op, http.MethodPut, u, header, body)
	if err != nil {
		return connectors.Event{}, err
	}
	put := gone(davErr(op, resp))
	if put != nil && !errors.Is(put, connectors.Conflict) {
		return connectors.Event{}, put
	}
	// Written, or there already: either way the truth is what the server has now.
	o, err := c.object(ctx, op, at, u.EscapedPath(), room.Zone)
	if err != nil {
		if put != nil && errors.Is(err, connectors.NotFound) {
			return connectors.Event{}, put // refused for another reason: a locked room, the same UID elsewhere
		}
		return connectors.Event{}, connectors.AfterWrite(err)
	}
	return o.booked(op, d)
}

// booked returns the event of d, which the object is unless somebody has changed it.
func (o *edited) booked(op string, d connectors.Draft) (connectors.Event, error) {
	ev, err := o.find(op, "")
	if err != nil || ev.Token != d.Token || !ev.From.Equal(d.From) || !ev.To.Equal(d.To) {
		return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the booking with this token is another one by now")
	}
	return ev, nil
}

// SetEnd moves the end of one occurrence within its object, of which all else stays as it is.
func (c *Connector) SetEnd(ctx context.Context, room connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	const op = "set end"
	at, err := c.collection(room, op)
	if err != nil {
		return connectors.Event{}, err
	}
	href, occurrence := splitKey(ev.Key)
	change := func(o *edited) (action, error) {
		now, err := o.find(op, occurrence)
		switch {
		case err != nil:
			return nothing, err
		case now.From.Equal(ev.From) && now.To.Equal(to):
			return nothing, nil
		case !sameTimes(now, ev):
			return nothing, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
		}
		return write, editErr(op, o.editor(c.now(), room.Zone).SetEnd(occurrence, to))
	}
	if err := c.edit(ctx, op, at, href, room.Zone, change); err != nil {
		return connectors.Event{}, err
	}
	o, err := c.object(ctx, op, at, href, room.Zone)
	if err != nil {
		return connectors.Event{}, connectors.AfterWrite(err)
	}
	out, err := o.find(op, occurrence)
	if err != nil {
		return out, connectors.Fail(connectors.Conflict, op, "the occurrence is not there any more")
	}
	return out, nil
}

// Release deletes the object, or takes one occurrence out of its series. On a server that does scheduling
// both make it decline where the room was invited (RFC 6638 3.2.2.1).
func (c *Connector) Release(ctx context.Context, room connectors.Room, ev connectors.Event) error {
	const op = "release"
	at, err := c.collection(room, op)
	if err != nil {
		return err
	}
	href, occurrence := splitKey(ev.Key)
	err = c.edit(ctx, op, at, href, room.Zone, func(o *edited) (action, error) {
		now, err := o.find(op, occurrence)
		if err != nil {
			return nothing, err
		}
		if !sameTimes(now, ev) {
			return nothing, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
		}
		if occurrence == "" {
			return remove, nil
		}
		err = o.editor(c.now(), room.Zone).Release(occurrence)
		if errors.Is(err, ical.ErrNotRecurring) || err == nil && o.empty() {
			return remove, nil
		}
		return write, editErr(op, err)
	})
	if errors.Is(err, connectors.NotFound) {
		return nil
	}
	return err
}

func sameTimes(a, b connectors.Event) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }

// editErr says what an edit that ical refused means.
func editErr(op string, err error) error {
	var kind connectors.Kind
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ical.ErrNoOccurrence), errors.Is(err, ical.ErrNoEvent):
		kind = connectors.NotFound
	case errors.Is(err, ical.ErrRecurring), errors.Is(err, ical.ErrNotRecurring):
		kind = connectors.Conflict
	case errors.Is(err, ical.ErrEndNotAfter):
		kind = connectors.Invalid
	default:
		kind = connectors.Unsupported
	}
	return connectors.Fail(kind, op, "%w", err)
}

// action is what to do with an object after looking at it.
type action int

const (
	nothing action = iota
	write
	remove
)

// edited is an object that is about to be changed.
type edited struct {
	object
	file *vevent.File
	ours bool // it carries our token
}

// find returns one occurrence as it stands now: NotFound when it is not there, Unsupported when nobody can read it.
func (o *edited) find(op, occurrence string) (connectors.Event, error) {
	e, ok := o.file.Find(occurrence)
	o.ours = e.Token != ""
	e.Key, e.Rev, e.Written = key(o.href, occurrence), o.etag, o.written
	unread := lost(o.file)
	switch {
	case occurrence != "" && slices.Contains(unread, occurrence), !ok && slices.Contains(unread, ""):
		return e, connectors.Fail(connectors.Unsupported, op, "the event can't be read")
	case !ok:
		return e, connectors.Fail(connectors.NotFound, op, "no such occurrence")
	}
	return e, nil
}

func (o *edited) editor(now time.Time, zone *time.Location) ical.Editor {
	cal, _ := o.file.Calendar()
	return ical.Editor{Calendar: cal, Zone: zone, Now: now}
}

// empty reports whether no event is left.
func (o *edited) empty() bool {
	cal, _ := o.file.Calendar()
	none := true
	cal.Find("VEVENT", func(_, _ *ical.Component) { none = false })
	return none
}

// object fetches one object afresh, with what editing it needs. It does not use a report: some servers
// answer reports from an index that lags behind.
func (c *Connector) object(ctx context.Context, op string, at *url.URL, href string, zone *time.Location) (*edited, error) {
	o, err := c.get(ctx, op, at, member{href: href})
	if errors.Is(err, connectors.Gone) {
		return nil, connectors.Fail(connectors.NotFound, op, "no such object")
	}
	if err != nil {
		return nil, err
	}
	if o.etag == "" || o.written.IsZero() {
		u, err := at.Parse(href)
		if err != nil {
			return nil, connectors.Fail(connectors.Invalid, op, "the object's address is no URL")
		}
		ms, err := c.propfind(ctx, op, u, "0", `<D:getetag/><D:getlastmodified/>`)
		if err != nil {
			return nil, err
		}
		for _, r := range ms.responses {
			o.etag, o.written = cmp.Or(o.etag, cleanETag(r.props.ETag)), cmp.Or(o.written, r.written())
		}
	}
	f, err := vevent.Parse(o.data, zone, ical.Limits{})
	if err != nil {
		return nil, connectors.Fail(connectors.Unsupported, op, "the object can't be read: %w", err)
	}
	return &edited{object: o, file: f}, nil
}

// edit fetches an object, lets change decide and writes back under the condition that nobody else has
// written meanwhile. When somebody has, it looks once more.
func (c *Connector) edit(ctx context.Context, op string, at *url.URL, href string, zone *time.Location, change func(*edited) (action, error)) error {
	for try := 0; ; try++ {
		o, err := c.object(ctx, op, at, href, zone)
		if err != nil {
			return err
		}
		do, err := change(o)
		if err != nil || do == nothing {
			return err
		}
		err = c.store(ctx, op, at, o, do)
		if try > 0 || !errors.Is(err, connectors.Conflict) {
			return err
		}
	}
}

// store writes or deletes an object if it still is in the revision that was fetched.
func (c *Connector) store(ctx context.Context, op string, at *url.URL, o *edited, do action) error {
	u, err := at.Parse(o.href)
	if err != nil {
		return connectors.Fail(connectors.Invalid, op, "the object's address is no URL")
	}
	method, header := http.MethodDelete, http.Header{}
	switch ours := do == remove && o.ours; {
	case o.etag != "":
		header.Set("If-Match", o.etag)
	case !ours: // what we wrote ourselves nobody else changes, so it may be deleted without condition
		return connectors.Fail(connectors.Unsupported, op, "the server names no revision, so a change could overwrite another one")
	}
	var body []byte
	if do == write {
		cal, whole := o.file.Calendar()
		if !whole {
			return connectors.Fail(connectors.Unsupported, op, "the object is damaged, so writing it back would lose something")
		}
		method, body = http.MethodPut, cal.Bytes()
		header.Set("Content-Type", "text/calendar; charset=utf-8")
	}
	resp, err := c.do(ctx, op, method, u, header, body)
	if err != nil {
		return err
	}
	return davErr(op, resp)
}
