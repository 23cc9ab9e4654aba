package text

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// read returns the texts of a language: key → plural form ("other" for a plain text) → text.
func read(t *testing.T, lang Lang) map[string]map[string]string {
	t.Helper()
	raw, err := files.ReadFile(string(lang) + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal(raw, &values); err != nil {
		t.Fatalf("%s.json: %v", lang, err)
	}
	texts := map[string]map[string]string{}
	for key, value := range values {
		forms := map[string]string{}
		switch value := value.(type) {
		case string:
			forms["other"] = value
		case map[string]any:
			for form, text := range value {
				forms[form], _ = text.(string)
			}
		default:
			t.Errorf("%s.json: %s is neither a text nor plural forms", lang, key)
		}
		texts[key] = forms
	}
	return texts
}

// placeholder is {{.Name}}, or {n}: a number that is only known where a picture is drawn, by code that knows no language.
var placeholder = regexp.MustCompile(`{{\s*\.(\w+)\s*}}|{(n)}`)

func placeholders(forms map[string]string) []string {
	var names []string
	for _, text := range forms {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			names = append(names, m[1]+m[2])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestLanguagesHaveTheSameKeysAndPlaceholders(t *testing.T) {
	t.Parallel()
	english := read(t, English)
	for _, lang := range Langs()[1:] {
		other := read(t, lang)
		for key := range english {
			if _, ok := other[key]; !ok {
				t.Errorf("%s.json lacks %s", lang, key)
				continue
			}
			if diff := cmp.Diff(placeholders(english[key]), placeholders(other[key])); diff != "" {
				t.Errorf("%s.json: the placeholders of %s differ from English (-en +%s):\n%s", lang, key, lang, diff)
			}
			if (len(english[key]) > 1) != (len(other[key]) > 1) {
				t.Errorf("%s.json: %s has plural forms in only one of the two languages", lang, key)
			}
		}
		for key := range other {
			if _, ok := english[key]; !ok {
				t.Errorf("%s.json has %s, which English lacks", lang, key)
			}
		}
	}
}

func TestTextsAreSound(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)+$`)
	for _, lang := range Langs() {
		for key, forms := range read(t, lang) {
			if !name.MatchString(key) {
				t.Errorf("%s.json: the key %q is not feature.thing in lower case", lang, key)
			}
			if forms["other"] == "" {
				t.Errorf("%s.json: %s has no text", lang, key)
			}
			for form, text := range forms {
				if text != strings.TrimSpace(text) {
					t.Errorf("%s.json: %s has space around it", lang, key)
				}
				if rest := placeholder.ReplaceAllString(text, ""); strings.ContainsAny(rest, "{}<>") {
					t.Errorf("%s.json: %s has a broken placeholder or markup: %q", lang, key, text)
				}
				if lang == German && strings.Contains(text, "ß") {
					t.Errorf("de.json: %s is written with ß", key)
				}
				if len(forms) > 1 && form != "one" && form != "other" {
					t.Errorf("%s.json: %s has an unknown plural form %q", lang, key, form)
				}
			}
		}
	}
}

// sources calls f with every Go and templ source of the module that may say something to a person.
func sources(t *testing.T, f func(path, content string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") ||
			!strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".templ") {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f(path, string(content))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryKeyInUseHasAText(t *testing.T) {
	t.Parallel()
	english := read(t, English)
	call := regexp.MustCompile(`\b[TN]\("([a-z0-9_]+(?:\.[a-z0-9_]+)+)"[,)]`)
	found := 0
	sources(t, func(path, content string) {
		for _, m := range call.FindAllStringSubmatch(content, -1) {
			found++
			if _, ok := english[m[1]]; !ok {
				t.Errorf("%s says %q, which has no text", path, m[1])
			}
		}
	})
	if found == 0 {
		t.Fatal("no source says anything: the search is broken")
	}
}

// Keys are also built ("state." + word) or handed over as plain constants, so an unused key can only be reported, not refused.
func TestReportUnusedKeys(t *testing.T) {
	t.Parallel()
	unused := maps.Clone(read(t, English))
	literal := regexp.MustCompile(`"([a-z0-9_]+(?:\.[a-z0-9_]*)+)"`)
	sources(t, func(_, content string) {
		for _, m := range literal.FindAllStringSubmatch(content, -1) {
			delete(unused, m[1])
			if strings.HasSuffix(m[1], ".") || strings.HasSuffix(m[1], "_") {
				maps.DeleteFunc(unused, func(key string, _ map[string]string) bool { return strings.HasPrefix(key, m[1]) })
			}
		}
	})
	for _, key := range slices.Sorted(maps.Keys(unused)) {
		t.Logf("no source names %s", key)
	}
}

func TestUnknownKeyIsReturned(t *testing.T) {
	t.Parallel()
	for _, lang := range Langs() {
		if got := For(lang).T("no.such_key"); got != "no.such_key" {
			t.Errorf("%s: T of an unknown key = %q", lang, got)
		}
	}
	if got := For("xx").Lang(); got != English {
		t.Errorf("For an unknown language speaks %q", got)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, header string
		want         Lang
	}{
		{"nothing sent", "", English},
		{"region", "de-CH,de;q=0.9,en;q=0.8", German},
		{"order by weight", "en;q=0.3, it-CH;q=0.9", Italian},
		{"first is unknown", "ja, fr;q=0.5", French},
		{"none is known", "ja, zh;q=0.5", English},
		{"any", "*", English},
		{"broken", "de;q=x;;", English},
		{"Swiss German", "gsw", German},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Match(test.header); got != test.want {
				t.Errorf("Match(%q) = %q, want %q", test.header, got, test.want)
			}
		})
	}
}

func TestPrinted(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.November, 21, 14, 5, 9, 0, time.UTC)
	print := func(p *Printer) []string {
		return []string{
			p.Clock(at), p.Span(at, at.Add(time.Hour)), p.Date(at), p.DateShort(at), p.DateLong(at), p.Month(at), p.WeekdayShort(time.Monday),
			p.Ago(2 * time.Second), p.Ago(25 * time.Minute), p.Ago(49 * time.Hour), p.In(3 * time.Hour), p.In(24 * time.Hour),
			p.Duration(38 * time.Millisecond), p.Duration(90 * time.Minute), p.Duration(49 * time.Hour), p.Duration(time.Hour + 20*time.Second),
			p.Bytes(640), p.Bytes(999), p.Bytes(4_000), p.Bytes(999_700), p.Bytes(1_240_000), p.Number(1240), p.Number(-3), p.Decimal(22.44, 1),
			p.Percent(87),
		}
	}
	want := map[Lang][]string{
		English: {
			"14:05", "14:05 – 15:05", "21 Nov 2026", "Sat 21 Nov", "Saturday 21 November", "November 2026", "Mon",
			"just now", "25 min ago", "2 days ago", "in 3 h", "in 1 day",
			"38 ms", "1 h 30 min", "2 days 1 h", "1 h",
			"640 B", "999 B", "4 kB", "1.0 MB", "1.2 MB", "1,240", "-3", "22.4", "87 %",
		},
		German: {
			"14:05", "14:05 – 15:05", "21.11.2026", "Sa., 21. Nov.", "Samstag, 21. November", "November 2026", "Mo.",
			"gerade eben", "vor 25 min", "vor 2 Tagen", "in 3 h", "in 1 Tag",
			"38 ms", "1 h 30 min", "2 Tage 1 h", "1 h",
			"640 B", "999 B", "4 kB", "1.0 MB", "1.2 MB", "1’240", "-3", "22.4", "87 %",
		},
		French: {
			"14:05", "14:05 – 15:05", "21 nov. 2026", "sam. 21 nov.", "samedi 21 novembre", "novembre 2026", "lun.",
			"à l’instant", "il y a 25 min", "il y a 2 jours", "dans 3 h", "dans 1 jour",
			"38 ms", "1 h 30 min", "2 jours 1 h", "1 h",
			"640 B", "999 B", "4 kB", "1,0 MB", "1,2 MB", "1\u202f240", "-3", "22,4", "87 %",
		},
		Italian: {
			"14:05", "14:05 – 15:05", "21 nov 2026", "sab 21 nov", "sabato 21 novembre", "novembre 2026", "lun",
			"adesso", "25 min fa", "2 giorni fa", "tra 3 h", "tra 1 giorno",
			"38 ms", "1 h 30 min", "2 giorni 1 h", "1 h",
			"640 B", "999 B", "4 kB", "1.0 MB", "1.2 MB", "1’240", "-3", "22.4", "87 %",
		},
	}
	for _, lang := range Langs() {
		if diff := cmp.Diff(want[lang], print(For(lang))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", lang, diff)
		}
	}
}

func TestDatesOfAnotherYear(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.December, 31, 23, 0, 0, 0, time.UTC)
	same, next := now.Add(-time.Hour), now.Add(time.Hour)
	want := map[Lang][]string{
		English: {"Thu 31 Dec", "Thursday 31 December", "Fri 1 Jan 2027", "Friday 1 January 2027", "Thursday 31 December 2026"},
		German:  {"Do., 31. Dez.", "Donnerstag, 31. Dezember", "Fr., 1. Jan. 2027", "Freitag, 1. Januar 2027", "Donnerstag, 31. Dezember 2026"},
		French:  {"jeu. 31 déc.", "jeudi 31 décembre", "ven. 1 janv. 2027", "vendredi 1 janvier 2027", "jeudi 31 décembre 2026"},
		Italian: {"gio 31 dic", "giovedì 31 dicembre", "ven 1 gen 2027", "venerdì 1 gennaio 2027", "giovedì 31 dicembre 2026"},
	}
	for _, lang := range Langs() {
		p := For(lang)
		got := []string{
			p.DateShortSeen(same, now), p.DateLongSeen(same, now), p.DateShortSeen(next, now), p.DateLongSeen(next, now), p.DateLongSeen(same, time.Time{}),
		}
		if diff := cmp.Diff(want[lang], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", lang, diff)
		}
	}
}

func TestPlurals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		lang Lang
		n    int
		want string
	}{
		{English, 0, "0 days"},
		{English, 1, "1 day"},
		{English, 2, "2 days"},
		{German, 1, "1 Tag"},
		{French, 0, "0 jour"},
		{French, 2, "2 jours"},
		{French, 1_000_000, "1\u202f000\u202f000 jours"},
		{Italian, 1, "1 giorno"},
	}
	for _, test := range tests {
		if got := For(test.lang).N("time.days", test.n); got != test.want {
			t.Errorf("%s: N(time.days, %d) = %q, want %q", test.lang, test.n, got, test.want)
		}
	}
}
