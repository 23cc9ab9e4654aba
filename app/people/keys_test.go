package people_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

var machine = netip.MustParseAddr("192.0.2.40")

// pushed connects a booking system whose agendas are pushed.
func (h *house) pushed(name, kind string) store.SystemID {
	h.t.Helper()
	id := store.NewID[store.SystemID]()
	if err := h.st.Update(ctx, func(tx *store.Tx) error { return tx.SaveSystem(store.System{ID: id, Kind: kind, Name: name}) }); err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) key(n people.NewKey) (store.AccessKey, secret.Text) {
	h.t.Helper()
	k, shown, err := h.CreateKey(ctx, setup, n)
	if err != nil {
		h.t.Fatal(err)
	}
	return k, shown
}

// bytes returns what lies on the disk.
func (h *house) bytes() []byte {
	h.t.Helper()
	var all []byte
	for _, name := range []string{store.MainFile, store.MainFile + "-wal"} {
		b, err := os.ReadFile(filepath.Join(h.st.Dir(), name))
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func TestKeysWork(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	k, shown := h.key(people.NewKey{Name: "Bridge", Use: people.UseConnector, MayBook: true})
	if len(strings.TrimPrefix(shown.Reveal(), "lintel_")) < 26 {
		t.Errorf("the key %q has less than 128 bits", shown.Reveal())
	}
	name, other := "Bridge", "bridge"
	for _, c := range []struct {
		what string
		use  string
		name *string
		key  secret.Text
		want string
	}{
		{"right", people.UseConnector, &name, shown, ""},
		{"right without a name", people.UseConnector, nil, shown, ""},
		{"another name", people.UseConnector, &other, shown, "keys.refused"},
		{"another use", people.UsePush, nil, shown, "keys.refused"},
		{"wrong", people.UseConnector, &name, secret.New("lintel_" + strings.Repeat("A", 26)), "keys.refused"},
		{"none", people.UseConnector, &name, secret.Text{}, "keys.refused"},
	} {
		got, err := h.SignInProgram(ctx, c.use, c.name, c.key, machine)
		if key(err) != c.want || err == nil && got.ID != k.ID || err != nil && got != (store.AccessKey{}) {
			t.Errorf("%s: %+v, %q, want %q", c.what, got, key(err), c.want)
		}
	}
	// Only the hash is on the disk.
	if b := h.bytes(); bytes.Contains(b, []byte(shown.Reveal())) || !bytes.Contains(b, []byte("Bridge")) {
		t.Error("the key itself is in the database, or the database was not looked at")
	}
}

func TestKeysEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	open := func(k secret.Text) string {
		_, err := h.SignInProgram(ctx, people.UseConnector, nil, k, machine)
		return key(err)
	}
	k, gone := h.key(people.NewKey{Name: "Gone", Use: people.UseConnector})
	_, ends := h.key(people.NewKey{Name: "Ends", Use: people.UseConnector, Until: h.now().Add(time.Hour)})
	want(t, h.RevokeKey(ctx, setup, k.ID), "")
	want(t, h.RevokeKey(ctx, setup, k.ID), "keys.none")
	if open(gone) != "keys.refused" || open(ends) != "" {
		t.Errorf("revoked: %q, running: %q", open(gone), open(ends))
	}
	h.wait(time.Hour)
	if open(ends) != "keys.refused" {
		t.Errorf("ended: %q", open(ends))
	}
	// The name is free again, and the ended key is still listed.
	h.key(people.NewKey{Name: "Gone", Use: people.UseConnector})
	if list, err := h.Keys(ctx, setup); err != nil || len(list) != 2 || list[0].Name != "Ends" || list[1].Name != "Gone" {
		t.Errorf("%+v, %v", list, err)
	}

	// A push key goes with its booking system.
	system := h.pushed("Timetable", people.PushedKind)
	_, push := h.key(people.NewKey{Name: "Script", Use: people.UsePush, System: system})
	sign := func() string {
		_, err := h.SignInProgram(ctx, people.UsePush, nil, push, machine)
		return key(err)
	}
	if sign() != "" {
		t.Error(sign())
	}
	if err := h.st.Update(ctx, func(tx *store.Tx) error { return tx.DeleteSystem(system) }); err != nil {
		t.Fatal(err)
	}
	if sign() != "keys.refused" {
		t.Error("the key of a system that is gone works")
	}
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	caldav, push := h.pushed("Cloud", "caldav"), h.pushed("Timetable", people.PushedKind)
	h.key(people.NewKey{Name: "Taken", Use: people.UsePush, System: push})
	for _, c := range []struct {
		name        string
		n           people.NewKey
		field, want string
	}{
		{"no name", people.NewKey{Name: " ", Use: people.UseConnector}, "name", "form.missing"},
		{"colon", people.NewKey{Name: "a:b", Use: people.UseConnector}, "name", "keys.name_wrong"},
		{"control", people.NewKey{Name: "a\tb", Use: people.UseConnector}, "name", "keys.name_wrong"},
		{"long", people.NewKey{Name: strings.Repeat("ü", 61), Use: people.UseConnector}, "name", "keys.name_wrong"},
		{"taken", people.NewKey{Name: "Taken", Use: people.UseConnector}, "name", "keys.name_taken"},
		{"no use", people.NewKey{Name: "a", Use: "root"}, "use", "keys.use_wrong"},
		{"no building", people.NewKey{Name: "a", Use: people.UseConnector, Building: "nowhere"}, "building", "people.building_unknown"},
		{"no system", people.NewKey{Name: "a", Use: people.UsePush}, "system", "keys.system_wrong"},
		{"not pushed", people.NewKey{Name: "a", Use: people.UsePush, System: caldav}, "system", "keys.system_wrong"},
		{"in the past", people.NewKey{Name: "a", Use: people.UseConnector, Until: h.now()}, "until", "keys.until_past"},
	} {
		_, _, err := h.CreateKey(ctx, setup, c.n)
		if p := problem.Of(err); p == nil || p.Fields[c.field] != c.want {
			t.Errorf("%s: %v, want %s on %s", c.name, err, c.want, c.field)
		}
	}
	manager := people.ActorOf(h.add("manager", everything(people.WorkspaceManager)))
	k, _ := h.key(people.NewKey{Name: "Other", Use: people.UseConnector})
	_, _, err := h.CreateKey(ctx, manager, people.NewKey{Name: "Mine", Use: people.UseConnector})
	want(t, err, "people.forbidden")
	_, err = h.Keys(ctx, manager)
	want(t, err, "people.forbidden")
	_, err = h.Key(ctx, manager, k.ID)
	want(t, err, "people.forbidden")
	want(t, h.RevokeKey(ctx, manager, k.ID), "people.forbidden")
	_, err = h.Key(ctx, setup, "nothing")
	want(t, err, "keys.none")
}

func TestKeyUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	k, shown := h.key(people.NewKey{Name: "Bridge", Use: people.UseConnector})
	if !k.UsedAt.IsZero() {
		t.Error("it was used before its first use")
	}
	first := h.now()
	for _, c := range []struct {
		after time.Duration
		want  time.Duration
	}{{0, 0}, {59 * time.Second, 0}, {time.Minute, time.Minute}, {90 * time.Second, time.Minute}, {2 * time.Minute, 2 * time.Minute}} {
		h.wait(first.Add(c.after).Sub(h.now()))
		if _, err := h.SignInProgram(ctx, people.UseConnector, nil, shown, machine); err != nil {
			t.Fatal(err)
		}
		got, err := h.Key(ctx, setup, k.ID)
		if err != nil || !got.UsedAt.Equal(first.Add(c.want).Truncate(time.Second)) {
			t.Errorf("after %s: used at %s, %v", c.after, got.UsedAt, err)
		}
	}
}

func TestWrongKeysHaveToWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, shown := h.key(people.NewKey{Name: "Bridge", Use: people.UseConnector})
	try := func(k secret.Text, from netip.Addr) error {
		_, err := h.SignInProgram(ctx, people.UseConnector, nil, k, from)
		return err
	}
	wrong := secret.New("lintel_wrong")
	for range 30 {
		want(t, try(wrong, machine), "keys.refused")
	}
	err := try(wrong, machine)
	want(t, err, "keys.locked")
	if wait, _ := problem.Of(err).Args["Wait"].(time.Duration); wait <= 0 || wait > 5*time.Minute {
		t.Errorf("wait %s", wait)
	}
	want(t, try(wrong, netip.MustParseAddr("192.0.2.41")), "keys.refused")
	want(t, try(shown, machine), "") // a neighbour's mistake does not lock a right key out
	h.wait(time.Minute)
	want(t, try(wrong, machine), "keys.refused")
	want(t, try(wrong, machine), "keys.locked")
}

// Programs may do what their key says, in its building, and nothing else.
func TestRightsOfPrograms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		k     store.AccessKey
		can   []people.Permission
		place store.BuildingID
	}{
		{"reads", store.AccessKey{Use: people.UseConnector}, []people.Permission{people.SeeRooms}, "anywhere"},
		{"books", store.AccessKey{Use: people.UseConnector, MayBook: true}, []people.Permission{people.SeeRooms, people.Book, people.BookForOthers}, "anywhere"},
		{"one building", store.AccessKey{Use: people.UseConnector, MayBook: true, Building: "here"}, []people.Permission{people.SeeRooms, people.Book, people.BookForOthers}, "here"},
		{"pushes", store.AccessKey{Use: people.UsePush, MayBook: true, System: "s"}, nil, "anywhere"},
	} {
		a := people.Program(c.k)
		for p := people.SeeRooms; p <= people.SeeAudit; p++ {
			may := false
			for _, q := range c.can {
				may = may || p == q
			}
			if a.Can(p, c.place) != may || a.CanAnywhere(p) != may {
				t.Errorf("%s: permission %d is %v, want %v", c.name, p, a.Can(p, c.place), may)
			}
			if c.k.Building != "" && (a.Can(p, "there") || a.Can(p, "")) {
				t.Errorf("%s: permission %d elsewhere", c.name, p)
			}
		}
	}
	// Nobody can be given a program's role.
	h := newHouse(t)
	_, err := h.Create(ctx, setup, people.NewAccount{Name: "Anna", Login: "anna", Email: "anna@example.com", Password: secret.New(good), Grants: []people.Grant{{Role: "program_books"}}})
	if p := problem.Of(err); p == nil || p.Fields["roles"] != "people.role_unknown" {
		t.Errorf("a person got a program's role: %v", err)
	}
}
