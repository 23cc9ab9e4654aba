package audit

import (
	"context"
	"errors"
	"fmt"

	"lintel/app/people"
	"lintel/store"
)

// Read returns lines of the log, newest first, to whoever may see it as a whole.
func Read(ctx context.Context, st *store.Store, by people.Actor, q store.AuditQuery) (lines []store.AuditEntry, err error) {
	if err := by.Need(people.SeeAudit, ""); err != nil {
		return nil, err
	}
	err = st.View(ctx, func(tx *store.Tx) error {
		lines, err = tx.AuditLines(q)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return lines, nil
}

// Export is Read for a file that leaves the house, which the log notes too.
func Export(ctx context.Context, st *store.Store, by people.Actor, q store.AuditQuery) (lines []store.AuditEntry, err error) {
	if err := by.Need(people.SeeAudit, ""); err != nil {
		return nil, err
	}
	err = st.Update(ctx, func(tx *store.Tx) error {
		if lines, err = tx.AuditLines(q); err != nil {
			return err
		}
		return Record(tx, by, "audit.export", "organisation", "1", "lines", len(lines))
	})
	if err != nil {
		return nil, fmt.Errorf("export audit log: %w", err)
	}
	return lines, nil
}

// Who is an actor as a page names it to those who work with what he or she did.
type Who struct {
	Kind people.Kind // "" when the log does not know
	Name string      // of a person; "" for everybody else, and for one whom the log has forgotten
}

// LastBy tells who did something to an object last.
func LastBy(tx *store.Tx, o store.AuditObject, action string) (Who, error) {
	e, err := tx.LastAudit(o, action)
	if errors.Is(err, store.ErrNotFound) {
		return Who{}, nil
	}
	if err != nil {
		return Who{}, err
	}
	who := Who{Kind: people.Kind(e.ActorKind)}
	if e.Person == "" {
		return who, nil
	}
	p, err := tx.Person(e.Person)
	who.Name = p.Name
	return who, err
}
