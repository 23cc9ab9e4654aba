package render

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"testing"

	"golang.org/x/image/bmp"
)

// view is a photo-like picture: soft tones from black to white, a disc with a shine, and fine structure.
func view(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := x*1000/w, y*1000/h
			light := (u + 1000 - v) * 255 / 2000
			if dx, dy := (x-w/3)*3, (y-h/2)*3; dx*dx+dy*dy < h*h {
				light = 230 - (dx*dx+dy*dy)*200/(h*h)
			}
			if v > 800 {
				light = (u * 7 % 256)
			}
			img.SetRGBA(x, y, color.RGBA{uint8(light), uint8(light), uint8(light * 9 / 10), 255})
		}
	}
	return img
}

// logo is a line drawing: rings and a frame, black on nothing.
func logo(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			dx, dy := 2*x-w, 2*y-h
			r := (dx*dx + dy*dy) * 100 / (h * h)
			frame := x < 6 || y < 6 || x >= w-6 || y >= h-6
			if frame || r >= 20 && r < 26 || r >= 50 && r < 58 || r < 4 {
				img.SetNRGBA(x, y, color.NRGBA{A: 255})
			}
		}
	}
	return img
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decoded(t testing.TB, data []byte) *Photo {
	t.Helper()
	p, err := DecodePhoto(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// photoGoldens are the golden pictures of photos by file name.
func photoGoldens(t testing.TB) map[string]goldenCase {
	cases := map[string]goldenCase{}
	for name, img := range map[string]image.Image{"view": view(640, 480), "logo": logo(500, 300)} {
		photo := decoded(t, pngOf(t, img))
		for suffix, palette := range map[string]Palette{"bw": BW1, "gray4": Gray4, "gray16": Gray16} {
			s := Scene{Template: Custom, Photo: photo}
			cases[fmt.Sprintf("photo-%s-%s.png", name, suffix)] = goldenCase{s, Format{Width: 800, Height: 480, Palette: palette}}
			cases[fmt.Sprintf("photo-%s-%s-turned.png", name, suffix)] = goldenCase{s, Format{Width: 800, Height: 480, Palette: palette, Rotate: 90}}
		}
	}
	photo := decoded(t, pngOf(t, view(640, 480)))
	cases["photo-view-notes.png"] = goldenCase{Scene{Template: Custom, Photo: photo, AsOf: "as of 14:05", LowBattery: "Battery low"}, door}
	return cases
}

func TestPhotosOfAnyFormat(t *testing.T) {
	t.Parallel()
	img := image.NewGray(image.Rect(0, 0, 30, 20)) // black at the left, white at the right
	for i := range img.Pix {
		img.Pix[i] = uint8(min(255, i%30/15*255))
	}
	var jpg, bm bytes.Buffer
	if err := jpeg.Encode(&jpg, img, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	if err := bmp.Encode(&bm, img); err != nil {
		t.Fatal(err)
	}
	for want, data := range map[string][]byte{"image/png": pngOf(t, img), "image/jpeg": jpg.Bytes(), "image/bmp": bm.Bytes()} {
		if kind, err := CheckPhoto(data); kind != want || err != nil {
			t.Errorf("%s is %q, %v", want, kind, err)
		}
		p := decoded(t, data)
		if p.w != 30 || p.h != 20 || p.pix[3] > 12 || p.pix[27] < 243 || p.pix[19*30+3] > 12 {
			t.Errorf("%s: %d×%d, %v", want, p.w, p.h, p.pix[:30])
		}
	}
}

func TestPhotoOnWhiteGround(t *testing.T) {
	t.Parallel()
	img := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	img.SetNRGBA(1, 0, color.NRGBA{A: 128})
	img.SetNRGBA(2, 0, color.NRGBA{A: 255})
	if p := decoded(t, pngOf(t, img)); p.pix[0] != 255 || p.pix[1] < 125 || p.pix[1] > 129 || p.pix[2] != 0 {
		t.Errorf("clear, half and solid black are %v", p.pix)
	}
}

func TestPhotosThatAreRefused(t *testing.T) {
	t.Parallel()
	small := pngOf(t, image.NewGray(image.Rect(0, 0, 4, 4)))
	// The head of a PNG alone says how large it is: nothing of that size is made to find out.
	huge := bytes.Clone(small)
	binary.BigEndian.PutUint32(huge[16:], 60_000)
	binary.BigEndian.PutUint32(huge[29:], crcOf(huge[12:29]))
	gif := []byte("GIF89a\x04\x00\x04\x00\x80\x00\x00")
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "GIF": gif, "SVG": []byte("<svg/>"), "60,000 pixels wide": huge,
		"a head alone": small[:33], "too many bytes": append(bytes.Clone(small), make([]byte, MaxPhotoBytes)...),
	} {
		if _, err := DecodePhoto(data); !errors.Is(err, ErrPhoto) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := CheckPhoto(huge); !errors.Is(err, ErrPhoto) {
		t.Errorf("the check lets it pass: %v", err)
	}
	if _, err := DecodePhoto(pngOf(t, image.NewGray(image.Rect(0, 0, MaxPhotoSide, 1)))); err != nil {
		t.Errorf("the largest side: %v", err)
	}
}

func crcOf(chunk []byte) uint32 {
	b := appendChunk(nil, string(chunk[:4]), chunk[4:])
	return binary.BigEndian.Uint32(b[len(b)-4:])
}

func TestLargePhotosAreKeptSmaller(t *testing.T) {
	t.Parallel()
	p := decoded(t, pngOf(t, image.NewGray(image.Rect(0, 0, 4000, 2000))))
	if p.w != photoSide || p.h != photoSide/2 || p.Size() != p.w*p.h {
		t.Errorf("kept as %d×%d", p.w, p.h)
	}
}

func TestScaledKeepsTheLight(t *testing.T) {
	t.Parallel()
	p := decoded(t, pngOf(t, view(301, 199)))
	mean := func(p *Photo) float64 {
		sum := 0
		for _, v := range p.pix {
			sum += int(v)
		}
		return float64(sum) / float64(len(p.pix))
	}
	for _, to := range [][2]int{{301, 199}, {150, 99}, {800, 480}, {1, 1}, {7, 1}, {1000, 3}} {
		q := p.scaled(to[0], to[1])
		if q.w != to[0] || q.h != to[1] || math.Abs(mean(q)-mean(p)) > 1 {
			t.Errorf("%v: %d×%d, light %.1f instead of %.1f", to, q.w, q.h, mean(q), mean(p))
		}
	}
	two := (&Photo{w: 2, h: 1, pix: []uint8{0, 200}}).scaled(3, 2)
	if want := []uint8{0, 100, 200, 0, 100, 200}; !bytes.Equal(two.pix, want) {
		t.Errorf("two pixels over three are %v, want %v", two.pix, want)
	}
}

func TestContain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{640, 480, 640, 480}, {1600, 480, 800, 240}, {100, 100, 480, 480}, {1, 4096, 1, 480}, {4096, 1, 800, 1}, {80, 48, 800, 480},
	} {
		if w, h := contain(c.w, c.h, 800, 480); w != c.wantW || h != c.wantH {
			t.Errorf("%d×%d is shown as %d×%d, want %d×%d", c.w, c.h, w, h, c.wantW, c.wantH)
		}
	}
}

// A camera that is held on its side notes it.
func TestPhotosAreTurnedUpright(t *testing.T) {
	t.Parallel()
	// 0 1 2
	// 3 4 5
	p := &Photo{w: 3, h: 2, pix: []uint8{0, 1, 2, 3, 4, 5}}
	for o, want := range map[int][]uint8{
		1: {0, 1, 2, 3, 4, 5}, 2: {2, 1, 0, 5, 4, 3}, 3: {5, 4, 3, 2, 1, 0}, 4: {3, 4, 5, 0, 1, 2},
		5: {0, 3, 1, 4, 2, 5}, 6: {3, 0, 4, 1, 5, 2}, 7: {5, 2, 4, 1, 3, 0}, 8: {2, 5, 1, 4, 0, 3}, 9: {0, 1, 2, 3, 4, 5},
	} {
		q := p.turned(o)
		if !bytes.Equal(q.pix, want) || (q.w == 2) != (o >= 5 && o <= 8) {
			t.Errorf("%d gives %d×%d %v, want %v", o, q.w, q.h, q.pix, want)
		}
	}
	img := image.NewGray(image.Rect(0, 0, 64, 16))
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		data := append(bytes.Clone(b.Bytes()[:2]), exif(order, 6)...)
		data = append(data, b.Bytes()[2:]...)
		if p := decoded(t, data); p.w != 16 || p.h != 64 {
			t.Errorf("%v: a picture on its side is %d×%d", order, p.w, p.h)
		}
	}
}

// exif returns an APP1 segment that says Orientation.
func exif(order binary.AppendByteOrder, o uint16) []byte {
	t := []byte("II*\x00")
	if order.String() == "BigEndian" {
		t = []byte("MM\x00*")
	}
	t = order.AppendUint32(t, 8)
	t = order.AppendUint16(t, 1)
	t = order.AppendUint16(t, 0x0112)
	t = order.AppendUint16(t, 3)
	t = order.AppendUint32(t, 1)
	t = order.AppendUint16(t, o)
	t = order.AppendUint16(t, 0)
	t = order.AppendUint32(t, 0)
	body := append([]byte("Exif\x00\x00"), t...)
	return append(binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2)), body...)
}

// Dithered areas have the light of the photo, plain ground stays plain.
func TestDither(t *testing.T) {
	t.Parallel()
	for _, palette := range []Palette{BW1, Gray4, Gray16} {
		for _, light := range []int{0, 3, 40, 128, 200, 252, 255} {
			p := &Photo{w: 100, h: 100, pix: bytes.Repeat([]byte{uint8(light)}, 10_000)}
			var c canvas
			c.reset(120, 110, palette)
			c.dither(p, 10, 5)
			sum, outside := 0, 0
			for i, v := range c.pix {
				if x, y := i%120, i/120; x >= 10 && x < 110 && y >= 5 && y < 105 {
					sum += int(c.max - v)
				} else {
					outside += int(v)
				}
			}
			got, want := float64(sum)*255/float64(c.max)/10_000, float64(light)
			switch light {
			case 3:
				want = 0
			case 252:
				want = 255
			}
			if math.Abs(got-want) > 2.5 || outside != 0 || (want == 0 || want == 255) && got != want {
				t.Errorf("%d levels: light %d is drawn as %.1f, want %.0f; %d outside", int(c.max)+1, light, got, want, outside)
			}
		}
	}
}

// The key of a scene knows one photo from another, and equal bytes decode to the same picture.
func TestPhotoInKey(t *testing.T) {
	t.Parallel()
	r, err := New(Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	scene := func(img image.Image) Scene { return Scene{Template: Custom, Photo: decoded(t, pngOf(t, img))} }
	a, again, b, none := scene(view(64, 48)), scene(view(64, 48)), scene(logo(64, 48)), Scene{Template: Custom}
	if a.Key(door) != again.Key(door) || a.Key(door) == b.Key(door) || a.Key(door) == none.Key(door) {
		t.Error("keys do not name photos")
	}
	var hashes [4][32]byte
	for i, s := range []Scene{a, again, b, none} {
		p, err := r.Draw(s, door)
		if err != nil {
			t.Fatal(err)
		}
		hashes[i] = p.Hash
	}
	if hashes[0] != hashes[1] || hashes[0] == hashes[2] || hashes[2] == hashes[3] {
		t.Error("pictures do not follow photos")
	}
}

// TestPhotoBytes notes how large photos are for the devices: the worst case is noise.
func TestPhotoBytes(t *testing.T) {
	t.Parallel()
	r, err := New(Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	noise := image.NewGray(image.Rect(0, 0, 800, 480))
	seed := uint32(1)
	for i := range noise.Pix {
		seed = seed*1664525 + 1013904223
		noise.Pix[i] = uint8(seed >> 24)
	}
	for name, img := range map[string]image.Image{"view": view(800, 480), "logo": logo(800, 480), "noise": noise} {
		photo := decoded(t, pngOf(t, img))
		for _, palette := range []Palette{BW1, Gray4, Gray16} {
			p, err := r.Draw(Scene{Template: Custom, Photo: photo}, Format{Width: 800, Height: 480, Palette: palette})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s in %d bits: %d bytes", name, palette.bits(), len(p.Bytes))
			if raw := (800*palette.bits()/8 + 1) * 480; len(p.Bytes) > raw+raw/100+200 || palette == BW1 && len(p.Bytes) > 50_000 {
				t.Errorf("%s in %d bits: %d bytes, which is more than the pixels themselves", name, palette.bits(), len(p.Bytes))
			}
		}
	}
}

func FuzzDecodePhoto(f *testing.F) {
	var jpg, bm bytes.Buffer
	img := view(24, 16)
	if err := errors.Join(jpeg.Encode(&jpg, img, nil), bmp.Encode(&bm, img)); err != nil {
		f.Fatal(err)
	}
	f.Add(pngOf(f, img))
	f.Add(pngOf(f, logo(24, 16)))
	f.Add(jpg.Bytes())
	f.Add(append(append(bytes.Clone(jpg.Bytes()[:2]), exif(binary.LittleEndian, 8)...), jpg.Bytes()[2:]...))
	f.Add(bm.Bytes())
	f.Add([]byte("BM"))
	r, err := New(Options{Workers: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, cfg, err := photoKind(data); err == nil && cfg.Width*cfg.Height > 1<<20 {
			t.Skip("slow, and nothing else")
		}
		p, err := DecodePhoto(data)
		if err != nil {
			if !errors.Is(err, ErrPhoto) {
				t.Fatalf("%v is no ErrPhoto", err)
			}
			return
		}
		if _, err := CheckPhoto(data); err != nil {
			t.Fatalf("decoded, but refused by the check: %v", err)
		}
		if p.w < 1 || p.h < 1 || p.w > photoSide || p.h > photoSide || len(p.pix) != p.w*p.h {
			t.Fatalf("%d×%d with %d pixels", p.w, p.h, len(p.pix))
		}
		if _, err := r.Draw(Scene{Template: Custom, Photo: p}, Format{Width: 200, Height: 120}); err != nil {
			t.Fatal(err)
		}
	})
}
