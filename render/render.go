// Package render turns a scene into the bytes of a picture for a door display. It is pure: no clock, no network, no language
// (all words arrive in the scene), and equal scenes in equal formats give equal bytes, on every run and in every process.
//
// Text is never dithered: in black and white, hinted glyphs are thresholded; greys are patterns of dots in areas without text. Only
// photos are.
package render

import (
	"crypto/sha256"
	"fmt"
	"image"
	"runtime"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
	"github.com/golang/freetype/raster"
	"github.com/golang/freetype/truetype"
	"golang.org/x/image/math/fixed"
)

// Options of a Renderer.
type Options struct {
	// FontDir names a folder of further fonts (.ttf, .otf, .ttc) for scripts that the embedded ones lack, such as Chinese,
	// Japanese and Korean. Empty for none. Of several fonts that have a character, the first by file name of the wanted
	// weight draws it. The files stay in memory: Noto Sans CJK in two weights takes 45 MB.
	FontDir string
	// Workers is the number of pictures drawn at once, each with its own caches of at most a few MB; more callers wait.
	// 0 means one per processor, at most 4.
	Workers int
}

// Renderer draws pictures. It is safe for concurrent use.
type Renderer struct {
	faces   []face
	drawers chan *drawer // nil entries are made when first taken
}

// Picture is a finished picture. Its bytes must not be changed.
type Picture struct {
	Bytes       []byte
	ContentType string
	Hash        [32]byte // SHA-256 of Bytes: the name of this content, stable across processes
}

// New parses the fonts. It fails when a font of Options.FontDir cannot be read.
func New(o Options) (*Renderer, error) {
	faces, err := loadFaces(o.FontDir)
	if err != nil {
		return nil, err
	}
	n := o.Workers
	if n <= 0 {
		n = min(runtime.GOMAXPROCS(0), 4)
	}
	r := &Renderer{faces: faces, drawers: make(chan *drawer, n)}
	for range n {
		r.drawers <- nil
	}
	return r, nil
}

// Draw draws a scene in a format. It fails only when Format.Check does.
func (r *Renderer) Draw(s Scene, f Format) (Picture, error) {
	if err := f.Check(); err != nil {
		return Picture{}, err
	}
	d := <-r.drawers
	defer func() { r.drawers <- d }()
	if d == nil {
		d = newDrawer(r.faces)
	}
	b, err := d.draw(&s, f)
	if err != nil {
		return Picture{}, err
	}
	return Picture{Bytes: b, ContentType: f.Encoding.ContentType(), Hash: sha256.Sum256(b)}, nil
}

// Rest gives up the caches and buffers of pictures that are not being drawn just now. The next picture makes them again, which
// takes it some milliseconds: call it when drawing pauses.
func (r *Renderer) Rest() {
	for range cap(r.drawers) { // first in, first out: each is taken once
		select {
		case <-r.drawers:
			r.drawers <- nil
		default:
			return // all others draw
		}
	}
}

// drawer holds what one picture at a time needs: the fonts' mutable sides and all caches. It is not safe for concurrent use.
type drawer struct {
	faces   []face
	shapers []*font.Face // of faces, by index
	hb      shaping.HarfbuzzShaper
	para    bidi.Paragraph
	seg     segmenter.Segmenter
	runes   []rune // scratch of paragraph

	buf    truetype.GlyphBuf
	raster *raster.Rasterizer
	path   outline

	mono       bool // masks are 0 and 1
	strikes    map[strikeKey]*strike
	atlasBytes int
	extents    map[boundsKey]fixed.Rectangle26_6
	runs       map[runKey]*run
	runBytes   int
	codes      map[string]qrCode

	page, turned canvas
	png          pngWriter
	trace        func(mark) // set by tests: sees every text and shape that must stay apart
}

func newDrawer(faces []face) *drawer {
	d := &drawer{faces: faces, raster: raster.NewRasterizer(0, 0)}
	d.raster.UseNonZeroWinding = true
	for _, f := range faces {
		d.shapers = append(d.shapers, font.NewFace(f.shaped))
	}
	d.forget()
	return d
}

// forget empties the caches.
func (d *drawer) forget() {
	d.strikes, d.atlasBytes = map[strikeKey]*strike{}, 0
	d.extents = map[boundsKey]fixed.Rectangle26_6{}
	d.runs, d.runBytes = map[runKey]*run{}, 0
	d.codes = map[string]qrCode{}
}

// maxIdleCanvas is the size of the largest canvas that a drawer keeps between pictures.
const maxIdleCanvas = 4 << 20

func (d *drawer) draw(s *Scene, f Format) ([]byte, error) {
	if d.atlasBytes > maxAtlas || d.runBytes > maxAtlas || len(d.codes) > maxCodes {
		d.forget()
	}
	w, h := f.Width, f.Height
	if f.Rotate == 90 || f.Rotate == 270 {
		w, h = h, w
	}
	d.mono = f.Palette == BW1
	d.page.reset(w, h, f.Palette)
	newPage(d, s).layout()
	c := d.page.rotated(f.Rotate, &d.turned)
	defer func() {
		if len(d.page.pix) > maxIdleCanvas {
			d.page, d.turned, d.png = canvas{}, canvas{}, pngWriter{}
		}
	}()
	switch f.Encoding {
	case BMP3:
		return encodeBMP(c), nil
	case PNG:
		return d.png.encode(c, f.Palette.bits())
	}
	return nil, fmt.Errorf("render: unknown encoding %d", f.Encoding)
}

// mark is what the drawer reports to a test: something drawn, the place given to it, and the pixels that it used.
type mark struct {
	kind      string // "text", or a shape: "bar", "qr", "band", "rule"
	text      string
	slot, ink image.Rectangle
}
