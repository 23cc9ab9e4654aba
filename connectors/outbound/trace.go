package outbound

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Exchange is one request and its answer as support may see it: already redacted, see Redact.
type Exchange struct {
	At     time.Time
	Took   time.Duration
	Op     string
	Method string
	URL    string // with every path segment and query value masked that is no known word
	SignIn string // the scheme that was answered with, "" for none
	Status int    // 0 when there was no answer
	Err    string // why there was none

	RequestHeader, ResponseHeader []string // "Name: value", of an allow-list
	RequestBody, ResponseBody     string
}

// String writes an exchange as text of several lines.
func (e Exchange) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n> %s %s\n", e.At.UTC().Format(time.RFC3339), e.Op, e.Method, e.URL)
	if e.SignIn != "" {
		fmt.Fprintf(&b, "> signs in by %s\n", e.SignIn)
	}
	part := func(mark string, header []string, body string) {
		for _, h := range header {
			fmt.Fprintf(&b, "%s %s\n", mark, h)
		}
		if body != "" {
			fmt.Fprintf(&b, "%s\n%s\n", mark, body)
		}
	}
	part(">", e.RequestHeader, e.RequestBody)
	if e.Status != 0 {
		fmt.Fprintf(&b, "< HTTP %d after %s\n", e.Status, e.Took.Round(time.Millisecond))
	}
	if e.Err != "" {
		fmt.Fprintf(&b, "< %s after %s\n", e.Err, e.Took.Round(time.Millisecond))
	}
	part("<", e.ResponseHeader, e.ResponseBody)
	return b.String()
}

func newExchange(req Request, authorization string, resp *Response, err error, start, end time.Time) Exchange {
	e := Exchange{
		At: start, Took: end.Sub(start), Op: req.Op, Method: req.Method, URL: redactURL(req.URL),
		RequestHeader: redactHeader(req.Header), RequestBody: Redact(req.Header.Get("Content-Type"), req.Body),
	}
	e.SignIn, _, _ = strings.Cut(authorization, " ")
	if err != nil {
		e.Err = netError(context.Background(), context.Background(), "", err).Error()
	}
	if resp == nil {
		return e
	}
	e.Status, e.ResponseHeader = resp.Status, redactHeader(resp.Header)
	if e.ResponseBody = Redact(resp.Header.Get("Content-Type"), resp.Body); resp.stream != nil {
		e.ResponseBody = "[stream]"
	}
	return e
}

// Redact returns a body in which its structure can be seen and nothing that somebody wrote: values of
// XML, JSON, iCalendar and forms are replaced by what they look like and how long they are, except
// times, numbers, codes and fixed words where these are expected. Other kinds of body are only counted.
func Redact(contentType string, body []byte) string {
	if len(body) == 0 {
		return ""
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	s := strings.TrimLeft(strings.TrimPrefix(string(body), "\ufeff"), " \t\r\n")
	var out string
	switch {
	case kind == "text/html" || kind == "application/xhtml+xml":
	case len(s) >= 15 && strings.EqualFold(s[:15], "BEGIN:VCALENDAR"):
		out = redactICal(s)
	case strings.HasPrefix(s, "<"):
		out = redactXML(s)
	case strings.HasPrefix(s, "{"), strings.HasPrefix(s, "["):
		out = redactJSON(s)
	case kind == "application/x-www-form-urlencoded":
		out = redactForm(s)
	}
	if out == "" {
		return fmt.Sprintf("[body %d]", len(body))
	}
	if len(out) > maxRedacted {
		return fmt.Sprintf("%s\n[cut, %d in all]", out[:maxRedacted], len(out))
	}
	return out
}

// maxRedacted bounds what is shown of one body, in bytes. All of it is ASCII.
const maxRedacted = 64 << 10

// redactHeader returns what support needs of a header. Never Authorization, never cookies.
func redactHeader(h http.Header) []string {
	var out []string
	for name, show := range shownHeaders() {
		for _, v := range h.Values(name) {
			if v = show(v); v != "" {
				out = append(out, name+": "+v)
			}
		}
	}
	slices.Sort(out)
	return out
}

func shownHeaders() map[string]func(string) string {
	of := func(k class) func(string) string { return func(v string) string { return k.redact(v) } }
	words := func(v string) string {
		var kept []string
		for w := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
			kept = append(kept, headerWord.redact(w))
		}
		return strings.Join(kept[:min(len(kept), 40)], ", ")
	}
	return map[string]func(string) string{
		"Content-Type": func(v string) string {
			t, p, err := mime.ParseMediaType(v)
			if err != nil || !mediaType.fits(t) {
				return mask(v)
			}
			if c := p["charset"]; c != "" {
				t += "; charset=" + headerWord.redact(c)
			}
			return t
		},
		"Content-Length": of(number), "Retry-After": func(v string) string {
			if _, err := http.ParseTime(v); err == nil {
				return v
			}
			return number.redact(v)
		},
		"Date": func(v string) string {
			if _, err := http.ParseTime(v); err != nil {
				return mask(v)
			}
			return v
		},
		"WWW-Authenticate": func(v string) string { return offered(http.Header{"Www-Authenticate": {v}}) },
		"Allow":            words, "Dav": words, "Depth": words, "Prefer": words, "Content-Encoding": words, "Transfer-Encoding": words,
		"Connection": words, "Server": words,
		"Request-Id": of(guid), "Client-Request-Id": of(guid), "X-Owa-Version": of(number),
		"X-Anchormailbox": mask, "If-Match": mask, "If-None-Match": mask, "Etag": mask, "Location": func(v string) string {
			u, err := url.Parse(v)
			if err != nil {
				return mask(v)
			}
			return redactURL(u)
		},
	}
}

// redactURL keeps the host and known words.
func redactURL(u *url.URL) string {
	var b strings.Builder
	if u.Host != "" {
		host := u.Host
		if !isHost(host) {
			host = mask(host)
		}
		b.WriteString(u.Scheme + "://" + host)
	}
	b.WriteString(redactPath(u.EscapedPath()))
	if u.RawQuery != "" {
		b.WriteString("?" + redactForm(u.RawQuery))
	}
	return b.String()
}

// isHost reports whether s is a name or an address, perhaps with a port, as they go over the wire.
func isHost(s string) bool {
	return strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") == ""
}

func redactPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s != "" && !pathWord(s) {
			segments[i] = fmt.Sprintf("[%d]", len(s))
		}
	}
	return strings.Join(segments, "/")
}

// redactForm handles name=value pairs. Names that are none are masked too.
func redactForm(s string) string {
	pairs := strings.Split(s, "&")
	for i, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		value, err := url.QueryUnescape(v)
		if err != nil {
			value = v
		}
		name, err := url.QueryUnescape(k)
		if err != nil || !identifier(name) {
			pairs[i] = mask(name) + "=" + mask(value)
			continue
		}
		pairs[i] = name + "=" + classOf(name).redact(value)
	}
	return strings.Join(pairs, "&")
}
