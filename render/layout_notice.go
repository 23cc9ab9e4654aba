package render

// notice draws the templates that are no agenda: a centred stack, with the QR code below where there is one.
func (p *page) notice() {
	pad := p.px(40)
	w, h := p.w-2*pad, p.h-2*pad
	var items []item
	s := p.s
	switch s.Template {
	case Claim:
		items = append(items, item{text: s.Title, bold: true, size: 30, lines: 2, keep: 2},
			item{text: s.Code, bold: true, size: 96, lines: 1, gap: 8, word: true, keep: 4})
	default:
		items = append(items, item{text: s.Room, bold: true, size: 30, lines: 2, keep: 2},
			item{text: s.Title, bold: true, size: 56, lines: 3, gap: 8, word: true, keep: 4},
			item{text: s.Body, size: 26, lines: 6, gap: 16, keep: 3})
	}
	for i, l := range s.Lines {
		gap := 4
		if i == 0 {
			gap = 16
		}
		items = append(items, item{text: l, size: 24 - 4*min(i, 1), lines: 2, gap: gap, keep: 1})
	}
	foot := p.notes(pad, p.h-pad, w)
	st := p.compose(items, w, h-foot)
	st.draw(p, pad, pad+(h-foot-st.h)/2, w, center, false)
}

// notes draws the small print of a notice with its bottom at y and returns the height taken.
func (p *page) notes(x, y, w int) int {
	var items []item
	for _, t := range []string{p.s.AsOf, p.s.LowBattery} {
		items = append(items, item{text: t, size: 16, lines: 1})
	}
	st := p.compose(items, w, p.px(50))
	st.draw(p, x, y-st.h, w, center, false)
	if st.h == 0 {
		return 0
	}
	return st.h + p.px(12)
}
