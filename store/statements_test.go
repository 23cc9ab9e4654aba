package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

// keepingFile opens a new database whose writer is the one connection to look at.
func keepingFile(t *testing.T) *sql.DB {
	t.Helper()
	f, err := openFile(filepath.Join(t.TempDir(), MainFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.reader.Close(); err != nil {
			t.Error(err)
		}
		if err := f.writer.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := f.writer.Exec("CREATE TABLE t (n INTEGER) STRICT"); err != nil {
		t.Fatal(err)
	}
	return f.writer
}

// kept returns the statements that the connection keeps at the moment.
func kept(t *testing.T, db *sql.DB) map[string]statement {
	t.Helper()
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var out map[string]statement
	if err := c.Raw(func(c any) error {
		out = c.(*conn).kept
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestStatementsAreKept(t *testing.T) {
	t.Parallel()
	db := keepingFile(t)
	const insert, query = "INSERT INTO t VALUES (?)", "SELECT n FROM t WHERE n > ? ORDER BY n"
	var first statement
	for i := range 3 {
		if _, err := db.Exec(insert, i); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow(query, i-1).Scan(&n); err != nil || n != i {
			t.Fatal(n, err)
		}
		all := kept(t, db)
		if len(all) != 2 || all[insert] == nil || all[query] == nil || first != nil && all[query] != first {
			t.Fatalf("kept %v", all)
		}
		first = all[query]
	}
	// SQLite compiles it anew after a change of the schema.
	if _, err := db.Exec("ALTER TABLE t ADD COLUMN m INTEGER NOT NULL DEFAULT 7"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow(query, 1).Scan(&n); err != nil || n != 2 {
		t.Error(n, err)
	}
}

// The same query may run again while its rows are still read: then it is compiled twice, and kept once.
func TestStatementTwiceAtOnce(t *testing.T) {
	t.Parallel()
	db := keepingFile(t)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("INSERT INTO t VALUES (1), (2)"); err != nil {
		t.Fatal(err)
	}
	const query = "SELECT n FROM t ORDER BY n"
	outer, err := tx.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Close()
	seen := ""
	for outer.Next() {
		var a, b int
		if err := outer.Scan(&a); err != nil {
			t.Fatal(err)
		}
		inner, err := tx.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		for inner.Next() {
			if err := inner.Scan(&b); err != nil {
				t.Fatal(err)
			}
			seen += fmt.Sprint(a, b, ";")
		}
		if err := inner.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := outer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if seen != "1 1;1 2;2 1;2 2;" {
		t.Errorf("seen %q", seen)
	}
	if all := kept(t, db); len(all) != 2 {
		t.Errorf("kept %v", all)
	}
}

// A query that fails or is given up is not kept, and does no harm to what comes after it.
func TestStatementThatFailed(t *testing.T) {
	t.Parallel()
	db := keepingFile(t)
	if _, err := db.Exec("CREATE UNIQUE INDEX one ON t (n)"); err != nil {
		t.Fatal(err)
	}
	const insert = "INSERT INTO t VALUES (?)"
	for _, fails := range []bool{false, true, true} {
		if _, err := db.Exec(insert, 1); (err != nil) != fails {
			t.Fatalf("%v, want an error: %t", err, fails)
		}
	}
	if all := kept(t, db); len(all) != 0 {
		t.Errorf("kept %v", all)
	}
	ctx, cancel := context.WithCancel(context.Background())
	const endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
	rows, err := db.QueryContext(ctx, endless)
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	cancel()
	for rows.Next() { // until it notices
	}
	if rows.Err() == nil {
		t.Error("it ended by itself")
	}
	if _, err := db.Exec(insert, 2); err != nil {
		t.Error(err)
	}
}

func TestStatementsAreBounded(t *testing.T) {
	t.Parallel()
	db := keepingFile(t)
	for i := range maxStatements + 20 {
		var n int
		if err := db.QueryRow(fmt.Sprint("SELECT ", i)).Scan(&n); err != nil || n != i {
			t.Fatal(n, err)
		}
	}
	if n := len(kept(t, db)); n != maxStatements {
		t.Errorf("%d are kept, want %d", n, maxStatements)
	}
}
