package render

import (
	"encoding/binary"
	"image"
)

// tone is a shade as the layouts name it; the palette decides how it looks.
type tone uint8

const (
	white tone = iota
	light
	mid
	black
)

// canvas holds one byte a pixel: the amount of ink, 0 (white) to max (black). Ink rather than light, because a cleared
// slice is then a white picture.
type canvas struct {
	w, h int
	max  uint8
	pix  []uint8
}

// reset makes the canvas a white one of the given size, reusing its memory.
func (c *canvas) reset(w, h int, p Palette) {
	n := w * h
	if cap(c.pix) < n {
		c.pix = make([]uint8, n)
	}
	c.pix = c.pix[:n]
	clear(c.pix)
	c.w, c.h, c.max = w, h, uint8(1<<p.bits()-1)
}

// ink returns the level of a tone for shapes that must stay solid: in black and white everything but white is black.
func (c *canvas) ink(t tone) uint8 {
	switch {
	case t == white:
		return 0
	case t == black || c.max == 1:
		return c.max
	case t == light:
		return max(1, c.max/6)
	default:
		return (c.max + 1) / 2
	}
}

// fill paints a solid rectangle, cut to the canvas.
func (c *canvas) fill(r image.Rectangle, t tone) {
	r = r.Intersect(image.Rect(0, 0, c.w, c.h))
	if r.Empty() {
		return
	}
	v := c.ink(t)
	first := c.pix[r.Min.Y*c.w+r.Min.X : r.Min.Y*c.w+r.Max.X]
	for i := range first {
		first[i] = v
	}
	for y := r.Min.Y + 1; y < r.Max.Y; y++ {
		copy(c.pix[y*c.w+r.Min.X:y*c.w+r.Max.X], first)
	}
}

// dotted draws a horizontal line of dots, one in four; solid and lighter where there are greys.
func (c *canvas) dotted(x0, x1, y, thick int) {
	if c.max > 1 {
		c.fill(image.Rect(x0, y, x1, y+thick), light)
		return
	}
	for x := x0; x < x1; x += 4 * thick {
		c.fill(image.Rect(x, y, min(x+thick, x1), y+thick), black)
	}
}

// frame draws a border of the given thickness inside r.
func (c *canvas) frame(r image.Rectangle, thick int, t tone) {
	c.fill(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+thick), t)
	c.fill(image.Rect(r.Min.X, r.Max.Y-thick, r.Max.X, r.Max.Y), t)
	c.fill(image.Rect(r.Min.X, r.Min.Y, r.Min.X+thick, r.Max.Y), t)
	c.fill(image.Rect(r.Max.X-thick, r.Min.Y, r.Max.X, r.Max.Y), t)
}

// hatch fills r with diagonal black strokes of the given width, one every step pixels.
func (c *canvas) hatch(r image.Rectangle, step, stroke int) {
	r = r.Intersect(image.Rect(0, 0, c.w, c.h))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := c.pix[y*c.w : (y+1)*c.w]
		for x := r.Min.X; x < r.Max.X; x++ {
			if (x+y)%step < stroke {
				row[x] = c.max
			}
		}
	}
}

// dots fills r with squares of the given side, one every step pixels, on alternating columns.
func (c *canvas) dots(r image.Rectangle, step, side int) {
	for i, y := 0, r.Min.Y; y+side <= r.Max.Y; i, y = i+1, y+step {
		for x := r.Min.X + (i%2)*step/2; x+side <= r.Max.X; x += step {
			c.fill(image.Rect(x, y, x+side, y+side), black)
		}
	}
}

// blit inks a mask at (x, y) with black, or wipes it out with white. Mask values are coverage: 0 or 1 when the palette is
// black and white, else 0 to 255. What lies outside the canvas is cut off.
func (c *canvas) blit(m []uint8, mw, mh, x, y int, onBlack bool) {
	x0, x1 := max(0, -x), min(mw, c.w-x)
	if x0 >= x1 {
		return
	}
	for my := max(0, -y); my < min(mh, c.h-y); my++ {
		src := m[my*mw+x0 : my*mw+x1]
		at := (y+my)*c.w + x + x0
		dst := c.pix[at : at+len(src)]
		switch {
		case c.max == 1:
			mix(dst, src, onBlack)
		default:
			c.blend(dst, src, onBlack)
		}
	}
}

// mix sets, or clears when onBlack, the pixels of dst that src has set, eight at a time: all bytes are 0 or 1.
func mix(dst, src []uint8, onBlack bool) {
	le := binary.LittleEndian
	for len(src) >= 8 {
		d, s := le.Uint64(dst), le.Uint64(src)
		if onBlack {
			d &^= s
		} else {
			d |= s
		}
		le.PutUint64(dst, d)
		dst, src = dst[8:], src[8:]
	}
	for i, v := range src {
		if onBlack {
			dst[i] &^= v
		} else {
			dst[i] |= v
		}
	}
}

// blend mixes black, or white when onBlack, into dst by coverage, rounded to the palette's levels.
func (c *canvas) blend(dst, src []uint8, onBlack bool) {
	fg := uint32(c.max)
	if onBlack {
		fg = 0
	}
	for i, v := range src {
		switch v {
		case 0:
		case 255:
			dst[i] = uint8(fg)
		default:
			dst[i] = uint8((uint32(dst[i])*(255-uint32(v)) + fg*uint32(v) + 127) / 255)
		}
	}
}

// rotated returns the canvas turned clockwise by 0, 90, 180 or 270 degrees, in buf's memory unless it is 0.
func (c *canvas) rotated(deg int, buf *canvas) *canvas {
	if deg == 0 {
		return c
	}
	w, h := c.w, c.h
	if deg != 180 {
		w, h = h, w
	}
	if cap(buf.pix) < w*h {
		buf.pix = make([]uint8, w*h)
	}
	buf.pix, buf.w, buf.h, buf.max = buf.pix[:w*h], w, h, c.max
	for y := range c.h {
		row := c.pix[y*c.w : (y+1)*c.w]
		for x, v := range row {
			switch deg {
			case 90:
				buf.pix[x*w+(w-1-y)] = v
			case 180:
				buf.pix[(h-1-y)*w+(w-1-x)] = v
			case 270:
				buf.pix[(h-1-x)*w+y] = v
			}
		}
	}
	return buf
}
