package calendars

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/ews"
	"lintel/connectors/outbound"
	"lintel/connectors/outbound/kerberos"
	"lintel/connectors/outbound/ntlm"
	"lintel/store"
)

// exchange is Exchange on the customer's premises.
func exchange(now func() time.Time) Kind {
	kerberosOnly := func(f Field) Field {
		f.Only, f.Values = "auth", []string{"kerberos"}
		return f
	}
	return Kind{
		Every: time.Minute, Hot: 15 * time.Second, Calm: 2 * time.Hour, Parallel: 4,
		Fields: []Field{
			{Name: "url", Type: Address, HostAlone: true, Goes: true},
			{Name: "auth", Type: Choice, Options: []string{"ntlm", "kerberos", "basic"}, Goes: true},
			userField(), optional(passwordField()),
			kerberosOnly(Field{Name: "realm", Type: Text, Optional: true}),
			kerberosOnly(Field{Name: "kdc", Type: Text, Optional: true}),
			kerberosOnly(Field{Name: "keytab", Type: SecretFile, Optional: true}),
			{Name: "access", Type: Choice, Options: []string{string(ews.Folder), string(ews.Impersonation), string(ews.FreeBusy)}},
			{Name: "booking", Type: Choice, Options: []string{direct, invite}, Only: "access", Values: []string{string(ews.Folder), string(ews.Impersonation)}},
			{Name: "account", Type: Mailbox, Only: "booking", Values: []string{invite}},
			{Name: "channel_binding", Type: Choice, Options: []string{"auto", "always", "never"}, Only: "auth", Values: []string{"ntlm", "kerberos"}, More: true},
			kerberosOnly(Field{Name: "spn", Type: Text, Optional: true, More: true}),
			caField(),
			{Name: "pins", Type: Text, Optional: true, More: true},
			declineNoteField(),
		},
		Prepare: func(y *store.System) error {
			if y.Secrets["password"].IsZero() && (y.Settings["auth"] != "kerberos" || y.Secrets["keytab"].IsZero()) {
				return problem.Field("password", "form.missing")
			}
			return nil
		},
		Open: func(out *outbound.Outbound, y store.System, _ []store.Resource) (connectors.Connector, error) {
			credentials, err := windowsSignIn(out, y, now)
			if err != nil {
				return nil, err
			}
			return opened(ews.New(out, ews.Config{
				URL: y.URL, Credentials: credentials, CA: []byte(y.CAPEM), Pins: words(y.Settings["pins"]),
				Access: ews.Access(y.Settings["access"]), Account: y.Settings["account"], Invite: y.Settings["booking"] == invite,
				DeclineNote: y.Settings["decline_note"], Now: now,
			}))
		},
	}
}

// declineNoteField is what the organizer of a meeting reads when the room is released from it.
func declineNoteField() Field {
	return Field{Name: "decline_note", Type: Text, Optional: true, More: true}
}

// FindServer asks an organisation's own servers for the address of their web services, by the mail address that was
// typed in place of the server's. foreign says that it lies in another domain, so that somebody has to look at it.
func (s *Service) FindServer(ctx context.Context, by people.Actor, c Connection) (address string, foreign bool, err error) {
	if err := need(by); err != nil {
		return "", false, err
	}
	mail := strings.TrimSpace(c.URL)
	if !strings.Contains(mail, "@") || strings.Contains(mail, "/") {
		return "", false, problem.Field("url", "systems.find_by_mail")
	}
	// The password that is stored goes to the stored server alone: here it has to be typed.
	y := store.System{Username: c.Username, Settings: c.Settings, Secrets: c.Secrets}
	if y.Secrets["password"].IsZero() && y.Secrets["keytab"].IsZero() {
		return "", false, problem.Field("password", "systems.find_password")
	}
	credentials, err := windowsSignIn(s.o.Out, y, s.o.Now)
	if err != nil {
		return "", false, cannotOpen(err)
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	found, err := ews.Autodiscover(ctx, s.o.Out, ews.Discovery{Address: mail, Credentials: credentials, CA: []byte(c.CAPEM), Pins: words(c.Settings["pins"])})
	if err != nil {
		return "", false, problem.New(problem.Refused, connectors.CureOf(err)).Because(err)
	}
	return found.URL, found.Foreign, nil
}

// finder is a connector that finds mailboxes by how their names begin.
type finder interface {
	FindRooms(ctx context.Context, prefix string) ([]connectors.RoomRef, error)
}

// MayFind reports whether FindRooms has a meaning for a kind of system.
func MayFind(kind string) bool { return kind == "ews" }

// FindRooms looks for calendars whose name or address begins with prefix, for rooms that are in no list.
func (s *Service) FindRooms(ctx context.Context, by people.Actor, id store.SystemID, prefix string) ([]connectors.RoomRef, error) {
	conn, _, done, err := s.open(ctx, by, s.o.Out, id, Connection{}, "", nil)
	if err != nil {
		return nil, err
	}
	defer done()
	f, ok := conn.(finder)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	refs, err := f.FindRooms(ctx, prefix)
	if err != nil {
		s.told(ctx, id, Connection{}, err)
		return nil, explain(err)
	}
	return refs, nil
}

// The ways of booking.
const (
	direct = "direct"
	invite = "invite"
)

// windowsSignIn returns the credentials of a Windows account.
func windowsSignIn(out *outbound.Outbound, y store.System, now func() time.Time) (outbound.Credentials, error) {
	binding := outbound.Binding(y.Settings["channel_binding"])
	if binding == "auto" {
		binding = ""
	}
	switch y.Settings["auth"] {
	case "basic":
		return outbound.Credentials{Scheme: outbound.Basic, User: y.Username, Password: y.Secrets["password"]}, nil
	case "kerberos":
		var keytab secret.Text
		if typed := y.Secrets["keytab"]; !typed.IsZero() {
			data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(typed.Reveal()), ""))
			if err != nil {
				return outbound.Credentials{}, connectors.BadSetting("keytab", "systems.bad_keytab", "want the file in base64")
			}
			keytab = secret.New(string(data))
		}
		s, err := kerberos.New(out, kerberos.Config{
			User: y.Username, Password: y.Secrets["password"], Keytab: keytab, Realm: y.Settings["realm"], KDCs: words(y.Settings["kdc"]),
			SPN: y.Settings["spn"], Binding: binding, Purpose: "kerberos", Now: now,
		})
		if err != nil {
			return outbound.Credentials{}, err
		}
		return s.Credentials(), nil
	default:
		return ntlm.Credentials(y.Username, y.Secrets["password"], binding, now), nil
	}
}

// words splits a list that was typed with commas, spaces or lines.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
}
