package caldav

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

const xmlHead = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

const namespaces = ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"`

// maxResponses bounds the entries of one multistatus.
const maxResponses = 200_000

// answer is a decoded multistatus (RFC 4918 13).
type answer struct {
	responses []response
	url       *url.URL // after redirects
	asOf      time.Time
	raw       *outbound.Response
}

// response is one resource. Its props are those with a status of success; the others are as if the
// server had not named them.
type response struct {
	href   string
	status int // of the resource as a whole; 0 = it has props
	props  props
}

func (r response) written() time.Time { return httpTime(r.props.LastModified) }

// httpTime reads the time of a last change, zero when there is none. HTTP wants GMT (RFC 9110 5.6.7); SOGo
// writes its own zone as mail does.
func httpTime(s string) time.Time {
	s = strings.TrimSpace(s)
	t, err := http.ParseTime(s)
	if err != nil {
		t, err = time.Parse(time.RFC1123Z, s)
	}
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// props are the properties that we ask for, by local name: prefixes and even namespaces vary.
type props struct {
	ETag         string  `xml:"getetag"`
	CTag         string  `xml:"getctag"`
	SyncToken    string  `xml:"sync-token"`
	LastModified string  `xml:"getlastmodified"`
	ContentType  string  `xml:"getcontenttype"`
	DisplayName  string  `xml:"displayname"`
	Data         *string `xml:"calendar-data"`
	ResourceType names   `xml:"resourcetype"`
	Principal    struct {
		Href     string    `xml:"href"`
		Stranger *struct{} `xml:"unauthenticated"`
	} `xml:"current-user-principal"`
	HomeSet struct {
		Hrefs []string `xml:"href"`
	} `xml:"calendar-home-set"`
	Components *struct {
		Comps []struct {
			Name string `xml:"name,attr"`
		} `xml:"comp"`
	} `xml:"supported-calendar-component-set"`
	Privileges *struct {
		List []names `xml:"privilege"`
	} `xml:"current-user-privilege-set"`
}

// names are the local names of an element's children.
type names struct {
	Any []struct {
		XMLName xml.Name
	} `xml:",any"`
}

func (n names) has(local string) bool {
	for _, a := range n.Any {
		if a.XMLName.Local == local {
			return true
		}
	}
	return false
}

type propstatXML struct {
	Status string `xml:"status"`
	Prop   props  `xml:"prop"`
}

type responseXML struct {
	Hrefs     []string      `xml:"href"`
	Status    string        `xml:"status"`
	Propstats []propstatXML `xml:"propstat"`
}

// decode reads a multistatus. It never keeps more than maxResponses entries.
func decode(body []byte) ([]response, error) {
	d := xml.NewDecoder(bytes.NewReader(printable(body)))
	d.Entity = xml.HTMLEntity
	d.CharsetReader = charset
	root := false
	var out []response
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) && root {
			return out, nil
		}
		if err != nil {
			return nil, errors.New("the XML is damaged")
		}
		el, ok := tok.(xml.StartElement)
		switch {
		case !ok:
		case !root && el.Name.Local == "multistatus":
			root = true
		case !root:
			return nil, errors.New("not a multistatus")
		case el.Name.Local == "response":
			var r responseXML
			if err := d.DecodeElement(&r, &el); err != nil {
				return nil, errors.New("the XML is damaged")
			}
			if out = append(out, r.flat()...); len(out) > maxResponses {
				return nil, errors.New("too many entries")
			}
		default:
			if err := d.Skip(); err != nil {
				return nil, errors.New("the XML is damaged")
			}
		}
	}
}

// flat returns an entry for each href: an answer without props may name several.
func (r responseXML) flat() []response {
	var out []response
	for _, h := range r.Hrefs {
		e := response{href: strings.TrimSpace(h), status: statusCode(r.Status)}
		for _, p := range r.Propstats {
			if code := statusCode(p.Status); code == 0 || code/100 == 2 {
				e.props = p.Prop
				break
			}
		}
		out = append(out, e)
	}
	return out
}

// statusCode reads "HTTP/1.1 404 Not Found"; 0 when it is no status line.
func statusCode(s string) int {
	f := strings.Fields(s)
	if len(f) < 2 || !strings.HasPrefix(f[0], "HTTP/") {
		return 0
	}
	n, err := strconv.Atoi(f[1])
	if err != nil || n < 100 || n > 599 {
		return 0
	}
	return n
}

// printable replaces control characters, which XML forbids but calendars contain, by spaces, and bytes
// that are not UTF-8 where the document does not name another encoding.
func printable(b []byte) []byte {
	head := b[:min(len(b), 200)]
	if !utf8.Valid(b) && !bytes.Contains(bytes.ToLower(head), []byte("8859")) && !bytes.Contains(bytes.ToLower(head), []byte("1252")) {
		b = bytes.ToValidUTF8(b, []byte("?"))
	}
	control := func(c byte) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' }
	if !slices.ContainsFunc(b, control) {
		return b
	}
	b = bytes.Clone(b)
	for i, c := range b {
		if control(c) {
			b[i] = ' '
		}
	}
	return b
}

// charset reads the encodings that old servers name.
func charset(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return in, nil
	case "iso-8859-1", "latin1", "iso-8859-15", "windows-1252":
		b, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		r := make([]rune, len(b))
		for i, c := range b {
			r[i] = rune(c)
		}
		return strings.NewReader(string(r)), nil
	}
	return nil, fmt.Errorf("encoding not known")
}

// propfind asks for properties of u (depth 0) or also of its members (depth 1).
func (c *Connector) propfind(ctx context.Context, op string, u *url.URL, depth, properties string) (*answer, error) {
	body := xmlHead + `<D:propfind` + namespaces + `><D:prop>` + properties + `</D:prop></D:propfind>`
	a, err := c.multistatus(ctx, op, "PROPFIND", u, depth, body)
	if err == nil && len(a.responses) == 1 && a.responses[0].status >= 400 {
		// Some servers (Xandikos) say so within the answer that there is nothing.
		return nil, outbound.StatusErr(op, a.responses[0].status)
	}
	return a, err
}

// multiget asks for some objects of a collection with their data.
func (c *Connector) multiget(ctx context.Context, at *url.URL, hrefs []string) (*answer, error) {
	var b strings.Builder
	b.WriteString(xmlHead + `<C:calendar-multiget` + namespaces + `><D:prop><D:getetag/><D:getlastmodified/><C:calendar-data/></D:prop>`)
	for _, h := range hrefs {
		b.WriteString("<D:href>")
		_ = xml.EscapeText(&b, []byte(h)) // a Builder never fails
		b.WriteString("</D:href>")
	}
	b.WriteString(`</C:calendar-multiget>`)
	return c.multistatus(ctx, "read objects", "REPORT", at, "1", b.String())
}

func (c *Connector) multistatus(ctx context.Context, op, method string, u *url.URL, depth, body string) (*answer, error) {
	header := http.Header{"Content-Type": {`application/xml; charset=utf-8`}, "Depth": {depth}}
	resp, err := c.do(ctx, op, method, u, header, []byte(body))
	if err != nil {
		return nil, err
	}
	if err := davErr(op, resp); err != nil {
		return nil, err
	}
	if resp.Status != http.StatusMultiStatus {
		if resp.IsHTML() {
			return nil, resp.HTMLErr()
		}
		return nil, &connectors.Error{Kind: connectors.Invalid, Op: op, Code: "HTTP " + strconv.Itoa(resp.Status), Cure: "calendar.cure.no_caldav", Said: "HTTP " + strconv.Itoa(resp.Status)}
	}
	list, err := decode(resp.Body)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Invalid, Op: op, Code: "bad answer", Err: err}
	}
	for _, r := range list {
		if r.props.Principal.Stranger != nil {
			return nil, &connectors.Error{Kind: connectors.Auth, Op: op, Code: "unauthenticated", Said: "DAV:unauthenticated"}
		}
	}
	return &answer{list, resp.URL, resp.AsOf(), resp}, nil
}

// davErr is outbound's table, with the precondition that a WebDAV server names (RFC 4918 16).
func davErr(op string, resp *outbound.Response) error {
	err := resp.Err()
	var e *connectors.Error
	if !errors.As(err, &e) {
		return nil
	}
	e.Op = op
	var body struct {
		XMLName xml.Name
		names
	}
	if xml.Unmarshal(printable(resp.Body), &body) == nil && body.XMLName.Local == "error" && len(body.Any) > 0 {
		name := body.Any[0].XMLName.Local
		e.Code += " " + name
		e.Said += " (" + name + ")"
	}
	return e
}
