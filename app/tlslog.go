package app

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newZap returns a zap logger, which certmagic wants, that writes to log.
func newZap(log *slog.Logger) *zap.Logger { return zap.New(zapToSlog{log: log}) }

// zapToSlog is a zap core on a slog logger. certmagic tells each step; its Info is our Debug.
type zapToSlog struct {
	log    *slog.Logger
	fields []zapcore.Field
}

func slogLevel(l zapcore.Level) slog.Level {
	switch {
	case l <= zapcore.InfoLevel:
		return slog.LevelDebug
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelError
}

func (c zapToSlog) Enabled(l zapcore.Level) bool {
	return c.log.Enabled(context.Background(), slogLevel(l))
}

func (c zapToSlog) With(fields []zapcore.Field) zapcore.Core {
	return zapToSlog{log: c.log, fields: append(slices.Clip(c.fields), fields...)}
}

func (c zapToSlog) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c zapToSlog) Write(e zapcore.Entry, fields []zapcore.Field) error {
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range slices.Concat(c.fields, fields) {
		f.AddTo(enc)
	}
	keys := make([]string, 0, len(enc.Fields))
	for k := range enc.Fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	attrs := []slog.Attr{slog.String("event", e.Message)}
	for _, k := range keys {
		if v, isTime := enc.Fields[k].(time.Time); isTime {
			attrs = append(attrs, slog.Time(k, v))
			continue
		}
		attrs = append(attrs, slog.Any(k, enc.Fields[k]))
	}
	c.log.LogAttrs(context.Background(), slogLevel(e.Level), "certificates", attrs...)
	return nil
}

func (c zapToSlog) Sync() error { return nil }
