// Package backup saves everything that the program stores to one file while it runs, and brings it back.
//
// A backup is a tar archive: manifest.json first, then both databases, then the keys and certificates that lie
// in the data folder, and sums.json last, so that everything is read once. A master key that lies elsewhere is
// not in it. What the archive holds is as confidential as the data folder.
package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lintel/store"
)

// Format is the version of the archive's layout.
const Format = 2

// Limits against an archive that is not ours or was changed.
const (
	maxManifest = 1 << 20
	maxFiles    = 10_000
	maxSums     = 4 << 20
	maxSide     = 16 << 20 // of a file that is no database
)

const (
	manifestName = "manifest.json"
	sumsName     = "sums.json"
)

// Manifest describes an archive.
type Manifest struct {
	Format    int       `json:"format"`
	CreatedAt time.Time `json:"created_at"`
	Version   string    `json:"version"` // of the program that made it
	Schema    int       `json:"schema"`  // of the house's database
	Files     []File    `json:"-"`       // without the manifest; in sums.json, after it
}

// File is one file of an archive, by its path in the data folder.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Source is what Create saves.
type Source struct {
	Store   *store.Store
	Now     func() time.Time
	Version string
	Folders []string // folders of the data folder that are saved with it, such as keys; missing ones are left out
}

// Create writes a consistent copy of everything to w. Others read and write meanwhile. What w holds after an
// error is no backup.
func Create(ctx context.Context, src Source, w io.Writer) (Manifest, error) {
	a := &archive{tar: tar.NewWriter(w), m: Manifest{Format: Format, CreatedAt: src.Now().UTC().Truncate(time.Second), Version: src.Version}}
	side, err := sideFiles(src.Store.Dir(), src.Folders)
	if err != nil {
		return a.m, fmt.Errorf("make a backup: %w", err)
	}
	if err := src.Store.Snapshot(ctx, store.MainFile, func(r io.Reader, size, schema int64) error {
		a.m.Schema = int(schema)
		if err := a.addJSON(manifestName, a.m); err != nil {
			return err
		}
		return a.add(ctx, store.MainFile, r, size)
	}); err != nil {
		return a.m, fmt.Errorf("make a backup: %w", err)
	}
	if err := src.Store.Snapshot(ctx, store.ReadingsFile, func(r io.Reader, size, _ int64) error {
		return a.add(ctx, store.ReadingsFile, r, size)
	}); err != nil {
		return a.m, fmt.Errorf("make a backup: %w", err)
	}
	for _, name := range side {
		if err := a.addSide(ctx, src.Store.Dir(), name); err != nil {
			return a.m, fmt.Errorf("make a backup: %w", err)
		}
	}
	sums := a.sums
	a.m.Files = sums[1:]
	if err := errors.Join(a.addJSON(sumsName, sums), a.tar.Close()); err != nil {
		return a.m, fmt.Errorf("make a backup: %w", err)
	}
	return a.m, nil
}

// sideFiles lists the regular files below the folders, by path in the data folder.
func sideFiles(dir string, folders []string) ([]string, error) {
	var names []string
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(rel))
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return names, nil
}

// ErrNotOurs is the cause when the file is no backup of Lintel, or was damaged.
var ErrNotOurs = errors.New("this is no whole backup of Lintel")

// Restore puts a backup into dir, a locked data folder without databases. Everything is unpacked and checked
// beside its place first: after an error the folder is as it was. The program runs retention before it
// serves, so that what should be forgotten by now does not come back.
func Restore(ctx context.Context, dir string, r io.Reader) (m Manifest, err error) {
	work, err := os.MkdirTemp(dir, "restore-")
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	in := &opened{tar: tar.NewReader(r)}
	if m, err = in.readManifest(); err != nil {
		return m, err
	}
	for {
		more, err := in.unpackNext(ctx, work)
		if err != nil {
			return m, err
		}
		if !more {
			break
		}
	}
	m.Files = in.found[1:]
	for _, name := range []string{store.MainFile, store.ReadingsFile} {
		if _, err := store.CheckFile(ctx, filepath.Join(work, name)); err != nil {
			return m, fmt.Errorf("check %s of the backup: %w", name, err)
		}
	}
	// The databases come last: a folder counts as filled once they are there.
	for i := len(m.Files) - 1; i >= 0; i-- {
		to := filepath.Join(dir, filepath.FromSlash(m.Files[i].Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return m, fmt.Errorf("restore: %w", err)
		}
		if err := os.Rename(filepath.Join(work, filepath.FromSlash(m.Files[i].Name)), to); err != nil {
			return m, fmt.Errorf("restore: %w", err)
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	return m, errors.Join(d.Sync(), d.Close())
}
