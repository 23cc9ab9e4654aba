package store_test

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"time"

	"lintel/app/when"
	"lintel/store"
	"lintel/store/storetest"
)

// Every rule of the register is carried out: in each table that may forget, a row past its term goes and
// a fresh one stays. A table that joins the register with such a rule has to be planted here.
func TestEveryRuleOfTheRegisterIsCarriedOut(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := storetest.Open(t, func() time.Time { return at })
	// Rows of the past are planted with a store whose clock stands there.
	old, fresh := at.AddDate(-2, -1, 0), at
	const house = `INSERT INTO building (id, name, zone, created_at) VALUES ('b', 'B', 'UTC', 0);
		INSERT INTO floor (id, building_id, name, created_at) VALUES ('f', 'b', 'F', 0);
		INSERT INTO workspace (id, floor_id, kind, name, created_at) VALUES ('w', 'f', 'room', 'W', 0);
		INSERT INTO display (id, protocol, state, created_at) VALUES ('d', 'trmnl', 'approved', 0);
		INSERT INTO person (id, name, created_at) VALUES ('owner', 'Owner', 0);
		INSERT INTO account (id, person_id, created_at) VALUES ('a', 'owner', 0);
		INSERT INTO booking_system (id, kind, name, created_at) VALUES ('y', 'ews', 'Y', 0);
		INSERT INTO resource (id, workspace_id, system_id, address, created_at) VALUES ('r', 'w', 'y', 'room@x.example', 0)`
	// Each plants one row, by an id of its own, that is of a time in Unix seconds.
	plants := map[string]string{
		"person":          `INSERT INTO person (id, name, created_at) VALUES ('{id}p', 'P{id}', {at})`,
		"audit_pseudonym": `INSERT INTO audit_pseudonym (pseudonym, person_id) VALUES ('{id}', '{id}p')`,
		"series": `INSERT INTO series (id, workspace_id, rule, first_wall, minutes, zone, source, created_at)
			VALUES ('{id}', 'w', 'FREQ=DAILY', '2024-01-01T09:00', 30, 'UTC', 'portal', {at})`,
		"series_person": `INSERT INTO series_person (series_id, subject) VALUES ('{id}', 'S')`,
		"booking": `INSERT INTO booking (id, workspace_id, hosted, from_at, to_at, from_wall, to_wall, zone, source, series_id, original_wall, created_at, updated_at)
			VALUES ('{id}', 'w', 1, {at}, {at} + 1800, '', '', 'UTC', 'portal', '{id}', '{id}', {at}, {at})`,
		"booking_person":  `INSERT INTO booking_person (booking_id, subject, creator_id) VALUES ('{id}', 'S', '{id}p')`,
		"session":         `INSERT INTO session (hash, account_id, created_at, seen_at, expires_at, data) VALUES (x'00{hex}', 'a', {at}, {at}, {at} + 86400, x'00')`,
		"one_time_link":   `INSERT INTO one_time_link (hash, purpose, created_at, expires_at) VALUES (x'00{hex}', 'setup', {at}, {at} + 86400)`,
		"sign_in_failure": `INSERT INTO sign_in_failure (key, at) VALUES (x'00{hex}', {at})`,
		"unsettled_booking": `INSERT INTO unsettled_booking (resource_id, token, source, creator_id, from_at, to_at, created_at)
			VALUES ('r', '{id}', 'portal', 'owner', {at}, {at} + 1800, {at})`,
		"unsettled_end": `INSERT INTO unsettled_end (resource_id, ext_uid, ext_original, from_at, was_at, to_at, created_at)
			VALUES ('r', '{id}', '', {at}, {at} + 1800, {at} + 3600, {at})`,
		"display_log":   `INSERT INTO display_log (display_id, at, level, message) VALUES ('d', {at}, 'info', '{id}')`,
		"retention_run": `INSERT INTO retention_run (building_id, day, at, bookings, series, persons, facts) VALUES ('b', date({at}, 'unixepoch'), {at}, 0, 0, 0, 0)`,
		"reading":       `INSERT INTO reading (channel, at, value) VALUES (1, {at}, 1)`,
	}
	order := []string{"person", "audit_pseudonym", "series", "series_person", "booking", "booking_person", "session", "one_time_link", "sign_in_failure", "unsettled_booking", "unsettled_end", "display_log", "retention_run", "reading"}
	if err := s.Exec(ctx, house); err != nil {
		t.Fatal(err)
	}
	if err := s.ExecReadings(ctx, `INSERT INTO channel (id, sensor, quantity, unit) VALUES (1, 's', 'co2', 'ppm')`); err != nil {
		t.Fatal(err)
	}
	for _, table := range order {
		for id, of := range map[string]time.Time{"old": old, "fresh": fresh} {
			q := strings.NewReplacer("{id}", id, "{hex}", hex.EncodeToString([]byte(id)), "{at}", strconv.FormatInt(of.Unix(), 10)).Replace(plants[table])
			run := func(ctx context.Context, q string) error { return s.Exec(ctx, q) }
			if table == "reading" {
				run = s.ExecReadings
			}
			if err := run(ctx, q); err != nil {
				t.Fatalf("plant %s: %v", table, err)
			}
		}
	}
	for _, table := range store.Registry() {
		if table.Keep != store.KeepWhileUsed && table.Keep != store.KeepAudit && plants[table.Name] == "" {
			t.Errorf("%s forgets by the rule %q, but no row of it is planted here", table.Name, table.Keep)
		}
	}
	before, err := s.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	day := when.DayOf(at, time.UTC).Add(-1)
	if err := s.Update(ctx, func(tx *store.Tx) error {
		target := store.RetentionTarget{Building: "b", Zone: "UTC", Hosted: store.RetainMidnight}
		// The first day anonymises; facts go when they were anonymised and are two years old: the same day.
		if _, err := tx.Retain(target, day, time.UTC); err != nil {
			return err
		}
		_, err := tx.Sweep()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateReadings(ctx, func(tx *store.Tx) error { return tx.SweepReadings() }); err != nil {
		t.Fatal(err)
	}
	after, err := s.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range order {
		want := before[table] - 1
		if table == "retention_run" {
			want++ // the run itself is recorded
		}
		if after[table] != want {
			t.Errorf("%s: %d rows before, %d after, want %d", table, before[table], after[table], want)
		}
	}
}
