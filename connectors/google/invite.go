package google

import (
	"context"
	"errors"
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
	if errors.Is(err, connectors.Conflict) {
		// The room said no: take the invitation back, so that nobody comes.
		p := place{c.inviter(), c.cfg.Inviter}
		if _, undo := c.change(ctx, op, p, e.ID, func(*event) (request, error) { return request{method: "DELETE"}, nil }); undo != nil && !errors.Is(undo, connectors.NotFound) {
			return connectors.Event{}, undo
		}
	}
	return ev, err
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
		if errors.Is(err, connectors.NotFound) {
			continue // not there yet
		}
		if err != nil {
			return connectors.Event{}, err
		}
		self := e.self()
		if self >= 0 && e.Attendees[self].Response == "declined" {
			return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the room declined")
		}
		ev, ok := c.convert(&e, room.Zone)
		if !ok || !ev.To.Equal(to) {
			continue
		}
		last, found = ev, true
		if self < 0 || e.Attendees[self].Response == "accepted" {
			return ev, nil
		}
	}
	if !found {
		return connectors.Event{}, connectors.Fail(connectors.Transient, op, "the room's calendar did not show the invitation in time")
	}
	return last, nil
}
