package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/backup"
	"lintel/store"
	"lintel/store/storetest"
)

// BenchmarkCreate saves a store of 100 MB, or of 1 GB with LINTEL_FULL=1, to a file on the same disk while
// somebody writes a hundred times a second. The budget: "of-disk", the bytes saved a second against the
// rate at which the disk takes one file of that size, is at least 0.35; "p99/idle", the time that a write takes
// meanwhile against the same without a backup, at most 3. As long as the writes without it, backups are made one
// after the other: a p99 of fewer than a hundred writes would be their worst.
func BenchmarkCreate(b *testing.B) {
	size := 100 << 20
	if os.Getenv("LINTEL_FULL") == "1" {
		size = 1 << 30
	}
	s := storetest.Open(b, now)
	fill(b, s, size)
	dir := b.TempDir()
	var disk, creates time.Duration
	var idle, busy []time.Duration
	var saved int64
	const beside = 2 * time.Second
	n := 0 // backups made
	for b.Loop() {
		disk += sequential(b, filepath.Join(dir, "disk"), size)

		stop := writeBeside(b, s)
		time.Sleep(beside)
		idle = append(idle, stop()...)

		stop = writeBeside(b, s)
		var made []string
		for begin := time.Now(); time.Since(begin) < beside; n++ {
			made = append(made, filepath.Join(dir, fmt.Sprint("backup", n)))
			start := time.Now()
			saved += create(b, s, made[len(made)-1])
			creates += time.Since(start)
		}
		busy = append(busy, stop()...)
		for _, name := range made {
			if err := os.Remove(name); err != nil {
				b.Fatal(err)
			}
		}
	}
	// Each of them handled the same number of bytes, to some pages.
	perBackup, perFile := creates/time.Duration(n), disk/time.Duration(b.N)
	b.ReportMetric(float64(saved)/1e6/creates.Seconds(), "MB/s")
	b.ReportMetric(float64(perFile)/float64(perBackup), "of-disk")
	b.ReportMetric(float64(p99(idle).Microseconds())/1000, "ms/p99-idle")
	b.ReportMetric(float64(p99(busy).Microseconds())/1000, "ms/p99")
	b.ReportMetric(float64(p99(busy))/float64(p99(idle)), "p99/idle")
	b.ReportMetric(0, "ns/op") // of all of it together: it says nothing
}

// fill writes about size bytes into a store.
func fill(b *testing.B, s *store.Store, size int) {
	b.Helper()
	detail := map[string]any{"n": strings.Repeat("0123456789", 1000)}
	for n := 0; n < size; {
		if err := s.Update(context.Background(), func(tx *store.Tx) error {
			for range 500 {
				e := entry(n)
				e.Detail = detail
				if err := tx.Audit(e); err != nil {
					return err
				}
				n += 10_000
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Trim(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// sequential is the yardstick: how long the disk takes for one file of that size.
func sequential(b *testing.B, path string, size int) time.Duration {
	b.Helper()
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	begin := time.Now()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	for range size / len(chunk) {
		if _, err := f.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	took := time.Since(begin)
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		b.Fatal(err)
	}
	return took
}

// create makes a backup as the command does, and returns its length.
func create(b *testing.B, s *store.Store, path string) int64 {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := backup.Create(context.Background(), backup.Source{Store: s, Now: now, Version: "test"}, backup.Steady(f)); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	n, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return n
}

// writeBeside writes a hundred small transactions a second until stop, which returns how long each took.
func writeBeside(b *testing.B, s *store.Store) (stop func() []time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	var took []time.Duration
	var wg sync.WaitGroup
	wg.Go(func() {
		every := time.NewTicker(10 * time.Millisecond)
		defer every.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			begin := time.Now()
			if err := s.Update(context.Background(), func(tx *store.Tx) error { return tx.Audit(entry(n)) }); err != nil {
				b.Error(err)
				return
			}
			took = append(took, time.Since(begin))
		}
	})
	return func() []time.Duration {
		cancel()
		wg.Wait()
		return took
	}
}

func p99(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)*99/100]
}
