package calendars

import (
	"encoding/pem"
	"net/url"
	"slices"
	"strings"
	"time"

	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/store"
)

// FieldType is how a field is typed and kept.
type FieldType string

// The types. Secret and SecretFile are sealed and never shown again; SecretFile is text of several lines;
// a binary file is typed in base64.
const (
	Text       FieldType = "text"
	Address    FieldType = "address" // a URL, or a host alone where Field.HostAlone is set
	Choice     FieldType = "choice"  // one of Options; the first is the default
	Day        FieldType = "day"     // 2026-11-22
	Mailbox    FieldType = "mailbox" // a mail address
	Directory  FieldType = "tenant"  // of Entra: its id, or one of its domains
	GUID       FieldType = "guid"    // 8-4-4-4-12 hex digits
	Lines      FieldType = "lines"   // plain text of several lines
	Secret     FieldType = "secret"
	SecretFile FieldType = "secret_file"
)

// Field is one thing that an administrator types about a kind of system. The names url, username and ca have columns of
// their own; all others are settings or secrets.
type Field struct {
	Name      string
	Type      FieldType
	Options   []string
	Optional  bool
	HostAlone bool
	// Goes says that secrets are sent where this field points to: when it changes, they must be typed again.
	Goes bool
	// Only names a Choice and its values with which this field counts at all; it is empty for fields that always do.
	Only   string
	Values []string
	More   bool // belongs to the less common ones
}

// Hidden reports whether a field is kept sealed.
func (f Field) Hidden() bool { return f.Type == Secret || f.Type == SecretFile }

// Counts reports whether a field matters, given the choices that were made.
func (f Field) Counts(value func(name string) string) bool {
	return f.Only == "" || slices.Contains(f.Values, value(f.Only))
}

// Limits of what may be typed into a field.
const (
	maxField = 2_000
	maxLines = 64 << 10
)

// Connection is a booking system as an administrator types it.
type Connection struct {
	Kind, Name, URL, Username string
	CAPEM                     string
	Settings                  map[string]string
	Secrets                   map[string]secret.Text // a missing or zero one keeps the stored one when editing
}

// Value returns what was typed into a field that is not sealed.
func (c Connection) Value(name string) string {
	switch name {
	case "url":
		return strings.TrimSpace(c.URL)
	case "username":
		return strings.TrimSpace(c.Username)
	case "ca":
		return strings.TrimSpace(c.CAPEM)
	}
	return strings.TrimSpace(c.Settings[name])
}

// Set puts a value into the place where the field is kept.
func (c *Connection) Set(f Field, value string) {
	switch {
	case f.Hidden():
		if c.Secrets == nil {
			c.Secrets = map[string]secret.Text{}
		}
		c.Secrets[f.Name] = secret.New(value)
	case f.Name == "url":
		c.URL = value
	case f.Name == "username":
		c.Username = value
	case f.Name == "ca":
		c.CAPEM = value
	default:
		if c.Settings == nil {
			c.Settings = map[string]string{}
		}
		c.Settings[f.Name] = value
	}
}

// validate checks what was typed and returns the system to store; its problem blames all fields that are wrong. old is the
// stored one, nil for a new one: its secrets are kept where none were typed, unless they would travel to another server.
func (s *Service) validate(c Connection, old *store.System) (store.System, error) {
	y := store.System{Kind: c.Kind, Name: strings.TrimSpace(c.Name), Settings: map[string]string{}, Secrets: map[string]secret.Text{}}
	kind, ok := s.o.Kinds[c.Kind]
	if !ok {
		return y, errUnknownKind
	}
	var wrong []error
	switch {
	case y.Name == "":
		wrong = append(wrong, problem.Field("name", "form.missing"))
	case len(y.Name) > 80:
		wrong = append(wrong, problem.Field("name", "systems.name_needed"))
	}
	choice := func(name string) string {
		v := c.Value(name)
		for _, f := range kind.Fields {
			if f.Name == name && f.Type == Choice && v == "" {
				return f.Options[0]
			}
		}
		return v
	}
	moved, was := false, Connection{}
	if old != nil {
		was = Connection{URL: old.URL, Username: old.Username, CAPEM: old.CAPEM, Settings: old.Settings}
	}
	for _, f := range kind.Fields {
		if f.Hidden() {
			continue
		}
		v := choice(f.Name)
		if !f.Counts(choice) {
			v = ""
		}
		wrong = append(wrong, f.check(v, f.Optional || !f.Counts(choice)))
		switch f.Name {
		case "url":
			y.URL = v
		case "username":
			y.Username = v
		case "ca":
			y.CAPEM = v
		default:
			if v != "" {
				y.Settings[f.Name] = v
			}
		}
		if f.Goes && old != nil && destination(f, v) != destination(f, was.Value(f.Name)) {
			moved = true
		}
	}
	for _, f := range kind.Fields {
		if f.Hidden() && f.Counts(choice) {
			wrong = append(wrong, f.keep(&y, c.Secrets[f.Name], old, moved))
		}
	}
	if old != nil { // what Lintel made itself stays
		for _, name := range []string{ownCertificate, nextCertificate} {
			if v, ok := old.Secrets[name]; ok {
				y.Secrets[name] = v
			}
		}
	}
	return y, problem.Join(wrong...)
}

// keep puts a secret that was typed into y, or the one that is stored in old, which may be nil, unless it has moved: then
// it would be sent to another server.
func (f Field) keep(y *store.System, typed secret.Text, old *store.System, moved bool) error {
	if typed.IsZero() && old != nil && !old.Secrets[f.Name].IsZero() {
		if moved {
			return problem.Field(f.Name, "systems.password_again")
		}
		typed = old.Secrets[f.Name]
	}
	switch {
	case typed.IsZero() && f.Optional:
		return nil
	case typed.IsZero():
		return problem.Field(f.Name, "form.missing")
	case len(typed.Reveal()) > maxLines:
		return problem.Field(f.Name, "systems.too_long")
	}
	y.Secrets[f.Name] = typed
	return nil
}

// check judges one value.
func (f Field) check(v string, optional bool) error {
	if v == "" {
		if optional || f.Type == Choice {
			return nil
		}
		return problem.Field(f.Name, "form.missing")
	}
	limit := maxField
	if f.Type == Lines {
		limit = maxLines
	}
	if len(v) > limit {
		return problem.Field(f.Name, "systems.too_long")
	}
	switch f.Type {
	case Address:
		if f.HostAlone && !strings.Contains(v, "://") {
			v = "https://" + v
		}
		u, err := url.Parse(v)
		if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "webcal" || u.User != nil {
			if f.HostAlone {
				return problem.Field(f.Name, "systems.url_invalid_host")
			}
			return problem.Field(f.Name, "systems.url_invalid")
		}
	case Mailbox:
		if !isMailbox(v) {
			return problem.Field(f.Name, "systems.bad_mailbox")
		}
	case Directory:
		if !isGUID(v) && !isDomain(v) {
			return problem.Field(f.Name, "systems.bad_tenant")
		}
	case GUID:
		if !isGUID(v) {
			return problem.Field(f.Name, "systems.bad_client_id")
		}
	case Choice:
		if !slices.Contains(f.Options, v) {
			return problem.Field(f.Name, "systems.choose")
		}
	case Day:
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return problem.Field(f.Name, "systems.day_invalid")
		}
	}
	if f.Name == "ca" {
		if block, _ := pem.Decode([]byte(v)); block == nil || block.Type != "CERTIFICATE" {
			return problem.Field(f.Name, "systems.ca_invalid")
		}
	}
	return nil
}

// isGUID reports whether s has the form of Microsoft's ids.
func isGUID(s string) bool {
	parts := strings.Split(s, "-")
	return len(parts) == 5 && slices.EqualFunc(parts, []int{8, 4, 4, 4, 12}, func(p string, n int) bool {
		return len(p) == n && strings.Trim(p, "0123456789abcdefABCDEF") == ""
	})
}

// isDomain reports whether s looks like a domain name with a dot.
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	return len(labels) > 1 && !slices.ContainsFunc(labels, func(l string) bool {
		return l == "" || len(l) > 63 || strings.Trim(strings.ToLower(l), "abcdefghijklmnopqrstuvwxyz0123456789-") != ""
	})
}

// isMailbox reports whether s looks like a mail address.
func isMailbox(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && host != "" && !strings.ContainsAny(s, " <>,;\t") && !strings.Contains(host, "@")
}

// destination is the part of a value that decides where secrets go.
func destination(f Field, v string) string {
	if f.Type != Address {
		return v
	}
	if !strings.Contains(v, "://") {
		v = "https://" + v
	}
	u, err := url.Parse(v)
	if err != nil {
		return v
	}
	scheme := u.Scheme
	if scheme == "webcal" {
		scheme = "https"
	}
	return scheme + "://" + strings.ToLower(u.Host)
}
