// Package templates holds every page: a templ file with the markup and, under the same name, the view that the page is drawn from.
//
// A view has ready values: words that the viewer may see, times in the building's zone, paths without the base path. A template does no
// I/O, reads no clock and decides nothing about rights; what a viewer may not see is not in the view. The comments of a view name the
// POST targets of its forms and their fields.
package templates

import (
	"time"

	"lintel/templates/ui"
)

// SignIn is the sign-in page.
//
// POST /sign-in: login, password, next (a path of this portal, empty for the first page).
type SignIn struct {
	Login   string        // as typed
	Next    string        // where the person wanted to go
	RetryIn time.Duration // above 0: too many tries, so long to wait
	Errors  ui.Errors     // "" for a wrong pair; never says which of the two
}
