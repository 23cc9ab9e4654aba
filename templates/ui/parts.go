package ui

import (
	"slices"

	"github.com/a-h/templ"
)

// State is what a pill says beside its word: a shape and a colour.
type State string

// The states. Good things share the shape of free, failing ones that of busy, waiting ones that of soon.
const (
	Free    State = "free"
	Busy    State = "busy"
	Soon    State = "soon"
	Unknown State = "unknown"
)

// Button is a link or, in a form, a submit button that looks the same.
type Button struct {
	Label string
	Path  string // of a link, without Base; "" makes it a submit button
	Icon  string // "" for none
	Kind  ButtonKind
	Name  string // of a submit button's field, "" for none
	Value string
	Aria  string // what a screen reader says instead of Label where that is too short: "Book Säntis"
	Ask   bool   // of a link: it leads to a Confirmation, which opens as a dialog where scripts run
}

// ButtonKind is how a button looks.
type ButtonKind string

// The kinds of button: one primary at most on a page.
const (
	Plain         ButtonKind = ""
	Primary       ButtonKind = "button-primary"
	Danger        ButtonKind = "button-danger"
	DangerPrimary ButtonKind = "button-danger-primary"
	Quiet         ButtonKind = "button-quiet"
	Accent        ButtonKind = "button-accent"
)

// Empty is what a list shows before it has anything: what the page is for, and the first action.
type Empty struct {
	Icon, Title, Text string
	Action            Button // without a label for none
}

// Fact is a line of a key-value list.
type Fact struct{ Key, Value string }

// Tab is a part of a page with its own address.
type Tab struct {
	Label string
	Path  string
	Here  bool
}

// Step is one step of the wizard.
type Step struct {
	Label string
	Path  string // "" while it can't be opened yet
	State StepState
}

// backTo is the index of the step that stands before the present one, or of the last one at the end; -1 where there is none to open.
func backTo(steps []Step) int {
	here := slices.IndexFunc(steps, func(s Step) bool { return s.State == Here })
	if here < 0 {
		here = len(steps)
	}
	for i := here - 1; i >= 0; i-- {
		if steps[i].Path != "" {
			return i
		}
	}
	return -1
}

// StepState says where the wizard is.
type StepState string

// The states of a step.
const (
	Ahead   StepState = ""
	Here    StepState = "here"
	Done    StepState = "done"
	Skipped StepState = "skipped"
)

// CheckStep is one line of a step-by-step check.
type CheckStep struct {
	State CheckState
	Name  string // what was tried: "Sign-in as svc-rooms"
	Said  string // the result in a sentence: "The server refused the password."
	Raw   string // what the other side answered, in its words; "" for none
	Cure  string // what to do now; "" where nothing is wrong
	Run   string // a command or text to copy beside the cure; "" for none
	Took  string // "38 ms", "" when it did not run
}

// CheckState is the outcome of a step of a check.
type CheckState string

// The outcomes. Waiting has not run, because an earlier step failed or it is still to come.
const (
	Good    CheckState = "good"
	Bad     CheckState = "bad"
	Warn    CheckState = "warn"
	Waiting CheckState = "wait"
)

// Progress is long work that can be left and found again.
type Progress struct {
	Label string
	Said  string // "7 of 12 rooms"
	Done  int
	Total int // 0 while it is not known yet
}

// Battery is the charge of a device, rounded to what its icon can show.
type Battery struct {
	Percent int // below 0 for unknown
	Mains   bool
	Said    string // "87 %", "mains", "unknown"
}

func (b Battery) icon() string {
	switch {
	case b.Mains:
		return "plug"
	case b.Percent < 0:
		return ""
	case b.Percent < 20:
		return "battery-low"
	case b.Percent < 70:
		return "battery-medium"
	}
	return "battery-full"
}

func (b Battery) low() bool { return !b.Mains && b.Percent >= 0 && b.Percent < 20 }

func checkIcon(s CheckState) string {
	switch s {
	case Good:
		return "check"
	case Bad:
		return "x"
	case Warn:
		return "triangle-alert"
	}
	return ""
}

func (s CheckState) word(sh Shell) string {
	switch s {
	case Good:
		return sh.T("check.good")
	case Bad:
		return sh.T("check.bad")
	case Warn:
		return sh.T("check.warn")
	}
	return sh.T("check.waiting")
}

// Confirm is the page that asks before something goes.
type Confirm struct {
	Crumbs []Crumb
	Title  string // "Delete Matterhorn?"
	Text   string // what happens, in a sentence
	Goes   []Fact // what goes with it: "Displays" → "2"
	After  string // how long it can be undone, or that it can't
	Yes    string // "Delete room"
	Action string // POST target, without Base
	Hidden []Fact // further form fields
	Back   string // where "Keep" leads
	Keep   string // the label of the way back; "" is "Keep it"
}

func (c Confirm) keep(sh Shell) string {
	if c.Keep != "" {
		return c.Keep
	}
	return sh.T("ui.keep")
}

func aria(label string) templ.Attributes {
	if label == "" {
		return nil
	}
	return templ.Attributes{"aria-label": label}
}

func ask(b Button) templ.Attributes {
	if !b.Ask {
		return nil
	}
	return templ.Attributes{"data-ask": true}
}

func submitValue(b Button) templ.Attributes {
	if b.Name == "" {
		return nil
	}
	return templ.Attributes{"name": b.Name, "value": b.Value}
}

func stepHere(is bool) templ.Attributes {
	if is {
		return templ.Attributes{"aria-current": "step"}
	}
	return nil
}
