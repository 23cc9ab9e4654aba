package outbound

import (
	"crypto"
	"crypto/md5" //nolint:gosec // RFC 2744 and MS-NLMP want it
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
)

// BindingSum returns what NTLM and Kerberos put into a sign-in to bind it to a TLS connection: the MD5
// sum of a gss_channel_bindings_struct (RFC 2744 3.11, RFC 4121 4.1.1.2) without addresses, whose data
// is tls-server-end-point (RFC 5929 4). It is nil for a nil state.
func BindingSum(state *tls.ConnectionState) []byte {
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil
	}
	leaf := state.PeerCertificates[0]
	h := endPointHash(leaf.SignatureAlgorithm).New()
	h.Write(leaf.Raw)
	data := h.Sum([]byte("tls-server-end-point:"))
	bindings := make([]byte, 16, 20+len(data))                               // two empty addresses: type and length each
	bindings = binary.LittleEndian.AppendUint32(bindings, uint32(len(data))) //nolint:gosec // below 100
	sum := md5.Sum(append(bindings, data...))                                //nolint:gosec // see above
	return sum[:]
}

// endPointHash is the certificate's own hash, but at least SHA-256 (RFC 5929 4.1).
func endPointHash(a x509.SignatureAlgorithm) crypto.Hash {
	switch a {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		return crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		return crypto.SHA512
	}
	return crypto.SHA256
}
