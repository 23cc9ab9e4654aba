package app

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"lintel/app/secret"
)

// Config is the whole configuration. LoadConfig makes one; its zero value is not valid. What each
// field means, its key and its default stand in configKeys.
type Config struct {
	DataDir string // absolute
	FontDir string // may be empty
	KeyFile string // empty: keys/master.key in the data folder

	Listen         string // host:port of the portal
	BaseURL        string // empty: made from Listen; never ends with a slash, may have a path
	DeviceListen   string // host:port of the devices
	DeviceURL      string // empty: made from DeviceListen; never ends with a slash
	TrustedProxies []netip.Prefix

	TLS      TLSConfig
	Log      LogConfig
	Outbound OutboundConfig
	Limits   LimitsConfig
}

// TLSConfig says how the two listeners get their certificates.
type TLSConfig struct {
	Portal  ListenerTLS
	Device  ListenerTLS
	Names   []string // host names and addresses besides those that are found
	KeyType string   // ecdsa or rsa
	HSTS    bool     // of the portal, mode files or acme only
	ACME    ACMEConfig
}

// ListenerTLS is the TLS of one listener.
type ListenerTLS struct {
	Mode     TLSMode
	CertFile string // PEM chain, mode files only
	KeyFile  string // PEM key, mode files only
}

// TLSMode is where a listener's certificate comes from.
type TLSMode string

// The modes.
const (
	TLSOff     TLSMode = "off"      // plain HTTP: loopback, or behind a proxy
	TLSLocalCA TLSMode = "local-ca" // our own certificate authority
	TLSFiles   TLSMode = "files"    // certificate files that somebody else renews
	TLSACME    TLSMode = "acme"     // an ACME server
)

// ACMEConfig is used only where a listener's mode is acme.
type ACMEConfig struct {
	Directory  string
	Email      string
	RootsFile  string // PEM; empty: the system's roots
	EABKeyID   string
	EABHMAC    secret.Text // base64url, as the authority hands it out
	HTTPListen string      // host:port for HTTP-01; empty: TLS-ALPN-01 only
}

// LogConfig is the log on standard error.
type LogConfig struct {
	Level  slog.Level
	Format string // auto, text, json or journal
}

// OutboundConfig is the one way out of the house.
type OutboundConfig struct {
	Proxy         string // http://host:port without a password; empty: none
	ProxyUser     string
	ProxyPassword secret.Text
	NoProxy       []string
	CAFile        string // PEM, in addition to the system's roots
	AllowLoopback bool
}

// LimitsConfig bounds what clients may take.
type LimitsConfig struct {
	Connections  int           // open connections for each listener
	RequestBytes int64         // of one request's body
	StopTimeout  time.Duration // how long requests under way may take at a stop
}

// ProxyURL returns the proxy with its credentials, or nil when there is none.
func (c OutboundConfig) ProxyURL() *url.URL {
	if c.Proxy == "" {
		return nil
	}
	u, err := url.Parse(c.Proxy)
	if err != nil {
		return nil // Validate has refused it
	}
	if c.ProxyUser != "" {
		u.User = url.UserPassword(c.ProxyUser, c.ProxyPassword.Reveal())
	}
	return u
}
