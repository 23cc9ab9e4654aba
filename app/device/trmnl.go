package device

import (
	"net/http"
	"time"

	"lintel/app/displays"
)

// The TRMNL device protocol. Its rules, as far as clients depend on them: JSON on one line with whole numbers; addresses absolute;
// "status" in a body is 0 for "show this", 200 for "registered", and nothing else, because 202 makes devices poll each five seconds and
// 500 makes them throw away their credentials; "filename" is the devices' cache key.

// setupAnswer answers GET /api/setup.
type setupAnswer struct {
	Status     int    `json:"status"`
	APIKey     string `json:"api_key"`
	FriendlyID string `json:"friendly_id"`
	ImageURL   string `json:"image_url"`
	Filename   string `json:"filename"`
	Message    string `json:"message"`
}

// setup lets a device in: 200 with a key, or 404, upon which the device says so on its glass and asks again in 15 minutes.
func (h *handler) setup(w http.ResponseWriter, r *http.Request) {
	rep := h.report(r)
	if rep.HardwareID == "" {
		h.answer(w, http.StatusNotFound, setupAnswer{Status: http.StatusNotFound, Message: "The ID header has to hold the MAC address."})
		return
	}
	if !h.enrols.allow(h.source(r)) {
		h.answer(w, http.StatusNotFound, setupAnswer{Status: http.StatusNotFound, Message: "Too many displays from this address. Try again later."})
		return
	}
	e, err := h.o.Displays.Setup(r.Context(), displays.TRMNL, rep)
	if err != nil {
		h.o.Log.Info("display set-up not granted", "err", err)
		h.answer(w, http.StatusNotFound, setupAnswer{Status: http.StatusNotFound, Message: "This device is known. Let it enrol again in Lintel, under Displays."})
		return
	}
	a := setupAnswer{Status: http.StatusOK, APIKey: e.Key.Reveal(), FriendlyID: e.Code, Message: "Enter the code under Displays in Lintel."}
	if e.Code == "" {
		a.FriendlyID, a.Message = string(e.Display)[:6], "Welcome back."
	}
	if e.Answer.Picture != nil {
		a.ImageURL, a.Filename = h.pictureURL(r, e.Answer), e.Answer.Picture.Filename
	}
	h.answer(w, http.StatusOK, a)
}

// displayAnswer answers GET /api/display.
type displayAnswer struct {
	Status          int    `json:"status"`
	ImageURL        string `json:"image_url"`
	Filename        string `json:"filename"`
	RefreshRate     int    `json:"refresh_rate"`
	UpdateFirmware  bool   `json:"update_firmware"`
	FirmwareURL     string `json:"firmware_url"`
	ResetFirmware   bool   `json:"reset_firmware"`
	SpecialFunction string `json:"special_function"`
}

// minRefresh is the shortest sleep that a TRMNL client is told.
const minRefresh = time.Minute

func (h *handler) display(w http.ResponseWriter, r *http.Request) {
	a, err := h.o.Displays.Poll(accessToken(r), h.report(r))
	if err != nil || a.Picture == nil {
		h.fail(w, err)
		return
	}
	if sensors := r.Header.Get("Sensors"); sensors != "" {
		h.o.Log.Debug("display told sensor values", "display", string(a.Display), "count", len(readSensors(sensors)))
	}
	h.answer(w, http.StatusOK, displayAnswer{
		ImageURL: h.pictureURL(r, a), Filename: a.Picture.Filename, RefreshRate: refresh(a), SpecialFunction: "none",
	})
}

// screenAnswer answers GET /api/current_screen.
type screenAnswer struct {
	Status      int    `json:"status"`
	RefreshRate int    `json:"refresh_rate"`
	ImageURL    string `json:"image_url"`
	Filename    string `json:"filename"`
	RenderedAt  string `json:"rendered_at"` // RFC 3339
}

// currentScreen shows the same picture to a second screen, such as a browser's extension.
func (h *handler) currentScreen(w http.ResponseWriter, r *http.Request) {
	a, err := h.o.Displays.Peek(accessToken(r))
	if err != nil || a.Picture == nil {
		h.fail(w, err)
		return
	}
	h.answer(w, http.StatusOK, screenAnswer{
		Status: http.StatusOK, RefreshRate: refresh(a), ImageURL: h.pictureURL(r, a), Filename: a.Picture.Filename,
		RenderedAt: a.Picture.RenderedAt.Format(time.RFC3339),
	})
}

func refresh(a displays.Answer) int { return int(max(a.Wake, minRefresh) / time.Second) }

// trmnlLog takes a device's log. It never fails: a device that is told so keeps its log and sends it again each time.
func (h *handler) trmnlLog(w http.ResponseWriter, r *http.Request) {
	h.log(w, r, accessToken(r))
}
