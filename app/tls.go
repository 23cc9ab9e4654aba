package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
)

// TLS gives both listeners their certificates. It contacts nobody but the ACME server, and that
// only where a listener's mode is acme.
type TLS struct {
	log  *slog.Logger
	now  func() time.Time
	cfg  Config
	ca   *localCA // nil where no listener needs one
	acme *acmeCerts

	portal, device *listenerCerts

	mu     sync.Mutex
	faults map[string]TLSFault // "acme", "portal", "device" or "files", a space, subject -> last failure; gone after a success
}

// tlsOptions are what newTLS needs besides the configuration.
type tlsOptions struct {
	Config   Config
	Dir      string // folder for keys and certificates; made with 0700
	Log      *slog.Logger
	Now      func() time.Time
	Hostname func() (string, error)     // os.Hostname
	Addrs    func() ([]net.Addr, error) // net.InterfaceAddrs

	Contacted func(host string) // told of each request to the ACME server; nil: nobody

	renewEvery time.Duration // for tests; 0: certmagic's ten minutes
}

// newTLS makes or loads what the modes need; it does not wait for an ACME server. Close it.
func newTLS(ctx context.Context, o tlsOptions) (*TLS, error) {
	t := &TLS{log: o.Log, now: o.Now, cfg: o.Config, faults: map[string]TLSFault{}}
	modes := []TLSMode{o.Config.TLS.Portal.Mode, o.Config.TLS.Device.Mode}
	local := slices.Contains(modes, TLSLocalCA) || slices.Contains(modes, TLSACME)
	if !local && !slices.Contains(modes, TLSFiles) {
		t.portal, t.device = &listenerCerts{name: "portal", mode: TLSOff}, &listenerCerts{name: "device", mode: TLSOff}
		return t, nil
	}
	var storage *certmagic.FileStorage
	if local {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder for certificates: %w", err)
		}
		storage = &certmagic.FileStorage{Path: o.Dir}
		host, err := o.Hostname()
		if err != nil {
			return nil, fmt.Errorf("ask for this machine's name: %w", err)
		}
		t.ca, err = loadLocalCA(ctx, storage, o.Now(), host, o.Config.TLS.KeyType)
		if err != nil {
			return nil, err
		}
	}
	if slices.Contains(modes, TLSACME) {
		var err error
		if t.acme, err = newACMECerts(o, storage, t.events("acme")); err != nil {
			return nil, err
		}
	}
	var err error
	t.portal, err = t.newListener(ctx, o, storage, "portal", o.Config.TLS.Portal)
	if err == nil {
		t.device, err = t.newListener(ctx, o, storage, "device", o.Config.TLS.Device)
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (t *TLS) newListener(ctx context.Context, o tlsOptions, storage *certmagic.FileStorage, name string, cfg ListenerTLS) (*listenerCerts, error) {
	l := &listenerCerts{name: name, mode: cfg.Mode}
	var err error
	switch cfg.Mode {
	case TLSFiles:
		l.files, err = newFileCert(cfg.CertFile, cfg.KeyFile)
	case TLSLocalCA, TLSACME:
		l.local, err = newLocalCerts(ctx, o, t.ca, storage, name, t.events(name))
		if cfg.Mode == TLSACME {
			l.acme = t.acme
		}
		if err == nil && name == "device" {
			l.browser, err = newLocalCerts(ctx, o, t.ca, storage, "panel", t.events("panel"))
		}
	}
	if err != nil {
		for _, local := range l.locals() {
			local.cache.Stop()
		}
		return nil, fmt.Errorf("make the certificate of the %s listener: %w", name, err)
	}
	return l, nil
}

// Portal returns the portal's TLS configuration, nil for plain HTTP.
func (t *TLS) Portal() *tls.Config { return t.portal.config() }

// Device returns the device listener's TLS configuration, nil for plain HTTP.
func (t *TLS) Device() *tls.Config { return t.device.config() }

// Run keeps the certificates fresh until ctx ends: it asks the ACME server, looks at certificate
// files each minute, and at this machine's names and addresses every five minutes. Start it once
// the listeners are open, as the ACME server connects to them.
func (t *TLS) Run(ctx context.Context) error {
	if t.acme != nil {
		if err := t.acme.manage(ctx); err != nil {
			return fmt.Errorf("manage ACME certificates: %w", err)
		}
	}
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		t.reloadFiles(false)
		if n%5 == 0 {
			t.refreshNames(ctx)
		}
	}
}

// Reload reads the certificate files again at once, as after SIGHUP.
func (t *TLS) Reload() { t.reloadFiles(true) }

func (t *TLS) reloadFiles(force bool) {
	for _, l := range []*listenerCerts{t.portal, t.device} {
		if l.files == nil {
			continue
		}
		changed, err := l.files.reload(force)
		t.note("files "+l.files.certFile, err)
		switch {
		case err != nil:
			t.log.Warn("certificate files can't be used; the old certificate stays", "listener", l.name, "err", err)
		case changed:
			t.log.Info("certificate files read", "listener", l.name)
		}
	}
}

// refreshNames gives a local certificate a successor when this machine has got a new name or address.
func (t *TLS) refreshNames(ctx context.Context) {
	for _, l := range []*listenerCerts{t.portal, t.device} {
		for _, local := range l.locals() {
			renewed, err := local.coverNames(ctx)
			if err != nil {
				t.log.Warn("certificate for new names failed", "listener", l.name, "err", err)
			} else if renewed {
				t.log.Info("certificate made for new names", "listener", l.name)
			}
		}
	}
}

// Close stops the maintenance of certificates.
func (t *TLS) Close() {
	for _, l := range []*listenerCerts{t.portal, t.device} {
		if l == nil {
			continue
		}
		for _, local := range l.locals() {
			local.cache.Stop()
		}
	}
	if t.acme != nil {
		t.acme.cache.Stop()
	}
}

// events listens to one certmagic configuration.
func (t *TLS) events(source string) func(context.Context, string, map[string]any) error {
	return func(_ context.Context, event string, data map[string]any) error {
		subject, _ := data["identifier"].(string)
		switch event {
		case "cert_obtained":
			t.note(source+" "+subject, nil)
			t.log.Info("certificate obtained", "source", source, "host", subject)
		case "cert_failed":
			err, _ := data["error"].(error)
			if err == nil {
				err = errors.New("no reason was given")
			}
			t.note(source+" "+subject, err)
			t.log.Warn("certificate failed", "source", source, "host", subject, "err", err)
		}
		return nil
	}
}

func (t *TLS) note(key string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		delete(t.faults, key)
		return
	}
	t.faults[key] = TLSFault{At: t.now(), Text: err.Error()}
}

// listenerCerts chooses the certificate for each connection of one listener.
type listenerCerts struct {
	name  string
	mode  TLSMode
	files *fileCert
	local *localCerts
	acme  *acmeCerts

	// browser is the device listener's second certificate. Apple's systems refuse a leaf that is valid
	// for more than 825 days, also from an authority that the owner trusts (support article
	// HT210176), so a tablet at a door can't be given the ten years of the others.
	browser *localCerts
}

func (l *listenerCerts) config() *tls.Config {
	if l.mode == TLSOff {
		return nil
	}
	// Session tickets are on by default: a display that comes back saves most of a handshake.
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: l.certificate}
	if l.acme != nil {
		c.NextProtos = []string{acmez.ACMETLS1Protocol}
	}
	return c
}

// certificate never fails for want of a name: a client that sends none, or one that we don't
// know, gets the certificate that holds all our names and addresses.
func (l *listenerCerts) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	switch {
	case l.files != nil:
		return l.files.current.Load(), nil
	case l.acme != nil:
		if cert, err := l.acme.certificate(hello); cert != nil || err != nil {
			return cert, err
		}
	}
	if l.browser != nil && slices.Contains(hello.SupportedProtos, "h2") { // as every browser offers, and no firmware
		return l.browser.certificate()
	}
	return l.local.certificate()
}

// locals returns the local certificates of the listener.
func (l *listenerCerts) locals() []*localCerts {
	var out []*localCerts
	for _, c := range []*localCerts{l.local, l.browser} {
		if c != nil {
			out = append(out, c)
		}
	}
	return out
}

// current returns the leaf that a client without a name gets, or nil.
func (l *listenerCerts) current() *x509.Certificate {
	switch {
	case l.files != nil:
		return l.files.current.Load().Leaf
	case l.acme != nil && l.acme.leaf(l.acme.names[0]) != nil:
		return l.acme.leaf(l.acme.names[0])
	case l.local != nil:
		return l.local.leaf()
	}
	return nil
}

// localNames returns the names and addresses that a local certificate holds, names first, each once.
func localNames(cfg Config, hostname string, addrs []net.Addr) (names []string, ips []netip.Addr) {
	all := cfg.configuredNames()
	if host := strings.ToLower(strings.TrimSuffix(hostname, ".")); isHostName(host) {
		all = append(all, host)
		if !strings.Contains(host, ".") {
			all = append(all, host+".local") // what Avahi announces
		}
	}
	all = append(all, "localhost", "127.0.0.1", "::1")
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if ip := prefix.Addr().WithZone(""); !ip.IsLinkLocalUnicast() && !ip.IsMulticast() {
			all = append(all, ip.Unmap().String())
		}
	}
	for _, name := range all {
		ip, err := netip.ParseAddr(name)
		switch {
		case err != nil && !slices.Contains(names, name):
			names = append(names, name)
		case err == nil && !slices.Contains(ips, ip.Unmap()):
			ips = append(ips, ip.Unmap())
		}
	}
	return names, ips
}
