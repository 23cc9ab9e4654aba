// Package device is the HTTP of displays and browser panels: their own mux, their own keys, their own listener. It answers from
// app/displays alone and can reach neither the database nor the portal.
package device

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"lintel/app/displays"
	"lintel/static"
)

// Options are what New needs.
type Options struct {
	Displays *displays.Service
	Now      func() time.Time // the real clock: deadlines of connections are set by it
	Log      *slog.Logger     // nil for none

	// DeviceURL is the configured address of this listener, without a slash at its end. When it is "", the addresses of
	// pictures are made from the host that the device asked.
	DeviceURL string

	// TrustedProxies are believed when they say in X-Forwarded-For, -Proto and -Host who asked, and how.
	TrustedProxies []netip.Prefix

	// Build names the running program; a panel that was loaded from another build loads itself anew.
	Build string

	// Closing ends the streams of panels when it is closed, so that the listener can stop. nil for never.
	Closing <-chan struct{}
}

// handler answers devices. It is safe for concurrent use.
type handler struct {
	o       Options
	mux     *http.ServeMux
	enrols  *limiter      // of requests that make new displays, by source
	streams chan struct{} // a token for each open stream of a panel
}

// New returns the handler of the device listener. Everything that is not in its table is 404.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Build += "-" + static.Version() // the page's own files count too
	h := &handler{o: o, mux: http.NewServeMux(), enrols: newLimiter(enrolEvery, enrolBurst, o.Now), streams: make(chan struct{}, maxStreams)}
	for pattern, f := range map[string]http.HandlerFunc{
		// TRMNL and its many clients; older firmware and the Nook ask with a slash.
		"GET /api/setup":          h.setup,
		"GET /api/setup/{$}":      h.setup,
		"GET /api/display":        h.display,
		"GET /api/display/{$}":    h.display,
		"GET /api/current_screen": h.currentScreen,
		"POST /api/log":           h.trmnlLog,
		"POST /api/log/{$}":       h.trmnlLog,
		"GET /img/{token}":        h.picture,

		// Our own protocol.
		"POST /api/device/v1/enrol": h.enrol,
		"GET /api/device/v1/frame":  h.frame,
		"GET /api/device/v1/state":  h.state,
		"POST /api/device/v1/log":   h.nativeLog,

		// One plain address that gives a picture.
		"GET /display/{secret}": h.plain,

		// Browsers on a wall.
		"GET /panel":        h.panelPage,
		"GET /panel/{$}":    h.panelPage,
		"GET /panel/state":  h.panelState,
		"GET /panel/events": h.panelEvents,

		"GET /healthz": h.healthz,
	} {
		h.mux.HandleFunc(pattern, f)
	}
	h.mux.Handle(static.Prefix, static.Handler())
	return h
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "//") { // a base address with a slash at its end; devices do not follow the mux's redirect
		r = r.Clone(r.Context())
		for strings.Contains(r.URL.Path, "//") {
			r.URL.Path = strings.ReplaceAll(r.URL.Path, "//", "/")
		}
		r.URL.RawPath = ""
	}
	h.mux.ServeHTTP(w, r)
}

func (h *handler) healthz(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}

// Limits of what devices may send and take.
const (
	maxEnrolBody = 16 << 10
	maxLogBody   = 64 << 10
	writeTime    = 30 * time.Second // for one answer
)

// deadline bounds how long a device may take to receive an answer that does not fit into a packet.
func (h *handler) deadline(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(h.o.Now().Add(d)) // a recorder in a test has none
}

// answer writes compact JSON with its length: some devices parse it with regular expressions, or can't read chunks.
func (h *handler) answer(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		h.o.Log.Error("encode answer to device", "err", err)
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(b)))
	header.Set("Cache-Control", "no-store")
	h.deadline(w, writeTime)
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// failure is the body of an answer that is none.
type failure struct {
	Error string `json:"error"`
	Retry int    `json:"retry_s,omitempty"`
}

// fail answers an error of the displays with its HTTP status. Never with a status in the body: there, some numbers make firmware
// throw away its credentials.
func (h *handler) fail(w http.ResponseWriter, err error) {
	status, f := http.StatusServiceUnavailable, failure{Error: "not available now", Retry: 60}
	switch {
	case errors.Is(err, displays.ErrUnknownKey):
		status, f = http.StatusUnauthorized, failure{Error: "unknown key"}
	case errors.Is(err, displays.ErrRefused):
		status, f = http.StatusForbidden, failure{Error: "refused"}
	case errors.Is(err, displays.ErrKnown):
		status, f = http.StatusConflict, failure{Error: "this device has a key already", Retry: 900}
	case errors.Is(err, displays.ErrFull):
		f = failure{Error: "too many displays wait for approval", Retry: 900}
	case errors.Is(err, errTooMany):
		status, f = http.StatusTooManyRequests, failure{Error: "too many requests", Retry: 60}
	case err != nil:
		h.o.Log.Error("answer device", "err", err)
	}
	header := w.Header()
	if status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	if f.Retry > 0 {
		header.Set("Retry-After", strconv.Itoa(f.Retry))
	}
	h.answer(w, status, f)
}

// errTooMany says that a source asks too often to be let in.
var errTooMany = errors.New("too many requests from one address")
