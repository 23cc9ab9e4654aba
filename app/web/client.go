package web

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
)

// client is who sent a request, past the proxies that are trusted.
type client struct {
	addr   netip.Addr // the zero Addr when it is not known
	secure bool       // the browser speaks TLS
}

type clientKey struct{}

// clientOf returns the client of a request that went through withClient.
func clientOf(r *http.Request) client {
	c, _ := r.Context().Value(clientKey{}).(client)
	return c
}

// withClient finds out the client. Of X-Forwarded-For the right-most address that is no trusted proxy
// counts: what stands left of it was written by the client itself. Headers of anybody else are ignored.
func (s *Server) withClient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, _ := netip.ParseAddrPort(r.RemoteAddr)
		c := client{addr: peer.Addr().Unmap(), secure: r.TLS != nil}
		r2 := r
		if s.trusted(c.addr) {
			c.addr = s.forwardedFor(r, c.addr)
			if host := lastOf(r.Header.Values("X-Forwarded-Host")); host != "" {
				r2 = r.Clone(r.Context())
				r2.Host = host
			}
			if proto := lastOf(r.Header.Values("X-Forwarded-Proto")); proto != "" {
				c.secure = strings.EqualFold(proto, "https")
			}
		}
		// A proxy that says nothing: whoever asks for the public name got there by its scheme.
		if s.BaseURL.Scheme == "https" && strings.EqualFold(r2.Host, s.BaseURL.Host) {
			c.secure = true
		}
		next.ServeHTTP(w, r2.WithContext(context.WithValue(r2.Context(), clientKey{}, c)))
	})
}

func (s *Server) trusted(a netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func (s *Server) forwardedFor(r *http.Request, peer netip.Addr) netip.Addr {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	at := peer
	for i := len(hops) - 1; i >= 0; i-- {
		hop, ok := parseHop(hops[i])
		if !ok {
			return at // beyond this nothing can be believed
		}
		at = hop
		if !s.trusted(hop) {
			return at
		}
	}
	return at
}

// parseHop reads an address of X-Forwarded-For, with or without a port.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap(), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap(), err == nil
}

// lastOf returns the last element of a header that is a list: the one that the nearest proxy wrote.
func lastOf(values []string) string {
	all := strings.Join(values, ",")
	return strings.TrimSpace(all[strings.LastIndex(all, ",")+1:])
}

// withBase takes the base path off. A proxy may pass it on or may have taken it off itself: both work.
func (s *Server) withBase(next http.Handler) http.Handler {
	if s.base == "" {
		return next
	}
	strip := http.StripPrefix(s.base, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == s.base:
			http.Redirect(w, r, s.base+"/", http.StatusPermanentRedirect)
		case strings.HasPrefix(r.URL.Path, s.base+"/"):
			strip.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
