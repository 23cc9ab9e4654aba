package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/calendars"
	"lintel/app/displays"
	"lintel/app/expiry"
	"lintel/app/live"
	"lintel/app/people"
	"lintel/app/places"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/app/when"
	"lintel/render"
	"lintel/store"
	"lintel/store/storetest"
	"lintel/templates/text"
)

var (
	ctx   = context.Background()
	setup = people.Setup("test")
)

const password = "correct horse battery"

// start is a Saturday in Zürich, 14:05.
func start() time.Time { return time.Date(2026, 11, 21, 13, 5, 0, 0, time.UTC) }

// portal is the whole portal over a real database, with a clock that the test moves.
type portal struct {
	*Server
	t  testing.TB
	st *store.Store
	mu sync.Mutex
	at time.Time
	on time.Time // since when the clock goes on by itself; zero: it stands

	log lockedBuffer

	expiring []expiry.Item // what runs out

	building store.BuildingID
	floor    store.FloorID
	room     store.WorkspaceID // Matterhorn
	other    store.WorkspaceID // Säntis
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newPortal opens an empty portal; change adapts its options.
func newPortal(t testing.TB, change ...func(*Options)) *portal {
	t.Helper()
	p := &portal{t: t, at: start()}
	p.st = storetest.Open(t, p.now)
	peopleService, err := people.New(ctx, p.st)
	must(t, err)
	renderer, err := render.New(render.Options{})
	must(t, err)
	hub := &live.Hub{}
	o := Options{
		People: peopleService, Store: p.st, Live: hub,
		BaseURL: parseURL(t, "http://lintel.test"), DeviceURL: parseURL(t, "http://devices.test:8081"),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Ready:          func(context.Context) error { return nil },
		System: func(context.Context) (SystemFacts, error) {
			return SystemFacts{
				Version: "1.2.3", Go: "go1.26", DataDir: "/var/lib/lintel", Bytes: 1 << 20, StartedAt: start(),
				Findings: []Finding{
					{Level: LevelOK, Check: text.Of("doctor.check_disk"), Text: text.Of("doctor.disk_good", "Size", text.Size(3_000_000_000))},
					{Level: LevelWarn, Check: text.Of("doctor.check_clock"), Text: text.Of("doctor.clock_free", "Time", start()), Cure: text.Of("doctor.cure_clock_keep"), Run: "timedatectl set-ntp true"},
				},
				Listeners: []Listener{{false, "127.0.0.1:8080", "http://lintel.test", "off"}, {true, "127.0.0.1:8081", "http://devices.test:8081", "local-ca"}},
				RootPEM:   []byte("-----BEGIN CERTIFICATE-----\n"), Fingerprint: "AA:BB",
				Jobs:         []Job{{Name: text.Of("job.calendars"), LastRun: start(), Took: time.Second}, {Name: text.Of("job.retention"), LastRun: start(), Err: "the disk is full"}},
				Destinations: []store.Destination{{Host: "cloud.example.com", Port: 443, Purpose: "calendar", First: start(), Last: start(), Count: 3}},
			}, nil
		},
		Certificates: func() []Certificate {
			return []Certificate{{Names: []string{"lintel.test"}, Issuer: "Lintel", Until: start().Add(90 * 24 * time.Hour), Own: true}}
		},
		Log: slog.New(slog.NewTextHandler(&p.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: p.now,
	}
	changed := func(id store.WorkspaceID) { hub.Publish(live.Topic{Kind: live.Rooms, ID: string(id)}) }
	o.Places = places.New(p.st, p.now, func([]store.WorkspaceID) { hub.Publish(live.Topic{Kind: live.Places}) })
	o.Bookings = bookings.New(p.st, p.now, changed)
	o.Calendars = calendars.New(calendars.Options{
		Store: p.st, Now: p.now, Log: slog.New(slog.DiscardHandler), Kinds: fakeKinds(), Changed: changed,
		Go: func(string, func(context.Context) error) {},
	})
	must(t, o.Calendars.Start(ctx))
	o.Displays = displays.New(displays.Options{Store: p.st, Now: p.now, Renderer: renderer, PortalURL: "http://lintel.test"})
	must(t, o.Displays.Load(ctx))
	o.Expiry = expiry.New(p.st, p.now, slog.New(slog.DiscardHandler), func(context.Context) ([]expiry.Item, error) { return p.expiring, nil })
	for _, f := range change {
		f(&o)
	}
	p.Server, err = New(o)
	must(t, err)
	return p
}

// furnished is a portal with a building, two rooms and an administrator named boss.
func furnished(t testing.TB, change ...func(*Options)) *portal {
	t.Helper()
	p := newPortal(t, change...)
	must(t, p.Places.SetOrganisation(ctx, setup, store.Organisation{Name: "Example AG", Language: "en"}))
	var err error
	p.building, err = p.Places.CreateBuilding(ctx, setup, store.Building{Name: "Zürich office", City: "Zürich", Zone: "Europe/Zurich", Language: "de", WorkingDays: 127})
	must(t, err)
	p.floor, err = p.Places.CreateFloor(ctx, setup, store.Floor{BuildingID: p.building, Name: "Ground floor"})
	must(t, err)
	p.room = p.addRoom("Matterhorn", 12)
	p.other = p.addRoom("Säntis", 6)
	p.account("boss", people.Grant{Role: people.Administrator})
	return p
}

func (p *portal) addRoom(name string, seats int) store.WorkspaceID {
	p.t.Helper()
	id, err := p.Places.CreateWorkspace(ctx, setup, store.Workspace{
		FloorID: p.floor, Kind: store.Room, Name: name, Seats: seats, Equipment: []string{"Screen"}, ShowSubject: true, ShowOrganizer: true, Bookable: true,
	})
	must(p.t, err)
	return id
}

func (p *portal) account(login string, grants ...people.Grant) store.Account {
	p.t.Helper()
	a, err := p.People.Create(ctx, setup, people.NewAccount{
		Name: "Person " + login, Login: login, Email: login + "@example.com", Language: "en", Password: secret.New(password), Grants: grants,
	})
	must(p.t, err)
	return a
}

// book makes a booking from hour to hour of the start's day.
func (p *portal) book(login string, room store.WorkspaceID, subject string, private bool, from, to string) bookings.Shown {
	p.t.Helper()
	list, _, err := p.People.List(ctx, setup, people.Query{Search: login})
	must(p.t, err)
	day := when.DayOf(start(), time.UTC)
	at := func(s string) when.Wall {
		m, err := when.ParseClock(s)
		must(p.t, err)
		return when.Wall{Date: day, Minute: m}
	}
	b, err := p.Bookings.Create(ctx, people.ActorOf(list[0]), bookings.Request{
		Workspace: room, Times: bookings.Local(at(from), at(to)), Subject: subject, Private: private, Source: store.FromPortal,
	})
	must(p.t, err)
	return b
}

func (p *portal) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on.IsZero() {
		return p.at.Add(time.Since(p.on))
	}
	return p.at
}

// saturday is the weekday and the hour of start, in Zürich, that come next. They are ahead of the real clock, as what is written to a
// connection has a deadline, and the same hour of the same weekday whenever a test runs.
func saturday(t testing.TB) time.Time {
	t.Helper()
	zone, err := when.LoadZone("Europe/Zurich")
	must(t, err)
	at := start().In(zone)
	for at.Before(time.Now().Add(time.Hour)) {
		at = at.AddDate(0, 0, 7)
	}
	return at
}

// goOn lets the clock go on by itself, from the saturday on if it stands behind the real one.
func (p *portal) goOn() {
	p.t.Helper()
	from := saturday(p.t)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = time.Now()
	if p.at.Before(p.on) {
		p.at = from
	}
}

func (p *portal) wait(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = p.at.Add(d)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		if p := problem.Of(err); p != nil {
			t.Fatalf("%v %v %v", err, p.Args, p.Fields)
		}
		t.Fatal(err)
	}
}

func parseURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	must(t, err)
	return u
}

// browser keeps cookies and sends the headers that browsers send.
type browser struct {
	p       *portal
	base    string // scheme and host that are asked for
	remote  string
	header  http.Header
	cookies map[string]*http.Cookie
}

func (p *portal) browser() *browser {
	return &browser{p: p, base: "http://lintel.test", remote: "192.0.2.7:40000", header: http.Header{"Accept-Language": {"en"}}, cookies: map[string]*http.Cookie{}}
}

// as signs a person in.
func (p *portal) as(login string) *browser {
	p.t.Helper()
	b := p.browser()
	a := b.post("/sign-in", "login", login, "password", password)
	if a.status != http.StatusSeeOther {
		p.t.Fatalf("sign in as %s: %d\n%s", login, a.status, a.body)
	}
	return b
}

// answer is what a browser got.
type answer struct {
	status int
	header http.Header
	body   string
}

// to returns where a redirect leads.
func (a answer) to() string { return a.header.Get("Location") }

func (b *browser) get(path string) answer { return b.do("GET", path, nil) }

// post sends a form: names and values in turn.
func (b *browser) post(path string, form ...string) answer {
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	return b.do("POST", path, v)
}

func (b *browser) do(method, path string, form url.Values) answer {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, b.base+path, body)
	r.RemoteAddr = b.remote
	r.TLS = nil
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.base)
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	return b.send(r)
}

func (b *browser) send(r *http.Request) answer {
	w := httptest.NewRecorder()
	b.p.ServeHTTP(w, r)
	res := w.Result()
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	got, err := io.ReadAll(res.Body)
	must(b.p.t, err)
	return answer{status: res.StatusCode, header: res.Header, body: string(got)}
}

// want checks a status, and that the page holds or, with a minus before it, lacks some texts.
func (a answer) want(t testing.TB, status int, texts ...string) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d, to %q\n%s", a.status, status, a.to(), brief(a.body))
	}
	for _, text := range texts {
		if lacks, ok := strings.CutPrefix(text, "-"); ok {
			if strings.Contains(a.body, lacks) {
				t.Errorf("the page holds %q", lacks)
			}
		} else if !strings.Contains(a.body, text) {
			t.Errorf("the page lacks %q\n%s", text, brief(a.body))
		}
	}
	return a
}

// leads checks a redirect.
func (a answer) leads(t testing.TB, to string) answer {
	t.Helper()
	if a.status != http.StatusSeeOther || a.to() != to {
		t.Errorf("status %d to %q, want a redirect to %q\n%s", a.status, a.to(), to, brief(a.body))
	}
	return a
}

var mainPart = regexp.MustCompile(`(?s)<main.*?</main>`)

// brief is the part of a page that is its own, without markup.
func brief(body string) string {
	if m := mainPart.FindString(body); m != "" {
		body = m
	}
	text := regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(body, " ")
	return strings.Join(strings.Fields(text), " ")
}

// boss is the administrator's account.
func (p *portal) boss() store.Account {
	p.t.Helper()
	list, _, err := p.People.List(ctx, setup, people.Query{Search: "boss"})
	must(p.t, err)
	return list[0]
}

func calendarsConnection(password string) calendars.Connection {
	return calendars.Connection{Kind: "ics", Name: "Feeds", URL: "https://feeds.example.com/", Username: "svc", Secrets: map[string]secret.Text{"password": secret.New(password)}}
}

// everyHour is open round the clock, so that pages look the same whenever a test runs.
func everyHour() []store.OpeningSpan {
	var out []store.OpeningSpan
	for d := time.Sunday; d <= time.Saturday; d++ {
		out = append(out, store.OpeningSpan{Weekday: d, Opens: 0, Closes: 24 * 60})
	}
	return out
}
