// Package kerberos signs in by Kerberos over HTTP (SPNEGO: RFC 4559, RFC 4178, RFC 4121), with a password
// or a keytab and bound to the TLS connection. It is the only package that knows gokrb5, of which it uses
// messages, keys and files; it talks to the key distribution centres itself, so that the product's rules
// for connections hold, every wait is bounded, and nothing runs in the background.
package kerberos

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Config is what an administrator gave. No file of the machine is read.
type Config struct {
	User     string      // "name", "name@REALM" or "REALM\name"
	Password secret.Text // or
	Keytab   secret.Text // the bytes of a keytab; it wins
	Realm    string      // in capitals whatever is typed; "" = from User or Krb5Conf, a realm in User first
	// KDCs are key distribution centres: "host" or "host:port". None = those of Krb5Conf, or else the
	// realm's own name, under which a Windows domain has all its controllers.
	KDCs     []string
	Krb5Conf string // text of a krb5.conf; "" = none. Its include lines and DNS look-ups do not count
	SPN      string // service principal name; "" = HTTP/ and the host
	Binding  outbound.Binding
	Purpose  string // of the connections, for the list of destinations
	Now      func() time.Time
}

// SignIn holds one account and its tickets. It is safe for concurrent use.
type SignIn struct {
	out     *outbound.Outbound
	cfg     Config
	conf    *config.Config
	account *credentials.Credentials
	kdcs    map[string][]string // by realm
	turn    chan struct{}       // holds one: who has put it in may use what follows

	tickets   map[string]ticket // by service principal name; those of realms are krbtgt/REALM
	refused   error             // what the centre said of the account
	refusedAt time.Time
}

// refusalHolds is how long a refusal by the centre answers further sign-ins, so that several requests at
// once do not try a wrong password several times.
const refusalHolds = time.Minute

// New checks the settings. It contacts nobody. An error says which setting is wrong and holds no secret.
func New(out *outbound.Outbound, cfg Config) (s *SignIn, err error) {
	defer func() {
		if recover() != nil { // gokrb5's readers of files trust their input
			s, err = nil, connectors.BadSetting("keytab", "systems.bad_keytab", "keytab or krb5.conf is damaged")
		}
	}()
	s = &SignIn{out: out, cfg: cfg, conf: config.New(), kdcs: map[string][]string{}, turn: make(chan struct{}, 1), tickets: map[string]ticket{}}
	if cfg.Krb5Conf != "" {
		if s.conf, err = config.NewFromString(cfg.Krb5Conf); s.conf == nil {
			return nil, fmt.Errorf("read krb5.conf: not in its usual form")
		}
		for _, r := range s.conf.Realms {
			s.kdcs[r.Realm] = r.KDC
		}
	}
	user, domain, suffix := splitUser(cfg.User)
	realm := strings.ToUpper(strings.TrimSpace(cmp.Or(cfg.Realm, suffix, s.conf.LibDefaults.DefaultRealm, domain)))
	if user == "" || realm == "" {
		return nil, connectors.BadSetting("realm", "systems.bad_realm", "want a user and a realm")
	}
	if len(cfg.KDCs) > 0 {
		s.kdcs[realm] = cfg.KDCs
	}
	if len(s.kdcs[realm]) == 0 {
		s.kdcs[realm] = []string{strings.ToLower(realm)}
	}
	for _, list := range s.kdcs {
		for _, k := range list {
			if _, _, err := splitKDC(k); err != nil {
				return nil, connectors.BadSetting("kdc", "systems.bad_kdc", err.Error())
			}
		}
	}
	s.account = credentials.NewFromPrincipalName(types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, user), realm)
	switch {
	case !cfg.Keytab.IsZero():
		kt := keytab.New()
		if err := kt.Unmarshal([]byte(cfg.Keytab.Reveal())); err != nil || len(kt.Entries) == 0 {
			return nil, connectors.BadSetting("keytab", "systems.bad_keytab", "want the file that ktpass or ktutil wrote")
		}
		s.account = s.account.WithKeytab(kt)
	case !cfg.Password.IsZero():
		s.account = s.account.WithPassword(cfg.Password.Reveal())
	default:
		return nil, connectors.BadSetting("password", "form.missing", "want a password or a keytab")
	}
	return s, nil
}

// splitUser takes a Windows domain or a realm off a name.
func splitUser(s string) (user, domain, suffix string) {
	s = strings.TrimSpace(s)
	if d, u, ok := strings.Cut(s, `\`); ok {
		return u, d, ""
	}
	u, r, _ := strings.Cut(s, "@")
	return u, "", r
}

// splitKDC reads "host" or "host:port".
func splitKDC(s string) (host string, port uint16, err error) {
	s = strings.TrimSpace(s)
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		host, p = strings.Trim(s, "[]"), "88"
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || n == 0 || host == "" || strings.ContainsAny(host, "/ @") {
		return "", 0, fmt.Errorf("read key distribution centre: want host or host:port")
	}
	return host, uint16(n), nil
}

// Credentials returns what a client needs to sign in.
func (s *SignIn) Credentials() outbound.Credentials {
	return outbound.Credentials{
		Scheme: outbound.Negotiate, Binding: s.cfg.Binding,
		Begin: func(ctx context.Context, host string) (outbound.Handshake, error) {
			spn := s.cfg.SPN
			if spn == "" {
				spn = "HTTP/" + strings.ToLower(strings.TrimSuffix(host, "."))
			}
			t, err := s.service(ctx, spn)
			if err != nil {
				return nil, err
			}
			return &handshake{s: s, spn: spn, ticket: t}, nil
		},
	}
}

// service returns a ticket for a service, from the store or from the realm's centre.
func (s *SignIn) service(ctx context.Context, spn string) (t ticket, err error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return t, ctx.Err()
	}
	defer func() { <-s.turn }()
	now := s.cfg.Now()
	if s.refused != nil && now.Sub(s.refusedAt) < refusalHolds {
		return t, s.refused
	}
	s.refused = nil
	if t, ok := s.tickets[spn]; ok && t.until.After(now) {
		return t, nil
	}
	defer func() {
		if recover() != nil { // gokrb5's decoders trust their input
			err = invalid("the centre's answer is damaged")
		}
		if connectors.KindOf(err) == connectors.Auth {
			s.refused, s.refusedAt = err, now
		}
	}()
	return s.fetch(ctx, spn)
}

// forget drops a ticket that a server refused: its key may have changed.
func (s *SignIn) forget(spn string) {
	s.turn <- struct{}{}
	delete(s.tickets, spn)
	<-s.turn
}
