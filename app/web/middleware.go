package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/klauspost/compress/gzhttp"

	"lintel/app/problem"
)

// guard puts round the routes what holds for all of them. Read it from the bottom: the last line is the
// first to see a request.
func (s *Server) guard(mux http.Handler) (http.Handler, error) {
	zip, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.ContentTypes([]string{
		"text/html", "text/css", "text/csv", "text/javascript", "application/json", "image/svg+xml",
	}))
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	crossOrigin, err := s.crossOrigin()
	if err != nil {
		return nil, err
	}
	h := crossOrigin.Handler(s.streamOrZip(mux, zip(mux)))
	h = s.withBase(h)
	h = s.withHeaders(h)
	h = s.withClient(h)
	h = s.withLog(h)
	return withRequestID(h), nil
}

// streamOrZip keeps the live stream away from compression, which would hold its events back.
func (s *Server) streamOrZip(plain, zipped http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == eventsPath {
			plain.ServeHTTP(w, r)
			return
		}
		zipped.ServeHTTP(w, r)
	})
}

// crossOrigin refuses forms that another site posts. The public origin is trusted, for proxies that
// change the Host header.
func (s *Server) crossOrigin() (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	if err := p.AddTrustedOrigin(s.BaseURL.Scheme + "://" + s.BaseURL.Host); err != nil {
		return nil, fmt.Errorf("trust the portal's own address: %w", err)
	}
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, s.stranger(r), problem.New(problem.Forbidden, "error.cross_site"))
	}))
	return p, nil
}

// requestIDHeader carries the id by which a log line and an error page find each other.
const requestIDHeader = "X-Request-Id"

// withRequestID gives a request an id where the listener has not done so.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get(requestIDHeader) == "" {
			w.Header().Set(requestIDHeader, rand.Text()[:12])
		}
		next.ServeHTTP(w, r)
	})
}

// policy lets pages load what we serve ourselves and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (s *Server) withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if s.HSTS {
			h.Set("Strict-Transport-Security", "max-age=31536000") // other names of the domain are not ours to decide
		}
		next.ServeHTTP(w, r)
	})
}

// withLog notes each request by its route, never by its path: that may hold a token. A panic becomes a
// neutral page.
func (s *Server) withLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Now()
		seen := &observed{ResponseWriter: w}
		note := &routeNote{}
		r = r.WithContext(note.in(r.Context()))
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				s.Log.ErrorContext(r.Context(), "request panicked", "route", note.route, "err", fmt.Sprint(p), "stack", string(debug.Stack()))
				if seen.status == 0 {
					s.fail(seen, r, s.stranger(r), errPanic)
				}
			}
			level := slog.LevelDebug
			switch {
			case seen.status >= 500:
				level = slog.LevelWarn
			case r.Method != http.MethodGet && r.Method != http.MethodHead:
				level = slog.LevelInfo
			}
			s.Log.Log(r.Context(), level, "request", "route", note.route, "method", r.Method,
				"status", seen.status, "bytes", seen.bytes, "took", s.Now().Sub(start))
		}()
		next.ServeHTTP(seen, r)
	})
}

func requestID(w http.ResponseWriter) string { return w.Header().Get(requestIDHeader) }

// observed remembers what was answered.
type observed struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (o *observed) WriteHeader(status int) {
	if o.status == 0 && status >= 200 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *observed) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	n, err := o.ResponseWriter.Write(b)
	o.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }
