package places_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"lintel/app/places"
	"lintel/app/when"
	"lintel/store"
)

func day(t testing.TB, s string) when.Date {
	t.Helper()
	if s == "" {
		return when.Date{}
	}
	d, err := when.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := when.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// clock writes intervals as local times.
func clock(list []when.Interval, z *time.Location) string {
	var out []string
	for _, i := range list {
		out = append(out, i.From.In(z).Format("15:04")+"-"+i.To.In(z).Format("15:04"))
	}
	return strings.Join(out, " ")
}

func TestHours(t *testing.T) {
	t.Parallel()
	z := zone(t, "Europe/Zurich")
	week := []store.OpeningSpan{
		{Weekday: time.Monday, Opens: 7 * 60, Closes: 12 * 60},
		{Weekday: time.Monday, Opens: 13 * 60, Closes: 19 * 60},
		{Weekday: time.Saturday, Opens: 0, Closes: 1440},
		{Weekday: time.Sunday, Opens: 2 * 60, Closes: 3*60 + 30},
	}
	holidays := []store.OpeningSpan{
		{ValidFrom: day(t, "2026-12-24"), ValidTo: day(t, "2027-01-03"), Weekday: time.Monday, Opens: 600, Closes: 660},
		{ValidFrom: day(t, "2026-12-24"), ValidTo: day(t, "2027-01-03"), Weekday: time.Saturday},
		{ValidFrom: day(t, "2026-12-24"), ValidTo: day(t, "2026-12-28"), Weekday: time.Monday, Opens: 840, Closes: 900},
	}
	later := []store.OpeningSpan{{ValidFrom: day(t, "2027-02-01"), Weekday: time.Monday, Opens: 480, Closes: 540}}
	b := store.Building{WorkingDays: store.WeekdaysOf(time.Monday, time.Sunday)}
	for _, c := range []struct {
		name  string
		spans []store.OpeningSpan
		day   string
		want  string
	}{
		{"none, a working day", nil, "2026-11-23", "08:00-18:00"},
		{"none, Sunday that is one", nil, "2026-11-22", "08:00-18:00"},
		{"none, no working day", nil, "2026-11-24", ""},
		{"two spans", week, "2026-11-23", "07:00-12:00 13:00-19:00"},
		{"a weekday without any", week, "2026-11-24", ""},
		{"the whole day", week, "2026-11-21", "00:00-00:00"},
		{"closed in the holidays", append(week, holidays...), "2027-01-02", ""},
		{"the day before them", append(week, holidays...), "2026-12-19", "00:00-00:00"},
		{"the narrower period", append(week, holidays...), "2026-12-28", "14:00-15:00"},
		{"after the narrower period", append(week, holidays...), "2027-01-03", ""},
		{"after all of them", append(week, holidays...), "2027-01-04", "07:00-12:00 13:00-19:00"},
		{"not yet valid: as if there were none", later, "2027-01-25", "08:00-18:00"},
		{"valid", later, "2027-02-01", "08:00-09:00"},
		{"a start that the clock jumps over", week, "2027-03-28", "03:00-03:30"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := clock(places.Hours(b, z, c.spans, day(t, c.day)), z); got != c.want {
				t.Errorf("open %q, want %q", got, c.want)
			}
		})
	}
}

// On every day of a year with both changes of the clocks, a building that is open around the clock is open without
// a gap, and one that opens at eight opens at eight.
func TestHoursOverAYear(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Zurich", "Atlantic/Azores", "America/Santiago", "Australia/Lord_Howe", "Asia/Beirut"} {
		z := zone(t, name)
		always := everyDay(0, 1440)
		var end time.Time
		for n := range 366 {
			d := day(t, "2026-08-01").Add(n)
			open := places.Hours(store.Building{}, z, always, d)
			if len(open) != 1 || !end.IsZero() && !open[0].From.Equal(end) || when.DayOf(open[0].From, z) != d {
				t.Fatalf("%s %s: %v after %v", name, d, open, end)
			}
			end = open[0].To
			if got := clock(places.Hours(store.Building{}, z, everyDay(480, 1080), d), z); got != "08:00-18:00" {
				t.Errorf("%s %s: %s", name, d, got)
			}
		}
	}
}

func everyDay(opens, closes int) []store.OpeningSpan {
	var out []store.OpeningSpan
	for d := range time.Weekday(7) {
		out = append(out, store.OpeningSpan{Weekday: d, Opens: opens, Closes: closes})
	}
	return out
}

func TestNextOpening(t *testing.T) {
	t.Parallel()
	z := zone(t, "Europe/Zurich")
	b := store.Building{WorkingDays: store.MondayToFriday}
	closed := []store.OpeningSpan{{Weekday: time.Monday}}
	for _, c := range []struct {
		spans    []store.OpeningSpan
		at, want string
	}{
		{nil, "2026-11-23T07:59", "2026-11-23T08:00"},
		{nil, "2026-11-23T08:00", "2026-11-23T08:00"},
		{nil, "2026-11-23T17:59", "2026-11-23T17:59"},
		{nil, "2026-11-23T18:00", "2026-11-24T08:00"},
		{nil, "2026-11-27T18:00", "2026-11-30T08:00"},
		{everyDay(0, 1440), "2026-11-27T23:59", "2026-11-27T23:59"},
		{[]store.OpeningSpan{{Weekday: time.Sunday, Opens: 150, Closes: 300}}, "2027-03-27T12:00", "2027-03-28T03:00"},
		{closed, "2026-11-23T08:00", ""},
	} {
		at, err := when.ParseWall(c.at)
		if err != nil {
			t.Fatal(err)
		}
		got := places.NextOpening(b, z, c.spans, at.In(z))
		if text := fmt.Sprint(when.WallOf(got, z)); c.want != "" && text != c.want || c.want == "" && !got.IsZero() {
			t.Errorf("from %s: %s, want %s", c.at, text, c.want)
		}
	}
}

func TestSetOpeningHours(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	b := h.building("B")
	w := h.room(h.floor(b, "Ground", 0), "Rigi")
	for name, c := range map[string]struct {
		spans []store.OpeningSpan
		field string
	}{
		"backwards":      {[]store.OpeningSpan{{Opens: 600, Closes: 540}}, "closes"},
		"no length":      {[]store.OpeningSpan{{Opens: 600, Closes: 600}}, "closes"},
		"past midnight":  {[]store.OpeningSpan{{Opens: 600, Closes: 1441}}, "closes"},
		"no weekday":     {[]store.OpeningSpan{{Weekday: 7, Opens: 600, Closes: 660}}, "weekday"},
		"validity":       {[]store.OpeningSpan{{Opens: 600, Closes: 660, ValidFrom: day(t, "2026-12-02"), ValidTo: day(t, "2026-12-01")}}, "valid_to"},
		"overlap":        {[]store.OpeningSpan{{Opens: 600, Closes: 660}, {Opens: 659, Closes: 700}}, "opens"},
		"closed or open": {[]store.OpeningSpan{{}, {Opens: 659, Closes: 700}}, "opens"},
		"too many":       {make([]store.OpeningSpan, places.SpansMax+1), "opens"},
	} {
		t.Run(name, func(t *testing.T) { blames(t, h.s.SetOpeningHours(ctx, admin, b, c.spans), c.field) })
	}
	h.changed = nil
	good := []store.OpeningSpan{{Weekday: 1, Opens: 600, Closes: 660}, {Weekday: 1, Opens: 660, Closes: 720}}
	if err := h.s.SetOpeningHours(ctx, admin, b, good); err != nil || len(h.changed) != 1 || h.changed[0] != w {
		t.Errorf("%v, told %v", err, h.changed)
	}
	open, err := h.s.OpeningHours(ctx, b, day(t, "2026-11-23"))
	if got := clock(open, zone(t, "Europe/Zurich")); got != "10:00-12:00" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	_, err = h.s.OpeningHours(ctx, "nothing", day(t, "2026-11-23"))
	wantProblem(t, err, "places.no_building")
}
