package ews_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
)

// inviting is a Conn that books by invitations, with a room that answers after a moment.
func inviting(t testing.TB, q ewstest.Quirks, p ewstest.Processing, access ews.Access) (*ewstest.Server, *ews.Conn) {
	t.Helper()
	s := fake(t, q)
	s.SetProcessing(room1, p)
	return s, hurried(t, s, func(cfg *ews.Config) { cfg.Invite, cfg.Access = true, access })
}

func draft(t testing.TB) connectors.Draft {
	return connectors.Draft{Token: "token-of-invitation", From: nine(t).UTC(), To: nine(t).UTC().Add(time.Hour), Subject: "At the door", Organizer: "Ada Example"}
}

// An invitation from booking to release: the assistant decides, and the room's copy is ours.
func TestInvite(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]ewstest.Quirks{"removes": {}, "keeps cancelled meetings": {KeepCancelled: true}, "can't search": {NoRestriction: true}} {
		for _, access := range []ews.Access{ews.Folder, ews.Impersonation} {
			t.Run(name+" "+string(access), func(t *testing.T) {
				t.Parallel()
				s, c := inviting(t, q, ewstest.Processing{Delay: 30 * time.Millisecond}, access)
				if !c.Caps().Has(connectors.CapInvite) {
					t.Error("the capability is missing")
				}
				d, room := draft(t), atRoom(t)
				out, err := connectors.BookVerified(t.Context(), c, room, d, nil)
				must(t, err)
				ev := out.Event
				if out.Verdict != connectors.Done || ev.Token != d.Token || !ev.Mine || ev.Subject != d.Subject || ev.Written.IsZero() || !ev.From.Equal(d.From) {
					t.Fatalf("%+v", out)
				}
				again, err := connectors.BookVerified(t.Context(), c, room, d, nil)
				if err != nil || again.Event.Key != ev.Key || len(s.Bodies(ewstest.Account)) != 1 {
					t.Errorf("the same token again: %+v, %v, %d meetings", again, err, len(s.Bodies(ewstest.Account)))
				}
				for _, to := range []time.Duration{2 * time.Hour, 90 * time.Minute} {
					out, err := connectors.SetEndVerified(t.Context(), c, room, ev, d.From.Add(to), nil)
					if err != nil || out.Verdict != connectors.Done || !out.Event.To.Equal(d.From.Add(to)) {
						t.Fatalf("%+v, %v", out, err)
					}
					ev = out.Event
				}
				if _, err := c.SetEnd(t.Context(), room, ev, d.To.Add(5*time.Hour)); err != nil {
					t.Errorf("%v", err)
				}
				if err := c.Release(t.Context(), room, ev); !errors.Is(err, connectors.Conflict) {
					t.Errorf("released with other times: %v", err)
				}
				ev.To = d.To.Add(5 * time.Hour)
				must(t, c.Release(t.Context(), room, ev))
				if got := texts(t, c, day()); len(got) > 0 || len(s.Bodies(ewstest.Account)) > 0 {
					t.Errorf("%v is left", got)
				}
				must(t, c.Release(t.Context(), room, ev))
			})
		}
	}
}

// A room that declines, or never answers, leaves nothing behind.
func TestInviteDeclined(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		p    ewstest.Processing
		q    ewstest.Quirks
		kind connectors.Kind
		cure string
	}{
		"declines":           {p: ewstest.Processing{DeclineEveryone: true, Delay: 20 * time.Millisecond}, kind: connectors.Conflict, cure: "calendar.cure.conflict"},
		"silent":             {p: ewstest.Processing{Off: true}, kind: connectors.Transient, cure: "calendar.cure.ews_no_answer"},
		"identities changed": {q: ewstest.Quirks{NoUID: true}, kind: connectors.Unsupported, cure: "calendar.cure.unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := inviting(t, tc.q, tc.p, ews.Folder)
			_, err := c.Book(t.Context(), atRoom(t), draft(t))
			if !errors.Is(err, tc.kind) || connectors.CureOf(err) != tc.cure {
				t.Errorf("got %v with cure %s", err, connectors.CureOf(err))
			}
			s.Calls()
			if n := len(s.Bodies(ewstest.Account)); n > 0 {
				t.Errorf("%d meetings are left", n)
			}
			if got := texts(t, c, day()); len(got) > 0 {
				t.Errorf("%v is left in the room", got)
			}
		})
	}
	t.Run("taken", func(t *testing.T) {
		t.Parallel()
		s, c := inviting(t, ewstest.Quirks{}, ewstest.Processing{}, ews.Folder)
		s.Put(room1, ewstest.Event{Name: "theirs", Subject: "theirs", Start: nine(t), End: nine(t).Add(time.Hour)})
		if _, err := c.Book(t.Context(), atRoom(t), draft(t)); !errors.Is(err, connectors.Conflict) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("longer is declined, the old end comes back", func(t *testing.T) {
		t.Parallel()
		s, c := inviting(t, ewstest.Quirks{}, ewstest.Processing{Delay: 20 * time.Millisecond}, ews.Folder)
		ev, err := c.Book(t.Context(), atRoom(t), draft(t))
		must(t, err)
		s.Put(room1, ewstest.Event{Name: "next", Subject: "next", Start: nine(t).Add(90 * time.Minute), End: nine(t).Add(2 * time.Hour)})
		if _, err := c.SetEnd(t.Context(), atRoom(t), ev, ev.To.Add(time.Hour)); !errors.Is(err, connectors.Conflict) {
			t.Errorf("got %v", err)
		}
		got := texts(t, c, day())
		if len(got) != 2 || got[0] != "08:00-09:00 At the door" {
			t.Errorf("%v", got)
		}
	})
	t.Run("longer, and the caller gives up, the old end comes back", func(t *testing.T) {
		t.Parallel()
		s, c := inviting(t, ewstest.Quirks{}, ewstest.Processing{}, ews.Folder)
		ev, err := c.Book(t.Context(), atRoom(t), draft(t))
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		s.Break(ewstest.Fault{Op: "FindItem", Room: room1, Before: cancel})
		if _, err := c.SetEnd(ctx, atRoom(t), ev, ev.To.Add(time.Hour)); !connectors.Unsure(err) {
			t.Errorf("got %v", err)
		}
		s.Repair()
		if got := texts(t, c, day()); len(got) != 1 || got[0] != "08:00-09:00 At the door" {
			t.Errorf("%v", got)
		}
	})
	t.Run("replaced subject", func(t *testing.T) {
		t.Parallel()
		_, c := inviting(t, ewstest.Quirks{}, ewstest.Processing{ReplaceSubject: true}, ews.Folder)
		ev, err := c.Book(t.Context(), atRoom(t), draft(t))
		if err != nil || ev.Token != draft(t).Token || ev.Organizer != "" {
			t.Errorf("%+v, %v", ev, err)
		}
	})
}
