package render

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/klauspost/compress/zlib"
)

// floor measures what no renderer can go below: clearing a packed frame, deflating the real one, and hashing it.
func floor(tb testing.TB, s Scene, f Format) time.Duration {
	tb.Helper()
	faces, err := loadFaces("")
	if err != nil {
		tb.Fatal(err)
	}
	d := newDrawer(faces)
	if _, err := d.draw(&s, f); err != nil {
		tb.Fatal(err)
	}
	frame := packRows(nil, &d.page, f.Palette.bits())
	clean := make([]byte, len(frame))
	var out bytes.Buffer
	z, err := zlib.NewWriterLevel(&out, 1)
	if err != nil {
		tb.Fatal(err)
	}
	best := time.Hour
	for range 5 {
		const n = 100
		start := time.Now()
		for range n {
			clear(clean)
			out.Reset()
			z.Reset(&out)
			z.Write(frame) //nolint:errcheck // a buffer takes everything
			z.Close()      //nolint:errcheck // the same
			sha256.Sum256(out.Bytes())
		}
		best = min(best, time.Since(start)/n)
	}
	return best
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
		least := floor(b, twelveScene(), c.f)
		for _, changed := range []bool{false, true} {
			name := c.name + "/same"
			if changed {
				name = c.name + "/changed"
			}
			b.Run(name, func(b *testing.B) { benchPicture(b, c.f, changed, least) })
		}
	}
}

func benchPicture(b *testing.B, f Format, changed bool, least time.Duration) {
	r, err := New(Options{Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	s := twelveScene()
	if _, err := r.Draw(s, f); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	size, n := 0, 0
	for b.Loop() {
		if n++; changed {
			s.Subject = fmt.Sprintf("Steering committee %d: budget and head count", n)
			s.Until = fmt.Sprintf("until %02d:%02d, then booked", n/60%24, n%60)
			s.Next[n%len(s.Next)].Title = fmt.Sprintf("Supplier visit %d: Müller & Söhne AG, Zürich", n)
		}
		p, err := r.Draw(s, f)
		if err != nil {
			b.Fatal(err)
		}
		size = len(p.Bytes)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(least), "floors")
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
