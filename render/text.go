package render

import (
	"image"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/math/fixed"
)

// kernFrom is the size from which simple text is shaped too, for its kerning: below, a pair moves by less than a pixel.
const kernFrom = 30

// maxRunes bounds a string, maxMarks the marks that may stack on one letter.
const (
	maxRunes = 400
	maxMarks = 3
)

// clean makes a string drawable as one paragraph: no control characters, no directional embeddings, single spaces, no
// symbols that no font has (emoji), bounded length and stacking. Letters that no font has stay and show as boxes.
func (d *drawer) clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	n, marks := 0, 0
	last, gap := rune(0), false
	for _, r := range s {
		if unicode.IsSpace(r) && r != '\u00a0' && r != '\u202f' || unicode.IsControl(r) {
			gap, last = n > 0, ' '
			continue
		}
		if unwanted(r) {
			continue
		}
		if unicode.Is(unicode.M, r) {
			if marks++; marks > maxMarks || n == 0 {
				continue
			}
		} else {
			marks = 0
		}
		joiner := r == 0x200c || r == 0x200d
		if joiner && !unicode.In(last, unicode.L, unicode.M) {
			continue // what it joined was an emoji
		}
		if r >= 0x250 && !joiner && !unicode.In(r, unicode.L, unicode.N) && !d.drawable(r) {
			last = 0
			continue
		}
		last = r
		if n++; n > maxRunes {
			break
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unwanted reports what never reaches a picture: broken UTF-8, directional embeddings, overrides and isolates, soft hyphens,
// and selectors of emoji.
func unwanted(r rune) bool {
	return r == utf8.RuneError || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xad || r >= 0xfe00 && r <= 0xfe0f
}

// plain reports whether s is clean already, which most strings are: printable ASCII and Latin-1 with single inner spaces.
func plain(s string) bool {
	if len(s) > maxRunes {
		return false
	}
	space := true
	for _, r := range s {
		if r < 0x20 || r >= 0x7f && r <= 0xa0 || r == 0xad || r >= 0x250 && r != '–' && r != '’' && r != '…' {
			return false
		}
		if r == ' ' && space {
			return false
		}
		space = r == ' '
	}
	return !space || s == ""
}

// extent is the size of a line, in pixels from the pen on the baseline.
type extent struct {
	adv         int
	left, right int // of the ink
	up, down    int // of the ink, both counted away from the baseline
}

// width is the room that the line takes: its advance and what ink hangs over.
func (e extent) width() int { return max(e.adv, e.right) - min(0, e.left) }

// measure returns the extent of a clean line.
func (d *drawer) measure(s string, st style, rtl bool) extent {
	if st.size < kernFrom {
		if e, ok := d.measureSimple(s, st); ok {
			return e
		}
	}
	r := d.shaped(s, st, rtl)
	return extent{adv: r.adv, left: r.ink.Min.X, right: r.ink.Max.X, up: -r.ink.Min.Y, down: r.ink.Max.Y}
}

func (d *drawer) measureSimple(s string, st style) (extent, bool) {
	var e extent
	at := d.strike(st.face(), st.size)
	for _, r := range s {
		g := d.char(at, r)
		if g == nil {
			return e, false
		}
		if g.h > 0 {
			e.left = min(e.left, e.adv+g.left)
			e.right = max(e.right, e.adv+g.left+g.w)
			e.up = max(e.up, -g.top)
			e.down = max(e.down, g.top+g.h)
		}
		e.adv += g.adv
	}
	return e, true
}

// advances returns the advance of each character of a clean line; a glyph of several counts for the first.
func (d *drawer) advances(s string, st style, rtl bool) []fixed.Int26_6 {
	out := make([]fixed.Int26_6, 0, len(s))
	if _, ok := d.measureSimple(s, st); ok {
		at := d.strike(st.face(), st.size)
		for _, r := range s {
			out = append(out, fixed.I(d.char(at, r).adv))
		}
		return out
	}
	out = out[:utf8.RuneCountInString(s)]
	for _, g := range d.shaped(s, st, rtl).glyphs {
		out[g.text] += g.adv
	}
	return out
}

// drawLine draws a clean line with its pen at (x, y) and returns the pixels that its glyphs may touch.
func (d *drawer) drawLine(c *canvas, s string, st style, rtl bool, x, y int, onBlack bool) image.Rectangle {
	var ink image.Rectangle
	if st.size < kernFrom {
		if _, ok := d.measureSimple(s, st); ok {
			at := d.strike(st.face(), st.size)
			for _, r := range s {
				g := d.char(at, r)
				c.blit(g.mask, g.w, g.h, x+g.left, y+g.top, onBlack)
				ink = ink.Union(image.Rect(0, 0, g.w, g.h).Add(image.Pt(x+g.left, y+g.top)))
				x += g.adv
			}
			return ink
		}
	}
	r := d.shaped(s, st, rtl)
	d.drawRun(c, r, st.size, x, y, onBlack)
	return r.ink.Add(image.Pt(x, y))
}

// block is text fitted to a width: one or more lines in one style.
type block struct {
	lines []line
	st    style
	rtl   bool
	cut   bool // ends in an ellipsis
	h     int  // of all lines
}

type line struct {
	text     string
	ext      extent
	baseline int // from the block's top
	bottom   int // of its room, from the block's top
}

// lineUp and lineDown are the room above and below the baseline that a size of type needs for capitals with accents and for
// descenders.
func lineUp(size int) int   { return (size*96 + 50) / 100 }
func lineDown(size int) int { return (size*26 + 50) / 100 }

// fitting says how a text may be fitted to its place.
type fitting struct {
	bold  bool
	sizes []int // for one line, tried in order
	wrap  []int // for more lines, tried in order; the last one ends in an ellipsis. Nil: the last of sizes
	lines int   // at most
}

// fit sets a text into a width: on one line at the first of the sizes that lets it, else on more lines, else with an
// ellipsis. The block is empty when the text is, or when not even the ellipsis fits.
func (d *drawer) fit(s string, w int, f fitting) block {
	s = d.clean(s)
	if s == "" || w <= 0 || len(f.sizes) == 0 {
		return block{}
	}
	rtl := startsRTL(s)
	for _, size := range f.sizes {
		st := style{size, f.bold}
		if d.measure(s, st, rtl).width() <= w {
			return d.newBlock([]string{s}, st, rtl)
		}
	}
	wrap := f.wrap
	if wrap == nil {
		wrap = f.sizes[len(f.sizes)-1:]
	}
	p := d.paragraph(s, rtl)
	var lines []string
	for _, size := range wrap {
		p.st = style{size, f.bold}
		var whole bool
		if lines, whole = p.wrap(w, max(1, f.lines)); whole {
			return d.newBlock(p.balance(lines, w), p.st, rtl)
		}
	}
	b := d.newBlock(lines, p.st, rtl)
	b.cut = len(b.lines) > 0
	return b
}

// newBlock stacks lines; ink that is taller than Latin's gets more room.
func (d *drawer) newBlock(lines []string, st style, rtl bool) block {
	b := block{st: st, rtl: rtl}
	for _, s := range lines {
		if s == "" {
			continue
		}
		e := d.measure(s, st, rtl)
		base := b.h + max(e.up, lineUp(st.size))
		b.h = base + max(e.down, lineDown(st.size))
		b.lines = append(b.lines, line{s, e, base, b.h})
	}
	return b
}

// width returns that of the widest line.
func (b block) width() int {
	w := 0
	for _, l := range b.lines {
		w = max(w, l.ext.width())
	}
	return w
}
