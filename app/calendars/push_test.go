package calendars

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/connectors"
	"lintel/store"
)

// newPushed is a bench whose room is attached to a pushed system as "room-1".
func newPushed(t testing.TB) *bench {
	t.Helper()
	b := newBench(t)
	b.o.Kinds = Systems(b.o.Now)
	if err := b.Detach(t.Context(), admin, b.ws); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.id, err = b.Connect(t.Context(), admin, Connection{Kind: people.PushedKind, Name: "Timetable"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Attach(t.Context(), admin, b.ws, b.id, "room-1"); err != nil {
		t.Fatal(err)
	}
	b.changed = 0
	return b
}

// pushJSON pushes what a script sends.
func (b *bench) pushJSON(list string) (PushResult, error) {
	events, err := ReadPushed(strings.NewReader(list))
	if err != nil {
		return PushResult{}, err
	}
	return b.Push(b.t.Context(), b.id, "room-1", events)
}

func (b *bench) mustPush(list string, want PushResult) {
	b.t.Helper()
	got, err := b.pushJSON(list)
	if err != nil {
		b.t.Fatal(sentence(err))
	}
	if got != want {
		b.t.Errorf("pushed %+v, want %+v", got, want)
	}
}

// sentence is a problem with its place in the list.
func sentence(err error) string {
	p := problem.Of(err)
	if p == nil {
		return fmt.Sprint(err)
	}
	said := p.Key
	if n, ok := p.Args["Event"]; ok {
		said = fmt.Sprintf("%s [%v].%v", p.Key, n, p.Args["Field"])
	}
	return said
}

func TestPushReplacesTheAgenda(t *testing.T) {
	t.Parallel()
	b := newPushed(t)
	const first = `[
		{"id":"a","start":"2026-11-23T10:00:00+01:00","end":"2026-11-23T11:00:00.9+01:00","subject":"  Kick\u0007off \n plan ","organizer":{"name":"Anna","email":"Anna@Example.org"},"created":"2026-11-01T08:00:00Z"},
		{"id":"b","start":"2026-11-24T09:00:00Z","end":"2026-11-24T10:00:00Z","tentative":true},
		{"id":"c","first_day":"2026-11-25","last_day":"2026-11-26","subject":"Fair"},
		{"id":"old","start":"2026-11-20T09:00:00Z","end":"2026-11-20T10:00:00Z"},
		{"id":"far","start":"2027-11-20T09:00:00Z","end":"2027-11-20T10:00:00Z"}
	]`
	b.mustPush(first, PushResult{Accepted: 3, Outside: 2, Changed: true})
	type line struct {
		UID, From, To, Subject, Organizer, Email string
		AllDay, Tentative                        bool
	}
	lines := func() (out []line) {
		for _, a := range b.agenda() {
			out = append(out, line{a.ExtUID, a.From.Format(time.RFC3339), a.To.Format(time.RFC3339), a.Subject, a.OrganizerName, a.OrganizerEmail, a.AllDay, a.Tentative})
		}
		return out
	}
	want := []line{
		{"a", "2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z", "Kick off   plan", "Anna", "anna@example.org", false, false},
		{"b", "2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z", "", "", "", false, true},
		{"c", "2026-11-24T23:00:00Z", "2026-11-26T23:00:00Z", "Fair", "", "", true, false},
	}
	if diff := cmp.Diff(want, lines()); diff != "" {
		t.Errorf("wanted (-) and found (+) differ:\n%s", diff)
	}
	if a := b.agenda(); !a[0].CreatedAt.Equal(time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("created %s", a[0].CreatedAt)
	}
	revision := b.agenda()[0].Revision
	if b.Slack(b.ws) != 15*time.Minute || b.Slack("nothing") != 0 {
		t.Errorf("slack %s", b.Slack(b.ws))
	}

	// The same again is the same: nothing is written, but it counts as a confirmation.
	b.now = b.now.Add(10 * time.Minute)
	b.mustPush(first, PushResult{Accepted: 3, Outside: 2})
	if at, ok := b.Confirmed(b.ws); !ok || !at.Equal(b.now) || b.changed != 1 || b.agenda()[0].Revision != revision {
		t.Errorf("confirmed %s, %v, %d changes, revision %d", at, ok, b.changed, b.agenda()[0].Revision)
	}

	// What is left out goes; what moved keeps its identity.
	id := b.agenda()[1].ID
	b.mustPush(`[{"id":"b","start":"2026-11-24T12:00:00Z","end":"2026-11-24T13:00:00Z"}]`, PushResult{Accepted: 1, Changed: true})
	if a := b.agenda(); len(a) != 1 || a[0].ID != id || a[0].From.Hour() != 12 || b.changed != 2 {
		t.Errorf("%+v, %d changes", a, b.changed)
	}
	b.mustPush(`[]`, PushResult{Changed: true})
	if len(b.agenda()) != 0 {
		t.Errorf("%+v", b.agenda())
	}
	if r, err := b.Rooms(t.Context(), admin, b.id, Connection{}); err != nil || len(r) != 0 {
		t.Errorf("offered rooms: %v, %v", r, err)
	}
	if got := b.Statuses()[1]; got.System.Name != "Timetable" || got.OpenErr != nil || got.Rooms[0].Resource.Writable || !got.System.LastOK.Equal(b.now) {
		t.Errorf("%+v", got)
	}
}

func TestPushRefusesWrongLists(t *testing.T) {
	t.Parallel()
	b := newPushed(t)
	b.mustPush(`[{"id":"a","start":"2026-11-23T10:00:00Z","end":"2026-11-23T11:00:00Z"}]`, PushResult{Accepted: 1, Changed: true})
	confirmed, _ := b.Confirmed(b.ws)
	b.now = b.now.Add(time.Minute)
	const good = `{"id":"good","start":"2026-11-23T10:00:00Z","end":"2026-11-23T11:00:00Z"},`
	for _, c := range []struct{ name, list, want string }{
		{"empty", ``, "push.no_list"},
		{"object", `{"events":[]}`, "push.no_list"},
		{"null", `null`, "push.no_list"},
		{"no JSON", `hello`, "push.no_list"},
		{"cut off after an event", `[` + strings.TrimSuffix(good, ","), "push.no_list"},
		{"cut off within an event", `[` + good + `{"id":"b"`, "push.no_json [1]."},
		{"cut off after a comma", `[` + good, "push.no_json [1]."},
		{"comma at the end", `[` + good + `]`, "push.no_json [1]."},
		{"more behind it", `[] []`, "push.no_list"},
		{"null event", `[` + good + `null]`, "push.no_event [1]."},
		{"text as an event", `["a"]`, "push.wrong_type [0]."},
		{"number as an id", `[` + good + `{"id":7}]`, "push.wrong_type [1].id"},
		{"number within", `[{"id":"b","organizer":{"name":7}}]`, "push.wrong_type [0].organizer.name"},
		{"misspelt", `[` + good + `{"id":"b","privat":true}]`, "push.unknown_field [1].privat"},
		{"no id", `[` + good + `{"start":"2026-11-23T10:00:00Z","end":"2026-11-23T11:00:00Z"}]`, "push.bad_id [1].id"},
		{"long id", `[{"id":"` + strings.Repeat("x", 201) + `"}]`, "push.bad_id [0].id"},
		{"control in an id", `[{"id":"a\u0000b"}]`, "push.bad_id [0].id"},
		{"id twice", `[` + good + strings.TrimSuffix(good, ",") + `]`, "push.id_twice [1].id"},
		{"no times", `[{"id":"b"}]`, "push.which_times [0].start"},
		{"both times", `[{"id":"b","start":"2026-11-23T10:00:00Z","first_day":"2026-11-23"}]`, "push.which_times [0].start"},
		{"no end", `[{"id":"b","start":"2026-11-23T10:00:00Z"}]`, "push.bad_time [0].end"},
		{"no offset", `[{"id":"b","start":"2026-11-23T10:00:00","end":"2026-11-23T11:00:00"}]`, "push.bad_time [0].start"},
		{"year 0", `[{"id":"b","start":"0000-01-01T00:00:00Z","end":"2026-11-23T11:00:00Z"}]`, "push.bad_time [0].start"},
		{"end before start", `[` + good + `{"id":"b","start":"2026-11-23T10:00:00Z","end":"2026-11-23T09:00:00Z"}]`, "push.end_before_start [1].end"},
		{"no length in seconds", `[{"id":"b","start":"2026-11-23T10:00:00.1Z","end":"2026-11-23T10:00:00.9Z"}]`, "push.end_before_start [0].end"},
		{"longer than a year", `[{"id":"b","start":"2026-11-23T10:00:00Z","end":"2028-11-23T10:00:00Z"}]`, "push.too_long [0].end"},
		{"no such day", `[{"id":"b","first_day":"2026-11-31","last_day":"2026-12-01"}]`, "push.bad_day [0].first_day"},
		{"no last day", `[{"id":"b","first_day":"2026-11-30"}]`, "push.bad_day [0].last_day"},
		{"days backwards", `[{"id":"b","first_day":"2026-11-30","last_day":"2026-11-29"}]`, "push.end_before_start [0].last_day"},
		{"a year of days", `[{"id":"b","first_day":"2026-11-30","last_day":"2028-11-29"}]`, "push.too_long [0].last_day"},
		{"address", `[{"id":"b","organizer":{"email":"a b@c"}}]`, "push.bad_email [0].organizer.email"},
		{"created", `[{"id":"b","created":"yesterday"}]`, "push.bad_time [0].created"},
		{"too many", `[` + strings.Repeat(good, 5_001) + `]`, "push.too_many"},
	} {
		if _, err := b.pushJSON(c.list); sentence(err) != c.want {
			t.Errorf("%s: %s, want %s", c.name, sentence(err), c.want)
		}
	}
	if at, _ := b.Confirmed(b.ws); !at.Equal(confirmed) || len(b.agenda()) != 1 || b.agenda()[0].ExtUID != "a" {
		t.Errorf("a refused list left its mark: %s, %+v", at, b.agenda())
	}
	// Other rooms, other systems.
	for _, c := range []struct {
		id      store.SystemID
		address string
	}{{b.id, "room-2"}, {b.id, ""}, {"nothing", "room-1"}, {b.Statuses()[0].System.ID, "room-1"}} {
		if _, err := b.Push(t.Context(), c.id, c.address, nil); sentence(err) != "push.no_room" {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Of a private event nothing personal comes to the disk or into the log, nor what a misspelt flag would have shown.
func TestPushedPrivateSubjectNeverStored(t *testing.T) {
	t.Parallel()
	b := newPushed(t)
	b.mustPush(`[{"id":"a","start":"2026-11-23T10:00:00Z","end":"2026-11-23T11:00:00Z","subject":"planted","organizer":{"name":"planted","email":"planted@example.org"},"private":true}]`,
		PushResult{Accepted: 1, Changed: true})
	if _, err := b.pushJSON(`[{"id":"a","start":"2026-11-23T10:00:00Z","end":"2026-11-23T11:00:00Z","subject":"planted","isPrivate":true}]`); err == nil {
		t.Error("a misspelt flag was taken")
	}
	if a := b.agenda(); len(a) != 1 || !a[0].Private {
		t.Fatalf("%+v", a)
	}
	for _, name := range []string{store.MainFile, store.MainFile + "-wal"} {
		content, err := os.ReadFile(filepath.Join(b.st.Dir(), name))
		if err != nil || bytes.Contains(content, []byte("planted")) {
			t.Errorf("%s holds a planted text, or %v", name, err)
		}
	}
	if strings.Contains(b.log.String(), "planted") {
		t.Error("the log holds a planted text")
	}
}

func TestPushedSystemsAreChecked(t *testing.T) {
	t.Parallel()
	b := newPushed(t)
	states := func() (out []string) {
		r, err := b.Check(t.Context(), admin, b.id, Connection{}, CheckOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Steps {
			out = append(out, string(s.State)+" "+s.Said)
		}
		return out
	}
	failing := func() bool {
		if err := b.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		return !b.Statuses()[1].System.FailingSince.IsZero()
	}
	want := func(failed bool, steps ...string) {
		t.Helper()
		if diff := cmp.Diff(steps, states()); diff != "" {
			t.Errorf("wanted (-) and found (+) differ:\n%s", diff)
		}
		if failing() != failed {
			t.Errorf("failing: %v", !failed)
		}
	}
	want(false, "failed ", "skipped ") // never pushed: new, not failing
	b.mustPush(`[]`, PushResult{})
	want(false, "ok 2026-11-23T09:00:00Z", "ok 1/1")
	b.now = b.now.Add(59 * time.Minute)
	want(false, "ok 2026-11-23T09:00:00Z", "ok 1/1")
	b.now = b.now.Add(time.Minute)
	want(true, "failed 2026-11-23T09:00:00Z", "skipped ")
	b.mustPush(`[]`, PushResult{})
	want(false, "ok 2026-11-23T10:00:00Z", "ok 1/1")

	// A second room that nobody pushes.
	floor := store.FloorID("")
	other := store.NewID[store.WorkspaceID]()
	if err := b.st.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Workspace(b.ws)
		floor = p.Floor.ID
		return errors.Join(err, tx.InsertWorkspace(store.Workspace{ID: other, FloorID: floor, Kind: store.Room, Name: "Other", Bookable: true}))
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.Attach(t.Context(), admin, other, b.id, "room-2"); err != nil {
		t.Fatal(err)
	}
	want(false, "ok 2026-11-23T10:00:00Z", "warned 1/2: room-2")
	if got := b.PushedRooms(b.id); len(got) != 2 || got[0] != (PushedRoom{"room-1", "Matterhorn", b.now}) || got[1] != (PushedRoom{Address: "room-2", Name: "Other"}) {
		t.Errorf("%+v", got)
	}
	// Before it is stored there is nothing to look at.
	if r, err := b.Check(t.Context(), admin, "", Connection{Kind: people.PushedKind, Name: "New"}, CheckOptions{}); err != nil || !r.OK() || r.Steps[0].State != connectors.StepSkipped {
		t.Errorf("%+v, %v", r, err)
	}
}

func FuzzReadPushed(f *testing.F) {
	for _, s := range []string{`[]`, `[{"id":"a","start":"2026-11-23T10:00:00Z","end":"2026-11-23T11:00:00Z"}]`, `[{"id":"a","first_day":"2026-11-23","last_day":"2026-11-23","private":true}]`, `[null]`, `[{`, `{}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		pushed, err := ReadPushed(strings.NewReader(s))
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatalf("no problem: %v", err)
			}
			return
		}
		if !json.Valid([]byte(s)) {
			t.Fatal("what is no JSON was taken")
		}
		events, err := validPush(pushed)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatalf("no problem: %v", err)
			}
			return
		}
		for i, e := range events {
			if e.Series == "" || !e.AllDay && !e.To.After(e.From) || e.AllDay && !e.EndDay.After(e.FirstDay) {
				t.Fatalf("%d: %+v", i, e)
			}
		}
	})
}

// A script goes on as it was when its connection gets another name.
func TestEditedScriptHasAnswered(t *testing.T) {
	t.Parallel()
	b := newPushed(t)
	b.mustPush(`[]`, PushResult{})
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Edit(t.Context(), admin, b.id, Connection{Kind: people.PushedKind, Name: "Lessons"}); err != nil {
		t.Fatal(err)
	}
	for _, st := range b.Statuses() {
		if st.System.ID == b.id && st.System.LastOK.IsZero() {
			t.Errorf("nothing was pushed, it says: %s", st.Standing(b.now).State)
		}
	}
}
