package templates

import "lintel/templates/ui"

// SystemCertificate is by what Lintel signs in to a booking system.
//
// The public part is downloaded from GET /settings/systems/{id}/certificate/{file}: current.cer, current.pem, next.cer, next.pem. The
// successor: POST /settings/systems/{id}/successor makes it, POST …/successor/try tries it, GET and POST …/successor/use take it,
// GET and POST …/successor/drop forget it.
type SystemCertificate struct {
	System  string // its id
	Name    string // of the system
	Current PublicCertificate
	Next    *PublicCertificate // nil while there is none
	Tried   string             // when the successor was tried: "14:02"; "" for not yet
	Steps   []ui.CheckStep     // of that try
}

// PublicCertificate is the part of a certificate that administrators get.
type PublicCertificate struct {
	Thumbprint string // SHA-1, as Entra shows it
	SHA256     string
	From       string
	Until      string
	Left       string // "in 700 days"
	State      ui.State
	Word       string
	PEM        string
}

func (v SystemCertificate) path(rest string) string {
	return "/settings/systems/" + v.System + "/" + rest
}

// works reports whether the successor was tried and nothing failed.
func (v SystemCertificate) works() bool {
	return v.Tried != "" && Tried{Steps: v.Steps}.state() != ui.Bad
}
