package web

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"testing"
)

// What a browser with an empty cache loads to see the first page, and then Today with twelve rooms, is below
// 100 kB on the wire.
func TestPagesAreLight(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	for i := range 10 {
		p.addRoom(fmt.Sprintf("Room %d", i), i)
	}
	p.book("boss", p.room, "Quarterly planning", false, "14:00", "16:00")
	b := p.as("boss")
	for _, c := range []struct {
		path string
		as   *browser
	}{{"/sign-in", p.browser()}, {"/today", b}} {
		total, files := onTheWire(t, c.as, c.path)
		t.Logf("%s: %d bytes on the wire in %d answers", c.path, total, files)
		if total > 100_000 {
			t.Errorf("%s weighs %d bytes on the wire, more than 100 kB", c.path, total)
		}
		if files < 4 {
			t.Errorf("%s: only %d answers were counted", c.path, files)
		}
	}
}

var linked = regexp.MustCompile(`(?:href|src)="(/static/[^"#]+)`)

// onTheWire counts the bytes of a page with all that it loads: headers and bodies, compressed.
func onTheWire(t *testing.T, b *browser, path string) (total, files int) {
	t.Helper()
	page := b.get(path).want(t, 200)
	seen := map[string]bool{path: true}
	todo := []string{path}
	for _, m := range linked.FindAllStringSubmatch(page.body, -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			todo = append(todo, m[1])
		}
	}
	for _, file := range todo {
		r := httptest.NewRequest("GET", b.base+file, nil)
		r.RemoteAddr = b.remote
		r.Header.Set("Accept-Encoding", "gzip, deflate, br")
		for _, c := range b.cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		b.p.ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("%s: %d", file, w.Code)
		}
		total += w.Body.Len()
		for name, values := range w.Header() {
			for _, v := range values {
				total += len(name) + len(v) + 4
			}
		}
		files++
	}
	return total, files
}

// A page for a house of 500 rooms: what Today costs the server.
func BenchmarkToday500(b *testing.B) {
	p := furnished(b)
	for i := range 498 {
		p.addRoom(fmt.Sprintf("Room %d", i), i%20)
	}
	boss := p.as("boss")
	for b.Loop() {
		if a := boss.get("/today"); a.status != 200 {
			b.Fatal(a.status)
		}
	}
}
