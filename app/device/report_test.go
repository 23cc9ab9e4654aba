package device

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/displays"
)

func TestReport(t *testing.T) {
	t.Parallel()
	h := &handler{}
	headers := http.Header{}
	for name, v := range map[string]string{
		"ID": "aa-bb-cc-dd-ee-ff", "FW-Version": "1.8.14", "Model": "og", "Width": "800", "Height": "480", "Battery-Voltage": "3.84", "USB-Connected": "true",
		"RSSI": "-61", "Refresh-Rate": "900", "Update-Source": "button",
	} {
		headers.Set(name, v)
	}
	r := httptest.NewRequest("GET", "/api/display", nil)
	r.Header, r.RemoteAddr = headers, "192.0.2.1:1"
	want := displays.Report{
		Address: "192.0.2.1", HardwareID: "AA:BB:CC:DD:EE:FF", Model: "og", Firmware: "1.8.14", Width: 800, Height: 480, RSSI: -61, WakeReason: "button", RefreshRate: 900,
		Battery: displays.Battery{Known: true, Percent: 50, MV: 3840, Charging: true},
	}
	if diff := cmp.Diff(want, h.report(r)); diff != "" {
		t.Error(diff)
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"AA:BB:CC:DD:EE:FF": "AA:BB:CC:DD:EE:FF", "aa:bb:cc:dd:ee:0f": "AA:BB:CC:DD:EE:0F", "AA-BB-CC-DD-EE-FF": "AA:BB:CC:DD:EE:FF",
		"": "", "AA:BB:CC:DD:EE": "", "AA:BB:CC:DD:EE:FG": "", "AABBCCDDEEFF": "", "AA:BB:CC:DD:EE:FF ": "", "::::::::::::::::::": "", "AA.BB.CC.DD.EE.FF": "",
	} {
		if got := mac(s); got != want {
			t.Errorf("mac(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestReadSensors(t *testing.T) {
	t.Parallel()
	got := readSensors("make=Sensirion;model=SCD41;kind=carbon_dioxide;value=812;unit=parts_per_million;created_at=1770850256,make=TI; kind = temperature ;value=21.5, kind=humidity;value=NaN,value=3,,;;=")
	want := []reading{
		{Make: "Sensirion", Model: "SCD41", Kind: "carbon_dioxide", Unit: "parts_per_million", Value: 812, At: 1770850256},
		{Make: "TI", Kind: "temperature", Value: 21.5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(readSensors(strings.Repeat("kind=x;value=1,", 400))); n != maxSensors {
		t.Errorf("%d records", n)
	}
	if readSensors(strings.Repeat("kind=x;value=1,", 4000)) != nil {
		t.Error("an endless header is read")
	}
}

func FuzzSensors(f *testing.F) {
	f.Add("make=Sensirion;model=SCD41;kind=carbon_dioxide;value=812;unit=ppm;created_at=1770850256,make=")
	f.Fuzz(func(t *testing.T, header string) {
		for _, r := range readSensors(header) {
			if r.Kind == "" || math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
				t.Errorf("%q gives %+v", header, r)
			}
		}
	})
}

func FuzzReport(f *testing.F) {
	f.Add("AA:BB:CC:DD:EE:FF", "800", "480", "-61", "100.00", "900", "1.2.3.4")
	f.Add("", "99999999999999999999", "-1", "0x10", "1e400", "NaN", ", ,")
	h := &handler{}
	f.Fuzz(func(t *testing.T, id, width, height, rssi, battery, rate, forwarded string) {
		r := httptest.NewRequest("GET", "/api/display", nil)
		for name, v := range map[string]string{
			"Id": id, "Width": width, "Png-Height": height, "Rssi": rssi, "Battery-Voltage": battery, "Percent-Charged": battery, "Refresh-Rate": rate,
			"X-Forwarded-For": forwarded, "X-Battery-Mv": width,
		} {
			r.Header[name] = []string{v}
		}
		rep := h.report(r)
		if rep.Width < 0 || rep.Width > maxPixels || rep.Height < 0 || rep.RSSI > 0 || rep.RSSI < -127 || rep.RefreshRate < 0 || rep.RefreshRate > maxRefresh ||
			rep.HardwareID != "" && mac(rep.HardwareID) != rep.HardwareID {
			t.Errorf("%+v", rep)
		}
	})
}

func FuzzLog(f *testing.F) {
	f.Add([]byte(`{"logs":[{"created_at":1795419000,"message":"x","level":2,"source_path":"a","source_line":1}]}`))
	f.Add([]byte(`{"log":{"logs_array":[{"creation_timestamp":"2026-11-21T10:00:00Z","log_message":"x"}]}}`))
	f.Add([]byte(`{"logs":[{"created_at":-1e300,"message":[]}],"log":7}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, l := range readLog(body) {
			if l.Message == "" || l.Level == "" || l.At.Before(time.Time{}) {
				t.Errorf("%q gives %+v", body, l)
			}
		}
	})
}

// Whatever comes as an enrolment, the answer is JSON and one of the answers that devices know.
func FuzzEnrol(f *testing.F) {
	f.Add([]byte(`{"hw_id":"esp-42","model":"m","fw":"1","caps":{"w":800,"h":480,"bits":1,"formats":["bmp"],"battery":false}}`))
	f.Add([]byte(`{"hw_id":"AA:BB:CC:DD:EE:FF","claim":"x"}`))
	f.Add([]byte(`{"hw_id":"\u0000"}`))
	h := newHouse(f)
	o := h.opts
	o.Now = h.now // one clock, so that the limiter lets all through
	f.Fuzz(func(t *testing.T, body []byte) {
		h.mu.Lock()
		h.t = h.t.Add(time.Minute)
		h.mu.Unlock()
		w := httptest.NewRecorder()
		New(o).ServeHTTP(w, httptest.NewRequest("POST", "/api/device/v1/enrol", strings.NewReader(string(body))))
		res := w.Result()
		answer, err := io.ReadAll(res.Body)
		if err != nil || !json.Valid(answer) {
			t.Errorf("%q is answered %q, %v", body, answer, err)
		}
		switch res.StatusCode {
		case 200, 202, 400, 409, 413, 503:
		default:
			t.Errorf("%q is answered %d", body, res.StatusCode)
		}
	})
}
