package connectors

import (
	"errors"
	"time"
)

// CheckRequest says what to check.
type CheckRequest struct {
	Room  Room // with an empty ID only what concerns the whole system
	Write bool // also write, read back and delete a test event, far in the future
}

// StepState is how a step ended.
type StepState string

// The states. Skipped steps were not reached or not asked for.
const (
	StepOK      StepState = "ok"
	StepWarned  StepState = "warned" // works, but somebody should look
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped"
)

// Step is one line of a check.
type Step struct {
	Name  string // text key, below "calendar.check."
	State StepState
	Said  string        // what the system answered, shortened, without secrets
	Cure  string        // text key, below "calendar.cure."; "" when there is nothing to cure
	Took  time.Duration // 0 when skipped
}

// Report is the whole check in order: the first failed step is the one to look at.
type Report struct {
	Steps  []Step
	Access Access        // to the room asked for
	Skew   time.Duration // the server's clock less ours; 0 when unknown
}

// OK reports whether no step failed.
func (r Report) OK() bool {
	for _, s := range r.Steps {
		if s.State == StepFailed {
			return false
		}
	}
	return true
}

// Checker runs steps in order; after a failure the rest is skipped. A connector's Check is a row of
// calls to Step.
type Checker struct {
	Now    func() time.Time
	Report Report
	failed bool
}

// Step runs f unless an earlier step failed. What f returns becomes the step: a text to show, and an
// error whose kind decides the cure.
func (c *Checker) Step(name string, f func() (said string, err error)) bool {
	start := c.Now()
	return c.step(name, f, func() time.Duration { return c.Now().Sub(start) })
}

// Timed is Step for something that was done before and took that long.
func (c *Checker) Timed(name string, took time.Duration, f func() (said string, err error)) bool {
	return c.step(name, f, func() time.Duration { return took })
}

func (c *Checker) step(name string, f func() (string, error), took func() time.Duration) bool {
	if c.failed {
		c.Skip(name)
		return false
	}
	said, err := f()
	s := Step{Name: name, State: StepOK, Said: said, Took: took()}
	if err != nil {
		c.failed = true
		s.State, s.Cure = StepFailed, CureOf(err)
		if answer := SaidOf(err); answer != "" {
			s.Said = answer
		}
	}
	c.Report.Steps = append(c.Report.Steps, s)
	return err == nil
}

// Skip records a step that was not asked for.
func (c *Checker) Skip(name string) {
	c.Report.Steps = append(c.Report.Steps, Step{Name: name, State: StepSkipped})
}

// Warn turns the last step, when it is OK, into a warning with a cure.
func (c *Checker) Warn(cure string) {
	if n := len(c.Report.Steps); n > 0 && c.Report.Steps[n-1].State == StepOK {
		c.Report.Steps[n-1].State, c.Report.Steps[n-1].Cure = StepWarned, cure
	}
}

// CureOf returns the text key of what helps against err: the connector's own when it has one, else
// that of the kind. It is "" only for nil.
func CureOf(err error) string {
	if err == nil {
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		return "calendar.cure.unknown"
	}
	if e.Cure != "" {
		return e.Cure
	}
	switch e.Kind {
	case Auth:
		return "calendar.cure.auth"
	case Forbidden:
		return "calendar.cure.forbidden"
	case Throttled:
		return "calendar.cure.throttled"
	case Transient:
		return "calendar.cure.transient"
	case NotFound, Gone:
		return "calendar.cure.gone"
	case Conflict:
		return "calendar.cure.conflict"
	case Unsupported:
		return "calendar.cure.unsupported"
	case Trust:
		return "calendar.cure.trust"
	default:
		return "calendar.cure.invalid"
	}
}

// SaidOf returns what to show of err: the system's own words when there are any, else its log text.
func SaidOf(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Said != "" {
		return e.Said
	}
	if err == nil {
		return ""
	}
	return err.Error()
}
