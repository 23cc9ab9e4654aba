package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// archive is a backup that is being written.
type archive struct {
	tar  *tar.Writer
	m    Manifest
	sums []File // what has been written, in its order
}

// add writes one file and notes its sum.
func (a *archive) add(ctx context.Context, name string, r io.Reader, size int64) error {
	if err := a.tar.WriteHeader(header(name, size, a.m.CreatedAt)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	sum, err := copySum(ctx, a.tar, r, size)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	a.sums = append(a.sums, File{Name: name, Size: size, SHA256: sum})
	return nil
}

func (a *archive) addJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return a.add(context.Background(), name, bytes.NewReader(b), int64(len(b))) // a few bytes
}

// addSide adds a small file of the data folder.
func (a *archive) addSide(ctx context.Context, dir, name string) error {
	content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	return a.add(ctx, name, bytes.NewReader(content), int64(len(content)))
}

func header(name string, size int64, at time.Time) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX}
}

// chunk is what is read at once: so little that whoever waits for a processor beside it waits not even a millisecond.
const chunk = 256 << 10

// copySum copies exactly size bytes and returns their SHA-256 in hex, which is computed beside the writing: each takes about
// as long as the other.
func copySum(ctx context.Context, w io.Writer, r io.Reader, size int64) (string, error) {
	sum := sha256.New()
	free, filled := make(chan []byte, 4), make(chan []byte, 4)
	for range cap(free) {
		free <- make([]byte, chunk)
	}
	var hashing sync.WaitGroup
	hashing.Go(func() {
		for b := range filled {
			sum.Write(b)
			free <- b[:chunk]
		}
	})
	err := func() error {
		defer close(filled)
		for size > 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			b := <-free
			b = b[:min(size, chunk)]
			if _, err := io.ReadFull(r, b); err != nil {
				return err
			}
			filled <- b
			if _, err := w.Write(b); err != nil { // both only read b
				return err
			}
			size -= int64(len(b))
		}
		return nil
	}()
	hashing.Wait()
	return hex.EncodeToString(sum.Sum(nil)), err
}

// steadily is after how many bytes Steady syncs.
const steadily = 2 << 20

// Steady returns a writer to f that has the disk take the bytes as they come. Otherwise the kernel gathers them
// and writes them at once, and every other write to the disk waits for that: a booking for the tenth of a second.
func Steady(f *os.File) io.Writer { return &steady{f: f} }

type steady struct {
	f     *os.File
	since int
}

// Write implements io.Writer.
func (s *steady) Write(b []byte) (int, error) {
	n, err := s.f.Write(b)
	if s.since += n; err == nil && s.since >= steadily {
		s.since = 0
		err = s.f.Sync()
	}
	return n, err
}
