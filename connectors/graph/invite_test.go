package graph_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/graph"
	"lintel/connectors/graph/graphtest"
)

// inviting starts a tenant in which an account invites the room.
func inviting(t testing.TB, q graphtest.Quirks) (*graphtest.Server, graph.Config) {
	t.Helper()
	s := tenant(t, q)
	s.Observe = validate(t)
	s.AddUser(account, "Booking desk", true)
	cfg := config(s)
	cfg.Invite, cfg.Account = true, account
	return s, cfg
}

// A room that replaces subjects, drops the private flag and takes its time is asked; what Lintel wrote is
// recognised all the same, by whoever reads it.
func TestInvite(t *testing.T) {
	t.Parallel()
	s, cfg := inviting(t, graphtest.Quirks{
		AnswerAfter: 300 * time.Millisecond, Processing: graphtest.Processing{OrganizerAsSubject: true, RemovePrivate: true},
	})
	c := connect(t, cfg)
	if !c.Caps().Has(connectors.CapInvite | connectors.CapServerConflict) {
		t.Error("the capabilities do not say that it invites")
	}
	out, err := connectors.BookVerified(t.Context(), c, theRoom(t), draft("token-0001"), nil)
	if err != nil || out.Verdict != connectors.Done {
		t.Fatalf("%+v, %v", out, err)
	}
	ev := out.Event
	if ev.Mine || ev.Token != "token-0001" || ev.Subject != "Booked" || ev.Organizer != "Grace Example" || ev.OrganizerAddr != "" {
		t.Errorf("%+v", ev)
	}
	// The same token again makes no second meeting, and nothing more is written.
	s.Calls()
	if again, err := c.Book(t.Context(), theRoom(t), draft("token-0001")); err != nil || again.Key != ev.Key {
		t.Errorf("%+v, %v", again, err)
	}
	if n := len(of(s.Calls(), "POST", "/events")); n != 0 {
		t.Errorf("%d more meetings", n)
	}
	got, err := c.SetEnd(t.Context(), theRoom(t), ev, hour(11, 30))
	if err != nil || !got.To.Equal(hour(11, 30)) || got.Token != ev.Token || got.Identity() != ev.Identity() {
		t.Fatalf("extended: %+v, %v", got, err)
	}
	if !got.Written.After(ev.Written) {
		t.Errorf("what an extension takes counts from %v, the booking from %v", got.Written, ev.Written)
	}
	if err := c.Release(t.Context(), theRoom(t), got); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, c).Events); n != 0 {
		t.Errorf("%d events after the release", n)
	}
	if n := len(s.Bodies(account)); n != 0 {
		t.Errorf("%d meetings are left with the account", n)
	}
	if err := c.Release(t.Context(), theRoom(t), got); err != nil {
		t.Errorf("released twice: %v", err)
	}
	private := draft("token-0002")
	private.Private = true
	if ev, err = c.Book(t.Context(), theRoom(t), private); err != nil || !ev.Private || ev.Subject+ev.Organizer != "" {
		t.Errorf("private: %+v, %v", ev, err)
	}
	if ev = only(t, c); !ev.Private || ev.Subject+ev.Organizer != "" || ev.Token != "token-0002" {
		t.Errorf("private, read: %+v", ev)
	}
}

// A room that has the time taken declines; nothing of ours is left.
func TestInviteDeclined(t *testing.T) {
	t.Parallel()
	s, cfg := inviting(t, graphtest.Quirks{Processing: graphtest.Processing{KeepCancelled: true}})
	c := connect(t, cfg)
	s.Put(room, meeting("a", "10:30", "11:30"))
	_, err := c.Book(t.Context(), theRoom(t), draft("token-0001"))
	if !errors.Is(err, connectors.Conflict) {
		t.Error(err)
	}
	if n := len(s.Bodies(account)); n != 0 {
		t.Errorf("%d meetings are left with the account", n)
	}
	// An extension into somebody's meeting is taken back. The room of this tenant lets go of what it declines.
	d := draft("token-0002")
	d.From, d.To = hour(9, 0), hour(10, 0)
	ev, err := c.Book(t.Context(), theRoom(t), d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.SetEnd(t.Context(), theRoom(t), ev, hour(11, 0)); !errors.Is(err, connectors.Conflict) {
		t.Error(err)
	}
	time.Sleep(10 * time.Millisecond)
	if events := read(t, c).Events; len(events) != 2 || !events[0].To.Equal(hour(10, 0)) || events[0].Token != "token-0002" {
		t.Errorf("%+v", events)
	}
	// Withdrawn meetings stay in this room's calendar as cancelled ones: they are none.
	if err := c.Release(t.Context(), theRoom(t), read(t, c).Events[0]); err != nil {
		t.Error(err)
	}
	if ev := only(t, c); ev.Token != "" {
		t.Errorf("%+v", ev)
	}
}

// Two accounts' writers want one slot: the room decides.
func TestInviteRace(t *testing.T) {
	t.Parallel()
	_, cfg := inviting(t, graphtest.Quirks{AnswerAfter: 50 * time.Millisecond})
	var wg sync.WaitGroup
	var mu sync.Mutex
	done, refused := 0, 0
	for _, token := range []string{"token-of-a", "token-of-b"} {
		c := connect(t, cfg)
		wg.Go(func() {
			out, err := connectors.BookVerified(context.Background(), c, theRoom(t), draft(token), nil)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && out.Verdict == connectors.Done:
				done++
			case errors.Is(err, connectors.Conflict), err == nil && out.Verdict == connectors.Taken:
				refused++
			default:
				t.Errorf("%+v, %v", out, err)
			}
		})
	}
	wg.Wait()
	if done != 1 || refused != 1 {
		t.Errorf("%d done, %d refused", done, refused)
	}
	if ev := only(t, connect(t, cfg)); ev.Token == "" {
		t.Errorf("%+v", ev)
	}
}

// The account and the room may be set by other names than those under which Exchange writes them.
func TestInviteByOtherNames(t *testing.T) {
	t.Parallel()
	s, cfg := inviting(t, graphtest.Quirks{Processing: graphtest.Processing{OrganizerAsSubject: true}})
	const otherAccount, otherRoom = "desk@corp.example", "r1@corp.example"
	s.AddAlias(account, otherAccount)
	s.AddAlias(room, otherRoom)
	cfg.Account = otherAccount
	c := connect(t, cfg)
	alias := theRoom(t)
	alias.ID = otherRoom
	out, err := connectors.BookVerified(t.Context(), c, alias, draft("token-0001"), nil)
	if err != nil || out.Verdict != connectors.Done || out.Event.Subject != "Booked" {
		t.Fatalf("%+v, %v", out, err)
	}
	if _, err := c.Book(t.Context(), alias, draft("token-0002")); !errors.Is(err, connectors.Conflict) {
		t.Errorf("a second one: %v", err)
	}
	asked := 0
	for _, call := range s.Calls() {
		if strings.HasSuffix(call.Path, "/calendar") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("asked for the account's name %d times", asked)
	}
}

// A room that does not answer: the meeting is withdrawn, and the error says why.
func TestInviteWithoutAnswer(t *testing.T) {
	t.Parallel()
	s, cfg := inviting(t, graphtest.Quirks{NeverAnswer: true})
	base := time.Now()
	var mu sync.Mutex
	cfg.Now = func() time.Time { // runs ahead, so that nobody waits for real
		mu.Lock()
		defer mu.Unlock()
		base = base.Add(2 * time.Second)
		return base
	}
	c := connect(t, cfg)
	_, err := c.Book(t.Context(), theRoom(t), draft("token-0001"))
	if !errors.Is(err, connectors.Transient) || connectors.CureOf(err) != "calendar.cure.graph_no_answer" {
		t.Errorf("%v, %s", err, connectors.CureOf(err))
	}
	if n := len(s.Bodies(account)); n != 0 {
		t.Errorf("%d meetings are left with the account", n)
	}
}

// When the account can't be read the door still shows the room's meetings.
func TestAccountUnreadable(t *testing.T) {
	t.Parallel()
	s, cfg := inviting(t, graphtest.Quirks{})
	c := connect(t, cfg)
	if _, err := c.Book(t.Context(), theRoom(t), draft("token-0001")); err != nil {
		t.Fatal(err)
	}
	s.Break(graphtest.Fault{Mailbox: account, Status: 403, Code: "ErrorAccessDenied"})
	snap := read(t, c)
	if len(snap.Events) != 1 || snap.Events[0].Token != "" || len(snap.Warnings) != 1 || snap.Warnings[0].Key != "calendar.warning.account_unreadable" {
		t.Errorf("%+v", snap)
	}
	s.Repair()
	s.Throttle(account, time.Minute)
	if _, err := c.Read(t.Context(), connectors.ReadRequest{Room: theRoom(t), Window: monday(t)}); !errors.Is(err, connectors.Throttled) {
		t.Errorf("%v", err)
	}
}
