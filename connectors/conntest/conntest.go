// Package conntest is the one contract suite that every calendar connector passes, against fakes with
// faults and against real servers, and the means to start these servers.
package conntest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// Planted is the password that a System's connector signs in with, where the System can choose one. It
// must never show up in an error, a report or a state.
const Planted = "planted-7d1c-password"

// System is a booking system under test.
type System struct {
	// NewRoom returns an empty room.
	NewRoom func(t testing.TB) *Room
	// ICal says that rooms take Seeds with Raw bytes and with zones that only iCalendar knows.
	ICal bool
	// ReadOnly says that the connector can't write; the cases of writing are then left out.
	ReadOnly bool
	// Broken says that rooms take Seeds that are Broken.
	Broken bool
	// Plain says that the system knows single meetings with times, subject, organizer and private flag
	// only: no series, whole days, tentative or free ones, nor who owns a meeting.
	Plain bool
	// Invites says that whoever organizes a meeting owns it: a Seed with an organizer is an invitation, and
	// the room owns only what it organizes itself.
	Invites bool
	// Keeps is what a Seed with Extra lines leaves in Bodies and what must survive a change of ours; nil =
	// all of it, as systems that take iCalendar do.
	Keeps []string
	// Secret is what must not show anywhere; "" = Planted.
	Secret string
	// Tick is the resolution of the server's clock on events; 0 = Written is never set.
	Tick time.Duration
	// Many is how many events the case of a thousand puts; 0 = 1,000. Servers that take minutes for
	// that get fewer.
	Many int
	// Without names cases that the system itself can't do, each with the reason.
	Without map[string]string
}

// Room is one room's calendar, seen from the other side.
type Room struct {
	ID string
	// Connect returns a new connector, signed in as somebody who may write if anybody may.
	Connect func(t testing.TB) connectors.Connector
	// Put stores a seed as another program would, replacing the one of that name. It returns false when
	// the system refuses such an object, which only Raw ones may be.
	Put func(t testing.TB, s Seed) bool
	// PutAll stores many seeds at once in an empty room; nil = one by one.
	PutAll func(t testing.TB, seeds []Seed)
	// Delete removes the seed of that name.
	Delete func(t testing.TB, name string)
	// Bodies returns the objects as the system has them. Not needed for ReadOnly.
	Bodies func(t testing.TB) []string
	// Break makes the system fail until repair is called.
	Break func(f Fault) (repair func())
	// BreakAfterBooking makes the system fail once it has written the next booking; nil = it can't.
	BreakAfterBooking func(f Fault) (repair func())
	// Lag makes the next lists show the room as it is now, whatever happens to it meanwhile; nil = the system never does.
	Lag func(lists int)
	// Remove removes the whole room, as far as the connector can see.
	Remove func(t testing.TB)
	// Skew moves the system's clock against ours.
	Skew func(d time.Duration)
}

// Fault is what a system answers instead of the truth.
type Fault struct {
	Status int
	Header map[string]string
	Body   string
	Until  time.Duration // Retry-After as a date, that far ahead on the system's own clock
	Cut    bool          // cut the connection in the middle of the answer
}

// env is one case's view.
type env struct {
	*testing.T
	sys  System
	room *Room
	conn connectors.Connector
	zone *time.Location
	log  *bytes.Buffer
}

func (e *env) Room() connectors.Room { return connectors.Room{ID: e.room.ID, Zone: e.zone} }

// writer returns the connector as a writer; cases that need one are not run for others.
func (e *env) writer() connectors.ReadWriter { return e.conn.(connectors.ReadWriter) }

// at reads a wall-clock time in the room's zone.
func (e *env) at(s string) time.Time {
	e.Helper()
	t, err := time.ParseInLocation("2006-01-02T15:04", s, e.zone)
	if err != nil {
		e.Fatal(err)
	}
	return t.UTC()
}

// span returns the window between two wall-clock times or days.
func (e *env) span(from, to string) when.Interval {
	e.Helper()
	day := func(s string) string {
		if len(s) == len("2026-11-23") {
			s += "T00:00"
		}
		return s
	}
	return when.Interval{From: e.at(day(from)), To: e.at(day(to))}
}

func (e *env) read(w when.Interval, state []byte) connectors.Snapshot {
	e.Helper()
	s, err := e.conn.Read(e.Context(), connectors.ReadRequest{Room: e.Room(), Window: w, State: state})
	if err != nil {
		e.Fatalf("read: %v", err)
	}
	if !s.Complete {
		e.Fatal("the snapshot is not complete")
	}
	return s
}

// week reads the week of 23 November 2026 without state.
func (e *env) week() connectors.Snapshot {
	e.Helper()
	return e.read(e.span("2026-11-23", "2026-11-30"), nil)
}

// want compares a snapshot with lines of "from–to subject" in the room's zone.
func (e *env) want(s connectors.Snapshot, lines ...string) {
	e.Helper()
	var got []string
	for _, ev := range s.Events {
		got = append(got, e.line(ev))
	}
	if !slices.Equal(got, lines) {
		e.Fatalf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

// line writes an event as "11-23 09:00–10:00 Subject", or "11-23–11-24 Subject" for whole days.
func (e *env) line(ev connectors.Event) string {
	var s string
	if ev.AllDay {
		s = ev.FirstDay.String()[5:] + "–" + ev.EndDay.String()[5:]
	} else {
		from, to := ev.From.In(e.zone), ev.To.In(e.zone)
		end := to.Format("15:04")
		if from.Format("01-02") != to.Format("01-02") {
			end = to.Format("01-02 15:04")
		}
		s = from.Format("01-02 15:04–") + end
	}
	for name, on := range map[string]bool{" private": ev.Private, " tentative": ev.Tentative, " free": ev.Free} {
		if on {
			s += name
		}
	}
	return strings.TrimSpace(s + " " + ev.Subject)
}

// only returns the single event of a snapshot.
func (e *env) only(s connectors.Snapshot) connectors.Event {
	e.Helper()
	if len(s.Events) != 1 {
		e.Fatalf("%d events, want one", len(s.Events))
	}
	return s.Events[0]
}

// one returns the event that starts at a wall-clock time.
func (e *env) one(s connectors.Snapshot, from string) connectors.Event {
	e.Helper()
	for _, ev := range s.Events {
		if ev.From.Equal(e.at(from)) {
			return ev
		}
	}
	e.Fatalf("no event starts at %s", from)
	return connectors.Event{}
}

// meeting is a plain seed in Zurich on 23 November 2026.
func meeting(name, from, to string) Seed {
	return Seed{
		Name: name, Subject: "Subject of " + name, Organizer: "Ada Example", Address: "ada@people.example",
		Start: "2026-11-23T" + from, End: "2026-11-23T" + to, Zone: "Europe/Zurich", Created: "20261101T080000Z",
	}
}

// put stores seeds and returns how many the system refused.
func (e *env) put(seeds ...Seed) (refused int) {
	e.Helper()
	for _, s := range seeds {
		if !e.room.Put(e, s) {
			refused++
			if s.Raw == "" {
				e.Fatalf("the system refuses %s", s.Name)
			}
		}
	}
	return refused
}

// clean fails when a secret shows in what an error, a report or anything else prints.
func (e *env) clean(what string, v any) {
	e.Helper()
	secret := e.sys.Secret
	if secret == "" {
		secret = Planted
	}
	text := fmt.Sprintf("%v %+v %#v", v, v, v)
	var ce *connectors.Error
	if err, ok := v.(error); ok && errors.As(err, &ce) {
		text += fmt.Sprintf("%+v", *ce)
	}
	slog.New(slog.NewJSONHandler(e.log, nil)).Error("case", "what", v)
	text += e.log.String()
	if strings.Contains(text, secret) {
		e.Fatalf("%s shows the secret", what)
	}
}

// needs is what a case asks of a system.
type needs struct {
	write bool // a connector that writes
	ical  bool // rooms that take any iCalendar
	bad   bool // rooms that take events that nobody can read
	tick  bool // events with the server's time of writing
	rich  bool // more than Plain systems know
	lag   bool // Room.Lag
	after bool // Room.BreakAfterBooking
	marks bool // a connector that marks check-ins
}

type testCase struct {
	name  string
	needs needs
	run   func(e *env)
}

// missing returns why a case is not for a system with such rooms and connectors, "" when it is.
func (c testCase) missing(sys System, room *Room, conn connectors.Connector) string {
	n := c.needs
	switch {
	case sys.Without[c.name] != "":
		return sys.Without[c.name]
	case n.write && sys.ReadOnly:
		return "the connector only reads"
	case n.ical && !sys.ICal:
		return "the system does not speak iCalendar"
	case n.bad && !sys.Broken:
		return "the system takes no events that nobody can read"
	case n.rich && sys.Plain:
		return "the system knows plain meetings only"
	case n.tick && sys.Tick == 0:
		return "the system does not tell when an event was written"
	case n.lag && room.Lag == nil:
		return "the system answers from one place"
	case n.after && room.BreakAfterBooking == nil:
		return "the system can't be broken at that moment"
	}
	if _, ok := conn.(connectors.Marker); n.marks && !ok {
		return "the system knows no marks"
	}
	return ""
}

// Run runs the whole suite against one system. Cases that make no sense for it are named in the log.
func Run(t *testing.T, sys System) {
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	cases := slices.Concat(readCases(), unreadCases(), seriesCases(), changeCases(), faultCases(), writeCases(), raceCases(), lagCases())
	for name := range sys.Without {
		if !slices.ContainsFunc(cases, func(c testCase) bool { return c.name == name }) {
			t.Errorf("there is no case %q to leave out", name)
		}
	}
	room := sys.NewRoom(t)
	conn := room.Connect(t)
	t.Cleanup(func() { _ = conn.Close() })
	for _, c := range cases {
		if why := c.missing(sys, room, conn); why != "" {
			t.Logf("left out: %s: %s", c.name, why)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := &env{T: t, sys: sys, zone: zone, room: sys.NewRoom(t), log: &bytes.Buffer{}}
			e.conn = e.room.Connect(t)
			t.Cleanup(func() { _ = e.conn.Close() })
			if _, writes := e.conn.(connectors.Writer); writes == sys.ReadOnly {
				t.Fatal("the system says ReadOnly and its connector says otherwise")
			}
			c.run(e)
		})
	}
}

// Context of a case ends with it.
func (e *env) Context() context.Context { return e.T.Context() }
