package googletest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The scopes that the server knows.
const (
	ScopeRead  = "https://www.googleapis.com/auth/calendar.events.readonly"
	ScopeWrite = "https://www.googleapis.com/auth/calendar.events"
	ScopeRooms = "https://www.googleapis.com/auth/admin.directory.resource.calendar.readonly"
)

// tokenURI is where a key file says that tokens are to be had.
const tokenURI = "https://oauth2.googleapis.com/token"

// tolerance is how far an assertion's clock may differ.
const tolerance = 10 * time.Minute

func oauth(status int, code, description string) answer {
	return answer{status, doc{"error": code, "error_description": description}}
}

// issue verifies an assertion (RFC 7523 3) and answers with a token.
func (s *Server) issue(r *http.Request, body []byte) answer {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return oauth(400, "invalid_request", "Bad Request")
	}
	if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		return oauth(400, "unsupported_grant_type", "Invalid grant_type")
	}
	parts := strings.Split(form.Get("assertion"), ".")
	if len(parts) != 3 {
		return oauth(400, "invalid_grant", "Invalid JWT: a JWT has three parts.")
	}
	var head struct{ Alg, Typ, Kid string }
	var claims struct {
		Iss, Scope, Aud, Sub string
		Iat, Exp             int64
	}
	for i, into := range []any{&head, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(b, into) != nil {
			return oauth(400, "invalid_grant", "Invalid JWT: it can't be decoded.")
		}
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || head.Alg != "RS256" || head.Typ != "JWT" || head.Kid == "" || rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], sig) != nil {
		return oauth(400, "invalid_grant", "Invalid JWT Signature.")
	}
	audience := s.TokenURL()
	if s.opt.OwnNames {
		audience = tokenURI
	}
	now := s.clock()
	iat, exp := time.Unix(claims.Iat, 0), time.Unix(claims.Exp, 0)
	switch {
	case claims.Iss != Account:
		return oauth(400, "invalid_grant", "Invalid grant: account not found")
	case claims.Aud != audience:
		return oauth(400, "invalid_grant", "Invalid JWT: wrong audience.")
	case exp.Sub(iat) > time.Hour || exp.Before(now) || iat.After(now.Add(tolerance)) || iat.Before(now.Add(-time.Hour-tolerance)):
		return oauth(400, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
	case !slices.Contains([]string{ScopeRead, ScopeWrite, ScopeRooms}, claims.Scope):
		return oauth(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
	case claims.Sub != "" && !slices.Contains(s.opt.Delegated[claims.Sub], claims.Scope):
		return oauth(401, "unauthorized_client", "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.")
	}
	life := s.opt.TokenLife
	if life == 0 {
		life = time.Hour
	}
	s.seq++
	token := fmt.Sprint(TokenPrefix, s.seq)
	s.tokens[token] = access{claims.Sub, claims.Scope, now.Add(life)}
	return answer{200, doc{"access_token": token, "token_type": "Bearer", "expires_in": int(life.Seconds())}}
}

// signedIn returns whose token a request carries.
func (s *Server) signedIn(r *http.Request) (access, bool) {
	value, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, known := s.tokens[value]
	return a, ok && known && s.clock().Before(a.until)
}

// handle answers one request; it returns whose token it carried. The lock is held.
func (s *Server) handle(r *http.Request, body []byte) (answer, string) {
	if r.URL.Path == "/token" {
		return s.issue(r, body), ""
	}
	who, ok := s.signedIn(r)
	if !ok {
		return refuse(401, "authError", "Invalid Credentials"), ""
	}
	a := s.api(r, who, body)
	if fields := r.URL.Query().Get("fields"); a.status == http.StatusOK && fields != "" {
		part, err := partial(a.body, fields)
		if err != nil {
			return refuse(400, "invalidParameter", "Invalid field selection"), who.subject
		}
		a.body = part
	}
	return a, who.subject
}

func (s *Server) api(r *http.Request, who access, body []byte) answer {
	path := r.URL.EscapedPath()
	if path == "/admin/directory/v1/customer/my_customer/resources/calendars" {
		return s.list(r, who)
	}
	rest, ok := strings.CutPrefix(path, "/calendar/v3/calendars/")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) < 2 || len(parts) > 3 || parts[1] != "events" {
		return refuse(404, "notFound", "Not Found")
	}
	for i := range parts {
		parts[i], _ = url.PathUnescape(parts[i])
	}
	role, c := s.role(who, parts[0])
	if c == nil || role == "none" {
		return refuse(404, "notFound", "Not Found")
	}
	if r.Method != http.MethodGet {
		if who.scope != ScopeWrite {
			return refuse(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
		}
		if role != "writer" && role != "owner" {
			return refuse(403, "requiredAccessLevel", "You need to have writer access to this calendar.")
		}
	} else if who.scope == ScopeRooms {
		return refuse(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
	}
	if len(parts) == 2 {
		switch r.Method {
		case http.MethodGet:
			return s.listEvents(c, role, r.URL.Query())
		case http.MethodPost:
			return s.insert(c, who, body)
		}
		return refuse(405, "httpMethodNotAllowed", "Method Not Allowed")
	}
	return s.one(r, c, who, role, parts[2], body)
}

// role returns what a token may do in a calendar. Users have their own and all rooms.
func (s *Server) role(who access, id string) (string, *calendar) {
	c := s.calendars[id]
	switch {
	case c == nil:
		return "none", nil
	case c.user && who.subject != id:
		return "none", c
	case c.user:
		return "owner", c
	case s.opt.Role != "" && who.subject == "":
		return s.opt.Role, c
	}
	return "writer", c
}

// list answers the Directory API's list of resources.
func (s *Server) list(r *http.Request, who access) answer {
	if who.scope != ScopeRooms {
		return refuse(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
	}
	q := r.URL.Query()
	var items []doc
	for _, x := range s.resources {
		if category, ok := strings.CutPrefix(q.Get("query"), "resourceCategory="); ok && category != x.Category {
			continue
		}
		items = append(items, doc{
			"kind": "admin#directory#resources#calendars#CalendarResource", "resourceEmail": x.Email, "resourceName": x.Name,
			"generatedResourceName": "HQ-2-" + x.Name, "buildingId": x.Building, "floorName": x.Floor, "capacity": x.Capacity,
		})
	}
	items, next, a := s.page(q, items)
	if a.status != 0 {
		return a
	}
	out := doc{"kind": "admin#directory#resources#calendars#calendarResourcesList", "items": items}
	if next != "" {
		out["nextPageToken"] = next
	}
	return answer{200, out}
}

// AddResource lists something in the directory that is no room of ours.
func (s *Server) AddResource(x Resource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources = append(s.resources, x)
}
