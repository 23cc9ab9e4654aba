package templates

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"golang.org/x/net/html"

	"lintel/static"
	"lintel/templates/text"
	"lintel/templates/ui"
)

// sample is a page with made-up values. Every page has at least one; TestEveryPageIsRendered holds that.
type sample struct {
	name string
	page func(sh ui.Shell) templ.Component
	bare bool // drawn for nobody in particular: the shell has no user
}

// samples lists all pages in all their states.
func samples() []sample {
	var all []sample
	for _, of := range []func() []sample{
		signInSamples, todaySamples, roomSamples, bookingsSamples, bookingSamples, displaysSamples, placesSamples, systemsSamples, peopleSamples, keySamples, systemSamples, auditSamples, panelSamples, setupSamples,
	} {
		all = append(all, of()...)
	}
	return all
}

func shell(lang text.Lang, s sample) ui.Shell {
	sh := ui.Shell{Printer: text.For(lang), Path: "/" + s.name}
	if s.bare {
		return sh
	}
	sh.User, sh.Roles = "A. Keller", "Administrator"
	sh.May = ui.Areas{Today: true, Bookings: true, Book: true, Displays: true, Places: true, Systems: true, People: true, System: true, Audit: true}
	sh.WaitingDisplays = 1
	sh.Buildings = []ui.Option{{Value: "zh", Label: "Zürich office"}, {Value: "be", Label: "Bern"}}
	sh.Building = "zh"
	return sh
}

func render(t *testing.T, c templ.Component) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := c.Render(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPages renders every sample in every language and checks what must hold for each page. With LINTEL_PREVIEW=folder it keeps the pages
// there, with the static files beside them, to be looked at in a browser.
func TestPages(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("LINTEL_PREVIEW")
	for _, s := range samples() {
		for _, lang := range text.Langs() {
			t.Run(s.name+"/"+string(lang), func(t *testing.T) {
				t.Parallel()
				page := render(t, s.page(shell(lang, s)))
				check(t, page)
				if folder != "" {
					keep(t, filepath.Join(folder, string(lang), s.name+".html"), page)
				}
			})
		}
	}
	if folder == "" {
		return
	}
	for _, name := range static.Names() {
		keep(t, filepath.Join(folder, filepath.FromSlash(static.URL(name))), content(t, name))
	}
}

func keep(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// key looks like a text key that no language file had.
var key = regexp.MustCompile(`^[a-z0-9_]+\.[a-z0-9_.]+$`)

// check holds a page to what the content security policy and screen readers need.
func check(t *testing.T, page []byte) {
	t.Helper()
	doc, err := html.ParseWithOptions(bytes.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	var labels, controls []string
	headings := 0
	for n := range doc.Descendants() {
		switch n.Type {
		case html.TextNode:
			if text := strings.TrimSpace(n.Data); key.MatchString(text) && !hostLike(text) {
				t.Errorf("the text %q looks like a key", text)
			}
			continue
		case html.ElementNode:
		default:
			continue
		}
		attrs := map[string]string{}
		for _, a := range n.Attr {
			attrs[a.Key] = a.Val
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") {
				t.Errorf("<%s %s=%q>: inline style or script", n.Data, a.Key, a.Val)
			}
			if slices.Contains([]string{"aria-label", "title", "placeholder", "alt"}, a.Key) && key.MatchString(a.Val) && !hostLike(a.Val) {
				t.Errorf("<%s %s=%q> looks like a key", n.Data, a.Key, a.Val)
			}
		}
		if id := attrs["id"]; id != "" {
			if ids[id] {
				t.Errorf("id %q stands twice", id)
			}
			ids[id] = true
		}
		switch n.Data {
		case "style":
			t.Error("a <style> element")
		case "script":
			if attrs["src"] == "" {
				t.Error("an inline <script>")
			}
		case "h1":
			headings++
		case "img":
			if _, ok := attrs["alt"]; !ok {
				t.Errorf("<img src=%q> has no alt", attrs["src"])
			}
		case "label":
			labels = append(labels, attrs["for"])
		case "input", "select", "textarea":
			if attrs["type"] != "hidden" && attrs["aria-label"] == "" && !within(n, "label") {
				controls = append(controls, attrs["id"])
			}
		case "form":
			if attrs["method"] != "get" && attrs["method"] != "post" {
				t.Errorf("<form action=%q> has no method", attrs["action"])
			}
		}
		if strings.Contains(attrs["href"]+attrs["action"]+attrs["src"], "about:invalid") {
			t.Errorf("<%s> has an address that was refused", n.Data)
		}
	}
	for _, id := range controls {
		if !slices.Contains(labels, id) {
			t.Errorf("the control %q has no label", id)
		}
	}
	if headings != 1 && bytes.Contains(page, []byte("<html")) {
		t.Errorf("%d first-level headings, want 1", headings)
	}
}

// hostLike tells names of hosts and files in samples from text keys.
func hostLike(s string) bool {
	return strings.HasSuffix(s, ".ch") || strings.HasSuffix(s, ".example") || strings.HasSuffix(s, ".com") || strings.HasSuffix(s, ".local") ||
		strings.Trim(s, "0123456789.") == "" || strings.HasSuffix(s, ".ics") || strings.HasSuffix(s, ".pem")
}

func within(n *html.Node, name string) bool {
	for p := range n.Ancestors() {
		if p.Type == html.ElementNode && p.Data == name {
			return true
		}
	}
	return false
}

// TestEveryPageIsRendered compares the templates that draw pages with those that the samples draw, by the names in the sources.
func TestEveryPageIsRendered(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("*.templ")
	if err != nil || len(pages) == 0 {
		t.Fatalf("found %d templ files: %v", len(pages), err)
	}
	tests, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var used bytes.Buffer
	for _, path := range tests {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		used.Write(source)
	}
	exported := regexp.MustCompile(`(?m)^templ ([A-Z]\w*)\(`)
	for _, path := range pages {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range exported.FindAllSubmatch(source, -1) {
			if !bytes.Contains(used.Bytes(), append(m[1], '(')) {
				t.Errorf("no sample draws %s of %s", m[1], path)
			}
		}
	}
}

// TestFirstPageWeight holds the sign-in page and Today to 100 kB on the wire, with every file that they load.
func TestFirstPageWeight(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`(?:src|href)="(/static/[^"#]+)`)
	for _, s := range samples() {
		if s.name != "sign-in" && s.name != "today" {
			continue
		}
		page := render(t, s.page(shell(text.English, s)))
		sum := zipped(t, page)
		parts := []int{sum}
		seen := map[string]bool{}
		for _, m := range link.FindAllStringSubmatch(string(page), -1) {
			if !seen[m[1]] {
				seen[m[1]] = true
				n := wire(t, m[1])
				sum, parts = sum+n, append(parts, n)
			}
		}
		t.Logf("%s: %.1f kB on the wire, of which %d B page", s.name, float64(sum)/1000, parts[0])
		if sum >= 100_000 {
			t.Errorf("%s weighs %d bytes: %v", s.name, sum, parts)
		}
	}
}

func zipped(t *testing.T, content []byte) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
