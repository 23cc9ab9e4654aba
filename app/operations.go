package app

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"lintel/app/secret"
)

// Operations are what commands ask of the program. serve.go fills them over the open store; a
// command gets them from the running server through the control socket, or with no server running
// directly. The actor of all of them is the machine's administrator, who may do anything. Errors for
// people are *problem.Problem.
type Operations struct {
	Health        func(context.Context, Nothing) (Health, error)
	SetupLink     func(context.Context, Nothing) (SetupLink, error)
	AddUser       func(context.Context, NewUser) (Credentials, error)
	ResetPassword func(context.Context, PasswordReset) (Credentials, error)
	ListUsers     func(context.Context, Nothing) ([]UserLine, error)
	Doctor        func(context.Context, DoctorRequest) ([]Finding, error)
	ListSystems   func(context.Context, Nothing) ([]SystemLine, error)
	CheckSystem   func(context.Context, SystemCheck) (SystemReport, error)
	// Backup writes one consistent copy of everything to w.
	Backup func(ctx context.Context, w io.Writer) (BackupResult, error)
}

// Nothing is the request of an operation that needs none.
type Nothing struct{}

// Health is the answer to `healthcheck`.
type Health struct {
	Version   string    `json:"version"`
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
	PortalURL string    `json:"portal_url"`
	DeviceURL string    `json:"device_url"`
	Faults    []string  `json:"faults"` // empty: healthy; else what does not work, a sentence each
}

// SetupLink is the address at which the first administrator is made; then it is void.
type SetupLink struct {
	URL string `json:"url"`
}

// NewUser is an account to be added.
type NewUser struct {
	Login    string     `json:"login"`
	Name     string     `json:"name"`
	Email    string     `json:"email"`
	Role     string     `json:"role"`
	Building string     `json:"building"` // name or id; empty: everywhere
	Language string     `json:"language"` // empty: the organisation's
	Password SentSecret `json:"password"` // empty: one is made
}

// PasswordReset gives an account a new password and signs it out everywhere.
type PasswordReset struct {
	Login    string     `json:"login"`
	Password SentSecret `json:"password"` // empty: one is made
}

// Credentials is what the new owner of an account needs.
type Credentials struct {
	Login    string     `json:"login"`
	Password SentSecret `json:"password"` // empty when the caller gave it
	URL      string     `json:"url"`      // where to sign in
}

// UserLine is one account in `user list`.
type UserLine struct {
	Login    string    `json:"login"`
	Name     string    `json:"name"`
	Email    string    `json:"email"`
	Roles    []string  `json:"roles"`
	Active   bool      `json:"active"`
	LastSeen time.Time `json:"last_seen"` // zero: never signed in
}

// DoctorRequest says how far `doctor` goes.
type DoctorRequest struct {
	Systems bool `json:"systems"` // also connect to the booking systems
}

// Level says how bad a finding is.
type Level string

// The levels.
const (
	LevelOK   Level = "ok"
	LevelWarn Level = "warning"
	LevelFail Level = "failure"
	LevelSkip Level = "not run" // a step of a check alone
)

// Finding is one thing that `doctor` looked at.
type Finding struct {
	Level Level  `json:"level"`
	Check string `json:"check"` // a word or two: "data folder"
	Text  string `json:"text"`  // what was found, a sentence
	Cure  string `json:"cure"`  // what to do; empty where nothing is to be done
}

// SystemLine is one booking system in `connector list`.
type SystemLine struct {
	Name   string    `json:"name"`
	Kind   string    `json:"kind"`
	Rooms  int       `json:"rooms"`
	LastOK time.Time `json:"last_ok"` // zero: never
	State  string    `json:"state"`   // a word or two
}

// SystemCheck asks for a check of one booking system.
type SystemCheck struct {
	Name  string `json:"name"` // or id
	Room  string `json:"room"` // address; empty: the first with a fault, or any
	Write bool   `json:"write"`
	Trace bool   `json:"trace"`
}

// SystemReport is what a check found, in order.
type SystemReport struct {
	Steps []SystemStep `json:"steps"`
	Trace string       `json:"trace"` // masked; empty when none was asked for
}

// SystemStep is one step of a check.
type SystemStep struct {
	Finding
	Took time.Duration `json:"took"` // nanoseconds; 0 when it was not done
}

// BackupResult describes a finished backup.
type BackupResult struct {
	CreatedAt time.Time `json:"created_at"`
	Schema    int       `json:"schema"`
	Bytes     int64     `json:"bytes"`
	HasKey    bool      `json:"has_key"` // the master key is in it
}

// SentSecret is a secret that crosses the control socket: it prints as ***, but JSON holds it.
type SentSecret struct{ secret.Text }

// MarshalJSON returns the value.
func (s SentSecret) MarshalJSON() ([]byte, error) { return json.Marshal(s.Reveal()) }

// UnmarshalJSON takes the value.
func (s *SentSecret) UnmarshalJSON(b []byte) error {
	var v string
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	s.Text = secret.New(v)
	return nil
}
