package device

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"lintel/app/displays"
	"lintel/store"
)

const enrolBody = `{"hw_id":"esp-42.a","model":"lintel-1","fw":"0.9","caps":{"w":1024,"h":768,"bits":4,"palette":"gray","formats":["png"],"partial":true,"led":false,"battery":true}%s}`

func enrolAs(h *house, claim string) (int, map[string]any) {
	h.Helper()
	extra := ""
	if claim != "" {
		extra = `,"claim":` + strconv.Quote(claim)
	}
	r := h.ask("POST", "/api/device/v1/enrol", fmt.Sprintf(enrolBody, extra), "Content-Type", "application/json")
	var a map[string]any
	if err := json.Unmarshal(r.body, &a); err != nil {
		h.Fatalf("%d %s", r.status, r.body)
	}
	return r.status, a
}

func TestNativeEnrolment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	status, a := enrolAs(h, "")
	if status != 202 || a["state"] != "pending" || a["code"] == "" || a["retry_s"] != 20.0 {
		t.Fatalf("%d %v", status, a)
	}
	claim, code := a["claim"].(string), a["code"].(string)
	if status, again := enrolAs(h, claim); status != 202 || again["code"] != code || again["claim"] != claim {
		t.Errorf("asked again: %d %v", status, again)
	}
	r := h.ask("GET", "/api/device/v1/frame", "", "Authorization", "Bearer "+claim)
	if img, err := png.Decode(bytes.NewReader(r.body)); err != nil || img.Bounds().Dx() != 1024 {
		t.Errorf("the claim picture: %d, %v", r.status, err)
	}
	h.pass(2 * time.Hour)
	if _, slow := enrolAs(h, claim); slow["retry_s"] != 900.0 {
		t.Errorf("after two hours: %v", slow)
	}
	id := h.approve(code)
	status, a = enrolAs(h, claim)
	if status != 200 || a["device_id"] != string(id) || a["token"] != claim || a["next_wake_s"].(float64) < 10 {
		t.Errorf("approved: %d %v", status, a)
	}
	// Whoever knows the hardware id alone gets nothing.
	if status, a = enrolAs(h, ""); status != 409 || a["token"] != nil || a["retry_s"] != 900.0 {
		t.Errorf("without the claim: %d %v", status, a)
	}
	if err := h.svc.AllowReenrol(t.Context(), h.admin, id); err != nil {
		t.Fatal(err)
	}
	if status, a = enrolAs(h, "stale claim"); status != 200 || a["token"] == claim || a["token"] == "" {
		t.Errorf("let in again: %d %v", status, a)
	}
	if v, err := h.svc.Get(t.Context(), h.admin, id); err != nil || v.Palette != store.PaletteGray16 || v.Protocol != store.ProtocolNative || v.Model != "lintel-1" || v.Firmware != "0.9" {
		t.Errorf("%+v, %v", v.Display, err)
	}
}

func TestNativeEnrolmentRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for body, want := range map[string]int{
		``: 400, `{`: 400, `{}`: 400, `{"hw_id":""}`: 400, `{"hw_id":"a b"}`: 400, `{"hw_id":5}`: 400, `{"hw_id":"` + strings.Repeat("a", 65) + `"}`: 400,
		`{"hw_id":"` + strings.Repeat("a", 20_000) + `"}`: 413, `{"hw_id":"x","caps":{"w":"wide"}}`: 400, `{"hw_id":"x","caps":{"w":1e99,"h":1}}`: 400,
	} {
		if r := h.ask("POST", "/api/device/v1/enrol", body); r.status != want || !json.Valid(r.body) {
			t.Errorf("%.40q: %d %s, want %d", body, r.status, r.body, want)
		}
	}
	if r := h.ask("GET", "/api/device/v1/enrol", ""); r.status != 405 {
		t.Errorf("GET: %d", r.status)
	}
	h.srv.Config.Handler = New(h.opts)
	last := 0
	for i := range enrolBurst + 5 {
		last = h.ask("POST", "/api/device/v1/enrol", fmt.Sprintf(`{"hw_id":"d%d"}`, i)).status
	}
	if last != 429 {
		t.Errorf("a flood: %d", last)
	}
}

func TestFrame(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.book(h.rooms[0], "09:00", "10:00", "Planning")
	id, key := h.add(store.ProtocolNative, nil)
	auth := []string{"Authorization", "Bearer " + key}
	frame := func(headers ...string) reply {
		h.Helper()
		return h.ask("GET", "/api/device/v1/frame", "", append(auth, headers...)...)
	}
	full := frame("X-Battery-Mv", "3840", "X-Battery-Percent", "77", "X-Rssi", "-55", "X-Fw", "2.0", "X-Wake-Reason", "button", "X-Frame-Shown", "none")
	etag := full.header.Get("ETag")
	wake, err := strconv.Atoi(full.header.Get("X-Next-Wake"))
	if full.status != 200 || err != nil || wake < 1800 || wake > 1830 {
		t.Fatalf("%d, wake %q", full.status, full.header.Get("X-Next-Wake"))
	}
	if len(etag) < 18 || etag[0] != '"' || strings.HasPrefix(etag, "W/") || full.header.Get("Content-Type") != "image/png" || full.header.Get("X-Refresh") != "full" ||
		full.header.Get("Cache-Control") != fmt.Sprintf("private, max-age=%d", wake) || full.header.Get("Date") == "" {
		t.Errorf("headers %v", full.header)
	}
	for _, c := range []struct {
		name, value string
		want        int
	}{
		{"the tag", etag, 304},
		{"one of several", `"x", W/` + etag, 304},
		{"any", "*", 304},
		{"another", `"x"`, 200},
		{"without quotes", strings.Trim(etag, `"`), 200},
		{"none", "", 200},
	} {
		r := frame("If-None-Match", c.value)
		if r.status != c.want || r.header.Get("ETag") != etag || r.header.Get("X-Next-Wake") == "" || (c.want == 304) != (len(r.body) == 0) {
			t.Errorf("%s: %d with %d bytes, %v", c.name, r.status, len(r.body), r.header)
		}
	}
	h.pass(time.Duration(wake) * time.Second)
	if r := frame("If-None-Match", etag); r.status != 200 || r.header.Get("ETag") == etag {
		t.Errorf("the meeting began: %d", r.status)
	}
	if v, err := h.svc.Get(t.Context(), h.admin, id); err != nil || v.BatteryPercent != 77 || v.BatteryMV != 3840 || v.RSSI != -55 || v.Firmware != "2.0" {
		t.Errorf("%+v, %v", v.Display, err)
	}
	for _, wrong := range [][]string{nil, {"Authorization", "Bearer x"}, {"Authorization", "Basic " + key}, {"Authorization", key}, {"Access-Token", key}} {
		if r := h.ask("GET", "/api/device/v1/frame", "", wrong...); r.status != 401 || r.header.Get("WWW-Authenticate") != "Bearer" || !json.Valid(r.body) {
			t.Errorf("%v: %d %s", wrong, r.status, r.body)
		}
	}
}

func TestStateIsTheFrameInWords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, key := h.add(store.ProtocolNative, nil)
	r := h.ask("GET", "/api/device/v1/state", "", "Authorization", "Bearer "+key)
	var a stateAnswer
	if err := json.Unmarshal(r.body, &a); err != nil || r.status != 200 || bytes.Contains(r.body, []byte("\n")) || a.NextWake < 10 || a.State != "approved" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	img := h.ask("GET", a.ImageURL, "")
	if img.status != 200 || img.header.Get("ETag") != `"`+a.FrameID+`"` {
		t.Errorf("%d %v", img.status, img.header)
	}
	if r := h.ask("GET", a.ImageURL, "", "If-None-Match", img.header.Get("ETag")); r.status != 304 {
		t.Errorf("with its tag: %d", r.status)
	}
	if r := h.ask("POST", "/api/device/v1/log", `{"logs":[{"message":"x"}]}`, "Authorization", "Bearer "+key); r.status != 204 {
		t.Errorf("log: %d", r.status)
	}
}

// ESPHome, photo frames and boards of one's own fetch one address.
func TestPlainAddress(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, key := h.add(store.ProtocolURL, nil)
	byPath := h.ask("GET", "/display/"+key+".png", "", "Accept", "image/png, image/jpeg, image/bmp, */*;q=0.8")
	if byPath.status != 200 || byPath.header.Get("Content-Type") != "image/png" || byPath.header.Get("X-Next-Wake") == "" {
		t.Fatalf("%d %v", byPath.status, byPath.header)
	}
	if _, err := http.ParseTime(byPath.header.Get("Last-Modified")); err != nil {
		t.Error(err)
	}
	byHeader := h.ask("GET", "/display/door.png", "", "Authorization", "Bearer "+key, "X-Display-Width", "1200", "X-Display-Height", "825")
	if img, err := png.Decode(bytes.NewReader(byHeader.body)); err != nil || img.Bounds().Dx() != 1200 {
		t.Errorf("%d, %v", byHeader.status, err)
	}
	tag := byHeader.header.Get("ETag")
	if r := h.ask("GET", "/display/"+key+".png", "", "If-None-Match", tag); r.status != 304 {
		t.Errorf("with its tag: %d", r.status)
	}
	if r := h.ask("GET", "/display/"+key+".png", ""); r.status != 200 || !bytes.Equal(r.body, byHeader.body) {
		t.Errorf("a client that forgot its tag: %d", r.status)
	}
	if r := h.ask("GET", "/display/"+key[:42]+".png", ""); r.status != 404 {
		t.Errorf("a wrong address: %d", r.status)
	}
	if r := h.ask("GET", "/display/door.png", "", "Authorization", "Bearer x"); r.status != 401 {
		t.Errorf("a wrong key: %d", r.status)
	}
	_, bmp := h.add(store.ProtocolURL, func(c *displays.Settings) { c.Encoding = store.EncodingBMP })
	if r := h.ask("GET", "/display/"+bmp+".bmp", ""); r.header.Get("Content-Type") != "image/bmp" || len(r.body) != 48_062 {
		t.Errorf("%v", r.header)
	}
	if r := h.ask("HEAD", "/display/"+key+".png", ""); r.status != 200 || len(r.body) != 0 {
		t.Errorf("HEAD: %d", r.status)
	}
}
