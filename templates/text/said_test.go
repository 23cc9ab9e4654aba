package text

import (
	"testing"
	"time"
)

func TestSay(t *testing.T) {
	t.Parallel()
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 23, 5, 0, 0, time.UTC)
	for _, c := range []struct {
		lang Lang
		said Said
		want string
	}{
		{English, Plain("disk: no such file"), "disk: no such file"},
		{German, Of("time.ago", "Duration", 90*time.Minute), "vor 1 h 30 min"},
		{English, Of("time.percent", "Number", 1240), "1,240 %"},
		{English, Of("deleted.until", "Date", Day(at)), "can come back until 22 Nov 2026"},
		{English, Of("deleted.until", "Date", at), "can come back until 22 Nov 2026, 00:05"},
		{English, Of("deleted.until", "Date", Size(1_200_000_000)), "can come back until 1.2 GB"},
		{English, Of("deleted.until", "Date", "/var/lib/1240"), "can come back until /var/lib/1240"},
		{English, Of("deleted.until", "Date", Of("time.now")), "can come back until now"},
		{English, Of("bookings.more_dates", "Count", 1), "1 more"},
		{Italian, Of("bookings.more_dates", "Count", 1), "1 altra"},
		{Italian, Of("bookings.more_dates", "Count", 3), "altre 3"},
	} {
		if got := For(c.lang).Say(c.said, zurich); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.lang, c.said, got, c.want)
		}
	}
	if !(Said{}).IsZero() || Of("ui.save").IsZero() || Plain("x").IsZero() {
		t.Error("IsZero is wrong")
	}
}
