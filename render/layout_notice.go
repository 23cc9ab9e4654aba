package render

import "image"

// notice draws the templates that are no agenda: a centred stack over small print and QR code. A message in state Busy is
// inverted as a whole.
func (p *page) notice() {
	onBlack := p.s.State == Busy && p.s.Template == Message
	r := image.Rect(0, 0, p.w, p.noticeFoot())
	if onBlack {
		p.c.fill(r, black)
	}
	pad := p.px(40)
	in := image.Rect(pad, p.px(28), p.w-pad, r.Max.Y-p.px(28))
	st := p.compose(p.noticeItems(), in.Dx(), in.Dy())
	st.draw(p, in.Min.X, in.Min.Y+(in.Dy()-st.h)/2, in.Dx(), center, onBlack)
}

// noticeItems returns the texts of a notice, the most important one largest.
func (p *page) noticeItems() []item {
	s := p.s
	var items []item
	switch s.Template {
	case Claim:
		items = []item{
			{text: s.Title, bold: true, size: 30, lines: 2, keep: 3},
			{text: s.Code, bold: true, size: 108, lines: 1, gap: 4, word: true, keep: 6},
			{text: s.Body, size: 26, lines: 3, gap: 12, keep: 2},
		}
	case Neutral:
		items = []item{
			{text: s.Room, bold: true, size: 64, lines: 2, word: true, keep: 6},
			{text: s.Title, bold: true, size: 30, lines: 2, gap: 14, keep: 5},
			{text: s.Body, size: 24, lines: 4, gap: 8, keep: 4},
		}
	default:
		items = []item{
			{text: s.Room, bold: true, size: 30, lines: 2, keep: 3},
			{text: s.Title, bold: true, size: 60, lines: 3, gap: 6, word: true, keep: 6},
			{text: s.Body, size: 28, lines: 6, gap: 16, keep: 5},
		}
	}
	for i, l := range s.Lines {
		it := item{text: l, size: 20, lines: 3, gap: 6, keep: 1}
		if i == 0 {
			it.size, it.gap, it.keep = 26, 14, 2
		}
		items = append(items, it)
	}
	return items
}

// noticeFoot draws small print and QR code of a notice and returns where they begin.
func (p *page) noticeFoot() int {
	code, module := p.code(p.w*45/100, p.h*38/100)
	notes := p.s.AsOf != "" || p.s.LowBattery != ""
	if module == 0 && !notes {
		return p.h
	}
	line := p.lineHeight(15)
	h := max(line+p.px(20), code.side(module)*min(module, 1)+p.line())
	top := p.h - h
	p.rule(image.Rect(0, top, p.w, top+p.line()), black)
	in := image.Rect(p.px(30), top+p.line(), p.w-p.px(24), p.h)
	hint := ""
	if module > 0 {
		in.Max.X = p.corner(code, module, image.Rect(0, in.Min.Y, p.w, p.h)) - p.px(20)
		hint = p.s.QRHint
	}
	y := in.Min.Y + (in.Dy()-line)/2
	p.notes(image.Rect(in.Min.X, y, in.Max.X, y+line), hint)
	return top
}
