package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
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
	left, err := filepath.Glob(filepath.Join(s.Dir(), "backup-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
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
		"changed": changed, "more": append(good[:len(good)-1024:len(good)-1024], archive(t, "x/y", "z")...),
		"path out":      archive(t, "manifest.json", `{"format":1,"files":[{"name":"../../etc/x","size":1},{"name":"lintel.db"},{"name":"readings.db"}]}`),
		"absolute path": archive(t, "manifest.json", `{"format":1,"files":[{"name":"/etc/x","size":1},{"name":"lintel.db"},{"name":"readings.db"}]}`),
		"newer format":  archive(t, "manifest.json", `{"format":99,"files":[]}`),
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

func archive(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
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
