package displays

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
)

func TestAPictureTurnsOverWithItsRoom(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 2)
	_, key := h.display(h.rooms[0])
	_, other := h.display(h.rooms[1])
	free, untouched := h.poll(key), h.poll(other)

	h.book(h.rooms[0], "2026-11-23T09:00", "2026-11-23T10:00", "Planning")
	planned := h.poll(key)
	if planned.Picture == free.Picture || planned.Picture.Hash == free.Picture.Hash || planned.Picture.Filename == free.Picture.Filename {
		t.Error("a new booking changed nothing")
	}
	if h.poll(other).Picture != untouched.Picture {
		t.Error("another room's picture was drawn")
	}
	if got := planned.Wake; got < 30*time.Minute+jitterMin || got > 30*time.Minute+jitterMax {
		t.Errorf("it sleeps %v, the meeting begins in 30 min", got)
	}

	h.clock.add(10 * time.Minute)
	h.svc.RoomChanged(h.rooms[0])
	h.tick()
	if h.poll(key).Picture != planned.Picture {
		t.Error("the picture was drawn anew although nothing changed")
	}

	h.clock.set(at(t, "Europe/Zurich", "2026-11-23T09:00"))
	h.tick()
	busy := h.poll(key)
	if busy.Picture.Hash == planned.Picture.Hash || !busy.Picture.RenderedAt.Equal(h.clock.now()) {
		t.Error("the meeting began, and the picture did not change")
	}
	if img, err := png.Decode(bytes.NewReader(busy.Picture.Bytes)); err != nil || img.Bounds().Dx() != 800 || img.Bounds().Dy() != 480 {
		t.Errorf("the picture can't be read: %v", err)
	}
	if len(busy.Picture.Bytes) > maxBytes || busy.Picture.ContentType != "image/png" {
		t.Errorf("%d bytes of %s", len(busy.Picture.Bytes), busy.Picture.ContentType)
	}
}

func TestRestartKeepsNames(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	_, key := h.display(h.rooms[0])
	h.book(h.rooms[0], "2026-11-23T09:00", "2026-11-23T10:00", "Planning")
	before := h.poll(key)
	token := h.svc.PictureToken(before)
	h.clock.add(5 * time.Minute)
	h.restart()
	after := h.poll(key)
	if after.Picture.Filename != before.Picture.Filename || after.Picture.ETag != before.Picture.ETag || !bytes.Equal(after.Picture.Bytes, before.Picture.Bytes) {
		t.Errorf("%s became %s", before.Picture.Filename, after.Picture.Filename)
	}
	if p, ok := h.svc.PictureAt(token); !ok || p.Hash != before.Picture.Hash {
		t.Error("an address from before the restart does not work")
	}
	h.clock.set(at(t, "Europe/Zurich", "2026-11-23T09:00"))
	h.tick()
	if h.poll(key).Picture.Filename == before.Picture.Filename {
		t.Error("another picture has the same name")
	}
}

// A poll is answered from memory: it works with the database closed.
func TestPollTouchesNoDisk(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	id, key := h.display(h.rooms[0])
	if err := h.st.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := h.svc.Poll(key, Report{Width: 1024, Height: 768, Battery: ReadBattery("50", "", "")})
	if err != nil || a.Picture == nil || a.Picture.Width != 1024 {
		t.Fatalf("%+v, %v", a, err)
	}
	if p, ok := h.svc.PictureAt(h.svc.PictureToken(a)); !ok || p != a.Picture {
		t.Error("the picture can't be fetched")
	}
	if err := h.svc.Log(key, []LogLine{{Message: "hello"}}); err != nil {
		t.Error(err)
	}
	if err := h.svc.Flush(t.Context()); err == nil {
		t.Error("a closed store took it")
	}
	h.open()
	h.svc.o.Store = h.st
	h.flush()
	row := h.row(id)
	if row.BatteryPercent != 50 || row.Width != 1024 || !row.SeenAt.Equal(h.clock.now()) {
		t.Errorf("what was told is lost: %+v", row)
	}
	lines, err := h.svc.DeviceLog(t.Context(), h.admin, id, 10)
	if err != nil || len(lines) != 1 {
		t.Errorf("the log is %v, %v", lines, err)
	}
}

func TestContactIsStored(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	id, key := h.display(h.rooms[0])
	a, err := h.svc.Poll(key, Report{
		Address: "192.0.2.9", HardwareID: "AA:BB:CC:DD:EE:FF", Model: "og\x00\n", Firmware: "1.8.14" + strings.Repeat("9", 100), Width: 5, Height: 5,
		Battery: ReadBattery("", "3.84", ""), RSSI: -61, WakeReason: "timer", RefreshRate: 900,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.flush()
	got := h.row(id)
	want := store.Display{
		ID: id, Protocol: store.ProtocolTRMNL, State: store.DisplayApproved, Workspace: h.rooms[0], HardwareID: "AA:BB:CC:DD:EE:FF", Model: "og",
		Firmware: "1.8.14" + strings.Repeat("9", 26), Width: 800, Height: 480, Palette: "bw", Encoding: "png", Template: "day", KeyHash: got.KeyHash, KeySeen: true,
		CreatedAt: got.CreatedAt, ApprovedAt: got.ApprovedAt, SeenAt: h.clock.now().UTC(), NextWakeAt: h.clock.now().Add(a.Wake).UTC(), Address: "192.0.2.9",
		BatteryPercent: 50, BatteryMV: 3840, RSSI: -61, WakeReason: "timer", ReportedRefresh: 900,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// A setting that changes afterwards does not undo what was told, and the other way round.
	c := SettingsOf(got)
	c.Name = "At the door"
	if err := h.svc.Update(t.Context(), h.admin, id, c); err != nil {
		t.Fatal(err)
	}
	h.poll(key)
	h.flush()
	if row := h.row(id); row.Name != "At the door" || row.BatteryPercent != 50 || row.RSSI != -61 || row.Model != "og" {
		t.Errorf("%+v", row)
	}
}

func TestSetupPendingApprovedAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	rep := Report{Address: "192.0.2.1", HardwareID: "AA:BB:CC:DD:EE:FF", Model: "og", Firmware: "1.8.14"}
	setup := func() (Enrolment, error) { return h.svc.Setup(t.Context(), TRMNL, rep) }
	first, err := setup()
	if err != nil || first.State != store.DisplayPending || first.Code == "" || first.Answer.Wake != time.Minute || first.Answer.Picture == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	// Somebody else asks under the same hardware id: the code on the first glass is worth nothing any more.
	second, err := setup()
	if err != nil || second.Code == first.Code || second.Display != first.Display {
		t.Fatalf("%+v, %v", second, err)
	}
	if _, err := h.svc.Poll(first.Key.Reveal(), rep); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the first key: %v", err)
	}
	if _, err := h.svc.Approve(t.Context(), h.admin, Approval{Code: first.Code}); problem.Of(err) == nil || problem.Of(err).Fields["code"] != "display.no_code" {
		t.Errorf("the first code: %v", err)
	}
	key := second.Key.Reveal()
	claim := h.poll(key)
	if v, err := h.svc.Get(t.Context(), h.admin, first.Display); err != nil || v.ClaimCode != "" || v.Picture != nil || v.KeyHash != nil {
		t.Errorf("pages know the code without having stood there: %+v, %v", v, err)
	}
	h.clock.add(2 * time.Hour)
	if a := h.poll(key); a.Wake != 15*time.Minute || a.State != store.DisplayPending || a.Picture != claim.Picture {
		t.Errorf("after two hours: %+v", a)
	}
	id, err := h.svc.Approve(t.Context(), h.admin, Approval{Code: " " + strings.ToLower(second.Code), Workspace: h.rooms[0], Name: " Door ", Language: "de"})
	if err != nil || id != first.Display {
		t.Fatalf("%v, %v", id, err)
	}
	if a := h.poll(key); a.State != store.DisplayApproved || a.Picture.Hash == claim.Picture.Hash {
		t.Errorf("after the approval: %+v", a)
	}
	if v, err := h.svc.Get(t.Context(), h.admin, id); err != nil || v.Name != "Door" || v.ClaimCode != "" || v.Language != "de" {
		t.Errorf("%+v, %v", v, err)
	}

	// Known now: no new key, unless an administrator lets it, and once.
	if _, err := setup(); !errors.Is(err, ErrKnown) {
		t.Fatalf("a known device asks: %v", err)
	}
	if v, _ := h.svc.Get(t.Context(), h.admin, id); v.AskedAt.IsZero() {
		t.Error("nobody hears that it asked")
	}
	if err := h.svc.AllowReenrol(t.Context(), h.admin, id); err != nil {
		t.Fatal(err)
	}
	h.poll(key) // the device still lives with its old key: the window stays open
	third, err := setup()
	if err != nil || third.State != store.DisplayApproved || third.Code != "" {
		t.Fatalf("within the window: %+v, %v", third, err)
	}
	if _, err := h.svc.Poll(key, rep); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the old key: %v", err)
	}
	fourth, err := setup() // the answer was lost on the way: the new key has not been used
	if err != nil {
		t.Fatal(err)
	}
	h.poll(fourth.Key.Reveal())
	h.flush()
	if _, err := setup(); !errors.Is(err, ErrKnown) {
		t.Errorf("after the new key's first use: %v", err)
	}
	if err := h.svc.AllowReenrol(t.Context(), h.admin, id); err != nil {
		t.Fatal(err)
	}
	h.clock.add(61 * time.Minute)
	if _, err := setup(); !errors.Is(err, ErrKnown) {
		t.Errorf("after the window: %v", err)
	}
}

func TestDeletedDisplayIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	id, key := h.display(h.rooms[0])
	a := h.poll(key)
	token := h.svc.PictureToken(a)
	if err := h.svc.Delete(t.Context(), h.admin, id); err != nil {
		t.Fatal(err)
	}
	refused := func(why string) {
		t.Helper()
		if _, err := h.svc.Poll(key, Report{}); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("%s: %v", why, err)
		}
		if _, ok := h.svc.PictureAt(token); ok {
			t.Errorf("%s: its picture is still there", why)
		}
	}
	refused("deleted")
	h.restart()
	refused("after a restart")
	if err := h.svc.Undelete(t.Context(), h.admin, id); err != nil {
		t.Fatal(err)
	}
	h.poll(key)
	if err := h.svc.Undelete(t.Context(), h.admin, id); !problem.Has(err, problem.NotFound) {
		t.Errorf("undelete twice: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	rep := Report{HardwareID: "AA:BB:CC:DD:EE:FF"}
	e, err := h.svc.Setup(t.Context(), TRMNL, rep)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.svc.Refuse(t.Context(), h.admin, e.Display); err != nil {
		t.Fatal(err)
	}
	if _, err := h.svc.Poll(e.Key.Reveal(), rep); !errors.Is(err, ErrRefused) {
		t.Errorf("poll: %v", err)
	}
	if _, err := h.svc.Setup(t.Context(), TRMNL, rep); !errors.Is(err, ErrRefused) {
		t.Errorf("set-up: %v", err)
	}
	if _, err := h.svc.Approve(t.Context(), h.admin, Approval{Code: e.Code}); problem.Of(err) == nil {
		t.Errorf("approve: %v", err)
	}
	if err := h.svc.Refuse(t.Context(), h.admin, e.Display); !problem.Has(err, problem.Conflict) {
		t.Errorf("refuse twice: %v", err)
	}
}

func TestRenewedKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	id, key := h.display(h.rooms[0])
	h.poll(key)
	renewed, err := h.svc.RenewKey(t.Context(), h.admin, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.svc.Poll(key, Report{}); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the old key: %v", err)
	}
	h.poll(renewed.Reveal())
	var audit string
	h.update(func(tx *store.Tx) error {
		log, err := tx.AuditLog(0, 100)
		for _, l := range log {
			audit += l.Action + " "
		}
		return err
	})
	if !strings.Contains(audit, "display.renew_key display.add") {
		t.Errorf("the audit says %q", audit)
	}
}

func TestTooManyPending(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	pair := func() (Enrolment, error) { return h.svc.PairPanel(t.Context(), Report{}) }
	used, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.svc.Panel(used.Key.Reveal(), Report{}); err != nil {
		t.Fatal(err)
	}
	var last Enrolment
	for range maxPending - 1 {
		if last, err = pair(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pair(); !errors.Is(err, ErrFull) {
		t.Fatalf("one too many: %v", err)
	}
	h.flush()
	h.clock.add(11 * time.Minute)
	if _, err := pair(); err != nil {
		t.Fatalf("after those that never came back: %v", err)
	}
	if _, err := h.svc.Panel(last.Key.Reveal(), Report{}); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("one that never came back: %v", err)
	}
	if _, err := h.svc.Panel(used.Key.Reveal(), Report{}); err != nil {
		t.Errorf("one that came back: %v", err)
	}
	h.clock.add(25 * time.Hour)
	h.tick()
	h.clock.add(25 * time.Hour)
	h.tick()
	if list, err := h.svc.List(t.Context(), h.admin); err != nil || len(list) != 0 {
		t.Errorf("two days later there are %d, %v", len(list), err)
	}
}

func TestPictureAddresses(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	_, key := h.display(h.rooms[0])
	a := h.poll(key)
	token := h.svc.PictureToken(a)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		forged := bytes.Clone(raw)
		forged[i] ^= 1
		if _, ok := h.svc.PictureAt(base64.RawURLEncoding.EncodeToString(forged)); ok {
			t.Fatalf("byte %d can be changed", i)
		}
	}
	for _, bad := range []string{"", "x", token[:10], token + "A", strings.Repeat("A", 48), "%"} {
		if _, ok := h.svc.PictureAt(bad); ok {
			t.Errorf("%q is an address", bad)
		}
	}
	// The picture changes: the address still gives what was promised, then what is there.
	h.book(h.rooms[0], "2026-11-23T12:00", "2026-11-23T13:00", "x")
	if p, ok := h.svc.PictureAt(token); !ok || p != a.Picture {
		t.Error("the picture of the poll is gone")
	}
	h.book(h.rooms[0], "2026-11-23T14:00", "2026-11-23T15:00", "y")
	if p, ok := h.svc.PictureAt(token); !ok || p != h.poll(key).Picture {
		t.Error("there is no picture at all")
	}
	h.clock.add(pictureLasts(a.Wake))
	if _, ok := h.svc.PictureAt(token); !ok {
		t.Error("it has expired too early")
	}
	h.clock.add(time.Second)
	if _, ok := h.svc.PictureAt(token); ok {
		t.Error("it has not expired")
	}
	if pictureLasts(4*time.Hour) < 8*time.Hour || pictureLasts(time.Minute) < time.Hour {
		t.Error("addresses do not last for two sleeps")
	}
}

func TestSizeOfThePanelIsBelieved(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	id, key := h.display(h.rooms[0])
	name := h.poll(key).Picture.Filename
	a, err := h.svc.Poll(key, Report{Width: 600, Height: 448})
	if err != nil || a.Picture.Width != 600 || a.Picture.Height != 448 || a.Picture.Filename == name {
		t.Fatalf("%+v, %v", a.Picture, err)
	}
	if b, _ := h.svc.Poll(key, Report{Width: 700, Height: 448}); b.Picture != a.Picture {
		t.Error("it may change its size at each poll")
	}
	h.clock.add(2 * time.Minute)
	for _, bad := range [][2]int{{0, 0}, {79, 480}, {5000, 480}, {4096, 4096}, {-800, 480}} {
		if b, _ := h.svc.Poll(key, Report{Width: bad[0], Height: bad[1]}); b.Picture != a.Picture {
			t.Errorf("%v is believed", bad)
		}
	}
	h.flush()
	if row := h.row(id); row.Width != 600 || row.Height != 448 {
		t.Errorf("%d×%d is stored", row.Width, row.Height)
	}
}

func TestLowBatteryIsOnThePicture(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	id, key := h.display(h.rooms[0])
	tell := func(percent string) *Picture {
		t.Helper()
		if _, err := h.svc.Poll(key, Report{Battery: ReadBattery(percent, "", "")}); err != nil {
			t.Fatal(err)
		}
		h.tick()
		p, ok := h.svc.Shown(id)
		if !ok {
			t.Fatal("no picture")
		}
		return p
	}
	full := tell("60")
	if tell("11") != full {
		t.Error("11 % is low")
	}
	warned := tell("10")
	if warned.Hash == full.Hash {
		t.Error("10 % is not low")
	}
	if tell("13") != warned {
		t.Error("the warning flickers")
	}
	h.restart()
	h.tick()
	if p, _ := h.svc.Shown(id); p.Filename != warned.Filename {
		t.Error("a restart changed the warning")
	}
	if tell("90").Hash != full.Hash {
		t.Error("a new battery is still low")
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	id, key := h.display(h.rooms[0])
	lines := make([]LogLine, 1000)
	for i := range lines {
		lines[i] = LogLine{Message: strings.Repeat("ü", 400), Level: "error\x1b[31m", At: time.Unix(0, 0)}
	}
	if err := h.svc.Log(key, append([]LogLine{{Message: "\x00\n"}}, lines...)); err != nil {
		t.Fatal(err)
	}
	h.flush()
	got, err := h.svc.DeviceLog(t.Context(), h.admin, id, 1000)
	if err != nil || len(got) != maxLogBatch {
		t.Fatalf("%d lines, %v", len(got), err)
	}
	if l := got[0]; len(l.Message) != maxLogMessage || l.Level != "error[31m" || !l.At.Equal(h.clock.now()) {
		t.Errorf("%d bytes, %q, %v", len(l.Message), l.Level, l.At)
	}
	if err := h.svc.Log("nobody", lines); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a log of nobody: %v", err)
	}
}

func TestStaleRoomIsMarkedOnce(t *testing.T) {
	t.Parallel()
	confirmed := monday(t)
	h := newHouse(t, monday(t), 1)
	h.update(func(tx *store.Tx) error {
		system := store.System{ID: store.NewID[store.SystemID](), Kind: "caldav", Name: "Calendar"}
		if err := tx.SaveSystem(system); err != nil {
			return err
		}
		resource := store.Resource{ID: store.NewID[store.ResourceID](), Workspace: h.rooms[0], System: system.ID, Address: "/room", LastOK: confirmed}
		return errors.Join(tx.AttachResource(resource, false), tx.SaveResourceState(resource))
	})
	h.opts.Confirmed = func(store.WorkspaceID) (time.Time, bool) { return confirmed, true }
	h.load()
	_, key := h.display(h.rooms[0])
	fresh := h.poll(key).Picture
	step := func(d time.Duration) *Picture {
		h.clock.add(d)
		h.tick()
		return h.poll(key).Picture
	}
	if step(14*time.Minute) != fresh {
		t.Error("marked after 14 min")
	}
	marked := step(time.Minute)
	if marked.Hash == fresh.Hash {
		t.Fatal("not marked after 15 min")
	}
	if step(40*time.Minute) != marked {
		t.Error("marked twice")
	}
	confirmed = h.clock.now()
	if p := step(2 * time.Minute); p.Hash != fresh.Hash {
		t.Error("not well again after a confirmation")
	}
	neutral := step(25 * time.Hour)
	h.book(h.rooms[0], "2026-11-24T12:00", "2026-11-24T13:00", "Unconfirmed")
	if h.poll(key).Picture != neutral {
		t.Error("after a day the picture still claims something")
	}
	h.restart()
	if p := h.poll(key).Picture; p.Filename != neutral.Filename {
		t.Error("a restart made the room well")
	}
}

func TestRoomThatGoesAndComesBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	_, key := h.display(h.rooms[0])
	shown := h.poll(key).Picture
	h.update(func(tx *store.Tx) error { return tx.DeleteWorkspace(h.rooms[0]) })
	h.svc.PlacesChanged()
	h.tick()
	a := h.poll(key)
	if a.Picture.Hash == shown.Hash || a.Wake != wakeUnassigned {
		t.Errorf("the room is gone: %v", a.Wake)
	}
	h.update(func(tx *store.Tx) error { return tx.UndeleteWorkspace(h.rooms[0]) })
	h.svc.PlacesChanged()
	h.tick()
	if p := h.poll(key).Picture; p.Hash != shown.Hash {
		t.Error("the room is back")
	}
}

func TestWhoMayManageDisplays(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	other := store.NewID[store.BuildingID]()
	h.update(func(tx *store.Tx) error {
		return tx.InsertBuilding(store.Building{ID: other, Name: "Other", Zone: "Europe/Zurich", Language: "en", HostedRetention: store.RetainMidnight})
	})
	account := func(r people.Role, b store.BuildingID) people.Actor {
		return people.Actor{Kind: people.KindAccount, Grants: []people.Grant{{Role: r, Building: b}}}
	}
	id, _ := h.display(h.rooms[0])
	e, err := h.svc.Setup(t.Context(), TRMNL, Report{HardwareID: "AA:BB:CC:DD:EE:FF"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, c := range []struct {
		name          string
		by            people.Actor
		here, pending bool
	}{
		{"administrator", account(people.Administrator, ""), true, true},
		{"workspace manager here", account(people.WorkspaceManager, h.building), true, true},
		{"workspace manager elsewhere", account(people.WorkspaceManager, other), false, true},
		{"booking manager", account(people.BookingManager, ""), false, false},
		{"auditor", account(people.Auditor, ""), false, false},
		{"device", people.Device(id), false, false},
		{"nobody", people.Actor{}, false, false},
	} {
		got, err := h.svc.Get(ctx, c.by, id)
		if (err == nil) != c.here || err != nil && !problem.Has(err, problem.Forbidden) || c.here && got.ID != id {
			t.Errorf("%s reads it: %v", c.name, err)
		}
		list, err := h.svc.List(ctx, c.by)
		want := 0
		if c.here {
			want++
		}
		if c.pending {
			want++
		}
		if len(list) != want || (err != nil) != (want == 0) {
			t.Errorf("%s lists %d, %v", c.name, len(list), err)
		}
		if _, err := h.svc.DeviceLog(ctx, c.by, id, 1); (err == nil) != c.here {
			t.Errorf("%s reads its log: %v", c.name, err)
		}
		if c.here {
			continue
		}
		s := SettingsOf(got.Display)
		s.Template, s.Width, s.Height, s.Palette, s.Encoding = store.TemplateDay, 800, 480, store.PaletteBW, store.EncodingPNG
		_, approve := h.svc.Approve(ctx, c.by, Approval{Code: e.Code, Workspace: h.rooms[0]})
		_, _, add := h.svc.Add(ctx, c.by, store.ProtocolURL, "", Settings{Workspace: h.rooms[0], Template: "day", Width: 800, Height: 480, Palette: "bw", Encoding: "png"})
		_, renew := h.svc.RenewKey(ctx, c.by, id)
		for what, err := range map[string]error{
			"approve": approve, "add": add, "renew": renew, "update": h.svc.Update(ctx, c.by, id, s), "delete": h.svc.Delete(ctx, c.by, id),
			"reenrol": h.svc.AllowReenrol(ctx, c.by, id),
		} {
			if !problem.Has(err, problem.Forbidden) {
				t.Errorf("%s may %s: %v", c.name, what, err)
			}
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	id, _ := h.display(h.rooms[0])
	good := SettingsOf(h.row(id))
	for field, change := range map[string]func(*Settings){
		"name":         func(c *Settings) { c.Name = strings.Repeat("n", 81) },
		"language":     func(c *Settings) { c.Language = "xx" },
		"template":     func(c *Settings) { c.Template = "month" },
		"width":        func(c *Settings) { c.Width = 10 },
		"palette":      func(c *Settings) { c.Palette = "rainbow" },
		"encoding":     func(c *Settings) { c.Encoding, c.Palette = store.EncodingBMP, store.PaletteGray4 },
		"rotation":     func(c *Settings) { c.Rotation = 45 },
		"soon_minutes": func(c *Settings) { c.SoonMinutes = 61 },
		"workspace":    func(c *Settings) { c.Workspace = "nowhere" },
	} {
		c := good
		change(&c)
		err := h.svc.Update(t.Context(), h.admin, id, c)
		if p := problem.Of(err); p == nil || p.Fields[field] == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	good.Template, good.Rotation, good.Palette, good.Width, good.Height = store.TemplateWeek, 90, store.PaletteGray16, 1024, 768
	if err := h.svc.Update(t.Context(), h.admin, id, good); err != nil {
		t.Error(err)
	}
	if p, ok := h.svc.Shown(id); !ok || p.Width != 1024 {
		t.Errorf("%+v", p)
	}
}

func TestBMPDisplay(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	_, key := h.add(store.ProtocolTRMNL, Settings{
		Workspace: h.rooms[0], Template: store.TemplateDay, Width: 800, Height: 480, Palette: store.PaletteBW, Encoding: store.EncodingBMP,
	})
	p := h.poll(key).Picture
	if p.ContentType != "image/bmp" || len(p.Bytes) != 48_062 || string(p.Bytes[:2]) != "BM" {
		t.Errorf("%s of %d bytes", p.ContentType, len(p.Bytes))
	}
}

// However fine a panel's greys, a small chip gets a file that it can load.
func TestPicturesFitTheDevice(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	for i, subject := range []string{"Quarterly planning with all heads of department", "Jour fixe", "1:1", "Besprechung Umbau", "Réunion du comité"} {
		from := time.Date(2026, 11, 23, 9+i, 0, 0, 0, time.UTC).Format("2006-01-02T15:04")
		to := time.Date(2026, 11, 23, 9+i, 45, 0, 0, time.UTC).Format("2006-01-02T15:04")
		h.book(h.rooms[0], from, to, subject)
	}
	for _, tpl := range []store.DisplayTemplate{store.TemplateDay, store.TemplateWeek} {
		_, key := h.add(store.ProtocolTRMNL, Settings{
			Workspace: h.rooms[0], Template: tpl, Width: 2880, Height: 2160, Palette: store.PaletteGray16, Encoding: store.EncodingPNG,
		})
		if p := h.poll(key).Picture; len(p.Bytes) > maxBytes {
			t.Errorf("%s: %d bytes", tpl, len(p.Bytes))
		}
	}
}

// When very many rooms turn over at once, a display that asks before its turn gets the right picture all the same.
func TestPollAtTheMinute(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	h.book(h.rooms[0], "2026-11-23T09:00", "2026-11-23T10:00", "Planning")
	_, key := h.display(h.rooms[0])
	free := h.poll(key)
	h.clock.set(at(t, "Europe/Zurich", "2026-11-23T09:00"))
	busy := h.poll(key)
	if busy.Picture.Hash == free.Picture.Hash || busy.Wake != time.Hour {
		t.Errorf("it sleeps on for %v with the old picture", busy.Wake)
	}
	h.tick()
	if h.poll(key).Picture != busy.Picture {
		t.Error("it was drawn twice")
	}
}

// After a start, whoever asks first gets its picture, whether or not Run has come to it.
func TestFirstPollAfterAStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t, monday(t), 1)
	id, key := h.display(h.rooms[0])
	a := h.poll(key)
	e, err := h.svc.PairPanel(t.Context(), Report{})
	if err != nil {
		t.Fatal(err)
	}
	token := h.svc.PictureToken(a)
	for what, ask := range map[string]func(){
		"poll": func() { h.poll(key) },
		"picture": func() {
			if p, ok := h.svc.PictureAt(token); !ok || p.Hash != a.Picture.Hash {
				t.Error("the address gives nothing")
			}
		},
		"panel": func() {
			if p, _ := panelOf(t, h, e.Key.Reveal()); p.Screen != "claim" {
				t.Errorf("%+v", p)
			}
		},
	} {
		h.restart()
		if _, ok := h.svc.Shown(id); ok {
			t.Fatalf("%s: the start has drawn", what)
		}
		ask()
	}
	h.restart()
	h.tick()
	if p, ok := h.svc.Shown(id); !ok || p.Filename != a.Picture.Filename {
		t.Error("Run has not drawn")
	}
}

// A display that nobody names at its approval is called like its room.
func TestApproveNamesAfterRoom(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{"", "  ", "By the lift"} {
		h := newHouse(t, monday(t), 1)
		e, err := h.svc.Setup(t.Context(), TRMNL, Report{Address: "192.0.2.1", HardwareID: "AA:BB:CC:DD:EE:FF", Model: "og"})
		if err != nil {
			t.Fatal(err)
		}
		var want string
		err = h.st.View(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Workspace(h.rooms[0])
			want = p.Workspace.Name
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(typed) != "" {
			want = typed
		}
		id, err := h.svc.Approve(t.Context(), h.admin, Approval{Code: e.Code, Workspace: h.rooms[0], Name: typed})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := h.svc.Get(t.Context(), h.admin, id); err != nil || v.Name != want || want == "" {
			t.Errorf("typed %q: named %q, want %q, %v", typed, v.Name, want, err)
		}
	}
}
