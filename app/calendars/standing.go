package calendars

import (
	"slices"
	"time"

	"lintel/app/people"
	"lintel/connectors"
	"lintel/store"
)

// State is how a booking system does, in a word.
type State string

// The states. A system of which several are true is in the first of them.
const (
	StatePaused      State = "paused"       // it refused the sign-in twice: nothing is sent until somebody edits it
	StateBroken      State = "broken"       // no connector can be made from what is stored
	StateWaiting     State = "waiting"      // nothing is sent for a while, mostly as it asked for that
	StateSilent      State = "silent"       // its script brings nothing any more
	StateFailing     State = "failing"      // as a whole
	StateRoomsFail   State = "rooms fail"   // some of its calendars, or all, can't be read
	StateCheckFailed State = "check failed" // the last check did, and nothing has disproved it
	StateGaps        State = "gaps"         // some events of its calendars can't be read, all others are
	StateNoRooms     State = "no rooms"     // nothing is read
	StateUnread      State = "unread"       // some of its calendars, or all, were never read
	StateGood        State = "good"
)

// CheckWorth is what the last check of a system is worth now.
type CheckWorth string

// What a check may be worth.
const (
	CheckNone     CheckWorth = ""         // there was none since the system was set up or edited
	CheckPassed   CheckWorth = "passed"   // perhaps with warnings
	CheckFailed   CheckWorth = "failed"   // and nothing has disproved it
	CheckOutlived CheckWorth = "outlived" // it failed, and what failed has worked since
	CheckOld      CheckWorth = "old"      // something newer tells more than it
)

// Standing is the one judgement of how a booking system does. Pages and commands put it into words.
//
// It rests on what the engine has met and on the last check. What the engine meets now counts first: a system that refuses,
// rests or fails as a whole, then rooms that can't be read. Then the check:
//   - A change of what the connection is set up with makes every check before it none: the store forgets it.
//   - A check that failed at reaching, signing in or reading is outlived once the room that it was made with is read well
//     after it: any room, where it was made with none or that one is detached.
//   - One that failed at writing, or at a right that only writing needs, is not outlived by reading. A booking of ours that
//     went through in that room disproves it, likewise in any room, and so does a new check, which takes its place.
//   - One is old once the system fails as a whole since a later time, and one that failed in a room once no room is left.
//
// Then single events that can't be read are told, then what was never read yet, and at last that all is well.
type Standing struct {
	State   State
	Since   time.Time // of paused, silent and failing, else zero
	Until   time.Time // of waiting, else zero
	Failing []string  // names of the workspaces whose calendars can't be read, sorted
	Silent  bool      // of rooms fail: nothing has answered since the first of them failed
	Unread  int       // calendars that were never read, the failing ones apart
	Gaps    []string  // names of the workspaces with events that can't be read, sorted
	Lost    int       // how many events that are
	Check   CheckWorth
	Failed  connectors.Step // in which the check failed; zero unless it is CheckFailed or CheckOutlived
	Booking bool            // Failed is disproved by a booking, not by reading
}

// Standing judges how the system does at now.
func (st Status) Standing(now time.Time) Standing {
	out := Standing{}
	for _, room := range st.Rooms {
		r := room.Resource
		if r.Skipped > 0 {
			out.Gaps, out.Lost = append(out.Gaps, r.WorkspaceName), out.Lost+r.Skipped
		}
		switch {
		case r.ErrorKind != "":
			out.Failing = append(out.Failing, r.WorkspaceName)
		case r.LastOK.IsZero() || st.System.LastOK.IsZero():
			out.Unread++
		}
	}
	slices.Sort(out.Failing)
	slices.Sort(out.Gaps)
	out.Check, out.Failed = st.checkWorth()
	out.Booking = needsBooking(out.Failed)
	y := st.System
	switch until := st.quietUntil(now); {
	case !y.PausedAt.IsZero():
		out.State, out.Since = StatePaused, y.PausedAt
	case st.OpenErr != nil:
		out.State = StateBroken
	case !until.IsZero():
		out.State, out.Until = StateWaiting, until
	case !y.FailingSince.IsZero() && y.Kind == people.PushedKind:
		out.State, out.Since = StateSilent, y.FailingSince
	case !y.FailingSince.IsZero():
		out.State, out.Since = StateFailing, y.FailingSince
	case len(out.Failing) > 0:
		out.State, out.Silent = StateRoomsFail, st.silent()
	case out.Check == CheckFailed:
		out.State = StateCheckFailed
	case out.Lost > 0:
		out.State = StateGaps
	case len(st.Rooms) == 0:
		out.State = StateNoRooms
	case out.Unread > 0:
		out.State = StateUnread
	default:
		out.State = StateGood
	}
	return out
}

// silent reports whether nothing has answered since the first of the rooms that fail did so, after an answer that did not come
// or made no sense: what a room was refused says that the system is there.
func (st Status) silent() bool {
	var since time.Time
	for _, room := range st.Rooms {
		switch r := room.Resource; {
		case r.ErrorKind == "":
		case r.ErrorKind != string(connectors.Transient):
			return false
		case since.IsZero() || r.FailingSince.Before(since):
			since = r.FailingSince
		}
	}
	return !slices.ContainsFunc(st.Rooms, func(room RoomStatus) bool { return room.Resource.LastOK.After(since) })
}

// RoomToCheck returns the calendar of which a check tells most: the first that fails, else the first with events that can't be
// read, else any; false when there is none.
func (st Status) RoomToCheck() (store.Resource, bool) {
	if len(st.Rooms) == 0 {
		return store.Resource{}, false
	}
	i := slices.IndexFunc(st.Rooms, func(room RoomStatus) bool { return room.Resource.ErrorKind != "" })
	if i < 0 {
		i = slices.IndexFunc(st.Rooms, func(room RoomStatus) bool { return room.Resource.Skipped > 0 })
	}
	return st.Rooms[max(0, i)].Resource, true
}

// quietUntil returns until when nothing is sent to a system that asked for it, or that has not failed so far; zero when
// something is. What lies too far ahead was stored by a clock that was wrong.
func (st Status) quietUntil(now time.Time) time.Time {
	until := st.System.WaitUntil
	if until.After(now.Add(longestWait)) {
		until = time.Time{}
	}
	if (until.After(now) || st.System.FailingSince.IsZero()) && st.Waiting.After(until) {
		until = st.Waiting
	}
	if !until.After(now) {
		return time.Time{}
	}
	return until
}

// checkWorth judges the last check, and returns the step in which it failed, if it did and that still says something.
func (st Status) checkWorth() (CheckWorth, connectors.Step) {
	k, y := st.Checked, st.System
	i := slices.IndexFunc(k.Report.Steps, func(s connectors.Step) bool { return s.State == connectors.StepFailed })
	switch {
	case k.At.IsZero():
		return CheckNone, connectors.Step{}
	case y.ErrorKind != "" && y.FailingSince.After(k.At),
		i >= 0 && k.Workspace != "" && len(st.Rooms) == 0:
		return CheckOld, connectors.Step{}
	case i < 0:
		return CheckPassed, connectors.Step{}
	case st.worksSince(k.Report.Steps[i]):
		return CheckOutlived, k.Report.Steps[i]
	}
	return CheckFailed, k.Report.Steps[i]
}

// worksSince reports whether what failed in a step of the last check has worked after it.
func (st Status) worksSince(step connectors.Step) bool {
	at := st.Checked.At
	booked, read := false, st.System.ErrorKind == "" && st.System.LastOK.After(at)
	for _, room := range st.Rooms {
		r := room.Resource
		if r.Workspace == st.Checked.Workspace {
			booked, read = r.LastBooked.After(at), r.ErrorKind == "" && r.LastOK.After(at)
			break
		}
		booked = booked || r.LastBooked.After(at)
	}
	if needsBooking(step) {
		return booked
	}
	return read
}

// needsBooking reports whether a step looks at what only writing needs.
func needsBooking(step connectors.Step) bool {
	switch step.Name {
	case "calendar.check.write", "calendar.check.account", "calendar.check.inviter":
		return true
	}
	return false
}

// Booked notes that a booking of ours went through in a workspace's calendar.
func (s *Service) Booked(w store.WorkspaceID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rm := s.rooms[w]; rm != nil {
		rm.r.LastBooked, rm.dirty = s.o.Now(), true
	}
}
