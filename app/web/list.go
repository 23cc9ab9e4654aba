package web

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lintel/templates/ui"
)

// pageRows is how many rows a page of a list has.
const pageRows = 50

// listing is what the address says of a list.
type listing struct {
	search string
	sort   string // key of a column
	desc   bool
	page   int // from 1
}

// readListing reads search, order and page. An unknown column is the first one.
func readListing(r *http.Request, columns []string) listing {
	q := r.URL.Query()
	l := listing{search: strings.TrimSpace(q.Get(ui.QuerySearch))}
	l.sort, l.desc = strings.TrimPrefix(q.Get(ui.QuerySort), "-"), strings.HasPrefix(q.Get(ui.QuerySort), "-")
	if !slices.Contains(columns, l.sort) {
		l.sort, l.desc = columns[0], false
	}
	l.page, _ = strconv.Atoi(q.Get(ui.QueryPage)) // what is no number is the first page
	l.page = max(1, l.page)
	return l
}

// matches reports whether one of the texts holds what was searched for, without regard to case.
func (l listing) matches(texts ...string) bool {
	want := strings.ToLower(l.search)
	return want == "" || slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), want) })
}

// table is the frame of a list with so many rows.
func (l *listing) table(r *http.Request, id, path string, total int) ui.Table {
	pages := max(1, (total+pageRows-1)/pageRows)
	l.page = min(l.page, pages)
	return ui.Table{
		ID: id, Path: path, Query: r.URL.RawQuery, Search: l.search, Sort: l.sort, Desc: l.desc, Page: l.page, Pages: pages,
	}
}

// sorted orders rows by comparing two of them; equal ones keep their order.
func sorted[T any](l listing, rows []T, compare func(a, b T) int) {
	slices.SortStableFunc(rows, func(a, b T) int {
		if l.desc {
			return compare(b, a)
		}
		return compare(a, b)
	})
}

// rowsOf cuts out the rows of the shown page.
func rowsOf[T any](l listing, rows []T) []T {
	from := min((l.page-1)*pageRows, len(rows))
	return rows[from:min(from+pageRows, len(rows))]
}

// sendCSV answers with a table as a file. A byte order mark tells spreadsheets that it is UTF-8, and a cell
// that would begin a formula is made text.
func sendCSV(w http.ResponseWriter, name string, rows [][]string) error {
	var out bytes.Buffer
	out.WriteString("\ufeff")
	c := csv.NewWriter(&out)
	for _, row := range rows {
		cells := slices.Clone(row)
		for i, cell := range cells {
			if formula(cell) {
				cells[i] = "'" + cell
			}
		}
		if err := c.Write(cells); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	c.Flush()
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(out.Bytes()) // whoever asked may be gone
	return c.Error()
}

// formula reports whether a spreadsheet would take a cell for a formula. A negative number is none.
func formula(cell string) bool {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return false
	}
	whole, decimals, point := strings.Cut(strings.TrimPrefix(cell, "-"), ".")
	return cell[0] != '-' || !digits(whole) || point && !digits(decimals)
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
