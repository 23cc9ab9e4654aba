package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"lintel/app/problem"
	"lintel/app/when"
)

// query writes one query parameter, ready to follow "?" or "&".
func query(name, value string) string { return url.QueryEscape(name) + "=" + url.QueryEscape(value) }

// form reads the fields of a posted form and remembers what can't be read.
type form struct {
	values url.Values
	fields map[string]string // field -> text key
}

// readForm reads the body of a posted form, of either encoding. It is done before any handler looks at a field: the
// request's own methods take a form that can't be read for an empty one. The error is a MaxBytesError for one
// that is too large.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(maxBody)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, http.ErrNotMultipart):
		return nil
	case errors.As(err, &tooLarge):
		return err
	}
	return problem.New(problem.Invalid, "form.unreadable").Because(err)
}

// parse returns the fields of a posted form.
func parse(r *http.Request) (*form, error) {
	if err := readForm(r); err != nil {
		return nil, err
	}
	return &form{values: r.PostForm, fields: map[string]string{}}, nil
}

// text returns a field as it was typed, without blanks around it.
func (f *form) text(name string) string { return strings.TrimSpace(f.values.Get(name)) }

// need blames the fields that were left empty.
func (f *form) need(names ...string) {
	for _, name := range names {
		if f.text(name) == "" {
			f.bad(name, "form.missing")
		}
	}
}

// on reports whether a box is checked.
func (f *form) on(name string) bool { return f.values.Get(name) == "on" }

// all returns every value of a field.
func (f *form) all(name string) []string { return f.values[name] }

// bad blames a field.
func (f *form) bad(name, key string) {
	if _, already := f.fields[name]; !already {
		f.fields[name] = key
	}
}

// number reads a whole number within bounds. An empty field is other.
func (f *form) number(name string, least, most, other int) int {
	s := f.text(name)
	if s == "" {
		return other
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		f.bad(name, "form.bad_number")
		return other
	}
	return n
}

// date reads a day.
func (f *form) date(name string) when.Date {
	d, err := when.ParseDate(f.text(name))
	if err != nil {
		f.bad(name, "form.bad_date")
	}
	return d
}

// clock reads a time of day in minutes.
func (f *form) clock(name string) int {
	m, err := when.ParseClock(f.text(name))
	if err != nil {
		f.bad(name, "form.bad_time")
	}
	return m
}

// err returns the problem that blames the fields, nil when all could be read.
func (f *form) err() error {
	if len(f.fields) == 0 {
		return nil
	}
	p := problem.New(problem.Invalid, "form.check")
	p.Fields = f.fields
	return p
}
