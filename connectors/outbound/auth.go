package outbound

import (
	"context"
	"crypto/md5" //nolint:gosec // RFC 7616 still has it, and old servers know nothing else
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/url"
	"slices"
	"strings"
	"sync"

	"lintel/app/secret"
)

// Scheme is how a client signs in.
type Scheme string

// The schemes. Auto sends Basic at once, since many servers answer strangers without asking who they
// are, and changes to Digest when the server wants that. Digest never sends the password itself.
const (
	None   Scheme = ""
	Auto   Scheme = "auto"
	Basic  Scheme = "basic"
	Digest Scheme = "digest"
	Bearer Scheme = "bearer"
	// NTLM and Negotiate sign in a connection, not a request; see Credentials.Begin.
	NTLM      Scheme = "ntlm"
	Negotiate Scheme = "negotiate"
)

// Credentials are what a client signs in with. The zero value is nobody.
type Credentials struct {
	Scheme   Scheme
	User     string
	Password secret.Text // for Bearer the token
	// Begin starts a sign-in to a host for NTLM and Negotiate: see the packages ntlm and kerberos. User
	// and Password are theirs then, not ours. The context bounds the whole sign-in.
	Begin   func(ctx context.Context, host string) (Handshake, error)
	Binding Binding // for NTLM and Negotiate
}

// authState remembers a server's last Digest challenge, so that each request needs no 401 first.
type authState struct {
	mu     sync.Mutex
	last   *challenge
	count  uint32
	worked string // the nonce with which a request has got through
}

// header returns the Authorization value to send, "" for none, and the nonce it answers, if any.
func (a *authState) header(c Credentials, method string, u *url.URL) (value, nonce string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case c.Scheme == Bearer:
		return "Bearer " + c.Password.Reveal(), ""
	case a.last != nil && (c.Scheme == Auto || c.Scheme == Digest):
		a.count++
		return a.last.answer(c, method, u.RequestURI(), rand.Text(), a.count), a.last.nonce
	case c.Scheme == Basic, c.Scheme == Auto:
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.User+":"+c.Password.Reveal())), ""
	}
	return "", ""
}

// accepted notes that a request with this nonce got through.
func (a *authState) accepted(nonce string) {
	if nonce == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.worked = nonce
}

// challenged takes a 401's WWW-Authenticate values and reports whether another try makes sense: the
// server wants Digest and we did not send it, or only the nonce has grown old. A wrong password is
// tried once.
func (a *authState) challenged(c Credentials, values []string, nonce string) bool {
	if c.Scheme != Auto && c.Scheme != Digest {
		return false
	}
	best := bestDigest(values)
	if best == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last, a.count = best, 0
	return nonce == "" || best.stale || nonce == a.worked
}

// challenge is one Digest challenge (RFC 7616 3.3).
type challenge struct {
	realm, nonce, opaque string
	algorithm            string // as the server wrote it
	qop                  string // "auth", or "" for servers of before 1999
	userhash, stale      bool
}

// newHash returns the hash of an algorithm, nil when we do not know it.
func newHash(algorithm string) func() hash.Hash {
	switch strings.TrimSuffix(strings.ToUpper(algorithm), "-SESS") {
	case "", "MD5":
		return md5.New
	case "SHA-256":
		return sha256.New
	}
	return nil
}

// answer returns the Authorization value for one request; count is the number of requests with this
// nonce, this one included.
func (c *challenge) answer(cred Credentials, method, uri, cnonce string, count uint32) string {
	h := func(parts ...string) string {
		d := newHash(c.algorithm)()
		d.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(d.Sum(nil))
	}
	nc := fmt.Sprintf("%08x", count)
	ha1 := h(cred.User, c.realm, cred.Password.Reveal())
	if strings.HasSuffix(strings.ToUpper(c.algorithm), "-SESS") {
		ha1 = h(ha1, c.nonce, cnonce)
	}
	ha2 := h(method, uri)
	user := cred.User
	if c.userhash {
		user = h(cred.User, c.realm)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Digest username=%s, realm=%s, nonce=%s, uri=%s", quote(user), quote(c.realm), quote(c.nonce), quote(uri))
	if c.qop == "" {
		fmt.Fprintf(&b, ", response=%s", quote(h(ha1, c.nonce, ha2)))
	} else {
		fmt.Fprintf(&b, ", response=%s, qop=auth, nc=%s, cnonce=%s", quote(h(ha1, c.nonce, nc, cnonce, "auth", ha2)), nc, quote(cnonce))
	}
	if c.algorithm != "" {
		fmt.Fprintf(&b, ", algorithm=%s", c.algorithm)
	}
	if c.opaque != "" {
		fmt.Fprintf(&b, ", opaque=%s", quote(c.opaque))
	}
	if c.userhash {
		b.WriteString(", userhash=true")
	}
	return b.String()
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// bestDigest returns the strongest Digest challenge that we can answer, nil when there is none.
func bestDigest(values []string) *challenge {
	var best *challenge
	for _, p := range parseChallenges(values) {
		if !strings.EqualFold(p.scheme, "Digest") || newHash(p.params["algorithm"]) == nil || p.params["nonce"] == "" {
			continue
		}
		c := &challenge{
			realm: p.params["realm"], nonce: p.params["nonce"], opaque: p.params["opaque"], algorithm: p.params["algorithm"],
			userhash: strings.EqualFold(p.params["userhash"], "true"), stale: strings.EqualFold(p.params["stale"], "true"),
		}
		if qop := p.params["qop"]; qop != "" {
			if !slices.ContainsFunc(strings.Split(qop, ","), func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), "auth") }) {
				continue // auth-int only
			}
			c.qop = "auth"
		}
		if best == nil || strings.HasPrefix(strings.ToUpper(c.algorithm), "SHA-256") && !strings.HasPrefix(strings.ToUpper(best.algorithm), "SHA-256") {
			best = c
		}
	}
	return best
}

type parsedChallenge struct {
	scheme string
	params map[string]string // names in lower case; the first of equal names counts
}

// parseChallenges reads WWW-Authenticate values: several headers, several challenges in one header, each
// a scheme and then either token68 or name=value pairs (RFC 9110 11.6.1). It takes what it can.
func parseChallenges(values []string) []parsedChallenge {
	var out []parsedChallenge
	for _, s := range values {
		for s = strings.TrimLeft(s, " \t,"); s != ""; s = strings.TrimLeft(s, " \t,") {
			var name string
			name, s = token(s)
			if name == "" {
				break // not a token: nothing after it can be trusted
			}
			rest := strings.TrimLeft(s, " \t")
			if value, tail, ok := param(rest); ok && len(out) > 0 {
				p := out[len(out)-1].params
				if _, had := p[strings.ToLower(name)]; !had {
					p[strings.ToLower(name)] = value
				}
				s = tail
				continue
			}
			out = append(out, parsedChallenge{name, map[string]string{}})
			s = skipToken68(rest)
		}
	}
	return out
}

// param reads "=value" or "=\"value\"".
func param(s string) (value, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "=")
	if !ok {
		return "", s, false
	}
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest = token(s)
		return value, rest, value != ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false // no closing quote
}

// skipToken68 skips the token68 of schemes such as Negotiate, which is followed by a comma or the end.
func skipToken68(s string) string {
	end := strings.IndexByte(s, ',')
	if end < 0 {
		end = len(s)
	}
	t := strings.TrimRight(s[:end], " \t")
	if t == "" || strings.ContainsAny(strings.TrimRight(t, "="), "= \t\"") {
		return s
	}
	return s[end:]
}

// token cuts a token (RFC 9110 5.6.2) off the front of s.
func token(s string) (tok, rest string) {
	i := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}
