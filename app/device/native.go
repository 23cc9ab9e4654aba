package device

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"lintel/app/displays"
)

// enrolRequest is the body of POST /api/device/v1/enrol.
type enrolRequest struct {
	HardwareID string `json:"hw_id"`
	Model      string `json:"model"`
	Firmware   string `json:"fw"`
	Caps       struct {
		Width   int      `json:"w"`
		Height  int      `json:"h"`
		Bits    int      `json:"bits"`
		Formats []string `json:"formats"` // of pictures: "png", "bmp"; none: png
		Battery *bool    `json:"battery"`
	} `json:"caps"`
	Claim string `json:"claim"` // what the first answer gave, so that nobody else picks up the approval
}

// pendingAnswer says that somebody has to type the code first. The device repeats its request with claim after retry_s.
type pendingAnswer struct {
	State string `json:"state"`
	Code  string `json:"code"`
	Claim string `json:"claim"`
	Retry int    `json:"retry_s"`
}

// enrolledAnswer gives an approved device its token.
type enrolledAnswer struct {
	ID       string `json:"device_id"`
	Token    string `json:"token"`
	NextWake int    `json:"next_wake_s"`
}

// enrol lets a device of our own protocol in.
func (h *handler) enrol(w http.ResponseWriter, r *http.Request) {
	var q enrolRequest
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEnrolBody))
	if err != nil {
		h.answer(w, http.StatusRequestEntityTooLarge, failure{Error: "the body is too large"})
		return
	}
	if err := json.Unmarshal(body, &q); err != nil || !printable(q.HardwareID) {
		h.answer(w, http.StatusBadRequest, failure{Error: "want JSON with hw_id, 1 to 64 letters, digits, : - . or _"})
		return
	}
	rep := h.report(r)
	rep.HardwareID, rep.Model, rep.Firmware = q.HardwareID, q.Model, q.Firmware
	if m := mac(q.HardwareID); m != "" {
		rep.HardwareID = m
	}
	rep.Width, rep.Height, rep.Bits = q.Caps.Width, q.Caps.Height, q.Caps.Bits
	rep.BMPOnly = slices.Contains(q.Caps.Formats, "bmp") && !slices.Contains(q.Caps.Formats, "png")
	rep.NoBattery = q.Caps.Battery != nil && !*q.Caps.Battery
	if q.Claim != "" {
		e, err := h.o.Displays.Claimed(q.Claim, rep)
		if err == nil {
			h.enrolled(w, e, q.Claim)
			return
		}
		if !errors.Is(err, displays.ErrUnknownKey) {
			h.fail(w, err)
			return
		}
	}
	if !h.enrols.allow(h.source(r)) {
		h.fail(w, errTooMany)
		return
	}
	e, err := h.o.Displays.Setup(r.Context(), displays.Native, rep)
	if err != nil {
		h.fail(w, err)
		return
	}
	h.enrolled(w, e, e.Key.Reveal())
}

func (h *handler) enrolled(w http.ResponseWriter, e displays.Enrolment, key string) {
	if e.Code != "" {
		h.answer(w, http.StatusAccepted, pendingAnswer{State: "pending", Code: e.Code, Claim: key, Retry: claimRetry(e.Answer.Wake)})
		return
	}
	h.answer(w, http.StatusOK, enrolledAnswer{ID: string(e.Display), Token: key, NextWake: seconds(e.Answer.Wake)})
}

// claimRetry is how soon a device that waits asks again: each 20 s while somebody is likely to stand there, then more slowly.
func claimRetry(wake time.Duration) int {
	if wake <= time.Minute {
		return 20
	}
	return seconds(min(wake, 15*time.Minute))
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// printable reports whether s can be a hardware id.
func printable(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == ':', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return true
}

// frame gives the picture and the time of the next poll in one answer.
func (h *handler) frame(w http.ResponseWriter, r *http.Request) {
	a, err := h.o.Displays.Poll(bearer(r), h.report(r))
	if err != nil || a.Picture == nil {
		h.fail(w, err)
		return
	}
	w.Header()["X-Refresh"] = []string{"full"}
	h.sendFrame(w, r, a)
}

// stateAnswer says the same as a frame to a client that wants a manifest.
type stateAnswer struct {
	FrameID  string `json:"frame_id"`
	ImageURL string `json:"image_url"`
	Filename string `json:"filename"`
	NextWake int    `json:"next_wake_s"`
	State    string `json:"state"` // pending or approved
}

func (h *handler) state(w http.ResponseWriter, r *http.Request) {
	a, err := h.o.Displays.Poll(bearer(r), h.report(r))
	if err != nil || a.Picture == nil {
		h.fail(w, err)
		return
	}
	h.answer(w, http.StatusOK, stateAnswer{
		FrameID: a.Picture.ETag[1 : len(a.Picture.ETag)-1], ImageURL: h.pictureURL(r, a), Filename: a.Picture.Filename,
		NextWake: seconds(a.Wake), State: string(a.State),
	})
}

func (h *handler) nativeLog(w http.ResponseWriter, r *http.Request) { h.log(w, r, bearer(r)) }
