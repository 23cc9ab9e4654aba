package render

import (
	"image"
	"strconv"
	"strings"
)

// day draws the Day template: state area and list of next meetings, side by side or (upright) one above the other, over a
// foot with the bar of the day.
func (p *page) day() {
	foot := p.foot()
	body := image.Rect(0, 0, p.w, p.h-foot)
	if p.portrait {
		y := body.Dy() * 46 / 100
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
	onBlack := s.State == Busy
	if onBlack {
		p.c.fill(r, black)
	}
	pad := p.px(30)
	inner := image.Rect(r.Min.X+pad, r.Min.Y+p.px(22), r.Max.X-pad, r.Max.Y-p.px(20))
	if s.State == Soon || s.State == Unknown {
		band := image.Rect(r.Min.X, r.Max.Y-p.px(34), r.Max.X, r.Max.Y)
		if s.State == Soon {
			p.c.hatch(band, p.px(22), p.px(4))
		} else {
			p.c.dots(band.Inset(p.px(6)), p.px(12), p.px(3))
		}
		p.shape("band", band)
		inner.Max.Y = band.Min.Y - p.px(12)
	}
	top := []item{
		{text: s.Room, bold: true, size: 30, lines: 2, keep: 4},
		{text: s.StateWord, bold: true, size: 96, lines: 2, gap: 2, word: true, keep: 6},
		{text: s.Until, bold: true, size: 32, lines: 2, gap: 0, keep: 5},
	}
	var low []item
	if s.Subject != "" {
		low = append(low, item{text: s.Subject, bold: true, size: 26, lines: 2, gap: 16, keep: 3},
			item{text: s.Detail, size: 22, lines: 2, gap: 0, keep: 2})
	} else {
		for i, f := range s.Facts {
			low = append(low, item{text: f, bold: i == 0, size: 26 - 4*min(i, 1), lines: 2, gap: 16 * (1 - min(i, 1)), keep: 2})
		}
		low = append(low, item{text: s.Detail, size: 22, lines: 2, keep: 2})
	}
	st := p.compose(append(top, low...), inner.Dx(), inner.Dy())
	y := inner.Min.Y
	rest := inner.Dy() - st.h
	for i, b := range st.blocks {
		y += st.gaps[i]
		if i == 3 {
			y += rest
		}
		p.put(b, inner.Min.X, y, inner.Dx(), left, onBlack)
		y += b.h
	}
}

// list draws the next meetings.
func (p *page) list(r image.Rectangle) {
	s := p.s
	pad := p.px(24)
	in := image.Rect(r.Min.X+pad, r.Min.Y+p.px(20), r.Max.X-pad, r.Max.Y-p.px(10))
	y := in.Min.Y
	date := p.d.fit(s.DateLabel, in.Dx()*6/10, p.text(true, 18, 1))
	head := p.d.fit(s.NextTitle, in.Dx()-date.width()-p.px(12), p.text(true, 18, 1))
	p.put(head, in.Min.X, y, in.Dx()-date.width()-p.px(12), left, false)
	p.put(date, in.Max.X-date.width(), y, date.width(), right, false)
	y += max(head.h, date.h) + p.px(6)
	p.rule(image.Rect(in.Min.X, y, in.Max.X, y+p.line()), black)
	y += p.line() + p.px(10)
	if len(s.Next) == 0 {
		st := p.compose([]item{{text: s.NextEmpty, size: 20, lines: 3}}, in.Dx(), in.Max.Y-y)
		st.draw(p, in.Min.X, y, in.Dx(), left, false)
		return
	}
	for i, row := range s.Next {
		t := p.d.fit(row.Time, in.Dx(), p.text(true, 19, 1))
		b := p.d.fit(row.Title, in.Dx(), p.text(false, 20, 1))
		need := t.h + b.h + p.px(20)
		more := 0
		if i < len(s.Next)-1 {
			more = p.pt(18) * 13 / 10
		}
		if y+need+more > in.Max.Y {
			m := p.d.fit(strings.ReplaceAll(s.More, "{n}", strconv.Itoa(len(s.Next)-i)), in.Dx(), p.text(false, 18, 1))
			if y+m.h <= in.Max.Y {
				p.put(m, in.Min.X, y, in.Dx(), left, false)
			}
			return
		}
		p.put(t, in.Min.X, y, in.Dx(), left, false)
		p.put(b, in.Min.X, y+t.h, in.Dx(), left, false)
		y += t.h + b.h + p.px(8)
		p.rule(image.Rect(in.Min.X, y, in.Max.X, y+1), black)
		y += p.px(10)
	}
}

// foot draws bar, small print and QR code and returns its height.
func (p *page) foot() int {
	return p.px(86)
}
