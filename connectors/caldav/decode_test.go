package caldav

import (
	"strings"
	"testing"
	"time"

	"lintel/app/when"
)

const multistatusHead = `<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">`

func TestDecode(t *testing.T) {
	t.Parallel()
	wrap := func(s string) string { return multistatusHead + s + `</D:multistatus>` }
	ok := func(props string) string {
		return `<D:response><D:href> /a </D:href><D:propstat><D:prop>` + props + `</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
	}
	tests := []struct {
		name, in string
		want     string // href, status, ETag and data of each response
		err      bool
	}{
		{"empty", wrap(""), "", false},
		{"one", wrap(ok(`<D:getetag>"1"</D:getetag>`)), `/a 0 "1" -`, false},
		{"other prefixes", `<multistatus xmlns="DAV:"><response><href>/a</href><propstat><prop><getetag>"1"</getetag><x:calendar-data xmlns:x="urn:ietf:params:xml:ns:caldav">BEGIN</x:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`, `/a 0 "1" BEGIN`, false},
		{"404 propstat first", wrap(`<D:response><D:href>/a</D:href><D:propstat><D:prop><D:getetag/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat><D:propstat><D:prop><D:getetag>"2"</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`), `/a 0 "2" -`, false},
		{"only 404 propstat", wrap(`<D:response><D:href>/a</D:href><D:propstat><D:prop><D:getetag>"x"</D:getetag></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>`), `/a 0  -`, false},
		{"status for several", wrap(`<D:response><D:href>/a</D:href><D:href>/b</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>`), `/a 404  -|/b 404  -`, false},
		{"CDATA", wrap(ok(`<C:calendar-data><![CDATA[BEGIN & <END>]]></C:calendar-data>`)), `/a 0  BEGIN & <END>`, false},
		{"empty data is data", wrap(ok(`<C:calendar-data/>`)), `/a 0  `, false},
		{"unknown elements", wrap(`<D:responsedescription>x</D:responsedescription><D:sync-token>y</D:sync-token>` + ok(`<D:getetag>"1"</D:getetag><X:y xmlns:X="z"><X:w/></X:y>`)), `/a 0 "1" -`, false},
		{"control characters", wrap(ok("<C:calendar-data>a\x0bb\x00c</C:calendar-data>")), `/a 0  a b c`, false},
		{"not UTF-8", wrap(ok("<C:calendar-data>Z\xfcrich</C:calendar-data>")), `/a 0  Z?rich`, false},
		{"Latin-1", strings.Replace(wrap(ok("<C:calendar-data>Z\xfcrich</C:calendar-data>")), "utf-8", "iso-8859-1", 1), `/a 0  Zürich`, false},
		{"HTML entity", wrap(ok("<C:calendar-data>a&nbsp;b&auml;</C:calendar-data>")), "/a 0  a\u00a0bä", false},
		{"forbidden character reference", wrap(ok("<C:calendar-data>&#1;</C:calendar-data>")), "", true},
		{"external entity", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + wrap(ok("<C:calendar-data>&e;</C:calendar-data>")), "", true},
		{"billion laughs", `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>` + wrap(ok("<C:calendar-data>&b;</C:calendar-data>")), "", true},
		{"cut", multistatusHead + `<D:response><D:href>/a</D:href>`, "", true},
		{"another root", `<html><body/></html>`, "", true},
		{"nothing", "", "", true},
		{"encoding nobody knows", strings.Replace(wrap(""), "utf-8", "ebcdic", 1), "", true},
	}
	for _, tt := range tests {
		list, err := decode([]byte(tt.in))
		var got []string
		for _, r := range list {
			data := "-"
			if r.props.Data != nil {
				data = *r.props.Data
			}
			got = append(got, r.href+" "+string(rune('0'+r.status/100))+strings.Repeat("0", 0)+" "+r.props.ETag+" "+data)
		}
		want := strings.NewReplacer(" 404 ", " 4 ").Replace(tt.want)
		if strings.Join(got, "|") != want || (err != nil) != tt.err {
			t.Errorf("%s: got %q, %v, want %q", tt.name, strings.Join(got, "|"), err, want)
		}
	}
}

// However deep an answer is nested, reading it ends, and takes no stack.
func TestDecodeDeep(t *testing.T) {
	t.Parallel()
	for _, open := range []string{`<D:response>`, `<D:response><D:propstat><D:prop><D:resourcetype>`} {
		deep := multistatusHead + open + strings.Repeat("<a>", 100_000)
		if _, err := decode([]byte(deep)); err == nil {
			t.Error("a cut answer is accepted")
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(multistatusHead + `<D:response><D:href>/a</D:href><D:propstat><D:prop><D:getetag>"1"</D:getetag><D:resourcetype><C:calendar/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>`))
	f.Add([]byte(multistatusHead + `<D:response><D:href>/a</D:href><D:status>HTTP/1.1 404</D:status></D:response></D:multistatus>`))
	f.Add([]byte("<multistatus xmlns='DAV:'><response><href>\x0b&nbsp;</href></response></multistatus>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := decode(b)
		if err != nil && list != nil {
			t.Error("an error with an answer")
		}
		for _, r := range list {
			if r.status != 0 && (r.status < 100 || r.status > 599) {
				t.Errorf("status %d", r.status)
			}
			r.written()
			r.access()
			r.isCalendar()
			if e := cleanETag(r.props.ETag); strings.HasPrefix(e, `W/"`) && !strings.HasPrefix(r.props.ETag, ` W/W/"`) && strings.HasPrefix(strings.TrimSpace(r.props.ETag), `W/"`) {
				t.Errorf("ETag %q", e)
			}
		}
	})
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"v":1,"o":{"/a.ics":{"e":"\"1\"","f":1,"t":2,"b":1}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := loadState(b)
		w := when.Interval{From: time.Unix(0, 0), To: time.Unix(1<<40, 0)}
		for _, o := range s.Objects {
			o.touches(w)
		}
		if again := loadState(s.save()); len(again.Objects) != len(s.Objects) {
			t.Errorf("%d objects, then %d", len(s.Objects), len(again.Objects))
		}
	})
}

func TestTouches(t *testing.T) {
	t.Parallel()
	day := func(n int) int64 { return int64(n) * 86400 }
	w := when.Interval{From: time.Unix(day(100), 0), To: time.Unix(day(110), 0)}
	for _, tt := range []struct {
		from, to int64
		want     bool
	}{
		{day(105), day(106), true},
		{day(105), day(105), true},
		{day(90), day(120), true},
		{day(97), day(98), true}, // two days of slack for zones
		{day(96), day(97), false},
		{day(112), day(113), true},
		{day(113), day(114), false},
		{0, forever, true},
		{day(113), forever, false},
		{1, 0, false},
	} {
		if got := (obj{From: tt.from, To: tt.to}).touches(w); got != tt.want {
			t.Errorf("%d–%d: %v", tt.from/86400, tt.to/86400, got)
		}
	}
}

func TestETags(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{`"a"`: `"a"`, ` W/"a" `: `"a"`, `W/a`: `W/a`, "": "", "abc": "abc"} {
		if got := cleanETag(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
