package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

const (
	pageSize = 200
	maxPages = 100 // of one answer
	// zones is how far apart two zones can be. Whole days are days in every zone, but Graph keeps them as
	// instants of one, so that many hours around the window are asked for too.
	zones = 26 * time.Hour
)

// page is one page of a list. Its entries are decoded one by one: one that is broken blinds nobody.
type page struct {
	Value     *[]json.RawMessage `json:"value"`
	NextLink  string             `json:"@odata.nextLink"`
	DeltaLink string             `json:"@odata.deltaLink"`
}

func parsePage(op string, body []byte) (page, error) {
	var p page
	if err := json.Unmarshal(body, &p); err != nil || p.Value == nil {
		return p, connectors.Fail(connectors.Invalid, op, "the answer is no list")
	}
	return p, nil
}

// walk asks once for all pages from u on and calls each with the entries of every page. It returns the last answer and
// the number of pages.
func (c *Conn) walk(ctx context.Context, op, mailbox string, u *url.URL, each func(entries []json.RawMessage, more bool)) (*outbound.Response, int, error) {
	seen := map[string]bool{}
	for {
		if len(seen) >= maxPages || seen[u.String()] {
			return nil, 0, connectors.Fail(connectors.Invalid, op, "the pages do not end")
		}
		seen[u.String()] = true
		resp, err := c.ask(ctx, request{op: op, mailbox: mailbox, url: u})
		if err != nil {
			return nil, 0, err
		}
		p, err := parsePage(op, resp.Body)
		if err != nil {
			return nil, 0, err
		}
		each(*p.Value, p.NextLink != "")
		if p.NextLink == "" {
			return resp, len(seen), nil
		}
		if u, err = c.inside(op, p.NextLink); err != nil {
			return nil, 0, err
		}
	}
}

// list returns all entries from u on, as often as it takes to miss none ([connectors.Settled]), and the last answer.
// progress, when not nil, is called after each page of the first walk.
func (c *Conn) list(ctx context.Context, op, mailbox string, u *url.URL, progress func(read int, more bool)) ([]json.RawMessage, *outbound.Response, error) {
	var resp *outbound.Response
	entries, err := connectors.Settled(ctx, op, func(ctx context.Context, first bool) (all []json.RawMessage, pages int, err error) {
		resp, pages, err = c.walk(ctx, op, mailbox, u, func(entries []json.RawMessage, more bool) {
			all = append(all, entries...)
			if first && progress != nil {
				progress(len(all), more)
			}
		})
		return all, pages, err
	}, func(raw *json.RawMessage) string {
		var e struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(*raw, &e) != nil || e.ID == "" {
			return string(*raw)
		}
		return e.ID
	})
	return entries, resp, err
}

// utc writes an instant as a parameter of a query.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// view returns the URL of a mailbox's calendarView that holds all that may touch the window.
func (c *Conn) view(op, mailbox string, w when.Interval, query ...string) (*url.URL, error) {
	query = append([]string{"startDateTime", utc(w.From.Add(-zones)), "endDateTime", utc(w.To.Add(zones))}, query...)
	return c.mailboxURL(op, mailbox, []string{"calendarView"}, query...)
}

// Read returns the window. It keeps no state: the calendarView is whole by itself, with all words.
func (c *Conn) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	const op = "read window"
	u, err := c.view(op, req.Room.ID, req.Window, "$top", strconv.Itoa(pageSize), "$select", eventFields, "$expand", expandProps)
	if err != nil {
		return connectors.Snapshot{}, err
	}
	d := decoder{room: req.Room, warnings: connectors.Warnings{}}
	s := connectors.Snapshot{Complete: true}
	events := map[string]connectors.Event{}
	entries, resp, err := c.list(ctx, op, req.Room.ID, u, func(read int, more bool) {
		if req.Progress == nil {
			return
		}
		total := read
		if more {
			total += pageSize
		}
		req.Progress(read, total)
	})
	if err != nil {
		return connectors.Snapshot{}, gone(err)
	}
	for _, raw := range entries {
		e, stands, err := d.decode(raw)
		switch {
		case err != nil:
			s.Skipped++
			if e.Key != "" {
				s.Unread = append(s.Unread, e.Key)
			}
		case stands && e.Touches(req.Window):
			keep(events, e)
		}
	}
	s.AsOf = clock(resp)
	for _, e := range events {
		s.Events = append(s.Events, e)
	}
	if c.cfg.Invite {
		if err := c.recognise(ctx, req.Window, s.Events, d.warnings); err != nil {
			return connectors.Snapshot{}, err
		}
	}
	connectors.SortEvents(s.Events)
	if n := connectors.Replaced(s.Events); n > 0 {
		d.warnings.Add(connectors.SubjectsReplaced, "", n)
	}
	s.Warnings = d.warnings.List()
	return s, nil
}

// keep adds an event. Of two with one identity the later written one counts.
func keep(events map[string]connectors.Event, e connectors.Event) {
	old, ok := events[e.Identity()]
	if ok && (old.Written.After(e.Written) || old.Written.Equal(e.Written) && old.Key < e.Key) {
		return
	}
	events[e.Identity()] = e
}

// recognise finds, among the meetings that the account has invited the room to, those that Lintel wrote:
// what marks them stays in the account's calendar, and so does the subject, which a room may replace.
func (c *Conn) recognise(ctx context.Context, w when.Interval, events []connectors.Event, warnings connectors.Warnings) error {
	const op = "read the account's window"
	invited := func(e connectors.Event) bool { return !e.Mine && (e.OrganizerAddr != "" || e.Private) }
	if !slices.ContainsFunc(events, invited) {
		return nil
	}
	address, err := c.organizes(ctx, op)
	if err != nil {
		return err
	}
	ours := func(e connectors.Event) bool {
		return invited(e) && (e.Private || strings.EqualFold(e.OrganizerAddr, c.cfg.Account) || strings.EqualFold(e.OrganizerAddr, address))
	}
	if !slices.ContainsFunc(events, ours) {
		return nil
	}
	u, err := c.view(op, c.cfg.Account, w, "$top", strconv.Itoa(pageSize), "$select", eventFields, "$expand", expandProps)
	if err != nil {
		return err
	}
	entries, _, err := c.list(ctx, op, c.cfg.Account, u, nil)
	switch {
	case errors.Is(err, connectors.Forbidden), errors.Is(err, connectors.NotFound), errors.Is(err, connectors.Gone):
		warnings.Add("calendar.warning.account_unreadable", "", 1)
		return nil // the door shows the meetings all the same
	case err != nil:
		return err
	}
	found := map[string]event{}
	for _, raw := range entries {
		var e event
		if json.Unmarshal(raw, &e) == nil && e.standing() && e.ICalUID != "" && e.prop(propToken) != "" {
			found[e.ICalUID] = e
		}
	}
	for i := range events {
		if e, ok := found[events[i].Series]; ok {
			adopt(&events[i], &e)
		}
	}
	return nil
}

// adopt completes the room's copy of a meeting by what its original, which is ours, says.
func adopt(ev *connectors.Event, original *event) {
	ev.Token = original.prop(propToken)
	if original.prop(propExtended) != "" {
		ev.Written = original.written()
	}
	if !strings.EqualFold(original.Sensitivity, "normal") && original.Sensitivity != "" {
		ev.Hide()
	}
	if !ev.Private {
		ev.Subject, ev.Organizer, ev.OrganizerAddr = original.Subject, original.prop(propOrganizer), ""
	}
}

// organizes returns the address under which the account organizes meetings, which is its mailbox's primary one;
// Config.Account may be another name of it. It is asked for once, and is Config.Account where Graph does not tell.
func (c *Conn) organizes(ctx context.Context, op string) (string, error) {
	c.mu.Lock()
	known := c.organizer
	c.mu.Unlock()
	if known != "" {
		return known, nil
	}
	u, err := c.mailboxURL(op, c.cfg.Account, []string{"calendar"}, "$select", "id,owner")
	if err != nil {
		return "", err
	}
	resp, err := c.ask(ctx, request{op: op, mailbox: c.cfg.Account, url: u})
	switch {
	case errors.Is(err, connectors.Forbidden), errors.Is(err, connectors.NotFound), errors.Is(err, connectors.Gone):
		return c.cfg.Account, nil
	case err != nil:
		return "", err
	}
	var calendar struct {
		Owner struct {
			Address string `json:"address"`
		} `json:"owner"`
	}
	_ = json.Unmarshal(resp.Body, &calendar) // without an owner it is as above
	if !strings.Contains(calendar.Owner.Address, "@") {
		calendar.Owner.Address = c.cfg.Account
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.organizer = calendar.Owner.Address
	return c.organizer, nil
}
