// Package ui holds the parts that pages are made of: the frame with its navigation, forms, tables, states, timelines.
//
// A component knows no feature, does no I/O and reads no clock. It takes a Shell for the words and the paths, and a small struct with
// ready values. No component writes an inline style or script: the content security policy of the portal forbids both, so positions
// are attributes of SVG elements and behaviour hangs on data attributes that static/js/app.js knows.
package ui

import (
	"strings"

	"github.com/a-h/templ"

	"lintel/static"
	"lintel/templates/text"
)

// Shell is what every page needs besides its own view: the language, the paths, who looks, and what they may open.
type Shell struct {
	*text.Printer // words, dates and numbers in the viewer's language; never nil

	Base  string // the path of base_url without a slash at its end: "" or "/rooms"
	Path  string // path and query of this page without Base: where a change of language or theme comes back to
	Theme Theme

	User  string // the viewer's name, "" when nobody is signed in
	Roles string // the viewer's roles in words, shown in the account menu
	May   Areas  // what stands in the navigation

	WaitingDisplays int // displays that wait for approval, shown beside "Displays" when above 0

	Alerts    []Alert  // what needs a person, shown above every page to those who can act
	Notice    *Notice  // what the last action did, said once; nil for nothing
	Buildings []Option // the buildings that the viewer may switch between; the switch is shown for two and more
	Building  string   // id of the chosen one among Buildings
}

// Theme is the viewer's choice of colours.
type Theme string

// The themes. System follows the device.
const (
	System Theme = ""
	Light  Theme = "light"
	Dark   Theme = "dark"
)

// Areas says which pages exist and may be opened by the viewer.
type Areas struct {
	Today, Bookings, Book, Displays, Places, Systems, People, System, Audit bool
}

// Alert is something that needs a person: a sentence, its consequence, and the way to the cure.
type Alert struct {
	Broken bool   // something fails; otherwise something is about to
	Title  string // "Nextcloud has not answered since 13:40."
	Text   string // "Doors keep their last picture." or ""
	Path   string // of the cure, without Base
	Link   string // "See what it said"
}

// Notice says what an action did.
type Notice struct {
	Wrong    bool
	Text     string
	UndoPath string // POST target that takes it back, without Base; "" for none
	UndoName string // name and value of one form field that names what to take back; "" for none
	UndoID   string
}

// URL puts the base path before a path of the portal: URL("/today") is "/rooms/today" with a base path of "/rooms".
func (s Shell) URL(path string) string { return s.Base + path }

// With returns this page's path with one query value set or, for an empty value, removed: the way a filter or a switch keeps the rest.
func (s Shell) With(name, value string) string { return pathWith(s.Path, name, value) }

// Static is the path of an embedded file.
func (s Shell) Static(name string) string { return s.Base + static.URL(name) }

// Title of the browser's tab: the page first.
func (s Shell) title(page string) string {
	if page == "" {
		return "Lintel"
	}
	return page + " · Lintel"
}

// navItem is one line of the navigation.
type navItem struct {
	key   string // Head.Here of its pages
	path  string
	label string
	count string // what waits there, "" for nothing
}

// work lists what everybody uses, settings what administrators do.
func (s Shell) work() []navItem {
	waiting := ""
	if s.WaitingDisplays > 0 {
		waiting = s.N("nav.waiting", s.WaitingDisplays)
	}
	var items []navItem
	add := func(may bool, item navItem) {
		if may {
			items = append(items, item)
		}
	}
	add(s.May.Today, navItem{key: "today", path: "/today", label: s.T("nav.today")})
	add(s.May.Bookings, navItem{key: "bookings", path: "/bookings", label: s.T("nav.bookings")})
	add(s.May.Displays, navItem{key: "displays", path: "/displays", label: s.T("nav.displays"), count: waiting})
	return items
}

func (s Shell) settings() []navItem {
	var items []navItem
	add := func(may bool, item navItem) {
		if may {
			items = append(items, item)
		}
	}
	add(s.May.Places, navItem{key: "places", path: "/settings/places", label: s.T("nav.places")})
	add(s.May.Systems, navItem{key: "systems", path: "/settings/systems", label: s.T("nav.systems")})
	add(s.May.Systems, navItem{key: "keys", path: "/settings/keys", label: s.T("nav.keys")})
	add(s.May.People, navItem{key: "people", path: "/settings/people", label: s.T("nav.people")})
	add(s.May.System, navItem{key: "system", path: "/settings/system", label: s.T("nav.system")})
	add(s.May.Audit, navItem{key: "audit", path: "/settings/audit", label: s.T("nav.audit")})
	return items
}

// bottom lists the items of a phone's bottom bar before "More".
func (s Shell) bottom() []bottomItem {
	var items []bottomItem
	if s.May.Today {
		items = append(items, bottomItem{key: "today", path: "/today", label: s.T("nav.today"), icon: "layout-grid"})
	}
	if s.May.Book {
		items = append(items, bottomItem{key: "book", path: "/bookings/new", label: s.T("nav.book"), icon: "calendar-plus"})
	}
	if s.May.Bookings {
		items = append(items, bottomItem{key: "mine", path: "/bookings/mine", label: s.T("nav.mine"), icon: "calendar-check"})
	}
	return items
}

type bottomItem struct{ key, path, label, icon string }

// themeWord names the theme in the account menu's second line.
func (s Shell) themeWord() string {
	switch s.Theme {
	case Light:
		return s.T("theme.light")
	case Dark:
		return s.T("theme.dark")
	}
	return s.T("theme.system")
}

// building returns the name of the chosen building, "" when there is none.
func (s Shell) building() string {
	for _, b := range s.Buildings {
		if b.Value == s.Building {
			return b.Label
		}
	}
	return ""
}

// pathWith returns this page's path with one query value set or, for an empty value, removed.
func pathWith(path, name, value string) string {
	base, query, _ := strings.Cut(path, "?")
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if part != "" && part != name && !strings.HasPrefix(part, name+"=") {
			kept = append(kept, part)
		}
	}
	if value != "" {
		kept = append(kept, name+"="+escape(value))
	}
	if len(kept) == 0 {
		return base
	}
	return base + "?" + strings.Join(kept, "&")
}

// here is aria-current's value: "page" when so, which templ leaves out otherwise.
func here(is bool) templ.Attributes {
	if is {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}

// Head is what the frame needs to know of a page.
type Head struct {
	Title string // of the browser's tab
	Here  string // key of the navigation item that is marked: today, book, mine, bookings, displays, places, systems, keys, people, system, audit, account
	Wide  bool   // Bare only: the wizard's width instead of the sign-in's
}

// Crumb is a page above this one.
type Crumb struct{ Path, Label string }

// Heading is the top of a page.
type Heading struct {
	Crumbs []Crumb
	Title  string
	Sub    string // one quiet line under the title
	Switch bool   // offers the buildings beside Sub
}

// htmxConfig is read by htmx from a meta element: nothing evaluated, no inline style, answers to wrong forms (422) shown.
const htmxConfig = `{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0,"scrollBehavior":"auto",` +
	`"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"422","swap":true},{"code":"[45]..","swap":false,"error":true}]}`
