package web

import (
	"strings"
	"testing"

	"lintel/app/displays"
	"lintel/store"
)

// The switch for pictures of meetings is there only where the room's booking system has such pictures, and on displays that
// show pictures at all.
func TestSwitchForPicturesOfMeetings(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	exchange, err := p.Calendars.Connect(ctx, setup, calendarsOf("ews", "Exchange"))
	must(t, err)
	cloud, err := p.Calendars.Connect(ctx, setup, calendarsOf("caldav", "Cloud"))
	must(t, err)
	third := p.addRoom("Rigi", 4)
	must(t, p.Calendars.Attach(ctx, setup, p.room, exchange, "matterhorn@example.com"))
	must(t, p.Calendars.Attach(ctx, setup, p.other, cloud, "/cal/saentis/"))
	id, _, err := p.Displays.Add(ctx, setup, store.ProtocolTRMNL, "", displays.Settings{
		Name: "Door", Workspace: p.room, Template: store.TemplateDay, Width: 800, Height: 480, Palette: store.PaletteBW, Encoding: store.EncodingPNG,
	})
	must(t, err)
	path := "/displays/" + string(id)
	save := func(room store.WorkspaceID, more ...string) {
		t.Helper()
		b.post(path, append([]string{"name", "Door", "room", string(room), "template", "day", "rotation", "0", "palette", "bw"}, more...)...).leads(t, path)
	}
	stored := func() bool {
		t.Helper()
		d, err := p.Displays.Get(ctx, setup, id)
		must(t, err)
		return d.ShowImage
	}
	page := b.get(path).want(t, 200, "Show a picture that is attached to the meeting", "Never for private meetings", `name="show_image"`)
	if ticked(page.body) || stored() {
		t.Error("it is on from the start")
	}
	save(p.room, "show_image", "on")
	if !ticked(b.get(path).body) || !stored() {
		t.Error("it is not on")
	}
	for _, room := range []store.WorkspaceID{p.other, third} {
		save(room, "show_image", "on") // the form of the room before had the box
		if page := b.get(path); strings.Contains(page.body, "show_image") {
			t.Errorf("the box stands in the form of a room without pictures")
		}
		if save(room); !stored() {
			t.Error("saving a form without the box changes it")
		}
	}
	save(p.room)
	save(p.room)
	if stored() {
		t.Error("it can't be switched off")
	}
	panel, err := p.Displays.PairPanel(ctx, displays.Report{Address: "192.0.2.60"})
	must(t, err)
	_, err = p.Displays.Approve(ctx, setup, displays.Approval{Code: panel.Code, Workspace: p.room})
	must(t, err)
	if page := b.get("/displays/"+string(panel.Display)).want(t, 200); strings.Contains(page.body, "show_image") {
		t.Error("the box stands in the form of a panel")
	}
}

// ticked reports whether the switch is on in a page.
func ticked(page string) bool {
	before, after, _ := strings.Cut(page, `name="show_image"`)
	return strings.Contains(before[strings.LastIndex(before, "<"):]+after[:strings.Index(after, ">")], "checked")
}
