package web

import (
	"context"
	"io"
	"net/http"
	"time"

	"lintel/static"
)

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request, _ *visitor) error {
	return plain(w, http.StatusOK, "ok\n")
}

// readyz says whether the program can do its work. Why not is in the log.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request, _ *visitor) error {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		s.Log.WarnContext(r.Context(), "not ready", "err", err)
		return plain(w, http.StatusServiceUnavailable, "not ready\n")
	}
	return plain(w, http.StatusOK, "ready\n")
}

func plain(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
	return nil
}

// asset serves the embedded files.
func (s *Server) asset(w http.ResponseWriter, r *http.Request, _ *visitor) error {
	w.Header().Del("Cache-Control") // the handler sets its own where the file exists
	static.Handler().ServeHTTP(w, r)
	return nil
}
