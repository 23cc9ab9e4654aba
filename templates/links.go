package templates

import "lintel/templates/ui"

// SetPassword is where a reset link leads: GET /password/{token}.
//
// POST /password/{token}: password, again.
type SetPassword struct {
	Token  string
	Name   string
	Login  string
	Errors ui.Errors
}

// UseLink is where a link leads that signs in: GET /link/{token}. Nothing happens on GET: the button does it.
//
// POST Action: token.
type UseLink struct {
	Name   string // of the account
	Token  string
	Action string
}

// LinkOver is said of a link that was used, has run out, or never was.
type LinkOver struct {
	Setup  bool // it was a set-up link
	Done   bool // the set-up is through
	SignIn bool // the way to the sign-in page is offered
}

// Error is an error page: 403, 404, 422 without a form, 429, 500, 503.
type Error struct {
	Status  int
	Title   string // "" takes the status's own
	Text    string // what happened and what to do; "" takes the status's own
	Request string // id by which the log names the request; "" for none
	Back    string // path of the way out, "" for the first page
}

func (v Error) words(sh ui.Shell) (title, text string) {
	key := "error.other"
	switch v.Status {
	case 403, 404, 429, 500, 503:
		key = "error." + number(v.Status)
	}
	title, text = v.Title, v.Text
	if title == "" {
		title = sh.T(key + "_title")
	}
	if text == "" {
		text = sh.T(key + "_text")
	}
	return title, text
}

func (v Error) back() string {
	if v.Back == "" {
		return "/"
	}
	return v.Back
}
