package bookings_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

// series makes one for Anna or fails the test.
func (h *house) series(first bookings.Times, rule string) store.SeriesID {
	h.tb.Helper()
	id, err := h.s.CreateSeries(context.Background(), h.anna, bookings.SeriesRequest{
		Workspace: h.room, First: first, Rule: rule, Subject: "Planning", Source: store.FromPortal,
	})
	if err != nil {
		h.tb.Fatalf("series %s: %v %v", rule, err, bookings.Conflicts(err))
	}
	return id
}

// starts lists the local starts of a series' occurrences; a cancelled one in brackets.
func (h *house) starts(id store.SeriesID) []string {
	h.tb.Helper()
	info, err := h.s.Series(context.Background(), bookings.By(h.anna), id)
	if err != nil {
		h.tb.Fatal(err)
	}
	var out []string
	for _, o := range info.Occurrences {
		at := when.WallOf(o.From, h.zone).String()[5:]
		if o.Cancelled {
			at = "[" + at + "]"
		}
		out = append(out, at)
	}
	return out
}

// occurrence returns the one that the rule starts at a local time.
func (h *house) occurrence(id store.SeriesID, original string) bookings.Shown {
	h.tb.Helper()
	info, err := h.s.Series(context.Background(), bookings.By(h.anna), id)
	if err != nil {
		h.tb.Fatal(err)
	}
	for _, o := range info.Occurrences {
		if o.Original == wall(h.tb, original) {
			return o
		}
	}
	h.tb.Fatalf("no occurrence %s", original)
	return bookings.Shown{}
}

func TestSeriesIsBookedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	h.book(h.beat, h.room, local(t, "2026-12-07T10:30", "2026-12-07T12:00"))
	h.book(h.beat, h.room, local(t, "2026-12-21T10:59", "2026-12-21T11:30"))
	h.book(h.beat, h.room, local(t, "2026-12-14T11:00", "2026-12-14T12:00")) // touches only
	h.told()
	req := bookings.SeriesRequest{
		Workspace: h.room, First: local(t, "2026-11-30T10:00", "2026-11-30T11:00"), Rule: "FREQ=WEEKLY;COUNT=5", Source: store.FromPortal,
	}
	_, err := h.s.CreateSeries(ctx, h.anna, req)
	wantProblem(t, err, "bookings.series_taken")
	var days []int
	for _, c := range bookings.Conflicts(err) {
		days = append(days, c.Wanted.From.Day())
		if len(c.With) != 1 || c.With[0].Organizer != "Beat Meier" {
			t.Errorf("conflict %v with %+v", c.Wanted, c.With)
		}
	}
	if !cmp.Equal(days, []int{7, 21}) || problem.Of(err).Args["Count"] != 2 || problem.Of(err).Args["Of"] != 5 {
		t.Errorf("conflicts on %v, %v", days, problem.Of(err).Args)
	}
	if n := len(h.agenda(h.room)); n != 3 || h.told() != nil {
		t.Errorf("the room holds %d bookings after a refused series", n)
	}
	req.Workspace = h.other
	id, err := h.s.CreateSeries(ctx, h.anna, req)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"11-30T10:00", "12-07T10:00", "12-14T10:00", "12-21T10:00", "12-28T10:00"}
	if diff := cmp.Diff(want, h.starts(id)); diff != "" {
		t.Error(diff)
	}
}

func TestSeriesRules(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	nine := local(t, "2026-11-24T09:00", "2026-11-24T10:00")
	for _, c := range []struct {
		name  string
		first bookings.Times
		rule  string
		want  string
	}{
		{"no rule", nine, "", "bookings.rule_unclear"},
		{"hourly", nine, "FREQ=HOURLY", "bookings.rule_sub_daily"},
		{"never", nine, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "bookings.rule_never"},
		{"unknown part", nine, "FREQ=DAILY;BYMOON=FULL", "bookings.rule_unclear"},
		{"too many", nine, "FREQ=DAILY;COUNT=401", ""}, // laid out to the horizon only
		{"meets itself", local(t, "2026-11-24T09:00", "2026-11-25T08:00"), "FREQ=DAILY;COUNT=3", ""},
		{"overlaps itself", bookings.Days(date(t, "2026-11-24"), date(t, "2026-11-25")), "FREQ=DAILY;COUNT=3", "bookings.series_meets_itself"},
		{"in the past", local(t, "2026-11-20T09:00", "2026-11-20T10:00"), "FREQ=DAILY;COUNT=3", "bookings.in_past"},
		{"too far", local(t, "2028-11-20T09:00", "2028-11-20T10:00"), "FREQ=DAILY;COUNT=3", "bookings.too_far"},
		{"too short", local(t, "2026-11-24T09:00", "2026-11-24T09:01"), "FREQ=DAILY;COUNT=3", "bookings.too_short"},
		{"backwards", local(t, "2026-11-24T09:00", "2026-11-24T08:00"), "FREQ=DAILY;COUNT=3", "bookings.end_before_start"},
		{"by instants", bookings.Instants(h.at.Add(time.Hour), h.at.Add(2*time.Hour)), "FREQ=DAILY;COUNT=3", "bookings.series_needs_local"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ws := h.addRoom(h.floor, c.name, 1)
			_, err := h.s.CreateSeries(context.Background(), h.anna, bookings.SeriesRequest{Workspace: ws, First: c.first, Rule: c.rule, Source: store.FromPortal})
			if c.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if c.want != "" {
				wantProblem(t, err, c.want)
			}
		})
	}
	h.s.Rules.MaxSeries = 50
	_, err := h.s.CreateSeries(context.Background(), h.anna, bookings.SeriesRequest{Workspace: h.room, First: nine, Rule: "FREQ=DAILY", Source: store.FromPortal})
	wantProblem(t, err, "bookings.series_too_many")
}

// The first occurrence is the first day that the rule meets.
func TestSeriesBeginsWhereItsRuleDoes(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	id := h.series(local(t, "2026-11-23T14:00", "2026-11-23T15:00"), "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=3")
	if diff := cmp.Diff([]string{"11-24T14:00", "11-26T14:00", "12-01T14:00"}, h.starts(id)); diff != "" {
		t.Error(diff)
	}
}

func TestOccurrences(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	id := h.series(local(t, "2026-11-30T10:00", "2026-11-30T11:00"), "FREQ=WEEKLY;COUNT=4")
	second := h.occurrence(id, "2026-12-07T10:00")
	times := local(t, "2026-12-08T15:00", "2026-12-08T16:00")
	moved, err := h.s.Change(ctx, h.anna, second.ID, bookings.Change{Times: &times})
	if err != nil || !moved.Moved || moved.Original != second.Original || moved.Series != id {
		t.Errorf("%+v, %v", moved, err)
	}
	if err := h.s.Cancel(ctx, h.anna, h.occurrence(id, "2026-12-14T10:00").ID); err != nil {
		t.Fatal(err)
	}
	want := []string{"11-30T10:00", "12-08T15:00", "[12-14T10:00]", "12-21T10:00"}
	if diff := cmp.Diff(want, h.starts(id)); diff != "" {
		t.Error(diff)
	}
	h.book(h.beat, h.room, local(t, "2026-12-07T10:00", "2026-12-07T11:00")) // free again
	_, err = h.s.Change(ctx, h.beat, second.ID, bookings.Change{Times: &times})
	wantProblem(t, err, "bookings.not_yours")
}

func TestCancelSeries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, now, from string
		want            []string
		n               int
		over            bool // nothing of it is left to change
	}{
		{"all", "2026-11-23T08:00", "", []string{"[11-30T10:00]", "[12-07T10:00]", "[12-14T10:00]", "[12-21T10:00]"}, 4, true},
		{"this and following", "2026-11-23T08:00", "2026-12-14T10:00", []string{"11-30T10:00", "12-07T10:00", "[12-14T10:00]", "[12-21T10:00]"}, 2, false},
		{"all while the second one runs", "2026-12-07T10:30", "", []string{"11-30T10:00", "12-07T10:00", "[12-14T10:00]", "[12-21T10:00]"}, 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
			ctx := context.Background()
			id := h.series(local(t, "2026-11-30T10:00", "2026-11-30T11:00"), "FREQ=WEEKLY;COUNT=4")
			h.setNow(wall(t, c.now).In(h.zone))
			var from when.Wall
			if c.from != "" {
				from = wall(t, c.from)
			}
			_, err := h.s.CancelSeries(ctx, h.beat, id, from)
			wantProblem(t, err, "bookings.not_yours")
			n, err := h.s.CancelSeries(ctx, h.anna, id, from)
			if n != c.n || err != nil {
				t.Errorf("cancelled %d, %v", n, err)
			}
			if diff := cmp.Diff(c.want, h.starts(id)); diff != "" {
				t.Error(diff)
			}
			if _, err := h.s.CancelSeries(ctx, h.anna, id, when.Wall{}); c.over == (err == nil) {
				t.Errorf("once more: %v", err)
			}
			h.setNow(wall(t, "2028-01-01T08:00").In(h.zone))
			if out, err := h.s.ExtendSeries(ctx, people.Job("series")); out.Added != 0 || err != nil {
				t.Errorf("a cancelled series goes on: %+v, %v", out, err)
			}
		})
	}
}

func TestChangeSeries(t *testing.T) {
	t.Parallel()
	subject, private := "Retrospective", true
	rule := "FREQ=WEEKLY;INTERVAL=2;COUNT=2"
	for _, c := range []struct {
		name     string
		from     string
		change   func(testing.TB) bookings.SeriesChange
		old, new []string // new nil = the same series
	}{
		{
			"words of all", "", func(testing.TB) bookings.SeriesChange {
				return bookings.SeriesChange{Subject: &subject, Private: &private}
			},
			[]string{"11-30T10:00", "12-08T15:00", "[12-14T10:00]", "12-21T10:00", "12-28T10:00"},
			nil,
		},
		{
			"times of all", "", func(tb testing.TB) bookings.SeriesChange {
				times := local(tb, "2026-11-30T14:00", "2026-11-30T15:30")
				return bookings.SeriesChange{Times: &times}
			},
			[]string{"[11-30T10:00]", "[12-08T15:00]", "[12-14T10:00]", "[12-21T10:00]", "[12-28T10:00]"},
			[]string{"11-30T14:00", "12-07T14:00", "[12-14T14:00]", "12-21T14:00", "12-28T14:00"},
		},
		{
			"times of all, told of the fourth, a day later", "", func(tb testing.TB) bookings.SeriesChange {
				times := local(tb, "2026-12-22T08:00", "2026-12-22T09:00")
				return bookings.SeriesChange{Times: &times, At: wall(tb, "2026-12-21T10:00")}
			},
			[]string{"[11-30T10:00]", "[12-08T15:00]", "[12-14T10:00]", "[12-21T10:00]", "[12-28T10:00]"},
			[]string{"12-01T08:00", "12-08T08:00", "[12-15T08:00]", "12-22T08:00", "12-29T08:00"},
		},
		{
			"times of all, told of the fourth, whole days", "", func(tb testing.TB) bookings.SeriesChange {
				times := bookings.Days(date(tb, "2026-12-21"), date(tb, "2026-12-22"))
				return bookings.SeriesChange{Times: &times, At: wall(tb, "2026-12-21T10:00")}
			},
			[]string{"[11-30T10:00]", "[12-08T15:00]", "[12-14T10:00]", "[12-21T10:00]", "[12-28T10:00]"},
			[]string{"11-30T00:00", "12-07T00:00", "[12-14T00:00]", "12-21T00:00", "12-28T00:00"},
		},
		{
			"times from the third on", "2026-12-14T10:00", func(tb testing.TB) bookings.SeriesChange {
				times := local(tb, "2026-12-15T10:00", "2026-12-15T11:00")
				return bookings.SeriesChange{Times: &times}
			},
			[]string{"11-30T10:00", "12-08T15:00", "[12-14T10:00]", "[12-21T10:00]", "[12-28T10:00]"},
			[]string{"[12-15T10:00]", "12-22T10:00", "12-29T10:00"},
		},
		{
			"rule from the fourth on", "2026-12-21T10:00", func(testing.TB) bookings.SeriesChange {
				return bookings.SeriesChange{Rule: &rule}
			},
			[]string{"11-30T10:00", "12-08T15:00", "[12-14T10:00]", "[12-21T10:00]", "[12-28T10:00]"},
			[]string{"12-21T10:00", "01-04T10:00"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
			ctx := context.Background()
			id := h.series(local(t, "2026-11-30T10:00", "2026-11-30T11:00"), "FREQ=WEEKLY;COUNT=5")
			times := local(t, "2026-12-08T15:00", "2026-12-08T16:00")
			if _, err := h.s.Change(ctx, h.anna, h.occurrence(id, "2026-12-07T10:00").ID, bookings.Change{Times: &times}); err != nil {
				t.Fatal(err)
			}
			if err := h.s.Cancel(ctx, h.anna, h.occurrence(id, "2026-12-14T10:00").ID); err != nil {
				t.Fatal(err)
			}
			change := c.change(t)
			if c.from != "" {
				change.From = wall(t, c.from)
			}
			_, err := h.s.ChangeSeries(ctx, h.beat, id, change)
			wantProblem(t, err, "bookings.not_yours")
			got, err := h.s.ChangeSeries(ctx, h.anna, id, change)
			if err != nil {
				t.Fatal(err, bookings.Conflicts(err))
			}
			if diff := cmp.Diff(c.old, h.starts(id)); diff != "" {
				t.Errorf("the old series:\n%s", diff)
			}
			if c.new == nil {
				if o := h.occurrence(id, "2026-12-21T10:00"); got != id || o.Subject != subject || !o.Private {
					t.Errorf("%+v", o)
				}
				return
			}
			if diff := cmp.Diff(c.new, h.starts(got)); diff != "" {
				t.Errorf("the new series:\n%s", diff)
			}
		})
	}
}

// An occurrence that was due already and was put off stays when the rest of its series moves.
func TestChangeSeriesKeepsWhatWasPutOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	id := h.series(local(t, "2026-11-30T10:00", "2026-11-30T11:00"), "FREQ=WEEKLY;COUNT=3")
	off := local(t, "2026-12-03T10:00", "2026-12-03T11:00")
	if _, err := h.s.Change(ctx, h.anna, h.occurrence(id, "2026-11-30T10:00").ID, bookings.Change{Times: &off}); err != nil {
		t.Fatal(err)
	}
	h.setNow(wall(t, "2026-12-01T08:00").In(h.zone))
	times := local(t, "2026-12-14T16:00", "2026-12-14T17:00")
	next, err := h.s.ChangeSeries(ctx, h.anna, id, bookings.SeriesChange{Times: &times, At: wall(t, "2026-12-14T10:00")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"12-03T10:00", "[12-07T10:00]", "[12-14T10:00]"}, h.starts(id)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"12-07T16:00", "12-14T16:00"}, h.starts(next)); diff != "" {
		t.Error(diff)
	}
	if n, err := h.s.CancelSeries(ctx, h.anna, id, when.Wall{}); n != 1 || err != nil {
		t.Errorf("cancelled %d, %v", n, err)
	}
}

// A series that can't have its new times keeps its old ones.
func TestChangeSeriesIsRefusedWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	id := h.series(local(t, "2026-11-30T10:00", "2026-11-30T11:00"), "FREQ=WEEKLY;COUNT=3")
	before := h.starts(id)
	h.book(h.beat, h.room, local(t, "2026-12-07T14:00", "2026-12-07T15:00"))
	times := local(t, "2026-11-30T14:00", "2026-11-30T15:00")
	_, err := h.s.ChangeSeries(context.Background(), h.anna, id, bookings.SeriesChange{Times: &times})
	wantProblem(t, err, "bookings.series_taken")
	if diff := cmp.Diff(before, h.starts(id)); diff != "" || len(bookings.Conflicts(err)) != 1 {
		t.Errorf("%v\n%s", bookings.Conflicts(err), diff)
	}
	// Its own old times are no conflict.
	times = local(t, "2026-11-30T10:30", "2026-11-30T11:30")
	if _, err := h.s.ChangeSeries(context.Background(), h.anna, id, bookings.SeriesChange{Times: &times}); err != nil {
		t.Error(err)
	}
}

// A series without end grows with the horizon; what is taken by then is told once and left out.
func TestExtendSeries(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	h.s.Rules.Horizon = 28
	id := h.series(local(t, "2026-11-24T10:00", "2026-11-24T11:00"), "FREQ=WEEKLY")
	counted := h.series(local(t, "2026-11-25T10:00", "2026-11-25T11:00"), "FREQ=WEEKLY;COUNT=6")
	if diff := cmp.Diff([]string{"11-24T10:00", "12-01T10:00", "12-08T10:00", "12-15T10:00"}, h.starts(id)); diff != "" {
		t.Fatal(diff)
	}
	h.told()
	if out, err := h.s.ExtendSeries(ctx, people.Job("series")); out.Added != 0 || err != nil || h.told() != nil {
		t.Errorf("on the same day: %+v, %v", out, err)
	}
	h.setNow(wall(t, "2026-12-10T08:00").In(h.zone))
	h.book(h.beat, h.room, local(t, "2026-12-29T10:30", "2026-12-29T12:00"))
	out, err := h.s.ExtendSeries(ctx, people.Job("series"))
	if err != nil || out.Added != 4 || len(out.Conflicts) != 1 || out.Conflicts[0].Series != id || out.Conflicts[0].Wanted.From.Day() != 29 {
		t.Errorf("%+v, %v", out, err)
	}
	want := []string{"11-24T10:00", "12-01T10:00", "12-08T10:00", "12-15T10:00", "12-22T10:00", "[12-29T10:00]", "01-05T10:00"}
	if diff := cmp.Diff(want, h.starts(id)); diff != "" {
		t.Error(diff)
	}
	if n := len(h.starts(counted)); n != 6 {
		t.Errorf("a series of six has %d occurrences", n)
	}
	if out, err := h.s.ExtendSeries(ctx, people.Job("series")); out.Added != 0 || len(out.Conflicts) != 0 || err != nil {
		t.Errorf("once more: %+v, %v", out, err)
	}
	// After nine years of silence the series goes on from today, not from where it stopped.
	h.setNow(wall(t, "2035-12-10T08:00").In(h.zone))
	if out, err := h.s.ExtendSeries(ctx, people.Job("series")); err != nil || out.Added != 4 {
		t.Errorf("years later: %+v, %v", out, err)
	}
}

// A daily series without end fills the year to the horizon, each at nine o'clock, also after the clocks changed.
func TestEndlessSeriesKeepsItsLocalTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	h.series(local(t, "2026-11-24T09:00", "2026-11-24T10:00"), "FREQ=DAILY")
	list := h.agenda(h.room)
	if len(list) != 366 {
		t.Errorf("%d occurrences", len(list))
	}
	offsets := map[int]bool{}
	for _, b := range list {
		l := b.From.In(h.zone)
		_, off := l.Zone()
		offsets[off] = true
		if l.Format("15:04") != "09:00" || b.Span().Duration() != time.Hour {
			t.Errorf("%v", l)
		}
	}
	if len(offsets) != 2 {
		t.Errorf("the year has %d offsets", len(offsets))
	}
}

func BenchmarkCreateSeries(b *testing.B) {
	h := newHouse(b, "Europe/Zurich", "2026-11-23T08:00")
	n := 0
	for b.Loop() {
		ws := h.addRoom(h.floor, fmt.Sprint("Bench ", n), 1)
		n++
		if _, err := h.s.CreateSeries(context.Background(), h.anna, bookings.SeriesRequest{
			Workspace: ws, First: local(b, "2026-11-24T09:00", "2026-11-24T10:00"), Rule: "FREQ=DAILY", Source: store.FromPortal,
		}); err != nil {
			b.Fatal(err)
		}
	}
}
