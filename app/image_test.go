package app

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lintel/app/calendars"
	"lintel/app/displays"
	"lintel/app/secret"
	"lintel/connectors/ews/ewstest"
)

// A picture that is attached to a meeting in Exchange reaches the door, in the same bytes after a restart; it stays in memory,
// and goes when the meeting becomes private.
func TestAttachedPictureToDoor(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	zone := noon(t)
	now := time.Now()
	const room = "matterhorn@rooms.test"
	exchange := ewstest.Start(ewstest.Quirks{}, time.Now)
	t.Cleanup(exchange.Close)
	exchange.AddRoom(room, "Matterhorn", ewstest.EditorSends)
	meeting := ewstest.Event{
		Name: "visit", Subject: "Visitors from Bern", Start: now.Add(-20 * time.Minute), End: now.Add(40 * time.Minute),
		Attachments: []ewstest.Attachment{
			{Name: "agenda.txt", Type: "text/plain", Data: []byte("1. Welcome")},
			{Name: "welcome.jpg", Type: "image/jpeg", Data: welcome(t)},
		},
	}
	exchange.Put(room, meeting)

	dir := t.TempDir()
	r := run(t, dir, nil)
	ws := r.room(zone, "Matterhorn")
	system, err := r.calendars.Connect(ctx, byCommand, calendars.Connection{
		Kind: "ews", Name: "Exchange", URL: exchange.URL(), Username: ewstest.User,
		Secrets: map[string]secret.Text{"password": secret.New(ewstest.Password)}, Settings: map[string]string{"auth": "basic", "access": "folder", "booking": "direct"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.calendars.Attach(ctx, byCommand, ws, system, room); err != nil {
		t.Fatal(err)
	}
	d := &trmnl{t: t, base: r.deviceURL.String(), mac: "02:00:00:00:00:07"}
	code := d.setup()
	until(t, "first sync", func() bool { return len(r.agenda(ws)) > 0 })
	id, err := r.displays.Approve(ctx, byCommand, displays.Approval{Code: code, Workspace: ws, Language: "en"})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the agenda's picture", func() bool {
		p, ok := r.displays.Shown(id)
		return ok && p.Width == 800
	})
	d.wake()
	agenda := d.picture
	if callsOf(exchange, "GetAttachment") != 0 {
		t.Error("with the switch off, attachments are fetched")
	}

	view, err := r.displays.Get(ctx, byCommand, id)
	if err != nil {
		t.Fatal(err)
	}
	c := displays.SettingsOf(view.Display)
	c.ShowImage = true
	if err := r.displays.Update(ctx, byCommand, id, c); err != nil {
		t.Fatal(err)
	}
	until(t, "the attached picture", func() bool { return d.wake() })
	custom := d.picture
	if bytes.Equal(custom, agenda) || callsOf(exchange, "GetAttachment") != 1 {
		t.Fatalf("the door shows the agenda; %d attachments were fetched", callsOf(exchange, "GetAttachment"))
	}
	if light(t, custom) > light(t, agenda)-20 {
		t.Errorf("a dark photo is drawn with a light of %d, the agenda with %d", light(t, custom), light(t, agenda))
	}

	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	nowhereIn(t, dir, custom, welcome(t))
	again := run(t, dir, func(c *Config) { c.Listen, c.DeviceListen = r.portal.Addr().String(), r.device.Addr().String() })
	until(t, "the picture after a restart", func() bool { _, ok := again.displays.Shown(id); return ok })
	if shown, _ := again.displays.Shown(id); d.wake() || !bytes.Equal(shown.Bytes, custom) {
		t.Error("after a restart the device has to fetch another picture")
	}

	meeting.Sensitivity = "Private"
	exchange.Put(room, meeting)
	again.calendars.Touch(ws)
	until(t, "the agenda, as the meeting is private", func() bool { return d.wake() })
	if a := again.agenda(ws); len(a) != 1 || !a[0].Private || a[0].HasImage || light(t, d.picture) < light(t, custom)+20 {
		t.Errorf("a private meeting's picture is at the door: %+v", a)
	}
}

// welcome is a dark photo.
func welcome(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 400))
	for i := range 640 * 400 {
		img.SetRGBA(i%640, i/640, color.RGBA{uint8(i % 640 / 12), uint8(i / 640 / 10), 20, 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// light returns how much of a picture is white, in per cent.
func light(t *testing.T, picture []byte) int {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	white, b := 0, img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y > 127 {
				white++
			}
		}
	}
	return white * 100 / (b.Dx() * b.Dy())
}

func callsOf(s *ewstest.Server, op string) (n int) {
	for _, c := range s.Calls() {
		if c.Op == op {
			n++
		}
	}
	return n
}

// nowhereIn fails when a piece of one of the pictures stands in a file of the data folder.
func nowhereIn(t *testing.T, dir string, pictures ...[]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, p := range pictures {
			if mid := p[len(p)/2 : len(p)/2+64]; bytes.Contains(data, mid) {
				t.Errorf("a picture of a meeting stands in %s", filepath.Base(path))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
