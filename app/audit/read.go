package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lintel/app/people"
	"lintel/store"
)

// Query asks for lines of the log. Its zero values ask for everything but for Limit.
type Query struct {
	Before, After int64     // ids: the page after or before a line
	Group         string    // what stands before the dot of the action
	Object        string    // the id of an object, or a part of the name that a place, a display or a booking system has
	From, To      time.Time // To is excluded
	Limit         int
}

// Line is a line of the log. Names are those of today; "" where there is none. A person is named only as the owner of an account
// that somebody else changed, to readers who may open that account: what people did stands under their pseudonym.
type Line struct {
	store.AuditEntry
	ObjectName string
	ActorName  string // of a display, a booking system or an access key
	Own        bool   // the object is the actor's own account
}

// namedMost bounds how many objects of a kind a part of a name finds.
const namedMost = 50

// Read returns lines of the log, newest first, to whoever may see it as a whole.
func Read(ctx context.Context, st *store.Store, by people.Actor, q Query) (lines []Line, err error) {
	if err := by.Need(people.SeeAudit, ""); err != nil {
		return nil, err
	}
	err = st.View(ctx, func(tx *store.Tx) error {
		lines, err = read(tx, q)
		if err == nil {
			err = nameAccounts(tx, lines, by.Can(people.ManagePeople, ""))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return lines, nil
}

// Export is Read for a file that leaves the house, which the log notes too. It names no person.
func Export(ctx context.Context, st *store.Store, by people.Actor, q Query) (lines []Line, err error) {
	if err := by.Need(people.SeeAudit, ""); err != nil {
		return nil, err
	}
	err = st.Update(ctx, func(tx *store.Tx) error {
		if lines, err = read(tx, q); err != nil {
			return err
		}
		return Record(tx, by, "audit.export", "organisation", "1", "lines", len(lines))
	})
	if err != nil {
		return nil, fmt.Errorf("export audit log: %w", err)
	}
	return lines, nil
}

func read(tx *store.Tx, q Query) ([]Line, error) {
	asked := store.AuditQuery{Before: q.Before, After: q.After, Group: q.Group, From: q.From, To: q.To, Limit: q.Limit}
	if q.Object != "" {
		var err error
		if asked.Objects, err = tx.AuditObjectsNamed(q.Object, namedMost); err != nil {
			return nil, err
		}
		for _, kind := range []string{"account", "booking", "building", "display", "floor", "key", "organisation", "series", "session", "system", "workspace"} {
			asked.Objects = append(asked.Objects, store.AuditObject{Kind: kind, ID: q.Object})
		}
	}
	entries, err := tx.AuditLines(asked)
	if err != nil {
		return nil, err
	}
	names := map[store.AuditObject]string{}
	name := func(o store.AuditObject) (string, error) {
		if known, ok := names[o]; ok {
			return known, nil
		}
		found, err := tx.AuditName(o)
		names[o] = found
		return found, err
	}
	out := make([]Line, len(entries))
	for i, e := range entries {
		out[i].AuditEntry = e
		if out[i].ObjectName, err = name(store.AuditObject{Kind: e.ObjectKind, ID: e.ObjectID}); err != nil {
			return nil, err
		}
		switch people.Kind(e.ActorKind) {
		case people.KindDevice:
			out[i].ActorName, err = name(store.AuditObject{Kind: "display", ID: e.Actor})
		case people.KindSystem:
			out[i].ActorName, err = name(store.AuditObject{Kind: "system", ID: e.Actor})
		case people.KindToken:
			out[i].ActorName, err = name(store.AuditObject{Kind: "key", ID: e.Actor})
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// nameAccounts marks the lines in which somebody changed the own account, and names the owners of the others.
func nameAccounts(tx *store.Tx, lines []Line, named bool) error {
	known := map[string]store.Account{}
	for i := range lines {
		l := &lines[i]
		if l.ObjectKind != "account" {
			continue
		}
		a, ok := known[l.ObjectID]
		if !ok {
			var err error
			if a, err = tx.Account(store.AccountID(l.ObjectID)); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			known[l.ObjectID] = a
		}
		l.Own = a.Person != "" && a.Person == l.Person
		if named && !l.Own {
			l.ObjectName = a.Name
		}
	}
	return nil
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
