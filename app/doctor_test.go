package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/caldav/caldavtest"
	"lintel/connectors/outbound"
	"lintel/store"
	"lintel/store/storetest"
	"lintel/templates/text"
)

func levels(found []finding) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(string(f.Level) + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestDoctorFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, who alone can give a file away")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	expect := func(what, want, said string) {
		t.Helper()
		found := doctorFolder(dir, 0)
		if levels(found) != want || !strings.Contains(inEnglish(found)[0].Text, said) {
			t.Errorf("%s: %+v", what, found)
		}
		for _, f := range inEnglish(found) {
			if f.Level != LevelOK && f.Cure == "" {
				t.Errorf("%s: no cure for %s", what, f.Text)
			}
		}
	}
	expect("sound", "ok", "alone")
	file := filepath.Join(dir, "lintel.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	expect("a file for everybody", "warning", "rights for everybody")
	if err := errors.Join(os.Chmod(file, 0o600), os.Chown(file, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	expect("a foreign file", "failure", "does not belong to the folder’s owner")
	if err := errors.Join(os.Chown(file, 0, 0), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	expect("an open folder", "failure", "Other accounts may open")
	if found := doctorFolder(dir, 1000); levels(found) != "failure" || !strings.Contains(inEnglish(found)[0].Cure, "as root") {
		t.Errorf("as another account: %+v", found)
	}
	if found := doctorFolder(filepath.Join(dir, "none"), 0); levels(found) != "warning" {
		t.Errorf("no folder: %+v", found)
	}
	if found := doctorFolder(file, 0); levels(found) != "failure" {
		t.Errorf("a file: %+v", found)
	}
}

func TestDoctorClock(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		now        time.Time
		known, yes bool
		want       Level
	}{
		{"right", time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), true, true, LevelOK},
		{"nobody knows", time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), false, false, LevelOK},
		{"free running", time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), true, false, LevelWarn},
		{"no battery", time.Date(1970, 1, 1, 0, 0, 9, 0, time.UTC), true, true, LevelFail},
		{"far future", time.Date(2099, 1, 1, 0, 0, 9, 0, time.UTC), true, true, LevelFail},
	} {
		if got := doctorClock(test.now, func() (bool, bool) { return test.known, test.yes }); got.Level != test.want {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestDoctorKey(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "key")
	if err := writeKey(outside, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"); err != nil {
		t.Fatal(err)
	}
	if f := doctorKey(Config{KeyFile: outside}); f.Level != LevelOK {
		t.Errorf("outside: %+v", f)
	}
	if err := os.Chmod(outside, 0o644); err != nil {
		t.Fatal(err)
	}
	if f := doctorKey(Config{KeyFile: outside}); f.Level != LevelWarn || f.Run != "chmod 600 "+outside {
		t.Errorf("readable by all: %+v", f)
	}
	if f := doctorKey(Config{KeyFile: "/does/not/exist"}); f.Level != LevelFail {
		t.Errorf("missing: %+v", f)
	}
	if f := doctorKey(Config{DataDir: "/does/not/exist"}); f.Level != LevelOK {
		t.Errorf("before the first start: %+v", f)
	}
	if f := doctorKey(Config{DataDir: t.TempDir()}); f.Level != LevelWarn {
		t.Errorf("folder without a key: %+v", f)
	}
}

func TestDoctorDisk(t *testing.T) {
	t.Parallel()
	found := inEnglish([]finding{doctorDisk(filepath.Join(t.TempDir(), "not", "there", "yet"))})
	if found[0].Check != "disk" || !strings.Contains(found[0].Text, "B are free") {
		t.Errorf("%+v", found)
	}
}

// With a configuration that can't be used, doctor says so and stops there.
func TestDoctorWithoutConfiguration(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "lintel.toml", "listne = 1\nlisten = 2")
	code, stdout, _ := cli(t, t.TempDir(), "", "doctor", "--config", file)
	if code != exitFailed || strings.Count(stdout, "FAILURE configuration") != 2 || strings.Contains(stdout, "disk") {
		t.Errorf("%d %s", code, stdout)
	}
}

// doctor makes nothing where there is nothing yet.
func TestDoctorOnAnEmptyFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := cli(t, dir, "", "doctor"); code != exitOK || !strings.Contains(stdout, "warning database") {
		t.Errorf("%d %s%s", code, stdout, stderr)
	}
	if left := leftovers(t, dir); left != nil {
		t.Errorf("doctor made %v", left)
	}
}

// What doctor and the page System say has a text in the files; the test of the texts holds the languages together.
func TestFindingsHaveTexts(t *testing.T) {
	t.Parallel()
	p := text.For(text.English)
	has := func(key string) {
		t.Helper()
		if p.T(key) == key {
			t.Errorf("there is no text %s", key)
		}
	}
	literal := regexp.MustCompile(`"(doctor\.[a-z_]+[a-z])"`)
	found := 0
	for _, file := range []string{"doctor.go", "finding.go", "operate.go", "operatestanding.go", "tlsstate.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllSubmatch(source, -1) {
			has(string(m[1]))
			found++
		}
	}
	if found < 60 {
		t.Errorf("only %d texts were found: the search is broken", found)
	}
	has("doctor.check_certificate_portal")
	has("doctor.check_certificate_device")
	for _, job := range (&house{}).jobTable() {
		has(jobName(job.Name).Key)
	}
}

// Without asking anybody, doctor tells of each booking system how it does, and the list of them says the same in a word: silence is
// no good news. Of a check, what was not run is not good.
func TestDoctorKnowsOfSystems(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	st := storetest.Open(t, func() time.Time { return at })
	failed := store.SystemCheck{At: at.Add(-time.Hour), Steps: []store.SystemCheckStep{{Name: "calendar.check.reach", State: "ok"}, {Name: "calendar.check.sign_in", State: "failed", Said: "HTTP 401"}}}
	unwritten := store.SystemCheck{At: at.Add(-time.Hour), Steps: []store.SystemCheckStep{{Name: "calendar.check.write", State: "failed", Said: "HTTP 403"}}}
	type room struct {
		name   string
		lastOK time.Time
		kind   string // of what fails; "gap" is an event that can't be read
	}
	h := &house{store: st, start: Start{Now: func() time.Time { return at }}}
	for i, c := range []struct {
		system store.System
		rooms  []room
		word   string
		want   string
	}{
		{store.System{Name: "Good", LastOK: at.Add(-12 * time.Second)}, []room{{"A", at, ""}}, "good", "ok It answered 12 s ago."},
		{store.System{Name: "Our \"Exchange\"", FailingSince: at.Add(-time.Hour), ErrorKind: "out of reach"}, nil, "failing: out of reach", "warning It has not answered as it should since * > Run this on the server: lintel connector check \"Our \\\"Exchange\\\"\""},
		{store.System{Name: "Paused", PausedAt: at, FailingSince: at, ErrorKind: "auth", Checked: failed}, nil, "stopped: auth", "failure It refused the sign-in twice, so nothing has been sent since * > Correct the sign-in in the portal under Booking systems, Edit, and save."},
		{
			store.System{Name: "Partly", LastOK: at}, []room{{"Elm", at, "not found"}, {"Oak", at, ""}, {"Cedar", time.Time{}, "forbidden"}}, "2 of 3 rooms fail",
			"warning 2 of 3 rooms can’t be read: Cedar, Elm. > Run this on the server: lintel connector check \"Partly\"",
		},
		{
			store.System{Name: "Many", LastOK: at}, []room{{"1", at, "gone"}, {"2", at, "gone"}, {"3", at, "gone"}, {"4", at, "gone"}, {"5", at, "gone"}, {"6", at, "gone"}}, "6 of 6 rooms fail",
			"warning 6 of 6 rooms can’t be read: 1, 2, 3, 4, 5, …. > Run this on the server: lintel connector check \"Many\"",
		},
		{
			store.System{Name: "Gaps", LastOK: at}, []room{{"Fir", at, "gap"}, {"Elm", at, "gap"}, {"Oak", at, ""}}, "2 events unread",
			"warning 2 events can’t be read, in Elm, Fir. > Run this on the server: lintel connector check \"Gaps\"",
		},
		{store.System{Name: "Checked", Checked: failed}, []room{{"New", time.Time{}, ""}}, "check failed", "warning Its check on * failed at “Sign-in works”, and it has not answered since. > Run this on the server: lintel connector check \"Checked\""},
		{store.System{Name: "Works since", LastOK: at, Checked: failed}, []room{{"B", at, ""}}, "good", "ok It answered just now."},
		{store.System{Name: "Reads only", LastOK: at, Checked: unwritten}, []room{{"G", at, ""}}, "check failed", "warning Its check on * failed at “Test booking made and removed”, and no booking has gone through since. > Run this on the server: lintel connector check \"Reads only\""},
		{store.System{Name: "Silent", Kind: people.PushedKind, LastOK: at.Add(-2 * time.Hour), FailingSince: at.Add(-2 * time.Hour)}, []room{{"H", at, ""}}, "silent", "warning It has not answered as it should since * > Look whether the script that pushes the agendas still runs."},
		{store.System{Name: "New"}, nil, "no room yet", "ok No room takes its agenda from it yet."},
		{store.System{Name: "Unread", LastOK: at}, []room{{"C", at, ""}, {"D", time.Time{}, ""}}, "not read yet", "warning 1 of 2 rooms has not been read yet. > Run this on the server: lintel connector check \"Unread\""},
		{store.System{Name: "Changed"}, []room{{"F", at, ""}}, "not read yet", "warning 1 of 1 rooms has not been read yet. > Run this on the server: lintel connector check \"Changed\""},
		{store.System{Name: "Pushed", Kind: people.PushedKind, LastOK: at.Add(-time.Minute)}, []room{{"E", at, ""}}, "good", "ok The last agenda was pushed 1 min ago."},
		{store.System{Name: "Waits", WaitUntil: at.Add(time.Hour), FailingSince: at}, nil, "waits until *", "warning It asked to be left alone. Nothing is sent before *"},
	} {
		t.Run(c.system.Name, func(t *testing.T) {
			var rooms []store.Resource
			for _, r := range c.rooms {
				known := store.Resource{WorkspaceName: r.name, LastOK: r.lastOK, ErrorKind: r.kind}
				if r.kind == "gap" {
					known.ErrorKind, known.Skipped = "", 1
				}
				rooms = append(rooms, known)
			}
			k := calendars.StatusOf(c.system, rooms)
			word, f := standing{Status: k, Standing: k.Standing(at)}.say(at)
			said := inEnglish([]finding{f})[0]
			got := string(said.Level) + " " + said.Text
			if said.Cure != "" {
				got += " > " + said.Cure
			}
			if !like(c.word, word) || !like(c.want, got) {
				t.Errorf("%s\n%s\nwant %s\n%s", word, got, c.word, c.want)
			}
		})
		c.system.ID = store.SystemID(strconv.Itoa(i))
		if err := st.Update(t.Context(), func(tx *store.Tx) error { return errors.Join(tx.SaveSystem(c.system), tx.SaveSystemState(c.system)) }); err != nil {
			t.Fatal(err)
		}
	}
	// Without a running engine the same is told from the store, and of when it is.
	lines, err := h.listSystems(t.Context(), Nothing{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := h.knownOfSystems(t.Context())
	if err != nil || len(found) != len(lines) || len(found) < 10 {
		t.Fatalf("%d findings of %d systems: %v", len(found), len(lines), err)
	}
	for i, f := range inEnglish(found) {
		asOf := "s of " + at.Local().Format("2006-01-02 ")
		if f.Check != "booking system "+lines[i].Name || !strings.Contains(f.Text, asOf) || !strings.Contains(lines[i].State, asOf) {
			t.Errorf("%s: %s; %s: %s", f.Check, f.Text, lines[i].Name, lines[i].State)
		}
	}
	if step := stepFinding(connectors.Step{Name: "calendar.check.write", State: connectors.StepSkipped}); step.Level != LevelSkip {
		t.Errorf("a step that was not run is %q", step.Level)
	}
}

// Beside a running engine what it knows is told, which it stores only now and then.
func TestDoctorAsksTheRunningEngine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	st := storetest.Open(t, now)
	h := &house{store: st, start: Start{Now: now}, calendars: calendars.New(calendars.Options{
		Store: st, Now: now, Log: slog.New(slog.DiscardHandler), Kinds: calendars.Systems(now),
		Changed: func(store.WorkspaceID) {}, Go: func(string, func(context.Context) error) {},
	})}
	if err := h.calendars.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := h.calendars.Connect(t.Context(), byCommand, calendars.Connection{Kind: people.PushedKind, Name: "Timetable"})
	if err != nil {
		t.Fatal(err)
	}
	stale := store.System{ID: id, Kind: people.PushedKind, Name: "Timetable", FailingSince: at.Add(-time.Hour), ErrorKind: "out of reach"}
	if err := st.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveSystemState(stale) }); err != nil {
		t.Fatal(err)
	}
	lines, err := h.listSystems(t.Context(), Nothing{})
	if err != nil || len(lines) != 1 || lines[0].State != "no room yet" {
		t.Errorf("listed %+v, %v", lines, err)
	}
	found, err := h.knownOfSystems(t.Context())
	if err != nil || len(found) != 1 || found[0].Level != LevelOK || found[0].Text.Key != "doctor.system_no_rooms" {
		t.Errorf("found %+v, %v", found, err)
	}
}

// A write test that failed is told until a booking has gone through.
func TestDoctorTellsOfAWriteTest(t *testing.T) {
	t.Parallel()
	st := storetest.Open(t, time.Now)
	remote := caldavtest.Start(caldavtest.Quirks{}, time.Now)
	t.Cleanup(remote.Close)
	out, err := outbound.New(outbound.Options{AllowLoopback: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{store: st, start: Start{Now: time.Now}, calendars: calendars.New(calendars.Options{
		Store: st, Now: time.Now, Log: slog.New(slog.DiscardHandler), Kinds: calendars.Systems(time.Now), Out: out,
		Changed: func(store.WorkspaceID) {}, Go: func(string, func(context.Context) error) {},
	})}
	building, floor, room := store.NewID[store.BuildingID](), store.NewID[store.FloorID](), store.NewID[store.WorkspaceID]()
	if err := st.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(
			tx.InsertBuilding(store.Building{ID: building, Name: "House", Zone: "Europe/Zurich", Language: "en", HostedRetention: store.RetainMidnight}),
			tx.InsertFloor(store.Floor{ID: floor, BuildingID: building, Name: "1"}),
			tx.InsertWorkspace(store.Workspace{ID: room, FloorID: floor, Kind: store.Room, Name: "Elm"}))
	}); err != nil {
		t.Fatal(err)
	}
	if err := h.calendars.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := h.calendars.Connect(t.Context(), byCommand, calendars.Connection{
		Kind: "caldav", Name: "Cloud", URL: remote.URL() + "/dav/", Username: caldavtest.User, Secrets: map[string]secret.Text{"password": secret.New(caldavtest.Password)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.calendars.Attach(t.Context(), byCommand, room, id, caldavtest.Room); err != nil {
		t.Fatal(err)
	}
	told := func(want string) {
		t.Helper()
		found, err := h.knownOfSystems(t.Context())
		if err != nil || len(found) != 1 || found[0].Text.Key != want {
			t.Fatalf("found %+v, %v, want %s", found, err, want)
		}
	}
	told("doctor.system_unread")
	remote.Break(caldavtest.Fault{Method: http.MethodPut, Times: 1, Status: http.StatusForbidden})
	if _, err := h.calendars.Check(t.Context(), byCommand, id, calendars.Connection{}, calendars.CheckOptions{Address: caldavtest.Room, Write: true}); err != nil {
		t.Fatal(err)
	}
	told("doctor.system_check_unbooked")
	draft := bookings.RemoteDraft{
		Workspace: room, Token: store.NewID[string](), From: time.Now().Add(time.Hour).Truncate(time.Second), To: time.Now().Add(2 * time.Hour).Truncate(time.Second),
		Subject: "Planning", Source: store.FromPortal,
	}
	remote.Break(caldavtest.Fault{Method: http.MethodPut, Times: 1, Status: http.StatusForbidden})
	if _, err := h.bookRemotely(t.Context(), draft); err == nil {
		t.Fatal("a booking that was refused went through")
	}
	told("doctor.system_check_unbooked")
	if _, err := h.bookRemotely(t.Context(), draft); err != nil {
		t.Fatal(err)
	}
	told("doctor.system_unread")
}

// like compares with a pattern in which * stands for an instant with its zone.
func like(pattern, s string) bool {
	pattern = strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `\d{4}-\d\d-\d\d \d\d:\d\d (?:[A-Z]+|[+-]\d+)\.?`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(s)
}

// Every instant that a command prints is by this machine's clock and says so.
func TestCommandsNameTheirZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 23, 9, 17, 0, 0, time.UTC)
	want := at.Local().Format("2006-01-02 15:04 MST")
	clockSays := doctorClock(at, func() (bool, bool) { return true, true })
	said := inEnglish([]finding{clockSays, ok("doctor.check_clock", "doctor.system_stored", "Said", clockSays.Text, "Time", at)})
	for i, f := range said {
		if n := strings.Count(f.Text, want); n != i+1 {
			t.Errorf("%s: %d times %s", f.Text, n, want)
		}
	}
	byItself := regexp.MustCompile(`\.(?:Format|AppendFormat)\("[^"]*15:04`)
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") && file != "localtime.go" && byItself.Match(source) {
			t.Errorf("%s prints a time by itself, not with localTime", file)
		}
	}
}

// A system that has refused the password is not asked again, however often doctor runs: no calendars are here to ask.
func TestDoctorSparesAccounts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	st := storetest.Open(t, func() time.Time { return at })
	y := store.System{ID: "paused", Kind: "ews", Name: "Paused", PausedAt: at.Add(-time.Minute)}
	if err := st.Update(t.Context(), func(tx *store.Tx) error { return errors.Join(tx.SaveSystem(y), tx.SaveSystemState(y)) }); err != nil {
		t.Fatal(err)
	}
	found, err := (&house{store: st, start: Start{Now: func() time.Time { return at }}}).doctorSystems(t.Context())
	if err != nil || len(found) != 1 || found[0].Text.Key != "doctor.system_paused" {
		t.Errorf("%+v, %v", found, err)
	}
}
