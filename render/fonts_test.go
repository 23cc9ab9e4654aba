package render

import (
	"bytes"
	"slices"
	"testing"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/math/fixed"
)

// TestShapingNeedsNoOutlines shapes every character of the embedded fonts, and every mark on letters of each script, with the
// whole font and with what shapingFont leaves of it.
func TestShapingNeedsNoOutlines(t *testing.T) {
	t.Parallel()
	for _, e := range embedded() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			whole, err := font.ParseTTF(bytes.NewReader(e.file))
			if err != nil {
				t.Fatal(err)
			}
			part, err := shapingFont(e.file)
			if err != nil {
				t.Fatal(err)
			}
			var texts [][]rune
			for it := whole.Cmap.Iter(); it.Next(); {
				r, _ := it.Char()
				texts = append(texts, []rune{r})
				if !unicode.Is(unicode.M, r) {
					continue
				}
				for _, base := range "aiÅПгαכשبلعنa\u0301\u25cc" {
					if _, ok := whole.NominalGlyph(base); ok {
						texts = append(texts, []rune{base, r}, []rune{base, r, base, r, r})
					}
				}
			}
			if len(texts) < 100 {
				t.Fatalf("only %d texts", len(texts))
			}
			var hb shaping.HarfbuzzShaper
			shape := func(text []rune, f *font.Face) []shaping.Glyph {
				in := shaping.Input{
					Text: text, RunEnd: len(text), Face: f, Size: fixed.I(20), Script: language.LookupScript(text[0]), Language: "und",
				}
				switch in.Script {
				case language.Arabic, language.Hebrew:
					in.Direction = di.DirectionRTL
				}
				return slices.Clone(hb.ShapeNoExtents(in).Glyphs)
			}
			lean := font.NewFace(part)
			for _, text := range texts {
				if diff := cmp.Diff(shape(text, whole), shape(text, lean), cmp.AllowUnexported(shaping.Glyph{})); diff != "" {
					t.Errorf("%+q (-whole +part):\n%s", string(text), diff)
				}
			}
		})
	}
}
