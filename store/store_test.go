package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/store"
	"lintel/store/storetest"
)

func now() time.Time { return time.Unix(1_795_000_000, 0) }

// Every column of every table of both files is classified, and nothing is classified that does not exist.
func TestRegistryCoversTheSchema(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	live, err := s.Columns(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, table := range store.Registry() {
		if table.Keep == "" {
			t.Errorf("%s has no rule of retention", table.Name)
		}
		for c, class := range table.Columns {
			if class < store.Plain || class > store.Secret {
				t.Errorf("%s.%s has no class", table.Name, c)
			}
			known[table.File+" "+table.Name+"."+c] = true
		}
	}
	if diff := cmp.Diff(live, known); diff != "" {
		t.Errorf("schema (-) and registry (+) differ:\n%s", diff)
	}
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(context.Background(), dir, store.Options{Box: storetest.Box(t), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

func TestNewerSchemaIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	o := store.Options{Box: storetest.Box(t), Now: now}
	s, err := store.Open(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PretendSchema(context.Background(), 9999); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, store.MainFile))
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(context.Background(), dir, o)
	if !errors.Is(err, store.ErrNewerSchema) || !strings.Contains(err.Error(), "9999") {
		t.Fatalf("opening a newer schema: %v", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, store.MainFile))
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(before, after) {
		t.Error("the refused file was changed")
	}
}

func TestViewCannotWrite(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	err := s.View(context.Background(), func(tx *store.Tx) error {
		return tx.Audit(store.AuditEntry{ActorKind: "job", Actor: "x", Action: "x", ObjectKind: "x", ObjectID: "x"})
	})
	if err == nil {
		t.Fatal("a read transaction wrote")
	}
}

func TestFailedUpdateLeavesNothing(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	boom := errors.New("boom")
	entry := store.AuditEntry{ActorKind: "job", Actor: "x", Action: "x", ObjectKind: "x", ObjectID: "x"}
	if err := s.Update(context.Background(), func(tx *store.Tx) error {
		return errors.Join(tx.Audit(entry), boom)
	}); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(context.Background(), func(tx *store.Tx) error {
			_ = tx.Audit(entry)
			panic("in the middle")
		})
	}()
	if err := s.View(context.Background(), func(tx *store.Tx) error {
		log, err := tx.AuditLog(0, 10)
		if len(log) != 0 {
			t.Errorf("the log holds %v", log)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A snapshot is what stood when it began, whatever is written and moved into the file while it is read.
func TestSnapshotStaysAsItWas(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	ctx := context.Background()
	write := func(action string) {
		update(t, s, func(tx *store.Tx) error {
			return tx.Audit(store.AuditEntry{ActorKind: "job", Actor: "x", Action: action, ObjectKind: "x", ObjectID: strings.Repeat("x", 20_000)})
		})
	}
	write("before")
	dir := t.TempDir()
	for _, name := range []string{store.MainFile, store.ReadingsFile} {
		if err := s.Snapshot(ctx, name, func(r io.Reader, size, schema int64) error {
			for range 300 { // more than SQLite moves by itself
				write("after")
			}
			if err := s.Exec(ctx, "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
				return err
			}
			content, err := io.ReadAll(r)
			if int64(len(content)) != size || schema < 1 {
				t.Errorf("%s: %d bytes of %d, schema %d", name, len(content), size, schema)
			}
			return errors.Join(err, os.WriteFile(filepath.Join(dir, name), content, 0o600))
		}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := store.Open(ctx, dir, store.Options{Box: storetest.Box(t), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if wrong, err := c.Integrity(ctx); err != nil || len(wrong) > 0 {
		t.Errorf("integrity of the copy: %v, %v", wrong, err)
	}
	look(t, c, func(tx *store.Tx) error {
		log, err := tx.AuditLog(0, 10)
		if len(log) != 1 || log[0].Action != "before" {
			t.Errorf("the copy holds %d lines", len(log))
		}
		return err
	})
}

// Who reads on after the snapshot was let go is told that it is worth nothing.
func TestSnapshotThatWasLetGo(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	ctx, cancel := context.WithCancel(context.Background())
	err := s.Snapshot(ctx, store.MainFile, func(r io.Reader, _, _ int64) error {
		cancel()
		_, err := io.Copy(io.Discard, r)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A database that is damaged is not handed on as if it were well.
func TestSnapshotOfADamagedFile(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	ctx := context.Background()
	for range 50 {
		update(t, s, func(tx *store.Tx) error {
			return tx.Audit(store.AuditEntry{ActorKind: "job", Actor: "x", Action: "x", ObjectKind: "x", ObjectID: strings.Repeat("x", 3000)})
		})
	}
	if err := s.Trim(ctx); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(s.Dir(), store.MainFile), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	noise := bytes.Repeat([]byte("damaged "), 512)
	for at := info.Size() - 20*4096; at < info.Size(); at += 4096 {
		if _, err := f.WriteAt(noise, at); err != nil {
			t.Fatal(err)
		}
	}
	err = s.Snapshot(ctx, store.MainFile, func(r io.Reader, _, _ int64) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "check integrity") {
		t.Error(err)
	}
}
