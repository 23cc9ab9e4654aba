package graphtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Register adds a certificate in PEM to the application, as an administrator uploads it.
func (s *Server) Register(certificate []byte) error {
	block, _ := pem.Decode(certificate)
	if block == nil {
		return fmt.Errorf("register certificate: no PEM")
	}
	crt, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("register certificate: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certs = append(s.certs, crt)
	return nil
}

// DropSecret removes the application's secret.
func (s *Server) DropSecret() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = map[string]bool{}
}

func (s *Server) serveSignIn(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	q := &query{method: r.Method, header: r.Header, body: body}
	q.call = Call{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: string(body)}
	s.write(w, s.answer(q, 1))
}

// token answers the token endpoint (RFC 6749 4.4, RFC 7523 2.2). The caller holds the lock.
func (s *Server) token(q *query) reply {
	tenant, ok := strings.CutSuffix(strings.TrimPrefix(q.call.Path, "/"), "/oauth2/v2.0/token")
	if !ok || q.method != http.MethodPost {
		return reply{status: http.StatusNotFound}
	}
	form, err := url.ParseQuery(string(q.body))
	switch {
	case err != nil || q.header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return refuse(900144, "invalid_request", "The request body must contain the following parameter: 'grant_type'.")
	case tenant != Tenant:
		return refuse(90002, "invalid_request", "Tenant '"+tenant+"' not found. Check to make sure you have the correct tenant ID.")
	case form.Get("grant_type") != "client_credentials":
		return refuse(70003, "unsupported_grant_type", "The app requested an unsupported grant type.")
	case form.Get("client_id") != ClientID:
		return refuse(700016, "unauthorized_client", "Application with identifier '"+form.Get("client_id")+"' was not found in the directory.")
	case form.Get("scope") != s.graph.URL+"/.default":
		return refuse(70011, "invalid_scope", "The provided request must include a 'scope' input parameter.")
	}
	if form.Has("client_secret") {
		if !s.secrets[form.Get("client_secret")] {
			return refuse(7000215, "invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "+
				"not the client secret ID, for a secret added to app '"+ClientID+"'.")
		}
	} else if out := s.assertion(form); out != nil {
		return *out
	}
	life := s.Quirks.TokenLife
	if life == 0 {
		life = time.Hour
	}
	token := "ey" + rand.Text() + "." + rand.Text() + rand.Text() + ".sig-" + rand.Text()
	s.tokens[token] = s.clock().Add(life)
	return send(http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": int(life / time.Second), "ext_expires_in": int(life / time.Second), "access_token": token,
	})
}

// assertion verifies a signed assertion; nil when it holds.
func (s *Server) assertion(form url.Values) *reply {
	no := func(code int, text string) *reply {
		r := refuse(code, "invalid_client", text)
		return &r
	}
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return no(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	parts := strings.Split(form.Get("client_assertion"), ".")
	if len(parts) != 3 {
		return no(50027, "JWT token is invalid or malformed.")
	}
	var head struct {
		Alg, Typ string
		X5T      string `json:"x5t#S256"`
	}
	var claims struct {
		Aud, Iss, Sub, JTI string
		Nbf, Exp           int64
	}
	b64 := base64.RawURLEncoding
	h, err1 := b64.DecodeString(parts[0])
	c, err2 := b64.DecodeString(parts[1])
	sig, err3 := b64.DecodeString(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || json.Unmarshal(h, &head) != nil || json.Unmarshal(c, &claims) != nil {
		return no(50027, "JWT token is invalid or malformed.")
	}
	key := s.key(head.X5T)
	if key == nil {
		return no(700027, "Client assertion contains an invalid signature. [Reason - The key was not found., Thumbprint of key used by client: '"+head.X5T+"'.]")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	var err error
	switch head.Alg {
	case "PS256":
		err = rsa.VerifyPSS(key, crypto.SHA256, sum[:], sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case "RS256":
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig)
	default:
		err = fmt.Errorf("algorithm %s", head.Alg)
	}
	now := s.clock()
	const tolerance = 300
	switch {
	case err != nil:
		return no(700027, "Client assertion contains an invalid signature.")
	case claims.Aud != s.signIn.URL+"/"+Tenant+"/oauth2/v2.0/token":
		return no(700023, "Client assertion audience claim does not match Realm issuer.")
	case claims.Iss != ClientID || claims.Sub != ClientID:
		return no(700021, "Client assertion application identifier does not match 'client_id' parameter.")
	case claims.JTI == "" || s.jtis[claims.JTI]:
		return no(50027, "The assertion was used before.")
	case claims.Exp+tolerance < now.Unix() || claims.Nbf-tolerance > now.Unix() || claims.Exp-claims.Nbf > 600:
		return no(700024, "Client assertion is not within its valid time range.")
	}
	s.jtis[claims.JTI] = true
	return nil
}

func (s *Server) key(thumbprint string) *rsa.PublicKey {
	for _, crt := range s.certs {
		sum := sha256.Sum256(crt.Raw)
		if base64.RawURLEncoding.EncodeToString(sum[:]) == thumbprint && s.clock().Before(crt.NotAfter) {
			k, _ := crt.PublicKey.(*rsa.PublicKey)
			return k
		}
	}
	return nil
}

// refuse is an error of the sign-in server.
func refuse(code int, name, text string) reply {
	status := http.StatusBadRequest
	if name == "invalid_client" {
		status = http.StatusUnauthorized
	}
	return send(status, map[string]any{
		"error": name, "error_codes": []int{code}, "trace_id": "0f0e", "correlation_id": "0d0c",
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: 0f0e Correlation ID: 0d0c Timestamp: 2026-11-23 08:00:00Z", code, text),
	})
}

// signedIn reports whether a request carries a token that holds.
func (s *Server) signedIn(q *query) bool {
	token, ok := strings.CutPrefix(q.header.Get("Authorization"), "Bearer ")
	return ok && s.clock().Before(s.tokens[token])
}

// send makes an answer of JSON.
func send(status int, v any) reply {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and strings only
	}
	return reply{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: b}
}

// fail is an error of Graph.
func fail(status int, code, message string) reply {
	return send(status, map[string]any{"error": map[string]any{
		"code": code, "message": message, "innerError": map[string]any{"request-id": "00000000-0000-0000-0000-000000000000"},
	}})
}
