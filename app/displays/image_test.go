package displays

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/render"
	"lintel/store"
)

// pictures stands for the booking system that a house's rooms are attached to.
type pictures struct {
	*house
	data  map[store.BookingID][]byte
	fail  error
	asked int
}

func newPictures(t *testing.T, rooms int) *pictures {
	t.Helper()
	h := &pictures{house: newHouse(t, monday(t), rooms), data: map[store.BookingID][]byte{}}
	h.update(func(tx *store.Tx) error {
		if err := tx.SaveSystem(store.System{ID: "sys", Kind: "ews", Name: "Exchange", URL: "https://mail.example.com"}); err != nil {
			return err
		}
		for _, ws := range h.rooms {
			if err := tx.AttachResource(store.Resource{ID: store.ResourceID("of " + ws), Workspace: ws, System: "sys", Address: string(ws)}, false); err != nil {
				return err
			}
		}
		return nil
	})
	h.opts.Confirmed = func(store.WorkspaceID) (time.Time, bool) { return h.clock.now(), true }
	h.opts.Image = func(_ context.Context, _ store.WorkspaceID, id store.BookingID) ([]byte, error) {
		h.asked++
		if h.fail != nil {
			return nil, h.fail
		}
		if data := h.data[id]; data != nil {
			return data, nil
		}
		return nil, store.ErrNotFound
	}
	h.load()
	return h
}

// meeting puts a meeting with a picture into a room's agenda.
func (h *pictures) meeting(ws store.WorkspaceID, from, to string, data []byte) store.BookingID {
	h.Helper()
	b := store.Booking{
		ID: store.NewID[store.BookingID](), Workspace: ws, Resource: store.ResourceID("of " + ws), Zone: "Europe/Zurich", Source: store.FromCalendar,
		From: at(h, "Europe/Zurich", from), To: at(h, "Europe/Zurich", to), Subject: "Visitors", HasImage: true,
	}
	b.ExtUID = string(b.ID)
	zone, _ := when.LoadZone(b.Zone)
	b.FromWall, b.ToWall = when.WallOf(b.From, zone), when.WallOf(b.To, zone)
	h.data[b.ID] = data
	h.update(func(tx *store.Tx) error { return tx.InsertBooking(b) })
	h.svc.RoomChanged(ws)
	h.tick()
	return b.ID
}

// shows adds a display with the switch on.
func (h *pictures) shows(ws store.WorkspaceID) (store.DisplayID, string) {
	h.Helper()
	return h.add(store.ProtocolTRMNL, Settings{
		Workspace: ws, Template: store.TemplateDay, Width: 800, Height: 480, Palette: store.PaletteBW, Encoding: store.EncodingPNG, ShowImage: true,
	})
}

// fetch fetches what is in the queue, as FetchImages does, and draws what came.
func (h *pictures) fetch() {
	h.Helper()
	for {
		k, room, ok := h.svc.images.next()
		if !ok {
			break
		}
		h.svc.fetchImage(context.Background(), k, room)
	}
	h.tick()
}

func (h *pictures) at(wall string) {
	h.Helper()
	h.clock.set(at(h, "Europe/Zurich", wall))
	h.tick()
}

// custom reports whether a display shows a picture of a meeting.
func (h *pictures) custom(id store.DisplayID) bool {
	d := h.svc.get(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.picture != nil && d.shown.scene.Template == render.Custom
}

func slide(t testing.TB, tone uint8) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 320, 200))
	for i := range img.Pix {
		img.Pix[i] = tone + uint8(i%320/4)
	}
	img.SetGray(5, 5, color.Gray{})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The life of a picture at the door: from a quarter of an hour before its meeting to its end, on the display with the switch.
func TestPictureOfAMeeting(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 1)
	id, key := h.shows(h.rooms[0])
	plain, plainKey := h.display(h.rooms[0])
	h.meeting(h.rooms[0], "2026-11-23T10:00", "2026-11-23T11:00", slide(t, 100))
	h.fetch()
	if h.asked != 0 || h.custom(id) {
		t.Fatalf("at 8:30 it was asked %d times", h.asked)
	}
	h.at("2026-11-23T09:30")
	h.fetch()
	if h.asked != 1 || h.custom(id) {
		t.Fatalf("at 9:30 it was asked %d times, and shown: %v", h.asked, h.custom(id))
	}
	before := h.poll(key)
	if before.Wake < 15*time.Minute || before.Wake > 15*time.Minute+jitterMax {
		t.Errorf("at 9:30 it sleeps for %v", before.Wake)
	}
	if a := h.poll(plainKey); a.Wake < 30*time.Minute {
		t.Errorf("a display without the switch sleeps for %v", a.Wake)
	}
	h.at("2026-11-23T09:45")
	shown := h.poll(key)
	if !h.custom(id) || shown.Picture.Hash == before.Picture.Hash || h.custom(plain) {
		t.Fatal("a quarter of an hour before, the door does not show it")
	}
	if shown.Wake < time.Hour { // it stays until 11:00; the hourly look comes before
		t.Errorf("with the picture it sleeps for %v", shown.Wake)
	}
	for _, wall := range []string{"2026-11-23T10:00", "2026-11-23T10:59"} {
		if h.at(wall); h.poll(key).Picture != shown.Picture || h.asked != 1 {
			t.Errorf("at %s another picture, asked %d times", wall, h.asked)
		}
	}
	h.at("2026-11-23T11:00")
	if h.custom(id) || len(h.svc.images.of) != 0 || h.svc.images.bytes != 0 {
		t.Errorf("after its end it is kept: %v, %d bytes", h.custom(id), h.svc.images.bytes)
	}
}

// While another meeting runs, the next one's picture waits.
func TestPictureWaitsForItsMeeting(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 1)
	id, _ := h.shows(h.rooms[0])
	h.meeting(h.rooms[0], "2026-11-23T09:00", "2026-11-23T10:00", nil)
	h.meeting(h.rooms[0], "2026-11-23T10:00", "2026-11-23T11:00", slide(t, 100))
	h.at("2026-11-23T09:50")
	h.fetch()
	if h.custom(id) {
		t.Error("it is shown while the room is busy with something else")
	}
	if h.at("2026-11-23T10:00"); !h.custom(id) {
		t.Error("it is not shown in its meeting")
	}
}

// After a restart the same picture comes back under the same name; until then nothing is drawn, for at most a minute.
func TestPictureAfterARestart(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 2)
	id, key := h.shows(h.rooms[0])
	_, other := h.display(h.rooms[1])
	h.meeting(h.rooms[0], "2026-11-23T08:00", "2026-11-23T11:00", slide(t, 100))
	h.fetch()
	shown := h.poll(key)
	if !h.custom(id) {
		t.Fatal("the picture is not shown")
	}
	h.restart()
	h.tick()
	if a, err := h.svc.Poll(key, Report{}); err != nil || a.Picture != nil {
		t.Errorf("before the picture is there: %v, %v", a.Picture, err)
	}
	if h.poll(other).Picture == nil {
		t.Error("another display has to wait")
	}
	h.fetch()
	again := h.poll(key)
	if again.Picture.Filename != shown.Picture.Filename || !bytes.Equal(again.Picture.Bytes, shown.Picture.Bytes) {
		t.Errorf("%s became %s", shown.Picture.Filename, again.Picture.Filename)
	}
	h.restart()
	h.tick()
	h.clock.add(imageWait - time.Second)
	h.tick()
	if a, _ := h.svc.Poll(key, Report{}); a.Picture != nil {
		t.Error("within the minute something else is drawn")
	}
	h.clock.add(time.Second)
	h.tick()
	if a := h.poll(key); h.custom(id) || a.Picture == nil {
		t.Error("after a minute without the picture, the agenda is not drawn")
	}
	h.fetch() // it came late
	if got := h.poll(key).Picture; !h.custom(id) || got.Hash != shown.Picture.Hash {
		t.Error("a picture that came late is not shown")
	}
}

// A display that is awake in the middle of a wait keeps what it has, and comes back soon.
func TestDisplayKeepsItsPictureMeanwhile(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 1)
	id, key := h.shows(h.rooms[0])
	before := h.poll(key)
	h.meeting(h.rooms[0], "2026-11-23T08:00", "2026-11-23T11:00", slide(t, 100))
	if a := h.poll(key); a.Picture != before.Picture || a.Wake > imageWait+jitterMax {
		t.Errorf("meanwhile: another picture %v, sleeps for %v", a.Picture != before.Picture, a.Wake)
	}
	if h.fetch(); !h.custom(id) {
		t.Error("the picture is not shown")
	}
}

func TestPictureThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 1)
	id, key := h.shows(h.rooms[0])
	free := h.poll(key)
	h.fail = errors.New("out of reach")
	h.meeting(h.rooms[0], "2026-11-23T08:00", "2026-11-23T11:00", slide(t, 100))
	h.fetch()
	busy := h.poll(key)
	if h.custom(id) || busy.Picture == free.Picture || h.asked != 1 {
		t.Fatalf("the agenda is not drawn; asked %d times", h.asked)
	}
	h.clock.add(imageRetry - time.Second)
	h.svc.RoomChanged(h.rooms[0])
	if h.tick(); len(h.svc.images.queue) != 0 {
		t.Error("it is asked again before its pause is over")
	}
	h.clock.add(time.Second)
	h.tick() // by itself
	h.fetch()
	if h.asked != 2 || h.poll(key).Picture != busy.Picture {
		t.Errorf("asked %d times; while it tries again, the agenda changes", h.asked)
	}
	h.fail = nil
	h.clock.add(2 * imageRetry)
	h.tick()
	if h.fetch(); h.asked != 3 || !h.custom(id) {
		t.Errorf("asked %d times, shown: %v", h.asked, h.custom(id))
	}
}

func TestPictureThatIsNone(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 1)
	id, key := h.shows(h.rooms[0])
	for name, data := range map[string][]byte{"nothing there": nil, "no picture": []byte("hello")} {
		h.asked = 0
		b := h.meeting(h.rooms[0], "2026-11-23T08:00", "2026-11-23T09:30", data)
		h.fetch()
		h.clock.add(30 * time.Minute)
		h.tick()
		h.fetch()
		if h.poll(key); h.custom(id) || h.asked != 1 {
			t.Errorf("%s: asked %d times, shown: %v", name, h.asked, h.custom(id))
		}
		h.clock.set(monday(t))
		h.change(b, func(b *store.Booking) { b.CancelledAt, b.EndReason = h.clock.now(), store.EndCancelled })
	}
}

// change changes a meeting as a sync does.
func (h *pictures) change(id store.BookingID, f func(*store.Booking)) {
	h.Helper()
	h.update(func(tx *store.Tx) error {
		b, err := tx.Booking(id)
		if err != nil {
			return err
		}
		f(&b)
		return tx.UpdateBooking(b)
	})
	h.svc.RoomChanged(h.rooms[0])
	h.tick()
}

// The private flag wins at once, and what was fetched is gone. A room that hides subjects hides pictures too.
func TestPictureOfAPrivateMeeting(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 1)
	id, key := h.shows(h.rooms[0])
	b := h.meeting(h.rooms[0], "2026-11-23T08:00", "2026-11-23T11:00", slide(t, 100))
	h.fetch()
	shown := h.poll(key)
	if !h.custom(id) {
		t.Fatal("the picture is not shown")
	}
	h.change(b, func(b *store.Booking) { b.Private = true })
	if h.custom(id) || h.poll(key).Picture == shown.Picture || len(h.svc.images.of) != 0 {
		t.Error("a meeting became private, and its picture stays")
	}
	h.fetch()
	if h.asked != 1 {
		t.Errorf("asked %d times", h.asked)
	}
	h.change(b, func(b *store.Booking) { b.Private = false })
	if h.fetch(); !h.custom(id) || h.asked != 2 {
		t.Fatal("it is open again, and its picture does not come")
	}
	h.update(func(tx *store.Tx) error {
		p, err := tx.Workspace(h.rooms[0])
		if err != nil {
			return err
		}
		p.Workspace.ShowSubject = false
		return tx.UpdateWorkspace(p.Workspace)
	})
	h.svc.PlacesChanged()
	if h.tick(); h.custom(id) || len(h.svc.images.of) != 0 {
		t.Error("the room hides subjects, and shows the picture")
	}
}

// A meeting that changes may have another picture.
func TestPictureOfAChangedMeeting(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 1)
	id, key := h.shows(h.rooms[0])
	b := h.meeting(h.rooms[0], "2026-11-23T08:00", "2026-11-23T11:00", slide(t, 100))
	h.fetch()
	first := h.poll(key)
	h.data[b] = slide(t, 20)
	h.change(b, func(b *store.Booking) { b.Tentative = true })
	if h.poll(key).Picture != first.Picture {
		t.Error("meanwhile it does not keep the picture that it has")
	}
	h.fetch()
	if second := h.poll(key); !h.custom(id) || second.Picture.Hash == first.Picture.Hash || len(h.svc.images.of) != 1 {
		t.Errorf("%d pictures are kept", len(h.svc.images.of))
	}
}

// Switched off, moved to another room, deleted: what was fetched for the display goes.
func TestPictureNobodyShows(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(h *pictures, id store.DisplayID) error{
		"switched off": func(h *pictures, id store.DisplayID) error {
			c := SettingsOf(h.row(id))
			c.ShowImage = false
			return h.svc.Update(h.Context(), h.admin, id, c)
		},
		"moved": func(h *pictures, id store.DisplayID) error {
			c := SettingsOf(h.row(id))
			c.Workspace = h.rooms[1]
			return h.svc.Update(h.Context(), h.admin, id, c)
		},
		"deleted": func(h *pictures, id store.DisplayID) error { return h.svc.Delete(h.Context(), h.admin, id) },
	} {
		h := newPictures(t, 2)
		id, _ := h.shows(h.rooms[0])
		h.meeting(h.rooms[0], "2026-11-23T08:00", "2026-11-23T11:00", slide(t, 100))
		h.fetch()
		if !h.custom(id) || h.svc.images.bytes == 0 || !h.row(id).ShowImage {
			t.Fatal("the picture is not shown")
		}
		if err := change(h, id); err != nil {
			t.Fatal(err)
		}
		h.tick()
		if len(h.svc.images.of) != 0 || h.svc.images.bytes != 0 {
			t.Errorf("%s: %d bytes are kept", name, h.svc.images.bytes)
		}
	}
}

// A picture of another size or of fewer tones is drawn from the same photo, also when memory had no room for it any more.
func TestPictureInAnotherFormat(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 1)
	id, key := h.shows(h.rooms[0])
	h.meeting(h.rooms[0], "2026-11-23T08:00", "2026-11-23T11:00", slide(t, 100))
	h.fetch()
	first := h.poll(key)
	if h.svc.get(id).shown.scene.Photo.Size() != 0 {
		t.Error("the display keeps the photo for itself, beyond the bound for all")
	}
	a, err := h.svc.Poll(key, Report{Width: 1024, Height: 768})
	if err != nil || a.Picture.Width != 1024 || !h.custom(id) || h.asked != 1 {
		t.Fatalf("%+v, %v, asked %d times", a.Picture, err, h.asked)
	}
	h.svc.images.mu.Lock()
	for _, i := range h.svc.images.of {
		h.svc.images.bytes = 0
		i.photo, i.lean = i.photo.Bare(), true
	}
	h.svc.images.mu.Unlock()
	h.svc.RoomChanged(h.rooms[0])
	if h.tick(); h.poll(key).Picture != a.Picture || len(h.svc.images.queue) != 0 {
		t.Error("what is drawn already is fetched again")
	}
	c := SettingsOf(h.row(id))
	c.Width, c.Height = 800, 480
	if err := h.svc.Update(t.Context(), h.admin, id, c); err != nil {
		t.Fatal(err)
	}
	h.fetch()
	if again := h.poll(key); again.Picture.Hash != first.Picture.Hash || h.asked != 2 {
		t.Errorf("asked %d times", h.asked)
	}
}

// A picture that a device can't take is none for it.
func TestPictureTooLargeForTheDevice(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 1)
	id, key := h.add(store.ProtocolTRMNL, Settings{
		Workspace: h.rooms[0], Template: store.TemplateDay, Width: 2000, Height: 1500, Palette: store.PaletteBW, Encoding: store.EncodingPNG, ShowImage: true,
	})
	img := image.NewGray(image.Rect(0, 0, 1600, 1200))
	seed := uint32(1)
	for i := range img.Pix {
		seed = seed*1664525 + 1013904223
		img.Pix[i] = uint8(seed >> 24)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	h.meeting(h.rooms[0], "2026-11-23T08:00", "2026-11-23T11:00", b.Bytes())
	h.fetch()
	a := h.poll(key)
	if h.custom(id) || len(a.Picture.Bytes) > maxBytes {
		t.Errorf("%d bytes, a picture of the meeting: %v", len(a.Picture.Bytes), h.custom(id))
	}
	d := h.svc.get(id)
	d.mu.Lock()
	unfit := d.unfit
	d.mu.Unlock()
	if unfit == [32]byte{} {
		t.Error("it is tried again at every look")
	}
}

func TestMemoryOfPictures(t *testing.T) {
	t.Parallel()
	m := newImages()
	var large bytes.Buffer
	if err := png.Encode(&large, image.NewGray(image.Rect(0, 0, 1920, 1920))); err != nil {
		t.Fatal(err)
	}
	photo, err := render.DecodePhoto(large.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	now := monday(t)
	key := func(i int) imageKey { return imageKey{store.BookingID(rune('a' + i)), 1} }
	for i := range 20 {
		m.want(store.WorkspaceID(rune('a'+i)), []imageKey{key(i)}, now)
		now = now.Add(time.Second)
		m.settle(key(i), photo, false, now)
		m.get(key(0), now) // the first one is in use
		if m.bytes > imageMemory {
			t.Fatalf("%d bytes are kept", m.bytes)
		}
	}
	lean := 0
	for _, i := range m.of {
		if i.lean {
			lean++
		}
	}
	if most := imageMemory / photo.Size(); len(m.of) != 20 || lean != 20-most || m.of[key(0)].lean || m.of[key(19)].lean {
		t.Errorf("%d of %d have no pixels any more", lean, len(m.of))
	}
}

// Workers take what there is, one picture each, and end with their context.
func TestFetchImages(t *testing.T) {
	t.Parallel()
	h := newPictures(t, 3)
	slow := make(chan struct{})
	h.svc.o.Image = func(ctx context.Context, ws store.WorkspaceID, _ store.BookingID) ([]byte, error) {
		if ws == h.rooms[0] {
			select {
			case <-slow:
			case <-ctx.Done():
			}
			return nil, ctx.Err()
		}
		return slide(t, 100), nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- h.svc.FetchImages(ctx) }()
	}
	var ids []store.DisplayID
	for _, ws := range h.rooms {
		id, _ := h.shows(ws)
		ids = append(ids, id)
		h.meeting(ws, "2026-11-23T08:00", "2026-11-23T11:00", nil)
	}
	for range 6000 { // a minute at the least
		if h.tick(); h.custom(ids[1]) && h.custom(ids[2]) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if !h.custom(ids[1]) || !h.custom(ids[2]) || h.custom(ids[0]) {
		t.Error("a room whose system hangs holds up the others")
	}
	cancel()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
