// Package secret holds what must not be read by chance: Text, which prints as ***, and Box,
// which seals bytes for the disk. It uses the standard library alone.
package secret

import (
	"fmt"
	"log/slog"
)

// Text is a credential, token or key. Every way of printing it yields ***; only Reveal gives
// the value.
type Text struct{ v string }

// New wraps v.
func New(v string) Text { return Text{v} }

const masked = "***"

// Reveal returns the value. Call it where the value is sent or compared, never where it is logged.
func (t Text) Reveal() string { return t.v }

// IsZero reports whether the value is empty.
func (t Text) IsZero() bool { return t.v == "" }

// String returns ***, or nothing for the empty value.
func (t Text) String() string {
	if t.v == "" {
		return ""
	}
	return masked
}

// Format prints *** for every verb, %#v included.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// GoString returns ***.
func (t Text) GoString() string { return t.String() }

// LogValue hides the value from slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText hides the value from encoders; a secret is never part of an export.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText takes the value from a decoder, such as a configuration file's.
func (t *Text) UnmarshalText(b []byte) error {
	t.v = string(b)
	return nil
}
