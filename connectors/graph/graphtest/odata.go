package graphtest

import (
	"cmp"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// allProps asks for every extended property.
var allProps = regexp.MustCompile("")

// windowsName returns the name that Graph writes for a zone.
func windowsName(l *time.Location) string {
	switch l.String() {
	case "Europe/Zurich":
		return "W. Europe Standard Time"
	case "America/New_York":
		return "Eastern Standard Time"
	}
	return l.String()
}

// render writes an event. Props says which extended properties were expanded, nil for none; fields which
// were selected, nil for all.
func (s *Server) render(i *item, props *regexp.Regexp, fields []string) map[string]any {
	dt := func(t time.Time) map[string]any {
		if i.broken {
			return map[string]any{"dateTime": "tomorrow", "timeZone": "UTC"}
		}
		return map[string]any{"dateTime": t.UTC().Format("2006-01-02T15:04:05.0000000"), "timeZone": "UTC"}
	}
	all := map[string]any{
		"id": i.id, "changeKey": i.changeKey(), "iCalUId": i.uid, "type": i.kind, "subject": i.subject,
		"start": dt(i.start), "end": dt(i.end), "isAllDay": i.allDay, "isCancelled": i.cancelled,
		"sensitivity": i.sensitivity, "showAs": i.showAs, "isOrganizer": i.organizer,
		"organizer":       map[string]any{"emailAddress": map[string]any{"name": i.orgName, "address": i.orgAddr}},
		"createdDateTime": stampText(i.created), "lastModifiedDateTime": stampText(i.modified),
		"hasAttachments": slices.ContainsFunc(i.files, func(a Attachment) bool { return !a.Inline }),
		"responseStatus": map[string]any{"response": i.response, "time": "0001-01-01T00:00:00Z"}, "responseRequested": !i.noResponse,
		"originalStartTimeZone": windowsName(i.zone), "originalEndTimeZone": windowsName(i.zone), "seriesMasterId": nil,
		"transactionId": nil, "categories": append([]string{}, i.categories...), "isReminderOn": false, "webLink": "https://outlook.example/x",
		"body": map[string]any{"contentType": "html", "content": "<html><body>words of the body</body></html>"}, "bodyPreview": "words of the body",
		"somethingNew": map[string]any{"nested": []int{1}}, "recurrence": nil,
	}
	if i.noZone {
		all["originalStartTimeZone"] = nil
	}
	if i.masterID != "" {
		all["seriesMasterId"], all["originalStart"] = i.masterID, i.original.UTC().Format(time.RFC3339)
	}
	if i.transaction != "" {
		all["transactionId"] = i.transaction
	}
	people := []map[string]any{}
	for _, a := range i.attendees {
		people = append(people, map[string]any{
			"type": a.Type, "status": map[string]any{"response": a.Response, "time": "0001-01-01T00:00:00Z"},
			"emailAddress": map[string]any{"name": a.Name, "address": a.Address},
		})
	}
	all["attendees"] = people
	out := map[string]any{"@odata.etag": i.etag(), "id": i.id}
	for k, v := range all {
		if fields == nil || slices.Contains(fields, k) {
			out[k] = v
		}
	}
	if props != nil {
		var list []map[string]any
		for _, id := range slices.Sorted(maps.Keys(i.props)) {
			if props.MatchString(strings.ToLower(id)) {
				list = append(list, map[string]any{"id": id, "value": i.props[id]})
			}
		}
		if list != nil {
			out["singleValueExtendedProperties"] = list
		}
	}
	return out
}

func stampText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }

// options are the query options of a request for events.
type options struct {
	fields []string
	props  *regexp.Regexp
	top    int
	skip   int
}

var (
	expandForm = regexp.MustCompile(`^singleValueExtendedProperties\(\$filter=(.*)\)$`)
	idForm     = regexp.MustCompile(`^id eq '(String \{[0-9a-fA-F-]{36}\} Name \w+)'$`)
	filterForm = regexp.MustCompile(`^singleValueExtendedProperties/Any\(ep: ep/id eq '(String \{[0-9a-fA-F-]{36}\} Name \w+)' and ep/value eq '([\w-]+)'\)$`)
)

// options reads the options and refuses those that the request does not know, as Graph does.
func (q *query) options(known ...string) (options, *reply) {
	o := options{top: 10}
	bad := func(what string) *reply {
		r := fail(http.StatusBadRequest, "ErrorInvalidUrlQuery", "The query parameter '"+what+"' is not understood.")
		return &r
	}
	for k := range q.values {
		if !slices.Contains(known, k) {
			return o, bad(k)
		}
	}
	if v := q.values.Get("$select"); v != "" {
		o.fields = strings.Split(v, ",")
	}
	if v := q.values.Get("$expand"); v != "" {
		m := expandForm.FindStringSubmatch(v)
		if m == nil {
			return o, bad("$expand")
		}
		var ids []string
		for _, part := range strings.Split(m[1], " or ") {
			id := idForm.FindStringSubmatch(part)
			if id == nil {
				return o, bad("$expand")
			}
			ids = append(ids, regexp.QuoteMeta(strings.ToLower(id[1])))
		}
		o.props = regexp.MustCompile("^(" + strings.Join(ids, "|") + ")$")
	}
	var err error
	for name, into := range map[string]*int{"$top": &o.top, "$skip": &o.skip} {
		if v := q.values.Get(name); v != "" {
			if *into, err = atoi(v); err != nil || *into < 0 || *into > 1000 && name == "$top" {
				return o, bad(name)
			}
		}
	}
	return o, nil
}

// paged cuts one page out of all events and names the next one.
func (s *Server) paged(q *query, o options, all []*item) reply {
	size := o.top
	if s.Quirks.PageSize > 0 {
		size = min(size, s.Quirks.PageSize)
	}
	out := map[string]any{"@odata.context": s.graph.URL + "/v1.0/$metadata#x"}
	list := []map[string]any{}
	for _, i := range all[min(o.skip, len(all)):min(o.skip+size, len(all))] {
		list = append(list, s.render(i, o.props, o.fields))
	}
	if o.skip+size < len(all) {
		v := maps.Clone(q.values)
		v.Set("$skip", itoa(o.skip+size))
		out["@odata.nextLink"] = s.graph.URL + "/v1.0" + q.call.Path + "?" + v.Encode()
	}
	out["value"] = list
	return send(http.StatusOK, out)
}

// span reads startDateTime and endDateTime.
func (q *query) span() (from, to time.Time, bad *reply) {
	from, err1 := time.Parse(time.RFC3339, q.values.Get("startDateTime"))
	to, err2 := time.Parse(time.RFC3339, q.values.Get("endDateTime"))
	if cmp.Or(err1, err2) != nil || !from.Before(to) {
		r := fail(http.StatusBadRequest, "ErrorInvalidParameter", "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.")
		return from, to, &r
	}
	return from, to, nil
}
