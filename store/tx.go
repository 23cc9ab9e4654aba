package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lintel/app/secret"
)

// Errors that callers tell apart with errors.Is.
var (
	ErrNotFound    = errors.New("not found")
	ErrOverlap     = errors.New("the booking overlaps another")
	ErrDuplicate   = errors.New("it exists already")
	ErrReference   = errors.New("it refers to something that does not exist, or is still referred to")
	ErrStale       = errors.New("it was changed meanwhile")
	ErrBusy        = errors.New("the database is busy")
	ErrFull        = errors.New("the disk is full")
	ErrNewerSchema = errors.New("the database was written by a newer version of Lintel")
)

// txLimit ends a transaction whose caller set no deadline: with a single writer, one that hangs
// would hang everybody.
const txLimit = 30 * time.Second

// Tx is one transaction. It belongs to one goroutine and is over when the function that got it
// returns. Inside that function use nothing else of the store: a second use would wait for the
// connection that this one holds.
type Tx struct {
	ctx context.Context // of the transaction; never outlives it
	tx  *sql.Tx
	box *secret.Box
	now time.Time
}

// View runs f on a consistent snapshot. Writes fail.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	return s.run(ctx, s.main.reader, f)
}

// Update runs f in a write transaction and commits when it returns nil. There is one writer:
// whatever f reads is still so when it writes.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	return s.run(ctx, s.main.writer, f)
}

// ViewReadings and UpdateReadings do the same on the file of sensor readings.
func (s *Store) ViewReadings(ctx context.Context, f func(*Tx) error) error {
	return s.run(ctx, s.readings.reader, f)
}

// UpdateReadings runs f in a write transaction on the file of sensor readings.
func (s *Store) UpdateReadings(ctx context.Context, f func(*Tx) error) error {
	return s.run(ctx, s.readings.writer, f)
}

func (s *Store) run(ctx context.Context, db *sql.DB, f func(*Tx) error) (err error) {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, txLimit)
		defer cancel()
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", translate(err))
	}
	defer func() {
		if r := recover(); r != nil {
			_ = tx.Rollback()
			panic(r)
		}
		if err != nil {
			_ = tx.Rollback() // the first error is the one to tell
		}
	}()
	if err := f(&Tx{ctx: ctx, tx: tx, box: s.box, now: s.now().UTC().Truncate(time.Second)}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", translate(err))
	}
	return nil
}

// Now is the instant of this transaction, in whole seconds UTC; the same for all it writes.
func (tx *Tx) Now() time.Time { return tx.now }

// exec runs a statement and returns how many rows it changed.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	if err := noTimes(args); err != nil {
		return 0, err
	}
	res, err := tx.tx.ExecContext(tx.ctx, query, args...)
	if err != nil {
		return 0, translate(err)
	}
	return res.RowsAffected()
}

// must runs a statement that has to change exactly one row; none is ErrNotFound.
func (tx *Tx) must(query string, args ...any) error {
	n, err := tx.exec(query, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// scanner is *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// one returns the first row of a query, or ErrNotFound.
func one[T any](tx *Tx, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	var zero T
	if err := noTimes(args); err != nil {
		return zero, err
	}
	v, err := scan(tx.tx.QueryRowContext(tx.ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return zero, ErrNotFound
	}
	if err != nil {
		return zero, translate(err)
	}
	return v, nil
}

// list returns all rows of a query; no row is an empty, nil slice. Queries carry their own LIMIT.
func list[T any](tx *Tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	if err := noTimes(args); err != nil {
		return nil, err
	}
	rows, err := tx.tx.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return nil, translate(err)
	}
	return collect(rows, scan)
}

func collect[T any](rows *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, translate(err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, translate(err)
	}
	return out, nil
}

// value scans a single column.
func value[T any](r scanner) (T, error) {
	var v T
	return v, r.Scan(&v)
}

// noTimes refuses a time.Time as an argument: the driver would store its text.
func noTimes(args []any) error {
	for _, a := range args {
		switch a.(type) {
		case time.Time, *time.Time, sql.NullTime:
			return errors.New("bind argument: a time must be converted by unix first")
		}
	}
	return nil
}

// unix converts an instant for the disk. The zero time is 0; use unixOrNull where it may be missing.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// unixOrNull converts an instant for a column that may be NULL.
func unixOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

// instant is a scan target for a column of Unix seconds; NULL becomes the zero time.
type instant struct{ to *time.Time }

// Scan implements sql.Scanner.
func (i instant) Scan(v any) error {
	switch n := v.(type) {
	case nil:
		*i.to = time.Time{}
	case int64:
		*i.to = time.Unix(n, 0).UTC()
	default:
		return fmt.Errorf("scan instant: got %T", v)
	}
	return nil
}

// orNull turns the zero value of a string type into NULL.
func orNull[T ~string](v T) any {
	if v == "" {
		return nil
	}
	return string(v)
}

// nullable is a scan target for a text column that may be NULL; NULL becomes "".
type nullable[T ~string] struct{ to *T }

// Scan implements sql.Scanner.
func (n nullable[T]) Scan(v any) error {
	switch s := v.(type) {
	case nil:
		*n.to = ""
	case string:
		*n.to = T(s)
	default:
		return fmt.Errorf("scan text: got %T", v)
	}
	return nil
}

// seal and open bind a secret column to its place.
func (tx *Tx) seal(table, column, row string, plain []byte) []byte {
	return tx.box.Seal(secret.Place{Table: table, Column: column, Row: row}, plain)
}

func (tx *Tx) open(table, column, row string, sealed []byte) ([]byte, error) {
	b, err := tx.box.Open(secret.Place{Table: table, Column: column, Row: row}, sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s.%s: %w", table, column, err)
	}
	return b, nil
}

// Ids are random text, typed so that one kind is not taken for another.
type (
	BuildingID  string
	FloorID     string
	WorkspaceID string
	SystemID    string
	ResourceID  string
	PersonID    string
	AccountID   string
	IdentityID  string
	SeriesID    string
	BookingID   string
	DisplayID   string
	KeyID       string
)

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns a random id of 128 bits: 26 letters and digits, safe in addresses and file names.
func NewID[T ~string]() T {
	var b [16]byte
	rand.Read(b[:])
	return T(idEncoding.EncodeToString(b[:]))
}

// limit is the end of a query that returns n rows at most. It stands in the text, as SQLite compiles a query anew
// whenever its LIMIT is another argument.
func limit(n int) string { return " LIMIT " + strconv.Itoa(n) }

// jsonList is a list of ids as one argument, for json_each: so the query's text is the same for any number.
func jsonList[T ~string](ids []T) string {
	b, _ := json.Marshal(ids) // of strings: it can't fail
	return string(b)
}

// marks returns "?,?,?" for n arguments.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
