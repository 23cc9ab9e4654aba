package ews_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lintel/app/secret"
	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/ews/ewstest"
	"lintel/connectors/outbound"
)

// Every response code that the engine has to tell apart, as a fault with HTTP 500, a fault with HTTP 200 and
// a message in a whole answer.
func TestCodes(t *testing.T) {
	t.Parallel()
	codes := map[connectors.Kind][]string{
		connectors.Auth:      {"ErrorPasswordExpired", "ErrorPasswordChangeRequired"},
		connectors.Forbidden: {"ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorAccessDenied", "ErrorCreateItemAccessDenied", "ErrorNotDelegate", "ErrorNoFreeBusyAccess", "ErrorMissingEmailAddress", "ErrorAccountDisabled", "ErrorMailboxLogonFailed"},
		connectors.Throttled: {"ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorExceededSubscriptionCount"},
		connectors.Transient: {
			"ErrorTimeoutExpired", "ErrorInternalServerTransientError", "ErrorMailboxStoreUnavailable", "ErrorMailboxFailover", "ErrorMailboxMoveInProgress",
			"ErrorADUnavailable", "ErrorInsufficientResources", "ErrorConnectionFailed", "ErrorNotEnoughMemory", "ErrorInternalServerError",
			"ErrorServiceDiscoveryFailed", "ErrorProxyServiceDiscoveryFailed", "ErrorNoApplicableProxyCASServersAvailable", "ErrorDataSourceOperation",
			"ErrorRequestAborted", "ErrorBatchProcessingStopped",
		},
		connectors.Gone: {"ErrorNonExistentMailbox", "ErrorFolderNotFound", "ErrorSyncFolderNotFound", "ErrorCannotFindUser", "ErrorItemNotFound", "ErrorNoCalendar"},
		connectors.Conflict: {
			"ErrorIrresolvableConflict", "ErrorInvalidChangeKey", "ErrorChangeKeyRequired", "ErrorChangeKeyRequiredForWriteOperations", "ErrorOccurrenceCrossingBoundary",
		},
		connectors.CursorExpired: {"ErrorInvalidSubscription", "ErrorMissedNotificationEvents"},
		connectors.Invalid:       {"ErrorSchemaValidation", "ErrorOfAnotherYear"},
	}
	s := fake(t, ewstest.Quirks{})
	room := connectors.Room{ID: room1, Zone: zurich(t)}
	for kind, list := range codes {
		for _, code := range list {
			for name, f := range map[string]ewstest.Fault{
				"fault": {Fault: code}, "fault with 200": {Fault: code, Status: 200}, "message": {Code: code},
			} {
				s.Break(f)
				_, err := open(t, config(s)).Read(t.Context(), connectors.ReadRequest{Room: room, Window: day()})
				var e *connectors.Error
				if !errors.As(err, &e) || e.Kind != kind || e.Code != code || !strings.HasPrefix(e.Said, code) || !strings.Contains(e.Said, "client-request-id") {
					t.Errorf("%s as %s: %+v, want kind %q", code, name, err, kind)
				}
				report := open(t, config(s)).Check(t.Context(), connectors.CheckRequest{Room: room, Write: true})
				if report.OK() {
					t.Errorf("%s as %s: the check finds nothing", code, name)
				}
				for _, st := range report.Steps {
					if st.State == connectors.StepFailed && (st.Cure == "" || !strings.HasPrefix(st.Said, code)) {
						t.Errorf("%s: %+v", code, st)
					}
				}
				s.Repair()
			}
		}
	}
	// That the server is busy may be wrapped, without a time to wait.
	s.Break(ewstest.Fault{Code: "ErrorInternalServerError", Inner: "ErrorServerBusy"})
	_, err := open(t, config(s)).Probe(t.Context(), room, nil)
	if !errors.Is(err, connectors.Throttled) || !strings.Contains(err.Error(), "ErrorServerBusy") {
		t.Errorf("wrapped: %v", err)
	}
	s.Repair()
	// An item that is not there is no calendar that is not there.
	s.Break(ewstest.Fault{Op: "GetItem", Code: "ErrorCalendarOccurrenceIsDeletedFromRecurrence"})
	_, err = open(t, config(s)).SetEnd(t.Context(), room, connectors.Event{Key: "AAMk="}, time.Now())
	if !errors.Is(err, connectors.NotFound) {
		t.Errorf("got %v", err)
	}
	s.Repair()
	// A cursor that has expired is a change.
	for _, code := range []string{"ErrorInvalidSyncStateData", "ErrorInvalidWatermark"} {
		s.Break(ewstest.Fault{Op: "SyncFolderItems", Times: 1, Code: code})
		if ch, err := open(t, config(s)).Probe(t.Context(), room, connectors.Cursor("H4sIAAAA")); err != nil || !ch.Changed || len(ch.Next) == 0 {
			t.Errorf("%s: %+v, %v", code, ch, err)
		}
	}
}

func day() when.Interval {
	from := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)
	return when.Interval{From: from, To: from.AddDate(0, 0, 1)}
}

// clock is a clock that a test moves.
type clock struct{ add time.Duration }

func (c *clock) now() time.Time { return time.Now().Add(c.add) }

// What the server asks to wait is kept by every method, in whatever form it is said; then all goes on.
func TestBackOffIsBinding(t *testing.T) {
	t.Parallel()
	room := connectors.Room{ID: room1, Zone: zurich(t)}
	for name, f := range map[string]ewstest.Fault{
		"fault":              {Fault: "ErrorServerBusy", BackOff: 297749 * time.Millisecond, Times: 1},
		"fault with 200":     {Fault: "ErrorServerBusy", Status: 200, BackOff: 297749 * time.Millisecond, Times: 1},
		"message":            {Code: "ErrorServerBusy", BackOff: 297749 * time.Millisecond, Times: 1},
		"wrapped":            {Code: "ErrorInternalServerError", Inner: "ErrorServerBusy", BackOff: 297749 * time.Millisecond, Times: 1},
		"another code":       {Code: "ErrorTimeoutExpired", BackOff: 297749 * time.Millisecond, Times: 1},
		"of one of the page": {Op: "SyncFolderItems", Code: "ErrorServerBusy", BackOff: 297749 * time.Millisecond, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ck clock
			s := ewstest.Start(ewstest.Quirks{}, ck.now)
			t.Cleanup(s.Close)
			s.AddRoom(room1, "Zürich 1", ewstest.Editor)
			out, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: ck.now})
			must(t, err)
			cfg := config(s)
			cfg.Now = ck.now
			c, err := ews.New(out, cfg)
			must(t, err)
			t.Cleanup(func() { _ = c.Close() })
			s.Break(f)
			_, err = c.Probe(t.Context(), room, nil)
			if after := connectors.AfterOf(err); !errors.Is(err, connectors.Throttled) || after != 297749*time.Millisecond {
				t.Fatalf("got %v, after %v", err, after)
			}
			ck.add += 297 * time.Second
			calls := map[string]func() error{
				"probe": func() error { _, err := c.Probe(t.Context(), room, nil); return err },
				"read": func() error {
					_, err := c.Read(t.Context(), connectors.ReadRequest{Room: room, Window: day()})
					return err
				},
				"rooms":   func() error { _, _, err := c.Rooms(t.Context(), ""); return err },
				"release": func() error { return c.Release(t.Context(), room, connectors.Event{Key: "AAMk="}) },
			}
			s.Calls()
			for name, call := range calls {
				if err := call(); !errors.Is(err, connectors.Throttled) || connectors.AfterOf(err) <= 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
			if n := len(s.Calls()); n > 0 || s.Early() > 0 {
				t.Errorf("%d requests were sent before the time, %d of them count as early", n, s.Early())
			}
			ck.add += time.Second
			for name, call := range calls {
				if err := call(); err != nil {
					t.Errorf("%s afterwards: %v", name, err)
				}
			}
			if s.Early() > 0 {
				t.Errorf("%d requests were early", s.Early())
			}
		})
	}
}

// A server that is busy and does not say for how long is left alone for half a minute.
func TestBusyWithoutTime(t *testing.T) {
	t.Parallel()
	room := connectors.Room{ID: room1, Zone: zurich(t)}
	html := map[string]string{"Content-Type": "text/html"}
	for name, f := range map[string]ewstest.Fault{
		"HTTP 503":         {Status: 503, Times: 1},
		"HTTP 503 of IIS":  {Status: 503, Header: html, Body: "<html>Service Unavailable</html>", Times: 1},
		"fault":            {Fault: "ErrorServerBusy", Times: 1},
		"message":          {Code: "ErrorServerBusy", Times: 1},
		"wrapped":          {Code: "ErrorInternalServerError", Inner: "ErrorServerBusy", Times: 1},
		"unreadable time":  {Status: 503, Header: map[string]string{"Retry-After": "soon"}, Times: 1},
		"time in the past": {Status: 503, Header: map[string]string{"Retry-After": "Sun, 22 Nov 2015 04:41:33 GMT"}, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ck clock
			s := fake(t, ewstest.Quirks{})
			out, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: ck.now})
			must(t, err)
			cfg := config(s)
			cfg.Now = ck.now
			c, err := ews.New(out, cfg)
			must(t, err)
			t.Cleanup(func() { _ = c.Close() })
			s.Break(f)
			if _, err := c.Probe(t.Context(), room, nil); !errors.Is(err, connectors.Throttled) || connectors.AfterOf(err) != 30*time.Second {
				t.Fatalf("got %v, after %v", err, connectors.AfterOf(err))
			}
			s.Calls()
			ck.add += 29 * time.Second
			if _, err := c.Probe(t.Context(), room, nil); !errors.Is(err, connectors.Throttled) || len(s.Calls()) > 0 {
				t.Errorf("within the time: %v", err)
			}
			ck.add += 2 * time.Second
			if _, err := c.Probe(t.Context(), room, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// A server with a budget: it is used up, kept, and used again, and no request is ever early.
func TestBudget(t *testing.T) {
	t.Parallel()
	var ck clock
	s := ewstest.Start(ewstest.Quirks{Budget: 10, BudgetPer: time.Minute, BackOff: 2 * time.Minute}, ck.now)
	t.Cleanup(s.Close)
	s.AddRoom(room1, "Zürich 1", ewstest.Editor)
	out, err := outbound.New(outbound.Options{Version: "test", AllowLoopback: true, Now: ck.now})
	must(t, err)
	cfg := config(s)
	cfg.Now = ck.now
	c, err := ews.New(out, cfg)
	must(t, err)
	good, refused := 0, 0
	for range 300 {
		ck.add += 3 * time.Second
		switch _, err := c.Probe(t.Context(), connectors.Room{ID: room1, Zone: zurich(t)}, nil); {
		case err == nil:
			good++
		case errors.Is(err, connectors.Throttled):
			refused++
		default:
			t.Fatal(err)
		}
	}
	if s.Early() > 0 || good < 60 || refused < 60 {
		t.Errorf("%d early, %d good, %d refused", s.Early(), good, refused)
	}
}

// Answers that no Exchange server gives.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	const soap = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`
	for name, tc := range map[string]struct {
		status  int
		typ     string
		body    string
		kind    connectors.Kind
		cure    string
		without string // must not be in the text of the error
	}{
		"page of a proxy":       {500, "text/html", "<html><body>Bad gateway secret-page</body></html>", connectors.Transient, "calendar.cure.ews_proxy", "secret-page"},
		"page of a proxy, 502":  {502, "text/html; charset=utf-8", "<!DOCTYPE html>", connectors.Transient, "calendar.cure.ews_proxy", ""},
		"sign-in page":          {200, "text/html", "<html>Sign in</html>", connectors.Auth, "calendar.cure.web_page", ""},
		"signed out":            {440, "text/html", "Login timeout", connectors.Auth, "calendar.cure.auth", ""},
		"nothing":               {200, "text/xml", "", connectors.Invalid, "calendar.cure.no_ews", ""},
		"another document":      {200, "text/xml", "<rss/>", connectors.Invalid, "calendar.cure.no_ews", ""},
		"another encoding":      {200, "text/xml", `<?xml version="1.0" encoding="utf-16"?>` + soap, connectors.Invalid, "calendar.cure.invalid", ""},
		"latin-1":               {200, "text/xml", `<?xml version="1.0" encoding="iso-8859-1"?>` + soap + `</s:Body></s:Envelope>`, connectors.Invalid, "calendar.cure.invalid", ""},
		"cut off":               {200, "text/xml", soap + "<FindItemResponse>", connectors.Invalid, "calendar.cure.invalid", ""},
		"two documents":         {200, "text/xml", soap + "</s:Body></s:Envelope><a/>", connectors.Invalid, "calendar.cure.invalid", ""},
		"empty body":            {200, "text/xml", soap + "</s:Body></s:Envelope>", connectors.Invalid, "calendar.cure.invalid", ""},
		"empty fault":           {500, "text/xml", soap + "<s:Fault></s:Fault></s:Body></s:Envelope>", connectors.Invalid, "calendar.cure.invalid", ""},
		"unknown request":       {500, "text/xml", soap + "<s:Fault><faultcode>SOAP:Server</faultcode><faultstring>Unknown request secret-fault</faultstring></s:Fault></s:Body></s:Envelope>", connectors.Invalid, "calendar.cure.invalid", "secret-fault"},
		"another server":        {405, "text/plain", "Method not allowed", connectors.Unsupported, "calendar.cure.no_ews", ""},
		"a server of files":     {501, "text/html", "<html>Unsupported method ('POST')", connectors.Unsupported, "calendar.cure.no_ews", ""},
		"other place":           {404, "text/html", "<html>404</html>", connectors.Gone, "calendar.cure.no_ews", ""},
		"forbidden by IIS":      {403, "text/html", "<html>403</html>", connectors.Forbidden, "calendar.cure.forbidden", ""},
		"200 pages of nesting":  {200, "text/xml", soap + strings.Repeat("<a>", 5000), connectors.Invalid, "calendar.cure.invalid", ""},
		"17 megabytes of space": {200, "text/xml", soap + strings.Repeat(" ", 17<<20) + "</s:Body></s:Envelope>", connectors.Invalid, "calendar.cure.too_large", ""},
		"bytes":                 {200, "text/xml", "<\xff\xfe\x00", connectors.Invalid, "calendar.cure.invalid", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.typ)
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			t.Cleanup(site.Close)
			c := open(t, ews.Config{URL: site.URL, Now: time.Now, Credentials: outbound.Credentials{Scheme: outbound.Basic, User: "u", Password: secret.New(ewstest.Password)}})
			_, err := c.Read(t.Context(), connectors.ReadRequest{Room: connectors.Room{ID: room1, Zone: time.UTC}, Window: day()})
			if connectors.KindOf(err) != tc.kind || connectors.CureOf(err) != tc.cure {
				t.Errorf("got %v with cure %s", err, connectors.CureOf(err))
			}
			if tc.without != "" && strings.Contains(fmt.Sprint(err), tc.without) {
				t.Errorf("the log would show %v", err)
			}
			for _, step := range c.Check(t.Context(), connectors.CheckRequest{}).Steps {
				if step.Name == "calendar.check.sign_in" && step.State == connectors.StepOK {
					t.Error("the check says that the password was good")
				}
			}
		})
	}
}

// A wrong password is tried once by each method, and never by one that was not called.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	cfg := config(s)
	cfg.Credentials.Password = secret.New("planted-wrong")
	c := open(t, cfg)
	_, err := c.Read(t.Context(), connectors.ReadRequest{Room: connectors.Room{ID: room1, Zone: zurich(t)}, Window: day()})
	if !errors.Is(err, connectors.Auth) || strings.Contains(fmt.Sprintf("%+v %#v", err, c), "planted-wrong") {
		t.Errorf("got %v", err)
	}
	if n := len(s.Calls()); n != 1 {
		t.Errorf("%d requests with a wrong password", n)
	}
	if err := watchOnce(t, c); !errors.Is(err, connectors.Auth) {
		t.Errorf("watching: %v", err)
	}
	if n := len(s.Calls()); n != 1 {
		t.Errorf("%d requests with a wrong password while watching", n)
	}
}

func watchOnce(t *testing.T, c *ews.Conn) error {
	t.Helper()
	return c.Watch(t.Context(), []connectors.Room{{ID: room1, Zone: time.UTC}, {ID: "second@rooms.test", Zone: time.UTC}}, connectors.WatchFuncs{
		Live: func(string, bool) {}, Changed: func(string) {},
	})
}
