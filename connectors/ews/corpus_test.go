package ews

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/when"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

// corpusFile reads a recorded answer with its status, which stands below the text in some.
func corpusFile(t testing.TB, name string) *outbound.Response {
	t.Helper()
	root := os.Getenv("LINTEL_CORPUS")
	if root == "" {
		t.Skip("LINTEL_CORPUS does not name the folder with test data")
	}
	b, err := os.ReadFile(filepath.Join(root, "ews", name))
	if err != nil {
		t.Fatal(err)
	}
	status := http.StatusOK
	if m := regexp.MustCompile(`\nHTTP (\d+)\s*$`).FindSubmatchIndex(b); m != nil {
		status, _ = strconv.Atoi(string(b[m[2]:m[3]]))
		b = b[:m[0]]
	}
	return &outbound.Response{Status: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: b}
}

func corpusReply(t testing.TB, name string) *reply {
	t.Helper()
	root, err := judge("test", "id", corpusFile(t, name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return &reply{root: root, messages: responses(root, nil)}
}

// Nothing in the corpus makes the decoder panic, and what the standard library reads it reads too.
func TestDecodeCorpus(t *testing.T) {
	t.Parallel()
	root := os.Getenv("LINTEL_CORPUS")
	if root == "" {
		t.Skip("LINTEL_CORPUS does not name the folder with test data")
	}
	good, bad, items := 0, 0, 0
	err := filepath.WalkDir(filepath.Join(root, "ews"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".xml") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, status := range []int{200, 500} {
			_, _ = judge("test", "", &outbound.Response{Status: status, Header: http.Header{}, Body: b})
		}
		n, err := decode(b)
		if err != nil && wellFormed(b) {
			t.Errorf("%s: %v", path, err)
		}
		if err != nil {
			bad++
			return nil
		}
		good++
		items += visit(t, n)
		return nil
	})
	t.Logf("%d documents read, %d damaged ones refused, %d calendar items", good, bad, items)
	if err != nil || good < 500 || items < 10 {
		t.Errorf("%v", err)
	}
}

// visit reads every calendar item of a tree as an event, and every message as a problem.
func visit(t *testing.T, n *node) int {
	count := 0
	if n.name == "CalendarItem" {
		count++
		if e, _, ok := event(n, time.UTC); ok && e.Series == "" {
			t.Error("an event without identity")
		}
		newSeries(n, time.UTC, false)
	}
	_ = readProblem(n).err("test", "")
	for _, k := range n.kids {
		count += visit(t, k)
	}
	return count
}

// wellFormed asks the standard library, for one document with nothing around it.
func wellFormed(b []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(b))
	depth, roots := 0, 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return roots == 1
		}
		if err != nil {
			return false
		}
		switch tok.(type) {
		case xml.StartElement:
			if depth++; depth == 1 {
				roots++
			}
		case xml.EndElement:
			depth--
		}
	}
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestItemsOfGrommunio(t *testing.T) {
	t.Parallel()
	p := corpusReply(t, "replies/grommunio/finditem-after.resp.xml")
	list := p.messages[0].find("Items").all("CalendarItem")
	if len(list) != 2 {
		t.Fatalf("%d items", len(list))
	}
	board, drop, ok := event(list[0], time.UTC)
	want := connectors.Event{
		Key:    "AAAAAGnB071/+/NLpchS1DWdSrMHAAIAAAClGHtvvNzqHtA8VlcAAAAAAA8AAAIAAAClGHtvvNzqHtA8VlcAAAAJAAAAAAM=",
		Series: "040000008200e00074c5b7101a82e008000000000000000000000000000000000000000010000000ff684fea46c8a44aa8eec0059c9da287",
		Rev:    "AgAAAKUYe2+83Ooe0DxWVwAAAAAAIg==", From: at("2026-11-23T09:00:00Z"), To: at("2026-11-23T10:45:00Z"),
		Private: true, Mine: true, Created: at("2026-11-21T20:18:32Z"), Written: at("2026-11-21T20:18:32Z"),
	}
	if d := cmp.Diff(want, board); d != "" || drop || !ok {
		t.Error(drop, ok, d)
	}
	if got := propertyOf(list[0], "X-Rooms-CheckIn"); got != "2026-11-23T09:02:00Z" {
		t.Errorf("the property is %q", got)
	}
	s, ok := newSeries(list[1], time.UTC, false)
	if !ok {
		t.Fatal("no series")
	}
	x := s.between(when.Interval{From: at("2026-11-01T00:00:00Z"), To: at("2026-12-31T00:00:00Z")})
	if len(x.Occurrences) != 5 || !x.Occurrences[4].From.Equal(at("2026-11-27T11:00:00Z")) || s.index("20261125T110000Z") != 3 || s.index("20261125T120000Z") != 0 {
		t.Errorf("%d occurrences, number %d", len(x.Occurrences), s.index("20261125T110000Z"))
	}
	item := corpusReply(t, "replies/grommunio/getitem.resp.xml").messages[0].find("CalendarItem")
	if e, _, ok := event(item, time.UTC); !ok || !e.To.Equal(at("2026-11-23T10:00:00Z")) || !e.Private {
		t.Errorf("%+v", e)
	}
}

func TestFieldsOfRecordedAnswers(t *testing.T) {
	t.Parallel()
	item := corpusReply(t, "samples/getitem-operation-calendar-item-04.xml").messages[0].find("CalendarItem")
	e, drop, ok := event(item, time.UTC)
	want := connectors.Event{
		Key: "ASUAdT", Series: "item-ASUAdT", Rev: "otlIqB==", From: at("2006-06-16T00:30:00Z"), To: at("2006-06-16T01:00:00Z"),
		Organizer: "Bob", OrganizerAddr: "someone@example.com", Mine: true, Created: at("2006-06-16T00:12:41Z"), Written: at("2006-06-16T00:12:41Z"),
	}
	if d := cmp.Diff(want, e); d != "" || drop || !ok {
		t.Error(drop, ok, d)
	}
	for file, want := range map[string][]connectors.RoomRef{
		"samples/getrooms-operation-02.xml": {
			{ID: "room01@contoso.com", Name: "Room01", Address: "room01@contoso.com"}, {ID: "room02@contoso.com", Name: "Room02", Address: "room02@contoso.com"},
		},
		"replies/grommunio/getrooms.resp.xml": {
			{ID: "room1@rooms.test", Name: "room1", Address: "room1@rooms.test"}, {ID: "room2@rooms.test", Name: "room2", Address: "room2@rooms.test"},
		},
		"replies/exchangelib/test_protocol-03.xml": {
			{ID: "room1@example.com", Name: "room1", Address: "room1@example.com"}, {ID: "room2@example.com", Name: "room2", Address: "room2@example.com"},
		},
	} {
		var got []connectors.RoomRef
		for _, r := range corpusReply(t, file).messages[0].child("Rooms").all("Room") {
			if ref, ok := mailbox(r.child("Id")); ok {
				got = append(got, ref)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(file, d)
		}
	}
	sync := corpusReply(t, "replies/grommunio/syncfolderitems-initial.resp.xml").messages[0]
	if n := len(sync.child("Changes").kids); n != 2 || sync.child("SyncState").word() != "AgACARdAEAAAAAEAUgAAAAkAAAAAAAkAAQACAZZnEAAAAAEAUgAAAAAAAQAAAAAAIgA=" {
		t.Errorf("%d changes", n)
	}
	if n := len(corpusReply(t, "replies/grommunio/syncfolderitems-nochange.resp.xml").messages[0].child("Changes").kids); n != 0 {
		t.Errorf("%d changes where nothing happened", n)
	}
	if id := corpusReply(t, "replies/grommunio/subscribe-streaming.resp.xml").messages[0].child("SubscriptionId").word(); id != "AQAAAAUAAAA=" {
		t.Errorf("subscription %q", id)
	}
	names := corpusReply(t, "replies/exchangelib/test_protocol-05.xml").messages[0]
	if n := len(names.child("ResolutionSet").all("Resolution")); n != 2 || names.attr("ResponseClass") != "Warning" {
		t.Errorf("%d names", n)
	}
	if c := corpusReply(t, "samples/getattachment-operation-02.xml").messages[0].find("Content").raw(); c != "AQIDBAU=" {
		t.Errorf("attachment %q", c)
	}
}

func TestTimesOfSample(t *testing.T) {
	t.Parallel()
	p := corpusReply(t, "samples/getuseravailability-operation-02.xml")
	var got []string
	for _, r := range p.root.find("FreeBusyResponseArray").all("FreeBusyResponse") {
		for _, n := range r.child("FreeBusyView").child("CalendarEventArray").all("CalendarEvent") {
			e, ok := busyEvent(n, map[string]int{})
			if !ok || e.Subject != "" {
				t.Errorf("%+v", e)
			}
			got = append(got, e.Key+map[bool]string{true: " tentative"}[e.Tentative])
		}
	}
	want := []string{
		"20061016T130000Z/20061016T133000Z", "20061016T140000Z/20061016T150000Z", "20061016T164000Z/20061016T171000Z", "20061016T160000Z/20061016T170000Z tentative",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestErrorsOfRecordedAnswers(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]connectors.Error{
		"replies/grommunio/deleteitem-again.resp.xml":      {Kind: connectors.NotFound, Code: "ErrorItemNotFound"},
		"replies/grommunio/getservertimezones.resp.xml":    {Kind: connectors.Invalid, Code: "Server"},
		"replies/exchangelib/test_services-03.xml":         {Kind: connectors.Throttled, Code: "ErrorServerBusy", After: 297749 * time.Millisecond},
		"replies/exchangelib/test_services-01.xml":         {Kind: connectors.Transient, Code: "ErrorInternalServerError"},
		"replies/exchangelib/test_services-04.xml":         {Kind: connectors.Invalid, Code: "ErrorSchemaValidation"},
		"samples/subscribe-operation-03.xml":               {Kind: connectors.Unsupported, Code: "ErrorSubscriptionDelegateAccessNotSupported"},
		"samples/syncfolderitems-operation-03.xml":         {Kind: connectors.CursorExpired, Code: "ErrorInvalidSyncStateData"},
		"replies/exchangelib/test_services-02.xml":         {Kind: connectors.Invalid, Code: "ErrorInvalidValueForProperty"},
		"samples/getimitemlist-operation-03.xml":           {Kind: connectors.Invalid, Code: "ErrorIncorrectSchemaVersion"},
		"samples/getuseroofsettings-operation-03.xml":      {Kind: connectors.Invalid, Code: "Client"},
		"samples/updateitem-operation-contact-04.xml":      {Kind: connectors.Invalid, Code: "ErrorSchemaValidation"},
		"samples/getserviceconfiguration-operation-03.xml": {Kind: connectors.Invalid, Code: "ErrorSchemaValidation"},
	} {
		resp := corpusFile(t, file)
		root, err := judge("test", "", resp)
		if err == nil {
			list := responses(root, nil)
			if len(list) == 0 || list[0].attr("ResponseClass") != "Error" {
				t.Errorf("%s: no error", file)
				continue
			}
			err = readProblem(list[0]).err("test", "")
		}
		var e *connectors.Error
		if !errors.As(err, &e) || e.Kind != want.Kind || e.Code != want.Code || e.After != want.After {
			t.Errorf("%s: %v (%v)", file, err, connectors.AfterOf(err))
		}
	}
}

// A recorded stream is several envelopes without anything between them.
func TestRecordedStream(t *testing.T) {
	t.Parallel()
	body := corpusFile(t, "replies/grommunio/getstreamingevents.resp.xml").Body
	byID := map[string]string{"AQAAAAUAAAA=": room}
	for _, chunk := range []int{1, 7, 100, 4096, len(body)} {
		s := &splitter{in: &slow{b: body, n: chunk}}
		var changed, closed, count int
		for {
			doc, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			count++
			n, err := (&Conn{}).notice("test", "", doc, byID)
			if err != nil || len(n.lost) > 0 {
				t.Fatal(n, err)
			}
			changed += len(n.changed)
			if n.closed {
				closed++
			}
		}
		if count != 5 || changed != 1 || closed != 2 {
			t.Errorf("in parts of %d bytes: %d envelopes, %d changes, %d closings", chunk, count, changed, closed)
		}
	}
	s := &splitter{in: &slow{b: body[:len(body)-10], n: 64}}
	var err error
	for err == nil {
		_, err = s.next()
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a stream that is cut ends with %v", err)
	}
}

const room = "room1@rooms.test"

// slow gives n bytes at a time.
type slow struct {
	b []byte
	n int
}

func (s *slow) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(s.n, len(p))], s.b)
	s.b = s.b[n:]
	return n, nil
}
