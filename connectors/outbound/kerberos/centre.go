package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"

	"lintel/connectors"
)

const (
	askTimeout = 8 * time.Second // one centre
	maxAnswer  = 256 << 10
)

// ask sends a message to a realm's centres, in their order, until one answers that is able to. TCP only: answers with
// group memberships fit no datagram.
func (s *SignIn) ask(ctx context.Context, realm string, msg []byte) ([]byte, error) {
	list := s.kdcs[realm]
	if len(list) == 0 {
		return nil, &connectors.Error{Kind: connectors.Auth, Code: "realm without centre", Cure: "calendar.cure.kerberos_realm", Said: realm}
	}
	var last error
	for _, k := range list {
		host, port, err := splitKDC(k)
		if err != nil {
			return nil, err
		}
		answer, err := s.askOne(ctx, host, port, msg)
		if e, refused := krbError(answer); refused && e.ErrorCode == codeUnavailable {
			err = explain(codeUnavailable) // a centre that has just started, or has lost its directory
		}
		if err == nil {
			return answer, nil
		}
		if connectors.KindOf(err) == connectors.Trust || ctx.Err() != nil {
			return nil, err
		}
		last = err
	}
	return nil, last
}

func (s *SignIn) askOne(parent context.Context, host string, port uint16, msg []byte) ([]byte, error) {
	silent := func(code string) error {
		return &connectors.Error{Kind: connectors.Transient, Code: code, Cure: "calendar.cure.kerberos_kdc", Said: host}
	}
	ctx, cancel := context.WithTimeout(parent, askTimeout)
	defer cancel()
	conn, err := s.out.Dial(ctx, s.cfg.Purpose, "", host, port)
	if err != nil {
		var e *connectors.Error
		if errors.As(err, &e) && e.Kind == connectors.Transient && parent.Err() == nil {
			return nil, silent("centre: " + e.Code)
		}
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	// RFC 4120 7.2.2: four bytes of length before each message.
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(msg))), msg...)); err != nil { //nolint:gosec // our own message
		return nil, silent("centre cut the connection")
	}
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, silent("centre does not answer")
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > maxAnswer {
		return nil, silent("centre's answer has a strange length")
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return nil, silent("centre cut the connection")
	}
	return answer, nil
}

// krbError reads a KRB-ERROR, which begins with its application tag (RFC 4120 5.10).
func krbError(b []byte) (messages.KRBError, bool) {
	var e messages.KRBError
	if len(b) == 0 || b[0] != 0x7e {
		return e, false
	}
	return e, e.Unmarshal(b) == nil
}
