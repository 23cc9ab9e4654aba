// Package store is the database and the only place with SQL: two SQLite files (the house and the
// sensor readings), each with one writer and a pool of readers. Instants are INTEGER Unix seconds in
// UTC on disk and time.Time outside. What only SQLite can do stands in files named *_sqlite.go.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lintel/app/secret"
)

// Names of the two database files in the data folder.
const (
	MainFile     = "lintel.db"
	ReadingsFile = "readings.db"
)

// Options are what Open needs besides the folder.
type Options struct {
	Box *secret.Box      // seals secret columns; required
	Now func() time.Time // the clock; required
}

// Store is the open database. Its methods are safe for concurrent use.
type Store struct {
	dir      string
	box      *secret.Box
	now      func() time.Time
	main     file
	readings file
}

// file is one database file: every write goes through one connection, reads through a pool that
// can't write.
type file struct{ writer, reader *sql.DB }

// Open opens (and makes, and migrates) both files in dir. It refuses a schema that is newer than
// this program (ErrNewerSchema) and never changes one then. The caller holds the folder's lock and
// calls Close.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if o.Box == nil || o.Now == nil {
		return nil, errors.New("open store: box and clock are required")
	}
	if err := checkDriverPair(); err != nil {
		return nil, err
	}
	s := &Store{dir: dir, box: o.Box, now: o.Now}
	for _, f := range []struct {
		name string
		to   *file
		sub  string
	}{{MainFile, &s.main, "migrations/main"}, {ReadingsFile, &s.readings, "migrations/readings"}} {
		path := filepath.Join(dir, f.name)
		if err := touch(path); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		opened, err := openFile(path)
		if err == nil {
			*f.to = opened
			err = migrate(ctx, opened.writer, path, f.sub)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", f.name, err), s.Close())
		}
	}
	return s, nil
}

// touch makes the file with mode 0600 before SQLite would make it with the process's umask.
func touch(path string) error {
	_, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make database file: %w", err)
	}
	return f.Close()
}

// Close ends all transactions and closes both files; a last checkpoint empties the write-ahead logs.
func (s *Store) Close() error {
	var errs []error
	for _, f := range []file{s.main, s.readings} {
		if f.reader != nil {
			errs = append(errs, f.reader.Close())
		}
		if f.writer != nil {
			_, _ = f.writer.Exec("PRAGMA wal_checkpoint(TRUNCATE)") // best effort: Close checkpoints too
			errs = append(errs, f.writer.Close())
		}
	}
	return errors.Join(errs...)
}

// Dir returns the data folder.
func (s *Store) Dir() string { return s.dir }

// Ping reports whether both files answer a read.
func (s *Store) Ping(ctx context.Context) error {
	for _, f := range []file{s.main, s.readings} {
		var one int
		if err := f.reader.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
			return fmt.Errorf("ping database: %w", err)
		}
	}
	return nil
}
