package render

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/klauspost/compress/zlib"
)

// floor is what no renderer can go below: clear a packed frame, deflate a real one, hash it.
type floor struct {
	frame, clean []byte
	out          bytes.Buffer
	z            *zlib.Writer
}

func newFloor(tb testing.TB, s Scene, f Format) *floor {
	tb.Helper()
	faces, err := loadFaces("")
	if err != nil {
		tb.Fatal(err)
	}
	d := newDrawer(faces)
	if _, err := d.draw(&s, f); err != nil {
		tb.Fatal(err)
	}
	fl := &floor{frame: packRows(nil, &d.page, f.Palette.bits())}
	fl.clean = make([]byte, len(fl.frame))
	if fl.z, err = zlib.NewWriterLevel(&fl.out, quickly); err != nil {
		tb.Fatal(err)
	}
	return fl
}

func (f *floor) run(tb testing.TB) {
	clear(f.clean)
	f.out.Reset()
	f.z.Reset(&f.out)
	if _, err := f.z.Write(f.frame); err != nil {
		tb.Fatal(err)
	}
	if err := f.z.Close(); err != nil {
		tb.Fatal(err)
	}
	sha256.Sum256(f.out.Bytes())
}

// BenchmarkPicture draws the busiest agenda, from the scene to bytes and hash. "floors" is the budget's figure: at most 5 for
// 800×480 in black and white. "same" draws one scene again and again, "changed" another time and other subjects each time.
func BenchmarkPicture(b *testing.B) {
	for _, c := range []struct {
		name string
		f    Format
	}{
		{"800x480bw", Format{Width: 800, Height: 480}},
		{"800x480gray4", Format{Width: 800, Height: 480, Palette: Gray4}},
		{"1872x1404gray16", Format{Width: 1872, Height: 1404, Palette: Gray16}},
	} {
		b.Run(c.name+"/same", func(b *testing.B) { benchPicture(b, c.f, false) })
		b.Run(c.name+"/changed", func(b *testing.B) { benchPicture(b, c.f, true) })
	}
}

// benchPicture runs picture and floor by turns, so that a busy machine slows both down alike.
func benchPicture(b *testing.B, f Format, changed bool) {
	r, err := New(Options{Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	s := twelveScene()
	if _, err := r.Draw(s, f); err != nil {
		b.Fatal(err)
	}
	fl := newFloor(b, s, f)
	b.ReportAllocs()
	var pictures, floors time.Duration
	size, n := 0, 0
	for b.Loop() {
		if n++; changed {
			s.Subject = fmt.Sprintf("Steering committee %d: budget and head count", n)
			s.Until = fmt.Sprintf("until %02d:%02d, then booked", n/60%24, n%60)
			s.Next[n%len(s.Next)].Title = fmt.Sprintf("Supplier visit %d: Müller & Söhne AG, Zürich", n)
		}
		start := time.Now()
		p, err := r.Draw(s, f)
		middle := time.Now()
		fl.run(b)
		pictures, floors = pictures+middle.Sub(start), floors+time.Since(middle)
		if err != nil {
			b.Fatal(err)
		}
		size = len(p.Bytes)
	}
	b.ReportMetric(float64(pictures.Nanoseconds())/float64(n), "ns/op")
	b.ReportMetric(float64(pictures)/float64(floors), "floors")
	b.ReportMetric(float64(size), "bytes")
}

// BenchmarkKey is the cost of an unchanged picture.
func BenchmarkKey(b *testing.B) {
	s, f := twelveScene(), Format{Width: 800, Height: 480}
	b.ReportAllocs()
	for b.Loop() {
		s.Key(f)
	}
}

// BenchmarkFirst is the first picture of a process: fonts parsed, hints executed, nothing cached.
func BenchmarkFirst(b *testing.B) {
	for b.Loop() {
		r, err := New(Options{Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Draw(twelveScene(), Format{Width: 800, Height: 480}); err != nil {
			b.Fatal(err)
		}
	}
}
