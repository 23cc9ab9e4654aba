// Package audit writes and reads the append-only log of who changed what, by pseudonym.
package audit

import (
	"lintel/app/people"
	"lintel/store"
)

// Record appends a line in the transaction of the change. detail comes in pairs of name and value: ids,
// numbers and fixed words only, never a name, a subject or other free text.
func Record(tx *store.Tx, by people.Actor, action, objectKind, objectID string, detail ...any) error {
	return by.Record(tx, action, objectKind, objectID, detail...)
}
