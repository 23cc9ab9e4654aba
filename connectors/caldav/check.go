package caldav

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Check walks from the name of the server to a booking in the room.
func (c *Connector) Check(ctx context.Context, req connectors.CheckRequest) connectors.Report {
	ck := &connectors.Checker{Now: c.now}
	outbound.Reach(ck, c.base, func() (*outbound.Response, error) {
		a, err := c.entry(ctx, "sign in")
		if err != nil {
			return nil, err
		}
		return a.raw, nil
	})
	ck.Step("calendar.check.rooms", func() (string, error) {
		rooms, _, err := c.Rooms(ctx, "")
		return strconv.Itoa(len(rooms)), err
	})
	if req.Room.ID == "" {
		return ck.Report
	}
	ck.Step("calendar.check.room", func() (string, error) {
		access, err := c.access(ctx, req.Room)
		ck.Report.Access = access
		if err == nil && access == connectors.AccessNone {
			err = connectors.Fail(connectors.Forbidden, "read rights", "the account may not read this calendar")
		}
		return accessName(access), err
	})
	if ck.Report.Access == connectors.AccessRead {
		ck.Warn("calendar.cure.read_only")
	}
	skipped := 0
	ck.Step("calendar.check.read", func() (string, error) {
		from := when.DayOf(c.now(), req.Room.Zone).Start(req.Room.Zone)
		snap, err := c.Read(ctx, connectors.ReadRequest{Room: req.Room, Window: when.Interval{From: from, To: from.AddDate(0, 0, 14)}})
		skipped = snap.Skipped
		return strconv.Itoa(len(snap.Events)), err
	})
	if skipped > 0 {
		ck.Warn("calendar.cure.skipped")
	}
	if !req.Write {
		ck.Skip("calendar.check.write")
		return ck.Report
	}
	ck.Step("calendar.check.write", func() (string, error) { return "", c.tryWrite(ctx, req.Room) })
	return ck.Report
}

func accessName(a connectors.Access) string {
	switch a {
	case connectors.AccessNone:
		return "none"
	case connectors.AccessRead:
		return "read"
	case connectors.AccessWrite:
		return "read, write"
	}
	return ""
}

// access asks for our rights in a room's collection.
func (c *Connector) access(ctx context.Context, room connectors.Room) (connectors.Access, error) {
	const op = "read rights"
	at, err := c.collection(room, op)
	if err != nil {
		return connectors.AccessUnknown, err
	}
	a, err := c.propfind(ctx, op, at, "0", collectionProps)
	if err != nil {
		return connectors.AccessUnknown, gone(err)
	}
	r := a.self()
	if r == nil || !r.isCalendar() {
		return connectors.AccessUnknown, &connectors.Error{Kind: connectors.Gone, Op: op, Code: "no calendar", Cure: "calendar.cure.no_calendar"}
	}
	return r.access(), nil
}

// tryWrite books a quarter of an hour, three hundred days ahead, and takes it back.
func (c *Connector) tryWrite(ctx context.Context, room connectors.Room) error {
	from := c.now().UTC().Truncate(time.Hour).AddDate(0, 0, 300)
	ev, err := c.Book(ctx, room, connectors.Draft{Token: "check-" + rand.Text(), From: from, To: from.Add(15 * time.Minute), Subject: "Lintel"})
	if err != nil {
		return err
	}
	return c.Release(ctx, room, ev)
}
