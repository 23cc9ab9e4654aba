package ical

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	cal := &Calendar{Components: []*Component{{Name: "VCALENDAR", Children: []*Component{{Name: "VEVENT", Props: []Prop{
		{Name: "SUMMARY", Value: escapeText("a, b; c\\ d\r\ne\x00")},
		{Name: "ORGANIZER", Params: []Param{{"CN", []string{"Ann \"A\" B: C^"}}}, Value: "mailto:a@x"},
		{Name: "X-A", Value: "x\r\nATTENDEE:mailto:evil@x"},
		{Name: "X B", Params: []Param{{"P", []string{"1,2", "3"}}, {"EMPTY", nil}}, Value: "y"},
	}}}}}}
	want := "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" +
		`SUMMARY:a\, b\; c\\ d\ne` + "\r\n" +
		`ORGANIZER;CN="Ann ^'A^' B: C^^":mailto:a@x` + "\r\n" +
		`X-A:x\nATTENDEE:mailto:evil@x` + "\r\n" +
		`X-INVALID;P="1,2",3;EMPTY:y` + "\r\n" +
		"END:VEVENT\r\nEND:VCALENDAR\r\n"
	var b bytes.Buffer
	if err := cal.Write(&b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("a", 300), strings.Repeat("ü", 200), strings.Repeat("a", 66) + "€€€€", strings.Repeat("🏢", 90), strings.Repeat(" ", 200),
	} {
		cal := &Calendar{Components: []*Component{{Name: "VCALENDAR", Props: []Prop{{Name: "X-T", Value: text}}}}}
		out := cal.Bytes()
		for line := range bytes.SplitSeq(bytes.TrimSuffix(out, []byte("\r\n")), []byte("\r\n")) {
			if len(line) > 75 || !utf8.Valid(line) {
				t.Errorf("line of %d octets, valid %v: %q", len(line), utf8.Valid(line), line)
			}
		}
		back, _ := parseOK(t, string(out))
		if got := back.Components[0].Text("X-T"); got != text {
			t.Errorf("read back %q, want %q", got, text)
		}
	}
}

// genText draws any text that a property can hold: no control characters but tabs and line feeds.
func genText() *rapid.Generator[string] {
	return rapid.Map(rapid.String(), func(s string) string {
		return strings.Map(func(r rune) rune {
			if r != '\n' && isControl(r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, "?"))
	})
}

var genName = rapid.StringMatching(`X-[A-Z0-9-]{1,8}`)

func genComponent(depth int) *rapid.Generator[*Component] {
	return rapid.Custom(func(t *rapid.T) *Component {
		c := &Component{Name: genName.Draw(t, "component")}
		for range rapid.IntRange(0, 4).Draw(t, "props") {
			p := Prop{Name: genName.Draw(t, "prop"), Value: escapeText(genText().Draw(t, "value"))}
			for range rapid.IntRange(0, 2).Draw(t, "params") {
				q := Param{Name: genName.Draw(t, "param"), Values: rapid.SliceOfN(genText(), 1, 3).Draw(t, "values")}
				p.Params = append(p.Params, q)
			}
			c.Props = append(c.Props, p)
		}
		if depth > 0 {
			c.Children = rapid.SliceOfN(genComponent(depth-1), 0, 3).Draw(t, "children")
			if len(c.Children) == 0 {
				c.Children = nil
			}
		}
		return c
	})
}

// Property: what was written is read back the same, to the last parameter.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		root := genComponent(3).Draw(t, "root")
		root.Name = "VCALENDAR"
		want := &Calendar{Components: []*Component{root}}
		got, rep, err := Parse(want.Bytes(), Limits{})
		if err != nil || !rep.Whole() {
			t.Fatalf("%v, %+v", err, rep)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Property: text survives escaping.
func TestEscapeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := genText().Draw(t, "text")
		if got := unescapeText(escapeText(s)); got != s {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}
