package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// AuditEntry is one line of the audit log. Detail holds ids, numbers and fixed words, never free text.
type AuditEntry struct {
	ID         int64 // set by the database
	At         time.Time
	ActorKind  string
	Actor      string   // id of a device, token, job or system; of an account the person's pseudonym
	Person     PersonID // who acted, "" for machines; stored only as a pseudonym
	Action     string   // "booking.create"
	ObjectKind string
	ObjectID   string
	Detail     map[string]any // nil when there is nothing to add
}

// Audit appends one line, in the transaction of the change that it tells of.
func (tx *Tx) Audit(e AuditEntry) error {
	if e.Person != "" {
		p, err := tx.pseudonym(e.Person)
		if err != nil {
			return err
		}
		e.Actor = p
	}
	detail := ""
	if len(e.Detail) > 0 {
		b, err := json.Marshal(e.Detail)
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		detail = string(b)
	}
	_, err := tx.exec(`INSERT INTO audit (at, actor_kind, actor, action, object_kind, object_id, detail) VALUES (?,?,?,?,?,?,?)`,
		unix(tx.now), e.ActorKind, e.Actor, e.Action, e.ObjectKind, e.ObjectID, detail)
	return err
}

// pseudonym returns the random word that stands for a person in the audit log.
func (tx *Tx) pseudonym(p PersonID) (string, error) {
	s, err := one(tx, value[string], `SELECT pseudonym FROM audit_pseudonym WHERE person_id = ?`, p)
	if errors.Is(err, ErrNotFound) {
		s = NewID[string]()
		_, err = tx.exec(`INSERT INTO audit_pseudonym (pseudonym, person_id) VALUES (?,?)`, s, p)
	}
	return s, err
}

// AuditLog returns the lines before an id (0 = the newest), newest first. Person is filled where the
// pseudonym is still known.
func (tx *Tx) AuditLog(before int64, limit int) ([]AuditEntry, error) {
	return tx.AuditLines(AuditQuery{Before: before, Limit: limit})
}
