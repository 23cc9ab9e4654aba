package ics

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

func TestRefresh(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"": 0, "REFRESH-INTERVAL;VALUE=DURATION:PT15M\r\n": 15 * time.Minute, "x-published-ttl:pt20s": time.Minute,
		"X-PUBLISHED-TTL:P1W": time.Hour, "X-PUBLISHED-TTL:P99999999999999999999W": 0, "X-PUBLISHED-TTL:P1DT2H": time.Hour,
		"X-PUBLISHED-TTL:P9999999999W": time.Hour, "X-PUBLISHED-TTL:PT": 0, "X-PUBLISHED-TTL:PT5": 0, "X-PUBLISHED-TTL:-PT5M": 0,
		"X-PUBLISHED-TTL:PT2M\nREFRESH-INTERVAL:PT3M": 3 * time.Minute, "SUMMARY:X-PUBLISHED-TTL:PT2M": 0,
	} {
		if got := refresh([]byte(in)); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	a := "BEGIN:VEVENT\r\nDTSTAMP:20261121T080000Z\r\nSUMMARY:x\r\n"
	same := []string{
		strings.Replace(a, "080000", "090000", 1), strings.Replace(a, "DTSTAMP:", "dtstamp;X=1:", 1),
		strings.Replace(a, "DTSTAMP:20261121T080000Z\r\n", "", 1),
	}
	other := []string{strings.Replace(a, ":x", ":y", 1), a + "DTSTAMPED:1", strings.TrimSpace(a)}
	for _, b := range same {
		if hash([]byte(a)) != hash([]byte(b)) {
			t.Errorf("%q counts as a change", b)
		}
	}
	for _, b := range other {
		if hash([]byte(a)) == hash([]byte(b)) {
			t.Errorf("%q counts as no change", b)
		}
	}
}

// FuzzFeed reads any body as a feed: no panic, no event outside of the window, no word in the state.
func FuzzFeed(f *testing.F) {
	f.Add("BEGIN:VCALENDAR\r\nX-PUBLISHED-TTL:PT1H\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261123T090000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:secretword\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
	f.Add("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261123\nCLASS:PRIVATE\nSUMMARY:secretword")
	f.Add("<html>")
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		f.Fatal(err)
	}
	room := connectors.Room{ID: "r", Zone: zone}
	w := when.Interval{From: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 5, 0, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, s string) {
		if w := refresh([]byte(s)); w < 0 || w > maxWait {
			t.Errorf("wait %v", w)
		}
		hash([]byte(s))
		now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
		snap, err := read([]byte(s), now, now, connectors.ReadRequest{Room: room, Window: w})
		if err != nil {
			if connectors.KindOf(err) == "" {
				t.Errorf("%v", err)
			}
			return
		}
		if strings.Contains(string(snap.State), "secretword") {
			t.Errorf("state %s", snap.State)
		}
		promised(t, snap, w)
	})
}

// promised checks what the contract says of every snapshot.
func promised(t *testing.T, snap connectors.Snapshot, w when.Interval) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range snap.Events {
		if !e.Touches(w) || e.To.Before(e.From) || e.Series == "" || seen[e.Identity()] || e.Private && e.Subject+e.Organizer+e.OrganizerAddr != "" ||
			e.AllDay == e.FirstDay.IsZero() || e.AllDay && !e.FirstDay.Before(e.EndDay) {
			t.Errorf("%+v", e)
		}
		seen[e.Identity()] = true
	}
}

// Real files of many programs, read as feeds: every window keeps the contract, and nothing hangs.
func TestCorpus(t *testing.T) {
	t.Parallel()
	corpus := os.Getenv("LINTEL_CORPUS")
	if corpus == "" {
		t.Skip("LINTEL_CORPUS names no folder with sample files")
	}
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	files, feeds, events := 0, 0, 0
	err = filepath.WalkDir(filepath.Join(corpus, "ics"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".ics" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for year := 1997; year < 2031; year += 3 {
			from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
			w := when.Interval{From: from, To: from.AddDate(3, 0, 0)}
			snap, err := read(body, from, from, connectors.ReadRequest{Room: connectors.Room{ID: "r", Zone: zone}, Window: w})
			if err != nil {
				return nil //nolint:nilerr // some samples are no calendars on purpose
			}
			events += len(snap.Events)
			promised(t, snap, w)
		}
		feeds++
		return nil
	})
	if err != nil || files < 400 {
		t.Fatalf("%d files, %v", files, err)
	}
	t.Logf("%d files, %d of them feeds, %d occurrences", files, feeds, events)
}
