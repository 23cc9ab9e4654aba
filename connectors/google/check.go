package google

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

// Check walks from the token endpoint to a booking in the room.
func (c *Conn) Check(ctx context.Context, req connectors.CheckRequest) connectors.Report {
	ck := &connectors.Checker{Now: c.now}
	outbound.Reach(ck, c.tokens.key.tokenURL, func() (*outbound.Response, error) {
		_, resp, err := c.tokens.fetch(ctx, "sign in", c.rooms())
		return resp, err
	})
	if c.cfg.Subject != "" {
		c.checkRooms(ctx, ck)
	}
	if req.Room.ID == "" {
		return ck.Report
	}
	c.checkRoom(ctx, ck, req.Room)
	if c.cfg.Invite {
		ck.Step("calendar.check.inviter", func() (string, error) {
			role, _, err := c.role(ctx, "read rights of the inviter", c.inviter(), c.cfg.Inviter)
			if err == nil && accessOf(role) != connectors.AccessWrite {
				err = &connectors.Error{Kind: connectors.Forbidden, Op: "read rights of the inviter", Code: "role", Cure: "calendar.cure.google_delegation", Said: role}
			}
			return role, err
		})
	}
	c.checkRead(ctx, ck, req.Room)
	if !req.Write {
		ck.Skip("calendar.check.write")
		return ck.Report
	}
	ck.Step("calendar.check.write", func() (string, error) { return "", c.tryWrite(ctx, req.Room) })
	return ck.Report
}

// checkRooms lists rooms. Without the right to do so all else still works, with addresses entered by hand.
func (c *Conn) checkRooms(ctx context.Context, ck *connectors.Checker) {
	cure := ""
	ck.Step("calendar.check.rooms", func() (string, error) {
		rooms, _, err := c.Rooms(ctx, "")
		if errors.Is(err, connectors.Forbidden) || errors.Is(err, connectors.Auth) {
			cure = connectors.CureOf(err)
			return connectors.SaidOf(err), nil
		}
		return strconv.Itoa(len(rooms)), err
	})
	if cure != "" {
		ck.Warn(cure)
	}
}

func (c *Conn) checkRoom(ctx context.Context, ck *connectors.Checker, room connectors.Room) {
	role := ""
	ck.Step("calendar.check.room", func() (string, error) {
		var err error
		role, _, err = c.role(ctx, "read rights", c.rooms(), room.ID)
		ck.Report.Access = accessOf(role)
		if err == nil && ck.Report.Access == connectors.AccessNone {
			err = &connectors.Error{Kind: connectors.Forbidden, Op: "read rights", Code: "role", Cure: "calendar.cure.google_share", Said: role}
		}
		return role, err
	})
	switch {
	case role == "freeBusyReader":
		ck.Warn("calendar.cure.google_free_busy")
	case ck.Report.Access == connectors.AccessRead && !c.cfg.ReadOnly:
		ck.Warn("calendar.cure.google_share_write")
	}
}

func (c *Conn) checkRead(ctx context.Context, ck *connectors.Checker, room connectors.Room) {
	var snap connectors.Snapshot
	ck.Step("calendar.check.read", func() (string, error) {
		from := when.DayOf(c.now(), room.Zone).Start(room.Zone)
		var err error
		snap, err = c.Read(ctx, connectors.ReadRequest{Room: room, Window: when.Interval{From: from, To: from.AddDate(0, 0, 14)}})
		return strconv.Itoa(len(snap.Events)), err
	})
	switch {
	case snap.Skipped > 0:
		ck.Warn("calendar.cure.skipped")
	case connectors.Replaced(snap.Events) > 0:
		ck.Warn(connectors.SubjectsReplaced)
	}
}

// accessOf reads Google's word for a role.
func accessOf(role string) connectors.Access {
	switch role {
	case "owner", "writer", "writerWithoutPrivateAccess":
		return connectors.AccessWrite
	case "reader", "freeBusyReader":
		return connectors.AccessRead
	case "":
		return connectors.AccessUnknown
	}
	return connectors.AccessNone
}

// tryWrite books a quarter of an hour, three hundred days ahead, and takes it back.
func (c *Conn) tryWrite(ctx context.Context, room connectors.Room) error {
	from := c.now().UTC().Truncate(time.Hour).AddDate(0, 0, 300)
	ev, err := c.Book(ctx, room, connectors.Draft{Token: "check-" + rand.Text(), From: from, To: from.Add(15 * time.Minute), Subject: "Lintel"})
	if err != nil {
		return err
	}
	return c.Release(ctx, room, ev)
}
