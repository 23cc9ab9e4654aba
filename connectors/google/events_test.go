package google_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/google"
	"lintel/connectors/google/googletest"
	"lintel/connectors/outbound"
)

func outboundAt(t testing.TB, now func() time.Time) *outbound.Outbound {
	t.Helper()
	o, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const times = `"start":{"dateTime":"2026-11-23T09:00:00+01:00"},"end":{"dateTime":"2026-11-23T10:00:00+01:00"}`

// What Google may say of an event, and what we make of it.
func TestEventFields(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ event, want string }{
		"organizer without name":   {`"summary":"s","organizer":{"email":"ada.b@people.example"}`, "s|ada.b|ada.b@people.example"},
		"put there by a person":    {`"summary":"s","organizer":{"email":"r","self":true},"creator":{"email":"ada@people.example","displayName":"Ada"}`, "s|Ada|ada@people.example"},
		"put there by a program":   {`"summary":"s","organizer":{"email":"r","self":true},"creator":{"email":"other@p.iam.gserviceaccount.com"}`, "s||"},
		"nobody":                   {`"summary":"s"`, "s||"},
		"free/busy only":           {`"status":"confirmed"`, "||"},
		"confidential":             {`"summary":"s","visibility":"confidential","organizer":{"email":"ada@people.example"}`, "|| private"},
		"public":                   {`"summary":"s","visibility":"public"`, "s||"},
		"declined":                 {`"attendees":[{"self":true,"responseStatus":"declined"}]`, ""},
		"declined by somebody":     {`"summary":"s","attendees":[{"responseStatus":"declined"},{"self":true,"responseStatus":"accepted"}]`, "s||"},
		"not answered":             {`"summary":"s","attendees":[{"self":true,"responseStatus":"needsAction"}]`, "s|| tentative"},
		"perhaps":                  {`"summary":"s","attendees":[{"self":true,"responseStatus":"tentative"}]`, "s|| tentative"},
		"a place of work":          {`"summary":"s","eventType":"workingLocation"`, ""},
		"a birthday":               {`"summary":"s","eventType":"birthday"`, ""},
		"out of office":            {`"summary":"s","eventType":"outOfOffice"`, "s||"},
		"a copy of one of ours":    {`"summary":"s","extendedProperties":{"private":{"lintelToken":"token-of-x","lintelName":"Grace"}}`, "s||"},
		"checked in":               {`"summary":"s","extendedProperties":{"private":{"lintelCheckIn":"2026-11-23T08:01:00Z"}}`, "s|| seen"},
		"a strange mark":           {`"summary":"s","extendedProperties":{"private":{"lintelCheckIn":"yes"}}`, "s||"},
		"times without offset":     {`"summary":"s","start":{"dateTime":"2026-11-23T09:00:00","timeZone":"Europe/Zurich"}`, "s||"},
		"an unreadable time":       {`"summary":"s","start":{"dateTime":"tomorrow"}`, "skipped"},
		"a day that ends in hours": {`"summary":"s","start":{"date":"2026-11-23"}`, "skipped"},
		"an end before the start":  {`"summary":"s","end":{"dateTime":"2026-11-23T08:00:00+01:00"}`, "skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, googletest.Options{})
			body := `{"items":[{"id":"x",` + times + `,` + tt.event + `}]}`
			s.Break(googletest.Fault{Status: 200, Body: body})
			snap := read(t, connect(t, s, nil))
			got := ""
			for _, e := range snap.Events {
				got = e.Subject + "|" + e.Organizer + "|" + e.OrganizerAddr
				for word, on := range map[string]bool{" private": e.Private, " tentative": e.Tentative, " seen": !e.CheckedIn.IsZero()} {
					if on {
						got += word
					}
				}
				if e.Series == "" || e.Key != "x" || e.Token != "" || !e.From.Equal(day().From.Add(9*time.Hour)) {
					t.Errorf("%+v", e)
				}
			}
			if snap.Skipped > 0 {
				got = "skipped"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A whole day whose end is its first day is that day.
func TestDayWithoutLength(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	s.Break(googletest.Fault{Status: 200, Body: `{"items":[{"id":"x","start":{"date":"2026-11-23"},"end":{"date":"2026-11-23"}}]}`})
	snap := read(t, connect(t, s, nil))
	if len(snap.Events) != 1 || snap.Events[0].Span() != day() || snap.Skipped != 0 {
		t.Errorf("%+v", snap)
	}
}

func TestReplacedSubjects(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	c := connect(t, s, nil)
	for i := range 3 {
		x := seed(fmt.Sprint("x", i), "09:00", "10:00")
		x.Subject = x.Organizer
		put(s, x)
	}
	if w := read(t, c).Warnings; len(w) != 1 || w[0].Key != connectors.SubjectsReplaced || w[0].Count != 3 {
		t.Errorf("%+v", w)
	}
	put(s, seed("other", "11:00", "12:00"))
	if w := read(t, c).Warnings; len(w) != 0 {
		t.Errorf("%+v", w)
	}
}

// The window is asked for without the words and guests that nobody needs.
func TestReadIsSparing(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	x := seed("x", "09:00", "10:00")
	x.Invited, x.Extra = true, []string{"a description"}
	put(s, x)
	c := connect(t, s, nil)
	read(t, c)
	for _, call := range s.Calls() {
		if q := call.URL.Query(); call.Method == "GET" && (q.Get("maxAttendees") != "1" || strings.Contains(q.Get("fields"), "description") || strings.Contains(q.Get("fields"), "attendees(email")) {
			t.Errorf("asked for %v", q)
		}
	}
}

// What we undid is booked anew under the next id, since Google never gives one free, and a retry finds it.
func TestBookAgainAfterRelease(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	c := connect(t, s, nil)
	r := zurich(t)
	var keys []string
	for range 3 {
		ev, err := c.Book(t.Context(), r, draft("token-of-x"))
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.Book(t.Context(), r, draft("token-of-x"))
		if err != nil || again.Key != ev.Key {
			t.Fatalf("a retry brings %q, %v", again.Key, err)
		}
		if got := read(t, c).Events; len(got) != 1 || got[0].Token != "token-of-x" || got[0].Written.IsZero() {
			t.Fatalf("%+v", got)
		}
		keys = append(keys, ev.Key)
		if err := c.Release(t.Context(), r, ev); err != nil {
			t.Fatal(err)
		}
	}
	if keys[0] == keys[1] || keys[1] == keys[2] {
		t.Errorf("ids %v", keys)
	}
}

// A declined meeting keeps its other guests, and its organizer sees the answer.
func TestDecline(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		s := start(t, googletest.Options{StrictGuests: strict})
		x := seed("x", "09:00", "10:00")
		x.Invited = true
		put(s, x)
		c := connect(t, s, nil)
		ev := read(t, c).Events[0]
		if err := c.Release(t.Context(), zurich(t), ev); err != nil {
			t.Fatal(err)
		}
		if n := len(read(t, c).Events); n != 0 {
			t.Errorf("strict=%v: %d events stay", strict, n)
		}
		left := strings.Join(s.Events(room), "")
		if !strict && (!strings.Contains(left, `"declined"`) || !strings.Contains(left, "ada@people.example") || !strings.Contains(left, "keep me too")) {
			t.Errorf("what stays is %s", left)
		}
		if strict && left != "" {
			t.Errorf("what stays is %s", left)
		}
	}
}

func TestMark(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	put(s, seed("x", "09:00", "10:00"))
	c := connect(t, s, nil)
	ev := read(t, c).Events[0]
	at := time.Date(2026, 11, 23, 8, 3, 0, 0, time.UTC)
	if err := c.Mark(t.Context(), zurich(t), ev, at); err != nil {
		t.Fatal(err)
	}
	if got := read(t, c).Events[0]; !got.CheckedIn.Equal(at) || got.Subject != ev.Subject {
		t.Errorf("%+v", got)
	}
	s.Delete(room, "x")
	if err := c.Mark(t.Context(), zurich(t), ev, at); !errors.Is(err, connectors.NotFound) {
		t.Errorf("got %v", err)
	}
}

// Losing the calendar is not the same as a deleted event.
func TestReleaseNeedsTheCalendar(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	put(s, seed("x", "09:00", "10:00"))
	c := connect(t, s, nil)
	ev := read(t, c).Events[0]
	s.RemoveCalendar(room)
	if err := c.Release(t.Context(), zurich(t), ev); !errors.Is(err, connectors.Gone) {
		t.Errorf("got %v", err)
	}
}

func TestSomebodyWritesBetween(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	put(s, seed("x", "09:00", "10:00"))
	c := connect(t, s, nil)
	ev := read(t, c).Events[0]
	renamed := seed("x", "09:00", "10:00")
	renamed.Subject = "renamed"
	s.Break(googletest.Fault{Method: "PATCH", Times: 1, Before: func() { put(s, renamed) }})
	got, err := c.SetEnd(t.Context(), zurich(t), ev, ev.To.Add(-30*time.Minute))
	if err != nil || got.Subject != "renamed" {
		t.Errorf("%+v, %v", got, err)
	}
	moved := seed("x", "13:00", "14:00")
	s.Break(googletest.Fault{Method: "DELETE", Times: 1, Before: func() { put(s, moved) }})
	if err := c.Release(t.Context(), zurich(t), got); !errors.Is(err, connectors.Conflict) {
		t.Errorf("got %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{})
	put(s, seed("x", "09:00", "10:00"))
	c := connect(t, s, func(c *google.Config) { c.ReadOnly, c.Subject = true, "" })
	if c.Caps() != connectors.CapRead|connectors.CapProbe {
		t.Errorf("caps %b", c.Caps())
	}
	ev := read(t, c).Events[0]
	_, errBook := c.Book(t.Context(), zurich(t), draft("token-of-x"))
	_, errEnd := c.SetEnd(t.Context(), zurich(t), ev, ev.To)
	for _, err := range []error{errBook, errEnd, c.Release(t.Context(), zurich(t), ev), c.Mark(t.Context(), zurich(t), ev, ev.From)} {
		if !errors.Is(err, connectors.Unsupported) {
			t.Errorf("got %v", err)
		}
	}
	_, _, err := c.Rooms(t.Context(), "")
	cured(t, s, err, connectors.Unsupported, "google_paste")
	for _, call := range s.Calls() {
		if call.Method != "GET" && call.URL.Path != "/token" {
			t.Errorf("sent %s", call.Method)
		}
	}
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		opt    googletest.Options
		remove bool
		step   string
		state  connectors.StepState
		cure   string
		access connectors.Access
	}{
		"reader":         {googletest.Options{Role: "reader"}, false, "room", connectors.StepWarned, "google_share_write", connectors.AccessRead},
		"free/busy":      {googletest.Options{Role: "freeBusyReader"}, false, "room", connectors.StepWarned, "google_free_busy", connectors.AccessRead},
		"writer":         {googletest.Options{Role: "writerWithoutPrivateAccess"}, false, "room", connectors.StepOK, "", connectors.AccessWrite},
		"not shared":     {googletest.Options{}, true, "room", connectors.StepFailed, "google_not_shared", connectors.AccessUnknown},
		"may list rooms": {googletest.Options{}, false, "rooms", connectors.StepOK, "", connectors.AccessWrite},
		"may not list":   {googletest.Options{Delegated: map[string][]string{admin: nil}}, false, "rooms", connectors.StepWarned, "google_delegation", connectors.AccessWrite},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tt.opt)
			put(s, seed("x", "09:00", "10:00"))
			if tt.remove {
				s.RemoveCalendar(room)
			}
			report := connect(t, s, nil).Check(t.Context(), connectors.CheckRequest{Room: zurich(t)})
			if report.Access != tt.access {
				t.Errorf("access %v, want %v", report.Access, tt.access)
			}
			for _, step := range report.Steps {
				if step.Name == "calendar.check."+tt.step && (step.State != tt.state || step.Cure != cureKey(tt.cure)) {
					t.Errorf("%+v", step)
				}
			}
		})
	}
}

func cureKey(s string) string {
	if s == "" {
		return ""
	}
	return "calendar.cure." + s
}

// Rooms are listed page by page, and what is no room is not among them.
func TestRooms(t *testing.T) {
	t.Parallel()
	s := start(t, googletest.Options{PageSize: 2})
	for i := range 4 {
		s.AddRoom(fmt.Sprintf("c_%d@resource.calendar.google.com", i), fmt.Sprint("Room ", i), "UTC")
	}
	s.AddResource(googletest.Resource{Email: "car@resource.calendar.google.com", Name: "Car", Category: "OTHER"})
	c := connect(t, s, nil)
	var all []connectors.RoomRef
	for mark := ""; ; {
		rooms, next, err := c.Rooms(t.Context(), mark)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rooms...)
		if mark = next; next == "" {
			break
		}
	}
	want := connectors.RoomRef{ID: room, Address: room, Name: "Zürich 1", Building: "HQ", Floor: "2", Capacity: 8}
	if len(all) != 5 || all[0] != want {
		t.Errorf("%+v", all)
	}
	s.Break(googletest.Fault{Status: 403, Reason: "forbidden"})
	_, _, err := c.Rooms(t.Context(), "")
	cured(t, s, err, connectors.Forbidden, "google_directory")
}

const booker = "booker@example.com"

func inviting(t testing.TB, opt googletest.Options) (*googletest.Server, *google.Conn) {
	t.Helper()
	opt.Delegated = map[string][]string{booker: {googletest.ScopeWrite}}
	s := start(t, opt)
	s.AddUser(booker)
	c := connect(t, s, func(c *google.Config) { c.Invite, c.Inviter = true, booker })
	c.SetPause(20 * time.Millisecond)
	return s, c
}

// By invitation: the room answers, late perhaps; a no leaves nothing behind; changes reach the room.
func TestInvite(t *testing.T) {
	t.Parallel()
	t.Run("accepted", func(t *testing.T) {
		t.Parallel()
		s, c := inviting(t, googletest.Options{AcceptAfter: 2})
		out, err := connectors.BookVerified(t.Context(), c, zurich(t), draft("token-of-x"), nil)
		if err != nil || out.Verdict != connectors.Done || out.Event.Tentative || !out.Event.Mine || out.Event.Organizer != "Grace" {
			t.Fatalf("%+v, %v", out, err)
		}
		again, err := c.Book(t.Context(), zurich(t), draft("token-of-x"))
		if err != nil || again.Key != out.Event.Key || len(s.Events(booker)) != 1 {
			t.Errorf("a retry: %+v, %v", again, err)
		}
		longer, err := connectors.SetEndVerified(t.Context(), c, zurich(t), out.Event, out.Event.To.Add(time.Hour), nil)
		if err != nil || longer.Verdict != connectors.Done || longer.Event.To.Sub(longer.Event.From) != 2*time.Hour {
			t.Fatalf("%+v, %v", longer, err)
		}
		if err := c.Release(t.Context(), zurich(t), longer.Event); err != nil {
			t.Fatal(err)
		}
		if n := len(s.Events(booker)) + len(s.Events(room)); n != 0 {
			t.Errorf("%d events stay", n)
		}
	})
	for _, keeps := range []bool{false, true} {
		t.Run(fmt.Sprint("declined, and kept ", keeps), func(t *testing.T) {
			t.Parallel()
			s, c := inviting(t, googletest.Options{KeepsNo: keeps})
			put(s, seed("x", "10:30", "11:30"))
			if _, err := c.Book(t.Context(), zurich(t), draft("token-of-x")); !errors.Is(err, connectors.Conflict) {
				t.Errorf("got %v", err)
			}
			if n := len(s.Events(booker)); n != 0 {
				t.Errorf("%d invitations stay", n)
			}
		})
		// Somebody takes the time after ours: the room says no to the longer meeting, and keeps the one that it had.
		t.Run(fmt.Sprint("longer declined, and kept ", keeps), func(t *testing.T) {
			t.Parallel()
			s, c := inviting(t, googletest.Options{KeepsNo: keeps})
			ev, err := c.Book(t.Context(), zurich(t), draft("token-of-x"))
			if err != nil {
				t.Fatal(err)
			}
			put(s, seed("x", "11:00", "12:00"))
			if _, err := c.SetEnd(t.Context(), zurich(t), ev, ev.To.Add(30*time.Minute)); !errors.Is(err, connectors.Conflict) {
				t.Errorf("got %v", err)
			}
			events := read(t, c).Events
			if len(events) != 2 || events[0].Token != "token-of-x" || !events[0].To.Equal(ev.To) {
				t.Errorf("%+v", events)
			}
		})
	}
	t.Run("never shown", func(t *testing.T) {
		t.Parallel()
		s, c := inviting(t, googletest.Options{Lost: true})
		c.SetPause(time.Millisecond)
		if _, err := c.Book(t.Context(), zurich(t), draft("token-of-x")); !errors.Is(err, connectors.Transient) {
			t.Errorf("got %v", err)
		}
		if n := len(s.Events(booker)); n != 0 {
			t.Errorf("%d invitations stay", n)
		}
	})
	t.Run("a person decides", func(t *testing.T) {
		t.Parallel()
		_, c := inviting(t, googletest.Options{NeverAnswer: true})
		ev, err := c.Book(t.Context(), zurich(t), draft("token-of-x"))
		if err != nil || !ev.Tentative {
			t.Errorf("%+v, %v", ev, err)
		}
	})
	t.Run("older booking in the room's own calendar", func(t *testing.T) {
		t.Parallel()
		s, c := inviting(t, googletest.Options{})
		ev, err := connect(t, s, nil).Book(t.Context(), zurich(t), draft("token-of-x"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Release(t.Context(), zurich(t), ev); err != nil || len(s.Events(room)) != 0 {
			t.Errorf("%v, %d events stay", err, len(s.Events(room)))
		}
	})
	t.Run("without delegation", func(t *testing.T) {
		t.Parallel()
		s, c := inviting(t, googletest.Options{})
		s.SetOptions(googletest.Options{})
		_, err := c.Book(t.Context(), zurich(t), draft("token-of-x"))
		cured(t, s, err, connectors.Auth, "google_delegation")
	})
}
