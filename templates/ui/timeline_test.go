package ui

import (
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func at(z *time.Location, day, hour, minute int) time.Time {
	return time.Date(2026, time.March, day, hour, minute, 0, 0, z)
}

// Ticks stand on full hours of the building's clock, also over a change of clock and in zones that are half an hour off.
func TestTicks(t *testing.T) {
	t.Parallel()
	zurich, kolkata, lordHowe := zone(t, "Europe/Zurich"), zone(t, "Asia/Kolkata"), zone(t, "Australia/Lord_Howe")
	tests := []struct {
		name     string
		from, to time.Time
		most     int
		want     []tick
	}{
		{"every hour", at(zurich, 3, 8, 0), at(zurich, 3, 10, 0), 12, []tick{{"0.00%", "8"}, {"50.00%", "9"}, {"100.00%", "10"}}},
		{"every second hour", at(zurich, 3, 8, 0), at(zurich, 3, 12, 0), 2, []tick{{"0.00%", "8"}, {"25.00%", ""}, {"50.00%", "10"}, {"75.00%", ""}, {"100.00%", "12"}}},
		{"begins between hours", at(zurich, 3, 8, 30), at(zurich, 3, 10, 30), 12, []tick{{"25.00%", "9"}, {"75.00%", "10"}}},
		{"to midnight", at(zurich, 3, 22, 0), at(zurich, 4, 0, 0), 12, []tick{{"0.00%", "22"}, {"50.00%", "23"}, {"100.00%", "24"}}},
		{"spring night has no 2 o’clock", at(zurich, 29, 1, 0), at(zurich, 29, 4, 0), 12, []tick{{"0.00%", "1"}, {"50.00%", "3"}, {"100.00%", "4"}}},
		{"half an hour off", at(kolkata, 3, 8, 0), at(kolkata, 3, 10, 0), 12, []tick{{"0.00%", "8"}, {"50.00%", "9"}, {"100.00%", "10"}}},
		{"a clock that moves by half an hour", at(lordHowe, 3, 8, 0), at(lordHowe, 3, 9, 0), 12, []tick{{"0.00%", "8"}, {"100.00%", "9"}}},
		{"nothing", at(zurich, 3, 8, 0), at(zurich, 3, 8, 0), 12, []tick{{"0.00%", "8"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, ticks(test.from, test.to, test.most), cmp.AllowUnexported(tick{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func number(t interface{ Fatal(...any) }, s string) float64 {
	x, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Whatever is booked, a strip stays within its bar and keeps the order of time.
func TestStripsStayInside(t *testing.T) {
	t.Parallel()
	from, to := at(time.UTC, 3, 8, 0), at(time.UTC, 3, 18, 0)
	rapid.Check(t, func(t *rapid.T) {
		var blocks []Block
		for range rapid.IntRange(0, 8).Draw(t, "blocks") {
			begin := from.Add(time.Duration(rapid.IntRange(-300, 900).Draw(t, "begin")) * time.Minute)
			blocks = append(blocks, Block{From: begin, To: begin.Add(time.Duration(rapid.IntRange(-10, 900).Draw(t, "minutes")) * time.Minute)})
		}
		for _, s := range strips(blocks, from, to) {
			x, width := number(t, s.x), number(t, s.width)
			if x < 0 || width < 0 || x+width > 100.01 {
				t.Fatalf("a strip from %s to %s lies at %s, %s wide", s.from, s.to, s.x, s.width)
			}
			if !s.to.After(from) || !s.from.Before(to) {
				t.Fatalf("a strip from %s to %s is drawn outside the bar", s.from, s.to)
			}
		}
	})
}

// A free slot never touches a booking, and every free step after now is offered.
func TestSlots(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := Grid{From: at(time.UTC, 3, 8, 0), To: at(time.UTC, 3, 18, 0), Now: at(time.UTC, 3, rapid.IntRange(7, 19).Draw(t, "hour"), 10)}
		row := GridRow{Book: "/bookings/new?room=1"}
		for range rapid.IntRange(0, 6).Draw(t, "blocks") {
			begin := g.From.Add(time.Duration(rapid.IntRange(-60, 600).Draw(t, "begin")) * time.Minute)
			row.Blocks = append(row.Blocks, Block{From: begin, To: begin.Add(time.Duration(rapid.IntRange(5, 200).Draw(t, "minutes")) * time.Minute)})
		}
		offered := map[time.Time]bool{}
		for _, s := range g.slots(row) {
			offered[s.from] = true
			for _, b := range row.Blocks {
				if b.From.Before(s.to) && b.To.After(s.from) {
					t.Fatalf("the slot %s – %s overlaps %s – %s", s.from, s.to, b.From, b.To)
				}
			}
		}
		for from := g.From; from.Before(g.To); from = from.Add(30 * time.Minute) {
			to := from.Add(30 * time.Minute)
			free := to.After(g.Now)
			for _, b := range row.Blocks {
				free = free && (!b.From.Before(to) || !b.To.After(from))
			}
			if free != offered[from] {
				t.Fatalf("%s – %s: free %v, offered %v", from, to, free, offered[from])
			}
		}
	})
}

func TestSlotPaths(t *testing.T) {
	t.Parallel()
	g := Grid{From: at(time.UTC, 3, 17, 0), To: at(time.UTC, 3, 17, 45)}
	slots := g.slots(GridRow{Book: "/bookings/new?room=1"})
	want := []string{"/bookings/new?room=1&date=2026-03-03&from=17%3A00&to=17%3A30", "/bookings/new?room=1&date=2026-03-03&from=17%3A30&to=17%3A45"}
	var got []string
	for _, s := range slots {
		got = append(got, s.path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if g.slots(GridRow{}) != nil {
		t.Error("a row that can't be booked offers slots")
	}
}

// Bookings that overlap stand side by side; those that only touch do not.
func TestSheetLanes(t *testing.T) {
	t.Parallel()
	day := SheetDay{Date: at(time.UTC, 3, 0, 0), Blocks: []Block{
		{Title: "c", From: at(time.UTC, 3, 12, 0), To: at(time.UTC, 3, 13, 0)},
		{Title: "a", From: at(time.UTC, 3, 9, 0), To: at(time.UTC, 3, 11, 0)},
		{Title: "b", From: at(time.UTC, 3, 10, 0), To: at(time.UTC, 3, 12, 0)},
		{Title: "early", From: at(time.UTC, 3, 5, 0), To: at(time.UTC, 3, 6, 0)},
		{Title: "over midnight", From: at(time.UTC, 3, 17, 0), To: at(time.UTC, 4, 2, 0)},
	}}
	s := Sheet{FromHour: 8, ToHour: 18, Days: []SheetDay{day}}
	type place struct{ Title, X, Width string }
	var got []place
	for _, b := range s.blocks(day) {
		got = append(got, place{b.Title, b.x, b.width})
		if b.y < sheetHead || b.y+b.height > sheetHead+hourHeight*10+0.01 {
			t.Errorf("%s lies outside the sheet: y %v, height %v", b.Title, b.y, b.height)
		}
	}
	want := []place{{"a", "0.00%", "50.00%"}, {"b", "50.00%", "50.00%"}, {"c", "0.00%", "100.00%"}, {"over midnight", "0.00%", "100.00%"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
