package connectors

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"lintel/app/secret"
)

// Kind is what an engine needs to know of a failure. It is an error itself, so that
// errors.Is(err, connectors.Throttled) works.
type Kind string

// The kinds, and what the engine does with each.
const (
	Auth          Kind = "sign-in refused"       // the connector stops after two tries: never lock an account out
	Forbidden     Kind = "no right"              // this room stops, others go on
	Throttled     Kind = "asked to wait"         // nothing is sent for the connector before After is over
	Transient     Kind = "out of reach"          // back off and try again
	NotFound      Kind = "not there"             // the event is not there
	Gone          Kind = "calendar is gone"      // the room's calendar is not there; keep the last picture, mark it stale
	CursorExpired Kind = "mark no longer valid"  // forget cursor and state, read in full
	Conflict      Kind = "changed or taken"      // somebody else was faster
	Unsupported   Kind = "not supported"         // this system or this room can't do that
	Invalid       Kind = "answer not understood" // their answer or our request is wrong; not retried soon
	Trust         Kind = "server is not trusted" // certificate, host name, or a host that nobody configured
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is how every connector fails. Its text is fit for a log: it holds no subject, name, address,
// path, query or credential. Said may be shown to an administrator, not logged.
type Error struct {
	Kind  Kind
	Op    string        // what we were doing: "read window", in lower case
	After time.Duration // Throttled and Transient: how long the system asked us to wait; 0 = it did not say
	Code  string        // the system's own code: "HTTP 403", "valid-sync-token"
	Cure  string        // text key of what helps, "" when Kind says enough; see CureOf
	Said  string        // what the system answered, shortened, without secrets
	// Setting names what an administrator typed that can't be used ("url", "key"), in an error of a connector's New.
	Setting string
	Alone   bool  // it concerns this room only; Throttled: only this room has to wait, not the whole system
	Stands  bool  // what was to be written is perhaps there all the same: see AfterWrite
	Err     error // the cause; must be as clean as Error itself
}

// Error returns operation, kind, code and cause.
func (e *Error) Error() string {
	if e.Setting != "" {
		return "read setting " + e.Setting + ": " + e.Said
	}
	s := string(e.Kind)
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is e's kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// Fail returns an *Error with a formatted cause. The cause's text must be fit for a log.
func Fail(kind Kind, op, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Err: fmt.Errorf(format, args...)}
}

// BadSetting returns what a connector's New says of a setting that it can't use. said is written by the connector and
// holds nothing of the setting.
func BadSetting(name, cure, said string) *Error {
	return &Error{Kind: Invalid, Cure: cure, Said: said, Setting: name}
}

// Words makes what a system said fit for Error.Said: one line of at most 200 characters, without addresses, what looks
// like a token, and our own secrets.
func Words(s string, secrets ...secret.Text) string {
	for _, own := range secrets {
		if v := own.Reveal(); len(v) > 3 {
			s = strings.ReplaceAll(s, v, "***")
		}
	}
	s = strings.Trim(strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " "), ": ")
	for _, mask := range []struct{ what, with string }{
		{`(?i)\b(basic|bearer|negotiate|ntlm|digest) [^\s"'<>,;)]*[0-9=+/][^\s"'<>,;)]*`, "$1 …"},
		{`[^\s<>"'(:]+@[^\s<>"'),;]+`, "…@…"},
		{`ya29\.[^\s"'<>,;)]+|[A-Za-z0-9_.+/=~-]{44,}`, "…"},
	} {
		s = regexp.MustCompile(mask.what).ReplaceAllString(s, mask.with)
	}
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}

// KindOf returns the kind of err, or "" when err is nil or no *Error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// AfterOf returns how long the system asked us to wait, 0 when it did not.
func AfterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}

// AfterWrite marks the failure of what a connector does after a write has gone through, such as looking what has become
// of it, so that Unsure knows. A Conflict says what has become of it and is left as it is.
func AfterWrite(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind == Conflict {
		return err
	}
	marked := *e
	marked.Stands = true
	return &marked
}
