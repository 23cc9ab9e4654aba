package render

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/zlib"
)

// Deflate levels. On door pictures level 6 is a tenth smaller than level 1 and takes twice as long, so the quick one is
// taken, unless the picture would then be too large for the buffer of common small devices: level 9 saves a quarter, but takes
// 30 times as long.
const (
	quickly     = 1
	thoroughly  = 9
	smallBuffer = 90_000
)

// pngWriter writes PNG of true grey (colour type 0) with 1, 2 or 4 bits a pixel, unfiltered rows. image/png has no such
// form, and spends most of its time on packing bits. It keeps its buffers.
type pngWriter struct {
	rows  []byte
	idat  bytes.Buffer
	quick *zlib.Writer
}

// encode returns the PNG of a canvas in memory of its own.
func (p *pngWriter) encode(c *canvas, bits int) ([]byte, error) {
	p.rows = packRows(p.rows[:0], c, bits)
	if p.quick == nil {
		z, err := zlib.NewWriterLevel(&p.idat, quickly)
		if err != nil {
			return nil, fmt.Errorf("render: open deflate: %w", err)
		}
		p.quick = z
	}
	if err := p.deflate(p.quick); err != nil {
		return nil, err
	}
	if p.idat.Len() > smallBuffer-200 {
		z, err := zlib.NewWriterLevel(&p.idat, thoroughly)
		if err != nil {
			return nil, fmt.Errorf("render: open deflate: %w", err)
		}
		if err := p.deflate(z); err != nil {
			return nil, err
		}
	}
	var head [13]byte
	binary.BigEndian.PutUint32(head[0:], uint32(c.w))
	binary.BigEndian.PutUint32(head[4:], uint32(c.h))
	head[8] = byte(bits) // colour type 0, deflate, adaptive filters, not interlaced: all zero
	const signature = "\x89PNG\r\n\x1a\n"
	out := make([]byte, 0, len(signature)+3*12+len(head)+p.idat.Len())
	out = append(out, signature...)
	out = appendChunk(out, "IHDR", head[:])
	out = appendChunk(out, "IDAT", p.idat.Bytes())
	return appendChunk(out, "IEND", nil), nil
}

// deflate compresses the rows into idat.
func (p *pngWriter) deflate(z *zlib.Writer) error {
	p.idat.Reset()
	z.Reset(&p.idat)
	if _, err := z.Write(p.rows); err != nil {
		return fmt.Errorf("render: deflate: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("render: deflate: %w", err)
	}
	return nil
}

// appendChunk appends a PNG chunk: length, type, data, checksum over type and data.
func appendChunk(out []byte, kind string, data []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	from := len(out)
	out = append(out, kind...)
	out = append(out, data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[from:]))
}

// packRows appends each row as PNG wants it: filter byte 0, then the samples from the high bits down, where the largest
// sample is white.
func packRows(out []byte, c *canvas, bits int) []byte {
	for y := range c.h {
		out = packRow(append(out, 0), c.pix[y*c.w:(y+1)*c.w], bits)
	}
	return out
}

// packRow appends a row of ink in samples of 1, 2 or 4 bits, turned into light: the largest sample is white. Eight pixels are
// taken at once, as one little-endian word of a byte each. The bits past the row's end are 0.
func packRow(out []byte, row []uint8, bits int) []byte {
	at := len(out)
	n := (len(row)*bits + 7) / 8
	out = slices.Grow(out, n)[:at+n]
	dst, words := out[at:], len(row)/8
	switch bits {
	case 1:
		for i := range words {
			// Each byte of 0 or 1 is moved to its own bit of the topmost byte; no two products meet in a bit.
			x := binary.LittleEndian.Uint64(row[i*8:])
			dst[i] = ^byte(x * 0x8040201008040201 >> 56)
		}
	case 2:
		for i := range words {
			x := binary.LittleEndian.Uint64(row[i*8:])
			x = (x<<2 | x>>8) & 0x000f000f000f000f
			x = x<<4 | x>>16
			dst[2*i], dst[2*i+1] = ^byte(x), ^byte(x>>32)
		}
	case 4:
		for i := range words {
			x := binary.LittleEndian.Uint64(row[i*8:])
			x = x<<4 | x>>8
			dst[4*i], dst[4*i+1], dst[4*i+2], dst[4*i+3] = ^byte(x), ^byte(x>>16), ^byte(x>>32), ^byte(x>>48)
		}
	}
	dst, row = dst[words*bits:], row[words*8:]
	clear(dst)
	for i, v := range row {
		light := byte(1<<bits-1) - v
		dst[i*bits/8] |= light << (8 - bits - i*bits%8)
	}
	return out
}
