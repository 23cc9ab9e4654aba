package device

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lintel/app/displays"
)

// browser opens the panel's page and returns what it was given.
func (h *house) browser(cookie string, headers ...string) (reply, *http.Cookie) {
	h.Helper()
	if cookie != "" {
		headers = append(headers, "Cookie", panelCookie+"="+cookie)
	}
	r := h.ask("GET", "/panel", "", headers...)
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		if c.Name == panelCookie {
			return r, c
		}
	}
	return r, nil
}

// news reads the first news in a page.
func pageNews(t *testing.T, page []byte) (n panelNews, p displays.Panel) {
	t.Helper()
	m := regexp.MustCompile(`data-news="([^"]*)"`).FindSubmatch(page)
	if m == nil {
		t.Fatalf("no news in %s", page)
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(string(m[1]))), &n); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(n.Panel, &p); err != nil {
		t.Fatal(err)
	}
	return n, p
}

func (h *house) panelNow(cookie string) (n panelNews, p displays.Panel) {
	h.Helper()
	r := h.ask("GET", "/panel/state", "", "Cookie", panelCookie+"="+cookie)
	if r.status != 200 || json.Unmarshal(r.body, &n) != nil || json.Unmarshal(n.Panel, &p) != nil {
		h.Fatalf("%d %s", r.status, r.body)
	}
	return n, p
}

func TestPanelIsPairedByItsCode(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first, cookie := h.browser("")
	if first.status != 200 || cookie == nil {
		t.Fatalf("%d, cookie %v", first.status, cookie)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/panel" || cookie.Secure || cookie.MaxAge < 86400*365 || cookie.Domain != "" {
		t.Errorf("cookie %+v", cookie)
	}
	csp := first.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || first.header.Get("Cache-Control") != "no-store" ||
		!strings.HasPrefix(first.header.Get("Content-Type"), "text/html") {
		t.Errorf("headers %v", first.header)
	}
	if bytes.Contains(first.body, []byte(cookie.Value)) {
		t.Error("the key is in the page")
	}
	n, p := pageNews(t, first.body)
	if p.Screen != "claim" || p.Code == "" || !strings.HasPrefix(n.Build, "build-1-") {
		t.Errorf("%+v %+v", n, p)
	}
	// The page's own files come from this listener.
	for _, m := range regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllSubmatch(first.body, -1) {
		if r := h.ask("GET", string(m[1]), ""); r.status != 200 {
			t.Errorf("%s: %d", m[1], r.status)
		}
	}
	if _, again := h.browser(cookie.Value); again == nil || again.Value != cookie.Value {
		t.Errorf("loaded again: %v", again)
	}
	id := h.approve(p.Code)
	page, _ := h.browser(cookie.Value)
	if n, p = pageNews(t, page.body); p.Screen != "room" || p.Word != "Free" || p.Room != "Säntis" || n.Offset != 3600 || n.Now != h.now().UnixMilli() {
		t.Errorf("%+v %+v", n, p)
	}
	// Deleted in the portal: the page hears it and pairs anew.
	if err := h.svc.Delete(t.Context(), h.admin, id); err != nil {
		t.Fatal(err)
	}
	if _, p = h.panelNow(cookie.Value); p.Screen != "gone" {
		t.Errorf("%+v", p)
	}
	if _, fresh := h.browser(cookie.Value); fresh == nil || fresh.Value == cookie.Value {
		t.Errorf("after that: %v", fresh)
	}
	if r, c := h.browser("", "Sec-Purpose", "prefetch"); r.status != 204 || c != nil {
		t.Errorf("a browser that guesses: %d, %v", r.status, c)
	}
}

func TestPanelCookieIsSecureOverTLS(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	srv := httptest.NewTLSServer(New(h.opts))
	t.Cleanup(srv.Close)
	res, err := srv.Client().Get(srv.URL + "/panel")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if c := res.Cookies(); len(c) != 1 || !c[0].Secure {
		t.Errorf("%v", c)
	}
}

// event is one server-sent event.
type event struct {
	name, id string
	data     panelNews
}

// listen reads a panel's stream until the test ends or the stream does; then the channel is closed.
func (h *house) listen(ctx context.Context, cookie string) (events <-chan event, retry string) {
	h.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", h.srv.URL+"/panel/events", nil)
	if err != nil {
		h.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: panelCookie, Value: cookie})
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		h.Errorf("%d %v", res.StatusCode, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() {
		h.Fatal("the stream is empty")
	}
	retry = lines.Text()
	lines.Scan() // the blank line after it
	out := make(chan event)
	go func() {
		defer close(out)
		defer res.Body.Close()
		var e event
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				_ = json.Unmarshal([]byte(value), &e.data)
			case "":
				select {
				case out <- e:
				case <-ctx.Done():
					return
				}
				e = event{}
			}
		}
	}()
	return out, retry
}

func next(t *testing.T, events <-chan event) (event, displays.Panel) {
	t.Helper()
	select {
	case e, ok := <-events:
		var p displays.Panel
		if !ok {
			t.Fatal("the stream has ended")
		}
		if e.data.Panel != nil {
			if err := json.Unmarshal(e.data.Panel, &p); err != nil {
				t.Fatal(err)
			}
		}
		return e, p
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
	}
	return event{}, displays.Panel{}
}

func TestPanelStream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	closing := make(chan struct{})
	h.opts.Closing = closing
	page, cookie := h.browser("")
	_, claim := pageNews(t, page.body)
	events, retry := h.listen(t.Context(), cookie.Value)
	if retry != "retry: 3000" {
		t.Errorf("retry %q", retry)
	}
	first, p := next(t, events)
	if first.name != "panel" || first.id == "" || p.Code != claim.Code || !strings.HasPrefix(first.data.Build, "build-1-") {
		t.Errorf("the first event is %+v %+v", first, p)
	}
	h.approve(claim.Code)
	approved, p := next(t, events)
	for p.Screen != "room" { // the approval may be heard twice
		approved, p = next(t, events)
	}
	if approved.id == first.id || p.Word != "Free" {
		t.Errorf("%+v %+v", approved, p)
	}
	h.book(h.rooms[1], "09:00", "10:00", "Elsewhere")
	h.book(h.rooms[0], "09:00", "10:00", "Here")
	for len(p.Next) == 0 {
		_, p = next(t, events)
	}
	if len(p.Next) != 1 || p.Next[0].Title != "Here" {
		t.Errorf("%+v", p)
	}
	other, _ := h.listen(t.Context(), "nobody")
	if e, p := next(t, other); e.name != "panel" || p.Screen != "gone" {
		t.Errorf("a stream of nobody begins with %+v %+v", e, p)
	}
	if _, open := <-other; open {
		t.Error("a stream of nobody goes on")
	}
	close(closing)
	for range events { // until it ends
	}
}

// recorder is a connection in a bubble of simulated time.
type recorder struct {
	mu     sync.Mutex
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}
func (r *recorder) Flush()              {}
func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.body.Write(b)
}

func (r *recorder) count(s string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.body.String(), s)
}

func TestPanelHearsASignOfLife(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, cookie := h.browser("")
	synctest.Test(t, func(t *testing.T) {
		o := h.opts
		o.Now = time.Now
		handler := New(o)
		ctx, cancel := context.WithCancel(t.Context())
		req := httptest.NewRequestWithContext(ctx, "GET", "/panel/events", nil)
		req.AddCookie(cookie)
		rec := &recorder{header: http.Header{}}
		done := make(chan struct{})
		go func() {
			handler.ServeHTTP(rec, req)
			close(done)
		}()
		time.Sleep(61 * time.Second)
		if n := rec.count("event: beat\ndata: {\"now\":"); n != 3 {
			t.Errorf("%d beats in 61 s", n)
		}
		if n := rec.count("event: panel"); n != 1 {
			t.Errorf("%d snapshots", n)
		}
		cancel()
		<-done
	})
}

func TestTooManyStreams(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, cookie := h.browser("")
	hd := &handler{o: h.opts, streams: make(chan struct{}, 1)}
	hd.streams <- struct{}{}
	req := httptest.NewRequest("GET", "/panel/events", nil)
	req.AddCookie(cookie)
	w := httptest.NewRecorder()
	hd.panelEvents(w, req)
	if w.Code != 200 || w.Body.String() != "retry: 30000\n\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
