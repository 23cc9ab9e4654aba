package conntest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"lintel/app/when"
	"lintel/connectors"
)

func readCases() []testCase {
	return []testCase{
		{"empty calendar", needs{}, func(e *env) {
			s := e.week()
			e.want(s)
			if s.AsOf.IsZero() || s.Skipped != 0 || len(s.Warnings) != 0 {
				e.Errorf("snapshot of nothing: %+v", s)
			}
		}},
		{"one event has all its fields", needs{}, oneEvent},
		{"order and back to back", needs{}, func(e *env) {
			e.put(meeting("c", "11:00", "12:00"), meeting("a", "10:00", "11:00"), meeting("b", "10:00", "10:30"))
			e.want(e.week(), "11-23 10:00–10:30 Subject of b", "11-23 10:00–11:00 Subject of a", "11-23 11:00–12:00 Subject of c")
		}},
		{"window edges", needs{}, func(e *env) {
			e.put(meeting("before", "08:00", "09:00"), meeting("into", "08:30", "09:01"), meeting("inside", "09:30", "10:00"),
				meeting("out-of", "10:59", "12:00"), meeting("after", "11:00", "12:00"), meeting("around", "07:00", "13:00"))
			e.want(e.read(e.span("2026-11-23T09:00", "2026-11-23T11:00"), nil),
				"11-23 07:00–13:00 Subject of around", "11-23 08:30–09:01 Subject of into",
				"11-23 09:30–10:00 Subject of inside", "11-23 10:59–12:00 Subject of out-of")
		}},
		{"event without length", needs{ical: true}, func(e *env) {
			e.put(Seed{Name: "point", Subject: "point", Start: "2026-11-23T09:00", Zone: "Europe/Zurich"})
			ev := e.only(e.read(e.span("2026-11-23T09:00", "2026-11-23T10:00"), nil))
			if !ev.From.Equal(ev.To) || ev.Occupies(e.span("2026-11-23", "2026-11-24")) {
				e.Errorf("%+v", ev)
			}
			e.want(e.read(e.span("2026-11-23T08:00", "2026-11-23T09:00"), nil))
		}},
		{"over midnight and over a week", needs{}, func(e *env) {
			e.put(Seed{Name: "long", Subject: "long", Start: "2026-11-16T22:00", End: "2026-11-27T02:00", Zone: "Europe/Zurich"})
			e.want(e.read(e.span("2026-11-24", "2026-11-25"), nil), "11-16 22:00–11-27 02:00 long")
		}},
		{"whole days are days in every zone", needs{rich: true}, wholeDays},
		{"private and confidential hide their words", needs{}, func(e *env) {
			a, b := meeting("a", "09:00", "10:00"), meeting("b", "10:00", "11:00")
			a.Class, b.Class = "PRIVATE", "CONFIDENTIAL"
			e.put(a, b)
			s := e.week()
			e.want(s, "11-23 09:00–10:00 private", "11-23 10:00–11:00 private")
			for _, ev := range s.Events {
				if ev.Organizer+ev.OrganizerAddr != "" {
					e.Errorf("the organizer of a private event shows: %+v", ev)
				}
			}
			if strings.Contains(fmt.Sprintf("%+v %s", s, s.State), "Subject of") {
				e.Error("a private subject shows in the snapshot")
			}
		}},
		{"tentative and free", needs{rich: true}, func(e *env) {
			a, b := meeting("a", "09:00", "10:00"), meeting("b", "10:00", "11:00")
			a.Tentative, b.Free = true, true
			e.put(a, b)
			s := e.week()
			e.want(s, "11-23 09:00–10:00 tentative Subject of a", "11-23 10:00–11:00 free Subject of b")
			if day := e.span("2026-11-23", "2026-11-24"); !s.Events[0].Occupies(day) || s.Events[1].Occupies(day) {
				e.Error("tentative occupies, free does not")
			}
		}},
		{"cancelled events do not come", needs{}, func(e *env) {
			a := meeting("a", "09:00", "10:00")
			a.Cancelled = true
			e.put(a, meeting("b", "10:00", "11:00"))
			e.want(e.week(), "11-23 10:00–11:00 Subject of b")
		}},
		{"words in all scripts", needs{}, func(e *env) {
			const subject = `Überprüfung; Größe, "Jahres\bericht" – 会議 🎉 ` + "اجتماع פגישה " +
				`and so on, far beyond the seventy-five octets of a line, with ümläuts at the fold`
			a := meeting("a", "09:00", "10:00")
			a.Subject, a.Organizer = subject, "Zoë Müller-Łukasz"
			e.put(a)
			ev := e.only(e.week())
			if ev.Subject != subject || ev.Organizer != "Zoë Müller-Łukasz" {
				e.Errorf("got %q by %q", ev.Subject, ev.Organizer)
			}
		}},
		{"a thousand events", needs{}, thousand},
		{"zones: Windows name, VTIMEZONE, floating, unknown", needs{ical: true}, zones},
		{"what floats is in the room's zone", needs{ical: true}, floating},
		{"one broken object among good ones", needs{ical: true}, broken},
	}
}

func oneEvent(e *env) {
	e.put(meeting("a", "09:00", "10:00"))
	s := e.week()
	ev := e.only(s)
	if ev.Key == "" || ev.Series == "" {
		e.Errorf("no key or identity: %+v", ev)
	}
	if e.sys.Tick > 0 && ev.Written.IsZero() {
		e.Error("no time of writing")
	}
	want := connectors.Event{
		Key: ev.Key, Series: ev.Series, Rev: ev.Rev, Written: ev.Written,
		From: e.at("2026-11-23T09:00"), To: e.at("2026-11-23T10:00"),
		Subject: "Subject of a", Organizer: "Ada Example", OrganizerAddr: "ada@people.example",
		Created: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC), Mine: !e.sys.Invites,
	}
	if d := gocmp.Diff(want, ev); d != "" {
		e.Error(d)
	}
	again := e.week()
	if d := gocmp.Diff(s.Events, again.Events); d != "" {
		e.Errorf("two reads of one truth differ: %s", d)
	}
}

func wholeDays(e *env) {
	e.put(Seed{Name: "one", Subject: "one day", Start: "2026-10-25", End: "2026-10-26"},
		Seed{Name: "three", Subject: "three days", Start: "2026-10-24", End: "2026-10-27", Free: true})
	for _, name := range []string{"Europe/Zurich", "Atlantic/Azores", "America/Santiago", "Australia/Lord_Howe", "Pacific/Kiritimati", "Asia/Beirut"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			e.Fatal(err)
		}
		e.zone = zone
		day := when.Date{Year: 2026, Month: time.October, Day: 25}
		s := e.read(day.Interval(zone), nil)
		e.want(s, "10-24–10-27 free three days", "10-25–10-26 one day")
		if ev := s.Events[1]; !ev.From.Equal(day.Start(zone)) || !ev.To.Equal(day.End(zone)) {
			e.Errorf("%s: %v–%v is not the day", name, ev.From, ev.To)
		}
		e.want(e.read(day.Add(2).Interval(zone), nil))
		e.want(e.read(day.Add(-1).Interval(zone), nil), "10-24–10-27 free three days")
	}
}

func thousand(e *env) {
	many := cmp.Or(e.sys.Many, 1000)
	start := e.at("2026-11-23T12:00").Add(-time.Duration(many/2) * time.Hour)
	var want []string
	var seeds []Seed
	window := e.span("2026-11-23", "2026-11-30")
	for i := range many {
		at := start.Add(time.Duration(i) * time.Hour)
		s := Seed{
			Name: fmt.Sprintf("m%04d", i), Subject: fmt.Sprint("number ", i), Zone: "UTC",
			Start: at.Format("2006-01-02T15:04"), End: at.Add(time.Hour).Format("2006-01-02T15:04"),
		}
		seeds = append(seeds, s)
		if (when.Interval{From: at, To: at.Add(time.Hour)}).Overlaps(window) {
			want = append(want, s.Subject)
		}
	}
	if e.room.PutAll != nil {
		e.room.PutAll(e, seeds)
	} else {
		e.put(seeds...)
	}
	var told [2]int
	s, err := e.conn.Read(e.Context(), connectors.ReadRequest{Room: e.Room(), Window: window, Progress: func(done, total int) { told = [2]int{done, total} }})
	if err != nil {
		e.Fatal(err)
	}
	var got []string
	for _, ev := range s.Events {
		got = append(got, ev.Subject)
	}
	if !slices.Equal(got, want) {
		e.Errorf("%d events in the window, want %d", len(got), len(want))
	}
	if told[0] != told[1] {
		e.Errorf("progress ends at %d of %d", told[0], told[1])
	}
	// With the state, and after one change, the answer is that of a full read.
	e.put(Seed{Name: fmt.Sprintf("m%04d", many/2), Subject: "changed", Zone: "UTC", Start: "2026-11-27T06:00", End: "2026-11-27T06:30"})
	if d := gocmp.Diff(e.read(window, nil).Events, e.read(window, s.State).Events); d != "" {
		e.Error(d)
	}
}

func zones(e *env) {
	seed := func(name, zone, from string) Seed {
		s := meeting(name, from, from[:3]+"30")
		s.Zone, s.Subject = zone, name
		return s
	}
	win := seed("windows", "W. Europe Standard Time", "09:00")
	bare := seed("windows-bare", "Pacific Standard Time", "01:00")
	own := seed("own-rules", "Company Zone", "11:00")
	floating := seed("floating", "", "12:00")
	unknown := seed("unknown", "Nowhere/Land", "13:00")
	e.put(win, bare, own, floating, unknown)
	s := e.week()
	e.want(s, "11-23 09:00–09:30 windows", "11-23 10:00–10:30 windows-bare", "11-23 11:00–11:30 own-rules",
		"11-23 12:00–12:30 floating", "11-23 13:00–13:30 unknown")
	found := false
	for _, w := range s.Warnings {
		found = found || w.Key == "calendar.warning.zone_unknown" && w.Said == "Nowhere/Land"
	}
	if !found {
		e.Errorf("no warning of the unknown zone: %+v", s.Warnings)
	}
}

// floating reads with another room's zone, which moves what floats and what nobody knows, and nothing else.
func floating(e *env) {
	seed := func(zone, from string) Seed {
		s := meeting("in-"+from[:2], from, from[:3]+"30")
		s.Zone, s.Subject = zone, cmp.Or(zone, "floating")
		return s
	}
	e.put(seed("W. Europe Standard Time", "09:00"), seed("Company Zone", "11:00"), seed("", "12:00"), seed("Nowhere/Land", "13:00"))
	s := e.week()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		e.Fatal(err)
	}
	zurich := e.zone
	e.zone = tokyo
	s = e.read(when.Interval{From: s.Events[0].From.AddDate(0, 0, -1), To: s.Events[0].From.AddDate(0, 0, 1)}, s.State)
	e.zone = zurich
	e.want(s, "11-23 04:00–04:30 floating", "11-23 05:00–05:30 Nowhere/Land", "11-23 09:00–09:30 W. Europe Standard Time", "11-23 11:00–11:30 Company Zone")
}

// broken has objects that no reader can take whole. The others must be there, and what is lost be counted.
func broken(e *env) {
	e.put(meeting("a", "09:00", "10:00"), meeting("z", "15:00", "16:00"))
	const head = "BEGIN:VEVENT\r\nDTSTAMP:20261101T080000Z\r\nUID:"
	lost := 2 - e.put(
		Seed{Name: "b", Raw: head + "b\r\nDTSTART:tomorrow\r\nDTEND:later\r\nSUMMARY:broken\r\nEND:VEVENT\r\n"},
		Seed{Name: "c", Raw: head + "c\r\nSUMMARY:no start\r\nEND:VEVENT\r\n"})
	want := []string{"11-23 09:00–10:00 Subject of a", "11-23 11:00–11:00 bad rule", "11-23 15:00–16:00 Subject of z"}
	if e.put(Seed{Name: "d", Raw: head + "d\r\nDTSTART:20261123T100000Z\r\nDURATION:nonsense\r\nRRULE:FREQ=NEVER\r\nSUMMARY:bad rule\r\nEND:VEVENT\r\n"}) > 0 {
		want = slices.Delete(want, 1, 2)
	}
	s := e.week()
	e.want(s, want...)
	if s.Skipped != lost {
		e.Errorf("%d skipped, want %d", s.Skipped, lost)
	}
	with := e.read(e.span("2026-11-23", "2026-11-30"), s.State)
	e.want(with, want...)
	if with.Skipped != lost {
		e.Errorf("with state %d skipped, want %d", with.Skipped, lost)
	}
	e.Logf("%d broken objects were in the calendar", lost)
}
