package render

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zlib"
)

// deflateLevel weighs bytes against time: on door pictures level 6 is a tenth smaller than level 1 for 0.15 ms more.
const deflateLevel = 6

// pngWriter writes PNG of true grey (colour type 0) with 1, 2 or 4 bits a pixel, unfiltered rows. image/png has no such
// form, and spends most of its time on packing bits. It keeps its buffers.
type pngWriter struct {
	rows []byte
	idat bytes.Buffer
	z    *zlib.Writer
}

// encode returns the PNG of a canvas in memory of its own.
func (p *pngWriter) encode(c *canvas, bits int) ([]byte, error) {
	p.rows = packRows(p.rows[:0], c, bits)
	p.idat.Reset()
	if p.z == nil {
		z, err := zlib.NewWriterLevel(&p.idat, deflateLevel)
		if err != nil {
			return nil, fmt.Errorf("render: open deflate: %w", err)
		}
		p.z = z
	} else {
		p.z.Reset(&p.idat)
	}
	if _, err := p.z.Write(p.rows); err != nil {
		return nil, fmt.Errorf("render: deflate: %w", err)
	}
	if err := p.z.Close(); err != nil {
		return nil, fmt.Errorf("render: deflate: %w", err)
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
		out = append(out, 0)
		row := c.pix[y*c.w : (y+1)*c.w]
		if bits == 1 {
			out = packBits(out, row)
			continue
		}
		per := 8 / bits
		for len(row) > 0 {
			n := min(per, len(row))
			var b byte
			for i := range per {
				b <<= bits
				if i < n {
					b |= c.max - row[i]
				}
			}
			out = append(out, b)
			row = row[n:]
		}
	}
	return out
}

// packBits appends a row of 0 and 1 (ink) as bits, most significant first, white set; the bits past the row's end are 0.
func packBits(out []byte, row []uint8) []byte {
	// Each of eight bytes of 0 or 1 is moved to its own bit of the topmost byte; no two products meet in a bit.
	const gather = 0x8040201008040201
	for len(row) >= 8 {
		out = append(out, ^byte(binary.LittleEndian.Uint64(row)*gather>>56))
		row = row[8:]
	}
	if len(row) > 0 {
		var b byte
		for i, v := range row {
			b |= (1 - v) << (7 - i)
		}
		out = append(out, b)
	}
	return out
}
