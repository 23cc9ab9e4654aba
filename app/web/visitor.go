package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lintel/app/people"
	"lintel/store"
	"lintel/templates/text"
	"lintel/templates/ui"
)

// visitor is who looks at a page: a signed-in person, or nobody.
type visitor struct {
	people.Actor  // the zero Actor for nobody
	account       store.Account
	session       *session // nil for nobody
	*text.Printer          // speaks the visitor's language
	theme         ui.Theme
	buildings     []store.Building // that the visitor may see; read by Server.place
	building      store.Building   // the chosen one among them; zero where there is none
	zone          *time.Location   // in which instants without a place are told; read by Server.localTime
}

// signedIn reports whether it is somebody.
func (v *visitor) signedIn() bool { return v.session != nil }

// Cookies that remember choices of a browser, signed in or not. They name nobody.
const (
	langCookie     = "lintel_lang"
	themeCookie    = "lintel_theme"
	buildingCookie = "lintel_building"
)

// choiceAge is how long a browser remembers a choice.
const choiceAge = 365 * 24 * 60 * 60

// remember keeps a choice in the browser; the empty value forgets it.
func (s *Server) remember(w http.ResponseWriter, r *http.Request, name, value string) {
	age := choiceAge
	if value == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: s.base + "/", MaxAge: age,
		Secure: clientOf(r).secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// visit finds out who looks. A language in the address counts first, then the account's, then the
// browser's cookie, then what the browser asks for.
func (s *Server) visit(w http.ResponseWriter, r *http.Request) (*visitor, error) {
	v := s.stranger(r)
	if lang := text.Lang(r.URL.Query().Get("lang")); lang.Known() && r.Method == http.MethodGet {
		s.remember(w, r, langCookie, string(lang))
		v.Printer = text.For(lang)
	}
	session, err := s.sessions.of(r)
	if err != nil {
		return v, err
	}
	account, ok := session.Values[accountKey{}].(store.Account)
	if !ok {
		return v, nil
	}
	v.session = session
	s.become(v, account)
	return v, nil
}

// stranger is the visitor of whom nothing is known but what the browser says.
func (s *Server) stranger(r *http.Request) *visitor {
	v := &visitor{theme: themeOf(cookieValue(r, themeCookie))}
	lang := text.Lang(cookieValue(r, langCookie))
	if !lang.Known() {
		lang = text.Match(r.Header.Get("Accept-Language"))
	}
	v.Printer = text.For(lang)
	return v
}

// become makes the visitor an account's person.
func (s *Server) become(v *visitor, a store.Account) {
	v.account, v.Actor = a, people.ActorOf(a)
	if lang := text.Lang(a.Language); lang.Known() {
		v.Printer = text.For(lang)
	}
	if a.Theme != "" {
		v.theme = themeOf(a.Theme)
	}
}

func themeOf(s string) ui.Theme {
	switch t := ui.Theme(s); t {
	case ui.Light, ui.Dark:
		return t
	}
	return ui.System
}

// shell is what the frame of a page needs.
func (s *Server) shell(r *http.Request, v *visitor) ui.Shell {
	sh := ui.Shell{Printer: v.Printer, Base: s.base, Path: r.URL.RequestURI(), Theme: v.theme}
	if r.Method != http.MethodGet {
		sh.Path = "/" // an address that only takes forms is nowhere to come back to
	}
	if !v.signedIn() {
		return sh
	}
	sh.User, sh.Roles = v.account.Name, s.roleWords(v)
	sh.May = ui.Areas{
		Today: v.CanAnywhere(people.SeeRooms), Bookings: v.CanAnywhere(people.SeeRooms), Book: v.CanAnywhere(people.Book),
		Displays: v.CanAnywhere(people.ManageDisplays), Places: v.CanAnywhere(people.ManagePlaces),
		Systems: v.CanAnywhere(people.ManageSystems), People: v.CanAnywhere(people.ManagePeople), System: v.CanAnywhere(people.SeeSystem),
		Audit: v.Can(people.SeeAudit, ""),
	}
	return sh
}

// roleWords lists the visitor's roles, each once.
func (s *Server) roleWords(v *visitor) string {
	var words []string
	for _, role := range people.Roles() {
		for _, g := range v.Grants {
			if g.Role == role {
				words = append(words, v.T("role."+string(role)))
				break
			}
		}
	}
	return v.Join(words)
}

// localPath returns next when it is a path of this portal, else "/". An address that a browser would read as
// another host ("//host", "/\host") is none.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

type routeKey struct{}

// routeNote tells the log which route a request took.
type routeNote struct{ route string }

func (n *routeNote) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, routeKey{}, n)
}

func noteRoute(r *http.Request) {
	if n, ok := r.Context().Value(routeKey{}).(*routeNote); ok {
		n.route = r.Pattern
	}
}
