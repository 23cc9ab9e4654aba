package web

import (
	"encoding/json"
	"fmt"
	"net/http"

	"lintel/templates/ui"
)

// noticeKey names the session's value that holds what the next page is to say.
const noticeKey = "notice"

// done ends a form that was taken: the next page says so. text is in the visitor's language.
func (s *Server) done(w http.ResponseWriter, r *http.Request, v *visitor, path, text string) error {
	return s.doneWith(w, r, v, path, ui.Notice{Text: text})
}

// doneWith is done with a way to undo.
func (s *Server) doneWith(w http.ResponseWriter, r *http.Request, v *visitor, path string, n ui.Notice) error {
	if v.signedIn() {
		b, err := json.Marshal(n)
		if err != nil {
			return fmt.Errorf("keep the notice: %w", err)
		}
		v.session.Values[noticeKey] = string(b)
		if err := v.session.Save(r, w); err != nil {
			return fmt.Errorf("keep the notice: %w", err)
		}
	}
	return s.redirect(w, r, path)
}

// takeNotice returns what waits to be said, once.
func (s *Server) takeNotice(w http.ResponseWriter, r *http.Request, v *visitor) (*ui.Notice, error) {
	if !v.signedIn() {
		return s.spoken(r, v), nil
	}
	raw, ok := v.session.Values[noticeKey].(string)
	if !ok {
		return nil, nil
	}
	delete(v.session.Values, noticeKey)
	if err := v.session.Save(r, w); err != nil {
		return nil, fmt.Errorf("take the notice: %w", err)
	}
	var n ui.Notice
	if err := json.Unmarshal([]byte(raw), &n); err != nil {
		return nil, fmt.Errorf("take the notice: %w", err)
	}
	return &n, nil
}

// saidParam carries, to pages that nobody is signed in to, which of a few fixed sentences to say.
const saidParam = "said"

func (s *Server) spoken(r *http.Request, v *visitor) *ui.Notice {
	switch r.URL.Query().Get(saidParam) {
	case "signed-out":
		return &ui.Notice{Text: v.T("sign_in.said_signed_out")}
	case "password-set":
		return &ui.Notice{Text: v.T("sign_in.said_password_set")}
	}
	return nil
}
