package people_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lintel/app/people"
	"lintel/store"
)

// The whole table of rights, written out a second time on purpose.
func TestRights(t *testing.T) {
	t.Parallel()
	names := map[people.Permission]string{
		people.SeeRooms: "see", people.Book: "book", people.BookForOthers: "book for others", people.ManagePlaces: "places",
		people.ManageDisplays: "displays", people.ManageSystems: "systems", people.ManagePeople: "people",
		people.SeeSystem: "see system", people.ManageSystem: "system", people.SeeAudit: "audit",
	}
	want := map[people.Role][]string{
		people.Administrator:    {"see", "book", "book for others", "places", "displays", "systems", "people", "see system", "system", "audit"},
		people.WorkspaceManager: {"see", "book", "places", "displays"},
		people.BookingManager:   {"see", "book", "book for others"},
		people.User:             {"see", "book"},
		people.Auditor:          {"see", "see system", "audit"},
	}
	got := map[people.Role][]string{}
	for _, role := range people.Roles() {
		everywhere := people.Actor{Kind: people.KindAccount, Grants: []people.Grant{{Role: role}}}
		here := people.Actor{Kind: people.KindAccount, Grants: []people.Grant{{Role: role, Building: "here"}}}
		for p := people.SeeRooms; p <= people.SeeAudit; p++ {
			can := everywhere.Can(p, "")
			if can {
				got[role] = append(got[role], names[p])
			}
			if everywhere.Can(p, "here") != can || here.Can(p, "here") != can || here.CanAnywhere(p) != can || (here.Need(p, "here") == nil) != can {
				t.Errorf("%s, %s: everywhere, here and anywhere differ", role, names[p])
			}
			if here.Can(p, "there") || here.Can(p, "") {
				t.Errorf("%s of one building may %s in another", role, names[p])
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wanted (-) and found (+) differ:\n%s", diff)
	}
}

func TestOtherActors(t *testing.T) {
	t.Parallel()
	admin := []people.Grant{{Role: people.Administrator}}
	for _, c := range []struct {
		name string
		a    people.Actor
		can  bool
	}{
		{"job", people.Job("retention"), true},
		{"set-up", people.Setup("command line"), true},
		{"display", people.Device("d"), false},
		{"booking system", people.System("s"), false},
		{"nobody", people.Actor{}, false},
		{"nobody with roles", people.Actor{Grants: admin}, false},
		{"display with roles", people.Actor{Kind: people.KindDevice, Grants: admin}, false},
		{"a disabled account", people.ActorOf(store.Account{ID: "a", DisabledAt: store.Account{}.CreatedAt.AddDate(2000, 0, 0), Grants: []store.RoleGrant{{Role: "administrator"}}}), false},
	} {
		if c.a.Can(people.SeeRooms, "") != c.can || c.a.CanAnywhere(people.ManagePeople) != c.can {
			t.Errorf("%s: want %v", c.name, c.can)
		}
	}
}
