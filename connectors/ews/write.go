package ews

import (
	"context"
	"errors"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// Book writes an appointment into the room's calendar, where it counts at once, or with Config.Invite a
// meeting that the room's assistant decides on. Exchange itself does not make one of two equal requests,
// so the token is looked for first.
func (c *Conn) Book(ctx context.Context, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	const op = "book"
	if err := c.mayWrite(op, room); err != nil {
		return connectors.Event{}, err
	}
	if err := d.Valid(); err != nil {
		return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "%w", err)
	}
	if c.cfg.Invite {
		return c.invite(ctx, op, room, d)
	}
	box := c.roomBox(room)
	found, err := c.byToken(ctx, op, box, d)
	if err != nil {
		return connectors.Event{}, gone(err)
	}
	if found == nil {
		m, _, err := c.call(ctx, box.request(op, createBooking(box.folder, d, "")))
		if err != nil {
			return connectors.Event{}, gone(err)
		}
		if found, err = c.item(ctx, op, box, itemRef{id: m.find("ItemId").attr("Id")}); err != nil {
			return connectors.Event{}, connectors.AfterWrite(err)
		}
	}
	return booked(op, found, d, room.Zone)
}

// mayWrite refuses what no request can do.
func (c *Conn) mayWrite(op string, room connectors.Room) error {
	if err := c.refuseFreeBusy(op); err != nil {
		return err
	}
	return checkRoom(op, room)
}

// booked returns the event of a draft, or Conflict when somebody has made another one of it.
func booked(op string, item *node, d connectors.Draft, zone *time.Location) (connectors.Event, error) {
	e, drop, ok := event(item, zone)
	if !ok || drop || e.Token != d.Token || !e.From.Equal(d.From) || !e.To.Equal(d.To) {
		return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the booking with this token is another one by now")
	}
	return e, nil
}

// box is a calendar and how to act in it.
type box struct {
	folder string // its element
	as     string // the mailbox to impersonate, "" = nobody
	anchor string
	zone   *time.Location
}

func (b box) request(op, body string) request {
	return request{op: op, as: b.as, anchor: b.anchor, body: body}
}

func (c *Conn) roomBox(room connectors.Room) box {
	b := box{folder: c.calendarFolder(room.ID), zone: room.Zone}
	if c.cfg.Access == Impersonation {
		b.as = room.ID
	}
	return b
}

// byToken finds the event with a draft's token, nil when there is none. Servers that can't search for a
// property are asked for the days around the booking.
func (c *Conn) byToken(ctx context.Context, op string, b box, d connectors.Draft) (*node, error) {
	m, _, err := c.call(ctx, b.request(op, findKey(b.folder, d.Token)))
	if errors.Is(err, connectors.Unsupported) || errors.Is(err, connectors.Invalid) {
		near := when.Interval{From: d.From.AddDate(0, 0, -1), To: d.To.AddDate(0, 0, 1)}
		m, _, err = c.call(ctx, b.request(op, findWindow(b.folder, near, maxView)))
	}
	if err != nil {
		return nil, err
	}
	for _, item := range m.find("RootFolder").child("Items").all("CalendarItem") {
		if propertyOf(item, propKey) == d.Token {
			return item, nil
		}
	}
	return nil, nil
}

// item fetches one event as it stands now.
func (c *Conn) item(ctx context.Context, op string, b box, ref itemRef) (*node, error) {
	if ref.id == "" && ref.index == 0 {
		return nil, connectors.Fail(connectors.Invalid, op, "the answer names no item")
	}
	m, _, err := c.call(ctx, b.request(op, getItems(eventShape(), ref)))
	if err != nil {
		return nil, err
	}
	item := m.find("CalendarItem")
	if item == nil {
		return nil, connectors.Fail(connectors.NotFound, op, "the item is no calendar item")
	}
	return item, nil
}

// ref returns how to address an event by its key: an id, or the number of an occurrence in a series that
// we have expanded ourselves.
func (c *Conn) ref(ctx context.Context, op string, b box, key string) (itemRef, error) {
	id, original := whole(key)
	if original == "" {
		return itemRef{id: id}, nil
	}
	m, _, err := c.call(ctx, b.request(op, getItems(seriesShape(), itemRef{id: id})))
	if err != nil {
		return itemRef{}, err
	}
	s, ok := newSeries(m.find("CalendarItem"), b.zone, true)
	if !ok {
		return itemRef{}, connectors.Fail(connectors.Conflict, op, "the event is no series any more")
	}
	n := s.index(original)
	if n == 0 {
		return itemRef{}, connectors.Fail(connectors.NotFound, op, "no such occurrence")
	}
	return itemRef{master: id, index: n}, nil
}

// current is an event as the server has it at the moment of a change.
type current struct {
	connectors.Event
	item *node
	ref  itemRef // with the newest change key
	gone bool    // cancelled or declined meanwhile
}

// current fetches the event that ev was read as. The names of an occurrence that we have worked out stay ours.
func (c *Conn) current(ctx context.Context, op string, b box, ev connectors.Event) (current, error) {
	ref, err := c.ref(ctx, op, b, ev.Key)
	if err != nil {
		return current{}, err
	}
	item, err := c.item(ctx, op, b, ref)
	if err == nil && ref.index == 0 { // as Read does; occurrences that we have worked out are in the room's zone
		err = c.learnZones(ctx, op, b.request, []*node{item}, b.zone)
	}
	if err != nil {
		return current{}, err
	}
	e, drop, ok := event(item, b.zone)
	if !ok {
		return current{}, connectors.Fail(connectors.Unsupported, op, "the event can't be read")
	}
	if ref.index > 0 {
		e.Key, e.Series, e.Occurrence = ev.Key, ev.Series, ev.Occurrence
	} else {
		ref.id = e.Key
	}
	ref.changeKey = e.Rev
	return current{Event: e, item: item, ref: ref, gone: drop}, nil
}

func sameTimes(a, b connectors.Event) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }

// SetEnd moves the end of an event in the room's calendar. Of a meeting that somebody else organizes only
// the room's copy changes.
func (c *Conn) SetEnd(ctx context.Context, room connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	const op = "set end"
	if err := c.mayWrite(op, room); err != nil {
		return connectors.Event{}, err
	}
	if c.cfg.Invite && ev.Token != "" {
		if e, done, err := c.moveInvitation(ctx, op, room, ev, to); done || err != nil {
			return e, err
		}
	}
	b := c.roomBox(room)
	for try := 0; ; try++ {
		now, err := c.current(ctx, op, b, ev)
		switch {
		case err != nil:
			return connectors.Event{}, err
		case now.gone:
			return connectors.Event{}, connectors.Fail(connectors.NotFound, op, "the event was cancelled")
		case now.From.Equal(ev.From) && now.To.Equal(to):
			return now.Event, nil
		case !sameTimes(now.Event, ev):
			return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
		case !to.After(now.From):
			return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "the new end is not after the start")
		}
		_, _, err = c.call(ctx, b.request(op, updateItem(now.ref, "NeverOverwrite", "SendToNone", newEnd(now, to)...)))
		if err == nil {
			after, err := c.current(ctx, op, b, now.Event)
			return after.Event, connectors.AfterWrite(err)
		}
		if try > 0 || !errors.Is(err, connectors.Conflict) {
			return connectors.Event{}, err
		}
	}
}

// newEnd are the changes that move an end, with those that keep Event.Written true.
func newEnd(now current, to time.Time) []string {
	var out []string
	if now.AllDay {
		out = append(out, set("calendar:Start", "Start", utc(now.From)))
	}
	out = append(out, set("calendar:End", "End", utc(to)))
	if now.AllDay {
		out = append(out, set("calendar:IsAllDayEvent", "IsAllDayEvent", "false"))
	}
	switch {
	case to.After(now.To):
		out = append(out, setProperty(propClaim, claimModified))
	case propertyOf(now.item, propClaim) == claimModified:
		out = append(out, setProperty(propClaim, claimAt(now.Written)))
	}
	return out
}

// Release deletes what the room owns, recoverably, and declines what it was invited to, so that the
// organizer gets the room's answer. Both concern one occurrence only.
func (c *Conn) Release(ctx context.Context, room connectors.Room, ev connectors.Event) error {
	const op = "release"
	if err := c.mayWrite(op, room); err != nil {
		return err
	}
	if c.cfg.Invite && ev.Token != "" {
		if done, err := c.withdraw(ctx, op, room, ev); done || err != nil {
			return err
		}
	}
	b := c.roomBox(room)
	for try := 0; ; try++ {
		now, err := c.current(ctx, op, b, ev)
		switch {
		case errors.Is(err, connectors.NotFound):
			return nil
		case err != nil:
			return err
		case now.gone:
			return nil
		case !sameTimes(now.Event, ev):
			return connectors.Fail(connectors.Conflict, op, "the event has other times by now")
		}
		body := decline(itemRef{id: now.item.child("ItemId").attr("Id"), changeKey: now.Rev}, c.cfg.DeclineNote)
		if now.Mine {
			send := "SendToNone"
			if now.item.child("IsMeeting").yes() && now.Token == "" {
				send = "SendOnlyToAll" // the room invited others: they are told
			}
			body = deleteItem(now.ref, send)
		}
		_, _, err = c.call(ctx, b.request(op, body))
		if err == nil || errors.Is(err, connectors.NotFound) {
			return nil
		}
		if try > 0 || !errors.Is(err, connectors.Conflict) {
			return err
		}
	}
}

// Mark leaves the time of a check-in on the event. When its claim counts from its last change, that time is
// written down first: a mark claims nothing.
func (c *Conn) Mark(ctx context.Context, room connectors.Room, ev connectors.Event, at time.Time) error {
	const op = "mark check-in"
	if err := c.mayWrite(op, room); err != nil {
		return err
	}
	b := c.roomBox(room)
	now, err := c.current(ctx, op, b, ev)
	if err != nil {
		return err
	}
	if now.CheckedIn.Equal(at.UTC().Truncate(time.Second)) {
		return nil
	}
	changes := []string{setProperty(propCheckIn, utc(at))}
	if propertyOf(now.item, propClaim) == claimModified {
		changes = append(changes, setProperty(propClaim, claimAt(now.Written)))
	}
	_, _, err = c.call(ctx, b.request(op, updateItem(now.ref, "AutoResolve", "SendToNone", changes...)))
	return err
}
