package googletest

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"time"
)

// listParams are the parameters that lists know; those marked may not come with a sync token.
func listParams() map[string]bool {
	return map[string]bool{
		"alwaysIncludeEmail": false, "eventTypes": false, "fields": false, "iCalUID": true, "maxAttendees": false, "maxResults": false,
		"orderBy": true, "pageToken": false, "privateExtendedProperty": true, "q": true, "sharedExtendedProperty": true,
		"showDeleted": false, "showHiddenInvitations": false, "singleEvents": false, "syncToken": false, "timeMax": true,
		"timeMin": true, "timeZone": false, "updatedMin": true,
	}
}

// fingerprint names the parameters that have to stay the same from call to call.
func fingerprint(q url.Values, without ...string) string {
	keep := url.Values{}
	for k, v := range q {
		if !slices.Contains(without, k) {
			keep[k] = v
		}
	}
	return keep.Encode()
}

type syncToken struct {
	Seq    int
	Params string
}

func seal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func open(s string, v any) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && json.Unmarshal(b, v) == nil
}

func (s *Server) listEvents(c *calendar, role string, q url.Values) answer {
	params := listParams()
	for k := range q {
		if withSync, ok := params[k]; !ok || withSync && q.Has("syncToken") {
			return refuse(400, "badRequest", "Sync token cannot be used with "+k)
		}
	}
	single := q.Get("singleEvents") == "true"
	if q.Get("orderBy") == "startTime" && !single {
		return refuse(400, "badRequest", "The requested ordering is not available for the particular query.")
	}
	from, err1 := bound(q, "timeMin", time.Unix(0, 0))
	to, err2 := bound(q, "timeMax", time.Unix(1<<40, 0))
	if err1 != nil || err2 != nil || !from.Before(to) {
		return refuse(400, "timeRangeEmpty", "The specified time range is empty.")
	}
	same := fingerprint(q, "syncToken", "pageToken", "timeMin", "timeMax", "updatedMin")
	since := 0
	if q.Has("syncToken") {
		var t syncToken
		if !open(q.Get("syncToken"), &t) {
			return refuse(400, "invalid", "Invalid sync token value.")
		}
		if t.Seq < c.horizon {
			return refuse(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
		}
		if t.Params != same || q.Get("showDeleted") == "false" {
			return refuse(400, "badRequest", "The parameters are not those of the first call.")
		}
		since = t.Seq
	}
	if q.Has("timeMax") && c.late > 0 {
		c.late--
		c = &calendar{id: c.id, zone: c.zone, events: c.shown, changed: c.changed}
	}
	items := c.collect(role, from, to, single, since, q.Get("showDeleted") == "true" || since > 0)
	if n, err := strconv.Atoi(q.Get("maxAttendees")); err == nil {
		for i := range items {
			items[i] = fewer(items[i], n)
		}
	}
	items, next, a := s.page(q, items)
	if a.status != 0 {
		return a
	}
	out := doc{"kind": "calendar#events", "accessRole": role, "timeZone": c.zone, "summary": c.id, "items": items}
	switch {
	case next != "":
		out["nextPageToken"] = next
	case !q.Has("orderBy"):
		out["nextSyncToken"] = seal(syncToken{s.seq, same})
	}
	return answer{200, out}
}

func bound(q url.Values, name string, without time.Time) (time.Time, error) {
	if !q.Has(name) {
		return without, nil
	}
	return time.Parse(time.RFC3339, q.Get(name))
}

// collect returns a calendar's events by start and id, as a role may see them.
func (c *calendar) collect(role string, from, to time.Time, single bool, since int, deleted bool) []doc {
	var items []doc
	for id, d := range c.events {
		switch {
		case c.changed[id] <= since:
		case d.text("status") == "cancelled":
			if deleted {
				items = append(items, d.clone())
			}
		case d["recurrence"] != nil && single:
			items = append(items, c.expand(d, from, to)...)
		case d["recurrence"] != nil:
			items = append(items, d.clone())
		default:
			if a, b, ok := c.span(d); ok && a.Before(to) && b.After(from) {
				items = append(items, d.clone())
			}
		}
	}
	for i := range items {
		items[i] = visible(items[i], role)
	}
	sort.Slice(items, func(i, j int) bool {
		a, _, _ := c.span(items[i])
		b, _, _ := c.span(items[j])
		if !a.Equal(b) {
			return a.Before(b)
		}
		return items[i].text("id") < items[j].text("id")
	})
	for _, d := range items {
		garble(d)
	}
	return items
}

// garble gives an event that a test has stored with "broken" set times that nobody can read.
func garble(d doc) doc {
	if d["broken"] == true {
		d["start"], d["end"] = map[string]any{"dateTime": "tomorrow"}, map[string]any{"dateTime": "later"}
	}
	delete(d, "broken")
	return d
}

// visible takes away what a role may not see.
func visible(d doc, role string) doc {
	hidden := role == "freeBusyReader" || role == "reader" && (d.text("visibility") == "private" || d.text("visibility") == "confidential")
	if !hidden {
		return d
	}
	out := doc{}
	for _, k := range []string{"kind", "etag", "id", "status", "start", "end", "recurringEventId", "originalStartTime", "transparency", "eventType"} {
		if d[k] != nil {
			out[k] = d[k]
		}
	}
	if role != "freeBusyReader" {
		out["visibility"], out["iCalUID"], out["updated"], out["created"] = d["visibility"], d["iCalUID"], d["updated"], d["created"]
	}
	return out
}

// fewer leaves only the participant when there are more than n guests.
func fewer(d doc, n int) doc {
	guests := d.list("attendees")
	if len(guests) <= n {
		return d
	}
	var keep []any
	for _, g := range guests {
		if g["self"] == true {
			keep = append(keep, map[string]any(g))
		}
	}
	d["attendees"], d["attendeesOmitted"] = keep, true
	return d
}

type pageToken struct {
	Offset int
	Params string
}

// page cuts a list.
func (s *Server) page(q url.Values, items []doc) ([]doc, string, answer) {
	size := 250
	if n, err := strconv.Atoi(q.Get("maxResults")); err == nil {
		size = min(n, 2500)
	}
	if s.opt.PageSize > 0 {
		size = min(size, s.opt.PageSize)
	}
	same := fingerprint(q, "pageToken")
	var t pageToken
	if q.Has("pageToken") && (!open(q.Get("pageToken"), &t) || t.Params != same || t.Offset > len(items)) {
		return nil, "", refuse(400, "invalid", "Invalid page token value.")
	}
	end := min(t.Offset+size, len(items))
	next := ""
	if end < len(items) {
		next = seal(pageToken{end, same})
	}
	return append([]doc{}, items[t.Offset:end]...), next, answer{}
}
