package people

import "lintel/store"

// Record appends a line to the audit log in the transaction of the change. Other features call it as
// audit.Record, where its rules stand.
func (a Actor) Record(tx *store.Tx, action, objectKind, objectID string, detail ...any) error {
	e := store.AuditEntry{
		ActorKind: string(a.Kind), Actor: a.ID, Person: a.Person,
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
