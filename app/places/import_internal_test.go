package places

import (
	"testing"
	"unicode/utf8"

	"lintel/app/problem"
	"lintel/store"
)

// FuzzReadTable: no file makes the reader panic, and what it accepts keeps to the limits.
func FuzzReadTable(f *testing.F) {
	f.Add(ImportSample(), false)
	f.Add([]byte("building\tfloor\tname\nA\tB\tC\n"), false)
	f.Add([]byte("\xef\xbb\xbfbuilding,floor,name,seats\r\n\"a\nb\",c,d,99999999999999999999\r\n"), false)
	f.Add([]byte("name;level\nx;-999\n\xff\xfe;x;y"), true)
	f.Fuzz(func(t *testing.T, file []byte, placed bool) {
		rows, err := readTable(file, placed)
		if err != nil {
			if problem.Of(err) == nil {
				t.Errorf("%v", err)
			}
			return
		}
		if len(rows) == 0 || len(rows) > ImportLines {
			t.Errorf("%d rows", len(rows))
		}
		for _, r := range rows {
			w := store.Workspace{Kind: store.Room}
			bad := fill(&w, r)
			if len(bad) == 0 && (w.Name == "" || utf8.RuneCountInString(w.Name) > NameMax || w.Seats < 0 || w.Seats > SeatsMax || len(w.Equipment) > EquipmentMax) {
				t.Errorf("accepted %+v", w)
			}
		}
	})
}
