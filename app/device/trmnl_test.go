package device

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"lintel/app/displays"
	"lintel/store"
)

// firmware behaves as the devices' firmware 1.8 does, as far as a server can notice.
type firmware struct {
	*house
	mac, model    string
	width, height int
	limit         int // of a picture, in bytes

	key     string            // NVS
	code    string            // shown on the glass
	flash   map[string][]byte // pictures by stored name
	glass   []byte            // what is shown
	sleep   time.Duration
	drawn   int // how often the panel was refreshed
	wiped   bool
	message string // of a failure
}

func newFirmware(h *house) *firmware {
	return &firmware{house: h, mac: "AA:BB:CC:DD:EE:FF", model: "og", width: 800, height: 480, limit: 90_000, flash: map[string][]byte{}}
}

// cycle is one wake: set-up when there is no key, display, picture.
func (f *firmware) cycle() {
	f.Helper()
	f.message = ""
	if f.key == "" && !f.setup() {
		return
	}
	if err := f.show(); err != nil {
		f.message, f.sleep = err.Error(), 15*time.Second
	}
}

func (f *firmware) setup() bool {
	f.Helper()
	r := f.ask("GET", "/api/setup", "", "ID", f.mac, "FW-Version", "1.8.14", "Model", f.model, "Content-Type", "application/json")
	var a struct {
		Status     int    `json:"status"`
		APIKey     string `json:"api_key"`
		FriendlyID string `json:"friendly_id"`
		ImageURL   string `json:"image_url"`
	}
	if err := json.Unmarshal(r.body, &a); err != nil {
		f.Errorf("set-up answered %q", r.body)
	}
	if r.status != 200 || a.Status != 200 {
		f.message, f.sleep = "MAC not registered", 900*time.Second
		return false
	}
	f.key, f.code = a.APIKey, a.FriendlyID
	if a.ImageURL != "" {
		if _, err := f.fetch(a.ImageURL); err != nil {
			f.Errorf("the first picture: %v", err)
		}
	}
	return true
}

func (f *firmware) show() error {
	f.Helper()
	r := f.ask("GET", "/api/display", "", "ID", f.mac, "Access-Token", f.key, "Refresh-Rate", strconv.Itoa(int(f.sleep/time.Second)),
		"Battery-Voltage", "3.84", "FW-Version", "1.8.14", "Model", f.model, "RSSI", "-61", "WiFi-Band", "2.4", "Update-Source", "timer",
		"Image-Cached", "false", "Wake-Time", "10500", "Temperature-Profile", "true",
		"Width", strconv.Itoa(f.width), "Height", strconv.Itoa(f.height),
		"SENSORS", "make=Sensirion;model=SCD41;kind=carbon_dioxide;value=812;unit=parts_per_million;created_at=1770850256")
	if r.status != 200 && r.status != 301 && r.status != 429 {
		return fmt.Errorf("HTTP %d", r.status)
	}
	var a map[string]any
	if err := json.Unmarshal(r.body, &a); err != nil {
		return err
	}
	status, _ := a["status"].(float64) // a missing one reads as 0
	if reset, _ := a["reset_firmware"].(bool); reset || status == 500 {
		f.key, f.wiped = "", true
		return errors.New("credentials wiped")
	}
	if status != 0 {
		return fmt.Errorf("status %v", status)
	}
	rate, ok := a["refresh_rate"].(float64)
	if !ok || rate != float64(int(rate)) || rate < 60 {
		return fmt.Errorf("refresh_rate %v", a["refresh_rate"])
	}
	f.sleep = time.Duration(rate) * time.Second
	if update, _ := a["update_firmware"].(bool); update {
		return errors.New("it is to load a firmware")
	}
	name, _ := a["filename"].(string)
	stored := name
	if len(stored) > 31 {
		stored = name[:7] + name[len(name)-17:]
	}
	address, _ := a["image_url"].(string)
	img, cached := f.flash[stored]
	if !cached {
		var err error
		if img, err = f.fetch(address); err != nil {
			return err
		}
		f.flash[stored] = img
	}
	if !bytes.Equal(img, f.glass) {
		f.drawn++
	}
	f.glass = img
	return nil
}

// fetch loads a picture as the firmware does: with its key only where the address begins with the server's.
func (f *firmware) fetch(address string) ([]byte, error) {
	f.Helper()
	u, err := url.Parse(address)
	if err != nil || !u.IsAbs() || u.Scheme != "http" && u.Scheme != "https" || len(address) > 1023 {
		return nil, fmt.Errorf("picture address %q", address)
	}
	var headers []string
	if strings.HasPrefix(address, f.srv.URL) {
		headers = []string{"ID", f.mac, "Access-Token", f.key}
	}
	r := f.ask("GET", address, "", headers...)
	if r.status != 200 && r.status != 301 {
		return nil, fmt.Errorf("picture HTTP %d", r.status)
	}
	if len(r.body) > f.limit {
		return nil, fmt.Errorf("a picture of %d bytes", len(r.body))
	}
	if kind := r.header.Get("Content-Type"); !bytes.HasPrefix(r.body, []byte("BM")) && kind != "image/png" && kind != "image/jpeg" {
		return nil, fmt.Errorf("a picture of type %q", kind)
	}
	img, err := decode(r.body)
	if err != nil {
		return nil, err
	}
	if b := img.Bounds(); b.Dx() != f.width || b.Dy() != f.height {
		return nil, fmt.Errorf("garbled: %v on %d×%d", b, f.width, f.height)
	}
	return r.body, nil
}

// decode reads PNG, and BMP as strictly as the firmware: version 3, one bit, bottom-up, a palette of black and white with zero alpha.
func decode(b []byte) (image.Image, error) {
	if !bytes.HasPrefix(b, []byte("BM")) {
		return png.Decode(bytes.NewReader(b))
	}
	le := binary.LittleEndian
	w, ht := int(int32(le.Uint32(b[18:]))), int(int32(le.Uint32(b[22:])))
	if le.Uint32(b[14:]) != 40 || le.Uint16(b[28:]) != 1 || ht <= 0 || string(b[54:62]) != "\x00\x00\x00\x00\xff\xff\xff\x00" {
		return nil, errors.New("a BMP that the firmware refuses")
	}
	img := image.NewGray(image.Rect(0, 0, w, ht))
	stride := (w + 31) / 32 * 4
	for y := range ht {
		row := b[int(le.Uint32(b[10:]))+(ht-1-y)*stride:]
		for x := range w {
			if row[x/8]>>(7-x%8)&1 == 1 {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	return img, nil
}

func TestFirmwareFromSetupToApproval(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newFirmware(h)
	f.cycle()
	if f.message != "" || f.key == "" || f.code == "" || f.sleep != time.Minute || f.glass == nil {
		t.Fatalf("pending: %q, sleeps %v", f.message, f.sleep)
	}
	claim := f.glass
	h.pass(2 * time.Hour)
	f.cycle()
	if f.sleep != 15*time.Minute || !bytes.Equal(f.glass, claim) {
		t.Errorf("after two hours it sleeps %v", f.sleep)
	}
	id := h.approve(f.code)
	h.pass(f.sleep)
	f.cycle()
	if f.message != "" || bytes.Equal(f.glass, claim) {
		t.Fatalf("approved: %q", f.message)
	}

	// A factory reset: the device is known, so that nobody who knows a MAC can get its key.
	f.key = ""
	f.cycle()
	if f.message != "MAC not registered" || f.sleep != 900*time.Second {
		t.Errorf("reset: %q", f.message)
	}
	if err := h.svc.AllowReenrol(t.Context(), h.admin, id); err != nil {
		t.Fatal(err)
	}
	f.cycle()
	if f.message != "" || f.key == "" {
		t.Errorf("let in again: %q", f.message)
	}
	if f.wiped {
		t.Error("its credentials were wiped")
	}
}

func TestFirmwareDownloadsEachPictureOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.book(h.rooms[0], "09:00", "10:00", "Planning")
	f := newFirmware(h)
	_, f.key = h.add(store.ProtocolTRMNL, nil)
	f.cycle()
	if f.message != "" || f.sleep < 30*time.Minute || f.sleep > 31*time.Minute || h.downloads() != 1 {
		t.Fatalf("%q, sleeps %v, %d downloads", f.message, f.sleep, h.downloads())
	}
	f.cycle() // somebody pressed the button
	h.restart()
	f.cycle()
	if h.downloads() != 1 || f.drawn != 1 {
		t.Errorf("the same picture was downloaded %d times and drawn %d times", h.downloads(), f.drawn)
	}
	h.pass(f.sleep)
	f.cycle()
	if h.downloads() != 2 || f.drawn != 2 || f.sleep != time.Hour {
		t.Errorf("the meeting began: %d downloads, drawn %d times, sleeps %v", h.downloads(), f.drawn, f.sleep)
	}
}

func TestFirmwareOfOtherPanels(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i, c := range []struct {
		model                string
		width, height, limit int
	}{{"x", 1872, 1404, 750_000}, {"paper_s3", 960, 540, 90_000}, {"reterminal_e1001", 800, 480, 90_000}, {"something new", 1200, 825, 90_000}} {
		f := newFirmware(h)
		f.mac, f.model, f.width, f.height, f.limit = fmt.Sprintf("AA:BB:CC:DD:EE:%02X", i), c.model, c.width, c.height, c.limit
		if c.model == "something new" { // only its headers tell its size, and set-up has none of them
			f.key = f.setupOnly()
		}
		f.cycle()
		if f.message != "" {
			t.Errorf("%s: %s", c.model, f.message)
		}
		h.approve(f.code)
		f.cycle()
		if f.message != "" {
			t.Errorf("%s, approved: %s", c.model, f.message)
		}
	}
}

// setupOnly takes a key without looking at the first picture.
func (f *firmware) setupOnly() string {
	f.Helper()
	var a setupAnswer
	if err := json.Unmarshal(f.ask("GET", "/api/setup/", "", "ID", strings.ToLower(f.mac)).body, &a); err != nil {
		f.Fatal(err)
	}
	f.code = a.FriendlyID
	return a.APIKey
}

func TestBusiestScreenFitsTheFirmware(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 12 {
		h.book(h.rooms[0], fmt.Sprintf("%02d:00", 8+i), fmt.Sprintf("%02d:45", 8+i), strings.Repeat("Supplier visit: Müller & Söhne, très long ", 3))
	}
	for _, palette := range []store.DisplayPalette{store.PaletteBW, store.PaletteGray4, store.PaletteGray16} {
		for _, tpl := range []store.DisplayTemplate{store.TemplateDay, store.TemplateWeek} {
			f := newFirmware(h)
			_, f.key = h.add(store.ProtocolTRMNL, func(c *displays.Settings) { c.Palette, c.Template = palette, tpl })
			f.cycle()
			if f.message != "" {
				t.Errorf("%s %s: %s", palette, tpl, f.message)
			}
		}
	}
}

func TestPNGAndBMPShowTheSame(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.book(h.rooms[0], "08:00", "10:00", "Planning")
	var shown []image.Image
	for _, e := range []store.DisplayEncoding{store.EncodingPNG, store.EncodingBMP} {
		f := newFirmware(h)
		_, f.key = h.add(store.ProtocolTRMNL, func(c *displays.Settings) { c.Encoding = e })
		f.cycle()
		if f.message != "" {
			t.Fatalf("%s: %s", e, f.message)
		}
		img, err := decode(f.glass)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, img)
	}
	for y := range 480 {
		for x := range 800 {
			a, _, _, _ := shown[0].At(x, y).RGBA()
			b, _, _, _ := shown[1].At(x, y).RGBA()
			if a != b {
				t.Fatalf("pixel %d,%d is %d in PNG and %d in BMP", x, y, a, b)
			}
		}
	}
}

// An address that expires between poll and fetch is 404 and never 401: trmnl-display ends for good at a 401.
func TestPictureAddressExpiresQuietly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, key := h.add(store.ProtocolTRMNL, nil)
	var a displayAnswer
	if err := json.Unmarshal(h.ask("GET", "/api/display", "", "access-token", key).body, &a); err != nil {
		t.Fatal(err)
	}
	h.pass(90 * time.Minute)
	h.restart()
	if r := h.ask("GET", a.ImageURL, ""); r.status != 200 {
		t.Errorf("within two sleeps: %d", r.status)
	}
	h.pass(time.Hour)
	for _, address := range []string{a.ImageURL, "/img/nothing.png", "/img/" + strings.Repeat("A", 48) + ".png"} {
		if r := h.ask("GET", address, ""); r.status != 404 || len(r.body) > 100 {
			t.Errorf("%s: %d with %d bytes", address, r.status, len(r.body))
		}
	}
	if r := h.ask("GET", "/api/display", "", "access-token", key); r.status != 200 {
		t.Errorf("the next poll: %d", r.status)
	}
}

// trmnl-display: strict JSON, 200 only, no key for the picture, "filename" is a part of a path.
func TestTrmnlDisplay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, key := h.add(store.ProtocolTRMNL, nil)
	for cycle := range 3 {
		r := h.ask("GET", "/api/display", "", "ID", "11:22:33:44:55:66", "access-token", key, "battery-voltage", "100.00", "rssi", "0",
			"Content-Type", "application/json", "User-Agent", "trmnl-display/0.1.1")
		var a struct {
			ImageURL    string `json:"image_url"`
			Filename    string `json:"filename"`
			RefreshRate int    `json:"refresh_rate"`
		}
		if err := json.Unmarshal(r.body, &a); err != nil || r.status != 200 {
			t.Fatalf("%d %s: %v", r.status, r.body, err)
		}
		if filepath.Base(a.Filename) != a.Filename || !regexp.MustCompile(`^screen-[0-9a-f]{6}-[0-9]{10}$`).MatchString(a.Filename) {
			t.Errorf("filename %q", a.Filename)
		}
		if cycle > 0 && a.RefreshRate != 60 {
			t.Errorf("on mains power it sleeps %d s", a.RefreshRate)
		}
		img := h.ask("GET", a.ImageURL, "")
		if img.status == 401 {
			t.Fatal("the client has ended")
		}
		if _, err := png.Decode(bytes.NewReader(img.body)); err != nil {
			t.Errorf("picture: %v", err)
		}
		h.tick()
		if cycle == 1 {
			h.restart()
		}
		h.pass(time.Duration(a.RefreshRate) * time.Second)
	}
	if v, err := h.svc.Get(t.Context(), h.admin, id); err != nil || !v.OnMains || v.BatteryPercent != -1 || v.HardwareID != "11:22:33:44:55:66" {
		t.Errorf("%+v, %v", v.Display, err)
	}
}

// The Kindle's shell script parses JSON with sed, line by line, and counts with what it finds.
func TestKindle(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, key := h.add(store.ProtocolTRMNL, nil)
	r := h.ask("GET", "/api/display", "", "ID", "", "access-token", key, "Battery-Voltage", "87", "png-width", "1024", "png-height", "758",
		"rssi", "0", "User-Agent", "trmnl-kindle/0.1.1")
	sed := func(pattern string) string {
		for line := range strings.Lines(string(r.body)) {
			if m := regexp.MustCompile(pattern).FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
				return m[1]
			}
		}
		return ""
	}
	address := strings.ReplaceAll(strings.ReplaceAll(sed(`.*"image_url":"([^"]*)".*`), `\u0026`, "&"), `\`, "")
	rate := strings.NewReplacer(" ", "", `"`, "").Replace(sed(`.*"refresh_rate":([^,}]*).*`))
	if n, err := strconv.Atoi(rate); err != nil || n < 60 || strings.Contains(string(r.body), `"refresh_rate":"`) {
		t.Errorf("sleep %q", rate)
	}
	if name := sed(`.*"filename":"([^"]*)".*`); name == "" {
		t.Errorf("no filename in %s", r.body)
	}
	img, err := png.Decode(bytes.NewReader(h.ask("GET", address, "").body))
	if err != nil || img.Bounds().Dx() != 1024 || img.Bounds().Dy() != 758 {
		t.Errorf("picture at %q: %v", address, err)
	}
	if v, err := h.svc.Get(t.Context(), h.admin, id); err != nil || v.BatteryPercent != 87 || v.OnMains || v.HardwareID != "" {
		t.Errorf("%+v, %v", v.Display, err)
	}
}

func TestOtherClients(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		headers       []string
		width, height int
		battery       int
	}{
		{"KOReader, which sends no ID", []string{"access-token", "", "percent-charged", "64", "png-width", "1072", "png-height", "1448"}, 1072, 1448, 64},
		{"Nook", []string{"ID", "AA:BB:CC:00:00:01", "access-token", "", "battery-level", "41", "png-width", "600", "png-height", "800"}, 600, 800, 41},
		{"Kobo", []string{"ID", "AA:BB:CC:00:00:02", "access-token", "", "battery-voltage", "3.840"}, 800, 480, 50},
		{"homeplate", []string{"ID", "AA:BB:CC:00:00:03", "access-token", "", "percent-charged", "12.6"}, 800, 480, 13},
		{"with a bearer token", []string{"Authorization", "Bearer "}, 800, 480, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			id, key := h.add(store.ProtocolTRMNL, nil)
			for i := 0; i < len(c.headers); i += 2 {
				if n := c.headers[i]; n == "access-token" || n == "Authorization" {
					c.headers[i+1] += key
				}
			}
			r := h.ask("GET", "/api/display", "", c.headers...)
			var a displayAnswer
			if err := json.Unmarshal(r.body, &a); err != nil || r.status != 200 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			img, err := png.Decode(bytes.NewReader(h.ask("GET", a.ImageURL, "").body))
			if err != nil || img.Bounds().Dx() != c.width || img.Bounds().Dy() != c.height {
				t.Errorf("picture: %v", err)
			}
			if v, err := h.svc.Get(t.Context(), h.admin, id); err != nil || v.BatteryPercent != c.battery {
				t.Errorf("battery %d, %v", v.BatteryPercent, err)
			}
		})
	}
}

func TestCurrentScreen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, key := h.add(store.ProtocolTRMNL, nil)
	var a struct {
		Status      int    `json:"status"`
		RefreshRate int    `json:"refresh_rate"`
		ImageURL    string `json:"image_url"`
		Filename    string `json:"filename"`
		RenderedAt  string `json:"rendered_at"`
	}
	r := h.ask("GET", "/api/current_screen", "", "access-token", key)
	if err := json.Unmarshal(r.body, &a); err != nil || r.status != 200 || a.Status != 200 || a.RefreshRate < 60 || a.Filename == "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if _, err := time.Parse(time.RFC3339, a.RenderedAt); err != nil {
		t.Error(err)
	}
	if h.ask("GET", a.ImageURL, "").status != 200 {
		t.Error("no picture")
	}
	if v, _ := h.svc.Get(t.Context(), h.admin, id); !v.SeenAt.IsZero() {
		t.Error("a second screen counts as the display")
	}
	if r := h.ask("GET", "/api/current_screen", "", "access-token", "x"); r.status != 401 {
		t.Errorf("a wrong key: %d", r.status)
	}
}

// Whatever goes wrong, no body ever makes a device throw its credentials away or poll like mad.
func TestRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	pending := h.ask("GET", "/api/setup", "", "ID", "AA:BB:CC:DD:EE:01")
	var a setupAnswer
	if err := json.Unmarshal(pending.body, &a); err != nil {
		t.Fatal(err)
	}
	v, err := h.svc.List(t.Context(), h.admin)
	if err != nil || len(v) != 1 {
		t.Fatalf("%v, %v", v, err)
	}
	if err := h.svc.Refuse(t.Context(), h.admin, v[0].ID); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		headers    []string
		want       int
	}{
		{"no key", "/api/display", nil, 401},
		{"no key, known MAC", "/api/display", []string{"ID", "AA:BB:CC:DD:EE:01"}, 401},
		{"wrong key", "/api/display", []string{"Access-Token", "wrong"}, 401},
		{"refused", "/api/display", []string{"Access-Token", a.APIKey}, 403},
		{"refused, set-up", "/api/setup", []string{"ID", "AA:BB:CC:DD:EE:01"}, 404},
		{"set-up without a MAC", "/api/setup", nil, 404},
		{"set-up with a bad MAC", "/api/setup/", []string{"ID", "AA:BB:CC:DD:EE:0G"}, 404},
		{"unknown", "/api/nothing", nil, 404},
		{"the portal", "/bookings", nil, 404},
		{"root", "/", nil, 404},
		{"a slash too many", "//api//display", []string{"Access-Token", "wrong"}, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := h.ask("GET", c.path, "", c.headers...)
			if r.status != c.want {
				t.Errorf("HTTP %d, want %d", r.status, c.want)
			}
			if b := string(r.body); strings.Contains(b, `"status":500`) || strings.Contains(b, `"status":202`) || strings.Contains(b, `"reset_firmware":true`) || len(b) > 300 {
				t.Errorf("body %s", b)
			}
		})
	}
	if r := h.ask("GET", "/healthz", ""); r.status != 200 || string(r.body) != "ok\n" {
		t.Errorf("healthz: %d %q", r.status, r.body)
	}
}

func TestSetupIsLimited(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	handler := New(h.opts)
	h.srv.Config.Handler = handler
	let := 0
	for i := range enrolBurst + 20 {
		if h.ask("GET", "/api/setup", "", "ID", fmt.Sprintf("AA:BB:CC:DD:EE:%02X", i)).status == 200 {
			let++
		}
	}
	if let < enrolBurst || let > enrolBurst+2 {
		t.Errorf("%d of %d were let in, want about %d", let, enrolBurst+20, enrolBurst)
	}
}

func TestLogIsAlwaysTaken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, key := h.add(store.ProtocolTRMNL, nil)
	for _, body := range []string{
		`{"logs":[{"created_at":1795419000,"id":7,"message":"wifi lost","source_line":12,"source_path":"src/bl.cpp","wifi_signal":-70,"level":"error"}]}`,
		`{"log":{"logs_array":[{"creation_timestamp":1795419060,"log_message":"older","log_codeline":3,"log_sourcefile":"bl.cpp"}]}}`,
		`{"logs":[1,null,"x",{"message":5},{"message":null}]}`, `{"logs":"no"}`, `[]`, `{`, ``, "\xff\xfe", strings.Repeat("[", 20_000),
		`{"logs":[{"message":"` + strings.Repeat("x", 200_000) + `"}]}`,
	} {
		for _, path := range []string{"/api/log", "/api/log/"} {
			if r := h.ask("POST", path, body, "Access-Token", key, "Accept", "application/json, */*"); r.status != 204 {
				t.Errorf("%.40q: %d", body, r.status)
			}
		}
		if r := h.ask("POST", "/api/log", body, "Access-Token", "nobody"); r.status != 204 {
			t.Errorf("of nobody: %d", r.status)
		}
	}
	if err := h.svc.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines, err := h.svc.DeviceLog(t.Context(), h.admin, id, 100)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, l := range lines {
		got += fmt.Sprintf("%d %s %s\n", l.At.Unix(), l.Level, l.Message)
	}
	now := h.now().Unix()
	want := fmt.Sprintf("%d info 5\n%d info 5\n1795419060 info older (bl.cpp:3)\n1795419060 info older (bl.cpp:3)\n"+
		"1795419000 error wifi lost (src/bl.cpp:12)\n1795419000 error wifi lost (src/bl.cpp:12)\n", now, now)
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
