package google

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// apiErr turns an answer of the API into an error, nil for a success. What counts beside the status is
// the reason in the body.
func (c *Conn) apiErr(resp *outbound.Response) error {
	err := resp.Err()
	var e *connectors.Error
	if !errors.As(err, &e) {
		return err
	}
	reason, message := reasonOf(resp.Body)
	if reason != "" {
		e.Code += " " + reason
		e.Said = connectors.Words(e.Said + ": " + message)
	}
	switch reason {
	case "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED":
		e.Kind, e.Cure = connectors.Throttled, ""
		if e.After == 0 {
			e.After = outbound.ParseRetryAfter(resp.Header.Get("Retry-After"), resp.AsOf())
		}
		if reason == "dailyLimitExceeded" {
			e.After = max(e.After, time.Hour)
		}
	case "accessNotConfigured", "SERVICE_DISABLED":
		e.Cure = "calendar.cure.google_api_off"
	case "insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
		e.Cure = "calendar.cure.google_delegation"
	case "notACalendarUser": // whom we act as has no calendar: no licence, or the service is switched off for him
		e.Cure = "calendar.cure.google_subject"
	case "forbiddenForServiceAccounts":
		e.Cure = "calendar.cure.google_invite"
	case "forbiddenForNonOrganizer":
		e.Kind, e.Cure = connectors.Unsupported, "calendar.cure.google_organizer"
	case "requiredAccessLevel":
		e.Cure = "calendar.cure.google_share_write"
	}
	if e.Kind == connectors.Throttled || busy(resp.Status) {
		c.quiet.hold(c.client, e, c.now()) // one account, one quota: nothing goes out before
	}
	switch {
	case e.Cure != "":
	case e.Kind == connectors.Forbidden:
		e.Cure = "calendar.cure.google_share"
	case e.Kind == connectors.Auth:
		e.Cure = "calendar.cure.google_sign_in"
	}
	return e
}

// reasonOf reads the first reason and the message of Google's error object, in its old or its new form.
func reasonOf(body []byte) (reason, message string) {
	var a struct {
		Error struct {
			Message string `json:"message"`
			Errors  []struct {
				Reason string `json:"reason"`
			} `json:"errors"`
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &a) != nil {
		return "", ""
	}
	for _, x := range append(a.Error.Errors, a.Error.Details...) {
		if reason = word(x.Reason); reason != "" {
			return reason, a.Error.Message
		}
	}
	return "", a.Error.Message
}

// word returns s when it can be a code, so that nothing personal comes into a log by it.
func word(s string) string {
	if len(s) > 60 || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	}) {
		return ""
	}
	return s
}

// stopped is the error for a caller who has given up.
func stopped(op string, ctx context.Context) error {
	return &connectors.Error{Kind: connectors.Transient, Op: op, Code: "stopped", Err: ctx.Err()}
}

// gone turns "not there" of a calendar into Gone. Google says so too when nobody has shared it with us.
func gone(err error) error {
	var e *connectors.Error
	if errors.As(err, &e) && (e.Kind == connectors.NotFound || e.Kind == connectors.Gone) {
		e.Kind, e.Cure = connectors.Gone, "calendar.cure.google_not_shared"
	}
	return err
}

// isStatus reports whether err came from an answer with that status.
func isStatus(err error, status int) bool {
	var e *connectors.Error
	return errors.As(err, &e) && strings.HasPrefix(e.Code+" ", "HTTP "+strconv.Itoa(status)+" ")
}

// backoff is how long to wait when Google throttles without saying how long: twice as long each time, from
// two seconds to five minutes, as its guide asks for.
type backoff struct {
	mu    sync.Mutex
	wait  time.Duration
	until time.Time
}

const (
	firstWait = 2 * time.Second
	maxWait   = 5 * time.Minute
)

// busy reports whether a status asks to wait, also where the answer does not say how long.
func busy(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// hold makes e ask to wait, by the time that Google gave or by ours, and lets client send nothing before.
func (b *backoff) hold(client *outbound.Client, e *connectors.Error, now time.Time) {
	e.Kind = connectors.Throttled
	if e.After == 0 {
		e.After = b.next(now)
	}
	client.Hold(now.Add(e.After))
}

// next returns the wait. Requests that were on their way together count once.
func (b *backoff) next(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if left := b.until.Sub(now); left > 0 {
		return left
	}
	b.wait = min(max(2*b.wait, firstWait), maxWait)
	b.until = now.Add(b.wait)
	return b.wait
}

// done notes that Google answers again.
func (b *backoff) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wait, b.until = 0, time.Time{}
}
