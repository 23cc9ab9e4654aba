package conntest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lintel/connectors"
)

func faultCases() []testCase {
	return []testCase{
		fails("401", Fault{Status: 401}, connectors.Auth, 0),
		fails("403", Fault{Status: 403}, connectors.Forbidden, 0),
		fails("404", Fault{Status: 404}, connectors.Gone, 0),
		fails("410", Fault{Status: 410}, connectors.Gone, 0),
		fails("429 with seconds", Fault{Status: 429, Header: map[string]string{"Retry-After": "300"}}, connectors.Throttled, 300*time.Second),
		fails("429 with a date", Fault{Status: 429, Until: 90 * time.Second}, connectors.Throttled, 88*time.Second),
		fails("429 without a time", Fault{Status: 429}, connectors.Throttled, 0),
		fails("503 with seconds", Fault{Status: 503, Header: map[string]string{"Retry-After": "60"}}, connectors.Throttled, 60*time.Second),
		fails("503", Fault{Status: 503}, connectors.Transient, 0),
		fails("page of a load balancer", Fault{Status: 200, Header: map[string]string{"Content-Type": "text/html"}, Body: "<!DOCTYPE html><title>Sorry</title>We are back soon."}, connectors.Transient, 0),
		fails("500", Fault{Status: 500, Body: "Internal Server Error"}, connectors.Transient, 0),
		fails("connection cut", Fault{Cut: true}, connectors.Transient, 0),
		fails("sign-in page", Fault{Status: 200, Header: map[string]string{"Content-Type": "text/html"}, Body: "<!DOCTYPE html><title>Sign in</title>"}, connectors.Auth, 0),
		fails("nonsense", Fault{Status: 200, Header: map[string]string{"Content-Type": "text/plain"}, Body: "OK"}, connectors.Invalid, 0),
		{"room removed", needs{}, func(e *env) {
			e.room.Remove(e)
			_, err := e.conn.Read(e.Context(), connectors.ReadRequest{Room: e.Room(), Window: e.span("2026-11-23", "2026-11-30")})
			e.kind(err, connectors.Gone)
			_, err = e.conn.Probe(e.Context(), e.Room(), nil)
			e.kind(err, connectors.Gone)
		}},
		{"a caller who gives up", needs{}, func(e *env) {
			ctx, cancel := context.WithCancel(e.Context())
			cancel()
			_, err := e.conn.Read(ctx, connectors.ReadRequest{Room: e.Room(), Window: e.span("2026-11-23", "2026-11-30")})
			if !errors.Is(err, context.Canceled) {
				e.Errorf("got %v", err)
			}
		}},
		{"server's clock five minutes off", needs{}, skew},
	}
}

// fails is the case of one fault: the right kind from every method, no secret in it, all well afterwards.
func fails(name string, f Fault, kind connectors.Kind, after time.Duration) testCase {
	return testCase{name, needs{}, func(e *env) { e.failing(f, kind, after) }}
}

func (e *env) failing(f Fault, kind connectors.Kind, after time.Duration) {
	e.put(meeting("a", "09:00", "10:00"))
	before := e.week()
	repair := e.room.Break(f)
	calls := map[string]func() error{
		"probe": func() error {
			_, err := e.conn.Probe(e.Context(), e.Room(), nil)
			return err
		},
		"read": func() error {
			_, err := e.conn.Read(e.Context(), connectors.ReadRequest{Room: e.Room(), Window: e.span("2026-11-23", "2026-11-30"), State: before.State})
			return err
		},
	}
	if w, ok := e.conn.(connectors.Writer); ok && f.Status != http.StatusOK && kind != connectors.Gone {
		calls["book"] = func() error {
			_, err := w.Book(e.Context(), e.Room(), e.draft("fault", "11:00", "12:00"))
			return err
		}
		calls["release"] = func() error { return w.Release(e.Context(), e.Room(), before.Events[0]) }
	}
	began := time.Now()
	for name, call := range calls {
		err := call()
		if !errors.Is(err, kind) {
			e.Errorf("%s: got %v, want kind %q", name, err, kind)
		}
		// A connector that keeps quiet by itself says what is left of the time.
		if got := connectors.AfterOf(err); after > 0 && (got < after-time.Since(began) || got > after+15*time.Second) {
			e.Errorf("%s: wait %v, want %v", name, got, after)
		}
		e.clean(name, err)
	}
	report := e.conn.Check(e.Context(), connectors.CheckRequest{Room: e.Room()})
	e.clean("report", fmt.Sprintf("%+v", report))
	if report.OK() {
		e.Errorf("the check finds nothing: %+v", report)
	}
	for _, s := range report.Steps {
		if s.State == connectors.StepFailed && (s.Cure == "" || s.Said == "") {
			e.Errorf("a failed step without cure or answer: %+v", s)
		}
	}
	repair()
	if kind == connectors.Throttled {
		// The connector rightly keeps quiet for so long; one that was never asked to wait does not.
		e.conn = e.room.Connect(e)
		e.Cleanup(func() { _ = e.conn.Close() })
	}
	if w, ok := e.conn.(connectors.ReadWriter); ok && f.Cut {
		// The booking went through before the line was cut: the same token finds it.
		ev := e.book(e.draft("fault", "11:00", "12:00"))
		e.must(w.Release(e.Context(), e.Room(), ev))
	}
	e.want(e.read(e.span("2026-11-23", "2026-11-30"), before.State), "11-23 09:00–10:00 Subject of a")
}

func (e *env) kind(err error, kind connectors.Kind) {
	e.Helper()
	if !errors.Is(err, kind) {
		e.Errorf("got %v, want kind %q", err, kind)
	}
	e.clean("error", err)
}

func skew(e *env) {
	for _, d := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		e.room.Skew(d)
		e.put(meeting("a", "09:00", "10:00"))
		s := e.week()
		e.want(s, "11-23 09:00–10:00 Subject of a")
		report := e.conn.Check(e.Context(), connectors.CheckRequest{Room: e.Room()})
		if diff := report.Skew - d; diff.Abs() > 30*time.Second { // a loaded machine takes its time
			e.Errorf("skew is reported as %v, is %v", report.Skew, d)
		}
		warned := false
		for _, st := range report.Steps {
			warned = warned || st.Cure == "calendar.cure.clock"
		}
		if !warned || !report.OK() {
			e.Errorf("no warning of the clock: %+v", report)
		}
		w, ok := e.conn.(connectors.ReadWriter)
		if !ok {
			continue
		}
		// Who was first is decided by the server's clock alone.
		out, err := connectors.BookVerified(e.Context(), w, e.Room(), e.draft(fmt.Sprint("skew", d.Minutes() > 0), "11:00", "12:00"), s.State)
		if err != nil || out.Verdict != connectors.Done {
			e.Fatalf("book: %+v, %v", out, err)
		}
		if err := w.Release(e.Context(), e.Room(), out.Event); err != nil {
			e.Fatal(err)
		}
	}
}
