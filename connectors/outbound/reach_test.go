package outbound

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"lintel/connectors"
)

// The first step that fails is the one that names the cause.
func TestReach(t *testing.T) {
	t.Parallel()
	fine := func(skew time.Duration) *Response {
		return &Response{Status: 200, At: testNow, Header: http.Header{"Date": {testNow.Add(skew).Format(http.TimeFormat)}}}
	}
	fail := func(k connectors.Kind) error { return &connectors.Error{Kind: k, Said: "words"} }
	tests := []struct {
		name, at string
		resp     *Response
		err      error
		step     string // that is not OK
		cure     string
	}{
		{"fine", "https://x.example/", fine(time.Second), nil, "", ""},
		{"no clock", "https://x.example/", &Response{Status: 200, Header: http.Header{}}, nil, "", ""},
		{"silent", "https://x.example/", nil, fail(connectors.Transient), "calendar.check.reach", "calendar.cure.transient"},
		{"busy", "https://x.example/", nil, fail(connectors.Throttled), "calendar.check.reach", "calendar.cure.throttled"},
		{"not trusted", "https://x.example/", nil, fail(connectors.Trust), "calendar.check.trust", "calendar.cure.trust"},
		{"refused address", "http://x.example/", nil, fail(connectors.Trust), "calendar.check.trust", "calendar.cure.trust"},
		{"wrong password", "https://x.example/", nil, fail(connectors.Auth), "calendar.check.sign_in", "calendar.cure.auth"},
		{"no right", "https://x.example/", nil, fail(connectors.Forbidden), "calendar.check.sign_in", "calendar.cure.forbidden"},
		{"something else", "https://x.example/", nil, fail(connectors.Unsupported), "calendar.check.answer", "calendar.cure.unsupported"},
		{"not encrypted", "http://x.example/", fine(0), nil, "calendar.check.trust", "calendar.cure.not_encrypted"},
		{"not bound", "https://x.example/", &Response{Status: 200, Header: http.Header{}, Unbound: true}, nil, "calendar.check.sign_in", "calendar.cure.unbound"},
		{"clock ahead", "https://x.example/", fine(5 * time.Minute), nil, "calendar.check.clock", "calendar.cure.clock"},
		{"clock behind", "https://x.example/", fine(-5 * time.Minute), nil, "calendar.check.clock", "calendar.cure.clock"},
	}
	for _, tt := range tests {
		u, _ := url.Parse(tt.at)
		ck := &connectors.Checker{Now: func() time.Time { return testNow }}
		if _, ok := Reach(ck, u, func() (*Response, error) { return tt.resp, tt.err }); ok != (tt.err == nil) || ck.Report.OK() != ok {
			t.Errorf("%s: ok %v, report %+v", tt.name, ok, ck.Report)
		}
		step, cure := "", ""
		for _, s := range ck.Report.Steps {
			if s.State == connectors.StepFailed || s.State == connectors.StepWarned {
				if step != "" {
					t.Errorf("%s: %s and %s are not OK", tt.name, step, s.Name)
				}
				step, cure = s.Name, s.Cure
			}
		}
		if step != tt.step || cure != tt.cure {
			t.Errorf("%s: %s with %s, want %s with %s", tt.name, step, cure, tt.step, tt.cure)
		}
	}
}
