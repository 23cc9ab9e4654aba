package device

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lintel/app/displays"
	"lintel/templates"
	"lintel/templates/text"
)

// panelCookie holds a panel's key. Portal cookies mean nothing here, and this one is sent nowhere else.
const panelCookie = "lintel_panel"

// Times of a panel's stream.
const (
	panelRetry  = 3 * time.Second  // how soon a browser connects again
	panelBeat   = 20 * time.Second // how often it hears from us at least, so that it notices when it does not
	panelSend   = 10 * time.Second // how long one event may take to be received
	panelFull   = 30 * time.Second // how soon it tries again when there are too many streams
	maxStreams  = 1024
	cookieLasts = 400 * 24 * time.Hour // the longest that browsers accept; renewed with each loading of the page
)

// panelNews is what the page's script gets: in each event of the stream, and from GET /panel/state.
type panelNews struct {
	Now    int64           `json:"now"`    // the server's clock in Unix milliseconds
	Offset int             `json:"offset"` // of the building's zone now, in seconds east of UTC
	Build  string          `json:"build"`  // when it differs from the page's, the page loads itself anew
	Panel  json.RawMessage `json:"panel,omitempty"`
}

// gonePanel is the panel of a browser whose pairing is not known (any more): the page loads itself anew and pairs.
const gonePanel = `{"screen":"gone"}`

func panelKey(r *http.Request) string {
	c, err := r.Cookie(panelCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// news returns what a panel shows now. ok is false when its key is not known.
func (h *handler) news(r *http.Request, key string) (n panelNews, ok bool) {
	st, err := h.o.Displays.Panel(key, displays.Report{Address: h.source(r).String()})
	if err != nil {
		now := h.o.Now()
		return panelNews{Now: now.UnixMilli(), Build: h.o.Build, Panel: json.RawMessage(gonePanel)}, false
	}
	_, offset := st.Now.Zone()
	return panelNews{Now: st.Now.UnixMilli(), Offset: offset, Build: h.o.Build, Panel: st.JSON}, true
}

// panelState is the slow poll beside the stream. It is 200 for unknown panels too: the page has to hear it.
func (h *handler) panelState(w http.ResponseWriter, r *http.Request) {
	n, _ := h.news(r, panelKey(r))
	h.answer(w, http.StatusOK, n)
}

// panelEvents streams what a panel shows: at once, after each change, and a sign of life between. It always begins with 200, as a
// browser never tries again after anything else.
func (h *handler) panelEvents(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	s := stream{h: h, w: w, rc: http.NewResponseController(w)}
	key := panelKey(r)
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		_ = s.retry(panelFull)
		return
	}
	news, stop, err := h.o.Displays.WatchPanel(key)
	if err != nil {
		n, _ := h.news(r, key)
		_ = errors.Join(s.retry(panelRetry), s.event("panel", n))
		return
	}
	defer stop()
	if s.retry(panelRetry) != nil {
		return
	}
	beat := time.NewTicker(panelBeat)
	defer beat.Stop()
	name := "panel"
	for {
		n, known := h.news(r, key)
		if name == "beat" && known {
			n.Panel = nil
		}
		if s.event(name, n) != nil || !known {
			return
		}
		select {
		case <-news:
			name = "panel"
		case <-beat.C:
			name = "beat"
		case <-r.Context().Done():
			return
		case <-h.o.Closing:
			return
		}
	}
}

// stream writes server-sent events.
type stream struct {
	h  *handler
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (s *stream) retry(d time.Duration) error {
	return s.send("retry: " + strconv.Itoa(int(d/time.Millisecond)) + "\n\n")
}

func (s *stream) event(name string, n panelNews) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	var b strings.Builder
	if n.Panel != nil {
		sum := sha256.Sum256(n.Panel)
		b.WriteString("id: " + hex.EncodeToString(sum[:8]) + "\n")
	}
	b.WriteString("event: " + name + "\ndata: ")
	b.Write(data)
	b.WriteString("\n\n")
	return s.send(b.String())
}

func (s *stream) send(text string) error {
	s.h.deadline(s.w, panelSend)
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.rc.Flush()
}

// setPanelCookie gives a browser its key, or renews how long it keeps it.
func (h *handler) setPanelCookie(w http.ResponseWriter, r *http.Request, key string) {
	http.SetCookie(w, &http.Cookie{
		Name: panelCookie, Value: key, Path: "/panel", MaxAge: int(cookieLasts / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: h.secure(r),
	})
}

// panelHeaders are the rules for the panel's page: nothing but our own files, no frames, no forms.
func panelHeaders(header http.Header) {
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
}

// panelPage is the page that a wall shows. A browser that is not paired gets a code to be typed in the portal.
func (h *handler) panelPage(w http.ResponseWriter, r *http.Request) {
	key := panelKey(r)
	n, known := h.news(r, key)
	if !known {
		if strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") { // a browser that only guesses what comes next
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if !h.enrols.allow(h.source(r)) {
			h.fail(w, errTooMany)
			return
		}
		e, err := h.o.Displays.PairPanel(r.Context(), h.report(r))
		if err != nil {
			h.fail(w, err)
			return
		}
		key = e.Key.Reveal()
		n, _ = h.news(r, key)
	}
	h.setPanelCookie(w, r, key)
	panelHeaders(w.Header())
	h.writePanelPage(w, r, n)
}

// writePanelPage writes the page with its first news in it.
func (h *handler) writePanelPage(w http.ResponseWriter, r *http.Request, n panelNews) {
	var p displays.Panel
	news, err := json.Marshal(n)
	if err == nil {
		err = json.Unmarshal(n.Panel, &p)
	}
	var b bytes.Buffer
	if err == nil {
		err = templates.PanelPage(templates.Panel{Lang: text.Lang(p.Lang), News: string(news)}).Render(r.Context(), &b)
	}
	if err != nil {
		h.fail(w, fmt.Errorf("make panel page: %w", err))
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(b.Len()))
	h.deadline(w, writeTime)
	_, _ = w.Write(b.Bytes())
}
