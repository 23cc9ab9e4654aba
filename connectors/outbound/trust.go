package outbound

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"strings"

	"lintel/connectors"
)

// trust returns the TLS settings of one client.
func (o *Outbound) trust(opt ClientOptions) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.roots}
	if len(opt.CA) > 0 {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(opt.CA) {
			return nil, connectors.BadSetting("ca", "systems.ca_invalid", "no certificate in PEM form found")
		}
	}
	if opt.ClientCert != nil {
		// Whatever authorities the server names: an administrator chose this certificate for it.
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return opt.ClientCert, nil }
		conf.Renegotiation = tls.RenegotiateOnceAsClient // IIS asks for the certificate after it has seen the path
	}
	if len(opt.Pins) == 0 {
		return conf, nil
	}
	pins := map[[sha256.Size]byte]bool{}
	for _, s := range opt.Pins {
		pin, err := parsePin(s)
		if err != nil {
			return nil, err
		}
		pins[pin] = true
	}
	conf.InsecureSkipVerify = true //nolint:gosec // VerifyConnection is stricter than the chain
	conf.VerifyConnection = func(state tls.ConnectionState) error { return checkPin(state, pins) }
	return conf, nil
}

// parsePin reads a SHA-256 sum in hex, as browsers and openssl write it.
func parsePin(s string) (pin [sha256.Size]byte, err error) {
	clean := strings.NewReplacer(":", "", " ", "", "\t", "").Replace(strings.TrimSpace(s))
	b, err := hex.DecodeString(clean)
	if err != nil || len(b) != len(pin) {
		return pin, connectors.BadSetting("pins", "systems.bad_pins", "want SHA-256 sums of 64 hex digits")
	}
	return [sha256.Size]byte(b), nil
}

// pinError is a certificate that nobody pinned: the SHA-256 sum of its DER form.
type pinError [sha256.Size]byte

func (e pinError) Error() string {
	return "SHA-256 " + strings.ToUpper(hex.EncodeToString(e[:]))
}

func checkPin(state tls.ConnectionState, pins map[[sha256.Size]byte]bool) error {
	if len(state.PeerCertificates) == 0 {
		return pinError{}
	}
	leaf := state.PeerCertificates[0]
	if pins[sha256.Sum256(leaf.Raw)] || pins[sha256.Sum256(leaf.RawSubjectPublicKeyInfo)] {
		return nil
	}
	return pinError(sha256.Sum256(leaf.Raw))
}
