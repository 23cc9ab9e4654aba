package caldav

import (
	"encoding/json"
	"math"
	"time"

	"lintel/app/when"
)

// stateVersion changes when what we know of an object changes its meaning; older states are dropped.
const stateVersion = 3

// state is what is kept between reads: which objects there are, in which revision, and the span of time
// that their occurrences lie in. With it a read fetches only what has changed or touches the window.
// It holds no word of any event.
type state struct {
	Version int            `json:"v"`
	Objects map[string]obj `json:"o"` // by href
}

// obj is one object. From and To are Unix seconds; an object without occurrences has To before From.
type obj struct {
	ETag string `json:"e"`
	Mod  int64  `json:"m,omitempty"` // when it was written: ETags can begin anew with an object of the same name (SOGo)
	From int64  `json:"f"`
	To   int64  `json:"t"`
	Bad  int    `json:"b,omitempty"` // events that could not be read
	// Lost are the occurrences of them that can be named; "" is all of the object that could not be read.
	Lost []string `json:"l,omitempty"`
}

// mod is a time of writing in the state; 0 = unknown.
func mod(written time.Time) int64 {
	if written.IsZero() {
		return 0
	}
	return written.Unix()
}

// is reports whether what the listing shows is the object as it was.
func (o obj) is(m member) bool {
	return m.etag != "" && o.ETag == m.etag && (o.Mod == 0 || m.written.IsZero() || o.Mod == m.written.Unix())
}

// forever is the end of a series that goes on.
const forever = math.MaxInt64

// slack covers what a span does not know: whole days and floating times begin at another instant when
// the room gets another zone.
const slack = 48 * time.Hour

// touches reports whether the object may have an occurrence in w.
func (o obj) touches(w when.Interval) bool {
	s := int64(slack / time.Second)
	return o.From <= o.To && o.From-s <= w.To.Unix() && (o.To == forever || o.To+s >= w.From.Unix())
}

// loadState reads what save wrote. What it can't read is an empty state.
func loadState(b []byte) state {
	var s state
	if len(b) == 0 || json.Unmarshal(b, &s) != nil || s.Version != stateVersion || s.Objects == nil {
		return newState()
	}
	return s
}

func newState() state { return state{Version: stateVersion, Objects: map[string]obj{}} }

func (s state) save() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return nil // strings and numbers only: does not happen, and no state is a valid state
	}
	return b
}
