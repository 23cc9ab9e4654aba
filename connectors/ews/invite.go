package ews

import (
	"context"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// With Config.Invite a booking is a meeting in the service account's calendar with the room as its
// resource. The room's own assistant answers; its copy has the same UID, and so the token.

// accountBox is the service account's own calendar. Nobody is impersonated for it.
func (c *Conn) accountBox(zone *time.Location) box {
	folder := `<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>` + escape(c.cfg.Account) + `</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`
	return box{folder: folder, anchor: c.cfg.Account, zone: zone}
}

// invite sends the meeting and waits for the room's answer.
func (c *Conn) invite(ctx context.Context, op string, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	b := c.accountBox(room.Zone)
	own, err := c.byToken(ctx, op, b, d)
	if err != nil {
		return connectors.Event{}, err
	}
	if own == nil {
		m, _, err := c.call(ctx, b.request(op, createBooking(b.folder, d, room.ID)))
		if err != nil {
			return connectors.Event{}, err
		}
		if own, err = c.item(ctx, op, b, itemRef{id: m.find("ItemId").attr("Id")}); err != nil {
			return connectors.Event{}, connectors.AfterWrite(err)
		}
	}
	if _, err := booked(op, own, d, room.Zone); err != nil {
		return connectors.Event{}, err
	}
	ref := itemRef{id: own.child("ItemId").attr("Id")}
	if uid := own.child("UID").word(); uid != uidOf(d.Token) {
		c.cancel(ctx, op, b, ref)
		return connectors.Event{}, connectors.Fail(connectors.Unsupported, op, "the server gives invitations an identity of its own")
	}
	e, err := c.answer(ctx, op, room, b, ref, d.Token, when.Interval{From: d.From, To: d.To})
	if err != nil {
		c.cancel(ctx, op, b, ref)
		return connectors.Event{}, connectors.AfterWrite(err)
	}
	return e, nil
}

// cancel takes an invitation back, even when the caller has given up: the room must not stay taken.
func (c *Conn) cancel(ctx context.Context, op string, b box, ref itemRef) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), c.maxWait)
	defer stop()
	// An error leaves a meeting that a later try with the same token finds.
	_, _, _ = c.call(ctx, b.request(op, deleteItem(ref, "SendToAllAndSaveCopy")))
}

// answer waits until the room's copy with these times is accepted. A refusal is Conflict.
func (c *Conn) answer(ctx context.Context, op string, room connectors.Room, b box, ref itemRef, token string, span when.Interval) (connectors.Event, error) {
	ctx, stop := context.WithTimeout(ctx, c.maxWait+timeout)
	defer stop()
	for end := c.now().Add(c.maxWait); ; {
		e, accepted, err := c.copyOf(ctx, op, room, token, span)
		if err != nil {
			return connectors.Event{}, err
		}
		if accepted && e.From.Equal(span.From) && e.To.Equal(span.To) {
			return e, nil
		}
		m, _, err := c.call(ctx, b.request(op, getItems(resourceShape(), ref)))
		if err != nil {
			return connectors.Event{}, err
		}
		for _, a := range m.find("Resources").all("Attendee") {
			if a.child("ResponseType").word() == "Decline" {
				return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the room's assistant declined")
			}
		}
		if !c.now().Before(end) {
			return connectors.Event{}, &connectors.Error{Kind: connectors.Transient, Op: op, Code: "no answer from the room", Cure: "calendar.cure.ews_no_answer", Said: "no answer from the room's assistant"}
		}
		if err := sleep(ctx, c.wait); err != nil {
			return connectors.Event{}, &connectors.Error{Kind: connectors.Transient, Op: op, Code: "stopped", Err: err}
		}
	}
}

// resourceShape asks for what the invited room has answered.
func resourceShape() string {
	return `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + fieldURI("calendar:Resources") + `</t:AdditionalProperties></m:ItemShape>`
}

// copyOf finds the room's copy of an invitation near span; its key is empty when there is none.
func (c *Conn) copyOf(ctx context.Context, op string, room connectors.Room, token string, span when.Interval) (e connectors.Event, accepted bool, err error) {
	m, _, err := c.call(ctx, c.about(op, room, findWindow(c.calendarFolder(room.ID), span, maxView)))
	if err != nil {
		return e, false, gone(err)
	}
	for _, item := range m.find("RootFolder").child("Items").all("CalendarItem") {
		found, drop, ok := event(item, room.Zone)
		if ok && !drop && found.Token == token {
			response := item.child("MyResponseType").word()
			return found, response == "Accept" || response == "Organizer", nil
		}
	}
	return e, false, nil
}

// ourInvitation finds the meeting of a booking in the service account's calendar, nil when it is not there.
func (c *Conn) ourInvitation(ctx context.Context, op string, b box, ev connectors.Event) (*node, error) {
	return c.byToken(ctx, op, b, connectors.Draft{Token: ev.Token, From: ev.From, To: ev.To})
}

// withdraw cancels an invitation of ours and waits until the room is free. It reports false when there is no
// such invitation.
func (c *Conn) withdraw(ctx context.Context, op string, room connectors.Room, ev connectors.Event) (done bool, err error) {
	b := c.accountBox(room.Zone)
	own, err := c.ourInvitation(ctx, op, b, ev)
	if err != nil || own == nil {
		return false, err
	}
	if e, _, ok := event(own, room.Zone); !ok || !sameTimes(e, ev) {
		return false, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
	}
	if _, _, err := c.call(ctx, b.request(op, deleteItem(itemRef{id: own.child("ItemId").attr("Id")}, "SendToAllAndSaveCopy"))); err != nil {
		return false, err
	}
	for end := c.now().Add(c.maxWait); ; {
		e, _, err := c.copyOf(ctx, op, room, ev.Token, ev.Span())
		if err != nil || e.Key == "" {
			return true, connectors.AfterWrite(err)
		}
		if !c.now().Before(end) {
			return true, &connectors.Error{Kind: connectors.Transient, Op: op, Code: "no answer from the room", Cure: "calendar.cure.ews_no_answer", Said: "no answer from the room's assistant"}
		}
		if err := sleep(ctx, c.wait); err != nil {
			return true, &connectors.Error{Kind: connectors.Transient, Op: op, Code: "stopped", Err: err}
		}
	}
}

// moveInvitation moves the end of an invitation of ours for everybody. When the room declines the new end,
// the old one is restored. It reports false when there is no such invitation.
func (c *Conn) moveInvitation(ctx context.Context, op string, room connectors.Room, ev connectors.Event, to time.Time) (e connectors.Event, done bool, err error) {
	b := c.accountBox(room.Zone)
	own, err := c.ourInvitation(ctx, op, b, ev)
	if err != nil || own == nil {
		return e, false, err
	}
	was, _, ok := event(own, room.Zone)
	if !ok || !was.From.Equal(ev.From) || !was.To.Equal(ev.To) && !was.To.Equal(to) {
		return e, false, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
	}
	ref := itemRef{id: was.Key, changeKey: was.Rev}
	end := func(ctx context.Context, ref itemRef, to time.Time) error {
		_, _, err := c.call(ctx, b.request(op, updateItem(ref, "AutoResolve", "SendToAllAndSaveCopy", set("calendar:End", "End", utc(to)))))
		return err
	}
	if !was.To.Equal(to) {
		if err := end(ctx, ref, to); err != nil {
			return e, false, err
		}
	}
	ref.changeKey = ""
	e, err = c.answer(ctx, op, room, b, ref, ev.Token, when.Interval{From: ev.From, To: to})
	if err == nil {
		return e, true, nil
	}
	undo, stop := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer stop()
	if back := end(undo, ref, ev.To); back != nil {
		return e, false, connectors.AfterWrite(back)
	}
	if _, again := c.answer(ctx, op, room, b, ref, ev.Token, ev.Span()); again != nil {
		return e, false, connectors.AfterWrite(again)
	}
	return e, false, err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
