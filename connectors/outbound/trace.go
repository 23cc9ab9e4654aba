package outbound

import (
	"time"
)

// Exchange is one request and its answer as support may see it: redacted.
type Exchange struct {
	At     time.Time
	Took   time.Duration
	Op     string
	Method string
	URL    string // with what looks like an address or a token masked, without query values
	Status int    // 0 when there was no answer
	Err    string // why there was none

	RequestHeader, ResponseHeader []string // "Name: value", of an allow-list
	RequestBody, ResponseBody     string   // structure kept, values masked
}

func newExchange(req Request, authorization string, resp *Response, err error, start, end time.Time) Exchange {
	return Exchange{At: start, Took: end.Sub(start), Op: req.Op, Method: req.Method}
}
