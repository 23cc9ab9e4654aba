package ews

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Check walks from the name of the server to a booking in the room. Rights are asked for, not concluded from
// an answer: some servers answer "nothing there" where they mean "not for you".
func (c *Conn) Check(ctx context.Context, req connectors.CheckRequest) connectors.Report {
	ck := &connectors.Checker{Now: c.now}
	outbound.Reach(ck, c.url, func() (*outbound.Response, error) {
		_, p, err := c.roomLists(ctx, "sign in")
		if err != nil {
			return nil, err
		}
		return p.http, nil
	})
	none := false
	ck.Step("calendar.check.rooms", func() (string, error) {
		rooms, _, err := c.Rooms(ctx, "")
		none = len(rooms) == 0
		return strconv.Itoa(len(rooms)), err
	})
	if none {
		ck.Warn("calendar.cure.ews_no_room_lists")
	}
	if req.Room.ID == "" {
		return ck.Report
	}
	c.checkRights(ctx, ck, req.Room)
	var snap connectors.Snapshot
	ck.Step("calendar.check.read", func() (said string, err error) {
		from := when.DayOf(c.now(), req.Room.Zone).Start(req.Room.Zone)
		snap, err = c.Read(ctx, connectors.ReadRequest{Room: req.Room, Window: when.Interval{From: from, To: from.AddDate(0, 0, 14)}})
		return strconv.Itoa(len(snap.Events)), err
	})
	if snap.Skipped > 0 {
		ck.Warn("calendar.cure.skipped")
	}
	c.checkSettings(ctx, ck, req.Room)
	if !req.Write || c.cfg.Access == FreeBusy {
		ck.Skip("calendar.check.write")
		return ck.Report
	}
	ck.Step("calendar.check.write", func() (string, error) { return "", c.tryWrite(ctx, req.Room) })
	return ck.Report
}

// checkRights asks for our rights to the room's calendar folder.
func (c *Conn) checkRights(ctx context.Context, ck *connectors.Checker, room connectors.Room) {
	if c.cfg.Access == FreeBusy {
		ck.Step("calendar.check.room", func() (string, error) {
			ck.Report.Access = connectors.AccessRead
			return string(FreeBusy), nil // the read that follows is the proof
		})
		return
	}
	ck.Step("calendar.check.room", func() (string, error) {
		access, err := c.rights(ctx, room)
		ck.Report.Access = access
		return string(c.cfg.Access) + ": " + accessName(access), err
	})
	if ck.Report.Access == connectors.AccessRead {
		ck.Warn("calendar.cure.read_only")
	}
}

func accessName(a connectors.Access) string {
	switch a {
	case connectors.AccessRead:
		return "read"
	case connectors.AccessWrite:
		return "read, write"
	}
	return "none"
}

// rights reads what we may do in a room's calendar.
func (c *Conn) rights(ctx context.Context, room connectors.Room) (connectors.Access, error) {
	const op = "read rights"
	if err := checkRoom(op, room); err != nil {
		return connectors.AccessUnknown, err
	}
	m, _, err := c.call(ctx, c.about(op, room, getFolder(c.calendarFolder(room.ID))))
	if errors.Is(err, connectors.Forbidden) {
		return connectors.AccessNone, err
	}
	if err != nil {
		return connectors.AccessUnknown, gone(err)
	}
	r := m.find("EffectiveRights")
	switch {
	case r == nil:
		return connectors.AccessUnknown, nil
	case !r.child("Read").yes():
		return connectors.AccessNone, &connectors.Error{
			Kind: connectors.Forbidden, Op: op, Code: "no right to read", Cure: "calendar.cure.ews_folder_permission", Said: "EffectiveRights: Read=false",
		}
	case r.child("CreateContents").yes():
		return connectors.AccessWrite, nil
	}
	return connectors.AccessRead, nil
}

// checkSettings looks at half a year's events for the traces of a room that drops subjects or the private
// flag. The settings themselves can't be read with these rights.
func (c *Conn) checkSettings(ctx context.Context, ck *connectors.Checker, room connectors.Room) {
	if c.cfg.Access == FreeBusy {
		ck.Step("calendar.check.settings", func() (string, error) { return string(FreeBusy), nil })
		return
	}
	replaced := 0
	ck.Step("calendar.check.settings", func() (string, error) {
		now := c.now()
		snap, err := c.Read(ctx, connectors.ReadRequest{Room: room, Window: when.Interval{From: now.AddDate(0, -3, 0), To: now.AddDate(0, 3, 0)}})
		if err != nil {
			return "", err
		}
		if replaced = connectors.Replaced(snap.Events); replaced > 0 {
			return strconv.Itoa(replaced) + "/" + strconv.Itoa(len(snap.Events)) + " Subject = Organizer", nil
		}
		return strconv.Itoa(len(snap.Events)), nil
	})
	if replaced > 0 {
		ck.Warn("calendar.cure.ews_processing")
	}
}

// tryWrite books a quarter of an hour and takes it back: on a Wednesday morning some five months ahead, within
// what a room's assistant accepts unless told otherwise (180 days, perhaps working hours only).
func (c *Conn) tryWrite(ctx context.Context, room connectors.Room) error {
	day := when.DayOf(c.now(), room.Zone).Add(150).Monday().Add(2)
	from := when.Wall{Date: day, Minute: 10 * 60}.In(room.Zone).UTC()
	ev, err := c.Book(ctx, room, connectors.Draft{Token: "check-" + rand.Text(), From: from, To: from.Add(15 * time.Minute), Subject: "Lintel"})
	if err != nil {
		return err
	}
	return c.Release(ctx, room, ev)
}
