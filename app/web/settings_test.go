package web

import (
	"encoding/csv"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"lintel/app/displays"
	"lintel/app/people"
	"lintel/app/when"
	"lintel/store"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	b.get("/settings/places").want(t, 200, "Zürich office", "Ground floor", "2 rooms", "Mon – Sun 08:00 – 18:00")
	b.post("/settings/places/organisation", "name", "", "language", "de").want(t, 422, "This is required")
	b.post("/settings/places/organisation", "name", "Muster AG", "language", "de").leads(t, "/settings/places")
	b.get("/settings/places").want(t, 200, "Saved.", "Muster AG")

	house := []string{"name", "Bern", "zone", "Europe/Zurich", "language", "de", "weekday", "1", "weekday", "2", "hosted_retention", "months3", "opens", "07:00"}
	b.post("/settings/places/buildings", append(house, "closes", "06:00")...).want(t, 422, "The end must be later", `value="Bern"`, `value="07:00"`)
	b.post("/settings/places/buildings", append(house, "closes", "00:00")...).leads(t, "/settings/places")
	b.get("/settings/places").want(t, 200, "Bern", "Mon – Tue 07:00 – 24:00")
	b.post("/settings/places/buildings", append(house, "closes", "18:00")...).want(t, 422, "already in use")

	office := "/settings/places/buildings/" + string(p.building)
	b.post(office, "name", "Zürich HQ", "zone", "Europe/Zurich", "language", "de", "weekday", "1", "hosted_retention", "midnight").leads(t, "/settings/places")
	b.get(office).want(t, 200, "Zürich HQ")
	b.post(office, "name", "Zürich HQ", "zone", "Nowhere/Land", "language", "de", "weekday", "1").want(t, 422, "This is no time zone", "Nowhere/Land")

	b.post(office+"/floors", "name", "", "level", "1").want(t, 422, "This is required")
	b.post(office+"/floors", "name", "First floor", "level", "high").want(t, 422, "Enter a whole number", `value="high"`)
	b.post(office+"/floors", "name", "First floor", "level", "1").leads(t, "/settings/places")
	b.post("/settings/places/floors/"+string(p.floor), "name", "Erdgeschoss", "level", "0").leads(t, "/settings/places")
	b.get("/settings/places").want(t, 200, "First floor", "Erdgeschoss", "-Ground floor")
}

func TestOpeningHours(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	office := "/settings/places/buildings/" + string(p.building)
	b.get(office).want(t, 200, "No hours are set")
	form := []string{"opens_1", "08:00", "closes_1", "18:00", "opens_6", "09:00", "closes_6", "12:00"}
	b.post(office+"/hours", append(form, "opens_2", "18:00", "closes_2", "08:00")...).want(t, 422, "The end must be later", `value="18:00"`)
	b.post(office+"/hours", append(form, "opens_2", "late", "closes_2", "08:00")...).want(t, 422, "Enter a time", `value="late"`)
	b.post(office+"/hours", form...).leads(t, office)
	b.get(office).want(t, 200, "Always", "Mon 08:00 – 18:00", "Sat 09:00 – 12:00", office+"/hours/_")
	b.post(office+"/hours", form...).want(t, 422, "hours for this very period")
	b.post(office+"/hours", append(form, "valid_from", "2026-12-24", "valid_to", "2026-12-31")...).leads(t, office)
	b.post(office+"/hours", append(form, "valid_from", "2026-12-31", "valid_to", "2026-12-24")...).want(t, 422, "must not be before the first")
	b.get("/today").want(t, 200, "09:00 – 12:00")

	// A weekday with two spans, which the form has no fields for, survives a change of other days.
	spans := []store.OpeningSpan{
		{Weekday: time.Monday, Opens: 480, Closes: 720}, {Weekday: time.Monday, Opens: 780, Closes: 1080}, {Weekday: time.Tuesday, Opens: 480, Closes: 720},
	}
	must(t, p.Places.SetOpeningHours(ctx, setup, p.building, spans))
	b.post(office+"/hours/_", "opens_1", "08:00", "closes_1", "12:00", "opens_2", "10:00", "closes_2", "12:00").leads(t, office)
	o, err := p.Places.Opening(ctx, p.building)
	must(t, err)
	var open []string
	for _, s := range o.Spans {
		if !s.Closed() {
			open = append(open, s.Weekday.String()+" "+when.Clock(s.Opens)+" "+when.Clock(s.Closes))
		}
	}
	if diff := gocmp.Diff([]string{"Monday 08:00 12:00", "Monday 13:00 18:00", "Tuesday 10:00 12:00"}, open); diff != "" {
		t.Error(diff)
	}
	b.get(office+"/hours/_/delete").want(t, 200, "Delete these opening hours?", "Mon 08:00 – 12:00")
	b.post(office+"/hours/_/delete").leads(t, office)
	b.get(office).want(t, 200, "The period is deleted", "No hours are set")
	b.get(office+"/hours/_").want(t, 404)
}

func TestRooms(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	b.get("/settings/places/rooms").want(t, 200, "Matterhorn", "Säntis", "2 rooms")
	b.get("/settings/places/rooms?q=matter").want(t, 200, "Matterhorn", "-Säntis")
	b.get("/settings/places/rooms?q=nothing").want(t, 200, "Nothing matches")
	if body := b.get("/settings/places/rooms?sort=-seats").want(t, 200).body; strings.Index(body, "Matterhorn") > strings.Index(body, "Säntis") {
		t.Error("the largest room is not the first")
	}
	form := []string{"name", "Rigi", "kind", "room", "floor", string(p.floor), "equipment", "Screen, Whiteboard", "show_subject", "on", "bookable", "on"}
	b.post("/settings/places/rooms", append(form, "seats", "a few")...).want(t, 422, "Enter a whole number", `value="a few"`, `value="Rigi"`)
	b.post("/settings/places/rooms", append(form, "seats", "4", "another", "1")...).leads(t, "/settings/places/rooms/new?floor="+string(p.floor))
	b.post("/settings/places/rooms", append(form, "seats", "4")...).want(t, 422, "already in use")
	b.post("/settings/places/rooms", "name", "=1+1", "kind", "room", "floor", string(p.floor), "bookable", "on").leads(t, "/settings/places/rooms")

	path := "/settings/places/rooms/" + string(p.room)
	b.get(path).want(t, 200, `value="Matterhorn"`, `value="12"`, `value="Screen"`)
	b.post(path, "name", "Matterhorn", "kind", "room", "floor", string(p.floor), "seats", "14").leads(t, "/settings/places/rooms")
	room, err := p.Places.Workspace(ctx, setup, p.room)
	must(t, err)
	if ws := room.Workspace; ws.Seats != 14 || ws.Bookable || ws.ShowSubject || ws.Equipment != nil {
		t.Errorf("the room is %+v", ws)
	}

	// The list as a file can be imported as it is, and holds no formula.
	file := b.get("/settings/places/rooms.csv").want(t, 200)
	if !strings.HasPrefix(file.body, "\ufeff") || !strings.Contains(file.header.Get("Content-Disposition"), "rooms.csv") {
		t.Error("the file is no file for a spreadsheet")
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\ufeff"))).ReadAll()
	must(t, err)
	if len(rows) != 5 || rows[1][3] != "'=1+1" {
		t.Errorf("rows %v", rows)
	}
	b.post("/settings/places/rooms/"+p.idOf("=1+1")+"/delete").want(t, 303)
	file = b.get("/settings/places/rooms.csv")
	b.postFile("/settings/places/rooms/import", "rooms.csv", file.body, "step", "look").want(t, 200, "Matterhorn", "-value=\"do\"")
}

func (p *portal) idOf(room string) string {
	p.t.Helper()
	list, err := p.Places.Workspaces(ctx, setup, store.WorkspaceFilter{})
	must(p.t, err)
	for _, r := range list {
		if r.Workspace.Name == room {
			return string(r.Workspace.ID)
		}
	}
	p.t.Fatalf("there is no room %q", room)
	return ""
}

func TestImport(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	const path = "/settings/places/rooms/import"
	floor := string(p.floor)
	b.postFile(path, "rooms.csv", "name;seats\r\nPilatus;8\r\nMatterhorn;13\r\n", "step", "look", "floor", floor).want(t, 200, "Make 2 rooms", "Pilatus", "Pilatus;8")
	b.postFile(path, "rooms.csv", "", "step", "do", "floor", floor, "csv", "name;seats\nPilatus;many\n").want(t, 422, "1 line has errors", "Pilatus;many")
	b.postFile(path, "rooms.csv", "", "step", "look", "floor", floor, "csv", "nothing of use").want(t, 422, "nothing of use")
	b.postFile(path, "rooms.csv", "name\nZ\xfcrich\n", "step", "look", "floor", floor).want(t, 200, "Zürich") // as a spreadsheet of old writes it
	b.postFile(path, "rooms.csv", "", "step", "do", "floor", floor, "csv", "name;seats\nPilatus;8\nMatterhorn;13\n").leads(t, "/settings/places/rooms")
	b.get("/settings/places/rooms").want(t, 200, "2 rooms were made or changed", "Pilatus")
	b.postFile(path, "rooms.csv", strings.Repeat("x", maxBody), "step", "look").want(t, http.StatusRequestEntityTooLarge)
}

func TestDeletedPlacesComeBack(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	p.book("boss", p.room, "Planning", false, "15:00", "16:00")
	for _, c := range []struct{ what, path, field, id, back, asks, name string }{
		{"room", "/settings/places/rooms/" + string(p.room), "room", string(p.room), "/settings/places/rooms", "Delete Matterhorn?", "Matterhorn"},
		{"floor", "/settings/places/floors/" + string(p.floor), "floor", string(p.floor), "/settings/places", "Delete Ground floor?", "Ground floor"},
		{"building", "/settings/places/buildings/" + string(p.building), "building", string(p.building), "/settings/places", "Delete Zürich office?", "Zürich office"},
	} {
		ask := b.get(c.path+"/delete").want(t, 200, c.asks, "Bookings still to come", "30 days")
		if c.what != "room" && !strings.Contains(ask.body, "Rooms") {
			t.Errorf("%s: the page does not say how many rooms go", c.what)
		}
		b.post(c.path+"/delete").leads(t, c.back)
		b.get(c.back).want(t, 200, c.name+" is deleted", `name="`+c.field+`" value="`+c.id+`"`)
		b.get("/rooms/"+string(p.room)).want(t, 404)
		b.post("/settings/places/restore", c.field, c.id).leads(t, c.back)
		b.get("/rooms/"+string(p.room)).want(t, 200, "It is back", "Planning")
		b.post("/settings/places/restore", c.field, c.id).want(t, 404)
	}
}

func TestDisplays(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	b.get("/displays").want(t, 200, "No displays yet", "http://devices.test:8081", "http://devices.test:8081/panel")
	e, err := p.Displays.Setup(ctx, store.ProtocolTRMNL, displays.Report{HardwareID: "AA:BB:CC:DD:EE:01", Model: "og", Address: "192.0.2.50"})
	must(t, err)
	waiting := b.get("/displays").want(t, 200, "1 display waits", "192.0.2.50", "1 waiting", "-"+e.Code)
	if !strings.Contains(waiting.body, "/displays/"+string(e.Display)+"/refuse") {
		t.Error("it can't be refused")
	}
	b.get("/displays/"+string(e.Display)+"/refuse").want(t, 200, "AA:BB:CC:DD:EE:01", "192.0.2.50")
	b.post("/displays/approve", "code", "0000-00", "room", string(p.room)).want(t, 422, "No display is waiting with this code", `value="0000-00"`)
	path := "/displays/" + string(e.Display)
	b.post("/displays/approve", "code", strings.ToLower(e.Code), "room", string(p.room), "template", "day").leads(t, path)
	must(t, p.Displays.Tick(ctx))
	b.get(path+"/refuse").want(t, 404)
	page := b.get(path).want(t, 200, "The display is approved", "Matterhorn", "AA:BB:CC:DD:EE:01", "very picture")

	// The page's picture is the very bytes that the device is given.
	_, rest, _ := strings.Cut(page.body, `<img src="`)
	src, _, _ := strings.Cut(rest, `"`)
	answer, err := p.Displays.Poll(e.Key.Reveal(), displays.Report{})
	must(t, err)
	picture := b.get(src).want(t, 200)
	if picture.body != string(answer.Picture.Bytes) || picture.header.Get("Content-Type") != answer.Picture.ContentType {
		t.Error("the page shows another picture than the device")
	}
	cached := *b
	cached.header = http.Header{"If-None-Match": {picture.header.Get("ETag")}}
	cached.get(src).want(t, http.StatusNotModified)

	form := []string{"name", "Door 1", "room", string(p.other), "template", "week", "language", "fr", "rotation", "90", "palette", "gray4"}
	b.post(path, append(form, "soon_minutes", "999")...).want(t, 422, "Enter a whole number", `value="Door 1"`, `value="999"`)
	b.post(path, append(form, "soon_minutes", "10")...).leads(t, path)
	d, err := p.Displays.Get(ctx, setup, e.Display)
	must(t, err)
	if d.Name != "Door 1" || d.Workspace != p.other || d.Template != store.TemplateWeek || d.Rotation != 90 || d.Palette != store.PaletteGray4 || d.SoonMinutes != 10 || d.Language != "fr" {
		t.Errorf("the display is %+v", d.Display)
	}
	b.get("/displays").want(t, 200, "Door 1", "Säntis", "On time")
	b.get("/displays?q=matter").want(t, 200, "Nothing matches")
	b.get("/displays.csv").want(t, 200, "Door 1", "AA:BB:CC:DD:EE:01")

	// Where the device can, its pictures are BMP files, in black and white only.
	b.get(path).want(t, 200, "TRMNL OG", `value="png" selected`)
	b.post(path, append(form, "soon_minutes", "10", "encoding", "bmp")...).want(t, 422, "BMP pictures are black and white only", `value="bmp" selected`)
	b.post(path, "name", "Door 1", "room", string(p.other), "template", "day", "rotation", "0", "palette", "bw", "encoding", "bmp").leads(t, path)
	if d, err = p.Displays.Get(ctx, setup, e.Display); err != nil || d.Encoding != store.EncodingBMP {
		t.Errorf("encoding %q, %v", d.Encoding, err)
	}
	b.get(path+"/key").want(t, 200, "Give Door 1 a new key?", "stops working at once", "-data-copy")
	if _, err := p.Displays.Poll(e.Key.Reveal(), displays.Report{}); err != nil {
		t.Errorf("the question alone took the key away: %v", err)
	}
	key := b.post(path+"/key").want(t, 200, "shown once")
	if _, err := p.Displays.Poll(e.Key.Reveal(), displays.Report{}); !errors.Is(err, displays.ErrUnknownKey) {
		t.Errorf("the old key: %v", err)
	}
	_, rest, _ = strings.Cut(key.body, `<code id="key">`)
	fresh, _, _ := strings.Cut(rest, "<")
	if _, err := p.Displays.Poll(fresh, displays.Report{}); err != nil {
		t.Errorf("the shown key %q: %v", fresh, err)
	}
	b.get(path).want(t, 200, "-"+fresh)

	b.post(path+"/reenrol").leads(t, path)
	b.get(path).want(t, 200, "Open until")
	b.get(path+"/remove").want(t, 200, "Remove Door 1?")
	b.post(path+"/remove").leads(t, "/displays")
	b.get("/displays").want(t, 200, "The display is removed", path+"/restore")
	b.get(path).want(t, 404)
	b.post(path+"/restore").leads(t, path)
	b.get(path).want(t, 200, "It is back")
}

func TestIssueKey(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	form := []string{"name", "By hand", "room", string(p.room), "palette", "bw", "template", "day", "width", "800"}
	b.post("/displays", append(form, "height", "high")...).want(t, 422, `value="high"`, `value="By hand"`)
	b.post("/displays", append(form, "height", "480", "hardware_id", "aa:bb:cc:dd:ee:02")...).want(t, 200, "shown once", "Access-Token", "http://devices.test:8081/display/")
	b.post("/displays", append(form, "height", "480", "hardware_id", "AA:BB:CC:DD:EE:02")...).want(t, 422, "with this hardware address already")
}

func TestDisplayAlerts(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	e, err := p.Displays.Setup(ctx, store.ProtocolTRMNL, displays.Report{HardwareID: "AA:BB:CC:DD:EE:01"})
	must(t, err)
	b.post("/displays/approve", "code", e.Code, "room", string(p.room))
	report := displays.Report{HardwareID: "AA:BB:CC:DD:EE:01", Battery: displays.Battery{Known: true, Percent: 9}}
	if _, err := p.Displays.Poll(e.Key.Reveal(), report); err != nil {
		t.Fatal(err)
	}
	b.get("/today").want(t, 200, "1 display has a low battery")
	p.wait(3 * 24 * time.Hour)
	b = p.as("boss")
	b.get("/today").want(t, 200, "1 display has been silent for a day")
	b.get("/displays?state=busy").want(t, 200, "Silent")
	p.account("anna", people.Grant{Role: people.User})
	p.as("anna").get("/today").want(t, 200, "-silent")
}

func TestBookingSystems(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	b.get("/settings/systems").want(t, 200, "No booking system connected", "Hosted by Lintel")
	b.get("/settings/systems/new").want(t, 200, "CalDAV", "ICS feed")
	b.get("/settings/systems/new?kind=caldav").want(t, 200, "Connect CalDAV")
	form := []string{"kind", "caldav", "url", "https://cloud.example.com/dav/", "username", "svc", "password", "hunter2 hunter2"}
	b.post("/settings/systems", append(form, "name", "Broken", "step", "check")...).want(t, 200, "What the check found", "HTTP 401", "waits for the step before", "-hunter2")
	if len(p.Calendars.Statuses()) != 0 {
		t.Error("a try was stored")
	}
	b.post("/settings/systems", append(form, "name", "", "step", "save")...).want(t, 422, "This is required", `value="svc"`, "-hunter2")
	b.post("/settings/systems", "kind", "fax", "name", "x").want(t, 404)
	path := b.post("/settings/systems", append(form, "name", "Nextcloud", "step", "save")...).to()
	b.get(path).want(t, 200, "Nextcloud", "List calendars", "svc")
	b.get(path+"?calendars=1").want(t, 200, "Rigi", "/cal/saentis/")
	if body := b.get(path + "?calendars=1").body; !strings.Contains(body, `value="`+string(p.other)+`" selected`) {
		t.Error("the room of the calendar's name is not proposed")
	}
	b.post(path+"/rooms", "address_0", "/cal/rigi/", "name_0", "Rigi", "room_0", "+", "address_1", "/cal/saentis/", "name_1", "Säntis", "room_1", string(p.other), "floor", string(p.floor)).leads(t, path)
	b.get(path).want(t, 200, "2 rooms are attached", "Rigi", "Säntis")
	b.post(path+"/rooms", "room", string(p.other), "address", "/cal/x/").want(t, 422, "follows a calendar already", `value="/cal/x/"`)
	b.post(path+"/rooms", "room", string(p.room), "address", "").want(t, 422, "This is required")
	b.post(path+"/rooms/"+string(p.other)+"/detach").leads(t, path)
	b.post(path+"/rooms", "room", string(p.other), "address", "/cal/saentis/").leads(t, path)
	p.book("boss", p.room, "Ahead", false, "15:00", "16:00")
	b.post(path+"/rooms", "room", string(p.room), "address", "/cal/matterhorn/").want(t, 409, "1 booking made in Lintel still lies ahead")

	b.post(path+"/check").leads(t, path)
	b.get(path).want(t, 200, "Checked at 14:05", "cloud.example.com answers")
	card := *b
	card.header = b.header.Clone()
	card.header.Set("HX-Request", "true")
	if a := card.post(path+"/check").want(t, 200, "Checked at"); strings.Contains(a.body, "<html") {
		t.Error("htmx got a whole page")
	}

	edit := []string{"name", "Cloud", "username", "svc", "step", "save"}
	b.post(path+"/edit", append(edit, "url", "https://other.example.com/dav/")...).want(t, 422, "Enter the password again")
	b.post(path+"/edit", append(edit, "url", "https://cloud.example.com/dav/2")...).leads(t, path)
	b.get(path).want(t, 200, "Cloud", "-Checked at")
	b.get(path+"/delete").want(t, 200, "Disconnect Cloud?", "2")
	b.post(path+"/delete").leads(t, "/settings/systems")
	b.get("/settings/systems").want(t, 200, "Cloud is disconnected", "No booking system connected")
	b.get(path).want(t, 404)
}

func TestPeople(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	form := []string{"name", "Anna Keller", "email", "anna@example.com", "role", "user"}
	b.post("/settings/people", append(form, "login", "with space")...).want(t, 422, "without spaces", `value="Anna Keller"`)
	b.post("/settings/people", append(form, "login", "BOSS")...).want(t, 409, "This sign-in name is taken")
	b.post("/settings/people", append(form, "login", "anna")...).want(t, 200, "Link for Anna Keller")
	path := "/settings/people/" + p.id("anna")
	b.get("/settings/people").want(t, 200, "Anna Keller", "2 people", "User")
	b.get("/settings/people?q=keller").want(t, 200, "Anna Keller", "-boss@example.com")
	b.get("/settings/people?sort=-login").want(t, 200)
	b.get("/settings/people.csv").want(t, 200, "Anna Keller", "anna@example.com")
	b.get(path).want(t, 200, "No password is set yet")
	b.post(path, "name", "Anna Muster", "email", "nonsense", "login", "anna").want(t, 422, "This is not an e-mail address", `value="nonsense"`)
	b.post(path, "name", "Anna Muster", "email", "anna@example.com", "login", "amuster", "language", "fr").leads(t, path)
	b.get(path).want(t, 200, "Saved.", "Anna Muster", "amuster")
	b.post(path+"/roles", "grant", "user:", "role", "booking_manager", "building", string(p.building)).leads(t, path)
	b.get(path).want(t, 200, "Booking manager", "Zürich office")
	b.post(path+"/roles", "role", "king").want(t, 422, "There is no such role")
	b.get(path+"/disable").want(t, 200, "Disable the account of Anna Muster?", `name="disabled" value="on"`)
	b.get(path).want(t, 200, "-The account is disabled")
	b.post(path+"/disable", "disabled", "on").leads(t, path)
	b.get(path).want(t, 200, "The account is disabled")
	b.post(path+"/disable", "disabled", "").leads(t, path)
	own := "/settings/people/" + p.id("boss")
	b.get(own+"/disable").want(t, 409, "can’t disable your own account")
	b.post(own+"/disable", "disabled", "on").want(t, 409, "can’t disable your own account")
	b.post(own+"/roles", "role", "user").want(t, 409, "This is the last administrator")
	b.get("/settings/people").want(t, 200) // and is it still
}

// Whoever manages people of one building can't reach beyond it by any form.
func TestPeopleOfOneBuilding(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("local", people.Grant{Role: people.Administrator, Building: p.building})
	b := p.as("local")
	boss, own := "/settings/people/"+p.id("boss"), "/settings/people/"+p.id("local")
	b.get("/settings/people").want(t, 200)
	b.get(boss).want(t, 403)
	for _, path := range []string{boss, boss + "/roles", boss + "/reset", boss + "/disable"} {
		b.post(path, "name", "x", "login", "xx", "disabled", "on").want(t, 403)
	}
	b.post(own+"/roles", "grant", "administrator:"+string(p.building), "role", "administrator").want(t, 403)
	b.post("/settings/people", "name", "Eve", "login", "eve", "role", "administrator").want(t, 403)
	b.get("/settings/people/new").want(t, 200, "-all buildings")
}

func TestCompression(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	b.header.Set("Accept-Encoding", "gzip")
	if a := b.get("/today"); a.header.Get("Content-Encoding") != "gzip" || !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Accept-Encoding") {
		t.Errorf("Today is sent as %q, varies by %v", a.header.Get("Content-Encoding"), a.header.Values("Vary"))
	}
	b.header.Set("Accept-Encoding", "identity")
	if a := b.get("/today"); a.header.Get("Content-Encoding") != "" {
		t.Error("Today is compressed for a browser that can't read it")
	}
}

// The page System says what was found, and what runs, in the reader's language and by his clock.
func TestSystemPageSpeaksEachLanguage(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	b.get("/settings/system").want(t, 200, "Disk", "3.0 GB are free.", "It says 21 Nov 2026, 14:05, and nothing on this machine keeps it right.", "timedatectl set-ntp true", "Read calendars", "It said: the disk is full")
	b.get("/settings/system?lang=de").want(t, 200, "Read calendars") // the account's own choice counts more
	for lang, texts := range map[string][]string{
		"de": {"Festplatte", "3.0 GB sind frei.", "21.11.2026, 14:05", "Kalender lesen", "Fälliges vergessen", "-Read calendars", "-are free"},
		"fr": {"Disque", "sont libres", "Lecture des calendriers", "-are free"},
		"it": {"Disco", "sono liberi", "Lettura dei calendari", "-are free"},
	} {
		b.post("/account/language", "language", lang, "back", "/settings/system").want(t, 303)
		b.get("/settings/system").want(t, 200, texts...)
	}
}
