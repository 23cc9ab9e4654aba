package templates

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lintel/templates/text"
	"lintel/templates/ui"
)

// What is copied from a page is the very text of the command, with its line breaks and indentations.
func TestCommandsKeepTheirText(t *testing.T) {
	t.Parallel()
	tag := regexp.MustCompile(`<[^>]*>`)
	for name, command := range map[string]string{
		"line":    "setspn -Q HTTP/mail.example.com",
		"indents": "foreach ($room in Get-Mailbox) {\n  $c = \"$($room.Name):\\$x\"  -AccessRights Editor\n\n    <b>&amp;\n}\n",
		"blanks":  "  curl \\\n\thttp://127.0.0.1/ROOM \n ",
		"to fill": "setspn -S HTTP/<host> EX\\<account>$ -User <account>, x <",
		"nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := commands(ui.Shell{Printer: text.For("en")}, "c", "", command).Render(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			_, pre, ok := strings.Cut(b.String(), `<pre id="c">`)
			pre, _, end := strings.Cut(pre, "</pre>")
			if got := html.UnescapeString(tag.ReplaceAllString(pre, "")); !ok || !end || got != command {
				t.Errorf("the page holds %q of %q", got, command)
			}
		})
	}
	got := words("a -b \\\n  c\n\n d")
	want := []word{{"", "a"}, {" ", "-b"}, {" ", "\\"}, {"\n", "  c"}, {"\n\n", " d"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(word{})); diff != "" {
		t.Error(diff)
	}
}

// What has to be replaced stands out in a command and is explained below it.
func TestPlaceholdersStandOut(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	block := GuideBlock{Where: "Here", Commands: "setspn -S HTTP/<host> $x", Replace: []Placeholder{{Name: "<host>", Means: "the server & its domain"}}}
	form := SystemForm{Kind: "ews", Guide: []GuidePart{{Title: "A name", Text: "Ask first.", Warning: "Never twice.", Blocks: []GuideBlock{block, {Commands: "whoami"}}}}}
	if err := guide(ui.Shell{Printer: text.For("en")}, form).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]int{
		`HTTP/<mark class="placeholder">&lt;host&gt;</mark></span>`:                 1,
		`<mark class="placeholder">&lt;host&gt;</mark> the server &amp; its domain`: 1,
		text.For("en").T("guide.replace"):                                           1, // nothing to replace in the other block
		"Never twice.":                                                              1,
		`id="guide-0-0"`:                                                            1,
		`data-copy="guide-0-1"`:                                                     1,
	} {
		if got := strings.Count(b.String(), part); got != want {
			t.Errorf("%d times %s in %s", got, part, b.String())
		}
	}
}
