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
