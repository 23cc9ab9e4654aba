package google

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lintel/app/when"
	"lintel/connectors"
)

// An id takes Google's alphabet only and gives the token back, whichever try it is.
func TestEventID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		token := rapid.StringMatching(`[A-Za-z0-9-]{8,64}`).Draw(t, "token")
		try := rapid.IntRange(0, maxTries-1).Draw(t, "try")
		id := eventID(token, try)
		if len(id) < 5 || len(id) > 1024 || strings.Trim(id, digits) != "" {
			t.Fatalf("id %q", id)
		}
		if got := tokenOf(id); got != token {
			t.Fatalf("token %q of %q, want %q", got, id, token)
		}
		if tokenOf(id+"_20261123T080000Z") != "" || tokenOf(id[1:]) != "" {
			t.Fatal("an occurrence or another id counts as ours")
		}
	})
	for _, id := range []string{"", "lintel", "lintel0", "lintel0zz", "lintelabc", "0lintel"} {
		if got := tokenOf(id); got != "" {
			t.Errorf("%q gives %q", id, got)
		}
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"items":[{"id":"x","start":{"dateTime":"2026-11-23T09:00:00+01:00"},"end":{"dateTime":"2026-11-23T10:00:00Z"},"visibility":"private","summary":"s","organizer":{"email":"a@b"}}]}`))
	f.Add([]byte(`{"items":[{"id":"x_20261123","recurringEventId":"x","originalStartTime":{"date":"2026-11-23"},"start":{"date":"2026-11-23"},"end":{"date":"2026-11-24"},"attendees":[{"self":true,"responseStatus":"declined"}]}],"nextPageToken":"n"}`))
	f.Add([]byte(`{"items":[{"id":"x","start":{"dateTime":"2026-11-23T09:00:00","timeZone":"../../etc/passwd"},"end":{}}]}`))
	w := when.Interval{From: time.Unix(0, 0), To: time.Unix(1<<40, 0)}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p page
		if json.Unmarshal(b, &p) != nil {
			return
		}
		r := reader{conn: &Conn{}, room: connectors.Room{Zone: time.UTC}, window: w, events: map[string]connectors.Event{}}
		for i := range p.Items {
			r.add(&p.Items[i])
		}
		for _, e := range r.snapshot(time.Time{}).Events {
			if e.Series == "" || e.Key == "" || e.To.Before(e.From) || e.AllDay && !e.FirstDay.Before(e.EndDay) {
				t.Errorf("%+v", e)
			}
			if e.Private && e.Subject+e.Organizer+e.OrganizerAddr != "" {
				t.Errorf("a private event shows: %+v", e)
			}
		}
	})
}

func FuzzErrors(f *testing.F) {
	f.Add([]byte(`{"error":{"code":403,"message":"m","errors":[{"reason":"rateLimitExceeded"}]}}`))
	f.Add([]byte(`{"error":{"message":"m","details":[{"reason":"SERVICE_DISABLED"}]}}`))
	f.Add([]byte(`{"access_token":"a","expires_in":3600,"token_type":"Bearer"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		reason, message := reasonOf(b)
		if word(reason) != reason || len(message) > 1<<20 {
			t.Errorf("%q %q", reason, message)
		}
		k, err := decodeToken("x", b, time.Unix(0, 0))
		if v := k.value.Reveal(); (err == nil) == (v == "") || strings.ContainsAny(v, "\r\n ") {
			t.Errorf("token %q, %v", v, err)
		}
	})
}
