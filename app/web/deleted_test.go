package web

import (
	"slices"
	"testing"
	"time"

	"lintel/app/displays"
	"lintel/app/people"
	"lintel/app/places"
	"lintel/store"
)

// actions are what the log tells of an object, the newest first.
func (p *portal) actions(kind, id string) []string {
	p.t.Helper()
	var out []string
	must(p.t, p.st.View(ctx, func(tx *store.Tx) error {
		lines, err := tx.AuditLines(store.AuditQuery{Objects: []store.AuditObject{{Kind: kind, ID: id}}, Limit: 100})
		for _, l := range lines {
			out = append(out, l.Action)
		}
		return err
	}))
	return out
}

// What was deleted can be found and brought back for thirty days, by those who may, and no longer.
func TestRecentlyDeletedPlaces(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	elsewhere, err := p.Places.CreateBuilding(ctx, setup, store.Building{Name: "Bern", Zone: "Europe/Zurich", Language: "de", WorkingDays: 127})
	must(t, err)
	p.account("bern", people.Grant{Role: people.WorkspaceManager, Building: elsewhere})
	p.account("here", people.Grant{Role: people.WorkspaceManager, Building: p.building})
	b, bern, here := p.as("boss"), p.as("bern"), p.as("here")
	b.get("/settings/places").want(t, 200, "-Recently deleted")
	b.post("/settings/places/rooms/"+string(p.room)+"/delete").want(t, 303)
	b.get("/settings/places/rooms").want(t, 200, "Undo") // that is said once
	p.wait(3 * time.Hour)
	listed := []string{"Recently deleted", "Matterhorn", "Room · Zürich office · Ground floor", "Deleted by Person boss, 3 h ago", "can come back until 20 Dec 2026"}
	for _, path := range []string{"/settings/places", "/settings/places/rooms"} {
		b.get(path).want(t, 200, append(listed, "-Undo")...)
		here.get(path).want(t, 200, listed...)
		bern.get(path).want(t, 200, "-Matterhorn")
	}
	restore := []string{"room", string(p.room)}
	bern.post("/settings/places/restore", restore...).want(t, 403)
	here.post("/settings/places/restore", restore...).leads(t, "/settings/places/rooms")
	here.get("/settings/places/rooms").want(t, 200, "It is back", "Matterhorn", "-Recently deleted")
	if got := p.actions("workspace", string(p.room)); !slices.Equal(got[:2], []string{"workspace.restore", "workspace.delete"}) {
		t.Errorf("the log tells %q", got)
	}

	_, err = p.Places.Delete(ctx, setup, places.Ref{Building: elsewhere})
	must(t, err)
	b.get("/settings/places").want(t, 200, "Bern", "Deleted from the command line, just now", "can come back until 20 Dec 2026")
	p.wait(30*24*time.Hour - time.Second)
	b = p.as("boss")
	b.get("/settings/places").want(t, 200, "Bern")
	p.wait(time.Second)
	b.get("/settings/places").want(t, 200, "-Bern", "-Recently deleted")
	b.post("/settings/places/restore", "building", string(elsewhere)).want(t, 404, "There is nothing to bring back")
}

func TestRecentlyDeletedDisplays(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("nobody", people.Grant{Role: people.User})
	id, _, err := p.Displays.Add(ctx, setup, store.ProtocolTRMNL, "AA:BB:CC:DD:EE:09", displays.Settings{
		Name: "Door", Workspace: p.room, Template: store.TemplateDay, Width: 800, Height: 480, Palette: store.PaletteBW, Encoding: store.EncodingPNG,
	})
	must(t, err)
	b, path := p.as("boss"), "/displays/"+string(id)
	b.post(path+"/remove").leads(t, "/displays")
	b.get("/displays").want(t, 200, "Undo")
	b.get("/displays").want(t, 200, "-Undo", "Recently deleted", "TRMNL 800 × 480 · Matterhorn", "Deleted by Person boss, just now", "can come back until 20 Dec 2026", `action="`+path+`/restore"`)
	p.as("nobody").post(path+"/restore").want(t, 403)
	b.post(path+"/restore").leads(t, path)
	b.get("/displays").want(t, 200, "-Recently deleted")
	if got := p.actions("display", string(id)); !slices.Equal(got, []string{"display.undelete", "display.delete", "display.add"}) {
		t.Errorf("the log tells %q", got)
	}
	b.post(path+"/remove").leads(t, "/displays")
	p.wait(30 * 24 * time.Hour)
	b = p.as("boss")
	b.get("/displays").want(t, 200, "-Recently deleted")
	b.post(path+"/restore").want(t, 404)
}
