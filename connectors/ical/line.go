package ical

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// lines walks over the logical lines of a file: unfolded as bytes, so that a character that was cut in
// two by folding is whole again before anything is decoded.
type lines struct {
	data []byte
	buf  []byte
}

// newLines removes a byte order mark; UTF-16 with a mark becomes UTF-8.
func newLines(data []byte) *lines {
	switch {
	case bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xFF\xFE")):
		data = fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xFE\xFF")):
		data = fromUTF16(data[2:], binary.BigEndian)
	}
	return &lines{data: data}
}

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// physical takes one line off the data. CRLF, LF, a lone CR and CR CR LF all end a line; a run of CR
// counts once, which costs blank lines only.
func (l *lines) physical() []byte {
	i := bytes.IndexAny(l.data, "\r\n")
	if i < 0 {
		line := l.data
		l.data = nil
		return line
	}
	line := l.data[:i]
	j := i
	for j < len(l.data) && l.data[j] == '\r' {
		j++
	}
	if j < len(l.data) && l.data[j] == '\n' {
		j++
	}
	l.data = l.data[j:]
	return line
}

// next returns the next line that is not empty; ok is false at the end. The slice is valid until the
// next call. A continuation is a line that begins with a space or a tab.
func (l *lines) next() (line []byte, ok bool) {
	for len(l.data) > 0 {
		line = l.physical()
		if !l.continues() {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			return line, true
		}
		l.buf = append(l.buf[:0], line...)
		for l.continues() {
			l.buf = append(l.buf, l.physical()[1:]...)
		}
		if len(bytes.TrimSpace(l.buf)) > 0 {
			return l.buf, true
		}
	}
	return nil, false
}

func (l *lines) continues() bool {
	return len(l.data) > 0 && (l.data[0] == ' ' || l.data[0] == '\t')
}

// parseLine splits a content line. It forgives parameters without "=", unbalanced quotes and text after
// a closing quote; ok is false when there is no name or no value.
func parseLine(s string) (p Prop, ok bool) {
	i := strings.IndexAny(s, ":;")
	if i < 0 {
		return p, false
	}
	name := strings.TrimSpace(s[:i])
	if !isName(name) {
		return p, false
	}
	p.Name = strings.ToUpper(name)
	for s[i] == ';' {
		var q Param
		q, i = parseParam(s, i+1)
		if q.Name != "" {
			p.Params = append(p.Params, q)
		}
		if i >= len(s) {
			return p, false
		}
	}
	p.Value = s[i+1:]
	return p, true
}

// parseParam reads one parameter from s[i:] and returns the index of the ; or : that ends it, len(s)
// when the line ends first.
func parseParam(s string, i int) (Param, int) {
	j := strings.IndexAny(s[i:], "=;:")
	if j < 0 {
		return Param{}, len(s)
	}
	j += i
	q := Param{Name: strings.ToUpper(strings.TrimSpace(s[i:j]))}
	if !isName(q.Name) {
		q.Name = ""
	}
	if s[j] != '=' {
		return q, j
	}
	for {
		var v string
		v, j = parseParamValue(s, j+1)
		q.Values = append(q.Values, decodeParam(v))
		if j >= len(s) || s[j] != ',' {
			return q, j
		}
	}
}

func parseParamValue(s string, i int) (string, int) {
	if i < len(s) && s[i] == '"' {
		if end := strings.IndexByte(s[i+1:], '"'); end >= 0 {
			end += i + 1
			rest, j := until(s, end+1, ",;:")
			return s[i+1:end] + rest, j
		}
	}
	return until(s, i, ",;:")
}

func until(s string, i int, stops string) (string, int) {
	if i >= len(s) {
		return "", len(s)
	}
	j := strings.IndexAny(s[i:], stops)
	if j < 0 {
		return s[i:], len(s)
	}
	return s[i : i+j], i + j
}

// isName accepts the names of RFC 5545 and, beyond it, dots, underscores and slashes.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == '/':
		default:
			return false
		}
	}
	return s != ""
}

// mendZone repairs an unquoted zone name with a colon, (UTC+01:00) …: everything up to the last colon
// belongs to the parameter.
func mendZone(p *Prop) {
	i := strings.LastIndexByte(p.Value, ':')
	if i < 0 || len(p.Params) == 0 || p.Params[len(p.Params)-1].Name != "TZID" {
		return
	}
	switch p.Name {
	case "DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "EXDATE", "RDATE":
	default:
		return
	}
	tail := p.Value[i+1:]
	if len(tail) < 8 || tail[0] < '0' || tail[0] > '9' {
		return // 2026-11-21T09:00:00 is a time of another spelling, not a zone
	}
	q := &p.Params[len(p.Params)-1]
	q.Values = []string{strings.Join(q.Values, ",") + ":" + p.Value[:i]}
	p.Value = tail
}
