package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// errRefused is why an address is not dialled.
var errRefused = errors.New("address refused")

// guard decides which addresses may be dialled. It looks at what a name has resolved to, at the moment
// of the connection, so that no name can change its meaning after the check.
type guard struct {
	loopback bool
	own      func() []netip.AddrPort
}

// control is net.Dialer.ControlContext.
func (g guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errRefused
	}
	return g.check(ap)
}

// host checks a URL whose host is an address or the name localhost: with a proxy it is not we who dial.
func (g guard) host(u *url.URL) error {
	name := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		name = "127.0.0.1"
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return nil // a name: checked when it is dialled
	}
	return g.check(netip.AddrPortFrom(addr, uint16(port(u)))) //nolint:gosec // a port out of range fails when dialled
}

// check allows public and private addresses, and loopback when the options say so.
func (g guard) check(ap netip.AddrPort) error {
	a := embedded(ap.Addr().Unmap().WithZone(""))
	ap = netip.AddrPortFrom(a, ap.Port())
	switch {
	case a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast(), a.IsInterfaceLocalMulticast():
		return errRefused
	case inAny(refused(), a):
		return errRefused
	case g.isOwn(ap):
		return errRefused
	case a.IsLoopback() && !g.loopback:
		return errRefused
	}
	return nil
}

// refused lists addresses that answer machines about themselves (clouds' metadata) or lead nowhere good.
// Link-local 169.254.0.0/16 and fe80::/10, where most metadata services live, are refused before.
func refused() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("255.255.255.255/32"),
		netip.MustParsePrefix("fd00:ec2::254/128"),  // AWS
		netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud
		netip.MustParsePrefix("168.63.129.16/32"),   // Azure
		netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
		netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
	}
}

func inAny(ps []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(ps, func(p netip.Prefix) bool { return p.Contains(a) })
}

// embedded returns the IPv4 address inside an IPv6 one that a translator would reach: NAT64
// (64:ff9b::/96, RFC 6052) and 6to4 (2002::/16, RFC 3056). Other addresses come back as they are.
func embedded(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	b := a.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a):
		return netip.AddrFrom4([4]byte(b[12:]))
	case netip.MustParsePrefix("2002::/16").Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

// isOwn reports whether this program listens there, wildcard listeners included.
func (g guard) isOwn(ap netip.AddrPort) bool {
	if g.own == nil {
		return false
	}
	for _, l := range g.own() {
		if l.Port() != ap.Port() {
			continue
		}
		if a := l.Addr().Unmap(); a == ap.Addr() || a.IsUnspecified() && isLocal(ap.Addr()) {
			return true
		}
	}
	return false
}

// isLocal reports whether a is an address of this machine; when the machine does not tell, it is.
func isLocal(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(addrs, func(x net.Addr) bool {
		n, ok := x.(*net.IPNet)
		if !ok {
			return false
		}
		b, ok := netip.AddrFromSlice(n.IP)
		return ok && b.Unmap() == a
	})
}

// noProxyRule is one entry of Options.NoProxy.
type noProxyRule struct {
	all    bool
	suffix string // name without leading dot, lower case
	prefix netip.Prefix
	port   int // 0 = any
}

func parseNoProxy(s string) (noProxyRule, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "*" {
		return noProxyRule{all: true}, nil
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return noProxyRule{prefix: p.Masked()}, nil
	}
	var r noProxyRule
	if host, p, err := net.SplitHostPort(s); err == nil {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 65535 {
			return r, fmt.Errorf("read no_proxy entry %q: the port is not a number", s)
		}
		s, r.port = host, n
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		r.prefix = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		return r, nil
	}
	r.suffix = strings.TrimPrefix(strings.TrimPrefix(s, "*"), ".")
	if r.suffix == "" || strings.ContainsAny(r.suffix, "/ *") {
		return r, fmt.Errorf("read no_proxy entry %q: want a name, an address or a prefix", s)
	}
	return r, nil
}

// direct reports whether u is reached without the proxy. Loopback always is.
func (o *Outbound) direct(u *url.URL) bool {
	name := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	addr, err := netip.ParseAddr(name)
	isAddr := err == nil
	if isAddr && addr.Unmap().IsLoopback() || name == "localhost" {
		return true
	}
	return slices.ContainsFunc(o.noProxy, func(r noProxyRule) bool {
		switch {
		case r.all:
			return true
		case r.port != 0 && r.port != port(u):
			return false
		case r.prefix.IsValid():
			return isAddr && r.prefix.Contains(addr.Unmap())
		}
		return name == r.suffix || strings.HasSuffix(name, "."+r.suffix)
	})
}
