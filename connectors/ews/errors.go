package ews

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"lintel/connectors"
)

// kindOf is what a response code means to the engine. Codes that are not in the table are requests that the
// server will never like.
func kindOf(code string) connectors.Kind {
	switch code {
	case "ErrorPasswordExpired", "ErrorPasswordChangeRequired":
		return connectors.Auth
	case "ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed", "ErrorAccessDenied",
		"ErrorCreateItemAccessDenied", "ErrorNotDelegate", "ErrorNoFreeBusyAccess", "ErrorSendAsDenied", "ErrorDelegateNoUser",
		"ErrorAccountDisabled", "ErrorMailboxLogonFailed", // of this mailbox: without a good sign-in there would be no such answer
		"ErrorQuotaExceeded", "ErrorExchangeApplicationNotAllowed", "ErrorMissingEmailAddress", "ErrorProxyRequestNotAllowed":
		return connectors.Forbidden
	case "ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorExceededSubscriptionCount", "ErrorExceededFindCountLimit",
		"ErrorClientDisconnected", "ErrorTooManyObjectsOpened":
		return connectors.Throttled
	case "ErrorTimeoutExpired", "ErrorInternalServerTransientError", "ErrorInternalServerError", "ErrorMailboxStoreUnavailable",
		"ErrorMailboxFailover", "ErrorMailboxMoveInProgress", "ErrorADUnavailable", "ErrorADOperation", "ErrorInsufficientResources",
		"ErrorConnectionFailed", "ErrorNotEnoughMemory", "ErrorFreeBusyGenerationFailed", "ErrorProxyRequestProcessingFailed",
		"ErrorProxyCallFailed", "ErrorNoRespondingCASInDestinationSite", "ErrorProxyServiceDiscoveryFailed", "ErrorServiceDiscoveryFailed",
		"ErrorProxiedSubscriptionCallFailure", "ErrorProxyTokenExpired", "ErrorNoApplicableProxyCASServersAvailable",
		"ErrorDataSourceOperation", "ErrorRequestAborted", "ErrorBatchProcessingStopped", "ErrorNewEventStreamConnectionOpened",
		"ErrorWebRequestInInvalidState", "ErrorLogonAsNetworkServiceFailed":
		return connectors.Transient
	case "ErrorItemNotFound", "ErrorCalendarOccurrenceIsDeletedFromRecurrence", "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange",
		"ErrorCannotFindFileAttachment", "ErrorAttachmentNotFound", "ErrorCalendarCannotUpdateDeletedItem":
		return connectors.NotFound
	case "ErrorNonExistentMailbox", "ErrorFolderNotFound", "ErrorSyncFolderNotFound", "ErrorCannotFindUser",
		"ErrorNonPrimarySmtpAddress", "ErrorMailRecipientNotFound", "ErrorNoCalendar":
		return connectors.Gone
	case "ErrorInvalidSyncStateData", "ErrorInvalidWatermark", "ErrorSubscriptionNotFound", "ErrorInvalidSubscription",
		"ErrorMissedNotificationEvents", "ErrorExpiredSubscription", "ErrorReadEventsFailed", "ErrorSubscriptionUnsubscribed",
		"ErrorEventNotFound":
		return connectors.CursorExpired
	case "ErrorIrresolvableConflict", "ErrorInvalidChangeKey", "ErrorChangeKeyRequired", "ErrorChangeKeyRequiredForWriteOperations",
		"ErrorStaleObject", "ErrorOccurrenceCrossingBoundary", "ErrorCalendarMeetingRequestIsOutOfDate":
		return connectors.Conflict
	case "ErrorSubscriptionDelegateAccessNotSupported", "ErrorSubscriptionAccessDenied", "ErrorUnsupportedPathForQuery",
		"ErrorUnsupportedQueryFilter", "ErrorInvalidRestriction", "ErrorUnsupportedTypeForConversion", "ErrorInvalidServerVersion",
		"ErrorCalendarIsOrganizerForDecline", "ErrorCalendarIsNotOrganizer", "ErrorCalendarIsCancelledForDecline", "ErrorInvalidOperation",
		"ErrorCalendarIsDelegatedForDecline", "ErrorCalendarIsGroupMailboxForDecline":
		return connectors.Unsupported
	}
	return connectors.Invalid
}

// cureOf is the text key of what helps against a code, "" when its kind says enough.
func cureOf(code string) string {
	switch code {
	case "ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed":
		return "calendar.cure.ews_impersonation"
	case "ErrorAccessDenied", "ErrorCreateItemAccessDenied", "ErrorNotDelegate", "ErrorFolderNotFound":
		return "calendar.cure.ews_folder_permission"
	case "ErrorSendAsDenied":
		return "calendar.cure.ews_send_on_behalf"
	case "ErrorNonExistentMailbox", "ErrorCannotFindUser", "ErrorNonPrimarySmtpAddress", "ErrorMailRecipientNotFound":
		return "calendar.cure.ews_no_mailbox"
	case "ErrorPasswordExpired", "ErrorPasswordChangeRequired", "ErrorAccountDisabled":
		return "calendar.cure.ews_account"
	case "ErrorMailboxLogonFailed", "ErrorMissingEmailAddress":
		return "calendar.cure.ews_own_mailbox"
	case "ErrorNoFreeBusyAccess", "ErrorFreeBusyGenerationFailed":
		return "calendar.cure.ews_free_busy"
	case "ErrorExchangeApplicationNotAllowed":
		return "calendar.cure.ews_not_allowed"
	}
	return ""
}

// problem is what a response message or a fault says.
type problem struct {
	code, text string
	values     map[string]string // MessageXml: Value by Name
}

// readProblem reads a response message, or the detail of a fault.
func readProblem(n *node) problem {
	p := problem{code: n.find("ResponseCode").word(), text: n.child("MessageText").word()}
	if m := n.child("Message"); p.text == "" {
		p.text = m.word()
	}
	for _, v := range n.child("MessageXml").all("Value") {
		if p.values == nil {
			p.values = map[string]string{}
		}
		p.values[v.attr("Name")] = v.word()
	}
	return p
}

// err turns the problem into an error. An "internal server error" may wrap another one: that the server
// is busy is then its inner code.
func (p problem) err(op, id string) *connectors.Error {
	code := p.code
	inner := p.values["InnerErrorResponseCode"]
	if code == "ErrorInternalServerError" && kindOf(inner) != connectors.Invalid {
		code = inner
	}
	e := &connectors.Error{Kind: kindOf(code), Op: op, Code: code, Cure: cureOf(code), Said: said(code, p.text, id)}
	if code == "" {
		e.Code = "no code"
	}
	if ms, err := strconv.ParseInt(p.values["BackOffMilliseconds"], 10, 64); err == nil && ms > 0 && strings.HasPrefix(code, "Error") {
		e.After = min(time.Duration(min(ms, int64(maxBackOff/time.Millisecond)))*time.Millisecond, maxBackOff)
		if e.Kind != connectors.Auth {
			e.Kind = connectors.Throttled
		}
	}
	if code == "ErrorServerBusy" && e.After == 0 {
		e.After = busyWait
	}
	return e
}

const (
	// maxBackOff bounds how long a server can silence us.
	maxBackOff = 24 * time.Hour
	// busyWait is for a server that says that it is busy and not for how long.
	busyWait = 30 * time.Second
)

// said is what to show an administrator: the server's words, and the number under which it has logged the
// request.
func said(code, text, id string) string {
	s := connectors.Words(text)
	if code != "" && s != "" {
		s = ": " + s
	}
	s = code + s
	if id != "" {
		s += " (client-request-id " + id + ")"
	}
	return s
}

// gone turns "not there" of a calendar into Gone.
func gone(err error) error {
	var e *connectors.Error
	if errors.As(err, &e) && e.Kind == connectors.NotFound {
		e.Kind = connectors.Gone
	}
	return err
}

// codeIs reports whether err carries one of the server's codes.
func codeIs(err error, codes ...string) bool {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}
