package demo

import (
	"context"
	"testing"
	"time"
	_ "time/tzdata"

	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

// Whatever the hour, some room changes its state within two minutes, and the agenda never overlaps
// (the database would refuse it).
func TestSomethingHappensWithinTwoMinutes(t *testing.T) {
	t.Parallel()
	zone, err := when.LoadZone("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC) // into the night of the change of clocks
	st := storetest.Open(t, func() time.Time { return now })
	b, err := Build(context.Background(), st, zone)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Rooms) != 12 || len(b.Displays()) != 13 {
		t.Fatalf("%d rooms, %d displays", len(b.Rooms), len(b.Displays()))
	}
	for range 60 {
		if _, err := b.Fill(context.Background(), st); err != nil {
			t.Fatal(err)
		}
		edge := false
		busy := 0
		if err := st.View(context.Background(), func(tx *store.Tx) error {
			for _, r := range b.Rooms {
				e, err := tx.AgendaEdge(r.ID, now.Add(time.Second), now.Add(2*time.Minute+time.Second))
				if err != nil {
					return err
				}
				edge = edge || e
				a, err := tx.Agenda(r.ID, now, now.Add(time.Second))
				if err != nil {
					return err
				}
				busy += len(a)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !edge {
			t.Fatalf("nothing changes in the two minutes after %v", now)
		}
		if busy == 0 || busy == len(b.Rooms) {
			t.Errorf("%d of %d rooms are busy at %v: not a believable building", busy, len(b.Rooms), now)
		}
		now = now.Add(7*time.Minute + 13*time.Second)
	}
	changed, err := b.Fill(context.Background(), st)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.Fill(context.Background(), st); err != nil || len(again) != 0 {
		t.Errorf("a second fill changed %v after %v, %v", again, changed, err)
	}
}
