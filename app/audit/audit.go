// Package audit writes the append-only log of who changed what, by pseudonym.
package audit

import (
	"lintel/app/people"
	"lintel/store"
)

// Record appends a line in the transaction of the change. detail comes in pairs of name and value: ids,
// numbers and fixed words only, never a name, a subject or other free text.
func Record(tx *store.Tx, by people.Actor, action, objectKind, objectID string, detail ...any) error {
	e := store.AuditEntry{
		ActorKind: string(by.Kind), Actor: by.ID, Person: by.Person,
		Action: action, ObjectKind: objectKind, ObjectID: objectID,
	}
	for i := 0; i+1 < len(detail); i += 2 {
		if e.Detail == nil {
			e.Detail = map[string]any{}
		}
		name, _ := detail[i].(string)
		e.Detail[name] = detail[i+1]
	}
	return tx.Audit(e)
}
