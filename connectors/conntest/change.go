package conntest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"

	"lintel/connectors"
)

func changeCases() []testCase {
	return []testCase{
		{"probe sees every change, and nothing else", needs{}, probe},
		{"probe with a mark that means nothing", needs{}, func(e *env) {
			for _, c := range []connectors.Cursor{nil, {}, []byte("http://sync.example/0"), []byte("\x00\xff{")} {
				ch, err := e.conn.Probe(e.Context(), e.Room(), c)
				if err != nil || !ch.Changed || len(ch.Next) == 0 {
					e.Errorf("%q: %+v, %v", c, ch, err)
				}
			}
		}},
		{"an event that is deleted while the calendar is read hides no other", needs{}, deletedMeanwhile},
		{"an event that is moved while the calendar is read is seen", needs{}, movedMeanwhile},
		{"read with a state that means nothing", needs{}, func(e *env) {
			e.put(meeting("a", "09:00", "10:00"))
			want := e.week()
			for _, state := range []string{"", "x", "{}", `{"v":1}`, `{"v":99,"o":{"x":{"e":"y"}}}`, "\x00\xff"} {
				if d := cmp.Diff(want.Events, e.read(e.span("2026-11-23", "2026-11-30"), []byte(state)).Events); d != "" {
					e.Errorf("%q: %s", state, d)
				}
			}
		}},
		{"added, changed and deleted, seen with state", needs{}, func(e *env) {
			e.put(meeting("a", "09:00", "10:00"), meeting("b", "10:00", "11:00"))
			w := e.span("2026-11-23", "2026-11-30")
			s := e.read(w, nil)
			e.put(meeting("c", "11:00", "12:00"))
			moved := meeting("b", "13:00", "14:00")
			moved.Subject = "moved"
			e.put(moved)
			e.room.Delete(e, "a")
			s = e.read(w, s.State)
			e.want(s, "11-23 11:00–12:00 Subject of c", "11-23 13:00–14:00 moved")
			if d := cmp.Diff(e.read(w, nil).Events, s.Events); d != "" {
				e.Error(d)
			}
		}},
		{"a window that moves on still has its words", needs{}, func(e *env) {
			e.put(meeting("a", "09:00", "10:00"))
			later := meeting("later", "09:00", "10:00")
			later.Start, later.End = "2027-02-01T09:00", "2027-02-01T10:00"
			weekly := meeting("weekly", "11:00", "12:00")
			weekly.Rule = "FREQ=WEEKLY;COUNT=11"
			if e.sys.Plain {
				weekly.Rule = ""
				second := weekly
				second.Name, second.Start, second.End = "weekly-2", "2027-02-01T11:00", "2027-02-01T12:00"
				e.put(second)
			}
			e.put(later, weekly)
			state := e.week().State
			e.want(e.read(e.span("2027-02-01", "2027-02-08"), state),
				"02-01 09:00–10:00 Subject of later", "02-01 11:00–12:00 Subject of weekly")
			e.want(e.week(), "11-23 09:00–10:00 Subject of a", "11-23 11:00–12:00 Subject of weekly")
			e.want(e.read(e.span("2027-02-08", "2027-03-08"), state))
		}},
		{"the state holds no personal word", needs{}, func(e *env) {
			e.put(meeting("a", "09:00", "10:00"))
			if !e.sys.Plain {
				e.put(daily("FREQ=DAILY"))
			}
			private := meeting("p", "12:00", "13:00")
			private.Class = "PRIVATE"
			e.put(private)
			s := e.week()
			for _, word := range []string{"Subject", "daily", "Ada", "Example", "people.example"} {
				if strings.Contains(string(s.State), word) {
					e.Errorf("the state holds %q", word)
				}
			}
			e.clean("state", string(s.State))
		}},
		{"check says that all is well", needs{}, check},
	}
}

func probe(e *env) {
	look := func(c connectors.Cursor) connectors.Change {
		e.Helper()
		ch, err := e.conn.Probe(e.Context(), e.Room(), c)
		if err != nil {
			e.Fatal(err)
		}
		return ch
	}
	cursor := look(nil).Next
	for range 3 {
		if ch := look(cursor); ch.Changed {
			e.Fatalf("nothing happened, yet it is changed: %s, %s", cursor, ch.Next)
		}
	}
	a := meeting("a", "09:00", "10:00")
	for i, change := range []func(){
		func() { e.put(a) },
		func() { a.Subject = "other"; e.put(a) },
		func() { e.put(meeting("b", "10:00", "11:00")) },
		func() { e.room.Delete(e, "a") },
	} {
		change()
		ch := look(cursor)
		if !ch.Changed {
			e.Fatalf("change %d is not seen", i)
		}
		cursor = ch.Next
		if look(cursor).Changed {
			e.Fatalf("change %d is seen twice", i)
		}
	}
}

func check(e *env) {
	e.put(meeting("a", "09:00", "10:00"))
	_, writes := e.conn.(connectors.Writer)
	r := e.conn.Check(e.Context(), connectors.CheckRequest{Room: e.Room(), Write: writes})
	if !r.OK() || len(r.Steps) < 5 {
		e.Errorf("%+v", r)
	}
	for _, s := range r.Steps {
		if s.State == connectors.StepSkipped && (writes || s.Name != "calendar.check.write") {
			e.Errorf("step %s was skipped", s.Name)
		}
		e.Logf("%-24s %-7s %s", s.Name, s.State, s.Said)
	}
	if writes && r.Access == connectors.AccessNone {
		e.Error("no access")
	}
	e.clean("report", fmt.Sprintf("%+v", r))
	e.want(e.week(), "11-23 09:00–10:00 Subject of a")
	if list, ok := e.conn.(connectors.Lister); ok && e.conn.Caps().Has(connectors.CapListRooms) {
		rooms, next, err := list.Rooms(e.Context(), "")
		found := false
		for _, room := range rooms {
			found = found || room.ID == e.room.ID
		}
		if err != nil || !found || next != "" {
			e.Errorf("the room is not among the %d rooms, next %q, %v", len(rooms), next, err)
		}
	}
}

// deletedMeanwhile: systems that page by counting move everything forward when an early entry goes.
func deletedMeanwhile(e *env) {
	e.meanwhile(func() { e.room.Delete(e, "m0") }, 1, 9)
}

// movedMeanwhile: what goes from a page that is to come to one that was read is on neither.
func movedMeanwhile(e *env) {
	e.meanwhile(func() { e.put(meeting("m8", "07:00", "07:30")) }, 0, 8)
}

// meanwhile reads nine events, of which m0 begins at eight, while something happens. Those from first up to but not last
// stay as they are and must be there.
func (e *env) meanwhile(happens func(), first, last int) {
	e.Helper()
	var want []string
	for i := range 9 {
		e.put(meeting(fmt.Sprint("m", i), fmt.Sprintf("%02d:00", 8+i), fmt.Sprintf("%02d:00", 9+i)))
		if i >= first && i < last {
			want = append(want, fmt.Sprintf("11-23 %02d:00–%02d:00 Subject of m%d", 8+i, 9+i, i))
		}
	}
	once := sync.OnceFunc(happens)
	s, err := e.conn.Read(e.Context(), connectors.ReadRequest{Room: e.Room(), Window: e.span("2026-11-23", "2026-11-30"), Progress: func(int, int) { once() }})
	e.must(err)
	moved := 0
	s.Events = slices.DeleteFunc(s.Events, func(ev connectors.Event) bool {
		if ev.Subject == "Subject of m8" && last < 9 {
			moved++
			return true
		}
		return first > 0 && ev.Subject == "Subject of m0"
	})
	e.want(s, want...)
	if last < 9 && moved != 1 {
		e.Errorf("the moved event is seen %d times", moved)
	}
}
