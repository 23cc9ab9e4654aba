package templates

import "lintel/templates/ui"

// SystemInfo is the state of the program: GET /settings/system. The local authority's root is downloaded from GET /settings/system/root.pem.
type SystemInfo struct {
	Sentence     string // "Everything is in order." or what is not
	State        ui.State
	StateWord    string
	Checks       []ui.CheckStep // Took may stay empty
	Listeners    []Listener
	Certificates []Certificate
	Root         bool   // there is a root of the local authority to download
	Fingerprint  string // SHA-256 of the root
	Destinations []Destination
	Jobs         []Job
	Program      []ui.Fact // version, Go, data folder, database size, started
}

// Listener is an address that is listened on.
type Listener struct {
	Name    string // "Portal", "Displays"
	Address string // 0.0.0.0:8443
	URL     string // as configured: base_url, device_url
	TLS     string // the mode in words
}

// Certificate is one that is shown to clients.
type Certificate struct {
	Names  string
	Issuer string
	Until  string // "3 Mar 2027"
	Left   string // "in 102 days"
	State  ui.State
	Word   string
}

// Destination is a host that was contacted.
type Destination struct {
	Host, Port  string
	Purpose     string
	First, Last string
	Count       int
}

// Job is a background job.
type Job struct {
	Name  string
	Last  string // "3 min ago", "" for never
	Took  string
	Next  string
	State ui.State
	Word  string
	Error string // in a sentence, "" when the last run went well
}
