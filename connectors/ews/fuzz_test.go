package ews

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

const sample = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:R ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>` +
	`<t:CalendarItem><t:ItemId Id="a" ChangeKey="b"/><t:Subject>x &#x1F600; &#1; y</t:Subject><t:Start>2026-11-23T09:00:00Z</t:Start><t:End>2026-11-23T10:00:00.123+01:00</t:End>` +
	`<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday Weekday</t:DaysOfWeek></t:WeeklyRecurrence><t:NoEndRecurrence><t:StartDate>2026-11-23</t:StartDate></t:NoEndRecurrence></t:Recurrence>` +
	`</t:CalendarItem></m:R></s:Body></s:Envelope>`

// addCorpus seeds a fuzz test with real answers, where they are at hand.
func addCorpus(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(strings.Replace(sample, "WeeklyRecurrence", "RelativeYearlyRecurrence", 2)))
	root := os.Getenv("LINTEL_CORPUS")
	if root == "" {
		return
	}
	for _, pattern := range []string{"ews/replies/*/*.xml", "ews/samples/*calendar*.xml"} {
		files, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, name := range files {
			if b, err := os.ReadFile(name); err == nil {
				f.Add(b)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	addCorpus(f)
	zone := time.FixedZone("x", 3600)
	w := when.Interval{From: time.Unix(1_790_000_000, 0), To: time.Unix(1_791_000_000, 0)}
	f.Fuzz(func(t *testing.T, b []byte) {
		root, err := judge("test", "id", &outbound.Response{Status: 200, Header: http.Header{}, Body: b})
		if (root == nil) == (err == nil) {
			t.Fatal("neither an answer nor an error")
		}
		if err != nil {
			if connectors.KindOf(err) == "" {
				t.Fatalf("an error without a kind: %v", err)
			}
			return
		}
		var walk func(n *node)
		walk = func(n *node) {
			if !utf8.ValidString(n.text) {
				t.Fatal("a text that is not UTF-8")
			}
			if e, drop, ok := event(n, zone); ok && !drop {
				if e.To.Before(e.From) || e.Series == "" || e.Private && e.Subject+e.Organizer+e.OrganizerAddr != "" || e.AllDay && !e.FirstDay.Before(e.EndDay) {
					t.Fatalf("%+v", e)
				}
			}
			if s, ok := newSeries(n, zone, false); ok {
				s.between(w)
			}
			for _, k := range n.kids {
				walk(k)
			}
		}
		walk(root)
	})
}

// However a stream comes in parts, the envelopes are the same, and none is lost.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte(sample+sample), 7)
	f.Add([]byte("</Envelope></a:Envelope ></ Envelope><!-- </x:Envelope> -->"), 1)
	f.Add([]byte("</</>>Envelope>"), 3)
	f.Add([]byte("<a></Envelope"+strings.Repeat(" ", 300)+">b"), 10)
	f.Fuzz(func(t *testing.T, b []byte, chunk int) {
		if chunk < 1 || chunk > 5000 || len(b) > 100_000 {
			return
		}
		split := func(n int) (docs [][]byte, err error) {
			s := &splitter{in: &slow{b: bytes.Clone(b), n: n}}
			for {
				doc, err := s.next()
				if err != nil {
					return docs, err
				}
				docs = append(docs, doc)
			}
		}
		whole, end := split(len(b) + 1)
		parts, end2 := split(chunk)
		if !bytes.Equal(bytes.Join(whole, []byte{0}), bytes.Join(parts, []byte{0})) || !errors.Is(end2, end) {
			t.Fatalf("%d envelopes (%v) at once, %d in parts of %d (%v)", len(whole), end, len(parts), chunk, end2)
		}
		joined := bytes.Join(whole, nil)
		if !bytes.HasPrefix(b, joined) || errors.Is(end, io.EOF) && len(bytes.TrimSpace(b[len(joined):])) > 0 {
			t.Fatal("bytes are lost")
		}
	})
}
