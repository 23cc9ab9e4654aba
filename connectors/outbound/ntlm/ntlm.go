// Package ntlm signs in with NTLMv2 over HTTP (MS-NLMP, MS-NTHT): with a message integrity code, with
// channel binding when the connection has TLS, and never with the older NTLM and LM. It neither signs nor
// seals what follows; TLS does.
package ntlm

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"strings"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// Credentials returns what a client needs to sign in by NTLM. User is "DOMAIN\name", "name@domain" or a
// bare name, which is then looked for in the server's own domain.
func Credentials(user string, password secret.Text, binding outbound.Binding, now func() time.Time) outbound.Credentials {
	return outbound.Credentials{
		Scheme: outbound.NTLM, Binding: binding,
		Begin: func(_ context.Context, host string) (outbound.Handshake, error) {
			h := &handshake{password: password, target: "HTTP/" + host, now: now}
			h.domain, h.user, h.qualified = splitUser(user)
			rand.Read(h.nonce[:]) // never fails (crypto/rand)
			rand.Read(h.sessionKey[:])
			return h, nil
		},
	}
}

// splitUser returns domain and name. A name with @ stays whole: the domain is then empty.
func splitUser(s string) (domain, user string, qualified bool) {
	s = strings.TrimSpace(s)
	if d, u, ok := strings.Cut(s, `\`); ok {
		return d, u, true
	}
	return "", s, strings.Contains(s, "@")
}

// handshake is one sign-in: NEGOTIATE, then AUTHENTICATE.
type handshake struct {
	domain, user string
	qualified    bool
	password     secret.Text
	target       string // service principal name, for MsvAvTargetName
	now          func() time.Time
	nonce        [8]byte  // the client's challenge
	sessionKey   [16]byte // ExportedSessionKey with key exchange
	negotiate    []byte
	done         bool
}

// Next implements outbound.Handshake.
func (h *handshake) Next(challenge []byte, state *tls.ConnectionState) ([]byte, error) {
	switch {
	case h.done:
		return nil, nil
	case h.negotiate == nil:
		h.negotiate = negotiateMessage()
		return h.negotiate, nil
	}
	c, err := parseChallenge(challenge)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Invalid, Code: "ntlm challenge", Cure: "calendar.cure.handshake", Said: err.Error()}
	}
	h.done = true
	return h.authenticate(c, outbound.BindingSum(state)), nil
}
