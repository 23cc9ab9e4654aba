package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lintel/connectors"
)

var errTooLarge = errors.New("answer is too large")

// maxAfter bounds how long a server can silence us.
const maxAfter = 24 * time.Hour

// Err returns nil for a status below 400 and otherwise the error that it means: the one table of HTTP
// for all connectors. Connectors judge 404, 409 and 412 themselves where these mean something else.
func (r *Response) Err() error {
	if r.Status < 400 {
		return nil
	}
	e := &connectors.Error{Op: r.op, Code: "HTTP " + strconv.Itoa(r.Status)}
	e.Said = strings.TrimSpace(e.Code + " " + http.StatusText(r.Status))
	switch r.Status {
	case http.StatusUnauthorized:
		e.Kind, e.Cure = connectors.Auth, r.cure
		if r.cure != "" {
			e.Said += ": " + offered(r.Header)
		}
	case http.StatusForbidden, http.StatusInsufficientStorage, http.StatusPaymentRequired:
		e.Kind = connectors.Forbidden
	case http.StatusNotFound:
		e.Kind = connectors.NotFound
	case http.StatusGone:
		e.Kind = connectors.Gone
	case http.StatusConflict, http.StatusPreconditionFailed:
		e.Kind = connectors.Conflict
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		e.Kind = connectors.Unsupported
	case http.StatusTooManyRequests:
		e.Kind = connectors.Throttled
		e.After = r.after()
	case http.StatusProxyAuthRequired:
		e.Kind, e.Cure = connectors.Transient, "calendar.cure.proxy"
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusLocked, http.StatusMisdirectedRequest:
		e.Kind = connectors.Transient
	default:
		e.Kind = connectors.Invalid
		if r.Status >= 500 {
			e.Kind, e.After = connectors.Transient, r.after()
		}
	}
	if r.Status == http.StatusServiceUnavailable && r.Header.Get("Retry-After") != "" {
		e.Kind = connectors.Throttled
	}
	return e
}

// StatusErr is Response.Err for a status that came inside an answer, as in a multistatus.
func StatusErr(op string, status int) error {
	return (&Response{Status: status, op: op}).Err()
}

func (r *Response) after() time.Duration {
	now := r.ServerTime()
	if now.IsZero() {
		now = r.At
	}
	return ParseRetryAfter(r.Header.Get("Retry-After"), now)
}

// ServerTime returns the Date header, zero when there is none.
func (r *Response) ServerTime() time.Time {
	t, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// AsOf returns the server's clock, or ours when the server does not tell.
func (r *Response) AsOf() time.Time {
	if t := r.ServerTime(); !t.IsZero() {
		return t
	}
	return r.At
}

// ParseRetryAfter reads seconds or an HTTP date, which counts from now, the server's clock (RFC 9110
// 10.2.3). The answer lies between 0 and a day; what can't be read is 0.
func ParseRetryAfter(s string, now time.Time) time.Duration {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	if sec, err := strconv.ParseFloat(s, 64); err == nil {
		if math.IsNaN(sec) || sec <= 0 {
			return 0
		}
		return time.Duration(math.Min(sec, maxAfter.Seconds()) * float64(time.Second))
	}
	t, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	return min(max(t.Sub(now), 0), maxAfter)
}

// IsHTML reports whether the answer is a web page. Where a calendar was asked for, that is a sign-in
// page; see HTMLErr.
func (r *Response) IsHTML() bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && (t == "text/html" || t == "application/xhtml+xml") {
		return true
	}
	head := bytes.TrimPrefix(r.Body, []byte("\xef\xbb\xbf"))
	head = bytes.ToLower(bytes.TrimSpace(head[:min(len(head), 512)]))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// HTMLErr is the error for a web page in place of an answer: somebody wants us to sign in, or something on the way, such
// as a load balancer, says that it is sorry. Only the first stops a connector, as no password was refused by the second.
func (r *Response) HTMLErr() error {
	e := &connectors.Error{Kind: connectors.Transient, Op: r.op, Code: "web page", Cure: "calendar.cure.web_page", Said: "HTTP " + strconv.Itoa(r.Status) + " text/html"}
	if r.asksToSignIn() {
		e.Kind = connectors.Auth
	}
	return e
}

// asksToSignIn reports whether a web page has a field for a password, or names what it is for.
func (r *Response) asksToSignIn() bool {
	page := bytes.ToLower(r.Body[:min(len(r.Body), 256<<10)])
	for _, sign := range []string{`type="password"`, "type='password'", "type=password", "sign in", "sign-in", "log in", "login", "anmeld", "connexion", "accedi"} {
		if bytes.Contains(page, []byte(sign)) {
			return true
		}
	}
	return false
}

// netError turns a failure to get an answer into an error without URL, path or credential. Parent is the
// caller's context, ctx has our own time limit.
func netError(parent, ctx context.Context, op string, err error) error {
	var known *connectors.Error
	if errors.As(err, &known) {
		if known.Op == "" {
			k := *known
			k.Op = op
			return &k
		}
		return known
	}
	e := &connectors.Error{Kind: connectors.Transient, Op: op, Said: shorten(err.Error())}
	var (
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		alert   tls.AlertError
		record  tls.RecordHeaderError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		pin     pinError
		invalid x509.CertificateInvalidError
		netErr  net.Error
	)
	switch {
	case parent.Err() != nil:
		e.Code, e.Err, e.Said = "stopped", parent.Err(), ""
	case errors.Is(err, errRefused):
		e.Kind, e.Code, e.Cure = connectors.Trust, "address refused", "calendar.cure.address"
	case errors.Is(err, errTooLarge):
		e.Kind, e.Code, e.Cure = connectors.Invalid, "answer too large", "calendar.cure.too_large"
	case errors.As(err, &pin):
		e.Kind, e.Code, e.Cure, e.Said = connectors.Trust, "another certificate", "calendar.cure.pin", pin.Error()
	case errors.As(err, &unknown):
		e.Kind, e.Code = connectors.Trust, "unknown authority"
	case errors.As(err, &host):
		e.Kind, e.Code, e.Cure = connectors.Trust, "certificate for another name", "calendar.cure.host_name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Kind, e.Code, e.Cure = connectors.Trust, "certificate expired", "calendar.cure.expired"
	case errors.As(err, &cert), errors.As(err, &invalid), errors.As(err, &alert), isAlert(err):
		e.Kind, e.Code = connectors.Trust, "tls"
	case errors.As(err, &record), isPlainHTTP(err):
		e.Kind, e.Code, e.Cure = connectors.Trust, "no tls there", "calendar.cure.no_tls"
	case errors.As(err, &dns):
		e.Code, e.Cure = "name not found", "calendar.cure.dns"
		if dns.IsTimeout || dns.IsTemporary {
			e.Code = "name server silent"
		}
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Code, e.Cure = "connection refused", "calendar.cure.refused"
	case ctx.Err() != nil, errors.As(err, &netErr) && netErr.Timeout():
		e.Code = "time-out"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		e.Code = "connection cut"
	case strings.Contains(err.Error(), "Proxy Authentication Required"):
		e.Code, e.Cure = "proxy", "calendar.cure.proxy"
	default:
		e.Code = "network"
	}
	return e
}

// shorten bounds a foreign text to one line of 200 bytes.
func shorten(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// isAlert reports a TLS alert that the standard library wraps in a net.OpError ("remote error").
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// isPlainHTTP reports the transport's error for an HTTP server on an https URL; it has no type.
func isPlainHTTP(err error) bool {
	return strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}
