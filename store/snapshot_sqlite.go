package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// snapshotLimit ends a snapshot that nobody reads on: as long as it lasts, the write-ahead log can only grow.
const snapshotLimit = time.Hour

// Snapshot hands use the bytes of a database file (MainFile or ReadingsFile) as they stand at one moment, while
// others read and write. size is how many r yields, schema is their version. Nothing is copied: use reads the
// file itself, and meanwhile its integrity is checked. When Snapshot fails, what use has read is worth nothing.
func (s *Store) Snapshot(ctx context.Context, name string, use func(r io.Reader, size, schema int64) error) (err error) {
	files := map[string]file{MainFile: s.main, ReadingsFile: s.readings}
	ctx, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	conn, err := files[name].reader.Conn(ctx)
	if err != nil {
		return fmt.Errorf("snapshot of %s: %w", name, err)
	}
	defer conn.Close()
	tx, err := freeze(ctx, files[name].writer, conn)
	if err != nil {
		return fmt.Errorf("snapshot of %s: %w", name, translate(err))
	}
	defer func() {
		// It fails when the time ran out and the file was let go meanwhile.
		if ended := tx.Commit(); err == nil && ended != nil {
			err = fmt.Errorf("snapshot of %s: %w", name, errors.Join(ended, ctx.Err()))
		}
	}()
	var schema, size int64
	if err := tx.QueryRowContext(ctx, `SELECT (SELECT max(version_id) FROM goose_db_version), page_count * page_size
		FROM pragma_page_count, pragma_page_size`).Scan(&schema, &size); err != nil {
		return fmt.Errorf("snapshot of %s: %w", name, err)
	}
	f, err := os.Open(filepath.Join(s.dir, name))
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	defer f.Close() // the driver's locks belong to its own opening of the file
	var unsound error
	var check sync.WaitGroup
	check.Go(func() { unsound = intact(ctx, tx) })
	err = use(io.LimitReader(f, size), size, schema)
	if err != nil {
		cancel() // the check is of no use any more, and what it says then neither
	}
	check.Wait()
	if err != nil {
		return err
	}
	return unsound
}

// freeze returns a read transaction that keeps the database's file as it is. A checkpoint moves no page of the
// write-ahead log that is newer than the oldest reader; so once everything has been moved, and before
// anybody writes again, a reader begins, and none is moved until it ends.
func freeze(ctx context.Context, writer *sql.DB, reader *sql.Conn) (*sql.Tx, error) {
	if _, err := moveLog(ctx, reader); err != nil { // most of it while others write
		return nil, err
	}
	for {
		tx, err := tryFreeze(ctx, writer, reader)
		if err != nil || tx != nil {
			return tx, err
		}
		select { // for an older reader
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tryFreeze returns nil when an older reader is in the way.
func tryFreeze(ctx context.Context, writer *sql.DB, reader *sql.Conn) (*sql.Tx, error) {
	hold, err := writer.Conn(ctx) // the only one: nobody writes
	if err != nil {
		return nil, err
	}
	defer hold.Close()
	all, err := moveLog(ctx, hold)
	if err != nil || !all {
		return nil, err
	}
	tx, err := reader.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n); err != nil { // it begins with the first read
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// moveLog moves what it can of the write-ahead log into the file, waiting for nobody, and reports whether that was all.
func moveLog(ctx context.Context, c *sql.Conn) (all bool, err error) {
	var busy, pages, moved int
	if err := c.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &moved); err != nil {
		return false, err
	}
	return busy == 0 && pages == moved, nil
}

// querier is *sql.Tx or *sql.DB.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// intact checks the integrity of a database.
func intact(ctx context.Context, db querier) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check integrity: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("check integrity: %s", verdict)
	}
	return nil
}
