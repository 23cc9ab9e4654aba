package people_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
	"lintel/store/storetest"
)

var (
	ctx   = context.Background()
	setup = people.Setup("test")
	home  = netip.MustParseAddr("192.0.2.7")
)

const good = "correct horse battery"

// house is a service over a real database, with a clock that the test moves.
type house struct {
	*people.Service
	t  *testing.T
	st *store.Store
	mu sync.Mutex
	at time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, at: time.Unix(1_795_000_000, 0)}
	h.st = storetest.Open(t, h.now)
	s, err := people.New(ctx, h.st)
	if err != nil {
		t.Fatal(err)
	}
	s.Cheapen()
	h.Service = s
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// sweep does what the retention job does with sessions, links and failed tries.
func (h *house) sweep() {
	h.t.Helper()
	if err := h.st.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Sweep()
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) add(login string, grants ...people.Grant) store.Account {
	h.t.Helper()
	a, err := h.Create(ctx, setup, people.NewAccount{
		Name: "Person " + login, Email: login + "@example.com", Login: login, Password: secret.New(good), Grants: grants,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

func (h *house) building(name string) store.BuildingID {
	h.t.Helper()
	id := store.NewID[store.BuildingID]()
	if err := h.st.Update(ctx, func(tx *store.Tx) error {
		return tx.InsertBuilding(store.Building{ID: id, Name: name, Zone: "Europe/Zurich", Language: "de", HostedRetention: store.RetainMidnight, CreatedAt: h.now()})
	}); err != nil {
		h.t.Fatal(err)
	}
	return id
}

func everything(r people.Role) people.Grant { return people.Grant{Role: r} }

// key returns the text key of a problem, or what else went wrong.
func key(err error) string {
	if p := problem.Of(err); p != nil {
		return p.Key
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func want(t *testing.T, err error, wanted string) {
	t.Helper()
	if got := key(err); got != wanted {
		t.Errorf("got %q, want %q", got, wanted)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	anna := h.add("anna", everything(people.User))
	off := h.add("off", everything(people.User))
	h.add("admin", everything(people.Administrator))
	if err := h.SetDisabled(ctx, setup, off.ID, true); err != nil {
		t.Fatal(err)
	}
	none, err := h.Create(ctx, setup, people.NewAccount{Name: "None", Login: "none"})
	if err != nil || none.HasSecret {
		t.Fatal(none, err)
	}
	for _, c := range []struct{ name, login, password, want string }{
		{"right", "anna", good, ""},
		{"right, other case and spaces", " ANNA ", good, ""},
		{"right, by e-mail", "Anna@Example.com", good, ""},
		{"wrong password", "anna", "wrong wrong wrong", "people.sign_in_failed"},
		{"unknown name", "nobody", good, "people.sign_in_failed"},
		{"disabled", "off", good, "people.sign_in_failed"},
		{"no password set", "none", "", "people.sign_in_failed"},
		{"endless password", "anna", strings.Repeat("x", 10_000), "people.sign_in_failed"},
	} {
		a, err := h.SignIn(ctx, c.login, secret.New(c.password), home)
		if key(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if c.want == "" && a.ID != anna.ID {
			t.Errorf("%s: signed in as %q", c.name, a.Login)
		}
	}
	got, err := h.Account(ctx, setup, anna.ID)
	if err != nil || !got.LastSignIn.Equal(h.now()) {
		t.Errorf("last sign-in %v, %v", got.LastSignIn, err)
	}
}

func TestLimiterByName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.add("anna")
	try := func(password string, from string) error {
		_, err := h.SignIn(ctx, "anna", secret.New(password), netip.MustParseAddr(from))
		return err
	}
	for range 5 {
		want(t, try("wrong password", "192.0.2.1"), "people.sign_in_failed")
	}
	// The right password has to wait too, from wherever it comes.
	err := try(good, "198.51.100.1")
	want(t, err, "people.sign_in_locked")
	if wait := problem.Of(err).Args["Wait"]; wait != 2*time.Second {
		t.Errorf("wait %v", wait)
	}
	h.wait(2 * time.Second)
	want(t, try("wrong password", "192.0.2.1"), "people.sign_in_failed")
	h.wait(3 * time.Second)
	want(t, try(good, "192.0.2.1"), "people.sign_in_locked")

	// A restart opens no gate.
	again, err := people.New(ctx, h.st)
	if err != nil {
		t.Fatal(err)
	}
	again.Cheapen()
	h.Service = again
	want(t, try(good, "192.0.2.1"), "people.sign_in_locked")

	h.wait(time.Second)
	want(t, try(good, "192.0.2.1"), "")
	for range 5 { // success forgave the name
		want(t, try("wrong password", "192.0.2.1"), "people.sign_in_failed")
	}
}

func TestLimiterWaitsAtMostFiveMinutes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.add("anna")
	for range 40 {
		_, err := h.SignIn(ctx, "anna", secret.New("wrong password"), home)
		if p := problem.Of(err); p.Key == "people.sign_in_locked" {
			wait, _ := p.Args["Wait"].(time.Duration)
			if wait > 5*time.Minute {
				t.Fatalf("wait %v", wait)
			}
			h.wait(wait)
		}
	}
	h.wait(5 * time.Minute)
	_, err := h.SignIn(ctx, "anna", secret.New(good), home)
	want(t, err, "")
}

func TestLimiterByAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, from, same, other string }{
		{"IPv4", "192.0.2.1", "192.0.2.1", "192.0.2.2"},
		{"IPv6 counts the network", "2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"},
		{"IPv4 in IPv6", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.add("anna")
			for i := range 30 {
				_, err := h.SignIn(ctx, "guess"+string(rune('a'+i)), secret.New("x"), netip.MustParseAddr(c.from))
				want(t, err, "people.sign_in_failed")
			}
			_, err := h.SignIn(ctx, "anna", secret.New(good), netip.MustParseAddr(c.same))
			want(t, err, "people.sign_in_locked")
			_, err = h.SignIn(ctx, "anna", secret.New(good), netip.MustParseAddr(c.other))
			want(t, err, "")
		})
	}
}

// Tries at the same instant are counted before their passwords are looked at.
func TestLimiterHoldsAgainstACrowd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.add("anna")
	var failed, locked int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := h.SignIn(ctx, "anna", secret.New("wrong password"), home)
			mu.Lock()
			defer mu.Unlock()
			switch key(err) {
			case "people.sign_in_failed":
				failed++
			case "people.sign_in_locked":
				locked++
			}
		})
	}
	all.Wait()
	if failed != 5 || locked != 15 {
		t.Errorf("%d failed and %d locked, want 5 and 15", failed, locked)
	}
}

func TestNobodyRaisesHimself(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	here, there := h.building("Here"), h.building("There")
	boss := h.add("boss", everything(people.Administrator))
	local := h.add("local", people.Grant{Role: people.Administrator, Building: here})
	user := h.add("user", people.Grant{Role: people.User, Building: here})
	stranger := h.add("stranger", people.Grant{Role: people.User, Building: there})
	asLocal, asUser, asBoss := people.ActorOf(local), people.ActorOf(user), people.ActorOf(boss)

	for _, c := range []struct {
		name   string
		by     people.Actor
		of     store.AccountID
		grants []people.Grant
		want   string
	}{
		{"user makes himself administrator", asUser, user.ID, []people.Grant{everything(people.Administrator)}, "people.forbidden"},
		{"administrator of a building takes all", asLocal, local.ID, []people.Grant{everything(people.Administrator)}, "people.forbidden"},
		{"administrator of a building takes another", asLocal, local.ID, []people.Grant{{Role: people.Administrator, Building: here}, {Role: people.User, Building: there}}, "people.forbidden"},
		{"administrator of a building demotes the boss", asLocal, boss.ID, nil, "people.forbidden"},
		{"administrator of a building takes from a stranger", asLocal, stranger.ID, nil, "people.forbidden"},
		{"administrator of a building gives his own role", asLocal, user.ID, []people.Grant{{Role: people.WorkspaceManager, Building: here}}, ""},
		{"boss gives anything", asBoss, stranger.ID, []people.Grant{everything(people.Auditor)}, ""},
		{"a role that does not exist", asBoss, stranger.ID, []people.Grant{{Role: "king"}}, "people.role_unknown"},
		{"a building that does not exist", asBoss, stranger.ID, []people.Grant{{Role: people.User, Building: "nowhere"}}, "people.building_unknown"},
		{"nobody", people.Actor{}, user.ID, nil, "people.forbidden"},
	} {
		if err := h.SetRoles(ctx, c.by, c.of, c.grants); key(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	// What would lead round the roles is closed as well.
	_, _, err := h.ResetLink(ctx, asLocal, boss.ID)
	want(t, err, "people.forbidden")
	want(t, h.SetDisabled(ctx, asLocal, boss.ID, true), "people.forbidden")
	want(t, h.Edit(ctx, asLocal, boss.ID, people.Details{Name: "x", Login: "xx"}), "people.forbidden")
	want(t, h.SetPassword(ctx, asLocal, "boss", secret.New("brand new password")), "people.forbidden")
	_, err = h.Create(ctx, asLocal, people.NewAccount{Name: "x", Login: "xx", Grants: []people.Grant{everything(people.User)}})
	want(t, err, "people.forbidden")
	_, err = h.Create(ctx, asUser, people.NewAccount{Name: "x", Login: "xx"})
	want(t, err, "people.forbidden")
	_, _, err = h.List(ctx, asUser, people.Query{})
	want(t, err, "people.forbidden")
	_, err = h.SignInLink(ctx, asBoss, user.ID)
	want(t, err, "people.forbidden")
}

func TestLastAdministratorStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	boss := h.add("boss", everything(people.Administrator))
	second, err := h.Create(ctx, setup, people.NewAccount{Name: "No password yet", Login: "second", Grants: []people.Grant{everything(people.Administrator)}})
	if err != nil {
		t.Fatal(err)
	}
	by := people.ActorOf(boss)
	want(t, h.SetDisabled(ctx, by, boss.ID, true), "people.last_administrator")
	want(t, h.SetRoles(ctx, by, boss.ID, []people.Grant{everything(people.User)}), "people.last_administrator")
	if a, err := h.Account(ctx, by, boss.ID); err != nil || !a.DisabledAt.IsZero() || len(a.Grants) != 1 {
		t.Errorf("the refused change left %+v, %v", a, err)
	}
	want(t, h.SetPassword(ctx, by, "second", secret.New(good)), "")
	want(t, h.SetRoles(ctx, by, boss.ID, []people.Grant{everything(people.User)}), "")
	want(t, h.SetDisabled(ctx, people.ActorOf(second), second.ID, true), "people.last_administrator")
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.add("anna")
	for _, c := range []struct {
		name  string
		n     people.NewAccount
		field string
	}{
		{"no name", people.NewAccount{Login: "new"}, "name"},
		{"name of two lines", people.NewAccount{Name: "a\nb", Login: "new"}, "name"},
		{"bad address", people.NewAccount{Name: "N", Login: "new", Email: "N <n@example.com>"}, "email"},
		{"login with a space", people.NewAccount{Name: "N", Login: "n n"}, "login"},
		{"weak password", people.NewAccount{Name: "N", Login: "new", Password: secret.New("short")}, "password"},
		{"login taken", people.NewAccount{Name: "N", Login: "ANNA"}, "login"},
		{"person has an account", people.NewAccount{Name: "N", Login: "new", Email: "Anna@Example.com"}, "email"},
		{"unknown role", people.NewAccount{Name: "N", Login: "new", Grants: []people.Grant{{Role: "king"}}}, "roles"},
	} {
		_, err := h.Create(ctx, setup, c.n)
		if p := problem.Of(err); p == nil || p.Fields[c.field] == "" {
			t.Errorf("%s: %v, want blame on %s", c.name, err, c.field)
		}
	}
	if all, total, err := h.List(ctx, setup, people.Query{}); err != nil || total != 1 || len(all) != 1 {
		t.Errorf("%d accounts of %d, %v", len(all), total, err)
	}
}

// An outsider who organized a meeting gets an account: it is the same person.
func TestCreateTakesTheKnownPerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var known store.PersonID
	if err := h.st.Update(ctx, func(tx *store.Tx) (err error) {
		known, err = tx.FindOrCreatePerson("A. Keller", "Anna@example.com")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	a := h.add("anna")
	if a.Person != known || a.Name != "Person anna" {
		t.Errorf("got person %q named %q, want %q", a.Person, a.Name, known)
	}
}

func TestListSearches(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, l := range []string{"anna", "beat", "per_cent", "percent"} {
		h.add(l, everything(people.User))
	}
	for search, wanted := range map[string]int{"": 4, "ANNA": 1, "person": 4, "example.com": 4, "per_": 1, "%": 0, "nobody": 0} {
		got, total, err := h.List(ctx, setup, people.Query{Search: search, Limit: 2})
		if err != nil || total != wanted || len(got) != min(2, wanted) {
			t.Errorf("%q: %d of %d, want %d; %v", search, len(got), total, wanted, err)
		}
		for _, a := range got {
			if len(a.Grants) != 1 {
				t.Errorf("%s has %v", a.Login, a.Grants)
			}
		}
	}
	if down, _, err := h.List(ctx, setup, people.Query{Sort: store.AccountsByLogin, Desc: true}); err != nil || down[0].Login != "percent" || len(down) != 4 {
		t.Errorf("by login, downwards: %v, %v", down, err)
	}
	if _, err := h.SignIn(ctx, "beat", secret.New(good), home); err != nil {
		t.Fatal(err)
	}
	if seen, _, err := h.List(ctx, setup, people.Query{Sort: store.AccountsBySeen}); err != nil || seen[0].Login != "beat" {
		t.Errorf("by last sign-in: %v, %v", seen, err)
	}
	rest, _, err := h.List(ctx, setup, people.Query{Limit: 3, Offset: 3})
	if err != nil || len(rest) != 1 || rest[0].Login != "percent" {
		t.Errorf("last page %v, %v", rest, err)
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first, err := h.SetupLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.SetupLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want(t, h.CheckSetup(ctx, first), "")
	want(t, h.CheckSetup(ctx, secret.New("guessed")), "people.link_over")
	if need, err := h.NeedsSetup(ctx); err != nil || !need {
		t.Errorf("needs set-up: %v, %v", need, err)
	}
	n := people.NewAccount{Name: "Anna", Login: "anna", Grants: []people.Grant{everything(people.Auditor)}}
	_, err = h.CompleteSetup(ctx, first, n)
	want(t, err, "form.check")
	if p := problem.Of(err); p == nil || p.Fields["password"] != "form.missing" || len(p.Fields) != 1 {
		t.Errorf("without a password: %+v", p)
	}
	_, err = h.CompleteSetup(ctx, first, people.NewAccount{Name: "Anna", Login: "a", Email: "anna", Password: secret.New("short")})
	if p := problem.Of(err); p == nil || p.Fields["login"] != "people.login_wrong" || p.Fields["email"] != "people.email_wrong" || p.Fields["password"] != "people.password_short" {
		t.Errorf("all that is wrong: %+v", p)
	}
	h.wait(400 * 24 * time.Hour) // a link waits for whoever unpacks the box
	n.Password = secret.New(good)
	a, err := h.CompleteSetup(ctx, first, n)
	if err != nil {
		t.Fatal(err)
	}
	if !people.ActorOf(a).Can(people.ManageSystem, "") || len(a.Grants) != 1 {
		t.Errorf("the first administrator has %v", a.Grants)
	}
	_, err = h.CompleteSetup(ctx, second, people.NewAccount{Name: "Eve", Login: "eve", Password: secret.New(good)})
	want(t, err, "setup.done_already")
	_, err = h.SetupLink(ctx)
	want(t, err, "setup.done_already")
	if need, err := h.NeedsSetup(ctx); err != nil || need {
		t.Errorf("needs set-up: %v, %v", need, err)
	}
}

func TestSetupRace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	link, err := h.SetupLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var won, lost int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			_, err := h.CompleteSetup(ctx, link, people.NewAccount{Name: "N", Login: "racer" + string(rune('a'+i)), Password: secret.New(good)})
			mu.Lock()
			defer mu.Unlock()
			switch key(err) {
			case "":
				won++
			case "setup.done_already", "people.link_over":
				lost++
			}
		})
	}
	all.Wait()
	if won != 1 || lost != 3 {
		t.Errorf("%d won, %d lost", won, lost)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	anna := h.add("anna")
	session, err := h.Begin(ctx, anna.ID, people.Client{}, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	old, _, err := h.ResetLink(ctx, setup, anna.ID)
	if err != nil {
		t.Fatal(err)
	}
	link, until, err := h.ResetLink(ctx, setup, anna.ID)
	if err != nil || !until.Equal(h.now().UTC().Truncate(time.Second).Add(24*time.Hour)) {
		t.Fatal(until, err)
	}
	reset := func(token secret.Text, password string) error {
		_, err := h.Reset(ctx, token, secret.New(password))
		return err
	}
	want(t, reset(old, "brand new password"), "people.link_over")
	want(t, reset(link, "short"), "people.password_short")
	if a, err := h.ResetOwner(ctx, link); err != nil || a.ID != anna.ID {
		t.Errorf("owner %v, %v", a.Login, err)
	}
	// Failed tries before do not keep the owner out.
	for range 6 {
		_, _ = h.SignIn(ctx, "anna", secret.New("wrong password"), home)
	}
	want(t, reset(link, "brand new Xylophon"), "")
	want(t, reset(link, "another one please"), "people.link_over")
	if _, _, err := h.Resume(ctx, session, people.Client{}); !errors.Is(err, people.ErrNoSession) {
		t.Errorf("the session from before goes on: %v", err)
	}
	_, err = h.SignIn(ctx, "anna", secret.New("brand new Xylophon"), home)
	want(t, err, "")

	late, _, err := h.ResetLink(ctx, setup, anna.ID)
	if err != nil {
		t.Fatal(err)
	}
	h.wait(24 * time.Hour)
	want(t, reset(late, "brand new password"), "people.link_over")
}

func TestSignInLinkWorksOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	anna := h.add("anna")
	link, err := h.SignInLink(ctx, setup, anna.ID)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := h.SignInOwner(ctx, link); err != nil || a.ID != anna.ID {
		t.Fatal(a, err)
	}
	if a, err := h.UseSignInLink(ctx, link); err != nil || a.ID != anna.ID {
		t.Fatal(a, err)
	}
	_, err = h.UseSignInLink(ctx, link)
	want(t, err, "people.link_over")
	// A link for one purpose opens nothing else.
	other, err := h.SignInLink(ctx, setup, anna.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Reset(ctx, other, secret.New("brand new password"))
	want(t, err, "people.link_over")
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	anna := h.add("anna")
	by := people.ActorOf(anna)
	change := func(present, next string) error {
		return h.ChangePassword(ctx, by, secret.New(present), secret.New(next), home)
	}
	want(t, change("not mine at all", "brand new Xylophon"), "people.password_wrong")
	want(t, change(good, "short"), "people.password_short")
	want(t, change(good, "brand new Xylophon"), "")
	_, err := h.SignIn(ctx, "anna", secret.New(good), home)
	want(t, err, "people.sign_in_failed")
	_, err = h.SignIn(ctx, "anna", secret.New("brand new Xylophon"), home)
	want(t, err, "")
	// A stolen session does not let anybody guess the password for ever.
	for range 5 {
		want(t, change("not mine at all", "brand new Xylophon"), "people.password_wrong")
	}
	want(t, change("brand new Xylophon", "and another Xylophon"), "people.sign_in_locked")
	want(t, h.ChangePassword(ctx, setup, secret.New(good), secret.New("brand new Xylophon"), home), "people.forbidden")
}

func TestSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.add("boss", everything(people.Administrator))
	anna, beat := h.add("anna"), h.add("beat")
	begin := func(a store.Account, agent string) secret.Text {
		id, err := h.Begin(ctx, a.ID, people.Client{Address: "192.0.2.1", Agent: agent}, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	alive := func(id secret.Text) bool {
		_, _, err := h.Resume(ctx, id, people.Client{Address: "192.0.2.9", Agent: "b"})
		if err != nil && !errors.Is(err, people.ErrNoSession) {
			t.Fatal(err)
		}
		return err == nil
	}
	one, two, three := begin(anna, "one"), begin(anna, "two"), begin(anna, "three")
	foreign := begin(beat, "four")
	if !alive(one) || alive(secret.New("guessed")) || alive(secret.New("")) {
		t.Error("a session is resumed by its id and by nothing else")
	}
	list, err := h.Sessions(ctx, people.ActorOf(anna), one)
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	present := 0
	for _, s := range list {
		if s.Present {
			present++
		}
		if s.Client.Agent == "two" {
			want(t, h.EndOther(ctx, people.ActorOf(beat), foreign, s.ID), "people.no_session")
			want(t, h.EndOther(ctx, people.ActorOf(anna), one, s.ID), "")
		}
	}
	if present != 1 || alive(two) || !alive(three) {
		t.Errorf("present %d, two %v, three %v", present, alive(two), alive(three))
	}
	want(t, h.EndOther(ctx, people.ActorOf(anna), one, ""), "")
	if !alive(one) || alive(three) || !alive(foreign) {
		t.Error("ending all others ended the wrong ones")
	}
	if err := h.End(ctx, one); err != nil || alive(one) {
		t.Error("signed out, and yet alive", err)
	}
	for name, end := range map[string]func() error{
		"disabled":    func() error { return h.SetDisabled(ctx, setup, anna.ID, true) },
		"enabled":     func() error { return h.SetDisabled(ctx, setup, anna.ID, false) },
		"new roles":   func() error { return h.SetRoles(ctx, setup, anna.ID, []people.Grant{everything(people.Auditor)}) },
		"new secret":  func() error { return h.SetPassword(ctx, setup, "anna", secret.New("brand new Xylophon")) },
		"twelve idle": func() error { h.wait(12 * time.Hour); return nil },
	} {
		id := begin(anna, "x")
		if err := end(); err != nil || alive(id) {
			t.Errorf("%s: %v, and the session goes on", name, err)
		}
	}
}

func TestSessionEndsAfterAWeekOfUse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	anna := h.add("anna")
	id, err := h.Begin(ctx, anna.ID, people.Client{}, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	used := time.Duration(0)
	for ; used < 30*24*time.Hour; used += 11 * time.Hour {
		if _, _, err := h.Resume(ctx, id, people.Client{}); err != nil {
			break
		}
		h.wait(11 * time.Hour)
	}
	if used < 7*24*time.Hour || used > 7*24*time.Hour+11*time.Hour {
		t.Errorf("used for %v", used)
	}
	h.sweep()
	if err := h.SaveSession(ctx, id, []byte("{}")); !errors.Is(err, people.ErrNoSession) {
		t.Errorf("sweep left the session: %v", err)
	}
}

// seen_at is written rarely: one write for many requests.
func TestUseIsNotedEveryFiveMinutes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	anna := h.add("anna")
	id, err := h.Begin(ctx, anna.ID, people.Client{}, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	seen := func() time.Time {
		s, _, err := h.Resume(ctx, id, people.Client{Address: "192.0.2.9", Agent: "new"})
		if err != nil {
			t.Fatal(err)
		}
		return s.SeenAt
	}
	start := seen()
	h.wait(4 * time.Minute)
	if seen(); !seen().Equal(start) {
		t.Error("written too early")
	}
	h.wait(time.Minute)
	if seen(); !seen().Equal(start.Add(5 * time.Minute)) {
		t.Error("not written")
	}
}

func TestSweepForgetsFailedTries(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.add("anna")
	for range 5 {
		_, _ = h.SignIn(ctx, "anna", secret.New("wrong password"), home)
	}
	h.wait(24 * time.Hour)
	h.sweep()
	for range 5 {
		_, err := h.SignIn(ctx, "anna", secret.New("wrong password"), home)
		want(t, err, "people.sign_in_failed")
	}
}

// What changes accounts is in the audit, and names nobody.
func TestAuditNamesNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	boss := h.add("boss", everything(people.Administrator))
	by := people.ActorOf(boss)
	anna, err := h.Create(ctx, by, people.NewAccount{Name: "Anna Keller", Login: "anna.keller", Email: "keller@example.com", Grants: []people.Grant{everything(people.User)}})
	if err != nil {
		t.Fatal(err)
	}
	want(t, h.SetRoles(ctx, by, anna.ID, []people.Grant{everything(people.Auditor)}), "")
	want(t, h.SetDisabled(ctx, by, anna.ID, true), "")
	if err := h.st.View(ctx, func(tx *store.Tx) error {
		log, err := tx.AuditLog(0, 100)
		actions := map[string]bool{}
		for _, e := range log {
			actions[e.Action] = true
			for _, v := range e.Detail {
				if s, ok := v.(string); ok && strings.Contains(strings.ToLower(s), "keller") {
					t.Errorf("%s names her: %v", e.Action, e.Detail)
				}
			}
			if e.ActorKind == "account" && (e.Actor == string(boss.ID) || e.Actor == string(boss.Person)) {
				t.Errorf("%s names the actor", e.Action)
			}
		}
		for _, a := range []string{"account.create", "account.roles", "account.disable"} {
			if !actions[a] {
				t.Errorf("no line for %s", a)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
