package privacy_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
	_ "time/tzdata"

	"lintel/app/privacy"
	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

// clock is a clock that tests set.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func building(t *testing.T, s *store.Store, zone string, keep store.Retention) (store.BuildingID, store.WorkspaceID) {
	t.Helper()
	b := store.NewID[store.BuildingID]()
	w := store.NewID[store.WorkspaceID]()
	f := store.NewID[store.FloorID]()
	err := s.Update(context.Background(), func(tx *store.Tx) error {
		if err := tx.InsertBuilding(store.Building{ID: b, Name: zone + string(b), Zone: zone, Language: "en", HostedRetention: keep}); err != nil {
			return err
		}
		if err := tx.InsertFloor(store.Floor{ID: f, BuildingID: b, Name: "1"}); err != nil {
			return err
		}
		return tx.InsertWorkspace(store.Workspace{ID: w, FloorID: f, Kind: store.Room, Name: "Room", Bookable: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, w
}

// Simulated midnights with outages of up to five days handle each (building, day) exactly once.
func TestEachDayOnce(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s := storetest.Open(t, c.now)
	zones := map[store.BuildingID]*time.Location{}
	for _, z := range []string{"Europe/Zurich", "America/Santiago", "Atlantic/Azores"} {
		b, _ := building(t, s, z, store.RetainMidnight)
		loc, err := when.LoadZone(z)
		if err != nil {
			t.Fatal(err)
		}
		zones[b] = loc
	}
	p := privacy.New(s, c.now, slog.New(slog.DiscardHandler), nil)
	start, steps := c.t, 0
	end := start.AddDate(1, 0, 0)
	if testing.Short() {
		end = start.AddDate(0, 2, 0) // the spring's changes of clocks
	}
	for c.t.Before(end) {
		if err := p.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		steps++
		switch {
		case steps%40 == 39:
			c.t = c.t.Add(5 * 24 * time.Hour) // an outage
		case steps%7 == 6:
			c.t = c.t.Add(26 * time.Hour)
		default:
			c.t = c.t.Add(3*time.Hour + 7*time.Minute)
		}
	}
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var runs []store.Retained
	if err := s.View(context.Background(), func(tx *store.Tx) (err error) {
		runs, err = tx.RetentionRuns(10_000)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	seen := map[store.BuildingID]map[when.Date]int{}
	for _, r := range runs {
		if seen[r.Building] == nil {
			seen[r.Building] = map[when.Date]int{}
		}
		seen[r.Building][r.Day]++
		if r.At.Before(r.Day.End(zones[r.Building])) {
			t.Errorf("%v was handled at %v, before it ended", r.Day, r.At)
		}
	}
	for b, z := range zones {
		d := when.DayOf(start, z).Add(-1)
		last := when.DayOf(c.t, z).Add(-1)
		for ; !d.After(last); d = d.Add(1) {
			if seen[b][d] != 1 {
				t.Errorf("%v: %v handled %d times", z, d, seen[b][d])
			}
			delete(seen[b], d)
		}
		if len(seen[b]) > 0 {
			t.Errorf("%v: days that had not ended: %v", z, seen[b])
		}
	}
}

// raw returns the bytes of both database files and their write-ahead logs. The files are read by their
// names while the store is open, which a program must not do: here nothing is locked.
func raw(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	for _, name := range []string{store.MainFile, store.MainFile + "-wal", store.ReadingsFile, store.ReadingsFile + "-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// A planted name is in the raw bytes before, and in none of them after the midnight that ends its term.
func TestPlantedNameIsGoneFromTheBytes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		keep store.Retention
		gone time.Time // the first instant at which it must be gone
	}{
		{"midnight", store.RetainMidnight, time.Date(2026, 3, 3, 0, 0, 1, 0, zurich(t))},
		{"three months", store.RetainMonths3, time.Date(2026, 6, 3, 0, 0, 1, 0, zurich(t))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := &clock{time.Date(2026, 3, 2, 9, 0, 0, 0, zurich(t))}
			s := storetest.Open(t, c.now)
			_, w := building(t, s, "Europe/Zurich", tc.keep)
			const name, mail, subject = "Planted Personname", "planted.mail@example.org", "Planted subject of a meeting"
			id := store.NewID[store.BookingID]()
			if err := s.Update(context.Background(), func(tx *store.Tx) error {
				p, err := tx.FindOrCreatePerson(name, mail)
				if err != nil {
					return err
				}
				return tx.InsertBooking(store.Booking{
					ID: id, Workspace: w, Hosted: true, From: c.t.Add(time.Hour), To: c.t.Add(2 * time.Hour),
					FromWall: when.WallOf(c.t.Add(time.Hour), zurich(t)), ToWall: when.WallOf(c.t.Add(2*time.Hour), zurich(t)),
					Zone: "Europe/Zurich", Source: store.FromPortal, Subject: subject, Organizer: p, Creator: p,
				})
			}); err != nil {
				t.Fatal(err)
			}
			p := privacy.New(s, c.now, slog.New(slog.DiscardHandler), nil)
			c.t = tc.gone.Add(-2 * time.Second)
			if err := p.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			before := raw(t, s.Dir())
			for _, planted := range []string{name, mail, subject, string(id)} {
				if !bytes.Contains(before, []byte(planted)) {
					t.Errorf("%q is gone too early", planted)
				}
			}
			c.t = tc.gone
			if err := p.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			after := raw(t, s.Dir())
			for _, planted := range []string{name, mail, subject, string(id)} {
				if bytes.Contains(after, []byte(planted)) {
					t.Errorf("%q is still in the files", planted)
				}
			}
			// What stays: from and to.
			if err := s.View(context.Background(), func(tx *store.Tx) error {
				a, err := tx.Agenda(w, c.t.AddDate(-1, 0, 0), c.t)
				if err != nil {
					return err
				}
				if len(a) != 1 || a[0].Subject != "" || a[0].Organizer != "" || !a[0].To.Equal(time.Date(2026, 3, 2, 11, 0, 0, 0, zurich(t))) {
					t.Errorf("the fact left is %+v", a)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if testing.Short() {
				return
			}
			// Two years later the fact is gone too.
			c.t = tc.gone.AddDate(2, 0, 2)
			for range 2 { // the days between take more than one call's worth
				if err := p.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.View(context.Background(), func(tx *store.Tx) error {
				a, err := tx.Agenda(w, c.t.AddDate(-4, 0, 0), c.t)
				if len(a) != 0 {
					t.Errorf("facts older than two years: %+v", a)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func zurich(t *testing.T) *time.Location {
	t.Helper()
	z, err := when.LoadZone("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	return z
}
