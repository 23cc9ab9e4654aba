package render

import "image"

// page lays a scene out on a canvas. Lengths and type are given for the design's size (800×480, upright 480×800) and scaled.
type page struct {
	d        *drawer
	c        *canvas
	s        *Scene
	w, h     int
	portrait bool
	scale    int // of lengths, in thousandths
	typ      int // of type, in thousandths: on small panels type shrinks less than lengths
}

// minType is the smallest type in pixels: at 11 px and one bit a pixel, ü and u are the same picture.
const minType = 12

// smaller is the step, in per cent, by which a text that is too long shrinks before it wraps.
const smaller = 86

func newPage(d *drawer, s *Scene) *page {
	p := &page{d: d, c: &d.page, s: s, w: d.page.w, h: d.page.h}
	p.portrait = p.h > p.w
	if p.portrait {
		p.scale = min(p.w*1000/480, p.h*1000/800)
	} else {
		p.scale = min(p.w*1000/800, p.h*1000/480)
	}
	p.typ = p.scale
	if p.scale < 1000 {
		p.typ = 250 + p.scale*3/4
	}
	return p
}

// roomy scales a type size of the state area up where the panel is squarer than the design.
func (p *page) roomy(n int) int {
	w, h := 800, 480
	if p.portrait {
		w, h = h, w
	}
	return n * clamp(max(p.w*1000/w, p.h*1000/h)*100/p.scale, 100, 125) / 100
}

// tiny reports whether the panel has room for the state only.
func (p *page) tiny() bool { return min(p.w, p.h) < 200 || max(p.w, p.h) < 320 }

// layout draws the scene.
func (p *page) layout() {
	switch t := p.s.Template; {
	case t == Custom:
		p.photo()
	case t != Day && t != Week:
		p.notice()
	case p.tiny():
		p.badge()
	case t == Week:
		p.week()
	default:
		p.day()
	}
}

// px scales a length; never to nothing.
func (p *page) px(n int) int { return max(1, (n*p.scale+500)/1000) }

// pt scales a type size.
func (p *page) pt(n int) int { return max(minType, (n*p.typ+500)/1000) }

// lineHeight returns the height of one line of a type size.
func (p *page) lineHeight(n int) int { return lineUp(p.pt(n)) + lineDown(p.pt(n)) + 2 }

// sizes scales type sizes and drops repetitions.
func (p *page) sizes(ns ...int) []int {
	out := make([]int, 0, len(ns))
	for _, n := range ns {
		if v := p.pt(n); len(out) == 0 || out[len(out)-1] != v {
			out = append(out, v)
		}
	}
	return out
}

// text is a fitting of n: one step smaller, then more lines.
func (p *page) text(bold bool, n, lines int) fitting {
	return fitting{bold: bold, sizes: p.sizes(n, n*smaller/100), lines: lines}
}

// fit sets a text by its rule.
func (p *page) fit(s string, w int, bold bool, n, lines int) block {
	return p.d.fit(s, w, p.text(bold, n, lines))
}

// fitLine sets a text on one line of a given width and height, smaller if need be; scripts that are taller than Latin are.
func (p *page) fitLine(s string, w, h int, bold bool, n int) block {
	var b block
	for _, k := range shrinkBy {
		if b = p.fit(s, w, bold, n*k/100, 1); b.h <= h {
			return b
		}
	}
	return block{}
}

// align places lines in their slot.
type align uint8

const (
	left align = iota
	center
	right
)

// put draws a block with its top left corner at (x, y), in a column of width w.
func (p *page) put(b block, x, y, w int, a align, onBlack bool) {
	for i, l := range b.lines {
		at := x
		switch {
		case a == center:
			at += (w - l.ext.width()) / 2
		case a == right:
			at += w - l.ext.width()
		case b.rtl:
			at += b.width() - l.ext.width() // the block keeps to the left edge, its lines begin at their right
		}
		pen := at - min(0, l.ext.left)
		if a == left && !b.rtl {
			// Letters such as J hang a little into the margin, so that the edge looks straight.
			pen -= min(-min(0, l.ext.left), b.st.size/8)
		}
		ink := p.d.drawLine(p.c, l.text, b.st, b.rtl, pen, y+l.baseline, onBlack)
		if p.d.trace != nil {
			top, bottom := y, y+b.h
			if i > 0 {
				top = y + b.lines[i-1].bottom
			}
			if i < len(b.lines)-1 {
				bottom = y + l.bottom
			}
			p.d.trace(mark{"text", l.text, image.Rect(pen+min(0, l.ext.left), top, at+l.ext.width(), bottom), ink})
		}
	}
}

// shape reports a shape that no text may touch.
func (p *page) shape(kind string, r image.Rectangle) {
	if p.d.trace != nil {
		p.d.trace(mark{kind: kind, slot: r, ink: r})
	}
}

// rule draws a line that separates areas.
func (p *page) rule(r image.Rectangle, t tone) {
	p.c.fill(r, t)
	p.shape("rule", r)
}

// line is the thickness of rules.
func (p *page) line() int { return p.px(2) }

// item is a text in a stack.
type item struct {
	text  string
	bold  bool
	size  int
	lines int
	gap   int  // above it, scaled
	word  bool // the largest: shrinks half as fast as the others, and further before it wraps
	even  bool // wraps rather than shrinks
	low   bool // belongs to the group at the foot of the area
	keep  int  // the higher, the longer it stays when there is no room
}

// maxLines is more than any item takes.
const maxLines = 9

// stack is fitted items.
type stack struct {
	items  []item
	blocks []block
	gaps   []int
	h      int
}

// shrinkBy are the sizes, in per cent, that a stack tries before it gives up a text.
var shrinkBy = [...]int{100, 92, 84, 76, 68, 60, 52}

// compose fits items into a width and a height: at full size, then smaller and tighter, then on one line each, then without
// the items that matter least.
func (p *page) compose(items []item, w, h int) stack {
	for len(items) > 0 {
		for _, lines := range []int{maxLines, 1} {
			for _, k := range shrinkBy {
				if s := p.stackUp(items, w, k, lines); s.h <= h {
					return s
				}
			}
		}
		least := 0
		for i, it := range items {
			if it.keep <= items[least].keep {
				least = i
			}
		}
		items = append(append([]item(nil), items[:least]...), items[least+1:]...)
	}
	return stack{}
}

// stackUp fits items at k per cent of their size, on at most the given lines.
func (p *page) stackUp(items []item, w, k, lines int) stack {
	var s stack
	for _, it := range items {
		n := it.size * k / 100
		if it.word {
			n = it.size * (100 + k) / 200
		}
		f := p.text(it.bold, n, min(it.lines, lines))
		switch {
		case it.even:
			f.sizes, f.wrap = p.sizes(n), p.sizes(n, n*smaller/100)
		case it.word:
			f.sizes = p.sizes(n, n*9/10, n*8/10, n*7/10, n*6/10)
			f.wrap = p.sizes(n*7/10, n*6/10, n*5/10)
		}
		b := p.d.fit(it.text, w, f)
		if b.h == 0 {
			continue
		}
		gap := 0
		if len(s.blocks) > 0 && it.gap > 0 {
			gap = p.px(it.gap * k / 100)
		}
		s.items = append(s.items, it)
		s.blocks = append(s.blocks, b)
		s.gaps = append(s.gaps, gap)
		s.h += gap + b.h
	}
	return s
}

// draw puts the stack at (x, y) in a column of width w.
func (s stack) draw(p *page, x, y, w int, a align, onBlack bool) {
	for i, b := range s.blocks {
		y += s.gaps[i]
		p.put(b, x, y, w, a, onBlack)
		y += b.h
	}
}

// drawApart puts the stack into r: what is low at the foot, the rest at the top, loosened a little by what is left over.
func (s stack) drawApart(p *page, r image.Rectangle, onBlack bool) {
	rest := max(0, r.Dy()-s.h)
	y := r.Min.Y
	for i, b := range s.blocks {
		y += s.gaps[i]
		switch low := s.items[i].low; {
		case low && (i == 0 || !s.items[i-1].low):
			y += rest
			rest = 0
		case i > 0 && !low && s.items[i].word:
			air := min(rest/4, p.px(18))
			y += air
			rest -= air
		}
		p.put(b, r.Min.X, y, r.Dx(), left, onBlack)
		y += b.h
	}
}
