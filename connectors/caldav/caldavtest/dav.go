package caldavtest

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// handle answers as a CalDAV server does (RFC 4791, RFC 4918).
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/.well-known/caldav" {
		http.Redirect(w, r, "/dav/", http.StatusMovedPermanently)
		return
	}
	if !s.signedIn(w, r) {
		return
	}
	w.Header().Set("DAV", "1, 3, calendar-access")
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	switch r.Method {
	case "OPTIONS":
		w.Header().Set("Allow", "OPTIONS, GET, PUT, DELETE, PROPFIND, REPORT")
	case "PROPFIND":
		s.propfind(w, r, body)
	case "REPORT":
		s.report(w, r, body)
	case http.MethodGet, http.MethodPut, http.MethodDelete:
		s.object(w, r, string(body))
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// find splits a path into its calendar and the object's name.
func (s *Server) find(path string) (*collection, string) {
	i := strings.LastIndexByte(path, '/') + 1
	return s.cols[path[:i]], path[i:]
}

func (s *Server) object(w http.ResponseWriter, r *http.Request, body string) {
	c, name := s.find(r.URL.Path)
	if c == nil || name == "" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	o := c.objects[name]
	careless := s.Quirks.Careless
	if m := r.Header.Get("If-Match"); m != "" && (o == nil || m != o.etag) && !(careless && r.Method == http.MethodDelete) ||
		r.Header.Get("If-None-Match") == "*" && o != nil && !careless {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	switch {
	case r.Method == http.MethodPut:
		if s.Quirks.ReadOnly {
			davError(w, http.StatusForbidden, "need-privileges")
			return
		}
		if !strings.Contains(body, "BEGIN:VEVENT") {
			davError(w, http.StatusForbidden, "valid-calendar-data")
			return
		}
		status := http.StatusCreated
		if o != nil {
			status = http.StatusNoContent
		}
		o = s.put(c, name, body)
		if !s.Quirks.NoPutETag {
			s.setETag(w, o)
		}
		w.WriteHeader(status)
	case o == nil:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodDelete:
		s.remove(c, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.setETag(w, o)
		if !s.Quirks.NoLastModified && !s.Quirks.ZonedTimes {
			w.Header().Set("Last-Modified", o.modified.Format(http.TimeFormat))
		}
		w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
		_, _ = io.WriteString(w, o.data)
	}
}

func (s *Server) setETag(w http.ResponseWriter, o *object) {
	switch {
	case s.Quirks.NoETag:
	case s.Quirks.WeakETags:
		w.Header().Set("ETag", "W/"+o.etag)
	default:
		w.Header().Set("ETag", o.etag)
	}
}

func davError(w http.ResponseWriter, status int, name string) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><D:error xmlns:D="DAV:"><D:%s/></D:error>`, name)
}

// prop is a property that was asked for.
type prop struct {
	XMLName xml.Name
}

type propfindXML struct {
	Prop struct {
		Any []prop `xml:",any"`
	} `xml:"prop"`
}

const dav, cal, cs = "DAV:", "urn:ietf:params:xml:ns:caldav", "http://calendarserver.org/ns/"

func (s *Server) propfind(w http.ResponseWriter, r *http.Request, body []byte) {
	var req propfindXML
	if err := xml.Unmarshal(body, &req); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	out := newMultistatus()
	path := r.URL.Path
	c, name := s.find(path)
	switch {
	case s.cols[strings.TrimSuffix(path, "/")+"/"] != nil:
		c := s.cols[strings.TrimSuffix(path, "/")+"/"]
		out.add(s.href(c.path), req.Prop.Any, s.collectionProps(c))
		if r.Header.Get("Depth") == "1" {
			objects := c.listed(false)
			for _, n := range slices.Sorted(maps.Keys(objects)) {
				out.add(s.href(c.path+n), req.Prop.Any, s.objectProps(objects[n]))
			}
		}
	case c != nil && c.objects[name] != nil:
		out.add(s.href(path), req.Prop.Any, s.objectProps(c.objects[name]))
	case path == "/dav/" || path == "/dav/principals/lintel/" || path == Home || path == "/":
		out.add(s.href(path), req.Prop.Any, map[xml.Name]string{
			{Space: dav, Local: "resourcetype"}:           "<D:collection/>",
			{Space: dav, Local: "current-user-principal"}: "<D:href>" + s.href("/dav/principals/lintel/") + "</D:href>",
			{Space: cal, Local: "calendar-home-set"}:      "<D:href>" + s.href(Home) + "</D:href>",
		})
		if path == Home && r.Header.Get("Depth") == "1" {
			for _, p := range slices.Sorted(maps.Keys(s.cols)) {
				out.add(s.href(p), req.Prop.Any, s.collectionProps(s.cols[p]))
			}
		}
	case s.Quirks.MissingInside:
		out.missing(s.href(path))
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	out.write(w)
}

func (s *Server) collectionProps(c *collection) map[xml.Name]string {
	privileges := "<D:privilege><D:read/></D:privilege>"
	if !s.Quirks.ReadOnly {
		privileges += "<D:privilege><D:write-content/></D:privilege><D:privilege><D:bind/></D:privilege><D:privilege><D:unbind/></D:privilege>"
	}
	p := map[xml.Name]string{
		{Space: dav, Local: "resourcetype"}:                     "<D:collection/><C:calendar/>",
		{Space: dav, Local: "displayname"}:                      escape(c.name),
		{Space: cal, Local: "supported-calendar-component-set"}: `<C:comp name="VEVENT"/><C:comp name="VTODO"/>`,
		{Space: dav, Local: "current-user-privilege-set"}:       privileges,
	}
	switch {
	case s.Quirks.NoTags:
	case s.Quirks.SecondTags:
		second := fmt.Sprint(c.changed.Unix())
		p[xml.Name{Space: cs, Local: "getctag"}], p[xml.Name{Space: dav, Local: "sync-token"}] = second, second
	default:
		p[xml.Name{Space: cs, Local: "getctag"}] = fmt.Sprintf("ctag-%d", c.changes)
		p[xml.Name{Space: dav, Local: "sync-token"}] = fmt.Sprintf("http://fake.example/sync/%d", c.changes)
	}
	return p
}

func (s *Server) objectProps(o *object) map[xml.Name]string {
	p := map[xml.Name]string{
		{Space: dav, Local: "resourcetype"}:   "",
		{Space: dav, Local: "getcontenttype"}: "text/calendar; component=vevent",
	}
	if !s.Quirks.NoETag {
		p[xml.Name{Space: dav, Local: "getetag"}] = escape(o.etag)
	}
	switch {
	case s.Quirks.NoLastModified:
	case s.Quirks.ZonedTimes:
		p[xml.Name{Space: dav, Local: "getlastmodified"}] = o.modified.In(time.FixedZone("", 3600)).Format(time.RFC1123Z)
	default:
		p[xml.Name{Space: dav, Local: "getlastmodified"}] = o.modified.Format(http.TimeFormat)
	}
	return p
}

func (s *Server) report(w http.ResponseWriter, r *http.Request, body []byte) {
	var req struct {
		XMLName xml.Name
		propfindXML
		Hrefs []string `xml:"href"`
	}
	if err := xml.Unmarshal(body, &req); err != nil || req.XMLName.Local != "calendar-multiget" {
		davError(w, http.StatusForbidden, "supported-report")
		return
	}
	s.asked = len(req.Hrefs)
	out := newMultistatus()
	for _, h := range req.Hrefs {
		u, err := url.Parse(h)
		if err != nil {
			out.missing(h)
			continue
		}
		c, name := s.find(u.Path)
		var o *object
		if c != nil {
			o = c.listed(true)[name]
		}
		if o == nil {
			out.missing(s.href(u.Path))
			continue
		}
		props := s.objectProps(o)
		if !s.Quirks.NoData {
			data := escape(o.data)
			if s.Quirks.Unescaped {
				data = o.data
			}
			props[xml.Name{Space: cal, Local: "calendar-data"}] = data
		}
		out.add(s.href(u.Path), req.Prop.Any, props)
	}
	out.write(w)
}

// multistatus collects responses. What was asked for and is not there comes back as 404.
type multistatus struct{ b strings.Builder }

func newMultistatus() *multistatus {
	m := &multistatus{}
	m.b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<D:multistatus xmlns:D="DAV:" xmlns:C="` + cal + `" xmlns:CS="` + cs + `">`)
	return m
}

func (m *multistatus) add(href string, asked []prop, have map[xml.Name]string) {
	var ok, missing strings.Builder
	for _, p := range asked {
		prefix := map[string]string{dav: "D:", cal: "C:", cs: "CS:"}[p.XMLName.Space]
		if v, there := have[p.XMLName]; there {
			fmt.Fprintf(&ok, "<%s%s>%s</%s%s>", prefix, p.XMLName.Local, v, prefix, p.XMLName.Local)
		} else {
			fmt.Fprintf(&missing, "<%s%s/>", prefix, p.XMLName.Local)
		}
	}
	fmt.Fprintf(&m.b, "<D:response><D:href>%s</D:href>", escape(href))
	// The 404 first: a reader that takes the first propstat blindly falls over it.
	if missing.Len() > 0 {
		fmt.Fprintf(&m.b, "<D:propstat><D:prop>%s</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>", missing.String())
	}
	fmt.Fprintf(&m.b, "<D:propstat><D:prop>%s</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>", ok.String())
}

func (m *multistatus) missing(href string) {
	fmt.Fprintf(&m.b, "<D:response><D:href>%s</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>", escape(href))
}

func (m *multistatus) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.WriteHeader(http.StatusMultiStatus)
	_, _ = io.WriteString(w, m.b.String()+"</D:multistatus>")
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}
