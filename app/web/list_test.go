package web

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// A spreadsheet must run nothing of what people or devices wrote, and still count with numbers.
func TestTablesHoldNoFormula(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"": "", "Rigi": "Rigi", "-60": "-60", "-3.5": "-3.5", "12": "12", "a-b": "a-b",
		"=1+1": "'=1+1", "+41": "'+41", "@SUM(A1)": "'@SUM(A1)", "-1+1": "'-1+1", "-": "'-", "--5": "'--5", "-A1": "'-A1", "-5.": "'-5.", "-.5": "'-.5",
		"-1.2.3": "'-1.2.3", "-5 ": "'-5 ", "\t=1": "'\t=1", "-٣": "'-٣",
	} {
		w := httptest.NewRecorder()
		must(t, sendCSV(w, "x.csv", [][]string{{"head", cell}}))
		got := strings.TrimSuffix(strings.TrimPrefix(w.Body.String(), "\ufeffhead,"), "\n")
		if got = strings.Trim(got, `"`); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
	}
}
