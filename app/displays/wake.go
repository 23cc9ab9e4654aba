package displays

import (
	"hash/fnv"
	"time"

	"lintel/app/when"
	"lintel/store"
)

// The rules of waking. A display on a battery lives from each wake that does not happen, so it sleeps until its
// picture changes, and looks once an hour for what nobody could foresee.
const (
	wakeMin        = time.Minute      // of a display on a battery
	wakeCheck      = time.Hour        // the longest sleep while the house is open
	wakeCheckLow   = 2 * time.Hour    // the same with a low battery
	wakeLeg        = 4 * time.Hour    // the longest sleep while it is closed: cheap clocks drift
	wakeMinMains   = 10 * time.Second // of a display on mains power
	wakeMaxMains   = time.Minute
	wakeUnassigned = 15 * time.Minute // of a display without a room, on a battery
	wakeLead       = 10 * time.Minute // how long before a booking outside opening hours a display is awake
	jitterMin      = 5 * time.Second  // a wake comes this long after the change, so that the picture is already right,
	jitterMax      = 20 * time.Second // and not at the same second at every door
)

// plan is what the wakes of one display are computed from. It holds until the room's agenda changes.
type plan struct {
	change time.Time       // the picture changes visibly; zero = not within the agenda that is known
	awake  []when.Interval // opening hours, and bookings with their lead: disjoint, in order
	idle   bool            // it shows no room
	mains  bool
	low    bool          // the battery is low
	jitter time.Duration // see jitterOf
}

// wake returns how long the display sleeps from now.
func (p plan) wake(now time.Time) time.Duration {
	if p.mains {
		return min(max(p.until(now, now.Add(wakeMaxMains)), wakeMinMains), wakeMaxMains)
	}
	if p.idle {
		return wakeUnassigned
	}
	next, open := time.Time{}, false
	for _, span := range p.awake {
		if span.Contains(now) {
			open = true
			break
		}
		if span.From.After(now) {
			next = span.From
			break
		}
	}
	if open {
		check := wakeCheck
		if p.low {
			check = wakeCheckLow
		}
		return min(max(p.until(now, now.Add(check)), wakeMin), check)
	}
	leg := wakeLeg
	if !next.IsZero() {
		leg = min(leg, next.Sub(now)+p.jitter)
	}
	return max(leg, wakeMin)
}

// until returns the time from now to the next change of the picture, at most to limit, with the jitter.
func (p plan) until(now, limit time.Time) time.Duration {
	if !p.change.IsZero() && p.change.Before(limit) {
		limit = p.change
	}
	return limit.Sub(now) + p.jitter
}

// jitterOf returns a display's own delay between jitterMin and jitterMax, always the same.
func jitterOf(id store.DisplayID) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return jitterMin + time.Duration(h.Sum32()%uint32((jitterMax-jitterMin)/time.Second+1))*time.Second
}

// The ladder of a display that waits for its approval: quick while somebody stands in front of it, then slow.
const (
	claimQuick     = time.Minute
	claimQuickFor  = time.Hour
	claimSlow      = 15 * time.Minute
	claimSlowTimes = 10
	claimSlowest   = time.Hour
)

// claimWake returns how long a pending display sleeps that has shown its code since started.
func claimWake(started, now time.Time) time.Duration {
	switch waited := now.Sub(started); {
	case waited < claimQuickFor:
		return claimQuick
	case waited < claimQuickFor+claimSlowTimes*claimSlow:
		return claimSlow
	}
	return claimSlowest
}
