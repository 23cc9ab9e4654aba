package bookings_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"lintel/app/bookings"
	"lintel/app/people"
	"lintel/store"
)

// The whole table of who sees what. S = subject, O = organizer, C = may change it.
func TestDisclose(t *testing.T) {
	t.Parallel()
	account := func(person store.PersonID, grants ...people.Grant) people.Actor {
		return people.Actor{Kind: people.KindAccount, Person: person, Grants: grants}
	}
	viewers := map[string]bookings.Viewer{
		"door":             bookings.Door(),
		"device":           bookings.By(people.Device("d")),
		"job":              bookings.By(people.Job("j")),
		"nobody":           bookings.By(people.Actor{}),
		"program":          bookings.By(people.Program(store.AccessKey{ID: "k", Use: people.UseConnector, MayBook: true})),
		"organizer":        bookings.By(account("org", people.Grant{Role: people.User})),
		"creator":          bookings.By(account("cre", people.Grant{Role: people.User})),
		"user":             bookings.By(account("usr", people.Grant{Role: people.User})),
		"no person":        bookings.By(account("", people.Grant{Role: people.User})),
		"manager":          bookings.By(account("mgr", people.Grant{Role: people.BookingManager, Building: "here"})),
		"manager far away": bookings.By(account("mgr", people.Grant{Role: people.BookingManager, Building: "elsewhere"})),
		"administrator":    bookings.By(account("adm", people.Grant{Role: people.Administrator})),
		"auditor":          bookings.By(account("aud", people.Grant{Role: people.Auditor})),
		"rooms' manager":   bookings.By(account("wsm", people.Grant{Role: people.WorkspaceManager})),
	}
	// The columns: open, private, shown nothing, shown the subject only, shown the organizer only.
	want := map[string][5]string{
		"door":             {"SO", "", "", "S", "O"},
		"device":           {"SO", "", "", "S", "O"},
		"job":              {"SO", "", "", "S", "O"},
		"nobody":           {"SO", "", "", "S", "O"},
		"program":          {"SO", "", "", "S", "O"},
		"organizer":        {"SOC", "SOC", "SOC", "SOC", "SOC"},
		"creator":          {"SOC", "SOC", "SOC", "SOC", "SOC"},
		"user":             {"SO", "", "", "S", "O"},
		"no person":        {"SO", "", "", "S", "O"},
		"manager":          {"SOC", "OC", "SOC", "SOC", "SOC"},
		"manager far away": {"SO", "", "", "S", "O"},
		"administrator":    {"SOC", "OC", "SOC", "SOC", "SOC"},
		"auditor":          {"SO", "", "", "S", "O"},
		"rooms' manager":   {"SO", "", "", "S", "O"},
	}
	for who, v := range viewers {
		for i, c := range []struct{ private, subject, organizer bool }{
			{false, true, true}, {true, true, true}, {false, false, false}, {false, true, false}, {false, false, true},
		} {
			p := store.WorkspacePlace{Workspace: store.Workspace{ShowSubject: c.subject, ShowOrganizer: c.organizer}, Building: store.Building{ID: "here"}}
			b := store.Booking{
				ID: "b", Hosted: true, Private: c.private, Subject: "Merger", Organizer: "org", OrganizerName: "Olga", OrganizerEmail: "olga@example.org", Creator: "cre",
			}
			b.HasImage = true
			s := bookings.Disclose(v, b, p)
			if want := s.Subject != "" && !b.Private; s.HasImage != want {
				t.Errorf("%s, case %d: has a picture: %v, want %v", who, i, s.HasImage, want)
			}
			got := ""
			if s.Subject == "Merger" {
				got += "S"
			}
			if s.Organizer == "Olga" {
				got += "O"
			}
			if s.MayChange {
				got += "C"
			}
			if got != want[who][i] {
				t.Errorf("%s, case %d: sees %q, want %q", who, i, got, want[who][i])
			}
			text := fmt.Sprintf("%+v", s)
			for mark, word := range map[string]string{"S": "Merger", "O": "Olga"} {
				if strings.Contains(text, word) != strings.Contains(got, mark) {
					t.Errorf("%s, case %d: %q hides somewhere in %s", who, i, word, text)
				}
			}
			if strings.Contains(text, "example.org") || strings.Contains(text, "org ") {
				t.Errorf("%s, case %d: more than a name in %s", who, i, text)
			}
		}
	}
}

// What is in the way of somebody's wish is told no further than they may see it (conflict messages have leaked
// private subjects in other products).
func TestConflictsAreDisclosed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	h.setRoom(h.room, func(w *store.Workspace) { w.ShowOrganizer = false })
	slot := local(t, "2026-11-23T10:00", "2026-11-23T11:00")
	if _, err := h.s.Create(ctx, h.anna, bookings.Request{Workspace: h.room, Times: slot, Subject: "Merger", Private: true, Source: store.FromPortal}); err != nil {
		t.Fatal(err)
	}
	other := h.book(h.beat, h.other, slot)
	try := map[string]func(by people.Actor) error{
		"create": func(by people.Actor) error {
			_, err := h.s.Create(ctx, by, bookings.Request{Workspace: h.room, Times: slot, Source: store.FromPortal})
			return err
		},
		"series": func(by people.Actor) error {
			_, err := h.s.CreateSeries(ctx, by, bookings.SeriesRequest{Workspace: h.room, First: slot, Rule: "FREQ=DAILY;COUNT=3", Source: store.FromPortal})
			return err
		},
		"move": func(by people.Actor) error {
			_, err := h.s.Change(ctx, by, other.ID, bookings.Change{Workspace: h.room})
			return err
		},
	}
	for name, do := range try {
		err := do(h.beat)
		c := bookings.Conflicts(err)
		if len(c) != 1 || len(c[0].With) != 1 {
			t.Errorf("%s: %v tells of %v", name, err, c)
			continue
		}
		if text := fmt.Sprintf("%+v %v", c, err); strings.Contains(text, "Merger") || strings.Contains(text, "Anna") {
			t.Errorf("%s tells %s", name, text)
		}
		if !c[0].With[0].Private || !c[0].With[0].From.Equal(h.agenda(h.room)[0].From) {
			t.Errorf("%s does not tell when: %+v", name, c)
		}
	}
	err := try["series"](h.chief)
	if c := bookings.Conflicts(err); len(c) != 1 || c[0].With[0].Organizer != "Anna Keller" || c[0].With[0].Subject != "" {
		t.Errorf("a booking manager learns %+v", c)
	}
}

func TestAgendaNeedsTheRight(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "Europe/Zurich", "2026-11-23T08:00")
	ctx := context.Background()
	h.book(h.anna, h.room, local(t, "2026-11-23T10:00", "2026-11-23T11:00"))
	day := date(t, "2026-11-23").Interval(h.zone)
	stranger := people.Actor{Kind: people.KindAccount, Person: "x", Grants: []people.Grant{{Role: people.User, Building: "elsewhere"}}}
	_, err := h.s.Agenda(ctx, bookings.By(stranger), h.room, day.From, day.To)
	wantProblem(t, err, "people.forbidden")
	_, _, err = h.s.Booking(ctx, bookings.By(stranger), h.agenda(h.room)[0].ID)
	wantProblem(t, err, "people.forbidden")
	elsewhere := people.Program(store.AccessKey{Use: people.UseConnector, MayBook: true, Building: "elsewhere"})
	_, err = h.s.Agenda(ctx, bookings.By(elsewhere), h.room, day.From, day.To)
	wantProblem(t, err, "people.forbidden")
	everywhere := people.Program(store.AccessKey{Use: people.UseConnector})
	for _, v := range []bookings.Viewer{bookings.Door(), bookings.By(h.beat), bookings.By(everywhere)} {
		all, err := h.s.Agendas(ctx, v, []store.WorkspaceID{h.room, h.other}, day.From, day.To)
		if err != nil || len(all[h.room]) != 1 || len(all[h.other]) != 0 {
			t.Errorf("%v, %v", all, err)
		}
	}
	_, err = h.s.Agenda(ctx, bookings.Door(), "nothing", day.From, day.To)
	wantProblem(t, err, "bookings.no_workspace")
}
