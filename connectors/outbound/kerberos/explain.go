package kerberos

import (
	"errors"
	"strconv"

	"github.com/jcmturner/gokrb5/v8/messages"

	"lintel/connectors"
)

// Codes of RFC 4120 7.5.9 that people can do something about.
const (
	codeClientUnknown   = 6
	codeServerUnknown   = 7
	codePolicy          = 12
	codeEtype           = 14
	codeRevoked         = 18 // locked, disabled or outside its hours
	codeServerRevoked   = 20
	codeKeyExpired      = 23
	codePreauthFailed   = 24
	codePreauthRequired = 25
	codeUnavailable     = 29
	codeBadIntegrity    = 31
	codeTicketExpired   = 32
	codeSkew            = 37
	codeModified        = 41
	codeWrongRealm      = 68
)

// explain turns a code into the error that it means.
func explain(code int32) *connectors.Error {
	e := &connectors.Error{Kind: connectors.Auth, Code: "kerberos " + strconv.Itoa(int(code)), Cure: "calendar.cure.kerberos"}
	name := ""
	switch code {
	case codeClientUnknown:
		name, e.Cure = "KDC_ERR_C_PRINCIPAL_UNKNOWN", "calendar.cure.kerberos_user"
	case codeServerUnknown:
		name, e.Cure = "KDC_ERR_S_PRINCIPAL_UNKNOWN", "calendar.cure.kerberos_spn"
	case codePolicy:
		name = "KDC_ERR_POLICY"
	case codeEtype:
		name, e.Cure = "KDC_ERR_ETYPE_NOSUPP", "calendar.cure.kerberos_etype"
	case codeRevoked:
		name, e.Cure = "KDC_ERR_CLIENT_REVOKED", "calendar.cure.kerberos_locked"
	case codeServerRevoked:
		name, e.Cure = "KDC_ERR_SERVICE_REVOKED", "calendar.cure.kerberos_spn"
	case codeKeyExpired:
		name, e.Cure = "KDC_ERR_KEY_EXPIRED", "calendar.cure.kerberos_expired"
	case codePreauthFailed, codeBadIntegrity:
		name, e.Cure = "KDC_ERR_PREAUTH_FAILED", ""
	case codeUnavailable:
		name, e.Kind, e.Cure = "KDC_ERR_SVC_UNAVAILABLE", connectors.Transient, "calendar.cure.kerberos_kdc"
	case codeSkew, codeTicketExpired:
		// Not the account's fault, and over as soon as the clocks agree.
		name, e.Kind, e.Cure = "KRB_AP_ERR_SKEW", connectors.Transient, "calendar.cure.kerberos_clock"
	case codeModified:
		name, e.Cure = "KRB_AP_ERR_MODIFIED", "calendar.cure.kerberos_spn"
	case codeWrongRealm:
		name, e.Cure = "KDC_ERR_WRONG_REALM", "calendar.cure.kerberos_realm"
	}
	e.Said = e.Code
	if name != "" {
		e.Said = name + " (" + strconv.Itoa(int(code)) + ")"
	}
	return e
}

// kdcError is explain for what a centre sent in place of an answer.
func kdcError(err error) error {
	var e messages.KRBError
	if errors.As(err, &e) {
		return explain(e.ErrorCode)
	}
	var known *connectors.Error
	if errors.As(err, &known) {
		return known
	}
	return invalid("the centre's answer is damaged")
}

// invalid is an answer that makes no sense.
func invalid(what string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Code: "kerberos", Cure: "calendar.cure.kerberos", Said: what}
}

// errKeytab is a keytab without a key for the account.
func errKeytab() *connectors.Error {
	return &connectors.Error{Kind: connectors.Auth, Code: "no key in the keytab", Cure: "calendar.cure.kerberos_keytab"}
}
