package graphtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func atoi(s string) (int, error) { return strconv.Atoi(s) }
func itoa(n int) string          { return strconv.Itoa(n) }

// handle answers a request as Graph does. The caller holds the lock.
func (s *Server) handle(q *query) reply {
	if q.path == nil {
		return s.token(q)
	}
	s.decide()
	if !s.signedIn(q) {
		return fail(http.StatusUnauthorized, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	}
	switch {
	case q.path[0] == "$batch":
		return s.batch(q)
	case q.path[0] == "places":
		return s.places(q)
	case q.path[0] != "users" || len(q.path) < 3:
		return fail(http.StatusBadRequest, "BadRequest", "Resource not found for the segment '"+q.path[0]+"'.")
	}
	b := s.boxes[q.mailbox]
	switch {
	case b == nil:
		return fail(http.StatusNotFound, "ErrorInvalidUser", "The requested user '"+q.mailbox+"' is invalid.")
	case !b.scoped && !s.Quirks.OpenScope:
		return fail(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	case s.Now().Before(b.throttled):
		r := fail(http.StatusTooManyRequests, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
		r.header.Set("Retry-After", itoa(int((b.throttled.Sub(s.Now())+time.Second-1)/time.Second)))
		return r
	case s.Quirks.ReadOnly && q.method != http.MethodGet:
		return fail(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	}
	if !strings.Contains(q.header.Get("Prefer"), `IdType="ImmutableId"`) || !strings.Contains(q.header.Get("Prefer"), `outlook.timezone="UTC"`) {
		return fail(http.StatusBadRequest, "ErrorInvalidRequest", "This fake answers only in UTC and with immutable ids.")
	}
	switch route := q.method + " " + strings.Join(q.path[2:min(4, len(q.path))], "/"); {
	case len(q.path) == 3 && route == "GET calendar":
		return send(http.StatusOK, map[string]any{
			"id": "AAMkcalendar", "name": "Calendar", "owner": map[string]any{"name": b.name, "address": b.address},
		})
	case len(q.path) == 3 && route == "GET calendarView":
		return s.calendarView(q, b.listed())
	case len(q.path) == 4 && route == "GET calendarView/delta":
		return s.delta(q, b)
	case len(q.path) == 4 && route == "GET calendar/events":
		return s.filtered(q, b.listed())
	case len(q.path) == 4 && route == "POST calendar/events":
		return s.create(q, b)
	case len(q.path) >= 4 && q.path[2] == "events":
		return s.event(q, b)
	}
	return fail(http.StatusBadRequest, "BadRequest", "Resource not found for the segment.")
}

func (s *Server) calendarView(q *query, b *mailbox) reply {
	o, bad := q.options("startDateTime", "endDateTime", "$top", "$skip", "$select", "$expand")
	if bad != nil {
		return *bad
	}
	from, to, bad := q.span()
	if bad != nil {
		return *bad
	}
	return s.paged(q, o, b.view(from, to))
}

// filtered answers a filter by an extended property.
func (s *Server) filtered(q *query, b *mailbox) reply {
	o, bad := q.options("$filter", "$top", "$skip", "$select", "$expand")
	if bad != nil {
		return *bad
	}
	m := filterForm.FindStringSubmatch(q.values.Get("$filter"))
	if m == nil {
		return fail(http.StatusBadRequest, "ErrorInvalidUrlQueryFilter", "The filter is not understood.")
	}
	var found []*item
	for _, i := range b.items {
		for id, v := range i.props {
			if strings.EqualFold(id, m[1]) && v == m[2] {
				found = append(found, i)
			}
		}
	}
	return s.paged(q, o, found)
}

// event answers what concerns one event.
func (s *Server) event(q *query, b *mailbox) reply {
	i, master := b.find(q.path[3])
	if i == nil {
		return fail(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store.")
	}
	if m := q.header.Get("If-Match"); m != "" && m != i.etag() && !s.Quirks.IgnoreIfMatch {
		return fail(http.StatusPreconditionFailed, "ErrorIrresolvableConflict", "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.")
	}
	rest := strings.Join(q.path[4:], "/")
	switch {
	case q.method == http.MethodGet && rest == "":
		o, bad := q.options("$select", "$expand")
		if bad != nil {
			return *bad
		}
		return send(http.StatusOK, s.render(i, o.props, o.fields))
	case q.method == http.MethodPatch && rest == "":
		return s.update(q, b, i, master)
	case q.method == http.MethodDelete && rest == "":
		s.remove(b, i, master)
		s.tellRooms(b, i, true)
		return reply{status: http.StatusNoContent}
	case q.method == http.MethodPost && rest == "decline":
		return s.decline(q, b, i, master)
	case q.method == http.MethodGet && strings.HasPrefix(rest, "attachments"):
		return s.attachments(q, i)
	}
	return fail(http.StatusBadRequest, "BadRequest", "Resource not found for the segment.")
}

func (s *Server) remove(b *mailbox, i, master *item) {
	if master == nil {
		s.drop(b, i)
		return
	}
	key := i.original.UTC().Format(stampLayout)
	master.deleted[key] = true
	delete(master.exceptions, key)
	s.touch(b, master)
}

func (s *Server) decline(q *query, b *mailbox, i, master *item) reply {
	var body struct {
		SendResponse *bool   `json:"sendResponse"`
		Comment      *string `json:"comment"`
	}
	if !strict(q.body, &body) {
		return fail(http.StatusBadRequest, "RequestBodyRead", "The body is not understood.")
	}
	switch {
	case i.organizer:
		return fail(http.StatusBadRequest, "ErrorInvalidRequest", "Your request can't be completed. You can't respond to this meeting because you're the meeting organizer.")
	case i.noResponse && (body.SendResponse == nil || *body.SendResponse):
		return fail(http.StatusBadRequest, "ErrorInvalidRequest", "Your request can't be completed. The meeting organizer hasn't requested a response.")
	}
	s.remove(b, i, master)
	return reply{status: http.StatusAccepted}
}

func (s *Server) attachments(q *query, i *item) reply {
	switch {
	case len(q.path) == 5:
		list := []map[string]any{}
		for n, a := range i.files {
			list = append(list, map[string]any{
				"@odata.type": "#microsoft.graph.fileAttachment", "id": "att=" + itoa(n), "name": a.Name,
				"contentType": a.ContentType, "size": len(a.Data) + 200, "isInline": a.Inline,
			})
		}
		return send(http.StatusOK, map[string]any{"value": list})
	case len(q.path) == 7 && q.path[6] == "$value":
		n, err := atoi(strings.TrimPrefix(q.path[5], "att="))
		if err == nil && n >= 0 && n < len(i.files) {
			return reply{status: http.StatusOK, header: http.Header{"Content-Type": {i.files[n].ContentType}}, body: i.files[n].Data}
		}
	}
	return fail(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store.")
}

// strict decodes a body and refuses what it does not know.
func strict(body []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(into) == nil
}

type bodyTime struct {
	DateTime string `json:"dateTime"`
	TimeZone string `json:"timeZone"`
}

// eventBody is what may be written.
type eventBody struct {
	Subject       *string   `json:"subject"`
	Start         *bodyTime `json:"start"`
	End           *bodyTime `json:"end"`
	IsAllDay      *bool     `json:"isAllDay"`
	ShowAs        *string   `json:"showAs"`
	Sensitivity   *string   `json:"sensitivity"`
	IsReminderOn  *bool     `json:"isReminderOn"`
	TransactionID *string   `json:"transactionId"`
	Props         []struct {
		ID    string `json:"id"`
		Value string `json:"value"`
	} `json:"singleValueExtendedProperties"`
	Attendees []struct {
		Type         string `json:"type"`
		EmailAddress struct {
			Name    string `json:"name"`
			Address string `json:"address"`
		} `json:"emailAddress"`
	} `json:"attendees"`
}

var propForm = regexp.MustCompile(`^String \{[0-9a-fA-F-]{36}\} Name \w+$`)

// apply writes a body into an item. It returns an error text.
func (e *eventBody) apply(i *item) string {
	for _, p := range e.Props {
		if !propForm.MatchString(p.ID) {
			return "PropertyId values may only be in one of the following formats"
		}
		// Graph writes a property's set in lower case, whatever was sent.
		set, name, _ := strings.Cut(p.ID, "}")
		i.props["String "+strings.ToLower(strings.TrimPrefix(set, "String "))+"}"+name] = p.Value
	}
	for from, into := range map[*bodyTime]*time.Time{e.Start: &i.start, e.End: &i.end} {
		if from == nil {
			continue
		}
		t, err := time.Parse("2006-01-02T15:04:05", from.DateTime)
		if err != nil || from.TimeZone != "UTC" {
			return "A valid TimeZone value must be specified."
		}
		*into = t
	}
	if e.IsAllDay != nil {
		i.allDay = *e.IsAllDay
	}
	if !i.start.Before(i.end) {
		return "The event's end has to be after its start."
	}
	if midnight := func(t time.Time) bool { return t.In(i.zone).Format("150405") == "000000" }; i.allDay && (!midnight(i.start) || !midnight(i.end)) {
		return "The Event.Start property for an all-day event needs to be set to midnight."
	}
	for v, into := range map[*string]*string{e.Subject: &i.subject, e.ShowAs: &i.showAs, e.Sensitivity: &i.sensitivity} {
		if v != nil {
			*into = *v
		}
	}
	return ""
}

func (s *Server) create(q *query, b *mailbox) reply {
	var body eventBody
	if !strict(q.body, &body) || body.Start == nil || body.End == nil {
		return fail(http.StatusBadRequest, "RequestBodyRead", "The body is not understood.")
	}
	transactionID := ""
	if body.TransactionID != nil {
		transactionID = *body.TransactionID
	}
	if t, ok := b.transactions[transactionID]; ok && transactionID != "" {
		i, _ := b.find(t.id)
		switch {
		case i != nil && t.body == string(q.body) && !s.Quirks.RememberTransactions:
			return send(http.StatusCreated, s.render(i, nil, nil))
		case i != nil || s.Quirks.RememberTransactions:
			return fail(http.StatusConflict, "ErrorDuplicateTransactionId", "The TransactionId has been used before.")
		}
	}
	now := s.stamp()
	i := &item{
		kind: "singleInstance", sensitivity: "normal", showAs: "busy", zone: time.UTC, props: map[string]string{}, transaction: transactionID,
		orgName: b.name, orgAddr: b.address, organizer: true, response: "organizer", created: now,
	}
	if text := body.apply(i); text != "" {
		return fail(http.StatusBadRequest, "ErrorInvalidRequest", text)
	}
	i.id, i.uid = s.newID()
	for _, a := range body.Attendees {
		address := a.EmailAddress.Address
		if known := s.boxes[strings.ToLower(address)]; known != nil {
			address = known.address
		}
		i.attendees = append(i.attendees, attendee{a.Type, a.EmailAddress.Name, address, "none"})
	}
	s.touch(b, i)
	if transactionID != "" {
		b.transactions[transactionID] = transaction{i.id, string(q.body)}
	}
	s.tellRooms(b, i, false)
	return send(http.StatusCreated, s.render(i, nil, nil))
}

func (s *Server) update(q *query, b *mailbox, i, master *item) reply {
	var body eventBody
	if !strict(q.body, &body) || body.TransactionID != nil || body.Attendees != nil {
		return fail(http.StatusBadRequest, "RequestBodyRead", "The body is not understood.")
	}
	after := *i
	after.props = map[string]string{}
	for k, v := range i.props {
		after.props[k] = v
	}
	if text := body.apply(&after); text != "" {
		return fail(http.StatusBadRequest, "ErrorInvalidRequest", text)
	}
	*i = after
	if master != nil {
		i.kind = "exception"
		master.exceptions[i.original.UTC().Format(stampLayout)] = i
		s.touch(b, master)
		i.rev, i.modified = master.rev, master.modified
	} else {
		s.touch(b, i)
	}
	if body.Start != nil || body.End != nil {
		s.tellRooms(b, i, false)
	}
	return send(http.StatusOK, s.render(i, nil, nil))
}

// places lists the rooms of the directory.
func (s *Server) places(q *query) reply {
	if s.Quirks.NoPlaces {
		return fail(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	if len(q.path) != 2 || q.path[1] != "microsoft.graph.room" || q.method != http.MethodGet {
		return fail(http.StatusBadRequest, "BadRequest", "Resource not found for the segment.")
	}
	o, bad := q.options("$top", "$skip", "$select")
	if bad != nil {
		return *bad
	}
	var rooms []*mailbox
	for _, b := range s.boxes {
		if b.room {
			rooms = append(rooms, b)
		}
	}
	slices.SortFunc(rooms, func(a, b *mailbox) int { return strings.Compare(a.address, b.address) })
	size := o.top
	if s.Quirks.PageSize > 0 {
		size = min(size, s.Quirks.PageSize)
	}
	list := []map[string]any{}
	for _, b := range rooms[min(o.skip, len(rooms)):min(o.skip+size, len(rooms))] {
		list = append(list, map[string]any{
			"id": "place-" + b.address, "displayName": b.name, "emailAddress": b.address,
			"building": "Main", "floorNumber": 2, "floorLabel": nil, "capacity": 8,
		})
	}
	out := map[string]any{"value": list}
	if o.skip+size < len(rooms) {
		q.values.Set("$skip", itoa(o.skip+size))
		out["@odata.nextLink"] = s.graph.URL + "/v1.0" + q.call.Path + "?" + q.values.Encode()
	}
	return send(http.StatusOK, out)
}
