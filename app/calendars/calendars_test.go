package calendars

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/store"
)

func TestChangeReachesTheAgenda(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(event("a", b.now.Add(time.Hour), 30))
	if !b.crank() || b.changed != 1 {
		t.Fatalf("first read: %d changes", b.changed)
	}
	a := b.agenda()
	if len(a) != 1 || a[0].Subject != "Subject a" || a[0].OrganizerEmail != "a@example.org" || a[0].Hosted {
		t.Fatalf("agenda: %+v", a)
	}
	if b.crank() {
		t.Fatal("due again at once")
	}
	b.now = b.now.Add(2 * time.Minute)
	if !b.crank() || b.sys.reads != 1 || b.changed != 1 {
		t.Fatalf("an unchanged room: %d reads, %d changes", b.sys.reads, b.changed)
	}
	moved := event("a", b.now.Add(3*time.Hour), 45)
	b.put(moved, event("b", b.now.Add(5*time.Hour), 30))
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	if a = b.agenda(); len(a) != 2 || !a[0].From.Equal(moved.From) || b.changed != 2 {
		t.Fatalf("after a move and an addition: %d changes, %+v", b.changed, a)
	}
	b.put(event("b", a[1].From, 30))
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	if a = b.agenda(); len(a) != 1 || a[0].ExtUID != "b" {
		t.Fatalf("after a removal: %+v", a)
	}
}

func TestSameAnswerCostsNoWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(event("a", b.now.Add(time.Hour), 30), event("b", b.now.Add(2*time.Hour), 30))
	b.crank()
	before := b.agenda()
	b.sys.version++ // changed, says the probe, and then it is the same
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	after := b.agenda()
	if b.sys.reads != 2 || b.changed != 1 || before[0].Revision != after[0].Revision || before[0].UpdatedAt != after[0].UpdatedAt {
		t.Errorf("%d reads, %d changes, %+v -> %+v", b.sys.reads, b.changed, before, after)
	}
}

// A read that brings what is known, with the marks that are known, leaves the database as it is, byte for byte.
func TestUnchangedRoomWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(event("a", b.now.Add(24*time.Hour), 30), event("b", b.now.Add(26*time.Hour), 30))
	written := func() int64 {
		t.Helper()
		log, err := os.Stat(filepath.Join(b.st.Dir(), store.MainFile+"-wal"))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.st.Trim(context.Background()); err != nil {
			t.Fatal(err)
		}
		return log.Size()
	}
	written()
	if b.crank(); written() == 0 {
		t.Error("the first read wrote nothing")
	}
	b.now = b.now.Add(safetyRead + time.Minute) // read although the probe sees no change
	b.crank()
	if n := written(); n != 0 || b.sys.reads != 2 {
		t.Errorf("%d reads; the second wrote %d bytes", b.sys.reads, n)
	}
}

// What is read while somebody detaches the room is dropped: the workspace is hosted from then on.
func TestDetachedWhileReading(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(event("a", b.now.Add(time.Hour), 30))
	rm := b.take(b.systems[b.id], 1)[0]
	if err := b.Detach(context.Background(), admin, b.ws); err != nil {
		t.Fatal(err)
	}
	changed, err := b.readAndApply(context.Background(), rm, connectors.Room{ID: "room-1", Zone: rm.zone}, marks{}, nil, connectors.Cursor("next"))
	if changed || err != nil || len(b.agenda()) != 0 {
		t.Errorf("changed %v, %v, agenda %v", changed, err, b.agenda())
	}
}

// A private subject never reaches the disk: it is in no byte of the files.
func TestPrivateSubjectNeverStored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := event("x", b.now.Add(time.Hour), 30)
	e.Private, e.Subject, e.Organizer = true, "planted private subject", "planted private person" // a connector that forgot its duty
	b.put(e)
	b.crank()
	a := b.agenda()
	if len(a) != 1 || !a[0].Private || a[0].Subject != "" || a[0].Organizer != "" {
		t.Fatalf("agenda: %+v", a)
	}
	for _, name := range []string{store.MainFile, store.MainFile + "-wal"} {
		content, err := os.ReadFile(filepath.Join(b.st.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("planted")) {
			t.Errorf("%s holds a planted text", name)
		}
	}
	if strings.Contains(b.log.String(), "planted") {
		t.Error("the log holds a planted text")
	}
	// A meeting that turns private forgets what it said.
	open := event("x", e.From, 30)
	b.put(open)
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	b.put(e)
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	if a := b.agenda(); a[0].Subject != "" || a[0].Organizer != "" || !a[0].Private {
		t.Errorf("turned private: %+v", a)
	}
}

func TestIncompleteAnswerRemovesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(event("a", b.now.Add(time.Hour), 30))
	b.crank()
	b.put()
	b.sys.complete = false
	b.now = b.now.Add(2 * time.Minute)
	b.crank()
	if a := b.agenda(); len(a) != 1 {
		t.Fatalf("agenda: %+v", a)
	}
	b.sys.complete = true
	b.now = b.now.Add(2 * time.Minute)
	b.crank() // the cursor was not stored: the change is seen again
	if a := b.agenda(); len(a) != 0 {
		t.Fatalf("agenda: %+v", a)
	}
}

func TestFailureKeepsTheAgendaAndBacksOff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(event("a", b.now.Add(time.Hour), 30))
	b.crank()
	confirmed, _ := b.Confirmed(b.ws)
	b.fail(connectors.Fail(connectors.Transient, "probe", "connection refused"))
	tries := 0
	for range 3600 {
		b.now = b.now.Add(time.Second)
		if b.crank() {
			tries++
		}
	}
	if tries < 4 || tries > 40 {
		t.Errorf("%d tries in an hour", tries)
	}
	if at, ok := b.Confirmed(b.ws); !ok || !at.Equal(confirmed) {
		t.Errorf("confirmed %v, want %v", at, confirmed)
	}
	st := b.Statuses()[0]
	if st.System.FailingSince.IsZero() || st.Rooms[0].Resource.ErrorKind != string(connectors.Transient) || len(b.agenda()) != 1 {
		t.Errorf("status: %+v", st)
	}
	b.fail(nil)
	b.now = b.now.Add(time.Hour)
	b.crank()
	if st := b.Statuses()[0]; !st.System.FailingSince.IsZero() || st.Rooms[0].Resource.ErrorKind != "" {
		t.Errorf("after recovery: %+v", st)
	}
}

func TestAskedWaitIsBinding(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail(&connectors.Error{Kind: connectors.Throttled, Op: "probe", After: 10 * time.Minute})
	b.crank()
	start, probes := b.now, b.sys.probes
	for b.now.Sub(start) < 10*time.Minute {
		b.now = b.now.Add(time.Second)
		b.crank()
		b.Touch(b.ws)
		if b.now.Sub(start) < 10*time.Minute && b.sys.probes > probes {
			t.Fatalf("asked again after %v", b.now.Sub(start))
		}
	}
	b.now = start.Add(13 * time.Minute)
	if !b.crank() {
		t.Error("not tried after the wait")
	}
}

func TestWishOfASourceIsALowerBound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sys.wait = 40 * time.Minute
	b.crank()
	for range 39 {
		b.now = b.now.Add(time.Minute)
		if b.crank() {
			t.Fatalf("asked again at %v", b.now)
		}
	}
	b.now = b.now.Add(time.Minute)
	if !b.crank() {
		t.Error("not asked again after the wait")
	}
}

func TestRefusedSignInStopsUntilEdited(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail(connectors.Fail(connectors.Auth, "probe", "401"))
	for range 24 * 60 {
		b.now = b.now.Add(time.Minute)
		b.crank()
	}
	if b.sys.probes != authLimit {
		t.Errorf("%d sign-ins were tried in a day", b.sys.probes)
	}
	if err := b.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.fail(nil)
	if err := b.Edit(context.Background(), admin, b.id, Connection{Kind: "script", Name: "Script"}); err != nil {
		t.Fatal(err)
	}
	if !b.crank() {
		t.Error("nothing is tried after the edit")
	}
	var y store.System
	if err := b.st.View(context.Background(), func(tx *store.Tx) (err error) {
		y, err = tx.System(b.id)
		return err
	}); err != nil || y.Secrets["password"].Reveal() != "planted-password" {
		t.Errorf("the edit without a password lost it: %v", err)
	}
}

func TestDetachAndDisconnect(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(event("past", b.now.Add(-2*time.Hour), 30), event("now", b.now.Add(-10*time.Minute), 30), event("next", b.now.Add(time.Hour), 30))
	b.crank()
	if err := b.Detach(context.Background(), admin, b.ws); err != nil {
		t.Fatal(err)
	}
	for _, v := range b.agenda() {
		if v.To.After(b.now) || v.Subject != "" || v.Organizer != "" {
			t.Errorf("left after detaching: %+v", v)
		}
	}
	if b.crank() {
		t.Error("a detached room is read")
	}
	if err := b.Attach(context.Background(), admin, b.ws, b.id, "room-1"); err != nil {
		t.Fatal(err)
	}
	b.crank()
	if err := b.Disconnect(context.Background(), admin, b.id); err != nil {
		t.Fatal(err)
	}
	if len(b.Statuses()) != 0 {
		t.Error("still listed")
	}
	if err := b.Attach(context.Background(), people.Actor{}, b.ws, b.id, "x"); !problem.Has(err, problem.Forbidden) {
		t.Errorf("nobody may attach: %v", err)
	}
}

func TestWindowRollsWithTheLocalDay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Zurich", "America/Santiago", "Atlantic/Azores", "Australia/Lord_Howe", "Asia/Beirut"} {
		zone, err := when.LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		d := when.Date{Year: 2026, Month: 1, Day: 1}
		for range 400 {
			for _, at := range []time.Time{d.Start(zone), d.End(zone).Add(-time.Second)} {
				w := window(at, zone)
				if when.DayOf(w.From, zone) != d.Add(-1) || when.DayOf(w.To, zone) != d.Add(connectors.DaysAhead) {
					t.Fatalf("%s %v: window %v", name, at, w)
				}
			}
			d = d.Add(1)
		}
	}
}

func TestAllDayKeepsItsDays(t *testing.T) {
	t.Parallel()
	zone, err := when.LoadZone("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	first := when.Date{Year: 2027, Month: 3, Day: 28} // 23 hours
	got := normalise([]connectors.Event{{
		Series: "x", AllDay: true, FirstDay: first, EndDay: first.Add(1),
		From: first.Start(zone), To: first.Add(1).Start(zone),
	}}, when.Interval{From: first.Add(-1).Start(zone), To: first.Add(9).Start(zone)}, zone)
	if len(got) != 1 || got[0].FromWall != "2027-03-28T00:00" || got[0].ToWall != "2027-03-29T00:00" || got[0].To.Sub(got[0].From) != 23*time.Hour {
		t.Errorf("got %+v", got)
	}
}
