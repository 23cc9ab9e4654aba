package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

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
	// The newest known version comes from the sources: the provider's own "target" looks at both.
	var newest int64
	for _, src := range p.ListSources() {
		newest = max(newest, src.Version)
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
