package roomz

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Check walks from the name of the server to a booking in the room.
func (c *Connector) Check(ctx context.Context, req connectors.CheckRequest) connectors.Report {
	ck := &connectors.Checker{Now: c.now}
	var rooms []connectors.RoomRef
	outbound.Reach(ck, c.base, func() (*outbound.Response, error) {
		var resp *outbound.Response
		var err error
		rooms, resp, err = c.rooms(ctx, "sign in")
		return resp, err
	})
	ck.Step("calendar.check.rooms", func() (string, error) { return strconv.Itoa(len(rooms)), nil })
	if req.Room.ID == "" {
		return ck.Report
	}
	ck.Step("calendar.check.room", func() (string, error) {
		i := slices.IndexFunc(rooms, func(r connectors.RoomRef) bool { return r.ID == req.Room.ID })
		if i < 0 {
			return "", &connectors.Error{Kind: connectors.Gone, Op: "find room", Code: "not in the list", Said: "GET /rooms"}
		}
		return rooms[i].Name, nil
	})
	var snap connectors.Snapshot
	ck.Step("calendar.check.read", func() (string, error) {
		from := when.DayOf(c.now(), req.Room.Zone).Start(req.Room.Zone)
		var err error
		snap, err = c.Read(ctx, connectors.ReadRequest{Room: req.Room, Window: when.Interval{From: from, To: from.AddDate(0, 0, 14)}})
		return strconv.Itoa(len(snap.Events)), err
	})
	if snap.Skipped > 0 {
		ck.Warn("calendar.cure.skipped")
	}
	if !req.Write {
		ck.Skip("calendar.check.write")
		return ck.Report
	}
	kept := true
	ck.Step("calendar.check.write", func() (said string, err error) {
		kept, err = c.tryWrite(ctx, req.Room)
		return "", err
	})
	if !kept {
		ck.Warn("calendar.cure.connector_organizer")
	}
	return ck.Report
}

// tryWrite books a quarter of an hour, three hundred days ahead, and takes it back. Kept says whether the
// system keeps the organizer's id.
func (c *Connector) tryWrite(ctx context.Context, room connectors.Room) (kept bool, err error) {
	from := c.now().UTC().Truncate(time.Hour).AddDate(0, 0, 300)
	ev, err := c.Book(ctx, room, connectors.Draft{Token: "check-" + rand.Text(), From: from, To: from.Add(15 * time.Minute), Subject: "Lintel"})
	if err != nil {
		return false, err
	}
	e, _, err := c.find(ctx, "read back", room, ev)
	if err != nil {
		return false, err
	}
	return strings.HasPrefix(e.OrganizerID, tokenPrefix), c.Release(ctx, room, ev)
}
