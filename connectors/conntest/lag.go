package conntest

import (
	"errors"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// What a system does between the requests of one write.
func lagCases() []testCase {
	return []testCase{
		{"a booking that is shown late", needs{write: true, lag: true}, shownLate},
		{"a booking that is shown late, over another one", needs{write: true, lag: true}, shownLateOver},
		{"an extension that is shown late, over another booking", needs{write: true, lag: true}, extendedLate},
		{"book again while the first is not shown yet", needs{write: true, lag: true}, againWhileLate},
		{"book anew what was undone and is still shown", needs{write: true, lag: true}, anewWhileShown},
		{"busy right after it has taken a booking", needs{write: true, after: true}, busyAfterBooking},
		{"a claim begins anew with a later end, and with nothing else", needs{write: true, tick: true, marks: true}, claims},
	}
}

func shownLate(e *env) {
	w := &hooked{ReadWriter: e.writer(), beforeBook: func() { e.room.Lag(2) }}
	out, err := connectors.BookVerified(e.Context(), w, e.Room(), e.draft("x", "09:00", "10:00"), nil)
	if err != nil || out.Verdict != connectors.Done || out.Left != nil {
		e.Fatalf("%+v, %v", out, err)
	}
	e.want(e.week(), "11-23 09:00–10:00 Booked: x")
}

// shownLateOver: the other's booking, made after we looked, is hidden as long as ours is.
func shownLateOver(e *env) {
	w := &hooked{ReadWriter: e.writer(), beforeBook: func() {
		e.room.Lag(2)
		e.put(meeting("a", "09:30", "10:30"))
	}}
	out, err := connectors.BookVerified(e.Context(), w, e.Room(), e.draft("x", "09:00", "10:00"), nil)
	if err != nil || out.Verdict == connectors.Done || out.Left != nil {
		e.Fatalf("%+v, %v", out, err)
	}
	e.want(e.week(), "11-23 09:30–10:30 Subject of a")
}

func extendedLate(e *env) {
	ev := e.book(e.draft("x", "09:00", "10:00"))
	w := &hooked{ReadWriter: e.writer(), beforeEnd: func() {
		e.room.Lag(2)
		e.put(meeting("a", "10:00", "11:00"))
	}}
	out, err := connectors.SetEndVerified(e.Context(), w, e.Room(), ev, e.at("2026-11-23T10:30"), nil)
	if err != nil || out.Verdict == connectors.Done || out.Left != nil {
		e.Fatalf("%+v, %v", out, err)
	}
	e.want(e.week(), "11-23 09:00–10:00 Booked: x", "11-23 10:00–11:00 Subject of a")
}

func againWhileLate(e *env) {
	d := e.draft("x", "09:00", "10:00")
	e.room.Lag(3)
	a, err := e.writer().Book(e.Context(), e.Room(), d)
	e.must(err)
	out, err := connectors.BookVerified(e.Context(), e.writer(), e.Room(), d, nil)
	if err != nil || out.Verdict != connectors.Done || out.Event.Identity() != a.Identity() {
		e.Fatalf("%+v, %v", out, err)
	}
	e.want(e.week(), "11-23 09:00–10:00 Booked: x")
}

func anewWhileShown(e *env) {
	d := e.draft("x", "09:00", "10:00")
	ev := e.book(d)
	e.room.Lag(3)
	e.must(e.writer().Release(e.Context(), e.Room(), ev))
	out, err := connectors.BookVerified(e.Context(), e.writer(), e.Room(), d, nil)
	if err != nil || out.Verdict != connectors.Done {
		e.Fatalf("%+v, %v", out, err)
	}
	e.room.Lag(0)
	e.want(e.week(), "11-23 09:00–10:00 Booked: x")
}

// claims: a stamp that moved with a check-in mark would make a booking look younger than one that was made over it.
func claims(e *env) {
	m := e.conn.(connectors.Marker)
	ev := e.book(e.draft("x", "09:00", "10:00"))
	setEnd := func(to string) func() {
		return func() {
			_, err := e.writer().SetEnd(e.Context(), e.Room(), ev, e.at("2026-11-23T"+to))
			e.must(err)
		}
	}
	mark := func() { e.must(m.Mark(e.Context(), e.Room(), ev, e.at("2026-11-23T09:00"))) }
	unmark := func() { e.must(m.Mark(e.Context(), e.Room(), ev, e.at("2026-11-23T09:01"))) }
	for i, step := range []struct {
		name    string
		do      func()
		younger bool
	}{
		{"a mark", mark, false},
		{"an earlier end", setEnd("09:30"), false},
		{"a later end", setEnd("10:30"), true},
		{"a mark on it", unmark, false},
		{"an earlier end after a later one", setEnd("10:15"), false},
		{"a later end once more", setEnd("10:45"), true},
		{"an earlier end right after it", setEnd("10:30"), false},
	} {
		e.room.Skew(6*time.Minute + time.Duration(i)*10*time.Second) // between two steps
		step.do()
		now := e.only(e.week())
		if younger := now.Written.After(ev.Written); younger != step.younger || now.Written.Before(ev.Written) {
			e.Errorf("%s: the claim was of %v and is of %v", step.name, ev.Written, now.Written)
		}
		ev = now
	}
}

// busyAfterBooking: the booking is there, and whoever made it must be able to end it.
func busyAfterBooking(e *env) {
	d := e.draft("x", "09:00", "10:00")
	repair := e.room.BreakAfterBooking(Fault{Status: 429, Header: map[string]string{"Retry-After": "300"}})
	out, err := connectors.BookVerified(e.Context(), e.writer(), e.Room(), d, nil)
	if !errors.Is(err, connectors.Throttled) || out.Left == nil || out.Left.Token != d.Token {
		e.Fatalf("the booking is forgotten: %+v, %v", out, err)
	}
	repair()
	e.conn = e.room.Connect(e) // the old one rightly keeps quiet
	e.Cleanup(func() { _ = e.conn.Close() })
	out, err = connectors.Settle(e.Context(), e.writer(), e.Room(), d.Token, when.Interval{From: d.From, To: d.To}, out.State)
	if err != nil || out.Verdict != connectors.Done {
		e.Fatalf("%+v, %v", out, err)
	}
	e.want(e.week(), "11-23 09:00–10:00 Booked: x")
}
