package ntlm

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
	"unicode/utf16"
)

// Flags (MS-NLMP 2.2.2.5).
const (
	flagUnicode       = 1 << 0
	flagRequestTarget = 1 << 2
	flagSign          = 1 << 4
	flagNTLM          = 1 << 9
	flagAlwaysSign    = 1 << 15
	flagExtended      = 1 << 19 // extended session security
	flagTargetInfo    = 1 << 23
	flagVersion       = 1 << 25
	flag128           = 1 << 29
	flagKeyExchange   = 1 << 30
	flag56            = 1 << 31

	ourFlags = flagUnicode | flagRequestTarget | flagSign | flagNTLM | flagAlwaysSign | flagExtended |
		flagTargetInfo | flagVersion | flag128 | flagKeyExchange | flag56
)

// Identifiers of attribute-value pairs (MS-NLMP 2.2.2.1).
const (
	avEnd             = 0
	avDomain          = 2 // NetBIOS name
	avFlags           = 6
	avTimestamp       = 7
	avTargetName      = 9
	avChannelBindings = 10

	avFlagMIC = 2 // in avFlags: the message has an integrity code
)

const (
	signature    = "NTLMSSP\x00"
	version      = "\x0a\x00\x61\x58\x00\x00\x00\x0f" // 10.0, NTLMSSP_REVISION_W2K3; nobody acts on it
	maxChallenge = 64 << 10
	maxPairs     = 64
)

// errChallenge is a challenge that is none.
var errChallenge = errors.New("challenge is damaged")

// negotiateMessage returns the first message (MS-NLMP 2.2.1.1), without domain and workstation.
func negotiateMessage() []byte {
	b := append([]byte(signature), 1, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, ourFlags)
	b = append(b, make([]byte, 16)...)
	return append(b, version...)
}

// challenge is the server's message (MS-NLMP 2.2.1.2).
type challenge struct {
	raw   []byte
	flags uint32
	nonce [8]byte
	pairs []pair // without the end mark
}

type pair struct {
	id    uint16
	value []byte
}

// parseChallenge takes what real servers send: with or without version, target information and end mark.
func parseChallenge(b []byte) (challenge, error) {
	if len(b) < 32 || len(b) > maxChallenge || string(b[:8]) != signature || binary.LittleEndian.Uint32(b[8:]) != 2 {
		return challenge{}, errChallenge
	}
	c := challenge{raw: b, flags: binary.LittleEndian.Uint32(b[20:]), nonce: [8]byte(b[24:32])}
	if c.flags&flagUnicode == 0 {
		return challenge{}, errors.New("server does not speak Unicode")
	}
	if len(b) < 48 {
		return c, nil
	}
	n, at := int(binary.LittleEndian.Uint16(b[40:])), binary.LittleEndian.Uint32(b[44:])
	if n == 0 {
		return c, nil
	}
	if uint64(at)+uint64(n) > uint64(len(b)) {
		return challenge{}, errChallenge
	}
	info := b[at : int(at)+n]
	for len(info) >= 4 && len(c.pairs) < maxPairs {
		id, n := binary.LittleEndian.Uint16(info), int(binary.LittleEndian.Uint16(info[2:]))
		if id == avEnd {
			break
		}
		if len(info) < 4+n {
			return challenge{}, errChallenge
		}
		c.pairs = append(c.pairs, pair{id, info[4 : 4+n]})
		info = info[4+n:]
	}
	return c, nil
}

// value returns the value of a pair, nil when there is none.
func (c challenge) value(id uint16) []byte {
	if i := slices.IndexFunc(c.pairs, func(p pair) bool { return p.id == id }); i >= 0 {
		return c.pairs[i].value
	}
	return nil
}

// timestamp returns the server's clock as it stands in the message, nil when the server does not tell.
func (c challenge) timestamp() []byte {
	if t := c.value(avTimestamp); len(t) == 8 {
		return t
	}
	return nil
}

// answerPairs returns the server's pairs with ours, ended (MS-NLMP 3.1.5.1.2). Binding is the sum of the
// channel bindings, nil for none.
func (c challenge) answerPairs(target string, binding []byte) []byte {
	var b []byte
	put := func(id uint16, v []byte) {
		b = binary.LittleEndian.AppendUint16(b, id)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(v))) //nolint:gosec // parts of a message below 64 KiB
		b = append(b, v...)
	}
	flags := uint32(avFlagMIC)
	if v := c.value(avFlags); len(v) == 4 {
		flags |= binary.LittleEndian.Uint32(v)
	}
	for _, p := range c.pairs {
		if p.id != avFlags && p.id != avTargetName && p.id != avChannelBindings {
			put(p.id, p.value)
		}
	}
	if binding == nil {
		binding = make([]byte, 16)
	}
	put(avFlags, binary.LittleEndian.AppendUint32(nil, flags))
	put(avChannelBindings, binding)
	put(avTargetName, unicode(target))
	put(avEnd, nil)
	return b
}

// authenticateMessage lays out the last message (MS-NLMP 2.2.1.3) with zeros for the integrity code,
// which stands at micAt.
func authenticateMessage(flags uint32, lm, nt, domain, user, key []byte) []byte {
	const head = micAt + 16
	b := append([]byte(signature), 3, 0, 0, 0)
	at := head
	for _, f := range [][]byte{lm, nt, domain, user, nil /* workstation */, key} {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(f))) //nolint:gosec // bounded by the challenge
		b = binary.LittleEndian.AppendUint16(b, uint16(len(f))) //nolint:gosec // likewise
		b = binary.LittleEndian.AppendUint32(b, uint32(at))     //nolint:gosec // likewise
		at += len(f)
	}
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = append(b, version...)
	b = append(b, make([]byte, 16)...)
	return slices.Concat(b, lm, nt, domain, user, key)
}

const micAt = 72

// unicode returns s in UTF-16, little endian.
func unicode(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func fromUnicode(b []byte) string {
	var u []uint16
	for ; len(b) >= 2; b = b[2:] {
		u = append(u, binary.LittleEndian.Uint16(b))
	}
	return string(utf16.Decode(u))
}

// fileTime returns t as a FILETIME (MS-DTYP 2.3.3): tenths of microseconds since 1601.
func fileTime(t time.Time) []byte {
	const since1601 = 11644473600 // seconds from 1601 to 1970
	n := (t.Unix()+since1601)*1e7 + int64(t.Nanosecond()/100)
	return binary.LittleEndian.AppendUint64(nil, uint64(n)) //nolint:gosec // years after 1601
}
