package store

import "context"

// PretendSchema marks the house's file as written by a newer program.
func (s *Store) PretendSchema(ctx context.Context, version int64) error {
	_, err := s.main.writer.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)`, version)
	return err
}
