package bookings_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/store"
)

// remote plays the sync engine and the booking system behind it: what is written comes back as a mirrored
// booking.
type remote struct {
	h      *house
	drafts []bookings.RemoteDraft
	ends   []time.Time
	fail   error
}

func (r *remote) book(_ context.Context, d bookings.RemoteDraft) (store.BookingID, error) {
	if r.fail != nil {
		return "", r.fail
	}
	r.drafts = append(r.drafts, d)
	id := store.NewID[store.BookingID]()
	r.h.mirror(id, d.Workspace, d.From, d.To, func(b *store.Booking) { b.Token, b.Source, b.Creator = d.Token, store.Source(d.Source), d.Creator })
	return id, nil
}

func (r *remote) setEnd(_ context.Context, _ store.WorkspaceID, id store.BookingID, to time.Time) error {
	if r.fail != nil {
		return r.fail
	}
	r.ends = append(r.ends, to)
	r.h.update(func(tx *store.Tx) error {
		b, err := tx.Booking(id)
		b.To = to
		return errors.Join(err, tx.UpdateBooking(b))
	})
	return nil
}

func (r *remote) release(_ context.Context, _ store.WorkspaceID, id store.BookingID) error {
	if r.fail != nil {
		return r.fail
	}
	r.h.update(func(tx *store.Tx) error {
		b, err := tx.Booking(id)
		b.CancelledAt, b.EndReason = tx.Now(), store.EndCancelled
		return errors.Join(err, tx.UpdateBooking(b))
	})
	return nil
}

// mirror stores a booking as the sync engine does.
func (h *house) mirror(id store.BookingID, ws store.WorkspaceID, from, to time.Time, change func(*store.Booking)) {
	h.tb.Helper()
	h.update(func(tx *store.Tx) error {
		r, err := tx.ResourceOf(ws)
		if err != nil {
			return err
		}
		b := store.Booking{
			ID: id, Workspace: ws, Resource: r.ID, From: from, To: to, FromWall: when.WallOf(from, h.zone), ToWall: when.WallOf(to, h.zone),
			Zone: h.zone.String(), Source: store.FromCalendar, ExtUID: string(id),
		}
		change(&b)
		return tx.InsertBooking(b)
	})
}

// attach gives the room a calendar in a booking system.
func (h *house) attach(ws store.WorkspaceID, writable bool) *remote {
	h.tb.Helper()
	h.update(func(tx *store.Tx) error {
		return errors.Join(tx.SaveSystem(store.System{ID: "sys", Kind: "caldav", Name: "CalDAV", URL: "https://dav.example.org"}),
			tx.AttachResource(store.Resource{ID: "res", Workspace: ws, System: "sys", Address: "/rigi/", Writable: writable}, false))
	})
	r := &remote{h: h}
	h.s.Remote = bookings.Remote{Book: r.book, SetEnd: r.setEnd, Release: r.release}
	return r
}

func TestRemote(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	r := h.attach(h.room, true)
	b, err := h.s.Create(ctx, h.anna, bookings.Request{
		Workspace: h.room, Times: local(t, "2026-11-23T10:00", "2026-11-23T11:00"), Subject: "Planning", Private: true, Source: store.FromPortal,
	})
	if err != nil || b.Hosted || !b.Mine || !b.MayChange || b.MayMove {
		t.Fatalf("%+v, %v", b, err)
	}
	d := r.drafts[0]
	if d.Subject != "Planning" || !d.Private || d.OrganizerName != "Anna Keller" || d.Creator != h.anna.Person || len(d.Token) < 8 || d.Source != "portal" ||
		!d.From.Equal(wall(t, "2026-11-23T10:00").In(h.zone)) {
		t.Errorf("wrote %+v", d)
	}
	if h.told() != nil {
		t.Error("the engine told of what the sync engine tells")
	}
	times := local(t, "2026-11-23T12:00", "2026-11-23T13:00")
	_, err = h.s.Change(ctx, h.anna, b.ID, bookings.Change{Times: &times})
	wantProblem(t, err, "bookings.change_in_system")
	_, err = h.s.EndNow(ctx, h.beat, b.ID)
	wantProblem(t, err, "bookings.not_yours")
	longer := wall(t, "2026-11-23T11:30").In(h.zone)
	if got, err := h.s.Extend(ctx, h.anna, b.ID, longer); err != nil || !got.To.Equal(longer) || got.EndReason != store.EndNone {
		t.Errorf("%+v, %v", got, err)
	}
	h.setNow(wall(t, "2026-11-23T10:30").In(h.zone))
	if got, err := h.s.EndNow(ctx, h.anna, b.ID); err != nil || !got.To.Equal(h.now()) || got.EndReason != store.EndEnded {
		t.Errorf("%+v, %v", got, err)
	}
	c := h.book(h.anna, h.room, local(t, "2026-11-24T10:00", "2026-11-24T11:00"))
	if err := h.s.Cancel(ctx, h.anna, c.ID); err != nil {
		t.Error(err)
	}
	if n := len(h.agenda(h.room)); n != 1 {
		t.Errorf("%d bookings stand", n)
	}
	_, err = h.s.CreateSeries(ctx, h.anna, bookings.SeriesRequest{Workspace: h.room, First: times, Rule: "FREQ=DAILY;COUNT=2", Source: store.FromPortal})
	wantProblem(t, err, "bookings.no_series_in_system")
	var actions []string
	h.update(func(tx *store.Tx) error {
		log, err := tx.AuditLog(0, 100)
		for _, e := range log {
			actions = append(actions, e.Action)
		}
		return err
	})
	want := []string{"booking.cancel", "booking.create", "booking.end", "booking.extend", "booking.create"}
	if len(actions) != len(want) {
		t.Fatalf("audit: %v", actions)
	}
	for i := range want {
		if actions[i] != want[i] {
			t.Errorf("audit: %v", actions)
		}
	}
}

func TestRemoteFailures(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	r := h.attach(h.room, true)
	at := wall(t, "2026-11-23T10:00").In(h.zone)
	h.mirror("theirs", h.room, at, at.Add(time.Hour), func(b *store.Booking) { b.Subject, b.Organizer = "Board", h.beat.Person })
	req := bookings.Request{Workspace: h.room, Times: local(t, "2026-11-23T10:30", "2026-11-23T11:30"), Source: store.FromPortal}

	r.fail = problem.New(problem.Conflict, "bookings.taken")
	_, err := h.s.Create(ctx, h.anna, req)
	wantProblem(t, err, "bookings.taken")
	if c := bookings.Conflicts(err); len(c) != 1 || len(c[0].With) != 1 || c[0].With[0].Subject != "Board" {
		t.Errorf("conflicts %+v", c)
	}
	// Taken in the system by what our copy does not know yet.
	req.Times = local(t, "2026-11-23T15:00", "2026-11-23T16:00")
	_, err = h.s.Create(ctx, h.anna, req)
	wantProblem(t, err, "bookings.taken")
	if c := bookings.Conflicts(err); len(c) != 1 || len(c[0].With) != 0 {
		t.Errorf("conflicts %+v", c)
	}
	r.fail = problem.New(problem.Down, "systems.unreachable")
	_, err = h.s.Create(ctx, h.anna, req)
	wantProblem(t, err, "systems.unreachable")
	wantProblem(t, h.s.Cancel(ctx, h.beat, "theirs"), "systems.unreachable")
	r.fail = errors.New("cut")
	if _, err = h.s.Create(ctx, h.anna, req); !errors.Is(err, r.fail) || problem.Of(err) != nil {
		t.Errorf("%v", err)
	}
}

func TestReadOnlySystem(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	own := h.book(h.beat, h.room, local(t, "2026-11-23T14:00", "2026-11-23T15:00")) // from before it was attached
	r := h.attach(h.room, false)
	at := wall(t, "2026-11-23T10:00").In(h.zone)
	h.mirror("theirs", h.room, at, at.Add(time.Hour), func(b *store.Booking) { b.Organizer = h.beat.Person })
	_, err := h.s.Create(ctx, h.beat, bookings.Request{Workspace: h.room, Times: local(t, "2026-11-23T16:00", "2026-11-23T17:00"), Source: store.FromPortal})
	wantProblem(t, err, "bookings.read_only")
	wantProblem(t, h.s.Cancel(ctx, h.beat, "theirs"), "bookings.read_only")
	if b, _, err := h.s.Booking(ctx, bookings.By(h.beat), "theirs"); err != nil || b.MayChange || !b.Mine {
		t.Errorf("%+v, %v", b, err)
	}
	if err := h.s.Cancel(ctx, h.beat, own.ID); err != nil {
		t.Errorf("what is ours can still be cancelled: %v", err)
	}
	if found, err := h.s.FindFree(ctx, h.beat, bookings.Search{Times: local(t, "2026-11-23T16:00", "2026-11-23T17:00"), Seats: 8}); len(found) != 0 || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if len(r.drafts)+len(r.ends) > 0 {
		t.Error("something was written")
	}
}
