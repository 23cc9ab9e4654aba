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

// minType is the smallest type in pixels: below, letters of a hinted font close up.
const minType = 11

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

// layout draws the scene.
func (p *page) layout() {
	switch p.s.Template {
	case Day:
		p.day()
	case Week:
		p.week()
	default:
		p.notice()
	}
}

// px scales a length; never to nothing.
func (p *page) px(n int) int { return max(1, (n*p.scale+500)/1000) }

// pt scales a type size.
func (p *page) pt(n int) int { return max(minType, (n*p.typ+500)/1000) }

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
	return fitting{bold: bold, sizes: p.sizes(n, n*86/100), lines: lines}
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
	for _, l := range b.lines {
		at := x
		switch a {
		case center:
			at += (w - l.ext.width()) / 2
		case right:
			at += w - l.ext.width()
		}
		pen := at - min(0, l.ext.left)
		ink := p.d.drawLine(p.c, l.text, b.st, b.rtl, pen, y+l.baseline, onBlack)
		if p.d.trace != nil {
			p.d.trace(mark{"text", l.text, image.Rect(x, y, x+w, y+b.h), ink})
		}
	}
}

// shape reports a shape that no text may touch.
func (p *page) shape(kind string, r image.Rectangle) {
	if p.d.trace != nil {
		p.d.trace(mark{kind: kind, slot: r, ink: r})
	}
}

// rule draws a line.
func (p *page) rule(r image.Rectangle, t tone) {
	p.c.fill(r, t)
	p.shape("rule", r)
}

// line is the thickness of rules.
func (p *page) line() int { return max(1, p.px(2)) }

// item is a text in a stack.
type item struct {
	text  string
	bold  bool
	size  int
	lines int
	gap   int  // above it, scaled
	word  bool // the state word: shrinks further before it wraps
	keep  int  // the higher, the longer it stays when there is no room
}

// stack is fitted items.
type stack struct {
	blocks []block
	gaps   []int
	h      int
}

// compose fits items into a width and a height: at full size, then tighter and smaller, then with fewer lines, then without
// the items that matter least.
func (p *page) compose(items []item, w, h int) stack {
	for len(items) > 0 {
		for _, k := range []int{100, 92, 84, 76, 68, 60, 52} {
			lines := 9
			if k < 76 {
				lines = 1
			}
			if s := p.stackUp(items, w, k, lines); s.h <= h {
				return s
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

func (p *page) stackUp(items []item, w, k, lines int) stack {
	var s stack
	for _, it := range items {
		f := p.text(it.bold, it.size*k/100, min(lines, it.lines))
		if it.word {
			n := it.size * k / 100
			f.sizes = p.sizes(n, n*9/10, n*8/10, n*7/10, n*6/10)
			f.wrap = p.sizes(n*7/10, n*6/10, n*5/10)
		}
		b := p.d.fit(it.text, w, f)
		if b.h == 0 {
			continue
		}
		gap := 0
		if len(s.blocks) > 0 {
			gap = p.px(it.gap * k / 100)
		}
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
