package bookings_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/when"
	"lintel/store"
)

// clockChange is a night on which the clocks of a zone change; day is the local date of the change.
type clockChange struct{ zone, day string }

// clockChanges lists both changes of a year in zones that each have an edge of their own: at two o'clock (Zurich),
// at midnight, where the night has none or two of them (Azores), or the day before gets longer (Santiago, Beirut),
// by half an hour (Lord Howe).
func clockChanges() []clockChange {
	return []clockChange{
		{"Europe/Zurich", "2026-10-25"},
		{"Europe/Zurich", "2027-03-28"},
		{"Atlantic/Azores", "2026-10-25"},
		{"Atlantic/Azores", "2027-03-28"},
		{"America/Santiago", "2026-09-06"},
		{"America/Santiago", "2027-04-03"},
		{"Australia/Lord_Howe", "2026-10-04"},
		{"Australia/Lord_Howe", "2027-04-04"},
		{"Asia/Beirut", "2026-10-24"},
		{"Asia/Beirut", "2027-03-28"},
	}
}

// around is how many days before and after the change are looked at.
const around = 16

// A month of days around each change of the clocks: series at half past midnight, half past two and nine, and of
// whole days, are where the wall clock says, and every day's agenda holds each of them once.
func TestMonthAroundClockChanges(t *testing.T) {
	t.Parallel()
	for _, c := range clockChanges() {
		t.Run(c.zone+" "+c.day, func(t *testing.T) {
			t.Parallel()
			change := date(t, c.day)
			first, days := change.Add(-around), 2*around+1
			h := newHouse(t, c.zone, first.Add(-2).String()+"T08:00")
			if !changesOn(change, h.zone) {
				t.Fatal("the clocks do not change on that day")
			}
			for _, s := range []struct {
				name     string
				from, to int // minutes of the wall clock
			}{{"00:30", 30, 60}, {"02:30", 150, 180}, {"09:00", 540, 600}, {"23:30", 1410, 1440}} {
				room := h.addRoom(h.floor, s.name, 1)
				at := func(d when.Date, m int) when.Wall { return when.Wall{Date: d.Add(m / 1440), Minute: m % 1440} }
				h.dailySeries(room, bookings.Local(at(first, s.from), at(first, s.to)), days)
				h.eachDay(room, first, days, func(d when.Date, b store.Booking) {
					from := firstShown(at(d, s.from), h.zone)
					to := firstShown(at(d, s.to), h.zone)
					if !to.After(from) { // all of it is in the hour that is jumped over
						to = from.Add(time.Duration(s.to-s.from) * time.Minute)
					}
					if !b.From.Equal(from) || !b.To.Equal(to) {
						t.Errorf("%s on %s: %v to %v, want %v to %v", s.name, d, b.From.In(h.zone), b.To.In(h.zone), from.In(h.zone), to.In(h.zone))
					}
				})
			}
			room := h.addRoom(h.floor, "whole days", 1)
			h.dailySeries(room, bookings.Days(first, first), days)
			var end time.Time
			lengths := map[time.Duration]int{}
			h.eachDay(room, first, days, func(d when.Date, b store.Booking) {
				if !b.From.Equal(firstShown(when.Wall{Date: d}, h.zone)) || !end.IsZero() && !b.From.Equal(end) {
					t.Errorf("the whole %s begins at %v, the one before ends at %v", d, b.From.In(h.zone), end.In(h.zone))
				}
				end = b.To
				lengths[b.Span().Duration()]++
			})
			if lengths[24*time.Hour] != days-1 || len(lengths) != 2 {
				t.Errorf("lengths of days: %v", lengths)
			}
		})
	}
}

// changesOn reports whether a local day has another length than 24 hours.
func changesOn(d when.Date, zone *time.Location) bool {
	return d.Interval(zone).Duration() != 24*time.Hour
}

// dailySeries books a daily series for a job, which no rule binds.
func (h *house) dailySeries(room store.WorkspaceID, first bookings.Times, days int) {
	h.tb.Helper()
	rule := fmt.Sprintf("FREQ=DAILY;COUNT=%d", days)
	if _, err := h.s.CreateSeries(context.Background(), people.Job("test"), bookings.SeriesRequest{
		Workspace: room, First: first, Rule: rule, Source: store.FromPortal,
	}); err != nil {
		h.tb.Fatal(err, bookings.Conflicts(err))
	}
}

// eachDay calls f with the one booking that begins on each local day, and checks what the day's agenda and the
// state at its ends say.
func (h *house) eachDay(room store.WorkspaceID, first when.Date, days int, f func(when.Date, store.Booking)) {
	h.tb.Helper()
	for n := range days {
		d := first.Add(n)
		span := d.Interval(h.zone)
		agenda, err := h.s.Agenda(context.Background(), bookings.Door(), room, span.From, span.To)
		if err != nil {
			h.tb.Fatal(err)
		}
		if len(agenda) != 1 || when.DayOf(agenda[0].From, h.zone) != d {
			h.tb.Errorf("%s holds %d bookings: %+v", d, len(agenda), agenda)
			continue
		}
		b := agenda[0]
		for at, want := range map[time.Time]bookings.StateKind{b.From: bookings.Busy, b.To.Add(-time.Second): bookings.Busy, b.To: bookings.Free} {
			if st := bookings.StateAt(agenda, at, 0); st.Kind != want {
				h.tb.Errorf("%s at %v: %s", d, at.In(h.zone), st.Kind)
			}
		}
		if st := bookings.StateAt(agenda, b.From.Add(-time.Second), 0); st.Kind != bookings.Free || !st.NextChange.Equal(b.From) {
			h.tb.Errorf("%s before it: %+v", d, st)
		}
		f(d, store.Booking{From: b.From, To: b.To})
	}
}

// firstShown finds, minute by minute, the first instant at which a clock in the zone shows the wall time, or, when it
// never does, the first at which it shows a later one.
func firstShown(w when.Wall, zone *time.Location) time.Time {
	t := time.Date(w.Year, w.Month, w.Day, 0, w.Minute, 0, 0, time.UTC).Add(-15 * time.Hour)
	for ; ; t = t.Add(time.Minute) {
		y, m, d := t.In(zone).Date()
		hour, min, _ := t.In(zone).Clock()
		shown := time.Date(y, m, d, hour, min, 0, 0, time.UTC)
		if !shown.Before(time.Date(w.Year, w.Month, w.Day, 0, w.Minute, 0, 0, time.UTC)) {
			return t
		}
	}
}
