package google

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"slices"
	"time"

	"lintel/app/secret"
	"lintel/connectors"
)

// key is a service account's key, ready to sign.
type key struct {
	email, id string
	private   *rsa.PrivateKey
	tokenURL  *url.URL
}

func keyErr(said string) error {
	return connectors.BadSetting("key", "calendar.cure.google_key_file", said)
}

// tokenHosts are the only hosts that get to see an assertion signed with the key, unless an administrator
// names another one.
func tokenHosts() []string {
	return []string{"oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"}
}

// parseKey reads a key file. TokenURL replaces the file's token_uri when it is not empty.
func parseKey(file secret.Text, tokenURL string) (*key, error) {
	var f struct {
		Type     string          `json:"type"`
		Email    string          `json:"client_email"`
		ID       string          `json:"private_key_id"`
		Private  string          `json:"private_key"`
		TokenURI string          `json:"token_uri"`
		Universe string          `json:"universe_domain"`
		Web      json.RawMessage `json:"web"`
		App      json.RawMessage `json:"installed"`
	}
	if file.IsZero() {
		return nil, keyErr("the key file is missing")
	}
	if json.Unmarshal([]byte(file.Reveal()), &f) != nil {
		return nil, keyErr("the key file is no JSON")
	}
	switch {
	case f.Web != nil || f.App != nil:
		return nil, keyErr("this is the file of an OAuth client, not the key of a service account")
	case f.Type != "service_account":
		return nil, keyErr("the file's type is not service_account")
	case f.Universe != "" && f.Universe != "googleapis.com":
		return nil, keyErr("the key belongs to another cloud than googleapis.com")
	case !isAddress(f.Email):
		return nil, keyErr("client_email is missing")
	case f.ID == "":
		return nil, keyErr("private_key_id is missing")
	}
	k := &key{email: f.Email, id: f.ID}
	block, _ := pem.Decode([]byte(f.Private))
	if block == nil || block.Type != "PRIVATE KEY" && block.Type != "RSA PRIVATE KEY" {
		return nil, keyErr("private_key holds no key in PEM form")
	}
	if rsaKey, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		k.private = rsaKey
	} else if any, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		return nil, keyErr("private_key is damaged")
	} else if k.private, _ = any.(*rsa.PrivateKey); k.private == nil {
		return nil, keyErr("private_key is no RSA key")
	}
	if k.private.N.BitLen() < 2048 {
		return nil, keyErr("private_key is shorter than 2048 bits")
	}
	trusted := tokenURL != ""
	if !trusted {
		tokenURL = f.TokenURI
	}
	u, err := url.Parse(tokenURL)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, keyErr("token_uri is no URL")
	}
	if !trusted && (u.Scheme != "https" || u.Port() != "" || !slices.Contains(tokenHosts(), u.Hostname())) {
		return nil, keyErr("token_uri points to a host that is not Google's")
	}
	k.tokenURL = u
	return k, nil
}

// assertion signs a JWT that asks for a token (RFC 7523, RS256 of RFC 7518 3.3).
func (k *key) assertion(g grant, now time.Time) (string, error) {
	// A little back, for clocks that differ by seconds; Google takes lifetimes up to an hour.
	issued := now.Add(-10 * time.Second)
	claims := map[string]any{
		"iss": k.email, "scope": g.scope, "aud": k.tokenURL.String(),
		"iat": issued.Unix(), "exp": issued.Add(time.Hour).Unix(),
	}
	if g.subject != "" {
		claims["sub"] = g.subject
	}
	head, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": k.id})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString(head) + "." + enc.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, k.private, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + enc.EncodeToString(sig), nil
}
