package ical

import (
	"io"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"
)

// unescapeText undoes RFC 5545 3.3.11. Unknown escapes keep the character, a last lone backslash stays.
func unescapeText(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n', 'N':
			b.WriteByte('\n')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// escapeText makes a TEXT value of s (RFC 5545 3.3.11). Line ends of any kind become \n, other control
// characters are dropped.
func escapeText(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	s = strings.ToValidUTF8(s, "\uFFFD")
	for i, r := range s {
		switch {
		case r == '\\' || r == ';' || r == ',':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			if !strings.HasPrefix(s[i+1:], "\n") {
				b.WriteString(`\n`)
			}
		case isControl(r):
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isControl reports the characters that RFC 5545 3.1 allows nowhere.
func isControl(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }

// decodeParam undoes RFC 6868: ^n, ^' and ^^. Other carets stay.
func decodeParam(s string) string {
	if !strings.Contains(s, "^") {
		return s
	}
	return strings.NewReplacer("^n", "\n", "^'", `"`, "^^", "^").Replace(s)
}

// encodeParam writes a parameter value: RFC 6868 escapes, quotes where : ; or , ask for them.
func encodeParam(s string) string {
	if strings.ContainsAny(s, "^\"\r\n") {
		s = strings.NewReplacer("^", "^^", `"`, "^'", "\r\n", "^n", "\n", "^n", "\r", "^n").Replace(s)
	}
	s = dropControls(s)
	if strings.ContainsAny(s, ":;,") {
		return `"` + s + `"`
	}
	return s
}

func dropControls(s string) string {
	clean := true
	for i := range len(s) { // a byte below 0x80 is never a part of another character
		if s[i] < 0x20 && s[i] != '\t' || s[i] == 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return -1
		}
		return r
	}, s)
}

// windows1252 is what the bytes 0x80 to 0x9F mean there; the five unused ones stay C1 controls.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

// decodeBytes makes a string of a line: UTF-8 when it is valid, else Windows-1252, of which Latin-1 is
// a part for all printable characters. recoded tells which.
func decodeBytes(line []byte) (s string, recoded bool) {
	if utf8.Valid(line) {
		return string(line), false
	}
	var b strings.Builder
	b.Grow(len(line) + len(line)/4)
	for _, c := range line {
		switch {
		case c < 0x80:
			b.WriteByte(c)
		case c < 0xA0:
			b.WriteRune(windows1252[c-0x80])
		default:
			b.WriteRune(rune(c))
		}
	}
	return b.String(), true
}

// decodeQuotedPrintable turns a vCalendar 1.0 value into one of RFC 5545: decoded, as UTF-8, escaped.
func decodeQuotedPrintable(value string) string {
	raw, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(value)))
	if err != nil && len(raw) == 0 {
		return value
	}
	s, _ := decodeBytes(raw)
	return escapeText(unescapeText(s))
}
