package bookings_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/store"
)

// BenchmarkCreate makes durable bookings one after the other and prints how many fsyncs of the same disk one costs.
func BenchmarkCreate(b *testing.B) {
	h := newHouse(b, "Europe/Zurich", "2026-11-23T08:00")
	at := h.now()
	sync := fsyncTime(b)
	for b.Loop() {
		at = at.Add(15 * time.Minute)
		if _, err := h.s.Create(context.Background(), people.Job("bench"), bookings.Request{
			Workspace: h.room, Times: bookings.Instants(at, at.Add(15*time.Minute)), Subject: "Planning", Source: store.FromAPI,
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(sync), "fsyncs/op")
}

// fsyncTime is how long a write of a page and its fsync take, the mean of many.
func fsyncTime(b *testing.B) time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "page"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const n = 200
	page := make([]byte, 4096)
	began := time.Now()
	for range n {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began) / n
}

// BenchmarkAgendasOfAFloor discloses the day of 50 rooms with eight bookings each, as the day grid shows it.
func BenchmarkAgendasOfAFloor(b *testing.B) {
	h := newHouse(b, "Europe/Zurich", "2026-11-23T08:00")
	var rooms []store.WorkspaceID
	for i := range 50 {
		room := h.addRoom(h.floor, fmt.Sprintf("Room %d", i), 8)
		rooms = append(rooms, room)
		for hour := range 8 {
			from := wall(b, "2026-11-24T08:00").In(h.zone).Add(time.Duration(hour) * time.Hour)
			h.book(h.anna, room, bookings.Instants(from, from.Add(time.Hour)))
		}
	}
	day := date(b, "2026-11-24").Interval(h.zone)
	b.ResetTimer()
	for b.Loop() {
		all, err := h.s.Agendas(context.Background(), bookings.By(h.beat), rooms, day.From, day.To)
		if err != nil || len(all) != 50 {
			b.Fatal(len(all), err)
		}
	}
}
