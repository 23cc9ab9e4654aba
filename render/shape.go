package render

import (
	"image"
	"slices"
	"unicode"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// run is a shaped line of text: glyphs in visual order, their bounds, and a mask once it was drawn.
type run struct {
	glyphs []placed
	adv    int
	ink    image.Rectangle // of all glyphs; origin at the pen
	whole  bool            // all glyphs stand on whole pixels: they are drawn from the atlas
	mask   []uint8         // of the ink, for the others, once they were drawn
}

type placed struct {
	face int
	id   font.GID
	x, y fixed.Int26_6 // y downwards
	adv  fixed.Int26_6
	text int // the first character that the glyph stands for
}

type runKey struct {
	text string
	style
	rtl, mono bool
}

// shaped returns the shaped form of a clean line in a base direction, from the cache if it is there.
func (d *drawer) shaped(s string, st style, rtl bool) *run {
	k := runKey{s, st, rtl, d.mono}
	if r := d.runs[k]; r != nil {
		return r
	}
	r := d.shape([]rune(s), st, rtl)
	d.runs[k] = r
	d.runBytes += len(s) + 64*len(r.glyphs) + 256
	return r
}

// span is a piece of text with one level, one script and one face.
type span struct {
	from, to int
	level    bidi.Level
	script   language.Script
	face     int
}

func (d *drawer) shape(text []rune, st style, rtl bool) *run {
	out := &run{whole: true}
	var pen fixed.Int26_6
	for _, sp := range visual(d.itemise(text, st, rtl)) {
		dir := di.DirectionLTR
		if sp.level%2 != 0 {
			dir = di.DirectionRTL
		}
		res := d.hb.ShapeNoExtents(shaping.Input{
			Text: text, RunStart: sp.from, RunEnd: sp.to, Direction: dir, Face: d.shapers[sp.face],
			Size: fixed.I(st.size), Script: sp.script, Language: "und",
		})
		// Letters that stand apart keep whole pixels, so that one letter always looks the same; joined scripts keep
		// their exact places, or their joints would gap.
		whole := d.faces[sp.face].hinted != nil && sp.script != language.Arabic
		out.whole = out.whole && whole
		for _, g := range res.Glyphs {
			x, y := pen+g.XOffset, -g.YOffset
			step := g.Advance
			if whole {
				x, y, step = (x+32)&^63, (y+32)&^63, (step+32)&^63
			}
			out.glyphs = append(out.glyphs, placed{sp.face, g.GlyphID, x, y, step, g.TextIndex()})
			out.ink = out.ink.Union(pixels(d.bounds(sp.face, st.size, g.GlyphID).Add(fixed.Point26_6{X: x, Y: y})))
			pen += step
		}
	}
	out.adv = pen.Ceil()
	return out
}

type boundsKey struct {
	face, size int
	id         font.GID
}

// bounds returns the extent of a glyph as it will be drawn, hints applied: those may move an edge by more than a pixel.
func (d *drawer) bounds(f, size int, id font.GID) fixed.Rectangle26_6 {
	k := boundsKey{f, size, id}
	b, ok := d.extents[k]
	if !ok {
		d.path.reset()
		d.addGlyph(f, size, id, 0, 0)
		b = d.path.extent()
		d.extents[k] = b
	}
	return b
}

// drawRun draws a run with its pen at (x, y).
func (d *drawer) drawRun(c *canvas, r *run, size, x, y int, onBlack bool) {
	if r.whole {
		for _, at := range r.glyphs {
			g := d.glyph(d.strike(at.face, size), at.id)
			c.blit(g.mask, g.w, g.h, x+at.x.Round()+g.left, y+at.y.Round()+g.top, onBlack)
		}
		return
	}
	if r.mask == nil {
		d.path.reset()
		for _, g := range r.glyphs {
			d.addGlyph(g.face, size, g.id, g.x, g.y)
		}
		r.mask = d.rasterise(r.ink)
		d.runBytes += len(r.mask)
	}
	c.blit(r.mask, r.ink.Dx(), r.ink.Dy(), x+r.ink.Min.X, y+r.ink.Min.Y, onBlack)
}

// itemise cuts text into spans in logical order.
func (d *drawer) itemise(text []rune, st style, rtl bool) []span {
	base := bidi.LeftToRight
	if rtl {
		base = bidi.RightToLeft
	}
	runs := d.para.Segment(text, base)
	var out []span
	for i := range runs.NumRuns() {
		r := runs.Run(i)
		from := r.Start
		if r.Level == 2 && !rtl {
			// The library joins runs of one direction. In a left-to-right line a number that follows right-to-left
			// text (level 2) must not drag along the left-to-right text behind it (level 0).
			if n := numberLen(text[r.Start:r.End]); n > 0 && n < r.End-r.Start {
				out = d.split(out, text, st, from, from+n, 2)
				from += n
				r.Level = 0
			}
		}
		out = d.split(out, text, st, from, r.End, r.Level)
	}
	return out
}

// split appends text[from:to] in spans of one script and face.
func (d *drawer) split(out []span, text []rune, st style, from, to int, level bidi.Level) []span {
	script, f := language.Common, st.face()
	start := from
	for i := from; i < to; i++ {
		s, nf := language.LookupScript(text[i]), f
		if s == language.Common || s == language.Inherited || s == language.Unknown {
			s = script
		}
		if r := text[i]; !d.has(f, r) || r < 0x590 && unicode.In(r, unicode.L, unicode.N) {
			nf = d.pick(r, st, f)
		}
		if script == language.Common {
			script = s
		}
		if s != script || (nf != f && i > start) {
			out = append(out, span{start, i, level, script, f})
			start = i
		}
		script, f = s, nf
	}
	return append(out, span{start, to, level, script, f})
}

func (d *drawer) has(f int, r rune) bool {
	_, ok := d.shapers[f].NominalGlyph(r)
	return ok
}

// pick returns the face for a character: the first of the wanted weight that has it, else the first of any weight, else keep.
// A combining mark stays in the face of its base when that has it.
func (d *drawer) pick(r rune, st style, keep int) int {
	if unicode.Is(unicode.M, r) && d.has(keep, r) {
		return keep
	}
	for _, strict := range []bool{true, false} {
		for i, f := range d.faces {
			if (f.bold == st.bold || !strict) && d.has(i, r) {
				return i
			}
		}
	}
	return keep
}

// drawable reports whether some font has the character.
func (d *drawer) drawable(r rune) bool {
	for i := range d.faces {
		if d.has(i, r) {
			return true
		}
	}
	return false
}

// visual puts spans of a line into visual order: rule L2 of the Unicode bidirectional algorithm (UAX #9) on whole spans.
// Within a span the shaper has already turned right-to-left glyphs around.
func visual(spans []span) []span {
	var top bidi.Level
	for _, s := range spans {
		top = max(top, s.level)
	}
	for level := top; level > 0; level-- {
		for i := 0; i < len(spans); i++ {
			j := i
			for j < len(spans) && spans[j].level >= level {
				j++
			}
			if j > i {
				slices.Reverse(spans[i:j])
				i = j
			}
		}
	}
	return spans
}

// numberLen returns the length of the number at the start of text: digits, single separators between digits, and signs such
// as % or € beside them.
func numberLen(text []rune) int {
	n := 0
	for i, r := range text {
		switch {
		case unicode.IsDigit(r):
			n = i + 1
		case r == '%' || r == '#' || r == '°' || unicode.Is(unicode.Sc, r):
			if i == n {
				n = i + 1
			}
		case (r == ':' || r == '.' || r == ',' || r == '/' || r == '+' || r == '-') && i == n:
			// counts only when a digit follows
		default:
			return n
		}
	}
	return n
}

// startsRTL reports whether the first strong character of a text is written from right to left.
func startsRTL(s string) bool {
	for _, r := range s {
		if r < 0x590 {
			if unicode.IsLetter(r) {
				return false
			}
			continue
		}
		switch language.LookupScript(r) {
		case language.Hebrew, language.Arabic, language.Syriac, language.Thaana, language.Nko, language.Adlam:
			return true
		case language.Common, language.Inherited, language.Unknown:
			switch r {
			case '\u200f', '\u061c':
				return true
			case '\u200e':
				return false
			}
		default:
			return false
		}
	}
	return false
}
