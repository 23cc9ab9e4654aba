package outbound

import (
	"net/url"
	"strconv"
	"time"

	"lintel/connectors"
)

// Reach runs the first steps of a check that every system shares, from one request: is the server there,
// do we trust it, does it let us in, do the clocks agree. It returns what first returned.
func Reach(ck *connectors.Checker, u *url.URL, first func() (*Response, error)) (*Response, bool) {
	start := ck.Now()
	resp, err := first()
	took := ck.Now().Sub(start)
	kind := connectors.KindOf(err)
	ck.Timed("calendar.check.reach", took, func() (string, error) {
		if kind == connectors.Transient || kind == connectors.Throttled {
			return "", err
		}
		return u.Hostname() + ":" + strconv.Itoa(port(u)), nil
	})
	ck.Step("calendar.check.trust", func() (string, error) {
		if kind == connectors.Trust {
			return "", err
		}
		return u.Scheme, nil
	})
	if u.Scheme == "http" {
		ck.Warn("calendar.cure.not_encrypted")
	}
	switch refused := kind == connectors.Auth || kind == connectors.Forbidden; {
	case err != nil && !refused:
		ck.Skip("calendar.check.sign_in") // what is no such system proves nothing about the password
	default:
		ck.Step("calendar.check.sign_in", func() (string, error) { return "", err })
	}
	if err == nil && resp.Unbound {
		ck.Warn("calendar.cure.unbound")
	}
	ck.Step("calendar.check.answer", func() (string, error) { return "", err })
	if err != nil {
		ck.Skip("calendar.check.clock")
		return nil, false
	}
	if server := resp.ServerTime(); !server.IsZero() {
		skew := server.Sub(resp.At).Round(time.Second)
		ck.Report.Skew = skew
		ck.Step("calendar.check.clock", func() (string, error) { return skew.String(), nil })
		if skew.Abs() > maxSkew {
			ck.Warn("calendar.cure.clock")
		}
	}
	return resp, true
}

// maxSkew is how far clocks may differ before somebody should look.
const maxSkew = 2 * time.Minute
