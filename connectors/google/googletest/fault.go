package googletest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"
)

// Fault breaks some requests of the APIs, not those for tokens unless Token is set.
type Fault struct {
	Method string // "" = every
	Suffix string // of the path; "" = every
	Times  int    // how often; 0 = until removed
	Token  bool   // concerns the token endpoint

	Status int
	Reason string // writes Google's error object with it
	Header map[string]string
	Body   string
	Until  time.Duration // Retry-After as a date, that far ahead on the server's clock
	Cut    bool          // cut the connection in the middle of the answer
	Before func()        // run before the request is handled, instead of breaking anything
}

// Break adds a fault.
func (s *Server) Break(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Repair removes all faults.
func (s *Server) Repair() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault returns the fault that a request meets, nil when it meets none.
func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || !strings.HasSuffix(r.URL.Path, f.Suffix) || f.Token != (r.URL.Path == "/token") {
			continue
		}
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			f.Times--
		}
		return f
	}
	return nil
}

// broken answers as a fault wants it.
func (s *Server) broken(rec *httptest.ResponseRecorder, f *Fault) {
	for k, v := range f.Header {
		rec.Header().Set(k, v)
	}
	if f.Until > 0 {
		rec.Header().Set("Retry-After", s.date(f.Until))
	}
	rec.WriteHeader(f.Status)
	if f.Reason != "" {
		_ = json.NewEncoder(rec).Encode(refuse(f.Status, f.Reason, "The message for "+f.Reason).body)
	}
	_, _ = rec.WriteString(f.Body)
}
