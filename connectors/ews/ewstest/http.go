package ewstest

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault breaks some requests. The first that matches is used.
type Fault struct {
	Op    string // "" = every
	Room  string // "" = every
	Times int    // how often; 0 = until removed

	Status int // answer with this status, or with that of Fault …
	Header map[string]string
	Body   string
	Until  time.Duration // Retry-After as a date, that far ahead on the server's clock
	Cut    bool          // … or handle the request and cut the connection in the middle of the answer
	Before func()        // … or run this first and break nothing

	Code    string        // a response code in an answer with HTTP 200
	Fault   string        // a response code in a SOAP fault
	BackOff time.Duration // goes along with either
	Inner   string        // the code that ErrorInternalServerError wraps
}

// Break adds a fault.
func (s *Server) Break(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Repair removes all faults.
func (s *Server) Repair() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// asked is one request.
type asked struct {
	op      string
	body    *el // of the operation
	as      string
	user    string // address of the account
	mailbox string // that the request names first
}

// answer is what to send.
type answer struct {
	status int
	header map[string]string
	body   string
	cut    bool
}

// ServeHTTP answers one request, or breaks it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return
	}
	call := Call{At: s.Now(), As: "", Anchor: r.Header.Get("X-AnchorMailbox"), RequestID: r.Header.Get("Client-Request-Id")}
	user, password, _ := r.BasicAuth()
	s.mu.Lock()
	address, known := s.users[user]
	if s.keep {
		call.Body = string(raw)
	}
	s.mu.Unlock()
	call.Signed = known && password == Password
	var q asked
	var a answer
	switch {
	case !strings.EqualFold(r.URL.Path, "/EWS/Exchange.asmx"):
		a = answer{status: http.StatusNotFound, body: "<html><title>404</title></html>"}
	case !call.Signed:
		a = answer{status: http.StatusUnauthorized, header: map[string]string{"WWW-Authenticate": `Basic realm="mail.rooms.test"`}}
	default:
		var ok bool
		if q, ok = parse(raw); !ok {
			a = s.fault(failure{code: "ErrorSchemaValidation", text: "The request failed schema validation."})
			break
		}
		q.user = address
		call.Op, call.As, call.Mailbox = q.op, q.as, q.mailbox
		if q.op == "GetStreamingEvents" {
			if st := s.beforeStream(q, &a); st != nil {
				s.note(call, http.StatusOK)
				s.stream(w, r, st)
				return
			}
			break
		}
		a = s.respond(q)
	}
	s.note(call, a.status)
	s.send(w, a)
}

func (s *Server) note(c Call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Status = status
	s.calls = append(s.calls, c)
}

func (s *Server) send(w http.ResponseWriter, a answer) {
	s.mu.Lock()
	date := s.Now().Add(s.skew).UTC().Format(http.TimeFormat)
	s.mu.Unlock()
	w.Header().Set("Date", date)
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	if a.cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)+10))
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body[:len(a.body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// parse reads an envelope.
func parse(raw []byte) (asked, bool) {
	var root el
	if xml.Unmarshal(raw, &root) != nil || root.XMLName.Local != "Envelope" {
		return asked{}, false
	}
	body := root.get("Body")
	if len(body.Kids) != 1 {
		return asked{}, false
	}
	q := asked{op: strings.TrimSuffix(body.Kids[0].XMLName.Local, "Request"), body: &body.Kids[0]}
	for _, k := range root.get("Header", "ExchangeImpersonation", "ConnectingSID").Kids {
		q.as = strings.ToLower(k.word())
	}
	q.mailbox = q.as
	for _, name := range []string{"EmailAddress", "Address"} {
		q.body.each(name, func(e *el) {
			if q.mailbox == "" {
				q.mailbox = strings.ToLower(e.word())
			}
		})
	}
	return q, true
}

// matching returns the fault for a request, nil for none. s.mu is held.
func (s *Server) matching(q asked) *Fault {
	for i, f := range s.faults {
		if f.Op != "" && f.Op != q.op || f.Room != "" && !strings.EqualFold(f.Room, q.mailbox) {
			continue
		}
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			f.Times--
		}
		return f
	}
	return nil
}

// broken returns what a fault answers; false when the request is to be handled all the same.
func (s *Server) broken(q asked, f *Fault) (answer, bool) {
	fail := failure{code: f.Code + f.Fault, text: "The server cannot do this right now.", values: map[string]string{}}
	if f.BackOff > 0 {
		fail.values["BackOffMilliseconds"] = strconv.FormatInt(f.BackOff.Milliseconds(), 10)
		s.mu.Lock()
		s.quietTill = s.Now().Add(f.BackOff)
		s.mu.Unlock()
	}
	if f.Inner != "" {
		fail.values["InnerErrorResponseCode"] = f.Inner
	}
	switch {
	case f.Fault != "":
		a := s.fault(fail)
		if f.Status != 0 {
			a.status = f.Status
		}
		return a, true
	case f.Code != "":
		return answer{status: http.StatusOK, body: envelope(failed(q.op, fail))}, true
	case f.Status != 0:
		a := answer{status: f.Status, header: map[string]string{"Content-Type": "text/plain"}, body: f.Body}
		for k, v := range f.Header {
			a.header[k] = v
		}
		if f.Until > 0 {
			s.mu.Lock()
			a.header["Retry-After"] = s.Now().Add(s.skew + f.Until).UTC().Format(http.TimeFormat)
			s.mu.Unlock()
		}
		return a, true
	}
	return answer{}, false
}

// failed writes an operation's answer with one error.
func failed(op string, f failure) string {
	switch op {
	case "GetRoomLists", "GetRooms":
		return `<m:` + op + `Response ResponseClass="Error">` + tag("m:MessageText", or(f.text, "The request failed.")) + tag("m:ResponseCode", f.code) + f.xml() + `</m:` + op + `Response>`
	case "GetUserAvailability":
		return `<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error">` +
			tag("m:MessageText", f.text) + tag("m:ResponseCode", f.code) + f.xml() + `</m:ResponseMessage></m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>`
	}
	return responses(op, message(op, &f, ""))
}

func (s *Server) fault(f failure) answer {
	s.mu.Lock()
	ok := s.quirks.Faults200
	s.mu.Unlock()
	a := answer{status: http.StatusInternalServerError, body: soapFault(f)}
	if ok {
		a.status = http.StatusOK
	}
	return a
}

// busy counts a request against the budget and returns the fault when it is used up. A request during the
// time of quiet is counted as early.
func (s *Server) busy() *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if now.Before(s.quietTill) {
		s.early++
	}
	if s.quirks.Budget == 0 {
		return nil
	}
	s.window = slices.DeleteFunc(s.window, func(t time.Time) bool { return now.Sub(t) > s.quirks.BudgetPer })
	if len(s.window) < s.quirks.Budget {
		s.window = append(s.window, now)
		return nil
	}
	s.quietTill = now.Add(s.quirks.BackOff)
	return &failure{
		code: "ErrorServerBusy", text: "The server cannot service this request right now. Try again later.",
		values: map[string]string{"BackOffMilliseconds": fmt.Sprint(s.quirks.BackOff.Milliseconds())},
	}
}

// respond handles a request that has one answer.
func (s *Server) respond(q asked) answer {
	if f := s.busy(); f != nil {
		return s.fault(*f)
	}
	s.mu.Lock()
	f := s.matching(q)
	s.mu.Unlock()
	cut := false
	if f != nil {
		if a, ok := s.broken(q, f); ok {
			return a
		}
		if f.Before != nil {
			f.Before()
		}
		cut = f.Cut
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	body, header := s.handle(q)
	if body == "" {
		body, header = soapFault(failure{code: "ErrorInvalidRequest", text: "The request is invalid."}), nil
		return answer{status: http.StatusInternalServerError, body: body}
	}
	if s.quirks.Unknown {
		body = unknown(body)
	}
	return answer{status: http.StatusOK, header: header, body: envelope(body), cut: cut}
}

// unknown adds elements that nobody knows.
func unknown(body string) string {
	return strings.NewReplacer("<t:CalendarItem>", "<t:CalendarItem><t:NotInTheSchema><t:Start>1999-01-01T00:00:00Z</t:Start></t:NotInTheSchema>",
		"</m:ResponseMessages>", "</m:ResponseMessages><m:AlsoUnknown a=\"b\"/>").Replace(body)
}

// handle runs one operation. s.mu is held.
func (s *Server) handle(q asked) (body string, header map[string]string) {
	switch q.op {
	case "GetFolder":
		return s.getFolder(q), nil
	case "FindItem":
		return s.findItem(q), nil
	case "GetItem":
		return s.getItem(q), nil
	case "SyncFolderItems":
		return s.syncFolderItems(q), nil
	case "CreateItem":
		return s.createItem(q), nil
	case "UpdateItem":
		return s.updateItem(q), nil
	case "DeleteItem":
		return s.deleteItem(q), nil
	case "GetAttachment":
		return s.getAttachment(q), nil
	case "GetRoomLists":
		return s.getRoomLists(), nil
	case "GetRooms":
		return s.getRooms(q), nil
	case "ResolveNames":
		return s.resolveNames(q), nil
	case "GetUserAvailability":
		return s.getUserAvailability(q), nil
	case "Subscribe":
		return s.subscribe(q)
	case "Unsubscribe":
		return s.unsubscribe(q), nil
	}
	return "", nil
}
