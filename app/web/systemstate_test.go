package web

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/people"
	"lintel/connectors"
	"lintel/store"
)

// A check that failed is unfolded only until the room that it was made with is read again; one that went well only on the system's own page.
func TestOldChecksFoldAway(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	id, err := p.Calendars.Connect(ctx, people.ActorOf(p.boss()), calendarsOf("caldav", "Cloud"))
	must(t, err)
	must(t, p.Calendars.Attach(ctx, setup, p.room, id, "/cal/rigi/"))
	const open = `<details class="card-check more" open>`
	found := func(at time.Time, steps ...store.SystemCheckStep) {
		must(t, p.st.Update(ctx, func(tx *store.Tx) error {
			r, err := tx.ResourceOf(p.room)
			r.LastOK = p.now()
			return errors.Join(err, tx.SaveResourceState(r), tx.SaveSystemCheck(id, store.SystemCheck{At: at, Workspace: p.room, Steps: steps}))
		}))
		must(t, p.Calendars.Start(ctx))
	}
	step := func(name string, state connectors.StepState) store.SystemCheckStep {
		return store.SystemCheckStep{Name: "calendar.check." + name, State: string(state)}
	}
	page := systemsPath + "/" + string(id)

	found(p.now().Add(time.Second), step("reach", connectors.StepFailed), step("write", connectors.StepSkipped))
	b.get(systemsPath).want(t, 200, "with Matterhorn: failed<", open, "-Test booking made")
	b.get(page).want(t, 200, "with Matterhorn: failed<", open, "Test booking made")

	found(p.now().Add(-time.Minute), step("reach", connectors.StepFailed))
	b.get(systemsPath).want(t, 200, "failed. It has worked since.", "-"+open)
	b.get(page).want(t, 200, "failed. It has worked since.", "-"+open)

	// Reading proves nothing about writing, a booking does.
	found(p.now().Add(-time.Minute), step("reach", connectors.StepOK), step("write", connectors.StepFailed))
	b.get(systemsPath).want(t, 200, "The check failed", "nothing has disproved it", "with Matterhorn: failed<", open)
	p.Calendars.Booked(p.room)
	b.get(systemsPath).want(t, 200, "failed. It has worked since.", "-The check failed", "-"+open)
	must(t, p.Calendars.Flush(ctx))

	found(p.now(), step("reach", connectors.StepOK), step("write", connectors.StepSkipped))
	b.get(systemsPath).want(t, 200, "with Matterhorn: all good<", "-"+open)
	b.get(page).want(t, 200, "with Matterhorn: all good<", open)

	found(p.now(), step("reach", connectors.StepWarned))
	b.get(systemsPath).want(t, 200, "with Matterhorn: works, with remarks<", "-"+open)
}

// While rooms are read for the first time, those that can't be are told already; a system of which none can be is no partial failure.
func TestStateOfSystemWhoseRoomsFail(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	id, err := p.Calendars.Connect(ctx, setup, calendarsOf("caldav", "Cloud"))
	must(t, err)
	must(t, p.Calendars.Attach(ctx, setup, p.room, id, "/cal/rigi/"))
	must(t, p.Calendars.Attach(ctx, setup, p.other, id, "/cal/saentis/"))
	set := func(room store.WorkspaceID, lastOK time.Time, kind string) {
		must(t, p.st.Update(ctx, func(tx *store.Tx) error {
			r, err := tx.ResourceOf(room)
			r.LastOK, r.ErrorKind, r.FailingSince, r.Skipped = lastOK, kind, p.now(), 0
			if kind == "gap" {
				r.ErrorKind, r.FailingSince, r.Skipped = "", time.Time{}, 2
			}
			return errors.Join(err, tx.SaveResourceState(r), tx.SaveSystemState(store.System{ID: id, LastOK: lastOK}))
		}))
		must(t, p.Calendars.Start(ctx))
	}
	const bar = "<progress"
	b.get(systemsPath).want(t, 200, "Reading for the first time", "0 of 2 rooms", bar)
	set(p.room, p.now(), "forbidden")
	b.get(systemsPath).want(t, 200, "Some rooms fail", "1 room can’t be read; the others are being read for the first time. The system’s page says why.", "of which 1 fails", "1 of 2 rooms", bar)
	set(p.other, p.now(), "")
	b.get(systemsPath).want(t, 200, "Some rooms fail", "1 room can’t be read; the others are up to date.", "-"+bar)
	set(p.other, p.now(), "gone")
	b.get(systemsPath).want(t, 200, "No room can be read", "of which 2 fail", "-Some rooms fail", "-up to date", "-"+bar)
	set(p.other, p.now(), "")
	set(p.room, p.now(), "gap")
	b.get(systemsPath).want(t, 200, "Some events can’t be read", "2 events can’t be read, in Matterhorn. All others are up to date.", "-"+bar)
}

func TestUnreadableEventsAreNamed(t *testing.T) {
	t.Parallel()
	got := lookedFor([]string{
		"/dav/rooms/elm/a%20b.ics", "/dav/rooms/elm/series.ics 20261124T080000Z", "/dav/rooms/elm/series.ics 20261125T080000Z",
		strings.Repeat("AAMkAD", 30), "uid-1@example.org", "/dav/rooms/elm/fourth.ics",
	})
	if diff := cmp.Diff([]string{"a b.ics", "series.ics", "uid-1@example.org"}, got); diff != "" {
		t.Error(diff)
	}
}

// A system that was saved says that it was not tried yet; then what the check found; a feed without rooms has nothing to check.
func TestStateBeforeTheFirstRoom(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	save := func(name string) string {
		return b.post("/settings/systems", "kind", "caldav", "name", name, "url", "https://cloud.example.com/dav/", "username", "svc", "password", "hunter2", "step", "save").to()
	}
	good, broken := save("Cloud"), save("Broken")
	b.get(good).want(t, 200, "Not tried yet", "nothing was sent yet", "-It is connected")
	b.post(good+"/check").leads(t, good)
	b.get(good).want(t, 200, "Checked, no room yet", "It is connected")
	b.post(broken+"/check").leads(t, broken)
	b.get(broken).want(t, 200, "The check failed", "-It is connected")

	b.get("/settings/systems/new?kind=ics").want(t, 200, "-Try without saving")
	feeds := b.post("/settings/systems", "kind", "ics", "name", "Feeds", "step", "save").to()
	b.get(feeds).want(t, 200, "-"+feeds+"/check")

	// A name that is taken: what was typed is there again but for the password, which says so.
	b.post("/settings/systems", "kind", "caldav", "name", "Cloud", "url", "https://other.example.com/dav/", "username", "svc", "password", "hunter2", "step", "save").
		want(t, 422, "Another booking system has this name", "https://other.example.com/dav/", "type it again", "-hunter2")
}
