package outbound

import (
	"encoding/json"
	"io"
	"strings"
)

// redactJSON keeps objects, arrays and names. What can't be read ends it.
func redactJSON(s string) string {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var b strings.Builder
	type level struct {
		object bool
		count  int    // of keys and values so far
		key    string // whose value comes next
	}
	levels := []level{{}}
	for {
		t, err := d.Token()
		if err == io.EOF {
			return b.String()
		}
		if err != nil || len(levels) > 200 {
			b.WriteString("[damaged]")
			return b.String()
		}
		l := &levels[len(levels)-1]
		if r, ok := t.(json.Delim); ok && (r == '}' || r == ']') {
			b.WriteRune(rune(r))
			levels = levels[:len(levels)-1]
			continue
		}
		isKey := l.object && l.count%2 == 0
		if !l.object && l.count > 0 || isKey && l.count > 0 {
			b.WriteString(",")
		}
		l.count++
		switch v := t.(type) {
		case json.Delim:
			b.WriteRune(rune(v))
			levels = append(levels, level{object: v == '{', key: l.key}) // values in a list stand under its name
		case string:
			if isKey {
				l.key = v
				if !identifier(v) {
					v = mask(v)
				}
				b.WriteString(`"` + v + `":`)
				continue
			}
			b.WriteString(`"` + classOf(l.key).redact(v) + `"`)
		case json.Number:
			b.WriteString(classOf(l.key).redact(v.String()))
		case bool:
			if v {
				b.WriteString("true")
			} else {
				b.WriteString("false")
			}
		case nil:
			b.WriteString("null")
		}
	}
}
