package when

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Interval is the half-open span [From, To): a meeting that ends at 11 and one that starts
// at 11 do not overlap.
type Interval struct{ From, To time.Time }

// Valid reports whether To lies after From.
func (i Interval) Valid() bool { return i.To.After(i.From) }

// Contains reports whether t lies in [From, To).
func (i Interval) Contains(t time.Time) bool { return !t.Before(i.From) && t.Before(i.To) }

// Overlaps reports whether both spans share an instant.
func (i Interval) Overlaps(j Interval) bool { return i.From.Before(j.To) && j.From.Before(i.To) }

// Clip returns the part of i inside j; the result is not Valid when they share nothing.
func (i Interval) Clip(j Interval) Interval {
	if i.From.Before(j.From) {
		i.From = j.From
	}
	if i.To.After(j.To) {
		i.To = j.To
	}
	return i
}

// Duration returns To - From.
func (i Interval) Duration() time.Duration { return i.To.Sub(i.From) }

// Merge returns the union of spans as disjoint spans in order; touching spans become one.
// The argument is not changed.
func Merge(spans []Interval) []Interval {
	in := slices.Clone(spans)
	in = slices.DeleteFunc(in, func(i Interval) bool { return !i.Valid() })
	slices.SortFunc(in, func(a, b Interval) int { return a.From.Compare(b.From) })
	var out []Interval
	for _, i := range in {
		if n := len(out); n > 0 && !i.From.After(out[n-1].To) {
			if i.To.After(out[n-1].To) {
				out[n-1].To = i.To
			}
			continue
		}
		out = append(out, i)
	}
	return out
}

// Gaps returns the parts of within that no span covers, in order.
func Gaps(within Interval, spans []Interval) []Interval {
	var out []Interval
	at := within.From
	for _, i := range Merge(spans) {
		i = i.Clip(within)
		if !i.Valid() {
			continue
		}
		if i.From.After(at) {
			out = append(out, Interval{at, i.From})
		}
		at = i.To
	}
	if at.Before(within.To) {
		out = append(out, Interval{at, within.To})
	}
	return out
}

// Changes returns a digest of the clock changes of a zone in the given number of years from the first of
// January of year: equal digests mean that walls and instants correspond in the same way.
func Changes(zone *time.Location, year, years int) string {
	h := sha256.New()
	end := time.Date(year+years, 1, 1, 0, 0, 0, 0, time.UTC)
	for t := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); t.Before(end); {
		_, offset := t.In(zone).Zone()
		fmt.Fprintf(h, "%d %d\n", t.Unix(), offset)
		_, next := t.In(zone).ZoneBounds()
		if next.IsZero() {
			break
		}
		t = next
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// LoadZone returns the IANA zone of that name. The empty name and "Local" are errors: a
// building's zone is never the server's.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errNoZone
	}
	return time.LoadLocation(name)
}

var errNoZone = zoneError("a time zone needs its IANA name, such as Europe/Zurich")

type zoneError string

func (e zoneError) Error() string { return string(e) }
