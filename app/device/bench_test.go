package device

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/store"
)

// pollBytes is what a display sends that has the present picture.
func pollBytes(key, etag string) []byte {
	return []byte("GET /api/device/v1/frame HTTP/1.1\r\nHost: lintel\r\nAuthorization: Bearer " + key + "\r\nIf-None-Match: " + etag +
		"\r\nX-Battery-Mv: 3840\r\nX-Rssi: -61\r\nX-Fw: 1.0\r\nX-Wake-Reason: timer\r\n\r\n")
}

// bare is the least that answers the same.
func bare(etag string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Etag"] = []string{etag}
		w.WriteHeader(http.StatusNotModified)
	})
}

// exchange sends a request and reads an answer without a body.
func exchange(b *testing.B, conn net.Conn, in *bufio.Reader, request []byte) {
	if _, err := conn.Write(request); err != nil {
		b.Fatal(err)
	}
	first, err := in.ReadSlice('\n')
	if err != nil || !bytes.HasPrefix(first, []byte("HTTP/1.1 304")) {
		b.Fatalf("%q, %v", first, err)
	}
	for len(first) > 2 {
		if first, err = in.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
}

// ratio runs ours and theirs in turns, a batch at a time, and returns the median of their rates' quotients: above 1, ours is faster.
func ratio(b *testing.B, batch int, ours, theirs func(n int)) {
	ours(batch)
	theirs(batch)
	var quotients []float64
	for b.Loop() {
		start := time.Now()
		theirs(batch)
		middle := time.Now()
		ours(batch)
		quotients = append(quotients, float64(middle.Sub(start))/float64(time.Since(middle)))
	}
	slices.Sort(quotients)
	b.ReportMetric(quotients[len(quotients)/2], "ratio")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(2*batch*len(quotients)), "µs/poll")
}

// benchHouse is a display with a picture, and how it polls.
func benchHouse(b *testing.B) (handler http.Handler, request []byte, etag string) {
	h := newHouse(b)
	h.book(h.rooms[0], "09:00", "10:00", "Planning")
	_, key := h.add(store.ProtocolNative, nil)
	etag = h.ask("GET", "/api/device/v1/frame", "", "Authorization", "Bearer "+key).header.Get("ETag")
	return New(h.opts), pollBytes(key, etag), etag
}

// The budget: at least 0.7 of a bare handler that answers 304 on a connection that is kept alive.
func BenchmarkPollKeptAlive(b *testing.B) {
	handler, request, etag := benchHouse(b)
	run := func(h http.Handler) func(int) {
		srv := httptest.NewServer(h)
		b.Cleanup(srv.Close)
		conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		in := bufio.NewReader(conn)
		return func(n int) {
			for range n {
				exchange(b, conn, in, request)
			}
		}
	}
	ratio(b, 200, run(handler), run(bare(etag)))
}

// The budget: at least 0.8 of a bare TLS server, when each poll is a new connection (TLS 1.2, resumed by ticket).
func BenchmarkPollNewTLS(b *testing.B) {
	handler, request, etag := benchHouse(b)
	run := func(h http.Handler) func(int) {
		srv := httptest.NewUnstartedServer(h)
		srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
		srv.StartTLS()
		b.Cleanup(srv.Close)
		config := srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		config.ServerName, config.ClientSessionCache = "example.com", tls.NewLRUClientSessionCache(4)
		config.NextProtos = nil
		address := strings.TrimPrefix(srv.URL, "https://")
		resumed := false
		return func(n int) {
			for range n {
				conn, err := tls.Dial("tcp", address, config)
				if err != nil {
					b.Fatal(err)
				}
				exchange(b, conn, bufio.NewReader(conn), request)
				resumed = conn.ConnectionState().DidResume
				_ = conn.Close()
			}
			if !resumed {
				b.Fatal("the session is not resumed")
			}
		}
	}
	ratio(b, 20, run(handler), run(bare(etag)))
}
