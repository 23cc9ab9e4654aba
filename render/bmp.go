package render

import "encoding/binary"

// encodeBMP returns the canvas as BMP version 3 with 1 bit a pixel: rows bottom-up, each padded to four bytes, and a palette
// whose fourth bytes are 0. Firmware of door displays refuses top-down files and palettes with an alpha of 255.
func encodeBMP(c *canvas) []byte {
	const header = 14 + 40 + 8
	stride := (c.w + 31) / 32 * 4
	size := header + stride*c.h
	b := make([]byte, header, size)
	copy(b, "BM")
	le := binary.LittleEndian
	le.PutUint32(b[2:], uint32(size))
	le.PutUint32(b[10:], header)
	le.PutUint32(b[14:], 40)
	le.PutUint32(b[18:], uint32(c.w))
	le.PutUint32(b[22:], uint32(c.h))
	le.PutUint16(b[26:], 1)
	le.PutUint16(b[28:], 1)
	le.PutUint32(b[34:], uint32(stride*c.h))
	le.PutUint32(b[38:], 3780) // 96 dpi in pixels per metre
	le.PutUint32(b[42:], 3780)
	le.PutUint32(b[46:], 2)
	copy(b[58:], "\xff\xff\xff\x00")
	for y := c.h - 1; y >= 0; y-- {
		b = packRow(b, c.pix[y*c.w:(y+1)*c.w], 1)
		for (len(b)-header)%stride != 0 {
			b = append(b, 0)
		}
	}
	return b
}
