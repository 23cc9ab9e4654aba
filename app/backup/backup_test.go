package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/backup"
	"lintel/store"
	"lintel/store/storetest"
)

func now() time.Time { return time.Unix(1_795_000_000, 0) }

func entry(n int) store.AuditEntry {
	return store.AuditEntry{ActorKind: "job", Actor: "load", Action: "test.write", ObjectKind: "n", ObjectID: string(rune('a' + n%26))}
}

// A backup made under load holds a consistent state; restored elsewhere everything is as it was.
func TestCreateUnderLoadAndRestore(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	for _, f := range []string{"keys/master.key", "tls/ca/root.pem"} {
		path := filepath.Join(s.Dir(), f)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+f), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	var load sync.WaitGroup
	begun := make(chan struct{})
	load.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			// Two lines a transaction: a consistent copy holds an even number.
			err := s.Update(ctx, func(tx *store.Tx) error {
				return errors.Join(tx.Audit(entry(n)), tx.Audit(entry(n)))
			})
			if n == 0 {
				if err != nil {
					t.Error(err)
				}
				close(begun)
			}
		}
	})
	<-begun
	var out bytes.Buffer
	m, err := backup.Create(context.Background(), backup.Source{Store: s, Now: now, Version: "test", Folders: []string{"keys", "tls", "none"}}, &out)
	stop()
	load.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 4 || m.Schema < 1 || m.Version != "test" {
		t.Errorf("manifest: %+v", m)
	}

	dir := t.TempDir()
	if _, err := backup.Restore(context.Background(), dir, bytes.NewReader(out.Bytes())); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "keys/master.key"))
	if err != nil || string(key) != "content of keys/master.key" {
		t.Errorf("key: %q, %v", key, err)
	}
	r, err := store.Open(context.Background(), dir, store.Options{Box: storetest.Box(t), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.View(context.Background(), func(tx *store.Tx) error {
		log, err := tx.AuditLog(0, 1_000_000)
		if len(log) == 0 || len(log)%2 != 0 {
			t.Errorf("the copy holds %d lines", len(log))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestRestoreRefusesWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	var out bytes.Buffer
	if _, err := backup.Create(context.Background(), backup.Source{Store: s, Now: now, Version: "test"}, &out); err != nil {
		t.Fatal(err)
	}
	good := out.Bytes()
	changed := bytes.Clone(good)
	changed[len(changed)/2] ^= 0xff
	for name, b := range map[string][]byte{
		"nothing": nil, "no archive": []byte(strings.Repeat("not a backup ", 999)), "cut": good[:len(good)/2],
		"cut before its sums": good[:bytes.LastIndex(good, []byte("sums.json"))],
		"changed manifest":    bytes.Replace(good, []byte(`"version": "test"`), []byte(`"version": "tesT"`), 1),
		"changed sum":         bytes.Replace(good, []byte(`"sha256": "`), []byte(`"sha256": "0`), 1),
		"exchanged":           exchanged(t, good),
		"changed":             changed, "more": append(good[:len(good)-1024:len(good)-1024], packed(t, entries{{"x/y", "z"}})...),
		"path out":      packed(t, entries{{"manifest.json", `{"format":2}`}, {"../../etc/x", "x"}}),
		"absolute path": packed(t, entries{{"manifest.json", `{"format":2}`}, {"/etc/x", "x"}}),
		"no database":   packed(t, entries{{"manifest.json", `{"format":2}`}, {"sums.json", `[{"name":"manifest.json","size":12,"sha256":"` + sumOf(`{"format":2}`) + `"}]`}}),
		"no sums":       packed(t, entries{{"manifest.json", `{"format":2}`}, {"lintel.db", ""}, {"readings.db", ""}}),
		"twice":         packed(t, entries{{"manifest.json", `{"format":2}`}, {"keys/k", ""}, {"keys/k", ""}}),
		"older format":  packed(t, entries{{"manifest.json", `{"format":1,"files":[]}`}}),
		"newer format":  packed(t, entries{{"manifest.json", `{"format":99}`}}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if _, err := backup.Restore(context.Background(), dir, bytes.NewReader(b)); err == nil {
				t.Fatal("accepted")
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

// entries are names and contents.
type entries [][2]string

func packed(t *testing.T, all entries) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range all {
		if err := w.WriteHeader(&tar.Header{Name: e[0], Size: int64(len(e[1])), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpacked(t *testing.T, b []byte) entries {
	t.Helper()
	var all entries
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, [2]string{h.Name, string(content)})
	}
}

// exchanged is a backup in which the databases have each other's content.
func exchanged(t *testing.T, good []byte) []byte {
	t.Helper()
	all := unpacked(t, good)
	all[1][1], all[2][1] = all[2][1], all[1][1]
	return packed(t, all)
}

func sumOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Packed again byte by byte it is still whole: what refuses the others is what was done to them.
func TestRestoreOfTheSameFiles(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	var out bytes.Buffer
	if _, err := backup.Create(context.Background(), backup.Source{Store: s, Now: now, Version: "test"}, &out); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(context.Background(), t.TempDir(), bytes.NewReader(packed(t, unpacked(t, out.Bytes())))); err != nil {
		t.Error(err)
	}
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte("manifest.json"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if _, err := backup.Restore(context.Background(), dir, bytes.NewReader(b)); err == nil {
			t.Fatal("accepted")
		}
	})
}
