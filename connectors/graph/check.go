package graph

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Check walks from the sign-in server to a booking in the room. On the way it proves what is easily
// believed: that the application can not read an ordinary person's mailbox.
func (c *Conn) Check(ctx context.Context, req connectors.CheckRequest) connectors.Report {
	ck := &connectors.Checker{Now: c.now}
	c.checkSignIn(ctx, ck)
	c.checkGraph(ctx, ck)
	if c.cfg.Invite {
		ck.Step("calendar.check.account", func() (string, error) { return c.readable(ctx, "read the account", c.cfg.Account) })
	}
	if req.Room.ID == "" {
		c.checkNormal(ctx, ck)
		return ck.Report
	}
	ck.Step("calendar.check.room", func() (string, error) {
		said, err := c.readable(ctx, "read the room", req.Room.ID)
		if errors.Is(err, connectors.Forbidden) {
			ck.Report.Access = connectors.AccessNone
		}
		return said, err
	})
	c.checkNormal(ctx, ck)
	c.checkWindow(ctx, ck, req.Room)
	if !req.Write {
		ck.Skip("calendar.check.write")
		return ck.Report
	}
	var refused bool
	if ck.Step("calendar.check.write", func() (string, error) {
		err := c.tryWrite(ctx, req.Room)
		if e, ok := err.(*connectors.Error); ok && e.Kind == connectors.Forbidden { //nolint:errorlint // ours, not wrapped
			refused, e.Cure = true, "calendar.cure.graph_read_only"
		}
		return "", err
	}) {
		ck.Report.Access = connectors.AccessWrite
	} else if refused {
		ck.Report.Access = connectors.AccessRead
	}
	return ck.Report
}

// checkSignIn fetches a new token.
func (c *Conn) checkSignIn(ctx context.Context, ck *connectors.Checker) {
	start := c.now()
	_, err := c.tokens.again(ctx)
	took := c.now().Sub(start)
	kind := connectors.KindOf(err)
	ck.Timed("calendar.check.sign_in_server", took, func() (string, error) {
		if kind == connectors.Transient || kind == connectors.Throttled {
			return "", err
		}
		return c.tokens.url.Host, nil
	})
	ck.Step("calendar.check.trust", func() (string, error) {
		if kind == connectors.Trust {
			return "", err
		}
		return c.tokens.url.Scheme, nil
	})
	if c.tokens.url.Scheme == "http" || c.base.Scheme == "http" {
		ck.Warn("calendar.cure.not_encrypted")
	}
	ck.Step("calendar.check.sign_in", func() (string, error) { return "", err })
	now := c.now()
	for _, x := range c.Expiries() {
		if x.At.Sub(now) < expiryWarning {
			ck.Warn("calendar.cure.graph_expires")
		}
	}
}

// expiryWarning is how long before its end a certificate or secret makes a check warn.
const expiryWarning = 30 * 24 * time.Hour

// checkGraph asks for the list of rooms, which tells on the way whether Graph can be reached and what time
// it has there. A list that is refused is no failure: addresses may be typed.
func (c *Conn) checkGraph(ctx context.Context, ck *connectors.Checker) {
	var resp *outbound.Response
	var list error
	q := request{op: opRooms, url: c.placesURL()}
	ck.Step("calendar.check.graph", func() (said string, err error) {
		resp, err = c.send(ctx, q)
		if err != nil {
			return "", err
		}
		if list = c.judge(q, resp); errors.Is(list, connectors.Forbidden) && graphSaid(resp) {
			list = placesErr(list)
			return c.base.Host, nil
		}
		return c.base.Host, list
	})
	if resp == nil {
		ck.Skip("calendar.check.clock")
		ck.Skip("calendar.check.rooms")
		return
	}
	ck.Step("calendar.check.clock", func() (string, error) {
		if server := resp.ServerTime(); !server.IsZero() {
			ck.Report.Skew = server.Sub(resp.At).Round(time.Second)
		}
		return ck.Report.Skew.String(), nil
	})
	if ck.Report.Skew.Abs() > maxSkew {
		ck.Warn("calendar.cure.clock")
	}
	ck.Step("calendar.check.rooms", func() (string, error) {
		if list != nil {
			return connectors.SaidOf(list), nil
		}
		rooms, next, err := c.parseRooms(resp.Body, q.url)
		said := strconv.Itoa(len(rooms))
		if next != "" {
			said += "+"
		}
		return said, err
	})
	if list != nil {
		ck.Warn(connectors.CureOf(list))
	}
}

// maxSkew is how far clocks may differ before somebody should look: Entra bears five minutes.
const maxSkew = 2 * time.Minute

// graphSaid reports whether it was Graph that refused, and not something on the way.
func graphSaid(resp *outbound.Response) bool {
	var f fault
	return json.Unmarshal(resp.Body, &f) == nil && f.Error.Code != ""
}

// calendarURL is the least that tells whether a mailbox can be read: nobody's event is looked at.
func (c *Conn) calendarURL(op, mailbox string) (*url.URL, error) {
	return c.mailboxURL(op, mailbox, []string{"calendar"}, "$select", "id")
}

func (c *Conn) readable(ctx context.Context, op, mailbox string) (string, error) {
	u, err := c.calendarURL(op, mailbox)
	if err != nil {
		return "", err
	}
	resp, err := c.ask(ctx, request{op: op, mailbox: mailbox, url: u})
	if err != nil {
		return "", gone(err)
	}
	var body struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(resp.Body, &body) != nil || body.ID == "" {
		return "", connectors.Fail(connectors.Invalid, op, "the answer is no calendar")
	}
	return "", nil
}

// checkNormal proves that a mailbox which is no room is refused. It is a warning when it is not, since all
// works; and when nobody named such a mailbox or it does not exist, since nothing is proved.
func (c *Conn) checkNormal(ctx context.Context, ck *connectors.Checker) {
	cure := ""
	ck.Step("calendar.check.normal_mailbox", func() (string, error) {
		if c.cfg.NormalMailbox == "" {
			cure = "calendar.cure.graph_no_normal"
			return "", nil
		}
		_, err := c.readable(ctx, "read a normal mailbox", c.cfg.NormalMailbox)
		switch {
		case err == nil:
			cure = "calendar.cure.graph_scope"
			return "HTTP 200", nil
		case errors.Is(err, connectors.Forbidden):
			return connectors.SaidOf(err), nil
		case errors.Is(err, connectors.Gone), errors.Is(err, connectors.NotFound), errors.Is(err, connectors.Invalid):
			cure = "calendar.cure.graph_normal_unknown"
			return connectors.SaidOf(err), nil
		}
		return "", err
	})
	if cure != "" {
		ck.Warn(cure)
	}
}

// checkWindow reads two weeks and looks for what a room's processing has made of them.
func (c *Conn) checkWindow(ctx context.Context, ck *connectors.Checker, room connectors.Room) {
	var snap connectors.Snapshot
	ck.Step("calendar.check.read", func() (_ string, err error) {
		from := when.DayOf(c.now(), room.Zone)
		span := when.Interval{From: from.Start(room.Zone), To: from.Add(14).Start(room.Zone)}
		snap, err = c.Read(ctx, connectors.ReadRequest{Room: room, Window: span})
		return strconv.Itoa(len(snap.Events)), err
	})
	if snap.Skipped > 0 {
		ck.Warn("calendar.cure.skipped")
	}
	replaced := connectors.Replaced(snap.Events)
	ck.Step("calendar.check.subjects", func() (string, error) { return strconv.Itoa(replaced), nil })
	if replaced > 0 {
		ck.Warn("calendar.cure.graph_subjects")
	}
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
