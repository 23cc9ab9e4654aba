package device

import (
	"net/http"
	"strconv"
	"strings"

	"lintel/app/displays"
)

// report reads what a device tells of itself in headers, in all the dialects of the TRMNL protocol and our own. What can't be
// read counts as not told.
func (h *handler) report(r *http.Request) displays.Report {
	g := r.Header
	rep := displays.Report{
		Address:     h.source(r).String(),
		HardwareID:  mac(g.Get("Id")),
		Model:       g.Get("Model"),
		Firmware:    first(g, "Fw-Version", "X-Fw", "X-Firmware-Version"),
		Width:       number(first(g, "Width", "Png-Width", "X-Display-Width"), 1, maxPixels),
		Height:      number(first(g, "Height", "Png-Height", "X-Display-Height"), 1, maxPixels),
		RSSI:        number(first(g, "Rssi", "X-Rssi"), -127, -1),
		WakeReason:  first(g, "Update-Source", "X-Wake-Reason"),
		RefreshRate: number(g.Get("Refresh-Rate"), 1, maxRefresh),
	}
	voltage := g.Get("Battery-Voltage")
	if mv := number(g.Get("X-Battery-Mv"), 1, 6000); mv > 0 {
		voltage = strconv.FormatFloat(float64(mv)/1000, 'f', 3, 64)
	}
	rep.Battery = displays.ReadBattery(first(g, "Percent-Charged", "Battery-Level", "X-Battery-Percent"), voltage, g.Get("User-Agent"))
	rep.Battery.Charging = g.Get("Battery-Charging") == "1" || strings.EqualFold(g.Get("Usb-Connected"), "true")
	return rep
}

// Limits of numbers in headers.
const (
	maxPixels  = 10_000
	maxRefresh = 7 * 24 * 60 * 60
)

// first returns the first of these headers that is there. Names are in canonical form.
func first(g http.Header, names ...string) string {
	for _, n := range names {
		if v := g[n]; len(v) > 0 && v[0] != "" {
			return v[0]
		}
	}
	return ""
}

// number reads a whole number within limits; anything else is 0.
func number(s string, low, high int) int {
	if s == "" || len(s) > 12 {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < low || n > high {
		return 0
	}
	return n
}

// mac returns a hardware address in upper case with colons, or "" when s is none.
func mac(s string) string {
	if len(s) != 17 {
		return ""
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case i%3 == 2:
			if c != ':' && c != '-' {
				return ""
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return ""
		}
	}
	return strings.ReplaceAll(strings.ToUpper(s), "-", ":")
}

// bearer returns the key of an Authorization header, or "".
func bearer(r *http.Request) string {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

// accessToken returns the key of a TRMNL client.
func accessToken(r *http.Request) string {
	if key := r.Header.Get("Access-Token"); key != "" {
		return key
	}
	return bearer(r)
}

// matches reports whether an If-None-Match header names the tag (RFC 9110 §13.1.2, weak comparison).
func matches(header, etag string) bool {
	if header == "" {
		return false
	}
	if header == etag {
		return true
	}
	for word := range strings.SplitSeq(header, ",") {
		word = strings.TrimPrefix(strings.TrimSpace(word), "W/")
		if word == etag || word == "*" {
			return true
		}
	}
	return false
}
