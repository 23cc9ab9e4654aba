package render

import "image"

// photo draws somebody's picture as large as it fits, in the middle of white ground, over a line for the agenda's age and the
// battery where there is something to say.
func (p *page) photo() {
	r := image.Rect(0, 0, p.w, p.h)
	if p.s.AsOf != "" || p.s.LowBattery != "" {
		h := p.lineHeight(15)
		r.Max.Y -= h
		p.notes(image.Rect(p.px(24), r.Max.Y, p.w-p.px(24), p.h), "")
	}
	ph := p.s.Photo
	if ph == nil || len(ph.pix) == 0 {
		return
	}
	w, h := contain(ph.w, ph.h, r.Dx(), r.Dy())
	p.c.dither(ph.scaled(w, h), r.Min.X+(r.Dx()-w)/2, r.Min.Y+(r.Dy()-h)/2)
}

// Light beyond these counts as white and black: the noise of a compressed picture would strew dots over plain ground.
const (
	nearWhite = 248
	nearBlack = 7
)

// dither inks a photo with its top left corner at (x, y) in the canvas's levels. What a level is off is handed on to the pixels
// around (Floyd and Steinberg), line by line in turns from the left and from the right, in whole numbers.
func (c *canvas) dither(p *Photo, x, y int) {
	levels := int(c.max)
	here, below := make([]int, p.w+2), make([]int, p.w+2) // errors in sixteenths, shifted by one
	for row := range p.h {
		from, step := 0, 1
		if row%2 == 1 {
			from, step = p.w-1, -1
		}
		src, dst := p.pix[row*p.w:(row+1)*p.w], c.pix[(y+row)*c.w+x:]
		for i := from; i >= 0 && i < p.w; i += step {
			want := int(src[i])
			switch {
			case want >= nearWhite:
				want = 255
			case want <= nearBlack:
				want = 0
			}
			want = clamp(want*16+here[i+1], 0, 255*16)
			level := (want*levels + 255*8) / (255 * 16) // the nearest one
			dst[i] = uint8(levels - level)
			off := want - level*255*16/levels
			here[i+1+step] += off * 7 / 16
			below[i+1-step] += off * 3 / 16
			below[i+1] += off * 5 / 16
			below[i+1+step] += off / 16
		}
		here, below = below, here
		clear(below)
	}
}
