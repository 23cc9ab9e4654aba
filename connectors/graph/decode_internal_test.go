package graph

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors"
)

func newDecoder(t testing.TB) *decoder {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	return &decoder{room: connectors.Room{ID: "room@rooms.example", Zone: zone}, warnings: connectors.Warnings{}}
}

// fields writes an event, with some of its fields changed.
func fields(t testing.TB, change map[string]any) json.RawMessage {
	t.Helper()
	m := map[string]any{
		"@odata.etag": `W/"ck"`, "id": "id-1", "changeKey": "ck", "iCalUId": "uid-1", "type": "singleInstance", "subject": "Subject",
		"start":     map[string]any{"dateTime": "2026-11-23T08:00:00.0000000", "timeZone": "UTC"},
		"end":       map[string]any{"dateTime": "2026-11-23T09:00:00.0000000", "timeZone": "UTC"},
		"organizer": map[string]any{"emailAddress": map[string]any{"name": "Ada", "address": "ada@people.example"}},
		"isAllDay":  false, "sensitivity": "normal", "showAs": "busy", "isOrganizer": false, "seriesMasterId": nil,
		"createdDateTime": "2026-11-01T08:00:00.1234567Z", "lastModifiedDateTime": "2026-11-02T08:00:00Z",
		"responseStatus": map[string]any{"response": "accepted", "time": nil}, "unknown": []any{1, map[string]any{"a": nil}},
	}
	for k, v := range change {
		m[k] = v
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func at(s, zone string) map[string]any { return map[string]any{"dateTime": s, "timeZone": zone} }

func TestDecode(t *testing.T) {
	t.Parallel()
	nine := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	plain := connectors.Event{
		Key: "id-1", Series: "uid-1", Rev: "ck", From: nine, To: nine.Add(time.Hour), Subject: "Subject", Organizer: "Ada", OrganizerAddr: "ada@people.example",
		Created: time.Date(2026, 11, 1, 8, 0, 0, 123456700, time.UTC), Written: time.Date(2026, 11, 1, 8, 0, 0, 123456700, time.UTC),
	}
	with := func(f func(*connectors.Event)) *connectors.Event { e := plain; f(&e); return &e }
	private := with(func(e *connectors.Event) { e.Hide() })
	day := when.Date{Year: 2026, Month: 11, Day: 24}
	whole := with(func(e *connectors.Event) {
		e.AllDay, e.FirstDay, e.EndDay = true, day, day.Add(1)
		e.From, e.To = time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)
	})
	props := func(pairs ...string) (out []map[string]any) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, map[string]any{"id": pairs[i], "value": pairs[i+1]})
		}
		return out
	}
	for name, tt := range map[string]struct {
		change map[string]any
		want   *connectors.Event // nil: it does not stand
	}{
		"plain":            {nil, &plain},
		"private":          {map[string]any{"sensitivity": "private"}, private},
		"confidential":     {map[string]any{"sensitivity": "confidential"}, private},
		"personal":         {map[string]any{"sensitivity": "Personal"}, private},
		"a new secrecy":    {map[string]any{"sensitivity": "topSecret"}, private},
		"cancelled":        {map[string]any{"isCancelled": true}, nil},
		"declined":         {map[string]any{"responseStatus": map[string]any{"response": "declined"}}, nil},
		"master":           {map[string]any{"type": "seriesMaster"}, nil},
		"free":             {map[string]any{"showAs": "free"}, with(func(e *connectors.Event) { e.Free = true })},
		"tentative":        {map[string]any{"showAs": "tentative"}, with(func(e *connectors.Event) { e.Tentative = true })},
		"tentative answer": {map[string]any{"responseStatus": map[string]any{"response": "tentativelyAccepted"}}, with(func(e *connectors.Event) { e.Tentative = true })},
		"elsewhere":        {map[string]any{"showAs": "workingElsewhere"}, &plain},
		"with files":       {map[string]any{"hasAttachments": true}, with(func(e *connectors.Event) { e.HasImage = true })},
		"no subject":       {map[string]any{"subject": nil}, with(func(e *connectors.Event) { e.Subject = "" })},
		"no organizer":     {map[string]any{"organizer": nil}, with(func(e *connectors.Event) { e.Organizer, e.OrganizerAddr = "", "" })},
		"no uid":           {map[string]any{"iCalUId": nil}, with(func(e *connectors.Event) { e.Series = "id-1" })},
		"no dates of making": {map[string]any{"createdDateTime": "0001-01-01T00:00:00Z"}, with(func(e *connectors.Event) {
			e.Created, e.Written = time.Time{}, time.Time{}
		})},
		"the room's own": {map[string]any{"isOrganizer": true}, with(func(e *connectors.Event) { e.Mine, e.Organizer, e.OrganizerAddr = true, "", "" })},
		"ours": {map[string]any{"isOrganizer": true, "singleValueExtendedProperties": props(strings.ToLower(propToken), "tok", propOrganizer, "Grace", propCheckIn, "2026-11-23T08:03:00Z")},
			with(func(e *connectors.Event) {
				e.Mine, e.Token, e.Organizer, e.OrganizerAddr = true, "tok", "Grace", ""
				e.CheckedIn = time.Date(2026, 11, 23, 8, 3, 0, 0, time.UTC)
			})},
		"extended by us": {map[string]any{"singleValueExtendedProperties": props(propExtended, "1")}, with(func(e *connectors.Event) {
			e.Written = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
		})},
		"times of a Windows zone": {map[string]any{"start": at("2026-11-23T09:00:00", "W. Europe Standard Time"), "end": at("2026-11-23T10:00:00.0000000", "W. Europe Standard Time")}, &plain},
		"occurrence": {map[string]any{"type": "occurrence", "seriesMasterId": "m-1", "iCalUId": "other", "originalStart": "2026-11-23T08:00:00Z"}, with(func(e *connectors.Event) {
			e.Series, e.Occurrence = "m-1", "20261123T080000Z"
		})},
		"occurrence without original start": {map[string]any{"type": "occurrence", "seriesMasterId": "m-1"}, with(func(e *connectors.Event) {
			e.Series, e.Occurrence = "m-1", "20261123T080000Z"
		})},
		"exception": {map[string]any{"type": "exception", "seriesMasterId": "m-1", "originalStart": "2026-11-20T08:00:00Z"}, with(func(e *connectors.Event) {
			e.Series, e.Occurrence = "m-1", "20261120T080000Z"
		})},
		"exception without original start": {map[string]any{"type": "exception", "seriesMasterId": "m-1"}, &plain},
		"whole day in UTC":                 {map[string]any{"isAllDay": true, "start": at("2026-11-24T00:00:00", "UTC"), "end": at("2026-11-25T00:00:00", "UTC")}, whole},
		"whole day of its own zone": {map[string]any{
			"isAllDay": true, "start": at("2026-11-24T00:00:00", "Tokyo Standard Time"), "end": at("2026-11-25T00:00:00", "Tokyo Standard Time"),
		}, whole},
		"whole day of its own zone, written in UTC": {map[string]any{
			"isAllDay": true, "originalStartTimeZone": "Tokyo Standard Time",
			"start": at("2026-11-23T15:00:00", "UTC"), "end": at("2026-11-24T15:00:00", "UTC"),
		}, whole},
		"whole day of the room's zone, written in UTC": {map[string]any{
			"isAllDay": true, "start": at("2026-11-23T23:00:00", "UTC"), "end": at("2026-11-24T23:00:00", "UTC"),
		}, whole},
		"whole day of no zone that is known": {map[string]any{
			"isAllDay": true, "originalStartTimeZone": "tzone://Microsoft/Custom",
			"start": at("2026-11-23T20:00:00", "UTC"), "end": at("2026-11-24T20:00:00", "UTC"),
		}, whole},
		"whole day without length": {map[string]any{"isAllDay": true, "start": at("2026-11-24T00:00:00", "UTC"), "end": at("2026-11-24T00:00:00", "UTC")}, whole},
		"whole day of a series": {map[string]any{
			"isAllDay": true, "type": "occurrence", "seriesMasterId": "m-1", "originalStart": "2026-11-24T00:00:00Z",
			"start": at("2026-11-24T00:00:00", "UTC"), "end": at("2026-11-25T00:00:00", "UTC"),
		}, func() *connectors.Event { e := *whole; e.Series, e.Occurrence = "m-1", "20261124"; return &e }()},
	} {
		d := newDecoder(t)
		got, stands, err := d.decode(fields(t, tt.change))
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case stands != (tt.want != nil):
			t.Errorf("%s: stands is %v", name, stands)
		case stands:
			if diff := cmp.Diff(*tt.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if len(d.warnings) > 0 {
			t.Errorf("%s: %v", name, d.warnings)
		}
	}
}

func TestDecodeBroken(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]json.RawMessage{
		"no object":      json.RawMessage(`"x"`),
		"null":           json.RawMessage(`null`),
		"no id":          fields(t, map[string]any{"id": ""}),
		"no start":       fields(t, map[string]any{"start": nil}),
		"bad start":      fields(t, map[string]any{"start": at("tomorrow", "UTC")}),
		"start of type":  fields(t, map[string]any{"start": 7}),
		"ends too early": fields(t, map[string]any{"end": at("2026-11-23T07:00:00", "UTC")}),
		"year nought":    fields(t, map[string]any{"start": at("0001-01-01T00:00:00", "UTC")}),
	} {
		if e, _, err := newDecoder(t).decode(raw); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
	d := newDecoder(t)
	e, _, err := d.decode(fields(t, map[string]any{"start": at("2026-11-23T09:00:00", "Nowhere"), "end": at("2026-11-23T10:00:00", "Nowhere")}))
	if err != nil || e.From.Hour() != 8 || fmt.Sprint(d.warnings.List()) != "[{calendar.warning.zone_unknown 2 Nowhere}]" {
		t.Errorf("%+v, %v, %v", e, d.warnings.List(), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(fields(f, nil)))
	f.Add([]byte(fields(f, map[string]any{"isAllDay": true, "type": "exception", "seriesMasterId": "m", "originalStart": "2026-11-23T08:00:00Z"})))
	f.Add([]byte(fields(f, map[string]any{"sensitivity": "private"})))
	f.Add([]byte(`{"id":"x","start":{"dateTime":"9999-12-31T23:59:59.9999999","timeZone":"Pacific Standard Time"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, stands, err := newDecoder(t).decode(raw)
		if err != nil || !stands {
			return
		}
		if e.Key == "" || e.Series == "" || e.To.Before(e.From) || e.From.Location() != time.UTC {
			t.Errorf("%+v", e)
		}
		if e.Private && e.Subject+e.Organizer+e.OrganizerAddr != "" {
			t.Errorf("a private word shows: %+v", e)
		}
		if e.AllDay && (!e.FirstDay.Before(e.EndDay) || e.From.IsZero()) {
			t.Errorf("%+v", e)
		}
	})
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"responses":[{"id":"1","status":200,"headers":{"Retry-After":"3"},"body":{"value":[]}},{"id":"0","status":429,"headers":{"Retry-After":30}}]}`), 2)
	f.Add([]byte(`{"responses":[{"id":"7","status":200},{"id":"0","status":99},{"id":"x"},5,null,{"id":"0","status":204,"headers":{"a":["b"]}}]}`), 3)
	f.Add([]byte(`{"responses":null}`), 1)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		n = min(max(n, 0), batchSize)
		parts, err := parseBatch(body, n)
		if err != nil {
			return
		}
		if len(parts) != n {
			t.Fatalf("%d parts, want %d", len(parts), n)
		}
		for _, p := range parts {
			if p == nil {
				continue
			}
			if p.status < 100 || p.status > 599 {
				t.Errorf("status %d", p.status)
			}
			if d := quiet(p.status, p.header, time.Unix(1_800_000_000, 0)); d < 0 || d > 24*time.Hour {
				t.Errorf("silence of %v", d)
			}
			_, _ = parsePage("op", p.body)
		}
	})
}

// Whatever a system says, it comes out as one short line without addresses, long tokens or our secret.
func FuzzWords(f *testing.F) {
	f.Add("ErrorAccessDenied", "Access to ada@people.example was denied\nby eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9eyJhdWQiOiJodHRwczovL2xvZ2luIn0, planted-secret")
	f.Add("x", strings.Repeat("ü", 500))
	f.Add("a@b", "planted-secretplanted-secret \xff")
	address := regexp.MustCompile(`\w@\w`)
	f.Fuzz(func(t *testing.T, code, message string) {
		s := connectors.Words(code+": "+message, secret.New("planted-secret"))
		if strings.Contains(s, "planted-secret") || strings.ContainsAny(s, "\r\n") || len([]rune(s)) > 201 {
			t.Errorf("%q", s)
		}
		if address.MatchString(s) {
			t.Errorf("an address shows in %q", s)
		}
		if p := plain(code); len(p) > 60 || strings.ContainsAny(p, " @\n") {
			t.Errorf("%q", p)
		}
	})
}

func TestFailure(t *testing.T) {
	t.Parallel()
	c := &Conn{}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	body := func(code string) []byte {
		return []byte(`{"error":{"code":"` + code + `","message":"Not for ada@people.example."}}`)
	}
	for name, tt := range map[string]struct {
		status int
		body   []byte
		kind   connectors.Kind
		cure   string
	}{
		"scope":             {403, body("ErrorAccessDenied"), connectors.Forbidden, "graph_access"},
		"a proxy's 403":     {403, []byte("<html>"), connectors.Forbidden, "forbidden"},
		"no mailbox":        {404, body("ErrorInvalidUser"), connectors.Gone, "graph_no_mailbox"},
		"on-premises":       {404, body("MailboxNotEnabledForRESTAPI"), connectors.Gone, "graph_no_mailbox"},
		"no event":          {404, body("ErrorItemNotFound"), connectors.NotFound, "gone"},
		"deleted":           {400, body("ErrorCalendarOccurrenceIsDeletedFromRecurrence"), connectors.NotFound, "gone"},
		"changed":           {412, body("ErrorIrresolvableConflict"), connectors.Conflict, "conflict"},
		"transaction":       {409, body("ErrorDuplicateTransactionId"), connectors.Conflict, "conflict"},
		"moving":            {400, body("ErrorMailboxMoveInProgress"), connectors.Transient, "transient"},
		"request not right": {400, body("ErrorInvalidRequest"), connectors.Invalid, "invalid"},
		"token":             {401, body("InvalidAuthenticationToken"), connectors.Auth, "graph_token"},
	} {
		err := c.failure("op", "room", answer{tt.status, http.Header{}, tt.body, now})
		if connectors.KindOf(err) != tt.kind || connectors.CureOf(err) != "calendar.cure."+tt.cure {
			t.Errorf("%s: %v, %s", name, err, connectors.CureOf(err))
		}
		if strings.Contains(connectors.SaidOf(err)+err.Error(), "people.example") {
			t.Errorf("%s: an address shows: %s", name, connectors.SaidOf(err))
		}
	}
}
