package people

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"time"

	"lintel/app/problem"
	"lintel/store"
)

// The limiter of sign-ins. Tries are counted in the database, so that a restart does not open the gate,
// under keyed hashes, so that the table names nobody. After some free tries each further one has to wait
// twice as long as the one before, up to a limit that keeps others from locking a person out for long.
const (
	failureWindow = 24 * time.Hour
	freeByName    = 5
	freeByAddress = 30 // an office behind one address
	firstWait     = 2 * time.Second
	longestWait   = 5 * time.Minute
)

type limit struct {
	key  []byte
	free int
}

// limits returns the two keys of a try.
func (s *Service) limits(login string, address netip.Addr) []limit {
	return []limit{
		{s.limitKey("name", store.FoldLogin(login)), freeByName},
		{s.limitKey("address", network(address)), freeByAddress},
	}
}

func (s *Service) limitKey(kind, v string) []byte {
	m := hmac.New(sha256.New, s.limiterKey)
	m.Write([]byte(kind + "\x00" + v))
	return m.Sum(nil)
}

// network is what counts as one address: of IPv6 the /64, since anybody has the rest to choose from.
func network(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// waitAfter returns how long to wait after the n-th failure.
func waitAfter(n, free int) time.Duration {
	if n < free {
		return 0
	}
	if shift := n - free; shift < 10 {
		return min(firstWait<<shift, longestWait)
	}
	return longestWait
}

// enter counts a try as failed before the password is looked at, so that tries at the same instant can't
// slip by. It returns a Locked problem when the wait is not over; such a try is not counted.
func enter(tx *store.Tx, limits []limit) error {
	if err := mayTry(tx, limits); err != nil {
		return err
	}
	for _, l := range limits {
		if err := tx.AddSignInFailure(l.key); err != nil {
			return err
		}
	}
	return nil
}

// mayTry returns a Locked problem when the wait is not over.
func mayTry(tx *store.Tx, limits []limit) error {
	since := tx.Now().Add(-failureWindow)
	var wait time.Duration
	for _, l := range limits {
		n, last, err := tx.SignInFailures(l.key, since)
		if err != nil {
			return err
		}
		wait = max(wait, last.Add(waitAfter(n, l.free)).Sub(tx.Now()))
	}
	if wait > 0 {
		return problem.New(problem.Locked, "people.sign_in_locked", "Wait", wait)
	}
	return nil
}

// forgive undoes enter after a right password: all of the name's failures, and this try of the address.
func forgive(tx *store.Tx, limits []limit) error {
	for _, l := range limits {
		n := 1
		if l.free == freeByName {
			n = -1
		}
		if err := tx.ForgiveSignInFailures(l.key, n); err != nil {
			return err
		}
	}
	return nil
}
