package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lintel/store"
)

// opened is a backup that is being read.
type opened struct {
	tar   *tar.Reader
	found []File // what has been read, in its order
}

func (o *opened) readManifest() (Manifest, error) {
	var m Manifest
	h, err := o.tar.Next()
	if err != nil || h.Name != manifestName || h.Typeflag != tar.TypeReg || h.Size > maxManifest {
		return m, fmt.Errorf("%w: it does not begin with a manifest", ErrNotOurs)
	}
	content, err := io.ReadAll(o.tar)
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	if err := json.Unmarshal(content, &m); err != nil {
		return m, fmt.Errorf("%w: its manifest can't be read: %w", ErrNotOurs, err)
	}
	if m.Format != Format {
		return m, fmt.Errorf("restore: the backup has format %d, this program reads %d; use the program that made it (%s)", m.Format, Format, m.Version)
	}
	sum := sha256.Sum256(content)
	o.found = append(o.found, File{Name: manifestName, Size: h.Size, SHA256: hex.EncodeToString(sum[:])})
	return m, nil
}

// unpackNext writes the next file of the archive below dir. At the sums it compares all that was read with
// them, and reports that there is no more.
func (o *opened) unpackNext(ctx context.Context, dir string) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	h, err := o.tar.Next()
	switch {
	case err != nil:
		return false, fmt.Errorf("%w: it ends before its sums: %w", ErrNotOurs, err)
	case h.Typeflag != tar.TypeReg || h.Size < 0:
		return false, fmt.Errorf("%w: it holds what is no file", ErrNotOurs)
	case h.Name == sumsName:
		return false, o.compare(h.Size)
	case !o.belongs(h) || len(o.found) > maxFiles:
		return false, fmt.Errorf("%w: it holds a file that does not belong in it", ErrNotOurs)
	}
	f := File{Name: h.Name, Size: h.Size}
	if f.SHA256, err = o.unpack(f, dir); err != nil {
		return false, err
	}
	o.found = append(o.found, f)
	return true, nil
}

// belongs reports whether a file may be in a backup: a database, or a small one in a folder of the data folder; once.
func (o *opened) belongs(h *tar.Header) bool {
	database := h.Name == store.MainFile || h.Name == store.ReadingsFile
	nested := strings.Contains(h.Name, "/") && filepath.IsLocal(h.Name) && !strings.Contains(h.Name, `\`) && h.Name == filepath.ToSlash(filepath.Clean(h.Name))
	return (database || nested && h.Size <= maxSide) && !o.has(h.Name)
}

func (o *opened) has(name string) bool {
	return slices.ContainsFunc(o.found, func(f File) bool { return f.Name == name })
}

// unpack writes what follows in the archive below dir and returns its SHA-256 in hex.
func (o *opened) unpack(f File, dir string) (string, error) {
	path := filepath.Join(dir, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, sum), o.tar)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: it is cut off: %w", ErrNotOurs, err)
	}
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		return "", fmt.Errorf("restore %s: %w", f.Name, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// compare reads the sums, the last entry, and refuses when anything differs from them.
func (o *opened) compare(size int64) error {
	if size > maxSums {
		return fmt.Errorf("%w: its sums are too long", ErrNotOurs)
	}
	content, err := io.ReadAll(o.tar)
	if err != nil {
		return fmt.Errorf("%w: it is cut off: %w", ErrNotOurs, err)
	}
	var want []File
	if err := json.Unmarshal(content, &want); err != nil {
		return fmt.Errorf("%w: its sums can't be read: %w", ErrNotOurs, err)
	}
	if len(want) != len(o.found) {
		return fmt.Errorf("%w: it holds %d files, its sums name %d", ErrNotOurs, len(o.found), len(want))
	}
	for i, f := range o.found {
		if f != want[i] {
			return fmt.Errorf("%w: %s was changed", ErrNotOurs, f.Name)
		}
	}
	if len(o.found) < 3 || o.found[1].Name != store.MainFile || o.found[2].Name != store.ReadingsFile {
		return fmt.Errorf("%w: a database is missing in it", ErrNotOurs)
	}
	if _, err := o.tar.Next(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it holds more than its sums say", ErrNotOurs)
	}
	return nil
}
