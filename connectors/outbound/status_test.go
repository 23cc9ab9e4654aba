package outbound

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lintel/connectors"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	date := testNow.Add(5 * time.Minute).Format(http.TimeFormat) // the server's clock is ahead
	tests := []struct {
		status int
		after  string
		kind   connectors.Kind
		wait   time.Duration
	}{
		{200, "", "", 0},
		{207, "", "", 0},
		{304, "", "", 0},
		{400, "", connectors.Invalid, 0},
		{401, "", connectors.Auth, 0},
		{403, "", connectors.Forbidden, 0},
		{404, "", connectors.NotFound, 0},
		{405, "", connectors.Unsupported, 0},
		{407, "", connectors.Transient, 0},
		{409, "", connectors.Conflict, 0},
		{410, "", connectors.Gone, 0},
		{412, "", connectors.Conflict, 0},
		{423, "", connectors.Transient, 0},
		{429, "", connectors.Throttled, 0},
		{429, "120", connectors.Throttled, 2 * time.Minute},
		{429, testNow.Add(7 * time.Minute).Format(http.TimeFormat), connectors.Throttled, 2 * time.Minute},
		{500, "", connectors.Transient, 0},
		{502, "9", connectors.Transient, 9 * time.Second},
		{503, "", connectors.Transient, 0},
		{503, "30", connectors.Throttled, 30 * time.Second},
		{507, "", connectors.Forbidden, 0},
	}
	for _, tt := range tests {
		r := &Response{Status: tt.status, At: testNow, Header: http.Header{"Date": {date}}, op: "test"}
		if tt.after != "" {
			r.Header.Set("Retry-After", tt.after)
		}
		err := r.Err()
		if connectors.KindOf(err) != tt.kind || connectors.AfterOf(err) != tt.wait {
			t.Errorf("%d %q: %v, wait %v", tt.status, tt.after, err, connectors.AfterOf(err))
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"": 0, " 5 ": 5 * time.Second, "0": 0, "-1": 0, "1.5": 1500 * time.Millisecond, "soon": 0,
		"99999999999999999999": maxAfter, "1e300": maxAfter, "NaN": 0, "Inf": maxAfter,
		testNow.Add(time.Minute).Format(http.TimeFormat):  time.Minute,
		testNow.Add(-time.Minute).Format(http.TimeFormat): 0,
		testNow.Add(time.Minute).Format(time.ANSIC):       time.Minute,
		testNow.AddDate(1, 0, 0).Format(http.TimeFormat):  maxAfter,
	} {
		if got := ParseRetryAfter(in, testNow); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Sun, 06 Nov 1994 08:49:37 GMT")
	f.Fuzz(func(t *testing.T, s string) {
		if d := ParseRetryAfter(s, testNow); d < 0 || d > maxAfter {
			t.Fatalf("%q: %v", s, d)
		}
	})
}

func TestIsHTML(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		contentType, body string
		want              bool
	}{
		{"text/html; charset=utf-8", "x", true},
		{"application/xhtml+xml", "", true},
		{"text/calendar", "BEGIN:VCALENDAR", false},
		{"text/calendar", "\xef\xbb\xbf\n <!DOCTYPE HTML>", true},
		{"", "<HTML><body>", true},
		{"", "", false},
		{"application/xml", strings.Repeat(" ", 600) + "<html", false},
	} {
		r := &Response{Header: http.Header{"Content-Type": {tt.contentType}}, Body: []byte(tt.body)}
		if r.IsHTML() != tt.want {
			t.Errorf("%q %q: %v", tt.contentType, tt.body, r.IsHTML())
		}
	}
	for body, want := range map[string]connectors.Kind{
		"<html>We are back soon.":                         connectors.Transient,
		`<html><INPUT name="p" TYPE="Password">`:          connectors.Auth,
		"<!doctype html><title>Sign in to Exchange":       connectors.Auth,
		"<html><title>Anmeldung</title>":                  connectors.Auth,
		"<html>" + strings.Repeat(" ", 300<<10) + "login": connectors.Transient,
	} {
		if err := (&Response{Body: []byte(body)}).HTMLErr(); connectors.KindOf(err) != want {
			t.Errorf("%.60q: %v", body, err)
		}
	}
}
