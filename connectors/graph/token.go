package graph

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// tokens signs in by client credentials and keeps the token until shortly before its end.
type tokens struct {
	client   *outbound.Client
	url      *url.URL
	scope    string
	clientID string
	secret   secret.Text
	signer   *signer // nil: the secret
	now      func() time.Time

	turn  chan struct{} // held by whoever reads or writes what follows
	value secret.Text
	renew time.Time // a new one is fetched from here on
	until time.Time // the end
	quiet time.Time // nothing is asked before
}

const opSignIn = "sign in"

// Bounds of a token's life, whatever the server says, and how long before its end a new one is fetched.
const (
	minLife  = time.Minute
	maxLife  = 24 * time.Hour
	renewAgo = 5 * time.Minute
)

func (t *tokens) lock(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &connectors.Error{Kind: connectors.Transient, Op: opSignIn, Code: "stopped", Err: ctx.Err()}
	}
}

// get returns a token that is valid for some time to come. While a new one can't be had the old one
// serves to its end.
func (t *tokens) get(ctx context.Context) (secret.Text, error) {
	if err := t.lock(ctx); err != nil {
		return secret.Text{}, err
	}
	defer func() { <-t.turn }()
	now := t.now()
	if !t.value.IsZero() && now.Before(t.renew) {
		return t.value, nil
	}
	_, err := t.fetch(ctx)
	if err != nil && !t.value.IsZero() && t.now().Before(t.until) {
		t.renew = t.now().Add(time.Minute) // not with every request
		return t.value, nil
	}
	return t.value, err
}

// forget drops a token that was refused.
func (t *tokens) forget(refused secret.Text) {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	if t.value == refused {
		t.value, t.renew, t.until = secret.Text{}, time.Time{}, time.Time{}
	}
}

// again signs in afresh, whatever is kept, for a check. It returns the server's answer.
func (t *tokens) again(ctx context.Context) (*outbound.Response, error) {
	if err := t.lock(ctx); err != nil {
		return nil, err
	}
	defer func() { <-t.turn }()
	return t.fetch(ctx)
}

// fetch asks for a token and keeps it. The caller has the turn.
func (t *tokens) fetch(ctx context.Context) (*outbound.Response, error) {
	now := t.now()
	if wait := t.quiet.Sub(now); wait > 0 {
		return nil, &connectors.Error{Kind: connectors.Throttled, Op: opSignIn, Code: "waiting as asked", After: wholeSeconds(wait)}
	}
	form := url.Values{"client_id": {t.clientID}, "scope": {t.scope}, "grant_type": {"client_credentials"}}
	if t.signer == nil {
		form.Set("client_secret", t.secret.Reveal())
	} else {
		if !now.Before(t.signer.expires) {
			return nil, &connectors.Error{Kind: connectors.Auth, Op: opSignIn, Code: "certificate expired", Cure: "calendar.cure.graph_certificate_expired"}
		}
		a, err := t.signer.assertion(t.clientID, t.url.String(), now)
		if err != nil {
			return nil, connectors.Fail(connectors.Invalid, opSignIn, "%w", err)
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", a.Reveal())
	}
	resp, err := t.client.Do(ctx, outbound.Request{
		Op: opSignIn, Method: http.MethodPost, URL: t.url, Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}},
	})
	if err != nil {
		return nil, err
	}
	if wait := quiet(resp.Status, resp.Header, clock(resp)); wait > 0 {
		t.quiet = now.Add(wait)
	}
	if resp.Status != http.StatusOK {
		return resp, t.failure(resp)
	}
	return resp, t.keep(resp, now)
}

// keep reads a token.
func (t *tokens) keep(resp *outbound.Response, now time.Time) error {
	if resp.IsHTML() {
		return resp.HTMLErr()
	}
	var body struct {
		Type      string      `json:"token_type"`
		Token     string      `json:"access_token"`
		ExpiresIn json.Number `json:"expires_in"`
		RefreshIn json.Number `json:"refresh_in"`
	}
	if json.Unmarshal(resp.Body, &body) != nil || body.Token == "" || !strings.EqualFold(body.Type, "Bearer") ||
		strings.ContainsFunc(body.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &connectors.Error{Kind: connectors.Invalid, Op: opSignIn, Code: "no token", Cure: "calendar.cure.graph_sign_in_server"}
	}
	life := maxLife
	if s, err := body.ExpiresIn.Int64(); err == nil && s < int64(maxLife/time.Second) {
		life = max(time.Duration(s)*time.Second, minLife)
	}
	t.value, t.until = secret.New(body.Token), now.Add(life)
	t.renew = t.until.Add(-min(renewAgo, life/2))
	if s, err := body.RefreshIn.Int64(); err == nil && s > 0 && s < int64(life/time.Second) {
		t.renew = now.Add(min(time.Duration(s)*time.Second, t.renew.Sub(now)))
	}
	return nil
}

// failure says why there is no token. Entra names the reason by a number, AADSTS….
func (t *tokens) failure(resp *outbound.Response) error {
	e, ok := resp.Err().(*connectors.Error) //nolint:errorlint // it is one, not wrapped
	if !ok {
		return &connectors.Error{Kind: connectors.Invalid, Op: opSignIn, Code: "HTTP " + strconv.Itoa(resp.Status)}
	}
	if wait := quiet(resp.Status, resp.Header, clock(resp)); wait > 0 {
		e.Kind, e.After = connectors.Throttled, wait
	}
	if e.Kind == connectors.NotFound || e.Kind == connectors.Gone {
		e.Cure = "calendar.cure.graph_tenant"
	}
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
	}
	if json.Unmarshal(resp.Body, &body) != nil || body.Error == "" {
		return e
	}
	said, _, _ := strings.Cut(body.Description, "Trace ID:")
	e.Code += " " + plain(body.Error)
	e.Said = connectors.Words(body.Error+": "+said, t.secret)
	if e.Kind == connectors.Throttled || e.Kind == connectors.Transient {
		return e
	}
	e.Kind = connectors.Auth
	code := 0
	if len(body.Codes) > 0 {
		code = body.Codes[0]
	} else if rest, ok := strings.CutPrefix(body.Description, "AADSTS"); ok {
		digits, _, _ := strings.Cut(rest, ":")
		code, _ = strconv.Atoi(digits)
	}
	if code != 0 {
		e.Code = "AADSTS" + strconv.Itoa(code)
	}
	e.Kind, e.Cure = signInCure(code, body.Error)
	return e
}

// signInCure returns what an AADSTS number means for us.
func signInCure(code int, name string) (connectors.Kind, string) {
	switch code {
	case 7000215: // wrong secret; often its id was copied in place of its value
		return connectors.Auth, "calendar.cure.graph_secret"
	case 7000222: // the secret has run out
		return connectors.Auth, "calendar.cure.graph_secret_expired"
	case 700027, 700030, 7000214, 50012, 7000216: // certificate not registered, or it did not sign this
		return connectors.Auth, "calendar.cure.graph_certificate"
	case 700024, 700021: // the assertion is not valid now
		return connectors.Auth, "calendar.cure.graph_clock"
	case 90002, 900021, 900023, 90038, 900382, 900432: // no such tenant, or one of another cloud
		return connectors.Auth, "calendar.cure.graph_tenant"
	case 700016, 7000112, 500011, 500014, 7000229, 650052: // no such application there, switched off, or without service principal
		return connectors.Auth, "calendar.cure.graph_app"
	case 50034, 50059, 50057: // the account or its tenant is not known there
		return connectors.Auth, "calendar.cure.graph_tenant"
	case 53000, 53001, 53002, 53003, 53004: // a policy of conditional access
		return connectors.Auth, "calendar.cure.graph_policy"
	case 90033, 90022, 90055, 50196, 90025: // overloaded, or asks us to come back
		return connectors.Transient, ""
	}
	if name == "temporarily_unavailable" || name == "server_error" {
		return connectors.Transient, ""
	}
	return connectors.Auth, "calendar.cure.graph_sign_in"
}
