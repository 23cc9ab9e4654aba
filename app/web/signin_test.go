package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"lintel/app/people"
	"lintel/app/secret"
)

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.browser()
	b.get("/").leads(t, "/sign-in")
	b.get("/today?filter=free").leads(t, "/sign-in?next=%2Ftoday%3Ffilter%3Dfree")
	b.get("/sign-in?next=%2Ftoday%3Ffilter%3Dfree").want(t, 200, `name="next" value="/today?filter=free"`)

	b.post("/sign-in", "login", "boss", "password", "wrong").want(t, 422, "Sign-in name or password is wrong", `value="boss"`, "-wrong password")
	if len(b.cookies) != 0 {
		t.Errorf("a failed sign-in set %v", b.cookies)
	}
	b.post("/sign-in", "login", "boss", "password", password, "next", "/today?filter=free").leads(t, "/today?filter=free")
	b.get("/today").want(t, 200, "Person boss", "Matterhorn")
	b.get("/sign-in").leads(t, "/today")

	signedIn := b.cookies["lintel"]
	b.post("/sign-out").leads(t, "/sign-in?said=signed-out")
	b.get("/sign-in?said=signed-out").want(t, 200, "You are signed out.")
	b.cookies["lintel"] = signedIn // a copy of the cookie is worth nothing now
	b.get("/today").leads(t, "/sign-in?next=%2Ftoday")
}

func TestNextStaysInTheHouse(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example", "evil", ""} {
		p.browser().post("/sign-in", "login", "boss", "password", password, "next", next).leads(t, "/today")
	}
}

func TestLimiterOverHTTP(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.browser()
	for range 5 {
		b.post("/sign-in", "login", "boss", "password", "wrong").want(t, 422)
	}
	a := b.post("/sign-in", "login", "boss", "password", password).want(t, 429, "Too many tries", "2 s")
	if a.header.Get("Retry-After") != "2" {
		t.Errorf("retry after %q", a.header.Get("Retry-After"))
	}
	p.wait(2 * time.Second)
	b.post("/sign-in", "login", "boss", "password", password).leads(t, "/today")
}

// The limiter counts the client's own address, not a header that it made up.
func TestForwardedForIsBelievedOnlyFromProxies(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	for _, c := range []struct{ name, remote, header, want string }{
		{"no proxy", "192.0.2.7:1", "", "192.0.2.7"},
		{"a client that lies", "192.0.2.7:1", "203.0.113.9", "192.0.2.7"},
		{"a proxy", "10.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"a client that lies to a proxy", "10.0.0.1:1", "198.51.100.1, 203.0.113.9", "203.0.113.9"},
		{"two proxies", "10.0.0.1:1", "203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"only proxies", "10.0.0.1:1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"nonsense before a proxy", "10.0.0.1:1", "nonsense, 10.0.0.2", "10.0.0.2"},
		{"with a port", "10.0.0.1:1", "203.0.113.9:4711", "203.0.113.9"},
		{"IPv6 with a port", "10.0.0.1:1", "[2001:db8::1]:4711", "2001:db8::1"},
		{"a proxy that says nothing", "10.0.0.1:1", "", "10.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got client
			h := p.withClient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = clientOf(r) }))
			r, err := http.NewRequest("GET", "http://lintel.test/", nil)
			must(t, err)
			r.RemoteAddr = c.remote
			if c.header != "" {
				r.Header.Set("X-Forwarded-For", c.header)
			}
			h.ServeHTTP(nil, r)
			if got.addr != netip.MustParseAddr(c.want) {
				t.Errorf("client %v, want %v", got.addr, c.want)
			}
		})
	}
}

// The session id is new at sign-in and whenever the rights of the account change.
func TestSessionIDIsRenewed(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("second", people.Grant{Role: people.Administrator})
	b := p.browser()
	b.cookies["lintel"] = &http.Cookie{Name: "lintel", Value: "chosen-by-somebody-else"}
	b.post("/sign-in", "login", "boss", "password", password).leads(t, "/today")
	first := b.cookies["lintel"].Value
	if first == "chosen-by-somebody-else" || len(first) < 43 {
		t.Fatalf("session id %q", first)
	}
	renewed := func(what string) {
		t.Helper()
		now := b.cookies["lintel"].Value
		if now == first {
			t.Errorf("%s: the id is the same", what)
		}
		b.get("/today").want(t, 200)
		old := p.browser()
		old.cookies["lintel"] = &http.Cookie{Name: "lintel", Value: first}
		old.get("/today").want(t, http.StatusSeeOther)
		first = now
	}
	b.post("/sign-in", "login", "boss", "password", password).leads(t, "/today")
	renewed("a second sign-in")
	b.post("/account/password", "present", password, "password", "brand new Xylophon", "again", "brand new Xylophon").leads(t, "/account")
	b.get("/account").want(t, 200, "Your password is changed")
	renewed("a new password")
	id := p.id("boss")
	b.post("/settings/people/"+id+"/roles", "grant", "administrator:", "role", "auditor").leads(t, "/settings/people/"+id)
	renewed("new roles")
}

func (p *portal) id(login string) string {
	p.t.Helper()
	list, _, err := p.People.List(ctx, setup, people.Query{Search: login})
	must(p.t, err)
	return string(list[0].ID)
}

// Somebody whose roles are changed by another has to sign in again.
func TestRoleChangeEndsSessions(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("anna", people.Grant{Role: people.User})
	anna, boss := p.as("anna"), p.as("boss")
	anna.get("/today").want(t, 200)
	boss.post("/settings/people/"+p.id("anna")+"/roles", "role", "booking_manager").leads(t, "/settings/people/"+p.id("anna"))
	anna.get("/today").leads(t, "/sign-in?next=%2Ftoday")
}

func TestCookies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, baseURL, asked, remote string
		headers                      http.Header
		cookie, path                 string
		secure                       bool
	}{
		{"plain HTTP in the house", "http://lintel.test:8080", "http://lintel.test:8080", "192.0.2.7:1", nil, "lintel", "/", false},
		{"by address", "http://lintel.test:8080", "http://192.0.2.1:8080", "192.0.2.7:1", nil, "lintel", "/", false},
		{"HTTPS ended by a proxy", "https://rooms.example.com", "http://rooms.example.com", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https"}}, "__Host-lintel", "/", true},
		{"a proxy that tells no scheme", "https://rooms.example.com", "http://rooms.example.com", "10.0.0.1:1", nil, "__Host-lintel", "/", true},
		{"a proxy that tells the host", "https://rooms.example.com", "http://backend:8080", "10.0.0.1:1", http.Header{"X-Forwarded-Host": {"rooms.example.com"}, "X-Forwarded-Proto": {"https"}, "Origin": {"https://rooms.example.com"}}, "__Host-lintel", "/", true},
		{"a scheme told by a stranger", "http://lintel.test", "http://lintel.test", "192.0.2.7:1", http.Header{"X-Forwarded-Proto": {"https"}}, "lintel", "/", false},
		{"under a path", "https://intra.example.com/rooms", "http://intra.example.com/rooms", "10.0.0.1:1", http.Header{"Origin": {"https://intra.example.com"}}, "__Secure-lintel", "/rooms/", true},
		{"under a path without TLS", "http://intra.example.com/rooms", "http://intra.example.com/rooms", "10.0.0.1:1", http.Header{"Origin": {"http://intra.example.com"}}, "lintel", "/rooms/", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := furnished(t, func(o *Options) { o.BaseURL = parseURL(t, c.baseURL) })
			b := p.browser()
			b.base, b.remote = c.asked, c.remote
			for k, v := range c.headers {
				b.header[k] = v
			}
			a := b.post("/sign-in", "login", "boss", "password", password)
			if a.status != http.StatusSeeOther {
				t.Fatalf("status %d: %s", a.status, brief(a.body))
			}
			got := b.cookies[c.cookie]
			if got == nil {
				t.Fatalf("cookies %v", b.cookies)
			}
			if got.Path != c.path || got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.MaxAge != 7*24*3600 || got.Domain != "" {
				t.Errorf("cookie %+v", got)
			}
			if prefix := parseURL(t, c.baseURL).Path; a.to() != prefix+"/today" {
				t.Errorf("leads to %q", a.to())
			}
		})
	}
}

func TestBasePath(t *testing.T) {
	t.Parallel()
	p := furnished(t, func(o *Options) { o.BaseURL = parseURL(t, "https://intra.example.com/rooms") })
	for _, c := range []struct{ name, asked string }{
		{"the proxy passes the path on", "http://intra.example.com/rooms"},
		{"the proxy takes it off", "http://intra.example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := p.browser()
			b.base, b.remote = c.asked, "10.0.0.1:1"
			b.header.Set("Origin", "https://intra.example.com")
			b.get("/").leads(t, "/rooms/sign-in")
			b.post("/sign-in", "login", "boss", "password", password).leads(t, "/rooms/today")
			a := b.get("/today").want(t, 200, `href="/rooms/bookings"`, `href="/rooms/static/app.`)
			for _, part := range strings.Split(a.body, ` href="`)[1:] {
				if href, _, _ := strings.Cut(part, `"`); !strings.HasPrefix(href, "/rooms/") && !strings.HasPrefix(href, "#") {
					t.Errorf("a link leads out of the portal: %s", href)
				}
			}
			b.get("/healthz").want(t, 200, "ok")
		})
	}
	b := p.browser()
	b.base = "http://intra.example.com"
	if a := b.get("/rooms"); a.status != http.StatusPermanentRedirect || a.to() != "/rooms/" {
		t.Errorf("status %d to %q", a.status, a.to())
	}
	b.get("/roomsandmore").want(t, 404)
}

// Forms that another site posts are refused, whatever the route.
func TestCrossSiteFormsAreRefused(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	boss := p.as("boss")
	for _, headers := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		{"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://neighbour.lintel.test"}},
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
	} {
		b := *boss
		b.header = headers
		for _, route := range p.routes() {
			if route.method != "POST" {
				continue
			}
			if a := b.do("POST", concrete(route.pattern), url.Values{}); a.status != http.StatusForbidden {
				t.Errorf("%v: %s answered %d", headers, route.pattern, a.status)
			}
		}
	}
	b := *boss
	b.header = http.Header{"Sec-Fetch-Site": {"same-origin"}}
	b.post("/account/theme", "theme", "dark", "back", "/today").leads(t, "/today")
}

// concrete fills the wildcards of a pattern with what does not exist.
func concrete(pattern string) string {
	var out []string
	for part := range strings.SplitSeq(strings.TrimSuffix(pattern, "{$}"), "/") {
		if strings.HasPrefix(part, "{") {
			part = "nothing"
		}
		out = append(out, part)
	}
	return strings.Join(out, "/")
}

func TestResetLink(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	boss := p.as("boss")
	a := boss.post("/settings/people", "name", "Anna Keller", "email", "anna@example.com", "login", "anna", "role", "user").want(t, 200, "Link for Anna Keller")
	_, rest, _ := strings.Cut(a.body, "http://lintel.test/password/")
	token, _, _ := strings.Cut(rest, "<")
	if len(token) != 43 {
		t.Fatalf("token %q", token)
	}
	anna := p.browser()
	for range 2 { // opening it uses nothing up
		anna.get("/password/"+token).want(t, 200, "Anna Keller", "anna")
	}
	anna.post("/password/"+token, "password", "brand new Xylophon", "again", "something else").want(t, 422, "-brand new Xylophon")
	anna.post("/password/"+token, "password", "short", "again", "short").want(t, 422, "at least 10 characters")
	anna.post("/password/"+token, "password", "brand new Xylophon", "again", "brand new Xylophon").leads(t, "/")
	anna.get("/today").want(t, 200, "Anna Keller")
	p.browser().get("/password/"+token).want(t, 404, "has been used or has run out")
	p.browser().get("/password/guessed").want(t, 404, "has been used or has run out")
}

func TestSignInLink(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	list, _, err := p.People.List(ctx, setup, people.Query{})
	must(t, err)
	token, err := p.People.SignInLink(ctx, setup, list[0].ID)
	must(t, err)
	path := "/sign-in/link?token=" + token.Reveal()
	b := p.browser()
	b.get(path).want(t, 200, "Person boss")
	b.get("/today").want(t, 303)
	b.post("/sign-in/link", "token", token.Reveal()).leads(t, "/today")
	b.get("/today").want(t, 200)
	p.browser().post("/sign-in/link", "token", token.Reveal()).want(t, 404)
	p.browser().get(path).want(t, 404)
}

func TestDevices(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	one, two := p.as("boss"), p.as("boss")
	two.header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0")
	two.remote = "192.0.2.8:1"
	p.wait(6 * time.Minute)
	two.get("/today").want(t, 200)
	a := one.get("/account").want(t, 200, "Firefox on Linux", "192.0.2.8")
	_, rest, ok := strings.Cut(a.body, "/account/sessions/")
	id, _, _ := strings.Cut(rest, "/")
	if !ok {
		t.Fatal("no device to sign out")
	}
	one.post("/account/sessions/"+id+"/end").leads(t, "/account")
	two.get("/today").want(t, 303)
	one.get("/today").want(t, 200)
}

// What must not be seen is in no page and in no log.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	id, err := p.Calendars.Connect(ctx, people.ActorOf(p.boss()), calendarsConnection("hunter2 hunter2"))
	must(t, err)
	must(t, p.Calendars.Attach(ctx, people.ActorOf(p.boss()), p.room, id, "https://feeds.example.com/private-TOKEN123/basic.ics"))
	for _, path := range []string{"/settings/systems", "/settings/systems/" + string(id), "/settings/systems/" + string(id) + "/edit", "/rooms/" + string(p.room), "/settings/people", "/account", "/settings/system"} {
		b.get(path).want(t, 200, "-hunter2", "-TOKEN123", "-argon2", "-"+b.cookies["lintel"].Value)
	}
	b.post("/sign-in", "login", "boss", "password", "a very secret guess").want(t, 422)
	b.get("/password/SECRETTOKEN")
	b.get("/setup?token=SECRETTOKEN")
	b.get("/sign-in/link?token=SECRETTOKEN")
	b.post("/account/password", "present", "a very secret guess", "password", "x", "again", "x")
	log := p.log.String()
	if !strings.Contains(log, "POST /sign-in") {
		t.Error("the log names no route")
	}
	for _, hidden := range []string{"hunter2", "TOKEN", "secret guess", "argon2", "boss", "Matterhorn", "192.0.2.7", b.cookies["lintel"].Value, password} {
		if strings.Contains(log, hidden) {
			t.Errorf("the log holds %q", hidden)
		}
	}
}

// A session's row is worth nothing to somebody who reads the database.
func TestCookieIsNotInTheDatabase(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	row, _, err := p.People.Resume(ctx, secret.New(b.cookies["lintel"].Value), people.Client{})
	must(t, err)
	if string(row.Hash) == b.cookies["lintel"].Value || len(row.Hash) != 32 {
		t.Errorf("hash %x", row.Hash)
	}
}
