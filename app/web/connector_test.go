package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/connectors/roomz"
	"lintel/store"
)

// raw is an answer as it stands on the wire.
type raw map[string]any

func (p *portal) bridge(name string, book bool, building store.BuildingID) *robot {
	p.t.Helper()
	return p.robot(people.NewKey{Name: name, Use: people.UseConnector, MayBook: book, Building: building})
}

func meetings(room store.WorkspaceID) string { return connectorPath + "/" + string(room) + "/meetings" }

// What is told, field by field, as the contract has it.
func TestConnectorTells(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.bridge("Bridge", false, "")
	open := p.book("boss", p.room, "Planning", false, "16:00", "17:00")
	private := p.book("boss", p.room, "planted", true, "18:00", "19:00")
	system := p.pushed("Timetable")
	follows := p.addRoom("Follows", 4)
	must(t, p.Calendars.Attach(ctx, setup, follows, system, "x"))
	desk, err := p.Places.CreateWorkspace(ctx, setup, store.Workspace{FloorID: p.floor, Kind: store.Desk, Name: "Desk 1", Bookable: true})
	must(t, err)

	want := []raw{{"roomId": string(p.room), "name": "Matterhorn"}, {"roomId": string(p.other), "name": "Säntis"}}
	if diff := cmp.Diff(want, into[[]raw](t, b.get(connectorPath).want(t, 200))); diff != "" {
		t.Errorf("rooms: wanted (-) and found (+) differ:\n%s", diff)
	}
	for _, id := range []store.WorkspaceID{follows, desk, "nothing", "%2e%2e"} {
		b.get(meetings(id)).want(t, 404, "no such room")
	}
	list := []raw{
		{
			"meetingId": string(open.ID), "subject": "Planning", "organizerId": "Person boss", "organizerName": "Person boss", "startDateUTC": "2026-11-21T15:00:00Z",
			"endDateUTC": "2026-11-21T16:00:00Z", "creationDateUTC": "2026-11-21T13:05:00Z", "isPrivate": false, "isCancelled": false, "imageUrl": nil,
		},
		{
			"meetingId": string(private.ID), "subject": "", "organizerId": "", "organizerName": "", "startDateUTC": "2026-11-21T17:00:00Z",
			"endDateUTC": "2026-11-21T18:00:00Z", "creationDateUTC": "2026-11-21T13:05:00Z", "isPrivate": true, "isCancelled": false, "imageUrl": nil,
		},
	}
	if diff := cmp.Diff(list, into[[]raw](t, b.get(meetings(p.room)).want(t, 200))); diff != "" {
		t.Errorf("meetings: wanted (-) and found (+) differ:\n%s", diff)
	}
	b.get(meetings(p.other)).want(t, 200, "[]")

	// A room that hides titles and names hides them here too.
	w, err := p.Places.Workspace(ctx, setup, p.room)
	must(t, err)
	w.Workspace.ShowSubject, w.Workspace.ShowOrganizer = false, false
	must(t, p.Places.ChangeWorkspace(ctx, setup, w.Workspace))
	b.get(meetings(p.room)).want(t, 200, string(open.ID), "-Planning", "-boss")

	// A key that may only read.
	start := `{"startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23T10:00:00Z"}`
	b.do("POST", meetings(p.room), start).want(t, http.StatusForbidden, "may only read")
	b.do("PUT", meetings(p.room)+"/"+string(open.ID), `{"isCancelled":true}`).want(t, http.StatusForbidden)

	// A key of another building: its rooms are not there at all.
	elsewhere, err := p.Places.CreateBuilding(ctx, setup, store.Building{Name: "Bern", Zone: "Europe/Zurich", Language: "de", WorkingDays: 31})
	must(t, err)
	far := p.bridge("Far", true, elsewhere)
	far.get(connectorPath).want(t, 200, "[]", "-Matterhorn")
	far.get(meetings(p.room)).want(t, 404)
	far.do("POST", meetings(p.room), start).want(t, 404)
	far.do("PUT", meetings(p.room)+"/"+string(open.ID), `{"isCancelled":true}`).want(t, 404)
	near := p.bridge("Near", true, p.building)
	near.get(connectorPath).want(t, 200, "Matterhorn")
}

func TestConnectorSpan(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.bridge("Bridge", false, "")
	boss := people.ActorOf(p.boss())
	at := func(day string) {
		d, err := when.ParseDate(day)
		must(t, err)
		from := when.Wall{Date: d, Minute: 10 * 60}
		_, err = p.Bookings.Create(ctx, boss, bookings.Request{Workspace: p.room, Times: bookings.Local(from, when.Wall{Date: d, Minute: 11 * 60}), Source: store.FromPortal})
		must(t, err)
	}
	for _, day := range []string{"2026-11-22", "2026-12-06", "2026-12-07", "2027-02-20"} {
		at(day)
	}
	first := p.now()
	count := func(query string) int {
		t.Helper()
		return len(into[[]raw](t, b.get(meetings(p.room)+query).want(t, 200)))
	}
	for query, want := range map[string]int{
		"":                 2, // the 15th day ahead is the last
		"?from=&to=":       2,
		"?from=2026-12-07": 1, "?from=2026-12-06T08:00:00Z": 2, "?from=2026-12-06T10:00:00Z": 1, "?to=2026-12-06T09:00:00": 1,
		"?from=2026-11-22T10:00&to=2026-12-07T08:59:59.999Z": 1, "?from=2026-11-22T09:00:00%2B00:00&to=2026-12-07T10:00:00+01:00": 2,
		"?from=2026-11-22 00:00:00&to=2027-02-22": 4, "?from=2027-02-20&to=2027-02-21": 1,
	} {
		if got := count(strings.ReplaceAll(query, " ", "%20")); got != want {
			t.Errorf("%s: %d meetings, want %d", query, got, want)
		}
	}
	for query, says := range map[string]string{
		"?from=yesterday": "from is no time", "?to=2026-13-01": "to is no time", "?from=2026-12-01&to=2026-12-01": "to does not lie after from",
		"?from=2026-12-02&to=2026-12-01": "to does not lie after from", "?from=2026-12-01&to=2027-03-04": "more than 92 days",
	} {
		b.get(meetings(p.room)+query).want(t, 400, says)
	}
	p.wait(first.Add(48 * time.Hour).Sub(p.now()))
	if got := count(""); got != 3 { // yesterday still counts
		t.Errorf("two days later: %d meetings", got)
	}
}

func TestConnectorBooks(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.bridge("Bridge", true, "")
	const body = `{"meetingId":"","subject":"Kick-off","organizerId":"anna@example.org","organizerName":"Anna Keller","startDateUTC":"2026-11-23T09:00:27.5","endDateUTC":"2026-11-23T11:00:59+01:00","creationDateUTC":null,"catering":["tea"]}`
	made := into[raw](t, b.do("POST", meetings(p.room), body).want(t, http.StatusCreated))
	want := raw{
		"meetingId": made["meetingId"], "subject": "Kick-off", "organizerId": "Anna Keller", "organizerName": "Anna Keller", "startDateUTC": "2026-11-23T09:00:00Z",
		"endDateUTC": "2026-11-23T10:00:00Z", "creationDateUTC": "2026-11-21T13:05:00Z", "isPrivate": false, "isCancelled": false, "imageUrl": nil,
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("wanted (-) and found (+) differ:\n%s", diff)
	}
	id := store.BookingID(made["meetingId"].(string))
	must(t, p.st.View(ctx, func(tx *store.Tx) error {
		k, err := tx.Booking(id)
		if k.Source != store.FromConnector || k.OrganizerEmail != "anna@example.org" || k.Creator != "" {
			t.Errorf("stored %+v", k)
		}
		lines, auditErr := tx.AuditLog(0, 1)
		if auditErr == nil && (lines[0].ActorKind != "token" || lines[0].Action != "booking.create" || lines[0].ObjectID != string(id)) {
			t.Errorf("audit: %+v", lines[0])
		}
		return errors.Join(err, auditErr)
	}))
	boss := p.as("boss")
	boss.get("/bookings/"+string(id)).want(t, 200, "by a connected system", "Kick-off")
	boss.get(auditPath).want(t, 200, "Access key Bridge", "-"+b.key)

	b.do("POST", meetings(p.room), body).want(t, http.StatusConflict, `"error":"This time is already taken.`)
	for name, c := range map[string]struct{ body, says string }{
		"no JSON":     {`nothing`, "no JSON object"},
		"empty":       {``, "no JSON object"},
		"a list":      {`[]`, "no JSON object"},
		"two":         {`{} {}`, "no JSON object"},
		"wrong type":  {`{"isPrivate":"yes"}`, "isPrivate can’t be a string"},
		"no times":    {`{"subject":"x"}`, "needs startDateUTC and endDateUTC"},
		"no end":      {`{"startDateUTC":"2026-11-24T09:00:00Z"}`, "needs startDateUTC and endDateUTC"},
		"bad time":    {`{"startDateUTC":"tomorrow","endDateUTC":"2026-11-24T10:00:00Z"}`, "startDateUTC is no time"},
		"backwards":   {`{"startDateUTC":"2026-11-24T11:00:00Z","endDateUTC":"2026-11-24T10:00:00Z"}`, "error"},
		"in the past": {`{"startDateUTC":"2026-11-20T09:00:00Z","endDateUTC":"2026-11-20T10:00:00Z"}`, "startDateUTC: This time is over"},
		"cancelled":   {`{"startDateUTC":"2026-11-24T09:00:00Z","endDateUTC":"2026-11-24T10:00:00Z","isCancelled":true}`, "Leave isCancelled out"},
		"long name":   {`{"startDateUTC":"2026-11-24T09:00:00Z","endDateUTC":"2026-11-24T10:00:00Z","organizerName":"` + strings.Repeat("x", 101) + `"}`, "organizerName: At most 100 characters"},
	} {
		if a := b.do("POST", meetings(p.room), c.body); a.status != 400 || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	b.do("POST", meetings(p.room), `{"subject":"`+strings.Repeat("x", maxForm)+`"}`).want(t, http.StatusRequestEntityTooLarge)
	w, err := p.Places.Workspace(ctx, setup, p.other)
	must(t, err)
	w.Workspace.Bookable = false
	must(t, p.Places.ChangeWorkspace(ctx, setup, w.Workspace))
	b.do("POST", meetings(p.other), body).want(t, http.StatusConflict, "can’t be booked")

	// Two at once for one slot: the database lets one of them in.
	var wg sync.WaitGroup
	codes := make([]int, 8)
	for i := range codes {
		wg.Go(func() {
			codes[i] = b.do("POST", meetings(p.room), `{"startDateUTC":"2026-11-25T09:00:00Z","endDateUTC":"2026-11-25T10:00:00Z"}`).status
		})
	}
	wg.Wait()
	made201, taken := 0, 0
	for _, c := range codes {
		switch c {
		case http.StatusCreated:
			made201++
		case http.StatusConflict:
			taken++
		}
	}
	if made201 != 1 || taken != len(codes)-1 {
		t.Errorf("answers %v", codes)
	}
}

func TestConnectorChanges(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.bridge("Bridge", true, "")
	put := func(id any, body string) answer {
		s, _ := id.(string)
		return b.do("PUT", meetings(p.room)+"/"+s, body)
	}
	make := func(from, to string) string {
		t.Helper()
		m := into[raw](t, b.do("POST", meetings(p.room), `{"subject":"Kick-off","organizerName":"Anna Keller","startDateUTC":"`+from+`","endDateUTC":"`+to+`"}`).want(t, 201))
		return m["meetingId"].(string)
	}
	id := make("2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z")
	other := make("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z")

	// The whole meeting, sent back as it was told: nothing changes, not even its revision.
	told := into[[]raw](t, b.get(meetings(p.room)))[0]
	whole, err := json.Marshal(told)
	must(t, err)
	revision := func() (n int64) {
		must(t, p.st.View(ctx, func(tx *store.Tx) error {
			k, err := tx.Booking(store.BookingID(id))
			n = k.Revision
			return err
		}))
		return n
	}
	before := revision()
	if got := into[raw](t, put(id, string(whole)).want(t, 200)); !cmp.Equal(told, got) || revision() != before {
		t.Errorf("an unchanged meeting became %v", got)
	}
	// Moved, twice the same.
	for range 2 {
		put(id, `{"startDateUTC":"2026-11-23T10:00:00Z","endDateUTC":"2026-11-23T11:30:00Z"}`).want(t, 200, `"startDateUTC":"2026-11-23T10:00:00Z"`, `"endDateUTC":"2026-11-23T11:30:00Z"`, "Kick-off", "Anna Keller")
	}
	if revision() != before+1 {
		t.Errorf("revision %d after %d", revision(), before)
	}
	put(id, `{"endDateUTC":"2026-11-23T12:30:00Z"}`).want(t, http.StatusConflict, "already taken")
	put(id, `{"endDateUTC":"2026-11-23T09:30:00Z"}`).want(t, http.StatusBadRequest)
	put(id, `{"endDateUTC":"soon"}`).want(t, http.StatusBadRequest, "endDateUTC is no time")
	put(id, `{"startDateUTC":"2026-11-20T10:00:00Z","endDateUTC":"2026-11-20T11:00:00Z"}`).want(t, http.StatusBadRequest)
	put(id, `{"subject":"Review","organizerName":"Beat Frei"}`).want(t, 200, `"subject":"Review"`, `"organizerName":"Beat Frei"`)

	// Private: the subject is withheld and survives a round trip; nobody lifts it from outside.
	put(id, `{"isPrivate":true}`).want(t, 200, `"isPrivate":true`, "-Review", "-Beat")
	put(id, `{"isPrivate":false,"subject":"","organizerName":"","endDateUTC":"2026-11-23T11:00:00Z"}`).want(t, 200, `"isPrivate":true`, `"endDateUTC":"2026-11-23T11:00:00Z"`, "-Review")
	must(t, p.st.View(ctx, func(tx *store.Tx) error {
		k, err := tx.Booking(store.BookingID(id))
		if k.Subject != "Review" || k.OrganizerName != "Beat Frei" || !k.Private {
			t.Errorf("a round trip made %+v of it", k)
		}
		return err
	}))

	// Cancelled, and once more.
	for range 2 {
		put(id, `{"isCancelled":true}`).want(t, 200, `"isCancelled":true`)
	}
	put(id, `{"isCancelled":false}`).want(t, http.StatusConflict, "cancelled already")
	b.get(meetings(p.room)).want(t, 200, other, "-"+id)
	make("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z") // its time is free again

	// Not there, and there in another room.
	put("nothing", `{}`).want(t, 404, "no such meeting")
	b.do("PUT", meetings(p.other)+"/"+other, `{"isCancelled":true}`).want(t, 404)

	// One that runs is ended, whatever the seconds are, and a retry finds it so.
	p.wait(time.Date(2026, 11, 23, 12, 20, 41, 0, time.UTC).Sub(p.now()))
	put(other, `{"endDateUTC":"2026-11-23T12:50:00Z"}`).want(t, 200, `"endDateUTC":"2026-11-23T12:50:00Z"`)
	for range 2 {
		put(other, `{"endDateUTC":"2026-11-23T12:20:33.123Z"}`).want(t, 200, `"endDateUTC":"2026-11-23T12:20:00Z"`, `"isCancelled":false`)
	}
	put(other, `{"isCancelled":true}`).want(t, 200, `"isCancelled":false`) // what has been stays
	put(other, `{"endDateUTC":"2026-11-23T13:00:00Z"}`).want(t, http.StatusConflict, "over")
}

// An occurrence of a hosted series is told and changed by itself.
func TestConnectorSeries(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.bridge("Bridge", true, "")
	day := when.DayOf(start(), time.UTC).Add(1)
	_, err := p.Bookings.CreateSeries(ctx, people.ActorOf(p.boss()), bookings.SeriesRequest{
		Workspace: p.room, First: bookings.Local(when.Wall{Date: day, Minute: 600}, when.Wall{Date: day, Minute: 660}), Rule: "FREQ=DAILY;COUNT=3", Subject: "Daily", Source: store.FromPortal,
	})
	must(t, err)
	list := into[[]raw](t, b.get(meetings(p.room)).want(t, 200))
	if len(list) != 3 || list[0]["meetingId"] == list[1]["meetingId"] {
		t.Fatalf("%v", list)
	}
	b.do("PUT", meetings(p.room)+"/"+list[1]["meetingId"].(string), `{"isCancelled":true}`).want(t, 200)
	if left := into[[]raw](t, b.get(meetings(p.room))); len(left) != 2 || left[1]["startDateUTC"] != "2026-11-24T09:00:00Z" {
		t.Errorf("%v", left)
	}
}

// Lintel's own client against Lintel's own server, over a socket.
func TestConnectorWithOurClient(t *testing.T) {
	t.Parallel()
	p := furnished(t, func(o *Options) { o.BaseURL = parseURL(t, "http://lintel.test/house") })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", p.now().UTC().Format(http.TimeFormat)) // all by one clock
		p.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	key := p.bridge("Bridge", true, "")
	out, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: p.now})
	must(t, err)
	connect := func(key string) *roomz.Connector {
		c, err := roomz.New(out, roomz.Config{URL: server.URL + "/house/connector", User: "Bridge", Password: secret.New(key), Now: p.now})
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	c := connect(key.key)
	zone, err := time.LoadLocation("Europe/Zurich")
	must(t, err)
	room := connectors.Room{ID: string(p.room), Zone: zone}
	refs, _, err := c.Rooms(ctx, "")
	if err != nil || len(refs) != 2 || refs[0].ID != room.ID || refs[0].Name != "Matterhorn" {
		t.Fatalf("%+v, %v", refs, err)
	}
	if r := c.Check(ctx, connectors.CheckRequest{Room: room, Write: true}); !r.OK() {
		t.Errorf("check: %+v", r.Steps)
	} else if last := r.Steps[len(r.Steps)-1]; last.State != connectors.StepOK {
		t.Errorf("the server does not keep the key of a booking: %+v", last)
	}
	monday := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	window := when.Interval{From: monday.AddDate(0, 0, -1), To: monday.AddDate(0, 0, 1)}
	read := func() []connectors.Event {
		t.Helper()
		s, err := c.Read(ctx, connectors.ReadRequest{Room: room, Window: window})
		must(t, err)
		return s.Events
	}
	probe, err := c.Probe(ctx, room, nil)
	must(t, err)
	draft := connectors.Draft{Token: "0123456789abcdef", From: monday, To: monday.Add(time.Hour), Subject: "Kick-off", Organizer: "Anna Keller"}
	ev, err := c.Book(ctx, room, draft)
	must(t, err)
	if ev.Token != draft.Token || ev.Subject != "Kick-off" || ev.Organizer != "Anna Keller" || !ev.Mine {
		t.Errorf("booked %+v", ev)
	}
	if next, err := c.Probe(ctx, room, probe.Next); err != nil || !next.Changed {
		t.Errorf("the probe saw nothing: %v", err)
	}
	// The same again, by a client that knows nothing of the first time: one booking.
	again, err := connect(key.key).Book(ctx, room, draft)
	if err != nil || again.Key != ev.Key || len(read()) != 1 {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	draft.Token = "fedcba9876543210"
	if _, err := c.Book(ctx, room, draft); !errors.Is(err, connectors.Conflict) {
		t.Errorf("two at one time: %v", err)
	}
	ev, err = c.SetEnd(ctx, room, ev, monday.Add(90*time.Minute))
	if err != nil || !ev.To.Equal(monday.Add(90*time.Minute)) || ev.Token == "" {
		t.Errorf("extended: %+v, %v", ev, err)
	}
	// Made here, seen there; a private one without its subject.
	p.book("boss", p.room, "planted", true, "18:00", "19:00")
	window.From = start()
	if all := read(); len(all) != 2 || !all[0].Private || all[0].Subject != "" || all[0].Organizer != "" || all[1].Key != ev.Key {
		t.Errorf("%+v", all)
	}
	must(t, c.Release(ctx, room, ev))
	must(t, c.Release(ctx, room, ev))
	if all := read(); len(all) != 1 {
		t.Errorf("after release: %+v", all)
	}
	// A meeting that runs is ended at the second of a press, or released: both mean now.
	for i, end := range []func(connectors.Event) error{
		func(ev connectors.Event) error {
			_, err := c.SetEnd(ctx, room, ev, p.now().Add(-time.Second))
			return err
		},
		func(ev connectors.Event) error { return c.Release(ctx, room, ev) },
	} {
		from := monday.AddDate(0, 0, 1+i)
		p.wait(from.Add(-time.Minute).Sub(p.now()))
		ev, err := c.Book(ctx, room, connectors.Draft{Token: fmt.Sprint("running-", i), From: from, To: from.Add(time.Hour), Subject: "Runs"})
		must(t, err)
		p.wait(21*time.Minute + 30*time.Second)
		for range 2 {
			if err := end(ev); err != nil {
				t.Errorf("end %d: %v", i, err)
			}
		}
		window = when.Interval{From: from, To: from.Add(time.Hour)}
		if all := read(); len(all) != 1 || !all[0].To.Equal(from.Add(20*time.Minute)) {
			t.Errorf("end %d: %+v", i, all)
		}
	}
	if _, _, err := connect("lintel_wrong").Rooms(ctx, ""); !errors.Is(err, connectors.Auth) {
		t.Errorf("wrong key: %v", err)
	}
	if _, err := c.Read(ctx, connectors.ReadRequest{Room: connectors.Room{ID: "nothing", Zone: zone}, Window: window}); !errors.Is(err, connectors.Gone) {
		t.Errorf("no room: %v", err)
	}
}

func FuzzReadMeeting(f *testing.F) {
	for _, s := range []string{`{}`, `{"startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23 10:00","isPrivate":true}`, `{"subject":null}`, `[]`, `{"endDateUTC":7}`, `{`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := readMeeting(strings.NewReader(s))
		switch {
		case err != nil && problem.Of(err) == nil:
			t.Fatalf("no problem: %v", err)
		case err == nil && (!json.Valid([]byte(s)) || m.StartDateUTC != nil && m.from.Second() != 0):
			t.Fatalf("%q became %+v", s, m)
		}
	})
}

func FuzzReadInstant(f *testing.F) {
	for _, s := range []string{"2026-11-23T09:00:00Z", "2026-11-23 09:00:00 01:00", "2026-11-23", "", "   ", "2026-11-23T09:00:00.999+0100"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := readInstant(s)
		if !ok {
			return
		}
		if again, ok := readInstant(at.Format(time.RFC3339Nano)); !ok || !again.Equal(at) {
			t.Fatalf("%q is %s and then %s", s, at, again)
		}
	})
}
