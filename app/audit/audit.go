// Package audit writes the append-only log of who changed what, by pseudonym.
package audit

import (
	"lintel/app/people"
	"lintel/store"
)

// Record appends a line in the transaction of the change; for detail see people.Actor.Entry.
func Record(tx *store.Tx, by people.Actor, action, objectKind, objectID string, detail ...any) error {
	return tx.Audit(by.Entry(action, objectKind, objectID, detail...))
}
