package device

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"lintel/app/displays"
)

// log takes a device's log in any of its shapes and answers 204 whatever it holds.
func (h *handler) log(w http.ResponseWriter, r *http.Request, key string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLogBody))
	if err == nil {
		err = h.o.Displays.Log(key, readLog(body))
	}
	if err != nil {
		h.o.Log.Debug("device log not taken", "err", err)
	}
	w.WriteHeader(http.StatusNoContent)
}

// readLog reads both shapes of a log: {"logs":[…]} and, of older firmware, {"log":{"logs_array":[…]}}. What can't be read is
// left out.
func readLog(body []byte) []displays.LogLine {
	var shapes struct {
		Logs []json.RawMessage `json:"logs"`
		Log  struct {
			Array []json.RawMessage `json:"logs_array"`
		} `json:"log"`
	}
	_ = json.Unmarshal(body, &shapes) // what could be read is there
	var out []displays.LogLine
	for _, raw := range append(shapes.Logs, shapes.Log.Array...) {
		var m map[string]any
		if json.Unmarshal(raw, &m) != nil {
			continue
		}
		l := displays.LogLine{Message: word(m, "message", "log_message"), Level: word(m, "level"), At: instant(m, "created_at", "creation_timestamp")}
		if l.Level == "" {
			l.Level = "info"
		}
		if where := word(m, "source_path", "log_sourcefile"); where != "" && l.Message != "" {
			l.Message += " (" + where + ":" + word(m, "source_line", "log_codeline") + ")"
		}
		if l.Message != "" {
			out = append(out, l)
		}
	}
	return out
}

// word returns the first of these fields as text.
func word(m map[string]any, names ...string) string {
	for _, n := range names {
		switch v := m[n].(type) {
		case string:
			if v != "" {
				return v
			}
		case float64, bool:
			return fmt.Sprint(v)
		}
	}
	return ""
}

// instant returns the first of these fields as a time: Unix seconds or RFC 3339. The zero time when it is neither.
func instant(m map[string]any, names ...string) time.Time {
	for _, n := range names {
		switch v := m[n].(type) {
		case float64:
			if v > 0 && v < 1<<40 {
				return time.Unix(int64(v), 0).UTC()
			}
		case string:
			if t, err := time.Parse(time.RFC3339, v); err == nil {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}
