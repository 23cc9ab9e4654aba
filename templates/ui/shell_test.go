package ui

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lintel/templates/text"
)

func TestWith(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, key, value, want string
	}{
		{"first", "/today", "filter", "free", "/today?filter=free"},
		{"keeps the rest", "/today?building=zh", "filter", "free", "/today?building=zh&filter=free"},
		{"replaces", "/today?filter=free&building=zh", "filter", "hour", "/today?building=zh&filter=hour"},
		{"removes", "/today?filter=free", "filter", "", "/today"},
		{"removes one of two", "/today?filter=free&building=zh", "filter", "", "/today?building=zh"},
		{"a longer name stays", "/today?filters=1", "filter", "", "/today?filters=1"},
		{"escapes", "/today", "q", "a b&c=d", "/today?q=a+b%26c%3Dd"},
		{"without a value", "/today?past&x=1", "past", "1", "/today?x=1&past=1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := (Shell{Path: test.path}).With(test.key, test.value); got != test.want {
				t.Errorf("With(%q, %q) on %q = %q, want %q", test.key, test.value, test.path, got, test.want)
			}
		})
	}
}

func TestURLHasTheBasePath(t *testing.T) {
	t.Parallel()
	sh := Shell{Printer: text.For(text.English), Base: "/rooms"}
	if got := sh.URL("/today"); got != "/rooms/today" {
		t.Errorf("URL = %q", got)
	}
	if got := sh.Static("app.css"); !strings.HasPrefix(got, "/rooms/static/app.") {
		t.Errorf("Static = %q", got)
	}
}

// The navigation shows what may be opened, and nothing else.
func TestNavigationFollowsRights(t *testing.T) {
	t.Parallel()
	keys := func(items []navItem) []string {
		var keys []string
		for _, i := range items {
			keys = append(keys, i.key)
		}
		return keys
	}
	tests := []struct {
		name           string
		may            Areas
		work, settings []string
	}{
		{"nobody", Areas{}, nil, nil},
		{"user", Areas{Today: true, Bookings: true, Book: true}, []string{"today", "bookings"}, nil},
		{"auditor", Areas{Today: true, Displays: true, System: true}, []string{"today", "displays"}, []string{"system"}},
		{"administrator", Areas{Today: true, Bookings: true, Book: true, Displays: true, Places: true, Systems: true, People: true, System: true}, []string{"today", "bookings", "displays"}, []string{"places", "systems", "keys", "people", "system"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sh := Shell{Printer: text.For(text.English), May: test.may}
			if diff := cmp.Diff(test.work, keys(sh.work())); diff != "" {
				t.Errorf("work (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.settings, keys(sh.settings())); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTableLinks(t *testing.T) {
	t.Parallel()
	table := Table{Path: "/displays", Query: "q=door&sort=name&page=3", Sort: "name", CSV: "/displays.csv"}
	name, room := Column{Key: "name"}, Column{Key: "room"}
	got := []string{table.sortPath(name), table.sortPath(room), table.pagePath(1), table.pagePath(4), table.csvPath()}
	want := []string{
		"/displays?q=door&sort=-name", // a second press turns the order, and the list begins anew
		"/displays?q=door&sort=room",
		"/displays?q=door&sort=name",
		"/displays?q=door&sort=name&page=4",
		"/displays.csv?q=door&sort=name&page=3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every icon that a template or a view names is in the sprite.
func TestIconsExist(t *testing.T) {
	t.Parallel()
	sprite, err := os.ReadFile("../../static/icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	use := regexp.MustCompile(`(?:Icon\(sh, |[iI]con: )"([a-z0-9-]+)"`)
	found := 0
	for _, pattern := range []string{"*.templ", "*.go", "../*.templ", "../*.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_templ.go") {
				continue
			}
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range use.FindAllSubmatch(source, -1) {
				found++
				if !strings.Contains(string(sprite), `id="`+string(m[1])+`"`) {
					t.Errorf("%s names the icon %q, which static/icons.svg lacks", path, m[1])
				}
			}
		}
	}
	for _, state := range []State{Free, Busy, Soon, Unknown} {
		if !strings.Contains(string(sprite), `id="state-`+string(state)+`"`) {
			t.Errorf("static/icons.svg lacks the shape of %s", state)
		}
	}
	for _, b := range []Battery{{Mains: true}, {Percent: 5}, {Percent: 50}, {Percent: 99}} {
		if !strings.Contains(string(sprite), `id="`+b.icon()+`"`) {
			t.Errorf("static/icons.svg lacks %s", b.icon())
		}
	}
	if found == 0 {
		t.Fatal("no icon is used: the search is broken")
	}
}
