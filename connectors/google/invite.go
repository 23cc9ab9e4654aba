package google

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"lintel/connectors"
)

// How long Google gets to answer for a room, and how often we look.
const (
	answerTries = 10
	answerPause = time.Second
)

// invite writes d into the inviter's calendar with the room as its only guest and waits for the room's
// answer. A room that says no leaves nothing behind.
func (c *Conn) invite(ctx context.Context, op string, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	e, err := c.insert(ctx, op, c.inviter(), c.cfg.Inviter, d, []attendee{{Email: room.ID, Resource: true}})
	if err != nil {
		return connectors.Event{}, err
	}
	if _, err := c.booked(op, &e, room, d); err != nil {
		return connectors.Event{}, err
	}
	ev, err := c.accepted(ctx, op, room, e.ID, d.To)
	if refused(err) { // take the invitation back, so that nobody comes
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
		p := place{c.inviter(), c.cfg.Inviter}
		_, undo := c.change(ctx, op, p, e.ID, func(*event) (request, error) { return request{method: http.MethodDelete}, nil })
		if undo != nil && !errors.Is(undo, connectors.NotFound) {
			return connectors.Event{}, connectors.AfterWrite(undo)
		}
		return ev, err
	}
	return ev, connectors.AfterWrite(err)
}

// undoTime bounds an undo, which runs even when the caller has given up.
const undoTime = 20 * time.Second

// errNoAnswer is why a room's calendar does not show what it was invited to.
var errNoAnswer = errors.New("the room's calendar did not show the invitation in time")

// refused reports whether a room has not taken what it was invited to, so that it has to be undone.
func refused(err error) bool {
	return errors.Is(err, connectors.Conflict) || errors.Is(err, errNoAnswer)
}

// moveInvited waits until the room has taken the new end of an invitation of ours, which p holds. A room that
// says no to it has said no to the whole meeting: so the old end comes back, and with it the room.
func (c *Conn) moveInvited(ctx context.Context, op string, room connectors.Room, p place, ev connectors.Event, to time.Time) (connectors.Event, error) {
	got, err := c.accepted(ctx, op, room, ev.Key, to)
	if !refused(err) {
		return got, connectors.AfterWrite(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	_, undo := c.change(ctx, op, p, ev.Key, func(*event) (request, error) {
		return request{method: http.MethodPatch, body: map[string]any{"end": map[string]any{"dateTime": ev.To.UTC().Format(time.RFC3339)}}}, nil
	})
	if undo != nil {
		return connectors.Event{}, connectors.AfterWrite(undo)
	}
	return connectors.Event{}, err
}

// declined reports whether the room has said no, by the inviter's copy: in its own calendar a resource keeps
// nothing of what it declined.
func (c *Conn) declined(ctx context.Context, op string, room connectors.Room, id string) (bool, error) {
	e, err := c.get(ctx, op, c.inviter(), c.cfg.Inviter, id)
	for _, a := range e.Attendees {
		if strings.EqualFold(a.Email, room.ID) && a.Response == "declined" {
			return true, nil
		}
	}
	return false, err
}

// accepted waits until the room's copy of an invitation ends at `to` and the room has answered. A room
// whose answer takes longer, because a person decides, keeps a tentative event. Declined is Conflict.
func (c *Conn) accepted(ctx context.Context, op string, room connectors.Room, id string, to time.Time) (connectors.Event, error) {
	var last connectors.Event
	var found bool
	for try := range answerTries {
		if try > 0 {
			select {
			case <-time.After(c.pause):
			case <-ctx.Done():
				return connectors.Event{}, stopped(op, ctx)
			}
		}
		e, err := c.get(ctx, op, c.rooms(), room.ID, id)
		gone := errors.Is(err, connectors.NotFound)
		if err != nil && !gone {
			return connectors.Event{}, err
		}
		self := e.self()
		no := self >= 0 && e.Attendees[self].Response == "declined"
		if gone {
			if no, err = c.declined(ctx, op, room, id); err != nil {
				return connectors.Event{}, err
			}
		}
		if no {
			return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the room declined")
		}
		ev, ok := c.convert(&e, room.Zone)
		if gone || !ok || !ev.To.Equal(to) {
			continue
		}
		last, found = ev, true
		if self < 0 || e.Attendees[self].Response == "accepted" {
			return ev, nil
		}
	}
	if !found {
		return connectors.Event{}, &connectors.Error{Kind: connectors.Transient, Op: op, Code: "no answer", Err: errNoAnswer}
	}
	return last, nil
}
