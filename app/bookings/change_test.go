package bookings_test

import (
	"context"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/store"
)

func TestChange(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	b := h.book(h.anna, h.room, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	h.book(h.beat, h.room, local(t, "2026-11-23T11:00", "2026-11-23T12:00"))
	h.told()
	move := func(from, to string) error {
		times := local(t, from, to)
		_, err := h.s.Change(ctx, h.anna, b.ID, bookings.Change{Times: &times})
		return err
	}
	wantProblem(t, move("2026-11-23T10:30", "2026-11-23T11:30"), "bookings.taken")
	wantProblem(t, move("2026-11-22T10:00", "2026-11-22T11:00"), "bookings.in_past")
	if err := move("2026-11-23T10:30", "2026-11-23T11:00"); err != nil { // overlaps nothing but itself
		t.Error(err)
	}
	subject, private := "Offsite", true
	shown, err := h.s.Change(ctx, h.anna, b.ID, bookings.Change{Workspace: h.other, Subject: &subject, Private: &private, Revision: 2})
	if err != nil || shown.Workspace != h.other || shown.Subject != "Offsite" || !shown.Private || shown.From.In(h.zone).Hour() != 10 {
		t.Errorf("%+v, %v", shown, err)
	}
	if told := h.told(); len(told) != 3 || told[1] != h.room || told[2] != h.other {
		t.Errorf("told %v, want both rooms of the last change", told)
	}
	_, err = h.s.Change(ctx, h.anna, b.ID, bookings.Change{Subject: &subject, Revision: 2})
	wantProblem(t, err, "bookings.changed_meanwhile")
	_, err = h.s.Change(ctx, h.anna, b.ID, bookings.Change{Organizer: &bookings.Organizer{ID: h.beat.Person}})
	wantProblem(t, err, "bookings.not_for_others")
	h.setNow(wall(t, "2026-11-23T12:00").In(h.zone))
	_, err = h.s.Change(ctx, h.anna, b.ID, bookings.Change{Subject: &subject})
	wantProblem(t, err, "bookings.over")
	_, err = h.s.Change(ctx, h.anna, "nothing", bookings.Change{})
	wantProblem(t, err, "bookings.no_booking")
}

// Of a booking that has begun only the end can move.
func TestChangeWhileItRuns(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	b := h.book(h.anna, h.room, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	h.setNow(wall(t, "2026-11-23T10:20").In(h.zone))
	for _, c := range []struct{ from, to, want string }{
		{"10:10", "11:00", "bookings.has_begun"},
		{"12:00", "13:00", "bookings.has_begun"},
		{"10:00", "10:20", "bookings.in_past"},
		{"10:00", "10:30", ""},
		{"10:00", "12:00", ""},
	} {
		times := local(t, "2026-11-23T"+c.from, "2026-11-23T"+c.to)
		_, err := h.s.Change(context.Background(), h.anna, b.ID, bookings.Change{Times: &times})
		if c.want != "" {
			wantProblem(t, err, c.want)
		} else if err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
	if _, err := h.s.Change(context.Background(), h.anna, b.ID, bookings.Change{Workspace: h.other}); problem.Of(err) == nil || problem.Of(err).Key != "bookings.has_begun" {
		t.Errorf("another room: %v", err)
	}
}

func TestEndNow(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	b := h.book(h.anna, h.room, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	_, err := h.s.EndNow(ctx, h.anna, b.ID)
	wantProblem(t, err, "bookings.not_running")
	for _, c := range []struct {
		name, at string
		seconds  int
		want     string
	}{
		{"in its first minute", "2026-11-23T10:00", 20, "10:01"},
		{"later", "2026-11-24T10:20", 59, "10:20"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := wall(t, c.at)
			b := b
			if at.Day != 23 {
				b = h.book(h.anna, h.room, bookings.Local(wall(t, "2026-11-24T10:00"), wall(t, "2026-11-24T11:00")))
			}
			h.setNow(at.In(h.zone).Add(time.Duration(c.seconds) * time.Second))
			ended, err := h.s.EndNow(ctx, h.anna, b.ID)
			if err != nil || ended.To.In(h.zone).Format("15:04") != c.want || ended.EndReason != store.EndEnded {
				t.Errorf("%v %s, %v", ended.To.In(h.zone), ended.EndReason, err)
			}
		})
	}
	// What was freed can be booked at once.
	h.book(h.beat, h.room, local(t, "2026-11-24T10:20", "2026-11-24T11:00"))
}

func TestExtend(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	b := h.book(h.anna, h.room, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	h.book(h.beat, h.room, local(t, "2026-11-23T11:30", "2026-11-23T12:00"))
	day := h.book(h.beat, h.other, bookings.Days(date(t, "2026-11-24"), date(t, "2026-11-24")))
	at := func(clock string) time.Time { return wall(t, "2026-11-23T"+clock).In(h.zone) }
	for _, c := range []struct {
		to   time.Time
		want string
	}{
		{at("11:00"), "bookings.not_later"},
		{at("10:30"), "bookings.not_later"},
		{at("11:15").Add(time.Second), "bookings.whole_minutes"},
		{at("11:31"), "bookings.taken"},
		{at("11:30").Add(48 * time.Hour), "bookings.too_long"},
	} {
		_, err := h.s.Extend(ctx, h.anna, b.ID, c.to)
		wantProblem(t, err, c.want)
	}
	longer, err := h.s.Extend(ctx, h.anna, b.ID, at("11:30"))
	if err != nil || !longer.To.Equal(at("11:30")) || longer.EndReason != store.EndNone {
		t.Errorf("%+v, %v", longer, err)
	}
	if got := h.agenda(h.room)[0].ToWall; got != wall(t, "2026-11-23T11:30") {
		t.Errorf("the local end is %v", got)
	}
	_, err = h.s.Extend(ctx, h.beat, day.ID, day.To.Add(time.Hour))
	wantProblem(t, err, "bookings.all_day_end")
}

func TestCancelAndRestore(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	slot := local(t, "2026-11-23T10:00", "2026-11-23T11:00")
	b := h.book(h.anna, h.room, slot)
	if err := h.s.Cancel(ctx, h.anna, b.ID); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, h.s.Cancel(ctx, h.anna, b.ID), "bookings.cancelled_already")
	c := h.book(h.beat, h.room, slot)
	_, err := h.s.Restore(ctx, h.anna, b.ID)
	wantProblem(t, err, "bookings.taken")
	_, err = h.s.Restore(ctx, h.beat, b.ID)
	wantProblem(t, err, "bookings.not_yours")
	_, err = h.s.Restore(ctx, h.beat, c.ID)
	wantProblem(t, err, "bookings.not_cancelled")
	if err := h.s.Cancel(ctx, h.beat, c.ID); err != nil {
		t.Fatal(err)
	}
	back, err := h.s.Restore(ctx, h.anna, b.ID)
	if err != nil || back.Cancelled || back.EndReason != store.EndNone || back.Subject != "Planning" {
		t.Errorf("%+v, %v", back, err)
	}
	// One that runs is ended: that it was is a fact.
	h.setNow(wall(t, "2026-11-23T10:30").In(h.zone))
	if err := h.s.Cancel(ctx, h.anna, b.ID); err != nil {
		t.Fatal(err)
	}
	got, _, err := h.s.Booking(ctx, bookings.By(h.anna), b.ID)
	if err != nil || got.Cancelled || got.EndReason != store.EndEnded || got.Span().Duration() != 30*time.Minute {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = h.s.Restore(ctx, h.beat, c.ID)
	wantProblem(t, err, "bookings.over")
}

func TestRanOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	over := h.book(h.anna, h.room, local(t, "2026-11-23T09:00", "2026-11-23T10:00"))
	gone := h.book(h.anna, h.room, local(t, "2026-11-23T08:00", "2026-11-23T08:30"))
	runs := h.book(h.anna, h.room, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	h.setNow(wall(t, "2026-11-23T08:10").In(h.zone))
	if _, err := h.s.EndNow(ctx, h.anna, gone.ID); err != nil {
		t.Fatal(err)
	}
	h.setNow(wall(t, "2026-11-23T10:00").In(h.zone))
	for want := int64(1); want >= 0; want-- {
		if n, err := h.s.RanOut(ctx); n != want || err != nil {
			t.Errorf("noted %d, %v, want %d", n, err, want)
		}
	}
	for id, want := range map[store.BookingID]store.EndReason{over.ID: store.EndRanOut, gone.ID: store.EndEnded, runs.ID: store.EndNone} {
		if b, _, err := h.s.Booking(ctx, bookings.By(h.anna), id); err != nil || b.EndReason != want {
			t.Errorf("%s, %v, want %q", b.EndReason, err, want)
		}
	}
}

// Every change stands in the audit log, under the pseudonym of who did it, without a word of the booking.
func TestAudit(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	b := h.book(h.anna, h.room, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	later := local(t, "2026-11-23T12:00", "2026-11-23T13:00")
	if _, err := h.s.Change(ctx, h.chief, b.ID, bookings.Change{Times: &later}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.s.Extend(ctx, h.anna, b.ID, later1300(h)); err != nil {
		t.Fatal(err)
	}
	if err := h.s.Cancel(ctx, h.anna, b.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.s.Restore(ctx, h.anna, b.ID); err != nil {
		t.Fatal(err)
	}
	var log []store.AuditEntry
	h.update(func(tx *store.Tx) (err error) {
		log, err = tx.AuditLog(0, 100)
		return err
	})
	want := []struct {
		action string
		by     people.Actor
	}{{"booking.restore", h.anna}, {"booking.cancel", h.anna}, {"booking.extend", h.anna}, {"booking.change", h.chief}, {"booking.create", h.anna}}
	if len(log) != len(want) {
		t.Fatalf("%d lines, want %d", len(log), len(want))
	}
	for i, w := range want {
		e := log[i]
		if e.Action != w.action || e.Person != w.by.Person || e.ObjectID != string(b.ID) || e.Detail["workspace"] != string(h.room) || len(e.Detail) != 1 {
			t.Errorf("line %d: %+v, want %s", i, e, w.action)
		}
	}
}

// later1300 is a quarter past one.
func later1300(h *house) time.Time { return wall(h.tb, "2026-11-23T13:15").In(h.zone) }
