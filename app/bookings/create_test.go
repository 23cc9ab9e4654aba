package bookings_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

func TestBackToBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	first := h.book(h.anna, h.room, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	h.book(h.beat, h.room, local(t, "2026-11-23T11:00", "2026-11-23T12:00"))
	h.book(h.beat, h.room, local(t, "2026-11-23T09:00", "2026-11-23T10:00"))
	h.book(h.beat, h.other, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	if want := []store.WorkspaceID{h.room, h.room, h.room, h.other}; !cmp.Equal(want, h.told()) {
		t.Error("the changed rooms were not told one by one")
	}
	for _, c := range []struct{ name, from, to string }{
		{"the same", "10:00", "11:00"},
		{"within", "10:15", "10:30"},
		{"around", "08:30", "12:30"},
		{"the last minute", "10:55", "11:00"},
		{"into the next", "11:59", "13:00"},
	} {
		_, err := h.s.Create(context.Background(), h.beat, bookings.Request{
			Workspace: h.room, Times: local(t, "2026-11-23T"+c.from, "2026-11-23T"+c.to), Source: store.FromPortal,
		})
		wantProblem(t, err, "bookings.taken")
		if len(bookings.Conflicts(err)) != 1 || len(bookings.Conflicts(err)[0].With) == 0 {
			t.Errorf("%s: the conflict does not say with what", c.name)
		}
	}
	if h.told() != nil {
		t.Error("a refused booking was told as a change")
	}
	if first.Organizer != "Anna Keller" || !first.Mine || !first.MayMove {
		t.Errorf("the booking as its maker sees it: %+v", first)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T10:05")
	d := func(day, from, to string) bookings.Times { return local(t, day+"T"+from, day+"T"+to) }
	long := strings.Repeat("ä", bookings.SubjectMax)
	for _, c := range []struct {
		name  string
		times bookings.Times
		want  string // "" = accepted
	}{
		{"a quarter of an hour that began", d("2026-11-23", "10:00", "10:15"), ""},
		{"began too long ago", d("2026-11-23", "09:45", "10:45"), "bookings.in_past"},
		{"yesterday", d("2026-11-22", "12:00", "13:00"), "bookings.in_past"},
		{"five minutes", d("2026-11-23", "11:00", "11:05"), ""},
		{"four minutes", d("2026-11-23", "11:10", "11:14"), "bookings.too_short"},
		{"no length", d("2026-11-23", "12:00", "12:00"), "bookings.end_before_start"},
		{"backwards", d("2026-11-23", "12:00", "11:00"), "bookings.end_before_start"},
		{"a day by the clock", local(t, "2026-12-01T00:00", "2026-12-02T00:00"), ""},
		{"more than a day by the clock", local(t, "2026-12-02T00:00", "2026-12-03T00:05"), "bookings.too_long"},
		{"the last day of the horizon", d("2027-11-24", "09:00", "10:00"), ""},
		{"beyond the horizon", d("2027-11-25", "09:00", "10:00"), "bookings.too_far"},
		{"today, whole", bookings.Days(date(t, "2026-11-24"), date(t, "2026-11-24")), ""},
		{"31 days", bookings.Days(date(t, "2027-01-01"), date(t, "2027-01-31")), ""},
		{"32 days", bookings.Days(date(t, "2027-03-01"), date(t, "2027-04-01")), "bookings.too_many_days"},
		{"half a minute", bookings.Instants(h.at.Add(30*time.Second), h.at.Add(time.Hour)), "bookings.whole_minutes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := h.s.Create(context.Background(), h.anna, bookings.Request{Workspace: h.room, Times: c.times, Subject: long, Source: store.FromPortal})
			switch {
			case c.want != "":
				wantProblem(t, err, c.want)
			case err != nil:
				t.Errorf("refused: %v", err)
			}
		})
	}
	t.Run("jobs are not bound", func(t *testing.T) {
		_, err := h.s.Create(context.Background(), people.Job("demo"), bookings.Request{
			Workspace: h.room, Times: d("2026-11-20", "09:00", "09:02"), Source: store.FromDemo, Organizer: bookings.Organizer{Name: "Dora Huber"},
		})
		if err != nil {
			t.Error(err)
		}
	})
	for name, c := range map[string]struct {
		r     bookings.Request
		want  string
		field string
	}{
		"long subject": {bookings.Request{Subject: long + "x"}, "bookings.too_many_characters", "subject"},
		"bad address":  {bookings.Request{Organizer: bookings.Organizer{Name: "X", Email: "x at y"}}, "bookings.bad_email", "organizer_email"},
		"another organizer": {
			bookings.Request{Organizer: bookings.Organizer{Name: "Beat Meier", Email: "beat@example.org"}}, "bookings.not_for_others", "organizer_name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.r.Workspace, c.r.Times, c.r.Source = h.other, d("2026-11-23", "15:00", "16:00"), store.FromPortal
			_, err := h.s.Create(context.Background(), h.anna, c.r)
			wantProblem(t, err, c.want)
			if p := problem.Of(err); p == nil || p.Fields[c.field] == "" {
				t.Errorf("%v does not blame %s", err, c.field)
			}
		})
	}
}

func TestWhoMayBook(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	elsewhere, _ := h.addBuilding("Annex", "Europe/Zurich")
	req := bookings.Request{Workspace: h.room, Times: local(t, "2026-11-23T10:00", "2026-11-23T11:00"), Source: store.FromPortal}
	for name, by := range map[string]people.Actor{
		"nobody":                {},
		"an auditor":            {Kind: people.KindAccount, Person: h.anna.Person, Grants: []people.Grant{{Role: people.Auditor}}},
		"a user of another one": {Kind: people.KindAccount, Person: h.anna.Person, Grants: []people.Grant{{Role: people.User, Building: elsewhere}}},
		"a device":              people.Device("d"),
		"a booking system":      people.System("s"),
	} {
		_, err := h.s.Create(ctx, by, req)
		if wantProblem(t, err, "people.forbidden"); err == nil {
			t.Errorf("%s booked", name)
		}
	}
	h.setRoom(h.room, func(w *store.Workspace) { w.Bookable = false })
	_, err := h.s.Create(ctx, h.anna, req)
	wantProblem(t, err, "bookings.not_bookable")
	h.update(func(tx *store.Tx) error { return tx.DeleteWorkspace(h.room) })
	_, err = h.s.Create(ctx, h.anna, req)
	wantProblem(t, err, "bookings.no_workspace")

	b := h.book(h.anna, h.other, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	later := local(t, "2026-11-23T14:00", "2026-11-23T15:00")
	_, err = h.s.Change(ctx, h.beat, b.ID, bookings.Change{Times: &later})
	wantProblem(t, err, "bookings.not_yours")
	wantProblem(t, h.s.Cancel(ctx, h.beat, b.ID), "bookings.not_yours")
	if _, err := h.s.Change(ctx, h.chief, b.ID, bookings.Change{Times: &later}); err != nil {
		t.Errorf("a booking manager moves it: %v", err)
	}
	if err := h.s.Cancel(ctx, h.anna, b.ID); err != nil {
		t.Errorf("its organizer cancels it: %v", err)
	}
}

// The one who makes a booking and the one who organises it may differ, and the organizer may be an outsider.
func TestOrganizerAndCreator(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	made := map[string]bookings.Organizer{
		"10": {ID: h.anna.Person},
		"11": {Name: "Somebody Else", Email: "Guest@Example.net"},
		"12": {Name: "Only A Name"},
		"13": {},
	}
	want := map[string]string{"10": "Anna Keller", "11": "Somebody Else", "12": "Only A Name", "13": "Carla Rossi"}
	for hour, o := range made {
		b, err := h.s.Create(ctx, h.chief, bookings.Request{
			Workspace: h.room, Times: local(t, "2026-11-23T"+hour+":00", "2026-11-23T"+hour+":30"), Organizer: o, Source: store.FromPortal,
		})
		if err != nil || b.Organizer != want[hour] || !b.Mine {
			t.Errorf("%+v: %+v, %v", o, b, err)
		}
	}
	for _, b := range h.agenda(h.room) {
		if b.Creator != h.chief.Person {
			t.Errorf("the creator of %s is %q", b.Organizer, b.Creator)
		}
	}
	own, err := h.s.Own(ctx, h.anna, h.now())
	if err != nil || len(own) != 1 || !own[0].Booking.Mine || own[0].Place.Workspace.ID != h.room {
		t.Errorf("Anna's own: %+v, %v", own, err)
	}
	// Naming oneself by address is no booking for others.
	if _, err := h.s.Create(ctx, h.beat, bookings.Request{
		Workspace: h.room, Times: local(t, "2026-11-23T15:00", "2026-11-23T16:00"), Organizer: bookings.Organizer{Email: "BEAT@example.org"}, Source: store.FromPortal,
	}); err != nil {
		t.Error(err)
	}
}

// The same request twice makes one booking; the same token for something else is told.
func TestToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	req := bookings.Request{Workspace: h.room, Times: local(t, "2026-11-23T10:00", "2026-11-23T11:00"), Token: "0123456789", Source: store.FromPortal}
	first, err := h.s.Create(ctx, h.anna, req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.s.Create(ctx, h.anna, req)
	if err != nil || again.ID != first.ID || len(h.agenda(h.room)) != 1 {
		t.Errorf("the second time: %v, %v", again.ID, err)
	}
	if told := h.told(); len(told) != 1 {
		t.Errorf("told %d times", len(told))
	}
	_, err = h.s.Create(ctx, h.beat, req)
	wantProblem(t, err, "bookings.sent_twice")
	req.Times = local(t, "2026-11-23T12:00", "2026-11-23T13:00")
	_, err = h.s.Create(ctx, h.anna, req)
	wantProblem(t, err, "bookings.sent_twice")
}

// A booking "now" in the second of two equal hours is where the clock stands, not an hour earlier.
func TestInstantsInTheDoubleHour(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-10-25T01:00")
	second := time.Date(2026, 10, 25, 1, 10, 0, 0, time.UTC) // 02:10 CET, the second 02:10 of the night
	h.setNow(second)
	b := h.book(h.anna, h.room, bookings.Instants(second, second.Add(30*time.Minute)))
	if !b.From.Equal(second) || b.Span().Duration() != 30*time.Minute {
		t.Errorf("booked %v", b.Span())
	}
	if r, err := h.s.Rederive(context.Background(), people.Job("zones"), h.building); err != nil || r.Moved != 0 || len(r.Lost) != 0 {
		t.Errorf("deriving it anew: %+v, %v", r, err)
	}
	stored := h.agenda(h.room)[0]
	if stored.FromWall != (when.Wall{Date: date(t, "2026-10-25"), Minute: 130}) || !stored.From.Equal(second) {
		t.Errorf("stored %v %v", stored.FromWall, stored.From)
	}
}
