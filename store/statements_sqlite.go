package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// maxStatements bounds what one connection keeps: more than the program has queries, little enough for memory.
const maxStatements = 256

// connector makes connections that compile each query once: compiling is half of what a booking costs. It is
// done here, below database/sql, as its own prepared statements can't be made within a transaction for
// later ones: they ask the pool for a second connection, and the writer has one.
type connector struct{ driver.Connector }

func newConnector(dsn string) (driver.Connector, error) {
	c, err := sqlite.NewConnector(dsn)
	return connector{c}, err
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	s, ok := inner.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's connection %T lacks a method", inner), inner.Close())
	}
	return &conn{sqliteConn: s, kept: map[string]statement{}}, nil
}

// sqliteConn is what the driver's connection offers and database/sql or this package asks for.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	backuper
}

// statement is a compiled query of the driver.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// conn is a connection that keeps its compiled queries until it is closed. database/sql lets one goroutine
// at a time use it. SQLite itself compiles anew when the schema has changed.
type conn struct {
	sqliteConn
	kept map[string]statement // those that do not run at the moment
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	var errs []error
	for _, s := range c.kept {
		errs = append(errs, s.Close())
	}
	clear(c.kept)
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !lasting(query) {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(ctx, args)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return res, c.give(query, s)
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !lasting(query) {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &keptRows{rows, c, query, s}, nil
}

// lasting reports whether it is a query to keep. PRAGMA, BEGIN and changes of the schema are not.
func lasting(query string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch strings.ToUpper(word) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}

// take returns the compiled query, which no other call has until give.
func (c *conn) take(ctx context.Context, query string) (statement, error) {
	if s, ok := c.kept[query]; ok {
		delete(c.kept, query)
		return s, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := prepared.(statement)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's statement %T lacks a method", prepared), prepared.Close())
	}
	return s, nil
}

// give keeps a query that has run. One that is there already was running twice at once. When there are too many
// another goes, whichever.
func (c *conn) give(query string, s statement) error {
	if _, twice := c.kept[query]; twice {
		return s.Close()
	}
	var err error
	if len(c.kept) >= maxStatements {
		for q, old := range c.kept {
			delete(c.kept, q)
			err = old.Close()
			break
		}
	}
	c.kept[query] = s
	return err
}

// keptRows gives its statement back when it is closed.
type keptRows struct {
	driver.Rows
	conn      *conn
	query     string
	statement statement
}

// Close implements driver.Rows.
func (r *keptRows) Close() error {
	if err := r.Rows.Close(); err != nil { // it failed or was interrupted
		return errors.Join(err, r.statement.Close())
	}
	return r.conn.give(r.query, r.statement)
}
