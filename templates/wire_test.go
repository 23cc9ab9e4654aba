package templates

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"lintel/static"
)

func get(t *testing.T, path, accept string) []byte {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", accept)
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d", path, w.Code)
	}
	return w.Body.Bytes()
}

// wire is how many bytes a static file takes on the wire.
func wire(t *testing.T, path string) int { return len(get(t, path, "gzip")) }

// content is a static file as it is.
func content(t *testing.T, name string) []byte { return get(t, static.URL(name), "") }
