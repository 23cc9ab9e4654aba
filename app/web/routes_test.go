package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"lintel/app/bookings"
	"lintel/app/calendars"
	"lintel/app/displays"
	"lintel/app/expiry"
	"lintel/app/live"
	"lintel/app/people"
	"lintel/app/secret"
	"lintel/store"
	"lintel/templates/text"
)

// Each route is open to those who may use it, and to nobody else. The table is written out here a second
// time on purpose: a permission that changes by mistake has to be changed twice.
func TestWhoMayUseWhichRoute(t *testing.T) {
	t.Parallel()
	everybody := []string{"administrator", "workspace_manager", "booking_manager", "user", "auditor", "none", ""}
	accounts := everybody[:6]
	seers := everybody[:5]
	bookers := everybody[:4]
	managers := everybody[:2]
	admin := everybody[:1]
	inspectors := []string{"administrator", "auditor"}
	may := func(pattern string) []string {
		switch {
		case slices.Contains([]string{"/healthz", "/readyz", "/static/", "/", "/{$}", "/sign-in", "/sign-in/link", "/password/{token}", "/setup", "/setup/administrator"}, pattern),
			strings.HasPrefix(pattern, "/connector/"), strings.HasPrefix(pattern, "/api/"): // to ask: program_test.go looks at their keys
			return everybody
		case pattern == "/events", pattern == "/sign-out", strings.HasPrefix(pattern, "/account"):
			return accounts
		case strings.HasPrefix(pattern, "/setup/"), strings.HasPrefix(pattern, "/settings/systems"), strings.HasPrefix(pattern, "/settings/keys"), strings.HasPrefix(pattern, "/settings/people"), pattern == "/settings/places/organisation":
			return admin
		case strings.HasPrefix(pattern, "/settings/system"), strings.HasPrefix(pattern, "/settings/audit"):
			return inspectors
		case strings.HasPrefix(pattern, "/displays"), strings.HasPrefix(pattern, "/settings/places"):
			return managers
		}
		return seers
	}
	p := furnished(t)
	p.EndStreams() // so that the stream ends at once
	browsers := map[string]*browser{"": p.browser()}
	for _, role := range people.Roles() {
		p.account(string(role), people.Grant{Role: role})
	}
	p.account("none")
	for _, who := range accounts {
		browsers[who] = p.as(who)
	}
	for _, route := range p.routes() {
		allowed := may(route.pattern)
		book := []string{"/bookings/new", "/bookings/{id}/edit", "/bookings/{id}/cancel", "/bookings/{id}/end", "/bookings/{id}/restore"}
		if slices.Contains(book, route.pattern) || route.method == "POST" && strings.HasPrefix(route.pattern, "/bookings") {
			allowed = bookers
		}
		var got []string
		for _, who := range everybody {
			b := *browsers[who]
			b.cookies = map[string]*http.Cookie{}
			for k, v := range browsers[who].cookies {
				b.cookies[k] = v
			}
			if route.pattern == "/sign-out" && who != "" {
				got = append(got, who) // it would end the session for the routes that follow
				continue
			}
			var form url.Values
			if route.method == "POST" {
				form = url.Values{"nothing": {"x"}}
			}
			path := concrete(route.pattern)
			if route.pattern == "/" {
				path = "/nothing"
			}
			a := b.do(cmp.Or(route.method, "GET"), path, form)
			refused := a.status == http.StatusForbidden || a.status == http.StatusSeeOther && strings.HasPrefix(a.to(), "/sign-in") && !slices.Contains([]string{"/{$}", "/sign-in"}, route.pattern)
			if !refused {
				got = append(got, who)
			}
			if a.status >= 500 {
				t.Errorf("%s %s as %q: %d", route.method, route.pattern, who, a.status)
			}
		}
		if diff := gocmp.Diff(allowed, got); diff != "" {
			t.Errorf("%s %s: wanted (-) and found (+) differ:\n%s", route.method, route.pattern, diff)
		}
	}
}

func TestRouteWithoutPermissionIsRefused(t *testing.T) {
	t.Parallel()
	for _, r := range furnished(t).routes() {
		if r.need == 0 || r.do == nil || r.pattern == "" {
			t.Errorf("route %q says not who may use it, or does nothing", r.pattern)
		}
		if r.need > people.SeeAudit || r.need < signedIn {
			t.Errorf("route %q asks for an unknown permission %d", r.pattern, r.need)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a portal without services was made")
	}
}

// rich is a portal that has one of everything, and the paths that name them.
func rich(t testing.TB, at time.Time) (*portal, map[string]string) {
	t.Helper()
	p := furnished(t)
	p.wait(at.Sub(p.now()))
	boss := people.ActorOf(p.boss())
	from := at.Truncate(5 * time.Minute)
	b, err := p.Bookings.Create(ctx, boss, bookings.Request{
		Workspace: p.room, Times: bookings.Instants(from, from.Add(2*time.Hour)), Subject: "Quarterly planning", Source: store.FromPortal,
	})
	must(t, err)
	system, err := p.Calendars.Connect(ctx, boss, calendars.Connection{Kind: "caldav", Name: "Nextcloud", URL: "https://cloud.example.com/dav/", Username: "svc", Secrets: map[string]secret.Text{"password": secret.New("hunter2")}})
	must(t, err)
	must(t, p.Calendars.Attach(ctx, boss, p.other, system, "/cal/saentis/"))
	signed, err := p.Calendars.Connect(ctx, boss, calendars.Connection{Kind: "graph", Name: "Microsoft 365", Settings: map[string]string{"tenant": "example.com", "client_id": "8d6f0c1e-0000-4000-8000-1234567890ab"}})
	must(t, err)
	must(t, p.Calendars.MakeSuccessor(ctx, boss, signed))
	p.expiring = []expiry.Item{
		{Kind: expiry.System, ID: string(signed), Name: "Microsoft 365", What: "calendar.expiry.certificate", At: at.Add(5 * 24 * time.Hour)},
		{Kind: expiry.Portal, Name: "lintel.test", What: "expiry.what_portal", At: at.Add(50 * 24 * time.Hour), Renews: true},
	}
	display, _, err := p.Displays.Add(ctx, boss, store.ProtocolTRMNL, "AA:BB:CC:DD:EE:FF", displays.Settings{
		Name: "Door", Workspace: p.room, Template: store.TemplateDay, Width: 800, Height: 480, Palette: store.PaletteBW, Encoding: store.EncodingPNG,
	})
	must(t, err)
	waiting, err := p.Displays.Setup(ctx, store.ProtocolTRMNL, displays.Report{HardwareID: "AA:BB:CC:DD:EE:02", Model: "og", Address: "192.0.2.51"})
	must(t, err)
	must(t, p.Displays.Tick(ctx))
	token, _, err := p.People.ResetLink(ctx, setup, p.boss().ID)
	must(t, err)
	key, _, err := p.People.CreateKey(ctx, setup, people.NewKey{Name: "Bridge", Use: people.UseConnector})
	must(t, err)
	link, err := p.People.SignInLink(ctx, setup, p.boss().ID)
	must(t, err)
	must(t, p.Places.SetOpeningHours(ctx, boss, p.building, []store.OpeningSpan{{Weekday: 6, Opens: 480, Closes: 1080}}))
	shown, ok := p.Displays.Shown(display)
	if !ok {
		t.Fatal("the display has no picture")
	}
	room, picture := "/rooms/"+string(p.room), pictureName(shown)
	return p, map[string]string{
		"/rooms/{id}": room, "/rooms/{id}/displays/{display}/{picture}": room + "/displays/" + string(display) + "/" + picture,
		"/bookings/{id}": "/bookings/" + string(b.ID), "/displays/{id}": "/displays/" + string(display),
		"/displays/{id}/refuse":                          "/displays/" + string(waiting.Display) + "/refuse",
		"/displays/{id}/{picture}":                       "/displays/" + string(display) + "/" + picture,
		"/settings/systems/{id}":                         "/settings/systems/" + string(system),
		"/settings/systems/{id}/successor":               "/settings/systems/" + string(signed) + "/successor",
		"/settings/systems/{id}/certificate/{file}":      "/settings/systems/" + string(signed) + "/certificate/next.cer",
		"/settings/people/{id}":                          "/settings/people/" + string(p.boss().ID),
		"/settings/keys/{id}":                            "/settings/keys/" + string(key.ID),
		"/settings/people/{id}/disable":                  "/settings/people/" + string(p.account("colleague").ID) + "/disable",
		"/settings/places/buildings/{id}":                "/settings/places/buildings/" + string(p.building),
		"/settings/places/buildings/{id}/hours/{period}": "/settings/places/buildings/" + string(p.building) + "/hours/_",
		"/settings/places/floors/{id}":                   "/settings/places/floors/" + string(p.floor),
		"/settings/places/rooms/{id}":                    "/settings/places/rooms/" + string(p.room),
		"/password/{token}":                              "/password/" + token.Reveal(), "/sign-in/link": "/sign-in/link?token=" + link.Reveal(),
	}
}

// with adds a query parameter to a path.
func with(path, name, value string) string {
	if strings.Contains(path, "?") {
		return path + "&" + query(name, value)
	}
	return path + "?" + query(name, value)
}

// fill puts real ids into a pattern.
func fill(pattern string, real map[string]string) string {
	best := ""
	for known := range real {
		if (pattern == known || strings.HasPrefix(pattern, known+"/")) && len(known) > len(best) {
			best = known
		}
	}
	return strings.TrimSuffix(real[best]+strings.TrimPrefix(pattern, best), "{$}")
}

// Every page is drawn, in full and as the part that htmx asks for, in every language.
func TestEveryPageIsDrawn(t *testing.T) {
	t.Parallel()
	p, real := rich(t, start())
	p.EndStreams()
	b := p.as("boss")
	key := regexp.MustCompile(`>\s*[a-z_]+(\.[a-z_]+)+\s*<`)
	for _, route := range p.routes() {
		if route.method != "GET" || route.pattern == "/static/" || strings.HasPrefix(route.pattern, "/connector/") || strings.HasPrefix(route.pattern, "/api/") {
			continue
		}
		path := fill(route.pattern, real)
		if strings.Contains(path, "{") {
			t.Errorf("nothing real to open %s with", route.pattern)
			continue
		}
		a := b.get(path)
		switch {
		case route.pattern == "/{$}", route.pattern == "/sign-in", route.pattern == "/setup", route.pattern == "/setup/administrator":
			a.want(t, http.StatusSeeOther)
			continue
		case a.status != http.StatusOK:
			t.Errorf("%s: %d\n%s", path, a.status, brief(a.body))
			continue
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		if !strings.Contains(a.body, "<!doctype html>") && !strings.Contains(a.body, "<!DOCTYPE html>") && !strings.HasSuffix(route.pattern, "/card") {
			t.Errorf("%s is no whole page", path)
		}
		for _, lang := range text.Langs() {
			said := b.get(with(path, "lang", string(lang)))
			if k := key.FindString(said.body); k != "" && !strings.Contains(k, "example.com") && !strings.Contains(k, "lintel.test") {
				t.Errorf("%s in %q says %q", path, lang, k)
			}
		}
		htmx := *b
		htmx.header = b.header.Clone()
		htmx.header.Set("HX-Request", "true")
		htmx.get(path).want(t, http.StatusOK)
	}
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("anna", people.Grant{Role: people.User})
	b, anna := p.as("boss"), p.as("anna")
	for _, path := range []string{"/nothing", "/rooms/nothing", "/bookings/nothing", "/displays/nothing", "/settings/people/nothing", "/settings/places/floors/nothing", "/settings/systems/nothing", "/static/nothing.css", "/today/"} {
		b.get(path).want(t, http.StatusNotFound)
	}
	a := b.get("/nothing").want(t, 404, "There is nothing here", "Person boss")
	if id := a.header.Get("X-Request-Id"); id == "" || !strings.Contains(a.body, id) {
		t.Errorf("the page does not name its request %q", id)
	}
	p.browser().get("/nothing").want(t, 404, "There is nothing here", "-Person boss")
	anna.get("/displays").want(t, 403, "You may not open this")
	b.post("/today").want(t, 404)
	b.do("PUT", "/bookings", nil).want(t, 404)
	b.post("/bookings", "subject", strings.Repeat("x", maxBody+1)).want(t, http.StatusRequestEntityTooLarge, "more than the server takes")
}

// An error that nobody can act on says nothing of its cause, and a panic becomes such an error.
func TestInternalErrorsAreNeutral(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	p.System = nil // the page panics
	a := b.get("/settings/system").want(t, 500, "Something went wrong here", "-nil pointer", "-goroutine")
	if !strings.Contains(p.log.String(), "request panicked") || a.header.Get("Content-Security-Policy") == "" {
		t.Error("the panic is not in the log, or the page has no policy")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	a := p.as("boss").get("/today")
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		"Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	csp := a.header.Get("Content-Security-Policy")
	for _, bad := range []string{"unsafe", "http:", "https:", "*"} {
		if strings.Contains(csp, bad) {
			t.Errorf("the policy allows %q: %s", bad, csp)
		}
	}
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	for _, forbidden := range []string{" style=", "<style", "onclick=", "javascript:"} {
		if strings.Contains(a.body, forbidden) {
			t.Errorf("the page holds %q, which the policy forbids", forbidden)
		}
	}
}

// Browsers are told to insist on TLS where the administrator wants it, and never without.
func TestHSTS(t *testing.T) {
	t.Parallel()
	const header = "Strict-Transport-Security"
	if got := furnished(t).browser().get("/sign-in").header.Get(header); got != "" {
		t.Errorf("by itself the portal says %q", got)
	}
	p := furnished(t, func(o *Options) { o.HSTS = true })
	for _, path := range []string{"/sign-in", "/static/app.css", "/nothing"} {
		if got := p.browser().get(path).header.Get(header); got != "max-age=31536000" {
			t.Errorf("%s says %q", path, got)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	ready := error(nil)
	p := furnished(t, func(o *Options) { o.Ready = func(context.Context) error { return ready } })
	p.browser().get("/healthz").want(t, 200, "ok")
	p.browser().get("/readyz").want(t, 200, "ready")
	ready = store.ErrBusy
	p.browser().get("/readyz").want(t, 503, "not ready", "-busy")
	if !strings.Contains(p.log.String(), "busy") {
		t.Error("the log does not say why")
	}
}

func TestLanguageAndTheme(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.browser()
	b.header.Set("Accept-Language", "fr-CH, en;q=0.5")
	b.get("/sign-in").want(t, 200, `<html lang="fr"`)
	b.get("/sign-in?lang=de").want(t, 200, `<html lang="de"`, "Anmelden")
	b.get("/sign-in").want(t, 200, `<html lang="de"`) // the browser remembers
	b.get("/sign-in?lang=xx").want(t, 200, `<html lang="de"`)
	b.post("/sign-in", "login", "boss", "password", password).leads(t, "/today")
	b.get("/today").want(t, 200, `<html lang="en"`) // the account's own choice counts more
	b.post("/account/language", "language", "it", "back", "/today?filter=free").leads(t, "/today?filter=free")
	b.get("/today").want(t, 200, `<html lang="it"`)
	b.post("/account/theme", "theme", "dark", "back", "//evil.example").leads(t, "/")
	b.get("/today").want(t, 200, `data-theme="dark"`)
	b.post("/account/theme", "theme", "pink").want(t, 422)
	b.post("/account/language", "language", "xx").want(t, 422)
	b.post("/sign-out").want(t, 303)
	b.get("/sign-in").want(t, 200, `<html lang="it"`, `data-theme="dark"`)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	srv := httptestServer(t, p)
	b := p.as("boss")
	stream := b.stream(srv, "/events", "")
	stream.until("retry:")
	p.Live.Publish(live.Topic{Kind: live.Rooms, ID: string(p.room)})
	stream.until("event: rooms", "data: "+string(p.room))

	room := b.stream(srv, "/events?room="+string(p.room), "")
	room.until("retry:")
	p.Live.Publish(live.Topic{Kind: live.Rooms, ID: string(p.other)}, live.Topic{Kind: live.Rooms, ID: string(p.room)})
	if got := room.until("data: " + string(p.room)); strings.Contains(got, string(p.other)) {
		t.Errorf("a room's page hears of another room:\n%s", got)
	}
	// Whoever comes back has missed something: all parts are to be asked for again.
	again := b.stream(srv, "/events", "1")
	again.until("event: rooms", "event: displays", "event: systems", "event: places")

	p.EndStreams()
	stream.ends()
	room.ends()
	again.ends()
	if n := p.Live.Subscribers(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
	p.browser().get("/events").want(t, 303)
}

func TestEventsEndWithTheSession(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.heartbeat = 20 * time.Millisecond
	srv := httptestServer(t, p)
	b := p.as("boss")
	stream := b.stream(srv, "/events", "")
	stream.until(": alive")
	must(t, p.People.SetPassword(ctx, setup, "boss", secret.New("brand new Xylophon")))
	stream.ends()
}
