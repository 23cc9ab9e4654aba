package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

// hotQuery is something that happens often, or to a large table while others wait.
type hotQuery struct {
	name    string
	run     func(h *hotHouse, tx *store.Tx) error
	reading bool // of the file of readings

	// reads lists steps of plans that read more than an index finds, and why they may: each is the
	// beginning of a line of EXPLAIN QUERY PLAN.
	reads map[string]string
}

// hotHouse is what the hot queries ask for.
type hotHouse struct {
	building store.BuildingID
	rooms    []store.WorkspaceID
	resource store.Resource
	synced   []store.SyncedEvent
	person   store.PersonID
	account  store.AccountID
	series   store.SeriesID
	display  store.DisplayID
	day      time.Time
}

var hotQueries = []hotQuery{
	{name: "agenda of a room", run: func(h *hotHouse, tx *store.Tx) error {
		_, err := tx.Agenda(h.rooms[0], h.day, h.day.Add(24*time.Hour))
		return err
	}},
	{name: "agenda of many rooms", run: func(h *hotHouse, tx *store.Tx) error {
		_, err := tx.AgendaOf(h.rooms, h.day, h.day.Add(24*time.Hour))
		return err
	}},
	{name: "when rooms are taken", run: func(h *hotHouse, tx *store.Tx) error {
		_, err := tx.TakenOf(h.rooms, h.day, h.day.Add(24*time.Hour))
		return err
	}},
	{name: "edge of an agenda", run: func(h *hotHouse, tx *store.Tx) error {
		_, err := tx.AgendaEdge(h.rooms[0], h.day, h.day.Add(20*time.Minute))
		return err
	}},
	{name: "stored agenda of a resource", run: func(h *hotHouse, tx *store.Tx) error {
		events := slices.Clone(h.synced[1 : len(h.synced)-1])                       // one was removed after it ended, one before it began,
		events[0].From, events[0].Rev = events[0].From.Add(-time.Minute), "changed" // one was changed,
		added := events[1]
		added.UID, added.Token, added.Address = "added", "", "new@example.org" // one was added, with somebody new,
		named := events[2]
		named.UID, named.Token, named.Address = "named", "", "" // and one by somebody without an address
		ch, err := tx.ApplyAgenda(h.resource, h.day, h.day.Add(12*24*time.Hour), append(events, added, named), true)
		if err == nil && (ch.Added != 2 || ch.Changed != 2 || ch.Removed != 1) {
			err = fmt.Errorf("this was to add, change and remove: %+v", ch)
		}
		return err
	}},
	{name: "claim of a synced booking", run: func(h *hotHouse, tx *store.Tx) error {
		id, err := tx.ClaimSynced(h.resource.ID, h.synced[5].Token, "door", h.person)
		if err != nil {
			return err
		}
		_, err = tx.SyncedRef(id)
		return err
	}},
	{name: "state of a resource", run: func(h *hotHouse, tx *store.Tx) error {
		if _, _, err := tx.SyncMarks(h.resource.ID); err != nil {
			return err
		}
		if err := tx.SaveSyncState(h.resource.ID, []byte("state")); err != nil {
			return err
		}
		_, err := tx.ResourceOf(h.resource.Workspace)
		return err
	}},
	{name: "booking", run: func(h *hotHouse, tx *store.Tx) error {
		b := hostedBooking(h.rooms[1], h.day.Add(21*time.Hour), h.day.Add(21*time.Hour+20*time.Minute))
		b.Token, b.Organizer = "press", h.person
		if err := tx.InsertBooking(b); err != nil {
			return err
		}
		b, err := tx.BookingByToken(b.Workspace, b.Token)
		if err != nil {
			return err
		}
		b.To = b.To.Add(10 * time.Minute)
		if err := tx.UpdateBooking(b); err != nil {
			return err
		}
		_, err = tx.Booking(b.ID)
		return err
	}},
	{name: "bookings of a person", run: func(h *hotHouse, tx *store.Tx) error {
		_, err := tx.BookingsOfPerson(h.person, h.day, 100)
		return err
	}},
	{name: "series", run: func(h *hotHouse, tx *store.Tx) error {
		if _, err := tx.Occurrences(h.series); err != nil {
			return err
		}
		if _, err := tx.LastOriginal(h.series); err != nil {
			return err
		}
		_, err := tx.Series(h.series)
		return err
	}},
	{name: "bookings that ran out", run: func(_ *hotHouse, tx *store.Tx) error {
		_, err := tx.RanOut()
		return err
	}, reads: map[string]string{
		"SEARCH booking USING INDEX booking_open (to_at<?)": "the index holds those alone that have not ended",
	}},
	{name: "audit log", run: func(_ *hotHouse, tx *store.Tx) error {
		_, err := tx.AuditLog(0, 50)
		return err
	}, reads: map[string]string{
		"SEARCH a USING INTEGER PRIMARY KEY (rowid<?)": "it stops at the limit",
	}},
	{name: "session", run: func(h *hotHouse, tx *store.Tx) error {
		if _, err := tx.Session([]byte("hash of 7")); err != nil {
			return err
		}
		if err := tx.TouchSession([]byte("hash of 7"), "192.0.2.1", "browser"); err != nil {
			return err
		}
		if _, err := tx.Account(h.account); err != nil {
			return err
		}
		_, err := tx.Sessions(h.account, time.Hour)
		return err
	}},
	{name: "sign-in", run: func(h *hotHouse, tx *store.Tx) error {
		for _, find := range []func() (store.Account, error){
			func() (store.Account, error) { return tx.AccountByLogin("login7") },
			func() (store.Account, error) { return tx.AccountByEmail("p7@example.org") },
			func() (store.Account, error) { return tx.AccountByPerson(h.person) },
		} {
			if a, err := find(); err != nil || a.ID != h.account {
				return fmt.Errorf("found %q, %w", a.ID, err)
			}
		}
		_, _, err := tx.SignInFailures([]byte("key"), h.day)
		return err
	}},
	{name: "display by key", run: func(_ *hotHouse, tx *store.Tx) error {
		_, err := tx.DisplayByKey([]byte("key of 7"))
		return err
	}},
	{name: "display by what it is and shows", run: func(_ *hotHouse, tx *store.Tx) error {
		if _, err := tx.DisplayByHardware("hardware 7"); err != nil {
			return err
		}
		_, err := tx.DisplayByClaim("claim 9")
		return err
	}},
	{name: "contact of a display", run: func(h *hotHouse, tx *store.Tx) error {
		if err := tx.SaveContact(store.DisplayContact{ID: h.display, SeenAt: h.day, HardwareID: "AA:BB"}); err != nil {
			return err
		}
		if err := tx.SavePicture(store.DisplayPicture{Display: h.display, RenderedAt: h.day}); err != nil {
			return err
		}
		if err := tx.AppendDisplayLog(h.display, []store.DisplayLogLine{{At: h.day, Message: "hello"}}); err != nil {
			return err
		}
		_, err := tx.DisplayLog(h.display, 100)
		return err
	}},
	{name: "retention", run: func(h *hotHouse, tx *store.Tx) error {
		day, err := when.ParseDate("2026-11-17")
		if err != nil {
			return err
		}
		r, err := tx.Retain(store.RetentionTarget{Building: h.building, Hosted: store.RetainMidnight}, day, time.UTC)
		if err == nil && r.Bookings == 0 {
			err = fmt.Errorf("nothing was to forget: %+v", r)
		}
		return err
	}, reads: map[string]string{
		"SCAN w":      "a table of places is small",
		"SCAN series": "there are few; once a day",
		"SCAN person": "each is looked up in four indexes; once a day",
		"SEARCH booking USING INDEX booking_to (to_at<?)": "what ended two years ago, and goes",
	}},
	{name: "sweep", run: func(_ *hotHouse, tx *store.Tx) error {
		_, err := tx.Sweep()
		return err
	}, reads: map[string]string{
		"SEARCH session USING INDEX session_expires (expires_at<?)": "those that ran out, and go",
		"SCAN one_time_link":     "there are few",
		"SCAN display":           "its log is looked up display by display",
		"SCAN sign_in_failure":   "those of one day",
		"SEARCH sign_in_failure": "the same, key by key",
	}},
	{name: "bookings ahead", run: func(h *hotHouse, tx *store.Tx) error {
		if _, err := tx.CountAhead(h.rooms, tx.Now()); err != nil {
			return err
		}
		if _, err := tx.FutureHosted(h.rooms[3]); err != nil {
			return err
		}
		_, err := tx.HostedAhead(h.building, tx.Now())
		return err
	}, reads: map[string]string{"SCAN w": "a table of places is small"}},
	{name: "resource that is detached", run: func(h *hotHouse, tx *store.Tx) error { return tx.DeleteResource(h.resource.ID) }},
	{name: "readings that are too old", reading: true, run: func(_ *hotHouse, tx *store.Tx) error { return tx.SweepReadings() }},
}

// The database finds what happens often by its indexes, with and without statistics. A step that goes through a
// whole table, or through a whole index, must say why it may.
func TestHotQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	for name, statistics := range map[string]bool{"without statistics": false, "with statistics": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, now)
			h := fillHotHouse(t, s)
			if statistics {
				if err := s.Exec(context.Background(), "ANALYZE"); err != nil {
					t.Fatal(err)
				}
			}
			var mu sync.Mutex
			plans := map[string][]string{}
			if err := s.WatchPlans(func(q string, plan []string) {
				mu.Lock()
				defer mu.Unlock()
				plans[q] = plan
			}); err != nil {
				t.Fatal(err)
			}
			for _, q := range hotQueries {
				clear(plans)
				run := s.Update
				if q.reading {
					run = s.UpdateReadings
				}
				// The house is large, and a race detector makes it slow: no limit of the store's own.
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				err := run(ctx, func(tx *store.Tx) error { return q.run(h, tx) })
				cancel()
				if err != nil {
					t.Fatalf("%s: %v", q.name, err)
				}
				if len(plans) == 0 {
					t.Fatalf("%s: no statement was seen", q.name)
				}
				for statement, plan := range plans {
					for _, step := range plan {
						if !found(step) && !allowed(q.reads, step) {
							t.Errorf("%s: %s\n%s", q.name, step, statement)
						}
					}
				}
			}
		})
	}
}

// found reports whether a step of a plan starts from something that is known: a key or an id, not a bound alone.
func found(step string) bool {
	switch {
	case strings.HasPrefix(step, "SCAN CONSTANT ROW"), strings.HasPrefix(step, "SCAN (subquery"), strings.HasPrefix(step, "SCAN (join"),
		step == "SCAN w VIRTUAL TABLE INDEX 1:": // json_each of an argument
		return true
	case strings.HasPrefix(step, "SCAN "):
		return false
	case strings.HasPrefix(step, "SEARCH "):
		return strings.Contains(step, "=?") && !strings.Contains(step, "AUTOMATIC")
	}
	return true
}

func allowed(reads map[string]string, step string) bool {
	for prefix := range reads {
		if strings.HasPrefix(step, prefix) {
			return true
		}
	}
	return false
}

// fillHotHouse makes a house with a past: twenty rooms, one on a booking system, and enough of everything that
// statistics tell tables from each other.
func fillHotHouse(t *testing.T, s *store.Store) *hotHouse {
	t.Helper()
	ctx := context.Background()
	h := &hotHouse{day: now().UTC().Truncate(24 * time.Hour), person: "p7", account: "a7", display: "d7", series: "s5Room 07"}
	var floor store.FloorID
	h.building, floor = makeBuilding(t, s, "UTC")
	for i := range 20 {
		h.rooms = append(h.rooms, makeRoom(t, s, floor, fmt.Sprintf("Room %02d", i)))
	}
	h.resource = store.Resource{ID: "resource", Workspace: h.rooms[0], System: "system", Address: "room-0"}
	const count = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1) `
	const booking = `INSERT INTO booking (id, workspace_id, hosted, from_at, to_at, from_wall, to_wall, zone, source, created_at, updated_at, resource_id, ext_uid, anonymised_at, end_reason) `
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{count + `INSERT INTO person (id, name, email, created_at) SELECT 'p' || i, 'Person ' || i, iif(i % 2, 'p' || i || '@example.org', ''), 0 FROM n`, []any{2000}},
		{count + `INSERT INTO account (id, person_id, created_at) SELECT 'a' || i, 'p' || i, 0 FROM n`, []any{1000}},
		{count + `INSERT INTO identity (id, account_id, provider, subject, created_at) SELECT 'i' || i, 'a' || i, 'local', 'login' || i, 0 FROM n`, []any{1000}},
		{count + `INSERT INTO role_grant (account_id, role) SELECT 'a' || i, 'user' FROM n`, []any{1000}},
		{count + `INSERT INTO sign_in_failure (key, at) SELECT CAST('key' || (i % 7) AS BLOB), ?2 FROM n`, []any{1000, h.day.Unix()}},
		{count + `INSERT INTO session (hash, account_id, created_at, seen_at, expires_at, data)
			SELECT CAST('session ' || i AS BLOB), 'a' || (i % 1000), 0, ?2, ?2 + i * 900, CAST('' AS BLOB) FROM n`, []any{2000, h.day.Unix()}},
		{count + `INSERT INTO audit (at, actor_kind, actor, action, object_kind, object_id) SELECT i, 'job', 'j', 'a', 'o', i FROM n`, []any{5000}},
		{count + `INSERT INTO display (id, protocol, state, workspace_id, hardware_id, key_hash, claim_code, created_at)
			SELECT 'd' || i, 'trmnl', iif(i % 10 = 9, 'pending', 'approved'), NULL, iif(i % 2, 'hardware ' || i, ''), CAST('key of ' || i AS BLOB), iif(i % 10 = 9, 'claim ' || i, ''), 0 FROM n`, []any{1000}},
		{count + `INSERT INTO display_log (display_id, at, level, message) SELECT 'd' || (i % 1000), i, '', 'said' FROM n`, []any{5000}},
		{count + `INSERT INTO series (id, workspace_id, rule, first_wall, minutes, zone, source, created_at)
			SELECT 's' || i || w.name, w.id, 'FREQ=DAILY', '2026-01-01T08:00', 60, 'UTC', 'portal', 0 FROM n, workspace w`, []any{10}},
		{`INSERT INTO series_person (series_id, organizer_id) SELECT id, 'p7' FROM series`, nil},
		// What is past was forgotten but for the last days.
		{count + booking + `SELECT w.id || '-' || i, w.id, 1, at, at + 3600, '', '', 'UTC', 'portal', 0, 0, NULL, '', iif(at < ?3, 1, NULL), iif(at < ?5, 'ran_out', '')
			FROM (SELECT i, ?2 + i * 7200 AS at FROM n), workspace w WHERE w.id <> ?4`, []any{250, h.day.AddDate(0, 0, -16).Unix(), h.day.AddDate(0, 0, -3).Unix(), h.rooms[0], h.day.Unix()}},
		{`INSERT INTO booking_person (booking_id, subject, organizer_id, creator_id)
			SELECT id, 'Planning', 'p' || (rowid % 300), 'p' || (rowid % 200) FROM booking WHERE anonymised_at IS NULL`, nil},
		{`UPDATE booking SET series_id = 's' || (rowid % 10) || 'Room 07', original_wall = strftime('%Y-%m-%dT%H:%M', rowid * 60, 'unixepoch') WHERE anonymised_at IS NULL AND rowid % 5 = 0`, nil},
		{`INSERT INTO booking_system (id, kind, name, created_at) VALUES ('system', 'caldav', 'System', 0)`, nil},
		{count + `INSERT INTO building (id, name, zone, created_at) SELECT 'b' || i, 'House ' || i, 'UTC', 0 FROM n`, []any{30}},
		{`INSERT INTO floor (id, building_id, name, created_at) SELECT 'f' || id, id, 'First', 0 FROM building`, nil},
		{`INSERT INTO resource (id, workspace_id, system_id, address, created_at) SELECT 'r' || id, id, 'system', id, 0 FROM workspace WHERE id <> ?`, []any{h.rooms[0]}},
	} {
		if err := s.Exec(ctx, q.sql, q.args...); err != nil {
			t.Fatalf("%s: %v", q.sql, err)
		}
	}
	update(t, s, func(tx *store.Tx) error {
		if err := tx.AttachResource(h.resource, false); err != nil {
			return err
		}
		if err := tx.CreateSession(store.Session{Hash: []byte("hash of 7"), Account: h.account, Data: []byte("values"), ExpiresAt: h.day.AddDate(0, 0, 9)}); err != nil {
			return err
		}
		var all []store.SyncedEvent
		for i := range 800 {
			at := h.day.Add(time.Duration(i-600) * 2 * time.Hour)
			all = append(all, store.SyncedEvent{
				UID: fmt.Sprint("uid", i), From: at, To: at.Add(time.Hour), Zone: "UTC", Subject: "Synced", Token: fmt.Sprint("token", i),
				Organizer: "Ann", Address: fmt.Sprintf("p%d@example.org", i%99*2+1),
			})
		}
		h.synced = all[600:744]
		_, err := tx.ApplyAgenda(h.resource, h.day.AddDate(0, 0, -60), h.day.AddDate(0, 0, 60), all, true)
		return err
	})
	return h
}
