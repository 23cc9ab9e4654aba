package web

import (
	"bytes"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"

	"lintel/app/displays"
	"lintel/store"
)

// postFile sends a form with a file, as browsers send multipart forms.
func (b *browser) postFile(path, name, content string, form ...string) answer {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i+1 < len(form); i += 2 {
		must(b.p.t, w.WriteField(form[i], form[i+1]))
	}
	part, err := w.CreateFormFile("file", name)
	must(b.p.t, err)
	_, err = part.Write([]byte(content))
	must(b.p.t, err)
	must(b.p.t, w.Close())
	r := httptest.NewRequest("POST", b.base+path, &body)
	r.RemoteAddr = b.remote
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Origin", b.base)
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	return b.send(r)
}

// From an empty house to the picture of a real room.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(o *Options) { o.Zone = "Asia/Beirut" })
	token, err := p.People.SetupLink(ctx)
	must(t, err)
	b := p.browser()
	b.get("/").leads(t, "/setup")
	b.get("/sign-in").leads(t, "/setup")
	b.get("/setup").want(t, 404, "lintel setup")
	b.get("/setup?token=guessed").want(t, 404, "lintel setup")
	b.get("/setup/organisation").want(t, 303)
	b.get("/setup?token="+token.Reveal()).want(t, 200, "1. ", `value="`+token.Reveal()+`"`)

	admin := func(form ...string) answer {
		return b.post("/setup/administrator", append([]string{"token", token.Reveal(), "name", "Anna Keller", "login", "anna", "email", "anna@example.com"}, form...)...)
	}
	admin("password", "short", "again", "short").want(t, 422, "at least 10 characters", `value="Anna Keller"`)
	admin("password", password, "again", "other").want(t, 422, `value="anna"`)
	nothing := b.post("/setup/administrator", "token", token.Reveal(), "name", " ", "login", "", "email", "anna", "again", password).want(t, 422, "This is not an e-mail address", "The two")
	if n := strings.Count(nothing.body, "This is required."); n != 3 {
		t.Errorf("%d empty fields are named, want 3", n)
	}
	admin("password", password, "again", password).leads(t, "/setup/organisation")
	p.browser().get("/setup?token="+token.Reveal()).want(t, 409, "set up already")
	p.browser().post("/setup/administrator", "token", token.Reveal(), "name", "Eve", "login", "eve", "password", password, "again", password).want(t, 409)

	// Left and found again.
	b.get("/setup").leads(t, "/setup/organisation")
	b.get("/today").want(t, 200, "The set-up is not finished", "No rooms yet")
	b.post("/setup/rooms", "way", "type", "rooms", "Matterhorn, 12", "floor_name", "Ground floor").want(t, 409, "There is no building yet", "Matterhorn, 12")

	// Until the browser tells its own zone, the server's is chosen; what somebody chose is not guessed again.
	b.get("/setup/organisation").want(t, 200, `value="Asia/Beirut" selected`, "data-guess-zone")
	house := []string{"organisation", "Example AG", "name", "Zürich office", "city", "Zürich", "language", "de", "weekday", "1", "weekday", "6", "opens", "08:00", "closes", "18:00"}
	empty := b.post("/setup/organisation", "name", " ", "opens", "8 o'clock", "closes", "18:00", "zone", "Europe/Zurich", "language", "de").want(t, 422, "Enter a time")
	if n := strings.Count(empty.body, "This is required."); n != 2 {
		t.Errorf("%d empty fields are named, want 2", n)
	}
	b.post("/setup/organisation", append(house, "zone", "Nowhere/Land")...).want(t, 422, "This is no time zone", `value="Example AG"`, "-data-guess-zone")
	b.post("/setup/organisation", append(house, "zone", "Europe/Zurich")...).leads(t, "/setup/system")

	b.get("/setup/system?kind=caldav").want(t, 200)
	system := []string{"kind", "caldav", "url", "https://cloud.example.com/dav/", "username", "svc", "password", "hunter2 hunter2"}
	b.post("/setup/system", append(system, "name", "Broken", "step", "check")...).want(t, 200, "Failed", "HTTP 401", "-hunter2")
	b.post("/setup/system", append(system, "name", "", "step", "save")...).want(t, 422, `value="svc"`, "-hunter2")
	b.post("/setup/system", append(system, "name", "Nextcloud", "step", "save")...).leads(t, "/setup/rooms")

	b.get("/setup/rooms").want(t, 200, "Rigi", "Säntis")
	b.get("/setup/rooms?way=type").want(t, 200, "Ground floor")
	b.post("/setup/rooms", "way", "type", "floor_name", "Ground floor", "rooms", "Matterhorn, 12\nMatterhorn; 3\n").want(t, 422, "Matterhorn; 3")
	b.post("/setup/rooms", "way", "type", "rooms", "Matterhorn, 12\nPhone box\n").leads(t, "/setup/display")
	b.post("/setup/rooms", "way", "system", "address_0", "/cal/rigi/", "name_0", "Rigi", "room_0", "+", "address_1", "/cal/saentis/", "name_1", "Säntis", "room_1", "").leads(t, "/setup/display")
	look := b.postFile("/setup/rooms", "rooms.csv", "name;seats\r\nPilatus;8\r\n", "way", "csv", "step", "look").want(t, 200, "Pilatus", "Pilatus;8")
	if !strings.Contains(look.body, `value="do"`) {
		t.Error("what was read can't be made")
	}
	b.postFile("/setup/rooms", "rooms.csv", "", "way", "csv", "step", "do", "csv", "name;seats\nPilatus;8\n").leads(t, "/setup/display")

	enrolment, err := p.Displays.Setup(ctx, store.ProtocolTRMNL, displays.Report{HardwareID: "AA:BB:CC:DD:EE:01", Model: "og"})
	must(t, err)
	rooms, err := p.Places.Workspaces(ctx, setup, store.WorkspaceFilter{})
	must(t, err)
	if len(rooms) != 4 || rooms[0].Building.Name != "Zürich office" {
		t.Fatalf("rooms %v", rooms)
	}
	var matterhorn string
	for _, r := range rooms {
		if r.Workspace.Name == "Matterhorn" {
			matterhorn = string(r.Workspace.ID)
			if r.Workspace.Seats != 12 {
				t.Errorf("Matterhorn has %d seats", r.Workspace.Seats)
			}
		}
		if (r.Resource != "") != (r.Workspace.Name == "Rigi") {
			t.Errorf("%s follows %q", r.Workspace.Name, r.Resource)
		}
	}
	b.get("/setup/display").want(t, 200, "http://devices.test:8081", "-"+enrolment.Code)
	b.post("/setup/display", "code", "0000-00", "room", matterhorn, "template", "day").want(t, 422, "No display is waiting with this code", "0000-00")
	a := b.post("/setup/display", "code", enrolment.Code, "room", matterhorn, "template", "day")
	must(t, p.Displays.Tick(ctx))
	b.get(a.to()).want(t, 200, "This is the very picture")
	done := b.get("/setup/done").want(t, 200, "Matterhorn", "/rooms/"+matterhorn+"/displays/")
	_, rest, _ := strings.Cut(done.body, `<img src="`)
	src, _, _ := strings.Cut(rest, `"`)
	picture := b.get(src).want(t, 200)
	shown, ok := p.Displays.Shown(enrolment.Display)
	if !ok || picture.body != string(shown.Bytes) {
		t.Error("the page's picture is not what the device gets")
	}
	b.get("/setup").leads(t, "/setup/done")
	b.get("/today").want(t, 200, "-The set-up is not finished", "Matterhorn")
}

func TestFirstStartStepsCanBeSkipped(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	token, err := p.People.SetupLink(ctx)
	must(t, err)
	b := p.browser()
	b.post("/setup/administrator", "token", token.Reveal(), "name", "Anna", "login", "anna", "password", password, "again", password).leads(t, "/setup/organisation")
	for _, step := range [][2]string{{"organisation", "system"}, {"system", "rooms"}, {"rooms", "display"}, {"display", "done"}} {
		b.get("/setup").leads(t, "/setup/"+step[0])
		b.get("/setup/"+step[0]).want(t, 200)
		b.post("/setup/"+step[0], "skip", "1").leads(t, "/setup/"+step[1])
	}
	b.get("/setup").leads(t, "/setup/done")
	b.get("/setup/done").want(t, 200)
	b.get("/today").want(t, 200, "-The set-up is not finished")
	// A step that was left out can be made up for.
	b.get("/setup/organisation").want(t, 200)
}
