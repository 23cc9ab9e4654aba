package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/calendars"
	"lintel/app/displays"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors/conntest"
	"lintel/store"
)

// running is the whole program on loopback ports that are its own until the test ends, so that it can be started there again.
type running struct {
	*serving
	t    *testing.T
	stop func() error
}

// run starts the program in dir. Its stop may be called early; the test's end calls it otherwise.
func run(t *testing.T, dir string, change func(*Config)) *running {
	t.Helper()
	return runWith(t, dir, func(s *Start) {
		if change != nil {
			change(&s.Config)
		}
	})
}

// runWith is run with a change of anything that the program starts with.
func runWith(t *testing.T, dir string, change func(*Start)) *running {
	t.Helper()
	eff, err := LoadConfig(ConfigSource{Flags: map[string]string{
		"data_dir": dir, "listen": conntest.Reserve(t), "device_listen": conntest.Reserve(t), "outbound.allow_loopback": "true",
	}})
	if err != nil {
		t.Fatal(err)
	}
	folder, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	key, err := folderKey(folder)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	start := Start{
		Config: eff.Config, Folder: folder, Key: key, Log: slog.New(slog.DiscardHandler), Out: io.Discard, Now: time.Now,
		Notify: newNotifier(nil), Build: Build{Version: "test"},
	}
	change(&start)
	s, err := newServing(ctx, start)
	if err != nil {
		t.Fatal(err)
	}
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- s.run(ctx, func(*Group) { close(ready) }) }()
	select {
	case <-ready: // its booking systems are loaded: what a test arranges now is not missed
	case err := <-done:
		cancel()
		t.Fatal(errors.Join(err, folder.Close()))
	}
	r := &running{serving: s, t: t}
	stopped := false
	r.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		err := <-done
		if cerr := folder.Close(); err == nil {
			err = cerr
		}
		return err
	}
	t.Cleanup(func() {
		if t.Failed() && !stopped {
			for _, st := range r.calendars.Statuses() {
				t.Logf("a booking system of the program: %+v", st)
			}
		}
		if err := r.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return r
}

// noon returns a zone in which it is about noon, so that a test that runs at any hour has a whole day before and behind it.
func noon(t *testing.T) *time.Location {
	t.Helper()
	best, distance := time.UTC, 24.0
	for _, name := range []string{"Pacific/Auckland", "Asia/Tokyo", "Asia/Kolkata", "Europe/Zurich", "America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} {
		zone, err := when.LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().In(zone)
		d := float64(now.Hour()) + float64(now.Minute())/60 - 12
		if d*d < distance*distance {
			best, distance = zone, d
		}
	}
	return best
}

// room makes a building with one room.
func (r *running) room(zone *time.Location, name string) store.WorkspaceID {
	r.t.Helper()
	w := store.NewID[store.WorkspaceID]()
	err := r.store.Update(context.Background(), func(tx *store.Tx) error {
		b, f := store.NewID[store.BuildingID](), store.NewID[store.FloorID]()
		if err := tx.InsertBuilding(store.Building{ID: b, Name: "House of " + name, Zone: zone.String(), Language: "en", WorkingDays: 127, HostedRetention: store.RetainMidnight}); err != nil {
			return err
		}
		if err := tx.InsertFloor(store.Floor{ID: f, BuildingID: b, Name: "1"}); err != nil {
			return err
		}
		return tx.InsertWorkspace(store.Workspace{ID: w, FloorID: f, Kind: store.Room, Name: name, Seats: 6, ShowSubject: true, ShowOrganizer: true, Bookable: true})
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.placesChanged([]store.WorkspaceID{w})
	return w
}

// trmnl is a foreign TRMNL display: what it knows came over HTTP.
type trmnl struct {
	t          *testing.T
	base, key  string
	mac        string
	filename   string
	downloaded int
	picture    []byte
}

// setup asks for a key and returns the code on the glass.
func (d *trmnl) setup() string {
	d.t.Helper()
	var answer struct {
		Status     int    `json:"status"`
		APIKey     string `json:"api_key"`
		FriendlyID string `json:"friendly_id"`
	}
	d.get("/api/setup", &answer)
	if answer.APIKey == "" {
		d.t.Fatalf("no key: %+v", answer)
	}
	d.key = answer.APIKey
	return answer.FriendlyID
}

func (d *trmnl) get(path string, to any) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), "GET", d.base+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	for k, v := range map[string]string{
		"ID": d.mac, "Access-Token": d.key, "Model": "og", "FW-Version": "1.8.14", "Width": "800", "Height": "480", "Battery-Voltage": "4.01", "RSSI": "-50",
	} {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || bytes.ContainsAny(b, "\n\t") {
		d.t.Fatalf("%s: %s %q, %v", path, resp.Status, b, err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		d.t.Fatalf("%s: %q: %v", path, b, err)
	}
}

// wake is one cycle: it reports whether there was a new picture, which it downloads without credentials.
func (d *trmnl) wake() bool {
	d.t.Helper()
	var show struct {
		Status   int    `json:"status"`
		ImageURL string `json:"image_url"`
		Filename string `json:"filename"`
		Refresh  int    `json:"refresh_rate"`
	}
	d.get("/api/display", &show)
	if show.Status != 0 || show.Refresh < 10 || !strings.HasPrefix(show.ImageURL, d.base+"/") || len(show.Filename) > 31 {
		d.t.Fatalf("display: %+v", show)
	}
	if show.Filename == d.filename {
		return false
	}
	resp, err := http.Get(show.ImageURL) //nolint:noctx // loopback
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	if d.picture, err = io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "image/png" {
		d.t.Fatalf("picture: %s %s, %v", resp.Status, resp.Header.Get("Content-Type"), err)
	}
	img, err := png.Decode(bytes.NewReader(d.picture))
	if err != nil || img.Bounds().Dx() != 800 || img.Bounds().Dy() != 480 {
		d.t.Fatalf("picture: %v, %v", img, err)
	}
	d.filename = show.Filename
	d.downloaded++
	return true
}

// until waits for something. It gives up after three minutes at the least: some of it takes half a minute on an idle machine.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 1800 {
		if f() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("still waiting: %s", what)
}

func (r *running) agenda(w store.WorkspaceID) []bookings.Shown {
	r.t.Helper()
	now := time.Now()
	a, err := r.bookings.Agenda(context.Background(), bookings.Door(), w, now.Add(-36*time.Hour), now.Add(10*24*time.Hour))
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func subjects(a []bookings.Shown) string {
	var s []string
	for _, b := range a {
		s = append(s, fmt.Sprintf("%s %s/%s private=%v allday=%v", b.From.UTC().Format("02T15:04"), b.To.UTC().Format("15:04"), b.Subject, b.Private, b.AllDay))
	}
	return strings.Join(s, "\n")
}

// The main job: a real calendar reaches a real device endpoint, and back.
func TestCalendarToDoor(t *testing.T) {
	for _, server := range []struct {
		name  string
		start func(testing.TB) *conntest.Server
	}{{"Radicale", conntest.Radicale}, {"Xandikos", conntest.Xandikos}} {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			testCalendarToDoor(t, server.start(t))
		})
	}
}

func testCalendarToDoor(t *testing.T, srv *conntest.Server) {
	ctx := t.Context()
	zone := noon(t)
	now := time.Now().In(zone)
	today := when.DayOf(now, zone)
	at := func(d when.Date, minute int) string { return when.Wall{Date: d, Minute: minute}.String() }
	minute := now.Hour()*60 + now.Minute()
	cal := srv.MakeCalendar(t, "Matterhorn")
	put := func(s conntest.Seed) {
		t.Helper()
		if !srv.Put(t, cal+s.Name+".ics", s.ICS()) {
			t.Fatalf("the server refused %s", s.Name)
		}
	}
	// A daily series since last week whose occurrence of today was moved to now.
	put(conntest.Seed{
		Name: "series", Subject: "Moved here", Organizer: "Anna Keller", Address: "anna@example.org", Zone: zone.String(),
		Start: at(today.Add(-7), 6*60), End: at(today.Add(-7), 6*60+30), Rule: "FREQ=DAILY",
		Overrides: []conntest.Override{{Original: at(today, 6*60), Start: at(today, minute-20), End: at(today, minute+25)}},
	})
	put(conntest.Seed{Name: "allday", Subject: "Fair", Start: today.Add(2).String(), End: today.Add(3).String()})
	put(conntest.Seed{
		Name: "private", Subject: "planted private words", Organizer: "Planted Person", Address: "planted@example.org", Class: "PRIVATE",
		Zone: zone.String(), Start: at(today, minute+60), End: at(today, minute+90),
	})
	windows := when.Wall{Date: today.Add(1), Minute: 10 * 60}
	zurich, err := when.LoadZone("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	put(conntest.Seed{Name: "windows", Subject: "From Outlook", Zone: "W. Europe Standard Time", Start: windows.String(), End: when.Wall{Date: windows.Date, Minute: 11 * 60}.String()})

	dir := t.TempDir()
	r := run(t, dir, nil)
	ws := r.room(zone, "Matterhorn")
	connection := calendars.Connection{Kind: "caldav", Name: "Calendar", URL: srv.URL + "/", Username: srv.User, Secrets: map[string]secret.Text{"password": secret.New(srv.Password)}}
	report, err := r.calendars.Check(ctx, byCommand, "", connection, calendars.CheckOptions{Address: cal, Write: true})
	if err != nil || !report.OK() {
		t.Fatalf("check: %+v, %v", report, err)
	}
	rooms, err := r.calendars.Rooms(ctx, byCommand, "", connection)
	if err != nil || len(rooms) == 0 {
		t.Fatalf("rooms: %+v, %v", rooms, err)
	}
	found := ""
	for _, ref := range rooms {
		if ref.Name == "Matterhorn" || strings.TrimSuffix(ref.ID, "/") == strings.TrimSuffix(cal, "/") {
			found = ref.ID
		}
	}
	if found == "" {
		t.Fatalf("the calendar is not among %+v", rooms)
	}
	system, err := r.calendars.Connect(ctx, byCommand, connection)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.calendars.Attach(ctx, byCommand, ws, system, found); err != nil {
		t.Fatal(err)
	}

	// The display: an unknown one gets a claim picture, and the room's after its approval.
	d := &trmnl{t: t, base: r.deviceURL.String(), mac: "02:00:00:00:00:01"}
	code := d.setup()
	if !d.wake() {
		t.Fatal("no claim picture")
	}
	claim := d.picture
	until(t, "first sync", func() bool { return len(r.agenda(ws)) > 0 })
	display, err := r.displays.Approve(ctx, byCommand, displays.Approval{Code: code, Workspace: ws, Name: "Matterhorn", Language: "en"})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the room's picture", func() bool { d.wake(); return !bytes.Equal(d.picture, claim) })

	a := r.agenda(ws)
	text := subjects(a)
	want := func(subject string, from time.Time) {
		t.Helper()
		if !slices.ContainsFunc(a, func(b bookings.Shown) bool { return b.Subject == subject && b.From.Equal(from) }) {
			t.Errorf("no %q at %v in\n%s", subject, from.UTC(), text)
		}
	}
	want("Moved here", when.Wall{Date: today, Minute: minute - 20}.In(zone))
	want("Moved here", when.Wall{Date: today.Add(1), Minute: 6 * 60}.In(zone))
	want("From Outlook", windows.In(zurich))
	want("Fair", today.Add(2).Start(zone))
	if slices.ContainsFunc(a, func(b bookings.Shown) bool { return b.From.Equal(when.Wall{Date: today, Minute: 6 * 60}.In(zone)) }) {
		t.Errorf("the moved occurrence is still at its old time in\n%s", text)
	}
	if strings.Contains(text, "planted") || !strings.Contains(text, "private=true") {
		t.Errorf("the private event: \n%s", text)
	}
	state := bookings.StateAt(a, time.Now(), 0)
	if state.Kind != bookings.Busy {
		t.Errorf("the state is %v in\n%s", state.Kind, text)
	}
	shown, ok := r.displays.Shown(display)
	if !ok || !bytes.Equal(shown.Bytes, d.picture) {
		t.Error("the device shows other bytes than the portal")
	}

	// An event added in the server is on the next picture.
	put(conntest.Seed{Name: "added", Subject: "Added in the server", Zone: zone.String(), Start: at(today, minute+30), End: at(today, minute+45)})
	r.calendars.Touch(ws)
	until(t, "the added event on the picture", func() bool { return d.wake() })
	if a = r.agenda(ws); !strings.Contains(subjects(a), "Added in the server") {
		t.Errorf("agenda:\n%s", subjects(a))
	}

	// A booking made in Lintel appears in the server.
	from := when.Wall{Date: today, Minute: minute + 120}
	ours, err := r.bookings.Create(ctx, byCommand, bookings.Request{
		Workspace: ws, Times: bookings.Local(from, when.Wall{Date: today, Minute: minute + 150}), Subject: "Made in Lintel",
		Organizer: bookings.Organizer{Name: "Luca Rossi"}, Source: store.FromPortal, Token: "endtoend-token-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if bodies := strings.Join(srv.Bodies(t, cal), "\n"); !strings.Contains(bodies, "SUMMARY:Made in Lintel") {
		t.Errorf("the server holds\n%s", bodies)
	}

	// A conflicting write is refused, and both sides stay right.
	before := len(srv.Bodies(t, cal))
	_, err = r.bookings.Create(ctx, byCommand, bookings.Request{
		Workspace: ws, Times: bookings.Local(when.Wall{Date: today, Minute: minute + 135}, when.Wall{Date: today, Minute: minute + 165}), Subject: "In the way",
		Source: store.FromPortal, Token: "endtoend-token-2",
	})
	if !problem.Has(err, problem.Conflict) {
		t.Errorf("a conflicting booking: %v", err)
	}
	if after := srv.Bodies(t, cal); len(after) != before || strings.Contains(strings.Join(after, ""), "In the way") {
		t.Errorf("the server holds %d objects after the refusal, %d before", len(after), before)
	}
	if got := subjects(r.agenda(ws)); strings.Contains(got, "In the way") || !strings.Contains(got, "Made in Lintel") {
		t.Errorf("agenda:\n%s", got)
	}

	// Ended in Lintel, gone in the server.
	until(t, "our booking on the picture", func() bool { return d.wake() })
	if err := r.bookings.Cancel(ctx, byCommand, ours.ID); err != nil {
		t.Fatal(err)
	}
	if bodies := strings.Join(srv.Bodies(t, cal), "\n"); strings.Contains(bodies, "SUMMARY:Made in Lintel") {
		t.Errorf("cancelled, but the server still holds\n%s", bodies)
	}

	// A restart changes no file name and makes no device download again.
	until(t, "the picture without the cancelled booking", func() bool { return d.wake() })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again := run(t, dir, func(c *Config) { c.Listen, c.DeviceListen = r.portal.Addr().String(), r.device.Addr().String() })
	if len(again.agenda(ws)) == 0 {
		t.Error("the agenda is gone after a restart")
	}
	if old := d.filename; d.wake() {
		t.Errorf("after a restart the file name %s became %s", old, d.filename)
	}
}

// A feed reaches the agenda; its address, which is a secret, is in no error, status or byte of the database.
func TestFeedToAgenda(t *testing.T) {
	t.Parallel()
	zone := noon(t)
	today := when.DayOf(time.Now(), zone)
	feed := conntest.Seed{
		Name: "feed", Subject: "From a feed", Zone: zone.String(), Rule: "FREQ=DAILY;COUNT=5;",
		Start: when.Wall{Date: today, Minute: 10 * 60}.String(), End: when.Wall{Date: today, Minute: 11 * 60}.String(),
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/planted-feed-token/room.ics" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/calendar")
		fmt.Fprint(w, feed.ICS())
	}))
	defer srv.Close()
	dir := t.TempDir()
	r := run(t, dir, nil)
	ws := r.room(zone, "Feed room")
	system, err := r.calendars.Connect(t.Context(), byCommand, calendars.Connection{Kind: "ics", Name: "Feeds"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.calendars.Attach(t.Context(), byCommand, ws, system, srv.URL+"/planted-feed-token/room.ics"); err != nil {
		t.Fatal(err)
	}
	until(t, "the feed's events", func() bool { return strings.Count(subjects(r.agenda(ws)), "From a feed") == 5 })
	_, err = r.bookings.Create(t.Context(), byCommand, bookings.Request{
		Workspace: ws, Times: bookings.Local(when.Wall{Date: today.Add(1), Minute: 12 * 60}, when.Wall{Date: today.Add(1), Minute: 13 * 60}),
		Source: store.FromPortal, Token: "feed-token-1",
	})
	if problem.Of(err) == nil {
		t.Errorf("booking into a feed: %v", err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{store.MainFile, store.ReadingsFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("planted-feed-token")) {
			t.Errorf("%s holds the feed's address in clear", name)
		}
	}
}

// Backup under load, the folder destroyed, restore: the agenda is as it was, sign-in works, displays go on.
func TestBackupRestoreOfARunningHouse(t *testing.T) {
	t.Parallel()
	zone := noon(t)
	dir := t.TempDir()
	r := run(t, dir, nil)
	ws := r.room(zone, "Matterhorn")
	password := secret.New("correct horse battery")
	if _, err := r.people.Create(t.Context(), byCommand, people.NewAccount{
		Name: "Anna", Login: "anna", Password: password, Grants: []people.Grant{{Role: people.Administrator}},
	}); err != nil {
		t.Fatal(err)
	}
	d := &trmnl{t: t, base: r.deviceURL.String(), mac: "02:00:00:00:00:02"}
	code := d.setup()
	if _, err := r.displays.Approve(t.Context(), byCommand, displays.Approval{Code: code, Workspace: ws}); err != nil {
		t.Fatal(err)
	}
	today := when.DayOf(time.Now(), zone)
	book := func(n int) error {
		from := when.Wall{Date: today.Add(1 + n/40), Minute: 6*60 + n%40*15} // not at night, when clocks are changed
		_, err := r.bookings.Create(t.Context(), byCommand, bookings.Request{
			Workspace: ws, Times: bookings.Local(from, when.Wall{Date: from.Date, Minute: from.Minute + 15}), Subject: fmt.Sprint("load ", n), Source: store.FromPortal,
		})
		return err
	}
	for n := range 40 {
		if err := book(n); err != nil {
			t.Fatal(err)
		}
	}
	loaded := make(chan error, 1)
	go func() {
		for n := 40; n < 200; n++ {
			if err := book(n); err != nil {
				loaded <- err
				return
			}
		}
		loaded <- nil
	}()
	var saved bytes.Buffer
	if _, err := r.backup(t.Context(), &saved); err != nil {
		t.Fatal(err)
	}
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	until(t, "a quiet display", func() bool { return !d.wake() })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}

	folder, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := restore(t.Context(), Start{Folder: folder}, &saved); err != nil {
		t.Fatal(err)
	}
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	again := run(t, dir, func(c *Config) { c.Listen, c.DeviceListen = r.portal.Addr().String(), r.device.Addr().String() })
	if _, err := again.people.SignIn(t.Context(), "anna", password, netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Errorf("sign in: %v", err)
	}
	a := again.agenda(ws)
	if len(a) < 40 {
		t.Errorf("%d bookings came back", len(a))
	}
	for n := range 40 {
		if !strings.Contains(subjects(a)+"\n", fmt.Sprintf("/load %d ", n)) {
			t.Errorf("booking %d, acknowledged before the backup, is lost", n)
		}
	}
	d.wake() // with the key that it had: anything but 200 fails the test
	if wrong, err := again.store.Integrity(t.Context()); err != nil || len(wrong) > 0 {
		t.Errorf("integrity: %v, %v", wrong, err)
	}
}
