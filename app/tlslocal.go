package app

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
)

// The local authority's files in certmagic's storage.
const (
	rootFolder = "local-ca"
	rootCert   = rootFolder + "/root.crt"
	rootKey    = rootFolder + "/root.key"
)

// How long certificates of the local authority are valid. A device without a battery for its
// clock starts in the year of its firmware, so root and device leaf begin long before us. The
// root ends where ASN.1's short form of a date does (RFC 5280 §4.1.2.5): small parsers know no other.
// Browsers take no leaf of more than 397 days.
func rootValidity(now time.Time) (from, to time.Time) {
	to = time.Date(2049, time.December, 31, 23, 59, 59, 0, time.UTC)
	if now.AddDate(15, 0, 0).After(to) {
		to = now.AddDate(30, 0, 0)
	}
	return time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC), to
}

func deviceValidity(now time.Time) (from, to time.Time) {
	from, _ = rootValidity(now)
	return from, now.AddDate(10, 0, 0)
}

func portalValidity(now time.Time) (from, to time.Time) {
	return now.Add(-time.Hour), now.AddDate(0, 0, 90)
}

// localCA is the authority of our own: a root that signs leaves directly.
type localCA struct {
	root *x509.Certificate
	key  crypto.Signer
}

// loadLocalCA loads the root or makes it. The certificate is written last, so its presence says
// that the key is there too.
func loadLocalCA(ctx context.Context, storage certmagic.Storage, now time.Time, hostname, keyType string) (*localCA, error) {
	certPEM, err := storage.Load(ctx, rootCert)
	if errors.Is(err, fs.ErrNotExist) {
		return makeLocalCA(ctx, storage, now, hostname, keyType)
	}
	if err != nil {
		return nil, fmt.Errorf("load the local authority: %w", err)
	}
	keyPEM, err := storage.Load(ctx, rootKey)
	if err != nil {
		return nil, fmt.Errorf("load the local authority's key: %w; put the file back from a backup, or move the folder %s away: "+
			"then a new authority is made, whose root every browser and device has to learn", err, rootFolder)
	}
	block, _ := pem.Decode(certPEM)
	if block == nil {
		return nil, fmt.Errorf("load the local authority: %s holds no certificate", rootCert)
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("load the local authority: %w", err)
	}
	key, err := certmagic.PEMDecodePrivateKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("load the local authority's key: %w", err)
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(root.PublicKey) {
		return nil, errors.New("load the local authority: its key belongs to another certificate")
	}
	return &localCA{root: root, key: key}, nil
}

func makeLocalCA(ctx context.Context, storage certmagic.Storage, now time.Time, hostname, keyType string) (*localCA, error) {
	key, err := keySource(keyType).GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("make the local authority's key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("make the local authority's key: a %T can't sign", key)
	}
	from, to := rootValidity(now)
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{Organization: []string{"Lintel"}, CommonName: clip("Local root of "+hostname, 64)},
		NotBefore:             from,
		NotAfter:              to,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("make the local authority: %w", err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the local authority: %w", err)
	}
	keyPEM, err := certmagic.PEMEncodePrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make the local authority's key: %w", err)
	}
	if err := storage.Store(ctx, rootKey, keyPEM); err != nil {
		return nil, fmt.Errorf("store the local authority's key: %w", err)
	}
	if err := storage.Store(ctx, rootCert, pemCert(der)); err != nil {
		return nil, fmt.Errorf("store the local authority: %w", err)
	}
	return &localCA{root: root, key: signer}, nil
}

func (ca *localCA) state() *RootState {
	return &RootState{
		Name:        ca.root.Subject.CommonName,
		NotAfter:    ca.root.NotAfter,
		Fingerprint: fingerprint(ca.root.Raw),
		PEM:         pemCert(ca.root.Raw),
		DER:         bytes.Clone(ca.root.Raw),
	}
}

// localIssuer is the local authority as certmagic sees it, for one listener. Whatever single name
// certmagic asks for, the leaf holds all names and addresses: a client without SNI can then be
// given any of them.
type localIssuer struct {
	ca       *localCA
	listener string
	now      func() time.Time
	validity func(now time.Time) (from, to time.Time)
	names    func() ([]string, []netip.Addr, error)
}

// IssuerKey names the folder in the storage.
func (i *localIssuer) IssuerKey() string { return "lintel-" + i.listener }

// Issue signs a leaf for the request's key.
func (i *localIssuer) Issue(_ context.Context, csr *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check the request's signature: %w", err)
	}
	names, ips, err := i.names()
	if err != nil {
		return nil, err
	}
	from, to := i.validity(i.now())
	if to.After(i.ca.root.NotAfter) {
		to = i.ca.root.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{Organization: []string{"Lintel"}},
		NotBefore:    from,
		NotAfter:     to,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     names,
	}
	if _, isRSA := csr.PublicKey.(*rsa.PublicKey); isRSA {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	if len(names[0]) <= 64 {
		template.Subject.CommonName = names[0]
	}
	for _, ip := range ips {
		template.IPAddresses = append(template.IPAddresses, net.IP(ip.AsSlice()))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.ca.root, csr.PublicKey, i.ca.key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return &certmagic.IssuedCertificate{Certificate: pemCert(der)}, nil
}

// localCerts is the local authority's certificate of one listener, kept by certmagic.
type localCerts struct {
	subject string // the name that certmagic manages; the first of the leaf's
	names   func() ([]string, []netip.Addr, error)
	cache   *certmagic.Cache
	manager *certmagic.Config
}

func newLocalCerts(ctx context.Context, o tlsOptions, ca *localCA, storage certmagic.Storage, listener string,
	event func(context.Context, string, map[string]any) error,
) (*localCerts, error) {
	l := &localCerts{}
	l.names = func() ([]string, []netip.Addr, error) {
		host, err := o.Hostname()
		if err != nil {
			return nil, nil, fmt.Errorf("ask for this machine's name: %w", err)
		}
		addrs, err := o.Addrs()
		if err != nil {
			return nil, nil, fmt.Errorf("ask for this machine's addresses: %w", err)
		}
		names, ips := localNames(o.Config, host, addrs)
		return names, ips, nil
	}
	names, _, err := l.names()
	if err != nil {
		return nil, err
	}
	l.subject = names[0]
	issuer := &localIssuer{ca: ca, listener: listener, now: o.Now, validity: portalValidity, names: l.names}
	if listener == "device" {
		issuer.validity = deviceValidity
	}
	l.cache, l.manager = newManager(o, storage, event, func(*certmagic.Config) certmagic.Issuer { return issuer })
	// A device may have been told to trust the very key.
	l.manager.ReusePrivateKeys = listener == "device"
	l.manager.DisableARI = true
	if err := l.manager.ManageSync(ctx, []string{l.subject}); err != nil {
		l.cache.Stop()
		return nil, err
	}
	if _, err := l.coverNames(ctx); err != nil {
		l.cache.Stop()
		return nil, err
	}
	return l, nil
}

// coverNames makes a new leaf when this machine has a name or address that the present one does
// not show, or when the authority itself was replaced. A name that is gone is no reason.
func (l *localCerts) coverNames(ctx context.Context) (renewed bool, err error) {
	leaf := l.leaf()
	names, ips, err := l.names()
	if err != nil || leaf == nil {
		return false, err
	}
	if l.covers(leaf, names, ips) {
		return false, nil
	}
	var old []string
	for _, cert := range l.cache.AllMatchingCertificates(l.subject) {
		old = append(old, cert.Hash())
	}
	if err := l.manager.RenewCertSync(ctx, l.subject, true); err != nil {
		return false, fmt.Errorf("renew for new names: %w", err)
	}
	// First in, then out: there is no moment without a certificate.
	if _, err := l.manager.CacheManagedCertificate(ctx, l.subject); err != nil {
		return false, fmt.Errorf("load the new certificate: %w", err)
	}
	l.cache.Remove(old)
	return true, nil
}

func (l *localCerts) covers(leaf *x509.Certificate, names []string, ips []netip.Addr) bool {
	issuer, isLocal := l.manager.Issuers[0].(*localIssuer)
	if !isLocal || leaf.CheckSignatureFrom(issuer.ca.root) != nil {
		return false
	}
	for _, name := range names {
		if !slices.Contains(leaf.DNSNames, name) {
			return false
		}
	}
	for _, ip := range ips {
		if !slices.ContainsFunc(leaf.IPAddresses, net.IP(ip.AsSlice()).Equal) {
			return false
		}
	}
	return true
}

func (l *localCerts) certificate() (*tls.Certificate, error) {
	if cert := cached(l.cache, l.subject); cert != nil {
		return cert, nil
	}
	return nil, errors.New("the local authority's certificate is not loaded")
}

func (l *localCerts) leaf() *x509.Certificate { return cachedLeaf(l.cache, l.subject) }

// cached returns the certificate for a name that is served now, or nil. It costs a fifth of
// certmagic's own GetCertificate, which asks what we know: that the name is managed and loaded.
func cached(cache *certmagic.Cache, name string) *tls.Certificate {
	var newest *tls.Certificate
	certs := cache.AllMatchingCertificates(name)
	for i := range certs {
		if newest == nil || certs[i].Leaf.NotAfter.After(newest.Leaf.NotAfter) {
			newest = &certs[i].Certificate
		}
	}
	return newest
}

func cachedLeaf(cache *certmagic.Cache, name string) *x509.Certificate {
	if cert := cached(cache, name); cert != nil {
		return cert.Leaf
	}
	return nil
}

// newManager makes a certmagic configuration with a cache of its own. None of certmagic's package
// defaults is left in effect: they would ask a public authority.
func newManager(o tlsOptions, storage certmagic.Storage, event func(context.Context, string, map[string]any) error,
	issuer func(*certmagic.Config) certmagic.Issuer,
) (*certmagic.Cache, *certmagic.Config) {
	var manager *certmagic.Config
	log := newZap(o.Log)
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return manager, nil },
		RenewCheckInterval: o.renewEvery,
		Logger:             log,
	})
	manager = certmagic.New(cache, certmagic.Config{
		Issuers:             []certmagic.Issuer{noIssuer{}}, // replaced at once; nil would mean the default
		KeySource:           keySource(o.Config.TLS.KeyType),
		Storage:             storage,
		OCSP:                certmagic.OCSPConfig{DisableStapling: true},
		OnEvent:             event,
		ShouldEmitFunc:      func(name string) bool { return name == "cert_obtained" || name == "cert_failed" },
		DisableStorageCheck: true,
		Logger:              log,
	})
	manager.Issuers = []certmagic.Issuer{issuer(manager)}
	return cache, manager
}

// noIssuer stands where an issuer has to be while the real one is made.
type noIssuer struct{}

func (noIssuer) IssuerKey() string { return "none" }

func (noIssuer) Issue(context.Context, *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	return nil, errors.New("there is no issuer")
}

func keySource(keyType string) certmagic.KeyGenerator {
	if keyType == "rsa" {
		return certmagic.StandardKeyGenerator{KeyType: certmagic.RSA2048}
	}
	return certmagic.StandardKeyGenerator{KeyType: certmagic.P256}
}

// newSerial returns 127 random bits: positive and unique (RFC 5280 §4.1.2.2).
func newSerial() *big.Int {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[0] &= 0x7f
	b[0] |= 0x40 // the same length always
	return new(big.Int).SetBytes(b[:])
}

func pemCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func clip(s string, n int) string {
	return strings.TrimRight(s[:min(n, len(s))], " ")
}
