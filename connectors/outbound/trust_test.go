package outbound

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lintel/connectors"
)

func sumOf(b []byte) [32]byte { return sha256.Sum256(b) }

func TestPins(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	// Expired, for another name, and of an authority that nobody knows: a pin is enough.
	at := ours.server(t, "calendar.example", -time.Hour, 0)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(at, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	leaf := conn.ConnectionState().PeerCertificates[0]
	conn.Close()
	cert, key := sumOf(leaf.Raw), sumOf(leaf.RawSubjectPublicKeyInfo)
	wrong := strings.Repeat("ab", 32)
	var colons []string
	for _, b := range cert {
		colons = append(colons, strings.ToUpper(hex.EncodeToString([]byte{b})))
	}
	for name, tt := range map[string]struct {
		pins []string
		ok   bool
	}{
		"certificate":       {[]string{hex.EncodeToString(cert[:])}, true},
		"as openssl writes": {[]string{" " + strings.Join(colons, ":")}, true},
		"public key":        {[]string{wrong, hex.EncodeToString(key[:])}, true},
		"another":           {[]string{wrong}, false},
	} {
		_, err := get(newClient(t, newOutbound(t), ClientOptions{Hosts: []string{at}, Pins: tt.pins, CA: ours.pem}), at)
		if tt.ok {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		e := wantKind(t, err, connectors.Trust)
		if e.Cure != "calendar.cure.pin" || !strings.HasSuffix(e.Said, strings.ToUpper(hex.EncodeToString(cert[:]))) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for _, bad := range []string{"", "abcd", wrong + "00", strings.Repeat("zz", 32)} {
		if _, err := newOutbound(t).Client(ClientOptions{Pins: []string{bad}}); err == nil {
			t.Errorf("pin %q is accepted", bad)
		}
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	var seen int
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = len(r.TLS.PeerCertificates) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	sum := sumOf(s.Certificate().Raw)
	opt := ClientOptions{Hosts: []string{s.URL}, Pins: []string{hex.EncodeToString(sum[:])}}
	_, err := get(newClient(t, newOutbound(t), opt), s.URL)
	wantKind(t, err, connectors.Trust)
	opt.ClientCert = &s.TLS.Certificates[0]
	if _, err := get(newClient(t, newOutbound(t), opt), s.URL); err != nil || seen != 1 {
		t.Errorf("%d certificates, %v", seen, err)
	}
}

// The structure of RFC 2744 3.11 with RFC 5929's data, put together by hand.
func TestBindingSum(t *testing.T) {
	t.Parallel()
	raw := []byte("a certificate")
	s256, s384, s512 := sha256.Sum256(raw), sha512.Sum384(raw), sha512.Sum512(raw)
	for name, tt := range map[string]struct {
		algorithm x509.SignatureAlgorithm
		hash      []byte
	}{
		"SHA-1 counts as SHA-256": {x509.SHA1WithRSA, s256[:]},
		"MD5 counts as SHA-256":   {x509.MD5WithRSA, s256[:]},
		"SHA-256":                 {x509.ECDSAWithSHA256, s256[:]},
		"SHA-384":                 {x509.SHA384WithRSA, s384[:]},
		"SHA-512":                 {x509.SHA512WithRSAPSS, s512[:]},
		"Ed25519":                 {x509.PureEd25519, s256[:]},
	} {
		data := append([]byte("tls-server-end-point:"), tt.hash...)
		want := md5.Sum(append(append(make([]byte, 16), byte(len(data)), 0, 0, 0), data...))
		got := BindingSum(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: raw, SignatureAlgorithm: tt.algorithm}}})
		if d := cmp.Diff(want[:], got); d != "" {
			t.Errorf("%s: %x", name, got)
		}
	}
	if BindingSum(nil) != nil || BindingSum(&tls.ConnectionState{}) != nil {
		t.Error("nothing is bound to something")
	}
}
