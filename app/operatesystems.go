package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"lintel/app/calendars"
	"lintel/app/problem"
	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
	"lintel/templates/text"
)

// maxTrace bounds a trace in bytes: what it holds was masked, but it crosses the control socket and is read by people.
const maxTrace = 4 << 20

// systems returns the connected booking systems with their rooms. It works with and without a running engine.
func (h *house) systems(ctx context.Context) (systems []store.System, rooms map[store.SystemID][]store.Resource, err error) {
	rooms = map[store.SystemID][]store.Resource{}
	err = h.store.View(ctx, func(tx *store.Tx) error {
		if systems, err = tx.Systems(); err != nil {
			return err
		}
		all, err := tx.Resources()
		for _, r := range all {
			rooms[r.System] = append(rooms[r.System], r)
		}
		return err
	})
	return systems, rooms, err
}

// checkSystem walks through one connection, with a trace when it is asked for.
func (h *house) checkSystem(ctx context.Context, req SystemCheck) (SystemReport, error) {
	systems, rooms, err := h.systems(ctx)
	if err != nil {
		return SystemReport{}, err
	}
	var found *store.System
	var names []string
	for _, y := range systems {
		if strings.EqualFold(y.Name, req.Name) || string(y.ID) == req.Name {
			found = &y
		}
		names = append(names, `"`+y.Name+`"`)
	}
	if found == nil {
		return SystemReport{}, fmt.Errorf("there is no booking system %q; there are: %s", req.Name, strings.Join(names, ", "))
	}
	o := calendars.CheckOptions{Address: req.Room, Write: req.Write}
	if req.Room == "" {
		known := calendars.StatusOf(*found, rooms[found.ID])
		if h.calendars != nil {
			for _, live := range h.calendars.Statuses() {
				if live.System.ID == found.ID {
					known = live
				}
			}
		}
		if r, ok := known.RoomToCheck(); ok {
			o.Address = r.Address
		}
	}
	var trace tracer
	if req.Trace {
		o.Trace = trace.add
	}
	report, err := h.calendars.Check(ctx, byCommand, found.ID, calendars.Connection{}, o)
	if err != nil {
		if problem.Of(err) != nil {
			return SystemReport{}, fmt.Errorf("it can't be checked: %s", explain(err))
		}
		return SystemReport{}, err
	}
	answer := SystemReport{Trace: trace.String()}
	for _, step := range report.Steps {
		answer.Steps = append(answer.Steps, stepFinding(step))
	}
	return answer, nil
}

// stepFinding says a step in English.
func stepFinding(step connectors.Step) SystemStep {
	words := text.For(text.English)
	f := Finding{Level: LevelOK, Check: words.T(step.Name), Text: step.Said}
	switch step.State {
	case connectors.StepWarned:
		f.Level = LevelWarn
	case connectors.StepFailed:
		f.Level = LevelFail
	case connectors.StepSkipped:
		f.Level, f.Text = LevelSkip, "not run"
	default:
		if f.Text == "" {
			f.Text = "good"
		}
	}
	if step.Cure != "" {
		f.Cure = words.T(step.Cure)
	}
	return SystemStep{Finding: f, Took: step.Took}
}

// tracer writes exchanges as text.
type tracer struct {
	mu  sync.Mutex
	out strings.Builder
}

func (t *tracer) add(e outbound.Exchange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out.Len() > maxTrace {
		return
	}
	w := &t.out
	fmt.Fprintf(w, "=== %s  %s  %s\n> %s %s\n", e.At.UTC().Format(time.RFC3339Nano), e.Op, e.Took.Round(time.Millisecond), e.Method, e.URL)
	part := func(mark string, header []string, body string) {
		for _, h := range header {
			fmt.Fprintf(w, "%s %s\n", mark, h)
		}
		for line := range strings.Lines(body) {
			fmt.Fprintf(w, "%s   %s\n", mark, strings.TrimRight(line, "\r\n"))
		}
	}
	part(">", e.RequestHeader, e.RequestBody)
	if e.Err != "" {
		fmt.Fprintf(w, "! %s\n", e.Err)
	} else {
		fmt.Fprintf(w, "< %d\n", e.Status)
	}
	part("<", e.ResponseHeader, e.ResponseBody)
	w.WriteString("\n")
}

func (t *tracer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.out.String()
	if len(s) > maxTrace {
		s = s[:maxTrace] + "\n=== cut off here\n"
	}
	return s
}
