package ics

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// state is what is kept between reads, to notice a feed that suddenly lost its future: spans of time
// and nothing else.
type state struct {
	Version int        `json:"v"`
	From    int64      `json:"f"` // the window that was read
	Until   int64      `json:"u"`
	Spans   [][2]int64 `json:"s"`           // of the events in it that lay ahead
	Doubt   int64      `json:"d,omitempty"` // since when the feed looks wrong; 0 = it looks right
}

const (
	stateVersion = 1
	// secondLook is how much later a loss must be seen again to be believed.
	secondLook = time.Minute
	// fewEvents is the number of coming events below which a loss is nothing to wonder about.
	fewEvents = 3
)

func newState(w when.Interval, events []connectors.Event, now time.Time) state {
	s := state{Version: stateVersion, From: w.From.Unix(), Until: w.To.Unix()}
	for _, e := range events {
		if e.To.After(now) {
			s.Spans = append(s.Spans, [2]int64{e.From.Unix(), e.To.Unix()})
		}
	}
	return s
}

func loadState(b []byte) state {
	var s state
	if len(b) == 0 || json.Unmarshal(b, &s) != nil || s.Version != stateVersion {
		return state{Version: stateVersion}
	}
	return s
}

func (s state) save() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return nil // numbers only: does not happen, and no state is a valid state
	}
	return b
}

// lost reports whether next has less than half of the coming events that s has, in the time that both
// windows cover.
func (s state) lost(next state, now time.Time) bool {
	from, until := max(now.Unix(), s.From, next.From), min(s.Until, next.Until)
	count := func(spans [][2]int64) int {
		n := 0
		for _, e := range spans {
			if e[1] > from && e[0] < until {
				n++
			}
		}
		return n
	}
	before, after := count(s.Spans), count(next.Spans)
	return before >= fewEvents && 2*after < before
}

// maxWait bounds what a publisher may wish: some say a week.
const maxWait = time.Hour

// refresh returns how long the publisher asks to wait (RFC 7986 5.7 and its elder), between a minute
// and an hour, 0 when it does not say.
func refresh(body []byte) time.Duration {
	var wait time.Duration
	head := body[:min(len(body), 8<<10)]
	for _, m := range regexp.MustCompile(`(?mi)^(?:REFRESH-INTERVAL|X-PUBLISHED-TTL)[^:\r\n]{0,100}:[ \t]*(P[0-9DHMSTW]{1,30})[ \t]*\r?$`).FindAllSubmatch(head, -1) {
		if d := duration(strings.ToUpper(string(m[1]))); d > 0 {
			wait = max(wait, min(max(d, time.Minute), maxWait))
		}
	}
	return wait
}

// duration reads a positive duration (RFC 5545 3.3.6), at most a year; 0 when it is none.
func duration(s string) time.Duration {
	const year = 366 * 24 * 3600
	units := map[byte]int{'W': 7 * 24 * 3600, 'D': 24 * 3600, 'H': 3600, 'M': 60, 'S': 1}
	sum, number := 0, ""
	for _, c := range []byte(strings.TrimPrefix(s, "P")) {
		switch {
		case c >= '0' && c <= '9':
			number += string(c)
		case c == 'T' && number == "":
		default:
			n, err := strconv.Atoi(number)
			if err != nil || units[c] == 0 {
				return 0
			}
			sum, number = min(sum+min(n, year)*units[c], year), ""
		}
	}
	if number != "" {
		return 0
	}
	return time.Duration(sum) * time.Second
}
