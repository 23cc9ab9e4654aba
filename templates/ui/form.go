package ui

import "github.com/a-h/templ"

// Field is one control of a form with its words. Value is what was typed, also when it was wrong.
type Field struct {
	Name     string
	Label    string
	Value    string
	Help     string
	Error    string // what is wrong and how to mend it; "" when nothing is
	Optional bool   // said beside the label; everything else is required
	Type     string // of an input: "" is text; password, email, number, date, time, url, file, …
	ID       string // "" takes Name; set it where a page has two fields of one name

	Autocomplete string // of the HTML attribute: username, current-password, new-password, off, …
	Inputmode    string
	Placeholder  string
	Min, Max     string
	Step         string
	Accept       string // of a file
	Class        string // input-narrow, input-code, textarea-code
	Autofocus    bool
	Apply        bool // the form is sent as soon as this changes (GET forms)
	GuessZone    bool // a select of time zones takes the browser's
}

// Option is one choice. Group puts neighbours of one group under a heading of a select.
type Option struct {
	Value, Label string
	Help         string // of radio buttons, and the full name of a weekday
	Group        string
	Checked      bool // of weekdays; a select and radio buttons compare Value
}

// Errors are the sentences beside the fields of a form, by field name; the key "" is said above the form.
type Errors map[string]string

func (f Field) id() string {
	if f.ID != "" {
		return f.ID
	}
	return f.Name
}

func (f Field) kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// control gathers the attributes that input, select and textarea share.
func (f Field) control() templ.Attributes {
	attrs := templ.Attributes{"id": f.id(), "name": f.Name}
	described := ""
	if f.Error != "" {
		attrs["aria-invalid"] = "true"
		described = f.id() + "-error"
	}
	if f.Help != "" {
		if described != "" {
			described += " "
		}
		described += f.id() + "-help"
	}
	optional := map[string]string{
		"aria-describedby": described, "autocomplete": f.Autocomplete, "inputmode": f.Inputmode, "placeholder": f.Placeholder,
		"min": f.Min, "max": f.Max, "step": f.Step, "accept": f.Accept,
	}
	for name, value := range optional {
		if value != "" {
			attrs[name] = value
		}
	}
	flags := map[string]bool{"autofocus": f.Autofocus, "data-apply": f.Apply, "data-guess-zone": f.GuessZone}
	for name, on := range flags {
		if on {
			attrs[name] = true
		}
	}
	return attrs
}

// groups splits options into runs of one Group.
func groups(options []Option) [][]Option {
	var runs [][]Option
	for i, o := range options {
		if i == 0 || o.Group != options[i-1].Group {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], o)
	}
	return runs
}
