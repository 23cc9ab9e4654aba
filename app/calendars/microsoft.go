package calendars

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"lintel/app/audit"
	"lintel/app/people"
	"lintel/app/problem"
	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/graph"
	"lintel/connectors/outbound"
	"lintel/store"
)

// microsoft365 is Exchange Online by way of Graph.
func microsoft365(now func() time.Time) Kind {
	return Kind{
		Every: time.Minute, Hot: 15 * time.Second, Parallel: 2,
		Fields: []Field{
			{Name: "tenant", Type: Directory},
			{Name: "client_id", Type: GUID},
			{Name: "auth", Type: Choice, Options: []string{"certificate", "secret"}},
			{Name: "secret", Type: Secret, Only: "auth", Values: []string{"secret"}},
			{Name: "secret_expires", Type: Day, Optional: true, Only: "auth", Values: []string{"secret"}},
			{Name: "normal_mailbox", Type: Mailbox, Optional: true},
			{Name: "booking", Type: Choice, Options: []string{direct, invite}},
			{Name: "account", Type: Mailbox, Only: "booking", Values: []string{invite}},
			{Name: "cloud", Type: Choice, Options: []string{"global", "us_gov", "dod", "china"}, Goes: true, More: true},
			{Name: "authority", Type: Address, Optional: true, Goes: true, More: true},
			{Name: "root", Type: Address, Optional: true, Goes: true, More: true},
			caField(),
			declineNoteField(),
		},
		Prepare: func(y *store.System) error {
			if y.Settings["auth"] == "secret" {
				delete(y.Secrets, ownCertificate)
				delete(y.Secrets, nextCertificate)
			}
			return nil
		},
		Make: func(y *store.System, now time.Time, openable func(store.System) error) error {
			if _, ok := y.Secrets[ownCertificate]; ok || y.Settings["auth"] == "secret" {
				return nil
			}
			other := *y
			other.Settings, other.Secrets = maps.Clone(y.Settings), map[string]secret.Text{"secret": secret.New("in place of a certificate")}
			other.Settings["auth"] = "secret"
			if err := openable(other); err != nil {
				return err
			}
			made, err := newCertificate(y.Name, now)
			y.Secrets[ownCertificate] = made
			return err
		},
		Open: func(out *outbound.Outbound, y store.System, _ []store.Resource) (connectors.Connector, error) {
			c := graph.Config{
				Tenant: y.Settings["tenant"], ClientID: y.Settings["client_id"], Cloud: graph.Cloud(strings.ReplaceAll(y.Settings["cloud"], "_", "-")),
				Authority: y.Settings["authority"], Root: y.Settings["root"], CA: []byte(y.CAPEM),
				Invite: y.Settings["booking"] == invite, Account: y.Settings["account"], NormalMailbox: y.Settings["normal_mailbox"],
				DeclineNote: y.Settings["decline_note"], Now: now,
			}
			if y.Settings["auth"] == "secret" {
				c.Secret = y.Secrets["secret"]
				if at, err := time.Parse(time.DateOnly, y.Settings["secret_expires"]); err == nil {
					c.SecretExpires = at
				}
			} else {
				pair := y.Secrets[ownCertificate]
				c.Key, c.Certificate = pair, []byte(pair.Reveal())
			}
			return opened(graph.New(out, c))
		},
	}
}

// newCertificate makes a key and its certificate in one PEM text.
func newCertificate(name string, now time.Time) (secret.Text, error) {
	key, certificate, err := graph.Generate("Lintel "+name, now, 0)
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(key.Reveal() + string(certificate)), nil
}

// Certificate is the public part of a certificate by which Lintel signs in.
type Certificate = graph.Public

// Certificates returns the certificate that a system signs in with, and its successor; nil when there is none.
func (s *Service) Certificates(ctx context.Context, by people.Actor, id store.SystemID) (current, next *Certificate, err error) {
	if err := need(by); err != nil {
		return nil, nil, err
	}
	var y store.System
	if err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		y, err = tx.System(id)
		return err
	}); err != nil {
		return nil, nil, err
	}
	describe := func(name string) *Certificate {
		text, ok := y.Secrets[name]
		if !ok || err != nil {
			return nil
		}
		var public Certificate
		if public, err = graph.Describe([]byte(text.Reveal())); err != nil {
			return nil
		}
		return &public
	}
	return describe(ownCertificate), describe(nextCertificate), err
}

// MakeSuccessor makes the next certificate of a system, beside the one in use. Its public part is uploaded, it is tried
// (TrySuccessor), and only then used (UseSuccessor).
func (s *Service) MakeSuccessor(ctx context.Context, by people.Actor, id store.SystemID) error {
	return s.changeCertificates(ctx, by, id, "system.certificate.make", func(y *store.System) error {
		made, err := newCertificate(y.Name, s.o.Now())
		y.Secrets[nextCertificate] = made
		return err
	})
}

// DropSuccessor forgets the next certificate.
func (s *Service) DropSuccessor(ctx context.Context, by people.Actor, id store.SystemID) error {
	return s.changeCertificates(ctx, by, id, "system.certificate.drop", func(y *store.System) error {
		delete(y.Secrets, nextCertificate)
		return nil
	})
}

// UseSuccessor makes the next certificate the one in use; the old one is forgotten.
func (s *Service) UseSuccessor(ctx context.Context, by people.Actor, id store.SystemID) error {
	s.arranging.Lock()
	defer s.arranging.Unlock()
	err := s.changeCertificates(ctx, by, id, "system.certificate.use", func(y *store.System) error {
		next, ok := y.Secrets[nextCertificate]
		if !ok {
			return problem.New(problem.NotFound, "systems.no_successor")
		}
		y.Secrets[ownCertificate] = next
		delete(y.Secrets, nextCertificate)
		y.Checked = store.SystemCheck{} // it was made with the old one
		return nil
	})
	if err != nil {
		return err
	}
	return s.reload(ctx, id)
}

// TrySuccessor walks through the connection with the next certificate and changes nothing.
func (s *Service) TrySuccessor(ctx context.Context, by people.Actor, id store.SystemID, address string) (connectors.Report, error) {
	return s.check(ctx, by, id, Connection{}, CheckOptions{Address: address}, func(y *store.System) error {
		next, ok := y.Secrets[nextCertificate]
		if !ok {
			return problem.New(problem.NotFound, "systems.no_successor")
		}
		y.Secrets[ownCertificate] = next
		return nil
	})
}

// changeCertificates changes what Lintel made itself for a system whose sign-in is a certificate.
func (s *Service) changeCertificates(ctx context.Context, by people.Actor, id store.SystemID, action string, f func(*store.System) error) error {
	if err := need(by); err != nil {
		return err
	}
	return s.o.Store.Update(ctx, func(tx *store.Tx) error {
		y, err := tx.System(id)
		if err != nil {
			return err
		}
		if _, ok := y.Secrets[ownCertificate]; !ok {
			return problem.New(problem.Refused, "systems.no_certificate")
		}
		if err := f(&y); err != nil {
			return err
		}
		if err := errors.Join(tx.SaveSystemSecrets(y.ID, y.Secrets), tx.SaveSystemCheck(y.ID, y.Checked)); err != nil {
			return err
		}
		return audit.Record(tx, by, action, "system", string(id))
	})
}
