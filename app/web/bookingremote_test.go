package web

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

// mirrored makes a booking system, which can be written to, that holds a booking in the room, from hour to hour.
func (p *portal) mirrored(from, to string) (path string) {
	p.t.Helper()
	p.Bookings.Remote.Book = func(context.Context, bookings.RemoteDraft) (store.BookingID, error) {
		return "", errors.New("nothing is booked in these tests")
	}
	system, err := p.Calendars.Connect(ctx, setup, calendarsOf("caldav", "Cloud"))
	must(p.t, err)
	must(p.t, p.Calendars.Attach(ctx, setup, p.room, system, "/cal/rigi/"))
	at := func(clock string) time.Time {
		wall, err := when.ParseWall("2026-11-21T" + clock)
		must(p.t, err)
		return wall.In(saturday(p.t).Location())
	}
	must(p.t, p.st.Update(ctx, func(tx *store.Tx) error {
		r, err := tx.ResourceOf(p.room)
		if err != nil {
			return err
		}
		r.Writable = true
		if err := tx.SaveResourceState(r); err != nil {
			return err
		}
		_, err = tx.ApplyAgenda(r, at("00:00"), at("23:59"), []store.SyncedEvent{{
			UID: "u1", Key: "u1", From: at(from), To: at(to), FromWall: "2026-11-21T" + from, ToWall: "2026-11-21T" + to, Zone: "Europe/Zurich", Subject: "Budget", Mine: true,
		}}, true)
		return err
	}))
	list, err := p.Bookings.Agenda(ctx, bookings.By(setup), p.room, at("00:00"), at("23:59"))
	must(p.t, err)
	if len(list) != 1 {
		p.t.Fatalf("%d bookings are mirrored", len(list))
	}
	return "/bookings/" + string(list[0].ID)
}

// A booking that is gone from its booking system leads to its room, which says so.
func TestChangeOfWhatIsGone(t *testing.T) {
	t.Parallel()
	gone := problem.New(problem.NotFound, "bookings.gone")
	for _, c := range []struct{ name, action, from string }{
		{"cancel", "/cancel", "16:00"}, {"extend", "/extend", "13:00"}, {"end", "/end", "13:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := furnished(t)
			path := p.mirrored(c.from, "17:00")
			p.Bookings.Remote.SetEnd = func(context.Context, store.WorkspaceID, store.BookingID, time.Time) error { return gone }
			p.Bookings.Remote.Release = func(context.Context, store.WorkspaceID, store.BookingID) error { return gone }
			b, room := p.as("boss"), "/rooms/"+string(p.room)
			b.post(path+c.action, "minutes", "30").leads(t, room)
			b.get(room).want(t, 200, "This booking is not in the booking system any more.", "Matterhorn")
			b.get(room).want(t, 200, "-not in the booking system any more")
		})
	}
}

// Where no answer came to a change, nobody is told that it may be tried again without a look: it is no booking that is made once.
func TestChangeWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	unsure := problem.New(problem.Down, "systems.unsure").Because(errors.New("no answer"))
	for _, c := range []struct{ name, action, from string }{
		{"cancel", "/cancel", "16:00"}, {"extend", "/extend", "13:00"}, {"end", "/end", "13:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := furnished(t)
			path := p.mirrored(c.from, "17:00")
			p.Bookings.Remote.SetEnd = func(context.Context, store.WorkspaceID, store.BookingID, time.Time) error { return unsure }
			p.Bookings.Remote.Release = func(context.Context, store.WorkspaceID, store.BookingID) error { return unsure }
			p.as("boss").post(path+c.action, "minutes", "30").want(t, 503, "did not confirm it", "look there before you try again", "-does not book twice", "Budget")
		})
	}
}
