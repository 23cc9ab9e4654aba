package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// migrate brings one file to the newest schema. Each migration is one transaction. Before an existing
// file is changed, a copy is made beside it and kept until the migration has succeeded.
func migrate(ctx context.Context, db *sql.DB, path, sub string) error {
	dir, err := fs.Sub(migrations, sub)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	newest, err := newestMigration(sub)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	switch {
	case current > newest:
		return fmt.Errorf("%w: schema %d, this program knows %d; install the newer version again, or restore a backup", ErrNewerSchema, current, newest)
	case current == newest:
		return nil
	}
	keep := fmt.Sprintf("%s.before-%d", path, newest)
	if current > 0 {
		if err := os.Remove(keep); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an older copy: %w", err)
		}
		if err := copyFile(ctx, db, keep); err != nil {
			return fmt.Errorf("copy before migration: %w", err)
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate from schema %d to %d (a copy from before is kept as %s): %w", current, newest, keep, err)
	}
	if current > 0 {
		return os.Remove(keep)
	}
	return nil
}

// CheckFile checks a database file that nobody has open, such as a backup's: that it is whole and not newer
// than this program. It returns the file's schema version and changes nothing.
func CheckFile(ctx context.Context, path string) (schema int64, err error) {
	f, err := openFile(path)
	if err != nil {
		return 0, fmt.Errorf("open database: %w", err)
	}
	defer func() { err = errors.Join(err, f.reader.Close(), f.writer.Close()) }()
	if err := intact(ctx, f.reader); err != nil {
		return 0, err
	}
	if err := f.reader.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&schema); err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	sub := "migrations/main"
	if filepath.Base(path) == ReadingsFile {
		sub = "migrations/readings"
	}
	known, err := newestMigration(sub)
	if err == nil && schema > known {
		err = fmt.Errorf("%w: schema %d, this program knows %d", ErrNewerSchema, schema, known)
	}
	return schema, err
}

// newestMigration returns the newest schema version that this program knows for a file.
func newestMigration(sub string) (int64, error) {
	entries, err := migrations.ReadDir(sub)
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, e := range entries {
		v, err := goose.NumericComponent(e.Name())
		if err != nil {
			return 0, err
		}
		newest = max(newest, v)
	}
	return newest, nil
}
