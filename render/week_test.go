package render

import (
	"testing"

	"pgregory.net/rapid"
)

// TestLanes checks that meetings at one time never share a lane, that all stay within the hours, and that a lane exists.
func TestLanes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const from, to = 480, 1080
		least, most := rapid.IntRange(1, 30).Draw(t, "least"), rapid.IntRange(1, 6).Draw(t, "most")
		var events []Event
		real := 0
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			e := Event{Span: Span{rapid.IntRange(0, 1440).Draw(t, "from"), rapid.IntRange(0, 1440).Draw(t, "to")}}
			if e.From < e.To {
				real++
			}
			events = append(events, e)
		}
		got := lanes(events, from, to, least, most)
		if len(got) != real {
			t.Fatalf("%d events became %d", real, len(got))
		}
		for i, a := range got {
			if a.From < from || a.To > to || a.To-a.From < least || a.lane < 0 || a.lane >= a.of || a.of > most {
				t.Fatalf("event %+v", a)
			}
			for _, b := range got[:i] {
				if a.From < b.To && b.From < a.To {
					if a.of != b.of {
						t.Fatalf("%+v and %+v count other lanes", a, b)
					}
					if a.lane == b.lane && !a.hidden && !b.hidden {
						t.Fatalf("%+v and %+v share a lane", a, b)
					}
				}
			}
		}
	})
}

// TestQRCode reads the drawn modules back.
func TestQRCode(t *testing.T) {
	t.Parallel()
	d := testDrawer(t, "")
	var at mark
	d.trace = func(m mark) {
		if m.kind == "qr" {
			at = m
		}
	}
	s := freeScene()
	if _, err := d.draw(&s, door); err != nil {
		t.Fatal(err)
	}
	q := d.qrCode(s.QR)
	if q.size == 0 || at.ink.Empty() || at.ink.Dx() != at.ink.Dy() || at.ink.Dx()%(q.size+2*quietZone) != 0 {
		t.Fatalf("code of %d modules in %v", q.size, at.ink)
	}
	module := at.ink.Dx() / (q.size + 2*quietZone)
	if module < minModule {
		t.Fatalf("modules of %d px", module)
	}
	for y := at.ink.Min.Y; y < at.ink.Max.Y; y++ {
		for x := at.ink.Min.X; x < at.ink.Max.X; x++ {
			i, j := (x-at.ink.Min.X)/module-quietZone, (y-at.ink.Min.Y)/module-quietZone
			quiet := i < 0 || j < 0 || i >= q.size || j >= q.size
			if black := d.page.pix[y*d.page.w+x] != 0; black != (!quiet && q.code.Black(i, j)) {
				t.Fatalf("pixel (%d, %d), module (%d, %d)", x, y, i, j)
			}
		}
	}
}
