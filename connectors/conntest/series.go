package conntest

import (
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// daily is a series at nine in Zurich from 23 November 2026 on.
func daily(rule string) Seed {
	s := meeting("series", "09:00", "10:00")
	s.Subject, s.Rule = "daily", rule
	return s
}

func seriesCases() []testCase {
	return []testCase{
		{"series with COUNT, identities differ and stay", needs{rich: true}, func(e *env) {
			e.put(daily("FREQ=DAILY;COUNT=3"))
			s := e.week()
			e.want(s, "11-23 09:00–10:00 daily", "11-24 09:00–10:00 daily", "11-25 09:00–10:00 daily")
			ids, keys := map[string]bool{}, map[string]bool{}
			for _, ev := range s.Events {
				ids[ev.Identity()], keys[ev.Key] = true, true
				if ev.Occurrence == "" {
					e.Error("an occurrence of a series has no name")
				}
			}
			if len(ids) != 3 || len(keys) != 3 {
				e.Errorf("%d identities and %d keys, want 3 of each", len(ids), len(keys))
			}
			one := e.read(e.span("2026-11-24", "2026-11-25"), nil)
			if d := cmp.Diff(s.Events[1:2], one.Events); d != "" {
				e.Errorf("the occurrence differs when read alone: %s", d)
			}
		}},
		{"series with UNTIL and BYDAY", needs{rich: true}, func(e *env) {
			e.put(daily("FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20261127T080000Z"))
			e.want(e.read(e.span("2026-11-23", "2026-12-15"), nil),
				"11-23 09:00–10:00 daily", "11-25 09:00–10:00 daily", "11-27 09:00–10:00 daily")
		}},
		{"series that began years ago", needs{rich: true}, func(e *env) {
			s := daily("FREQ=WEEKLY")
			s.Start, s.End = "2019-01-07T09:00", "2019-01-07T10:00"
			e.put(s)
			e.want(e.week(), "11-23 09:00–10:00 daily")
		}},
		{"EXDATE", needs{rich: true}, func(e *env) {
			s := daily("FREQ=DAILY;COUNT=3")
			s.ExDates = []string{"2026-11-24T09:00"}
			e.put(s)
			e.want(e.week(), "11-23 09:00–10:00 daily", "11-25 09:00–10:00 daily")
		}},
		{"exception moved within the window", needs{rich: true}, func(e *env) {
			s := daily("FREQ=DAILY;COUNT=2")
			s.Overrides = []Override{{Original: "2026-11-24T09:00", Start: "2026-11-24T14:00", End: "2026-11-24T15:30", Subject: "moved"}}
			e.put(s)
			e.want(e.week(), "11-23 09:00–10:00 daily", "11-24 14:00–15:30 moved")
		}},
		{"exception moved out of the window", needs{rich: true}, func(e *env) {
			s := daily("FREQ=DAILY;COUNT=2")
			s.Overrides = []Override{{Original: "2026-11-24T09:00", Start: "2026-12-24T14:00", End: "2026-12-24T15:30"}}
			e.put(s)
			e.want(e.week(), "11-23 09:00–10:00 daily")
			e.want(e.read(e.span("2026-12-24", "2026-12-25"), nil), "12-24 14:00–15:30 daily")
		}},
		{"exception moved into the window", needs{rich: true}, func(e *env) {
			s := daily("FREQ=YEARLY;COUNT=3")
			s.Start, s.End = "2024-05-02T09:00", "2024-05-02T10:00"
			s.Overrides = []Override{{Original: "2026-05-02T09:00", Start: "2026-11-25T16:00", End: "2026-11-25T17:00", Subject: "far from home"}}
			e.put(s)
			full := e.week()
			e.want(full, "11-25 16:00–17:00 far from home")
			// With a state that was taken when the window was elsewhere.
			early := e.read(e.span("2024-05-01", "2024-05-03"), nil)
			e.want(early, "05-02 09:00–10:00 daily")
			if d := cmp.Diff(full.Events, e.read(e.span("2026-11-23", "2026-11-30"), early.State).Events); d != "" {
				e.Error(d)
			}
		}},
		{"cancelled occurrence", needs{rich: true}, func(e *env) {
			s := daily("FREQ=DAILY;COUNT=2")
			s.Overrides = []Override{{Original: "2026-11-23T09:00", Start: "2026-11-23T09:00", End: "2026-11-23T10:00", Cancelled: true}}
			e.put(s)
			e.want(e.week(), "11-24 09:00–10:00 daily")
		}},
		{"private series hides its exceptions too", needs{rich: true}, func(e *env) {
			s := daily("FREQ=DAILY;COUNT=2")
			s.Class = "PRIVATE"
			s.Overrides = []Override{{Original: "2026-11-24T09:00", Start: "2026-11-24T14:00", End: "2026-11-24T15:00", Subject: "secret"}}
			e.put(s)
			e.want(e.week(), "11-23 09:00–10:00 private", "11-24 14:00–15:00 private")
		}},
		{"whole-day series", needs{rich: true}, func(e *env) {
			e.put(Seed{Name: "s", Subject: "week", Start: "2026-11-02", End: "2026-11-03", Rule: "FREQ=WEEKLY;COUNT=10"})
			ev := e.only(e.week())
			if !ev.AllDay || ev.FirstDay.String() != "2026-11-23" || ev.Occurrence != "20261123" {
				e.Errorf("%+v", ev)
			}
		}},
		{"Zurich leaves summer time", needs{rich: true}, func(e *env) { e.clocks("2026-10-24", 3, "07:00", "08:00", "08:00") }},
		{"Zurich enters summer time", needs{rich: true}, func(e *env) { e.clocks("2027-03-27", 3, "08:00", "07:00", "07:00") }},
		{"events in the night of the change", needs{rich: true}, func(e *env) {
			s := meeting("night", "00:00", "00:00")
			s.Start, s.End, s.Rule, s.Subject = "2026-10-24T01:30", "2026-10-24T03:30", "FREQ=DAILY;COUNT=3", "night"
			e.put(s)
			var hours []string
			for _, ev := range e.read(e.span("2026-10-24", "2026-10-28"), nil).Events {
				hours = append(hours, ev.To.Sub(ev.From).String())
			}
			// The length of an occurrence is that of the first, in real time (RFC 5545 3.8.5.3).
			if !slices.Equal(hours, []string{"2h0m0s", "2h0m0s", "2h0m0s"}) {
				e.Errorf("lengths %s", strings.Join(hours, " "))
			}
		}},
	}
}

// clocks reads a daily series at nine around a change of clock and compares the starts in UTC.
func (e *env) clocks(first string, count int, starts ...string) {
	e.Helper()
	s := daily("FREQ=DAILY;COUNT=3")
	s.Start, s.End = first+"T09:00", first+"T10:00"
	e.put(s)
	from := e.at(first + "T00:00")
	var got []string
	for _, ev := range e.read(e.span(first, from.In(e.zone).AddDate(0, 0, count).Format(time.DateOnly)), nil).Events {
		got = append(got, ev.From.Format("15:04"))
		if ev.To.Sub(ev.From) != time.Hour {
			e.Errorf("an occurrence lasts %v", ev.To.Sub(ev.From))
		}
	}
	if !slices.Equal(got, starts) {
		e.Errorf("starts in UTC are %v, want %v", got, starts)
	}
}
