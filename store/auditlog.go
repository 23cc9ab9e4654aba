package store

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// AuditQuery asks for lines of the audit log. Its zero values ask for everything but for Limit.
type AuditQuery struct {
	Before   int64         // only lines with a smaller id: the page after one that ended there
	After    int64         // only lines with a larger id, those next to it: the page before one that began there
	Group    string        // what stands before the dot of the action: "booking"
	Objects  []AuditObject // only lines about one of these
	From, To time.Time     // To is excluded
	Limit    int
}

// AuditObject is something that lines of the audit log are about.
type AuditObject struct{ Kind, ID string }

// AuditLines returns lines of the audit log, newest first. Person is filled where the pseudonym is still known.
func (tx *Tx) AuditLines(q AuditQuery) ([]AuditEntry, error) {
	var where []string
	var args []any
	add := func(condition string, more ...any) {
		where, args = append(where, condition), append(args, more...)
	}
	if q.Before > 0 || len(q.Objects) == 0 && q.After == 0 {
		before := q.Before
		if before <= 0 {
			before = 1 << 62
		}
		add("a.id < ?", before)
	}
	if q.After > 0 {
		add("a.id > ?", q.After)
	}
	if q.Group != "" {
		add("a.action >= ? AND a.action < ?", q.Group+".", q.Group+"/") // the slash follows the dot
	}
	if len(q.Objects) > 0 {
		each := make([]string, len(q.Objects))
		for i, o := range q.Objects {
			each[i] = "a.object_kind = ? AND a.object_id = ?"
			args = append(args, o.Kind, o.ID)
		}
		where = append(where, "("+strings.Join(each, " OR ")+")")
	}
	if !q.From.IsZero() {
		add("a.at >= ?", unix(q.From))
	}
	if !q.To.IsZero() {
		add("a.at < ?", unix(q.To))
	}
	order := " ORDER BY a.id DESC LIMIT ?"
	if q.After > 0 {
		order = " ORDER BY a.id LIMIT ?"
	}
	lines, err := list(tx, scanAudit, auditQuery+` WHERE `+strings.Join(where, " AND ")+order, append(args, q.Limit)...)
	if q.After > 0 {
		slices.Reverse(lines)
	}
	return lines, err
}

// LastAudit returns the newest line that tells of an action on an object. ErrNotFound.
func (tx *Tx) LastAudit(o AuditObject, action string) (AuditEntry, error) {
	return one(tx, scanAudit, auditQuery+` WHERE a.object_kind = ? AND a.object_id = ? AND a.action = ? ORDER BY a.id DESC LIMIT 1`, o.Kind, o.ID, action)
}

const auditQuery = `SELECT a.id, a.at, a.actor_kind, a.actor, a.action, a.object_kind, a.object_id, a.detail, p.person_id
	FROM audit a LEFT JOIN audit_pseudonym p ON p.pseudonym = a.actor`

func scanAudit(r scanner) (AuditEntry, error) {
	var e AuditEntry
	var detail string
	err := r.Scan(&e.ID, instant{&e.At}, &e.ActorKind, &e.Actor, &e.Action, &e.ObjectKind, &e.ObjectID, &detail, nullable[PersonID]{&e.Person})
	if err == nil && detail != "" {
		err = json.Unmarshal([]byte(detail), &e.Detail)
	}
	return e, err
}

// namedObjects are the kinds of objects that have a name of their own, each with its table.
func namedObjects() map[string]string {
	return map[string]string{"organisation": "organisation", "building": "building", "floor": "floor", "workspace": "workspace", "display": "display", "system": "booking_system", "key": "access_key"}
}

// AuditName returns the name of an object, "" where it has none or is gone. No kind is a person's.
func (tx *Tx) AuditName(o AuditObject) (string, error) {
	table, ok := namedObjects()[o.Kind]
	if !ok {
		return "", nil
	}
	name, err := one(tx, value[string], `SELECT name FROM `+table+` WHERE id = ?`, o.ID)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return name, err
}

// AuditObjectsNamed returns objects whose name holds a text, deleted ones too, at most limit of each kind.
func (tx *Tx) AuditObjectsNamed(text string, limit int) ([]AuditObject, error) {
	like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
	var out []AuditObject
	for kind, table := range namedObjects() {
		ids, err := list(tx, value[string], `SELECT id FROM `+table+` WHERE name LIKE ? ESCAPE '\' LIMIT ?`, like, limit)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			out = append(out, AuditObject{kind, id})
		}
	}
	return out, nil
}
