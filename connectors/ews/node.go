package ews

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lintel/app/when"
)

// Bounds of one answer's tree, far above what a server sends.
const (
	maxNodes = 400_000
	maxDepth = 64
)

// node is one element of an answer. Servers differ in prefixes, in namespaces and in the order of
// elements, and add elements of their own, so everything is found by its local name.
type node struct {
	name  string
	attrs map[string]string // nil when there are none
	text  string            // of the element itself, as it is written
	kids  []*node
}

var errDamaged = errors.New("the XML is damaged")

// decode reads one XML document of bounded size.
func decode(body []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(printable(body)))
	d.Entity = xml.HTMLEntity
	d.CharsetReader = charset
	var root *node
	var open []*node
	var texts [][]byte // of the open elements; a text may come in many pieces
	for count := 0; ; {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		}
		if err != nil {
			if errors.Is(err, errEncoding) {
				return nil, errEncoding
			}
			return nil, errDamaged
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if count++; count > maxNodes || len(open) >= maxDepth || root != nil && len(open) == 0 {
				return nil, errDamaged
			}
			n := newNode(t)
			if len(open) == 0 {
				root = n
			} else {
				parent := open[len(open)-1]
				parent.kids = append(parent.kids, n)
			}
			open, texts = append(open, n), append(texts, nil)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != t.Name.Local {
				return nil, errDamaged
			}
			last := len(open) - 1
			open[last].text = string(texts[last])
			open, texts = open[:last], texts[:last]
		case xml.CharData:
			if last := len(open) - 1; last >= 0 {
				texts[last] = append(texts[last], t...)
			}
		}
	}
}

func newNode(t xml.StartElement) *node {
	n := &node{name: t.Name.Local}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		if n.attrs == nil {
			n.attrs = map[string]string{}
		}
		n.attrs[a.Name.Local] = a.Value
	}
	return n
}

// at follows local names downwards; nil when one of them is not there. It may be called on nil.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n = n.child(name); n == nil {
			return nil
		}
	}
	return n
}

func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// all returns the children of a name.
func (n *node) all(name string) []*node {
	var out []*node
	if n != nil {
		for _, k := range n.kids {
			if k.name == name {
				out = append(out, k)
			}
		}
	}
	return out
}

// find returns the first element of a name at any depth, n itself included.
func (n *node) find(name string) *node {
	if n == nil || n.name == name {
		return n
	}
	for _, k := range n.kids {
		if f := k.find(name); f != nil {
			return f
		}
	}
	return nil
}

// raw is the text as it is written, "" for nil: subjects and names.
func (n *node) raw() string {
	if n == nil {
		return ""
	}
	return n.text
}

// word is the text without spaces around it: codes, identifiers.
func (n *node) word() string { return strings.TrimSpace(n.raw()) }

func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	return n.attrs[name]
}

// yes reads an xs:boolean; anything else is false.
func (n *node) yes() bool {
	s := n.word()
	return s == "true" || s == "1"
}

func (n *node) int() int {
	i, err := strconv.Atoi(n.word())
	if err != nil {
		return 0
	}
	return i
}

// time reads an xs:dateTime. Without a zone it is UTC, which is what we ask for. Fractions are cut: one
// second is the tick of all Exchange servers, and another one's finer clock would decide races by what
// its disks did.
func (n *node) time() (time.Time, bool) {
	s := n.word()
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Second), t.Year() > 1601 && t.Year() < 9999
		}
	}
	return time.Time{}, false
}

// date reads an xs:date, which may have a zone, and from some servers a time: neither belongs to the day.
func (n *node) date() (when.Date, bool) {
	s := n.word()
	d, err := when.ParseDate(s[:min(len(s), len(time.DateOnly))])
	return d, err == nil
}

// printable replaces what XML 1.0 forbids but subjects contain, raw or as a character reference, by
// spaces, and bytes that are not UTF-8.
func printable(b []byte) []byte {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("?"))
	}
	if !needsCare(b) {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			out = append(out, ' ')
		case c == '&':
			n, ok := reference(b[i:])
			if ok {
				out = append(out, c)
				continue
			}
			out = append(out, ' ')
			i += n - 1
		default:
			out = append(out, c)
		}
	}
	return out
}

func needsCare(b []byte) bool {
	for i, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == '&' && i+1 < len(b) && b[i+1] == '#' {
			return true
		}
	}
	return false
}

// reference looks at a text that begins with "&". It reports false with its length for a numeric
// reference to a character that XML does not have.
func reference(b []byte) (n int, ok bool) {
	if len(b) < 4 || b[1] != '#' {
		return 0, true
	}
	end := bytes.IndexByte(b[:min(len(b), 12)], ';')
	if end < 0 {
		return 0, true
	}
	digits, base := string(b[2:end]), 10
	if digits != "" && (digits[0] == 'x' || digits[0] == 'X') {
		digits, base = digits[1:], 16
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0, true // damaged: the decoder says so
	}
	legal := v == 9 || v == 10 || v == 13 || v >= 0x20 && v < 0xd800 || v >= 0xe000 && v <= 0xfffd || v >= 0x10000 && v <= 0x10ffff
	return end + 1, legal
}

var errEncoding = errors.New("the answer has another encoding than UTF-8")

// charset accepts the names of UTF-8 and its subset, and refuses all others: Exchange sends nothing else.
func charset(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(label)) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return in, nil
	}
	return nil, errEncoding
}

// escape makes text fit for an element or an attribute. Characters that XML does not have become U+FFFD.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}
