package people

import (
	"crypto/rand"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"lintel/app/problem"
	"lintel/app/secret"
)

// Bounds of a password, in characters and bytes.
const (
	MinPassword = 10
	maxPassword = 1024
)

// CheckPassword returns a problem that blames field when a password is too short, too long or one that is
// tried first: the owner's own name or address, a run of the keyboard, the same few letters again. It asks
// for no digits or signs; length is what counts (NIST SP 800-63B, 5.1.1.2).
func CheckPassword(field string, password secret.Text, owner ...string) error {
	p := password.Reveal()
	switch {
	case p == "":
		return problem.Field(field, "form.missing")
	case utf8.RuneCountInString(p) < MinPassword:
		return problem.Field(field, "people.password_short", "Count", MinPassword)
	case len(p) > maxPassword:
		return problem.Field(field, "people.password_long")
	case trivial(strings.ToLower(p), owner):
		return problem.Field(field, "people.password_trivial")
	}
	return nil
}

func trivial(p string, owner []string) bool {
	distinct := map[rune]bool{}
	for _, r := range p {
		distinct[r] = true
	}
	if len(distinct) < 5 {
		return true
	}
	const runs = "0123456789012345 abcdefghijklmnopqrstuvwxyz qwertyuiopasdfghjklzxcvbnm qwertzuiopasdfghjklyxcvbnm azertyuiopqsdfghjklmwxcvbn"
	if strings.Contains(runs, p) || strings.Contains(reversed(runs), p) {
		return true
	}
	// What is left without common words and the owner's own names must still be a password.
	notWord := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	words := []string{"password", "passwort", "motdepasse", "lintel", "administrator", "welcome", "willkommen", "qwerty", "qwertz", "changeme", "geheim", "secret"}
	for _, o := range owner {
		words = append(words, strings.FieldsFunc(strings.ToLower(o), notWord)...)
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	rest := p
	for _, word := range words {
		if utf8.RuneCountInString(word) >= 3 {
			rest = strings.ReplaceAll(rest, word, " ")
		}
	}
	left := 0
	for _, r := range rest {
		if !notWord(r) {
			left++
		}
	}
	return rest != p && left < 6
}

func reversed(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}

// NewPassword returns a random password of 80 bits that can be read aloud: four groups of four letters and digits.
func NewPassword() secret.Text {
	const letters = "abcdefghjkmnpqrstuvwxyz23456789x" // 32; without i, l, o, 0, 1
	var b [16]byte
	rand.Read(b[:])
	var out strings.Builder
	for i, v := range b {
		if i > 0 && i%4 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(letters[v&31])
	}
	return secret.New(out.String())
}
