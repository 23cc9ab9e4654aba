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
