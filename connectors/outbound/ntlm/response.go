package ntlm

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // NTLMv2 is made of it
	"crypto/rc4" //nolint:gosec // likewise
	"slices"
	"strings"

	//lint:ignore SA1019 MD4 is the form in which a Windows domain knows a password; nothing else rests on it.
	"golang.org/x/crypto/md4"
)

// authenticate answers a challenge (MS-NLMP 3.1.5.1.2). Binding is nil for none.
func (h *handshake) authenticate(c challenge, binding []byte) []byte {
	domain := h.domain
	if !h.qualified {
		domain = fromUnicode(c.value(avDomain))
	}
	flags := c.flags & ourFlags
	if flags&flagSign == 0 {
		// Without signing there is no key exchange (MS-NLMP 3.1.5.1.2), but servers disagree when the flag
		// stands nevertheless.
		flags &^= flagKeyExchange
	}
	k := responseKey(h.user, domain, h.password.Reveal())
	time := c.timestamp()
	lm := make([]byte, 24) // what replaces LMv2 when the server tells its time
	if time == nil {
		time = fileTime(h.now())
		lm = lmv2(k, c.nonce, h.nonce)
	}
	nt, exported := ntlmv2(k, c.nonce, h.nonce, time, c.answerPairs(h.target, binding))
	var key []byte
	if flags&flagKeyExchange != 0 {
		key = exchange(exported, h.sessionKey)
		exported = h.sessionKey[:]
	}
	msg := authenticateMessage(flags, lm, nt, unicode(domain), unicode(h.user), key)
	copy(msg[micAt:], hmacMD5(exported, h.negotiate, c.raw, msg))
	return msg
}

// responseKey is NTOWFv2 (MS-NLMP 3.3.2).
func responseKey(user, domain, password string) []byte {
	d := md4.New()
	d.Write(unicode(password))
	return hmacMD5(d.Sum(nil), unicode(strings.ToUpper(user)+domain))
}

// ntlmv2 returns the response and the session's base key (MS-NLMP 3.3.2), which is the key exchange key
// too. Time is a FILETIME.
func ntlmv2(key []byte, server, client [8]byte, time, pairs []byte) (response, base []byte) {
	temp := slices.Concat([]byte{1, 1, 0, 0, 0, 0, 0, 0}, time, client[:], make([]byte, 4), pairs, make([]byte, 4))
	proof := hmacMD5(key, server[:], temp)
	return append(proof, temp...), hmacMD5(key, proof)
}

// lmv2 is the second response of NTLMv2, for servers that do not tell their time.
func lmv2(key []byte, server, client [8]byte) []byte {
	return append(hmacMD5(key, server[:], client[:]), client[:]...)
}

// exchange encrypts a session key under the key exchange key.
func exchange(key []byte, session [16]byte) []byte {
	c, err := rc4.NewCipher(key) //nolint:gosec // see the import
	if err != nil {
		panic(err) // a key of 16 bytes always fits
	}
	out := make([]byte, len(session))
	c.XORKeyStream(out, session[:])
	return out
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	m := hmac.New(md5.New, key)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}
