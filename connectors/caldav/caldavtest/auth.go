package caldavtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// signedIn checks Basic or Digest (SHA-256, qop=auth) and otherwise answers 401.
func (s *Server) signedIn(w http.ResponseWriter, r *http.Request) bool {
	if !s.Quirks.Digest {
		user, pass, _ := r.BasicAuth()
		if user == User && pass == Password {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="fake"`)
		w.WriteHeader(http.StatusUnauthorized)
		return false
	}
	if s.digestOK(r) {
		return true
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="fake", nonce="%s", algorithm=SHA-256, qop="auth"`, s.nonce))
	w.WriteHeader(http.StatusUnauthorized)
	return false
}

func (s *Server) digestOK(r *http.Request) bool {
	value, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Digest ")
	if !ok {
		return false
	}
	p := map[string]string{}
	for _, m := range regexp.MustCompile(`(\w+)="?([^",]*)"?`).FindAllStringSubmatch(value, -1) {
		p[m[1]] = m[2]
	}
	h := func(parts ...string) string {
		sum := sha256.Sum256([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum[:])
	}
	want := h(h(User, "fake", Password), s.nonce, p["nc"], p["cnonce"], "auth", h(r.Method, r.URL.RequestURI()))
	return p["username"] == User && p["nonce"] == s.nonce && p["uri"] == r.URL.RequestURI() && p["response"] == want
}
