package caldav_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"lintel/connectors"
	"lintel/connectors/caldav/caldavtest"
	"lintel/connectors/conntest"
)

// An object of which nothing can be read is named by its address, and no longer when it was deleted.
func TestUnreadObject(t *testing.T) {
	t.Parallel()
	s := start(t, caldavtest.Quirks{})
	room := connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}
	c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
	req := connectors.ReadRequest{Room: room, Window: week(t)}
	read := func(want ...string) connectors.Snapshot {
		t.Helper()
		snap, err := c.Read(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if (snap.Skipped > 0) != (len(want) > 0) || !slices.Equal(snap.Unread, want) {
			t.Fatalf("%d skipped, unread %q, want %q", snap.Skipped, snap.Unread, want)
		}
		req.State = snap.State
		return snap
	}
	series := meeting("a", "2026-11-23", "09:00", "10:00")
	series.Rule = "FREQ=DAILY;COUNT=3"
	s.Put(caldavtest.Room, "a.ics", series.ICS())
	s.Put(caldavtest.Room, "b.ics", conntest.Seed{Raw: "BEGIN:VTODO\r\nUID:b\r\nEND:VTODO\r\n"}.ICS())
	was := read().Events
	for _, nonsense := range []string{"", "no calendar at all", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMM", strings.ReplaceAll(series.ICS(), "DTSTART", "X-START")} {
		s.Put(caldavtest.Room, "a.ics", nonsense)
		for range 2 {
			read(caldavtest.Room + "a.ics")
		}
	}
	for _, ev := range was {
		if ev.Key != connectors.OccurrenceKey(caldavtest.Room+"a.ics", ev.Occurrence) {
			t.Errorf("the key of an event is %q", ev.Key)
		}
	}
	s.Delete(caldavtest.Room, "a.ics")
	read()
}

// An object that the server can't give at the moment is asked for again, though the list says that it did not change.
func TestUnreadForAWhile(t *testing.T) {
	t.Parallel()
	s := start(t, caldavtest.Quirks{NoData: true})
	s.Put(caldavtest.Room, "a.ics", meeting("a", "2026-11-23", "09:00", "10:00").ICS())
	c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
	req := connectors.ReadRequest{Room: connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}, Window: week(t)}
	s.Break(caldavtest.Fault{Method: http.MethodGet, Suffix: "/a.ics", Status: http.StatusInternalServerError})
	snap, err := c.Read(t.Context(), req)
	if err != nil || snap.Skipped != 1 || !slices.Equal(snap.Unread, []string{caldavtest.Room + "a.ics"}) {
		t.Fatalf("%+v, %v", snap, err)
	}
	s.Repair()
	req.State = snap.State
	if snap, err = c.Read(t.Context(), req); err != nil || len(snap.Events) != 1 || snap.Skipped != 0 || snap.Unread != nil {
		t.Errorf("%+v, %v", snap, err)
	}
}
