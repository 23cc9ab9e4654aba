package templates

import (
	"regexp"
	"strings"
	"unicode"

	"lintel/templates/ui"
)

// SystemKinds chooses what to connect: GET /settings/systems/new leads on with ?kind=….
type SystemKinds struct {
	Groups    []KindGroup
	Abilities []string // the headings of Kinds[].Can
	Kinds     []KindRow
}

// KindGroup is a heading with the kinds below it.
type KindGroup struct {
	Title string
	Kinds []string
}

// KindRow is what a kind of system can do.
type KindRow struct {
	Kind string
	Can  []Answer
}

// SystemForm connects or changes a booking system: GET /settings/systems/new?kind=… and GET /settings/systems/{id}/edit.
//
// POST /settings/systems or POST /settings/systems/{id}/edit: kind, name, the fields of the kind (a secret left empty keeps the
// present one), step (SystemCheck to try it without saving, SystemFind to look for the server, SystemSave). To htmx a try answers with TriedPart alone.
type SystemForm struct {
	ID     string // "" for a new one
	Kind   string
	Name   string
	Fields []SystemField
	Guide  []GuidePart    // what the administrators of the booking system have to do first
	Steps  []ui.CheckStep // of a check that was just run
	Errors ui.Errors
	Notice string // what was found, "" for nothing
	MayTry bool   // there is something to try before it is saved
}

// Tried is what became of a try without saving.
type Tried struct {
	Steps []ui.CheckStep
	Wrong []TriedWrong // what is wrong with the form, in its order
}

// TriedWrong is what is wrong with one field.
type TriedWrong struct {
	Field, Label string // "" for what concerns no single field
	Said         string
	Kept         bool // the field may say that what is stored is kept, which is not so now
}

// state is the worst of what was found.
func (v Tried) state() ui.CheckState {
	worst := ui.Good
	for _, s := range v.Steps {
		switch {
		case s.State == ui.Bad:
			return ui.Bad
		case s.State == ui.Warn:
			worst = ui.Warn
		}
	}
	if len(v.Wrong) > 0 {
		return ui.Bad
	}
	return worst
}

// SystemField is one thing to type about a kind of system.
type SystemField struct {
	ui.Field
	Control string      // ControlInput, …
	Options []ui.Option // of ControlSelect
	When    string      // "auth=ntlm kerberos": counts only with one of these; "" = always
	More    bool        // among the less common ones, which are folded away
	Wide    bool        // takes the whole width
	Group   string      // text key of the heading above it; fields of a group stand together
}

// The controls of a SystemField.
const (
	ControlInput  = "input"
	ControlSelect = "select"
	ControlArea   = "area"
)

// GuidePart is one step of a guide, with commands to copy.
type GuidePart struct {
	Title, Text string
	Warning     string // "" for none
	Blocks      []GuideBlock
	Only        string // "optional", "only for Kerberos"; "" for a step that everybody takes
}

// GuideBlock is what is copied, and run or entered, as a whole.
type GuideBlock struct {
	Where    string // where to run it: "Exchange Management Shell"
	Commands string // one line or several
	Replace  []Placeholder
}

// Placeholder is a word in angle brackets that somebody has to replace first.
type Placeholder struct{ Name, Means string }

// groups returns runs of the common fields under one heading each.
func (v SystemForm) groups() [][]SystemField {
	var out [][]SystemField
	for _, f := range v.common(false) {
		if n := len(out); n == 0 || out[n-1][0].Group != f.Group {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], f)
	}
	return out
}

// common returns the fields that everybody fills in, or the others.
func (v SystemForm) common(more bool) []SystemField {
	var out []SystemField
	for _, f := range v.Fields {
		if f.More == more {
			out = append(out, f)
		}
	}
	return out
}

// moreOpen reports whether the folded fields must be seen: one of them is set or wrong.
func (v SystemForm) moreOpen() bool {
	for _, f := range v.common(true) {
		if f.Error != "" || f.Control != ControlSelect && f.Value != "" {
			return true
		}
	}
	return false
}

// The values of the field "step" of a system's form.
const (
	SystemCheck = "check"
	SystemFind  = "find" // the server, by a mail address
	SystemSave  = "save"
)

func (v SystemForm) action() string {
	if v.ID == "" {
		return "/settings/systems"
	}
	return "/settings/systems/" + v.ID + "/edit"
}

func (v SystemForm) back() string {
	if v.ID == "" {
		return "/settings/systems"
	}
	return "/settings/systems/" + v.ID
}

// wide reports whether the field takes the whole width: long words, and choices in sentences.
func (f SystemField) wide() bool {
	return f.Wide || f.Control == ControlArea || f.Control == ControlSelect
}

var placeholder = regexp.MustCompile(`<[a-z-]+>`)

// Placeholders returns what somebody has to replace in a command: words in angle brackets, as often as they stand there.
func Placeholders(command string) []string { return placeholder.FindAllString(command, -1) }

// piece is a part of a word: a placeholder, or what stands around it.
type piece struct {
	text string
	mark bool
}

// pieces takes a word apart; put together again it is the very same text.
func (w word) pieces() []piece {
	var out []piece
	end := 0
	for _, at := range placeholder.FindAllStringIndex(w.word, -1) {
		if at[0] > end {
			out = append(out, piece{text: w.word[end:at[0]]})
		}
		out = append(out, piece{text: w.word[at[0]:at[1]], mark: true})
		end = at[1]
	}
	if end < len(w.word) {
		out = append(out, piece{text: w.word[end:]})
	}
	return out
}

// word is a word of a command. An indentation belongs to it; before is the other space between it and the one before.
type word struct{ before, word string }

// words takes a command apart; put together again it is the very same text.
func words(text string) []word {
	var out []word
	for text != "" {
		begin := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsSpace(r) })
		if begin < 0 {
			return append(out, word{before: text})
		}
		end := begin + strings.IndexFunc(text[begin:]+" ", unicode.IsSpace)
		if line := strings.LastIndexByte(text[:begin], '\n'); line >= 0 {
			begin = line + 1
		}
		out = append(out, word{text[:begin], text[begin:end]})
		text = text[end:]
	}
	return out
}
