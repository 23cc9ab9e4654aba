package graph

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// How long a room's own booking rules may take to answer an invitation, and how soon it is looked for the
// first time; each further look comes after twice the time.
const (
	answerTime = 25 * time.Second
	firstLook  = 250 * time.Millisecond
	longLook   = 4 * time.Second
)

// invite lets the account hold a meeting with the room as its resource, and waits for what the room's
// rules decide. A meeting that the room does not take, or not in time, is withdrawn.
func (c *Conn) invite(ctx context.Context, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	const op = "invite the room"
	body := draftBody(d, c.cfg.Account+" "+room.ID)
	body.Attendees = []attendee{{Type: "resource", EmailAddress: emailAddress{room.ID}}}
	e, err := c.put(ctx, op, c.cfg.Account, d.Token, body)
	if err != nil {
		return connectors.Event{}, err
	}
	// Zone and address of the room; times, token and words of the original.
	if _, err := c.booked(op, room, e, d); err != nil {
		return connectors.Event{}, err
	}
	ev, err := c.answered(ctx, op, room, e.ID, when.Interval{From: d.From, To: d.To})
	if err == nil {
		return ev, nil
	}
	if errors.Is(err, connectors.Conflict) || errors.Is(err, errNoAnswer) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if undo := c.withdraw(ctx, op, e.ID); undo != nil {
			return connectors.Event{}, connectors.AfterWrite(undo)
		}
		return connectors.Event{}, err
	}
	return connectors.Event{}, connectors.AfterWrite(err)
}

// errNoAnswer is why a meeting was withdrawn that the room has neither taken nor declined.
var errNoAnswer = errors.New("the room has not answered the invitation")

// answered waits until the room has the meeting with the account's id at these times, or has declined it.
func (c *Conn) answered(ctx context.Context, op string, room connectors.Room, id string, span when.Interval) (connectors.Event, error) {
	giveUp := c.now().Add(answerTime)
	for pause := firstLook; ; pause = min(2*pause, longLook) {
		original, err := c.get(ctx, op, c.cfg.Account, id)
		if err != nil {
			return connectors.Event{}, err
		}
		if declined(original, room.ID) {
			return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the room declined")
		}
		copied, err := c.copyOf(ctx, op, room, original, span)
		if err != nil {
			return connectors.Event{}, err
		}
		if copied != nil && copied.From.Equal(span.From) && copied.To.Equal(span.To) {
			return *copied, nil
		}
		if !c.now().Add(pause).Before(giveUp) {
			return connectors.Event{}, &connectors.Error{
				Kind: connectors.Transient, Op: op, Code: "no answer", Cure: "calendar.cure.graph_no_answer", Err: errNoAnswer,
			}
		}
		if err := sleep(ctx, op, pause); err != nil {
			return connectors.Event{}, err
		}
	}
}

func sleep(ctx context.Context, op string, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return &connectors.Error{Kind: connectors.Transient, Op: op, Code: "stopped", Err: ctx.Err()}
	case <-t.C:
		return nil
	}
}

// declined reports whether the room has said no. Exchange names it by its primary address, which may be another than
// ours: so a resource that is the only one is the room too.
func declined(e *event, roomID string) bool {
	resources, no := 0, false
	for _, a := range e.Attendees {
		room := strings.EqualFold(a.EmailAddress.Address, roomID)
		if said := strings.EqualFold(a.Status.Response, "declined"); room {
			return said
		} else if strings.EqualFold(a.Type, "resource") {
			resources, no = resources+1, said
		}
	}
	return resources == 1 && no
}

// copyOf returns the room's own copy of a meeting, which has the same iCalUId; nil when it has none within
// the span, or has not decided yet.
func (c *Conn) copyOf(ctx context.Context, op string, room connectors.Room, original *event, span when.Interval) (*connectors.Event, error) {
	u, err := c.view(op, room.ID, span, "$top", "200", "$select", eventFields, "$expand", expandProps)
	if err != nil {
		return nil, err
	}
	entries, _, err := c.list(ctx, op, room.ID, u, nil)
	if err != nil {
		return nil, gone(err)
	}
	var found *connectors.Event
	dec := decoder{room: room, warnings: connectors.Warnings{}}
	for _, raw := range entries {
		var e event
		if json.Unmarshal(raw, &e) != nil || e.ICalUID == "" || e.ICalUID != original.ICalUID || !e.standing() ||
			strings.EqualFold(e.ResponseStatus.Response, "notResponded") {
			continue
		}
		if ev, err := dec.event(&e); err == nil {
			adopt(&ev, original)
			found = &ev
		}
	}
	return found, nil
}

// withdraw deletes the account's meeting; the room is told and lets go of its copy.
func (c *Conn) withdraw(ctx context.Context, op, id string) error {
	err := c.remove(ctx, op, c.cfg.Account, &event{ID: id})
	if errors.Is(err, connectors.NotFound) {
		return nil
	}
	return err
}

// original returns the account's meeting behind the room's copy.
func (c *Conn) original(ctx context.Context, op string, room connectors.Room, ev connectors.Event) (*event, connectors.Event, error) {
	e, err := c.findSoon(ctx, op, c.cfg.Account, ev.Token)
	if err != nil {
		return nil, connectors.Event{}, err
	}
	if e == nil {
		return nil, connectors.Event{}, connectors.Fail(connectors.NotFound, op, "the account has no such meeting")
	}
	dec := decoder{room: room, warnings: connectors.Warnings{}}
	now, err := dec.event(e)
	if err != nil {
		return nil, now, connectors.Fail(connectors.Unsupported, op, "%w", err)
	}
	return e, now, nil
}

// setInvitedEnd moves the end of a meeting of ours and waits for the room to follow. When it does not, the
// old end comes back.
func (c *Conn) setInvitedEnd(ctx context.Context, room connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	const op = "set end"
	e, now, err := c.original(ctx, op, room, ev)
	switch {
	case err != nil:
		return connectors.Event{}, err
	case !now.From.Equal(ev.From) || !now.To.Equal(ev.To) && !now.To.Equal(to):
		return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
	}
	if !now.To.Equal(to) {
		if err := c.patch(ctx, op, c.cfg.Account, e, endChange(e, now, to)); err != nil {
			return connectors.Event{}, err
		}
	}
	got, err := c.answered(ctx, op, room, e.ID, when.Interval{From: ev.From, To: to})
	if errors.Is(err, connectors.Conflict) || errors.Is(err, errNoAnswer) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		end := utcTime(ev.To)
		if undo := c.patch(ctx, op, c.cfg.Account, &event{ID: e.ID}, change{End: &end}); undo != nil {
			return connectors.Event{}, connectors.AfterWrite(undo)
		}
		return connectors.Event{}, err
	}
	return got, connectors.AfterWrite(err)
}

// releaseInvited withdraws a meeting of ours and waits until the room is free of it.
func (c *Conn) releaseInvited(ctx context.Context, room connectors.Room, ev connectors.Event) error {
	const op = "release"
	e, now, err := c.original(ctx, op, room, ev)
	switch {
	case errors.Is(err, connectors.NotFound):
		return nil
	case err != nil:
		return err
	case !sameTimes(now, ev):
		return connectors.Fail(connectors.Conflict, op, "the event has other times by now")
	}
	if err := c.withdraw(ctx, op, e.ID); err != nil {
		return err
	}
	giveUp := c.now().Add(answerTime)
	for pause := firstLook; ; pause = min(2*pause, longLook) {
		copied, err := c.copyOf(ctx, op, room, e, when.Interval{From: ev.From, To: ev.To})
		if err != nil || copied == nil {
			return connectors.AfterWrite(err)
		}
		if !c.now().Add(pause).Before(giveUp) {
			return &connectors.Error{Kind: connectors.Transient, Op: op, Code: "no answer", Cure: "calendar.cure.graph_no_answer", Err: errNoAnswer}
		}
		if err := sleep(ctx, op, pause); err != nil {
			return err
		}
	}
}
