package render

import (
	"slices"
	"strings"

	"golang.org/x/image/math/fixed"
)

// paragraph is a text that is too long for one line. Where to break it is first estimated from the advances of the whole text
// in a style, then checked: shaping every possible line would cost seconds on long texts.
type paragraph struct {
	d      *drawer
	s      string
	rtl    bool
	st     style
	breaks []int // bytes after which a line may end (UAX #14), the last one len(s)
	cuts   []int // bytes after which the text may be torn or cut: the ends of what a reader takes for one character (UAX #29)
	pre    []fixed.Int26_6
	preSt  style // of pre: the advance of the text up to each cut
	torn   bool  // the last wrap broke within a word
}

// paragraph prepares a clean text for wrapping.
func (d *drawer) paragraph(s string, rtl bool) *paragraph {
	p := &paragraph{d: d, s: s, rtl: rtl}
	if plain(s) { // nothing combines
		for i := range s {
			if i > 0 {
				p.cuts = append(p.cuts, i)
			}
		}
		p.cuts = append(p.cuts, len(s))
		return p
	}
	p.segment()
	at := 0
	for it := d.seg.GraphemeIterator(); it.Next(); {
		at += len(string(it.Grapheme().Text))
		p.cuts = append(p.cuts, at)
	}
	return p
}

// findBreaks fills breaks once.
func (p *paragraph) findBreaks() {
	if len(p.breaks) > 0 {
		return
	}
	p.segment()
	at := 0
	for it := p.d.seg.LineIterator(); it.Next(); {
		at += len(string(it.Line().Text))
		p.breaks = append(p.breaks, at)
	}
}

func (p *paragraph) segment() {
	p.d.runes = append(p.d.runes[:0], []rune(p.s)...)
	p.d.seg.Init(p.d.runes)
}

// estimate fills pre for the present style.
func (p *paragraph) estimate() {
	if p.preSt == p.st {
		return
	}
	p.preSt, p.pre = p.st, p.pre[:0]
	steps := p.d.advances(p.s, p.st, p.rtl)
	var sum fixed.Int26_6
	next, n := 0, 0
	for i := range p.s {
		if i == p.cuts[next] {
			p.pre = append(p.pre, sum)
			next++
		}
		sum += steps[n]
		n++
	}
	p.pre = append(p.pre, sum)
}

// before returns the estimated advance of the text up to a byte that is 0 or a cut.
func (p *paragraph) before(at int) fixed.Int26_6 {
	if i, _ := slices.BinarySearch(p.cuts, at); at > 0 {
		return p.pre[min(i, len(p.pre)-1)]
	}
	return 0
}

func (p *paragraph) fits(s string, w int) bool { return p.d.measure(s, p.st, p.rtl).width() <= w }

// wrap breaks the text into at most n lines and reports whether it fitted whole; else the last line ends in an ellipsis.
func (p *paragraph) wrap(w, n int) ([]string, bool) {
	lines := make([]string, 0, n)
	p.torn = false
	p.estimate()
	from := 0
	for len(lines) < n-1 {
		if p.fits(p.s[from:], w) {
			return append(lines, p.s[from:]), true
		}
		to := p.breakAfter(from, w)
		if to == from {
			break
		}
		lines = append(lines, strings.TrimRight(p.s[from:to], " "))
		from = len(p.s) - len(strings.TrimLeft(p.s[to:], " "))
	}
	if p.fits(p.s[from:], w) {
		return append(lines, p.s[from:]), true
	}
	return append(lines, p.ellipsis(from, w)), false
}

// minTorn is the width, in ems, from which a word that is too long is torn apart. In narrower columns it gets an ellipsis.
const minTorn = 8

// breakAfter returns the byte where the line that begins at from ends: the last break whose text fits, else a place within
// the word, else from.
func (p *paragraph) breakAfter(from, w int) int {
	p.findBreaks()
	limit := p.before(from) + fixed.I(w+p.st.size)
	for i := len(p.breaks) - 1; i >= 0 && p.breaks[i] > from; i-- {
		if to := p.breaks[i]; p.before(to) <= limit && p.fits(strings.TrimRight(p.s[from:to], " "), w) {
			return to
		}
	}
	if w < minTorn*p.st.size {
		return from
	}
	p.torn = true
	return p.longest(from, w, func(to int) bool { return p.fits(p.s[from:to], w) })
}

// longest returns the last cut after from up to which the text passes, or from. It begins a little beyond the estimate for
// width w and gives way in growing steps.
func (p *paragraph) longest(from, w int, pass func(to int) bool) int {
	limit := p.before(from) + fixed.I(w+p.st.size/2)
	i, _ := slices.BinarySearch(p.pre, limit)
	for step := 0; i > 0 && p.cuts[i-1] > from; i -= 1 + step/4 {
		if pass(p.cuts[i-1]) {
			return p.cuts[i-1]
		}
		step++
	}
	return from
}

// ellipsis returns the longest start of the text after from that fits together with "…"; empty when not even that fits.
func (p *paragraph) ellipsis(from, w int) string {
	short := func(to int) string { return strings.TrimRight(p.s[from:to], " ,;:.–-(/&") + "…" }
	out := short(p.longest(from, w, func(to int) bool { return p.fits(short(to), w) }))
	if !p.fits(out, w) {
		return ""
	}
	return out
}

// balance wraps a text that takes several lines anew, in the smallest width that needs no more of them, so that no word is
// left alone on the last one.
func (p *paragraph) balance(lines []string, w int) []string {
	if p.torn {
		return lines
	}
	n := len(lines)
	for step := w / 4; n > 1 && step > p.st.size/4; step /= 2 {
		if tried, whole := p.wrap(w-step, n); whole && len(tried) == n && !p.torn {
			lines, w = tried, w-step
		}
	}
	return lines
}
