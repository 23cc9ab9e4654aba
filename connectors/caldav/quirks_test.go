package caldav_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/caldav/caldavtest"
)

// movable is a fake whose clock stands until it is moved.
func movable(t *testing.T, q caldavtest.Quirks) (s *caldavtest.Server, move func(time.Duration)) {
	var now atomic.Int64
	now.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixNano())
	s = caldavtest.Start(q, func() time.Time { return time.Unix(0, now.Load()) })
	t.Cleanup(s.Close)
	return s, func(d time.Duration) { now.Add(int64(d)) }
}

// A tag that is a second says nothing of a second change within it; later it is as good as others.
func TestTagOfThisSecond(t *testing.T) {
	t.Parallel()
	s, move := movable(t, caldavtest.Quirks{SecondTags: true})
	c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
	room := connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}
	var cursor connectors.Cursor
	look := func(changed bool, requests int) {
		t.Helper()
		s.Calls()
		ch, err := c.Probe(t.Context(), room, cursor)
		if err != nil || ch.Changed != changed {
			t.Fatalf("changed=%v, want %v; %v", ch.Changed, changed, err)
		}
		if n := len(s.Calls()); n != requests {
			t.Errorf("%d requests, want %d", n, requests)
		}
		cursor = ch.Next
	}
	put := func(from string) { s.Put(caldavtest.Room, "a.ics", meeting("a", "2026-11-23", from, "18:00").ICS()) }
	put("09:00")
	look(true, 2)
	look(false, 2)
	put("10:00")
	look(true, 2)
	put("11:00")
	move(time.Minute)
	look(true, 2)
	look(false, 1)
	put("12:00")
	look(true, 2)
	move(time.Minute)
	look(false, 2)
	look(false, 1)
}

// An object that is deleted and made again under its name is another one, even when its ETag is the old one.
func TestNameUsedAgain(t *testing.T) {
	t.Parallel()
	s, move := movable(t, caldavtest.Quirks{CountedETags: true})
	c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
	s.Put(caldavtest.Room, "a.ics", meeting("far away", "2027-05-03", "09:00", "10:00").ICS())
	read := func(state []byte) connectors.Snapshot {
		t.Helper()
		snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}, Window: week(t), State: state})
		if err != nil {
			t.Fatal(err)
		}
		return snap
	}
	first := read(nil)
	if len(first.Events) != 0 {
		t.Fatalf("%+v", first.Events)
	}
	move(time.Minute)
	s.Delete(caldavtest.Room, "a.ics")
	s.Put(caldavtest.Room, "a.ics", meeting("near", "2026-11-24", "09:00", "10:00").ICS())
	if got := read(first.State); len(got.Events) != 1 || got.Events[0].Subject != "near" {
		t.Errorf("%+v", got.Events)
	}
}

// An event whose object gets another name while the calendar is read, as some programs and servers do when it is moved or
// edited, stands all the time and is seen. What is listed and can't be had ends the reading all the same.
func TestRenamedWhileRead(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]caldavtest.Quirks{"plain": {}, "one by one": {NoData: true}, "no tags": {NoETag: true, NoLastModified: true}} {
		s := start(t, q)
		for i := range 60 { // more than one report
			s.Put(caldavtest.Room, "m"+strconv.Itoa(i)+".ics", meeting("m"+strconv.Itoa(i), "2026-11-23", "09:00", "10:00").ICS())
		}
		s.Break(caldavtest.Fault{Method: "REPORT", Times: 1, Before: func() {
			s.Put(caldavtest.Room, "a.ics", meeting("m59", "2026-11-23", "09:00", "10:00").ICS())
			s.Delete(caldavtest.Room, "m59.ics")
		}})
		req := connectors.ReadRequest{Room: connectors.Room{ID: caldavtest.Room, Zone: zurich(t)}, Window: when.Interval{
			From: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC),
		}}
		c := connect(t, s.URL(), caldavtest.User, caldavtest.Password)
		snap, err := c.Read(t.Context(), req)
		if err != nil || len(snap.Events) != 60 {
			t.Errorf("%s: %d events, %v", name, len(snap.Events), err)
		}
		// A list that shows what is not there any more, for good.
		s.Lag(caldavtest.Room, 100)
		s.Delete(caldavtest.Room, "m1.ics")
		s.Break(caldavtest.Fault{Method: "REPORT", Status: 405})
		if snap, err = c.Read(t.Context(), req); err != nil || len(snap.Events) != 59 {
			t.Errorf("%s, listed and not there: %d events, %v", name, len(snap.Events), err)
		}
	}
}
