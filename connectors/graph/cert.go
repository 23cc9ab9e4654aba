package graph

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // Entra shows a thumbprint by SHA-1; nothing rests on it
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"lintel/app/secret"
)

// DefaultValidity is how long a generated certificate is valid.
const DefaultValidity = 2 * 365 * 24 * time.Hour

// keyBits of a generated key.
const keyBits = 3072

// Generate makes a key pair and a certificate signed by itself, valid from just before now on, for a
// validity of at least a day and at most ten years (0 = DefaultValidity). The key stays with us; the
// certificate is uploaded to the application in Entra. Name is shown there.
func Generate(name string, now time.Time, validity time.Duration) (key secret.Text, certificate []byte, err error) {
	if validity == 0 {
		validity = DefaultValidity
	}
	if validity < 24*time.Hour || validity > 10*366*24*time.Hour {
		return key, nil, errors.New("make certificate: the validity is not between a day and ten years")
	}
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return key, nil, fmt.Errorf("make key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return key, nil, fmt.Errorf("make certificate: %w", err)
	}
	from := now.UTC().Add(-10 * time.Minute).Truncate(time.Second)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: from, NotAfter: now.UTC().Add(validity).Truncate(time.Second),
		KeyUsage: x509.KeyUsageDigitalSignature, SignatureAlgorithm: x509.SHA256WithRSA,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return key, nil, fmt.Errorf("make certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return key, nil, fmt.Errorf("write key: %w", err)
	}
	key = secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	return key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// Public is the part of a certificate that an administrator gets.
type Public struct {
	PEM          []byte
	CER          []byte // DER, as a .cer file
	SHA1, SHA256 string // thumbprints in upper-case hex, as Entra shows the first
	From, To     time.Time
}

// Describe returns the public part of a certificate in PEM, and nothing else that the text may hold.
func Describe(certificate []byte) (Public, error) {
	crt, err := parseCertificate(certificate)
	if err != nil {
		return Public{}, err
	}
	s1, s256 := sha1.Sum(crt.Raw), sha256.Sum256(crt.Raw) //nolint:gosec // as above
	return Public{
		PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: crt.Raw}), CER: crt.Raw,
		SHA1: strings.ToUpper(hex.EncodeToString(s1[:])), SHA256: strings.ToUpper(hex.EncodeToString(s256[:])),
		From: crt.NotBefore.UTC(), To: crt.NotAfter.UTC(),
	}, nil
}

// parseCertificate reads the first certificate of a PEM text.
func parseCertificate(text []byte) (*x509.Certificate, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		crt, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("read certificate: it is damaged")
		}
		return crt, nil
	}
	return nil, errors.New("read certificate: no certificate in PEM form found")
}

// parseKey reads the first private key of a PEM text: RSA in PKCS #8 or PKCS #1. Its errors hold nothing
// of the text.
func parseKey(text secret.Text) (*rsa.PrivateKey, error) {
	for block, rest := pem.Decode([]byte(text.Reveal())); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "RSA PRIVATE KEY":
			if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
				return k, nil
			}
		case "PRIVATE KEY":
			if k, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
				if k, ok := k.(*rsa.PrivateKey); ok {
					return k, nil
				}
			}
			return nil, errors.New("read key: Entra takes RSA keys only")
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("read key: it is encrypted with a password; give it without")
		}
	}
	return nil, errors.New("read key: no private key in PEM form found")
}

// signer makes the assertions by which the application signs in (RFC 7523).
type signer struct {
	key        *rsa.PrivateKey
	thumbprint string // x5t#S256
	rs256      bool
	expires    time.Time
}

func newSigner(key secret.Text, certificate []byte, rs256 bool) (*signer, error) {
	crt, err := parseCertificate(certificate)
	if err != nil {
		return nil, err
	}
	k, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	if !k.PublicKey.Equal(crt.PublicKey) {
		return nil, errors.New("read key: it does not belong to the certificate")
	}
	if k.N.BitLen() < 2048 {
		return nil, errors.New("read key: it is shorter than 2048 bits")
	}
	sum := sha256.Sum256(crt.Raw)
	return &signer{key: k, thumbprint: base64.RawURLEncoding.EncodeToString(sum[:]), rs256: rs256, expires: crt.NotAfter.UTC()}, nil
}

// An assertion is valid for ten minutes, some of them before now, since clocks differ.
const (
	assertionBack  = 2 * time.Minute
	assertionAhead = 8 * time.Minute
)

// assertion returns a signed JWT for audience.
func (s *signer) assertion(clientID, audience string, now time.Time) (secret.Text, error) {
	alg := "PS256"
	if s.rs256 {
		alg = "RS256"
	}
	head, err := json.Marshal(map[string]string{"alg": alg, "typ": "JWT", "x5t#S256": s.thumbprint})
	if err != nil {
		return secret.Text{}, err
	}
	claims, err := json.Marshal(map[string]any{
		"aud": audience, "iss": clientID, "sub": clientID, "jti": rand.Text(),
		"nbf": now.Add(-assertionBack).Unix(), "iat": now.Unix(), "exp": now.Add(assertionAhead).Unix(),
	})
	if err != nil {
		return secret.Text{}, err
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString(head) + "." + b64.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	var sig []byte
	if s.rs256 {
		sig, err = rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	} else {
		sig, err = rsa.SignPSS(rand.Reader, s.key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	if err != nil {
		return secret.Text{}, errors.New("sign in: the key does not sign")
	}
	return secret.New(text + "." + b64.EncodeToString(sig)), nil
}
