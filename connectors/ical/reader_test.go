package ical

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// parseOK parses text and fails the test on an error.
func parseOK(t testing.TB, text string) (*Calendar, Report) {
	t.Helper()
	cal, rep, err := Parse([]byte(text), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return cal, rep
}

// event wraps property lines into one VEVENT of one VCALENDAR.
func event(lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func firstEvent(t testing.TB, cal *Calendar) *Component {
	t.Helper()
	var first *Component
	cal.Find("VEVENT", func(_, c *Component) {
		if first == nil {
			first = c
		}
	})
	if first == nil {
		t.Fatal("no VEVENT")
	}
	return first
}

func utf16Text(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\uFEFF" + s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func TestReadText(t *testing.T) {
	t.Parallel()
	plain := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Zürich\nEND:VEVENT\nEND:VCALENDAR\n"
	tests := []struct{ name, in, want string }{
		{"LF", plain, "Zürich"},
		{"CRLF", strings.ReplaceAll(plain, "\n", "\r\n"), "Zürich"},
		{"CR", strings.ReplaceAll(plain, "\n", "\r"), "Zürich"},
		{"CR CR LF", strings.ReplaceAll(plain, "\n", "\r\r\n"), "Zürich"},
		{"byte order mark", "\uFEFF" + plain, "Zürich"},
		{"UTF-16 little endian", utf16Text(plain, binary.LittleEndian), "Zürich"},
		{"UTF-16 big endian", utf16Text(plain, binary.BigEndian), "Zürich"},
		{"Latin-1", strings.ReplaceAll(plain, "ü", "\xFC"), "Zürich"},
		{"Windows-1252", strings.ReplaceAll(plain, "ü", "\x80\x96\x9F\xFC"), "Z€–Ÿürich"},
		{"folded within a character", strings.ReplaceAll(plain, "ü", "\xC3\r\n \xBC"), "Zürich"},
		{"folded with a tab", strings.ReplaceAll(plain, "ürich", "\n\tür\n\tich"), "Zürich"},
		{"folded twice at once", strings.ReplaceAll(plain, "ürich", "\r\n \r\n ürich"), "Zürich"},
		{"small letters", strings.ToLower(plain), "zürich"},
		{"blank lines", strings.ReplaceAll(plain, "\n", "\n\n"), "Zürich"},
		{"no line end at the end", strings.TrimSuffix(plain, "\n"), "Zürich"},
		{"control characters", strings.ReplaceAll(plain, "ü", "\x00\x07ü\x7f"), "Zürich"},
		{"escapes", event(`SUMMARY:a\, b\; c\\n\nd\Ne\x \`), "a, b; c\\n\nd\nex \\"},
		{"colon in the value", event("SUMMARY:10:00 : x"), "10:00 : x"},
		{"parameter without value", event("SUMMARY;LANGUAGE:a"), "a"},
		{"parameter without name", event("SUMMARY;=x;:a"), "a"},
		{"quoted colon", event(`SUMMARY;ALTREP="http://x/;,":a`), "a"},
		{"unbalanced quote", event(`SUMMARY;X="y:a`), "a"},
		{"text after the quote", event(`SUMMARY;X="y"z:a`), "a"},
		{"no VCALENDAR", "BEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT\n", "a"},
		{"no END at all", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:a", "a"},
		{"bad line before", event("this is no line", "SUMMARY:a"), "a"},
		{
			"vCalendar quoted-printable",
			event("SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Z=C3=BCrich=2C =", "See=0D=0AEnge"), "Zürich, See\nEnge",
		},
		{"vCalendar Latin-1 quoted-printable", event("SUMMARY;QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Z=FCrich"), "Zürich"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cal, _ := parseOK(t, tt.in)
			if got := firstEvent(t, cal).Text("SUMMARY"); got != tt.want {
				t.Errorf("summary %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadParams(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line string
		want       Prop
	}{
		{"plain", "DTSTART;VALUE=DATE:20261121", Prop{"DTSTART", []Param{{"VALUE", []string{"DATE"}}}, "20261121"}},
		{
			"list and quotes", `ATTENDEE;MEMBER="mailto:a@x","mailto:b@x";CN=Ann:mailto:c@x`,
			Prop{"ATTENDEE", []Param{{"MEMBER", []string{"mailto:a@x", "mailto:b@x"}}, {"CN", []string{"Ann"}}}, "mailto:c@x"},
		},
		{"RFC 6868", `ORGANIZER;CN=A ^'B^' C^^D^nE^x:mailto:a@x`, Prop{"ORGANIZER", []Param{{"CN", []string{"A \"B\" C^D\nE^x"}}}, "mailto:a@x"}},
		{
			"unquoted zone with colon and commas", "DTSTART;TZID=(UTC+01:00) Amsterdam, Berlin, Bern:20261121T090000",
			Prop{"DTSTART", []Param{{"TZID", []string{"(UTC+01:00) Amsterdam, Berlin, Bern"}}}, "20261121T090000"},
		},
		{
			"time with colons is no zone", "DTSTART;TZID=Europe/Zurich:2026-11-21T09:00:00",
			Prop{"DTSTART", []Param{{"TZID", []string{"Europe/Zurich"}}}, "2026-11-21T09:00:00"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cal, _ := parseOK(t, event(tt.line))
			if diff := cmp.Diff([]Prop{tt.want}, firstEvent(t, cal).Props); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// shape writes a tree as names with children in brackets.
func shape(list []*Component) string {
	var parts []string
	for _, c := range list {
		s := c.Name
		if len(c.Children) > 0 {
			s += "(" + shape(c.Children) + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func TestReadTree(t *testing.T) {
	t.Parallel()
	lines := func(s string) string { return strings.ReplaceAll(s, " ", "\n") }
	tests := []struct {
		name, in, want string
		rep            Report
		whole          bool
	}{
		{
			"two calendars", "BEGIN:VCALENDAR BEGIN:VEVENT END:VEVENT END:VCALENDAR BEGIN:VCALENDAR BEGIN:VTODO END:VTODO END:VCALENDAR",
			"VCALENDAR(VEVENT) VCALENDAR(VTODO)",
			Report{Lines: 8, Components: 4},
			true,
		},
		{
			"missing END of an event", "BEGIN:VCALENDAR BEGIN:VEVENT BEGIN:VALARM BEGIN:VEVENT END:VEVENT END:VCALENDAR",
			"VCALENDAR(VEVENT(VALARM) VEVENT)",
			Report{Lines: 6, Components: 4, Unclosed: 2},
			true,
		},
		{
			"missing END of a calendar", "BEGIN:VCALENDAR BEGIN:VEVENT END:VEVENT BEGIN:VCALENDAR END:VCALENDAR",
			"VCALENDAR(VEVENT) VCALENDAR",
			Report{Lines: 5, Components: 3, Unclosed: 1},
			true,
		},
		{
			"cut off", "BEGIN:VCALENDAR BEGIN:VEVENT UID:1 END:VEVENT BEGIN:VEVENT UID:2",
			"VCALENDAR(VEVENT VEVENT)",
			Report{Lines: 6, Components: 3, Unclosed: 2, Truncated: true},
			false,
		},
		{
			"stray END", "BEGIN:VCALENDAR END:VEVENT BEGIN:VEVENT END:VEVENT END:VCALENDAR END:VCALENDAR",
			"VCALENDAR(VEVENT)",
			Report{Lines: 6, Components: 2, StrayEnds: 2},
			false,
		},
		{
			"END of the outer closes the inner", "BEGIN:VCALENDAR BEGIN:VTIMEZONE BEGIN:STANDARD END:VTIMEZONE BEGIN:VEVENT END:VEVENT END:VCALENDAR",
			"VCALENDAR(VTIMEZONE(STANDARD) VEVENT)",
			Report{Lines: 7, Components: 4, Unclosed: 1},
			true,
		},
		{
			"unclosed observance", "BEGIN:VCALENDAR BEGIN:VTIMEZONE BEGIN:STANDARD BEGIN:DAYLIGHT END:DAYLIGHT END:VTIMEZONE END:VCALENDAR",
			"VCALENDAR(VTIMEZONE(STANDARD DAYLIGHT))",
			Report{Lines: 7, Components: 4, Unclosed: 1},
			true,
		},
		{
			"outside of a calendar", "BEGIN:VEVENT END:VEVENT BEGIN:VCALENDAR END:VCALENDAR BEGIN:VEVENT END:VEVENT",
			"VCALENDAR(VEVENT VEVENT) VCALENDAR",
			Report{Lines: 6, Components: 3},
			true,
		},
		{
			"too deep, then an event", "BEGIN:VCALENDAR" + strings.Repeat(" BEGIN:X", 10) + " UID:lost BEGIN:VEVENT END:VEVENT END:VCALENDAR",
			"VCALENDAR(X(X(X(X(X(X(X)))))) VEVENT)",
			Report{Lines: 15, Components: 9, TooDeep: 3, Unclosed: 7},
			false,
		},
		{
			"too deep and closed again", "BEGIN:VCALENDAR" + strings.Repeat(" BEGIN:X", 9) + strings.Repeat(" END:X", 9) + " UID:kept END:VCALENDAR",
			"VCALENDAR(X(X(X(X(X(X(X)))))))",
			Report{Lines: 21, Components: 8, TooDeep: 2},
			false,
		},
		{"nameless component", "BEGIN:VCALENDAR BEGIN: END: END:VCALENDAR", "VCALENDAR", Report{Lines: 4, Components: 1, BadLines: 1, StrayEnds: 1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cal, rep := parseOK(t, lines(tt.in))
			if got := shape(cal.Components); got != tt.want {
				t.Errorf("tree %s, want %s", got, tt.want)
			}
			if diff := cmp.Diff(tt.rep, rep); diff != "" {
				t.Error(diff)
			}
			if rep.Whole() != tt.whole {
				t.Errorf("whole %v, want %v", rep.Whole(), tt.whole)
			}
		})
	}
}

func TestReadLimits(t *testing.T) {
	t.Parallel()
	file := event("SUMMARY:"+strings.Repeat("x", 100), "UID:1")
	tests := []struct {
		name string
		lim  Limits
		what string
	}{
		{"bytes", Limits{Bytes: 50}, "bytes"},
		{"lines", Limits{Lines: 3}, "lines"},
		{"components", Limits{Components: 1}, "components"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := Parse([]byte(file), tt.lim)
			var limit *LimitError
			if !errors.As(err, &limit) || limit.What != tt.what {
				t.Errorf("error %v, want one about %s", err, tt.what)
			}
			_, _, err = Read(strings.NewReader(file), tt.lim)
			if !errors.As(err, &limit) || limit.What != tt.what {
				t.Errorf("Read: error %v, want one about %s", err, tt.what)
			}
		})
	}
	t.Run("a long line costs only itself", func(t *testing.T) {
		t.Parallel()
		cal, rep, err := Parse([]byte(file), Limits{LineBytes: 60})
		if err != nil {
			t.Fatal(err)
		}
		if e := firstEvent(t, cal); e.Text("UID") != "1" || e.Prop("SUMMARY") != nil || rep.LongLines != 1 || rep.Whole() {
			t.Errorf("event %+v, report %+v", e, rep)
		}
	})
	for name, in := range map[string]string{"nothing": "", "a page": "<!DOCTYPE html>\n<title>Sign in: x</title>\n", "words": "SUMMARY:x\n"} {
		t.Run(name+" is no calendar", func(t *testing.T) {
			t.Parallel()
			if _, _, err := Parse([]byte(in), Limits{}); !errors.Is(err, ErrNotCalendar) {
				t.Errorf("error %v, want ErrNotCalendar", err)
			}
		})
	}
}

func TestUpgradeRule(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"D1 #10", "FREQ=DAILY;INTERVAL=1;COUNT=10"},
		{"D2 20261224T000000Z", "FREQ=DAILY;INTERVAL=2;UNTIL=20261224T000000Z"},
		{"W1 MO WE #0", "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,WE"},
		{"MP1 1+ MO 2+ 1- FR #4", "FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO,2FR,-1FR;COUNT=4"},
		{"MD1 1 15 LD #0", "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=1,15,-1"},
		{"YM1 6 7 #8", "FREQ=YEARLY;INTERVAL=1;BYMONTH=6,7;COUNT=8"},
		{"YD1 100", "FREQ=YEARLY;INTERVAL=1;BYYEARDAY=100;COUNT=2"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			cal, _ := parseOK(t, "BEGIN:VCALENDAR\nVERSION:1.0\nBEGIN:VEVENT\nRRULE:"+tt.in+"\nEND:VEVENT\nEND:VCALENDAR\n")
			got := firstEvent(t, cal).Prop("RRULE").Value
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if _, err := ParseRule(got); err != nil {
				t.Error(err)
			}
		})
	}
}
