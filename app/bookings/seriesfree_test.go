package bookings_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lintel/app/bookings"
	"lintel/store"
)

// What is taken is left out and told; the rest is one series, of which the dates left out are exceptions.
func TestSeriesOfWhatIsFree(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	h.book(h.beat, h.room, local(t, "2026-12-07T10:30", "2026-12-07T12:00"))
	h.book(h.beat, h.room, local(t, "2026-12-21T10:59", "2026-12-21T11:30"))
	req := bookings.SeriesRequest{
		Workspace: h.room, First: local(t, "2026-11-30T10:00", "2026-11-30T11:00"), Rule: "FREQ=WEEKLY;COUNT=5", Subject: "Planning", Source: store.FromPortal,
	}
	h.told()
	id, left, err := h.s.CreateFreeSeries(ctx, h.anna, req)
	if err != nil {
		t.Fatal(err)
	}
	var days []int
	for _, c := range left {
		days = append(days, c.Wanted.From.In(h.zone).Day())
		if len(c.With) != 1 || c.With[0].Organizer != "Beat Meier" {
			t.Errorf("in the way of %v: %+v", c.Wanted, c.With)
		}
	}
	if diff := cmp.Diff([]int{7, 21}, days); diff != "" {
		t.Errorf("left out:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"11-30T10:00", "[12-07T10:00]", "12-14T10:00", "[12-21T10:00]", "12-28T10:00"}, h.starts(id)); diff != "" {
		t.Error(diff)
	}
	if got := h.told(); len(got) != 1 {
		t.Errorf("told %v", got)
	}

	// The next one finds three more dates taken, and beside them nothing.
	if _, left, err = h.s.CreateFreeSeries(ctx, h.anna, req); err == nil || left != nil {
		t.Errorf("a series without a single date was booked: %v", left)
	}
	wantProblem(t, err, "bookings.series_taken")
	if len(bookings.Conflicts(err)) != 5 {
		t.Errorf("%d conflicts", len(bookings.Conflicts(err)))
	}
	if got := h.told(); len(got) != 0 {
		t.Errorf("told %v of nothing", got)
	}

	// With nothing in the way it is a series like any other.
	req.Workspace = h.other
	if id, left, err = h.s.CreateFreeSeries(ctx, h.anna, req); err != nil || left != nil {
		t.Fatal(left, err)
	}
	if diff := cmp.Diff([]string{"11-30T10:00", "12-07T10:00", "12-14T10:00", "12-21T10:00", "12-28T10:00"}, h.starts(id)); diff != "" {
		t.Error(diff)
	}
}
