package render

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// words are those of the busy, free and soon scenes in one language.
type words struct {
	free, untilFree, seats, kit, busy, untilBusy, private, since, soon, moment, next, date, more, empty, scan string
}

var languages = map[string]words{
	"de": {
		"Frei", "bis 16:30", "6 Plätze", "Bildschirm, Whiteboard", "Besetzt", "bis 15:00, danach belegt", "Privat", "Anna Keller · seit 13:00",
		"Bald belegt", "Beginnt gleich", "Danach", "Sa 21. Nov.", "+{n} weitere", "Heute nichts mehr", "Scannen und buchen",
	},
	"fr": {
		"Libre", "jusqu’à 16:30", "6 places", "Écran, tableau blanc", "Occupée", "jusqu’à 15:00, puis réservée", "Privé", "Anna Keller · depuis 13:00",
		"Bientôt occupée", "Commence dans un instant", "À suivre", "sam. 21 nov.", "+{n} autres", "Plus rien aujourd’hui", "Scanner pour réserver",
	},
	"it": {
		"Libera", "fino alle 16:30", "6 posti", "Schermo, lavagna bianca", "Occupata", "fino alle 15:00, poi prenotata", "Privato",
		"Anna Keller · dalle 13:00", "Tra poco occupata", "Inizia tra un attimo", "A seguire", "sab 21 nov", "+{n} altre", "Oggi nient’altro",
		"Scansiona per prenotare",
	},
}

// in puts a scene into another language.
func in(w words, s Scene) Scene {
	s.NextTitle, s.DateLabel, s.More, s.NextEmpty = w.next, w.date, w.more, w.empty
	switch s.State {
	case Free:
		s.StateWord, s.Until, s.Facts, s.QRHint = w.free, w.untilFree, []string{w.seats, w.kit}, w.scan
	case Busy:
		s.StateWord, s.Until, s.Detail = w.busy, w.untilBusy, w.since
	case Soon:
		s.StateWord, s.Subject, s.Detail, s.QRHint = w.soon, w.private, w.moment, w.scan
	}
	s.Next = slices.Clone(s.Next)
	for i, r := range s.Next {
		if r.Title == "Private" {
			s.Next[i].Title = w.private
		}
	}
	return s
}

// with changes a copy of a scene.
func with(s Scene, change func(*Scene)) Scene {
	change(&s)
	return s
}

var (
	door   = Format{Width: 800, Height: 480}
	tall   = Format{Width: 480, Height: 800}
	tablet = Format{Width: 1024, Height: 768, Palette: Gray4}
	large  = Format{Width: 1872, Height: 1404, Palette: Gray16}
)

type goldenCase struct {
	scene  Scene
	format Format
}

// goldens are all golden pictures by file name.
func goldens() map[string]goldenCase {
	private := with(busyScene(), func(s *Scene) { s.Subject, s.Detail = "Private", "" })
	allDay := with(busyScene(), func(s *Scene) {
		s.Until, s.Subject, s.Detail = "all day", "Inventory", ""
		s.Next, s.Bar.Busy, s.Bar.Present = []Row{{"All day", "Inventory"}}, []Span{{480, 1080}}, Span{480, 1080}
	})
	empty := with(freeScene(), func(s *Scene) {
		s.Until, s.Next, s.Bar.Busy, s.Bar.Present = "all day", nil, nil, Span{480, 1080}
	})
	cases := map[string]goldenCase{
		"free.png": {freeScene(), door}, "busy.png": {busyScene(), door}, "soon.png": {soonScene(), door},
		"unknown.png": {unknownScene(), door}, "private.png": {private, door}, "all-day.png": {allDay, door},
		"empty.png": {empty, door}, "twelve.png": {twelveScene(), door}, "long.png": {longScene(), door},
		"hebrew.png": {hebrewScene(), door}, "arabic.png": {arabicScene(), door}, "scripts.png": {mixedScene(), door},
		"as-of.png":       {with(freeScene(), func(s *Scene) { s.AsOf = "as of 14:05" }), door},
		"low-battery.png": {with(freeScene(), func(s *Scene) { s.LowBattery = "Battery low" }), door},
		"no-code.png":     {with(busyScene(), func(s *Scene) { s.QR = "" }), door},
		"claim.png":       {claimScene(), door}, "message.png": {messageScene(), door},
		"emergency.png": {with(messageScene(), func(s *Scene) {
			s.State, s.Room, s.Title, s.Body = Busy, "", "Leave the building", "Use the stairs. Meet at the main gate."
		}), door},
		"unassigned.png": {unassignedScene(), door}, "neutral.png": {neutralScene(), door},
		"week5.png": {weekScene(5), door}, "week7.png": {weekScene(7), door},
		"week5-480x800.png": {weekScene(5), tall}, "week7-480x800.png": {weekScene(7), tall},
		"week-free.png": {with(weekScene(5), func(s *Scene) {
			s.State, s.StateWord, s.Until, s.Subject, s.Bar.Present = Free, "Free", "until 16:30", "", Span{900, 990}
			s.AsOf, s.LowBattery, s.QRHint = "as of 14:05", "Battery low", "Scan to book"
		}), door},
		"week-soon-no-code.png": {with(weekScene(5), func(s *Scene) {
			s.State, s.StateWord, s.Until, s.QR, s.AsOf = Soon, "Soon", "14:15 – 15:15", "", "as of 14:05"
		}), door},
		"week5-1872x1404.png": {weekScene(5), large},
		"free-480x800.png":    {freeScene(), tall}, "twelve-480x800.png": {twelveScene(), tall}, "soon-480x800.png": {soonScene(), tall},
		"busy-480x800-turned.png": {busyScene(), Format{Width: 800, Height: 480, Rotate: 90}},
		"busy-1024x768.png":       {busyScene(), tablet}, "twelve-1872x1404.png": {twelveScene(), large},
		"free-1404x1872.png": {freeScene(), Format{Width: 1404, Height: 1872, Palette: Gray16}},
		"busy-400x300.png":   {busyScene(), Format{Width: 400, Height: 300}}, "long-400x300.png": {longScene(), Format{Width: 400, Height: 300}},
		"free-250x122.png": {freeScene(), Format{Width: 250, Height: 122}}, "busy-296x128.png": {busyScene(), Format{Width: 296, Height: 128}},
		"busy-gray4.png":  {busyScene(), Format{Width: 800, Height: 480, Palette: Gray4}},
		"busy-gray16.png": {busyScene(), Format{Width: 800, Height: 480, Palette: Gray16}},
		"busy.bmp":        {busyScene(), Format{Width: 800, Height: 480, Encoding: BMP3}},
	}
	for name, w := range languages {
		cases["free-"+name+".png"] = goldenCase{in(w, freeScene()), door}
		cases["busy-"+name+".png"] = goldenCase{in(w, busyScene()), door}
		cases["soon-"+name+".png"] = goldenCase{in(w, soonScene()), door}
	}
	return cases
}

// TestGolden compares pictures byte by byte. After a wanted change run it with -update, look at every picture, and commit.
func TestGolden(t *testing.T) {
	t.Parallel()
	r, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("testdata", "golden")
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cases := goldens()
	maps.Copy(cases, photoGoldens(t))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := r.Draw(c.scene, c.format)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name)
			if *update {
				if err := os.WriteFile(path, p.Bytes, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(p.Bytes, want) {
				t.Errorf("picture is not the golden one (%d bytes, want %d); see it with -update", len(p.Bytes), len(want))
			}
		})
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := cases[filepath.Base(f)]; !ok {
			t.Errorf("%s belongs to no case", f)
		}
	}
}
