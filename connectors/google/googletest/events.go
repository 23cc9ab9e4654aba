package googletest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// text returns a string member, "" when there is none.
func (d doc) text(name string) string { s, _ := d[name].(string); return s }

// sub returns an object member, nil when there is none.
func (d doc) sub(name string) doc {
	switch x := d[name].(type) {
	case doc:
		return x
	case map[string]any:
		return x
	}
	return nil
}

func (d doc) list(name string) []doc {
	var out []doc
	items, _ := d[name].([]any)
	for _, x := range items {
		if m, ok := x.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func (d doc) clone() doc {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	var out doc
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}

// merge applies a patch: objects are merged, null deletes, everything else is replaced.
func (d doc) merge(patch doc) {
	for k, v := range patch {
		m, isMap := v.(map[string]any)
		switch {
		case v == nil:
			delete(d, k)
		case isMap:
			old := d.sub(k)
			if old == nil {
				old = doc{}
			}
			old.merge(m)
			d[k] = map[string]any(old)
		default:
			d[k] = v
		}
	}
}

// store gives an event what the server gives and keeps it. The lock is held.
func (s *Server) store(c *calendar, d doc) {
	s.seq++
	id := d.text("id")
	d["kind"] = "calendar#event"
	d["etag"] = fmt.Sprintf(`"%d"`, 3_000_000_000+s.seq)
	d["updated"] = s.clock().Format(stampLayout)
	if d.text("status") == "" {
		d["status"] = "confirmed"
	}
	if d.text("iCalUID") == "" {
		d["iCalUID"] = id + "@google.com"
	}
	if d.text("eventType") == "" {
		d["eventType"] = "default"
	}
	c.events[id] = d.clone()
	c.changed[id] = s.seq
}

// bury leaves of an event what Google leaves.
func (s *Server) bury(c *calendar, id string) {
	old, ok := c.events[id]
	if !ok {
		return
	}
	d := doc{"id": id, "status": "cancelled", "iCalUID": old["iCalUID"], "eventType": "default"}
	for _, k := range []string{"recurringEventId", "originalStartTime"} {
		if old[k] != nil {
			d[k] = old[k]
		}
	}
	s.store(c, d)
}

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
	return items
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

// find returns a stored event, or an occurrence of a series that nobody has changed yet.
func (c *calendar) find(id string) (doc, bool) {
	if d, ok := c.events[id]; ok {
		return d.clone(), true
	}
	master, stamp, ok := strings.Cut(id, "_")
	m, known := c.events[master]
	if !ok || !known || m["recurrence"] == nil || m.text("status") == "cancelled" {
		return nil, false
	}
	for _, layout := range []string{"20060102T150405Z", "20060102"} {
		if t, err := time.Parse(layout, stamp); err == nil {
			for _, d := range c.expand(m, t.Add(-72*time.Hour), t.Add(72*time.Hour)) {
				if d.text("id") == id {
					return d, true
				}
			}
		}
	}
	return nil, false
}

// one handles a single event.
func (s *Server) one(r *http.Request, c *calendar, who access, role, id string, body []byte) answer {
	d, ok := c.find(id)
	if !ok {
		return refuse(404, "notFound", "Not Found")
	}
	s.answerInvitation(c, d)
	if d, ok = c.find(id); !ok {
		return refuse(404, "notFound", "Not Found")
	}
	if r.Method == http.MethodGet {
		return answer{200, visible(d, role)}
	}
	if d.text("status") == "cancelled" {
		return refuse(410, "deleted", "Resource has been deleted")
	}
	if m := r.Header.Get("If-Match"); m != "" && m != d.text("etag") {
		return refuse(412, "conditionNotMet", "Precondition Failed")
	}
	switch r.Method {
	case http.MethodDelete:
		return s.remove(c, d)
	case http.MethodPatch:
		return s.patch(c, who, d, body)
	}
	return refuse(405, "httpMethodNotAllowed", "Method Not Allowed")
}

func (s *Server) remove(c *calendar, d doc) answer {
	id := d.text("id")
	if _, stored := c.events[id]; !stored {
		s.store(c, d) // an occurrence: it becomes a cancelled exception
	}
	s.bury(c, id)
	if d.sub("organizer")["self"] == true {
		s.withdraw(c, id)
	} else {
		s.respond(c, d, "declined")
	}
	return answer{status: http.StatusNoContent}
}

func (s *Server) patch(c *calendar, who access, d doc, body []byte) answer {
	var p doc
	if json.Unmarshal(body, &p) != nil {
		return refuse(400, "parseError", "Parse Error")
	}
	if p["attendees"] != nil && who.subject == "" && s.opt.StrictGuests {
		return refuse(403, "forbiddenForServiceAccounts", "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.")
	}
	if p["attendeesOmitted"] == true { // only the participant's own answer counts
		p["attendees"] = onlySelf(d, p)
	}
	delete(p, "attendeesOmitted")
	d.merge(p)
	if a := c.valid(d); a.status != 0 {
		return a
	}
	s.store(c, d)
	if d.sub("organizer")["self"] == true {
		s.propagate(c, d)
	} else if p["attendees"] != nil {
		for _, g := range d.list("attendees") {
			if g["self"] == true {
				s.respond(c, d, g.text("responseStatus"))
			}
		}
	}
	return answer{200, c.events[d.text("id")].clone()}
}

func onlySelf(d, p doc) []any {
	var out []any
	for _, g := range d.list("attendees") {
		for _, mine := range p.list("attendees") {
			if g["self"] == true && mine.text("email") == g.text("email") {
				g["responseStatus"] = mine["responseStatus"]
			}
		}
		out = append(out, map[string]any(g))
	}
	return out
}

// validID is Google's rule for ids that clients choose.
func validID(id string) bool {
	return len(id) >= 5 && len(id) <= 1024 && strings.Trim(id, "0123456789abcdefghijklmnopqrstuv") == ""
}

func (s *Server) insert(c *calendar, who access, body []byte) answer {
	var d doc
	if json.Unmarshal(body, &d) != nil {
		return refuse(400, "parseError", "Parse Error")
	}
	s.seq++
	id := d.text("id")
	if id == "" {
		id = fmt.Sprintf("generated%d", s.seq)
		d["id"] = id
	}
	if !validID(id) {
		return refuse(400, "invalid", "Invalid resource id value.")
	}
	if _, taken := c.events[id]; taken {
		return refuse(409, "duplicate", "The requested identifier already exists.")
	}
	if a := c.valid(d); a.status != 0 {
		return a
	}
	if len(d.list("attendees")) > 0 && who.subject == "" {
		return refuse(403, "forbiddenForServiceAccounts", "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.")
	}
	creator := Account
	if who.subject != "" {
		creator = who.subject
	}
	d["creator"] = doc{"email": creator}
	d["organizer"] = doc{"email": c.id, "self": true}
	d["created"] = s.clock().Truncate(time.Second).Format(stampLayout)
	s.store(c, d)
	s.propagate(c, d)
	return answer{200, c.events[id].clone()}
}

// valid checks the times.
func (c *calendar) valid(d doc) answer {
	if d.text("status") == "cancelled" {
		return answer{}
	}
	from, to, ok := c.span(d)
	if !ok || (d.sub("start")["date"] == nil) != (d.sub("end")["date"] == nil) {
		return refuse(400, "invalid", "Start and end times must either both be date or both be dateTime.")
	}
	if to.Before(from) {
		return refuse(400, "timeRangeEmpty", "The specified time range is empty.")
	}
	return answer{}
}
