package google_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/conntest"
	"lintel/connectors/google"
	"lintel/connectors/google/googletest"
)

// schema is a type in a discovery document.
type schema struct {
	Type       string            `json:"type"`
	Ref        string            `json:"$ref"`
	Format     string            `json:"format"`
	Enum       []string          `json:"enum"`
	Minimum    string            `json:"minimum"`
	Maximum    string            `json:"maximum"`
	Required   bool              `json:"required"`
	Repeated   bool              `json:"repeated"`
	Location   string            `json:"location"`
	Items      *schema           `json:"items"`
	Properties map[string]schema `json:"properties"`
	More       *schema           `json:"additionalProperties"`
	Notes      struct {
		Required []string `json:"required"`
	} `json:"annotations"`
	Description string `json:"description"`
}

type method struct {
	ID         string            `json:"id"`
	HTTP       string            `json:"httpMethod"`
	Path       string            `json:"path"`
	Parameters map[string]schema `json:"parameters"`
	Request    *schema           `json:"request"`
	Scopes     []string          `json:"scopes"`
}

type resource struct {
	Methods   map[string]method   `json:"methods"`
	Resources map[string]resource `json:"resources"`
}

type discovery struct {
	resource
	ServicePath string            `json:"servicePath"`
	Parameters  map[string]schema `json:"parameters"`
	Schemas     map[string]schema `json:"schemas"`
}

// judge holds requests against Google's discovery documents.
type judge struct {
	docs []discovery
	seen map[string]int // calls by method
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	corpus := os.Getenv("LINTEL_CORPUS")
	if corpus == "" {
		t.Skip("LINTEL_CORPUS does not name the folder with Google's discovery documents")
	}
	j := &judge{seen: map[string]int{}}
	for _, name := range []string{"calendar-api.json", "admin-api.json"} {
		b, err := os.ReadFile(filepath.Join(corpus, "google", name))
		if err != nil {
			t.Fatal(err)
		}
		var d discovery
		if err := json.Unmarshal(b, &d); err != nil || len(d.Schemas) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		j.docs = append(j.docs, d)
	}
	return j
}

// find returns the method that a request calls and its path parameters.
func (j *judge) find(verb, path string) (*discovery, *method, map[string]string) {
	for i := range j.docs {
		if m, params := j.docs[i].search(&j.docs[i].resource, verb, strings.TrimPrefix(path, "/")); m != nil {
			return &j.docs[i], m, params
		}
	}
	return nil, nil, nil
}

func (d *discovery) search(r *resource, verb, path string) (*method, map[string]string) {
	for _, m := range r.Methods {
		if m.HTTP != verb {
			continue
		}
		var names []string
		pattern := regexp.MustCompile(`\\\{(\w+)\\\}`).ReplaceAllStringFunc(regexp.QuoteMeta(d.ServicePath+m.Path), func(s string) string {
			names = append(names, strings.Trim(s, `\{}`))
			return `([^/]+)`
		})
		if hit := regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(path); hit != nil {
			params := map[string]string{}
			for i, n := range names {
				params[n], _ = url.PathUnescape(hit[i+1])
			}
			return &m, params
		}
	}
	for _, sub := range r.Resources {
		if m, params := d.search(&sub, verb, path); m != nil {
			return m, params
		}
	}
	return nil, nil
}

// check returns what is wrong with a request.
func (j *judge) check(c googletest.Call) (problems []string) {
	d, m, params := j.find(c.Method, c.URL.EscapedPath())
	if m == nil {
		return []string{"no such method"}
	}
	j.seen[m.ID]++
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for name, values := range c.URL.Query() {
		p, ok := m.Parameters[name]
		if !ok || p.Location != "query" {
			if p, ok = d.Parameters[name]; !ok {
				bad("unknown parameter %s", name)
				continue
			}
		}
		if len(values) != 1 && !p.Repeated {
			bad("%s is repeated", name)
		}
		for _, v := range values {
			if why := scalar(p, v); why != "" {
				bad("%s: %s", name, why)
			}
		}
	}
	for name, p := range m.Parameters {
		if p.Required && p.Location == "path" && params[name] == "" || p.Required && p.Location == "query" && !c.URL.Query().Has(name) {
			bad("%s is missing", name)
		}
	}
	if m.Request == nil {
		if c.Body != "" {
			bad("a body that nobody asked for")
		}
		return problems
	}
	var body any
	if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
		return append(problems, "the body is no JSON")
	}
	d.value(*m.Request, "body", body, m.HTTP == "PATCH", bad)
	if fields, ok := body.(map[string]any); ok {
		for name, p := range d.Schemas[m.Request.Ref].Properties {
			if slices.Contains(p.Notes.Required, m.ID) && fields[name] == nil {
				bad("%s is required", name)
			}
		}
	}
	return problems
}

func scalar(p schema, v string) string {
	switch p.Type {
	case "boolean":
		if v != "true" && v != "false" {
			return "is no boolean"
		}
	case "integer":
		n, err := strconv.Atoi(v)
		low, _ := strconv.Atoi(p.Minimum)
		high, errHigh := strconv.Atoi(p.Maximum)
		if err != nil || p.Minimum != "" && n < low || errHigh == nil && n > high {
			return "is no integer within bounds"
		}
	case "string":
		if len(p.Enum) > 0 && !slices.Contains(p.Enum, v) {
			return "is not among the values"
		}
		if p.Format == "date-time" {
			if _, err := time.Parse(time.RFC3339, v); err != nil {
				return "is no time"
			}
		}
		if p.Format == "date" {
			if _, err := time.Parse(time.DateOnly, v); err != nil {
				return "is no date"
			}
		}
	}
	return ""
}

// value holds a JSON value against a schema. A patch may say null.
func (d *discovery) value(s schema, path string, v any, patch bool, bad func(string, ...any)) {
	if s.Ref != "" {
		ref, ok := d.Schemas[s.Ref]
		if !ok {
			bad("%s: no schema %s", path, s.Ref)
			return
		}
		s = ref
	}
	switch x := v.(type) {
	case nil:
		if !patch {
			bad("%s is null", path)
		}
	case map[string]any:
		if s.Type != "object" {
			bad("%s is an object", path)
			return
		}
		for k, y := range x {
			p, ok := s.Properties[k]
			if !ok && s.More != nil {
				p, ok = *s.More, true
			}
			if !ok {
				bad("%s.%s is not in the schema", path, k)
				continue
			}
			d.value(p, path+"."+k, y, patch, bad)
		}
	case []any:
		if s.Type != "array" {
			bad("%s is an array", path)
			return
		}
		for i, y := range x {
			d.value(*s.Items, fmt.Sprint(path, "[", i, "]"), y, false, bad)
		}
	case string:
		if s.Type != "string" {
			bad("%s is a string", path)
		} else if why := scalar(s, x); why != "" {
			bad("%s %s", path, why)
		}
		// Values that only the description lists.
		if listed := regexp.MustCompile(`- "(\w+)" - `).FindAllStringSubmatch(s.Description, -1); listed != nil && s.Enum == nil {
			if !slices.ContainsFunc(listed, func(m []string) bool { return m[1] == x }) {
				bad("%s is none of the listed values", path)
			}
		}
	case bool:
		if s.Type != "boolean" {
			bad("%s is a boolean", path)
		}
	case float64:
		if s.Type != "integer" && s.Type != "number" {
			bad("%s is a number", path)
		}
	}
}

// Every request that the connector can send is one that Google's own description allows.
func TestRequestsAgainstDiscovery(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	var calls []googletest.Call
	for _, invite := range []bool{false, true} {
		s := start(t, googletest.Options{PageSize: 2, Delegated: map[string][]string{
			"booker@example.com": {googletest.ScopeWrite},
		}})
		s.AddUser("booker@example.com")
		for i := range 3 {
			s.AddRoom(fmt.Sprintf("c_%d@resource.calendar.google.com", i), "other", "UTC")
		}
		c := connect(t, s, func(c *google.Config) { c.Invite, c.Inviter = invite, "booker@example.com" })
		everything(t, s, c)
		calls = append(calls, s.Calls()...)
	}
	for _, call := range calls {
		if call.URL.Path == "/token" {
			continue
		}
		if problems := j.check(call); len(problems) > 0 {
			t.Errorf("%s %s %s\n%s", call.Method, call.URL, call.Body, strings.Join(problems, "\n"))
		}
	}
	for _, id := range []string{
		"calendar.events.list", "calendar.events.get", "calendar.events.insert", "calendar.events.patch", "calendar.events.delete",
		"directory.resources.calendars.list",
	} {
		if j.seen[id] == 0 {
			t.Errorf("%s was never called", id)
		}
	}
	t.Logf("%d requests: %v", len(calls), j.seen)
}

// The judge finds what is wrong.
func TestJudge(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	const events = "/calendar/v3/calendars/a%40b/events"
	const times = `"start":{"dateTime":"2026-11-23T09:00:00Z"},"end":{"dateTime":"2026-11-23T10:00:00Z"}`
	for _, tt := range []struct {
		verb, at, body string
		problems       int
	}{
		{"GET", events + "?maxResults=2500&singleEvents=true&orderBy=startTime", "", 0},
		{"POST", events + "?sendUpdates=none", "{" + times + "}", 0},
		{"PATCH", events + "/x", `{"start":{"date":null}}`, 0},
		{"GET", "/calendar/v3/calendars/a%40b/event", "", 1},
		{"PUT", events, "", 1},
		{"GET", events + "?maxResults=0", "", 1},
		{"GET", events + "?singleEvents=1", "", 1},
		{"GET", events + "?orderBy=start", "", 1},
		{"GET", events + "?timeMin=2026-11-23", "", 1},
		{"GET", events + "?unknown=x", "", 1},
		{"GET", events, "{}", 1},
		{"POST", events + "?sendUpdates=nobody", "{" + times + "}", 1},
		{"POST", events, `{"start":{"date":"2026-11-23"}}`, 1},
		{"POST", events, `{` + times + `,"attendees":{}}`, 1},
		{"POST", events, `{` + times + `,"attendees":[{"mail":"x"}]}`, 1},
		{"POST", events, `{` + times + `,"visibility":"secret"}`, 1},
		{"POST", events, `{` + times + `,"extendedProperties":{"private":{"a":1}}}`, 1},
		{"POST", events, `{` + times + `,"summary":null}`, 1},
		{"GET", "/admin/directory/v1/customer/my_customer/resources/calendars?maxResults=501", "", 1},
	} {
		u, err := url.Parse(tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := j.check(googletest.Call{Method: tt.verb, URL: u, Body: tt.body}); len(got) != tt.problems {
			t.Errorf("%s %s %s: %v", tt.verb, tt.at, tt.body, got)
		}
	}
}

// everything makes the connector send all that it can send.
func everything(t *testing.T, s *googletest.Server, c *google.Conn) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	r := connectors.Room{ID: room, Zone: zone}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for mark := ""; ; {
		_, next, err := c.Rooms(t.Context(), mark)
		must(err)
		if mark = next; next == "" {
			break
		}
	}
	for i := range 5 {
		put(s, conntest.Seed{
			Name: fmt.Sprint("seed", i), Subject: "x", Start: "2026-11-23T09:00", End: "2026-11-23T09:30", Zone: "Europe/Zurich",
			Invited: i == 0, Organizer: "Ada", Address: "ada@people.example",
		})
	}
	put(s, conntest.Seed{Name: "day", Subject: "day", Start: "2026-11-25", End: "2026-11-26"})
	ch, err := c.Probe(t.Context(), r, nil)
	must(err)
	_, err = c.Probe(t.Context(), r, ch.Next)
	must(err)
	week := when.Interval{From: time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 29, 23, 0, 0, 0, time.UTC)}
	snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: r, Window: week})
	must(err)
	for _, ev := range snap.Events {
		switch {
		case ev.AllDay:
			out, err := c.SetEnd(t.Context(), r, ev, ev.From.Add(10*time.Hour))
			must(err)
			if out.AllDay || !out.From.Equal(ev.From) || out.To.Sub(out.From) != 10*time.Hour {
				t.Errorf("a day that ends early: %+v", out)
			}
		default:
			must(c.Mark(t.Context(), r, ev, ev.From))
			must(c.Release(t.Context(), r, ev))
		}
	}
	from := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	for _, d := range []connectors.Draft{
		{Token: "first-token", From: from, To: from.Add(time.Hour), Subject: "Subject", Organizer: "Grace", Private: true},
		{Token: "first-token", From: from, To: from.Add(time.Hour), Subject: "Subject", Organizer: "Grace", Private: true},
		{Token: "second-token", From: from.Add(time.Hour), To: from.Add(2 * time.Hour)},
	} {
		ev, err := c.Book(t.Context(), r, d)
		must(err)
		ev, err = c.SetEnd(t.Context(), r, ev, d.From.Add(30*time.Minute))
		must(err)
		must(c.Release(t.Context(), r, ev))
	}
	if report := c.Check(t.Context(), connectors.CheckRequest{Room: r, Write: true}); !report.OK() {
		t.Errorf("%+v", report)
	}
}
