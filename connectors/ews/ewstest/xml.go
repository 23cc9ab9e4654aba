package ewstest

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// el is an element of a request.
type el struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Kids    []el       `xml:",any"`
	Text    string     `xml:",chardata"`
}

// get follows names downwards; the answer is empty when one is missing.
func (e *el) get(path ...string) *el {
	for _, name := range path {
		var next *el
		for i := range e.Kids {
			if e.Kids[i].XMLName.Local == name {
				next = &e.Kids[i]
				break
			}
		}
		if next == nil {
			return &el{}
		}
		e = next
	}
	return e
}

func (e *el) is() bool { return e.XMLName.Local != "" }

func (e *el) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (e *el) word() string { return strings.TrimSpace(e.Text) }

// each calls f for every element of a name below e.
func (e *el) each(name string, f func(*el)) {
	for i := range e.Kids {
		if e.Kids[i].XMLName.Local == name {
			f(&e.Kids[i])
		} else {
			e.Kids[i].each(name, f)
		}
	}
}

func instant(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func esc(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// tag writes an element with text.
func tag(name, text string) string { return "<" + name + ">" + esc(text) + "</" + name + ">" }

func boolean(name string, v bool) string { return tag(name, fmt.Sprint(v)) }

func dateTime(name string, t time.Time) string {
	return tag(name, t.UTC().Format("2006-01-02T15:04:05Z"))
}

const (
	envelopeOpen = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><h:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1118" MinorBuildNumber="7" Version="V2017_07_11" xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types"/></s:Header><s:Body xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">`
	envelopeEnd  = `</s:Body></s:Envelope>`
)

func envelope(body string) string {
	return `<?xml version="1.0" encoding="utf-8"?>` + envelopeOpen + body + envelopeEnd
}

// failure is a response code with what goes along.
type failure struct {
	code, text string
	values     map[string]string
}

func (f failure) xml() string {
	var b strings.Builder
	for name, v := range f.values {
		b.WriteString(`<t:Value Name="` + name + `">` + esc(v) + `</t:Value>`)
	}
	if b.Len() > 0 {
		return "<m:MessageXml>" + b.String() + "</m:MessageXml>"
	}
	return ""
}

// message writes one response message.
func message(op string, f *failure, content string) string {
	name := "m:" + op + "ResponseMessage"
	if f != nil {
		return `<` + name + ` ResponseClass="Error">` + tag("m:MessageText", or(f.text, "The request failed.")) + tag("m:ResponseCode", f.code) +
			`<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>` + f.xml() + content + `</` + name + `>`
	}
	return `<` + name + ` ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>` + content + `</` + name + `>`
}

// soapFault writes a fault.
func soapFault(f failure) string {
	return envelope(`<s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:` + f.code + `</faultcode>` +
		`<faultstring xml:lang="en-US">` + esc(f.text) + `</faultstring><detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` +
		f.code + `</e:ResponseCode><e:Message xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` + esc(f.text) + `</e:Message>` +
		strings.NewReplacer("<m:MessageXml>", "<t:MessageXml>", "</m:MessageXml>", "</t:MessageXml>").Replace(f.xml()) + `</detail></s:Fault>`)
}

// responses wraps messages into an operation's response.
func responses(op string, messages ...string) string {
	return `<m:` + op + `Response><m:ResponseMessages>` + strings.Join(messages, "") + `</m:ResponseMessages></m:` + op + `Response>`
}
