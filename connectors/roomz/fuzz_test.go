package roomz

import (
	"encoding/json"
	"testing"
	"time"

	"lintel/app/when"
)

func FuzzMeetings(f *testing.F) {
	f.Add([]byte(`[{"meetingId":"a","subject":"s","organizerId":"lintel-token-of-x","startDateUTC":"2026-11-23T09:00:00Z","endDateUTC":"2026-11-23T10:00:00.5+01:00","isPrivate":true,"imageUrl":null}]`))
	f.Add([]byte(`[{"MEETINGID":1e400,"isCancelled":"true"},null,[],"x"]`))
	f.Add([]byte(`[{"roomId":"1","name":null}]`))
	c := &Connector{ours: map[string]string{}}
	w := when.Interval{From: time.Unix(0, 0), To: time.Unix(1<<40, 0)}
	f.Fuzz(func(t *testing.T, b []byte) {
		decodeRooms(b)
		list, _, ok := decodeMeetings(b)
		if !ok && list != nil {
			t.Error("a list in spite of an error")
		}
		for _, e := range list {
			ev := c.event("r", e, true)
			if ev.Series == "" || !e.Cancelled && ev.To.Before(ev.From) {
				t.Errorf("%+v", ev)
			}
			if ev.Private && ev.Subject+ev.Organizer+ev.OrganizerAddr != "" {
				t.Errorf("a private meeting shows: %+v", ev)
			}
			ev.Touches(w)
			written, err := changed(e.raw, map[string]any{"isCancelled": true})
			if err != nil {
				t.Fatal(err)
			}
			var back Meeting
			if err := json.Unmarshal(written, &back); err != nil || !back.Cancelled {
				t.Errorf("%s: %v", written, err)
			}
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-11-23T09:00:00Z", "2026-11-23 09:00", "2026-11-23T09:00:00.123+0100", "-1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at := ParseTime(s)
		if at.IsZero() || at.Year() < 1 || at.Year() > 9999 {
			return
		}
		if !ParseTime(FormatTime(at)).Equal(at) {
			t.Errorf("%q is %v, written and read %v", s, at, ParseTime(FormatTime(at)))
		}
	})
}
