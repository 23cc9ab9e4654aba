package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLogDropsWhatIsPersonal(t *testing.T) {
	t.Parallel()
	for _, format := range []string{logText, logJSON, logJournal} {
		var b strings.Builder
		log := newLogger(&b, LogConfig{Format: format}, nil)
		log.With("email", "anna@example.com").WithGroup("g").Info("seen", "room", "r1", "subject", "Salary", "Name", "Anna", "token", "tok",
			slog.Group("deep", "organizer", "Anna", "device", "d1"))
		out := b.String()
		for _, bad := range []string{"anna@", "Salary", "Anna", "=tok", `"tok"`} {
			if strings.Contains(out, bad) {
				t.Errorf("%s: %s in %s", format, bad, out)
			}
		}
		for _, want := range []string{"seen", "r1", "d1"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %s in %s", format, want, out)
			}
		}
	}
}

func TestLogFormats(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	log := newLogger(&b, LogConfig{Level: slog.LevelDebug, Format: logJournal}, nil).With("job", "sync")
	log.Debug("one")
	log.Info("two")
	log.Warn("three")
	log.Error("four", "err", "x\ny")
	want := "<7>msg=one job=sync\n<6>msg=two job=sync\n<4>msg=three job=sync\n<3>msg=four job=sync err=\"x\\ny\"\n"
	if b.String() != want {
		t.Errorf("journal:\n%s", b.String())
	}

	b.Reset()
	log = newLogger(&b, LogConfig{Level: slog.LevelWarn, Format: logJSON}, nil)
	log.InfoContext(t.Context(), "not important")
	log.ErrorContext(withRequest(t.Context(), "abc"), "important")
	var line map[string]any
	if err := json.Unmarshal([]byte(b.String()), &line); err != nil || line["msg"] != "important" || line["request"] != "abc" {
		t.Errorf("JSON: %s %v", b.String(), err)
	}
}

func TestLogFindsTheJournal(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	stream := fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	if !isJournal(f, stream) || isJournal(f, "1:2") || isJournal(f, "") || isJournal(&strings.Builder{}, stream) {
		t.Error("the journal's stream is not told from others")
	}
}
