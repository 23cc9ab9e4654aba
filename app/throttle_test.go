package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lintel/app/displays"
	"lintel/app/when"
	"lintel/connectors/conntest"
	"lintel/store"
)

// wish is for how long the slow systems want to be left alone.
const wish = 30 * time.Minute

// slowRoom is a room in a system that asks for time.
type slowRoom struct {
	*outside
	name   string
	room   store.WorkspaceID
	path   string // of the system's page
	door   *trmnl
	panel  string    // key of a panel at the room
	before []byte    // the picture of the door before anything was wrong
	last   time.Time // it was asked
	told   time.Time // until when the program waits
}

// waiting is a house of such rooms, and one in a system that is well.
type waiting struct {
	*running
	t      *testing.T
	clock  *hands
	zone   *time.Location
	slow   []*slowRoom
	calm   *outside
	person *browser
}

// A booking system that asks for half an hour is left alone for half an hour: by the reading, by checks from the page, by
// people who book, by the watch of its stream, and over a restart. Another system of the house goes on, the page
// says why and until when, and the door keeps its picture, with its age as soon as that matters.
func TestAskedToWait(t *testing.T) {
	t.Parallel()
	w := newWaiting(t, map[string]func(testing.TB, func() time.Time) *outside{
		"Exchange, 500 with BackOffMilliseconds": exchangeOutside, "Microsoft 365, 429 of a mailbox": graphOutside,
		"Google, 403 rateLimitExceeded": googleOutside, "CalDAV, 503 with Retry-After": caldavOutside,
		"CalDAV, 429 with a date": caldavDated, "Connector, 429 with Retry-After": connectorOutside,
	})
	for _, x := range w.slow {
		x.calls()
		x.slow(wish)
	}
	w.clock.forward(3 * time.Minute) // everything is due
	for _, x := range w.slow {
		w.calendars.Touch(x.room) // also those that are live
		w.heard(x)
	}

	told := w.clock.now() // about; what comes is set by it, and not by how long this machine takes for each step
	w.bother(told.Add(3 * time.Minute))
	w.bother(told.Add(6 * time.Minute))
	for _, x := range w.slow {
		if x.door.wake() || w.asOf(x) != "" {
			t.Errorf("%s: after 9 minutes the door shows another picture, as of %q", x.name, w.asOf(x))
		}
	}
	w.clock.reach(told.Add(14 * time.Minute))
	w.restart()
	w.bother(told.Add(15 * time.Minute))
	for _, x := range w.slow {
		until(t, "the mark of age of "+x.name, func() bool { return x.door.wake() })
		if as := w.asOf(x); !strings.HasPrefix(as, "as of ") || bytes.Equal(x.before, x.door.picture) {
			t.Errorf("%s: after 18 minutes the panel says %q", x.name, as)
		}
	}
	w.bother(told.Add(21 * time.Minute))
	first, end := w.slow[0].last, w.slow[0].last
	for _, x := range w.slow {
		first, end = earlier(first, x.last), later(end, x.last)
	}
	w.clock.reach(first.Add(wish - 10*time.Second))
	time.Sleep(2 * time.Second)
	for _, x := range w.slow {
		for _, c := range x.calls() {
			// What was on its way when the wish was heard may come a little later, and what comes after the wish is right.
			if after := c.at.Sub(x.last); after > 2*time.Second && after < wish {
				t.Errorf("%s: %s was asked %v after the wish for %v", x.name, c.what, after.Round(time.Second), wish)
			}
		}
	}

	// When it is over, all is as before.
	w.clock.reach(end.Add(wish + wish/4 + time.Minute))
	for _, x := range w.slow {
		until(t, "the end of the wish of "+x.name, func() bool {
			at, _ := w.calendars.Confirmed(x.room)
			return at.After(end)
		})
	}
	w.displays.PlacesChanged() // by itself it looks within half a minute of a clock that nobody sets
	for _, x := range w.slow {
		until(t, "the picture without the mark of "+x.name, func() bool { x.door.wake(); return bytes.Equal(x.before, x.door.picture) })
		if as := w.asOf(x); as != "" {
			t.Errorf("%s: it still says %q", x.name, as)
		}
		if p := w.person.get(t, x.path); strings.Contains(p.body, w.untilWords(x)) {
			t.Errorf("%s: the page still says that it waits", x.name)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func newWaiting(t *testing.T, systems map[string]func(testing.TB, func() time.Time) *outside) *waiting {
	t.Helper()
	clock := &hands{}
	w := &waiting{t: t, clock: clock, zone: noon(t), calm: caldavOutside(t, clock.now)}
	names := []string{"Rigi"}
	for name, start := range systems {
		w.slow = append(w.slow, &slowRoom{outside: start(t, clock.now), name: name})
		names = append(names, name)
	}
	dir := t.TempDir()
	rooms := furnish(t, dir, w.zone, names...)
	w.open(dir, conntest.Reserve(t), conntest.Reserve(t))
	w.person = newBrowser(t, w.portalURL.String()).signIn(t)
	w.person.connect(t, "Calm", w.calm, rooms[0])
	for i, x := range w.slow {
		x.room = rooms[i+1]
		x.path = w.person.connect(t, x.name, x.outside, x.room)
		x.door = &trmnl{t: t, base: w.deviceURL.String(), mac: fmt.Sprintf("02:00:00:00:05:%02x", i)}
		panel, err := w.displays.PairPanel(t.Context(), displays.Report{})
		if err != nil {
			t.Fatal(err)
		}
		x.panel = panel.Key.Reveal()
		for _, code := range []string{x.door.setup(), panel.Code} {
			if _, err := w.displays.Approve(t.Context(), byCommand, displays.Approval{Code: code, Workspace: x.room, Language: "en"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, x := range w.slow {
		until(t, "the first reading of "+x.name, func() bool {
			at, ok := w.calendars.Confirmed(x.room)
			return ok && !at.IsZero()
		})
		until(t, "the picture of "+x.name, func() bool { return w.panelOf(x).State != "" && w.asOf(x) == "" })
	}
	for _, x := range w.slow {
		quiet := 0
		until(t, "a quiet door of "+x.name, func() bool { // streams begin, pictures are drawn
			if quiet++; x.door.wake() {
				quiet = 0
			}
			return quiet == 10
		})
		x.before = x.door.picture
	}
	return w
}

func (w *waiting) open(dir, listen, deviceListen string) {
	w.t.Helper()
	w.running = runWith(w.t, dir, func(s *Start) {
		s.Now, s.Config.Listen, s.Config.DeviceListen = w.clock.now, listen, deviceListen
		for _, x := range w.slow {
			if x.config != nil {
				x.config(&s.Config)
			}
		}
	})
}

// restart stops the program and starts it again on the same addresses and data.
func (w *waiting) restart() {
	w.t.Helper()
	if err := w.stop(); err != nil {
		w.t.Fatal(err)
	}
	w.person.client.CloseIdleConnections() // a form is not sent twice when its connection turns out to be dead
	w.open(w.start.Config.DataDir, w.portal.Addr().String(), w.device.Addr().String())
}

// panelOf is what the panel at a room shows.
func (w *waiting) panelOf(x *slowRoom) (p displays.Panel) {
	w.t.Helper()
	st, err := w.displays.Panel(x.panel, displays.Report{})
	if err == nil {
		err = json.Unmarshal(st.JSON, &p)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *waiting) asOf(x *slowRoom) string { return w.panelOf(x).AsOf }

// heard waits until a system has said its wish, and notes when.
func (w *waiting) heard(x *slowRoom) {
	t := w.t
	t.Helper()
	var seen []asked
	until(t, "the wish of "+x.name, func() bool {
		seen = append(seen, x.calls()...)
		x.told = w.waitsUntil(x)
		return !x.told.IsZero()
	})
	quiet := 0
	until(t, "the end of what was on its way to "+x.name, func() bool {
		if late := x.calls(); len(late) > 0 {
			seen, quiet = append(seen, late...), 0
		}
		quiet++
		return quiet == 10
	})
	if len(seen) == 0 {
		t.Fatalf("%s: nothing was asked", x.name)
	}
	x.last = seen[len(seen)-1].at
	// The last request may have been on its way beside the one that was refused, and machines take their time.
	if end := x.last.Add(wish); x.told.Before(end.Add(-10*time.Second)) || x.told.After(end.Add(wish/4+time.Minute)) {
		t.Errorf("%s: waits until %v, was asked for %v", x.name, x.told, end)
	}
}

// waitsUntil is what the program believes: until when a system, or its room, wants to be left alone.
func (w *waiting) waitsUntil(x *slowRoom) time.Time {
	for _, st := range w.calendars.Statuses() {
		if st.System.Name != x.name {
			continue
		}
		if !st.System.WaitUntil.IsZero() {
			return st.System.WaitUntil
		}
		for _, r := range st.Rooms {
			if !r.Resource.WaitUntil.IsZero() {
				return r.Resource.WaitUntil
			}
		}
	}
	return time.Time{}
}

// untilWords is how a page tells how long it waits.
func (w *waiting) untilWords(x *slowRoom) string {
	at := x.told.In(w.zone)
	return fmt.Sprintf("Waits until %d:%02d", at.Hour(), at.Minute())
}

// bother lets time pass until at and does all that would make a program ask a booking system. The calm one has to be asked.
func (w *waiting) bother(at time.Time) {
	t := w.t
	t.Helper()
	w.calm.calls()
	w.clock.reach(at)
	tomorrow := when.DayOf(w.clock.now(), w.zone).Add(1)
	for _, x := range w.slow {
		w.calendars.Touch(x.room)
		booking := url.Values{
			"room": {string(x.room)}, "subject": {"Too soon"}, "date": {tomorrow.String()}, "from": {"09:00"}, "to": {"10:00"}, "token": {store.NewID[string]()},
		}
		for _, try := range []struct {
			what, path string
			form       url.Values
			status     int
			says       string
		}{
			{"a booking", "/bookings", booking, http.StatusServiceUnavailable, "has asked to be left alone"},
			{"a check", x.path + "/check", url.Values{}, http.StatusOK, "asks us to come less often"},
			{"the page", x.path, nil, http.StatusOK, w.untilWords(x)},
		} {
			p, err := w.person.ask(try.path, try.form)
			if err != nil || p.status != try.status || !strings.Contains(p.body, try.says) {
				t.Errorf("%s: %s while it waits: %d, %v, want %q in: %s", x.name, try.what, p.status, err, try.says, words(p.body))
			}
		}
	}
	time.Sleep(1200 * time.Millisecond) // a turn of the engine
	until(t, "the other system to be asked", func() bool { return len(w.calm.calls()) > 0 })
}
