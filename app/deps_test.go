package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule says in which files a library may be imported.
type rule struct {
	library string   // import path; its sub-packages count too
	places  []string // folder, "folder/..." with what is below it, or a file pattern
}

// libraries: what a library does for us stays in one place, so that replacing it is one place's work.
func libraries() []rule {
	return []rule{
		{"modernc.org/sqlite", []string{"store/..."}},
		{"modernc.org/libc", []string{"store/..."}},
		{"database/sql", []string{"store/..."}},
		{"github.com/pressly/goose", []string{"store"}},
		{"github.com/a-h/templ", []string{"templates/...", "app/web", "app/device"}},
		{"github.com/gorilla/sessions", []string{"app/web/session*.go"}},
		{"github.com/gorilla/securecookie", []string{"app/web/session*.go"}},
		{"github.com/golang/freetype", []string{"render/..."}},
		{"github.com/go-text/typesetting", []string{"render/..."}},
		{"golang.org/x/image", []string{"render/..."}},
		{"rsc.io/qr", []string{"render/..."}},
		{"github.com/go-co-op/gocron", []string{"app/jobs.go"}},
		{"github.com/caddyserver/certmagic", []string{"app/tls*.go"}},
		{"github.com/mholt/acmez", []string{"app/tls*.go"}},
		{"go.uber.org/zap", []string{"app/tls*.go"}},
		{"github.com/spf13/cobra", []string{"app"}},
		{"github.com/BurntSushi/toml", []string{"app/config*.go"}},
		{"github.com/nicksnyder/go-i18n", []string{"templates/text"}},
		{"github.com/teambition/rrule-go", []string{"connectors/ical", "app/bookings"}},
		{"golang.org/x/crypto/argon2", []string{"app/people"}},
		{"github.com/chromedp", []string{"app/web/*_test.go", "app/*_test.go"}},
	}
}

// shared are the features that every other feature may import.
func shared() []string {
	return []string{"app/when", "app/secret", "app/problem", "app/audit", "app/people", "app/places", "app/bookings"}
}

// mayImport says whether our package from may import our package to: the direction rules of the
// house. Paths are relative to the module, "" is main.
func mayImport(from, to string) bool {
	top := func(p string) string { return strings.SplitN(p, "/", 2)[0] }
	under := func(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }
	switch {
	case from == "":
		return to == "app"
	case from == to || to == "app" || to == "":
		return false
	case to == "app/when" || to == "app/secret":
		return from != "app/when" && from != "app/secret"
	case from == "app/when" || from == "app/secret":
		return false
	case from == "app":
		return true
	case top(from) != "app": // the leaves
		return top(from) == top(to) || top(from) == "templates" && top(to) == "static"
	case under(to, "app/web") || under(to, "app/device"):
		return under(from, "app/web") && under(to, "app/web") || under(from, "app/device") && under(to, "app/device")
	case under(from, "app/web"):
		return true
	case under(from, "app/device"):
		return to != "store" && !under(to, "store")
	case from == "app/demo": // it plays devices and fills a house: wiring, like app itself
		return true
	}
	// A feature.
	switch top(to) {
	case "store", "render", "connectors":
		return true
	case "templates":
		return to == "templates/text"
	case "app":
		return slices.Contains(shared(), to) || under(to, feature(from))
	}
	return false
}

// feature returns the first two parts of a path: app/displays.
func feature(p string) string {
	parts := strings.SplitN(p, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

func TestMayImport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"", "app", true},
		{"", "store", false},
		{"app", "app/web", true},
		{"app", "store", true},
		{"app/web", "app/displays", true},
		{"app/web", "templates", true},
		{"app/web", "app", false},
		{"app/web", "app/device", false},
		{"app/device", "app/displays", true},
		{"app/device", "templates", true},
		{"app/device", "store", false},
		{"app/device", "app/web", false},
		{"app/displays", "store", true},
		{"app/displays", "render", true},
		{"app/displays", "app/places", true},
		{"app/displays", "app/calendars", false},
		{"app/displays", "app/web", false},
		{"app/displays", "templates", false},
		{"app/displays", "templates/text", true},
		{"app/displays", "static", false},
		{"app/when", "app/secret", false},
		{"app/when", "store", false},
		{"store", "app/when", true},
		{"store", "app/problem", false},
		{"store", "render", false},
		{"store/storetest", "store", true},
		{"render", "store", false},
		{"connectors/caldav", "connectors/ical", true},
		{"connectors/caldav", "store", false},
		{"templates", "static", true},
		{"templates", "app/places", false},
		{"static", "templates", false},
	} {
		if got := mayImport(test.from, test.to); got != test.want {
			t.Errorf("mayImport(%q, %q) = %v", test.from, test.to, got)
		}
	}
}

// inPlace reports whether file is in one of a rule's places.
func inPlace(file string, places []string) bool {
	dir := path.Dir(file)
	for _, place := range places {
		if below, ok := strings.CutSuffix(place, "/..."); ok {
			if dir == below || strings.HasPrefix(dir, below+"/") {
				return true
			}
			continue
		}
		if match, err := path.Match(place, file); dir == place || err == nil && match {
			return true
		}
	}
	return false
}

// sqlText is what begins a statement of SQL.
var sqlText = regexp.MustCompile(`(?s)^\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|INDEX|TRIGGER)\s|PRAGMA\s)`)

// examineSource returns how a file breaks the rules of the house; name is relative to the module.
func examineSource(name string, file *ast.File) []string {
	var faults []string
	bad := func(what string) { faults = append(faults, name+": "+what) }
	isTest := strings.HasSuffix(name, "_test.go")
	dir := path.Dir(name)
	pkg := dir
	if pkg == "." {
		pkg = ""
	}
	ofTests := strings.HasSuffix(dir, "test") // storetest, conntest, the fakes: used by tests alone
	timeName := ""
	for _, imp := range file.Imports {
		target, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			bad(err.Error())
			continue
		}
		if target == "time" {
			timeName = "time"
			if imp.Name != nil {
				timeName = imp.Name.Name
			}
		}
		for _, r := range libraries() {
			if (target == r.library || strings.HasPrefix(target, r.library+"/")) && !inPlace(name, r.places) && !ofTests {
				bad("imports " + target + ", which belongs in " + strings.Join(r.places, ", "))
			}
		}
		switch {
		case isTest:
		case target == "lintel" || strings.HasPrefix(target, "lintel/"):
			if to := strings.TrimPrefix(strings.TrimPrefix(target, "lintel"), "/"); !mayImport(pkg, to) {
				bad("imports " + target + ", against the direction rules")
			}
		case (pkg == "app/when" || pkg == "app/secret") && strings.Contains(target, "."):
			bad("imports " + target + "; this package uses the standard library alone")
		}
	}
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			bad("has func init; what starts is called from serve.go")
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				break
			}
			if !isTest && !ofTests && timeName != "" && x.Name == timeName && n.Sel.Name == "Now" && name != "app/serve.go" {
				bad("uses time.Now; the clock is passed from serve.go")
			}
			if x.Name == "templ" && n.Sel.Name == "Raw" {
				bad("uses templ.Raw, which writes without escaping")
			}
		case *ast.BasicLit:
			if n.Kind != token.STRING || isTest || dir == "store" || strings.HasPrefix(dir, "store/") {
				break
			}
			if text, err := strconv.Unquote(n.Value); err == nil && sqlText.MatchString(text) {
				bad("holds SQL, which belongs in store: " + strings.TrimSpace(text)[:min(40, len(strings.TrimSpace(text)))])
			}
		}
		return true
	})
	return faults
}

func TestExamineSource(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file, source string
		faults             int
	}{
		{"good", "app/displays/a.go", `package displays; import ("time"; "lintel/store"); var _ = time.Second; var _ = store.MainFile`, 0},
		{"wrong direction", "store/a.go", `package store; import _ "lintel/app/places"`, 1},
		{"wrong direction in a test", "store/a_test.go", `package store; import _ "lintel/app/places"`, 0},
		{"foreign library", "app/web/a.go", `package web; import _ "modernc.org/sqlite"`, 1},
		{"foreign library in a test", "app/web/a_test.go", `package web; import _ "modernc.org/sqlite/lib"`, 1},
		{"library in the wrong file", "app/web/a.go", `package web; import _ "github.com/gorilla/sessions"`, 1},
		{"library in the right file", "app/web/session.go", `package web; import _ "github.com/gorilla/sessions"`, 0},
		{"library below its folder", "store/storetest/a.go", `package storetest; import _ "modernc.org/sqlite"`, 0},
		{"init", "render/a.go", `package render; func init() {}`, 1},
		{"a method called init", "render/a.go", `package render; type t int; func (t) init() {}`, 0},
		{"the clock", "render/a.go", `package render; import "time"; var now = time.Now`, 1},
		{"the clock under another name", "render/a.go", `package render; import tm "time"; func f() { tm.Now() }`, 1},
		{"the clock in serve.go", "app/serve.go", `package app; import "time"; var now = time.Now`, 0},
		{"the clock in a test", "render/a_test.go", `package render; import "time"; var now = time.Now`, 0},
		{"SQL", "app/places/a.go", "package places; const q = `SELECT id FROM building WHERE x = 1`", 1},
		{"SQL in store", "store/a.go", "package store; const q = `DELETE FROM building`", 0},
		{"a sentence", "app/places/a.go", "package places; const q = `Select a room from the list`", 0},
		{"raw HTML", "app/web/a.go", `package web; import "github.com/a-h/templ"; var _ = templ.Raw("<b>")`, 1},
		{"a library in app/when", "app/when/a.go", `package when; import _ "golang.org/x/sync/errgroup"`, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parsed, err := parser.ParseFile(token.NewFileSet(), test.file, test.source, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := examineSource(test.file, parsed); len(got) != test.faults {
				t.Errorf("faults: %q", got)
			}
		})
	}
}

// TestHouse holds the whole module against the rules.
func TestHouse(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..")
	documented := map[string]bool{}
	files := 0
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() {
			if entry.Name() == "testdata" || name != "." && strings.HasPrefix(entry.Name(), ".") || name == "dist" {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil && name != "." {
				return fs.SkipDir // the tools are a module of their own
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		files++
		switch strings.TrimSuffix(entry.Name(), ".go") {
		case "util", "utils", "common", "helper", "helpers", "model", "models", "misc", "types":
			t.Errorf("%s: a file is named by its feature", name)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, fault := range examineSource(name, parsed) {
			t.Error(fault)
		}
		if !strings.HasSuffix(name, "_test.go") {
			documented[path.Dir(name)] = documented[path.Dir(name)] || parsed.Doc != nil
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, has := range documented {
		if !has {
			t.Errorf("package %s has no comment that names its one job", dir)
		}
	}
	if files < 50 {
		t.Fatalf("only %d files were looked at", files)
	}
}

// TestTopLevel holds the folders of the module against the fixed list.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"app", "templates", "static", "store", "render", "connectors", "packaging", "dist"}
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !slices.Contains(allowed, entry.Name()) {
			t.Errorf("folder %s does not belong to the house", entry.Name())
		}
		if strings.HasSuffix(entry.Name(), ".go") && entry.Name() != "main.go" {
			t.Errorf("%s: only main.go stands at the top", entry.Name())
		}
	}
}
