package roomz

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// slack is how much further than needed we ask, since the contract does not say whether a meeting that
// began before `from` is among the answer.
const slack = 24 * time.Hour

// send sends a request and judges its status and form.
func (c *Connector) send(ctx context.Context, op, method string, u *url.URL, body []byte) (*outbound.Response, error) {
	header := http.Header{"Accept": {"application/json"}}
	if body != nil {
		header.Set("Content-Type", "application/json; charset=utf-8")
	}
	resp, err := c.client.Do(ctx, outbound.Request{Op: op, Method: method, URL: u, Header: header, Body: body})
	if err != nil {
		return nil, err
	}
	if resp.Status >= 400 {
		return resp, c.refusal(resp)
	}
	if resp.IsHTML() {
		return resp, resp.HTMLErr()
	}
	return resp, nil
}

// busyWait is for a system that says that it is busy and not for how long.
const busyWait = 30 * time.Second

// refusal is the error of an answer with an error status, with what the system says of it. A system that is busy
// is left alone, also when it does not say for how long.
func (c *Connector) refusal(resp *outbound.Response) error {
	err := resp.Err()
	var e *connectors.Error
	if !errors.As(err, &e) {
		return err
	}
	if (resp.Status == http.StatusTooManyRequests || resp.Status == http.StatusServiceUnavailable) && e.After == 0 {
		e.Kind, e.After = connectors.Throttled, busyWait
		c.client.Hold(c.now().Add(busyWait))
	}
	if words := reason(resp.Body); words != "" && resp.Status != http.StatusConflict { // a conflict may name whose meeting it is with
		e.Said = connectors.Words(e.Said+": "+words, c.own)
	}
	return err
}

// reason is the sentence in the body of a refusal, "" when there is none. The contract knows none; these are the
// fields of RFC 9457 and of what common frameworks write.
func reason(body []byte) string {
	var fields map[string]any
	if json.Unmarshal(withoutMark(body), &fields) != nil {
		return ""
	}
	for _, name := range []string{"detail", "message", "error", "title"} {
		if s, ok := fields[spelled(fields, name)].(string); ok && strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

// withoutMark drops the byte order mark with which some systems begin their JSON.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// gone turns "not there" of a room into Gone.
func gone(err error) error {
	var e *connectors.Error
	if errors.As(err, &e) && e.Kind == connectors.NotFound {
		e.Kind = connectors.Gone
	}
	return err
}

// list fetches a room's meetings around a window, cancelled ones included, in the system's order.
// Bad are those that can't be read, of which no more than the id is known, if that.
func (c *Connector) list(ctx context.Context, op, room string, w when.Interval) (meetings, bad []entry, asOf time.Time, err error) {
	u, err := c.meetings(op, room, "")
	if err != nil {
		return nil, nil, time.Time{}, err
	}
	u.RawQuery = url.Values{"from": {FormatTime(w.From.Add(-slack))}, "to": {FormatTime(w.To.Add(slack))}}.Encode()
	resp, err := c.send(ctx, op, http.MethodGet, u, nil)
	if err != nil {
		return nil, nil, time.Time{}, gone(err)
	}
	meetings, bad, ok := decodeMeetings(resp.Body)
	if !ok {
		return nil, nil, time.Time{}, connectors.Fail(connectors.Invalid, op, "the answer is no list of meetings")
	}
	return meetings, bad, resp.AsOf(), nil
}

// decodeMeetings reads a list of meetings, each by itself, so that a broken one never blinds a room.
func decodeMeetings(body []byte) (out, bad []entry, ok bool) {
	var list []json.RawMessage
	if json.Unmarshal(withoutMark(body), &list) != nil {
		return nil, nil, false
	}
	for _, raw := range list {
		e := entry{raw: raw}
		if json.Unmarshal(raw, &e.Meeting) != nil || !e.Cancelled && e.Valid() != nil {
			bad = append(bad, e)
			continue
		}
		out = append(out, e)
	}
	return out, bad, true
}

// Probe has to fetch what a Read fetches: the contract knows nothing cheaper. It saves the engine's work, not
// the request.
func (c *Connector) Probe(ctx context.Context, room connectors.Room, cursor connectors.Cursor) (connectors.Change, error) {
	today := when.DayOf(c.now(), room.Zone)
	w := when.Interval{From: today.Add(-connectors.DaysBack).Start(room.Zone), To: today.Add(connectors.DaysAhead).Start(room.Zone)}
	list, bad, _, err := c.list(ctx, "ask for changes", room.ID, w)
	if err != nil {
		return connectors.Change{}, err
	}
	revs := []string{today.String()} // a new day is another window
	for _, e := range list {
		if !e.Cancelled {
			revs = append(revs, e.ID+" "+e.rev())
		}
	}
	for _, e := range bad { // what is stored of it stays until it is gone
		revs = append(revs, "unread "+e.ID+" "+e.rev())
	}
	slices.Sort(revs)
	sum := sha256.Sum256([]byte(strings.Join(revs, "\n")))
	next := "list " + hex.EncodeToString(sum[:])
	return connectors.Change{Changed: string(cursor) != next, Next: connectors.Cursor(next)}, nil
}

// Read fetches the meetings of the window. There is no state.
func (c *Connector) Read(ctx context.Context, req connectors.ReadRequest) (connectors.Snapshot, error) {
	list, bad, asOf, err := c.list(ctx, "read window", req.Room.ID, req.Window)
	if err != nil {
		return connectors.Snapshot{}, err
	}
	if req.Progress != nil {
		req.Progress(len(list), len(list))
	}
	s := connectors.Snapshot{AsOf: asOf, Complete: true, Skipped: len(bad)}
	times := map[string]int{}
	for _, e := range list {
		if !e.Cancelled {
			times[e.ID]++
		}
	}
	for _, e := range bad {
		if e.ID != "" && times[e.ID] == 0 { // else nobody can tell which of those with this id it is
			s.Unread = append(s.Unread, e.ID)
		}
	}
	seen := map[string]bool{}
	for _, e := range list {
		if e.Cancelled {
			continue
		}
		ev := c.event(req.Room.ID, e, times[e.ID] == 1)
		if !ev.Touches(req.Window) || seen[ev.Identity()] {
			continue
		}
		seen[ev.Identity()] = true
		s.Events = append(s.Events, ev)
	}
	connectors.SortEvents(s.Events)
	warnings := connectors.Warnings{}
	if n := connectors.Replaced(s.Events); n > 0 {
		warnings.Add(connectors.SubjectsReplaced, "", n)
	}
	s.Warnings = warnings.List()
	return s, nil
}

// Rooms lists the rooms. There is one page.
func (c *Connector) Rooms(ctx context.Context, _ string) ([]connectors.RoomRef, string, error) {
	rooms, _, err := c.rooms(ctx, "list rooms")
	return rooms, "", err
}

func (c *Connector) rooms(ctx context.Context, op string) ([]connectors.RoomRef, *outbound.Response, error) {
	resp, err := c.send(ctx, op, http.MethodGet, c.base.JoinPath("rooms"), nil)
	if err != nil {
		var e *connectors.Error
		if errors.As(err, &e) && (e.Kind == connectors.NotFound || e.Kind == connectors.Unsupported) {
			e.Cure = "calendar.cure.no_connector"
		}
		return nil, nil, err
	}
	list, ok := decodeRooms(resp.Body)
	if !ok {
		return nil, nil, &connectors.Error{Kind: connectors.Invalid, Op: op, Code: "no list of rooms", Cure: "calendar.cure.no_connector", Said: "HTTP 200"}
	}
	return list, resp, nil
}

// decodeRooms reads the list of rooms; those without an id can't be used.
func decodeRooms(body []byte) ([]connectors.RoomRef, bool) {
	var list []map[string]any
	d := json.NewDecoder(bytes.NewReader(withoutMark(body)))
	d.UseNumber()
	if d.Decode(&list) != nil {
		return nil, false
	}
	var out []connectors.RoomRef
	for _, r := range list {
		ref := connectors.RoomRef{ID: text(r[spelled(r, "roomId")]), Name: text(r[spelled(r, "name")])}
		if strings.Trim(ref.ID, ".") == "" {
			continue
		}
		if ref.Name == "" {
			ref.Name = ref.ID
		}
		out = append(out, ref)
	}
	return out, true
}
