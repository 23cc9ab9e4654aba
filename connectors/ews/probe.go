package ews

import (
	"context"
	"errors"

	"lintel/connectors"
)

// maxPages bounds the pages of one probe: 200 of 512 changes.
const maxPages = 200

// Probe asks for the ids of what has changed since the cursor, which is the server's sync state.
func (c *Conn) Probe(ctx context.Context, room connectors.Room, cursor connectors.Cursor) (connectors.Change, error) {
	if c.cfg.Access == FreeBusy {
		r := c.ProbeMany(ctx, []connectors.ProbeRequest{{Room: room, Cursor: cursor}})[0]
		return r.Change, r.Err
	}
	const op = "ask for changes"
	if err := checkRoom(op, room); err != nil {
		return connectors.Change{}, err
	}
	state := string(cursor)
	if !isBase64(state) {
		state = ""
	}
	known := state != ""
	changed, next, err := c.sync(ctx, op, room, state)
	if known && errors.Is(err, connectors.CursorExpired) {
		known = false
		_, next, err = c.sync(ctx, op, room, "")
	}
	if err != nil {
		return connectors.Change{}, gone(err)
	}
	return connectors.Change{Changed: changed || !known, Next: connectors.Cursor(next)}, nil
}

// sync pages through the changes since a state.
func (c *Conn) sync(ctx context.Context, op string, room connectors.Room, state string) (changed bool, next string, err error) {
	for range maxPages {
		m, _, err := c.call(ctx, c.about(op, room, syncItems(c.calendarFolder(room.ID), state)))
		if err != nil {
			return false, "", err
		}
		if changes := m.child("Changes"); changes != nil && len(changes.kids) > 0 {
			changed = true
		}
		before := state
		if state = m.child("SyncState").word(); !isBase64(state) || state == "" {
			return false, "", connectors.Fail(connectors.Invalid, op, "the answer has no sync state")
		}
		if m.child("IncludesLastItemInRange").word() != "false" {
			return changed, state, nil
		}
		if state == before {
			return false, "", connectors.Fail(connectors.Invalid, op, "the server sends the same page again")
		}
	}
	return false, "", connectors.Fail(connectors.Invalid, op, "more changes than anybody makes")
}

// isBase64 reports whether s has only the characters of base64: a cursor of another system is none of ours.
func isBase64(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '=') {
			return false
		}
	}
	return true
}
