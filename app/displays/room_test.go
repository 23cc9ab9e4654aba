package displays

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/bookings"
	"lintel/app/places"
	"lintel/app/when"
	"lintel/render"
	"lintel/store"
	"lintel/templates/text"
)

// testRoom is a room without a database.
type testRoom struct {
	zone     string
	agenda   []bookings.Shown
	building store.Building
	spans    []store.OpeningSpan
}

func newTestRoom(zone string) *testRoom {
	return &testRoom{zone: zone, building: store.Building{Zone: zone, Language: "en", WorkingDays: store.MondayToFriday}}
}

// add adds a meeting by wall times, 2026-11-23T10:00.
func (tr *testRoom) add(t testing.TB, from, to string, b bookings.Shown) {
	t.Helper()
	b.ID = store.BookingID(fmt.Sprint(len(tr.agenda)))
	b.From, b.To = at(t, tr.zone, from), at(t, tr.zone, to)
	tr.agenda = append(tr.agenda, b)
}

// at returns the room as it is read at an instant.
func (tr *testRoom) at(t testing.TB, now time.Time) *room {
	t.Helper()
	z, err := when.LoadZone(tr.zone)
	if err != nil {
		t.Fatal(err)
	}
	r := &room{
		place: store.WorkspacePlace{
			Workspace: store.Workspace{Name: "Säntis", Seats: 6, Equipment: []string{"Screen", "whiteboard"}, Bookable: true},
			Building:  tr.building,
		},
		zone: z, window: windowOf(now, z), hours: places.Opening{Building: tr.building, Zone: z, Spans: tr.spans},
	}
	r.openings = openingsOf(r.hours, r.window)
	for _, b := range tr.agenda {
		if b.Span().Overlaps(r.window) {
			r.agenda = append(r.agenda, b)
		}
	}
	return r
}

func date(y int, m time.Month, d int) when.Date { return when.Date{Year: y, Month: m, Day: d} }

func english() look { return look{say: text.For(text.English)} }

func TestScenesOfADay(t *testing.T) {
	t.Parallel()
	const zone = "Europe/Zurich"
	tr := newTestRoom(zone)
	tr.add(t, "2026-11-23T09:00", "2026-11-23T10:00", bookings.Shown{Subject: "Stand-up", Organizer: "Anna Keller"})
	tr.add(t, "2026-11-23T10:00", "2026-11-23T11:30", bookings.Shown{Private: true})
	tr.add(t, "2026-11-23T14:00", "2026-11-23T15:00", bookings.Shown{Organizer: "Ben Weber"})
	tr.add(t, "2026-11-23T17:00", "2026-11-23T19:00", bookings.Shown{Subject: "Apéro"})
	tr.add(t, "2026-11-24T00:00", "2026-11-25T00:00", bookings.Shown{Subject: "Workshop", AllDay: true, FirstDay: date(2026, 11, 24), LastDay: date(2026, 11, 24)})
	tr.add(t, "2026-11-25T22:00", "2026-11-27T02:00", bookings.Shown{Subject: "Release"})
	row := func(span, title string) render.Row { return render.Row{Time: span, Title: title} }
	rest := []render.Row{row("14:00 – 15:00", "Booked"), row("17:00 – 19:00", "Apéro")}
	facts := []string{"6 seats", "Screen, whiteboard"}
	for _, c := range []struct {
		name, at string
		soon     time.Duration
		want     render.Scene
	}{
		{"before opening", "2026-11-23T07:00", 0, render.Scene{
			State: render.Unknown, StateWord: "Closed", Until: "opens at 08:00", Facts: facts,
			Next: append([]render.Row{row("09:00 – 10:00", "Stand-up"), row("10:00 – 11:30", "Private")}, rest...),
		}},
		{"free until the first", "2026-11-23T08:15", 0, render.Scene{
			State: render.Free, StateWord: "Free", Until: "until 09:00", Facts: facts,
			Next: append([]render.Row{row("09:00 – 10:00", "Stand-up"), row("10:00 – 11:30", "Private")}, rest...),
		}},
		{"soon", "2026-11-23T08:52", 10 * time.Minute, render.Scene{
			State: render.Soon, StateWord: "Soon", Until: "09:00 – 10:00", Subject: "Stand-up", Detail: "Anna Keller · Starts in a moment",
			Next: append([]render.Row{row("09:00 – 10:00", "Stand-up"), row("10:00 – 11:30", "Private")}, rest...),
		}},
		{"busy, the next at once", "2026-11-23T09:30", 10 * time.Minute, render.Scene{
			State: render.Busy, StateWord: "Busy", Until: "until 10:00, then booked", Subject: "Stand-up", Detail: "Anna Keller · since 09:00",
			Next: append([]render.Row{row("10:00 – 11:30", "Private")}, rest...),
		}},
		{"back to back, private", "2026-11-23T10:00", 0, render.Scene{
			State: render.Busy, StateWord: "Busy", Until: "until 11:30", Subject: "Private", Detail: "since 10:00", Next: rest,
		}},
		{"free at noon", "2026-11-23T12:00", 10 * time.Minute, render.Scene{
			State: render.Free, StateWord: "Free", Until: "until 14:00", Facts: facts, Next: rest,
		}},
		{"a hidden subject", "2026-11-23T14:00", 0, render.Scene{
			State: render.Busy, StateWord: "Busy", Until: "until 15:00", Subject: "Booked", Detail: "Ben Weber · since 14:00",
			Next: rest[1:],
		}},
		{"busy beyond closing", "2026-11-23T18:30", 0, render.Scene{
			State: render.Busy, StateWord: "Busy", Until: "until 19:00", Subject: "Apéro", Detail: "since 17:00", NextEmpty: "Nothing else today",
		}},
		{"evening", "2026-11-23T19:00", 0, render.Scene{
			State: render.Unknown, StateWord: "Closed", Until: "opens Tue 24 Nov, 08:00", Facts: facts, NextEmpty: "Nothing else today",
		}},
		{"all day", "2026-11-24T12:00", 0, render.Scene{
			State: render.Busy, StateWord: "Busy", Until: "all day", Subject: "Workshop", NextEmpty: "Nothing else today",
		}},
		{"free until closing", "2026-11-25T08:00", 0, render.Scene{
			State: render.Free, StateWord: "Free", Until: "until 18:00", Facts: facts, Next: []render.Row{row("22:00 – 02:00", "Release")},
		}},
		{"over midnight", "2026-11-26T12:00", 0, render.Scene{
			State: render.Busy, StateWord: "Busy", Until: "until Fri 27 Nov, 02:00", Subject: "Release", Detail: "since Wed 25 Nov", NextEmpty: "Nothing else today",
		}},
		{"weekend", "2026-11-28T12:00", 0, render.Scene{
			State: render.Unknown, StateWord: "Closed", Until: "opens Mon 30 Nov, 08:00", Facts: facts, NextEmpty: "Nothing today",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := at(t, zone, c.at)
			l := english()
			l.soonBefore = c.soon
			got := tr.at(t, now).scene(l, now, fresh)
			if got.DateLabel == "" || got.Bar.From >= got.Bar.To || got.NextTitle != "Next" || got.Room != "Säntis" {
				t.Errorf("the frame of the scene is %+v", got)
			}
			got.DateLabel, got.Bar, got.NextTitle, got.Room, got.More = "", render.Bar{}, "", "", ""
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFreeTheWholeDayInAHouseThatNeverCloses(t *testing.T) {
	t.Parallel()
	tr := newTestRoom("Europe/Zurich")
	for d := range 7 {
		tr.spans = append(tr.spans, store.OpeningSpan{Weekday: time.Weekday(d), Opens: 0, Closes: 1440})
	}
	tr.add(t, "2026-11-24T09:00", "2026-11-24T10:00", bookings.Shown{Subject: "Tomorrow"})
	now := at(t, tr.zone, "2026-11-23T23:00")
	s := tr.at(t, now).scene(english(), now, fresh)
	if s.StateWord != "Free" || s.Until != "for the rest of the day" || s.NextEmpty != "Nothing today" {
		t.Errorf("%q %q %q", s.StateWord, s.Until, s.NextEmpty)
	}
	want := []render.Tick{{At: 0, Label: "0"}, {At: 240, Label: "4"}, {At: 480, Label: "8"}, {At: 720, Label: "12"}, {At: 960, Label: "16"}, {At: 1200, Label: "20"}, {At: 1440, Label: "24"}}
	if diff := cmp.Diff(want, s.Bar.Ticks); diff != "" {
		t.Error(diff)
	}
	if s.Bar.Present != (render.Span{From: 0, To: 1440}) {
		t.Errorf("the present span is %+v", s.Bar.Present)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	tr := newTestRoom("Europe/Zurich")
	tr.spans = []store.OpeningSpan{{Weekday: time.Monday, Opens: 7*60 + 30, Closes: 12 * 60}, {Weekday: time.Monday, Opens: 13 * 60, Closes: 17*60 + 15}}
	tr.add(t, "2026-11-23T06:45", "2026-11-23T08:00", bookings.Shown{})
	tr.add(t, "2026-11-23T10:00", "2026-11-23T11:00", bookings.Shown{})
	tr.add(t, "2026-11-23T11:00", "2026-11-23T11:30", bookings.Shown{})
	now := at(t, tr.zone, "2026-11-23T09:00")
	got := tr.at(t, now).scene(english(), now, fresh).Bar
	want := render.Bar{
		From: 6 * 60, To: 18 * 60,
		Ticks:   []render.Tick{{At: 360, Label: "6"}, {At: 480, Label: "8"}, {At: 600, Label: "10"}, {At: 720, Label: "12"}, {At: 840, Label: "14"}, {At: 960, Label: "16"}, {At: 1080, Label: "18"}},
		Busy:    []render.Span{{From: 405, To: 480}, {From: 600, To: 690}},
		Present: render.Span{From: 480, To: 600},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// On days when clocks change, the bar keeps elapsed time, so that nothing overlaps or disappears.
func TestBarOnTheDayThatClocksGoBack(t *testing.T) {
	t.Parallel()
	tr := newTestRoom("Europe/Zurich")
	tr.building.WorkingDays = 127
	tr.spans = []store.OpeningSpan{{Weekday: time.Sunday, Opens: 0, Closes: 1440}}
	from := at(t, tr.zone, "2026-10-25T02:30") // the first of two
	tr.agenda = append(tr.agenda, bookings.Shown{ID: "a", From: from, To: from.Add(45 * time.Minute)})
	now := at(t, tr.zone, "2026-10-25T12:00")
	b := tr.at(t, now).scene(english(), now, fresh).Bar
	if diff := cmp.Diff([]render.Span{{From: 150, To: 195}}, b.Busy); diff != "" || b.To != 25*60 {
		t.Errorf("to %d\n%s", b.To, diff)
	}
	if last := b.Ticks[len(b.Ticks)-1]; last != (render.Tick{At: 25 * 60, Label: "24"}) {
		t.Errorf("the last tick is %+v", last)
	}
}

func TestWeek(t *testing.T) {
	t.Parallel()
	tr := newTestRoom("Europe/Zurich")
	tr.add(t, "2026-11-23T09:00", "2026-11-23T10:00", bookings.Shown{Subject: "Past"})
	tr.add(t, "2026-11-25T09:00", "2026-11-25T10:00", bookings.Shown{Subject: "Today", Private: true})
	tr.add(t, "2026-11-26T18:30", "2026-11-26T19:15", bookings.Shown{Subject: "Late"})
	tr.add(t, "2026-11-26T00:00", "2026-11-28T00:00", bookings.Shown{Subject: "Fair", AllDay: true, LastDay: date(2026, 11, 27)})
	tr.add(t, "2026-12-01T09:00", "2026-12-01T10:00", bookings.Shown{Subject: "Next week"})
	l := english()
	l.week = true
	now := at(t, tr.zone, "2026-11-25T08:00")
	got := tr.at(t, now).scene(l, now, fresh)
	want := render.WeekGrid{
		From: 8 * 60, To: 20 * 60, Hours: []render.Tick{{At: 480, Label: "8"}, {At: 600, Label: "10"}, {At: 720, Label: "12"}, {At: 840, Label: "14"}, {At: 960, Label: "16"}, {At: 1080, Label: "18"}, {At: 1200, Label: "20"}},
		Days: []render.WeekDay{
			{Label: "Mon 23", Events: []render.Event{{Span: render.Span{From: 540, To: 600}}}},
			{Label: "Tue 24"},
			{Label: "Wed 25", Today: true, Events: []render.Event{{Span: render.Span{From: 540, To: 600}, Title: "Private"}}},
			{Label: "Thu 26", AllDay: []string{"Fair"}, Events: []render.Event{{Span: render.Span{From: 1110, To: 1155}, Title: "Late"}}},
			{Label: "Fri 27", AllDay: []string{"Fair"}},
		},
	}
	if diff := cmp.Diff(want, got.Week); diff != "" || got.Template != render.Week || got.StateWord != "Free" {
		t.Errorf("%v %q\n%s", got.Template, got.StateWord, diff)
	}
	saturday := at(t, tr.zone, "2026-11-28T12:00")
	if g := tr.at(t, saturday).scene(l, saturday, fresh).Week; g.Days[0].Label != "Mon 30" || len(g.Days[1].Events) != 1 {
		t.Errorf("at the weekend the week is %+v", g.Days)
	}
	tr.building.WorkingDays = 127
	if g := tr.at(t, saturday).scene(l, saturday, fresh).Week; len(g.Days) != 7 || !g.Days[5].Today {
		t.Errorf("a week of seven days is %+v", g.Days)
	}
}

func TestStaleAgenda(t *testing.T) {
	t.Parallel()
	tr := newTestRoom("Europe/Zurich")
	now := at(t, tr.zone, "2026-11-23T10:00")
	for _, c := range []struct {
		name     string
		ago      time.Duration
		slack    time.Duration
		never    bool
		age      age
		asOf     string
		template render.Template
		body     string
	}{
		{name: "just confirmed", ago: time.Minute},
		{name: "for 14:59", ago: 15*time.Minute - time.Second},
		{name: "for 15 min", ago: 15 * time.Minute, age: stale, asOf: "as of 09:45"},
		{name: "for 29:59 by a script that may take a quarter of an hour", ago: 30*time.Minute - time.Second, slack: 15 * time.Minute},
		{name: "for 30 min by such a script", ago: 30 * time.Minute, slack: 15 * time.Minute, age: stale, asOf: "as of 09:30"},
		{name: "since yesterday", ago: 12 * time.Hour, age: stale, asOf: "as of Sun 22 Nov, 22:00"},
		{name: "for a day", ago: 24 * time.Hour, age: lost, template: render.Neutral, body: "The calendar of this room has not answered since Sun 22 Nov, 10:00."},
		{name: "never", never: true, age: lost, template: render.Neutral, body: "The calendar of this room has not been read yet."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := tr.at(t, now)
			if r.synced, r.confirmed, r.slack = true, now.Add(-c.ago), c.slack; c.never {
				r.confirmed = time.Time{}
			}
			if r.age(now) != c.age {
				t.Errorf("age %v", r.age(now))
			}
			s := r.scene(english(), now, r.age(now))
			if s.AsOf != c.asOf || s.Template != c.template || s.Body != c.body {
				t.Errorf("as of %q, template %v, body %q", s.AsOf, s.Template, s.Body)
			}
			if c.template == render.Neutral && (s.StateWord != "" || s.Next != nil || s.Subject != "") {
				t.Errorf("a neutral picture claims %+v", s)
			}
			if e := r.ages(now); !e.IsZero() && (r.age(e) == c.age || r.age(e.Add(-time.Second)) != c.age) {
				t.Errorf("the age is said to change at %v", e)
			}
		})
	}
}

// Every word of a scene exists in every language.
func TestScenesSpeakAllLanguages(t *testing.T) {
	t.Parallel()
	tr := newTestRoom("Europe/Zurich")
	tr.add(t, "2026-11-23T09:00", "2026-11-23T10:00", bookings.Shown{Private: true})
	tr.add(t, "2026-11-23T10:00", "2026-11-25T10:00", bookings.Shown{})
	words := map[string]map[text.Lang]bool{}
	for _, lang := range text.Langs() {
		for _, clock := range []string{"2026-11-23T07:00", "2026-11-23T08:30", "2026-11-23T08:55", "2026-11-23T09:30", "2026-11-23T12:00", "2026-11-25T12:00", "2026-11-28T12:00"} {
			for a := range lost + 1 {
				now := at(t, tr.zone, clock)
				r := tr.at(t, now)
				r.synced, r.confirmed = true, now.Add(-20*time.Hour)
				l := look{say: text.For(lang), soonBefore: 10 * time.Minute, lowBattery: true, link: "https://x", mayBook: true}
				s := r.scene(l, now, a)
				all := fmt.Sprintf("%+v", s)
				if strings.Contains(all, "door.") || strings.Contains(all, "state.") || strings.Contains(all, "{{") || strings.Contains(all, "<no value>") {
					t.Errorf("%s at %s: %s", lang, clock, all)
				}
				if s.StateWord != "" {
					if words[s.StateWord] == nil {
						words[s.StateWord] = map[text.Lang]bool{}
					}
					words[s.StateWord][lang] = true
				}
			}
		}
	}
	for w, langs := range words {
		if len(langs) > 1 {
			t.Errorf("%q is the word in %v", w, langs)
		}
	}
}
