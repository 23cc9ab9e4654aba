package kerberos

import (
	"context"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"lintel/app/secret"
	"lintel/connectors"
	"lintel/connectors/outbound"
)

const planted = "planted-secret"

func newOut(t testing.TB, loopback bool, record func(outbound.Contact)) *outbound.Outbound {
	t.Helper()
	o, err := outbound.New(outbound.Options{AllowLoopback: loopback, Now: time.Now, Record: record})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// centre is a key distribution centre that gives the same answer to everything.
func centre(t testing.TB, answer func(ask []byte) []byte) (address string, asked func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	n := 0
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			n++
			mu.Unlock()
			go func() {
				defer c.Close()
				var head [4]byte
				if _, err := io.ReadFull(c, head[:]); err != nil {
					return
				}
				ask := make([]byte, binary.BigEndian.Uint32(head[:]))
				if _, err := io.ReadFull(c, ask); err != nil {
					return
				}
				if b := answer(ask); b != nil {
					_, _ = c.Write(b)
				}
			}()
		}
	}()
	return l.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func krbErrorBytes(t testing.TB, code int32, data []byte) []byte {
	t.Helper()
	e := messages.NewKRBError(types.NewPrincipalName(2, "krbtgt/ROOMS.TEST"), "ROOMS.TEST", code, "")
	e.EData = data
	b, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// methods is what a centre says that it wants: a time under a key of this kind.
func methods(t testing.TB, kind int32, rounds uint32) []byte {
	t.Helper()
	info, err := asn1.Marshal([]struct {
		EType  int32  `asn1:"explicit,tag:0"`
		Params []byte `asn1:"explicit,tag:2"`
	}{{kind, binary.BigEndian.AppendUint32(nil, rounds)}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := asn1.Marshal([]types.PAData{{PADataType: patype.PA_ETYPE_INFO2, PADataValue: info}, {PADataType: patype.PA_ENC_TIMESTAMP}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func begin(t testing.TB, cfg Config, record func(outbound.Contact)) error {
	t.Helper()
	if cfg.Password.IsZero() {
		cfg.Password = secret.New(planted)
	}
	cfg.User, cfg.Now, cfg.Purpose = "svc@rooms.test", time.Now, "test"
	s, err := New(newOut(t, true, record), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Credentials().Begin(context.Background(), "ex01.rooms.test")
	return err
}

func TestCentreErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code int32
		kind connectors.Kind
		cure string
	}{
		{6, connectors.Auth, "calendar.cure.kerberos_user"},
		{12, connectors.Auth, "calendar.cure.kerberos"},
		{14, connectors.Auth, "calendar.cure.kerberos_etype"},
		{18, connectors.Auth, "calendar.cure.kerberos_locked"},
		{23, connectors.Auth, "calendar.cure.kerberos_expired"},
		{24, connectors.Auth, "calendar.cure.auth"},
		{29, connectors.Transient, "calendar.cure.kerberos_kdc"},
		{37, connectors.Transient, "calendar.cure.kerberos_clock"},
		{68, connectors.Auth, "calendar.cure.kerberos_realm"},
		{99, connectors.Auth, "calendar.cure.kerberos"},
	} {
		address, asked := centre(t, func([]byte) []byte { return framed(krbErrorBytes(t, tt.code, nil)) })
		err := begin(t, Config{KDCs: []string{address}}, nil)
		if connectors.KindOf(err) != tt.kind || connectors.CureOf(err) != tt.cure || !strings.Contains(connectors.SaidOf(err), fmt.Sprint(tt.code)) {
			t.Errorf("code %d: %v, cure %q, said %q", tt.code, err, connectors.CureOf(err), connectors.SaidOf(err))
		}
		if asked() != 1 {
			t.Errorf("code %d: the centre was asked %d times", tt.code, asked())
		}
	}
}

// The password goes into one question, and into no further one for a while.
func TestOneAttempt(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	proofs := 0
	address, _ := centre(t, func(ask []byte) []byte {
		var req messages.ASReq
		if err := req.Unmarshal(ask); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if !req.PAData.Contains(patype.PA_ENC_TIMESTAMP) {
			return framed(krbErrorBytes(t, codePreauthRequired, methods(t, etypeID.AES256_CTS_HMAC_SHA1_96, 4096)))
		}
		proofs++
		for _, pa := range req.PAData {
			if pa.PADataType == patype.PA_ENC_TIMESTAMP {
				checkProof(t, pa.PADataValue)
			}
		}
		return framed(krbErrorBytes(t, codePreauthFailed, nil))
	})
	now := time.Now()
	s, err := New(newOut(t, true, nil), Config{User: "svc@rooms.test", Password: secret.New(planted), KDCs: []string{address}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_, err := s.Credentials().Begin(context.Background(), "h")
		if !errors.Is(err, connectors.Auth) || strings.Contains(fmt.Sprintf("%+v %s", err, connectors.SaidOf(err)), planted) {
			t.Fatalf("%v", err)
		}
	}
	if proofs != 1 {
		t.Errorf("the password was tried %d times", proofs)
	}
	now = now.Add(2 * refusalHolds)
	_, _ = s.Credentials().Begin(context.Background(), "h")
	if proofs != 2 {
		t.Errorf("after a while it was tried %d times in all, want 2", proofs)
	}
}

// checkProof opens an encrypted time with the account's key.
func checkProof(t *testing.T, value []byte) {
	var sealed types.EncryptedData
	if err := sealed.Unmarshal(value); err != nil {
		t.Error(err)
		return
	}
	key, _, err := crypto.GetKeyFromPassword(planted, types.NewPrincipalName(1, "svc"), "ROOMS.TEST", etypeID.AES256_CTS_HMAC_SHA1_96, nil)
	if err != nil {
		t.Error(err)
		return
	}
	b, err := crypto.DecryptEncPart(sealed, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP)
	if err != nil {
		t.Errorf("the proof does not open: %v", err)
		return
	}
	var stamp types.PAEncTSEnc
	if err := stamp.Unmarshal(b); err != nil || time.Since(stamp.PATimestamp).Abs() > 3*time.Minute {
		t.Errorf("the proof has the time %v: %v", stamp.PATimestamp, err)
	}
}

func TestHostileCentre(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer []byte
		kind   connectors.Kind
	}{
		"nothing":         {nil, connectors.Transient},
		"half a length":   {[]byte{0, 0}, connectors.Transient},
		"huge":            {[]byte{0xff, 0xff, 0xff, 0xff}, connectors.Transient},
		"empty":           {[]byte{0, 0, 0, 0}, connectors.Transient},
		"cut":             {[]byte{0, 0, 0, 9, 1}, connectors.Transient},
		"nonsense":        {framed([]byte("HTTP/1.1 400 Bad Request")), connectors.Invalid},
		"bare tag":        {framed([]byte{0x7e}), connectors.Invalid},
		"endless rounds":  {framed(krbErrorBytes(t, codePreauthRequired, methods(t, etypeID.AES256_CTS_HMAC_SHA1_96, 0xffffffff))), connectors.Invalid},
		"zero is 2^32":    {framed(krbErrorBytes(t, codePreauthRequired, methods(t, etypeID.AES256_CTS_HMAC_SHA1_96, 0))), connectors.Invalid},
		"damaged methods": {framed(krbErrorBytes(t, codePreauthRequired, []byte{0x30, 0x80, 1})), connectors.Invalid},
		"weak kind only":  {framed(krbErrorBytes(t, codePreauthRequired, methods(t, etypeID.DES_CBC_MD5, 1))), connectors.Auth},
		"asks for ever":   {framed(krbErrorBytes(t, codePreauthRequired, methods(t, etypeID.RC4_HMAC, 1))), connectors.Auth},
	} {
		address, asked := centre(t, func([]byte) []byte { return tt.answer })
		err := begin(t, Config{KDCs: []string{address}}, nil)
		if connectors.KindOf(err) != tt.kind || asked() > 2 {
			t.Errorf("%s: %v (%s), asked %d times", name, err, connectors.SaidOf(err), asked())
		}
	}
}

func TestCentresInOrder(t *testing.T) {
	t.Parallel()
	dead, _ := centre(t, func([]byte) []byte { return nil })
	good, asked := centre(t, func([]byte) []byte { return framed(krbErrorBytes(t, 18, nil)) })
	var mu sync.Mutex
	var contacts []string
	err := begin(t, Config{KDCs: []string{dead, good}}, func(c outbound.Contact) {
		mu.Lock()
		defer mu.Unlock()
		contacts = append(contacts, fmt.Sprintf("%s:%d %s", c.Host, c.Port, c.Purpose))
	})
	if connectors.KindOf(err) != connectors.Auth || asked() != 1 {
		t.Errorf("%v", err)
	}
	if d := cmp.Diff([]string{dead + " test", good + " test"}, contacts); d != "" {
		t.Error(d)
	}
	// One that says that it can't answer now is passed over; when there is no other, that is the error.
	unable, _ := centre(t, func([]byte) []byte { return framed(krbErrorBytes(t, codeUnavailable, nil)) })
	if err := begin(t, Config{KDCs: []string{unable, good}}, nil); connectors.KindOf(err) != connectors.Auth || asked() != 2 {
		t.Errorf("behind one that is unable: %v", err)
	}
	if err := begin(t, Config{KDCs: []string{unable}}, nil); connectors.KindOf(err) != connectors.Transient || !strings.Contains(connectors.SaidOf(err), "KDC_ERR_SVC_UNAVAILABLE") {
		t.Errorf("only one that is unable: %v", err)
	}
	// The rules for addresses hold here too.
	s, err := New(newOut(t, false, nil), Config{User: "u@R.TEST", Password: secret.New("p"), KDCs: []string{good}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]string{{good}, {strings.Replace(good, "127.0.0.1", "localhost", 1)}, {"169.254.169.254"}} {
		s.kdcs["R.TEST"] = list
		_, err = s.Credentials().Begin(context.Background(), "h")
		if connectors.KindOf(err) != connectors.Trust || connectors.CureOf(err) != "calendar.cure.address" {
			t.Errorf("%v: %v", list, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Credentials().Begin(ctx, "h"); err == nil {
		t.Error("a caller who gave up gets a handshake")
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	kt := keytab.New()
	if err := kt.AddEntry("svc", "ROOMS.TEST", planted, time.Unix(1, 0), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
		t.Fatal(err)
	}
	ktb, err := kt.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const conf = "[libdefaults]\n default_realm = ROOMS.TEST\n[realms]\n ROOMS.TEST = {\n  kdc = dc1.rooms.test\n  kdc = dc2.rooms.test:1088\n }\n"
	pw := secret.New(planted)
	for name, tt := range map[string]struct {
		cfg   Config
		user  string
		realm string
		kdcs  []string
	}{
		"realm typed":            {Config{User: "svc", Password: pw, Realm: "rooms.test", KDCs: []string{"dc"}}, "svc", "ROOMS.TEST", []string{"dc"}},
		"realm in the name":      {Config{User: " svc@rooms.test ", Password: pw}, "svc", "ROOMS.TEST", []string{"rooms.test"}},
		"domain in the name":     {Config{User: `ROOMS\svc`, Password: pw, Krb5Conf: conf}, "svc", "ROOMS.TEST", []string{"dc1.rooms.test:88", "dc2.rooms.test:1088"}},
		"another suffix":         {Config{User: "svc@example.com", Password: pw, Realm: "rooms.test"}, "svc", "ROOMS.TEST", []string{"rooms.test"}},
		"krb5.conf":              {Config{User: "svc", Keytab: secret.New(string(ktb)), Krb5Conf: conf}, "svc", "ROOMS.TEST", []string{"dc1.rooms.test:88", "dc2.rooms.test:1088"}},
		"typed beats krb5.conf":  {Config{User: "svc", Password: pw, Krb5Conf: conf, KDCs: []string{"[2001:db8::1]:88"}}, "svc", "ROOMS.TEST", []string{"[2001:db8::1]:88"}},
		"no realm":               {Config{User: "svc", Password: pw}, "", "", nil},
		"no user":                {Config{User: "@R.TEST", Password: pw}, "", "", nil},
		"no secret":              {Config{User: "svc@R.TEST"}, "", "", nil},
		"keytab is none":         {Config{User: "svc@R.TEST", Keytab: secret.New(planted)}, "", "", nil},
		"keytab is cut":          {Config{User: "svc@R.TEST", Keytab: secret.New(string(ktb[:len(ktb)-9]))}, "", "", nil},
		"centre with a path":     {Config{User: "svc@R.TEST", Password: pw, KDCs: []string{"dc/" + planted}}, "", "", nil},
		"centre with a bad port": {Config{User: "svc@R.TEST", Password: pw, KDCs: []string{"dc:0"}}, "", "", nil},
		"krb5.conf is none":      {Config{User: "svc@R.TEST", Password: pw, Krb5Conf: "[realms]\n}\n = {"}, "", "", nil},
	} {
		s, err := New(newOut(t, true, nil), tt.cfg)
		if tt.user == "" {
			if err == nil || strings.Contains(err.Error(), planted) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := s.account.CName().PrincipalNameString(); got != tt.user || s.account.Realm() != tt.realm {
			t.Errorf("%s: %s of %s", name, got, s.account.Realm())
		}
		if d := cmp.Diff(tt.kdcs, s.kdcs[tt.realm]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for in, want := range map[string]string{"dc": "dc 88", "dc:89": "dc 89", "[::1]": "::1 88", "[::1]:99": "::1 99", "10.0.0.1": "10.0.0.1 88"} {
		host, port, err := splitKDC(in)
		if got := fmt.Sprint(host, " ", port); err != nil || got != want {
			t.Errorf("%s: %s %v", in, got, err)
		}
	}
}

// What a server says last, with and without the SPNEGO wrapping.
func TestRefusalCode(t *testing.T) {
	t.Parallel()
	word, err := gssToken(oidKRB5(), append([]byte{3, 0}, krbErrorBytes(t, codeModified, nil)...))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := asn1.Marshal(struct {
		State asn1.Enumerated `asn1:"explicit,tag:0"`
		Token []byte          `asn1:"explicit,tag:2"`
	}{2, word})
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: resp})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		in   []byte
		want int32
	}{
		"bare": {word, codeModified}, "wrapped": {wrapped, codeModified}, "empty": {nil, 0}, "nonsense": {[]byte("hello"), 0},
		"reject without a word": {[]byte{0xa1, 0x07, 0x30, 0x05, 0xa0, 0x03, 0x0a, 0x01, 0x02}, 0},
	} {
		if got, ok := refusalCode(tt.in); got != tt.want || ok != (tt.want != 0) {
			t.Errorf("%s: %d %v", name, got, ok)
		}
	}
}

func FuzzRefusalCode(f *testing.F) {
	word, _ := gssToken(oidKRB5(), append([]byte{3, 0}, krbErrorBytes(f, codeModified, nil)...))
	f.Add(word)
	f.Add([]byte{0xa1, 0x07, 0x30, 0x05, 0xa0, 0x03, 0x0a, 0x01, 0x02})
	f.Fuzz(func(_ *testing.T, b []byte) {
		h := &handshake{s: &SignIn{turn: make(chan struct{}, 1), tickets: map[string]ticket{}}, sent: true}
		if token, err := h.Next(b, nil); token != nil || err == nil {
			panic("a refusal is answered")
		}
	})
}
