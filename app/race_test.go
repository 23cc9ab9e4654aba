//go:build linux

package app

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors/conntest"
	"lintel/store"
)

// writable lists every booking system that Lintel writes to: fakes with the clocks that such systems have, and
// real servers.
func writable() map[string]func(testing.TB, func() time.Time) *outside {
	return map[string]func(testing.TB, func() time.Time) *outside{
		"Exchange": exchangeOutside, "Microsoft 365": graphOutside, "Google": googleOutside, "CalDAV": caldavOutside,
		"Connector": connectorOutside,
		"Radicale":  func(t testing.TB, _ func() time.Time) *outside { return serverOutside(t, conntest.Radicale(t)) },
		"Xandikos":  func(t testing.TB, _ func() time.Time) *outside { return serverOutside(t, conntest.Xandikos(t)) },
	}
}

// rival is a Lintel of its own: a process with its data folder, at which a person sits who wants the room.
type rival struct {
	*browser
	room store.WorkspaceID
}

// rivals starts two of them on one room.
func rivals(t *testing.T, o *outside, zone *time.Location) [2]rival {
	t.Helper()
	var out [2]rival
	for i := range out {
		dir := t.TempDir()
		room := furnish(t, dir, zone, "Matterhorn")[0]
		p := startProgram(t, dir, append([]string{"LINTEL_OUTBOUND_ALLOW_LOOPBACK=true"}, o.env...)...)
		t.Cleanup(func() { p.stop(t) })
		b := newBrowser(t, "http://"+p.portal).signIn(t)
		b.connect(t, "Rooms", o, room)
		out[i] = rival{b, room}
	}
	return out
}

// slot is what somebody wants.
type slot struct {
	day      when.Date
	from, to int // minutes
	subject  string
}

// told is what a person hears.
type told struct {
	done, taken bool
	said        string
	after       time.Duration
}

// book fills in the form of a booking. It may be called from any goroutine.
func (r rival) book(s slot) told {
	begin := time.Now()
	p, err := r.ask("/bookings", url.Values{
		"room": {string(r.room)}, "subject": {s.subject}, "date": {s.day.String()}, "from": {when.Clock(s.from)}, "to": {when.Clock(s.to)},
		"token": {store.NewID[string]()},
	})
	out := told{after: time.Since(begin)}
	if err != nil {
		out.said = err.Error()
		return out
	}
	out.said = fmt.Sprint(p.status, " ", p.path, " ", words(p.body))
	out.done = p.status == http.StatusOK && strings.HasPrefix(p.path, "/bookings/")
	out.taken = p.status == http.StatusConflict && (strings.Contains(p.body, "stands in the way") || strings.Contains(p.body, "This time is already taken."))
	return out
}

// shows reports whether a rival's page of the room tells of all of these on a day, and of none of those.
func (r rival) shows(t *testing.T, day when.Date, all, none []string) (bool, string) {
	t.Helper()
	body := r.get(t, "/rooms/"+string(r.room)+"?day="+day.String()).body
	for _, s := range all {
		if !strings.Contains(body, s) {
			return false, "no " + s
		}
	}
	for _, s := range none {
		if strings.Contains(body, s) {
			return false, "there is " + s
		}
	}
	return true, ""
}

// stands checks what is in the system itself: one object of the winner and nothing of the loser.
func stands(t *testing.T, o *outside, winner, loser string) {
	t.Helper()
	won := 0
	for _, b := range o.bodies(t) {
		if strings.Contains(b, winner) {
			won++
		}
		if strings.Contains(b, loser) {
			t.Fatalf("something of %q is left:\n%s", loser, b)
		}
	}
	if won != 1 {
		t.Fatalf("%q stands %d times", winner, won)
	}
}

// agree waits until both rivals show the same.
func agree(t *testing.T, both [2]rival, day when.Date, all, none []string) {
	t.Helper()
	for i, r := range both {
		why := ""
		until(t, fmt.Sprintf("the agenda of side %d on %s", i, day), func() bool {
			ok, wrong := r.shows(t, day, all, none)
			if wrong != why && wrong != "" {
				t.Logf("side %d on %s: %s", i, day, wrong)
			}
			why = wrong
			return ok
		})
	}
}

// Two programs with a data folder each share nothing but a room's calendar.
func TestTwoHousesAndOneRoom(t *testing.T) {
	rounds := 3
	if os.Getenv("LINTEL_FULL") != "" {
		rounds = 50
	}
	for name, start := range writable() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &hands{}
			o, zone := start(t, clock.now), noon(t)
			both := rivals(t, o, zone)
			day := when.DayOf(time.Now(), zone).Add(1)
			withinOneTick(t, clock, o, both, day)
			atOnce(t, o, both, day.Add(1), rounds)
		})
	}
}

// withinOneTick: A writes and reads back clean; then B, who had looked before, writes within the same tick of the
// server's clock. A knows already that the room is A's, so B has to give way, though no clock says who was first.
func withinOneTick(t *testing.T, clock *hands, o *outside, both [2]rival, day when.Date) {
	t.Helper()
	a, b := slot{day, 9 * 60, 10 * 60, "Meeting of side A."}, slot{day, 9*60 + 30, 10*60 + 30, "Meeting of side B."}
	var heardA told
	release := clock.hold() // of the fakes; real servers' clocks go on
	o.hook(func() { heardA = both[0].book(a) })
	heardB := both[1].book(b)
	release()
	if !heardA.done || !heardB.taken {
		t.Fatalf("A hears %s\nB hears %s", heardA.said, heardB.said)
	}
	if o.calls != nil && heardB.after < time.Second {
		t.Errorf("B gave way after %v, without drawing again: the clocks differed", heardB.after)
	}
	stands(t, o, a.subject, b.subject)
	agree(t, both, day, []string{a.subject}, []string{b.subject})
}

// atOnce: two people book one time, or times that overlap, at the same moment.
func atOnce(t *testing.T, o *outside, both [2]rival, first when.Date, rounds int) {
	t.Helper()
	const perDay = 16
	winners, losers := map[when.Date][]string{}, map[when.Date][]string{}
	won, longest := [2]int{}, time.Duration(0)
	for round := range rounds {
		day, from := first.Add(round/perDay), 8*60+round%perDay*30
		var slots [2]slot
		for i := range slots {
			slots[i] = slot{day, from, from + 30, fmt.Sprintf("Round %d of side %d.", round, i)}
		}
		if round%2 == 1 {
			slots[1].from, slots[0].to = from+10, from+20
		}
		var heard [2]told
		var ready, over sync.WaitGroup
		ready.Add(len(both))
		for i, r := range both {
			over.Go(func() {
				ready.Done()
				ready.Wait()
				heard[i] = r.book(slots[i])
			})
		}
		over.Wait()
		w := 0
		if heard[1].done {
			w = 1
		}
		l := 1 - w
		if !heard[w].done || !heard[l].taken {
			t.Fatalf("round %d: side 0 hears %s\nside 1 hears %s", round, heard[0].said, heard[1].said)
		}
		stands(t, o, slots[w].subject, slots[l].subject)
		winners[day], losers[day] = append(winners[day], slots[w].subject), append(losers[day], slots[l].subject)
		won[w]++
		longest = max(longest, heard[0].after, heard[1].after)
	}
	for day := range winners {
		agree(t, both, day, winners[day], losers[day])
	}
	t.Logf("%d rounds: %d to %d, the longest answer took %v", rounds, won[0], won[1], longest.Round(10*time.Millisecond))
}
