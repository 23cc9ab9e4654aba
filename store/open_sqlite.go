package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The driver is a translation of SQLite against one exact libc; another libc has lost data before
// (modernc.org/sqlite issue 177).
const (
	testedDriver = "v1.60.1"
	testedLibc   = "v1.77.1"
)

// checkDriverPair fails when the program was linked with another driver or libc than the tested pair.
func checkDriverPair() error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, m := range info.Deps {
		v := m.Version
		if m.Replace != nil {
			v = m.Replace.Version
		}
		want := map[string]string{"modernc.org/sqlite": testedDriver, "modernc.org/libc": testedLibc}[m.Path]
		if want != "" && v != want {
			return fmt.Errorf("open store: %s %s is linked, but only %s is tested", m.Path, v, want)
		}
	}
	return nil
}

// driverSettings switches on, once in a process and before the first open: locks that belong to the
// open file, so that another open and close of it does not drop them (issue 255), and strict pragmas.
var driverSettings = sync.OnceFunc(func() {
	sqlite.OFDLocking(runtime.GOOS == "linux")
	sqlite.StrictPragmas(true)
})

func openFile(path string) (file, error) {
	driverSettings()
	writing, err := newConnector(dsn(path, false))
	if err != nil {
		return file{}, err
	}
	reading, err := newConnector(dsn(path, true))
	if err != nil {
		return file{}, err
	}
	writer, reader := sql.OpenDB(writing), sql.OpenDB(reading)
	writer.SetMaxOpenConns(1)
	writer.SetMaxIdleConns(1)
	writer.SetConnMaxIdleTime(0)
	n := max(4, runtime.NumCPU())
	reader.SetMaxOpenConns(n)
	reader.SetMaxIdleConns(n)
	f := file{writer: writer, reader: reader}
	if err := writer.Ping(); err != nil { // the writer sets WAL before any reader opens
		return file{}, errors.Join(err, writer.Close(), reader.Close())
	}
	return f, nil
}

// dsn builds the driver's address. Only readers map the file into memory: there an I/O error is a
// signal, which a writer must never get.
func dsn(path string, readOnly bool) string {
	v := url.Values{}
	pragma := func(s string) { v.Add("_pragma", s) }
	pragma("busy_timeout(5000)")
	pragma("foreign_keys(1)")
	pragma("temp_store(2)")
	if readOnly {
		pragma("mmap_size(268435456)")
		pragma("cache_size(-2000)")
		pragma("query_only(1)")
	} else {
		pragma("journal_mode(WAL)")
		pragma("synchronous(FULL)")
		pragma("secure_delete(1)") // what is forgotten is overwritten
		pragma("journal_size_limit(67108864)")
		pragma("cache_size(-8000)")
		v.Set("_txlock", "immediate")
	}
	v.Set("_dqs", "0")
	return address(path, v)
}

// address is how the driver is told of a file and its settings.
func address(path string, v url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: v.Encode()}).String()
}

// Trim moves the write-ahead logs into the files and empties them. With secure_delete, what was
// deleted before is then in no file. It waits for no reader longer than the busy timeout.
func (s *Store) Trim(ctx context.Context) error {
	for _, f := range []file{s.main, s.readings} {
		var busy, pages, moved int
		err := f.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		if busy != 0 {
			return fmt.Errorf("checkpoint: %w", ErrBusy)
		}
	}
	return nil
}

// Optimize lets SQLite refresh its statistics; run it daily.
func (s *Store) Optimize(ctx context.Context) error {
	for _, f := range []file{s.main, s.readings} {
		if _, err := f.writer.ExecContext(ctx, "PRAGMA optimize"); err != nil {
			return fmt.Errorf("optimize: %w", err)
		}
	}
	return nil
}

// Integrity checks both files and all references. It returns what is wrong, nothing when all is well.
func (s *Store) Integrity(ctx context.Context) ([]string, error) {
	var wrong []string
	for _, f := range []file{s.main, s.readings} {
		rows, err := f.reader.QueryContext(ctx, "PRAGMA integrity_check")
		if err != nil {
			return nil, fmt.Errorf("check integrity: %w", err)
		}
		lines, err := collect(rows, value[string])
		if err != nil {
			return nil, fmt.Errorf("check integrity: %w", err)
		}
		for _, l := range lines {
			if l != "ok" {
				wrong = append(wrong, l)
			}
		}
		rows, err = f.reader.QueryContext(ctx, `SELECT "table" || ' -> ' || "parent" FROM pragma_foreign_key_check`)
		if err != nil {
			return nil, fmt.Errorf("check references: %w", err)
		}
		lines, err = collect(rows, value[string])
		if err != nil {
			return nil, fmt.Errorf("check references: %w", err)
		}
		wrong = append(wrong, lines...)
	}
	return wrong, nil
}

// backuper is what the driver's connection offers for online backup.
type backuper interface {
	NewBackup(dst string) (*sqlite.Backup, error)
}

// copyFile copies a database into a new file and waits until the copy would outlive a power failure: SQLite's
// online backup in one step, as many small ones start again with each foreign write.
func copyFile(ctx context.Context, from *sql.DB, to string) error {
	if err := touch(to); err != nil {
		return err
	}
	v := url.Values{"_pragma": {"journal_mode(OFF)"}} // a copy that fails is no use: nothing is rolled back
	conn, err := from.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		b, ok := c.(backuper)
		if !ok {
			return errors.New("the driver has no online backup")
		}
		run, err := b.NewBackup(address(to, v))
		if err != nil {
			return err
		}
		for {
			more, err := run.Step(-1)
			if err != nil && !isBusy(err) || ctx.Err() != nil {
				return errors.Join(err, ctx.Err(), run.Finish())
			}
			if err == nil && !more {
				return run.Finish()
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
}

func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// translate turns the driver's errors into the store's.
func translate(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case strings.Contains(e.Error(), "lintel: booking overlaps"):
		return fmt.Errorf("%w: %w", ErrOverlap, err)
	case e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", ErrDuplicate, err)
	case e.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", ErrReference, err)
	case e.Code()&0xff == sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Columns lists every column of every table of both files as "file table.column". The migrator's own
// table is left out.
func (s *Store) Columns(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	for name, f := range map[string]file{MainFile: s.main, ReadingsFile: s.readings} {
		rows, err := f.reader.QueryContext(ctx, `SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c
			WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'goose_db_version'`)
		if err != nil {
			return nil, fmt.Errorf("list columns: %w", err)
		}
		cols, err := collect(rows, value[string])
		if err != nil {
			return nil, fmt.Errorf("list columns: %w", err)
		}
		for _, c := range cols {
			out[name+" "+c] = true
		}
	}
	return out, nil
}
