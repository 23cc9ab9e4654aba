// Package problem is the error that a person can act on: what is wrong, in words that a language
// file holds, and where. Features return it, one place in app/web maps it to an HTTP answer.
package problem

import "errors"

// Kind says what sort of answer a problem is. HTTP knows the number, features do not.
type Kind int

// The kinds.
const (
	Invalid   Kind = iota + 1 // the input can't be taken as it is
	Conflict                  // it was taken by somebody else, or changed meanwhile
	Forbidden                 // this actor may not do it
	NotFound                  // there is no such thing (any more)
	Locked                    // too many tries, or it is in use; later it may work
	Refused                   // an outside system said no
	Down                      // an outside system is out of reach
)

// Problem is an error for a person. Key is a text key of templates/text; Args are its values.
type Problem struct {
	Kind   Kind
	Key    string
	Args   map[string]any    // nil when the text has no placeholders; never personal data beyond what the actor may see
	Fields map[string]string // form field -> text key; nil when no single field is to blame
	Err    error             // the cause for the log; nil when there is none
}

// New returns a problem of that kind. Args come in pairs of name and value.
func New(kind Kind, key string, args ...any) *Problem {
	p := &Problem{Kind: kind, Key: key}
	for i := 0; i+1 < len(args); i += 2 {
		if p.Args == nil {
			p.Args = map[string]any{}
		}
		name, _ := args[i].(string)
		p.Args[name] = args[i+1]
	}
	return p
}

// Field returns an Invalid problem that blames one form field.
func Field(field, key string, args ...any) *Problem {
	p := New(Invalid, key, args...)
	p.Fields = map[string]string{field: key}
	return p
}

// Join returns one problem that blames all the fields that errs blame; where two blame one field, the first counts. An error
// that is no problem of fields is returned as it is, and nil when all are nil.
func Join(errs ...error) error {
	var all *Problem
	for _, err := range errs {
		p := Of(err)
		switch {
		case err == nil:
			continue
		case p == nil || p.Fields == nil:
			return err
		case all == nil:
			all = New(Invalid, "form.check")
			all.Fields, all.Args = map[string]string{}, map[string]any{}
		}
		for field, key := range p.Fields {
			if _, already := all.Fields[field]; !already {
				all.Fields[field] = key
			}
		}
		for name, value := range p.Args {
			all.Args[name] = value
		}
	}
	if all == nil {
		return nil
	}
	return all
}

// Because returns a copy of p with its cause.
func (p *Problem) Because(err error) *Problem {
	c := *p
	c.Err = err
	return &c
}

// Error returns the key and the cause, for logs. It holds no argument values, as those may be personal.
func (p *Problem) Error() string {
	if p.Err != nil {
		return p.Key + ": " + p.Err.Error()
	}
	return p.Key
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// Is makes errors.Is(err, problem.New(kind, key)) compare kind and key.
func (p *Problem) Is(target error) bool {
	var t *Problem
	return errors.As(target, &t) && t.Kind == p.Kind && t.Key == p.Key
}

// Of returns the problem inside err, or nil.
func Of(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return nil
}

// Has reports whether err is a problem of that kind.
func Has(err error, kind Kind) bool {
	p := Of(err)
	return p != nil && p.Kind == kind
}
