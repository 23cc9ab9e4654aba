package render

import "image"

// badge draws a room on a panel that has no room for lists: the state area, the QR code beside it where it fits, and a line
// for the agenda's age and the battery.
func (p *page) badge() {
	r := image.Rect(0, 0, p.w, p.h)
	if p.s.AsOf != "" || p.s.LowBattery != "" {
		h := p.lineHeight(15)
		r.Max.Y -= h
		p.notes(image.Rect(p.px(24), r.Max.Y, p.w-p.px(24), p.h), "")
	}
	if code, module := p.code(p.w*45/100, r.Dy()); module > 0 {
		r.Max.X = p.corner(code, module, r)
	}
	in := p.field(r)
	s := p.s
	items := []item{
		{text: s.Room, bold: true, size: 32, lines: 1, keep: 4},
		{text: s.StateWord, bold: true, size: 110, lines: 1, word: true, keep: 6},
		{text: s.Until, bold: true, size: 36, lines: 2, keep: 5},
		{text: s.Subject, size: 30, lines: 1, low: true, keep: 3},
	}
	p.compose(items, in.Dx(), in.Dy()).drawApart(p, in, s.State == Busy)
}
