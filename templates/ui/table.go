package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

// Table is the frame of a list: search, filters, columns that sort, pages, and the same list as CSV. Its rows are the children.
type Table struct {
	ID      string // unique on the page
	Caption string // what the list is, for screen readers
	Path    string // of the page, without query and Base
	Query   string // the present query string without "?"; links keep what they do not change

	Search      string // what was searched for
	SearchLabel string // "" for a list without search
	Filters     []Filter
	Columns     []Column
	Sort        string // key of the sorted column
	Desc        bool

	Page, Pages int // from 1; Pages up to 1 shows no pager

	Newer, Older string // paths of the neighbouring pages of a list that has no page numbers; "" where there is none

	Total   string
	CSV     string // path of the CSV export, "" for none; it gets the same query
	NoMatch bool   // the search or the filters left nothing
}

// Filter is a choice that narrows a list.
type Filter struct {
	Name, Label, Value string
	Options            []Option // the first one with an empty value: "All floors"
	Date               bool     // a day instead of options
}

// Column is a heading. Columns without Key do not sort.
type Column struct {
	Key    string
	Label  string
	Number bool
	Hidden bool // said to screen readers only
}

// The query parameters of a list.
const (
	QuerySearch = "q"
	QuerySort   = "sort" // the column's key, with a minus before it for descending
	QueryPage   = "page" // from 1
)

func (t Table) at() string {
	if t.Query == "" {
		return t.Path
	}
	return t.Path + "?" + t.Query
}

func (t Table) sortPath(c Column) string {
	value := c.Key
	if t.Sort == c.Key && !t.Desc {
		value = "-" + value
	}
	return pathWith(pathWith(t.at(), QueryPage, ""), QuerySort, value)
}

func (t Table) sortIcon(c Column) string {
	switch {
	case t.Sort != c.Key:
		return ""
	case t.Desc:
		return "arrow-down"
	}
	return "arrow-up"
}

func (t Table) sortAria(c Column) templ.Attributes {
	switch {
	case c.Key == "" || t.Sort != c.Key:
		return nil
	case t.Desc:
		return templ.Attributes{"aria-sort": "descending"}
	}
	return templ.Attributes{"aria-sort": "ascending"}
}

func (t Table) pagePath(page int) string {
	value := ""
	if page > 1 {
		value = strconv.Itoa(page)
	}
	return pathWith(t.at(), QueryPage, value)
}

func (t Table) csvPath() string {
	if t.Query == "" {
		return t.CSV
	}
	return t.CSV + "?" + t.Query
}

func (t Table) sortValue() string {
	if t.Desc && t.Sort != "" {
		return "-" + t.Sort
	}
	return t.Sort
}
