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
	"lintel/store"
	"lintel/templates/text"
)

// roomsNamed is how many rooms a finding names at most.
const roomsNamed = 5

// standing is what is known of a booking system without asking it, and the judgement of it.
type standing struct {
	calendars.Status
	calendars.Standing
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
	now := h.start.Now()
	out := make([]standing, 0, len(systems))
	for _, y := range systems {
		st, runs := live[y.ID]
		var storedAt time.Time
		if !runs {
			st = calendars.StatusOf(y, rooms[y.ID])
			times := []time.Time{y.CreatedAt, y.LastOK, y.FailingSince, y.PausedAt, y.Checked.At}
			for _, r := range rooms[y.ID] {
				times = append(times, r.LastOK, r.FailingSince)
			}
			storedAt = slices.MaxFunc(times, time.Time.Compare)
		}
		out = append(out, standing{st, st.Standing(now), storedAt})
	}
	return out, nil
}

// say puts the judgement into words: into one or two for a list, and into a finding.
func (k standing) say(now time.Time) (word string, f finding) {
	word, f = k.words(now)
	if !k.storedAt.IsZero() {
		word += " (as of " + localTime(k.storedAt) + ")"
		f.Text = text.Of("doctor.system_stored", "Said", f.Text, "Time", k.storedAt)
	}
	f.Check.Args = []any{"Name", k.System.Name}
	return word, f
}

func (k standing) words(now time.Time) (word string, f finding) {
	const check = "doctor.check_system"
	y, rooms := k.System, len(k.Rooms)
	switch k.State {
	case calendars.StatePaused:
		return "stopped: " + y.ErrorKind, paused(y)
	case calendars.StateBroken:
		return "not usable", fail(check, cure("doctor.cure_system_edit"), "doctor.system_broken")
	case calendars.StateWaiting:
		return "waits until " + localTime(k.Until), warn(check, cured{}, "doctor.system_waiting", "Time", k.Until)
	case calendars.StateSilent:
		return "silent", warn(check, k.walk(), "doctor.system_failing", "Since", k.Standing.Since)
	case calendars.StateFailing:
		return "failing: " + y.ErrorKind, warn(check, k.walk(), "doctor.system_failing", "Since", k.Standing.Since)
	case calendars.StateRoomsFail:
		return fmt.Sprintf("%d of %d rooms fail", len(k.Failing), rooms), k.roomsFail()
	case calendars.StateCheckFailed:
		key := "doctor.system_check_failed"
		if k.Booking {
			key = "doctor.system_check_unbooked"
		}
		return "check failed", warn(check, k.walk(), key, "Time", k.Checked.At, "Step", text.Of(k.Failed.Name))
	case calendars.StateGaps:
		return fmt.Sprintf("%d events unread", k.Lost), k.gaps()
	case calendars.StateNoRooms:
		return "no room yet", ok(check, "doctor.system_no_rooms")
	case calendars.StateUnread:
		return "not read yet", warn(check, k.walk(), "doctor.system_unread", "Count", k.Unread, "Total", rooms)
	case calendars.StateGood:
	}
	if y.Kind == people.PushedKind {
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

func (k standing) roomsFail() finding {
	return warn("doctor.check_system", k.walk(), "doctor.system_rooms", "Count", len(k.Failing), "Total", len(k.Rooms), "Rooms", someOf(k.Failing))
}

// gaps tells of events that can't be read.
func (k standing) gaps() finding {
	return warn("doctor.check_system", k.walk(), "doctor.system_gaps", "Count", k.Lost, "Rooms", someOf(k.Gaps))
}

// someOf lists names, roomsNamed of them at most.
func someOf(names []string) string {
	said := strings.Join(names[:min(len(names), roomsNamed)], ", ")
	if len(names) > roomsNamed {
		said += ", …"
	}
	return said
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
		_, f := k.say(now)
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
		line.State, _ = k.say(now)
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
