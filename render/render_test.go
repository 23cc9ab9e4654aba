package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"image"
	"image/png"
	"reflect"
	"sync"
	"testing"
)

func newRenderer(tb testing.TB) *Renderer {
	tb.Helper()
	r, err := New(Options{Workers: 2})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func draw(tb testing.TB, r *Renderer, s Scene, f Format) Picture {
	tb.Helper()
	p, err := r.Draw(s, f)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func decode(tb testing.TB, p Picture) image.Image {
	tb.Helper()
	img, err := png.Decode(bytes.NewReader(p.Bytes))
	if err != nil {
		tb.Fatal(err)
	}
	return img
}

func TestPNGHasTheTrueDepth(t *testing.T) {
	t.Parallel()
	r := newRenderer(t)
	for palette, bits := range map[Palette]byte{BW1: 1, Gray4: 2, Gray16: 4} {
		p := draw(t, r, busyScene(), Format{Width: 801, Height: 483, Palette: palette})
		if depth, kind := p.Bytes[24], p.Bytes[25]; depth != bits || kind != 0 {
			t.Errorf("palette %d: depth %d, colour type %d; want %d and 0", palette, depth, kind, bits)
		}
		img := decode(t, p)
		if got := img.Bounds(); got != image.Rect(0, 0, 801, 483) {
			t.Errorf("palette %d: decodes to %v", palette, got)
		}
		seen := map[uint32]bool{}
		for y := range 483 {
			for x := range 801 {
				v, _, _, _ := img.At(x, y).RGBA()
				seen[v>>8] = true
			}
		}
		for v := range seen {
			if step := uint32(255 / (1<<bits - 1)); v%step != 0 {
				t.Errorf("palette %d: grey %d is not one of its levels", palette, v)
			}
		}
		if want := min(1<<bits, steps+1); len(seen) < want {
			t.Errorf("palette %d: %d levels are used", palette, len(seen))
		}
		if p.ContentType != "image/png" || p.Hash != sha256.Sum256(p.Bytes) {
			t.Errorf("palette %d: content type %q, hash %x", palette, p.ContentType, p.Hash)
		}
	}
}

func TestBMPIsThePNG(t *testing.T) {
	t.Parallel()
	r := newRenderer(t)
	for _, w := range []int{800, 801, 817, 831} {
		f := Format{Width: w, Height: 480}
		img := decode(t, draw(t, r, busyScene(), f))
		f.Encoding = BMP3
		p := draw(t, r, busyScene(), f)
		b := p.Bytes
		if w == 800 && len(b) != 48062 {
			t.Errorf("800×480 has %d bytes, want 48062", len(b))
		}
		if p.ContentType != "image/bmp" || string(b[:2]) != "BM" || !bytes.Equal(b[54:62], []byte{0, 0, 0, 0, 255, 255, 255, 0}) {
			t.Fatalf("type %q, palette % x", p.ContentType, b[54:62])
		}
		le := binary.LittleEndian
		if int(le.Uint32(b[2:])) != len(b) || int32(le.Uint32(b[18:])) != int32(w) || int32(le.Uint32(b[22:])) != 480 || le.Uint16(b[28:]) != 1 {
			t.Fatalf("header % x", b[:62])
		}
		stride := (w + 31) / 32 * 4
		for y := range 480 {
			row := b[62+(479-y)*stride:]
			for x := range w {
				grey, _, _, _ := img.At(x, y).RGBA()
				if white := row[x/8]>>(7-x%8)&1 == 1; white != (grey > 0) {
					t.Fatalf("width %d: pixel (%d, %d) differs", w, x, y)
				}
			}
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	r := newRenderer(t)
	const w, h = 300, 170 // as laid out
	plain := decode(t, draw(t, r, busyScene(), Format{Width: w, Height: h}))
	for _, c := range []struct {
		deg   int
		place func(x, y int) (int, int)
	}{
		{90, func(x, y int) (int, int) { return h - 1 - y, x }},
		{180, func(x, y int) (int, int) { return w - 1 - x, h - 1 - y }},
		{270, func(x, y int) (int, int) { return y, w - 1 - x }},
	} {
		f := Format{Width: w, Height: h, Rotate: c.deg}
		if c.deg != 180 {
			f.Width, f.Height = h, w
		}
		turned := decode(t, draw(t, r, busyScene(), f))
		if b := turned.Bounds(); b.Dx() != f.Width || b.Dy() != f.Height {
			t.Fatalf("%d: size %v", c.deg, b)
		}
		for y := range h {
			for x := range w {
				tx, ty := c.place(x, y)
				if plain.At(x, y) != turned.At(tx, ty) {
					t.Fatalf("%d: pixel (%d, %d) is not at (%d, %d)", c.deg, x, y, tx, ty)
				}
			}
		}
	}
}

func TestFormatCheck(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]Format{
		"zero": {}, "small": {Width: 79, Height: 480}, "large": {Width: 800, Height: 4097}, "negative": {Width: -800, Height: 480},
		"rotation": {Width: 800, Height: 480, Rotate: 45}, "palette": {Width: 800, Height: 480, Palette: 9},
		"encoding": {Width: 800, Height: 480, Encoding: 9}, "grey bmp": {Width: 800, Height: 480, Palette: Gray4, Encoding: BMP3},
	} {
		if f.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := newRenderer(t).Draw(freeScene(), f); err == nil {
			t.Errorf("%s: drawn", name)
		}
	}
}

// TestSameBytes shows that a picture depends on its scene and format alone: not on what was drawn before, nor on who draws.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	faces, err := loadFaces("")
	if err != nil {
		t.Fatal(err)
	}
	used := newDrawer(faces)
	for seed := range 8 {
		s, f := anyScene().Example(seed), anyFormat().Example(seed)
		a, err := used.draw(&s, f)
		if err != nil {
			t.Fatal(err)
		}
		fresh := newDrawer(faces)
		b, err := fresh.draw(&s, f)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("seed %d: a drawer with filled caches draws other bytes than a fresh one", seed)
		}
	}
}

func TestConcurrentDraw(t *testing.T) {
	t.Parallel()
	r := newRenderer(t)
	scenes := []Scene{freeScene(), busyScene(), arabicScene(), weekScene(5), claimScene()}
	want := make([]Picture, len(scenes))
	for i, s := range scenes {
		want[i] = draw(t, r, s, door)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 10 {
				n := (g + i) % len(scenes)
				p, err := r.Draw(scenes[n], door)
				if err != nil {
					t.Error(err)
				} else if p.Hash != want[n].Hash {
					t.Errorf("scene %d differs under concurrency", n)
				}
			}
		})
	}
	wg.Wait()
}

// TestKeySeesEveryField changes each field of scene and format, nested ones too, and expects another key.
func TestKeySeesEveryField(t *testing.T) {
	t.Parallel()
	base := twelveScene()
	base.Week, base.Facts, base.Lines = weekScene(5).Week, []string{"6 seats"}, []string{"line"}
	f := door
	key := base.Key(f)
	if key != base.Key(f) {
		t.Fatal("a key is not stable")
	}
	n := 0
	change := func(path string) {
		if n++; base.Key(f) == key {
			t.Errorf("%s is not part of the key", path)
		}
	}
	eachLeaf(reflect.ValueOf(&base).Elem(), "Scene", change)
	eachLeaf(reflect.ValueOf(&f).Elem(), "Format", change)
	if n < 50 {
		t.Fatalf("only %d fields were changed", n)
	}
	if base.Key(f) != key {
		t.Fatal("the test left a change behind")
	}
}

// eachLeaf changes each string, number and boolean under v, calls f, and puts it back.
func eachLeaf(v reflect.Value, path string, f func(path string)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			eachLeaf(v.Field(i), path+"."+v.Type().Field(i).Name, f)
		}
	case reflect.Slice:
		old := reflect.ValueOf(v.Interface())
		v.Set(v.Slice(0, v.Len()-1))
		f(path + " shorter")
		v.Set(old)
		eachLeaf(v.Index(0), path+"[0]", f)
	case reflect.String:
		old := v.String()
		v.SetString(old + "x")
		f(path)
		v.SetString(old)
	case reflect.Bool:
		v.SetBool(!v.Bool())
		f(path)
		v.SetBool(!v.Bool())
	case reflect.Int:
		v.SetInt(v.Int() + 1)
		f(path)
		v.SetInt(v.Int() - 1)
	case reflect.Uint8:
		v.SetUint(v.Uint() + 1)
		f(path)
		v.SetUint(v.Uint() - 1)
	case reflect.Pointer: // to something that is compared as a whole
		v.Set(reflect.New(v.Type().Elem()))
		f(path)
		v.SetZero()
	default:
		panic("a field of kind " + v.Kind().String() + " at " + path)
	}
}

// TestSizes holds the budgets in bytes: 15 KB for a door picture, and the 90,000 of common small devices for the largest greys.
func TestSizes(t *testing.T) {
	t.Parallel()
	r := newRenderer(t)
	crowded := twelveScene()
	crowded.Room, crowded.Subject = longScene().Room, longScene().Subject
	for i := range crowded.Next {
		crowded.Next[i].Title = longScene().Next[0].Title
	}
	week := weekScene(7)
	for i := range week.Week.Days {
		for from := 480; from < 1080; from += 40 {
			week.Week.Days[i].Events = append(week.Week.Days[i].Events, Event{Span{from, from + 35}, longScene().Room})
		}
	}
	arabic := arabicScene()
	for range 10 {
		arabic.Next = append(arabic.Next, Row{"10:00 – 11:00", arabic.Subject})
	}
	for name, s := range map[string]Scene{"twelve": twelveScene(), "crowded": crowded, "week": week, "arabic": arabic} {
		for _, c := range []struct {
			f     Format
			limit int
		}{
			{door, 15_000},
			{tall, 15_000},
			{Format{Width: 800, Height: 480, Palette: Gray4}, 20_000},
			{large, 90_000},
			{Format{Width: 1404, Height: 1872, Palette: Gray16}, 90_000},
		} {
			if got := len(draw(t, r, s, c.f).Bytes); got > c.limit {
				t.Errorf("%s at %d×%d has %d bytes, limit %d", name, c.f.Width, c.f.Height, got, c.limit)
			}
		}
	}
}

// TestLargePictureIsSqueezed shows that a picture beyond a small device's buffer is compressed harder, and then fits.
func TestLargePictureIsSqueezed(t *testing.T) {
	t.Parallel()
	faces, err := loadFaces("")
	if err != nil {
		t.Fatal(err)
	}
	d, s := newDrawer(faces), twelveScene()
	d.page.reset(2880, 2160, Gray16)
	newPage(d, &s).layout()
	got, err := d.png.encode(&d.page, 4)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.png.deflate(d.png.quick); err != nil {
		t.Fatal(err)
	}
	if quick := d.png.idat.Len(); quick <= smallBuffer || len(got) > smallBuffer {
		t.Fatalf("%d bytes, quickly %d: want only the latter beyond %d", len(got), quick, smallBuffer)
	}
	if b := decode(t, Picture{Bytes: got}).Bounds(); b.Dx() != 2880 || b.Dy() != 2160 {
		t.Fatalf("decodes to %v", b)
	}
}

// FuzzScene draws whatever strings a calendar may hold.
func FuzzScene(f *testing.F) {
	r, err := New(Options{Workers: 2})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("Säntis", "Quarterly planning", "16:30", uint16(800), uint16(480), uint8(0))
	f.Add("خدر", "שלום 12:00 abc", "\u202e\x00", uint16(250), uint16(122), uint8(5))
	f.Add("e\u0301\u0301\u0301\u0301", "🎉🏳️‍🌈", "\xff", uint16(81), uint16(2000), uint8(22))
	f.Fuzz(func(t *testing.T, a, b, c string, w, h uint16, kind uint8) {
		format := Format{
			Width: MinSide + int(w)%1000, Height: MinSide + int(h)%1000, Palette: Palette(kind % 3), Rotate: int(kind/64) * 90,
		}
		s := Scene{
			Template: Template(kind / 3 % 6), State: State(kind / 16 % 4), Room: a, StateWord: b, Until: c, Subject: a + b, Detail: b + c,
			Facts: []string{a, b}, NextTitle: a, DateLabel: c, Next: []Row{{c, a}, {a, b}}, More: b, AsOf: a, LowBattery: b, QR: c, QRHint: a,
			Code: a, Title: b, Body: a + " " + b + " " + c, Lines: []string{c},
			Bar:  Bar{From: 480, To: 1080, Ticks: []Tick{{int(w), a}}, Busy: []Span{{int(w), int(h)}}},
			Week: WeekGrid{From: 480, To: 1080, Hours: []Tick{{int(h), c}}, Days: []WeekDay{{a, true, []string{b, c, a}, []Event{{Span{int(w), int(h)}, b}}}}},
		}
		p, err := r.Draw(s, format)
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, p).Bounds(); got.Dx() != format.Width || got.Dy() != format.Height {
			t.Fatalf("%v decodes to %v", format, got)
		}
	})
}

// TestRest shows that a renderer gives up what it keeps between pictures, that a picture which is being drawn keeps its own, and
// that the next ones are the same.
func TestRest(t *testing.T) {
	t.Parallel()
	r := newRenderer(t)
	s, f := twelveScene(), Format{Width: 800, Height: 480}
	before := draw(t, r, s, f)
	draw(t, r, s, f) // by the other drawer
	busy := <-r.drawers
	r.Rest()
	if d := <-r.drawers; d != nil {
		t.Error("a resting drawer is kept")
	}
	r.drawers <- busy
	r.drawers <- nil
	for range 2 {
		if after := draw(t, r, s, f); after.Hash != before.Hash {
			t.Error("after a rest the picture is another")
		}
	}
	r.Rest()
	for range 2 {
		if d := <-r.drawers; d != nil {
			t.Error("a resting drawer is kept")
		}
	}
}
