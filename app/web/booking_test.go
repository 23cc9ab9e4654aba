package web

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"lintel/app/people"
	"lintel/app/when"
	"lintel/store"
	"lintel/templates"
)

func TestToday(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("anna", people.Grant{Role: people.User})
	p.book("anna", p.room, "Quarterly planning", false, "14:00", "16:00")
	p.book("boss", p.other, "Salary talks", true, "14:10", "15:00")
	third := p.addRoom("Rigi", 4)
	p.book("anna", third, "Design review", false, "16:30", "17:00")
	p.addRoom("Pilatus", 8)
	b := p.as("anna")
	page := b.get("/today").want(t, 200, "Busy", "Quarterly planning", "until 16:00", "Starts 14:10", "Until 16:30", "then Design review", "Free for the rest of the day", "2 of 4 rooms free",
		"-Salary talks", "Private")
	if !strings.Contains(page.body, "Saturday 21 November, 14:05") {
		t.Error("the page says no time")
	}
	p.as("boss").get("/today").want(t, 200, "Salary talks")
	b.get("/today?filter=free").want(t, 200, "Pilatus", "Rigi", "-Matterhorn</a>", "-Säntis</a>")
	b.get("/today?filter=seats").want(t, 200, "Matterhorn", "Pilatus", "-Rigi</a>")
	p.wait(90 * time.Minute) // 15:35
	b.get("/today?filter=hour").want(t, 200, "Pilatus", "Säntis", "-Rigi</a>", "-Matterhorn</a>")
	p.wait(25 * time.Minute)
	b.get("/today?filter=hour").want(t, 200, "Matterhorn")
	part := *b
	part.header = b.header.Clone()
	part.header.Set("HX-Request", "true")
	if a := part.get("/today").want(t, 200, `id="board"`); strings.Contains(a.body, "<html") {
		t.Error("htmx got a whole page")
	}
}

func TestBookingOfOneBuilding(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	bern, err := p.Places.CreateBuilding(ctx, setup, store.Building{Name: "Bern", Zone: "America/New_York", Language: "en", WorkingDays: 127})
	must(t, err)
	p.account("anna", people.Grant{Role: people.User, Building: bern})
	anna, boss := p.as("anna"), p.as("boss")
	anna.get("/today").want(t, 200, "-Zürich office", "-Matterhorn")
	anna.get("/rooms/"+string(p.room)).want(t, 403)
	anna.get("/today?building="+string(p.building)).want(t, 200, "-Matterhorn")
	anna.post("/bookings", "room", string(p.room), "date", "2026-11-21", "from", "15:00", "to", "16:00").want(t, 403)
	boss.get("/today?building="+string(bern)).want(t, 200, "No rooms yet", "08:05")
	boss.get("/today").want(t, 200, "No rooms yet") // the browser remembers
	boss.get("/today?building="+string(p.building)).want(t, 200, "Matterhorn")
}

// The form begins with a time that can still be booked by whoever needs some minutes for the rest of it.
func TestFormBeginsInTime(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	boss := p.as("boss")
	for _, c := range []struct{ now, from, to string }{
		{"14:09", "14:00", "15:00"}, {"14:10", "14:15", "15:15"}, {"14:15", "14:15", "15:15"}, {"23:58", "23:45", "00:45"},
	} {
		wall, err := when.ParseWall("2026-11-21T" + c.now)
		must(t, err)
		p.wait(wall.In(saturday(t).Location()).Sub(p.now()))
		boss.get("/bookings/new?room="+string(p.room)).want(t, 200, `value="2026-11-21"`, `value="`+c.from+`"`, `value="`+c.to+`"`)
	}
}

func TestBookChangeCancel(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("anna", people.Grant{Role: people.User})
	p.account("beat", people.Grant{Role: people.User})
	anna, beat := p.as("anna"), p.as("beat")
	room := string(p.room)

	form := anna.get("/bookings/new?room="+room).want(t, 200, `value="14:00"`, `value="15:00"`, "-Organizer")
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(form.body)[1]
	send := func(b *browser, from, to, subject string, more ...string) answer {
		return b.post("/bookings", append([]string{"room", room, "date", "2026-11-21", "from", from, "to", to, "subject", subject}, more...)...)
	}
	send(anna, "15:00", "14:00", "Typed <b>text</b>").want(t, 422, "The end must be later than the start", `value="Typed &lt;b&gt;text&lt;/b&gt;"`)
	send(anna, "nine", "14:00", "x").want(t, 422, "Enter a time", `value="nine"`)
	send(anna, "09:00", "10:00", "x").want(t, 422, "This time is over")
	made := send(anna, "15:00", "16:00", "Planning", "token", token)
	path := made.to()
	if !strings.HasPrefix(path, "/bookings/") {
		t.Fatalf("%d %s", made.status, brief(made.body))
	}
	send(anna, "15:00", "16:00", "Planning", "token", token).leads(t, path) // pressed twice
	anna.get(path).want(t, 200, "Booked.", "Planning", "15:00 – 16:00", "in the portal")
	anna.get(path).want(t, 200, "-Booked.</div>") // said once

	send(beat, "15:30", "16:30", "Mine").want(t, 409, "1 booking stands in the way", "15:00 – 16:00", "Planning", `value="Mine"`)
	beat.get(path).want(t, 200, "-Cancel booking", "-/edit")
	beat.get(path+"/edit").want(t, 403)
	beat.post(path, "room", room, "date", "2026-11-21", "from", "17:00", "to", "18:00").want(t, 403)
	beat.post(path+"/cancel").want(t, 403)

	edit := anna.get(path+"/edit").want(t, 200, `value="Planning"`, `value="15:00"`)
	revision := regexp.MustCompile(`name="revision" value="(\d+)"`).FindStringSubmatch(edit.body)[1]
	change := func(from, to, revision string) answer {
		return anna.post(path, "room", room, "date", "2026-11-21", "from", from, "to", to, "subject", "Moved", "revision", revision)
	}
	change("17:00", "18:00", revision).leads(t, path)
	change("18:00", "19:00", revision).want(t, 409, "changed meanwhile", `value="18:00"`)
	anna.post(path, "room", room, "date", "2026-11-21", "from", "17:00", "to", "18:00", "subject", "x", "repeat", "weekly", "until", "2026-12-21").want(t, 422, "can’t become a series")
	anna.get("/bookings/mine").want(t, 200, "Moved")

	anna.get(path+"/cancel").want(t, 200, "Cancel Moved?", "Matterhorn becomes free")
	anna.post(path+"/cancel").leads(t, "/bookings/mine")
	anna.get("/bookings/mine").want(t, 200, "The booking is cancelled", path+"/restore", "No bookings ahead")
	anna.post(path+"/restore").leads(t, path)
	anna.get(path).want(t, 200, "The booking stands again")
	p.wait(3 * time.Hour) // 17:05
	anna.get(path).want(t, 200, "17:00 – 18:00", path+"/extend", "+30 min")
	anna.post(path+"/extend", "minutes", "30").leads(t, path)
	anna.get(path).want(t, 200, "ends at 18:30 now", "17:00 – 18:30")
	anna.post("/bookings", "room", room, "date", "2026-11-21", "from", "19:00", "to", "20:00", "subject", "Next").to()
	anna.post(path+"/extend", "minutes", "60").want(t, 409, "17:00 – 18:30", "already taken")
	anna.post(path+"/extend", "minutes", "-5").want(t, 422)
	p.account("ben", people.Grant{Role: people.User})
	p.as("ben").post(path+"/extend", "minutes", "15").want(t, 403)
	anna.post(path+"/end").leads(t, path)
	anna.get(path).want(t, 200, "ended early")
	anna.get("/bookings/mine?past=1").want(t, 200, "Moved")
}

func TestSeries(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("anna", people.Grant{Role: people.User})
	anna := p.as("anna")
	series := []string{"room", string(p.room), "date", "2026-11-23", "from", "09:00", "to", "10:00", "subject", "Stand-up", "repeat", "weekly", "every", "1", "weekday", "1", "weekday", "3", "ends", "count", "count", "6"}
	anna.post("/bookings", append(series[:len(series):len(series)], "count", "0")...).leads(t, "/bookings/mine") // the first value counts
	anna.get("/bookings/mine").want(t, 200, "6 dates are booked", "Monday 23 November", "Wednesday 25 November", "Wednesday 9 December")
	// The series meets itself in another's way: refused whole, with the list.
	anna.post("/bookings", series...).want(t, 409, "6 of 6 dates are already taken.", "-in the way", `value="Stand-up"`, "Mon 23 Nov", "Wed 9 Dec")

	list, err := p.Bookings.Own(ctx, people.ActorOf(p.accountOf("anna")), start())
	must(t, err)
	if len(list) != 6 {
		t.Fatalf("%d bookings", len(list))
	}
	third := bookingPath(list[2].Booking)
	anna.get(third).want(t, 200, "every week (Monday, Wednesday), 6 times")
	anna.get(third+"/edit").want(t, 200, "Only this one", `value="6"`)
	edit := []string{"room", string(p.room), "to", "10:00", "repeat", "weekly", "every", "1", "weekday", "1", "weekday", "3", "ends", "count", "count", "6"}
	anna.post(third, append(edit, "date", "2026-11-30", "scope", "one", "from", "09:30", "subject", "Late")...).leads(t, third)
	anna.get(third).want(t, 200, "Late", "09:30 – 10:00", "moved")
	fourth := bookingPath(list[3].Booking)
	anna.post(fourth, append(edit, "date", "2026-12-02", "scope", "following", "from", "09:00", "subject", "New name")...).leads(t, "/bookings/mine")
	anna.get("/bookings/mine").want(t, 200, "New name", "Stand-up", "Late")
	anna.get(fourth+"/cancel").want(t, 200, "3 bookings", "6 bookings")
	anna.post(fourth+"/cancel", "scope", "following").leads(t, "/bookings/mine")
	anna.get("/bookings/mine").want(t, 200, "3 bookings are cancelled", "-New name")
	anna.post(third+"/cancel", "scope", "all").leads(t, "/bookings/mine")
	anna.get("/bookings/mine").want(t, 200, "3 bookings are cancelled", "No bookings ahead")
}

func (p *portal) accountOf(login string) store.Account {
	p.t.Helper()
	list, _, err := p.People.List(ctx, setup, people.Query{Search: login})
	must(p.t, err)
	return list[0]
}

func TestFindARoom(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	b.get("/bookings").want(t, 200, "Matterhorn", "Säntis", "Ground floor", `value="14:15"`)
	find := func(more string) answer {
		return b.get("/bookings?date=2026-11-21&from=15:00&length=60" + more)
	}
	find("").want(t, 200, "2 rooms are free")
	find("&seats=10").want(t, 200, "1 room is free", "Book")
	find("&equipment=Screen&floor="+string(p.floor)).want(t, 200, "2 rooms are free")
	find("&equipment=Beamer").want(t, 200, "No room is free then")
	find("&seats=many").want(t, 200, "Enter a whole number")
	b.get("/bookings?date=2026-11-20&from=15:00&length=60").want(t, 200, "This time is over")
	p.book("boss", p.room, "x", false, "15:00", "16:00")
	p.book("boss", p.other, "x", false, "15:00", "15:30")
	find("").want(t, 200, "No room is free then", "These are the nearest times", "15:30")
}

// A room is called free only by an agenda that is read, confirmed and reaches so far.
func TestFindCallsNoRoomFreeThatIsNotKnown(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	p.mirrored("15:00", "16:00") // of Matterhorn
	find := func(from string, want ...string) { b.get("/bookings?length=60&date="+from).want(t, 200, want...) }
	known := func(at time.Time) { // and what is known outlives a restart
		t.Helper()
		must(t, p.st.Update(ctx, func(tx *store.Tx) error {
			r, err := tx.ResourceOf(p.room)
			r.LastOK = at
			return errors.Join(err, tx.SaveResourceState(r))
		}))
		must(t, p.Calendars.Start(ctx))
	}
	find("2026-11-21&from=16:00", "1 room is free", "1 room may be free", "No agenda yet", "12 seats · No agenda yet",
		"Matterhorn, 17:30 – 18:00, perhaps free: book", "Säntis, 17:30 – 18:00, free: book")
	find("2026-11-21&from=15:00", "1 room is free", "-may be free") // what is known to be in the way stays there

	known(p.now())
	find("2026-11-21&from=16:00", "2 rooms are free", "-may be free", "-No agenda yet", "-As of", "-perhaps free")
	find("2026-12-05&from=16:00", "2 rooms are free", "-may be free", "-not read")
	find("2026-12-05&from=23:30", "1 room is free", "1 room may be free", "agenda not read so far ahead", "-is not read in advance")
	find("2026-12-06&from=16:00", "1 room is free", "1 room may be free", "agenda not read so far ahead", "After Saturday 5 December the booking system", "perhaps free")

	p.wait(16 * time.Minute)
	find("2026-11-21&from=16:00", "1 room is free", "1 room may be free", "agenda not confirmed since 14:05", "12 seats · As of 14:05", "-6 seats · ", "Matterhorn, 17:30 – 18:00, perhaps free")
	known(p.now().AddDate(0, 0, -1))
	find("2026-11-21&from=16:00", "agenda not confirmed since Fri 20 Nov, 14:21", "12 seats · As of Fri 20 Nov")
	b.get("/today").want(t, 200, "agenda not confirmed since Fri 20 Nov, 14:21")
	p.book("boss", p.other, "x", false, "16:00", "17:00")
	find("2026-11-21&from=16:00", "No room is known to be free then", "These are the nearest times", "1 room may be free")
	p.book("boss", p.other, "x", false, "17:00", "23:00")
	find("2026-11-21&from=16:00", "No room is known to be free then", "-nearest times", "-Try another day", "1 room may be free")
}

// Subjects and names reach only who may see them, on every page that shows an agenda.
func TestPagesDisclose(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("anna", people.Grant{Role: people.User})
	p.account("beat", people.Grant{Role: people.User})
	p.account("carla", people.Grant{Role: people.BookingManager})
	secretOne := p.book("anna", p.room, "Redundancies", true, "14:00", "16:00")
	must(t, p.Places.ChangeWorkspace(ctx, setup, store.Workspace{ID: p.other, FloorID: p.floor, Kind: store.Room, Name: "Säntis", Seats: 6, Bookable: true}))
	hidden := p.book("anna", p.other, "Merger", false, "14:00", "16:00")
	pages := []string{
		"/today", "/rooms/" + string(p.room), "/rooms/" + string(p.room) + "?view=week", "/rooms/" + string(p.other), "/bookings", "/bookings/mine",
		bookingPath(secretOne), bookingPath(hidden), bookingPath(secretOne) + "/cancel", bookingPath(hidden) + "/cancel",
		"/bookings?date=2026-11-21&from=15:00&length=60",
	}
	for _, c := range []struct {
		who  string
		sees map[string]bool
	}{
		{"beat", map[string]bool{}},
		{"carla", map[string]bool{"Merger": true, "Person anna": true}}, // a manager sees all but private subjects
		{"anna", map[string]bool{"Merger": true, "Redundancies": true, "Person anna": true}},
	} {
		b := p.as(c.who)
		b.header.Set("X-Test", "1")
		seen := map[string]bool{}
		for _, path := range pages {
			a := b.get(path)
			body := strings.ReplaceAll(a.body, "Person "+c.who, "")
			for _, word := range []string{"Merger", "Redundancies", "Person anna"} {
				if strings.Contains(body, word) {
					seen[word] = true
				}
			}
		}
		if c.who == "anna" {
			seen["Person anna"] = true // her own name stands in the frame
		}
		if diff := gocmp.Diff(c.sees, seen); diff != "" {
			t.Errorf("%s: wanted (-) and seen (+) differ:\n%s", c.who, diff)
		}
		// What is in the way of a booking is told no further either.
		a := b.post("/bookings", "room", string(p.room), "date", "2026-11-21", "from", "15:00", "to", "16:00").want(t, 409)
		if strings.Contains(a.body, "Redundancies") != c.sees["Redundancies"] {
			t.Errorf("%s: the conflict tells the subject", c.who)
		}
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	saturday := when.Date{Year: 2026, Month: 11, Day: 21} // the third one
	for _, c := range []struct {
		name, form, rule, field string
	}{
		{"none", "repeat=&until=nonsense", "", ""},
		{"daily", "repeat=daily&every=1&ends=until&until=2026-12-24", "FREQ=DAILY;UNTIL=20261224", ""},
		{"every third day, ten times", "repeat=daily&every=3&ends=count&count=10", "FREQ=DAILY;INTERVAL=3;COUNT=10", ""},
		{"weekly without a day", "repeat=weekly&ends=count&count=2", "FREQ=WEEKLY;BYDAY=SA;COUNT=2", ""},
		{"weekly, days in any order", "repeat=weekly&weekday=5&weekday=1&ends=count&count=2", "FREQ=WEEKLY;BYDAY=MO,FR;COUNT=2", ""},
		{"monthly by date", "repeat=monthly&month_by=day&ends=count&count=2", "FREQ=MONTHLY;BYMONTHDAY=21;COUNT=2", ""},
		{"monthly by weekday", "repeat=monthly&month_by=weekday&ends=count&count=2", "FREQ=MONTHLY;BYDAY=3SA;COUNT=2", ""},
		{"no end", "repeat=daily&ends=until", "", "until"},
		{"end before the start", "repeat=daily&ends=until&until=2026-11-20", "", "until"},
		{"no count", "repeat=daily&ends=count", "", "count"},
		{"too many", "repeat=daily&ends=count&count=1000", "", "count"},
		{"every zero", "repeat=daily&every=0&ends=count&count=2", "", "every"},
		{"unknown", "repeat=hourly&ends=count&count=2", "", "repeat"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			values, err := url.ParseQuery(c.form)
			must(t, err)
			f := &form{values: values, fields: map[string]string{}}
			got := rule(f, saturday)
			switch {
			case c.field != "" && f.fields[c.field] == "":
				t.Errorf("blames %v, want %s", f.fields, c.field)
			case c.field == "" && (got != c.rule || len(f.fields) > 0):
				t.Errorf("rule %q, blames %v, want %q", got, f.fields, c.rule)
			}
			if c.field != "" || got == "" {
				return
			}
			// What was written is read into the same fields again.
			var view templates.BookingForm
			showRule(&view, got)
			back := url.Values{"repeat": {view.Repeat}, "every": {view.Every}, "month_by": {view.MonthBy}, "ends": {view.Ends}, "until": {view.Until}, "count": {view.Count}}
			for _, d := range view.Weekdays {
				back.Add("weekday", fmt.Sprint(d))
			}
			if again := rule(&form{values: back, fields: map[string]string{}}, saturday); again != got {
				t.Errorf("read as %v, which is %q", view, again)
			}
		})
	}
}

func TestLastWeekdayOfTheMonth(t *testing.T) {
	t.Parallel()
	for day, want := range map[int]string{1: "1SU", 7: "1SA", 8: "2SU", 28: "4SA", 29: "-1SU", 30: "-1MO"} {
		if got := nthWeekday(when.Date{Year: 2026, Month: 11, Day: day}); got != want {
			t.Errorf("%d November is %s, want %s", day, got, want)
		}
	}
}

// Who books for somebody else stands on the booking's page, for those who may see names there.
func TestBookForSomebodyElse(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("anna", people.Grant{Role: people.User})
	p.account("beat", people.Grant{Role: people.User})
	form := []string{"room", string(p.room), "date", "2026-11-21", "from", "15:00", "to", "16:00", "subject", "Planning"}
	boss := p.as("boss")
	boss.get("/bookings/new").want(t, 200, "E-mail address of the person")
	boss.post("/bookings", append(form, "organizer", "nonsense")...).want(t, 422, "This is no e-mail address", `value="nonsense"`)
	p.as("beat").post("/bookings", append(form, "organizer", "anna@example.com")...).want(t, 422, "Only a booking manager")
	path := boss.post("/bookings", append(form, "organizer", "anna@example.com")...).to()
	p.as("beat").get(path).want(t, 200, "Person anna", "Booked by", "Person boss", "-Cancel booking")
	p.as("anna").get(path).want(t, 200, "Person boss", "Cancel booking")
	must(t, p.Places.ChangeWorkspace(ctx, setup, store.Workspace{ID: p.room, FloorID: p.floor, Kind: store.Room, Name: "Matterhorn", ShowSubject: true, Bookable: true}))
	p.as("beat").get(path).want(t, 200, "Planning", "-Person anna", "-Person boss")
}

// Where dates of a series are taken, the others can be booked at once, and the page says which are left out.
func TestSeriesOfTheFreeDates(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("anna", people.Grant{Role: people.User})
	anna := p.as("anna")
	series := []string{"room", string(p.room), "date", "2026-11-23", "from", "09:00", "to", "10:00", "subject", "Stand-up", "repeat", "weekly", "every", "1", "weekday", "1", "ends", "count"}
	other := []string{"room", string(p.room), "from", "09:30", "to", "10:00", "date"}
	anna.post("/bookings", append(other, "2026-11-30")...).want(t, 303)
	anna.post("/bookings", append(other, "2026-12-14")...).want(t, 303)
	asked := anna.post("/bookings", append(series, "count", "4")...).want(t, 409, "2 of 4 dates are already taken", "or book the free dates", "Book the 2 free dates", `name="leave_out" value="on"`)
	if first := strings.Index(asked.body, "button-primary"); first < 0 || first > strings.Index(asked.body, `name="leave_out"`) {
		t.Error("Enter in a field would leave dates out")
	}
	anna.post("/bookings", append(series, "count", "4", "leave_out", "on")...).leads(t, "/bookings/mine")
	anna.get("/bookings/mine").want(t, 200, "2 dates are booked.", "Left out, as the room is taken: Mon 30 Nov, Mon 14 Dec.", "Stand-up")
	anna.post("/bookings", append(series, "count", "3", "leave_out", "on")...).want(t, 409, "3 of 3 dates are already taken", "-leave_out")
}
