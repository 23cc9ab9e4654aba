package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
)

// The values of log.format.
const (
	logAuto    = "auto"
	logText    = "text"
	logJSON    = "json"
	logJournal = "journal"
)

// newLogger returns the program's logger, which writes to w. Keys that could hold something
// personal or secret are dropped whatever the caller passes, and a request's id is added from the
// context.
func newLogger(w io.Writer, cfg LogConfig, env map[string]string) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.Level, ReplaceAttr: dropForbidden}
	format := cfg.Format
	if format == logAuto {
		format = logText
		if isJournal(w, env["JOURNAL_STREAM"]) {
			format = logJournal
		}
	}
	switch format {
	case logJSON:
		return slog.New(requestHandler{slog.NewJSONHandler(w, opts)})
	case logJournal:
		return slog.New(requestHandler{newJournalHandler(w, opts)})
	}
	return slog.New(requestHandler{slog.NewTextHandler(w, opts)})
}

// forbiddenLogKeys never reach a log: what they name is personal or secret.
func forbiddenLogKey(key string) bool {
	switch strings.ToLower(key) {
	case "subject", "title", "name", "person", "organizer", "organiser", "creator", "attendee", "attendees",
		"login", "user", "username", "email", "mail", "contact", "account_contact", "phone",
		"address", "remote", "remote_addr", "remote_ip", "client_ip", "ip",
		"password", "passphrase", "token", "secret", "key", "credential", "authorization", "cookie", "session", "code", "body":
		return true
	}
	return false
}

func dropForbidden(_ []string, a slog.Attr) slog.Attr {
	if forbiddenLogKey(a.Key) {
		return slog.Attr{}
	}
	return a
}

type requestKey struct{}

// withRequest returns a context whose log lines carry the request's id.
func withRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// requestHandler adds the request's id to each line.
type requestHandler struct{ slog.Handler }

func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := ctx.Value(requestKey{}).(string); ok {
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}

// journalHandler writes lines for the systemd journal: it keeps the time itself and takes the
// priority from a number in front (sd-daemon(3)).
type journalHandler struct {
	byLevel [4]slog.Handler // debug, info, warn, error
}

func newJournalHandler(w io.Writer, opts *slog.HandlerOptions) journalHandler {
	own := *opts
	own.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return opts.ReplaceAttr(groups, a)
	}
	var h journalHandler
	for i, priority := range []int{7, 6, 4, 3} {
		h.byLevel[i] = slog.NewTextHandler(prefixWriter{w, fmt.Appendf(nil, "<%d>", priority)}, &own)
	}
	return h
}

func (h journalHandler) of(level slog.Level) slog.Handler {
	switch {
	case level < slog.LevelInfo:
		return h.byLevel[0]
	case level < slog.LevelWarn:
		return h.byLevel[1]
	case level < slog.LevelError:
		return h.byLevel[2]
	}
	return h.byLevel[3]
}

func (h journalHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.of(level).Enabled(ctx, level)
}

func (h journalHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.of(r.Level).Handle(ctx, r)
}

func (h journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for i := range h.byLevel {
		h.byLevel[i] = h.byLevel[i].WithAttrs(attrs)
	}
	return h
}

func (h journalHandler) WithGroup(name string) slog.Handler {
	for i := range h.byLevel {
		h.byLevel[i] = h.byLevel[i].WithGroup(name)
	}
	return h
}

// prefixWriter puts prefix before each write; slog's handlers write one line at a time.
type prefixWriter struct {
	w      io.Writer
	prefix []byte
}

func (p prefixWriter) Write(line []byte) (int, error) {
	full := make([]byte, 0, len(p.prefix)+len(line))
	full = append(append(full, p.prefix...), line...)
	n, err := p.w.Write(full)
	return max(0, n-len(p.prefix)), err
}

// isJournal reports whether w is the stream that systemd connected to its journal: JOURNAL_STREAM
// holds that stream's device and inode (systemd.exec(5)).
func isJournal(w io.Writer, journalStream string) bool {
	f, ok := w.(*os.File)
	if !ok || journalStream == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && journalStream == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}
