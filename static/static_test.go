package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path, accept string
		status                     int
		encoding                   string
	}{
		{"plain", "GET", URL("app.css"), "", 200, ""},
		{"zipped", "GET", URL("app.css"), "br, gzip", 200, "gzip"},
		{"gzip refused", "GET", URL("app.css"), "gzip;q=0", 200, ""},
		{"font is never zipped", "GET", URL("fonts/inter.woff2"), "gzip", 200, ""},
		{"head", "HEAD", URL("js/app.js"), "gzip", 200, "gzip"},
		{"post", "POST", URL("js/app.js"), "", 405, ""},
		{"old hash", "GET", Prefix + "app.0000000000.css", "", 404, ""},
		{"no hash", "GET", Prefix + "app.css", "", 404, ""},
		{"folder", "GET", Prefix, "", 404, ""},
		{"unknown name", "GET", URL("no/such.js"), "", 404, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(test.method, test.path, nil)
			r.Header.Set("Accept-Encoding", test.accept)
			w := httptest.NewRecorder()
			Handler().ServeHTTP(w, r)
			if w.Code != test.status {
				t.Fatalf("status %d, want %d", w.Code, test.status)
			}
			if got := w.Header().Get("Content-Encoding"); got != test.encoding {
				t.Errorf("content encoding %q, want %q", got, test.encoding)
			}
			if test.status == http.StatusOK && !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
				t.Errorf("cache control %q", w.Header().Get("Cache-Control"))
			}
		})
	}
}

func TestZippedIsTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		f := loaded().byName[name]
		if f.zipped == nil {
			continue
		}
		r, err := gzip.NewReader(bytes.NewReader(f.zipped))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, f.content) {
			t.Errorf("%s differs when unzipped: %v", name, err)
		}
	}
}

// A style sheet may load nothing but the font, by the name with its hash.
func TestStyleSheetsLoadOnlyTheFont(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`url\("?([^")]+)"?\)`)
	for _, name := range []string{"app.css", "panel.css"} {
		css := string(loaded().byName[name].content)
		for _, m := range link.FindAllStringSubmatch(css, -1) {
			if Prefix+m[1] != URL("fonts/inter.woff2") {
				t.Errorf("%s loads %s", name, m[1])
			}
		}
		if strings.Contains(css, "@import") {
			t.Errorf("%s imports another style sheet", name)
		}
		if strings.Count(css, "{") != strings.Count(css, "}") {
			t.Errorf("%s: braces do not match", name)
		}
	}
}

func TestFontIsSmall(t *testing.T) {
	t.Parallel()
	if n := len(loaded().byName["fonts/inter.woff2"].content); n > 55_000 {
		t.Errorf("the font has %d bytes, more than 55 kB", n)
	}
}

// themes reads the custom properties with a colour of each theme from the tokens. The dark one is written twice (the system's choice
// and the person's), and both must agree.
func themes(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	raw, err := os.ReadFile("css/1-tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	property := regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{6});`)
	read := func(block string) map[string]string {
		colours := map[string]string{}
		for _, m := range property.FindAllStringSubmatch(block, -1) {
			colours[m[1]] = m[2]
		}
		return colours
	}
	blocks := regexp.MustCompile(`(?s)(:root[^{]*)\{([^}]*)\}`).FindAllStringSubmatch(string(raw), -1)
	if len(blocks) < 3 {
		t.Fatalf("found %d blocks of colours, want 3", len(blocks))
	}
	light, dark = read(blocks[0][2]), read(blocks[1][2])
	chosen := read(blocks[2][2])
	if len(light) < 15 || len(light) != len(dark) {
		t.Fatalf("%d light and %d dark colours", len(light), len(dark))
	}
	for name, colour := range dark {
		if chosen[name] != colour {
			t.Errorf("--%s is %s in the system's dark theme and %s in the chosen one", name, colour, chosen[name])
		}
	}
	return light, dark
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil || hex == "" {
		t.Fatalf("%q is no colour", hex)
	}
	linear := func(v uint64) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}

func TestContrast(t *testing.T) {
	t.Parallel()
	light, dark := themes(t)
	const text, shape = 4.5, 3.0
	pairs := []struct {
		front, back string
		least       float64
	}{
		{"ink", "background", text},
		{"ink", "surface", text},
		{"ink", "hover", text},
		{"ink", "soon-tint", text},
		{"ink", "busy-tint", text},
		{"ink", "free-tint", text},
		{"ink", "accent-tint", text},
		{"muted", "background", text},
		{"muted", "surface", text},
		{"muted", "hover", text},
		{"muted", "unknown-tint", text},
		{"muted", "accent-tint", text},
		{"accent", "background", text},
		{"accent", "surface", text},
		{"accent", "hover", text},
		{"accent", "soon-tint", text},
		{"accent", "busy-tint", text},
		{"accent", "free-tint", text},
		{"on-accent", "accent", text},
		{"on-accent", "accent-strong", text},
		{"surface", "busy", text},
		{"surface", "ink", text},
		{"free", "free-tint", text},
		{"free", "surface", text},
		{"soon", "soon-tint", text},
		{"soon", "surface", text},
		{"soon", "background", text},
		{"busy", "busy-tint", text},
		{"busy", "surface", text},
		{"unknown", "surface", text},
		{"control", "surface", shape},
		{"control", "background", shape},
		{"accent", "accent-tint", shape},
		{"block", "surface", shape},
		{"free", "free-tint", shape},
		{"busy", "background", shape},
	}
	for name, colours := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, pair := range pairs {
			a, b := luminance(t, colours[pair.front]), luminance(t, colours[pair.back])
			ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05)
			if ratio < pair.least {
				t.Errorf("%s: %s on %s is %.2f:1, less than %.1f:1", name, pair.front, pair.back, ratio, pair.least)
			}
		}
	}
}

// The colours of the look are fixed; a change is a decision, not an accident.
func TestTokensAreThoseOfTheLook(t *testing.T) {
	t.Parallel()
	light, dark := themes(t)
	want := map[string][2]string{
		"background": {"#faf9f7", "#14161a"},
		"surface":    {"#ffffff", "#1b1e24"},
		"line":       {"#e4e1dc", "#2c3038"},
		"control":    {"#8b867f", "#737983"},
		"ink":        {"#1c1b1a", "#ebe9e6"},
		"muted":      {"#6b6762", "#9a968f"},
		"accent":     {"#0f5c54", "#5bb5a8"},
		"on-accent":  {"#ffffff", "#0b1f1c"},
		"free":       {"#1f7a4d", "#5fbf8f"},
		"soon":       {"#8a5a0f", "#e0a84a"},
		"busy":       {"#b3392f", "#f0786a"},
		"unknown":    {"#6b6762", "#9a968f"},
	}
	for name, colours := range want {
		if light[name] != colours[0] || dark[name] != colours[1] {
			t.Errorf("--%s is %s / %s, want %s / %s", name, light[name], dark[name], colours[0], colours[1])
		}
	}
}
