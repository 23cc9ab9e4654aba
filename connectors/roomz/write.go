package roomz

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// Book adds a meeting whose organizer's id is the token, unless one with that token is there already.
//
// Afterwards it looks which meeting that is: the one with the token, else the one that the answer named,
// else the only one that is new and has our times and subject; where the system replaced the organizer's id,
// the connector remembers it as ours. What is lost then is only this: when the answer never came and this
// program was restarted as well, a second try finds the room taken, by its own booking.
func (c *Connector) Book(ctx context.Context, room connectors.Room, d connectors.Draft) (connectors.Event, error) {
	const op = "book"
	if err := d.Valid(); err != nil {
		return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "%w", err)
	}
	span := when.Interval{From: d.From, To: d.To}
	before, _, _, err := c.list(ctx, op, room.ID, span)
	if err != nil {
		return connectors.Event{}, err
	}
	if e := c.withToken(room.ID, before, d.Token); e != nil {
		return c.booked(op, room, *e, d)
	}
	m := Meeting{
		Subject: d.Subject, OrganizerID: tokenPrefix + d.Token, OrganizerName: d.Organizer,
		Start: d.From, End: d.To, Created: c.now(), Private: d.Private,
	}
	body, err := json.Marshal(m)
	if err != nil {
		return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "write the meeting")
	}
	u, err := c.meetings(op, room.ID, "")
	if err != nil {
		return connectors.Event{}, err
	}
	resp, err := c.send(ctx, op, http.MethodPost, u, body)
	if err != nil {
		return connectors.Event{}, gone(err)
	}
	var answered Meeting
	_ = json.Unmarshal(resp.Body, &answered) // some systems answer nothing
	var e *entry
	shown, err := connectors.Patient(ctx, op, 6, func(ctx context.Context) (bool, error) {
		after, _, _, err := c.list(ctx, op, room.ID, span)
		if err != nil {
			return false, err
		}
		if e = c.withToken(room.ID, after, d.Token); e == nil {
			var twins bool
			if e, twins = newest(before, after, answered.ID, d); twins {
				return false, connectors.Fail(connectors.Transient, op, "two meetings like this one appeared at once")
			}
			if e == nil || e.ID == "" {
				return false, nil
			}
			c.remember(room.ID, e.ID, d.Token)
		}
		return true, nil
	})
	switch {
	case err != nil:
		return connectors.Event{}, connectors.AfterWrite(err)
	case !shown:
		return connectors.Event{}, connectors.Fail(connectors.Transient, op, "the system does not show what it has taken")
	}
	return c.booked(op, room, *e, d)
}

// withToken returns the meeting that carries a token and was not cancelled.
func (c *Connector) withToken(room string, list []entry, token string) *entry {
	for i, e := range list {
		if !e.Cancelled && c.token(room, e) == token {
			return &list[i]
		}
	}
	return nil
}

// newest returns the meeting with that id, or the only one that has appeared and looks like d; twins says that there are
// two, so that nobody can tell.
func newest(before, after []entry, id string, d connectors.Draft) (found *entry, twins bool) {
	old := map[string]bool{}
	for _, e := range before {
		old[e.ID] = true
	}
	for i, e := range after {
		switch {
		case e.Cancelled || old[e.ID]:
		case id != "" && e.ID == id:
			return &after[i], false
		case id == "" && e.Start.Equal(d.From) && e.End.Equal(d.To) && e.Subject == d.Subject:
			if found != nil {
				return nil, true
			}
			found = &after[i]
		}
	}
	return found, false
}

func (c *Connector) booked(op string, room connectors.Room, e entry, d connectors.Draft) (connectors.Event, error) {
	if !e.Start.Equal(d.From) || !e.End.Equal(d.To) {
		return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the booking with this token is another one by now")
	}
	return c.event(room.ID, e, true), nil
}

// find fetches the meeting of an event as it stands, and the system's clock. Where several have one id, as some systems give all
// occurrences of a series, a change of one could hit them all, so there is none.
func (c *Connector) find(ctx context.Context, op string, room connectors.Room, ev connectors.Event) (entry, time.Time, error) {
	list, bad, asOf, err := c.list(ctx, op, room.ID, when.Interval{From: ev.From, To: ev.To})
	if err != nil {
		return entry{}, asOf, err
	}
	list = slices.DeleteFunc(list, func(e entry) bool { return e.Cancelled || e.ID == "" || e.ID != ev.Key })
	switch {
	case len(list) == 0 && slices.ContainsFunc(bad, func(e entry) bool { return e.ID != "" && e.ID == ev.Key }):
		return entry{}, asOf, connectors.Fail(connectors.Unsupported, op, "the meeting can't be read")
	case len(list) == 0:
		return entry{}, asOf, connectors.Fail(connectors.NotFound, op, "no such meeting")
	case len(list) > 1 || ev.Occurrence != "":
		return entry{}, asOf, connectors.Fail(connectors.Unsupported, op, "several meetings have this id")
	}
	return list[0], asOf, nil
}

// ended reports whether the meeting of an event, which would run on at the instant asOf, was ended before its time and
// is over. Systems that keep whole minutes, ours among them, end one that has just begun after its first minute.
func ended(e entry, ev connectors.Event, asOf time.Time) bool {
	return e.Start.Equal(ev.From) && e.End.Before(ev.To) && e.End.Before(asOf.Add(time.Minute)) && ev.To.After(asOf.Add(-time.Minute))
}

// put sends a meeting back as it came, with some fields changed.
func (c *Connector) put(ctx context.Context, op string, room connectors.Room, e entry, change map[string]any) error {
	body, err := changed(e.raw, change)
	if err != nil {
		return connectors.Fail(connectors.Invalid, op, "write the meeting")
	}
	u, err := c.meetings(op, room.ID, e.ID)
	if err != nil {
		return err
	}
	_, err = c.send(ctx, op, http.MethodPut, u, body)
	return err
}

// changed replaces fields of a meeting and keeps all others, those that we do not know too. Null is in no
// field but imageUrl.
func changed(raw []byte, change map[string]any) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	for k, v := range fields {
		if string(v) == "null" && strings.ToLower(k) != "imageurl" {
			delete(fields, k)
		}
	}
	for name, v := range change {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		fields[spelled(fields, name)] = b
	}
	return json.Marshal(fields)
}

// SetEnd changes the end of a meeting. An end that is not ahead any more says no more than "now", and a system may
// write it as its own clock has it; what is returned is what it wrote. The contract has no precondition, so a change that somebody else makes
// between our look and our write, a moment apart, would be overwritten.
func (c *Connector) SetEnd(ctx context.Context, room connectors.Room, ev connectors.Event, to time.Time) (connectors.Event, error) {
	const op = "set end"
	e, asOf, err := c.find(ctx, op, room, ev)
	switch {
	case err != nil:
		return connectors.Event{}, err
	case e.Start.Equal(ev.From) && e.End.Equal(to), !to.After(asOf) && ended(e, ev, asOf):
		return c.event(room.ID, e, true), nil
	case !e.Start.Equal(ev.From) || !e.End.Equal(ev.To):
		return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the event has other times by now")
	case !to.After(e.Start):
		return connectors.Event{}, connectors.Fail(connectors.Invalid, op, "the end is not after the start")
	}
	if err := c.put(ctx, op, room, e, map[string]any{"endDateUTC": FormatTime(to)}); err != nil {
		return connectors.Event{}, err
	}
	e, asOf, err = c.find(ctx, op, room, connectors.Event{Key: ev.Key, From: ev.From, To: to})
	if err != nil {
		return connectors.Event{}, connectors.AfterWrite(err)
	}
	if !e.End.Equal(to) && (to.After(asOf) || !ended(e, ev, asOf)) {
		return connectors.Event{}, connectors.Fail(connectors.Conflict, op, "the system did not take the new end")
	}
	return c.event(room.ID, e, true), nil
}

// Release marks a meeting as cancelled, whoever organizes it: the contract has no other way. One that runs already is
// released too when the system ends it instead, as ours does.
func (c *Connector) Release(ctx context.Context, room connectors.Room, ev connectors.Event) error {
	const op = "release"
	e, asOf, err := c.find(ctx, op, room, ev)
	if errors.Is(err, connectors.NotFound) || err == nil && ended(e, ev, asOf) {
		return nil
	}
	if err != nil {
		return err
	}
	if !e.Start.Equal(ev.From) || !e.End.Equal(ev.To) {
		return connectors.Fail(connectors.Conflict, op, "the event has other times by now")
	}
	err = c.put(ctx, op, room, e, map[string]any{"isCancelled": true})
	if err != nil && !errors.Is(err, connectors.NotFound) {
		return err
	}
	// Systems that do not manage isCancelled may take it and do nothing.
	if e, asOf, err = c.find(ctx, op, room, ev); errors.Is(err, connectors.NotFound) || err == nil && ended(e, ev, asOf) {
		return nil
	} else if err != nil {
		return connectors.AfterWrite(err)
	}
	return &connectors.Error{Kind: connectors.Unsupported, Op: op, Code: "not cancelled", Cure: "calendar.cure.connector_cancel", Said: "isCancelled"}
}
