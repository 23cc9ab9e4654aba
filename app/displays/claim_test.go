package displays

import (
	"strings"
	"testing"
)

func TestClaimCodes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 500 {
		c := newClaim()
		if readClaim(c) != c || len(c) != 7 {
			t.Fatalf("%q is read as %q", c, readClaim(c))
		}
		if strings.ContainsAny(c, "01ILOU") {
			t.Fatalf("%q can be misread", c)
		}
		seen[c] = true
	}
	if len(seen) < 499 {
		t.Errorf("500 codes, %d different", len(seen))
	}
}

func TestReadClaim(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"7F3K-92": "7F3K-92", "7f3k92": "7F3K-92", " 7f3k 92 ": "7F3K-92", "7F3K–92": "7F3K-92",
		"": "", "7F3K-9": "", "7F3K-922": "", "7F3O-92": "", "7F3Ä-92": "", strings.Repeat("A", 1000): "",
	} {
		if got := readClaim(typed); got != want {
			t.Errorf("readClaim(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	a, hash := newKey()
	b, _ := newKey()
	if a.Reveal() == b.Reveal() || len(a.Reveal()) != 43 {
		t.Errorf("keys of %d letters", len(a.Reveal()))
	}
	if h := hashKey(a.Reveal()); string(h[:]) != string(hash) {
		t.Error("the hash is of something else")
	}
}
