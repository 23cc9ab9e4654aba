package expiry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/store/storetest"
)

func at(days float64) time.Time {
	return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).Add(time.Duration(days * float64(day)))
}

func TestLevel(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		item Item
		want Level
	}{
		{"in two years", Item{At: at(730)}, Far},
		{"a moment before 60 days", Item{At: at(60).Add(time.Second)}, Far},
		{"60 days", Item{At: at(60)}, Notice},
		{"31 days", Item{At: at(31)}, Notice},
		{"30 days", Item{At: at(30)}, Soon},
		{"14 days", Item{At: at(14)}, Near},
		{"8 days", Item{At: at(8)}, Near},
		{"7 days", Item{At: at(7)}, Last},
		{"a second", Item{At: at(0).Add(time.Second)}, Last},
		{"now", Item{At: at(0)}, Over},
		{"long ago", Item{At: at(-400)}, Over},
		{"renewed by itself", Item{At: at(2), Renews: true}, Far},
		{"its renewal fails", Item{At: at(2), Renews: true, Fault: "refused"}, Last},
		{"its renewal has not come", Item{At: at(-1), Renews: true}, Over},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.item.Level(at(0)); got != tt.want {
				t.Errorf("level %d, want %d", got, tt.want)
			}
		})
	}
}

// Each threshold warns once, whenever the job runs; several that were crossed while it did not warn once together.
func TestDue(t *testing.T) {
	t.Parallel()
	secret := Item{Kind: System, ID: "s", What: "secret", At: at(0)}
	for _, tt := range []struct {
		name string
		runs []float64 // days before the end
		want []float64 // those that warn
	}{
		{"daily", []float64{70, 61, 60, 59, 31, 30, 29, 15, 14, 13, 8, 7, 6, 1, 0, -1, -2}, []float64{60, 30, 14, 7, 0}},
		{"twice a day", []float64{60.5, 60, 59.5, 30.1, 29.9, 29.8}, []float64{60, 29.9}},
		{"after a month of silence", []float64{61, 20, 19, 14}, []float64{20, 14}},
		{"known late", []float64{3, 2}, []float64{3}},
		{"known when it was over", []float64{-5, -6}, []float64{-5}},
		{"a clock that goes back", []float64{14, 16, 15, 13.5}, []float64{14}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var said map[string]Level
			var got []float64
			for _, left := range tt.runs {
				var warn []Item
				if warn, said = due(said, []Item{secret}, at(-left)); len(warn) > 0 {
					got = append(got, left)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("warned (+) other than wanted (-):\n%s", diff)
			}
		})
	}
	// Its successor starts anew, and what is gone is forgotten.
	_, said := due(nil, []Item{secret}, at(-10))
	next := secret
	next.At = at(365)
	warn, said := due(said, []Item{next}, at(-9))
	if len(warn) != 0 || len(said) != 0 {
		t.Errorf("of the successor it warns %v, and remembers %v", warn, said)
	}
	if warn, _ = due(said, []Item{next}, at(360)); len(warn) != 1 {
		t.Error("the successor is not warned of")
	}
}

func TestWarn(t *testing.T) {
	t.Parallel()
	now := at(0)
	clock := func() time.Time { return now }
	st := storetest.Open(t, clock)
	var log bytes.Buffer
	items := []Item{
		{Kind: AccessKey, ID: "k1", Name: "Bridge of Keller", What: "expiry.what_key", At: at(20)},
		{Kind: System, ID: "s1", Name: "Exchange", What: "calendar.expiry.secret", At: at(9)},
		{Kind: Portal, Name: "lintel.example.com", What: "expiry.what_certificate", At: at(100)},
	}
	var fails error
	open := func() *Service { // a program that was started anew
		return New(st, clock, slog.New(slog.NewTextHandler(&log, nil)),
			func(context.Context) ([]Item, error) { return items[:1], nil },
			func(context.Context) ([]Item, error) { return items[1:], fails })
	}
	list, err := open().List(t.Context())
	if err != nil || len(list) != 3 || list[0].ID != "s1" || list[2].Kind != Portal {
		t.Fatalf("list %v, %v", list, err)
	}
	lines := func() string {
		t.Helper()
		log.Reset()
		if err := open().Warn(t.Context()); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	got := lines()
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, "id=s1") || !strings.Contains(got, "days=20") || strings.Contains(got, "Keller") || !strings.Contains(got, "level=WARN") {
		t.Errorf("the first run says\n%s", got)
	}
	if got = lines(); got != "" {
		t.Errorf("the second run says\n%s", got)
	}
	now = at(3)
	if got = lines(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "days=6") {
		t.Errorf("three days later it says\n%s", got)
	}
	fails = errors.New("the sky falls")
	if err := open().Warn(t.Context()); !errors.Is(err, fails) {
		t.Errorf("a source that fails: %v", err)
	}
}
