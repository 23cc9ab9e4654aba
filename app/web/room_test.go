package web

import (
	"strings"
	"testing"
)

// Of a room whose agenda was never read nothing is called free, and of today only what is left.
func TestFreeTimesOfARoom(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	b, room := p.as("boss"), "/rooms/"+string(p.room)
	p.book("boss", p.room, "Review", false, "16:00", "17:00")
	b.get(room).want(t, 200, "14:05 – 16:00", "free, 1 h 55 min", "free, 1 h", "-08:00 – 16:00")
	b.get(room+"?day=2026-11-20").want(t, 200, "Nothing booked.", "-free, ")
	b.get(room+"?day=2026-11-22").want(t, 200, "free, ")

	other := "/rooms/" + string(p.other)
	b.get(other).want(t, 200, "free, ", "-Not known yet")
	system, err := p.Calendars.Connect(ctx, setup, calendarsOf("caldav", "Cloud"))
	must(t, err)
	must(t, p.Calendars.Attach(ctx, setup, p.other, system, "/cal/saentis/"))
	for _, query := range []string{"", "?day=2026-11-22", "?view=week"} {
		b.get(other+query).want(t, 200, "No agenda yet", "Not known yet.", "-free, ", "-Nothing booked", "-<svg class=\"bar\"", "-week-sheet")
	}
	if today := b.get("/today").want(t, 200).body; strings.Count(today, `aria-label="No agenda yet"`) != 1 {
		t.Error("Today says that nothing is booked in a room that was never read")
	}
	b.get("/bookings").want(t, 200, "6 seats · No agenda yet", "-12 seats · No agenda yet")
}
