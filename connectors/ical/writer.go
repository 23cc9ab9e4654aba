package ical

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// foldAt is the longest line in octets, without its CRLF (RFC 5545 3.1).
const foldAt = 75

// Write writes the calendar as RFC 5545 asks: CRLF, folded at 75 octets but never within a character.
// A line break or control character that crept into a value can not start a property of its own.
func (c *Calendar) Write(w io.Writer) error {
	if _, err := w.Write(c.Bytes()); err != nil {
		return fmt.Errorf("write calendar: %w", err)
	}
	return nil
}

// Bytes returns what Write writes.
func (c *Calendar) Bytes() []byte {
	var b bytes.Buffer
	for _, root := range c.Components {
		writeComponent(&b, root)
	}
	return b.Bytes()
}

func writeComponent(b *bytes.Buffer, c *Component) {
	name := cleanName(c.Name)
	writeLine(b, "BEGIN:"+name)
	for _, p := range c.Props {
		writeLine(b, contentLine(p))
	}
	for _, ch := range c.Children {
		writeComponent(b, ch)
	}
	writeLine(b, "END:"+name)
}

func contentLine(p Prop) string {
	var b strings.Builder
	b.WriteString(cleanName(p.Name))
	for _, q := range p.Params {
		b.WriteByte(';')
		b.WriteString(cleanName(q.Name))
		for i, v := range q.Values {
			if i == 0 {
				b.WriteByte('=')
			} else {
				b.WriteByte(',')
			}
			b.WriteString(encodeParam(v))
		}
	}
	b.WriteByte(':')
	v := p.Value
	if strings.ContainsAny(v, "\r\n") {
		v = strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(v)
	}
	b.WriteString(dropControls(v))
	return b.String()
}

// cleanName keeps a name a name; what is left of an impossible one is X-INVALID.
func cleanName(s string) string {
	if isName(s) {
		return strings.ToUpper(s)
	}
	return "X-INVALID"
}

func writeLine(b *bytes.Buffer, s string) {
	s = strings.ToValidUTF8(s, "\uFFFD")
	room := foldAt
	for len(s) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		b.WriteString(s[:cut])
		b.WriteString("\r\n ")
		s = s[cut:]
		room = foldAt - 1 // the leading space counts
	}
	b.WriteString(s)
	b.WriteString("\r\n")
}
