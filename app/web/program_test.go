package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/store"
)

// robot is a program with an access key.
type robot struct {
	p    *portal
	base string // path before the addresses
	name string // with a name, the key is sent as its password
	key  string
	from string
}

func (p *portal) robot(n people.NewKey) *robot {
	p.t.Helper()
	_, key, err := p.People.CreateKey(ctx, setup, n)
	must(p.t, err)
	return &robot{p: p, name: n.Name, key: key.Reveal(), from: "192.0.2.80:50000"}
}

func (b *robot) do(method, path, body string) answer {
	b.p.t.Helper()
	r := httptest.NewRequest(method, "http://lintel.test"+b.base+path, strings.NewReader(body))
	r.RemoteAddr = b.from
	switch {
	case b.key == "":
	case b.name != "":
		r.SetBasicAuth(b.name, b.key)
	default:
		r.Header.Set("Authorization", "Bearer "+b.key)
	}
	a := (&browser{p: b.p, cookies: map[string]*http.Cookie{}}).send(r)
	if c := a.header.Get("Set-Cookie"); c != "" {
		b.p.t.Errorf("%s %s sets the cookie %q", method, path, c)
	}
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") != "no-store" {
		b.p.t.Errorf("%s %s: headers %v", method, path, a.header)
	}
	return a
}

func (b *robot) get(path string) answer { b.p.t.Helper(); return b.do("GET", path, "") }

// into reads an answer.
func into[T any](t testing.TB, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return v
}

func TestProgramsNeedAKey(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	system := p.pushed("Timetable")
	reads := p.robot(people.NewKey{Name: "Reads", Use: people.UseConnector})
	pushes := p.robot(people.NewKey{Name: "Pushes", Use: people.UsePush, System: system})
	ends := p.robot(people.NewKey{Name: "Ends", Use: people.UseConnector, Until: start().Add(time.Hour)})
	gone := p.robot(people.NewKey{Name: "Gone", Use: people.UseConnector})
	keys, err := p.People.Keys(ctx, setup)
	must(t, err)
	for _, k := range keys {
		if k.Name == "Gone" {
			must(t, p.People.RevokeKey(ctx, setup, k.ID))
		}
	}
	refused := func(what string, b robot, path string) {
		t.Helper()
		a := b.get(path)
		a.want(t, http.StatusUnauthorized, `"error":"The access key is wrong`)
		if got := a.header.Values("WWW-Authenticate"); len(got) != 2 || !strings.HasPrefix(got[0], "Basic realm=") || !strings.HasPrefix(got[1], "Bearer realm=") {
			t.Errorf("%s: challenges %q", what, got)
		}
	}
	reads.get(connectorPath).want(t, 200)
	pushes.get(pushRoomsPath).want(t, 200)
	bearer := *reads
	bearer.name = ""
	bearer.get(connectorPath).want(t, 200)
	ends.get(connectorPath).want(t, 200)
	p.wait(time.Hour)
	refused("ended", *ends, connectorPath)
	refused("revoked", *gone, connectorPath)
	refused("for pushing", *pushes, connectorPath)
	refused("for the connector", *reads, pushRoomsPath)
	none, wrong, renamed := *reads, *reads, *reads
	none.key, wrong.key, renamed.name = "", "lintel_wrong", "Pushes"
	refused("none", none, connectorPath)
	refused("wrong", wrong, connectorPath)
	refused("another name", renamed, connectorPath)
	digest := httptest.NewRequest("GET", "http://lintel.test"+connectorPath, nil)
	digest.Header.Set("Authorization", "Digest x")
	if a := p.browser().send(digest); a.status != http.StatusUnauthorized {
		t.Errorf("another scheme: %d", a.status)
	}

	// A signed-in person's cookie means nothing here, nor does a key in the portal.
	boss := p.as("boss")
	boss.get(connectorPath).want(t, http.StatusUnauthorized)
	r := httptest.NewRequest("GET", "http://lintel.test/settings/keys", nil)
	r.SetBasicAuth(reads.name, reads.key)
	if a := p.browser().send(r); a.status != http.StatusSeeOther {
		t.Errorf("a key opens the portal: %d", a.status)
	}

	// What has no route, by any method.
	for _, path := range []string{"/connector/", "/connector/rooms/x", "/api/v2/rooms", "/api/"} {
		reads.get(path).want(t, http.StatusNotFound, `"error":"There is nothing at this address`)
	}
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", connectorPath + "/x/meetings", "GET, HEAD, POST"},
		{"POST", connectorPath, "GET, HEAD"},
		{"OPTIONS", connectorPath + "/x/meetings/y", "PUT"},
		{"POST", pushRoomsPath + "/a%2Fb/events", "PUT"},
	} {
		a := reads.do(c.method, c.path, "").want(t, http.StatusMethodNotAllowed, " only.")
		if got := a.header.Get("Allow"); got != c.allow {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.path, got, c.allow)
		}
	}
	for _, route := range p.routes() { // the list of methods is that of the routes
		if route.method != "" && (strings.HasPrefix(route.pattern, "/connector/") || strings.HasPrefix(route.pattern, "/api/")) &&
			!slices.Contains(strings.Split(programMethods(route.pattern), ", "), route.method) {
			t.Errorf("%s %s is not among %q", route.method, route.pattern, programMethods(route.pattern))
		}
	}
	if strings.Contains(p.log.String(), reads.key) {
		t.Error("the log holds a key")
	}
}

// pushed connects a booking system whose agendas are pushed.
func (p *portal) pushed(name string) store.SystemID {
	p.t.Helper()
	id, err := p.Calendars.Connect(ctx, setup, calendars.Connection{Kind: people.PushedKind, Name: name})
	must(p.t, err)
	return id
}

// Wrong keys have to wait and are told for how long; a right one behind the same address never has to.
func TestWrongKeysWait(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	right := p.robot(people.NewKey{Name: "Right", Use: people.UseConnector})
	wrong := *right
	wrong.key = "lintel_guess"
	silent := *right
	silent.key = ""
	for range 60 { // to ask without a key is no guess
		silent.get(connectorPath).want(t, http.StatusUnauthorized)
	}
	for range 30 {
		wrong.get(connectorPath).want(t, http.StatusUnauthorized)
	}
	a := wrong.get(connectorPath).want(t, http.StatusTooManyRequests, "Too many wrong access keys")
	if a.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	right.get(connectorPath).want(t, 200)
}

func TestProgramsKeepTheirPace(t *testing.T) {
	t.Parallel()
	var limits programLimits
	now := start()
	for i := range programBurst {
		if wait := limits.take("a", now); wait > 0 {
			t.Fatalf("request %d has to wait %s", i, wait)
		}
	}
	for range 3 { // asking again does not make it longer
		if wait := limits.take("a", now); wait <= 0 || wait > time.Second {
			t.Errorf("wait %s", wait)
		}
	}
	if limits.take("b", now) != 0 {
		t.Error("another key has to wait as well")
	}
	if limits.take("a", now.Add(time.Second)) != 0 {
		t.Error("it still waits after a second")
	}

	p := furnished(t)
	b := p.robot(people.NewKey{Name: "Fast", Use: people.UseConnector})
	keys, err := p.People.Keys(ctx, setup)
	must(t, err)
	for p.programs.take(keys[0].ID, p.now()) == 0 {
	}
	a := b.get(connectorPath).want(t, http.StatusTooManyRequests, "more requests than the server takes")
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
}

// A portal below a path answers programs there, and its pages write the address with it.
func TestProgramsBelowAPath(t *testing.T) {
	t.Parallel()
	p := furnished(t, func(o *Options) { o.BaseURL = parseURL(t, "https://intra.example.com/lintel") })
	b := p.robot(people.NewKey{Name: "Bridge", Use: people.UseConnector, MayBook: true})
	for _, base := range []string{"/lintel", ""} { // a proxy may have taken it off
		b.base = base
		b.get(connectorPath).want(t, 200, `"name":"Matterhorn"`)
	}
	b.base = "/lintel"
	a := b.do("POST", connectorPath+"/"+string(p.room)+"/meetings", `{"startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23T10:00:00Z"}`)
	if a.status != 201 || !strings.HasPrefix(a.header.Get("Location"), "/lintel/connector/rooms/"+string(p.room)+"/meetings/") {
		t.Errorf("%d, Location %q", a.status, a.header.Get("Location"))
	}
	system := p.pushed("Timetable")
	must(t, p.Calendars.Attach(ctx, setup, p.other, system, "room/2 a"))
	push := p.robot(people.NewKey{Name: "Script", Use: people.UsePush, System: system})
	push.base = "/lintel"
	push.do("PUT", pushRoomsPath+"/room%2F2%20a/events", `[]`).want(t, 200)

	boss := p.browser()
	boss.base = "https://intra.example.com"
	boss.post("/lintel/sign-in", "login", "boss", "password", password)
	boss.get("/lintel/settings/keys").want(t, 200, "https://intra.example.com/lintel/connector/rooms", "https://intra.example.com/lintel/api/v1/rooms/ROOM/events")
}

func TestPush(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	system, other := p.pushed("Timetable"), p.pushed("Other")
	must(t, p.Calendars.Attach(ctx, setup, p.room, system, "A 101"))
	must(t, p.Calendars.Attach(ctx, setup, p.other, other, "B 202"))
	b := p.robot(people.NewKey{Name: "Script", Use: people.UsePush, System: system})
	b.name = ""
	events := func(address string) string { return pushRoomsPath + "/" + address + "/events" }

	b.get(pushRoomsPath).want(t, 200, `[{"address":"A 101","name":"Matterhorn"}]`)
	const list = `[{"id":"1","start":"2026-11-21T13:00:00Z","end":"2026-11-21T15:00:00Z","subject":"Physics","organizer":{"name":"Anna Keller"}},
		{"id":"2","start":"2026-11-22T13:00:00Z","end":"2026-11-22T15:00:00Z","subject":"planted","private":true},
		{"id":"3","first_day":"2027-11-22","last_day":"2027-11-22"}]`
	for _, want := range []pushAnswer{{2, 1, true}, {2, 1, false}} { // the second time is a retry
		if got := into[pushAnswer](t, b.do("PUT", events("A%20101"), list).want(t, 200)); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	b.get(pushRoomsPath).want(t, 200, `"last_push":"2026-11-21T13:05:00Z"`)
	p.as("boss").get("/rooms/"+string(p.room)).want(t, 200, "Physics", "-planted")
	for _, name := range []string{store.MainFile, store.MainFile + "-wal"} {
		content, err := os.ReadFile(filepath.Join(p.st.Dir(), name))
		must(t, err)
		if strings.Contains(string(content), "planted") {
			t.Errorf("%s holds a private subject", name)
		}
	}

	// A script that runs every quarter of an hour is not called late.
	boss := p.as("boss")
	p.wait(30 * time.Minute)
	boss.get("/today").want(t, 200, "-not confirmed since")
	p.wait(time.Second)
	boss.get("/today").want(t, 200, "not confirmed since 14:05")
	b.do("PUT", events("A%20101"), list).want(t, 200)
	boss.get("/today").want(t, 200, "-not confirmed since")

	b.do("PUT", events("B%20202"), `[]`).want(t, http.StatusNotFound, "GET /api/v1/rooms")
	b.do("PUT", events("A%20101"), `[{"id":"1"}]`).want(t, http.StatusBadRequest, "[0] needs either start and end")
	b.do("PUT", events("A%20101"), `[{"id":"1","start":"2026-11-21T13:00:00Z","end":"2026-11-21T12:00:00Z"}]`).want(t, http.StatusBadRequest, "[0].end")
	b.do("PUT", events("A%20101"), `{`).want(t, http.StatusBadRequest, "no JSON list")
	b.do("PUT", events("A%20101"), `[`+strings.Repeat(" ", calendars.PushBytes)+`]`).want(t, http.StatusRequestEntityTooLarge)
	b.do("PUT", events("A%20101"), `[`+strings.Repeat(" ", calendars.PushBytes-3)+`]`).want(t, 200, `"changed":true`)
	if strings.Contains(p.log.String(), "planted") || strings.Contains(p.log.String(), "Physics") {
		t.Error("the log holds a subject")
	}
}

// The pages of access keys, from the empty list to a revoked key.
func TestKeyPages(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	b.get(keysPath).want(t, 200, "No access key yet", "http://lintel.test/connector", `aria-current="page"`)
	b.get(keysPath+"/new").want(t, 200, `value="connector"`, `value="push"`)
	b.get(keysPath+"/new?use=push").want(t, 200, "No booking system of the kind", "/settings/systems/new?kind=push")
	system := p.pushed("Timetable")
	b.get(keysPath+"/new?use=push").want(t, 200, "Timetable")

	// What is wrong is said beside its field, and nothing typed is lost.
	b.post(keysPath, "use", "connector", "name", "a:b", "may", "book", "building", string(p.building), "until", "2026-11-20").
		want(t, 422, "without a colon", `value="a:b"`, `value="book" checked`, `value="2026-11-20"`)
	b.post(keysPath, "use", "connector", "name", "Bridge", "until", "2026-11-20").want(t, 422, "This day is over")
	b.post(keysPath, "use", "connector", "name", "Bridge", "until", "soon").want(t, 422)
	b.post(keysPath, "use", "push", "name", "Script", "system", "nothing").want(t, 422, "Choose a booking system")
	b.post(keysPath, "use", "other", "name", "Bridge").want(t, 200, `value="push"`)

	made := b.post(keysPath, "use", "connector", "name", "Bridge", "may", "book", "building", string(p.building), "until", "2026-11-21").want(t, 200, "shown this once")
	i := strings.Index(made.body, "lintel_")
	key := made.body[i : i+len("lintel_")+26]
	bridge := &robot{p: p, name: "Bridge", key: key, from: "192.0.2.80:1"}
	bridge.get(connectorPath).want(t, 200)
	b.post(keysPath, "use", "push", "name", "Script", "system", string(system)).want(t, 200, "lintel_", ">  -X</span> <span>PUT</span>")
	b.get(keysPath).want(t, 200, "Bridge", "read and book · Zürich office", "21 Nov 2026", "Timetable", "bring agendas", "no end", "-lintel_", "-"+key)
	b.get(keysPath+"?sort=-used").want(t, 200, "Bridge")
	b.get(keysPath+"?sort=until").want(t, 200, "Bridge")

	// It works to the end of its last day in the building's zone.
	p.wait(time.Date(2026, 11, 21, 22, 59, 59, 0, time.UTC).Sub(p.now()))
	bridge.get(connectorPath).want(t, 200)
	p.wait(time.Second)
	bridge.get(connectorPath).want(t, 401)
	b = p.as("boss")
	b.get(keysPath).want(t, 200, "ended")

	keys, err := p.People.Keys(ctx, setup)
	must(t, err)
	revoke := keysPath + "/" + string(keys[1].ID) + "/revoke"
	script := keys[1].Name
	b.get(revoke).want(t, 200, "Revoke "+script+"?")
	if again, err := p.People.Keys(ctx, setup); err != nil || len(again) != 2 {
		t.Errorf("the question alone revoked: %d, %v", len(again), err)
	}
	b.post(revoke).leads(t, keysPath)
	b.get(keysPath).want(t, 200, "is revoked", "Bridge")
	b.get(revoke).want(t, 404)
	b.post(revoke).want(t, 404)

	p.account("manager", people.Grant{Role: people.WorkspaceManager})
	m := p.as("manager")
	m.get(keysPath).want(t, 403, "-lintel_")
	m.get("/today").want(t, 200, "-Access keys")
	b.get("/today").want(t, 200, "Access keys")
}
