package outbound

import (
	"encoding/xml"
	"io"
	"strings"
)

// redactXML keeps elements and attributes. What can't be read ends it.
func redactXML(s string) string {
	d := xml.NewDecoder(strings.NewReader(s))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var b strings.Builder
	var open []string
	for {
		t, err := d.RawToken()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			b.WriteString("[damaged]")
			return b.String()
		}
		switch t := t.(type) {
		case xml.StartElement:
			b.WriteString("<" + xmlName(t.Name))
			name := t.Name.Local
			for _, a := range t.Attr {
				if name == "Value" && a.Value == "BackOffMilliseconds" { // of EWS's MessageXml
					name = a.Value
				}
				b.WriteString(" " + xmlName(a.Name) + `="` + attributeClass(t.Name.Local, a).redact(a.Value) + `"`)
			}
			b.WriteString(">")
			open = append(open, name)
		case xml.EndElement:
			b.WriteString("</" + xmlName(t.Name) + ">")
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case xml.CharData:
			text := string(t)
			if strings.TrimSpace(text) == "" {
				continue
			}
			parent := ""
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			if trimmed := strings.TrimSpace(text); len(trimmed) > 15 && strings.EqualFold(trimmed[:15], "BEGIN:VCALENDAR") {
				b.WriteString("\n" + redactICal(trimmed))
				continue
			}
			b.WriteString(classOf(parent).redact(text))
		}
	}
}

// xmlName returns a name as it stands, when it can be one.
func xmlName(n xml.Name) string {
	name := n.Local
	if n.Space != "" {
		name = n.Space + ":" + n.Local
	}
	if len(name) > 80 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_-.") != "" {
		return "x"
	}
	return name
}

func attributeClass(element string, a xml.Attr) class {
	switch {
	case a.Name.Space == "xmlns", a.Name.Space == "" && a.Name.Local == "xmlns":
		return namespace
	case a.Name.Local == "Id" && element == "DistinguishedFolderId", a.Name.Local == "Name" && element == "Value",
		a.Name.Local == "name" && (element == "comp" || element == "comp-filter"): // of CalDAV's kinds of components
		return word
	case a.Name.Local == "Id" && strings.HasSuffix(strings.TrimSuffix(element, "Definition"), "TimeZone"):
		return zone
	case a.Name.Local == "start", a.Name.Local == "end": // of a CalDAV time-range
		return when
	}
	return classOf(a.Name.Local)
}
