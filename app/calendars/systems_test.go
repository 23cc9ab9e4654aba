package calendars

import (
	"testing"

	"lintel/connectors"
	"lintel/connectors/outbound"
	"lintel/store"
)

// A workspace that was deleted, and comes back after a restart, is read again: its feed is known to the connector, which knows
// only those that it was opened with.
func TestFeedOfAWorkspaceThatComesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var known []store.ResourceID
	b.o.Kinds["feeds"] = Kind{Feeds: true, Open: func(_ *outbound.Outbound, _ store.System, rooms []store.Resource) (connectors.Connector, error) {
		known = nil
		for _, r := range rooms {
			known = append(known, r.ID)
		}
		return &script{complete: true}, nil
	}}
	id, err := b.Connect(t.Context(), admin, Connection{Kind: "feeds", Name: "Feeds"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Detach(t.Context(), admin, b.ws); err != nil {
		t.Fatal(err)
	}
	if err := b.Attach(t.Context(), admin, b.ws, id, "https://example.org/a.ics"); err != nil {
		t.Fatal(err)
	}
	change := func(f func(*store.Tx) error) {
		t.Helper()
		if err := b.st.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx *store.Tx) error { return tx.DeleteWorkspace(b.ws) })
	b.Service = New(b.o)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(known) != 0 || b.rooms[b.ws] != nil {
		t.Fatalf("after the restart %v is known", known)
	}
	change(func(tx *store.Tx) error { return tx.UndeleteWorkspace(b.ws) })
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rm := b.rooms[b.ws]; rm == nil || len(known) != 1 || known[0] != rm.r.ID {
		t.Errorf("the connector knows %v", known)
	}
}
