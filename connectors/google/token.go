package google

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// grant is what a token is for: one scope, on behalf of the service account itself or of a user.
type grant struct{ subject, scope string }

type token struct {
	value secret.Text
	until time.Time // on our clock
}

// tokens keeps access tokens until shortly before they end.
type tokens struct {
	client *outbound.Client
	key    *key
	quiet  *backoff
	now    func() time.Time
	turn   chan struct{} // of one: whoever holds it may touch kept
	kept   map[grant]token
}

// early is how long before its end a token is not used any more.
const early = 2 * time.Minute

func newTokens(client *outbound.Client, k *key, quiet *backoff, now func() time.Time) *tokens {
	return &tokens{client: client, key: k, quiet: quiet, now: now, turn: make(chan struct{}, 1), kept: map[grant]token{}}
}

// get returns a token, from Google when there is none; others wait for the same answer. Old is a token
// that was refused and must not come back.
func (t *tokens) get(ctx context.Context, op string, g grant, old secret.Text) (secret.Text, error) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return secret.Text{}, stopped(op, ctx)
	}
	defer func() { <-t.turn }()
	if k, ok := t.kept[g]; ok && k.value != old && t.now().Before(k.until) {
		return k.value, nil
	}
	delete(t.kept, g)
	k, _, err := t.fetch(ctx, op, g)
	if err != nil {
		return secret.Text{}, err
	}
	t.kept[g] = k
	return k.value, nil
}

// fetch asks for a token.
func (t *tokens) fetch(ctx context.Context, op string, g grant) (token, *outbound.Response, error) {
	assertion, err := t.key.assertion(g, t.now())
	if err != nil {
		return token{}, nil, connectors.Fail(connectors.Auth, op, "sign the request for a token")
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	resp, err := t.client.Do(ctx, outbound.Request{
		Op: op, Method: http.MethodPost, URL: t.key.tokenURL, Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	})
	if err != nil {
		return token{}, nil, err
	}
	if resp.Status != http.StatusOK {
		err := tokenErr(op, resp)
		var e *connectors.Error
		if errors.As(err, &e) && busy(resp.Status) {
			t.quiet.hold(t.client, e, t.now())
		}
		return token{}, nil, err
	}
	if resp.IsHTML() {
		return token{}, nil, resp.HTMLErr()
	}
	k, err := decodeToken(op, resp.Body, t.now())
	return k, resp, err
}

// decodeToken reads the answer of the token endpoint (RFC 6749 5.1).
func decodeToken(op string, body []byte, now time.Time) (token, error) {
	var a struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Expires int    `json:"expires_in"`
	}
	err := json.Unmarshal(body, &a)
	bad := a.Token == "" || len(a.Token) > 8192 || strings.ContainsFunc(a.Token, func(r rune) bool { return r <= ' ' || r > '~' })
	if err != nil || bad || a.Type != "" && !strings.EqualFold(a.Type, "Bearer") {
		return token{}, connectors.Fail(connectors.Invalid, op, "the answer holds no token")
	}
	life := time.Duration(min(max(a.Expires, 0), 24*3600)) * time.Second
	return token{secret.New(a.Token), now.Add(life - early)}, nil
}

// tokenErr says what a refusal of the token endpoint means (RFC 6749 5.2 and Google's descriptions).
func tokenErr(op string, resp *outbound.Response) error {
	var a struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	err := resp.Err()
	if resp.Status >= 500 || resp.Status == http.StatusTooManyRequests || json.Unmarshal(resp.Body, &a) != nil || a.Error == "" {
		return cmp.Or(err, error(connectors.Fail(connectors.Invalid, op, "the token endpoint answers HTTP %d", resp.Status)))
	}
	e := &connectors.Error{Kind: connectors.Auth, Op: op, Code: word(a.Error), Cure: "calendar.cure.google_sign_in", Said: connectors.Words(a.Error + ": " + a.Description)}
	low := strings.ToLower(a.Description)
	switch {
	case a.Error == "unauthorized_client", a.Error == "access_denied", a.Error == "invalid_scope":
		e.Cure = "calendar.cure.google_delegation"
	case strings.Contains(low, "short-lived"), strings.Contains(low, "iat and exp"), strings.Contains(low, "timeframe"):
		e.Cure = "calendar.cure.google_clock"
	case strings.Contains(low, "signature"), strings.Contains(low, "public key"):
		e.Cure = "calendar.cure.google_key_deleted"
	case strings.Contains(low, "account not found"), strings.Contains(low, "account has been deleted"), strings.Contains(low, "disabled"):
		e.Cure = "calendar.cure.google_account"
	case strings.Contains(low, "invalid email"), strings.Contains(low, "user id"):
		e.Cure = "calendar.cure.google_subject"
	}
	return e
}
