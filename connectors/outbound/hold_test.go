package outbound

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"lintel/connectors"
)

func TestHold(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	var status atomic.Int32
	handler := func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if status.Load() != http.StatusTeapot {
			w.Header().Set("Retry-After", "120")
		}
		w.WriteHeader(int(status.Load()))
	}
	base, other := serve(t, handler), serve(t, handler)
	now := testNow
	o := newOutbound(t, func(o *Options) { o.Now = func() time.Time { return now } })
	c := newClient(t, o, ClientOptions{Hosts: []string{base, other}})
	send := func(at string, want connectors.Kind, after time.Duration, sent int32) {
		t.Helper()
		before := asked.Load()
		r, err := get(c, at)
		if err == nil {
			err = r.Err()
		}
		if connectors.KindOf(err) != want || connectors.AfterOf(err) != after {
			t.Errorf("got %v after %v, want %q after %v", err, connectors.AfterOf(err), want, after)
		}
		if got := asked.Load() - before; got != sent {
			t.Errorf("%d requests were sent, want %d", got, sent)
		}
	}
	for _, s := range []int32{429, 503} {
		status.Store(s)
		send(base, connectors.Throttled, 2*time.Minute, 1)
		send(base, connectors.Throttled, 2*time.Minute, 0)
		now = now.Add(90500 * time.Millisecond)
		send(base, connectors.Throttled, 30*time.Second, 0) // in whole seconds, up
		u, _ := url.Parse(base)
		if _, _, err := c.Stream(t.Context(), Request{Op: "listen", Method: "GET", URL: u}); connectors.AfterOf(err) != 30*time.Second {
			t.Errorf("a stream: %v", err)
		}
		status.Store(200)
		send(other, "", 0, 1) // another host was not meant
		now = now.Add(29500 * time.Millisecond)
		send(base, "", 0, 1)
	}
	status.Store(http.StatusTeapot)
	send(base, connectors.Invalid, 0, 1)
	status.Store(http.StatusInternalServerError) // with Retry-After, but no throttling
	send(base, connectors.Transient, 2*time.Minute, 1)
	status.Store(200)
	send(base, "", 0, 1)

	c.Hold(now.Add(time.Hour))
	c.Hold(now.Add(time.Minute)) // shortens nothing
	send(base, connectors.Throttled, time.Hour, 0)
	send(other, connectors.Throttled, time.Hour, 0)
	now = now.Add(time.Hour)
	send(other, "", 0, 1)

	c = newClient(t, o, ClientOptions{Hosts: []string{base}, NoGate: true})
	status.Store(429)
	send(base, connectors.Throttled, 2*time.Minute, 1)
	send(base, connectors.Throttled, 2*time.Minute, 1)
	c.Hold(now.Add(time.Second))
	send(base, connectors.Throttled, time.Second, 0)
}
