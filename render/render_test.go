package render

import (
	"bytes"
	"image/png"
	"testing"
)

func TestDrawDecodes(t *testing.T) {
	t.Parallel()
	r, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := Scene{Room: "Säntis", StateWord: "Free", Until: "until 16:30"}
	p, err := r.Draw(s, Format{Width: 800, Height: 480})
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(p.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != 800 || b.Dy() != 480 {
		t.Fatalf("picture is %v", b)
	}
}
