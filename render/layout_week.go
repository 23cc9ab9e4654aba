package render

import (
	"image"
	"slices"
	"unicode/utf8"
)

// maxDays is the number of columns of a week.
const maxDays = 7

// week draws the Week template: a header with the state, and the days below it in columns. Small print and QR code stand at
// the right of the days, upright below them.
func (p *page) week() {
	body := image.Rect(0, p.weekHead(), p.w, p.h)
	if p.portrait {
		body = p.weekFoot(body)
	} else {
		body = p.weekSide(body)
	}
	pad := p.px(16)
	p.grid(image.Rect(pad, body.Min.Y+p.px(10), body.Max.X-pad, body.Max.Y-p.px(10)))
}

// weekHead draws the header and returns where it ends.
func (p *page) weekHead() int {
	s := p.s
	h := p.px(16) + p.lineHeight(26) + p.lineHeight(60)
	if p.portrait {
		h += p.lineHeight(28) + p.lineHeight(22)
	}
	r := image.Rect(0, 0, p.w, h)
	onBlack := s.State == Busy
	if onBlack {
		p.c.fill(r, black)
	}
	in := image.Rect(p.px(30), p.px(10), p.w-p.px(30), h-p.px(12))
	if s.State == Soon || s.State == Unknown {
		in.Max.Y = p.weekBand(r) - p.px(4)
	}
	first := []item{
		{text: s.Room, bold: true, size: 26, lines: 1, keep: 3},
		{text: s.StateWord, bold: true, size: 68, lines: 1, word: true, keep: 6},
	}
	second := []item{
		{text: s.Until, bold: true, size: 28, lines: 2, keep: 5},
		{text: s.Subject, size: 22, lines: 1, keep: 3},
		{text: s.Detail, size: 18, lines: 1, keep: 2},
	}
	if p.portrait {
		second[0].low = true
		p.compose(append(first, second...), in.Dx(), in.Dy()).draw(p, in.Min.X, in.Min.Y, in.Dx(), left, onBlack)
	} else {
		x := in.Min.X + in.Dx()/2
		a := p.compose(first, in.Dx()/2-p.px(20), in.Dy())
		a.draw(p, in.Min.X, in.Min.Y+(in.Dy()-a.h)/2, in.Dx()/2-p.px(20), left, onBlack)
		b := p.compose(second, in.Max.X-x, in.Dy())
		b.draw(p, x, in.Max.Y-b.h, in.Max.X-x, right, onBlack)
	}
	p.rule(image.Rect(0, h, p.w, h+p.line()), black)
	return h + p.line()
}

// weekBand draws the narrow band of the header and returns its top.
func (p *page) weekBand(r image.Rectangle) int {
	band := image.Rect(r.Min.X, r.Max.Y-p.px(16), r.Max.X, r.Max.Y)
	if p.s.State == Soon {
		p.c.hatch(band, p.px(16), p.px(3))
	} else {
		p.c.dots(band.Inset(p.px(3)), p.px(8), p.px(2))
	}
	p.shape("band", band)
	return band.Min.Y
}

// weekSide draws, at the right of a wide week, a column with facts, small print and QR code when there is a code, else small
// print below the days. It returns the room for the days.
func (p *page) weekSide(r image.Rectangle) image.Rectangle {
	code, module := p.code(p.w*22/100, r.Dy()*2/3)
	if module == 0 {
		if p.s.AsOf == "" && p.s.LowBattery == "" {
			return r
		}
		h := p.lineHeight(15)
		r.Max.Y -= h + p.px(6)
		p.notes(image.Rect(p.px(16), r.Max.Y, p.w-p.px(16), r.Max.Y+h), "")
		return r
	}
	side := code.side(module)
	margin := max(0, p.px(20)-quietZone*module)
	x, y := r.Max.X-side-margin, r.Max.Y-side-margin
	code.draw(p.c, x, y, module)
	p.shape("qr", image.Rect(x, y, x+side, y+side))
	line := image.Rect(x-margin-p.line(), r.Min.Y, x-margin, r.Max.Y)
	p.rule(line, black)
	in := image.Rect(x+quietZone*module, r.Min.Y+p.px(14), x+side-quietZone*module, y)
	low := p.compose(p.smallPrint(), in.Dx(), in.Dy())
	low.draw(p, in.Min.X, in.Max.Y-low.h, in.Dx(), left, false)
	top := p.compose(p.dateAndFacts(), in.Dx(), in.Dy()-low.h-p.px(10))
	top.draw(p, in.Min.X, in.Min.Y, in.Dx(), left, false)
	return image.Rect(r.Min.X, r.Min.Y, line.Min.X, r.Max.Y)
}

// weekFoot draws facts, small print and QR code below an upright week and returns the room for the days.
func (p *page) weekFoot(r image.Rectangle) image.Rectangle {
	code, module := p.code(p.w*45/100, p.h*25/100)
	if module == 0 {
		if p.s.AsOf == "" && p.s.LowBattery == "" {
			return r
		}
		h := p.lineHeight(15)
		r.Max.Y -= h + p.px(6)
		p.notes(image.Rect(p.px(30), r.Max.Y, p.w-p.px(30), r.Max.Y+h), "")
		return r
	}
	top := p.h - max(code.side(module), p.px(100)) - p.line()
	p.rule(image.Rect(0, top, p.w, top+p.line()), black)
	x := p.corner(code, module, image.Rect(0, top+p.line(), p.w, p.h))
	in := image.Rect(p.px(30), top+p.line()+p.px(12), x-p.px(16), p.h-p.px(12))
	half := (in.Dx() - p.px(16)) / 2
	facts := p.compose(p.dateAndFacts(), half, in.Dy())
	facts.draw(p, in.Min.X, in.Min.Y, half, left, false)
	small := p.compose(p.smallPrint(), half, in.Dy())
	small.draw(p, in.Max.X-half, in.Max.Y-small.h, half, right, false)
	r.Max.Y = top
	return r
}

func (p *page) dateAndFacts() []item {
	items := []item{{text: p.s.DateLabel, bold: true, size: 17, lines: 2, keep: 2}}
	for i, f := range p.s.Facts {
		items = append(items, item{text: f, size: 15, lines: 3, gap: 6 * (1 - min(i, 1)), even: true, keep: 1})
	}
	return items
}

func (p *page) smallPrint() []item {
	return []item{
		{text: p.s.AsOf, size: 15, lines: 2, even: true, keep: 5},
		{text: p.s.LowBattery, size: 15, lines: 2, gap: 4, even: true, keep: 4},
		{text: p.s.QRHint, bold: true, size: 15, lines: 2, gap: 4, even: true, keep: 3},
	}
}

// weekGrid is the geometry of the days.
type weekGrid struct {
	x0, x1   int // of all columns
	y0, y1   int // of the hours
	n        int
	from, to int
}

func (g weekGrid) column(i int) (int, int) {
	return g.x0 + (g.x1-g.x0)*i/g.n, g.x0 + (g.x1-g.x0)*(i+1)/g.n
}

func (g weekGrid) at(minute int) int {
	return g.y0 + (g.y1-g.y0)*(clamp(minute, g.from, g.to)-g.from)/(g.to-g.from)
}

// grid draws the days: labels, all-day events, hours and events.
func (p *page) grid(r image.Rectangle) {
	w := p.s.Week
	days := w.Days[:min(len(w.Days), maxDays)]
	if len(days) == 0 || w.From >= w.To || r.Dx() < 10*len(days) || r.Dy() < p.px(80) {
		return
	}
	gutter := 0
	for _, t := range w.Hours {
		gutter = max(gutter, p.fit(t.Label, r.Dx()/6, false, 14, 1).width())
	}
	g := weekGrid{x0: r.Min.X + gutter + p.px(8), x1: r.Max.X, n: len(days), from: w.From, to: w.To}
	label := p.lineHeight(17) + p.px(4)
	g.y0, g.y1 = r.Min.Y+label+p.px(4), r.Max.Y-p.lineHeight(14)/2
	g.y0 += p.allDay(g, days, r.Min.Y+label+p.px(4))
	p.labels(g, days, image.Rect(g.x0, r.Min.Y, g.x1, r.Min.Y+label))
	p.hours(g, r)
	for i, d := range days {
		x0, x1 := g.column(i)
		t := p.hair()
		if d.Today {
			t = max(2, p.px(3))
			p.c.fill(image.Rect(x0, r.Min.Y, x0+t, g.y1), black)
			p.c.fill(image.Rect(x1-t+p.hair(), r.Min.Y, x1+p.hair(), g.y1), black)
			p.c.fill(image.Rect(x0, g.y1-t+p.hair(), x1+p.hair(), g.y1+p.hair()), black)
			if b := p.s.Bar.Present; b.From < b.To && b.From < g.to && b.To > g.from {
				p.c.fill(image.Rect(x0, g.at(b.From), x0+3*t, g.at(b.To)), black)
				t = 3 * t
			}
		}
		p.events(g, image.Rect(x0+t+p.px(2), g.y0, x1-min(t, p.px(3))-p.px(1), g.y1), d.Events)
	}
}

// labels names the days, all in one size, today inverted.
func (p *page) labels(g weekGrid, days []WeekDay, r image.Rectangle) {
	sizes := p.sizes(17, 15, 13, 12)
	size := sizes[len(sizes)-1]
	for _, size = range sizes {
		cut := false
		for i, d := range days {
			x0, x1 := g.column(i)
			cut = cut || p.d.fit(d.Label, x1-x0-p.px(6), fitting{bold: true, sizes: []int{size}, lines: 1}).cut
		}
		if !cut {
			break
		}
	}
	for i, d := range days {
		x0, x1 := g.column(i)
		head := image.Rect(x0+p.hair(), r.Min.Y, x1, r.Max.Y)
		if d.Today {
			p.c.fill(head, black)
		}
		b := p.d.fit(d.Label, head.Dx()-p.px(6), fitting{bold: true, sizes: []int{size}, lines: 1})
		if b.h <= head.Dy() {
			p.put(b, head.Min.X, head.Min.Y+(head.Dy()-b.h)/2, head.Dx(), center, d.Today)
		}
	}
}

// hours draws the lines of the hours with their labels, and the lines between the days.
func (p *page) hours(g weekGrid, r image.Rectangle) {
	t := p.hair()
	free := r.Min.Y
	for _, h := range p.s.Week.Hours {
		if h.At < g.from || h.At > g.to {
			continue
		}
		y := g.at(h.At)
		p.c.dotted(g.x0, g.x1+t, y, t)
		b := p.fit(h.Label, g.x0-p.px(8)-r.Min.X, false, 14, 1)
		if b.h == 0 {
			continue
		}
		top := y - b.lines[0].baseline + p.pt(14)*36/100 // the middle of a digit on the line
		if top < free || top+b.h > r.Max.Y+p.px(8) {
			continue
		}
		p.put(b, r.Min.X, top, g.x0-p.px(8)-r.Min.X, right, false)
		free = top + b.h
	}
	for i := range g.n + 1 {
		x := g.x1
		if i < g.n {
			x, _ = g.column(i)
		}
		p.c.fill(image.Rect(x, g.y0, x+t, g.y1), mid)
	}
}

// allDay draws up to two all-day events a day under the labels, and returns the height that they take in every column.
func (p *page) allDay(g weekGrid, days []WeekDay, y int) int {
	n := 0
	for _, d := range days {
		n = max(n, len(d.AllDay))
	}
	if n == 0 {
		return 0
	}
	n = min(n, 2)
	h := p.lineHeight(14) + p.px(2)
	for i, d := range days {
		x0, x1 := g.column(i)
		for j, title := range d.AllDay[:min(len(d.AllDay), n)] {
			if rest := len(d.AllDay) - j; j == n-1 && rest > 1 {
				b := p.more(rest, x1-x0-p.px(20), 14)
				if len(b.lines) > 0 {
					title = b.lines[0].text
				}
			}
			box := image.Rect(x0+p.px(5), y+j*(h+p.px(3)), x1-p.px(4), y+j*(h+p.px(3))+h)
			p.c.frame(box, max(1, p.line()/2), black)
			p.shape("event", box)
			p.inBox(title, box, false)
		}
	}
	return n*(h+p.px(3)) + p.px(3)
}

// titleSize is the type of the events' titles: one for the whole week, smaller when its columns are narrow.
func (p *page) titleSize() int {
	if p.w/(len(p.s.Week.Days)+1) < p.px(100) {
		return 12
	}
	return 14
}

// inBox writes a title into an event's box, on as many lines as have room there, if that leaves more than two letters.
func (p *page) inBox(title string, box image.Rectangle, onBlack bool) {
	pad, size := p.px(5), p.titleSize()
	f := fitting{bold: onBlack, sizes: p.sizes(size), lines: max(1, box.Dy()/(p.lineHeight(size)-2))}
	b := p.d.fit(title, box.Dx()-2*pad, f)
	for b.h > box.Dy() && len(b.lines) > 1 {
		f.lines = len(b.lines) - 1
		b = p.d.fit(title, box.Dx()-2*pad, f)
	}
	if b.h > box.Dy() || b.cut && utf8.RuneCountInString(b.lines[0].text) < 4 {
		return
	}
	y := box.Min.Y + min(p.px(3), (box.Dy()-b.h)/2)
	p.put(b, box.Min.X+pad, y, box.Dx()-2*pad, left, onBlack)
}

// events draws a day's meetings into its column. Meetings that overlap share the width.
func (p *page) events(g weekGrid, col image.Rectangle, events []Event) {
	if col.Dx() < 4 {
		return
	}
	least := (g.to-g.from)*p.px(4)/max(1, g.y1-g.y0) + 1
	placed := lanes(events, g.from, g.to, least, max(1, col.Dx()/p.px(14)))
	for _, hidden := range []bool{true, false} {
		for _, e := range placed {
			if e.hidden != hidden {
				continue
			}
			x0 := col.Min.X + col.Dx()*e.lane/e.of
			x1 := col.Min.X + col.Dx()*(e.lane+1)/e.of
			if e.lane+1 < e.of {
				x1 -= p.hair()
			}
			box := image.Rect(x0, g.at(e.From)+p.hair(), x1, g.at(e.To))
			p.c.fill(image.Rect(box.Min.X, g.at(e.From), box.Max.X, box.Min.Y), white)
			p.c.fill(box, black)
			if !hidden {
				p.shape("event", box)
				p.inBox(e.Title, box, true)
			}
		}
	}
}

// laned is an event, cut to the hours, with its place among those that overlap it.
type laned struct {
	Event
	lane, of int
	hidden   bool // no lane was left: it lies in the last one, under its neighbours and without a title
}

// lanes cuts events to [from, to), none shorter than least, and gives each the first lane that is free at its start, at most
// most of them. Events that overlap, directly or through others, agree on the number of lanes.
func lanes(events []Event, from, to, least, most int) []laned {
	out := make([]laned, 0, len(events))
	for _, e := range events {
		if e.From >= e.To {
			continue
		}
		e.From = clamp(e.From, from, max(from, to-least))
		e.To = clamp(e.To, min(to, e.From+least), to)
		out = append(out, laned{Event: e})
	}
	slices.SortStableFunc(out, func(a, b laned) int {
		if a.From != b.From {
			return a.From - b.From
		}
		return b.To - a.To
	})
	group, end := 0, 0
	var free []int // when each lane of the group ends
	for i := range out {
		e := &out[i]
		if i > 0 && e.From >= end {
			group, free = i, nil
		}
		if len(free) == 0 || e.To > end {
			end = e.To
		}
		e.lane = slices.IndexFunc(free, func(t int) bool { return t <= e.From })
		switch {
		case e.lane >= 0:
			free[e.lane] = e.To
		case len(free) < most:
			e.lane = len(free)
			free = append(free, e.To)
		default:
			e.lane, e.hidden = most-1, true
			free[e.lane] = max(free[e.lane], e.To)
		}
		for j := group; j <= i; j++ {
			out[j].of = len(free)
		}
	}
	return out
}
