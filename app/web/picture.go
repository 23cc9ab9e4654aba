package web

import (
	"bytes"
	"encoding/hex"
	"net/http"

	"lintel/app/displays"
	"lintel/store"
)

// pictureName is the last part of a picture's address. It changes with the picture, so that a page that is
// drawn anew shows the new one.
func pictureName(p *displays.Picture) string {
	return hex.EncodeToString(p.Hash[:8])
}

// servePicture answers with the very bytes that the device gets.
func servePicture(w http.ResponseWriter, r *http.Request, p *displays.Picture) error {
	h := w.Header()
	h.Set("Content-Type", p.ContentType)
	h.Set("ETag", p.ETag)
	h.Set("Cache-Control", "private, no-cache")
	http.ServeContent(w, r, "", p.RenderedAt, bytes.NewReader(p.Bytes))
	return nil
}

// displayPicture answers with what a display shows, to whoever manages it.
func (s *Server) displayPicture(w http.ResponseWriter, r *http.Request, v *visitor) error {
	d, err := s.Displays.Get(r.Context(), v.Actor, store.DisplayID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if d.Picture == nil {
		return store.ErrNotFound
	}
	return servePicture(w, r, d.Picture)
}
