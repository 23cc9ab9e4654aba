package device

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// source returns the address that a request comes from: the connection's, or, when that is a trusted proxy, the last one in
// X-Forwarded-For that is not one.
func (h *handler) source(r *http.Request) netip.Addr {
	from := remote(r)
	if !h.trusts(from) {
		return from
	}
	for _, line := range backward(r.Header.Values("X-Forwarded-For")) {
		for _, word := range backward(strings.Split(line, ",")) {
			addr, err := netip.ParseAddr(strings.TrimSpace(word))
			if err != nil {
				return from
			}
			from = addr.Unmap().WithZone("")
			if !h.trusts(from) {
				return from
			}
		}
	}
	return from
}

// remote returns the address of the other end of the connection; the zero Addr when it has none.
func remote(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

func (h *handler) trusts(a netip.Addr) bool {
	for _, p := range h.o.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func backward(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[len(list)-1-i] = s
	}
	return out
}

// secure reports whether the device spoke TLS, with us or with a trusted proxy.
func (h *handler) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	return h.trusts(remote(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// baseURL returns the address under which the device reaches us: the configured one, else what it used.
func (h *handler) baseURL(r *http.Request) string {
	if h.o.DeviceURL != "" {
		return h.o.DeviceURL
	}
	host := r.Host
	if h.trusts(remote(r)) {
		if f := r.Header.Get("X-Forwarded-Host"); plainHost(f) {
			host = f
		}
	}
	if !plainHost(host) {
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = local.String()
		}
	}
	if h.secure(r) {
		return "https://" + host
	}
	return "http://" + host
}

// plainHost reports whether s is a host with or without a port and nothing else.
func plainHost(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._:[]", c) >= 0:
		default:
			return false
		}
	}
	return true
}
