package googletest

import (
	"encoding/json"
	"fmt"
	"net/http"
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
		return answer{200, garble(visible(d, role))}
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
