package store

import (
	"errors"
	"fmt"
	"time"

	"lintel/app/when"
)

// Terms of retention. Hosted bookings forget at the midnight after they ended, or later where a
// building says so; what is mirrored from a booking system forgets after a month at the latest.
const (
	HostedMonths = 3  // of a building whose hosted_retention is months3
	SyncedMonths = 1  // who and what of mirrored bookings
	FactYears    = 2  // when and where, without a person
	LogDays      = 30 // what displays reported
	TryHours     = 24 // failed sign-ins
	UndoDays     = 30 // after that, a deleted place or display can't be brought back
)

// Retained counts what one run of retention did.
type Retained struct {
	Building BuildingID
	Day      when.Date
	At       time.Time
	Bookings int // anonymised
	Series   int // deleted
	Persons  int // deleted
	Facts    int // deleted
}

// RetentionTarget is a building with what retention needs to know of it. Deleted buildings are among them: their
// bookings have people too.
type RetentionTarget struct {
	Building BuildingID
	Zone     string
	Hosted   Retention
	Mark     when.Date // the last day that was handled; zero = none
}

// RetentionTargets returns every building that there is or was.
func (tx *Tx) RetentionTargets() ([]RetentionTarget, error) {
	return list(tx, func(r scanner) (RetentionTarget, error) {
		var t RetentionTarget
		var day string
		if err := r.Scan(&t.Building, &t.Zone, &t.Hosted, &day); err != nil || day == "" {
			return t, err
		}
		var err error
		t.Mark, err = when.ParseDate(day)
		return t, err
	}, `SELECT b.id, b.zone, b.hosted_retention, coalesce(m.day, '') FROM building b
		LEFT JOIN job_mark m ON m.job = 'retention' AND m.scope = b.id ORDER BY b.id LIMIT 100000`)
}

// Retain carries out the register's rules for one building and one local day that has ended, and
// records that it did. A second call for the same day is ErrDuplicate and changes nothing.
func (tx *Tx) Retain(t RetentionTarget, day when.Date, zone *time.Location) (Retained, error) {
	r := Retained{Building: t.Building, Day: day, At: tx.now}
	hosted := day.End(zone)
	if t.Hosted == RetainMonths3 {
		hosted = monthsBefore(day, HostedMonths).End(zone)
	}
	synced := monthsBefore(day, SyncedMonths).End(zone)
	facts := monthsBefore(day, 12*FactYears).End(zone)
	// The record comes first: it is what makes the day happen once.
	if _, err := tx.exec(`INSERT INTO retention_run (building_id, day, at, bookings, series, persons, facts) VALUES (?,?,?,0,0,0,0)`,
		t.Building, day.String(), unix(tx.now)); err != nil {
		return r, err
	}
	var err error
	if r.Bookings, err = tx.anonymise(t.Building, zone, hosted, synced, day.End(zone)); err != nil {
		return r, fmt.Errorf("anonymise bookings: %w", err)
	}
	if r.Series, err = tx.dropEndedSeries(t.Building); err != nil {
		return r, fmt.Errorf("drop ended series: %w", err)
	}
	if r.Persons, err = tx.dropPersons(); err != nil {
		return r, fmt.Errorf("drop persons: %w", err)
	}
	n, err := tx.exec(`DELETE FROM booking WHERE to_at <= ? AND anonymised_at IS NOT NULL AND workspace_id IN (`+workspacesOf+`)`, unix(facts), t.Building)
	if err != nil {
		return r, fmt.Errorf("drop old facts: %w", err)
	}
	r.Facts = int(n)
	if _, err := tx.exec(`DELETE FROM retention_run WHERE building_id = ? AND day < ?`, t.Building, monthsBefore(day, 12*FactYears).String()); err != nil {
		return r, err
	}
	if err := tx.must(`UPDATE retention_run SET bookings = ?, series = ?, persons = ?, facts = ? WHERE building_id = ? AND day = ?`,
		r.Bookings, r.Series, r.Persons, r.Facts, t.Building, day.String()); err != nil {
		return r, err
	}
	_, err = tx.exec(`INSERT INTO job_mark (job, scope, day, at) VALUES ('retention', ?, ?, ?)
		ON CONFLICT (job, scope) DO UPDATE SET day = excluded.day, at = excluded.at`, t.Building, day.String(), unix(tx.now))
	return r, err
}

const workspacesOf = `SELECT w.id FROM workspace w JOIN floor f ON f.id = w.floor_id WHERE f.building_id = ?`

func monthsBefore(d when.Date, n int) when.Date {
	first := time.Date(d.Year, d.Month-time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := when.DayOf(first.AddDate(0, 1, -1), time.UTC).Day
	return when.Date{Year: first.Year(), Month: first.Month(), Day: min(d.Day, last)}
}

// anonymise removes the link to a person for good from bookings that ended, or were cancelled, before
// their term. What stays is from, to, the day of creation and how it ended. The row gets a new id: the audit
// log knows the old one, and must not lead back to it.
func (tx *Tx) anonymise(b BuildingID, zone *time.Location, hosted, synced, dayEnd time.Time) (int, error) {
	type row struct {
		id      BookingID
		created time.Time
	}
	rows, err := list(tx, func(r scanner) (row, error) {
		var w row
		return w, r.Scan(&w.id, instant{&w.created})
	}, `SELECT id, created_at FROM booking WHERE anonymised_at IS NULL AND workspace_id IN (`+workspacesOf+`)
		AND (hosted = 1 AND (to_at <= ?2 OR cancelled_at <= ?4) OR hosted = 0 AND (to_at <= ?3 OR cancelled_at <= ?3))`,
		b, unix(hosted), unix(synced), unix(dayEnd))
	if err != nil {
		return 0, err
	}
	for _, w := range rows {
		if _, err := tx.exec(`DELETE FROM booking_person WHERE booking_id = ?`, w.id); err != nil {
			return 0, err
		}
		created := when.DayOf(w.created, zone).Start(zone)
		if err := tx.must(`UPDATE booking SET id = ?, series_id = NULL, original_wall = '', token = '', ext_key = '', ext_uid = '', ext_original = '', ext_rev = '', has_image = 0,
			created_at = ?, updated_at = ?, anonymised_at = ? WHERE id = ?`,
			NewID[BookingID](), unix(created), unix(tx.now), unix(tx.now), w.id); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// dropEndedSeries deletes series of which no occurrence is left that knows a person.
func (tx *Tx) dropEndedSeries(b BuildingID) (int, error) {
	n, err := tx.exec(`DELETE FROM series WHERE workspace_id IN (`+workspacesOf+`)
		AND NOT EXISTS (SELECT 1 FROM booking WHERE booking.series_id = series.id)`, b)
	return int(n), err
}

// dropPersons deletes persons whom nothing needs any more; their pseudonyms in the audit go with them.
func (tx *Tx) dropPersons() (int, error) {
	n, err := tx.exec(`DELETE FROM person WHERE NOT EXISTS (SELECT 1 FROM account WHERE person_id = person.id)
		AND NOT EXISTS (SELECT 1 FROM booking_person WHERE organizer_id = person.id)
		AND NOT EXISTS (SELECT 1 FROM booking_person WHERE creator_id = person.id)
		AND NOT EXISTS (SELECT 1 FROM series_person WHERE organizer_id = person.id)
		AND NOT EXISTS (SELECT 1 FROM series_person WHERE creator_id = person.id)`)
	return int(n), err
}

// Sweep drops what belongs to no building's day: ended sessions and links, old failed sign-ins, bookings that were never settled, old logs.
// It returns how many rows went.
func (tx *Tx) Sweep() (int, error) {
	total := 0
	for _, q := range []struct {
		sql    string
		before time.Time
	}{
		{`DELETE FROM session WHERE expires_at <= ?`, tx.now},
		{`DELETE FROM one_time_link WHERE expires_at <= ?`, tx.now},
		{`DELETE FROM sign_in_failure WHERE at <= ?`, tx.now.Add(-TryHours * time.Hour)},
		{`DELETE FROM unsettled_booking WHERE resource_id IN (SELECT id FROM resource) AND created_at <= ?`, tx.now.Add(-TryHours * time.Hour)},
		{`DELETE FROM unsettled_end WHERE resource_id IN (SELECT id FROM resource) AND created_at <= ?`, tx.now.Add(-TryHours * time.Hour)},
		{`DELETE FROM display_log WHERE display_id IN (SELECT id FROM display) AND at <= ?`, tx.now.AddDate(0, 0, -LogDays)},
	} {
		n, err := tx.exec(q.sql, unix(q.before))
		if err != nil {
			return total, err
		}
		total += int(n)
	}
	return total, nil
}

// SweepReadings drops sensor readings that are older than facts may be. It runs in UpdateReadings.
func (tx *Tx) SweepReadings() error {
	_, err := tx.exec(`DELETE FROM reading WHERE channel IN (SELECT id FROM channel) AND at <= ?`, unix(tx.now.AddDate(-FactYears, 0, 0)))
	return err
}

// RetentionRuns returns the latest runs, the newest first: the log of proofs.
func (tx *Tx) RetentionRuns(limit int) ([]Retained, error) {
	return list(tx, func(r scanner) (Retained, error) {
		var v Retained
		var day string
		err := r.Scan(&v.Building, &day, instant{&v.At}, &v.Bookings, &v.Series, &v.Persons, &v.Facts)
		if err == nil {
			v.Day, err = when.ParseDate(day)
		}
		return v, err
	}, `SELECT building_id, day, at, bookings, series, persons, facts FROM retention_run ORDER BY at DESC, id DESC LIMIT ?`, limit)
}

// AlreadyRetained reports whether err says that a day was handled before.
func AlreadyRetained(err error) bool { return errors.Is(err, ErrDuplicate) }
