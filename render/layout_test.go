package render

import (
	"image"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// traced draws a scene and returns everything that was drawn where.
func traced(d *drawer, s *Scene, f Format) ([]mark, error) {
	var marks []mark
	d.trace = func(m mark) { marks = append(marks, m) }
	defer func() { d.trace = nil }()
	_, err := d.draw(s, f)
	return marks, err
}

// collisions describes every breach of: what is drawn lies on the canvas, text within the place given to it, no text on
// another or on a shape, no event on another.
func collisions(marks []mark, canvas image.Rectangle) []string {
	var out []string
	say := func(what string, a, b mark) {
		out = append(out, what+": "+a.kind+" "+a.text+" "+a.slot.String()+" ink "+a.ink.String()+" / "+b.kind+" "+b.text+" "+b.slot.String())
	}
	for i, a := range marks {
		if !a.ink.In(canvas) {
			say("off the canvas", a, a)
		}
		if a.kind == "text" && !a.ink.In(a.slot) {
			say("out of its slot", a, a)
		}
		for _, b := range marks[:i] {
			both := a.kind == "text" && b.kind == "text"
			switch {
			case both && (a.slot.Overlaps(b.slot) || a.ink.Overlaps(b.ink)):
				say("text on text", a, b)
			case a.kind == "event" && b.kind == "event" && a.ink.Overlaps(b.ink):
				say("event on event", a, b)
			case a.kind == "event" || b.kind == "event" || both:
			case a.kind == "rule" && b.kind == "rule" || a.kind == "band" || b.kind == "band" && a.kind != "text":
			case a.ink.Overlaps(b.ink):
				say("overlap", a, b)
			}
		}
		if a.kind == "text" {
			checkEvents(marks, a, say)
		}
	}
	return out
}

// checkEvents demands that a text which touches an event lies within it.
func checkEvents(marks []mark, text mark, say func(string, mark, mark)) {
	for _, e := range marks {
		if e.kind == "event" && text.ink.Overlaps(e.ink) && !text.ink.In(e.ink) {
			say("text over the edge of an event", text, e)
		}
	}
}

// phrase draws texts of all lengths and scripts, sane and not.
func phrase() *rapid.Generator[string] {
	word := rapid.SampledFrom([]string{
		"a", "Wj", "Besprechung", "Ågård", "ẤỨỐ", "Jahresabschlusskonferenzvorbereitungssitzung", "15:00 – 16:30", "(gj)",
		"ישיבה", "שָׁלוֹם", "اجتماع", "مُحَمَّد", "ﷺ", "会議", "Ќѓ", "Ώψ", "🎉", "1.26", "–", "…", "\u202eevil", "e\u0301\u0302\u0303\u0304\u0305",
		"\x00\n", "qpgjy,;", "ÅÄÖ", "W", "il", "\ufffd", "हिन्दी", "https://rooms.example.com/r/7f3k92",
	})
	return rapid.Custom(func(t *rapid.T) string {
		n := rapid.SampledFrom([]int{0, 1, 1, 2, 3, 5, 12, 40}).Draw(t, "words")
		return strings.Join(rapid.SliceOfN(word, n, n).Draw(t, "text"), rapid.SampledFrom([]string{" ", " ", ""}).Draw(t, "sep"))
	})
}

// anyScene draws scenes of every template and filling.
func anyScene() *rapid.Generator[Scene] {
	text, minute := phrase(), rapid.IntRange(-100, 1600)
	span := rapid.Custom(func(t *rapid.T) Span { return Span{minute.Draw(t, "from"), minute.Draw(t, "to")} })
	tick := rapid.Custom(func(t *rapid.T) Tick { return Tick{minute.Draw(t, "at"), text.Draw(t, "label")} })
	event := rapid.Custom(func(t *rapid.T) Event { return Event{span.Draw(t, "span"), text.Draw(t, "title")} })
	row := rapid.Custom(func(t *rapid.T) Row { return Row{text.Draw(t, "time"), text.Draw(t, "title")} })
	day := rapid.Custom(func(t *rapid.T) WeekDay {
		return WeekDay{
			Label: text.Draw(t, "day"), Today: rapid.Bool().Draw(t, "today"),
			AllDay: rapid.SliceOfN(text, 0, 4).Draw(t, "allday"), Events: rapid.SliceOfN(event, 0, 12).Draw(t, "events"),
		}
	})
	return rapid.Custom(func(t *rapid.T) Scene {
		s := Scene{
			Template: rapid.SampledFrom([]Template{Day, Day, Day, Week, Week, Claim, Message, Unassigned, Neutral}).Draw(t, "template"),
			State:    rapid.SampledFrom([]State{Free, Busy, Soon, Unknown}).Draw(t, "state"),
		}
		for _, f := range []*string{
			&s.Room, &s.StateWord, &s.Until, &s.Subject, &s.Detail, &s.NextTitle, &s.DateLabel, &s.NextEmpty, &s.More,
			&s.QRHint, &s.LowBattery, &s.AsOf, &s.Code, &s.Title, &s.Body,
		} {
			*f = text.Draw(t, "string")
		}
		s.Facts, s.Lines = rapid.SliceOfN(text, 0, 4).Draw(t, "facts"), rapid.SliceOfN(text, 0, 4).Draw(t, "lines")
		s.Next = rapid.SliceOfN(row, 0, 14).Draw(t, "next")
		s.Bar = Bar{
			From: minute.Draw(t, "from"), To: minute.Draw(t, "to"), Ticks: rapid.SliceOfN(tick, 0, 12).Draw(t, "ticks"),
			Busy: rapid.SliceOfN(span, 0, 12).Draw(t, "busy"), Present: span.Draw(t, "present"),
		}
		s.Week = WeekGrid{
			From: minute.Draw(t, "wfrom"), To: minute.Draw(t, "wto"), Hours: rapid.SliceOfN(tick, 0, 12).Draw(t, "hours"),
			Days: rapid.SliceOfN(day, 0, 8).Draw(t, "days"),
		}
		s.QR = rapid.SampledFrom([]string{"", "https://rooms.example.com/r/7f3k92", strings.Repeat("x", 200)}).Draw(t, "qr")
		return s
	})
}

func anyFormat() *rapid.Generator[Format] {
	return rapid.Custom(func(t *rapid.T) Format {
		size := rapid.SampledFrom([][2]int{
			{800, 480}, {480, 800}, {400, 300}, {300, 400}, {250, 122}, {122, 250}, {296, 128}, {1024, 768}, {960, 540}, {0, 0}, {0, 0},
		}).Draw(t, "size")
		if size[0] == 0 {
			size = [2]int{rapid.IntRange(MinSide, 1100).Draw(t, "w"), rapid.IntRange(MinSide, 1100).Draw(t, "h")}
		}
		return Format{Width: size[0], Height: size[1], Palette: rapid.SampledFrom([]Palette{BW1, Gray4, Gray16}).Draw(t, "palette")}
	})
}

// TestNothingOverlaps proves, over random scenes and sizes, that no text is clipped and that nothing lies on anything else.
func TestNothingOverlaps(t *testing.T) {
	t.Parallel()
	faces, err := loadFaces("")
	if err != nil {
		t.Fatal(err)
	}
	d := newDrawer(faces)
	rapid.Check(t, func(t *rapid.T) {
		s, f := anyScene().Draw(t, "scene"), anyFormat().Draw(t, "format")
		marks, err := traced(d, &s, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range collisions(marks, image.Rect(0, 0, f.Width, f.Height)) {
			t.Error(c)
		}
	})
}

// TestCollisionsAreSeen shows that the check above can fail.
func TestCollisionsAreSeen(t *testing.T) {
	t.Parallel()
	text := func(x0, y0, x1, y1 int) mark {
		r := image.Rect(x0, y0, x1, y1)
		return mark{"text", "x", r, r}
	}
	for name, marks := range map[string][]mark{
		"text on text": {text(0, 0, 10, 10), text(5, 5, 15, 15)},
		"off canvas":   {text(95, 0, 105, 10)},
		"out of slot":  {{"text", "x", image.Rect(0, 0, 5, 5), image.Rect(0, 0, 6, 5)}},
		"on code":      {text(0, 0, 10, 10), {"qr", "", image.Rect(5, 5, 50, 50), image.Rect(5, 5, 50, 50)}},
		"over event":   {{"event", "", image.Rect(0, 0, 10, 10), image.Rect(0, 0, 10, 10)}, text(5, 5, 15, 9)},
	} {
		if len(collisions(marks, image.Rect(0, 0, 100, 100))) == 0 {
			t.Errorf("%s: not seen", name)
		}
	}
}

// TestEverythingImportantIsShown checks on ordinary panels that no size loses the texts that matter.
func TestEverythingImportantIsShown(t *testing.T) {
	t.Parallel()
	faces, err := loadFaces("")
	if err != nil {
		t.Fatal(err)
	}
	d := newDrawer(faces)
	for _, size := range [][2]int{{250, 122}, {296, 128}, {400, 300}, {300, 400}, {800, 480}, {480, 800}, {1024, 768}, {1872, 1404}} {
		for _, s := range []Scene{freeScene(), busyScene(), soonScene(), weekScene(5), weekScene(7)} {
			marks, err := traced(d, &s, Format{Width: size[0], Height: size[1]})
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, m := range marks {
				if m.text != "" && !utf8.ValidString(m.text) {
					t.Errorf("%v: text %q is cut within a character", size, m.text)
				}
				all = append(all, m.text)
			}
			shown := strings.Join(all, " ")
			for _, want := range []string{s.Room, s.StateWord, s.Until} {
				if !strings.Contains(shown, want) {
					t.Errorf("%v: %q is not shown whole, only %q", size, want, shown)
				}
			}
		}
	}
}
