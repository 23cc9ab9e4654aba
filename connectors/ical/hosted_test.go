package ical

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/when"
)

func rule(t testing.TB, s string) Rule {
	t.Helper()
	r, err := ParseRule(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wall(t testing.TB, s string) when.Wall {
	t.Helper()
	w, err := when.ParseWall(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

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

func TestWalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, rule, start, zone, from, to string
		limit                             int
		want                              []string
		more                              bool
	}{
		{
			"weekly over the autumn change", "FREQ=WEEKLY;COUNT=3", "2026-10-20T09:00", "Europe/Zurich", "", "", 0,
			[]string{"2026-10-20T09:00 07:00Z", "2026-10-27T09:00 08:00Z", "2026-11-03T09:00 08:00Z"},
			false,
		},
		{
			"a time that is skipped keeps its wall", "FREQ=DAILY;COUNT=3", "2027-03-27T02:30", "Europe/Zurich", "", "", 0,
			[]string{"2027-03-27T02:30 01:30Z", "2027-03-28T02:30 01:00Z", "2027-03-29T02:30 00:30Z"},
			false,
		},
		{
			"Santiago has no midnight", "FREQ=DAILY", "2026-09-01T00:00", "America/Santiago", "2026-09-05", "2026-09-08", 0,
			[]string{"2026-09-05T00:00 04:00Z", "2026-09-06T00:00 04:00Z", "2026-09-07T00:00 03:00Z"},
			false,
		},
		{"limit", "FREQ=DAILY", "2026-11-02T09:00", "UTC", "", "", 2, []string{"2026-11-02T09:00 09:00Z", "2026-11-03T09:00 09:00Z"}, true},
		{"exactly the limit", "FREQ=DAILY;COUNT=2", "2026-11-02T09:00", "UTC", "", "", 2, []string{"2026-11-02T09:00 09:00Z", "2026-11-03T09:00 09:00Z"}, false},
		{
			"UNTIL a day counts", "FREQ=DAILY;UNTIL=20261103", "2026-11-02T23:00", "America/New_York", "", "", 0,
			[]string{"2026-11-02T23:00 04:00Z", "2026-11-03T23:00 04:00Z"},
			false,
		},
		{
			"UNTIL in UTC is converted", "FREQ=DAILY;UNTIL=20261104T035959Z", "2026-11-02T23:00", "America/New_York", "", "", 0,
			[]string{"2026-11-02T23:00 04:00Z"},
			false,
		},
		{
			"COUNT counts from the first, not from the window", "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4", "2026-11-02T09:00", "UTC", "2026-11-05", "", 0,
			[]string{"2026-11-09T09:00 09:00Z", "2026-11-11T09:00 09:00Z"},
			false,
		},
		{
			"the first belongs to it", "FREQ=WEEKLY;BYDAY=MO;COUNT=2", "2026-11-03T09:00", "UTC", "", "", 0,
			[]string{"2026-11-03T09:00 09:00Z", "2026-11-09T09:00 09:00Z"},
			false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			starts, more := rule(t, tt.rule).Walls(wall(t, tt.start), zone(t, tt.zone), day(t, tt.from), day(t, tt.to), tt.limit)
			var got []string
			for _, s := range starts {
				got = append(got, s.Wall.String()+s.At.Format(" 15:04Z"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || more != tt.more {
				t.Errorf("more %v, want %v; %s", more, tt.more, diff)
			}
		})
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	tests := []struct{ rule, start, want string }{
		{"FREQ=WEEKLY;BYDAY=TU,TH", "2026-11-02T09:00", "2026-11-03T09:00"},
		{"FREQ=WEEKLY;BYDAY=MO;COUNT=1", "2026-11-02T09:00", "2026-11-02T09:00"},
		{"FREQ=MONTHLY;BYDAY=-1FR", "2026-11-28T09:00", "2026-12-25T09:00"},
		{"FREQ=WEEKLY;BYDAY=MO;UNTIL=20261105", "2026-11-03T09:00", ""},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-11-03T09:00", ""},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			got := ""
			if w, ok := rule(t, tt.rule).First(wall(t, tt.start)); ok {
				got = w.String()
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestCheckHosted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule    string
		endless bool
		want    error
	}{
		{"FREQ=WEEKLY;COUNT=10", false, nil},
		{"FREQ=WEEKLY;UNTIL=20270101", false, nil},
		{"FREQ=DAILY;COUNT=1", false, nil},
		{"FREQ=WEEKLY", true, nil},
		{"FREQ=WEEKLY", false, ErrEndless},
		{"FREQ=HOURLY;COUNT=3", false, ErrSubDaily},
		{"FREQ=SECONDLY", true, ErrSubDaily},
		{"FREQ=DAILY;BYHOUR=9,10;COUNT=3", false, ErrSubDaily},
		{"FREQ=DAILY;COUNT=3;X-A=1", false, ErrUnclear},
		{"FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3", false, ErrNever},
		{"FREQ=WEEKLY;UNTIL=20261103", false, ErrNever},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			if err := rule(t, tt.rule).CheckHosted(wall(t, "2026-11-02T09:00"), tt.endless); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestRuleDays(t *testing.T) {
	t.Parallel()
	want := []time.Weekday{time.Monday, time.Friday, time.Sunday}
	if diff := cmp.Diff(want, rule(t, "FREQ=WEEKLY;BYDAY=SU,FR,MO").Days()); diff != "" {
		t.Error(diff)
	}
}
