// Package web is the portal's HTTP: it parses a request, calls a service and chooses a template. It holds
// no rules and no SQL. routes.go lists every route with who may use it.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"lintel/app/bookings"
	"lintel/app/calendars"
	"lintel/app/displays"
	"lintel/app/expiry"
	"lintel/app/live"
	"lintel/app/people"
	"lintel/app/places"
	"lintel/store"
)

// Options are what the portal is made of. All services are required.
type Options struct {
	People    *people.Service
	Places    *places.Service
	Bookings  *bookings.Service
	Calendars *calendars.Service
	Displays  *displays.Service
	Expiry    *expiry.Service
	Store     *store.Store // for the state of the set-up, and for app/audit
	Live      *live.Hub

	// BaseURL is the address of the portal, with a path when a proxy serves it under one; without a slash at
	// its end. Its origin is trusted to post forms, and links that leave the portal begin with it.
	BaseURL   *url.URL
	DeviceURL *url.URL // what displays are pointed to
	// TrustedProxies are the networks whose X-Forwarded-* headers are believed.
	TrustedProxies []netip.Prefix

	// Ready says whether the program can do its work; its error is shown to nobody but the log.
	Ready func(context.Context) error
	// System tells the state of the program, for its page. Certificates lists those that are shown to
	// clients; it is asked for every page of an administrator.
	System       func(context.Context) (SystemFacts, error)
	Certificates func() []Certificate

	// Zone is the IANA name of the server's own time zone, which new buildings begin with; "" where it is not known.
	Zone string
	// HSTS tells browsers to come back by TLS alone for a year (RFC 6797). It is for a portal that has a certificate
	// which every browser trusts.
	HSTS bool

	Log *slog.Logger
	Now func() time.Time
}

// Server answers the portal's requests.
type Server struct {
	Options
	base     string // path of BaseURL: "" or "/rooms"
	handler  http.Handler
	sessions *sessionStore
	programs programLimits
	tries    checks // of certificates that are to follow those that they sign in with

	heartbeat time.Duration // of live streams

	ending  chan struct{} // closed by EndStreams
	endOnce sync.Once
}

// New returns the portal. It refuses a route that names no permission.
func New(o Options) (*Server, error) {
	missing := o.People == nil || o.Places == nil || o.Bookings == nil || o.Calendars == nil || o.Displays == nil || o.Expiry == nil || o.Store == nil || o.Live == nil ||
		o.BaseURL == nil || o.DeviceURL == nil || o.Ready == nil || o.System == nil || o.Certificates == nil || o.Log == nil || o.Now == nil
	if missing {
		return nil, errors.New("make the portal: an option is missing")
	}
	s := &Server{Options: o, base: strings.TrimSuffix(o.BaseURL.Path, "/"), heartbeat: heartbeat, ending: make(chan struct{})}
	s.sessions = &sessionStore{people: o.People, path: s.base + "/"}
	mux := http.NewServeMux()
	for _, route := range s.routes() {
		if route.need == 0 {
			return nil, fmt.Errorf("make the portal: %s %s says not who may use it", route.method, route.pattern)
		}
		mux.Handle(strings.TrimSpace(route.method+" "+route.pattern), s.endpoint(route))
	}
	guarded, err := s.guard(mux)
	if err != nil {
		return nil, err
	}
	s.handler = guarded
	return s, nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// EndStreams ends the live streams that are open. Call it when the HTTP server begins to stop: it would
// wait for them.
func (s *Server) EndStreams() { s.endOnce.Do(func() { close(s.ending) }) }

// absolute returns the address of a path of the portal as somebody outside needs it.
func (s *Server) absolute(path string) string {
	return s.BaseURL.Scheme + "://" + s.BaseURL.Host + s.base + path
}
