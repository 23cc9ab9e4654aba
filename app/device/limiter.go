package device

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often one source may ask to be let in as a new display.
const (
	enrolEvery = 10 * time.Second
	enrolBurst = 30
)

// maxSources bounds the memory of a limiter.
const maxSources = 4096

// limiter gives each source its own rate: an IPv4 address, or an IPv6 network of 64 bits.
type limiter struct {
	every time.Duration
	burst int
	now   func() time.Time

	mu      sync.Mutex
	sources map[netip.Prefix]*sourceRate
}

type sourceRate struct {
	*rate.Limiter
	seen time.Time
}

func newLimiter(every time.Duration, burst int, now func() time.Time) *limiter {
	return &limiter{every: every, burst: burst, now: now, sources: map[netip.Prefix]*sourceRate{}}
}

// allow takes one from the source's allowance and reports whether there was one.
func (l *limiter) allow(a netip.Addr) bool {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	key, err := a.Prefix(bits)
	if err != nil {
		key = netip.Prefix{} // no address: all of those share one
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sources[key]
	if s == nil {
		if len(l.sources) >= maxSources {
			l.evict(now)
		}
		s = &sourceRate{Limiter: rate.NewLimiter(rate.Every(l.every), l.burst)}
		l.sources[key] = s
	}
	s.seen = now
	return s.AllowN(now, 1)
}

// evict forgets sources whose allowance is full again, and if there are none, the one that was quiet for longest.
func (l *limiter) evict(now time.Time) {
	var oldest netip.Prefix
	var at time.Time
	full := time.Duration(l.burst) * l.every
	before := len(l.sources)
	for key, s := range l.sources {
		if now.Sub(s.seen) >= full {
			delete(l.sources, key)
		} else if at.IsZero() || s.seen.Before(at) {
			oldest, at = key, s.seen
		}
	}
	if len(l.sources) == before {
		delete(l.sources, oldest)
	}
}
