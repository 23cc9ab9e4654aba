package bookings_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/store"
)

// setZone changes the building's zone as somebody who edits it does.
func (h *house) setZone(zone string) bookings.Rederived {
	h.tb.Helper()
	h.update(func(tx *store.Tx) error {
		b, err := tx.Building(h.building)
		b.Zone = zone
		return errors.Join(err, tx.UpdateBuilding(b))
	})
	r, err := h.s.Rederive(context.Background(), people.Job("zones"), h.building)
	if err != nil {
		h.tb.Fatal(err)
	}
	return r
}

// With another zone, what is to come keeps its local time, and so stays free of overlaps even where bookings
// pass each other on the way.
func TestAnotherZoneKeepsLocalTimes(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T10:30")
	past := h.book(h.anna, h.other, local(t, "2026-11-23T10:20", "2026-11-23T10:40"))
	for _, hour := range []string{"11", "12", "13", "14"} { // back to back: moved one by one they would collide
		h.book(h.anna, h.room, local(t, "2026-11-24T"+hour+":00", "2026-11-24T"+hour+":59"))
	}
	h.book(h.anna, h.room, bookings.Days(date(t, "2026-11-25"), date(t, "2026-11-25")))
	id := h.series(local(t, "2026-11-30T10:00", "2026-11-30T11:00"), "FREQ=WEEKLY;COUNT=3")
	h.told()
	before := h.agenda(h.room)
	for _, zone := range []string{"Europe/London", "America/Santiago", "Australia/Lord_Howe", "Europe/Zurich"} {
		r := h.setZone(zone)
		if r.Moved != len(before) || len(r.Lost) != 0 {
			t.Errorf("%s: %+v of %d", zone, r, len(before))
		}
		loc := loadZone(t, zone)
		for i, b := range h.agenda(h.room) {
			if b.FromWall != before[i].FromWall || b.ToWall != before[i].ToWall || b.Zone != zone {
				t.Errorf("%s: %v became %v", zone, before[i].FromWall, b.FromWall)
			}
			if !b.From.Equal(b.FromWall.In(loc)) || !b.To.Equal(b.ToWall.In(loc)) {
				t.Errorf("%s: %v does not follow from %v", zone, b.Span(), b.FromWall)
			}
		}
		if again := h.setZone(zone); again.Moved != 0 {
			t.Errorf("%s once more: %+v", zone, again)
		}
	}
	if told := h.told(); len(told) != 4 || told[0] != h.room {
		t.Errorf("told %v", told)
	}
	h.zone = loadZone(t, "Europe/Zurich")
	if got := h.starts(id); got[0] != "11-30T10:00" {
		t.Errorf("the series: %v", got)
	}
	if b := h.agenda(h.other)[0]; !b.From.Equal(past.From) {
		t.Error("a booking that had begun was moved")
	}
}

// A running booking stays, so another one can come to lie in its time: that one is cancelled and told.
func TestLostByAnotherZone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T09:30")
	h.book(h.anna, h.room, local(t, "2026-11-23T09:30", "2026-11-23T12:00")) // 08:30–11:00 UTC, runs
	b := h.book(h.beat, h.room, local(t, "2026-11-23T12:30", "2026-11-23T14:00"))
	h.setNow(h.at.Add(10 * time.Minute))
	r := h.setZone("Europe/Athens") // 12:30 is now 10:30 UTC
	if r.Moved != 0 || len(r.Lost) != 1 || len(r.Lost[0].With) != 1 || !r.Lost[0].Wanted.From.Equal(wall(t, "2026-11-23T12:30").In(loadZone(t, "Europe/Athens"))) {
		t.Errorf("%+v", r)
	}
	got, _, err := h.s.Booking(context.Background(), bookings.By(h.beat), b.ID)
	if err != nil || !got.Cancelled {
		t.Errorf("%+v, %v", got, err)
	}
	if overlapping(h.agenda(h.room)) != nil {
		t.Error("the room's agenda overlaps")
	}
}

// New zone data: the instants on disk come from older rules, the local times hold.
func TestNewZoneData(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	h.book(h.anna, h.room, local(t, "2026-12-01T09:00", "2026-12-01T10:00"))
	h.book(h.anna, h.room, local(t, "2026-12-01T10:00", "2026-12-01T11:00"))
	want := h.agenda(h.room)
	h.update(func(tx *store.Tx) error { // as if Zurich had been an hour further east
		for _, b := range want {
			b.From, b.To = b.From.Add(-time.Hour), b.To.Add(-time.Hour)
			if err := tx.UpdateBooking(b); err != nil {
				return err
			}
		}
		return nil
	})
	r, err := h.s.RederiveAll(context.Background(), people.Job("zones"))
	if err != nil || r.Moved != 2 || len(r.Lost) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	for i, b := range h.agenda(h.room) {
		if !b.From.Equal(want[i].From) || !b.To.Equal(want[i].To) {
			t.Errorf("%v, want %v", b.Span(), want[i].Span())
		}
	}
}
