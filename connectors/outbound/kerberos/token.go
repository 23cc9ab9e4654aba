package kerberos

import (
	"crypto/tls"
	"encoding/asn1"
	"encoding/binary"
	"slices"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"lintel/connectors"
	"lintel/connectors/outbound"
)

// handshake is one sign-in: a single message, and an answer to it when it failed.
type handshake struct {
	s      *SignIn
	spn    string
	ticket ticket
	sent   bool
}

// Next implements outbound.Handshake.
func (h *handshake) Next(challenge []byte, state *tls.ConnectionState) (token []byte, err error) {
	defer func() {
		if recover() != nil { // gokrb5's decoders trust their input
			token, err = nil, invalid("the server's answer is damaged")
		}
	}()
	if h.sent {
		h.s.forget(h.spn)
		if code, ok := refusalCode(challenge); ok {
			return nil, explain(code)
		}
		return nil, &connectors.Error{Kind: connectors.Auth, Code: "ticket refused", Cure: "calendar.cure.kerberos_ticket", Said: h.spn}
	}
	h.sent = true
	ap, err := h.request(outbound.BindingSum(state))
	if err != nil {
		return nil, err
	}
	return initToken(ap)
}

const (
	checksumGSSAPI = 0x8003 // RFC 4121 4.1.1
	flagConf       = 16     // GSS_C_CONF_FLAG
	flagInteg      = 32     // GSS_C_INTEG_FLAG
)

// request builds the AP-REQ for the service, with the sum of the channel bindings (nil for none) in the
// authenticator's checksum (RFC 4121 4.1.1).
func (h *handshake) request(binding []byte) ([]byte, error) {
	auth, err := types.NewAuthenticator(h.s.account.Realm(), h.s.account.CName())
	if err != nil {
		return nil, invalid("write the authenticator")
	}
	now := h.s.cfg.Now().UTC()
	auth.CTime, auth.Cusec = now, now.Nanosecond()/1000
	sum := make([]byte, 24)
	binary.LittleEndian.PutUint32(sum, 16)
	copy(sum[4:20], binding)
	binary.LittleEndian.PutUint32(sum[20:], flagConf|flagInteg)
	auth.Cksum = types.Checksum{CksumType: checksumGSSAPI, Checksum: sum}
	req, err := messages.NewAPReq(h.ticket.Ticket, h.ticket.key, auth)
	if err != nil {
		return nil, invalid("write the request")
	}
	b, err := req.Marshal()
	if err != nil {
		return nil, invalid("write the request")
	}
	return b, nil
}

// Object identifiers: SPNEGO, Kerberos, and Kerberos as old Windows wrote it.
func oidSPNEGO() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2} }
func oidKRB5() asn1.ObjectIdentifier   { return asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2} }
func oidMSKRB5() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 48018, 1, 2, 2} }

// initToken wraps an AP-REQ into a NegTokenInit (RFC 4178 4.2.1).
func initToken(apReq []byte) ([]byte, error) {
	mech, err := gssToken(oidKRB5(), append([]byte{1, 0}, apReq...))
	if err != nil {
		return nil, err
	}
	b, err := asn1.Marshal(struct {
		MechTypes []asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
		MechToken []byte                  `asn1:"explicit,tag:2"`
	}{[]asn1.ObjectIdentifier{oidKRB5(), oidMSKRB5()}, mech})
	if err != nil {
		return nil, err
	}
	if b, err = asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: b}); err != nil {
		return nil, err
	}
	return gssToken(oidSPNEGO(), b)
}

// gssToken frames a message of a mechanism (RFC 2743 3.1).
func gssToken(mech asn1.ObjectIdentifier, msg []byte) ([]byte, error) {
	oid, err := asn1.Marshal(mech)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(asn1.RawValue{Class: asn1.ClassApplication, Tag: 0, IsCompound: true, Bytes: slices.Concat(oid, msg)})
}

// refusalCode returns the error code in a server's last word: a NegTokenResp (RFC 4178 4.2.2) with a
// KRB-ERROR, or the bare KRB-ERROR token.
func refusalCode(b []byte) (int32, bool) {
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(b, &outer); err != nil {
		return 0, false
	}
	if outer.Class == asn1.ClassContextSpecific && outer.Tag == 1 {
		var resp struct {
			State asn1.Enumerated       `asn1:"explicit,optional,tag:0"`
			Mech  asn1.ObjectIdentifier `asn1:"explicit,optional,tag:1"`
			Token []byte                `asn1:"explicit,optional,tag:2"`
			MIC   []byte                `asn1:"explicit,optional,tag:3"`
		}
		if _, err := asn1.Unmarshal(outer.Bytes, &resp); err != nil || len(resp.Token) == 0 {
			return 0, false
		}
		if _, err := asn1.Unmarshal(resp.Token, &outer); err != nil {
			return 0, false
		}
	}
	var oid asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(outer.Bytes, &oid)
	if err != nil || outer.Class != asn1.ClassApplication || outer.Tag != 0 || len(rest) < 2 || rest[0] != 3 || rest[1] != 0 {
		return 0, false
	}
	e, ok := krbError(rest[2:])
	return e.ErrorCode, ok
}
