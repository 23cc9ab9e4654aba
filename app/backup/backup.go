// Package backup saves everything that the program stores to one file while it runs, and brings it back.
//
// A backup is a tar archive: manifest.json first, then both databases, then the keys and certificates that lie
// in the data folder. A master key that lies elsewhere is not in it. What the archive holds is as
// confidential as the data folder.
package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lintel/store"
)

// Format is the version of the archive's layout.
const Format = 1

// Limits against an archive that is not ours or was changed.
const (
	maxManifest = 1 << 20
	maxFiles    = 10_000
	maxSide     = 16 << 20 // of a file that is no database
)

const manifestName = "manifest.json"

// Manifest describes an archive.
type Manifest struct {
	Format    int       `json:"format"`
	CreatedAt time.Time `json:"created_at"`
	Version   string    `json:"version"` // of the program that made it
	Schema    int       `json:"schema"`  // of the house's database
	Files     []File    `json:"files"`
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

// Create writes a consistent copy of everything to w. Others read and write meanwhile. It needs as much room in
// the data folder as the databases take, for a moment.
func Create(ctx context.Context, src Source, w io.Writer) (m Manifest, err error) {
	dir := src.Store.Dir()
	work, err := os.MkdirTemp(dir, "backup-") // 0700
	if err != nil {
		return m, fmt.Errorf("make a backup: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	m = Manifest{Format: Format, CreatedAt: src.Now().UTC().Truncate(time.Second), Version: src.Version}
	if err := src.Store.CopyTo(ctx, work); err != nil {
		return m, fmt.Errorf("make a backup: %w", err)
	}
	from := map[string]string{} // name in the archive -> path
	names := []string{store.MainFile, store.ReadingsFile}
	for _, name := range names {
		from[name] = filepath.Join(work, name)
	}
	side, err := sideFiles(dir, src.Folders)
	if err != nil {
		return m, fmt.Errorf("make a backup: %w", err)
	}
	for _, name := range side {
		from[name] = filepath.Join(dir, filepath.FromSlash(name))
		names = append(names, name)
	}
	if err := inspect(ctx, &m, names, from); err != nil {
		return m, err
	}
	if err := write(ctx, w, m, from); err != nil {
		return m, fmt.Errorf("write the backup: %w", err)
	}
	return m, nil
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

// inspect checks the copy of the house's database and, meanwhile, adds size and hash of every file to m.
func inspect(ctx context.Context, m *Manifest, names []string, from map[string]string) error {
	var check sync.WaitGroup
	var schema int64
	var unsound error
	check.Go(func() {
		if schema, unsound = store.CheckFile(ctx, from[store.MainFile]); unsound == nil {
			_, unsound = store.CheckFile(ctx, from[store.ReadingsFile])
		}
	})
	var err error
	for _, name := range names {
		var f File
		if f, err = describe(name, from[name]); err != nil {
			break
		}
		m.Files = append(m.Files, f)
	}
	check.Wait()
	m.Schema = int(schema)
	switch {
	case unsound != nil:
		return fmt.Errorf("check the copy: %w", unsound)
	case err != nil:
		return fmt.Errorf("make a backup: %w", err)
	}
	return nil
}

func describe(name, path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return File{Name: name, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

func write(ctx context.Context, w io.Writer, m Manifest, from map[string]string) error {
	t := tar.NewWriter(w)
	head, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := t.WriteHeader(header(manifestName, int64(len(head)), m.CreatedAt)); err != nil {
		return err
	}
	if _, err := t.Write(head); err != nil {
		return err
	}
	for _, file := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.WriteHeader(header(file.Name, file.Size, m.CreatedAt)); err != nil {
			return err
		}
		f, err := os.Open(from[file.Name])
		if err != nil {
			return err
		}
		_, err = io.Copy(t, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", file.Name, err)
		}
	}
	return t.Close()
}

func header(name string, size int64, at time.Time) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX}
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
	t := tar.NewReader(r)
	if m, err = readManifest(t); err != nil {
		return m, err
	}
	for _, want := range m.Files {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		if err := unpack(t, want, work); err != nil {
			return m, err
		}
	}
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("%w: it holds more than its manifest says", ErrNotOurs)
	}
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

func readManifest(t *tar.Reader) (Manifest, error) {
	var m Manifest
	h, err := t.Next()
	if err != nil || h.Name != manifestName || h.Size > maxManifest {
		return m, fmt.Errorf("%w: it does not begin with a manifest", ErrNotOurs)
	}
	content, err := io.ReadAll(io.LimitReader(t, maxManifest))
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	dec := json.NewDecoder(bytes.NewReader(content))
	if err := dec.Decode(&m); err != nil {
		return m, fmt.Errorf("%w: its manifest can't be read: %w", ErrNotOurs, err)
	}
	if m.Format != Format {
		return m, fmt.Errorf("restore: the backup has format %d, this program reads %d; use the program that made it (%s)", m.Format, Format, m.Version)
	}
	if len(m.Files) > maxFiles {
		return m, fmt.Errorf("%w: it names %d files", ErrNotOurs, len(m.Files))
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		database := f.Name == store.MainFile || f.Name == store.ReadingsFile
		nested := strings.Contains(f.Name, "/") && filepath.IsLocal(f.Name) && !strings.Contains(f.Name, `\`) && f.Name == filepath.ToSlash(filepath.Clean(f.Name))
		if seen[f.Name] || !database && !nested || !database && f.Size > maxSide || f.Size < 0 {
			return m, fmt.Errorf("%w: its manifest names a file that does not belong in it", ErrNotOurs)
		}
		seen[f.Name] = true
	}
	if !seen[store.MainFile] || !seen[store.ReadingsFile] {
		return m, fmt.Errorf("%w: a database is missing in it", ErrNotOurs)
	}
	return m, nil
}

// unpack writes the next file of the archive below dir and compares it with what the manifest says.
func unpack(t *tar.Reader, want File, dir string) (err error) {
	h, err := t.Next()
	if err != nil {
		return fmt.Errorf("%w: it ends before %s: %w", ErrNotOurs, want.Name, err)
	}
	if h.Name != want.Name || h.Size != want.Size || h.Typeflag != tar.TypeReg {
		return fmt.Errorf("%w: %s is not as its manifest says", ErrNotOurs, want.Name)
	}
	path := filepath.Join(dir, filepath.FromSlash(want.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), t)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: it is cut off: %w", ErrNotOurs, err)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("restore %s: %w", want.Name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return fmt.Errorf("%w: %s was changed", ErrNotOurs, want.Name)
	}
	return nil
}
