package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lintel/app/calendars"
	"lintel/app/people"
	"lintel/connectors"
	"lintel/store"
	"lintel/templates/text"
)

// roomsNamed is how many failing rooms a finding names at most.
const roomsNamed = 5

// standing is what is known of a booking system without asking it.
type standing struct {
	calendars.Status
	storedAt time.Time // what is known was stored then; zero while the engine runs, which knows it now
}

// standings returns how the booking systems do, by name: what the running engine knows, else what was stored last.
func (h *house) standings(ctx context.Context) ([]standing, error) {
	systems, rooms, err := h.systems(ctx)
	if err != nil {
		return nil, err
	}
	live := map[store.SystemID]calendars.Status{}
	if h.calendars != nil {
		for _, st := range h.calendars.Statuses() {
			live[st.System.ID] = st
		}
	}
	out := make([]standing, 0, len(systems))
	for _, y := range systems {
		if st, runs := live[y.ID]; runs {
			out = append(out, standing{Status: st})
			continue
		}
		k := standing{Status: calendars.Status{System: y}}
		times := []time.Time{y.CreatedAt, y.LastOK, y.FailingSince, y.PausedAt, y.Checked.At}
		for _, r := range rooms[y.ID] {
			k.Rooms = append(k.Rooms, calendars.RoomStatus{Resource: r})
			times = append(times, r.LastOK, r.FailingSince)
		}
		k.storedAt = slices.MaxFunc(times, time.Time.Compare)
		out = append(out, k)
	}
	return out, nil
}

// judge says how the system does: in a word or two for a list, and as a finding.
func (k standing) judge(now time.Time) (word string, f finding) {
	word, f = k.state(now)
	if !k.storedAt.IsZero() {
		word += " (as of " + localTime(k.storedAt) + ")"
		f.Text = text.Of("doctor.system_stored", "Said", f.Text, "Time", k.storedAt)
	}
	f.Check.Args = []any{"Name", k.System.Name}
	return word, f
}

func (k standing) state(now time.Time) (word string, f finding) {
	const check = "doctor.check_system"
	y := k.System
	walk := k.walk()
	failing, unread := k.failing()
	if y.LastOK.IsZero() { // nothing since its settings were changed
		unread = len(k.Rooms)
	}
	waiting := k.Waiting
	if y.WaitUntil.After(waiting) {
		waiting = y.WaitUntil
	}
	switch {
	case !y.PausedAt.IsZero():
		return "stopped: " + y.ErrorKind, paused(y)
	case k.OpenErr != nil:
		return "not usable", fail(check, cure("doctor.cure_system_edit"), "doctor.system_broken")
	case waiting.After(now) && (!y.WaitUntil.IsZero() || y.FailingSince.IsZero()):
		return "waits until " + localTime(waiting), warn(check, cured{}, "doctor.system_waiting", "Time", waiting)
	case !y.FailingSince.IsZero():
		return "failing: " + y.ErrorKind, warn(check, walk, "doctor.system_failing", "Since", y.FailingSince)
	case len(failing) > 0:
		return fmt.Sprintf("%d of %d rooms fail", len(failing), len(k.Rooms)), k.roomsFail(failing)
	}
	if step, failed := k.checkFailed(); failed {
		return "check failed", warn(check, walk, "doctor.system_check_failed", "Time", y.Checked.At, "Step", text.Of(step.Name))
	}
	switch {
	case len(k.Rooms) == 0:
		return "no room yet", ok(check, "doctor.system_no_rooms")
	case unread > 0:
		return "not read yet", warn(check, walk, "doctor.system_unread", "Count", unread, "Total", len(k.Rooms))
	case y.Kind == people.PushedKind:
		return "good", ok(check, "doctor.system_pushed", "Ago", ago(now.Sub(y.LastOK)))
	}
	return "good", ok(check, "doctor.system_answered", "Ago", ago(now.Sub(y.LastOK)))
}

// walk is what to do first about a system that fails.
func (k standing) walk() cured {
	if k.System.Kind == people.PushedKind {
		return cure("doctor.cure_system_push")
	}
	return command("lintel connector check " + strconv.Quote(k.System.Name))
}

// failing names the rooms that can't be read, and counts those that were never read.
func (k standing) failing() (names []string, unread int) {
	for _, room := range k.Rooms {
		switch r := room.Resource; {
		case r.ErrorKind != "":
			names = append(names, r.WorkspaceName)
		case r.LastOK.IsZero():
			unread++
		}
	}
	slices.Sort(names)
	return names, unread
}

func (k standing) roomsFail(names []string) finding {
	named := strings.Join(names[:min(len(names), roomsNamed)], ", ")
	if len(names) > roomsNamed {
		named += ", …"
	}
	return warn("doctor.check_system", k.walk(), "doctor.system_rooms", "Count", len(names), "Total", len(k.Rooms), "Rooms", named)
}

// checkFailed returns the step in which the last check failed, if nothing has worked since.
func (k standing) checkFailed() (store.SystemCheckStep, bool) {
	y := k.System
	i := slices.IndexFunc(y.Checked.Steps, func(s store.SystemCheckStep) bool { return s.State == string(connectors.StepFailed) })
	if i < 0 || y.LastOK.After(y.Checked.At) {
		return store.SystemCheckStep{}, false
	}
	return y.Checked.Steps[i], true
}

// knownOfSystems says of each booking system how it does. It asks none of them.
func (h *house) knownOfSystems(ctx context.Context) ([]finding, error) {
	all, err := h.standings(ctx)
	if err != nil {
		return nil, err
	}
	now := h.start.Now()
	found := make([]finding, 0, len(all))
	for _, k := range all {
		_, f := k.judge(now)
		found = append(found, f)
	}
	return found, nil
}

func (h *house) listSystems(ctx context.Context, _ Nothing) ([]SystemLine, error) {
	all, err := h.standings(ctx)
	if err != nil {
		return nil, err
	}
	now := h.start.Now()
	lines := make([]SystemLine, 0, len(all))
	for _, k := range all {
		line := SystemLine{Name: k.System.Name, Kind: k.System.Kind, Rooms: len(k.Rooms), LastOK: k.System.LastOK}
		line.State, _ = k.judge(now)
		lines = append(lines, line)
	}
	return lines, nil
}

// ago says how long ago something was.
func ago(d time.Duration) text.Said {
	if d < 5*time.Second {
		return text.Of("time.just_now")
	}
	return text.Of("time.ago", "Duration", d)
}
