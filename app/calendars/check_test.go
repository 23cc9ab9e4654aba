package calendars

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
)

// checked is a system whose check finds what a test says.
type checked struct {
	*script
	report connectors.Report
}

func (c *checked) Check(context.Context, connectors.CheckRequest) connectors.Report { return c.report }

// What a check of a stored connection found is there after a restart, until the connection is another one; what was typed
// and not stored leaves nothing.
func TestCheckIsRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := &checked{script: b.sys, report: connectors.Report{Steps: []connectors.Step{
		{Name: "calendar.check.name", State: connectors.StepOK, Said: "10.0.0.1", Took: 3 * time.Millisecond},
		{Name: "calendar.check.sign_in", State: connectors.StepFailed, Said: "HTTP 401", Cure: "calendar.cure.auth", Took: time.Second},
	}}}
	kind := b.o.Kinds["script"]
	kind.Open = func(*outbound.Outbound, store.System, []store.Resource) (connectors.Connector, error) { return c, nil }
	b.o.Kinds["script"] = kind
	typed := Connection{Kind: "script", Name: "Script"}
	if _, err := b.Check(t.Context(), admin, b.id, typed, CheckOptions{Address: "room-1"}); err != nil {
		t.Fatal(err)
	}
	if got := b.Statuses()[0].Checked; !got.At.IsZero() {
		t.Errorf("what was typed became %+v", got)
	}
	if _, err := b.Check(t.Context(), admin, b.id, Connection{}, CheckOptions{Address: "ROOM-1"}); err != nil {
		t.Fatal(err)
	}
	want := Checked{At: b.now, Workspace: b.ws, Report: c.report}
	again := New(b.o)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Service{"now": b.Service, "after a restart": again} {
		if diff := cmp.Diff(want, s.Statuses()[0].Checked); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if err := b.Edit(t.Context(), admin, b.id, typed); err != nil {
		t.Fatal(err)
	}
	if got := b.Statuses()[0].Checked; !got.At.IsZero() || len(got.Report.Steps) > 0 {
		t.Errorf("after an edit the page tells of %+v", got)
	}
}

// edited is a system that somebody edits while it is checked.
type edited struct {
	*script
	edit func()
}

func (c *edited) Check(context.Context, connectors.CheckRequest) connectors.Report {
	c.edit()
	return connectors.Report{Steps: []connectors.Step{{Name: "calendar.check.sign_in", State: connectors.StepFailed}}}
}

// What a check found of a connection that was edited meanwhile is told to whoever asked, and nobody else: it is another one now.
func TestCheckThatAnEditOvertakes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := &edited{script: b.sys}
	c.edit = func() {
		if err := b.Edit(t.Context(), admin, b.id, Connection{Kind: "script", Name: "Script"}); err != nil {
			t.Error(err)
		}
	}
	kind := b.o.Kinds["script"]
	kind.Open = func(*outbound.Outbound, store.System, []store.Resource) (connectors.Connector, error) { return c, nil }
	b.o.Kinds["script"] = kind
	report, err := b.Check(t.Context(), admin, b.id, Connection{}, CheckOptions{Address: "room-1"})
	if err != nil || report.OK() {
		t.Fatalf("%+v, %v", report, err)
	}
	if got := b.Statuses()[0].Checked; !got.At.IsZero() {
		t.Errorf("the page tells of %+v", got)
	}
	c.edit = func() {}
	if _, err := b.Check(t.Context(), admin, b.id, Connection{}, CheckOptions{Address: "room-1"}); err != nil || b.Statuses()[0].Checked.At.IsZero() {
		t.Errorf("a check that nothing overtakes is forgotten: %v", err)
	}
}

// Nobody is told how a system does who may not manage it.
func TestCheckNeedsARight(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fail(&connectors.Error{Kind: connectors.Throttled, Op: "probe", After: 10 * time.Minute})
	b.crank()
	if report, err := b.Check(t.Context(), people.Actor{}, b.id, Connection{}, CheckOptions{}); !problem.Has(err, problem.Forbidden) || len(report.Steps) > 0 {
		t.Errorf("%+v, %v", report, errors.Unwrap(err))
	}
}
