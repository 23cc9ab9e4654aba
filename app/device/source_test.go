package device

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestSourceAndBaseURL(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, remote, host string
		headers            http.Header
		tls                bool
		deviceURL          string
		source, base       string
	}{
		{name: "direct", remote: "192.0.2.1:5000", host: "lintel.local:8081", source: "192.0.2.1", base: "http://lintel.local:8081"},
		{name: "direct, TLS", remote: "192.0.2.1:5000", host: "192.0.2.9", tls: true, source: "192.0.2.1", base: "https://192.0.2.9"},
		{name: "IPv6", remote: "[2001:db8::1%eth0]:5000", host: "[2001:db8::9]:8081", source: "2001:db8::1", base: "http://[2001:db8::9]:8081"},
		{name: "IPv4 in IPv6", remote: "[::ffff:192.0.2.1]:5000", host: "h", source: "192.0.2.1", base: "http://h"},
		{
			name: "a stranger forwards nothing", remote: "192.0.2.1:5000", host: "h",
			headers: http.Header{"X-Forwarded-For": {"1.2.3.4"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil"}},
			source:  "192.0.2.1", base: "http://h",
		},
		{
			name: "a trusted proxy", remote: "10.0.0.1:5000", host: "inside:8081",
			headers: http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"displays.example.com"}},
			source:  "192.0.2.7", base: "https://displays.example.com",
		},
		{
			name: "two proxies and a liar", remote: "10.0.0.1:5000", host: "h",
			headers: http.Header{"X-Forwarded-For": {"9.9.9.9, 192.0.2.7", "10.0.0.2"}},
			source:  "192.0.2.7", base: "http://h",
		},
		{name: "only proxies", remote: "10.0.0.1:5000", host: "h", headers: http.Header{"X-Forwarded-For": {"10.0.0.3"}}, source: "10.0.0.3", base: "http://h"},
		{name: "nonsense", remote: "10.0.0.1:5000", host: "h", headers: http.Header{"X-Forwarded-For": {"192.0.2.7, for=x"}}, source: "10.0.0.1", base: "http://h"},
		{
			name: "a host that is none", remote: "10.0.0.1:5000", host: "h", headers: http.Header{"X-Forwarded-Host": {`a"b/c`}},
			source: "10.0.0.1", base: "http://h",
		},
		{name: "configured", remote: "192.0.2.1:5000", host: "h", deviceURL: "https://d.example.com/x", source: "192.0.2.1", base: "https://d.example.com/x"},
		{name: "no address", remote: "@", host: "h", source: "invalid IP", base: "http://h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := &handler{o: Options{TrustedProxies: proxies, DeviceURL: c.deviceURL}}
			r := httptest.NewRequest("GET", "/api/display", nil)
			r.RemoteAddr, r.Host = c.remote, c.host
			if c.headers != nil {
				r.Header = c.headers
			}
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := h.source(r).String(); got != c.source {
				t.Errorf("source %s, want %s", got, c.source)
			}
			if got := h.baseURL(r); got != c.base {
				t.Errorf("base %s, want %s", got, c.base)
			}
		})
	}
}

func TestPlainHost(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"lintel.local": true, "192.0.2.1:8081": true, "[fe80::1]:80": true, "": false, "a b": false, `a"`: false, "a/b": false, "ä": false, strings.Repeat("a", 256): false,
	} {
		if plainHost(s) != want {
			t.Errorf("plainHost(%q) = %v", s, !want)
		}
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_795_000_000, 0)
	l := newLimiter(time.Minute, 3, func() time.Time { return now })
	count := func(a string, n int) (let int) {
		for range n {
			if l.allow(netip.MustParseAddr(a)) {
				let++
			}
		}
		return let
	}
	if got := count("192.0.2.1", 10); got != 3 {
		t.Errorf("%d of 10", got)
	}
	if got := count("192.0.2.2", 10); got != 3 {
		t.Errorf("another address: %d of 10", got)
	}
	if got := count("2001:db8::1", 2) + count("2001:db8::2", 2); got != 3 {
		t.Errorf("one IPv6 network: %d of 4", got)
	}
	now = now.Add(time.Minute)
	if got := count("192.0.2.1", 10); got != 1 {
		t.Errorf("a minute later: %d of 10", got)
	}
	if l.allow(netip.Addr{}) != true {
		t.Error("no address at all is refused at once")
	}
	for i := range 3 * maxSources {
		l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n := len(l.sources); n > maxSources {
		t.Errorf("%d sources are remembered", n)
	}
	now = now.Add(time.Hour)
	l.allow(netip.MustParseAddr("192.0.2.3"))
	if n := len(l.sources); n > 2 {
		t.Errorf("%d sources are remembered after an hour", n)
	}
}
