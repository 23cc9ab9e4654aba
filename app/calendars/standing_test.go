package calendars

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/people"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
)

// One rule after the other of how a booking system is judged.
func TestStanding(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	ago := func(minutes int) time.Time { return now.Add(time.Duration(-minutes) * time.Minute) }
	type rooms = []store.Resource
	room := func(name string, read, booked int, kind string) store.Resource { // in minutes ago, 0 = never
		r := store.Resource{Workspace: store.WorkspaceID(name), WorkspaceName: name, ErrorKind: kind}
		if read > 0 {
			r.LastOK = ago(read)
		}
		if booked > 0 {
			r.LastBooked = ago(booked)
		}
		return r
	}
	a := room("a", 1, 0, "")
	since := func(r store.Resource, minutes int) store.Resource {
		r.FailingSince = ago(minutes)
		return r
	}
	gaps := func(r store.Resource, skipped int) store.Resource {
		r.Skipped = skipped
		return r
	}
	step := func(name string, state connectors.StepState) store.SystemCheckStep {
		return store.SystemCheckStep{Name: "calendar.check." + name, State: string(state)}
	}
	// Ten minutes ago a check failed in a step.
	failed := func(in store.WorkspaceID, name string) store.SystemCheck {
		return store.SystemCheck{At: ago(10), Workspace: in, Steps: []store.SystemCheckStep{step("reach", connectors.StepOK), step(name, connectors.StepFailed), step("last", connectors.StepSkipped)}}
	}
	warned := store.SystemCheck{At: ago(10), Steps: []store.SystemCheckStep{step("reach", connectors.StepWarned), step("write", connectors.StepSkipped)}}
	read := ago(1)
	for _, c := range []struct {
		name    string
		system  store.System
		rooms   rooms
		waiting time.Time
		openErr error
		want    Standing
	}{
		// What the engine meets now.
		{name: "good", system: store.System{LastOK: read}, rooms: rooms{a}, want: Standing{State: StateGood}},
		{name: "refused twice", system: store.System{PausedAt: ago(5), FailingSince: ago(6), ErrorKind: "auth", Checked: failed("", "sign_in")}, rooms: rooms{a}, openErr: errors.New("x"), want: Standing{State: StatePaused, Since: ago(5), Unread: 1, Check: CheckOld}},
		{name: "not to be opened", system: store.System{LastOK: read, WaitUntil: ago(-5)}, rooms: rooms{a}, openErr: errors.New("x"), want: Standing{State: StateBroken}},
		{name: "asked for time", system: store.System{LastOK: read, WaitUntil: ago(-5), FailingSince: ago(3)}, rooms: rooms{a}, want: Standing{State: StateWaiting, Until: ago(-5)}},
		{name: "asked for time, and rests longer", system: store.System{LastOK: read, WaitUntil: ago(-5), FailingSince: ago(3)}, waiting: ago(-7), rooms: rooms{a}, want: Standing{State: StateWaiting, Until: ago(-7)}},
		{name: "asked for time once", system: store.System{LastOK: read, WaitUntil: now}, rooms: rooms{a}, want: Standing{State: StateGood}},
		{name: "asked for time by a wrong clock", system: store.System{LastOK: read, WaitUntil: now.AddDate(1, 0, 0)}, rooms: rooms{a}, want: Standing{State: StateGood}},
		{name: "rests without having failed", system: store.System{LastOK: read}, waiting: ago(-5), rooms: rooms{a}, want: Standing{State: StateWaiting, Until: ago(-5)}},
		{name: "rests as it fails", system: store.System{LastOK: ago(9), FailingSince: ago(3), ErrorKind: "transient"}, waiting: ago(-5), rooms: rooms{a}, want: Standing{State: StateFailing, Since: ago(3)}},
		{name: "rests as it fails, and asked for time before", system: store.System{LastOK: ago(9), WaitUntil: ago(1), FailingSince: ago(3), ErrorKind: "transient"}, waiting: ago(-5), rooms: rooms{a}, want: Standing{State: StateFailing, Since: ago(3)}},
		{name: "its script is silent", system: store.System{Kind: people.PushedKind, LastOK: ago(99), FailingSince: ago(99)}, rooms: rooms{a}, want: Standing{State: StateSilent, Since: ago(99)}},
		{name: "fails as a whole before its rooms", system: store.System{LastOK: ago(9), FailingSince: ago(3), ErrorKind: "transient"}, rooms: rooms{room("a", 1, 0, "gone")}, want: Standing{State: StateFailing, Since: ago(3), Failing: []string{"a"}}},
		{name: "rooms fail before others are read", system: store.System{LastOK: read, Checked: failed("a", "write")}, rooms: rooms{room("c", 1, 0, "gone"), a, room("b", 0, 0, "forbidden"), room("d", 0, 0, "")}, want: Standing{State: StateRoomsFail, Failing: []string{"b", "c"}, Unread: 1, Check: CheckFailed, Failed: connectors.Step{Name: "calendar.check.write", State: connectors.StepFailed}, Booking: true}},
		{name: "a room gets no answer, nor did another since", system: store.System{LastOK: read}, rooms: rooms{room("a", 9, 0, ""), since(room("b", 8, 0, string(connectors.Transient)), 3)}, want: Standing{State: StateRoomsFail, Failing: []string{"b"}, Silent: true}},
		{name: "a room gets no answer, another did since", system: store.System{LastOK: read}, rooms: rooms{a, since(room("b", 8, 0, string(connectors.Transient)), 3)}, want: Standing{State: StateRoomsFail, Failing: []string{"b"}}},
		{name: "a room is refused, no other was asked since", system: store.System{LastOK: read}, rooms: rooms{room("a", 9, 0, ""), since(room("b", 8, 0, "forbidden"), 3)}, want: Standing{State: StateRoomsFail, Failing: []string{"b"}}},
		{name: "events can't be read", system: store.System{LastOK: read}, rooms: rooms{a, gaps(room("c", 1, 0, ""), 2), gaps(room("b", 1, 0, ""), 1), room("d", 0, 0, "")}, want: Standing{State: StateGaps, Gaps: []string{"b", "c"}, Lost: 3, Unread: 1}},
		{name: "rooms fail before events", system: store.System{LastOK: read}, rooms: rooms{gaps(a, 1), room("b", 1, 0, "gone")}, want: Standing{State: StateRoomsFail, Failing: []string{"b"}, Gaps: []string{"a"}, Lost: 1}},
		{name: "no room", want: Standing{State: StateNoRooms}},
		{name: "a room was never read", system: store.System{LastOK: read}, rooms: rooms{a, room("b", 0, 0, "")}, want: Standing{State: StateUnread, Unread: 1}},
		{name: "it was never read itself", rooms: rooms{a}, want: Standing{State: StateUnread, Unread: 1}},

		// The last check: what failed at reading.
		{name: "passed", system: store.System{LastOK: read, Checked: warned}, rooms: rooms{a}, want: Standing{State: StateGood, Check: CheckPassed}},
		{name: "passed without a room", system: store.System{Checked: warned}, want: Standing{State: StateNoRooms, Check: CheckPassed}},
		{name: "sign-in failed, not read since", system: store.System{LastOK: ago(11), Checked: failed("a", "sign_in")}, rooms: rooms{room("a", 11, 0, "")}, want: checkFailed("sign_in")},
		{name: "sign-in failed, read at that second", system: store.System{LastOK: ago(10), Checked: failed("a", "sign_in")}, rooms: rooms{room("a", 10, 0, "")}, want: checkFailed("sign_in")},
		{name: "sign-in failed, read since", system: store.System{LastOK: read, Checked: failed("a", "sign_in")}, rooms: rooms{a}, want: outlived("sign_in")},
		{name: "reading failed, other rooms read since", system: store.System{LastOK: read, Checked: failed("b", "read")}, rooms: rooms{a, room("b", 11, 0, "")}, want: checkFailed("read")},
		{name: "checked without a room, any read since", system: store.System{LastOK: read, Checked: failed("", "reach")}, rooms: rooms{a, room("b", 11, 0, "")}, want: outlived("reach")},
		{name: "checked with a room that is detached, any read since", system: store.System{LastOK: read, Checked: failed("gone", "reach")}, rooms: rooms{a}, want: outlived("reach")},
		{name: "checked without a room, and none attached", system: store.System{Checked: failed("", "sign_in")}, want: checkFailed("sign_in")},
		{name: "checked with a room, and none left", system: store.System{Checked: failed("gone", "sign_in")}, want: Standing{State: StateNoRooms, Check: CheckOld}},
		{name: "it fails since later than the check", system: store.System{LastOK: ago(9), FailingSince: ago(3), ErrorKind: "transient", Checked: failed("a", "sign_in")}, rooms: rooms{a}, want: Standing{State: StateFailing, Since: ago(3), Check: CheckOld}},
		{name: "its script is silent since later than the check", system: store.System{Kind: people.PushedKind, LastOK: ago(5), FailingSince: ago(5), Checked: warned}, rooms: rooms{a}, want: Standing{State: StateSilent, Since: ago(5), Check: CheckPassed}},
		{name: "passed with a room, and none left", system: store.System{Checked: store.SystemCheck{At: ago(10), Workspace: "gone", Steps: warned.Steps}}, want: Standing{State: StateNoRooms, Check: CheckPassed}},
		{name: "read since, and the room fails again", system: store.System{LastOK: read, Checked: failed("b", "read")}, rooms: rooms{a, room("b", 2, 0, "gone")}, want: failing(checkFailed("read"), "b")},
		{name: "read since, and then the system asked for time", system: store.System{LastOK: read, ErrorKind: "throttled", Checked: failed("", "reach")}, rooms: rooms{a}, want: checkFailed("reach")},
		{name: "it failed when it was checked", system: store.System{LastOK: ago(30), FailingSince: ago(20), ErrorKind: "transient", Checked: failed("a", "reach")}, rooms: rooms{room("a", 30, 0, "")}, want: with(checkFailed("reach"), StateFailing, ago(20))},

		// What failed at writing.
		{name: "write test failed, read since", system: store.System{LastOK: read, Checked: failed("a", "write")}, rooms: rooms{a}, want: checkFailed("write")},
		{name: "write test failed, booked before", system: store.System{LastOK: read, Checked: failed("a", "write")}, rooms: rooms{room("a", 1, 11, "")}, want: checkFailed("write")},
		{name: "write test failed, booked since", system: store.System{LastOK: read, Checked: failed("a", "write")}, rooms: rooms{room("a", 1, 2, "")}, want: outlived("write")},
		{name: "write test failed, booked elsewhere", system: store.System{LastOK: read, Checked: failed("a", "write")}, rooms: rooms{a, room("b", 1, 2, "")}, want: checkFailed("write")},
		{name: "write test failed in a room that is detached, booked elsewhere", system: store.System{LastOK: read, Checked: failed("gone", "write")}, rooms: rooms{a, room("b", 1, 2, "")}, want: outlived("write")},
		{name: "the inviting mailbox failed, read since", system: store.System{LastOK: read, Checked: failed("", "account")}, rooms: rooms{a}, want: checkFailed("account")},
		{name: "the inviting mailbox failed, booked since", system: store.System{LastOK: read, Checked: failed("", "account")}, rooms: rooms{room("a", 1, 2, ""), room("b", 1, 0, "")}, want: outlived("account")},
		{name: "the inviting person failed, read since", system: store.System{LastOK: read, Checked: failed("a", "inviter")}, rooms: rooms{a}, want: checkFailed("inviter")},
		{name: "a failed check comes before what was never read", system: store.System{LastOK: read, Checked: failed("a", "write")}, rooms: rooms{a, room("b", 0, 0, "")}, want: unread(checkFailed("write"))},
		{name: "an outlived one does not", system: store.System{LastOK: read, Checked: failed("a", "reach")}, rooms: rooms{a, room("b", 0, 0, "")}, want: with(unread(outlived("reach")), StateUnread, time.Time{})},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := StatusOf(c.system, c.rooms)
			st.Waiting, st.OpenErr = c.waiting, c.openErr
			if diff := cmp.Diff(c.want, st.Standing(now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// checkFailed is a system of which only the check failed, in that step.
func checkFailed(name string) Standing {
	g := outlived(name)
	g.State, g.Check = StateCheckFailed, CheckFailed
	return g
}

// outlived is a good system whose check failed in that step.
func outlived(name string) Standing {
	step := connectors.Step{Name: "calendar.check." + name, State: connectors.StepFailed}
	return Standing{State: StateGood, Check: CheckOutlived, Failed: step, Booking: name == "write" || name == "account" || name == "inviter"}
}

func with(g Standing, state State, since time.Time) Standing {
	g.State, g.Since = state, since
	return g
}

func failing(g Standing, room string) Standing {
	g.State, g.Failing = StateRoomsFail, []string{room}
	return g
}

func unread(g Standing) Standing {
	g.Unread = 1
	return g
}

// A booking that goes through is remembered, also over a restart, and so is that a write test has been disproved by it.
func TestBookingDisprovesAWriteTest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	if err := b.st.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SaveSystemCheck(b.id, store.SystemCheck{At: b.now, Workspace: b.ws, Steps: []store.SystemCheckStep{{Name: "calendar.check.write", State: string(connectors.StepFailed)}}})
	}); err != nil {
		t.Fatal(err)
	}
	restart := func() *Service {
		if err := b.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		again := New(b.o)
		if err := again.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return again
	}
	state := func(s *Service) State { return s.Statuses()[0].Standing(b.now).State }
	if got := state(restart()); got != StateCheckFailed {
		t.Fatalf("after the test: %s", got)
	}
	b.now = b.now.Add(time.Minute)
	b.crank()
	if got := state(restart()); got != StateCheckFailed {
		t.Errorf("after a read: %s", got)
	}
	b.Booked("elsewhere") // hosted: nothing to note
	b.Booked(b.ws)
	if got := state(restart()); got != StateGood {
		t.Errorf("after a booking: %s", got)
	}
}

// A check without a room takes the one of which it tells most.
func TestRoomToCheck(t *testing.T) {
	t.Parallel()
	good, gap, bad := store.Resource{Address: "good"}, store.Resource{Address: "gap", Skipped: 1}, store.Resource{Address: "bad", ErrorKind: "gone"}
	for want, rooms := range map[string][]store.Resource{"": nil, "good": {good}, "gap": {good, gap}, "bad": {good, gap, bad}} {
		if r, ok := StatusOf(store.System{}, rooms).RoomToCheck(); r.Address != want || ok != (want != "") {
			t.Errorf("%q, %v, want %q", r.Address, ok, want)
		}
	}
}

// A system that was set up otherwise has not answered yet, whatever the one before it did; a script is no other one.
func TestEditedSystemHasNotAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.crank()
	state := func() State { return b.Statuses()[0].Standing(b.now).State }
	if state() != StateGood {
		t.Fatal(state())
	}
	if err := b.Edit(t.Context(), admin, b.id, Connection{Kind: "script", Name: "Edited"}); err != nil {
		t.Fatal(err)
	}
	if state() != StateUnread {
		t.Errorf("after the edit: %s", state())
	}
	if b.crank(); state() != StateGood {
		t.Errorf("after a read: %s", state())
	}
}

// Why a new system can't list its rooms is remembered as its check, unless more is known of it.
func TestRoomsThatCannotBeListed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := &lister{script: b.sys, err: connectors.Fail(connectors.Transient, "list rooms", "no such host")}
	b.o.Kinds["lists"] = Kind{
		Open:  func(*outbound.Outbound, store.System, []store.Resource) (connectors.Connector, error) { return l, nil },
		Every: time.Minute,
	}
	id, err := b.Connect(t.Context(), admin, Connection{Kind: "lists", Name: "New"})
	if err != nil {
		t.Fatal(err)
	}
	status := func() Status {
		for _, st := range b.Statuses() {
			if st.System.ID == id {
				return st
			}
		}
		panic("it is gone")
	}
	if _, err := b.Rooms(t.Context(), admin, id, Connection{}); err == nil {
		t.Fatal("listed")
	}
	g := status().Standing(b.now)
	if g.State != StateCheckFailed || g.Failed.Name != "calendar.check.rooms" || !strings.Contains(g.Failed.Said, "no such host") {
		t.Errorf("%+v", g)
	}
	report, err := b.Check(t.Context(), admin, id, Connection{}, CheckOptions{})
	if err != nil || !report.OK() {
		t.Fatal(report, err)
	}
	if _, err := b.Rooms(t.Context(), admin, id, Connection{}); err == nil || status().Standing(b.now).Check != CheckPassed {
		t.Errorf("%v, %+v", err, status().Checked)
	}
}
