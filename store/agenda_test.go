package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lintel/store"
	"lintel/store/storetest"
)

// mirror is a room whose agenda comes from a booking system.
type mirror struct {
	tb       testing.TB
	st       *store.Store
	now      time.Time
	resource store.Resource
	from, to time.Time // of the window
}

func newMirror(tb testing.TB) *mirror {
	tb.Helper()
	m := &mirror{tb: tb, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	m.from, m.to = m.now.AddDate(0, 0, -1), m.now.AddDate(0, 0, 15)
	m.st = storetest.Open(tb, func() time.Time { return m.now })
	_, floor := makeBuilding(tb, m.st, "UTC")
	y := store.System{ID: store.NewID[store.SystemID](), Kind: "caldav", Name: "System"}
	m.resource = store.Resource{ID: store.NewID[store.ResourceID](), Workspace: makeRoom(tb, m.st, floor, "Matterhorn"), System: y.ID, Address: "room"}
	update(tb, m.st, func(tx *store.Tx) error { return errors.Join(tx.SaveSystem(y), tx.AttachResource(m.resource, false)) })
	return m
}

func (m *mirror) apply(events ...store.SyncedEvent) (ch store.AgendaChange) {
	m.tb.Helper()
	update(m.tb, m.st, func(tx *store.Tx) (err error) {
		ch, err = tx.ApplyAgenda(m.resource, m.from, m.to, events, true)
		return err
	})
	return ch
}

// agenda returns the room's bookings by UID and occurrence.
func (m *mirror) agenda() map[string]store.Booking {
	m.tb.Helper()
	out := map[string]store.Booking{}
	if err := m.st.View(m.tb.Context(), func(tx *store.Tx) error {
		list, err := tx.Agenda(m.resource.Workspace, m.from.AddDate(0, -1, 0), m.to.AddDate(0, 2, 0))
		for _, b := range list {
			out[b.ExtUID+b.ExtOriginal] = b
		}
		return err
	}); err != nil {
		m.tb.Fatal(err)
	}
	return out
}

func synced(uid string, from time.Time) store.SyncedEvent {
	return store.SyncedEvent{UID: uid, Key: uid, Rev: "1", From: from, To: from.Add(time.Hour), Zone: "UTC", Subject: "Subject " + uid, Organizer: "Ann", Address: "ann@example.org"}
}

// Whatever a system tells, in whatever order and however often things move, change, go and come back: the stored agenda says
// it, and telling it again writes nothing.
func TestAgendaFollowsTheSystem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := newMirror(t)
		text := rapid.SampledFrom([]string{"", "a", " a ", "A", "b|c", "\x1f", "İ", "a@example.org", "ünï"})
		for range rapid.IntRange(1, 6).Draw(rt, "reads") {
			var events []store.SyncedEvent
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 7), 0, 6, rapid.ID[int]).Draw(rt, "events") {
				e := store.SyncedEvent{
					UID: fmt.Sprint("uid", n/2), Original: []string{"", "20261124T080000Z"}[n%2], Key: text.Draw(rt, "key"), Rev: text.Draw(rt, "rev"),
					From: m.from.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "hour")) * time.Hour), Zone: "UTC",
					AllDay: rapid.Bool().Draw(rt, "day"), Private: rapid.Bool().Draw(rt, "private"), Tentative: rapid.Bool().Draw(rt, "tentative"),
					Mine: rapid.Bool().Draw(rt, "mine"), HasImage: rapid.Bool().Draw(rt, "image"),
					Token: rapid.SampledFrom([]string{"", "", "token-1", "token-2"}).Draw(rt, "token"),
				}
				e.To = e.From.Add(time.Hour)
				if !e.Private {
					e.Subject, e.Organizer, e.Address = text.Draw(rt, "subject"), text.Draw(rt, "organizer"), text.Draw(rt, "address")
				}
				events = append(events, e)
			}
			m.apply(events...)
			if ch := m.apply(events...); ch.Any() {
				rt.Fatalf("the same again: %+v", ch)
			}
			got := m.agenda()
			for _, e := range events {
				b := got[e.UID+e.Original]
				delete(got, e.UID+e.Original)
				if !b.From.Equal(e.From) || b.Subject != e.Subject || b.ExtKey != e.Key || b.ExtRev != e.Rev || b.Private != e.Private || b.AllDay != e.AllDay ||
					b.Tentative != e.Tentative || b.ExtMine != e.Mine || b.HasImage != e.HasImage || (b.OrganizerEmail != "") && e.Address == "" {
					rt.Fatalf("stored %+v of %+v", b, e)
				}
			}
			for _, b := range got {
				if b.To.After(m.now) || b.Subject != "" || b.Organizer != "" {
					rt.Fatalf("%+v is no fact of a meeting that took place", b)
				}
			}
		}
	})
}

// A booking of ours was copied, or somebody made a series of it: each of them carries our token. The one that was ours
// keeps it, and the room goes on.
func TestTokenIsOneBookings(t *testing.T) {
	t.Parallel()
	m := newMirror(t)
	ours := synced("ours", m.now.Add(3*time.Hour))
	ours.Token = "token-12345"
	m.apply(ours)
	first := m.agenda()["ours"]
	copied := synced("copy", m.now.Add(time.Hour)) // earlier in the day than the original
	copied.Token = ours.Token
	for range 2 {
		m.apply(copied, ours)
		a := m.agenda()
		if a["ours"].ID != first.ID || a["ours"].Token != ours.Token || a["copy"].Token != "" || len(a) != 2 {
			t.Fatalf("after a copy: %+v", a)
		}
	}
	// The original is deleted after it began: its fact stays, the copy is ours now.
	m.now = ours.From.Add(time.Minute)
	m.apply(copied)
	if a := m.agenda(); a["copy"].Token != ours.Token || len(a) != 1 {
		t.Fatalf("after the original went: %+v", a)
	}
	series := make([]store.SyncedEvent, 3)
	for i := range series {
		series[i] = synced("copy", m.now.AddDate(0, 0, i))
		series[i].Original, series[i].Token = fmt.Sprintf("2026112%dT090000Z", 3+i), ours.Token
	}
	m.apply(series...)
	a := m.agenda()
	if n := len(slices.DeleteFunc(series, func(e store.SyncedEvent) bool { return a["copy"+e.Original].Token == "" })); n != 1 || len(a) != 4 { // with the copy, which took place
		t.Fatalf("%d occurrences of a series have the token: %+v", n, a)
	}
}

// How a booking ended stays noted when its system touches it afterwards, and is open again when it is moved.
func TestEndStaysNoted(t *testing.T) {
	t.Parallel()
	m := newMirror(t)
	e := synced("a", m.now.Add(-time.Hour))
	m.apply(e)
	id := m.agenda()["a"].ID
	update(t, m.st, func(tx *store.Tx) error { return tx.SetEndReason(id, store.EndEnded) })
	e.Rev = "2"
	if m.apply(e); m.agenda()["a"].EndReason != store.EndEnded {
		t.Errorf("after a new revision: %+v", m.agenda()["a"])
	}
	e.To = e.To.Add(time.Hour)
	if m.apply(e); m.agenda()["a"].EndReason != store.EndNone || m.agenda()["a"].ID != id {
		t.Errorf("after it was extended: %+v", m.agenda()["a"])
	}
}

// What ended before the window forgets who and what, and knows them again when it is moved into it. A window that lies ahead
// forgets nothing.
func TestWhatLeavesTheWindow(t *testing.T) {
	t.Parallel()
	m := newMirror(t)
	e, late := synced("a", m.now), synced("b", m.now.AddDate(0, 0, 2))
	m.apply(e, late)
	id := m.agenda()["a"].ID
	update(t, m.st, func(tx *store.Tx) error {
		_, err := tx.ApplyAgenda(m.resource, m.now.AddDate(0, 1, 0), m.now.AddDate(0, 1, 1), nil, true)
		return err
	})
	if a := m.agenda(); a["a"].Subject != "Subject a" || a["b"].Subject != "Subject b" {
		t.Fatalf("after a look at a month ahead: %+v", a)
	}
	m.now, m.from = m.now.AddDate(0, 0, 3), m.from.AddDate(0, 0, 3)
	m.apply(late)
	if a := m.agenda(); a["a"].Subject != "" || a["a"].Organizer != "" || a["b"].Subject != "Subject b" {
		t.Fatalf("after the window went on: %+v", a)
	}
	e.From, e.To = m.now.Add(time.Hour), m.now.Add(2*time.Hour)
	if ch := m.apply(e, late); ch != (store.AgendaChange{Changed: 1, Same: 1}) {
		t.Errorf("moved into the window: %+v", ch)
	}
	if a := m.agenda(); a["a"].ID != id || a["a"].Subject != "Subject a" || a["a"].OrganizerEmail != "ann@example.org" {
		t.Errorf("moved into the window: %+v", a)
	}
}

// A meeting that is deleted after it ended took place: it stays a fact without a person, told once. One that is deleted while it
// runs is cancelled.
func TestDeletedAfterItEnded(t *testing.T) {
	t.Parallel()
	m := newMirror(t)
	past, running := synced("past", m.now.Add(-3*time.Hour)), synced("running", m.now.Add(-10*time.Minute))
	for _, e := range []*store.SyncedEvent{&past, &running} {
		e.To, e.Subject, e.Organizer, e.Address = e.From.Add(time.Hour), "Subject", "Anna", "anna@example.org"
	}
	m.apply(past, running)
	if ch := m.apply(); ch.Changed != 1 || ch.Removed != 1 {
		t.Errorf("deleting both: %+v", ch)
	}
	a := m.agenda()
	if b, there := a["past"]; !there || b.Cancelled() || b.Subject != "" || b.OrganizerName != "" || b.EndReason == store.EndCancelled {
		t.Errorf("the past one: %+v", b)
	}
	if _, there := a["running"]; there {
		t.Error("the running one still occupies the room")
	}
	if ch := m.apply(); ch.Any() {
		t.Errorf("nothing is new: %+v", ch)
	}
	if ch := m.apply(past); ch.Changed != 1 || m.agenda()["past"].Subject != "Subject" {
		t.Errorf("it came back: %+v", ch)
	}
}

// What the system has and nobody could read stays as it was, and nothing else does; what is new of it is added.
func TestUnreadStays(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Date(2026, 11, 23, hour, 0, 0, 0, time.UTC) }
	of := func(n, hour int) store.SyncedEvent { // an object that holds several
		e := synced("s", at(hour))
		e.Original = fmt.Sprint(n)
		e.Key, e.Subject = "/s.ics "+e.Original, fmt.Sprint("at ", hour)
		return e
	}
	single, one, running := synced("single", at(18)), synced("one", at(17)), of(0, 9)
	one.Key = "/one.ics " // an object that holds one, of those that may hold several
	stored := []store.SyncedEvent{single, one, of(1, 10), of(2, 11), of(3, 12)}
	for name, tt := range map[string]struct {
		unread []string
		comes  []store.SyncedEvent
		want   string // what is there then: UID and occurrence at which hour
	}{
		"all is read":                    {nil, nil, ""},
		"other things":                   {[]string{"/b.ics", "/s.ic", "s", "/s.ics 9", " "}, nil, ""},
		"an event":                       {[]string{"single"}, nil, "single@18"},
		"an object with one event":       {[]string{"/one.ics"}, nil, "one@17"},
		"an object with several":         {[]string{"/s.ics"}, nil, "s1@10 s2@11 s3@12"},
		"one occurrence":                 {[]string{"/s.ics 2"}, nil, "s2@11"},
		"what comes of an object counts": {[]string{"/s.ics"}, []store.SyncedEvent{of(2, 15), of(4, 16)}, "s1@10 s2@15 s3@12 s4@16"},
		"a guess changes nothing":        {[]string{"/s.ics 2"}, []store.SyncedEvent{of(1, 14), of(2, 15)}, "s1@14 s2@11"},
		"a guess is better than nothing": {[]string{"/s.ics 4"}, []store.SyncedEvent{of(4, 15)}, "s4@15"},
		"a guess for what was cancelled": {[]string{"/s.ics 0"}, []store.SyncedEvent{of(0, 15)}, "s0@15"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirror(t)
			m.now = at(9).Add(time.Minute)
			m.apply(append(stored, running)...)
			m.apply(stored...) // the running one is cancelled
			for turn := range 2 {
				var ch store.AgendaChange
				update(t, m.st, func(tx *store.Tx) (err error) {
					ch, err = tx.ApplyAgenda(m.resource, m.from, m.to, tt.comes, true, tt.unread...)
					return err
				})
				if turn > 0 && ch.Any() {
					t.Errorf("the same again: %+v", ch)
				}
				var got []string
				for name, b := range m.agenda() {
					got = append(got, fmt.Sprintf("%s@%d", name, b.From.Hour()))
					if subject := fmt.Sprint("at ", b.From.Hour()); b.ExtUID == "s" && b.Subject != subject || b.OrganizerEmail != "ann@example.org" {
						t.Errorf("%+v has lost its words", b)
					}
				}
				slices.Sort(got)
				if there := strings.Join(got, " "); there != tt.want {
					t.Errorf("%q are there, want %q", there, tt.want)
				}
			}
			if m.apply(); len(m.agenda()) > 0 {
				t.Errorf("when they are gone: %+v", m.agenda())
			}
		})
	}
}
