package graphtest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// deltaState is what a link of a delta holds.
type deltaState struct {
	Mailbox  string
	From, To time.Time
	Since    int // what is newer is told
	Seq      int // as far as the round goes
	Skip     int
}

var pageForm = regexp.MustCompile(`odata\.maxpagesize=(\d+)`)

// delta answers calendarView/delta: whole events, stubs of occurrences, and @removed for what is gone or
// lies outside now.
func (s *Server) delta(q *query, b *mailbox) reply {
	for k := range q.values {
		if !slices.Contains([]string{"startDateTime", "endDateTime", "$deltatoken", "$skiptoken"}, k) {
			return fail(http.StatusBadRequest, "ErrorInvalidUrlQuery", "The following parameters are not supported with change tracking over the 'CalendarView' resource: '"+k+"'.")
		}
	}
	var d deltaState
	token := q.values.Get("$deltatoken") + q.values.Get("$skiptoken")
	if token == "" {
		from, to, bad := q.span()
		if bad != nil {
			return *bad
		}
		d = deltaState{Mailbox: q.mailbox, From: from, To: to, Since: -1, Seq: s.seq}
	} else {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || json.Unmarshal(raw, &d) != nil || d.Mailbox != q.mailbox {
			return fail(http.StatusBadRequest, "ErrorInvalidUrlQuery", "The delta token is malformed.")
		}
		if d.Seq < b.forgotten {
			return fail(http.StatusGone, "SyncStateNotFound", "The sync state generation is not found; please start a full synchronisation.")
		}
		if q.values.Has("$deltatoken") {
			d.Since, d.Seq, d.Skip = d.Seq, s.seq, 0
		}
	}
	size := 10
	if m := pageForm.FindStringSubmatch(q.header.Get("Prefer")); m != nil {
		size, _ = atoi(m[1])
	}
	if s.Quirks.PageSize > 0 {
		size = min(size, s.Quirks.PageSize)
	}
	all := s.since(b, d)
	out := map[string]any{"value": append([]map[string]any{}, all[min(d.Skip, len(all)):min(d.Skip+size, len(all))]...)}
	if d.Skip+size < len(all) {
		d.Skip += size
		out["@odata.nextLink"] = s.deltaLink(q, "$skiptoken", d)
	} else {
		d.Skip = 0
		out["@odata.deltaLink"] = s.deltaLink(q, "$deltatoken", d)
	}
	return send(http.StatusOK, out)
}

func (s *Server) deltaLink(q *query, name string, d deltaState) string {
	raw, err := json.Marshal(d)
	return s.graph.URL + "/v1.0" + q.call.Path + "?" + url.Values{name: {base64.RawURLEncoding.EncodeToString(must(raw, err))}}.Encode()
}

// since returns what has changed, each item once.
func (s *Server) since(b *mailbox, d deltaState) []map[string]any {
	var out []map[string]any
	seen := map[string]bool{}
	for _, c := range b.changes {
		if c.seq <= d.Since || c.seq > d.Seq || seen[c.id] {
			continue
		}
		seen[c.id] = true
		i := b.items[c.id]
		var list []*item
		if i != nil {
			list = i.occurrences(d.From, d.To)
		}
		switch {
		case len(list) == 0 && d.Since >= 0:
			out = append(out, map[string]any{"id": c.id, "@removed": map[string]any{"reason": "deleted"}})
		case len(list) == 0:
		case i.rec == nil:
			out = append(out, s.render(i, nil, nil))
		default:
			out = append(out, s.render(i, nil, nil))
			for _, o := range list {
				stub := s.render(o, nil, []string{"id", "type", "seriesMasterId", "start", "end"})
				delete(stub, "@odata.etag")
				out = append(out, stub)
			}
		}
	}
	return out
}

// batch answers its requests, the last one first.
func (s *Server) batch(q *query) reply {
	var body struct {
		Requests []struct {
			ID      string            `json:"id"`
			Method  string            `json:"method"`
			URL     string            `json:"url"`
			Headers map[string]string `json:"headers"`
		} `json:"requests"`
	}
	if !strict(q.body, &body) || q.method != http.MethodPost || len(body.Requests) == 0 {
		return fail(http.StatusBadRequest, "BadRequest", "Invalid batch payload format.")
	}
	if len(body.Requests) > 20 {
		return fail(http.StatusBadRequest, "MaximumValueExceeded", "Number of batch request steps exceeds the maximum value of 20.")
	}
	ids := map[string]bool{}
	list := []map[string]any{}
	for _, r := range slices.Backward(body.Requests) {
		if ids[r.ID] || !strings.HasPrefix(r.URL, "/") {
			return fail(http.StatusBadRequest, "BadRequest", "Invalid batch payload format.")
		}
		ids[r.ID] = true
		h := http.Header{"Authorization": q.header["Authorization"]}
		for k, v := range r.Headers {
			h.Set(k, v)
		}
		u, err := url.Parse("/v1.0" + r.URL)
		if err != nil {
			return fail(http.StatusBadRequest, "BadRequest", "Invalid batch payload format.")
		}
		part, ok := parseQuery(r.Method, u, h, nil)
		if !ok || part.path[0] == "$batch" {
			return fail(http.StatusBadRequest, "BadRequest", "Invalid batch payload format.")
		}
		part.call.InBatch = true
		s.mu.Unlock()
		out := s.answer(part, 1)
		s.mu.Lock()
		if out.drop {
			continue
		}
		headers := map[string]any{}
		for k := range out.header {
			headers[k] = out.header.Get(k)
		}
		entry := map[string]any{"id": r.ID, "status": out.status, "headers": headers}
		if json.Valid(out.body) {
			entry["body"] = json.RawMessage(out.body)
		} else if len(out.body) > 0 {
			entry["body"] = base64.StdEncoding.EncodeToString(out.body)
		}
		list = append(list, entry)
	}
	return send(http.StatusOK, map[string]any{"responses": list})
}
