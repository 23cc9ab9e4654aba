package google

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"lintel/connectors"
)

// Book writes d under an id that comes from its token: a second try meets the first one's event and
// returns it. Nobody is invited and nobody is told, unless Config.Invite says so.
func (c *Conn) Book(ctx context.Context, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	const op = "book"
	if err := c.writable(op); err != nil {
		return connectors.Event{}, err
	}
	if err := d.Valid(); err != nil {
		return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "%w", err)
	}
	if c.cfg.Invite {
		return c.invite(ctx, op, room, d)
	}
	e, err := c.insert(ctx, op, c.rooms(), room.ID, d, nil)
	if err != nil {
		return connectors.Event{}, err
	}
	return c.booked(op, &e, room, d)
}

// booked judges the event that carries a draft's token.
func (c *Conn) booked(op string, e *event, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	ev, ok := c.convert(e, room.Zone)
	if !ok || ev.Token != d.Token || !ev.From.Equal(d.From) || !ev.To.Equal(d.To) {
		return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the booking with this token is another one by now")
	}
	return ev, nil
}

// insert writes a draft into a calendar, or returns what an earlier call has written there.
func (c *Conn) insert(ctx context.Context, op string, as grant, calendar string, d connectors.Draft, guests []attendee) (event, error) {
	u, err := c.events(op, calendar, "")
	if err != nil {
		return event{}, err
	}
	u.RawQuery = "sendUpdates=none"
	props := map[string]string{tokenProp: d.Token}
	if d.Organizer != "" {
		props[nameProp] = d.Organizer
	}
	in := event{Summary: d.Subject, Start: at(d.From), End: at(d.To), Attendees: guests, Extended: &extended{Private: props}}
	if guests != nil {
		in.Extended.Shared = props // the room's copy has only these
	}
	if d.Private {
		in.Visibility = "private"
	}
	for try := range maxTries {
		in.ID = eventID(d.Token, try)
		var e event
		_, err := c.call(ctx, request{op: op, method: http.MethodPost, as: as, url: u, body: in}, &e)
		if err == nil {
			return e, nil
		}
		if !isStatus(err, http.StatusConflict) {
			return event{}, gone(err)
		}
		e, err = c.get(ctx, op, as, calendar, in.ID)
		if err == nil || !errors.Is(err, connectors.NotFound) {
			return e, connectors.AfterWrite(err) // the id is taken: by what an earlier call has written
		}
	}
	return event{}, connectors.Fail(connectors.Conflict, op, "the booking with this token was deleted too often")
}

// place is where an event is changed: the room's calendar, or that of the inviter for what we invited to.
type place struct {
	as       grant
	calendar string
}

// place looks who organizes an event of ours: some may be older than the setting that makes us invite.
func (c *Conn) place(ctx context.Context, op string, room connectors.Room, ev connectors.Event) (place, error) {
	p := place{c.rooms(), room.ID}
	if !c.cfg.Invite || ev.Token == "" {
		return p, nil
	}
	e, err := c.get(ctx, op, p.as, p.calendar, ev.Key)
	if err != nil {
		return p, err
	}
	if e.Organizer != nil && strings.EqualFold(e.Organizer.Email, c.cfg.Inviter) {
		p = place{c.inviter(), c.cfg.Inviter}
	}
	return p, nil
}

// props writes properties into the room's own copy, or into the inviter's so that the room's gets them too.
func (p place) props(m map[string]string, room connectors.Room) map[string]any {
	if p.calendar == room.ID {
		return map[string]any{"private": m}
	}
	return map[string]any{"private": m, "shared": m}
}

// change fetches an event, lets decide look at it and does what that returns, under the condition that
// nobody has written meanwhile. When somebody has, it looks once more. The event that came of it is
// returned, the fetched one when there was nothing to do.
func (c *Conn) change(ctx context.Context, op string, p place, id string, decide func(*event) (request, error)) (event, error) {
	for try := 0; ; try++ {
		e, err := c.get(ctx, op, p.as, p.calendar, id)
		if err != nil {
			return e, err
		}
		r, err := decide(&e)
		if err != nil || r.method == "" {
			return e, err
		}
		if r.url, err = c.events(op, p.calendar, id); err != nil {
			return e, err
		}
		r.url.RawQuery = "sendUpdates=none"
		r.op, r.as, r.match = op, p.as, e.ETag
		var out event
		var into any = &out
		if r.method == http.MethodDelete {
			into = nil
		}
		_, err = c.call(ctx, r, into)
		switch {
		case err == nil:
			return out, nil
		case isStatus(err, http.StatusGone), isStatus(err, http.StatusNotFound):
			return e, connectors.Fail(connectors.NotFound, op, "the event was deleted")
		case isStatus(err, http.StatusPreconditionFailed) && try == 0:
			continue
		}
		return e, err
	}
}

// SetEnd moves the end of one occurrence. Of a whole-day event it makes one of hours. Where somebody else
// organizes the meeting, only the room's copy changes; nobody is told.
func (c *Conn) SetEnd(ctx context.Context, room connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	const op = "set end"
	if err := c.writable(op); err != nil {
		return connectors.Event{}, err
	}
	p, err := c.place(ctx, op, room, ev)
	if err != nil {
		return connectors.Event{}, err
	}
	e, err := c.change(ctx, op, p, ev.Key, func(e *event) (request, error) {
		now, ok := c.convert(e, room.Zone)
		switch {
		case e.drop():
			return request{}, connectors.Fail(connectors.NotFound, op, "the event does not occupy the room any more")
		case !ok:
			return request{}, connectors.Fail(connectors.Unsupported, op, "the event can't be read")
		case now.From.Equal(ev.From) && now.To.Equal(to):
			return request{}, nil
		case !sameTimes(now, ev):
			return request{}, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
		case !to.After(now.From):
			return request{}, connectors.Fail(connectors.Invalid, op, "the end is not after the start")
		}
		body := map[string]any{"end": map[string]any{"dateTime": to.UTC().Format(time.RFC3339)}}
		if claim := e.claim(to.After(now.To)); len(claim) > 0 {
			body["extendedProperties"] = p.props(claim, room)
		}
		if now.AllDay {
			body["start"] = map[string]any{"dateTime": now.From.Format(time.RFC3339), "date": nil}
			body["end"] = map[string]any{"dateTime": to.UTC().Format(time.RFC3339), "date": nil}
		}
		return request{method: http.MethodPatch, body: body}, nil
	})
	if err != nil {
		return connectors.Event{}, err
	}
	if p.calendar != room.ID { // the room's copy follows
		return c.moveInvited(ctx, op, room, p, ev, to)
	}
	out, ok := c.convert(&e, room.Zone)
	if !ok || !out.To.Equal(to) {
		return out, connectors.Fail(connectors.Conflict, op, "the system did not take the new end")
	}
	return out, nil
}

// Release deletes what the room or we own, and declines what the room was invited to, for one occurrence.
// Nobody is told by mail; the organizer sees in the calendar that the room has declined.
func (c *Conn) Release(ctx context.Context, room connectors.Room, ev connectors.Event) error {
	const op = "release"
	if err := c.writable(op); err != nil {
		return err
	}
	p, err := c.place(ctx, op, room, ev)
	if errors.Is(err, connectors.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	remove := false
	decide := func(e *event) (request, error) {
		now, ok := c.convert(e, room.Zone)
		if p.calendar == room.ID && e.drop() {
			return request{}, nil
		}
		if !ok {
			return request{}, connectors.Fail(connectors.Unsupported, op, "the event can't be read")
		}
		if !sameTimes(now, ev) {
			return request{}, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
		}
		self := e.self()
		if remove || now.Mine || self < 0 || p.calendar != room.ID {
			return request{method: http.MethodDelete}, nil
		}
		// The whole list goes back, since a patch replaces lists; a list that Google shortened says so.
		e.Attendees[self].Response = "declined"
		body := map[string]any{"attendees": e.Attendees}
		if e.Omitted {
			body["attendeesOmitted"] = true
		}
		return request{method: http.MethodPatch, body: body}, nil
	}
	_, err = c.change(ctx, op, p, ev.Key, decide)
	var e *connectors.Error
	if errors.As(err, &e) && e.Cure == "calendar.cure.google_invite" {
		// A service account without delegation may not write lists of guests, not even to decline: it takes
		// the meeting out of the room's calendar instead, which declines as well.
		remove = true
		_, err = c.change(ctx, op, p, ev.Key, decide)
	}
	if errors.Is(err, connectors.NotFound) {
		return nil
	}
	return err
}

// Mark writes the check-in into a property of the room's own copy.
func (c *Conn) Mark(ctx context.Context, room connectors.Room, ev connectors.Event, seen time.Time) error {
	const op = "mark check-in"
	if err := c.writable(op); err != nil {
		return err
	}
	p := place{c.rooms(), room.ID}
	_, err := c.change(ctx, op, p, ev.Key, func(e *event) (request, error) {
		props := e.claim(false)
		props[checkInProp] = seen.UTC().Format(time.RFC3339)
		return request{method: http.MethodPatch, body: map[string]any{"extendedProperties": p.props(props, room)}}, nil
	})
	return err
}

// writable refuses where the configuration asked for reading only.
func (c *Conn) writable(op string) error {
	if c.cfg.ReadOnly {
		return connectors.Fail(connectors.Unsupported, op, "this account only reads")
	}
	return nil
}

func sameTimes(a, b connectors.Event) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }
