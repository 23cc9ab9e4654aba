package places

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"lintel/app/problem"
)

// row is one record of a table by column; line is where it begins.
type row struct {
	line  int
	cells map[string]string
	odd   bool // it has another number of cells than the header
}

// readTable reads the file into rows. placed says that lines need not name where the workspace is.
func readTable(file []byte, placed bool) ([]row, error) {
	if len(file) > ImportBytes {
		return nil, problem.Field("file", "places.import_large", "Megabytes", ImportBytes>>20)
	}
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	if !utf8.Valid(file) {
		decoded, err := charmap.Windows1252.NewDecoder().Bytes(file)
		if err != nil {
			return nil, problem.Field("file", "places.import_unreadable").Because(err)
		}
		file = decoded
	}
	r := csv.NewReader(bytes.NewReader(file))
	r.Comma, r.FieldsPerRecord = separator(file), -1
	r.TrimLeadingSpace = r.Comma != '\t' // a tab is space too
	header, err := r.Read()
	if err != nil {
		return nil, problem.Field("file", "places.import_unreadable").Because(err)
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
		if !slices.Contains(importColumns(), header[i]) || slices.Contains(header[:i], header[i]) {
			return nil, problem.Field("file", "places.import_column", "Column", header[i], "Known", strings.Join(importColumns(), ", "))
		}
	}
	needed := []string{"building", "floor", "name"}
	if placed {
		needed = []string{"name"}
	}
	for _, need := range needed {
		if !slices.Contains(header, need) {
			return nil, problem.Field("file", "places.import_no_column", "Column", need)
		}
	}
	return readRows(r, header)
}

func readRows(r *csv.Reader, header []string) ([]row, error) {
	var rows []row
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, problem.Field("file", "places.import_unreadable").Because(err)
		}
		if strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue
		}
		line, _ := r.FieldPos(0)
		w := row{line: line, cells: map[string]string{}, odd: len(cells) != len(header)}
		for i, name := range header {
			if i < len(cells) {
				w.cells[name] = oneLine(cells[i])
			}
		}
		if rows = append(rows, w); len(rows) > ImportLines {
			return nil, problem.Field("file", "places.import_long", "Count", ImportLines)
		}
	}
	if len(rows) == 0 {
		return nil, problem.Field("file", "places.import_empty")
	}
	return rows, nil
}

// separator guesses it from the first line.
func separator(file []byte) rune {
	first, _, _ := bytes.Cut(file, []byte("\n"))
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(first, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}
