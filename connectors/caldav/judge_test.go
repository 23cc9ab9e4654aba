//go:build judges

package caldav_test

import (
	"cmp"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"lintel/connectors/conntest"
)

// judge returns a server that packaging/judges/caldav has started, by the variable that holds its address.
func judge(t *testing.T, variable string) *conntest.Server {
	t.Helper()
	env := func(name string) string {
		v := os.Getenv(name)
		if v == "" {
			t.Fatalf("%s is not set: run packaging/judges/caldav", name)
		}
		return v
	}
	return conntest.Running(t, env(variable), env("LINTEL_JUDGE_CALDAV_USER"), env("LINTEL_JUDGE_CALDAV_PASSWORD"))
}

// onJudge is onServer for servers that let a UID be in one calendar of a user only (RFC 4791 5.3.2.1 asks
// for that within a calendar): each room has UIDs of its own.
func onJudge(s *conntest.Server, sys conntest.System) conntest.System {
	sys = onServer(s, sys)
	room := sys.NewRoom
	sys.NewRoom = func(t testing.TB) *conntest.Room {
		r := room(t)
		put := r.Put
		r.Put = func(t testing.TB, seed conntest.Seed) bool {
			seed.UID = cmp.Or(seed.UID, seed.Name) + "-" + path.Base(r.ID)
			return put(t, seed)
		}
		return r
	}
	return sys
}

// noLength is the case of an event that has no end, for servers that don't keep one as it is.
const noLength = "event without length"

func TestJudgeDAViCal(t *testing.T) {
	t.Parallel()
	conntest.Run(t, onJudge(judge(t, "LINTEL_JUDGE_DAVICAL"), conntest.System{Tick: time.Second}))
}

func TestJudgeCyrus(t *testing.T) {
	t.Parallel()
	conntest.Run(t, onJudge(judge(t, "LINTEL_JUDGE_CYRUS"), conntest.System{Tick: time.Second, Without: map[string]string{
		noLength: "Cyrus refuses an event without DTEND or DURATION: \"DTEND must occur after DTSTART\"",
	}}))
}

func TestJudgeSOGo(t *testing.T) {
	t.Parallel()
	s := judge(t, "LINTEL_JUDGE_SOGO")
	sys := onJudge(s, conntest.System{Tick: time.Second, Without: map[string]string{
		noLength:                            "SOGo gives an event without DTEND or DURATION an hour",
		"what floats is in the room's zone": "SOGo writes its own zone into floating times",
	}})
	room := sys.NewRoom
	sys.NewRoom = func(t testing.TB) *conntest.Room {
		r := room(t)
		put := r.Put
		// SOGo gives today's date to an event that has none: it is broken no more, so it counts as refused.
		r.Put = func(t testing.TB, seed conntest.Seed) bool {
			ok := put(t, seed)
			if ok && seed.Raw != "" && !strings.Contains(seed.Raw, "DTSTART") {
				r.Delete(t, seed.Name)
				return false
			}
			return ok
		}
		return r
	}
	conntest.Run(t, sys)
}

// What is left out above is left out for as long as the servers are so.
func TestJudgeLimits(t *testing.T) {
	t.Parallel()
	point := conntest.Seed{Name: "point", Subject: "point", Start: "2026-11-23T09:00", Zone: "UTC"}
	floating := conntest.Seed{Name: "floating", Subject: "floating", Start: "2026-11-23T09:00", End: "2026-11-23T10:00"}

	cyrus := judge(t, "LINTEL_JUDGE_CYRUS")
	if cyrus.Put(t, cyrus.MakeCalendar(t, "Room")+"point.ics", point.ICS()) {
		t.Errorf("Cyrus takes events without length: take %q into its cases", noLength)
	}
	sogo := judge(t, "LINTEL_JUDGE_SOGO")
	for _, c := range []struct {
		name, has string
		ics       string
	}{
		{"an end", "DURATION:PT1H", point.ICS()},
		{"a zone", "DTSTART;TZID=", floating.ICS()},
		{"a start", "DTSTART:", conntest.Seed{Raw: "BEGIN:VEVENT\r\nDTSTAMP:20261101T080000Z\r\nUID:none\r\nEND:VEVENT\r\n"}.ICS()},
	} {
		room := sogo.MakeCalendar(t, "Room")
		sogo.Put(t, room+"object.ics", c.ics)
		if stored := strings.Join(sogo.Bodies(t, room), ""); !strings.Contains(stored, c.has) {
			t.Errorf("SOGo does not add %s any more: %q", c.name, stored)
		}
	}
}
