package app

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"lintel/templates/text"
)

// TLSFault is the last failure with a certificate.
type TLSFault struct {
	At   time.Time
	Text string
}

// TLSState is what the System page, `doctor` and the set-up line show.
type TLSState struct {
	Root      *RootState // nil: there is no local authority
	Listeners []ListenerState
}

// RootState is the local authority's root.
type RootState struct {
	Name        string
	NotAfter    time.Time
	Fingerprint string // SHA-256, pairs of hex digits with colons
	PEM, DER    []byte
}

// ListenerState is one listener's certificate.
type ListenerState struct {
	Listener    string // "portal" or "device"
	Mode        TLSMode
	Names       []string // of the certificate that is served now
	Issuer      string
	NotBefore   time.Time
	NotAfter    time.Time
	Fingerprint string
	Standby     bool // an ACME certificate is still awaited, the local authority's stands in
	Fault       *TLSFault
}

// State returns how the certificates are now.
func (t *TLS) State() TLSState {
	var s TLSState
	if t.ca != nil {
		s.Root = t.ca.state()
	}
	for _, l := range []*listenerCerts{t.portal, t.device} {
		ls := ListenerState{Listener: l.name, Mode: l.mode}
		var faults []string // their keys
		if leaf := l.current(); leaf != nil {
			ls.Names = certNames(leaf)
			ls.Issuer = leaf.Issuer.CommonName
			if len(leaf.Issuer.Organization) > 0 {
				ls.Issuer = strings.TrimSpace(leaf.Issuer.Organization[0] + " " + ls.Issuer)
			}
			ls.NotBefore, ls.NotAfter = leaf.NotBefore, leaf.NotAfter
			ls.Fingerprint = fingerprint(leaf.Raw)
		}
		switch l.mode {
		case TLSFiles:
			faults = []string{"files " + l.files.certFile}
		case TLSLocalCA:
			faults = []string{l.name + " " + l.local.subject}
		case TLSACME:
			for _, name := range l.acme.names {
				faults = append(faults, "acme "+name)
				ls.Standby = ls.Standby || l.acme.leaf(name) == nil
			}
		}
		t.mu.Lock()
		for _, key := range faults {
			if f, ok := t.faults[key]; ok && ls.Fault == nil {
				ls.Fault = &f
			}
		}
		t.mu.Unlock()
		s.Listeners = append(s.Listeners, ls)
	}
	return s
}

// Findings says for `doctor` what is wrong with the certificates.
func (s TLSState) Findings(now time.Time) []finding {
	var found []finding
	for _, l := range s.Listeners {
		check := "doctor.check_certificate_" + l.Listener
		until := text.Day(l.NotAfter)
		switch {
		case l.Mode == TLSOff:
			continue
		case l.NotAfter.IsZero():
			found = append(found, fail(check, cureBy("doctor.cure_log", readLog), "doctor.certificate_none"))
		case now.After(l.NotAfter):
			found = append(found, fail(check, cureOf(l), "doctor.certificate_over", "Date", until))
		case l.Fault != nil:
			found = append(found, warn(check, cureOf(l), "doctor.certificate_fault", "Date", until, "Time", l.Fault.At, "Error", l.Fault.Text))
		case l.Standby:
			found = append(found, warn(check, cure("doctor.cure_certificate_wait"), "doctor.certificate_standby"))
		case l.Mode == TLSFiles && now.Add(certWarn).After(l.NotAfter):
			found = append(found, warn(check, cureOf(l), "doctor.certificate_ends", "Date", until))
		default:
			found = append(found, ok(check, "doctor.certificate_good", "Issuer", l.Issuer, "Date", until))
		}
	}
	return found
}

func cureOf(l ListenerState) cured {
	switch l.Mode {
	case TLSFiles:
		return cure("doctor.cure_certificate_files")
	case TLSACME:
		return cure("doctor.cure_certificate_acme")
	}
	return cureBy("doctor.cure_log", readLog)
}

func certNames(leaf *x509.Certificate) []string {
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// fingerprint is SHA-256 in the form that browsers show.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}
