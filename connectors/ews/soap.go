package ews

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

const (
	envelopeHead = `<?xml version="1.0" encoding="utf-8"?>` + "\n" +
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
		` xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"` +
		` xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">` +
		`<s:Header><t:RequestServerVersion Version="Exchange2013_SP1"/>`
	envelopeBody = `</s:Header><s:Body>`
	envelopeTail = `</s:Body></s:Envelope>`
)

// request is one SOAP request.
type request struct {
	op     string // for errors
	as     string // the mailbox to impersonate, "" = nobody
	anchor string // X-AnchorMailbox when it is not `as`
	cookie string // X-BackEndOverrideCookie of a group of subscriptions
	group  bool   // asks for one server for the whole group
	body   string
}

// about returns a request about a room: impersonating it, or as ourselves.
func (c *Conn) about(op string, room connectors.Room, body string) request {
	r := request{op: op, body: body}
	if c.cfg.Access == Impersonation {
		r.as = room.ID
	}
	return r
}

func (r request) envelope() []byte {
	var b bytes.Buffer
	b.WriteString(envelopeHead)
	if r.as != "" {
		b.WriteString(`<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + escape(r.as) +
			`</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`)
	}
	b.WriteString(envelopeBody + r.body + envelopeTail)
	return b.Bytes()
}

// outbound returns the HTTP request and the number under which the server logs it.
func (r request) outbound(c *Conn) (outbound.Request, string) {
	id := uuid.NewString()
	h := http.Header{
		"Content-Type":             {"text/xml; charset=utf-8"},
		"Accept":                   {"text/xml"},
		"Client-Request-Id":        {id},
		"Return-Client-Request-Id": {"true"},
	}
	if r.anchor == "" {
		r.anchor = r.as
	}
	if isAddress(r.anchor) {
		h.Set("X-AnchorMailbox", r.anchor)
	}
	if r.group {
		h.Set("X-PreferServerAffinity", "true")
	}
	if r.cookie != "" {
		h.Set("Cookie", overrideCookie+"="+r.cookie)
	}
	return outbound.Request{Op: r.op, Method: http.MethodPost, URL: c.url, Header: h, Body: r.envelope()}, id
}

// reply is a decoded answer.
type reply struct {
	root     *node
	messages []*node // the elements with a ResponseClass, in order
	http     *outbound.Response
	id       string
}

// send sends a request and returns its answer, whose messages may be errors still: see reply.err.
func (c *Conn) send(ctx context.Context, r request) (*reply, error) {
	req, id := r.outbound(c)
	resp, err := c.client.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	root, err := judge(r.op, id, resp)
	if err != nil {
		return nil, c.hold(err)
	}
	p := &reply{root: root, http: resp, id: id}
	p.messages = responses(root, nil)
	return p, nil
}

// call sends a request whose answer has one message, and returns that.
func (c *Conn) call(ctx context.Context, r request) (*node, *reply, error) {
	p, err := c.send(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	if len(p.messages) == 0 {
		return nil, nil, connectors.Fail(connectors.Invalid, r.op, "the answer has no message")
	}
	if err := c.failed(r.op, p.messages[0], p.id); err != nil {
		return nil, nil, err
	}
	return p.messages[0], p, nil
}

// failed returns the error of a message, nil when it is a success or a warning. A server that asked us to
// wait is left alone from then on.
func (c *Conn) failed(op string, message *node, id string) error {
	if message.attr("ResponseClass") != "Error" {
		return nil
	}
	return c.hold(readProblem(message).err(op, id))
}

// hold keeps the client quiet for as long as err asks, and our password out of what the server said.
func (c *Conn) hold(err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return err
	}
	e.Said = c.mask(e.Said)
	if e.Kind == connectors.Throttled && e.After > 0 {
		c.client.Hold(c.now().Add(e.After))
	}
	return err
}

// responses lists the elements with a ResponseClass. They do not contain each other.
func responses(n *node, out []*node) []*node {
	if n.attr("ResponseClass") != "" {
		return append(out, n)
	}
	for _, k := range n.kids {
		out = responses(k, out)
	}
	return out
}

// judge returns the envelope of an answer, or its error. The body is looked at before the status: faults
// come with 500, and from some servers with 200.
func judge(op, id string, resp *outbound.Response) (*node, error) {
	if looksLikeXML(resp.Body) && !resp.IsHTML() {
		root, err := decode(resp.Body)
		switch {
		case err == nil && root.name == "Envelope":
			if f := root.at("Body", "Fault"); f != nil {
				return nil, fault(f).err(op, id)
			}
			if resp.Status < 300 && root.child("Body") != nil {
				return root, nil
			}
		case resp.Status < 300 && errors.Is(err, errEncoding):
			return nil, &connectors.Error{Kind: connectors.Invalid, Op: op, Code: "encoding", Err: err, Said: err.Error()}
		case resp.Status < 300 && err != nil:
			return nil, &connectors.Error{Kind: connectors.Invalid, Op: op, Code: "bad answer", Err: err, Said: err.Error()}
		}
	}
	return nil, statusErr(op, resp)
}

func looksLikeXML(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && b[0] == '<'
}

// fault reads a SOAP fault. Its code stands in the detail, else behind the prefix of faultcode.
func fault(f *node) problem {
	p := problem{text: f.child("faultstring").word()}
	if d := f.child("detail"); d != nil {
		p = readProblem(d)
		if p.text == "" {
			p.text = f.child("faultstring").word()
		}
	}
	if p.code == "" {
		_, code, _ := strings.Cut(f.child("faultcode").word(), ":")
		p.code = code
	}
	if p.code == "" {
		p.code = "SOAP fault"
	}
	return p
}

// statusErr is the error of an answer without SOAP.
func statusErr(op string, resp *outbound.Response) error {
	e := &connectors.Error{Op: op, Code: "HTTP " + strconv.Itoa(resp.Status), Said: "HTTP " + strconv.Itoa(resp.Status)}
	switch {
	case resp.Status == 440 || resp.Status == 456: // signed out by a web page, blocked
		e.Kind = connectors.Auth
		return e
	case resp.Status == http.StatusServiceUnavailable:
		err := resp.Err()
		if errors.As(err, &e) && e.After == 0 { // without a time to wait
			e.Kind, e.After = connectors.Throttled, busyWait
		}
		return err
	case resp.Status == http.StatusMethodNotAllowed || resp.Status == http.StatusNotImplemented:
		e.Kind, e.Cure = connectors.Unsupported, "calendar.cure.no_ews" // another server's address
		return e
	case resp.Status >= 500 && resp.IsHTML():
		err := resp.Err()
		if errors.As(err, &e) && e.Kind == connectors.Transient {
			e.Cure = "calendar.cure.ews_proxy"
		}
		return err
	case resp.Status == http.StatusNotFound || resp.Status == http.StatusGone:
		e.Kind, e.Cure = connectors.Gone, "calendar.cure.no_ews"
		return e
	case resp.Status >= 400:
		return resp.Err()
	case resp.IsHTML():
		return resp.HTMLErr()
	}
	e.Kind, e.Cure = connectors.Invalid, "calendar.cure.no_ews"
	return e
}

// splitter cuts a stream of SOAP envelopes, one after the other without anything between them, into whole
// ones.
type splitter struct {
	in   io.Reader
	buf  []byte
	done int // where in buf to go on looking for an end
}

// maxEnvelope bounds one envelope of a stream: some thousand notifications.
const maxEnvelope = 4 << 20

var errLong = errors.New("an envelope of the stream is too long")

// next returns the next whole envelope. At the end of the stream it fails with io.EOF, or with
// io.ErrUnexpectedEOF when an envelope has begun.
func (s *splitter) next() ([]byte, error) {
	for {
		if end := s.end(); end > 0 {
			doc := bytes.Clone(s.buf[:end])
			s.buf = append(s.buf[:0], s.buf[end:]...)
			s.done = 0
			return doc, nil
		}
		if len(s.buf) > maxEnvelope {
			return nil, errLong
		}
		chunk := make([]byte, 4096)
		n, err := s.in.Read(chunk)
		s.buf = append(s.buf, chunk[:n]...)
		if n > 0 {
			continue
		}
		if errors.Is(err, io.EOF) && len(bytes.TrimSpace(s.buf)) > 0 {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
}

// end returns the length of the first whole envelope in the buffer, 0 when there is none yet. The text
// "Envelope>" behind "</" can't stand in an answer's text, where "<" is escaped.
func (s *splitter) end() int {
	for {
		i := bytes.Index(s.buf[s.done:], []byte("</"))
		if i < 0 {
			s.done = max(s.done, len(s.buf)-1) // the last byte may be the first half
			return 0
		}
		tag := s.done + i
		j := bytes.IndexByte(s.buf[tag:], '>')
		if j < 0 {
			s.done = tag
			return 0
		}
		name := strings.TrimSpace(string(s.buf[tag+2 : tag+j]))
		if _, local, ok := strings.Cut(name, ":"); ok {
			name = local
		}
		if name == "Envelope" {
			return tag + j + 1
		}
		s.done = tag + 2
	}
}

// utc writes an instant as requests have it.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
