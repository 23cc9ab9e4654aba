package conntest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Front is a proxy in front of a real server that breaks answers on request, as a load balancer in
// trouble does.
type Front struct {
	URL   string
	proxy *httputil.ReverseProxy
	mu    sync.Mutex
	fault *Fault
	skew  time.Duration
}

// NewFront starts a proxy for the server at target; it stops with the test.
func NewFront(t testing.TB, target string) *Front {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	f := &Front{proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Host = r.In.Host // so that redirects lead back here
	}}}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	f.URL = s.URL
	return f
}

// Break makes every answer that fault until repair is called.
func (f *Front) Break(fault Fault) (repair func()) {
	set := func(p *Fault) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.fault = p
	}
	set(&fault)
	return func() { set(nil) }
}

// Skew moves the clock that answers show.
func (f *Front) Skew(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.skew = d
}

// ServeHTTP passes a request on, or answers with the fault. A request whose answer is cut was passed on.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	fault, skew := f.fault, f.skew
	f.mu.Unlock()
	now := time.Now().Add(skew).UTC()
	rec := httptest.NewRecorder()
	if fault == nil || fault.Cut {
		f.proxy.ServeHTTP(rec, r)
	} else {
		for k, v := range fault.Header {
			rec.Header().Set(k, v)
		}
		if fault.Until > 0 {
			rec.Header().Set("Retry-After", now.Add(fault.Until).Format(http.TimeFormat))
		}
		rec.WriteHeader(fault.Status)
		_, _ = rec.WriteString(fault.Body)
	}
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.Header().Set("Date", now.Format(http.TimeFormat))
	body := rec.Body.Bytes()
	if fault != nil && fault.Cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+10))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}
