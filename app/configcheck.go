package app

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Validate returns what is wrong, one sentence with its cure each; nil means that the
// configuration can be used. It looks at nothing outside c.
func (c Config) Validate() []string {
	var faults []string
	bad := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	checkListen(bad, "listen", c.Listen)
	checkListen(bad, "device_listen", c.DeviceListen)
	if c.Listen == c.DeviceListen && !strings.HasSuffix(c.Listen, ":0") {
		bad("listen and device_listen are both %q; give devices a port of their own", c.Listen)
	}
	checkURL(bad, "base_url", c.BaseURL)
	checkURL(bad, "device_url", c.DeviceURL)
	if strings.HasPrefix(c.BaseURL, "http://") && c.TLS.Portal.Mode != TLSOff {
		bad("base_url begins with http:// but tls.portal.mode is %q; write https://", c.TLS.Portal.Mode)
	}
	if strings.HasPrefix(c.DeviceURL, "http://") && c.TLS.Device.Mode != TLSOff {
		bad("device_url begins with http:// but tls.device.mode is %q; write https://", c.TLS.Device.Mode)
	}
	for _, p := range c.TrustedProxies {
		if p.Bits() == 0 {
			bad("trusted_proxies holds %s: then every client could claim any address; name the proxy's own address", p)
		}
	}
	c.validateTLS(bad)
	c.validateOutbound(bad)
	if c.Limits.Connections < 16 {
		bad("limits.connections is %d; it has to be at least 16", c.Limits.Connections)
	}
	if c.Limits.RequestBytes < 64<<10 {
		bad("limits.request_bytes is %d; it has to be at least 65536", c.Limits.RequestBytes)
	}
	if c.Limits.StopTimeout < time.Second || c.Limits.StopTimeout > 5*time.Minute {
		bad("limits.stop_timeout is %s; choose between 1s and 5m", c.Limits.StopTimeout)
	}
	return faults
}

func (c Config) validateTLS(bad func(string, ...any)) {
	acme := false
	for _, l := range []struct {
		name string
		ListenerTLS
	}{{"tls.portal", c.TLS.Portal}, {"tls.device", c.TLS.Device}} {
		files := l.CertFile != "" || l.KeyFile != ""
		switch {
		case l.Mode == TLSFiles && (l.CertFile == "" || l.KeyFile == ""):
			bad("%[1]s.mode is \"files\"; set both %[1]s.cert_file and %[1]s.key_file", l.name)
		case l.Mode != TLSFiles && files:
			bad("%[1]s.cert_file and %[1]s.key_file are used only where %[1]s.mode is \"files\", but it is %[2]q", l.name, l.Mode)
		}
		acme = acme || l.Mode == TLSACME
	}
	for _, name := range c.TLS.Names {
		if _, err := netip.ParseAddr(name); err != nil && !isHostName(name) {
			bad("tls.names holds %q, which is neither a host name nor an IP address; leave out port and https://", name)
		}
	}
	if c.TLS.HSTS && c.TLS.Portal.Mode != TLSFiles && c.TLS.Portal.Mode != TLSACME {
		bad("tls.hsts is used only where tls.portal.mode is \"files\" or \"acme\", but it is %q; behind a proxy, the proxy sends that header", c.TLS.Portal.Mode)
	}
	a := c.TLS.ACME
	if (a.EABKeyID == "") != a.EABHMAC.IsZero() {
		bad("tls.acme.eab_key_id and tls.acme.eab_hmac belong together; set both or none")
	}
	if !a.EABHMAC.IsZero() {
		if _, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(a.EABHMAC.Reveal(), "=")); err != nil {
			bad("tls.acme.eab_hmac is not base64url; copy it again from the authority")
		}
	}
	if !acme {
		return
	}
	u, err := url.Parse(a.Directory)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		bad("tls.acme.directory is %q; it has to be an https:// address", a.Directory)
	}
	if a.HTTPListen != "" {
		checkListen(bad, "tls.acme.http_listen", a.HTTPListen)
	}
	if len(c.publicNames()) == 0 {
		bad("an ACME certificate needs a host name; set base_url, device_url or tls.names to the name under which this server is reached")
	}
	if c.TLS.ACME.publicAuthority() {
		for _, name := range c.publicNames() {
			if isInternalName(name) {
				bad("no public authority gives a certificate for %q; use local-ca, or set tls.acme.directory to your own authority", name)
			}
		}
	}
}

func (c Config) validateOutbound(bad func(string, ...any)) {
	o := c.Outbound
	if o.Proxy != "" {
		u, err := url.Parse(o.Proxy)
		switch {
		case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
			bad("outbound.proxy has to look like http://proxy.example.com:3128")
		case u.User != nil:
			bad("outbound.proxy holds a password; move it to outbound.proxy_user and outbound.proxy_password")
		}
	}
	if o.Proxy == "" && o.ProxyUser != "" {
		bad("outbound.proxy_user is set without outbound.proxy")
	}
	if o.ProxyUser == "" && !o.ProxyPassword.IsZero() {
		bad("outbound.proxy_password is set without outbound.proxy_user")
	}
}

// Warnings returns what works but should be known, one sentence each.
func (c Config) Warnings() []string {
	var out []string
	if c.TLS.Portal.Mode == TLSOff && !isLoopback(c.Listen) && len(c.TrustedProxies) == 0 {
		out = append(out, fmt.Sprintf("The portal listens on %s without encryption: passwords cross the network in clear. "+
			"Set tls.portal.mode to local-ca, or listen on 127.0.0.1 behind a proxy and name it in trusted_proxies.", c.Listen))
	}
	if c.TLS.Device.Mode == TLSOff && !isLoopback(c.DeviceListen) && len(c.TrustedProxies) == 0 {
		out = append(out, fmt.Sprintf("Devices are served on %s without encryption: their keys and pictures can be read on the network. "+
			"Set tls.device.mode to local-ca where the devices allow it.", c.DeviceListen))
	}
	if strings.HasPrefix(c.BaseURL, "https://") && c.TLS.Portal.Mode == TLSOff && len(c.TrustedProxies) == 0 {
		out = append(out, "base_url begins with https:// and the portal itself does not speak it, so a proxy stands in front. "+
			"Name it in trusted_proxies, or all people share one address in limits and logs.")
	}
	if c.BaseURL == "" && !isLoopback(c.Listen) {
		out = append(out, "base_url is not set: links in mails and on door pictures use this machine's name. Set it to the address that people type.")
	}
	return out
}

// CheckFiles reads the files that the configuration names and returns what is wrong with them.
func (c Config) CheckFiles() []string {
	var faults []string
	bad := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for _, f := range []struct{ key, path string }{
		{"tls.acme.roots_file", c.TLS.ACME.RootsFile}, {"outbound.ca_file", c.Outbound.CAFile},
	} {
		if f.path == "" {
			continue
		}
		if _, err := readRoots(f.path); err != nil {
			bad("%s: %v", f.key, err)
		}
	}
	for _, l := range []struct {
		name string
		ListenerTLS
	}{{"tls.portal", c.TLS.Portal}, {"tls.device", c.TLS.Device}} {
		if l.Mode != TLSFiles {
			continue
		}
		if _, err := tls.LoadX509KeyPair(l.CertFile, l.KeyFile); err != nil {
			bad("%s.cert_file and %[1]s.key_file: %v", l.name, err)
		}
	}
	if c.FontDir != "" {
		if _, err := os.ReadDir(c.FontDir); err != nil {
			bad("font_dir: %v", err)
		}
	}
	return faults
}

// Roots returns the PEM text of outbound.ca_file, nil when there is none.
func (c OutboundConfig) Roots() ([]byte, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	if _, err := readRoots(c.CAFile); err != nil {
		return nil, fmt.Errorf("read outbound.ca_file: %w", err)
	}
	return readSmall(c.CAFile, maxConfigBytes)
}

// readRoots returns the certificates of a PEM file.
func readRoots(path string) (*x509.CertPool, error) {
	content, err := readSmall(path, maxConfigBytes)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	}
	return pool, nil
}

func checkListen(bad func(string, ...any), key, addr string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		bad("%s is %q; write it as address:port, for example 127.0.0.1:8080 or :8080", key, addr)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		bad("%s has the port %q; it has to be a number up to 65535", key, port)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !isHostName(host) {
		bad("%s has the address %q, which is neither an IP address nor a host name", key, host)
	}
}

func checkURL(bad func(string, ...any), key, raw string) {
	if raw == "" {
		return
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		bad("%s is %q; it has to begin with http:// or https:// and a host name", key, raw)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(raw, "?#"):
		bad("%s is %q; only a host, a port and a path may stand in it", key, raw)
	case u.Path != "" && (strings.Contains(u.Path, "//") || strings.Contains(u.Path+"/", "/../") || strings.Contains(u.Path+"/", "/./")):
		bad("%s is %q; its path has to be plain, such as /rooms", key, raw)
	}
}

// publicNames returns the names that an ACME server is asked about: those of the URLs and
// tls.names, without IP addresses.
func (c Config) publicNames() []string {
	var names []string
	for _, name := range c.configuredNames() {
		if _, err := netip.ParseAddr(name); err != nil {
			names = append(names, name)
		}
	}
	return names
}

// configuredNames returns the names and addresses that the configuration itself holds, each once,
// the portal's first.
func (c Config) configuredNames() []string {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, raw := range []string{c.BaseURL, c.DeviceURL} {
		if u, err := url.Parse(raw); err == nil {
			add(u.Hostname())
		}
	}
	for _, name := range c.TLS.Names {
		add(name)
	}
	return names
}

func (a ACMEConfig) publicAuthority() bool {
	u, err := url.Parse(a.Directory)
	return err == nil && strings.HasSuffix(u.Hostname(), ".letsencrypt.org")
}

func isInternalName(name string) bool {
	for _, end := range []string{"localhost", "local", "internal", "home.arpa", "lan", "intern"} {
		if name == end || strings.HasSuffix(name, "."+end) {
			return true
		}
	}
	return !strings.Contains(name, ".")
}

// isHostName reports whether s is a DNS name, with or without dots (RFC 1123 §2.1).
func isHostName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}

// isLoopback reports whether a listen address is reached from this machine alone.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
