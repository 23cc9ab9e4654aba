package conntest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Server is a real CalDAV server that was started for a test and stops with it.
type Server struct {
	URL      string // without a slash at its end
	User     string // "" = the server asks nobody
	Password string
	home     string // where MakeCalendar makes calendars, with slashes
	run      string // sets its calendars apart from those of other runs, "" on a server that is new
	count    atomic.Int32
}

// Radicale starts Radicale on a free loopback port, with an empty home for one user. Where it is not
// installed the test is skipped; with CI=true in the environment it fails.
func Radicale(t testing.TB) *Server {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	user := newName()
	s := &Server{User: user, Password: Planted, home: "/" + user + "/"}
	start(t, s, "radicale", func(port int) []string {
		users := write("users", s.User+":"+s.Password+"\n")
		return []string{"--config", write("config", fmt.Sprintf("[server]\nhosts = 127.0.0.1:%d\nmax_connections = 50\n"+
			"[auth]\ntype = htpasswd\nhtpasswd_filename = %s\nhtpasswd_encryption = plain\ndelay = 0\n"+
			"[rights]\ntype = authenticated\n[storage]\nfilesystem_folder = %s\n[web]\ntype = none\n", port, users, filepath.Join(dir, "collections")))}
	})
	return s
}

// Xandikos starts Xandikos like Radicale. It knows no users and asks for no password.
func Xandikos(t testing.TB) *Server {
	t.Helper()
	dir := t.TempDir()
	user := "/" + newName() + "/"
	s := &Server{home: user + "calendars/"}
	start(t, s, "xandikos", func(port int) []string {
		return []string{"-d", dir, "--defaults", "-l", "127.0.0.1", "-p", strconv.Itoa(port), "--current-user-principal", user}
	})
	return s
}

// Running is a server that somebody else started and stops. MakeCalendar makes its calendars in the
// collection at home, which is a whole URL with a slash at its end.
func Running(t testing.TB, home, user, password string) *Server {
	t.Helper()
	u, err := url.Parse(home)
	if err != nil || u.Host == "" || !strings.HasSuffix(u.Path, "/") {
		t.Fatalf("%q is not the address of a collection", home)
	}
	return &Server{URL: u.Scheme + "://" + u.Host, User: user, Password: password, home: u.EscapedPath(), run: rand.Text() + "-"}
}

// start runs a program until the test ends and waits until it answers.
func start(t testing.TB, s *Server, program string, args func(port int) []string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed, and with CI=true nothing is skipped", program)
		}
		t.Skipf("%s is not installed: apt-get install --no-install-recommends %s", program, program)
	}
	var said bytes.Buffer
	at := Reserve(t)
	port, err := strconv.Atoi(at[strings.LastIndexByte(at, ':')+1:])
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // on a machine with much to do the first may take too long
		ctx, cancel := context.WithCancel(context.Background())
		cmd := exec.CommandContext(ctx, path, args(port)...)
		cmd.Stdout, cmd.Stderr = &said, &said
		cmd.WaitDelay = 5 * time.Second
		if err := cmd.Start(); err != nil {
			cancel()
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		s.URL = "http://" + at
		if s.answers(t, ended) {
			t.Cleanup(func() { cancel(); <-ended })
			return
		}
		cancel()
		<-ended
	}
	t.Fatalf("%s does not answer:\n%s", program, said.String())
}

// newName is the name of a user whom no other server knows: no other server has it.
func newName() string { return "lintel-" + strings.ToLower(rand.Text()[:8]) }

// answers waits until a server has the home of its user, which the first request of a user makes: for half a minute, or
// until its program has ended, as it does when another one has the port.
func (s *Server) answers(t testing.TB, ended <-chan struct{}) bool {
	for range 300 {
		req, err := http.NewRequestWithContext(context.Background(), "PROPFIND", s.URL+s.home, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if s.User != "" {
			req.SetBasicAuth(s.User, s.Password)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusMultiStatus {
				return true
			}
		}
		select {
		case <-ended:
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
	return false
}

// MakeCalendar makes an empty calendar and returns its path.
func (s *Server) MakeCalendar(t testing.TB, name string) string {
	t.Helper()
	path := fmt.Sprintf("%sroom-%s%d/", s.home, s.run, s.count.Add(1))
	body := `<?xml version="1.0" encoding="utf-8"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>` +
		`<D:displayname>` + html.EscapeString(name) + `</D:displayname>` +
		`<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`
	s.request(t, "MKCALENDAR", path, map[string]string{"Content-Type": "application/xml"}, body, http.StatusCreated)
	return path
}

// Put stores an object under a calendar's path; false when the server refuses it.
func (s *Server) Put(t testing.TB, path, ics string) bool {
	t.Helper()
	status, _ := s.request(t, http.MethodPut, path, map[string]string{"Content-Type": "text/calendar; charset=utf-8"}, ics)
	return status/100 == 2
}

// Fill replaces a whole calendar's events by those of one file, as Radicale takes it in one request; the
// objects are named after their UIDs.
func (s *Server) Fill(t testing.TB, calendar, ics string) {
	t.Helper()
	s.request(t, http.MethodPut, calendar, map[string]string{"Content-Type": "text/calendar; charset=utf-8"}, ics, http.StatusCreated, http.StatusNoContent)
}

// Delete removes an object or a whole calendar.
func (s *Server) Delete(t testing.TB, path string) {
	t.Helper()
	s.request(t, http.MethodDelete, path, nil, "", http.StatusOK, http.StatusNoContent)
}

// Bodies returns all objects of a calendar as the server has them.
func (s *Server) Bodies(t testing.TB, calendar string) []string {
	t.Helper()
	_, list := s.request(t, "PROPFIND", calendar, map[string]string{"Depth": "1", "Content-Type": "application/xml"},
		`<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>`, http.StatusMultiStatus)
	var out []string
	for _, m := range regexp.MustCompile(`<(?:\w+:)?href>([^<]+\.ics)</`).FindAllStringSubmatch(list, -1) {
		u, err := url.Parse(html.UnescapeString(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		_, body := s.request(t, http.MethodGet, u.EscapedPath(), nil, "", http.StatusOK)
		out = append(out, body)
	}
	return out
}

// request sends one request with the standard client, not with ours. With statuses given, others fail
// the test.
func (s *Server) request(t testing.TB, method, path string, header map[string]string, body string, want ...int) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	if s.User != "" {
		req.SetBasicAuth(s.User, s.Password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		if resp.StatusCode == w {
			return w, string(b)
		}
	}
	if len(want) > 0 {
		t.Fatalf("%s: HTTP %d: %.500s", method, resp.StatusCode, b)
	}
	return resp.StatusCode, string(b)
}
