package render

import (
	"image"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/golang/freetype/raster"
	"github.com/golang/freetype/truetype"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// style is how text is set: size in pixels of the em.
type style struct {
	size int
	bold bool
}

func (s style) face() int {
	if s.bold {
		return faceBold
	}
	return faceRegular
}

// glyph is a rasterised character. Its mask holds coverage as canvas.blit wants it.
type glyph struct {
	mask      []uint8
	w, h      int
	left, top int // of the mask, from the pen: right and (negative) up
	adv       int
}

// strike is the atlas of one face at one size, by glyph, and by character for text that is not shaped.
type strike struct {
	strikeKey
	glyphs map[font.GID]*glyph
	ascii  [128]*glyph
	runes  map[rune]*glyph // nil values: not simple, or not in the font
}

type strikeKey struct {
	face, size int
	mono       bool
}

// maxAtlas bounds the bytes of a drawer's glyph masks, and of its shaped runs. Beyond it the caches are emptied.
const maxAtlas = 4 << 20

// strike returns the atlas of a face and size in the present palette's mode.
func (d *drawer) strike(f, size int) *strike {
	k := strikeKey{f, size, d.mono}
	s := d.strikes[k]
	if s == nil {
		s = &strike{strikeKey: k, glyphs: map[font.GID]*glyph{}, runes: map[rune]*glyph{}}
		d.strikes[k] = s
	}
	return s
}

// char returns the glyph of a simple character, nil when it is not simple or the font lacks it.
func (d *drawer) char(s *strike, r rune) *glyph {
	if r >= 0 && r < 128 {
		if g := s.ascii[r]; g != nil {
			return g
		}
	} else if g, ok := s.runes[r]; ok {
		return g
	}
	var g *glyph
	if id := d.faces[s.face].hinted.Index(r); simple(r) && id != 0 {
		g = d.glyph(s, font.GID(id))
	}
	if r >= 0 && r < 128 {
		s.ascii[r] = g
	} else {
		s.runes[r] = g
	}
	return g
}

// glyph rasterises a glyph once.
func (d *drawer) glyph(s *strike, id font.GID) *glyph {
	if g := s.glyphs[id]; g != nil {
		return g
	}
	d.path.reset()
	adv := d.addGlyph(s.face, s.size, id, 0, 0)
	b := pixels(d.path.extent())
	g := &glyph{left: b.Min.X, top: b.Min.Y, w: b.Dx(), h: b.Dy(), adv: (int(adv) + 32) >> 6, mask: d.rasterise(b)}
	s.glyphs[id] = g
	d.atlasBytes += len(g.mask) + 128
	return g
}

// simple reports whether a character needs no shaping: Latin, Greek and Cyrillic letters, digits and punctuation, that stand
// one after the other.
func simple(r rune) bool {
	switch {
	case r < 0x20, r == 0x7f, r >= 0x80 && r < 0xa0, r == 0xad:
		return false
	case r < 0x250:
		return true
	case r >= 0x370 && r < 0x400, r >= 0x400 && r < 0x483, r >= 0x48a && r < 0x530:
		return true
	case r >= 0x1e00 && r < 0x2000:
		return true
	case r >= 0x2010 && r < 0x2028, r >= 0x2030 && r < 0x205f, r >= 0x20a0 && r < 0x20c1, r >= 0x2100 && r < 0x2150:
		return true
	}
	return false
}

// outline collects contours in 26.6 pixels, y downwards.
type outline struct {
	ops      []uint8 // points that each operation takes: 0 starts a contour, 1 line, 2 and 3 curves
	pts      []fixed.Point26_6
	min, max fixed.Point26_6
}

func (o *outline) reset() { o.ops, o.pts = o.ops[:0], o.pts[:0] }

func (o *outline) add(op uint8, pts ...fixed.Point26_6) {
	for _, p := range pts {
		if len(o.pts) == 0 {
			o.min, o.max = p, p
		}
		o.min = fixed.Point26_6{X: min(o.min.X, p.X), Y: min(o.min.Y, p.Y)}
		o.max = fixed.Point26_6{X: max(o.max.X, p.X), Y: max(o.max.Y, p.Y)}
		o.pts = append(o.pts, p)
	}
	o.ops = append(o.ops, op)
}

// extent returns what the outline may touch, control points included.
func (o *outline) extent() fixed.Rectangle26_6 {
	if len(o.pts) == 0 {
		return fixed.Rectangle26_6{}
	}
	return fixed.Rectangle26_6{Min: o.min, Max: o.max}
}

// pixels returns the whole pixels that r touches.
func pixels(r fixed.Rectangle26_6) image.Rectangle {
	if r.Min.X >= r.Max.X || r.Min.Y >= r.Max.Y {
		return image.Rectangle{}
	}
	return image.Rect(r.Min.X.Floor(), r.Min.Y.Floor(), r.Max.X.Ceil(), r.Max.Y.Ceil())
}

// addGlyph appends a glyph's outline, moved by (dx, dy), and returns its advance. Hints that a glyph's program gets wrong are
// left out for that glyph.
func (d *drawer) addGlyph(f, size int, id font.GID, dx, dy fixed.Int26_6) fixed.Int26_6 {
	tt := d.faces[f].hinted
	if tt == nil {
		d.addUnhinted(f, size, id, dx, dy)
		return 0
	}
	scale := fixed.I(size)
	if err := d.buf.Load(tt, scale, truetype.Index(id), xfont.HintingFull); err != nil {
		if err := d.buf.Load(tt, scale, truetype.Index(id), xfont.HintingNone); err != nil {
			return 0
		}
	}
	from := 0
	for _, end := range d.buf.Ends {
		d.path.addContour(d.buf.Points[from:end], dx, dy)
		from = end
	}
	return d.buf.AdvanceWidth
}

// addContour appends a TrueType contour: quadratic curves whose on-curve points may be implied between two controls.
func (o *outline) addContour(ps []truetype.Point, dx, dy fixed.Int26_6) {
	if len(ps) == 0 {
		return
	}
	at := func(p truetype.Point) fixed.Point26_6 { return fixed.Point26_6{X: dx + p.X, Y: dy - p.Y} }
	mid := func(a, b fixed.Point26_6) fixed.Point26_6 {
		return fixed.Point26_6{X: (a.X + b.X) / 2, Y: (a.Y + b.Y) / 2}
	}
	on := func(p truetype.Point) bool { return p.Flags&1 != 0 }
	start := at(ps[0])
	switch last := ps[len(ps)-1]; {
	case on(ps[0]):
		ps = ps[1:]
	case on(last):
		start, ps = at(last), ps[:len(ps)-1]
	default:
		start = mid(start, at(last))
	}
	o.add(0, start)
	var control fixed.Point26_6
	curved := false
	for _, p := range ps {
		switch q := at(p); {
		case on(p) && curved:
			o.add(2, control, q)
			curved = false
		case on(p):
			o.add(1, q)
		case curved:
			o.add(2, control, mid(control, q))
			control = q
		default:
			control, curved = q, true
		}
	}
	if curved {
		o.add(2, control, start)
	} else {
		o.add(1, start)
	}
}

// addUnhinted appends a glyph of the font folder.
func (d *drawer) addUnhinted(f, size int, id font.GID, dx, dy fixed.Int26_6) {
	out, ok := d.shapers[f].GlyphDataOutline(id)
	if !ok {
		return
	}
	scale := float32(size) * 64 / float32(max(1, d.faces[f].shaped.Upem()))
	at := func(p opentype.SegmentPoint) fixed.Point26_6 {
		return fixed.Point26_6{X: dx + fixed.Int26_6(p.X*scale), Y: dy - fixed.Int26_6(p.Y*scale)}
	}
	var start fixed.Point26_6
	open := false
	for _, s := range out.Segments {
		a := s.Args
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			if open {
				d.path.add(1, start)
			}
			start, open = at(a[0]), true
			d.path.add(0, start)
		case opentype.SegmentOpLineTo:
			d.path.add(1, at(a[0]))
		case opentype.SegmentOpQuadTo:
			d.path.add(2, at(a[0]), at(a[1]))
		case opentype.SegmentOpCubeTo:
			d.path.add(3, at(a[0]), at(a[1]), at(a[2]))
		}
	}
	if open {
		d.path.add(1, start)
	}
}

// steps of coverage are enough for smooth edges; all 256 would make a large grey picture a sixth larger.
const steps = 5

// rasterise fills the collected outline within b and returns its mask. In black and white a pixel is set when at least half
// of it is covered.
func (d *drawer) rasterise(b image.Rectangle) []uint8 {
	if b.Empty() {
		return nil
	}
	w, h := b.Dx(), b.Dy()
	d.raster.SetBounds(w, h)
	dx, dy := fixed.I(b.Min.X), fixed.I(b.Min.Y)
	pts := d.path.pts
	next := func() fixed.Point26_6 {
		p := pts[0]
		pts = pts[1:]
		return fixed.Point26_6{X: p.X - dx, Y: p.Y - dy}
	}
	for _, op := range d.path.ops {
		switch op {
		case 0:
			d.raster.Start(next())
		case 1:
			d.raster.Add1(next())
		case 2:
			p := next()
			d.raster.Add2(p, next())
		case 3:
			p := next()
			q := next()
			d.raster.Add3(p, q, next())
		}
	}
	mask := make([]uint8, w*h)
	paint := raster.PainterFunc(func(spans []raster.Span, _ bool) {
		for _, s := range spans {
			v := uint8((s.Alpha>>8*steps + 127) / 255 * (255 / steps))
			if d.mono {
				v = 1
			}
			row := mask[s.Y*w+s.X0 : s.Y*w+s.X1]
			for i := range row {
				row[i] = v
			}
		}
	})
	if d.mono {
		d.raster.Rasterize(raster.NewMonochromePainter(paint))
	} else {
		d.raster.Rasterize(paint)
	}
	return mask
}
