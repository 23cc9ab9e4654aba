package render

import (
	"image"
	"strconv"
	"strings"
)

// day draws the Day template: state area and list of next meetings, side by side or (upright) one above the other, over a
// foot with the bar of the day.
func (p *page) day() {
	body := image.Rect(0, 0, p.w, p.foot())
	if p.portrait {
		y := body.Dy() * 52 / 100
		p.state(image.Rect(0, 0, p.w, y))
		p.rule(image.Rect(0, y, p.w, y+p.line()), black)
		p.list(image.Rect(0, y+p.line(), p.w, body.Max.Y))
		return
	}
	x := p.w * 598 / 1000
	p.state(image.Rect(0, 0, x, body.Max.Y))
	p.rule(image.Rect(x, 0, x+p.line(), body.Max.Y), black)
	p.list(image.Rect(x+p.line(), 0, p.w, body.Max.Y))
}

// state draws the state area.
func (p *page) state(r image.Rectangle) {
	s := p.s
	in := p.field(r)
	items := []item{
		{text: s.Room, bold: true, size: p.roomy(30), lines: 2, keep: 4},
		{text: s.StateWord, bold: true, size: p.roomy(96), lines: 2, word: true, keep: 6},
		{text: s.Until, bold: true, size: p.roomy(32), lines: 2, keep: 5},
	}
	p.compose(append(items, p.present()...), in.Dx(), in.Dy()).drawApart(p, in, s.State == Busy)
}

// field paints the ground of a state area, black when busy and with a band when soon or unknown, and returns the room for
// text in it.
func (p *page) field(r image.Rectangle) image.Rectangle {
	pad := p.px(30)
	in := image.Rect(r.Min.X+pad, r.Min.Y+p.px(22), r.Max.X-pad, r.Max.Y-p.px(20))
	switch p.s.State {
	case Busy:
		p.c.fill(r, black)
	case Soon, Unknown:
		band := image.Rect(r.Min.X, r.Max.Y-p.px(34), r.Max.X, r.Max.Y)
		if p.s.State == Soon {
			p.c.hatch(band, p.px(22), p.px(4))
		} else {
			p.c.dots(band.Inset(p.px(6)), p.px(12), p.px(3))
		}
		p.shape("band", band)
		in.Max.Y = band.Min.Y - p.px(12)
	}
	return in
}

// present returns what stands at the foot of the state area: the meeting, or the room's facts.
func (p *page) present() []item {
	s := p.s
	var items []item
	if s.Subject != "" {
		items = append(items, item{text: s.Subject, bold: true, size: p.roomy(26), lines: 2, gap: 14, low: true, keep: 3})
	} else {
		for i, f := range s.Facts {
			it := item{text: f, size: p.roomy(22), lines: 2, low: true, keep: 1}
			if i == 0 {
				it.bold, it.size, it.gap, it.keep = true, p.roomy(26), 14, 2
			}
			items = append(items, it)
		}
	}
	return append(items, item{text: s.Detail, size: p.roomy(22), lines: 2, low: true, keep: 2})
}

// density is one way to set the list.
type density struct {
	time   int   // type
	titles []int // type, shrinking
	lines  int   // of a title
	gap    int   // above and below the line between two rows
}

var densities = [...]density{
	{time: 19, titles: []int{20, 18}, lines: 2, gap: 10},
	{time: 19, titles: []int{20, 18}, lines: 1, gap: 10},
	{time: 17, titles: []int{18, 16}, lines: 1, gap: 6},
	{time: 16, titles: []int{16}, lines: 1, gap: 5},
}

// row is a fitted row of the list.
type row struct {
	time, title block
	h           int
}

// list draws heading and next meetings, as loosely as lets all of them be seen.
func (p *page) list(r image.Rectangle) {
	pad := p.px(24)
	if p.portrait {
		pad = p.px(30)
	}
	in := image.Rect(r.Min.X+pad, r.Min.Y+p.px(20), r.Max.X-pad, r.Max.Y-p.px(12))
	in.Min.Y = p.heading(in)
	if len(p.s.Next) == 0 {
		p.compose([]item{{text: p.s.NextEmpty, size: 20, lines: 3}}, in.Dx(), in.Dy()).draw(p, in.Min.X, in.Min.Y, in.Dx(), left, false)
		return
	}
	var rows []row
	var col int
	var d density
	for i := range densities {
		d = densities[i]
		if least := p.pt(d.time) + 2*p.px(d.gap); i < len(densities)-1 && least*len(p.s.Next) > in.Dy() {
			continue // too many for sure: not worth fitting
		}
		rows, col = p.rows(d, in.Dx(), in.Dy())
		if len(rows) == len(p.s.Next) && p.rowsHeight(rows, d) <= in.Dy() {
			break
		}
	}
	var more block
	if n := p.fitting(rows, d, in.Dy()); n < len(p.s.Next) {
		room := in.Dy() - p.lineHeight(d.time) - p.px(d.gap)
		n = p.fitting(rows, d, room)
		more = p.more(len(p.s.Next)-n, in.Dx(), d.time)
		rows = rows[:n]
	}
	y := in.Min.Y
	for _, w := range rows {
		p.put(w.time, in.Min.X, y, in.Dx(), left, false)
		if col > 0 {
			p.put(w.title, in.Min.X+col, y, in.Dx()-col, left, false)
		} else {
			p.put(w.title, in.Min.X, y+w.time.h, in.Dx(), left, false)
		}
		y += w.h + p.px(d.gap)
		p.rule(image.Rect(in.Min.X, y, in.Max.X, y+p.hair()), mid)
		y += p.hair() + p.px(d.gap)
	}
	if y+more.h <= in.Max.Y || len(rows) == 0 && more.h <= in.Dy() {
		p.put(more, in.Min.X, y, in.Dx(), left, false)
	}
}

// hair is the thickness of the finest rules.
func (p *page) hair() int { return max(1, p.scale*12/10000) }

// heading draws the list's title and date over a rule and returns where the list begins.
func (p *page) heading(in image.Rectangle) int {
	date := p.fit(p.s.DateLabel, in.Dx()*6/10, true, 18, 1)
	room := in.Dx() - date.width()
	if date.h > 0 {
		room -= p.px(12)
	}
	head := p.fit(p.s.NextTitle, room, true, 18, 1)
	h := max(head.h, date.h)
	if h == 0 || h+p.px(20) > in.Dy() {
		return in.Min.Y
	}
	p.put(head, in.Min.X, in.Min.Y+h-head.h, room, left, false)
	p.put(date, in.Max.X-date.width(), in.Min.Y+h-date.h, date.width(), right, false)
	y := in.Min.Y + h + p.px(6)
	p.rule(image.Rect(in.Min.X, y, in.Max.X, y+p.line()), black)
	return y + p.line() + p.px(10)
}

// rows fits the next meetings until h is full. The second result is the width of the column of times, 0 when the list is too
// narrow for one and titles stand under their times.
func (p *page) rows(d density, w, h int) ([]row, int) {
	col := 0
	if w > 20*p.pt(d.time) {
		for _, r := range p.s.Next {
			col = max(col, p.fit(r.Time, w, true, d.time, 1).width())
		}
		if col += p.px(18); col > w/2 {
			col = 0
		}
	}
	var rows []row
	for _, r := range p.s.Next {
		w1, w2 := w, w
		if col > 0 {
			w1, w2 = col, w-col
		}
		out := row{time: p.fit(r.Time, w1, true, d.time, 1), title: p.d.fit(r.Title, w2, fitting{sizes: p.sizes(d.titles...), lines: d.lines})}
		out.h = out.time.h + out.title.h
		if col > 0 {
			out.h = max(out.time.h, out.title.h)
		}
		rows = append(rows, out)
		if h -= out.h; h < 0 {
			break
		}
	}
	return rows, col
}

// rowsHeight is the height of rows with the lines between and below them.
func (p *page) rowsHeight(rows []row, d density) int {
	h := 0
	for _, r := range rows {
		h += r.h + 2*p.px(d.gap) + p.hair()
	}
	if len(rows) > 0 {
		h -= p.px(d.gap)
	}
	return h
}

// fitting returns how many rows have room in h.
func (p *page) fitting(rows []row, d density, h int) int {
	n := len(rows)
	for n > 0 && p.rowsHeight(rows[:n], d) > h {
		n--
	}
	return n
}

// more fits the text for n meetings that are not shown; the bare number where the text is missing or too long.
func (p *page) more(n, w, size int) block {
	b := p.fit(strings.ReplaceAll(p.s.More, "{n}", strconv.Itoa(n)), w, true, size, 1)
	if b.cut || b.h == 0 {
		b = p.fit("+"+strconv.Itoa(n), w, true, size, 1)
	}
	return b
}
