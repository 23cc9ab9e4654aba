package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// listen opens a TCP listener for at most limit connections at once. key is the setting that named
// the address; it is in the error, together with the cure. Close it, or give it to serveUntil.
func listen(ctx context.Context, key, addr string, limit int) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen on %s: another program has this port; stop it, or set %s to another one", addr, key)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("listen on %s: ports below 1024 need the right CAP_NET_BIND_SERVICE; "+
			"set %s to a higher port, or run the service from the package", addr, key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("listen on %s: this machine does not have that address; correct %s", addr, key)
	case err != nil:
		return nil, fmt.Errorf("listen on %s (%s): %w", addr, key, err)
	}
	return &limitListener{Listener: ln, slots: make(chan struct{}, limit), done: make(chan struct{})}, nil
}

// limitListener accepts only as many connections as it has slots; the others wait in the kernel.
type limitListener struct {
	net.Listener
	slots chan struct{}
	done  chan struct{} // closed by Close
	once  sync.Once
}

func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitConn{Conn: conn, slots: l.slots}, nil
}

func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

type limitConn struct {
	net.Conn
	slots chan struct{}
	once  sync.Once
}

func (c *limitConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.slots })
	return err
}

// bodyTime is how long a request's body may take to arrive: a large file over a slow line.
const bodyTime = 2 * time.Minute

// newServer returns an HTTP server with the limits that every listener of ours has. There is no
// limit on how long an answer takes, as live pages never end: a handler sets its own. HTTP/2 is
// offered over TLS, never in clear.
func newServer(handler http.Handler, tlsConfig *tls.Config, limits LimitsConfig, log *slog.Logger, now func() time.Time) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(tlsConfig != nil)
	return &http.Server{
		Handler:           withRequestID(withBodyLimits(handler, limits.RequestBytes, now)),
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		Protocols:         &protocols,
		ErrorLog:          slog.NewLogLogger(quietHandler{log.Handler()}, slog.LevelDebug),
	}
}

// quietHandler exists because net/http reports each broken handshake of each port scanner with
// the client's address: such lines say nothing to an administrator and are personal data. Only
// panics pass, without the address.
type quietHandler struct{ slog.Handler }

func (h quietHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h quietHandler) Handle(ctx context.Context, r slog.Record) error {
	rest, isPanic := strings.CutPrefix(r.Message, "http: panic serving ")
	if !isPanic {
		return nil
	}
	_, what, _ := strings.Cut(rest, ": ")
	out := slog.NewRecord(r.Time, slog.LevelError, "request panicked", r.PC)
	out.AddAttrs(slog.String("err", what))
	return h.Handler.Handle(ctx, out)
}

// withRequestID gives each request an id: in the header X-Request-Id of the answer, where pages
// and problem reports find it, and in the log lines of its context.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:12]
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(withRequest(r.Context(), id)))
	})
}

// withBodyLimits bounds a request's body in bytes and time. http.Server.ReadTimeout would do the
// latter too, but it also ends the context of live pages, which have no body.
func withBodyLimits(next http.Handler, limit int64, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(now().Add(bodyTime)) // a recorder in a test has none
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		next.ServeHTTP(w, r)
	})
}

// serveUntil serves ln until ctx ends. Then it takes no more connections, gives requests under way
// the time drain, and cuts off what is left. It closes ln. Streams have to end by themselves: let
// srv.RegisterOnShutdown tell them.
func serveUntil(ctx context.Context, srv *http.Server, ln net.Listener, drain time.Duration) error {
	failed := make(chan error, 1)
	go func() {
		if srv.TLSConfig != nil {
			failed <- srv.ServeTLS(ln, "", "")
			return
		}
		failed <- srv.Serve(ln)
	}()
	select {
	case err := <-failed:
		ln.Close()
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := srv.Shutdown(stop)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop serving %s: some requests took longer than %s", ln.Addr(), drain), srv.Close())
	}
	<-failed
	return err
}

// publicURL returns the address under which a listener is reached, without a slash at its end: the
// configured one, else one made from the listener. A listener on all addresses is named by the
// machine's host name.
func publicURL(configured string, addr net.Addr, secure bool) *url.URL {
	if configured != "" {
		if u, err := url.Parse(configured); err == nil {
			return u
		}
	}
	u := &url.URL{Scheme: "http", Host: addr.String()}
	defaultPort := 80
	if secure {
		u.Scheme, defaultPort = "https", 443
	}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return u
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
		if name, err := os.Hostname(); err == nil && isHostName(name) {
			host = strings.ToLower(name)
		}
	}
	switch {
	case tcp.Port != defaultPort:
		u.Host = net.JoinHostPort(host, fmt.Sprint(tcp.Port))
	case strings.Contains(host, ":"):
		u.Host = "[" + host + "]"
	default:
		u.Host = host
	}
	return u
}
