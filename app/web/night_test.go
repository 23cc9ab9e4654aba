package web

import (
	"strings"
	"testing"
	"time"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/when"
	"lintel/store"
	"lintel/templates/text"
)

// The end of the day and the night after it can be booked with the fields that a browser has.
func TestBookUntilMidnight(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.wait(9*time.Hour + 42*time.Minute) // 23:47
	boss := p.as("boss")
	room := string(p.room)
	boss.get("/bookings/new?room="+room).want(t, 200, `value="2026-11-21"`, `value="23:45"`, `value="00:45"`)
	boss.get("/bookings/new?room="+room+"&from=23:00").want(t, 200, `value="00:00"`)
	for _, c := range []struct{ name, date, from, to, span string }{
		{"to the end of the day", "2026-11-22", "22:00", "00:00", "2026-11-22T22:00 2026-11-23T00:00"},
		{"the same, written as 24:00", "2026-11-23", "23:45", "24:00", "2026-11-23T23:45 2026-11-24T00:00"},
		{"a whole day", "2026-11-24", "00:15", "00:00", "2026-11-24T00:15 2026-11-25T00:00"},
		{"past midnight", "2026-11-25", "23:45", "00:45", "2026-11-25T23:45 2026-11-26T00:45"},
		{"half a day at most", "2026-11-26", "20:00", "08:00", "2026-11-26T20:00 2026-11-27T08:00"},
		{"longer is a slip", "2026-11-27", "20:00", "08:01", ""},
		{"no length", "2026-11-28", "00:00", "00:00", ""},
		{"no length by day", "2026-11-28", "10:00", "10:00", ""},
	} {
		a := boss.post("/bookings", "room", room, "date", c.date, "from", c.from, "to", c.to, "subject", c.name)
		if c.span == "" {
			a.want(t, 422, "The end must be later than the start")
			continue
		}
		path := a.to()
		if a.status != 303 || len(path) < len("/bookings/")+1 {
			t.Errorf("%s: status %d\n%s", c.name, a.status, brief(a.body))
			continue
		}
		b, place, err := p.Bookings.Booking(ctx, bookings.By(people.ActorOf(p.boss())), store.BookingID(path[len("/bookings/"):]))
		must(t, err)
		zone, err := place.Building.Location()
		must(t, err)
		if got := when.WallOf(b.From, zone).String() + " " + when.WallOf(b.To, zone).String(); got != c.span {
			t.Errorf("%s is booked for %s, want %s", c.name, got, c.span)
		}
		// The form of such a booking keeps its times.
		boss.get(path+"/edit").want(t, 200, `value="`+c.from+`"`)
		boss.post(path, "room", room, "date", c.date, "from", c.from, "to", when.Clock(when.WallOf(b.To, zone).Minute), "subject", "Renamed").leads(t, path)
		again, _, err := p.Bookings.Booking(ctx, bookings.By(people.ActorOf(p.boss())), b.ID)
		must(t, err)
		if again.Subject != "Renamed" || again.Span() != b.Span() {
			t.Errorf("%s: saving its form made it %q, %v", c.name, again.Subject, again.Span())
		}
	}
}

// The drawings of a day and of a week say of a booking that reaches beyond a day what holds on that day.
func TestDrawingOfSeveralDays(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	first := when.Date{Year: 2026, Month: 11, Day: 23}
	for room, times := range map[store.WorkspaceID]bookings.Times{
		p.room:  bookings.Local(when.Wall{Date: first, Minute: 18 * 60}, when.Wall{Date: first.Add(1), Minute: 8 * 60}),
		p.other: bookings.Days(first, first.Add(1)),
	} {
		_, err := p.Bookings.Create(ctx, people.ActorOf(p.boss()), bookings.Request{Workspace: room, Times: times, Subject: "Fair", Source: store.FromPortal})
		must(t, err)
	}
	b := p.as("boss")
	for date, want := range map[string]map[string]int{
		"2026-11-23": {"18:00 – Tue 24 Nov, 08:00": 1, "All day": 1},
		"2026-11-24": {"Until 08:00": 1, "All day": 1},
		"2026-11-25": {"All day": 0},
	} {
		page := b.get("/bookings?date="+date).want(t, 200, "-00:00 – 00:00")
		for said, times := range want {
			if n := strings.Count(page.body, `<p class="block-when">`+said+"</p>"); n != times {
				t.Errorf("%s: %q %d times, want %d", date, said, n, times)
			}
		}
	}
	b.get("/rooms/"+string(p.other)+"?view=week&day=2026-11-23").want(t, 200, "<title>All day Fair</title>", "-00:00 – 00:00")

	fair := bookings.Shown{From: first.Start(time.UTC).Add(9 * time.Hour), To: first.Add(2).Start(time.UTC).Add(17 * time.Hour)} // as a booking system may have it
	drawing, v := day{clock: clock{zone: time.UTC}}, &visitor{Printer: text.For("en")}
	for i, want := range []string{"09:00 – Wed 25 Nov, 17:00", "All day", "Until 17:00"} {
		if drawn := drawing.block(v, fair, first.Add(i)); drawn.When != want {
			t.Errorf("day %d of it: %q, want %q", i+1, drawn.When, want)
		}
	}
}

// A booking that its own form can't hold whole keeps its times where they were left alone.
func TestRenameLongNight(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	day := when.Date{Year: 2026, Month: 11, Day: 23}
	b, err := p.Bookings.Create(ctx, people.ActorOf(p.boss()), bookings.Request{
		Workspace: p.room, Times: bookings.Local(when.Wall{Date: day, Minute: 9 * 60}, when.Wall{Date: day.Add(1), Minute: 8 * 60}), Source: store.FromPortal,
	})
	must(t, err)
	boss := p.as("boss")
	boss.post(bookingPath(b), "room", string(p.room), "date", "2026-11-23", "from", "09:00", "to", "08:00", "subject", "Maintenance").leads(t, bookingPath(b))
	again, _, err := p.Bookings.Booking(ctx, bookings.By(people.ActorOf(p.boss())), b.ID)
	must(t, err)
	if again.Subject != "Maintenance" || again.Span() != b.Span() {
		t.Errorf("now %q, %v", again.Subject, again.Span())
	}
	boss.post(bookingPath(b), "room", string(p.room), "date", "2026-11-23", "from", "10:00", "to", "08:00").want(t, 422, "The end must be later than the start")
}
