package connectors

import (
	"strings"
	"testing"

	"lintel/app/secret"
)

func TestWords(t *testing.T) {
	t.Parallel()
	own := secret.New("hunter2")
	for in, want := range map[string]string{
		"":                              "",
		"  HTTP 403:\n no \t way ":      "HTTP 403: no way",
		"the password hunter2 is wrong": "the password *** is wrong",
		"Authorization: Basic c3ZjOngxMg== refused":   "Authorization: Basic … refused",
		"authorization: bearer abcdefgh.1jkl":         "authorization: bearer …",
		"Basic authentication is off":                 "Basic authentication is off",
		"mailbox ada@people.example is not there":     "mailbox …@… is not there",
		"token " + strings.Repeat("aB3", 20) + " end": "token … end",
		"ya29.short": "…",
		"\xff":       "?",
	} {
		if got := Words(in, own, secret.Text{}); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := Words(strings.Repeat("ü ", 300)); len([]rune(got)) != 201 {
		t.Errorf("%d characters", len([]rune(got)))
	}
}
