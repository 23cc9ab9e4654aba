package render

import (
	"image"
	"strings"
	"unicode"
	"unicode/utf8"
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
	gap := false
	for _, r := range s {
		if unicode.IsSpace(r) && r != '\u00a0' && r != '\u202f' || unicode.IsControl(r) {
			gap = n > 0
			continue
		}
		if r == utf8.RuneError || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xad {
			continue
		}
		if unicode.Is(unicode.M, r) {
			if marks++; marks > maxMarks || n == 0 {
				continue
			}
		} else {
			marks = 0
		}
		if r >= 0x250 && !unicode.In(r, unicode.L, unicode.N) && !d.drawable(r) {
			continue
		}
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
	at := d.strike(st)
	for _, r := range s {
		g := d.glyph(at, st, r)
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

// drawLine draws a clean line with its pen at (x, y) and returns the pixels that its glyphs may touch.
func (d *drawer) drawLine(c *canvas, s string, st style, rtl bool, x, y int, onBlack bool) image.Rectangle {
	var ink image.Rectangle
	if st.size < kernFrom {
		if _, ok := d.measureSimple(s, st); ok {
			at := d.strike(st)
			for _, r := range s {
				g := d.glyph(at, st, r)
				c.blit(g.mask, g.w, g.h, x+g.left, y+g.top, onBlack)
				ink = ink.Union(image.Rect(0, 0, g.w, g.h).Add(image.Pt(x+g.left, y+g.top)))
				x += g.adv
			}
			return ink
		}
	}
	r := d.shaped(s, st, rtl)
	d.drawRun(r, st.size)
	c.blit(r.mask, r.ink.Dx(), r.ink.Dy(), x+r.ink.Min.X, y+r.ink.Min.Y, onBlack)
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
		if e := d.measure(s, st, rtl); e.width() <= w {
			return d.newBlock([]string{s}, st, rtl)
		}
	}
	wrap := f.wrap
	if wrap == nil {
		wrap = f.sizes[len(f.sizes)-1:]
	}
	var lines []string
	var st style
	for _, size := range wrap {
		st = style{size, f.bold}
		var whole bool
		if lines, whole = d.wrap(s, st, rtl, w, max(1, f.lines)); whole {
			return d.newBlock(d.balance(lines, s, st, rtl, w), st, rtl)
		}
	}
	b := d.newBlock(lines, st, rtl)
	b.cut = len(b.lines) > 0
	return b
}

// balance wraps a text that takes several lines anew, in the smallest width that needs no more of them, so that no word is
// left alone on the last one.
func (d *drawer) balance(lines []string, s string, st style, rtl bool, w int) []string {
	n := len(lines)
	for step := w / 4; n > 1 && step > st.size/4; step /= 2 {
		if tried, whole := d.wrap(s, st, rtl, w-step, n); whole && len(tried) == n && !d.torn {
			lines, w = tried, w-step
		}
	}
	return lines
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

// wrap breaks a text into at most n lines and reports whether it fitted whole; else the last line ends in an ellipsis.
func (d *drawer) wrap(s string, st style, rtl bool, w, n int) ([]string, bool) {
	var lines []string
	d.torn = false
	for len(lines) < n-1 {
		if d.measure(s, st, rtl).width() <= w {
			return append(lines, s), true
		}
		cut := d.breakAt(s, st, rtl, w)
		if cut == 0 {
			break
		}
		lines = append(lines, strings.TrimRight(s[:cut], " "))
		s = strings.TrimLeft(s[cut:], " ")
	}
	if d.measure(s, st, rtl).width() <= w {
		return append(lines, s), true
	}
	return append(lines, d.ellipsis(s, st, rtl, w)), false
}

// minTorn is the width, in ems, from which a word that is too long is torn apart. In narrower columns it gets an ellipsis.
const minTorn = 8

// breakAt returns the byte where the first line of s ends: the last opportunity whose text fits, else a place within the
// word, else 0.
func (d *drawer) breakAt(s string, st style, rtl bool, w int) int {
	best, at := 0, 0
	d.seg.Init([]rune(s))
	for it := d.seg.LineIterator(); it.Next(); {
		at += len(string(it.Line().Text))
		if d.measure(strings.TrimRight(s[:at], " "), st, rtl).width() > w {
			break
		}
		best = at
	}
	if best > 0 {
		return best
	}
	if w < minTorn*st.size {
		return 0
	}
	d.torn = true
	cuts := d.graphemes(s)
	lo, hi := 0, len(cuts)
	for lo < hi {
		if m := (lo + hi) / 2; d.measure(s[:cuts[m]], st, rtl).width() <= w {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo == 0 {
		return 0
	}
	return cuts[lo-1]
}

// ellipsis returns the longest start of s that fits together with "…"; empty when not even that fits.
func (d *drawer) ellipsis(s string, st style, rtl bool, w int) string {
	short := func(n int) string { return strings.TrimRight(s[:n], " ,;:.–-(/&") + "…" }
	cuts := d.graphemes(s)
	lo, hi := 0, len(cuts)
	for lo < hi {
		if m := (lo + hi) / 2; d.measure(short(cuts[m]), st, rtl).width() <= w {
			lo = m + 1
		} else {
			hi = m
		}
	}
	n := 0
	if lo > 0 {
		n = cuts[lo-1]
	}
	if out := short(n); d.measure(out, st, rtl).width() <= w {
		return out
	}
	return ""
}

// graphemes returns the byte offsets at which s may be cut: the ends of what a reader takes for one character.
func (d *drawer) graphemes(s string) []int {
	cuts := d.cuts[:0]
	d.seg.Init([]rune(s))
	at := 0
	for it := d.seg.GraphemeIterator(); it.Next(); {
		at += len(string(it.Grapheme().Text))
		cuts = append(cuts, at)
	}
	d.cuts = cuts
	return cuts
}
