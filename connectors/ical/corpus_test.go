package ical

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"lintel/app/when"
)

// corpusFiles returns the calendar files below LINTEL_CORPUS/ics; it skips the test when there are none.
func corpusFiles(t testing.TB) []string {
	dir := os.Getenv("LINTEL_CORPUS")
	if dir == "" {
		t.Skip("LINTEL_CORPUS names no folder of sample files")
	}
	var files []string
	err := filepath.WalkDir(filepath.Join(dir, "ics"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), "LICENSE") && d.Name() != "COMMIT" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var (
	beginLine = regexp.MustCompile(`(?mi)^BEGIN:[ \t]*([A-Z0-9-]+)`)
	endLine   = regexp.MustCompile(`(?mi)^END:[ \t]*([A-Z0-9-]+)`)
	startLine = regexp.MustCompile(`(?mi)^(DTSTART|RDATE|RECURRENCE-ID)[;:]`)
	foldMark  = regexp.MustCompile(`\r?\n[ \t]`)
	eventText = regexp.MustCompile(`(?msi)^BEGIN:VEVENT(.*?)^END:VEVENT`)
)

// countText counts VEVENTs by their text alone, independent of the reader: those there are and those
// that state a start. ok is false when BEGIN and END lines do not balance.
func countText(data []byte) (events, withStart int, ok bool) {
	data = foldMark.ReplaceAll(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")), nil)
	count := map[string]int{}
	for _, m := range beginLine.FindAllSubmatch(data, -1) {
		count[strings.ToUpper(string(m[1]))]++
		if strings.EqualFold(string(m[1]), "VEVENT") {
			events++
		}
	}
	for _, m := range endLine.FindAllSubmatch(data, -1) {
		count[strings.ToUpper(string(m[1]))]--
	}
	for _, n := range count {
		if n != 0 {
			return 0, 0, false
		}
	}
	for _, m := range eventText.FindAllSubmatch(data, -1) {
		if startLine.Match(m[1]) {
			withStart++
		}
	}
	return events, withStart, true
}

// TestCorpus reads every public sample: no panic, no hang, and nearly every event that states a start
// is found. Counts of what was skipped are printed.
func TestCorpus(t *testing.T) {
	t.Parallel()
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Zone: zurich}
	var files, refused, balanced, events, withStart, found, resolved, occurrences, cut int
	skipped, warned := map[SkipReason]int{}, map[WarningKind]int{}
	for _, path := range corpusFiles(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files++
		cal, rep, err := Parse(data, Limits{})
		if err != nil {
			refused++
			t.Logf("refused: %s: %v", filepath.Base(path), err)
			continue
		}
		set := Events(cal, o)
		window := corpusWindow(set)
		x := Expand(set.Events, window, o)
		occurrences += len(x.Occurrences)
		if x.Cut {
			cut++
			t.Logf("cut: %s", filepath.Base(path))
		}
		for w, n := range set.Warnings {
			warned[w.Kind] += n
		}
		again, _, err := Parse(cal.Bytes(), Limits{})
		if err != nil || !bytes.Equal(again.Bytes(), cal.Bytes()) {
			t.Errorf("%s: writing and reading again changes it: %v", filepath.Base(path), err)
		}
		n, starts, ok := countText(data)
		if !ok {
			continue
		}
		balanced++
		events, withStart = events+n, withStart+starts
		found, resolved = found+set.Found, resolved+len(set.Events)
		for reason, n := range set.Skipped {
			skipped[reason] += n
		}
		if set.Found != n || len(set.Events) < starts {
			t.Logf("%s: %d of %d events, %d of %d starts; report %+v, skipped %v", filepath.Base(path), set.Found, n,
				len(set.Events), starts, rep, set.Skipped)
		}
	}
	t.Logf("%d files, %d refused, %d balanced; in these %d events, %d found (%.2f %%); %d state a start, %d resolved (%.2f %%)",
		files, refused, balanced, events, found, percent(found, events), withStart, resolved, percent(resolved, withStart))
	t.Logf("skipped: %v; %d occurrences in 90 days; %d cut off", skipped, occurrences, cut)
	for _, kind := range slices.Sorted(maps.Keys(warned)) {
		t.Logf("warning %q: %d", kind, warned[kind])
	}
	if percent(found, events) < 99 || percent(resolved, withStart) < 99 {
		t.Error("fewer than 99 % of the events found with a resolved start")
	}
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(1, of)) }

// corpusWindow is 90 days from the first start of a set, so that something lies in it.
func corpusWindow(set *Set) when.Interval {
	from := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	if len(set.Events) > 0 {
		from = set.Events[0].Start.AddDate(0, 0, -1)
	}
	return when.Interval{From: from, To: from.AddDate(0, 0, 90)}
}
