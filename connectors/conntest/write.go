package conntest

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/connectors"
)

// draft is a booking on 23 November 2026. The token is the same for the same name within a room.
func (e *env) draft(name, from, to string) connectors.Draft {
	return connectors.Draft{
		Token: fmt.Sprintf("token-of-%s-%08x", name, crc32.ChecksumIEEE([]byte(e.room.ID))), From: e.at("2026-11-23T" + from), To: e.at("2026-11-23T" + to),
		Subject: "Booked: " + name, Organizer: "Grace Example",
	}
}

// book books under the whole rule and fails unless that is done.
func (e *env) book(d connectors.Draft) connectors.Event {
	e.Helper()
	out, err := connectors.BookVerified(e.Context(), e.writer(), e.Room(), d, nil)
	if err != nil || out.Verdict != connectors.Done {
		e.Fatalf("book: %+v, %v", out, err)
	}
	return out.Event
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func writeCases() []testCase {
	return []testCase{
		{"book", needs{write: true}, book},
		{"book private", needs{write: true}, func(e *env) {
			d := e.draft("p", "09:00", "10:00")
			d.Private = true
			ev := e.book(d)
			if !ev.Private || ev.Subject+ev.Organizer != "" || ev.Token != d.Token {
				e.Errorf("%+v", ev)
			}
			e.want(e.week(), "11-23 09:00–10:00 private")
		}},
		{"book twice with one token", needs{write: true}, func(e *env) {
			d := e.draft("same", "09:00", "10:00")
			a, b := e.book(d), e.book(d)
			if d := cmp.Diff(a, b); d != "" {
				e.Errorf("the second call brings another event: %s", d)
			}
			e.want(e.week(), "11-23 09:00–10:00 Booked: same")
			d.To = d.To.Add(time.Hour)
			_, err := e.writer().Book(e.Context(), e.Room(), d)
			e.kind(err, connectors.Conflict)
		}},
		{"book what can't be booked", needs{write: true}, func(e *env) {
			for _, change := range []func(*connectors.Draft){
				func(d *connectors.Draft) { d.Token = "" },
				func(d *connectors.Draft) { d.Token = "../../etc/passwd" },
				func(d *connectors.Draft) { d.To = d.From },
				func(d *connectors.Draft) { d.To = d.From.Add(-time.Hour) },
			} {
				d := e.draft("bad", "09:00", "10:00")
				change(&d)
				_, err := e.writer().Book(e.Context(), e.Room(), d)
				e.kind(err, connectors.Invalid)
			}
			e.want(e.week())
		}},
		{"book where it is taken", needs{write: true}, taken},
		{"book back to back, and over what does not occupy", needs{write: true}, func(e *env) {
			free, cancelled := meeting("free", "10:00", "11:00"), meeting("cancelled", "10:00", "11:00")
			free.Free, cancelled.Cancelled = true, true
			e.put(meeting("a", "09:00", "10:00"), meeting("b", "11:00", "12:00"), cancelled)
			if !e.sys.Plain {
				e.put(free)
			}
			e.book(e.draft("between", "10:00", "11:00"))
		}},
		{"end early and extend", needs{write: true}, func(e *env) {
			ev := e.book(e.draft("x", "09:00", "10:00"))
			for _, to := range []string{"09:30", "09:30", "11:00"} {
				out, err := connectors.SetEndVerified(e.Context(), e.writer(), e.Room(), ev, e.at("2026-11-23T"+to), nil)
				e.must(err)
				ev = out.Event
				e.want(e.week(), "11-23 09:00–"+to+" Booked: x")
			}
			if ev.Token == "" {
				e.Error("the token is lost")
			}
		}},
		{"extend into the next meeting", needs{write: true}, func(e *env) {
			e.put(meeting("next", "10:30", "11:00"))
			ev := e.book(e.draft("x", "09:00", "10:00"))
			out, err := connectors.SetEndVerified(e.Context(), e.writer(), e.Room(), ev, e.at("2026-11-23T10:45"), nil)
			e.must(err)
			if out.Verdict != connectors.Taken || len(out.Others) != 1 {
				e.Errorf("%+v", out)
			}
			e.want(e.week(), "11-23 09:00–10:00 Booked: x", "11-23 10:30–11:00 Subject of next")
			out, err = connectors.SetEndVerified(e.Context(), e.writer(), e.Room(), ev, e.at("2026-11-23T10:30"), out.State)
			e.must(err)
			if out.Verdict != connectors.Done {
				e.Errorf("up to the next meeting: %+v", out)
			}
		}},
		{"settle an extension", needs{write: true}, func(e *env) {
			was := e.book(e.draft("x", "09:00", "10:00"))
			_, err := e.writer().SetEnd(e.Context(), e.Room(), was, e.at("2026-11-23T10:30"))
			e.must(err)
			was = connectors.Event{Series: was.Series, Occurrence: was.Occurrence, From: was.From, To: was.To} // what is noted of it
			out, err := connectors.SettleEnd(e.Context(), e.writer(), e.Room(), was, e.at("2026-11-23T10:30"), nil)
			e.must(err)
			if out.Verdict != connectors.Done || out.Left != nil {
				e.Errorf("%+v", out)
			}
			_, err = connectors.SettleEnd(e.Context(), e.writer(), e.Room(), was, e.at("2026-11-23T11:00"), nil)
			e.kind(err, connectors.NotFound)
			e.want(e.week(), "11-23 09:00–10:30 Booked: x")
		}},
		{"settle an extension into the next meeting", needs{write: true}, func(e *env) {
			e.put(meeting("next", "10:30", "11:00"))
			was := e.book(e.draft("x", "09:00", "10:00"))
			_, err := e.writer().SetEnd(e.Context(), e.Room(), was, e.at("2026-11-23T10:45"))
			if !errors.Is(err, connectors.Conflict) { // else the system itself keeps them apart
				e.must(err)
				was = connectors.Event{Series: was.Series, Occurrence: was.Occurrence, From: was.From, To: was.To}
				out, err := connectors.SettleEnd(e.Context(), e.writer(), e.Room(), was, e.at("2026-11-23T10:45"), nil)
				e.must(err)
				if out.Verdict == connectors.Done || out.Left != nil || len(out.Others) != 1 {
					e.Errorf("%+v", out)
				}
			}
			e.want(e.week(), "11-23 09:00–10:00 Booked: x", "11-23 10:30–11:00 Subject of next")
		}},
		{"end somebody's meeting early", needs{write: true}, foreign},
		{"change one occurrence of a series", needs{write: true, rich: true}, func(e *env) {
			e.put(daily("FREQ=DAILY;COUNT=3"))
			ev := e.one(e.week(), "2026-11-24T09:00")
			_, err := e.writer().SetEnd(e.Context(), e.Room(), ev, e.at("2026-11-24T09:20"))
			e.must(err)
			s := e.week()
			e.want(s, "11-23 09:00–10:00 daily", "11-24 09:00–09:20 daily", "11-25 09:00–10:00 daily")
			if got := e.one(s, "2026-11-24T09:00"); got.Identity() != ev.Identity() {
				e.Error("the identity changed")
			}
			_, err = e.writer().SetEnd(e.Context(), e.Room(), e.one(s, "2026-11-24T09:00"), e.at("2026-11-24T09:40"))
			e.must(err)
			e.want(e.week(), "11-23 09:00–10:00 daily", "11-24 09:00–09:40 daily", "11-25 09:00–10:00 daily")
		}},
		{"release a booking, twice", needs{write: true}, func(e *env) {
			ev := e.book(e.draft("x", "09:00", "10:00"))
			e.must(e.writer().Release(e.Context(), e.Room(), ev))
			e.want(e.week())
			e.must(e.writer().Release(e.Context(), e.Room(), ev))
			e.book(e.draft("y", "09:00", "10:00"))
		}},
		{"release one occurrence", needs{write: true, rich: true}, func(e *env) {
			s := daily("FREQ=DAILY;COUNT=3")
			s.Overrides = []Override{{Original: "2026-11-25T09:00", Start: "2026-11-25T14:00", End: "2026-11-25T15:00"}}
			e.put(s)
			before := e.week()
			e.must(e.writer().Release(e.Context(), e.Room(), e.one(before, "2026-11-24T09:00")))
			e.must(e.writer().Release(e.Context(), e.Room(), e.one(before, "2026-11-25T14:00")))
			e.want(e.week(), "11-23 09:00–10:00 daily")
			e.must(e.writer().Release(e.Context(), e.Room(), e.one(before, "2026-11-24T09:00")))
			e.want(e.week(), "11-23 09:00–10:00 daily")
		}},
		{"release an occurrence of whole days", needs{write: true, rich: true}, func(e *env) {
			e.put(Seed{Name: "s", Subject: "day", Start: "2026-11-23", End: "2026-11-24", Rule: "FREQ=DAILY;COUNT=2"})
			e.must(e.writer().Release(e.Context(), e.Room(), e.one(e.week(), "2026-11-23T00:00")))
			e.want(e.week(), "11-24–11-25 day")
		}},
		{"what was moved meanwhile is left alone", needs{write: true}, stale},
		{"what is gone meanwhile", needs{write: true}, func(e *env) {
			e.put(meeting("a", "09:00", "10:00"))
			ev := e.only(e.week())
			e.room.Delete(e, "a")
			_, err := e.writer().SetEnd(e.Context(), e.Room(), ev, ev.To.Add(-time.Minute))
			e.kind(err, connectors.NotFound)
			e.must(e.writer().Release(e.Context(), e.Room(), ev))
		}},
	}
}

func book(e *env) {
	d := e.draft("x", "09:00", "10:00")
	d.Subject, d.Organizer = "Überprüfung; Größe, \"Jahres\\bericht\"\nBEGIN:VEVENT", "Grace; Example, Ltd."
	ev := e.book(d)
	read := e.only(e.week())
	if d := cmp.Diff(read, ev); d != "" {
		e.Errorf("what was booked and what is read differ: %s", d)
	}
	if ev.Token != d.Token || ev.Subject != d.Subject || ev.Organizer != d.Organizer || !ev.From.Equal(d.From) || !ev.To.Equal(d.To) || !ev.Mine || ev.Private {
		e.Errorf("%+v", ev)
	}
	if e.sys.Tick > 0 && ev.Written.IsZero() {
		e.Error("no time of writing")
	}
	if e.room.Bodies != nil {
		bodies := e.room.Bodies(e)
		if len(bodies) != 1 || !strings.Contains(bodies[0], d.Token) {
			e.Errorf("the system itself has %q", bodies)
		}
		if strings.Contains(bodies[0], "ORGANIZER") || strings.Contains(bodies[0], "ATTENDEE") {
			e.Error("somebody would be invited")
		}
	}
}

func taken(e *env) {
	e.put(meeting("a", "09:00", "10:00"))
	spans := [][2]string{
		{"2026-11-23T09:30", "2026-11-23T10:30"},
		{"2026-11-23T08:00", "2026-11-23T09:01"},
		{"2026-11-23T09:15", "2026-11-23T09:30"},
		{"2026-11-23T08:00", "2026-11-23T11:00"},
	}
	want := []string{"11-23 09:00–10:00 Subject of a"}
	if !e.sys.Plain {
		t := meeting("tentative", "14:00", "15:00")
		t.Tentative = true
		e.put(t, Seed{Name: "day", Subject: "day", Start: "2026-11-24", End: "2026-11-25"})
		spans = append(spans, [2]string{"2026-11-23T14:30", "2026-11-23T15:30"}, [2]string{"2026-11-24T09:00", "2026-11-24T10:00"})
		want = append(want, "11-23 14:00–15:00 tentative Subject of tentative", "11-24–11-25 day")
	}
	for i, span := range spans {
		d := e.draft(fmt.Sprint("t", i), "09:00", "10:00")
		d.From, d.To = e.at(span[0]), e.at(span[1])
		out, err := connectors.BookVerified(e.Context(), e.writer(), e.Room(), d, nil)
		e.must(err)
		if out.Verdict != connectors.Taken || len(out.Others) != 1 {
			e.Errorf("%v: %+v", span, out)
		}
	}
	e.want(e.week(), want...)
}

// foreign ends a meeting of somebody else early: all that their program wrote must survive.
func foreign(e *env) {
	s := meeting("a", "09:00", "10:00")
	s.Invited = true
	s.Extra = []string{
		"X-OTHER-PROGRAM;X-PARAM=1:keep me", "CATEGORIES:one,two", "LOCATION:Room 1",
		"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:soon\r\nTRIGGER:-PT10M\r\nEND:VALARM",
	}
	e.put(s)
	ev := e.only(e.week())
	if ev.Mine && !e.sys.Plain {
		e.Error("an invitation counts as the room's own")
	}
	_, err := e.writer().SetEnd(e.Context(), e.Room(), ev, e.at("2026-11-23T09:40"))
	e.must(err)
	e.want(e.week(), "11-23 09:00–09:40 Subject of a")
	body := strings.Join(e.room.Bodies(e), "")
	keeps := e.sys.Keeps
	if keeps == nil {
		keeps = []string{"keep me", "X-OTHER-PROGRAM", "CATEGORIES", "VALARM", "ada@people.example", "Europe/Zurich", "VTIMEZONE"}
	}
	for _, keep := range keeps {
		if !strings.Contains(body, keep) {
			e.Errorf("%q is lost", keep)
		}
	}
}

// stale acts on events as they were read, after somebody moved them.
func stale(e *env) {
	e.put(meeting("a", "09:00", "10:00"))
	if !e.sys.Plain {
		e.put(daily("FREQ=DAILY;COUNT=3"))
	}
	before := e.week()
	e.put(meeting("a", "13:00", "14:00"))
	if !e.sys.Plain {
		series := daily("FREQ=DAILY;COUNT=3")
		series.Overrides = []Override{{Original: "2026-11-24T09:00", Start: "2026-11-24T16:00", End: "2026-11-24T17:00"}}
		e.put(series)
	}
	for _, ev := range before.Events {
		if ev.Occurrence == "" || ev.From.Equal(e.at("2026-11-24T09:00")) {
			_, err := e.writer().SetEnd(e.Context(), e.Room(), ev, ev.From.Add(time.Minute))
			e.kind(err, connectors.Conflict)
			e.kind(e.writer().Release(e.Context(), e.Room(), ev), connectors.Conflict)
		}
	}
	want := []string{"11-23 13:00–14:00 Subject of a"}
	if !e.sys.Plain {
		want = []string{"11-23 09:00–10:00 daily", want[0], "11-24 16:00–17:00 daily", "11-25 09:00–10:00 daily"}
	}
	e.want(e.week(), want...)
	// A change of words alone is no reason to refuse.
	renamed := meeting("a", "13:00", "14:00")
	renamed.Subject = "renamed"
	ev := e.one(e.week(), "2026-11-23T13:00")
	e.put(renamed)
	got, err := e.writer().SetEnd(e.Context(), e.Room(), ev, e.at("2026-11-23T13:30"))
	e.must(err)
	if got.Subject != "renamed" {
		e.Errorf("somebody's change was overwritten: %q", got.Subject)
	}
}
