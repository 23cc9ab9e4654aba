package render

import "image"

// foot draws bar, small print and QR code of the Day template, and returns where it begins. Its height depends on the code and
// on whether there is a bar, not on the small print, so that a stale agenda moves nothing.
func (p *page) foot() int {
	bar := p.s.Bar.From < p.s.Bar.To
	code, module := p.code(p.w*45/100, p.h*38/100)
	if !bar && module == 0 && p.s.AsOf == "" && p.s.LowBattery == "" {
		return p.h
	}
	notes := p.lineHeight(15)
	h := notes + p.px(20)
	if bar {
		h = p.px(14) + p.barHeight() + p.px(5) + notes + p.px(10)
	}
	h = max(h, code.side(module)*min(module, 1)+p.line())
	top := p.h - h
	p.rule(image.Rect(0, top, p.w, top+p.line()), black)
	in := image.Rect(p.px(30), top+p.line(), p.w-p.px(24), p.h)
	if module > 0 {
		in.Max.X = p.corner(code, module, image.Rect(0, in.Min.Y, p.w, p.h)) - p.px(20)
	}
	need := notes
	if bar {
		need += p.barHeight() + p.px(5)
	}
	thick := p.px(28) + clamp((in.Dy()-need-p.px(20))/2, 0, p.px(28))
	y := in.Min.Y + (in.Dy()-need-thick+p.px(28))/2
	if bar {
		y = p.bar(image.Rect(in.Min.X, y, in.Max.X, y+p.barHeight()-p.px(28)+thick), thick) + p.px(5)
	}
	hint := ""
	if module > 0 {
		hint = p.s.QRHint
	}
	p.notes(image.Rect(in.Min.X, y, in.Max.X, y+notes), hint)
	return top
}

// code returns the scene's QR code and the pixels of its modules; 0 when there is none, or no room for one that can be read.
func (p *page) code(w, h int) (qrCode, int) {
	if p.s.QR == "" {
		return qrCode{}, 0
	}
	q := p.d.qrCode(p.s.QR)
	if q.size == 0 {
		return q, 0
	}
	for m := max(minModule, p.px(3)); m >= minModule; m-- {
		if q.side(m) <= min(w, h) {
			return q, m
		}
	}
	return q, 0
}

// corner draws a QR code at the right of r, with a rule to its left, and returns that rule's place. The quiet zone may lie on
// the page's margin, which is white as well.
func (p *page) corner(q qrCode, module int, r image.Rectangle) int {
	side := q.side(module)
	margin := max(0, p.px(24)-quietZone*module)
	x, y := r.Max.X-side-margin, r.Min.Y+(r.Dy()-side)/2
	q.draw(p.c, x, y, module)
	p.shape("qr", image.Rect(x, y, x+side, y+side))
	line := image.Rect(x-margin-p.line(), r.Min.Y, x-margin, r.Max.Y)
	p.rule(line, black)
	return line.Min.X
}

// barHeight is that of the bar with the mark above and the labels below it.
func (p *page) barHeight() int { return p.px(10) + p.px(28) + p.px(6) + p.lineHeight(15) }

// bar draws the bar of the day, of the given thickness, with its mark and labels into r, and returns r's lower edge.
func (p *page) bar(r image.Rectangle, thick int) int {
	b := p.s.Bar
	x0, x1, y := r.Min.X, r.Max.X, r.Min.Y
	at := func(min int) int { return x0 + (x1-x0)*(clamp(min, b.From, b.To)-b.From)/(b.To-b.From) }
	t := p.line()
	if b.Present.From < b.Present.To && at(b.Present.From) < at(b.Present.To) {
		from, to := at(b.Present.From), at(b.Present.To)
		p.c.fill(image.Rect(from, y, to, y+p.px(3)), black)
		p.c.fill(image.Rect(from, y, from+t, y+p.px(7)), black)
		p.c.fill(image.Rect(to-t, y, to, y+p.px(7)), black)
		p.shape("bar", image.Rect(from, y, to, y+p.px(7)))
	}
	y += p.px(10)
	box := image.Rect(x0, y, x1, y+thick)
	p.c.frame(box, t, black)
	last := b.From - 1
	for _, s := range b.Busy {
		if s.From >= s.To || s.To <= b.From || s.From >= b.To {
			continue
		}
		from, to := at(s.From), at(s.To)
		if s.From == last {
			from += t // back to back: two meetings, not one
		}
		last = s.To
		p.c.fill(image.Rect(from, box.Min.Y, max(to, from+1), box.Max.Y), black)
	}
	p.shape("bar", box)
	p.ticks(box, at)
	return r.Max.Y
}

// ticks labels the bar; a label that would touch its neighbour is left out.
func (p *page) ticks(r image.Rectangle, at func(int) int) {
	y := r.Max.Y + p.px(6)
	free := r.Min.X
	for _, t := range p.s.Bar.Ticks {
		if t.At < p.s.Bar.From || t.At > p.s.Bar.To {
			continue
		}
		b := p.fitLine(t.Label, r.Dx()/2, p.lineHeight(15), false, 15)
		x := clamp(at(t.At)-b.width()/2, r.Min.X, r.Max.X-b.width())
		if b.h == 0 || x < free {
			continue
		}
		p.put(b, x, y, b.width(), left, false)
		free = x + b.width() + p.px(8)
		tick := min(at(t.At), r.Max.X-p.hair())
		p.c.fill(image.Rect(tick, r.Max.Y, tick+p.hair(), r.Max.Y+p.px(4)), black)
	}
}

// notes draws the small print into one line: the agenda's age and the battery at the left, at the right the hint if
// there is room for the whole of it.
func (p *page) notes(r image.Rectangle, hint string) {
	x := r.Min.X
	b := p.fitLine(p.s.AsOf, r.Dx(), r.Dy(), false, 15)
	if b.h > 0 {
		p.put(b, x, r.Min.Y, b.width(), left, false)
		x += b.width() + p.px(24)
	}
	x = p.battery(x, r)
	b = p.fitLine(hint, r.Max.X-x, r.Dy(), false, 15)
	if b.h > 0 && !b.cut {
		p.put(b, r.Max.X-b.width(), r.Min.Y, b.width(), left, false)
	}
}

// battery draws a nearly empty battery and its text when the battery is low, and returns where the next note may begin.
func (p *page) battery(x int, r image.Rectangle) int {
	size := p.pt(15)
	w, h := size*3/2, size*3/4
	b := p.fitLine(p.s.LowBattery, r.Max.X-x-w-size/2, r.Dy(), false, 15)
	if b.h == 0 {
		return x
	}
	t := max(1, size/10)
	base := r.Min.Y + b.lines[0].baseline
	box := image.Rect(x, base-h, x+w-2*t, base)
	p.c.frame(box, t, black)
	p.c.fill(image.Rect(box.Max.X, base-h*3/4, box.Max.X+2*t, base-h/4), black)
	p.c.fill(image.Rect(x+2*t, base-h+2*t, x+2*t+max(2, w/6), base-2*t), black)
	p.shape("bar", image.Rect(x, base-h, x+w, base))
	x += w + size/2
	p.put(b, x, r.Min.Y, b.width(), left, false)
	return x + b.width() + p.px(24)
}

func clamp(v, low, high int) int { return max(low, min(v, high)) }
