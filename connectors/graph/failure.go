package graph

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// answer is an answer of Graph, by itself or as a part of a batch.
type answer struct {
	status int
	header http.Header
	body   []byte
	now    time.Time // the server's clock
}

// fault is the body of an error.
type fault struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (a answer) fault() (code, message string) {
	var f fault
	if json.Unmarshal(a.body, &f) != nil {
		return "", ""
	}
	return f.Error.Code, f.Error.Message
}

// failure turns an answer with an error status into an error. The table of HTTP is outbound's; Graph's
// own codes make it finer, and only these bring a cure of Graph's: what a proxy says means nothing here.
func (c *Conn) failure(op, mailbox string, a answer) error {
	e, ok := outbound.StatusErr(op, a.status).(*connectors.Error) //nolint:errorlint // it is one, not wrapped
	if !ok {
		return connectors.Fail(connectors.Invalid, op, "the answer has no error status")
	}
	if wait := quiet(a.status, a.header, a.now); wait > 0 {
		e.Kind, e.After = connectors.Throttled, wait
	}
	e.Stands = a.status == http.StatusGatewayTimeout // what is behind the gateway may have done it
	if e.Kind == connectors.Throttled {
		e.Alone = mailbox != ""
	}
	code, message := a.fault()
	if code == "" {
		return e
	}
	e.Code += " " + plain(code)
	e.Said = c.words("HTTP "+strconv.Itoa(a.status)+" "+code, message)
	switch strings.ToLower(code) {
	case "invalidauthenticationtoken":
		e.Cure = "calendar.cure.graph_token"
	case "erroraccessdenied", "accessdenied", "authorization_requestdenied":
		e.Cure = "calendar.cure.graph_access"
	case "nopermissionsinaccesstoken": // a 401, though the sign-in was right: nobody has given the application a right
		e.Kind, e.Cure = connectors.Forbidden, "calendar.cure.graph_access"
	case "mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi":
		e.Kind, e.Cure = connectors.Gone, "calendar.cure.graph_no_mailbox"
	case "errorinvaliduser", "request_resourcenotfound", "resourcenotfound", "errornonexistentmailbox", "mailboxnotfound":
		e.Kind, e.Cure = connectors.Gone, "calendar.cure.graph_no_mailbox"
	case "erroritemnotfound", "errorcalendaroccurrenceisdeletedfromrecurrence":
		e.Kind = connectors.NotFound
	case "errorirresolvableconflict", "errorduplicatetransactionid":
		e.Kind = connectors.Conflict
	case "errormailboxmoveinprogress", "errormailboxstoreunavailable", "mailboxstoreunavailable", "errorinternalservertransienterror":
		e.Kind = connectors.Transient
	}
	return e
}

// gone turns "not there" of a mailbox or its calendar into Gone.
func gone(err error) error {
	e, ok := err.(*connectors.Error) //nolint:errorlint // ours, not wrapped
	if ok && e.Kind == connectors.NotFound {
		e.Kind = connectors.Gone
	}
	return err
}

// words makes what a system said fit for an administrator's eyes: one short line without addresses,
// tokens or our secret.
func (c *Conn) words(code, message string) string {
	return connectors.Words(code+": "+message, c.cfg.Secret)
}

// plain keeps of a code what is fit for a log: letters, digits, _ and -, at most 60 of them.
func plain(code string) string {
	code = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, code)
	return code[:min(len(code), 60)]
}
