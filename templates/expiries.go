package templates

import "lintel/templates/ui"

// Expiries is everything that runs out, the soonest first: GET /settings/system/expiring.
type Expiries struct{ Lines []ExpiryLine }

// ExpiryLine is one secret or certificate.
type ExpiryLine struct {
	What  string // "Secret for signing in"
	Of    string // what it belongs to: "Microsoft 365", "lintel.example.com"
	Until string // "22 Nov 2026"
	Left  string // "in 12 days"
	State ui.State
	Word  string // "Soon"
	Said  string // why its renewal fails, or that it is renewed by itself; "" for neither
	Path  string // of the cure; "" where the viewer can't open it
	Link  string // "Renew it"
}
