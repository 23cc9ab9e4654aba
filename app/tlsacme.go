package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
	"golang.org/x/net/http/httpproxy"
)

// acmeCerts are the certificates of an ACME server, one for each public name, for all listeners
// whose mode is acme.
type acmeCerts struct {
	names   []string // at least one
	cache   *certmagic.Cache
	manager *certmagic.Config
	issuer  *certmagic.ACMEIssuer
}

func newACMECerts(o tlsOptions, storage certmagic.Storage, event func(context.Context, string, map[string]any) error) (*acmeCerts, error) {
	cfg := o.Config.TLS.ACME
	a := &acmeCerts{names: o.Config.publicNames()}
	template := certmagic.ACMEIssuer{
		CA:                      cfg.Directory,
		TestCA:                  cfg.Directory, // after a failure too, nobody else is asked
		Email:                   cfg.Email,
		Agreed:                  true,
		DisableHTTPChallenge:    cfg.HTTPListen == "",
		DisableTLSALPNChallenge: cfg.HTTPListen != "",
		Logger:                  newZap(o.Log),
		HTTPProxy:               acmeProxy(o),
	}
	challengeAddr := o.Config.Listen
	if o.Config.TLS.Portal.Mode != TLSACME {
		challengeAddr = o.Config.DeviceListen
	}
	if cfg.HTTPListen != "" {
		challengeAddr = cfg.HTTPListen
	}
	// certmagic tries to open the challenge's port itself; told the port of ours, it finds it taken
	// and leaves the answer to us.
	host, port, err := net.SplitHostPort(challengeAddr)
	if err != nil {
		return nil, fmt.Errorf("read the address %q: %w", challengeAddr, err)
	}
	template.ListenHost = host
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("read the port of %q: %w", challengeAddr, err)
	}
	template.AltHTTPPort, template.AltTLSALPNPort = n, n
	if cfg.EABKeyID != "" {
		template.ExternalAccount = &acme.EAB{KeyID: cfg.EABKeyID, MACKey: strings.TrimRight(cfg.EABHMAC.Reveal(), "=")}
	}
	if template.TrustedRoots, err = acmeRoots(o.Config); err != nil {
		return nil, err
	}
	a.cache, a.manager = newManager(o, storage, event, func(m *certmagic.Config) certmagic.Issuer {
		a.issuer = certmagic.NewACMEIssuer(m, template)
		return a.issuer
	})
	return a, nil
}

// acmeRoots returns what the ACME server is checked against; nil means the system's roots.
func acmeRoots(cfg Config) (*x509.CertPool, error) {
	if file := cfg.TLS.ACME.RootsFile; file != "" {
		pool, err := readRoots(file)
		if err != nil {
			return nil, fmt.Errorf("read tls.acme.roots_file: %w", err)
		}
		return pool, nil
	}
	if cfg.Outbound.CAFile == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's root certificates: %w", err)
	}
	roots, err := cfg.Outbound.Roots()
	if err != nil {
		return nil, err
	}
	pool.AppendCertsFromPEM(roots)
	return pool, nil
}

// acmeProxy is where each request to the ACME server passes, so it also tells who is contacted.
func acmeProxy(o tlsOptions) func(*http.Request) (*url.URL, error) {
	var proxy httpproxy.Config // of the configuration alone; the environment is not asked
	if u := o.Config.Outbound.ProxyURL(); u != nil {
		proxy.HTTPProxy, proxy.HTTPSProxy = u.String(), u.String()
		proxy.NoProxy = strings.Join(o.Config.Outbound.NoProxy, ",")
	}
	choose := proxy.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) {
		if o.Contacted != nil {
			o.Contacted(r.URL.Host)
		}
		return choose(r.URL)
	}
}

// manage starts to obtain and renew in the background; ctx ends that.
func (a *acmeCerts) manage(ctx context.Context) error {
	return a.manager.ManageAsync(ctx, a.names)
}

// certificate returns the certificate for the client, nil when there is none yet or the name is
// not a public one of ours.
func (a *acmeCerts) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Contains(hello.SupportedProtos, acmez.ACMETLS1Protocol) {
		return a.manager.GetCertificate(hello) // the server's own question (RFC 8737)
	}
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if name == "" {
		name = a.names[0]
	}
	if !slices.Contains(a.names, name) {
		return nil, nil
	}
	return cached(a.cache, name), nil
}

func (a *acmeCerts) leaf(name string) *x509.Certificate { return cachedLeaf(a.cache, name) }

// ChallengeHandler answers the ACME server's HTTP-01 question and sends everybody else to the
// portal. It is nil where tls.acme.http_listen is not set.
func (t *TLS) ChallengeHandler(portal *url.URL) http.Handler {
	if t.acme == nil || t.cfg.TLS.ACME.HTTPListen == "" {
		return nil
	}
	return t.acme.issuer.HTTPChallengeHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "Use "+portal.String(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, portal.String()+"/", http.StatusFound)
	}))
}
