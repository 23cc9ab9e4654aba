package app

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLocalZone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := func(zone string) string {
		t.Helper()
		file := filepath.Join(dir, "zoneinfo", filepath.FromSlash(zone))
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, filepath.Base(zone))
		if err := os.Symlink(file, name); err != nil {
			t.Fatal(err)
		}
		return name
	}
	zurich, utc, unknown := link("Europe/Zurich"), link("Etc/UTC"), link("Middle/Earth")
	own := filepath.Join(dir, "own")
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, tz, localtime, want string }{
		{"the link", "", zurich, "Europe/Zurich"},
		{"the variable goes first", "America/Santiago", zurich, "America/Santiago"},
		{"as a path", ":/usr/share/zoneinfo/Asia/Beirut", zurich, "Asia/Beirut"},
		{"UTC by its long name", "", utc, "UTC"},
		{"no link", "", filepath.Join(dir, "none"), "UTC"},
		{"a zone that we do not know", "", unknown, ""},
		{"a rule", "CET-1CEST", zurich, ""},
		{"a file of its own", "", own, ""},
	} {
		if got := localZone(c.tz, c.localtime); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
