package ews

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// Free and busy times come without any right: every account may ask for them unless somebody forbade it.

const (
	maxMailboxes = 50                  // of one request; Exchange takes 100
	maxBusyRange = 42 * 24 * time.Hour // of one request
)

// BatchSize is how many rooms one request asks for. With more rights than free and busy each room is asked
// by itself, since the probe for that is one room's.
func (c *Conn) BatchSize() int {
	if c.cfg.Access == FreeBusy {
		return maxMailboxes
	}
	return 1
}

// ProbeMany compares each room's times with what the cursor remembers of them, a hash.
func (c *Conn) ProbeMany(ctx context.Context, asked []connectors.ProbeRequest) []connectors.ProbeResult {
	out := make([]connectors.ProbeResult, len(asked))
	if c.cfg.Access != FreeBusy {
		for i, a := range asked {
			out[i].Change, out[i].Err = c.Probe(ctx, a.Room, a.Cursor)
		}
		return out
	}
	const op = "ask for changes"
	var sent []int // places in asked
	var rooms []connectors.Room
	var span when.Interval
	for i, a := range asked {
		if out[i].Err = checkRoom(op, a.Room); out[i].Err != nil {
			continue
		}
		w := c.usual(a.Room.Zone)
		if len(sent) == 0 || w.From.Before(span.From) {
			span.From = w.From
		}
		if len(sent) == 0 || w.To.After(span.To) {
			span.To = w.To
		}
		sent, rooms = append(sent, i), append(rooms, a.Room)
	}
	if len(sent) == 0 {
		return out
	}
	answers, _, err := c.busy(ctx, op, rooms, span)
	for n, i := range sent {
		switch {
		case err != nil:
			out[i].Err = err
		case answers[n].err != nil:
			out[i].Err = gone(answers[n].err)
		default:
			next := answers[n].mark(c.usual(asked[i].Room.Zone))
			out[i].Change = connectors.Change{Changed: string(asked[i].Cursor) != next, Next: connectors.Cursor(next)}
		}
	}
	return out
}

// usual is the window that the engine shows of a room.
func (c *Conn) usual(zone *time.Location) when.Interval {
	today := when.DayOf(c.now(), zone)
	return when.Interval{From: today.Add(-connectors.DaysBack).Start(zone), To: today.Add(connectors.DaysAhead).Start(zone)}
}

// busyTimes are one room's answer.
type busyTimes struct {
	events  []connectors.Event
	skipped int
	err     error
}

// mark names what is in the window. It changes at midnight too, when the window moves over an event.
func (b busyTimes) mark(w when.Interval) string {
	h := sha256.New()
	for _, e := range b.events {
		if e.Touches(w) {
			fmt.Fprintf(h, "%s %t\n", e.Key, e.Tentative)
		}
	}
	return "times " + hex.EncodeToString(h.Sum(nil)[:16])
}

// busy asks for the times of rooms, of each in the order asked.
func (c *Conn) busy(ctx context.Context, op string, rooms []connectors.Room, w when.Interval) ([]busyTimes, *reply, error) {
	addresses := make([]string, len(rooms))
	for i, r := range rooms {
		addresses[i] = r.ID
	}
	p, err := c.send(ctx, request{op: op, anchor: c.cfg.Account, body: availability(addresses, w)})
	if err != nil {
		return nil, nil, err
	}
	answers := p.root.find("FreeBusyResponseArray").all("FreeBusyResponse")
	if len(answers) != len(rooms) {
		if len(p.messages) > 0 {
			if err := c.failed(op, p.messages[0], p.id); err != nil {
				return nil, nil, err
			}
		}
		return nil, nil, connectors.Fail(connectors.Invalid, op, "the answer has another number of rooms")
	}
	out := make([]busyTimes, len(rooms))
	for i, a := range answers {
		if out[i].err = c.failed(op, a.child("ResponseMessage"), p.id); out[i].err != nil {
			continue
		}
		view := a.child("FreeBusyView")
		if t := view.child("FreeBusyViewType").word(); t == "None" || t == "MergedOnly" {
			out[i].err = &connectors.Error{Kind: connectors.Forbidden, Op: op, Code: "no free and busy times", Cure: "calendar.cure.ews_free_busy", Said: "FreeBusyViewType " + t}
			continue
		}
		seen := map[string]int{}
		for _, n := range view.child("CalendarEventArray").all("CalendarEvent") {
			e, ok := busyEvent(n, seen)
			if !ok {
				out[i].skipped++
				continue
			}
			out[i].events = append(out[i].events, e)
		}
		connectors.SortEvents(out[i].events)
	}
	return out, p, nil
}

// busyEvent reads one time. It has no identity but its bounds; seen counts equal ones.
func busyEvent(n *node, seen map[string]int) (connectors.Event, bool) {
	from, ok1 := n.child("StartTime").time()
	to, ok2 := n.child("EndTime").time()
	if !ok1 || !ok2 || to.Before(from) {
		return connectors.Event{}, false
	}
	const layout = "20060102T150405Z"
	key := from.Format(layout) + "/" + to.Format(layout)
	seen[key]++
	if k := seen[key]; k > 1 {
		key += fmt.Sprintf("/%d", k)
	}
	busy := n.child("BusyType").word()
	return connectors.Event{
		Key: key, Series: key, From: from, To: to,
		Tentative: busy == "Tentative", Free: busy == "Free" || busy == "WorkingElsewhere",
	}, true
}

// readFreeBusy reads a window in parts of at most six weeks.
func (c *Conn) readFreeBusy(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	const op = "read times"
	if err := checkRoom(op, req.Room); err != nil {
		return connectors.Snapshot{}, err
	}
	s := connectors.Snapshot{Complete: true}
	var all []connectors.Event
	for from := req.Window.From; from.Before(req.Window.To); from = from.Add(maxBusyRange) {
		part := when.Interval{From: from, To: minTime(from.Add(maxBusyRange), req.Window.To)}
		answers, p, err := c.busy(ctx, op, []connectors.Room{req.Room}, part)
		if err != nil {
			return connectors.Snapshot{}, gone(err)
		}
		if answers[0].err != nil {
			return connectors.Snapshot{}, gone(answers[0].err)
		}
		s.AsOf = p.http.AsOf()
		s.Skipped += answers[0].skipped
		for _, e := range answers[0].events {
			if e.Touches(req.Window) {
				all = append(all, e)
			}
		}
	}
	s.Events = distinct(all)
	if req.Progress != nil {
		req.Progress(len(s.Events), len(s.Events))
	}
	return s, nil
}

// refuseFreeBusy is the error of everything that needs more than free and busy times.
func (c *Conn) refuseFreeBusy(op string) error {
	if c.cfg.Access == FreeBusy {
		return connectors.Fail(connectors.Unsupported, op, "the system is set up for free and busy times only")
	}
	return nil
}

// whole strips what a key has behind the id of the series; see reader.expand.
func whole(key string) (id, original string) {
	id, original, _ = strings.Cut(key, " ")
	return id, original
}
