package web

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lintel/app/people"
	"lintel/store"
	"lintel/templates"
	"lintel/templates/text"
)

func TestAuditLog(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	p.account("checker", people.Grant{Role: people.Auditor})
	p.account("user", people.Grant{Role: people.User})
	p.account("local", people.Grant{Role: people.Administrator, Building: p.building})
	p.wait(24 * time.Hour)
	b, checker := p.as("boss"), p.as("checker")
	b.post("/settings/places/rooms/"+string(p.room)+"/delete").want(t, 303)
	b.post("/settings/places/restore", "room", string(p.room)).want(t, 303)

	page := checker.get("/settings/audit").want(t, 200, "Room deleted", "Room brought back", "Account added", "Command line or set-up", "22 Nov 2026, 14:05:00", "Matterhorn", "Example AG", `aria-current="page"`)
	if strings.Contains(mainPart.FindString(page.body), "Person boss") {
		t.Error("the log names a person")
	}
	var pseudonym string
	must(t, p.st.View(ctx, func(tx *store.Tx) error {
		lines, err := tx.AuditLog(0, 1)
		pseudonym = lines[0].Actor
		return err
	}))
	page.want(t, 200, "Person "+pseudonym[:8])
	// The owner of an account is named to whoever may open it, but not beside a pseudonym of the same person.
	b.get("/settings/audit?group=account").want(t, 200, "Account added", ">Person checker</a>", ">Person local</a>")
	checker.get("/settings/audit?group=account").want(t, 200, "Account added", "->Person checker</a>", "->Person local</a>")
	signIn := regexp.MustCompile(`(?s)<td[^>]*>Signed in</td>.*?</tr>`).FindAllString(b.get("/settings/audit?group=account").body, -1)
	if len(signIn) < 2 || strings.Contains(strings.Join(signIn, ""), "Person ") || strings.Count(strings.Join(signIn, ""), ">Own account</a>") != len(signIn) {
		t.Errorf("the log tells whose pseudonym it is: %q", signIn)
	}
	if file := checker.get("/settings/audit.csv?group=account"); strings.Contains(file.body, "Person ") {
		t.Error("the file names a person")
	}
	if file := b.get("/settings/audit.csv?group=account"); strings.Contains(file.body, "Person ") {
		t.Error("the administrator's file names a person")
	}
	b.get("/settings/audit").want(t, 200, "Room deleted")
	checker.get("/today").want(t, 200, `href="/settings/audit"`)
	for _, who := range []string{"user", "local"} { // the log is of the whole house
		p.as(who).get("/settings/audit").want(t, 403)
		p.as(who).get("/settings/audit.csv").want(t, 403)
		p.as(who).get("/today").want(t, 200, `-href="/settings/audit"`)
	}

	checker.get("/settings/audit?group=account").want(t, 200, "Account added", "-Room deleted")
	checker.get("/settings/audit?q=matter").want(t, 200, "Room added", "Room deleted", "-Account added")
	checker.get("/settings/audit?q="+string(p.room)).want(t, 200, "Room deleted", "-Building added")
	checker.get("/settings/audit?q=100%25").want(t, 200, "Nothing matches")
	checker.get("/settings/audit?from=2026-11-22").want(t, 200, "Room deleted", "-Account added", `value="2026-11-22"`)
	checker.get("/settings/audit?to=2026-11-21").want(t, 200, "-Room deleted", "Account added")
	checker.get("/settings/audit?from=tomorrow&before=x&group=nothing").want(t, 200, "Room deleted", "Account added")

	file := checker.get("/settings/audit.csv?group=workspace").want(t, 200, "workspace.delete", pseudonym, `""bookings"":0`)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\ufeff"))).ReadAll()
	must(t, err)
	if len(rows) != 5 || rows[1][4] != "workspace.restore" || rows[1][7] != "Matterhorn" { // two rooms added, one deleted and restored
		t.Errorf("the file holds %q", rows)
	}
	checker.get("/settings/audit?group=audit").want(t, 200, "Audit log downloaded")
}

// The log is read page by page, each line once, in both directions, also while it grows.
func TestAuditLogPages(t *testing.T) {
	t.Parallel()
	p := furnished(t)
	must(t, p.st.Update(ctx, func(tx *store.Tx) error {
		for i := range 120 {
			if err := setup.Record(tx, "display.update", "display", fmt.Sprintf("number-%03d-", i)); err != nil {
				return err
			}
		}
		return nil
	}))
	b := p.as("boss")
	b.get("/settings/audit?group=display").want(t, 200, `class="in-text quiet"`, ">number-1</a>", "->number-119-<") // an id stands short
	number := regexp.MustCompile(`q=number-(\d+)-"`)
	link := func(a answer, rel string) string {
		m := regexp.MustCompile(`rel="` + rel + `" href="([^"]+)"`).FindStringSubmatch(a.body)
		if m == nil {
			return ""
		}
		return strings.ReplaceAll(m[1], "&amp;", "&")
	}
	read := func(path, rel string) (seen []string, last string) {
		for path != "" {
			a := b.get(path).want(t, 200)
			var here []string
			for _, m := range number.FindAllStringSubmatch(a.body, -1) {
				here = append(here, m[1])
			}
			if rel == "prev" {
				seen = append(here, seen...)
			} else {
				seen = append(seen, here...)
			}
			last, path = path, link(a, rel)
		}
		return seen, last
	}
	forth, last := read("/settings/audit?group=display", "next")
	if len(forth) != 120 || forth[0] != "119" || forth[119] != "000" || len(slices.Compact(slices.Clone(forth))) != 120 {
		t.Errorf("read on, %d lines: %v", len(forth), forth)
	}
	must(t, p.st.Update(ctx, func(tx *store.Tx) error { return setup.Record(tx, "display.update", "display", "number-120-") }))
	back, first := read(last, "prev")
	if len(back) != 121 || back[0] != "120" {
		t.Errorf("read back, %d lines: %v", len(back), back)
	}
	if a := b.get(first); link(a, "prev") != "" || link(a, "next") == "" {
		t.Error("the newest page leads on to newer ones, or nowhere")
	}
}

// Whatever the program writes into the log, the page says in words, and the filter finds.
func TestEveryActionOfTheLogHasWords(t *testing.T) {
	t.Parallel()
	actions := map[string]bool{}
	for _, place := range []string{"building", "floor", "workspace"} { // put together in app/places
		actions[place+".delete"], actions[place+".restore"] = true, true
	}
	patterns := []*regexp.Regexp{
		regexp.MustCompile(`\b(?:Record|Entry)\((?:tx, )?(?:[\w.()"]+, )?"([a-z_]+\.[a-z_]+)"`),
		regexp.MustCompile(`\baction :?= "([a-z_]+\.[a-z_]+)"`),
		regexp.MustCompile(`\b(?:noted|setEnd)\([^\n"]*"([a-z_]+\.[a-z_]+)"`),
	}
	must(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, pattern := range patterns {
			for _, m := range pattern.FindAllSubmatch(source, -1) {
				actions[string(m[1])] = true
			}
		}
		return err
	}))
	if len(actions) < 50 {
		t.Fatalf("only %d actions were found: the search is broken", len(actions))
	}
	for action := range actions {
		group, _, _ := strings.Cut(action, ".")
		if !slices.Contains(templates.AuditGroups(), group) {
			t.Errorf("no filter finds %s", action)
		}
		key := "audit.do_" + strings.ReplaceAll(action, ".", "_")
		if text.For(text.English).T(key) == key {
			t.Errorf("%s has no words: add the text %s", action, key)
		}
	}
	for _, group := range templates.AuditGroups() {
		if key := "audit.group_" + group; text.For(text.English).T(key) == key {
			t.Errorf("the filter %s has no words", group)
		}
	}
}
