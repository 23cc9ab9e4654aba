package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

// The budget: the availability of 500 workspaces for a day, out of 200,000 bookings, p50 < 10 ms.
const (
	benchRooms    = 500
	benchBookings = 200_000
	benchBudget   = 10 * time.Millisecond
)

// BenchmarkAvailability asks when 500 workspaces are taken on a day and prints how its median compares with
// the budget.
func BenchmarkAvailability(b *testing.B) {
	s, ids, day := fullHouse(b)
	timed(b, func(tx *store.Tx) (int, error) {
		list, err := tx.TakenOf(ids, day, day.Add(24*time.Hour))
		return len(list), err
	}, s)
}

// BenchmarkAgendas reads the same day with all that is known of each booking, people included.
func BenchmarkAgendas(b *testing.B) {
	s, ids, day := fullHouse(b)
	timed(b, func(tx *store.Tx) (int, error) {
		list, err := tx.AgendaOf(ids, day, day.Add(24*time.Hour))
		return len(list), err
	}, s)
}

// timed runs a query and reports its median, its rows and the share of the budget.
func timed(b *testing.B, query func(*store.Tx) (int, error), s *store.Store) {
	var took []time.Duration
	rows := 0
	for b.Loop() {
		began := time.Now()
		if err := s.View(context.Background(), func(tx *store.Tx) (err error) {
			rows, err = query(tx)
			return err
		}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	p50 := took[len(took)/2]
	b.ReportMetric(float64(rows), "rows")
	b.ReportMetric(float64(p50.Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(p50)/float64(benchBudget), "of-budget")
}

// fullHouse is a store with 500 rooms, each booked for an hour at 08, 09 … 15 on 50 days, by 300 people.
func fullHouse(tb testing.TB) (*store.Store, []store.WorkspaceID, time.Time) {
	tb.Helper()
	s := storetest.Open(tb, now)
	ctx := context.Background()
	_, floor := makeBuilding(tb, s, "UTC")
	var ids []store.WorkspaceID
	for i := range benchRooms {
		ids = append(ids, makeRoom(tb, s, floor, fmt.Sprintf("Room %03d", i)))
	}
	first := when.Date{Year: 2026, Month: time.October, Day: 1}.Start(time.UTC)
	const count = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1) `
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{count + `INSERT INTO person (id, name, email, created_at) SELECT 'p' || i, 'Person ' || i, 'p' || i || '@example.org', 0 FROM n`, []any{300}},
		{count + `INSERT INTO booking (id, workspace_id, hosted, from_at, to_at, from_wall, to_wall, zone, source, created_at, updated_at)
			SELECT w.id || '-' || i, w.id, 1, at, at + 3600, strftime('%Y-%m-%dT%H:%M', at, 'unixepoch'), strftime('%Y-%m-%dT%H:%M', at + 3600, 'unixepoch'), 'UTC', 'portal', 0, 0
			FROM (SELECT i, ?2 + (i / 8) * 86400 + (8 + i % 8) * 3600 AS at FROM n), workspace w`, []any{benchBookings / benchRooms, first.Unix()}},
		{`INSERT INTO booking_person (booking_id, subject, organizer_id, creator_id)
			SELECT id, 'Weekly planning', 'p' || (rowid % 300), 'p' || (rowid % 300) FROM booking`, nil},
	} {
		if err := s.Exec(ctx, q.sql, q.args...); err != nil {
			tb.Fatal(err)
		}
	}
	if err := s.Optimize(ctx); err != nil {
		tb.Fatal(err)
	}
	return s, ids, first.Add(25 * 24 * time.Hour)
}
