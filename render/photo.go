package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/bmp"
)

// Limits of a photo: what is larger is refused before it is decoded.
const (
	MaxPhotoBytes = 5 << 20
	MaxPhotoSide  = 4096 // pixels
)

// photoSide is how long a decoded photo's longer side is at most: hardly a panel shows more, and it is kept in memory.
const photoSide = 1920

// ErrPhoto says that bytes are no photo that can be shown.
var ErrPhoto = errors.New("render: no usable picture")

// Photo is somebody's picture, for Scene.Photo: grey, on white ground, upright. Nobody changes it.
type Photo struct {
	hash [32]byte // of the bytes that it was decoded from
	w, h int
	pix  []uint8 // light, row by row
}

// Size returns the bytes that it takes in memory.
func (p *Photo) Size() int { return len(p.pix) }

// MarshalJSON stands for the photo in a scene's key: equal bytes decode to equal photos.
func (p *Photo) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(hex.EncodeToString(p.hash[:]))
	if err != nil {
		return nil, fmt.Errorf("render: encode hash of a photo: %w", err)
	}
	return b, nil
}

// CheckPhoto returns the media type of a photo by its own bytes: image/png, image/jpeg or image/bmp. It looks at the head alone;
// what is anything else, or larger than the limits, is an ErrPhoto.
func CheckPhoto(data []byte) (mediaType string, err error) {
	kind, _, err := photoKind(data)
	if err != nil {
		return "", err
	}
	return "image/" + kind, nil
}

// photoKind tells the format and the declared size.
func photoKind(data []byte) (kind string, cfg image.Config, err error) {
	if len(data) > MaxPhotoBytes {
		return "", cfg, fmt.Errorf("%w: %d bytes", ErrPhoto, len(data))
	}
	r := bytes.NewReader(data)
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		kind = "png"
		cfg, err = png.DecodeConfig(r)
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		kind = "jpeg"
		cfg, err = jpeg.DecodeConfig(r)
	case bytes.HasPrefix(data, []byte("BM")):
		kind = "bmp"
		cfg, err = bmp.DecodeConfig(r)
	default:
		return "", cfg, fmt.Errorf("%w: neither PNG nor JPEG nor BMP", ErrPhoto)
	}
	if err != nil {
		return "", cfg, fmt.Errorf("%w: %w", ErrPhoto, err)
	}
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > MaxPhotoSide || cfg.Height > MaxPhotoSide {
		return "", cfg, fmt.Errorf("%w: %d×%d pixels", ErrPhoto, cfg.Width, cfg.Height)
	}
	return kind, cfg, nil
}

// DecodePhoto reads a PNG, JPEG or BMP: as grey on white, turned as a camera noted it, and no larger than a panel needs. Anything
// that is no such picture, or larger than the limits, is an ErrPhoto. The largest ones take 200 MB for a moment, so decode one at
// a time.
func DecodePhoto(data []byte) (*Photo, error) {
	kind, _, err := photoKind(data)
	if err != nil {
		return nil, err
	}
	var img image.Image
	r := bytes.NewReader(data)
	turn := 1
	switch kind {
	case "png":
		img, err = png.Decode(r)
	case "jpeg":
		img, err = jpeg.Decode(r)
		turn = orientation(data)
	default:
		img, err = bmp.Decode(r)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPhoto, err)
	}
	p := grey(img)
	if w, h := contain(p.w, p.h, photoSide, photoSide); w < p.w {
		p = p.scaled(w, h)
	}
	p = p.turned(turn)
	p.hash = sha256.Sum256(data)
	return p, nil
}

// grey takes the light of a picture on white ground, some rows at a time: as a whole in colour it would take four times as much.
func grey(img image.Image) *Photo {
	const rows = 64
	b := img.Bounds()
	p := &Photo{w: b.Dx(), h: b.Dy(), pix: make([]uint8, b.Dx()*b.Dy())}
	strip := image.NewRGBA(image.Rect(0, 0, p.w, min(rows, p.h)))
	for y := 0; y < p.h; y += rows {
		n := min(rows, p.h-y)
		part := image.Rect(0, 0, p.w, n)
		imagedraw.Draw(strip, part, image.NewUniform(color.White), image.Point{}, imagedraw.Src)
		imagedraw.Draw(strip, part, img, b.Min.Add(image.Pt(0, y)), imagedraw.Over)
		dst := p.pix[y*p.w : (y+n)*p.w]
		for i := range dst {
			c := strip.Pix[4*i : 4*i+3]
			dst[i] = uint8((19595*uint32(c[0]) + 38470*uint32(c[1]) + 7471*uint32(c[2]) + 1<<15) >> 16) // ITU-R BT.601
		}
	}
	return p
}

// contain returns the largest size of the proportions w:h that fits into a box, at least one pixel on each side.
func contain(w, h, boxW, boxH int) (int, int) {
	if w*boxH >= h*boxW {
		return boxW, max(1, (h*boxW+w/2)/w)
	}
	return max(1, (w*boxH+h/2)/h), boxH
}

// scaled returns the photo in another size: each pixel is the mean of the area that it covers, in whole numbers, so that it is
// the same on every machine. Enlarged pixels stay sharp, as drawings want it.
func (p *Photo) scaled(w, h int) *Photo {
	if w == p.w && h == p.h {
		return p
	}
	out := &Photo{hash: p.hash, w: w, h: h, pix: make([]uint8, w*h)}
	across, down := spansOf(p.w, w), spansOf(p.h, h)
	sums := make([]uint32, p.w) // of one row of out, in columns of p
	for y, d := range down {
		clear(sums)
		for j := d.first; j <= d.last; j++ {
			weight := d.weight(j)
			for x, v := range p.pix[j*p.w : (j+1)*p.w] {
				sums[x] += weight * uint32(v)
			}
		}
		row := out.pix[y*w : (y+1)*w]
		for x, a := range across {
			var sum uint64
			for i := a.first; i <= a.last; i++ {
				sum += uint64(a.weight(i)) * uint64(sums[i])
			}
			all := uint64(a.total) * uint64(d.total)
			row[x] = uint8((sum + all/2) / all)
		}
	}
	return out
}

// spread is which pixels of a line one pixel of a scaled line covers.
type spread struct {
	first, last int
	head, tail  uint32 // how much of the first and of the last, of inner
	inner       uint32 // how much a whole one counts
	total       uint32
}

func (s spread) weight(i int) uint32 {
	switch i {
	case s.first:
		return s.head
	case s.last:
		return s.tail
	}
	return s.inner
}

// spansOf lays m pixels over n: pixel i covers [i·n, (i+1)·n) where each of the n is m long.
func spansOf(n, m int) []spread {
	out := make([]spread, m)
	for i := range out {
		from, to := i*n, (i+1)*n
		s := spread{first: from / m, last: (to - 1) / m, inner: uint32(m), total: uint32(n)}
		s.head, s.tail = uint32(min(to, (s.first+1)*m)-from), uint32(to-s.last*m)
		out[i] = s
	}
	return out
}

// turned returns the photo upright, by the EXIF value of Orientation: 1 to 8.
func (p *Photo) turned(o int) *Photo {
	if o < 2 || o > 8 {
		return p
	}
	out := &Photo{hash: p.hash, w: p.w, h: p.h, pix: make([]uint8, len(p.pix))}
	if o > 4 {
		out.w, out.h = p.h, p.w
	}
	for y := range out.h {
		for x := range out.w {
			sx, sy := x, y
			if o > 4 {
				sx, sy = y, x
			}
			switch o {
			case 2, 8:
				sx = p.w - 1 - sx
			case 4, 6:
				sy = p.h - 1 - sy
			case 3, 7:
				sx, sy = p.w-1-sx, p.h-1-sy
			}
			out.pix[y*out.w+x] = p.pix[sy*p.w+sx]
		}
	}
	return out
}

// Bare returns the photo without its pixels: it names the same photo in a scene's key, and can't be drawn.
func (p *Photo) Bare() *Photo { return &Photo{hash: p.hash, w: p.w, h: p.h} }
