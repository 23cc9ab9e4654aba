package ntlm

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/app/secret"
	"lintel/connectors"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	serverNonce = [8]byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}
	clientNonce = [8]byte(bytes.Repeat([]byte{0xaa}, 8))
	sessionKey  = [16]byte(bytes.Repeat([]byte{0x55}, 16))
)

// The pairs of MS-NLMP 4.2.4: domain "Domain", server "Server".
const vectorPairs = `02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000`

// MS-NLMP 4.2.4, NTLMv2 authentication: user "User", domain "Domain", password "Password".
func TestVectors(t *testing.T) {
	t.Parallel()
	key := responseKey("User", "Domain", "Password")
	response, base := ntlmv2(key, serverNonce, clientNonce, make([]byte, 8), unhex(t, vectorPairs))
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"4.2.4.1.1 NTOWFv2", key, "0c868a403bfd7a93a3001ef22ef02e3f"},
		{"4.2.4.1.2 session base key", base, "8de40ccadbc14a82f15cb0ad0de95ca3"},
		{"4.2.4.2.1 LMv2 response", lmv2(key, serverNonce, clientNonce), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"},
		{"4.2.4.2.2 NTLMv2 response", response[:16], "68cd0ab851e51c96aabc927bebef6a1c"},
		{"4.2.4.1.3 temp", response[16:], "0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000" + vectorPairs + "00000000"},
		{"4.2.4.2.3 encrypted session key", exchange(base, sessionKey), "c5dad2544fc9799094ce1ce90bc9d03e"},
	} {
		if d := cmp.Diff(unhex(t, tt.want), tt.got); d != "" {
			t.Errorf("%s: got %x", tt.name, tt.got)
		}
	}
}

// The challenge of MS-NLMP 4.2.4.3.
const vectorChallenge = `4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000
	2400240044000000 060070170000000f 530065007200760065007200` + vectorPairs

func TestParseChallenge(t *testing.T) {
	t.Parallel()
	c, err := parseChallenge(unhex(t, vectorChallenge))
	if err != nil {
		t.Fatal(err)
	}
	if c.flags != 0xe28a8233 || c.nonce != serverNonce || len(c.pairs) != 2 || fromUnicode(c.value(avDomain)) != "Domain" {
		t.Errorf("%+v", c)
	}
	whole := unhex(t, vectorChallenge)
	for name, change := range map[string]func(b []byte) []byte{
		"empty":           func([]byte) []byte { return nil },
		"short":           func(b []byte) []byte { return b[:31] },
		"other signature": func(b []byte) []byte { b[0] = 'X'; return b },
		"other type":      func(b []byte) []byte { b[8] = 3; return b },
		"no unicode":      func(b []byte) []byte { b[20] &^= 1; return b },
		"info outside":    func(b []byte) []byte { return b[:len(b)-1] },
		"info far away":   func(b []byte) []byte { binary.LittleEndian.PutUint32(b[44:], 1<<31); return b },
		"pair too long":   func(b []byte) []byte { binary.LittleEndian.PutUint16(b[0x44+2:], 500); return b },
		"too large":       func(b []byte) []byte { return append(b, make([]byte, maxChallenge)...) },
	} {
		if _, err := parseChallenge(change(bytes.Clone(whole))); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for name, b := range map[string][]byte{
		"without target information": whole[:32],
		"no end mark":                func() []byte { b := bytes.Clone(whole); b[40], b[42] = 32, 32; return b[:len(b)-4] }(),
	} {
		if _, err := parseChallenge(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// message is an AUTHENTICATE message as a server reads it.
type message struct {
	lm, nt, domain, user, workstation, key []byte
	flags                                  uint32
	mic                                    []byte
	pairs                                  map[uint16][]byte
	time                                   []byte
}

func readAuthenticate(t *testing.T, b []byte) message {
	t.Helper()
	if string(b[:8]) != signature || b[8] != 3 {
		t.Fatalf("no authenticate message: %x", b)
	}
	var m message
	for i, f := range []*[]byte{&m.lm, &m.nt, &m.domain, &m.user, &m.workstation, &m.key} {
		h := b[12+8*i:]
		n, at := binary.LittleEndian.Uint16(h), binary.LittleEndian.Uint32(h[4:])
		*f = b[at : at+uint32(n)]
	}
	m.flags, m.mic = binary.LittleEndian.Uint32(b[60:]), b[72:88]
	m.time = m.nt[24:32]
	m.pairs = map[uint16][]byte{}
	for p := m.nt[44:]; ; {
		id, n := binary.LittleEndian.Uint16(p), binary.LittleEndian.Uint16(p[2:])
		if id == avEnd {
			break
		}
		m.pairs[id] = p[4 : 4+n]
		p = p[4+n:]
	}
	return m
}

// buildChallenge is a server's message.
func buildChallenge(flags uint32, pairs ...pair) []byte {
	var info []byte
	for _, p := range append(pairs, pair{avEnd, nil}) {
		info = binary.LittleEndian.AppendUint16(info, p.id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(p.value)))
		info = append(info, p.value...)
	}
	b := append([]byte(signature), 2, 0, 0, 0)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = append(b, serverNonce[:]...)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(info)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(info)))
	b = binary.LittleEndian.AppendUint32(b, 56)
	b = append(b, version...)
	return append(b, info...)
}

// A server's side of the protocol, written from MS-NLMP 3.2.5.1.2, accepts what we send.
func TestAuthenticate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	stamp := unhex(t, "0011223344556677")
	domain := pair{avDomain, unicode("ROOMS")}
	for _, tt := range []struct {
		name         string
		user         string
		flags        uint32
		pairs        []pair
		binding      []byte
		domain, want string
		exchange     bool
		stamped      bool
		avFlags      uint32
	}{
		{"windows", `ROOMS\svc`, ourFlags, []pair{domain, {avTimestamp, stamp}}, bytes.Repeat([]byte{7}, 16), "ROOMS", "svc", true, true, 2},
		{"no key exchange", `ROOMS\svc`, ourFlags &^ flagKeyExchange, []pair{domain, {avTimestamp, stamp}}, nil, "ROOMS", "svc", false, true, 2},
		{"key exchange without signing", `ROOMS\svc`, ourFlags &^ flagSign, []pair{domain}, nil, "ROOMS", "svc", false, false, 2},
		{"whole name", "svc@rooms.test", ourFlags, []pair{domain}, nil, "", "svc@rooms.test", true, false, 2},
		{"bare name", " svc ", ourFlags, []pair{domain, {avTimestamp, []byte("odd")}}, nil, "ROOMS", "svc", true, false, 2},
		{"no target information", `R\svc`, ourFlags, nil, nil, "R", "svc", true, false, 2},
		{"server has flags and names of its own", `R\svc`, ourFlags, []pair{{avFlags, []byte{1, 0, 0, 0}}, {avTargetName, unicode("x")}, {avChannelBindings, stamp}}, nil, "R", "svc", true, false, 3},
	} {
		c := Credentials(tt.user, secret.New("Päss"), "", func() time.Time { return now })
		hs, err := c.Begin(context.Background(), "ex01.rooms.test")
		if err != nil {
			t.Fatal(err)
		}
		first, err := hs.Next(nil, nil)
		if err != nil || string(first[:12]) != signature+"\x01\x00\x00\x00" || binary.LittleEndian.Uint32(first[12:]) != ourFlags {
			t.Fatalf("%s: %x %v", tt.name, first, err)
		}
		h := hs.(*handshake)
		raw := buildChallenge(tt.flags, tt.pairs...)
		ch, err := parseChallenge(raw)
		if err != nil {
			t.Fatal(err)
		}
		last := h.authenticate(ch, tt.binding)
		m := readAuthenticate(t, last)
		if got := fromUnicode(m.domain); got != tt.domain {
			t.Errorf("%s: domain %q", tt.name, got)
		}
		if got := fromUnicode(m.user); got != tt.want {
			t.Errorf("%s: user %q", tt.name, got)
		}
		key := responseKey(tt.want, tt.domain, "Päss")
		proof := hmacMD5(key, serverNonce[:], m.nt[16:])
		if !bytes.Equal(proof, m.nt[:16]) {
			t.Errorf("%s: response does not prove the password", tt.name)
		}
		exported := hmacMD5(key, proof)
		if (len(m.key) == 16) != tt.exchange || (m.flags&flagKeyExchange != 0) != tt.exchange {
			t.Errorf("%s: session key %x, flags %x", tt.name, m.key, m.flags)
		}
		if tt.exchange {
			rc, _ := rc4.NewCipher(exported)
			exported = make([]byte, 16)
			rc.XORKeyStream(exported, m.key)
		}
		blank := bytes.Clone(last)
		clear(blank[72:88])
		mac := hmac.New(md5.New, exported)
		mac.Write(first)
		mac.Write(raw)
		mac.Write(blank)
		if !bytes.Equal(mac.Sum(nil), m.mic) {
			t.Errorf("%s: integrity code is wrong", tt.name)
		}
		wantTime, emptyLM := fileTime(now), false
		if tt.stamped {
			wantTime, emptyLM = stamp, true
		}
		if !bytes.Equal(m.time, wantTime) || bytes.Equal(m.lm, make([]byte, 24)) != emptyLM || len(m.lm) != 24 {
			t.Errorf("%s: time %x, lm %x", tt.name, m.time, m.lm)
		}
		wantBinding := tt.binding
		if wantBinding == nil {
			wantBinding = make([]byte, 16)
		}
		if !bytes.Equal(m.pairs[avChannelBindings], wantBinding) || fromUnicode(m.pairs[avTargetName]) != "HTTP/ex01.rooms.test" ||
			binary.LittleEndian.Uint32(m.pairs[avFlags]) != tt.avFlags {
			t.Errorf("%s: pairs %v", tt.name, m.pairs)
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	begin := func() *handshake {
		c := Credentials(`R\u`, secret.New("planted-secret"), "", func() time.Time { return time.Unix(0, 0) })
		h, _ := c.Begin(context.Background(), "h")
		_, _ = h.Next(nil, nil)
		return h.(*handshake)
	}
	h := begin()
	if token, err := h.Next(buildChallenge(ourFlags), nil); err != nil || len(token) == 0 {
		t.Fatalf("%x %v", token, err)
	}
	if token, err := h.Next(buildChallenge(ourFlags), nil); err != nil || token != nil {
		t.Errorf("a second challenge is answered: a wrong password would be tried again")
	}
	if a, b := begin(), begin(); a.nonce == b.nonce || a.sessionKey == b.sessionKey {
		t.Error("two sign-ins share their random numbers")
	}
	_, err := begin().Next([]byte("NTLMSSP\x00nonsense"), nil)
	if !errors.Is(err, connectors.Invalid) || connectors.CureOf(err) != "calendar.cure.handshake" {
		t.Errorf("%v", err)
	}
}

func TestFileTime(t *testing.T) {
	t.Parallel()
	// MS-DTYP 2.3.3 counts from 1601-01-01; 2026-11-21T08:00:00.0000005Z.
	got := binary.LittleEndian.Uint64(fileTime(time.Date(2026, 11, 21, 8, 0, 0, 500, time.UTC)))
	days := uint64(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC).Sub(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)).Hours()/24) + 134774
	if want := (days*86400+8*3600)*1e7 + 5; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(unhex(f, vectorChallenge))
	f.Add(buildChallenge(ourFlags, pair{avDomain, unicode("D")}, pair{avTimestamp, make([]byte, 8)}, pair{avFlags, []byte{1, 0, 0, 0}}))
	f.Add(buildChallenge(flagUnicode))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseChallenge(b)
		if err != nil {
			return
		}
		h := &handshake{user: "u", target: "HTTP/h", negotiate: negotiateMessage(), now: func() time.Time { return time.Unix(0, 0) }}
		out := h.authenticate(c, nil)
		if len(out) > len(b)+1000+len(c.value(avDomain))*2 {
			t.Fatalf("%d bytes out of %d", len(out), len(b))
		}
		readAuthenticate(t, out)
	})
}
