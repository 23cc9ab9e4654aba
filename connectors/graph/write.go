package graph

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// newEvent is the body of a booking. Without attendees nobody is invited.
type newEvent struct {
	Subject       string     `json:"subject"`
	Start         dateTime   `json:"start"`
	End           dateTime   `json:"end"`
	ShowAs        string     `json:"showAs"`
	Sensitivity   string     `json:"sensitivity"`
	IsReminderOn  bool       `json:"isReminderOn"`
	TransactionID string     `json:"transactionId"`
	Props         []property `json:"singleValueExtendedProperties"`
	Attendees     []attendee `json:"attendees,omitempty"`
}

type attendee struct {
	Type         string       `json:"type"`
	EmailAddress emailAddress `json:"emailAddress"`
}

type emailAddress struct {
	Address string `json:"address"`
}

// change is the body of a PATCH: what is nil stays as it is.
type change struct {
	Start    *dateTime  `json:"start,omitempty"`
	End      *dateTime  `json:"end,omitempty"`
	IsAllDay *bool      `json:"isAllDay,omitempty"`
	Props    []property `json:"singleValueExtendedProperties,omitempty"`
}

func utcTime(t time.Time) dateTime {
	return dateTime{DateTime: t.UTC().Format("2006-01-02T15:04:05"), TimeZone: "UTC"}
}

func draftBody(d connectors.Draft, mailbox string) newEvent {
	b := newEvent{
		Subject: d.Subject, Start: utcTime(d.From), End: utcTime(d.To), ShowAs: "busy", Sensitivity: "normal",
		TransactionID: transactionID(d.Token, mailbox), Props: []property{{ID: propToken, Value: d.Token}},
	}
	if d.Private {
		b.Sensitivity = "private"
	}
	if d.Organizer != "" {
		b.Props = append(b.Props, property{ID: propOrganizer, Value: d.Organizer})
	}
	return b
}

// transactionID turns a token into an id of the form that Graph's clients use: the same for the same
// token and mailbox.
func transactionID(token, mailbox string) string {
	sum := sha256.Sum256([]byte("lintel\x00" + token + "\x00" + strings.ToLower(mailbox)))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // version 8, RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Book writes d into the room's calendar, or lets the account invite the room.
func (c *Conn) Book(ctx context.Context, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	const op = "book"
	if err := d.Valid(); err != nil {
		return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "%w", err)
	}
	if c.cfg.Invite {
		return c.invite(ctx, room, d)
	}
	e, err := c.put(ctx, op, room.ID, d.Token, draftBody(d, room.ID))
	if err != nil {
		return connectors.Event{}, err
	}
	return c.booked(op, room, e, d)
}

// booked converts what a booking has become, unless it has other times by now.
func (c *Conn) booked(op string, room connectors.Room, e *event, d connectors.Draft) (connectors.Event, error) {
	dec := decoder{room: room, warnings: connectors.Warnings{}}
	ev, err := dec.event(e)
	if err != nil {
		return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "%w", err)
	}
	if !ev.From.Equal(d.From) || !ev.To.Equal(d.To) || ev.Token != d.Token {
		return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the booking with this token is another one by now")
	}
	return ev, nil
}

// askJSON is ask with a body.
func (c *Conn) askJSON(ctx context.Context, q request, body any) (*outbound.Response, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, connectors.Fail(connectors.Invalid, q.op, "the request can't be written")
	}
	q.body = b
	return c.ask(ctx, q)
}

// get fetches one event as it stands now.
func (c *Conn) get(ctx context.Context, op, mailbox, id string) (*event, error) {
	if id == "" {
		return nil, connectors.Fail(connectors.Invalid, op, "the event has no id")
	}
	u, err := c.mailboxURL(op, mailbox, []string{"events", id}, "$select", eventFields+",attendees", "$expand", expandProps)
	if err != nil {
		return nil, err
	}
	resp, err := c.ask(ctx, request{op: op, mailbox: mailbox, url: u})
	if err != nil {
		return nil, err
	}
	var e event
	if json.Unmarshal(resp.Body, &e) != nil || e.ID == "" {
		return nil, connectors.Fail(connectors.Invalid, op, "the answer is no event")
	}
	return &e, nil
}

// match makes a request hold only for the revision that was read. Graph does not promise to mind it for
// events, so what counts is what is read back.
func match(e *event) http.Header {
	if e.ETag == "" {
		return nil
	}
	return http.Header{"If-Match": {e.ETag}}
}

// current fetches an occurrence and reports whether it still is where ev says. What does not stand any
// more is NotFound.
func (c *Conn) current(ctx context.Context, op string, room connectors.Room, id string) (*event, connectors.Event, error) {
	e, err := c.get(ctx, op, room.ID, id)
	if err != nil {
		return nil, connectors.Event{}, err
	}
	if !e.standing() {
		return nil, connectors.Event{}, connectors.Fail(connectors.NotFound, op, "the event was cancelled")
	}
	dec := decoder{room: room, warnings: connectors.Warnings{}}
	now, err := dec.event(e)
	if err != nil {
		return nil, now, connectors.Fail(connectors.Unsupported, op, "%w", err)
	}
	return e, now, nil
}

func sameTimes(a, b connectors.Event) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }

// SetEnd moves the end of one occurrence. Of a meeting that somebody else organizes it moves the end of
// the room's own copy only.
func (c *Conn) SetEnd(ctx context.Context, room connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	const op = "set end"
	if !ev.From.Before(to) {
		return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "the end is not after the start")
	}
	if c.cfg.Invite && ev.Token != "" && !ev.Mine {
		return c.setInvitedEnd(ctx, room, ev, to)
	}
	for try := 0; ; try++ {
		e, now, err := c.current(ctx, op, room, ev.Key)
		switch {
		case err != nil:
			return connectors.Event{}, err
		case now.From.Equal(ev.From) && now.To.Equal(to):
			return now, nil
		case !sameTimes(now, ev):
			return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
		}
		err = c.patch(ctx, op, room.ID, e, endChange(e, now, to))
		if errors.Is(err, connectors.Conflict) && try == 0 {
			continue // somebody wrote meanwhile: look once more
		}
		if err != nil {
			return connectors.Event{}, err
		}
		break
	}
	_, now, err := c.current(ctx, op, room, ev.Key)
	if err != nil {
		return connectors.Event{}, connectors.AfterWrite(err)
	}
	if !now.From.Equal(ev.From) || !now.To.Equal(to) {
		return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "somebody else moved the event at the same moment")
	}
	return now, nil
}

// endChange is what moves an end. Whole days end at midnight only, so they become an event with times.
func endChange(e *event, now connectors.Event, to time.Time) change {
	end := utcTime(to)
	ch := change{End: &end, Props: e.claim(to.After(now.To))}
	if now.AllDay {
		start, no := utcTime(now.From), false
		ch.Start, ch.IsAllDay = &start, &no
	}
	return ch
}

func (c *Conn) patch(ctx context.Context, op, mailbox string, e *event, ch change) error {
	u, err := c.mailboxURL(op, mailbox, []string{"events", e.ID})
	if err != nil {
		return err
	}
	_, err = c.askJSON(ctx, request{op: op, method: http.MethodPatch, mailbox: mailbox, url: u, header: match(e)}, ch)
	return err
}

// Release deletes what the room organizes and declines what it was invited to.
func (c *Conn) Release(ctx context.Context, room connectors.Room, ev connectors.Event) error {
	const op = "release"
	if c.cfg.Invite && ev.Token != "" && !ev.Mine {
		return c.releaseInvited(ctx, room, ev)
	}
	for try := 0; ; try++ {
		e, now, err := c.current(ctx, op, room, ev.Key)
		switch {
		case errors.Is(err, connectors.NotFound):
			return nil
		case err != nil:
			return err
		case !sameTimes(now, ev):
			return connectors.Fail(connectors.Conflict, op, "the event has other times by now")
		}
		if e.IsOrganizer {
			err = c.remove(ctx, op, room.ID, e)
		} else {
			err = c.decline(ctx, op, room.ID, e)
		}
		switch {
		case errors.Is(err, connectors.NotFound):
			return nil
		case errors.Is(err, connectors.Conflict) && try == 0:
			continue
		}
		return err
	}
}

func (c *Conn) remove(ctx context.Context, op, mailbox string, e *event) error {
	u, err := c.mailboxURL(op, mailbox, []string{"events", e.ID})
	if err != nil {
		return err
	}
	_, err = c.ask(ctx, request{op: op, method: http.MethodDelete, mailbox: mailbox, url: u, header: match(e)})
	return err
}

// decline tells the organizer, unless no answer was asked for: Graph refuses to send one then.
func (c *Conn) decline(ctx context.Context, op, mailbox string, e *event) error {
	u, err := c.mailboxURL(op, mailbox, []string{"events", e.ID, "decline"})
	if err != nil {
		return err
	}
	body := struct {
		Comment      string `json:"comment,omitempty"`
		SendResponse bool   `json:"sendResponse"`
	}{c.cfg.DeclineNote, e.ResponseRequested == nil || *e.ResponseRequested}
	_, err = c.askJSON(ctx, request{op: op, method: http.MethodPost, mailbox: mailbox, url: u}, body)
	return err
}

// Mark writes the time of a check-in into a property of Lintel's own on the room's copy.
func (c *Conn) Mark(ctx context.Context, room connectors.Room, ev connectors.Event, at time.Time) error {
	const op = "mark check-in"
	if ev.Key == "" {
		return connectors.Fail(connectors.Invalid, op, "the event has no id")
	}
	for try := 0; ; try++ {
		e, err := c.get(ctx, op, room.ID, ev.Key)
		if err != nil {
			return err
		}
		ch := change{Props: append(e.claim(false), property{ID: propCheckIn, Value: at.UTC().Truncate(time.Second).Format(time.RFC3339)})}
		err = c.patch(ctx, op, room.ID, e, ch)
		if try > 0 || !errors.Is(err, connectors.Conflict) {
			return err
		}
	}
}
