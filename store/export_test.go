package store

import (
	"context"
	"time"
)

// PretendSchema marks the house's file as written by a newer program.
func (s *Store) PretendSchema(ctx context.Context, version int64) error {
	_, err := s.main.writer.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)`, version)
	return err
}

// Exec runs a statement on the house's file past all methods: what a test sets up, or what the database itself
// must refuse.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.main.writer.ExecContext(ctx, query, args...)
	return translate(err)
}

// AgendaPlan returns how the database goes about when workspaces are taken.
func (s *Store) AgendaPlan(ctx context.Context, ids []WorkspaceID, from, to time.Time) (plan []string, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		plan, err = list(tx, func(r scanner) (string, error) {
			var id, parent, unused int
			var detail string
			err := r.Scan(&id, &parent, &unused, &detail)
			return detail, err
		}, `EXPLAIN QUERY PLAN `+takenQuery, jsonList(ids), unix(from), unix(to))
		return err
	})
	return plan, err
}

// ExecReadings runs a statement on the file of readings.
func (s *Store) ExecReadings(ctx context.Context, query string) error {
	_, err := s.readings.writer.ExecContext(ctx, query)
	return err
}

// Counts returns the number of rows of every table of the register.
func (s *Store) Counts(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	for _, t := range Registry() {
		f := s.main
		if t.File == ReadingsFile {
			f = s.readings
		}
		var n int
		if err := f.reader.QueryRowContext(ctx, "SELECT count(*) FROM "+t.Name).Scan(&n); err != nil {
			return nil, err
		}
		out[t.Name] = n
	}
	return out, nil
}
