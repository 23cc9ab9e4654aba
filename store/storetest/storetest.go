// Package storetest opens a fresh, migrated database on a real file for a test.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/store"
)

// Key is the master key of test databases.
var key = make([]byte, secret.KeySize)

// Box returns the box of test databases.
func Box(tb testing.TB) *secret.Box {
	tb.Helper()
	b, err := secret.NewBox(key)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// template holds the bytes of empty migrated files, made once a process: migrating takes longer than
// most tests.
var template = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "lintel-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	box, err := secret.NewBox(key)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(context.Background(), dir, store.Options{Box: box, Now: time.Now})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range []string{store.MainFile, store.ReadingsFile} {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return files, nil
})

// Open returns a store in a folder of its own, closed when the test ends.
func Open(tb testing.TB, now func() time.Time) *store.Store {
	tb.Helper()
	dir := Dir(tb)
	s, err := store.Open(context.Background(), dir, store.Options{Box: Box(tb), Now: now})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close store: %v", err)
		}
	})
	return s
}

// Dir returns a folder with an empty migrated database, for tests that open it themselves.
func Dir(tb testing.TB) string {
	tb.Helper()
	files, err := template()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}
