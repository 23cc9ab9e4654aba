package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

// makeBuilding makes a building with one floor.
func makeBuilding(tb testing.TB, s *store.Store, zone string) (store.BuildingID, store.FloorID) {
	tb.Helper()
	b := store.Building{
		ID: store.NewID[store.BuildingID](), Name: "House " + store.NewID[string](), Zone: zone, Language: "en",
		WorkingDays: store.MondayToFriday, HostedRetention: store.RetainMidnight,
	}
	f := store.Floor{ID: store.NewID[store.FloorID](), BuildingID: b.ID, Name: "Ground"}
	update(tb, s, func(tx *store.Tx) error {
		if err := tx.InsertBuilding(b); err != nil {
			return err
		}
		return tx.InsertFloor(f)
	})
	return b.ID, f.ID
}

// makeRoom makes a room on a floor.
func makeRoom(tb testing.TB, s *store.Store, floor store.FloorID, name string) store.WorkspaceID {
	tb.Helper()
	w := store.Workspace{
		ID: store.NewID[store.WorkspaceID](), FloorID: floor, Kind: store.Room, Name: name, Seats: 8,
		ShowSubject: true, ShowOrganizer: true, Bookable: true,
	}
	update(tb, s, func(tx *store.Tx) error { return tx.InsertWorkspace(w) })
	return w.ID
}

// hostedBooking is a booking of ours, its walls in UTC.
func hostedBooking(ws store.WorkspaceID, from, to time.Time) store.Booking {
	return store.Booking{
		ID: store.NewID[store.BookingID](), Workspace: ws, Hosted: true, From: from, To: to,
		FromWall: when.WallOf(from, time.UTC), ToWall: when.WallOf(to, time.UTC), Zone: "UTC", Source: store.FromPortal,
	}
}

func update(tb testing.TB, s *store.Store, f func(*store.Tx) error) {
	tb.Helper()
	if err := s.Update(context.Background(), f); err != nil {
		tb.Fatal(err)
	}
}

func look(tb testing.TB, s *store.Store, f func(*store.Tx) error) {
	tb.Helper()
	if err := s.View(context.Background(), f); err != nil {
		tb.Fatal(err)
	}
}

// An agenda is found by its index alone, whatever the statistics say.
func TestAgendaUsesItsIndexes(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]bool{"empty": false, "with statistics": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, now)
			ctx := context.Background()
			_, floor := makeBuilding(t, s, "UTC")
			ids := []store.WorkspaceID{makeRoom(t, s, floor, "A"), makeRoom(t, s, floor, "B")}
			if fill {
				update(t, s, func(tx *store.Tx) error {
					for i := range 200 {
						at := now().Truncate(time.Hour).Add(time.Duration(i) * 49 * time.Hour)
						if err := tx.InsertBooking(hostedBooking(ids[i%2], at, at.Add(time.Duration(1+i%48)*time.Hour))); err != nil {
							return err
						}
					}
					return nil
				})
				if err := s.Exec(ctx, "ANALYZE"); err != nil {
					t.Fatal(err)
				}
			}
			plan, err := s.AgendaPlan(ctx, ids, now(), now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Join(plan, "\n")
			for _, want := range []string{
				"USING COVERING INDEX booking_agenda (workspace_id=? AND from_at>? AND from_at<?)",
				"USING COVERING INDEX booking_long (workspace_id=? AND from_at<?)",
			} {
				if !strings.Contains(all, want) {
					t.Errorf("no %q in the plan:\n%s", want, all)
				}
			}
		})
	}
}

// Whatever is written to the table, by whatever way, hosted bookings of one workspace do not overlap: the model
// is a plain list of spans, the writes go past all methods of the store.
func TestDatabaseRefusesOverlap(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	ctx := context.Background()
	_, floor := makeBuilding(t, s, "UTC")
	rapid.Check(t, func(rt *rapid.T) {
		rooms := []store.WorkspaceID{makeRoom(t, s, floor, store.NewID[string]()), makeRoom(t, s, floor, store.NewID[string]())}
		model := map[store.BookingID]span{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			want := drawSpan(rt, rooms)
			id := store.NewID[store.BookingID]()
			query, args := `INSERT INTO booking (workspace_id, from_at, to_at, cancelled_at, hosted, id, from_wall, to_wall, zone, source, created_at, updated_at)
				VALUES (?,?,?,?,1,?,'','','UTC','api',0,0)`, []any{want.room, want.from, want.to, want.cancelled, id}
			if len(model) > 0 && rapid.Bool().Draw(rt, "change") {
				id = rapid.SampledFrom(slices.Sorted(maps.Keys(model))).Draw(rt, "which")
				old := model[id]
				switch rapid.IntRange(0, 3).Draw(rt, "what") {
				case 0:
					query, args = `UPDATE booking SET workspace_id=? WHERE id=?`, []any{want.room, id}
					want = span{want.room, old.from, old.to, old.cancelled}
				case 1:
					from := min(want.from, old.to-1)
					query, args = `UPDATE booking SET from_at=? WHERE id=?`, []any{from, id}
					want = span{old.room, from, old.to, old.cancelled}
				case 2:
					query, args = `UPDATE booking SET to_at=? WHERE id=?`, []any{old.from + want.to - want.from, id}
					want = span{old.room, old.from, old.from + want.to - want.from, old.cancelled}
				case 3:
					query, args = `UPDATE booking SET cancelled_at=? WHERE id=?`, []any{want.cancelled, id}
					want = span{old.room, old.from, old.to, want.cancelled}
				}
			}
			err := s.Exec(ctx, query, args...)
			switch refuse := want.meets(id, model); {
			case refuse && !errors.Is(err, store.ErrOverlap):
				rt.Fatalf("%s %v: %v, want an overlap with %v", query, args, err, model)
			case !refuse && err != nil:
				rt.Fatalf("%s %v: %v, beside %v", query, args, err, model)
			case !refuse:
				model[id] = want
			}
		}
	})
}

// span is a row of the model.
type span struct {
	room      store.WorkspaceID
	from, to  int
	cancelled any // nil = stands
}

func drawSpan(rt *rapid.T, rooms []store.WorkspaceID) span {
	w := span{room: rapid.SampledFrom(rooms).Draw(rt, "room"), from: rapid.IntRange(0, 40).Draw(rt, "from")}
	w.to = w.from + rapid.IntRange(1, 12).Draw(rt, "long")
	if rapid.IntRange(0, 3).Draw(rt, "cancelled") == 0 {
		w.cancelled = 1
	}
	return w
}

// meets reports whether w would overlap a row other than id.
func (w span) meets(id store.BookingID, model map[store.BookingID]span) bool {
	for other, o := range model {
		if other != id && w.cancelled == nil && o.cancelled == nil && o.room == w.room && w.from < o.to && o.from < w.to {
			return true
		}
	}
	return false
}

// What mirrors a booking system may overlap, there too it may, and does not hold up our own.
func TestSyncedBookingsMayOverlap(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	_, floor := makeBuilding(t, s, "UTC")
	ws := makeRoom(t, s, floor, "A")
	at := now().Truncate(time.Hour)
	update(t, s, func(tx *store.Tx) error {
		sys := store.System{ID: "sys", Kind: "ics", Name: "Feed", URL: "https://example.org/a.ics"}
		if err := tx.SaveSystem(sys); err != nil {
			return err
		}
		return tx.AttachResource(store.Resource{ID: "res", Workspace: ws, System: "sys", Address: "https://example.org/a.ics"}, false)
	})
	for i, hosted := range []bool{true, false, false} {
		b := hostedBooking(ws, at, at.Add(time.Hour))
		if b.Hosted = hosted; !hosted {
			b.Resource, b.ExtUID, b.Source = "res", fmt.Sprint(i), store.FromCalendar
		}
		update(t, s, func(tx *store.Tx) error { return tx.InsertBooking(b) })
	}
	look(t, s, func(tx *store.Tx) error {
		list, err := tx.Agenda(ws, at, at.Add(time.Minute))
		if len(list) != 3 {
			t.Errorf("the agenda holds %d bookings, want 3", len(list))
		}
		return err
	})
}

func TestBookingRoundTrip(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	_, floor := makeBuilding(t, s, "Europe/Zurich")
	ws, other := makeRoom(t, s, floor, "A"), makeRoom(t, s, floor, "B")
	at := now().UTC().Truncate(time.Hour)
	b := hostedBooking(ws, at, at.Add(time.Hour))
	b.Zone, b.Private, b.Tentative, b.Token, b.Source, b.Subject = "Europe/Zurich", true, true, "tok-12345", store.FromPanel, "Offsite"
	update(t, s, func(tx *store.Tx) (err error) {
		if b.Organizer, err = tx.FindOrCreatePerson("Beat Meier", "Beat@Example.org"); err != nil {
			return err
		}
		if b.Creator, err = tx.FindOrCreatePerson("Anna Keller", ""); err != nil {
			return err
		}
		return tx.InsertBooking(b)
	})
	b.OrganizerName, b.OrganizerEmail, b.CreatorName = "Beat Meier", "beat@example.org", "Anna Keller"
	b.CreatedAt, b.UpdatedAt, b.Revision = now().UTC(), now().UTC(), 1
	for name, get := range map[string]func(*store.Tx) (store.Booking, error){
		"id":    func(tx *store.Tx) (store.Booking, error) { return tx.Booking(b.ID) },
		"token": func(tx *store.Tx) (store.Booking, error) { return tx.BookingByToken(ws, "tok-12345") },
	} {
		look(t, s, func(tx *store.Tx) error {
			got, err := get(tx)
			if diff := cmp.Diff(b, got); diff != "" {
				t.Errorf("by %s:\n%s", name, diff)
			}
			return err
		})
	}
	b.Workspace, b.To, b.ToWall, b.EndReason, b.Private = other, at.Add(30*time.Minute), when.WallOf(at.Add(30*time.Minute), time.UTC), store.EndEnded, false
	update(t, s, func(tx *store.Tx) error { return tx.UpdateBooking(b) })
	if err := s.Update(context.Background(), func(tx *store.Tx) error { return tx.UpdateBooking(b) }); !errors.Is(err, store.ErrStale) {
		t.Errorf("a second write of the first revision: %v", err)
	}
	b.Revision = 2
	update(t, s, func(tx *store.Tx) error { return tx.SetBookingPeople(b.ID, "", "", "") })
	b.Subject, b.Organizer, b.OrganizerName, b.OrganizerEmail, b.Creator, b.CreatorName = "", "", "", "", "", ""
	look(t, s, func(tx *store.Tx) error {
		got, err := tx.Booking(b.ID)
		if diff := cmp.Diff(b, got); diff != "" {
			t.Errorf("after the change:\n%s", diff)
		}
		if again := tx.UpdateBooking(b); again == nil {
			t.Error("a read transaction changed a booking")
		}
		return err
	})
	if err := s.Update(context.Background(), func(tx *store.Tx) error {
		twice := hostedBooking(other, at.Add(5*time.Hour), at.Add(6*time.Hour))
		twice.Token = "tok-12345"
		return tx.InsertBooking(twice)
	}); !errors.Is(err, store.ErrDuplicate) {
		t.Errorf("the same token again: %v", err)
	}
}

// Agendas are half open and look at what began long before.
func TestAgendaBounds(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, now)
	_, floor := makeBuilding(t, s, "UTC")
	a, b := makeRoom(t, s, floor, "A"), makeRoom(t, s, floor, "B")
	day := when.Date{Year: 2026, Month: time.November, Day: 23}.Start(time.UTC)
	hour := func(n float64) time.Time { return day.Add(time.Duration(n * float64(time.Hour))) }
	ids := map[store.BookingID]string{}
	add := func(name string, ws store.WorkspaceID, from, to float64, cancelled bool) {
		k := hostedBooking(ws, hour(from), hour(to))
		if cancelled {
			k.CancelledAt, k.EndReason = now(), store.EndCancelled
		}
		ids[k.ID] = name
		update(t, s, func(tx *store.Tx) error { return tx.InsertBooking(k) })
	}
	add("weeks", a, -20*24, 8, false)
	add("ends at the start", a, 8, 9, false)
	add("runs at the start", a, 9, 9.5, false)
	add("within", a, 10, 11, false)
	add("cancelled", a, 9.5, 10, true)
	add("begins at the end", a, 12, 13, false)
	add("a day and a bit", b, -15, 9.25, false)
	add("exactly a day", b, 9.25, 33.25, false)
	for name, c := range map[string]struct {
		from, to float64
		want     []string
	}{
		"morning":          {9, 12, []string{"runs at the start", "within", "a day and a bit", "exactly a day"}},
		"nothing":          {11, 12, []string{"exactly a day"}},
		"an instant":       {9, 9.001, []string{"runs at the start", "a day and a bit"}},
		"only a long one":  {-24, -23, []string{"weeks"}},
		"long ones":        {-1, 0, []string{"weeks", "a day and a bit"}},
		"before all":       {-1000, -999, nil},
		"next day's start": {33, 34, []string{"exactly a day"}},
		"after all":        {33.25, 34, nil},
	} {
		look(t, s, func(tx *store.Tx) error {
			list, err := tx.AgendaOf([]store.WorkspaceID{a, b}, hour(c.from), hour(c.to))
			var got []string
			for _, k := range list {
				got = append(got, ids[k.ID])
			}
			less := cmpopts.SortSlices(func(x, y string) bool { return x < y })
			if diff := cmp.Diff(c.want, got, less, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
			taken, err2 := tx.TakenOf([]store.WorkspaceID{a, b}, hour(c.from), hour(c.to))
			var all []store.Taken
			for _, k := range list {
				all = append(all, store.Taken{Workspace: k.Workspace, Span: k.Span()})
			}
			sorted := cmpopts.SortSlices(func(x, y store.Taken) bool { return fmt.Sprint(x) < fmt.Sprint(y) })
			if diff := cmp.Diff(all, taken, sorted, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: AgendaOf and TakenOf differ:\n%s", name, diff)
			}
			return errors.Join(err, err2)
		})
	}
}
