package graph_test

import (
	"errors"
	"net/http"
	"testing"

	"lintel/connectors"
	"lintel/connectors/graph/graphtest"
)

// What Graph has just made and does not find yet by its id is not made a second time.
func TestMadeAndNotThereYet(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	s.Break(graphtest.Fault{Method: http.MethodPost, Path: "/calendar/events", Times: 1, Before: func() {
		s.Lag(room, 3)
		s.Break(graphtest.Fault{Method: http.MethodGet, Path: "/events/AAk", Times: 2, Status: http.StatusNotFound, Code: "ErrorItemNotFound"})
	}})
	out, err := connectors.BookVerified(t.Context(), connect(t, config(s)), theRoom(t), draft("token-0001"), nil)
	if err != nil || out.Verdict != connectors.Done {
		t.Errorf("%+v, %v", out, err)
	}
	if n := len(s.Bodies(room)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// A gateway that gives up on what it has passed on says nothing of that, also when it names a time to wait.
func TestGatewayGivesUp(t *testing.T) {
	t.Parallel()
	s := tenant(t, graphtest.Quirks{})
	s.Break(graphtest.Fault{
		Method: http.MethodPost, Path: "/calendar/events", Status: http.StatusGatewayTimeout, Code: "UnknownError",
		Header: map[string]string{"Retry-After": "1"},
	})
	out, err := connectors.BookVerified(t.Context(), connect(t, config(s)), theRoom(t), draft("token-0001"), nil)
	if !errors.Is(err, connectors.Throttled) || out.Left == nil {
		t.Errorf("%+v, %v", out, err)
	}
}

// A search that does not show the account's meeting yet is no proof that the room is free of it.
func TestReleaseInvitedAtOnce(t *testing.T) {
	t.Parallel()
	s, cfg := inviting(t, graphtest.Quirks{})
	s.Lag(account, 3) // the look before the booking, and two after it
	c := connect(t, cfg)
	ev, err := c.Book(t.Context(), theRoom(t), draft("token-0001"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Release(t.Context(), theRoom(t), ev); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Bodies(account)) + len(read(t, c).Events); n != 0 {
		t.Errorf("%d meetings are left", n)
	}
}
