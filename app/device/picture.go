package device

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"lintel/app/displays"
)

// pictureURL returns an absolute address under which the answer's picture can be fetched without a key.
func (h *handler) pictureURL(r *http.Request, a displays.Answer) string {
	return h.baseURL(r) + "/img/" + h.o.Displays.PictureToken(a) + extension(a.Picture)
}

func extension(p *displays.Picture) string {
	if p.ContentType == "image/bmp" {
		return ".bmp"
	}
	return ".png"
}

// picture serves what an address names. One that has expired, or never was, is 404 with a small body: some clients end when they
// get a 401.
func (h *handler) picture(w http.ResponseWriter, r *http.Request) {
	token, _, _ := strings.Cut(r.PathValue("token"), ".")
	p, ok := h.o.Displays.PictureAt(token)
	if !ok {
		h.answer(w, http.StatusNotFound, failure{Error: "no such picture"})
		return
	}
	w.Header().Set("Cache-Control", "private, max-age=60")
	h.send(w, r, p)
}

// send writes a picture, or 304 to a client that named its tag; never 304 to one that did not.
func (h *handler) send(w http.ResponseWriter, r *http.Request, p *displays.Picture) {
	header := w.Header()
	header["Etag"] = []string{p.ETag}
	if matches(first(r.Header, "If-None-Match"), p.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", p.ContentType)
	header.Set("Content-Length", strconv.Itoa(len(p.Bytes)))
	header.Set("Last-Modified", p.RenderedAt.UTC().Format(http.TimeFormat))
	header.Set("X-Content-Type-Options", "nosniff")
	h.deadline(w, writeTime)
	_, _ = w.Write(p.Bytes)
}

// sendFrame writes the picture of a poll with the time of the next one.
func (h *handler) sendFrame(w http.ResponseWriter, r *http.Request, a displays.Answer) {
	header := w.Header()
	wake := strconv.Itoa(int(a.Wake / time.Second))
	header["X-Next-Wake"] = []string{wake}
	header["Cache-Control"] = []string{"private, max-age=" + wake}
	h.send(w, r, a.Picture)
}

// plain serves a display that knows one address: with its key in the Authorization header, or as the address's last part.
func (h *handler) plain(w http.ResponseWriter, r *http.Request) {
	key := bearer(r)
	if key == "" {
		key, _, _ = strings.Cut(r.PathValue("secret"), ".")
	}
	a, err := h.o.Displays.Poll(key, h.report(r))
	if err != nil || a.Picture == nil {
		if err != nil && bearer(r) == "" {
			h.answer(w, http.StatusNotFound, failure{Error: "no such picture"})
			return
		}
		h.fail(w, err)
		return
	}
	h.sendFrame(w, r, a)
}
