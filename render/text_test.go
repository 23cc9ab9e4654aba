package render

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/font/gofont/goregular"
	"pgregory.net/rapid"
)

func testDrawer(tb testing.TB, dir string) *drawer {
	tb.Helper()
	faces, err := loadFaces(dir)
	if err != nil {
		tb.Fatal(err)
	}
	d := newDrawer(faces)
	d.mono = true
	return d
}

func TestEmbeddedFontsAreHinted(t *testing.T) {
	t.Parallel()
	for _, e := range embedded() {
		ld, err := opentype.NewLoader(bytes.NewReader(e.file))
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"fpgm", "prep", "cvt "} {
			if !ld.HasTable(opentype.MustNewTag(table)) {
				t.Errorf("%s has no table %q: it is not hinted", e.name, table)
			}
		}
	}
}

// TestLettersStayApart compares hinted letters at one bit a pixel: from the smallest size on, an accent must not vanish and
// a dash must have ink.
func TestLettersStayApart(t *testing.T) {
	t.Parallel()
	d := testDrawer(t, "")
	families := []string{
		"aäâàåãáą", "oöôőõó", "uüûùűúů", "AÄÅÂÀ", "OÖÔŐ", "UÜŰÛ", "eéèêëęě", "iìíîïı", "cçćč", "nñńň", "sśšş", "zźžż", "lł1I|", "dđď",
		"rř", "IÎÏİ", "EÉÈÊËĘ", "CÇČG", "SŚŠŞ", "ZŽŻ", "ий", "еёѐ", "ії", "αά", "οό", ".:;,", "O0Q", "8B", "5S", "-–—_",
	}
	for size := minType; size <= 24; size++ {
		for _, bold := range []bool{false, true} {
			st := d.strike(style{size, bold}.face(), size)
			for _, family := range families {
				seen := map[string]rune{}
				for _, r := range family {
					g := d.char(st, r)
					ink := inkOf(g)
					if g == nil || ink == "" {
						t.Errorf("%d px, bold %t: %c has no ink", size, bold, r)
						continue
					}
					if same, ok := seen[ink]; ok {
						t.Errorf("%d px, bold %t: %c looks like %c", size, bold, r, same)
					}
					seen[ink] = r
				}
			}
		}
	}
}

// inkOf describes the set pixels of a glyph by their places.
func inkOf(g *glyph) string {
	if g == nil {
		return ""
	}
	var b strings.Builder
	for i, v := range g.mask {
		if v != 0 {
			b.WriteRune(rune(g.top + i/g.w + 500))
			b.WriteRune(rune(g.left + i%g.w + 500))
		}
	}
	return b.String()
}

// visually returns a line's characters from left to right, without shaping.
func visually(d *drawer, s string) string {
	var b strings.Builder
	text := []rune(s)
	for _, sp := range visual(d.itemise(text, style{size: 20}, startsRTL(s))) {
		part := string(text[sp.from:sp.to])
		if sp.level%2 != 0 {
			for p := part; p != ""; {
				r, n := utf8.DecodeLastRuneInString(p)
				b.WriteRune(r)
				p = p[:len(p)-n]
			}
			continue
		}
		b.WriteString(part)
	}
	return b.String()
}

// TestVisualOrder holds lines against the Unicode bidirectional algorithm (UAX #9). The third and fourth are wrong in the
// library's own line wrapper.
func TestVisualOrder(t *testing.T) {
	t.Parallel()
	d := testDrawer(t, "")
	for _, c := range []struct{ name, logical, want string }{
		{"latin", "Team 2026", "Team 2026"},
		{"hebrew", "אבג דהו", "והד גבא"},
		{"number after hebrew in latin", "Team אבג 14:00", "Team 14:00 גבא"},
		{"number and latin after hebrew", "Team אבג 14:00 sync", "Team 14:00 גבא sync"},
		{"number in hebrew", "אבג 2026 דהו", "והד 2026 גבא"},
		{"latin in hebrew", "אבג Go 1.26 דהו", "והד Go 1.26 גבא"},
		{"number first, then hebrew", "14:00 אבג", "גבא 14:00"},
		{"percent", "x אבג 15% y", "x 15% גבא y"},
	} {
		if diff := cmp.Diff(c.want, visually(d, c.logical)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestArabicIsJoined(t *testing.T) {
	t.Parallel()
	d := testDrawer(t, "")
	st := style{size: 24}
	joined, apart := d.measure("سلام", st, true), 0
	for _, r := range "سلام" {
		apart += d.measure(string(r), st, true).adv
	}
	if joined.adv >= apart {
		t.Errorf("joined letters take %d px, isolated ones %d", joined.adv, apart)
	}
	for _, g := range d.shaped("سلام", st, true).glyphs {
		if g.id == 0 {
			t.Error("a letter has no glyph")
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	d := testDrawer(t, "")
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Design review", "Design review"},
		{"spaces", "  a \t b\r\n\nc  ", "a b c"},
		{"control", "a\x00b\x7f\u0085c", "a b c"},
		{"override", "a\u202eb\u202cc\u2067d\u2069", "abcd"},
		{"soft hyphen", "Sitzungs\u00adraum", "Sitzungsraum"},
		{"emoji", "🎉 Party 🏳️‍🌈!", "Party !"},
		{"invalid", "a\xffb", "ab"},
		{"no-break space", "10\u00a0Uhr", "10\u00a0Uhr"},
		{"unknown letters stay", "会議", "会議"},
		{"stacked marks", "e\u0301\u0301\u0301\u0301\u0301x", "e\u0301\u0301\u0301x"},
		{"mark alone", "\u0301x", "x"},
		{"empty", "", ""},
		{"only spaces", "   ", ""},
		{"long", strings.Repeat("ä", 1000), strings.Repeat("ä", maxRunes)},
		{"long ascii", strings.Repeat("a", 1000), strings.Repeat("a", maxRunes)},
	} {
		if diff := cmp.Diff(c.want, d.clean(c.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestFitOrder holds the rule: shrink one step, then two lines, then an ellipsis.
func TestFitOrder(t *testing.T) {
	t.Parallel()
	d := testDrawer(t, "")
	f := fitting{sizes: []int{26, 22}, lines: 2}
	text := func(b block) []string {
		var out []string
		for _, l := range b.lines {
			out = append(out, l.text)
		}
		return out
	}
	one := d.measure("Quarterly planning", style{size: 26}, false).width()
	small := d.measure("Quarterly planning", style{size: 22}, false).width()
	for _, c := range []struct {
		name  string
		w     int
		size  int
		lines []string
	}{
		{"fits", one, 26, []string{"Quarterly planning"}},
		{"one step smaller", one - 1, 22, []string{"Quarterly planning"}},
		{"two lines", small - 1, 22, []string{"Quarterly", "planning"}},
		{"ellipsis", 70, 22, []string{"Quar…"}},
	} {
		b := d.fit("Quarterly planning", c.w, f)
		if b.st.size != c.size || !cmp.Equal(text(b), c.lines) || b.width() > c.w {
			t.Errorf("%s: %d px %q, %d wide; want %d px %q in %d", c.name, b.st.size, text(b), b.width(), c.size, c.lines, c.w)
		}
	}
	if b := d.fit("Quarterly planning", 5, f); len(b.lines) != 0 {
		t.Errorf("in 5 px stands %q", text(b))
	}
}

// TestFitNeverOverflows checks, for any text, width and size, that lines stay within the width and say what the text says.
func TestFitNeverOverflows(t *testing.T) {
	t.Parallel()
	d := testDrawer(t, "")
	rapid.Check(t, func(t *rapid.T) {
		s, w := phrase().Draw(t, "text"), rapid.IntRange(0, 500).Draw(t, "width")
		size := rapid.IntRange(minType, 60).Draw(t, "size")
		f := fitting{bold: rapid.Bool().Draw(t, "bold"), sizes: []int{size, max(minType, size*smaller/100)}, lines: rapid.IntRange(1, 4).Draw(t, "lines")}
		b := d.fit(s, w, f)
		if len(b.lines) > f.lines || b.width() > w {
			t.Fatalf("%d lines of %d, %d px of %d", len(b.lines), f.lines, b.width(), w)
		}
		squeeze := func(s string) string {
			return strings.Map(func(r rune) rune {
				if unicode.IsSpace(r) {
					return -1
				}
				return r
			}, s)
		}
		got := ""
		for _, l := range b.lines {
			got += l.text
		}
		whole, shown := squeeze(d.clean(s)), squeeze(got)
		if !b.cut && len(b.lines) > 0 && shown != whole {
			t.Fatalf("%q is shown as %q without an ellipsis", whole, shown)
		}
		if b.cut && !strings.HasPrefix(whole, strings.TrimSuffix(shown, "…")) {
			t.Fatalf("%q is cut to %q", whole, shown)
		}
	})
}

// TestFontFolder shows that a font of the folder draws what the embedded ones lack, and that bad folders are refused.
func TestFontFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Go-Regular.TTF"), goregular.TTF, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "readme.txt"), []byte("not a font"), 0o600); err != nil {
		t.Fatal(err)
	}
	without, with := testDrawer(t, ""), testDrawer(t, dir)
	if got := without.clean("a ■"); got != "a" {
		t.Fatalf("%q: the embedded fonts have a black square; choose another character", got)
	}
	if got := with.clean("a ■"); got != "a ■" {
		t.Fatalf("%q: the font of the folder is not asked", got)
	}
	e := with.measure("■", style{size: 40}, false)
	if e.adv < 10 || e.up < 10 || e.right < 10 {
		t.Errorf("a black square of 40 px measures %+v", e)
	}
	c := canvas{}
	c.reset(60, 60, BW1)
	with.drawLine(&c, "■", style{size: 40}, false, 5, 50, false)
	if n := bytes.Count(c.pix, []byte{1}); n < 200 {
		t.Errorf("a black square of 40 px has %d pixels", n)
	}

	if _, err := New(Options{FontDir: filepath.Join(dir, "missing")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
	bad := filepath.Join(dir, "bad.otf")
	if err := os.WriteFile(bad, []byte("OTTO, but no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{FontDir: dir}); err == nil || !strings.Contains(err.Error(), bad) {
		t.Errorf("a broken font: %v", err)
	}
}

// TestGlyphsLoad loads every fourth glyph of the embedded fonts, with the hints that golang/freetype executes.
func TestGlyphsLoad(t *testing.T) {
	t.Parallel()
	d := testDrawer(t, "")
	for i, f := range d.faces {
		n, empty := 0, 0
		seen := map[font.GID]bool{}
		for it := f.shaped.Cmap.Iter(); it.Next(); {
			r, id := it.Char()
			if id%4 != 0 || seen[id] || unicode.In(r, unicode.Z, unicode.C) {
				continue
			}
			seen[id] = true
			n++
			d.path.reset()
			d.addGlyph(i, 14, id, 0, 0)
			if len(d.path.pts) == 0 {
				empty++
			}
		}
		if n < 20 || empty > n/50 {
			t.Errorf("%s: %d of %d characters have no outline", embedded()[i].name, empty, n)
		}
	}
}
