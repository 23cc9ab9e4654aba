package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"lintel/app/calendars"
	"lintel/app/expiry"
	"lintel/app/people"
	"lintel/app/secret"
	"lintel/connectors"
	"lintel/store"
	"lintel/templates/text"
)

// A certificate's successor is made, tried, used or dropped; only public parts leave the server.
func TestCertificateAndItsSuccessor(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	path := b.post("/settings/systems", "kind", "graph", "name", "Microsoft 365", "tenant", "example.com", "client_id", "8d6f0c1e-0000-4000-8000-1234567890ab", "auth", "certificate", "step", "save").to()
	b.get(path).want(t, 200, "Make the successor", "BEGIN</span> <span>CERTIFICATE", "-PRIVATE", "-Not used yet")
	b.get(path+"/certificate/next.cer").want(t, 404)
	current := b.get(path+"/certificate/current.cer").want(t, 200).body
	b.get(path+"/successor/use").want(t, 404)

	b.post(path+"/successor").leads(t, path+"#certificate")
	b.get(path).want(t, 200, "The successor is made", "Not used yet", "Try it now")
	next := b.get(path+"/certificate/next.cer").want(t, 200).body
	b.get(path+"/certificate/next.pem").want(t, 200, "BEGIN CERTIFICATE", "-PRIVATE KEY")
	if next == current || next == "" {
		t.Error("the successor is the present certificate")
	}
	b.post(path + "/successor") // a second press
	if b.get(path+"/certificate/next.cer").body != next {
		t.Error("a successor that may be uploaded already was replaced")
	}
	b.get(path+"/successor/use").want(t, 200, "It has not been tried yet")
	b.post(path+"/successor/try").leads(t, path+"#certificate")
	b.get(path).want(t, 200, "Tried at 14:05", "cloud.example.com answers")
	b.get(path+"/successor/use").want(t, 200, "it worked", "can’t be brought back")
	b.post(path+"/successor/use").leads(t, path+"#certificate")
	b.get(path).want(t, 200, "signs in with the new certificate now", "Make the successor", "-Tried at")
	if b.get(path+"/certificate/current.cer").body != next {
		t.Error("the successor is not in use")
	}

	b.post(path + "/successor")
	b.get(path+"/successor/drop").want(t, 200, "Forget the successor?")
	b.post(path+"/successor/drop").leads(t, path+"#certificate")
	b.get(path).want(t, 200, "The successor is forgotten")
	b.post(path+"/successor/use").want(t, 404)
	if b.get(path+"/certificate/current.cer").body != next {
		t.Error("dropping a successor changed the present certificate")
	}
}

// A sign-in by a certificate that is still to be made can't be tried, whether the system is new or signed in by a secret so far.
func TestCertificateToBeMadeCannotBeTried(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	form := []string{"kind", "graph", "name", "Microsoft 365", "tenant", "example.com", "client_id", "8d6f0c1e-0000-4000-8000-1234567890ab"}
	path := b.post(systemsPath, append(form, "auth", "secret", "secret", "hunter2 hunter2", "step", "save")...).to()
	const said = "Save, upload it, then check"
	b.post(path+"/edit", append(form, "auth", "secret", "step", "check")...).want(t, 200, "cloud.example.com answers", "-"+said)
	b.post(path+"/edit", append(form, "auth", "certificate", "step", "check")...).want(t, 422, said, "-cloud.example.com answers")
	b.post(path+"/edit", append(form, "auth", "certificate", "step", "save")...).leads(t, path)
	b.post(path+"/edit", append(form, "auth", "certificate", "step", "check")...).want(t, 200, "cloud.example.com answers", "-"+said)
}

// A try answers script with the outcome alone, so that nothing typed is lost.
func TestTryWithScript(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	b.header.Set("HX-Request", "true")
	form := []string{"kind", "caldav", "url", "https://cloud.example.com/dav/", "username", "svc", "password", "hunter2 hunter2", "step", "check"}
	for _, where := range []string{"/settings/systems", "/setup/system"} {
		b.post(where, append(form, "name", "Cloud")...).want(t, 200, "It works", "cloud.example.com answers", "-<html", "-hunter2")
		b.post(where, append(form, "name", "Broken")...).want(t, 200, "It does not work yet", "HTTP 401", "-<html")
		b.post(where, append(form, "name", "")...).want(t, 200, "It does not work yet", "This is required", "-<html")
		b.post(where, "kind", "ews", "name", "", "url", "", "username", "svc", "step", "check").want(t, 200, `data-field="name"`, `data-field="url"`, `data-field="password"`)
		b.post(where, "kind", "graph", "name", "M", "tenant", "t.example", "client_id", "8d6f0c1e-0000-4000-8000-1234567890ab", "auth", "certificate", "step", "check").want(t, 200, "Save, upload it, then check")
	}
}

// Where a stored password has to be typed again, nothing says that it is kept.
func TestPasswordForAnotherServer(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	id, err := p.Calendars.Connect(ctx, people.ActorOf(p.boss()), calendarsOf("caldav", "Cloud"))
	must(t, err)
	path := systemsPath + "/" + string(id) + "/edit"
	const kept = "Leave this empty to keep it"
	b.get(path).want(t, 200, kept)
	moved := []string{"kind", "caldav", "name", "Cloud", "url", "https://elsewhere.example.com/dav/", "username", "svc"}
	b.post(path, append(moved, "step", "save")...).want(t, 422, "Enter the password again", "-"+kept)
	b.header.Set("HX-Request", "true")
	b.post(path, append(moved, "step", "check")...).want(t, 200, "Enter the password again", `data-field="password" data-kept`)
}

// One room is checked on demand; a test booking is asked for first.
func TestCheckOfOneRoom(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	id, err := p.Calendars.Connect(ctx, people.ActorOf(p.boss()), calendarsOf("caldav", "Cloud"))
	must(t, err)
	for room, address := range map[store.WorkspaceID]string{p.room: "/cal/rigi/", p.other: "/cal/saentis/"} {
		must(t, p.Calendars.Attach(ctx, setup, room, id, address))
	}
	path := systemsPath + "/" + string(id)
	b.get(path).want(t, 200, "Check one room", "With a test booking")
	b.post(path+"/check", "room", string(p.other)).leads(t, path)
	chosen := func(room store.WorkspaceID) string { return `<option value="` + string(room) + `" selected>` }
	b.get(path).want(t, 200, "with Säntis", chosen(p.other), "-"+chosen(p.room))
	b.post(path+"/check", "room", "elsewhere").want(t, 404)
	b.get(path+"/write").want(t, 200, "Make a test booking in Cloud?", "Matterhorn")
	b.post(path+"/write", "room", string(p.room)).leads(t, path)
	b.get(path).want(t, 200, "with Matterhorn", "test booking was asked for", chosen(p.room), "-"+chosen(p.other))
}

// When a system wants to be left alone, the page says until when in local time.
func TestStepThatWaits(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	id, err := p.Calendars.Connect(ctx, people.ActorOf(p.boss()), calendarsOf("caldav", "Cloud"))
	must(t, err)
	must(t, p.st.Update(ctx, func(tx *store.Tx) error {
		return tx.SaveSystemCheck(id, store.SystemCheck{At: p.now(), Steps: []store.SystemCheckStep{
			{Name: "calendar.check.wait", State: string(connectors.StepFailed), Said: start().Add(time.Hour).Format(time.RFC3339), Cure: "calendar.cure.throttled"},
			{Name: "calendar.check.write", State: string(connectors.StepSkipped)},
		}})
	}))
	must(t, p.Calendars.Start(ctx)) // as after a restart
	b.get(systemsPath+"/"+string(id)).want(t, 200, "left alone until 15:05", "waits for the step before", "-2026-11-21T")
}

// What connectors say in words of ours stands on the page in the visitor's language.
func TestStepsInTheVisitorsLanguage(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	id, err := p.Calendars.Connect(ctx, people.ActorOf(p.boss()), calendarsOf("caldav", "Cloud"))
	must(t, err)
	must(t, p.st.Update(ctx, func(tx *store.Tx) error {
		var steps []store.SystemCheckStep
		for _, step := range [][2]string{{"clock", "0s"}, {"clock", "-3s"}, {"room", "read, write"}, {"room", "folder: read"}, {"pushed", start().Format(time.RFC3339)}, {"room", "writer"}} {
			steps = append(steps, store.SystemCheckStep{Name: "calendar.check." + step[0], State: string(connectors.StepOK), Said: step[1]})
		}
		return tx.SaveSystemCheck(id, store.SystemCheck{At: p.now(), Steps: steps})
	}))
	must(t, p.Calendars.Start(ctx))
	b.post("/account/language", "language", "de", "back", "/today")
	b.get(systemsPath+"/"+string(id)).want(t, 200, "dieselbe Zeit", "hinter unserer", "lesen und buchen", "nur lesen (", "Zuletzt geliefert: 14:05", "writer",
		"-read, write", "-folder: read", "->0s", "-2026-11-21T")
}

// Every purpose for which connectors call a host has a name on the page.
func TestPurposesHaveNames(t *testing.T) {
	t.Parallel()
	v := &visitor{Printer: text.For(text.English)}
	for _, word := range []string{"acme", "caldav", "ews", "google", "graph", "graph-sign-in", "ics", "kerberos", "roomz"} {
		if got := v.purpose(word); got == word {
			t.Errorf("%s has no name", word)
		}
	}
}

// A feed's address can't be asked for: nothing offers to list the calendars of a system of feeds.
func TestFeedsAreNotListed(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	cloud, err := p.Calendars.Connect(ctx, people.ActorOf(p.boss()), calendarsOf("caldav", "Cloud"))
	must(t, err)
	feeds, err := p.Calendars.Connect(ctx, people.ActorOf(p.boss()), calendars.Connection{Kind: "ics", Name: "Feeds"})
	must(t, err)
	b.get(systemsPath+"/"+string(cloud)).want(t, 200, "List calendars")
	b.get(systemsPath+"/"+string(feeds)).want(t, 200, "Attach a room by address", "-List calendars")
}

// Of a feed only the host is told. The rooms tell systems apart, and which of them share a feed; its address stays secret.
func TestFeedsOfOneHost(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	connect := func(name string, rooms ...string) string {
		id, err := p.Calendars.Connect(ctx, setup, calendars.Connection{Kind: "ics", Name: name})
		must(t, err)
		for i, room := range rooms {
			ws, err := p.Places.CreateWorkspace(ctx, setup, store.Workspace{FloorID: p.floor, Kind: store.Room, Name: room})
			must(t, err)
			must(t, p.Calendars.Attach(ctx, setup, ws, id, "https://feeds.example.com/token-"+strconv.Itoa(i/2)+".ics"))
		}
		return systemsPath + "/" + string(id)
	}
	three, five := connect("Three", "Ada", "Bo", "Cy"), connect("Five", "Di", "Ed", "Flo", "Gil", "Hal")
	b.get(systemsPath).want(t, 200, ">3 (Ada, Bo, Cy)<", ">5 (Di, Ed, Flo, …)<", "-token-")
	b.get(three).want(t, 200, "https://feeds.example.com/… · the same feed as Bo<", "the same feed as Ada<", ">https://feeds.example.com/…<", "-3 (Ada", "-token-")
	b.get(five).want(t, 200, "the same feed as Gil<", "-token-")
}

// What somebody typed never becomes more than one word of a command, and subjects are never kept without the private flag.
func TestCommands(t *testing.T) {
	t.Parallel()
	evil := []string{"svc; Remove-Mailbox x", "a'b", "$(calc)", "a b", "x\ny", "`id`", "ä"}
	p := furnished(t)
	b := p.as("boss")
	for _, typed := range evil {
		h := hint{kind: "ews", user: typed, client: typed, address: typed + "@example.com"}
		for _, cure := range []string{"calendar.cure.auth", "calendar.cure.ews_folder_permission", "calendar.cure.graph_access", "calendar.cure.graph_subjects"} {
			if got := h.command(cure); strings.Contains(got, typed) {
				t.Errorf("%s: %s", cure, got)
			}
		}
	}
	h := hint{kind: "ews", user: `EX\svc-rooms`, address: "rigi@example.com"}
	if got := h.command("calendar.cure.ews_folder_permission"); got != `Add-MailboxFolderPermission -Identity 'rigi@example.com:\Calendar' -User svc-rooms -AccessRights Editor` {
		t.Error(got)
	}
	h.address = ""
	if got := h.command("calendar.cure.ews_folder_permission"); got != `Add-MailboxFolderPermission -Identity <room>:\Calendar -User svc-rooms -AccessRights Editor` {
		t.Error(got)
	}
	h.address = "rigi@example.com"
	if got := h.keepSubjects(); !strings.Contains(got, "-Identity 'rigi@example.com'") || !strings.Contains(got, "-RemovePrivateProperty $false") {
		t.Error(got)
	}
	for _, kind := range []string{"ews", "graph"} {
		page := strings.NewReplacer("<span>", "", "</span>", "").Replace(b.get("/settings/systems/new?kind="+kind).want(t, 200).body)
		if !strings.Contains(page, "DeleteSubject $false") {
			t.Errorf("%s: nothing keeps the subjects", kind)
		}
		for _, command := range strings.Split(page, "Set-CalendarProcessing")[1:] {
			line, _, _ := strings.Cut(command, "\n")
			if strings.Contains(line, "DeleteSubject") != strings.Contains(line, "RemovePrivateProperty $false") {
				t.Errorf("%s: subjects are kept alone: %s", kind, line)
			}
		}
	}
}

// What runs out stands in one list, with the way to its cure for those who can open it, and above the pages of those who
// can act.
func TestExpiries(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("auditor", people.Grant{Role: people.Auditor})
	b, auditor := p.as("boss"), p.as("auditor")
	b.get(expiriesPath).want(t, 200, "Nothing runs out")
	in := func(days int) time.Time { return start().Add(time.Duration(days)*24*time.Hour + time.Hour) }
	p.expiring = []expiry.Item{
		{Kind: expiry.System, ID: "s1", Name: "Exchange", What: "calendar.expiry.secret", At: in(31)},
		{Kind: expiry.Portal, Name: "lintel.test", What: "expiry.what_portal", At: in(3), Renews: true},
		{Kind: expiry.Devices, Name: "devices.test", What: "expiry.what_devices", At: in(3), Renews: true, Fault: "no answer"},
	}
	b.get(expiriesPath).want(t, 200, "Exchange", "in 31 days", "Within 60 days", "/settings/systems/s1", "renews it by itself", "no answer", "Urgent")
	b.get("/today").want(t, 200, "-runs out")
	p.expiring[0].At = in(20)
	b.get("/today").want(t, 200, "Secret for signing in of Exchange runs out in 20 days", `href="/settings/systems/s1"`)
	auditor.get(expiriesPath).want(t, 200, "in 20 days", "-/settings/systems/s1")
	auditor.get("/settings/system").want(t, 200, "-runs out in 20 days", expiriesPath)
	p.expiring = append(p.expiring, expiry.Item{Kind: expiry.AccessKey, ID: "k", Name: "Bridge", What: "expiry.what_key", At: in(-2)})
	b.get("/today").want(t, 200, "2 secrets and certificates run out soon", `href="`+expiriesPath+`"`)
	b.get(expiriesPath).want(t, 200, "Run out", "day ago")
	if body := b.get(expiriesPath).body; strings.Index(body, "Bridge") > strings.Index(body, "Exchange") {
		t.Error("the soonest is not the first")
	}
	p.browser().get(expiriesPath).want(t, http.StatusSeeOther)
}

func calendarsOf(kind, name string) calendars.Connection {
	return calendars.Connection{
		Kind: kind, Name: name, URL: "https://cloud.example.com/dav/", Username: "svc", Secrets: map[string]secret.Text{"password": secret.New("x")},
	}
}

// Where a server is looked for, a mail address and a typed password are needed; a stored one never travels.
func TestFindServerAsksForWhatItNeeds(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	form := []string{"kind", "ews", "name", "Exchange", "username", "svc", "step", "find"}
	b.post("/settings/systems", append(form, "url", "mail.example.com", "password", "secret-1234")...).want(t, http.StatusUnprocessableEntity, "mail address here")
	b.post("/settings/systems", append(form, "url", "room1@example.com")...).want(t, http.StatusUnprocessableEntity, "needs a sign-in")
	b.get("/settings/systems/new?kind=ews").want(t, http.StatusOK, "Find the server")
}

// Whoever opens a room's page, or a booking form for it, sees its calendar read soon.
func TestLookingAtARoomReadsItSoon(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"/rooms/{room}", "/bookings/new?room={room}"} {
		p := furnished(t)
		system, err := p.Calendars.Connect(ctx, setup, calendars.Connection{Kind: "caldav", Name: "Nextcloud", URL: "https://cloud.example.com/dav/", Username: "svc", Secrets: map[string]secret.Text{"password": secret.New("hunter2")}})
		must(t, err)
		must(t, p.Calendars.Attach(ctx, setup, p.room, system, "/cal/"))
		must(t, p.st.Update(ctx, func(tx *store.Tx) error {
			r, err := tx.ResourceOf(p.room)
			r.LastOK = p.now()
			return errors.Join(err, tx.SaveResourceState(r))
		}))
		// A program that starts again reads what it knows within a minute, here at its end.
		p.Calendars = calendars.New(calendars.Options{
			Store: p.st, Now: p.now, Log: slog.New(slog.DiscardHandler), Kinds: fakeKinds(), Changed: func(store.WorkspaceID) {},
			Go: func(string, func(context.Context) error) {}, Rand: func() float64 { return 1 },
		})
		must(t, p.Calendars.Start(ctx))
		soon := func() bool { return !p.Calendars.Statuses()[0].Rooms[0].NextRead.After(p.now()) }
		if soon() {
			t.Fatal("it is due without anybody")
		}
		p.as("boss").get(strings.ReplaceAll(page, "{room}", string(p.room))).want(t, 200)
		if !soon() {
			t.Errorf("%s: the room is not read soon", page)
		}
	}
}

// A room's page says how far ahead a booking system's agenda is known; of a hosted room all is known.
func TestHowFarAnAgendaIsKnown(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b := p.as("boss")
	system, err := p.Calendars.Connect(ctx, setup, calendars.Connection{Kind: "caldav", Name: "Nextcloud", URL: "https://cloud.example.com/dav/", Username: "svc", Secrets: map[string]secret.Text{"password": secret.New("hunter2")}})
	must(t, err)
	must(t, p.Calendars.Attach(ctx, setup, p.room, system, "/cal/"))
	day := func(ahead int) string { return p.now().AddDate(0, 0, ahead).Format(time.DateOnly) }
	const said = "is not read in advance"
	b.get("/rooms/"+string(p.room)+"?day="+day(connectors.DaysAhead-1)).want(t, 200, "-"+said)
	b.get("/rooms/"+string(p.room)+"?day="+day(connectors.DaysAhead)).want(t, 200, said)
	b.get("/rooms/"+string(p.room)+"?view=week&day="+day(connectors.DaysAhead+7)).want(t, 200, said)
	b.get("/rooms/"+string(p.other)+"?day="+day(connectors.DaysAhead)).want(t, 200, "-"+said)
}
