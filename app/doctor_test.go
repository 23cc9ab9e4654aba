package app

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/connectors"
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
	for _, file := range []string{"doctor.go", "finding.go", "operate.go", "tlsstate.go"} {
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

// Without asking anybody, doctor tells which booking systems did not answer lately; of a check, what was not run is not good.
func TestDoctorKnowsOfSystems(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	st := storetest.Open(t, func() time.Time { return at })
	systems := []store.System{
		{ID: "good", Kind: "caldav", Name: "Good", LastOK: at},
		{ID: "failing", Kind: "ews", Name: "Our \"Exchange\"", FailingSince: at.Add(-time.Hour), ErrorKind: "out of reach"},
		{ID: "paused", Kind: "graph", Name: "Paused", PausedAt: at.Add(-time.Minute), FailingSince: at.Add(-time.Minute)},
	}
	if err := st.Update(t.Context(), func(tx *store.Tx) error {
		for _, y := range systems {
			if err := errors.Join(tx.SaveSystem(y), tx.SaveSystemState(y)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	found, err := (&house{store: st}).knownOfSystems(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, f := range inEnglish(found) {
		said = append(said, string(f.Level)+" "+f.Check+" > "+f.Cure)
	}
	want := []string{
		`warning booking system Our "Exchange" > Run this on the server: lintel connector check "Our \"Exchange\""`,
		`failure booking system Paused > Correct the sign-in in the portal under Booking systems, Edit, and save.`,
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
	if step := stepFinding(connectors.Step{Name: "calendar.check.write", State: connectors.StepSkipped}); step.Level != LevelSkip {
		t.Errorf("a step that was not run is %q", step.Level)
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
	found, err := (&house{store: st}).doctorSystems(t.Context())
	if err != nil || len(found) != 1 || found[0].Text.Key != "doctor.system_paused" {
		t.Errorf("%+v, %v", found, err)
	}
}
