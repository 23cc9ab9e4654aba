package render

import (
	"image"

	"rsc.io/qr"
)

// Sizes of a QR code, in pixels and modules: below 3 pixels phones fail on e-paper, and the standard wants four modules of
// white around the code.
const (
	minModule = 3
	quietZone = 4
	maxCodes  = 1024
)

// qrCode is an encoded code; size 0 when the content does not fit into one.
type qrCode struct {
	size int // modules a side, without the quiet zone
	code *qr.Code
}

// qrCode encodes text at the smallest size, and then with as much error correction as that size holds.
func (d *drawer) qrCode(text string) qrCode {
	if c, ok := d.codes[text]; ok {
		return c
	}
	var best qrCode
	for _, level := range []qr.Level{qr.L, qr.M, qr.Q, qr.H} {
		c, err := qr.Encode(text, level)
		if err != nil || best.size > 0 && c.Size > best.size {
			break
		}
		best = qrCode{c.Size, c}
	}
	d.codes[text] = best
	return best
}

// side returns the pixels a side, quiet zone included, with modules of the given pixels.
func (q qrCode) side(module int) int { return (q.size + 2*quietZone) * module }

// draw paints the code, whose quiet zone's corner is at (x, y).
func (q qrCode) draw(c *canvas, x, y, module int) {
	x, y = x+quietZone*module, y+quietZone*module
	for j := range q.size {
		for i := range q.size {
			if q.code.Black(i, j) {
				c.fill(image.Rect(x+i*module, y+j*module, x+(i+1)*module, y+(j+1)*module), black)
			}
		}
	}
}
