package graph

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// put writes an event with a token into a mailbox's calendar, or returns the one that is there already.
// It looks for the token first: Graph itself remembers transaction ids for a time that nobody documents,
// and perhaps those of events that were deleted, as one is that had to be undone.
func (c *Conn) put(ctx context.Context, op, mailbox, token string, body newEvent) (*event, error) {
	e, err := c.find(ctx, op, mailbox, token)
	for try := 0; err == nil && e == nil; try++ {
		var resp *outbound.Response
		resp, err = c.post(ctx, op, mailbox, body)
		switch {
		case err == nil:
			e, err = c.made(ctx, op, mailbox, resp.Body)
		case errors.Is(err, connectors.Conflict), errors.Is(err, connectors.NotFound):
			// The id was used: by an event that was deleted, or by one of ours that a search does not show yet.
			refused := err
			e, err = c.findSoon(ctx, op, mailbox, token)
			err = connectors.AfterWrite(err)
			if e == nil && err == nil && try > 0 {
				err = refused
			}
		}
		if err == nil && e == nil && try > 0 {
			err = connectors.AfterWrite(connectors.Fail(connectors.NotFound, op, "what was written is not there any more"))
		}
		body.TransactionID = transactionID(rand.Text(), mailbox)
	}
	return e, err
}

// made returns the event that Graph has answered a POST with, nil when it is not there: one that was deleted, whose
// transaction id Graph still remembers. What Graph answers holds no extended property: the truth is what it has now, or in
// a moment.
func (c *Conn) made(ctx context.Context, op, mailbox string, answered []byte) (*event, error) {
	var made event
	if json.Unmarshal(answered, &made) != nil || made.ID == "" {
		return nil, connectors.Fail(connectors.Invalid, op, "the answer is no event")
	}
	var e *event
	_, err := connectors.Patient(ctx, op, soon, func(ctx context.Context) (_ bool, err error) {
		e, err = c.get(ctx, op, mailbox, made.ID)
		if errors.Is(err, connectors.NotFound) {
			return false, nil
		}
		return true, err
	})
	if err != nil || e == nil || !e.standing() {
		return nil, connectors.AfterWrite(err)
	}
	return e, nil
}

// soon is how often Graph is asked for what it should have: each time that an undone booking is made anew waits as long.
const soon = 4

// findSoon is find with patience: searches lag behind.
func (c *Conn) findSoon(ctx context.Context, op, mailbox, token string) (e *event, err error) {
	_, err = connectors.Patient(ctx, op, soon, func(ctx context.Context) (_ bool, err error) {
		e, err = c.find(ctx, op, mailbox, token)
		return e != nil, err
	})
	return e, err
}

func (c *Conn) post(ctx context.Context, op, mailbox string, body newEvent) (*outbound.Response, error) {
	u, err := c.mailboxURL(op, mailbox, []string{"calendar", "events"})
	if err != nil {
		return nil, err
	}
	return c.askJSON(ctx, request{op: op, method: http.MethodPost, mailbox: mailbox, url: u}, body)
}

// find returns the event that carries a token, wherever it was moved to; nil when there is none. It is asked for by itself
// too: a search may still show what was deleted.
func (c *Conn) find(ctx context.Context, op, mailbox, token string) (*event, error) {
	e, err := c.search(ctx, op, mailbox, token)
	if e == nil || err != nil {
		return nil, err
	}
	e, err = c.get(ctx, op, mailbox, e.ID)
	if errors.Is(err, connectors.NotFound) || err == nil && !e.standing() {
		return nil, nil
	}
	return e, err
}

func (c *Conn) search(ctx context.Context, op, mailbox, token string) (*event, error) {
	u, err := c.mailboxURL(op, mailbox, []string{"calendar", "events"},
		"$filter", "singleValueExtendedProperties/Any(ep: ep/id eq '"+propToken+"' and ep/value eq '"+token+"')",
		"$top", "10", "$select", eventFields+",attendees", "$expand", expandProps)
	if err != nil {
		return nil, err
	}
	resp, err := c.ask(ctx, request{op: op, mailbox: mailbox, url: u})
	if err != nil {
		return nil, gone(err)
	}
	p, err := parsePage(op, resp.Body)
	if err != nil {
		return nil, err
	}
	for _, raw := range *p.Value {
		var e event
		if json.Unmarshal(raw, &e) == nil && e.ID != "" && e.standing() && e.prop(propToken) == token {
			return &e, nil
		}
	}
	return nil, nil
}
