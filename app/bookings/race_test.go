package bookings_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
)

// full reports whether tests run at full counts (minutes instead of seconds).
func full() bool { return os.Getenv("LINTEL_FULL") == "1" }

// Eight people race for the 24 hours of a day, each in an order of their own: every hour goes to exactly one of
// them, and everybody else is told that it is taken.
func TestRace(t *testing.T) {
	t.Parallel()
	rounds := 30
	switch {
	case full():
		rounds = 1000
	case testing.Short():
		rounds = 3
	}
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	racers := []people.Actor{h.anna, h.beat, h.chief}
	for len(racers) < 8 {
		racers = append(racers, h.account("Racer", string(store.NewID[store.PersonID]())+"@example.org", people.User))
	}
	rooms := []store.WorkspaceID{h.room, h.other, h.addRoom(h.floor, "Third", 1)}
	day := h.now().UTC().Truncate(24 * time.Hour)
	for round := range rounds {
		day := day.Add(time.Duration(1+round/len(rooms)) * 24 * time.Hour) // 24 hours each, also when the clocks change
		raceOnce(t, h, racers, rooms[round%len(rooms)], day)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d rounds, %d bookings", rounds, rounds*24)
}

func raceOnce(t *testing.T, h *house, racers []people.Actor, room store.WorkspaceID, day time.Time) {
	t.Helper()
	won := make([]int, len(racers))
	var wg sync.WaitGroup
	for i, by := range racers {
		wg.Go(func() {
			for _, hour := range rand.Perm(24) {
				from := day.Add(time.Duration(hour) * time.Hour)
				_, err := h.s.Create(context.Background(), by, bookings.Request{
					Workspace: room, Times: bookings.Instants(from, from.Add(time.Hour)), Source: store.FromPortal,
				})
				switch {
				case err == nil:
					won[i]++
				case !errors.Is(err, problem.New(problem.Conflict, "bookings.taken")):
					t.Errorf("racer %d, hour %d: %v", i, hour, err)
				}
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range won {
		sum += n
	}
	var list []store.Booking
	h.update(func(tx *store.Tx) (err error) {
		list, err = tx.Agenda(room, day, day.Add(24*time.Hour))
		return err
	})
	if sum != 24 || len(list) != 24 || overlapping(list) != nil {
		t.Errorf("%d were told that they have it, %d stand, overlapping: %v", sum, len(list), overlapping(list))
	}
}
