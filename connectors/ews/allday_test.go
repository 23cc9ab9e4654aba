package ews_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/ews/ewstest"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	must(t, err)
	return z
}

// The days of an event that somebody made half the world away are the days that its maker meant.
func TestWholeDaysOfOtherZones(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		zone, told string // where it was made; what the server calls that
		room       string
		asked      bool
		want       string // of the 26th, one day
	}{
		"the room's own":           {"Europe/Zurich", "W. Europe Standard Time", "Europe/Zurich", false, "2026-11-26"},
		"an hour away":             {"Europe/London", "GMT Standard Time", "Europe/Zurich", true, "2026-11-26"},
		"UTC":                      {"UTC", "UTC", "Europe/Zurich", true, "2026-11-26"},
		"UTC by its other name":    {"UTC", "tzone://Microsoft/Utc", "Europe/Zurich", true, "2026-11-26"},
		"twelve hours ahead":       {"Pacific/Auckland", "New Zealand Standard Time", "Europe/Zurich", true, "2026-11-26"},
		"thirteen hours ahead":     {"Pacific/Kiritimati", "Line Islands Standard Time", "Europe/Zurich", true, "2026-11-26"},
		"sixteen hours behind":     {"America/Los_Angeles", "Pacific Standard Time", "Asia/Tokyo", true, "2026-11-26"},
		"its zone is not told":     {"Europe/London", "", "Europe/Zurich", true, "2026-11-26"},
		"its zone is not known":    {"Europe/London", "Customized Time Zone", "Europe/Zurich", true, "2026-11-26"},
		"another zone is told":     {"Europe/London", "New Zealand Standard Time", "Europe/Zurich", true, "2026-11-26"},
		"far away and not told":    {"Pacific/Kiritimati", "", "Europe/Zurich", true, "2026-11-25"}, // what can't be known
		"it was on summer time":    {"America/New_York", "Eastern Standard Time", "Pacific/Auckland", true, "2026-11-26"},
		"shown name, not the code": {"Pacific/Auckland", "(UTC+12:00) Auckland, Wellington", "Europe/Zurich", true, "2026-11-26"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, ewstest.Quirks{})
			c := open(t, config(s))
			room := connectors.Room{ID: room1, Zone: location(t, tc.room)}
			from := time.Date(2026, 11, 26, 0, 0, 0, 0, location(t, tc.zone))
			s.Put(room1, ewstest.Event{Name: "a", Subject: "a", AllDay: true, Zone: tc.told, Start: from, End: from.AddDate(0, 0, 1)})
			snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: room, Window: when.Interval{From: from.AddDate(0, 0, -5), To: from.AddDate(0, 0, 5)}})
			must(t, err)
			if got := ops(s); got != map[bool]string{false: "FindItem", true: "FindItem GetItem"}[tc.asked] {
				t.Errorf("asked by %s", got)
			}
			if len(snap.Events) != 1 {
				t.Fatalf("%+v", snap)
			}
			e := snap.Events[0]
			if e.FirstDay.String() != tc.want || e.EndDay != e.FirstDay.Add(1) || !e.From.Equal(e.FirstDay.Start(room.Zone)) || !e.To.Equal(e.EndDay.Start(room.Zone)) {
				t.Errorf("%s to %s, %s–%s", e.FirstDay, e.EndDay, e.From, e.To)
			}
			// A change sees the same times as the read.
			if err := c.Release(t.Context(), room, e); err != nil {
				t.Error(err)
			}
			if got := s.Bodies(room1); len(got) != 0 {
				t.Errorf("it is still there: %v", got)
			}
		})
	}
}

// A series is asked for once, its occurrences are named by the maker's days, and what the question answers
// decides: trouble of the server is trouble, a question that it does not like is none.
func TestWholeDaySeriesOfOtherZones(t *testing.T) {
	t.Parallel()
	s := fake(t, ewstest.Quirks{})
	c := open(t, config(s))
	from := time.Date(2026, 11, 23, 0, 0, 0, 0, location(t, "Pacific/Auckland"))
	s.Put(room1, ewstest.Event{Name: "a", Subject: "a", AllDay: true, Zone: "New Zealand Standard Time", Start: from, End: from.AddDate(0, 0, 1), Rule: "FREQ=DAILY;COUNT=4"})
	for i := range 12 {
		s.Put(room1, ewstest.Event{Name: fmt.Sprint(i), AllDay: true, Zone: "New Zealand Standard Time", Start: from, End: from.AddDate(0, 0, 1)})
	}
	read := func() ([]string, error) {
		snap, err := c.Read(t.Context(), connectors.ReadRequest{Room: atRoom(t), Window: when.Interval{From: from.AddDate(0, 0, -5), To: from.AddDate(0, 0, 9)}})
		var out []string
		for _, e := range snap.Events {
			if e.Subject == "a" {
				out = append(out, e.FirstDay.String()+" "+e.Occurrence)
			}
		}
		return out, err
	}
	want := []string{"2026-11-23 20261123", "2026-11-24 20261124", "2026-11-25 20261125", "2026-11-26 20261126"}
	if got, err := read(); err != nil || !slices.Equal(got, want) || ops(s) != "FindItem GetItem GetItem" {
		t.Errorf("%v, %v", got, err)
	}
	nearest := []string{"2026-11-22 20261122", "2026-11-23 20261123", "2026-11-24 20261124", "2026-11-25 20261125"}
	for _, f := range []ewstest.Fault{{Op: "GetItem", Code: "ErrorInvalidPropertyRequest"}, {Op: "GetItem", Fault: "ErrorSchemaValidation"}} {
		s.Break(f)
		if got, err := read(); err != nil || !slices.Equal(got, nearest) {
			t.Errorf("%v, %v", got, err)
		}
		s.Repair()
	}
	for _, f := range []ewstest.Fault{{Op: "GetItem", Code: "ErrorMailboxStoreUnavailable"}, {Op: "GetItem", Fault: "ErrorTimeoutExpired"}} {
		s.Break(f)
		if _, err := read(); !errors.Is(err, connectors.Transient) {
			t.Errorf("got %v", err)
		}
		s.Repair()
	}
}
