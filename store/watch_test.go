package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"path/filepath"

	"modernc.org/sqlite"
)

// WatchPlans opens both files anew, through connections that tell seen of every statement how the database
// goes about it. It is called before anything else uses the store.
func (s *Store) WatchPlans(seen func(statement string, plan []string)) error {
	for name, f := range map[string]*file{MainFile: &s.main, ReadingsFile: &s.readings} {
		if err := errors.Join(f.reader.Close(), f.writer.Close()); err != nil {
			return err
		}
		path := filepath.Join(s.dir, name)
		f.writer = sql.OpenDB(watching{dsn(path, false), seen})
		f.writer.SetMaxOpenConns(1)
		if err := f.writer.Ping(); err != nil {
			return err
		}
		f.reader = sql.OpenDB(watching{dsn(path, true), seen})
	}
	return nil
}

// watching makes connections that are watched.
type watching struct {
	dsn  string
	seen func(string, []string)
}

// Connect implements driver.Connector.
func (w watching) Connect(context.Context) (driver.Conn, error) {
	c, err := w.Driver().Open(w.dsn)
	if err != nil {
		return nil, err
	}
	return watchedConn{c, w.seen}, nil
}

// Driver implements driver.Connector.
func (w watching) Driver() driver.Driver { return &sqlite.Driver{} }

// watchedConn explains each statement before it runs it.
type watchedConn struct {
	driver.Conn
	seen func(string, []string)
}

// BeginTx implements driver.ConnBeginTx.
func (c watchedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

// ExecContext implements driver.ExecerContext.
func (c watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.explain(ctx, query, args); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

// QueryContext implements driver.QueryerContext.
func (c watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.explain(ctx, query, args); err != nil {
		return nil, err
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c watchedConn) explain(ctx context.Context, query string, args []driver.NamedValue) (err error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var plan []string
	for row := make([]driver.Value, 4); ; { // id, parent, unused, detail
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			c.seen(query, plan)
			return nil
		case err != nil:
			return err
		}
		plan = append(plan, row[3].(string))
	}
}
