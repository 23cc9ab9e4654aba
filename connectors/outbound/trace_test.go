package outbound

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lintel/app/secret"
)

// What must never come through, wherever it stands.
var secrets = []string{"Geheim 4711", "Anna Müller", "anna.muster@rooms.test", "eyJhbGciOiJub25l", "Kündigung: Beat!", "Zürich HB, Gleis 7", "AAMkAGQ2=="}

func TestRedact(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ kind, in, want string }{
		"ews": {
			"text/xml; charset=utf-8",
			`<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="urn:secret"><!-- Anna -->
<t:CalendarItem><t:ItemId Id="AAMkAGQ2==" ChangeKey="DwAAABYAAAA"/><t:Subject>Lohngespräch Anna</t:Subject>
 <t:Start>2026-11-21T08:00:00Z</t:Start><t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus><t:Sensitivity>Geheim</t:Sensitivity>
<t:IsMeeting>true</t:IsMeeting><m:ResponseCode>ErrorItemNotFound</m:ResponseCode><t:Value Name="BackOffMilliseconds">297749</t:Value>
<t:Mailbox><t:EmailAddress>room1@rooms.test</t:EmailAddress></t:Mailbox></t:CalendarItem></s:Envelope>`,
			`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="[text 10]">` +
				`<t:CalendarItem><t:ItemId Id="[text 10]" ChangeKey="[text 11]"></t:ItemId><t:Subject>[text 17]</t:Subject>` +
				`<t:Start>2026-11-21T08:00:00Z</t:Start><t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus><t:Sensitivity>[text 6]</t:Sensitivity>` +
				`<t:IsMeeting>true</t:IsMeeting><m:ResponseCode>ErrorItemNotFound</m:ResponseCode><t:Value Name="BackOffMilliseconds">297749</t:Value>` +
				`<t:Mailbox><t:EmailAddress>[address 16]</t:EmailAddress></t:Mailbox></t:CalendarItem></s:Envelope>`,
		},
		"graph": {
			"application/json",
			`{"@odata.nextLink":"https://graph.example/v1.0/users/a@b.c/calendarView?$skip=10&x=Anna","value":[{"id":"AAMk","subject":"Anna","start":{"dateTime":"2026-11-21T08:00:00.0000000","timeZone":"Europe/Zurich"},"isAllDay":false,"showAs":"busy","n":17,"z":null}],"error":{"code":"TooManyRequests","message":"a@b.c"}}`,
			`{"@odata.nextLink":"/v1.0/users/[5]/calendarView?$skip=10&x=[text 4]","value":[{"id":"[text 4]","subject":"[text 4]","start":{"dateTime":"2026-11-21T08:00:00.0000000","timeZone":"Europe/Zurich"},"isAllDay":false,"showAs":"busy","n":[number 2],"z":null}],"error":{"code":"TooManyRequests","message":"[address 5]"}}`,
		},
		"keys that are data": {"application/json", `{"calendars":{"a@b.c":{"busy":[]},"room 1":1}}`, `{"calendars":{"[address 5]":{"busy":[]},"[text 6]":[number 1]}}`},
		"token":              {"application/json", `{"access_token":"eyJ0eXAiOiJKV1QiLCJ","expires_in":3599,"token_type":"Bearer"}`, `{"access_token":"[token 19]","expires_in":3599,"token_type":"Bearer"}`},
		"ical": {
			"text/calendar", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;TZID=Europe/Zurich:20261121T080000\r\nSUMMARY:Anna\r\n  und Beat\r\nATTENDEE;CN=\"A; B\";PARTSTAT=ACCEPTED:mailto:a@b.c\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU\r\nEXDATE:20261122T080000Z,20261123T080000Z\r\nGEHEIM:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
			"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=Europe/Zurich:20261121T080000\nSUMMARY:[text 13]\nATTENDEE;CN=[text 4];PARTSTAT=ACCEPTED:[address 12]\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU\nEXDATE:20261122T080000Z,20261123T080000Z\n[text 8]\nEND:VEVENT\nEND:VCALENDAR\n",
		},
		"caldav":       {"application/xml", `<D:href>/dav.php/calendars/anna/work/1.ics</D:href><D:status>HTTP/1.1 200 OK</D:status><D:getetag>"1"</D:getetag>`, `<D:href>/[7]/calendars/[4]/[4]/[5]</D:href><D:status>HTTP/1.1 200 OK</D:status><D:getetag>[text 3]</D:getetag>`},
		"form":         {"application/x-www-form-urlencoded", "grant_type=client_credentials&client_secret=Anna%21&a%40b.c=1", "grant_type=client_credentials&client_secret=[text 5]&[address 5]=[number 1]"},
		"page":         {"text/html", "<html><body>Anna", "[body 16]"},
		"picture":      {"image/png", "\x89PNG", "[body 4]"},
		"components":   {"text/xml", `<C:comp name="VEVENT"/><C:comp-filter name="VCALENDAR"/><C:comp name="Anna"/>`, `<C:comp name="VEVENT"></C:comp><C:comp-filter name="VCALENDAR"></C:comp-filter><C:comp name="[text 4]"></C:comp>`},
		"nothing":      {"text/xml", "", ""},
		"broken xml":   {"text/xml", "<a>Anna<b c=Anna", "<a>[text 4][damaged]"},
		"broken json":  {"application/json", `{"subject":"Anna`, `{"subject":[damaged]`},
		"not for xml":  {"", "<Anna Müller>", "[damaged]"},
		"bare address": {"text/plain", "a@b.c", "[body 5]"},
	} {
		if got := Redact(tt.kind, []byte(tt.in)); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tt.want)
		}
	}
	if got := Redact("text/xml", []byte(strings.Repeat("<a>", 100_000))); len(got) > maxRedacted+100 || !strings.HasSuffix(got, "[cut, 300000 in all]") {
		t.Errorf("a large body gives %d bytes", len(got))
	}
}

func TestClassNames(t *testing.T) {
	t.Parallel()
	seen := map[string]class{}
	for c, names := range classNames() {
		for n := range strings.FieldsSeq(names) {
			n = strings.ToLower(n)
			if other, ok := seen[n]; ok {
				t.Errorf("%s is in classes %d and %d", n, c, other)
			}
			seen[n] = c
		}
	}
}

// A whole exchange, seen through a client.
func TestTrace(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session="+planted)
		w.Header().Set("X-Secret", planted)
		w.Header().Set("Retry-After", "120")
		w.Header().Set("Etag", planted)
		w.Header().Set("Server", "Microsoft-IIS/10.0")
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprintf(w, "<Subject>%s</Subject><ResponseCode>ErrorServerBusy</ResponseCode>", planted)
	})
	var mu sync.Mutex
	var got []Exchange
	c := newClient(t, newOutbound(t), ClientOptions{
		Hosts: []string{base, "http://127.0.0.1:1"}, Credentials: Credentials{Scheme: Basic, User: planted, Password: secret.New(planted)},
		Trace: func(e Exchange) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, e)
		},
	})
	u, _ := url.Parse(base + "/EWS/" + planted + "/Exchange.asmx?timeMin=2026-11-21T08:00:00Z&q=" + planted)
	_, err := c.Do(t.Context(), Request{Op: "read window", Method: "POST", URL: u, Body: []byte("<Subject>" + planted + "</Subject>"), Header: http.Header{
		"Content-Type": {"text/xml; charset=utf-8"}, "Cookie": {planted}, "X-Anchormailbox": {planted + "@x"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := get(c, "http://127.0.0.1:1/"+planted); err == nil {
		t.Fatal("somebody listens on port 1")
	}
	want := []Exchange{
		{
			At: testNow, Op: "read window", Method: "POST", URL: base + "/EWS/[14]/Exchange.asmx?timeMin=2026-11-21T08:00:00Z&q=[text 14]",
			SignIn: "Basic", Status: 429,
			RequestHeader:  []string{"Content-Type: text/xml; charset=utf-8", "X-Anchormailbox: [address 16]"},
			ResponseHeader: []string{"Content-Length: 77", "Content-Type: text/xml", "Date: ", "Etag: [text 14]", "Retry-After: 120", "Server: Microsoft-IIS/10.0"},
			RequestBody:    "<Subject>[text 14]</Subject>",
			ResponseBody:   "<Subject>[text 14]</Subject><ResponseCode>ErrorServerBusy</ResponseCode>",
		},
		{At: testNow, Op: "test", Method: "GET", URL: "http://127.0.0.1:1/[14]", SignIn: "Basic", Err: "out of reach (connection refused)"},
	}
	for i, h := range got[0].ResponseHeader {
		if strings.HasPrefix(h, "Date: ") {
			got[0].ResponseHeader[i] = "Date: "
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, e := range got {
		if s := e.String(); strings.Contains(s, planted) || !strings.Contains(s, e.Op) {
			t.Errorf("as text: %s", s)
		}
	}
}

// Whatever real systems sent, nothing that somebody wrote comes through.
func TestRedactCorpus(t *testing.T) {
	t.Parallel()
	corpus := os.Getenv("LINTEL_CORPUS")
	if corpus == "" {
		t.Skip("LINTEL_CORPUS is not set")
	}
	personal := map[string]bool{}
	for n := range strings.FieldsSeq("Subject Body Location EmailAddress Name DisplayName UID DisplayTo Organizer MessageText faultstring") {
		personal[n] = true
	}
	files, values := 0, 0
	err := filepath.WalkDir(filepath.Join(corpus, "ews"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".xml" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		out := Redact("text/xml", body)
		files++
		dec := xml.NewDecoder(bytes.NewReader(body))
		element := ""
		for {
			tok, err := dec.Token()
			if err != nil {
				return nil
			}
			var v string
			switch tok := tok.(type) {
			case xml.StartElement:
				element = tok.Name.Local
				for _, a := range tok.Attr {
					if a.Name.Local == "Id" && element != "DistinguishedFolderId" && !strings.Contains(element, "TimeZone") {
						v = a.Value
					}
				}
			case xml.CharData:
				if personal[element] {
					v = strings.TrimSpace(string(tok))
				}
			}
			if len(v) > 8 {
				values++
				if strings.Contains(out, v) {
					t.Errorf("%s: %s shows %q", filepath.Base(path), element, v)
				}
			}
		}
	})
	if err != nil || files < 100 || values < 100 {
		t.Errorf("%d files, %d values: %v", files, values, err)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("Subject", "", "", uint8(0))
	f.Add("Start", "2026-11-21T", "Z", uint8(2))
	f.Add("SUMMARY", "a\r\n ", ";", uint8(3))
	f.Add("href", "/calendars/", "/", uint8(4))
	f.Add("code", "Error", "", uint8(5))
	f.Add("url", "https://x/", "?a=b", uint8(1))
	f.Add("DTSTART;TZID", "Europe/", "", uint8(6))
	f.Add("Location", "a://\xdf", "\xec", uint8(')'))
	f.Fuzz(func(t *testing.T, name, before, after string, n uint8) {
		planted := secrets[int(n)%len(secrets)]
		value := before + planted + after
		var x bytes.Buffer
		_ = xml.EscapeText(&x, []byte(value))
		text := x.String()
		x.Reset()
		_ = xml.EscapeText(&x, []byte(name))
		j, _ := json.Marshal(map[string]any{name: value, "value": []any{map[string]any{"subject": value}, value}, value: 1})
		line := strings.NewReplacer("\r", "", "\n", "").Replace(value)
		key := strings.NewReplacer("\r", "", "\n", "").Replace(name)
		location := line
		if u, err := url.Parse(line); err == nil && isHost(u.Host) && strings.Contains(u.Host, planted) {
			location = "" // where a redirect leads is shown: what has the form of a host is one
		}
		for _, out := range []string{
			Redact("text/xml", []byte("<a "+strings.Trim(name, " <>=/\"'")+`="`+text+`"><`+name+">"+text+"</"+name+"></a>")),
			Redact("text/xml", []byte(`<a Id="`+text+`"><Subject>`+text+"</Subject><ResponseCode>"+text+"</ResponseCode>"+text+"</a>"+text)),
			Redact("application/json", j),
			Redact("text/calendar", []byte("BEGIN:VCALENDAR\r\nSUMMARY:"+line+"\r\n"+key+":"+line+"\r\nATTENDEE;CN="+line+":"+line+"\r\nDTSTART;TZID="+line+":"+line+"\r\n"+line+"\r\nRRULE:"+line)),
			Redact("application/x-www-form-urlencoded", []byte(url.Values{name: {value}, value: {name}}.Encode())),
			Redact("", []byte(value)),
			redactURL(&url.URL{Scheme: "https", Host: "x.example", Path: "/" + value, RawQuery: url.Values{name: {value}}.Encode()}),
			fmt.Sprint(redactHeader(http.Header{"Server": {line}, "Content-Type": {line}, "Location": {location}, "Dav": {line}, "Www-Authenticate": {"Basic realm=" + line}, "Date": {line}, "Retry-After": {line}, "Request-Id": {line}})),
		} {
			if strings.Contains(out, planted) || strings.Contains(out, url.QueryEscape(planted)) || strings.Contains(out, url.PathEscape(planted)) {
				t.Fatalf("%q shows %q", out, planted)
			}
		}
	})
}

// A stream is traced by its head.
func TestTraceOfStream(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, planted) })
	var got Exchange
	c := newClient(t, newOutbound(t), ClientOptions{Hosts: []string{base}, Trace: func(e Exchange) { got = e }})
	u, _ := url.Parse(base)
	body, _, err := c.Stream(t.Context(), Request{Op: "listen", Method: "GET", URL: u})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got.ResponseBody != "[stream]" || got.Status != 200 {
		t.Errorf("%+v", got)
	}
}
