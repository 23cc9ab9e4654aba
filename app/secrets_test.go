//go:build linux

package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/people"
	"lintel/app/secret"
	"lintel/connectors/conntest"
	"lintel/connectors/google/googletest"
	"lintel/connectors/graph/graphtest"
	"lintel/store"
)

// planted are secrets, by what they are, and in every shape in which they could get out.
type planted map[string]shapes

// shapes are what a secret looks like: texts, or a pattern.
type shapes struct {
	texts   [][]byte
	pattern *regexp.Regexp
}

// find returns where a secret stands; nil when it does not.
func (s shapes) find(content []byte) []int {
	for _, text := range s.texts {
		if i := bytes.Index(content, text); i >= 0 {
			return []int{i, i + len(text)}
		}
	}
	if s.pattern != nil {
		return s.pattern.FindIndex(content)
	}
	return nil
}

// text plants a secret that is one text.
func (p planted) text(what, value string) {
	if value == "" {
		panic("an empty secret is everywhere")
	}
	all := [][]byte{[]byte(value), []byte(url.QueryEscape(value)), []byte(html.EscapeString(value))}
	// In base64 the three ways of its bytes to lie, without what depends on its neighbours.
	for shift := range 3 {
		whole := base64.StdEncoding.EncodeToString(append(make([]byte, shift), value...))
		if core := whole[min(4, len(whole)):]; len(core) > 12 {
			all = append(all, []byte(core[:len(core)-4]))
		}
	}
	p[what] = shapes{texts: all}
}

// pem plants a file of several lines: any line of it.
func (p planted) pem(what, value string) {
	var lines [][]byte
	for line := range strings.Lines(strings.ReplaceAll(value, `\n`, "\n")) {
		if line = strings.TrimSpace(line); len(line) >= 40 && !strings.HasPrefix(line, "-----") {
			lines = append(lines, []byte(line))
		}
	}
	if len(lines) == 0 {
		panic("there is no key in what was planted")
	}
	p[what] = shapes{texts: lines}
}

// in returns which secrets something shows. What is packed is unpacked.
func (p planted) in(content []byte) []string {
	var found []string
	for _, what := range slices.Sorted(maps.Keys(p)) {
		if p[what].find(content) != nil {
			found = append(found, what)
		}
	}
	if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		if z, err := gzip.NewReader(bytes.NewReader(content)); err == nil {
			if plain, err := io.ReadAll(z); err == nil {
				found = append(found, p.in(plain)...)
			}
		}
	}
	if len(content) > 512 && bytes.HasPrefix(content[257:], []byte("ustar")) {
		for t := tar.NewReader(bytes.NewReader(content)); ; {
			if _, err := t.Next(); err != nil {
				break
			}
			if plain, err := io.ReadAll(t); err == nil {
				found = append(found, p.in(plain)...)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// The search finds what is there: this is what the test below relies on.
func TestPlantedSecretsAreFound(t *testing.T) {
	t.Parallel()
	p := planted{}
	p.text("password", "planted-püsswörd&7")
	p.pem("key", "-----BEGIN PRIVATE KEY-----\n"+strings.Repeat("QUJD", 16)+"\n-----END PRIVATE KEY-----\n")
	pack := func(content string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		err := errors.Join(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "a", Size: int64(len(content)), Mode: 0o600, Format: tar.FormatPAX}))
		_, werr := io.WriteString(w, content)
		if err := errors.Join(err, werr, w.Close(), z.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for name, content := range map[string][]byte{
		"as it is":      []byte("level=INFO msg=x err=planted-püsswörd&7"),
		"on a page":     []byte(`<input value="planted-püsswörd&amp;7">`),
		"in an address": []byte("?password=" + url.QueryEscape("planted-püsswörd&7")),
		"basic":         []byte("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("anna:planted-püsswörd&7"))),
		"basic, longer": []byte("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("an:planted-püsswörd&7"))),
		"basic, other":  []byte("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("a:planted-püsswörd&7"))),
		"packed":        pack("planted-püsswörd&7"),
	} {
		if got := p.in(content); !slices.Equal(got, []string{"password"}) {
			t.Errorf("%s: found %v", name, got)
		}
	}
	if got := p.in([]byte(`{"key":"-----BEGIN PRIVATE KEY-----\n` + strings.Repeat("QUJD", 16) + `\n"}`)); !slices.Equal(got, []string{"key"}) {
		t.Errorf("a key in JSON: found %v", got)
	}
	if got := p.in([]byte("planted-passwort anna:")); got != nil {
		t.Errorf("found %v where nothing is", got)
	}
}

// diary is a log that may be written to at any time.
type diary struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.Write(p)
}

func (d *diary) bytes() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.b.Bytes())
}

// houseOfSecrets is a running house with every kind of booking system, well and broken, and what must not be told.
type houseOfSecrets struct {
	*running
	planted
	t       *testing.T
	dir     string
	log     *diary
	leak    func() // makes Google tell what it was sent
	echoed  *diary // what broken servers have answered
	admin   *browser
	systems []string // names
	paths   []string // of their pages
}

const privateSubject = "Planted private subject 8f3a"

func newHouseOfSecrets(t *testing.T) *houseOfSecrets {
	t.Helper()
	h := &houseOfSecrets{t: t, planted: planted{}, dir: t.TempDir(), log: &diary{}, echoed: &diary{}}
	zone := noon(t)
	wells := map[string]*outside{
		"Exchange": exchangeOutside(t, time.Now), "Graph": graphOutside(t, time.Now), "Google": googleOutside(t, time.Now),
		"CalDAV": caldavOutside(t, time.Now), "Connector": connectorOutside(t, time.Now), "Feed": h.feed(t),
	}
	broken := h.broken(t)
	rooms := furnish(t, h.dir, zone, slices.Concat(slices.Sorted(maps.Keys(wells)), slices.Sorted(maps.Keys(broken)))...)
	h.text("password of the administrator", adminPassword)
	h.text("password of the proxy", "planted-proxy-password-12")
	h.text("password of a server", "fake-password-7d1c") // of all fakes
	h.text("secret of an application", graphtest.Secret)
	h.text("token of Google", googletest.TokenPrefix)
	h.text("subject of a private event", privateSubject)
	h.planted["token of Graph"] = shapes{pattern: regexp.MustCompile(`\.sig-[A-Z2-7]{20}`)}
	h.planted["signed assertion"] = shapes{pattern: regexp.MustCompile(`eyJhbGci[A-Za-z0-9_-]{20}`)}
	h.pem("key file of Google", wells["Google"].fields["key"])

	h.running = runWith(t, h.dir, func(s *Start) {
		s.Log = newLogger(h.log, LogConfig{Level: slog.LevelDebug, Format: logText}, nil)
		wells["Google"].config(&s.Config)
		s.Config.Outbound.ProxyUser, s.Config.Outbound.ProxyPassword = "proxy", secret.New("planted-proxy-password-12")
	})
	h.admin = newBrowser(t, h.portalURL.String()).signIn(t)
	for _, c := range h.admin.client.Jar.Cookies(h.portalURL) {
		h.text("session "+c.Name, c.Value)
	}
	for i, name := range slices.Concat(slices.Sorted(maps.Keys(wells)), slices.Sorted(maps.Keys(broken))) {
		o := wells[name]
		if o == nil {
			o = broken[name]
		}
		if o.keep != nil {
			o.keep(t, privateSubject, time.Now().Add(20*time.Hour))
		}
		h.systems = append(h.systems, name)
		h.paths = append(h.paths, h.admin.connect(t, name, o, rooms[i]))
	}
	h.ownKeys(rooms[0])
	h.leak = wells["Google"].leak
	return h
}

// feed is an ICS feed whose address is a secret.
func (h *houseOfSecrets) feed(t *testing.T) *outside {
	h.text("token in a feed's address", "planted-feed-token-55")
	zone := noon(t)
	tomorrow := time.Now().In(zone).Add(20 * time.Hour).Format("2006-01-02T15:04")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/calendar")
		_, _ = io.WriteString(w, conntest.Seed{Name: "private", Subject: privateSubject, Class: "PRIVATE", Zone: zone.String(), Start: tomorrow, End: tomorrow}.ICS())
	}))
	t.Cleanup(s.Close)
	return &outside{kind: "ics", fields: map[string]string{}, room: s.URL + "/planted-feed-token-55/room.ics?token=planted-feed-token-55"}
}

// parrot is a server that is broken in the worst way: it answers with all that it was sent.
func (h *houseOfSecrets) parrot(t testing.TB, status int, kind string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if r.Header.Get("Authorization") == "" && kind == "text/plain" { // so that credentials come at all
			w.Header().Set("WWW-Authenticate", `Basic realm="room"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		form, _ := url.QueryUnescape(string(body))
		said := fmt.Sprintf("%s %s %v %s %s", r.Method, r.URL, r.Header, body, form)
		fmt.Fprintln(h.echoed, said)
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Debug", strings.Join(strings.Fields(said), " "))
		w.WriteHeader(status)
		if kind == "application/json" {
			fmt.Fprintf(w, `{"error": "invalid_client", "error_description": %q, "code": %q, "message": %q}`, form, r.Header.Get("Authorization"), said)
			return
		}
		_, _ = io.WriteString(w, said)
	}))
	t.Cleanup(s.Close)
	return s
}

// broken lists systems that fail in ways in which secrets get out.
func (h *houseOfSecrets) broken(t testing.TB) map[string]*outside {
	for what, value := range map[string]string{
		"wrong password": "planted-wrong-password-91", "echoed password": "planted-echo-password-33", "token in a redirect": "planted-redirect-token-77",
		"password for Kerberos": "planted-kerberos-password-44", "keytab": "planted-keytab-of-a-room-21", "echoed secret": "planted-echo-secret-66",
		"token in a failing feed's address": "planted-failing-feed-88",
	} {
		h.text(what, value)
	}
	text, asXML := h.parrot(t, http.StatusInternalServerError, "text/plain"), h.parrot(t, http.StatusInternalServerError, "text/xml")
	asJSON := h.parrot(t, http.StatusBadRequest, "application/json")
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://elsewhere.example/calendar?token=planted-redirect-token-77")
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(away.Close)
	exchange := func(at, auth, password string) *outside {
		return &outside{kind: "ews", room: exchangeRoom, fields: map[string]string{
			"url": at, "auth": auth, "username": `EXAMPLE\svc-lintel`, "password": password, "access": "folder", "booking": "direct",
		}}
	}
	kerberos := exchange(text.URL+"/EWS/Exchange.asmx", "kerberos", "planted-kerberos-password-44")
	kerberos.fields["realm"], kerberos.fields["kdc"] = "EXAMPLE.TEST", "127.0.0.1:9"
	keytab := exchange(text.URL+"/EWS/Exchange.asmx", "kerberos", "")
	keytab.fields["realm"], keytab.fields["kdc"] = "EXAMPLE.TEST", "127.0.0.1:9"
	keytab.fields["keytab"] = base64.StdEncoding.EncodeToString(keytabOf("planted-keytab-of-a-room-21"))
	keytab.room = "" // the one above has one
	dav := func(at, password string) *outside {
		return &outside{kind: "caldav", room: "/dav/room/", fields: map[string]string{"url": at, "username": "anna", "password": password}}
	}
	graph := func(auth string) *outside {
		return &outside{kind: "graph", room: graphRoom, fields: map[string]string{
			"tenant": graphtest.Tenant, "client_id": graphtest.ClientID, "auth": auth, "secret": "planted-echo-secret-66", "booking": "direct", "cloud": "global",
			"authority": asJSON.URL, "root": asJSON.URL,
		}}
	}
	return map[string]*outside{
		"Exchange, wrong password": exchange(exchangeOutside(t, time.Now).fields["url"], "basic", "planted-wrong-password-91"),
		"Exchange, echo":           exchange(asXML.URL+"/EWS/Exchange.asmx", "basic", "planted-echo-password-33"),
		"Exchange, NTLM":           exchange(text.URL+"/EWS/Exchange.asmx", "ntlm", "planted-echo-password-33"),
		"Exchange, Kerberos":       kerberos, "Exchange, keytab": keytab,
		"CalDAV, wrong password": dav(caldavOutside(t, time.Now).fields["url"], "planted-wrong-password-91"),
		"CalDAV, echo":           dav(text.URL+"/dav/", "planted-echo-password-33"),
		"CalDAV, redirect":       dav(away.URL+"/dav/", "planted-echo-password-33"),
		"Graph, echo":            graph("secret"), "Graph, certificate": graph("certificate"),
		"Connector, echo": {kind: "connector", room: "r1", fields: map[string]string{"url": text.URL, "username": "anna", "password": "planted-echo-password-33"}},
		"Feed, echo":      {kind: "ics", room: text.URL + "/planted-failing-feed-88/room.ics?key=planted-failing-feed-88", fields: map[string]string{"username": "anna", "password": "planted-echo-password-33"}},
		"Feed, redirect":  {kind: "ics", room: away.URL + "/planted-failing-feed-88/room.ics", fields: map[string]string{}},
	}
}

// ownKeys makes the secrets that Lintel itself hands out, and uses them.
func (h *houseOfSecrets) ownKeys(room store.WorkspaceID) {
	t := h.t
	t.Helper()
	err := h.store.View(t.Context(), func(tx *store.Tx) error {
		systems, err := tx.Systems()
		for _, y := range systems {
			if pair, ok := y.Secrets["certificate"]; ok {
				private, _, _ := strings.Cut(pair.Reveal(), "-----END PRIVATE KEY")
				h.pem("private key of "+y.Name, private)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := h.running.people.CreateKey(t.Context(), byCommand, people.NewKey{Name: "bridge", Use: people.UseConnector, MayBook: true})
	if err != nil {
		t.Fatal(err)
	}
	h.text("access key", key.Reveal())
	h.text("wrong access key", "lintel_planted-wrong-key-64")
	d := &trmnl{t: t, base: h.deviceURL.String(), mac: "02:00:00:00:00:06"}
	d.setup()
	d.wake()
	h.text("key of a display", d.key)
	for _, use := range []string{key.Reveal(), "lintel_planted-wrong-key-64"} {
		for _, path := range []string{"/connector/rooms", "/connector/rooms/" + string(room) + "/meetings", "/connector/nothing/" + use, "/api/v1/push/rooms", "/api/nothing?key=" + use} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.admin.base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth("bridge", use)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			h.clean("the answer of "+strings.ReplaceAll(path, use, "KEY"), bytes.ReplaceAll(body, []byte(path), nil))
		}
	}
}

// keytabOf is a keytab (MIT's format, version 2) with one AES-256 key that begins with those letters.
func keytabOf(key string) []byte {
	counted := func(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }
	entry := binary.BigEndian.AppendUint16(nil, 1) // components of the name
	entry = append(entry, counted("EXAMPLE.TEST")...)
	entry = append(entry, counted("svc-lintel")...)
	entry = binary.BigEndian.AppendUint32(entry, 1) // a principal
	entry = binary.BigEndian.AppendUint32(entry, uint32(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Unix()))
	entry = append(entry, 1)                         // version of the key
	entry = binary.BigEndian.AppendUint16(entry, 18) // aes256-cts-hmac-sha1-96
	entry = append(entry, counted((key + strings.Repeat("x", 32))[:32])...)
	return append(binary.BigEndian.AppendUint32([]byte{5, 2}, uint32(len(entry))), entry...)
}

// clean fails when something shows a secret.
func (h *houseOfSecrets) clean(where string, content []byte) {
	h.t.Helper()
	for _, what := range h.in(content) {
		at := h.planted[what].find(content)
		around := "in what is packed"
		if at != nil {
			around = fmt.Sprintf("%.300q", content[max(0, at[0]-120):min(len(content), at[1]+60)])
		}
		h.t.Errorf("%s shows the %s: %s", where, what, around)
	}
}

// Secrets are in no log, page, trace, answer, audit or backup in clear.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	h := newHouseOfSecrets(t)
	// Each system is read, or fails, at least once.
	until(t, "every room to be tried", func() bool {
		for _, st := range h.calendars.Statuses() {
			for _, r := range st.Rooms {
				if r.Resource.LastOK.IsZero() && r.Resource.ErrorKind == "" && st.System.PausedAt.IsZero() {
					return false
				}
			}
		}
		return true
	})
	h.forms()
	h.leak()
	h.forms()
	h.pages()
	h.commands()
	for _, name := range []string{store.MainFile, store.MainFile + "-wal", store.ReadingsFile} {
		content, err := os.ReadFile(filepath.Join(h.dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		h.clean("the file "+name, content)
	}
	echoed := h.in(h.echoed.bytes())
	for _, what := range []string{"echoed password", "echoed secret", "signed assertion", "token in a failing feed's address"} {
		if !slices.Contains(echoed, what) {
			t.Errorf("no broken server has answered with the %s, only with %q", what, echoed)
		}
	}
	log := h.log.bytes()
	if len(log) < 2000 || !bytes.Contains(log, []byte("reading a room failed")) {
		t.Errorf("the log tells too little to be looked through:\n%s", log)
	}
	h.clean("the log", log)
	for _, what := range []string{"private key of Graph, certificate", "session lintel", "key of a display", "access key"} {
		if _, ok := h.planted[what]; !ok {
			t.Errorf("the %s was not looked for", what)
		}
	}
}

// forms sends every form of a booking system with something wrong, so that it comes back, and lets each be checked.
func (h *houseOfSecrets) forms() {
	t := h.t
	t.Helper()
	ask := func(what, path string, form url.Values) {
		t.Helper()
		p, err := h.admin.ask(path, form)
		if err != nil || p.status >= http.StatusInternalServerError && p.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, %v", what, p.status, err)
		}
		h.clean(what, []byte(p.body+fmt.Sprint(p.header)))
	}
	h.text("typed secret", "planted-typed-secret-29")
	for _, kind := range h.calendars.Kinds() {
		form := url.Values{"kind": {kind}, "name": {""}}
		for _, f := range h.calendars.Fields(kind) {
			if f.Hidden() {
				form.Set(f.Name, "planted-typed-secret-29")
			}
		}
		ask("the form of "+kind+", sent back", "/settings/systems", form)
		form.Set("name", "Try")
		form.Set("step", "check")
		ask("the check of a typed "+kind, "/settings/systems", form)
	}
	for i, path := range h.paths {
		ask("the check of "+h.systems[i], path+"/check", url.Values{})
		ask("the calendars of "+h.systems[i], path+"?calendars=1", nil)
	}
}

// pages looks at every page that an administrator reaches by links, and at the files that they offer.
func (h *houseOfSecrets) pages() {
	t := h.t
	t.Helper()
	link := regexp.MustCompile(`(?:href|hx-get|src)="(/[^"#]*)"`)
	seen, queue := map[string]bool{}, slices.Concat([]string{"/today", "/settings/audit.csv", "/settings/people.csv", "/displays.csv"}, h.paths)
	for _, p := range h.paths {
		queue = append(queue, p+"/edit", p+"/card", p+"/delete")
	}
	count := 0
	for len(queue) > 0 && count < 400 {
		path := html.UnescapeString(queue[0])
		queue = queue[1:]
		bare, _, _ := strings.Cut(path, "?")
		if seen[path] || strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/events") || strings.Contains(path, "day=") ||
			strings.HasPrefix(bare, "/bookings") && bare != path {
			continue
		}
		seen[path] = true
		p, err := h.admin.ask(path, nil)
		if err != nil || p.status >= http.StatusInternalServerError && p.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, %v", path, p.status, err)
			continue
		}
		count++
		h.clean("the page "+path, []byte(p.body+fmt.Sprint(p.header)))
		for _, m := range link.FindAllStringSubmatch(p.body, -1) {
			queue = append(queue, m[1])
		}
	}
	if count < 60 {
		t.Errorf("only %d pages were found: %v", count, slices.Sorted(maps.Keys(seen)))
	}
	t.Logf("%d pages", count)
}

// commands runs what an administrator runs beside the server.
func (h *houseOfSecrets) commands() {
	t := h.t
	t.Helper()
	run := func(args ...string) []byte {
		t.Helper()
		cmd := lintel(args...)
		cmd.Env = append(cmd.Env, "LINTEL_DATA_DIR="+h.dir, "LINTEL_OUTBOUND_PROXY=http://proxy.example:3128", "LINTEL_OUTBOUND_PROXY_USER=proxy",
			"LINTEL_OUTBOUND_PROXY_PASSWORD=planted-proxy-password-12")
		said, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
			t.Errorf("%v: %v\n%s", args, err, said)
		}
		h.clean(strings.Join(args[:min(3, len(args))], " "), said)
		return said
	}
	out := t.TempDir()
	traced := 0
	for i, name := range h.systems {
		file := filepath.Join(out, fmt.Sprint("trace", i))
		run("connector", "check", name, "--trace", file)
		trace, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		if bytes.Contains(trace, []byte("===")) {
			traced++
		}
		h.clean("the trace of "+name, trace)
	}
	if traced < len(h.systems)-4 { // those that can't be opened, or are paused, send nothing
		t.Errorf("only %d of %d traces hold something", traced, len(h.systems))
	}
	run("connector", "list")
	run("doctor", "--systems")
	run("config", "print")
	run("user", "list")
	archive := filepath.Join(out, "backup.tar")
	run("backup", "create", archive)
	content, err := os.ReadFile(archive)
	if err != nil || len(content) < 100_000 {
		t.Fatalf("the backup: %d bytes, %v", len(content), err)
	}
	h.clean("the backup", content)
}
